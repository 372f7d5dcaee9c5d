"""Plots of datasets."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassnet.errors import DataError, require
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import CLASS_COLORS, get_class_colors
from glassnet.plots.text import plain_text, set_title
from glassnet.types import Array


@plain_text
def plot_dataset(
    x: Array,
    y: Array,
    *,
    feature_names: tuple[str, ...] = (),
    class_names: tuple[str, ...] = (),
    title: str = "",
) -> Figure:
    """Plot labeled examples in the way that suits their shape.

    Images are drawn in a grid with one column for each class, and one or two features as a scatter
    plot. For a wider table, the four columns with the closest relation to y are drawn: by class
    against each other (largest variance between classes relative to the variance within), or for a
    regression against y (largest correlation).

    Shapes:
        x: (n, rows, columns), (n, rows, columns, 3) or (n, features). y: (n,) codes 0..K-1 if there
            are class names, else numbers.

    Returns:
        A matplotlib Figure without a window: save it with `figure.savefig("data.png")`.

    Raises:
        DataError: x has another number of axes.

    Example:
        >>> x, y = np.array([[0.0], [1.0]]), np.array([1.0, 3.0])
        >>> plot_dataset(x, y, feature_names=("x",)).axes[0].get_xlabel()
        'x'
    """
    require(
        x.ndim == 2 or (class_names and x.ndim in (3, 4)),
        "plot_dataset",
        "a table (n, features), or images with class names",
        error=DataError,
        shape=x.shape,
        class_names=class_names,
    )
    feature_names = feature_names or tuple(f"x{column + 1}" for column in range(x.shape[1]))
    if x.ndim > 2:
        figure = _plot_images(x, y, class_names)
    elif x.shape[1] <= 2:
        figure = _plot_points(x, y, feature_names, class_names)
    elif class_names:
        figure = _plot_pairs(x, y, feature_names, class_names)
    else:
        figure = _plot_against_target(x, y, feature_names)
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
    set_title(figure, title, fontweight="bold")
    return figure


def _plot_images(x: Array, y: Array, class_names: tuple[str, ...]) -> Figure:
    n_shown = 5
    figure = NotebookFigure(figsize=(1 + len(class_names), 1 + n_shown), layout="constrained")
    grid = figure.subplots(n_shown, len(class_names), squeeze=False)
    for code, (column, name) in enumerate(zip(grid.T, class_names, strict=True)):
        column[0].set_title(name, fontsize=9)
        examples = x[np.flatnonzero(y == code)[:n_shown]]
        for axes, image in zip(column, examples, strict=False):
            axes.imshow(image, cmap="gray_r", vmin=0, vmax=x.max())
    for axes in grid.flat:
        axes.set_axis_off()
    return figure


def _plot_points(
    x: Array, y: Array, feature_names: tuple[str, ...], class_names: tuple[str, ...]
) -> Figure:
    figure = NotebookFigure(figsize=(6, 5), layout="constrained")
    axes = figure.subplots()
    axes.set_xlabel(feature_names[0])
    if x.shape[1] == 1:
        axes.scatter(x[:, 0], y, color=CLASS_COLORS[0], alpha=0.8)
        axes.set_ylabel("y")
        return figure
    axes.set_ylabel(feature_names[1])
    axes.set_aspect("equal", "datalim")
    if class_names:
        _scatter_by_class(axes, x, y, class_names, size=24 if len(x) > 20 else 200)
        figure.legend(loc="outside right upper", frameon=False)
    else:
        figure.colorbar(axes.scatter(x[:, 0], x[:, 1], c=y, cmap="viridis", s=24), label="y")
    return figure


def _plot_pairs(
    x: Array, y: Array, feature_names: tuple[str, ...], class_names: tuple[str, ...]
) -> Figure:
    means = np.stack([x[y == code].mean(axis=0) for code in range(len(class_names))])
    within = np.mean((x - means[y]) ** 2, axis=0)
    best = _top_features(means[y].var(axis=0) / np.maximum(within, 1e-12))
    figure = NotebookFigure(figsize=(9, 8), layout="constrained")
    grid = figure.subplots(len(best), len(best), sharex="col")
    for i, j in np.ndindex(grid.shape):
        if i < j:
            grid[i, j].set_axis_off()
        elif i == j:
            _plot_histograms(grid[i, j], x[:, best[j]], y, len(class_names))
        else:
            _scatter_by_class(grid[i, j], x[:, [best[j], best[i]]], y, class_names, size=10)
    for axes, column in zip(grid[-1], best, strict=True):
        axes.set_xlabel(feature_names[column], fontsize=8)
    for axes, column in zip(grid[1:, 0], best[1:], strict=True):
        axes.set_ylabel(feature_names[column], fontsize=8)
    figure.legend(
        *grid[-1, 0].get_legend_handles_labels(),
        loc="upper right",
        bbox_to_anchor=(0.98, 0.93),
        frameon=False,
    )
    return figure


def _plot_histograms(axes: Axes, values: Array, y: Array, n_classes: int) -> None:
    groups = [values[y == code] for code in range(n_classes)]
    colors = get_class_colors(n_classes)
    axes.hist(groups, bins=15, histtype="stepfilled", alpha=0.6, color=colors)
    axes.set_yticks([])


def _plot_against_target(x: Array, y: Array, feature_names: tuple[str, ...]) -> Figure:
    # The correlation of a constant column is NaN, which sorts last.
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.corrcoef(x, y, rowvar=False)[-1, :-1]
    best = _top_features(np.abs(r))
    figure = NotebookFigure(figsize=(8, 7), layout="constrained")
    grid = figure.subplots(2, 2, sharey=True)
    for axes, column in zip(grid.flat, best, strict=False):
        axes.scatter(x[:, column], y, s=10, color=CLASS_COLORS[0], alpha=0.6)
        axes.set_xlabel(feature_names[column])
        axes.set_title(f"r = {r[column]:.2f}", fontsize=9)
    for axes in grid[:, 0]:
        axes.set_ylabel("y")
    for axes in grid.flat[len(best) :]:
        axes.set_axis_off()
    return figure


def _top_features(scores: Array) -> Array:
    return np.argsort(-scores, kind="stable")[:4]


def _scatter_by_class(
    axes: Axes, x: Array, y: Array, class_names: tuple[str, ...], size: float
) -> None:
    colors = get_class_colors(len(class_names))
    for code, (name, color) in enumerate(zip(class_names, colors, strict=True)):
        points = x[y == code].T
        axes.scatter(points[0], points[1], s=size, color=color, alpha=0.7, linewidths=0, label=name)
