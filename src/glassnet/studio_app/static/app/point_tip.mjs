import { html } from "../vendor/htm-preact-standalone.mjs";
import { formatNumber } from "./numbers.mjs";
import { useStore } from "./store.mjs";

const HIGH = 0.3; // of the map: a point above has its text below it

/**
 * What the row under the pointer is, beside its point.
 * @param {{place: [number, number]|null}} properties from the left and from the top, 0 to 1.
 */
export function PointTip({ place }) {
  const row = useStore((content) => content.row);
  const chosen = useStore(({ view }) => view.row);
  if (!place || row?.index !== chosen) return null;
  const [x, y] = place;
  const style = { [x < 0.5 ? "left" : "right"]: `${100 * (x < 0.5 ? x : 1 - x)}%` };
  style[y < HIGH ? "top" : "bottom"] = `calc(${100 * (y < HIGH ? y : 1 - y)}% + 14px)`;
  return html`<div class="point-tip" data-testid="point_tip" style=${style}>
    <b>Row ${row.index + 1}</b>, ${row.is_test ? "test" : "training"}<br />
    target ${row.target}<br />
    prediction ${row.prediction}<br />
    loss <span class="number">${formatNumber(row.loss)}</span>
  </div>`;
}
