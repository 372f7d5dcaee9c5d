import { html, useState } from "../vendor/htm-preact-standalone.mjs";
import { fade, toCss, toRgb } from "./colors.mjs";
import { Select } from "./fields.mjs";
import { usePicture } from "./output_picture.mjs";
import { useHidden, useStore } from "./store.mjs";

const FULL = toRgb("#0b5cab");
const MANY = 6; // classes, from which the cells are narrow
const DARK_FROM = 0.82; // the share from which white text has more contrast than black

/** Counts of the rows by class and predicted class, of the test or the training rows. */
export function Confusion() {
  const names = useStore(({ state }) => state.data.class_names);
  const hasTest = useStore(({ state }) => state.data.n_test > 0);
  const [ofTraining, setOfTraining] = useState(false);
  const { arrays } = usePicture() ?? {};
  const isTraining = ofTraining || !hasTest;
  const counts = isTraining ? (arrays?.confusion_train ?? arrays?.confusion) : arrays?.confusion;
  const n = names.length;
  if (useHidden("output.confusion") || n < 2 || !counts || counts.length !== n * n) return null;
  return html`<div class="confusion">
    <div class="row">
      <h3>Confusion matrix</h3>
      ${
        hasTest &&
        html`<label class="row"><span class="hidden">Rows</span>
        <${Select}
          data-testid="confusion_rows"
          value=${ofTraining ? "train" : "test"}
          options=${[["test", "test rows"], ["train", "training rows"]]}
          onChange=${(rows) => setOfTraining(rows === "train")}
        />
      </label>`
      }
    </div>
    <div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">
      <table data-testid="confusion" class=${n > MANY ? "many" : ""}>
        <thead>
          <tr><td></td><th colspan=${n} scope="colgroup">predicted</th></tr>
          <tr><th scope="col">true</th>${names.map(
            (name) => html`<th
            key=${name}
            scope="col"
          >${name}</th>`,
          )}</tr>
        </thead>
        <tbody>
          ${names.map(
            (name, i) => html`<${Line}
            key=${name}
            name=${name}
            counts=${counts.subarray(i * n, (i + 1) * n)}
            index=${i}
          />`,
          )}
        </tbody>
      </table>
    </div>
  </div>`;
}

function Line({ name, counts, index }) {
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return html`<tr>
    <th scope="row">${name}</th>
    ${Array.from(
      counts,
      (count, k) => html`<td
      key=${k}
      class=${k === index ? "right" : ""}
      style=${shade(count / total)}
      data-value=${count}
    >${count}</td>`,
    )}
  </tr>`;
}

const shade = (share) => ({
  background: toCss(fade(FULL, share)),
  color: share > DARK_FROM ? "#ffffff" : "#000000",
});
