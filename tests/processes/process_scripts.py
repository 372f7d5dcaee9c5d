"""Scripts that tests start as processes of their own, with and without `glassnet launch`."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import glassnet as gn

SOURCE = Path(gn.__file__).parent.parent
NO_LAUNCHER = ("GLASSNET_", "SLURM_", "OMPI_", "PMI_", "JAX_COORDINATOR")


def environment(**variables):
    """Return the environment without the variables of launchers, and with these."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(NO_LAUNCHER)
    }
    cache = {"GLASSNET_CACHE": os.environ.get("GLASSNET_CACHE", "")}
    return inherited | cache | {"PYTHONPATH": str(SOURCE)} | variables


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(code, *arguments, **variables):
    """Start Python on a code, with its output in pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment(**variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_pair(code, *arguments, **variables):
    """Start the same code in two processes that `gn.distribute` can connect, without a launcher."""
    address = f"127.0.0.1:{free_port()}"
    numbers = {"GLASSNET_COORDINATOR": address, "GLASSNET_PROCESSES": "2"}
    return [
        start(code, *arguments, **numbers, GLASSNET_PROCESS=str(index), **variables)
        for index in range(2)
    ]


def finish(processes, timeout=60):
    """Wait for processes, and return (exit code, stdout, stderr) of each; none is left running."""
    try:
        outputs = [process.communicate(timeout=timeout) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(p.returncode, *output) for p, output in zip(processes, outputs, strict=True)]
