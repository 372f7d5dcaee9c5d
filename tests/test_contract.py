"""Every public layer, loss and optimizer keeps its contract. Oracle: the public checkers, which `test_testing.py` turns on broken parts."""

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
from glassnet.losses import LOSSES, BinaryCrossentropy, CategoricalCrossentropy, Huber, KLDivergence, Poisson
from glassnet.optimizers import OPTIMIZERS, SGD, Adadelta, Adagrad, Adam, AdamW, Lion, Nadam, RMSprop
from glassnet.regularizers import L1L2
from glassnet.testing import check_layer, check_loss, check_optimizer

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


def targets(loss, shape, rng):
    """Targets in each form that `loss` takes."""
    if isinstance(loss, KLDivergence):
        return [rng.dirichlet(np.ones(shape[-1]), shape[:-1])]
    if isinstance(loss, Poisson):
        return [rng.poisson(2.0, shape)]
    link = loss.link
    if link == "softmax":
        ids = rng.integers(0, shape[-1], shape[:-1])
        return [ids, np.eye(shape[-1])[ids]]
    return [rng.integers(0, 2, shape) if link == "sigmoid" else rng.normal(size=shape)]


LOSS_VARIANTS = [Huber(delta=0.3), BinaryCrossentropy(label_smoothing=0.2), CategoricalCrossentropy(label_smoothing=0.2)]


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 3)], ids=["rows", "sequences"])
@pytest.mark.parametrize("loss", [make() for make in dict.fromkeys(LOSSES.values())] + LOSS_VARIANTS, ids=repr)
def test_loss(loss, shape):
    rng = np.random.default_rng(4)
    z = rng.normal(size=shape)
    if isinstance(loss, KLDivergence | Poisson):  # of probabilities and rates, which are never negative: nor at +-1000, then
        z = 0.5 + 0.3 * np.tanh(z)
    for y in targets(loss, shape, rng):
        check_loss(loss, y, z)


VARIANTS = [
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.9, nesterov=True),
    RMSprop(0.01, momentum=0.9, centered=True),
    Adam(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3),
    Adam(0.01, amsgrad=True),
    AdamW(0.01, weight_decay=0.1, amsgrad=True),
    Nadam(0.01, beta_1=0.5),
    Adagrad(0.1, initial_accumulator_value=0.0),
    Adadelta(1.0, rho=0.5),
    Lion(0.001, beta_1=0.5),
]


@pytest.mark.parametrize("optimizer", [make() for make in OPTIMIZERS.values()] + VARIANTS, ids=repr)
def test_optimizer(optimizer):
    check_optimizer(optimizer)
