"""Facts about text that Polars reads in parts.

Up to `MAX_TEXTS` different texts are counted. Of more, a sample is counted, those of some hashes;
facts that need every text are then found by reading the column again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.preprocessing.column_facts import NumberFacts, TextFacts
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.scanned_numbers import ScannedDates, ScannedNumbers, ScannedValues

if TYPE_CHECKING:
    import polars

MAX_TEXTS = 100_000
"""Largest number of different texts that are counted, of numbers and of other text."""

MAX_GROUPS = 2_000_000
"""Largest number of different texts that Polars counts at once."""


class ScannedTexts(ScannedValues):
    """Facts about a column of text that is read in parts.

    Attributes:
        read_again: returns a lazy frame with this column alone.
    """

    def __init__(self, name: str, read_again: Callable[[], polars.LazyFrame]) -> None:
        super().__init__(name, "O")
        self.read_again = read_again
        self._bits = {True: 0, False: 0}

    @property
    def is_sample(self) -> bool:
        """Whether only some of the texts are counted."""
        return any(self._bits.values())

    def add(self, values: Any, draws: np.ndarray | None = None) -> None:
        """See `ScannedFacts`."""
        del draws
        self.n_rows += len(values)
        self.n_missing += values.null_count()
        groups = values.drop_nulls().to_frame("text").group_by("text", maintain_order=True).len()
        if self.is_sample:
            groups = groups.filter(self._is_in_sample(groups["text"]))
        pairs = zip(groups["text"].to_list(), groups["len"].to_list(), strict=True)
        for text, count in pairs:
            self.counts[text.strip()] += count
        self._shrink()

    def _shrink(self) -> None:
        """Keep a sample of the texts if they are too many."""
        if len(self.counts) <= MAX_TEXTS:
            return
        texts = _to_series(list(self.counts))
        before = dict(self._bits)
        for kind, are_of_kind in zip((True, False), _split_numbers(texts), strict=True):
            hashes = texts.filter(are_of_kind).hash().to_numpy()
            while np.count_nonzero(hashes % 2 ** self._bits[kind] == 0) > MAX_TEXTS:
                self._bits[kind] += 1
        if self._bits != before:
            chosen = self._is_in_sample(texts).to_list()
            pairs = zip(self.counts.items(), chosen, strict=True)
            self.counts = Counter(dict(item for item, is_chosen in pairs if is_chosen))

    def _is_in_sample(self, texts: polars.Series) -> polars.Series:
        numbers, words = _split_numbers(texts)
        hashes = texts.hash()
        is_chosen = {kind: hashes % 2**bits == 0 for kind, bits in self._bits.items()}
        chosen: polars.Series = (numbers & is_chosen[True]) | (words & is_chosen[False])
        return chosen

    @property
    def n_distinct(self) -> int:
        """Number of different texts; if they are a sample, an estimate."""
        if not self.is_sample:
            return len(self.counts)
        numbers, words = _split_numbers(_to_series(list(self.counts)))
        n_numbers, n_words = int(numbers.sum()), int(words.sum())
        return (n_numbers << self._bits[True]) + (n_words << self._bits[False])

    def to_texts(self) -> TextFacts:
        """See `ColumnFacts`."""
        facts, weight = super().to_texts(), 2 ** self._bits[False]
        return facts._replace(
            n_distinct=self.n_distinct, is_sample=self.is_sample, word_weight=weight
        )

    def to_numbers(self, coerce: bool) -> NumberFacts | None:
        """See `ColumnFacts`."""
        if not self.is_sample:
            return super().to_numbers(coerce)
        formats = self.column.number_formats() if coerce else ()
        facts, rng = ScannedNumbers(self.name), np.random.default_rng(0)
        for part in self._read_parts():
            values = Column(self.name, part, formats).to_numbers(coerce)
            facts.add(values, rng.random(len(values)))
        return facts.to_numbers(coerce)

    def to_date_parts(self, date_format: str) -> dict[str, NumberFacts]:
        """See `ColumnFacts`."""
        if not self.is_sample:
            return super().to_date_parts(date_format)
        facts = ScannedDates(self.name)
        for part in self._read_parts():
            facts.add(Column(self.name, part).to_dates(date_format))
        return facts.to_date_parts(date_format)

    def to_categories(self, min_count: int) -> tuple[dict[str | None, int], bool]:
        """See `ColumnFacts`."""
        if not self.is_sample:
            return super().to_categories(min_count)
        common: dict[str | None, int] = {}
        common.update(self._count_common(min_count).items())
        if self.n_missing >= min_count:
            common[None] = self.n_missing
        return common, True

    @cached_property
    def _common_by_count(self) -> dict[int, Counter[str]]:
        return {}

    def _count_common(self, min_count: int) -> Counter[str]:
        """Count the texts of at least `min_count` rows, by hashes, some texts after the others."""
        import polars

        if min_count in self._common_by_count:
            return self._common_by_count[min_count]
        n_parts = -(-self.n_distinct // MAX_GROUPS)
        column, common = polars.col("text"), Counter[str]()
        texts = self.read_again().select(polars.first().alias("text"))
        for part in range(n_parts):
            frame = texts.filter(column.is_not_null(), column.hash() % n_parts == part)
            groups = frame.group_by(column).len().filter(polars.col("len") >= min_count)
            for text, count in groups.collect(engine="streaming").iter_rows():
                common[text.strip()] += count
        self._common_by_count[min_count] = common
        return common

    def _read_parts(self) -> Iterator[np.ndarray]:
        for part in self.read_again().collect_batches(engine="streaming", chunk_size=MAX_TEXTS):
            cells = [None if text is None else text.strip() for text in part[self.name].to_list()]
            yield np.array(cells, object)


def _to_series(texts: list[str]) -> polars.Series:
    import polars

    return polars.Series("text", texts, polars.String)


def _split_numbers(texts: polars.Series) -> tuple[polars.Series, polars.Series]:
    """Return which texts are numbers, and which are not."""
    import polars

    numbers = texts.cast(polars.Float64, strict=False).is_not_null()
    return numbers, ~numbers
