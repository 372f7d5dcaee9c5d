/** Painting of the network's output: classes by probability, numbers by a diverging scale. */

import { CLASS_COLORS, fillDiverging, toRgb } from "./colors.mjs";

const STRENGTH = 0.8; // of the colour of a class whose probability is 1
const CLASS_RGB = CLASS_COLORS.map(toRgb);
const RADIUS = 3.6; // of a point, in CSS pixels

/** Return the colour of a class. */
export const classColor = (index) => CLASS_COLORS[index % CLASS_COLORS.length];

/**
 * Return the output as an image with its largest x2 at the top.
 * @param {Float32Array} output of shape (h, w, K): probabilities of K classes, or one number.
 * @param {{middle: number, half: number}} scale of numbers: white, and the distance to full colour.
 */
export function paintOutput(output, scale) {
  const [height, width, n] = output.shape;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  if (n === 1) {
    const centred = Float32Array.from(output, (value) => value - scale.middle);
    fillDiverging(pixels, centred, scale.half, { width, height });
  } else fillClasses(pixels, output, { width, height, n });
  return image;
}

/** Return the map of a neuron as an image: see `centreMaps`. */
export function paintNeuron({ values, scale, shape: [, height, width], unit }) {
  const image = new ImageData(width, height);
  const start = unit * width * height;
  fillDiverging(new Uint32Array(image.data.buffer), values, scale, { start, width, height });
  return image;
}

function fillClasses(pixels, output, { width, height, n }) {
  for (let y = 0, source = 0; y < height; y++) {
    let target = (height - 1 - y) * width;
    for (let x = 0; x < width; x++, target++, source += n) {
      let best = 0;
      let second = -1;
      for (let k = 1; k < n; k++) {
        if (output[source + k] > output[source + best]) {
          second = best;
          best = k;
        } else if (second < 0 || output[source + k] > output[source + second]) second = k;
      }
      const lead = STRENGTH * (output[source + best] - output[source + second]);
      pixels[target] = lead >= 0 ? mix(CLASS_RGB[best % CLASS_RGB.length], lead) : 0xff888888;
    }
  }
}

/** Return a pixel between white (0) and a colour (1). */
function mix([r, g, b], share) {
  const part = (c) => Math.round(255 + (c - 255) * share);
  return ((255 << 24) | (part(b) << 16) | (part(g) << 8) | part(r)) >>> 0;
}

/** Return the scale of numbers from the targets: white in their middle. */
export function numberScale(targets) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of targets) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!(low <= high)) return { low: -1, high: 1, middle: 0, half: 1 };
  const half = (high - low) / 2 || 1;
  return { low, high, middle: (low + high) / 2, half };
}

/** Return the CSS colour of a number. */
export function numberColor(value, { middle, half }) {
  const pixel = new Uint32Array(1);
  fillDiverging(pixel, [value - middle], half, { width: 1, height: 1 });
  const [r, g, b] = new Uint8Array(pixel.buffer);
  return `rgb(${r} ${g} ${b})`;
}

/**
 * Draw the curve of a network with one input: its output over the input.
 * @param {Float32Array} output of n places from left to right, K numbers each.
 * @param {(place: number, value: number) => [number, number]} toPixel `place` from 0 to 1.
 */
export function drawLines(context, output, toPixel) {
  const shape = output.shape;
  const k = shape.at(-1);
  const n = output.length / k;
  for (let each = 0; each < k; each++) {
    context.beginPath();
    for (let i = 0; i < n; i++) context.lineTo(...toPixel(i / (n - 1), output[i * k + each]));
    context.strokeStyle = k === 1 ? "#17202e" : classColor(each);
    context.lineWidth = 2;
    context.stroke();
  }
}

/**
 * Draw a point: a circle for a training row, a square for a test row.
 * @param {{isTest: boolean, edge: string}} options `edge` is the colour around a circle.
 */
export function drawPoint(context, [x, y], color, { isTest, edge }) {
  context.beginPath();
  if (isTest) context.rect(x - RADIUS, y - RADIUS, 2 * RADIUS, 2 * RADIUS);
  else context.arc(x, y, RADIUS, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  context.lineWidth = isTest ? 1.5 : 1;
  context.strokeStyle = isTest ? "#000000" : edge;
  context.stroke();
}

/** Draw a ring around the row that is looked at. */
export function drawRing(context, [x, y]) {
  for (const [width, color] of [
    [5, "#ffffff"],
    [2.5, "#000000"],
  ]) {
    context.beginPath();
    context.arc(x, y, 2.4 * RADIUS, 0, 2 * Math.PI);
    context.lineWidth = width;
    context.strokeStyle = color;
    context.stroke();
  }
}
