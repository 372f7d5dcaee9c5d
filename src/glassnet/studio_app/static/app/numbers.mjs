/** Text of numbers on the page. The full precision is in `data-value` beside it. */

const MINUS = "\u2212";

/** Significant digits of losses. */
export const LOSS_DIGITS = 5;

/** Return a number in at most `digits` significant digits: 0.123, −1.5e−7. */
export function formatNumber(value, digits = 4) {
  if (value === null || value === undefined) return "";
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value < 0 ? `${MINUS}∞` : "∞";
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6)
      ? value.toExponential(Math.max(0, digits - 2))
      : String(Number(value.toPrecision(digits)));
  return text.replaceAll("-", MINUS).replace("e+", "e");
}
