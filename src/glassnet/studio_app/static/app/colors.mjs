/** Colours: blue is positive, orange is negative, white is zero. Safe for colour-blind readers. */

const NEGATIVE = [217, 108, 0];
const POSITIVE = [0, 98, 178];

const CLASSES = `
  e69f00 0072b2 009e73 cc79a7 d55e00 56b4e9 f0e442 4d4d4d 7800ff 00ff78 4b2da5 ff004b
  c3b478 e15aff 871e1e 4bffff b40087 695a00 96f096 692d69 96c3b4 f06978 2d5a2d ff96ff
  78d22d 7878e1 a5694b 4b5aff c3b4e1 69960f 7800c3 a52d5a ff00c3 c30000 b49696 006969
  ffa596 ffd269 d2f0b4 00e1a5 e1874b 8778b4 ff3c87 b4c35a 0096ff 870f96 a5ff00 ff00f0
  2db45a ff78c3 698796 ffb4d2 78875a 964ba5 001ed2 2d4ba5 00782d 3c4b78 87f0c3 96e1ff
  782d3c b400f0 a54b1e 00b4b4 c31e3c e15ad2 875a78 ff5a2d c396ff d23c87 c3e14b 1ed23c
  c30fc3 5a2d87 5a7869 69c387 004bd2 875ae1 965a5a 00d2ff a5874b ffb469 ff8769 1e4b3c
  c3872d 4b4b1e 5ae10f d287d2 870f5a 785a3c 87b4c3 d23c2d e1f087 ff78a5 00c3a5 b44bd2
  69b44b b43c4b a5d287 965a96
`;

/**
 * Colours of up to 100 classes. The first eight are those of Okabe and Ito. Each other one is far
 * from all before it, also for readers with protanopia, deuteranopia or tritanopia, and from the
 * background, light and dark. Neighbours of so many are hard to tell apart: see `labelClasses`.
 */
export const CLASS_COLORS = CLASSES.trim()
  .split(/\s+/)
  .map((digits) => `#${digits}`);

/** Return [red, green, blue] of a hexadecimal colour. */
export const toRgb = (color) =>
  [1, 3, 5].map((i) => Number.parseInt(color.slice(i, i + 2), 16));

/** Return a colour between white, 0, and a colour, 1, as [red, green, blue]. */
export const fade = (rgb, share) => rgb.map((c) => Math.round(255 + (c - 255) * share));

/** Return [red, green, blue] as CSS. */
export const toCss = (rgb) => `rgb(${rgb.join(" ")})`;

/** Return [red, green, blue] as a pixel of new Uint32Array(imageData.data.buffer). */
export const toPixel = ([r, g, b]) => ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;

/** Return a CSS colour for a number: white at 0, full colour at plus or minus `scale`. */
export function divergingColor(value, scale) {
  const share = Math.min(1, Math.abs(value) / scale) || 0;
  return toCss(fade(value < 0 ? NEGATIVE : POSITIVE, share));
}

const TABLE_SIZE = 255;
const TABLE = Uint32Array.from({ length: 2 * TABLE_SIZE + 1 }, (_, i) => {
  const share = Math.abs(i - TABLE_SIZE) / TABLE_SIZE;
  return toPixel(fade(i < TABLE_SIZE ? NEGATIVE : POSITIVE, share));
});
const NOT_FINITE = 0xff888888;

/**
 * Write numbers as diverging colours into pixels.
 * @param {Uint32Array} pixels of an ImageData: new Uint32Array(image.data.buffer).
 * @param {ArrayLike<number>} values h x w, its first row at the bottom if `flip`.
 * @param {number} scale the absolute value with the full colour.
 * @param {{start?: number, width: number, height: number, flip?: boolean}} options
 */
export function fillDiverging(pixels, values, scale, options) {
  const { start = 0, width, height, flip = true } = options;
  const factor = TABLE_SIZE / (scale || 1);
  for (let y = 0; y < height; y++) {
    let target = (flip ? height - 1 - y : y) * width;
    let source = start + y * width;
    for (let x = 0; x < width; x++, target++, source++) {
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
export const sequentialColor = (share) => toCss(sequentialRgb(share));

/** Write shares between 0 and 1 into pixels, the first row at the bottom. */
export function fillSequential(pixels, shares, width, height) {
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const share = shares[(height - 1 - y) * width + x];
      pixels[y * width + x] = Number.isFinite(share) ? toPixel(sequentialRgb(share)) : NOT_FINITE;
    }
}

/**
 * Write an image into pixels: its smallest value is black and its largest white.
 * @param {Uint32Array} pixels
 * @param {Float32Array} values of shape (h, w) or (h, w, channels).
 */
export function fillImage(pixels, values) {
  const channels = values.shape[2] ?? 1;
  const [low, high] = findRange(values);
  const scale = 255 / (high - low || 1);
  for (let i = 0; i < pixels.length; i++) {
    const at = (c) => (values[i * channels + Math.min(c, channels - 1)] - low) * scale;
    pixels[i] = toPixel([at(0), at(1), at(2)].map(Math.round));
  }
}

/** Return the smallest and the largest of some numbers; [Infinity, -Infinity] of none. */
export function findRange(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}
