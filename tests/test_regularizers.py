import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import regularizers
from glassnet.errors import ConfigError
from glassnet.regularizers import L1, L1L2, L2, REGULARIZERS, OrthogonalRegularizer
from oracles import FLOAT64, close, directional_error, import_keras

W = jnp.array([[1.0, -3.0], [0.5, 0.0]])


def test_penalties_by_hand():
    close(L1(0.1)(W), 0.45)  # 0.1 * (1 + 3 + 0.5)
    close(L2(0.1)(W), 1.025)  # 0.1 * (1 + 9 + 0.25)
    close(L1L2(l1=0.1, l2=0.2)(W), 2.5)  # 0.45 + 2.05
    close(L1L2()(W), 0)
    close(jax.grad(L1(0.1))(W), [[0.1, -0.1], [0.1, 0]])  # the slope at exactly zero is 0
    close(jax.grad(L2(0.1))(W), 0.2 * W)


def live(keras, kind, fields, w):
    theirs = getattr(keras.regularizers, kind)(**fields)
    return theirs(w), jax.grad(theirs)(w)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_forward_and_gradient_equal_keras(recorded, name):
    ours = REGULARIZERS[name]
    w = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    value, slope = recorded(live, type(ours).__name__, vars(ours), w)
    got, got_slope = jax.jit(jax.value_and_grad(ours))(w)
    close(got, value)
    close(got_slope, slope)


@pytest.mark.parametrize("name", REGULARIZERS)
def test_gradient_equals_a_finite_difference(name):
    assert (
        directional_error(REGULARIZERS[name], np.random.default_rng(1).normal(size=(4, 5)))
        < FLOAT64
    )


@pytest.mark.parametrize("name", REGULARIZERS)
def test_a_string_is_never_a_penalty_of_nothing(name):
    assert float(REGULARIZERS[name](W)) > 0


def test_factors_may_be_tracers():
    # a sweep substitutes tracers for numbers without running __post_init__; __call__ must not
    # branch on them
    def penalty(factor):
        regularizer = L2()
        object.__setattr__(regularizer, "l2", factor)
        return regularizer(W)

    close(jax.jit(jax.vmap(penalty))(jnp.array([0.1, 0.2])), [1.025, 2.05])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: L1(-1.0), "l1=-1.0"),
        (lambda: L2("x"), "l2='x'"),
        (lambda: L1L2(l2=True), "l2=True"),
    ],
)
def test_factors_are_checked(make, text):
    with pytest.raises(
        ConfigError, match=rf"^L\w+: expected l[12] to be a number >= 0\. Received: {text}\.$"
    ):
        make()


def test_get_and_value_identity():
    assert regularizers.get(None) is None
    assert regularizers.get("l2") == L2(0.01)
    assert hash(L2(0.1)) == hash(L2(0.1))
    assert L2(0.1) != L2(0.2)
    regularizer = L1L2(l1=0.3)
    assert regularizers.get(regularizer) is regularizer
    with pytest.raises(
        ConfigError,
        match=r"^regularizer: expected one of l1, l2, l1_l2\. Received: name='l1l2'\. Did you mean 'l1_l2'\?$",
    ):
        regularizers.get("l1l2")
    with pytest.raises(
        ConfigError,
        match=r"^regularizer: expected a name, a Regularizer, a function of the weights, or None\. .*=0\.1\. Write L2\(0\.01\) for a",
    ):
        regularizers.get(0.1)


def test_orthogonal_penalty_by_hand():
    close(OrthogonalRegularizer(0.1)(jnp.eye(3)), 0)
    skew = jnp.array([[5.0, 0.0], [-3.0, 4.0]])
    close(OrthogonalRegularizer(0.5)(skew), 0.3)  # the rows have the cosine -0.6
    close(OrthogonalRegularizer(0.5, "columns")(skew), 0.5 * 12 / (34**0.5 * 4))
    close(jax.grad(OrthogonalRegularizer())(jnp.zeros((1, 2))), jnp.zeros((1, 2)))
    w = np.random.default_rng(0).normal(size=(4, 5))
    assert directional_error(OrthogonalRegularizer(), w, seed=1) < FLOAT64
    with pytest.raises(ConfigError, match="weights with two axes"):
        OrthogonalRegularizer()(jnp.zeros(3))
    with pytest.raises(ConfigError, match='expected mode to be "rows" or "columns"'):
        OrthogonalRegularizer(mode="row")


@pytest.mark.live_keras
@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_penalty_and_its_gradient_are_kerass(mode):
    w = jnp.array(np.random.default_rng(0).normal(size=(7, 5)), jnp.float32)
    theirs = import_keras().regularizers.OrthogonalRegularizer(0.2, mode=mode)
    ours = OrthogonalRegularizer(0.2, mode)
    close(ours(w), theirs(w))
    close(jax.grad(ours)(w), jax.grad(theirs)(w))
