import { html } from "../vendor/htm-preact-standalone.mjs";
import { changeSettings } from "./changes.mjs";
import { Select } from "./fields.mjs";
import { formatNumber } from "./numbers.mjs";
import { useHidden, useStore, useStudio } from "./store.mjs";

const DROPOUT_RATES = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8];

/** What every control of the network says about its effect. */
export const NEW_WEIGHTS = "A change builds a new network with new weights.";

/** Return a function that changes some settings of the network. */
export function useNetworkChange() {
  const studio = useStudio();
  return (changes) => changeSettings(studio, "network", { weights: {}, ...changes });
}

/** Return whether the page shows controls of the hidden layers. */
export function useHasLayerControls() {
  const isHidden = useHidden("network.layers");
  return useStore(({ state }) => state.network.can_edit) && !isHidden;
}

/** The hidden layers as a list, for a network whose columns are too narrow for controls. */
export function LayerList() {
  const { layers } = useStore(({ state }) => state.settings.network);
  if (!layers.length) return null;
  return html`<ol class="layer-list">
    ${layers.map(
      (_, i) => html`<li key=${i}><${LayerFields} number=${i + 1} /></li>`,
    )}
  </ol>`;
}

/** Units, activation and dropout of a hidden layer. */
export function LayerFields({ number }) {
  const change = useNetworkChange();
  const { layers } = useStore(({ state }) => state.settings.network);
  const catalog = useStore((content) => content.catalog);
  const layer = layers[number - 1];
  if (!layer) return null;
  const set = (changes) =>
    change({ layers: layers.map((each, i) => (i === number - 1 ? { ...each, ...changes } : each)) });
  return html`<div class="layer-fields" data-testid=${`layer_${number}`}>
    <${Units} name=${`layer ${number}`} layer=${layer} limit=${catalog.limits.units} set=${set} />
    <div class="layer-choices">
      <${Select}
        aria-label=${`Activation of layer ${number}`}
        data-testid="activation"
        title=${NEW_WEIGHTS}
        value=${layer.activation}
        options=${catalog.activations}
        onChange=${(activation) => set({ activation })}
      />
      <${Dropout} number=${number} rate=${layer.dropout} set=${set} />
    </div>
  </div>`;
}

function Units({ name, layer, limit, set }) {
  const add = (n) => set({ units: layer.units + n });
  return html`<div class="units" title=${`From 1 to ${limit} units. ${NEW_WEIGHTS}`}>
    <button
      class="small"
      data-testid="remove_unit"
      aria-label=${`Remove a unit of ${name}`}
      disabled=${layer.units <= 1}
      onClick=${() => add(-1)}
    >−</button>
    <span><span
      class="number"
      data-testid="units"
      data-value=${layer.units}
    >${layer.units}</span><span class="units-word"> ${layer.units === 1 ? "unit" : "units"}</span></span>
    <button
      class="small"
      data-testid="add_unit"
      aria-label=${`Add a unit to ${name}`}
      disabled=${layer.units >= limit}
      onClick=${() => add(1)}
    >+</button>
  </div>`;
}

function Dropout({ number, rate, set }) {
  const rates = DROPOUT_RATES.includes(rate) ? DROPOUT_RATES : [...DROPOUT_RATES, rate].sort();
  const name = (each) => (each === 0 ? "no dropout" : `${formatNumber(each)} dropout`);
  return html`<${Select}
    aria-label=${`Dropout after layer ${number}`}
    data-testid="dropout"
    title=${`The share of the units that is left out at each step. ${NEW_WEIGHTS}`}
    value=${String(rate)}
    options=${rates.map((each) => [String(each), name(each)])}
    onChange=${(value) => set({ dropout: Number(value) })}
  />`;
}
