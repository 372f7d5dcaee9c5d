"""Decision boundaries and slices. Oracles: hand-made lines (1), pandas's medians and modes (3), and
`predict` of the same rows (6).
"""

import matplotlib.style
import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.inspection import decision_boundary
from glassnet.layers import Dense, Embedding, Flatten

N = 60
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "fare": np.where(RNG.random(N) < 0.1, np.nan, RNG.gamma(2.0, 10.0, N)),
        "age": RNG.integers(1, 80, N).astype(float),
        "town": RNG.choice(["Ulm", "Bonn", "Kiel"], N, p=[0.5, 0.3, 0.2]),
        "member": RNG.random(N) < 0.7,
        "born": pd.to_datetime("2001-01-01") + pd.to_timedelta(RNG.integers(0, 900, N), "D"),
        "stage": RNG.integers(1, 4, N).astype(float),
        "note": [f"{i} is a text of several words" for i in range(N)],
        "always": 1.0,
    }
)
FRAME["bought"] = np.where(FRAME.age + 20 * FRAME.member > 50, "yes", "no")
SETTINGS = {
    "target": "bought",
    "column_types": {"stage": "category"},
    "derive": {"double": "2 * age"},
}


@pytest.fixture(scope="module")
def table_model():
    model = gn.Sequential([Dense(4, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
    model.fit(FRAME, epochs=3, verbose=0, **SETTINGS)
    return model


@pytest.fixture(scope="module")
def perceptron():
    """The lecture's g(1 + 3 x1 - 2 x2)."""
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    model.input_shape = (2,)
    model.set_weights([np.array([[3.0], [-2.0]]), np.array([1.0])])
    return model


POINTS = RNG.uniform(-2, 2, (30, 2)).astype(np.float32)
LABELS = (1 + 3 * POINTS[:, 0] - 2 * POINTS[:, 1] > 0).astype(int)


def test_the_boundary_of_a_perceptron_is_its_line(perceptron):
    """Oracle: 1 + 3 x1 - 2 x2 = 0, along which the drawn line lies (1)."""
    view = decision_boundary(perceptron, POINTS, LABELS, resolution=50)
    np.testing.assert_array_equal(view.prediction, 1 + 3 * view.x1 - 2 * view.x2 > 0)
    assert not view.points.is_wrong.any()
    assert view.title == "Decision boundary (untrained): accuracy 1.000 on 30 rows"
    axes = view.plot().axes[0]
    (line,) = [each for each in axes.collections if type(each).__name__ == "QuadContourSet"]
    x1, x2 = line.get_paths()[0].vertices.T
    assert len(x1) > 20
    np.testing.assert_allclose(1 + 3 * x1 - 2 * x2, 0, atol=0.05)


def test_probabilities_are_those_of_predict(perceptron):
    view = decision_boundary(perceptron, POINTS, resolution=7)
    assert view.probability.shape == (7, 7, 2)
    rows = np.stack([view.x1.ravel(), view.x2.ravel()], 1)
    np.testing.assert_allclose(
        view.probability[..., 1].ravel(), perceptron.predict(rows)[:, 0], rtol=1e-6
    )
    np.testing.assert_allclose(view.probability.sum(-1), 1)
    frame = view.to_frame()
    assert list(frame) == ["x1", "x2", "predicted y", "probability of 0", "probability of 1"]
    assert len(frame) == 49
    assert view.title == "Decision boundary over x1 and x2 (untrained)"


def test_the_grid_spans_the_rows_but_not_a_far_outlier(perceptron):
    x = np.vstack([POINTS, [[1000.0, 0.0]]])
    view = decision_boundary(perceptron, x, resolution=5)
    low, high = POINTS.min(0), POINTS.max(0)
    assert view.x1.min() < low[0]
    assert high[0] < view.x1.max()
    assert view.x2.max() == pytest.approx(high[1] + 0.05 * (high[1] - low[1]), rel=1e-5)
    flat = decision_boundary(perceptron, np.ones((4, 2)), resolution=3)
    np.testing.assert_allclose(flat.x1[0], [0.5, 1, 1.5])


def hand_made(view, **others):
    """Return the grid of a view as a frame, with all columns of training."""
    frame = pd.DataFrame({name: [value] * view.x1.size for name, value in others.items()})
    for name, values in zip(view.features, (view.x1, view.x2), strict=True):
        frame[name] = values.ravel()
    return frame


def test_a_slice_is_predict_of_a_hand_made_frame(table_model):
    """Oracles: pandas's median and mode (3), predict (6)."""
    view = decision_boundary(table_model, FRAME, features=("fare", "age"), resolution=6)
    expected = {
        "town": FRAME.town.mode().iloc[0],
        "member": FRAME.member.mode().iloc[0],
        "born": FRAME.born.median(),
        "stage": str(int(FRAME.stage.mode().iloc[0])),
    }
    assert list(view.fixed) == list(expected)
    assert view.fixed["born"] == np.datetime64(expected["born"], "s")
    assert {**view.fixed, "born": 0} == {**expected, "born": 0}
    predicted = table_model.predict(hand_made(view, **expected))
    np.testing.assert_allclose(view.probability[..., 1].ravel(), predicted[:, 0], rtol=1e-6)
    accuracy = np.mean(table_model.predict_labels(FRAME) == FRAME.bought)
    start = f"Decision boundary over fare and age: accuracy {accuracy:.3f} on 60 rows; slice at "
    born = str(view.fixed["born"]).replace("T", " ")
    assert view.title == f"{start}town = Ulm, member = True, born = {born} and 1 more"
    n = int(FRAME.fare.isna().sum())
    assert str(view).endswith(f"{n} rows have no value of fare or age that can be drawn")


def test_fixed_numbers_are_medians(table_model):
    view = decision_boundary(table_model, FRAME, features=("town", "member"))
    assert view.fixed["fare"] == pytest.approx(FRAME.fare.median())
    assert view.fixed["age"] == FRAME.age.median()
    assert view.probability.shape == (2, 3, 2)
    assert view.x1[0].tolist() == ["Bonn", "Kiel", "Ulm"]
    assert view.x2[:, 0].tolist() == [False, True]
    frame = hand_made(view, **{**view.fixed, "stage": float(view.fixed["stage"])})
    np.testing.assert_allclose(
        view.probability[..., 1].ravel(), table_model.predict(frame)[:, 0], rtol=1e-6
    )
    np.testing.assert_array_equal(view.points.positions[1], FRAME.member)
    view.plot()


def test_other_values_can_be_fixed(table_model):
    at = {"town": "Kiel", "stage": 2, "fare": None, "born": "2002-02-03"}
    view = decision_boundary(table_model, FRAME, features=("age", "member"), at=at, resolution=4)
    expected = {"town": "Kiel", "stage": 2.0, "fare": np.nan, "born": pd.Timestamp("2002-02-03")}
    predicted = table_model.predict(hand_made(view, **expected))
    np.testing.assert_allclose(view.probability[..., 1].ravel(), predicted[:, 0], rtol=1e-6)
    assert view.fixed["fare"] is None
    assert "fare = missing" in str(view)


def test_dates_as_an_axis(table_model):
    view = decision_boundary(table_model, FRAME, features=("born", "age"), resolution=5)
    assert view.x1.dtype == "datetime64[s]"
    assert view.x1.min() < np.datetime64(FRAME.born.min(), "s")
    labels = view.plot().axes[0].get_xticklabels()
    assert any("2002" in label.get_text() for label in labels)


@pytest.mark.parametrize("kind", ["csv", "polars", "dict"])
def test_other_kinds_of_tables_give_the_same(table_model, tmp_path, kind):
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    source = {
        "csv": tmp_path / "t.csv",
        "polars": pl.from_pandas(FRAME),
        "dict": FRAME.to_dict("list"),
    }[kind]
    view = decision_boundary(table_model, source, features=("age", "town"), resolution=4)
    expected = decision_boundary(table_model, FRAME, features=("age", "town"), resolution=4)
    np.testing.assert_array_equal(view.probability, expected.probability)


def test_several_classes_test_rows_and_the_keras_layout():
    data = gn.datasets.load("spiral", n=60)
    model = keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(data.x, data.y, epochs=1, verbose=0)
    test = (data.x_test, data.y_test)
    view = decision_boundary(model, data.x, data.y, test=test, resolution=9)
    assert view.probability.shape == (9, 9, 3)
    np.testing.assert_array_equal(view.prediction, view.probability.argmax(-1))
    right = model.predict(data.x_test, verbose=0).argmax(1) == data.y_test
    np.testing.assert_array_equal(view.test_points.is_wrong, ~right)
    assert f"{right.mean():.3f} on {len(right)} test rows" in view.title
    legend = view.plot().axes[0].get_legend()
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels[:5] == ["y = 0", "y = 1", "y = 2", "training rows", "test rows"]
    batches = [(data.x[:20], data.y[:20]), (data.x[20:], data.y[20:])]
    of_batches = decision_boundary(model, batches, resolution=9)
    np.testing.assert_array_equal(of_batches.points.target, data.y)


def test_regression_in_the_units_of_the_target():
    frame = pd.DataFrame({"a": RNG.normal(size=20), "b": RNG.normal(size=20)})
    frame["price"] = 1000 + 50 * frame.a
    model = gn.Sequential([Dense(1)], seed=0)
    model.fit(frame, target="price", epochs=1, verbose=0)
    view = decision_boundary(model, frame, test=frame[:5], resolution=6)
    assert view.probability is None
    predicted = model.predict(hand_made(view))
    np.testing.assert_allclose(view.prediction.ravel(), predicted[:, 0], rtol=1e-6)
    np.testing.assert_allclose(view.points.target, frame.price, rtol=1e-6)
    error = np.mean(np.abs(model.predict(frame)[:, 0] - frame.price))
    assert float(view.title.split("error ")[1].split()[0].replace(",", "")) == pytest.approx(
        error, rel=1e-3
    )
    assert list(view.to_frame()) == ["a", "b", "predicted price"]
    with matplotlib.style.context("dark_background"):
        figure = view.plot()
    assert figure.axes[1].get_ylabel() == "price"


def test_one_of_several_outputs():
    x = RNG.normal(size=(8, 3)).astype(np.float32)
    model = gn.Sequential([Dense(2, activation="sigmoid")], seed=0)
    y = RNG.integers(0, 2, (8, 2))
    model.compile("sgd", "binary_crossentropy")
    options = {"features": (0, "x3"), "at": {"x2": 0.5}, "resolution": 4}
    view = decision_boundary(model, x, y, output=1, **options)
    rows = np.stack([view.x1.ravel(), np.full(16, 0.5), view.x2.ravel()], 1)
    np.testing.assert_allclose(
        view.probability[..., 1].ravel(), model.predict(rows)[:, 1], rtol=1e-6
    )
    np.testing.assert_array_equal(view.points.target, y[:, 1])
    assert view.features == ("x1", "x3")
    assert view.target_name == "y[1]"
    with pytest.raises(ConfigError, match=r"from 0 to 1. Received: output=2.*2 outputs: choose"):
        decision_boundary(model, x, output=2, **options)


def test_large_grids_are_computed_in_parts(perceptron, monkeypatch):
    whole = decision_boundary(perceptron, POINTS, resolution=80)
    monkeypatch.setattr("glassnet.inspection.slices.CHUNK_ROWS", 4096)
    parts = decision_boundary(perceptron, POINTS, resolution=80)
    np.testing.assert_array_equal(parts.probability, whole.probability)


def test_dollar_signs_in_names_are_drawn(tmp_path):
    """Oracle: matplotlib draws the texts as they are, and not as a formula (3)."""
    frame = pd.DataFrame({"in $a$": [1.0, 2.0, 4.0, 3.0], "\\b$": ["$u", "v$", "$u", "v$"]})
    frame["cost $"] = ["$low$", "high", "$low$", "high"]
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(frame, target="cost $", epochs=1, verbose=0)
    figure = decision_boundary(model, frame, resolution=3).plot()
    figure.savefig(tmp_path / "figure.png")
    ax = figure.axes[0]
    texts = [ax.xaxis.label, ax.title, *ax.get_yticklabels(), *ax.get_legend().get_texts()]
    assert {"in $a$", "$u", "cost $ = $low$"} <= {text.get_text() for text in texts}
    assert not any(text.get_parse_math() for text in texts)
    (other,) = Figure().subplots(1, 1, squeeze=False).flat
    decision_boundary(model, frame, resolution=3).plot(ax=other)
    assert not other.title.get_parse_math()
    assert not other.xaxis.label.get_parse_math()


def test_the_result_in_a_notebook(perceptron):
    html = decision_boundary(perceptron, POINTS, LABELS, resolution=5)._repr_html_()
    assert html.startswith("<figure><img")
    assert "accuracy 1.000" in html


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, r"features to name 2 of the columns.*features=\('fare', 'age'\)"),
        ({"features": ("fare", "aeg")}, "Did you mean 'age'"),
        ({"features": ("fare", "note")}, "a column that the model uses.*left_out='it is free text"),
        ({"features": ("fare", "always")}, "left_out='it is always 1.0'"),
        ({"features": ("fare", "double")}, r"a column of the table.*derived='2 \* age'"),
        ({"features": ("fare", "bought")}, "bought is the target"),
        ({"features": ("fare", "fare")}, "two different columns"),
        ({"features": "fare"}, "expected two features, as in"),
        ({"features": ("fare", None)}, "the name of a column"),
        ({"features": ("fare", "age"), "at": {"town": "Ulmm"}}, "at: town: .*Did you mean 'Ulm'"),
        ({"features": ("fare", "age"), "at": {"age": 3}}, "columns that are not on an axis"),
        ({"features": ("fare", "age"), "at": ["town"]}, "at: expected a dict"),
        ({"features": ("fare", "age"), "resolution": 1001}, "an int from 2 to 1000"),
        ({"features": ("fare", "age"), "output": 1}, "the network has one answer for a row"),
    ],
)
def test_arguments_that_do_not_fit(table_model, options, error):
    with pytest.raises(ConfigError, match=error):
        decision_boundary(table_model, FRAME, **options)


def test_a_number_that_is_text(table_model):
    with pytest.raises(DataError, match="column 'age': expected numbers, as in training"):
        decision_boundary(table_model, FRAME, features=("fare", "town"), at={"age": "old"})


def test_a_column_without_any_value(table_model):
    empty = FRAME.assign(fare=np.nan)
    with pytest.raises(DataError, match="column 'fare': expected a value in some row"):
        decision_boundary(table_model, empty, features=("fare", "age"))
    view = decision_boundary(table_model, empty, features=("age", "town"), resolution=3)
    assert view.fixed["fare"] == pytest.approx(FRAME.fare.median())  # the training median


def test_arrays_for_a_model_of_a_table(table_model):
    encoded = table_model.preprocessor.transform(FRAME)
    with pytest.raises(ConfigError, match=r"an encoded input.*Pass one table to choose"):
        decision_boundary(table_model, encoded, features=("town", "age"))
    names = ("town=Ulm", "age")
    view = decision_boundary(table_model, encoded, features=names, resolution=3)
    assert view.features == names
    with pytest.raises(DataError, match="x: expected"):
        decision_boundary(table_model, encoded[:, :3], features=names)
    with pytest.raises(DataError, match="test rows of the same kind as x"):
        decision_boundary(table_model, FRAME, features=("fare", "age"), test=encoded)


def test_a_single_input():
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    with pytest.raises(ConfigError, match=r"For one, use gn.inspection.fitted"):
        decision_boundary(model, [[1.0]], [2.0])
    frame = FRAME[["age", "always", "bought"]]
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(frame, target="bought", epochs=0, verbose=0)
    with pytest.raises(ConfigError, match=r"columns=\['age'\]. For one, use"):
        decision_boundary(model, frame)


def test_images_steps_and_tokens():
    images = gn.Sequential([Flatten(), Dense(2, activation="softmax")], seed=0)
    images.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ConfigError, match=r"shape=\(6, 6\).*use gn.inspection.feature_maps"):
        decision_boundary(images, np.zeros((2, 6, 6)))
    tokens = gn.Sequential([Embedding(5, 2), Flatten(), Dense(1)], seed=0)
    tokens.compile("sgd", "mse")
    with pytest.raises(ConfigError, match="For images, series and texts use"):
        decision_boundary(tokens, np.zeros((2, 2), int))
    steps = gn.Sequential([gn.layers.Reshape((2, 1)), Dense(1)], seed=0)
    steps.compile("sgd", "mse")
    with pytest.raises(ConfigError, match="one answer for a row"):
        decision_boundary(steps, np.zeros((2, 2)))


def test_names_of_arrays(perceptron):
    with pytest.raises(ConfigError, match=r"features: expected one of x1, x2. Received: name='x3'"):
        decision_boundary(perceptron, POINTS, features=("x1", "x3"))
    wide = gn.Sequential([Dense(1)], seed=0)
    wide.compile("sgd", "mse")
    with pytest.raises(ConfigError, match="a name from 'x1' to 'x50', or an index below 50"):
        decision_boundary(wide, np.zeros((2, 50)), features=(0, 50))
    with pytest.raises(ConfigError, match="at: x3: expected a number"):
        decision_boundary(wide, np.zeros((2, 50)), features=(0, 1), at={"x3": "a"})
