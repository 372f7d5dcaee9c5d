"""Arrow tables become the tables that `read_table` makes of the same columns."""

import datetime

import numpy as np
import pyarrow as pa
import pytest

from glassnet.data.arrow_columns import table_from_arrow, values_of_text
from glassnet.data.table import read_table
from glassnet.errors import DataError

DAY = datetime.date(2024, 2, 29)

COLUMNS = {
    "float": pa.array([1.5, None, float("nan"), -2.0]),
    "half": pa.array(np.array([1, 2, 3, 4], np.float16)),
    "int8": pa.array([1, None, 3, -4], pa.int8()),
    "int64": pa.array([1, 2, 3, 4]),
    "large": pa.array([2**60, None, 2, 1]),
    "unsigned": pa.array([2**63, 1, 2, None], pa.uint64()),
    "boolean": pa.array([True, False, True, True]),
    "gaps": pa.array([True, None, False, True]),
    "text": pa.array(["x", " x", None, ""]),
    "large text": pa.array(["x", "y", None, "x "], pa.large_string()),
    "view": pa.array(["x", "y", None, "x "], pa.string_view()),
    "codes": pa.array(["b", None, "a", "b"]).dictionary_encode(),
    "number codes": pa.array([3, None, 1, 3]).dictionary_encode(),
    "date": pa.array([DAY, None, DAY, DAY]),
    "time": pa.array([1, 2, None, 4], pa.timestamp("ms", "Europe/Zurich")),
    "decimal": pa.array([1, 2, None, 4]).cast(pa.decimal128(22, 2)),
    "duration": pa.array([1500, None, 1, 2], pa.duration("ms")),
    "empty": pa.nulls(4),
    "no text": pa.nulls(4, pa.string()),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_equal_those_of_read_table(name):
    arrow = pa.table({name: COLUMNS[name]})
    column, expected = table_from_arrow(arrow)[name], read_table(arrow)[name]
    assert column.dtype == expected.dtype
    np.testing.assert_array_equal(column, expected)


def test_chunks_and_slices_keep_their_texts():
    """Each chunk has a dictionary of its own; a slice uses only some of its texts."""
    parts = [pa.array(texts).dictionary_encode() for texts in (["a", "b"], ["c", "a", None])]
    table = table_from_arrow(pa.table({"x": pa.chunked_array(parts)}).slice(1))
    assert table["x"].tolist() == ["b", "c", "a", None]
    assert sorted(table.distinct["x"].count().items()) == [("a", 1), ("b", 1), ("c", 1)]


def test_texts_that_differ_in_blanks_are_counted_together():
    found = values_of_text(pa.chunked_array([["a ", "b", "a"]]))
    assert (found.texts, found.codes.tolist()) == (["a", "b"], [0, 1, 0])


def test_no_rows():
    table = table_from_arrow(pa.table({"x": pa.array([], pa.string()), "y": pa.array([], "f4")}))
    assert (len(table["x"]), len(table["y"])) == (0, 0)


def test_lists_are_refused():
    with pytest.raises(DataError, match="numbers, text, booleans or dates in column 'x'"):
        table_from_arrow(pa.table({"x": [[1], [2]]}))
