"""The validation split of `fit`: which rows are held out."""

import numpy as np
import pytest

from glassnet.data.split import train_validation_split
from glassnet.errors import ConfigError, DataError

Y = np.repeat([0, 1], [15, 5])


def held_out(fraction, how="random", seed=0, labels=Y):
    return train_validation_split(len(Y), labels, fraction, how, seed)


def test_hold_out_partitions():
    for how in ("random", "end"):
        train, validation = held_out(0.2, how)
        assert sorted([*train, *validation]) == list(range(20))
    assert held_out(0.2, "end")[1].tolist() == [16, 17, 18, 19]
    assert held_out(0)[0].tolist() == list(range(20))
    assert held_out(0)[1] is None


def test_hold_out_is_stratified_where_there_are_classes():
    """Oracle: a fifth of 15 and of 5; without classes some seeds hold out none of the 5."""
    assert all(np.bincount(Y[held_out(0.2, seed=seed)[1]]).tolist() == [3, 1] for seed in range(20))
    assert {int(Y[held_out(0.2, seed=seed, labels=None)[1]].sum()) for seed in range(20)} >= {
        0,
        1,
        2,
    }


def test_hold_out_depends_on_the_seed_alone():
    validation = [held_out(0.2, seed=seed)[1].tolist() for seed in (3, 3, 4)]
    assert validation[0] == validation[1] != validation[2]


def test_the_end_needs_no_classes():
    """The last rows may be of one class, and more than a stratified split would allow."""
    train, validation = held_out(0.95, "end")
    assert (len(train), len(validation)) == (1, 19)


@pytest.mark.parametrize("fraction", [1, 1.5, -0.1, float("nan"), "0.2", None])
def test_fractions_that_are_none(fraction):
    with pytest.raises(
        ConfigError,
        match=rf"validation_split: expected a fraction from 0 to below 1\. Received: validation_split={fraction!r}",
    ):
        held_out(fraction)


def test_another_end():
    with pytest.raises(
        ConfigError,
        match=r'validation_from: expected "random" or "end"\. Received: validation_from=\'start\'\.',
    ):
        held_out(0.2, "start")


@pytest.mark.parametrize(("fraction", "validation"), [(0.01, 0), (0.99, 20)])
@pytest.mark.parametrize("how", ["random", "end"])
def test_a_side_without_rows(fraction, validation, how):
    text = (
        rf"validation_split: expected at least one row to train on and one to hold out\. Received: rows=20, "
        rf"held_out={validation}\. Use more rows"
    )
    with pytest.raises(DataError, match=text):
        held_out(fraction, how)


def test_a_class_without_rows():
    text = (
        r"validation_split: expected enough rows for at least one training row of every class\. Received: rows=20, classes=2, held_out=19\. "
        r'Hold out a smaller fraction, or use the last rows with validation_from="end"\.'
    )
    with pytest.raises(DataError, match=text):
        held_out(0.95)
