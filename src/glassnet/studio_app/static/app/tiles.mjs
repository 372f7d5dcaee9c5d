/** Pictures of neurons: response maps, weights as images, and what drives a neuron. */

import { divergingColor, fillDiverging, fillImage } from "./colors.mjs";

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
 * @param {{atlas: object, imageShape: number[]|null, before: object|undefined, inputs: string[],
 *   histograms: object|undefined}} options `before` is the column before; `histograms` are those of
 *   the inputs of a table.
 */
export function drawTiles(context, column, picture, options) {
  const { arrays } = picture;
  const { before, imageShape } = options;
  const name = column.layer?.name;
  if (column.kind === "input") drawInputs(context, column, picture, options);
  else if (column.kind === "image") drawInputImage(context, column, picture, options);
  else if (arrays[`drivers_${name}`] && !imageShape) drawDrivers(context, column, picture);
  else if (arrays[`maps_${name}`]?.shape[1] === 1)
    drawLines(context, column, arrays[`maps_${name}`]);
  else if (arrays[`maps_${name}`]) drawMaps(context, column, picture, options);
  else if (imageShape && column.kernel.shape[0] === imageShape.reduce((a, b) => a * b, 1))
    drawPixelWeights(context, column, picture, options);
  else if (column.kind === "dense") drawNeuronWeights(context, column, picture, options);
}

/**
 * Return the maps of a layer, and the absolute value with the full colour. Of a sigmoid, 1/2 is white.
 * @param {Float32Array} maps (units, height, width)
 * @param {string} activation
 */
export function centreMaps(maps, activation) {
  if (activation !== "sigmoid") return { values: maps, scale: largest(maps) };
  return { values: maps.map((value) => value - 0.5), scale: 0.5 };
}

function drawMaps(context, column, { arrays }, { atlas }) {
  const maps = arrays[`maps_${column.layer.name}`];
  const [units, height, width] = maps.shape;
  const page = atlas.page(column.layer.name, width, height * units);
  const { values, scale } = centreMaps(maps, column.layer.activation);
  for (let unit = 0; unit < units; unit++) {
    const start = unit * width * height;
    const pixels = page.pixels.subarray(start, start + width * height);
    fillDiverging(pixels, values, scale, { start, width, height });
  }
  page.put();
  copyTiles(context, column, page, width, height);
}

/** Draw the filters of the first convolution as images: the mean over the channels of the image. */
export function drawFilters(context, { filters, tiles, layer }, { arrays }, atlas) {
  const [height, width, channels, n] = filters.shape;
  const weights = arrays.weights.subarray(filters.offset, filters.offset + filters.size);
  const across = Math.ceil(Math.sqrt(n));
  const page = atlas.page(layer.name, width, height * n);
  const image = new Float32Array(width * height);
  const [{ x, y, size }] = tiles;
  const side = size / across;
  for (let unit = 0; unit < n; unit++) {
    image.fill(0);
    for (let i = 0; i < image.length * channels; i++)
      image[Math.floor(i / channels)] += weights[i * n + unit] / channels;
    const pixels = page.pixels.subarray(unit * image.length, (unit + 1) * image.length);
    fillDiverging(pixels, image, largest(image), { width, height, flip: false });
  }
  page.put();
  context.imageSmoothingEnabled = false;
  for (let unit = 0; unit < n; unit++) {
    const [column, row] = [unit % across, Math.floor(unit / across)];
    const place = [x + column * side + 2, y + row * side + 2, side - 4, side - 4];
    context.drawImage(page.canvas, 0, unit * height, width, height, ...place);
  }
}

function copyTiles(context, column, page, width, height) {
  context.imageSmoothingEnabled = width > 28;
  for (const { x, y, size, unit } of column.tiles)
    context.drawImage(page.canvas, 0, unit * height, width, height, x, y, size, size);
}

/** Draw a curve for each neuron over a single input. */
function drawLines(context, column, maps) {
  const width = maps.shape[2];
  const scale = largest(maps) || 1;
  context.lineWidth = 2;
  for (const { x, y, size, unit } of column.tiles) {
    context.fillStyle = "#ffffff";
    context.fillRect(x, y, size, size);
    context.fillStyle = "#9aa4b2";
    context.fillRect(x, y + size / 2 - 0.5, size, 1);
    context.strokeStyle = divergingColor(1, 1);
    context.beginPath();
    for (let i = 0; i < width; i++) {
      const height = maps[unit * width + i] / scale;
      context.lineTo(x + (i / (width - 1)) * size, y + (size / 2) * (1 - 0.92 * height));
    }
    context.stroke();
  }
}

/** Draw the weights of each neuron as an image of the pixels they come from. */
function drawPixelWeights(context, column, { arrays }, { atlas, imageShape }) {
  const [height, width, channels = 1] = imageShape;
  const { offset, size, shape } = column.kernel;
  const units = shape[1];
  const nPixels = width * height;
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

/** Draw the weights of each neuron in the places of the neurons they come from, or in a square. */
function drawNeuronWeights(context, column, { arrays }, { atlas, before }) {
  const { offset, size, shape } = column.kernel;
  const [inputs, units] = shape;
  const isDense = before.kind === "dense";
  const height = isDense ? before.rows : Math.ceil(Math.sqrt(inputs));
  const width = Math.ceil((isDense ? before.n : inputs) / height);
  const weights = arrays.weights.subarray(offset, offset + size);
  const scale = largest(weights);
  const page = atlas.page(column.layer.name, width, height * units);
  const image = new Float32Array(width * height);
  for (const { unit } of column.tiles) {
    for (let i = 0; i < Math.min(inputs, image.length); i++)
      image[(i % height) * width + Math.floor(i / height)] = weights[i * units + unit];
    const pixels = page.pixels.subarray(unit * image.length, (unit + 1) * image.length);
    fillDiverging(pixels, image, scale, { width, height, flip: false });
  }
  page.put();
  copyTiles(context, column, page, width, height);
}

function drawDrivers(context, column, { arrays }) {
  const drivers = arrays[`drivers_${column.layer.name}`];
  const [, n] = drivers.shape;
  for (const { x, y, size, unit } of column.tiles) {
    const pairs = Array.from({ length: n }, (_, i) =>
      drivers.subarray((unit * n + i) * 2, (unit * n + i) * 2 + 2),
    );
    drawBars(context, { x, y, size }, pairs);
  }
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

/** Draw the value of each feature over the plane; a histogram if it is not on the plane. */
function drawInputs(context, column, { grid }, { inputs, histograms }) {
  const hasBars = histograms?.shape[0] === inputs.length;
  for (const { x, y, size, unit } of column.tiles) {
    const axis = grid ? grid.names.indexOf(inputs[unit]) : -1;
    context.fillStyle = "#ffffff";
    if (axis >= 0) {
      const [low, high] = axis === 0 ? grid.x1 : grid.x2;
      const scale = Math.max(Math.abs(low), Math.abs(high));
      const ends = axis === 0 ? [x, y, x + size, y] : [x, y + size, x, y];
      const gradient = context.createLinearGradient(...ends);
      for (const share of [0, 0.25, 0.5, 0.75, 1])
        gradient.addColorStop(share, divergingColor(low + share * (high - low), scale));
      context.fillStyle = gradient;
    }
    context.fillRect(x, y, size, size);
    if (axis < 0 && hasBars) drawHistogram(context, { x, y, size }, histograms, unit);
  }
}

/** Draw how often the values of an input occur in the training rows, from small to large. */
function drawHistogram(context, { x, y, size }, histograms, unit) {
  const n = histograms.shape[1];
  const bars = [...histograms.subarray(unit * n, (unit + 1) * n)];
  const most = Math.max(...bars, 1);
  context.fillStyle = "#66748a";
  bars.forEach((count, i) => {
    const height = (0.9 * size * count) / most;
    context.fillRect(x + (i / n) * size, y + size - height, size / n - 0.5, height);
  });
}

/** Draw the image that is looked at, in grey or in its colours. */
function drawInputImage(context, column, { arrays }, { atlas }) {
  const image = arrays.row_image;
  if (!image) return;
  const [height, width] = image.shape;
  const page = atlas.page("image", width, height);
  fillImage(page.pixels, image);
  page.put();
  const { x, y, size } = column.tiles[0];
  context.imageSmoothingEnabled = false;
  context.drawImage(page.canvas, x, y, size, size);
}
