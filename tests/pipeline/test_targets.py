"""Target encoding: the accepted forms for each loss, and the error message for every other."""

import doctest

import numpy as np
import pytest

from glassnet.errors import DataError
from glassnet.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    HalfMeanSquaredError,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from glassnet.pipeline import targets as module
from glassnet.pipeline.targets import apply_class_weight, encode_targets, get_class_labels

CATEGORICAL = [
    SparseCategoricalCrossentropy(),
    CategoricalCrossentropy(),
    CategoricalCrossentropy(from_logits=True),
    CategoricalFocalCrossentropy(),
]
SQUARED = [MeanSquaredError(), HalfMeanSquaredError()]
Y = np.array([0, 2, 1, 2])


def test_examples():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("loss", CATEGORICAL, ids=str)
@pytest.mark.parametrize(
    "y",
    [Y, Y.tolist(), Y.astype(float), Y[:, None], Y.astype(np.uint8)],
    ids=["int", "list", "float", "column", "uint8"],
)
def test_classes_in_any_form(loss, y):
    got = encode_targets(y, loss, (3,))
    assert got.dtype == np.int32
    assert got.tolist() == [0, 2, 1, 2]


@pytest.mark.parametrize("loss", CATEGORICAL, ids=str)
def test_one_hot_rows_and_probabilities(loss):
    for rows in (
        np.eye(3)[Y],
        np.eye(3, dtype=bool)[Y],
        [[0.2, 0.3, 0.5], [1 / 3, 1 / 3, 1 / 3], [1, 0, 0], [0, 1, 0]],
    ):
        got = encode_targets(rows, loss, (3,))
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, rows, rtol=1e-6)


def test_bools_are_two_classes():
    assert encode_targets([True, False], SparseCategoricalCrossentropy(), (2,)).tolist() == [1, 0]
    assert encode_targets([True, False], BinaryCrossentropy(), (1,)).tolist() == [[1], [0]]


def test_classes_along_time():
    y = np.array([[0, 1, 2], [2, 1, 0]])
    assert encode_targets(y, SparseCategoricalCrossentropy(), (3, 3)).tolist() == y.tolist()
    assert encode_targets(np.eye(3)[y], SparseCategoricalCrossentropy(), (3, 3)).shape == (2, 3, 3)


@pytest.mark.parametrize(
    "loss",
    [BinaryCrossentropy(), BinaryCrossentropy(from_logits=True), BinaryFocalCrossentropy()],
    ids=str,
)
def test_two_classes_in_any_form(loss):
    y = np.array([0, 1, 1])
    for form in (y, y[:, None], y.astype(float), np.eye(2)[y]):
        got = encode_targets(form, loss, (1,))
        assert got.dtype == np.float32
        assert got.tolist() == [[0], [1], [1]]


def test_several_labels_a_row():
    rows = [[0, 1, 1], [1, 0, 0.5]]
    assert encode_targets(rows, BinaryCrossentropy(), (3,)).tolist() == rows
    assert encode_targets(np.eye(2)[[0, 1]], BinaryCrossentropy(), (2,)).tolist() == [
        [1, 0],
        [0, 1],
    ]


@pytest.mark.parametrize("loss", SQUARED, ids=str)
def test_numbers_of_the_outputs_shape(loss):
    """(n,) against outputs of (n, 1) would broadcast to (n, n), so it becomes (n, 1) first."""
    assert encode_targets([1.5, 2], loss, (1,)).tolist() == [[1.5], [2]]
    assert encode_targets([[1.5], [2]], loss, (1,)).tolist() == [[1.5], [2]]
    assert encode_targets([[1, 2, 3], [4, 5, 6]], loss, (3, 1)).shape == (2, 3, 1)
    assert encode_targets(np.zeros((2, 4, 4)), loss, (4, 4)).dtype == np.float32


SPARSE, BINARY, MSE = SparseCategoricalCrossentropy(), BinaryCrossentropy(), MeanSquaredError()


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "text"),
    [
        (
            [0, 1, -1, -1],
            SPARSE,
            (3,),
            r"y: expected classes from 0 to 2\. Received: row=2, label=-1, "
            r"rows_like_it=2\. Number the 3 classes from 0: "
            r"np\.unique\(y, return_inverse=True\)\[1\]\.",
        ),
        (
            [0, 1.5, 2],
            SPARSE,
            (3,),
            r"y: expected integer class numbers\. Received: row=1, label=1\.5, rows_like_it=1\. "
            r"For numbers rather than classes "
            r"use mean_squared_error and a last layer without softmax\.",
        ),
        (
            [1, 2, 3],
            SPARSE,
            (3,),
            r"y: expected classes from 0 to 2, as the last layer has 3 outputs\. Received: "
            r"row=2, label=3, rows_like_it=1\. "
            r"Number the 3 classes from 0",
        ),
        (
            [0, 1, 2, 3],
            SPARSE,
            (3,),
            r"Received: row=3, label=3, rows_like_it=1\. The last layer needs 4 outputs, one "
            r"for each class that occurs\.$",
        ),
        (
            [0, 10, 20, 30],
            SPARSE,
            (3,),
            r"label=10, rows_like_it=3\. The last layer needs 4 outputs, one for each "
            r"class that occurs\. Number the 4",
        ),
        (
            [[0, 1, 0], [1, 1, 0]],
            SPARSE,
            (3,),
            r"y: expected one-hot rows \(or probabilities\): numbers >= 0 that sum "
            r"to 1\. Received: row=1, "
            r"sums_to=2\.0, smallest=0\.0\. For several labels per row end in a sigmoid with binary_crossentropy; for "
            r"class numbers pass one per row\.",
        ),
        ([[0, 1, 0], [2, -1, 0]], SPARSE, (3,), r"Received: row=1, sums_to=1\.0, smallest=-1\.0\."),
        (
            np.eye(4),
            SPARSE,
            (3,),
            r"y: expected one class per row, shape \(4,\), or one-hot rows, shape \(4, 3\)\. "
            r"Received: shape=\(4, 4\)\. "
            r"The last layer has 3 outputs, one per class\.$",
        ),
        (
            [0, 1],
            SPARSE,
            (28, 2),
            r"expected one class per row, shape \(2, 28\).*Put Flatten\(\) before the last Dense\.",
        ),
        (
            [0, 1, 2, 1],
            BINARY,
            (1,),
            r"y: expected 0 or 1 per row, for one sigmoid output\. Received: row=2, label=2, "
            r"rows_like_it=1\. For 3 classes end "
            r'in Dense\(3, activation="softmax"\) with sparse_categorical_crossentropy\.',
        ),
        (
            [-1, 1, 1],
            BINARY,
            (1,),
            r"Received: row=0, label=-1, rows_like_it=1\. Name the two classes 0 and 1\.",
        ),
        (
            [0, 0.5, 1],
            BINARY,
            (1,),
            r"Received: row=1, label=0\.5, rows_like_it=1\. For numbers rather than classes "
            r"use mean_squared_error\.",
        ),
        (
            np.eye(3),
            BINARY,
            (1,),
            r"expected 0 or 1 per row.*shape=\(3, 3\)\. For several labels per row end in Dense\(3, "
            r"activation=\"sigmoid\"\)\.",
        ),
        (
            np.zeros((2, 3, 3)),
            BINARY,
            (1,),
            r"y: expected 0 or 1 per row, for one sigmoid output\. Received: shape=\(2, 3, 3\)\.$",
        ),
        (
            [0, 1, 2],
            BINARY,
            (3,),
            r"y: expected 3 columns from 0 to 1, shape \(3, 3\)\. Received: shape=\(3,\)\. For "
            r"one class per row end in a softmax "
            r"with sparse_categorical_crossentropy\.",
        ),
        (
            [[0, 1], [1, 0]],
            BINARY,
            (3,),
            r"expected 3 columns from 0 to 1, shape \(2, 3\)\. Received: shape=\(2, "
            r"2\)\. End in Dense\(2\), or pass 3",
        ),
        (
            [[0, 2], [-1, 0]],
            BINARY,
            (2,),
            r"y: expected 2 columns from 0 to 1\. Received: smallest=-1\.0, "
            r"largest=2\.0\. Scale the targets \(pixels: y / 255\), or use",
        ),
        (
            [0, 1, 2],
            MSE,
            (3,),
            r"y: expected targets of the output's shape \(3, 3\)\. Received: shape=\(3,\)\. For 3 classes use "
            r"sparse_categorical_crossentropy after a softmax; for one number per row end in Dense\(1\)\.",
        ),
        (
            [0, 1, 2],
            MSE,
            (28, 1),
            r"Received: shape=\(3,\)\. Put Flatten\(\) \(or a Reshape\) before the last Dense\.",
        ),
        (
            np.zeros((5, 2)),
            MSE,
            (3,),
            r"Received: shape=\(5, 2\)\. End in Dense\(2\), or pass 3 columns\.",
        ),
        (
            np.zeros((5, 2, 2)),
            MSE,
            (4,),
            r"Received: shape=\(5, 2, 2\)\. The sizes agree: pass y\.reshape\(-1, 4\), "
            r"or end in Reshape\(\(2, 2\)\)\.",
        ),
        (np.zeros((5, 3, 2)), MSE, (4,), r"Received: shape=\(5, 3, 2\)\.$"),
        (["cat"], SPARSE, (3,), r"y: expected numbers\. Received: dtype='<U3'\. Number the labels"),
        (
            [0, np.nan],
            SPARSE,
            (3,),
            r"y: expected finite numbers only\. Received: nan=1, infinite=0, first_row=1\. Drop those rows\.",
        ),
    ],
)
def test_targets_that_do_not_fit(y, loss, outputs, text):
    with pytest.raises(DataError, match=text):
        encode_targets(y, loss, outputs)


def test_a_wrong_entry_inside_a_row_is_named():
    """Oracle: by hand. The last of row 1's three steps is wrong."""
    with pytest.raises(DataError, match=r"Received: row=1, label=7, rows_like_it=1"):
        encode_targets([[0, 1, 1], [0, 1, 7]], SPARSE, (3, 2))
    rows = np.eye(2)[[[0, 1], [1, 1]]]
    rows[1, 1] = 1
    with pytest.raises(DataError, match=r"Received: row=1, sums_to=2\.0"):
        encode_targets(rows, SPARSE, (2, 2))


def test_the_remedies_work():
    renumbered = np.unique([10, 30, 20], return_inverse=True)[1]
    assert encode_targets(renumbered, SPARSE, (3,)).tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("y", "loss", "outputs", "labels"),
    [
        (Y, SPARSE, (3,), [0, 2, 1, 2]),
        (np.eye(3)[Y], SPARSE, (3,), [0, 2, 1, 2]),
        ([0, 1, 1], BINARY, (1,), [0, 1, 1]),
        (np.eye(2)[[1, 0]], BINARY, (1,), [1, 0]),
        (np.eye(2)[[1, 0]], BINARY, (2,), None),
        ([1, 2, 3], MSE, (1,), None),
        ([[0, 1], [1, 0]], SPARSE, (2, 2), None),
    ],
)
def test_labels(y, loss, outputs, labels):
    got = get_class_labels(encode_targets(y, loss, outputs), loss)
    assert (got if got is None else got.tolist()) == labels


ROWS = np.repeat([0, 1], [15, 5])


def test_class_weights_multiply_sample_weights():
    """Oracle: by hand. Class 1 counts 3 times, multiplied by the weight of each row."""
    sparse, half = SparseCategoricalCrossentropy(), np.full(20, 0.5, np.float32)
    y = encode_targets(ROWS, sparse, (2,))
    assert apply_class_weight(None, y, sparse, {1: 3.0}).tolist() == [1] * 15 + [3] * 5
    assert apply_class_weight(half, y, sparse, {1: 3.0}).tolist() == [0.5] * 15 + [1.5] * 5
    assert apply_class_weight(half, y, sparse, None) is half


def test_balanced_classes_have_equal_sums_of_weights():
    """Oracle: equal sums of weights, for a softmax and for one sigmoid."""
    for loss, outputs in ((SparseCategoricalCrossentropy(), (2,)), (BinaryCrossentropy(), (1,))):
        weight = apply_class_weight(None, encode_targets(ROWS, loss, outputs), loss, "balanced")
        np.testing.assert_allclose(np.bincount(ROWS, weight), [10, 10], rtol=1e-6)


def test_numbers_have_no_classes():
    loss = MeanSquaredError()
    assert get_class_labels(encode_targets(ROWS, loss, (1,)), loss) is None
