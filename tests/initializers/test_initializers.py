import math

import numpy as np
import pytest

from glassnet import initializers
from glassnet.errors import ConfigError
from glassnet.initializers import (
    INITIALIZERS,
    Constant,
    Identity,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    VarianceScaling,
    fans,
)
from oracles import EXACT, FLOAT32, close

SHAPES = {
    (784, 16): (784, 16),
    (3, 3, 16, 32): (144, 288),
    (5, 4, 8): (20, 40),
    (7,): (7, 7),
    (): (1, 1),
}
# name: variance as scale / fan, by hand from the papers' formulas at fan_in = 144, fan_out = 288
VARIANCE = {
    "glorot_uniform": 2 / 432,
    "glorot_normal": 2 / 432,
    "he_uniform": 2 / 144,
    "he_normal": 2 / 144,
    "lecun_uniform": 1 / 144,
    "lecun_normal": 1 / 144,
    "variance_scaling": 1 / 144,
}
PLAIN = {
    "random_normal": 0.05,
    "random_uniform": 0.1 / math.sqrt(12),
    "truncated_normal": 0.05 * 0.87962566103423978,
}  # standard deviations
FILLS = {"zeros": 0, "ones": 1, "constant": 0}


def test_every_initializer_is_tested():
    assert set(INITIALIZERS) == set(VARIANCE) | set(PLAIN) | set(FILLS) | {"orthogonal", "identity"}


@pytest.mark.parametrize(("shape", "expected"), SHAPES.items())
def test_fans_by_hand_and_as_keras(recorded, shape, expected):
    assert (
        fans(shape) == expected
    )  # the last two axes times the axes before: 3 * 3 * 16 = 144, 3 * 3 * 32 = 288

    def live(keras, shape):
        from keras.src.initializers.random_initializers import compute_fans

        return compute_fans(shape)

    assert list(fans(shape)) == recorded(live, shape)


@pytest.mark.parametrize("name", VARIANCE)
def test_the_distribution(name):
    shape = (3, 3, 16, 32)
    rng = np.random.default_rng(5)
    w = np.concatenate([INITIALIZERS[name]()(rng, shape).ravel() for _ in range(40)]).astype(
        np.float64
    )
    std = math.sqrt(VARIANCE[name])
    # 184,320 draws: the mean's error is std / 429, the standard deviation's at most std * 0.0017;
    # bounds at five of these
    assert abs(w.mean()) < 5 * std / math.sqrt(w.size)
    assert abs(w.std() / std - 1) < 0.009
    # the support: sqrt(3) standard deviations for a uniform; 2 / 0.8796 = 2.2737 for a normal
    # truncated at +-2 and rescaled
    edge = std * (math.sqrt(3) if "uniform" in name else 2 / 0.87962566103423978)
    assert 0.995 * edge < np.abs(w).max() <= edge * (1 + FLOAT32)
    # the share within one of its standard deviations: 1 / sqrt(3); for the normal erf(0.8796 /
    # sqrt(2)) / erf(2 / sqrt(2))
    inside = (
        1 / math.sqrt(3)
        if "uniform" in name
        else math.erf(0.87962566103423978 / math.sqrt(2)) / math.erf(math.sqrt(2))
    )
    assert abs((np.abs(w) < std).mean() - inside) < 0.006


@pytest.mark.parametrize("name", [*VARIANCE, *PLAIN, "orthogonal"])
def test_the_distribution_equals_keras(recorded, name):
    require_same_distribution(recorded, INITIALIZERS[name](), name, {})


VARIANTS = [
    Orthogonal(gain=0.5),
    RandomNormal(mean=1.0, stddev=0.2),
    RandomUniform(minval=0.5, maxval=2.0),
    TruncatedNormal(mean=1.0, stddev=0.2),
    VarianceScaling(0.5, "fan_out", "untruncated_normal"),
    VarianceScaling(2.0, "fan_avg", "uniform"),
    VarianceScaling(3.0, "fan_avg", "truncated_normal"),
]


@pytest.mark.parametrize("initializer", VARIANTS, ids=repr)
def test_arguments_mean_what_they_mean_in_keras(recorded, initializer):
    require_same_distribution(recorded, initializer, type(initializer).__name__, vars(initializer))


EVERY = 72
"""One in this many of Keras's sorted draws is recorded."""


def keras_draws(keras, kind, fields, shape):
    """Return every 72nd of Keras's sorted draws, and the last."""
    draws = np.sort(np.ravel(type(keras.initializers.get(kind))(**fields, seed=7)(shape)))
    return np.append(draws[::EVERY], draws[-1])


def require_same_distribution(recorded, initializer, kind, fields):
    shape = (3, 3, 32, 128)  # 36,864 draws; fan_in and fan_out differ
    ours = np.sort(initializer(np.random.default_rng(6), shape).ravel())
    theirs = recorded(keras_draws, kind, fields, shape)
    # Two-sample Kolmogorov-Smirnov test: the largest gap between the two distribution functions.
    # 0.1% of pairs from the same distribution exceed 1.95 sqrt(2 / n). Both functions increase, so
    # the gap between two recorded draws is at most the gap at one of them plus the draws left out.
    smaller = np.minimum(EVERY * np.arange(len(theirs)), ours.size - 1)
    gap = np.abs(np.searchsorted(ours, theirs) - smaller).max() + EVERY
    assert gap / ours.size < 1.95 * math.sqrt(2 / ours.size)


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_distribution_does_not_depend_on_the_shape(name):
    w = INITIALIZERS[name]()(np.random.default_rng(9), (4, 46080)).astype(
        np.float64
    )  # as many draws as in test_the_distribution
    assert abs(w.mean()) < 5 * PLAIN[name] / math.sqrt(w.size)
    assert abs(w.std() / PLAIN[name] - 1) < 0.009
    if name != "random_normal":
        edge = 0.1 if name == "truncated_normal" else 0.05  # two deviations; maxval
        assert 0.995 * edge < np.abs(w).max() <= edge * (1 + FLOAT32)


@pytest.mark.parametrize(
    ("name", "scaled"),
    [
        ("glorot_uniform", VarianceScaling(1.0, "fan_avg", "uniform")),
        ("glorot_normal", VarianceScaling(1.0, "fan_avg")),
        ("he_uniform", VarianceScaling(2.0, "fan_in", "uniform")),
        ("he_normal", VarianceScaling(2.0)),
        ("lecun_uniform", VarianceScaling(1.0, "fan_in", "uniform")),
        ("lecun_normal", VarianceScaling()),
    ],
)
def test_the_papers_initializers_are_variance_scaling(name, scaled):
    first, second = (
        make(np.random.default_rng(3), (3, 3, 16, 32)) for make in (INITIALIZERS[name](), scaled)
    )
    np.testing.assert_array_equal(first, second)


def gram_schmidt(a):
    """Return the Q of the QR decomposition of `a` with a positive diagonal of R."""
    q = np.zeros_like(a)
    for k in range(a.shape[1]):
        rest = a[:, k] - sum(q[:, j] * (q[:, j] @ a[:, k]) for j in range(k))
        q[:, k] = rest / np.sqrt(rest @ rest)
    return q


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 2, 4), (2, 2, 3)])
def test_orthogonal(recorded, shape):
    w = Orthogonal(gain=2.0)(np.random.default_rng(10), shape)
    flat = w.reshape(-1, shape[-1])
    rows, columns = flat.shape
    tall = flat if rows >= columns else flat.T
    close(tall.T @ tall, 4 * np.eye(tall.shape[1]))  # W^T W = gain^2 I
    draws = np.random.default_rng(10).standard_normal(tall.shape)
    close(
        tall, 2 * gram_schmidt(draws)
    )  # oracle: a NumPy loop; without the signs, the draw would not be uniform
    theirs = recorded(
        lambda keras, shape: keras.initializers.Orthogonal(gain=2.0, seed=1)(shape), shape
    ).reshape(flat.shape)
    theirs = theirs if rows >= columns else theirs.T
    close(tall.T @ tall, theirs.T @ theirs, tolerance=10 * FLOAT32)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: Orthogonal("one"),
            r"^Orthogonal: expected gain to be a number\. Received: gain='one'\.$",
        ),
        (
            lambda: Orthogonal()(np.random.default_rng(0), (3,)),
            r"^Orthogonal: expected a weight of at least two axes\. Received: shape=\(3,\)\.$",
        ),
        (
            lambda: Identity()(np.random.default_rng(0), (2, 2, 2)),
            r"^Identity: expected weights of two axes\. Received: shape=\(2, 2, 2\)\.$",
        ),
        (
            lambda: RandomNormal(mean=None),
            r"^RandomNormal: expected mean to be a number\. Received: mean=None\.$",
        ),
        (
            lambda: TruncatedNormal(stddev=-1),
            r"^TruncatedNormal: expected stddev to be a number >= 0\. Received: stddev=-1\.$",
        ),
        (
            lambda: RandomUniform(1, 0),
            r"^RandomUniform: expected two numbers, minval <= maxval\. Received: minval=1, maxval=0\.$",
        ),
        (
            lambda: RandomUniform("a", 0),
            r"^RandomUniform: expected two numbers, minval <= maxval\. Received: minval='a', maxval=0\.$",
        ),
        (
            lambda: VarianceScaling(0),
            r"^VarianceScaling: expected scale to be a number > 0\. Received: scale=0\.$",
        ),
        (
            lambda: VarianceScaling(mode="fan"),
            r"^VarianceScaling: expected mode to be one of fan_in, .*\. Received: mode='fan'\.$",
        ),
        (
            lambda: VarianceScaling(distribution="normal"),
            r"expected distribution to be one of .* Received: distribution='normal'\.$",
        ),
    ],
)
def test_what_is_refused(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


@pytest.mark.parametrize("name", INITIALIZERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_float32_in_the_shape_and_the_same_from_the_same_seed(name, shape):
    is_refused = len(shape) < 2 if name == "orthogonal" else name == "identity" and len(shape) != 2
    if is_refused:
        return
    first, second = (INITIALIZERS[name]()(np.random.default_rng(8), shape) for _ in range(2))
    assert isinstance(first, np.ndarray)
    assert (first.dtype, first.shape) == (np.float32, shape)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("shape", [(2, 3), (4, 4), (3, 1)])
def test_identity(shape):
    """Oracle: the definition, entry by entry."""
    w = Identity(0.5)(np.random.default_rng(0), shape)
    for i, j in np.ndindex(shape):
        assert w[i, j] == (0.5 if i == j else 0)


@pytest.mark.parametrize("name", FILLS)
def test_fills(name):
    close(
        INITIALIZERS[name]()(np.random.default_rng(0), (2, 3)),
        np.full((2, 3), FILLS[name]),
        tolerance=EXACT,
    )


def test_constant():
    close(Constant(0.25)(np.random.default_rng(0), (2, 3)), np.full((2, 3), 0.25), tolerance=EXACT)
    words = r"^Constant: expected value to be a number or an array of finite numbers\. Received: "
    for wrong in ("one", None, [[1.0], [2.0, 3.0]], [1.0, np.nan], ["a"]):
        with pytest.raises(ConfigError, match=words):
            Constant(wrong)


def test_constant_of_an_array():
    """Oracle: NumPy's broadcasting, which Keras uses too."""
    rng, matrix = np.random.default_rng(0), np.arange(6.0).reshape(3, 2)
    weights = Constant(matrix)(rng, (3, 2))
    close(weights, matrix, tolerance=EXACT)
    assert weights.dtype == np.float32
    weights[0] = 9  # the initializer's own array stays as it is
    matrix[0] = 7
    close(Constant([1.0, 2.0])(rng, (2, 2)), [[1, 2], [1, 2]], tolerance=EXACT)
    close(Constant(np.arange(6.0).reshape(3, 2))(rng, (3, 2))[0], [0, 1], tolerance=EXACT)
    assert repr(Constant(matrix)) == "Constant(value=None, shape=(3, 2))"
    words = r"^Constant: expected an array for weights of shape \(4, 2\)\. Received: shape=\(3, 2\)"
    with pytest.raises(ConfigError, match=words):
        Constant(matrix)(rng, (4, 2))
    assert Constant(np.float32(0.5)) == Constant(0.5)


def test_get_and_value_identity():
    assert initializers.get("he_normal") == INITIALIZERS["he_normal"]()
    assert hash(Constant(2.0)) == hash(Constant(2.0))
    assert Constant(2.0) != Constant(3.0)
    constant = Constant(2.0)
    assert initializers.get(constant) is constant
    with pytest.raises(
        ConfigError, match=r"^initializer: expected one of .* Did you mean 'glorot_uniform'\?$"
    ):
        initializers.get("glorotuniform")
    with pytest.raises(
        ConfigError,
        match=r"^initializer: expected a name or an Initializer\. Received: initializer=0\.5\.$",
    ):
        initializers.get(0.5)
