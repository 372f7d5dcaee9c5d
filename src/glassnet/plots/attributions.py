"""Plots of what an answer rests on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps, rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from glassnet.formatting import shorten
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.images import make_painter
from glassnet.plots.style import (
    DIVERGING,
    NEGATIVE_COLOR,
    POSITIVE_COLOR,
    REFERENCE_COLOR,
    SEQUENTIAL,
    clean_axes,
    figure_of,
    get_class_colors,
    signed_limits,
)
from glassnet.plots.text import plain_text, set_title, wrap_title
from glassnet.types import Array

MAX_ROWS = 8
"""Maximum number of rows that are drawn."""

MAX_BARS = 10
"""Maximum number of columns with a bar; the others share one."""

LINE_CHARACTERS = 104
"""Number of characters in a line of colored words."""

MAX_LINES = 6
"""Maximum number of features of a series with an entry in the legend."""

MAX_NAME = 24
"""Maximum number of characters of the name of a column."""

MAX_WORDS = 240
"""Maximum number of words of one text that are drawn."""


@dataclass(frozen=True)
class Drawing:
    """Texts of all figures of attributions.

    Attributes:
        title: title of the figure.
        label: what a value measures.
        captions: the answer for each row.
        sanity: label of the values with re-drawn weights, or "".
    """

    title: str
    label: str
    captions: Sequence[str]
    sanity: str = ""


@plain_text
def plot_images(
    drawing: Drawing, pictures: Array, maps: Array, sanity: Array | None, is_overlay: bool
) -> Figure:
    """Plot each picture beside its map, and beside the map with re-drawn weights.

    Args:
        drawing: title and labels.
        pictures: (n, height, width) or (n, height, width, channels).
        maps: (n, height, width).
        sanity: maps with re-drawn weights, or None.
        is_overlay: whether the maps are >= 0 and lie over the pictures.
    """
    n = min(len(pictures), MAX_ROWS)
    rows = [maps[:n]] if sanity is None else [maps[:n], sanity[:n]]
    across = n > 2
    shape = (1 + len(rows), n) if across else (n, 1 + len(rows))
    height = 1.75 * min(max(pictures.shape[1] / pictures.shape[2], 0.3), 3)
    size = (max(1.75 * shape[1] + 1.6, 5.6), (height + 0.1) * shape[0] + 0.9)
    figure = NotebookFigure(figsize=size, layout="constrained")
    grid = figure.subplots(*shape, squeeze=False)
    by_kind = grid if across else grid.T
    show = make_painter(pictures[:n])
    for axes, picture, caption in zip(by_kind[0], pictures, drawing.captions, strict=False):
        show(axes, picture)
        axes.set_title(caption, fontsize=9)
    for axes_of_kind, values, name in zip(
        by_kind[1:], rows, [drawing.label, drawing.sanity], strict=False
    ):
        below = show if is_overlay else None
        image = _draw_maps(axes_of_kind, pictures[:n], values, below)
        bar = figure.colorbar(image, ax=list(axes_of_kind), shrink=0.8, aspect=14, pad=0.02)
        bar.set_label(wrap_title(name, 32), fontsize=8)
        bar.ax.tick_params(labelsize=7)
    for axes in grid.flat:
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
    _set_title(figure, drawing, n, len(maps))
    return figure


def _draw_maps(
    axes_of_maps: Array,
    pictures: Array,
    maps: Array,
    show: Callable[[Axes, Array], None] | None,
) -> AxesImage:
    """Draw maps in the same colors, over the pictures if `show` draws these.

    An empty map is drawn as none.
    """
    low, high = signed_limits(maps)
    image: AxesImage
    for axes, picture, values in zip(axes_of_maps, pictures, maps, strict=True):
        if show:
            show(axes, picture)
            alpha = 0.9 * (values / high).clip(0, 1) ** 0.5
            image = axes.imshow(values, cmap=SEQUENTIAL, vmin=0, vmax=high, alpha=alpha)
        else:
            image = axes.imshow(values, cmap=DIVERGING, vmin=low, vmax=high)
        if not values.any():
            image.set_visible(False)
            paper = {"facecolor": rcParams["axes.facecolor"], "edgecolor": "none", "alpha": 0.8}
            middle = {"ha": "center", "va": "center", "transform": axes.transAxes}
            axes.text(0.5, 0.5, "nothing", fontsize=9, bbox=paper, **middle)
    return image


def _set_title(figure: Figure, drawing: Drawing, n_shown: int, n: int) -> None:
    more = f" (the first {n_shown} of {n:,} rows)" if n_shown < n else ""
    set_title(figure, drawing.title + more)


@plain_text
def plot_bars(
    drawing: Drawing,
    names: Sequence[str],
    cells: Sequence[Sequence[str]],
    values: Array,
    sanity: Array | None,
) -> Figure:
    """Plot a bar for each column of each row, from the largest down.

    Args:
        drawing: title and labels.
        names: names of the columns.
        cells: text of each column in each row.
        values: (n, columns).
        sanity: values with re-drawn weights, or None.
    """
    n = min(len(values), MAX_ROWS)
    n_across = min(n, 2)
    n_down = -(-n // n_across)
    n_bars = min(len(names), MAX_BARS + 1)
    size = (4.6 * n_across + 1.4 * (n == 1), (0.24 * n_bars + 0.9) * n_down + 0.6)
    figure = NotebookFigure(figsize=size, layout="constrained")
    grid = figure.subplots(n_down, n_across, squeeze=False).ravel()
    for i, axes in enumerate(grid):
        if i >= n:
            axes.set_axis_off()
            continue
        other = None if sanity is None else sanity[i]
        _draw_bars(axes, names, cells[i], values[i], other)
        set_title(axes, drawing.captions[i].replace("\n", ", "), fontsize=9)
        if i >= n - n_across:
            axes.set_xlabel(drawing.label, fontsize=8)
    _add_sanity_legend(figure, drawing)
    _set_title(figure, drawing, n, len(values))
    return figure


def _draw_bars(
    axes: Axes, names: Sequence[str], cells: Sequence[str], values: Array, sanity: Array | None
) -> None:
    order = np.argsort(-np.abs(values), kind="stable")
    shown, others = order[:MAX_BARS], order[MAX_BARS:]
    labels = [_label_cell(names[i], cells[i]) for i in shown]
    sizes = list(values[shown])
    if len(others):
        labels.append(f"{len(others):,} others together")
        sizes.append(values[others].sum())
    places = np.arange(len(labels))
    colors = [POSITIVE_COLOR if size >= 0 else NEGATIVE_COLOR for size in sizes]
    axes.barh(places, sizes, color=colors, height=0.62)
    if sanity is not None:
        beside = [*sanity[shown], *([sanity[others].sum()] if len(others) else [])]
        axes.barh(places, beside, color="none", edgecolor=REFERENCE_COLOR, height=0.86, lw=1)
    axes.axvline(0, color=REFERENCE_COLOR, lw=0.8)
    axes.set_yticks(places, labels, fontsize=8)
    axes.tick_params(axis="x", labelsize=8)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.invert_yaxis()
    clean_axes(axes)


def _label_cell(name: str, cell: str) -> str:
    name = shorten(name, MAX_NAME)
    return f"{name} = {cell}" if cell else name


def _add_sanity_legend(figure: Figure, drawing: Drawing) -> None:
    if drawing.sanity:
        frame = Patch(facecolor="none", edgecolor=REFERENCE_COLOR, lw=1)
        label = drawing.sanity.replace("\n", " ")
        figure.legend([frame], [label], loc="outside lower center", frameon=False, fontsize=8)


@plain_text
def plot_series(
    drawing: Drawing, x: Array, names: Sequence[str], values: Array, sanity: Array | None
) -> Figure:
    """Plot each series over its steps, and below it a bar for the value of each step.

    Args:
        drawing: title and labels.
        x: (n, steps, features).
        names: names of the features.
        values: shaped like x, or (n, steps).
        sanity: values with re-drawn weights, or None.
    """
    n = min(len(x), MAX_ROWS)
    n_down, n_across = -(-n // 2), min(n, 2)
    is_wide = values.ndim == 3 and values.shape[2] > 1
    n_parts = 3 if is_wide and sanity is not None else 2
    size = (max(4.2 * n_across, 6.4), (1.5 * n_parts + 0.1) * n_down + 0.6)
    figure = NotebookFigure(figsize=size, layout="constrained")
    parts = figure.subfigures(n_down, n_across, squeeze=False).ravel()
    for i in range(n):
        upper, *lower = parts[i].subplots(n_parts, 1, sharex=True)
        set_title(upper, drawing.captions[i].replace("\n", ", "), fontsize=9)
        _draw_lines(upper, x[i], names)
        if is_wide:
            _draw_step_map(lower[0], names, values[i], drawing.label)
            if sanity is not None:
                _draw_step_map(lower[1], names, sanity[i], drawing.sanity)
        else:
            _draw_steps(lower[0], values[i], None if sanity is None else sanity[i])
            lower[0].set_ylabel(wrap_title(drawing.label, 20), fontsize=8)
        lower[-1].set_xlabel("step", fontsize=8)
    if not is_wide:
        _add_sanity_legend(figure, drawing)
    _set_title(figure, drawing, n, len(x))
    return figure


def _draw_lines(axes: Axes, x: Array, names: Sequence[str]) -> None:
    for name, line, color in zip(names, x.T, get_class_colors(len(names)), strict=True):
        axes.plot(line, color=color, lw=1.2, label=name)
    axes.set_ylabel(names[0] if len(names) == 1 else "x", fontsize=8)
    if 1 < len(names) <= MAX_LINES:
        axes.legend(fontsize=7, frameon=False, ncols=min(len(names), 4))
    axes.tick_params(labelsize=8)
    clean_axes(axes)


def _draw_steps(axes: Axes, values: Array, sanity: Array | None) -> None:
    """Draw a bar for each step, and the values with re-drawn weights as a line."""
    sizes = values.reshape(len(values))
    colors = [POSITIVE_COLOR if size >= 0 else NEGATIVE_COLOR for size in sizes]
    axes.bar(range(len(sizes)), sizes, color=colors, width=0.8)
    if sanity is not None:
        axes.step(range(len(sizes)), sanity.reshape(-1), where="mid", color=REFERENCE_COLOR, lw=1)
    axes.axhline(0, color=REFERENCE_COLOR, lw=0.8)
    axes.tick_params(labelsize=8)
    clean_axes(axes)


def _draw_step_map(axes: Axes, names: Sequence[str], values: Array, label: str) -> None:
    """Draw the values of steps and features as colors."""
    low, high = signed_limits(values)
    image = axes.imshow(values.T, cmap=DIVERGING, vmin=low, vmax=high, aspect="auto")
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.tick_params(axis="x", labelsize=8)
    bar = figure_of(axes).colorbar(image, ax=axes, aspect=10)
    bar.set_label(wrap_title(label, 26), fontsize=7)
    bar.ax.tick_params(labelsize=7)


@plain_text
def plot_words(
    drawing: Drawing, words: Sequence[Sequence[str]], values: Array, sanity: Array | None
) -> Figure:
    """Plot the words of each text, colored by their values.

    Args:
        drawing: title and labels.
        words: the words of each text.
        values: (n, words).
        sanity: values with re-drawn weights, or None.
    """
    n = min(len(words), MAX_ROWS)
    norms = [
        Normalize(*signed_limits(values if each is None else each)) for each in (values, sanity)
    ]
    lines: list[_TextLine] = []
    for i in range(n):
        caption = drawing.captions[i].replace("\n", ", ")
        lines += [_TextLine(caption, True), *_place_words(words[i], norms[0](values[i]))]
        if sanity is not None:
            caption = drawing.sanity.replace("\n", " ")
            lines += [_TextLine(caption), *_place_words(words[i], norms[1](sanity[i]))]
    figure = NotebookFigure(figsize=(8.4, 0.27 * len(lines) + 1.2), layout="constrained")
    axes = figure.subplots()
    axes.set(xlim=(0, LINE_CHARACTERS), ylim=(len(lines), -0.5))
    axes.set_axis_off()
    for y, line in enumerate(lines):
        weight = "bold" if line.is_bold else "normal"
        axes.text(0, y, line.caption, fontsize=9, va="center", weight=weight)
        for start, word, share in line.words:
            _draw_word(axes, start, y, word, share)
    image = ScalarMappable(norms[0], DIVERGING)
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.5, aspect=40, pad=0.02)
    bar.set_label(drawing.label, fontsize=8)
    bar.ax.tick_params(labelsize=7)
    _set_title(figure, drawing, n, len(words))
    return figure


class _TextLine(NamedTuple):
    """A caption; or words, each with the number of characters before it and its color."""

    caption: str = ""
    is_bold: bool = False
    words: tuple[tuple[float, str, float], ...] = ()


def _place_words(words: Sequence[str], shares: Array) -> list[_TextLine]:
    """Return the lines of words with colors from 0 to 1."""
    lines: list[list[tuple[float, str, float]]] = [[]]
    start = 1.0
    for word, share in zip(words[:MAX_WORDS], shares, strict=False):
        if start + len(word) > LINE_CHARACTERS and lines[-1]:
            lines.append([])
            start = 1.0
        lines[-1].append((start, word, float(share)))
        start += len(word) + 1.4
    return [_TextLine(words=tuple(line)) for line in lines]


def _draw_word(axes: Axes, start: float, y: float, word: str, share: float) -> None:
    """Draw a word in a box of its color, in black or white, whichever is easier to read."""
    color = colormaps[DIVERGING](share)
    luminance = 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2]
    axes.text(
        start,
        y,
        word,
        family="monospace",
        fontsize=9,
        va="center",
        color="black" if luminance > 0.55 else "white",
        bbox={"facecolor": color, "edgecolor": "none", "boxstyle": "round,pad=0.16"},
    )
