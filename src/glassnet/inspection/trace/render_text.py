"""A trace in words and numbers: the screen, one neuron's arithmetic, one layer's matrices."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from glassnet import activations
from glassnet.layers import Activation, Composite
from glassnet.layers.recurrent import Recurrent
from glassnet.optimizers import SGD

if TYPE_CHECKING:
    from glassnet.inspection.trace.trace import LinkTrace, Trace

NUMBERS_PER_LINE = 4
"""Numbers side by side in one column of the screen."""

MAX_LINES = 4
"""An array that would take more lines than this is shown by its shape and range."""

MAX_UNITS = 16
"""A layer of more units than this is shown by its shape and range."""

MAX_SCREEN_LINES = 40
"""Lines of a screen: where a trace would take more, layers of fewer units are shown by their range
too.
"""

MAX_TERMS = 6
"""A neuron with more inputs than this shows its largest products alone."""

LINE_WIDTH = 118
"""Characters after which names and arithmetic go on in a new line."""

SYMBOLS = {"kernel": "W", "recurrent_kernel": "U", "bias": "b"}


def format_number(value: Any) -> str:
    """One number in at most eight characters: `0`, `-0.4162`, `12.35`, `1.2e-05`."""
    size = abs(float(value))
    if size == 0:
        return "0"
    return (
        f"{value:.4f}"
        if 5e-4 <= size < 10
        else f"{value:.4g}"
        if 10 <= size < 1e4
        else f"{value:.1e}"
    )


def format_operand(value: Any) -> str:
    """One number inside arithmetic: `7`, `0.9991`; negative ones in brackets."""
    written = f"{float(value):.4g}"
    return f"({written})" if written.startswith("-") else written


def format_array(array: np.ndarray, units: int = MAX_UNITS) -> list[str]:
    """An array as lines: its numbers in rows and brackets where they fit, else its shape and
    range.
    """
    rows = np.atleast_2d(array.reshape(-1, array.shape[-1]) if array.ndim > 1 else array)
    per_row = -(-rows.shape[1] // NUMBERS_PER_LINE)
    if array.ndim > 2 or rows.shape[1] > units or len(rows) * per_row > MAX_LINES:
        return [format_range(array)]
    lines = []
    for row in rows:
        chunks = [row[i : i + NUMBERS_PER_LINE] for i in range(0, len(row), NUMBERS_PER_LINE)]
        for i, chunk in enumerate(chunks):
            opening, closing = "[" if i == 0 else " ", "]" if i == len(chunks) - 1 else ""
            lines.append(opening + " ".join(f"{format_number(v):>7}" for v in chunk) + closing)
    return lines


def format_range(array: np.ndarray) -> str:
    """An array by its shape, smallest and largest number."""
    return f"{'x'.join(map(str, array.shape))}: {format_number(array.min())} to {format_number(array.max())}"


def format_formula(link: LinkTrace) -> str:
    """What a link computes, in the lectures' letters."""
    layer = link.link
    if not isinstance(layer, Activation):
        return layer.formula()
    slope = (
        ""
        if link.gradient_denominator == 0
        else ": dL/dz = p - y"
        if link.gradient_denominator == 1
        else f": dL/dz = (p - y) / {link.gradient_denominator}"
    )
    return f"{get_output_symbol(link)} = {layer.activation_name}(z)" + (
        f", one with the loss{slope}" if link.fused_with_loss else ""
    )


def iter_formulas(trace: Trace) -> Iterator[tuple[LinkTrace, str]]:
    """Every link and what it computes; where a branch starts, of which link's output."""
    before = "x"
    for link in trace.links:
        branches = link.source != before and not isinstance(link.link, Composite)
        yield link, format_formula(link) + (f", x from {link.source}" if branches else "")
        before = link.name


def get_output_symbol(link: LinkTrace) -> str:
    """What a link's output is called: z, a, p, h, or y."""
    if isinstance(link.link, Recurrent):
        return "h"
    if isinstance(link.link, Activation):
        return "p" if link.fused_with_loss else "a"
    return "z" if link.link.formula().startswith("z = ") else "y"


Cells = tuple[str, list[str], list[str], list[str]]
"""One quantity on the screen: its symbol, its numbers, their derivatives, their update."""


def render_screen(trace: Trace) -> str:
    """The whole pass on one screen: a column for the forward pass, one for the derivatives, one for
    the update.

    Args:
        trace: to be shown.
    """
    for units in (MAX_UNITS, 8, 4, 0):
        lines = _screen_lines(trace, units)
        if len(lines) <= MAX_SCREEN_LINES:
            break
    return "\n".join(lines)


def _screen_lines(trace: Trace, units: int) -> list[str]:
    n, optimizer = len(trace.x), type(trace.program.optimizer).__name__
    parts: list[tuple[str, list[Cells]]] = [
        ("", [("x", format_array(trace.x, units), format_array(trace.links[0].d_input, units), [])])
    ]
    for link, does in iter_formulas(trace):
        out: Cells = (
            get_output_symbol(link),
            format_array(link.output, units),
            format_array(link.delta, units),
            [],
        )
        parts.append((f"─ {link.name}  {does}", [*_param_cells(link, units), out]))
    heads = ("", "forward ↓", "dL/d· ↑", f"{optimizer} at {trace.rate:g} adds")
    table = [([mark], *columns) for _, group in parts for mark, *columns in group]
    widths = [max(len(line) for cells in table for line in [*cells[i], heads[i]]) for i in range(3)]

    def row(*texts: str) -> str:
        return "   ".join(
            [*(text.ljust(width) for text, width in zip(texts, widths, strict=False)), texts[-1]]
        ).rstrip()

    rows = f"{n} row" + ("s: deltas are of their mean loss" if n > 1 else "")
    names = trace.preprocessor.feature_names if trace.preprocessor else ()
    named = (
        textwrap.wrap(f"x: {', '.join(names)}", LINE_WIDTH, subsequent_indent="   ")
        if 0 < len(names) <= MAX_UNITS
        else []
    )
    lines = [
        f"Trace of {rows}; "
        + ("training: noise and batch statistics on" if trace.training else "inference: no noise"),
        *named,
        row(*heads),
    ]
    for title, group in parts:
        lines += [title] if title else []
        for mark, *columns in group:
            for i in range(max(map(len, columns))):
                lines.append(
                    row(
                        mark if i == 0 else "",
                        *(column[i] if i < len(column) else "" for column in columns),
                    )
                )
    targets = (
        f"   target y = {' '.join(format_operand(y) for y in trace.y.flat)}"
        if trace.y.size <= MAX_LINES
        else ""
    )
    unit = trace.program.loss.report_scale
    own = "" if unit == 1 else f", reported as {trace.loss * unit:.6g}"
    lines.append(f"─ loss  {trace.program.loss.display_name} = {trace.loss:.6g}{own}{targets}")
    return (
        lines
        if trace.preprocessor is None
        else [*lines, "─ " + trace.preprocessor.target.describe_output(trace.output)]
    )


def _param_cells(link: LinkTrace, units: int) -> list[Cells]:
    rows: list[Cells] = [
        (key, format_array(np.atleast_1d(value), units), [], [])
        for key, value in link.state.items()
    ]
    for key, value in link.params.items():
        turned = value.ndim == 2 and value.shape[1] == 1 and len(value) > 1
        arrays = (value, link.d_params.get(key), link.update.get(key))
        now, gradient, update = [
            ["frozen"] if array is None else format_array(array[:, 0] if turned else array, units)
            for array in arrays
        ]
        rows.append((SYMBOLS.get(key, key) + ("ᵀ" if turned else ""), now, gradient, update))
    return rows


def render_neuron(
    dense: LinkTrace, activation: LinkTrace | None, unit: int, row: int, trace: Trace
) -> str:
    """One neuron's sum, and the chain rule's product for each of its weights."""
    x, w = dense.input[row], dense.params["kernel"][:, unit]
    bias = dense.params["bias"][unit] if "bias" in dense.params else None
    z, n = dense.output[row, unit], len(trace.x)
    shown = (
        np.sort(np.argsort(-np.abs(x * w), kind="stable")[:MAX_TERMS])
        if len(x) > MAX_TERMS
        else np.arange(len(x))
    )
    terms = [f"{format_operand(w[i])}*{format_operand(x[i])}" for i in shown]
    if len(shown) < len(x):
        terms.append(
            f"[{len(x) - len(shown)} smaller products: {format_operand(x @ w - x[shown] @ w[shown])}]"
        )
    terms += [] if bias is None else [format_operand(bias)]
    called = (
        activation.link.activation_name
        if activation and isinstance(activation.link, Activation)
        else None
    )
    out = f" -> {called} -> {float(activation.output[row, unit]):.4g}" if activation else ""
    of = f", row {row} of {n}" if n > 1 else ""
    arithmetic = f"  z = w*x + b: {' + '.join(terms)} = {float(z):.4g}{out}"
    lines = [
        f"{dense.name}, neuron {unit}{of}",
        *textwrap.wrap(arithmetic, LINE_WIDTH, subsequent_indent="      "),
    ]

    dz = float(dense.delta[row, unit])
    if activation is None:
        lines.append(f"  delta = dL/dz = {dz:.4g}")
        factors, product = "delta", format_operand(dz)
    elif activation.fused_with_loss:
        p, y = float(activation.output[row, unit]), _target_value(trace, row, unit)
        rule, numbers = "p - y", f"{p:.4g} - {format_operand(y)}"
        if activation.gradient_denominator > 1:
            rule, numbers = (
                f"({rule}) / {activation.gradient_denominator}",
                f"({numbers}) / {activation.gradient_denominator}",
            )
        steps = (
            f"{rule} = {numbers}"
            if activation.gradient_denominator
            else f"the slope of {trace.program.loss.display_name} at z"
        )
        lines.append(f"  delta = {steps} = {dz:.4g}   ({called} and loss are one: f'(z) is in it)")
        factors, product = "delta", format_operand(dz)
    else:
        delta = float(activation.delta[row, unit])
        slope = _activation_derivative(activation, z, delta, dz)
        lines.append(f"  delta = dL/da = {delta:.4g}{' (of the mean loss)' if n > 1 else ''}")
        if slope is None:
            lines.append(f"  dL/dz = sum over k of delta_k da_k/dz = {dz:.4g}")
            factors, product = "dL/dz", format_operand(dz)
        else:
            lines.append(f"  f'(z) = {called}'({float(z):.4g}) = {slope:.4g}")
            factors, product = "delta * f'(z)", f"{format_operand(delta)}*{format_operand(slope)}"

    kernel, total = dense.d_params.get("kernel"), dense.delta[:, unit]
    names = trace.preprocessor.feature_names if trace.preprocessor else ()
    for i in shown:
        name, symbol, value, gradient = (
            f"w{i}",
            f"x{i}",
            x[i],
            None if kernel is None else kernel[i, unit],
        )
        whole, called = (
            float(total @ dense.input[:, i]),
            f"   [{names[i]}]" if names and dense.source == "x" else "",
        )
        line = f"  dL/d{name} = {factors} * {symbol} = {product}*{format_operand(value)} = {dz * float(value):.4g}"
        lines.append(line + _describe_gradient(gradient, whole, n) + called)
    if bias is not None:
        gradient = dense.d_params["bias"][unit] if "bias" in dense.d_params else None
        steps = factors if factors in ("delta", "dL/dz") else f"{factors} = {product}"
        lines.append(
            f"  dL/db = {steps} = {dz:.4g}" + _describe_gradient(gradient, float(total.sum()), n)
        )
    if kernel is not None:
        i, optimizer = int(np.argmax(np.abs(kernel[:, unit]))), trace.program.optimizer
        step, rate = float(dense.update["kernel"][i, unit]), f"{trace.rate:g}"
        plain = isinstance(optimizer, SGD) and optimizer.momentum == 0
        rule = (
            f"-{rate} * dL/dw{i}"
            if plain
            else f"the step of {type(optimizer).__name__} at rate {rate}"
        )
        lines.append(
            f"  update: w{i} <- {float(w[i]):.6g} + {format_operand(step)} = {float(w[i]) + step:.6g}   ({rule})"
        )
    return "\n".join(lines)


def _target_value(trace: Trace, row: int, unit: int) -> float:
    y = trace.y[row]
    return float(y[unit]) if np.ndim(y) else float(int(y) == unit)


def _activation_derivative(activation: LinkTrace, z: Any, delta: float, dz: float) -> float | None:
    """f'(z) where f takes every number by itself; None where, as in a softmax, delta f'(z) is not
    dL/dz.
    """
    assert isinstance(activation.link, Activation)
    f = activations.get(activation.link.activation)
    slope = float(jax.grad(lambda v: f(v[None])[0])(np.float32(z)))
    return slope if abs(delta * slope - dz) <= 1e-4 * max(abs(dz), abs(delta * slope)) else None


def _describe_gradient(gradient: Any, data_gradient: float, n: int) -> str:
    if gradient is None:
        return "   (frozen)"
    parts = [f"all {n} rows: {data_gradient:.4g}"] if n > 1 else []
    if abs(float(gradient) - data_gradient) > 1e-5 * max(
        abs(data_gradient), abs(float(gradient)), 1e-6
    ):
        parts.append(f"with its penalty: {float(gradient):.4g}")
    return f"   ({'; '.join(parts)})" if parts else ""


def render_layer(dense: LinkTrace, activation: LinkTrace | None, row: int) -> str:
    """One layer on one row: x W + b, and the same with the bias as one more row of W and a 1
    appended to x.
    """
    x, w, z, bias = (
        dense.input[row],
        dense.params["kernel"],
        dense.output[row],
        dense.params.get("bias"),
    )
    parts = {"x": x, "W": w} | ({} if bias is None else {"b": bias}) | {"z": z}
    if activation is not None:
        parts[format_formula(activation).split(",")[0]] = activation.output[row]
    lines = [
        f"{dense.name}, row {row}: {format_formula(dense)}, 1x{len(x)} times {len(w)}x{w.shape[1]}",
        *_label_arrays(parts),
    ]
    if bias is not None:
        longer, taller = np.append(x, np.float32(1)), np.vstack([w, bias])
        lines.append(
            "The bias trick: z = [x 1] [W; b], the bias being the weight of an input that is always 1"
        )
        lines += _label_arrays({"[x 1]": longer, "[W; b]": taller, "product": longer @ taller})
    return "\n".join(lines)


def _label_arrays(parts: dict[str, np.ndarray]) -> list[str]:
    width = max(map(len, parts)) + 2
    return [
        f"  {label if i == 0 else '':<{width}}{line}"
        for label, array in parts.items()
        for i, line in enumerate(format_array(array))
    ]
