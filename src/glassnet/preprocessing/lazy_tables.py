"""Tables larger than memory: the preprocessor is fitted while Polars reads the rows once.

Facts about the columns are found part by part. The rules that choose the encodings are those of
tables in memory (`encoding_rules`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.column_checks import find_problems
from glassnet.data.table import describe_missing_targets
from glassnet.errors import DataError, DataWarning, require, warn
from glassnet.formatting import format_names
from glassnet.losses import Loss
from glassnet.preprocessing.base import HeadSpec, TableRequest
from glassnet.preprocessing.encoder import NumericColumn
from glassnet.preprocessing.encoding_rules import check_column_options, choose_encodings
from glassnet.preprocessing.lazy_columns import IdentifiersFoundError, LazyColumns, Part
from glassnet.preprocessing.scanned_numbers import (
    MAX_MEDIAN_ROWS,
    ScannedDates,
    ScannedNumbers,
    ScannedValues,
)
from glassnet.preprocessing.scanned_target import ScannedTarget
from glassnet.preprocessing.scanned_texts import ScannedTexts
from glassnet.preprocessing.tabular import TabularPreprocessor, describe_fit

if TYPE_CHECKING:
    import polars

MAX_CHECKED_ROWS = 50_000
"""Number of rows that are searched for problems: all, or a sample of more."""

MAX_CHECKED_CELLS = 10_000_000
"""Largest number of cells of the rows that are searched for problems."""

MAX_MEDIAN_CELLS = 32_000_000
"""Largest number of numbers of all columns from which medians are found."""


def fit_preprocessor(
    frame: polars.LazyFrame,
    request: TableRequest,
    head: HeadSpec,
    loss: Loss | None,
    all_rows: polars.LazyFrame | None = None,
) -> tuple[TabularPreprocessor, tuple[str, ...]]:
    """Return the preprocessor fitted to a lazy frame, and lines for the user about it.

    It equals that of `prepare_table` for the same rows in memory. What is a sample is said.

    Args:
        frame: the training rows.
        request: the options of `fit`.
        head: the network's end, which decides between labels and numbers.
        loss: the loss, if one was named.
        all_rows: the training rows and those held out, whose labels are learned too; None if no
            rows are held out.

    Raises:
        ConfigError: see `tabular.prepare_table`.
        DataError: see `tabular.prepare_table`.

    Example:
        >>> import polars
        >>> frame = polars.LazyFrame({"age": [22.0, None, 30.0], "fare": [7.0, 8.0, 9.5]})
        >>> head = HeadSpec("linear", rescaled=False)
        >>> preprocessor, lines = fit_preprocessor(frame, TableRequest("fare"), head, None)
        >>> preprocessor.feature_names
        ('age', 'age missing')
    """
    identifiers: set[str] = set()
    types, derive = dict(request.column_types), dict(request.derive)
    dropped = [name for name, kind in types.items() if kind == "drop"]
    while True:
        source = LazyColumns(frame, request.target, derive, dropped, identifiers)
        scan = TableScan(source, request, head, loss)
        try:
            scan.read()
            if all_rows is not None and scan.target.may_be_labels:
                scan.read_labels(all_rows)
        except IdentifiersFoundError as found:
            identifiers |= found.names
            continue
        return scan.fit()


class TableScan:
    """Facts about the columns of a lazy frame, found in one pass over its rows."""

    def __init__(
        self, source: LazyColumns, request: TableRequest, head: HeadSpec, loss: Loss | None
    ) -> None:
        self.source, self.request, self.types = source, request, dict(request.column_types)
        check_column_options(source.names, self.types, source.derive)
        source.check_derived()
        kind = source.columns[source.target].kind
        log = request.target_transform == "log"
        self.target = ScannedTarget(source.target, kind, log, head, loss)
        self.labels = self.target
        names = [*source.names, *source.derive]
        size = max(1, min(MAX_MEDIAN_ROWS, MAX_MEDIAN_CELLS // max(len(names), 1)))
        self.facts = {name: self._make_facts(name, size) for name in names}
        self.rows = RowSample(min(MAX_CHECKED_ROWS, MAX_CHECKED_CELLS // len(source.used)))

    def _make_facts(self, name: str, size: int) -> Any:
        source, requested = self.source, self.types.get(name)
        kind = "f" if name in source.derive else source.columns[name].kind
        if kind == "O":
            return ScannedTexts(name, lambda: source.select(name))
        if requested in ("category", "boolean") or (requested == "date" and kind != "M"):
            return ScannedValues(name, kind)
        return ScannedDates(name) if kind == "M" else ScannedNumbers(name, kind, size)

    def read(self) -> None:
        """Read all rows.

        Raises:
            DataError: no rows; no row has a target; a column that cannot be read.
            IdentifiersFoundError: integers that float64 cannot hold.
        """
        rng = np.random.default_rng(0)
        for part in self.source.read():
            self.target.add(part)
            if len(part.answers):
                self._add(part, rng.random(len(part.answers)))
        n_rows = self.target.n_rows + self.target.n_missing
        shape = (n_rows, len(self.source.columns))
        require(n_rows, "table", "rows and columns", error=DataError, shape=shape)

    def read_labels(self, all_rows: polars.LazyFrame) -> None:
        """Read the labels of the training rows and of those held out.

        Raises:
            IdentifiersFoundError: integers that float64 cannot hold.
        """
        target = self.target
        is_identifier = target.kind == "O"
        source = LazyColumns(
            all_rows.select(target.name), target.name, {}, identifiers=[target.name] * is_identifier
        )
        self.labels = target.restart()
        for part in source.read():
            self.labels.add(part)

    def _add(self, part: Part, draws: np.ndarray) -> None:
        self.rows.add(part.frame, draws)
        arrays = self.source.to_arrays(part.frame)
        for name, facts in self.facts.items():
            if isinstance(facts, ScannedTexts) and name in part.frame.columns:
                facts.add(part.frame[name])
            elif name in arrays:
                facts.add(arrays[name], draws)

    def fit(self) -> tuple[TabularPreprocessor, tuple[str, ...]]:
        """Return the preprocessor and the messages; warn about what looks wrong in the rows.

        Raises:
            ConfigError: see `tabular.prepare_table`.
            DataError: see `tabular.prepare_table`.
        """
        n_missing, n_rows = self.target.n_missing, self.target.n_rows + self.target.n_missing
        notes = describe_missing_targets(self.source.target, n_missing, n_rows)
        for name, has_missing in self.source.booleans.items():
            if name in self.facts and has_missing:
                self.facts[name].declared_kind = "f"
        self._find_exact_medians()
        encoder = choose_encodings(self.facts.values(), self.types, self.source.derive)
        labels = self.labels
        target = labels.fit_labels() if labels.are_labels else self.target.fit_numbers()
        preprocessor = TabularPreprocessor(encoder, target, self.request)
        self._warn_about_columns(preprocessor)
        messages = (*notes, *describe_fit(preprocessor), *self._describe_samples(preprocessor))
        return preprocessor, messages

    def _find_exact_medians(self) -> None:
        """Read columns with missing numbers again if their median is that of a sample."""
        numbers = [facts for facts in self.facts.values() if isinstance(facts, ScannedNumbers)]
        searches = {facts.name: facts.search_median() for facts in numbers if facts.needs_median}
        if not searches:
            return
        source = self.source
        needs_all = not source.derive.keys().isdisjoint(searches)
        for part in source.read(None if needs_all else searches):
            if not len(part.frame):
                continue
            arrays = source.to_arrays(part.frame) if needs_all else {}
            for name, search in searches.items():
                search.add(arrays[name] if needs_all else source.to_array(part.frame, name))
        for name, search in searches.items():
            self.facts[name].exact_median = search.find()

    def _warn_about_columns(self, preprocessor: TabularPreprocessor) -> None:
        """Warn about what looks wrong in the rows: see `column_checks.find_problems`."""
        table, target = self.source.to_table(self.rows.collect()), self.source.target
        dropped = preprocessor.encoder.dropped_columns()
        columns = {
            name: values
            for name, values in table.drop(target).columns.items()
            if name not in dropped
        }
        counts = self.labels.count_labels() if self.labels.are_labels else None
        for problem in find_problems(columns, target, table[target], counts):
            warn(problem, DataWarning)

    def _describe_samples(self, preprocessor: TabularPreprocessor) -> list[str]:
        """Return lines about what was found in a sample of the rows."""
        lines = []
        sampled = [
            column.name
            for column in preprocessor.encoder.columns
            if isinstance(column, NumericColumn)
            and isinstance(facts := self.facts[column.name], ScannedNumbers)
            and facts.has_sample_median
        ]
        if sampled:
            lines.append(
                f"{format_names(sampled)}: no value is missing; one that is missing later becomes "
                "the median of a sample"
            )
        if self.rows.share < 1:
            lines.append(
                f"{len(self.rows):,} of {self.target.n_rows:,} rows, drawn by chance, "
                "were searched for suspicious values"
            )
        return lines


class RowSample:
    """A sample of at most `size` rows; all rows if they are not more.

    Attributes:
        share: share of the rows that are in the sample.
    """

    def __init__(self, size: int) -> None:
        self.size, self.share = size, 1.0
        self._parts: list[polars.DataFrame] = []
        self._n = 0

    def __len__(self) -> int:
        return self._n

    def add(self, part: polars.DataFrame, draws: np.ndarray) -> None:
        """Add rows, with a random number from 0 to 1 for each."""
        import polars

        if self.share < 1:
            part = part.filter(polars.Series(draws < self.share))
        self._parts.append(part)
        self._n += len(part)
        while self._n > self.size:
            self._parts = [self.collect().gather_every(2)]
            self._n, self.share = len(self._parts[0]), self.share / 2

    def collect(self) -> polars.DataFrame:
        """Return the rows."""
        import polars

        return polars.concat(self._parts)
