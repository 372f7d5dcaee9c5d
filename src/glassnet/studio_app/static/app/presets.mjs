import { html, useEffect, useState } from "../vendor/htm-preact-standalone.mjs";
import { Dialog } from "./dialog.mjs";
import { useHidden, useStore, useStudio } from "./store.mjs";

const findPresets = ({ lesson, catalog }) =>
  lesson?.presets?.length ? lesson.presets : (catalog?.presets ?? null);

/** A button that opens the presets; a lesson has its own. */
export function Presets() {
  const [isOpen, setOpen] = useState(false);
  const isHidden = useHidden("presets");
  const presets = useStore(findPresets);
  if (isHidden || !presets?.length) return null;
  return html`
    <button data-testid="presets" onClick=${() => setOpen(true)}>Presets</button>
    ${
      isOpen &&
      html`<${Dialog} title="Presets" onClose=${() => setOpen(false)}>
      <p class="hint">Each preset replaces data, network and training.</p>
      <ul class="preset-list">
        ${presets.map(
          (preset) => html`<${Card}
          key=${preset.name}
          preset=${preset}
          close=${() => setOpen(false)}
        />`,
        )}
      </ul>
    <//>`
    }
  `;
}

function Card({ preset, close }) {
  const { send, store, options } = useStudio();
  const open = (event) => {
    const isNewTab = event.ctrlKey || event.metaKey || event.shiftKey;
    if (isNewTab && !options.isNotebook) return;
    event.preventDefault();
    store.set({ presetName: preset.name });
    send({ type: "open", preset: preset.name });
    close();
  };
  return html`<li class="card" data-testid=${`preset_${preset.name}`}>
    <a href=${`#preset=${encodeURIComponent(preset.name)}`} onClick=${open}>${preset.title}</a>
    <p>${preset.why}</p>
    <p class="try"><b>Try this:</b> ${preset.try_this}</p>
  </li>`;
}

/** What the opened preset shows, and what to try. */
export function PresetText() {
  const { store } = useStudio();
  const name = useStore((content) => content.presetName);
  const presets = useStore(findPresets);
  const preset = presets?.find((each) => each.name === name);
  useLessonStart();
  if (!preset) return null;
  return html`<aside class="preset-text" aria-label="Preset" data-testid="preset_text">
    <div>
      <h2>${preset.title}</h2>
      <p>${preset.why} <b>Try this:</b> ${preset.try_this}</p>
    </div>
    <button
      class="small"
      aria-label="Close the text of the preset"
      onClick=${() => store.set({ presetName: null })}
    >
      <span aria-hidden="true">✕</span>
    </button>
  </aside>`;
}

/** Show the text of the preset with which a lesson begins, unless a link opens another state. */
function useLessonStart() {
  const { store, options } = useStudio();
  const lesson = useStore((content) => content.lesson);
  useEffect(() => {
    if (!lesson || (location.hash && !options.isNotebook)) return;
    store.set({ presetName: lesson.start || findPresets(store.get())[0].name });
  }, [lesson]);
}
