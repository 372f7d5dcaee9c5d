/** Weights of the network: which there are, their values in a picture, and their names in words. */

/** @typedef {{name: string, index: number[]}} Weight one number: "dense_1/kernel" and [0, 1]. */

/** Return the entry of `state.network.weights` with a name, or undefined. */
export const findArray = (network, name) => network.weights.find((entry) => entry.name === name);

/** Return whether the network has a weight. */
export function hasWeight(network, weight) {
  const entry = weight && findArray(network, weight.name);
  return Boolean(entry) && weight.index.every((i, axis) => i < entry.shape[axis]);
}

/** Return the place of a weight in the array `weights` of a picture. */
export function weightOffset(network, { name, index }) {
  const { offset, shape } = findArray(network, name);
  return offset + index.reduce((sum, i, axis) => sum * shape[axis] + i, 0);
}

/** Return the value of a weight in a picture. */
export const readWeight = (network, picture, weight) =>
  picture.arrays.weights[weightOffset(network, weight)];

/** Return the name of an input of a layer: a column, or a neuron of the layer before. */
export function inputName(state, layerName, i) {
  const layers = state.network.layers.map(({ name }) => name);
  const dense = layers.filter((name) => findArray(state.network, `${name}/kernel`));
  const before = dense[dense.indexOf(layerName) - 1];
  if (before) return `${before}[${i}]`;
  return state.data.input_names[i] ?? `input ${i}`;
}

/** Return a weight in words: "x1 → dense_1[2]", or "bias of dense_1[2]". */
export function describeWeight(state, { name, index }) {
  const { layer, key } = findArray(state.network, name);
  if (key === "kernel" && index.length === 2)
    return `${inputName(state, layer, index[0])} → ${layer}[${index[1]}]`;
  if (key === "bias" && index.length === 1) return `bias of ${layer}[${index[0]}]`;
  return `${name}[${index.join(", ")}]`;
}

/** Return whether two weights are the same number. */
export const isSameWeight = (a, b) =>
  a?.name === b?.name && String(a?.index) === String(b?.index);
