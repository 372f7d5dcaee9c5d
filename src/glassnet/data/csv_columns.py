"""Columns of a CSV file: texts become numbers, booleans, dates or categories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np

from glassnet.data.blank_words import (
    BlankWords,
    LabelWords,
    decide_missing,
    drop_words,
    find_words,
)
from glassnet.data.csv_layout import Layout
from glassnet.data.csv_options import CsvOptions, advise
from glassnet.data.exact_times import ExactTimes, exact_times_of_text
from glassnet.data.identifiers import (
    Identifier,
    describe_identifiers,
    find_identifier,
    is_long_integer,
)
from glassnet.data.number_format import (
    NUMBER_LIKE,
    SPACES,
    FormatChoice,
    NumberFormat,
    candidate_formats,
    choose_format,
)
from glassnet.data.pandas_csv import CsvColumns
from glassnet.data.parsing import (
    NA_VALUES,
    DistinctTexts,
    factorize,
    parse_distinct,
    parse_float,
)
from glassnet.errors import DataError, message, require
from glassnet.formatting import format_names

MAX_SHOWN = 3
"""Maximum number of cells in a message."""

MAX_LABELS = 10
"""Maximum number of different numbers of a column that may be labels."""

TOTAL_WORDS = frozenset(
    [
        "total",
        "totals",
        "sum",
        "average",
        "mean",
        "summe",
        "gesamt",
        "insgesamt",
        "mittelwert",
        "durchschnitt",
        "somme",
        "moyenne",
        "totale",
        "totaal",
        "suma",
    ]
)
"""Words of a last row that sums up the others, in lower case."""

SIGN_NAMES = {",": "comma", ".": "point", " ": "space", "'": "apostrophe"}


class CsvContents(NamedTuple):
    """What is in a CSV file.

    Attributes:
        columns: arrays by name: see `Table`.
        messages: how the file was read.
        formats: formats of numbers that the file allows; the first is preferred.
        blank_words: columns with words that may mean a missing cell.
        exact_times: time zones and fractions of a second of columns of dates.
        label_words: columns of a few different numbers, whose gaps may be words for a label.
        identifiers: columns of numbers that are text, because numbers would change them.
    """

    columns: dict[str, np.ndarray]
    messages: tuple[str, ...]
    formats: tuple[NumberFormat, ...]
    blank_words: dict[str, BlankWords]
    exact_times: dict[str, ExactTimes]
    label_words: dict[str, LabelWords]
    identifiers: dict[str, Identifier]


@dataclass(frozen=True, eq=False)
class ColumnParser:
    """The cells of a CSV file, to be parsed.

    Attributes:
        name: the file's name.
        layout: the header and the delimiter.
        cells: all columns as they were read.
        texts: columns of text, by position, stripped; blank cells are missing.
        options: what the user says about the file.
    """

    name: str
    layout: Layout
    cells: CsvColumns
    texts: Mapping[int, DistinctTexts]
    options: CsvOptions

    def parse(self, messages: list[str]) -> CsvContents:
        """Return the columns, and messages about them behind `messages`.

        Raises:
            DataError: numbers that can be read in two ways; a column without a name.
        """
        header, columns = self.layout.header, {}
        messages += self._choice_messages()
        for i, name in enumerate(header):
            if name:
                columns[name] = self._parse_column(i)
            elif (text := self._unnamed_column_message(i)) not in messages:
                messages.append(text)
        if self.options.header == "infer" and self.options.names is None:
            messages += _number_name_messages(columns)
        messages += self._total_messages()
        fix = "Name every column in the first line."
        expected = "a name for every column"
        require(columns, self.name, expected, error=DataError, column=1, fix=fix)
        blank_words = self._find_blank_words(columns)
        for name, words in blank_words.items():
            if columns[name].dtype.kind == "O":
                columns[name] = words.read()
        identifiers = {header[i]: each for i, each in self.identifiers.items()}
        return CsvContents(
            columns,
            (*messages, *describe_identifiers(identifiers)),
            self.choice.formats,
            blank_words,
            self._find_exact_times(columns),
            self._find_label_words(columns),
            identifiers,
        )

    @cached_property
    def values(self) -> dict[int, DistinctTexts]:
        """The columns of text without words for missing cells."""
        header = self.layout.header
        return {
            i: drop_words(cells, NA_VALUES | (self.options.missing_words(header[i]) or frozenset()))
            for i, cells in self.texts.items()
        }

    @cached_property
    def formats(self) -> tuple[NumberFormat, ...]:
        """The formats that the numbers may have."""
        options, delimiter = self.options, self.layout.numbers_delimiter
        return candidate_formats(delimiter, options.decimal, options.thousands)

    @cached_property
    def identifiers(self) -> dict[int, Identifier]:
        """Columns of numbers that are text, because numbers would change them."""
        pairs = (
            (i, find_identifier_of_numbers(cells.texts, self.formats))
            for i, cells in self.values.items()
            if self.layout.header[i]
        )
        return {i: identifier for i, identifier in pairs if identifier is not None}

    @cached_property
    def choice(self) -> FormatChoice:
        """The decision how the numbers of all columns are written."""
        texts = {
            i: cells.texts
            for i, cells in self.values.items()
            if self.layout.header[i] and i not in self.identifiers
        }
        return choose_format(texts, self.formats, self.cells.has_points)

    def _choice_messages(self) -> list[str]:
        """Return messages about the signs of numbers.

        Raises:
            DataError: a column can be read in two ways.
        """
        choice, header, messages = self.choice, self.layout.header, []
        for i in choice.ambiguous:
            texts = self.values[i].texts
            is_certain = self.layout.numbers_delimiter not in ";\n" and not choice.conflict
            if not is_certain or any("," in text for text in texts):
                self._raise_ambiguous(i)
        by_sign: dict[str, list[str]] = {}
        for i, used in choice.used.items():
            texts = self.values[i].texts
            for sign, role in ((used.decimal, "decimal"), (used.thousands, "thousands")):
                is_told = sign and (sign != "." or role == "thousands" or i in choice.ambiguous)
                if is_told and any(sign in text.translate(SPACES) for text in texts):
                    text = f"the {SIGN_NAMES[sign]} was read as the {role} sign"
                    by_sign.setdefault(text, []).append(header[i])
        for text, names in by_sign.items():
            messages.append(f"{format_names(names)}: {text}")
        return messages

    def _raise_ambiguous(self, i: int) -> None:
        texts = [text for text in self.values[i].texts if "." in text or "," in text]
        sign = "." if "." in texts[0] else ","
        decimal, thousands = advise(self.name, decimal=sign), advise(self.name, thousands=sign)
        column = self.layout.header[i]
        raise DataError(
            message(
                self.name,
                "numbers that can be read in one way only",
                column=column,
                cells=texts[:MAX_SHOWN],
                fix=f"If {sign!r} separates thousands, pass {thousands}. "
                f"If it separates decimals, pass {decimal}.",
            )
        )

    def _parse_column(self, i: int) -> np.ndarray:
        if i not in self.texts:
            column: np.ndarray = self.cells.columns[i]  # type: ignore[assignment]
            return column
        values, numbers = self.values[i], self.choice.numbers.get(i)
        parsed = parse_distinct(values, numbers)
        name = self.layout.header[i]
        stated = self.options.missing_words(name)
        is_typed = values.texts and (parsed.dtype.kind != "O" or i in self.identifiers)
        has_labels = name in self.options.missing_by_column and any(
            word not in (stated or ()) for word in find_words(self.texts[i])
        )
        if stated is None or (is_typed and not has_labels):
            return parsed
        texts = drop_words(self.texts[i], stated)
        return texts.to_objects() if texts.texts else parsed

    def _find_exact_times(self, columns: Mapping[str, np.ndarray]) -> dict[str, ExactTimes]:
        times = {}
        for i, values in self.values.items():
            name = self.layout.header[i]
            if name and columns[name].dtype.kind == "M" and (exact := exact_times_of_text(values)):
                times[name] = exact
        return times

    def _find_blank_words(self, columns: Mapping[str, np.ndarray]) -> dict[str, BlankWords]:
        """Return the columns of text with words for missing cells that the user does not state."""
        header, found = self.layout.header, {}
        for i, cells in self.texts.items():
            words, is_stated = find_words(cells), self.options.missing_words(header[i]) is not None
            is_typed = (
                self.values[i].texts and columns.get(header[i], cells.codes).dtype.kind != "O"
            )
            if header[i] and words and not is_stated and not is_typed:
                found[header[i]] = (cells, words)
        markers = self._find_markers(columns) if found else frozenset()
        blank_words = {}
        for name, (cells, words) in found.items():
            is_blank = len(words) == len(cells.texts)
            has_blanks = bool((cells.codes < 0).any())
            missing = words if is_blank else decide_missing(words, has_blanks, markers)
            blank_words[name] = BlankWords(self.name, cells, frozenset(missing), markers)
        return blank_words

    def _find_label_words(self, columns: Mapping[str, np.ndarray]) -> dict[str, LabelWords]:
        """Return the columns of few numbers in which words may be labels: 1, 2 and ?."""
        selected = {}
        for i, name in enumerate(self.layout.header):
            is_stated = self.options.missing_words(name) is not None
            if not name or is_stated or columns[name].dtype.kind != "f":
                continue
            missing = np.isnan(columns[name])
            if missing.any() and _has_few_numbers(columns[name][~missing]):
                selected[i] = name
        return {
            name: LabelWords(self.name, partial(self.cells.read_text, i, self.texts.get(i)))
            for i, name in selected.items()
        }

    def _find_markers(self, columns: Mapping[str, np.ndarray]) -> frozenset[str]:
        """Return the words, "" for blank, of missing cells in columns of numbers and dates.

        Identifiers are digits, as numbers are: beside them, a word is no text.
        """
        markers: set[str] = set()
        gaps = []
        for i, name in enumerate(self.layout.header):
            if not name or (columns[name].dtype.kind == "O" and i not in self.identifiers):
                continue
            if i in self.texts:
                if self.values[i].texts:
                    markers |= set(find_words(self.texts[i]))
                    markers |= {""} if (self.texts[i].codes < 0).any() else set()
            elif columns[name].dtype.kind == "f" and np.isnan(columns[name]).any():
                gaps.append(i)
        return frozenset(markers | self.cells.find_blank_words(gaps))

    def _total_messages(self) -> list[str]:
        """Return a message about a last row that is a total of the others by its first word."""
        for i, cells in self.values.items():
            if not self.layout.header[i] or cells.codes[-1] < 0 or not cells.texts:
                continue
            code, name = cells.codes[-1], self.layout.header[i]
            text = cells.texts[code]
            is_total = text.rstrip(":").casefold() in TOTAL_WORDS
            if is_total and int((cells.codes == code).sum()) == 1:
                return [f"{name}: {text!r} in the last row: delete it if it sums up the others"]
        return []

    def _unnamed_column_message(self, i: int) -> str:
        """Describe a column without a name, which must be empty or count the rows.

        Raises:
            DataError: it holds anything else.
        """
        cells = self.values[i]
        if not cells.texts:
            return "a column without a name is empty: left out"
        n = len(cells.codes)
        is_index = cells.texts in ([str(i) for i in range(n)], [str(i + 1) for i in range(n)])
        fix = "Name every column in the first line."
        expected = "a name for every column"
        require(is_index, self.name, expected, error=DataError, column=i + 1, fix=fix)
        return "the column without a name counts the rows: left out"


def _has_few_numbers(values: np.ndarray) -> bool:
    """Return whether there are 2 to `MAX_LABELS` different numbers, twice each on average."""
    if len(np.unique(values[:1000])) > MAX_LABELS:
        return False
    n = len(np.unique(values))
    return 1 < n <= min(MAX_LABELS, len(values) / 2)


def find_identifier_of_numbers(
    texts: Sequence[str], formats: tuple[NumberFormat, ...]
) -> Identifier | None:
    """Return the first identifier among the texts of a column if all of them are numbers."""
    if not texts or not NUMBER_LIKE.fullmatch(texts[0]):
        return None
    identifier = find_identifier(texts)
    if identifier is None:
        return None
    if identifier.kind == "digits":
        texts = [text for text in texts if not is_long_integer(text)]
    are_numbers = any(each.parse(texts) is not None for each in formats)
    return identifier if are_numbers else None


def parse_again(
    cells: np.ndarray | BlankWords, formats: tuple[NumberFormat, ...]
) -> tuple[np.ndarray, Identifier | None]:
    """Return some cells of a text column as numbers, booleans or dates if all allow it, else text.

    Identifiers stay text, and the first one is returned too. Numbers that can be read in two ways
    stay text.

    Args:
        cells: objects, None if missing; or with words that may mean a missing cell.
        formats: the formats of the file's numbers.
    """
    if isinstance(cells, BlankWords):
        cells = cells.resolve(())
    distinct = factorize(cells)
    identifier = find_identifier_of_numbers(distinct.texts, formats)
    if identifier is not None:
        return distinct.to_objects(), identifier
    choice = choose_format({0: distinct.texts}, formats, has_points=False)
    numbers = None if choice.ambiguous else choice.numbers.get(0)
    return parse_distinct(distinct, numbers), None


def _number_name_messages(columns: Mapping[str, np.ndarray]) -> list[str]:
    """Return a message about columns of numbers whose names are numbers too."""
    names = [
        name
        for name, column in columns.items()
        if column.dtype.kind == "f" and parse_float(name) == parse_float(name)
        if not np.isnan(column).all()
    ]
    text = "the first line was read as column names, including"
    return [f"{text} {format_names(list(map(repr, names)))}"] if names else []
