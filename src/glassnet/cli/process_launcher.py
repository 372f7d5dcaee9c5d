"""Start the processes of one run on this machine, watch them, and end all if one fails."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

import click

from glassnet.processes.launchers import ADDRESS, COUNT, INDEX

POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0
"""Time to end after a signal, before a process is killed."""

FORWARDED = (signal.SIGINT, signal.SIGTERM)


class SignalForwarder:
    """Handler of Ctrl-C and SIGTERM, which passes them on to all processes.

    After SIGTERM they have `GRACE_SECONDS` to end. After Ctrl-C they have all the time that they
    need, as a `fit` then ends and the script goes on.

    Attributes:
        number: number of the last signal, or None.
        deadline: time at which the processes are killed, or None.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self.deadline: float | None = None
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.number = number
        if number == signal.SIGTERM:
            self.deadline = time.monotonic() + GRACE_SECONDS
        if sys.platform == "win32":  # The console has sent Ctrl-C to all.
            return
        for process in self.processes:
            process.send_signal(number)


def launch(n: int, arguments: Sequence[str], retries: int, port: int | None) -> int:
    """Run a script in n processes, again if one fails, and return the exit code.

    Args:
        n: number of processes.
        arguments: the script and its arguments.
        retries: how often to run it again.
        port: port of process 0; None for a free one.
    """
    forwarder = SignalForwarder()
    previous = {number: signal.signal(number, forwarder) for number in FORWARDED}
    try:
        for attempt in range(retries + 1):
            code = _run(n, arguments, port or _find_free_port(), forwarder)
            if not code or forwarder.number is not None or attempt == retries:
                break
            _say(f"runs the script again: {attempt + 1} of {retries}.")
        return code
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _run(n: int, arguments: Sequence[str], port: int, forwarder: SignalForwarder) -> int:
    """Run the script once, and return its exit code."""
    processes = forwarder.processes = []
    try:
        for index in range(n):
            processes.append(_start(arguments, n, index, port))
        failed = _watch(processes, forwarder)
        if failed is None:
            return 0
        code: int = processes[failed].returncode
        others = "" if n == 1 else " The others are ended." if n > 2 else " The other is ended."
        _say(f"process {failed} of {n} {_describe(code)}.{others}")
        return code if code > 0 else 128 - code
    finally:
        _end(processes)


def _start(arguments: Sequence[str], n: int, index: int, port: int) -> subprocess.Popen[bytes]:
    """Start one process, out of reach of the terminal's Ctrl-C, which is passed on."""
    variables = {ADDRESS: f"127.0.0.1:{port}", COUNT: str(n), INDEX: str(index)}
    defaults = {"PYTHONUNBUFFERED": "1", "JAX_LOCAL_DEVICE_IDS": str(index)}
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=defaults | dict(os.environ) | variables,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def _watch(processes: Sequence[subprocess.Popen[bytes]], forwarder: SignalForwarder) -> int | None:
    """Wait until one process fails or all have ended; return the number of the failed one.

    JAX aborts a process whose partner has died, so one that was not aborted is the cause.
    """
    while True:
        codes = [process.poll() for process in processes]
        failed = [i for i, code in enumerate(codes) if code]
        if failed:
            return min(failed, key=lambda i: codes[i] == -signal.SIGABRT)
        if None not in codes:
            return None
        if forwarder.deadline and time.monotonic() > forwarder.deadline:
            for process in processes:
                process.kill()
        time.sleep(POLL_SECONDS)


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End the processes that still run."""
    running = [process for process in processes if process.poll() is None]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + GRACE_SECONDS
    for process in running:
        try:
            process.wait(max(deadline - time.monotonic(), 0.0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _describe(code: int) -> str:
    """Return how a process ended, from its exit code."""
    if code > 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"was ended by signal {-code} ({name})"


def _find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _say(text: str) -> None:
    click.echo(f"glassnet launch: {text}", err=True)
