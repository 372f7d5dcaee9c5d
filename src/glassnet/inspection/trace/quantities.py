"""What a trace shows, on the screen and in a notebook: its title, quantities and loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from glassnet.formatting import format_number
from glassnet.inspection.trace.formatting import MAX_LINES, format_operand, format_range
from glassnet.inspection.trace.trace_data import LinkTrace, TraceData
from glassnet.layers import Activation, Composite, Embedding
from glassnet.layers.recurrent import Recurrent

SYMBOLS = {
    "kernel": "W",
    "recurrent_kernel": "U",
    "depthwise_kernel": "D",
    "pointwise_kernel": "P",
    "bias": "b",
}
"""Symbols of params in formulas."""


@dataclass(frozen=True, eq=False)
class Quantity:
    """One quantity of a trace.

    Attributes:
        symbol: x, W, b, z, a, p, ...
        value: its value in the forward pass.
        derivative: dL/d(quantity); None if it is not defined or not computed.
        update: what the optimizer would add; None for other quantities than trainable params.
        frozen: whether it is a param that is not trained.
    """

    symbol: str
    value: np.ndarray
    derivative: np.ndarray | None = None
    update: np.ndarray | None = None
    frozen: bool = False


def iter_sections(trace: TraceData) -> Iterator[tuple[str, str, list[Quantity]]]:
    """Yield the name, the formula and the quantities of the input and of every link."""
    first = trace.links[0]
    d_x = None if isinstance(first.link, Embedding) else first.d_input  # ids have no derivative
    yield "", "", [Quantity("x", trace.x, d_x)]
    for link, formula in iter_formulas(trace):
        output = Quantity(get_output_symbol(link), link.output, link.d_output)
        yield link.name, formula, [*_iter_weights(link), output]


def _iter_weights(link: LinkTrace) -> Iterator[Quantity]:
    for key, value in link.state.items():
        yield Quantity(key, np.atleast_1d(value))
    for key, value in link.params.items():
        is_column = value.ndim == 2 and value.shape[1] == 1 and len(value) > 1
        shown = slice(None) if not is_column else (slice(None), 0)
        derivative, update = (
            None if array is None else array[shown]
            for array in (link.d_params.get(key), link.update.get(key))
        )
        symbol = SYMBOLS.get(key, key) + ("ᵀ" if is_column else "")
        yield Quantity(symbol, value[shown], derivative, update, frozen=derivative is None)


def format_formula(link: LinkTrace) -> str:
    """Return the formula of a link."""
    layer = link.link
    if not isinstance(layer, Activation):
        return layer.formula()
    formula = f"{get_output_symbol(link)} = {layer.activation_name}(z)"
    if not link.fused_with_loss:
        return formula
    formula += ", combined with the loss"
    if link.gradient_denominator == 0:
        return formula
    if link.gradient_denominator == 1:
        return f"{formula}: dL/dz = p - y"
    return f"{formula}: dL/dz = (p - y) / {link.gradient_denominator}"


def iter_formulas(trace: TraceData) -> Iterator[tuple[LinkTrace, str]]:
    """Yield every link with its formula; the first link of a branch also names its input."""
    previous = "x"
    for link in trace.links:
        is_branch = link.source != previous and not isinstance(link.link, Composite)
        yield link, format_formula(link) + (f", x from {link.source}" if is_branch else "")
        previous = link.name


def get_output_symbol(link: LinkTrace) -> str:
    """Return the symbol of a link's output: z, a, p, h or y."""
    if isinstance(link.link, Recurrent):
        return "h"
    if isinstance(link.link, Activation):
        return "p" if link.fused_with_loss else "a"
    return "z" if link.has_z else "y"


def format_title(trace: TraceData) -> str:
    """Return how many rows the trace has, and in which mode they were computed."""
    n = len(trace.x)
    rows = "1 row" if n == 1 else f"{n} rows: derivatives are of their mean loss"
    mode = "training: noise and batch statistics on" if trace.training else "inference: no noise"
    return f"Trace of {rows}; {mode}; delta = dL/dz"


def get_headings(trace: TraceData) -> tuple[str, str, str, str]:
    """Return the headings of the columns: symbol, forward pass, derivatives, update."""
    optimizer = type(trace.program.optimizer).__name__
    return "", "forward ↓", "dL/d· ↑", f"{optimizer} at {format_number(trace.rate)} adds"


def format_loss(trace: TraceData) -> str:
    """Return the loss and the target."""
    loss, text = trace.program.loss, format_number(trace.loss, digits=6)
    if loss.report_scale != 1:
        text += f", reported as {format_number(trace.loss * loss.report_scale, digits=6)}"
    if trace.y.size <= MAX_LINES:
        target = f"= {' '.join(format_operand(y) for y in trace.y.flat)}"
    else:
        target = format_range(trace.y)
    return f"{loss.display_name} = {text}   target y {target}"
