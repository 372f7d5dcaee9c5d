import { useMemo, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { drawSeed } from "./changes.mjs";
import { useStore, useStudio } from "./store.mjs";

const SEEK_INTERVAL = 40; // ms between two seeks while the slider moves

/** Return the actions of the time bar and of the keys, and what they depend on. */
export function useActions() {
  const { send, store } = useStudio();
  const isPlaying = useStore(({ state }) => state.playing);
  const seed = useStore(({ state }) => state.settings.seed);
  const [speed, setSpeed] = useState({ steps: 1, pictures: true });
  const seek = useSeek(send);
  const play = (at) => send({ type: "play", ...at });
  return {
    isPlaying,
    seed,
    speed,
    seek,
    setSpeed(changes) {
      const changed = { ...speed, ...changes };
      setSpeed(changed);
      if (isPlaying) play(changed);
    },
    togglePlay: () => (isPlaying ? send({ type: "pause" }) : play(speed)),
    step: () => send({ type: "step", n: 1 }),
    epoch: () => send({ type: "epoch" }),
    back() {
      const { picture, state } = store.get();
      const { step } = picture ?? state.position;
      if (step > 0) seek(step - 1);
    },
    reset: () => send({ type: "reset" }),
    resetWithNewSeed: () => send({ type: "reset", seed: drawSeed() }),
  };
}

/** Return a function that shows a step: the last one wins if many come in a short time. */
function useSeek(send) {
  const waiting = useRef({ step: null, timer: 0 });
  return useMemo(() => {
    const sendWaiting = () => {
      const { step } = waiting.current;
      waiting.current = { step: null, timer: 0 };
      if (step === null) return;
      send({ type: "seek", step });
      waiting.current.timer = setTimeout(sendWaiting, SEEK_INTERVAL);
    };
    return (step) => {
      waiting.current.step = step;
      if (!waiting.current.timer) sendWaiting();
    };
  }, [send]);
}
