"""Model file format: a safetensors file whose metadata describes the model as strict JSON.

A file cannot run code. The names, shapes and dtypes of its arrays are computed from the described
architecture, without allocating memory, and checked against the file's header before any array is
read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from glassnet import fingerprinting, output_files
from glassnet._version import __version__
from glassnet.engine.network import BuiltNetwork
from glassnet.errors import (
    MAX_FLOAT32,
    MAX_SEED,
    GlassnetError,
    ModelFileError,
    is_int,
    is_number,
    message,
    require,
)
from glassnet.layers import Input, Layer, TextVectorization
from glassnet.losses import Loss
from glassnet.metrics import Metric
from glassnet.optimizers import Optimizer
from glassnet.partial_shapes import fill
from glassnet.preprocessing.base import Preprocessor
from glassnet.storage import atomic_write, json_codec, registry
from glassnet.storage.arrays import (
    MAX_ELEMENTS,
    OPTIMIZER_PREFIX,
    ROWS_NAME,
    Header,
    ModelArrays,
    add_optimizer_state,
    build_abstract_network,
    check_header,
    flatten_arrays,
    get_dtype_code,
    rows_template,
    unflatten_arrays,
)
from glassnet.storage.safetensors_file import MAX_TEXT_BYTES, describe_source, open_safetensors
from glassnet.types import PartialShape

FORMAT_VERSION = 1
"""Format version that this release writes, and the newest that it reads."""

METADATA_KEY = "glassnet"
"""Only metadata key: safetensors orders several keys at random, which would change the bytes."""

MAX_LAYERS, MAX_AXES = 2_000, 32
"""Limits on the layers of a model (see `_count_layers`) and on the axes of an example."""


@dataclass(frozen=True)
class HistoryData:
    """Stored form of `History`, the record of the last fit."""

    seed: int
    params: dict[str, Any]
    history: dict[str, tuple[float, ...]]
    epoch: tuple[int, ...]
    stopped: str | None
    seconds: tuple[float, ...]


@dataclass(frozen=True)
class RunInfo:
    """State of an unfinished fit besides the model and its arrays, as needed to resume it exactly.

    Attributes:
        id: identifier of the run.
        first_epoch: epoch at which the run started.
        initial_fingerprint: fingerprint of the weights and the learning rate at the start.
        config_json: description of the data, architecture and settings: JSON, split into pieces.
        environment: versions, machine and CPU count of the computer.
        memories: memories of the callbacks: JSON, split into pieces.
        best_location: location of the best weights: "apart" (stored as extra arrays), "before" (the
            weights at the start of the epoch), "here" (the model's weights) or None (no best
            weights).
        mid_epoch: whether the checkpoint was written within an epoch; if so, the extra arrays
            include the train state at the start of the epoch.
        seconds: training time so far.
        finished: whether the run is complete.
        checksum: fingerprint of the whole checkpoint.
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
    """Description of a model without its arrays.

    Attributes:
        layers: the layers with their names.
        input_shape: shape of one example, None if not yet known.
        built: whether the model has weights.
        seed: seed of the model.
        optimizer: None if the model is not compiled.
        loss: None if not yet inferred.
        metrics: names, metrics or functions.
        has_optimizer_state: whether the arrays include the optimizer's state.
        epoch: number of epochs trained.
        step: number of steps trained.
        rate: `TrainState.rate`.
        preprocessor: preprocessor fitted to the training data.
        history: record of the last fit.
        run: unfinished fit; only in a checkpoint.
        format: version of the file format.
        version: version of Glassnet that wrote the file.

    Raises:
        ModelFileError: the values contradict each other or exceed a limit.
    """

    layers: tuple[Layer, ...]
    input_shape: PartialShape | None
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
            count <= MAX_LAYERS, f"at most {MAX_LAYERS:,} layers and lists of layers", layers=count
        )
        has_input = any(isinstance(layer, Input) for layer in self.layers)
        _require(not has_input, "no Input among the layers")
        shape = (1,) if self.input_shape is None else fill(self.input_shape, 1)
        _require(
            1 <= len(shape) <= MAX_AXES and min(shape) >= 1 and math.prod(shape) <= MAX_ELEMENTS,
            f"examples of 1 to {MAX_ELEMENTS:,} numbers on at most {MAX_AXES} axes",
            input=json_codec.SHORT_REPR.repr(shape),
        )
        _require(
            not self.built or (self.input_shape and self.layers),
            "layers and an input shape if there are weights",
        )
        _require(
            not self.has_optimizer_state or (self.built and self.optimizer),
            "weights and an optimizer if there is an optimizer state",
        )
        _require(
            self.built or not any(map(_is_adapted, self.layers)),
            "weights if a layer is adapted",
            fix="Start the model with Input(shape).",
        )
        is_seed = self.seed is None or 0 <= self.seed <= MAX_SEED
        _require(is_seed, "a seed from 0 to 2**128 - 1", seed=self.seed)
        _require(
            0 <= self.epoch < 2**31 and 0 <= self.step < 2**31,
            "epoch and step from 0 to 2**31 - 1",
            epoch=self.epoch,
            step=self.step,
        )
        _require(
            is_number(self.rate) and 0 <= self.rate <= MAX_FLOAT32,
            "a rate >= 0 within the range of float32",
            rate=self.rate,
        )


class LoadedModel(NamedTuple):
    """Contents of a model file."""

    spec: ModelSpec
    built: BuiltNetwork | None
    arrays: ModelArrays

    def without_settings(self) -> LoadedModel:
        """Return the model without its optimizer, loss and metrics."""
        spec = replace(self.spec, optimizer=None, loss=None, metrics=(), has_optimizer_state=False)
        return self._replace(spec=spec, arrays=self.arrays._replace(optimizer_state=None))


class RunCheckpoint(NamedTuple):
    """Contents of a checkpoint, except the layers and settings, which the resuming model has."""

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
        "layers input=input_shape built seed optimizer loss metrics remembers=has_optimizer_state "
        "epoch step rate intake=preprocessor past=history run format version",
    ),
    json_codec.Tag("Past", HistoryData, "seed params history epoch stopped seconds"),
    json_codec.Tag(
        "Run",
        RunInfo,
        "id first=first_epoch begun=initial_fingerprint marks=config_json place=environment "
        "memories best=best_location under_way=mid_epoch seconds over=finished mark=checksum",
    ),
)
"""Tags of the classes in this module; see `registry.TAGS`."""

RUN_CHECKPOINT_FIELDS = {
    "seed": "seed",
    "epoch": "epoch",
    "step": "step",
    "rate": "rate",
    "past": "history",
    "run": "run",
}
"""Keys that are read into a `RunCheckpoint`, each with its field there and in `ModelSpec`."""


def all_tags() -> dict[type, json_codec.Tag]:
    """Return the tags of all classes that a file may contain, by class."""
    return registry.by_class() | {tag.kind: tag for tag in TAGS}


RUN_PREFIX = "@run"
"""Prefix of the names of a run's extra arrays."""

CHECKSUM_FIELD = '"mark":"{}"'
"""JSON of a checkpoint's checksum; no field after it has this key."""


def pack_model(
    spec: ModelSpec,
    built: BuiltNetwork | None,
    arrays: ModelArrays,
    extra_arrays: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """Serialize a model; the same model always gives the same bytes.

    Args:
        spec: description of the model.
        built: the network, None if not built.
        arrays: arrays of the network.
        extra_arrays: arrays of a run, with names under `RUN_PREFIX`.

    Raises:
        ModelFileError: the model contains something that cannot be saved or loaded again.
    """
    all_arrays = {} if built is None else flatten_arrays(built, arrays)
    all_arrays |= extra_arrays
    text = dump_spec(spec)
    if spec.run:
        checksum = _compute_checksum(text, "", all_arrays)
        text = CHECKSUM_FIELD.format(checksum).join(_split_at_checksum(text, ""))
    return pack_arrays(all_arrays, {METADATA_KEY: text})


def dump_spec(spec: ModelSpec) -> str:
    """Encode a model's description as strict JSON.

    Raises:
        ModelFileError: see `pack_model`.
    """
    text = json_codec.dumps(spec, all_tags())
    _check_text_size("save", text)
    return text


def _check_text_size(who: str, text: str) -> None:
    require(
        len(text) < MAX_TEXT_BYTES,
        who,
        f"a model description of less than {MAX_TEXT_BYTES:,} bytes",
        error=ModelFileError,
        bytes=len(text),
    )


def _split_at_checksum(text: str, checksum: str) -> tuple[str, str]:
    """Return the text before and after the checksum."""
    before, _, after = text.rpartition(CHECKSUM_FIELD.format(checksum))
    return before, after


def _compute_checksum(text: str, checksum: str, arrays: Mapping[str, Any]) -> str:
    """Compute the fingerprint of a checkpoint, except the `checksum` that its text contains."""
    return fingerprinting.combined_fingerprint(arrays, *_split_at_checksum(text, checksum))


def pack_weights(built: BuiltNetwork, arrays: ModelArrays) -> bytes:
    """Serialize the weights without the model's description.

    Raises:
        ModelFileError: the name or dtype of an array is not supported.
    """
    return pack_arrays(flatten_arrays(built, arrays._replace(optimizer_state=None, rows=None)))


def pack_arrays(arrays: Mapping[str, Any], metadata: dict[str, str] | None = None) -> bytes:
    """Return arrays and metadata as the bytes of a safetensors file.

    Raises:
        ModelFileError: an array of a type that cannot be saved.
    """
    from safetensors.numpy import save

    for name, array in arrays.items():
        get_dtype_code(name, array)
    return save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata)


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a model's bytes to `path` atomically.

    Raises:
        ModelFileError: the folder is missing or cannot be written, or the disk is full.
    """
    try:
        atomic_write.write(Path(path), data)
    except (OSError, ValueError) as error:
        fix = f"Cause: {getattr(error, 'strerror', None) or error}."
        shown = output_files.shorten_path(path)
        text = message("save", "a file that can be written", path=shown, fix=fix)
        raise ModelFileError(text) from error


def read_model(
    source: str | os.PathLike[str] | bytes, custom_objects: Mapping[str, Any] | None = None
) -> LoadedModel:
    """Read a model file.

    Args:
        source: path or bytes of the file.
        custom_objects: custom classes and functions of the model, by name.

    Raises:
        ModelFileError: the file is missing, damaged, of another kind or from a newer release, or
            its arrays do not match its description.
    """
    custom = custom_objects or {}
    require(
        isinstance(custom, Mapping),
        "load",
        "custom_objects to be a dict",
        error=ModelFileError,
        fix='Write custom_objects={"Scale": Scale}.',
        type=type(custom).__name__,
    )
    with open_safetensors("load", source) as (metadata, header, get_array):
        spec = _read_spec(describe_source(source), metadata, custom)
        if spec.run:
            header = _without_prefix(header, RUN_PREFIX)
        if not spec.built or spec.input_shape is None:
            check_header("load", header, {})
            return LoadedModel(spec, None, ModelArrays())
        built, template = build_abstract_network(spec.layers, spec.input_shape)
        network_header = _without_prefix(header, OPTIMIZER_PREFIX)
        rows = rows_template("load", header)
        check_header("load", network_header, flatten_arrays(built, template) | rows)
        if spec.optimizer and spec.has_optimizer_state:
            template = add_optimizer_state(built, template, spec.optimizer)
        check_header("load", header, flatten_arrays(built, template) | rows)
        _check_data_fields(spec.preprocessor, built)
        arrays = {name: get_array(name) for name in header}
        return LoadedModel(spec, built, unflatten_arrays(built, template, arrays))


def _check_data_fields(preprocessor: Preprocessor | None, built: BuiltNetwork) -> None:
    """Check that what a file says about its data agrees with its network.

    Raises:
        ModelFileError: the message names the field.
    """
    first = built.layers[0]
    if isinstance(first, TextVectorization) and first.shape is not None:
        _require(
            first.shape == built.shapes[0],
            "a vocabulary or an output_sequence_length that fits the network's input",
            text=first.shape,
            input=built.shapes[0],
        )
    if preprocessor is None:
        return
    try:
        preprocessor.check_shapes(built.shapes[0], built.shapes[-1])
    except GlassnetError as error:
        raise ModelFileError(f"model.intake: {error}") from error


def _without_prefix(header: Header, *prefixes: str) -> Header:
    return {name: array for name, array in header.items() if not name.startswith(prefixes)}


def read_weights(
    path: str | os.PathLike[str], built: BuiltNetwork, arrays: ModelArrays
) -> ModelArrays:
    """Read the weights in a file, without the optimizer's state, for an existing network.

    Raises:
        ModelFileError: the file is missing, is not a safetensors file, or contains the weights of
            another network.
    """
    template = arrays._replace(optimizer_state=None, rows=None)
    with open_safetensors("load_weights", path) as (_, header, get_array):
        header = _without_prefix(header, OPTIMIZER_PREFIX, RUN_PREFIX, ROWS_NAME)
        check_header("load_weights", header, flatten_arrays(built, template))
        return unflatten_arrays(built, template, {name: get_array(name) for name in header})


def read_run(path: Path) -> RunCheckpoint:
    """Read a checkpoint.

    Raises:
        ModelFileError: the file is damaged, of another kind, from a newer release, or not a
            checkpoint.
    """
    with open_safetensors("resume", path) as (metadata, header, get_array):
        plain = _parse_metadata(describe_source(path), metadata)
        reader = json_codec.Reader({tag.name: tag for tag in TAGS}, {})
        hints = get_type_hints(ModelSpec)
        values = {
            field: reader.read(plain.get(key), hints[field], key)
            for key, field in RUN_CHECKPOINT_FIELDS.items()
        }
        run = values["run"]
        require(
            run is not None, "resume", "a checkpoint of a run", error=ModelFileError, path=str(path)
        )
        arrays = {name: get_array(name) for name in header}
        intact = _compute_checksum(metadata[METADATA_KEY], run.checksum, arrays) == run.checksum
        require(intact, "resume", "an undamaged checkpoint", error=ModelFileError, path=str(path))
        return RunCheckpoint(**values, arrays=arrays)


def _read_spec(
    source_info: Mapping[str, Any], metadata: Mapping[str, str], custom_objects: Mapping[str, Any]
) -> ModelSpec:
    """Decode a model's description from the metadata of its file."""
    reader = json_codec.Reader({tag.name: tag for tag in all_tags().values()}, custom_objects)
    spec: ModelSpec = reader.read(_parse_metadata(source_info, metadata), ModelSpec)
    return spec


def _parse_metadata(source_info: Mapping[str, Any], metadata: Mapping[str, str]) -> dict[str, Any]:
    """Parse a model's description as plain JSON and check its format version."""
    require(
        METADATA_KEY in metadata,
        "load",
        "a file that model.save wrote",
        error=ModelFileError,
        fix="It contains arrays but no model. Use model.load_weights to read them.",
        **source_info,
    )
    text = metadata[METADATA_KEY]
    _check_text_size("load", text)
    plain = json_codec.loads(text)
    version: Any = plain.get("format") if isinstance(plain, dict) else None
    require(
        is_int(version, least=1),
        "load",
        "an integer >= 1 as format",
        error=ModelFileError,
        format=str(version)[:20],
    )
    release = str(plain.get("version"))[:20]
    require(
        version <= FORMAT_VERSION,
        "load",
        f"a file of format {FORMAT_VERSION} or lower",
        error=ModelFileError,
        format=version,
        fix=f"It was written by Glassnet {release}. Install that release or a later one.",
    )
    return dict(plain)


def _require(ok: object, expected: str, fix: str = "", **received: Any) -> None:
    require(ok, "model", expected, fix=fix, error=ModelFileError, **received)


def _count_layers(value: Any, depth: int = 1) -> int:
    """Count the layers and lists in a value; each counts once per level of nesting.

    The time to compute the shapes of a layer grows in the same way.

    Raises:
        ModelFileError: a list is too long, or an integer too large.
    """
    if isinstance(value, int):
        expected = f"no integer above {MAX_ELEMENTS:,} in a layer"
        _require(abs(value) <= MAX_ELEMENTS, expected, number=value)
    if isinstance(value, tuple):
        if {type(item) for item in value} in ({str}, {float}):
            return 0
        expected = f"lists of at most {MAX_LAYERS:,} values in a layer"
        _require(len(value) <= MAX_LAYERS, expected, values=len(value))
        return depth + sum(_count_layers(item, depth) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return 0
    inside = sum(
        _count_layers(getattr(value, name), depth + 1)
        for name in json_codec.config_fields(type(value))
    )
    return inside + depth * isinstance(value, Layer)


def _is_adapted(value: Any) -> bool:
    """Return whether a layer, or a layer inside it, holds statistics from `adapt`."""
    if isinstance(value, tuple):
        return any(map(_is_adapted, value))
    if not isinstance(value, Layer):
        return False
    config = json_codec.config_fields(type(value))
    learned = {field.name for field in fields(value) if field.init} - set(config)
    return any(getattr(value, name) is not None for name in learned) or any(
        _is_adapted(getattr(value, name)) for name in config
    )
