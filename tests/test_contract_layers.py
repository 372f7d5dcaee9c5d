"""Every public layer and activation keeps its contract. Oracle: the public checkers, which `test_testing.py` turns on broken parts."""

import numpy as np
import pytest

from glassnet import layers
from glassnet.activations import ACTIVATIONS
from glassnet.layers import (
    Activation,
    AlphaDropout,
    BatchNormalization,
    Composite,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Input,
    Layer,
    LayerNormalization,
    Maxout,
    Normalization,
    Parallel,
    Permute,
    PReLU,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
    RepeatVector,
    Rescaling,
    Reshape,
    Residual,
    TextVectorization,
    UnitNormalization,
)
from glassnet.regularizers import L1L2
from glassnet.testing import check_layer

EXAMPLES = [
    (Activation("tanh"), (4,)),
    (Activation("relu"), (3, 2)),
    (Activation("softmax"), (3, 2)),
    (AlphaDropout(0.4), (4,)),
    (AlphaDropout(0), (4,)),
    (AlphaDropout(0.0), (3, 2)),
    (BatchNormalization(), (4,)),
    (BatchNormalization(momentum=0.5, epsilon=0.1), (3, 2)),
    (BatchNormalization(center=False, scale=False), (4,)),
    (BatchNormalization(trainable=False), (4,)),
    (Dense(3), (4,)),
    (Dense(2, use_bias=False), (3, 4)),
    (Dense(3, activation="softmax", kernel_regularizer=L1L2(0.1, 0.2), bias_regularizer="l2", bias_initializer="ones"), (4,)),
    (Dense(3, activation="sigmoid", trainable=False), (4,)),
    (Dropout(0.4), (4,)),
    (Dropout(0), (4,)),
    (Dropout(0.0), (3, 2)),
    (Flatten(), (2, 3, 2)),
    (GaussianDropout(0.4), (4,)),
    (GaussianDropout(0.0), (3, 2)),
    (GaussianNoise(0.4), (4,)),
    (GaussianNoise(0.0), (3, 2)),
    (Input(4), (4,)),
    (LayerNormalization(), (4,)),
    (LayerNormalization(-1, 0.1, beta_initializer="ones", gamma_initializer="random_normal"), (3, 2)),
    (LayerNormalization((-2, -1)), (3, 2, 2)),
    (LayerNormalization(center=False, scale=False), (4,)),
    (LayerNormalization(trainable=False), (4,)),
    (Maxout(3), (4,)),
    (Maxout(2, pieces=3, use_bias=False), (3, 4)),
    (Maxout(3, kernel_regularizer=L1L2(0.1, 0.2), bias_regularizer="l2", bias_initializer="random_normal"), (4,)),
    (Maxout(2, 1, trainable=False), (4,)),
    (Normalization(), (4,)),
    (Normalization(axis=None).adapt(np.arange(12.0).reshape(4, 3)), (3,)),
    (Normalization().adapt(np.arange(24.0).reshape(4, 3, 2) ** 2), (3, 2)),
    (PReLU(), (4,)),
    (PReLU("random_normal", "l2", shared_axes=1), (3, 2)),
    (PReLU("ones", trainable=False, shared_axes=(1, 2)), (3, 2, 2)),
    (Parallel([Dense(3), [], [Dropout(0.3), Dense(2, activation="relu", kernel_regularizer="l2")]]), (4,)),
    (Parallel([BatchNormalization(), Residual(Dense(4))], "add"), (4,)),
    (Parallel([Dense(2), Dense(2, trainable=False)], "multiply"), (3, 4)),
    (Parallel([[RepeatVector(2), Flatten()], Dense(8)], "mean"), (4,)),
    (Permute((2, 1)), (2, 3)),
    (Permute((1, 3, 2)), (2, 3, 2)),
    (RandomBrightness(0.3, (-1, 2)), (3, 4, 2)),
    (RandomContrast(0.5, value_range=(-1, 2)), (3, 4, 2)),
    (RandomCrop(2, 3), (4, 5, 2)),
    (RandomFlip(), (3, 4, 2)),
    (RandomRotation(0.4), (3, 4, 2)),
    (RandomRotation(0.4, "constant", "nearest", 3.0), (4, 4, 1)),
    (RandomShear(0.4, 0.2, fill_mode="nearest"), (3, 4, 2)),
    (RandomTranslation(0.4, 0.3, fill_mode="wrap"), (3, 4, 2)),
    (RandomZoom(0.4), (3, 4, 2)),
    (RandomZoom((-0.4, 0.1), 0.2), (3, 4, 2)),
    (RepeatVector(3), (4,)),
    (Rescaling(1 / 255, -1), (2, 2)),
    (Reshape((2, 3)), (6,)),
    (Reshape((-1,)), (2, 3)),
    (Residual([Dense(3, activation="tanh"), BatchNormalization(), Dropout(0.3), Dense(4)]), (4,)),
    (Residual([BatchNormalization(), Dense(2, kernel_regularizer="l2")], trainable=False), (3, 2)),
    (Residual([Residual([LayerNormalization(), Dense(3), Dense(4)]), GaussianNoise(0.2)]), (4,)),
    (UnitNormalization(), (4,)),
    (UnitNormalization((-2, -1)), (3, 2)),
]


def test_every_public_layer_has_an_example():
    public = {getattr(layers, name) for name in layers.__all__} - {Layer, Composite, TextVectorization}
    assert public == {type(layer) for layer, _ in EXAMPLES}


@pytest.mark.parametrize(("layer", "shape"), EXAMPLES, ids=[f"{type(layer).__name__}{shape}" for layer, shape in EXAMPLES])
def test_layer(layer, shape):
    check_layer(layer, shape)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    check_layer(Activation(name), (3, 2))
