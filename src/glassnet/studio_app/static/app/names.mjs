/** Names of inputs and scores, as the page shows them. */

const SCORES = { mae: "mean absolute error", mse: "mean squared error" };

/** Return the name to show for a metric: that of "mae" is "mean absolute error". */
export const nameOfScore = (name) => SCORES[name] ?? name.replaceAll("_", " ");

/**
 * Return the name to show for each name of an input: arrays have names such as x1 in the network,
 * and names such as "age" in their dataset.
 * @param {{input_names: string[], feature_names: string[]}} data of the state
 * @returns {(name: string) => string}
 */
export function namesOf({ input_names: inputs, feature_names: features }) {
  if (inputs.length !== features.length) return (name) => name;
  const names = new Map(inputs.map((name, i) => [name, features[i]]));
  return (name) => names.get(name) ?? name;
}
