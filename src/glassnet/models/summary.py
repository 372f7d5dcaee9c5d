"""The table that `model.summary()` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from glassnet.engine import network
from glassnet.engine.network import BuiltNetwork
from glassnet.layers import Composite, Layer, functional
from glassnet.types import PartialShape

Row = tuple[str, str, str, str]
"""Name, type, output shape and number of weights of a layer."""


def format_summary(built: BuiltNetwork, params: Any, state: Any, preprocessor: Any = None) -> str:
    """Return one line per layer, with the parts of composites indented below, then the totals.

    Args:
        built: the network.
        params: params of its links.
        state: state of its links.
        preprocessor: preprocessor of the model, or None.
    """
    rows = iter_layer_lines(built.layers, params, state, built.shapes[0])
    header, rule, *lines = _align(rows)
    trainable = network.count_params(network.split(built.links, params)[0])
    total = network.count_params((params, state))
    totals = (
        f"input {built.shapes[0]}; {total:,} weights: {trainable:,} trainable, "
        f"{total - trainable:,} not trainable"
    )
    data: list[str] = []
    if preprocessor is not None:
        text = f"{preprocessor.target}, from {preprocessor.describe()}"
        data = textwrap.wrap(text, 100, subsequent_indent="  ")
    return "\n".join([*data, header, rule, *lines, rule, totals])


def format_unknown(layers: Sequence[Layer]) -> str:
    """Return one line per layer, for a model that does not know the shape of its input."""
    rows = [(str(layer.name), type(layer).__name__, "?", "?") for layer in layers]
    header, rule, *lines = _align(rows)
    totals = "input ?; its shape is known after fit, or if an Input is the first layer"
    return "\n".join([header, rule, *lines, rule, totals])


def _align(rows: Iterable[Row]) -> list[str]:
    """Return the header, a rule and the rows as lines, in columns."""
    table = [("layer", "type", "output", "weights"), *rows]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    header, *lines = [
        "  ".join([*map(str.ljust, row[:3], widths), row[3].rjust(widths[3])]) for row in table
    ]
    return [header, "─" * len(header), *lines]


def iter_layer_lines(
    layers: Sequence[Layer], params: Any, state: Any, shape: PartialShape, indent: str = ""
) -> Iterator[Row]:
    """Yield (name, type, output shape, number of weights) of each layer and of its parts.

    Args:
        layers: in order.
        params: params of their links.
        state: state of their links.
        shape: shape of one example.
        indent: put before the names; the parts of composites have two more blanks.
    """
    start = 0
    for layer in layers:
        links = layer.unfold()
        span = slice(start, start := start + len(links))
        input_shape = shape
        for link, p, s in zip(links, params[span], state[span], strict=True):
            shape = functional.output_partial_shape(link, p, s, shape)
        frozen = "" if layer.trainable else " (frozen)"
        n_numbers = network.count_params((params[span], state[span]))
        yield indent + str(layer.name), type(layer).__name__ + frozen, str(shape), f"{n_numbers:,}"
        if isinstance(layer, Composite):
            branches = layer.iter_branches(params[span][0], state[span][0], None)
            for named, (_, p, s, _) in zip(layer.named_branches, branches, strict=True):
                yield from iter_layer_lines(named, p, s, input_shape, indent + "  ")
