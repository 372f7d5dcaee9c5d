"""Lists and ranges of values on the command line.

Oracle: arithmetic in the comments, and NumPy's geomspace and linspace.
"""

import click
import numpy as np
import pytest

from glassnet.cli import value_lists
from glassnet.cli.value_lists import BATCH_SIZES, DROPOUT_RATES, LEARNING_RATES, PENALTIES

NAMES = value_lists.NameList("names of optimizers, such as adam,sgd")


def read(kind, text):
    return kind.convert(text, None, None)


def refused(kind, text):
    with pytest.raises(click.BadParameter) as error:
        read(kind, text)
    return error.value.message


@pytest.mark.parametrize(
    ("kind", "text", "values"),
    [
        (LEARNING_RATES, "0.1", [0.1]),
        (LEARNING_RATES, "0.1,0.01", [0.1, 0.01]),
        (LEARNING_RATES, " 0.1 , 0.01,0.1", [0.1, 0.01]),  # once each, in the order of the list
        (LEARNING_RATES, "1e-4..1e-1:4", [1e-4, 1e-3, 1e-2, 1e-1]),
        (LEARNING_RATES, "1,1e-3..1e-1:3,2", [1, 1e-3, 1e-2, 1e-1, 2]),
        (PENALTIES, "0,1e-5..1e-3:3", [0, 1e-5, 1e-4, 1e-3]),
        (DROPOUT_RATES, "0..0.5", [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (DROPOUT_RATES, "0..0.5:3", [0, 0.25, 0.5]),
        (BATCH_SIZES, "16..128", [16, 32, 64, 128]),
        (BATCH_SIZES, "10..100:3", [10, 32, 100]),  # 10 * sqrt(10) = 31.6
        (BATCH_SIZES, "1..3:9", [1, 2, 3]),
        (BATCH_SIZES, "16,full", [16, "full"]),
        (NAMES, "adam, sgd", ["adam", "sgd"]),
    ],
)
def test_lists_and_ranges(kind, text, values):
    assert list(read(kind, text)) == values


def test_a_range_of_factors_has_two_values_per_decade():
    """Between the ends they have three digits, so that they can be read and typed."""
    values = read(LEARNING_RATES, "1e-4..1e-1")
    np.testing.assert_allclose(values, np.geomspace(1e-4, 1e-1, 7), rtol=2e-3)
    assert values == (0.0001, 0.000316, 0.001, 0.00316, 0.01, 0.0316, 0.1)
    assert len(read(LEARNING_RATES, "0.01..0.02")) == 3


def test_the_ends_of_a_range_are_as_typed():
    values = read(LEARNING_RATES, "0.00012345..0.12345:5")
    assert (values[0], values[-1]) == (0.00012345, 0.12345)
    np.testing.assert_allclose(values, np.geomspace(0.00012345, 0.12345, 5), rtol=5e-3)
    np.testing.assert_allclose(
        read(DROPOUT_RATES, "0.05..0.6:4"), np.linspace(0.05, 0.6, 4), rtol=5e-3
    )


@pytest.mark.parametrize(
    ("text", "meant"), [("1e-1..1e-4", "1e-4..1e-1"), ("0.1..0.01:3", "0.01..0.1:3")]
)
def test_a_range_written_backwards_is_refused(text, meant):
    assert refused(LEARNING_RATES, text) == (
        "expected a range from the smaller to the larger number. "
        f"Received: {text!r}. Did you mean {meant}?"
    )


@pytest.mark.parametrize(
    ("kind", "text", "expected", "received"),
    [
        (LEARNING_RATES, "fast", "learning rates above 0, such as 0.1,0.01 or", "fast"),
        (LEARNING_RATES, "0", "learning rates above 0", "0"),
        (LEARNING_RATES, "nan", "learning rates above 0", "nan"),
        (LEARNING_RATES, "inf", "learning rates above 0", "inf"),
        (LEARNING_RATES, "0.1,,0.2", "learning rates above 0", ""),
        (LEARNING_RATES, "0.1,-1..1", "learning rates above 0", "-1..1"),
        (LEARNING_RATES, "1e-4..", "learning rates above 0", "1e-4.."),
        (LEARNING_RATES, "1e-4:5", "learning rates above 0", "1e-4:5"),
        (LEARNING_RATES, "0.1..0.1", "a range with two different ends", "0.1..0.1"),
        (LEARNING_RATES, "0.1..1:1", "2 to 1,000 values after the colon, as in 0.1..1:5", None),
        (LEARNING_RATES, "0.1..1:", "2 to 1,000 values after the colon", None),
        (LEARNING_RATES, "0.1..1:1001", "2 to 1,000 values after the colon", None),
        (PENALTIES, "0..0.1", "a range that begins above 0", "0..0.1"),
        (PENALTIES, "-0.1", "numbers >= 0", "-0.1"),
        (DROPOUT_RATES, "0..1", "rates from 0 to below 1", "0..1"),
        (BATCH_SIZES, "0", "numbers of rows >= 1 or full", "0"),
        (BATCH_SIZES, "16.5", "numbers of rows >= 1 or full", "16.5"),
        (BATCH_SIZES, "16..full", "numbers as the ends of a range", "16..full"),
        (NAMES, "adam..sgd", "numbers as the ends of a range", "adam..sgd"),
        (NAMES, "adam,", "names of optimizers, such as adam,sgd", ""),
    ],
)
def test_what_is_not_a_list_or_a_range(kind, text, expected, received):
    line = refused(kind, text)
    assert line.startswith(f"expected {expected}")
    assert (
        line.endswith(f"Received: {text if received is None else received!r}.") or received is None
    )
