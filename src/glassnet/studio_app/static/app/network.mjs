import { html, useLayoutEffect, useMemo, useRef } from "../vendor/htm-preact-standalone.mjs";
import { useColorScheme, useWidth } from "./canvas.mjs";
import { EdgeEditor } from "./edge_editor.mjs";
import { countEdges, pickEdge } from "./edges.mjs";
import { LayerFields, LayerList, useHasLayerControls } from "./layer_controls.mjs";
import { drawFramesOnly, drawNetwork } from "./network_drawing.mjs";
import { arrange } from "./network_layout.mjs";
import { NeuronTiles } from "./neuron_tiles.mjs";
import { formatNumber } from "./numbers.mjs";
import { findPicture, useDrawing, useStore, useStudio } from "./store.mjs";
import { createAtlas } from "./tiles.mjs";
import { listWalkEdges, listWalkValues } from "./walk_values.mjs";
import { describeWeight, isSameWeight } from "./weights.mjs";

/** The neurons as small pictures, the weights between them as lines. */
export function Network() {
  const frame = useRef();
  const width = useWidth(frame);
  const state = useStore((content) => content.state);
  const isEditable = useHasLayerControls();
  const plan = useMemo(
    () => (width ? arrange(state, width, isEditable) : null),
    [state.network, state.data, width, isEditable],
  );
  return html`<div class="network" data-testid="network">
    ${isEditable && plan && !plan.controls && html`<${LayerList} />`}
    <div class="network-frame" ref=${frame}>
      ${plan && html`<${Drawing} state=${state} plan=${plan} />`}
    </div>
    ${plan && html`<${Legend} plan=${plan} />`}
    <${EdgeEditor} />
  </div>`;
}

function Drawing({ state, plan }) {
  const { store } = useStudio();
  const canvas = useRef();
  const tip = useRef();
  const labels = useRef(new Map());
  const edges = useRef([]);
  const hovered = useRef(null);
  const atlas = useMemo(createAtlas, []);
  const view = useStore((content) => content.view);
  const edge = useStore((content) => content.edge);
  const walk = useStore((content) => content.walk);
  const stage = useStore((content) => content.stage);
  const walked = useMemo(
    () => walk && { neurons: listWalkValues(walk, stage), edges: listWalkEdges(walk, stage) },
    [walk, stage],
  );
  const histograms = useStore(({ points }) => points?.arrays.histograms);
  useColorScheme();

  function draw(picture) {
    const content = { atlas, state, view, edge, walked, histograms };
    content.hovered = hovered.current?.weight;
    edges.current = drawNetwork(canvas.current, plan, picture, content);
    writeBiases(labels.current, state, picture);
  }
  useDrawing(draw);
  useLayoutEffect(() => {
    if (findPicture(store.get())) return;
    edges.current = [];
    drawFramesOnly(canvas.current, plan);
    for (const label of labels.current.values()) label.textContent = "";
  });

  function drawAgain() {
    const picture = findPicture(store.get());
    if (picture) draw(picture);
  }

  function hover({ offsetX, offsetY }) {
    const found = pickEdge(edges.current, offsetX, offsetY);
    const isNew = !isSameWeight(found?.weight, hovered.current?.weight);
    hovered.current = found;
    canvas.current.classList.toggle("on-edge", Boolean(found));
    showTip(tip.current, found, offsetX, offsetY, state);
    if (isNew) drawAgain();
  }

  function choose({ offsetX, offsetY }) {
    const found = pickEdge(edges.current, offsetX, offsetY);
    if (!found) return;
    const { axes } = store.get();
    const others = axes.filter((weight) => !isSameWeight(weight, found.weight));
    store.set({ edge: found.weight, axes: [...others, found.weight].slice(-2) });
  }

  function leave() {
    hovered.current = null;
    tip.current.hidden = true;
    drawAgain();
  }

  const style = { width: `${plan.width}px`, height: `${plan.height}px` };
  return html`<div class="network-drawing" style=${style}>
    <canvas
      ref=${canvas}
      style=${style}
      aria-hidden="true"
      onPointerMove=${hover}
      onPointerLeave=${leave}
      onClick=${choose}
    ></canvas>
    ${plan.columns.map(
      (column, k) => html`<${Heading}
        column=${column}
        number=${k}
        controls=${k > 0 && k < plan.columns.length - 1 ? plan.controls : 0}
      />`,
    )}
    ${plan.columns.map((column) => html`<${Names} column=${column} plan=${plan} />`)}
    <${NeuronTiles} plan=${plan} view=${view} labels=${labels.current} />
    <output class="edge-tip" data-testid="edge-weight" ref=${tip} hidden></output>
  </div>`;
}

function showTip(element, edge, x, y, state) {
  element.hidden = !edge;
  if (!edge) return;
  const what = edge.what && `${edge.what} `;
  element.textContent = `${describeWeight(state, edge.weight)}: ${what}${formatNumber(edge.value)}`;
  element.dataset.value = edge.value;
  Object.assign(element.style, { left: `${x}px`, top: `${y - 12}px` });
}

function writeBiases(labels, { network }, picture) {
  for (const { name, offset, size, key, layer } of network.weights) {
    if (key !== "bias") continue;
    for (let unit = 0; unit < size; unit++) {
      const label = labels.get(`${layer}-${unit}`);
      if (!label) continue;
      const value = picture.arrays.weights[offset + unit];
      label.dataset.value = value;
      label.textContent = `b ${formatNumber(value, 2)}`;
    }
  }
}

/** The name of a column, with the controls of a hidden layer if they have a width. */
function Heading({ column, number, controls }) {
  const { layer, units, n, notes, kind } = column;
  const width = controls ? { width: `${controls}px` } : { maxWidth: `${column.pitch - 4}px` };
  const style = { left: `${column.x + column.width / 2}px`, ...width };
  const name = layer?.name ?? (kind === "image" ? "image" : "inputs");
  const more = units > n ? [`first ${n} of ${units}`] : [];
  const text = [...(controls ? [] : notes), ...more].join(", ");
  return html`<div class="network-heading" style=${style} title=${`${name}: ${text}`} key=${name}>
    <strong>${name}</strong>
    ${controls ? html`<${LayerFields} number=${number} />` : html`<span>${text}</span>`}
  </div>`;
}

/** The names beside the tiles; of many inputs, the name under the pointer. */
function Names({ column, plan }) {
  if (column.titles)
    return column.tiles.map(({ x, y, size, unit }) => {
      const style = { left: `${x}px`, top: `${y}px`, width: `${size}px`, height: `${size}px` };
      return html`<div class="input-tile" style=${style} title=${column.titles[unit]}></div>`;
    });
  if (!column.names.length) return null;
  const isInput = !column.layer;
  return column.tiles.map(({ x, y, size, unit }) => {
    const side = isInput
      ? { right: `${plan.width - x + 6}px` }
      : { left: `${x + size + 6}px` };
    const style = { ...side, top: `${y + size / 2}px`, maxWidth: `${(isInput ? x : plan.right) - 8}px` };
    const name = String(column.names[unit]);
    return html`<div class="network-name" style=${style} title=${name}>${name}</div>`;
  });
}

const TILES = {
  filters: "Small images: the filters of the first convolution. Tiles: the weights of the neuron.",
  images:
    "Tiles: the weights of the neuron, in the places of the pixels or neurons they come from.",
  table:
    "Inputs: how their values are spread, or their colours on the map; point at one for its name. Bars: the three inputs that correlate most with the neuron's output.",
  line: "Tiles: the output of the neuron over the input; the grey line is 0.",
  plane: "Tiles: the output of the neuron over the input plane; point at one to see it large.",
};

function Legend({ plan }) {
  const { total, drawn } = countEdges(plan);
  const dataKind = useStore(({ state }) => (state.data.image_shape ? "images" : state.data.kind));
  const kind = plan.columns.some(({ filters }) => filters) ? "filters" : dataKind;
  return html`<p class="hint network-legend">
    <span class="swatch negative"></span>negative <span class="swatch"></span>0${" "}
    <span class="swatch positive"></span>positive. ${TILES[kind]} Lines: the weights. Dots: the
    biases b.
    ${drawn < total && ` Only the ${drawn} strongest of ${total} weights are drawn.`}
  </p>`;
}
