"""Exchange of values between processes that `gn.distribute` has connected.

All processes call the same functions in the same order. In one process they return at once, without
JAX. The values pass through JAX's coordination service, a store of keys and values in process 0,
and not through the devices: an exchange takes about a millisecond and does not wait for training.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from glassnet import errors
from glassnet.errors import ConfigError, GlassnetError, message
from glassnet.formatting import format_number

T = TypeVar("T")

POLL_SECONDS = 1.0
"""While a process waits, it looks this often whether the other one has ended."""

NOTICE_SECONDS = 60.0
"""A process that has waited this long says for whom it waits."""

GRACE_SECONDS = 2.0
"""After an error, process 0 waits at most this long for the others to end too."""

EXIT_SECONDS = 0.5
"""Then it leaves them this long, in which they end themselves. JAX would abort them."""

NORMAL_END = "its script ended"
"""The reason of a process that ends without an error."""

MAX_KEYS, MAX_BYTES = 256, 16 * 2**20
"""After so many exchanges, or so many bytes, the values of the past are deleted."""


@dataclass
class ProcessGroup:
    """The processes that train together, as one of them sees them.

    Attributes:
        client: JAX's client of the coordination service.
        index: number of this process, from 0.
        count: number of processes.
        number: number of exchanges so far.
        era: exchanges since the last deletion share this number.
        first_number: the first exchange of the era.
        n_bytes: size of the values of the era.
        has_ended: whether this process has said that it ends.
    """

    client: Any
    index: int
    count: int
    number: int = 0
    era: int = 0
    first_number: int = 0
    n_bytes: int = 0
    has_ended: bool = False

    def send(self, value: Any, name: str) -> None:
        """Publish this process's value of the current exchange."""
        self.client.key_value_set_bytes(self._key(self.index), encode([name, value]))

    def receive(self, source: int, name: str) -> Any:
        """Wait for the value of a process in the current exchange.

        Raises:
            ConfigError: that process has ended, or exchanges something else.
        """
        started_at, has_said = time.monotonic(), False
        while (data := self._poll(self._key(source))) is None:
            self._require_alive(source, name)
            if not has_said and time.monotonic() - started_at > NOTICE_SECONDS:
                has_said = True
                seconds = format_number(NOTICE_SECONDS)
                self._say(f"has waited {seconds} s for process {source}, at: {name}")
        self.n_bytes += len(data)
        other, value = decode(data)
        if other != name:
            fix = "Every process must run the same script, with the same calls in the same order."
            place = f"process {source} at the same call as process {self.index}, {name}"
            raise ConfigError(message("distribute", place, fix=fix, call=other))
        return value

    def end_exchange(self) -> None:
        """Count the exchange, and delete old values after many of them.

        When all processes have sent their value of a later exchange, all have read the earlier
        ones.
        """
        self.number += 1
        if self.number - self.first_number < MAX_KEYS and self.n_bytes < MAX_BYTES:
            return
        past = self._era_key()
        self.era, self.first_number, self.n_bytes = self.era + 1, self.number, 0
        name = "deleting old values"
        self.send(None, name)
        for source in range(self.count):
            self.receive(source, name)
        self.number += 1
        if self.index == 0:
            self.client.key_value_delete(past)

    def end(self, reason: str) -> None:
        """Tell the other processes that this one takes part in no more exchanges."""
        if not self.has_ended:
            self.has_ended = True
            self.client.key_value_set_bytes(f"glassnet/ended/{self.index}", reason.encode())

    def leave_others_time(self) -> None:
        """Wait a moment if this process has the store, in which the others may still read why."""
        deadline = time.monotonic() + GRACE_SECONDS
        while self.index == 0 and time.monotonic() < deadline:
            ended = [self._try_get(f"glassnet/ended/{source}") for source in range(self.count)]
            if None not in ended:
                time.sleep(EXIT_SECONDS)
                return
            time.sleep(0.05)

    def wait_for_end(self) -> None:
        """Wait until all processes end; end at once with code 1 if another one needs this one.

        Without that, a process that called `sys.exit` early would wait for the others, which wait
        for it.
        """
        from jax.errors import JaxRuntimeError

        self.end(NORMAL_END)
        try:
            self._wait_for_others()
        except JaxRuntimeError:
            self._say("has ended, and has lost the connection to the others")
            sys.stdout.flush()
            os._exit(1)

    def _wait_for_others(self) -> None:
        started_at, has_said = time.monotonic(), False
        for source in range(self.count):
            while (reason := self._poll(f"glassnet/ended/{source}")) is None:
                self._end_if_needed()
                if not has_said and time.monotonic() - started_at > NOTICE_SECONDS:
                    has_said = True
                    self._say(f"has ended, and waits for process {source} to end")
            if reason != NORMAL_END.encode():
                self._end_if_needed()
                self.leave_others_time()
                sys.stdout.flush()
                os._exit(0)  # JAX would abort this process: it waits for all at its end

    def _end_if_needed(self) -> None:
        """End with code 1 if another process needs this one."""
        if self._is_needed():
            self._say("ended while the others go on, which needs all processes")
            sys.stdout.flush()
            os._exit(1)

    def _is_needed(self) -> bool:
        """Return whether another process has begun an exchange that this one did not."""
        return any(
            self._try_get(self._key(source)) is not None
            for source in range(self.count)
            if source != self.index
        )

    def _require_alive(self, source: int, name: str) -> None:
        reason = self._try_get(f"glassnet/ended/{source}")
        if reason is not None and self._try_get(self._key(source)) is None:
            expected = f"process {source} to run as long as process {self.index}, at: {name}"
            text = f"{message('distribute', expected)} Process {source} ended: {reason.decode()}."
            raise ConfigError(text)

    def _poll(self, key: str) -> bytes | None:
        """Wait for a value for at most `POLL_SECONDS`; None if there is none yet."""
        from jax.errors import JaxRuntimeError

        try:
            data: bytes = self.client.blocking_key_value_get_bytes(key, int(POLL_SECONDS * 1000))
        except JaxRuntimeError as error:
            if "DEADLINE_EXCEEDED" not in str(error):
                raise
            return None
        return data

    def _try_get(self, key: str) -> bytes | None:
        from jax.errors import JaxRuntimeError

        try:
            data: bytes = self.client.key_value_try_get_bytes(key)
        except JaxRuntimeError as error:
            if "NOT_FOUND" not in str(error):
                raise
            return None
        return data

    def _say(self, text: str) -> None:
        print(f"glassnet: process {self.index} {text}.", file=sys.stderr, flush=True)

    def _era_key(self) -> str:
        return f"glassnet/era-{self.era}"

    def _key(self, source: int) -> str:
        return f"{self._era_key()}/{self.number}/{source}"


_group: ProcessGroup | None = None


def join_group(group: ProcessGroup | None) -> None:
    """Exchange values with this group from now on; None for no other process."""
    global _group
    _group = group


def is_in_group() -> bool:
    """Return whether `gn.distribute` has connected this process to others."""
    return _group is not None


def process_count() -> int:
    """Return the number of processes that train together."""
    return _group.count if _group else 1


def process_index() -> int:
    """Return the number of this process, from 0."""
    return _group.index if _group else 0


def is_first() -> bool:
    """Return whether this is process 0, which decides, prints and writes files."""
    return process_index() == 0


def broadcast(value: T, name: str) -> T:
    """Return the value of process 0 in all processes.

    Args:
        value: of plain types: None, bool, int, float, str, NumPy arrays, and lists and dicts of
            them. Tuples become lists. Only that of process 0 is used.
        name: what the value is, for messages. It must be the same in all processes.

    Raises:
        ConfigError: another process is at another call, or has ended.
    """
    if _group is None:
        return value
    if _group.index == 0:
        _group.send(value, name)
    result: T = _group.receive(0, name)
    _group.end_exchange()
    return result


def all_gather(value: T, name: str) -> list[T]:
    """Return the values of all processes, in their order, in all processes.

    Args:
        value: see `broadcast`.
        name: see `broadcast`.

    Raises:
        ConfigError: see `broadcast`.
    """
    if _group is None:
        return [value]
    _group.send(value, name)
    values = [_group.receive(source, name) for source in range(_group.count)]
    _group.end_exchange()
    return values


def barrier(name: str) -> None:
    """Wait until all processes are here.

    Raises:
        ConfigError: see `broadcast`.
    """
    all_gather(None, name)


def call_on_first(function: Callable[[], T], name: str) -> T:
    """Call a function in process 0 alone, and return its result in all processes.

    Args:
        function: returns a value as in `broadcast`. The error that it raises is raised in all
            processes.
        name: see `broadcast`.
    """
    if _group is None:
        return function()
    failure: GlassnetError | None = None
    result: Any = None
    if _group.index == 0:
        try:
            result = function()
        except GlassnetError as error:
            failure = error
    described = [type(failure).__name__, str(failure)] if failure else None
    described, result = broadcast([described, result], name)
    if failure:
        raise failure
    if described:
        raise _make_error(*described)
    value: T = result
    return value


def raise_together(error: BaseException | None, name: str) -> None:
    """Raise an error in all processes if one of them has one.

    Args:
        error: that of this process, or None.
        name: see `broadcast`.
    """
    described = [type(error).__name__, str(error)] if error else None
    failures = all_gather(described, name)
    if error:
        raise error
    for source, failure in enumerate(failures):
        if failure:
            kind, text = failure
            raise _make_error(kind, f"process {source}: {text}")


def _make_error(kind: str, text: str) -> GlassnetError:
    """Return an error of a class of `glassnet.errors`; another error becomes a `ConfigError`."""
    known = getattr(errors, kind, None)
    is_ours = isinstance(known, type) and issubclass(known, GlassnetError)
    return known(text) if is_ours and known else ConfigError(f"{kind}: {text}")


def encode(value: Any) -> bytes:
    """Return a value as bytes: a line of JSON, and then the arrays in it."""
    parts: list[np.ndarray] = []

    def refer(array: Any) -> dict[str, int]:
        if not isinstance(array, np.ndarray | np.generic):
            raise TypeError(f"{type(array).__name__} cannot be sent to another process.")
        parts.append(np.asarray(array))
        return {"@array": len(parts) - 1}

    buffer = io.BytesIO()
    buffer.write(json.dumps(value, default=refer).encode() + b"\n")
    for part in parts:
        np.save(buffer, part, allow_pickle=False)
    return buffer.getvalue()


def decode(data: bytes) -> Any:
    """Undo `encode`; no code that another process sends is run."""
    buffer = io.BytesIO(data)
    line, parts = buffer.readline(), []
    with contextlib.suppress(EOFError):
        while True:
            parts.append(np.load(buffer, allow_pickle=False))

    def resolve(entry: dict[str, Any]) -> Any:
        return parts[entry["@array"]] if entry.keys() == {"@array"} else entry

    return json.loads(line, object_hook=resolve)
