import { html, useRef, useState } from "../vendor/htm-preact-standalone.mjs";
import { AxisButton } from "./edge_editor.mjs";
import { useReveal } from "./reveal.mjs";
import { findPicture, useStore, useStudio } from "./store.mjs";
import { Value } from "./value.mjs";
import { changeView } from "./view.mjs";
import { WeightField } from "./weight_field.mjs";

const MAX_ROWS = 16;
const MAX_TERMS = 4;

/** The arithmetic of the selected neuron, forward and backward, with its numbers. */
export function NeuronDetails() {
  const studio = useStudio();
  const view = useStore((content) => content.view);
  const neuron = useStore((content) => content.neuron);
  const card = useRef();
  const isReady = neuron?.layer === view.layer && neuron?.unit === view.unit;
  useReveal(card, `${view.layer} ${view.unit} ${isReady}`);
  if (view.layer === null) return null;
  return html`<div class="card neuron" data-testid="neuron" ref=${card}>
    <div class="row neuron-bar">
      <h3>${view.layer}, neuron ${view.unit}</h3>
      ${isReady && html`<${RowChoice} neuron=${neuron} />`}
      <button
        type="button"
        class="small"
        aria-label="Close the neuron"
        onClick=${() => changeView(studio, { layer: null, unit: 0 })}
      >
        ✕
      </button>
    </div>
    ${isReady ? html`<${Arithmetic} neuron=${neuron} />` : html`<p class="hint">Computing …</p>`}
  </div>`;
}

function RowChoice({ neuron }) {
  const studio = useStudio();
  const view = useStore((content) => content.view);
  const row = view.row ?? neuron.row;
  return html`<div class="row" role="group" aria-label="Rows of the arithmetic">
    <button
      type="button"
      class="small"
      data-testid="one_row"
      aria-pressed=${!neuron.whole_batch}
      onClick=${() => changeView(studio, { whole_batch: false, row })}
    >
      row ${row + 1}
    </button>
    <button
      type="button"
      class="small"
      data-testid="whole_batch"
      aria-pressed=${neuron.whole_batch}
      onClick=${() => changeView(studio, { whole_batch: true })}
    >
      next batch
    </button>
  </div>`;
}

/** A number in a formula: in parentheses if it is negative. */
function Operand({ value, testId }) {
  const number = html`<${Value} value=${value} testId=${testId} />`;
  return value < 0 ? html`(${number})` : number;
}

function Arithmetic({ neuron }) {
  const { forward, backward } = neuron;
  return html`
    <${Forward} forward=${forward} row=${neuron.row} />
    <${Backward} backward=${backward} forward=${forward} nRows=${neuron.n_rows} />
    <${Drivers} neuron=${neuron} />
    <${Weights} neuron=${neuron} />
    <${Text} text=${neuron.text} />
  `;
}

function Forward({ forward, row }) {
  const { inputs, bias, z, a, activation } = forward;
  const terms = inputs.slice(0, MAX_TERMS);
  return html`<div class="formula">
    <div class="label">forward, row ${row + 1}</div>
    <div>
      <i>z</i> = <b>w</b> · <b>x</b> + <i>b</i> =${" "}
      ${terms.map(
        ({ weight, value }, i) => html`${i > 0 && " + "}<span class="term">
          <${Operand} value=${weight} /> · <${Operand} value=${value} />
        </span>`,
      )}
      ${inputs.length > MAX_TERMS && ` + … (${inputs.length} inputs)`}
      ${bias !== null && html`${" "}+ <${Operand} value=${bias} testId="neuron-bias" />`}
      ${" "}= <${Value} value=${z} testId="neuron-z" />
    </div>
    <div>
      <i>a</i> = ${activation || "linear"}(<i>z</i>) = <${Value} value=${a} testId="neuron-a" />
    </div>
  </div>`;
}

function Backward({ backward, forward, nRows }) {
  const { delta, d_a, slope, rate } = backward;
  const isBatch = nRows > 1;
  const name = forward.activation || "linear";
  return html`<div class="formula">
    <div class="label">backward${isBatch && `, all ${nRows} rows of the next step`}</div>
    <div>
      ${d_a !== null &&
      html`∂<i>L</i>/∂<i>a</i> = <${Value} value=${d_a} testId="neuron-d_a" />,${" "}`}
      δ = ∂<i>L</i>/∂<i>z</i>${" "}
        ${slope !== null &&
        html`= ∂<i>L</i>/∂<i>a</i> · ${name}′(<i>z</i>) = <${Operand} value=${d_a} /> ·${" "}
          <${Operand} value=${slope} testId="neuron-slope" />${" "}`}
        = <${Value} value=${delta} testId="neuron-delta" />
      ${isBatch && " (of the row above)"}
    </div>
    <div>
      ∂<i>L</i>/∂<i>w</i> = δ · <i>x</i>, ∂<i>L</i>/∂<i>b</i> = δ${isBatch &&
      ", added up over the rows"}; learning rate${" "}
      <${Value} value=${rate} testId="neuron-rate" />
    </div>
  </div>`;
}

/** The inputs that correlate most with the neuron's output, for tables and images. */
function Drivers({ neuron }) {
  const drivers = useStore(
    (content) => findPicture(content)?.arrays[`drivers_${neuron.layer}`],
  );
  const inputs = useStore(({ state }) => state.data.input_names);
  if (!drivers) return null;
  const n = drivers.shape[1];
  return html`<div class="drivers">
    <span class="label">follows most:</span>
    ${Array.from({ length: n }, (_, i) => {
      const [index, correlation] = drivers.subarray((neuron.unit * n + i) * 2);
      const name = inputs[index] ?? `input ${index}`;
      return html`<span class="driver">${name} (<${Value} value=${correlation} digits=${2} testId=${`driver-${i}`} />)</span>`;
    })}
    <span class="hint">(correlation over the training rows)</span>
  </div>`;
}

function Weights({ neuron }) {
  const [isLong, setLong] = useState(false);
  const { layer, unit, forward, backward } = neuron;
  const order = forward.inputs.map((_, i) => i);
  const size = (i) => Math.abs(forward.inputs[i].product);
  const isCut = !isLong && order.length > MAX_ROWS;
  const shown = isCut ? order.sort((a, b) => size(b) - size(a)).slice(0, MAX_ROWS) : order;
  const bias = { name: `${layer}/bias`, index: [unit] };
  return html`<div class="table-frame" tabindex="0" role="group" aria-label="Weights of the neuron">
    <table class="numbers">
      <thead>
        <tr>
          <th scope="col">input</th>
          <th scope="col">x</th>
          <th scope="col">weight w</th>
          <th scope="col">w · x</th>
          <th scope="col">∂L/∂w</th>
          <th scope="col">update</th>
          <th scope="col"><span class="hidden">landscape</span></th>
        </tr>
      </thead>
      <tbody>
        ${shown.map(
          (i) => html`<${WeightRow}
            key=${i}
            index=${i}
            name=${forward.inputs[i].name}
            weight=${{ name: `${layer}/kernel`, index: [i, unit] }}
            input=${forward.inputs[i]}
            gradient=${backward.gradients[i]}
            update=${backward.updates[i]}
          />`,
        )}
        ${forward.bias !== null &&
        html`<${WeightRow}
          key="bias"
          index="bias"
          name="bias b"
          weight=${bias}
          input=${{}}
          gradient=${backward.d_bias}
          update=${backward.d_bias_update}
        />`}
      </tbody>
    </table>
    ${order.length > MAX_ROWS &&
    html`<button type="button" class="small" onClick=${() => setLong(!isLong)}>
      ${isCut
        ? `The ${MAX_ROWS} largest w · x of ${order.length} are shown. Show all`
        : "Show the largest only"}
    </button>`}
  </div>`;
}

function WeightRow({ index, name, weight, input, gradient, update }) {
  const cell = (kind, value) => html`<td>
    ${value !== undefined && html`<${Value} value=${value} digits=${3} testId=${`${kind}-${index}`} />`}
  </td>`;
  return html`<tr>
    <th scope="row">${name}</th>
    ${cell("input", input.value)}
    <td>
      <${WeightField}
        key=${`${weight.name} ${weight.index}`}
        weight=${weight}
        label=${`Weight of ${name}`}
        testId=${`weight-${index}`}
      />
    </td>
    ${cell("product", input.product)} ${cell("gradient", gradient)} ${cell("update", update)}
    <td><${AxisButton} weight=${weight} /></td>
  </tr>`;
}

function Text({ text }) {
  const [isCopied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  return html`<details class="neuron-text">
    <summary>As text, the same as <code>trace.neuron</code></summary>
    <pre data-testid="neuron-text" tabindex="0" aria-label="Arithmetic as text">${text}</pre>
    <button type="button" class="small" onClick=${copy}>${isCopied ? "Copied" : "Copy"}</button>
  </details>`;
}
