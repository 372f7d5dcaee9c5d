"""Plots of examples in rows: pictures, sequences or lines of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from glassnet.plots.figure import NotebookFigure
from glassnet.plots.images import make_painter
from glassnet.plots.panels import draw_table
from glassnet.plots.style import CLASS_COLORS, clean_axes
from glassnet.plots.text import plain_text, set_title, widen_for_title
from glassnet.types import Array

LINE_HEIGHT = 0.24
"""Height of a line of a table in inches."""


@plain_text
def plot_image_rows(
    images: Array, labels: Sequence[str], captions: Sequence[Sequence[str]], title: str
) -> Figure:
    """Plot rows of pictures, each row with a label and each picture with a caption.

    Args:
        images: (rows, n, height, width) or (rows, n, height, width, channels).
        labels: text at the left of each row.
        captions: text above each picture.
        title: of the figure.
    """
    figure, grid = _make_grid(images, 1.0, 1.22, labels, captions, title)
    show = make_painter(images.reshape(-1, *images.shape[2:]))
    for axes_row, row in zip(grid, images, strict=True):
        for axes, image in zip(axes_row, row, strict=True):
            show(axes, image)
    return figure


@plain_text
def plot_sequence_rows(
    sequences: Array, labels: Sequence[str], captions: Sequence[Sequence[str]], title: str
) -> Figure:
    """Plot rows of sequences, all on the same axes.

    Args:
        sequences: (rows, n, steps, features).
        labels: text at the left of each row.
        captions: text above each sequence.
        title: of the figure.
    """
    figure, grid = _make_grid(sequences, 1.5, 1.2, labels, captions, title)
    low, high = float(sequences.min()), float(sequences.max())
    margin = 0.05 * (high - low) or 1.0
    for axes_row, row in zip(grid, sequences, strict=True):
        for axes, sequence in zip(axes_row, row, strict=True):
            for feature, color in zip(sequence.T, CLASS_COLORS, strict=False):
                axes.plot(feature, color=color, lw=1)
            axes.set_ylim(low - margin, high + margin)
            axes.tick_params(labelsize=6, labelleft=axes is axes_row[0])
            axes.tick_params(labelbottom=axes in grid[-1])
            clean_axes(axes)
    figure.supxlabel("step", fontsize=9)
    return figure


@plain_text
def plot_table(
    header: Sequence[str], cells: Sequence[Sequence[str]], group_size: int, title: str
) -> Figure:
    """Plot lines of text under a header.

    Args:
        header: headings of the columns.
        cells: text of each line.
        group_size: lines that belong together; the first column is empty but in the first of them.
        title: of the figure.
    """
    lines = [
        [first if i % group_size == 0 else "", *rest] for i, (first, *rest) in enumerate(cells)
    ]
    columns = zip(header, *lines, strict=True)
    width = sum(0.075 * max(map(len, column)) + 0.25 for column in columns)
    height = LINE_HEIGHT * (len(lines) + 1) + 0.5
    size = (widen_for_title(max(width, 4.0), title), height)
    figure = NotebookFigure(figsize=size, layout="constrained")
    set_title(figure, title)
    draw_table(figure.subplots(), header, lines, 1 / (len(lines) + 1))
    return figure


def _make_grid(
    values: Array,
    width: float,
    height: float,
    labels: Sequence[str],
    captions: Sequence[Sequence[str]],
    title: str,
) -> tuple[Figure, Array]:
    """Return a figure and its axes (rows, n), with labels and captions."""
    n_rows, n_columns = values.shape[:2]
    size = (widen_for_title(width * n_columns + 0.7, title), height * n_rows + 0.6)
    figure = NotebookFigure(figsize=size, layout="constrained")
    grid = np.asarray(figure.subplots(n_rows, n_columns, squeeze=False))
    for axes_row, label, texts in zip(grid, labels, captions, strict=True):
        first: Axes = axes_row[0]
        first.set_ylabel(label, fontsize=9)
        for axes, text in zip(axes_row, texts, strict=True):
            axes.set_title(text, fontsize=8, pad=3)
    set_title(figure, title)
    return figure, grid
