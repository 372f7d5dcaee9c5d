import { html, useRef } from "../vendor/htm-preact-standalone.mjs";
import { useReveal } from "./reveal.mjs";
import { useStore, useStudio } from "./store.mjs";
import { WeightField } from "./weight_field.mjs";
import { describeWeight, isSameWeight } from "./weights.mjs";

/** The weight whose line was clicked: its value, and whether the landscape shows it. */
export function EdgeEditor() {
  const { store } = useStudio();
  const edge = useStore((content) => content.edge);
  const state = useStore((content) => content.state);
  const card = useRef();
  useReveal(card, edge);
  if (!edge) return null;
  const label = `Weight ${describeWeight(state, edge)}`;
  return html`<div class="card edge-editor" data-testid="edge-editor" ref=${card}>
    <span class="edge-name">${label}</span>
    <${WeightField}
      key=${`${edge.name} ${edge.index}`}
      weight=${edge}
      label=${label}
      testId="edge-value"
    />
    <${AxisButton} weight=${edge} />
    <button
      type="button"
      class="small"
      aria-label="Close the weight"
      onClick=${() => store.set({ edge: null })}
    >
      ✕
    </button>
  </div>`;
}

/** A button that chooses a weight for the loss landscape, or takes it away. */
export function AxisButton({ weight }) {
  const { store } = useStudio();
  const axes = useStore((content) => content.axes);
  const isChosen = axes.some((axis) => isSameWeight(axis, weight));
  const toggle = () => {
    const others = axes.filter((axis) => !isSameWeight(axis, weight));
    store.set({ axes: isChosen ? others : [...others, weight].slice(-2) });
  };
  const title = isChosen
    ? "Take this weight out of the loss landscape"
    : "Show this weight as an axis of the loss landscape";
  return html`<button
    type="button"
    class="small"
    aria-pressed=${isChosen}
    aria-label="Axis of the loss landscape"
    title=${title}
    onClick=${toggle}
  >
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" class="contours">
      <path d="M1 8c0-9 14-9 14 0s-14 9-14 0zM4 8c0-5 8-5 8 0s-8 5-8 0zM7 8c0-2 2-2 2 0s-2 2-2 0z" />
    </svg>
  </button>`;
}
