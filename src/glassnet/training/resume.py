"""A fit that can be killed: what it writes into its folder while it runs, and how another goes on from there, bit for bit."""

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
from glassnet.engine.epoch_runner import Standing
from glassnet.engine.loop import Record
from glassnet.engine.network import Built
from glassnet.engine.train_step import Carry, Program, new_epoch, to_device
from glassnet.errors import ConfigError, ModelFileError, TrainingWarning, message, require
from glassnet.storage import json_codec, model_file, registry
from glassnet.storage.arrays import Arrays, compare, filled, kinds, leaves, named
from glassnet.storage.checkpoints import Folder
from glassnet.storage.model_file import RUN, Run, Saved

SECONDS = 30.0
"""How old the newest checkpoint is when one is written within an epoch."""

WEIGHTS = {"0": "params", "1": "state"}
"""Keys in a file of the weights that were the best, each with its field of a `Carry`."""

BEFORE = WEIGHTS | {"2": "optimizer", "3": "rate", "4": "key", "5": "step"}
"""Keys in a file of the carry that an epoch began with, each with its field: all that one epoch hands to the next."""

Kept = Callable[[], tuple[Saved, Built | None, Arrays]]
"""What gives the model as it is."""


class Resumable:
    """A run with a folder, which is this fit's alone until it is closed.

    A checkpoint is written once the step after it had a finite loss, so that none is resumed from which can only end: where numbers
    cease to be finite, a run that was stopped goes back as far as one that was not. The last one of a fit is written at once.

    Args:
        path: of the folder.
        epoch: that the model stands at.

    Attributes:
        first: the epoch that the run began with.
        done: whether nothing is left to do.
        recalled: what `memories` gave.

    Raises:
        ConfigError, ModelFileError: see `Folder`.
    """

    def __init__(self, path: str | os.PathLike[str], epoch: int):
        self._folder = Folder(path)
        try:
            self._found = self._folder.newest()
        except ModelFileError:
            self._folder.close()
            raise
        self._run = self._found.run if self._found else None
        self.first, self.done = self._run.first if self._run else epoch, False
        self._pending: tuple[int, Callable[[], None]] | None = None
        self._callbacks: Sequence[Callback] = ()
        self.recalled: list[Any] | None = None
        self._written = time.monotonic()

    def close(self) -> None:
        """Let another fit have the folder."""
        self._folder.close()

    @property
    def seed(self) -> int | None:
        """Of the model that the run began with; None where it begins."""
        return self._found.seed if self._found else None

    @property
    def past(self) -> model_file.Past | None:
        """How the run went so far; None where it begins."""
        return self._found.past if self._found else None

    @property
    def rate(self) -> float:
        """Of the carry: see `training.Carry`."""
        assert self._found
        return self._found.rate

    def said(self, start: Standing) -> str:
        """Where the run stands, in words."""
        epochs, steps = start.epoch - self.first, len(start.losses)
        here = f"the run has done {epochs} epochs" + f" and {steps} steps" * bool(steps)
        return f"{self._folder.path}: {here}; " + ("nothing is left to do" if self.done else "it goes on")

    def join(self, told: dict[str, Any], begun: str, last_run: str | None) -> None:
        """Begin the run, or refuse to go on with one that is another.

        Args:
            told: data, architecture and settings, by what an error calls them.
            begun: the mark of its weights and learning rate.
            last_run: that it was trained in, of those with a folder.

        Raises:
            ConfigError: the folder's run differs.
            ModelFileError: something in the model cannot be saved.
        """
        text = json_codec.dumps(told, registry.by_class())
        run, where, here = self._run, self._folder.path, place()
        self._run = Run(secrets.token_hex(8), self.first, begun, _pieces(text), here)
        if run is None:
            return
        differs = difference(json.loads("".join(run.marks)), json.loads(text))
        if differs:
            what, was, now = differs
            fix = "Give this run a folder of its own, or remove that one to begin anew."
            raise ConfigError(f"{message('resume', f'the run that {where} holds')} There {what} is {was}, here {now}. {fix}")
        fix = "Begin with those, as reset() gives them; or give this run a folder of its own."
        own = last_run == run.id or begun == run.begun
        require(own, "resume", f"the weights and the learning rate that the run in {where} began with", received="others", fix=fix)
        moved = ", ".join(f"{name} {was}, now {here.get(name)}" for name, was in run.place.items() if here.get(name) != was)
        if moved:
            what = "It goes on, but its last bits may not be those of a run that was never stopped."
            warnings.warn(f"resume: the run in {where} was computed with {moved}. {what}", TrainingWarning, stacklevel=3)
        self._run = replace(run, place=here)

    @property
    def run(self) -> Run:
        """What the run is, once it is joined."""
        assert self._run
        return self._run

    def memories(self, callbacks: Sequence[Callback]) -> list[Any] | None:
        """What the callbacks remembered; None where the run begins.

        Raises:
            ModelFileError: it is nothing that they remember.
        """
        self._callbacks = callbacks
        texts = json.loads("".join(self.run.memories)) if self._found else None
        self.recalled = texts and [recalled(callback, text) for callback, text in zip(callbacks, texts, strict=True)]
        return self.recalled

    def stand(self, program: Program, built: Built, fresh: Standing, last: int) -> Standing:
        """Where the run stands.

        Args:
            program: that trains.
            built: the network.
            fresh: where it would begin.
            last: one past the last epoch.

        Raises:
            ConfigError: the run has gone further.
            ModelFileError: the checkpoint's arrays are not this run's.
        """
        if not self._found:
            return fresh
        found, run, carry = self._found, self.run, fresh.carry
        self._found = found._replace(arrays={})
        here, fix = found.epoch + run.under_way, "Ask for as many epochs as the run has done, or more."
        require(last >= here, "fit", f"epochs of {here - self.first} or more, which the run has begun", epochs=last - self.first, fix=fix)
        self.done = run.over or last == found.epoch
        own = {name: array for name, array in found.arrays.items() if not name.startswith(RUN)}
        others = {name: array for name, array in found.arrays.items() if name not in own}
        form = Arrays(carry.params, carry.state, carry.optimizer)
        compare("resume", kinds(own), named(built, form))
        params, state, optimizer = filled(built, form, own)
        rate, step = np.float32(found.rate), np.int32(found.step)
        here = to_device(carry._replace(params=params, state=state, optimizer=optimizer, rate=rate, step=step))
        beside: dict[str, Any] = {"best": _group(carry, WEIGHTS)} if run.best == "apart" else {}
        if run.under_way:
            done = np.zeros(np.shape(others.get(f"{RUN}/losses", ())))
            sums = new_epoch(program, carry, 1).sums if len(done) else ()
            beside |= {"before": _group(carry, BEFORE), "sums": sums, "losses": done, "rows": done}
        compare("resume", kinds(others), leaves(RUN, beside))
        beside = jax.tree.unflatten(jax.tree.structure(beside), [others[name] for name in leaves(RUN, beside)])
        standing = Standing(found.epoch, here, over=run.over)
        if run.under_way:
            before = _with_group(here, beside["before"], BEFORE)
            here = here._replace(sums=to_device(beside["sums"]))
            standing = Standing(found.epoch, here, None, before, beside["losses"], beside["rows"], run.seconds, run.over)
        apart = _with_group(here, beside.get("best", _group(here, WEIGHTS)), WEIGHTS)
        bests = {None: None, "here": here, "before": standing.before, "apart": apart}
        return replace(standing, best=bests[run.best])

    def watch(self, done: int, stand: Callable[[], Standing], memories: Sequence[Any], kept: Kept) -> None:
        """So many steps of the epoch are done, all in finite numbers."""
        if self._pending and done > self._pending[0]:
            self._write()
        elif not self._pending and time.monotonic() - self._written > SECONDS:
            self._take(stand(), memories, kept)

    def ended(self, record: Record, last: bool, memories: Sequence[Any], kept: Kept) -> None:
        """An epoch has ended, or was broken off; with `last`, so has the fit."""
        assert record.standing
        self._take(record.standing, memories, kept)
        if last:
            self._write()

    def begin(self, standing: Standing, memories: Sequence[Any], kept: Kept) -> None:
        """The fit begins: a run that is new is written, which shows that it can be."""
        if not self._found:
            self._take(standing, memories, kept)
            self._write()

    def _take(self, here: Standing, memories: Sequence[Any], kept: Kept) -> None:
        """Remember to write the run as it stands here."""
        saved, built, arrays = model_at(here, kept)
        carry, done = here.carry, len(here.losses)
        beside: dict[str, Any] = {}
        best = None
        if here.best is not None:
            alike = {"here": carry, "before": here.before}
            best = next((name for name, other in alike.items() if other and here.best.params is other.params), "apart")
        if here.best and best == "apart":
            beside["best"] = _group(here.best, WEIGHTS)
        if here.before:
            beside |= {"before": _group(here.before, BEFORE), "sums": carry.sums if done else (), "losses": here.losses, "rows": here.rows}
        texts = [remembered(callback, memory) for callback, memory in zip(self._callbacks, memories, strict=True)]
        more = leaves(RUN, beside)
        run = replace(
            self.run,
            memories=_pieces(json.dumps(texts)),
            best=best,
            under_way=here.before is not None,
            seconds=here.seconds,
            over=here.over,
            mark="",
        )
        saved = replace(saved, run=run)
        self._pending = done, lambda: self._folder.write(saved.epoch, saved.step, model_file.pack(saved, built, arrays, more))

    def _write(self) -> None:
        if self._pending:
            _, write = self._pending
            write()
            self._pending, self._written = None, time.monotonic()


def _group(carry: Carry, keys: Mapping[str, str]) -> dict[str, Any]:
    """Fields of a carry by their keys in a file."""
    return {key: getattr(carry, field) for key, field in keys.items()}


def _with_group(carry: Carry, group: Mapping[str, Any], keys: Mapping[str, str]) -> Carry:
    """The carry with the fields of a group, on the device."""
    return carry._replace(**{keys[key]: to_device(value) for key, value in group.items()})


def model_at(here: Standing, kept: Kept) -> tuple[Saved, Built, Arrays]:
    """The model as it stands within a fit."""
    (saved, built, _), carry = kept(), here.carry
    assert built
    saved = replace(saved, remembers=True, epoch=here.epoch, step=int(carry.step))
    return saved, built, Arrays(carry.params, carry.state, carry.optimizer)


def describe(callback: Callback) -> dict[str, Any]:
    """What a callback is, as far as plain values say it."""
    callback = getattr(callback, "written", callback)  # Keras's
    known: dict[str, Any] = {}
    if is_dataclass(callback):
        values = {field.name: getattr(callback, field.name) for field in fields(callback)}
        known = {name: value for name, value in values.items() if value is None or isinstance(value, bool | int | float | str | np.generic)}
    return {"class": type(callback).__name__} | known


LIST = "@list"
"""The key under which a list stands, which JSON does not tell from a tuple."""


def remembered(callback: Callback, memory: Any) -> str:
    """What a callback remembers, as JSON that `recalled` reads.

    Raises:
        ModelFileError: it cannot be written, or would not be read again.
    """
    text = json_codec.dumps(_listed(memory), {}, f"{type(callback).__name__}: memory")
    recalled(callback, text)
    return text


def recalled(callback: Callback, text: str) -> Any:
    """What a callback remembered: numbers, text, tuples, lists, dicts, or a dataclass where `init` is annotated with it.

    Raises:
        ModelFileError: it is nothing that this callback remembers.
    """
    try:
        hint = typing.get_type_hints(type(callback).init).get("return")
    except NameError:  # a class written inside a function
        hint = None
    own = {kind.__name__: kind for kind in typing.get_args(hint) or (hint,) if isinstance(kind, type)}
    fix = "Annotate init with the dataclass, which stands in a module: def init(self) -> Best."
    try:
        return _unlisted(json_codec.Reader({}, own).read(json_codec.loads(text), object, "memory"))
    except ModelFileError as error:
        raise ModelFileError(f"{type(callback).__name__}: {error} {fix}") from error


def _listed(memory: Any) -> Any:
    if isinstance(memory, dict):
        return {key: _listed(value) for key, value in memory.items()}
    if type(memory) not in (list, tuple):
        return memory
    inside = tuple(map(_listed, memory))
    return {LIST: inside} if isinstance(memory, list) else inside


def _unlisted(memory: Any) -> Any:
    if isinstance(memory, dict):
        return list(map(_unlisted, memory[LIST])) if LIST in memory else {key: _unlisted(value) for key, value in memory.items()}
    return tuple(map(_unlisted, memory)) if type(memory) is tuple else memory


def _pieces(text: str) -> tuple[str, ...]:
    return tuple(text[i : i + json_codec.LONGEST] for i in range(0, len(text), json_codec.LONGEST))


def difference(there: Any, here: Any, where: str = "") -> tuple[str, str, str] | None:
    """The first place where two plain values differ, and how each is shown.

    Example:
        >>> difference({"layers": [{"units": 3}]}, {"layers": [{"units": 4}]})
        ('layers[0].units', '3', '4')
    """
    if isinstance(there, dict) and isinstance(here, dict):
        parts: Iterator[tuple[str, Any, Any]] = ((f"{where}.{key}".lstrip("."), there.get(key), here.get(key)) for key in there | here)
    elif isinstance(there, list) and isinstance(here, list) and len(there) == len(here):
        parts = ((f"{where}[{i}]", *pair) for i, pair in enumerate(zip(there, here, strict=True)))
    else:
        return None if there == here else (where, json_codec.SHOWN.repr(there), json_codec.SHOWN.repr(here))
    return next(filter(None, (difference(was, now, at) for at, was, now in parts)), None)


def place() -> dict[str, str]:
    """What the bits of a run depend on besides what it is: versions, machine and CPUs.

    Source: JAX promises the same bits for the same program, versions and devices; with another number of CPUs long sums are cut otherwise.
    """
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    versions = {name: version(name) for name in ("jax", "jaxlib", "numpy")}
    device = jax.devices()[0].device_kind
    return {"glassnet": __version__, **versions, "machine": _processor(), "device": device, "CPUs": str(cpus)}


def _processor() -> str:
    """The model of the CPU, as far as the system says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return f"{platform.machine()} {platform.processor()}".strip()
