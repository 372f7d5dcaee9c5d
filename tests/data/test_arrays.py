"""Tests of the checks of arrays: which values pass, in which dtype, and every error message."""

import doctest

import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.data import arrays
from glassnet.data.arrays import (
    check_consistent_length,
    check_features,
    check_numeric,
    check_sample_weight,
    compute_sample_weight,
)
from glassnet.errors import DataError
from glassnet.layers import Dense
from glassnet.models.sequential import Sequential


def test_examples():
    assert doctest.testmod(arrays).failed == 0


@pytest.mark.parametrize(
    "value",
    [
        [1, 2],
        (1.5, 2),
        [True, False],
        np.array([1, 2], np.uint8),
        np.array([1, 2], np.int64),
        np.array([1, 2], np.float16),
        jnp.array([1.0, 2.0]),
        jnp.array([1, 2]),
        np.ma.array([1, 2]),
        [np.float64(1), 2],
        np.array([-(2**31) + 1, 2**31 - 1]),
    ],
    ids=str,
)
def test_numbers_pass(value):
    """Oracle: NumPy. Integers keep their dtype, floats become float32."""
    got = check_numeric(value, "x")
    np.testing.assert_array_equal(got, np.asarray(value))
    assert got.dtype == np.float32 or got.dtype.kind in "biu"


def test_floats_of_machine_learning_pass():
    """NumPy does not see JAX's bfloat16 as a float: its kind is V."""
    got = check_numeric(jnp.array([1.0, 2.5], jnp.bfloat16), "x")
    assert got.dtype == np.float32
    assert got.tolist() == [1, 2.5]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (
            [[1, 2], [3]],
            r"x: expected rows of equal length\. Received: problem='.*'\. Pad or cut them to one length\.",
        ),
        (
            ["a", "b"],
            r"x: expected numbers\. Received: dtype='<U1'\. Encode text and dates as numbers, and "
            r"fill missing values\.",
        ),
        (
            [1.0, None],
            r"x: expected numbers\. Received: dtype='object'\..*convert them with np\.asarray\(\.\.\., float\)",
        ),
        ([1.0, "cat", None], r"x: expected numbers\. Received: dtype='<U|object'\. Encode text"),
        (
            np.array([["a", None]], object),
            r"x: expected numbers\. Received: dtype='object'\. Encode text and dates as numbers",
        ),
        (
            np.array([1, 2], object),
            r"dtype='object'\. All values can be read as numbers: convert them with np\.asarray\(\.\.\., float\)",
        ),
        (
            np.array(["2024-01-01"], "M8[D]"),
            r"x: expected numbers\. Received: dtype='datetime64\[D\]'\.",
        ),
        (
            [1 + 2j],
            r"dtype='complex128'\. Pass the real and imaginary parts, or magnitude and angle, as separate columns",
        ),
        (
            None,
            r"x: expected numbers\. Received: dtype='object'\. Pass an array or a list of rows\.",
        ),
        (3.0, r"x: expected at least one row with at least one number\. Received: shape=\(\)\."),
        ([], r"x: expected at least one row with at least one number\. Received: shape=\(0,\)\."),
        (
            np.zeros((0, 4)),
            r"x: expected at least one row with at least one number\. Received: shape=\(0, 4\)\.",
        ),
        (
            np.zeros((4, 0)),
            r"x: expected at least one row with at least one number\. Received: shape=\(4, 0\)\.",
        ),
        (
            [2**40 + 5],
            r"x: expected integers below 2\^31\. Received: largest=1099511627781\. Scale them, or pass them as floats\.",
        ),
        (
            [0, -(2**31) - 5],
            r"x: expected integers below 2\^31\. Received: largest=2147483653\.",
        ),
        (
            np.array([2**31], np.uint32),
            r"x: expected integers below 2\^31\. Received: largest=2147483648\.",
        ),
        (
            np.array([2**63], np.uint64),
            r"x: expected integers below 2\^31\. Received: largest=9223372036854775808\.",
        ),
    ],
    ids=str,
)
def test_what_is_no_number(value, text):
    with pytest.raises(DataError, match=text):
        check_numeric(value, "x")


def test_nan_and_infinity_by_column():
    """Oracle: counting.

    NaN at (2, 1) and (3, 1), infinity at (4, 3), a double beyond float32 at (1, 3).
    """
    x = np.zeros((6, 5))
    x[[2, 3], 1], x[4, 3], x[1, 3] = np.nan, -np.inf, 1e39
    text = (
        r"x: expected finite numbers only\. Received: nan=2, infinite=2, first_row=1, bad_columns=2, count_by_column=\{1: 2, 3: 2\}\. "
        r"Drop those rows, or fill the missing values \(for example with the column's median\)\. Values beyond float32's 3\.4e38 count as infinite\.$"
    )
    with pytest.raises(DataError, match=text):
        check_numeric(x, "x")


def test_nan_in_many_columns_names_the_first_five():
    with pytest.raises(
        DataError,
        match=r"nan=18, infinite=0, first_row=0, bad_columns=9, count_by_column=\{0: 2, 1: 2, 2: 2, 3: 2, 4: 2\}\.",
    ):
        check_numeric(np.full((2, 9), np.nan), "x")


@pytest.mark.parametrize("shape", [(7,), (7, 2, 2)])
def test_nan_in_labels_and_pictures(shape):
    y = np.zeros(shape)
    y[5] = np.nan
    with pytest.raises(
        DataError,
        match=rf"y: expected finite numbers only\. Received: nan={y[5].size}, infinite=0, first_row=5\. Drop those rows\.$",
    ):
        check_numeric(y, "y")


def test_features_as_rows():
    assert check_features([1, 2, 3]).tolist() == [[1], [2], [3]]
    assert check_features(np.zeros((2, 4, 4), np.uint8)).dtype == np.uint8
    for kind in (np.int8, np.uint16, np.int64, np.float64, bool):
        assert check_features(np.ones((2, 4), kind)).dtype == np.float32
    assert check_features([1, 2], (1,)).shape == (2, 1)


@pytest.mark.parametrize(
    ("received", "shape", "text"),
    [
        (
            (6, 2),
            (3,),
            r"x: expected examples of shape \(3,\)\. Received: shape=\(6, 2\)\. The network was built for "
            r"3 features and this has 2\.",
        ),
        (
            (6,),
            (3,),
            r"Received: shape=\(6,\)\. The network was built for 3 features and this has 1\.",
        ),
        (
            (3,),
            (3,),
            r"Received: shape=\(3,\)\. This is one example without its batch axis: pass x\[None\]\.",
        ),
        ((28, 28), (28, 28), r"This is one example without its batch axis: pass x\[None\]\."),
        (
            (5, 28, 28),
            (28, 28, 1),
            r"Only the channel axis differs: pass x\.reshape\(-1, 28, 28, 1\)\.",
        ),
        (
            (5, 28, 28, 1),
            (28, 28),
            r"Only the channel axis differs: pass x\.reshape\(-1, 28, 28\)\.",
        ),
        (
            (5, 3, 10, 12),
            (10, 12, 3),
            r"The channels come first: pass x\.transpose\(0, 2, 3, 1\)\.",
        ),
        (
            (5, 10, 12, 1),
            (10, 12, 3),
            r"To use gray images as color, pass np\.repeat\(x, 3, axis=-1\)\.",
        ),
        (
            (5, 10, 12),
            (10, 12, 3),
            r"To use gray images as color, pass np\.repeat\(x\[\.\.\., None\], 3, axis=-1\)\.",
        ),
        (
            (5, 10, 12, 3),
            (10, 12, 1),
            r"To use color images as gray, pass x\[\.\.\., :3\]\.mean\(axis=-1, keepdims=True\)\.",
        ),
        (
            (5, 10, 12, 4),
            (10, 12, 3),
            r"If the fourth channel is transparency, pass x\[\.\.\., :3\]\.",
        ),
        ((5, 784), (28, 28), r"The number of values matches: pass x\.reshape\(-1, 28, 28\)\."),
        ((5, 28, 28), (784,), r"The number of values matches: pass x\.reshape\(-1, 784\)\."),
        (
            (5, 32, 32, 3),
            (28, 28),
            r"The network was built for \(28, 28\): resize the examples, or build one for \(32, 32, 3\)\.",
        ),
    ],
)
def test_examples_of_another_shape(received, shape, text):
    """Oracle: if the message contains a call, evaluating it gives the right shape."""
    x = np.zeros(received)
    with pytest.raises(DataError, match=text) as caught:
        check_features(x, shape)
    if "pass " in str(caught.value):
        call = str(caught.value).split("pass ")[1].rstrip(".")
        assert check_features(eval(call, {"x": x, "np": np}), shape).shape[1:] == shape


def test_lengths():
    check_consistent_length(x=[1, 2], y=np.zeros((2, 3)), z=None)
    with pytest.raises(
        DataError,
        match=r"x and y: expected the same number of rows\. Received: len\(x\)=5, len\(y\)=4\. Row i",
    ):
        check_consistent_length(x=np.zeros((5, 2)), y=[1, 2, 3, 4])


def test_sample_weights_pass():
    assert check_sample_weight(None, 3) is None
    assert check_sample_weight([0, 1, 2], 3).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (
            [1, 2],
            r"sample_weight: expected one number per row, shape \(3,\)\. Received: shape=\(2,\)\.",
        ),
        (
            [[1], [2], [3]],
            r"sample_weight: expected one number per row, shape \(3,\)\. Received: shape=\(3, 1\)\.",
        ),
        (
            [1, -1, 1],
            r"sample_weight: expected numbers >= 0, not all zero\. Received: row=1, smallest=-1\.0\.",
        ),
        (
            [0, 0, 0],
            r"sample_weight: expected numbers >= 0, not all zero\. Received: row=0, smallest=0\.0\.",
        ),
        (
            [1, np.nan, 1],
            r"sample_weight: expected finite numbers only\. Received: nan=1, infinite=0, first_row=1\.",
        ),
    ],
)
def test_sample_weights_that_are_none(weight, text):
    with pytest.raises(DataError, match=text):
        check_sample_weight(weight, 3)


LABELS = np.array([0, 0, 0, 2, 2, 5])


def test_class_weights_pass():
    """Oracle: by hand, n / (K n_k) for 3, 2 and 1 of 6 rows in 3 classes: 6/9, 6/6, 6/3."""
    assert compute_sample_weight(None, None) is None
    assert compute_sample_weight({2: 3, 5: 0.5}, LABELS).tolist() == [1, 1, 1, 3, 3, 0.5]
    assert compute_sample_weight({np.int64(5): np.float32(2)}, LABELS).tolist() == [
        1,
        1,
        1,
        1,
        1,
        2,
    ]
    np.testing.assert_allclose(
        compute_sample_weight("balanced", LABELS), [2 / 3, 2 / 3, 2 / 3, 1, 1, 2]
    )


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        (
            {3: 1.0},
            r"class_weight: expected classes that occur in the targets, \[0, 2, 5\]\. Received: label=3\. Remove it, "
            r"or name a class that occurs",
        ),
        (
            {"2": 1.0},
            r"class_weight: expected classes that occur in the targets, \[0, 2, 5\]\. Received: label='2'\. "
            r"Classes are integers\.",
        ),
        (
            {2: -1.0},
            r"class_weight: expected a finite number >= 0 for each class\. Received: label=2, weight=-1\.0\.",
        ),
        (
            {2: float("nan")},
            r"class_weight: expected a finite number >= 0 for each class\. Received: label=2, weight=nan\.",
        ),
        ({2: float("inf")}, r"Received: label=2, weight=inf\."),
        ({2: "heavy"}, r"Received: label=2, weight='heavy'\."),
        ({0: 0, 2: 0, 5: 0}, r"class_weight: expected a weight above 0 for at least one class\."),
        (
            [1, 2, 3],
            r'class_weight: expected a dict \{class: weight\} or "balanced"\. Received: class_weight=\[1, 2, 3\]\.',
        ),
        (
            "blanced",
            r'class_weight: expected a dict \{class: weight\} or "balanced"\. Received: class_weight=\'blanced\'\.',
        ),
    ],
    ids=str,
)
def test_class_weights_that_are_none(weights, text):
    with pytest.raises(DataError, match=text):
        compute_sample_weight(weights, LABELS)


def test_class_weights_need_classes():
    with pytest.raises(
        DataError,
        match=r"class_weight: expected targets that are classes\. Use sample_weight for other targets\.",
    ):
        compute_sample_weight("balanced", None)


def test_errors_about_values_are_value_errors():
    with pytest.raises(ValueError, match="at least one row"):
        check_numeric([], "x")


@pytest.mark.parametrize("rows", [1, 2, 70_000])
@pytest.mark.parametrize("bad", [None, np.nan, np.inf, -np.inf])
def test_finite_checks_by_blocks(rows, bad):
    """Oracle: NumPy on the whole array. The last row is in the last, shorter block."""
    x = np.zeros((rows, 3), np.float32)
    x[-1, 1] = 0 if bad is None else bad
    for array in (x, x[::-1], np.asfortranarray(x), x[:, 1]):
        assert arrays.is_finite(array) == np.isfinite(array).all()


@pytest.mark.parametrize(
    ("dtype", "unit"),
    [(np.float64, 1.0), (np.float64, 2.0**-146), (np.int64, 1.0), (np.int32, 1.0)],
)
def test_blurred_columns_are_those_of_the_definition(dtype, unit):
    """Oracle: the definition, by NumPy over the whole array.

    Columns have a range of 1 to 500 after an offset of 1 to 2^30, in units that float32 holds or
    not. Some lose a thousandth of their range.
    """
    rng, found = np.random.default_rng(0), []
    for _ in range(300):
        offset, scale = 2.0 ** rng.integers(0, 30, 3), rng.integers(1, 500, 3)
        columns = (unit * (offset + scale * rng.uniform(size=(9, 3)))).astype(dtype)
        error = np.abs(columns - columns.astype(np.float32)).max(axis=0)
        spread, largest = np.ptp(columns, axis=0), np.abs(columns).max(axis=0)
        blurred = np.flatnonzero((error > 1e-3 * spread) & (spread > 1e-12 * largest))
        found.append(int(blurred[0]) if blurred.size else None)
        assert arrays._find_blurred_column(columns) == found[-1]
    assert {None, 0, 1, 2} == set(found)


def test_columns_that_float32_would_blur_are_refused():
    """Oracle: float32 has a spacing of 128 near 1.7e9.

    An hour of seconds has only 29 different values; a year has enough.
    """
    seconds = 1.7e9 + np.arange(3600.0)
    with pytest.raises(
        DataError,
        match=r"x: expected columns whose differences float32 can hold\. Received: column=1, smallest=17",
    ):
        arrays.check_precision(x=np.column_stack([np.arange(3600), seconds]))
    with pytest.raises(DataError, match="Subtract the column's smallest value first"):
        Sequential([Dense(1)]).fit(np.arange(3600), seconds, verbose=0)
    arrays.check_precision(
        x=1.7e9 + 1e5 * np.arange(300.0), y=np.full(3, 1.7e9 + 1), z=np.arange(3), w=["ignored"]
    )
    arrays.check_precision(x=seconds.astype(np.float32))
    with pytest.raises(DataError, match="float32 can hold"):
        arrays.check_precision(x=seconds.astype(np.int32))
    shares = np.random.default_rng(0).uniform(size=(50, 3))
    arrays.check_precision(
        x=(shares / shares.sum(1, keepdims=True)).sum(1)
    )  # 1 up to float64 rounding
