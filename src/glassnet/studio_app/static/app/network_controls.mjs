import { html } from "../vendor/htm-preact-standalone.mjs";
import { CheckField, SelectField } from "./fields.mjs";
import { NEW_WEIGHTS, useHasLayerControls, useNetworkChange } from "./layer_controls.mjs";
import { useHidden, useStore } from "./store.mjs";

const OTHERS = ["network.output_activation", "network.initializer", "network.scale"];

/** The number of hidden layers by plus and minus, the output layer, and how the weights start. */
export function NetworkControls() {
  const state = useStore((content) => content.state);
  const hasLayers = useHasLayerControls();
  const hidden = OTHERS.map(useHidden);
  if (!state.network.can_edit) {
    return html`<p class="hint" data-testid="cannot_edit">${state.network.cannot_edit_reason}</p>`;
  }
  return html`
    ${hasLayers && html`<${LayerCount} layers=${state.settings.network.layers} />`}
    ${
      !hidden.every(Boolean) &&
      html`<details class="more">
      <summary>Output, weights, scaling</summary>
      <${Rest} state=${state} />
    </details>`
    }
  `;
}

function LayerCount({ layers }) {
  const change = useNetworkChange();
  const { limits } = useStore((content) => content.catalog);
  const copyLast = () => change({ layers: [...layers, layers.at(-1) ?? { units: 4 }] });
  const about = `At most ${limits.layers}, each with at most ${limits.units} units. ${NEW_WEIGHTS}`;
  return html`<div class="row layer-count" title=${about}>
    <span class="label">Hidden layers</span>
    <button
      class="small"
      data-testid="remove_layer"
      aria-label="Remove the last hidden layer"
      disabled=${layers.length === 0}
      onClick=${() => change({ layers: layers.slice(0, -1) })}
    >−</button>
    <span class="number" data-testid="n_layers" data-value=${layers.length}>${layers.length}</span>
    <button
      class="small"
      data-testid="add_layer"
      aria-label="Add a hidden layer"
      disabled=${layers.length >= limits.layers}
      onClick=${copyLast}
    >+</button>
    <span class="hint">of at most ${limits.layers}</span>
  </div>`;
}

function Rest({ state }) {
  const change = useNetworkChange();
  const catalog = useStore((content) => content.catalog);
  const { network } = state.settings;
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
    <p class="hint">
      At most ${catalog.limits.layers} hidden layers, each with at most ${catalog.limits.units} units.
    </p>
  </div>`;
}
