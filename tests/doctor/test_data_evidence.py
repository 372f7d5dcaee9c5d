"""Evidence about rows. Oracles: rows repeated on purpose, and pairs compared one by one."""

import numpy as np
import pytest

from glassnet.doctor.data_evidence import MAX_COLUMNS, MAX_COLUMNS_FOR_LEAKS, examine_rows


@pytest.fixture(name="rng")
def make_rng():
    return np.random.default_rng(0)


def test_repeated_and_shared_rows_are_counted(rng):
    x = rng.normal(size=(60, 3)).astype(np.float32)
    x[50:] = x[:10]  # ten rows come twice
    y = np.arange(60) % 3
    y[50:] = y[:10]
    y[55:] += 1  # five of them with another target, so ten rows contradict another one
    evidence = examine_rows(x, y, np.concatenate([x[:7], x[:5] + 1]))
    assert (evidence.n_rows, evidence.n_repeated, evidence.n_contradictory) == (60, 10, 10)
    assert (evidence.n_validation, evidence.n_shared) == (12, 7)
    assert evidence.n_target_values == 4


@pytest.mark.parametrize("shape", [(5,), (4, 4, 1), (6, 2)])
def test_counts_equal_those_of_a_loop(rng, shape):
    """Oracle: every pair of rows is compared."""
    x = rng.integers(0, 2, (40, *shape)).astype(np.float32)[:, ..., :]
    x[20:30] = x[:10]
    y = rng.integers(0, 2, 40)
    same = np.array([[np.array_equal(a, b) for b in x] for a in x])
    evidence = examine_rows(x, y, x[35:])
    assert evidence.n_repeated == sum(same[i, :i].any() for i in range(40))
    assert evidence.n_contradictory == sum((same[i] & (y != y[i])).any() for i in range(40))
    assert evidence.n_shared == 5


def test_rows_without_validation_and_constant_columns(rng):
    x = rng.normal(size=(30, 4))
    x[:, 2] = 7
    evidence = examine_rows(x, np.zeros(30))
    assert (evidence.n_validation, evidence.n_shared) == (0, 0)
    assert (evidence.n_constant_columns, evidence.n_columns) == (1, 4)
    assert evidence.n_target_values == 1


def test_a_column_that_gives_the_target_away_is_named(rng):
    y = rng.integers(0, 3, 300)
    x = rng.normal(size=(300, 3))
    x[:, 1] = y + 0.01 * rng.normal(size=300)
    classes = examine_rows(x, y[:, None], is_classification=True, names=("a", "b", "c"))
    assert list(classes.leaks) == ["b"]
    assert classes.leaks["b"] > 0.93
    one_hot = examine_rows(x, np.eye(3)[y], is_classification=True)
    assert one_hot.leaks == {"column 2 of 3": classes.leaks["b"]}
    numbers = examine_rows(x, y.astype(float), names=("a", "b", "c"))
    assert list(numbers.leaks) == ["b"]
    assert numbers.leaks["b"] > 0.93
    assert examine_rows(x[:, :1], y).leaks == {}
    several = np.stack([y, y], 1).astype(float)
    assert examine_rows(x, several).leaks == {}
    wide = np.concatenate([x, np.zeros((300, MAX_COLUMNS_FOR_LEAKS))], 1)
    assert list(examine_rows(wide, y).leaks) == ["column 2 of 103"]
    assert examine_rows(np.tile(x, (1, MAX_COLUMNS)), y).leaks == {}
