"""Constraints of weights, in the core. Oracles: arithmetic, Keras, and models without them."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet import constraints
from glassnet.constraints import CONSTRAINTS, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from glassnet.engine import network
from glassnet.errors import ConfigError, ModelFileError
from glassnet.testing import check_layer
from oracles import FLOAT32, close, import_keras

W = np.array([[3.0, 0.3], [-4.0, 0.4]], np.float32)
"""Its columns have the lengths 5 and 0.5."""


def test_by_hand():
    close(MaxNorm(1.0)(W), [[0.6, 0.3], [-0.8, 0.4]])
    close(MaxNorm(1.0, axis=(0, 1))(W), W / np.sqrt(25.25))
    close(NonNeg()(W), [[3.0, 0.3], [0.0, 0.4]])
    close(UnitNorm()(W), [[0.6, 0.6], [-0.8, 0.8]])
    close(MinMaxNorm(1.0, 2.0)(W), [[1.2, 0.6], [-1.6, 0.8]])
    close(MinMaxNorm(1.0, 2.0, rate=0.5)(W), W * [3.5 / 5, 0.75 / 0.5])
    close(UnitNorm(axis=1)(np.zeros((2, 2))), np.zeros((2, 2)))


@pytest.mark.live_keras
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_values_are_kerass(name):
    w = np.random.default_rng(0).normal(size=(3, 2, 4)).astype(np.float32)
    ours = CONSTRAINTS[name]
    fields = {key: list(v) if isinstance(v, tuple) else v for key, v in vars(ours).items()}
    theirs = getattr(import_keras().constraints, type(ours).__name__)
    close(ours(w), theirs(**fields)(w))
    if "axis" in fields:
        axes = type(ours)(axis=[0, 1])
        close(axes(w), theirs(axis=[0, 1])(w))
        assert axes.axis == (0, 1)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: MaxNorm(-1.0), r"MaxNorm: expected max_value to be a number >= 0"),
        (lambda: MinMaxNorm(rate=2.0), r"MinMaxNorm: expected rate to be from 0 to 1"),
        (lambda: UnitNorm(axis="rows"), r"UnitNorm: expected axis to be an int, or several"),
        (lambda: UnitNorm(axis=()), r"UnitNorm: expected axis to be an int, or several"),
        (lambda: constraints.get("max_nrm"), r"Did you mean 'max_norm'"),
        (
            lambda: constraints.get(MaxNorm),
            r"a function of the weights, or None.*Write MaxNorm\(\)",
        ),
        (lambda: gn.layers.Dense(1, kernel_constraint=3), r"constraint: expected a name, a Const"),
    ],
)
def test_wrong_arguments_are_refused(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


def halve(w):
    return w / 2


LAYERS = [
    gn.layers.Dense(2, kernel_constraint="max_norm", bias_constraint="non_neg"),
    gn.layers.BatchNormalization(gamma_constraint="non_neg", beta_constraint=halve),
    gn.layers.PReLU(alpha_constraint="non_neg"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_layers_with_constraints_follow_the_contract(layer):
    check_layer(layer, (3,))


def test_one_step_by_hand():
    """Loss (w - 5)^2 at w = 1: the step of SGD is 0.5 * 2 * 4 = 4, to 5, which becomes 2."""
    layer = gn.layers.Dense(
        1, use_bias=False, kernel_initializer="ones", kernel_constraint=MaxNorm(2.0)
    )
    model = gn.Sequential([layer], seed=0)
    model.compile(gn.optimizers.SGD(0.5), "mse")
    model.fit([[1.0]], [[5.0]], verbose=0)
    close(model.params["dense_1"]["kernel"], [[2.0]])


def test_frozen_layers_and_layers_without_constraints_stay_as_they_are():
    layers = (
        gn.layers.Dense(2, kernel_constraint="unit_norm", trainable=False),
        gn.layers.Residual([gn.layers.Dense(2, kernel_constraint=halve), gn.layers.Dense(2)]),
    )
    params = ({"kernel": W}, ({"kernel": W, "bias": W[0]}, {"kernel": W}))
    trainable, _ = network.split(layers, params)
    first, (constrained, free) = network.constrain(layers, trainable)
    assert first is None
    close(constrained["kernel"], W / 2)
    assert constrained["bias"] is params[1][0]["bias"]
    assert free["kernel"] is W
    plain = (gn.layers.Dense(2),)
    after = network.constrain(plain, params[:1])
    assert all(a is b for a, b in zip(jax.tree.leaves(after), [W], strict=True))


def test_trace_shows_the_constrained_step(tmp_path):
    """What `trace` predicts for a step is what `fit` then does."""
    layer = gn.layers.Dense(1, kernel_constraint="unit_norm", kernel_initializer="ones")
    model = gn.Sequential([layer], seed=0)
    model.compile(gn.optimizers.SGD(0.1), "mse")
    x, y = np.array([[1.0, 2.0], [0.5, -1.0]]), np.array([[1.0], [2.0]])
    model.fit(x, y, verbose=0, epochs=0)
    update = model.trace(x, y, training=True)["dense_1"].update["kernel"]
    before = model.params["dense_1"]["kernel"]
    model.trace(x, y, training=True).animate(tmp_path / "step.html")
    page = (tmp_path / "step.html").read_text(encoding="utf-8")
    assert "w + the step of SGD at rate 0.1 and of the constraints" in page
    model.fit(x, y, verbose=0, batch_size=2)
    after = model.params["dense_1"]["kernel"]
    close(np.linalg.norm(after), 1.0)
    close(before + np.asarray(update), after)


def test_a_file_holds_constraints(tmp_path):
    path = tmp_path / "model.glassnet"
    layer = gn.layers.Dense(2, kernel_constraint=MaxNorm(0.5, axis=[0]), bias_constraint=halve)
    model = gn.Sequential([layer], seed=0)
    model.compile("sgd", "mse")
    x, y = np.random.default_rng(0).normal(size=(2, 8, 2))
    model.fit(x, y, verbose=0)
    model.save(path)
    with pytest.raises(ModelFileError, match="halve"):
        gn.load(path)
    twin = gn.load(path, {"halve": halve})
    assert twin.layers[0].layer == layer
    for each in (model, twin):
        each.fit(x, y, epochs=2, verbose=0)
    close(model.get_weights()[0], twin.get_weights()[0], 0.0)


def test_a_regularizer_can_be_a_function():
    """Oracle: L2 with the same factor."""

    def squares(w):
        return 0.1 * (w**2).sum()

    losses = []
    for penalty in (squares, gn.regularizers.L2(0.1)):
        model = gn.Sequential([gn.layers.Dense(1, kernel_regularizer=penalty)], seed=0)
        model.compile("sgd", "mse")
        history = model.fit(W, W[:, :1], epochs=3, verbose=0)
        losses.append(history.history["loss"])
    close(losses[0], losses[1], FLOAT32)


def test_depthwise_and_separable_kernels_have_their_fields():
    depthwise = gn.layers.DepthwiseConv2D(2, depthwise_constraint=halve)
    separable = gn.layers.SeparableConv2D(2, 2, depthwise_constraint=halve, pointwise_constraint=NonNeg())  # fmt: skip
    params = {"depthwise_kernel": W, "pointwise_kernel": W, "bias": W[0]}
    kernels = network.constrain((depthwise, separable), ({"kernel": W, "bias": W[0]}, params))
    close(kernels[0]["kernel"], W / 2)
    close(kernels[1]["depthwise_kernel"], W / 2)
    close(kernels[1]["pointwise_kernel"], np.maximum(W, 0))
    assert kernels[1]["bias"] is params["bias"]
