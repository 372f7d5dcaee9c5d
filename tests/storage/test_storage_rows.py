"""Fingerprints of training rows in a file: refused if they cannot be true."""

import numpy as np
import pytest
from crafted import pack, saved, small, unpack

import glassnet as gn
from glassnet.errors import ModelFileError
from glassnet.fingerprinting import MAX_ROWS

X = np.float32([[0, 1], [1, 0], [2, 2], [5, 5]])


def with_rows(path, words, dtype="I64", shape=None):
    """Replace the fingerprints of a file by other numbers."""
    model, header, numbers = unpack(path.read_bytes())
    data = np.asarray(words).tobytes()
    start, stop = header["@rows"]["data_offsets"]
    shift = len(data) - (stop - start)
    header["@rows"] |= {"dtype": dtype, "shape": shape or [len(words)]}
    header["@rows"]["data_offsets"] = [start, start + len(data)]
    for name, entry in header.items():
        if name != "@rows" and entry["data_offsets"][0] >= stop:
            entry["data_offsets"] = [offset + shift for offset in entry["data_offsets"]]
    path.write_bytes(pack(model, header, numbers[:start] + data + numbers[stop:]))
    return path


def words(path):
    _, header, numbers = unpack(path.read_bytes())
    return np.frombuffer(numbers[slice(*header["@rows"]["data_offsets"])], np.int64)


def test_the_same_words_load(tmp_path):
    path = saved(small(), tmp_path / "m.glassnet")
    loaded = gn.load(with_rows(path, words(path)))
    np.testing.assert_array_equal(loaded.is_training_row(X), [True, True, True, False])


@pytest.mark.parametrize(
    ("change", "dtype", "shape", "reason"),
    [
        (lambda w: w[[0, 2, 1, 3]], "I64", None, "sorted fingerprints"),
        (lambda w: w[[0, 1, 1, 2]], "I64", None, "sorted fingerprints"),
        (lambda w: w[:0], "I64", None, "fingerprints of at most 200,000 rows"),
        (lambda w: w.astype(np.float64), "F64", None, "fingerprints of at most 200,000 rows"),
        (lambda w: w, "I64", [2, 2], "fingerprints of at most 200,000 rows"),
        (
            lambda w: np.sort(np.arange(MAX_ROWS + 2)),
            "I64",
            None,
            "fingerprints of at most 200,000 rows",
        ),
    ],
    ids=["unsorted", "repeated", "empty", "floats", "two axes", "too many"],
)
def test_untrue_words_are_refused(tmp_path, change, dtype, shape, reason):
    path = saved(small(), tmp_path / "m.glassnet")
    with pytest.raises(ModelFileError, match=reason):
        gn.load(with_rows(path, change(words(path)), dtype, shape))


def test_a_file_of_before_says_nothing(tmp_path, capsys):
    """Older files have no such array, as with `row_fingerprints=False`."""
    path = saved(small(), tmp_path / "m.glassnet")
    assert "@rows" in unpack(path.read_bytes())[1]
    small().save(path, row_fingerprints=False)
    assert "@rows" not in unpack(path.read_bytes())[1]
    gn.load(path).evaluate(X, X[:, 0])
    assert capsys.readouterr().out == ""
