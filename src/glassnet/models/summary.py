"""A network in a table: what each layer puts out and how many numbers it holds, all derived."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from glassnet.engine import network
from glassnet.engine.network import BuiltNetwork
from glassnet.layers import Composite, Layer, functional
from glassnet.types import Shape


def format_summary(built: BuiltNetwork, params: Any, state: Any, preprocessor: Any = None) -> str:
    """One row per layer, those inside a composite indented below it, then the totals.

    Args:
        built: the network.
        params: of its links.
        state: of its links.
        preprocessor: what it has learned of the tables that it takes, if of any.
    """
    rows = [
        ("layer", "what it is", "output", "numbers"),
        *_layer_lines(built.layers, params, state, built.shapes[0]),
    ]
    learned, total = (
        network.count_params(network.split(built.links, params)[0]),
        network.count_params((params, state)),
    )
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = [
        "  ".join(
            (
                row[0].ljust(widths[0]),
                row[1].ljust(widths[1]),
                row[2].ljust(widths[2]),
                row[3].rjust(widths[3]),
            )
        )
        for row in rows
    ]
    rule = "─" * len(lines[0])
    totals = f"input {built.shapes[0]}; {total:,} numbers: {learned:,} learned by gradient, {total - learned:,} not"
    table = (
        []
        if preprocessor is None
        else textwrap.wrap(
            f"{preprocessor.target}, from {preprocessor.describe()}", 100, subsequent_indent="  "
        )
    )
    return "\n".join([*table, lines[0], rule, *lines[1:], rule, totals])


def _layer_lines(
    layers: Sequence[Layer], params: Any, state: Any, shape: Shape, indent: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    start = 0
    for layer in layers:
        links = layer.unfold()
        own = slice(start, start := start + len(links))
        before = shape
        for link, p, s in zip(links, params[own], state[own], strict=True):
            shape = functional.output_shape(link, p, s, shape)
        frozen = "" if layer.trainable else " (frozen)"
        numbers = f"{network.count_params((params[own], state[own])):,}"
        yield indent + str(layer.name), type(layer).__name__ + frozen, str(shape), numbers
        if isinstance(layer, Composite):
            divided = layer.iter_branches(params[own][0], state[own][0], None)
            for stack, (_, p, s, _) in zip(layer.named_branches, divided, strict=True):
                yield from _layer_lines(stack, p, s, before, indent + "  ")
