"""Folders of CSV files. Oracle: `read_table` on one file with the rows of all."""

import numpy as np
import pyarrow as pa
import pytest

from glassnet.data import csv_folders
from glassnet.data.arrow_columns import table_from_arrow
from glassnet.data.table import read_table
from glassnet.data.table_folders import open_table_folder
from glassnet.errors import DataError

HEADER = "name,age,fare,member,born,class,note\n"
ROWS = [
    "Anna,22,7.25,true,1912-04-15,1,None\n",
    " Bo ,,8,false,,007,x\n",
    '"Chi, Lu",NA,1e3,true,1912-04-15 13:05,2,None\n',
    "Dé,-3,+5,false,1913-01-01,2,NA\n",
    '"E ""x""",4,.5,true,1913-01-02,3,y\n',
    "Fay,5,0.1,true,1913-01-02,3,\n",
]


def read_all(table):
    batches = [batch for _, batch in table.iter_batches(table.schema.names)]
    return table_from_arrow(pa.Table.from_batches(batches))


def write(folder, rows, n_parts=2, header=HEADER, encoding="utf-8", end="\n"):
    folder.mkdir()
    for i in range(n_parts):
        text = header + "".join(rows[i::n_parts])
        (folder / f"{i}.csv").write_bytes(text.replace("\n", end).encode(encoding))
    ordered = [row for i in range(n_parts) for row in rows[i::n_parts]]
    whole = folder.parent / "whole.csv"
    whole.write_text(header + "".join(ordered), encoding="utf-8")
    return open_table_folder(folder), read_table(whole)


def require_equal(table, expected):
    assert list(table.columns) == list(expected.columns)
    for name, column in expected.columns.items():
        assert table[name].dtype == column.dtype, name
        np.testing.assert_array_equal(table[name], column, err_msg=name)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cells_mean_what_they_mean_in_one_file(tmp_path, encoding, end):
    """Signs, quotes, blanks, booleans, dates, words for missing cells; None and NA are text."""
    table, expected = write(tmp_path / "csv", ROWS, encoding=encoding, end=end)
    require_equal(read_all(table), expected)


def test_signs_of_numbers_are_decided_once(tmp_path):
    """1.200 is twelve hundred if another column has 1,5 in any file."""
    rows = ["1.200;1,5\n", "2.300;2,5\n", "950;1\n", "10.000;2\n"]
    table, expected = write(tmp_path / "csv", rows, header="price;size\n")
    require_equal(read_all(table), expected)
    assert sorted(expected["price"]) == [950, 1200, 2300, 10000]


def test_titles_above_the_header_are_left_out(tmp_path):
    table, expected = write(tmp_path / "csv", ["1,a\n", "2,b\n"], header="# export\nx,y\n")
    require_equal(read_all(table), expected)


def test_lines_in_quotes_and_blocks(tmp_path, monkeypatch):
    """A file is parsed in blocks; a quoted line end is no end of a row, also of the first rows."""
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 300)
    monkeypatch.setattr(csv_folders, "BLOCK_BYTES", 200)
    rows = [f'{i},"a\n{i}","{i % 3},"\n' for i in range(200)]
    table, expected = write(tmp_path / "csv", rows, header="x,text,z\n")
    assert len(list(table.iter_batches(["x"]))) > 4
    rows = read_all(table)
    np.testing.assert_array_equal(rows["x"], expected["x"])
    assert rows["text"].tolist() == expected["text"].tolist()


def test_some_columns(tmp_path):
    table, expected = write(tmp_path / "csv", ROWS)
    batches = [batch for _, batch in table.iter_batches(["born", "age"])]
    rows = table_from_arrow(pa.Table.from_batches(batches))
    assert list(rows.columns) == ["born", "age"]
    for name in rows.columns:
        np.testing.assert_array_equal(rows[name], expected[name])


def test_a_cell_of_another_type_behind_the_first_rows_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 100)
    rows = [f"{i},{i}\n" for i in range(100)]
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "a.csv").write_text("x,y\n" + "".join(rows))
    (tmp_path / "csv" / "b.csv").write_text("x,y\n" + "".join(rows) + "many,3\n")
    table = open_table_folder(tmp_path / "csv")
    with pytest.raises(DataError, match=r"b\.csv: .*numbers in column 'x'.*text=\['many'\]"):
        read_all(table)


def test_words_for_missing_numbers_behind_the_first_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 100)
    rows = [f"{i},a\n" for i in range(100)] + ["NA,b\n", ",a\n"]
    (tmp_path / "csv").mkdir()
    (tmp_path / "csv" / "a.csv").write_text("x,y\n" + "".join(rows))
    rows = read_all(open_table_folder(tmp_path / "csv"))
    np.testing.assert_array_equal(rows["x"][-2:], [np.nan, np.nan])


def test_another_header_is_named(tmp_path):
    write(tmp_path / "csv", ["1,2\n", "3,4\n"], header="x,y\n")
    (tmp_path / "csv" / "1.csv").write_text("x,z\n3,4\n")
    with pytest.raises(DataError, match=r"1\.csv: expected the header of .*0\.csv, \['x', 'y'\]"):
        open_table_folder(tmp_path / "csv")


def test_a_row_with_more_cells_is_named(tmp_path):
    table, _ = write(tmp_path / "csv", ["1,2\n", "3,4\n"] * 40, header="x,y\n")
    with open(tmp_path / "csv" / "1.csv", "a") as file:
        file.write("1,2,3\n")
    with pytest.raises(DataError, match=r"1\.csv: expected rows that can be read.*3"):
        read_all(table)


def test_a_frequent_label_that_looks_missing_is_a_label(tmp_path):
    """As `fit` reads the target of one file: see `BlankWords.resolve_target`."""
    rows = [f"{i},{('None', 'I', 'II')[i % 3]}\n" for i in range(60)]
    table, _ = write(tmp_path / "csv", rows, header="x,stage\n")
    labels = read_all(table.text_reader.for_target("stage"))["stage"]
    assert sorted(set(labels.tolist())) == ["I", "II", "None"]


def test_an_unclear_label_is_refused(tmp_path):
    rows = [f"{i},{('I', 'II')[i % 2] if i else 'NA'}\n" for i in range(60)]
    table, _ = write(tmp_path / "csv", rows, header="x,stage\n")
    with pytest.raises(DataError, match="labels that do not look like missing values"):
        table.text_reader.for_target("stage")


def test_categories_of_a_fitted_model_are_text(tmp_path):
    rows = [f"{i},{('None', 'a')[i % 2]}\n" for i in range(20)]
    table, _ = write(tmp_path / "csv", rows, header="x,kind\n")
    known = read_all(table.text_reader.for_levels({"kind": ("None", "a")}))["kind"]
    other = read_all(table.text_reader.for_levels({"kind": ("a", "b", None)}))["kind"]
    assert (set(known.tolist()), set(other.tolist())) == ({"None", "a"}, {None, "a"})


def test_a_line_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 100)
    (tmp_path / "a.csv").write_text("x,y\n" + '1,"' + "long " * 100)
    with pytest.raises(DataError, match=r"a\.csv"):
        open_table_folder(tmp_path)
    (tmp_path / "a.csv").write_text('"x,' + "long " * 100)
    with pytest.raises(DataError, match=r"a\.csv: expected lines of less than 100 bytes"):
        open_table_folder(tmp_path)


@pytest.mark.parametrize(("cell", "noun"), [("perhaps", "true and false"), ("2024-13-45", "dates")])
def test_cells_of_other_types_behind_the_first_rows(tmp_path, monkeypatch, cell, noun):
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 100)
    first = "true" if noun == "true and false" else "2024-02-29"
    (tmp_path / "a.csv").write_text("x,y\n" + f"{first},1\n" * 50 + f"{cell},2\n")
    with pytest.raises(DataError, match=rf"a\.csv: .*{noun} in column 'x'.*text=\['{cell}'\]"):
        read_all(open_table_folder(tmp_path))


def test_the_first_rows_of_a_large_file_in_utf_16(tmp_path, monkeypatch):
    """They end in the middle of a character, and of a line."""
    monkeypatch.setattr(csv_folders, "HEAD_BYTES", 301)
    table, expected = write(tmp_path / "csv", ROWS * 5, encoding="utf-16")
    require_equal(read_all(table), expected)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("1\n", "1.csv: expected 2 cells in every row, as in the header. Received: line=4"),
        ("1,2,3\n", "1.csv: expected 2 cells in every row, as in the header. Received: line=4"),
        ('1,"b\n2,c\n', "1.csv: expected a closing quote for each opening one. Received: line=4"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_its_own_file(tmp_path, row, text):
    write(tmp_path / "csv", ["1,a\n", "2,b\n"] * 2, header="x,y\n")
    with open(tmp_path / "csv" / "1.csv", "a") as file:
        file.write(row)
    with pytest.raises(DataError) as caught:
        open_table_folder(tmp_path / "csv")
    assert text in str(caught.value)
