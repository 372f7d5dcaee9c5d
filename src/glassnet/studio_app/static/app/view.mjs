/** What the pictures show: axes, the row looked at, and the selected neuron. */

/** The view before the user chooses anything. */
export const START_VIEW = { axes: [], row: null, layer: null, unit: 0, whole_batch: false };

/**
 * Change a part of the view; the rest stays.
 * @param {{store: object, send: Function}} studio
 * @param {object} changes some of the fields of `START_VIEW`.
 */
export function changeView({ store, send }, changes) {
  const view = { ...store.get().view, ...changes };
  store.set({ view });
  send({ type: "set_view", ...view });
}

/**
 * Return the view without a neuron that the network no longer has, and without a row of other data.
 * @param {object} view
 * @param {object} state the new one.
 * @param {object|null} before the state before it.
 */
export function fitView(view, { network, data }, before) {
  const layer = network.layers.find(({ name }) => name === view.layer);
  const neuron = layer && view.unit < layer.units ? {} : { layer: null, unit: 0 };
  const isSameData = !before || before.data.title === data.title;
  const hasRow = isSameData && view.row < data.n_train + data.n_test;
  return { ...view, ...neuron, row: hasRow ? view.row : null };
}
