import { html } from "../vendor/htm-preact-standalone.mjs";
import { changeSettings } from "./changes.mjs";
import { NumberField, RangeField, SelectField } from "./fields.mjs";
import { formatNumber } from "./numbers.mjs";
import { useHidden, useStore, useStudio } from "./store.mjs";

const RATES = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const BATCH_SIZES = [1, 2, 5, 10, 20, 32, 50, 100, 200, 500];
const PENALTIES = [0, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
const WITH_MOMENTUM = ["sgd", "rmsprop"];

const AT_NEXT_STEP = "A change takes effect at the next step.";
const AT_NEXT_EPOCH = "A change ends the present epoch: the next step begins a new one.";
const AFTER_COMPILING = "A change is compiled first: the next step takes a moment longer.";

/** Return the usual values with the present one among them, as options in order of size. */
function numberOptions(usual, present) {
  const values = usual.includes(present) ? usual : [...usual, present].sort((a, b) => a - b);
  return values.map((value) => [String(value), formatNumber(value)]);
}

/** How the network is trained. */
export function TrainingControls() {
  const studio = useStudio();
  const state = useStore((content) => content.state);
  const catalog = useStore((content) => content.catalog);
  const { training } = state.settings;
  const change = (changes) => changeSettings(studio, "training", changes);
  const fitting = training.loss ? "the one that fits the target" : `${state.network.loss_name} (fits the target)`;
  return html`<div class="fields">
    <${LearningRate} training=${training} change=${change} />
    <${BatchSize} training=${training} rows=${state.data.n_train} change=${change} />
    <${SelectField}
      name="training.optimizer"
      label="Optimizer"
      value=${training.optimizer}
      options=${catalog.optimizers}
      hint=${AFTER_COMPILING}
      onChange=${(optimizer) => change({ optimizer })}
    />
    <${RangeField}
      name="training.momentum"
      label="Momentum"
      value=${training.momentum}
      min="0"
      max="0.99"
      step="0.01"
      disabled=${!WITH_MOMENTUM.includes(training.optimizer)}
      hint=${`Of the optimizers ${WITH_MOMENTUM.join(" and ")}. ${AFTER_COMPILING}`}
      onChange=${(momentum) => change({ momentum })}
    />
    <${SelectField}
      name="training.loss"
      label="Loss"
      value=${training.loss ?? ""}
      options=${[["", fitting], ...catalog.losses.map((name) => [name, name.replaceAll("_", " ")])]}
      hint=${AFTER_COMPILING}
      onChange=${(loss) => change({ loss: loss || null })}
    />
    <${SelectField}
      name="training.schedule"
      label="Rate over time"
      value=${training.schedule}
      options=${catalog.schedules}
      hint=${`How the learning rate changes during training. ${AFTER_COMPILING}`}
      onChange=${(schedule) => change({ schedule })}
    />
    <${Penalty} name="l1" label="L1 penalty" training=${training} change=${change} />
    <${Penalty} name="l2" label="L2 penalty" training=${training} change=${change} />
  </div>`;
}

function LearningRate({ training, change }) {
  const rate = training.learning_rate;
  const set = (learning_rate) => change({ learning_rate });
  if (useHidden("training.learning_rate")) return null;
  return html`<div class="pair">
    <${SelectField}
      name="training.learning_rate"
      testId="usual_learning_rate"
      label="Learning rate"
      value=${String(rate)}
      options=${numberOptions(RATES, rate)}
      hint=${AT_NEXT_STEP}
      onChange=${(value) => set(Number(value))}
    />
    <${NumberField}
      name="training.learning_rate"
      label="or a number"
      value=${rate}
      min=${1e-9}
      max=${1e6}
      hint=${AT_NEXT_STEP}
      onChange=${set}
    />
  </div>`;
}

function BatchSize({ training, rows, change }) {
  const size = training.batch_size;
  const usual = BATCH_SIZES.filter((value) => value < rows || value === size);
  const options = size === null ? usual.map(String) : numberOptions(usual, size);
  return html`<${SelectField}
    name="training.batch_size"
    label="Batch size"
    value=${size === null ? "all" : String(size)}
    options=${[...options, ["all", `all ${rows} rows`]]}
    hint=${`The number of rows of one step. ${AT_NEXT_EPOCH}`}
    onChange=${(value) => change({ batch_size: value === "all" ? null : Number(value) })}
  />`;
}

function Penalty({ name, label, training, change }) {
  return html`<${SelectField}
    name=${`training.${name}`}
    label=${label}
    value=${String(training[name])}
    options=${numberOptions(PENALTIES, training[name])}
    hint=${`It keeps the weights small. ${AFTER_COMPILING}`}
    onChange=${(value) => change({ [name]: Number(value) })}
  />`;
}
