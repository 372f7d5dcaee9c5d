"""Weights by name and index, and the directions along which views move them.

A direction is a tree like the params: an array for each array that moves, None for the others. At
offset t along the direction d, the params are w + t d.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from glassnet.engine.network import (
    BuiltNetwork,
    LinkPath,
    iter_links,
    split,
    tree_get,
    tree_set,
)
from glassnet.errors import ConfigError, is_int, lookup, message, require
from glassnet.types import Array, Params, Shape

Index = int | tuple[int, ...] | None
"""One number of an array, or None for the whole array."""

Direction = tuple[Params, ...]
"""A tree like the params, with None for each array that does not move."""

FIXED_KEYS = ("bias", "gamma", "beta", "alpha")
"""Params that stay as they are along a random direction: they do not weight inputs."""


@dataclass(frozen=True)
class WeightSelection:
    """One number of an array of weights, or the whole array.

    One number moves to any value. A whole array W moves along its own direction, to s W: its factor
    s is 1 for the model, and 0 if all its numbers are 0.

    Attributes:
        name: layer and param, such as "dense_1/kernel".
        path: position of the link.
        key: name of the array in the link's params.
        shape: of the array.
        index: position of the number, one int per axis; None for the whole array.
    """

    name: str
    path: LinkPath
    key: str
    shape: Shape
    index: tuple[int, ...] | None

    @property
    def label(self) -> str:
        """Name for axes and tables: `dense_1/kernel[0, 1]`, or `factor of dense_1/kernel`."""
        if self.index is None:
            return f"factor of {self.name}"
        return self.name if math.prod(self.shape) == 1 else f"{self.name}{list(self.index)}"

    def get_array(self, params: tuple[Params, ...]) -> np.ndarray:
        """Return the array that the number is in."""
        return np.asarray(tree_get(params, self.path)[self.key])

    def get_value(self, params: tuple[Params, ...]) -> float:
        """Return the value of the number, or 1.0, the factor of a whole array."""
        return 1.0 if self.index is None else float(self.get_array(params)[self.index])

    def make_direction(self, params: tuple[Params, ...]) -> Direction:
        """Return the direction along which the value rises by 1 per unit."""
        weight = self.get_array(params)
        if self.index is not None:
            weight = np.zeros_like(weight)
            weight[self.index] = 1
        fixed = jax.tree.map(lambda _: None, params)
        entry = tree_get(fixed, self.path) | {self.key: weight}
        direction: Direction = tree_set(fixed, self.path, entry)
        return direction

    def compute_values(self, arrays: np.ndarray, params: tuple[Params, ...]) -> np.ndarray:
        """Return the value in each of several arrays (n, *shape): (n,).

        For a whole array it is the factor s that brings s W nearest to the array.
        """
        flat = np.reshape(arrays, (len(arrays), -1)).astype(np.float64)
        if self.index is not None:
            return flat[:, np.ravel_multi_index(self.index, self.shape)]
        weight = self.get_array(params).astype(np.float64).ravel()
        factors: np.ndarray = flat @ weight / (weight @ weight)
        return factors


def select_weight(
    network: BuiltNetwork, params: tuple[Params, ...], name: str, index: Index = None
) -> WeightSelection:
    """Find a weight by the name that `model.weights_named()` and the trace use.

    Args:
        network: the network.
        params: params of all links.
        name: layer and param, such as "dense_1/kernel".
        index: position of one number, such as (0, 1); an int for an array with one axis. None for
            the whole array, or for the only number of an array that has one.

    Raises:
        ConfigError: an unknown name (the message suggests the nearest), an index that does not fit,
            or a whole array of zeros, which has no direction.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Input(2), gn.layers.Dense(3)], seed=0)
        >>> snapshot = model.take_snapshot()
        >>> select_weight(snapshot.network, snapshot.params, "dense_1/kernel", (0, 1)).label
        'dense_1/kernel[0, 1]'
    """
    links = dict(iter_links(network.links))
    positions = {
        f"{links[path].name}/{key}": (path, key)
        for kind, path, key in network.weight_paths
        if kind == "params"
    }
    fix = "A network without weights has no loss curve."
    require(positions, "weight", "a network with weights", fix=fix, name=name)
    path, key = lookup("weight", name, positions)
    weight = np.asarray(tree_get(params, path)[key])
    if index is None and weight.size == 1:
        index = (0,) * weight.ndim
    selection = WeightSelection(name, path, key, weight.shape, _check_index(name, weight, index))
    fix = "Choose one number, for example index=0."
    is_movable = index is not None or np.any(weight)
    require(is_movable, name, "an array that is not all 0, to be scaled", index=index, fix=fix)
    return selection


def select_weights(
    network: BuiltNetwork, params: tuple[Params, ...], weights: Sequence[Any]
) -> tuple[WeightSelection, ...]:
    """Find several different weights, each as (name, index) or as a name alone.

    Raises:
        ConfigError: see `select_weight`; an entry that is neither; the same weight twice.
    """
    selections = []
    for weight in weights:
        name, index = (weight, None) if isinstance(weight, str) else _split_pair(weight)
        selections.append(select_weight(network, params, name, index))
    labels = [selection.label for selection in selections]
    require(len(set(labels)) == len(labels), "weights", "different weights", weights=labels)
    return tuple(selections)


def find_trainable_numbers(
    network: BuiltNetwork, params: tuple[Params, ...], most: int
) -> list[tuple[str, tuple[int, ...]]]:
    """Return (name, index) of the first numbers that training moves, at most `most` of them."""
    links, (trainable, _) = dict(iter_links(network.links)), split(network.links, params)
    numbers: list[tuple[str, tuple[int, ...]]] = []
    for kind, path, key in network.weight_paths:
        entry = tree_get(trainable, path) if kind == "params" else None
        if entry is not None:
            indices = itertools.islice(np.ndindex(*np.shape(entry[key])), most)
            numbers += [(f"{links[path].name}/{key}", index) for index in indices]
    return numbers[:most]


def _split_pair(weight: Any) -> tuple[str, Index]:
    if isinstance(weight, tuple | list) and len(weight) == 2 and isinstance(weight[0], str):
        return weight[0], weight[1]
    fix = 'Write ("dense_1/kernel", (0, 0)), or ("dense_1/bias", 0).'
    raise ConfigError(message("weight", "a pair (name, index)", received=weight, fix=fix))


def _check_index(name: str, weight: np.ndarray, index: Any) -> tuple[int, ...] | None:
    """Return the index as a tuple of ints >= 0, or None."""
    if index is None:
        return None
    axes = (index,) if is_int(index, least=-weight.size) else index
    fits = (
        isinstance(axes, tuple | list)
        and len(axes) == weight.ndim
        and all(
            is_int(i, least=-size, most=size - 1)
            for i, size in zip(axes, weight.shape, strict=True)
        )
    )
    example = tuple(size - 1 for size in weight.shape)
    last = example[0] if weight.ndim == 1 else example
    expected = f"an index into shape {weight.shape}, at most {last}, or None for the whole array"
    require(fits, name, expected, index=index)
    return tuple(int(i) % size for i, size in zip(axes, weight.shape, strict=True))


def draw_direction(
    network: BuiltNetwork, params: tuple[Params, ...], rng: np.random.Generator
) -> Direction:
    """Draw a random direction with the norms of the weights (filter normalization).

    d_ij = r_ij ||w_ij|| / ||r_ij|| for filter j of array i, with normal numbers r: each filter of
    the direction, which is what leads to one output, has the norm of the model's filter. Biases and
    the params of normalizations and activations do not move, nor do frozen layers.

    Raises:
        ConfigError: no array moves.

    Source: Li et al. 2018, Visualizing the loss landscape of neural nets, arXiv 1712.09913, sec. 4.
    """
    links = dict(iter_links(network.links))
    direction: Direction = jax.tree.map(lambda _: None, params)
    n_moved = 0
    for kind, path, key in network.weight_paths:
        if kind != "params" or key in FIXED_KEYS or not links[path].trainable:
            continue
        weight = np.asarray(tree_get(params, path)[key], np.float64)
        if weight.ndim < 2 or not weight.any():
            continue
        entry = tree_get(direction, path) | {key: _normalize_filters(rng, weight)}
        direction, n_moved = tree_set(direction, path, entry), n_moved + 1
    fix = "Biases, normalizations and frozen layers do not move. Use loss_curve for one weight."
    require(n_moved, "loss_landscape", "a kernel that is trained and not all 0", fix=fix)
    return direction


def _normalize_filters(rng: np.random.Generator, weight: np.ndarray) -> np.ndarray:
    noise = rng.normal(size=weight.shape)
    axes = tuple(range(weight.ndim - 1))
    scale = np.sqrt((weight**2).sum(axes) / (noise**2).sum(axes))
    step: np.ndarray = (noise * scale).astype(np.float32)
    return step


def move(
    params: tuple[Params, ...], directions: Sequence[Direction], offsets: Sequence[Array] | Array
) -> tuple[Params, ...]:
    """Return params + sum_k offsets[k] directions[k]. It may run inside a compiled function."""

    def move_array(weight: Array, *steps: Array) -> Array:
        for step, offset in zip(steps, offsets, strict=True):
            weight = weight if step is None else weight + offset * step
        return weight

    moved: tuple[Params, ...] = jax.tree.map(move_array, params, *directions)
    return moved
