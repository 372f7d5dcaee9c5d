"""The runs that `descent` compares: every combination of what is listed, with a label each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from glassnet import optimizers as optimizer_names
from glassnet.errors import is_float32, is_int, require
from glassnet.formatting import format_number
from glassnet.inspection.training_runs import RunSettings
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.schedules import Schedule

MAX_RUNS = 10
"""Maximum number of runs in one view: one for each color."""


def choose_runs(
    optimizers: Any, learning_rates: Any, batch_sizes: Any, starts: Any, epochs: Any
) -> dict[str, RunSettings]:
    """Return the settings of each run by its label.

    A label says what differs from other runs. It is "" if nothing is listed.

    Args:
        optimizers, learning_rates, batch_sizes, starts, epochs: see `descent`.

    Raises:
        ConfigError: an empty list, an unknown optimizer, a rate <= 0 or another value that `fit`
            would refuse; two runs of one label; more than 10 runs.

    Example:
        >>> list(choose_runs(["sgd", "adam"], [0.1], ["full", 8], None, 50))[:2]
        ['sgd, full batch', 'sgd, batch 8']
    """
    require(is_int(epochs, least=1), "descent", "epochs to be an int >= 1", epochs=epochs)
    choices: tuple[list[tuple[str, Any]], ...] = (
        _name_optimizers(optimizers, learning_rates is not None),
        _name_rates(learning_rates),
        _name_batch_sizes(batch_sizes),
        _name_starts(starts),
    )
    has_several = max(map(len, choices)) > 1
    runs = []
    for optimizer, rate, size, start in itertools.product(*choices):
        names = [
            name
            for (name, _), values in zip((optimizer, rate, size, start), choices, strict=True)
            if name and not (has_several and len(values) == 1)
        ]
        settings = RunSettings(start[1], optimizer[1], rate[1], size[1], int(epochs))
        runs.append((", ".join(names), settings))
    require(len(runs) <= MAX_RUNS, "descent", f"at most {MAX_RUNS} runs", runs=len(runs))
    labels = [label for label, _ in runs]
    fix = "Name optimizers that differ: optimizers={'first': SGD(clipnorm=1), 'second': ...}."
    require(len(set(labels)) == len(labels), "descent", "different runs", runs=labels, fix=fix)
    return dict(runs)


def describe_optimizer(optimizer: Optimizer, with_rate: bool = True) -> str:
    """Return the name of an optimizer, and what differs from its defaults.

    Args:
        optimizer: the optimizer.
        with_rate: whether to include the learning rate.

    Example:
        >>> describe_optimizer(optimizer_names.SGD(0.1, momentum=0.9))
        'sgd, rate 0.1, momentum 0.9'
    """
    names = {kind: name for name, kind in OPTIMIZERS.items()}
    parts = [names.get(type(optimizer), type(optimizer).__name__)]
    for field in fields(optimizer):
        value, is_rate = getattr(optimizer, field.name), field.name == "learning_rate"
        if value == field.default or (is_rate and not with_rate):
            continue
        name = "rate" if is_rate else field.name
        if isinstance(value, Schedule):
            parts.append(f"{name} {type(value).__name__}")
        elif value is True:
            parts.append(name)
        elif is_float32(value):
            parts.append(f"{name} {format_number(value)}")
    return ", ".join(parts)


def _name_optimizers(optimizers: Any, has_rates: bool) -> list[tuple[str, Optimizer | None]]:
    if optimizers is None:
        return [("", None)]
    values = _to_list("optimizers", optimizers, '["sgd", "adam"]')
    if isinstance(optimizers, Mapping):
        return [(str(name), optimizer_names.get(optimizers[name])) for name in values]
    resolved = map(optimizer_names.get, values)
    return [(describe_optimizer(each, not has_rates), each) for each in resolved]


def _name_rates(learning_rates: Any) -> list[tuple[str, float | None]]:
    if learning_rates is None:
        return [("", None)]
    rates = _to_list("learning_rates", learning_rates, "[0.01, 0.1]")
    for rate in rates:
        expected = "learning rates > 0 that float32 holds"
        require(is_float32(rate) and rate > 0, "descent", expected, learning_rate=rate)
    return [(f"rate {format_number(rate)}", float(rate)) for rate in rates]


def _name_batch_sizes(batch_sizes: Any) -> list[tuple[str, int | str]]:
    if batch_sizes is None:
        return [("", "full")]
    sizes = _to_list("batch_sizes", batch_sizes, '["full", 32, 1]')
    for size in sizes:
        fits = size == "full" if isinstance(size, str) else is_int(size, least=1)
        require(fits, "descent", 'batch sizes >= 1, or "full"', batch_size=size)
    return [("full batch" if size == "full" else f"batch {size}", size) for size in sizes]


def _name_starts(starts: Any) -> list[tuple[str, str | int]]:
    if starts is None or (isinstance(starts, str) and starts == "current"):
        return [("", starts or "auto")]
    expected = 'starts to be an int >= 1, "current" or None'
    require(is_int(starts, least=1), "descent", expected, starts=starts)
    return [(f"start {k + 1}" if starts > 1 else "", k) for k in range(starts)]


def _to_list(argument: str, values: Any, example: str) -> list[Any]:
    is_list = isinstance(values, Iterable) and not isinstance(values, str)
    listed = list(values) if is_list else []
    fix = f"For example {argument}={example}."
    require(listed, "descent", f"{argument} to be a list, not empty", **{argument: values}, fix=fix)
    return listed
