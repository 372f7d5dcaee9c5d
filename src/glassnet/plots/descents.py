"""Plots of the paths of training runs on a surface of the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.patheffects import withStroke

from glassnet.formatting import format_number
from glassnet.plots.loss_surfaces import (
    MAX_DOTS,
    blank,
    choose_levels,
    draw_contour,
    is_inside,
    make_outline,
    spans_decades,
)
from glassnet.plots.style import SEQUENTIAL, figure_of, get_axes, get_class_colors
from glassnet.plots.svg import page_style, show_in_frames, to_svg
from glassnet.plots.text import plain_text, set_title

FAR = 3.0
"""Paths are drawn up to this many widths of the surface from its middle."""

NOTE_WIDTH = 62
"""Characters in a line of the note on the surface."""

START_STYLE: dict[str, Any] = {"marker": "s", "mec": "black", "ms": 6.5, "mew": 1.1, "ls": "none"}
END_STYLE: dict[str, Any] = {"marker": "o", "mec": "white", "ms": 9, "mew": 1.4, "ls": "none"}


@dataclass(frozen=True)
class DescentPlot:
    """A descent to be drawn: see `inspection.descents.Descent`.

    Attributes:
        names: names of the axes.
        values: values on each axis, (n,) and (m,).
        loss: (n, m); what is not finite is left blank.
        loss_label: name of the loss with its axis.
        labels: names of the runs.
        outcomes: how each run ended.
        paths: coordinates of the points of each run, (t, 2).
        losses: loss at each point, (t,).
        title: of the axes.
        note: what the surface is of; "" for no note.
    """

    names: tuple[str, str]
    values: tuple[np.ndarray, np.ndarray]
    loss: np.ndarray
    loss_label: str
    labels: tuple[str, ...]
    outcomes: tuple[str, ...]
    paths: tuple[np.ndarray, ...]
    losses: tuple[np.ndarray, ...]
    title: str
    note: str

    def legend_label(self, i: int) -> str:
        """Return the label of a run with its last loss, or that it left."""
        if self.outcomes[i] == "left the bowl":
            return f"{self.labels[i]}: leaves"
        return f"{self.labels[i]}: {format_number(self.losses[i][-1], 3)}"

    def is_leaving(self, i: int) -> bool:
        """Return whether a run left the bowl, and the drawn part of the surface."""
        is_left = self.outcomes[i] == "left the bowl"
        return is_left and self.count_inside(i) < len(self.paths[i])

    def count_inside(self, i: int) -> int:
        """Return the number of points before a path first leaves the surface."""
        inside = is_inside(self.paths[i], self.values)
        return len(inside) if inside.all() else int(np.argmin(inside))

    def clip(self, i: int) -> np.ndarray:
        """Return the path of a run as far as it is drawn.

        A path that leaves ends with a point beyond the edge. Another one is drawn in full, unless
        it leads very far.
        """
        path, (low, high) = self.paths[i], self.limits
        is_beyond = (np.abs(path - (low + high) / 2) > FAR * (high - low)).any(1)
        n = self.count_inside(i) if self.is_leaving(i) else int(np.argmax([*is_beyond, True]))
        if n == len(path) or n == 0:
            return path[: max(n, 1)]
        step = path[n] - path[n - 1]
        beyond = path[n - 1] + step * min(1.0, FAR / np.max(np.abs(step) / (high - low)))
        return np.concatenate([path[:n], beyond[None]])

    @property
    def limits(self) -> tuple[np.ndarray, np.ndarray]:
        """The lowest and the highest values of both axes."""
        low, high = (np.array([axis[end] for axis in self.values]) for end in (0, -1))
        return low, high

    @property
    def has_one_start(self) -> bool:
        """Whether all runs start at one point."""
        return all(np.array_equal(path[0], self.paths[0][0]) for path in self.paths)


@plain_text
def plot_contour(plot: DescentPlot, ax: Axes | None = None) -> Figure | SubFigure:
    """Draw the paths on a map of the loss with contour lines."""
    ax = _draw_map(plot, ax)
    for i, color in enumerate(get_class_colors(len(plot.labels))):
        path, is_below = plot.clip(i), plot.is_leaving(i)
        _draw_line(ax, path, color, is_below, label=plot.legend_label(i))
        if len(path) <= MAX_DOTS:
            ax.plot(*path.T, "o", color=color, mec="white", mew=0.5, ms=3.6, zorder=4.5)
        if is_below:
            _draw_exit(ax, plot, i, color)
        elif is_inside(path[-1:], plot.values).all():
            ax.plot(*path[-1], **END_STYLE, mfc=color, zorder=6)
    _draw_starts(ax, plot)
    return _finish(ax, plot)


@plain_text
def plot_3d(plot: DescentPlot, ax: Any = None) -> Figure | SubFigure:
    """Draw the paths on the surface in space. A loss that spans decades is drawn as its logarithm.

    The height of a point is its own loss. In a plane through many weights, that of the surface
    differs.
    """
    ax = get_axes(ax, (7.0, 5.6), projection="3d")
    is_log, loss = spans_decades(plot.loss), blank(plot.loss)
    heights = np.log10(loss) if is_log else loss
    low, high = float(np.nanmin(heights)), float(np.nanmax(heights))
    first, second = np.meshgrid(*plot.values, indexing="ij")
    style = {"cmap": SEQUENTIAL, "norm": Normalize(low, high), "alpha": 0.75, "lw": 0}
    ax.plot_surface(first, second, heights, rcount=len(first), ccount=len(first.T), **style)
    for i, color in enumerate(get_class_colors(len(plot.labels))):
        path, losses = plot.paths[i], plot.losses[i]
        lift = (np.log10(np.maximum(losses, 1e-300)) if is_log else losses) + 0.01 * (high - low)
        inside = is_inside(path, plot.values) & (lift <= high + 0.05 * (high - low))
        n = len(path) if inside.all() else int(np.argmin(inside))
        points = [path[:n, 0], path[:n, 1], lift[:n]]
        label, outline = plot.legend_label(i), make_outline(3.2)
        ax.plot(*points, color=color, lw=2, zorder=10, label=label, path_effects=outline)
        start, end = ([axis[k : k + 1] for axis in points] for k in (0, max(n - 1, 0)))
        marker = "^" if n < len(path) else "o"
        ax.plot(*end, **END_STYLE | {"marker": marker}, mfc=color, zorder=11)
        start_color = "white" if plot.has_one_start else color
        ax.plot(*start, **START_STYLE, mfc=start_color, zorder=12)
    ax.set_xlabel(plot.names[0], fontsize=9)
    ax.set_ylabel(plot.names[1], fontsize=9)
    ax.set_zlabel(plot.loss_label)
    if is_log:
        ax.zaxis.set_major_formatter(lambda power, _: format_number(10**power, 2))
    ax.tick_params(labelsize=8)
    ax.view_init(elev=35, azim=-58)
    ax.set_box_aspect(None, zoom=0.88)
    return _finish(ax, plot)


@plain_text
def draw_animation(plot: DescentPlot, epochs: Sequence[np.ndarray], times: np.ndarray) -> str:
    """Return an SVG on which the paths grow from frame to frame.

    Args:
        plot: what is drawn.
        epochs: epochs at the points of each path, (t,).
        times: epoch of each frame, (frames,), ascending.
    """
    with page_style():
        ax = _draw_map(replace(plot, note=""), None)
        for i, color in enumerate(get_class_colors(len(plot.labels))):
            _grow_path(ax, plot, i, np.searchsorted(epochs[i], times + 1e-9, side="right"))
            ax.plot([], [], color=color, lw=2, label=plot.labels[i])
        _draw_starts(ax, plot)
        figure = _finish(ax, plot, has_title=False)
        return to_svg(figure)  # type: ignore[arg-type]


def _grow_path(ax: Axes, plot: DescentPlot, i: int, counts: np.ndarray) -> None:
    """Draw the part of a path that each frame adds, and its end.

    Args:
        ax: the axes.
        plot: what is drawn.
        i: index of the run.
        counts: number of points that each frame shows, (frames,).
    """
    color, path, is_below = get_class_colors(i + 1)[i], plot.clip(i), plot.is_leaving(i)
    counts, n_before = np.minimum(counts, len(path)), 0
    for frame in np.flatnonzero(np.diff(counts, prepend=0)):
        n = int(counts[frame])
        has_left = is_below and n == len(path)
        later = np.flatnonzero(counts > n)
        last = int(later[0]) - 1 if len(later) else None
        if n > 1:
            for line in _draw_line(ax, path[max(n_before - 1, 0) : n], color, is_below):
                show_in_frames(line, int(frame))
        if has_left:
            head = _draw_exit(ax, plot, i, color)
        else:
            (head,) = ax.plot(*path[n - 1], **END_STYLE, mfc=color, zorder=6)
        show_in_frames(head, int(frame), last)
        n_before = n


def _draw_map(plot: DescentPlot, ax: Axes | None) -> Axes:
    ax = get_axes(ax, (6.8, 5.4))
    (first, second), loss = plot.values, blank(plot.loss)
    levels, norm = choose_levels(loss)
    draw_contour(ax, first, second, loss, levels=levels, norm=norm, label=plot.loss_label)
    ax.set(xlabel=plot.names[0], ylabel=plot.names[1])
    ax.set(xlim=(first[0], first[-1]), ylim=(second[0], second[-1]))
    style: dict[str, Any] = {"color": "white", "fontsize": 7.5, "va": "bottom", "zorder": 8}
    outline = [withStroke(linewidth=1.6, foreground="black", alpha=0.7)]
    note = fill(plot.note, NOTE_WIDTH)
    text = ax.text(0.015, 0.015, note, **style, transform=ax.transAxes, path_effects=outline)
    text.set_in_layout(False)
    return ax


def _draw_line(
    ax: Axes, points: np.ndarray, color: str, is_below: bool, label: str | None = None
) -> list[Artist]:
    """Draw a line on a white one, which is seen on every color. Those that leave are below."""
    width, order = (1.2, 2.4) if len(points) > MAX_DOTS else (1.7, 3.4), 3 if is_below else 4
    joins: dict[str, Any] = {"solid_joinstyle": "round", "solid_capstyle": "round"}
    under = ax.plot(*points.T, color="white", lw=width[1], zorder=order - 0.5, **joins)
    over = ax.plot(*points.T, color=color, lw=width[0], zorder=order, label=label, **joins)
    return [*under, *over]


def _draw_starts(ax: Axes, plot: DescentPlot) -> None:
    """Mark where the runs start: with one mark, or one in each color."""
    if plot.has_one_start:
        ax.plot(*plot.paths[0][0], **START_STYLE, mfc="white", zorder=5, label="start")
        return
    for path, color in zip(plot.paths, get_class_colors(len(plot.paths)), strict=True):
        ax.plot(*path[0], **START_STYLE, mfc=color, zorder=5)


def _draw_exit(ax: Axes, plot: DescentPlot, i: int, color: str) -> Artist:
    """Draw a triangle where a path that leaves crosses the edge of the surface."""
    inner, outer = plot.clip(i)[-2:]
    low, high = plot.limits
    edges = np.where(outer > inner, high, low)
    moves = np.where(outer == inner, np.nan, outer - inner)
    crossing = inner + (outer - inner) * np.nanmin((edges - inner) / moves)
    start, end = ax.transData.transform([inner, outer])
    angle = float(np.degrees(np.arctan2(end[1] - start[1], end[0] - start[0]))) - 90
    style: dict[str, Any] = {"marker": (3, 0, angle), "ms": 11, "mec": "white", "ls": "none"}
    (triangle,) = ax.plot(*crossing, **style, mfc=color, clip_on=False, zorder=7)
    return triangle


def _finish(ax: Axes, plot: DescentPlot, has_title: bool = True) -> Figure | SubFigure:
    if has_title:
        set_title(ax, plot.title)
    legend = ax.legend(fontsize=8, loc="best", framealpha=0.8)
    legend.set_zorder(20)
    return figure_of(ax)
