import { html } from "../vendor/htm-preact-standalone.mjs";
import { Confusion } from "./confusion.mjs";
import { Curves } from "./curves.mjs";
import { ImageRow } from "./image_row.mjs";
import { nameOfScore } from "./names.mjs";
import { formatNumber } from "./numbers.mjs";
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
    ${!isRowHidden && html`<${RowDetails} />`}
    <${Curves} />
    <${Confusion} />
  `;
}

/** Loss and score of training and test rows, beside those of simple methods. */
function Scores() {
  const picture = usePicture();
  const rivals = useStore(({ state }) => state.rivals);
  if (useHidden("output.scores") || !picture) return null;
  const { losses, scores, score_name: name } = picture;
  return html`<table class="scores" data-testid="scores">
    <thead>
      <tr>
        <td></td>
        <th scope="col">training</th>
        <th scope="col">test</th>
      </tr>
    </thead>
    <tbody>
      <${ScoreLine} label="Loss" testId="loss" values=${losses} />
      ${name && html`<${ScoreLine}
        label=${nameOfScore(name)}
        testId="score"
        values=${scores}
        isMain
      />`}
      ${rivals.map((rival) => html`<${RivalLine} key=${rival.name} rival=${rival} />`)}
    </tbody>
  </table>`;
}

function ScoreLine({ label, testId, values, isMain = false }) {
  return html`<tr class=${isMain ? "main" : ""}>
    <th scope="row">${label}</th>
    <${Score} testId=${`${testId}_train`} value=${values[0]} />
    <${Score} testId=${`${testId}_test`} value=${values[1]} />
  </tr>`;
}

/** A simple method, by its score, or by its loss if it has none. */
function RivalLine({ rival }) {
  const isTest = rival.rows === "test rows";
  return html`<tr>
    <th scope="row">
      ${rival.name}${rival.score === null && ", loss"}
      ${!isTest && html` <span class="hint">(on ${rival.rows})</span>`}
    </th>
    <td></td>
    <${Score} testId="rival" value=${rival.score ?? rival.loss} />
  </tr>`;
}

function Score({ testId, value }) {
  return html`<td class="number" data-testid=${testId} data-value=${value ?? ""}>
    ${formatNumber(value)}
  </td>`;
}
