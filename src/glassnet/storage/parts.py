"""The parts that a file may name: a fixed table. Other classes come in as custom objects; none is ever imported by its name."""

from __future__ import annotations

import functools
import inspect
from dataclasses import is_dataclass

from glassnet import initializers, layers, losses, metrics, optimizers, regularizers, schedules
from glassnet.data import answers, encoder, forecaster, images, intake, times

MODULES = {
    "layers": layers,
    "initializers": initializers,
    "regularizers": regularizers,
    "losses": losses,
    "metrics": metrics,
    "optimizers": optimizers,
    "schedules": schedules,
    "data": encoder,
    "answers": answers,
    "intake": intake,
    "images": images,
    "forecaster": forecaster,
    "times": times,
}
"""No callbacks: they write to paths."""


@functools.cache
def known() -> dict[str, type]:
    """Every part by the name that it has in a file: {"layers/Dense": Dense, ...}."""
    found = {}
    for group, module in MODULES.items():
        for name, kind in inspect.getmembers(module, inspect.isclass):
            home = kind.__module__.startswith(module.__name__)
            by_value = is_dataclass(kind) and kind.__hash__ is not object.__hash__
            if home and by_value and not inspect.isabstract(kind):
                found[f"{group}/{name}"] = kind
    return found


@functools.cache
def names() -> dict[type, str]:
    """The name in a file of every part."""
    return {kind: name for name, kind in known().items()}
