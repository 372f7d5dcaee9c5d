"""Tests of datasets from NumPy archives and IDX files."""

import re
import struct

import numpy as np
import pytest

import glassnet as gn
from glassnet.data import array_files
from glassnet.errors import ConfigError, DataError

X = np.arange(60 * 4, dtype=np.uint8).reshape(60, 2, 2)
Y = np.repeat([0, 1, 2], 20)


def write_idx(path, array):
    path.write_bytes(
        bytes([0, 0, 8, array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + array.astype(np.uint8).tobytes()
    )


def test_an_archive_with_its_test_rows(tmp_path):
    """Oracle: the arrays that were saved, in the layout of Keras's mnist.npz."""
    np.savez(
        tmp_path / "mnist.npz",
        x_train=X,
        y_train=Y.astype(np.uint8),
        x_test=X[:7],
        y_test=Y[:7],
        x=X[:1],
        y=Y[:1],
    )
    data = gn.data.arrays_from_file(tmp_path / "mnist.npz")
    assert (
        repr(data)
        == "Dataset('mnist.npz', x=(60, 2, 2) uint8, y=(60,) int64, test rows=7, 3 classes)"
    )
    np.testing.assert_array_equal(data.x, X)
    np.testing.assert_array_equal(data.y, Y)
    np.testing.assert_array_equal(data.x_test, X[:7])
    assert data.y_test.tolist() == [0] * 7
    assert data.class_names == ("0", "1", "2")


@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_train")])
def test_a_fifth_is_held_out_of_every_class(tmp_path, names):
    """Oracle: every row is in one part with its target; 4 of the 20 of each class are test rows."""
    path = str(tmp_path / "a.npz")
    np.savez_compressed(path, **dict(zip(names, (X, Y), strict=True)))
    data = gn.data.arrays_from_file(path)
    assert np.bincount(data.y_test).tolist() == [4, 4, 4]
    target_of = {row.tobytes(): target for row, target in zip(X, Y, strict=True)}
    rows, targets = np.concatenate([data.x, data.x_test]), [*data.y, *data.y_test]
    assert [target_of[row.tobytes()] for row in rows] == targets
    assert len({row.tobytes() for row in rows}) == 60
    same, other = gn.data.arrays_from_file(path), gn.data.arrays_from_file(path, seed=1)
    assert np.array_equal(data.x, same.x)
    assert not np.array_equal(data.x, other.x)


def test_numbers_are_learned_as_numbers(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=Y.astype(float))
    data = gn.data.arrays_from_file(tmp_path / "a.npz")
    assert (data.task, data.y.dtype, len(data.x_test)) == ("regression", np.float32, 12)


def test_idx_files(tmp_path):
    """Oracle: the bytes that were written; test rows are found by MNIST's names if they exist."""
    write_idx(tmp_path / "train-images-idx3-ubyte", X)
    write_idx(tmp_path / "train-labels-idx1-ubyte", Y)
    data = gn.data.arrays_from_file(tmp_path / "train-images-idx3-ubyte")
    assert [len(data.x), len(data.x_test)] == [48, 12]
    write_idx(tmp_path / "t10k-images-idx3-ubyte", X[:6] + 1)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", Y[-6:])
    data = gn.data.arrays_from_file(tmp_path / "train-images-idx3-ubyte")
    np.testing.assert_array_equal(data.x, X)
    np.testing.assert_array_equal(data.y, Y)
    np.testing.assert_array_equal(data.x_test, X[:6] + 1)
    assert data.y_test.tolist() == [2] * 6
    np.testing.assert_array_equal(gn.data.read_idx(tmp_path / "train-labels-idx1-ubyte"), Y)
    assert len(array_files.read_arrays(tmp_path / "t10k-images-idx3-ubyte")[0]) == 6


def test_what_is_refused(tmp_path):
    path = tmp_path / "a.npz"

    def refused(text, **arrays):
        if arrays:
            np.savez(path, **arrays)
        with pytest.raises(DataError, match=re.escape(text)):
            gn.data.arrays_from_file(path)

    refused("expected a file that exists.")
    refused(
        "expected x_train, y_train, x_test and y_test, or x and y. Received: arrays=['x', 'labels'].",
        x=X,
        labels=Y,
    )
    refused(
        "complete archive of plain arrays. Received: problem='Object arrays cannot be loaded when allow_pickle=False'.",
        x=X,
        y=Y.astype(object),
    )
    refused("expected arrays of numbers. Received: x='uint8', y='<U1'.", x=X, y=Y.astype("U1"))
    refused(
        "expected one target per row, shape (n,), and examples of one shape. Received: x=(60, 2, 2), y=(59,).",
        x=X,
        y=Y[1:],
    )
    refused("Received: x=(60, 2, 2), y=(60, 1).", x=X, y=Y[:, None])
    refused("Received: x=(60, 2), y=(60,).", x_train=X, y_train=Y, x_test=X[:, 0], y_test=Y)
    refused("Received: x=(0, 2, 2), y=(0,).", x=X[:0], y=Y[:0])
    gap = "expected classes from 0 without a gap. Received: y=[1, 2, 3], missing=[0]. Number them from 0: np.unique(y"
    refused(gap, x=X, y=Y + 1)
    refused("Received: y=[0, 2, 4], missing=[1, 3].", x=X, y=2 * Y)
    refused("Received: y=[-1, 0, 1], missing=[0].", x=X, y=Y - 1)
    complete = path.read_bytes()
    path.write_bytes(complete[:300])
    refused(
        "expected a complete archive of plain arrays. Received: size=300. Save plain arrays: np.savez(path, x=x, y=y)."
    )
    path.write_bytes(complete[:200] + b"?" * 20 + complete[220:])
    refused(
        "expected a complete archive of plain arrays. Received: problem=\"Bad CRC-32 for file 'x.npy'\"."
    )
    with pytest.raises(
        DataError,
        match=r"expected a file that ends in \.npz, or a file of images with -idx3 in its name",
    ):
        gn.data.arrays_from_file("a.csv")
    with pytest.raises(
        ConfigError, match=r"arrays_from_file: expected seed to be an int >= 0. Received: seed=-1"
    ):
        gn.data.arrays_from_file(path, seed=-1)
    write_idx(tmp_path / "my-images-idx3-ubyte", X)
    with pytest.raises(
        DataError,
        match=r"expected a file of labels next to the images\. Received: labels='.*my-labels-idx1-ubyte'\. Name",
    ):
        gn.data.arrays_from_file(tmp_path / "my-images-idx3-ubyte")
    write_idx(tmp_path / "odd-idx7", X)
    with pytest.raises(DataError, match="expected a file of labels next to the images"):
        gn.data.arrays_from_file(tmp_path / "odd-idx7")


def test_the_name_of_a_table_may_hold_idx():
    assert not array_files.is_array_file("idx3.csv")
    assert not array_files.is_array_file("my-npz.csv")
