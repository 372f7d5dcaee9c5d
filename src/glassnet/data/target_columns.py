"""Checks of a target column: finite numbers that vary, and their logarithm."""

from __future__ import annotations

import numpy as np

from glassnet.data import arrays
from glassnet.data.column_values import require_finite, to_float
from glassnet.data.number_format import FORMATS, choose_format, describe_numbers_in_text
from glassnet.data.parsing import NA_VALUES, factorize
from glassnet.errors import DataError, message, require

INFINITE_FIX = "Leave those cells blank. Rows without a target are left out."
"""What to do about infinite targets."""


def check_varying_target(name: str, column: np.ndarray) -> np.ndarray:
    """Return a target column as numbers that are not constant: see `target_to_numeric`.

    Raises:
        DataError: all values are equal, or too close together for float32.
    """
    y = target_to_numeric(name, column)
    require_varying(name, y)
    return y


def require_varying(name: str, y: np.ndarray) -> None:
    """Refuse targets that are all equal, or too close together for float32.

    Raises:
        DataError: with the values.
    """
    who = f"target {name!r}"
    require(np.ptp(y) > 0, who, "numbers that differ", error=DataError, always=float(y[0]))
    arrays.check_precision(**{who: y})


def target_to_numeric(name: str, column: np.ndarray) -> np.ndarray:
    """Return a target column as finite float64 numbers.

    Raises:
        DataError: text, dates or infinite numbers.
    """
    who = f"target {name!r}"
    is_numeric = column.dtype.kind in "Obf"
    fix = "Convert the dates to numbers of days."
    require(is_numeric, who, "numbers", error=DataError, holds="dates", fix=fix)
    y, text = to_float(column)
    _require_plain_numbers(who, column)
    expected = "numbers, because the network outputs a number"
    signs = describe_numbers_in_text(text, n_plain=0) if text else ""
    fix = "if these are labels, end the network in a softmax or sigmoid."
    fix = f"{signs or 'Correct them'}; or, {fix}"
    require(not text, who, expected, error=DataError, text=text[:3], fix=fix)
    require_finite(who, y, INFINITE_FIX)
    return y


def _require_plain_numbers(who: str, column: np.ndarray) -> None:
    """Refuse numbers in text that can be read in two ways: 1.200 may be twelve hundred.

    Raises:
        DataError: with the first ones.
    """
    if column.dtype.kind != "O":
        return
    texts = [text for text in factorize(column).texts if text not in NA_VALUES]
    choice = choose_format({0: texts}, FORMATS, has_points=False)
    fix = "Pass numbers, not text: frame[name].astype(float), after removing thousands signs."
    expected, examples = "numbers that can be read in one way only", texts[:3]
    require(not choice.ambiguous, who, expected, error=DataError, text=examples, fix=fix)


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
        raise log_error(name, int(first[0]), float(y[first]), len(low), argument)
    level: np.ndarray = np.log(y)
    return level


def log_error(name: str, row: int, value: float, n_rows: int, argument: str) -> DataError:
    """Return the error about numbers without a logarithm: the first, and how many rows."""
    received = {"row": row, "value": value, "rows_like_it": n_rows}
    expected, fix = "numbers above 0, to take the logarithm of", f"Leave {argument} out."
    return DataError(message(f"target {name!r}", expected, **received, fix=fix))
