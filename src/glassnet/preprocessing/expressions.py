"""Derived columns: names, numbers, + - * / ( ), log, sqrt and abs, and nothing else.

Expressions may come from a model file. Each token is checked, names and numbers are replaced by
v0, v1, ..., and Python's parser reads what is left. Of its result, only the listed kinds of nodes
are evaluated; no code is ever compiled or run.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Callable, Mapping

import numpy as np

from glassnet.data.column_values import to_float
from glassnet.errors import ConfigError, DataError, lookup, message, require

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)(?![\w.])|(?P<name>`[^`]+`|[\w.]+)|(?P<sign>[-+*/()]))"
)

CALL = re.compile(r"\s*\(")

MAX_DEPTH = 100
"""Maximum depth of brackets, which bounds the recursion."""

MAX_OPERATORS = 1000
"""Maximum number of operators: Python's parser gives up on much longer sums."""

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
}

OPERATORS: dict[type[ast.operator], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
}

MINUS = "- "
"""A minus before a value in the source for Python's parser; two of them cancel."""

FIX = "Use columns, numbers, + - * / ( ), log, sqrt and abs."


def evaluate_expression(
    name: str, expression: str, columns: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Return the column of an expression, row by row; a value that is not finite becomes NaN.

    Args:
        name: name of the new column, for error messages.
        expression: such as "GrLivArea + TotalBsmtSF". A name with characters other than letters,
            digits, _ and . is written in `backticks`.
        columns: the columns that it may use: numbers, or booleans as 0 and 1.

    Raises:
        ConfigError: an invalid expression (the position is given); an unknown column.
        DataError: a column that does not hold numbers.

    Example:
        >>> columns = {"length": np.array([2.0]), "width": np.array([4.0])}
        >>> evaluate_expression("area", "(length + 1) * width", columns).tolist()
        [12.0]
    """
    who = f"derive: {name}"
    require(isinstance(expression, str), who, "an expression as text", expression=expression)
    steps = ((sign == "(") - (sign == ")") for sign in expression)
    depth = max(itertools.accumulate(steps), default=0)
    require(depth < MAX_DEPTH, who, f"brackets less than {MAX_DEPTH} deep", deep=depth)
    source, operands = _to_python(who, expression, columns)
    n_operators = sum(part in "+-*/" for part in source)
    expected = f"at most {MAX_OPERATORS} operators"
    require(n_operators <= MAX_OPERATORS, who, expected, operators=n_operators)
    tree = ast.parse("".join(source), mode="eval")
    with np.errstate(all="ignore"):
        value = evaluate_tree(who, tree.body, operands)
    value = np.broadcast_to(value, len(next(iter(columns.values()))))
    return np.where(np.isfinite(value), value, np.nan)


def find_names(expression: str) -> list[str]:
    """Return the names in an expression, of columns and functions."""
    tokens = TOKEN.finditer(str(expression))
    return [token["name"].strip("`") for token in tokens if token["name"]]


def evaluate_tree(who: str, node: ast.expr, operands: Mapping[str, np.ndarray]) -> np.ndarray:
    """Evaluate a parsed expression; a long sum or product takes no recursion.

    Args:
        who: the start of an error message.
        node: what Python's parser returns.
        operands: values by name.

    Raises:
        ConfigError: a kind of node other than a known name, + - * /, a minus and `FUNCTIONS`.
    """
    pending = []
    while isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        pending.append((OPERATORS[type(node.op)], node.right))
        node = node.left
    match node:
        case ast.Name(id=name) if name in operands:
            value = operands[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = -evaluate_tree(who, operand, operands)
        case ast.Call(func=ast.Name(id=name), args=[x], keywords=[]) if name in FUNCTIONS:
            value = FUNCTIONS[name](evaluate_tree(who, x, operands))
        case _:
            raise ConfigError(message(who, "arithmetic", received=type(node).__name__, fix=FIX))
    for operator, right in reversed(pending):
        value = operator(value, evaluate_tree(who, right, operands))
    return value


def _to_python(
    who: str, text: str, columns: Mapping[str, np.ndarray]
) -> tuple[list[str], dict[str, np.ndarray]]:
    """Check the order of the tokens; return them with variables, and the variables' values."""
    source: list[str] = []
    variables: dict[str, str] = {}
    operands: dict[str, np.ndarray] = {}
    position, end, depth, has_value = 0, len(text.rstrip()), 0, False

    def expect(ok: object, expected: str) -> None:
        if not ok:
            rest = text[position:].strip()[:20] or "the end"
            raise ConfigError(message(who, expected, expression=text, where=rest, fix=FIX))

    while position < end:
        token = TOKEN.match(text, position)
        sign, word = (token["sign"] or "", token["number"] or token["name"]) if token else ("", "")
        if has_value:
            fits = sign and (sign in "+-*/" or (sign == ")" and depth))
            expect(fits, "a closing bracket" if depth else "an operator: + - * /")
            has_value = sign == ")"
            depth -= has_value
            source.append(sign)
        elif sign == "-" and source[-1:] == [MINUS]:
            source.pop()
        elif sign == "-":
            source.append(MINUS)
        elif sign == "(":
            source.append(sign)
            depth += 1
        else:
            expect(word, "a column, a number or a bracket")
            assert token is not None
            has_value = word not in FUNCTIONS or not CALL.match(text, token.end())
            if has_value and word not in variables:
                variables[word] = f"v{len(variables)}"
                operands[variables[word]] = _read_operand(who, token, columns)
            source.append(variables[word] if has_value else word)
        position = token.end() if token else end
    expect(has_value, "a column, a number or a bracket")
    expect(not depth, "a closing bracket")
    return source, operands


def _read_operand(who: str, token: re.Match[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return a number, or a column as float64; text is read if all of it is numbers."""
    if token["number"]:
        return np.array(float(token["number"]))
    name = token["name"].strip("`")
    column = lookup(f"{who}: column", name, columns)
    has_dates = column.dtype.kind == "M"
    x, text = (column, []) if has_dates else to_float(column)
    fits, holds = not has_dates and not text, "dates" if has_dates else "text"
    expected = "columns of numbers"
    require(fits, who, expected, error=DataError, column=name, holds=holds)
    return x
