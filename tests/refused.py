"""Fits with a folder, and slightly different ones that must be refused."""

import numpy as np

import glassnet as gn
from glassnet.layers import Dense, Input, Normalization
from glassnet.optimizers import SGD
from nets import SPARSE, X, Y, plain_model

OPTIONS = {"epochs": 1, "batch_size": 8, "verbose": 0}


def fit(folder, x=X, y=Y, model=plain_model, **options):
    model = model() if callable(model) else model
    return model, model.fit(x, y, resume=folder, **OPTIONS | options)


def other(x, i=(0, 0), by=1e-3):
    x = np.array(x)
    x[i] += by
    return x


def network(
    units=5, activation="tanh", optimizer=None, loss=SPARSE, metrics=("accuracy",), more=(), **how
):
    def model():
        layers = [
            Input(4),
            Dense(units, activation=activation, **how),
            *more,
            Dense(3, activation="softmax"),
        ]
        model = gn.Sequential(layers, seed=0)
        model.compile(optimizer or SGD(0.1), loss, list(metrics))
        return model

    return model


def adapted(shift):
    return lambda: compiled(
        gn.Sequential([Normalization().adapt(X + shift), Dense(3, activation="softmax")], seed=0)
    )


def compiled(model):
    model.compile(SGD(0.1), SPARSE)
    return model
