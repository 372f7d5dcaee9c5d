"""Render one neuron's arithmetic, or one Dense layer's matrices, as text."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from glassnet import activations
from glassnet.formatting import format_number
from glassnet.inspection.trace.formatting import format_array, format_operand
from glassnet.inspection.trace.quantities import format_formula
from glassnet.inspection.trace.render_text import LINE_WIDTH
from glassnet.inspection.trace.trace_data import LinkTrace, TraceData
from glassnet.layers import Activation
from glassnet.optimizers import SGD

MAX_TERMS = 6
"""A neuron with more inputs shows only its largest products."""


def render_neuron(
    dense: LinkTrace, activation: LinkTrace | None, unit: int, row: int, trace: TraceData
) -> str:
    """Render one neuron's sum, the chain rule for each of its weights, and an update.

    Args:
        dense: the neuron's layer.
        activation: the layer's activation, or None.
        unit: index of the neuron.
        row: index of the row.
        trace: the trace that contains them.
    """
    neuron = _Neuron(dense, activation, unit, row, trace)
    lines = [*neuron.render_sum(), *neuron.render_delta(), *neuron.render_gradients()]
    return "\n".join([*lines, *neuron.render_update()])


def render_layer(dense: LinkTrace, activation: LinkTrace | None, row: int) -> str:
    """Render x W + b for one row, and the same as [x 1] [W; b].

    Args:
        dense: the layer.
        activation: the layer's activation, or None.
        row: index of the row.
    """
    x, w, z = dense.input[row], dense.params["kernel"], dense.output[row]
    bias = dense.params.get("bias")
    arrays = {"x": x, "W": w} | ({} if bias is None else {"b": bias}) | {"z": z}
    if activation is not None:
        arrays[format_formula(activation).split(",")[0]] = activation.output[row]
    formula = format_formula(dense)
    lines = [
        f"{dense.name}, row {row}: {formula}, 1x{len(x)} times {len(w)}x{w.shape[1]}",
        *_label_arrays(arrays),
    ]
    if bias is not None:
        x_1, w_b = np.append(x, np.float32(1)), np.vstack([w, bias])
        lines.append(
            "The bias trick: z = [x 1] [W; b]. The bias is the weight of an input that is always 1."
        )
        lines += _label_arrays({"[x 1]": x_1, "[W; b]": w_b, "product": x_1 @ w_b})
    return "\n".join(lines)


def _label_arrays(arrays: dict[str, np.ndarray]) -> list[str]:
    width = max(map(len, arrays)) + 2
    return [
        f"  {label if i == 0 else '':<{width}}{line}"
        for label, array in arrays.items()
        for i, line in enumerate(format_array(array))
    ]


@dataclass(frozen=True)
class _Neuron:
    """One neuron on one row of a trace."""

    dense: LinkTrace
    activation: LinkTrace | None
    unit: int
    row: int
    trace: TraceData

    @property
    def x(self) -> np.ndarray:
        x: np.ndarray = self.dense.input[self.row]
        return x

    @property
    def weights(self) -> np.ndarray:
        return self.dense.params["kernel"][:, self.unit]

    @property
    def bias(self) -> Any:
        bias = self.dense.params.get("bias")
        return None if bias is None else bias[self.unit]

    @property
    def z(self) -> float:
        return float(self.dense.output[self.row, self.unit])

    @property
    def delta(self) -> float:
        """dL/dz."""
        return float(self.dense.delta[self.row, self.unit])

    @property
    def terms(self) -> np.ndarray:
        """Indices of the inputs to show: those with the largest products."""
        if len(self.x) <= MAX_TERMS:
            return np.arange(len(self.x))
        return np.sort(np.argsort(-np.abs(self.x * self.weights), kind="stable")[:MAX_TERMS])

    def render_sum(self) -> list[str]:
        """Render z = w*x + b, and the activation."""
        x, w, shown, n = self.x, self.weights, self.terms, len(self.trace.x)
        terms = [f"{format_operand(w[i])}*{format_operand(x[i])}" for i in shown]
        if len(shown) < len(x):
            rest = format_operand(x @ w - x[shown] @ w[shown])
            terms.append(f"[{len(x) - len(shown)} smaller products: {rest}]")
        if self.bias is not None:
            terms.append(format_operand(self.bias))
        arithmetic = f"  z = w*x + b: {' + '.join(terms)} = {format_number(self.z)}"
        if self.activation:
            output = float(self.activation.output[self.row, self.unit])
            arithmetic += f" -> {_activation_name(self.activation)} -> {format_number(output)}"
        place = f", row {self.row} of {n}" if n > 1 else ""
        return [
            f"{self.dense.name}, neuron {self.unit}{place}",
            *textwrap.wrap(arithmetic, LINE_WIDTH, subsequent_indent="      "),
        ]

    def render_delta(self) -> list[str]:
        """Render delta = dL/dz; behind an activation, by the chain rule from dL/da."""
        activation, delta = self.activation, format_number(self.delta)
        if activation is None:
            return [f"  delta = dL/dz = {delta}"]
        name = _activation_name(activation)
        if activation.d_output is None:
            line = f"  delta = {self._describe_fused(activation)} = {delta}"
            return [f"{line}   (dL/dz of {name} and loss combined)"]
        da = float(activation.d_output[self.row, self.unit])
        mean = " (of the mean loss)" if len(self.trace.x) > 1 else ""
        line = f"  dL/da = {format_number(da)}{mean}"
        slope = get_slope(activation, self.z, da, self.delta)
        if slope is None:
            return [line, f"  delta = dL/dz = sum over k of dL/da_k * da_k/dz = {delta}"]
        factors = f"{format_operand(da)}*{format_operand(slope)}"
        return [
            line,
            f"  f'(z) = {name}'({format_number(self.z)}) = {format_number(slope)}",
            f"  delta = dL/dz = dL/da * f'(z) = {factors} = {delta}",
        ]

    def _describe_fused(self, activation: LinkTrace) -> str:
        """Return dL/dz of an activation that is part of the loss."""
        n = activation.gradient_denominator
        if not n:
            return f"the slope of {self.trace.program.loss.display_name} at z"
        y = self.trace.y[self.row]
        target = float(y[self.unit]) if np.ndim(y) else float(int(y) == self.unit)
        output = float(activation.output[self.row, self.unit])
        numbers = f"{format_number(output)} - {format_operand(target)}"
        return f"p - y = {numbers}" if n == 1 else f"(p - y) / {n} = ({numbers}) / {n}"

    def render_gradients(self) -> list[str]:
        """Render the gradient of each weight shown, and of the bias."""
        kernel, deltas = self.dense.d_params.get("kernel"), self.dense.delta[:, self.unit]
        names = self.trace.feature_names if self.dense.source == "x" else ()
        lines, n = [], len(deltas)
        for i in self.terms:
            value = float(self.x[i])
            numbers = f"{format_operand(self.delta)}*{format_operand(value)}"
            product = format_number(self.delta * value)
            gradient = None if kernel is None else kernel[i, self.unit]
            total = float(deltas @ self.dense.input[:, i])
            name = f"   [{names[i]}]" if names else ""
            line = f"  dL/dw{i} = delta * x{i} = {numbers} = {product}"
            lines.append(line + _describe_gradient(gradient, total, n) + name)
        if self.bias is not None:
            bias = self.dense.d_params.get("bias")
            gradient = None if bias is None else bias[self.unit]
            line = f"  dL/db = delta = {format_number(self.delta)}"
            lines.append(line + _describe_gradient(gradient, float(deltas.sum()), n))
        return lines

    def render_update(self) -> list[str]:
        """Render the update of the weight with the largest gradient, unless it is frozen."""
        kernel, optimizer = self.dense.d_params.get("kernel"), self.trace.program.optimizer
        if kernel is None:
            return []
        i, rate = int(np.argmax(np.abs(kernel[:, self.unit]))), format_number(self.trace.rate)
        step, weight = float(self.dense.update["kernel"][i, self.unit]), float(self.weights[i])
        is_plain = isinstance(optimizer, SGD) and optimizer.momentum == 0
        step_of = f"the step of {type(optimizer).__name__} at rate {rate}"
        rule = f"-{rate} * dL/dw{i}" if is_plain else step_of
        before, after = format_number(weight, digits=6), format_number(weight + step, digits=6)
        arithmetic = f"{before} + {format_operand(step)} = {after}"
        return [f"  update: w{i} <- {arithmetic}   ({rule})"]


def _activation_name(activation: LinkTrace) -> str:
    assert isinstance(activation.link, Activation)
    return activation.link.activation_name


def get_slope(activation: LinkTrace, z: float, da: float, dz: float) -> float | None:
    """Return f'(z), or None if dL/da * f'(z) is not dL/dz, as for a softmax."""
    assert isinstance(activation.link, Activation)
    f = activations.get(activation.link.activation)
    slope = float(jax.grad(lambda v: f(v[None])[0])(np.float32(z)))
    return slope if abs(da * slope - dz) <= 1e-4 * max(abs(dz), abs(da * slope)) else None


def _describe_gradient(gradient: Any, data_gradient: float, n: int) -> str:
    """Return a remark: frozen, the gradient over all rows, the gradient with its penalty."""
    if gradient is None:
        return "   (frozen)"
    remarks = [f"all {n} rows: {format_number(data_gradient)}"] if n > 1 else []
    size = max(abs(data_gradient), abs(float(gradient)), 1e-6)
    if abs(float(gradient) - data_gradient) > 1e-5 * size:
        remarks.append(f"with its penalty: {format_number(float(gradient))}")
    return f"   ({'; '.join(remarks)})" if remarks else ""
