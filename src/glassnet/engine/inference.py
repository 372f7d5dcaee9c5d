"""Inference in blocks of a few fixed sizes, so that any number of rows runs without compiling
again: outputs, and exact scores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import jax
import numpy as np

from glassnet.engine import network
from glassnet.engine.train_step import Data, Program, to_device, weighted_sum_and_count
from glassnet.errors import DataError, require
from glassnet.layers import Composite, functional
from glassnet.types import Array, Params, State

BLOCK_SIZES = (1, 8, 64, 512, 4096)
"""A block is padded to the smallest of these that holds it; more rows go in blocks of the
largest.
"""


@partial(jax.jit, static_argnums=(0, 1))
def infer(
    body: network.Links,
    head: network.Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
) -> tuple[Array, Array, Array | None]:
    """(z, output, mask): what leaves the body, what leaves the head, and which entries are real."""
    n, end = len(body), len(body) + len(head)
    z, _, mask = functional.run(body, params[:n], state[:n], x)
    output, _, mask = functional.run(head, params[n:end], state[n:end], z, mask=mask)
    return z, output, mask


def iter_block_ranges(n: int) -> Iterator[tuple[int, int, int]]:
    """(start, stop, size to pad to) of each block of n rows.

    Example:
        >>> list(iter_block_ranges(5000))
        [(0, 4096, 4096), (4096, 5000, 4096)]
    """
    for start in range(0, n, BLOCK_SIZES[-1]):
        stop = min(start + BLOCK_SIZES[-1], n)
        yield start, stop, next(size for size in BLOCK_SIZES if size >= stop - start)


def pad(array: np.ndarray, size: int) -> np.ndarray:
    """Rows followed by copies of the last one, `size` in all: a row of zeros might not survive
    every layer.
    """
    return (
        array
        if len(array) == size
        else np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])
    )


def predict(
    body: network.Links,
    head: network.Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: np.ndarray,
) -> np.ndarray:
    """What the last layer outputs for the rows x, block by block."""
    parts = [
        np.asarray(infer(body, head, params, state, pad(np.asarray(x[start:stop]), size))[1])[
            : stop - start
        ]
        for start, stop, size in iter_block_ranges(len(x))
    ]
    return np.array(parts[0]) if len(parts) == 1 else np.concatenate(parts)


@partial(jax.jit, static_argnums=0)
def compute_block_sums(
    program: Program, batch: Data, z: Array, output: Array, row_mask: Array, mask: Array | None
) -> tuple[Array, Array, Any, Array]:
    """One block's (sum of weighted losses, number of real entries, sums of each metric that is
    exact by them, which entries are real).
    """
    rows = program.loss.unreduced(batch.y, z)
    mask = (
        row_mask
        if mask is None
        else mask * row_mask.reshape(row_mask.shape + (1,) * (mask.ndim - 1))
    )
    weighted, counted = weighted_sum_and_count(rows, batch.weight, mask)
    sums = {
        metric.name: metric.update(metric.init(), batch.y, output, mask)
        for metric in program.metrics
        if not metric.exact
    }
    return weighted, counted, sums, mask


@partial(jax.jit, static_argnums=0)
def penalty(links: network.Links, params: tuple[Params, ...]) -> Array | None:
    """The regularizers' part of the loss."""
    return network.penalty(links, params)


def iter_padded_blocks(data: Data) -> Iterator[tuple[Data, np.ndarray]]:
    """Host rows as padded blocks on the device, each with its 0/1 mask of real rows."""
    for start, stop, size in iter_block_ranges(len(data.x)):
        block = Data(*(None if a is None else pad(np.asarray(a[start:stop]), size) for a in data))
        yield to_device((block, (np.arange(size) < stop - start).astype(np.float32)))


def evaluate_blocks(
    program: Program,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    blocks: Iterable[tuple[Data, np.ndarray]],
    prefix: str = "",
) -> dict[str, float]:
    """The loss and the metrics over all rows, exactly: {"loss": ..., "accuracy": ...}, each name
    after `prefix`.

    Raises:
        DataError: no row has a real step.
    """
    body, head = network.split_head(program.links, program.loss)
    total, count = 0.0, 0.0
    sums: Any = {metric.name: metric.init() for metric in program.metrics if not metric.exact}
    exact = [metric for metric in program.metrics if metric.exact]
    kept: list[tuple[np.ndarray, np.ndarray]] = []
    for batch, real in blocks:
        z, output, mask = infer(body, head, params, state, batch.x)
        weighted, counted, block, mask = compute_block_sums(program, batch, z, output, real, mask)
        total, count = total + float(weighted), count + float(counted)
        sums = jax.tree.map(
            lambda a, b: a + np.asarray(b, np.float64 if b.dtype.kind == "f" else np.int64),
            sums,
            block,
        )
        if exact:
            there = np.asarray(mask) > 0
            kept.append((np.asarray(batch.y)[there], np.asarray(output)[there]))
    fix = "Masking leaves out all steps of all rows."
    require(count > 0, f"{prefix}loss", "a row with a real step", error=DataError, fix=fix)
    extra = penalty(program.links, params)
    logs = {
        "loss": program.loss.report_scale
        * (total / max(count, 1.0) + (0.0 if extra is None else float(extra)))
    }
    y, out = (np.concatenate(parts) for parts in zip(*kept, strict=True)) if exact else (None, None)
    logs |= {
        metric.name: metric.exact(y, out) if metric.exact else metric.result(sums[metric.name])
        for metric in program.metrics
    }
    return {prefix + name: value for name, value in logs.items()}


def adapt_state(
    links: network.Links, params: tuple[Params, ...], state: tuple[State, ...], x: Any
) -> tuple[State, ...]:
    """The state with the statistics that links still have to learn, each from the rows x as they
    reach it.

    Raises:
        NotReadyError: there is something to learn, but x is not in memory.
    """
    if not isinstance(x, np.ndarray):
        network.require_learned(
            links,
            state,
            "Of batches it cannot learn them: give it layer.adapt(x) of some rows, or a value_range.",
        )
        return state
    for i, link in enumerate(links):
        if all(
            functional.has_learned(inner, network.tree_get(state[i], path[1:]))
            for path, inner in network.iter_links((link,))
        ):
            continue
        here = predict(links[:i], (), params, state, x)
        if isinstance(link, Composite):
            kept: Any = sum(
                (
                    adapt_state(inside, p, s, here)
                    for inside, p, s, _ in link.iter_branches(params[i], state[i], None)
                ),
                (),
            )
        else:
            kept = link.learn(here)
        state = network.tree_set(state, (i,), kept)
    return state
