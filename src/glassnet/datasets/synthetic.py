"""Datasets generated from a formula and a seed."""

from __future__ import annotations

from functools import partial

import numpy as np

from glassnet.data.dataset import TEST_FRACTION, DatasetFields, DatasetInfo
from glassnet.data.split import random_split, stratified_split
from glassnet.datasets.reviews import make_reviews
from glassnet.errors import is_int, is_number, require
from glassnet.types import Array

FEATURE_NAMES = ("x1", "x2")


def make_line(rng: np.random.Generator) -> DatasetFields:
    """Generate noisy points around y = w x - 20 with w near 12 and the lecture's three losses.

    For every seed, the mean squared error of yhat = w x + b is 599.41 at (w, b) = (8, 3), 703.16 at
    (7, 3) and 566.05 at (9, 3). With the residual r = y - (8 x + 3), these fix three means:

        mean(r^2) = 599.41
        mean(x^2) = (566.05 + 703.16) / 2 - 599.41 = 35.195
        mean(x r) = (703.16 - 566.05) / 4 = 34.2775

    x is uniform on [0, 10), scaled to its mean square. r = offset + slope x + spread e, where e is
    normal noise made orthogonal to 1 and x. So the best line is exactly
    y = (8 + slope) x + (3 + offset), far from b = 3.

    Shapes:
        x (40, 1), y (40,); ten test points follow the same law.

    Source: lectures 000 and 004, the loss of a line.
    """
    x = rng.uniform(0, 10, 50)
    x *= np.sqrt(35.195 / np.mean(x[:40] ** 2))
    x, x_test = x[:40], x[40:]
    # mean(trend**2) <= 34.2775**2 / 35.195 + 23**2 < 599.41 for every x, so spread is never NaN.
    offset = -23.0
    slope = (34.2775 - offset * x.mean()) / 35.195
    trend = offset + slope * x
    spread = np.sqrt(599.41 - np.mean(trend**2))

    noise = rng.normal(size=40)
    columns = np.stack([np.ones(40), x], axis=1)
    noise -= columns @ np.linalg.lstsq(columns, noise)[0]
    noise /= np.sqrt(np.mean(noise**2))

    y = 8 * x + 3 + trend + spread * noise
    y_test = 8 * x_test + 3 + offset + slope * x_test + spread * rng.normal(size=10)
    return _cast_float32(x[:, None], y, x_test[:, None], y_test, ("x",))


def make_plane(rng: np.random.Generator, n: int = 500, noise: float = 0.5) -> DatasetFields:
    """Generate a linear regression: y = 1 + 3 x1 - 2 x2 + noise e, x1 and x2 uniform on [-2, 2).

    e is normal. One linear neuron finds w0 = 1, W = (3, -2).

    Shapes:
        x (n, 2), y (n,); a fifth is held out.

    Source: lecture 002, the example neuron. (The plane of TensorFlow Playground is another one,
        without the intercept.)
    """
    _check_options("plane", n, noise)
    x = rng.uniform(-2, 2, (n, 2))
    y = 1 + x @ (3, -2) + noise * rng.normal(size=n)
    train, test = random_split(n, TEST_FRACTION, rng)
    return _cast_float32(x[train], y[train], x[test], y[test], FEATURE_NAMES)


def make_truth_table(outputs: tuple[int, ...], rng: np.random.Generator) -> DatasetFields:
    """Return the rows (0, 0), (0, 1), (1, 0), (1, 1) of a logic gate, for training and testing.

    Shapes:
        x (4, 2), y (4,).

    Source: lecture 003, XOR.
    """
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array(outputs, np.int64)
    return x, y, x.copy(), y.copy(), FEATURE_NAMES, ("0", "1")


def make_circles(rng: np.random.Generator, n: int = 500, noise: float = 0.1) -> DatasetFields:
    """Generate two concentric circles: x = R (cos t, sin t) + noise e, with R = 1 and 0.5.

    t is uniform on [0, 2 pi), e is normal.

    Shapes:
        x (n, 2), y (n,); a fifth of every class is held out.
    """
    _check_options("circles", n, noise)
    label, t = np.arange(n) % 2, rng.uniform(0, 2 * np.pi, n)
    return _split_noisy_points(
        np.array([1.0, 0.5])[label] * [np.cos(t), np.sin(t)], label, noise, ("outer", "inner"), rng
    )


def make_moons(rng: np.random.Generator, n: int = 500, noise: float = 0.1) -> DatasetFields:
    """Generate two interleaved half circles: (cos t, sin t) and (1 - cos t, 0.5 - sin t).

    t is uniform on [0, pi). Normal noise is added.

    Shapes:
        x (n, 2), y (n,); a fifth of every class is held out.
    """
    _check_options("moons", n, noise)
    label, t = np.arange(n) % 2, rng.uniform(0, np.pi, n)
    upper, lower = np.stack([np.cos(t), np.sin(t)]), np.stack([1 - np.cos(t), 0.5 - np.sin(t)])
    return _split_noisy_points(np.where(label, lower, upper), label, noise, ("upper", "lower"), rng)


def make_spiral(rng: np.random.Generator, n: int = 500, noise: float = 0.03) -> DatasetFields:
    """Generate three spiral arms: x = r (cos a, sin a) + noise e, a = 4 r + 2 pi k / 3 for class k.

    r is uniform on [0.1, 1), e is normal.

    Shapes:
        x (n, 2), y (n,); a fifth of every class is held out.

    Source: after the spiral of Stanford's CS231n notes, which adds the noise to the angle.
    """
    _check_options("spiral", n, noise)
    label, r = np.arange(n) % 3, rng.uniform(0.1, 1, n)
    angle = 4 * r + 2 * np.pi * label / 3
    return _split_noisy_points(
        r * [np.cos(angle), np.sin(angle)], label, noise, ("arm 0", "arm 1", "arm 2"), rng
    )


def make_blobs(rng: np.random.Generator, n: int = 500, noise: float = 0.35) -> DatasetFields:
    """Generate three round clouds: x = (cos a, sin a) + noise e, a = pi / 2 + 2 pi k / 3.

    k is the class, e is normal.

    Shapes:
        x (n, 2), y (n,); a fifth of every class is held out.
    """
    _check_options("blobs", n, noise)
    label = np.arange(n) % 3
    angle = np.pi / 2 + 2 * np.pi * label / 3
    return _split_noisy_points(
        np.stack([np.cos(angle), np.sin(angle)]), label, noise, ("blob 0", "blob 1", "blob 2"), rng
    )


def make_xor_points(rng: np.random.Generator, n: int = 500, noise: float = 0.05) -> DatasetFields:
    """Generate points in four squares: x = s (a, b) + noise e, with a and b uniform on [0.1, 1).

    The signs s are those of the four quadrants. Class 1 has one positive sign, as in XOR. e is
    normal.

    Shapes:
        x (n, 2), y (n,); a fifth of every class is held out.

    Source: lecture 003, XOR; the gap between the classes is that of TensorFlow Playground.
    """
    _check_options("xor_points", n, noise)
    signs = np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]])[np.arange(n) % 4]
    clean = (signs * rng.uniform(0.1, 1, (n, 2))).T
    names = ("same sign", "different signs")
    return _split_noisy_points(clean, np.arange(n) % 2, noise, names, rng)


def make_gaussians(rng: np.random.Generator, n: int = 500, noise: float = 0.6) -> DatasetFields:
    """Generate two round clouds: x = (1, 1) + noise e for class 1, (-1, -1) + noise e for class 0.

    e is normal. The best border is the line x1 + x2 = 0, beyond which lies the share
    Phi(-sqrt(2) / noise) of each cloud: 0.9 % with the default noise.

    Shapes:
        x (n, 2), y (n,); a fifth of every class is held out.
    """
    _check_options("gaussians", n, noise)
    label = np.arange(n) % 2
    clean = np.tile(2.0 * label - 1, (2, 1))
    return _split_noisy_points(clean, label, noise, ("lower left", "upper right"), rng)


def make_pets(rng: np.random.Generator, n: int = 500, noise: float = 1.0) -> DatasetFields:
    """Generate cats and dogs by height in meters and weight in grams.

    A cat is 0.25 m high and weighs 4,500 g, a dog 0.40 m and 9,000 g. The standard deviations are
    0.04 m and 1,200 g, both times noise.

    Shapes:
        x (n, 2), y (n,); a fifth of every class is held out.
    """
    _check_options("pets", n, noise)
    label = np.arange(n) % 2
    means = np.array([[0.25, 4500.0], [0.40, 9000.0]])[label]
    x = (means + noise * rng.normal(size=(n, 2)) * [0.04, 1200]).astype(np.float32)
    y = label.astype(np.int64)
    train, test = stratified_split(y, TEST_FRACTION, rng)
    return x[train], y[train], x[test], y[test], ("height (m)", "weight (g)"), ("cat", "dog")


def make_valley(rng: np.random.Generator, n: int = 500, noise: float = 0.1) -> DatasetFields:
    """Generate a linear regression whose loss is a valley: y = 2 x1 + x2 + noise e.

    x1 is uniform on [-0.3, 0.3), x2 on [-3, 3), and e is normal. The mean squared error of a linear
    neuron is 100 times as curved along w2 as along w1.

    Shapes:
        x (n, 2), y (n,); a fifth is held out.
    """
    _check_options("valley", n, noise)
    x = rng.uniform(-1, 1, (n, 2)) * [0.3, 3]
    y = x @ (2, 1) + noise * rng.normal(size=n)
    train, test = random_split(n, TEST_FRACTION, rng)
    return _cast_float32(x[train], y[train], x[test], y[test], FEATURE_NAMES)


def _check_options(name: str, n: int, noise: float) -> None:
    require(is_int(n, 10), name, "n to be an int >= 10 (rows, training and test together)", n=n)
    require(
        is_number(noise) and noise >= 0,
        name,
        "noise to be a number >= 0 (standard deviation)",
        noise=noise,
    )


def _split_noisy_points(
    clean: Array, label: Array, noise: float, class_names: tuple[str, ...], rng: np.random.Generator
) -> DatasetFields:
    """Add noise to points (2, n) and hold out a fifth of every class."""
    x = (clean.T + noise * rng.normal(size=clean.T.shape)).astype(np.float32)
    y = label.astype(np.int64)
    train, test = stratified_split(y, TEST_FRACTION, rng)
    return x[train], y[train], x[test], y[test], FEATURE_NAMES, class_names


def _cast_float32(
    x: Array, y: Array, x_test: Array, y_test: Array, feature_names: tuple[str, ...]
) -> DatasetFields:
    x, y, x_test, y_test = (part.astype(np.float32) for part in (x, y, x_test, y_test))
    return x, y, x_test, y_test, feature_names, ()


NOTES = "No units. Generated by Glassnet (MIT license)."
AND_GATE, OR_GATE, XOR_GATE = (
    partial(make_truth_table, outputs) for outputs in ((0, 0, 0, 1), (0, 1, 1, 1), (0, 1, 1, 0))
)
ENTRIES = (
    DatasetInfo(
        "line",
        "regression",
        50,
        (1,),
        "generated",
        "Noisy points around a line, with the losses of the lecture.",
        NOTES,
        make_line,
    ),
    DatasetInfo(
        "plane",
        "regression",
        500,
        (2,),
        "generated",
        "A noisy plane, y = 1 + 3 x1 - 2 x2.",
        NOTES,
        make_plane,
    ),
    DatasetInfo(
        "and", "2 classes", 4, (2,), "generated", "The truth table of AND.", NOTES, AND_GATE
    ),
    DatasetInfo("or", "2 classes", 4, (2,), "generated", "The truth table of OR.", NOTES, OR_GATE),
    DatasetInfo(
        "xor",
        "2 classes",
        4,
        (2,),
        "generated",
        "The truth table of XOR, which one layer cannot learn.",
        NOTES,
        XOR_GATE,
    ),
    DatasetInfo(
        "circles",
        "2 classes",
        500,
        (2,),
        "generated",
        "A circle inside another.",
        NOTES,
        make_circles,
    ),
    DatasetInfo(
        "moons",
        "2 classes",
        500,
        (2,),
        "generated",
        "Two interleaved half circles.",
        NOTES,
        make_moons,
    ),
    DatasetInfo(
        "spiral",
        "3 classes",
        500,
        (2,),
        "generated",
        "Three arms wound around each other.",
        NOTES,
        make_spiral,
    ),
    DatasetInfo(
        "blobs",
        "3 classes",
        500,
        (2,),
        "generated",
        "Three round clouds that touch.",
        NOTES,
        make_blobs,
    ),
    DatasetInfo(
        "xor_points",
        "2 classes",
        500,
        (2,),
        "generated",
        "Points in four squares, of one class in opposite ones.",
        NOTES,
        make_xor_points,
    ),
    DatasetInfo(
        "gaussians",
        "2 classes",
        500,
        (2,),
        "generated",
        "Two round clouds that a line separates.",
        NOTES,
        make_gaussians,
    ),
    DatasetInfo(
        "pets",
        "2 classes",
        500,
        (2,),
        "generated",
        "Invented cats and dogs by height and weight, in very different units.",
        "Meters and grams. Generated by Glassnet (MIT license).",
        make_pets,
    ),
    DatasetInfo(
        "valley",
        "regression",
        500,
        (2,),
        "generated",
        "A plane over two inputs of different spread, y = 2 x1 + x2.",
        NOTES,
        make_valley,
    ),
    DatasetInfo(
        "reviews",
        "2 classes",
        2000,
        (),
        "generated",
        "One-sentence reviews whose word order decides the class.",
        NOTES,
        make_reviews,
    ),
)
