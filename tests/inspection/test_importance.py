"""Permutation importance. Oracles: scikit-learn's own on the same predictions, and one informative
column (3, 6).
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.inspection import permutation_importance

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.inspection import importance
from glassnet.inspection.permutations import make_shuffled_rows
from glassnet.layers import Dense, Embedding, Flatten, Input

RNG = np.random.default_rng(0)
N = 60


class Predictor(ClassifierMixin, BaseEstimator):
    """A model of three classes as scikit-learn sees it."""

    classes_ = np.arange(3)

    def __init__(self, function=None):
        self.function = function

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.function(X)


class NumberPredictor(RegressorMixin, Predictor):
    """A model of numbers as scikit-learn sees it."""


def make_table(n=N):
    """Return a table in which size and town decide the price, and noise does not."""
    town = RNG.choice(["a", "b", "c"], n)
    width, length = RNG.uniform(1, 5, n), RNG.uniform(1, 5, n)
    price = width * length + 5 * (town == "a") + 0.1 * RNG.normal(size=n)
    noise = RNG.normal(size=n)
    noise[:5] = np.nan
    names = ["width", "length", "town", "noise", "price"]
    return pd.DataFrame(dict(zip(names, (width, length, town, noise, price), strict=True)))


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def model(table):
    """A regressor with a derived column."""
    model = gn.Sequential([Dense(8, activation="tanh"), Dense(1)], seed=0)
    model.compile(gn.optimizers.Adam(0.03), "mse")
    derive = {"area": "width * length", "double": "2 * area"}
    model.fit(table, target="price", derive=derive, epochs=60, batch_size=60, verbose=0)
    return model


def test_the_only_informative_feature_is_found():
    x = RNG.normal(size=(80, 4))
    y = (x[:, 2] > 0).astype(int)
    model = gn.Sequential([Input(4), Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    kernel = np.array([[0.0], [0.0], [9.0], [0.0]], np.float32)
    model.set_weights([kernel, np.zeros(1)])
    result = importance(model, x, y, n_repeats=3)
    assert result.names[0] == "x3"
    assert result.mean[0] > 0.3
    np.testing.assert_array_equal(result.importances[1:], 0)
    change = f"{result.mean[0]:.3f}"
    assert result.title == (
        f"x3 matters most: shuffled, the accuracy falls by {change} from 1.000 (untrained)"
    )


def test_numbers_equal_scikit_learns_on_arrays():
    x, y = RNG.normal(size=(40, 3)), RNG.integers(0, 3, 40)
    model = gn.Sequential([Input(3), Dense(3, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    ours = importance(model, x, y, n_repeats=4, seed=7)
    predictor = Predictor(model.predict_labels)
    theirs = permutation_importance(
        predictor, x, y, scoring="accuracy", n_repeats=4, random_state=7
    )
    positions = [ours.names.index(name) for name in ("x1", "x2", "x3")]
    np.testing.assert_allclose(ours.importances[positions], theirs.importances, atol=1e-12)


def test_numbers_equal_scikit_learns_on_a_table(table, model):
    """All features of a category move together, and derived columns are computed again."""
    ours = importance(model, table, n_repeats=3, seed=1)
    x = table.drop(columns="price")
    predictor = NumberPredictor(lambda rows: model.predict(rows).ravel())
    theirs = permutation_importance(
        predictor,
        x,
        table["price"],
        scoring="neg_root_mean_squared_error",
        n_repeats=3,
        random_state=1,
    )
    positions = [ours.names.index(name) for name in x.columns]
    np.testing.assert_allclose(ours.importances[positions], theirs.importances, rtol=1e-5)
    assert sorted(ours.names) == ["length", "noise", "town", "width"]
    assert ours.names[-1] == "noise"
    rmse = np.sqrt(np.mean((model.predict(table).ravel() - table["price"]) ** 2))
    assert ours.score == pytest.approx(rmse, rel=1e-5)
    assert "the RMSE of price rises by" in ours.title
    frame = ours.to_frame()
    low, high = np.percentile(ours.importances[0], [2.5, 97.5])
    assert frame.loc[0, ["low", "high"]].tolist() == pytest.approx([low, high])
    assert "60 of 60 rows equal training rows" in str(ours)
    again = importance(model, table, n_repeats=3, seed=1)
    np.testing.assert_array_equal(again.importances, ours.importances)


def test_encoding_shuffled_positions_equals_encoding_the_shuffled_table(table, model):
    """Oracle: the preprocessor of the model, on the table with the column shuffled."""
    rows = make_shuffled_rows(model.take_snapshot(table, targets="required"))
    order = RNG.permutation(N)
    for k, name in enumerate(rows.names):
        positions = rows.positions
        positions[:, k] = order
        shuffled = table.assign(**{name: table[name].to_numpy()[order]})
        np.testing.assert_array_equal(
            rows.encode(positions), model.preprocessor.transform(shuffled)
        )


def test_columns_that_belong_together_are_marked():
    table = make_table(40)
    table["twin"] = -2 * table["width"]
    table["region"] = table["town"].map({"a": "north", "b": "south", "c": "south"})
    model = gn.Sequential([Dense(1)], seed=0)
    model.fit(table, target="price", epochs=1, verbose=0)
    result = importance(model, table, n_repeats=2)
    assert result.partners["width"] == ("twin", pytest.approx(-1))
    assert result.partners["region"][0] == "town"
    assert "noise" not in result.partners
    frame = result.to_frame().set_index("column")
    assert frame.partner["twin"] == "width"
    assert "close to twin (-1.000)" in str(result)
    texts = [text.get_text() for text in result.plot().axes[0].texts]
    assert "close to twin (-1.000)" in texts


def test_a_model_that_is_no_better_than_one_answer_is_called_so():
    x, y = RNG.normal(size=(20, 2)), np.repeat([0, 0, 0, 1], 5)
    model = gn.Sequential([Input(2), Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    model.set_weights([np.zeros((2, 1)), -np.ones(1)])
    expected = "accuracy 0.750, no better than the most frequent class: importances say little"
    assert importance(model, x, y).title == f"{expected} (untrained)"
    numbers = gn.Sequential([Input(2), Dense(1)], seed=0)
    numbers.compile("sgd", "mse")
    numbers.set_weights([np.zeros((2, 1)), np.full(1, y.mean())])
    assert "no better than the mean" in importance(numbers, x, y).title


def test_several_labels_and_outputs():
    """Label k is feature k, so shuffling either costs whole rows; output 2 does not use x2."""
    x = RNG.choice([-1.0, 1.0], (30, 2))
    model = gn.Sequential([Input(2), Dense(2, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    model.set_weights([np.eye(2), np.zeros(2)])
    result = importance(model, x, x > 0, n_repeats=2)
    assert result.score == 1
    assert np.all(result.mean > 0.2)
    numbers = gn.Sequential([Input(2), Dense(2)], seed=0)
    numbers.compile("sgd", "mse")
    numbers.set_weights([np.array([[1.0, 1.0], [0.0, 0.0]]), np.zeros(2)])
    result = importance(numbers, x, x[:, [0, 0]], n_repeats=2)
    assert result.names == ("x1", "x2")
    np.testing.assert_array_equal(result.importances[1], 0)


def test_the_figure_has_a_bar_for_each_column(table, model):
    result = importance(model, table, n_repeats=2)
    ax = result.plot().axes[0]
    widths = [bar.get_width() for bar in ax.patches]
    np.testing.assert_allclose(widths, result.mean)
    assert [label.get_text() for label in ax.get_yticklabels()] == list(result.names)
    assert ax.get_xlabel().startswith("rise of the RMSE of price if the column is shuffled")


@pytest.mark.parametrize(
    "layers",
    [
        [Input((6, 6)), Flatten(), Dense(1)],
        [Input((4, 2)), gn.layers.LSTM(2), Dense(1)],
        [Input(4), Embedding(10, 2), Flatten(), Dense(1)],
    ],
)
def test_rows_without_columns_are_refused(layers):
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "mse")
    x = np.zeros((2, *model.input_shape))
    with pytest.raises(DataError, match=r"importance: expected rows of columns.*attribute"):
        importance(model, x, [0.0, 1.0])


def test_arguments_out_of_range(table, model):
    with pytest.raises(ConfigError, match=r"n_repeats to be an int >= 1. Received: n_repeats=0"):
        importance(model, table, n_repeats=0)
    with pytest.raises(ConfigError, match=r"seed to be an int from 0 to 2147483647"):
        importance(model, table, seed=-1)
    with pytest.raises(DataError, match=r"y: expected targets"):
        importance(model, table.drop(columns="price").to_numpy()[:, :2])


def test_the_caption_fits_below_the_bars():
    """With many columns and a long unit; nothing is cut off at the edge of the figure."""
    from glassnet.plots.columns import plot_importances

    names = [f"column {k}" for k in range(79)]
    rises = np.ones((79, 3)) * np.arange(79, 0, -1)[:, None]
    unit = "rise of the RMSE of the sale price in thousands of dollars if the column is shuffled"
    figure = plot_importances(names, [""] * 79, rises, unit, "first", [])
    figure.canvas.draw()
    box = figure.axes[0].xaxis.label.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.x1
    assert "59 less important columns are not shown" in figure.axes[0].get_xlabel()
