"""Columns made of others by a closed grammar: names, numbers, + - * / ( ), and log, sqrt, abs. Nothing else can be said in it."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping

import numpy as np

from glassnet.data.parsing import number
from glassnet.errors import ConfigError, DataError, lookup, message, require

TOKEN = re.compile(r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?)(?![\w.])|(?P<name>`[^`]+`|[\w.]+)|(?P<sign>[-+*/()]))")

DEPTH = 100
"""Brackets that are no longer an expression but an attack on the stack."""

FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"log": np.log, "sqrt": np.sqrt, "abs": np.abs}


def derived(name: str, expression: str, columns: Mapping[str, np.ndarray]) -> np.ndarray:
    """The column that an expression makes of others, row by row; what is no finite number there (log 0, 1 / 0) is missing.

    Args:
        name: of the new column, for errors.
        expression: such as "GrLivArea + TotalBsmtSF"; a name that holds more than letters, digits, _ and . stands in `backticks`.
        columns: the columns it may name: numbers, or truths as 0 and 1.

    Raises:
        ConfigError: an expression outside the grammar (where it goes wrong is named); a column that does not exist.
        DataError: a column that holds no numbers.

    Example:
        >>> derived("area", "(length + 1) * width", {"length": np.array([2.0]), "width": np.array([4.0])}).tolist()
        [12.0]
    """
    require(isinstance(expression, str), f"derive: {name}", "an expression as text", expression=expression)
    nested = max(itertools.accumulate((sign == "(") - (sign == ")") for sign in expression), default=0)
    require(nested < DEPTH, f"derive: {name}", f"brackets less than {DEPTH} deep", deep=nested)
    with np.errstate(all="ignore"):
        value = _Reader(name, expression, columns).whole()
    value = np.broadcast_to(value, len(next(iter(columns.values()))))
    return np.where(np.isfinite(value), value, np.nan)


def named(expression: str) -> list[str]:
    """The names in an expression, of columns and functions."""
    return [found["name"].strip("`") for found in TOKEN.finditer(str(expression)) if found["name"]]


class _Reader:
    """Reads an expression from left to right and works it out: sums of products of factors."""

    def __init__(self, name: str, text: str, columns: Mapping[str, np.ndarray]):
        self.name, self.text, self.columns, self.at = f"derive: {name}", text, columns, 0

    def whole(self) -> np.ndarray:
        value = self.sum()
        self.expect(not self.text[self.at :].strip(), "an operator: + - * /")
        return value

    def sum(self) -> np.ndarray:
        value = self.product()
        while sign := self.take("+-"):
            value = value + self.product() if sign == "+" else value - self.product()
        return value

    def product(self) -> np.ndarray:
        value = self.factor()
        while sign := self.take("*/"):
            value = value * self.factor() if sign == "*" else value / self.factor()
        return value

    def factor(self) -> np.ndarray:
        sign = 1
        while self.take("-"):
            sign = -sign
        return sign * self.value()

    def value(self) -> np.ndarray:
        if self.take("("):
            return self.bracket()
        found = TOKEN.match(self.text, self.at)
        self.expect(found and not found["sign"], "a column, a number or a bracket")
        assert found is not None
        self.at = found.end()
        if found["number"]:
            return np.array(float(found["number"]))
        if found["name"] in FUNCTIONS and self.take("("):
            return FUNCTIONS[found["name"]](self.bracket())
        return self.column(found["name"].strip("`"))

    def bracket(self) -> np.ndarray:
        value = self.sum()
        self.expect(self.take(")"), "a closing bracket")
        return value

    def column(self, name: str) -> np.ndarray:
        column = lookup(f"{self.name}: column", name, self.columns)
        holds = "dates" if column.dtype.kind == "M" else "text"
        if column.dtype.kind == "O" and all(value is None or not np.isnan(number(value)) for value in column):
            column = np.array([np.nan if value is None else number(value) for value in column])
        require(column.dtype.kind in "fb", self.name, "columns of numbers", error=DataError, column=name, holds=holds)
        return column.astype(float)

    def take(self, signs: str) -> str:
        found = TOKEN.match(self.text, self.at)
        if not found or not found["sign"] or found["sign"] not in signs:
            return ""
        self.at = found.end()
        return found["sign"]

    def expect(self, ok: object, what: str) -> None:
        if not ok:
            there = self.text[self.at :].strip()[:20] or "the end"
            grammar = "There are columns, numbers, + - * / ( ), log, sqrt and abs."
            raise ConfigError(message(self.name, what, expression=self.text, where=there, fix=grammar))
