import { ALL_ANSWERED, addUnanswered } from "./changes.mjs";
import { callAll, extendCurve, findPicture, showError } from "./store.mjs";
import { START_VIEW, changeView, fitView } from "./view.mjs";
import { hasWeight } from "./weights.mjs";

const REFUSED = "The link of this page could not be opened, so this is the start.";

/**
 * Return the function that puts messages of the session into the store.
 * @param {object} store
 * @param {(message: object) => boolean} send
 * @param {(content: object) => object} readLink returns the fields of the first message, `open`.
 * @returns {{receive: (header: object, arrays: object) => void, onPicture: Function}}
 */
export function createReceiver(store, send, readLink) {
  const drawers = new Set();
  let waiting = [];

  function drawPictures() {
    const picture = findPicture(store.get());
    if (picture) callAll(drawers, picture);
    for (const number of waiting) send({ type: "ack", picture: number });
    waiting = [];
  }

  function receivePicture(header, arrays) {
    const picture = { ...header, arrays };
    let { curve } = store.get();
    if (arrays.curve) curve = extendCurve(curve, header.curve_from, arrays.curve);
    const walk = store.get().walk?.step === header.step ? store.get().walk : null;
    store.set({ picture, curve, walk });
    waiting.push(header.picture);
    if (waiting.length > 1) return;
    if (document.hidden) setTimeout(drawPictures, 0);
    else requestAnimationFrame(drawPictures);
  }

  function receiveState(header) {
    const before = store.get();
    const view = fitView(before.view, header, before.state);
    const axes = before.axes.filter((weight) => hasWeight(header.network, weight));
    const edge = hasWeight(header.network, before.edge) ? before.edge : null;
    const toText = (state) => JSON.stringify(state?.network.weights);
    const neuron = toText(header) === toText(before.state) ? before.neuron : null;
    const shown = addUnanswered(before.unanswered, header);
    store.set({ ...shown, walk: null, neuron, view, axes, edge });
  }

  const receivers = {
    welcome({ resumed, catalog, lesson }) {
      const before = store.get();
      store.set({ catalog, lesson, busy: null, unanswered: ALL_ANSWERED });
      if (!resumed) {
        const { problem, ...link } = readLink(before);
        if (problem) showError(store, problem);
        send({ type: "open", ...link });
      }
      if (resumed || before.view !== START_VIEW) changeView({ store, send }, before.view);
    },
    state: receiveState,
    points: (header, arrays) => store.set({ points: { ...header, arrays }, row: null }),
    picture: receivePicture,
    position(header) {
      store.set({ position: header });
      send({ type: "ack", picture: header.picture });
    },
    neuron: (header) => store.set({ neuron: header }),
    row: (header) => store.set({ row: header }),
    walk: (header, arrays) => store.set({ walk: { ...header, arrays }, stage: 0 }),
    landscape: (header, arrays) => store.set({ landscape: { ...header, arrays } }),
    findings: (header) => store.set({ findings: header, verifications: {} }),
    verification: (header) =>
      store.set({ verifications: { ...store.get().verifications, [header.finding]: header } }),
    file: (header, arrays) => store.set({ file: { ...header, arrays } }),
    busy: ({ what }) => store.set({ busy: what }),
    idle: () => store.set({ busy: null }),
    error({ message }) {
      const { state, error } = store.get();
      const isLinkRefused = state === null && error === null;
      showError(store, isLinkRefused ? `${REFUSED} ${message}` : message);
      store.set({ unanswered: ALL_ANSWERED });
      if (isLinkRefused) send({ type: "open" });
    },
  };

  return {
    receive: (header, arrays) => receivers[header.type](header, arrays),
    onPicture(draw) {
      drawers.add(draw);
      return () => drawers.delete(draw);
    },
  };
}
