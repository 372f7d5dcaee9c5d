"""`gn.distribute`: connect this process to the others that run the same script."""

from __future__ import annotations

import atexit
import os
import platform
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from types import TracebackType
from typing import Any

from glassnet._version import __version__
from glassnet.errors import ConfigError, is_int, is_number, message, require
from glassnet.formatting import format_number
from glassnet.processes import exchange
from glassnet.processes.exchange import ProcessGroup
from glassnet.processes.launchers import Launch, find_launch

HINT = "To train on several, start it with: glassnet launch -n 2 train.py"

LOST_CONNECTION = ("Gloo", "NCCL", "Socket closed", "Connection reset by peer")
"""Words in JAX's errors after another process has ended."""

LOST_HINT = (
    "has lost the connection to another process, which has ended: its own output says why. "
    "With resume= in fit, the same script goes on from the last checkpoint."
)


@dataclass(frozen=True)
class ProcessInfo:
    """This process among those that train together.

    Attributes:
        index: its number, from 0.
        count: number of processes.
    """

    index: int
    count: int


def distribute(
    coordinator_address: str | None = None,
    num_processes: int | None = None,
    process_id: int | None = None,
    *,
    heartbeat_timeout: float = 10.0,
    initialization_timeout: float = 300.0,
) -> ProcessInfo:
    """Connect this process to the others that run the same script, so that they train together.

    Call it once, as the first line that uses Glassnet. After that, each `fit` uses the devices of
    all processes: each computes its part of every batch. The processes are found from the variables
    that `glassnet launch`, SLURM (`srun`), Open MPI (`mpirun`) or an indexed job of Kubernetes set.
    Without any of them the script runs in one process, and a line says so.

    Every process runs the same script with the same calls. Process 0 prints and writes the files.
    If a process ends with an error or dies, the others end too, within about 15 seconds.

    Args:
        coordinator_address: host and port of process 0, such as "node1:12345", if there is no
            launcher. Then the other two arguments are needed too.
        num_processes: number of processes.
        process_id: number of this process, from 0.
        heartbeat_timeout: seconds without a sign of life after which a process counts as dead.
        initialization_timeout: seconds in which all processes must start.

    Returns:
        index and count: number of this process, and number of processes.

    Raises:
        ConfigError: a second call; a call after JAX has started; arguments or variables that do not
            fit; processes with other versions of Glassnet, JAX, NumPy or Python.

    Example:
        >>> import glassnet as gn
        >>> process = gn.distribute()
        distribute: this script runs in one process.
        To train on several, start it with: glassnet launch -n 2 train.py
        >>> rows = list(range(6))
        >>> rows[process.index :: process.count]  # the part of this process
        [0, 1, 2, 3, 4, 5]

    Source: JAX's `jax.distributed`, which connects the processes.
    """
    for name, value in (
        ("heartbeat", heartbeat_timeout),
        ("initialization", initialization_timeout),
    ):
        expected = f"{name}_timeout to be a number of seconds >= 1"
        require(is_number(value) and value >= 1, "distribute", expected, received=value)
    launch = _read_arguments(coordinator_address, num_processes, process_id)
    launch = launch or find_launch(os.environ)
    if launch is None or launch.count == 1:
        print(f"distribute: this script runs in one process.\n{HINT}", flush=True)
        return ProcessInfo(0, 1)
    _require_start()
    group = _connect(launch, int(heartbeat_timeout), int(initialization_timeout))
    exchange.join_group(group)
    _end_together(group)
    _require_same_versions()
    _list_devices(group)
    return ProcessInfo(group.index, group.count)


def _read_arguments(address: str | None, count: int | None, index: int | None) -> Launch | None:
    """Return the arguments as a launch; None if there are none.

    Raises:
        ConfigError: they are incomplete or no numbers of processes.
    """
    received: dict[str, Any] = {
        "coordinator_address": address,
        "num_processes": count,
        "process_id": index,
    }
    if all(value is None for value in received.values()):
        return None
    expected = "all of coordinator_address, num_processes and process_id, or none of them"
    complete = all(value is not None for value in received.values())
    require(complete, "distribute", expected, **received)
    assert address is not None
    assert count is not None
    assert index is not None
    expected = "num_processes to be an int >= 1"
    require(is_int(count, least=1), "distribute", expected, num_processes=count)
    return Launch("the arguments", int(count), index, address)


def _require_start() -> None:
    """Refuse a second call, and a call after JAX has started.

    Raises:
        ConfigError: as described.
    """
    import jax
    from jax._src import xla_bridge

    is_second = exchange.is_in_group() or jax.distributed.is_initialized()
    expected, fix = (
        "one call in a process",
        "Remove the second call, or jax.distributed.initialize.",
    )
    require(not is_second, "distribute", expected, fix=fix)
    # The public function says the same, but only by an error.
    has_started = getattr(xla_bridge, "backends_are_initialized", bool)()
    expected = "to be called before JAX computes or lists its devices"
    fix = "Make gn.distribute() the first line after the imports."
    require(not has_started, "distribute", expected, fix=fix)


def _connect(launch: Launch, heartbeat: int, timeout: int) -> ProcessGroup:
    """Connect to the coordinator, and return the group.

    Raises:
        ConfigError: numbers that do not fit; JAX cannot find the address.
    """
    import jax

    index, count, address = launch.index, launch.count, launch.address
    if count:  # Kubernetes tells JAX
        expected = f"a number of this process from 0 to {count - 1}, as there are {count} processes"
        require(is_int(index, least=0, most=count - 1), "distribute", expected, received=index)
    has_port = address is None or address.rpartition(":")[2].isdecimal()
    expected = "host and port of process 0, such as node1:12345"
    require(has_port and address != "", "distribute", expected, address=address)
    # It would turn SIGTERM into a mere mark, so that a process could not be ended.
    jax.config.update("jax_enable_preemption_service", False)  # type: ignore[no-untyped-call]
    with _end_after(timeout, launch):
        try:
            jax.distributed.initialize(
                address,
                count or None,
                index if count else None,
                cluster_detection_method=launch.jax_method or "deactivate",
                initialization_timeout=timeout + 60,
                heartbeat_timeout_seconds=heartbeat,
                shutdown_timeout_seconds=timeout,
            )
        except (RuntimeError, ValueError, OSError) as error:
            expected = f"an address that {launch.launcher} tells JAX"
            raise ConfigError(message("distribute", expected, error=str(error))) from error
    from jax._src import distributed

    state = distributed.global_state
    return ProcessGroup(state.client, state.process_id, state.num_processes)


@contextmanager
def _end_after(seconds: float, launch: Launch) -> Iterator[None]:
    """Context manager that ends the process with a message if it lasts longer.

    JAX itself would abort without a word that a user can read.
    """
    place, limit = launch.address or "the first process", format_number(seconds)
    text = message(
        "distribute",
        f"{launch.count or 'all'} processes to connect to {place} within {limit} s",
        fix="Not all of them did. Is process 0 running, can the hosts reach that address and "
        "port, has each process a number of its own, and does a firewall or an HTTP proxy "
        "stand between them?",
    )

    def end() -> None:
        print(f"glassnet: {text}", file=sys.stderr, flush=True)
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _end_together(group: ProcessGroup) -> None:
    """End the process at once after an error, and wait for the others at a normal end.

    JAX waits for all processes when one ends. After an error it would wait for those that wait for
    this one.
    """
    show_error = sys.excepthook

    def end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        show_error(kind, error, trace)
        if any(word in str(error) for word in LOST_CONNECTION):
            print(f"glassnet: process {group.index} {LOST_HINT}", file=sys.stderr)
        group.end(f"{kind.__name__}: {error}"[:1000])
        group.leave_others_time()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(130 if issubclass(kind, KeyboardInterrupt) else 1)

    sys.excepthook = end
    atexit.register(group.wait_for_end)


def _require_same_versions() -> None:
    """Refuse processes with other versions.

    Raises:
        ConfigError: naming the package, the versions and the processes.
    """
    packages = {name: version(name) for name in ("jax", "jaxlib", "numpy")}
    python = ".".join(platform.python_version_tuple()[:2])
    own = {"glassnet": __version__, "Python": python, **packages}
    for name, values in _by_name(exchange.all_gather(own, "versions")):
        expected = f"the same version of {name} in all processes"
        shown = {f"process_{i}": value for i, value in enumerate(values)}
        fix = "Install the same packages on all hosts."
        require(len(set(values)) == 1, "distribute", expected, fix=fix, **shown)


def _by_name(dicts: list[dict[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """Yield each key of the first dict with its values in all."""
    for name in dicts[0]:
        yield name, [each.get(name) for each in dicts]


def _list_devices(group: ProcessGroup) -> None:
    """Let JAX list the devices of all processes, for which it needs all of them; print how many."""
    import jax

    n_devices, kind = jax.device_count(), jax.devices()[0].platform.upper()
    if group.index == 0:
        print(f"distribute: {group.count} processes, {n_devices} {kind} devices", flush=True)
