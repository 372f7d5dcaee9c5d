"""Sliding windows over a time series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.data import arrays
from glassnet.errors import DataError, is_int, require
from glassnet.suggestions import suggest_arguments


@suggest_arguments
def windows(
    series: Any,
    length: int,
    horizon: int = 1,
    stride: int = 1,
    target: int | Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into examples: `length` steps as x and the `horizon` steps after them as y.

    x_i = s[i * stride : i * stride + length]
    y_i = s[i * stride + length : i * stride + length + horizon]

    The examples are in time order. To validate on the last ones, use
    `fit(..., validation_split=0.2, validation_from="end")`. Windows on the two sides of the split
    share steps. To avoid that, split the series first and cut each part into windows.

    Shapes:
        series (n,) or (n, k). x (m, length, k) float32, with k = 1 for a series (n,).
        y (m, horizon) for one target, (m, horizon, t) for t targets.
        m = (n - length - horizon) // stride + 1.

    Args:
        series: one value or one row of k values per step, equally spaced in time.
        length: number of input steps, >= 1.
        horizon: number of steps to predict at once, >= 1.
        stride: number of steps from one window to the next, >= 1.
        target: index or indices of the columns to predict; None for all.

    Raises:
        ConfigError: `length`, `horizon` or `stride` is not an int >= 1, or `target` is not a
            column.
        DataError: the series holds missing values or text, or is too short for one window.

    Example:
        >>> x, y = windows([1, 2, 3, 4, 5], length=2, horizon=1)
        >>> x[:, :, 0].tolist(), y.tolist()
        ([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], [[3.0], [4.0], [5.0]])
    """
    sizes: dict[str, Any] = {"length": length, "horizon": horizon, "stride": stride}
    require(
        all(is_int(size, least=1) for size in sizes.values()),
        "windows",
        "length, horizon and stride to be ints >= 1",
        **sizes,
    )
    rows = _check_series(series)
    columns = _check_target(target, rows.shape[1])
    require(
        len(rows) >= length + horizon,
        "windows",
        f"at least {length + horizon} steps, for one window",
        error=DataError,
        steps=len(rows),
        **sizes,
        fix="Lower length or horizon, or pass a longer series.",
    )
    starts = np.arange(0, len(rows) - length - horizon + 1, stride)[:, None]
    x = rows[starts + np.arange(length)]
    y = rows[starts + length + np.arange(horizon)][:, :, columns]
    return x, y[:, :, 0] if len(columns) == 1 else y


def _check_series(series: Any) -> np.ndarray:
    """Return the series as float32 (n, columns)."""
    values = arrays.check_numeric(series, "series")
    require(
        values.ndim in (1, 2),
        "windows",
        "a series (n,) or (n, columns)",
        error=DataError,
        shape=values.shape,
    )
    return values.reshape(len(values), -1).astype(np.float32)


def _check_target(target: int | Sequence[int] | None, n_columns: int) -> list[int]:
    """Return the indices of the target columns."""
    columns = list(range(n_columns)) if target is None else np.atleast_1d(target).tolist()
    require(
        columns and all(is_int(column, least=0) and column < n_columns for column in columns),
        "windows",
        f"target to be columns from 0 to {n_columns - 1}",
        target=target,
    )
    return columns
