"""Paths of weights. Oracle: the weights of the same `fit`, bit for bit (6)."""

import copy

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import DataError, TrainingWarning
from glassnet.inspection.training_runs import (
    RunSettings,
    _ShortChunks,
    flatten_params,
    record_path,
    unflatten_params,
)
from glassnet.layers import BatchNormalization, Dense, Dropout, Normalization
from glassnet.optimizers import SGD, Adam

RNG = np.random.default_rng(0)
X = RNG.normal(size=(20, 3)).astype(np.float32)
Y = (X.sum(1) > 0).astype(int)
TABLE = pd.DataFrame({"age": X[:, 0], "town": list("ab") * 10, "price": X[:, 1] * 3 + 5})


def make_model():
    """An MLP with noise, statistics and a preprocessing layer."""
    layers = [
        Normalization(),
        Dense(4, activation="relu"),
        Dropout(0.3),
        BatchNormalization(),
        Dense(1, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=3)
    model.compile(Adam(0.01), "binary_crossentropy")
    return model


def weights_of(model):
    return np.concatenate([p.ravel() for p in model.weights_named().values()])


def walk(model, x, y, settings, max_points=1000, **options):
    """Return the path of one run; all losses are 0."""
    runs = model.iter_training_runs(x, y, [settings], **options)
    (path,) = (record_path(run, settings.epochs, max_points, lambda p, s: 0.0) for run in runs)
    return path


@pytest.mark.parametrize("batch_size", ["full", 6])
def test_every_epoch_of_a_path_equals_fit(batch_size):
    """Dropout, batch statistics and shuffled batches; a point per step."""
    path = walk(make_model(), X, Y, RunSettings(batch_size=batch_size, epochs=3))
    per_epoch = 1 if batch_size == "full" else 4
    np.testing.assert_array_equal(path.steps, np.arange(3 * per_epoch + 1))
    np.testing.assert_array_equal(path.epochs, path.steps / per_epoch)
    model = make_model()
    for epoch in range(1, 4):
        model.fit(X, Y, batch_size=batch_size, verbose=0)
        np.testing.assert_array_equal(path.weights[epoch * per_epoch], weights_of(model))
    assert len(np.unique(path.weights, axis=0)) == len(path.weights)  # each step moves them
    assert path.problem == ""


def test_a_path_with_fewer_points_has_the_same_weights():
    settings = RunSettings(batch_size=6, epochs=3)
    every = walk(make_model(), X, Y, settings)
    some = walk(make_model(), X, Y, settings, max_points=5)
    np.testing.assert_array_equal(some.steps, [0, 3, 6, 9, 12])
    np.testing.assert_array_equal(some.weights, every.weights[some.steps])


def test_settings_are_those_of_fit():
    """An optimizer, a rate, new weights, sample weights, batches in their order."""
    weight = np.linspace(0.5, 2, len(X))
    settings = RunSettings(2, SGD(0.5, momentum=0.9), 0.05, 6, 2)
    path = walk(make_model(), X, Y, settings, sample_weight=weight, shuffle=False)
    model = make_model()
    model.reset(5)
    model.compile(SGD(0.05, momentum=0.9), "binary_crossentropy")
    model.fit(X, Y, 6, 2, sample_weight=weight, shuffle=False, verbose=0)
    np.testing.assert_array_equal(path.weights[-1], weights_of(model))


def test_a_run_compiles_the_program_of_other_rates_and_starts_once():
    """Oracle: equal programs are compiled once (the rate is part of the train state)."""
    settings = [RunSettings(start, SGD(), rate) for start in (0, 1) for rate in (0.1, 0.2)]
    runs = list(make_model().iter_training_runs(X, Y, settings))
    assert len({run.program for run in runs}) == 1
    assert [float(run.start.train_state.rate) for run in runs] == pytest.approx([0.1, 0.2] * 2)
    assert [run.seed for run in runs] == [3, 3, 4, 4]


def test_a_trained_model_starts_from_new_weights_or_from_its_own():
    model = make_model()
    model.fit(X, Y, epochs=2, verbose=0)
    before = weights_of(model)
    drawn = walk(model, X, Y, RunSettings(epochs=2))
    current = walk(model, X, Y, RunSettings("current", epochs=2))
    np.testing.assert_array_equal(current.weights[0], before)
    np.testing.assert_array_equal(
        drawn.weights[0], walk(make_model(), X, Y, RunSettings()).weights[0]
    )
    np.testing.assert_array_equal(weights_of(model), before)
    assert (model.epoch, model.history.params["epochs"]) == (2, 2)
    model.fit(X, Y, batch_size="full", epochs=2, verbose=0)
    np.testing.assert_array_equal(current.weights[-1], weights_of(model))


def test_a_model_that_was_never_used_stays_so():
    """All runs share one seed, although the model has none yet."""
    model = gn.Sequential([Dense(1)])
    settings = [RunSettings(), RunSettings()]
    runs = [
        record_path(run, 1, 9, lambda p, s: 0.0) for run in model.iter_training_runs(X, Y, settings)
    ]
    np.testing.assert_array_equal(runs[0].weights, runs[1].weights)
    assert model.seed is None
    assert not model.built
    assert model.optimizer is None


def test_a_table_trained_or_not():
    def make():
        model = gn.Sequential([Dense(3, activation="tanh"), Dense(1)], seed=1)
        model.compile(Adam(0.05), "mse")
        return model

    model, settings = make(), RunSettings(batch_size=8, epochs=3)
    path = walk(model, TABLE, None, settings, target="price")
    assert model.preprocessor is None
    model.fit(TABLE, target="price", batch_size=8, epochs=3, verbose=0)
    np.testing.assert_array_equal(path.weights[-1], weights_of(model))
    again = walk(model, TABLE, None, settings)  # the preprocessor knows the target
    np.testing.assert_array_equal(again.weights, path.weights)


def test_batches_whose_number_is_known_or_not():
    batches = [(X[:8], Y[:8]), (X[8:16], Y[8:16]), (X[16:], Y[16:])]
    model = make_model()
    model.fit(X, Y, epochs=1, verbose=0)  # Normalization needs rows in memory
    twin = copy.copy(model)
    twin.fit(batches, epochs=4, verbose=0)
    known = walk(model, batches, None, RunSettings("current", epochs=4, batch_size=32))
    unknown = walk(
        model, lambda: iter(batches), None, RunSettings("current", epochs=4, batch_size=32), 2
    )
    np.testing.assert_array_equal(known.steps, np.arange(13))
    np.testing.assert_array_equal(known.weights[-1], weights_of(twin))
    np.testing.assert_array_equal(unknown.steps, [0, 6, 12])
    np.testing.assert_array_equal(unknown.epochs, [0, 2, 4])
    np.testing.assert_array_equal(unknown.weights, known.weights[[0, 6, 12]])


def test_the_keras_layout():
    def make():
        model = keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)], seed=2)
        model.compile("rmsprop", "mse")
        return model

    model = make()
    path = walk(model, X, Y, RunSettings(batch_size=6, epochs=2))
    model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    np.testing.assert_array_equal(path.weights[-1], weights_of(model))


@pytest.mark.parametrize("batch_size", ["full", 1])
@pytest.mark.parametrize("max_points", [1000, 5])
def test_a_run_that_diverges_ends_where_fit_ends(batch_size, max_points):
    x = np.arange(20.0)[:, None]
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile(SGD(5.0), "mse")
    path = walk(model, x, x, RunSettings(batch_size=batch_size, epochs=30), max_points)
    with pytest.warns(TrainingWarning, match="The last weights with a finite loss are kept"):
        model.fit(x, x, batch_size, 30, verbose=0)
    np.testing.assert_array_equal(path.weights[-1], weights_of(model))
    assert path.problem == model.history.stopped
    assert "the loss is not finite" in path.problem


def test_points_without_a_finite_loss_are_left_out():
    (run,) = make_model().iter_training_runs(X, Y, [RunSettings(epochs=3)])
    losses = iter([3.0, 2.0, np.inf, 1.0])
    path = record_path(run, 3, 10, lambda params, state: next(losses))
    np.testing.assert_array_equal(path.losses, [3, 2])
    np.testing.assert_array_equal(path.steps, [0, 1])
    assert path.problem == "the loss of all rows is not finite"


def test_a_start_without_a_finite_loss():
    (run,) = make_model().iter_training_runs(X, Y, [RunSettings()])
    with pytest.raises(
        DataError, match=r"weights at the start with a finite loss\. Received: loss=inf"
    ):
        record_path(run, 1, 10, lambda params, state: np.inf)


def test_chunks_are_split_after_every_kth_step_of_the_run():
    """Oracle: with 7 steps an epoch and k = 3, the hook is due after 3, 6, 9, 12 and 14 steps."""
    x = np.zeros((7, 1), np.float32)
    model = gn.Sequential([Dense(1)], seed=0)
    (run,) = model.iter_training_runs(x, x, [RunSettings(batch_size=1)])
    source = _ShortChunks(run.source, 3, 0)
    spans = [[(c.start, c.steps) for c in source.iter_chunks(epoch, 0)] for epoch in (0, 1)]
    assert spans == [[(0, 3), (3, 6), (6, 7)], [(0, 2), (2, 5), (5, 7)]]
    assert [(c.start, c.steps) for c in source.iter_chunks(1, 3)] == [(3, 5), (5, 7)]


def test_params_as_one_array():
    """Oracle: the order of `weights_named`."""
    model = make_model()
    model.fit(X, Y, verbose=0)
    snapshot = model.take_snapshot()
    vector = flatten_params(snapshot.network, snapshot.params)
    np.testing.assert_array_equal(vector, weights_of(model))
    moved = unflatten_params(snapshot.network, vector + 1, snapshot.params)
    np.testing.assert_array_equal(flatten_params(snapshot.network, moved), vector + 1)
