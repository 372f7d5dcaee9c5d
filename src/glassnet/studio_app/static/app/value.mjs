import { html } from "../vendor/htm-preact-standalone.mjs";
import { formatNumber } from "./numbers.mjs";

/** A number on the page, with its full precision in `data-value`. */
export function Value({ value, testId, digits }) {
  return html`<span class="number" data-testid=${testId} data-value=${value}>
    ${formatNumber(value ?? NaN, digits)}
  </span>`;
}
