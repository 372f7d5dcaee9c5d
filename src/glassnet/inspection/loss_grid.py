"""The loss at many points along one or two directions from a model's weights.

The links before the first one that moves are run once. If that link is affine in its params, as a
Dense layer or a convolution is, it is run once too: z(a, b) = z0 + a z1 + b z2, where z1 and z2 are
its derivatives along the directions. Each point starts behind it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet.engine import inference, network
from glassnet.engine.compilation import compiled
from glassnet.engine.inference import BLOCK_SIZES, iter_padded_blocks
from glassnet.engine.placement import to_device
from glassnet.engine.train_step import Program, weighted_sum_and_count
from glassnet.inspection.progress import show_progress
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.weight_selection import Direction, move
from glassnet.layers import functional
from glassnet.types import Array, Params, State

BLOCK_BYTES = 2**14
"""The largest output of a link for one block of rows: several of them fit into a core's cache."""

MIN_IMAGES, MIN_ROWS, MIN_PLAIN_ROWS = 16, 64, 512
"""Rows per block if they are larger: images, rows behind an affine link, and other rows.

Fewer make products of matrices slow, and each block moves the weights once more.
"""

MAX_BLOCK_BYTES = 2**25
"""The largest output of a link for one block, however many rows that leaves."""

POINTS_PER_CALL = 256
"""Maximum number of points that one call of a compiled program computes."""

POINTS_AT_ONCE = 4
"""Number of points that are computed side by side, if the first link that moves gives (n, units).

Convolutions with several kernels at once are slower than one after the other.
"""

CALL_SECONDS = 0.2
"""About how long a call lasts, so that the progress bar moves and Ctrl-C is heard."""


@dataclass(frozen=True, eq=False)
class LossGrid:
    """The loss of a model as a function of offsets along one or two directions.

    Attributes:
        snapshot: a model with rows and targets.
        directions: trees like the params, with None for what does not move.
        use_affine: whether to use that the first link that moves is affine, if it is. The result is
            the same, but for rounding.
        block_rows: rows per block; None chooses a number whose activations fit into a cache.
    """

    snapshot: Snapshot
    directions: tuple[Direction, ...]
    use_affine: bool = True
    block_rows: int | None = None

    @property
    def program(self) -> Program:
        """Links and loss."""
        assert self.snapshot.program is not None
        return self.snapshot.program

    def compute_center(self) -> float:
        """Return the loss of the model, computed exactly as `evaluate` does."""
        data, params, state = self.snapshot.data, self.snapshot.params, self.snapshot.state
        return inference.evaluate_blocks(self.program, params, state, iter_padded_blocks(data))[
            "loss"
        ]

    def compute(self, points: np.ndarray, who: str = "loss") -> np.ndarray:
        """Return the loss at params + sum_k points[:, k] directions[k]: (n, k) to (n,), float64.

        As in `evaluate`, it includes the penalties and has the unit of the targets. Where it is not
        a number or infinite, it stays so.

        Args:
            points: offsets from the model's weights, one column per direction.
            who: name for the progress bar.
        """
        points = np.asarray(points, np.float32)
        first = self._first_moved()
        start_function = _start_affine if self._starts_affine() else _start_plain
        params, state = to_device((self.snapshot.params, self.snapshot.state))
        directions = to_device(self.directions)
        totals, count = np.zeros(len(points)), np.zeros(len(points))
        n_blocks = -(-len(self.snapshot.x) // self.choose_block_rows())
        pacer = _Pacer()
        with show_progress(who, n_blocks * len(points)) as advance:
            for batch, row_mask in self._iter_blocks():
                start = start_function(self.program, first, params, state, directions, batch.x)
                rows = (batch.y, batch.weight, row_mask)
                for span in pacer.iter_spans(len(points)):
                    buffer = np.zeros((POINTS_PER_CALL, points.shape[1]), np.float32)
                    buffer[: span.stop - span.start] = points[span]
                    n = np.int32(span.stop - span.start)
                    sums = _sum_losses(
                        self.program, first, params, state, directions, start, rows, (buffer, n)
                    )
                    block_totals, block_counts = (np.asarray(each)[:n] for each in sums)
                    totals[span] += block_totals
                    count[span] += block_counts
                    advance(int(n))
        loss = totals / np.maximum(count, 1) + self._compute_penalties(points)
        scaled: np.ndarray = self.program.loss.report_scale * loss
        return scaled

    def _compute_penalties(self, points: np.ndarray) -> np.ndarray | float:
        links, params = self.program.links, self.snapshot.params
        if network.penalty(links, params) is None:
            return 0.0
        return np.asarray(_penalties(links, params, self.directions, points), np.float64)

    def _first_moved(self) -> int:
        """Return the index of the first link of which something moves."""
        moved = [
            i
            for direction in self.directions
            for i, entry in enumerate(direction)
            if jax.tree.leaves(entry)
        ]
        return min(moved)

    def choose_block_rows(self) -> int:
        """Return the number of rows per block."""
        if self.block_rows is not None:
            return self.block_rows
        shapes = self.snapshot.network.known_shapes[self._first_moved() + 1 :]
        least = MIN_ROWS if self._starts_affine() else MIN_PLAIN_ROWS
        least = MIN_IMAGES if max(map(len, shapes)) >= 3 else least
        row_bytes = 4 * max(math.prod(shape) for shape in shapes)
        rows = min(max(least, BLOCK_BYTES // row_bytes), BLOCK_SIZES[-1])
        return max(1, min(rows, MAX_BLOCK_BYTES // row_bytes))

    def _starts_affine(self) -> bool:
        return self.use_affine and self.program.links[self._first_moved()].is_affine

    def _iter_blocks(self) -> Any:
        return iter_padded_blocks(self.snapshot.data, self.choose_block_rows())


class _Pacer:
    """Chooses how many points a call computes, so that it lasts about `CALL_SECONDS`."""

    def __init__(self) -> None:
        self.n = 1

    def iter_spans(self, n_points: int) -> Any:
        start = 0
        while start < n_points:
            stop = min(start + self.n, n_points)
            before = time.perf_counter()
            yield slice(start, stop)
            if time.perf_counter() - before < CALL_SECONDS / 2:
                self.n = min(2 * self.n, POINTS_PER_CALL)
            start = stop


class _Start(NamedTuple):
    """The start of the points of a block.

    Attributes:
        z: input of the remaining links at offset 0.
        slopes: its change per unit along each direction; empty if it does not move.
        mask: which entries of z are real; None for all.
    """

    z: Array
    slopes: tuple[Array, ...]
    mask: Array | None


@compiled(0, 1)
def _start_plain(
    program: Program,
    first: int,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    directions: tuple[Direction, ...],
    x: Array,
) -> _Start:
    """Run the links before `first`."""
    z, _, mask = functional.run(program.links[:first], params[:first], state[:first], x)
    return _Start(z, (), mask)


@compiled(0, 1)
def _start_affine(
    program: Program,
    first: int,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    directions: tuple[Direction, ...],
    x: Array,
) -> _Start:
    """Run the links up to and including `first`, which is affine in its params."""
    z, _, mask = functional.run(program.links[:first], params[:first], state[:first], x)
    link, p, s = program.links[first], params[first], state[first]

    def call(p: Params) -> tuple[Array, Array | None]:
        y, _, y_mask = link.run(p, s, z, key=None, train=False, mask=mask)
        return y, y_mask

    (y, y_mask), slopes = call(p), []
    for direction in directions:
        step = jax.tree.map(lambda w, d: jnp.zeros_like(w) if d is None else d, p, direction[first])
        slopes.append(jax.jvp(lambda p: call(p)[0], (p,), (step,))[1])
    return _Start(y, tuple(slopes), y_mask)


@compiled(0, 1)
def _sum_losses(
    program: Program,
    first: int,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    directions: tuple[Direction, ...],
    start: _Start,
    rows: tuple[Array, Array | None, Array],
    points: tuple[Array, Array],
) -> tuple[Array, Array]:
    """Return the sum of weighted losses of a block at each point, and the number of real entries.

    Args:
        program: links and loss.
        first: index of the first link that moves.
        params, state: of all links.
        directions: see `LossGrid`.
        start: where the points start.
        rows: targets, weights and mask of the block.
        points: offsets (POINTS_PER_CALL, k), and how many of them to compute.
    """
    body, _ = network.split_head(program.links, program.loss)
    y, weight, row_mask = rows
    after = slice(first + len(start.slopes[:1]), len(body))
    offsets, n = points

    def compute_point(point: Array) -> tuple[Array, Array]:
        z = start.z
        for slope, offset in zip(start.slopes, point, strict=bool(start.slopes)):
            z = z + offset * slope
        moved = move(params[after], [direction[after] for direction in directions], point)
        z, _, mask = functional.run(body[after], moved, state[after], z, mask=start.mask)
        real = row_mask if mask is None else mask * _expand(row_mask, mask)
        losses = program.loss.unreduced(y, z)
        return weighted_sum_and_count(losses, weight, real)

    size = POINTS_AT_ONCE if start.z.ndim == 2 else 1

    def compute(i: Array, sums: tuple[Array, Array]) -> tuple[Array, Array]:
        group = lax.dynamic_slice_in_dim(offsets, i * size, size)
        results = jax.vmap(compute_point)(group)
        totals, counts = (
            lax.dynamic_update_slice_in_dim(all_points, values, i * size, 0)
            for all_points, values in zip(sums, results, strict=True)
        )
        return totals, counts

    zeros = jnp.zeros(len(offsets), start.z.dtype)
    n_groups = -(-n // size)
    sums: tuple[Array, Array] = lax.fori_loop(0, n_groups, compute, (zeros, zeros))
    return sums


def _expand(row_mask: Array, mask: Array) -> Array:
    return row_mask.reshape(row_mask.shape + (1,) * (mask.ndim - 1))


@compiled(0)
def _penalties(
    links: network.Links,
    params: tuple[Params, ...],
    directions: Sequence[Direction],
    points: Array,
) -> Array:
    return lax.map(lambda point: network.penalty(links, move(params, directions, point)), points)
