"""Tests of frames as arrays. Oracle: the numbers that the frame was made of."""

import numpy as np
import pandas as pd
import pytest

from glassnet.data import arrays
from glassnet.data.table import read_table, split_target
from glassnet.errors import DataError

FRAMES = {
    "dummies": pd.get_dummies(pd.DataFrame({"a": [1.5, 2.5], "c": ["x", "y"]})),
    "nullable": pd.DataFrame(
        {"a": pd.array([1, 2], "Int64"), "b": pd.array([1.5, 0.5], "Float64")}
    ),
    "nullable truths": pd.DataFrame({"a": [3, 4], "b": pd.array([True, False], "boolean")}),
    "Python objects": pd.DataFrame({"a": [1.5, 2.5], "b": np.array([1, 2], np.int8)}),
}
NUMBERS = {
    "dummies": [[1.5, 1, 0], [2.5, 0, 1]],
    "nullable": [[1, 1.5], [2, 0.5]],
    "nullable truths": [[3, 1], [4, 0]],
    "Python objects": [[1.5, 1], [2.5, 2]],
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames_of_numbers_and_booleans_are_numbers(kind):
    x = arrays.check_features(FRAMES[kind])
    assert x.dtype == np.float32
    assert x.tolist() == NUMBERS[kind]


def test_polars_frames_and_nullable_series_are_numbers():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": [1.5, 2.5], "b": [True, False]})
    assert arrays.check_features(frame).tolist() == [[1.5, 1], [2.5, 0]]
    truths = pd.Series(pd.array([True, False], "boolean"))
    assert arrays.check_numeric(truths, "y").tolist() == [1, 0]


def test_what_is_no_number_in_a_frame_is_refused():
    gaps = pd.DataFrame({"a": pd.array([1, None], "Int64"), "b": [True, False]})
    with pytest.raises(DataError, match=r"x: expected finite numbers only. Received: nan=1"):
        arrays.check_features(gaps)
    with pytest.raises(DataError, match=r"x: expected numbers. Received: dtype='object'"):
        arrays.check_features(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}))


def test_columns_of_a_frame_that_float32_blurs_are_refused():
    times = pd.DataFrame({"a": [1.7e9, 1.7e9 + 1], "b": [True, False]})
    with pytest.raises(DataError, match="columns whose differences float32 can hold"):
        arrays.check_precision(x=times)


def test_labels_of_text_are_to_be_numbered():
    with pytest.raises(DataError, match=r"y: expected numbers.*np\.unique\(y, return_inverse=True"):
        arrays.check_numeric(np.array(["cat", "dog"]), "y")
    with pytest.raises(DataError, match=r"validation y: .*Number the labels"):
        arrays.check_numeric(["a", "b"], "validation y")
    with pytest.raises(DataError, match=r"x: .*For sentences, use a TextVectorization layer"):
        arrays.check_numeric(["a", "b"], "x")


@pytest.mark.parametrize(
    "labels", [["+", "-"], ["None", "Mild", "Severe"], ["NA", "EU"], [".", "?"], ["", "x"]]
)
def test_labels_of_a_frame_that_look_blank_are_labels(labels):
    frame = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [*labels, *labels][:3]})
    parts = split_target(frame, "y")
    assert parts.target_column.tolist() == frame["y"].tolist()
    assert parts.has_target is None
    assert read_table({"y": labels})["y"].tolist() == labels
    gap = split_target(pd.DataFrame({"a": [1, 2, 3], "y": [*labels[:2], None]}), "y")
    assert gap.target_column.tolist() == labels[:2]
    assert gap.messages == ("1 of 3 rows lack y: left out",)
