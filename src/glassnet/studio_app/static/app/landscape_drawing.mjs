/** Drawing of the loss landscape: colours, contour lines, axes, the path and a colour bar. */

import { prepareCanvas, readTheme } from "./canvas.mjs";
import { fillSequential, sequentialColor } from "./colors.mjs";
import { formatNumber } from "./numbers.mjs";

const LEFT = 52;
const BOTTOM = 46;
const TOP = 26;
const RIGHT = 84;
const N_LEVELS = 10;

/** Return about `n` round numbers between two ends. */
export function listTicks(low, high, n = 5) {
  const rough = (high - low) / n;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const ticks = [];
  for (let i = Math.ceil(low / step); i * step <= high * (1 + 1e-9); i++) ticks.push(i * step);
  return ticks;
}

/**
 * Draw a landscape. Colours and lines follow the logarithm of the height above the lowest loss.
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {{landscape: object, names: string[], point: number[]}} content
 */
export function drawLandscape(canvas, width, { landscape, names, point }) {
  const { x, y, loss, path } = landscape.arrays;
  const side = Math.min(width - LEFT - RIGHT, 460);
  const height = TOP + side + BOTTOM;
  Object.assign(canvas.style, { width: `${LEFT + side + RIGHT}px`, height: `${height}px` });
  const context = prepareCanvas(canvas, LEFT + side + RIGHT, height);
  const theme = readTheme(canvas);
  const scale = createScale(loss);
  const place = {
    x: (value) => LEFT + ((value - x[0]) / (x.at(-1) - x[0])) * side,
    y: (value) => TOP + side - ((value - y[0]) / (y.at(-1) - y[0])) * side,
  };
  drawHeights(context, landscape.arrays, scale, side);
  context.save();
  context.beginPath();
  context.rect(LEFT, TOP, side, side);
  context.clip();
  drawContours(context, landscape.arrays, scale, place);
  drawPath(context, path, place);
  drawPoint(context, point, place);
  context.restore();
  drawAxes(context, { x, y, place, side, names, theme });
  drawBar(context, scale, side, theme);
}

/** Return the share of the colour scale of each loss, and back. */
function createScale(loss) {
  const finite = Array.from(loss).filter(Number.isFinite);
  const low = Math.min(...finite);
  const high = Math.max(...finite);
  const unit = (high - low) / 100 || 1;
  const size = Math.log1p((high - low) / unit) || 1;
  return {
    toShare: (value) => Math.log1p((value - low) / unit) / size,
    toLoss: (share) => low + unit * Math.expm1(share * size),
  };
}

function drawHeights(context, { x, y, loss }, { toShare }, side) {
  const picture = document.createElement("canvas");
  Object.assign(picture, { width: x.length, height: y.length });
  const pen = picture.getContext("2d");
  const image = pen.createImageData(x.length, y.length);
  fillSequential(new Uint32Array(image.data.buffer), loss.map(toShare), x.length, y.length);
  pen.putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(picture, LEFT, TOP, side, side);
}

/** Draw lines of equal loss: in each cell of the grid, from edge to edge. */
function drawContours(context, { x, y, loss }, { toLoss }, place) {
  const width = x.length;
  context.strokeStyle = "rgb(255 255 255 / 55%)";
  context.lineWidth = 1;
  context.beginPath();
  for (let n = 1; n < N_LEVELS; n++) {
    const level = toLoss(n / N_LEVELS);
    for (let j = 0; j + 1 < y.length; j++)
      for (let i = 0; i + 1 < width; i++) {
        const corners = [
          [x[i], y[j], loss[j * width + i]],
          [x[i + 1], y[j], loss[j * width + i + 1]],
          [x[i + 1], y[j + 1], loss[(j + 1) * width + i + 1]],
          [x[i], y[j + 1], loss[(j + 1) * width + i]],
        ];
        const ends = crossCell(corners, level);
        for (let k = 0; k + 1 < ends.length; k += 2) {
          context.moveTo(place.x(ends[k][0]), place.y(ends[k][1]));
          context.lineTo(place.x(ends[k + 1][0]), place.y(ends[k + 1][1]));
        }
      }
  }
  context.stroke();
}

/** Return the points at which a level crosses the edges of a cell. */
export function crossCell(corners, level) {
  const points = [];
  corners.forEach(([x0, y0, value0], k) => {
    const [x1, y1, value1] = corners[(k + 1) % 4];
    if (value0 < level === value1 < level) return;
    const share = (level - value0) / (value1 - value0);
    points.push([x0 + share * (x1 - x0), y0 + share * (y1 - y0)]);
  });
  return points;
}

function drawPath(context, path, place) {
  const [n, columns] = path.shape;
  for (const [color, width] of [["#ffffff", 4], ["#c2185b", 2]]) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.lineJoin = "round";
    context.beginPath();
    for (let i = 0; i < n; i++)
      context.lineTo(place.x(path[columns * i]), place.y(path[columns * i + 1]));
    context.stroke();
  }
}

function drawPoint(context, [x, y], place) {
  for (const [color, width] of [["#ffffff", 5], ["#000000", 2]]) {
    context.strokeStyle = color;
    context.lineWidth = width;
    context.beginPath();
    context.arc(place.x(x), place.y(y), 6, 0, 2 * Math.PI);
    context.stroke();
  }
}

function drawAxes(context, { x, y, place, side, names, theme }) {
  context.fillStyle = theme.text;
  context.strokeStyle = theme["line-strong"];
  context.lineWidth = 1;
  context.strokeRect(LEFT - 0.5, TOP - 0.5, side + 1, side + 1);
  context.font = "12px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "top";
  for (const tick of listTicks(x[0], x.at(-1)))
    context.fillText(formatNumber(tick), place.x(tick), TOP + side + 6);
  context.fillText(names[0], LEFT + side / 2, TOP + side + 26, side + LEFT);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const tick of listTicks(y[0], y.at(-1)))
    context.fillText(formatNumber(tick), LEFT - 6, place.y(tick));
  context.save();
  context.translate(9, TOP + side / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(names[1], 0, 0, side);
  context.restore();
}

function drawBar(context, { toLoss }, side, theme) {
  const left = LEFT + side + 16;
  for (let i = 0; i < side; i++) {
    context.fillStyle = sequentialColor(1 - i / side);
    context.fillRect(left, TOP + i, 12, 1.5);
  }
  context.fillStyle = theme.text;
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const share of [0, 0.25, 0.5, 0.75, 1])
    context.fillText(formatNumber(toLoss(share), 3), left + 18, TOP + side * (1 - share));
  context.fillText("loss", left, TOP - 16);
}
