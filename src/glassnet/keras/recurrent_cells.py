"""Keras's recurrent cells, and `RNN`, which makes a recurrent layer of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any

from glassnet import layers
from glassnet.errors import require
from glassnet.layers.recurrent import Recurrent

RNN_FIX = (
    "Write RNN(LSTMCell(32)), with a list of cells for a stack. A cell of your own becomes a "
    "layer: a subclass of keras.layers.Layer with jax.lax.scan over the steps."
)


@dataclass(frozen=True)
class RecurrentCell:
    """Step of a recurrent layer, from which `RNN` makes the layer.

    Args:
        steps: a layer of such steps, with default values for what `RNN` decides.
    """

    steps: Recurrent


@dataclass(frozen=True)
class CellStack:
    """Cells of which each reads the output of the one before, at each step."""

    cells: tuple[RecurrentCell, ...]


@dataclass(frozen=True)
class CellType:
    """Type of the cells of one kind of layer, for `isinstance`."""

    kind: type[Recurrent]

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(value, RecurrentCell) and isinstance(value.steps, self.kind)


def cell_factory(kind: type[Recurrent]) -> Callable[..., RecurrentCell]:
    """Return a function with the arguments of a kind of layer that makes its cell."""

    @wraps(kind, updated=())
    def make_cell(**options: Any) -> RecurrentCell:
        return RecurrentCell(kind(**options))

    return make_cell


def stack_cells(cells: Any, name: str | None = None, trainable: bool = True) -> CellStack:
    """Return a stack of cells, which `RNN` runs as layers one after the other."""
    members = list(cells) if isinstance(cells, list | tuple) else []
    is_stack = bool(members) and all(isinstance(cell, RecurrentCell) for cell in members)
    names = [type(cell).__name__ for cell in members]
    expected = "a list of SimpleRNNCell, GRUCell or LSTMCell"
    require(is_stack, "StackedRNNCells", expected, cells=names, fix=RNN_FIX)
    return CellStack(tuple(members))


def make_rnn(
    cell: Any,
    return_sequences: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
    *,
    name: str | None = None,
    trainable: bool = True,
) -> layers.Layer:
    """Return the recurrent layer of a cell, or of several, each a layer inside one."""
    cell = stack_cells(cell) if isinstance(cell, list | tuple) else cell
    expected = "a SimpleRNNCell, GRUCell or LSTMCell, or a list of them"
    is_cell = isinstance(cell, RecurrentCell | CellStack)
    require(is_cell, "RNN", expected, cell=type(cell).__name__, fix=RNN_FIX)
    cells = cell.cells if isinstance(cell, CellStack) else (cell,)
    stack = [replace(each.steps, return_sequences=True) for each in cells]
    stack[0] = replace(stack[0], go_backwards=go_backwards)
    stack[-1] = replace(
        stack[-1], return_sequences=return_sequences, zero_output_for_mask=zero_output_for_mask
    )
    if len(stack) == 1:
        return replace(stack[0], name=name, trainable=trainable)
    return layers.Parallel([stack], name=name, trainable=trainable)


def is_rnn(layer: Any) -> bool:
    """Return whether a layer is recurrent, or a stack of recurrent layers."""
    if isinstance(layer, layers.Parallel) and len(layer.branches) == 1:
        return all(isinstance(each, Recurrent) for each in layer.branches[0])
    return isinstance(layer, Recurrent)


@dataclass(frozen=True)
class LayerType:
    """Type of the layers that a function recognizes, for `isinstance`."""

    is_instance: Callable[[Any], bool]

    def __instancecheck__(self, layer: Any) -> bool:
        return self.is_instance(layer)
