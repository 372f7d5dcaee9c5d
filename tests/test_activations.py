import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import activations
from glassnet.activations import ACTIVATIONS
from glassnet.errors import ConfigError
from oracles import FLOAT64, LOOSE, close, directional_error, import_keras

SCORES = (-6.8, 2.6, 5.9, 6.7, 1.9, -1.3, -5.7, 3.2, 1.3, 1.0)
PROBABILITIES = (9.0640e-07, 0.010957, 0.297071, 0.661143, 5.4410e-3, 2.2179e-4, 2.7230e-06, 0.019965, 2.9861e-3, 2.2122e-3)


def test_sigmoid_of_the_lectures_neuron():
    # lecture 001: w = (0, 1), b = 4, x = (2, 3): z = 0*2 + 1*3 + 4 = 7, 1 / (1 + exp(-7)) = 0.9990889488055994
    close(activations.sigmoid(0.0 * 2 + 1.0 * 3 + 4), 0.9990889488055994)


def test_sigmoid_of_the_lectures_perceptron():
    # lecture 002: g(1 + 3 x1 - 2 x2) at (-1, 2): z = 1 - 3 - 4 = -6, 1 / (1 + exp(6)) = 0.0024726231566347743
    close(activations.sigmoid(1 + 3 * -1.0 - 2 * 2.0), 0.0024726231566347743)


def test_softmax_of_the_lectures_scores():
    got = np.asarray(activations.softmax(jnp.array(SCORES)), np.float64)
    np.testing.assert_allclose(got, PROBABILITIES, rtol=LOOSE)  # printed with five digits
    close(got.sum(), 1)


def test_softmax_is_over_the_last_axis_and_stable():
    z = np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32)
    rows = np.array([[np.exp(row) / np.exp(row).sum() for row in block] for block in z.astype(np.float64)])  # oracle: a NumPy loop
    close(activations.softmax(z), rows)
    close(activations.softmax(jnp.array([1000.0, 0.0])), [1, 0])  # exp(1000) alone overflows
    close(activations.softmax(z + 100), rows, tolerance=LOOSE)  # relation: adding a number to all scores changes nothing


def test_relu_and_leaky_relu_by_hand():
    z = jnp.array([-2.0, 0.0, 3.0])
    close(activations.relu(z), [0, 0, 3])
    close(activations.leaky_relu(z), [-0.4, 0, 3])  # -2 * 0.2
    close(activations.leaky_relu(z, negative_slope=0.5), [-1, 0, 3])
    close(jax.vmap(jax.grad(activations.relu))(z), [0, 0, 1])  # the slope at exactly zero is 0


def test_tanh_by_hand():
    close(activations.tanh(0.5), (np.exp(0.5) - np.exp(-0.5)) / (np.exp(0.5) + np.exp(-0.5)))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_forward_and_gradient_equal_keras(name):
    keras = import_keras()
    rng = np.random.default_rng(1)
    z = np.concatenate([rng.normal(size=(6, 5)), rng.normal(size=(6, 5)) * 20]).astype(np.float32)
    weight = rng.normal(size=z.shape).astype(np.float32)
    ours, theirs = ACTIVATIONS[name], keras.activations.get(name)
    close(ours(z), theirs(z))
    close(jax.grad(lambda z: (ours(z) * weight).sum())(z), jax.grad(lambda z: (theirs(z) * weight).sum())(z))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradient_equals_a_finite_difference(name):
    rng = np.random.default_rng(2)
    weight = rng.normal(size=(4, 5))
    assert directional_error(lambda z: (ACTIVATIONS[name](z) * weight).sum(), rng.normal(size=(4, 5))) < FLOAT64


def test_the_finite_difference_catches_a_softmax_without_its_jacobian():
    @jax.custom_jvp
    def broken(z):
        return jax.nn.softmax(z)

    broken.defjvp(lambda primals, tangents: (broken(*primals), tangents[0] * broken(*primals) * (1 - broken(*primals))))
    weight = np.random.default_rng(3).normal(size=(4, 5))
    assert directional_error(lambda z: (broken(z) * weight).sum(), np.random.default_rng(4).normal(size=(4, 5))) > 0.01


def test_get():
    assert activations.get("relu") is activations.relu
    assert activations.get(jnp.sin) is jnp.sin
    with pytest.raises(ConfigError, match=r"^activation: expected one of linear, .*\. Received: name='rleu'\. Did you mean 'relu'\?$"):
        activations.get("rleu")
    with pytest.raises(ConfigError, match=r"^activation: expected a name or a function\. Received: activation=3\.$"):
        activations.get(3)
