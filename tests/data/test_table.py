"""Tests of tables from files and frames. Oracle: the text that was written, and pandas."""

import numpy as np
import pandas as pd
import pytest

from glassnet.data import table as table_module
from glassnet.data.table import Table, read_table
from glassnet.errors import ConfigError, DataError

pytestmark = pytest.mark.usefixtures("csv_library")

PLAIN = "name,age,fare,member\nAnna,22,7.25,true\nBo,,8,false\n"


def written(tmp_path, text, name="t.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def to_lists(table):
    return {name: column.tolist() for name, column in table.columns.items()}


def test_a_csv_in_columns(tmp_path):
    table = read_table(written(tmp_path, PLAIN))
    assert list(table.columns) == ["name", "age", "fare", "member"]
    assert table["name"].tolist() == ["Anna", "Bo"]
    np.testing.assert_array_equal(table["age"], [22, np.nan])
    np.testing.assert_array_equal(table["fare"], [7.25, 8])
    assert table["member"].dtype == bool
    assert len(table) == 2
    assert table.messages == ("t.csv: 2 rows, 4 columns, separated by commas",)


@pytest.mark.parametrize(
    ("delimiter", "word"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")]
)
def test_delimiters_are_told(tmp_path, delimiter, word):
    table = read_table(
        written(tmp_path, PLAIN.replace(",", delimiter), "t.tsv" if delimiter == "\t" else "t.csv")
    )
    assert to_lists(table)["name"] == ["Anna", "Bo"]
    assert f"separated by {word}" in table.messages[0]


def test_a_delimiter_inside_text_does_not_mislead(tmp_path):
    table = read_table(written(tmp_path, 'a;b\n"x,y;z";1\n"p,q,r";2\n'))
    assert to_lists(table) == {"a": ["x,y;z", "p,q,r"], "b": [1, 2]}


def test_decimal_commas_after_semicolons(tmp_path):
    assert to_lists(read_table(written(tmp_path, "a;b\n1,5;x\n-2;y\n"))) == {
        "a": [1.5, -2],
        "b": ["x", "y"],
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings(tmp_path, encoding):
    table = read_table(written(tmp_path, "stadt,n\nKöln,1\nMálaga,2\n", encoding=encoding))
    assert to_lists(table) == {"stadt": ["Köln", "Málaga"], "n": [1, 2]}
    assert any("cp1252" in line for line in table.messages) == (encoding == "cp1252")


def test_gaps_days_and_truths(tmp_path):
    table = read_table(
        written(
            tmp_path,
            "day,flag,gap,text\n2024-02-29,True,NA,a\n,,nan,\n2024-03-01 13:05,False,?,b\n",
        )
    )
    np.testing.assert_array_equal(
        table["day"], np.array(["2024-02-29", "NaT", "2024-03-01T13:05"], "datetime64[s]")
    )
    np.testing.assert_array_equal(table["flag"], [1, np.nan, 0])
    assert np.isnan(table["gap"]).all()
    assert table["text"].tolist() == ["a", None, "b"]


def test_a_column_that_only_counts_is_left_out(tmp_path):
    path = tmp_path / "index.csv"
    pd.DataFrame({"a": [3.0, 4.0]}).to_csv(path)
    table = read_table(path)
    assert to_lists(table) == {"a": [3, 4]}
    assert table.messages[-1] == "the column without a name counts the rows: left out"


def test_quoted_lines_and_blank_ones(tmp_path):
    assert to_lists(read_table(written(tmp_path, 'a,b\n"two\nlines",1\n\n  ,\nx,2\n'))) == {
        "a": ["two\nlines", "x"],
        "b": [1, 2],
    }


@pytest.mark.parametrize(
    "name", ["titanic/titanic.csv", "house-prices/train.csv", "flights/flights.csv"]
)
def test_real_tables_as_pandas_reads_them(shared_data, name):
    """Oracle: pandas. Numbers are missing as NA, so None, which is a kind of masonry, is text."""
    table = read_table(shared_data / name)
    frame = pd.read_csv(shared_data / name, keep_default_na=False, na_values=["", "NA"])
    assert list(table.columns) == list(frame.columns)
    for column in frame:
        if pd.api.types.is_numeric_dtype(frame[column]):
            np.testing.assert_array_equal(table[column], frame[column].to_numpy(float))
        else:
            assert table[column].tolist() == [
                None if value != value else value.strip() for value in frame[column].astype(object)
            ]


def test_a_frame_and_its_file_are_the_same(tmp_path):
    frame = pd.read_csv(written(tmp_path, PLAIN))
    for name, column in read_table(frame).columns.items():
        np.testing.assert_array_equal(column, read_table(written(tmp_path, PLAIN))[name])


def test_frames_of_every_kind_of_column():
    frame = pd.DataFrame(
        {
            "whole": pd.array([1, None, 3], "Int64"),
            "truth": pd.array([True, None, False], "boolean"),
            "plain": [True, False, True],
            "level": pd.Categorical(["u", None, "u"]),
            "mixed": ["x", 3, None],
            "day": pd.to_datetime(["2020-01-01 00:00", None, "2021-01-01 12:00"]),
            7: [1.5, np.nan, 2.0],
        }
    )
    table = read_table(frame)
    np.testing.assert_array_equal(table["whole"], [1, np.nan, 3])
    np.testing.assert_array_equal(table["truth"], [1, np.nan, 0])
    assert table["plain"].dtype == bool
    assert table["level"].tolist() == ["u", None, "u"]
    assert table["mixed"].tolist() == ["x", "3", None]
    np.testing.assert_array_equal(
        table["day"], np.array(["2020-01-01", "NaT", "2021-01-01T12"], "datetime64[s]")
    )
    np.testing.assert_array_equal(table["7"], [1.5, np.nan, 2])


def test_polars_and_arrow():
    frame = pytest.importorskip("polars").DataFrame(
        {"a": [1, None, 3], "b": ["x", None, "y"], "c": [True, False, None]}
    )
    pytest.importorskip("pyarrow")
    for source in (frame, frame.to_arrow()):
        table = read_table(source)
        np.testing.assert_array_equal(table["a"], [1, np.nan, 3])
        assert table["b"].tolist() == ["x", None, "y"]
        np.testing.assert_array_equal(table["c"], [1, 0, np.nan])


def test_parquet(tmp_path):
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": ["x", None]})
    for suffix, write in ((".parquet", frame.to_parquet), (".feather", frame.to_feather)):
        write(tmp_path / f"t{suffix}")
        table = read_table(tmp_path / f"t{suffix}")
        np.testing.assert_array_equal(table["a"], [1.5, np.nan])
        assert table["b"].tolist() == ["x", None]


def test_rows_and_columns_of_a_table():
    table = Table({"a": np.arange(3.0), "b": np.array(["x", "y", "z"], object)})
    assert to_lists(table.take([2, 0])) == {"a": [2, 0], "b": ["z", "x"]}
    assert list(table.drop("a").columns) == ["b"]
    assert read_table(table) is table
    with pytest.raises(
        ConfigError,
        match=r"table: column: expected one of a, b. Received: name='aa'. Did you mean 'a'",
    ):
        table["aa"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "t.csv: expected a table. Received: characters=0. The file is empty."),
        ("a,b\n", "t.csv: expected rows below the header. Received: rows=0."),
        ("# by me\n\n", "t.csv: expected rows below the header. Received: rows=0."),
        ("# by me\r\r\r\t", "t.csv: expected rows below the header. Received: rows=0."),
        (
            "a,b\n1,2\n3\n",
            "t.csv: expected 2 cells in every row, as in the header. Received: line=3, cells=1, first_cell='3'.",
        ),
        (
            "a,b\n1,2,3\n",
            "expected 2 cells in every row, as in the header. Received: line=2, cells=3",
        ),
        (
            "1,2\n3,4\n",
            "t.csv: expected a first line of column names. Received: first_line=['1', '2']. Write the names",
        ),
        (
            "a,b,a\n1,2,3\n",
            "t.csv: expected a unique name for each column. Received: duplicates=['a'].",
        ),
        (
            "a,,c\n1,x,3\n",
            "t.csv: expected a name for every column. Received: column=2. Name every column",
        ),
        (
            'a,b\n1,2\n"x,1\ny,2\nz,3\n',
            "a closing quote for each opening one. Received: line=3, text='\"x,1', lines_swallowed=3.",
        ),
        ('a,b\n"x,1\ny,2\n', "A closing quote is missing."),
        (
            'a,b\n"two\nlines",2\n1,2,3\n',
            "Received: line=4, cells=3, first_cell='1'. Put quotes around a cell that contains the delimiter.",
        ),
        (
            "a,b\n" + "x" * 200_000 + ",1\n",
            "t.csv: expected cells of text. Received: line=2, problem='field larger than field limit",
        ),
        ("a, a\n1,2\n", "duplicates=['a']. Rename or delete one of them."),
        ("\n\n  \n", "t.csv: expected a table. Received: characters=5. The file is empty."),
    ],
)
def test_what_wrong_files_are_told(tmp_path, text, expected):
    with pytest.raises(DataError) as caught:
        read_table(written(tmp_path, text))
    assert expected in str(caught.value)


def test_what_cannot_be_read_at_all(tmp_path):
    written(tmp_path, PLAIN, "titanic.csv")
    with pytest.raises(
        DataError,
        match=r"expected a file that exists. Received: path='.*titanik.csv'. Did you mean 'titanic.csv'\?",
    ):
        read_table(tmp_path / "titanik.csv")
    with pytest.raises(
        DataError,
        match=r"expected a file that ends in .csv, .tsv, .txt, .parquet, .feather, .arrow",
    ):
        read_table(tmp_path / "t.xlsx")
    (tmp_path / "binary.csv").write_bytes(b"ab\0\3" * 9)
    with pytest.raises(DataError, match=r"expected a text file.*zero bytes"):
        read_table(tmp_path / "binary.csv")
    with pytest.raises(
        DataError,
        match=r"expected a path, or a frame of pandas, polars or Arrow. Received: received='int'",
    ):
        read_table(3)
    with pytest.raises(
        DataError, match=r"table: expected a unique name for each column. Received: duplicates="
    ):
        read_table(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(DataError, match=r"expected rows and columns"):
        read_table(pd.DataFrame({"a": []}))
    with pytest.raises(
        DataError,
        match=r"expected numbers, text, booleans or dates in column 'a'. Received: type='list'",
    ):
        read_table(pd.DataFrame({"a": [[1], [2]]}))


def test_plain_dicts_are_tables():
    """Oracle: a relation. Columns, rows and one row give the same table."""
    rows = [{"age": 22, "sex": "m"}, {"age": None, "sex": "f"}]
    for table in (read_table(rows), read_table({"age": [22, None], "sex": ["m", "f"]})):
        np.testing.assert_array_equal(table["age"], [22, np.nan])
        assert table["sex"].tolist() == ["m", "f"]
    assert read_table(rows[0])["age"].tolist() == [22.0]
    with pytest.raises(
        DataError,
        match=r"table: expected columns of equal length\. Received: problem='All arrays must be of the same",
    ):
        read_table({"age": [1, 2], "sex": ["m"]})


def test_numbers_and_truths_that_a_frame_holds_as_objects():
    frame = pd.DataFrame(
        {"n": np.array([1, 2.5, None], object), "t": np.array([True, False, True], object)}
    )
    table = read_table(frame)
    np.testing.assert_array_equal(table["n"], [1, 2.5, np.nan])
    assert table["t"].tolist() == [True, False, True]
    assert table["t"].dtype == bool


CELLS = [
    None,
    True,
    False,
    0,
    -3,
    2**53 - 1,
    2**53,
    -(2**53),
    2**63 - 1,
    -(2**63),
    2**64 - 1,
    2**64,
]
CELLS += [
    10**30,
    1.5,
    -0.0,
    1e300,
    float("nan"),
    float("inf"),
    "a",
    " b ",
    "",
    "NA",
    "1",
    "2024-01-02",
]


def test_one_row_of_plain_values_is_read_as_a_frame_is():
    """Oracle: the frame of the same row, which pandas makes."""
    row = {str(i): value for i, value in enumerate(CELLS)}
    table = read_table(row)
    assert table_module._table_from_row(row)
    frame = read_table(pd.DataFrame([row]))
    for name, column in table.columns.items():
        assert column.dtype == frame[name].dtype, row[name]
        np.testing.assert_array_equal(column, frame[name])


@pytest.mark.parametrize(
    "row", [{}, {"a": [1]}, {"a": np.float32(1)}, {1: 2, "1": 3}, [{"a": 1}], (), {"a": {}}]
)
def test_what_is_no_row_of_plain_values_goes_through_a_frame(row):
    assert table_module._table_from_row(row) is None


def test_a_large_file_says_how_to_read_it_in_parts(tmp_path, monkeypatch):
    path = tmp_path / "big.parquet"
    pd.DataFrame({"x": [1.0, 2.0]}).to_parquet(path)
    assert read_table(path).messages == ()
    monkeypatch.setattr(table_module, "LARGE_BYTES", 1000)
    (message,) = read_table(path).messages
    assert message.endswith(f'read into memory; fit("{path}*", target=...) reads it in parts')


@pytest.mark.parametrize("name", ["a.parquet", "a.csv"])
def test_a_folder_of_tables_says_how_to_read_it(tmp_path, name):
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame({"x": [1.0, 2.0]})
    (frame.write_csv if name == "a.csv" else frame.write_parquet)(tmp_path / name)
    with pytest.raises(DataError, match="Only fit, evaluate and predict read a folder") as error:
        read_table(tmp_path)
    code = str(error.value).split("memory: ")[1].removesuffix(".")
    assert eval(code, {"polars": pl}).equals(frame)
