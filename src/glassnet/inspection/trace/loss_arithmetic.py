"""The arithmetic of the loss of one row, for the losses of the lectures."""

from __future__ import annotations

import math

import numpy as np

from glassnet.formatting import format_number
from glassnet.inspection.trace.formatting import format_operand
from glassnet.inspection.trace.layer_traces import RowChoice
from glassnet.inspection.trace.pass_figure import describe_target
from glassnet.inspection.trace.trace_data import TraceData

RELATIVE_ERROR = 1e-3
"""An arithmetic that differs more from the loss is not shown: the loss has another form."""


def describe_loss(trace: TraceData, choice: RowChoice) -> list[str]:
    """Return the loss of a row, with its arithmetic if it is a well-known one."""
    assert not isinstance(choice.row, str)
    row_loss = float(np.mean(trace.unreduced_loss[choice.row]))
    name, target = trace.program.loss.display_name, describe_target(trace, choice.row)
    text, value = _find_arithmetic(trace, choice.row)
    is_right = abs(value - row_loss) <= RELATIVE_ERROR * max(abs(row_loss), 1e-6)
    arithmetic = f"{text} = " if text and is_right else ""
    lines = [f"Loss: {name}, {target}", f"L = {arithmetic}{format_number(row_loss)}"]
    if choice.n > 1:
        lines.append(f"mean over {choice.n} rows: {format_number(trace.loss)}")
    elif abs(trace.loss - row_loss) > 1e-6 * max(abs(row_loss), 1e-6):
        lines.append(f"with the penalty of the weights: {format_number(trace.loss)}")
    return lines


def _find_arithmetic(trace: TraceData, row: int) -> tuple[str, float]:
    """Return the arithmetic of the loss and its result; "" if there is none."""
    y, output = np.ravel(trace.y[row]).astype(float), np.ravel(trace.output[row]).astype(float)
    activation = trace.program.loss.output_activation
    if len(output) == 1 and len(y) == 1:
        a, target = float(output[0]), float(y[0])
        error = f"({format_operand(target)} - {format_operand(a)})²"
        if trace.program.loss.display_name.startswith("HalfMeanSquared"):
            return f"½ (y - a)² = ½ {error}", (target - a) ** 2 / 2
        if activation is None:
            return f"(y - a)² = {error}", (target - a) ** 2
        if activation == "sigmoid" and target in (0, 1) and 0 < a < 1:
            formula = "-log(p)" if target else "-log(1 - p)"
            number = format_operand(a) if target else f"1 - {format_operand(a)}"
            return f"{formula} = -log({number})", -math.log(a if target else 1 - a)
    if activation == "softmax":
        k = int(y[0]) if len(y) == 1 else int(np.argmax(y))
        if 0 <= k < len(output) and 0 < output[k] <= 1:
            text = f"-log(p of class {k}) = -log({format_operand(output[k])})"
            return text, -math.log(output[k])
    return "", math.nan


def describe_error(trace: TraceData, choice: RowChoice, unit: int) -> str:
    """Return dL/dz of an activation that is part of the loss: p - y, if the loss has this form."""
    if not trace.program.loss.gradient_is_error or isinstance(choice.row, str):
        return f"the slope of {trace.program.loss.display_name}"
    y = np.atleast_1d(trace.y[choice.row]).ravel()
    output = np.ravel(trace.output[choice.row])
    is_index = len(y) == 1 and len(output) > 1
    target = float(int(y[0]) == unit) if is_index else float(y[unit])
    text = f"p - y = {format_operand(output[unit])} - {format_operand(target)}"
    many = trace.program.loss.output_activation == "sigmoid" and len(output) > 1
    return f"(p - y) / {len(output)} = ({text.split(' = ')[1]}) / {len(output)}" if many else text
