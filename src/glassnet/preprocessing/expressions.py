"""Columns made of others by a closed grammar: names, numbers, + - * / ( ), and log, sqrt, abs.
Nothing else can be said in it.
"""

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
"""Brackets that are no longer an expression but an attack on the stack."""

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "log": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
}


def evaluate_expression(
    name: str, expression: str, columns: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The column that an expression makes of others, row by row; what is no finite number there
    (log 0, 1 / 0) is missing.

    Args:
        name: of the new column, for errors.
        expression: such as "GrLivArea + TotalBsmtSF"; a name that holds more than letters, digits,
            _ and . stands in `backticks`.
        columns: the columns it may name: numbers, or truths as 0 and 1.

    Raises:
        ConfigError: an expression outside the grammar (where it goes wrong is named); a column that
            does not exist.
        DataError: a column that holds no numbers.

    Example:
        >>> evaluate_expression("area", "(length + 1) * width", {"length": np.array([2.0]), "width": np.array([4.0])}).tolist()
        [12.0]
    """
    require(
        isinstance(expression, str),
        f"derive: {name}",
        "an expression as text",
        expression=expression,
    )
    nested = max(
        itertools.accumulate((sign == "(") - (sign == ")") for sign in expression), default=0
    )
    require(
        nested < MAX_DEPTH, f"derive: {name}", f"brackets less than {MAX_DEPTH} deep", deep=nested
    )
    with np.errstate(all="ignore"):
        value = _Parser(name, expression, columns).parse()
    value = np.broadcast_to(value, len(next(iter(columns.values()))))
    return np.where(np.isfinite(value), value, np.nan)


def find_names(expression: str) -> list[str]:
    """The names in an expression, of columns and functions."""
    return [found["name"].strip("`") for found in TOKEN.finditer(str(expression)) if found["name"]]


class _Parser:
    """Reads an expression from left to right and works it out: sums of products of factors."""

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
        found = TOKEN.match(self.text, self.position)
        self.expect(found and not found["sign"], "a column, a number or a bracket")
        assert found is not None
        self.position = found.end()
        if found["number"]:
            return np.array(float(found["number"]))
        if found["name"] in FUNCTIONS and self.accept("("):
            return FUNCTIONS[found["name"]](self.parse_parentheses())
        return self.get_column(found["name"].strip("`"))

    def parse_parentheses(self) -> np.ndarray:
        value = self.parse_sum()
        self.expect(self.accept(")"), "a closing bracket")
        return value

    def get_column(self, name: str) -> np.ndarray:
        column = lookup(f"{self.name}: column", name, self.columns)
        holds = "dates" if column.dtype.kind == "M" else "text"
        if column.dtype.kind == "O" and all(
            value is None or not np.isnan(parse_float(value)) for value in column
        ):
            column = np.array([np.nan if value is None else parse_float(value) for value in column])
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
        found = TOKEN.match(self.text, self.position)
        if not found or not found["sign"] or found["sign"] not in operators:
            return ""
        self.position = found.end()
        return found["sign"]

    def expect(self, ok: object, expected: str) -> None:
        if not ok:
            there = self.text[self.position :].strip()[:20] or "the end"
            grammar = "There are columns, numbers, + - * / ( ), log, sqrt and abs."
            raise ConfigError(
                message(self.name, expected, expression=self.text, where=there, fix=grammar)
            )
