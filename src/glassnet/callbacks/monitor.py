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
    require(
        mode != "auto" or find_direction(monitor) is not None,
        who,
        "a mode for this monitor",
        monitor=monitor,
        fix='Pass mode="min" if lower is better, or mode="max" if higher is better.',
    )


def find_direction(name: str) -> bool | None:
    """Return whether a higher value of a metric is better; None if its name does not say so.

    Example:
        >>> find_direction("val_accuracy"), find_direction("RMSE"), find_direction("profit")
        (True, False, None)
    """
    for parts, is_higher in ((HIGHER_IS_BETTER, True), (LOWER_IS_BETTER, False)):
        if any(part in name.lower() for part in parts):
            return is_higher
    return None


NUMBER_HINTS = {
    "auc": " An AUC is a number only if both classes occur in the rows.",
    "r2": " R2 is a number only if the targets differ.",
}
"""When metrics are numbers, by parts of their names."""


def explain_non_number(name: str) -> str:
    """Return when a metric is a number, with a space before it, or "" if it is not known."""
    return next((text for part, text in NUMBER_HINTS.items() if part in name), "")


def describe_non_number(who: str, monitor: str, value: float, epoch: int, effect: str) -> str:
    """Return a warning about a monitored value that is NaN or infinite.

    Args:
        who: the callback's class.
        monitor: name of the value.
        value: the value.
        epoch: index of the epoch, from 0.
        effect: what the callback does then, in one sentence.
    """
    hint = explain_non_number(monitor)
    fix = " Check the rows that it is computed from."
    place = f"{monitor} is not a finite number ({value}) in epoch {epoch + 1}"
    return f"{who}: {place}. {effect}{hint or fix}"


def is_better(monitor: str, mode: str, min_delta: float, value: float, best: float | None) -> bool:
    """Return whether `value` is finite and better than `best` by more than `min_delta`.

    Any finite value is better than None.
    """
    if not math.isfinite(value) or best is None:
        return math.isfinite(value)
    higher = mode == "max" or (mode == "auto" and find_direction(monitor))
    return value - min_delta > best if higher else value + min_delta < best
