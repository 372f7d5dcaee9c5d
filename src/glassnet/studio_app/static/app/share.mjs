import { html, useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { Dialog } from "./dialog.mjs";
import { useId } from "./fields.mjs";
import { decodeLink, encodeLink, isPrivate } from "./link.mjs";
import { showError, useHidden, useStore, useStudio } from "./store.mjs";

const HASH_INTERVAL = 500; // ms between two changes of the address

const FILES = [
  ["model", "Save the model", "A .glassnet file: gn.load opens it in Python."],
  ["report", "Save the report", "One page about this run, to read in any browser."],
  ["settings", "Save the settings", "A JSON file, for the presets of a lesson."],
];

/**
 * Return the fields of the first message to a new session: what the page shows, so that a page goes
 * on after its server was started again; on a new page what the address says.
 * @param {object} content of the store
 */
export function readLink(content) {
  return content.state ? { settings: presentSettings(content) } : decodeLink(location.hash);
}

/** Return the settings that lead to the step that the page shows. */
function presentSettings({ state, picture }) {
  const { step, first } = { ...state.position, step: picture?.step ?? state.position.step };
  const events = (state.link.events ?? []).filter((event) => event.step <= step);
  return { ...state.link, steps: step - first, events };
}

/** A button that opens the link and the files; it keeps the address up to date. */
export function Share() {
  const [isOpen, setOpen] = useState(false);
  const isReady = useStore(({ state }) => state !== null);
  useAddress();
  if (useHidden("share") || !isReady) return null;
  return html`
    <button data-testid="share" onClick=${() => setOpen(true)}>Share and save</button>
    ${isOpen && html`<${ShareDialog} close=${() => setOpen(false)} />`}
    <${Downloads} />
  `;
}

/** Keep the hash of the address up to date, and open what a new hash asks for. */
function useAddress() {
  const { store, send, options } = useStudio();
  useEffect(() => {
    if (options.isNotebook) return undefined;
    let timer = 0;
    let last = null;
    store.set({ presetName: decodeLink(location.hash).preset ?? null });
    const write = () => {
      timer = 0;
      const { state, picture, busy } = store.get();
      if (busy) return; // the steps of the link may not be trained yet
      last = [state, picture];
      history.replaceState(history.state, "", encodeLink(presentSettings(store.get())));
    };
    const schedule = () => {
      const { state, picture } = store.get();
      if (!state || timer || (last?.[0] === state && last?.[1] === picture)) return;
      timer = setTimeout(write, HASH_INTERVAL);
    };
    const open = () => {
      const link = decodeLink(location.hash);
      store.set({ presetName: link.preset ?? null });
      if (link.problem) showError(store, link.problem);
      if (link.preset || link.settings) send({ type: "open", ...link });
    };
    const unsubscribe = store.subscribe(schedule);
    window.addEventListener("hashchange", open);
    return () => {
      unsubscribe();
      clearTimeout(timer);
      window.removeEventListener("hashchange", open);
    };
  }, [store, send, options]);
}

function ShareDialog({ close }) {
  const { send, store } = useStudio();
  const python = useStore(({ file }) => (file?.media_type === "text/x-python" ? file : null));
  const state = useStore((content) => content.state);
  const get = (kind) => send({ type: "export", kind });
  useEffect(() => () => store.set({ file: null }), [store]);
  return html`<${Dialog} title="Share and save" onClose=${close}>
    <h3>Link</h3>
    <${Link} state=${state} />
    <h3>Python</h3>
    <div><button data-testid="python" onClick=${() => get("python")}>Show as Python</button></div>
    ${python && html`<${Script} file=${python} />`}
    <h3>Files</h3>
    <ul class="file-list">
      ${FILES.map(
        ([kind, label, about]) => html`<li key=${kind}>
          <button data-testid=${kind} onClick=${() => get(kind)}>${label}</button>
          <span class="hint">${about}</span>
        </li>`,
      )}
    </ul>
    <p class="hint">${state.privacy}</p>
  <//>`;
}

/** The link to the present state; in a notebook, which has no address, the command that opens it. */
function Link({ state }) {
  const { store, options } = useStudio();
  const hash = encodeLink(presentSettings(store.get()));
  const isOwn = isPrivate(state.settings) || state.network.is_own_model;
  if (options.isNotebook && isOwn) {
    return html`<p class="hint" data-testid="no_link">
      There is no link: a page in a notebook has no address, and a link never holds your data or
      your model. Take the script or one of the files below along.
    </p>`;
  }
  if (options.isNotebook) {
    const command = `glassnet studio --link ${hash.slice(1)}`;
    return html`<${Copied} label="Command for this state" text=${command} testId="link" />
      <p class="hint">
        A page in a notebook has no address. This command opens the same data, network, weights and
        step in a browser.
      </p>`;
  }
  return html`
    <${Copied} label="Link to this state" text=${new URL(hash, location.href).href} testId="link" />
    <p class="hint">
      It opens the same data, network, weights and step. On another computer:${" "}
      <code>glassnet studio --link</code> and this link.
    </p>
    ${
      isPrivate(state.settings) &&
      html`<p class="message" data-testid="link_without_data">
      Your own data are not in the link, and neither are the steps trained on them.
    </p>`
    }
    ${
      state.network.is_own_model &&
      html`<p class="message" data-testid="link_without_model">
      This model is not one that the controls alone build, so the link opens another one. Save the
      model as a file instead.
    </p>`
    }
  `;
}

function Script({ file }) {
  const text = new TextDecoder().decode(file.arrays.bytes);
  return html`<${Copied} label="Python script" text=${text} testId="script" lines=${16} />`;
}

/** A text that can be copied. */
function Copied({ label, text, testId, lines }) {
  const field = useRef();
  const id = useId();
  const [note, setNote] = useState("");
  const copy = async () => {
    field.current.select();
    try {
      await navigator.clipboard.writeText(text);
      setNote("Copied.");
    } catch {
      setNote("The browser does not allow copying. The text is selected: press Ctrl+C.");
    }
  };
  return html`<div class="copied">
    <label class="hidden" for=${id}>${label}</label>
    ${
      lines
        ? html`<textarea
          id=${id}
          ref=${field}
          data-testid=${testId}
          rows=${lines}
          readonly
          spellcheck="false"
          value=${text}
        ></textarea>`
        : html`<input
          id=${id}
          ref=${field}
          data-testid=${testId}
          type="text"
          readonly
          value=${text}
        />`
    }
    <button data-testid=${`copy_${testId}`} onClick=${copy}>Copy</button>
    <span class="hint" role="status">${note}</span>
  </div>`;
}

/** Save each file that arrives, except the script, which is shown. */
function Downloads() {
  const file = useStore((content) => content.file);
  useEffect(() => {
    if (!file || file.media_type === "text/x-python") return;
    const url = URL.createObjectURL(new Blob([file.arrays.bytes], { type: file.media_type }));
    const link = document.createElement("a");
    link.href = url;
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }, [file]);
  return null;
}
