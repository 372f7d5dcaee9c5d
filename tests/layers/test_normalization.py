"""Normalization layers: by hand, far from zero, at zero, and on batches of padding only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError
from glassnet.initializers import Constant
from glassnet.layers import (
    GRU,
    BatchNormalization,
    Bidirectional,
    Dense,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    GroupNormalization,
    LayerNormalization,
    Masking,
    SimpleRNN,
    UnitNormalization,
)
from oracles import EXACT, LOOSE, close


def test_layer_normalization_by_hand():
    """(1, 3, 5) has mean 3 and variance 8/3.

    With epsilon 1/3 the root is sqrt(3), so y = 2 (x - 3) / sqrt(3) + 1.
    """
    params = {"gamma": np.float32([2, 2, 2]), "beta": np.float32([1, 1, 1])}
    y = LayerNormalization(epsilon=1 / 3)(params, np.float32([[1, 3, 5], [7, 7, 7]]))
    close(y, [[1 - 4 / np.sqrt(3), 1, 1 + 4 / np.sqrt(3)], [1, 1, 1]])


def test_layer_normalization_far_from_zero():
    """Oracle: NumPy in float64.

    Around 100 with standard deviation 1, mean(x^2) - mean^2 would lose four digits.
    """
    x = np.random.default_rng(0).normal(100, 1, (50, 16)).astype(np.float32)
    layer, wide = LayerNormalization(), x.astype(np.float64)
    want = (wide - wide.mean(-1, keepdims=True)) / np.sqrt(wide.var(-1, keepdims=True) + 1e-3)
    close(layer(layer.init(np.random.default_rng(0), (16,)), x), want, LOOSE)


def test_layer_normalization_starts_where_it_is_told():
    layer = LayerNormalization(
        (-2, -1), beta_initializer=Constant(3.0), gamma_initializer=Constant(2.0)
    )
    params = layer.init(np.random.default_rng(0), (5, 3, 2))
    assert list(params) == ["gamma", "beta"]
    np.testing.assert_array_equal(params["gamma"], np.full((3, 2), 2.0))
    np.testing.assert_array_equal(params["beta"], np.full((3, 2), 3.0))
    assert list(LayerNormalization(center=False).init(np.random.default_rng(0), (2,))) == ["gamma"]
    assert list(LayerNormalization(scale=False).init(np.random.default_rng(0), (2,))) == ["beta"]


@pytest.mark.parametrize(
    "layer", [LayerNormalization(), UnitNormalization()], ids=["layer", "unit"]
)
@pytest.mark.parametrize("train", [False, True])
def test_no_mask_and_no_training_matters(layer, train):
    x, mask = (
        np.random.default_rng(0).normal(size=(3, 4, 2)).astype(np.float32),
        np.arange(12).reshape(3, 4) % 3 > 0,
    )
    params = layer.init(np.random.default_rng(0), (4, 2))
    y, state = layer.apply(params, {}, x, key=None, train=train, mask=mask)
    np.testing.assert_array_equal(y, layer(params, x))
    assert state == {}
    assert layer.mask(x, mask) is mask


@pytest.mark.parametrize("size", [1e-15, 1.0, 1e15])
def test_unit_normalization_keeps_the_direction(size):
    """By hand: (3, 4) of any length becomes (0.6, 0.8)."""
    close(UnitNormalization()({}, size * np.float32([[3, 4]])), [[0.6, 0.8]])


def test_unit_normalization_of_zeros():
    """Zeros stay zeros, and the gradient is the delta itself. Keras's is NaN."""
    y, back = jax.vjp(lambda x: UnitNormalization()({}, x), jnp.zeros((1, 2)))
    np.testing.assert_array_equal(y, [[0, 0]])
    np.testing.assert_array_equal(back(jnp.array([[2.0, -1.0]]))[0], [[2, -1]])


def test_a_batch_without_a_real_step_leaves_the_statistics_as_they_are():
    """Oracle: the statistics before, byte for byte; the output and its gradient are finite."""
    layer, x = BatchNormalization(), np.random.default_rng(0).normal(size=(2, 3, 4))
    params = layer.init(np.random.default_rng(0), (3, 4))
    state = {"moving_mean": np.arange(4, dtype=np.float32), "moving_variance": np.full(4, 2.0)}

    def run(params, mask):
        y, after = layer.apply(params, state, x, key=None, train=True, mask=mask)
        return (y**2).sum(), after

    for mask in (np.zeros((2, 3)), np.zeros(2), np.zeros((2, 3), bool)):
        (total, after), grads = jax.value_and_grad(run, has_aux=True)(params, mask)
        assert np.isfinite(total)
        assert all(np.isfinite(grad).all() for grad in grads.values())
        for key, value in state.items():
            np.testing.assert_array_equal(after[key], value)


def test_group_normalization_by_hand():
    """Pixels (1, 10), (3, 50) of one group have mean 16 and variance 396.5; each channel is +-1."""
    x = np.array([[[1.0, 10.0], [3.0, 50.0]]])
    together = GroupNormalization(1, epsilon=1e-9, center=False, scale=False)({}, x)
    close(together, (x - 16) / np.sqrt(396.5))
    each = GroupNormalization(-1, epsilon=1e-9, center=False, scale=False)({}, x)
    close(each, [[[-1, -1], [1, 1]]])
    close(each, GroupNormalization(2, epsilon=1e-9, center=False, scale=False)({}, x), EXACT)


WRONG_GROUPS = {
    "GroupNormalization: expected groups to be an int >= 1, or -1 for each channel by itself. Received: groups=0.": lambda: (
        GroupNormalization(0)
    ),
    "GroupNormalization: expected epsilon to be a number > 0. Received: epsilon=0.": lambda: (
        GroupNormalization(2, epsilon=0)
    ),
    "GroupNormalization: expected a number of channels that is a multiple of groups, 32. Received: input_shape=(8, 8, 3). Choose groups that divide 3, or -1 for each channel by itself.": lambda: (
        GroupNormalization().init(np.random.default_rng(0), (8, 8, 3))
    ),
}


@pytest.mark.parametrize("says", WRONG_GROUPS)
def test_wrong_groups(says):
    with pytest.raises(ConfigError) as caught:
        WRONG_GROUPS[says]()
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "layers",
    [
        [BatchNormalization(), SimpleRNN(2)],
        [GRU(2, return_sequences=True), BatchNormalization(), GlobalAveragePooling1D()],
        [BatchNormalization(), GlobalMaxPooling1D()],
        [LayerNormalization(), Bidirectional(GRU(2))],
    ],
    ids=lambda layers: "-".join(type(layer).__name__ for layer in layers),
)
def test_a_batch_of_padding_of_weight_0_changes_nothing(layers):
    """Rows of padding alone in their batches, of weight 0. Oracle: a fit without these rows."""
    x = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32)
    x[[1, 3]] = 0.0
    weights = np.array([1.0, 0.0, 1.0, 0.0])
    models = []
    for rows in (np.arange(4), [0, 2]):
        model = gn.Sequential([Masking(), *layers, Dense(1)], seed=0)
        model.compile("sgd", "mse")
        history = model.fit(
            x[rows],
            np.ones(len(rows)),
            sample_weight=weights[rows],
            batch_size=1,
            epochs=2,
            shuffle=False,
            verbose=0,
        )
        assert np.isfinite(history.history["loss"]).all()
        assert history.stopped is None
        models.append(model)
    for got, want in zip(*(model.get_weights() for model in models), strict=True):
        close(got, want)
