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
from glassnet.datasets.remote_files import RemoteFile, retrieve
from glassnet.errors import DataError, DownloadError, message, require, wrap_errors
from glassnet.types import Array
from glassnet.user_cache import user_cache_folder

MIRRORS = {
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
    ),
    "fashion-mnist": (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
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

TFDS = "TensorFlow Datasets, url_checksums"
KERAS = "SHA-256: Keras, datasets/fashion_mnist.py; size: TensorFlow Datasets, url_checksums"
NOT_PUBLISHED = "no checksum is published; those of the copy that the tests read"

FILES = {
    "mnist": {
        "train-images-idx3-ubyte.gz": RemoteFile(
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            TFDS,
        ),
        "train-labels-idx1-ubyte.gz": RemoteFile(
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            TFDS,
        ),
        "t10k-images-idx3-ubyte.gz": RemoteFile(
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            TFDS,
        ),
        "t10k-labels-idx1-ubyte.gz": RemoteFile(
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            TFDS,
        ),
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": RemoteFile(
            26_421_880,
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            KERAS,
        ),
        "train-labels-idx1-ubyte.gz": RemoteFile(
            29_515,
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            KERAS,
        ),
        "t10k-images-idx3-ubyte.gz": RemoteFile(
            4_422_102,
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            KERAS,
        ),
        "t10k-labels-idx1-ubyte.gz": RemoteFile(
            5_148,
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
            KERAS,
        ),
    },
    "cifar-10": {
        # The author states the MD5, c32a1d4ab5d03f1284b67883e8d87530. Keras reads another archive.
        "cifar-10-binary.tar.gz": RemoteFile(
            170_052_171,
            "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
            TFDS,
        ),
    },
    "titanic": {
        "titanic.csv": RemoteFile(
            57_726,
            "04e495fcfcf0d1159f4c0a1727bfd3a06370632ae7def0a9407eefdd9ea387eb",
            NOT_PUBLISHED,
        ),
    },
    "house-prices": {
        "train.csv": RemoteFile(
            460_676,
            "1e18addf81e5e4d347cc17ee6075bbe4a42b7fa26b9e5b063e8f692a5f929d41",
            "a copy with the SHA-1 that Dive into Deep Learning states, "
            "585e9cc93e70b39160e7921475f9bcd7d31219ce",
        ),
    },
    "flights": {
        "flights.csv": RemoteFile(
            2_350,
            "237d834127d9c6355630d8f443a7a2377b5925923010009b59809ba0b67f4fac",
            NOT_PUBLISHED,
        ),
    },
}
"""Size, SHA-256 and their source for each file of each folder."""

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
    verified. A download must have the size and the SHA-256 in `FILES`.

    Raises:
        DownloadError: no address delivered the right file. The message says where to put which
            file.
    """
    home = Path(os.environ.get("GLASSNET_DATA_HOME") or user_cache_folder()).expanduser()
    path = home / folder / file
    if os.path.isfile(path):
        return path
    tried = {}
    for mirror in MIRRORS[folder]:
        url = mirror + file if mirror.endswith("/") else mirror
        try:
            return retrieve(url, path, FILES[folder][file])
        except DownloadError as error:
            tried[url] = str(error)
        except ValueError:
            tried[url] = "wrong checksum"
        except Exception as error:  # of the network, the disk or a library
            tried[url] = type(error).__name__
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
    x, y, x_test, y_test = (read_idx(fetch(folder, file)) for file in FILES[folder])
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
    fix = "Download it again."
    with (
        wrap_errors(who, "a complete tar archive", fix=fix),
        tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as archive,
    ):
        for member in archive:
            # A sparse member claims a size that the archive does not hold.
            file = archive.extractfile(member) if member.size <= len(raw) else None
            if file is not None:
                files[Path(member.name).name] = file.read()
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
        "download, 12 MB",
        "Handwritten digits, 28 x 28 gray pixels.",
        "Pixels 0..255. LeCun, Cortes, Burges 1998; CC BY-SA 3.0.",
        partial(load_idx_images, "mnist", tuple("0123456789")),
    ),
    DatasetInfo(
        "fashion_mnist",
        "10 classes",
        70_000,
        (28, 28),
        "download, 31 MB",
        "Photographs of clothes, 28 x 28 gray pixels.",
        "Pixels 0..255. Xiao, Rasul, Vollgraf 2017, Zalando; MIT license.",
        partial(load_idx_images, "fashion-mnist", FASHION_CLASSES),
    ),
    DatasetInfo(
        "cifar10",
        "10 classes",
        60_000,
        (32, 32, 3),
        "download, 170 MB",
        "Photographs of animals and vehicles, 32 x 32 color pixels.",
        "Pixels 0..255. Krizhevsky 2009; no license stated.",
        load_cifar_images,
    ),
)
