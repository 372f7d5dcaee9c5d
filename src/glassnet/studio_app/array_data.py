"""Data of the studio from arrays: their columns, and their training and test rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from glassnet.studio_app.row_selection import (
    DataLog,
    choose_names,
    describe_range,
    select_minority,
    shuffle_labels,
    split_rows,
)
from glassnet.studio_app.settings import DataSettings
from glassnet.studio_app.studio_data import DataColumn, StudioData


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """Rows before they are split.

    Attributes:
        title, feature_names, class_names, is_private: see `StudioData`.
        x, y: all rows, or the training rows if `test` has others.
        log: how they were made. Its code defines x and y, and x_test and y_test if there are `test`
            rows.
        test: test rows that stay as they are.
        can_split: whether rows may be held out.
    """

    title: str
    x: np.ndarray
    y: np.ndarray
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...]
    log: DataLog
    test: tuple[np.ndarray, np.ndarray] | None = None
    can_split: bool = True
    is_private: bool = False


def make_array_data(settings: DataSettings, rows: ArrayRows) -> StudioData:
    """Return training and test rows of arrays.

    Args:
        settings: which columns and rows, and whether the labels are shuffled.
        rows: the arrays.

    Raises:
        ConfigError: an unknown column.
    """
    log, columns = rows.log, _describe_columns(settings, rows)
    rows = _select_columns(settings, rows)
    x, y, test = _select_rows(settings, rows)
    if settings.shuffle_labels:
        y, function = shuffle_labels(settings, y, log)
        log.code.append(f"y = {function}(y)")
    if test is None:
        log.code.append("x_test, y_test = None, None")
    return StudioData(
        settings=settings,
        kind=_kind_of_arrays(x, rows.feature_names),
        title=rows.title,
        x=x,
        y=y,
        test=test,
        n_train=len(x),
        n_test=0 if test is None else len(test[0]),
        feature_names=rows.feature_names,
        class_names=rows.class_names,
        target_name="class" if rows.class_names else "y",
        columns=columns,
        messages=tuple(log.messages),
        is_private=rows.is_private,
        image_shape=x.shape[1:] if x.ndim > 2 else None,
        code=tuple(log.code),
    )


def _select_rows(
    settings: DataSettings, rows: ArrayRows
) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray] | None]:
    """Return the inputs and targets of the training rows, and the test rows or None."""
    x, y, test, log = rows.x, rows.y, rows.test, rows.log
    used = select_minority(settings, y if rows.class_names else None, "y", log)
    if used is not None:
        x, y = x[used], y[used]
        log.code.append("x, y = x[rows], y[rows]")
    if test is not None:
        return x, y, test if settings.test_share else None
    labels = y if rows.class_names else None
    parts = split_rows(settings, len(x), labels, "y", log) if rows.can_split else None
    if parts is None:
        return x, y, None
    log.code.append("x_test, y_test = x[test_rows], y[test_rows]")
    log.code.append("x, y = x[train_rows], y[train_rows]")
    train_rows, test_rows = parts
    return x[train_rows], y[train_rows], (x[test_rows], y[test_rows])


def _kind_of_arrays(x: np.ndarray, feature_names: Sequence[str]) -> str:
    if x.ndim == 2:
        return {1: "line", 2: "plane"}.get(x.shape[1], "table" if feature_names else "other")
    has_channels = x.ndim == 4 and x.shape[3] in (1, 3, 4)
    is_image = has_channels or (x.ndim == 3 and (x.dtype == np.uint8 or x.shape[1] == x.shape[2]))
    return "images" if is_image else "other"


def _describe_columns(settings: DataSettings, rows: ArrayRows) -> tuple[DataColumn, ...]:
    """Describe all columns of an array."""
    if rows.x.ndim != 2:
        return ()
    chosen = choose_names(settings, rows.feature_names)
    return tuple(
        DataColumn(name, "number", name in chosen, describe_range(values))
        for name, values in zip(rows.feature_names, rows.x.T, strict=True)
    )


def _select_columns(settings: DataSettings, rows: ArrayRows) -> ArrayRows:
    """Return the rows with the columns of the settings."""
    names = rows.feature_names
    chosen = choose_names(settings, names)
    if chosen == names or rows.x.ndim != 2:
        return rows
    index = [names.index(name) for name in chosen]
    rows.log.code.append(f"x = x[:, {index}]")
    test = rows.test and (rows.test[0][:, index], rows.test[1])
    if test is not None:
        rows.log.code.append(f"x_test = x_test[:, {index}]")
    return replace(rows, x=rows.x[:, index], test=test, feature_names=chosen)
