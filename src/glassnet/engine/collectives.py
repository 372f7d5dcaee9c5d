"""What devices send to each other in a training step, read from the compiled program."""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import NamedTuple

import jax
import numpy as np

from glassnet.engine.train_step import Chunk, Program, TrainState, run_steps

OPERATION = re.compile(
    r" = (?P<shapes>\(.*?\)|\S+) "
    r"(?P<name>all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute)(-start)?\("
)
ARRAY = re.compile(r"(?P<dtype>pred|[a-z]+(?P<bits>\d+))\[(?P<sizes>[\d,]*)\]")


class Collectives(NamedTuple):
    """Operations in which all devices take part, in one training step.

    Attributes:
        counts: number of operations by name, such as {"all-reduce": 3}.
        n_bytes: size of their results, in bytes.
    """

    counts: dict[str, int]
    n_bytes: int


def count_collectives(program: Program, train_state: TrainState, chunk: Chunk) -> Collectives:
    """Return the collectives of one step of a chunk.

    Args:
        program: the training program.
        train_state: on the devices, with room for the losses of the chunk.
        chunk: data and plan on the devices.
    """
    jitted = jax.jit(run_steps.__wrapped__, static_argnums=0)  # type: ignore[attr-defined]
    start, stop = np.int32(0), np.int32(chunk.steps)
    lowered = jitted.lower(program, train_state, chunk.data, chunk.plan, start, stop)
    counts: Counter[str] = Counter()
    n_bytes = 0
    for operation in OPERATION.finditer(str(lowered.compile().as_text())):
        counts[operation["name"]] += 1
        for array in ARRAY.finditer(operation["shapes"]):
            sizes = [int(size) for size in array["sizes"].split(",") if size]
            n_bytes += math.prod(sizes) * max(1, int(array["bits"] or 8) // 8)
    return Collectives(dict(counts), n_bytes)
