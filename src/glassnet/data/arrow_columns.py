"""Arrow tables as tables, without a Python object for each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.column_values import DistinctValues
from glassnet.data.table import MAX_EXACT_INT, Table, frame_to_columns

if TYPE_CHECKING:
    import pyarrow


def table_from_arrow(arrow: pyarrow.Table) -> Table:
    """Return the rows of an Arrow table, as `read_table` reads them.

    Text is factorized by Arrow, and the distinct values are kept in `Table.distinct`.

    Raises:
        DataError: a column of something else than numbers, text, booleans, dates or durations.
    """
    columns: dict[str, np.ndarray] = {}
    distinct: dict[str, DistinctValues] = {}
    others = []
    for name in arrow.column_names:
        values = arrow.column(name)
        if is_text(values.type):
            distinct[name] = values_of_text(values)
            columns[name] = distinct[name].to_objects()
        elif (numbers := _plain_numbers(values)) is not None:
            columns[name] = numbers
        else:
            others.append(name)
    columns |= frame_to_columns(arrow.select(others)) if others else {}
    return Table({name: columns[name] for name in arrow.column_names}, distinct=distinct)


def is_text(kind: pyarrow.DataType) -> bool:
    """Return whether an Arrow type is text, or a dictionary of texts."""
    import pyarrow

    types = pyarrow.types
    values = kind.value_type if types.is_dictionary(kind) else kind
    is_view = getattr(types, "is_string_view", lambda kind: False)
    return bool(types.is_string(values) or types.is_large_string(values) or is_view(values))


def _plain_numbers(values: pyarrow.ChunkedArray) -> np.ndarray | None:
    """Return numbers or booleans as float64 or bool; None if they need another way."""
    import pyarrow
    import pyarrow.compute as pc

    types, kind = pyarrow.types, values.type
    if types.is_boolean(kind) and not values.null_count:
        return np.asarray(values.to_numpy(), bool)
    is_integer = types.is_integer(kind)
    if not (is_integer or types.is_floating(kind)):
        return None
    if is_integer and kind.bit_width == 64:
        bounds = pc.min_max(values).as_py()
        largest = max(abs(bounds["min"] or 0), abs(bounds["max"] or 0))
        if largest >= MAX_EXACT_INT:
            return None
    return np.asarray(pc.cast(values, pyarrow.float64(), safe=False).to_numpy(), float)


def values_of_text(values: pyarrow.ChunkedArray) -> DistinctValues:
    """Return the distinct texts of a column, stripped, and the code of each row.

    Example:
        >>> import pyarrow
        >>> found = values_of_text(pyarrow.chunked_array([["b", None, " b", "a"]]))
        >>> found.texts, found.codes.tolist()
        (['b', 'a', None], [0, 2, 0, 1])
    """
    import pyarrow

    if not pyarrow.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    whole: Any = values.unify_dictionaries().combine_chunks()
    if isinstance(whole, pyarrow.ChunkedArray):
        whole = whole.chunk(0) if whole.num_chunks else pyarrow.array([], values.type)
    texts: list[str | None] = [
        None if text is None else text.strip() for text in whole.dictionary.to_pylist()
    ]
    codes = whole.indices.cast(pyarrow.int32(), safe=False).fill_null(len(texts)).to_numpy()
    texts.append(None)
    return _merge_equal(texts, codes)


def _merge_equal(texts: list[str | None], codes: np.ndarray) -> DistinctValues:
    """Return each text that occurs once, in the given order."""
    occurs = np.bincount(codes, minlength=len(texts)) > 0
    positions: dict[str | None, int] = {}
    new_codes = [
        positions.setdefault(text, len(positions)) if found else 0
        for text, found in zip(texts, occurs.tolist(), strict=True)
    ]
    if new_codes == list(range(len(texts))):
        return DistinctValues(texts, codes)
    return DistinctValues(list(positions), np.take(np.array(new_codes, np.int32), codes))
