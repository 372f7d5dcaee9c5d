"""Datasets from NumPy archives and IDX files."""

from __future__ import annotations

import os
import re
import zipfile
from pathlib import Path

import numpy as np

from glassnet.data.arrays import check_numeric, check_precision
from glassnet.data.dataset import TEST_FRACTION, Dataset
from glassnet.data.idx import read_idx
from glassnet.data.split import train_validation_split
from glassnet.errors import MAX_SEED, DataError, is_int, is_number, require, wrap_errors
from glassnet.file_paths import to_path
from glassnet.suggestions import suggest_arguments
from glassnet.types import Array

ARRAY_NAMES = (("x_train", "y_train", "x_test", "y_test"), ("x_train", "y_train"), ("x", "y"))
"""Sets of names that an archive may use; the first set that it contains is read."""


@suggest_arguments
def arrays_from_file(
    path: str | os.PathLike[str], *, seed: int = 0, test_fraction: float = TEST_FRACTION
) -> Dataset:
    """Read examples and targets from an archive made by `np.savez`, or from MNIST's IDX files.

    An archive contains x_train, y_train, x_test and y_test, or only x_train and y_train, or x and
    y. Without test rows, a fifth of the rows is held out, in proportion from each class.

    For IDX files, pass the images: train-images-idx3-ubyte.gz. The labels are read from
    train-labels-idx1-ubyte.gz in the same folder. The test rows are read from
    t10k-images-idx3-ubyte.gz and its labels if they exist.

    Integer targets are class codes, counted from 0. Other targets are numbers for a regression.

    Shapes:
        x (n, *example), y (n,).

    Args:
        path: a file that ends in .npz, or a file of images with -idx3 in its name.
        seed: draws the test rows if the file has none.
        test_fraction: fraction of the rows to hold out then, from 0 to below 1.

    Raises:
        ConfigError: `seed` is not an int >= 0; `test_fraction` is out of range.
        DataError: the file does not exist, is damaged or lacks arrays; it holds arrays of objects
            (pickles are not loaded); lengths or shapes differ; class codes do not count from 0.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "steps.npz"
        >>> np.savez(path, x=np.arange(10.0), y=np.arange(10) % 2)
        >>> arrays_from_file(path)
        Dataset('steps.npz', x=(8,) float64, y=(8,) int64, test rows=2, 2 classes)
    """
    who = "arrays_from_file"
    require(is_int(seed, 0, MAX_SEED), who, "seed to be an int >= 0", seed=seed)
    fits = is_number(test_fraction) and 0 <= test_fraction < 1
    require(fits, who, "test_fraction from 0 to below 1", test_fraction=test_fraction)
    path = to_path(path, who)
    x, y, x_test, y_test = read_arrays(path)
    n_classes = _count_classes(y, y_test, _source_name(path)) if y.dtype.kind in "biu" else 0
    if not n_classes:
        y, y_test = (_to_float32(part, _source_name(path)) for part in (y, y_test))
    if x_test is None or y_test is None:
        labels = y if n_classes else None
        train, test = train_validation_split(len(x), labels, test_fraction, "random", seed)
        test = np.arange(0) if test is None else test
        x, y, x_test, y_test = x[train], y[train], x[test], y[test]
    if n_classes:
        y, y_test = y.astype(np.int64), y_test.astype(np.int64)
    class_names = tuple(map(str, range(n_classes)))
    return Dataset(Path(path).name, x, y, x_test, y_test, class_names=class_names)


def is_array_file(path: str | os.PathLike[str]) -> bool:
    """Return whether the name is that of a NumPy archive or an IDX file."""
    return re.search(r"\.npz$|[-.]idx\d", Path(path).name.lower()) is not None


def read_arrays(path: str | os.PathLike[str]) -> tuple[Array, Array, Array | None, Array | None]:
    """Return x, y, x_test and y_test; the last two are None if the file has no test rows.

    Raises:
        DataError: see `arrays_from_file`.
    """
    file, who = Path(path), _source_name(path)
    require(
        is_array_file(file),
        who,
        "a file that ends in .npz, or a file of images with -idx3 in its name",
        error=DataError,
    )
    require(os.path.isfile(file), who, "a file that exists", error=DataError)
    arrays = _read_npz(file, who) if file.suffix.lower() == ".npz" else _read_idx_files(file, who)
    x, y, *test = arrays
    _check_arrays(x, y, x.shape[1:], who)
    if not test:
        return x, y, None, None
    x_test, y_test = test
    _check_arrays(x_test, y_test, x.shape[1:], who)
    return x, y, x_test, y_test


def _check_arrays(x: Array, y: Array, example_shape: tuple[int, ...], who: str) -> None:
    require(
        {x.dtype.kind, y.dtype.kind} <= set("biuf"),
        who,
        "arrays of numbers",
        error=DataError,
        x=str(x.dtype),
        y=str(y.dtype),
    )
    require(
        x.ndim > 0 and len(x) and y.shape == x.shape[:1] and x.shape[1:] == example_shape,
        who,
        "one target per row, shape (n,), and examples of one shape",
        error=DataError,
        x=x.shape,
        y=y.shape,
    )


def _count_classes(y: Array, y_test: Array | None, who: str) -> int:
    """Return K for class codes 0..K-1, all of which must occur in the training rows.

    Codes are compared as Python integers: 255 + 1 is 0 in uint8.
    """
    codes = np.unique(y).tolist()
    gap = next((k for k, code in enumerate(codes) if k != code), None)
    missing = [0]
    if gap is not None and codes[0] >= 0:
        missing = sorted({*range(gap, min(codes[-1], gap + 5 + len(codes)))} - {*codes})[:5]
    require(
        gap is None,
        who,
        "classes from 0 without a gap",
        error=DataError,
        y=codes[:5],
        missing=missing,
        fix="Number them from 0: np.unique(y, return_inverse=True)[1]. "
        "For a regression, store y as floats.",
    )
    test_codes = [] if y_test is None else np.unique(y_test).tolist()
    others = [code for code in test_codes if code not in range(len(codes))]
    expected = f"test rows of the training classes, 0 to {len(codes) - 1}"
    require(not others, who, expected, error=DataError, others=others[:5])
    return len(codes)


def _to_float32(y: Array | None, who: str) -> Array | None:
    """Return targets of a regression as float32.

    Raises:
        DataError: a value is not finite in float32, or float32 cannot tell the values apart.
    """
    if y is None or not y.size:
        return y
    check_precision(**{f"{who}: y": y})
    return check_numeric(y, f"{who}: y").astype(np.float32)


def _source_name(path: str | os.PathLike[str]) -> str:
    return f"arrays_from_file({str(path)!r})"


def _read_npz(path: Path, who: str) -> list[Array]:
    expected = "a complete archive of plain arrays"
    fix = "Save plain arrays: np.savez(path, x=x, y=y)."
    with wrap_errors(who, expected, fix=fix), path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        require(zipfile.is_zipfile(file), who, expected, error=DataError, size=size, fix=fix)
        file.seek(0)
        with np.load(file, allow_pickle=False) as archive:
            names = next((names for names in ARRAY_NAMES if set(names) <= set(archive.files)), ())
            require(
                names,
                who,
                "x_train, y_train, x_test and y_test, or x and y",
                error=DataError,
                arrays=archive.files[:8],
            )
            arrays = [archive[name] for name in names]
            others = [type(array).__name__ for array in arrays if not isinstance(array, np.ndarray)]
            require(not others, who, expected, error=DataError, fix=fix, types=others)
            return arrays


def _read_idx_files(path: Path, who: str) -> list[Array]:
    labels, test = _labels_path(path), path.with_name(path.name.replace("train", "t10k"))
    require(
        os.path.isfile(labels) and labels != path,
        who,
        "a file of labels next to the images",
        error=DataError,
        labels=str(labels),
        fix='Name it as the images, with "labels" for "images" and "idx1" for "idx3".',
    )
    files = [path, labels]
    if test != path and os.path.isfile(test) and os.path.isfile(_labels_path(test)):
        files += [test, _labels_path(test)]
    return [read_idx(file) for file in files]


def _labels_path(images: Path) -> Path:
    return images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
