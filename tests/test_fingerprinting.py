"""Fingerprints of rows: equal rows have equal ones, and others differ."""

import numpy as np
import pytest

from glassnet import fingerprinting
from glassnet.fingerprinting import RowFingerprints, hash_columns, hash_rows

RNG = np.random.default_rng(0)


def count_distinct(rows):
    return len(np.unique(rows.reshape(len(rows), -1), axis=0))


@pytest.mark.parametrize(
    "rows",
    [
        RNG.normal(size=(5000, 7)),
        RNG.integers(0, 2, (20_000, 40)),
        2 * RNG.integers(0, 2, (20_000, 41)) - 1,
        np.eye(3000),
        np.arange(30_000)[:, None],
        RNG.integers(0, 4, (5000, 4)),
        RNG.integers(0, 256, (500, 9, 9, 3)).astype(np.uint8),
    ],
    ids=["floats", "bits", "signs", "one-hot", "counts", "repeated", "images"],
)
def test_rows_have_as_many_hashes_as_numpy_counts_distinct_rows(rows):
    """Oracle: np.unique. Bits and signs differ only in the upper bits of their float32 words."""
    assert len(np.unique(hash_rows(rows, 7))) == count_distinct(rows)


@pytest.mark.parametrize("width", [1, 2, 5])
def test_equal_numbers_of_other_types_have_equal_hashes(width):
    rows = RNG.integers(0, 200, (50, width))
    expected = hash_rows(rows.astype(np.float32), 3)
    for dtype in (np.uint8, np.int64, np.float64):
        np.testing.assert_array_equal(hash_rows(rows.astype(dtype), 3), expected)
    np.testing.assert_array_equal(hash_rows(rows[::-1], 3), expected[::-1])
    assert hash_rows(np.full((1, width), -0.0), 3) == hash_rows(np.zeros((1, width)), 3)


def test_blocks_and_threads_give_the_hashes_of_one_row_at_a_time(monkeypatch):
    rows = RNG.normal(size=(300, 6)).astype(np.float32)
    one_by_one = [hash_rows(row[None], 5)[0] for row in rows]
    monkeypatch.setattr(fingerprinting, "BLOCK_BYTES", 1000)
    np.testing.assert_array_equal(hash_rows(rows, 5), one_by_one)
    monkeypatch.setattr(fingerprinting, "PARALLEL_BYTES", 1000)
    np.testing.assert_array_equal(hash_rows(rows, 5), one_by_one)
    columns = {
        name: column.view(np.uint64)
        for name, column in zip("abc", rows.astype(float).T.copy(), strict=False)
    }
    whole = hash_columns(columns, 5)
    np.testing.assert_array_equal(
        hash_columns({n: c[7:9] for n, c in columns.items()}, 5), whole[7:9]
    )


def test_the_salt_changes_every_hash():
    rows = RNG.normal(size=(100, 3))
    assert not np.isin(hash_rows(rows, 1), hash_rows(rows, 2)).any()


def test_sets_of_rows_grow_until_the_limit(monkeypatch):
    """Oracle: np.isin on the rows' numbers."""
    monkeypatch.setattr(fingerprinting, "MAX_ROWS", 6)
    rows = np.arange(10)[:, None]
    hashes = hash_rows(rows, 0)
    some = RowFingerprints(0).add(hashes[[1, 5, 1]])
    np.testing.assert_array_equal(some.contains(hashes), np.isin(rows[:, 0], [1, 5]))
    assert some.add(hashes[[5]]) is some
    more = some.add(hashes[[2, 3, 4, 9]])
    np.testing.assert_array_equal(more.contains(hashes), np.isin(rows[:, 0], [1, 2, 3, 4, 5, 9]))
    assert more == RowFingerprints(0).add(hashes[[9, 5, 4, 3, 2, 1]])
    assert more.add(hashes[[0]]).data is None
    assert some.add(None).add(hashes).data is None
    assert not RowFingerprints(0).contains(hashes).any()
