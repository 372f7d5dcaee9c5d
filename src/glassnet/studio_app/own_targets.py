"""Targets of own arrays: classes or numbers, as the user says or as their values suggest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from glassnet.data.parsing import format_exact
from glassnet.data.table import Table
from glassnet.errors import DataError, require
from glassnet.models.default_layers import has_few_integers
from glassnet.studio_app.own_data import (
    MAX_CLASSES,
    OwnData,
    are_class_indices,
    encode_classes,
    number_classes,
)
from glassnet.studio_app.row_selection import DataLog, describe_few_integers
from glassnet.studio_app.settings import TargetType


def has_numbers(own: OwnData) -> bool:
    """Return whether the targets are numbers, or classes with the names 0, 1, 2, ..."""
    if isinstance(own.rows, Table):
        column = own.rows[own.target or list(own.rows.columns)[-1]]
        return column.dtype.kind == "f"
    names = own.class_names
    return names == tuple(map(str, range(len(names))))


def choose_target_type(own: OwnData, target_type: TargetType | None, log: DataLog) -> OwnData:
    """Return own arrays whose targets are classes or numbers.

    Args:
        own: arrays.
        target_type: None for what the values suggest. A message says so if they are few integers.
        log: where the code and a message are added.

    Raises:
        DataError: targets that are text cannot be numbers; too many different numbers cannot be
            classes; a test row has another class.

    Example:
        >>> from glassnet.studio_app.own_data import own_data
        >>> own = own_data([[0.0], [1.0], [2.0]], [3, 5, 4])
        >>> own.class_names
        ('0', '1', '2', '3', '4', '5')
        >>> choose_target_type(own, "number", DataLog()).rows[1].tolist()
        [3.0, 5.0, 4.0]
    """
    assert not isinstance(own.rows, Table)
    y, names = own.rows[1], own.class_names
    if target_type is None:
        if has_numbers(own) and y.max() > 1 and has_few_integers(y):
            chosen = "classes" if names else "numbers"
            log.messages.append(describe_few_integers("y", y, chosen))
        return own
    if target_type == "number":
        fix, classes = "Choose classes for the target.", list(names[:3])
        require(has_numbers(own), "target", "numbers", error=DataError, classes=classes, fix=fix)
        if names:
            _add_code(log, own, "{}.astype(np.float32)")
        return _convert(own, (), lambda each: each.astype(np.float32))
    return own if names else _make_classes(own, y, log)


def _make_classes(own: OwnData, y: np.ndarray, log: DataLog) -> OwnData:
    """Return own arrays with numbers as classes."""
    if are_class_indices(y):
        _add_code(log, own, "{}.astype(np.int64)")
        return _convert(own, number_classes(y)[1], lambda each: each.astype(np.int64))
    values = np.unique(y)
    fix, expected = "Choose numbers for the target.", f"2 to {MAX_CLASSES} classes"
    fits = 2 <= len(values) <= MAX_CLASSES
    require(fits, "target", expected, error=DataError, classes=len(values), fix=fix)
    log.code.append("classes = np.unique(y)")
    _add_code(log, own, "np.searchsorted(classes, {})")

    names = tuple(map(format_exact, values.tolist()))
    return _convert(own, names, lambda each: encode_classes(each, values.tolist(), "target"))


def _add_code(log: DataLog, own: OwnData, code: str) -> None:
    """Add lines that convert the targets of the training and the test rows."""
    log.code.append(f"y = {code.format('np.asarray(y)')}")
    if own.validation is not None:
        log.code.append(f"y_test = {code.format('np.asarray(y_test)')}")


def _convert(
    own: OwnData, class_names: tuple[str, ...], convert: Callable[[np.ndarray], np.ndarray]
) -> OwnData:
    """Return own arrays with other targets."""
    assert not isinstance(own.rows, Table)
    rows, test = (own.rows[0], convert(own.rows[1])), own.validation
    if test is not None:
        assert not isinstance(test, Table)
        test = (test[0], convert(test[1]))
    return replace(own, rows=rows, validation=test, class_names=class_names)
