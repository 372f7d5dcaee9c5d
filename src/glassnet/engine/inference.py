"""Inference in blocks of a few fixed sizes, so that compiled programs are reused."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from glassnet.engine import network
from glassnet.engine.compilation import compiled
from glassnet.engine.network import Links
from glassnet.engine.placement import ONE_DEVICE, Placement, placement_of, to_local
from glassnet.engine.step_padding import StepPadding
from glassnet.engine.train_step import Data, Program, weighted_sum_and_count
from glassnet.errors import DataError, require
from glassnet.layers import Composite, functional
from glassnet.processes import exchange
from glassnet.types import Array, Params, State

BLOCK_SIZES: tuple[int, ...] = (1, 8, 64, 512, 4096)
"""A block is padded to the smallest size that holds it; more rows are split into the largest."""

MAX_PADDED_ROWS = 512
"""Largest number of rows whose steps are padded in `predict`."""


@compiled(0, 1)
def infer(
    body: Links,
    head: Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    mask: Array | None,
) -> tuple[Array, Array, Array | None]:
    """Return (z, output, mask): outputs of the body and the head, and which entries are real.

    Args:
        body, head, params, state: the network, its weights and its statistics.
        x: the rows.
        mask: their real steps (rows, steps); None for all.
    """
    n, end = len(body), len(body) + len(head)
    z, _, mask = functional.run(body, params[:n], state[:n], x, mask=mask)
    output, _, mask = functional.run(head, params[n:end], state[n:end], z, mask=mask)
    return z, output, mask


@compiled(0, 1)
def run_links(
    links: Links,
    train: bool,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    key: Array | None,
    mask: Array | None,
) -> Array:
    """Return the output of the links; with `train`, with noise and the statistics of the batch."""
    return functional.run(links, params, state, x, key=key, train=train, mask=mask)[0]


@compiled(0, 1)
def infer_layers(
    links: Links,
    ends: tuple[int, ...],
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
) -> tuple[Array, ...]:
    """Return the outputs of the network after its first `end` links, for each of `ends`."""
    outputs: list[Array] = []
    start, mask = 0, None
    for end in ends:
        part = slice(start, end)
        x, _, mask = functional.run(links[part], params[part], state[part], x, mask=mask)
        outputs.append(x)
        start = end
    return tuple(outputs)


def iter_block_ranges(n: int, block_rows: int | None = None) -> Iterator[tuple[int, int, int]]:
    """Yield (start, stop, padded size) of each block of n rows.

    Args:
        n: number of rows.
        block_rows: maximum number of rows in a block; None for the largest of `BLOCK_SIZES`.

    Example:
        >>> list(iter_block_ranges(5000))
        [(0, 4096, 4096), (4096, 5000, 4096)]
        >>> list(iter_block_ranges(5, block_rows=3))
        [(0, 3, 3), (3, 5, 3)]
    """
    largest, sizes = BLOCK_SIZES[-1], BLOCK_SIZES
    if block_rows is not None:
        largest = block_rows
        sizes = (*(size for size in BLOCK_SIZES if n <= size < largest), largest)
    for start in range(0, n, largest):
        stop = min(start + largest, n)
        yield start, stop, next(size for size in sizes if size >= stop - start)


def pad(array: np.ndarray, size: int) -> np.ndarray:
    """Pad an array to `size` rows by repeating the last row.

    A row of zeros might produce non-finite values in some layers.
    """
    if len(array) == size:
        return array
    return np.concatenate([array, np.repeat(array[-1:], size - len(array), axis=0)])


def predict(
    body: Links,
    head: Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: np.ndarray,
    block_rows: int | None = None,
    on_block: Callable[[int], None] | None = None,
    padding: StepPadding | None = None,
) -> np.ndarray:
    """Return the network's output for the rows x, computed block by block.

    If the params are on several devices, these share the rows of each block.

    Args:
        body, head, params, state: the network, its weights and its statistics.
        x: the rows.
        block_rows: see `iter_block_ranges`.
        on_block: called after each block with its number of rows.
        padding: how the steps of few rows are padded: calls with sequences of other lengths then
            need no program of their own. None for no padding. Many rows are not padded: computing
            more steps would cost more than compiling.
    """
    outputs, placement = [], placement_of(params)
    for start, stop, size in iter_block_ranges(len(x), block_rows):
        size = placement.round_up(size)
        block, mask = pad(np.asarray(x[start:stop]), size), None
        if padding is not None and len(x) <= MAX_PADDED_ROWS:
            block, mask = padding.pad_features(block)
        if placement.n_devices > 1:
            block, mask = placement.split((block, mask))
        _, output, _ = infer(body, head, params, state, block, mask)
        rows = np.asarray(output)[: stop - start]
        if mask is not None and padding is not None and padding.has_output_steps:
            rows = rows[:, : x.shape[1]]
        outputs.append(rows)
        if on_block:
            on_block(stop - start)
    return np.array(outputs[0]) if len(outputs) == 1 else np.concatenate(outputs)


def predict_layers(
    links: Links,
    ends: tuple[int, ...],
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: np.ndarray,
) -> tuple[np.ndarray, ...]:
    """Return the outputs after several numbers of links, as `infer_layers` does, for all rows."""
    blocks = []
    for start, stop, size in iter_block_ranges(len(x)):
        block = pad(np.asarray(x[start:stop]), size)
        outputs = infer_layers(links, ends, params, state, block)
        blocks.append([np.asarray(output)[: stop - start] for output in outputs])
    return tuple(map(np.concatenate, zip(*blocks, strict=True)))


@compiled(0)
def compute_block_sums(
    program: Program, batch: Data, z: Array, output: Array, row_mask: Array, mask: Array | None
) -> tuple[Array, Array, Any, Array]:
    """Return one block's (sum of weighted losses, number of real entries, metric sums, mask).

    Metrics with an `exact` method have no sums here: `evaluate_blocks` collects their inputs.
    """
    losses = program.loss.unreduced(batch.y, z)
    if row_mask.ndim == 2:  # of steps, too: they are in the network's mask
        row_mask = row_mask.max(axis=1)
    if mask is None:
        mask = row_mask
    else:
        mask = mask * row_mask.reshape(row_mask.shape + (1,) * (mask.ndim - 1))
    total, count = weighted_sum_and_count(losses, batch.weight, mask)
    sums = {
        metric.name: metric.update(metric.init(), batch.y, output, mask)
        for metric in program.metrics
        if not metric.exact
    }
    return total, count, sums, mask


@compiled(0)
def penalty(links: Links, params: tuple[Params, ...]) -> Array | None:
    """Return the sum of the regularization penalties, or None if there are none."""
    return network.penalty(links, params)


def iter_padded_blocks(
    data: Data,
    block_rows: int | None = None,
    padding: StepPadding | None = None,
    placement: Placement = ONE_DEVICE,
) -> Iterator[tuple[Data, np.ndarray]]:
    """Yield host data as padded blocks on the devices, each with a 0/1 mask of real rows.

    Args:
        data: the rows.
        block_rows: see `iter_block_ranges`.
        padding: how steps are padded, too; the masks are then (rows, steps). None for no padding.
        placement: the devices. Those of this process share the rows of each block.
    """
    placement = placement.local
    for start, stop, size in iter_block_ranges(len(data.x), block_rows):
        size = placement.round_up(size)
        block = Data(*(None if a is None else pad(np.asarray(a[start:stop]), size) for a in data))
        mask = (np.arange(size) < stop - start).astype(np.float32)
        if padding is not None:
            block, step_mask = padding.pad(block)
            mask = mask[:, None] * step_mask
        yield placement.split((block, mask))


def find_real_rows(mask: Array) -> np.ndarray:
    """Return which rows of a padded block are real, (n,) booleans, from its mask."""
    is_real: np.ndarray = np.asarray(mask) > 0
    return is_real if is_real.ndim == 1 else np.any(is_real, axis=1)


class BlockSums(NamedTuple):
    """Sums over blocks of rows, from which the loss and the metrics are computed.

    Attributes:
        total: sum of the weighted losses.
        n_real: number of real entries.
        metric_sums: sums of the metrics by name, without those that have an `exact` method.
        targets, outputs: the real entries of each block, for exact metrics.
    """

    total: float
    n_real: float
    metric_sums: Any
    targets: list[np.ndarray]
    outputs: list[np.ndarray]


def evaluate_blocks(
    program: Program,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    blocks: Iterable[tuple[Data, np.ndarray]],
    prefix: str = "",
    placement: Placement = ONE_DEVICE,
) -> dict[str, float]:
    """Return the exact loss and metrics over all rows: {"loss": ..., "accuracy": ...}.

    Args:
        program: links, loss and metrics.
        params: params of all links.
        state: state of all links.
        blocks: as `iter_padded_blocks` yields them.
        prefix: prepended to each name.
        placement: devices of several processes if each has other blocks; the result is then that
            of all blocks, in all processes.

    Raises:
        DataError: every entry is masked.
    """
    if placement.n_processes == 1:
        sums = _sum_blocks(program, params, state, blocks)
    else:
        params, state = to_local((params, state))
        sums = _sum_over_processes(partial(_sum_blocks, program, params, state, blocks))
    fix = "The mask excludes every step of every row."
    is_real = sums.n_real > 0
    require(is_real, f"{prefix}loss", "at least one unmasked step", error=DataError, fix=fix)
    extra = penalty(program.links, params)
    loss = sums.total / max(sums.n_real, 1.0) + (0.0 if extra is None else float(extra))
    logs = {f"{prefix}loss": program.loss.report_scale * loss}
    has_exact = any(metric.exact for metric in program.metrics)
    pairs = (np.concatenate(sums.targets), np.concatenate(sums.outputs)) if has_exact else ()
    for metric in program.metrics:
        logs[prefix + metric.name] = (
            metric.exact(*pairs) if metric.exact else metric.result(sums.metric_sums[metric.name])
        )
    return logs


def _sum_blocks(
    program: Program,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    blocks: Iterable[tuple[Data, np.ndarray]],
) -> BlockSums:
    body, head = network.split_head(program.links, program.loss)
    total, count = 0.0, 0.0
    sums: Any = {metric.name: metric.init() for metric in program.metrics if not metric.exact}
    has_exact = any(metric.exact for metric in program.metrics)
    targets, outputs = [], []
    for batch, row_mask in blocks:
        step_mask = row_mask if row_mask.ndim == 2 else None
        z, output, mask = infer(body, head, params, state, batch.x, step_mask)
        block_total, block_count, block_sums, mask = compute_block_sums(
            program, batch, z, output, row_mask, mask
        )
        total, count = total + float(block_total), count + float(block_count)
        sums = jax.tree.map(_add_on_host, sums, block_sums)
        if has_exact:
            is_real = np.asarray(mask) > 0
            targets.append(np.asarray(batch.y)[is_real])
            outputs.append(np.asarray(output)[is_real])
    return BlockSums(total, count, sums, targets, outputs)


def _sum_over_processes(sum_own: Callable[[], BlockSums]) -> BlockSums:
    """Return the sums over the blocks of all processes.

    Raises:
        DataError: a process cannot read its blocks.
    """
    own, failure = BlockSums(0.0, 0.0, {}, [], []), None
    try:
        own = sum_own()
    except DataError as error:
        failure = error
    exchange.raise_together(failure, "rows to evaluate")
    leaves, structure = jax.tree.flatten(own.metric_sums)
    arrays = [np.asarray(leaf) for leaf in leaves]
    value = own._replace(metric_sums=arrays)._asdict()
    parts = [BlockSums(**part) for part in exchange.all_gather(value, "sums of an evaluation")]
    sums = [sum(each[1:], each[0]) for each in zip(*(p.metric_sums for p in parts), strict=True)]
    return BlockSums(
        total=sum(part.total for part in parts),
        n_real=sum(part.n_real for part in parts),
        metric_sums=jax.tree.unflatten(structure, sums),
        targets=[array for part in parts for array in part.targets],
        outputs=[array for part in parts for array in part.outputs],
    )


def _add_on_host(total: Any, value: Any) -> Any:
    """Add in float64 or int64."""
    return total + np.asarray(value, np.float64 if value.dtype.kind == "f" else np.int64)


def adapt_state(
    links: Links, params: tuple[Params, ...], state: tuple[State, ...], x: Any
) -> tuple[State, ...]:
    """Compute missing layer statistics from the rows x, as they reach each link.

    Raises:
        NotReadyError: statistics are missing, but x is not an array in memory.
    """
    if not isinstance(x, np.ndarray):
        network.require_learned(
            links,
            state,
            "They cannot be learned from batches: use layer.adapt(x) with a sample of the rows, "
            "or set value_range.",
        )
        return state
    for i, link in enumerate(links):
        if all(
            functional.has_learned(inner, network.tree_get(state[i], path[1:]))
            for path, inner in network.iter_links((link,))
        ):
            continue
        link_input = predict(links[:i], (), params, state, x)
        if isinstance(link, Composite):
            learned: State = ()
            for branch, p, s, _ in link.iter_branches(params[i], state[i], None):
                learned += adapt_state(branch, p, s, link_input)
        else:
            learned = link.learn(link_input)
        state = network.tree_set(state, (i,), learned)
    return state
