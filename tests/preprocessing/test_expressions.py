"""Derived columns: the grammar, and the error for everything else. Oracle: NumPy, messages."""

import ast

import numpy as np
import pytest

from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing.expressions import (
    MAX_DEPTH,
    MAX_OPERATORS,
    evaluate_expression,
    evaluate_tree,
    find_names,
)

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


ATTACKS = [
    "log.__class__.__bases__",
    "().__class__",
    "log.__globals__['os']",
    "log[0]",
    "log(log)(log)",
    "log(x=log)",
    "log(*log)",
    "log(**log)",
    "log(log, x=log)",
    "log(log, **log)",
    "abs(log, log)",
    "abs()",
    "eval('1')",
    "__import__('os').system('true')",
    "open('/etc/passwd')",
    "lambda: log",
    "[x for x in log]",
    "{x for x in log}",
    "(x for x in log)",
    "{log: log}",
    "[log, log]",
    "(log, log)",
    "(x := log)",
    "x = log",
    "f'{log}'",
    "'text'",
    "b'bytes'",
    "await log",
    "yield log",
    "*log",
    "log if flag else log",
    "log and flag",
    "not log",
    "+log",
    "~log",
    "log < flag",
    "log == flag",
    "log // flag",
    "log % flag",
    "log ** flag",
    "log << flag",
    "log @ flag",
    "log << 9999999999",
    "log | flag",
    "log ** 2",
    "10**10**10",
    "9**9**9**9",
    "2j",
    "1_000",
    "0x10",
    "True",
    "None",
    "...",
    "log; log",
    "log # comment",
    "log \\\n + log",
    "log\x00",
    "\x00",
    "\ufeff",
    "log\nimport os",
    "log)(",
    "{log}",
    "log$",
    "`log",
    "``",
    "log,",
    "@log",
]


@pytest.mark.parametrize("expression", ATTACKS)
def test_code_is_refused_before_python_parses_it(expression, monkeypatch):
    def parse(*_, **__):
        raise AssertionError("parsed")

    monkeypatch.setattr(ast, "parse", parse)
    with pytest.raises(ConfigError, match=r"derive: new: (column: )?expected"):
        evaluate_expression("new", expression, COLUMNS)


@pytest.mark.parametrize("expression", ATTACKS)
def test_nodes_of_code_are_refused_even_if_python_parses_it(expression):
    """The second lock: the tree of every attack that is valid Python."""
    try:
        tree = ast.parse(expression, mode="eval")
    except (SyntaxError, ValueError):
        return
    if expression in ("log # comment", "log \\\n + log"):
        return  # for Python, too, these are plain arithmetic
    with pytest.raises(
        ConfigError, match=r"new: expected arithmetic\. Received: received='\w+'\. Use"
    ):
        evaluate_tree("new", tree.body, {"log": A, "flag": A})


def test_most_attacks_are_valid_python():
    """Else the test above would compare nothing."""
    n_valid = 0
    for expression in ATTACKS:
        try:
            ast.parse(expression, mode="eval")
            n_valid += 1
        except (SyntaxError, ValueError):
            continue
    assert n_valid >= 40


def test_deep_and_long_expressions_are_read_and_endless_ones_refused():
    """Oracle: by hand. The deepest and the longest allowed, and one step more."""
    columns = {"a": np.array([2.0, 3.0])}
    depth = MAX_DEPTH - 1
    for opening, wanted in (("(", [2, 3]), ("abs(", [2, 3]), ("-(", [-2, -3]), ("0+1*(", [2, 3])):
        expression = opening * depth + "a" + ")" * depth
        assert evaluate_expression("new", expression, columns).tolist() == wanted
        with pytest.raises(
            ConfigError, match=r"expected brackets less than 100 deep\. Received: deep="
        ):
            evaluate_expression("new", f"({expression})", columns)
    for operator, wanted in (("+", [2002, 3003]), ("-", [-1998, -2997]), ("*0+", [2, 3])):
        n = MAX_OPERATORS // len(operator.replace("0", ""))
        expression = "a" + f"{operator}a" * n
        assert evaluate_expression("new", expression, columns).tolist() == wanted
        with pytest.raises(
            ConfigError, match=r"expected at most 1000 operators\. Received: operators=100"
        ):
            evaluate_expression("new", f"{expression}+a", columns)
    with pytest.raises(ConfigError, match="expected at most 1000 operators"):
        evaluate_expression("new", "a" + "-a" * 100_000, columns)
    huge = evaluate_expression("new", "9" * 100_000, columns)
    np.testing.assert_array_equal(huge, [np.nan, np.nan])


def test_a_column_may_have_any_name():
    """Python would read \ufb01 (a ligature) as fi, and refuses its keywords as names."""
    columns = {
        name: np.array([float(10**i)])
        for i, name in enumerate(["fi", "\ufb01", "lambda", "None", "v0", "x.y", "2", "a`b", "é"])
    }
    for name, value in columns.items():
        if "`" not in name:
            assert evaluate_expression("new", f"`{name}` + 0", columns) == value
    total = evaluate_expression("new", "v0 + fi + \ufb01 + lambda + None + x.y + é + `2`", columns)
    assert total.tolist() == [101_111_111]
    assert find_names("\ufb01 + fi") == ["\ufb01", "fi"]
    with pytest.raises(ConfigError, match="expected one of fi, "):
        evaluate_expression("new", "e\u0301", {"fi": A, "é": A})
