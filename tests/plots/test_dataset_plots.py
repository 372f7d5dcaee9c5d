"""Tests of the plots of datasets."""

import doctest
import subprocess
import sys

import numpy as np
import pytest

from glassnet import datasets
from glassnet.errors import DataError
from glassnet.plots import datasets as plots
from glassnet.plots.datasets import plot_dataset


def offsets(axes):
    """Return the points of every scatter plot in the axes."""
    return [np.asarray(collection.get_offsets()) for collection in axes.collections]


def test_examples():
    assert doctest.testmod(plots).failed == 0


def test_one_feature_shows_y_over_x():
    data = datasets.load("line")
    (axes,) = data.plot().axes
    np.testing.assert_array_equal(offsets(axes)[0], np.column_stack([data.x, data.y]))


def test_two_features_show_each_class_in_its_place():
    """Oracle: XOR. Class 0 is at (0, 0) and (1, 1), class 1 at (0, 1) and (1, 0)."""
    figure = datasets.load("xor").plot()
    (axes,) = figure.axes
    assert [points.tolist() for points in offsets(axes)] == [[[0, 0], [1, 1]], [[0, 1], [1, 0]]]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0", "1"]
    assert figure.get_suptitle() == "xor"


def test_plane_is_coloured_by_its_target():
    data = datasets.load("plane", n=20)
    axes, colorbar = data.plot().axes
    np.testing.assert_array_equal(axes.collections[0].get_array(), data.y)
    assert colorbar.get_ylabel() == "y"


@pytest.mark.parametrize("tail", [(), (3,)], ids=["grey", "colour"])
def test_images_stand_in_the_column_of_their_class(tail):
    """Oracle: image i is filled with the number i, which identifies each image drawn."""
    y = np.array([1, 0, 1, 1, 0, 1, 1, 1])
    x = np.broadcast_to(
        np.arange(8, dtype=np.uint8).reshape(8, 1, 1, *[1 for _ in tail]), (8, 4, 4, *tail)
    )
    grid = np.reshape(plot_dataset(x, y, class_names=("zero", "one")).axes, (5, 2))
    assert [axes.get_title() for axes in grid[0]] == ["zero", "one"]
    shown = [
        [int(axes.images[0].get_array().flat[0]) for axes in column if axes.images]
        for column in grid.T
    ]
    assert shown == [[1, 4], [0, 2, 3, 5, 6]]


def test_wide_table_shows_the_columns_that_separate_the_classes():
    """Oracle: by construction. Columns 3, 5, 0, 1 differ most between classes, relative to noise."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    x = rng.normal(size=(60, 6), scale=[1, 1, 1, 1, 100, 1]) + np.outer(y, [3, 1, 0, 30, 50, 10])
    figure = plot_dataset(x, y, feature_names=tuple("abcdef"), class_names=("r", "s", "t"))
    grid = np.reshape(figure.axes, (4, 4))
    assert [axes.get_xlabel() for axes in grid[-1]] == ["d", "f", "a", "b"]
    np.testing.assert_array_equal(offsets(grid[1, 0])[2], x[y == 2][:, [3, 5]])


def test_wide_regression_shows_the_strongest_correlations():
    """Oracle: by construction. y is column 1 and a little of column 2; column 0 is constant."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 5))
    x[:, 0] = 4
    figure = plot_dataset(x, x[:, 1] - 0.3 * x[:, 2])
    assert [axes.get_xlabel() for axes in figure.axes[:2]] == ["x2", "x3"]
    assert "x1" not in [axes.get_xlabel() for axes in figure.axes]
    assert (
        figure.axes[0].get_title()
        == f"r = {np.corrcoef(x[:, 1], x[:, 1] - 0.3 * x[:, 2])[0, 1]:.2f}"
    )


@pytest.mark.parametrize("name", ["spiral", "iris", "breast_cancer", "diabetes", "digits"])
def test_every_kind_renders(name, tmp_path):
    datasets.load(name).plot().savefig(tmp_path / "figure.png", dpi=30)
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_no_global_state():
    """Oracle: sys.modules of a fresh process. pyplot, which picks a backend, is not imported."""
    code = "import sys; from glassnet import datasets; datasets.load('xor').plot(); print('matplotlib.pyplot' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "False\n"
    )


@pytest.mark.parametrize(
    ("shape", "class_names"), [((5,), ()), ((5, 4, 4), ()), ((5, 1, 1, 1, 1), ("a",))]
)
def test_other_shapes_are_refused(shape, class_names):
    with pytest.raises(
        DataError,
        match=r"plot_dataset: expected a table \(n, features\), or images with class names. Received: shape=",
    ):
        plot_dataset(np.zeros(shape), np.zeros(5, int), class_names=class_names)
