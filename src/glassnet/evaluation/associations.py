"""How closely two columns belong together: numbers, categories, or one of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from glassnet.types import Array

MIN_ROWS = 3
"""Least number of rows from which two columns are compared."""


@dataclass(frozen=True, eq=False)
class Variable:
    """A column as statistics see it.

    Attributes:
        name: name of the column.
        values: numbers, NaN if missing; or the codes of categories, integers from 0.
        is_categorical: whether the values are codes.
        categories: name of each code.
    """

    name: str
    values: Array
    is_categorical: bool = False
    categories: tuple[str, ...] = ()


class Association(NamedTuple):
    """How closely two columns belong together.

    Attributes:
        value: from -1 to 1 for two columns of numbers, else from 0 to 1; NaN if it is not defined.
        measure: "r", "eta" or "V": see `associate`.
        n_rows: number of rows in which both have a value.
    """

    value: float
    measure: str
    n_rows: int


def associate(a: Variable, b: Variable) -> Association:
    """Return the association of two columns, from the rows in which both have a value.

    Two columns of numbers: Pearson's correlation r = cov(a, b) / (std(a) std(b)), negative if one
    falls while the other rises. A number and a category: the correlation ratio eta, the root of the
    share of the variance that is between the categories. Two categories: Cramér's V. A missing
    category is a category of its own.

    A value is NaN for fewer than three rows, or if a column is constant in them.

    Example:
        >>> size = Variable("size", np.array([1.0, 2.0, 3.0, np.nan]))
        >>> price = Variable("price", np.array([2.0, 4.0, 6.0, 8.0]))
        >>> associate(size, price)
        Association(value=1.0, measure='r', n_rows=3)
        >>> town = Variable("town", np.array([0, 0, 1, 1]), is_categorical=True)
        >>> round(associate(town, price).value, 4)  # 16 of 20 between the towns
        0.8944

    Source: K. Pearson, 1905, "On the general theory of skew correlation" (eta); H. Cramér, 1946,
        "Mathematical methods of statistics" (V).
    """
    has_both = np.isfinite(a.values) & np.isfinite(b.values)
    x, y, n = a.values[has_both], b.values[has_both], int(has_both.sum())
    measure = {0: "r", 1: "eta", 2: "V"}[a.is_categorical + b.is_categorical]
    if n < MIN_ROWS or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Association(float("nan"), measure, n)
    if measure == "r":
        value = float(np.corrcoef(x, y)[0, 1].clip(-1, 1))
    elif measure == "eta":
        value = correlation_ratio(x, y) if a.is_categorical else correlation_ratio(y, x)
    else:
        value = cramers_v(x, y)
    return Association(value, measure, n)


def correlation_ratio(codes: Array, values: Array) -> float:
    """Return eta = sqrt(sum_k n_k (mean_k - mean)^2 / sum_i (y_i - mean)^2).

    Shapes:
        codes: (n,) integers from 0. values: (n,) finite, and not all equal.

    Example:
        >>> correlation_ratio(np.array([0, 0, 1]), np.array([1.0, 1.0, 4.0]))
        1.0
    """
    counts = np.bincount(codes)
    means = np.bincount(codes, values) / np.maximum(counts, 1)
    between = np.sum(counts * (means - values.mean()) ** 2)
    return float(np.sqrt(np.clip(between / np.sum((values - values.mean()) ** 2), 0, 1)))


def cramers_v(a: Array, b: Array) -> float:
    """Return Cramér's V = sqrt(chi^2 / n / (min(categories of a, of b) - 1)).

    Shapes:
        a, b: (n,) integers from 0, neither all equal.

    Example:
        >>> cramers_v(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
        1.0
    """
    _, a = np.unique(a, return_inverse=True)
    _, b = np.unique(b, return_inverse=True)
    n_a, n_b = a.max() + 1, b.max() + 1
    counts = np.bincount(a * n_b + b, minlength=n_a * n_b).reshape(n_a, n_b)
    independent = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0)
    chi_squared_over_n = np.sum(counts**2 / independent) - 1
    return float(np.sqrt(np.clip(chi_squared_over_n / (min(n_a, n_b) - 1), 0, 1)))


def find_partners(variables: Sequence[Variable], least: float) -> dict[str, tuple[str, float]]:
    """Return the closest other column of each, and their association, if it is above `least`.

    Example:
        >>> a, b = (Variable(name, np.array([1.0, 2.0, 4.0])) for name in "ab")
        >>> find_partners([a, b], least=0.8)
        {'a': ('b', 1.0), 'b': ('a', 1.0)}
    """
    closest: dict[str, tuple[str, float]] = {}
    for i, a in enumerate(variables):
        for b in variables[:i]:
            value = associate(a, b).value
            if not abs(value) > least:
                continue
            for one, other in ((a, b), (b, a)):
                if abs(value) > abs(closest.get(one.name, ("", 0.0))[1]):
                    closest[one.name] = (other.name, value)
    return {v.name: closest[v.name] for v in variables if v.name in closest}
