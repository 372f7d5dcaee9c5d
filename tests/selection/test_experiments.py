"""Many runs trained together. Oracle: `fit` of each run by itself, and runs without interruption."""

import copy
import math
import os
import signal
from dataclasses import dataclass

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import (
    Callback,
    Decision,
    EarlyStopping,
    LambdaCallback,
    ReduceLROnPlateau,
    WeightHistory,
)
from glassnet.engine.numeric_fields import find_differences, get_structure, iter_numbers, substitute
from glassnet.engine.stacked_runs import StackedRuns
from glassnet.errors import ConfigError, DataError, DataWarning
from glassnet.layers import (
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    Normalization,
    Residual,
)
from glassnet.losses import BinaryCrossentropy
from glassnet.optimizers import SGD, Adam, Optax
from glassnet.selection import training
from glassnet.selection.experiments import Experiment
from glassnet.selection.runs import Run

N = 90
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 4)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
ROWS = np.arange(N)
TRAIN, TEST = ROWS[:70], ROWS[70:]


def make_model(*layers, optimizer="adam", loss="binary_crossentropy"):
    hidden = layers or (Dense(5, activation="tanh"),)
    model = gn.Sequential([*hidden, Dense(1, activation="sigmoid")], seed=1)
    model.compile(optimizer, loss, ["accuracy"])
    return model


def train(model, runs, *, resume=None, **options):
    options = {"epochs": 3, "verbose": 0, "batch_size": 16} | options
    return Experiment("test", model, X, Y, options).train(runs, resume=resume)


def fit_alone(model, run, **options):
    options = {"epochs": 3, "verbose": 0, "batch_size": 16} | options
    model.reset(run.seed)
    test = X[run.test_rows], Y[run.test_rows]
    history = model.fit(X[run.train_rows], Y[run.train_rows], validation_data=test, **options)
    return history, model.evaluate(*test, return_dict=True, verbose=0)


def assert_equal_runs(result, model, history, scores, tolerance=2e-6):
    for a, b in zip(result.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=tolerance)
    assert result.scores == pytest.approx(scores, abs=1e-5)
    assert result.history.history.keys() == history.history.keys()
    for name, values in history.history.items():
        assert result.history.history[name] == pytest.approx(values, abs=1e-5)


@pytest.mark.parametrize("vectorize", [True, False])
def test_runs_together_equal_fit(vectorize, monkeypatch):
    """Folds of different sizes and steps, with noise and batch statistics."""
    monkeypatch.setattr("glassnet.engine.stacked_runs._is_vectorized", lambda run: vectorize)
    # A bias before BatchNormalization has a gradient of 0, of which Adam would see the rounding.
    layers = Normalization(), Dense(5, use_bias=False), BatchNormalization(), Dropout(0.2)
    runs = [Run(ROWS[9:], ROWS[:9], 4), Run(ROWS[:64], ROWS[64:], 5), Run(TRAIN, TEST, 6)]
    for run, result in zip(runs, train(make_model(*layers), runs), strict=True):
        model = make_model(*layers)
        assert_equal_runs(result, model, *fit_alone(model, run))
        np.testing.assert_allclose(result.outputs, model.predict(X[run.test_rows]), atol=1e-5)


def test_numbers_that_differ_share_one_program():
    """Rate, dropout inside a Residual, L2, momentum, label smoothing and the seed, at once."""
    model = make_model(
        Dense(4),
        Residual([Dropout(0.1), Dense(4, kernel_regularizer="l2")]),
        optimizer=SGD(0.05, momentum=0.9),
        loss=BinaryCrossentropy(label_smoothing=0.05),
    )
    values = [
        {"learning_rate": 0.1, "dropout": 0.3, "l2": 0.02},
        {"momentum": 0.5, "label_smoothing": 0.2, "l2": 0.01},
        {"learning_rate": 0.01, "l2": 0.0},
    ]
    runs = [Run(TRAIN, TEST, 7 + k, each) for k, each in enumerate(values)]
    stacks = []
    original = StackedRuns.__init__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            StackedRuns,
            "__init__",
            lambda self, runs, *args: (stacks.append(len(runs)), original(self, runs, *args))[1],
        )
        together = train(model, runs)
    assert stacks == [3]
    for run, result in zip(runs, together, strict=True):
        alone = copy.copy(result.model)
        assert_equal_runs(result, alone, *fit_alone(alone, run))


@dataclass(frozen=True)
class Doubled(Layer):
    """A layer that computes with its number in Python."""

    factor: float = 1.0

    def __call__(self, params, x):
        return x * math.sqrt(self.factor)


@dataclass(frozen=True)
class Derived(Doubled):
    """A layer with an attribute that was computed from its number before."""

    def __post_init__(self):
        object.__setattr__(self, "root", math.sqrt(self.factor))

    def __call__(self, params, x):
        return x * self.root


@dataclass(frozen=True)
class Checked(Doubled):
    """A layer for which a number that is no float has another meaning."""

    def __call__(self, params, x):
        return x * math.sqrt(self.factor) if isinstance(self.factor, float) else -x


@pytest.mark.parametrize("layer", [Doubled, Derived, Checked])
def test_a_number_that_python_computes_with_has_its_own_program(layer):
    factors = (1.0, 4.0)
    name = f"{layer.__name__.lower()}_1/factor"
    runs = [Run(TRAIN, TEST, 3, {name: factor}) for factor in factors]
    for factor, run, result in zip(factors, runs, train(make_model(layer()), runs), strict=True):
        model = make_model(layer(factor))
        assert_equal_runs(result, model, *fit_alone(model, run))


def test_decay_rates_close_to_1_are_exact():
    """In float32, 1 - 0.99999 has an error of 0.1 %, by which Adam's steps would differ."""
    betas = (0.9, 0.99999, 0.999999)
    runs = [Run(TRAIN, TEST, 3, {"beta_2": beta}) for beta in betas]
    results = train(make_model(optimizer=Adam(0.1)), runs, epochs=1)
    for beta, run, result in zip(betas, runs, results, strict=True):
        model = make_model(optimizer=Adam(0.1, beta_2=beta))
        assert_equal_runs(result, model, *fit_alone(model, run, epochs=1))


def test_a_shared_program_that_cannot_be_compiled_is_divided(monkeypatch):
    """A number that JAX must hash, as `fill_value` of the augmentation layers, ends in an error."""
    original = Dropout.apply

    def apply(self, *args, **kwargs):
        hash(self.rate)
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Dropout, "apply", apply)
    rates = (0.1, 0.4)
    runs = [Run(TRAIN, TEST, 3, {"dropout": rate}) for rate in rates]
    layers = Dense(5), Dropout(0.2)
    for rate, run, result in zip(rates, runs, train(make_model(*layers), runs), strict=True):
        model = make_model(Dense(5), Dropout(rate))
        assert_equal_runs(result, model, *fit_alone(model, run))


def test_numbers_are_found_and_replaced_in_nested_parts():
    """Oracle: the parts written out."""
    links = Residual([Dense(4, kernel_regularizer="l2"), Dropout(0.25)]), Dropout(0.5)
    found = dict(iter_numbers(links))
    assert sorted(found.values()) == [0.01, 0.25, 0.5]
    path = next(path for path, value in found.items() if value == 0.25)
    changed = substitute(links, {path: 0.75})
    assert sorted(dict(iter_numbers(changed)).values()) == [0.01, 0.5, 0.75]
    assert sorted(dict(iter_numbers(links)).values()) == [0.01, 0.25, 0.5]
    assert get_structure(changed) == get_structure(links)
    assert get_structure(changed) != get_structure((Residual([Dense(4)]), Dropout(0.5)))
    assert list(find_differences([links, changed]).values()) == [(0.25, 0.75)]


def test_callbacks_act_on_each_run_by_itself():
    callbacks = [
        EarlyStopping(patience=1),
        ReduceLROnPlateau(patience=0, factor=0.1),
        WeightHistory(),
    ]
    runs = [Run(TRAIN, TEST, seed) for seed in (1, 2, 3)]
    options = {"epochs": 12, "callbacks": callbacks}
    model = make_model(optimizer=SGD(1.0))
    results = train(model, runs, **options)
    assert len({len(result.history.epoch) for result in results}) > 1
    for run, result in zip(runs, results, strict=True):
        model = make_model(optimizer=SGD(1.0))
        history, scores = fit_alone(model, run, **options)
        assert_equal_runs(result, model, history, scores, 1e-5)
        assert result.history.stopped == history.stopped
        for name, array in history.weights.items():
            np.testing.assert_allclose(result.history.weights[name], array, atol=1e-5)


def test_small_stacks_give_the_same_results(monkeypatch):
    runs = [Run(TRAIN, TEST, seed, {"learning_rate": 0.01 * seed}) for seed in range(1, 6)]
    together = train(make_model(), runs)
    monkeypatch.setattr(training, "MAX_STACKED_RUNS", 2)
    for a, b in zip(together, train(make_model(), runs), strict=True):
        assert a.scores == pytest.approx(b.scores, abs=1e-6)
        assert a.run is b.run


def test_a_run_that_diverges_does_not_disturb_the_others():
    rates = (0.05, 1e38, 0.05)
    runs = [Run(TRAIN, TEST, 2, {"learning_rate": rate}) for rate in rates]
    model = make_model(optimizer=SGD(0.1))
    first, bad, last = train(model, runs)
    assert bad.problem == bad.history.stopped
    assert "is not finite" in bad.problem
    assert bad.problem.startswith("epoch 1, step ")
    assert np.isnan(list(bad.scores.values())).all()
    assert not bad.is_complete
    assert np.isfinite(np.concatenate([w.ravel() for w in bad.model.get_weights()])).all()
    assert first.scores == last.scores
    assert first.is_complete
    alone = make_model(optimizer=SGD(0.05))
    assert_equal_runs(first, alone, *fit_alone(alone, runs[0]))


def test_ctrl_c_keeps_what_is_done(monkeypatch):
    monkeypatch.setattr(training, "MAX_STACKED_RUNS", 1)

    def press(epoch, logs):
        if epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)

    runs = [Run(TRAIN, TEST, 1, epochs=1), Run(TRAIN, TEST, 2), Run(TRAIN, TEST, 3)]
    done, cut, missing = train(make_model(), runs, callbacks=LambdaCallback(on_epoch_end=press))
    assert done.is_complete
    assert math.isfinite(done.scores["loss"])
    assert cut.problem == "epoch 3: interrupted by Ctrl-C"
    assert len(cut.history.epoch) == 2
    assert missing.problem == "interrupted by Ctrl-C"
    assert missing.train_state is None
    assert math.isnan(missing.scores["loss"])
    with pytest.raises(gn.errors.NotReadyError, match="interrupted by Ctrl-C"):
        _ = missing.model


def test_an_experiment_is_resumed_from_its_folder(tmp_path, monkeypatch):
    """Oracle: the experiment without interruption, bit for bit."""
    monkeypatch.setattr(training, "MAX_RESUMABLE_RUNS", 2)
    runs = [Run(TRAIN, TEST, seed, {"learning_rate": 0.02}) for seed in range(5)]
    whole = train(make_model(), runs, resume=tmp_path / "whole")
    stops = []
    original = training.StackTraining.run

    def run_two_stacks(self):
        stops.append(1)
        if len(stops) == 3:
            raise KeyboardInterrupt
        original(self)

    folder = tmp_path / "killed"
    monkeypatch.setattr(training.StackTraining, "run", run_two_stacks)
    with pytest.raises(KeyboardInterrupt):
        train(make_model(), runs, resume=folder)
    files = sorted(folder.glob("run-*"))
    assert len(files) == 4
    files[0].write_bytes(files[0].read_bytes()[:100])
    stops[:] = [1] * 3  # no further stop
    with pytest.warns(DataWarning, match=r"run-\w+\.safetensors is damaged .* is repeated"):
        resumed = train(make_model(), runs, resume=folder)
    assert len(stops) == 5  # two stacks: that of the damaged run, and the missing one
    assert_same_bits(whole, resumed)
    part = folder / ".run-0123.4567.part"  # of a process that was killed while it wrote
    part.write_bytes(b"0")
    contents = bytearray(files[1].read_bytes())
    contents[-1] ^= 1
    files[1].write_bytes(contents)
    with pytest.warns(DataWarning, match=r"run-\w+\.safetensors is damaged .* another checksum"):
        assert_same_bits(whole, train(make_model(), runs, resume=folder))
    assert not part.exists()


def assert_same_bits(whole, resumed):
    for a, b in zip(whole, resumed, strict=True):
        assert a.scores == b.scores
        assert a.history.history == b.history.history
        np.testing.assert_array_equal(a.outputs, b.outputs)
        np.testing.assert_array_equal(a.step_losses, b.step_losses)
        for v, w in zip(a.model.get_weights(), b.model.get_weights(), strict=True):
            np.testing.assert_array_equal(v, w)


def test_a_run_that_is_repeated_by_itself_has_the_same_bits(tmp_path):
    """Oracle: the first experiment. Runs have different rates, penalties and numbers of rows."""
    values = [{"learning_rate": 0.01}, {"learning_rate": 0.02}, {"learning_rate": 0.02, "l2": 0.1}]
    rows = TRAIN, ROWS[9:], ROWS[15:]
    runs = [Run(r, ROWS[:9], 3, each) for r, each in zip(rows, values, strict=True)]
    model = make_model(Dense(5, activation="tanh", kernel_regularizer="l2"))
    whole = train(model, runs, resume=tmp_path)
    for file in sorted(tmp_path.glob("run-*")):
        file.unlink()
        assert_same_bits(whole, train(model, runs, resume=tmp_path))


def test_other_settings_are_other_runs_in_a_folder(tmp_path):
    run = Run(TRAIN, TEST, 1)
    train(make_model(), [run], resume=tmp_path)
    for options in ({"epochs": 2}, {"batch_size": 8}, {"shuffle": False}):
        before = len(list(tmp_path.glob("run-*")))
        train(make_model(), [run], resume=tmp_path, **options)
        assert len(list(tmp_path.glob("run-*"))) == before + 1
    before = len(list(tmp_path.glob("run-*")))
    train(make_model(), [run], resume=tmp_path)
    assert len(list(tmp_path.glob("run-*"))) == before


class StopAfter(Callback):
    """A callback whose `repr` does not say its setting."""

    def __init__(self, epochs):
        self.epochs = epochs

    def on_epoch_end(self, epoch, logs):
        return Decision(stop="enough") if epoch + 1 >= self.epochs else None


class Transformation:
    """A transformation in the style of optax, whose `repr` does not say its rate."""

    def __init__(self, rate):
        self.rate = rate

    def init(self, params):
        return ()

    def update(self, grads, state, params):
        return jax.tree.map(lambda g: -self.rate * g, grads), state


def power_of(exponent):
    return lambda x: x**exponent


PAIRS = {
    "callback": lambda value: (make_model(), {"callbacks": StopAfter(value)}),
    "optimizer": lambda value: (make_model(optimizer=Optax(Transformation(0.01 * value))), {}),
    "function": lambda value: (make_model(Dense(3, power_of(value))), {}),
}


@pytest.mark.parametrize("part", PAIRS)
def test_parts_whose_repr_is_the_same_are_other_runs_in_a_folder(part, tmp_path):
    """Oracle: the same experiments without a folder."""
    run = Run(TRAIN, TEST, 1)
    for value in (1, 2, 1):
        model, options = PAIRS[part](value)
        (resumed,) = train(model, [run], resume=tmp_path, **options)
        (expected,) = train(model, [run], **options)
        assert resumed.history.history == expected.history.history
    assert len(list(tmp_path.glob("run-*"))) == 2


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"validation_data": (X, Y)}, "no validation_data.*validation_split"),
        ({"steps_per_epoch": 3}, "no steps_per_epoch"),
        ({"epoch": 3}, "unexpected keyword|epochs"),
        ({"epochs": -1}, "epochs to be an int >= 0"),
        ({"callbacks": gn.callbacks.CSVLogger("log.csv")}, "no callbacks that write files"),
        ({"verbose": 3}, 'verbose to be "auto"'),
    ],
)
def test_arguments_without_a_meaning_are_refused(options, text):
    with pytest.raises(ConfigError, match=text):
        train(make_model(), [Run(TRAIN, TEST, 0)], **options)


def test_what_is_no_model_or_no_rows_is_refused():
    with pytest.raises(ConfigError, match=r"a model as the first argument.*cross_validate\(est"):
        Experiment("test", gn.estimators.NeuralClassifier(), X, Y)
    with pytest.raises(ConfigError, match="model='the class Sequential'"):
        Experiment("test", gn.Sequential, X, Y)
    with pytest.raises(DataError, match=r"rows, which can be divided into folds.*batches"):
        Experiment("test", make_model(), lambda: iter([(X, Y)]))


def test_the_default_number_of_epochs_is_enough_for_1000_steps():
    assert Experiment("test", make_model(), X, Y, {"verbose": 0}).epochs == 334
    model = make_model()
    model.fit(X, Y, epochs=2, verbose=0)
    experiment = Experiment("test", model, X, Y)
    assert experiment.epochs == 2
    assert experiment.notes == ("The model has been trained. Its weights were not used.",)


def test_a_metric_without_a_direction_is_no_score():
    def margin(y_true, y_pred):
        return y_pred[:, 0]

    model = make_model()
    model.compile("adam", "binary_crossentropy", [margin])
    experiment = Experiment("test", model, X, Y, {"verbose": 0})
    assert (experiment.score_name, experiment.greater_is_better) == ("loss", False)
    assert "do not say whether a higher value is better: margin." in experiment.notes[0]
    model.compile("adam", "binary_crossentropy", [margin, "accuracy"])
    experiment = Experiment("test", model, X, Y, {"verbose": 0})
    assert (experiment.score_name, experiment.greater_is_better) == ("accuracy", True)
    assert experiment.notes == ()


def test_folds_that_ctrl_c_ends_together_have_the_scores_of_that_moment():
    """Oracle: a cross-validation of as many epochs."""

    pressed = []

    def press(epoch, logs):
        if epoch == 1 and not pressed:
            pressed.append(epoch)
            os.kill(os.getpid(), signal.SIGINT)

    options = {"folds": 3, "batch_size": 16, "verbose": 0}
    stop = LambdaCallback(on_epoch_end=press)
    result = gn.selection.cross_validate(make_model(), X, Y, epochs=9, callbacks=stop, **options)
    expected = gn.selection.cross_validate(make_model(), X, Y, epochs=2, **options)
    np.testing.assert_allclose(result.scores, expected.scores)
    np.testing.assert_allclose(result.predictions, expected.predictions, atol=1e-6)
    assert len(result.models) == 3
    assert "the moment of Ctrl-C, in epoch 3" in result.notes[-1]


def test_networks_beyond_the_memory_are_trained_a_few_at_a_time(monkeypatch, capsys):
    runs = [Run(TRAIN, TEST, seed) for seed in range(3)]
    together = train(make_model(), runs)
    monkeypatch.setattr(training, "MAX_BYTES", 1)
    for a, b in zip(together, train(make_model(), runs, verbose=1), strict=True):
        assert a.scores == pytest.approx(b.scores, abs=1e-6)
    assert (
        "3 networks are trained one by one: all of them need more than" in capsys.readouterr().out
    )


def test_progress_shows_the_best_score_and_the_time_left(monkeypatch, capsys):
    """Oracle: a clock that advances by ten seconds for each look."""
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("glassnet.selection.progress.time.perf_counter", lambda: next(clock))
    results = train(make_model(), [Run(TRAIN, TEST, 1)], verbose=2)
    lines = [line for line in capsys.readouterr().out.splitlines() if "1 run " in line]
    assert len(lines) == 3
    best = max(results[0].history.history["val_accuracy"])
    assert f"best accuracy {gn.formatting.format_number(best)}" in lines[-1]
    assert lines[0].endswith("left")
