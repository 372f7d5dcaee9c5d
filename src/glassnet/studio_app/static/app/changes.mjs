/** Changes of the settings by the controls. */

const MAX_SEED = 1_000_000;

/** Return a seed that the user did not choose. */
export const drawSeed = () => Math.floor(Math.random() * MAX_SEED);

/** No change waits for an answer. */
export const ALL_ANSWERED = { count: 0, parts: {} };

/**
 * Change a part of the settings, and show it at once: the next change builds on this one, even if
 * the session has not answered yet.
 * @param {{store: object, send: Function}} studio
 * @param {"data"|"network"|"training"} part
 * @param {object} changes some fields of this part
 */
export function changeSettings({ store, send }, part, changes) {
  const { state, unanswered } = store.get();
  const changed = { ...state.settings[part], ...changes };
  store.set({
    state: { ...state, settings: { ...state.settings, [part]: changed } },
    unanswered: {
      count: Math.max(unanswered.count, state.n_changes) + 1,
      parts: { ...unanswered.parts, [part]: changed },
    },
  });
  send({ type: `set_${part}`, [part]: changed });
}

/**
 * Return a state of the session with the changes that it has not seen yet.
 * @param {{count: number, parts: object}} unanswered
 * @param {object} state whose `n_changes` counts the changes that the session has seen.
 * @returns {{state: object, unanswered: object}}
 */
export function addUnanswered(unanswered, state) {
  if (state.n_changes >= unanswered.count) return { state, unanswered: ALL_ANSWERED };
  return { state: { ...state, settings: { ...state.settings, ...unanswered.parts } }, unanswered };
}
