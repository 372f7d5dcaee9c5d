"""The figure of a trace of a larger network: a block per layer with the ranges of its arrays."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.formatting import format_number
from glassnet.inspection.drawings import get_merge
from glassnet.inspection.trace import layer_traces, quantities
from glassnet.inspection.trace.layer_traces import LayerTrace, RowChoice
from glassnet.inspection.trace.pass_figure import describe_target
from glassnet.inspection.trace.trace_data import LinkTrace, TraceData
from glassnet.layers import Composite
from glassnet.plots.canvas import Note
from glassnet.plots.networks import DrawnLayer, draw_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_WORDS_WIDTH, MAX_WORD_LINES, MAX_FORMULA = 32, 4, 40
"""Widths of texts in a block, in characters, and lines of words."""


def draw_blocks(
    trace: TraceData,
    choice: RowChoice,
    title: str,
    note: str,
    ax: Axes | None,
    frames: Mapping[tuple[str, int], int] | None = None,
) -> Figure | SubFigure:
    """Draw the layers as blocks with the smallest and the largest number of each array."""
    blocks = _BlockMaker(trace, choice, frames or {})
    layers = [blocks.make_input(), *map(blocks.make_layer, layer_traces.group_layers(trace))]
    layers.append(blocks.make_loss())
    return draw_network(layers, title, 3, ax, note=note, is_animated=bool(frames))


def number_layers(layers: list[LayerTrace]) -> Iterator[LayerTrace]:
    """Yield every layer in the order of the forward pass; those inside a composite come first."""
    for layer in layers:
        for branch in layer.branches:
            yield from number_layers(list(branch))
        yield layer


class _BlockMaker:
    """Blocks of a trace, with the frames in which their texts appear."""

    def __init__(
        self, trace: TraceData, choice: RowChoice, frames: Mapping[tuple[str, int], int]
    ) -> None:
        self.trace, self.choice, self.frames = trace, choice, frames
        layers = number_layers(layer_traces.group_layers(trace))
        self.numbers = {layer.last.name: k for k, layer in enumerate(layers)}

    def note(self, text: str, kind: str, k: int = 0) -> Note:
        """Return a text that appears in the frame of a step."""
        return Note(text, self.frames.get((kind, k), 0))

    def make_input(self) -> DrawnLayer:
        """Return the block of the input: its words or range, and dL/dx."""
        first = self.trace.links[0]
        words = layer_traces.get_tokens(self.trace, self.choice.row)
        lines = ["input"]
        if words:
            wrapped = textwrap.wrap(" ".join(words), MAX_WORDS_WIDTH)
            lines += wrapped[:MAX_WORD_LINES]
            lines += ["…"] if len(wrapped) > MAX_WORD_LINES else []
            return DrawnLayer(tuple(lines))
        values = self.choice.value(self.trace.x)
        notes: list[str | Note] = [lines[0], self.note(format_extent("x", values), "x")]
        _, _, found = next(quantities.iter_sections(self.trace))
        if found[0].derivative is not None:
            derivative = self.choice.derivative(first.d_input)
            notes.append(self.note(format_extent("dL/dx", derivative), "dx"))
        return DrawnLayer(tuple(notes))

    def make_layer(self, layer: LayerTrace) -> DrawnLayer:
        """Return the block of a layer: its formula, and the ranges of its numbers."""
        k = self.numbers[layer.last.name]
        composite: Any = layer.first.link
        branches = tuple(tuple(map(self.make_layer, branch)) for branch in layer.branches)
        name = str(layer.first.name)
        if branches:
            assert isinstance(composite, Composite)
            heading: list[str | Note] = [f"{name}: {composite.formula()}"]
            heading += self._iter_outputs(layer.last, k)
            return DrawnLayer(tuple(heading), branches=branches, merge=get_merge(composite))
        formulas = [quantities.format_formula(link).split(", comb")[0] for link in layer.links]
        lines: list[str | Note] = [name]
        lines += [textwrap.shorten(text, MAX_FORMULA, placeholder=" …") for text in formulas]
        lines += self._iter_weights(layer.first, k)
        for link in layer.links:
            lines += self._iter_outputs(link, k)
        return DrawnLayer(tuple(lines), has_weights=bool(layer.first.params))

    def make_loss(self) -> DrawnLayer:
        """Return the block of the loss."""
        loss = f"L = {format_number(self.trace.loss)}"
        if self.choice.n > 1:
            loss += f", mean of {self.choice.n} rows"
        name = self.trace.program.loss.display_name
        target = describe_target(self.trace, self.choice.row)
        return DrawnLayer((name, self.note(loss, "loss"), self.note(target, "loss")))

    def _iter_weights(self, link: LinkTrace, k: int) -> Iterator[Note]:
        for key, value in link.params.items():
            symbol = quantities.SYMBOLS.get(key, key)
            yield self.note(format_extent(symbol, value), "x")
            if key in link.d_params:
                yield self.note(format_extent(f"dL/d{symbol}", link.d_params[key]), "dz", k)
            else:
                yield self.note(f"{symbol} frozen", "x")

    def _iter_outputs(self, link: LinkTrace, k: int) -> Iterator[Note]:
        symbol = quantities.get_output_symbol(link)
        yield self.note(format_extent(symbol, self.choice.value(link.output)), "z", k)
        if link.d_output is not None:
            name = "δ" if symbol == "z" else f"dL/d{symbol}"
            derivative = self.choice.derivative(link.d_output)
            yield self.note(format_extent(name, derivative), "dz", k)


def format_extent(symbol: str, array: np.ndarray) -> str:
    """Return the shape, the smallest and the largest number of an array: `W 2×3: -0.5 … 0.7`."""
    if array.size == 1:
        return f"{symbol} = {format_number(array.item())}"
    shape = "×".join(map(str, array.shape))
    low, high = (format_number(value, 3) for value in (array.min(), array.max()))
    return f"{symbol} {shape}: {low} … {high}"
