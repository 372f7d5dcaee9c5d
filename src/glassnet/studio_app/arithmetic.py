"""The arithmetic of a row, a neuron and a whole step, from the trace that `model.trace` records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from glassnet.data.parsing import format_value
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, lookup, require
from glassnet.formatting import format_number
from glassnet.inspection.examples import read_examples
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.trace import Trace, record_trace
from glassnet.inspection.trace.render_dense import get_slope
from glassnet.inspection.trace.trace_data import LinkTrace
from glassnet.layers import Activation
from glassnet.studio_app.experiment import Experiment

MAX_INPUTS = 2000
"""Most inputs of a neuron that are listed."""


def find_row(experiment: Experiment, index: int) -> tuple[Snapshot, int]:
    """Return the rows that a row belongs to, and its position there.

    Args:
        experiment: the experiment.
        index: training rows come first, then test rows.

    Raises:
        DataError: there is no such row.
    """
    start = 0
    for part in experiment.scene.snapshots:
        if start <= index < start + len(part.x):
            return part, index - start
        start += len(part.x)
    expected = f"a row from 0 to {start - 1}"
    require(False, "studio", expected, error=DataError, row=index)
    raise AssertionError


def trace_row(experiment: Experiment, index: int) -> Trace:
    """Return the trace of one row with the present weights, without noise."""
    part, i = find_row(experiment, index)
    return _trace(experiment, part.data.take(slice(i, i + 1)), training=False)


def trace_batch(experiment: Experiment) -> tuple[Trace, np.ndarray]:
    """Return the trace of the next training step, and the indices of its rows."""
    batch, rows = experiment.run.take_batch()
    return _trace(experiment, batch, training=True), rows


def _trace(experiment: Experiment, rows: Data, *, training: bool) -> Trace:
    run, state = experiment.training_run, experiment.run.state.train_state
    arrays = Data(*(None if a is None else np.asarray(a) for a in rows))
    paths = run.network.weight_paths
    return record_trace(run.program, state, arrays, training, paths, run.preprocessor)


def describe_row(experiment: Experiment, index: int) -> dict[str, Any]:
    """Return the values of a row, its prediction and its loss."""
    scene = experiment.scene
    part, i = find_row(experiment, index)
    trace = trace_row(experiment, index)
    answer: dict[str, Any] = {
        "type": "row",
        "index": index,
        "is_test": part is not scene.rows,
        "values": _list_values(part, scene.input_names, i),
        "loss": float(np.mean(trace.unreduced_loss)) * trace.program.loss.report_scale,
        "prediction": "",
        "target": "",
        "probabilities": [],
    }
    if scene.reader is None:
        return answer
    probability, prediction = scene.reader.read(trace.output)
    target = scene.targets[0 if part is scene.rows else 1]
    names = experiment.data.class_names or scene.reader.class_names
    answer["prediction"] = _name_answer(prediction[0], names)
    answer["target"] = "" if target is None else _name_answer(target[i], names)
    if probability is not None:
        answer["probabilities"] = [float(each) for each in probability[0]]
    return answer


def _name_answer(value: Any, class_names: tuple[str, ...]) -> str:
    return class_names[int(value)] if class_names else format_number(value)


def _list_values(part: Snapshot, names: Sequence[str], i: int) -> list[tuple[str, str]]:
    examples = read_examples(part)
    if part.table is not None:
        return [(str(name), _format(values[i])) for name, values in examples.columns.items()]
    x = np.asarray(part.x)
    if x.ndim == 2:
        return [(name, _format(v)) for name, v in zip(names, x[i], strict=False)]
    return []


def _format(value: Any) -> str:
    return format_value(value.item() if isinstance(value, np.number) else value)


def describe_neuron(
    experiment: Experiment, layer: str, unit: int, row: int | None, *, whole_batch: bool
) -> dict[str, Any]:
    """Return the arithmetic of a neuron, forward and backward, as numbers and as text.

    Args:
        experiment: the experiment.
        layer: name of a Dense layer.
        unit: index of the neuron.
        row: the row; None for the first of the next step.
        whole_batch: whether the gradients are those of the next step, of all its rows.

    Raises:
        ConfigError: an unknown layer or unit; a layer that is not Dense.
        DataError: an unknown row.
    """
    if whole_batch or row is None:
        trace, rows = trace_batch(experiment)
        row, whole_batch = int(rows[0]), True
    else:
        trace = trace_row(experiment, row)
    text = trace.neuron(layer, unit)
    dense = lookup("layer", layer, {link.name: link for link in trace.links})
    activation = find_activation(trace, dense)
    return {
        "type": "neuron",
        "layer": layer,
        "unit": unit,
        "row": row,
        "whole_batch": whole_batch,
        "n_rows": len(trace.x),
        "step": experiment.run.step,
        "text": text,
        "forward": _describe_forward(experiment, dense, activation, unit),
        "backward": _describe_backward(trace, dense, activation, unit),
    }


def _describe_forward(
    experiment: Experiment, dense: LinkTrace, activation: LinkTrace | None, unit: int
) -> dict[str, Any]:
    x, weights = dense.input[0], dense.params["kernel"][:, unit]
    names = name_inputs(experiment, dense)
    bias = dense.params.get("bias")
    z = float(dense.output[0, unit])
    inputs = [
        {"name": name, "value": float(value), "weight": float(w), "product": float(value * w)}
        for name, value, w in zip(names, x[:MAX_INPUTS], weights, strict=False)
    ]
    return {
        "inputs": inputs,
        "bias": None if bias is None else float(bias[unit]),
        "z": z,
        "activation": "" if activation is None else str(activation.link.activation_name),
        "a": z if activation is None else float(activation.output[0, unit]),
    }


def _describe_backward(
    trace: Trace, dense: LinkTrace, activation: LinkTrace | None, unit: int
) -> dict[str, Any]:
    gradient, update = dense.d_params.get("kernel"), dense.update.get("kernel")
    d_bias, bias_update = dense.d_params.get("bias"), dense.update.get("bias")
    d_output = None if activation is None else activation.d_output
    delta, d_a = float(dense.delta[0, unit]), None
    slope = None
    if activation is not None and d_output is not None:
        d_a = float(d_output[0, unit])
        slope = get_slope(activation, float(dense.output[0, unit]), d_a, delta)
    return {
        "delta": delta,
        "d_a": d_a,
        "slope": slope,
        "gradients": _column(gradient, unit),
        "updates": _column(update, unit),
        "d_bias": None if d_bias is None else float(d_bias[unit]),
        "d_bias_update": None if bias_update is None else float(bias_update[unit]),
        "rate": trace.rate,
    }


def _column(kernel: np.ndarray | None, unit: int) -> list[float]:
    return [] if kernel is None else [float(each) for each in kernel[:MAX_INPUTS, unit]]


def find_activation(trace: Trace, link: LinkTrace) -> LinkTrace | None:
    """Return the activation that belongs to the layer of a link; None if it has none."""
    i = trace.links.index(link) + 1
    following = trace.links[i] if i < len(trace.links) else None
    if following is None or not isinstance(following.link, Activation):
        return None
    return following if following.name.startswith(f"{link.name}.") else None


def name_inputs(experiment: Experiment, dense: LinkTrace) -> list[str]:
    """Return the name of each input of a Dense layer: a column, or a neuron of the layer before."""
    n = dense.input.shape[1]
    names = experiment.scene.input_names
    scaling = {"x", *(str(layer.name) for layer in experiment.scene.preparing_layers)}
    if dense.source in scaling and len(names) == n:
        return list(names)
    before = dense.source.split(".")[0]
    return [f"{before}[{i}]" for i in range(n)]
