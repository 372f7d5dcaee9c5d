"""Associations of columns. Oracles: pandas' corr, SciPy's Cramér's V, and examples by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import contingency

from glassnet.evaluation.associations import (
    Variable,
    associate,
    correlation_ratio,
    cramers_v,
    find_partners,
)

RNG = np.random.default_rng(0)


def test_numbers_are_compared_pairwise_without_missing_values():
    frame = pd.DataFrame(RNG.normal(size=(30, 2)), columns=["a", "b"])
    frame.loc[:4, "a"] = np.nan
    frame.loc[3:9, "b"] = np.nan
    a, b = (Variable(name, frame[name].to_numpy()) for name in frame)
    result = associate(a, b)
    assert result.value == pytest.approx(frame.corr().loc["a", "b"])
    assert (result.measure, result.n_rows) == ("r", 20)


def test_correlation_ratio_by_hand():
    """Groups (1, 3) and (5, 7): the mean is 4, the group means are 2 and 6.

    Between the groups: 2 (2 - 4)^2 + 2 (6 - 4)^2 = 16. In all: 9 + 1 + 1 + 9 = 20.
    """
    codes, values = np.array([0, 0, 3, 3]), np.array([1.0, 3.0, 5.0, 7.0])
    assert correlation_ratio(codes, values) == pytest.approx(np.sqrt(16 / 20))
    town, price = Variable("town", codes, is_categorical=True), Variable("price", values)
    assert associate(price, town) == associate(town, price) == (np.sqrt(0.8), "eta", 4)


def test_cramers_v_equals_scipys():
    a, b = RNG.integers(0, 3, 100), RNG.integers(0, 4, 100) + 2
    b[a == 1] = 2
    table = pd.crosstab(a, b).to_numpy()
    assert cramers_v(a, b) == pytest.approx(contingency.association(table, method="cramer"))
    both = (Variable(name, codes, is_categorical=True) for name, codes in (("a", a), ("b", b)))
    assert associate(*both).measure == "V"


def test_constant_columns_and_few_rows_have_no_association():
    a = Variable("a", np.array([1.0, 2.0, np.nan]))
    constant = Variable("b", np.array([1.0, 1.0, 1.0]))
    assert np.isnan(associate(a, constant).value)
    assert associate(a, Variable("c", np.array([1.0, 2.0, 3.0]))).n_rows == 2
    assert np.isnan(associate(a, Variable("c", np.array([1.0, 2.0, 3.0]))).value)


def test_partners_are_the_closest_of_those_above_the_limit():
    x = RNG.normal(size=50)
    columns = {"x": x, "near": -x + 0.1 * RNG.normal(size=50), "twin": 2 * x, "noise": x[::-1]}
    partners = find_partners([Variable(name, values) for name, values in columns.items()], 0.8)
    assert list(partners) == ["x", "near", "twin"]
    assert partners["x"] == ("twin", pytest.approx(1))
    assert partners["near"][0] in ("x", "twin")
    assert partners["near"][1] < -0.9
