"""Host arrays to one device or to several: the only module that does this.

On several devices, weights and rows are on every device, and each device computes its part of the
rows of a batch. XLA derives the rest from where the arrays are: it compiles the same functions, and
adds sums over a batch (its loss, gradients, statistics and metrics) over the devices. The devices
may be those of several processes (`gn.distribute`), each of which puts arrays on its own ones.

JAX uses host memory at a multiple of 64 bytes as a device array on the CPU, without a copy. NumPy
aligns large arrays to 16 bytes only, and JAX would copy them again, several times as slowly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from glassnet.errors import is_int, require
from glassnet.forked_process import require_jax_threads
from glassnet.processes import exchange
from glassnet.types import Shape

T = TypeVar("T")

ALIGNMENT = 64
"""Alignment in bytes of host memory that JAX uses without a copy."""


@dataclass(frozen=True)
class Placement:
    """The devices of a fit, an evaluation or a prediction.

    Attributes:
        devices: two devices or more; empty for JAX's default device.

    Source: JAX's documentation, "Distributed arrays and automatic parallelization".
    """

    devices: tuple[Any, ...] = ()

    @property
    def n_devices(self) -> int:
        """Number of devices."""
        return max(1, len(self.devices))

    @cached_property
    def mesh(self) -> Mesh:
        """The devices in a row; only for several."""
        return Mesh(np.array(self.devices), ("rows",))

    @cached_property
    def n_processes(self) -> int:
        """Number of processes that the devices belong to."""
        return max(1, len({device.process_index for device in self.devices}))

    @property
    def local(self) -> Placement:
        """The devices of this process."""
        if self.n_processes == 1:
            return self
        own = tuple(each for each in self.devices if each.process_index == jax.process_index())
        return Placement(own) if len(own) > 1 else ONE_DEVICE

    def own_part(self, n_rows: int) -> slice:
        """Return which of some rows belong to this process; the parts are in order."""
        if self.n_processes == 1:
            return slice(0, n_rows)
        index, count = jax.process_index(), self.n_processes
        return slice(n_rows * index // count, n_rows * (index + 1) // count)

    @property
    def own_items(self) -> slice:
        """Which of some files belong to this process: every one of `n_processes`."""
        return slice(jax.process_index() if self.n_processes > 1 else 0, None, self.n_processes)

    def agree(self, value: T, name: str) -> T:
        """Return the value of process 0 in all processes of these devices.

        Args:
            value: as in `exchange.broadcast`.
            name: what the value is, for messages.
        """
        return value if self.n_processes == 1 else exchange.broadcast(value, name)

    def round_up(self, n_rows: int) -> int:
        """Return the smallest number of rows, at least n_rows, that the devices can share."""
        return n_rows + -n_rows % self.n_devices

    def describe(self, batch_size: int) -> str:
        """Return a line for the user, "" for one device."""
        n = self.n_devices
        if n == 1:
            return ""
        share, kind = self.round_up(batch_size) // n, self.devices[0].platform.upper()
        processes = f" of {self.n_processes} processes" if self.n_processes > 1 else ""
        return (
            f"devices: {n} ({kind}){processes}, each with {share} of {batch_size} rows of a batch"
        )

    def require_rows(self, batch_size: int) -> None:
        """Refuse a batch with fewer rows than there are devices.

        Raises:
            ConfigError: a device would have nothing to do.
        """
        n = self.n_devices
        fix = "Use larger batches, or fewer devices."
        require(
            batch_size >= n,
            "batch_size",
            f"at least {n} rows, one for each device",
            fix=fix,
            batch_size=batch_size,
        )

    def has_room(self, tree: Any) -> bool:
        """Return whether host arrays may take half of a device's memory; True if it is unknown."""
        device = (self.local.devices or jax.local_devices())[0]
        memory = (device.memory_stats() or {}).get("bytes_limit", math.inf)
        arrays = (leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, np.ndarray))
        return bool(sum(array.nbytes for array in arrays) <= memory / 2)

    def put(self, tree: T, *, copy: bool = True) -> T:
        """Put a tree's arrays on every device.

        Args:
            tree, copy: see `to_device`.
        """
        return self._put(tree, (), copy) if self.devices else to_device(tree, copy=copy)

    def split(self, tree: T, axis: int = 0, *, copy: bool = True) -> T:
        """Put a part of each array on each device, cut along an axis whose length divides.

        Args:
            tree, copy: see `to_device`.
            axis: the axis to cut.
        """
        if not self.devices:
            return to_device(tree, copy=copy)
        return self._put(tree, (*(None,) * axis, "rows"), copy)

    def connect(self) -> None:
        """Connect the devices of all processes, which must call this at the same time.

        Gloo, which joins CPUs, allows 30 seconds for that. Later, a process may come to a step any
        time after the others, because it compiles longer.
        """
        if self.n_processes > 1:
            jnp.sum(self.split(np.zeros(self.n_devices, np.float32))).block_until_ready()

    def join(self, tree: T, axis: int) -> T:
        """Put arrays on the devices of all processes, which have a part of each array each.

        Args:
            tree: the part of this process, cut along `axis`; it is not copied.
            axis: the axis to cut.
        """
        if self.n_processes == 1:
            return self.split(tree, axis, copy=False)
        spec = PartitionSpec(*(None,) * axis, "rows")  # type: ignore[no-untyped-call]
        sharding = NamedSharding(self.mesh, spec)
        make: Any = jax.make_array_from_process_local_data
        result: T = jax.tree.map(lambda part: make(sharding, part), tree)
        return result

    def _put(self, tree: T, axes: tuple[str | None, ...], copy: bool) -> T:
        require_jax_threads()
        spec = PartitionSpec(*axes)  # type: ignore[no-untyped-call]
        sharding = NamedSharding(self.mesh, spec)

        def put(array: Any) -> Any:
            if isinstance(array, jax.Array) and array.sharding.is_equivalent_to(
                sharding, array.ndim
            ):
                return array
            host = np.asarray(array)
            host = copy_aligned(host) if copy and not isinstance(array, jax.Array) else host
            return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])

        result: T = jax.tree.map(put, tree)
        return result


ONE_DEVICE = Placement()
"""JAX's default device."""


def find_placement(devices: int | str | None) -> Placement:
    """Return the placement for the argument `devices` of `fit`, `evaluate` and `predict`.

    After `gn.distribute`, it has devices of all processes; `Placement.local` has those of this one.

    Args:
        devices: None for one device, a number of devices, or "all". After `gn.distribute`, the
            number is per process, and None means all.

    Raises:
        ConfigError: another value, or more devices than there are.
    """
    n_processes = exchange.process_count()
    if devices is None and n_processes == 1:
        return ONE_DEVICE
    wants_all = devices in (None, "all")
    is_number = is_int(devices, least=1)
    require(wants_all or is_number, "devices", 'an int >= 1, "all" or None', devices=devices)
    available = jax.devices() if n_processes > 1 else jax.local_devices()
    by_process: dict[int, list[Any]] = {}
    for device in available:
        by_process.setdefault(device.process_index, []).append(device)
    kind, n = available[0].platform, min(map(len, by_process.values()))
    fix = 'Use devices="all" for all of them.'
    if n_processes > 1:
        fix = "Here devices= is the number for each process; all are used without it."
    elif kind == "cpu":
        fix += (
            " JAX counts all cores of a CPU as one device. To practise with 2, set the environment "
            "variable XLA_FLAGS=--xla_force_host_platform_device_count=2 before the first import."
        )
    n_used = n if wants_all or devices is None else int(devices)
    expected = f"at most {n}, the number of {kind.upper()} devices that JAX finds"
    require(n_used <= n, "devices", expected, devices=devices, fix=fix)
    used = tuple(each for own in by_process.values() for each in own[:n_used])
    return Placement(used) if len(used) > 1 else ONE_DEVICE


def placement_of(tree: Any) -> Placement:
    """Return the placement of a tree of arrays, all of which have the same."""
    arrays = (leaf for leaf in jax.tree.leaves(tree) if isinstance(leaf, jax.Array))
    sharding = getattr(next(arrays, None), "sharding", None)
    if isinstance(sharding, NamedSharding):
        return Placement(tuple(sharding.mesh.devices.flat))
    return ONE_DEVICE


def gather(tree: T) -> T:
    """Return a tree whose arrays are on JAX's default device; those on several are copied.

    Of an array that is split over processes, it is the part of this process.
    """
    if not placement_of(tree).devices:
        return tree
    on_host: T = jax.tree.map(_read, tree)
    return to_device(on_host, copy=False)


def _read(array: Any) -> np.ndarray:
    """Return an array on the host, or the part that is on the devices of this process."""
    if not isinstance(array, jax.Array) or array.is_fully_addressable or array.is_fully_replicated:
        return np.asarray(array)
    sharding: Any = array.sharding
    axis = tuple(sharding.spec).index("rows")
    shards = sorted(array.addressable_shards, key=lambda shard: shard.index[axis].start or 0)
    parts: np.ndarray = np.concatenate([np.asarray(shard.data) for shard in shards], axis=axis)
    return parts


def to_local(tree: T) -> T:
    """Return a tree whose arrays are on devices of this process only; others are copied."""
    placement = placement_of(tree)
    return placement.local.put(gather(tree)) if placement.n_processes > 1 else tree


def all_finite(tree: Any) -> bool:
    """Return whether all values of a tree are finite, on whatever devices they are."""

    def is_finite(leaf: Any) -> bool:
        is_split = isinstance(leaf, jax.Array) and not leaf.is_fully_addressable
        return bool(jnp.isfinite(leaf).all() if is_split else np.isfinite(leaf).all())

    return all(map(is_finite, jax.tree.leaves(tree)))


def to_device(tree: T, *, copy: bool = True) -> T:
    """Put a tree's host arrays on the default device; device arrays are returned as they are.

    `jnp.asarray` would compile a program for each shape.

    Args:
        tree: NumPy arrays, objects that become NumPy arrays, or device arrays.
        copy: whether to copy each array first, once. False only for arrays that nobody else may
            change: their memory may become that of the device array.

    Raises:
        ConfigError: the process was forked after JAX had started.
    """

    if all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(tree)):
        return tree

    require_jax_threads()

    def put(array: Any) -> Any:
        if isinstance(array, jax.Array):
            return array
        array = np.asarray(array)
        return jax.device_put(copy_aligned(array) if copy else array)

    result: T = jax.tree.map(put, tree)
    return result


def take_rows(tree: T, index: np.ndarray) -> T:
    """Return the rows at `index` of a tree's host arrays, so that `to_device` need not copy them.

    Objects that are not NumPy arrays select their rows themselves.
    """
    result: T = jax.tree.map(
        lambda a: copy_aligned(a, index) if isinstance(a, np.ndarray) else a[index], tree
    )
    return result


def copy_aligned(array: np.ndarray, index: np.ndarray | None = None) -> np.ndarray:
    """Return an aligned copy of an array, or of its rows at `index` (integers >= 0)."""
    if index is None:
        copy = empty_aligned(array.shape, array.dtype)
        copy[...] = array
        return copy
    copy = empty_aligned((len(index), *array.shape[1:]), array.dtype)
    # In mode "raise" NumPy would gather into a second buffer.
    return np.take(array, index, axis=0, out=copy, mode="clip")


def empty_aligned(shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Return an uninitialized, aligned array."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start : start + size].view(dtype).reshape(shape)
