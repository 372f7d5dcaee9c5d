"""`keras.random`. Oracle: Keras on its JAX backend: the same seed, the same numbers."""

import inspect
import random as python_random

import jax
import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ConfigError
from oracles import EXACT, close, import_keras

X = np.arange(12, dtype=np.float32).reshape(4, 3)
CALLS = {
    "normal": ((2, 3),),
    "normal of a mean": ((4,), 5.0, 0.1),
    "uniform": ((3,),),
    "uniform in a range": ((3,), -2.0, 2.0),
    "randint": ((5,), 2, 9),
    "truncated_normal": ((6,), 1.0, 2.0),
    "categorical": (np.log(np.array([[0.2, 0.8], [0.5, 0.5]], np.float32)), 7),
    "dropout": (X, 0.5),
    "dropout of rows": (X, 0.5, (None, 1)),
    "dropout of nothing": (X, 0.0),
    "dropout of everything": (X, 1.0),
    "shuffle": (X,),
    "shuffle of columns": (X, 1),
    "gamma": ((3,), 2.0),
    "beta": ((3,), 2.0, 0.5),
    "binomial": ((3,), 10, 0.3),
}


@pytest.fixture(scope="module")
def real():
    return import_keras()


@pytest.mark.live_keras
@pytest.mark.parametrize("name", CALLS)
def test_numbers_of_a_seed(real, name):
    function = name.partition(" ")[0]
    ours, theirs = (getattr(k.random, function)(*CALLS[name], seed=1337) for k in (keras, real))
    assert ours.dtype == np.asarray(theirs).dtype
    close(ours.numpy(), theirs, EXACT)


@pytest.mark.live_keras
def test_numbers_of_a_seed_generator(real):
    """A generator counts, so that its second numbers are others."""
    draws = []
    for k in (keras, real):
        generator = k.random.SeedGenerator(3)
        draws.append([np.asarray(k.random.normal((2,), seed=generator)) for _ in range(3)])
    close(draws[0], draws[1], EXACT)
    assert len(np.unique(draws[0])) == 6


@pytest.mark.live_keras
def test_numbers_without_a_seed(real):
    """They depend on `set_random_seed`, and the second numbers are others."""
    draws = []
    for k in (keras, real, keras):
        k.utils.set_random_seed(11)
        draws.append([np.asarray(k.random.uniform((2,))) for _ in range(3)])
    close(draws[0], draws[1], EXACT)
    close(draws[0], draws[2], EXACT)
    assert len(np.unique(draws[0])) == 6


@pytest.mark.live_keras
def test_parameters_are_those_of_keras(real):
    for name in keras.random.__all__:
        ours, theirs = (inspect.signature(getattr(k.random, name)) for k in (keras, real))
        wanted = [(p.name, p.default) for p in theirs.parameters.values() if p.name != "kwargs"]
        assert [(p.name, p.default) for p in ours.parameters.values()] == wanted


def test_numbers_in_a_compiled_function():
    """Oracle: the same call outside of it."""
    compiled = jax.jit(lambda x: x + keras.random.normal((3,), seed=2))
    close(compiled(np.zeros(3)), keras.random.normal((3,), seed=2))


def test_seeds():
    python_random.seed(4)
    drawn = keras.random.SeedGenerator()
    python_random.seed(4)
    assert drawn.state.tolist() == [python_random.randint(1, 10**9), 0]
    with pytest.raises(ConfigError, match=r"an int from 0 to below 2\*\*32"):
        keras.random.normal((2,), seed=-1)
    with pytest.raises(ConfigError, match="Received: seed='a'"):
        keras.random.SeedGenerator("a")
