import { html } from "../vendor/htm-preact-standalone.mjs";
import { Confusion } from "./confusion.mjs";
import { Curves } from "./curves.mjs";
import { ImageRow } from "./image_row.mjs";
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
  const scoreName = useStore(({ state }) => state.score_name);
  if (useHidden("output.scores") || !picture) return null;
  const [name, score] = Object.entries(picture.score)[0] ?? [scoreName, [null, null]];
  return html`<table class="scores" data-testid="scores">
    <thead>
      <tr><td></td><th scope="col">training</th><th scope="col">test</th></tr>
    </thead>
    <tbody>
      <${ScoreLine} label="Loss" testId="loss" values=${picture.losses} />
      <${ScoreLine} label=${name} testId="score" values=${score} isMain />
      ${rivals.map(
        (rival) =>
          html`<${ScoreLine}
            key=${rival.name}
            label=${`${name} of ${rival.name}`}
            testId="rival"
            values=${[rival.train, rival.test]}
          />`,
      )}
    </tbody>
  </table>`;
}

function ScoreLine({ label, testId, values, isMain = false }) {
  return html`<tr class=${isMain ? "main" : ""}>
    <th scope="row">${label}</th>
    ${values.map(
      (value, i) =>
        html`<td
          key=${i}
          class="number"
          data-testid=${`${testId}_${i ? "test" : "train"}`}
          data-value=${value}
        >${formatNumber(value)}</td>`,
    )}
  </tr>`;
}
