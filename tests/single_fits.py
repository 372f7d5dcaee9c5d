"""Data of each kind for tests of folds, and fits of single models that folds must equal."""

import copy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import glassnet as gn
from glassnet import optimizers
from glassnet.data.images import Images
from glassnet.layers import (
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Input,
    MaxPooling2D,
    Rescaling,
    TextVectorization,
)
from glassnet.selection.experiments import Experiment
from glassnet.selection.folds import FoldData, make_folds
from glassnet.selection.runs import Run

N_FOLDS = 3
SPARSE = "sparse_categorical_crossentropy"
BINARY = {"loss": "binary_crossentropy", "metrics": ["accuracy", "auc"]}


class Rows(NamedTuple):
    """Data as `fit` takes them: x, y, sample weights, and the name of a table's target."""

    x: Any
    y: Any = None
    weight: Any = None
    target: str | None = None

    @property
    def options(self):
        return {} if self.target is None else {"target": self.target}

    def take(self, rows):
        """Return the rows at some positions. Windows of a series must follow each other."""
        y, weight = (None if each is None else each[rows] for each in (self.y, self.weight))
        return Rows(take_x(self.x, rows), y, weight, self.target)


def take_x(x, rows):
    if isinstance(x, pd.DataFrame):
        return x.iloc[rows]
    if isinstance(x, Images):
        return replace(x, x=x.x[rows], y=x.y[rows], files=())
    if hasattr(x, "horizon"):  # windows rows[0] to rows[-1] of a series
        return x[rows[0] : rows[-1] + x.length + x.season + x.horizon]
    return x[rows]


def make_runs(experiment, seed=10):
    """Return the runs of three folds, each with a seed of its own."""
    data = FoldData(
        experiment.n_rows,
        labels=experiment.labels,
        is_series=experiment.is_series,
        horizon=experiment.horizon,
    )
    folds = make_folds("test", N_FOLDS, data)
    return [Run(*fold, seed=seed + k) for k, fold in enumerate(folds)]


def train_together(model, rows, **options):
    """Return the results of three folds, trained together."""
    x, y, weight = rows[:3]
    options = {"verbose": 0, "sample_weight": weight} | rows.options | options
    experiment = Experiment("test", model, x, y, options)
    return experiment.train(make_runs(experiment))


def train_alone(model, rows, run, **options):
    """Return a copy of the model, fitted to the training rows of a run with its seed."""
    alone = copy.deepcopy(model)
    alone.reset(run.seed)
    train = rows.take(run.train_rows)
    if not options.get("validation_split"):
        test = rows.take(run.test_rows)
        options["validation_data"] = (
            test.x if test.y is None else test[: 2 + (test.weight is not None)]
        )
    alone.fit(train.x, train.y, sample_weight=train.weight, verbose=0, **rows.options, **options)
    return alone


def evaluate(model, rows):
    x, y, weight = rows[:3]
    return model.evaluate(x, y, sample_weight=weight, verbose=0, return_dict=True)


def make_numbers(n=37):
    """Return rows of four numbers of three classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, size=(n, 4)).astype(np.float32)
    y = np.argmax(x[:, :3] + rng.normal(size=(n, 3)), 1)
    return Rows(x, y)


def make_table(n=61, target="price"):
    """Return a table with two categories, missing values and a number to predict.

    A town needs two training rows for a feature of its own, and six towns have only two rows, so
    folds encode the towns in different widths.
    """
    rng = np.random.default_rng(1)
    town = rng.choice(["north", "south", "east"], n).astype(object)
    town[:12] = np.repeat(["far", "fen", "isle", "moor", "vale", "wood"], 2)
    size = rng.normal(100, 30, n)
    size[rng.choice(n, 8, replace=False)] = np.nan
    rooms = rng.integers(1, 6, n)
    price = 1000 * np.nan_to_num(size, nan=90) + 5000 * rooms + rng.normal(0, 9000, n)
    sold = np.where(price > np.median(price), "yes", "no")
    frame = pd.DataFrame({"town": town, "size": size, "rooms": rooms, "price": price, "sold": sold})
    return Rows(frame.drop(columns="sold" if target == "price" else "price"), target=target)


def make_images(n=26):
    """Return gray images of two classes as arrays of uint8."""
    rng = np.random.default_rng(2)
    y = np.arange(n) % 2
    x = rng.integers(0, 120, (n, 6, 6, 1))
    x[y == 1, :3] += 100
    return Rows(Images(x.astype(np.uint8), y, ("low", "high"), ()))


def make_series(n=70):
    """Return a series with a season of four steps."""
    rng = np.random.default_rng(3)
    values = 20 + 5 * np.sin(np.arange(n) * np.pi / 2) + 0.2 * np.arange(n) + rng.normal(size=n)
    frame = pd.DataFrame({"value": values})
    return Rows(gn.data.series(frame, "value", length=5, horizon=3, season=4))


def make_texts(n=30):
    """Return texts of two classes; many words are in one text only."""
    rng = np.random.default_rng(4)
    y = rng.integers(0, 2, n)
    words = np.array([["bad", "poor", "dull"], ["good", "fine", "great"]])
    texts = [f"a {rng.choice(words[label])} film number{i}" for i, label in enumerate(y)]
    return Rows(np.array(texts), y)


def dense_net(*more, optimizer=None, metrics=("accuracy",), regularizer=None):
    """Return a small classifier of four numbers, with further layers in the middle."""
    layers = [
        Input(4),
        Dense(6, "tanh", kernel_regularizer=regularizer),
        *more,
        Dense(3, "softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizer or optimizers.Adam(0.02), SPARSE, list(metrics))
    return model


def table_net():
    layers = [Dense(8, "relu"), Dropout(0.2), Dense(1)]
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizers.Adam(0.02), "mean_squared_error", ["mae"])
    return model


def image_net():
    layers = [
        Input((6, 6, 1)),
        Rescaling(1 / 255),
        Conv2D(4, 3, activation="relu"),
        MaxPooling2D(),
        Flatten(),
        Dense(2, "softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizers.Adam(0.02), SPARSE, ["accuracy"])
    return model


def series_net():
    model = gn.Sequential([Flatten(), Dense(6, "tanh"), Dense(3)], seed=0)
    model.compile(optimizers.Adam(0.02), "mean_squared_error")
    return model


def text_net(texts=None):
    """Return a classifier of texts; without `texts`, its vocabulary is still to be learned."""
    text = TextVectorization(max_tokens=12, output_sequence_length=6)
    layers = [
        text if texts is None else text.adapt(texts),
        Embedding(12, 4),
        GlobalAveragePooling1D(),
        Dense(1, "sigmoid"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizers.Adam(0.02), **BINARY)
    return model
