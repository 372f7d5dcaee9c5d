"""Plots of a classifier's wrong answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from glassnet.formatting import format_number, format_share, shorten
from glassnet.plots.style import (
    CLASS_COLORS,
    NEGATIVE_COLOR,
    REFERENCE_COLOR,
    SEQUENTIAL,
    clean_axes,
    figure_of,
    get_axes,
)
from glassnet.plots.text import plain_text, set_title
from glassnet.types import Array

MAX_NUMBERED_CLASSES = 20
"""Maximum number of classes of a confusion matrix whose cells show their counts."""

MAX_NAMES = 20
"""Maximum number of class names along an axis; of more, every second, third, ... is named."""

MAX_CHARACTERS = 16
"""Maximum number of characters of a class name along an axis."""

MAX_PAIR = 26
"""Maximum number of characters of two class names that are written in one line."""

MAX_BARS = 10
"""Maximum number of pairs or classes in a panel."""


class RatesAtThreshold(Protocol):
    """The rates of a threshold: see `evaluation.classification.Threshold`."""

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> float: ...

    @property
    def precision(self) -> float: ...

    @property
    def recall(self) -> float: ...

    @property
    def false_positive_rate(self) -> float: ...


@plain_text
def plot_confusion(
    confusion: Array, class_names: Sequence[str], target_name: str = "", ax: Axes | None = None
) -> Figure | SubFigure:
    """Draw a confusion matrix, with the color of each cell for its share of the true class.

    Shapes:
        confusion: (K, K), a row for each true class.
    """
    ax = get_axes(ax, (5.0, 4.6))
    n = len(class_names)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    cells = np.ma.masked_equal(shares, 0)
    image = ax.imshow(cells, cmap=SEQUENTIAL, norm=PowerNorm(0.5, vmin=0, vmax=1))
    if n <= MAX_NUMBERED_CLASSES:
        size = 9 if n <= 12 else 6
        for (i, j), count in np.ndenumerate(confusion):
            if count:
                ink = "black" if shares[i, j] > 0.45 else "white"
                ax.text(j, i, f"{count:,}", ha="center", va="center", fontsize=size, color=ink)
    ticks = range(0, n, -(-n // MAX_NAMES))
    labels = [_shorten(class_names[k]) for k in ticks]
    size, is_long = (9 if n <= 12 else 7), max(map(len, labels)) * n > 40
    ax.set_xticks(ticks, labels, fontsize=size, rotation=90 if is_long else 0)
    ax.set_yticks(ticks, labels, fontsize=size)
    name = shorten(target_name, MAX_PAIR)
    ax.set(xlabel=f"predicted {name}", ylabel=f"true {name}")
    bar = figure_of(ax).colorbar(image, ax=ax, shrink=0.8, ticks=[0, 0.1, 0.5, 1])
    bar.set_label("share of the true class", fontsize=8)
    right = format_share(np.trace(confusion) / max(confusion.sum(), 1))
    ax.set_title(f"accuracy {right}", fontsize=10)
    return figure_of(ax)


@plain_text
def plot_pairs(pairs: Sequence[tuple[str, str, int]], ax: Axes | None = None) -> Figure | SubFigure:
    """Draw the number of rows of the most confused pairs (true, predicted, number)."""
    ax = get_axes(ax)
    shown = pairs[:MAX_BARS]
    longest = max((len(_shorten(a) + _shorten(b)) for a, b, _ in shown), default=0)
    is_long = longest > MAX_PAIR
    shown = shown[: MAX_BARS // 2 + 1] if is_long else shown
    names = [(_shorten(true), _shorten(predicted)) for true, predicted, _ in shown]
    separator = "\n" if is_long else " "
    labels = [f"{true}{separator}taken for {predicted}" for true, predicted in names]
    bars = ax.barh(range(len(shown)), [count for *_, count in shown], color=NEGATIVE_COLOR)
    ax.bar_label(bars, padding=3, fontsize=8)
    ax.set_yticks(range(len(shown)), labels, fontsize=7 if is_long else 8)
    ax.invert_yaxis()
    ax.set_xlabel("rows")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.margins(x=0.12)
    n_more = len(pairs) - len(shown)
    ax.set_title(f"most confused pairs{f', {n_more} more' if n_more else ''}", fontsize=10)
    if not pairs:
        _write(ax, "no wrong answers")
    clean_axes(ax)
    return figure_of(ax)


@plain_text
def plot_classes(
    class_names: Sequence[str],
    precision: Array,
    recall: Array,
    f1: Array,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw precision and recall of the classes of lowest F1.

    Shapes:
        precision, recall, f1: (K,), NaN if they are not defined.
    """
    ax = get_axes(ax)
    order = np.argsort(np.nan_to_num(f1, nan=-1.0), kind="stable")[:MAX_BARS][::-1]
    places = np.arange(len(order))
    ax.hlines(
        places,
        np.fmin(precision, recall)[order],
        np.fmax(precision, recall)[order],
        color=REFERENCE_COLOR,
        lw=2,
        zorder=1,
    )
    for name, values, marker, color in (
        ("precision", precision, "o", CLASS_COLORS[0]),
        ("recall", recall, "s", CLASS_COLORS[1]),
    ):
        ax.scatter(values[order], places, s=36, marker=marker, color=color, label=name)
    ax.set_yticks(places, [_shorten(class_names[code]) for code in order], fontsize=8)
    n_hidden = len(class_names) - len(order)
    which = f"the {len(order)} classes of lowest F1" if n_hidden else "each class"
    ax.set_title(f"precision and recall of {which}", fontsize=10)
    ax.grid(axis="x", alpha=0.25)
    ax.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2)
    clean_axes(ax)
    return figure_of(ax)


@plain_text
def plot_calibration(
    predicted: Array,
    observed: Array,
    counts: Array,
    error: float,
    subject: str,
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw observed frequencies over predicted probabilities, with the number of rows.

    Shapes:
        predicted, observed, counts: (B,).

    Args:
        predicted, observed, counts, error: see `evaluation.classification.Calibration`.
        subject: whose probability it is: "of the answer".
        ax: axes to draw on, or None.
    """
    ax = get_axes(ax)
    ax.plot([0, 1], [0, 1], color=REFERENCE_COLOR, ls=":", lw=1.2)
    ax.plot(predicted, observed, color=CLASS_COLORS[0], lw=1.6, marker="o", ms=5)
    for x, y, count in zip(predicted, observed, counts, strict=True):
        is_below = y < x
        ax.annotate(
            f"{count:,}",
            (x, y),
            xytext=(4, -9) if is_below else (-4, 5),
            textcoords="offset points",
            ha="left" if is_below else "right",
            fontsize=7,
        )
    ax.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    ax.set_xlabel(f"predicted probability {subject}")
    ax.set_ylabel("observed frequency")
    title = f"calibration error {format_share(error)} (labels: number of rows)"
    ax.set_title(title, fontsize=10)
    ax.grid(alpha=0.25)
    clean_axes(ax)
    return figure_of(ax)


@plain_text
def plot_roc(
    false_positive_rate: Array,
    true_positive_rate: Array,
    area: float,
    thresholds: Sequence[RatesAtThreshold],
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the ROC curve with its thresholds.

    Shapes:
        false_positive_rate, true_positive_rate: (T,).
    """
    ax = get_axes(ax)
    ax.plot([0, 1], [0, 1], color=REFERENCE_COLOR, ls=":", lw=1.2)
    ax.plot(false_positive_rate, true_positive_rate, color=CLASS_COLORS[0], lw=1.8)
    points = [(each.false_positive_rate, each.recall) for each in thresholds]
    _mark_thresholds(ax, thresholds, points)
    ax.set(xlabel="false positive rate", ylabel="true positive rate (recall)")
    ax.set_title(f"ROC area {format_share(area)}", fontsize=10)
    return figure_of(ax)


@plain_text
def plot_precision_recall(
    precision: Array,
    recall: Array,
    share: float,
    average: float,
    thresholds: Sequence[RatesAtThreshold],
    ax: Axes | None = None,
) -> Figure | SubFigure:
    """Draw the precision over the recall, with its thresholds.

    Shapes:
        precision, recall: (S,).

    Args:
        precision, recall: the curve.
        share: share of positive rows, the precision of guessing.
        average: average precision.
        thresholds: the thresholds to mark.
        ax: axes to draw on, or None.
    """
    ax = get_axes(ax)
    ax.axhline(share, color=REFERENCE_COLOR, ls=":", lw=1.2)
    ax.step(recall, precision, where="post", color=CLASS_COLORS[0], lw=1.8)
    _mark_thresholds(ax, thresholds, [(each.recall, each.precision) for each in thresholds])
    ax.set(xlabel="recall", ylabel="precision")
    ax.set_title(f"average precision {format_share(average)}", fontsize=10)
    return figure_of(ax)


def _mark_thresholds(
    ax: Axes, thresholds: Sequence[RatesAtThreshold], points: Sequence[tuple[float, float]]
) -> None:
    markers = zip(("o", "s", "^"), (CLASS_COLORS[1], CLASS_COLORS[2], CLASS_COLORS[3]), strict=True)
    for each, point, (marker, color) in zip(thresholds, points, markers, strict=True):
        value = format_number(each.value, 2)
        label = value if each.name == value else f"{value} ({each.name})"
        ax.scatter(*point, s=46, marker=marker, color=color, zorder=3, label=label)
    ax.legend(title="threshold", frameon=False, fontsize=8, title_fontsize=8, loc="best")
    ax.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04))
    ax.grid(alpha=0.25)
    clean_axes(ax)


@plain_text
def plot_label_counts(
    class_names: Sequence[str], counts: Array, title: str, ax: Axes | None = None
) -> Figure | SubFigure:
    """Draw how many rows of each label were found, missed, or wrongly answered.

    Shapes:
        counts: (K, 2, 2), see `sklearn.metrics.multilabel_confusion_matrix`.
    """
    ax = get_axes(ax, (7.0, 1.5 + 0.32 * min(len(class_names), 40)))
    places, left = np.arange(len(class_names)), np.zeros(len(class_names))
    for name, values, color in (
        ("found", counts[:, 1, 1], CLASS_COLORS[2]),
        ("missed", counts[:, 1, 0], CLASS_COLORS[1]),
        ("too many", counts[:, 0, 1], CLASS_COLORS[4]),
    ):
        ax.barh(places, values, left=left, color=color, label=name)
        left = left + values
    ax.set_yticks(places, [_shorten(name) for name in class_names], fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("rows")
    set_title(ax, title, fontweight="bold")
    ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    clean_axes(ax)
    return figure_of(ax)


def _shorten(name: str) -> str:
    """Return both ends of a long name."""
    name, half = " ".join(name.split()), MAX_CHARACTERS // 2
    return name if len(name) <= MAX_CHARACTERS else f"{name[: half - 1]}…{name[-half:]}"


def _write(ax: Axes, text: str) -> None:
    """Write a sentence in the middle of empty axes."""
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center")
    ax.set(xticks=[], yticks=[])
