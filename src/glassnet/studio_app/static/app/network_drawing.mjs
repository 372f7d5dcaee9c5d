/** Drawing of the network view: edges, tiles and their frames, many times a second. */

import { prepareCanvas, readTheme } from "./canvas.mjs";
import { divergingColor } from "./colors.mjs";
import { listEdges, strokeEdge } from "./edges.mjs";
import { formatNumber } from "./numbers.mjs";
import { drawFilters, drawTiles } from "./tiles.mjs";
import { isSameWeight } from "./weights.mjs";

const TWO_LINES = 40; // pixels of a tile with two numbers

/**
 * Draw the network, and return its edges.
 * @param {HTMLCanvasElement} canvas
 * @param {object} plan of `arrange`.
 * @param {object} picture
 * @param {{atlas: object, state: object, view: object, edge: object|null, hovered: object|null,
 *   walked: {neurons: Map, edges: Map}|null, histograms: object|undefined}} content `walked` are the
 *   numbers of the walk, by layer and by kernel.
 */
export function drawNetwork(canvas, plan, picture, content) {
  const context = prepareCanvas(canvas, plan.width, plan.height);
  const theme = readTheme(canvas);
  const edges = listEdges(plan, picture.arrays.weights, content.walked?.edges);
  drawEdges(context, edges, theme, content);
  for (const [k, column] of plan.columns.entries()) {
    if (column.kind === "block") {
      drawBlock(context, column, theme);
      if (column.filters) drawFilters(context, column, picture, content.atlas);
      continue;
    }
    drawTiles(context, column, picture, {
      atlas: content.atlas,
      imageShape: content.state.data.image_shape,
      before: plan.columns[k - 1],
      inputs: content.state.data.input_names,
      histograms: content.histograms,
    });
    const values = content.walked?.neurons.get(column.layer?.name ?? "input");
    if (values) drawValues(context, column, values);
    drawFrames(context, column, theme, content);
    if (column.kind === "dense") drawBiases(context, column, picture, content.state, theme);
  }
  return edges;
}

/** Draw the frames of the tiles only: of a network that has no picture yet. */
export function drawFramesOnly(canvas, plan) {
  const context = prepareCanvas(canvas, plan.width, plan.height);
  const theme = readTheme(canvas);
  for (const column of plan.columns) drawFrames(context, column, theme, { view: {} });
}

function drawEdges(context, edges, theme, { view, edge: edited, hovered }) {
  const hasSelection = view.layer !== null && edges.some(({ layer }) => layer === view.layer);
  for (const edge of edges) {
    const isOn = edge.layer === view.layer && edge.unit === view.unit;
    context.globalAlpha = edge.isFaint ? 0.15 : isOn ? 1 : hasSelection ? 0.35 : 0.75;
    context.strokeStyle = edge.value < 0 ? theme.negative : theme.positive;
    strokeEdge(context, edge, edge.line);
  }
  context.globalAlpha = 1;
  for (const edge of edges) {
    const isMarked = isSameWeight(edge.weight, edited) || isSameWeight(edge.weight, hovered);
    if (!isMarked) continue;
    context.strokeStyle = theme.text;
    strokeEdge(context, edge, edge.line + 4);
    context.strokeStyle = edge.value < 0 ? theme.negative : theme.positive;
    strokeEdge(context, edge, Math.max(2, edge.line));
  }
}

function drawFrames(context, column, theme, { view }) {
  for (const { x, y, size, unit } of column.tiles) {
    const isSelected = column.layer?.name === view.layer && unit === view.unit;
    context.strokeStyle = isSelected ? theme.accent : theme["line-strong"];
    context.lineWidth = isSelected ? 4 : 1;
    const margin = isSelected ? 2 : 0.5;
    context.strokeRect(x - margin, y - margin, size + 2 * margin, size + 2 * margin);
  }
}

/** Draw a dot for each bias at the lower left of its tile, where the edges arrive. */
function drawBiases(context, column, picture, { network }, theme) {
  const bias = network.weights.find(({ name }) => name === `${column.layer.name}/bias`);
  if (!bias) return;
  const radius = column.tiles[0].size >= 24 ? 5 : 3;
  for (const { x, y, size, unit } of column.tiles) {
    const value = picture.arrays.weights[bias.offset + unit];
    context.beginPath();
    context.arc(x, y + size, radius, 0, 2 * Math.PI);
    context.fillStyle = divergingColor(value, 1);
    context.fill();
    context.lineWidth = 1.2;
    context.strokeStyle = theme.text;
    context.stroke();
  }
}

/** Draw a layer that is no column of neurons. */
function drawBlock(context, column, theme) {
  const { x, y, size } = column.tiles[0];
  context.fillStyle = theme.line;
  context.fillRect(x, y, size, size);
  context.strokeStyle = theme["line-strong"];
  context.lineWidth = 1;
  context.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
}

/**
 * Write the numbers of the walk on the tiles: the background is the colour of the last number. On
 * small tiles only the last one has space.
 */
function drawValues(context, column, { lines, scale }) {
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const { x, y, size, unit } of column.tiles) {
    const value = lines.at(-1).numbers[unit];
    if (value === undefined) continue;
    context.fillStyle = divergingColor(value, scale);
    context.fillRect(x, y, size, size);
    if (size < 28) continue;
    const shown = size < TWO_LINES ? lines.slice(-1) : lines;
    const height = Math.min(13, Math.round(size / (shown.length > 1 ? 4.6 : 4.2)));
    context.font = `600 ${height}px ui-monospace, Menlo, Consolas, monospace`;
    context.fillStyle = Math.abs(value) / scale > 0.6 ? "#ffffff" : "#17202e";
    shown.forEach(({ symbol, numbers }, i) => {
      const text = `${symbol} ${formatNumber(numbers[unit], 2)}`.trim();
      const middle = y + size / 2 + (i - (shown.length - 1) / 2) * 1.5 * height;
      context.fillText(text, x + size / 2, middle, size - 4);
    });
  }
}
