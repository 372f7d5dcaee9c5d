"""A walk through a training step: every number forward and backward, and the update."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.engine import network
from glassnet.errors import DataError, require
from glassnet.formatting import format_number
from glassnet.inspection.trace import Trace
from glassnet.inspection.trace.trace_data import LinkTrace
from glassnet.layers import Dense
from glassnet.studio_app.arithmetic import find_activation, trace_batch
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.scene import Arrays

MAX_WEIGHTS = 200_000
"""Most weights of a network whose step is shown number by number."""

Stage = dict[str, str]
"""A part of the step: its kind, its layer or "", a title, and a text of some sentences."""


def describe_walk(experiment: Experiment) -> tuple[dict[str, Any], Arrays]:
    """Return the message `walk`: every number of the next step. Nothing is trained.

    Raises:
        DataError: the network is too large to be shown number by number.
    """
    n = network.count_params(experiment.training_run.start.train_state.params)
    expected = f"a network of at most {MAX_WEIGHTS:,} weights"
    require(n <= MAX_WEIGHTS, "walk", expected, error=DataError, weights=n)
    trace, rows = trace_batch(experiment)
    pairs = [(link, find_activation(trace, link)) for link in trace.links if link.params]
    loss, rate = format_number(trace.loss, 6), format_number(trace.rate)
    name = trace.program.loss.display_name
    stages = [
        _stage("input", "The rows", _say_rows(len(rows))),
        *(_say_forward(*pair) for pair in pairs),
        _stage("loss", "The loss", f"The loss of these {len(rows):,} rows is {loss} ({name})."),
        *(_say_backward(link) for link, _ in reversed(pairs)),
        _stage("update", "The update", f"The optimizer changes every weight, at rate {rate}."),
    ]
    header = {
        "type": "walk",
        "n_rows": len(rows),
        "row": int(rows[0]),
        "stages": stages,
        "rate": trace.rate,
        "loss": trace.loss,
        "step": experiment.run.step,
    }
    return header, _list_arrays(trace, pairs)


def _list_arrays(trace: Trace, pairs: list[tuple[LinkTrace, LinkTrace | None]]) -> Arrays:
    """Return the values of the first row, the gradients of all rows, and the updates, by name."""
    arrays: Arrays = {"input": _first(trace.x)}
    for link, activation in pairs:
        last = activation or link
        delta = last.delta if last.has_z else link.d_output
        assert delta is not None
        arrays[f"z_{link.name}"] = _first(link.output)
        arrays[f"a_{link.name}"] = _first(last.output)
        arrays[f"delta_{link.name}"] = _first(delta)
        for kind, values in (("gradient", link.d_params), ("update", link.update)):
            for key, array in values.items():
                arrays[f"{kind}_{link.name}_{key}"] = array.astype(np.float32)
    return arrays


def _stage(kind: str, title: str, text: str, layer: str = "") -> Stage:
    return {"kind": kind, "layer": layer, "title": title, "text": text}


def _first(values: np.ndarray) -> np.ndarray:
    return np.ravel(values[0]).astype(np.float32)


def _say_rows(n: int) -> str:
    shown = "The first of them is shown." if n > 1 else "It is shown."
    return f"The step takes {n:,} of the training rows. {shown}"


def _say_forward(link: LinkTrace, activation: LinkTrace | None) -> Stage:
    name = "" if activation is None else activation.link.activation_name
    formula = "z = x W + b" if isinstance(link.link, Dense) else "z"
    then = f", then a = {name}(z)" if name else ""
    text = f"Each neuron of {link.name} computes {formula}{then}."
    return _stage("forward", f"Forward: {link.name}", text, link.name)


def _say_backward(link: LinkTrace) -> Stage:
    text = (
        f"delta = dL/dz says how the loss changes with z of each neuron of {link.name}. "
        "The gradient of a weight is delta times its input, added up over the rows."
    )
    return _stage("backward", f"Backward: {link.name}", text, link.name)
