"""Tests of the figure that every plot returns."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import glassnet
from glassnet.plots.curves import plot_curves
from glassnet.plots.datasets import plot_dataset
from glassnet.plots.forecasts import plot_forecast

X, Y = np.random.default_rng(0).normal(size=(12, 5)), np.tile([0, 1], 6)
IMAGES, CLASSES = np.ones((12, 4, 4)), ("no", "yes")
FORECASTS = {"forecast": np.ones(2), "naive": np.zeros(2)}


@pytest.mark.parametrize(
    "plot",
    [
        lambda: plot_curves([1, 2], {"loss": [1.0, 0.5]}, 2),
        lambda: plot_dataset(X[:, :2], Y, class_names=CLASSES),
        lambda: plot_dataset(X, Y, class_names=CLASSES),
        lambda: plot_dataset(X, Y.astype(float)),
        lambda: plot_dataset(IMAGES, Y, class_names=CLASSES),
        lambda: plot_forecast("y", list("abcd"), np.ones(2), FORECASTS, 1, None),
    ],
    ids=["curves", "points", "pairs", "target", "images", "forecast"],
)
def test_every_plot_is_a_picture_in_a_notebook(plot):
    """Oracle: Pillow reads the picture; its size is that of the figure at 100 dots per inch."""
    figure = plot()
    picture = Image.open(io.BytesIO(figure._repr_png_()))
    assert picture.format == "PNG"
    assert picture.size == tuple(np.round(figure.get_size_inches() * 100).astype(int))
    assert len(np.unique(np.asarray(picture.convert("L")))) > 10


def test_no_plot_makes_another_kind_of_figure():
    """Oracle: the source. `Figure(` and pyplot stand nowhere in the package."""
    sources = Path(glassnet.__file__).parent.rglob("*.py")
    found = [
        path.name
        for path in sources
        if re.search(
            r"(?<!Notebook)Figure\(\w+=|import .*pyplot|pyplot import", path.read_text("utf-8")
        )
    ]
    assert found == []
