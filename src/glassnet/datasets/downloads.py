"""Datasets that are downloaded once, verified by checksum and then read from this machine."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from functools import partial
from pathlib import Path

import numpy as np

from glassnet.data.dataset import DatasetFields, DatasetInfo
from glassnet.data.idx import gunzip_if_needed, read_bytes, read_idx
from glassnet.errors import DataError, DownloadError, message, require
from glassnet.types import Array
from glassnet.user_cache import user_cache_folder

MIRRORS = {
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    "fashion-mnist": (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    "cifar-10": ("https://www.cs.toronto.edu/~kriz/",),
    "titanic": ("https://raw.githubusercontent.com/pcsanwald/kaggle-titanic/master/train.csv",),
    "house-prices": (
        "https://d2l-data.s3-accelerate.amazonaws.com/kaggle_house_pred_train.csv",
        "https://raw.githubusercontent.com/d2l-ai/d2l-zh/f66f0829b472c4739fc7842b827c63e5eb39d69d/data/kaggle_house_pred_train.csv",
    ),
    "flights": (
        "https://raw.githubusercontent.com/mwaskom/seaborn-data/8001eb5c90550e2b98a5f2769264441460c07578/",
    ),
}
"""Addresses of the files of each folder.

An address that ends in a slash is a folder; any other is the file itself under another name.
"""

MD5 = {
    "mnist": {
        "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
        "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
        "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
    "cifar-10": {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
    "titanic": {"titanic.csv": "c8251715227bc0b38fe3f97c5236a493"},
    "house-prices": {"train.csv": "80ccab65fb115cbad143dbbd2bcd5577"},
    "flights": {"flights.csv": "b42142490a514b441a8058c4b7fd58b1"},
}
"""Published checksums of the files of each folder."""

MAX_CIFAR_SIZE = 200_000_000
"""Limit of the decompressed archive in bytes: six files of 30,730,000 bytes and some text."""

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def fetch(folder: str, file: str) -> Path:
    """Return the path of `folder`/`file`, which is downloaded and verified if it does not exist.

    The folder is in $GLASSNET_DATA_HOME, or else in the user's cache. An existing file is not
    verified.

    Raises:
        DownloadError: no address delivered the right file. The message says where to put which
            file.
    """
    import pooch

    home = Path(os.environ.get("GLASSNET_DATA_HOME") or user_cache_folder()).expanduser()
    path = home / folder / file
    if path.exists():
        return path
    known_hash = f"md5:{MD5[folder][file]}"
    tried = {}
    for mirror in MIRRORS[folder]:
        url = mirror + file if mirror.endswith("/") else mirror
        try:
            return Path(pooch.retrieve(url, known_hash=known_hash, fname=file, path=path.parent))
        except (OSError, ValueError) as error:
            tried[url] = type(error).__name__ if isinstance(error, OSError) else "wrong checksum"
    with contextlib.suppress(OSError):
        path.parent.rmdir()
    fix = (
        f"Download the file in another way and put it at {path}, "
        f"or set GLASSNET_DATA_HOME to a folder that contains {folder}/{file}."
    )
    expected = f"{file} on this machine or at one of its addresses"
    raise DownloadError(message(folder, expected, fix=fix, tried=tried))


def load_idx_images(
    folder: str, class_names: tuple[str, ...], rng: np.random.Generator
) -> DatasetFields:
    """Load grayscale images and labels from the four IDX files of MNIST or a successor.

    Shapes:
        x (n, 28, 28) uint8, 0 for background and 255 for ink. y (n,).
    """
    x, y, x_test, y_test = (read_idx(fetch(folder, file)) for file in MD5[folder])
    for images, labels in ((x, y), (x_test, y_test)):
        require(
            images.ndim == 3 and labels.shape == images.shape[:1],
            folder,
            "images of shape (n, rows, columns) and n labels",
            error=DataError,
            fix="Do the two files belong together?",
            images=images.shape,
            labels=labels.shape,
        )
    return x, y.astype(np.int64), x_test, y_test.astype(np.int64), (), class_names


def load_cifar_images(rng: np.random.Generator) -> DatasetFields:
    """Load color images and labels from the binary version of CIFAR-10.

    Shapes:
        x (n, 32, 32, 3) uint8 in the order red, green, blue. y (n,).
    """
    return *read_cifar(fetch("cifar-10", "cifar-10-binary.tar.gz")), (), CIFAR_CLASSES


def read_cifar(path: Path) -> tuple[Array, Array, Array, Array]:
    """Return x, y, x_test and y_test from the files data_batch_*.bin and test_batch.bin.

    A record is 1 + 3072 bytes: the label, then 32 x 32 red, green and blue values, row by row.

    Raises:
        DataError: the archive is damaged, lacks these files, or holds anything but complete records
            of ten classes.

    Source: A. Krizhevsky, "The CIFAR-10 dataset", section "Binary version".
    """
    who = f"read_cifar({str(path)!r})"
    raw = gunzip_if_needed(read_bytes(path, who), who, limit=lambda start: MAX_CIFAR_SIZE)
    files = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive:
            for member in archive:
                if file := archive.extractfile(member):
                    files[Path(member.name).name] = file.read()
    except tarfile.TarError as error:
        fix = "Download it again."
        raise DataError(
            message(who, "a complete tar archive", fix=fix, reason=str(error))
        ) from error
    return *_read_records(files, "data_batch", who), *_read_records(files, "test_batch", who)


def _read_records(files: dict[str, bytes], prefix: str, who: str) -> tuple[Array, Array]:
    raw = b"".join(files[name] for name in sorted(files) if name.startswith(prefix))
    require(
        raw and len(raw) % 3073 == 0,
        who,
        f"files {prefix}*.bin of complete records of 3073 bytes",
        error=DataError,
        fix="Download it again.",
        files=sorted(files),
        bytes=len(raw),
    )
    records = np.frombuffer(raw, np.uint8).reshape(-1, 3073)
    labels = records[:, 0].astype(np.int64)
    require(
        labels.max() < len(CIFAR_CLASSES),
        who,
        "labels 0..9",
        error=DataError,
        fix="Is this CIFAR-10?",
        largest=int(labels.max()),
    )
    return np.ascontiguousarray(records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)), labels


ENTRIES = (
    DatasetInfo(
        "mnist",
        "10 classes",
        70_000,
        (28, 28),
        "download, 11 MB",
        "Handwritten digits, 28 x 28 gray pixels.",
        "Pixels 0..255. LeCun, Cortes, Burges 1998; CC BY-SA 3.0.",
        partial(load_idx_images, "mnist", tuple("0123456789")),
    ),
    DatasetInfo(
        "fashion_mnist",
        "10 classes",
        70_000,
        (28, 28),
        "download, 30 MB",
        "Photographs of clothes, 28 x 28 gray pixels.",
        "Pixels 0..255. Xiao, Rasul, Vollgraf 2017, Zalando; MIT license.",
        partial(load_idx_images, "fashion-mnist", FASHION_CLASSES),
    ),
    DatasetInfo(
        "cifar10",
        "10 classes",
        60_000,
        (32, 32, 3),
        "download, 162 MB",
        "Photographs of animals and vehicles, 32 x 32 color pixels.",
        "Pixels 0..255. Krizhevsky 2009; no license stated.",
        load_cifar_images,
    ),
)
