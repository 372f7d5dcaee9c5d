"""Losses row by row, and whether a rise of the validation loss is more than noise."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import inference
from glassnet.engine.train_step import Data
from glassnet.layers import Dense, Dropout, Embedding, Input, SimpleRNN
from glassnet.pipeline.row_adapter import ArrayBlocks
from glassnet.training.row_losses import compute_row_losses

RNG = np.random.default_rng(0)


def fourth_power(y, z):
    return (y - z) ** 4


@pytest.mark.parametrize("loss", ["mse", fourth_power], ids=["mse", "function"])
def test_mean_is_the_validation_loss(loss):
    """Oracle: `evaluate_blocks`, with weights and a block that is padded."""
    x, y = RNG.normal(size=(37, 3)).astype(np.float32), RNG.normal(size=(37, 2))
    model = gn.Sequential([Input(3), Dense(2)], seed=0)
    model.compile("sgd", loss)
    model.fit(x, y, epochs=1, verbose=0)
    data = Data(x, y.astype(np.float32), RNG.random(37).astype(np.float32))
    blocks = ArrayBlocks(list(inference.iter_padded_blocks(data)))
    weights = model._params, model._state
    program = model._make_program()
    losses = compute_row_losses(program, *weights, blocks)
    expected = inference.evaluate_blocks(program, *weights, blocks)["loss"]
    assert losses.shape == (37,)
    assert losses.mean() == pytest.approx(expected, rel=1e-5)


def test_masked_steps_are_left_out():
    """Oracle: the loss of each row alone, as `evaluate` computes it."""
    ids = RNG.integers(1, 5, (6, 4))
    ids[:3, 2:] = 0
    y = RNG.integers(0, 2, (6, 4, 1)).astype(np.float32)
    layers = [
        Input(4),
        Embedding(5, 3, mask_zero=True),
        SimpleRNN(3, return_sequences=True),
        Dense(1, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "binary_crossentropy")
    model.fit(ids, y, epochs=1, verbose=0)
    data = Data(ids.astype(np.float32), y)
    blocks = ArrayBlocks(list(inference.iter_padded_blocks(data)))
    losses = compute_row_losses(model._make_program(), model._params, model._state, blocks)
    expected = [model.evaluate(ids[i : i + 1], y[i : i + 1], verbose=0) for i in range(6)]
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


def test_error_of_a_rise():
    """Oracle: `evaluate` with the weights of the best epoch, which EarlyStopping restores."""
    x = RNG.normal(size=(240, 10)).astype(np.float32)
    y = (x[:, :1] + 0.5 * RNG.normal(size=(240, 1))).astype(np.float32)
    rows = {"validation_data": (x[40:], y[40:]), "epochs": 60, "batch_size": 8, "verbose": 0}

    def fit(callbacks=()):
        model = gn.Sequential([Input(10), Dense(64, "relu"), Dropout(0.0), Dense(1)], seed=0)
        model.compile(gn.optimizers.Adam(0.01), "mse")
        return model, model.fit(x[:40], y[:40], callbacks=list(callbacks), **rows)

    model, history = fit()
    best = gn.callbacks.EarlyStopping("val_loss", patience=60, restore_best_weights=True)
    restored, _ = fit([best])
    before, after = (np.square(each.predict(x[40:]) - y[40:]) for each in (restored, model))
    rise, change = (after - before)[:, 0], history.evidence.validation
    losses = history.history["val_loss"]
    assert change.rise == pytest.approx(rise.mean(), rel=1e-3)
    assert change.rise == pytest.approx(losses[-1] - min(losses), rel=1e-3)
    assert change.standard_error == pytest.approx(rise.std(ddof=1) / np.sqrt(200), rel=1e-3)
    assert (change.best_epoch, change.n_rows) == (np.argmin(losses) + 1, 200)
