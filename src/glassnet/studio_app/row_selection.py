"""Which rows and columns take part: each step changes the rows and writes the code that does so."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassnet.data.split import random_split, stratified_split
from glassnet.errors import DataError, lookup
from glassnet.formatting import format_number
from glassnet.studio_app.own_data import MAX_ROWS
from glassnet.studio_app.settings import DataSettings

SHUFFLED = "The targets of the training rows are shuffled: nothing true can be learned."


@dataclass(frozen=True, eq=False)
class DataLog:
    """What was done to the rows.

    Attributes:
        code: lines of Python, in their order.
        messages: sentences for the user.
    """

    code: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


def choose_names(settings: DataSettings, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of the columns that take part, in the order of the data.

    Raises:
        ConfigError: an unknown column.
    """
    if not settings.columns or not names:
        return names
    for name in settings.columns:
        lookup("columns", name, dict.fromkeys(names, True))
    return tuple(name for name in names if name in settings.columns)


def sample_rows(n: int, variable: str, log: DataLog) -> np.ndarray | None:
    """Return the rows to use if there are more than `MAX_ROWS`; None for all."""
    if n <= MAX_ROWS:
        return None
    log.messages.append(f"The data have {n:,} rows. A random part of {MAX_ROWS:,} rows is used.")
    log.code.append(
        f"rows = np.sort(np.random.default_rng(0).permutation({n})[:{MAX_ROWS}])  # of {variable}"
    )
    return np.sort(np.random.default_rng(0).permutation(n)[:MAX_ROWS])


def select_minority(
    settings: DataSettings, labels: np.ndarray | None, variable: str, log: DataLog
) -> np.ndarray | None:
    """Return the rows that stay if class 1 keeps only a part of its rows; None for all.

    Args:
        settings: with the part, `minority`, and the seed.
        labels: the class of each row; None for numbers.
        variable: the name of the labels in the code.
        log: where the code and a message are added.
    """
    if settings.minority == 1:
        return None
    classes = np.unique(labels) if labels is not None else np.zeros(0)
    if labels is None or len(classes) < 2:
        log.messages.append("The share of class 1 has no effect: there is no class 1.")
        return None
    minority = classes[1]
    rows = np.flatnonzero(labels == minority)
    n_used = min(len(rows), max(2, round(len(rows) * settings.minority)))
    left_out = np.random.default_rng((settings.seed, 1)).permutation(rows)[n_used:]
    literal = repr(minority.item() if isinstance(minority, np.generic) else minority)
    log.code.extend(
        [
            f"rng = np.random.default_rng(({settings.seed}, 1))",
            f"left_out = rng.permutation(np.flatnonzero({variable} == {literal}))[{n_used}:]",
            f"rows = np.setdiff1d(np.arange({len(labels)}), left_out)",
        ]
    )
    name = str(minority).removesuffix(".0")
    log.messages.append(f"{n_used:,} of the {len(rows):,} rows of class {name} are used.")
    return np.setdiff1d(np.arange(len(labels)), left_out)


def split_rows(
    settings: DataSettings, n: int, labels: np.ndarray | None, variable: str, log: DataLog
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return training and test rows, in proportion from each class; None without test rows.

    Args:
        settings: with the share of the test rows and the seed.
        n: number of rows.
        labels: the class of each row; None for numbers.
        variable: the name of the labels in the code.
        log: where the code and a message are added.
    """
    share, rng = settings.test_share, np.random.default_rng((settings.seed, 2))
    if not share or not n:
        return None
    try:
        if labels is None:
            function, argument, parts = "random_split", str(n), random_split(n, share, rng)
        else:
            function, argument = "stratified_split", variable
            parts = stratified_split(labels, share, rng)
    except DataError:
        log.messages.append("There are too few rows to hold some out, so all are trained on.")
        return None
    log.code.extend(
        [
            f"from glassnet.data.split import {function}",
            f"rng = np.random.default_rng(({settings.seed}, 2))",
            f"train_rows, test_rows = {function}({argument}, {share}, rng)",
        ]
    )
    return parts


def shuffle_labels(settings: DataSettings, y: np.ndarray, log: DataLog) -> tuple[np.ndarray, str]:
    """Return the targets in another order, and the function call that does so, without argument."""
    log.messages.append(SHUFFLED)
    shuffled: Any = np.random.default_rng((settings.seed, 3)).permutation(y)
    return shuffled, f"np.random.default_rng(({settings.seed}, 3)).permutation"


def describe_few_integers(target: str, values: np.ndarray, chosen: str) -> str:
    """Return a sentence about integers that may be classes or numbers.

    Args:
        target: name of the target.
        values: the integers.
        chosen: what they are treated as: "classes" or "numbers".
    """
    other = "numbers" if chosen == "classes" else "classes"
    n = len(np.unique(values))
    return (
        f"{target} has {n} different integers, which are treated as {chosen}. If they are {other}, "
        f"choose {other} for the target."
    )


def describe_range(values: np.ndarray) -> str:
    """Return the range of numbers as text; NaN is missing."""
    present = values[~np.isnan(values)] if values.dtype.kind == "f" else values
    if not len(present):
        return "no values"
    low, high = (format_number(float(limit)) for limit in (present.min(), present.max()))
    n_missing = len(values) - len(present)
    return f"from {low} to {high}" + (f", {n_missing:,} missing" if n_missing else "")
