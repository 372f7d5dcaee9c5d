"""Small models and data that test files share, so that equal programs compile once."""

import hashlib

import numpy as np

import glassnet as gn
from glassnet.layers import BatchNormalization, Dense, Dropout, Input
from glassnet.optimizers import SGD, Adam

SPARSE = "sparse_categorical_crossentropy"
ROWS = 37
"""37 rows minus 7 for validation are 30: batches of 8, 8, 8 and a short one of 6."""

_rng = np.random.default_rng(0)
X = _rng.normal(size=(ROWS, 4)).astype(np.float32)
Y = _rng.integers(0, 3, ROWS)
ONE_HOT = np.eye(3, dtype=np.float32)[Y]
WEIGHT = np.linspace(0.1, 2, ROWS, dtype=np.float32)
for array in (X, Y, ONE_HOT, WEIGHT):
    array.flags.writeable = False


def noisy_model(seed=0):
    """Return a model whose run depends on its past: batch statistics, noise, optimizer state."""
    layers = [
        Dense(6, activation="tanh"),
        BatchNormalization(),
        Dropout(0.3),
        Dense(3, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=seed)
    model.compile(Adam(0.02), SPARSE, ["accuracy"])
    return model


def fit_noisy(model, epochs, **options):
    return model.fit(X, Y, batch_size=8, epochs=epochs, validation_split=0.2, verbose=0, **options)


def plain_model(optimizer=None, seed=0, loss=SPARSE):
    model = gn.Sequential(
        [Input(4), Dense(5, activation="tanh"), Dense(3, activation="softmax")], seed=seed
    )
    model.compile(optimizer or SGD(0.1), loss)
    return model


def line_model(optimizer, kernel=2.0, bias=0.5):
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    model.compile(optimizer, "mean_squared_error")
    model.set_weights([[[kernel]], [bias]])
    return model


def same_bits(a, b):
    return all(
        np.array_equal(left, right)
        for left, right in zip(a.get_weights(), b.get_weights(), strict=True)
    )


def digest(model):
    """Return a hash of the weights, to compare with another process."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()
