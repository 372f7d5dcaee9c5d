"""Every public loss keeps its contract. Oracle: the public checkers, which `test_testing.py` turns on broken parts."""

import numpy as np
import pytest

from glassnet.losses import LOSSES, BinaryCrossentropy, CategoricalCrossentropy, Huber, KLDivergence, Poisson
from glassnet.testing import check_loss


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
