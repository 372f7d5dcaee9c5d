"""The links of a trace, grouped as layers: a Dense layer with its activation and what follows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.engine import network
from glassnet.engine.compilation import compiled
from glassnet.engine.network import LinkPath, Links
from glassnet.engine.train_step import Program, TrainState, step_key
from glassnet.errors import is_int, require
from glassnet.inspection.trace.trace_data import LinkTrace, TraceData
from glassnet.layers import Activation, AlphaDropout, Composite, Dense, Dropout, Embedding
from glassnet.preprocessing.targets import ClassTarget
from glassnet.types import Array

MAX_UNITS, MAX_LINES, MAX_LAYERS = 8, 24, 4
"""Maximum number of units and weights in a layer, and of layers, of a figure with all numbers."""

Row = int | Literal["mean"]
"""A row of a trace, or the mean over all rows."""


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """A layer of a trace.

    Attributes:
        links: the layer's link, then its activation, and layers that treat each number alone.
        branches: layers of each branch of a composite.
    """

    links: tuple[LinkTrace, ...]
    branches: tuple[tuple[LayerTrace, ...], ...] = ()

    @property
    def first(self) -> LinkTrace:
        """The layer's own link."""
        return self.links[0]

    @property
    def last(self) -> LinkTrace:
        """The link whose output the next layer receives."""
        return self.links[-1]

    @property
    def activation(self) -> LinkTrace | None:
        """The layer's activation, or None."""
        following = self.links[1:2]
        return following[0] if following and isinstance(following[0].link, Activation) else None


def group_layers(trace: TraceData) -> list[LayerTrace]:
    """Return the layers of a trace, each with its activation; those inside a composite nest."""
    return _group(trace.program.links, iter(trace.links))


def _group(links: Links, traces: Iterator[LinkTrace]) -> list[LayerTrace]:
    layers: list[LayerTrace] = []
    for link in links:
        branches: tuple[tuple[LayerTrace, ...], ...] = ()
        if isinstance(link, Composite):
            branches = tuple(tuple(_group(branch, traces)) for branch in link.branch_links)
        own = next(traces)
        if layers and isinstance(link, Activation) and _belongs(own, layers[-1].last):
            layers[-1] = LayerTrace((*layers[-1].links, own), layers[-1].branches)
        else:
            layers.append(LayerTrace((own,), branches))
    return layers


def _belongs(activation: LinkTrace, before: LinkTrace) -> bool:
    """Return whether an activation is that of the layer before, and not a layer of its own."""
    assert isinstance(activation.link, Activation)
    return activation.name == f"{before.name}.{activation.link.activation_name}"


def split_units(trace: TraceData) -> tuple[tuple[LinkTrace, ...], list[LayerTrace]] | None:
    """Return the links before the first Dense layer, and the Dense layers with what follows each.

    None if there are other layers, or too many numbers for a figure.
    """
    if trace.x.ndim != 2 or isinstance(trace.program.links[0], Embedding):
        return None
    first: list[LinkTrace] = []
    layers: list[LayerTrace] = []
    for layer in group_layers(trace):
        is_dense = isinstance(layer.first.link, Dense)
        if layer.branches or not (is_dense or _treats_each_number(layer.first)):
            return None
        if is_dense:
            layers.append(layer)
        elif layers:
            layers[-1] = LayerTrace((*layers[-1].links, *layer.links))
        else:
            first += layer.links
    sizes = [trace.x.shape[1], *(layer.first.output.shape[1] for layer in layers)]
    n_lines = max((a * b for a, b in itertools.pairwise(sizes)), default=0)
    is_small = max(sizes) <= MAX_UNITS and n_lines <= MAX_LINES and len(layers) <= MAX_LAYERS
    return (tuple(first), layers) if layers and is_small else None


def _treats_each_number(link: LinkTrace) -> bool:
    return not link.params and link.input.ndim == 2 and link.input.shape == link.output.shape


@dataclass(frozen=True)
class RowChoice:
    """The row that a figure shows.

    Attributes:
        n: number of rows of the trace.
        row: index of a row, or "mean": values are means over the rows, derivatives are sums, so
            that they are of the mean loss.
        own: whether derivatives are of the loss of the row alone.
    """

    n: int
    row: Row = 0
    own: bool = False

    def value(self, array: np.ndarray) -> np.ndarray:
        """Return an array (n, ...) of values for the row."""
        return np.asarray(array.mean(0) if isinstance(self.row, str) else array[self.row])

    def derivative(self, array: np.ndarray) -> np.ndarray:
        """Return an array (n, ...) of derivatives for the row."""
        if isinstance(self.row, str):
            return np.asarray(array.sum(0))
        return np.asarray(array[self.row] * (self.n if self.own else 1))

    def describe(self) -> str:
        """Return which row is shown, and of what derivatives are; "" if there is one row."""
        if self.n == 1:
            return ""
        if isinstance(self.row, str):
            return f"Values are means over {self.n} rows; derivatives are of their mean loss."
        of = "its own loss" if self.own else f"the mean loss of all {self.n} rows"
        return f"Row {self.row} of {self.n}; derivatives are of {of}."


def choose_row(trace: TraceData, row: Row, own: bool = False) -> RowChoice:
    """Return the choice of a row.

    Raises:
        ConfigError: it is neither a row nor "mean".
    """
    n = len(trace.x)
    is_row = is_int(row, 0) and int(row) < n
    expected = f'row from 0 to {n - 1}, or "mean"'
    require(is_row or (row == "mean" and not own), "trace", expected, row=row)
    return RowChoice(n, int(row) if is_row else "mean", own)


def name_units(trace: TraceData) -> tuple[str, ...]:
    """Return the name of each input if one row is a row of numbers, else ()."""
    if trace.x.ndim != 2 or isinstance(trace.program.links[0], Embedding):
        return ()
    n = trace.x.shape[1]
    for names in (trace.feature_names, trace.vocabulary):
        if len(names) == n:
            return tuple(names)
    return ("x",) if n == 1 else tuple(f"x{i + 1}" for i in range(n))


def get_class_labels(trace: TraceData) -> tuple[str, ...]:
    """Return the labels of the target of a table, or ()."""
    target = trace.preprocessor.target if trace.preprocessor is not None else None
    return tuple(map(str, target.labels)) if isinstance(target, ClassTarget) else ()


def get_tokens(trace: TraceData, row: Row) -> list[str]:
    """Return the words of a row, if the model takes texts and the row is a list of words."""
    first = trace.program.links[0] if trace.program.links else None
    if not trace.vocabulary or isinstance(row, str) or not isinstance(first, Embedding):
        return []
    return [trace.vocabulary[int(i)] for i in trace.x[row] if i]


def find_dropped(trace: TraceData) -> dict[str, np.ndarray]:
    """Return which numbers each Dropout layer dropped, as booleans shaped like its output."""
    if not trace.training:
        return {}
    return {
        str(link.name): np.asarray(_find_dropped(trace.program, path, trace.train_state, trace.x))
        for path, link in network.iter_links(trace.program.links)
        if isinstance(link, Dropout | AlphaDropout)
    }


@compiled(0, 1)
def _find_dropped(program: Program, path: LinkPath, train_state: TrainState, x: Array) -> Array:
    """Return where the output of the Dropout at `path` does not depend on its input."""
    link_input, key, mask = network.compute_link_input(
        program.links,
        train_state.params,
        train_state.state,
        x,
        path,
        key=step_key(program, train_state),
        train=True,
    )
    link = dict(network.iter_links(program.links))[path]
    low, high = (
        link.apply({}, {}, jnp.full_like(link_input, value), key=key, train=True, mask=mask)[0]
        for value in (0.0, 1.0)
    )
    return low == high


def has_penalty(trace: TraceData) -> bool:
    """Return whether the loss includes penalties of weights."""
    params = trace.train_state.params
    return any(
        link.trainable and link.penalty(network.tree_get(params, path)) is not None
        for path, link in network.iter_links(trace.program.links)
        if jax.tree.leaves(network.tree_get(params, path)) and not isinstance(link, Composite)
    )
