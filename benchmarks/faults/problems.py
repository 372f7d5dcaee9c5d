"""Ordinary problems that train well, and what puts a fault into one of them.

A `Setup` is a problem before anything is built. A fault is a function from a setup to a setup. A
`Recipe` is a problem's name and its faults. It is what `Case.make` and `Case.twin` are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from cases import Case, Parts

import glassnet as gn
from glassnet.layers import (
    GRU,
    LSTM,
    Conv1D,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Layer,
    MaxPooling2D,
    SimpleRNN,
)
from glassnet.optimizers import SGD, Adam, Optimizer, RMSprop

SPARSE, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"
WORDS, LENGTH = 300, 24


class Rows(NamedTuple):
    """Rows x (n, ...) with their targets y (n,)."""

    x: np.ndarray
    y: np.ndarray

    def select(self, rows: Any) -> Rows:
        return Rows(self.x[rows], self.y[rows])


@dataclass(frozen=True, eq=False)
class Setup:
    """A problem before its network is built.

    Args:
        kind: "table", "image" or "sequence".
        train, validation: rows for `fit`.
        test: rows on which a fault and its twin are compared.
        layers: the last gives the answer.
        fit: further arguments of `fit`.
    """

    kind: str
    train: Rows
    validation: Rows
    test: Rows
    layers: tuple[Layer, ...]
    loss: Any
    optimizer: Optimizer
    epochs: int
    batch_size: int = 32
    seed: int = 0
    fit: dict[str, Any] = field(default_factory=dict)

    @property
    def is_regression(self) -> bool:
        return self.train.y.dtype.kind == "f"


Fault: TypeAlias = Callable[[Setup], Setup]


@dataclass(frozen=True)
class Recipe:
    """A problem with faults in it: call it for a compiled model, x, y and arguments of `fit`."""

    problem: str
    faults: tuple[Fault, ...] = ()

    def setup(self) -> Setup:
        setup = PROBLEMS[self.problem]()
        for fault in self.faults:
            setup = fault(setup)
        return setup

    def __call__(self) -> Parts:
        setup = self.setup()
        model = gn.Sequential(list(setup.layers), seed=setup.seed)
        model.compile(setup.optimizer, setup.loss, () if setup.is_regression else ("accuracy",))
        options = {"validation_data": tuple(setup.validation), "epochs": setup.epochs}
        options |= {"batch_size": setup.batch_size, "verbose": 0} | setup.fit
        return model, setup.train.x, setup.train.y, options


def make_case(
    family: str,
    problem: str,
    expected: str,
    *faults: Fault,
    grade: str = "",
    also: tuple[Fault, ...] = (),
    twin: tuple[Fault, ...] = (),
) -> Case:
    """Return a case of a family.

    Args:
        family: name of the fault.
        problem: one of `PROBLEMS`.
        expected: names of the rules that are right, with blanks between them.
        faults: what makes the case sick.
        grade: what tells cases of the family on the same problem from each other.
        also: what both the case and its twin have, before the faults.
        twin: what only the twin has.
    """
    name = f"{family}/{problem}" + (f"/{grade}" if grade else "")
    recipe, healthy = Recipe(problem, also + faults), Recipe(problem, also + twin)
    return Case(name, family, KINDS[problem], tuple(expected.split()), recipe, healthy)


def split(x: np.ndarray, y: np.ndarray, train: int, validation: int, seed: int = 0) -> list[Rows]:
    """Return training, validation and test rows in random order."""
    order = np.random.default_rng(seed).permutation(len(x))
    parts = np.split(order, [train, train + validation])
    return [Rows(x[rows], y[rows]) for rows in parts]


def standardize(rows: list[Rows], target: bool = False) -> list[Rows]:
    """Return the parts with columns of mean 0 and deviation 1 over the training rows."""
    x, y = rows[0]
    mean, deviation = x.mean(0), x.std(0) + 1e-9
    shift, scale = (y.mean(), y.std()) if target else (0, 1)
    change = lambda part: ((part.y - shift) / scale).astype(y.dtype) if target else part.y  # noqa: E731
    return [Rows(((part.x - mean) / deviation).astype(np.float32), change(part)) for part in rows]


# ---------------------------------------------------------------------------------- data
@cache
def titanic_rows() -> tuple[np.ndarray, np.ndarray]:
    frame = gn.datasets.load("titanic").frame
    frame = frame.rename(columns=str.lower)
    age = frame["age"].fillna(frame["age"].median())
    columns = [frame["pclass"], frame["sex"].astype(str).eq("female"), age, frame["sibsp"]]
    columns += [frame["parch"], frame["fare"]]
    x = np.stack([np.asarray(column, np.float32) for column in columns], 1)
    return x, np.asarray(frame["survived"], np.int64)


@cache
def house_rows() -> tuple[np.ndarray, np.ndarray]:
    frame = gn.datasets.load("house_prices").frame
    numbers = frame.select_dtypes("number").drop(columns=["SalePrice", "Id"], errors="ignore")
    x = np.asarray(numbers.fillna(numbers.median()), np.float32)
    x = x[:, np.argsort(-np.abs(np.corrcoef(x.T, frame["SalePrice"])[-1, :-1]))[:16]]
    return x, np.asarray(frame["SalePrice"], np.float32)


@cache
def plain_rows(name: str) -> tuple[np.ndarray, np.ndarray]:
    options = {"n": 1500, "noise": 0.15} if name in ("moons", "spiral", "circles") else {}
    data = gn.datasets.load(name, **options)
    return np.concatenate([data.x, data.x_test]), np.concatenate([data.y, data.y_test])


@cache
def image_rows(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels from 0 to 1, 2,000 images at most."""
    data = gn.datasets.load(name)
    x = np.concatenate([data.x[:1500], data.x_test[:500]]).astype(np.float32)
    y = np.concatenate([data.y[:1500], data.y_test[:500]])
    return x / x.max(), y


@cache
def wave_rows(noise: float = 0.7) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy waves (1800, 24, 1) of three forms at any phase: no linear model tells them."""
    rng = np.random.default_rng(7)
    y = rng.integers(0, 3, 1800)
    angle = np.arange(24) * 2 * np.pi / np.array([12, 8, 6])[y][:, None]
    x = np.sin(angle + rng.uniform(0, 2 * np.pi, (1800, 1))) + noise * rng.normal(size=(1800, 24))
    return x[..., None].astype(np.float32), y


@cache
def series_rows() -> tuple[np.ndarray, np.ndarray]:
    """Return windows of 20 months and the next: a wave with a slow one on it, and noise."""
    rng, t = np.random.default_rng(3), np.arange(1620)
    series = np.sin(t * 2 * np.pi / 12) + 0.6 * np.sin(t * 2 * np.pi / 37)
    series = (series + 0.2 * rng.normal(size=t.size)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(series, 21)
    return windows[:, :20, None].copy(), windows[:, 20].copy()


@cache
def review_rows() -> tuple[np.ndarray, np.ndarray]:
    """Return reviews as numbers of their words (n, 24), 0 in front: their order decides."""
    data = gn.datasets.load("reviews")
    texts = [*data.x, *data.x_test]
    words: dict[str, int] = {}
    split_texts = [text.lower().replace(",", " ").replace(".", " ").split() for text in texts]
    for text in split_texts:
        for word in text:
            words[word] = words.get(word, 0) + 1
    ranks = {word: i + 2 for i, word in enumerate(sorted(words, key=lambda w: (-words[w], w)))}
    x = np.zeros((len(texts), LENGTH), np.float32)
    for row, text in zip(x, split_texts, strict=True):
        numbers = [ranks[word] if ranks[word] < WORDS else 1 for word in text][:LENGTH]
        row[len(row) - len(numbers) :] = numbers
    return x, np.concatenate([data.y, data.y_test])


# ---------------------------------------------------------------------------------- problems
def dense(*units: int, activation: str = "relu") -> tuple[Layer, ...]:
    return tuple(Dense(n, activation, kernel_initializer="he_uniform") for n in units)


def titanic() -> Setup:
    rows = standardize(split(*titanic_rows(), 500, 200))
    layers = (*dense(32, 16), Dense(1, "sigmoid"))
    return Setup("table", *rows, layers, BINARY, Adam(0.003), 20)


def cancer() -> Setup:
    rows = standardize(split(*plain_rows("breast_cancer"), 320, 120))
    return Setup("table", *rows, (*dense(24, 24), Dense(1, "sigmoid")), BINARY, SGD(0.05), 20)


def houses() -> Setup:
    rows = standardize(split(*house_rows(), 900, 300), target=True)
    return Setup("table", *rows, (*dense(32, 16), Dense(1)), "mse", SGD(0.02), 25)


def spiral() -> Setup:
    rows = standardize(split(*plain_rows("spiral"), 800, 300))
    return Setup("table", *rows, (*dense(32, 32), Dense(3, "softmax")), SPARSE, Adam(0.01), 40)


def moons() -> Setup:
    rows = standardize(split(*plain_rows("moons"), 800, 300))
    layers = (*dense(16, 16, activation="tanh"), Dense(1, "sigmoid"))
    return Setup("table", *rows, layers, BINARY, Adam(0.01), 25)


def circles() -> Setup:
    rows = standardize(split(*plain_rows("circles"), 800, 300))
    layers = (*dense(24, 24), Dense(1, "sigmoid"))
    return Setup("table", *rows, layers, BINARY, Adam(0.01), 25)


def wine() -> Setup:
    rows = standardize(split(*plain_rows("wine"), 100, 38))
    return Setup("table", *rows, (*dense(16), Dense(3, "softmax")), SPARSE, SGD(0.1), 30, 16)


def digits() -> Setup:
    x, y = image_rows("digits")
    rows = split(x.reshape(len(x), -1), y, 1000, 400)
    return Setup("image", *rows, (*dense(48, 32), Dense(10, "softmax")), SPARSE, Adam(0.003), 15)


def fashion() -> Setup:
    x, y = image_rows("fashion_mnist")
    rows = split(x.reshape(len(x), -1), y, 1200, 400)
    layers = (*dense(64, 32), Dense(10, "softmax"))
    return Setup("image", *rows, layers, SPARSE, SGD(0.05, momentum=0.9), 12)


def mnist() -> Setup:
    rows = split(image_rows("mnist")[0][:, ::2, ::2, None], image_rows("mnist")[1], 1000, 400)
    first = Conv2D(8, 3, activation="relu", kernel_initializer="he_uniform")
    layers = (first, MaxPooling2D(2), Flatten(), *dense(32), Dense(10, "softmax"))
    return Setup("image", *rows, layers, SPARSE, Adam(0.003), 12)


def lines() -> Setup:
    """Return digits read line by line: 8 steps of 8 pixels."""
    x, y = image_rows("digits")
    rows = split(x, y, 1000, 400)
    return Setup("sequence", *rows, (GRU(32), Dense(10, "softmax")), SPARSE, Adam(0.01), 12)


def waves() -> Setup:
    rows = split(*wave_rows(), 1000, 400)
    first = Conv1D(16, 7, activation="relu", kernel_initializer="he_uniform")
    layers = (first, GlobalAveragePooling1D(), *dense(16), Dense(3, "softmax"))
    return Setup("sequence", *rows, layers, SPARSE, Adam(0.005), 20)


def flat_waves() -> Setup:
    rows = [Rows(x[..., 0], y) for x, y in split(*wave_rows(0.8), 1000, 400)]
    return Setup("sequence", *rows, (*dense(48, 32), Dense(3, "softmax")), SPARSE, Adam(0.003), 20)


def series() -> Setup:
    rows = split(*series_rows(), 1000, 300)
    return Setup("sequence", *rows, (SimpleRNN(24), Dense(1)), "mse", RMSprop(0.003), 12)


def forecast() -> Setup:
    rows = [Rows(x[..., 0], y) for x, y in split(*series_rows(), 1000, 300)]
    return Setup("sequence", *rows, (*dense(24), Dense(1)), "mse", SGD(0.03), 20)


def memory() -> Setup:
    x, y = image_rows("digits")
    rows = split(x, y, 800, 300)
    return Setup("sequence", *rows, (LSTM(24), Dense(10, "softmax")), SPARSE, Adam(0.01), 15)


def reviews() -> Setup:
    rows = split(*review_rows(), 1000, 400)
    layers = (Embedding(WORDS, 16), GRU(16), Dense(1, "sigmoid"))
    return Setup("sequence", *rows, layers, BINARY, Adam(0.01), 12)


PROBLEMS: dict[str, Callable[[], Setup]] = {
    make.__name__: make
    for make in (
        *(titanic, cancer, houses, spiral, moons, circles, wine),
        *(digits, fashion, mnist),
        *(lines, waves, flat_waves, series, forecast, memory, reviews),
    )
}
KINDS = dict.fromkeys(PROBLEMS, "sequence")
TABLES = ("titanic", "cancer", "houses", "spiral", "moons", "circles", "wine")
KINDS |= dict.fromkeys(TABLES, "table")
KINDS |= dict.fromkeys(("digits", "fashion", "mnist"), "image")


# ---------------------------------------------------------------------------------- parts of faults
def inputs(change: Callable[[np.ndarray], np.ndarray]) -> Fault:
    """Return the fault that changes the inputs of all rows."""

    def fault(setup: Setup) -> Setup:
        parts = (setup.train, setup.validation, setup.test)
        train, validation, test = (
            rows._replace(x=np.asarray(change(rows.x), np.float32)) for rows in parts
        )
        return replace(setup, train=train, validation=validation, test=test)

    return fault


def targets(change: Callable[[np.ndarray], np.ndarray]) -> Fault:
    """Return the fault that changes the targets of all rows."""

    def fault(setup: Setup) -> Setup:
        parts = (setup.train, setup.validation, setup.test)
        train, validation, test = (rows._replace(y=change(rows.y)) for rows in parts)
        return replace(setup, train=train, validation=validation, test=test)

    return fault


def rate(factor: float) -> Fault:
    """Return the fault that multiplies the learning rate."""

    def fault(setup: Setup) -> Setup:
        optimizer: Any = setup.optimizer
        return optimize(replace(optimizer, learning_rate=optimizer.learning_rate * factor))(setup)

    return fault


def optimize(optimizer: Optimizer) -> Fault:
    """Return the fault (or the choice) of another optimizer."""
    return lambda setup: replace(setup, optimizer=optimizer)


def settings(**changes: Any) -> Fault:
    """Return the fault that replaces fields of the setup: epochs, batch_size, loss, layers."""
    return lambda setup: replace(setup, **changes)


def fit_with(**options: Any) -> Fault:
    """Return the fault that adds arguments of `fit`."""
    return lambda setup: replace(setup, fit=setup.fit | options)


def hidden(**changes: Any) -> Fault:
    """Return the fault that changes fields of every hidden layer that has them."""

    def fault(setup: Setup) -> Setup:
        *body, last = setup.layers
        return replace(setup, layers=(*(change_layer(layer, changes) for layer in body), last))

    return fault


def output(**changes: Any) -> Fault:
    """Return the fault that changes fields of the last layer."""

    def fault(setup: Setup) -> Setup:
        *body, last = setup.layers
        return replace(setup, layers=(*body, change_layer(last, changes)))

    return fault


def change_layer(layer: Any, changes: dict[str, Any]) -> Layer:
    names = {name: value for name, value in changes.items() if hasattr(layer, name)}
    return replace(layer, **names) if names else layer


def as_numbers(factor: float, shift: float = 0.0) -> tuple[Fault, ...]:
    """Return what makes the target a number: the class times a factor, plus a shift."""

    def fault(setup: Setup) -> Setup:
        return replace(setup, layers=(*setup.layers[:-1], Dense(1)), loss="mse")

    return fault, targets(lambda y: (y * factor + shift).astype(np.float32))


def fewer(train: int) -> Fault:
    """Return the fault that keeps the first rows of training."""
    return lambda setup: replace(setup, train=setup.train.select(slice(train)))


def data_noise(deviation: float) -> Fault:
    """Return the fault of inputs with noise, which makes the task harder."""

    def change(x: np.ndarray) -> np.ndarray:
        return x + deviation * np.random.default_rng(len(x)).normal(size=x.shape)

    return inputs(change)


def insert(make: Callable[[], Layer], after_each: bool = True) -> Fault:
    """Return the fault that puts a layer after each hidden layer, or only before the last."""

    def fault(setup: Setup) -> Setup:
        *body, last = setup.layers
        layers: list[Layer] = []
        for i, layer in enumerate(body):
            ends = isinstance(layer, Dense) if after_each else i == len(body) - 1
            layers += [layer, make()] if ends else [layer]
        return replace(setup, layers=(*layers, last))

    return fault
