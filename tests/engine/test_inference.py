"""Inference in blocks: padding, shared programs, and scores against a NumPy loop over all rows."""

from dataclasses import dataclass

import numpy as np
import pytest

from glassnet.engine import inference, network
from glassnet.engine.train_step import Data, Program
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Layer,
    Normalization,
    Rescaling,
    functional,
)
from glassnet.losses import MeanSquaredError, SparseCategoricalCrossentropy
from glassnet.metrics import Accuracy, MeanAbsoluteError
from glassnet.optimizers import SGD
from glassnet.testing import compilations
from oracles import FLOAT32, close

COUNTS = (1, 7, 8, 9, 513, 5000)
LAYERS = (
    Dense(6, activation="tanh", kernel_regularizer="l2"),
    BatchNormalization(),
    Dropout(0.5),
    Dense(3, activation="softmax"),
)
BUILT, PARAMS, STATE = network.build(LAYERS, (4,), np.random.default_rng(0))
PROGRAM = Program(
    BUILT.links, SparseCategoricalCrossentropy(), SGD(), (Accuracy(), MeanAbsoluteError())
)
BODY, HEAD = network.split_head(PROGRAM.links, PROGRAM.loss)
RNG = np.random.default_rng(1)
X = RNG.normal(size=(5000, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 5000).astype(np.int32)
WEIGHT = RNG.uniform(0, 3, 5000).astype(np.float32)


def probabilities(x):
    """Return the network's output in NumPy float64.

    Batch normalization has mean 0 and variance 1; dropout does nothing.
    """
    first, last = PARAMS[0], PARAMS[-2]
    z = (
        np.tanh(x.astype(np.float64) @ first["kernel"] + first["bias"])
        / np.sqrt(1 + 1e-3)
        @ last["kernel"]
        + last["bias"]
    )
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


WANTED = probabilities(X)


@pytest.mark.parametrize("n", COUNTS)
def test_any_number_of_rows_comes_out_as_one_by_one(n):
    """Oracles: NumPy, and our own predictions one row at a time."""
    got = inference.predict(BODY, HEAD, PARAMS, STATE, X[:n])
    assert got.shape == (n, 3)
    assert got.dtype == np.float32
    close(got, WANTED[:n], 2 * FLOAT32)
    for i in {0, n // 2, n - 1}:
        close(got[i], inference.predict(BODY, HEAD, PARAMS, STATE, X[i : i + 1])[0])
    got[:] = 0  # a writable copy, not a view of JAX's array


def test_the_head_is_where_the_loss_cuts():
    assert [link.name for link in HEAD] == ["dense_2.softmax"]
    full = inference.predict(BUILT.links, (), PARAMS, STATE, X[:9])
    np.testing.assert_array_equal(full, inference.predict(BODY, HEAD, PARAMS, STATE, X[:9]))


@pytest.mark.parametrize(
    ("n", "want"),
    [
        (1, [(0, 1, 1)]),
        (2, [(0, 2, 8)]),
        (64, [(0, 64, 64)]),
        (513, [(0, 513, 4096)]),
        (4097, [(0, 4096, 4096), (4096, 4097, 1)]),
        (0, []),
    ],
)
def test_blocks(n, want):
    assert list(inference.iter_block_ranges(n)) == want


def test_row_counts_of_one_size_share_a_program():
    for n in (8, 64, 5000):
        inference.predict(BODY, HEAD, PARAMS, STATE, X[:n])
        inference.evaluate_blocks(
            PROGRAM, PARAMS, STATE, inference.iter_padded_blocks(Data(X[:n], Y[:n]))
        )
    with compilations() as compiled:
        for n in (2, 7, 9, 63, 600, 4000, 4700):
            inference.predict(BODY, HEAD, PARAMS, STATE, X[:n])
            inference.evaluate_blocks(
                PROGRAM, PARAMS, STATE, inference.iter_padded_blocks(Data(X[:n], Y[:n]))
            )
    assert compiled == []


def test_padding_repeats_the_last_row():
    rows = np.arange(6).reshape(3, 2)
    np.testing.assert_array_equal(inference.pad(rows, 5), [[0, 1], [2, 3], [4, 5], [4, 5], [4, 5]])
    assert inference.pad(rows, 3) is rows


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("n", COUNTS)
def test_scores_against_numpy(n, weighted):
    """loss = sum(w l) / n + l2 sum W^2; metrics ignore sample weights."""
    data = Data(X[:n], Y[:n], WEIGHT[:n] if weighted else None)
    logs = inference.evaluate_blocks(
        PROGRAM, PARAMS, STATE, inference.iter_padded_blocks(data), "val_"
    )
    p, w = WANTED[:n], WEIGHT[:n].astype(np.float64) if weighted else 1
    losses = -np.log(p[np.arange(n), Y[:n]])
    assert list(logs) == ["val_loss", "val_accuracy", "val_mean_absolute_error"]
    close(
        logs["val_loss"],
        (w * losses).sum() / n + 0.01 * np.square(PARAMS[0]["kernel"], dtype=np.float64).sum(),
        5 * FLOAT32,
    )
    assert logs["val_accuracy"] == (p.argmax(1) == Y[:n]).sum() / n
    close(logs["val_mean_absolute_error"], np.abs(p - np.eye(3)[Y[:n]]).mean(), 5 * FLOAT32)


def test_scores_of_columns_without_penalty_or_metrics():
    built, params, state = network.build([Dense(2)], (4,), np.random.default_rng(0))
    program = Program(built.links, MeanSquaredError(), SGD())
    y = RNG.normal(size=(100, 2)).astype(np.float32)
    logs = inference.evaluate_blocks(
        program, params, state, inference.iter_padded_blocks(Data(X[:100], y))
    )
    assert list(logs) == ["loss"]
    close(
        logs["loss"],
        ((X[:100].astype(np.float64) @ params[0]["kernel"] - y) ** 2).mean(),
        2 * FLOAT32,
    )


def test_evaluation_does_not_learn():
    before = {name: value.copy() for name, value in STATE[2].items()}
    inference.evaluate_blocks(
        PROGRAM, PARAMS, STATE, inference.iter_padded_blocks(Data(X[:64], Y[:64]))
    )
    for name, value in before.items():
        np.testing.assert_array_equal(STATE[2][name], value)


def test_learn_standardises_what_reaches_the_layer():
    """Two unfitted layers learn from the rows that reach them; a fitted layer keeps its statistics."""
    adapted = Normalization().adapt(np.array([[1.0], [3.0]]))
    layers = (
        Rescaling(2.0, 1.0),
        Normalization(),
        Activation("relu"),
        Normalization(axis=None),
        adapted,
    )
    built, params, state = network.build(layers, (1,), np.random.default_rng(0))
    x = RNG.normal(5, 3, (700, 1)).astype(np.float32)
    new = inference.adapt_state(built.links, params, state, x)
    first = 2 * x.astype(np.float64) + 1
    second = np.maximum((first - first.mean()) / first.std(), 0)
    for learned, rows in ((new[1], first), (new[3], second)):
        close(learned["mean"], [rows.mean()], 5 * FLOAT32)
        close(learned["variance"], [rows.var()], 5 * FLOAT32)
        assert learned["count"] == 700
    assert new[4] is state[4]
    assert new[0] is state[0]
    assert inference.adapt_state(built.links, params, new, x[:5]) == new
    assert not functional.has_learned(built.links[1], state[1])


@dataclass(frozen=True)
class Marks(Layer):
    """Mask entries whose first value is 0, as an Embedding masks id 0."""

    def mask(self, x, mask):
        return x[..., 0] != 0


def test_a_mask_from_within_the_network_counts_in_the_score():
    """Oracle: a loop over (row, time). Masked entries and padded rows do not count."""
    built, params, state = network.build([Marks(), Dense(2)], (3, 2), np.random.default_rng(0))
    x, y = (
        RNG.normal(size=(10, 3, 2)).astype(np.float32),
        RNG.normal(size=(10, 3, 2)).astype(np.float32),
    )
    x[RNG.random((10, 3)) < 0.4, 0] = 0
    program = Program(built.links, MeanSquaredError(), SGD(), (MeanAbsoluteError(),))
    logs = inference.evaluate_blocks(
        program, params, state, inference.iter_padded_blocks(Data(x, y))
    )
    errors = [
        x[i, t] @ params[1]["kernel"] - y[i, t]
        for i in range(10)
        for t in range(3)
        if x[i, t, 0] != 0
    ]
    assert 5 < len(errors) < 25
    close(logs["loss"], np.mean([np.square(e).mean() for e in errors]), 5 * FLOAT32)
    close(logs["mean_absolute_error"], np.mean([np.abs(e).mean() for e in errors]), 5 * FLOAT32)
