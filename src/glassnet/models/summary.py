"""The table that `model.summary()` prints."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from glassnet.engine import network
from glassnet.engine.network import BuiltNetwork
from glassnet.layers import Composite, Layer, functional
from glassnet.types import PartialShape


def format_summary(built: BuiltNetwork, params: Any, state: Any, preprocessor: Any = None) -> str:
    """Return one line per layer, with the parts of composites indented below, then the totals.

    Args:
        built: the network.
        params: params of its links.
        state: state of its links.
        preprocessor: preprocessor of the model, or None.
    """
    header = ("layer", "type", "output", "weights")
    rows = [header, *iter_layer_lines(built.layers, params, state, built.shapes[0])]
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ["  ".join([*map(str.ljust, row[:3], widths), row[3].rjust(widths[3])]) for row in rows]
    rule = "─" * len(lines[0])
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
    return "\n".join([*data, lines[0], rule, *lines[1:], rule, totals])


def iter_layer_lines(
    layers: Sequence[Layer], params: Any, state: Any, shape: PartialShape, indent: str = ""
) -> Iterator[tuple[str, str, str, str]]:
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
