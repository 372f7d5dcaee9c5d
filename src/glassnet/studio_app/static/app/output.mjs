import { html } from "../vendor/htm-preact-standalone.mjs";
import { Confusion } from "./confusion.mjs";
import { Curves } from "./curves.mjs";
import { ImageRow } from "./image_row.mjs";
import { capitalize, nameOfScore } from "./names.mjs";
import { LOSS_DIGITS, formatNumber } from "./numbers.mjs";
import { usePicture } from "./output_picture.mjs";
import { Regions } from "./regions.mjs";
import { RowDetails } from "./row_details.mjs";
import { useHidden, useStore } from "./store.mjs";

/** What the network computes: its output, losses and scores, and one row in detail. */
export function Output() {
  const kind = useStore(({ state }) => state.data.kind);
  const hasMap = useStore(({ picture }) => Boolean(picture?.grid));
  const isMapHidden = useHidden("output.map");
  const isRowHidden = useHidden("output.row");
  return html`
    <${Scores} />
    ${hasMap && !isMapHidden && html`<${Regions} />`}
    ${kind === "images" && !isMapHidden && html`<${ImageRow} />`}
    ${kind === "images" && !isRowHidden && html`<${RowDetails} />`}
    <${Curves} />
    ${kind !== "images" && !isRowHidden && html`<${RowDetails} />`}
    <${Confusion} />
  `;
}

/** Loss and score of training and test rows, beside those of simple methods. */
function Scores() {
  const picture = usePicture();
  const rivals = useStore(({ state }) => state.rivals);
  const unit = useStore(({ state }) => state.network.loss_unit);
  if (useHidden("output.scores") || !picture) return null;
  const { losses, scores, score_name: name } = picture;
  return html`<div class="scores">
    <table data-testid="scores">
      <thead>
        <tr>
          <td></td>
          <th scope="col">training</th>
          <th scope="col">test</th>
        </tr>
      </thead>
      <tbody>
        <${ScoreLine} label="Loss" testId="loss" values=${losses} digits=${LOSS_DIGITS} />
        ${name && html`<${ScoreLine}
          label=${capitalize(nameOfScore(name))}
          testId="score"
          values=${scores}
          isMain
        />`}
      </tbody>
    </table>
    ${rivals.length > 0 && html`<${Rivals} rivals=${rivals} scoreName=${name} />`}
    ${unit && html`<p class="hint" data-testid="loss_unit">${unit}</p>`}
  </div>`;
}

function ScoreLine({ label, testId, values, digits, isMain = false }) {
  return html`<tr class=${isMain ? "main" : ""}>
    <th scope="row">${label}</th>
    <${Score} testId=${`${testId}_train`} value=${values[0]} digits=${digits} />
    <${Score} testId=${`${testId}_test`} value=${values[1]} digits=${digits} />
  </tr>`;
}

/** Simple methods, by their score, or by their loss if they have none. */
function Rivals({ rivals, scoreName }) {
  const [{ score, rows }] = rivals;
  const what = score === null ? "loss" : nameOfScore(scoreName);
  const digits = score === null ? LOSS_DIGITS : undefined;
  return html`<div class="hint rivals" data-testid="rivals">
    <span>Simple methods, ${what} on ${rows}:</span>
    ${rivals.map(({ name, score, loss }) => {
      const value = score ?? loss;
      return html`<span key=${name}>${name}${" "}
        <b class="number" data-testid="rival" data-value=${value}>${formatNumber(value, digits)}</b>
      </span>`;
    })}
  </div>`;
}

/** A number; null is one that JSON cannot hold, and undefined is none. */
function Score({ testId, value, digits }) {
  return html`<td class="number" data-testid=${testId} data-value=${value ?? ""}>
    ${value === null ? "not finite" : formatNumber(value, digits)}
  </td>`;
}
