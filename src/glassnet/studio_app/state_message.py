"""The message `state`: settings, data and network, and the simple models beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from glassnet.engine import network
from glassnet.engine.network import iter_links, tree_get
from glassnet.evaluation.quick_rivals import Rivals, fit_rivals
from glassnet.inspection.training_runs import TrainingRun
from glassnet.layers import Dense, Dropout, Layer
from glassnet.losses import LOSSES, Loss
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.settings import Settings

LOSS_UNITS = {
    "mean squared error": " squared",
    "half mean squared error": " squared",
    "mean absolute error": "",
}
"""What follows the unit of the target in the unit of a loss."""

PRIVACY = "Your data stay in this process: a link to this page does not contain them."


def describe_state(
    experiment: Experiment, *, playing: bool, rivals: Rivals | None
) -> dict[str, Any]:
    """Return the message `state`: settings, data and network, without numbers that training moves.

    Args:
        experiment: the experiment.
        playing: whether training runs.
        rivals: losses of simple models; None if they are not known yet.
    """
    run, data, scene = experiment.training_run, experiment.data, experiment.scene
    program = run.program
    return {
        "type": "state",
        "settings": _complete(experiment.settings),
        "link": experiment.link,
        "playing": playing,
        "position": describe_position(experiment),
        "note": experiment.note,
        "data": _describe_data(experiment),
        "network": {
            "layers": _list_layers(run),
            "weights": list_weights(run),
            "n_weights": network.count_params(run.start.train_state.params),
            "loss_name": name_loss(program.loss),
            "loss_unit": _say_loss_unit(program.loss, data.class_names, data.target_name),
            "optimizer_name": type(program.optimizer).__name__,
            "is_own_model": experiment.own_model is not None,
            "can_edit": experiment.own_model is None or not experiment.own_model.reason,
            "cannot_edit_reason": experiment.own_model.reason if experiment.own_model else "",
        },
        "axes": [axis["name"] for axis in scene.axes],
        "rivals": _list_rivals(rivals),
        "score_name": score_name(run),
        "privacy": PRIVACY if data.is_private else "",
    }


def _complete(settings: Settings) -> dict[str, Any]:
    """Return settings as a dict with the defaults, too, as the controls need them."""

    def expand(value: Any) -> Any:
        if isinstance(value, msgspec.Struct):
            if value.__struct_config__.array_like:
                return value
            return {name: expand(getattr(value, name)) for name in value.__struct_fields__}
        return [expand(each) for each in value] if isinstance(value, tuple) else value

    complete: dict[str, Any] = expand(settings)
    return complete


def describe_position(experiment: Experiment) -> dict[str, int]:
    """Return where training stands, and the steps that can be shown."""
    run = experiment.run
    return {
        "step": run.step,
        "epoch": run.state.epoch,
        "step_in_epoch": run.step_in_epoch,
        "steps_per_epoch": run.steps_per_epoch,
        "first": run.first,
        "last": run.last,
    }


def score_name(run: TrainingRun) -> str:
    """Return the name of the metric that is shown beside the loss, or ""."""
    return run.program.metrics[0].name if run.program.metrics else ""


def name_loss(loss: Loss) -> str:
    """Return the name of a loss in the words of Keras's strings, such as mean squared error."""
    names = {kind.__name__: name for name, kind in reversed(LOSSES.items())}
    return names.get(loss.display_name, loss.display_name).replace("_", " ")


def _say_loss_unit(loss: Loss, class_names: Sequence[str], target: str) -> str:
    """Return the unit of the loss in a sentence; "" for classes, and if there is no simple one."""
    power = LOSS_UNITS.get(name_loss(loss))
    if class_names or power is None:
        return ""
    return f"The loss is the {name_loss(loss)}, in units of {target}{power}."


def _describe_data(experiment: Experiment) -> dict[str, Any]:
    data = experiment.data
    columns = [
        {"name": each.name, "kind": each.kind, "used": each.used, "detail": each.detail}
        for each in data.columns
    ]
    return {
        "kind": data.kind,
        "title": data.title,
        "n_train": data.n_train,
        "n_test": data.n_test,
        "feature_names": list(data.feature_names),
        "input_names": list(experiment.scene.input_names),
        "class_names": list(data.class_names),
        "target_name": data.target_name,
        "columns": columns,
        "has_column_types": data.has_column_types,
        "has_target_type": data.has_target_type,
        "messages": experiment.messages,
        "is_private": data.is_private,
        "image_shape": data.image_shape,
    }


def _list_layers(run: TrainingRun) -> list[dict[str, Any]]:
    built, start, entries = run.network, run.start.train_state.params, []
    for layer, (first, stop) in zip(built.layers, built.spans, strict=True):
        n_weights = network.count_params(start[first:stop])
        entries.append(
            {
                "name": str(layer.name),
                "kind": type(layer).__name__,
                "units": getattr(layer, "units", None),
                "activation": _activation_of(layer),
                "dropout": layer.rate if isinstance(layer, Dropout) else None,
                "shape": built.shapes[stop],
                "n_weights": n_weights,
                "detail": _say_layer(layer),
            }
        )
    return entries


def _activation_of(layer: Layer) -> str:
    activation = getattr(layer, "activation", None)
    return "" if activation is None else str(getattr(activation, "__name__", activation))


def _say_layer(layer: Layer) -> str:
    name = type(layer).__name__
    if isinstance(layer, Dense):
        return f"{layer.units} units, {_activation_of(layer) or 'linear'}"
    return f"{name}({layer.rate})" if isinstance(layer, Dropout) else name


def list_weights(run: TrainingRun) -> list[dict[str, Any]]:
    """Return name, layer, shape and position in a picture's weights of each array of weights."""
    links, start, entries = dict(iter_links(run.network.links)), 0, []
    for kind, path, key in run.network.weight_paths:
        if kind != "params":
            continue
        shape = np.shape(tree_get(run.start.train_state.params, path)[key])
        size, layer = math.prod(shape), str(links[path].name)
        entry = {"name": f"{layer}/{key}", "layer": layer, "key": key}
        entries.append(entry | {"shape": shape, "offset": start, "size": size})
        start += size
    return entries


def compute_rivals(experiment: Experiment) -> Rivals:
    """Return the losses of simple models on the rows of the experiment."""
    scene = experiment.scene
    test = scene.test_rows
    loss, rows = experiment.training_run.program.loss, scene.rows
    held_out = (test.x, test.y, test.weight) if test else None
    return fit_rivals(loss, (rows.x, rows.y, rows.weight), held_out)


def _list_rivals(rivals: Rivals | None) -> list[dict[str, Any]]:
    if rivals is None:
        return []
    is_classes = rivals.constant_accuracy == rivals.constant_accuracy
    rows = [
        ("most common class" if is_classes else "best constant", "constant"),
        ("logistic regression" if is_classes else "ridge regression", "linear"),
        ("15 nearest rows", "neighbours"),
    ]
    losses = {"constant": rivals.val_constant, "linear": rivals.linear}
    losses["neighbours"] = rivals.neighbours
    listed = []
    for name, key in rows:
        accuracy = getattr(rivals, f"{key}_accuracy")
        score = accuracy if accuracy == accuracy else None
        if losses[key] == losses[key]:
            rows_name = "test rows" if rivals.rows == "validation" else "a half of the rows"
            listed.append({"name": name, "loss": losses[key], "score": score, "rows": rows_name})
    return listed
