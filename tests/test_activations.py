import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import activations
from glassnet.activations import ACTIVATIONS, ParametricActivation
from glassnet.errors import ConfigError
from oracles import FLOAT64, LOOSE, close, directional_error

SCORES = (-6.8, 2.6, 5.9, 6.7, 1.9, -1.3, -5.7, 3.2, 1.3, 1.0)
PROBABILITIES = (
    9.0640e-07,
    0.010957,
    0.297071,
    0.661143,
    5.4410e-3,
    2.2179e-4,
    2.7230e-06,
    0.019965,
    2.9861e-3,
    2.2122e-3,
)


def test_sigmoid_of_the_lectures_neuron():
    # lecture 001: w = (0, 1), b = 4, x = (2, 3): z = 0*2 + 1*3 + 4 = 7, 1 / (1 + exp(-7)) =
    # 0.9990889488055994
    close(activations.sigmoid(0.0 * 2 + 1.0 * 3 + 4), 0.9990889488055994)


def test_sigmoid_of_the_lectures_perceptron():
    # lecture 002: g(1 + 3 x1 - 2 x2) at (-1, 2): z = 1 - 3 - 4 = -6, 1 / (1 + exp(6)) =
    # 0.0024726231566347743
    close(activations.sigmoid(1 + 3 * -1.0 - 2 * 2.0), 0.0024726231566347743)


def test_softmax_of_the_lectures_scores():
    got = np.asarray(activations.softmax(jnp.array(SCORES)), np.float64)
    np.testing.assert_allclose(got, PROBABILITIES, rtol=LOOSE)  # printed with five digits
    close(got.sum(), 1)


def test_softmax_is_over_the_last_axis_and_stable():
    z = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    rows = np.array(
        [[np.exp(row) / np.exp(row).sum() for row in block] for block in z.astype(np.float64)]
    )  # oracle: a NumPy loop
    close(activations.softmax(z), rows)
    close(activations.softmax(jnp.array([1000.0, 0.0])), [1, 0])  # exp(1000) alone overflows
    close(
        activations.softmax(z + 100), rows, tolerance=LOOSE
    )  # relation: adding a number to all scores changes nothing


def test_relu_and_leaky_relu_by_hand():
    z = jnp.array([-2.0, 0.0, 3.0])
    close(activations.relu(z), [0, 0, 3])
    close(activations.leaky_relu(z), [-0.4, 0, 3])  # -2 * 0.2
    close(activations.leaky_relu(z, negative_slope=0.5), [-1, 0, 3])
    close(jax.vmap(jax.grad(activations.relu))(z), [0, 0, 1])  # the slope at exactly zero is 0


def test_tanh_by_hand():
    close(activations.tanh(0.5), (np.exp(0.5) - np.exp(-0.5)) / (np.exp(0.5) + np.exp(-0.5)))


def test_the_bent_lines_by_hand():
    z = jnp.array([-4.0, -1.5, 0.0, 1.5, 8.0])
    close(activations.relu6(z), [0, 0, 0, 1.5, 6])
    close(activations.hard_sigmoid(z), [0, 0.25, 0.5, 0.75, 1])  # -1.5 / 6 + 1/2 = 0.25
    close(activations.softsign(z), [-0.8, -0.6, 0, 0.6, 8 / 9])  # -1.5 / 2.5 = -0.6


def test_the_smooth_rectifiers_by_hand():
    e = math.e
    close(activations.elu(jnp.array([-1.0, 0.0, 2.0])), [1 / e - 1, 0, 2])
    close(activations.elu(-1.0, alpha=0.5), (1 / e - 1) / 2)
    close(
        activations.selu(jnp.array([-1.0, 2.0])),
        [1.0507009873554805 * 1.6732632423543772 * (1 / e - 1), 2 * 1.0507009873554805],
    )
    close(
        activations.gelu(1.0), (1 + math.erf(1 / math.sqrt(2))) / 2
    )  # Phi(1) = 0.8413447460685429
    close(
        activations.gelu(1.0, approximate=True),
        (1 + math.tanh(math.sqrt(2 / math.pi) * 1.044715)) / 2,
    )
    close(activations.silu(1.0), 1 / (1 + 1 / e))
    close(activations.softplus(1.0), math.log(1 + e))
    close(activations.mish(1.0), math.tanh(math.log(1 + e)))
    close(activations.exponential(jnp.array([0.0, 1.0])), [1, e])


def test_log_softmax_is_the_logarithm_of_softmax_and_stable():
    z = jnp.array([SCORES])
    close(activations.log_softmax(z), np.log(np.exp(SCORES) / np.exp(SCORES).sum())[None])
    close(
        activations.log_softmax(jnp.array([1000.0, 0.0])), [0, -1000]
    )  # log of softmax's 0 would be -inf


@pytest.mark.parametrize(
    "name", ["elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "sigmoid", "tanh"]
)
def test_finite_at_any_z(name):
    z = jnp.array([-1000.0, 0.0, 1000.0])
    value, slope = jax.vmap(jax.value_and_grad(ACTIVATIONS[name]))(z)
    assert np.isfinite(value).all()
    assert np.isfinite(slope).all()


@pytest.mark.parametrize(
    ("name", "slope"),
    [("elu", 1), ("gelu", 0.5), ("silu", 0.5), ("mish", 0.6), ("softplus", 0.5), ("softsign", 1)],
)
def test_the_slope_at_zero(name, slope):
    # mish: tanh(log 2) = (2 - 1/2) / (2 + 1/2) = 0.6; jnp.abs has slope 1 at 0, which softsign's z
    # multiplies by 0
    close(jax.grad(ACTIVATIONS[name])(0.0), slope)


def live(keras, name, z, weight):
    theirs = keras.activations.get(name)
    return theirs(z), jax.grad(lambda z: (theirs(z) * weight).sum())(z)


KERAS_AGREES = [name for name in ACTIVATIONS if name != "sparsemax"]
"""Keras 3.15's sparsemax does not sum to 1: it adds cumulative sums instead of taking the last."""


@pytest.mark.parametrize("name", KERAS_AGREES)
def test_forward_and_gradient_equal_keras(recorded, name):
    rng = np.random.default_rng(1)
    z = np.concatenate([rng.normal(size=(6, 5)), rng.normal(size=(6, 5)) * 20]).astype(np.float32)
    weight = rng.normal(size=z.shape).astype(np.float32)
    value, slope = recorded(live, name, z, weight)
    ours = ACTIVATIONS[name]
    got, got_slope = jax.jit(lambda z: (ours(z), jax.grad(lambda z: (ours(z) * weight).sum())(z)))(
        z
    )
    close(got, value)
    close(got_slope, slope)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_equals_a_finite_difference(name):
    rng = np.random.default_rng(2)
    weight, z = rng.normal(size=(2, 4, 5))
    assert directional_error(lambda z: (ACTIVATIONS[name](z) * weight).sum(), z) < FLOAT64


PARAMETERS = [
    ("relu", {"negative_slope": 0.5}),
    ("relu", {"max_value": 6}),
    ("relu", {"threshold": 1.0}),
    ("relu", {"negative_slope": 0.25, "max_value": 2.0, "threshold": 0.5}),
    ("softmax", {"axis": 0}),
    ("softmax", {"axis": (0, 1)}),
    ("log_softmax", {"axis": 0}),
    ("leaky_relu", {"negative_slope": 0.7}),
    ("elu", {"alpha": 0.5}),
    ("celu", {"alpha": 0.5}),
    ("gelu", {"approximate": True}),
    ("hard_shrink", {"threshold": 1.0}),
    ("soft_shrink", {"threshold": 1.0}),
    ("squareplus", {"b": 1}),
    ("glu", {}),
    ("glu", {"axis": 0}),
]


def live_with_parameters(keras, name, parameters, z):
    return getattr(keras.activations, name)(z, **parameters)


@pytest.mark.parametrize(("name", "parameters"), PARAMETERS, ids=str)
def test_parameters_equal_keras(recorded, name, parameters):
    z = (2 * np.random.default_rng(5).normal(size=(4, 6))).astype(np.float32)
    want = recorded(live_with_parameters, name, parameters, z)
    close(getattr(activations, name)(z, **parameters), want)
    difference = directional_error(
        lambda z: (getattr(activations, name)(z, **parameters) ** 2).sum(), np.float64(z)
    )
    assert difference < FLOAT64


@pytest.mark.parametrize("axis", [-1, 0])
def test_sparsemax_is_the_nearest_point_of_the_simplex(axis):
    """Oracle: tau by bisection, for which the sum of max(z - tau, 0) is 1."""
    z = np.random.default_rng(6).normal(size=(4, 5))
    got = np.asarray(activations.sparsemax(np.float32(z), axis=axis))
    for row, p in zip(np.moveaxis(z, axis, -1), np.moveaxis(got, axis, -1), strict=True):
        low, high = row.min() - 1, row.max()
        for _ in range(60):
            tau = (low + high) / 2
            low, high = (tau, high) if np.maximum(row - tau, 0).sum() > 1 else (low, tau)
        close(p, np.maximum(row - tau, 0))
    close(got.sum(axis), np.ones(got.sum(axis).shape))


def test_arguments_by_value():
    limited = ParametricActivation("relu", (("max_value", 6.0),))
    assert limited == ParametricActivation("relu", (("max_value", 6.0),)) != activations.relu
    assert (limited.__name__, float(limited(9.0))) == ("relu", 6.0)
    for pairs in ((("alpha", 1.0),), (("max_value", "six"),)):
        with pytest.raises(
            ConfigError,
            match=r"^relu: expected numbers as negative_slope, max_value, threshold\. Received: ",
        ):
            ParametricActivation("relu", pairs)
    with pytest.raises(ConfigError, match=r"^activation: expected one of linear"):
        ParametricActivation("cube", ())


def test_the_finite_difference_catches_a_softmax_without_its_jacobian():
    @jax.custom_jvp
    def broken(z):
        return jax.nn.softmax(z)

    broken.defjvp(
        lambda primals, tangents: (
            broken(*primals),
            tangents[0] * broken(*primals) * (1 - broken(*primals)),
        )
    )
    weight = np.random.default_rng(3).normal(size=(4, 5))
    assert (
        directional_error(
            lambda z: (broken(z) * weight).sum(), np.random.default_rng(4).normal(size=(4, 5))
        )
        > 0.01
    )


def test_get():
    assert activations.get("relu") is activations.relu
    assert activations.get(jnp.sin) is jnp.sin
    assert (
        activations.canonicalize(jax.nn.swish)
        == activations.canonicalize(activations.silu)
        == "silu"
    )
    assert (
        activations.canonicalize(jax.nn.gelu) is jax.nn.gelu
    )  # its default is the approximation: another function
    with pytest.raises(
        ConfigError,
        match=r"^activation: expected one of linear, .*\. Received: name='rleu'\. Did you mean 'relu'\?$",
    ):
        activations.get("rleu")
    with pytest.raises(
        ConfigError, match=r"^activation: expected a name or a function\. Received: activation=3\.$"
    ):
        activations.get(3)
