import {
  html,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "../vendor/htm-preact-standalone.mjs";
import { prepareCanvas, useResize } from "./canvas.mjs";
import { formatNumber } from "./numbers.mjs";
import {
  classColor,
  drawLabel,
  drawLines,
  drawPoint,
  drawRing,
  labelClasses,
  numberColor,
  numberScale,
  paintNeuron,
  paintOutput,
} from "./region_painting.mjs";
import { PointTip } from "./point_tip.mjs";
import { useRows } from "./row_details.mjs";
import { useDrawing, useStore, useStudio } from "./store.mjs";
import { centreMaps } from "./tiles.mjs";

const NEAR = 11; // CSS pixels between pointer and point
const HOVER_INTERVAL = 80; // ms
const FEW_VALUES = 4; // of the other columns: they fit in three lines
const EDGE = 10; // CSS pixels between a label and the end of the map
const MARGIN = 0.08; // of the range of targets, around a curve

/** The output over the input plane, or as a curve over one input, with the rows as points. */
export function Regions() {
  const { store } = useStudio();
  const frame = useRef();
  const map = useRef();
  const top = useRef();
  const caption = useRef();
  const points = useStore((content) => content.points);
  const data = useStore(({ state }) => state.data);
  const row = useStore(({ view }) => view.row);
  const pointed = useStore((content) => content.pointed);
  const [tip, setTip] = useState(null);
  const rows = useRows();
  const isLine = data.kind === "line";
  const isNumber = data.class_names.length === 0;
  const labels = labelClasses(data.class_names);
  const scale = useMemo(() => numberScale(points?.arrays.target ?? []), [points]);
  const grid = useRef(null);
  const isOfOtherData = grid.current && (grid.current.x2 === null) !== isLine;
  if (isOfOtherData) grid.current = null; // until the first picture of these data

  const place = (i) => {
    const { position, target } = points.arrays;
    const [[x0, x1], [y0, y1]] = [grid.current.x1, upRange(grid.current, isLine, isNumber, scale)];
    const y = isLine ? target[i] : position[2 * i + 1];
    return [(position[2 * i] - x0) / (x1 - x0), 1 - (y - y0) / (y1 - y0)];
  };
  const color = (value) => {
    if (!isNumber) return classColor(value);
    return isLine ? classColor(1) : numberColor(value, scale);
  };
  const drawTop = () => {
    if (!points || !grid.current || !top.current) return;
    const context = prepareCanvas(top.current);
    const { clientWidth: width, clientHeight: height } = top.current;
    const { target, is_test } = points.arrays;
    const pixel = (i) => place(i).map((share, axis) => share * (axis ? height : width));
    const edge = isNumber && !isLine ? "#4d4d4d" : "#ffffff";
    for (let i = 0; i < target.length; i++) {
      const options = { isTest: is_test[i] === 1, edge, label: labels[target[i]] };
      drawPoint(context, pixel(i), color(target[i]), options);
    }
    if (row !== null && row < target.length) drawRing(context, pixel(row));
  };
  const draw = (picture) => {
    if (!picture.grid || !picture.arrays.output) return;
    const isMoved = JSON.stringify(grid.current) !== JSON.stringify(picture.grid);
    grid.current = picture.grid;
    const neuron = isLine ? null : findNeuron(store.get(), picture);
    caption.current.textContent = neuron ? `${pointed.layer}, neuron ${pointed.unit}` : "";
    drawMap(map.current, picture, { isLine, isNumber, scale, labels, neuron });
    const up = upRange(picture.grid, isLine, isNumber, scale);
    const [across] = picture.grid.names;
    const upName = isLine ? data.target_name : picture.grid.names[1];
    labelAxes(frame.current, [across, upName], picture.grid, up);
    if (isMoved) drawTop();
  };
  useDrawing(draw);
  useLayoutEffect(drawTop);
  useResize(frame, () => {
    const { picture } = store.get();
    if (picture) draw(picture);
    drawTop();
  });
  const hover = useHover(points, place, top, grid, (i) => {
    if (i !== null) rows.show(i);
    setTip(i === null ? null : place(i));
  });
  return html`<figure class="regions">
    <div class="map-frame" ref=${frame}>
      <span class="axis-up">
        <span class="high"></span><span class="name"></span><span class="low"></span>
      </span>
      <div class="map">
        <canvas ref=${map} data-testid="output_map"></canvas>
        <canvas
          ref=${top}
          data-testid="points"
          data-arrows
          tabindex="0"
          role="application"
          aria-label="Map of the output with the rows as points. Arrow keys go from row to row."
          onPointerMove=${hover}
          onPointerDown=${hover}
          onPointerLeave=${() => setTip(null)}
          onKeyDown=${rows.press}
        ></canvas>
        <span class="map-caption" ref=${caption}></span>
        <${PointTip} place=${tip} />
      </div>
      <span class="axis-across">
        <span class="low"></span><span class="name"></span><span class="high"></span>
      </span>
    </div>
    <${Legend} data=${data} labels=${labels} scale=${scale} isLine=${isLine} />
    <${Slice} />
  </figure>`;
}

/** Return the range of the vertical axis: of x2, of numbers, or of probabilities. */
function upRange(grid, isLine, isNumber, scale) {
  if (!isLine) return grid.x2;
  const [low, high] = isNumber ? [scale.low, scale.high] : [0, 1];
  const margin = (high - low || 1) * MARGIN;
  return [low - margin, high + margin];
}

/** Return the map of the neuron under the pointer: {values, scale, shape}, or null. */
function findNeuron({ pointed, state }, { arrays }) {
  const maps = pointed && arrays[`maps_${pointed.layer}`];
  if (!maps || pointed.unit >= maps.shape[0]) return null;
  const { activation } = state.network.layers.find(({ name }) => name === pointed.layer);
  return { ...centreMaps(maps, activation), shape: maps.shape, unit: pointed.unit };
}

function drawMap(canvas, { arrays, grid }, { isLine, isNumber, scale, labels, neuron }) {
  const context = prepareCanvas(canvas);
  const { clientWidth: width, clientHeight: height } = canvas;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, width, height);
  if (isLine) {
    const [low, high] = upRange(grid, isLine, isNumber, scale);
    drawLines(context, arrays.output, labels, (share, value) => [
      share * width,
      (1 - (value - low) / (high - low)) * height,
    ]);
    return;
  }
  const { image, peaks } = neuron ? paintNeuron(neuron) : paintOutput(arrays.output, scale);
  const small = new OffscreenCanvas(image.width, image.height);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, width, height);
  for (const [k, { pixel }] of peaks) {
    const x = ((pixel % image.width) / image.width) * width;
    const y = (Math.floor(pixel / image.width) / image.height) * height;
    if (labels[k]) drawLabel(context, [inside(x, width), inside(y, height)], labels[k]);
  }
}

/** Return a place on an axis so far from its ends that a label fits. */
const inside = (place, size) => Math.max(EDGE, Math.min(size - EDGE, place));

function labelAxes(frame, names, { x1 }, up) {
  const fill = (axis, name, [low, high]) => {
    const part = frame.querySelector(axis);
    const texts = { name, low: formatNumber(low, 3), high: formatNumber(high, 3) };
    for (const key of Object.keys(texts)) part.querySelector(`.${key}`).textContent = texts[key];
  };
  fill(".axis-across", names[0], x1);
  fill(".axis-up", names[1], up);
}

/** Return a function that shows the row under the pointer, or null. */
function useHover(points, place, top, grid, show) {
  const last = useRef(0);
  return (event) => {
    const now = performance.now();
    if (
      !points ||
      !grid.current ||
      (event.type === "pointermove" && now - last.current < HOVER_INTERVAL)
    )
      return;
    last.current = now;
    const box = top.current.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    let [best, nearest] = [null, NEAR];
    for (let i = 0; i < points.arrays.target.length; i++) {
      const [px, py] = place(i);
      const distance = Math.hypot(px * box.width - x, py * box.height - y);
      if (distance < nearest) [best, nearest] = [i, distance];
    }
    show(best);
  };
}

function Legend({ data, labels, scale, isLine }) {
  return html`<figcaption class="legend">
    ${data.class_names.map(
      (name, k) =>
        html`<span key=${k} data-testid="class"><span
          class="swatch"
          style=${{ background: classColor(k) }}
        ></span>${labels[k] && labels[k] !== name && html`<b>${labels[k]}</b>`}${name}</span>`,
    )}
    ${
      !data.class_names.length &&
      !isLine &&
      html`<span class="color-bar">
      <span class="number" data-value=${scale.low}>${formatNumber(scale.low, 3)}</span>
      <span class="bar"></span>
      <span class="number" data-value=${scale.high}>${formatNumber(scale.high, 3)}</span>
    </span>`
    }
    <span><span class="shape circle"></span>training row</span>
    <span><span class="shape square"></span>test row</span>
  </figcaption>`;
}

/** The values that the other columns of a table have on the map. */
function Slice() {
  const fixed = useStore(({ picture }) => JSON.stringify(picture?.grid?.fixed ?? {}));
  const [isLong, setLong] = useState(false);
  const entries = Object.entries(JSON.parse(fixed));
  if (!entries.length) return null;
  const text = entries.map(([name, value]) => `${name} = ${value}`).join(", ");
  return html`<div>
    <p class=${isLong ? "hint" : "hint three-lines"} data-testid="slice">
      On the map, the other columns have these values: ${text}.
    </p>
    ${
      entries.length > FEW_VALUES &&
      html`<button
      class="small"
      data-testid="all_values"
      aria-expanded=${isLong}
      onClick=${() => setLong(!isLong)}
    >${isLong ? "Fewer values" : "All values"}</button>`
    }
  </div>`;
}
