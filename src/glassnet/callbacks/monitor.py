"""Check the quantity that a callback monitors, and compare its values."""

from __future__ import annotations

import math

from glassnet.errors import is_number, lookup, require

HIGHER_IS_BETTER = ("acc", "auc", "f1", "fbeta", "precision", "recall", "r2", "similarity", "iou")
LOWER_IS_BETTER = ("loss", "error", "mse", "mae", "mape", "entropy", "perplexity")
"""Parts of the names of metrics of which a higher, or a lower, value is better."""


def check_arguments(who: str, monitor: str, mode: str, min_delta: float) -> None:
    """Check the types and ranges of a callback's arguments.

    Raises:
        ConfigError: an argument is out of range.
    """
    require(isinstance(monitor, str), who, "monitor to be a name", monitor=monitor)
    require(
        is_number(min_delta) and min_delta >= 0,
        who,
        "min_delta to be a number >= 0",
        min_delta=min_delta,
    )
    require(mode in ("auto", "min", "max"), who, 'mode to be "auto", "min" or "max"', mode=mode)


def require_logged(who: str, monitor: str, mode: str, names: tuple[str, ...]) -> None:
    """Check that a number is logged, and that "auto" mode can find its direction from the name.

    Raises:
        ConfigError: the number is not logged, or its direction is unknown.
    """
    if monitor.startswith("val_") and not any(name.startswith("val_") for name in names):
        fix = "Pass validation_split or validation_data to fit, or monitor the training loss."
        require(False, who, "validation data", monitor=monitor, fix=fix)
    lookup(f"{who}: monitor", monitor, dict.fromkeys(names))
    known = mode != "auto" or any(part in monitor for part in HIGHER_IS_BETTER + LOWER_IS_BETTER)
    require(
        known,
        who,
        "a mode for this monitor",
        monitor=monitor,
        fix='Pass mode="min" if lower is better, or mode="max" if higher is better.',
    )


def is_better(monitor: str, mode: str, min_delta: float, value: float, best: float | None) -> bool:
    """Return whether `value` is finite and better than `best` by more than `min_delta`.

    Any finite value is better than None.
    """
    if not math.isfinite(value) or best is None:
        return math.isfinite(value)
    higher = mode == "max" or (mode == "auto" and any(part in monitor for part in HIGHER_IS_BETTER))
    return value - min_delta > best if higher else value + min_delta < best
