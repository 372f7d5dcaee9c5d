import { html, useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { useColorScheme, useWidth } from "./canvas.mjs";
import { Select } from "./fields.mjs";
import { drawLandscape } from "./landscape_drawing.mjs";
import { useDrawing, useStore, useStudio } from "./store.mjs";
import { Value } from "./value.mjs";
import { describeWeight, findArray, readWeight } from "./weights.mjs";

/** The loss over two weights, with the path of the run. */
export function Landscape() {
  const { store, send } = useStudio();
  const state = useStore((content) => content.state);
  const axes = useStore((content) => content.axes);
  const landscape = useStore((content) => content.landscape);
  const [asked, setAsked] = useState(null);
  const isReady = axes.length === 2;
  const change = (k) => (weight) => {
    const others = [...axes];
    others[k] = weight;
    store.set({ axes: others });
  };
  const compute = () => {
    setAsked(axes);
    send({ type: "landscape", weights: axes.map(({ name, index }) => [name, index]) });
  };
  const isSame = landscape && asked && String(asked.map(toText)) === String(axes.map(toText));
  return html`
    <p class="hint">
      Click two lines of the network, or choose two weights here. All other weights stay as they are
      now.
    </p>
    <div class="fields axis-fields">
      <${WeightChoice} label="Across" state=${state} weight=${axes[0]} onChange=${change(0)} />
      ${axes.length > 0 &&
      html`<${WeightChoice} label="Up" state=${state} weight=${axes[1]} onChange=${change(1)} />`}
    </div>
    <div class="row">
      <button type="button" data-testid="landscape" disabled=${!isReady} onClick=${compute}>
        ${isSame ? "Compute again" : "Compute the landscape"}
      </button>
    </div>
    ${isSame && html`<${Picture} landscape=${landscape} axes=${asked} state=${state} />`}
  `;
}

const toText = ({ name, index }) => `${name} ${index}`;

/** Fields that choose one weight: its array, and its place there. */
function WeightChoice({ label, state, weight, onChange }) {
  const entry = weight && findArray(state.network, weight.name);
  const choose = (name) =>
    onChange({ name, index: findArray(state.network, name).shape.map(() => 0) });
  const place = (axis) => ({ target }) => {
    const index = [...weight.index];
    const i = Math.round(Number(target.value));
    index[axis] = Math.max(0, Math.min(entry.shape[axis] - 1, i || 0));
    onChange({ ...weight, index });
  };
  const id = `axis-${label.toLowerCase()}`;
  return html`<div class="field">
    <label for=${id}>${label}</label>
    <div class="row weight-choice">
      <${Select}
        id=${id}
        value=${entry?.name ?? ""}
        options=${[...(entry ? [] : [["", "choose"]]), ...state.network.weights.map(({ name }) => name)]}
        onChange=${choose}
      />
      ${entry?.shape.map(
        (n, axis) => html`<input
          type="number"
          min="0"
          max=${n - 1}
          aria-label=${`${label}: index ${axis} of ${entry.name}`}
          value=${weight.index[axis]}
          onChange=${place(axis)}
        />`,
      )}
    </div>
    ${entry && html`<span class="hint">${describeWeight(state, weight)}</span>`}
  </div>`;
}

function Picture({ landscape, axes, state }) {
  const frame = useRef();
  const canvas = useRef();
  const width = useWidth(frame);
  useColorScheme();
  const [now, setNow] = useState(null);
  const { store } = useStudio();
  const names = axes.map((weight) => describeWeight(state, weight));

  useDrawing((picture) => {
    if (!width) return;
    const point = axes.map((weight) => readWeight(state.network, picture, weight));
    drawLandscape(canvas.current, width, { landscape, names, point });
  });
  useEffect(() => {
    const read = () => {
      const { picture } = store.get();
      setNow(axes.map((weight) => readWeight(state.network, picture, weight)).join(" "));
    };
    read();
    return store.subscribe(read);
  }, [store, axes, state]);

  const [first, second] = (now ?? "").split(" ").map(Number);
  const { loss, x, y, path } = landscape.arrays;
  const lowest = loss.reduce((best, value, i) => (value < loss[best] ? i : best), 0);
  return html`<figure class="landscape" ref=${frame}>
    <canvas
      ref=${canvas}
      role="img"
      data-testid="landscape-picture"
      aria-label=${`Loss over ${names[0]} and ${names[1]}`}
    ></canvas>
    <figcaption class="hint">
      The loss with the other weights of step ${landscape.step}. Line: the run, ${path.shape[0]}
      states. Ring: now, at${" "}
      (<${Value} value=${first} testId="landscape-x" />, <${Value} value=${second} testId="landscape-y" />).
      Lowest loss of the picture: <${Value} value=${loss[lowest]} testId="landscape-lowest" /> at${" "}
      (<${Value} value=${x[lowest % x.length]} testId="landscape-lowest-x" />,${" "}
      <${Value}
        value=${y[Math.floor(lowest / x.length)]}
        testId="landscape-lowest-y"
      />).
    </figcaption>
  </figure>`;
}
