import { html, useRef } from "../vendor/htm-preact-standalone.mjs";
import { useDrawing, useStudio } from "./store.mjs";
import { readWeight } from "./weights.mjs";

const MIN_RANGE = 2;
const SECONDS_BETWEEN = 0.05;

/** A number field and a slider that change one weight, and follow it while it is trained. */
export function WeightField({ weight, label, testId }) {
  const { store, send } = useStudio();
  const number = useRef();
  const slider = useRef();
  const busy = useRef({ isTyping: false, isSliding: false, sentAt: 0 });

  useDrawing((picture) => {
    const { network } = store.get().state;
    const value = readWeight(network, picture, weight);
    number.current.dataset.value = value;
    if (!busy.current.isTyping) number.current.value = Number(value.toPrecision(5));
    if (busy.current.isSliding) return;
    const range = Math.max(MIN_RANGE, 2 ** Math.ceil(Math.log2(Math.abs(value) * 1.2 || 1)));
    slider.current.min = -range;
    slider.current.max = range;
    slider.current.value = value;
  });

  function change(text) {
    const value = Number(text);
    if (text === "" || !Number.isFinite(value)) return;
    busy.current.sentAt = performance.now();
    send({ type: "set_weight", change: { ...weight, value } });
  }

  function slide({ target }) {
    busy.current.isSliding = true;
    number.current.value = Number(Number(target.value).toPrecision(5));
    if (performance.now() - busy.current.sentAt > 1000 * SECONDS_BETWEEN) change(target.value);
  }

  return html`<span class="weight-field">
    <input
      type="number"
      step="any"
      ref=${number}
      aria-label=${label}
      data-testid=${testId}
      onInput=${() => (busy.current.isTyping = true)}
      onChange=${({ target }) => {
        busy.current.isTyping = false;
        change(target.value);
      }}
      onBlur=${() => (busy.current.isTyping = false)}
    />
    <input
      type="range"
      step="any"
      ref=${slider}
      aria-label=${`${label}, slider`}
      onInput=${slide}
      onChange=${({ target }) => {
        busy.current.isSliding = false;
        change(target.value);
      }}
    />
  </span>`;
}
