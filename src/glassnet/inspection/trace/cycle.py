"""The training cycle of a trace, step by step, with the arithmetic of every step."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.formatting import format_number
from glassnet.inspection.animation import Frame, write_animation
from glassnet.inspection.trace import figures, layer_traces, loss_arithmetic, quantities
from glassnet.inspection.trace.formatting import format_operand
from glassnet.inspection.trace.layer_traces import LayerTrace, RowChoice
from glassnet.inspection.trace.pass_blocks import draw_blocks, format_extent, number_layers
from glassnet.inspection.trace.pass_figure import (
    PassView,
    Step,
    draw_units,
    format_value,
    get_own_gradient,
    is_dropped,
)
from glassnet.inspection.trace.render_dense import get_slope
from glassnet.inspection.trace.trace_data import TraceData
from glassnet.layers import Activation
from glassnet.layers.weight_fields import has_constraint
from glassnet.optimizers import SGD
from glassnet.plots import svg

MAX_NEURONS, MAX_ROWS = 4, 5
"""The arithmetic of more neurons, and of more rows, is not shown."""

SECONDS_PER_STEP = 2.0


def write_cycle(trace: TraceData, path: Path, row: int) -> None:
    """Write the animation of a trace. See `Trace.animate`."""
    split = layer_traces.split_units(trace)
    choice = layer_traces.choose_row(trace, row, own=split is not None)
    cycle: Any
    if split is None:
        cycle = _BlockCycle(trace, choice, list(number_layers(layer_traces.group_layers(trace))))
    else:
        dropped = layer_traces.find_dropped(trace)
        cycle = _UnitCycle(PassView(trace, choice, *split, dropped))
    steps = list(cycle.iter_steps())
    frames = {step: i for i, step in enumerate(steps)}
    backward = [i for step, i in frames.items() if step[0] in ("da", "dz", "dw")]
    frames["dx", 0] = max(backward, default=len(steps) - 1)
    captions = ["\n".join(cycle.describe(*step)) for step in steps]
    with svg.page_style():
        picture = svg.to_svg(cycle.draw(frames))
    write_animation(
        path,
        [Frame(caption) for caption in captions],
        title=figures.make_title(trace, choice.row),
        picture=picture,
        description=figures.make_note(trace, choice.describe(), split is not None),
        seconds=SECONDS_PER_STEP * len(steps),
    )


@dataclass(frozen=True, eq=False)
class _UnitCycle:
    """The steps of a small network, neuron by neuron."""

    view: PassView

    @property
    def trace(self) -> TraceData:
        return self.view.trace

    @property
    def choice(self) -> RowChoice:
        return self.view.choice

    def draw(self, frames: dict[Step, int]) -> Any:
        """Return the figure whose texts appear in their frames."""
        return draw_units(replace(self.view, frames=frames), "", "", None)

    def iter_steps(self) -> Iterator[Step]:
        """Yield forward, loss, backward, average and update."""
        layers = self.view.layers
        yield "x", 0
        for k, layer in enumerate(layers):
            yield "z", k
            if len(layer.links) > 1:
                yield "a", k
        yield "loss", 0
        for k in reversed(range(len(layers))):
            if any(link.d_output is not None for link in layers[k].links[1:]):
                yield "da", k
            yield "dz", k
            if layers[k].first.d_params:
                yield "dw", k
        yield from _iter_last_steps(self.trace)

    def describe(self, kind: str, k: int) -> list[str]:
        """Return the arithmetic of a step, a line per neuron."""
        if kind == "x":
            return _describe_input(self.trace, self.choice)
        if kind == "loss":
            return loss_arithmetic.describe_loss(self.trace, self.choice)
        if kind == "mean":
            return list(self._iter_means())
        if kind == "update":
            return _describe_update(self.trace)
        describe: dict[str, Callable[[int], Iterator[str]]] = {
            "z": self._iter_z,
            "a": self._iter_a,
            "da": self._iter_da,
            "dz": self._iter_dz,
            "dw": self._iter_dw,
        }
        heading, *lines = describe[kind](k)
        n_more = len(lines) - MAX_NEURONS
        rest = [f"… and {n_more} more"] if n_more > 0 else []
        return [heading, *lines[:MAX_NEURONS], *rest]

    def _iter_z(self, k: int) -> Iterator[str]:
        link = self.view.layers[k].first
        x, z, bias = self.choice.value(link.input), self._z(k), link.params.get("bias")
        yield f"Forward: {link.name} computes z = w x + b"
        for j in range(len(z)):
            weights = link.params["kernel"][:, j]
            terms = [_product(w, value) for w, value in zip(weights, x, strict=True)]
            terms += [] if bias is None else [format_operand(bias[j])]
            yield f"neuron {j}: z = {' + '.join(terms)} = {format_value(z[j])}"

    def _iter_a(self, k: int) -> Iterator[str]:
        layer = self.view.layers[k]
        formulas = [quantities.format_formula(link).split(",")[0] for link in layer.links[1:]]
        yield f"Forward: {layer.first.name} computes {', then '.join(formulas)}"
        for j, z in enumerate(self._z(k)):
            terms, before = [], float(z)
            for link in layer.links[1:]:
                after = float(self.choice.value(link.output)[j])
                symbol, function = quantities.get_output_symbol(link), ""
                if isinstance(link.link, Activation):
                    function = f"{link.link.activation_name}({format_value(before)}) = "
                terms.append(f"{symbol} = {function}{format_value(after)}")
                before = after
            dropped = " (dropped)" if is_dropped(self.view, layer.links, j) else ""
            yield f"neuron {j}: {', then '.join(terms)}{dropped}"

    def _iter_da(self, k: int) -> Iterator[str]:
        layer, is_last = self.view.layers[k], k == len(self.view.layers) - 1
        links = [link for link in layer.links[1:] if link.d_output is not None]
        yield "Backward: " + (
            "how the loss changes with the output"
            if is_last
            else f"the deltas of {self.view.layers[k + 1].first.name} come back along the weights"
        )
        for j in range(layer.first.output.shape[1]):
            terms = []
            for link in reversed(links):
                assert link.d_output is not None
                value = format_value(self.choice.derivative(link.d_output)[j])
                sums = is_last or link is not links[-1]
                arithmetic = "" if sums else f"{self._sum_deltas(k, j)} = "
                terms.append(f"dL/d{quantities.get_output_symbol(link)} = {arithmetic}{value}")
            yield f"neuron {j}: {', then '.join(terms)}"

    def _sum_deltas(self, k: int, j: int) -> str:
        """Return the sum over the next layer of delta w."""
        link = self.view.layers[k + 1].first
        deltas, weights = self.choice.derivative(link.delta), link.params["kernel"][j]
        return " + ".join(_product(d, w) for d, w in zip(deltas, weights, strict=True))

    def _iter_dz(self, k: int) -> Iterator[str]:
        layer, is_last = self.view.layers[k], k == len(self.view.layers) - 1
        activation, deltas = layer.activation, self.choice.derivative(layer.first.delta)
        yield f"Backward: δ = dL/dz of {layer.first.name}"
        for j, delta in enumerate(deltas):
            text = format_value(delta)
            if activation is not None and activation.d_output is not None:
                da = float(self.choice.derivative(activation.d_output)[j])
                slope = get_slope(activation, float(self._z(k)[j]), da, float(delta))
                arithmetic = "sum over a of dL/da · da/dz"
                if slope is not None:
                    arithmetic = f"dL/da · f'(z) = {_product(da, slope)}"
            elif activation is not None and activation.fused_with_loss:
                arithmetic = loss_arithmetic.describe_error(self.trace, self.choice, j)
            else:
                arithmetic = "dL/dz" if is_last or len(layer.links) > 1 else self._sum_deltas(k, j)
            yield f"neuron {j}: δ = {arithmetic} = {text}"

    def _iter_dw(self, k: int) -> Iterator[str]:
        link = self.view.layers[k].first
        deltas = self.choice.derivative(link.delta).tolist()
        x = self.choice.value(link.input).tolist()
        penalty = ", before the penalty" if layer_traces.has_penalty(self.trace) else ""
        yield f"Backward: dL/dw = δ x and dL/db = δ of {link.name}{penalty}"
        for j, delta in enumerate(deltas):
            terms = [f"{_product(delta, v)} = {format_value(delta * v)}" for v in x]
            bias = f"; dL/db = {format_value(delta)}" if "bias" in link.d_params else ""
            yield f"neuron {j}: dL/dw: {', '.join(terms)}{bias}"

    def _iter_means(self) -> Iterator[str]:
        n = self.choice.n
        yield f"Average: dL/dw of the mean loss is the mean of dL/dw over the {n} rows"
        for layer in self.view.layers:
            link = layer.first
            if "kernel" not in link.d_params:
                continue
            i, j = _find_largest(link.d_params["kernel"])
            rows = [RowChoice(n, row, own=True) for row in range(n)]
            own = [get_own_gradient(link, row, (i, j)) for row in rows[:MAX_ROWS]]
            terms = [format_operand(value) for value in own] + (["…"] if n > MAX_ROWS else [])
            mean = format_value(link.d_params["kernel"][i, j])
            penalty = " with its penalty" if layer_traces.has_penalty(self.trace) else ""
            where = f"{link.name}, neuron {j}, input {i}"
            yield f"{where}: dL/dw = ({' + '.join(terms)}) / {n} = {mean}{penalty}"

    def _z(self, k: int) -> np.ndarray:
        return self.choice.value(self.view.layers[k].first.output)


@dataclass(frozen=True, eq=False)
class _BlockCycle:
    """The steps of a larger network, layer by layer, with ranges."""

    trace: TraceData
    choice: RowChoice
    layers: Sequence[LayerTrace]

    def draw(self, frames: dict[Step, int]) -> Any:
        """Return the figure whose texts appear in their frames."""
        return draw_blocks(self.trace, self.choice, "", "", None, frames)

    def iter_steps(self) -> Iterator[Step]:
        """Yield forward, loss, backward, and update."""
        yield "x", 0
        yield from (("z", k) for k in range(len(self.layers)))
        yield "loss", 0
        yield from (("dz", k) for k in reversed(range(len(self.layers))))
        if any(link.update for link in self.trace.links):
            yield "update", 0

    def describe(self, kind: str, k: int) -> list[str]:
        """Return the formulas and ranges of a step."""
        if kind == "x":
            return _describe_input(self.trace, self.choice)
        if kind == "loss":
            return loss_arithmetic.describe_loss(self.trace, self.choice)
        if kind == "update":
            return _describe_update(self.trace)
        layer = self.layers[k]
        if kind == "z":
            formulas = [quantities.format_formula(link).split(", comb")[0] for link in layer.links]
            value = self.choice.value(layer.last.output)
            symbol = quantities.get_output_symbol(layer.last)
            heading = f"Forward through {layer.first.name}: {', then '.join(formulas)}"
            return [heading, format_extent(symbol, value)]
        lines = [f"Backward through {layer.first.name}, by the chain rule"]
        for link in reversed(layer.links):
            if link.d_output is not None:
                symbol = quantities.get_output_symbol(link)
                name = "δ" if symbol == "z" else f"dL/d{symbol}"
                lines.append(format_extent(name, self.choice.derivative(link.d_output)))
        for key, gradient in layer.first.d_params.items():
            lines.append(format_extent(f"dL/d{quantities.SYMBOLS.get(key, key)}", gradient))
        return lines


def _iter_last_steps(trace: TraceData) -> Iterator[Step]:
    if any(link.update for link in trace.links):
        if len(trace.x) > 1:
            yield "mean", 0
        yield "update", 0


def _describe_input(trace: TraceData, choice: RowChoice) -> list[str]:
    row = "" if choice.n == 1 else f" (row {choice.row} of {choice.n})"
    words = layer_traces.get_tokens(trace, choice.row)
    values = choice.value(trace.x)
    text = f"x = {format_extent('', values).strip()}"
    if words:
        text = f"words: {' '.join(words[:40])}"
    elif values.ndim == 1 and values.size <= layer_traces.MAX_UNITS:
        text = f"x = ({', '.join(map(format_value, values))})"
    return [f"Input{row}: {text}", "The weights are those before the update."]


def _describe_update(trace: TraceData) -> list[str]:
    """Return the update of the weight with the largest gradient, for each layer."""
    optimizer, rate = trace.program.optimizer, format_number(trace.rate)
    is_constrained = any(has_constraint(link.link) for link in trace.links)
    is_plain = isinstance(optimizer, SGD) and optimizer.momentum == 0 and not is_constrained
    rule = f"w ← w - η dL/dw with η = {rate}"
    if not is_plain:
        rule = f"w ← w + the step of {type(optimizer).__name__} at rate {rate}"
    if is_constrained:
        rule += " and of the constraints"
    lines = []
    for link in trace.links:
        for key in list(link.update)[:1]:
            index = _find_largest(link.d_params[key])
            before, step = float(link.params[key][index]), float(link.update[key][index])
            change = f"{format_value(before)} + {format_operand(step)}"
            if is_plain:
                gradient = format_operand(link.d_params[key][index])
                change = f"{format_value(before)} - {rate}·{gradient}"
            after = format_value(before + step)
            position = ", ".join(map(str, index))
            lines.append(f"{link.name}/{key}[{position}]: {change} = {after}")
    more = [f"… and {len(lines) - MAX_NEURONS} more layers"] if len(lines) > MAX_NEURONS else []
    return [f"Update: {rule}", *lines[:MAX_NEURONS], *more]


def _find_largest(array: np.ndarray) -> tuple[int, ...]:
    """Return the index of the number of the largest size."""
    position = np.unravel_index(int(np.argmax(np.abs(array))), array.shape)
    return tuple(int(i) for i in position)


def _product(a: Any, b: Any) -> str:
    return f"{format_operand(a)}·{format_operand(b)}"
