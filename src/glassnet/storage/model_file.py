"""One file that holds a model and cannot run code: safetensors, with what the model is as strict
JSON in its metadata.

What a file may hold follows from what it says the model is: the names, shapes and kinds of its
    arrays are worked out from the
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
from glassnet.engine.network import BuiltNetwork
from glassnet.errors import ModelFileError, is_int, is_number, message, require
from glassnet.layers import Input, Layer
from glassnet.losses import Loss
from glassnet.metrics import Metric
from glassnet.optimizers import Optimizer
from glassnet.preprocessing.base import Preprocessor
from glassnet.storage import atomic_write, json_codec, registry
from glassnet.storage.arrays import (
    MAX_ELEMENTS,
    OPTIMIZER_PREFIX,
    ModelArrays,
    build_abstract_network,
    check_header,
    flatten_arrays,
    get_dtype_code,
    unflatten_arrays,
)
from glassnet.storage.safetensors_file import MAX_TEXT_BYTES, describe_source, open_safetensors

FORMAT_VERSION = 1
"""Of files that this release writes, and the newest that it reads."""

METADATA_KEY = "glassnet"
"""The one key of the metadata: safetensors writes several in any order, and a model saved twice is
to be the same bytes.
"""

MAX_LAYERS, MAX_AXES = 2_000, 32
"""Limits: layers and lists in layers, each counted once for itself and once for every layer around
it, as each takes a millisecond to measure as often; axes of an example."""


@dataclass(frozen=True)
class HistoryData:
    """How training went, of the last fit: see `History`."""

    seed: int
    params: dict[str, Any]
    history: dict[str, tuple[float, ...]]
    epoch: tuple[int, ...]
    stopped: str | None
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class RunInfo:
    """A fit under way, beside the model: what it takes to go on as if it had never stopped, apart
    from the arrays.

    Attributes:
        id: its own.
        first_epoch: the epoch that it began with.
        initial_fingerprint: the mark of the weights and the learning rate that it began with.
        config_json: of data, architecture and settings, as JSON, in pieces.
        environment: what computes it: versions, machine, CPUs.
        memories: of the callbacks, as JSON, in pieces.
        best_location: where the weights are that were kept as the best: "apart" among the arrays,
            "before" where the epoch began with them, or "here" where they are the model's; None
            where there are none.
        mid_epoch: whether the model's epoch has begun; the carry that it began with is then among
            the arrays.
        seconds: that it has taken.
        finished: whether nothing is to follow.
        checksum: of the whole checkpoint.
    """

    id: str
    first_epoch: int
    initial_fingerprint: str
    config_json: tuple[str, ...]
    environment: dict[str, str]
    memories: tuple[str, ...] = ()
    best_location: str | None = None
    mid_epoch: bool = False
    seconds: float = 0.0
    finished: bool = False
    checksum: str = ""


@dataclass(frozen=True)
class ModelSpec:
    """What a model is, apart from its arrays.

    Attributes:
        layers: as they were written, named.
        input_shape: the shape of one example, None where it is not known yet.
        built: whether there are weights.
        seed: of the model.
        optimizer: None for a model that is not compiled.
        loss: None where it is still to be inferred.
        metrics: names, metrics or functions.
        has_optimizer_state: whether the optimizer has a memory, among the arrays.
        epoch: how many the model has been trained for.
        step: how many steps.
        rate: of the carry: see `train_step.TrainState`.
        preprocessor: what was learned of a table.
        history: how the last fit went.
        run: a fit under way, in a checkpoint.
        format: of the file.
        version: of glassnet that wrote it.

    Raises:
        ModelFileError: these cannot be a model's, or are beyond the limits.
    """

    layers: tuple[Layer, ...]
    input_shape: tuple[int, ...] | None
    built: bool
    seed: int | None
    optimizer: Optimizer | None
    loss: Loss | None
    metrics: tuple[str | Metric | Callable[..., Any], ...]
    has_optimizer_state: bool
    epoch: int
    step: int
    rate: float
    preprocessor: Preprocessor | None
    history: HistoryData | None
    run: RunInfo | None = None
    format: int = FORMAT_VERSION
    version: str = __version__

    def __post_init__(self) -> None:
        count = sum(map(_count_layers, self.layers))
        _require(
            count <= MAX_LAYERS,
            f"{MAX_LAYERS:,} layers, and lists in layers, at most",
            layers=count,
        )
        _require(
            not any(isinstance(layer, Input) for layer in self.layers),
            "layers that run, and the input's shape apart",
        )
        sizes = (1,) if self.input_shape is None else self.input_shape
        fits = 1 <= len(sizes) <= MAX_AXES and min(sizes) >= 1 and math.prod(sizes) <= MAX_ELEMENTS
        _require(
            fits,
            f"examples of 1 to {MAX_ELEMENTS:,} numbers on {MAX_AXES} axes at most",
            input=json_codec.SHORT_REPR.repr(sizes),
        )
        _require(
            not self.built or (self.input_shape and self.layers),
            "weights of layers, for examples of a known shape",
        )
        _require(
            not self.has_optimizer_state or (self.built and self.optimizer),
            "an optimizer and weights, where something is remembered",
        )
        _require(
            self.built or not any(map(_is_adapted, self.layers)),
            "weights where a layer has learned",
            fix="Put Input(shape) in front.",
        )
        _require(self.seed is None or self.seed >= 0, "a seed >= 0", seed=self.seed)
        _require(
            self.epoch >= 0 and 0 <= self.step < 2**31,
            "counts from 0",
            epoch=self.epoch,
            step=self.step,
        )
        _require(
            is_number(self.rate) and 0 <= self.rate < 3e38,
            "a rate >= 0 that float32 holds",
            rate=self.rate,
        )


class LoadedModel(NamedTuple):
    """What a file holds."""

    spec: ModelSpec
    built: BuiltNetwork | None
    arrays: ModelArrays


class RunCheckpoint(NamedTuple):
    """What a checkpoint says of a run, without the model's layers: those that train on are
    known.
    """

    seed: int | None
    epoch: int
    step: int
    rate: float
    history: HistoryData | None
    run: RunInfo
    arrays: dict[str, np.ndarray]


TAGS = (
    json_codec.Tag(
        "Saved",
        ModelSpec,
        "layers input=input_shape built seed optimizer loss metrics remembers=has_optimizer_state epoch step rate "
        "intake=preprocessor past=history run format version",
    ),
    json_codec.Tag("Past", HistoryData, "seed params history epoch stopped seconds"),
    json_codec.Tag(
        "Run",
        RunInfo,
        "id first=first_epoch begun=initial_fingerprint marks=config_json place=environment memories best=best_location "
        "under_way=mid_epoch seconds over=finished mark=checksum",
    ),
)
"""What a file calls the classes here and their fields: see `registry.TAGS`."""

RUN_CHECKPOINT_FIELDS = {
    "seed": "seed",
    "epoch": "epoch",
    "step": "step",
    "rate": "rate",
    "past": "history",
    "run": "run",
}
"""The keys of a file that make a `RunCheckpoint`, each with its field there and in `ModelSpec`."""


def all_tags() -> dict[type, json_codec.Tag]:
    """Of everything that a file may hold, by class."""
    return registry.by_class() | {tag.kind: tag for tag in TAGS}


RUN_PREFIX = "@run"
"""What the names of the arrays begin with that a run needs beside the model's."""


def pack_model(
    spec: ModelSpec,
    built: BuiltNetwork | None,
    arrays: ModelArrays,
    extra_arrays: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """A model as the bytes of a file: the same for the same model.

    Args:
        spec: what it is.
        built: its network, None where there is none.
        arrays: of the network.
        extra_arrays: of a run, by names under `RUN_PREFIX`.

    Raises:
        ModelFileError: something in it cannot be saved, or would not be loaded again.
    """
    held, text = (
        ({} if built is None else flatten_arrays(built, arrays)) | dict(extra_arrays),
        dump_spec(spec),
    )
    if spec.run:
        text = CHECKSUM_FIELD.format(_compute_checksum(text, "", held)).join(
            _split_at_checksum(text, "")
        )
    return _to_bytes(held, {METADATA_KEY: text})


def dump_spec(spec: ModelSpec) -> str:
    """What a model is, as strict JSON.

    Raises:
        ModelFileError: see `pack_model`.
    """
    text = json_codec.dumps(spec, all_tags())
    small = len(text) < MAX_TEXT_BYTES
    require(
        small,
        "save",
        f"a model that takes less than {MAX_TEXT_BYTES:,} bytes to describe",
        error=ModelFileError,
        bytes=len(text),
    )
    return text


CHECKSUM_FIELD = '"mark":"{}"'
"""Where a checkpoint's mark stands: nothing that is written after it has such a key."""


def _split_at_checksum(text: str, checksum: str) -> tuple[str, str]:
    """What stands before and after the mark."""
    before, _, after = text.rpartition(CHECKSUM_FIELD.format(checksum))
    return before, after


def _compute_checksum(text: str, checksum: str, arrays: Mapping[str, Any]) -> str:
    """What the mark is to be where `checksum` stands: every bit of a checkpoint but its own."""
    return fingerprinting.combined_fingerprint(arrays, *_split_at_checksum(text, checksum))


def pack_weights(built: BuiltNetwork, arrays: ModelArrays) -> bytes:
    """The weights alone, as the bytes of a safetensors file.

    Raises:
        ModelFileError: a name, or a kind of numbers, that files do not hold.
    """
    return _to_bytes(flatten_arrays(built, arrays._replace(optimizer_state=None)))


def _to_bytes(arrays: Mapping[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    from safetensors.numpy import save

    for name, array in arrays.items():
        get_dtype_code(name, array)
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata)


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Put a model's bytes at `path`, whole or not at all.

    Raises:
        ModelFileError: the folder is not there or cannot be written, or the disk is full.
    """
    try:
        atomic_write.write(Path(path), data)
    except (OSError, ValueError) as error:
        text = message(
            "save",
            "a file that can be written",
            path=str(path),
            fix=f"It said: {getattr(error, 'strerror', None) or error}.",
        )
        raise ModelFileError(text) from error


def read_model(
    source: str | os.PathLike[str] | bytes, custom_objects: Mapping[str, Any] | None = None
) -> LoadedModel:
    """The model in a file.

    Args:
        source: the file's path, or all that is in it.
        custom_objects: classes of layers and other parts, and functions, by name, that are not
            glassnet's own.

    Raises:
        ModelFileError: there is no such file, or it is damaged, foreign, newer than this release,
            or does not hold what it says.
    """
    custom, fix = custom_objects or {}, 'Write custom_objects={"Scale": Scale}.'
    require(
        isinstance(custom, Mapping),
        "load",
        "custom_objects by name",
        error=ModelFileError,
        fix=fix,
        type=type(custom).__name__,
    )
    with open_safetensors("load", source) as (metadata, header, get):
        saved = _read_spec(describe_source(source), metadata, custom)
        if saved.run:
            header = {
                name: kind for name, kind in header.items() if not name.startswith(RUN_PREFIX)
            }
        if not saved.built or saved.input_shape is None:
            check_header("load", header, {})
            return LoadedModel(saved, None, ModelArrays())
        built, hollow = build_abstract_network(
            saved.layers, saved.input_shape, saved.optimizer if saved.has_optimizer_state else None
        )
        check_header("load", header, flatten_arrays(built, hollow))
        return LoadedModel(
            saved, built, unflatten_arrays(built, hollow, {name: get(name) for name in header})
        )


def read_weights(
    path: str | os.PathLike[str], built: BuiltNetwork, arrays: ModelArrays
) -> ModelArrays:
    """The weights in a file, for a network that is there; not what an optimizer remembers.

    Raises:
        ModelFileError: there is no such file, it is no safetensors file, or holds the weights of
            another network.
    """
    hollow = arrays._replace(optimizer_state=None)
    with open_safetensors("load_weights", path) as (_, header, get):
        own = {
            name: kind
            for name, kind in header.items()
            if not name.startswith((OPTIMIZER_PREFIX, RUN_PREFIX))
        }
        check_header("load_weights", own, flatten_arrays(built, hollow))
        return unflatten_arrays(built, hollow, {name: get(name) for name in own})


def read_run(path: Path) -> RunCheckpoint:
    """A run in its checkpoint.

    Raises:
        ModelFileError: it is damaged, foreign, newer than this release, or holds no run.
    """
    with open_safetensors("resume", path) as (metadata, header, get):
        found = _parse_metadata(describe_source(path), metadata)
        reader, hints = (
            json_codec.Reader({tag.name: tag for tag in TAGS}, {}),
            get_type_hints(ModelSpec),
        )
        said = {
            field: reader.read(found.get(key), hints[field], key)
            for key, field in RUN_CHECKPOINT_FIELDS.items()
        }
        run = said["run"]
        require(
            run is not None, "resume", "a checkpoint of a run", error=ModelFileError, path=str(path)
        )
        arrays = {name: get(name) for name in header}
        whole = _compute_checksum(metadata[METADATA_KEY], run.checksum, arrays) == run.checksum
        require(
            whole, "resume", "a checkpoint as it was written", error=ModelFileError, path=str(path)
        )
        return RunCheckpoint(**said, arrays=arrays)


def _read_spec(
    source_info: Mapping[str, Any], metadata: Mapping[str, str], custom_objects: Mapping[str, Any]
) -> ModelSpec:
    """What a file says of its model."""
    return json_codec.Reader({tag.name: tag for tag in all_tags().values()}, custom_objects).read(
        _parse_metadata(source_info, metadata), ModelSpec
    )


def _parse_metadata(source_info: Mapping[str, Any], metadata: Mapping[str, str]) -> dict[str, Any]:
    """What a file says of its model, as plain JSON in a format that this release reads."""
    foreign = "It holds arrays, but no model: model.load_weights reads them."
    require(
        METADATA_KEY in metadata,
        "load",
        "a file that model.save wrote",
        error=ModelFileError,
        fix=foreign,
        **source_info,
    )
    text = metadata[METADATA_KEY]
    require(
        len(text) < MAX_TEXT_BYTES,
        "load",
        f"a description of less than {MAX_TEXT_BYTES:,} bytes",
        error=ModelFileError,
        bytes=len(text),
    )
    found = json_codec.loads(text)
    version: Any = found.get("format") if isinstance(found, dict) else None
    require(
        is_int(version, least=1),
        "load",
        "a whole number as format",
        error=ModelFileError,
        format=str(version)[:20],
    )
    fix = f"It was written by glassnet {str(found.get('version'))[:20]}: install that release or a later one."
    require(
        version <= FORMAT_VERSION,
        "load",
        f"a file of format {FORMAT_VERSION} at most",
        error=ModelFileError,
        format=version,
        fix=fix,
    )
    return found


def _require(ok: object, expected: str, fix: str = "", **received: Any) -> None:
    require(ok, "model", expected, fix=fix, error=ModelFileError, **received)


def _count_layers(value: Any, depth: int = 1) -> int:
    """The layers and lists in a value, those inside `depth` layers as often.

    Raises:
        ModelFileError: a list of too many values, or a number beyond what a layer can mean.
    """
    if isinstance(value, int):
        _require(
            abs(value) <= MAX_ELEMENTS,
            f"no whole number beyond {MAX_ELEMENTS:,} in a layer",
            number=value,
        )
    if isinstance(value, tuple):
        if {type(item) for item in value} in ({str}, {float}):
            return 0
        _require(
            len(value) <= MAX_LAYERS,
            f"lists of {MAX_LAYERS:,} values at most in a layer",
            values=len(value),
        )
        return depth + sum(_count_layers(item, depth) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return 0
    inside = sum(
        _count_layers(getattr(value, name), depth + 1)
        for name in json_codec.config_fields(type(value))
    )
    return inside + depth * isinstance(value, Layer)


def _is_adapted(value: Any) -> bool:
    """Whether a layer, or one inside it, carries statistics that it was given by `adapt`."""
    if isinstance(value, tuple):
        return any(map(_is_adapted, value))
    if not isinstance(value, Layer):
        return False
    hidden = {field.name for field in fields(value) if field.init} - set(
        json_codec.config_fields(type(value))
    )
    return any(getattr(value, name) is not None for name in hidden) or any(
        _is_adapted(getattr(value, name)) for name in json_codec.config_fields(type(value))
    )
