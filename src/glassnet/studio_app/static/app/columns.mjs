import { html, useState } from "../vendor/htm-preact-standalone.mjs";
import { Select, SelectField } from "./fields.mjs";
import { useHidden } from "./store.mjs";

const LEFT_OUT = "left out"; // the kind of a column that cannot take part
const MAX_LISTED = 100;
const INFERRED = "";
const COLUMN_TYPES = [
  [INFERRED, "as inferred"],
  ["number", "number"],
  ["category", "category"],
  ["boolean", "boolean"],
  ["date", "date"],
  ["drop", LEFT_OUT],
];

/** The target and the columns of a table: what each is, and whether it takes part. */
export function Columns({ settings, change, data }) {
  const isHidden = useHidden("data.columns");
  const [part, setPart] = useState("");
  const targetType = html`<${TargetType} data=${data} settings=${settings} change=${change} />`;
  if (!data.columns.length) return targetType;
  const names = data.columns.map(({ name }) => name);
  const isUsed = ({ name, kind }) =>
    kind !== LEFT_OUT && (!settings.columns.length || settings.columns.includes(name));
  const isWide = data.columns.length > MAX_LISTED;
  const found = isWide ? data.columns.filter(({ name }) => hasPart(name, part)) : data.columns;
  const used = data.columns.filter(isUsed).map(({ name }) => name);
  const toggle = (name, isChecked) =>
    change({ columns: names.filter((each) => (each === name ? isChecked : used.includes(each))) });
  const setType = (name, type) => {
    const { [name]: _, ...others } = settings.column_types;
    change({ column_types: type === INFERRED ? others : { ...others, [name]: type } });
  };
  return html`<div class="stack">
    ${settings.name === "own" && html`<${Target} data=${data} names=${names} change=${change} />`}
    ${targetType}
    ${
      !isHidden &&
      html`<fieldset class="columns-list">
      <legend class="label">Columns that take part</legend>
      ${isWide && html`<${FindColumn} part=${part} setPart=${setPart} count=${found.length} />`}
      <ul>
        ${found.slice(0, MAX_LISTED).map(
          (column) => html`<${Column}
            key=${column.name}
            column=${column}
            isUsed=${isUsed(column)}
            isLast=${isUsed(column) && used.length === 1}
            toggle=${toggle}
            type=${settings.column_types[column.name] ?? INFERRED}
            setType=${data.has_column_types && ((type) => setType(column.name, type))}
          />`,
        )}
      </ul>
    </fieldset>`
    }
  </div>`;
}

const hasPart = (name, part) => name.toLowerCase().includes(part.toLowerCase());

/** A part of the names of the columns that are listed. */
function FindColumn({ part, setPart, count }) {
  return html`<div class="stack">
    <input
      type="text"
      data-testid="find_column"
      aria-label="Part of the name of a column"
      placeholder="part of the name"
      value=${part}
      onInput=${(event) => setPart(event.currentTarget.value)}
    />
    <span class="hint" data-testid="n_columns">
      ${Math.min(count, MAX_LISTED)} of ${count.toLocaleString("en")} columns are listed.
    </span>
  </div>`;
}

function Target({ data, names, change }) {
  return html`<${SelectField}
    name="data.target"
    label="Target: the column to predict"
    value=${data.target_name}
    options=${[...names, data.target_name]}
    hint="The network is built again for another target."
    onChange=${(target) => change({ target, target_type: null, columns: [] })}
  />`;
}

/** Whether the target is a class or a number: integers can be both. */
function TargetType({ data, settings, change }) {
  if (!data.has_target_type) return null;
  return html`<${SelectField}
    name="data.target_type"
    label="The target has classes or numbers"
    value=${settings.target_type ?? INFERRED}
    options=${[
      [INFERRED, "as inferred"],
      ["category", "classes"],
      ["number", "numbers"],
    ]}
    hint="The network is built again with the output layer and the loss that fit."
    onChange=${(type) => change({ target_type: type === INFERRED ? null : type })}
  />`;
}

function Column({ column, isUsed, isLast, toggle, type, setType }) {
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
    ${setType && html`<${ColumnType} name=${name} type=${type} setType=${setType} />`}
  </li>`;
}

function ColumnType({ name, type, setType }) {
  if (useHidden("data.column_types")) return null;
  return html`<${Select}
    class="column-type"
    data-testid="column_type"
    data-column=${name}
    aria-label=${`Type of ${name}`}
    title="How the column is encoded for the network"
    value=${type}
    options=${COLUMN_TYPES}
    onChange=${setType}
  />`;
}
