"""Tests of gradient clipping by hand. `test_optimizers.py` compares it with Keras and NumPy."""

from dataclasses import dataclass, replace

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet import optimizers
from glassnet.engine.train_step import OBSERVED_STATISTICS
from glassnet.errors import ConfigError
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD, Adam, Optimizer
from glassnet.optimizers.optimizer import clip_gradients
from glassnet.testing import check_optimizer
from nets import X, Y, line_model, plain_model
from oracles import close

GRADS = (
    {"kernel": np.array([[6.0], [8.0]], np.float32), "bias": np.array([-24.0], np.float32)},
    None,
    ({"scale": np.zeros(2, np.float32)}, None),
)
"""Gradients with norms 10, 24 and 0, together 26; None for frozen params, a tuple for a composite."""


@pytest.mark.parametrize(
    ("bound", "kernel", "bias"),
    [
        ({"clipnorm": 5.0}, [3, 4], -5),  # 10 to 5 is half, 24 to 5 is 5
        ({"clipnorm": 12}, [6, 8], -12),
        ({"clipvalue": 7.0}, [6, 7], -7),
        ({"global_clipnorm": 13.0}, [3, 4], -12),  # 26 to 13 is half for all
        ({}, [6, 8], -24),
    ],
    ids=repr,
)
def test_bounds_by_hand(bound, kernel, bias):
    clipped = clip_gradients(SGD(**bound), GRADS)
    assert jax.tree.structure(clipped) == jax.tree.structure(GRADS)
    close(clipped[0]["kernel"][:, 0], kernel)
    close(clipped[0]["bias"], [bias])
    assert (np.asarray(clipped[2][0]["scale"]) == 0).all()  # no division by a norm of 0


@pytest.mark.parametrize(
    "bound", [{"clipnorm": 24.5}, {"clipvalue": 24.0}, {"global_clipnorm": 26.5}], ids=repr
)
def test_gradients_within_bounds_keep_their_bits(bound):
    jax.tree.map(np.testing.assert_array_equal, clip_gradients(SGD(**bound), GRADS), GRADS)


@pytest.mark.parametrize(
    "bound", [{"clipnorm": 1.0}, {"clipvalue": 1.0}, {"global_clipnorm": 1.0}], ids=repr
)
def test_what_moves_the_weights_is_clipped_and_the_trace_shows_both(bound):
    """At x = 3, w = 2, b = 0.5, y = 0 the gradient of z^2 is (39, 13), with norm 13 sqrt(10)."""
    model = line_model(SGD(0.1, **bound))
    trace = model.trace([[3.0]], [0.0])
    share = np.array([3, 1]) / np.sqrt(10) if "global_clipnorm" in bound else np.ones(2)
    close(
        [trace["dense_1"].d_params["kernel"][0, 0], trace["dense_1"].d_params["bias"][0]], [39, 13]
    )
    close(
        [trace["dense_1"].update["kernel"][0, 0], trace["dense_1"].update["bias"][0]], -0.1 * share
    )
    log = model.fit([[3.0]], [0.0], verbose=0, observe=True)
    close([np.ravel(w)[0] for w in model.get_weights()], [2, 0.5] - 0.1 * share)
    observed = dict(zip(OBSERVED_STATISTICS, log.observations[0].values[0], strict=True))
    assert observed["gradient"] > 1 > observed["update"]


def test_frozen_layers_do_not_count():
    """The global norm is that of the last layer if the first is frozen."""

    def moved(**bound):
        layers = [
            Input(4),
            Dense(5, activation="tanh", trainable=False),
            Dense(3, activation="softmax"),
        ]
        model = gn.Sequential(layers, seed=0)
        model.compile(SGD(1.0, **bound), "sparse_categorical_crossentropy")
        before = model.get_weights()
        model.fit(X, Y, batch_size="full", verbose=0)
        return [new - old for new, old in zip(model.get_weights(), before, strict=True)]

    steps, clipped_steps = moved(), moved(global_clipnorm=0.01)
    norm = np.sqrt(sum((w**2).sum() for w in steps))
    assert norm > 0.02
    assert not steps[0].any()
    for a, b in zip(steps, clipped_steps, strict=True):
        close(b, a * 0.01 / norm)


def test_gradients_of_zero_move_nothing():
    """The prediction 0 * 2 + 0 = 0 equals the target."""
    for bound in ({"clipnorm": 1.0}, {"global_clipnorm": 1.0}, {"clipvalue": 1.0}):
        model = line_model(Adam(0.1, **bound), bias=0.0)
        model.fit([[0.0]], [0.0], epochs=2, verbose=0)
        assert [np.ravel(w)[0] for w in model.get_weights()] == [2, 0]


def test_a_bound_is_part_of_the_program_and_serves_any_rate():
    model = plain_model(SGD(0.1, clipnorm=0.5))
    model.fit(X, Y, verbose=0)
    with gn.testing.compilations() as compiled:
        again = plain_model(SGD(0.3, clipnorm=0.5))
        again.fit(X, Y, verbose=0)
    assert compiled == []
    assert SGD(clipnorm=0.5) != SGD(clipnorm=0.6)


@dataclass(frozen=True)
class Mine(Optimizer):
    learning_rate: float = 0.1
    floor: float = 0.0

    def __post_init__(self):
        pass

    def init(self, params):
        return {}

    def update(self, grads, state, params, lr):
        return jax.tree.map(lambda p, g: p - lr * g, params, grads), state


def test_optimizers_of_users_inherit_the_bounds():
    check_optimizer(Mine(0.1, clipnorm=0.1))
    model = line_model(Mine(0.1, 0.0, clipvalue=1.0))
    model.fit([[3.0]], [0.0], verbose=0)
    close([np.ravel(w)[0] for w in model.get_weights()], [1.9, 0.4])


@pytest.mark.parametrize(
    "make",
    [lambda **bound: replace(SGD(), **bound), lambda **bound: optimizers.get(Mine(**bound))],
    ids=["ours", "users"],
)
@pytest.mark.parametrize(
    ("bound", "message"),
    [
        ({"clipnorm": 0}, "expected clipnorm to be a number > 0. Received: clipnorm=0."),
        ({"clipvalue": "1"}, "expected clipvalue to be a number > 0. Received: clipvalue='1'."),
        (
            {"global_clipnorm": -1.0},
            "expected global_clipnorm to be a number > 0. Received: global_clipnorm=-1.0.",
        ),
        (
            {"clipnorm": 1, "clipvalue": 2},
            "expected at most one kind of clipping. Received: clipnorm=1, clipvalue=2.",
        ),
        (
            {"learning_rate": "fast"},
            "expected learning_rate to be a number > 0 or a Schedule. Received: learning_rate='fast'.",
        ),
    ],
)
def test_bounds_are_checked(make, bound, message):
    with pytest.raises(ConfigError) as caught:
        make(**bound)
    assert str(caught.value).partition(": ")[2] == message
