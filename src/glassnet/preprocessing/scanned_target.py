"""The target of a table that is read in parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data.column_values import MAX_FLOAT, infinite_error
from glassnet.data.target_columns import (
    INFINITE_FIX,
    log_error,
    require_varying,
    target_to_numeric,
    to_log,
)
from glassnet.errors import DataError, message
from glassnet.losses import Loss
from glassnet.preprocessing.base import HeadSpec
from glassnet.preprocessing.lazy_columns import Part
from glassnet.preprocessing.scanned_numbers import (
    Extreme,
    ScannedNumbers,
    ScannedValues,
    find_extreme,
    weigh_numbers,
)
from glassnet.preprocessing.scanned_texts import ScannedTexts
from glassnet.preprocessing.targets import (
    ClassTarget,
    NumericTarget,
    allows_any_scale,
    fit_class_target,
    learns_labels,
)

MAX_LABELS = 100_000
"""Largest number of different labels."""


class ScannedTarget:
    """Facts about a target that is read in parts.

    Attributes:
        n_rows: number of rows with a target.
        n_missing: number of rows without one.
        values: the different values with their counts, if they are text or may be labels.
    """

    def __init__(self, name: str, kind: str, log: bool, head: HeadSpec, loss: Loss | None) -> None:
        self.name, self.kind, self.log, self.head, self.loss = name, kind, log, head, loss
        self.n_rows = self.n_missing = 0
        self.values = ScannedTexts(name, _no_frame) if kind == "O" else ScannedValues(name, kind)
        self._numbers, self._logs = ScannedNumbers(name), ScannedNumbers(name)
        self._infinite: Extreme | None = None
        self._low: Extreme | None = None
        self._worst, self._error = 0.0, -1.0

    def restart(self) -> ScannedTarget:
        """Return the same target without rows."""
        return ScannedTarget(self.name, self.kind, self.log, self.head, self.loss)

    @property
    def may_be_labels(self) -> bool:
        """Whether few different targets would be labels."""
        return learns_labels(self.head, self.loss, self.kind == "O", lambda: 2)

    @property
    def are_labels(self) -> bool:
        """Whether labels are learned rather than numbers."""
        n_distinct = len(self.values.counts)
        return learns_labels(self.head, self.loss, self.kind == "O", lambda: n_distinct)

    def add(self, part: Part) -> None:
        """Add the next rows."""
        self.n_missing += part.n_without_target
        if not len(part.answers):
            return
        if self.kind == "M" and not self.are_labels:
            target_to_numeric(self.name, part.answers)
        if self.kind == "O" or self.are_labels:
            self.values.add(part.frame[self.name] if self.kind == "O" else part.answers)
            self._require_few_values()
        if self.kind in "fb":
            self._add_numbers(part.answers)
        self.n_rows += len(part.answers)

    def _require_few_values(self) -> None:
        """Refuse more different values than are counted.

        Raises:
            DataError: with what to do.
        """
        n_distinct = self.values.n_distinct
        if n_distinct <= MAX_LABELS or not (self.kind == "O" or self.are_labels):
            return
        who, received = f"target {self.name!r}", {"different": n_distinct}
        if self.are_labels:
            expected, fix = f"at most {MAX_LABELS:,} labels", "End in Dense(1), to learn numbers."
        else:
            expected, fix = "numbers that are stored as numbers", "Convert the text to numbers."
        raise DataError(message(who, expected, **received, fix=fix))

    def _add_numbers(self, y: np.ndarray) -> None:
        infinite = np.abs(y) > MAX_FLOAT
        self._infinite = find_extreme(y, infinite, self._infinite, self.n_rows)
        if self._infinite is not None:
            return
        self._numbers.add(y)
        with np.errstate(over="ignore"):
            errors = np.abs(y - y.astype(np.float32))
        worst = int(np.argmax(errors))
        if errors[worst] > self._error:
            self._worst, self._error = float(y[worst]), float(errors[worst])
        if self.log:
            low = y <= 0
            self._low = find_extreme(y, low, self._low, self.n_rows)
            self._logs.add(np.log(y, where=~low, out=np.zeros(len(y))))

    def fit_labels(self) -> ClassTarget:
        """Return the target of labels.

        Raises:
            DataError: see `targets.fit_class_target`.
        """
        self.values.n_missing = self.n_missing
        return fit_class_target(self.name, self.values.column.values)

    def fit_numbers(self) -> NumericTarget:
        """Return the target of numbers.

        Raises:
            ConfigError: see `targets.fit_numeric_target`.
            DataError: see `targets.fit_numeric_target`.
        """
        return self._fit_text() if self.kind == "O" else self._fit_numbers()

    def _fit_text(self) -> NumericTarget:
        """Return the target of numbers in text."""
        y = target_to_numeric(self.name, self.values.column.values)
        require_varying(self.name, y)
        if not allows_any_scale(self.log, self.head, self.loss):
            return NumericTarget(self.name)
        level = to_log(self.name, y, "target_transform") if self.log else y
        facts = weigh_numbers(level, self.values.n_by_value, 0)
        return NumericTarget(self.name, facts.mean, facts.scale, self.log)

    def _fit_numbers(self) -> NumericTarget:
        if self._infinite is not None:
            raise infinite_error(f"target {self.name!r}", *self._infinite, INFINITE_FIX)
        low, high = self._numbers.low, self._numbers.high
        require_varying(self.name, np.array([low, high, self._worst]))
        if not allows_any_scale(self.log, self.head, self.loss):
            return NumericTarget(self.name)
        if self.log and self._low is not None:
            raise log_error(self.name, *self._low, "target_transform")
        numbers = self._logs if self.log else self._numbers
        scale = float(np.sqrt(numbers.squares / numbers.n_rows))
        return NumericTarget(self.name, numbers.mean, scale, self.log)

    def count_labels(self) -> dict[str, int]:
        """Return the number of rows of each label."""
        return dict(self.values.to_texts().counts)


def _no_frame() -> Any:
    """Refuse to read a target again: it has few different texts."""
    raise NotImplementedError
