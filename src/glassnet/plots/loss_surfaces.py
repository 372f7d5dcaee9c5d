"""Plots of a loss over one weight, and over two weights or directions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, PowerNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from glassnet.formatting import format_number
from glassnet.plots.style import (
    CLASS_COLORS,
    SEQUENTIAL,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.plots.text import plain_text, set_title, use_plain_numbers

MODEL_COLOR, PATH_COLOR, CURVE_COLOR = CLASS_COLORS[1], CLASS_COLORS[1], CLASS_COLORS[0]
"""Vermilion and blue can be told apart, and vermilion is seen on every color of the surface."""

LOWEST_STYLE: dict[str, Any] = {"marker": "X", "color": "white", "mec": "black", "ms": 9}
LOWEST_STYLE |= {"ls": "none", "label": "lowest"}
MODEL_STYLE: dict[str, Any] = {"marker": "o", "mfc": MODEL_COLOR, "mec": "white", "ms": 9}
MODEL_STYLE |= {"mew": 1.4, "ls": "none", "label": "model"}

MAX_DOTS = 60
"""A path of more points has no dot at each."""

LOG_RATIO = 30.0
"""Losses are drawn on a logarithmic scale if the highest is this many times the lowest."""

N_LEVELS = 14
"""About how many steps of color a contour plot has."""


@dataclass(frozen=True)
class LossPlot:
    """A loss over k = 1 or 2 weights, to be drawn.

    Attributes:
        names: names of the k axes.
        values: values on each axis, (n,) or (n,), (m,).
        loss: (n,) or (n, m); what is not finite is left blank.
        loss_label: name of the loss with its axis.
        model: k values and the loss of the model.
        minimum: k values and the loss of the lowest point; NaN if there is none.
        path: k values and the loss at each moment of training, (t, k + 1); None without one.
        title: of the axes.
    """

    names: tuple[str, ...]
    values: tuple[np.ndarray, ...]
    loss: np.ndarray
    loss_label: str
    model: tuple[float, ...]
    minimum: tuple[float, ...]
    path: np.ndarray | None
    title: str


@plain_text
def plot_curve(plot: LossPlot, ax: Axes | None = None) -> Figure | SubFigure:
    """Draw the loss over one weight."""
    ax = get_axes(ax)
    (values,), loss = plot.values, blank(plot.loss)
    ax.plot(values, loss, color=CURVE_COLOR, lw=2)
    if plot.path is not None:
        ax.plot(*plot.path.T, **_path_style(len(plot.path)), path_effects=make_outline(2.6))
    _mark_points(ax, plot)
    is_log = _is_steep(loss)
    if is_log:
        ax.set_yscale("log")
        use_plain_numbers(ax.yaxis)
    ax.set(xlabel=plot.names[0], ylabel=plot.loss_label, xlim=(values[0], values[-1]))
    finite = loss[np.isfinite(loss)]
    if finite.size and not is_log:
        low, high = finite.min(), finite.max()
        ax.set_ylim(low - 0.06 * (high - low or 1), high + 0.06 * (high - low or 1))
    ax.grid(alpha=0.25)
    clean_axes(ax)
    return _finish(ax, plot)


@plain_text
def plot_contour(plot: LossPlot, ax: Axes | None = None) -> Figure | SubFigure:
    """Draw the loss over two weights as a map with contour lines."""
    ax = get_axes(ax, (6.2, 4.8))
    loss, (first, second) = blank(plot.loss), plot.values
    levels, norm = choose_levels(loss)
    draw_contour(ax, first, second, loss, levels=levels, norm=norm, label=plot.loss_label)
    if plot.path is not None:
        draw_path(ax, plot.path[:, :2])
    _mark_points(ax, plot)
    ax.set(xlabel=plot.names[0], ylabel=plot.names[1])
    ax.set(xlim=(first[0], first[-1]), ylim=(second[0], second[-1]))
    return _finish(ax, plot)


@plain_text
def plot_3d(plot: LossPlot, ax: Any = None) -> Figure | SubFigure:
    """Draw the loss over two weights as a surface in space.

    A loss that spans decades is drawn as its logarithm.
    """
    ax = get_axes(ax, (6.6, 5.2), projection="3d")
    loss, is_log = blank(plot.loss), _is_steep(plot.loss)
    heights = np.log10(loss) if is_log else loss
    first, second = np.meshgrid(*plot.values, indexing="ij")
    finite = heights[np.isfinite(heights)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    color_norm = Normalize(low, high)
    steps = {"rcount": min(len(first), 60), "ccount": min(first.shape[1], 60)}
    ax.plot_surface(
        first, second, heights, cmap=SEQUENTIAL, norm=color_norm, alpha=0.85, lw=0, **steps
    )
    for points, style in _space_marks(plot):
        lift = np.log10(points[:, 2]) if is_log else points[:, 2]
        ax.plot(points[:, 0], points[:, 1], lift + 0.01 * (high - low), zorder=10, **style)
    ax.set(
        xlabel=shorten_name(plot.names[0]),
        ylabel=shorten_name(plot.names[1]),
        zlabel=plot.loss_label,
    )
    if is_log:
        ax.zaxis.set_major_formatter(lambda power, _: format_number(10**power, 2))
    ax.tick_params(labelsize=8)
    ax.view_init(elev=32, azim=-58)
    ax.set_box_aspect(None, zoom=0.88)
    return _finish(ax, plot)


def draw_contour(
    ax: Axes,
    first: np.ndarray,
    second: np.ndarray,
    loss: np.ndarray,
    *,
    levels: np.ndarray,
    norm: Normalize,
    label: str,
) -> None:
    """Fill axes with a loss (n, m) over values (n,) and (m,), with lines and a color bar."""
    filled = ax.contourf(first, second, loss.T, levels, cmap=SEQUENTIAL, norm=norm)
    ax.contour(first, second, loss.T, levels, colors="white", linewidths=0.5, alpha=0.6)
    ax.xaxis.set_major_locator(MaxNLocator(5))
    bar = figure_of(ax).colorbar(filled, ax=ax, pad=0.02)
    ticks = levels[:: max(1, len(levels) // 6)]
    bar.set_ticks(ticks.tolist(), labels=_tell_apart(ticks))
    bar.ax.minorticks_off()
    bar.set_label(label)


def draw_path(ax: Axes, points: np.ndarray) -> None:
    """Draw where training went, (t, 2), with a ring at its start."""
    ax.plot(*points.T, **_path_style(len(points)), path_effects=make_outline(3.2))
    ax.plot(*points[0], "o", mfc="white", mec=PATH_COLOR, ms=7, mew=1.6, zorder=4)


def _path_style(n: int) -> dict[str, Any]:
    """Return the style of a path of n points."""
    style: dict[str, Any] = {"color": PATH_COLOR, "ms": 3, "lw": 1.5, "label": "training"}
    return style | {"marker": "o" if n <= MAX_DOTS else None}


def make_outline(width: float) -> list[Any]:
    """Return a white line around another one, so that it is seen on every color."""
    return [withStroke(linewidth=width, foreground="white")]


def _mark_points(ax: Axes, plot: LossPlot) -> None:
    """Mark the lowest point and the model."""
    lowest, model = plot.minimum[:2], plot.model[:2]
    if np.isfinite(lowest).all():
        ax.plot(*lowest, **LOWEST_STYLE, zorder=5)
    if np.isfinite(model).all():
        ax.plot(*model, **MODEL_STYLE, zorder=6)


def _space_marks(plot: LossPlot) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """Return points (t, 3) and their styles: the path, the lowest point and the model."""
    marks: list[tuple[np.ndarray, dict[str, Any]]] = []
    if plot.path is not None:
        inside = is_inside(plot.path, plot.values)
        style = _path_style(len(plot.path))
        marks.append((np.where(inside[:, None], plot.path, np.nan), style))
    marks.append((np.array([plot.minimum]), LOWEST_STYLE))
    if is_inside(np.array([plot.model]), plot.values).all():
        marks.append((np.array([plot.model]), MODEL_STYLE))
    return marks


def is_inside(points: np.ndarray, values: Sequence[np.ndarray]) -> np.ndarray:
    """Return which points (t, k) are within the values of both axes and finite."""
    inside: np.ndarray = np.isfinite(points).all(1)
    for column, axis in zip(points.T, values, strict=False):
        inside &= (column >= axis[0]) & (column <= axis[-1])
    return inside


def blank(loss: np.ndarray) -> np.ndarray:
    """Return the losses with NaN for what is not finite."""
    return np.where(np.isfinite(loss), loss, np.nan)


def spans_decades(loss: np.ndarray) -> bool:
    """Return whether losses are better drawn on a logarithmic scale."""
    finite = loss[np.isfinite(loss)]
    return bool(finite.size and finite.min() > 0 and finite.max() > LOG_RATIO * finite.min())


def _is_steep(loss: np.ndarray) -> bool:
    """Return whether heights need a logarithmic scale: most losses are far below the highest.

    A bowl whose lowest point is near 0 is not steep: it stays a bowl.
    """
    finite = loss[np.isfinite(loss)]
    return spans_decades(loss) and bool(finite.max() > LOG_RATIO * np.median(finite))


def choose_levels(loss: np.ndarray) -> tuple[np.ndarray, Normalize]:
    """Return the levels of the contours, and the scale of the colors."""
    finite = loss[np.isfinite(loss)]
    if not finite.size:
        return np.array([0.0, 1.0]), Normalize(0, 1)
    low, high = float(finite.min()), float(finite.max())
    if spans_decades(loss):
        return np.geomspace(low, high, N_LEVELS + 1), LogNorm(low, high)
    high = high if high > low else low + max(abs(low), 1.0) * 1e-6
    # Narrow steps at the bottom of the bowl, where the minimum is.
    steps = np.linspace(0, 1, N_LEVELS + 1) ** 2
    return low + (high - low) * steps, PowerNorm(0.5, low, high)


def _tell_apart(ticks: np.ndarray) -> list[str]:
    """Return numbers with so many digits that no two look the same, at most eight."""
    for digits in range(3, 9):
        labels = [format_number(tick, digits) for tick in ticks]
        if len(set(labels)) == len(labels):
            break
    return labels


def shorten_name(name: str) -> str:
    """Return a name that fits to the edge of a drawing in space."""
    return name if len(name) <= 30 else f"...{name[-28:]}"


def _finish(ax: Axes, plot: LossPlot) -> Figure | SubFigure:
    set_title(ax, plot.title)
    place: Any = "best" if len(plot.names) == 1 else "upper right"
    legend = ax.legend(fontsize=8, loc=place, framealpha=0.75)
    legend.set_zorder(20)
    return figure_of(ax)
