"""The one formatter of numbers, and that no other one is used."""

import ast
import math
import re
from pathlib import Path

import numpy as np
import pytest

from glassnet.formatting import (
    format_duration,
    format_logs,
    format_number,
    format_share,
    merge_like_lines,
)

SRC = Path(__file__).parents[1] / "src" / "glassnet"

OTHER_FORMATS = {
    "formatting.py": "the formatter",
    "data/image_files.py": "gigabytes of a disk",
    "data/time_index.py": "times, which are exact",
    "inspection/trace/render_html.py": "the opacity of a color, in CSS",
    "plots/datasets.py": "a correlation in the title of a small figure",
}
"""Files that format a float by a format specification, and what they format."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (-1 / 3, "-0.3333"),
        (9.99949, "9.999"),
        (12.3456, "12.35"),
        (999.94, "999.9"),
        (999.96, "1,000"),
        (-1234.5, "-1,234"),
        (180_921.3, "180,921"),
        (1e15, "1e+15"),
        (1.23456e-5, "1.235e-05"),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (np.float32(0.1), "0.1"),
        (np.int64(7), "7"),
    ],
)
def test_numbers_have_four_digits(value, text):
    """Oracle: rounded by hand to four significant digits, from 1,000 on to an integer."""
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.6931472, "0.693147"), (1234.567, "1,234.57"), (123_456.7, "123,457"), (1e6, "1,000,000")],
)
def test_numbers_of_six_digits(value, text):
    """Oracle: rounded by hand."""
    assert format_number(value, digits=6) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (12, "12"),
        (0.001, "0.0010"),
        (-9.99994, "-9.9999"),
        (12.3456, "12.35"),
        (-123_456.7, "-123,457"),
        (1_234_567, "1.2e+06"),
        (0.0007, "0.0007"),
        (-0.00071234, "-7.1e-04"),
        (-1.23456e-5, "-1.2e-05"),
        (8.77e-5, "8.8e-05"),
    ],
)
def test_cells_of_a_trace_have_eight_characters(value, text):
    """Oracle: rounded by hand; `-1.2e-05` has eight characters."""
    assert format_number(value, decimals=4, width=8) == text
    assert len(text) <= 8


def test_logs_are_aligned():
    """Oracle: by hand. Four decimals below 10, then four digits, with their zeros."""
    first = format_logs({"loss": 2.30258, "accuracy": 0.5, "mae": 9.70439}, aligned=True)
    later = format_logs({"loss": 0.01234, "accuracy": 1.0, "mae": 0.00456}, aligned=True)
    assert first == "loss 2.3026  accuracy 0.5000  mae 9.7044"
    assert later == "loss 0.0123  accuracy 1.0000  mae 0.0046"
    logs = {"a": 143.0, "b": 20_511.2, "c": 4.1e-5}
    assert format_logs(logs, aligned=True) == "a 143.0  b 20,511  c 4.100e-05"
    assert format_logs(logs) == "a 143, b 20,511, c 4.1e-05"


@pytest.mark.parametrize(("value", "text"), [(0.8258, "0.826"), (1, "1.000"), (-0.0004, "0.000")])
def test_shares_have_three_decimals(value, text):
    """Oracle: rounded by hand; there is no minus before zero."""
    assert format_share(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s")],
)
def test_durations(seconds, text):
    """Oracle: by hand. 200 s are 3 * 60 s and 20 s."""
    assert format_duration(seconds) == text


def find_float_formats(code):
    """Return the format specifications of floats in the f-strings and % formats of `code`."""
    specs = []
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
            parts = (getattr(part, "value", "") for part in node.format_spec.values)
            specs.append("".join(part for part in parts if isinstance(part, str)))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            specs += re.findall(r"%([\d.]*[efg])", str(getattr(node.left, "value", "")))
    return [spec for spec in specs if spec[-1:] in ("e", "f", "g", "%")]


def test_there_is_one_formatter():
    """Oracle: the syntax tree of every file. New code calls `format_number` or `format_share`."""
    files = {
        str(path.relative_to(SRC).as_posix())
        for path in SRC.rglob("*.py")
        if find_float_formats(path.read_text(encoding="utf-8"))
    }
    assert files == set(OTHER_FORMATS)


def test_other_formats_are_found():
    code = 'f"{x:.4g} {n:,} {name:>8} {y:.{k}f} {share:.0%}"; "%.2e" % z'
    assert sorted(find_float_formats(code)) == [".0%", ".2e", ".4g", ".f"]


@pytest.mark.parametrize(
    ("lines", "merged"),
    [
        ([], []),
        (["a: dates", "b: dates", "c: dates"], ["a: dates", "b: dates", "c: dates"]),
        (
            ["y: 2 labels", *(f"w{i}: -{i} in {i} rows" for i in range(1, 401)), "done"],
            ["y: 2 labels", "w1, w2, w3 and 397 more: -1 in 1 rows", "done"],
        ),
        (
            [f'{name}: quoted; types={{"{name}": "number"}} reads it' for name in "abcd"],
            ['a, b, c and 1 more: quoted; types={"a": "number"} reads it'],
        ),
        (
            [f"column names, including '{i}'" for i in (400, 401, 402.5, 403, 404)],
            ["column names, including '400', '401', '402.5' and 2 more"],
        ),
        (["again"] * 5, ["again (5 times)"]),
        (
            [f"{name}: {name} lacks a value" for name in ("ab", "cd", "ef", "gh", "ij", "kl")],
            ["ab, cd, ef and 3 more: ab lacks a value"],
        ),
        (
            ["a: dates", "b: text", "c: dates", "d: text", "e: dates", "f: dates"],
            ["a, c, e and 1 more: dates", "b: text", "d: text"],
        ),
    ],
)
def test_like_lines_are_merged(lines, merged):
    """Oracle: by hand. More than three lines that differ in names, quotes and numbers are one."""
    assert merge_like_lines(lines) == merged
