import {
  createContext,
  useContext,
  useLayoutEffect,
  useRef,
  useState,
} from "../vendor/htm-preact-standalone.mjs";
import { ALL_ANSWERED } from "./changes.mjs";
import { START_VIEW } from "./view.mjs";

const CURVE_COLUMNS = ["step", "epoch", "trainLoss", "testLoss", "trainScore", "testScore"];

const INITIAL = {
  status: { state: "connecting", attempts: 0 },
  catalog: null, // of `welcome`
  lesson: null,
  state: null, // the last message `state`
  points: null, // {target_name, axes, arrays}
  position: null, // the last message `position`: of a run without pictures
  picture: null, // the last message `picture`, with its arrays: changes many times a second
  curve: emptyCurve(), // {step: [], epoch: [], trainLoss: [], ...}
  neuron: null,
  row: null,
  walk: null,
  landscape: null,
  findings: null,
  verifications: {}, // by index of the finding
  file: null,
  busy: null, // a sentence
  error: null, // {message}: a new one is a new object
  stage: null, // index of the stage that the walk shows
  presetName: null, // of the preset whose text is on the page
  isHelpOpen: false,
  unanswered: ALL_ANSWERED, // changes of settings that the session has not seen yet
  view: START_VIEW, // change it with changeView
  edge: null, // the weight that is edited: {name, index}
  pointed: null, // the neuron under the pointer: {layer, unit}
  axes: [], // up to two weights, {name, index}, that the landscape shows
};

function emptyCurve() {
  return Object.fromEntries(CURVE_COLUMNS.map((name) => [name, []]));
}

/** Call functions; an error of one is reported and does not stop the others. */
export function callAll(functions, ...values) {
  for (const each of [...functions]) {
    try {
      each(...values);
    } catch (error) {
      reportError(error);
    }
  }
}

/**
 * Everything that a page of the studio shows. `get()` is the present content; `set(changes)` replaces
 * fields and calls the subscribers.
 */
export function createStore() {
  let content = { ...INITIAL, curve: emptyCurve() };
  const subscribers = new Set();
  return {
    get: () => content,
    set(changes) {
      content = { ...content, ...changes };
      callAll(subscribers);
    },
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
  };
}

/** Context of a mounted page: {store, send, root, options, onPicture}. */
export const StudioContext = createContext(null);

/** Return {store, send, root, options, onPicture} of the page. */
export const useStudio = () => useContext(StudioContext);

/**
 * Return a part of the store, and render again if it changes.
 * @param {(content: object) => T} select returns the same object if nothing changed.
 * @returns {T}
 * @template T
 */
export function useStore(select) {
  const { store } = useStudio();
  const selected = select(store.get());
  const latest = useRef();
  latest.current = { select, selected };
  const [, renderAgain] = useState(0);
  useLayoutEffect(() => {
    const compare = () => {
      const { select: now, selected: before } = latest.current;
      if (!Object.is(now(store.get()), before)) renderAgain((n) => n + 1);
    };
    compare();
    return store.subscribe(compare);
  }, [store]);
  return selected;
}

/** Show a sentence as an error. */
export function showError(store, message) {
  store.set({ error: { message } });
}

/** Return the last picture; null if it is of a network that has been replaced. */
export function findPicture({ picture, state }) {
  return picture?.arrays.weights.length === state?.network.n_weights ? picture : null;
}

/**
 * Draw each picture outside of rendering: at most once per frame of the screen, and after each
 * render of the component.
 * @param {(picture: object) => void} draw gets the last picture, with `arrays`.
 */
export function useDrawing(draw) {
  const studio = useStudio();
  const latest = useRef();
  latest.current = draw;
  useLayoutEffect(() => studio.onPicture((picture) => latest.current(picture)), [studio]);
  useLayoutEffect(() => {
    const picture = findPicture(studio.store.get());
    if (picture) draw(picture);
  });
}

/** Return whether the lesson hides a part: "training", or one control, "training.l1". */
export function useHidden(name) {
  return useStore(({ lesson }) => {
    const hidden = lesson?.hide ?? [];
    return hidden.includes(name) || hidden.includes(name.split(".")[0]);
  });
}

/** Return the curve with new rows (n, 6) from an index on; what was there after it is dropped. */
export function extendCurve(curve, from, rows) {
  const result = {};
  CURVE_COLUMNS.forEach((name, column) => {
    const values = curve[name].length === from ? curve[name] : curve[name].slice(0, from);
    for (let i = column; i < rows.length; i += CURVE_COLUMNS.length) values.push(rows[i]);
    result[name] = values;
  });
  return result;
}
