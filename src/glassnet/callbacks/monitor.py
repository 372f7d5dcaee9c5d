"""The number that a callback watches: whether it is logged, which way is better, and what counts as
better.
"""

from __future__ import annotations

import math

from glassnet.errors import is_number, lookup, require

HIGHER_IS_BETTER = ("acc", "auc", "f1", "fbeta", "precision", "recall", "r2", "similarity", "iou")
LOWER_IS_BETTER = ("loss", "error", "mse", "mae", "mape", "entropy", "perplexity")
"""Parts of names of which more, or less, is better."""


def check_arguments(who: str, monitor: str, mode: str, min_delta: float) -> None:
    """Refuse arguments out of range.

    Raises:
        ConfigError: with the one that is.
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
    """Refuse a number that will not be logged, or whose better way cannot be told from its name.

    Raises:
        ConfigError: with what to write.
    """
    if monitor.startswith("val_") and not any(name.startswith("val_") for name in names):
        fix = "Pass validation_split or validation_data to fit, or monitor the training loss."
        require(False, who, "validation rows", monitor=monitor, fix=fix)
    lookup(f"{who}: monitor", monitor, dict.fromkeys(names))
    known = mode != "auto" or any(part in monitor for part in HIGHER_IS_BETTER + LOWER_IS_BETTER)
    require(
        known,
        who,
        "a mode for this monitor",
        monitor=monitor,
        fix='Say mode="min" where less is better, mode="max" where more is.',
    )


def is_better(monitor: str, mode: str, min_delta: float, value: float, best: float | None) -> bool:
    """Whether `value` is a number that beats `best` by more than `min_delta`; any number beats
    None.
    """
    if not math.isfinite(value) or best is None:
        return math.isfinite(value)
    up = mode == "max" or (mode == "auto" and any(part in monitor for part in HIGHER_IS_BETTER))
    return value - min_delta > best if up else value + min_delta < best
