import { html } from "../vendor/htm-preact-standalone.mjs";
import { SelectField } from "./fields.mjs";
import { useHidden } from "./store.mjs";

/** The target and the columns of a table: what each is, and whether it takes part. */
export function Columns({ settings, change, data }) {
  const isHidden = useHidden("data.columns");
  if (!data.columns.length) return null;
  const used = data.columns.filter((column) => column.used).map((column) => column.name);
  const toggle = (name, isUsed) =>
    change({
      columns: data.columns
        .map((column) => column.name)
        .filter((each) => (each === name ? isUsed : used.includes(each))),
    });
  const names = [...new Set([...data.columns.map((column) => column.name), data.target_name])];
  return html`
    ${
      settings.name === "own" &&
      html`<${SelectField}
      name="data.target"
      label="Target: the column to predict"
      value=${data.target_name}
      options=${names}
      hint="The network is built again for another target."
      onChange=${(target) => change({ target, columns: [] })}
    />`
    }
    ${
      !isHidden &&
      html`<fieldset class="columns-list">
      <legend class="label">Columns that take part</legend>
      <ul>
        ${data.columns
          .filter((column) => column.name !== data.target_name)
          .map(
            (column) => html`<li key=${column.name}>
              <label class="check" title=${column.detail}>
                <input
                  type="checkbox"
                  data-testid="column"
                  checked=${column.used}
                  disabled=${column.used && used.length === 1}
                  onChange=${(event) => toggle(column.name, event.currentTarget.checked)}
                />
                <span>
                  <b>${column.name}</b>${" "}
                  <span class="hint">
                    ${column.kind}${column.detail ? `: ${column.detail}` : ""}
                  </span>
                </span>
              </label>
            </li>`,
          )}
      </ul>
    </fieldset>`
    }
  `;
}
