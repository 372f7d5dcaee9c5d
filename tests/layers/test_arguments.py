"""Equality, names, formulas and error messages of layers."""

import functools

import numpy as np
import pytest

from glassnet.errors import ConfigError, DataError
from glassnet.initializers import Zeros
from glassnet.layers import (
    Activation,
    AlphaDropout,
    BatchNormalization,
    Dense,
    Dropout,
    GaussianNoise,
    Input,
    LayerNormalization,
    Maxout,
    Normalization,
    Permute,
    PReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    UnitNormalization,
)
from glassnet.regularizers import L2
from oracles import EXACT


def test_layers_say_what_they_are():
    assert Input(3) == Input((3,))
    assert Reshape(6) == Reshape([6])
    assert Permute([2, 1]) == Permute((2, 1))
    assert LayerNormalization(-1) == LayerNormalization([-1]) == LayerNormalization(np.array([-1]))
    assert UnitNormalization([-1, -2]) == UnitNormalization((-2, -1)) != UnitNormalization()
    assert (
        PReLU(shared_axes=[2, 1])
        == PReLU("zeros", shared_axes=(1, 2))
        != PReLU(shared_axes=1)
        == PReLU(shared_axes=(1,))
    )
    assert Maxout(2, kernel_regularizer="l2") == Maxout(2, kernel_regularizer=L2(0.01))
    assert Dense(3, name="a") == Dense(3, name="b") != Dense(3, trainable=False)
    assert Dense(2, kernel_initializer="zeros") == Dense(2, kernel_initializer=Zeros())
    assert [link.name for link in Dense(2, activation="relu", name="d").unfold()] == ["d", "d.relu"]
    assert len(Dense(2, activation="linear").unfold()) == 1
    assert Input(3).unfold() == ()


def identical(x):
    return x


def test_a_function_as_activation_is_named_after_itself():
    assert Dense(2, activation=identical, name="d").unfold()[1].name == "d.identical"
    assert (
        Dense(2, activation=functools.partial(identical), name="d").unfold()[1].name
        == "d.activation"
    )
    np.testing.assert_allclose(
        Activation(identical)({}, np.arange(3.0)), np.arange(3.0), rtol=EXACT
    )


FORMULAS = {
    GaussianNoise(0.5): "y = x + 0.5 N(0, 1), in training only",
    LayerNormalization(): "y = gamma (x - mean) / sqrt(variance + epsilon) + beta, for each row",
    LayerNormalization(
        scale=False
    ): "y = (x - mean) / sqrt(variance + epsilon) + beta, for each row",
    BatchNormalization(center=False): "y = gamma (x - mean) / sqrt(variance + epsilon)",
    Maxout(2): "y = max_k (x W_k + b_k)",
    Maxout(2, use_bias=False): "y = max_k (x W_k)",
    PReLU(): "y = max(x, 0) + alpha min(x, 0)",
    Permute((2, 1)): "axes in the order 2, 1",
    RepeatVector(3): "y_t = x, t = 1..3",
    UnitNormalization(): "y = x / sqrt(sum x^2)",
}


@pytest.mark.parametrize(
    ("layer", "formula"), FORMULAS.items(), ids=lambda value: type(value).__name__
)
def test_what_a_layer_computes_in_words(layer, formula):
    assert layer.formula() == formula


def start(layer, shape):
    return layer.init(np.random.default_rng(0), shape)


WRONG = {
    "Dense: expected units to be an int >= 1. Received: units=-3.": lambda: Dense(-3),
    "Dense: expected units to be an int >= 1. Received: units=0.": lambda: Dense(0),
    "Dense: expected units to be an int >= 1. Received: units=2.5.": lambda: Dense(2.5),
    "Dense: expected units to be an int >= 1. Received: units=True.": lambda: Dense(True),
    "Did you mean 'relu'?": lambda: Dense(2, activation="rellu"),
    "Did you mean 'tanh'?": lambda: Activation("tan"),
    "expected a name or a function. Received: activation=3.": lambda: Activation(3),
    "Did you mean 'zeros'?": lambda: Dense(2, kernel_initializer="zeroes"),
    "expected a name or an Initializer. Received: initializer=0.": lambda: Dense(
        2, bias_initializer=0
    ),
    "Did you mean 'l2'?": lambda: Dense(2, kernel_regularizer="l22"),
    "expected a name, a Regularizer, a function of the weights, or None. Received: regularizer=0.1.": lambda: (
        Dense(2, bias_regularizer=0.1)
    ),
    "Dropout: expected rate from 0 to below 1 (the fraction zeroed). Received: rate=1. A rate of 1 would zero": lambda: (
        Dropout(1)
    ),
    "Dropout: expected rate from 0 to below 1 (the fraction zeroed). Received: rate=-0.1.": lambda: (
        Dropout(-0.1)
    ),
    "Dropout: expected rate from 0 to below 1 (the fraction zeroed). Received: rate='half'.": lambda: (
        Dropout("half")
    ),
    "GaussianNoise: expected stddev to be a number >= 0. Received: stddev=-0.1.": lambda: (
        GaussianNoise(-0.1)
    ),
    "GaussianNoise: expected stddev to be a number >= 0. Received: stddev='loud'.": lambda: (
        GaussianNoise("loud")
    ),
    "Rescaling: expected scale and offset to be numbers. Received: scale='1/255', offset=0.0.": lambda: (
        Rescaling("1/255")
    ),
    "Rescaling: expected scale and offset to be numbers. Received: scale=1.0, offset=None.": lambda: (
        Rescaling(1.0, None)
    ),
    "Normalization: expected axis to be None or ints other than 0, which is the batch. Received: axis=0.": lambda: (
        Normalization(axis=0)
    ),
    "Normalization: expected axis to be None or ints other than 0, which is the batch. Received: axis='rows'.": lambda: (
        Normalization(axis="rows")
    ),
    "Normalization: expected axes from 1 to 1, or counted from the back. Received: axis=2.": lambda: (
        Normalization(axis=2).init_state((3,))
    ),
    "Normalization: expected both mean and variance, or none of them. Received: mean=3.0, variance=None.": lambda: (
        Normalization(mean=3.0)
    ),
    "Normalization: expected mean and variance of one shape, with at most 1 axes, variance >= 0. Received: mean=[1.0, 2.0], variance=3.0.": lambda: (
        Normalization(mean=[1.0, 2.0], variance=3.0)
    ),
    "Normalization: expected mean and variance of one shape, with at most 1 axes, variance >= 0. Received: mean=1.0, variance=-3.0.": lambda: (
        Normalization(mean=1.0, variance=-3.0)
    ),
    "Normalization: expected mean to be finite numbers. Received: mean='big'.": lambda: (
        Normalization(mean="big", variance=1.0)
    ),
    "Normalization: expected a mean and a variance for 3 columns. Received: shape=(2,).": lambda: (
        Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0]).init_state((3,))
    ),
    "Normalization: expected invert to be a bool. Received: invert='yes'.": lambda: Normalization(
        invert="yes"
    ),
    "adapt: expected a layer without a mean. Received: mean=3.0. Leave mean and variance out": lambda: (
        Normalization(mean=3.0, variance=1.0).adapt(np.ones((2, 1)))
    ),
    "Normalization: expected at least one row to learn from. Received: rows=0.": lambda: (
        Normalization().adapt(iter(()))
    ),
    "Dropout: expected noise_shape to be None or a list of ints >= 1 and None, the batch first. Received: noise_shape=3.": lambda: (
        Dropout(0.5, 3)
    ),
    "AlphaDropout: expected noise_shape to be None or a list of ints >= 1 and None, the batch first. Received: noise_shape=(None, 0).": lambda: (
        AlphaDropout(0.5, (None, 0))
    ),
    "Dropout: expected noise_shape to fit examples of (4,), with None or 1 along an axis. Received: noise_shape=(None, 3).": lambda: (
        Dropout(0.5, (None, 3)).init(None, (4,))
    ),
    "Dropout: expected noise_shape to fit examples of (4, 2), with None or 1 along an axis. Received: noise_shape=(None, 1).": lambda: (
        Dropout(0.5, (None, 1)).init(None, (4, 2))
    ),
    "Normalization: expected at least one row to learn from. Received: shape=(0, 3).": lambda: (
        Normalization().adapt(np.zeros((0, 3)))
    ),
    "BatchNormalization: expected momentum from 0 to below 1. Received: momentum=1.": lambda: (
        BatchNormalization(momentum=1)
    ),
    "BatchNormalization: expected momentum from 0 to below 1. Received: momentum=-0.5.": lambda: (
        BatchNormalization(momentum=-0.5)
    ),
    "BatchNormalization: expected epsilon to be a number > 0. Received: epsilon=0.": lambda: (
        BatchNormalization(epsilon=0)
    ),
    "axis to be -1 or the last axes, as (-2, -1). Received: axis=1. The batch is axis 0. Count from the back: axis=-1.": lambda: (
        LayerNormalization(axis=1)
    ),
    "LayerNormalization: expected axis to be -1 or the last axes, as (-2, -1). Received: axis=[1, 2]. The batch is axis 0. Count from": (
        lambda: LayerNormalization(axis=[1, 2])
    ),
    "UnitNormalization: expected axis to be an int or ints other than 0, which is the batch. Received: axis=(0, 1).": lambda: (
        UnitNormalization((0, 1))
    ),
    "UnitNormalization: expected axis to be an int or ints other than 0, which is the batch. Received: axis=().": lambda: (
        UnitNormalization(())
    ),
    "UnitNormalization: expected axis to be an int or ints other than 0, which is the batch. Received: axis=None.": lambda: (
        UnitNormalization(None)
    ),
    "LayerNormalization: expected epsilon to be a number > 0. Received: epsilon=0.": lambda: (
        LayerNormalization(epsilon=0)
    ),
    "LayerNormalization: expected an input of at least 2 axes. Received: input_shape=(4,).": lambda: (
        start(LayerNormalization((-2, -1)), (4,))
    ),
    "UnitNormalization: expected different axes from 1 to 1, or counted from the back. Received: axis=(-2, -1).": lambda: (
        start(UnitNormalization((-2, -1)), (4,))
    ),
    "UnitNormalization: expected different axes from 1 to 2, or counted from the back. Received: axis=(-1, 2).": lambda: (
        start(UnitNormalization((-1, 2)), (3, 4))
    ),
    "unit: expected different axes from 1 to 1, or counted from the back. Received: axis=(2,).": lambda: (
        start(UnitNormalization(2, name="unit"), (4,))
    ),
    "ln: expected an input of at least 2 axes": lambda: start(
        LayerNormalization((-2, -1), name="ln"), (4,)
    ),
    "expected a name or an Initializer. Received: initializer=1.": lambda: LayerNormalization(
        gamma_initializer=1
    ),
    "Maxout: expected units to be an int >= 1. Received: units=0.": lambda: Maxout(0),
    "Maxout: expected pieces to be an int >= 1. Received: pieces=1.5.": lambda: Maxout(3, 1.5),
    "Did you mean 'he_normal'?": lambda: Maxout(2, kernel_initializer="he_norm"),
    "PReLU: expected shared_axes to be ints >= 1. Received: shared_axes=0.": lambda: PReLU(
        shared_axes=0
    ),
    "PReLU: expected shared_axes to be ints >= 1. Received: shared_axes=[-1].": lambda: PReLU(
        shared_axes=[-1]
    ),
    "PReLU: expected shared_axes from 1 to 2. Received: shared_axes=(1, 3), input_shape=(4, 5).": (
        lambda: start(PReLU(shared_axes=(3, 1)), (4, 5))
    ),
    "Did you mean 'l1'?": lambda: PReLU(alpha_regularizer="l11"),
    "Permute: expected dims to be every axis once, counted from 1, as (2, 1). Received: dims=(0, 1).": lambda: (
        Permute((0, 1))
    ),
    "Permute: expected dims to be every axis once, counted from 1, as (2, 1). Received: dims=(1, 1).": lambda: (
        Permute((1, 1))
    ),
    "Permute: expected dims to be every axis once, counted from 1, as (2, 1). Received: dims=2.": lambda: (
        Permute(2)
    ),
    "Permute: expected dims to be every axis once, counted from 1, as (2, 1). Received: dims=().": lambda: (
        Permute(())
    ),
    "Permute: expected dims to be every axis once, counted from 1, as (2, 1). Received: dims=None.": lambda: (
        Permute(None)
    ),
    "Permute: expected an input of 2 axes. Received: input_shape=(2, 3, 4).": lambda: start(
        Permute((2, 1)), (2, 3, 4)
    ),
    "RepeatVector: expected n to be an int >= 1. Received: n=0.": lambda: RepeatVector(0),
    "RepeatVector: expected n to be an int >= 1. Received: n=2.0.": lambda: RepeatVector(2.0),
    "RepeatVector: expected an input of one axis, (features,). Received: input_shape=(2, 3). Put Flatten() before it.": (
        lambda: start(RepeatVector(2), (2, 3))
    ),
    "Input: expected shape to be ints >= 1, or None for an unknown size. Received: shape=().": lambda: (
        Input(())
    ),
    "Input: expected shape to be ints >= 1, or None for an unknown size. Received: shape=0.": lambda: (
        Input(0)
    ),
    "Input: expected shape to be ints >= 1, or None for an unknown size. Received: shape=(28, -1).": lambda: (
        Input((28, -1))
    ),
    "Input: expected shape to be ints >= 1, or None for an unknown size. Received: shape=None.": lambda: (
        Input(None)
    ),
    "Input: expected shape to be ints >= 1, or None for an unknown size. Received: shape=2.5.": lambda: (
        Input(2.5)
    ),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=None.": lambda: (
        Reshape(None)
    ),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=().": lambda: (
        Reshape(())
    ),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=(-1, -1).": lambda: (
        Reshape((-1, -1))
    ),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=(2, 0).": lambda: (
        Reshape((2, 0))
    ),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=(2, 1.5).": lambda: (
        Reshape((2, 1.5))
    ),
}


@pytest.mark.parametrize("says", WRONG)
def test_a_wrong_argument_is_told(says):
    with pytest.raises((ConfigError, DataError)) as caught:
        WRONG[says]()
    assert says in str(caught.value)
