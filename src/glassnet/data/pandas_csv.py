"""Fast reader for the rows of a CSV file: pandas, if it reads them as Python's csv module does."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.data.parsing import NA_VALUES, DistinctTexts

Column = np.ndarray | DistinctTexts
"""Numbers or booleans, or the texts of any other cells."""

MAX_EXACT_FLOAT = 2.0**53
"""Integers from here on may differ from their float64."""

NEGATIVE_ZERO = re.compile(rb"-0+(?![\d.eE])")
"""A zero whose sign is lost if pandas reads it as an integer."""

EXACT_FLOATS_SINCE = (3, 1)
"""Version of pandas from which it parses floats exactly without an option."""


@dataclass(frozen=True)
class CsvRows:
    """The rows of a CSV file, the first of which has as many cells as the header.

    Attributes:
        content: the file in UTF-8.
        start: position of the first byte below the header.
        delimiter: character between cells.
        header: names of the columns, empty if a column has none.
    """

    content: bytes
    start: int
    delimiter: str
    header: list[str]

    def read(self) -> tuple[list[Column], int] | None:
        """Return the columns, and the number of rows of blank cells, which are left out.

        Returns None if pandas refuses the file, or does not read it as the csv module does.
        """
        from pandas.errors import EmptyDataError, ParserError

        try:
            columns = self._read_columns(NA_VALUES)
            if not self._has_equal_lengths(columns):
                return None
            blank = _find_missing_rows(columns, NA_VALUES)
            if blank.any():
                columns = self._read_columns([""])
                blank = _find_missing_rows(columns, [""])
        except (EmptyDataError, ParserError, OverflowError):
            return None
        if blank.all():
            return None
        if blank.any():
            columns = [_select_rows(column, ~blank) for column in columns]
        return columns, int(blank.sum()) if len(columns) > 1 else 0

    def _read_columns(self, na_values: Collection[str]) -> list[Column]:
        has_quoted_tabs = self.delimiter == "\t" and b'"' in self.content
        as_text = [i for i, name in enumerate(self.header) if has_quoted_tabs or not name]
        frame = self._read_frame(na_values, dtype=dict.fromkeys(as_text, str))
        columns = {i: _to_column(frame[i]) for i in frame}
        inexact = [i for i, column in columns.items() if self._may_be_inexact(column)]
        if inexact:
            frame = self._read_frame(na_values, dtype=str, usecols=inexact)
            columns.update({i: _to_column(frame[i]) for i in frame})
        return list(columns.values())

    def _read_frame(self, na_values: Collection[str], **options: Any) -> Any:
        import pandas

        file = io.BytesIO(self.content)
        file.seek(self.start)
        version = tuple(map(int, pandas.__version__.split(".")[:2]))
        if version < EXACT_FLOATS_SINCE:
            options["float_precision"] = "round_trip"
        return pandas.read_csv(
            file,
            sep=self.delimiter,
            header=None,
            names=range(len(self.header)),
            index_col=False,
            keep_default_na=False,
            na_values=list(na_values),
            skipinitialspace=True,
            low_memory=False,
            **options,
        )

    def _may_be_inexact(self, column: Column) -> bool:
        """Return whether pandas read integers that may differ from their text."""
        if isinstance(column, DistinctTexts) or column.dtype.kind == "b":
            return False
        if np.any(np.abs(column) >= MAX_EXACT_FLOAT):
            return True
        return bool(np.any(column == 0) and self._has_negative_zeros)

    @cached_property
    def _has_negative_zeros(self) -> bool:
        return NEGATIVE_ZERO.search(self.content, self.start) is not None

    def _has_equal_lengths(self, columns: list[Column]) -> bool:
        """Return whether every row has as many cells as the first, and no cell is too long.

        pandas refuses a row that is longer than the first, and fills one that is shorter. So all
        have the same length if the delimiters outside the cells are as many as such rows have.
        """
        n_inside, limit = 0, csv.field_size_limit()
        for column in columns:
            if isinstance(column, DistinctTexts) and column.texts:
                joined = "\n".join(column.texts)
                if len(joined) > limit and max(map(len, column.texts)) > limit:
                    return False
                if self.delimiter in joined:
                    counts = [text.count(self.delimiter) for text in column.texts]
                    n_inside += int(np.array([*counts, 0])[column.codes].sum())
        n_rows, n_columns = count_rows(columns[0]), len(columns)
        body = np.frombuffer(self.content, np.uint8, offset=self.start)
        n_delimiters = np.count_nonzero(body == ord(self.delimiter))
        return bool(n_delimiters == n_rows * (n_columns - 1) + n_inside)


def count_rows(column: Column) -> int:
    """Return the number of rows of a column."""
    return len(column.codes if isinstance(column, DistinctTexts) else column)


def _to_column(series: Any) -> Column:
    import pandas

    if series.dtype.kind in "iuf":
        return np.asarray(series, float)
    if series.dtype.kind == "b":
        return np.asarray(series, bool)
    codes, values = pandas.factorize(series)
    texts = np.asarray(values, object).tolist()
    has_integers = not set(map(type, texts)) <= {str, bool}
    if has_integers:  # of more than 64 bits
        return np.full(len(series), np.inf)
    return DistinctTexts([str(text) for text in texts], codes)


def _find_missing_rows(columns: list[Column], na_values: Collection[str]) -> np.ndarray:
    """Return which rows have no value in any column."""
    missing = np.ones(count_rows(columns[0]), bool)
    for column in columns:
        if isinstance(column, DistinctTexts):
            is_na = [text.strip() in na_values for text in column.texts]
            missing &= np.array([*is_na, True])[column.codes]
        else:
            missing &= np.isnan(column)
        if not missing.any():
            break
    return missing


def _select_rows(column: Column, mask: np.ndarray) -> Column:
    if isinstance(column, DistinctTexts):
        return DistinctTexts(column.texts, column.codes[mask])
    selected: np.ndarray = column[mask]
    return selected
