"""Tests of broken and unusual tables. Oracle: the text that was written, pandas, or the message."""

import csv
import datetime as dt
import decimal
import random

import numpy as np
import pandas as pd
import pytest
from test_table import to_lists, written

import glassnet as gn
from glassnet.data.csv_reader import ROWS_PER_TRANSPOSE
from glassnet.data.parsing import (
    NA_VALUES,
    format_exact,
    loses_precision,
    matching_date_formats,
    parse_float,
)
from glassnet.data.table import read_table, split_target
from glassnet.errors import DataError

pytestmark = pytest.mark.usefixtures("csv_library")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a;b;c\n1,5;2,5;3,5\n1,7;2,9;3,1\n", {"a": [1.5, 1.7], "b": [2.5, 2.9], "c": [3.5, 3.1]}),
        ("a\tb\n1,5\t2,5\n2,5\t3,5\n", {"a": [1.5, 2.5], "b": [2.5, 3.5]}),
        ('a, b\n1, "x, y"\n2, "z"\n', {"a": [1, 2], "b": ["x, y", "z"]}),
        ("a,b,\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\n1,2\n,\n3,4\n,\n\n\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b\r1,2\r3,4\r", {"a": [1, 3], "b": [2, 4]}),
        ("id,b\n1_000,2\n12_34,3\n", {"id": ["1_000", "12_34"], "b": [2, 3]}),
        (
            "a,b\n9007199254740993,2\n9007199254740992,3\n",
            {"a": ["9007199254740993", "9007199254740992"], "b": [2, 3]},
        ),
        ("a,b\n9007199254740992,2\n100000000000000000000,3\n", {"a": [2.0**53, 1e20], "b": [2, 3]}),
        ('\ufeff"größe","naïve col"\n1,2\n', {"größe": [1], "naïve col": [2]}),
        ('a,b\n5" pipe,2\n"6"" pipe",3\n', {"a": ['5" pipe', '6" pipe'], "b": [2, 3]}),
        ("a,b\n2024-13-45,1\n2024-01-01,2\n", {"a": ["2024-13-45", "2024-01-01"], "b": [1, 2]}),
        ("a,b\nyes,1\nno,2\n,3\n", {"a": ["yes", "no", None], "b": [1, 2, 3]}),
        ("a,b\n 1.5 ,+2\n-3e2,.5\n", {"a": [1.5, -300], "b": [2, 0.5]}),
        ("a\n1\n2\n", {"a": [1, 2]}),
        ("a,b\n1,x\n", {"a": [1], "b": ["x"]}),
        ('a,b\n"1,5",2\n"1,234",3\n', {"a": ["1,5", "1,234"], "b": [2, 3]}),
        (
            "name;city, country\nA;Rome\nB;Oslo\n",
            {"name": ["A", "B"], "city, country": ["Rome", "Oslo"]},
        ),
    ],
)
def test_what_a_file_says(tmp_path, text, wanted):
    assert to_lists(read_table(written(tmp_path, text))) == wanted


@pytest.mark.parametrize(
    "moment", ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00+02:00", "2024-02-29 12:00:00.000-0530"]
)
def test_moments_are_those_of_the_clock_in_their_zone(tmp_path, moment):
    assert read_table(written(tmp_path, f"a,b\n{moment},1\n"))["a"].tolist() == [
        dt.datetime(2024, 2, 29, 12)
    ]


@pytest.mark.parametrize(
    ("text", "guess"),
    [
        ("a,b\n1,2\n,\n3,4\n", "rows without any value, left out: 1"),
        ("a,b,\n1,2,\n", "a column without a name is empty: left out"),
        ("22,male\n38,female\n", "the first line was read as column names, including '22'"),
        ("a;b\n1,5;x\n", "a: the comma was read as the decimal sign"),
    ],
)
def test_guesses_are_said(tmp_path, text, guess):
    assert read_table(written(tmp_path, text)).messages[1:] == (guess,)


def test_files_of_other_kinds(tmp_path):
    with pytest.raises(
        DataError,
        match=r"expected a text file\. .* UTF-16 without a byte order mark, or not text\. Save it as UTF-8",
    ):
        read_table(written(tmp_path, "a,b\n1,2\n", encoding="utf-16-le"))
    assert to_lists(read_table(written(tmp_path, "naïve,b\nÿ,1\n", encoding="latin-1"))) == {
        "naïve": ["ÿ"],
        "b": [1],
    }
    pytest.importorskip("pyarrow")
    with pytest.raises(
        DataError, match=r"table: expected a valid \.parquet file\. Received: path="
    ):
        read_table(written(tmp_path, "a,b\n1,2\n", "t.parquet"))


def drawn(rng, n):
    """Return columns of every kind, with missing values, as the text of a file."""
    words = ["plain", 'quo"ted', "with, comma", "two\nlines", "ümlaut", "semi;colon", "NA?"]
    return {
        "whole": rng.integers(-99, 99, n).astype(str).tolist(),
        "float, real": list(
            map(repr, (rng.normal(size=n) * 10.0 ** rng.integers(-9, 9, n)).tolist())
        ),
        "word": rng.choice(words, n).tolist(),
        "gaps": [repr(x) if x > 0 else "" for x in rng.normal(size=n).tolist()],
        "truth": rng.choice(["True", "False"], n).tolist(),
    }


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_what_csv_and_pandas_write_comes_back(tmp_path, seed, delimiter):
    """Oracle: the values that were written, for row counts around `ROWS_PER_TRANSPOSE`."""
    n = ROWS_PER_TRANSPOSE * (seed % 3) + [1, 7, 0][seed % 3]
    columns = drawn(np.random.default_rng(seed), n)
    with (tmp_path / "t.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(
            file,
            delimiter=delimiter,
            lineterminator=["\n", "\r\n"][seed % 2],
            quoting=[csv.QUOTE_MINIMAL, csv.QUOTE_ALL][seed % 2],
        )
        writer.writerows([list(columns), *zip(*columns.values(), strict=True)])
    pd.DataFrame(columns).to_csv(tmp_path / "p.csv", sep=delimiter, index=False)
    for name in ("t.csv", "p.csv"):
        table = read_table(tmp_path / name)
        assert len(table) == n
        np.testing.assert_array_equal(table["whole"], np.array(columns["whole"], float))
        np.testing.assert_array_equal(table["float, real"], np.array(columns["float, real"], float))
        np.testing.assert_array_equal(table["gaps"], [float(x or "nan") for x in columns["gaps"]])
        assert table["word"].tolist() == columns["word"]
        np.testing.assert_array_equal(table["truth"], [x == "True" for x in columns["truth"]])


def test_fewer_rows_of_a_file_say_what_they_say(tmp_path):
    """A column with one cell of text is text, and its other rows are numbers; in frames, text."""
    table = read_table(
        written(tmp_path, "age;day;code\n22,5;2024-01-01;01\n38;soon;x\nunknown;2024-01-03;02\n")
    )
    assert table["age"].tolist() == ["22,5", "38", "unknown"]
    assert table.take([0, 1])["age"].tolist() == [22.5, 38]
    assert table.drop("code").take(np.array([True, False, True]))["day"].dtype.kind == "M"
    assert read_table(pd.DataFrame({"a": ["1", "x"]})).take([0])["a"].tolist() == ["1"]


def test_a_column_that_was_replaced_stays_text_if_rows_are_selected(tmp_path):
    """Oracle: the cells; other columns are parsed again."""
    table = read_table(written(tmp_path, "n,kind\n1,1\n2,2\nx,x\n"))
    table = table.replace_column("kind", table["kind"])
    for part in (table.take([0, 1]), table.take([0, 1, 2]).take([0, 1])):
        assert to_lists(part) == {"n": [1, 2], "kind": ["1", "2"]}
    assert table.drop("n").take([0, 1])["kind"].tolist() == ["1", "2"]


FRAMES = {
    "zones": (
        pd.to_datetime(["2024-01-01 23:30"]).tz_localize("America/New_York"),
        [dt.datetime(2024, 1, 1, 23, 30)],
    ),
    "durations": (pd.to_timedelta(["1h", None]), [3600, np.nan]),
    "big": (pd.array([2**53 + 1, None], "Int64"), ["9007199254740993", None]),
    "arrow text": (pd.array(["x", None], "string"), ["x", None]),
    "days": ([dt.date(2024, 1, 1), None], [dt.datetime(2024, 1, 1), None]),
    "NA": (np.array(["x", pd.NA], object), ["x", None]),
    "decimals": ([decimal.Decimal("1.5"), None], [1.5, np.nan]),
    "nothing": ([None, None], [None, None]),
    "words that look blank": ([" NA ", "x", "None", "", None], ["NA", "x", "None", "", None]),
    "truths and numbers": (np.array([True, 2, None], object), [1, 2, np.nan]),
    "numbers and text": (np.array([1.0, "x", 2.5, 10**6], object), ["1", "x", "2.5", "1000000"]),
    "ordered": (pd.Categorical(["lo", "hi"], ["lo", "hi"], ordered=True), ["lo", "hi"]),
    "sparse": (pd.arrays.SparseArray([0, 0, 1]), [0, 0, 1]),
}


@pytest.mark.parametrize(("values", "wanted"), FRAMES.values(), ids=FRAMES)
def test_columns_of_pandas(values, wanted):
    np.testing.assert_array_equal(read_table(pd.DataFrame({"a": values}))["a"].tolist(), wanted)


def test_columns_of_polars_and_arrow():
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    moment = dt.datetime(2024, 1, 1, 23, 30)
    frame = pl.DataFrame(
        {
            "level": pl.Series(["x", None], dtype=pl.Categorical),
            "enum": pl.Series(["u", "v"], dtype=pl.Enum(["u", "v"])),
            "decimal": [decimal.Decimal("1.5"), None],
            "day": [dt.date(2024, 1, 1), None],
            "length": [dt.timedelta(hours=1), None],
            "zone": pl.Series([moment, None]).dt.replace_time_zone("America/New_York"),
            "big": pl.Series([2**63 + 1, None], dtype=pl.UInt64),
            "nan": [float("nan"), None],
        }
    )
    (batch,) = frame.to_arrow().combine_chunks().to_batches()
    for source in (frame, frame.to_arrow(), batch):
        table = read_table(source)
        assert (table["level"].tolist(), table["enum"].tolist()) == (["x", None], ["u", "v"])
        np.testing.assert_array_equal(table["decimal"], [1.5, np.nan])
        np.testing.assert_array_equal(table["length"], [3600, np.nan])
        assert table["day"].tolist() == [dt.datetime(2024, 1, 1), None]
        assert table["zone"].tolist() == [moment, None]
        assert table["big"].tolist() == ["9223372036854775809", None]
        assert np.isnan(table["nan"]).all()
    same = read_table(
        pa.table({"a": [1, 2], "b": [1, 2], "c": pa.array(["x", "x"]).dictionary_encode()})
    )
    assert to_lists(same) == {"a": [1, 2], "b": [1, 2], "c": ["x", "x"]}
    with pytest.raises(
        DataError, match=r"Received: received='LazyFrame'\. Write frame\.collect\(\)"
    ):
        read_table(frame.lazy())
    for column in ([[1], [2]], [{"x": 1}, {"x": 2}], [b"x", b"y"], [dt.time(1), None]):
        with pytest.raises(
            DataError,
            match=r"column 'a'\. Received: type='\w+', example=.* Make columns of its contents, or drop it",
        ):
            read_table(pl.DataFrame({"a": column}))


def test_frames_that_are_none_and_what_an_index_holds():
    with pytest.raises(
        DataError,
        match=r"expected columns with one level of names\. Received: levels=2\. Join the levels: frame\.columns = ",
    ):
        read_table(
            pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("b", "y")]))
        )
    with pytest.raises(
        DataError,
        match=r"Received: received='Series'\. Write series\.to_frame\(\); or, for one row of a frame, frame\.iloc",
    ):
        read_table(pd.Series([1, 2], name="a"))
    with pytest.raises(DataError, match=r"Name the columns: pandas\.DataFrame"):
        read_table(np.ones((2, 2)))
    numbers = pd.DataFrame({"a": [1, 2]})
    message = "the frame's index%s is left out; frame.reset_index() makes a column of it"
    assert read_table(numbers.set_index(pd.Index([5, 5], name="pid"))).messages == (
        message % " pid",
    )
    assert read_table(numbers.set_index(pd.date_range("2024", periods=2))).messages == (
        message % "",
    )
    assert (
        read_table(numbers.set_index(pd.Index([7, 7]))).messages
        == read_table(numbers).messages
        == ()
    )
    graded = read_table(pd.DataFrame({"grade": pd.Categorical([3, 1])}))
    assert graded.messages == (
        'grade: a categorical column of numbers, read as numbers; column_types={"grade": "category"} reads it as categories',
    )
    assert split_target(graded.replace_column("x", np.ones(2)), "grade").messages == ()


def test_what_text_says():
    assert [parse_float(text) for text in ("1", "-2.5e3", "inf")] == [1, -2500, np.inf]
    assert np.isnan([parse_float(text) for text in ("1_0", "x", "1,5", "")]).all()
    assert [format_exact(x) for x in (1.0, 1234567.0, 0.1, -3.0, 1e300)] == [
        "1",
        "1234567",
        "0.1",
        "-3",
        "1e+300",
    ]
    assert [loses_precision([text]) for text in (str(2**53 + 1), str(2**53), "1" * 15, "0.1234567890123456789", "-" + str(2**53 + 1))] == [
        True, False, False, False, True,
    ]  # fmt: skip
    assert not any(text in NA_VALUES for text in ("0", "no", "no value"))
    assert matching_date_formats(["29.02.2024", "1.3.2024"]) == ["%d.%m.%Y"]
    assert matching_date_formats(["1/2/2024", "3/4/2024"]) == ["%d/%m/%Y", "%m/%d/%Y"]
    assert matching_date_formats(["1/13/2024", "3/4/2024"]) == ["%m/%d/%Y"]
    assert matching_date_formats(["3 May 2024", "14 May 2024"]) == ["%d %b %Y"]
    assert matching_date_formats(["3 May 2024 13:05"]) == ["%d %b %Y %H:%M"]
    assert matching_date_formats(["2024", "x1"]) == matching_date_formats([]) == []


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\xff\xfea\x00,\x00b\x00\n\x001\x00,\x002", "text in utf-16, .*byte=14.*truncated data"),
        (b"\xfe\xff\x00a\x00,\x00b\x00\n\x001\x00,\xd8", "text in utf-16, .*truncated data"),
        (b"\xef\xbb\xbfa,b\n1,\xff\n", "text in utf-8-sig, .*invalid start byte.*Save it as UTF-8"),
    ],
)
def test_files_that_are_cut_or_damaged_behind_their_byte_order_mark(tmp_path, raw, text):
    path = tmp_path / "t.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=f"t.csv: expected {text}"):
        read_table(path)


@pytest.mark.parametrize("source", ["a,b\n1,2\n" * 2000, "x" * 5000, "a\0b", "x" * 5000 + ".csv"])
def test_text_instead_of_a_path(source):
    """The text of a CSV file is longer than a path may be."""
    model = gn.Sequential([gn.layers.Dense(1)])
    for read in (read_table, lambda source: model.fit(source, target="b", verbose=0)):
        with pytest.raises(DataError, match=r"table: expected a file that (ends in \.csv|exists)"):
            read(source)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ({"a": [10**5000, "x"]}, "column 'a': expected values that can be written as text"),
        ({"a": ["x", "\ud800"]}, "expected text that UTF-8 can write. .*Repair it"),
        (
            {"a": np.array(["x", "\ud800", 3], object)},
            "expected text that UTF-8 can write. .*Repair it",
        ),
        ({"\udfff": ["x", "y"]}, "expected text that UTF-8 can write"),
    ],
)
def test_text_that_no_file_can_hold(frame, expected):
    with pytest.raises(DataError, match=expected):
        read_table(frame)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("t.xlsx", r'pandas\.read_excel\("t\.xlsx"\)'),
        ("t.ODS", r'pandas\.read_excel\("t\.ODS"\)'),
        ("t.dta", r"pandas\.read_stata"),
        ("t.csv.gz", "compressed: unpack it first"),
    ],
)
def test_files_that_pandas_reads_are_named(tmp_path, name, advice):
    """The message says how to read them, whether they exist or not."""
    with pytest.raises(DataError, match=f"a file that ends in .csv.*{advice}"):
        read_table(tmp_path / name)


def test_files_that_may_not_be_read(tmp_path, monkeypatch):
    path = written(tmp_path, "a,b\n1,2\n")

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "read_bytes", refuse)
    with pytest.raises(DataError, match=r"a file that can be read.*Permission denied"):
        read_table(path)


@pytest.mark.parametrize("suffix", [".parquet", ".feather"])
def test_damaged_files_of_frames_raise_data_errors_alone(tmp_path, suffix):
    """Oracle: a relation. Each damaged file is read or refused; any other error fails."""
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", None], "day": pd.to_datetime(["2024"] * 2)})
    path, r = tmp_path / f"t{suffix}", random.Random(0)
    (frame.to_parquet if suffix == ".parquet" else frame.to_feather)(path)
    raw, refused = path.read_bytes(), 0
    for _ in range(150):
        damaged = bytearray(raw)
        for _ in range(r.choice([1, 3])):
            damaged[r.randrange(len(raw))] = r.randrange(256)
        path.write_bytes(damaged[: r.choice([len(raw), len(raw), r.randrange(len(raw))])])
        try:
            read_table(path)
        except DataError:
            refused += 1
    assert refused > 50


@pytest.mark.parametrize("row", [{"a": 10**400}, {"a": [1, 10**400]}, {"a": 10**5000}])
def test_integers_beyond_float64(row):
    with pytest.raises(DataError, match="column 'a': expected numbers that float64 can hold"):
        read_table(row)
