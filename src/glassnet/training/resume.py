"""A fit that can be killed: what it writes into its folder while it runs, and how another goes on
from there, bit for bit.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
import typing
import warnings
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
from glassnet.engine.train_step import Program, TrainState, reset_epoch_sums, to_device
from glassnet.errors import ConfigError, ModelFileError, TrainingWarning, message, require
from glassnet.storage import json_codec, model_file, registry
from glassnet.storage.arrays import (
    ModelArrays,
    check_header,
    flatten_arrays,
    flatten_tree,
    make_header,
    unflatten_arrays,
)
from glassnet.storage.checkpoints import CheckpointFolder
from glassnet.storage.model_file import RUN_PREFIX, ModelSpec, RunInfo

CHECKPOINT_SECONDS = 30.0
"""How old the newest checkpoint is when one is written within an epoch."""

BEST_STATE_FIELDS = {"0": "params", "1": "state"}
"""Keys in a file of the weights that were the best, each with its field of a `TrainState`."""

EPOCH_START_FIELDS = BEST_STATE_FIELDS | {
    "2": "optimizer_state",
    "3": "rate",
    "4": "key",
    "5": "step",
}
"""Keys in a file of the carry that an epoch began with, each with its field: all that one epoch
hands to the next.
"""

ModelExporter = Callable[[], tuple[ModelSpec, BuiltNetwork | None, ModelArrays]]
"""What gives the model as it is."""


class ResumableRun:
    """A run with a folder, which is this fit's alone until it is closed.

    A checkpoint is written once the step after it had a finite loss, so that none is resumed from
        which can only end: where numbers
    cease to be finite, a run that was stopped goes back as far as one that was not. The last one of
    a fit is written at once.

    Args:
        path: of the folder.
        epoch: that the model stands at.

    Attributes:
        first_epoch: the epoch that the run began with.
        finished: whether nothing is left to do.
        loaded_memories: what `load_memories` gave.

    Raises:
        ConfigError, ModelFileError: see `CheckpointFolder`.
    """

    def __init__(self, path: str | os.PathLike[str], epoch: int):
        self._folder = CheckpointFolder(path)
        try:
            self._checkpoint = self._folder.read_newest()
        except ModelFileError:
            self._folder.close()
            raise
        self._info = self._checkpoint.run if self._checkpoint else None
        self.first_epoch, self.finished = self._info.first_epoch if self._info else epoch, False
        self._pending: tuple[int, Callable[[], None]] | None = None
        self._callbacks: Sequence[Callback] = ()
        self.loaded_memories: list[Any] | None = None
        self._last_written_at = time.monotonic()

    def close(self) -> None:
        """Let another fit have the folder."""
        self._folder.close()

    @property
    def seed(self) -> int | None:
        """Of the model that the run began with; None where it begins."""
        return self._checkpoint.seed if self._checkpoint else None

    @property
    def history(self) -> model_file.HistoryData | None:
        """How the run went so far; None where it begins."""
        return self._checkpoint.history if self._checkpoint else None

    @property
    def rate(self) -> float:
        """Of the carry: see `train_step.TrainState`."""
        assert self._checkpoint
        return self._checkpoint.rate

    def describe_status(self, run_state: RunState) -> str:
        """Where the run stands, in words."""
        epochs, steps = run_state.epoch - self.first_epoch, len(run_state.losses)
        here = f"the run has done {epochs} epochs" + f" and {steps} steps" * bool(steps)
        return f"{self._folder.path}: {here}; " + (
            "nothing is left to do" if self.finished else "it goes on"
        )

    def attach(
        self, config: dict[str, Any], initial_fingerprint: str, last_run_id: str | None
    ) -> None:
        """Begin the run, or refuse to go on with one that is another.

        Args:
            config: data, architecture and settings, by what an error calls them.
            initial_fingerprint: the mark of its weights and learning rate.
            last_run_id: that it was trained in, of those with a folder.

        Raises:
            ConfigError: the folder's run differs.
            ModelFileError: something in the model cannot be saved.
        """
        text = json_codec.dumps(config, registry.by_class())
        run, where, here = self._info, self._folder.path, describe_environment()
        self._info = RunInfo(
            secrets.token_hex(8), self.first_epoch, initial_fingerprint, _split_text(text), here
        )
        if run is None:
            return
        differs = first_difference(json.loads("".join(run.config_json)), json.loads(text))
        if differs:
            what, was, now = differs
            fix = "Give this run a folder of its own, or remove that one to begin anew."
            raise ConfigError(
                f"{message('resume', f'the run that {where} holds')} There {what} is {was}, here {now}. {fix}"
            )
        fix = "Begin with those, as reset() gives them; or give this run a folder of its own."
        own = last_run_id == run.id or initial_fingerprint == run.initial_fingerprint
        require(
            own,
            "resume",
            f"the weights and the learning rate that the run in {where} began with",
            received="others",
            fix=fix,
        )
        moved = ", ".join(
            f"{name} {was}, now {here.get(name)}"
            for name, was in run.environment.items()
            if here.get(name) != was
        )
        if moved:
            what = "It goes on, but its last bits may not be those of a run that was never stopped."
            warnings.warn(
                f"resume: the run in {where} was computed with {moved}. {what}",
                TrainingWarning,
                stacklevel=3,
            )
        self._info = replace(run, environment=here)

    @property
    def info(self) -> RunInfo:
        """What the run is, once it is joined."""
        assert self._info
        return self._info

    def load_memories(self, callbacks: Sequence[Callback]) -> list[Any] | None:
        """What the callbacks remembered; None where the run begins.

        Raises:
            ModelFileError: it is nothing that they remember.
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
        """Where the run stands.

        Args:
            program: that trains.
            built: the network.
            initial: where it would begin.
            end_epoch: one past the last epoch.

        Raises:
            ConfigError: the run has gone further.
            ModelFileError: the checkpoint's arrays are not this run's.
        """
        if not self._checkpoint:
            return initial
        found, run, carry = self._checkpoint, self.info, initial.train_state
        self._checkpoint = found._replace(arrays={})
        here, fix = (
            found.epoch + run.mid_epoch,
            "Ask for as many epochs as the run has done, or more.",
        )
        require(
            end_epoch >= here,
            "fit",
            f"epochs of {here - self.first_epoch} or more, which the run has begun",
            epochs=end_epoch - self.first_epoch,
            fix=fix,
        )
        self.finished = run.finished or end_epoch == found.epoch
        own = {
            name: array for name, array in found.arrays.items() if not name.startswith(RUN_PREFIX)
        }
        others = {name: array for name, array in found.arrays.items() if name not in own}
        form = ModelArrays(carry.params, carry.state, carry.optimizer_state)
        check_header("resume", make_header(own), flatten_arrays(built, form))
        params, state, optimizer = unflatten_arrays(built, form, own)
        rate, step = np.float32(found.rate), np.int32(found.step)
        here = to_device(
            carry._replace(
                params=params, state=state, optimizer_state=optimizer, rate=rate, step=step
            )
        )
        beside: dict[str, Any] = (
            {"best": _select_fields(carry, BEST_STATE_FIELDS)}
            if run.best_location == "apart"
            else {}
        )
        if run.mid_epoch:
            done = np.zeros(np.shape(others.get(f"{RUN_PREFIX}/losses", ())))
            sums = reset_epoch_sums(program, carry, 1).metric_sums if len(done) else ()
            beside |= {
                "before": _select_fields(carry, EPOCH_START_FIELDS),
                "sums": sums,
                "losses": done,
                "rows": done,
            }
        check_header("resume", make_header(others), flatten_tree(RUN_PREFIX, beside))
        beside = jax.tree.unflatten(
            jax.tree.structure(beside), [others[name] for name in flatten_tree(RUN_PREFIX, beside)]
        )
        standing = RunState(found.epoch, here, finished=run.finished)
        if run.mid_epoch:
            before = _replace_fields(here, beside["before"], EPOCH_START_FIELDS)
            here = here._replace(metric_sums=to_device(beside["sums"]))
            standing = RunState(
                found.epoch,
                here,
                None,
                before,
                beside["losses"],
                beside["rows"],
                run.seconds,
                run.finished,
            )
        apart = _replace_fields(
            here, beside.get("best", _select_fields(here, BEST_STATE_FIELDS)), BEST_STATE_FIELDS
        )
        bests = {None: None, "here": here, "before": standing.epoch_start_state, "apart": apart}
        return replace(standing, best_state=bests[run.best_location])

    def on_slice(
        self,
        steps_done: int,
        snapshot: Callable[[], RunState],
        memories: Sequence[Any],
        export_model: ModelExporter,
    ) -> None:
        """So many steps of the epoch are done, all in finite numbers."""
        if self._pending and steps_done > self._pending[0]:
            self._write_staged()
        elif not self._pending and time.monotonic() - self._last_written_at > CHECKPOINT_SECONDS:
            self._stage_checkpoint(snapshot(), memories, export_model)

    def on_epoch_end(
        self, record: Record, is_last: bool, memories: Sequence[Any], export_model: ModelExporter
    ) -> None:
        """An epoch has ended, or was broken off; with `is_last`, so has the fit."""
        assert record.run_state
        self._stage_checkpoint(record.run_state, memories, export_model)
        if is_last:
            self._write_staged()

    def on_train_begin(
        self, run_state: RunState, memories: Sequence[Any], export_model: ModelExporter
    ) -> None:
        """The fit begins: a run that is new is written, which shows that it can be."""
        if not self._checkpoint:
            self._stage_checkpoint(run_state, memories, export_model)
            self._write_staged()

    def _stage_checkpoint(
        self, run_state: RunState, memories: Sequence[Any], export_model: ModelExporter
    ) -> None:
        """Remember to write the run as it stands here."""
        saved, built, arrays = export_model_at(run_state, export_model)
        carry, done = run_state.train_state, len(run_state.losses)
        beside: dict[str, Any] = {}
        best = None
        if run_state.best_state is not None:
            alike = {"here": carry, "before": run_state.epoch_start_state}
            best = next(
                (
                    name
                    for name, other in alike.items()
                    if other and run_state.best_state.params is other.params
                ),
                "apart",
            )
        if run_state.best_state and best == "apart":
            beside["best"] = _select_fields(run_state.best_state, BEST_STATE_FIELDS)
        if run_state.epoch_start_state:
            beside |= {
                "before": _select_fields(run_state.epoch_start_state, EPOCH_START_FIELDS),
                "sums": carry.metric_sums if done else (),
                "losses": run_state.losses,
                "rows": run_state.batch_sizes,
            }
        texts = [
            dump_memory(callback, memory)
            for callback, memory in zip(self._callbacks, memories, strict=True)
        ]
        more = flatten_tree(RUN_PREFIX, beside)
        run = replace(
            self.info,
            memories=_split_text(json.dumps(texts)),
            best_location=best,
            mid_epoch=run_state.epoch_start_state is not None,
            seconds=run_state.seconds,
            finished=run_state.finished,
            checksum="",
        )
        saved = replace(saved, run=run)
        self._pending = (
            done,
            lambda: self._folder.write(
                saved.epoch, saved.step, model_file.pack_model(saved, built, arrays, more)
            ),
        )

    def _write_staged(self) -> None:
        if self._pending:
            _, write = self._pending
            write()
            self._pending, self._last_written_at = None, time.monotonic()


def _select_fields(train_state: TrainState, keys: Mapping[str, str]) -> dict[str, Any]:
    """Fields of a carry by their keys in a file."""
    return {key: getattr(train_state, field) for key, field in keys.items()}


def _replace_fields(
    train_state: TrainState, group: Mapping[str, Any], keys: Mapping[str, str]
) -> TrainState:
    """The carry with the fields of a group, on the device."""
    return train_state._replace(**{keys[key]: to_device(value) for key, value in group.items()})


def export_model_at(
    run_state: RunState, export_model: ModelExporter
) -> tuple[ModelSpec, BuiltNetwork, ModelArrays]:
    """The model as it stands within a fit."""
    (saved, built, _), carry = export_model(), run_state.train_state
    assert built
    saved = replace(saved, has_optimizer_state=True, epoch=run_state.epoch, step=int(carry.step))
    return saved, built, ModelArrays(carry.params, carry.state, carry.optimizer_state)


def describe_callback(callback: Callback) -> dict[str, Any]:
    """What a callback is, as far as plain values say it."""
    callback = getattr(callback, "callback", callback)  # Keras's
    known: dict[str, Any] = {}
    if is_dataclass(callback):
        values = {field.name: getattr(callback, field.name) for field in fields(callback)}
        known = {
            name: value
            for name, value in values.items()
            if value is None or isinstance(value, bool | int | float | str | np.generic)
        }
    return {"class": type(callback).__name__} | known


LIST_KEY = "@list"
"""The key under which a list stands, which JSON does not tell from a tuple."""


def dump_memory(callback: Callback, memory: Any) -> str:
    """What a callback remembers, as JSON that `load_memory` reads.

    Raises:
        ModelFileError: it cannot be written, or would not be read again.
    """
    text = json_codec.dumps(_encode_lists(memory), {}, f"{type(callback).__name__}: memory")
    load_memory(callback, text)
    return text


def load_memory(callback: Callback, text: str) -> Any:
    """What a callback remembered: numbers, text, tuples, lists, dicts, or a dataclass where `init`
    is annotated with it.

    Raises:
        ModelFileError: it is nothing that this callback remembers.
    """
    try:
        hint = typing.get_type_hints(type(callback).init).get("return")
    except NameError:  # a class written inside a function
        hint = None
    own = {
        kind.__name__: kind for kind in typing.get_args(hint) or (hint,) if isinstance(kind, type)
    }
    fix = "Annotate init with the dataclass, which stands in a module: def init(self) -> Best."
    try:
        return _decode_lists(
            json_codec.Reader({}, own).read(json_codec.loads(text), object, "memory")
        )
    except ModelFileError as error:
        raise ModelFileError(f"{type(callback).__name__}: {error} {fix}") from error


def _encode_lists(memory: Any) -> Any:
    if isinstance(memory, dict):
        return {key: _encode_lists(value) for key, value in memory.items()}
    if type(memory) not in (list, tuple):
        return memory
    inside = tuple(map(_encode_lists, memory))
    return {LIST_KEY: inside} if isinstance(memory, list) else inside


def _decode_lists(memory: Any) -> Any:
    if isinstance(memory, dict):
        return (
            list(map(_decode_lists, memory[LIST_KEY]))
            if LIST_KEY in memory
            else {key: _decode_lists(value) for key, value in memory.items()}
        )
    return tuple(map(_decode_lists, memory)) if type(memory) is tuple else memory


def _split_text(text: str) -> tuple[str, ...]:
    return tuple(
        text[i : i + json_codec.MAX_TEXT_LENGTH]
        for i in range(0, len(text), json_codec.MAX_TEXT_LENGTH)
    )


def first_difference(saved: Any, current: Any, path: str = "") -> tuple[str, str, str] | None:
    """The first place where two plain values differ, and how each is shown.

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
        return (
            None
            if saved == current
            else (path, json_codec.SHORT_REPR.repr(saved), json_codec.SHORT_REPR.repr(current))
        )
    return next(filter(None, (first_difference(was, now, at) for at, was, now in parts)), None)


def describe_environment() -> dict[str, str]:
    """What the bits of a run depend on besides what it is: versions, machine and CPUs.

    Source: JAX promises the same bits for the same program, versions and devices; with another
        number of CPUs long sums are cut otherwise.
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
    """The model of the CPU, as far as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return f"{platform.machine()} {platform.processor()}".strip()
