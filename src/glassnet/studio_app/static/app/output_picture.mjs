import { useEffect, useState } from "../vendor/htm-preact-standalone.mjs";
import { useStudio } from "./store.mjs";

const INTERVAL = 120; // ms

/** Return the last picture, for tables: at most about eight times a second. */
export function usePicture() {
  const { store } = useStudio();
  const [picture, setPicture] = useState(store.get().picture);
  useEffect(() => {
    let timer = 0;
    let shown = null;
    const show = () => {
      clearTimeout(timer);
      timer = 0;
      shown = store.get().picture;
      setPicture(shown);
    };
    const schedule = () => {
      const { picture } = store.get();
      if (picture === shown) return;
      if (picture?.score_name !== shown?.score_name) show(); // of another target
      else if (!timer) timer = setTimeout(show, INTERVAL);
    };
    show();
    const unsubscribe = store.subscribe(schedule);
    return () => {
      unsubscribe();
      clearTimeout(timer);
    };
  }, [store]);
  return picture;
}
