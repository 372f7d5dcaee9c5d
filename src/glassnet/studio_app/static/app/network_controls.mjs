import { html } from "../vendor/htm-preact-standalone.mjs";
import { changeSettings } from "./changes.mjs";
import { CheckField, SelectField } from "./fields.mjs";
import { formatNumber } from "./numbers.mjs";
import { useHidden, useStore, useStudio } from "./store.mjs";

const DROPOUT_RATES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];
const NEW_WEIGHTS = "A change builds a new network with new weights.";

/** The hidden layers by plus and minus, their activations, and how the weights start. */
export function NetworkControls() {
  const studio = useStudio();
  const state = useStore((content) => content.state);
  const catalog = useStore((content) => content.catalog);
  const isHidden = useHidden("network.layers");
  const { network } = state.settings;
  if (!state.network.can_edit) {
    return html`<p class="hint" data-testid="cannot_edit">${state.network.cannot_edit_reason}</p>`;
  }
  const change = (changes) => changeSettings(studio, "network", { weights: {}, ...changes });
  return html`<div class="network-controls">
    ${!isHidden && html`<${Layers} layers=${network.layers} catalog=${catalog} change=${change} />`}
    <details class="more">
      <summary>Output layer, starting weights, scaling</summary>
      <${Rest} state=${state} network=${network} catalog=${catalog} change=${change} />
    </details>
  </div>`;
}

function Layers({ layers, catalog, change }) {
  const set = (index, changes) =>
    change({ layers: layers.map((layer, i) => (i === index ? { ...layer, ...changes } : layer)) });
  const copyLast = () => change({ layers: [...layers, layers.at(-1) ?? { units: 4 }] });
  return html`
    <div class="row">
      <span class="label">Hidden layers</span>
      <button
        class="small"
        data-testid="remove_layer"
        aria-label="Remove the last hidden layer"
        disabled=${layers.length === 0}
        onClick=${() => change({ layers: layers.slice(0, -1) })}
      >−</button>
      <span
        class="number"
        data-testid="n_layers"
        data-value=${layers.length}
      >${layers.length}</span>
      <button
        class="small"
        data-testid="add_layer"
        aria-label="Add a hidden layer"
        disabled=${layers.length >= catalog.limits.layers}
        onClick=${copyLast}
      >+</button>
      <span class="hint">
        at most ${catalog.limits.layers}, each with at most ${catalog.limits.units} units
      </span>
    </div>
    ${
      layers.length > 0 &&
      html`<ol class="layer-list">
      ${layers.map(
        (layer, index) => html`<${LayerRow}
          key=${index}
          number=${index + 1}
          layer=${layer}
          catalog=${catalog}
          set=${(changes) => set(index, changes)}
        />`,
      )}
    </ol>`
    }
  `;
}

function LayerRow({ number, layer, catalog, set }) {
  const units = (change) => set({ units: layer.units + change });
  const name = `layer ${number}`;
  const rates = DROPOUT_RATES.includes(layer.dropout)
    ? DROPOUT_RATES
    : [...DROPOUT_RATES, layer.dropout].sort();
  return html`<li data-testid=${`layer_${number}`}>
    <div class="units">
      <button
        class="small"
        data-testid="remove_unit"
        aria-label=${`Remove a unit of ${name}`}
        disabled=${layer.units <= 1}
        onClick=${() => units(-1)}
      >−</button>
      <span><span
        class="number"
        data-testid="units"
        data-value=${layer.units}
      >${layer.units}</span> ${layer.units === 1 ? "unit" : "units"}</span>
      <button
        class="small"
        data-testid="add_unit"
        aria-label=${`Add a unit to ${name}`}
        disabled=${layer.units >= catalog.limits.units}
        onClick=${() => units(1)}
      >+</button>
    </div>
    <select
      aria-label=${`Activation of ${name}`}
      data-testid="activation"
      title=${NEW_WEIGHTS}
      value=${layer.activation}
      onChange=${(event) => set({ activation: event.currentTarget.value })}
    >
      ${catalog.activations.map(
        (each) =>
          html`<option
            key=${each}
            value=${each}
            selected=${each === layer.activation}
          >${each}</option>`,
      )}
    </select>
    <select
      aria-label=${`Dropout after ${name}`}
      data-testid="dropout"
      title=${`The share of the units that is left out at each step. ${NEW_WEIGHTS}`}
      value=${String(layer.dropout)}
      onChange=${(event) => set({ dropout: Number(event.currentTarget.value) })}
    >
      ${rates.map(
        (rate) =>
          html`<option key=${rate} value=${String(rate)} selected=${rate === layer.dropout}>${
            rate === 0 ? "no dropout" : `dropout ${formatNumber(rate)}`
          }</option>`,
      )}
    </select>
  </li>`;
}

function Rest({ state, network, catalog, change }) {
  const output = state.network.layers.at(-1);
  return html`<div class="fields">
    <${SelectField}
      name="network.output_activation"
      label="Output activation"
      value=${network.output_activation ?? ""}
      options=${[["", `fits the target (${output.activation})`], ...catalog.activations]}
      hint=${NEW_WEIGHTS}
      onChange=${(name) => change({ output_activation: name || null })}
    />
    <${SelectField}
      name="network.initializer"
      label="Starting weights"
      value=${network.initializer}
      options=${catalog.initializers}
      hint=${`How the first weights are drawn. ${NEW_WEIGHTS}`}
      onChange=${(initializer) => change({ initializer })}
    />
    <${CheckField}
      name="network.scale"
      label="Scale the inputs"
      value=${network.scale}
      hint=${`To mean 0 and standard deviation 1 on the training rows. ${NEW_WEIGHTS}`}
      onChange=${(scale) => change({ scale })}
    />
  </div>`;
}
