"""Launchers of processes: what their environment variables say about this process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from glassnet.errors import ConfigError, message

ADDRESS, COUNT, INDEX = "GLASSNET_COORDINATOR", "GLASSNET_PROCESSES", "GLASSNET_PROCESS"
"""The variables that `glassnet launch` sets: host and port of process 0, number of processes,
number of this process from 0.
"""


@dataclass(frozen=True)
class Launch:
    """What started this process.

    Attributes:
        launcher: name of the launcher, for messages.
        count: number of processes.
        index: number of this process, from 0.
        address: host and port of process 0; None if JAX finds it out.
        jax_method: name of JAX's method to find the address out, or None.
    """

    launcher: str
    count: int
    index: int
    address: str | None = None
    jax_method: str | None = None


MPI_LAUNCHERS = (
    ("Open MPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"),
    ("MPI", "PMI_SIZE", "PMI_RANK"),  # MPICH, Intel MPI
)
"""Launchers of MPI with their variables: number of processes, and number of this process."""

SLURM_JOB, SLURM_COUNT, SLURM_INDEX = "SLURM_JOB_ID", "SLURM_NTASKS", "SLURM_PROCID"
SLURM_VARIABLES = (SLURM_JOB, SLURM_COUNT, SLURM_INDEX, "SLURM_STEP_NODELIST", "SLURM_LOCALID")


def find_launch(environment: Mapping[str, str]) -> Launch | None:
    """Return what started this process; None if it was started alone.

    Args:
        environment: the environment variables.

    Raises:
        ConfigError: variables that are incomplete, or that have other values than numbers.
    """
    for find in (_find_glassnet, _find_slurm, _find_mpi, _find_kubernetes):
        if launch := find(environment):
            return launch
    return None


def _find_glassnet(environment: Mapping[str, str]) -> Launch | None:
    """Return what `glassnet launch` set, or the user by hand."""
    names = (ADDRESS, COUNT, INDEX)
    if not any(name in environment for name in (COUNT, INDEX)):
        return None
    missing = [name for name in names if name not in environment]
    if missing:
        fix = f"Set {', '.join(names)}, or use glassnet launch."
        raise ConfigError(message("distribute", "three variables", fix=fix, missing=missing))
    numbers = _read_number(environment, COUNT), _read_number(environment, INDEX)
    return Launch("glassnet launch", *numbers, environment[ADDRESS])


def _find_slurm(environment: Mapping[str, str]) -> Launch | None:
    """Return what srun set, which JAX reads too."""
    if not all(name in environment for name in SLURM_VARIABLES):
        tasks = environment.get(SLURM_COUNT, "1")
        if SLURM_JOB in environment and tasks.isdecimal() and int(tasks) > 1:
            fix = "Start it with srun: srun python train.py."
            expected = "each of its tasks to run this script"
            text = message(f"distribute in a SLURM job of {tasks} tasks", expected, fix=fix)
            raise ConfigError(text)
        return None
    count, index = _read_number(environment, SLURM_COUNT), _read_number(environment, SLURM_INDEX)
    return Launch("SLURM", count, index, jax_method="slurm")


def _find_mpi(environment: Mapping[str, str]) -> Launch | None:
    """Return what mpirun set; the address is known to Open MPI 4, or a variable has it."""
    for launcher, count, index in MPI_LAUNCHERS:
        if count not in environment or index not in environment:
            continue
        numbers = _read_number(environment, count), _read_number(environment, index)
        address = environment.get(ADDRESS) or environment.get("JAX_COORDINATOR_ADDRESS")
        if address:
            return Launch(launcher, *numbers, address)
        if "OMPI_MCA_orte_hnp_uri" in environment:
            return Launch(launcher, *numbers, jax_method="ompi")
        if numbers[0] == 1:
            return Launch(launcher, *numbers)
        fix = f"For example: mpirun -x {ADDRESS}=node1:12345 -n {numbers[0]} python train.py."
        expected = f"host and port of the first process in the variable {ADDRESS}"
        raise ConfigError(message(f"distribute under {launcher}", expected, fix=fix))
    return None


def _find_kubernetes(environment: Mapping[str, str]) -> Launch | None:
    """Return what an indexed job of Kubernetes set; JAX asks the cluster for the rest."""
    if not {"KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"} <= environment.keys():
        return None
    index = _read_number(environment, "JOB_COMPLETION_INDEX")
    return Launch("Kubernetes", 0, index, jax_method="k8s")


def _read_number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name].strip()
    if not text.isdecimal():
        raise ConfigError(message("distribute", f"a number in the variable {name}", value=text))
    return int(text)
