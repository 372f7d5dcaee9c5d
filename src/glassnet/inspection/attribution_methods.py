"""Compute attributions: gradients, integrated gradients, occlusion and HiResCAM.

All derivatives are those of one output z before the last softmax or sigmoid, since their slope
vanishes where the network is sure. They come from `network.forward` and `network.backward`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import numpy as np

from glassnet.engine import inference, network, objective
from glassnet.engine.compilation import compiled
from glassnet.engine.network import Links
from glassnet.errors import ConfigError, message
from glassnet.inspection.snapshot import Snapshot
from glassnet.layers import Composite, Embedding, Layer, functional
from glassnet.layers.convolution import Convolution
from glassnet.types import Array, Params, Shape, State

MAX_BLOCK_ROWS = 64
"""Maximum number of rows that run through the network at once: with more, pictures leave the
processor's cache."""

STEPS, MAX_STEPS = 64, 4096
"""Number of points on the path of integrated gradients, and where they are no longer multiplied."""

MAX_RESIDUAL = 0.01
"""Share of the rise by which integrated gradients may miss it before they take more points."""

MAX_EXTRA_POINTS = 2**13
"""Maximum number of points of one more try, if that is more than four times those of the first."""

FEW_ROWS = 8
"""The paths of so few rows run in blocks of this size. It compiles in half the time, and is the
program of their gradient."""

MAX_BLOCK_NUMBERS = 2**24
"""Maximum number of outputs of all layers together in one block; a quarter of a gigabyte with their
derivatives."""


@dataclass(frozen=True, eq=False)
class LogitNetwork:
    """The network up to its logits, divided behind the embedding of its input.

    Attributes:
        stem: links up to an Embedding that looks up the input, which has no derivative; else none.
        links: the other links up to the logits.
        head: the softmax or sigmoid, or none.
        params: of all links.
        state: of all links.
        shapes: of one row: the input of each link, and the output of the last.
        block_rows: maximum number of rows in a block.
    """

    stem: Links
    links: Links
    head: Links
    params: tuple[Params, ...]
    state: tuple[State, ...]
    shapes: tuple[Shape, ...]
    block_rows: int

    @property
    def body(self) -> Links:
        """All links up to the logits."""
        return self.stem + self.links

    @property
    def link_weights(self) -> tuple[tuple[Params, ...], tuple[State, ...]]:
        """Params and state of `links`."""
        part = slice(len(self.stem), len(self.body))
        return self.params[part], self.state[part]

    def compute_outputs(self, x: Array) -> tuple[np.ndarray, np.ndarray]:
        """Return z and the outputs of the last layer for the rows x, both (n, ...).

        They come from the program of `predict`.
        """
        parts = []
        for start, stop, size in inference.iter_block_ranges(len(x), self.block_rows):
            block = inference.pad(np.asarray(x[start:stop]), size)
            z, output, _ = inference.infer(
                self.body, self.head, self.params, self.state, block, None
            )
            parts.append((np.asarray(z)[: stop - start], np.asarray(output)[: stop - start]))
        z, output = map(np.concatenate, zip(*parts, strict=True))
        return z, output

    def embed(self, x: Array) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the input of `links` for the rows x, and which of its steps are real.

        Without an embedding these are the rows themselves, as floats, and None.
        """
        if not self.stem:
            return np.asarray(x, np.float32), None
        n, parts, masks = len(self.stem), [], []
        for start, stop, size in inference.iter_block_ranges(len(x), self.block_rows):
            block = inference.pad(np.asarray(x[start:stop]), size)
            stem_weights = self.params[:n], self.state[:n]
            _, embedded, mask = inference.infer((), self.stem, *stem_weights, block, None)
            parts.append(np.asarray(embedded)[: stop - start])
            masks += [] if mask is None else [np.asarray(mask)[: stop - start]]
        return np.concatenate(parts), np.concatenate(masks) if masks else None

    def with_params(self, params: tuple[Params, ...]) -> LogitNetwork:
        """Return the network with other params."""
        return replace(self, params=params)


def split_at_logits(snapshot: Snapshot) -> LogitNetwork:
    """Return the network of a snapshot up to its logits."""
    body, head = snapshot.body_and_head
    if not head and objective.last_activation(body) in ("softmax", "sigmoid"):
        body, head = body[:-1], body[-1:]
    stop = next((i for i, link in enumerate(body, 1) if isinstance(link, Embedding)), 0)
    shapes = snapshot.network.known_shapes
    numbers = sum(math.prod(shape) for shape in shapes)
    return LogitNetwork(
        stem=body[:stop],
        links=body[stop:],
        head=head,
        params=snapshot.params,
        state=snapshot.state,
        shapes=shapes,
        block_rows=min(max(MAX_BLOCK_NUMBERS // numbers, 1), MAX_BLOCK_ROWS),
    )


def draw_weights(snapshot: Snapshot, seed: int) -> tuple[Params, ...]:
    """Return new starting weights for the network of a snapshot."""
    rng = np.random.default_rng(seed)
    shape = snapshot.network.shapes[0]
    return network.build(snapshot.network.layers, shape, rng)[1]


def require_derivative(net: LogitNetwork, method: str) -> None:
    """Check that the input has a derivative, or is embedded at the start of the network.

    Raises:
        ConfigError: an embedding is inside a Parallel or Residual layer.
    """
    for _, link in network.iter_links(net.links):
        if isinstance(link, Embedding):
            expected = "an Embedding that is not inside another layer"
            fix = 'Token ids have no derivative. method="occlusion" works with any network.'
            raise ConfigError(message(f"attribute: {method}", expected, layer=link.name, fix=fix))


class Block(NamedTuple):
    """Padded rows that run through the network at once.

    Attributes:
        x: input of the links.
        mask: which steps are real, or None.
        direction: weights of the outputs whose sum is explained, shaped like the outputs.
    """

    x: np.ndarray
    mask: np.ndarray | None
    direction: np.ndarray


def _iter_blocks(
    x: np.ndarray, mask: np.ndarray | None, direction: np.ndarray, block_rows: int
) -> Iterator[tuple[slice, Block]]:
    """Yield which rows a block holds, and the block."""
    for start, stop, size in inference.iter_block_ranges(len(x), block_rows):
        parts = (
            None if array is None else inference.pad(array[start:stop], size)
            for array in (x, mask, direction)
        )
        yield slice(start, stop), Block(*parts)  # type: ignore[arg-type]


@compiled(0)
def _differentiate(
    links: Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    mask: Array | None,
    direction: Array,
) -> tuple[Array, Array]:
    """Return f = sum(direction * z) of each row, and its derivative with respect to x."""
    z, pullbacks, _, _ = network.forward(links, params, state, x, mask=mask)
    _, gradient, _ = network.backward(pullbacks, direction)
    return (z * direction).reshape(len(x), -1).sum(1), gradient


def compute_gradient(
    net: LogitNetwork, x: np.ndarray, mask: np.ndarray | None, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return f (n,) and df/dx, shaped like x.

    Args:
        net: the network.
        x: rows, or their embeddings.
        mask: which steps are real, or None.
        direction: see `Block`.
    """
    outputs, gradients = np.empty(len(x)), np.empty(x.shape, np.float32)
    for rows, block in _iter_blocks(x, mask, direction, net.block_rows):
        f, gradient = _differentiate(net.links, *net.link_weights, *block)
        n = rows.stop - rows.start
        outputs[rows], gradients[rows] = np.asarray(f)[:n], np.asarray(gradient)[:n]
    return outputs, gradients


def integrate_gradient(
    net: LogitNetwork,
    ends: tuple[np.ndarray, np.ndarray],
    mask: np.ndarray | None,
    direction: np.ndarray,
    steps: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Return integrated gradients, and how far their sum is from f(x) - f(baseline).

    values = (x - baseline) * mean of df/dx at the midpoints of `steps` equal parts of the straight
    line from the baseline to x.

    Args:
        net: the network.
        ends: baseline and rows x, or their embeddings, both (n, ...).
        mask: which steps are real, or None.
        direction: see `Block`.
        steps: number of midpoints.

    Returns:
        Values shaped like x; |sum(values) - (f(x) - f(baseline))| / |f(x) - f(baseline)| (n,).
    """
    start, change = ends[0], ends[1] - ends[0]
    positions = np.array([*(np.arange(steps) + 0.5) / steps, 0, 1], np.float32)
    weights = np.array([*np.full(steps, 1 / steps), 0, 0])
    outputs = np.empty(len(change) * len(positions))
    means = np.zeros(change.shape)
    block_rows = min(net.block_rows, FEW_ROWS if len(change) <= FEW_ROWS else MAX_BLOCK_ROWS)
    for first, stop, _ in inference.iter_block_ranges(len(outputs), block_rows):
        rows, places = np.divmod(np.arange(first, stop), len(positions))
        points = start[rows] + _expand(positions[places], change.ndim) * change[rows]
        block_mask = None if mask is None else mask[rows]
        f, gradients = compute_gradient(net, points, block_mask, direction[rows])
        outputs[first:stop] = f
        inner = weights[places] > 0
        shares = _expand(weights[places[inner]], change.ndim) * gradients[inner]
        np.add.at(means, rows[inner], shares)
    *_, at_start, at_end = outputs.reshape(len(change), -1).T
    values = (change * means).astype(np.float32)
    return values, _compute_residual(values, at_end - at_start)


def integrate_closely(
    net: LogitNetwork,
    ends: tuple[np.ndarray, np.ndarray],
    mask: np.ndarray | None,
    direction: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Return integrated gradients with as many steps as each row needs: see `integrate_gradient`.

    Rows that miss f(x) - f(baseline) by more than 1 % take four times as many steps, again and
    again, while that is bearable. A small difference of two large parts needs them.
    """
    values, residual = integrate_gradient(net, ends, mask, direction, STEPS)
    steps, most = 4 * STEPS, max(MAX_EXTRA_POINTS, 4 * STEPS * len(values))
    while steps <= MAX_STEPS:
        rows = np.flatnonzero(residual > MAX_RESIDUAL)
        if not len(rows) or len(rows) * steps > most:
            break
        few_ends, few_mask = (ends[0][rows], ends[1][rows]), None if mask is None else mask[rows]
        closer = integrate_gradient(net, few_ends, few_mask, direction[rows], steps)
        is_closer = closer[1] < residual[rows]
        values[rows[is_closer]], residual[rows[is_closer]] = (each[is_closer] for each in closer)
        steps *= 4
    return values, residual


def _expand(numbers: np.ndarray, ndim: int) -> np.ndarray:
    """Return numbers (n,) with `ndim` axes."""
    return numbers.reshape(-1, *(1,) * (ndim - 1))


def _compute_residual(values: np.ndarray, rises: np.ndarray) -> np.ndarray:
    missing = np.abs(values.reshape(len(values), -1).sum(1, dtype=np.float64) - rises)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual: np.ndarray = np.where(missing == 0, 0.0, missing / np.abs(rises))
    return residual


Patch = tuple[slice | int, ...]
"""An index into one row: what is replaced at once."""


def compute_drops(
    net: LogitNetwork,
    x: np.ndarray,
    fill: np.ndarray,
    patches: Sequence[Patch],
    direction: np.ndarray,
) -> np.ndarray:
    """Return how far the output falls if a patch of a row is replaced, (n, number of patches).

    Patches that equal their replacement are 0 without being computed.

    Args:
        net: the network.
        x: rows, (n, ...).
        fill: what replaces them, (n, ...).
        patches: where to replace.
        direction: see `Block`.
    """
    drops = np.zeros((len(x), len(patches)), np.float32)
    todo = [
        (row, i)
        for row in range(len(x))
        for i, patch in enumerate(patches)
        if np.any(x[row][patch] != fill[row][patch])
    ]
    before = _project(net, x, direction)
    for start in range(0, len(todo), net.block_rows):
        part = todo[start : start + net.block_rows]
        rows = np.array([row for row, _ in part])
        changed = x[rows]
        for variant, (row, i) in zip(changed, part, strict=True):
            variant[patches[i]] = fill[row][patches[i]]
        after = _project(net, changed, direction[rows])
        drops[tuple(np.array(part).T)] = before[rows] - after
    return drops


def _project(net: LogitNetwork, x: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Return sum(direction * z) of each row x; its numbers may have another shape."""
    z, _ = net.compute_outputs(x.reshape(len(x), *net.shapes[0]))
    result: np.ndarray = (z * direction).reshape(len(z), -1).sum(1, dtype=np.float64)
    return result


def spread_drops(drops: np.ndarray, patches: Sequence[Patch], shape: Shape) -> np.ndarray:
    """Return the mean drop over the patches that cover each number, (n, *shape)."""
    total, count = np.zeros((len(drops), *shape)), np.zeros(shape)
    for i, patch in enumerate(patches):
        total[(slice(None), *patch)] += drops[:, i].reshape(-1, *(1,) * count[patch].ndim)
        count[patch] += 1
    return (total / np.maximum(count, 1)).astype(np.float32)


def divide_drops(drops: np.ndarray, patches: Sequence[Patch], changed: np.ndarray) -> np.ndarray:
    """Return the drop of each column, divided among its features that were changed.

    Args:
        drops: (n, number of columns).
        patches: the features of each column.
        changed: whether a feature was replaced by another number, (n, features).
    """
    values = np.zeros(changed.shape, np.float32)
    for i, patch in enumerate(patches):
        place = (slice(None), *patch)
        shares = changed[place].astype(np.float32)
        values[place] = drops[:, i : i + 1] * shares / np.maximum(shares.sum(1, keepdims=True), 1)
    return values


def cover(size: int, patch: int, stride: int) -> list[slice]:
    """Return windows of length `patch` that cover 0..size - 1, `stride` numbers from each other.

    Example:
        >>> cover(5, 2, 2)
        [slice(0, 2, None), slice(2, 4, None), slice(3, 5, None)]
    """
    starts = sorted({*range(0, size - patch + 1, stride), size - patch})
    return [slice(start, start + patch) for start in starts]


@compiled(0, 1)
def _map_activations(
    links: Links,
    position: int,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    mask: Array | None,
    direction: Array,
) -> Array:
    """Return relu(sum over channels of activation * delta) at a link, (n, ...) without channels."""
    _, pullbacks, _, _ = network.forward(links, params, state, x, mask=mask)
    _, _, deltas = network.backward(pullbacks, direction)
    outputs = [output for pullback in pullbacks for output in pullback.outputs]
    return jax.nn.relu((outputs[position] * deltas[position]).sum(-1))


def compute_activation_map(
    net: LogitNetwork,
    x: np.ndarray,
    mask: np.ndarray | None,
    direction: np.ndarray,
    position: int,
    shape: Shape,
) -> np.ndarray:
    """Return the HiResCAM map of each row, (n, *shape), >= 0.

    The map has one value for each place in the layer. It is stretched to `shape` by linear
    interpolation.

    Args:
        net: the network.
        x: rows, or their embeddings.
        mask: which steps are real, or None.
        direction: see `Block`.
        position: of the link among those of `iter_links`.
        shape: height and width of a picture, or (steps,) of a series.
    """
    from scipy.ndimage import zoom

    parts = []
    for rows, block in _iter_blocks(x, mask, direction, net.block_rows):
        maps = _map_activations(net.links, position, *net.link_weights, *block)
        parts.append(np.asarray(maps)[: rows.stop - rows.start])
    maps = np.concatenate(parts)
    factors = [size / n for size, n in zip(shape, maps.shape[1:], strict=True)]
    stretched: np.ndarray = zoom(maps, (1, *factors), order=1, mode="nearest", grid_mode=True)
    return stretched


class MappedLayer(NamedTuple):
    """A layer whose output is a picture or a series of channels.

    Attributes:
        position: of its output among those of `iter_links`.
        is_convolution: whether it convolves.
    """

    position: int
    is_convolution: bool


def find_mapped_layers(net: LogitNetwork, rank: int) -> dict[str, MappedLayer]:
    """Return each layer with an output (height, width, channels), by its name.

    An activation inside a layer counts as the layer's output.

    Args:
        net: the network.
        rank: 2 for pictures, 1 for series (steps, channels).
    """
    found: dict[str, MappedLayer] = {}
    shapes = _iter_shapes(net.links, *net.link_weights, net.shapes[len(net.stem)])
    for i, (link, shape) in enumerate(shapes):
        name = str(link.name)
        parent = name.rpartition(".")[0]
        if len(shape) != rank + 1:
            continue
        if parent in found:
            found[parent] = found[parent]._replace(position=i)
        else:
            found[name] = MappedLayer(i, isinstance(link, Convolution))
    return found


def _iter_shapes(
    links: Links, params: Sequence[Params], state: Sequence[State], shape: Shape
) -> Iterator[tuple[Layer, Shape]]:
    """Yield every link with the shape of its output for one row, in the order of `iter_links`."""
    for link, p, s in zip(links, params, state, strict=True):
        if isinstance(link, Composite):
            for branch, branch_params, branch_state, _ in link.iter_branches(p, s, None):
                yield from _iter_shapes(branch, branch_params, branch_state, shape)
        shape = functional.output_shape(link, p, s, shape)
        yield link, shape
