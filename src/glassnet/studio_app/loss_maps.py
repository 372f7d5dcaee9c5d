"""The loss over two weights that the user has chosen, with the path of the run."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from glassnet.inspection.surfaces import loss_surface
from glassnet.inspection.weight_selection import select_weights
from glassnet.studio_app.experiment import Experiment
from glassnet.studio_app.scene import Arrays

RESOLUTION = 51
"""Number of values of each weight."""

MAX_STATES = 200
"""Most points of a path."""


class _Model:
    """The network of an experiment, as the views of `gn.inspection` take a model."""

    def __init__(self, experiment: Experiment) -> None:
        self.snapshot = experiment.scene.at(experiment.run.state.train_state)

    def take_snapshot(self, *args: Any, **options: Any) -> Any:
        """Return the snapshot with the training rows."""
        return self.snapshot


def draw_landscape(
    experiment: Experiment, weights: Sequence[tuple[str, tuple[int, ...]]]
) -> tuple[dict[str, Any], Arrays]:
    """Return the message `landscape`: the loss of the training rows over two weights.

    The other weights stay as they are now. The loss on the path is that of the surface, since the
    other weights have moved, too. Both axes have the same scale, so a valley looks like one.

    Args:
        experiment: the experiment.
        weights: name and index of each of the two weights.

    Raises:
        ConfigError: an unknown weight, an index that does not fit, or the same weight twice.
    """
    first, second = ((name, tuple(index)) for name, index in weights)
    path = _list_values(experiment, (first, second))
    draw = partial(loss_surface, _Model(experiment), None, None, first, second, path=path)
    surface = draw(values=_equal_ranges(draw(values=2).values))
    header = {
        "type": "landscape",
        "weights": list(surface.weights),
        "values": list(surface.model_values),
        "loss_now": surface.model_loss,
        "loss_name": surface.loss_name,
        "step": experiment.run.step,
    }
    losses = np.empty(0) if surface.path_loss is None else surface.path_loss
    return header, {
        "x": np.asarray(surface.values[0], np.float64),
        "y": np.asarray(surface.values[1], np.float64),
        "loss": np.asarray(surface.loss.T, np.float64),
        "path": np.column_stack([path, losses]),
    }


def _equal_ranges(ends: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Return values of each weight: around the middle of its range, over the longer of the two."""
    half = max(np.ptp(each) for each in ends) / 2
    steps = np.linspace(-half, half, RESOLUTION)
    return tuple(np.mean(each) + steps for each in ends)


def _list_values(
    experiment: Experiment, weights: Sequence[tuple[str, tuple[int, ...]]]
) -> np.ndarray:
    """Return the values of the weights at steps of the run so far: (steps, 2)."""
    run = experiment.training_run
    selections = select_weights(run.network, run.start.train_state.params, list(weights))
    rows = [
        [selection.get_value(state.params) for selection in selections]
        for state in experiment.run.list_states(MAX_STATES)
    ]
    return np.array(rows, np.float64)
