import { html, useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { formatNumber } from "./numbers.mjs";
import { useReveal } from "./reveal.mjs";
import { useStore, useStudio } from "./store.mjs";
import { listStageRows } from "./walk_values.mjs";

const SECONDS_PER_STAGE = 2;
const prefersStillness = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** What can be clicked in the network, and a button that begins a walk through the next step. */
export function StartWalk() {
  const { send } = useStudio();
  const isWalking = useStore(({ walk }) => walk !== null);
  return html`<div class="row start-walk">
    <p class="hint">
      Click a <b>neuron</b> for its arithmetic, a <b>line</b> to change its weight.
    </p>
    <button
      type="button"
      data-testid="walk"
      disabled=${isWalking}
      title="Shows every number of the next step: forward, backward, update. Nothing is trained."
      onClick=${() => send({ type: "walk" })}
    >
      Walk through a step
    </button>
  </div>`;
}

/** A walk through the next step: forward, loss, backward and update, one stage at a time. */
export function Walk() {
  const { store } = useStudio();
  const walk = useStore((content) => content.walk);
  if (!walk) return null;
  return html`<${Stages} key=${walk.step} walk=${walk} onClose=${() => store.set({ walk: null })} />`;
}

function Stages({ walk, onClose }) {
  const { store, send } = useStudio();
  const stage = useStore((content) => content.stage);
  const [isAuto, setAuto] = useState(false);
  const region = useRef();
  const last = walk.stages.length - 1;
  const { title, text } = walk.stages[stage];
  const move = (change) => store.set({ stage: Math.max(0, Math.min(last, stage + change)) });

  useEffect(() => region.current.focus({ preventScroll: true }), []);
  useReveal(region, stage);
  useEffect(() => {
    if (!isAuto) return undefined;
    if (stage === last) setAuto(false);
    const timer = setTimeout(() => move(1), 1000 * SECONDS_PER_STAGE);
    return () => clearTimeout(timer);
  }, [isAuto, stage]);

  function press(event) {
    const actions = {
      ArrowRight: () => move(1),
      ArrowLeft: () => move(-1),
      Home: () => move(-last),
      End: () => move(last),
      Escape: onClose,
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }

  return html`<div
    class="card walk"
    data-testid="walk-stages"
    role="group"
    aria-label="Walk through a step"
    tabindex="-1"
    ref=${region}
    onKeyDown=${press}
  >
    <div class="row walk-bar">
      <div class="row">
        <h3>${title}</h3>
        <span class="hint" data-testid="walk-position">stage ${stage + 1} of ${last + 1}</span>
      </div>
      <div class="row">
        <button
          type="button"
          class="small"
          data-testid="walk-previous"
          disabled=${stage === 0}
          onClick=${() => move(-1)}
        >
          ← Previous
        </button>
        <button
          type="button"
          class="small primary"
          data-testid="walk-next"
          disabled=${stage === last}
          onClick=${() => move(1)}
        >
          Next →
        </button>
        <button
          type="button"
          class="small"
          data-testid="walk-close"
          aria-label="Close the walk"
          onClick=${onClose}
        >
          ✕
        </button>
      </div>
    </div>
    <ol class="walk-track" aria-hidden="true">
      ${walk.stages.map(({ kind }, i) => html`<li class=${`${kind} ${i <= stage ? "done" : ""}`}></li>`)}
    </ol>
    <div aria-live="polite">
      <pre data-testid="walk-text" tabindex="0" aria-label="Arithmetic of the stage">${text}</pre>
    </div>
    <${StageTable} walk=${walk} stage=${stage} />
    <p class="hint">
      Row ${walk.row + 1} is the first of the ${walk.n_rows} rows of this step. The tiles show its z and
      a, then its deltas δ. The lines show the weights, then the gradients and updates of all rows; the
      learning rate is${" "}
      ${formatNumber(walk.rate)}.
    </p>
    <div class="row">
      ${!prefersStillness() &&
      html`<button
        type="button"
        class="small"
        aria-pressed=${isAuto}
        disabled=${stage === last}
        onClick=${() => setAuto(!isAuto)}
      >
        Advance by itself
      </button>`}
      <button
        type="button"
        class="small"
        data-testid="walk-step"
        onClick=${() => send({ type: "step", n: 1 })}
      >
        Train this step
      </button>
    </div>
  </div>`;
}

function StageTable({ walk, stage }) {
  const table = listStageRows(walk, stage);
  if (!table) return null;
  const { head, rows, total } = table;
  return html`<div class="table-frame">
    <table class="numbers">
      <thead>
        <tr>${head.map((name, i) => i ? html`<th scope="col">${name}</th>` : html`<td></td>`)}</tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, ...values], row) => html`<tr>
            <th scope="row">${name}</th>
            ${values.map(
              (value, i) => html`<td data-testid=${`walk-${head[i + 1]}-${row}`} data-value=${value}>
                ${formatNumber(value)}
              </td>`,
            )}
          </tr>`,
        )}
      </tbody>
    </table>
    ${total > rows.length && html`<p class="hint">${rows.length} of ${total} rows are shown.</p>`}
  </div>`;
}
