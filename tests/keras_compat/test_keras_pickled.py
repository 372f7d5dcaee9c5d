"""Keras's Sequential pickled and copied: with its name, the models inside it, and while it is being
fitted.

Oracle: the model that was never pickled.
"""

import copy

import numpy as np
import pytest

from copying import WAYS, pickled
from glassnet import keras
from nets import X, Y, same_bits


def keras_model(**named):
    model = keras.Sequential(
        [keras.layers.Dense(4, input_shape=(4,), activation="relu"), keras.layers.Dense(3)],
        seed=0,
        **named,
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
    twin, own = WAYS[way]([outer, inner])
    twin.fit(X, Y, verbose=0)
    assert all(map(np.array_equal, before, inner.get_weights()))
    assert not any(map(np.array_equal, before, own.get_weights()))
    assert all(map(np.array_equal, own.get_weights(), twin.get_weights()))
    own.set_weights([np.zeros_like(weight) for weight in own.get_weights()])
    np.testing.assert_array_equal(twin.predict(X), np.full((len(X), 3), 1 / 3, np.float32))


def test_layers_added_to_a_copy_are_not_the_originals():
    model = keras.Sequential(seed=0)
    copy.copy(model).add(keras_model())
    assert (model._submodels, model._shared_layers, model._layers) == ((), (), ())


class Keeper(keras.callbacks.Callback):
    """Keeps the model of every epoch, and then writes to it."""

    def __init__(self, way):
        self.way, self.kept = way, []

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(self.way(self.model))
        twin = self.kept[-1]
        twin.set_weights([0 * weight for weight in twin.get_weights()])
        twin.optimizer.learning_rate = 5.0


@pytest.mark.parametrize("way", WAYS)
def test_a_callback_may_keep_the_model(way):
    """Writing to what it kept changes nothing of the fit: as without it."""
    model, alone, keeper = keras_model(), keras_model(), Keeper(WAYS[way])
    model.fit(X, Y, epochs=2, verbose=0, callbacks=[keeper])
    alone.fit(X, Y, epochs=2, verbose=0)
    assert same_bits(model, alone)
    assert float(model.optimizer.learning_rate) == float(alone.optimizer.learning_rate)
    assert [twin.epoch for twin in keeper.kept] == [1, 2]
    keeper.kept[0].fit(X, Y, verbose=0)
    assert keeper.kept[0].epoch == 2


def test_two_models_inside_are_both_built_and_taught():
    """Neither knows the shape of its input by itself."""
    inner = [keras.Sequential([keras.layers.Dense(units)], seed=units) for units in (5, 3)]
    outer = keras.Sequential([keras.layers.Input((4,)), *inner], seed=0)
    outer.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    outer, *inner = pickled([outer, *inner])
    outer.fit(X, Y, verbose=0)
    parts = [weight for model in inner for weight in model.get_weights()]
    assert all(map(np.array_equal, parts, outer.get_weights()))
    assert [weight.shape for weight in parts] == [(4, 5), (5,), (5, 3), (3,)]
