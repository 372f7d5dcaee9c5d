/** Numbers of a walk through a step: which have appeared on the tiles at a stage. */

const MAX_INPUTS = 64;

/** Return the largest absolute value of the arrays whose names begin with a prefix. */
function findScale(arrays, prefix) {
  const names = Object.keys(arrays).filter((name) => name.startsWith(prefix));
  const sizes = names.map((name) => arrays[name].reduce((a, b) => Math.max(a, Math.abs(b)), 0));
  return Math.max(...sizes, 0) || 1;
}

/**
 * Return the numbers on the tiles, by layer: outputs first, then the deltas as they come back.
 * @param {object} walk the message of the session, with its arrays.
 * @param {number} stage index of the present stage.
 * @returns {Map<string, {numbers: Float32Array, scale: number}>}
 */
export function listWalkValues({ stages, arrays }, stage) {
  const values = new Map();
  const prefixes = { forward: "a_", backward: "delta_" };
  if (arrays.input.length <= MAX_INPUTS)
    values.set("input", { numbers: arrays.input, scale: findScale(arrays, "input") });
  for (const { kind, layer } of stages.slice(0, stage + 1)) {
    const prefix = prefixes[kind];
    const numbers = arrays[`${prefix}${layer}`];
    if (prefix && numbers) values.set(layer, { numbers, scale: findScale(arrays, prefix) });
  }
  return values;
}

/**
 * Return the rows of the table of a stage: one per neuron, or one per weight with the largest update.
 * @returns {{head: string[], rows: Array<Array<string|number>>, total: number}|null}
 */
export function listStageRows({ stages, arrays }, stage, limit = 12) {
  const { kind, layer } = stages[stage];
  const columns = {
    forward: { z: arrays[`z_${layer}`], a: arrays[`a_${layer}`] },
    backward: { delta: arrays[`delta_${layer}`] },
  }[kind];
  if (columns) {
    const names = Object.keys(columns).filter((name) => columns[name]);
    if (!names.length) return null;
    const total = columns[names[0]].length;
    const rows = Array.from({ length: Math.min(total, limit) }, (_, unit) => [
      `neuron ${unit}`,
      ...names.map((name) => columns[name][unit]),
    ]);
    return { head: ["", ...names], rows, total };
  }
  return kind === "update" ? listUpdates(arrays, limit) : null;
}

/** Return the weights with the largest updates. */
function listUpdates(arrays, limit) {
  const rows = [];
  for (const name of Object.keys(arrays).filter((key) => key.startsWith("update_"))) {
    const weights = name.slice("update_".length);
    const gradient = arrays[`gradient_${weights}`];
    const at = weights.lastIndexOf("_");
    const label = `${weights.slice(0, at)}/${weights.slice(at + 1)}`;
    const { shape } = arrays[name];
    arrays[name].forEach((update, i) =>
      rows.push([`${label}[${toIndex(i, shape).join(", ")}]`, gradient[i], update]),
    );
  }
  if (rows.length > limit) rows.sort((a, b) => Math.abs(b[2]) - Math.abs(a[2]));
  return { head: ["", "gradient", "update"], rows: rows.slice(0, limit), total: rows.length };
}

function toIndex(i, shape) {
  const index = [];
  for (const n of [...shape].reverse()) {
    index.unshift(i % n);
    i = Math.floor(i / n);
  }
  return index;
}
