"""Every public layer and activation keeps its contract. Oracle: the public checkers, which `test_testing.py` turns on broken parts."""

import numpy as np
import pytest

from glassnet import layers
from glassnet.activations import ACTIVATIONS
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Dense,
    Dropout,
    Flatten,
    Input,
    Layer,
    Normalization,
    Rescaling,
    Reshape,
)
from glassnet.regularizers import L1L2
from glassnet.testing import check_layer

EXAMPLES = [
    (Activation("tanh"), (4,)),
    (Activation("relu"), (3, 2)),
    (Activation("softmax"), (3, 2)),
    (BatchNormalization(), (4,)),
    (BatchNormalization(momentum=0.5, epsilon=0.1), (3, 2)),
    (BatchNormalization(center=False, scale=False), (4,)),
    (BatchNormalization(trainable=False), (4,)),
    (Dense(3), (4,)),
    (Dense(2, use_bias=False), (3, 4)),
    (Dense(3, activation="softmax", kernel_regularizer=L1L2(0.1, 0.2), bias_regularizer="l2", bias_initializer="ones"), (4,)),
    (Dense(3, activation="sigmoid", trainable=False), (4,)),
    (Dropout(0.4), (4,)),
    (Dropout(0.0), (3, 2)),
    (Flatten(), (2, 3, 2)),
    (Input(4), (4,)),
    (Normalization(), (4,)),
    (Normalization(axis=None).adapt(np.arange(12.0).reshape(4, 3)), (3,)),
    (Normalization().adapt(np.arange(24.0).reshape(4, 3, 2) ** 2), (3, 2)),
    (Rescaling(1 / 255, -1), (2, 2)),
    (Reshape((2, 3)), (6,)),
    (Reshape((-1,)), (2, 3)),
]


def test_every_public_layer_has_an_example():
    public = {getattr(layers, name) for name in layers.__all__} - {Layer}
    assert public == {type(layer) for layer, _ in EXAMPLES}


@pytest.mark.parametrize(("layer", "shape"), EXAMPLES, ids=[f"{type(layer).__name__}{shape}" for layer, shape in EXAMPLES])
def test_layer(layer, shape):
    check_layer(layer, shape)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    check_layer(Activation(name), (3, 2))
