"""Tables and arrays of the user. Oracles: the files and arrays that the tests write, and the readers
of the library.
"""

import doctest
import io

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.data.images import Images
from glassnet.errors import ConfigError, DataError
from glassnet.studio_app import own_data as module
from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.own_data import own_data, read_upload
from glassnet.studio_app.settings import DataSettings

X = np.arange(12.0).reshape(4, 3)
Y = [0, 1, 1, 0]


def test_example():
    assert doctest.testmod(module).failed == 0


def test_a_file_is_read_as_read_table_reads_it(tmp_path):
    """Oracle: `read_table` of the same bytes, with its messages."""
    raw = "größe;gewicht;art\n1,5;2;a\n2,5;;b\n".encode("cp1252")
    path = tmp_path / "maße.csv"
    path.write_bytes(raw)
    table = gn.data.read_table(path)
    own = read_upload("maße.csv", raw, "art")
    assert (own.name, own.target) == ("maße.csv", "art")
    line = "table = gn.data.read_table('maße.csv')  # the file that you opened"
    assert own.code == (line,)
    assert own.messages == table.messages
    assert any("cp1252" in text for text in own.messages)
    for name, column in table.columns.items():
        np.testing.assert_array_equal(own.rows[name], column)


def test_digits_with_zeros_are_classes_and_categories():
    """Oracle: the texts of the file."""
    rows = [
        f"{['01067', '10115'][i % 2]},{i % 5}.5,{['001', '007'][i // 2 % 2]}" for i in range(40)
    ]
    own = read_upload("t.csv", ("zip,x,kind\n" + "\n".join(rows) + "\n").encode())
    assert own.messages[-1] == "zip, kind: read as text, to keep leading zeros (such as '01067')"
    data = make_data(DataSettings("own", target="kind"), own)
    assert data.class_names == ("001", "007")
    described = {column.name: (column.kind, column.detail) for column in data.columns}
    assert described["zip"] == ("category", "01067, 10115")


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_frames_in_files(suffix):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.5, 2.5], "kind": ["x", "y"]})
    buffer = io.BytesIO()
    (frame.to_parquet if suffix == ".parquet" else frame.to_feather)(buffer)
    own = read_upload(f"file{suffix}", buffer.getvalue())
    assert own.rows["a"].tolist() == [1.5, 2.5]


def test_real_tables(shared_data):
    """Oracle: the rows and columns that the files are known to have."""
    for folder, file, target, n, kind in (
        ("titanic", "titanic.csv", "survived", 891, ("0", "1")),
        ("house-prices", "train.csv", "SalePrice", 1460, ()),
    ):
        own = read_upload(file, (shared_data / folder / file).read_bytes())
        data = make_data(DataSettings("own", target=target), own)
        assert data.n_train + data.n_test == n
        assert data.class_names == kind
        assert data.kind == "table"


@pytest.mark.parametrize(
    ("name", "raw", "text"),
    [
        ("a.xlsx", b"PK", r"a file that ends in .csv, .tsv, .txt, .parquet.*name='a.xlsx'"),
        ("a.xlsx", b"PK", "Save the sheet as CSV: in Excel, File, Save As, CSV UTF-8"),
        ("a.json", b"[]", "Save the table as CSV with the program that wrote it"),
        ("a.csv.gz", b"\x1f\x8b", "It is compressed: unpack it first"),
        ("../a.exe", b"MZ", "name='a.exe'"),
        ("a.csv", b"PK\3\4zip", "It is a ZIP or Excel file under another name"),
        ("a.csv", b"a\n1\n2\n", r"at least two columns: an input and the target.*columns=\['a'\]"),
        ("a.csv", b"a,b\n1,2,3\n", "2 cells in every row"),
        ("a.csv", b"<html>", "It is a web page"),
        ("a.csv", b"\0\1\2", "zero bytes"),
        ("a.csv", b"", "a.csv"),
        ("a.parquet", b"PAR1", "a valid .parquet file"),
    ],
)
def test_files_that_are_refused(name, raw, text):
    with pytest.raises(DataError, match=text):
        read_upload(name, raw)


def test_files_that_are_too_large(monkeypatch):
    monkeypatch.setattr(module, "MAX_UPLOAD_BYTES", 2 * 10**6)
    with pytest.raises(DataError, match=r"at most 2 MB. Received: bytes=2000001. Use a part of"):
        read_upload("a.csv", b"x" * 2_000_001)


def test_too_many_columns(monkeypatch):
    monkeypatch.setattr(module, "MAX_COLUMNS", 2)
    with pytest.raises(DataError, match=r"at most 2 columns. Received: columns=3. Leave columns"):
        read_upload("a.csv", b"a,b,c\n1,2,3\n")
    with pytest.raises(DataError, match=r"at most 2 columns. Received: columns=3"):
        own_data(X, Y)


def test_a_reader_that_is_not_installed(monkeypatch):
    """Oracle: the error of pandas without pyarrow."""

    def fail(source):
        raise ImportError("no pyarrow")

    monkeypatch.setattr(pd, "read_parquet", fail)
    with pytest.raises(DataError, match=r"expected pyarrow, which reads .parquet files.*pip inst"):
        read_upload("a.parquet", b"PAR1")


def test_a_target_that_does_not_exist():
    with pytest.raises(ConfigError, match=r"target: expected one of a, b. .*name='c'"):
        read_upload("a.csv", b"a,b\n1,2\n3,4\n", "c")


@pytest.mark.parametrize(
    ("y", "classes", "codes"),
    [
        ([0, 1, 1, 0], ("0", "1"), [0, 1, 1, 0]),
        ([0, 2, 2, 0], ("0", "1", "2"), [0, 2, 2, 0]),
        ([0.0, 1.0, 1.0, 0.0], ("0", "1"), [0, 1, 1, 0]),
        ([[0], [1], [1], [0]], ("0", "1"), [0, 1, 1, 0]),
        ([True, False, False, True], ("False", "True"), [1, 0, 0, 1]),
        (["dog", "cat", "cat", "dog"], ("cat", "dog"), [1, 0, 0, 1]),
        ([[0, 1], [1, 0], [1, 0], [0, 1]], ("0", "1"), [1, 0, 0, 1]),
        ([0.5, 1.5, 2.5, 3.5], (), [0.5, 1.5, 2.5, 3.5]),
        ([0.0, 2.0, 5.0, 7.0], (), [0.0, 2.0, 5.0, 7.0]),
        ([-1, 1, 1, -1], (), [-1, 1, 1, -1]),
        ([0, 2, 2, 200], (), [0, 2, 2, 200]),
    ],
)
def test_targets_are_classes_or_numbers(y, classes, codes):
    own = own_data(X, y, validation_data=(X, y))
    assert own.class_names == classes
    assert own.rows[1].tolist() == own.validation[1].tolist() == codes
    assert own.rows[0].dtype == np.float32


@pytest.mark.parametrize(
    ("y", "n_classes"),
    [(np.arange(20) * 4, 77), (np.arange(21) * 4, 0), (np.arange(26), 26)],
)
def test_many_integers_are_classes_if_none_is_missing(y, n_classes):
    """Oracle: the rule: at most 20 different integers, or each one up to the largest."""
    assert len(own_data(y[:, None], y).class_names) == n_classes


def test_columns_of_a_frame_keep_their_names():
    frame = pd.DataFrame({"age": [1, 2, 3, 4], "height": [1.5, 2, 3, 4]})
    assert own_data(frame, Y).feature_names == ("age", "height")
    assert own_data(X, Y).feature_names == ("x1", "x2", "x3")
    assert own_data([1, 2, 3, 4], Y).rows[0].shape == (4, 1)
    table = own_data(frame, target="age", name="people")
    assert (table.name, table.target) == ("people", "age")


def test_a_path_is_a_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n1,x\n2,y\n")
    own = own_data(path, target="b", validation_data=path)
    assert own.name == "a.csv"
    assert own_data(str(path)).code == (f"table = gn.data.read_table({str(path)!r})",)
    assert len(own.validation) == 2


def test_images_stay_bytes():
    pixels = np.arange(4 * 5 * 5, dtype=np.uint8).reshape(4, 5, 5)
    data = make_data(DataSettings("own", test_share=0), own_data(pixels, Y))
    assert (data.kind, data.image_shape) == ("images", (5, 5))
    assert data.x.dtype == np.uint8
    images = Images(pixels[..., None], np.array(Y), ("a", "b"), ())
    own = own_data(images, validation_data=images)
    assert own.class_names == ("a", "b")
    assert own.validation[0].shape == (4, 5, 5, 1)
    assert make_data(DataSettings("own"), own).kind == "images"
    series = make_data(DataSettings("own", test_share=0), own_data(np.zeros((4, 7, 2)), Y))
    assert (series.kind, series.columns) == ("other", ())


def test_data_that_are_not_in_memory(tmp_path):
    rows = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", shape=(4, 3))
    fix = r"numpy.array\(x\[:10_000\]\)"
    with pytest.raises(DataError, match=rf"data in memory.*x='a memory map'. .*{fix}"):
        own_data(rows, Y)
    for stream in (iter([(X, Y)]), lambda: iter([(X, Y)]), object()):
        with pytest.raises(DataError, match=r"data in memory: the studio goes back and forth"):
            own_data(stream)


@pytest.mark.parametrize(
    ("x", "y", "options", "text"),
    [
        (X, None, {}, "targets y for the rows of x. Received: y=None. Pass x and y."),
        (X, [0, 1], {}, r"one target per row, and at least two rows. Received: x=\(4, 3\), y=\(2,"),
        (X[:1], [0], {}, "at least two rows"),
        ([[1], [1, 2]], Y, {}, "rows of equal length"),
        ([["a"], ["b"]], [0, 1], {}, r"expected numbers. .*Pass a table with the target"),
        (X * np.nan, Y, {}, "finite numbers. .*Leave rows with missing values out"),
        (X, [[1.5, 2.0]] * 4, {}, "one target per row, or one-hot labels.*Train with one of"),
        (X, [0.5, np.nan, 1.0, 2.0], {}, "finite targets"),
        (X, ["a"] * 4, {}, "2 to 100 classes. Received: classes=1"),
        (X, Y, {"validation_data": 3}, r"validation_data as \(x, y\). Received: .*'int'"),
        (X, Y, {"validation_data": (X[:, :2], Y)}, r"test rows of shape \(3,\), as the training"),
        (X, list("abab"), {"validation_data": (X, list("abac"))}, "classes of the training rows"),
    ],
)
def test_arrays_that_are_refused(x, y, options, text):
    with pytest.raises(DataError, match=text):
        own_data(x, y, **options)
