"""`keras.Sequential` pickled and copied, with inner models, and during a fit.

Oracle: the model that was never pickled.
"""

import copy

import numpy as np
import pytest

from copying import WAYS, pickled
from glassnet import keras
from nets import X, Y, same_bits


def keras_model(**options):
    model = keras.Sequential(
        [keras.layers.Dense(4, input_shape=(4,), activation="relu"), keras.layers.Dense(3)],
        seed=0,
        **options,
    )
    model.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
    )
    return model


@pytest.mark.parametrize("way", WAYS)
def test_kerass_sequential(way):
    model = keras_model(name="mine")
    model.fit(X, Y, epochs=2, verbose=0)
    twin = WAYS[way](model)
    assert type(twin) is keras.Sequential
    assert (twin.name, twin.trainable, twin.stop_training) == ("mine", True, False)
    assert twin.optimizer.learning_rate == model.optimizer.learning_rate
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    for one in (model, twin):
        one.fit(X, Y, epochs=2, verbose=0)
    assert same_bits(twin, model)
    assert twin.history.history == model.history.history


@pytest.mark.parametrize("way", ["pickle", "joblib", "deepcopy"])
def test_a_model_inside_a_model_stays_inside_its_twin(way):
    inner = keras_model()
    outer = keras.Sequential([inner, keras.layers.Softmax()], seed=0)
    outer.compile("adam", "sparse_categorical_crossentropy")
    outer.fit(X, Y, verbose=0)
    before = inner.get_weights()
    twin, inner_twin = WAYS[way]([outer, inner])
    twin.fit(X, Y, verbose=0)
    assert all(map(np.array_equal, before, inner.get_weights()))
    assert not any(map(np.array_equal, before, inner_twin.get_weights()))
    assert all(map(np.array_equal, inner_twin.get_weights(), twin.get_weights()))
    inner_twin.set_weights([np.zeros_like(weight) for weight in inner_twin.get_weights()])
    np.testing.assert_array_equal(twin.predict(X), np.full((len(X), 3), 1 / 3, np.float32))


def test_layers_added_to_a_copy_are_not_the_originals():
    model = keras.Sequential(seed=0)
    inner = keras_model()
    copy.copy(model).add(inner)
    assert model.layers == []
    model.add(keras.layers.Dense(3, input_shape=(4,)))
    model.set_weights([np.zeros((4, 3)), np.zeros(3)])
    assert inner.get_weights()[0].any()


class Keeper(keras.callbacks.Callback):
    """Callback that copies the model in every epoch, and then changes the copy."""

    def __init__(self, way):
        self.way, self.copies = way, []

    def on_epoch_end(self, epoch, logs=None):
        self.copies.append(self.way(self.model))
        twin = self.copies[-1]
        twin.set_weights([0 * weight for weight in twin.get_weights()])
        twin.optimizer.learning_rate = 5.0


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_may_keep_the_model(way):
    """Changing the copies does not affect the fit."""
    model, plain, keeper = keras_model(), keras_model(), Keeper(WAYS[way])
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[keeper])
    plain.fit(X, Y, epochs=2, verbose=0)
    assert same_bits(model, plain)
    assert float(model.optimizer.learning_rate) == float(plain.optimizer.learning_rate)
    assert [twin.epoch for twin in keeper.copies] == [1, 2]
    keeper.copies[0].fit(X, Y, verbose=0)
    assert keeper.copies[0].epoch == 2


def test_two_models_inside_are_both_built_and_taught():
    """The inner models have no input shape of their own."""
    inner = [keras.Sequential([keras.layers.Dense(units)], seed=units) for units in (5, 3)]
    outer = keras.Sequential([keras.layers.Input((4,)), *inner], seed=0)
    outer.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    outer, *inner = pickled([outer, *inner])
    outer.fit(X, Y, verbose=0)
    parts = [weight for model in inner for weight in model.get_weights()]
    assert all(map(np.array_equal, parts, outer.get_weights()))
    assert [weight.shape for weight in parts] == [(4, 5), (5,), (5, 3), (3,)]
