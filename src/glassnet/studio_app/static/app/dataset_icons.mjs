import { html } from "../vendor/htm-preact-standalone.mjs";
import { CLASS_COLORS } from "./colors.mjs";

const SIZE = 36;
const HALF = SIZE / 2;

/** Sketches of the generated sets: functions of a share from 0 to 1 and a class. */
const SKETCHES = {
  xor_points: (t, k) => [
    [(t < 0.5 ? 9 : -9) + wobble(t, 5), (t < 0.5 === (k === 0) ? 9 : -9) + wobble(t + 0.3, 5)],
    2,
  ],
  circles: (t, k) => [polar(k === 0 ? 13 : 6, 2 * Math.PI * t), 2],
  gaussians: (t, k) => [
    [(k === 0 ? -8 : 8) + wobble(t, 7), (k === 0 ? -6 : 6) + wobble(t + 0.4, 7)],
    2,
  ],
  blobs: (t, k) => [
    [9 * Math.sin(2.1 * k) + wobble(t, 4), 9 * Math.cos(2.1 * k) + wobble(t + 0.4, 4)],
    3,
  ],
  spiral: (t, k) => [polar(14 * t, 4 * t + 2.1 * k), 3],
  moons: (t, k) => [
    [
      (k === 0 ? -4 : 4) + 9 * Math.cos(Math.PI * (t + k)),
      (k === 0 ? 3 : -3) - 9 * Math.sin(Math.PI * (t + k)),
    ],
    2,
  ],
  line: (t) => [[28 * t - 14, 20 * (0.5 - t) + wobble(t, 3)], 1],
};
const POINTS = 14;

/** Dark cells of a grid of 4 x 4: a slope of numbers, a digit. */
const CELLS = { plane: [3, 6, 7, 9, 10, 11, 12, 13, 14, 15], digits: [1, 2, 6, 9, 13, 14] };

const polar = (radius, angle) => [radius * Math.cos(angle), radius * Math.sin(angle)];
const wobble = (t, size) => size * Math.sin(97 * t + 40 * t * t);

/** Return whether a dataset has a sketch. */
export const hasIcon = (name) => name in SKETCHES || name in CELLS;

/** A small sketch of a dataset, for the eye only: the title beside it is its name. */
export function DatasetIcon({ name }) {
  return html`<svg class="dataset-icon" viewBox=${`0 0 ${SIZE} ${SIZE}`} aria-hidden="true">
    ${
      name in SKETCHES
        ? html`<${Points} sketch=${SKETCHES[name]} />`
        : html`<${Grid} dark=${CELLS[name]} />`
    }
  </svg>`;
}

function Points({ sketch }) {
  const n = sketch(0, 0)[1];
  const points = [];
  for (let k = 0; k < n; k++) {
    for (let i = 0; i < POINTS; i++) {
      const [[x, y]] = sketch((i + 0.5) / POINTS, k);
      points.push(html`<circle cx=${HALF + x} cy=${HALF + y} r="1.8" fill=${CLASS_COLORS[k]} />`);
    }
  }
  return points;
}

function Grid({ dark }) {
  return Array.from(
    { length: 16 },
    (_, i) => html`<rect
      x=${4 + 7 * (i % 4)}
      y=${4 + 7 * Math.floor(i / 4)}
      width="6"
      height="6"
      class=${dark.includes(i) ? "dark" : "light"}
    />`,
  );
}
