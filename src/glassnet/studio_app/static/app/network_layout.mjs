/** Places of the neurons on the network view: pure arithmetic, nothing is drawn here. */

import { findArray, inputName } from "./weights.mjs";

/** More neurons of a layer than this are not drawn. */
const MAX_TILES = 64;

const SIZES = [60, 56, 52, 48, 44, 40, 36, 32, 28, 24, 20, 16];
const WIDE = 760;
const WIDE_SIZES = [96, 90, 84, 78, 72, 66, ...SIZES]; // from this width on
const ONE_COLUMN = 10;
const GRID_ROWS = [8, 16];
const HEADING = 40; // pixels above the tiles for the names of the layers
const CONTROLS = { min: 64, oneRow: 176, max: 204, heights: [84, 113] };
const MAX_HEIGHT = 580; // of the tiles
const IMAGE_SIZE = 112;
const NAMED_INPUTS = 36; // in one column, so that there is place for their names
const INPUT_SPACE = 4;
const MAX_GAP = [170, 250]; // the second in a wide page
const SMALL = 32;
const MIN_RIGHT = 40; // for the biases of the last column

/**
 * Return the columns of the network: inputs, then each layer with weights, as neurons or as one
 * block. Layers without weights are notes of the column before them.
 */
function listColumns(state) {
  const { network, data } = state;
  const columns = [{ kind: data.image_shape ? "image" : "input", n: 1, names: [], notes: [] }];
  for (const layer of network.layers) {
    const kernel = findArray(network, `${layer.name}/kernel`);
    const isDense = kernel?.shape.length === 2 && layer.units === kernel.shape[1];
    const common = { layer, names: [] };
    if (isDense) {
      const notes = [layer.activation || "linear"];
      const n = Math.min(layer.units, MAX_TILES);
      columns.push({ ...common, kind: "dense", kernel, units: layer.units, n, notes });
    } else if (layer.n_weights) {
      const filters = columns.length === 1 && kernel?.shape.length === 4 ? kernel : null;
      columns.push({ ...common, kind: "block", filters, n: 1, notes: [layer.detail] });
    } else columns.at(-1).notes.push(layer.detail);
  }
  const [inputs, first] = columns;
  if (inputs.kind === "input" && first?.kind === "dense") {
    inputs.units = first.kernel.shape[0];
    inputs.n = Math.min(inputs.units, MAX_TILES);
    const names = Array.from({ length: inputs.n }, (_, i) => inputName(state, first.layer.name, i));
    if (inputs.n <= NAMED_INPUTS) inputs.names = names;
    else inputs.titles = names;
  }
  return columns;
}

/** Return the sizes of columns for a size of the tiles and a number of rows of large layers. */
function measure(columns, size, gridRows) {
  const space = size >= SMALL ? 20 : 5;
  const inner = 4;
  const shapes = columns.map(({ kind, n, filters }) => {
    if (kind === "image" || filters) return { rows: 1, side: Math.min(IMAGE_SIZE, 2.5 * size), space };
    if (kind === "input" && n > ONE_COLUMN && n <= NAMED_INPUTS) {
      const pitch = Math.floor((MAX_HEIGHT - 4) / n);
      return { rows: n, side: Math.min(size, pitch - INPUT_SPACE), space: INPUT_SPACE };
    }
    if (n <= ONE_COLUMN) return { rows: n, side: size, space };
    return { rows: Math.ceil(n / Math.ceil(n / gridRows)), side: size, space: inner };
  });
  const widths = columns.map(
    ({ n }, k) => Math.ceil(n / shapes[k].rows) * (shapes[k].side + inner) - inner,
  );
  const heights = shapes.map((shape) => shape.rows * (shape.side + shape.space));
  return { size, inner, shapes, widths, height: Math.max(...heights) + 4 };
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
const textWidth = (names, limit) =>
  Math.min(limit, 12 + 8.5 * Math.max(0, ...names.map((name) => name.length)));

/**
 * Arrange the network in a width.
 * @param {object} state of the session.
 * @param {number} width in CSS pixels.
 * @param {boolean} isEditable whether the hidden layers have controls above them, if they fit.
 * @returns {{columns: object[], gaps: object[], right: number, width: number, height: number,
 *   controls: number}} `right` is the width of the names of the outputs; `controls` is the width of
 *   the controls above each hidden layer, or 0; each column has `tiles`, [{x, y, size, unit}]; a gap
 *   has the columns `from` and `to`.
 */
export function arrange(state, width, isEditable) {
  const columns = listColumns(state);
  const { class_names: classes } = state.data;
  const last = columns.at(-1);
  const limit = width < 400 ? 56 : width < 520 ? 84 : 130;
  const left = textWidth(columns[0].names, limit);
  if (last.units === classes.length) last.names = classes;
  const right = Math.max(MIN_RIGHT, textWidth(last.names, limit));
  const isWide = width >= WIDE;
  const minGap = width < 520 ? 18 : 44;
  const fits = ({ widths, height }) =>
    height <= MAX_HEIGHT && left + right + sum(widths) + minGap * (widths.length - 1) <= width;
  const sizes = isWide ? WIDE_SIZES : SIZES;
  const plans = sizes.flatMap((size) => GRID_ROWS.map((rows) => measure(columns, size, rows)));
  const plan = plans.find(fits) ?? plans.at(-1);
  const n = plan.widths.length;
  const free = width - left - right - sum(plan.widths);
  const gap = Math.max(minGap, Math.min(MAX_GAP[Number(isWide)], free / Math.max(1, n - 1)));
  const used = left + right + sum(plan.widths) + gap * (n - 1);
  const hidden = columns.slice(1, -1);
  const controls = isEditable ? widthOfControls(hidden, plan.widths.slice(1, -1), gap) : 0;
  const top = controls ? CONTROLS.heights[Number(controls < CONTROLS.oneRow)] : HEADING;
  let x = left + Math.max(0, (width - used) / 2);
  columns.forEach((column, k) => {
    Object.assign(column, { x, width: plan.widths[k], pitch: plan.widths[k] + gap });
    column.tiles = placeTiles(column, plan, plan.shapes[k], top);
    column.rows = plan.shapes[k].rows;
    column.hasBiasText = plan.size >= SMALL && column.n === column.rows;
    x += plan.widths[k] + gap;
  });
  return {
    columns,
    gaps: findGaps(columns),
    right,
    width: Math.max(width, used),
    height: top + plan.height,
    controls,
  };
}

/** Return the width of the controls above each hidden layer; 0 if there is no place for them. */
function widthOfControls(hidden, widths, gap) {
  if (!hidden.length || hidden.some(({ kind }) => kind !== "dense")) return 0;
  const pitch = Math.min(...widths.map((width) => width + gap)) - 4;
  return pitch < CONTROLS.min ? 0 : Math.min(CONTROLS.max, pitch);
}

function placeTiles(column, { inner, height }, { rows, side, space }, top) {
  const pitch = side + space;
  const first = top + (height - rows * pitch) / 2;
  return Array.from({ length: column.n }, (_, unit) => ({
    unit,
    size: side,
    x: column.x + Math.floor(unit / rows) * (side + inner),
    y: first + (unit % rows) * pitch,
  }));
}

/** Return the pairs of neighbouring columns whose neurons are connected by a kernel. */
function findGaps(columns) {
  return columns.slice(1).flatMap((to, k) => {
    const from = columns[k];
    const isDense = to.kind === "dense" && from.units === to.kernel.shape[0];
    return isDense ? [{ from, to }] : [];
  });
}
