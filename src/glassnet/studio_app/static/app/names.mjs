/** Names of the inputs of the network, as the page shows them. */

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
