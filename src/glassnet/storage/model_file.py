"""One file that holds a model and cannot run code: safetensors, with what the model is as strict JSON in its metadata.

What a file may hold follows from what it says the model is: the names, shapes and kinds of its arrays are worked out from the
architecture, without memory for them, and compared with the file's header before any array is read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from glassnet import fingerprinting
from glassnet._version import __version__
from glassnet.engine.network import Built
from glassnet.errors import ModelFileError, is_int, is_number, message, require
from glassnet.layers import Input, Layer
from glassnet.losses import Loss
from glassnet.metrics import Metric
from glassnet.optimizers import Optimizer
from glassnet.preprocessing.base import Taker
from glassnet.storage import atomic_write, json_codec, registry
from glassnet.storage.arrays import MEMORY, MOST_NUMBERS, Arrays, compare, filled, kind_of, measured, named
from glassnet.storage.safetensors_file import MOST_TEXT, opened, told

FORMAT = 1
"""Of files that this release writes, and the newest that it reads."""

KEY = "glassnet"
"""The one key of the metadata: safetensors writes several in any order, and a model saved twice is to be the same bytes."""

MOST_LAYERS, MOST_AXES = 2_000, 32
"""Limits: layers and lists in layers, each counted once for itself and once for every layer around it, as each takes a millisecond
to measure as often; axes of an example."""


@dataclass(frozen=True)
class Past:
    """How training went, of the last fit: see `History`."""

    seed: int
    params: dict[str, Any]
    history: dict[str, tuple[float, ...]]
    epoch: tuple[int, ...]
    stopped: str | None
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Run:
    """A fit under way, beside the model: what it takes to go on as if it had never stopped, apart from the arrays.

    Attributes:
        id: its own.
        first: the epoch that it began with.
        begun: the mark of the weights and the learning rate that it began with.
        marks: of data, architecture and settings, as JSON, in pieces.
        place: what computes it: versions, machine, CPUs.
        memories: of the callbacks, as JSON, in pieces.
        best: where the weights are that were kept as the best: "apart" among the arrays, "before" where the epoch began with them, or
            "here" where they are the model's; None where there are none.
        under_way: whether the model's epoch has begun; the carry that it began with is then among the arrays.
        seconds: that it has taken.
        over: whether nothing is to follow.
        mark: of the whole checkpoint.
    """

    id: str
    first: int
    begun: str
    marks: tuple[str, ...]
    place: dict[str, str]
    memories: tuple[str, ...] = ()
    best: str | None = None
    under_way: bool = False
    seconds: float = 0.0
    over: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Saved:
    """What a model is, apart from its arrays.

    Attributes:
        layers: as they were written, named.
        input: the shape of one example, None where it is not known yet.
        built: whether there are weights.
        seed: of the model.
        optimizer: None for a model that is not compiled.
        loss: None where it is still to be inferred.
        metrics: names, metrics or functions.
        remembers: whether the optimizer has a memory, among the arrays.
        epoch: how many the model has been trained for.
        step: how many steps.
        rate: of the carry: see `training.Carry`.
        intake: what was learned of a table.
        past: how the last fit went.
        run: a fit under way, in a checkpoint.
        format: of the file.
        version: of glassnet that wrote it.

    Raises:
        ModelFileError: these cannot be a model's, or are beyond the limits.
    """

    layers: tuple[Layer, ...]
    input: tuple[int, ...] | None
    built: bool
    seed: int | None
    optimizer: Optimizer | None
    loss: Loss | None
    metrics: tuple[str | Metric | Callable[..., Any], ...]
    remembers: bool
    epoch: int
    step: int
    rate: float
    intake: Taker | None
    past: Past | None
    run: Run | None = None
    format: int = FORMAT
    version: str = __version__

    def __post_init__(self) -> None:
        count = sum(map(_count, self.layers))
        _require(count <= MOST_LAYERS, f"{MOST_LAYERS:,} layers, and lists in layers, at most", layers=count)
        _require(not any(isinstance(layer, Input) for layer in self.layers), "layers that run, and the input's shape apart")
        sizes = (1,) if self.input is None else self.input
        fits = 1 <= len(sizes) <= MOST_AXES and min(sizes) >= 1 and math.prod(sizes) <= MOST_NUMBERS
        _require(fits, f"examples of 1 to {MOST_NUMBERS:,} numbers on {MOST_AXES} axes at most", input=json_codec.SHOWN.repr(sizes))
        _require(not self.built or (self.input and self.layers), "weights of layers, for examples of a known shape")
        _require(not self.remembers or (self.built and self.optimizer), "an optimizer and weights, where something is remembered")
        _require(self.built or not any(map(_adapted, self.layers)), "weights where a layer has learned", fix="Put Input(shape) in front.")
        _require(self.seed is None or self.seed >= 0, "a seed >= 0", seed=self.seed)
        _require(self.epoch >= 0 and 0 <= self.step < 2**31, "counts from 0", epoch=self.epoch, step=self.step)
        _require(is_number(self.rate) and 0 <= self.rate < 3e38, "a rate >= 0 that float32 holds", rate=self.rate)


class Loaded(NamedTuple):
    """What a file holds."""

    saved: Saved
    built: Built | None
    arrays: Arrays


class Reached(NamedTuple):
    """What a checkpoint says of a run, without the model's layers: those that train on are known."""

    seed: int | None
    epoch: int
    step: int
    rate: float
    past: Past | None
    run: Run
    arrays: dict[str, np.ndarray]


TAGS = (
    json_codec.Tag(
        "Saved",
        Saved,
        "layers input built seed optimizer loss metrics remembers epoch step rate intake past run format version",
    ),
    json_codec.Tag("Past", Past, "seed params history epoch stopped seconds"),
    json_codec.Tag("Run", Run, "id first begun marks place memories best under_way seconds over mark"),
)
"""What a file calls the classes here and their fields: see `parts.TAGS`."""

REACHED = {"seed": "seed", "epoch": "epoch", "step": "step", "rate": "rate", "past": "past", "run": "run"}
"""The keys of a file that make a `Reached`, each with its field there and in `Saved`."""


def tags() -> dict[type, json_codec.Tag]:
    """Of everything that a file may hold, by class."""
    return registry.by_class() | {tag.kind: tag for tag in TAGS}

RUN = "@run"
"""What the names of the arrays begin with that a run needs beside the model's."""


def pack(saved: Saved, built: Built | None, arrays: Arrays, more: Mapping[str, Any] = MappingProxyType({})) -> bytes:
    """A model as the bytes of a file: the same for the same model.

    Args:
        saved: what it is.
        built: its network, None where there is none.
        arrays: of the network.
        more: of a run, by names under `RUN`.

    Raises:
        ModelFileError: something in it cannot be saved, or would not be loaded again.
    """
    held, text = ({} if built is None else named(built, arrays)) | dict(more), describe(saved)
    if saved.run:
        text = MARK.format(_mark(text, "", held)).join(_around(text, ""))
    return _bytes(held, {KEY: text})


def describe(saved: Saved) -> str:
    """What a model is, as strict JSON.

    Raises:
        ModelFileError: see `pack`.
    """
    text = json_codec.dumps(saved, tags())
    small = len(text) < MOST_TEXT
    require(small, "save", f"a model that takes less than {MOST_TEXT:,} bytes to describe", error=ModelFileError, bytes=len(text))
    return text


MARK = '"mark":"{}"'
"""Where a checkpoint's mark stands: nothing that is written after it has such a key."""


def _around(text: str, mark: str) -> tuple[str, str]:
    """What stands before and after the mark."""
    before, _, after = text.rpartition(MARK.format(mark))
    return before, after


def _mark(text: str, mark: str, arrays: Mapping[str, Any]) -> str:
    """What the mark is to be where `mark` stands: every bit of a checkpoint but its own."""
    return fingerprinting.of_all(arrays, *_around(text, mark))


def weights(built: Built, arrays: Arrays) -> bytes:
    """The weights alone, as the bytes of a safetensors file.

    Raises:
        ModelFileError: a name, or a kind of numbers, that files do not hold.
    """
    return _bytes(named(built, arrays._replace(optimizer=None)))


def _bytes(arrays: Mapping[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    from safetensors.numpy import save

    for name, array in arrays.items():
        kind_of(name, array)
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata)


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Put a model's bytes at `path`, whole or not at all.

    Raises:
        ModelFileError: the folder is not there or cannot be written, or the disk is full.
    """
    try:
        atomic_write.write(Path(path), data)
    except (OSError, ValueError) as error:
        text = message("save", "a file that can be written", path=str(path), fix=f"It said: {getattr(error, 'strerror', None) or error}.")
        raise ModelFileError(text) from error


def read(source: str | os.PathLike[str] | bytes, custom_objects: Mapping[str, Any] | None = None) -> Loaded:
    """The model in a file.

    Args:
        source: the file's path, or all that is in it.
        custom_objects: classes of layers and other parts, and functions, by name, that are not glassnet's own.

    Raises:
        ModelFileError: there is no such file, or it is damaged, foreign, newer than this release, or does not hold what it says.
    """
    custom, fix = custom_objects or {}, 'Write custom_objects={"Scale": Scale}.'
    require(isinstance(custom, Mapping), "load", "custom_objects by name", error=ModelFileError, fix=fix, type=type(custom).__name__)
    with opened("load", source) as (metadata, header, get):
        saved = _saved(told(source), metadata, custom)
        if saved.run:
            header = {name: kind for name, kind in header.items() if not name.startswith(RUN)}
        if not saved.built or saved.input is None:
            compare("load", header, {})
            return Loaded(saved, None, Arrays())
        built, hollow = measured(saved.layers, saved.input, saved.optimizer if saved.remembers else None)
        compare("load", header, named(built, hollow))
        return Loaded(saved, built, filled(built, hollow, {name: get(name) for name in header}))


def read_weights(path: str | os.PathLike[str], built: Built, arrays: Arrays) -> Arrays:
    """The weights in a file, for a network that is there; not what an optimizer remembers.

    Raises:
        ModelFileError: there is no such file, it is no safetensors file, or holds the weights of another network.
    """
    hollow = arrays._replace(optimizer=None)
    with opened("load_weights", path) as (_, header, get):
        own = {name: kind for name, kind in header.items() if not name.startswith((MEMORY, RUN))}
        compare("load_weights", own, named(built, hollow))
        return filled(built, hollow, {name: get(name) for name in own})


def read_run(path: Path) -> Reached:
    """A run in its checkpoint.

    Raises:
        ModelFileError: it is damaged, foreign, newer than this release, or holds no run.
    """
    with opened("resume", path) as (metadata, header, get):
        found = _plain(told(path), metadata)
        reader, hints = json_codec.Reader({tag.name: tag for tag in TAGS}, {}), get_type_hints(Saved)
        said = {field: reader.read(found.get(key), hints[field], key) for key, field in REACHED.items()}
        run = said["run"]
        require(run is not None, "resume", "a checkpoint of a run", error=ModelFileError, path=str(path))
        arrays = {name: get(name) for name in header}
        whole = _mark(metadata[KEY], run.mark, arrays) == run.mark
        require(whole, "resume", "a checkpoint as it was written", error=ModelFileError, path=str(path))
        return Reached(**said, arrays=arrays)


def _saved(given: Mapping[str, Any], metadata: Mapping[str, str], custom: Mapping[str, Any]) -> Saved:
    """What a file says of its model."""
    return json_codec.Reader({tag.name: tag for tag in tags().values()}, custom).read(_plain(given, metadata), Saved)


def _plain(given: Mapping[str, Any], metadata: Mapping[str, str]) -> dict[str, Any]:
    """What a file says of its model, as plain JSON in a format that this release reads."""
    foreign = "It holds arrays, but no model: model.load_weights reads them."
    require(KEY in metadata, "load", "a file that model.save wrote", error=ModelFileError, fix=foreign, **given)
    text = metadata[KEY]
    require(len(text) < MOST_TEXT, "load", f"a description of less than {MOST_TEXT:,} bytes", error=ModelFileError, bytes=len(text))
    found = json_codec.loads(text)
    version: Any = found.get("format") if isinstance(found, dict) else None
    require(is_int(version, least=1), "load", "a whole number as format", error=ModelFileError, format=str(version)[:20])
    fix = f"It was written by glassnet {str(found.get('version'))[:20]}: install that release or a later one."
    require(version <= FORMAT, "load", f"a file of format {FORMAT} at most", error=ModelFileError, format=version, fix=fix)
    return found


def _require(ok: object, expected: str, fix: str = "", **received: Any) -> None:
    require(ok, "model", expected, fix=fix, error=ModelFileError, **received)


def _count(value: Any, deep: int = 1) -> int:
    """The layers and lists in a value, those inside `deep` layers as often.

    Raises:
        ModelFileError: a list of too many values, or a number beyond what a layer can mean.
    """
    if isinstance(value, int):
        _require(abs(value) <= MOST_NUMBERS, f"no whole number beyond {MOST_NUMBERS:,} in a layer", number=value)
    if isinstance(value, tuple):
        if {type(item) for item in value} in ({str}, {float}):
            return 0
        _require(len(value) <= MOST_LAYERS, f"lists of {MOST_LAYERS:,} values at most in a layer", values=len(value))
        return deep + sum(_count(item, deep) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return 0
    inside = sum(_count(getattr(value, name), deep + 1) for name in json_codec.settings(type(value)))
    return inside + deep * isinstance(value, Layer)


def _adapted(value: Any) -> bool:
    """Whether a layer, or one inside it, carries statistics that it was given by `adapt`."""
    if isinstance(value, tuple):
        return any(map(_adapted, value))
    if not isinstance(value, Layer):
        return False
    hidden = {field.name for field in fields(value) if field.init} - set(json_codec.settings(type(value)))
    return any(getattr(value, name) is not None for name in hidden) or any(
        _adapted(getattr(value, name)) for name in json_codec.settings(type(value))
    )
