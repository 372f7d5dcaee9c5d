import { useEffect } from "../vendor/htm-preact-standalone.mjs";

/**
 * Scroll as little as needed to show an element, at first and when a value changes.
 * @param {{current: HTMLElement}} ref
 * @param {unknown} value
 */
export function useReveal(ref, value) {
  useEffect(() => ref.current?.scrollIntoView({ block: "nearest" }), [value]);
}
