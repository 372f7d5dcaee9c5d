"""Fingerprints of the rows of a table, before they are encoded."""

from __future__ import annotations

import numpy as np

from glassnet import fingerprinting
from glassnet.data.column_values import find_distinct
from glassnet.data.parsing import parse_float
from glassnet.data.table import Table
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoder import (
    BooleanColumn,
    DateColumn,
    DroppedColumn,
    Encoder,
    FittedColumn,
    NumericColumn,
)
from glassnet.preprocessing.encoding_rules import REQUESTED


def hash_table_rows(encoder: Encoder, table: Table, salt: int) -> np.ndarray | None:
    """Return 64 bits for each row of a table; None if one of the columns below is not in it.

    A row is the values of the columns that training had, without the target, the derived columns
    and those that the user dropped. A column that was left out for another reason counts, since
    names and numbers tell rows apart. Numbers and texts are compared by value, so a row of a CSV
    file equals the same row of a data frame.
    """
    derived = dict(encoder.derive)
    columns = [
        column
        for column in encoder.columns
        if column.name not in derived
        and not (isinstance(column, DroppedColumn) and column.reason == REQUESTED)
    ]
    if any(column.name not in table.columns for column in columns):
        return None
    words = {column.name: _words(column, table) for column in columns}
    return fingerprinting.hash_columns(words, salt)


def _words(column: FittedColumn, table: Table) -> np.ndarray:
    """Return a 64-bit word for each value of a column, the same for equal values."""
    levels = () if isinstance(column, DroppedColumn) else column.text_levels
    values = table.resolve(column.name, levels)
    if isinstance(column, NumericColumn | BooleanColumn | DateColumn):
        values = column.parse(Column(column.name, values, table.formats))
    if values.dtype.kind == "M":
        seconds = values.astype("datetime64[us]").astype(np.int64) / 1e6
        values = np.where(np.isnat(values), np.nan, seconds)
    if values.dtype.kind in "bf":
        return fingerprinting.words_of_numbers(values.astype(np.float64))
    distinct = find_distinct(values)
    texts = ["" if text is None else text for text in distinct.texts]
    words = fingerprinting.words_of_texts(texts)
    numbers = np.array([parse_float(text) for text in texts])
    words = np.where(np.isnan(numbers), words, fingerprinting.words_of_numbers(numbers))
    missing = fingerprinting.words_of_numbers(np.array([np.nan]))
    return np.take(
        np.where([text is None for text in distinct.texts], missing, words), distinct.codes
    )
