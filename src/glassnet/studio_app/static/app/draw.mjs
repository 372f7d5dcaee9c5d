import { html, useEffect, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { CLASS_COLORS } from "./colors.mjs";
import { formatNumber } from "./numbers.mjs";
import { useStudio } from "./store.mjs";

const SIZE = 240; // CSS pixels
const CLASSES = [0, 1, 2, 3];
const NEAR = 12; // pixels
const SPRAY_DISTANCE = 9; // pixels between two points of one stroke
const KEY_STEP = 0.02; // of the width
const SEND_DELAY = 150; // ms
const DEFAULT_RANGE = [-6, 6];

/** A square on which the user draws points of up to four classes, by mouse, finger or keyboard. */
export function DrawPad({ settings, data, change, limit }) {
  const { store } = useStudio();
  const [range] = useState(() => chooseRange(store.get(), settings));
  const [label, setLabel] = useState(0);
  const [isErasing, setErasing] = useState(false);
  const drawing = usePoints(settings, change, limit);
  const start = () => drawing.replace(copyPoints(store.get()));
  return html`<div class="draw-pad" data-testid="draw_pad">
    <div class="row" role="group" aria-label="What a click does">
      ${CLASSES.map(
        (each) => html`<button
          key=${each}
          class="small class-button"
          data-testid=${`class_${each}`}
          aria-label=${`Add points of class ${each}`}
          aria-pressed=${!isErasing && label === each}
          onClick=${() => {
            setLabel(each);
            setErasing(false);
          }}
        >
          <span class="swatch" style=${{ background: CLASS_COLORS[each] }}></span>${each}
        </button>`,
      )}
      <button
        class="small"
        data-testid="erase"
        aria-pressed=${isErasing}
        onClick=${() => setErasing(!isErasing)}
      >Erase</button>
    </div>
    <${Pad}
      range=${range}
      label=${label}
      isErasing=${isErasing}
      setLabel=${setLabel}
      drawing=${drawing}
    />
    <div class="row">
      <button
        class="small"
        data-testid="undo"
        disabled=${!drawing.canUndo}
        onClick=${drawing.undo}
      >Undo</button>
      <button
        class="small"
        data-testid="clear"
        disabled=${!drawing.points.length}
        onClick=${() => drawing.replace([])}
      >Clear</button>
      ${
        data.kind === "plane" &&
        data.class_names.length > 1 &&
        settings.name !== "points" &&
        html`<button
          class="small"
          data-testid="copy_points"
          onClick=${start}
        >Start from these points</button>`
      }
      <span class="hint"><span
        class="number"
        data-testid="n_drawn"
        data-value=${drawing.points.length}
      >${drawing.points.length}</span> of ${limit} points</span>
    </div>
    ${
      drawing.points.length > 0 &&
      !hasTwoClasses(drawing.points) &&
      html`<p class="hint" role="status" data-testid="one_class">
      Draw points of a second class, too: then the network is trained on them.
    </p>`
    }
    <p class="hint">
      Click to add, Shift and click to erase, drag to spray. Keys: arrows move the cross, Enter
      adds, Delete erases, 0 to 3 choose the class.
    </p>
  </div>`;
}

/** Return whether a network can be trained on points. */
const hasTwoClasses = (points) => new Set(points.map(([, , label]) => label)).size > 1;

/** The points, with undo; each change is sent after a short pause, from two classes on. */
function usePoints(settings, change, limit) {
  const [points, setPoints] = useState(settings.name === "points" ? settings.points : []);
  const past = useRef([]);
  const timer = useRef(0);
  const latest = useRef();
  latest.current = { change, points };
  useEffect(() => () => clearTimeout(timer.current), []);
  const show = (next) => {
    latest.current.points = next;
    setPoints(next);
    clearTimeout(timer.current);
    const settings = { name: "points", points: next, columns: [], target: null, minority: 1 };
    if (hasTwoClasses(next))
      timer.current = setTimeout(() => latest.current.change(settings), SEND_DELAY);
  };
  return {
    points,
    canUndo: past.current.length > 0,
    begin: () => past.current.push(latest.current.points),
    add: (point) => latest.current.points.length < limit && show([...latest.current.points, point]),
    erase: (isNear) => {
      const left = latest.current.points.filter((point) => !isNear(point));
      if (left.length < latest.current.points.length) show(left);
    },
    replace(next) {
      past.current.push(latest.current.points);
      show(next.slice(0, limit));
    },
    undo: () => show(past.current.pop()),
  };
}

function Pad({ range, label, isErasing, setLabel, drawing }) {
  const canvas = useRef();
  const cross = useRef([0.5, 0.5]);
  const [hasFocus, setFocus] = useState(false);
  const [text, setText] = useState("");
  const stroke = useRef(null);
  const [low, high] = range;
  const toValues = ([x, y]) => [low + x * (high - low), low + (1 - y) * (high - low)];
  const toPlace = (point) => [(point[0] - low) / (high - low), 1 - (point[1] - low) / (high - low)];
  const distance = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) * canvas.current.clientWidth;
  const paint = () =>
    paintPad(
      canvas.current,
      drawing.points.map((p) => [...toPlace(p), p[2]]),
      hasFocus && cross.current,
    );
  useEffect(paint);
  const act = (place, erases) => {
    if (erases) drawing.erase((point) => distance(toPlace(point), place) < NEAR);
    else drawing.add([...toValues(place).map((value) => Number(value.toFixed(3))), label]);
  };
  const locate = (event) => {
    const box = canvas.current.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  const press = (event) => {
    if (event.button !== 0) return;
    canvas.current.setPointerCapture(event.pointerId);
    stroke.current = locate(event);
    cross.current = stroke.current;
    drawing.begin();
    act(stroke.current, isErasing || event.shiftKey);
  };
  const move = (event) => {
    if (!stroke.current) return;
    const place = locate(event);
    const isInside = place.every((share) => share >= 0 && share <= 1);
    if (!isInside || distance(place, stroke.current) < SPRAY_DISTANCE) return;
    stroke.current = place;
    act(place, isErasing || event.shiftKey);
  };
  const key = (event) => {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const by = moves[event.key];
    if (by) {
      cross.current = cross.current.map((c, i) => Math.min(1, Math.max(0, c + KEY_STEP * by[i])));
      setText(
        toValues(cross.current)
          .map((value) => formatNumber(value, 3))
          .join(", "),
      );
      paint();
    } else if (event.key === "Enter") {
      drawing.begin();
      act(cross.current, isErasing);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      drawing.begin();
      act(cross.current, true);
    } else if (CLASSES.map(String).includes(event.key)) setLabel(Number(event.key));
    else return;
    event.preventDefault();
  };
  return html`
    <canvas
      ref=${canvas}
      class="pad"
      data-testid="pad"
      data-arrows
      width=${2 * SIZE}
      height=${2 * SIZE}
      tabindex="0"
      role="application"
      aria-label="Drawing of points. Arrow keys move the cross, Enter adds a point, Delete erases."
      onPointerDown=${press}
      onPointerMove=${move}
      onPointerUp=${() => (stroke.current = null)}
      onPointerCancel=${() => (stroke.current = null)}
      onKeyDown=${key}
      onFocus=${() => setFocus(true)}
      onBlur=${() => setFocus(false)}
    ></canvas>
    <span class="hidden" role="status">${text}</span>
  `;
}

/** Paint points [x, y, class] in shares of the width, and a cross. */
function paintPad(canvas, points, cross) {
  const context = canvas.getContext("2d");
  const size = canvas.width;
  context.fillStyle = "#ffffff";
  context.fillRect(0, 0, size, size);
  context.strokeStyle = "#d5dbe5";
  context.lineWidth = 2;
  for (const [x0, y0, x1, y1] of [
    [0.5, 0, 0.5, 1],
    [0, 0.5, 1, 0.5],
  ])
    line(context, [x0, y0, x1, y1], size);
  for (const [x, y, label] of points) {
    context.beginPath();
    context.arc(x * size, y * size, 7, 0, 2 * Math.PI);
    context.fillStyle = CLASS_COLORS[label % CLASS_COLORS.length];
    context.fill();
    context.strokeStyle = "#17202e";
    context.stroke();
  }
  if (!cross) return;
  const [x, y] = cross;
  context.strokeStyle = "#17202e";
  line(context, [x - 0.04, y, x + 0.04, y], size);
  line(context, [x, y - 0.04, x, y + 0.04], size);
}

function line(context, [x0, y0, x1, y1], size) {
  context.beginPath();
  context.moveTo(x0 * size, y0 * size);
  context.lineTo(x1 * size, y1 * size);
  context.stroke();
}

/** Return the range of both axes: wide enough for what is drawn already, or for the present map. */
function chooseRange({ picture, state }, settings) {
  if (settings.name === "points" && settings.points.length) {
    const size = Math.max(
      ...DEFAULT_RANGE,
      ...settings.points.flatMap((p) => [Math.abs(p[0]), Math.abs(p[1])]),
    );
    return [-size, size];
  }
  const grid = state.data.kind === "plane" && picture?.grid;
  if (!grid) return DEFAULT_RANGE;
  const size = Math.max(...[...grid.x1, ...grid.x2].map(Math.abs));
  return [-size, size];
}

/** Return the points of the present data as drawn points. */
function copyPoints({ points }) {
  const { position, target } = points.arrays;
  return Array.from(target, (label, i) => [
    Number(position[2 * i].toFixed(3)),
    Number(position[2 * i + 1].toFixed(3)),
    label,
  ]);
}
