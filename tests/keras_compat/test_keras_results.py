"""What notebooks read from layers and callbacks: class names, epochs of a stop, validation hooks.

Oracle: Keras, with the same code from the same weights.
"""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from glassnet import keras
from oracles import LOOSE, close, import_keras

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
RNG = np.random.default_rng(5)
X = RNG.normal(size=(12, 2)).astype(np.float32)
Y = X @ np.array([[1.0], [2.0]], np.float32)
START = [np.array([[0.5], [-0.25]], np.float32), np.zeros(1, np.float32)]


@pytest.fixture(scope="module")
def real():
    return import_keras()


def line(k):
    model = k.Sequential([k.Input((2,)), k.layers.Dense(1)])
    model.compile(k.optimizers.SGD(0.1), "mse", metrics=["mae"])
    model.set_weights(START)
    return model


def make_layers(k):
    make = k.layers
    return [
        make.Dense(2),
        make.Conv2D(2, 3),
        make.MaxPool2D(),
        make.Activation("relu"),
        make.ReLU(),
        make.LeakyReLU(),
        make.Lambda(lambda x: x),
        make.SpatialDropout1D(0.2),
        make.Bidirectional(make.LSTM(2)),
        make.RNN(make.GRUCell(2)),
        make.TimeDistributed(make.Dense(2)),
        make.Add(),
        make.Concatenate(),
        make.Average(),
        make.InputLayer((3,)),
        make.RandomFlip(),
    ]


@pytest.mark.live_keras
def test_a_layer_s_class_has_keras_s_name(real):
    kinds, expected = (
        [(type(layer).__name__, layer.__class__.__name__) for layer in make_layers(k)]
        for k in (keras, real)
    )
    assert kinds == expected


@pytest.mark.live_keras
def test_the_layers_of_models_have_keras_s_class_names(real):
    def kinds(k):
        inputs = k.Input((4,))
        x = k.layers.Dense(4, "relu")(inputs)
        model = k.Model(inputs, k.layers.Dropout(0.2)(k.layers.add([x, inputs])))
        chain = k.models.clone_model(k.Sequential([k.Input((4,)), k.layers.Dense(2)]))
        return [[type(layer).__name__ for layer in one.layers] for one in (model, chain)]

    assert kinds(keras) == kinds(real)


@pytest.mark.live_keras
def test_activations_of_layers_are_functions(real):
    def values(k):
        make = k.layers
        layers = make.Dense(2, "relu"), make.Dense(2), make.Activation("tanh"), make.LSTM(2)
        found = [layer.activation for layer in layers] + [layers[-1].recurrent_activation]
        return [f.__name__ for f in found], [np.asarray(f(START[0])) for f in found]

    mine, theirs = values(keras), values(real)
    assert mine[0] == theirs[0]
    for a, b in zip(mine[1], theirs[1], strict=True):
        close(a, b, LOOSE)
    assert keras.layers.Dense(2, "relu").activation is keras.activations.relu


def test_copies_of_a_layer_keep_class_and_weights():
    layer = keras.layers.Dense(3)
    y = layer(X).numpy()
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert type(twin) is type(layer)
        assert isinstance(twin, keras.layers.Dense)
        assert not isinstance(twin, keras.layers.Conv2D)
        close(twin(X).numpy(), y, LOOSE)


@pytest.mark.live_keras
@pytest.mark.parametrize("options", [{"min_delta": 100, "patience": 2}, {"patience": 50}])
def test_early_stopping_knows_its_epochs(real, options):
    def results(k):
        stop = k.callbacks.EarlyStopping("val_loss", restore_best_weights=True, **options)
        line(k).fit(X, Y, epochs=6, validation_data=(X, Y), callbacks=[stop], verbose=0)
        return stop.stopped_epoch, stop.best_epoch, stop.wait, float(stop.best)

    mine, theirs = results(keras), results(real)
    assert mine[:3] == theirs[:3]
    close(mine[3], theirs[3], LOOSE)


@pytest.mark.live_keras
@pytest.mark.parametrize("validate", [True, False])
def test_hooks_around_the_validation_are_called_before_the_end_of_an_epoch(real, validate):
    def calls(k):
        made = []

        class Recorder(k.callbacks.Callback):
            def on_test_begin(self, logs=None):
                made.append(("begin", {}))

            def on_test_end(self, logs=None):
                made.append(("end", dict(logs)))

            def on_epoch_end(self, epoch, logs=None):
                made.append(("epoch", {"epoch": epoch}))

        data = {"validation_data": (X[:4], Y[:4])} if validate else {}
        options = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
        line(k).fit(X, Y, callbacks=[Recorder()], **options, **data)
        return made

    mine, theirs = calls(keras), calls(real)
    assert [name for name, _ in mine] == [name for name, _ in theirs]
    for (_, a), (_, b) in zip(mine, theirs, strict=True):
        assert set(a) == set(b)
        close([a[key] for key in sorted(a)], [b[key] for key in sorted(b)], LOOSE)
