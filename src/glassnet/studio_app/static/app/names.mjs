/** Names of scores, as the page shows them. */

const SCORES = { mae: "mean absolute error", mse: "mean squared error" };

/** Return the name to show for a metric: that of "mae" is "mean absolute error". */
export const nameOfScore = (name) => SCORES[name] ?? name.replaceAll("_", " ");

/** Return a text with a capital first letter. */
export const capitalize = (text) => text.charAt(0).toUpperCase() + text.slice(1);
