"""Plots of what single units respond to: heat maps, curves, images and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from glassnet.formatting import shorten
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.images import hide_ticks, make_painter
from glassnet.plots.panels import draw_table
from glassnet.plots.planes import MAX_NAME, PlaneAxis, set_ticks
from glassnet.plots.style import (
    CLASS_COLORS,
    DIVERGING,
    REFERENCE_COLOR,
    SEQUENTIAL,
    clean_axes,
    signed_limits,
)
from glassnet.plots.text import plain_text, set_title

MAPS_PER_LINE = 8
"""Number of maps side by side."""

MAP_SIZE, IMAGE_SIZE = 1.15, 0.8
"""Width and height of a map and of an image in inches."""

LABEL_WIDTH = 1.5
"""Width of the column of labels in inches."""

LINE_COLORS = {DIVERGING: "#4D4D4D", SEQUENTIAL: "#FFFFFF"}
"""Colors of lines on the color maps, which are the same on white and dark paper."""


@dataclass(frozen=True, eq=False)
class UnitRow:
    """The units of one layer.

    Attributes:
        name: name of the layer.
        description: text below the name.
        output: responses, (units, n2, n1) or (units, n).
        chosen: indices of the units to draw.
    """

    name: str
    description: str
    output: np.ndarray
    chosen: np.ndarray

    @property
    def label(self) -> str:
        """The description, with the number of units that are drawn if it is not all."""
        n, n_drawn = len(self.output), len(self.chosen)
        drawn = f", {n_drawn} of them drawn" if n_drawn < n else ""
        return (self.description + drawn).replace(", ", "\n")


@dataclass(frozen=True)
class LayerPanels:
    """The panels of a layer, hidden until something is drawn on them.

    Attributes:
        lines: panels of each line.
        bars: the narrow column behind them, for a color bar: one for each line.
    """

    lines: list[list[Axes]]
    bars: list[Axes]

    @property
    def flat(self) -> list[Axes]:
        """All panels, line by line."""
        return [ax for line in self.lines for ax in line]

    def add_bar_axes(self, n_drawn: int) -> Axes:
        """Return axes for a color bar behind the first line, of which n panels are drawn."""
        is_full = n_drawn >= len(self.lines[0])
        cell = self.bars[0] if is_full else self.lines[0][n_drawn]
        return cell.inset_axes((0.0, 0.0, 0.2 if is_full else 0.08, 1.0))


@plain_text
def plot_unit_maps(axes: Sequence[PlaneAxis], rows: Sequence[UnitRow], title: str) -> Figure:
    """Draw the units of each layer over one or two features.

    Args:
        axes: one or two features.
        rows: the layers.
        title: title of the figure.
    """
    n_columns = min(MAPS_PER_LINE, max(len(row.chosen) for row in rows))
    n_lines = [-(-len(row.chosen) // n_columns) for row in rows]
    labels = [(row.name, row.label) for row in rows]
    figure, layers = _make_panels(labels, n_lines, n_columns, MAP_SIZE, title)
    for row, panels in zip(rows, layers, strict=True):
        for ax in panels.flat[: len(row.chosen)]:
            ax.set_axis_on()
        if len(axes) == 1:
            _draw_curves(panels, axes[0], row)
        else:
            _draw_maps(panels, axes, row)
        _label_axes(panels.lines[-1][0], axes, row is rows[-1])
    return figure


def _make_panels(
    labels: Sequence[tuple[str, str]],
    n_lines: Sequence[int],
    n_columns: int,
    size: float,
    title: str,
) -> tuple[Figure, list[LayerPanels]]:
    """Return a figure with panels for each layer, behind its name.

    Args:
        labels: name and description of each layer.
        n_lines: number of lines of each layer.
        n_columns: number of panels in a line.
        size: width and height of a panel in inches.
        title: title of the figure.
    """
    n_columns = max(n_columns, 4)
    width = size * (n_columns + 0.5) + LABEL_WIDTH
    height = (size + 0.1) * sum(n_lines) + 0.3 * len(n_lines) + 0.6
    figure = NotebookFigure(figsize=(width, height), layout="constrained")
    set_title(figure, title)
    ratios = [LABEL_WIDTH / size, *[1.0] * n_columns, 0.5]
    grid = figure.add_gridspec(sum(n_lines), len(ratios), width_ratios=ratios)
    layers, start = [], 0
    for (name, label), n in zip(labels, n_lines, strict=True):
        text = figure.add_subplot(grid[start : start + n, 0])
        text.text(0.95, 0.53, name, ha="right", va="bottom", fontsize=9, fontweight="bold")
        text.text(0.95, 0.49, label, ha="right", va="top", fontsize=8)
        cells = [
            [figure.add_subplot(grid[line, column]) for column in range(1, len(ratios))]
            for line in range(start, start + n)
        ]
        for ax in (text, *(ax for line in cells for ax in line)):
            ax.set_axis_off()
        layers.append(LayerPanels([line[:-1] for line in cells], [line[-1] for line in cells]))
        start += n
    return figure, layers


def _draw_maps(panels: LayerPanels, axes: Sequence[PlaneAxis], row: UnitRow) -> None:
    """Draw the units of a layer on one color scale."""
    low, high, colors, level = choose_scale(row.output[row.chosen])
    for ax, unit in zip(panels.flat, row.chosen, strict=False):
        values = row.output[unit]
        ax.pcolormesh(
            axes[0].edges, axes[1].edges, values, cmap=colors, vmin=low, vmax=high, rasterized=True
        )
        if values.min() < level < values.max():
            x, lines = axes[0].repeat_levels(values, 1)
            y, lines = axes[1].repeat_levels(lines, 0)
            style: dict[str, Any] = {"colors": [LINE_COLORS[colors]], "linewidths": 0.9}
            ax.contour(x, y, lines, levels=[level], **style)
        ax.set_title(str(unit), fontsize=8, pad=2)
        hide_ticks(ax)
    bar_axes = panels.add_bar_axes(len(row.chosen))
    scale = ScalarMappable(Normalize(low, high), colors)
    bar = bar_axes.figure.colorbar(scale, cax=bar_axes)
    bar_axes.tick_params(labelsize=7)
    bar.outline.set_visible(False)


def choose_scale(values: np.ndarray) -> tuple[float, float, str, float]:
    """Return the limits and name of a color map for a layer, and the level of a line.

    Numbers of both signs have a diverging scale around 0. Numbers from 0 to 1, as of a sigmoid,
    have a line at 0.5.

    Example:
        >>> choose_scale(np.array([-1.0, 3.0]))
        (-3.0, 3.0, 'RdBu', 0.0)
    """
    low, high = float(values.min()), float(values.max())
    if low < 0 < high:
        return *signed_limits(values), DIVERGING, 0.0
    if low >= 0 and high <= 1:
        return 0.0, 1.0, SEQUENTIAL, 0.5
    return min(low, 0.0), max(high, 0.0), SEQUENTIAL, 0.0


def _draw_curves(panels: LayerPanels, axis: PlaneAxis, row: UnitRow) -> None:
    """Draw the units of a layer as curves over one feature, on one scale."""
    low, high = float(row.output.min()), float(row.output.max())
    margin = 0.06 * (high - low) or 0.5
    steps: dict[str, Any] = {"drawstyle": "steps-mid"} if axis.levels else {}
    for ax, unit in zip(panels.flat, row.chosen, strict=False):
        ax.axhline(0, color=REFERENCE_COLOR, lw=0.6)
        ax.plot(axis.scaled_positions, row.output[unit], color=CLASS_COLORS[0], lw=1.5, **steps)
        ax.set_title(str(unit), fontsize=8, pad=2)
        ax.set(ylim=(low - margin, high + margin), xlim=axis.edges[[0, -1]], xticks=[])
        is_first = any(ax is line[0] for line in panels.lines)
        ax.tick_params(labelsize=7, labelleft=is_first)
        clean_axes(ax)
    panels.lines[0][0].set_ylabel("response", fontsize=8, labelpad=1)


def _label_axes(ax: Axes, axes: Sequence[PlaneAxis], is_last: bool) -> None:
    """Name the features at the first map of a layer's last line; number them in the last layer."""
    for axis, scale in zip((ax.xaxis, ax.yaxis), axes, strict=False):
        axis.set_label_text(shorten(scale.label, MAX_NAME), fontsize=8)
        axis.labelpad = 1
        if is_last:
            set_ticks(axis, scale)
            if not scale.levels and not scale.is_date:
                axis.set_ticks(_end_ticks(scale))
    ax.tick_params(labelsize=7, length=2)


def _end_ticks(axis: PlaneAxis) -> list[float]:
    """Return two round numbers near the ends of an axis."""
    first, last = axis.edges[[0, -1]]
    inside = [tick for tick in MaxNLocator(4).tick_values(first, last) if first <= tick <= last]
    return inside[:: max(1, len(inside) - 1)]


@plain_text
def plot_unit_images(
    rows: Sequence[tuple[str, str, Sequence[str], Sequence[np.ndarray]]], title: str
) -> Figure:
    """Draw the images that excite some units of each layer, a column for each unit.

    Args:
        rows: name and description of each layer, and for each of its drawn units a caption and the
            images, the strongest first.
        title: title of the figure.
    """
    n_columns = max(len(captions) for _, _, captions, _ in rows)
    n_lines = [max(len(images) for images in columns) for *_, columns in rows]
    labels = [(name, label) for name, label, _, _ in rows]
    figure, layers = _make_panels(labels, n_lines, n_columns, IMAGE_SIZE, title)
    images = [image for *_, columns in rows for column in columns for image in column]
    show = make_painter(np.stack(images))
    for (_, _, captions, columns), panels in zip(rows, layers, strict=True):
        for column, (caption, strongest) in enumerate(zip(captions, columns, strict=True)):
            panels.lines[0][column].set_title(caption, fontsize=8, pad=2)
            for line, image in enumerate(strongest):
                ax = panels.lines[line][column]
                ax.set_axis_on()
                show(ax, image)
    return figure


@plain_text
def plot_unit_table(header: Sequence[str], lines: Sequence[Sequence[str]], title: str) -> Figure:
    """Draw a table of the rows that excite some units most.

    Args:
        header: names of the columns.
        lines: lines of text.
        title: title of the figure.
    """
    n = len(lines) + 1
    figure = NotebookFigure(figsize=(9, 0.26 * n + 0.7), layout="constrained")
    set_title(figure, title)
    ax = figure.add_subplot()
    draw_table(ax, header, lines)
    for cell in ax.tables[0].get_celld().values():
        cell.set_height(1 / n)
    return figure
