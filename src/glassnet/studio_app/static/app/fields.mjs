import { html, useState } from "../vendor/htm-preact-standalone.mjs";
import { formatNumber } from "./numbers.mjs";
import { useHidden } from "./store.mjs";

let count = 0;

/** Return an id that no other element of the page has, the same at each render. */
export function useId() {
  const [id] = useState(() => `glassnet-${++count}`);
  return id;
}

/** The part after the point: the test id of the control `training.l1` is `l1`. */
const lastName = (name) => name.slice(name.indexOf(".") + 1);

function Field({ name, label, id, hint, children }) {
  if (useHidden(name)) return null;
  return html`<div class="field" title=${hint}>
    <label for=${id}>${label}</label>
    ${children}
  </div>`;
}

/**
 * A labelled choice.
 * @param {{name: string, options: (string|[string, string])[]}} properties `name` as a lesson hides
 *   it, such as "training.loss".
 */
export function SelectField({ name, label, value, options, onChange, hint, disabled, testId }) {
  const id = useId();
  return html`<${Field} name=${name} label=${label} id=${id} hint=${hint}>
    <${Select}
      id=${id}
      data-testid=${testId ?? lastName(name)}
      value=${value}
      options=${options}
      disabled=${disabled}
      onChange=${onChange}
    />
  <//>`;
}

/** A choice whose label is elsewhere. An option is its value, or [value, text]. */
export function Select({ value, options, onChange, ...attributes }) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  return html`<select
    ...${attributes}
    value=${value}
    onChange=${(event) => onChange(event.currentTarget.value)}
  >
    ${pairs.map(
      ([key, text]) =>
        html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`,
    )}
  </select>`;
}

/**
 * A labelled number; it is passed on if the user leaves the field or presses Enter.
 * @param {{min: number, max: number, isWhole?: boolean}} properties both limits are allowed values.
 */
export function NumberField(properties) {
  const {
    name,
    label,
    value,
    min,
    max,
    isWhole = false,
    onChange,
    hint,
    disabled,
    testId,
  } = properties;
  const id = useId();
  const [problem, setProblem] = useState("");
  const change = (event) => {
    const input = event.currentTarget;
    const number = input.value === "" ? NaN : Number(input.value);
    const isValid = number >= min && number <= max && (!isWhole || Number.isInteger(number));
    const kind = isWhole ? "a whole number" : "a number";
    setProblem(isValid ? "" : `Enter ${kind} from ${formatNumber(min)} to ${formatNumber(max)}.`);
    if (isValid) onChange(number);
    else input.value = value;
  };
  return html`<${Field} name=${name} label=${label} id=${id} hint=${hint}>
    <input
      id=${id}
      data-testid=${testId ?? lastName(name)}
      type="number"
      inputmode="decimal"
      step=${isWhole ? 1 : "any"}
      min=${min}
      max=${max}
      value=${value}
      disabled=${disabled}
      onChange=${change}
    />
    ${problem && html`<span class="problem" role="alert">${problem}</span>`}
  <//>`;
}

/** A labelled slider with its number; it is passed on if the user lets it go. */
export function RangeField(properties) {
  const { name, label, value, min, max, step, onChange, hint, disabled, testId, show } = properties;
  const id = useId();
  const [moving, setMoving] = useState(null);
  const shown = moving ?? value;
  const text = show ? show(shown) : formatNumber(shown);
  return html`<${Field}
    name=${name}
    label=${html`${label} <span class="number" data-value=${shown}>${text}</span>`}
    id=${id}
    hint=${hint}
  >
    <input
      id=${id}
      data-testid=${testId ?? lastName(name)}
      type="range"
      min=${min}
      max=${max}
      step=${step}
      value=${shown}
      disabled=${disabled}
      aria-valuetext=${text}
      onInput=${(event) => setMoving(Number(event.currentTarget.value))}
      onChange=${(event) => {
        setMoving(null);
        onChange(Number(event.currentTarget.value));
      }}
    />
  <//>`;
}

/** A labelled checkbox. */
export function CheckField({ name, label, value, onChange, hint, disabled, testId }) {
  if (useHidden(name)) return null;
  return html`<label class="check" title=${hint}>
    <input
      type="checkbox"
      data-testid=${testId ?? lastName(name)}
      checked=${value}
      disabled=${disabled}
      onChange=${(event) => onChange(event.currentTarget.checked)}
    />
    <span>${label}</span>
  </label>`;
}

/** Return a share as a percentage: 0.3 is 30 %. */
export const percent = (share) => `${formatNumber(100 * share, 3)} %`;
