"""Fast reader for the rows of a CSV file: pandas, if it reads them as Python's csv module does."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.data.identifier_cells import find_columns
from glassnet.data.identifiers import is_identifier
from glassnet.data.parsing import NA_VALUES, DistinctTexts, parse_float

Column = np.ndarray | DistinctTexts
"""Numbers or booleans, or the texts of any other cells."""

MAX_EXACT_FLOAT = 2.0**53
"""Integers from here on may differ from their float64."""

NEGATIVE_ZERO = re.compile(rb"-0+(?![\d.eE])")
"""A zero whose sign is lost if pandas reads it as an integer."""

POINT_GROUPS = re.compile(r"[-+]?[1-9]\d{0,2}(\.\d{3})+([eE][-+]?\d+)?")
"""A number whose points may separate groups of three digits."""

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
        first_rows: the first rows.
        all_text: whether every column is to be read as text.
        only_points: whether every number of the file has a decimal point.
        text_columns: names of columns to be read as text.
    """

    content: bytes
    start: int
    delimiter: str
    header: list[str]
    first_rows: list[list[str]]
    all_text: bool
    only_points: bool
    text_columns: Collection[str] = ()

    def read(self) -> CsvColumns | None:
        """Return the columns without rows of blank cells.

        Returns None if pandas refuses the file, or does not read it as the csv module does.
        """
        from pandas.errors import EmptyDataError, ParserError

        try:
            columns = self._read_columns(NA_VALUES)
            if not self._has_equal_lengths(columns) or self._has_stray_quotes(columns):
                return None
            blank = _find_missing_rows(columns, NA_VALUES)
            if blank.any():
                columns = self._read_columns([""])
                blank = _find_missing_rows(columns, [""])
        except (EmptyDataError, ParserError, OverflowError):
            return None
        if blank.all():
            return None
        selected: Any = ...
        if blank.any():
            selected = ~blank
            columns = [_select_rows(column, selected) for column in columns]
        n_blank = int(blank.sum()) if len(columns) > 1 else 0
        has_points = not self.only_points and any(
            not isinstance(column, DistinctTexts) and self._has_point(i)
            for i, column in enumerate(columns)
        )
        return CsvColumns(columns, n_blank, has_points, self, selected)

    def read_texts(self, positions: Collection[int]) -> dict[int, DistinctTexts]:
        """Return columns as text; only blank cells are missing."""
        if not positions:
            return {}
        frame = self._read_frame([""], dtype=str, usecols=sorted(positions))
        columns = {i: _to_column(frame[i]) for i in frame}
        return {
            i: column
            if isinstance(column, DistinctTexts)
            else DistinctTexts([], np.full(len(column), -1))
            for i, column in columns.items()
        }

    def _read_columns(self, na_values: Collection[str]) -> list[Column]:
        has_quoted_tabs = self.delimiter == "\t" and b'"' in self.content
        all_text = self.all_text or has_quoted_tabs
        as_text = [
            i
            for i, name in enumerate(self.header)
            if all_text or not name or name in self.text_columns or self._begins_with_identifier(i)
        ]
        texts = set(as_text) | {i for i in range(len(self.header)) if self._begins_with_text(i)}
        by_column = {i: [""] if i in texts else list(na_values) for i in range(len(self.header))}
        frame = self._read_frame(by_column, dtype=dict.fromkeys(as_text, str))
        columns = {i: _to_column(frame[i]) for i in frame}
        again = [
            i
            for i, column in columns.items()
            if self._may_be_inexact(column)
            or (frame[i].dtype.kind == "f" and np.isnan(frame[i]).all())
            or (not self.only_points and frame[i].dtype.kind == "f" and not self._has_point(i))
            or (i not in texts and isinstance(column, DistinctTexts) and column.codes.min() < 0)
        ]
        numbers = {i for i in columns.keys() - set(again) if frame[i].dtype.kind in "iuf"}
        if numbers:
            found = find_columns(self.content, self.start, self.delimiter, len(self.header))
            again += numbers & found
        columns.update(self.read_texts(again))
        return list(columns.values())

    def _begins_with_text(self, i: int) -> bool:
        """Return whether one of a column's first cells is neither a number nor a boolean."""
        cells = (row[i].strip() for row in self.first_rows if len(row) > i)
        return any(
            np.isnan(parse_float(cell))
            and cell not in NA_VALUES
            and cell.lower() not in ("true", "false")
            for cell in cells
        )

    def _begins_with_identifier(self, i: int) -> bool:
        """Return whether a number would change one of a column's first cells."""
        return any(is_identifier(row[i].strip()) for row in self.first_rows if len(row) > i)

    def _has_point(self, i: int) -> bool:
        """Return whether a decimal point is certain from one of a column's first cells."""
        cells = {row[i].strip() for row in self.first_rows if len(row) > i} - NA_VALUES
        return any("." in cell and not POINT_GROUPS.fullmatch(cell) for cell in cells)

    def _read_frame(self, na_values: Any, **options: Any) -> Any:
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
            na_values=na_values,
            skipinitialspace=True,
            low_memory=False,
            **options,
        )

    def _has_stray_quotes(self, columns: list[Column]) -> bool:
        """Return whether text follows a closing quote in a file with cells of several lines.

        Such a quote may belong to another cell, and the rows between them are lost.
        """
        texts = [column.texts for column in columns if isinstance(column, DistinctTexts)]
        if not any("\n" in text or "\r" in text for text in itertools.chain(*texts)):
            return False
        body = np.frombuffer(self.content, np.uint8, offset=self.start)
        quotes = np.flatnonzero(body == ord('"'))
        padded = np.concatenate([[ord("\n")], body, [ord("\n")]])
        is_edge = np.isin(padded, [ord("\n"), ord("\r"), ord(self.delimiter)])
        opens, closes = is_edge[quotes], is_edge[quotes + 2]
        if np.all(opens[::2] & ~closes[::2]) and np.all(closes[1::2] & ~opens[1::2]):
            return len(quotes) % 2 > 0
        file = io.TextIOWrapper(io.BytesIO(self.content[self.start :]), "utf-8", newline="")
        reader = csv.reader(file, delimiter=self.delimiter, skipinitialspace=True, strict=True)
        try:
            deque(reader, maxlen=0)
        except csv.Error:
            return True
        return False

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


@dataclass(frozen=True)
class CsvColumns:
    """Columns that pandas has read.

    Attributes:
        columns: numbers, booleans or texts, without rows of blank cells.
        n_blank: number of rows of several blank cells, which are left out.
        has_points: whether numbers certainly have decimal points.
        rows: the rows of the file, from which columns can be read as text, if pandas read it.
        selected: mask of the rows that are not blank, or all.
    """

    columns: list[Column]
    n_blank: int
    has_points: bool = False
    rows: CsvRows | None = None
    selected: Any = ...

    def read_texts(self, positions: Collection[int]) -> dict[int, DistinctTexts]:
        """Return columns of numbers as stripped text; only blank cells are missing."""
        columns = self.rows.read_texts(positions) if self.rows is not None else {}
        return {
            i: DistinctTexts(column.texts, column.codes[self.selected]).convert(
                lambda cell: cell.strip() or None
            )
            for i, column in columns.items()
        }

    def read_text(self, position: int, texts: DistinctTexts | None) -> DistinctTexts:
        """Return a column as text: `texts` if it was read so."""
        return texts if texts is not None else self.read_texts([position])[position]

    def find_blank_words(self, positions: Collection[int]) -> set[str]:
        """Return the words for missing cells in columns of numbers, "" for blank cells."""
        words: set[str] = set()
        for column in self.read_texts(positions).values():
            texts = [column.texts[code] for code in np.unique(column.codes) if code >= 0]
            words |= set(NA_VALUES) & set(texts)
            words |= {""} if column.codes.min(initial=0) < 0 else set()
        return words


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
