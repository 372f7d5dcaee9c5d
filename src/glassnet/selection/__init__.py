"""Model selection: cross-validation, sweeps and comparisons, as many networks in one program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassnet.errors import import_public_name

if TYPE_CHECKING:
    from glassnet.selection.comparisons import compare as compare
    from glassnet.selection.cross_validation import cross_validate as cross_validate
    from glassnet.selection.label_margins import suspicious_labels as suspicious_labels
    from glassnet.selection.rate_ranges import learning_rate_range as learning_rate_range
    from glassnet.selection.score_curves import learning_curve as learning_curve
    from glassnet.selection.score_curves import validation_curve as validation_curve
    from glassnet.selection.sweeps import sweep as sweep

_MODULES: dict[str, str] = {
    "compare": "comparisons",
    "cross_validate": "cross_validation",
    "learning_curve": "score_curves",
    "learning_rate_range": "rate_ranges",
    "suspicious_labels": "label_margins",
    "sweep": "sweeps",
    "validation_curve": "score_curves",
}
"""The module of each public name. A function is imported when it is first used."""

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    return import_public_name(__name__, name, _MODULES)


def __dir__() -> list[str]:
    return list(__all__)
