import { html, useState } from "../vendor/htm-preact-standalone.mjs";
import { changeSettings, drawSeed } from "./changes.mjs";
import { Columns } from "./columns.mjs";
import { DrawPad } from "./draw.mjs";
import { CheckField, NumberField, RangeField, SelectField, percent, useId } from "./fields.mjs";
import { DatasetIcon, hasIcon } from "./dataset_icons.mjs";
import { useHidden, useStore, useStudio } from "./store.mjs";
import { Upload } from "./upload.mjs";
import { changeView } from "./view.mjs";

const NEW_DATA = "Other data: the next step begins a new epoch.";

/** Settings that another dataset starts with. */
const OF_A_DATASET = {
  noise: null,
  minority: 1,
  shuffle_labels: false,
  columns: [],
  column_types: {},
  target: null,
  target_type: null,
};

/** Which data, and which part of them. */
export function DataControls() {
  const studio = useStudio();
  const state = useStore((content) => content.state);
  const catalog = useStore((content) => content.catalog);
  const settings = state.settings.data;
  const change = (changes) => changeSettings(studio, "data", changes);
  const properties = { settings, change, data: state.data };
  const columns = html`
    <${Columns} ...${properties} />
    <${Axes} data=${state.data} axes=${state.axes} />
  `;
  return html`
    <${Datasets} ...${properties} datasets=${catalog.datasets} />
    <${OwnData} ...${properties} limits=${catalog.limits} />
    <${Summary} data=${state.data} />
    ${state.data.kind === "table" && columns}
    <${Options}
      ...${properties}
      dataset=${catalog.datasets.find(({ name }) => name === settings.name)}
      limit=${catalog.limits.points}
    />
    ${state.data.kind !== "table" && columns}
  `;
}

function Datasets({ settings, datasets, change }) {
  const group = useId();
  if (useHidden("data.name")) return null;
  const choose = (name) => change({ ...OF_A_DATASET, name });
  const others = datasets.filter(({ name }) => !hasIcon(name));
  const isOther = others.some(({ name }) => name === settings.name);
  return html`<div class="stack">
    <fieldset class="datasets" data-arrows>
      <legend class="label">Dataset</legend>
      ${datasets
        .filter(({ name }) => hasIcon(name))
        .map(
          (dataset) => html`<label key=${dataset.name} class="dataset" title=${dataset.about}>
            <input
              type="radio"
              name=${group}
              data-testid=${`dataset_${dataset.name}`}
              checked=${dataset.name === settings.name}
              onChange=${() => choose(dataset.name)}
            />
            <${DatasetIcon} name=${dataset.name} />
            <span>${dataset.title}</span>
          </label>`,
        )}
    </fieldset>
    <${SelectField}
      name="data.name"
      testId="other_dataset"
      label="Other datasets"
      value=${isOther ? settings.name : ""}
      options=${[["", "choose"], ...others.map(({ name, title }) => [name, title])]}
      onChange=${(name) => name && choose(name)}
    />
  </div>`;
}

/** A table of the user, or points that are drawn. */
function OwnData({ settings, change, data, limits }) {
  const [isOpen, setOpen] = useState(settings.name === "points");
  const isDrawingHidden = useHidden("data.points");
  const button = html`<button
    data-testid="draw"
    aria-expanded=${isOpen}
    onClick=${() => setOpen(!isOpen)}
  >${isOpen ? "Close the drawing" : "Draw points"}</button>`;
  const pad = { settings, data, change, limit: limits.points };
  return html`
    <${Upload} limit=${limits.upload_bytes}>${!isDrawingHidden && button}<//>
    ${isOpen && !isDrawingHidden && html`<${DrawPad} ...${pad} />`}
  `;
}

function Summary({ data }) {
  const target = data.class_names.length ? `${data.class_names.length} classes` : "numbers";
  return html`<div class="stack">
    <p class="hint" data-testid="data_summary">
      <${Count} name="n_train" value=${data.n_train} /> training rows,${" "}
      <${Count} name="n_test" value=${data.n_test} /> test rows. Target: ${data.target_name}${" "}
      (${target}).
    </p>
    <ul class="data-messages" data-testid="data_messages">
      ${data.messages.map((message) => html`<li key=${message}>${message}</li>`)}
    </ul>
  </div>`;
}

function Count({ name, value }) {
  return html`<span class="number" data-testid=${name} data-value=${value}>
    ${value.toLocaleString("en")}
  </span>`;
}

/** The two columns of the map, for a table. */
function Axes({ data, axes }) {
  const studio = useStudio();
  if (useHidden("data.axes") || data.kind !== "table" || axes.length < 2) return null;
  const choose = (index, name) => {
    const other = axes[1 - index] === name ? axes[index] : axes[1 - index];
    changeView(studio, { axes: index === 0 ? [name, other] : [other, name] });
  };
  return html`<div class="fields">
    ${["across", "up"].map(
      (way, index) => html`<${SelectField}
        key=${way}
        name="data.axes"
        testId=${`axis_${index + 1}`}
        label=${`Map: ${way}`}
        value=${axes[index]}
        options=${data.input_names}
        onChange=${(name) => choose(index, name)}
      />`,
    )}
  </div>`;
}

function Options({ settings, change, data, dataset, limit }) {
  const isGenerated = typeof dataset?.noise === "number";
  return html`<div class="fields">
    ${
      isGenerated &&
      html`<${RangeField}
        name="data.n"
        label="Points"
        value=${settings.n}
        min="10"
        max=${limit}
        step="10"
        hint=${NEW_DATA}
        onChange=${(n) => change({ n })}
      />
      <${RangeField}
        key=${settings.name}
        name="data.noise"
        label="Noise"
        value=${settings.noise ?? dataset.noise}
        min="0"
        max="2"
        step="0.01"
        hint=${`Standard deviation of the noise. ${NEW_DATA}`}
        onChange=${(noise) => change({ noise })}
      />`
    }
    <${RangeField}
      name="data.test_share"
      label="Test rows"
      value=${settings.test_share}
      min="0"
      max="0.9"
      step="0.05"
      show=${percent}
      hint=${`The share of the rows that the network never trains on. ${NEW_DATA}`}
      onChange=${(test_share) => change({ test_share })}
    />
    ${
      data.class_names.length > 1 &&
      html`<${RangeField}
      name="data.minority"
      label=${`Part of ${nameClass(data.class_names[1])} used`}
      value=${settings.minority}
      min="0.02"
      max="1"
      step="0.02"
      show=${percent}
      hint=${`The share of its rows that this class keeps. ${NEW_DATA}`}
      onChange=${(minority) => change({ minority })}
    />`
    }
    <${NumberField}
      name="data.seed"
      testId="data_seed"
      label="Seed of the data"
      value=${settings.seed}
      min=${0}
      max=${Number.MAX_SAFE_INTEGER}
      isWhole
      hint="Another seed draws other points and other test rows."
      onChange=${(seed) => change({ seed })}
    />
    <button
      data-testid="other_data"
      onClick=${() => change({ seed: drawSeed() })}
    >Draw again</button>
    <${CheckField}
      name="data.shuffle_labels"
      label="Shuffle the training labels"
      value=${settings.shuffle_labels}
      hint="The labels no longer fit the rows: what the network learns then is memory, not a rule."
      onChange=${(shuffle_labels) => change({ shuffle_labels })}
    />
  </div>`;
}

/** Names such as "class 1" say themselves that they are classes. */
const nameClass = (name) => (name.startsWith("class") ? name : `class ${name}`);
