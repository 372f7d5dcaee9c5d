"""The form of a case of the doctor's benchmark: one run, with a fault or without.

The scripts of this folder import each other by name: run them from anywhere as
`python benchmarks/faults/run.py`, or add the folder to `sys.path`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import glassnet as gn

Parts: TypeAlias = tuple[gn.Sequential, Any, Any, dict[str, Any]]
"""A compiled model with a seed, x, y and the arguments of `fit`."""


@dataclass(frozen=True)
class Case:
    """One run for the doctor.

    Args:
        name: unique, such as "mnist_mlp" or "raw_scale/titanic".
        family: "clean", or the fault.
        kind: "table", "image" or "sequence" (a series or texts).
        expected: names of the rules that are right if first named; () for a clean run.
        make: returns the run, made anew with every call, the same every time.
        twin: the same without the fault: a fault without a consequence is no fault.
    """

    name: str
    family: str
    kind: str
    expected: tuple[str, ...]
    make: Callable[[], Parts]
    twin: Callable[[], Parts] | None = None

    @property
    def is_for_tuning(self) -> bool:
        """Whether rules may be tuned on this case; the others are only reported."""
        return zlib.crc32(self.name.encode()) % 2 == 0
