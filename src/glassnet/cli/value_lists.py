"""Options that take several values: lists such as 0.1,0.01 and ranges such as 1e-4..1e-1:7."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import click

from glassnet.cli import arguments
from glassnet.formatting import format_number

MAX_VALUES = 1000
"""Maximum number of values of one range."""

VALUES_PER_DECADE = 2
"""Number of values for each factor of 10, in a range of factors that names no number of values."""

N_STEPS = 5
"""Number of steps of a range of steps that names no number of values: 0..0.5 has steps of 0.1."""

RANGE_DIGITS = 3
"""Significant digits of the values between the ends of a range."""


class ValueList(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """Values separated by commas, each of which may be a range: `0,1e-3..1e-1` is a tuple of 6.

    A subclass reads one value and fills a range.
    """

    expected = ""
    """What the values are, with examples."""

    def parse(self, text: str) -> Any:
        """Return the value of a text.

        Raises:
            ValueError: there is none.
        """
        raise NotImplementedError

    def fill(self, low: Any, high: Any, n: int | None) -> Iterable[Any]:
        """Return the values of a range of numbers.

        Args:
            low: smaller end.
            high: larger end.
            n: number of values; None for the default.

        Raises:
            ValueError: the range is not possible; the text says what is expected.
        """
        raise NotImplementedError

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        if isinstance(value, tuple):
            return value
        values: list[Any] = []
        for part in map(str.strip, str(value).split(",")):
            try:
                values += self._read_range(part) if ".." in part else [self._read(part)]
            except ValueError as error:
                expected, *hints = error.args
                text = " ".join([f"expected {expected}. Received: {part!r}.", *hints])
                self.fail(text, param, ctx)
        return tuple(dict.fromkeys(values))

    def _read(self, text: str) -> Any:
        try:
            return self.parse(text)
        except ValueError:
            raise ValueError(self.expected) from None

    def _read_range(self, text: str) -> Iterable[Any]:
        ends, sign, count = text.partition(":")
        low, _, high = ends.partition("..")
        first, last = self._read(low), self._read(high)
        if isinstance(first, str) or isinstance(last, str):
            raise ValueError("numbers as the ends of a range")
        if first == last:
            raise ValueError("a range with two different ends")
        if first > last:
            hint = f"Did you mean {high}..{low}{sign}{count}?"
            raise ValueError("a range from the smaller to the larger number", hint)
        if sign and not (arguments.is_count(count) and 2 <= int(count) <= MAX_VALUES):
            most = format_number(MAX_VALUES)
            raise ValueError(f"2 to {most} values after the colon, as in {ends}:5")
        return self.fill(first, last, int(count) if sign else None)


class NumberList(ValueList):
    """Numbers. The values of a range are factors or steps apart.

    Args:
        low: smallest number.
        high: numbers are below it.
        is_low_included: whether `low` itself is allowed.
        by_factors: whether the values of a range are equal factors apart, not equal steps.
        expected: see `ValueList`.
    """

    name = "numbers"

    def __init__(
        self, low: float, high: float, *, is_low_included: bool, by_factors: bool, expected: str
    ) -> None:
        self.low, self.high = low, high
        self.is_low_included, self.by_factors = is_low_included, by_factors
        self.expected = expected

    def parse(self, text: str) -> float:
        number = float(text)
        fits = self.low <= number if self.is_low_included else self.low < number
        if not (fits and number < self.high):
            raise ValueError
        return number

    def fill(self, low: float, high: float, n: int | None) -> Iterator[float]:
        if self.by_factors and low == 0:
            raise ValueError(
                "a range that begins above 0, as its values are equal factors apart; 0 can be a "
                "value of its own, as in 0,1e-5..1e-2"
            )
        if n is None:
            n = N_STEPS + 1
            if self.by_factors:
                n = max(3, round(VALUES_PER_DECADE * math.log10(high / low)) + 1)
        shares = [i / (n - 1) for i in range(1, n - 1)]
        between = (
            (low * (high / low) ** share if self.by_factors else low + share * (high - low))
            for share in shares
        )
        return iter([low, *map(_round, between), high])


class CountList(ValueList):
    """Whole numbers >= 1, or one of several words. A range doubles: `16..128` is 16, 32, 64, 128.

    Args:
        expected: see `ValueList`.
        words: texts that are values too.
    """

    name = "counts"

    def __init__(self, expected: str, words: tuple[str, ...] = ()) -> None:
        self.expected, self.words = expected, words

    def parse(self, text: str) -> int | str:
        if text in self.words:
            return text
        if not arguments.is_count(text):
            raise ValueError
        return int(text)

    def fill(self, low: int, high: int, n: int | None) -> Iterator[int]:
        if n is None:
            n = max(2, round(math.log2(high / low)) + 1)
        return (round(low * (high / low) ** (i / (n - 1))) for i in range(n))


class NameList(ValueList):
    """Names, such as those of optimizers."""

    name = "names"

    def __init__(self, expected: str) -> None:
        self.expected = expected

    def parse(self, text: str) -> str:
        if not text:
            raise ValueError
        return text


def _round(number: float) -> float:
    """Return a number above 0 with `RANGE_DIGITS` significant digits."""
    return round(number, RANGE_DIGITS - 1 - math.floor(math.log10(number)))


LEARNING_RATES = NumberList(
    0,
    math.inf,
    is_low_included=False,
    by_factors=True,
    expected="learning rates above 0, such as 0.1,0.01 or 1e-4..1e-1 or 1e-4..1e-1:7",
)
PENALTIES = NumberList(
    0,
    math.inf,
    is_low_included=True,
    by_factors=True,
    expected="numbers >= 0, such as 0,0.001 or 1e-5..1e-2",
)
DROPOUT_RATES = NumberList(
    0,
    1,
    is_low_included=True,
    by_factors=False,
    expected="rates from 0 to below 1, such as 0,0.3 or 0..0.5",
)
BATCH_SIZES = CountList("numbers of rows >= 1 or full, such as 16,32,full or 16..128", ("full",))
OPTIMIZERS = NameList("names of optimizers, such as adam,sgd")
ACTIVATIONS = NameList("names of activations, such as relu,tanh")
