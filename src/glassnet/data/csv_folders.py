"""CSV files of one folder as one table in partitions.

Delimiter, header, signs of numbers, types and words for missing cells are found in the first rows
of some files, as `read_table` finds them in a file. All files are then read in this one way.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.csv_columns import CsvContents
from glassnet.data.csv_layout import Layout, find_layout
from glassnet.data.csv_options import CsvOptions
from glassnet.data.csv_reader import decode_csv, find_encoding, parse_csv
from glassnet.data.identifiers import are_plain_numbers, is_identifier, is_long_integer
from glassnet.data.parsing import NA_VALUES, is_missing, parse_dates
from glassnet.data.partitioned_table import PartitionedTable, describe_files, number_partitions
from glassnet.errors import DataError, require, wrap_errors

if TYPE_CHECKING:
    import pyarrow

HEAD_BYTES = 2**20
"""Number of bytes at the beginning of a file from which its layout and types are found."""

MAX_HEADS = 16
"""Largest number of files whose first rows are read to find the types, evenly spaced."""

BLOCK_BYTES = 2**22
"""Number of bytes of a file that are parsed at once."""

MAY_BE_IDENTIFIER = r"^(0\d|\+\d{7}|[-+]?\d{16})"
"""Pattern of Arrow for texts that may be identifiers."""

TRUTHS = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, eq=False)
class CsvFolder:
    """CSV files that are read in one way.

    Attributes:
        path: the folder or the glob.
        files: sorted paths.
        layouts: for each file, the number of lines above its rows, and its encoding.
        delimiter: the character between cells.
        header: names of the columns, "" for those that are left out.
        contents: the first rows of some files.
        missing: words for a missing cell, by column.
        kinds: kinds of columns that the first rows do not decide, "f" or "O", by column.
    """

    path: str
    files: tuple[str, ...]
    layouts: tuple[tuple[int, str], ...]
    delimiter: str
    header: tuple[str, ...]
    contents: CsvContents
    missing: Mapping[str, frozenset[str]]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def for_target(self, name: str, numbers: Collection[str] = ()) -> PartitionedTable:
        """Return the table, with words in the target that are labels as text.

        Args:
            name: name of the target.
            numbers: columns of which the user says that they are numbers.

        Raises:
            DataError: a word may be a label or mean a missing cell: see `BlankWords`.
        """
        stated = {each: "f" for each in numbers if self._may_be_numbers(each)}
        return replace(self, kinds=stated)._for_target(name)

    def _for_target(self, name: str) -> PartitionedTable:
        words, labels = self.contents.blank_words.get(name), self.contents.label_words.get(name)
        if words is not None:
            column, _ = words.resolve_target(name)
            return self._replace_missing({name: NA_VALUES.difference(column.tolist())})
        if labels is not None and is_missing(self.contents.columns[name]).any():
            labels.require_rare(name)
        return self.to_table()

    def for_levels(self, levels: Mapping[str, Collection[Any]]) -> PartitionedTable:
        """Return the table as a fitted model reads it: words that are categories are text.

        Identifiers are numbers if the categories are, or if there are none.
        """
        kinds = {}
        for name in filter(self._may_be_numbers, self.contents.columns):
            texts = [level for level in levels.get(name, ()) if isinstance(level, str)]
            if any(map(is_identifier, texts)):
                kinds[name] = "O"
            elif are_plain_numbers(texts):
                kinds[name] = "f"
        return replace(self, kinds=kinds)._replace_missing(
            {name: NA_VALUES.difference(texts) for name, texts in levels.items()}
        )

    def _may_be_numbers(self, name: str) -> bool:
        """Return whether a column is numbers, or identifiers that numbers can hold."""
        identifier = self.contents.identifiers.get(name)
        if identifier is not None:
            return identifier.kind != "digits"
        return name in self.contents.columns and self.contents.columns[name].dtype.kind == "f"

    def _kind(self, name: str) -> str:
        return self.kinds.get(name) or self.contents.columns[name].dtype.kind

    def _replace_missing(self, missing: Mapping[str, frozenset[str]]) -> PartitionedTable:
        return replace(self, missing={**self.missing, **missing}).to_table()

    def to_table(self) -> PartitionedTable:
        """Return the table in partitions, one for each file."""
        import pyarrow

        kinds = {
            "f": pyarrow.float64(),
            "b": pyarrow.bool_(),
            "M": pyarrow.timestamp("s"),
            "O": pyarrow.string(),
        }
        columns = self.contents.columns
        schema = pyarrow.schema([(name, kinds[self._kind(name)]) for name in columns])
        reads = [
            self._make_reader(file, *layout)
            for file, layout in zip(self.files, self.layouts, strict=True)
        ]
        partitions = number_partitions(self.files, [None] * len(reads), reads)
        version = {"files": describe_files(self.files)}
        return PartitionedTable(self.path, schema, partitions, version, self)

    def _make_reader(
        self, file: str, n_skipped: int, encoding: str
    ) -> Callable[[Sequence[str]], Iterator[pyarrow.RecordBatch]]:
        import pyarrow
        from pyarrow import csv

        names = [name or f"column without a name {i}" for i, name in enumerate(self.header)]

        def read(columns: Sequence[str]) -> Iterator[pyarrow.RecordBatch]:
            reader = csv.open_csv(
                file,
                csv.ReadOptions(
                    column_names=names,
                    skip_rows=n_skipped,
                    block_size=BLOCK_BYTES,
                    encoding=encoding,
                ),
                csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pyarrow.string()),
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                parsed = [self._parse(file, name, batch.column(name)) for name in columns]
                yield pyarrow.RecordBatch.from_arrays(parsed, names=list(columns))

        return read

    def _parse(self, file: str, name: str, cells: Any) -> Any:
        """Return the cells of a column as values of its type."""
        import pyarrow
        import pyarrow.compute as pc

        cells = pc.utf8_trim_whitespace(cells).dictionary_encode()
        words, codes = cells.dictionary, cells.indices
        kind = self._kind(name)
        missing = self.missing.get(name, NA_VALUES if kind != "O" else frozenset()) | {""}
        is_blank = pc.is_in(words, value_set=pyarrow.array(sorted(missing)))
        words = pc.if_else(is_blank, pyarrow.scalar(None, pyarrow.string()), words)
        if kind == "O":
            return words.take(codes)
        parse = {"f": self._parse_numbers, "b": _parse_truths, "M": _parse_dates}[kind]
        values = parse(words)
        unread = pc.and_(pc.is_valid(words), pc.is_null(values, nan_is_null=False))
        texts = words.filter(unread).slice(0, 3).to_pylist()
        noun = {"f": "numbers", "b": "true and false", "M": "dates"}[kind]
        fix = "Correct them or leave them blank; or write the folder as Parquet, with its types."
        expected = f"{noun} in column {name!r}, as in the first rows of the folder"
        require(not texts, file, expected, error=DataError, text=texts, fix=fix)
        if kind == "f":
            self._require_no_identifiers(file, name, words)
        return values.take(codes)

    def _require_no_identifiers(self, file: str, name: str, words: Any) -> None:
        """Refuse texts that a number would change, in a column that the first rows say is numbers.

        Raises:
            DataError: with the first ones.
        """
        import pyarrow.compute as pc

        if name in self.kinds:
            return
        unclear = pc.match_substring_regex(words, MAY_BE_IDENTIFIER)
        if not pc.any(unclear).as_py():
            return
        is_signed = bool(np.any(self.contents.columns[name] < 0))
        would_change = is_long_integer if is_signed else is_identifier
        texts = list(filter(would_change, words.filter(unclear).to_pylist()))
        expected = f"numbers in column {name!r}, as in the first rows of the folder"
        fix = (
            f'If they are numbers, pass column_types={{"{name}": "number"}} to fit. If they are '
            "identifiers, write the folder as Parquet, with text in this column."
        )
        require(not texts, file, expected, error=DataError, text=texts[:3], fix=fix)

    def _parse_numbers(self, words: Any) -> Any:
        """Return the numbers in texts, null if missing or not a number."""
        import pyarrow
        import pyarrow.compute as pc

        if self.contents.formats[0].decimal == ".":
            try:
                return pc.cast(words, pyarrow.float64())
            except pyarrow.ArrowInvalid:
                pass
        texts = words.to_pylist()
        values = []
        for text in texts:
            number = None if text is None else self._parse_number(text)
            values.append(number)
        return pyarrow.array(values, pyarrow.float64())

    def _parse_number(self, text: str) -> float | None:
        if text.lower() in TRUTHS:
            return TRUTHS[text.lower()]
        readings = (each.parse([text]) for each in self.contents.formats)
        return next((float(numbers[0]) for numbers in readings if numbers is not None), None)


def _parse_truths(words: Any) -> Any:
    import pyarrow

    texts = [None if text is None else TRUTHS.get(text.lower()) for text in words.to_pylist()]
    return pyarrow.array([None if each is None else bool(each) for each in texts], pyarrow.bool_())


def _parse_dates(words: Any) -> Any:
    import pyarrow

    dates = parse_dates([text or "" for text in words.to_pylist()], "ISO")
    return pyarrow.array(dates, pyarrow.timestamp("s"), from_pandas=True)


def open_csv_files(path: str, files: Sequence[str]) -> PartitionedTable:
    """Return CSV files as one table.

    Args:
        path: the folder or the glob, for messages.
        files: sorted paths.

    Raises:
        DataError: a file has another header or delimiter than the first one (the message names
            it); see `read_table`.
    """
    heads = [_read_head(file) for file in files]
    layouts: list[Layout] = []
    encodings = []
    for file, head in zip(files, heads, strict=True):
        text, encoding = decode_csv(file, head)
        layout = find_layout(file, text, CsvOptions(delimiter=_delimiter(layouts)))
        _require_same_layout(file, files[0], layout, layouts[0] if layouts else layout)
        layouts.append(layout)
        encodings.append(encoding)
    first = layouts[0]
    chosen = sorted({int(i) for i in np.linspace(0, len(files) - 1, min(len(files), MAX_HEADS))})
    contents = _parse_heads(path, [files[i] for i in chosen], [layouts[i] for i in chosen])
    skipped = [layout.start_line for layout in layouts]
    missing = _find_missing_words(contents)
    return CsvFolder(
        path,
        tuple(files),
        tuple(zip(skipped, encodings, strict=True)),
        first.delimiter,
        tuple(first.header),
        contents,
        missing,
    ).to_table()


def _parse_heads(path: str, files: Sequence[str], layouts: Sequence[Layout]) -> CsvContents:
    """Return the first rows of some files as those of one file.

    Raises:
        DataError: a row cannot be read; the message names its file.
    """
    options = CsvOptions(layouts[0].delimiter)
    rows = [layout.text.splitlines(keepends=True)[layout.start_line :] for layout in layouts]
    titles = layouts[0].text.splitlines(keepends=True)[: layouts[0].start_line]
    text = "".join([*titles, *(line for lines in rows for line in lines)])
    with wrap_errors(path, "CSV files that can be read"):
        try:
            return parse_csv(files[0], text.encode(), options)
        except DataError:
            for file, layout, lines in zip(files, layouts, rows, strict=True):
                if lines:
                    parse_csv(file, layout.text.encode(), options)
            raise


def _delimiter(layouts: Sequence[Layout]) -> str | None:
    return layouts[0].delimiter if layouts else None


def _read_head(file: str) -> bytes:
    """Return the first lines of a file, with a line end behind the last one.

    The last line may be incomplete, so it is left out, unless it is the end of the file.
    """
    with open(file, "rb") as stream:
        head = stream.read(HEAD_BYTES)
        is_whole = not stream.read(1)
    encoding = find_encoding(head)
    if encoding in (None, "utf-8-sig"):
        return _end_with_line(file, head, is_whole)
    text = codecs.getincrementaldecoder(encoding)().decode(head)
    return _end_with_line(file, text.encode(), is_whole).decode().encode(encoding)


def _end_with_line(file: str, head: bytes, is_whole: bool) -> bytes:
    if is_whole:
        return head if head.endswith(b"\n") else head + b"\n"
    quotes = np.cumsum(np.frombuffer(head, np.uint8) == ord('"'))
    ends = np.flatnonzero(np.frombuffer(head, np.uint8) == ord("\n"))
    ends = ends[quotes[ends] % 2 == 0]
    expected = f"lines of less than {HEAD_BYTES:,} bytes"
    require(len(ends), os.fspath(file), expected, error=DataError, line_ends=0)
    return head[: int(ends[-1]) + 1]


def _require_same_layout(file: str, first_file: str, layout: Layout, first: Layout) -> None:
    expected = f"the header of {first_file}, {first.header[:8]}"
    fix = "Give all files the same columns in the same order, or name those to read by a glob."
    is_same = layout.header == first.header
    header = layout.header[:8]
    require(is_same, file, expected, error=DataError, header=header, fix=fix)


def _find_missing_words(contents: CsvContents) -> dict[str, frozenset[str]]:
    """Return the words for a missing cell in columns of text."""
    markers: frozenset[str] = frozenset()
    for words in contents.blank_words.values():
        markers |= words.markers
    texts = [name for name, column in contents.columns.items() if column.dtype.kind == "O"]
    found = {name: words.missing for name, words in contents.blank_words.items()}
    found |= dict.fromkeys(contents.identifiers, NA_VALUES)
    return {name: found.get(name, markers) for name in texts}
