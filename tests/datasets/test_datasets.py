"""Tests of the dataset catalogue and of downloads."""

import doctest
import gzip
import hashlib
import http.server
import io
import re
import struct
import subprocess
import sys
import tarfile
from dataclasses import replace

import numpy as np
import pytest

from glassnet import datasets
from glassnet.data import dataset
from glassnet.datasets import downloads, reviews
from glassnet.datasets.remote_files import RemoteFile
from glassnet.errors import ConfigError, DataError, DownloadError

LOCAL = [entry.name for entry in datasets.describe() if not entry.source.startswith("download")]
DRAWN = [
    "plane",
    "circles",
    "moons",
    "spiral",
    "blobs",
    "xor_points",
    "gaussians",
    "pets",
    "valley",
]


@pytest.mark.parametrize("module", [dataset, datasets])
def test_examples(module):
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", LOCAL)
def test_catalogue_tells_the_truth(name):
    """Oracle: the loaded arrays."""
    entry, data = datasets.CATALOGUE[name], datasets.load(name)
    (x, y), (x_test, y_test) = data
    same_rows = name in ("and", "or", "xor")
    assert entry.rows == len(x) + len(x_test) * (not same_rows)
    assert x.shape == (len(y), *entry.shape)
    assert x_test.shape == (len(y_test), *entry.shape)
    assert entry.task == data.task
    assert data.description.startswith(entry.about)
    if name == "reviews":
        assert x.dtype.kind == x_test.dtype.kind == "U"
    else:
        assert x.dtype == x_test.dtype == ("uint8" if name == "digits" else "float32")
    assert y.dtype == y_test.dtype == ("int64" if data.class_names else "float32")
    if data.class_names:
        assert set(y) == set(y_test) == set(range(len(data.class_names)))
    if x.ndim == 2:
        assert len(data.feature_names) == x.shape[1]


@pytest.mark.parametrize("seed", range(20))
def test_line_has_the_losses_of_the_lecture(seed):
    """Oracle: lectures 000 and 004. With r = y - (8 x + 3), m = mean(x r) and s = mean(x^2):

    (8, 3): mean(r^2)                = 599.41
    (7, 3): mean(r^2) + 2 m + s      = 599.41 + 2 * 34.2775 + 35.195 = 703.16
    (9, 3): mean(r^2) - 2 m + s      = 599.41 - 2 * 34.2775 + 35.195 = 566.05
    """
    data = datasets.load("line", seed=seed)
    x, y = data.x[:, 0].astype(float), data.y.astype(float)
    losses = [np.mean((y - w * x - 3) ** 2) for w in (8, 7, 9)]
    np.testing.assert_allclose(losses, [599.41, 703.16, 566.05], atol=1e-3)
    slope, intercept = np.polyfit(x, y, 1)
    assert intercept == pytest.approx(-20, abs=1e-4)  # the best line is far from b = 3
    assert 10 < slope < 14


@pytest.mark.parametrize(
    ("name", "gate"), [("and", min), ("or", max), ("xor", lambda row: int(row[0] != row[1]))]
)
def test_gates(name, gate):
    """Oracle: Python's own min, max and !=."""
    for x, y in datasets.load(name):
        assert x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
        assert y.tolist() == [gate(row) for row in x.tolist()]


def test_plane_is_the_neuron_of_the_lecture():
    """Oracle: least squares finds w0 = 1, W = (3, -2) of lecture 002; the residual is the noise."""
    for noise in (0.0, 0.7):
        (x, y), _ = datasets.load("plane", n=2000, noise=noise)
        columns = np.column_stack([np.ones(len(x)), x])
        weights = np.linalg.lstsq(columns, y)[0]
        np.testing.assert_allclose(weights, [1, 3, -2], atol=1e-5 + 0.1 * noise)
        assert np.std(y - columns @ weights) == pytest.approx(noise, abs=1e-5 + 0.05 * noise)


def test_formulas_without_noise():
    """Oracle: the equation of each class."""
    (x, y), _ = datasets.load("circles", noise=0)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y == 0, 1, 0.5), rtol=1e-6)

    (x, y), _ = datasets.load("moons", noise=0)
    np.testing.assert_allclose(np.hypot(*(x[y == 0] - [0, 0]).T), 1, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*(x[y == 1] - [1, 0.5]).T), 1, rtol=1e-6)
    assert x[y == 0, 1].min() >= 0
    assert x[y == 1, 1].max() <= 0.5

    (x, y), _ = datasets.load("spiral", noise=0)
    r = np.hypot(*x.T)
    turned_back = (x[:, 0] + 1j * x[:, 1]) * np.exp(-1j * (4 * r + 2 * np.pi * y / 3))
    np.testing.assert_allclose(turned_back, r, atol=1e-6)
    assert 0.1 <= r.min() < 0.15
    assert 0.95 < r.max() < 1

    (x, y), _ = datasets.load("blobs", noise=0)
    np.testing.assert_allclose(x[y == 0], np.tile([0, 1], (np.sum(y == 0), 1)), atol=1e-6)
    np.testing.assert_allclose(
        x[y == 1], np.tile([-np.sqrt(3) / 2, -0.5], (np.sum(y == 1), 1)), atol=1e-6
    )
    np.testing.assert_allclose(
        x[y == 2], np.tile([np.sqrt(3) / 2, -0.5], (np.sum(y == 2), 1)), atol=1e-6
    )


def test_xor_points_are_in_four_squares():
    """Oracle: XOR of the signs; no point is nearer than 0.1 to an axis."""
    (x, y), (x_test, y_test) = datasets.load("xor_points", noise=0)
    np.testing.assert_array_equal(y, (x[:, 0] > 0) != (x[:, 1] > 0))
    np.testing.assert_array_equal(y_test, (x_test[:, 0] > 0) != (x_test[:, 1] > 0))
    assert 0.1 <= np.abs(x).min() < 0.15
    assert 0.95 < np.abs(x).max() < 1
    quadrants = np.bincount((x[:, 0] > 0) * 2 + (x[:, 1] > 0))
    assert quadrants.min() > 80


def test_gaussians_overlap_as_stated():
    """Oracle: the means, and the normal distribution: Phi(-sqrt(2) / 0.6) = 0.0092."""
    (x, y), _ = datasets.load("gaussians", n=20_000)
    for label, mean in ((0, -1), (1, 1)):
        np.testing.assert_allclose(x[y == label].mean(0), mean, atol=0.03)
    assert np.mean((x.sum(1) > 0) != y) == pytest.approx(0.0092, abs=0.002)


def test_pets_have_the_stated_sizes():
    """Oracle: the numbers of the docstring."""
    (x, y), _ = datasets.load("pets", n=5000, noise=0.5)
    for label, mean in ((0, (0.25, 4500)), (1, (0.4, 9000))):
        np.testing.assert_allclose(x[y == label].mean(0), mean, rtol=0.01)
        np.testing.assert_allclose(x[y == label].std(0), (0.02, 600), rtol=0.05)


def test_valley_is_a_plane_with_curvatures_one_to_a_hundred():
    """Oracle: least squares finds (2, 1); the second derivatives are 2 mean(x^2)."""
    (x, y), _ = datasets.load("valley", n=5000)
    np.testing.assert_allclose(np.linalg.lstsq(x, y)[0], (2, 1), atol=0.05)
    assert np.mean(x[:, 1] ** 2) / np.mean(x[:, 0] ** 2) == pytest.approx(100, rel=0.05)
    assert np.std(y - x @ (2, 1)) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("name", ["circles", "moons", "spiral", "blobs", "xor_points", "gaussians"])
def test_noise_is_the_standard_deviation(name):
    """Oracle: the same seed without noise. The clean points are drawn before the noise."""
    (x, _), _ = datasets.load(name, n=2000, noise=0.2)
    (clean, _), _ = datasets.load(name, n=2000, noise=0)
    assert np.std(x - clean, axis=0) == pytest.approx(0.2, rel=0.1)


@pytest.mark.parametrize("name", DRAWN)
def test_n_counts_training_and_test_rows(name):
    data = datasets.load(name, n=101)
    assert (len(data.x), len(data.x_test)) == (81, 20)
    if data.class_names:
        assert np.ptp(np.bincount(data.y)) <= 1 + 1  # balanced, up to the rounding of both parts


@pytest.mark.parametrize("name", [name for name in LOCAL if name not in ("and", "or", "xor")])
def test_seed_decides(name):
    """Oracle: a relation. The same seed gives the same rows, another seed others."""
    first, same, other = (datasets.load(name, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.x, same.x)
    np.testing.assert_array_equal(first.y_test, same.y_test)
    assert not np.array_equal(first.x_test, other.x_test)


@pytest.mark.parametrize("name", ["digits", "iris", "wine", "breast_cancer", "diabetes"])
def test_bundled_rows_keep_their_labels(name):
    """Oracle: scikit-learn's arrays. Training and test rows together are its (row, label) pairs."""
    from sklearn import datasets as sklearn_datasets

    options = {"scaled": False} if name == "diabetes" else {}
    bunch = getattr(sklearn_datasets, f"load_{name}")(**options)
    data = datasets.load(name, seed=3)
    flat = [np.column_stack([x.reshape(len(x), -1), y]) for x, y in data]
    theirs = np.column_stack([bunch.data, bunch.target]).astype(np.float32)
    assert sorted(np.concatenate(flat).astype(np.float32).tolist()) == sorted(theirs.tolist())
    if data.class_names:
        shares = np.bincount(data.y_test) / np.bincount(bunch.target)
        np.testing.assert_allclose(shares, 0.2, atol=1 / np.bincount(bunch.target).min())


def test_iris_words():
    data = datasets.load("iris")
    assert data.class_names == ("setosa", "versicolor", "virginica")
    assert data.feature_names[0] == "sepal length (cm)"
    assert "Centimeters" in data.description
    assert (
        repr(data) == "Dataset('iris', x=(120, 4) float32, y=(120,) int64, test rows=30, 3 classes)"
    )


@pytest.mark.parametrize("seed", range(3))
def test_reviews_are_pairs_of_the_same_words(seed):
    """Oracle: sorted words.

    The subjects and endings of the test rows do not occur in the training rows.
    """
    data = datasets.load("reviews", seed=seed)
    for x, y in data:
        assert y.tolist() == [0, 1] * (len(x) // 2)
        for pan, praise in zip(x[::2], x[1::2], strict=True):
            pan_words, praise_words = (
                sorted(re.sub(r"[.,:]", "", text).split()) for text in (pan, praise)
            )
            assert pan_words == praise_words
            assert pan != praise
    train_words, test_words = (
        {word for text in x for word in re.sub(r"[.,:]", "", text).split()} for x, _ in data
    )
    deciding = " ".join(
        (*reviews.POSITIVE_WORDS, *reviews.NEGATIVE_WORDS, *reviews.DENIALS, *reviews.MIDDLES)
    )
    assert set(deciding.replace(",", "").split()) <= train_words | {"{}", "{claim}", "{denial}"}
    assert len(test_words & set(reviews.SUBJECTS)) == 4
    assert not test_words & train_words & set(reviews.SUBJECTS)
    assert not any(
        f" {ending}." in text
        for ending in reviews.ENDINGS[1:]
        if f" {ending}." in " ".join(data.x_test)
        for text in data.x
    )


def test_unknown_name_and_options():
    with pytest.raises(
        ConfigError,
        match=r"datasets.load: expected one of line, .*name='fashion-mnist'. Did you mean 'fashion_mnist'",
    ):
        datasets.load("fashion-mnist")
    with pytest.raises(
        ConfigError,
        match=r"load\('moons'\): expected no options except seed, n, noise. Received: rows=5",
    ):
        datasets.load("moons", rows=5)
    with pytest.raises(
        ConfigError, match=r"load\('xor'\): expected no options except seed. Received: n=5"
    ):
        datasets.load("xor", n=5)
    with pytest.raises(
        ConfigError, match=r"load\('iris'\): expected no options except seed. Received: loader='x'"
    ):
        datasets.load("iris", loader="x")
    with pytest.raises(ConfigError, match=r"seed to be an int >= 0. Received: seed=-1"):
        datasets.load("xor", seed=-1)


@pytest.mark.parametrize("name", DRAWN)
def test_options_out_of_range(name):
    with pytest.raises(
        ConfigError, match=name + r": expected n to be an int >= 10 .*Received: n=9"
    ):
        datasets.load(name, n=9)
    with pytest.raises(
        ConfigError, match=name + r": expected noise to be a number >= 0 .*Received: noise=-1"
    ):
        datasets.load(name, noise=-1)


def test_describe_loads_nothing():
    """Oracle: sys.modules of a fresh process."""
    code = (
        "import sys; from glassnet import datasets; print(len(datasets.describe()) == len(datasets.names()),"
        "{'sklearn', 'pooch', 'matplotlib', 'jax'} & set(sys.modules))"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "True set()\n"
    )


@pytest.mark.parametrize(
    ("name", "rows"), [("mnist", (8000, 2000)), ("fashion_mnist", (3000, 615))]
)
def test_real_images(shared_data, name, rows):
    """Oracle: shared/data/README.md."""
    data = datasets.load(name)
    assert (len(data.x), len(data.x_test)) == rows
    assert data.x.shape[1:] == datasets.CATALOGUE[name].shape
    assert data.x.dtype == data.x_test.dtype == np.uint8
    assert data.y.dtype == np.int64
    assert (data.x.min(), data.x.max()) == (0, 255)
    assert set(data.y) == set(data.y_test) == set(range(10))
    assert len(data.class_names) == 10


# Downloads: a local server replaces the mirrors, and tiny files the published ones.


def idx_bytes(array):
    return gzip.compress(
        struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
    )


def small_mnist(folder, labels=(3, 1, 4)):
    """Write four tiny files under the official names and return their checksums."""
    folder.mkdir(exist_ok=True, parents=True)
    images = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
    checksums = {}
    for file in downloads.FILES["mnist"]:
        raw = idx_bytes(images if "images" in file else np.array(labels, np.uint8))
        (folder / file).write_bytes(raw)
        checksums[file] = RemoteFile(len(raw), hashlib.sha256(raw).hexdigest(), "test")
    return checksums


def test_download_then_read_from_disk(server, home, monkeypatch):
    folder, address = server
    monkeypatch.setitem(downloads.FILES, "mnist", small_mnist(folder))
    monkeypatch.setitem(
        downloads.MIRRORS, "mnist", (address + "gone/", address)
    )  # the first mirror answers 404
    data = datasets.load("mnist")
    assert data.y.tolist() == [3, 1, 4]
    assert data.x.shape == (3, 28, 28)
    assert sorted(path.name for path in (home / "mnist").iterdir()) == sorted(
        downloads.FILES["mnist"]
    )

    monkeypatch.setitem(downloads.MIRRORS, "mnist", ())
    assert datasets.load("mnist").y_test.tolist() == [3, 1, 4]


def test_wrong_checksum_leaves_nothing(server, home, monkeypatch):
    """The right names and sizes with other contents than published."""
    folder, address = server
    files = small_mnist(folder)
    others = {name: replace(file, sha256="0" * 64) for name, file in files.items()}
    monkeypatch.setitem(downloads.FILES, "mnist", others)
    monkeypatch.setitem(downloads.MIRRORS, "mnist", (address,))
    with pytest.raises(
        DownloadError,
        match=r"tried=\{'http://127.*/train-images-idx3-ubyte.gz': 'wrong checksum'\}",
    ):
        datasets.load("mnist")
    assert not (home / "mnist").exists()


def test_interrupted_download_leaves_nothing(server, home, monkeypatch):
    """The server announces the right size and sends fewer bytes."""
    folder, address = server
    files = small_mnist(folder)
    longer = {name: replace(file, size=file.size + 9) for name, file in files.items()}
    monkeypatch.setitem(downloads.FILES, "mnist", longer)
    monkeypatch.setitem(downloads.MIRRORS, "mnist", (address,))
    handler = http.server.SimpleHTTPRequestHandler
    send_header = handler.send_header
    monkeypatch.setattr(
        handler,
        "send_header",
        lambda self, key, value: send_header(
            self, key, str(int(value) + 9) if key == "Content-Length" else value
        ),
    )
    with pytest.raises(DownloadError, match=r"ubyte.gz': 'it ended after \d+ of \d+ bytes'"):
        datasets.load("mnist")
    assert not (home / "mnist").exists()


def test_unreachable_says_which_file_to_put_where(home, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setitem(downloads.MIRRORS, "cifar-10", ("http://127.0.0.1:1/",))
    expected = (
        r"cifar-10: expected cifar-10-binary.tar.gz on this machine or at one of its addresses. "
        r"Received: tried=\{'http://127.0.0.1:1/cifar-10-binary.tar.gz': 'ConnectionError'\}. "
        rf"Download the file in another way and put it at {re.escape(str(home))}/cifar-10/cifar-10-binary.tar.gz, or set GLASSNET_DATA_HOME"
    )
    with pytest.raises(DownloadError, match=expected):
        datasets.load("cifar10")


def test_home_that_cannot_be_written(server, tmp_path, monkeypatch):
    folder, address = server
    monkeypatch.setitem(downloads.FILES, "mnist", small_mnist(folder))
    monkeypatch.setitem(downloads.MIRRORS, "mnist", (address,))
    (tmp_path / "file").touch()
    monkeypatch.setenv("GLASSNET_DATA_HOME", str(tmp_path / "file"))
    with pytest.raises(
        DownloadError, match=r"train-images-idx3-ubyte.gz': '(NotADirectoryError|FileExistsError)'"
    ):
        datasets.load("mnist")


def test_read_only_home_is_read(home):
    small_mnist(home / "mnist")
    (home / "mnist").chmod(0o555)
    home.chmod(0o555)
    try:
        assert datasets.load("mnist").y.tolist() == [3, 1, 4]
    finally:
        home.chmod(0o755)
        (home / "mnist").chmod(0o755)


def test_images_and_labels_must_match(home):
    small_mnist(home / "mnist", labels=(3, 1))
    with pytest.raises(
        DataError,
        match=r"mnist: expected images .* n labels. Received: images=\(3, 28, 28\), labels=\(2,\). Do the",
    ):
        datasets.load("mnist")


def small_cifar(folder, files):
    folder.mkdir(parents=True)
    with tarfile.open(folder / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))


def cifar_record(label, image):
    return bytes([label]) + b"".join(image[:, :, channel].tobytes() for channel in range(3))


def test_cifar_records(home):
    """Oracle: records written channel by channel in a Python loop, in a shuffled archive."""
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    first, second, test = (
        cifar_record(label, image) for label, image in zip((9, 0, 5), images, strict=True)
    )
    small_cifar(
        home / "cifar-10",
        {
            "test_batch.bin": test,
            "data_batch_2.bin": second,
            "data_batch_1.bin": first,
            "readme.html": b"hi",
        },
    )
    data = datasets.load("cifar10")
    np.testing.assert_array_equal(data.x, images[:2])
    np.testing.assert_array_equal(data.x_test, images[2:])
    assert data.y.tolist() == [9, 0]
    assert data.y_test.tolist() == [5]
    assert data.class_names[9] == "truck"
    assert (data.x.dtype, data.y.dtype) == (np.uint8, np.int64)


@pytest.mark.parametrize(
    ("files", "match"),
    [
        (
            {"data_batch_1.bin": b"x" * 3073},
            r"labels 0..9. Received: largest=120. Is this CIFAR-10",
        ),
        (
            {"data_batch_1.bin": bytes(3000)},
            r"files data_batch\*.bin of complete records of 3073 bytes. .*bytes=3000. Download it again",
        ),
        (
            {"data_batch_1.bin": bytes(3073)},
            r"files test_batch\*.bin of complete records .*files=\['data_batch_1.bin'\], bytes=0",
        ),
    ],
)
def test_cifar_damaged_contents(home, files, match):
    small_cifar(home / "cifar-10", files)
    with pytest.raises(DataError, match=match):
        datasets.load("cifar10")


def test_cifar_damaged_archive(home):
    small_cifar(home / "cifar-10", {"data_batch_1.bin": np.random.default_rng(0).bytes(3073 * 20)})
    path = home / "cifar-10" / "cifar-10-binary.tar.gz"
    complete = path.read_bytes()
    for damaged in (
        complete[: len(complete) // 2],
        complete[:30_000] + bytes(9) + complete[30_009:],
    ):
        path.write_bytes(damaged)
        with pytest.raises(
            DataError,
            match=r"read_cifar\(.*\): expected a complete gzip file. Received: .*damaged: download it again",
        ):
            datasets.load("cifar10")
    for damaged in (b"no archive", gzip.decompress(complete)[:20_000]):
        path.write_bytes(damaged)
        with pytest.raises(
            DataError,
            match=r"read_cifar\(.*\): expected a complete tar archive. Received: problem='.+'. Download it again",
        ):
            datasets.load("cifar10")
