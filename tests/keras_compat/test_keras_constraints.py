"""Constraints in training. Oracle: Keras, from the same weights, with the same batches."""

from __future__ import annotations

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ConfigError
from oracles import LOOSE, close, import_keras

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RNG = np.random.default_rng(7)
FLAT = RNG.normal(size=(16, 3)).astype(np.float32)
IMAGES = RNG.normal(size=(16, 4, 4, 2)).astype(np.float32)
SERIES = RNG.normal(size=(16, 3, 2)).astype(np.float32)
TOKENS = RNG.integers(0, 6, (16, 3))
Y = 3 * RNG.normal(size=(16, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def real():
    return import_keras()


def dense(k):
    limits = {"kernel_constraint": k.constraints.MaxNorm(0.8), "bias_constraint": k.constraints.NonNeg()}  # fmt: skip
    return FLAT, [k.layers.Dense(4, activation="tanh", **limits)]


def convolution(k):
    limit = k.constraints.UnitNorm(axis=[0, 1, 2])
    return IMAGES, [k.layers.Conv2D(2, 2, kernel_constraint=limit), k.layers.Flatten()]


def recurrent(k):
    limit = k.constraints.MinMaxNorm(0.5, 0.9, rate=0.7)
    limits = {"kernel_constraint": limit, "recurrent_constraint": "max_norm", "bias_constraint": "non_neg"}  # fmt: skip
    return SERIES, [k.layers.LSTM(3, **limits)]


def embedding(k):
    return TOKENS, [k.layers.Embedding(6, 2, embeddings_constraint="UnitNorm"), k.layers.Flatten()]


def normalization(k):
    limits = {"gamma_constraint": k.constraints.max_norm(1.01), "beta_constraint": k.constraints.non_neg()}  # fmt: skip
    kinds = [k.layers.BatchNormalization, k.layers.LayerNormalization]
    return FLAT, [*(kind(**limits) for kind in kinds), k.layers.GroupNormalization(-1, **limits)]


def separable(k):
    limit, shape = k.constraints.MaxNorm(0.2, axis=[0, 1]), (2, 2)
    limits = {"depthwise_constraint": limit, "bias_constraint": "non_neg"}
    penalty = {"depthwise_regularizer": k.regularizers.L2(0.1)}
    pointwise = {"pointwise_constraint": limit, "pointwise_regularizer": k.regularizers.L1(0.1)}
    layers = [
        k.layers.DepthwiseConv2D(shape, **limits, **penalty),
        k.layers.SeparableConv2D(3, shape, **limits, **penalty, **pointwise),
    ]
    return IMAGES, [*layers, k.layers.Flatten()]


def function(k):
    return FLAT, [k.layers.Dense(4, kernel_constraint=lambda w: k.ops.clip(w, -0.3, 0.3))]


@pytest.mark.live_keras
@pytest.mark.parametrize("build", [dense, convolution, recurrent, embedding, normalization, separable, function])  # fmt: skip
def test_trained_weights_are_kerass(real, build):
    """Three epochs of two batches; without the constraints, the weights would differ."""
    trained, start = [], None
    for k in (real, keras):
        x, layers = build(k)
        model = k.Sequential([k.layers.Input(x.shape[1:]), *layers, k.layers.Dense(1)])
        model.compile(k.optimizers.SGD(0.05), "mse")
        start = start or model.get_weights()
        model.set_weights(start)
        model.fit(x, Y, batch_size=8, epochs=3, shuffle=False, verbose=0)
        trained.append(model.get_weights())
    for theirs, ours in zip(*trained, strict=True):
        close(ours, theirs, LOOSE)


def test_names_and_refusals():
    assert keras.constraints.get("max_norm") == keras.constraints.MaxNorm()
    assert keras.constraints.get("MaxNorm") == keras.constraints.max_norm(2)
    assert keras.constraints.get(None) is None
    assert isinstance(keras.constraints.non_neg(), keras.constraints.Constraint)
    with pytest.raises(ConfigError, match=r"constraint: expected one of .*'max_norn'"):
        keras.layers.Dense(1, kernel_constraint="max_norn")
