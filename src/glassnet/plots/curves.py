"""Plots of learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from glassnet.plots.figure import NotebookFigure
from glassnet.plots.text import plain_text

TRAINING_COLOR, VALIDATION_COLOR, BEST_EPOCH_COLOR = "#2b6cb0", "#dd6b20", "#718096"


@plain_text
def plot_curves(
    epochs: Sequence[int], logs: Mapping[str, Sequence[float]], best_epoch: int | None
) -> Figure:
    """Plot training and validation values over the epochs, with one panel for each metric.

    Args:
        epochs: epoch numbers, counted from 1.
        logs: values for each epoch, by metric; `val_loss` shares the panel of `loss`.
        best_epoch: epoch to mark; None for none.
    """
    names = [name for name in logs if not name.startswith("val_")] or ["loss"]
    figure = NotebookFigure(figsize=(4.8 * len(names), 3.6), layout="constrained")
    for i, name in enumerate(names):
        axes = figure.add_subplot(1, len(names), i + 1)
        _plot_metric(axes, epochs, logs, name)
        if best_epoch is not None and len(epochs) > 1:
            _mark_epoch(axes, best_epoch)
    return figure


def _plot_metric(
    axes: Axes, epochs: Sequence[int], logs: Mapping[str, Sequence[float]], name: str
) -> None:
    marker = "o" if len(epochs) < 30 else None
    for key, label, color in (
        (name, "training", TRAINING_COLOR),
        (f"val_{name}", "validation", VALIDATION_COLOR),
    ):
        if key in logs:
            axes.plot(epochs, logs[key], label=label, color=color, lw=1.8, marker=marker, ms=3.5)
    axes.set(xlabel="epoch", ylabel=name.replace("_", " "))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    if f"val_{name}" in logs:
        axes.legend(frameon=False)


def _mark_epoch(axes: Axes, epoch: int) -> None:
    axes.axvline(epoch, color=BEST_EPOCH_COLOR, ls=":", lw=1.2)
    axes.text(
        epoch,
        1.02,
        f"best epoch {epoch}",
        transform=axes.get_xaxis_transform(),
        fontsize=8,
        ha="center",
    )
