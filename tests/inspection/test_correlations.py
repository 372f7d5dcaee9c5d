"""Correlations of columns with the target. Oracles: pandas' corr, groups by hand (1, 3)."""

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.inspection import correlations

RNG = np.random.default_rng(0)
N = 60
ROOMS = RNG.integers(1, 7, N).astype(float)
FRAME = pd.DataFrame(
    {
        "rooms": ROOMS,
        "age": RNG.uniform(0, 90, N),
        "town": np.where(ROOMS > 4, "rich", np.where(ROOMS > 2, "poor", None)),
        "sold": pd.date_range("2024-01-01", periods=N, freq="D"),
        "garden": RNG.random(N) > 0.5,
        "always": 7,
        "price": 10 * ROOMS + RNG.normal(size=N),
    }
)
FRAME.loc[:9, "age"] = np.nan
FRAME.loc[5:12, "price"] = np.nan


@pytest.fixture(scope="module")
def result():
    return correlations(FRAME, target="price", derive={"double": "2 * rooms"})


def test_numbers_equal_pandas(result):
    """Each column is compared in the rows in which it and the target have a value."""
    frame = result.to_frame().set_index("column")
    rows = FRAME.assign(double=2 * FRAME.rooms, day=(FRAME.sold - FRAME.sold[0]).dt.days)
    expected = rows.corr(numeric_only=True)["price"]
    for name in ("rooms", "age", "garden", "double"):
        assert frame.value[name] == pytest.approx(expected[name])
        assert frame.measure[name] == "r"
    assert frame.value["sold"] == pytest.approx(expected["day"])
    assert frame.rows["rooms"] == 52
    assert frame.rows["age"] == 47
    assert frame.missing["age"] == 5
    assert result.left_out == {"always": "it is always 7.0"}
    assert "left out 8 of 60 rows without a target" in str(result)
    assert "age: correlation r = " in str(result)
    assert "from 47 rows" in str(result)


def test_a_category_has_the_correlation_ratio(result):
    """Oracle: variance between the groups of pandas. A missing town is a group of its own."""
    rows = FRAME.dropna(subset="price").fillna({"town": "missing"})
    groups = rows.groupby("town").price
    between = (groups.size() * (groups.mean() - rows.price.mean()) ** 2).sum()
    eta = np.sqrt(between / ((rows.price - rows.price.mean()) ** 2).sum())
    frame = result.to_frame().set_index("column")
    assert frame.value["town"] == pytest.approx(eta)
    assert frame.measure["town"] == "eta"
    town = next(each for each in result.variables if each.name == "town")
    assert set(town.categories) == {"poor", "rich", "missing", "other"}


def test_the_closest_column_comes_first(result):
    sizes = result.to_frame().value.abs()
    assert sizes.is_monotonic_decreasing
    assert result.names[0] in ("rooms", "double")
    r = f"{result.values[0]:.3f}"
    assert result.title == f"{result.names[0]} is most closely related to price: r = {r}"


def test_the_matrix_is_that_of_pandas(result):
    names = ["price", "rooms", "age"]
    rows = FRAME.dropna(subset="price")[names]
    np.testing.assert_allclose(result.matrix.loc[names, names], rows.corr())
    assert "town" not in result.matrix


def test_a_target_of_labels():
    """Numbers have the correlation ratio with labels, categories Cramér's V."""
    result = correlations(FRAME.drop(columns="price"), target="town")
    frame = result.to_frame().set_index("column")
    assert frame.measure["rooms"] == "eta"
    rows = FRAME.dropna(subset="town")
    groups = rows.groupby("town").rooms
    between = (groups.size() * (groups.mean() - rows.rooms.mean()) ** 2).sum()
    total = rows.rooms.var(ddof=0) * len(rows)
    assert frame.value["rooms"] == pytest.approx(np.sqrt(between / total))
    codes = {"kind": ["a", "b"] * 10, "label": [0, 1] * 10}
    by_type = correlations(codes, target="label", column_types={"label": "category"})
    assert (by_type.measures, by_type.values.tolist()) == (("V",), [1.0])
    assert correlations(codes, target="label").measures == ("eta",)
    with pytest.raises(DataError, match=r"plot_rows: expected a target of numbers"):
        result.plot_rows()
    assert "town" not in result.matrix
    result.plot()


def test_figures_show_the_numbers(result):
    figure = result.plot()
    left, right = figure.axes[:2]
    assert [tick.get_text() for tick in left.get_yticklabels()] == list(result.names)
    widths = sorted(bar.get_width() for bar in left.patches)
    np.testing.assert_allclose(widths, sorted(result.values))
    assert right.get_yticklabels()[0].get_text() == "price"
    panels = result.plot_rows(["rooms", "town"]).axes
    assert [ax.get_xlabel() for ax in panels] == ["rooms", "town"]
    slope = np.polyfit(*FRAME.dropna(subset="price")[["rooms", "price"]].to_numpy().T, 1)[0]
    x, y = panels[0].lines[0].get_data()
    assert (y[1] - y[0]) / (x[1] - x[0]) == pytest.approx(slope)
    with pytest.raises(ConfigError, match=r"column: expected one of .* Did you mean 'rooms'"):
        result.plot_rows(["room"])


@pytest.mark.parametrize("kind", ["path", "dict", "polars"])
def test_tables_of_every_kind(kind, tmp_path):
    columns = {"a": [1.0, 2.0, 3.0, 5.0], "b": [2.0, 4.0, 7.0, 9.0]}
    table = columns
    if kind == "path":
        table = tmp_path / "table.csv"
        pd.DataFrame(columns).to_csv(table, index=False)
    elif kind == "polars":
        table = pytest.importorskip("polars").DataFrame(columns)
    expected = np.corrcoef(columns["a"], columns["b"])[0, 1]
    assert correlations(table, target="b").values[0] == pytest.approx(expected)


def test_targets_that_cannot_be_compared():
    with pytest.raises(ConfigError, match=r"target: expected one of .* Did you mean 'price'"):
        correlations(FRAME, target="prize")
    with pytest.raises(DataError, match=r"target 'always': expected values that differ"):
        correlations(FRAME, target="always")
    with pytest.raises(DataError, match=r"target 'y': expected values that differ"):
        correlations({"x": [1.0, 2.0], "y": [None, None]}, target="y")
    with pytest.raises(ConfigError, match=r"derive: d: .*Did you mean 'rooms'"):
        correlations(FRAME, target="price", derive={"d": "2 * romms"})
    with pytest.raises(ConfigError, match=r"column_types: price: expected one of category, number"):
        correlations(FRAME, target="price", column_types={"price": "date"})
    with pytest.raises(DataError, match=r"table: expected a column to learn from"):
        correlations({"x": [1.0, 1.0], "y": [1.0, 2.0]}, target="y")


def test_too_few_rows_have_no_correlation():
    result = correlations({"x": [1.0, None, 3.0], "y": [1.0, 2.0, 3.0]}, target="y")
    assert result.title == "no column can be compared with y"
    assert result.n_rows.tolist() == [2]
    result.plot()


def test_a_derived_target_is_refused_as_an_input():
    expected = r"derive: leak: expected columns other than the target, 'price'"
    with pytest.raises(ConfigError, match=expected):
        correlations(FRAME, target="price", derive={"leak": "2 * price"})
    assert gn.inspection.correlations is correlations
