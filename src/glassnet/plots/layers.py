"""Plots of what layers compute: feature maps and sequences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec

from glassnet.formatting import format_number
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.images import hide_ticks, show_image
from glassnet.plots.style import DIVERGING, SEQUENTIAL, signed_limits
from glassnet.plots.text import plain_text, set_title, widen_for_title
from glassnet.types import Array

LABEL_WIDTH = 1.5
"""Width of the column of labels, in widths of a map."""

FeatureRow = tuple[str, str, Array, Array]
"""Name, description and output of a layer, and the indices of the maps to draw."""


@plain_text
def plot_feature_maps(image: Array, rows: Sequence[FeatureRow], title: str) -> Figure:
    """Plot an example, and below it one row of maps for each layer.

    Args:
        image: (height, width), (height, width, channels) or (steps, features).
        rows: name, description and output of each layer, (height, width, maps) or (steps, units),
            and the indices of its maps to draw.
        title: of the figure.
    """
    is_sequence = all(output.ndim == 2 for _, _, output, _ in rows)
    n_columns = 1 if is_sequence else max(len(chosen) for _, _, _, chosen in rows)
    widths = [0.28, 1] if is_sequence else [LABEL_WIDTH] + [1] * n_columns
    width = 8.0 if is_sequence else max(5.0, 1.05 * (n_columns + LABEL_WIDTH))
    height = 1.15 * (len(rows) + 1) + 0.5
    figure = NotebookFigure(figsize=(widen_for_title(width, title), height), layout="constrained")
    grid = GridSpec(len(rows) + 1, len(widths), figure=figure, width_ratios=widths)
    _label(figure.add_subplot(grid[0, 0]), "input", " x ".join(map(str, image.shape)))
    axes = figure.add_subplot(grid[0, 1])
    if is_sequence:
        _show_sequence(axes, image.reshape(len(image), -1), "input")
    else:
        show_image(axes, image)
    for i, (name, description, output, chosen) in enumerate(rows, start=1):
        _label(figure.add_subplot(grid[i, 0]), name, description)
        if output.ndim == 2:
            axes = figure.add_subplot(grid[i, 1:])
            _show_sequence(axes, output, "unit")
            axes.set_xlabel("step" if i == len(rows) else "", fontsize=8)
            continue
        for column, index in enumerate(chosen, start=1):
            _show_map(figure.add_subplot(grid[i, column]), output[..., index], index)
    set_title(figure, title)
    return figure


def _label(axes: Axes, name: str, description: str) -> None:
    axes.set_axis_off()
    axes.text(1, 0.52, name, ha="right", va="bottom", fontsize=9, fontweight="bold")
    axes.text(1, 0.48, description.replace(", ", "\n"), ha="right", va="top", fontsize=8)


def _show_map(axes: Axes, values: Array, index: int) -> None:
    """Draw a map on its own color scale, with its index and its largest value."""
    low, high, colors = _choose_colors(values)
    axes.imshow(values, cmap=colors, vmin=low, vmax=high)
    largest = format_number(np.abs(values).max(), 3)
    axes.set_title(f"{index}: {largest}", fontsize=7, pad=2)
    hide_ticks(axes)


def _show_sequence(axes: Axes, values: Array, label: str) -> None:
    """Draw (steps, units) with the steps to the right."""
    low, high, colors = _choose_colors(values)
    image = axes.imshow(values.T, cmap=colors, vmin=low, vmax=high, aspect="auto")
    axes.figure.colorbar(image, ax=axes, pad=0.01)
    axes.tick_params(labelsize=7)
    axes.set_ylabel(label, fontsize=8)


def _choose_colors(values: Array) -> tuple[float, float, str]:
    """Return limits and color map: diverging around 0 if values have both signs."""
    if np.min(values) < 0:
        return *signed_limits(values), DIVERGING
    return 0.0, float(np.max(values)) or 1.0, SEQUENTIAL
