"""Plots of the scores of many settings: over a number, over two parameters, or by rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from glassnet.formatting import format_number, shorten
from glassnet.plots.scales import choose_scale, choose_score_scale, scale_scores
from glassnet.plots.style import (
    CLASS_COLORS,
    REFERENCE_COLOR,
    SEQUENTIAL,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.plots.text import plain_text, set_title, use_plain_numbers

MAX_RANKED = 25
"""Maximum number of settings in a plot by rank; the best ones are drawn of more."""

MAX_RANKED_TEXT = 46
"""Maximum number of characters of the values of a setting."""

MAX_WRITTEN = 80
"""Maximum number of cells of a map whose scores are written into them."""

MAX_VALUE_TICKS = 9
"""Maximum number of values on a logarithmic axis that each have a tick."""

LOG_RATIO = 30.0
"""An axis is logarithmic if its largest number is this many times its smallest."""

BEST_COLOR, CLOSE_COLOR = CLASS_COLORS[1], CLASS_COLORS[0]
"""Colors of the best setting, and of those that score the same within the noise."""

RUN_STYLE: dict[str, Any] = {"ls": "none", "marker": "o", "ms": 4, "mew": 0, "alpha": 0.6}
FAILED_STYLE: dict[str, Any] = {"ls": "none", "marker": "x", "ms": 7, "mew": 1.8}
FAILED_STYLE |= {"color": REFERENCE_COLOR, "clip_on": False}


@dataclass(frozen=True, eq=False)
class SettingScores:
    """Scores of n settings, each from r runs.

    Attributes:
        scores: (n, r), NaN if a run has none.
        means: (n,), NaN for settings that are not ranked.
        lows, highs: ends of the intervals of the means, (n,); NaN if they are unknown.
        is_close: which settings score the same as the best one within the noise, (n,).
        problems: (n,) why a setting is not ranked, such as "diverged"; "" if it is.
        best: index of the best setting, or None.
        greater_is_better: whether a greater score is better.
        label: name of the score.
        run_label: what a run is, such as "a fold".
        interval_label: what the interval is; "" if all are unknown.
    """

    scores: np.ndarray
    means: np.ndarray
    lows: np.ndarray
    highs: np.ndarray
    is_close: np.ndarray
    problems: Sequence[str]
    best: int | None
    greater_is_better: bool
    label: str
    run_label: str
    interval_label: str

    @property
    def has_failures(self) -> bool:
        """Whether a setting is not ranked."""
        return any(self.problems)

    def rank(self) -> np.ndarray:
        """Return the indices of the settings, the best first; those without a mean are last."""
        return np.argsort(-self.means if self.greater_is_better else self.means, kind="stable")


@plain_text
def plot_scores_by_value(
    values: np.ndarray, settings: SettingScores, *, name: str, title: str, ax: Axes | None = None
) -> Figure | SubFigure:
    """Draw the scores over the values of one parameter.

    Args:
        values: (n,), the value of each setting.
        settings: the scores.
        name: name of the parameter.
        title: of the axes.
        ax: axes to draw on; None for a new figure.
    """
    ax = get_axes(ax, (6.4, 4.4))
    order = np.argsort(values)
    ranked = order[np.isfinite(settings.means[order])]
    x, n_runs = values[ranked], settings.scores.shape[1]
    if settings.interval_label:
        band: dict[str, Any] = {
            "color": CLOSE_COLOR,
            "alpha": 0.18,
            "lw": 0,
            "label": settings.interval_label,
        }
        ax.fill_between(x, settings.lows[ranked], settings.highs[ranked], **band)
    if n_runs > 1:
        runs: dict[str, Any] = {**RUN_STYLE, "color": CLOSE_COLOR, "label": settings.run_label}
        ax.plot(np.repeat(x, n_runs), settings.scores[ranked].ravel(), **runs)
    label = "mean" if n_runs > 1 else settings.label
    ax.plot(x, settings.means[ranked], "o-", color=CLOSE_COLOR, lw=1.8, ms=5, label=label)
    if settings.best is not None:
        best = values[settings.best], settings.means[settings.best]
        ax.plot(*best, "o", color=BEST_COLOR, ms=9, zorder=4, label="best")
    _scale_values(ax, values)
    scale_scores(ax, "y", settings.means)
    failed = values[[i for i, problem in enumerate(settings.problems) if problem]]
    if failed.size:
        label = ", ".join(dict.fromkeys(filter(None, settings.problems)))
        at_bottom: Any = ax.get_xaxis_transform()
        ax.plot(failed, np.zeros(len(failed)), **FAILED_STYLE, label=label, transform=at_bottom)
    ax.set(xlabel=name, ylabel=settings.label)
    ax.grid(alpha=0.25)
    clean_axes(ax)
    ax.legend(fontsize=8, frameon=False)
    set_title(ax, title)
    return figure_of(ax)


@plain_text
def plot_score_map(
    indices: np.ndarray,
    settings: SettingScores,
    *,
    names: tuple[str, str],
    values: tuple[Sequence[str], Sequence[str]],
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the scores over two parameters as a map.

    Args:
        indices: (rows, columns), the setting of each cell.
        settings: the scores.
        names: names of the parameters along the columns and along the rows.
        values: their values, as texts.
        title: of the axes.
        ax: axes to draw on; None for a new figure.
    """
    n_rows, n_columns = indices.shape
    size = min(max(2.6 + 0.75 * n_columns, 4.6), 9.0), min(max(1.7 + 0.45 * n_rows, 3.0), 8.0)
    ax = get_axes(ax, size)
    means = np.ma.masked_invalid(settings.means[indices])
    shown = means.compressed()
    low, high = (shown.min(), shown.max()) if shown.size else (0.0, 1.0)
    norm = LogNorm(low, high) if choose_score_scale(shown) == "log" else Normalize(low, high)
    colors = mpl.colormaps[SEQUENTIAL if settings.greater_is_better else f"{SEQUENTIAL}_r"]
    image = ax.imshow(means, cmap=colors, norm=norm, aspect="auto", origin="lower")
    for (row, column), index in np.ndenumerate(indices):
        _write_cell(ax, (column, row), settings, index, image)
    ax.set_xticks(range(n_columns), values[0], rotation=_rotate(values[0], n_columns))
    ax.set_yticks(range(n_rows), values[1])
    ax.set(xlabel=names[0], ylabel=names[1])
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)
    if shown.size:
        bar = figure_of(ax).colorbar(image, ax=ax, label=settings.label)
        bar.outline.set_visible(False)
        bar.ax.yaxis.set_major_formatter(lambda value, _: format_number(value, 3))
    set_title(ax, title)
    return figure_of(ax)


@plain_text
def plot_ranked_scores(
    values: Sequence[str],
    settings: SettingScores,
    *,
    names: str,
    title: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the scores of settings in order, the best at the top.

    Args:
        values: values of each setting.
        settings: the scores.
        names: names of the parameters that the values are of.
        title: of the axes.
        ax: axes to draw on; None for a new figure.
    """
    order, own_axes = settings.rank()[:MAX_RANKED], ax
    ax = get_axes(ax, (7.2, 1.7 + 0.28 * len(order)))
    for place, index in enumerate(order):
        _draw_ranked(ax, place, index, settings)
    scale_scores(ax, "x", settings.means)
    n_more = len(values) - len(order)
    ax.set_yticks(range(len(order)), [shorten(values[i], MAX_RANKED_TEXT) for i in order])
    ax.set_ylim(len(order) - 0.5, -0.5)
    more = f"   ({n_more:,} more settings)" if n_more else ""
    ax.set(xlabel=f"{settings.label}{more}", ylabel=names)
    ax.grid(axis="x", alpha=0.25)
    clean_axes(ax)
    around = own_axes or figure_of(ax)
    _add_ranked_legend(around, settings)
    set_title(around, title)
    return figure_of(ax)


def _add_ranked_legend(place: Axes | Figure | SubFigure, settings: SettingScores) -> None:
    """Explain the colors of a plot by rank, if the noise is known: below it in a figure."""
    if not settings.interval_label:
        return
    labels = {"best": BEST_COLOR, "within the noise of the best": CLOSE_COLOR}
    labels["worse"] = REFERENCE_COLOR
    handles = [Line2D([], [], ls="none", marker="o", color=color) for color in labels.values()]
    handles.append(Line2D([], [], color=REFERENCE_COLOR, lw=3, alpha=0.45))
    location: Any = "best" if isinstance(place, Axes) else "outside lower center"
    names = [*labels, settings.interval_label]
    place.legend(handles, names, loc=location, ncols=2, fontsize=8, frameon=False)


def _draw_ranked(ax: Axes, place: int, index: int, settings: SettingScores) -> None:
    """Draw one line of a plot by rank: the mean on its interval, or why there is none."""
    problem = settings.problems[index]
    if problem:
        at_left: Any = ax.get_yaxis_transform()
        ax.plot([0.01], [place], **FAILED_STYLE, transform=at_left)
        style: dict[str, Any] = {"va": "center", "fontsize": 8, "color": REFERENCE_COLOR}
        ax.text(0.03, place, problem, **style, transform=at_left)
        return
    color = CLOSE_COLOR if settings.is_close[index] else REFERENCE_COLOR
    color = BEST_COLOR if index == settings.best else color
    interval = settings.lows[index], settings.highs[index]
    ax.plot(interval, (place, place), color=color, lw=3, alpha=0.45, solid_capstyle="round")
    runs = settings.scores[index]
    if len(runs) > 1:
        ax.plot(runs, np.full(len(runs), place), **RUN_STYLE, color=color)
    ax.plot(settings.means[index], place, "o", color=color, ms=7)


def _write_cell(
    ax: Axes, place: tuple[int, int], settings: SettingScores, index: int, image: ScalarMappable
) -> None:
    """Write the score of a setting into its cell, or why there is none; frame the best one."""
    (x, y), mean, problem = place, settings.means[index], settings.problems[index]
    if problem:
        style: dict[str, Any] = {"fill": False, "hatch": "////", "ec": REFERENCE_COLOR, "lw": 0}
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **style))
    if len(settings.means) <= MAX_WRITTEN:
        text = problem or format_number(mean, 3)
        color = mpl.rcParams["text.color"] if problem else _contrast(image, mean)
        box = {"fc": mpl.rcParams["axes.facecolor"], "ec": "none", "pad": 1} if problem else None
        ax.text(x, y, text, ha="center", va="center", fontsize=8, color=color, bbox=box)
    if index == settings.best:
        frame: dict[str, Any] = {
            "fill": False,
            "ec": BEST_COLOR,
            "lw": 2.5,
            "zorder": 3,
            "clip_on": False,
        }
        ax.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, **frame))


def _contrast(image: ScalarMappable, value: float) -> str:
    """Return black or white, whichever can be read on the color of a value."""
    red, green, blue = image.to_rgba(np.array([value]))[0, :3]
    return "black" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else "white"


def _rotate(texts: Sequence[str], n: int) -> float:
    """Return the angle of tick labels, so that they do not overlap."""
    return 40.0 if max(map(len, texts)) * n > 48 else 0.0


def _scale_values(ax: Axes, values: np.ndarray) -> None:
    """Choose a logarithmic axis for values over several decades; 0 may be one of them."""
    distinct = np.unique(values)
    scale = choose_scale(distinct, LOG_RATIO)
    if scale == "linear":
        ax.xaxis.set_major_locator(MaxNLocator(integer=bool((distinct % 1 == 0).all())))
        ax.xaxis.set_major_formatter(lambda value, _: format_number(value))
        return
    if scale == "symlog":
        ax.set_xscale("symlog", linthresh=distinct[distinct > 0][0], linscale=0.5)
    else:
        ax.set_xscale("log")
    if len(distinct) <= MAX_VALUE_TICKS:
        ax.set_xticks(distinct, [format_number(value, 3) for value in distinct])
        ax.set_xticks([], minor=True)
    else:
        use_plain_numbers(ax.xaxis)
