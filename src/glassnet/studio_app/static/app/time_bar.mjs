import { html, useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { CheckField, SelectField } from "./fields.mjs";
import { useKeys } from "./keys.mjs";
import { LOSS_DIGITS, formatNumber } from "./numbers.mjs";
import { useDrawing, useHidden, useStore } from "./store.mjs";
import { useActions } from "./time_actions.mjs";

const STEPS_PER_PICTURE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
const NOTE_TIME = 10_000; // ms
const FORGETS = "If you have gone back, training on from here forgets the later steps.";

/** Play, single steps, the way back, and where training is. */
export function TimeBar() {
  const actions = useActions();
  const [isOpen, setOpen] = useState(false); // on small screens
  useKeys(actions);
  const { isPlaying } = actions;
  return html`
    <div class="time-bar" role="group" aria-label="Time">
      <div class="row">
        <button class="primary play" data-testid="play" onClick=${actions.togglePlay}>
          <span aria-hidden="true">${isPlaying ? "❚❚" : "▶"}</span>
          <span class="word">${isPlaying ? "Pause" : "Play"}</span>
        </button>
        <button
          data-testid="back"
          aria-label="Step back"
          title="Key: left arrow or b"
          onClick=${actions.back}
        >
          <span aria-hidden="true">◂</span> <span class="word">Back</span>
        </button>
        <button
          data-testid="step"
          title=${`Key: right arrow or s. ${FORGETS}`}
          onClick=${actions.step}
        >
          <span class="word">Step</span> <span aria-hidden="true">▸</span>
        </button>
        <button data-testid="epoch" title=${`Key: e. ${FORGETS}`} onClick=${actions.epoch}>
          <span class="word">Epoch</span> <span aria-hidden="true">▸▸</span>
        </button>
      </div>
      <${Scrubber} seek=${actions.seek} />
      <${Position} />
      <button
        class="small more-time"
        data-testid="more_time"
        aria-expanded=${isOpen}
        onClick=${() => setOpen(!isOpen)}
      >${isOpen ? "Less" : "More"}</button>
      <div class=${isOpen ? "time-rest open" : "time-rest"}>
        <${Speed} actions=${actions} />
        <${ResetButtons} actions=${actions} />
      </div>
    </div>
    <${Notes} isPlaying=${isPlaying} />
  `;
}

function Scrubber({ seek }) {
  const input = useRef();
  const isDragging = useRef(false);
  const position = useStore(({ state }) => state.position);
  const show = ({ step, last }) => {
    if (isDragging.current || !input.current) return;
    input.current.max = last;
    input.current.value = step;
    input.current.setAttribute("aria-valuetext", `step ${step} of ${last}`);
  };
  useDrawing(show);
  useEffect(() => show(position), [position]);
  return html`<input
    ref=${input}
    class="scrubber"
    data-testid="scrub"
    type="range"
    aria-label="Step to show"
    min=${position.first}
    max=${position.last}
    step="1"
    onInput=${(event) => {
      isDragging.current = true;
      seek(Number(event.currentTarget.value));
    }}
    onChange=${(event) => {
      isDragging.current = false;
      seek(Number(event.currentTarget.value));
    }}
  />`;
}

function Position() {
  const element = useRef();
  const withoutPictures = useStore((content) => content.position);
  const show = (place) => {
    for (const name of ["step", "epoch", "step_in_epoch", "steps_per_epoch"]) {
      const part = element.current.querySelector(`[data-testid="position_${name}"]`);
      part.textContent = String(place[name]);
      part.dataset.value = String(place[name]);
    }
  };
  useDrawing(show);
  useEffect(() => withoutPictures && show(withoutPictures), [withoutPictures]);
  return html`<p class="position" ref=${element}>
    step <b class="number" data-testid="position_step"></b>, epoch${" "}
    <b class="number" data-testid="position_epoch"></b>
    <span class="soft" title="Steps of this epoch">
      ${" ("}<span class="number" data-testid="position_step_in_epoch"></span> of${" "}
      <span class="number" data-testid="position_steps_per_epoch"></span>)
    </span>
  </p>`;
}

function Speed({ actions }) {
  if (useHidden("time.speed")) return null;
  const { steps, pictures } = actions.speed;
  return html`<div class="row">
    <${SelectField}
      name="time.steps_per_picture"
      label="Steps per picture"
      value=${String(steps)}
      options=${STEPS_PER_PICTURE.map((n) => [String(n), n.toLocaleString("en")])}
      disabled=${!pictures}
      onChange=${(value) => actions.setSpeed({ steps: Number(value) })}
    />
    <${CheckField}
      name="time.pictures"
      label="Pictures"
      value=${pictures}
      hint="Without pictures, training is as fast as fit. The page is drawn again after a pause."
      onChange=${(value) => actions.setSpeed({ pictures: value })}
    />
  </div>`;
}

function ResetButtons({ actions }) {
  return html`<div class="row">
    <button
      data-testid="reset"
      title="Key: r. Go back to step 0 with the same weights."
      onClick=${actions.reset}
    >
      Reset
    </button>
    <button
      data-testid="reset_seed"
      title="Go back to step 0 and draw other weights."
      onClick=${actions.resetWithNewSeed}
    >
      New weights
    </button>
    <span class="soft">seed <span
      class="number"
      data-testid="seed"
      data-value=${actions.seed}
    >${actions.seed}</span></span>
  </div>`;
}

/** What the session is doing, what the last change does, and, in a pause, where the losses are. */
function Notes({ isPlaying }) {
  const busy = useStore((content) => content.busy);
  const note = useStore(({ state }) => state.note);
  const isOld = useAge(`${note} ${useStore(({ state }) => state.n_changes)}`);
  const problem = useStore(({ picture }) => picture?.problem ?? null);
  return html`<div class="notes">
    <p class=${isOld && !busy ? "note old" : "note"} role="status" data-testid="note">${
      busy
        ? html`<span
      class="busy"
      data-testid="busy"
    >${busy}</span> `
        : ""
    }${note}</p>
    ${problem && html`<p class="message bad" role="alert" data-testid="problem">${problem}</p>`}
    <${Summary} isPlaying=${isPlaying} />
  </div>`;
}

/** Return whether a text has been on the page for some seconds. */
function useAge(text) {
  const [old, setOld] = useState(null);
  useEffect(() => {
    const timer = setTimeout(() => setOld(text), NOTE_TIME);
    return () => clearTimeout(timer);
  }, [text]);
  return old === text;
}

function Summary({ isPlaying }) {
  const text = useStore(({ picture }) => (isPlaying || !picture ? "" : describe(picture)));
  return html`<p class="hidden" aria-live="polite" data-testid="summary">${text}</p>`;
}

function describe({ step, epoch, losses: [train, test] }) {
  const ofTest = test === null || test === undefined ? "" : `, test loss ${formatNumber(test, LOSS_DIGITS)}`;
  return `Step ${step}, epoch ${epoch}: training loss ${formatNumber(train, LOSS_DIGITS)}${ofTest}.`;
}
