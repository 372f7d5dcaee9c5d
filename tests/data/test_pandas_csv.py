"""Tests of CSV files read by pandas. Oracle: the same file read by Python's csv module."""

import random

import numpy as np
import pytest

from glassnet.data import csv_reader
from glassnet.data.csv_options import CsvOptions
from glassnet.data.parsing import NA_VALUES
from glassnet.errors import DataError

CELLS = {
    "integer": lambda r: str(r.randint(-50, 50)),
    "number": lambda r: repr(r.gauss(0, 1) * 10.0 ** r.randint(-9, 9)),
    "zero": lambda r: r.choice(["0", "-0", "00", "-00", "+0", "-0.0", "1", "-0e1"]),
    "large": lambda r: str(r.choice([2**53, 2**53 + 1, 2**63, 2**64 + 1, -(2**53) - 1, 7])),
    "exact large": lambda r: str(r.choice([2**53, 2**60, 10**20, 7])),
    "code": lambda r: f"{r.randint(0, 99):05d}",
    "code beside words": lambda r: r.choice([f"{r.randint(0, 99):05d}", "NA", "?", ""]),
    "number of equal width": lambda r: f"{r.randint(-20, 20):03d}",
    "code with a point": lambda r: r.choice(["01.10", "01.11", "10.20", "0.5"]),
    "phone number": lambda r: r.choice(["+4930123456", "+49", "4930123456"]),
    "signed number": lambda r: r.choice(["+1250000", "-340000", "+5"]),
    "boolean": lambda r: r.choice(["True", "False"]),
    "any boolean": lambda r: r.choice(["true", "FALSE", "True"]),
    "boolean or number": lambda r: r.choice(["True", "0", "1"]),
    "word": lambda r: r.choice(["alpha", "beta", "gamma"]),
    "date": lambda r: f"2024-{r.randint(1, 12):02d}-{r.randint(1, 28):02d}",
    "moment": lambda r: f"2024-02-28T{r.randint(0, 23):02d}:00:00" + r.choice(["Z", "+01:00", ""]),
    "text": lambda r: r.choice(
        ["x,y", "x;y", "x|y", "x\ty", "two\nlines", 'say "so"', "é", " lead", "trail ", "\xa0", "#"]
    ),
    "decimal comma": lambda r: r.choice(["1,5", "2.5", "-3,25", "4"]),
    "groups by points": lambda r: r.choice(["1.200", "950", "2.300", "0.5", "1.234.567"]),
    "groups by points alone": lambda r: r.choice(["1.200", "950", "2.300", "2.000"]),
    "groups by commas": lambda r: r.choice(["1,200", "950", "1,234,567", "1,234.5"]),
    "words beside text": lambda r: r.choice(["x", "y", "NA", "None", "?", " NA ", ""]),
    "a word beside text": lambda r: r.choice(["x", "y", "-"]),
    "a word beside numbers": lambda r: r.choice(["1", "2.5", "NA"]),
    "unusual number": lambda r: r.choice(
        ["1e5", "inf", "-Infinity", "NAN", "1_000", ".5", "5.", "0x1f", "1e400", "1e", "1 2", "5 "]
    ),
    "missing": lambda r: r.choice(sorted(NA_VALUES)),
    "almost missing": lambda r: r.choice(["NA ", "nA", "None.", " ?", ""]),
    "blank": lambda r: r.choice(["", "", " ", "\t"]),
}


def random_file(r):
    """Return the bytes of a CSV file: of every kind of cell, and often with broken lines."""
    delimiter, line_end = r.choice(",,;\t|"), r.choice(["\n", "\n", "\r\n", "\r"])
    n_columns, n_rows = r.choice([1, 2, 3, 5]), r.choice([1, 2, 5, 20])
    names = [r.choice(["a", "b c", "é", "7", "d,e", "x\ny"]) + str(i) for i in range(n_columns)]
    if r.random() < 0.1:
        names[r.randrange(n_columns)] = ""
    kinds, quotes, gaps = r.choices(list(CELLS), k=n_columns), r.random(), r.choice([0, 0, 0.2])

    def write(cells):
        return delimiter.join(
            '"' + cell.replace('"', '""') + '"'
            if quotes < 0.1 or any(sign in cell for sign in (delimiter, '"', "\n"))
            else cell
            for cell in cells
        )

    rows = [
        write("" if r.random() < gaps else CELLS[kind](r) for kind in kinds) for _ in range(n_rows)
    ]
    lines = [write(names), *rows]
    blank_row = delimiter * (n_columns - 1)
    odd_lines = ["", "  ", blank_row, blank_row, blank_row + delimiter, '""', "NA" + blank_row]
    for _ in range(r.choice([0, 0, 0, 1, 2])):
        lines.insert(r.randint(0, len(lines)), r.choice(odd_lines))
    if r.random() < 0.1:
        lines = [line + delimiter for line in lines]
    if r.random() < 0.1:
        lines = [r.choice(["# by me", "Sales", "Sales\n", f"sep={delimiter}"]), *lines]
    broken = r.randrange(len(lines))
    if r.random() < 0.1:
        lines[broken] += delimiter + r.choice(["", "1"])
    if r.random() < 0.1:
        shorter = r.randrange(len(lines))
        lines[shorter] = lines[shorter].rpartition(delimiter)[0]
    if r.random() < 0.05:
        lines[broken] = r.choice(['"' + lines[broken], lines[broken] + '"'])
    text = line_end.join(lines) + r.choice(["", line_end])
    return text.encode(r.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))


OPTIONS = [
    *[{}] * 4,
    {"missing": ("x", "1", "950")},
    {"missing": ()},
    {"decimal": ","},
    {"thousands": "."},
    {"header": 1},
    {"header": None},
    {"delimiter": ";"},
]


def read(raw, monkeypatch, with_pandas, options=None):
    """Return what is in a file, with every bit of its columns, or the error about it."""
    monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", 0 if with_pandas else 2**60)
    try:
        parsed = csv_reader.parse_csv("t.csv", raw, CsvOptions(**options or {}))
        columns, messages, formats, blank_words, times, label_words, identifiers = parsed
    except DataError as error:
        return str(error)
    contents = {
        name: (column.dtype, column.tolist() if column.dtype == object else column.tobytes())
        for name, column in columns.items()
    }
    words = {
        name: (each.cells.to_objects().tolist(), each.missing, each.markers)
        for name, each in blank_words.items()
    }
    labels = {name: each.read_cells().to_objects().tolist() for name, each in label_words.items()}
    return [list(columns), contents, messages, formats, words, times, labels, identifiers]


@pytest.mark.parametrize("seed", range(4))
def test_pandas_and_the_csv_module_read_the_same(seed, monkeypatch):
    """Tables, messages and errors are equal, to the bit; at least a third come from pandas."""
    read_with_pandas, counts = csv_reader._read_with_pandas, {True: 0, False: 0}

    def count(*args):
        rows = read_with_pandas(*args)
        counts[rows is not None] += 1
        return rows

    monkeypatch.setattr(csv_reader, "_read_with_pandas", count)
    r = random.Random(seed)
    for _ in range(300):
        raw, options = random_file(r), r.choice(OPTIONS)
        options = {name: frozenset(v) if name == "missing" else v for name, v in options.items()}
        received, expected = (read(raw, monkeypatch, fast, options) for fast in (True, False))
        assert received == expected, (raw, options)
    assert counts[True] > 100
    assert counts[False] > 30


@pytest.mark.parametrize(
    ("text", "is_fast", "wanted"),
    [
        ("a,b\n9007199254740993,2\n9007199254740992,3\n", True, ["9007199254740993", "9007199254740992"]),
        ("a,b\n9007199254740992,2\n0,3\n", True, [2.0**53, 0]),
        (f"a,b\n00{2**64},2\n1,3\n", True, [f"00{2**64}", "1"]),
        (f"a,b\n00{2**64 + 1},2\n1,3\n", True, [f"00{2**64 + 1}", "1"]),
        ("a,b\n007,x\n8,y\n", True, ["007", "8"]),
        ("a,b\n007,x\nseven,y\n", True, ["007", "seven"]),
        ("a,b\nTRUE,x\n,y\nfalse,z\n", True, [1, np.nan, 0]),
        ("a,b\nTrue,x\n,\nFalse,z\n", True, [True, False]),
        ("a,b\nNA,NA\n,\n1,2\n", True, [np.nan, 1]),
        ("a\n1\n\n2\n", True, [1, 2]),
        ('a,b\n"x,y",1\n"z",2\n', True, ["x,y", "z"]),
        ('a\tb\n"1\t"\t2\n3\t4\n', True, [1, 3]),
        ("a,b\r1,2\r\r,3\r", False, [1, np.nan]),
        ("a,b\n1,2\n\xa0\n3,4\n", False, [1, 3]),
        ("a,b\n1,2\n,,\n3,4\n", False, [1, 3]),
        ("\n" * 60 + "a,b\n1,2\n", True, [1]),
        ("a,b\n\ufeffx,2\n", False, ["\ufeffx"]),
        ("\ufeffa,b\n1\0x,2\n", False, ["1\0x"]),
    ],
)  # fmt: skip
def test_what_pandas_alone_reads_otherwise(text, is_fast, wanted, monkeypatch):
    """Oracle: the text. Large integers, signs of zero and blank rows, and who may read the file."""
    raw, calls = text.encode(), []
    monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", 0)
    read_cells = csv_reader._read_cells
    monkeypatch.setattr(
        csv_reader, "_read_cells", lambda *args: calls.append(args) or read_cells(*args)
    )
    np.testing.assert_array_equal(csv_reader.parse_csv("t.csv", raw)[0]["a"].tolist(), wanted)
    assert (not calls) == is_fast


def test_the_sign_of_zero_stays(monkeypatch):
    monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", 0)
    columns = csv_reader.parse_csv("t.csv", b"a,b,c\n-0,0,0\n0,1,-0.0\n")[0]
    assert [np.signbit(column).tolist() for column in columns.values()] == [
        [True, False],
        [False, False],
        [False, True],
    ]


def test_a_tab_in_a_quoted_number_does_not_hide_a_short_row(monkeypatch):
    monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", 0)
    with pytest.raises(DataError, match=r"line=3, cells=1, first_cell='3'"):
        csv_reader.parse_csv("t.csv", b'a\tb\n"1\t"\t2\n3\n')


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("1,2\n3\n", "Received: line=3, cells=1, first_cell='3'"),
        ("1,2\n3\n4,5,6\n", "Received: line=3, cells=1, first_cell='3'"),
        ('"1,1",2\n3\n', "Received: line=3, cells=1, first_cell='3'"),
        ("1,2,3\n3\n4,5\n", "Received: line=2, cells=3, first_cell='1'"),
        (",,\n3\n4,5,6\n", "Received: line=3, cells=1, first_cell='3'"),
        ("x,1\n" + "y" * 200_000 + ",2\n", "line=3, problem='field larger than field limit"),
    ],
)
def test_a_row_that_pandas_would_fill_or_cut_is_named(rows, expected, monkeypatch):
    """Also if a short and a long row, or a comma inside a cell, make the number of commas right."""
    monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", 0)
    with pytest.raises(DataError) as caught:
        csv_reader.parse_csv("t.csv", f"a,b\n{rows}".encode())
    assert expected in str(caught.value)
