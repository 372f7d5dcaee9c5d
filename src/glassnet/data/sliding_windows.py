"""Series in: what came before, to learn what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.data import arrays
from glassnet.errors import DataError, is_int, require


def windows(
    series: Any,
    length: int,
    horizon: int = 1,
    stride: int = 1,
    target: int | Sequence[int] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a series into examples: `length` steps as x, the `horizon` steps that follow as y, the
    next one `stride` steps later.

    x_i = s[i * stride : i * stride + length], y_i = s[i * stride + length : i * stride + length +
    horizon]

    They come in the order of time: hold the last out with `fit(..., validation_split=0.2,
        validation_from="end")`. The windows at the
    seam share steps with those before it; to have none shared, cut the series first and each part
    into windows.

    Shapes:
        series (n,) or (n, k); x (m, length, k) float32, with k = 1 for (n,); y (m, horizon) of one
        target, (m, horizon, t) of several; m = (n - length - horizon) // stride + 1.

    Args:
        series: one value a step, or a row of k; equally spaced in time.
        length: steps that are seen, >= 1.
        horizon: steps to learn, all at once, >= 1.
        stride: steps from one window to the next, >= 1.
        target: which columns are to be learned; None for all.

    Raises:
        ConfigError: a length, horizon or stride that is no int >= 1; a target that is no column.
        DataError: gaps, text; a series too short for one window.

    Example:
        >>> x, y = windows([1, 2, 3, 4, 5], length=2, horizon=1)
        >>> x[:, :, 0].tolist(), y.tolist()
        ([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0]], [[3.0], [4.0], [5.0]])
    """
    who = "windows"
    sizes: dict[str, Any] = {"length": length, "horizon": horizon, "stride": stride}
    require(
        all(is_int(size, least=1) for size in sizes.values()),
        who,
        "length, horizon and stride to be ints >= 1",
        **sizes,
    )
    values = arrays.check_numeric(series, "series")
    require(
        values.ndim in (1, 2),
        who,
        "a series (n,) or (n, columns)",
        error=DataError,
        shape=values.shape,
    )
    rows = values.reshape(len(values), -1).astype(np.float32)
    columns = list(range(rows.shape[1])) if target is None else np.atleast_1d(target).tolist()
    known = (
        all(is_int(column, least=0) and column < rows.shape[1] for column in columns) and columns
    )
    require(known, who, f"target to be columns from 0 to {rows.shape[1] - 1}", target=target)
    fix = "Lower length or horizon, or give a longer series."
    enough = f"{length + horizon} steps or more, for one window"
    require(
        len(rows) >= length + horizon,
        who,
        enough,
        error=DataError,
        steps=len(rows),
        **sizes,
        fix=fix,
    )
    starts = np.arange(0, len(rows) - length - horizon + 1, stride)
    x = rows[starts[:, None] + np.arange(length)]
    y = rows[starts[:, None] + length + np.arange(horizon)][:, :, columns]
    return x, y[:, :, 0] if len(columns) == 1 else y
