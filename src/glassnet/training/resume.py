"""Checkpoint a fit, and resume it exactly, bit for bit, after it was killed."""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import numpy as np

from glassnet._version import __version__
from glassnet.callbacks import Callback
from glassnet.engine.epoch_runner import RunState
from glassnet.engine.loop import Record
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import placement_of
from glassnet.engine.train_step import Program, TrainState, reset_epoch_sums
from glassnet.errors import ConfigError, ModelFileError, TrainingWarning, message, require, warn
from glassnet.processes import exchange
from glassnet.storage import json_codec, model_file, registry
from glassnet.storage.arrays import (
    ROWS_NAME,
    ModelArrays,
    check_header,
    flatten_arrays,
    flatten_tree,
    make_header,
    unflatten_arrays,
)
from glassnet.storage.checkpoints import CheckpointFolder, checkpoint_name
from glassnet.storage.model_file import RUN_PREFIX, ModelSpec, RunCheckpoint, RunInfo

CHECKPOINT_SECONDS = 30.0
"""Minimum age of the newest checkpoint before another one is written within an epoch."""

BEST_STATE_FIELDS = {"0": "params", "1": "state"}
"""Keys of the best weights in a file, with their fields in `TrainState`."""

EPOCH_START_FIELDS = BEST_STATE_FIELDS | {
    "2": "optimizer_state",
    "3": "rate",
    "4": "key",
    "5": "step",
}
"""Keys of an epoch's initial train state in a file, with their fields in `TrainState`."""

ModelExporter = Callable[[], tuple[ModelSpec, BuiltNetwork | None, ModelArrays]]
"""Function that returns the current model."""


class ResumableRun:
    """Run whose checkpoints are in a folder, locked until the run is closed.

    A checkpoint is written only after the next step had a finite loss: resuming from one that leads
    to a non-finite loss would end at once. The last checkpoint of a fit is written immediately.

    Args:
        path: path of the folder.
        epoch: number of epochs that the model has been trained for.

    Attributes:
        first_epoch: the epoch that the run started at.
        finished: whether nothing is left to do.
        loaded_memories: result of `load_memories`.

    Raises:
        ConfigError, ModelFileError: see `CheckpointFolder`.
    """

    def __init__(self, path: str | os.PathLike[str], epoch: int):
        self._path = Path()
        self._folder: CheckpointFolder | None = None
        self._checkpoint: model_file.RunCheckpoint | None = None
        name = exchange.call_on_first(lambda: self._open(path), "checkpoint")
        self._path = self._folder.path if self._folder else Path(path)
        self._read_shared(name)
        self._info: RunInfo | None = self._checkpoint.run if self._checkpoint else None
        self.first_epoch, self.finished = self._info.first_epoch if self._info else epoch, False
        self._pending: tuple[int, Callable[[], None]] | None = None
        self._callbacks: Sequence[Callback] = ()
        self.loaded_memories: list[Any] | None = None
        self._last_written_at = time.monotonic()

    def _open(self, path: str | os.PathLike[str]) -> str | None:
        """Lock the folder and read the newest checkpoint; return its file's name, or None.

        Raises:
            ConfigError, ModelFileError: see `CheckpointFolder`.
        """
        self._folder = CheckpointFolder(path)
        try:
            self._checkpoint = self._folder.read_newest()
        except ModelFileError:
            self._folder.close()
            raise
        checkpoint = self._checkpoint
        return checkpoint and checkpoint_name(checkpoint.epoch, checkpoint.step)

    def _read_shared(self, name: str | None) -> None:
        """Read the checkpoint that process 0 has read, before it can write another.

        Raises:
            ModelFileError: a process cannot read it.
        """
        failure = None
        if name is not None and not exchange.is_first():
            try:
                self._checkpoint = model_file.read_run(self._path / name)
            except ModelFileError as error:
                fix = "All processes must be able to read the folder of resume=."
                failure = ModelFileError(f"{error} {fix}")
        try:
            exchange.raise_together(failure, "checkpoint")
        except ModelFileError:
            self.close()
            raise

    def close(self) -> None:
        """Unlock the folder."""
        if self._folder:
            self._folder.close()

    @property
    def seed(self) -> int | None:
        """Seed of the model in the checkpoint; None for a new run."""
        return self._checkpoint.seed if self._checkpoint else None

    @property
    def history(self) -> model_file.HistoryData | None:
        """History in the checkpoint; None for a new run."""
        return self._checkpoint.history if self._checkpoint else None

    @property
    def rate(self) -> float:
        """Rate in the checkpoint: see `train_step.TrainState`."""
        assert self._checkpoint
        return self._checkpoint.rate

    def describe_status(self, run_state: RunState) -> str:
        """Return a line for the user: resuming or finished, after how many epochs and steps."""
        epochs, steps = run_state.epoch - self.first_epoch, len(run_state.losses)
        count = f"{epochs} epochs" + (f" and {steps} steps" if steps else "")
        status = "the run is finished after" if self.finished else "resuming the run after"
        return f"{self._path}: {status} {count}"

    def attach(
        self,
        config: dict[str, Any],
        initial_fingerprint: str,
        last_run_id: str | None,
        n_devices: int = 1,
    ) -> None:
        """Start a new run, or check that the saved run is this one.

        Args:
            config: data, architecture and settings, by the names that errors use.
            initial_fingerprint: fingerprint of the model's weights and learning rate.
            last_run_id: id of the run that the model was last trained in, or None.
            n_devices: number of devices.

        Raises:
            ConfigError: the saved run is a different one.
            ModelFileError: something in the model cannot be saved.
        """
        text = json_codec.dumps(config, registry.by_class())
        saved = self._info
        processes = str(exchange.process_count())
        environment = describe_environment() | {"devices": str(n_devices), "processes": processes}
        self._info = RunInfo(
            id=exchange.broadcast(secrets.token_hex(8), "id of a run"),
            first_epoch=self.first_epoch,
            initial_fingerprint=initial_fingerprint,
            config_json=_split_text(text),
            environment=environment,
        )
        if saved is None:
            return
        others = saved.environment.get("processes", "1") != processes
        current = json.loads(text)
        exchange.call_on_first(
            lambda: self._check_run(saved, current, initial_fingerprint, last_run_id, others),
            "the run to resume",
        )
        changes = ", ".join(
            f"{name} {value}, now {environment.get(name)}"
            for name, value in saved.environment.items()
            if environment.get(name) != value
        )
        if changes and exchange.is_first():
            warn(
                f"resume: the run in {self._path} was computed with {changes}. "
                "It continues, but its results may differ in the last bits.",
                TrainingWarning,
            )
        self._info = replace(saved, environment=environment)

    def _check_run(
        self,
        saved: RunInfo,
        current: dict[str, Any],
        initial_fingerprint: str,
        last_run_id: str | None,
        has_other_processes: bool,
    ) -> None:
        """Check that the saved run is this one.

        The parts that each of another number of processes reads are not compared.

        Raises:
            ConfigError: it is a different one.
        """
        config = json.loads("".join(saved.config_json))
        if has_other_processes:
            parts = {name for name, value in current.items() if is_own_stream(value)}
            config, current = (
                {name: each[name] for name in each.keys() - parts - {"validation"}}
                for each in (config, current)
            )
        self._check_config(config, current)
        require(
            last_run_id == saved.id or initial_fingerprint == saved.initial_fingerprint,
            "resume",
            f"the weights and the learning rate that the run in {self._path} began with",
            fix="Call reset() to start from them, or use a new folder for this run.",
        )

    def _check_config(self, saved: Any, current: Any) -> None:
        difference = first_difference(saved, current)
        if difference:
            name, saved_text, current_text = difference
            raise ConfigError(
                f"{message('resume', f'the run saved in {self._path}')} "
                f"In that run {name} is {saved_text}, here {current_text}. "
                "Use a new folder for this run, or remove that one to start again."
            )

    @property
    def info(self) -> RunInfo:
        """Description of the run; available after `attach`."""
        assert self._info
        return self._info

    def load_memories(self, callbacks: Sequence[Callback]) -> list[Any] | None:
        """Return the saved memories of the callbacks, or None for a new run.

        Raises:
            ModelFileError: a memory does not fit its callback.
        """
        self._callbacks = callbacks
        texts = json.loads("".join(self.info.memories)) if self._checkpoint else None
        self.loaded_memories = texts and [
            load_memory(callback, text) for callback, text in zip(callbacks, texts, strict=True)
        ]
        return self.loaded_memories

    def restore(
        self, program: Program, built: BuiltNetwork, initial: RunState, end_epoch: int
    ) -> RunState:
        """Return the run state of the checkpoint, or `initial` for a new run.

        Args:
            program: the training program.
            built: the network.
            initial: run state of a new run.
            end_epoch: one past the last epoch.

        Raises:
            ConfigError: the run has started more epochs than `end_epoch` allows.
            ModelFileError: the checkpoint's arrays do not fit this run.
        """
        if not self._checkpoint:
            return initial
        checkpoint, run = self._checkpoint, self.info
        self._checkpoint = checkpoint._replace(arrays={})
        started = checkpoint.epoch + run.mid_epoch
        require(
            end_epoch >= started,
            "fit",
            f"epochs >= {started - self.first_epoch}, the number that the run has started",
            epochs=end_epoch - self.first_epoch,
            fix="Increase epochs.",
        )
        self.finished = run.finished or end_epoch == checkpoint.epoch
        train_state = _restore_train_state(built, checkpoint, initial.train_state)
        groups = _restore_groups(program, checkpoint, run, initial.train_state)
        run_state = RunState(checkpoint.epoch, train_state, finished=run.finished)
        if run.mid_epoch:
            run_state = RunState(
                epoch=checkpoint.epoch,
                train_state=train_state._replace(
                    metric_sums=placement_of(train_state).put(groups["sums"])
                ),
                epoch_start_state=_replace_fields(
                    train_state, groups["before"], EPOCH_START_FIELDS
                ),
                losses=groups["losses"],
                batch_sizes=groups["rows"],
                seconds=run.seconds,
                finished=run.finished,
            )
        best = _restore_best_state(run_state, groups.get("best"), run.best_location)
        return replace(run_state, best_state=best)

    def on_slice(
        self,
        steps_done: int,
        snapshot: Callable[[], RunState],
        memories: Sequence[Any],
        export_model: ModelExporter,
    ) -> None:
        """Write or stage a checkpoint after `steps_done` steps of the epoch, all finite."""
        if self._folder is None:
            return
        if self._pending and steps_done > self._pending[0]:
            self._write_staged()
        elif not self._pending and time.monotonic() - self._last_written_at > CHECKPOINT_SECONDS:
            self._stage_checkpoint(snapshot(), memories, export_model)

    def on_epoch_end(
        self, record: Record, is_last: bool, memories: Sequence[Any], export_model: ModelExporter
    ) -> None:
        """Stage a checkpoint after an epoch, complete or not; write it if it `is_last`."""
        assert record.run_state
        self._stage_checkpoint(record.run_state, memories, export_model)
        if is_last:
            self._write_staged()

    def on_train_begin(
        self, run_state: RunState, memories: Sequence[Any], export_model: ModelExporter
    ) -> None:
        """Write the first checkpoint of a new run, which shows early that it can be written."""
        if not self._checkpoint:
            self._stage_checkpoint(run_state, memories, export_model)
            self._write_staged()

    def _stage_checkpoint(
        self, run_state: RunState, memories: Sequence[Any], export_model: ModelExporter
    ) -> None:
        """Prepare a checkpoint; `_write_staged` writes it. Process 0 alone does so."""
        folder = self._folder
        if folder is None:
            return
        spec, built, arrays = export_model_at(run_state, export_model)
        location = _locate_best_state(run_state)
        texts = [
            dump_memory(callback, memory)
            for callback, memory in zip(self._callbacks, memories, strict=True)
        ]
        run = replace(
            self.info,
            memories=_split_text(json.dumps(texts)),
            best_location=location,
            mid_epoch=run_state.epoch_start_state is not None,
            seconds=run_state.seconds,
            finished=run_state.finished,
            checksum="",
        )
        spec = replace(spec, run=run)
        extra_arrays = flatten_tree(RUN_PREFIX, _make_groups(run_state, location))

        def write() -> None:
            data = model_file.pack_model(spec, built, arrays, extra_arrays)
            folder.write(spec.epoch, spec.step, data)

        self._pending = (len(run_state.losses), write)

    def _write_staged(self) -> None:
        if self._pending:
            _, write = self._pending
            write()
            self._pending, self._last_written_at = None, time.monotonic()


def _locate_best_state(run_state: RunState) -> str | None:
    """Return where the best weights are: see `RunInfo.best_location`."""
    best, start = run_state.best_state, run_state.epoch_start_state
    if best is None:
        return None
    if best.params is run_state.train_state.params:
        return "here"
    return "before" if start and best.params is start.params else "apart"


def _make_groups(run_state: RunState, best_location: str | None) -> dict[str, Any]:
    """Return the arrays of a run that are not the model's, by their group in a file."""
    groups: dict[str, Any] = {}
    if run_state.best_state and best_location == "apart":
        groups["best"] = _select_fields(run_state.best_state, BEST_STATE_FIELDS)
    if run_state.epoch_start_state:
        groups |= {
            "before": _select_fields(run_state.epoch_start_state, EPOCH_START_FIELDS),
            "sums": run_state.train_state.metric_sums if len(run_state.losses) else (),
            "losses": run_state.losses,
            "rows": run_state.batch_sizes,
        }
    return groups


def _restore_train_state(
    built: BuiltNetwork, checkpoint: RunCheckpoint, template: TrainState
) -> TrainState:
    """Return the train state of a checkpoint, on the device."""
    arrays = {
        name: array
        for name, array in checkpoint.arrays.items()
        if not name.startswith((RUN_PREFIX, ROWS_NAME))
    }
    tree = ModelArrays(template.params, template.state, template.optimizer_state)
    check_header("resume", make_header(arrays), flatten_arrays(built, tree))
    loaded = unflatten_arrays(built, tree, arrays)
    return placement_of(template).put(
        template._replace(
            params=loaded.params,
            state=loaded.state,
            optimizer_state=loaded.optimizer_state,
            rate=np.float32(checkpoint.rate),
            step=np.int32(checkpoint.step),
        )
    )


def _restore_groups(
    program: Program, checkpoint: RunCheckpoint, run: RunInfo, template: TrainState
) -> dict[str, Any]:
    """Undo `_make_groups`, on the host."""
    arrays = {
        name: array for name, array in checkpoint.arrays.items() if name.startswith(RUN_PREFIX)
    }
    groups: dict[str, Any] = {}
    if run.best_location == "apart":
        groups["best"] = _select_fields(template, BEST_STATE_FIELDS)
    if run.mid_epoch:
        losses = np.zeros(np.shape(arrays.get(f"{RUN_PREFIX}/losses", ())))
        groups |= {
            "before": _select_fields(template, EPOCH_START_FIELDS),
            "sums": reset_epoch_sums(program, template, 1).metric_sums if len(losses) else (),
            "losses": losses,
            "rows": losses,
        }
    names = flatten_tree(RUN_PREFIX, groups)
    check_header("resume", make_header(arrays), names)
    leaves = [arrays[name] for name in names]
    restored: dict[str, Any] = jax.tree.unflatten(jax.tree.structure(groups), leaves)
    return restored


def _restore_best_state(
    run_state: RunState, group: Mapping[str, Any] | None, location: str | None
) -> TrainState | None:
    """Return the best weights from their location: see `RunInfo.best_location`."""
    if location == "here":
        return run_state.train_state
    if location == "before":
        return run_state.epoch_start_state
    return (
        None if group is None else _replace_fields(run_state.train_state, group, BEST_STATE_FIELDS)
    )


def _select_fields(train_state: TrainState, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return fields of a train state by their keys in a file."""
    return {key: getattr(train_state, field) for key, field in keys.items()}


def _replace_fields(
    train_state: TrainState, group: Mapping[str, Any], keys: Mapping[str, str]
) -> TrainState:
    """Return the train state with the fields of a group, on the device."""
    fields_on_devices = placement_of(train_state).put(dict(group))
    return train_state._replace(**{keys[key]: value for key, value in fields_on_devices.items()})


def export_model_at(
    run_state: RunState, export_model: ModelExporter
) -> tuple[ModelSpec, BuiltNetwork, ModelArrays]:
    """Return the model with the weights, epoch and step of a run state."""
    (spec, built, current), train_state = export_model(), run_state.train_state
    assert built
    spec = replace(
        spec, has_optimizer_state=True, epoch=run_state.epoch, step=int(train_state.step)
    )
    arrays = current._replace(
        params=train_state.params,
        state=train_state.state,
        optimizer_state=train_state.optimizer_state,
    )
    return spec, built, arrays


def describe_callback(callback: Callback) -> dict[str, Any]:
    """Return a callback's class and those of its fields that are plain values."""
    callback = getattr(callback, "callback", callback)  # the one inside a Keras wrapper
    settings: dict[str, Any] = {}
    if is_dataclass(callback):
        values = {field.name: getattr(callback, field.name) for field in fields(callback)}
        settings = {
            name: value
            for name, value in values.items()
            if value is None or isinstance(value, bool | int | float | str | np.generic)
        }
    return {"class": type(callback).__name__} | settings


LIST_KEY = "@list"
"""Key that marks a list, because JSON does not distinguish lists from tuples."""


def dump_memory(callback: Callback, memory: Any) -> str:
    """Encode a callback's memory as JSON for `load_memory`.

    Raises:
        ModelFileError: it cannot be encoded, or could not be decoded again.
    """
    text = json_codec.dumps(_encode_lists(memory), {}, f"{type(callback).__name__}: memory")
    load_memory(callback, text)
    return text


def load_memory(callback: Callback, text: str) -> Any:
    """Decode a callback's memory.

    It consists of numbers, text, tuples, lists, dicts, and dataclasses that `init` is annotated
    with.

    Raises:
        ModelFileError: it does not fit this callback.
    """
    try:
        hint = typing.get_type_hints(type(callback).init).get("return")
    except NameError:  # a class written inside a function
        hint = None
    classes = {
        kind.__name__: kind for kind in typing.get_args(hint) or (hint,) if isinstance(kind, type)
    }
    fix = "Annotate init with a dataclass that is defined in a module: def init(self) -> Best."
    try:
        return _decode_lists(
            json_codec.Reader({}, classes).read(json_codec.loads(text), object, "memory")
        )
    except ModelFileError as error:
        raise ModelFileError(f"{type(callback).__name__}: {error} {fix}") from error


def _encode_lists(memory: Any) -> Any:
    if isinstance(memory, dict):
        return {key: _encode_lists(value) for key, value in memory.items()}
    if type(memory) not in (list, tuple):
        return memory
    items = tuple(map(_encode_lists, memory))
    return {LIST_KEY: items} if isinstance(memory, list) else items


def _decode_lists(memory: Any) -> Any:
    if isinstance(memory, dict):
        if LIST_KEY in memory:
            return list(map(_decode_lists, memory[LIST_KEY]))
        return {key: _decode_lists(value) for key, value in memory.items()}
    return tuple(map(_decode_lists, memory)) if type(memory) is tuple else memory


def _split_text(text: str) -> tuple[str, ...]:
    return tuple(
        text[i : i + json_codec.MAX_TEXT_LENGTH]
        for i in range(0, len(text), json_codec.MAX_TEXT_LENGTH)
    )


def is_own_stream(fingerprint: Any) -> bool:
    """Return whether a setting is the fingerprint of a stream: a process may have a part of it."""
    return isinstance(fingerprint, dict) and "first batch" in fingerprint


def first_difference(saved: Any, current: Any, path: str = "") -> tuple[str, str, str] | None:
    """Return the path of the first difference between two JSON values, and the two values as text.

    Example:
        >>> first_difference({"layers": [{"units": 3}]}, {"layers": [{"units": 4}]})
        ('layers[0].units', '3', '4')
    """
    if isinstance(saved, dict) and isinstance(current, dict):
        parts: Iterator[tuple[str, Any, Any]] = (
            (f"{path}.{key}".lstrip("."), saved.get(key), current.get(key))
            for key in saved | current
        )
    elif isinstance(saved, list) and isinstance(current, list) and len(saved) == len(current):
        parts = ((f"{path}[{i}]", *pair) for i, pair in enumerate(zip(saved, current, strict=True)))
    else:
        if saved == current:
            return None
        return path, json_codec.SHORT_REPR.repr(saved), json_codec.SHORT_REPR.repr(current)
    differences = (first_difference(old, new, part) for part, old, new in parts)
    return next(filter(None, differences), None)


def describe_environment() -> dict[str, str]:
    """Return what else the bits of a run depend on: versions, machine and number of CPUs.

    Source: JAX promises the same bits for the same program, versions and devices. The number of
        CPUs changes how long sums are split.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: version(name) for name in ("jax", "jaxlib", "numpy")}
    device = jax.devices()[0].device_kind
    return {
        "glassnet": __version__,
        **versions,
        "machine": _cpu_model(),
        "device": device,
        "CPUs": str(cpus),
    }


def _cpu_model() -> str:
    """Return the model of the CPU, if the system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return f"{platform.machine()} {platform.processor()}".strip()
