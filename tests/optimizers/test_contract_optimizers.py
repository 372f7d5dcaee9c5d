"""Tests of every public optimizer with `check_optimizer`, which `test_testing_parts.py` tests."""

import pytest

from glassnet.optimizers import (
    OPTIMIZERS,
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    RMSprop,
)
from glassnet.testing import check_optimizer

VARIANTS = [
    SGD(0.1, momentum=0.9),
    SGD(0.1, momentum=0.9, nesterov=True),
    RMSprop(0.01, momentum=0.9, centered=True),
    Adam(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3),
    Adam(0.01, amsgrad=True),
    AdamW(0.01, weight_decay=0.1, amsgrad=True),
    Adamax(0.01, beta_1=0.5),
    Nadam(0.01, beta_1=0.5),
    Adagrad(0.1, initial_accumulator_value=0.0),
    Adadelta(1.0, rho=0.5),
    Lion(0.001, beta_1=0.5),
    SGD(0.1, clipnorm=0.5),
    Adam(0.01, clipvalue=0.1),
    Nadam(0.01, global_clipnorm=0.01),
]


@pytest.mark.parametrize("optimizer", [make() for make in OPTIMIZERS.values()] + VARIANTS, ids=repr)
def test_optimizer(optimizer):
    check_optimizer(optimizer)
