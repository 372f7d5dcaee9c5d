/** Numbers of a walk through a step: which have appeared on the tiles at a stage. */

const MAX_INPUTS = 64;

/** Return the largest absolute value of the arrays whose names begin with a prefix. */
function findScale(arrays, prefix) {
  const names = Object.keys(arrays).filter((name) => name.startsWith(prefix));
  const sizes = names.map((name) => arrays[name].reduce((a, b) => Math.max(a, Math.abs(b)), 0));
  return Math.max(...sizes, 0) || 1;
}

/**
 * Return the numbers on the tiles, by layer: z and a first, then a and the deltas that come back.
 * @param {object} walk the message of the session, with its arrays.
 * @param {number} stage index of the present stage.
 * @returns {Map<string, {lines: {symbol: string, numbers: Float32Array}[], scale: number}>}
 */
export function listWalkValues({ stages, arrays }, stage) {
  const values = new Map();
  if (arrays.input.length <= MAX_INPUTS) {
    const lines = [{ symbol: "", numbers: arrays.input }];
    values.set("input", { lines, scale: findScale(arrays, "input") });
  }
  for (const { kind, layer } of stages.slice(0, stage + 1)) {
    const [first, last] = { forward: ["z", "a"], backward: ["a", "delta"] }[kind] ?? [];
    if (!last || !arrays[`${last}_${layer}`]) continue;
    const lines = [first, last].map((name) => ({
      symbol: name === "delta" ? "δ" : name,
      numbers: arrays[`${name}_${layer}`],
    }));
    values.set(layer, { lines, scale: findScale(arrays, `${last}_`) });
  }
  return values;
}

/**
 * Return the numbers on the lines: gradients of the layers that the deltas have reached, then all
 * updates.
 * @returns {Map<string, {what: string, numbers: Float32Array}>} by the name of the kernel.
 */
export function listWalkEdges({ stages, arrays }, stage) {
  const { kind } = stages[stage];
  const what = { backward: "gradient", update: "update" }[kind];
  const end = kind === "update" ? stages.length : stage + 1;
  const layers = stages.slice(0, end).filter((each) => each.kind === "backward");
  const pairs = layers.map(({ layer }) => [
    `${layer}/kernel`,
    { what, numbers: arrays[`${what}_${layer}_kernel`] },
  ]);
  return new Map(what ? pairs.filter(([, { numbers }]) => numbers) : []);
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
