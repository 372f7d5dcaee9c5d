/** Pictures of neurons: response maps, weights as images, and what drives a neuron. */

import { divergingColor, fillDiverging } from "./colors.mjs";

/** Return a store of canvases that are used again for each picture. */
export function createAtlas() {
  const pages = new Map();
  return {
    /** Return a canvas of width x height pixels, and its pixels to be filled before `put`. */
    page(name, width, height) {
      let page = pages.get(name);
      if (page?.canvas.width !== width || page.canvas.height !== height) {
        const canvas = document.createElement("canvas");
        Object.assign(canvas, { width, height });
        const context = canvas.getContext("2d");
        const image = context.createImageData(width, height);
        const pixels = new Uint32Array(image.data.buffer);
        page = { canvas, pixels, put: () => context.putImageData(image, 0, 0) };
        pages.set(name, page);
      }
      return page;
    },
  };
}

const largest = (values) => {
  let result = 0;
  for (const value of values) if (Math.abs(value) > result) result = Math.abs(value);
  return result;
};

/**
 * Draw the tiles of a column.
 * @param {CanvasRenderingContext2D} context
 * @param {object} column of the plan.
 * @param {object} picture
 * @param {{atlas: object, imageShape: number[]|null, isFirst: boolean, features: string[],
 *   empty: string}} options `empty` is the colour of an input without a map.
 */
export function drawTiles(context, column, picture, options) {
  const { arrays } = picture;
  if (column.kind === "input") drawInputs(context, column, picture, options);
  else if (column.kind === "image") drawInputImage(context, column, picture, options);
  else if (options.isFirst && options.imageShape) drawKernels(context, column, picture, options);
  else if (arrays[`drivers_${column.layer.name}`]) drawDrivers(context, column, picture, options);
  else if (arrays[`maps_${column.layer.name}`]) drawMaps(context, column, picture, options);
}

function drawMaps(context, column, { arrays }, { atlas }) {
  const maps = arrays[`maps_${column.layer.name}`];
  const [units, height, width] = maps.shape;
  const page = atlas.page(column.layer.name, width, height * units);
  const isShare = column.layer.activation === "sigmoid";
  const values = isShare ? maps.map((value) => value - 0.5) : maps;
  const scale = isShare ? 0.5 : largest(maps);
  for (let unit = 0; unit < units; unit++) {
    const start = unit * width * height;
    const pixels = page.pixels.subarray(start, start + width * height);
    fillDiverging(pixels, values, scale, { start, width, height });
  }
  page.put();
  copyTiles(context, column, page, width, height);
}

function copyTiles(context, column, page, width, height) {
  context.imageSmoothingEnabled = width > 16;
  for (const { x, y, size, unit } of column.tiles)
    context.drawImage(page.canvas, 0, unit * height, width, height, x, y, size, size);
}

/** Draw the weights from the pixels to each neuron as an image; the mean of its colours. */
function drawKernels(context, column, { arrays }, { atlas, imageShape }) {
  const [height, width, channels = 1] = imageShape;
  const { offset, size, shape } = column.kernel;
  const units = shape[1];
  const nPixels = width * height;
  if (shape[0] !== nPixels * channels) return;
  const weights = arrays.weights.subarray(offset, offset + size);
  const page = atlas.page(column.layer.name, width, height * units);
  const image = new Float32Array(nPixels);
  for (const { unit } of column.tiles) {
    image.fill(0);
    for (let i = 0; i < nPixels * channels; i++)
      image[Math.floor(i / channels)] += weights[i * units + unit] / channels;
    const pixels = page.pixels.subarray(unit * nPixels, (unit + 1) * nPixels);
    fillDiverging(pixels, image, largest(image), { width, height, flip: false });
  }
  page.put();
  copyTiles(context, column, page, width, height);
}

function drawDrivers(context, column, { arrays }, { atlas, imageShape }) {
  const drivers = arrays[`drivers_${column.layer.name}`];
  const [, n] = drivers.shape;
  for (const { x, y, size, unit } of column.tiles) {
    const pairs = Array.from({ length: n }, (_, i) =>
      drivers.subarray((unit * n + i) * 2, (unit * n + i) * 2 + 2),
    );
    if (imageShape) drawPixels(context, { x, y, size }, pairs, imageShape, atlas);
    else drawBars(context, { x, y, size }, pairs);
  }
}

/** Draw the pixels of the input that a neuron follows most. */
function drawPixels(context, { x, y, size }, pairs, [height, width, channels = 1], atlas) {
  const page = atlas.page("drivers", width, height);
  const image = new Float32Array(width * height);
  for (const [index, correlation] of pairs) image[Math.floor(index / channels)] = correlation;
  fillDiverging(page.pixels, image, 1, { width, height, flip: false });
  page.put();
  context.imageSmoothingEnabled = false;
  context.drawImage(page.canvas, x, y, size, size);
}

/** Draw a bar for each correlation, to the right if it is positive. */
function drawBars(context, { x, y, size }, pairs) {
  context.fillStyle = "#ffffff";
  context.fillRect(x, y, size, size);
  const pitch = size / pairs.length;
  pairs.forEach(([, correlation], i) => {
    const length = (correlation * size) / 2 || 0;
    context.fillStyle = divergingColor(Math.sign(correlation), 1);
    context.fillRect(x + size / 2, y + (i + 0.2) * pitch, length, pitch * 0.6);
  });
  context.fillStyle = "#9aa4b2";
  context.fillRect(x + size / 2 - 0.5, y, 1, size);
}

/** Draw the value of each feature over the plane. */
function drawInputs(context, column, { grid }, { features, empty }) {
  for (const { x, y, size, unit } of column.tiles) {
    const axis = grid ? grid.names.indexOf(features[unit]) : -1;
    if (axis < 0) context.fillStyle = empty;
    else {
      const [low, high] = axis === 0 ? grid.x1 : grid.x2;
      const scale = Math.max(Math.abs(low), Math.abs(high));
      const ends = axis === 0 ? [x, y, x + size, y] : [x, y + size, x, y];
      const gradient = context.createLinearGradient(...ends);
      for (const share of [0, 0.25, 0.5, 0.75, 1])
        gradient.addColorStop(share, divergingColor(low + share * (high - low), scale));
      context.fillStyle = gradient;
    }
    context.fillRect(x, y, size, size);
  }
}

/** Draw the image that is looked at, in grey or in its colours. */
function drawInputImage(context, column, { arrays }, { atlas }) {
  const image = arrays.row_image;
  if (!image) return;
  const [height, width, channels = 1] = image.shape;
  const page = atlas.page("image", width, height);
  const scale = 255 / (largest(image) || 1);
  for (let i = 0; i < width * height; i++) {
    const at = (channel) => Math.max(0, Math.min(255, image[i * channels + channel] * scale));
    const [r, g, b] = channels === 3 ? [at(0), at(1), at(2)] : [at(0), at(0), at(0)];
    page.pixels[i] = (255 << 24) | (b << 16) | (g << 8) | r;
  }
  page.put();
  const { x, y, size } = column.tiles[0];
  context.imageSmoothingEnabled = false;
  context.drawImage(page.canvas, x, y, size, size);
}
