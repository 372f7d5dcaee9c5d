/** Colours: blue is positive, orange is negative, white is zero. Safe for colour-blind readers. */

const NEGATIVE = [217, 108, 0];
const POSITIVE = [0, 98, 178];

/** Colours of the classes, after Okabe and Ito; class 0 is orange and class 1 blue. */
export const CLASS_COLORS = [
  "#e69f00",
  "#0072b2",
  "#009e73",
  "#cc79a7",
  "#d55e00",
  "#56b4e9",
  "#f0e442",
  "#4d4d4d",
  "#8b5fbf",
  "#a6761d",
];

/** Return [red, green, blue] of a hexadecimal colour. */
export const toRgb = (color) =>
  [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16));

/** Return a CSS colour for a number: white at 0, full colour at plus or minus `scale`. */
export function divergingColor(value, scale) {
  const end = value < 0 ? NEGATIVE : POSITIVE;
  const share = Math.min(1, Math.abs(value) / scale) || 0;
  return `rgb(${end.map((c) => Math.round(255 + (c - 255) * share)).join(" ")})`;
}

/** Return the colour of a sign, for lines: never white. */
export const signColor = (value) =>
  `rgb(${(value < 0 ? NEGATIVE : POSITIVE).join(" ")})`;

const TABLE_SIZE = 255;
const TABLE = Uint32Array.from({ length: 2 * TABLE_SIZE + 1 }, (_, i) => {
  const share = Math.abs(i - TABLE_SIZE) / TABLE_SIZE;
  const end = i < TABLE_SIZE ? NEGATIVE : POSITIVE;
  const [r, g, b] = end.map((c) => Math.round(255 + (c - 255) * share));
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
});
const NOT_FINITE = 0xff888888;

/**
 * Write numbers as diverging colours into pixels.
 * @param {Uint32Array} pixels of an ImageData: new Uint32Array(image.data.buffer).
 * @param {ArrayLike<number>} values h x w, its first row at the bottom if `flip`.
 * @param {number} scale the absolute value with the full colour.
 * @param {{start?: number, width: number, height: number, flip?: boolean, stride?: number}} options
 */
export function fillDiverging(pixels, values, scale, options) {
  const { start = 0, width, height, flip = true, stride = 1 } = options;
  const factor = TABLE_SIZE / (scale || 1);
  for (let y = 0; y < height; y++) {
    let target = (flip ? height - 1 - y : y) * width;
    let source = start + y * width * stride;
    for (let x = 0; x < width; x++, target++, source += stride) {
      const value = values[source];
      const share = Math.max(-TABLE_SIZE, Math.min(TABLE_SIZE, Math.round(value * factor)));
      pixels[target] = value === value ? TABLE[share + TABLE_SIZE] : NOT_FINITE;
    }
  }
}

const SEQUENTIAL = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
]; // five colours of viridis, dark is low

/** Return the red, green and blue of a share between 0 and 1: viridis, dark is low. */
function sequentialRgb(share) {
  const place = Math.max(0, Math.min(1, share)) * (SEQUENTIAL.length - 1);
  const k = Math.min(SEQUENTIAL.length - 2, Math.floor(place));
  return SEQUENTIAL[k].map((c, i) => Math.round(c + (SEQUENTIAL[k + 1][i] - c) * (place - k)));
}

/** Return the CSS colour of a share between 0 and 1: viridis, dark is low. */
export const sequentialColor = (share) => `rgb(${sequentialRgb(share).join(" ")})`;

/** Write shares between 0 and 1 into pixels, the first row at the bottom. */
export function fillSequential(pixels, shares, width, height) {
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const share = shares[(height - 1 - y) * width + x];
      const [r, g, b] = sequentialRgb(share);
      const color = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
      pixels[y * width + x] = Number.isFinite(share) ? color : NOT_FINITE;
    }
}
