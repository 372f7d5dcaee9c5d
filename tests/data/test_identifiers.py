"""Digits that numbers would change, such as 007. Oracle: the text of the file, cell by cell."""

import random

import numpy as np
import pytest
from test_table import written

import glassnet as gn
from glassnet.data import csv_reader, identifier_cells
from glassnet.data.csv_layout import SNIFF_LINES
from glassnet.data.csv_reader import parse_csv
from glassnet.data.identifier_cells import find_columns
from glassnet.data.identifiers import is_identifier
from glassnet.data.table import read_table, split_target

TEXT = {
    "ZIP codes": (["01067", "10115", "80331"], "leading zeros (such as '01067')"),
    "labels": (["007", "12", "7"], "leading zeros (such as '007')"),
    "numbers of rows": (["0001", "0002", "0100"], "leading zeros (such as '0001')"),
    "zeros alone": (["00", "0", "11"], "leading zeros (such as '00')"),
    "points": (["01.10", "10.20", "0.5"], "leading zeros (such as '01.10')"),
    "a number for missing": (["-9", "01", "12"], "leading zeros (such as '01')"),
    "an exponent": (["00e5", "1", "2"], "leading zeros (such as '00e5')"),
    "other digits": (["０７", "１２", "８"], "leading zeros (such as '０７')"),
    "phone numbers": (["+4930123456", "+4989", "12"], "the plus sign of phone numbers (such as"),
    "many digits": (["12345678901234567", "1", "2"], "all digits (such as '12345678901234567')"),
    "quoted": (['"007"', '"12"', '"7"'], "leading zeros (such as '007')"),
    "blanks": ([" 007 ", "12", " 7"], "leading zeros (such as '007')"),
}
"""Cells of columns that stay text, and what the message says."""

NUMBERS = {
    "a lone zero": (["0", "0.5", "-0.25"], [0, 0.5, -0.25]),
    "equal width": (["-05", "003", "012"], [-5, 3, 12]),
    "equal width with plus": (["+05", "003", "-12"], [5, 3, -12]),
    "an exponent": (["1e5", "2E3", "12"], [1e5, 2000, 12]),
    "a short plus": (["+49", "+1", "+44"], [49, 1, 44]),
    "signs": (["+1250000", "-340000", "+5"], [1250000, -340000, 5]),
    "versions": (["1.10", "1.1", "2"], [1.1, 1.1, 2]),
    "many decimals": (["0.12345678901234567", "1", "2"], [0.12345678901234567, 1, 2]),
    "infinite": (["inf", "1", "-Infinity"], [np.inf, 1, -np.inf]),
    "other digits": (["١٢", "１３", "4"], [12, 13, 4]),
    "the zeros of an exponent": (["1e05", "1e-07", "2"], [1e5, 1e-7, 2]),
}
"""Cells whose numbers have the value of their text."""

OTHER_TEXT = {
    "underscores": ["1_000", "2", "3"],
    "hexadecimal": ["0x1F", "0x20", "33"],
    "times": ["01:30", "02:45", "13:00"],
    "days": ["01.02.2024", "11.02.2024", "03.12.2024"],
    "words": ["Infinity", "Nala", "NaNa"],
}
"""Cells that were text before, without a message."""


def read_column(tmp_path, cells, **options):
    rows = "".join(f"{cell};{i % 2}\n" for i, cell in enumerate(cells))
    return read_table(written(tmp_path, f"a;b\n{rows}"), **options)


@pytest.mark.usefixtures("csv_library")
@pytest.mark.parametrize(("cells", "reason"), TEXT.values(), ids=TEXT)
def test_digits_that_a_number_would_change_are_text(tmp_path, cells, reason):
    table = read_column(tmp_path, cells)
    assert table["a"].tolist() == [cell.strip(' "') for cell in cells]
    (note,) = table.messages[1:]
    assert note.startswith(f"a: read as text, to keep {reason}")


@pytest.mark.usefixtures("csv_library")
@pytest.mark.parametrize(("cells", "wanted"), NUMBERS.values(), ids=NUMBERS)
def test_other_numbers_stay_numbers(tmp_path, cells, wanted):
    table = read_column(tmp_path, cells)
    assert table["a"].tolist() == wanted
    assert table.messages[1:] == ()


@pytest.mark.usefixtures("csv_library")
@pytest.mark.parametrize("cells", OTHER_TEXT.values(), ids=OTHER_TEXT)
def test_text_needs_no_message(tmp_path, cells):
    table = read_column(tmp_path, cells)
    assert (table["a"].tolist(), table.messages[1:]) == (cells, ())


@pytest.mark.usefixtures("csv_library")
def test_dates_stay_dates(tmp_path):
    table = read_column(tmp_path, ["2020-01-01", "0001-02-03 04:05", "2020-01-03"])
    assert table["a"].dtype.kind == "M"
    assert table.messages[1:] == ()


@pytest.mark.usefixtures("csv_library")
def test_decimal_commas(tmp_path):
    table = read_table(written(tmp_path, "a;b\n01,5;3,25\n12,25;0,5\n"))
    assert table["a"].tolist() == ["01,5", "12,25"]
    assert table["b"].tolist() == [3.25, 0.5]
    assert table.with_numbers()["a"].tolist() == [1.5, 12.25]


@pytest.mark.usefixtures("csv_library")
def test_words_for_missing_cells_mean_that_beside_digits(tmp_path):
    """As in columns of numbers, and unlike other text with two such words."""
    cells = ["01067", "NA", "?", "", "10115"]
    table = read_column(tmp_path, cells)
    assert table["a"].tolist() == ["01067", None, None, None, "10115"]
    labels = read_column(tmp_path, cells, missing={"a": []})
    assert labels["a"].tolist() == ["01067", "NA", "?", None, "10115"]


@pytest.mark.usefixtures("csv_library")
@pytest.mark.parametrize("missing", [[0], ["00000"], {"a": [0]}])
def test_stated_missing_values(tmp_path, missing):
    table = read_column(tmp_path, ["01067", "00000", "NA", "10115"], missing=missing)
    assert table["a"].tolist() == ["01067", None, None, "10115"]


@pytest.mark.usefixtures("csv_library")
def test_the_type_does_not_depend_on_the_rows(tmp_path):
    """Oracle: the type in the whole file."""
    table = read_column(tmp_path, ["01067", "10115", "80331"])
    later = table.take(np.array([1, 2]))
    assert later["a"].tolist() == ["10115", "80331"]
    assert later.take(np.array([0]))["a"].tolist() == ["10115"]


@pytest.mark.usefixtures("csv_library")
def test_without_the_rows_of_text_digits_stay_text(tmp_path):
    table = read_column(tmp_path, ["unknown", "007", "12"]).take(np.array([1, 2]))
    assert table["a"].tolist() == ["007", "12"]
    assert table.resolve("a").tolist() == [7, 12]
    assert table.resolve("a", ("007", "12")).tolist() == ["007", "12"]


def test_categories_of_training_decide_in_a_new_file(tmp_path):
    """Oracle: what the file was to a model before digits were text."""
    table = read_column(tmp_path, ["007", "12", "?"])
    np.testing.assert_array_equal(table.resolve("a"), [7, 12, np.nan])
    np.testing.assert_array_equal(table.resolve("a", ("7", "12", None)), [7, 12, np.nan])
    np.testing.assert_array_equal(table.resolve("a", (7, 12)), [7, 12, np.nan])
    assert table.resolve("a", ("007", "12")).tolist() == ["007", "12", None]
    assert table.resolve("a", ("007", "?")).tolist() == ["007", "12", "?"]


def test_integers_that_no_number_holds_are_text_to_every_model(tmp_path):
    table = read_column(tmp_path, ["12345678901234567", "007"])
    assert table.resolve("a").tolist() == ["12345678901234567", "007"]
    with_numbers = table.with_numbers()
    assert with_numbers["a"].tolist() == ["12345678901234567", "007"]
    assert with_numbers.messages == table.messages


def test_numbers_say_nothing_about_text(tmp_path):
    table = read_column(tmp_path, ["007", "12"]).with_numbers()
    assert table["a"].tolist() == [7, 12]
    assert table.messages == ("t.csv: 2 rows, 2 columns, separated by semicolons",)


def test_a_rare_word_beside_labels_of_digits_is_missing_and_a_frequent_one_is_refused(tmp_path):
    """Oracle: what happens to the labels 1, 2 and ?."""
    for labels in (["1", "2"], ["01", "02"]):
        rare = read_column(tmp_path, [*labels * 30, "?"])
        parts = split_target(rare, "a")
        assert len(parts.target_column) == 60
        assert "1 of 61 rows lack a: left out" in parts.messages
        with pytest.raises(gn.errors.DataError, match="labels that do not look like missing"):
            split_target(read_column(tmp_path, [*labels, "?"] * 20), "a")


def test_frames_and_dicts_are_read_as_they_are():
    table = read_table({"a": ["007", "12"], "b": [7, 12]})
    assert table["a"].tolist() == ["007", "12"]
    assert table["b"].tolist() == [7, 12]
    assert table.identifiers == {}


@pytest.mark.usefixtures("csv_library")
def test_a_point_for_a_missing_cell_is_no_decimal_point(tmp_path):
    """Oracle: the file without that column, in which 1.200 can be read in two ways."""
    with pytest.raises(gn.errors.DataError, match="numbers that can be read in one way only"):
        read_table(written(tmp_path, "a;b\n1.200;.\n950;7\n"))


LATE = [*TEXT.values(), *((cells, None) for cells, _ in NUMBERS.values())]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("quotes", ["none", "text", "all", "doubled"])
def test_late_cells_are_found_in_the_bytes(monkeypatch, delimiter, quotes):
    """Behind the first lines, pandas would read numbers. Oracle: Python's csv module."""
    monkeypatch.setattr(identifier_cells, "BLOCK_BYTES", 300)
    r = random.Random(f"{delimiter} {quotes}")
    words = {
        "none": ["x", "01:30", "02.03.2024"],
        "text": ['"p,q;r\ts"', '"two\nlines,1;2\t3"'],
        "all": ['"x"', '"y"'],
        "doubled": ['"say ""so"""', "x"],
    }[quotes]
    for cells, _ in LATE:
        late = [cell.strip('"') for cell in cells]
        lines = [delimiter.join(["n", "w", "a", "b"])]
        for i in range(SNIFF_LINES + 60):
            is_late = i > SNIFF_LINES and r.random() < 0.2
            row = ["0.5", r.choice(words), r.choice(late) if is_late else "3", "-1.25"]
            row = [f'"{x}"' if quotes == "all" and '"' not in x else x for x in row]
            lines.append(delimiter.join(row))
        raw = "\n".join(lines).encode()
        contents = []
        for size in (0, 2**60):
            monkeypatch.setattr(csv_reader, "MIN_PANDAS_BYTES", size)
            contents.append(parse_csv("t.csv", raw))
        fast, plain = contents
        assert fast.messages == plain.messages
        assert fast.identifiers == plain.identifiers
        for name, column in plain.columns.items():
            np.testing.assert_array_equal(fast.columns[name], column)


def test_bytes_of_random_tables():
    """Oracle: the cells that were written. Others may be found too, but none are missed."""
    r = random.Random(0)
    cells = [
        "007",
        "0",
        "0.5",
        "10",
        "+4930123456",
        "+1",
        "1e05",
        "00",
        "-01",
        "a01",
        "01 x",
        "x 01",
    ]
    for _ in range(300):
        n, delimiter = r.choice([1, 2, 4]), r.choice(",;|\t")
        rows = [[r.choice(cells) for _ in range(n)] for _ in range(r.choice([1, 3, 9]))]
        text = r.choice(["\n", "\r\n"]).join(
            delimiter.join(r.choice(["{}", '"{}"', " {}"]).format(cell) for cell in row)
            for row in rows
        )
        wanted = {i for row in rows for i, cell in enumerate(row) if is_identifier(cell)}
        found = find_columns(b"h\n" + text.encode(), 2, delimiter, n)
        assert wanted <= found <= set(range(n))
        if not any(cell.startswith(("0", "+")) or " 0" in cell for row in rows for cell in row):
            assert found == set()


def test_columns_without_such_cells_are_read_once():
    """Decimals, exponents, signs and inner zeros are no reason to read a column again."""
    text = b"0.5,1e05,+5,100,-01,2024-01-02\n" * 9
    assert find_columns(text, 0, ",", 6) == set()
