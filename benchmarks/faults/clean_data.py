"""Rows for the clean runs: bundled, shared and generated ones, the same in every call."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from cases import Case, Parts

import glassnet as gn

Rows = tuple[np.ndarray, np.ndarray]


def register(cases: list[Case], kind: str) -> Callable[[Callable[[], Parts]], Callable[[], Parts]]:
    """Return a decorator that appends a clean case with the name of the function."""

    def append(make: Callable[[], Parts]) -> Callable[[], Parts]:
        cases.append(Case(make.__name__, "clean", kind, (), make))
        return make

    return append


def network(
    layers: list[Any],
    optimizer: Any = "adam",
    loss: str | Any = "sparse_categorical_crossentropy",
    metrics: Any = ("accuracy",),
    seed: int = 0,
) -> gn.Sequential:
    """Return a compiled model."""
    model = gn.Sequential(layers, seed=seed)
    model.compile(optimizer, loss, metrics)
    return model


def standardize(x: np.ndarray) -> np.ndarray:
    """Return the columns with mean 0 and standard deviation 1."""
    spread = x.std(0)
    scaled: np.ndarray = ((x - x.mean(0)) / np.where(spread > 0, spread, 1)).astype(np.float32)
    return scaled


@functools.cache
def bundled(name: str, rows: int | None = None, seed: int = 0) -> Rows:
    """Return all rows of a dataset, or that many of them, drawn at random."""
    data = gn.datasets.load(name)
    x, y = np.concatenate([data.x, data.x_test]), np.concatenate([data.y, data.y_test])
    if rows is not None:
        order = np.random.default_rng(seed).permutation(len(x))[:rows]
        x, y = x[order], y[order]
    return x, y


def scaled_images(name: str, rows: int | None = None, seed: int = 0) -> Rows:
    """Return images with pixels in 0..1 and a channel, and their labels."""
    x, y = bundled(name, rows, seed)
    top = 16 if name == "digits" else 255
    return (x / top).astype(np.float32)[..., None], y


def frame(name: str, columns: tuple[str, ...]) -> Any:
    """Return a dataset of scikit-learn as a data frame with the target in its own units."""
    import pandas

    x, y = bundled(name)
    table = pandas.DataFrame(x, columns=list(columns))
    table["target"] = y
    return table


def friedman(rows: int, noise: float, seed: int) -> Rows:
    """Return Friedman's first regression, inputs on [-1.7, 1.7], targets with mean 0 and std 1.

    Source: J. Friedman, "Multivariate adaptive regression splines", 1991, eq. 56.
    """
    rng = np.random.default_rng(seed)
    u = rng.uniform(size=(rows, 10))
    signal = 10 * np.sin(np.pi * u[:, 0] * u[:, 1]) + 20 * (u[:, 2] - 0.5) ** 2
    signal += 10 * u[:, 3] + 5 * u[:, 4]
    y = signal + noise * rng.normal(size=rows)
    return standardize(u), standardize(y)


def clouds(rows: int, columns: int, classes: int, spread: float, seed: int) -> Rows:
    """Return classes of two normal clouds each around random centres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(2 * classes, columns))
    cloud = rng.integers(0, 2 * classes, rows)
    x = centres[cloud] + spread * rng.normal(size=(rows, columns))
    return standardize(x), (cloud % classes).astype(np.int64)


def noisy_choice(rows: int, strength: float, seed: int) -> Rows:
    """Return two classes of which nobody can predict more than about two thirds.

    P(y = 1) = sigmoid(strength (x1 + x2 x3)), so the best accuracy is far below 1.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 6)).astype(np.float32)
    z = strength * (x[:, 0] + x[:, 1] * x[:, 2])
    y = (rng.uniform(size=rows) < 1 / (1 + np.exp(-z))).astype(np.int64)
    return x, y


def rare_class(rows: int, share: float, seed: int) -> Rows:
    """Return two classes, of which the second is rare and a ball inside the first."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 5)).astype(np.float32)
    z = x[:, 0] ** 2 + x[:, 1] - x[:, 2] + 0.5 * rng.normal(size=rows)
    return x, (z > np.quantile(z, 1 - share)).astype(np.int64)


def waves(rows: int, steps: int, noise: float, seed: int) -> Rows:
    """Return sines, squares and saw teeth of random phase and frequency with noise."""
    rng = np.random.default_rng(seed)
    shape = rng.integers(0, 3, rows)
    phase = rng.uniform(0, 1, (rows, 1))
    cycles = (phase + rng.uniform(1.5, 2.5, (rows, 1)) * np.arange(steps) / steps) % 1
    sine = np.sin(2 * np.pi * cycles)
    kinds = np.stack([sine, np.sign(sine), 2 * cycles - 1])
    x = kinds[shape, np.arange(rows)] + noise * rng.normal(size=(rows, steps))
    return x[..., None].astype(np.float32), shape.astype(np.int64)


def oscillation(steps: int, noise: float, seed: int) -> np.ndarray:
    """Return a noisy oscillation that remembers its noise: s_t = 1.6 s_(t-1) - 0.8 s_(t-2) + e."""
    rng = np.random.default_rng(seed)
    values = np.zeros(steps + 50)
    for t in range(2, len(values)):
        values[t] = 1.6 * values[t - 1] - 0.8 * values[t - 2] + noise * rng.normal()
    return standardize(values[50:])


WORDS = {
    "sport": "team goal match season player coach league score win defeat final stadium",
    "food": "bread soup oven salt butter cook kitchen taste spice dinner recipe onion",
    "travel": "train hotel city airport beach ticket map museum guide island road harbour",
    "money": "bank price market loan share profit tax budget trade fund wage interest",
    "good": "good fine great fun warm wise",
    "bad": "dull bad boring weak poor sad",
    "none": "the a of and to in was with for on we they it had after before our their some",
}
TOPICS = [words.split() for words in list(WORDS.values())[:4]]
FILLERS = WORDS["none"].split()


def topic_texts(
    rows: int, seed: int, words: int = 14, share: float = 0.25
) -> tuple[np.ndarray, np.ndarray]:
    """Return texts about four topics; a share of the words belongs to the topic."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, len(TOPICS), rows)
    every = [word for topic in TOPICS for word in topic]
    texts = []
    for k in label:
        length = rng.integers(words // 2, words + 1)
        own = rng.uniform(size=length) < share
        strays = rng.uniform(size=length) < 0.15
        chosen = [
            str(rng.choice(TOPICS[k] if mine else every if stray else FILLERS))
            for mine, stray in zip(own, strays, strict=True)
        ]
        texts.append(" ".join(chosen))
    return np.array(texts), label.astype(np.int64)


def opinions(rows: int, seed: int, mistaken: float = 0.15) -> tuple[np.ndarray, np.ndarray]:
    """Return short opinions, good or bad; that share of the labels is wrong."""
    rng = np.random.default_rng(seed)
    words = {
        0: ["dull", "bad", "boring", "weak", "poor", "sad"],
        1: ["good", "fine", "great", "fun", "warm", "wise"],
    }
    label = rng.integers(0, 2, rows)
    texts = [
        " ".join(
            [
                *rng.choice(FILLERS, rng.integers(3, 8)),
                str(rng.choice(words[int(k)])),
                *rng.choice(FILLERS, rng.integers(0, 4)),
            ]
        )
        for k in label
    ]
    wrong = rng.uniform(size=rows) < mistaken
    return np.array(texts), np.where(wrong, 1 - label, label).astype(np.int64)
