"""Checks of a target column: finite numbers that vary, and their logarithm."""

from __future__ import annotations

import numpy as np

from glassnet.data import arrays
from glassnet.data.parsing import parse_float
from glassnet.errors import DataError, message, require


def check_varying_target(name: str, column: np.ndarray) -> np.ndarray:
    """A target's column as numbers that differ, enough for float32; see `target_to_numeric`.

    Raises:
        DataError: they are all one, or too close together.
    """
    y = target_to_numeric(name, column)
    require(
        np.ptp(y) > 0,
        f"target {name!r}",
        "numbers that differ",
        error=DataError,
        always=float(y[0]),
    )
    arrays.check_precision(**{f"target {name!r}": y})
    return y


def target_to_numeric(name: str, column: np.ndarray) -> np.ndarray:
    """A target's column as finite numbers that float32 can tell apart.

    Raises:
        DataError: text, dates; infinite numbers; numbers too close together for their size.
    """
    who = f"target {name!r}"
    if column.dtype.kind == "O":
        text = [value for value in dict.fromkeys(column.tolist()) if np.isnan(parse_float(value))]
        fix = "Mend them; or, if these are labels, end the network in a softmax or sigmoid."
        require(
            not text,
            who,
            "numbers, as the network ends in one",
            error=DataError,
            text=text[:3],
            fix=fix,
        )
    require(
        column.dtype.kind in "Obf",
        who,
        "numbers",
        error=DataError,
        holds="dates",
        fix="Learn a number of days.",
    )
    y = column.astype(float)
    infinite = np.flatnonzero(np.isinf(y))
    if len(infinite):
        fix = "Leave those cells blank: rows without a target are left out."
        raise DataError(
            message(who, "finite numbers", row=int(infinite[0]), infinite=len(infinite), fix=fix)
        )
    return y


def to_log(name: str, y: np.ndarray, argument: str) -> np.ndarray:
    """Return the logarithm of a target.

    Args:
        name: the target's name.
        y: the target's values, of any shape.
        argument: the argument that asked for the logarithm, for the error message.

    Raises:
        DataError: a value is not above 0.
    """
    low = np.argwhere(y <= 0)
    if len(low):
        first = tuple(low[0])
        received = {"row": int(first[0]), "value": float(y[first]), "rows_like_it": len(low)}
        raise DataError(
            message(
                f"target {name!r}",
                "numbers above 0, to take the logarithm of",
                **received,
                fix=f"Leave {argument} out.",
            )
        )
    return np.log(y)
