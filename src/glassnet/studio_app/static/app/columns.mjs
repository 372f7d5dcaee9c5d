import { html } from "../vendor/htm-preact-standalone.mjs";
import { SelectField } from "./fields.mjs";
import { useHidden } from "./store.mjs";

const LEFT_OUT = "left out"; // the kind of a column that cannot take part

/** The target and the columns of a table: what each is, and whether it takes part. */
export function Columns({ settings, change, data }) {
  const isHidden = useHidden("data.columns");
  if (!data.columns.length) return null;
  const names = data.columns.map(({ name }) => name);
  const isUsed = ({ name, kind }) =>
    kind !== LEFT_OUT && (!settings.columns.length || settings.columns.includes(name));
  const used = data.columns.filter(isUsed).map(({ name }) => name);
  const toggle = (name, isChecked) =>
    change({ columns: names.filter((each) => (each === name ? isChecked : used.includes(each))) });
  return html`<div class="stack">
    ${settings.name === "own" && html`<${Target} data=${data} names=${names} change=${change} />`}
    ${
      !isHidden &&
      html`<fieldset class="columns-list">
      <legend class="label">Columns that take part</legend>
      <ul>
        ${data.columns.map(
          (column) => html`<${Column}
            key=${column.name}
            column=${column}
            isUsed=${isUsed(column)}
            isLast=${isUsed(column) && used.length === 1}
            toggle=${toggle}
          />`,
        )}
      </ul>
    </fieldset>`
    }
  </div>`;
}

function Target({ data, names, change }) {
  return html`<${SelectField}
    name="data.target"
    label="Target: the column to predict"
    value=${data.target_name}
    options=${[...names, data.target_name]}
    hint="The network is built again for another target."
    onChange=${(target) => change({ target, columns: [] })}
  />`;
}

function Column({ column, isUsed, isLast, toggle }) {
  const { name, kind, detail } = column;
  return html`<li>
    <label class="check">
      <input
        type="checkbox"
        data-testid="column"
        value=${name}
        checked=${isUsed}
        disabled=${isLast || kind === LEFT_OUT}
        onChange=${(event) => toggle(name, event.currentTarget.checked)}
      />
      <span>
        <b>${name}</b>${" "}
        <span class="hint">${kind}${detail && `: ${detail}`}</span>
      </span>
    </label>
  </li>`;
}
