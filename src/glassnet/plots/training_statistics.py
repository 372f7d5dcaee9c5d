"""Plots of statistics inside a network over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassnet.formatting import format_number
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.style import REFERENCE_COLOR, SEQUENTIAL, clean_axes
from glassnet.plots.text import plain_text, set_title, use_plain_numbers
from glassnet.types import Array

MAX_NAMES = 12
"""Lines of a legend; of more layers, evenly spaced ones are named."""


@plain_text
def plot_statistics(
    epochs: Array,
    of_outputs: Mapping[str, Array],
    of_weights: Mapping[str, Array],
    *,
    layers: Sequence[str],
    weighted: Sequence[str],
    usual_ratio: float,
    title: str,
) -> Figure:
    """Plot statistics of each layer over the epochs; colors run from the first layer to the last.

    Args:
        epochs: times (t,).
        of_outputs: statistics of the layers' outputs by name, (t, layers) each.
        of_weights: statistics of the weights by name, (t, weighted) each; the last is the update
            ratio.
        layers: names of the layers.
        weighted: names of the layers with weights.
        usual_ratio: where to draw a reference line.
        title: of the figure.
    """
    longer, shorter = (layers, weighted) if len(layers) >= len(weighted) else (weighted, layers)
    names = dict.fromkeys([*longer, *shorter])
    shades = colormaps[SEQUENTIAL](np.linspace(0.12, 0.92, len(names)))
    colors = dict(zip(names, shades, strict=True))
    figure = NotebookFigure(figsize=(10, 6.2), layout="constrained")
    grid = figure.subplots(2, 2, sharex=True)
    for axes, (label, values) in zip(grid[0], of_outputs.items(), strict=True):
        _plot_lines(axes, epochs, values, layers, colors)
        axes.set(ylabel=label)
        axes.set_ylim(bottom=0)
    for axes, (label, values) in zip(grid[1], of_weights.items(), strict=True):
        _plot_lines(axes, epochs, np.where(values > 0, values, np.nan), weighted, colors)
        axes.set(ylabel=label, xlabel="epoch", yscale="log")
        use_plain_numbers(axes.yaxis)
    label = f"usual: about {format_number(usual_ratio)}"
    grid[1, 1].axhline(usual_ratio, color=REFERENCE_COLOR, ls="--", lw=1.2, label=label)
    for axes in grid[:, 1]:
        _add_legend(axes)
    set_title(figure, title)
    return figure


def _plot_lines(
    axes: Axes, epochs: Array, values: Array, names: Sequence[str], colors: Mapping[str, Array]
) -> None:
    marker = "o" if len(epochs) < 30 else None
    for line, name in zip(values.T, names, strict=True):
        axes.plot(epochs, line, color=colors[name], lw=1.6, marker=marker, ms=3, label=name)
    axes.grid(alpha=0.25)
    clean_axes(axes)


def _add_legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    steps = np.linspace(0, len(labels) - 1, min(len(labels), MAX_NAMES)).round().astype(int)
    axes.legend(
        [handles[i] for i in steps],
        [labels[i] for i in steps],
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        fontsize=8,
        frameon=False,
    )
