"""Datasets that are downloaded once, verified by checksum and then read from this machine."""

from __future__ import annotations

import contextlib
import io
import os
import tarfile
from collections.abc import Sequence
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
    "cifar-100": ("https://www.cs.toronto.edu/~kriz/",),
    **dict.fromkeys(
        ("imdb", "reuters", "boston-housing", "california-housing"),
        ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/",),
    ),
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
KERAS_SET = "checksum: Keras, datasets/*.py; size: the progress line of Keras's download"
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
    "cifar-100": {
        # The author states the MD5, 03b5dce01913d631647c71ecec9e9cb8. Keras reads another archive.
        "cifar-100-binary.tar.gz": RemoteFile(
            168_513_733,
            "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
            TFDS,
        ),
    },
    "imdb": {
        "imdb.npz": RemoteFile(
            17_464_789,
            "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
            KERAS_SET,
        ),
        "imdb_word_index.json": RemoteFile(
            1_641_221, "", KERAS_SET, md5="bfafd718b763782e994055a2d397834f"
        ),
    },
    "reuters": {
        "reuters.npz": RemoteFile(
            2_110_848,
            "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916",
            KERAS_SET,
        ),
        "reuters_word_index.json": RemoteFile(
            550_378, "", KERAS_SET, md5="4d44cc38712099c9e383dc6e5f11a921"
        ),
    },
    "boston-housing": {
        "boston_housing.npz": RemoteFile(
            57_026,
            "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
            KERAS_SET,
        ),
    },
    "california-housing": {
        "california_housing.npz": RemoteFile(
            743_530,
            "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
            KERAS_SET,
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
    path = local_path(folder, file)
    return path if os.path.isfile(path) else _download(folder, file, path)


def fetch_verified(folder: str, file: str, name: str = "", copies: Sequence[Path] = ()) -> Path:
    """Return the path of a file with the size and checksum in `FILES`, downloaded if needed.

    Args:
        folder: a key of `FILES`.
        file: a key of `FILES[folder]`.
        name: name of the file on this machine; "" for `file`.
        copies: other places where the file may be.

    Raises:
        DownloadError: no address delivered the right file. The message says where to put which
            file.
    """
    path = local_path(folder, name or file)
    right = (each for each in (path, *copies) if FILES[folder][file].matches(each))
    return next(right, None) or _download(folder, file, path)


def local_path(folder: str, file: str) -> Path:
    """Return where a file is stored: in $GLASSNET_DATA_HOME, or else in the user's cache."""
    home = Path(os.environ.get("GLASSNET_DATA_HOME") or user_cache_folder()).expanduser()
    return home / folder / file


def _download(folder: str, file: str, path: Path) -> Path:
    """Download a file from the first address that delivers it. A wrong one there is replaced."""
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
        f"or set GLASSNET_DATA_HOME to a folder that contains {folder}/{path.name}."
    )
    if os.path.isfile(path):
        fix = f"The file at {path} has another size or checksum: replace it."
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


def load_cifar10(rng: np.random.Generator) -> DatasetFields:
    """Load color images and labels from the binary version of CIFAR-10.

    Shapes:
        x (n, 32, 32, 3) uint8 in the order red, green, blue. y (n,).
    """
    files = read_cifar_archive(fetch("cifar-10", "cifar-10-binary.tar.gz"))
    (x, y), (x_test, y_test) = (
        read_cifar_records(files, prefix, (10,)) for prefix in ("data_batch", "test_batch")
    )
    return x, y[:, 0], x_test, y_test[:, 0], (), CIFAR_CLASSES


def load_cifar100(rng: np.random.Generator) -> DatasetFields:
    """Load color images and labels from the binary version of CIFAR-100.

    Shapes:
        x (n, 32, 32, 3) uint8 in the order red, green, blue. y (n,), the fine labels.
    """
    (x, y), (x_test, y_test), class_names = read_cifar100()
    return x, y[:, 1], x_test, y_test[:, 1], (), class_names


def read_cifar100() -> tuple[tuple[Array, Array], tuple[Array, Array], tuple[str, ...]]:
    """Return the training images and labels of CIFAR-100, the test ones, and the class names.

    Shapes:
        images (n, 32, 32, 3); labels (n, 2): one of 20 coarse classes, one of 100 fine classes.

    Raises:
        DataError: the archive is damaged, or does not contain CIFAR-100.
    """
    path = fetch("cifar-100", "cifar-100-binary.tar.gz")
    files = read_cifar_archive(path)
    train, test = (read_cifar_records(files, prefix, (20, 100)) for prefix in ("train", "test"))
    names = files.get("fine_label_names.txt", b"").decode("ascii", "replace").split()
    expected = "a file fine_label_names.txt of 100 names"
    who, fix = f"read_cifar100({str(path)!r})", "Download it again."
    require(len(names) == 100, who, expected, error=DataError, names=len(names), fix=fix)
    return train, test, tuple(names)


def read_cifar_archive(path: Path) -> dict[str, bytes]:
    """Return the files of a tar archive by name.

    Raises:
        DataError: the archive is damaged.
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
    return files


def read_cifar_records(
    files: dict[str, bytes], prefix: str, n_classes: Sequence[int]
) -> tuple[Array, Array]:
    """Return images and labels from the files whose names begin with `prefix`.

    A record is the labels, one byte each, then 32 x 32 red, green and blue values, row by row.

    Args:
        files: contents by name.
        prefix: start of the names, as in "data_batch".
        n_classes: the number of classes of each label of a record.

    Raises:
        DataError: the files hold anything but complete records of these classes.

    Source: A. Krizhevsky, "The CIFAR-10 dataset", section "Binary version".
    """
    who, size, n_labels = "read_cifar", 3072 + len(n_classes), len(n_classes)
    raw = b"".join(files[name] for name in sorted(files) if name.startswith(prefix))
    require(
        raw and len(raw) % size == 0,
        who,
        f"files {prefix}*.bin of complete records of {size} bytes",
        error=DataError,
        fix="Download it again.",
        files=sorted(files),
        bytes=len(raw),
    )
    records = np.frombuffer(raw, np.uint8).reshape(-1, size)
    labels = records[:, :n_labels].astype(np.int64)
    for column, n in zip(labels.T, n_classes, strict=True):
        largest, fix = int(column.max()), f"Is this CIFAR-{n_classes[-1]}?"
        expected = f"labels 0..{n - 1}"
        require(largest < n, who, expected, error=DataError, fix=fix, largest=largest)
    images = records[:, n_labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels


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
        load_cifar10,
    ),
    DatasetInfo(
        "cifar100",
        "100 classes",
        60_000,
        (32, 32, 3),
        "download, 169 MB",
        "Photographs of 100 kinds of things, 32 x 32 color pixels.",
        "Pixels 0..255. Krizhevsky 2009; no license stated.",
        load_cifar100,
    ),
)
