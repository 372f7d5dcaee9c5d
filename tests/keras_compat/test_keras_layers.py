"""Networks of layers that are made in the Keras layout only, against Keras on JAX.

Oracle: losses and weights of Keras after three epochs from the same starting weights.
"""

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ConfigError
from oracles import FLOAT32, close

SEQUENCES = np.random.default_rng(0).normal(size=(9, 6, 3)).astype(np.float32)
SEQUENCES[0, 4:] = SEQUENCES[3, 1:] = 0
FILMS = np.random.default_rng(1).normal(size=(9, 3, 6, 6, 2)).astype(np.float32)
IN_ORDER = {"batch_size": 4, "epochs": 3, "shuffle": False, "verbose": 0}

NETWORKS = {
    "a cell": lambda k: [k.RNN(k.LSTMCell(3, unit_forget_bias=False)), k.Dense(1)],
    "two cells": lambda k: [
        k.RNN([k.GRUCell(3), k.SimpleRNNCell(2)], return_sequences=True, go_backwards=True),
        k.Flatten(),
        k.Dense(1),
    ],
    "masked cells": lambda k: [
        k.Masking(),
        k.RNN(k.StackedRNNCells([k.LSTMCell(3), k.GRUCell(2, reset_after=False)])),
        k.Dense(1),
    ],
    "sequences": lambda k: [
        k.SeparableConvolution1D(4, 2, depth_multiplier=2, activation="tanh"),
        k.ZeroPadding1D(1),
        k.UpSampling1D(2),
        k.Cropping1D((1, 2)),
        k.Convolution1DTranspose(4, 3, 2, "same", 1, activation="tanh"),
        k.GroupNormalization(2),
        k.DepthwiseConv1D(3, depth_multiplier=2),
        k.GlobalAveragePooling1D(),
        k.Dense(1),
    ],
    "films": lambda k: [
        k.TimeDistributed(k.Conv2D(4, 3, groups=2, activation="tanh")),
        k.TimeDistributed(k.BatchNormalization()),
        k.TimeDistributed(k.SeparableConv2D(3, 2, activation="tanh")),
        k.TimeDistributed(k.Flatten()),
        k.TimeDistributed(k.Dense(4, activation="tanh")),
        k.RNN(k.SimpleRNNCell(3)),
        k.Dense(1),
    ],
}


def make_model(k, name, shape):
    model = k.Sequential([k.Input(shape), *NETWORKS[name](k.layers)])
    model.compile(k.optimizers.SGD(0.1), "mse")
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_training_as_in_keras(recorded, name):
    x = FILMS if name == "films" else SEQUENCES
    y = np.cos(np.arange(9.0, dtype=np.float32))[:, None]
    keras.utils.set_random_seed(3)
    ours = make_model(keras, name, x.shape[1:])
    weights = ours.get_weights()

    def live(real, name, x, y, weights):
        theirs = make_model(real, name, x.shape[1:])
        theirs.set_weights(weights)
        return theirs.fit(x, y, **IN_ORDER).history["loss"], theirs.get_weights()

    losses, trained = recorded(live, name, x, y, weights)
    close(ours.fit(x, y, **IN_ORDER).history["loss"], losses, 50 * FLOAT32)
    for got, want in zip(ours.get_weights(), trained, strict=True):
        close(got, want, 50 * FLOAT32)


def test_whole_channels_are_dropped():
    """Relation: of each row and channel all numbers are zero, or all are doubled."""
    for layer, x in (
        (keras.layers.SpatialDropout1D(0.5), SEQUENCES[:1] + 10),
        (keras.layers.SpatialDropout2D(0.5), FILMS[0, :1] + 10),
    ):
        x = np.repeat(x, 200, 0)
        core = keras.Sequential([layer]).glassnet_model.layers[0].layer
        y, _ = core.apply({}, {}, x, key=np.uint32([0, 7]), train=True, mask=None)
        ratio = np.asarray(y / x).reshape(200, -1, x.shape[-1])
        assert (ratio == ratio[:, :1]).all()
        assert set(np.unique(ratio).round(5).tolist()) == {0.0, 2.0}
        assert abs(ratio.mean() - 1) < 0.1


def test_types():
    k = keras.layers
    one, stack = k.RNN(k.LSTMCell(3)), k.RNN([k.LSTMCell(3), k.GRUCell(2)])
    assert isinstance(one, k.RNN)
    assert isinstance(one, k.LSTM)
    assert isinstance(stack, k.RNN)
    assert isinstance(k.SimpleRNN(3), k.RNN)
    assert not isinstance(k.Dense(3), k.RNN)
    assert isinstance(k.LSTMCell(3), k.LSTMCell)
    assert not isinstance(k.LSTMCell(3), k.GRUCell)
    assert isinstance(k.StackedRNNCells([k.GRUCell(3)]), k.StackedRNNCells)
    assert isinstance(k.SpatialDropout1D(0.5), k.Dropout)
    assert isinstance(k.SpatialDropout1D(0.5), k.SpatialDropout1D)
    assert not isinstance(k.SpatialDropout1D(0.5), k.SpatialDropout2D)
    assert not isinstance(k.Dropout(0.5), k.SpatialDropout1D)
    assert not isinstance(k.Dense(3), k.StringLookup)


REFUSED = {
    "ActivityRegularization: expected penalties of weights (the loss has no penalties of outputs). Write kernel_regularizer= in the layer before it.": lambda k: (
        k.ActivityRegularization(l1=0.1)
    ),
    "RNN: expected a SimpleRNNCell, GRUCell or LSTMCell, or a list of them. Received: cell='int'. Write RNN(LSTMCell(32)), with a list": lambda k: (
        k.RNN(3)
    ),
    "StackedRNNCells: expected a list of SimpleRNNCell, GRUCell or LSTMCell. Received: cells=['int'].": lambda k: (
        k.StackedRNNCells([1])
    ),
    "RNN: expected stateful=False (no other value is supported). Received: stateful=True. Every row starts from zero: pass complete sequences.": lambda k: (
        k.RNN(k.GRUCell(3), stateful=True)
    ),
    "LSTM: expected units to be an int >= 1.": lambda k: k.LSTMCell(0),
    "CategoryEncoding: expected classes encoded before the network. Write keras.utils.to_categorical(x, num_classes). Columns of a table": lambda k: (
        k.CategoryEncoding(3)
    ),
    "Discretization: expected bins computed before the network. Write np.digitize(x, boundaries).": lambda k: (
        k.Discretization([0.0, 1.0])
    ),
    "Hashing: expected bins computed before the network. Write [zlib.crc32(": lambda k: k.Hashing(
        9
    ),
    "IntegerLookup: expected numbers of categories computed before the network. Write np.unique(x, return_inverse=True).": lambda k: (
        k.IntegerLookup()
    ),
    "StringLookup: expected numbers of categories computed before the network.": lambda k: (
        k.StringLookup(vocabulary=["a"])
    ),
    "Resizing: expected fill_mode='constant' (no other value is supported).": lambda k: k.Resizing(
        2, 2, fill_mode="reflect"
    ),
}


@pytest.mark.parametrize("says", REFUSED)
def test_what_is_refused_says_what_to_write(says):
    with pytest.raises(ConfigError) as caught:
        REFUSED[says](keras.layers)
    assert says in str(caught.value)
