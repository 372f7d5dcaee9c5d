"""Learning curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

TRAINING_COLOR, VALIDATION_COLOR, BEST_EPOCH_COLOR = "#2b6cb0", "#dd6b20", "#718096"


def plot_curves(
    epochs: Sequence[int], logs: Mapping[str, Sequence[float]], best_epoch: int | None
) -> Figure:
    """A panel per logged number: training and validation over epochs (counted from 1), the best
    epoch marked.

    Args:
        epochs: counted from 1.
        logs: name to a number per epoch; names with `val_` in front share the panel of the name
            behind it.
        best_epoch: the epoch to mark; None for none.
    """
    names = [name for name in logs if not name.startswith("val_")] or ["loss"]
    drawn = Figure(figsize=(4.8 * len(names), 3.6), layout="constrained")
    for i, name in enumerate(names):
        axes = drawn.add_subplot(1, len(names), i + 1)
        for key, label, colour in (
            (name, "training", TRAINING_COLOR),
            (f"val_{name}", "validation", VALIDATION_COLOR),
        ):
            if key in logs:
                axes.plot(
                    epochs,
                    logs[key],
                    label=label,
                    color=colour,
                    lw=1.8,
                    marker="o" if len(epochs) < 30 else None,
                    ms=3.5,
                )
        if best_epoch is not None and len(epochs) > 1:
            axes.axvline(best_epoch, color=BEST_EPOCH_COLOR, ls=":", lw=1.2)
            above = axes.get_xaxis_transform()
            axes.text(
                best_epoch,
                1.02,
                f"best epoch {best_epoch}",
                transform=above,
                color=BEST_EPOCH_COLOR,
                fontsize=8,
                ha="center",
            )
        axes.set(xlabel="epoch", ylabel=name.replace("_", " "))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
        if f"val_{name}" in logs:
            axes.legend(frameon=False)
    return drawn
