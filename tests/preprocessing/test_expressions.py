"""Derived columns: the grammar, and the error for everything else. Oracle: NumPy, messages."""

import numpy as np
import pytest

from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing.expressions import evaluate_expression

COLUMNS = {
    "1stFlrSF": np.array([1.0, 2.0, 0.0]),
    "odd name": np.array([3.0, np.nan, -5.0]),
    "flag": np.array([True, False, True]),
    "log": np.array([1.0, 2.0, 3.0]),
    "sex": np.array(["m", "f", None], object),
    "day": np.array(["2024-01-01"] * 3, "datetime64[s]"),
}
A, B = COLUMNS["1stFlrSF"], COLUMNS["odd name"]


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("1stFlrSF", A),
        ("1stFlrSF + `odd name` * 2", A + B * 2),
        ("(1stFlrSF + `odd name`) * 2", (A + B) * 2),
        ("1stFlrSF - 1 - 1", A - 1 - 1),
        ("8 / 4 / 2 + 0 * log", [1, 1, 1]),
        ("-1stFlrSF - -3.5e0", 3.5 - A),
        ("--log", [1, 2, 3]),
        ("flag * 2", [2, 0, 2]),
        ("log(log)", np.log([1, 2, 3])),
        ("sqrt(abs(`odd name`) + 1)", np.sqrt(np.abs(B) + 1)),
        ("1 / 1stFlrSF", [1, 0.5, np.nan]),
        ("log(1stFlrSF - 1)", [np.nan, 0, np.nan]),
        ("2", [2, 2, 2]),
        ("- " * 5001 + "log", [-1, -2, -3]),
    ],
)
def test_arithmetic(expression, wanted):
    np.testing.assert_allclose(evaluate_expression("new", expression, COLUMNS), wanted, rtol=1e-12)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        (
            "1stFlrSF +",
            "derive: new: expected a column, a number or a bracket. Received: expression='1stFlrSF +', where='the end'",
        ),
        (
            "1stFlrSF log",
            "expected an operator: + - * /. Received: expression='1stFlrSF log', where='log'",
        ),
        (
            "(1stFlrSF",
            "expected a closing bracket. Received: expression='(1stFlrSF', where='the end'. Use columns, numbers",
        ),
        (
            "log ** 2",
            "expected a column, a number or a bracket. Received: expression='log ** 2', where='* 2'",
        ),
        (
            "log(log, 2)",
            "expected a closing bracket. Received: expression='log(log, 2)', where=', 2)'",
        ),
        ("", "expected a column, a number or a bracket"),
        (
            "__import__('os')",
            "derive: new: column: expected one of 1stFlrSF, odd name, flag, log, sex, day. Received: name='__import__'",
        ),
        ("1stFlrS + 1", "Did you mean '1stFlrSF'?"),
        ("log.real", "Received: name='log.real'"),
        (3, "expected an expression as text. Received: expression=3"),
        ("(" * 5000 + "log" + ")" * 5000, "expected brackets less than 100 deep"),
    ],
)
def test_what_is_outside_the_grammar(expression, problem):
    with pytest.raises(ConfigError) as caught:
        evaluate_expression("new", expression, COLUMNS)
    assert problem in str(caught.value)


@pytest.mark.parametrize(("name", "kind"), [("sex", "text"), ("day", "dates")])
def test_columns_of_no_numbers(name, kind):
    with pytest.raises(
        DataError,
        match=rf"derive: new: expected columns of numbers. Received: column='{name}', holds='{kind}'",
    ):
        evaluate_expression("new", f"{name} + 1", COLUMNS)
