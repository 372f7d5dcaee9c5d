"""Observed statistics. Oracle: `history.observations`, and the weights before and after (6)."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engine.train_step import OBSERVED_STATISTICS
from glassnet.errors import ConfigError, NotReadyError
from glassnet.layers import Dense, Dropout, Rescaling, Residual

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
Y = np.arange(12) % 2
COLUMNS = {name: i for i, name in enumerate(OBSERVED_STATISTICS)}


@pytest.fixture(scope="module")
def run():
    layers = [
        Rescaling(2.0),
        Dense(4, activation="relu"),
        Residual([Dense(4)]),
        Dropout(0.1),
        Dense(2, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0, observe=True)
    return model, gn.inspection.observations(model)


def test_the_numbers_are_those_of_the_history(run):
    """Links: rescaling, dense, relu, the dense inside, the block, dropout, dense."""
    model, view = run
    values = np.stack([record.values for record in model.history.observations])
    assert view.layers == ("dense_1", "residual_1", "dropout_1", "dense_2")
    assert view.weighted == ("dense_1", "residual_1/dense_1", "dense_2")
    np.testing.assert_allclose(view.zeros, values[:, [2, 4, 5, 6], COLUMNS["zeros"]])
    np.testing.assert_allclose(view.std, values[:, [2, 4, 5, 6], COLUMNS["std"]])
    np.testing.assert_allclose(view.gradient, values[:, [1, 3, 6], COLUMNS["gradient"]])
    rows = values[:, [1, 3, 6]]
    ratio = rows[..., COLUMNS["update"]] / rows[..., COLUMNS["weight"]]
    np.testing.assert_allclose(view.update_ratio, ratio, rtol=1e-6)


def test_times_are_in_epochs(run):
    """Oracle: 12 rows in batches of 4 are 3 steps an epoch."""
    model, view = run
    expected = [record.epoch + (record.step + 1) / 3 for record in model.history.observations]
    np.testing.assert_allclose(view.epochs, expected)
    assert view.epochs.max() == 2


def test_an_update_is_the_rate_times_the_gradient(run):
    """Oracle: SGD with its default rate of 0.01."""
    _, view = run
    np.testing.assert_allclose(view.update, 0.01 * view.gradient, rtol=1e-4)


def test_the_title_is_about_the_last_third(run):
    _, view = run
    n = round(len(view.epochs) / 3)
    ratios = np.median(view.update_ratio[-n:], axis=0)
    np.testing.assert_allclose(view.final_ratio, ratios)
    smallest = view.weighted[ratios.argmin()]
    assert view.title.startswith("A step changes weights by ")
    assert f"({smallest}) to " in view.title
    assert "About 0.001 is usual." in str(view)


def test_figure_and_frame(run):
    _, view = run
    frame = view.to_frame()
    assert frame["layer"].unique().tolist() == [*view.layers, "residual_1/dense_1"]
    row = frame[frame["layer"] == "residual_1/dense_1"].iloc[-1]
    assert np.isnan(row["std"])
    assert row["gradient"] == view.gradient[-1, 1]
    axes = view.plot().axes
    np.testing.assert_array_equal(axes[0].lines[1].get_ydata(), view.std[:, 1])
    np.testing.assert_array_equal(axes[3].lines[0].get_ydata(), view.update_ratio[:, 0])
    np.testing.assert_array_equal(axes[3].lines[3].get_ydata(), [1e-3, 1e-3])


def test_errors(run):
    model, _ = run
    other = gn.Sequential([Dense(1)], seed=0)
    history = other.fit(X, Y, epochs=1, verbose=0, observe=False)
    expected = r"a fit that was observed. Call model.fit\(..., observe=True\)"
    with pytest.raises(NotReadyError, match=expected):
        gn.inspection.observations(other)
    with pytest.raises(NotReadyError, match=expected):
        gn.inspection.observations(model, history)
    with pytest.raises(ConfigError, match=r"a history of a fit of this network.*links=1"):
        gn.inspection.observations(other, model.history)
    fixed = gn.Sequential([Dense(1, trainable=False), Dense(1)], seed=0)
    fixed.fit(X, Y, epochs=1, verbose=0, observe=True)
    assert gn.inspection.observations(fixed).weighted == ("dense_2",)
