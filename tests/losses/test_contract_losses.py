"""Tests of every public loss with `check_loss`, which `test_testing_parts.py` tests."""

import jax
import numpy as np
import pytest

from glassnet import losses
from glassnet.losses import (
    LOSSES,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalHinge,
    Crossentropy,
    FunctionLoss,
    Huber,
    KLDivergence,
    Loss,
    MeanSquaredLogarithmicError,
    Poisson,
)
from glassnet.testing import check_loss
from oracles import named

pytestmark = pytest.mark.slow


def targets(loss, shape, rng):
    """Return targets in each form that `loss` accepts."""
    if isinstance(loss, KLDivergence):
        return [rng.dirichlet(np.ones(shape[-1]), shape[:-1])]
    if isinstance(loss, MeanSquaredLogarithmicError):
        return [rng.uniform(0.1, 3, shape)]
    if isinstance(loss, CategoricalHinge):
        return [np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]]
    if isinstance(loss, Poisson):
        return [rng.poisson(2.0, shape)]
    activation = loss.output_activation
    if activation == "softmax":
        ids = rng.integers(0, shape[-1], shape[:-1])
        return [ids, np.eye(shape[-1])[ids]]
    return [rng.integers(0, 2, shape) if activation == "sigmoid" else rng.normal(size=shape)]


def cubed(y, out):
    return abs(y - out) ** 3


LOSS_VARIANTS = [
    Huber(delta=0.3),
    BinaryCrossentropy(label_smoothing=0.2),
    BinaryFocalCrossentropy(True, 0.3, 0.5, label_smoothing=0.2),
    BinaryFocalCrossentropy(gamma=0.0),
    BinaryFocalCrossentropy(gamma=0.3),
    CategoricalCrossentropy(label_smoothing=0.2),
    CategoricalFocalCrossentropy([0.1, 0.5, 2.0], 0.5, label_smoothing=0.2),
    CategoricalFocalCrossentropy(gamma=0.0),
    CategoricalFocalCrossentropy(gamma=0.3),
    FunctionLoss(cubed),
]


def test_every_public_loss_is_checked():
    named = {
        getattr(losses, name) for name in losses.__all__ if isinstance(getattr(losses, name), type)
    }
    assert named - {Loss, Crossentropy} == {*LOSSES.values(), FunctionLoss}


EVERY = [make() for make in dict.fromkeys(LOSSES.values())] + LOSS_VARIANTS


@pytest.mark.parametrize("shape", [(5, 3), (5, 2, 3)], ids=["rows", "sequences"])
@pytest.mark.parametrize("loss", EVERY, ids=named)
def test_loss(loss, shape):
    rng = np.random.default_rng(4)
    z = rng.normal(size=shape)
    if isinstance(loss, KLDivergence | Poisson | MeanSquaredLogarithmicError):
        z = 0.5 + 0.3 * np.tanh(z)  # these losses take no negative numbers
    for y in targets(loss, shape, rng):
        check_loss(loss, y, z)


@pytest.mark.parametrize(
    "loss", [loss for loss in EVERY if getattr(loss, "gamma", 1) > 0], ids=named
)
def test_the_slope_is_p_minus_y_where_the_loss_says_so(loss):
    """Compare `jax.grad` at z with p - y, or (p - y) / K for the mean over K sigmoids."""
    z, y = np.float32([[0.3, -1.2, 2.0]]), np.float32([[0, 0, 1]])
    slope = jax.grad(lambda z: loss.unreduced(y, z)[0])(z)
    p = {"softmax": jax.nn.softmax, "sigmoid": lambda z: jax.nn.sigmoid(z)}.get(
        loss.output_activation, lambda z: z
    )(z)
    error = (p - y) / (3 if loss.output_activation == "sigmoid" else 1)
    assert loss.gradient_is_error == (
        loss.output_activation is not None and bool(np.abs(slope - error).max() < 1e-5)
    )
