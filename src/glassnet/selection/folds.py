"""Folds of cross-validation: which rows each network is trained on, and which rows score it.

scikit-learn's splitters divide the rows. This module chooses the default splitter and checks the
folds before a network is trained: no row, and no group, is on both sides of a fold, and windows of
a time series are in the order of time.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import MAX_INT, DataError, is_int, require, wrap_errors
from glassnet.formatting import format_names
from glassnet.types import Array

FOLDS = "folds to be an int >= 2, a splitter of scikit-learn, or pairs (train rows, test rows)"


class Fold(NamedTuple):
    """The rows that a network is trained on, and those that score it.

    Attributes:
        train_rows: (n_train,) sorted positions of the training rows.
        test_rows: (n_test,) sorted positions of the test rows, none of them a training row.
    """

    train_rows: Array
    test_rows: Array


@dataclass(frozen=True, eq=False)
class FoldData:
    """Facts about the rows that decide how they can be divided.

    The rows are those with a target. Folds are positions among them. Groups and pairs of the user
    are about all rows of the data, which can be more: see `positions`.

    Attributes:
        n_rows: number of rows, or of windows of a time series.
        labels: (n_rows,) class of every row as an int, or None if the targets are numbers.
        class_names: names of the classes, by those ints; None if the ints are the names.
        targets: (n_rows, ...) for splitters that look at numbers; None without any.
        positions: (n_rows,) positions of the rows in the data; None if each row has a target.
        n_data: number of rows of the data; None if each row has a target.
        is_series: whether the rows are windows of a time series, in the order of time.
        horizon: number of steps that a window forecasts. Windows closer than this share targets.
    """

    n_rows: int
    labels: Array | None = None
    class_names: tuple[Any, ...] | None = None
    targets: Array | None = None
    positions: Array | None = None
    n_data: int | None = None
    is_series: bool = False
    horizon: int = 1

    def take(self, rows: Array) -> FoldData:
        """Return the facts about some of the rows, at these positions."""
        return replace(
            self,
            n_rows=len(rows),
            labels=None if self.labels is None else self.labels[rows],
            targets=None if self.targets is None else self.targets[rows],
            positions=rows if self.positions is None else self.positions[rows],
            n_data=self.n_rows if self.n_data is None else self.n_data,
        )


def make_folds(
    who: str,
    folds: Any,
    data: FoldData,
    groups: Any = None,
    *,
    repeats: int = 1,
    seed: int = 0,
) -> list[Fold]:
    """Divide the rows into folds.

    A number of folds means `StratifiedKFold` for classes and `KFold` for numbers, both shuffled;
    with `repeats`, their repeated forms; with `groups`, `StratifiedGroupKFold` and `GroupKFold`;
    for a time series, `TimeSeriesSplit` with horizon - 1 windows left out before each test part.

    Shapes:
        groups: (rows of the data,).

    Args:
        who: name of the public function, for errors.
        folds: number of folds; a splitter of scikit-learn; or pairs (train rows, test rows) of
            positions in the data, or of boolean masks. A row may be in no test part.
        data: facts about the rows.
        groups: the group of every row, such as a patient. No group is on both sides of a fold.
        repeats: how often the rows are divided again, in another order.
        seed: seed of the order.

    Returns:
        The folds; the folds of a repeat follow each other.

    Raises:
        ConfigError: `folds`, `repeats` or a combination that is not allowed.
        DataError: rows, classes, groups or pairs that cannot be divided like this.

    Example:
        >>> folds = make_folds("demo", 3, FoldData(n_rows=6), seed=1)
        >>> [fold.test_rows.tolist() for fold in folds]
        [[1, 2], [0, 4], [3, 5]]

    Source: scikit-learn's `model_selection`.
    """
    fits = is_int(repeats, 1)
    require(fits, who, "repeats to be an int >= 1", repeats=repeats, fix="1 divides the rows once.")
    codes, names = _read_groups(who, groups, data)
    is_count = is_int(folds, -MAX_INT)
    folds = operator.index(folds) if is_count else folds
    _check_combination(who, folds if is_count else type(folds).__name__, data, groups, repeats)
    if is_count:
        _check_count(who, folds, data, codes)
        splitter = _default_splitter(folds, data, codes is not None, repeats, seed)
        return list(_split(who, splitter, data, codes))
    if hasattr(folds, "split") and not isinstance(folds, str | type):
        parts = list(_split(who, folds, data, codes))
    else:
        parts = list(_read_pairs(who, folds, data))
    require(parts, who, "at least one fold", error=DataError, folds=folds)
    for number, fold in enumerate(parts, 1):
        _check_fold(who, number, fold, data)
        _check_leaks(who, number, fold, codes, names)
    return parts


def _check_combination(
    who: str, folds: int | str, data: FoldData, groups: Any, repeats: int
) -> None:
    """Refuse groups of a time series, and repeats of folds that are not drawn at random.

    Raises:
        ConfigError: an argument that does not go with the others.
    """
    fix = "The windows of a time series are divided by time alone. Leave groups out."
    fits = groups is None or not data.is_series
    require(fits, who, "no groups with a time series", groups=type(groups).__name__, fix=fix)
    if repeats == 1:
        return
    expected = "repeats=1 with "
    if data.is_series:
        expected, fix = expected + "a time series", "Its folds follow time, so they never change."
    elif isinstance(folds, str):
        fix = "Pass folds as an int, or a splitter that repeats itself, such as RepeatedKFold."
        expected += "a splitter or pairs"
    else:
        fix = "Pass folds=GroupShuffleSplit(n_splits) of scikit-learn for many random divisions."
        expected += "groups"
    fits = isinstance(folds, int) and groups is None and not data.is_series
    require(fits, who, expected, repeats=repeats, folds=folds, fix=fix)


def _check_count(who: str, folds: int, data: FoldData, codes: Array | None) -> None:
    """Refuse a number of folds that the rows cannot be divided into.

    Raises:
        ConfigError: fewer than 2 folds.
        DataError: more folds than rows, than rows of a class, or than groups.
    """
    fix = "With 2 folds, each half of the rows scores the network of the other half."
    require(folds >= 2, who, "folds to be an int >= 2", folds=folds, fix=fix)
    if data.is_series:
        _check_windows(who, folds, data)
        return
    n, fix = data.n_rows, f"Pass folds={data.n_rows} or fewer." if data.n_rows > 1 else ""
    expected = "at most as many folds as rows with a target"
    require(folds <= n, who, expected, error=DataError, folds=folds, rows=n, fix=fix)
    if codes is not None:
        n_groups = len(np.unique(codes))
        fix = f"Pass folds={n_groups} or fewer." if n_groups > 1 else "Pass groups=None."
        fits, expected = folds <= n_groups, "at most as many folds as groups"
        require(fits, who, expected, error=DataError, folds=folds, groups=n_groups, fix=fix)
    if data.labels is None:
        return
    classes, counts = np.unique(data.labels, return_counts=True)
    rarest, least = int(classes[counts.argmin()]), int(counts.min())
    name = rarest if data.class_names is None else data.class_names[rarest]
    splitter = "GroupKFold" if codes is not None else "KFold"
    fix = f"Pass folds={least}, or {splitter}" if least > 1 else f"Pass {splitter}"
    shuffled = "" if codes is not None else ", shuffle=True"
    fix += f"({folds}{shuffled}) of scikit-learn, which does not divide each class evenly."
    expected = "at least one row of every class for each fold"
    received = {"folds": folds, "class": name, "rows of that class": least}
    require(folds <= least, who, expected, error=DataError, fix=fix, **received)


def _check_windows(who: str, folds: int, data: FoldData) -> None:
    """Refuse more folds than a time series has windows for.

    Raises:
        DataError: no training window would come before the first test part.
    """
    n, gap = data.n_rows, data.horizon - 1
    most = next(
        (k for k in range(folds, 1, -1) if n // (k + 1) and n - gap - n // (k + 1) * k > 0), 0
    )
    fix = f"Pass folds={most} or fewer," if most else "Pass"
    require(
        most == folds,
        who,
        f"a training window before each test part, with {gap} windows between them",
        error=DataError,
        folds=folds,
        windows=n,
        fix=f"{fix} a longer series, or a lower horizon or length.",
    )


def _default_splitter(folds: int, data: FoldData, has_groups: bool, repeats: int, seed: int) -> Any:
    """Return the splitter of scikit-learn for a number of folds."""
    from sklearn import model_selection as splitters

    if data.is_series:
        return splitters.TimeSeriesSplit(folds, gap=data.horizon - 1)
    random = {"random_state": seed % 2**32}
    has_classes = data.labels is not None
    if has_groups:
        if has_classes:
            return splitters.StratifiedGroupKFold(folds, shuffle=True, **random)
        return splitters.GroupKFold(folds)
    if repeats > 1:
        repeated = splitters.RepeatedStratifiedKFold if has_classes else splitters.RepeatedKFold
        return repeated(n_splits=folds, n_repeats=repeats, **random)
    splitter = splitters.StratifiedKFold if has_classes else splitters.KFold
    return splitter(folds, shuffle=True, **random)


def _split(who: str, splitter: Any, data: FoldData, codes: Array | None) -> Iterator[Fold]:
    """Yield the folds of a splitter. Its rows are those with a target.

    Raises:
        DataError: the splitter raises an error, or does not yield pairs of positions.
    """
    y = data.targets if data.labels is None else data.labels
    name, fix = type(splitter).__name__, "Pass groups=, with a label for every row."
    needs_groups = codes is None and "Group" in name
    require(not needs_groups, who, f"groups with {name}", error=DataError, groups=None, fix=fix)
    expected = "folds that can divide the rows"
    with (
        wrap_errors(who, expected, folds=splitter, rows=data.n_rows),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "The groups parameter is ignored")  # see _check_leaks
        pairs = list(splitter.split(np.zeros((data.n_rows, 1)), y, codes))
    yield from _read_pairs(who, pairs, replace(data, positions=None, n_data=None))


def _read_pairs(who: str, pairs: Any, data: FoldData) -> Iterator[Fold]:
    """Yield the user's pairs as folds of the rows with a target.

    Raises:
        ConfigError: not pairs.
        DataError: see `_read_part`.
    """
    is_iterable = isinstance(pairs, Iterable) and not isinstance(pairs, str | bytes | Mapping)
    fix = "Pass an object: KFold(5), not KFold." if isinstance(pairs, type) else ""
    require(is_iterable and not isinstance(pairs, type), who, FOLDS, folds=pairs, fix=fix)
    fix = (
        "One pair is a list of one: folds=[(train, test)]. For a fold's number of every row, pass "
        "PredefinedSplit(numbers) of scikit-learn."
    )
    with wrap_errors(who, FOLDS):
        pairs = list(pairs)
    for number, pair in enumerate(pairs):
        fits = isinstance(pair, tuple | list) and len(pair) == 2
        fits = fits and all(
            isinstance(part, Iterable) and not isinstance(part, str) for part in pair
        )
        require(fits, who, FOLDS, **{f"folds[{number}]": pair}, fix=fix)
        fold = f"rows of fold {number + 1}"
        train_rows = _read_part(who, f"training {fold}", pair[0], data)
        yield Fold(train_rows, _read_part(who, f"test {fold}", pair[1], data))


def _read_part(who: str, name: str, part: Any, data: FoldData) -> Array:
    """Return one side of a pair as sorted positions of rows with a target.

    Raises:
        DataError: neither positions from 0 that differ, nor a mask of all rows; or nothing is left.
    """
    n = data.n_rows if data.n_data is None else data.n_data
    with wrap_errors(who, f"the {name} to be positions or a mask"):
        array = np.asarray(part)
    expected = f"the {name} to be positions from 0 to {n - 1}, or a mask of {n} booleans"
    received: dict[str, Any] = {"shape": array.shape, "dtype": str(array.dtype)}
    if array.dtype == bool:
        require(array.shape == (n,), who, expected, error=DataError, **received)
        array = np.flatnonzero(array)
    fits = array.ndim == 1 and (array.dtype.kind in "iu" or array.size == 0)
    require(fits, who, expected, error=DataError, **received)
    rows = np.sort(array.astype(np.int64))
    outside = rows[(rows < 0) | (rows >= n)]
    require(not outside.size, who, expected, error=DataError, positions=_first(outside))
    twice = np.unique(rows[1:][rows[1:] == rows[:-1]])
    fix = "np.unique removes the others. To count a row twice, pass sample_weight."
    expected = f"each of the {name} once"
    require(not twice.size, who, expected, error=DataError, twice=_first(twice), fix=fix)
    if data.positions is not None:
        rows = np.flatnonzero(np.isin(data.positions, rows))
    expected = f"at least one row with a target in the {name}"
    require(rows.size, who, expected, error=DataError, positions=len(array))
    return rows


def _check_fold(who: str, number: int, fold: Fold, data: FoldData) -> None:
    """Refuse a fold with a row on both sides, or with training windows that see the test windows.

    Raises:
        DataError: such a fold.
    """
    shared = np.intersect1d(*fold)
    if data.positions is not None:
        shared = data.positions[shared]
    expected = f"no row in both parts of fold {number}"
    fix = "A row that the network was trained on cannot score it."
    require(not shared.size, who, expected, error=DataError, rows=_first(shared), fix=fix)
    last, first, gap = int(fold.train_rows[-1]), int(fold.test_rows[0]), data.horizon - 1
    fix = f"Use TimeSeriesSplit(n_splits, gap={gap}) of scikit-learn, or an int."
    require(
        not data.is_series or last + gap < first,
        who,
        f"the training windows of fold {number} to end before its test windows, with at least "
        f"{gap} windows between them",
        error=DataError,
        fix=fix,
        last_training_window=last,
        first_test_window=first,
    )


def _check_leaks(who: str, number: int, fold: Fold, codes: Array | None, names: list[str]) -> None:
    """Refuse a fold with rows of one group on both sides.

    Raises:
        DataError: such a fold; the message names the groups.
    """
    if codes is None:
        return
    leaks = np.intersect1d(codes[fold.train_rows], codes[fold.test_rows])
    expected = f"no group in both parts of fold {number}"
    fix = "Pass folds as an int, or GroupKFold or LeaveOneGroupOut of scikit-learn."
    leaking = format_names([names[code] for code in leaks])
    require(not leaks.size, who, expected, error=DataError, groups=leaking, fix=fix)


def _read_groups(who: str, groups: Any, data: FoldData) -> tuple[Array | None, list[str]]:
    """Return the groups as ints, one for each row with a target, and the names of the groups.

    Raises:
        ConfigError: the name of a column.
        DataError: not one group for every row of the data.
    """
    if groups is None:
        return None, []
    import pandas as pd

    n = data.n_rows if data.n_data is None else data.n_data
    expected = f"groups to be one value for each of the {n} rows"
    fix = (
        f"For a column of a table, pass its values, and leave it out of the features: "
        f'groups=table[{groups!r}], column_types={{{groups!r}: "drop"}}.'
    )
    require(not isinstance(groups, str), who, expected, groups=groups, fix=fix)
    with wrap_errors(who, expected):
        array = np.asarray(groups)
    require(array.shape == (n,), who, expected, error=DataError, shape=array.shape)
    missing = pd.isna(np.asarray(groups, object))  # in a list of texts, NaN becomes a text
    fix = "Give a row that belongs to no other row a group of its own."
    require(not missing.any(), who, expected, error=DataError, missing=int(missing.sum()), fix=fix)
    with wrap_errors(who, f"{expected}, all of one type"):
        unique, codes = np.unique(array, return_inverse=True)
    codes = codes if data.positions is None else codes[data.positions]
    return codes, [str(each) for each in unique]


def _first(rows: Array) -> str:
    """Return the first positions of some rows as text."""
    return format_names([str(row) for row in rows])
