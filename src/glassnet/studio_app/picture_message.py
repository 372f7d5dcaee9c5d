"""The messages that draw an experiment: its rows as points, and its pictures."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from glassnet.studio_app.arithmetic import find_row
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.messages import SetView
from glassnet.studio_app.scene import Arrays
from glassnet.studio_app.state_message import describe_position, score_name
from glassnet.studio_app.studio_data import StudioData


def fit_view(experiment: Experiment, view: SetView, before: StudioData) -> SetView:
    """Return a view without a neuron that the network does not have, and a row of other data.

    Args:
        experiment: the experiment.
        view: what the page looks at.
        before: the data that it looked at.
    """
    n_rows = experiment.data.n_train + experiment.data.n_test
    layers = experiment.training_run.network.layers
    units = {str(layer.name): getattr(layer, "units", 0) for layer in layers}
    is_same_data = experiment.data.title == before.title
    has_row = view.row is not None and is_same_data and view.row < n_rows
    has_unit = view.layer is None or view.unit < units.get(view.layer, 0)
    return msgspec.structs.replace(
        view,
        row=view.row if has_row else None,
        layer=view.layer if has_unit else None,
        unit=view.unit if has_unit else 0,
    )


def draw_rows(experiment: Experiment) -> tuple[dict[str, Any], Arrays]:
    """Return the message `points`: where each row is, its target, and whether it is a test row.

    Of a table, the histogram of each input comes with it.
    """
    scene = experiment.scene
    header = {"type": "points", "target_name": experiment.data.target_name}
    arrays = scene.locate_rows()
    if experiment.data.kind == "table":
        arrays |= scene.count_inputs()
    return header | {"axes": [axis["name"] for axis in scene.axes]}, arrays


def draw_picture(experiment: Experiment, view: SetView) -> tuple[dict[str, Any], Arrays]:
    """Return the message `picture` of the present moment, without the curve.

    Args:
        experiment: the experiment.
        view: the row that is looked at.
    """
    run, scene = experiment.run, experiment.scene
    state = run.state.train_state
    plane, arrays = scene.draw_plane(state)
    arrays["weights"] = scene.draw_weights(state)
    arrays |= scene.draw_confusion(state)
    if scene.plane is None or experiment.data.kind == "table":
        arrays |= scene.draw_drivers(state)
    if experiment.data.kind == "images":
        arrays |= _draw_example(experiment, view.row or 0)
    header = {
        "type": "picture",
        **measure_losses(experiment),
        "finite": not run.problem,
        "problem": run.problem or None,
        "learning_rate": run.learning_rate,
        "grid": plane,
    }
    return header, arrays


def measure_losses(experiment: Experiment) -> dict[str, Any]:
    """Return where training stands, and losses and scores of training and test rows."""
    parts = experiment.scene.evaluate(experiment.run.state.train_state)
    name = score_name(experiment.training_run)
    return describe_position(experiment) | {
        "losses": [part["loss"] for part in parts],
        "scores": [part[name] for part in parts] if name else [],
        "score_name": name,
    }


def _draw_example(experiment: Experiment, index: int) -> Arrays:
    """Return the image of a row, and the output for it."""
    scene = experiment.scene
    part, i = find_row(experiment, index)
    x = np.asarray(part.x)[i : i + 1]
    snapshot = scene.at(experiment.run.state.train_state)
    output = snapshot.compute_outputs(x)
    probability = scene.reader.read(output)[0] if scene.reader else None
    shown = output[0] if probability is None else probability[0]
    image = np.asarray(x[0], np.float32)
    return {"row_image": image, "row_output": np.ravel(shown).astype(np.float32)}
