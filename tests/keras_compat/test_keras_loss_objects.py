"""Keras's loss objects and loss functions, called on arrays. The oracle is Keras."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError, ModelFileError
from glassnet.keras.losses import CLASSES
from glassnet.keras.tensors import Tensor
from oracles import FLOAT32, LOOSE, close, import_keras

RNG = np.random.default_rng(3)
PROBABILITIES = RNG.dirichlet(np.ones(3), 6).astype(np.float32)
IDS = np.array([0, 2, 1, 1, 0, 2])
ONE_HOT = np.eye(3, dtype=np.float32)[IDS]
WEIGHTS = np.array([0.0, 1.0, 2.0, 0.5, 1.0, 3.0], np.float32)


@pytest.fixture(scope="module")
def real():
    return import_keras()


def targets(name):
    if name == "SparseCategoricalCrossentropy":
        return IDS
    return 2 * ONE_HOT - 1 if "Hinge" in name and name != "CategoricalHinge" else ONE_HOT


@pytest.mark.live_keras
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean", "sum", "none", None])
@pytest.mark.parametrize("name", CLASSES)
def test_losses_are_kerass(real, name, reduction):
    """With and without weights, of rows and of one row without a batch axis."""
    ours, theirs = (getattr(k.losses, name)(reduction=reduction) for k in (keras, real))
    y, p = targets(name), PROBABILITIES
    for weights in (None, WEIGHTS, WEIGHTS[:, None], 2.0):
        value = ours(y, p, weights)
        assert isinstance(value, Tensor)
        close(value.numpy(), theirs(y, p, weights), LOOSE)
        assert np.shape(value) == np.shape(theirs(y, p, weights))
    if name != "SparseCategoricalCrossentropy":
        close(ours(y[0], p[0]), theirs(y[0], p[0]), LOOSE)
    assert ours.name == theirs.name
    assert ours.get_config() == {"name": theirs.name, "reduction": reduction}


@pytest.mark.live_keras
def test_the_mean_by_the_sum_of_weights_is_kerass(real):
    reduction = "mean_with_sample_weight"
    ours, theirs = (k.losses.MeanSquaredError(reduction=reduction) for k in (keras, real))
    for weights in (None, WEIGHTS, 0 * WEIGHTS):
        close(ours(ONE_HOT, PROBABILITIES, weights), theirs(ONE_HOT, PROBABILITIES, weights))


def test_a_result_is_a_number_with_kerass_methods():
    """(1 - 1)^2 and (2 - 4)^2 have the mean 2."""
    loss = keras.losses.MeanSquaredError()([[1.0, 2.0]], [[1.0, 4.0]])
    assert loss.numpy() == 2.0
    assert float(loss) == 2.0
    assert f"{loss:.2f}" == "2.00"
    assert keras.losses.mean_squared_error([[1.0, 2.0]], [[1.0, 4.0]]).numpy().tolist() == [2.0]
    assert keras.metrics.mean_squared_error([[1.0, 2.0]], [[1.0, 4.0]]).numpy().tolist() == [2.0]


def test_losses_are_differentiated_and_compiled():
    """Oracle: the gradient of the mean square, 2 (p - y) / n."""
    y, p = np.array([[1.0, 2.0]], np.float32), jnp.array([[1.0, 4.0]])
    for loss in (keras.losses.MeanSquaredError(), lambda y, p: keras.losses.mse(y, p).mean()):
        close(jax.grad(lambda p, loss=loss: loss(y, p))(p), [[0.0, 2.0]])
        close(jax.jit(loss)(y, p), 2.0)
    ids = keras.losses.SparseCategoricalCrossentropy()
    close(jax.jit(ids)(jnp.asarray(IDS), jnp.asarray(PROBABILITIES)), ids(IDS, PROBABILITIES))
    accuracy = keras.metrics.sparse_categorical_accuracy
    close(jax.jit(accuracy)(jnp.asarray(IDS), PROBABILITIES), accuracy(IDS, PROBABILITIES))
    with pytest.raises(ConfigError, match="MeanSquaredError: expected y_true of the shape"):
        jax.jit(keras.losses.mse)(jnp.zeros((2, 3)), jnp.zeros((2, 4)))


def test_losses_compare_by_value_and_can_be_pickled():
    huber = keras.losses.Huber(delta=0.5)
    assert huber == keras.losses.Huber(0.5)
    assert hash(huber) == hash(keras.losses.Huber(0.5))
    assert huber != keras.losses.Huber(0.5, reduction="sum")
    assert pickle.loads(pickle.dumps(huber)) == huber
    assert huber.delta == 0.5
    assert isinstance(huber, keras.losses.Huber)
    assert isinstance(huber, keras.losses.Loss)
    assert not isinstance(huber, keras.losses.MeanSquaredError)


def test_compile_takes_losses_here_and_in_glassnet():
    loss = keras.losses.Huber(0.5)
    for model in (
        keras.Sequential([keras.layers.Dense(1, input_shape=(2,))]).glassnet_model,
        gn.Sequential([gn.layers.Dense(1)]),
    ):
        model.compile("sgd", loss)
        assert model._loss == gn.losses.Huber(0.5)
    outer = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    outer.compile("sgd", keras.losses.Huber(0.5, reduction="mean"))
    assert outer.glassnet_model._loss == gn.losses.Huber(0.5)
    with pytest.raises(
        ConfigError, match=r"huber_loss: expected reduction='sum_over_batch_size' in compile"
    ):
        outer.compile("sgd", keras.losses.Huber(reduction="sum"))


def test_wrong_arguments_are_refused():
    with pytest.raises(ConfigError, match=r"reduction to be one of .*'mean'.*Received: .*'total'"):
        keras.losses.Huber(reduction="total")
    with pytest.raises(DataError, match="MeanSquaredError: expected y_true of the shape"):
        keras.losses.MeanSquaredError()(np.zeros((2, 3)), np.zeros((2, 4)))


def make_scaled(base, ops):
    class Scaled(base):
        def __init__(self, factor=1.0, **options):
            super().__init__(**options)
            self.factor = factor

        def call(self, y_true, y_pred):
            return self.factor * ops.mean(ops.square(y_true - y_pred), axis=-1)

    return Scaled(3.0, name="scaled")


@pytest.mark.live_keras
def test_a_loss_class_of_your_own_trains_as_in_keras(real):
    """Same start, same batches: the losses of three epochs are equal."""
    x, y = RNG.normal(size=(12, 2)).astype("float32"), RNG.normal(size=(12, 1)).astype("float32")
    histories, start = [], [np.array([[0.5], [-0.25]]), np.zeros(1)]
    for k in (keras, real):
        loss = make_scaled(k.losses.Loss, k.ops)
        assert loss.name == "scaled"
        close(loss(y, y + 1), 3.0)
        model = k.Sequential([k.layers.Input((2,)), k.layers.Dense(1)])
        model.compile("sgd", loss)
        model.set_weights(start)
        history = model.fit(x, y, batch_size=12, epochs=3, verbose=0)
        histories.append(history.history["loss"])
    close(histories[0], histories[1], FLOAT32)


def test_a_loss_class_of_your_own_is_not_saved(tmp_path):
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", make_scaled(keras.losses.Loss, keras.ops))
    model.fit(np.zeros((2, 2)), np.zeros((2, 1)), verbose=0)
    with pytest.raises(ModelFileError, match=r"something that can be saved.*Scaled\.call"):
        model.save(tmp_path / "model.keras")


def test_a_loss_class_needs_call():
    class Empty(keras.losses.Loss):
        pass

    with pytest.raises(ConfigError, match=r"Empty: expected a method call\(self, y_true, y_pred\)"):
        Empty()([[1.0]], [[1.0]])
    with pytest.raises(ConfigError, match=r"Rows: expected a Keras loss.*glassnet\.losses\.Loss"):

        class Rows(keras.losses.Loss):
            def unreduced(self, y, z):
                return y
