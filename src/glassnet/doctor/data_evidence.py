"""Evidence about rows before training: repeated ones, and columns that give the target away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from glassnet import fingerprinting
from glassnet.data.column_checks import find_leaks

MAX_COLUMNS, MAX_COLUMNS_FOR_LEAKS = 4096, 100
"""Maximum number of columns, and of those that are compared with the target, a millisecond each."""

MAX_CLASSES, ROWS_FOR_A_FIRST_LOOK, SHARE_OF_A_LEAK = 100, 500, 0.7
"""Limits of a first look, and the share of a column's variance that the target explains."""


@dataclass(frozen=True, eq=False)
class DataEvidence:
    """Facts about the rows of a fit, as the network receives them.

    Attributes:
        n_rows: number of training rows that were compared.
        n_repeated: number of them that equal an earlier one.
        n_contradictory: number of them that equal another one with another target.
        n_validation: number of validation rows of the fit; 0 without.
        n_shared: number of these that equal a training row.
        n_constant_columns: number of columns with one value.
        n_columns: number of columns.
        leaks: skill of the columns that alone give the target away, by name:
            see `column_checks.find_leaks`.
        n_target_values: number of different targets.
    """

    n_rows: int
    n_repeated: int
    n_contradictory: int
    n_validation: int
    n_shared: int
    n_constant_columns: int
    n_columns: int
    leaks: Mapping[str, float]
    n_target_values: int


def examine_rows(
    x: np.ndarray,
    y: np.ndarray,
    validation_x: np.ndarray | None = None,
    *,
    names: Sequence[str] = (),
    is_classification: bool = False,
    compare_columns: bool = True,
) -> DataEvidence:
    """Return the evidence about rows.

    Args:
        x: training rows, (n, ...).
        y: their targets, (n, ...).
        validation_x: rows that a fit would validate on, or None.
        names: names of the columns, if they have any.
        is_classification: whether the targets are classes.
        compare_columns: whether to look for columns that give the target away, a millisecond each.

    Example:
        >>> x = np.array([[1.0, 2.0], [1.0, 2.0], [3.0, 2.0]])
        >>> evidence = examine_rows(x, np.array([0, 1, 1]), x[:1])
        >>> evidence.n_repeated, evidence.n_contradictory, evidence.n_shared
        (1, 2, 1)
    """
    hashes = fingerprinting.hash_rows(x, 0)
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    labels = fingerprinting.hash_rows(np.asarray(y).reshape(len(y), -1), 0)
    differs = labels != labels[first][group]
    n_differing = np.bincount(group, differs, len(first))
    shared = np.zeros(0, bool)
    if validation_x is not None:
        shared = np.isin(fingerprinting.hash_rows(validation_x, 0), hashes)
    columns = x.reshape(len(x), -1)
    return DataEvidence(
        n_rows=len(x),
        n_repeated=len(x) - len(first),
        n_contradictory=int(np.sum(n_differing[group] > 0)),
        n_validation=len(shared),
        n_shared=int(shared.sum()),
        n_constant_columns=int(np.sum((columns == columns[:1]).all(0))),
        n_columns=columns.shape[1],
        leaks=_find_leaks(columns, y, names, is_classification) if compare_columns else {},
        n_target_values=len(np.unique(labels)),
    )


def find_copies(x: np.ndarray, validation_x: np.ndarray) -> np.ndarray:
    """Return which validation rows equal a training row, (n,) booleans."""
    hashes = fingerprinting.hash_rows(x, 0), fingerprinting.hash_rows(validation_x, 0)
    return np.isin(hashes[1], hashes[0])


def may_leak(x: np.ndarray, y: np.ndarray, is_classification: bool) -> bool:
    """Return whether a column seems to vary with the target alone, in some 500 rows.

    This takes a fraction of a millisecond, `find_leaks` some milliseconds for each column.
    """
    columns, target = x.reshape(len(x), -1), _get_single_target(y, is_classification)
    if not (2 <= columns.shape[1] <= MAX_COLUMNS and len(x) > 1) or target is None:
        return False
    return bool(explain_columns(columns, target, is_classification).max() > SHARE_OF_A_LEAK)


def _get_single_target(y: np.ndarray, is_classification: bool) -> np.ndarray | None:
    """Return the class or the number of each row, (n,); None if it has several."""
    target = np.asarray(y).reshape(len(y), -1)
    if is_classification and target.shape[1] > 1:
        target = target.argmax(1)[:, None]
    return target[:, 0] if target.shape[1] == 1 else None


def explain_columns(columns: np.ndarray, target: np.ndarray, is_classification: bool) -> np.ndarray:
    """Return the share of each column's variance that the target explains, in some 500 rows.

    It is that between the classes, or the squared correlation with the numbers.

    Shapes:
        columns: (n, columns). target: (n,). Result: (columns,).
    """
    step = max(1, len(columns) // ROWS_FOR_A_FIRST_LOOK)
    columns, target = columns[::step].astype(float), target[::step]
    columns = columns - columns.mean(0)
    if is_classification:
        groups = [columns[target == label] for label in np.unique(target)[:MAX_CLASSES]]
        explained = sum(len(group) * group.mean(0) ** 2 for group in groups)
    else:
        numbers = target - target.mean(dtype=float)
        explained = np.einsum("n,nj->j", numbers, columns) ** 2 / max((numbers**2).sum(), 1e-12)
    share: np.ndarray = explained / np.maximum(np.einsum("nj,nj->j", columns, columns), 1e-12)
    return share


def _find_leaks(
    columns: np.ndarray, y: np.ndarray, names: Sequence[str], is_classification: bool
) -> Mapping[str, float]:
    """Return the columns that give the target away, if it is one number or class for each row."""
    n, target = columns.shape[1], _get_single_target(y, is_classification)
    if not 2 <= n <= MAX_COLUMNS or target is None:
        return {}
    texts = names if len(names) == n else [f"column {i + 1} of {n}" for i in range(n)]
    chosen = np.arange(n)
    if n > MAX_COLUMNS_FOR_LEAKS:
        shares = explain_columns(columns, target, is_classification)
        chosen = np.sort(np.argsort(-shares)[:MAX_COLUMNS_FOR_LEAKS])
    by_name = {texts[i]: columns[:, i].astype(float) for i in map(int, chosen)}
    return find_leaks(by_name, target, is_classification)
