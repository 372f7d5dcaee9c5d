"""Every public initializer passes `check_initializer`, which rejects one broken class per rule."""

import inspect
import itertools
from dataclasses import dataclass

import numpy as np
import pytest

from glassnet import initializers
from glassnet.errors import ConfigError, require
from glassnet.initializers import (
    INITIALIZERS,
    Constant,
    Identity,
    Initializer,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
)
from glassnet.testing import check_initializer

VARIANTS = [
    Constant(0.3),
    Identity(2.0),
    Orthogonal(gain=2.0),
    RandomNormal(1.0, 0.2),
    RandomUniform(-1, 2),
    TruncatedNormal(1.0, 0.2),
    VarianceScaling(2.0, "fan_out", "uniform"),
]


def test_every_public_initializer_is_checked():
    public = {
        one
        for one in vars(initializers).values()
        if inspect.isclass(one) and issubclass(one, Initializer)
    }
    assert set(INITIALIZERS.values()) == public - {Initializer}


@pytest.mark.parametrize(
    "initializer", [make() for make in INITIALIZERS.values()] + VARIANTS, ids=repr
)
def test_initializer(initializer):
    check_initializer(initializer)


@dataclass(frozen=True)
class Wide(Initializer):
    def __call__(self, rng, shape):
        return rng.normal(size=shape)


@dataclass(frozen=True)
class Turned(Initializer):
    def __call__(self, rng, shape):
        return rng.normal(size=shape[::-1]).astype(np.float32)


@dataclass(frozen=True)
class Endless(Initializer):
    def __call__(self, rng, shape):
        return np.full(shape, np.inf, np.float32)


@dataclass(frozen=True)
class Unseeded(Initializer):
    def __call__(self, rng, shape):
        return np.random.default_rng(next(COUNT)).normal(size=shape).astype(np.float32)


@dataclass(frozen=True)
class Reused(Initializer):
    def __call__(self, rng, shape):
        weights = BUFFERS.setdefault(shape, np.empty(shape, np.float32))
        weights[...] = rng.normal(size=shape)
        return weights


@dataclass(frozen=True)
class Refusing(Initializer):
    def __call__(self, rng, shape):
        require(len(shape) == 4, "Refusing", "weights of four axes", shape=shape)
        return rng.normal(size=shape).astype(np.float32)


class Inherited(Constant):
    pass


COUNT = itertools.count()
BUFFERS: dict[tuple[int, ...], np.ndarray] = {}
BROKEN = {
    Wide: r"Wide: expected a NumPy array of float32, \(6, 4\). Received: type='ndarray', dtype='float64'",
    Turned: r"Turned: expected a NumPy array of float32, \(6, 4\). .*shape=\(4, 6\)",
    Endless: r"Endless: expected finite weights. Received: shape=\(6, 4\)",
    Unseeded: "Unseeded: expected equal weights from equal seeds",
    Reused: "Reused: expected another call to leave the weights unchanged",
    Inherited: "Inherited: expected a frozen dataclass",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_the_check_catches(kind):
    with pytest.raises(AssertionError, match=BROKEN[kind]):
        check_initializer(kind())


def test_matrices_are_never_refused():
    text = r"^Refusing: expected weights of four axes\. Received: shape=\(6, 4\)\.$"
    with pytest.raises(ConfigError, match=text):
        check_initializer(Refusing())
