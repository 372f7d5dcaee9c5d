"""The code that repeats a run, and the versions and kind of machine that it ran on."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass, replace
from importlib import metadata
from typing import Any

import jax

from glassnet._version import __version__
from glassnet.data.images import Images
from glassnet.data.table import Table
from glassnet.data.time_series import TimeSeries
from glassnet.layers import Layer, TextVectorization, functional
from glassnet.models.sequential import Sequential
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.reporting.run_data import RunData

INDENT = "    "

MODULES = ("layers", "losses", "optimizers", "metrics", "initializers", "regularizers", "schedules")
"""Modules of `gn` whose parts are written with their address: gn.layers.Dense."""

EVEN_FRACTIONS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.33, 0.4, 0.5)
"""Fractions for validation that people write."""


def write_code(model: Sequential, run: RunData) -> str:
    """Return Python code that builds, compiles and trains a model like this one."""
    lines = ["import glassnet as gn", ""]
    is_listed = run.train is not None and _is_listed(run.name)
    x_name = "data.x" if is_listed else "x"
    load = f"data = gn.datasets.load({run.name!r})"
    lines.append(load if is_listed else f"# {_describe_rows(run)}")
    lines += [
        "model = gn.Sequential(",
        f"{INDENT}[",
        *_iter_layer_lines(model, x_name),
        f"{INDENT}],",
    ]
    lines += [f"{INDENT}seed={model.seed},", ")"]
    snapshot = model.take_snapshot()
    if model.optimizer is not None:
        parts = [f"optimizer={write_part(model.optimizer)}"]
        if snapshot.loss is not None:
            parts.append(f"loss={write_part(snapshot.loss)}")
        names = [name for name in model.metrics_names if name != "loss"]
        parts.append(f"metrics={names!r}")
        lines += ["model.compile(", *(f"{INDENT}{part}," for part in parts), ")"]
    if model.history is not None and model.history.epoch:
        lines += ["model.fit(", *(f"{INDENT}{part}," for part in _iter_fit(model, run)), ")"]
    return "\n".join(lines)


def _is_listed(name: str) -> bool:
    from glassnet.datasets import names

    return name in names()


def _describe_rows(run: RunData) -> str:
    """Return a comment about the data that the code needs."""
    x = run.shown.x
    name = f" of {run.name}" if run.name else ""
    if isinstance(x, Table):
        return f"train: the training rows{name} as a table"
    if isinstance(x, TimeSeries):
        return f"series: {x.name}, read by gn.data.series"
    if isinstance(x, Images):
        return f"train: the images{name}, read by gn.data.images_from_folder"
    return f"x, y: the training rows{name}"


def _iter_layer_lines(model: Sequential, x_name: str) -> Iterator[str]:
    shape = model.input_shape
    first = model.layers[0].layer if model.layers else None
    kinds = TabularPreprocessor | TimeSeriesPreprocessor
    is_known_later = isinstance(first, TextVectorization) or isinstance(model.preprocessor, kinds)
    if shape is not None and not is_known_later:
        yield f"{2 * INDENT}gn.layers.Input({shape!r}),"
    for view in model.layers:
        adapt = f".adapt({x_name})" if isinstance(view.layer, TextVectorization) else ""
        yield f"{2 * INDENT}{write_part(view.layer)}{adapt},"


def write_part(part: Any) -> str:
    """Return the code of a layer, a loss, an optimizer or a part of one.

    Fields with their default value are left out, and so are names that count the layers.

    Example:
        >>> from glassnet.layers import Dense
        >>> write_part(Dense(8, activation="relu"))
        "gn.layers.Dense(units=8, activation='relu')"
    """
    if isinstance(part, tuple | list):
        texts = [write_part(each) for each in part]
        ends = "[]" if isinstance(part, list) else "()"
        comma = "," if isinstance(part, tuple) and len(texts) == 1 else ""
        return f"{ends[0]}{', '.join(texts)}{comma}{ends[1]}"
    if not is_dataclass(part) or isinstance(part, type):
        return getattr(part, "__name__", None) or repr(part)
    arguments = [
        f"{each.name}={write_part(getattr(part, each.name))}"
        for each in fields(part)
        if each.init and each.repr and not _is_default(part, each)
    ]
    kind = type(part).__name__
    module = type(part).__module__.split(".")
    is_ours = module[0] == "glassnet" and len(module) > 1 and module[1] in MODULES
    return f"{f'gn.{module[1]}.' if is_ours else ''}{kind}({', '.join(arguments)})"


def _is_default(part: Any, each: Field[Any]) -> bool:
    """Return whether a field has its default value, or is a name that was counted."""
    value = getattr(part, each.name)
    if each.name == "name" and isinstance(part, Layer):
        return value is None or is_counted_name(part)
    default = each.default if each.default_factory is MISSING else each.default_factory()
    if default is MISSING or each is main_field(part):
        return False
    try:  # a name such as "zeros" becomes an initializer
        return bool(getattr(replace(part, **{each.name: default}), each.name) == value)
    except Exception:  # the field depends on others, or belongs to a user's part
        return False


def main_field(part: Any) -> Field[Any] | None:
    """Return the first field of a layer, such as `units`, which is always written."""
    own = [each for each in fields(part) if each.name not in {f.name for f in fields(Layer)}]
    return own[0] if own and isinstance(part, Layer) else None


def is_counted_name(layer: Layer) -> bool:
    """Return whether a layer has the name that counts the layers of its class: dense_2."""
    kind, _, number = str(layer.name).rpartition("_")
    return kind == functional.default_name(layer) and number.isdecimal()


def _iter_fit(model: Sequential, run: RunData) -> Iterator[str]:
    """Yield the arguments of fit, as far as the history knows them."""
    history = model.history
    assert history is not None
    yield from _iter_rows(model, run)
    yield f"epochs={len(history.epoch)}"
    params = history.params
    if params.get("batch_size"):
        yield f"batch_size={params['batch_size']}"
    if any(name.startswith("val_") for name in history.history):
        yield from _iter_validation(run, params.get("rows"))
    yield f"seed={history.seed}"


def _iter_rows(model: Sequential, run: RunData) -> Iterator[str]:
    """Yield the arguments that hold the rows."""
    x = run.shown.x
    is_listed = _is_listed(run.name) and run.train is not None
    if isinstance(x, TimeSeries):
        yield "series"
    elif isinstance(x, Images):
        yield "train"
    elif isinstance(x, Table) and isinstance(model.preprocessor, TabularPreprocessor):
        request = model.preprocessor.request
        yield "data.train" if is_listed else "train"
        options = {
            "target": request.target,
            "column_types": dict(request.column_types),
            "derive": dict(request.derive),
            "target_transform": request.target_transform,
        }
        yield from (f"{name}={value!r}" for name, value in options.items() if value)
    else:
        yield from ("data.x", "data.y") if is_listed else ("x", "y")


def _iter_validation(run: RunData, n_trained: int | None) -> Iterator[str]:
    """Yield the fraction of the rows that were held out, if it can be found."""
    n = len(run.train) if run.train is not None else 0
    if n_trained is None or not 0 < n - n_trained < n or isinstance(run.shown.x, TimeSeries):
        return
    n_held_out = n - n_trained
    fraction = next((f for f in EVEN_FRACTIONS if round(n * f) == n_held_out), n_held_out / n)
    yield f"validation_split={round(fraction, 4)}"


def list_versions() -> list[tuple[str, str]]:
    """Return names and values: versions, system, processor and what JAX computes on.

    There are no names of users or computers, and no paths.
    """
    devices = jax.devices()
    kinds = sorted({device.device_kind for device in devices})
    computer = f"{platform.system()}, {platform.machine()}, {os.cpu_count() or 1} CPUs"
    return [
        ("Glassnet", __version__),
        ("JAX", metadata.version("jax")),
        ("NumPy", metadata.version("numpy")),
        ("Python", platform.python_version()),
        ("Machine", computer),
        ("Computed on", f"{len(devices)} x {', '.join(kinds)}"),
    ]
