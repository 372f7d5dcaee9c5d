"""Tests of decimal and thousands signs. Oracle: the numbers as a person reads them in the file."""

import numpy as np
import pytest
from test_table import to_lists, written

from glassnet.data.number_format import (
    COMMA,
    COMMA_APOSTROPHES,
    COMMA_GROUPED,
    FORMATS,
    POINT,
    POINT_APOSTROPHES,
    POINT_GROUPED,
    NumberFormat,
    read_numbers,
)
from glassnet.data.table import read_table
from glassnet.data.target_columns import target_to_numeric
from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing.columns import Column
from glassnet.preprocessing.encoding_rules import fit_encoder

pytestmark = pytest.mark.usefixtures("csv_library")

WITH_EVIDENCE = {
    "German prices": ("a;b\n1.200;1,5\n950;2,5\n", {"a": [1200, 950], "b": [1.5, 2.5]}),
    "German, evidence in the target": ("x;y\n1.200;0,5\n2.300;7\n", {"x": [1200, 2300], "y": [0.5, 7]}),
    "German, in one cell": ("a;b\n1.234,50;x\n999;y\n", {"a": [1234.5, 999], "b": ["x", "y"]}),
    "German millions": ("a;b\n1.234.567;1\n950;2\n", {"a": [1234567, 950], "b": [1, 2]}),
    "German, signs": ("a;b\n-1.200;+3,5\n+950;-2\n", {"a": [-1200, 950], "b": [3.5, -2]}),
    "three decimals": ("a;b\n1.200;0.5\n950;2\n", {"a": [1.2, 950], "b": [0.5, 2]}),
    "begins with 0": ("a;b\n0.123;1\n1.200;2\n", {"a": [0.123, 1.2], "b": [1, 2]}),
    "four digits": ("a;b\n1234.567;1.200\n1;2\n", {"a": [1234.567, 1], "b": [1.2, 2]}),
    "comma decimals": ("a;b\n1,200;0,5\n950;2\n", {"a": [1.2, 950], "b": [0.5, 2]}),
    "English in semicolons": ("a;b\n1,200;0.5\n950;2\n", {"a": [1200, 950], "b": [0.5, 2]}),
    "English tabs": ("a\tb\n1,200\t0.5\n950\t2\n", {"a": [1200, 950], "b": [0.5, 2]}),
    "German tabs": ("a\tb\n1.200\t0,5\n950\t2\n", {"a": [1200, 950], "b": [0.5, 2]}),
    "quoted thousands": ('a,b\n"1,234",0.5\n950,2\n', {"a": [1234, 950], "b": [0.5, 2]}),
    "quoted millions": ('a,b\n"1,234,567.25",1\n950,2\n', {"a": [1234567.25, 950], "b": [1, 2]}),
    "points after commas": ("a,b\n1.200,1\n950,2\n", {"a": [1.2, 950], "b": [1, 2]}),
    "gaps": ("a;b\n1.200;1,5\n;2,5\nNA;3,5\n", {"a": [1200, np.nan, np.nan], "b": [1.5, 2.5, 3.5]}),
    "versions are text": ("a;b\n1.2.3;1,5\n1.10.0;2\n", {"a": ["1.2.3", "1.10.0"], "b": [1.5, 2]}),
    "days are text": ("a;b\n01.02.2024;1,5\n11.02.2024;2\n", {"a": ["01.02.2024", "11.02.2024"], "b": [1.5, 2]}),
    "exponents": ("a;b\n1.5e3;1\n2E-2;2\n", {"a": [1500, 0.02], "b": [1, 2]}),
    "each certain on its own": ("a;b\n1,5;0.25\n2,5;1.75\n", {"a": [1.5, 2.5], "b": [0.25, 1.75]}),
    "Swiss": ("a;b\n1'234,5;3\n950;2,5\n", {"a": [1234.5, 950], "b": [3, 2.5]}),
    "Swiss with points": ("a,b\n1'234.5,x\n-2'000'000,y\n", {"a": [1234.5, -2_000_000], "b": ["x", "y"]}),
    "Swiss with typographic signs": ("a,b\n1’234,1\n950,2\n", {"a": [1234, 950], "b": [1, 2]}),
    "Swiss thousands decide that points are decimal signs": ("a;b\n1'234;1.200\n950;2\n", {"a": [1234, 950], "b": [1.2, 2]}),
    "feet and inches are text": ("a;b\n5'11;1\n6'02;2\n", {"a": ["5'11", "6'02"], "b": [1, 2]}),
    "points after bars": ("a|b\n1.200|1\n950|2\n", {"a": [1.2, 950], "b": [1, 2]}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), WITH_EVIDENCE.values(), ids=WITH_EVIDENCE)
def test_one_format_for_all_columns(tmp_path, text, wanted):
    table = read_table(written(tmp_path, text))
    assert list(table.columns) == list(wanted)
    for name, values in to_lists(table).items():
        np.testing.assert_array_equal(values, wanted[name])


UNCLEAR = {
    "points": ("preis;n\n1.200;1\n950;2\n", "preis", "1.200", "."),
    "all with points": ("n;preis\n1;1.200\n2;2.300\n", "preis", "1.200", "."),
    "commas": ("preis;n\n1,200;1\n950;2\n", "preis", "1,200", ","),
    "commas after tabs": ("preis\tn\n1,200\t1\n950\t2\n", "preis", "1,200", ","),
    "evidence for both": ("a;b;preis\n1,5;0.25;1.200\n9;2;5\n", "preis", "1.200", "."),
    "one column": ("preis\n1.200\n950\n", "preis", "1.200", "."),
    "whole numbers": ("preis;n\n1.000;1\n2.000;2\n", "preis", "1.000", "."),
    "gaps": ("preis;n\n1.200;1\n;2\n", "preis", "1.200", "."),
}


@pytest.mark.parametrize(("text", "column", "cell", "sign"), UNCLEAR.values(), ids=UNCLEAR)
def test_without_evidence_the_arguments_are_named_and_decide(tmp_path, text, column, cell, sign):
    path = written(tmp_path, text)
    with pytest.raises(DataError) as caught:
        read_table(path)
    received = f"Received: column={column!r}, cells=[{cell!r}"
    assert received in str(caught.value)
    for argument in ("decimal", "thousands"):
        assert f'gn.data.read_table("t.csv", {argument}="{sign}")' in str(caught.value)
        assert f'--{argument} "{sign}"' in str(caught.value)
    plain = cell.replace(sign, ".")
    assert read_table(path, decimal=sign)[column][0] == float(plain)
    assert read_table(path, thousands=sign)[column][0] == float(plain) * 1000


@pytest.mark.parametrize(
    ("text", "options", "wanted"),
    [
        ("a;b\n1.200;1\n950;2\n", {"decimal": ","}, [1200, 950]),
        ("a;b\n1 200;1\n950;2\n", {"thousands": " "}, [1200, 950]),
        ("a;b\n1\u202f200,5;1\n950;2\n", {"thousands": " "}, [1200.5, 950]),
        ("a;b\n1'200.5;1\n950;2\n", {"thousands": "'"}, [1200.5, 950]),
        ("a;b\n1\u2019200;1\n950;2\n", {"thousands": "'"}, [1200, 950]),
        ('a,b\n"1,5",1\n"1,234",2\n', {"decimal": ","}, [1.5, 1.234]),
        ("a;b\n1,5;1\nx;2\n", {"decimal": "."}, ["1,5", "x"]),
        ("a;b\n1,5;1\n2,5;2\n", {"decimal": "."}, ["1,5", "2,5"]),
    ],
)
def test_stated_signs(tmp_path, text, options, wanted):
    assert read_table(written(tmp_path, text), **options)["a"].tolist() == wanted


def test_messages_name_the_signs_once(tmp_path):
    columns = [f"c{i}" for i in range(9)]
    text = ";".join(columns) + ";t\n" + ";".join(["1,5"] * 9) + ";1.200\n"
    assert read_table(written(tmp_path, text)).messages[1:] == (
        "c0, c1, c2 and 6 more: the comma was read as the decimal sign",
        "t: the point was read as the thousands sign",
    )
    table = read_table(written(tmp_path, "a\tb\n1.200\t1\n950\t2\n"))
    assert table.messages[1:] == ("a: the point was read as the decimal sign",)


def test_rows_of_a_text_column_are_read_in_the_format_of_the_file(tmp_path):
    """Oracle: the file without the row of text."""
    table = read_table(written(tmp_path, "a;b\n1.200;1,5\n950;2,5\nunknown;3\n"))
    assert table.take([0, 1])["a"].tolist() == [1200, 950]
    unclear = read_table(written(tmp_path, "a;b\n1.200;1\n950;2\nunknown;3\n"))
    assert unclear.take([0, 1])["a"].tolist() == ["1.200", "950"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"decimal": "x"}, "decimal to be one of"),
        ({"thousands": "_"}, "thousands one of"),
        ({"decimal": ",", "thousands": ","}, "two different signs"),
        ({"delimiter": ";;"}, "delimiter to be one character"),
        ({"header": 0}, r"header to be the number of a line.*Lines are counted from 1"),
        ({"missing": "NA"}, "missing to be a list of words"),
        ({"missing": [None]}, "missing to be a list of words"),
        ({"names": "ab"}, "names to be a list of different names"),
        ({"names": ["a", "a"]}, "names to be a list of different names"),
    ],
)
def test_options_that_cannot_be(tmp_path, options, expected):
    with pytest.raises(ConfigError, match=f"read_table: expected .*{expected}"):
        read_table(written(tmp_path, "a;b\n1;2\n"), **options)


@pytest.mark.parametrize("source", [{"a": [1]}, "t.parquet", [{"a": 1}]])
def test_options_are_for_csv_files(source):
    with pytest.raises(
        ConfigError, match=r"a file that ends in \.csv, \.tsv, \.txt with these arg"
    ):
        read_table(source, decimal=",")


@pytest.mark.parametrize("seed", range(3))
def test_what_each_format_writes_it_reads(seed):
    """Oracle: the numbers that were written, with Python's own grouping of digits."""
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=50) * 10.0 ** rng.integers(0, 9, 50)
    for each in (*FORMATS, NumberFormat(".", " "), NumberFormat(",", "'")):
        texts = [f"{x:,.2f}" if each.thousands else f"{x:.2f}" for x in numbers]
        swap = str.maketrans(",.", f"{each.thousands or ','}{each.decimal}")
        np.testing.assert_allclose(
            each.parse([text.translate(swap) for text in texts]), np.round(numbers, 2)
        )


@pytest.mark.parametrize(
    ("text", "formats"),
    [
        ("950", set(FORMATS)),
        ("1.200", {POINT, POINT_GROUPED, POINT_APOSTROPHES, COMMA_GROUPED}),
        ("1,200", {COMMA, COMMA_GROUPED, COMMA_APOSTROPHES, POINT_GROUPED}),
        ("0.123", {POINT, POINT_GROUPED, POINT_APOSTROPHES}),
        ("1234,567", {COMMA, COMMA_GROUPED, COMMA_APOSTROPHES}),
        ("1'234", {POINT_APOSTROPHES, COMMA_APOSTROPHES}),
        ("1'234,5", {COMMA_APOSTROPHES}),
        ("1'23", set()),
        ("1 234", set()),
        ("1.234,5", {COMMA_GROUPED}),
        ("1,234.5", {POINT_GROUPED}),
        ("1.23.456", set()),
        ("1_200", set()),
        (".", set()),
    ],
)
def test_formats_in_which_a_text_is_a_number(text, formats):
    assert set(read_numbers([text], FORMATS)) == formats


COERCED = {
    "German": ("a;b\n1.200;1,5\n950;2,5\nk. A.;3\n", [1200, 950, np.nan]),
    "German decimals": ("a;b\n1,5;1\n2,25;2\nk. A.;3\n", [1.5, 2.25, np.nan]),
    "English": ('a,b\n"1,200",1\n950,2\nunknown,3\n', [1200, 950, np.nan]),
    "no number": ("a;b\n1.2.3;1,5\n950;2,5\nx;3\n", [np.nan, 950, np.nan]),
}


@pytest.mark.parametrize(("text", "wanted"), COERCED.values(), ids=COERCED)
def test_numbers_beside_text_that_counts_as_missing(tmp_path, text, wanted):
    """column_types={"a": "number"}. Oracle: the file without the row of text."""
    table = read_table(written(tmp_path, text))
    column = Column("a", table["a"], table.formats)
    np.testing.assert_array_equal(column.to_numbers(coerce=True), wanted)
    fitted = fit_encoder(table.drop("b"), {"a": "number"}).columns[0]
    assert fitted.median == np.nanmedian(wanted)


@pytest.mark.parametrize(
    "texts", [["1.200", "950", "x"], ["1,200", "x", "x"], ["1,5", "0.25", "x"]]
)
def test_numbers_beside_text_that_are_unclear_are_refused(texts):
    column = Column("a", np.array(texts, object))
    with pytest.raises(
        DataError, match=r"column 'a': expected numbers that can be read in one way"
    ):
        column.to_numbers(coerce=True)


def test_targets_of_text_in_a_frame_are_not_guessed():
    clear = np.array(["1.25", "950"], object)
    assert target_to_numeric("y", clear).tolist() == [1.25, 950]
    with pytest.raises(
        DataError, match=r"target 'y': expected numbers that can be read in one way"
    ):
        target_to_numeric("y", np.array(["1.200", "950"], object))
    for cells, fix in (
        (["12 %", "3 %"], "digits and a decimal"),
        (["1 200", "3 950"], "thousands="),
    ):
        with pytest.raises(DataError, match=f"target 'y': expected numbers, because.*{fix}.*; or"):
            target_to_numeric("y", np.array(cells, object))
