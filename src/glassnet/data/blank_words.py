"""Words that may mean a missing cell, such as NA and None, in columns of text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.csv_options import advise
from glassnet.data.parsing import NA_VALUES, DistinctTexts
from glassnet.errors import DataError, message
from glassnet.formatting import format_names

MIN_CLASS_SHARE = 0.05
"""Share of the rows from which a word in a target is a class."""


@dataclass(frozen=True, eq=False)
class BlankWords:
    """A column of text of a file in which words occur that may mean a missing cell.

    Attributes:
        file: name of the file.
        cells: the texts, with these words; only blank cells are missing.
        missing: the words that are read as missing, unless the model's training says otherwise.
        markers: the words with which the file's columns of numbers and dates write missing cells.
    """

    file: str
    cells: DistinctTexts
    missing: frozenset[str]
    markers: frozenset[str]

    def take(self, index: Any) -> BlankWords:
        """Return some of the rows."""
        cells = DistinctTexts(self.cells.texts, self.cells.codes[index])
        return BlankWords(self.file, cells, self.missing, self.markers)

    def resolve(self, levels: Collection[Any]) -> np.ndarray:
        """Return the column; words for missing cells are text if they are in `levels`."""
        return drop_words(self.cells, NA_VALUES.difference(levels)).to_objects()

    def read(self) -> np.ndarray:
        """Return the column with the words of `missing` as missing."""
        return drop_words(self.cells, self.missing).to_objects()

    def count(self) -> dict[str, int]:
        """Return the number of cells of each text."""
        codes = self.cells.codes
        counts = np.bincount(codes[codes >= 0], minlength=len(self.cells.texts)).tolist()
        return {text: n for text, n in zip(self.cells.texts, counts, strict=True) if n}

    def resolve_target(self, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        """Return the column as a target, and messages about words that are read as labels.

        A word that is about as frequent as other labels is a label, unless it means a missing cell
        elsewhere in the file.

        Raises:
            DataError: a word may be a label or mean a missing cell.
        """
        counts = self.count()
        others = {text: n for text, n in counts.items() if text not in NA_VALUES}
        rarest = min(others.values(), default=1)
        has_blanks = bool((self.cells.codes < 0).any())
        labels, messages = set(others), []
        for word in [text for text in counts if text in NA_VALUES]:
            n = counts[word]
            is_frequent = 2 * n >= rarest and n >= MIN_CLASS_SHARE * len(self.cells.codes)
            is_pair = word == "-" and set(others) == {"+"}
            is_marker = word in self.markers
            if is_marker and not is_frequent:
                continue
            if is_marker or not (is_frequent or has_blanks or is_pair):
                self._raise_unclear(name, word, n)
            labels.add(word)
            advice = advise(self.file, missing={name: [word]})
            messages.append(
                f"{name}: {word!r} in {n:,} rows is read as a label. If it means a missing "
                f"value: {advice}"
            )
        return self.resolve(labels), tuple(messages)

    def require_rare(self, name: str) -> None:
        """Refuse words that are as frequent as labels in a target of numbers.

        Raises:
            DataError: with the word, and both options.
        """
        counts = self.count()
        rarest = min((n for text, n in counts.items() if text not in NA_VALUES), default=1)
        for word, n in counts.items():
            is_frequent = 2 * n >= rarest and n >= MIN_CLASS_SHARE * len(self.cells.codes)
            if word in NA_VALUES and is_frequent:
                self._raise_unclear(name, word, n)

    def _raise_unclear(self, name: str, word: str, n: int) -> None:
        as_missing = advise(self.file, missing={name: [word]})
        as_label = advise(self.file, missing={name: []})
        fix = f"If it is missing, pass {as_missing}. If it is a label, pass {as_label}."
        expected = "labels that do not look like missing values"
        received = {"text": word, "rows": n}
        raise DataError(message(f"target {name!r}", expected, fix=fix, **received))


@dataclass(frozen=True, eq=False)
class LabelWords:
    """Words in a column of few different numbers, which count as missing but may be labels.

    Attributes:
        file: name of the file.
        read_cells: reads the texts of the column, with these words.
        indices: selections of rows, one after the other.
    """

    file: str
    read_cells: Callable[[], DistinctTexts]
    indices: tuple[Any, ...] = ()

    def take(self, index: Any) -> LabelWords:
        """Return some of the rows."""
        return LabelWords(self.file, self.read_cells, (*self.indices, index))

    def require_rare(self, name: str) -> None:
        """Refuse words that are as frequent as labels.

        Raises:
            DataError: with the word, and both options.
        """
        cells = self.read_cells()
        for index in self.indices:
            cells = DistinctTexts(cells.texts, cells.codes[index])
        BlankWords(self.file, cells, frozenset(), frozenset()).require_rare(name)


def drop_words(cells: DistinctTexts, words: Collection[str]) -> DistinctTexts:
    """Return the cells with some words as missing."""
    return cells.convert(lambda text: None if text in words else text)


def find_words(cells: DistinctTexts) -> list[str]:
    """Return the words of a column that may mean a missing cell."""
    return [text for text in cells.texts if text in NA_VALUES]


def decide_missing(words: Collection[str], has_blanks: bool, markers: Collection[str]) -> set[str]:
    """Return which words of a column of text mean a missing cell, from evidence in the file.

    Args:
        words: the words that occur in the column.
        has_blanks: whether the column has blank cells too.
        markers: the words that mean a missing cell in columns of numbers and dates, "" for blank
            cells.
    """
    known = set(words) & set(markers)
    if known:
        return known
    is_alone = len(words) == 1 and not has_blanks and not markers
    return set(words) if is_alone else set()


def describe_decisions(columns: Mapping[str, BlankWords]) -> list[str]:
    """Return messages about words that are text, or that are missing without evidence."""
    groups: dict[tuple[str, bool], list[tuple[str, int]]] = {}
    for name, column in columns.items():
        counts, words = column.count(), find_words(column.cells)
        if len(words) == len(counts):
            continue
        for word in words:
            is_missing = word in column.missing
            if not (is_missing and word in column.markers):
                groups.setdefault((word, is_missing), []).append((name, counts[word]))
    messages = []
    for (word, is_missing), places in groups.items():
        listed = format_names([f"{name} ({n:,} cells)" for name, n in places])
        name, file = places[0][0], columns[places[0][0]].file
        other = "is read as missing; as text" if is_missing else "is read as text; as missing"
        advice = advise(file, missing={name: [] if is_missing else [word]})
        messages.append(f"{word!r} in {listed} {other}: {advice}")
    return messages
