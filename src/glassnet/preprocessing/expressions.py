"""Derived columns, by a closed grammar: names, numbers, + - * / ( ), log, sqrt and abs."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping

import numpy as np

from glassnet.data.parsing import parse_float
from glassnet.errors import ConfigError, DataError, lookup, message, require

TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)(?![\w.])|(?P<name>`[^`]+`|[\w.]+)|(?P<sign>[-+*/()]))"
)

MAX_DEPTH = 100
"""Maximum depth of brackets, which bounds the recursion."""

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
}


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
    with np.errstate(all="ignore"):
        value = _Parser(name, expression, columns).parse()
    value = np.broadcast_to(value, len(next(iter(columns.values()))))
    return np.where(np.isfinite(value), value, np.nan)


def find_names(expression: str) -> list[str]:
    """Return the names in an expression, of columns and functions."""
    tokens = TOKEN.finditer(str(expression))
    return [token["name"].strip("`") for token in tokens if token["name"]]


class _Parser:
    """A recursive descent parser that evaluates an expression: sums of products of factors."""

    def __init__(self, name: str, text: str, columns: Mapping[str, np.ndarray]):
        self.name, self.text, self.columns, self.position = f"derive: {name}", text, columns, 0

    def parse(self) -> np.ndarray:
        value = self.parse_sum()
        self.expect(not self.text[self.position :].strip(), "an operator: + - * /")
        return value

    def parse_sum(self) -> np.ndarray:
        value = self.parse_product()
        while sign := self.accept("+-"):
            value = value + self.parse_product() if sign == "+" else value - self.parse_product()
        return value

    def parse_product(self) -> np.ndarray:
        value = self.parse_factor()
        while sign := self.accept("*/"):
            value = value * self.parse_factor() if sign == "*" else value / self.parse_factor()
        return value

    def parse_factor(self) -> np.ndarray:
        sign = 1
        while self.accept("-"):
            sign = -sign
        return sign * self.parse_atom()

    def parse_atom(self) -> np.ndarray:
        if self.accept("("):
            return self.parse_parentheses()
        token = TOKEN.match(self.text, self.position)
        self.expect(token and not token["sign"], "a column, a number or a bracket")
        assert token is not None
        self.position = token.end()
        if token["number"]:
            return np.array(float(token["number"]))
        if token["name"] in FUNCTIONS and self.accept("("):
            return FUNCTIONS[token["name"]](self.parse_parentheses())
        return self.get_column(token["name"].strip("`"))

    def parse_parentheses(self) -> np.ndarray:
        value = self.parse_sum()
        self.expect(self.accept(")"), "a closing bracket")
        return value

    def get_column(self, name: str) -> np.ndarray:
        """Return a column as float64; text is read if all of it is numbers."""
        column = lookup(f"{self.name}: column", name, self.columns)
        holds = "dates" if column.dtype.kind == "M" else "text"
        if column.dtype.kind == "O":
            numbers = [np.nan if value is None else parse_float(value) for value in column]
            if all(v is None or not np.isnan(x) for v, x in zip(column, numbers, strict=True)):
                column = np.array(numbers)
        require(
            column.dtype.kind in "fb",
            self.name,
            "columns of numbers",
            error=DataError,
            column=name,
            holds=holds,
        )
        return column.astype(float)

    def accept(self, operators: str) -> str:
        """Read the next token if it is one of these operators; else return an empty string."""
        token = TOKEN.match(self.text, self.position)
        if not token or not token["sign"] or token["sign"] not in operators:
            return ""
        self.position = token.end()
        return token["sign"]

    def expect(self, ok: object, expected: str) -> None:
        """Raise a `ConfigError` at the current position unless `ok`."""
        if not ok:
            rest = self.text[self.position :].strip()[:20] or "the end"
            fix = "Use columns, numbers, + - * / ( ), log, sqrt and abs."
            raise ConfigError(
                message(self.name, expected, expression=self.text, where=rest, fix=fix)
            )
