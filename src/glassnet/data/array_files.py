"""Arrays in: a NumPy archive, or a pair of IDX files, becomes a data set with rows to train on and
rows to test on.
"""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from glassnet.data.dataset import TEST_FRACTION, Dataset
from glassnet.data.idx import read_idx
from glassnet.data.split import train_validation_split
from glassnet.errors import DataError, is_int, message, require
from glassnet.types import Array

ARRAY_NAMES = (("x_train", "y_train", "x_test", "y_test"), ("x_train", "y_train"), ("x", "y"))
"""What an archive may hold; the first that is there counts."""


def arrays_from_file(path: str | os.PathLike[str], *, seed: int = 0) -> Dataset:
    """Read rows and targets from an archive that `np.savez` wrote, or from IDX files, as MNIST has
    them.

    An archive holds x_train, y_train, x_test and y_test; or without the last two, or x and y: then
    a fifth is held out, of each class in proportion. Of IDX files name the images,
    train-images-idx3-ubyte.gz: their labels are train-labels-idx1-ubyte.gz beside them, and
    t10k-images-idx3-ubyte.gz, if it is there, holds the test rows. Whole numbers are classes from
    0, others are numbers to learn.

    Shapes:
        x (n, *example), y (n,).

    Args:
        path: a file that ends in .npz, or one of images with -idx3 in its name.
        seed: draws what is held out.

    Raises:
        ConfigError: a seed that is none.
        DataError: a file that is not there, is damaged or lacks arrays; arrays of objects (pickles
            are not opened), of other lengths or shapes; classes that do not count from 0.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "steps.npz"
        >>> np.savez(path, x=np.arange(10.0), y=np.arange(10) % 2)
        >>> arrays_from_file(path)
        Dataset('steps.npz', x=(8,) float64, y=(8,) int64, test rows=2, 2 classes)
    """
    require(is_int(seed, least=0), "arrays_from_file", "seed to be an int >= 0", seed=seed)
    x, y, x_test, y_test = read_arrays(path)
    classes = 0
    if y.dtype.kind in "biu":
        found = np.unique(y)
        missing = (
            np.setdiff1d(np.arange(found.max() + 1), found)[:5].tolist()
            if found.min() >= 0
            else [0]
        )
        fix = "Number them from 0, np.unique(y, return_inverse=True)[1]; numbers that are to be learned as such are floats."
        everyone = found.min() >= 0 and not missing
        require(
            everyone,
            _source_name(path),
            "classes from 0 without a gap",
            error=DataError,
            y=found[:5].tolist(),
            missing=missing,
            fix=fix,
        )
        classes = len(found)
    if x_test is None or y_test is None:
        kept, held = train_validation_split(
            len(x), y if classes else None, TEST_FRACTION, "random", seed
        )
        x, y, x_test, y_test = x[kept], y[kept], x[held], y[held]
    target = np.int64 if classes else np.float32
    return Dataset(
        Path(path).name,
        x,
        y.astype(target),
        x_test,
        y_test.astype(target),
        class_names=tuple(map(str, range(classes))),
    )


def is_array_file(path: str | os.PathLike[str]) -> bool:
    """Whether the file's name says that it holds arrays."""
    return re.search(r"\.npz$|[-.]idx\d", Path(path).name.lower()) is not None


def read_arrays(path: str | os.PathLike[str]) -> tuple[Array, Array, Array | None, Array | None]:
    """x, y, and those of the test rows where the files have some.

    Raises:
        DataError: see `arrays_from_file`.
    """
    place, who = Path(path), _source_name(path)
    require(
        is_array_file(place),
        who,
        "a file that ends in .npz, or one of images with -idx3 in its name",
        error=DataError,
    )
    require(place.is_file(), who, "a file that exists", error=DataError)
    found = _read_npz(place, who) if place.suffix.lower() == ".npz" else _read_idx_files(place, who)
    x, y, *test = found
    for rows, targets in ((x, y), test) if test else ((x, y),):
        numeric = {rows.dtype.kind, targets.dtype.kind} <= set("biuf")
        require(
            numeric,
            who,
            "arrays of numbers",
            error=DataError,
            x=str(rows.dtype),
            y=str(targets.dtype),
        )
        fits = (
            rows.ndim > 0
            and targets.shape == rows.shape[:1]
            and len(rows)
            and rows.shape[1:] == x.shape[1:]
        )
        expected = "one target a row, shape (n,), and examples of one shape"
        require(fits, who, expected, error=DataError, x=rows.shape, y=targets.shape)
    return (x, y, test[0], test[1]) if test else (x, y, None, None)


def _source_name(path: str | os.PathLike[str]) -> str:
    return f"arrays_from_file({str(path)!r})"


def _read_npz(path: Path, who: str) -> list[Array]:
    fix = "Save plain arrays: np.savez(path, x=x, y=y)."
    require(
        zipfile.is_zipfile(path),
        who,
        "a whole archive of plain arrays",
        error=DataError,
        size=path.stat().st_size,
        fix=fix,
    )
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            names = next((names for names in ARRAY_NAMES if set(names) <= set(archive.files)), None)
            expected = "x_train, y_train, x_test and y_test, or x and y"
            require(names is not None, who, expected, error=DataError, holds=archive.files[:8])
            return [archive[name] for name in names or ()]
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, DataError):
            raise
        raise DataError(
            message(who, "a whole archive of plain arrays", problem=str(error)[:100], fix=fix)
        ) from error


def _read_idx_files(path: Path, who: str) -> list[Array]:
    labels, test = _labels_path(path), path.with_name(path.name.replace("train", "t10k"))
    fix = "They are looked for under the name of the images, with labels for images and idx1 for idx3."
    require(
        labels.is_file() and labels != path,
        who,
        "labels beside the images",
        error=DataError,
        labels=str(labels),
        fix=fix,
    )
    files = [path, labels]
    if test != path and test.is_file() and _labels_path(test).is_file():
        files += [test, _labels_path(test)]
    return [read_idx(file) for file in files]


def _labels_path(images: Path) -> Path:
    """Where the labels of images lie."""
    return images.with_name(images.name.replace("images", "labels").replace("idx3", "idx1"))
