"""Weights by name and index, and directions. Oracles: arithmetic on arrays of known numbers; the
definition of filter normalization (Li et al. 2018); `model.weights_named`.
"""

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError
from glassnet.inspection.weight_selection import (
    draw_direction,
    move,
    select_weight,
    select_weights,
)
from glassnet.layers import BatchNormalization, Conv2D, Dense, Flatten, Input, PReLU, Residual

KERNEL, BIAS = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [0.0, 0.0, 0.0]


def make_snapshot(layers, weights=None):
    model = gn.Sequential(layers, seed=0)
    if weights:
        model.set_weights(weights)
    return model, model.take_snapshot()


def select(name, index=None, layers=None, weights=(KERNEL, BIAS)):
    model, snapshot = make_snapshot(layers or [Input(2), Dense(3)], weights)
    return model, snapshot, select_weight(snapshot.network, snapshot.params, name, index)


@pytest.mark.parametrize("index", [(1, 2), [1, 2], (-1, -1), (np.int64(1), 2)])
def test_one_number(index):
    """KERNEL[1, 2] = 6; moved by 0.5 it is 6.5, and nothing else changes."""
    _, snapshot, weight = select("dense_1/kernel", index)
    assert (weight.label, weight.get_value(snapshot.params)) == ("dense_1/kernel[1, 2]", 6)
    (moved,) = move(snapshot.params, [weight.make_direction(snapshot.params)], [0.5])
    np.testing.assert_array_equal(moved["kernel"], [[1, 2, 3], [4, 5, 6.5]])
    np.testing.assert_array_equal(moved["bias"], BIAS)
    path = np.stack([np.array(KERNEL), 2 * np.array(KERNEL)])
    np.testing.assert_array_equal(weight.compute_values(path, snapshot.params), [6, 12])


def test_a_whole_array_is_scaled():
    """1 + 0.5 = 1.5 times the kernel; the projection of 3 W on W is 3."""
    _, snapshot, weight = select("dense_1/kernel")
    assert (weight.label, weight.get_value(snapshot.params)) == ("factor of dense_1/kernel", 1)
    (moved,) = move(snapshot.params, [weight.make_direction(snapshot.params)], [0.5])
    np.testing.assert_array_equal(moved["kernel"], 1.5 * np.array(KERNEL))
    path = 3 * np.array(KERNEL)[None]
    np.testing.assert_allclose(weight.compute_values(path, snapshot.params), [3])


def test_the_only_number_of_an_array_needs_no_index():
    _, snapshot, weight = select("dense_1/bias", None, [Input(1), Dense(1)], ([[2.0]], [5.0]))
    assert (weight.index, weight.label) == ((0,), "dense_1/bias")
    assert weight.get_value(snapshot.params) == 5


def test_weights_inside_a_composite_and_frozen_weights():
    layers = [Input(2), Residual([Dense(2, trainable=False)])]
    model, snapshot = make_snapshot(layers)
    for name, values in model.weights_named().items():
        weight = select_weight(snapshot.network, snapshot.params, name, (1,) * values.ndim)
        assert weight.get_value(snapshot.params) == values[(1,) * values.ndim]
        moved = move(snapshot.params, [weight.make_direction(snapshot.params)], [1.0])
        assert weight.get_value(moved) == values[weight.index] + 1


def test_two_weights():
    _, snapshot = make_snapshot([Input(2), Dense(3)], (KERNEL, BIAS))
    pair = select_weights(
        snapshot.network, snapshot.params, [("dense_1/kernel", (0, 0)), ("dense_1/bias", 1)]
    )
    assert [weight.label for weight in pair] == ["dense_1/kernel[0, 0]", "dense_1/bias[1]"]
    (moved,) = move(
        snapshot.params, [weight.make_direction(snapshot.params) for weight in pair], [2.0, 3.0]
    )
    np.testing.assert_array_equal(moved["kernel"][0], [3, 2, 3])
    np.testing.assert_array_equal(moved["bias"], [0, 3, 0])


@pytest.mark.parametrize(
    ("name", "index", "text"),
    [
        ("dense_1/kernal", None, r"one of dense_1/kernel, dense_1/bias.*Did you mean 'dense_1/ker"),
        ("dense_1/kernel", (2, 0), r"dense_1/kernel: expected an index into shape \(2, 3\), at mo"),
        ("dense_1/kernel", 0, r"shape \(2, 3\), at most \(1, 2\), or None for the whole array"),
        ("dense_1/kernel", (0, 0.5), r"Received: index=\(0, 0.5\)"),
        ("dense_1/kernel", (0, True), r"Received: index=\(0, True\)"),
        ("dense_1/bias", 3, r"shape \(3,\), at most 2"),
        ("dense_1/bias", "first", "Received: index='first'"),
        ("dense_1/bias", None, "an array that is not all 0, to be scaled.*Choose one number"),
    ],
)
def test_refused_weights(name, index, text):
    with pytest.raises(ConfigError, match=text):
        select(name, index)


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ([("dense_1/bias", 0), ("dense_1/bias", -3)], "different weights.*dense_1/bias"),
        ([("dense_1/bias",)], r"a pair \(name, index\).*Write \(\"dense_1/kernel\", \(0, 0\)\)"),
    ],
)
def test_refused_pairs(weights, text):
    _, snapshot = make_snapshot([Input(2), Dense(3)], (KERNEL, BIAS))
    with pytest.raises(ConfigError, match=text):
        select_weights(snapshot.network, snapshot.params, weights)


def test_a_network_without_weights():
    _, snapshot = make_snapshot([Input((2, 2)), Flatten()])
    with pytest.raises(ConfigError, match="weight: expected a network with weights"):
        select_weight(snapshot.network, snapshot.params, "dense_1/kernel")


def test_random_directions_have_the_norm_of_each_filter():
    """The norm over all axes but the last equals that of the weights; nothing else moves."""
    layers = [
        Input((5, 5, 2)),
        Conv2D(3, 2),
        BatchNormalization(),
        PReLU(),
        Flatten(),
        Dense(4, trainable=False),
        Dense(2),
    ]
    _, snapshot = make_snapshot(layers)
    direction = draw_direction(snapshot.network, snapshot.params, np.random.default_rng(0))
    names = [
        (i, key)
        for i, entry in enumerate(direction)
        for key, step in entry.items()
        if step is not None
    ]
    assert names == [(0, "kernel"), (5, "kernel")]
    for i, axes in ((0, (0, 1, 2)), (5, 0)):
        norms = [
            np.sqrt((tree[i]["kernel"].astype(float) ** 2).sum(axes))
            for tree in (direction, snapshot.params)
        ]
        np.testing.assert_allclose(*norms, rtol=1e-6)
        assert (
            abs(
                np.corrcoef(direction[i]["kernel"].ravel(), snapshot.params[i]["kernel"].ravel())[
                    0, 1
                ]
            )
            < 0.9
        )
    again = draw_direction(snapshot.network, snapshot.params, np.random.default_rng(0))
    np.testing.assert_array_equal(again[0]["kernel"], direction[0]["kernel"])


def test_random_directions_need_a_kernel():
    _, snapshot = make_snapshot([Input(2), Dense(3, trainable=False)])
    with pytest.raises(ConfigError, match="loss_landscape: expected a kernel that is trained"):
        draw_direction(snapshot.network, snapshot.params, np.random.default_rng(0))
