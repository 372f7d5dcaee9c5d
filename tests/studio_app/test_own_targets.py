"""Targets of own arrays as classes or as numbers. Oracles: the arrays, and the lines of Python that
the data print: they are run on the arrays.
"""

import doctest

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import DataError
from glassnet.layers import Dense
from glassnet.studio_app import own_targets as module
from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.own_data import own_data
from glassnet.studio_app.settings import DataSettings
from glassnet.studio_app.starts import start_with_model

X = np.arange(24.0).reshape(12, 2)
STARS = np.arange(12) % 4
HALVES = STARS / 2 + 0.25


def make(y, target_type, **options):
    settings = DataSettings("own", test_share=0, target_type=target_type)
    return make_data(settings, own_data(X, y, **options))


def test_example():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("y", "target_type", "names", "expected"),
    [
        (STARS, None, ("0", "1", "2", "3"), STARS),
        (STARS, "category", ("0", "1", "2", "3"), STARS),
        (STARS, "number", (), STARS),
        (STARS + 0.0, None, (), STARS),
        (STARS + 1.0, "category", ("0", "1", "2", "3", "4"), STARS + 1),
        (STARS + 0.0, "number", (), STARS),
        (HALVES, "category", ("0.25", "0.75", "1.25", "1.75"), STARS),
        (list("abca" * 3), "category", ("a", "b", "c"), [0, 1, 2, 0] * 3),
    ],
)
def test_targets(y, target_type, names, expected):
    data = make(y, target_type, validation_data=(X[:4], y[:4]))
    assert data.class_names == names
    assert data.has_target_type
    assert data.y.tolist() == list(expected)
    data = make_data(
        DataSettings("own", target_type=target_type), own_data(X, y, validation_data=(X, y))
    )
    assert data.test[1].tolist() == list(expected)


def test_few_integers_are_mentioned():
    text = "y has 4 different integers, which are treated as {}. If they are {}, choose {} for the"
    assert text.format("classes", "numbers", "numbers") in make(STARS, None).messages[-1]
    assert text.format("numbers", "classes", "classes") in make(STARS + 0.0, None).messages[-1]
    for y, target_type in (
        (STARS, "number"),
        (STARS % 2, None),
        (HALVES, None),
        (list("ab" * 6), None),
    ):
        assert not any("different integers" in each for each in make(y, target_type).messages)


@pytest.mark.parametrize(
    ("y", "target_type"), [(STARS, "number"), (HALVES, "category"), (STARS + 0.0, "category")]
)
def test_the_code_converts_the_same_targets(y, target_type):
    """Oracle: the lines, with the arrays in the place of the dots."""
    settings = DataSettings("own", target_type=target_type)
    data = make_data(settings, own_data(X, y, validation_data=(X, y)))
    names = {"np": np, "gn": gn, "x": X, "y": y, "x_test": X, "y_test": y}
    exec("\n".join(line for line in data.code if "= ..." not in line), names)
    for ours, theirs in ((data.y, names["y"]), (data.test[1], names["y_test"])):
        np.testing.assert_array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype


def test_targets_that_cannot_be_that():
    with pytest.raises(
        DataError, match=r"target: expected numbers. Received: classes=\['a', 'b'\]. Choose classes"
    ):
        make(list("ab" * 6), "number")
    many = np.arange(150) / 7
    with pytest.raises(
        DataError, match=r"target: expected 2 to 100 classes. Received: classes=150. Choose numbers"
    ):
        make_data(DataSettings("own", target_type="category"), own_data(many, many))
    with pytest.raises(
        DataError, match=r"target: expected classes of the training rows.*others=\[9.5\]"
    ):
        make(HALVES, "category", validation_data=(X, HALVES * 0 + 9.5))


@pytest.mark.parametrize(
    ("head", "loss", "y", "expected"),
    [
        (Dense(1), "mse", STARS, "number"),
        (Dense(1), "mse", list("ab" * 6), None),
        (Dense(4, "softmax"), "sparse_categorical_crossentropy", STARS + 0.0, "category"),
        (Dense(4), gn.losses.SparseCategoricalCrossentropy(from_logits=True), STARS, "category"),
        (Dense(1, "sigmoid"), "binary_crossentropy", STARS % 2, None),
        (Dense(1, "sigmoid"), "mse", STARS % 2, None),
    ],
)  # fmt: skip
def test_the_model_of_the_user_says_what_it_learns(head, loss, y, expected):
    """Oracle: the last layer and the loss."""
    model = gn.Sequential([head], seed=0)
    model.compile("sgd", loss)
    assert start_with_model(model, X, y).settings.data.target_type == expected
