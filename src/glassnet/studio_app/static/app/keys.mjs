import { useEffect, useRef } from "../vendor/htm-preact-standalone.mjs";
import { useStudio } from "./store.mjs";

/** The keys of the page, for the help: [keys, what they do]. */
export const KEYS = [
  ["Space", "Play or pause"],
  ["→ or s", "One step"],
  ["← or b", "One step back"],
  ["e", "To the end of the epoch"],
  ["r", "Back to step 0"],
  ["?", "This help"],
  ["Tab", "To the next control, neuron or point map"],
  ["Arrow keys in the network", "To the next neuron"],
  ["Arrow keys in the output", "To the next row of the data"],
];

const ACTIONS = {
  " ": "togglePlay",
  ArrowRight: "step",
  s: "step",
  ArrowLeft: "back",
  b: "back",
  e: "epoch",
  r: "reset",
};
const TYPING =
  'textarea, select, [contenteditable="true"], ' +
  'input:not([type="range"]):not([type="checkbox"]):not([type="radio"])';
const WITH_ARROWS = 'input[type="range"], input[type="radio"], [data-arrows]';
const WITH_SPACE = "button, a, summary, input, [role=button]";

/** Return whether the element with the focus needs the key itself. */
function isUsed(key, target) {
  if (target.closest("dialog") || target.closest(TYPING)) return true;
  if (key.startsWith("Arrow")) return Boolean(target.closest(WITH_ARROWS));
  return key === " " && Boolean(target.closest(WITH_SPACE));
}

/**
 * Call an action if its key is pressed. In a notebook only keys inside the page count.
 * @param {Object<string, () => void>} actions
 */
export function useKeys(actions) {
  const { root, options, store } = useStudio();
  const latest = useRef();
  latest.current = actions;
  useEffect(() => {
    const target = options.isNotebook ? root : document;
    const press = (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const name = ACTIONS[event.key];
      if ((!name && event.key !== "?") || isUsed(event.key, event.target)) return;
      event.preventDefault();
      if (options.isNotebook) event.stopPropagation();
      if (name) latest.current[name]();
      else store.set({ isHelpOpen: true });
    };
    target.addEventListener("keydown", press);
    return () => target.removeEventListener("keydown", press);
  }, [root, options, store]);
}
