/** What a canvas needs to know of the page: its size, its colours, and when they change. */

import { useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";

/** Return the colours of the page for a canvas, which cannot use CSS variables. */
export function readTheme(element) {
  const style = getComputedStyle(element);
  const read = (name) => style.getPropertyValue(`--${name}`).trim();
  return Object.fromEntries(
    ["positive", "negative", "line-strong", "accent", "surface", "text", "text-soft", "line"].map(
      (name) => [name, read(name)],
    ),
  );
}

/** Give an empty canvas a size, sharp on dense screens, and return its context. */
export function prepareCanvas(canvas, width = canvas.clientWidth, height = canvas.clientHeight) {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return context;
}

/** Return "dark" or "light", and render again if it changes. */
export function useColorScheme() {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [isDark, setDark] = useState(query.matches);
  useEffect(() => {
    const change = () => setDark(query.matches);
    query.addEventListener("change", change);
    return () => query.removeEventListener("change", change);
  }, [query]);
  return isDark ? "dark" : "light";
}

/**
 * Call a function at first, and whenever the size of an element has changed.
 * @param {{current: HTMLElement}} ref
 * @param {(width: number) => void} change gets the width in CSS pixels.
 */
export function useResize(ref, change) {
  const latest = useRef();
  latest.current = change;
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) =>
      latest.current(Math.floor(entry.contentRect.width)),
    );
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref]);
}

/** Return the width of an element; 0 until it is known. */
export function useWidth(ref) {
  const [width, setWidth] = useState(0);
  useResize(ref, setWidth);
  return width;
}
