"""Fitted curves. Oracles: the line of the weights (1), `predict` (6)."""

import matplotlib.style
import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import ConfigError
from glassnet.inspection import fitted
from glassnet.layers import Dense, Flatten

RNG = np.random.default_rng(0)
X = np.linspace(-2, 2, 20)[:, None]


@pytest.fixture(scope="module")
def line():
    """The line y = 3 x - 1."""
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.input_shape = (1,)
    model.set_weights([np.array([[3.0]]), np.array([-1.0])])
    return model


def drawn_line(figure):
    """Return the points of the thickest line of the first axes."""
    return max(figure.axes[0].lines, key=lambda each: each.get_linewidth()).get_xydata()


def test_the_curve_of_one_neuron_is_its_line(line):
    """Oracle: 3 x - 1 (1). The error of each row is 0.5, so the mean is 0.5."""
    view = fitted(line, X, 3 * X[:, 0] - 0.5, resolution=11)
    np.testing.assert_allclose(view.prediction, 3 * view.x - 1, rtol=1e-6)
    assert view.title == (
        "Fitted curve of y over x (untrained): mean absolute error 0.5 on 20 rows"
    )
    x, y = drawn_line(view.plot()).T
    np.testing.assert_allclose(y, 3 * x - 1, rtol=1e-6)
    assert list(view.to_frame()) == ["x", "predicted y"]
    assert str(view) == view.title


def test_without_targets_and_with_test_rows(line):
    view = fitted(line, X, test=(X[:3] + 5, [0.0, 1.0, 2.0]), resolution=3)
    assert view.x.max() > 3
    assert "on 3 test rows" in view.title
    labels = view.plot().axes[0].get_legend_handles_labels()[1]
    assert labels == ["training rows", "test rows", "prediction"]


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities(n_classes):
    last = Dense(1, activation="sigmoid") if n_classes == 2 else Dense(3, activation="softmax")
    model = gn.Sequential([last], seed=0)
    y = np.digitize(X[:, 0], [-0.5, 0.7][: n_classes - 1])
    model.fit(X, y, epochs=1, verbose=0)
    view = fitted(model, X, y, resolution=5)
    assert view.probability.shape == (5, n_classes)
    predicted = model.predict(view.x[:, None])
    last_columns = view.probability if n_classes == 3 else view.probability[:, 1:]
    np.testing.assert_allclose(last_columns, predicted, rtol=1e-6)
    accuracy = np.mean(model.predict_labels(X) == y)
    assert f"accuracy {accuracy:.3f} on 20 rows" in view.title
    assert list(view.to_frame())[2:] == [f"probability of {k}" for k in range(n_classes)]
    with matplotlib.style.context("dark_background"):
        axes = view.plot().axes[0]
    assert axes.get_ylabel() == ("probability of y = 1" if n_classes == 2 else "probability")


def test_a_slice_of_a_table():
    """Oracle: predict of a hand-made frame (6)."""
    frame = pd.DataFrame(
        {
            "area": RNG.uniform(20, 90, 30),
            "built": RNG.integers(1950, 2000, 30),
            "town": ["a", "b"] * 15,
        }
    )
    frame["price"] = 10 * frame.area + RNG.normal(size=30)
    model = gn.Sequential([Dense(1)], seed=0)
    model.fit(frame, target="price", epochs=1, verbose=0)
    view = fitted(model, frame, feature="area", at={"town": "b"}, resolution=4)
    year = frame.built.median()
    rows = pd.DataFrame({"area": view.x, "built": [year] * 4, "town": ["b"] * 4})
    np.testing.assert_allclose(view.prediction, model.predict(rows)[:, 0], rtol=1e-6)
    text = f"{year:.0f}" if year == round(year) else f"{year:,.0f}"
    assert view.title.endswith(f"slice at town = b, built = {text}")
    by_town = fitted(model, frame, feature="town")
    assert by_town.x.tolist() == ["a", "b"]
    ticks = by_town.plot().axes[0].get_xticklabels()
    assert [tick.get_text() for tick in ticks] == ["a", "b"]
    with pytest.raises(ConfigError, match=r"feature='area'.*gn.inspection.mistakes"):
        fitted(model, frame)
    with pytest.raises(ConfigError, match=r"fitted: feature: expected one of.*Did you mean 'area'"):
        fitted(model, frame, feature="aera")


def test_images():
    model = gn.Sequential([Flatten(), Dense(2, activation="softmax")], seed=0)
    model.compile("sgd", "sparse_categorical_crossentropy")
    with pytest.raises(ConfigError, match=r"fitted: .*feature_maps, attribute, embeddings"):
        fitted(model, np.zeros((2, 6, 6)))
