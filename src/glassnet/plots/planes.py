"""Plots of an answer over two features: areas of classes, or a number, and rows as points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from glassnet.formatting import shorten
from glassnet.plots.style import (
    SEQUENTIAL,
    clean_axes,
    figure_of,
    get_axes,
    get_class_colors,
)
from glassnet.plots.text import plain_text, set_title

MARKERS = ("o", "^")
"""Markers of the rows and of the test rows."""

MAX_POINTS = 2_000
"""Maximum number of rows drawn of each part; a random sample is drawn of more."""

SHADE = 0.62
"""How much of a class's color an area has if the class is certain."""

JITTER = 0.32
"""Points of one category are spread by at most this on either side of it."""

SECONDS_PER_DAY = 86_400.0

FIGURE_SIZE = (6.4, 5.0)

MAX_LABEL = 48
"""Maximum number of characters of the label of an axis."""

MAX_NAME = 24
"""Maximum number of characters of a class name."""

LEGEND_WIDTH = 66
"""Number of characters in a line of the legend."""


@dataclass(frozen=True, eq=False)
class PlaneAxis:
    """The values of a feature along an axis.

    Attributes:
        label: name of the feature.
        positions: increasing numbers; 0, 1, ... for levels; seconds since 1970 for dates.
        levels: names of the levels of a category; empty for numbers and dates.
        is_date: whether the positions are dates.
    """

    label: str
    positions: np.ndarray
    levels: tuple[str, ...] = ()
    is_date: bool = False

    @property
    def scaled_positions(self) -> np.ndarray:
        """Positions in matplotlib's units: days for dates."""
        return self.positions / SECONDS_PER_DAY if self.is_date else self.positions

    @property
    def edges(self) -> np.ndarray:
        """Edges of the cells around the positions."""
        if self.levels:
            return np.arange(len(self.levels) + 1) - 0.5
        middle = self.scaled_positions
        between = (middle[1:] + middle[:-1]) / 2
        return np.concatenate([middle[:1], between, middle[-1:]])

    def repeat_levels(self, values: np.ndarray, dimension: int) -> tuple[np.ndarray, np.ndarray]:
        """Return positions and values with a point at both edges of each level.

        The lines of a contour plot are then straight within a level.
        """
        if not self.levels:
            return self.scaled_positions, values
        positions = np.repeat(self.positions, 2) + np.tile([-0.5, 0.5], len(self.levels))
        return positions, np.repeat(values, 2, axis=dimension)

    def place(self, positions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return positions of rows in matplotlib's units; rows of one level are spread."""
        if self.levels:
            return positions + rng.uniform(-JITTER, JITTER, len(positions))
        return positions / SECONDS_PER_DAY if self.is_date else positions


@dataclass(frozen=True, eq=False)
class PlanePoints:
    """Rows to draw as points.

    Attributes:
        x, y: positions along the axes, (n,); NaN if the row has none.
        target: true class index or number, (n,), or None.
        is_wrong: which rows are marked as wrong, (n,) booleans.
        label: what the rows are.
    """

    x: np.ndarray
    y: np.ndarray
    target: np.ndarray | None
    is_wrong: np.ndarray
    label: str

    def sample(self) -> tuple[np.ndarray, str]:
        """Return the indices of the rows to draw, and the label, with the number if not all."""
        index = np.flatnonzero(~np.isnan(self.x + self.y))
        if len(index) <= MAX_POINTS:
            return index, self.label
        index = np.random.default_rng(0).choice(index, MAX_POINTS, replace=False)
        return np.sort(index), f"{MAX_POINTS:,} of {len(self.x):,} {self.label}"


@plain_text
def plot_class_plane(
    axes: tuple[PlaneAxis, PlaneAxis],
    probability: np.ndarray,
    parts: Sequence[PlanePoints],
    class_names: tuple[str, ...],
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the most probable class over the plane, paler if less certain, and the boundaries.

    Args:
        axes: the axes of the plane.
        probability: of each class, (n2, n1, K).
        parts: rows to draw, with class indices as targets.
        class_names: name of each class.
        title: title of the figure.
        ax: axes to draw on; None for a new figure.
    """
    ax = get_axes(ax, FIGURE_SIZE)
    first, second = axes
    colors = get_class_colors(len(class_names))
    shades = shade_classes(probability, colors, ax.get_facecolor())
    ax.pcolormesh(first.edges, second.edges, shades, rasterized=True)
    _draw_boundaries(ax, axes, probability)
    _add_certainty_bar(ax, colors, class_names)
    n_drawn = sum(len(part.sample()[0]) for part in parts)
    for marker, part in zip(MARKERS, parts, strict=False):
        index, _ = part.sample()
        ink = mpl.rcParams["text.color"]
        if part.target is None:
            point_colors: Any = [ink] * len(index)
        else:
            point_colors = [colors[int(code)] for code in part.target[index]]
        _draw_points(ax, axes, part, marker, color=point_colors, size=choose_point_size(n_drawn))
    _add_class_legend(ax, parts, class_names, colors)
    _finish(ax, axes, title)
    return figure_of(ax)


def shade_classes(probability: np.ndarray, colors: Sequence[str], paper: Any) -> np.ndarray:
    """Return the color of each point, (..., 3): the paper's if no class is more probable.

    Args:
        probability: of each class, (..., K).
        colors: color of each class.
        paper: color of the paper.
    """
    n = probability.shape[-1]
    certainty = (probability.max(-1) - 1 / n) / (1 - 1 / n) if n > 1 else probability[..., 0]
    weight = SHADE * np.clip(certainty, 0, 1)[..., None]
    full = np.array([to_rgb(color) for color in colors])[probability.argmax(-1)]
    shades: np.ndarray = weight * full + (1 - weight) * np.array(to_rgb(paper))
    return shades


def _draw_boundaries(ax: Axes, axes: tuple[PlaneAxis, PlaneAxis], probability: np.ndarray) -> None:
    """Draw where the most probable class changes."""
    ink, winner = mpl.rcParams["text.color"], probability.argmax(-1)
    for k in np.unique(winner)[:-1] if probability.shape[-1] == 2 else np.unique(winner):
        others = np.delete(probability, k, axis=-1).max(-1, initial=0)
        x, lead = axes[0].repeat_levels(probability[..., k] - others, 1)
        y, lead = axes[1].repeat_levels(lead, 0)
        if lead.min() < 0 < lead.max():
            ax.contour(x, y, lead, levels=[0.0], colors=[ink], linewidths=1.4)


def _add_certainty_bar(ax: Axes, colors: Sequence[str], class_names: tuple[str, ...]) -> None:
    """Add a color bar: of the second class's probability, or of the largest of several."""
    paper = ax.get_facecolor()
    if len(class_names) == 2:
        yes = np.linspace(0, 1, 256)
        shades = shade_classes(np.stack([1 - yes, yes], -1), colors, paper)
        norm, label = Normalize(0, 1), f"probability of {shorten(class_names[1], MAX_NAME)}"
    else:
        top = np.linspace(1 / len(class_names), 1, 256)
        rest = (1 - top) / max(len(class_names) - 1, 1)
        probability = np.stack([top, *[rest] * (len(class_names) - 1)], -1)
        gray = ["0.5"] * len(class_names)
        shades = shade_classes(probability, gray, paper)
        norm, label = Normalize(top[0], 1), "probability of the area's class"
    bar = figure_of(ax).colorbar(
        ScalarMappable(norm, ListedColormap(shades)), ax=ax, label=label, fraction=0.05, pad=0.02
    )
    bar.outline.set_visible(False)


def choose_point_size(n: int) -> float:
    """Return the area of a marker if n points are drawn: 40 for a few, 9 for thousands."""
    return float(np.clip(600 / np.sqrt(max(n, 1)), 9, 44)) if n > 12 else 90.0


def _draw_points(
    ax: Axes,
    axes: tuple[PlaneAxis, PlaneAxis],
    part: PlanePoints,
    marker: str,
    size: float,
    **colors: Any,
) -> None:
    """Draw rows as points; a ring is around those that are wrong."""
    index, _ = part.sample()
    rng = np.random.default_rng(0)
    x, y = axes[0].place(part.x, rng)[index], axes[1].place(part.y, rng)[index]
    edge: dict[str, Any] = {"edgecolors": [ax.get_facecolor()], "linewidths": 0.6, "zorder": 3}
    ax.scatter(x, y, s=size, marker=marker, **colors, **edge)
    wrong = part.is_wrong[index]
    ink = mpl.rcParams["text.color"]
    ring: dict[str, Any] = {"facecolors": "none", "edgecolors": [ink], "zorder": 4}
    ax.scatter(x[wrong], y[wrong], s=2.4 * size, linewidths=0.2 * size**0.5, **ring)


def _add_class_legend(
    ax: Axes, parts: Sequence[PlanePoints], class_names: tuple[str, ...], colors: Sequence[str]
) -> None:
    ink = mpl.rcParams["text.color"]
    entries = [
        _entry("s", color, shorten(name, MAX_NAME))
        for name, color in zip(class_names, colors, strict=True)
    ]
    entries += _part_entries(parts)
    if any(part.is_wrong.any() for part in parts):
        entries.append(_entry("o", "none", "wrong", edge=ink))
    _add_legend(ax, entries)


def _part_entries(parts: Sequence[PlanePoints]) -> list[Line2D]:
    """Return the legend entries of the rows, if their marker or number needs one."""
    ink, labels = mpl.rcParams["text.color"], [part.sample()[1] for part in parts]
    is_plain = len(parts) == 1 and labels == [parts[0].label]
    markers = zip(MARKERS, labels, strict=False)
    return [] if is_plain else [_entry(marker, ink, label) for marker, label in markers]


def _entry(marker: str, color: str, label: str, edge: str | None = None) -> Line2D:
    return Line2D(
        [], [], ls="", marker=marker, mfc=color, mec=edge or color, mew=1.2, ms=7, label=label
    )


def _add_legend(ax: Axes, entries: list[Line2D]) -> None:
    """Add a legend below the axes."""
    if entries:
        lengths = [len(str(entry.get_label())) + 5 for entry in entries]
        fits = sum(lengths) <= LEGEND_WIDTH
        n_columns = len(entries) if fits else max(1, LEGEND_WIDTH // max(lengths))
        ax.legend(
            handles=entries,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.14),
            ncols=n_columns,
            frameon=False,
            handletextpad=0.3,
            columnspacing=1.4,
        )


@plain_text
def plot_number_plane(
    axes: tuple[PlaneAxis, PlaneAxis],
    values: np.ndarray,
    parts: Sequence[PlanePoints],
    label: str,
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw a predicted number over the plane as filled contours; rows have their true number.

    Args:
        axes: the axes of the plane.
        values: the predicted number, (n2, n1).
        parts: rows to draw, with numbers as targets.
        label: name of the number.
        title: title of the figure.
        ax: axes to draw on; None for a new figure.
    """
    ax = get_axes(ax, FIGURE_SIZE)
    targets = [part.target for part in parts if part.target is not None]
    every = np.concatenate([values.ravel(), *(np.quantile(y, [0.01, 0.99]) for y in targets)])
    low, high = float(every.min()), float(every.max())
    norm = Normalize(low, high if high > low else low + 1)
    x, filled = axes[0].repeat_levels(values, 1)
    y, filled = axes[1].repeat_levels(filled, 0)
    levels = MaxNLocator(14).tick_values(*_limits(norm))
    areas = ax.contourf(x, y, filled, levels=levels, cmap=SEQUENTIAL, norm=norm)
    ax.contour(x, y, filled, levels=levels[::2], colors="white", linewidths=0.5, alpha=0.5)
    bar = figure_of(ax).colorbar(areas, ax=ax, label=label, fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)
    size = choose_point_size(sum(len(part.sample()[0]) for part in parts))
    for marker, part in zip(MARKERS, parts, strict=False):
        index, _ = part.sample()
        colors: dict[str, Any] = {"color": mpl.rcParams["text.color"]}
        if part.target is not None:
            colors = {"c": part.target[index], "cmap": SEQUENTIAL, "norm": norm}
        _draw_points(ax, axes, part, marker, size=size, **colors)
    _add_legend(ax, _part_entries(parts))
    _finish(ax, axes, title)
    return figure_of(ax)


def _limits(norm: Normalize) -> tuple[float, float]:
    assert norm.vmin is not None
    assert norm.vmax is not None
    return norm.vmin, norm.vmax


def _finish(ax: Axes, axes: tuple[PlaneAxis, PlaneAxis], title: str) -> None:
    """Set labels, limits, ticks and the title."""
    set_title(ax, title)
    ax.set(xlabel=shorten(axes[0].label, MAX_LABEL), ylabel=shorten(axes[1].label, MAX_LABEL))
    ax.set(xlim=axes[0].edges[[0, -1]], ylim=axes[1].edges[[0, -1]])
    set_ticks(ax.xaxis, axes[0])
    set_ticks(ax.yaxis, axes[1])
    clean_axes(ax)


def set_ticks(axis: Axis, scale: PlaneAxis) -> None:
    """Name the levels of a category at the ticks, and write dates as dates."""
    if scale.is_date:
        locator = AutoDateLocator()  # type: ignore[no-untyped-call]
        axis.set_major_locator(locator)
        axis.set_major_formatter(
            ConciseDateFormatter(locator)  # type: ignore[no-untyped-call]
        )
    elif scale.levels:
        names = [shorten(name, 16) for name in scale.levels]
        is_crowded = isinstance(axis, XAxis) and sum(map(len, names)) > 60
        rotation: dict[str, Any] = {"rotation": 40, "ha": "right"} if is_crowded else {}
        axis.set_ticks(scale.positions, names, **rotation)
