"""Tests of the folds of cross-validation."""

import doctest

import numpy as np
import pandas as pd
import pytest
from sklearn import model_selection as splitters

from glassnet.errors import ConfigError, DataError
from glassnet.selection import folds as module
from glassnet.selection.folds import FoldData, make_folds

LABELS = np.repeat([0, 1, 2], [30, 24, 9])[np.random.default_rng(0).permutation(63)]
CLASSES = FoldData(63, labels=LABELS, class_names=("cat", "dog", "owl"))
NUMBERS = FoldData(40)
SERIES = FoldData(50, is_series=True, horizon=4)
GROUPS = np.random.default_rng(1).integers(0, 12, 63)


def assert_same(folds, pairs):
    """Oracle: the splitter of scikit-learn, called with the same arguments."""
    pairs = list(pairs)
    assert len(folds) == len(pairs)
    for fold, (train, test) in zip(folds, pairs, strict=True):
        np.testing.assert_array_equal(fold.train_rows, train)
        np.testing.assert_array_equal(fold.test_rows, test)


def test_examples():
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("seed", [0, 5])
def test_numbers_are_divided_at_random(seed):
    folds = make_folds("f", 7, NUMBERS, seed=seed)
    assert_same(folds, splitters.KFold(7, shuffle=True, random_state=seed).split(range(40)))
    tested = np.concatenate([fold.test_rows for fold in folds])
    np.testing.assert_array_equal(np.sort(tested), np.arange(40))


def test_the_seed_can_be_larger_than_those_of_numpy():
    """Oracle: 2**32 + 3 and 3 are the same remainder."""
    folds = make_folds("f", 4, NUMBERS, seed=2**32 + 3)
    assert_same(folds, splitters.KFold(4, shuffle=True, random_state=3).split(range(40)))


def test_classes_are_stratified():
    folds = make_folds("f", 3, CLASSES, seed=5)
    oracle = splitters.StratifiedKFold(3, shuffle=True, random_state=5)
    assert_same(folds, oracle.split(LABELS, LABELS))
    for fold in folds:  # 30, 24 and 9 rows in 3 folds
        assert np.bincount(LABELS[fold.test_rows]).tolist() == [10, 8, 3]
        both = np.concatenate(fold)
        np.testing.assert_array_equal(np.sort(both), np.arange(63))


def test_repeats_divide_again():
    folds = make_folds("f", 3, CLASSES, repeats=4, seed=5)
    oracle = splitters.RepeatedStratifiedKFold(n_splits=3, n_repeats=4, random_state=5)
    assert_same(folds, oracle.split(LABELS, LABELS))
    folds = make_folds("f", np.int64(5), NUMBERS, repeats=2, seed=5)
    oracle = splitters.RepeatedKFold(n_splits=5, n_repeats=2, random_state=5)
    assert_same(folds, oracle.split(range(40)))
    assert not np.array_equal(folds[0].test_rows, folds[5].test_rows)


def test_groups_stay_together():
    folds = make_folds("f", 3, CLASSES, GROUPS, seed=5)
    oracle = splitters.StratifiedGroupKFold(3, shuffle=True, random_state=5)
    assert_same(folds, oracle.split(LABELS, LABELS, GROUPS))
    names = [f"patient {group}" for group in GROUPS[:40]]
    folds = make_folds("f", 4, NUMBERS, names)
    assert_same(folds, splitters.GroupKFold(4).split(range(40), None, np.array(names)))
    for fold in folds:
        assert not set(GROUPS[fold.train_rows]) & set(GROUPS[fold.test_rows])


def test_a_series_is_divided_by_time():
    folds = make_folds("f", 4, SERIES)
    assert_same(folds, splitters.TimeSeriesSplit(4, gap=3).split(range(50)))
    for fold in folds:  # windows of a horizon of 4 share targets unless 4 or more apart
        assert fold.test_rows[0] - fold.train_rows[-1] == 4


@pytest.mark.parametrize(
    "splitter",
    [
        splitters.KFold(5),
        splitters.ShuffleSplit(4, test_size=0.3, random_state=0),
        splitters.LeaveOneOut(),
        splitters.PredefinedSplit(np.arange(40) % 3 - 1),
    ],
)
def test_splitters_are_used_as_they_are(splitter):
    pairs = [(np.sort(train), np.sort(test)) for train, test in splitter.split(np.zeros(40))]
    assert_same(make_folds("f", splitter, NUMBERS), pairs)


def test_splitters_see_targets_and_groups():
    data = FoldData(40, targets=np.arange(40.0))

    class Halves:
        def split(self, x, y, groups):
            assert len(x) == len(groups) == 40
            yield np.flatnonzero(y < 20), np.flatnonzero(y >= 20)

    (fold,) = make_folds("f", Halves(), data, np.arange(40) // 20)
    assert fold.train_rows.tolist() == list(range(20))
    folds = make_folds("f", splitters.LeaveOneGroupOut(), CLASSES, GROUPS)
    assert_same(folds, splitters.LeaveOneGroupOut().split(LABELS, None, GROUPS))


def test_pairs_are_used_as_they_are():
    """Oracle: written by hand. Row 3 is in no test part."""
    (first, second) = make_folds(
        "f", [([2, 0], [1]), ([True, True, False, False], (2,))], FoldData(4)
    )
    assert [part.tolist() for part in (*first, *second)] == [[0, 2], [1], [0, 1], [2]]
    frame = pd.Series([5, 6, 7])
    (fold,) = make_folds("f", iter([(frame.index[:2], frame.index[2:])]), FoldData(3))
    assert [part.tolist() for part in fold] == [[0, 1], [2]]
    assert_same(
        make_folds("f", splitters.KFold(3).split(range(40)), NUMBERS),
        splitters.KFold(3).split(range(40)),
    )


def test_pairs_and_groups_are_about_all_rows_of_the_data():
    """Oracle: written by hand. Rows 1 and 4 of the data have no target, so rows 0, 2, 3, 5 remain."""
    data = FoldData(4, positions=np.array([0, 2, 3, 5]), n_data=6)
    (fold,) = make_folds("f", [([0, 1, 2], [3, 4, 5])], data)
    assert [part.tolist() for part in fold] == [[0, 1], [2, 3]]
    mask = np.array([True, True, True, False, False, False])
    (masked,) = make_folds("f", [(mask, ~mask)], data)
    assert [part.tolist() for part in masked] == [[0, 1], [2, 3]]
    folds = make_folds("f", 2, data, list("abcbda"))  # a c b a: the rows with a target
    assert sorted(tuple(fold.test_rows) for fold in folds) == [(0, 3), (1, 2)]
    (fold,) = make_folds("f", [([0, 5], [1, 2])], data, list("abcbda"))  # b alone has no target
    assert fold.test_rows.tolist() == [1]
    (fold,) = make_folds("f", splitters.ShuffleSplit(1, test_size=1, random_state=0), data)
    assert sorted(np.concatenate(fold)) == [0, 1, 2, 3]
    with pytest.raises(DataError, match=r"no row in both parts of fold 1. Received: rows='2, 5'"):
        make_folds("f", [([0, 2, 5], [2, 5])], data)


BAD_ARGUMENTS = [
    (1, {}, r"folds to be an int >= 2. Received: folds=1. With 2 folds, each half"),
    (-3, {}, r"folds to be an int >= 2. Received: folds=-3"),
    (41, {}, r"as many folds as rows with a target. Received: folds=41, rows=40. Pass folds=40"),
    (5, {"repeats": 0}, r"repeats to be an int >= 1. Received: repeats=0"),
    (5, {"repeats": 1.5}, r"repeats to be an int >= 1"),
    (True, {}, r"folds to be an int >= 2, a splitter of scikit-learn, or pairs.*folds=True"),
    (0.2, {}, r"a splitter of scikit-learn, or pairs.*folds=0.2"),
    (None, {}, r"a splitter of scikit-learn, or pairs.*folds=None"),
    ("5", {}, r"a splitter of scikit-learn, or pairs.*folds='5'"),
    ({0: [1]}, {}, r"a splitter of scikit-learn, or pairs"),
    (splitters.KFold, {}, r"a splitter of scikit-learn.*Pass an object: KFold\(5\), not KFold"),
    (np.arange(40) % 5, {}, r"folds\[0\]=.*PredefinedSplit\(numbers\)"),
    ((np.arange(20), np.arange(20, 40)), {}, r"One pair is a list of one: folds=\[\(train, test\)"),
    ([(1, 2)], {}, r"One pair is a list of one"),
    ([("a", "b")], {}, r"One pair is a list of one"),
    (splitters.KFold(4), {"repeats": 2}, r"repeats=1 with a splitter or pairs.*RepeatedKFold"),
    (4, {"repeats": 2, "groups": range(40)}, r"repeats=1 with groups.*GroupShuffleSplit"),
    (
        4,
        {"groups": "patient"},
        r"one value for each of the 40 rows.*groups=table\['patient'\], column_types=",
    ),
]


@pytest.mark.parametrize(("folds", "options", "text"), BAD_ARGUMENTS)
def test_bad_arguments(folds, options, text):
    with pytest.raises((ConfigError, DataError), match=f"(?s)^cross_validate: expected .*{text}"):
        make_folds("cross_validate", folds, NUMBERS, **options)


BAD_PARTS = [
    ([0, 40], r"the training rows of fold 1 to be positions from 0 to 39.*positions='40'"),
    ([-1, 3, -7], r"or a mask of 40 booleans. Received: positions='-7, -1'"),
    ([0.0, 1.0], r"Received: shape=\(2,\), dtype='float64'"),
    ([[0, 1]], r"Received: shape=\(1, 2\)"),
    (["a", "b"], r"Received: shape=\(2,\), dtype='<U1'"),
    ([True, False], r"Received: shape=\(2,\), dtype='bool'"),
    ([[0], [1, 2]], r"positions or a mask. Received: problem="),
    ([3, 1, 3], r"each of the training rows of fold 1 once. Received: twice='3'. np.unique"),
    ([], r"at least one row with a target in the training rows of fold 1. Received: positions=0"),
    ([False] * 40, r"at least one row with a target in the training rows of fold 1"),
]


@pytest.mark.parametrize(("part", "text"), BAD_PARTS)
def test_bad_parts(part, text):
    with pytest.raises(DataError, match=text):
        make_folds("f", [(part, [39])], NUMBERS)
    test_text = text.replace("training", "test").replace("fold 1", "fold 2")
    with pytest.raises(DataError, match=test_text):
        make_folds("f", [([0], [1]), ([38], part)], NUMBERS)


def test_no_folds():
    with pytest.raises(DataError, match=r"at least one fold. Received: folds=\[\]"):
        make_folds("f", [], NUMBERS)


def test_pairs_that_overlap():
    text = r"no row in both parts of fold 2. Received: rows='5, 6, 7 and 3 more'. A row that"
    with pytest.raises(DataError, match=text):
        make_folds("f", [([0], [1]), (np.arange(11), np.arange(5, 20))], NUMBERS)


def test_a_class_with_fewer_rows_than_folds():
    text = (
        r"at least one row of every class for each fold. Received: folds=10, class='owl', rows of "
        r"that class=9. Pass folds=9, or KFold\(10, shuffle=True\) of scikit-learn"
    )
    with pytest.raises(DataError, match=text):
        make_folds("f", 10, CLASSES)
    single = FoldData(4, labels=np.array([0, 0, 0, 7]))
    with pytest.raises(DataError, match=r"class=7, rows of that class=1. Pass KFold\(2, shuffle"):
        make_folds("f", 2, single)
    with pytest.raises(DataError, match=r"Pass folds=9, or GroupKFold\(10\)"):
        make_folds("f", 10, CLASSES, np.arange(63) // 2)


def test_bad_groups():
    text = r"groups to be one value for each of the 40 rows. Received: shape=\(39,\)"
    with pytest.raises(DataError, match=text):
        make_folds("f", 4, NUMBERS, np.arange(39))
    with pytest.raises(DataError, match=r"folds as groups. Received: folds=4, groups=3. Pass f.*3"):
        make_folds("f", 4, NUMBERS, np.arange(40) % 3)
    with pytest.raises(DataError, match=r"Received: folds=2, groups=1. Pass groups=None"):
        make_folds("f", 2, NUMBERS, np.zeros(40))
    for missing in (None, np.nan, pd.NA):
        with pytest.raises(DataError, match=r"40 rows. Received: missing=2. Give a row that"):
            make_folds("f", 4, NUMBERS, ["a", "b"] * 19 + [missing] * 2)
    days = pd.Series(pd.date_range("2024", periods=40)).where(np.arange(40) != 3)
    with pytest.raises(DataError, match=r"missing=1"):
        make_folds("f", 4, NUMBERS, days)
    with pytest.raises(DataError, match=r"all of one type. Received: problem="):
        make_folds("f", 4, NUMBERS, pd.Series(["a", 1] * 20))
    with pytest.raises(DataError, match=r"one value for each of the 40 rows. Received: problem="):
        make_folds("f", 4, NUMBERS, [[1], [1, 2]] * 20)


def test_groups_that_leak():
    """Groups of a splitter that ignores them, and of the user's own pairs, are named."""
    names = np.array(["anna", "ben", "carl", "dora", "emil"])[np.arange(40) % 5]
    text = r"no group in both parts of fold 1. Received: groups='anna, ben, carl and 2 more'. Pass"
    with pytest.raises(DataError, match=text):
        make_folds("f", splitters.KFold(4), NUMBERS, names)
    with pytest.raises(DataError, match=r"parts of fold 2. Received: groups='ben'"):
        make_folds("f", [([0], [1]), ([0, 1], [6, 7])], NUMBERS, names)


def test_a_splitter_that_fails():
    text = r"expected groups with GroupKFold.*Pass groups=, with a label for every row"
    with pytest.raises(DataError, match=text):
        make_folds("f", splitters.GroupKFold(3), NUMBERS)
    with pytest.raises(DataError, match=r"rows=40, problem='Cannot have number of splits"):
        make_folds("f", splitters.KFold(50), NUMBERS)


def test_series_that_cannot_be_divided():
    text = (
        r"a training window before each test part, with 3 windows between them. Received: "
        r"folds=49, windows=50. Pass folds=46 or fewer, a longer series"
    )
    with pytest.raises(DataError, match=text):
        make_folds("f", 49, SERIES)
    short = FoldData(4, is_series=True, horizon=4)
    with pytest.raises(DataError, match=r"folds=2, windows=4. Pass a longer series, or a lower"):
        make_folds("f", 2, short)
    with pytest.raises(ConfigError, match=r"no groups with a time series. Received: groups='list'"):
        make_folds("f", 2, SERIES, [1] * 50)
    with pytest.raises(
        ConfigError, match=r"repeats=1 with a time series.*folds never change|never"
    ):
        make_folds("f", 2, SERIES, repeats=3)


def test_the_number_of_folds_that_a_series_allows():
    """Oracle: TimeSeriesSplit itself refuses the next one."""
    for data in (SERIES, FoldData(23, is_series=True), FoldData(31, is_series=True, horizon=9)):
        for folds in range(2, 31):
            try:
                pairs = list(
                    splitters.TimeSeriesSplit(folds, gap=data.horizon - 1).split(range(data.n_rows))
                )
            except ValueError:
                with pytest.raises(DataError, match="a training window before each test part"):
                    make_folds("f", folds, data)
            else:
                assert_same(make_folds("f", folds, data), pairs)


@pytest.mark.parametrize(
    "folds",
    [
        splitters.KFold(5),
        splitters.TimeSeriesSplit(5),
        [(np.arange(30), np.arange(32, 40))],
        [(np.arange(20, 30), np.arange(10))],
    ],
)
def test_a_series_with_windows_out_of_order(folds):
    text = (
        r"the training windows of fold 1 to end before its test windows, with at least 3 windows "
        r"between them. Received: last_training_window=\d+, first_test_window=\d+. Use "
        r"TimeSeriesSplit\(n_splits, gap=3\)"
    )
    with pytest.raises(DataError, match=text):
        make_folds("f", folds, SERIES)


def test_a_series_with_pairs_in_order():
    pairs = [(np.arange(30), np.arange(33, 40)), (np.arange(5, 36), np.arange(39, 50))]
    assert_same(make_folds("f", pairs, SERIES), pairs)
