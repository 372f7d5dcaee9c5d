"""Tests of what stands above a table, and between its cells. Oracle: the file as a person reads it."""

import datetime as dt

import pytest
from test_table import to_lists, written

from glassnet.data.table import read_table
from glassnet.errors import DataError

pytestmark = pytest.mark.usefixtures("csv_library")

ROWS = [("40-49", "premeno", "left", "yes"), ("50-59", "ge40", "right", "no")] * 4
WORDS = "".join(",".join(row) + "\n" for row in ROWS)

READ = {
    "sep=;": ("sep=;\na;b\n1;2\n", {"a": [1], "b": [2]}),
    "sep=, in quotes": ('"sep=,"\na,b\n1,2\n', {"a": [1], "b": [2]}),
    "SEP=tab": ("SEP=\t\na\tb\n1\t2\n", {"a": [1], "b": [2]}),
    "sep=:": ("sep=:\na:b\n1:2\n", {"a": [1], "b": [2]}),
    "comment": ("# exported 2024\na,b\n1,2\n", {"a": [1], "b": [2]}),
    "comments with commas": ("# by me, with care\n#\n\na,b\n1,2\n", {"a": [1], "b": [2]}),
    "commented header": ("# a,b\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
    "commented header of NumPy": ("# a b\n1.5 2\n3 4\n", {"a": [1.5, 3], "b": [2, 4]}),
    "World Bank": (
        '"Data Source","Indicators"\n\n"Updated","2024-01-01"\n\n"Country","Code","2020"\n"Chad","TCD","2.5"\n"Fiji","FJI","1.5"\n',
        {"Country": ["Chad", "Fiji"], "Code": ["TCD", "FJI"], "2020": [2.5, 1.5]},
    ),
    "title of Excel": ("Sales 2024,,\n,,\nname,age,x\nBo,3,4\nCy,4,5\n", {"name": ["Bo", "Cy"], "age": [3, 4], "x": [4, 5]}),
    "title": ("Sales\nname;age\nBo;3\nCy;4,5\n", {"name": ["Bo", "Cy"], "age": [3, 4.5]}),
    "rows end in a comma": ("a,b\n1,2,\n3,4,\n", {"a": [1, 3], "b": [2, 4]}),
    "the header ends in a comma": ("a,b,\n1,2\n3,4\n", {"a": [1, 3], "b": [2, 4]}),
    "rows end in three commas": ("a,b\n1,2,,,\n3,4,,,\n", {"a": [1, 3], "b": [2, 4]}),
    "sep=; above one column": ("sep=;\na\n1\n2\n", {"a": [1, 2]}),
    "a sentence in each row": ("the text\n1 cat sat\nthe dog ate\n3 cows slept\n", {"the text": ["1 cat sat", "the dog ate", "3 cows slept"]}),
    "one row ends in a comma": ("a,b\n1,2\n3,4,\n", {"a": [1, 3], "b": [2, 4]}),
    "blanks": ("id  age   h\n 0   20   0.5\n 1   21   1.5\n", {"id": [0, 1], "age": [20, 21], "h": [0.5, 1.5]}),
    "blanks and quotes": ('a b\n"x y" 5\n"p q" 6\n', {"a": ["x y", "p q"], "b": [5, 6]}),
    "text with blanks": ("name\nAnna Bo\nCy Di\n", {"name": ["Anna Bo", "Cy Di"]}),
    "years": ("country,2019,2020\nChad,1.5,2.5\nFiji,2.5,3.5\n", {"country": ["Chad", "Fiji"], "2019": [1.5, 2.5], "2020": [2.5, 3.5]}),
    "a name among the values": ("color,age\nred,5\ncolor,6\n", {"color": ["red", "color"], "age": [5, 6]}),
    "one word per column": ("Python,R,n\nPython,,1\n,R,2\nPython,R,3\n", {"Python": ["Python", None, "Python"], "R": [None, "R", "R"], "n": [1, 2, 3]}),
    "one odd cell": ("day,n\n2024-13-45,1\n2024-01-01,2\n2024-01-02,3\n", {"day": ["2024-13-45", "2024-01-01", "2024-01-02"], "n": [1, 2, 3]}),
    "UTF-32": ("\ufeffa,b\n1,2\n".encode("utf-32-le"), {"a": [1], "b": [2]}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), READ.values(), ids=READ)
def test_tables_that_are_certain(tmp_path, text, wanted):
    path = tmp_path / "t.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert to_lists(read_table(path)) == wanted


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("sep=;\na;b\n1;2\n", "the first line names the delimiter: sep=;"),
        ("Sales\nname,age\nBo,3\n", "left out above the column names: line 1"),
        ("x\n\ny\n\nname,age\nBo,3\nCy,4\n", "left out above the column names: lines 1 to 3"),
        ("# a,b\n1,2\n3,4\n", "the comment above the rows is the header"),
        (
            "a,b\nBo,1\nCy,2\nTotal,3\n",
            "a: 'Total' in the last row: delete it if it sums up the others",
        ),
        (
            "n;a\n1;Nord\n2;Ost\n3;Summe:\n",
            "a: 'Summe:' in the last row: delete it if it sums up the others",
        ),
        (
            "n,v\n1,2\n3,4\nmean,3\n",
            "n: 'mean' in the last row: delete it if it sums up the others",
        ),
        ("a,b,,\n1,2,,\n3,4,,\n", "a column without a name is empty: left out"),
    ],
)
def test_what_was_left_out_is_said(tmp_path, text, note):
    assert read_table(written(tmp_path, text)).messages.count(note) == 1


def test_words_for_sums_that_are_labels(tmp_path):
    for text in ("a,b\nTotal,1\nCy,2\n", "a,b\ntotal,1\nCy,2\ntotal,3\n", "total,b\nBo,1\nCy,2\n"):
        assert len(read_table(written(tmp_path, text)).messages) == 1


REFUSED = {
    "words without a header": (WORDS, "its cells look like a row of data", {"header": None}, {"0": [row[0] for row in ROWS]}),
    "iris": ("5.1,3.5,setosa\n4.9,3.0,setosa\n6.0,2.2,virginica\n", "its cells look like a row of data", {"header": None}, {"0": [5.1, 4.9, 6.0]}),
    "one label, numbers in no order": ("18.0,8,307.0,chevy\n15.0,8,350.0,buick\n", "its cells look like a row of data", {"header": None}, {"2": [307, 350]}),
    "names of a car with its numbers": ('18.0   8   307.0\t"chevy malibu"\n15.0   8   350.0\t"buick"\n', "its cells look like a row of data", {"header": None}, {"3": ["chevy malibu", "buick"]}),
    "days and numbers": ("2024-01-01,5.1\n2024-01-02,5.3\n", "a first line of column names", {"header": None}, {"1": [5.1, 5.3]}),
    "the first row comes again": ("low,2,x\nhigh,3,y\nmid,4,x\nlow,2,y\nhigh,4,x\n", "its cells look like a row of data", {"header": None}, {"1": [2, 3, 4, 2, 4]}),
    "numbers": ("1,2\n3,4\n", "a first line of column names", {"header": None}, {"1": [2, 4]}),
    "title as wide as the table": ("station: 12, height: 3\nday,temp\n2024-01-01,3.5\n2024-01-02,4.5\n", "numbers or dates below the header", {"header": 2}, {"temp": [3.5, 4.5]}),
    "units": ("t,v\ns,m/s\n1,3.5\n2,4.5\n3,4.0\n", "numbers or dates below the header", {"header": 2, "names": ["t", "v"]}, {"v": [3.5, 4.5, 4.0]}),
    "units beside text": ("name,v\n-,m/s\nBo,3.5\nCy,4.5\n", "numbers or dates below the header", {"header": 2, "names": ["name", "v"]}, {"v": [3.5, 4.5]}),
    "a title above text": ("Sales\nname,city\nBo,Oslo\nCy,Rome\n", "line 2 looks like them", {"header": 2}, {"city": ["Oslo", "Rome"]}),
    "a comment that may be the header": ("# name,city\nBo,Oslo\nCy,Rome\n", "either in a comment or below it", {"header": None, "names": ["name", "city"]}, {"city": ["Oslo", "Rome"]}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected", "options", "wanted"), REFUSED.values(), ids=REFUSED)
def test_unclear_headers_are_refused_with_the_arguments_that_read_them(
    tmp_path, text, expected, options, wanted
):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert expected in str(caught.value)
    assert f'gn.data.read_table("t.csv", header={options["header"]}' in str(caught.value)
    assert f"--header {str(options['header']).lower()}" in str(caught.value)
    columns = to_lists(read_table(path, **options))
    for name, values in wanted.items():
        assert columns[name] == values


def test_a_file_without_a_header(tmp_path):
    path = written(tmp_path, WORDS)
    table = read_table(path, header=None)
    assert list(table.columns) == ["0", "1", "2", "3"]
    assert len(table) == len(ROWS)
    named = read_table(path, names=["age", "menopause", "side", "again"])
    assert named["side"].tolist() == [row[2] for row in ROWS]
    with pytest.raises(DataError, match=r"a name for each column. Received: columns=4, names=2"):
        read_table(path, names=["age", "side"])
    with pytest.raises(DataError, match=r"since names is passed.*header=1\)"):
        read_table(written(tmp_path, "a,b\n1,2\n"), names=["x", "y"])
    assert to_lists(read_table(written(tmp_path, "a,b\n1,2\n"), header=1, names=["x", "y"])) == {
        "x": [1],
        "y": [2],
    }
    with pytest.raises(DataError, match="header to be a line with names of columns"):
        read_table(path, header=99)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("a b\nx 5 6\ny 7 8\n", {"delimiter": " ", "header": 1, "names": ["c0", "a", "b"]}),
        ("a,b\nx,5,6\ny,7,8\n", {"header": 1, "names": ["row", "a", "b"]}),
        (
            '"a" "b" "s"\n"x" 5 6 "u v"\n"y" 7 8 "w"\n',
            {"delimiter": " ", "header": 1, "names": ["c0", "a", "b", "s"]},
        ),
        (
            'a b s\n"x" 5 6 u\n"y" 7 8 w\n',
            {"delimiter": " ", "header": 1, "names": ["c0", "a", "b", "s"]},
        ),
    ],
)
def test_row_names_of_r_that_have_no_name(tmp_path, text, options):
    """The arguments of the message read the file."""
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_table(path)
    names = ", ".join(f'"{name}"' for name in options["names"])
    assert f"header=1, names=[{names}])" in str(caught.value)
    columns = to_lists(read_table(path, **options))
    assert columns[options["names"][0]] == ["x", "y"]
    assert (columns["a"], columns["b"]) == ([5, 7], [6, 8])


@pytest.mark.parametrize(
    ("text", "code", "flag", "wanted"),
    [
        ("sep=,\na\tb\n1\t2\n", 'delimiter="\\t"', "--delimiter tab", {"delimiter": "\t"}),
        ("sep=;\na,b\n1,2\n", 'delimiter=","', '--delimiter ","', {"delimiter": ","}),
        ("\nsep=|\na;b\n1;2\n", 'delimiter=";"', '--delimiter ";"', {"delimiter": ";"}),
    ],
)
def test_a_separator_line_that_is_wrong(tmp_path, text, code, flag, wanted):
    path = written(tmp_path, text)
    with pytest.raises(DataError, match="cells separated as the line sep= says") as caught:
        read_table(path)
    assert code in str(caught.value)
    assert flag in str(caught.value)
    assert to_lists(read_table(path, **wanted)) == {"a": [1], "b": [2]}


@pytest.mark.parametrize(
    ("text", "line", "fix"),
    [
        ("a,b,c\n1,2,3\nSource: me\n", 3, "Delete the line if it is a note"),
        ("a;b;c\n1;2;3\n4;5\n6;7;8\n", 3, "write a delimiter for each missing cell"),
        ("v\n1,5\n2,5\n", 2, r'decimal sign, pass gn.*delimiter=";", decimal=","'),
    ],
)
def test_rows_of_another_length_are_refused_with_what_to_do(tmp_path, text, line, fix):
    with pytest.raises(DataError, match=rf"line={line}, .*{fix}"):
        read_table(written(tmp_path, text))


def test_stated_delimiters(tmp_path):
    assert to_lists(read_table(written(tmp_path, "a b:c\n1 2:3\n"), delimiter=":")) == {
        "a b": ["1 2"],
        "c": [3],
    }
    assert to_lists(read_table(written(tmp_path, "a  b\n1   2\n"), delimiter=" ")) == {
        "a": [1],
        "b": [2],
    }


def test_a_header_that_comes_again_is_refused(tmp_path):
    """Of joined files. Column a alone would be text."""
    with pytest.raises(
        DataError, match=r"one line of column names. Received: repeated=\['a', 'b'\]"
    ):
        read_table(written(tmp_path, "a,b\n1,2\n5,6\na,b\n3,4\n"))


def test_messages_about_numbers_as_names_are_one(tmp_path):
    text = (
        "s,"
        + ",".join(f"{400 + i / 2}" for i in range(300))
        + "\n"
        + "\n".join("x" + ",1.5" * 300 for _ in range(3))
    )
    assert read_table(written(tmp_path, text)).messages[1:] == (
        "the first line was read as column names, including '400.0', '400.5', '401.0' and 297 more",
    )


OPEN_QUOTES = {
    "never closed": ('id,y,note\n1,2,fine\n2,3,"never\n3,4,fine\n', 3),
    "closed by another": ('id,y,note\n1,2,fine\n2,3,"never\n3,4,fine\n4,5,"also\n5,6,fine\n', 3),
    "next row": ('id,y,note\n1,2,"never\n2,3,"also\n3,4,fine\n', 2),
    "first cell": ('note,y\n"never,1\nfine,2\n', 2),
    "behind a pair": ('note,y,m\n"a\nb",1,x\n"c",2,"never\nd,3,x\n', 4),
}


@pytest.mark.parametrize(("text", "line"), OPEN_QUOTES.values(), ids=OPEN_QUOTES)
def test_quotes_that_swallow_rows(tmp_path, text, line):
    with pytest.raises(
        DataError, match=f"a closing quote for each opening one. Received: line={line},"
    ):
        read_table(written(tmp_path, text))


@pytest.mark.parametrize(
    "text",
    ['a,b\n"x\n1,2\ny",1\nz,2\n', 'a,b\n"say ""so""\n1,2",1\nz,2\n', 'a,b\n"",1\n"x\ny",2\n'],
)
def test_cells_of_several_lines_are_read(tmp_path, text):
    assert read_table(written(tmp_path, text))["b"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\x1f\x8b\x08abc,d\n1,2\n", "It is a gzip file under another name"),
        (b"PK\x03\x04abc\n", "It is a ZIP or Excel file"),
        (b"PAR1abc,d\n1,2\n", "It is a Parquet file"),
        (b"%PDF-1.4\n1,2\n", "It is a PDF file"),
        (b"<!DOCTYPE html>\n<html>,b\n", "It is a web page"),
        (b"\xef\xbb\xbfa,\x01b\n1,2\n", "names of letters"),
        (b"\xff\xfe\x00\x00a\x00\x00", "text in utf-32, .*truncated data"),
    ],
)
def test_files_in_disguise(tmp_path, raw, expected):
    path = tmp_path / "t.csv"
    path.write_bytes(raw)
    with pytest.raises(DataError, match=expected):
        read_table(path)


def test_a_long_file_has_the_layout_of_its_first_lines(tmp_path):
    """Row 60 is behind the lines that are looked at."""
    rows = [f"2024-01-{i % 28 + 1:02d};{i},5;x{i % 3}" for i in range(200)]
    table = read_table(written(tmp_path, "Report\n\nday;n;s\n" + "\n".join(rows)))
    assert table["n"].tolist() == [i + 0.5 for i in range(200)]
    assert table["day"].tolist()[60] == dt.datetime(2024, 1, 60 % 28 + 1)
