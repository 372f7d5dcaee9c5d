/** Painting of the network's output: classes by probability, numbers by a diverging scale. */

import { CLASS_COLORS, fade, fillDiverging, findRange, toPixel, toRgb } from "./colors.mjs";

const STRENGTH = 0.8; // of the colour of a class whose probability is 1
const CLASS_RGB = CLASS_COLORS.map(toRgb);
const RADIUS = 3.6; // of a point, in CSS pixels
const LABELLED_RADIUS = 6.5; // of a point with the number of its class
const MANY_CLASSES = 10; // more are hard to tell apart by colour alone

/** Return the colour of a class. */
export const classColor = (index) => CLASS_COLORS[index % CLASS_COLORS.length];

/** Return the text that marks each class on the map: "", or its index if there are many classes. */
export const labelClasses = (names) =>
  names.map((_, k) => (names.length > MANY_CLASSES ? String(k) : ""));

/** Return black or white: what can be read on a colour. */
function inkOn(color) {
  const [r, g, b] = toRgb(color);
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#000000" : "#ffffff";
}

/**
 * Return the output as an image with its largest x2 at the top, and where each class leads most.
 * @param {Float32Array} output of shape (h, w, K): probabilities of K classes, or one number.
 * @param {{middle: number, half: number}} scale of numbers: white, and the distance to full colour.
 * @returns {{image: ImageData, peaks: Map<number, {lead: number, pixel: number}>}}
 */
export function paintOutput(output, scale) {
  const [height, width, n] = output.shape;
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  if (n > 1) return { image, peaks: fillClasses(pixels, output, { width, height, n }) };
  const centred = Float32Array.from(output, (value) => value - scale.middle);
  fillDiverging(pixels, centred, scale.half, { width, height });
  return { image, peaks: new Map() };
}

/** Return the map of a neuron as an image, without classes: see `centreMaps` and `paintOutput`. */
export function paintNeuron({ values, scale, shape: [, height, width], unit }) {
  const image = new ImageData(width, height);
  const start = unit * width * height;
  fillDiverging(new Uint32Array(image.data.buffer), values, scale, { start, width, height });
  return { image, peaks: new Map() };
}

function fillClasses(pixels, output, { width, height, n }) {
  const peaks = new Map();
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
      pixels[target] = lead >= 0 ? toPixel(fade(CLASS_RGB[best % CLASS_RGB.length], lead)) : 0xff888888;
      if (lead > (peaks.get(best)?.lead ?? 0)) peaks.set(best, { lead, pixel: target });
    }
  }
  return peaks;
}

/** Write the label of a class on the map. */
export function drawLabel(context, [x, y], text) {
  context.font = "bold 13px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.lineWidth = 3;
  context.strokeStyle = "#ffffff";
  context.strokeText(text, x, y);
  context.fillStyle = "#000000";
  context.fillText(text, x, y);
}

/** Return the scale of numbers from the targets: white in their middle. */
export function numberScale(targets) {
  const [low, high] = findRange(targets);
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
 * @param {string[]} labels of the classes, written where their curves are highest.
 * @param {(place: number, value: number) => [number, number]} toPixel `place` from 0 to 1.
 */
export function drawLines(context, output, labels, toPixel) {
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
  labels.forEach((text, each) => {
    let high = 0;
    for (let i = 1; i < n; i++) if (output[i * k + each] > output[high * k + each]) high = i;
    if (text) drawLabel(context, toPixel(high / (n - 1), output[high * k + each]), text);
  });
}

/**
 * Draw a point: a circle for a training row, a square for a test row.
 * @param {string} color hexadecimal if there is a label.
 * @param {{isTest: boolean, edge: string, label?: string}} options `edge` is the colour around a
 *   circle, `label` the number of the class, or "".
 */
export function drawPoint(context, [x, y], color, { isTest, edge, label = "" }) {
  const radius = label ? LABELLED_RADIUS : RADIUS;
  context.beginPath();
  if (isTest) context.rect(x - radius, y - radius, 2 * radius, 2 * radius);
  else context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = color;
  context.fill();
  context.lineWidth = isTest ? 1.5 : 1;
  context.strokeStyle = isTest ? "#000000" : edge;
  context.stroke();
  if (!label) return;
  context.font = "bold 9px system-ui, sans-serif";
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = inkOn(color);
  context.fillText(label, x, y);
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
