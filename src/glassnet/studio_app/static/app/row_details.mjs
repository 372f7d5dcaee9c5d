import { html } from "../vendor/htm-preact-standalone.mjs";
import { formatNumber } from "./numbers.mjs";
import { classColor } from "./region_painting.mjs";
import { useStore, useStudio } from "./store.mjs";
import { changeView } from "./view.mjs";

/** Return how to choose the row that is looked at: {row, count, show, move, press}. */
export function useRows() {
  const studio = useStudio();
  const row = useStore(({ view }) => view.row);
  const count = useStore(({ state }) => state.data.n_train + state.data.n_test);
  const show = (index) =>
    index !== studio.store.get().view.row && changeView(studio, { row: index });
  const move = (by) => count > 0 && show(row === null ? 0 : (row + by + count) % count);
  const press = (event) => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!by) return;
    event.preventDefault();
    move(by);
  };
  return { row, count, show, move, press };
}

/** The row that is looked at: its values, what the network predicts, and its loss. */
export function RowDetails() {
  const { row, count, show, move } = useRows();
  const details = useStore((content) => content.row);
  const data = useStore(({ state }) => state.data);
  const isShown = details && details.index === row;
  const change = (event) => {
    const number = Number(event.currentTarget.value);
    if (Number.isInteger(number) && number >= 1 && number <= count) show(number - 1);
    else event.currentTarget.value = row === null ? "" : row + 1;
  };
  return html`<section class="row-details" aria-label="Row of the data">
    <div class="row">
      <button
        class="small"
        data-testid="previous_row"
        aria-label="Previous row"
        disabled=${!count}
        onClick=${() => move(-1)}
      >‹</button>
      <label class="row">Row
        <input
          type="number"
          min="1"
          max=${count}
          data-testid="row"
          value=${row === null ? "" : row + 1}
          onChange=${change}
        />
      </label>
      <button
        class="small"
        data-testid="next_row"
        aria-label="Next row"
        disabled=${!count}
        onClick=${() => move(1)}
      >›</button>
      <span class="hint">${describeRow(isShown && details, count)}</span>
    </div>
    ${isShown && html`<${Values} details=${details} data=${data} />`}
    ${
      isShown &&
      details.probabilities?.length > 0 &&
      html`<${Probabilities}
      values=${details.probabilities}
      names=${data.class_names}
    />`
    }
  </section>`;
}

function describeRow(details, count) {
  if (!details) return `of ${count}. Point at a row, or choose one here.`;
  return details.is_test ? "a test row" : "a training row";
}

function Values({ details, data }) {
  return html`<table class="values" data-testid="row_values">
    <tbody>
      ${details.values
        .filter(([name]) => name !== data.target_name)
        .map(
          ([name, text]) => html`<tr key=${name}>
          <th scope="row">${name}</th>
          <td class="number">${text}</td>
        </tr>`,
        )}
      <tr class="rule"><th scope="row">Target: ${data.target_name}</th><td
        class="number"
        data-testid="row_target"
      >${details.target}</td></tr>
      <tr><th scope="row">Prediction</th><td
        class="number"
        data-testid="row_prediction"
      >${details.prediction}</td></tr>
      <tr>
        <th scope="row">Loss of this row</th>
        <td
          class="number"
          data-testid="row_loss"
          data-value=${details.loss}
        >${formatNumber(details.loss)}</td>
      </tr>
    </tbody>
  </table>`;
}

function Probabilities({ values, names }) {
  return html`<table class="probabilities" data-testid="probabilities">
    <caption class="label">Probability of each class</caption>
    <tbody>
      ${values.map(
        (value, k) => html`<tr key=${k}>
          <th scope="row">${names[k] ?? k}</th>
          <td class="bar-cell"><span
            class="bar"
            style=${{ width: `${100 * value}%`, background: classColor(k) }}
          ></span></td>
          <td class="number" data-value=${value}>${formatNumber(value, 3)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}
