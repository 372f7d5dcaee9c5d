import math

import numpy as np
import pytest

from glassnet import initializers
from glassnet.errors import ConfigError
from glassnet.initializers import INITIALIZERS, Constant, fans
from oracles import EXACT, FLOAT32, close, import_keras

SHAPES = {(784, 16): (784, 16), (3, 3, 16, 32): (144, 288), (5, 4, 8): (20, 40), (7,): (7, 7), (): (1, 1)}
# name: variance as scale / fan, by hand from the papers' formulas at fan_in = 144, fan_out = 288
VARIANCE = {
    "glorot_uniform": 2 / 432,
    "glorot_normal": 2 / 432,
    "he_uniform": 2 / 144,
    "he_normal": 2 / 144,
    "lecun_uniform": 1 / 144,
    "lecun_normal": 1 / 144,
}
FILLS = {"zeros": 0, "ones": 1, "constant": 0}


def test_every_initializer_is_tested():
    assert set(INITIALIZERS) == set(VARIANCE) | set(FILLS)


@pytest.mark.parametrize(("shape", "expected"), SHAPES.items())
def test_fans_by_hand_and_as_keras(shape, expected):
    assert fans(shape) == expected  # a kernel's last two axes times the axes before: 3 * 3 * 16 = 144, 3 * 3 * 32 = 288
    import_keras()
    from keras.src.initializers.random_initializers import compute_fans

    assert fans(shape) == compute_fans(shape)


@pytest.mark.parametrize("name", VARIANCE)
def test_the_distribution(name):
    shape = (3, 3, 16, 32)
    rng = np.random.default_rng(5)
    w = np.concatenate([INITIALIZERS[name]()(rng, shape).ravel() for _ in range(40)]).astype(np.float64)
    std = math.sqrt(VARIANCE[name])
    # 184,320 draws: the mean's error is std / 429, the standard deviation's at most std * 0.0017; bounds at five of these
    assert abs(w.mean()) < 5 * std / math.sqrt(w.size)
    assert abs(w.std() / std - 1) < 0.009
    # the support: sqrt(3) standard deviations for a uniform; 2 / 0.8796 = 2.2737 for a normal cut at +-2 and widened
    edge = std * (math.sqrt(3) if "uniform" in name else 2 / 0.87962566103423978)
    assert 0.995 * edge < np.abs(w).max() <= edge * (1 + FLOAT32)
    # the share within one of its standard deviations: 1 / sqrt(3); for the normal erf(0.8796 / sqrt(2)) / erf(2 / sqrt(2))
    inside = 1 / math.sqrt(3) if "uniform" in name else math.erf(0.87962566103423978 / math.sqrt(2)) / math.erf(math.sqrt(2))
    assert abs((np.abs(w) < std).mean() - inside) < 0.006


@pytest.mark.parametrize("name", VARIANCE)
def test_the_distribution_equals_keras(name):
    keras = import_keras()
    shape = (3, 3, 64, 64)  # 36,864 draws
    ours = np.sort(INITIALIZERS[name]()(np.random.default_rng(6), shape).ravel())
    theirs = np.sort(np.asarray(type(keras.initializers.get(name))(seed=7)(shape)).ravel())
    # two-sample Kolmogorov-Smirnov: the largest gap between the two distribution functions; 0.1% of fair pairs exceed 1.95 sqrt(2 / n)
    at = np.concatenate([ours, theirs])
    gap = np.abs(np.searchsorted(ours, at) - np.searchsorted(theirs, at)).max() / ours.size
    assert gap < 1.95 * math.sqrt(2 / ours.size)


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_float32_in_the_shape_and_the_same_from_the_same_seed(name, shape):
    first, second = (INITIALIZERS[name]()(np.random.default_rng(8), shape) for _ in range(2))
    assert isinstance(first, np.ndarray)
    assert (first.dtype, first.shape) == (np.float32, shape)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", FILLS)
def test_fills(name):
    close(INITIALIZERS[name]()(np.random.default_rng(0), (2, 3)), np.full((2, 3), FILLS[name]), tolerance=EXACT)


def test_constant():
    close(Constant(0.25)(np.random.default_rng(0), (2, 3)), np.full((2, 3), 0.25), tolerance=EXACT)
    with pytest.raises(ConfigError, match=r"^Constant: expected value to be a number\. Received: value='one'\.$"):
        Constant("one")


def test_get_and_value_identity():
    assert initializers.get("he_normal") == INITIALIZERS["he_normal"]()
    assert hash(Constant(2.0)) == hash(Constant(2.0))
    assert Constant(2.0) != Constant(3.0)
    given = Constant(2.0)
    assert initializers.get(given) is given
    with pytest.raises(ConfigError, match=r"^initializer: expected one of .* Did you mean 'glorot_uniform'\?$"):
        initializers.get("glorotuniform")
    with pytest.raises(ConfigError, match=r"^initializer: expected a name or an Initializer\. Received: initializer=0\.5\.$"):
        initializers.get(0.5)
