"""Keras's datasets on small files of the same form.

Oracle: Keras's own `load_data`, which reads the same files, and for each function one result worked
out by hand.
"""

import hashlib
import importlib
import io
import itertools
import json
import pickle
import tarfile

import numpy as np
import pytest

from glassnet import datasets as core
from glassnet import keras
from glassnet.datasets import downloads
from glassnet.datasets.remote_files import RemoteFile
from glassnet.errors import ArgumentError, ConfigError, DataError, DownloadError
from oracles import import_keras


def object_array(rows):
    array = np.empty(len(rows), object)
    array[:] = rows
    return array


def draw_texts(n, rng):
    return object_array([rng.geometric(0.05, length).tolist() for length in rng.integers(1, 12, n)])


@pytest.fixture
def files(tmp_path, home, monkeypatch):
    """Return a function that stores a small file of a dataset as if it were the published one."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))

    def store(folder, file, write, place=None):
        path = (place or home / folder) / file
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
        raw = path.read_bytes()
        checksum = RemoteFile(len(raw), hashlib.sha256(raw).hexdigest(), "test")
        monkeypatch.setitem(downloads.FILES[folder], file, checksum)
        monkeypatch.setitem(downloads.MIRRORS, folder, ())
        return path

    return store


@pytest.fixture
def imdb_file(files):
    rng = np.random.default_rng(0)
    arrays = {
        "x_train": draw_texts(30, rng),
        "y_train": rng.integers(0, 2, 30),
        "x_test": draw_texts(20, rng),
        "y_test": rng.integers(0, 2, 20),
    }
    return files("imdb", "imdb.npz", lambda path: np.savez(path, **arrays))


@pytest.fixture
def reuters_file(files):
    rng = np.random.default_rng(1)
    arrays = {"x": draw_texts(40, rng), "y": rng.integers(0, 46, 40)}
    return files("reuters", "reuters.npz", lambda path: np.savez(path, **arrays))


def live_load(name, path, monkeypatch, **options):
    """Return what Keras's own `load_data` makes of the same file."""
    import_keras()
    module = importlib.import_module(f"keras.src.datasets.{name}")
    monkeypatch.setattr(module, "get_file", lambda *args, **kwargs: str(path))
    return module.load_data(**options)


def check_same(ours, theirs):
    """Check that nested tuples of arrays are equal, with their types, shapes and elements' types."""
    for our_part, their_part in zip(ours, theirs, strict=True):
        for got, want in zip(our_part, their_part, strict=True):
            assert type(got) is type(want) is np.ndarray
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            assert got.tolist() == want.tolist()
            if got.dtype == object and got.ndim == 1:
                assert {type(row) for row in got} <= {list}
                assert {type(n) for row in got for n in row} <= {int}


OPTIONS = {
    "num_words": (None, 0, 10, 1000),
    "skip_top": (0, 6),
    "maxlen": (None, 8),
    "start_char": (1, None, 7),
    "oov_char": (2, None),
    "index_from": (3, 0, None),
    "seed": (113, 5),
}


def combinations():
    """Return all pairs of values of two options, and the options that are set."""
    for first, second in itertools.combinations(OPTIONS, 2):
        for values in itertools.product(OPTIONS[first], OPTIONS[second]):
            yield dict(zip((first, second), values, strict=True))


ALL = [
    options
    for options in combinations()
    # Keras cannot add None to a number.
    if not (options.get("index_from", 3) is None and options.get("start_char", 1) is not None)
]


@pytest.mark.live_keras
@pytest.mark.slow
def test_imdb_is_that_of_keras(imdb_file, monkeypatch):
    assert len(ALL) > 100
    for options in ALL:
        theirs = live_load("imdb", imdb_file, monkeypatch, **options)
        check_same(keras.datasets.imdb.load_data(**options), theirs)


@pytest.mark.live_keras
@pytest.mark.slow
def test_reuters_is_that_of_keras(reuters_file, monkeypatch):
    for options in [*ALL, *({"test_split": share} for share in (0, 0.2, 0.33, 0.99))]:
        theirs = live_load("reuters", reuters_file, monkeypatch, **options)
        check_same(keras.datasets.reuters.load_data(**options), theirs)


@pytest.mark.live_keras
@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tables_are_those_of_keras(files, monkeypatch, dtype):
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(700, 3)).astype(dtype), rng.normal(size=700).astype(dtype)
    for name in ("boston", "california"):
        path = files(
            f"{name}-housing", f"{name}_housing.npz", lambda path: np.savez(path, x=x, y=y)
        )
        versions = [{}] if name == "boston" else [{}, {"version": "small"}]
        for version, share, seed in itertools.product(versions, (0.2, 0, 0.333), (113, 1)):
            options = version | {"test_split": share, "seed": seed}
            theirs = live_load(f"{name}_housing", path, monkeypatch, **options)
            check_same(getattr(keras.datasets, f"{name}_housing").load_data(**options), theirs)


def cifar100_files(images, labels):
    """Return the files of both published versions: binary records, and Python's pickles."""
    records, pickles = {}, {}
    for name, rows in (("train", slice(0, 4)), ("test", slice(4, None))):
        planes = images[rows].transpose(0, 3, 1, 2).reshape(len(images[rows]), -1)
        records[f"{name}.bin"] = b"".join(
            bytes(label) + plane.tobytes()
            for label, plane in zip(labels[rows].tolist(), planes, strict=True)
        )
        pickles[name] = pickle.dumps(
            {
                b"data": planes,
                b"coarse_labels": labels[rows, 0].tolist(),
                b"fine_labels": labels[rows, 1].tolist(),
            },
            4,
        )
    records["fine_label_names.txt"] = "\n".join(f"class{i}" for i in range(100)).encode()
    return records, pickles


def write_tar(path, files):
    with tarfile.open(path, "w:gz") as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(f"cifar-100-binary/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))


@pytest.fixture
def cifar100(files):
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, (6, 32, 32, 3), np.uint8)
    labels = np.column_stack([rng.integers(0, 20, 6), rng.integers(0, 100, 6)])
    records, pickles = cifar100_files(images, labels)
    files("cifar-100", "cifar-100-binary.tar.gz", lambda path: write_tar(path, records))
    return images, labels, records, pickles


def test_cifar100(cifar100, home):
    """Oracle: the records, written in a loop over the images."""
    images, labels, records, _ = cifar100
    for mode, column in (("fine", 1), ("coarse", 0)):
        (x, y), (x_test, y_test) = keras.datasets.cifar100.load_data(label_mode=mode)
        np.testing.assert_array_equal(np.concatenate([x, x_test]), images)
        assert (len(x), x.dtype, y.dtype, y.shape) == (4, np.uint8, np.int64, (4, 1))
        np.testing.assert_array_equal(np.concatenate([y, y_test])[:, 0], labels[:, column])
    data = core.load("cifar100")
    np.testing.assert_array_equal(data.x, images[:4])
    np.testing.assert_array_equal(data.y_test, labels[4:, 1])
    assert data.class_names[99] == "class99"
    assert data.task == "100 classes"
    with pytest.raises(ConfigError, match=r"cifar100.load_data: .*label_mode to be .fine. or .coa"):
        keras.datasets.cifar100.load_data("medium")

    path = home / "cifar-100" / "cifar-100-binary.tar.gz"
    for name, raw, words in (
        (
            "train.bin",
            b"\x14" + bytes(3073),
            r"labels 0..19. Received: largest=20. Is this CIFAR-100",
        ),
        (
            "test.bin",
            b"\x00\x64" + bytes(3072),
            r"labels 0..99. Received: largest=100. Is this CIF",
        ),
        ("test.bin", bytes(3073), r"files test\*.bin of complete records of 3074 bytes"),
        (
            "fine_label_names.txt",
            b"one two",
            "fine_label_names.txt of 100 names. Received: names=2",
        ),
    ):
        write_tar(path, records | {name: raw})
        with pytest.raises(DataError, match=words):
            keras.datasets.cifar100.load_data()


@pytest.mark.live_keras
@pytest.mark.slow
@pytest.mark.parametrize("mode", ["fine", "coarse"])
def test_cifar100_is_that_of_keras(cifar100, tmp_path, monkeypatch, mode):
    folder = tmp_path / "extracted" / "cifar-100-python"
    folder.mkdir(parents=True)
    for name, raw in cifar100[3].items():
        (folder / name).write_bytes(raw)
    theirs = live_load("cifar100", folder.parent, monkeypatch, label_mode=mode)
    check_same(keras.datasets.cifar100.load_data(mode), theirs)


def test_imdb_by_hand(files):
    """With one row in each part, there is nothing to shuffle.

    index_from=3 makes (1, 2, 50) to (4, 5, 53), and start_char=1 comes first. num_words=50 and
    skip_top=5 leave 5 only; all others become 2. By default, the largest number, 53, becomes 2.
    """
    arrays = {
        "x_train": object_array([[1, 2, 50]]),
        "y_train": np.array([1]),
        "x_test": object_array([[7]]),
        "y_test": np.array([0]),
    }
    files("imdb", "imdb.npz", lambda path: np.savez(path, **arrays))
    load = keras.datasets.imdb.load_data
    (x, y), (x_test, y_test) = load()
    assert (x.tolist(), y.tolist()) == ([[1, 4, 5, 2]], [1])
    assert (x_test.tolist(), y_test.tolist()) == ([[1, 10]], [0])
    assert load(num_words=50, skip_top=5)[0][0].tolist() == [[2, 2, 5, 2]]
    assert load(num_words=50, oov_char=None)[0][0].tolist() == [[1, 4, 5]]
    assert load(start_char=None, index_from=0, num_words=99)[0][0].tolist() == [[1, 2, 50]]
    assert load("imdb.npz", 99)[1][0].tolist() == [[1, 10]]


def test_arguments_out_of_range(imdb_file, reuters_file):
    load = keras.datasets.imdb.load_data
    with pytest.raises(ConfigError, match=r"imdb.load_data: expected a maxlen above .* maxlen=2"):
        load(maxlen=2)
    with pytest.raises(ConfigError, match=r"reuters.load_data: expected a maxlen above"):
        keras.datasets.reuters.load_data(maxlen=1)
    for options in ({"num_words": "10"}, {"skip_top": -1}, {"maxlen": 2.5}, {"seed": -1}):
        with pytest.raises(ConfigError, match=f"imdb.load_data: expected {next(iter(options))} to"):
            load(**options)
    with pytest.raises(ArgumentError, match=r"'nb_words'. Did you mean 'num_words'"):
        load(nb_words=10)
    for share in (1, -0.1, "0.2", float("nan")):
        with pytest.raises(ConfigError, match="test_split from 0 to below 1"):
            keras.datasets.reuters.load_data(test_split=share)
        with pytest.raises(ConfigError, match=r"boston_housing.load_data: expected test_split"):
            keras.datasets.boston_housing.load_data(test_split=share)
    with pytest.raises(
        ConfigError, match=r"version to be .small. or .large.. Received: version='b"
    ):
        keras.datasets.california_housing.load_data("big")
    with pytest.raises(ConfigError, match=r"boston_housing.load_data: expected seed to be None or"):
        keras.datasets.boston_housing.load_data(seed=1.5)


def test_other_arrays_are_refused(files):
    def save(**arrays):
        return lambda path: np.savez(path, **arrays)

    files("reuters", "reuters.npz", save(x=np.ones((2, 3)), y=np.ones(2)))
    with pytest.raises(DataError, match="expected texts as lists of integers, and as many labels"):
        keras.datasets.reuters.load_data()
    files("reuters", "reuters.npz", save(x=object_array([[1], [2]]), y=np.ones(3)))
    with pytest.raises(DataError, match="expected texts as lists of integers, and as many labels"):
        keras.datasets.reuters.load_data()
    for arrays in ({"x": np.ones(2), "y": np.ones(2)}, {"x": np.ones((2, 2)), "y": np.ones(3)}):
        files("boston-housing", "boston_housing.npz", save(**arrays))
        with pytest.raises(DataError, match=r"boston_housing.load_data: expected rows and as many"):
            keras.datasets.boston_housing.load_data()


@pytest.mark.parametrize("name", ["imdb", "reuters"])
def test_word_index(files, name):
    index = {"the": 1, "film": 2, "größe": 3}
    text = json.dumps(index)
    files(name, f"{name}_word_index.json", lambda path: path.write_text(text, encoding="utf-8"))
    module = getattr(keras.datasets, name)
    assert module.get_word_index() == index
    for text in ("[1]", '{"the": "1"}', "{", "[" * 10**5):
        files(name, f"{name}_word_index.json", lambda path, text=text: path.write_text(text))
        with pytest.raises(DataError, match="expected a JSON object of words and their numbers"):
            module.get_word_index()


@pytest.mark.live_keras
@pytest.mark.slow
def test_label_names_are_those_of_keras():
    names = keras.datasets.reuters.get_label_names()
    assert names == import_keras().datasets.reuters.get_label_names()
    assert len(names) == 46


def save_rows(path):
    np.savez(path, x=np.arange(20.0).reshape(10, 2), y=np.arange(10.0))


def test_a_file_in_the_folder_of_keras_is_used(files, home, tmp_path):
    load = keras.datasets.boston_housing.load_data
    place = tmp_path / "keras" / "datasets"
    path = files("boston-housing", "boston_housing.npz", save_rows, place)
    assert load()[0][0].shape == (8, 2)
    assert not (home / "boston-housing").exists()

    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(DownloadError, match=r"boston_housing.npz on this machine") as caught:
        load()
    assert f"put it at {home / 'boston-housing' / 'boston_housing.npz'}" in str(caught.value)


def test_another_file_is_replaced_or_refused(files, home, server, monkeypatch):
    """Keras downloads a file again if its checksum is wrong."""
    load = keras.datasets.boston_housing.load_data
    folder, address = server
    served = files("boston-housing", "boston_housing.npz", save_rows, folder)
    path = home / "boston-housing" / "boston_housing.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"another file")
    with pytest.raises(DownloadError, match="has another size or checksum: replace it"):
        load()
    assert path.read_bytes() == b"another file"

    monkeypatch.setitem(downloads.MIRRORS, "boston-housing", (address,))
    assert load()[1][0].shape == (2, 2)
    assert path.read_bytes() == served.read_bytes()


def test_path_names_the_file(files, home, server, monkeypatch):
    load = keras.datasets.california_housing.load_data
    folder, address = server
    files("california-housing", "california_housing.npz", save_rows, folder)
    monkeypatch.setitem(downloads.MIRRORS, "california-housing", (address,))
    assert load(path="own.npz", test_split=0.5)[0][0].shape == (5, 2)
    assert [path.name for path in (home / "california-housing").iterdir()] == ["own.npz"]
    for path in ("a/own.npz", "/own.npz", "..", "", 5, "a\0b"):
        with pytest.raises(ConfigError, match="load_data: expected path to be the name of a file"):
            load(path=path)


def test_md5_is_checked(files, home, monkeypatch):
    """Only the MD5 of the word indices is published."""
    path = files("imdb", "imdb_word_index.json", lambda path: path.write_text('{"a": 1}'))
    raw = path.read_bytes()
    right = RemoteFile(len(raw), "", "test", md5=hashlib.md5(raw).hexdigest())
    monkeypatch.setitem(downloads.FILES["imdb"], "imdb_word_index.json", right)
    assert keras.datasets.imdb.get_word_index() == {"a": 1}
    path.write_text('{"a": 2}')
    with pytest.raises(DownloadError, match="has another size or checksum"):
        keras.datasets.imdb.get_word_index()
