"""Training seen from inside: activations, gradients and updates of each layer over the epochs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engine.network import iter_links, tree_get
from glassnet.engine.train_step import OBSERVED_STATISTICS
from glassnet.errors import ConfigError, NotReadyError, message, require
from glassnet.formatting import format_number
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function

if TYPE_CHECKING:
    from matplotlib.figure import Figure

USUAL_UPDATE_RATIO = 1e-3
"""Update divided by weight that is usual in a healthy run (Karpathy, CS231n, Neural networks 3)."""

FINAL_FRACTION = 1 / 3
"""Fraction of the observations, the last ones, that the title is about."""


@dataclass(frozen=True, eq=False, repr=False)
class TrainingStatistics(View):
    """Statistics of single training steps, layer by layer.

    Attributes:
        epochs: time of each observation in epochs, (t,): 1.5 is in the middle of the second.
        layers: names of the layers from the first with trained weights on, (L,).
        mean: mean of each layer's outputs, (t, L).
        std: their standard deviation, (t, L).
        zeros: fraction of the outputs that are 0, (t, L).
        weighted: names of the layers with trained weights, (W,).
        gradient: root mean square of each one's gradient, (t, W).
        weight: root mean square of its weights, (t, W).
        update: root mean square of its update in the step, (t, W).
        note: " (untrained)" if the model was not trained, else "".
    """

    epochs: np.ndarray
    layers: tuple[str, ...]
    mean: np.ndarray
    std: np.ndarray
    zeros: np.ndarray
    weighted: tuple[str, ...]
    gradient: np.ndarray
    weight: np.ndarray
    update: np.ndarray
    note: str

    @property
    def update_ratio(self) -> np.ndarray:
        """Size of the update divided by that of the weights, (t, W); NaN if all weights are 0."""
        is_known = self.weight > 0
        return np.where(is_known, self.update / np.where(is_known, self.weight, 1), np.nan)

    @property
    def final_ratio(self) -> np.ndarray:
        """Median update ratio of each layer in the last third of the observations, (W,)."""
        n = max(1, round(len(self.epochs) * FINAL_FRACTION))
        ratios: np.ndarray = np.nanmedian(self.update_ratio[-n:], axis=0)
        return ratios

    @property
    def title(self) -> str:
        """The smallest and the largest update ratio at the end."""
        ratios = self.final_ratio
        low, high = int(np.nanargmin(ratios)), int(np.nanargmax(ratios))
        ends = [f"{format_number(ratios[i], 2)} ({self.weighted[i]})" for i in (low, high)]
        text = " to ".join(ends if low != high else ends[:1])
        return f"A step changes weights by {text} of their size{self.note}"

    def __str__(self) -> str:
        usual = format_number(USUAL_UPDATE_RATIO)
        lines = [self.title, f"About {usual} is usual."]
        for name, ratio, gradient in zip(
            self.weighted, self.final_ratio, self.gradient[-1], strict=True
        ):
            numbers = (
                f"update ratio {format_number(ratio, 2)}, gradient {format_number(gradient, 2)}"
            )
            lines.append(f"{name}: {numbers}")
        return "\n".join(lines)

    def plot(self) -> Figure:
        """Draw outputs, zeros, gradients and update ratios of each layer over the epochs.

        The line at 1e-3 is the update ratio that is usual in a healthy run.
        """
        from glassnet.plots import training_statistics

        return training_statistics.plot_statistics(
            self.epochs,
            {
                "standard deviation of outputs": self.std,
                "fraction of outputs that are 0": self.zeros,
            },
            {"gradient (root mean square)": self.gradient, "update / weight": self.update_ratio},
            layers=self.layers,
            weighted=self.weighted,
            usual_ratio=USUAL_UPDATE_RATIO,
            title=self.title,
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each layer of each observation.

        Columns of layers without trained weights are NaN in gradient, weight and update.
        """
        import pandas as pd

        names = list(dict.fromkeys([*self.layers, *self.weighted]))
        columns: dict[str, Any] = {
            "epoch": np.repeat(self.epochs, len(names)),
            "layer": np.tile(names, len(self.epochs)),
        }
        for key in ("mean", "std", "zeros", "gradient", "weight", "update"):
            known = self.layers if key in ("mean", "std", "zeros") else self.weighted
            values = np.full((len(self.epochs), len(names)), np.nan)
            values[:, [names.index(name) for name in known]] = getattr(self, key)
            columns[key] = values.ravel()
        return pd.DataFrame(columns)


@view_function
def observations(model: InspectedModel, history: Any = None) -> TrainingStatistics:
    """Draw what happened inside the network during a fit, layer by layer.

    `fit(..., observe=True)` records up to 20 steps of each epoch. Long runs are observed anyway.
    Outputs near 0 in every row, or all equal, mean that a layer passes nothing on. A gradient that
    is smaller by orders of magnitude in the first layers vanishes on its way back. An update ratio
    far above 1e-3 points to a learning rate that is too large, one far below to one that is too
    small.

    Args:
        model: the model that was fitted.
        history: the result of a fit of it; None for the last one.

    Returns:
        The statistics over the epochs.

    Raises:
        NotReadyError: the fit was not observed.
        ConfigError: the history is that of another network.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense
        >>> model = Sequential([Dense(1)], seed=0)
        >>> history = model.fit([[1.0], [2.0]], [1.0, 3.0], epochs=2, observe=True, verbose=0)
        >>> observations(model).gradient.shape
        (2, 1)

    Source: Glorot and Bengio 2010, section 4; Karpathy, CS231n notes, Neural networks part 3, for
        the ratio.
    """
    snapshot = model.take_snapshot()
    history = snapshot.history if history is None else history
    records = getattr(history, "observations", None)
    if not records:
        fix = "Call model.fit(..., observe=True). A model file does not hold observations."
        raise NotReadyError(message("observations", "a fit that was observed", fix=fix))
    values = np.stack([record.values for record in records]).astype(float)
    columns = dict(zip(OBSERVED_STATISTICS, np.moveaxis(values, -1, 0), strict=True))
    outputs, weighted = _find_rows(snapshot, values.shape[1])
    return TrainingStatistics(
        epochs=_find_times(records, getattr(history, "params", {}).get("steps")),
        layers=tuple(outputs),
        **{name: columns[name][:, list(outputs.values())] for name in ("mean", "std", "zeros")},
        weighted=tuple(weighted),
        **{
            name: columns[name][:, list(weighted.values())]
            for name in ("gradient", "weight", "update")
        },
        note=snapshot.note,
    )


def _find_times(records: Any, steps: int | None) -> np.ndarray:
    """Return the time of each observation in epochs.

    Args:
        records: the observations.
        steps: steps of an epoch; None if that was not known.
    """
    n_steps = steps or max(record.step for record in records) + 1
    return np.array([record.epoch + (record.step + 1) / n_steps for record in records])


def _find_rows(snapshot: Snapshot, n_rows: int) -> tuple[dict[str, int], dict[str, int]]:
    """Return the rows of the observed values by name: outputs of layers, and trained weights.

    Raises:
        ConfigError: the observations are of another network.
    """
    body, _ = snapshot.body_and_head
    rows = {path: i for i, (path, _) in enumerate(iter_links(body))}
    expected = "a history of a fit of this network"
    require(len(rows) == n_rows, "observations", expected, links=len(rows), observed=n_rows)
    weighted = {
        str(link.name): rows[path]
        for path, link in iter_links(body)
        if not link.parts and link.trainable and tree_get(snapshot.params, path)
    }
    if not weighted:
        raise ConfigError(message("observations", "a network with trained weights"))
    built = snapshot.network
    outputs = {
        str(layer.name): rows[(min(stop, len(body)) - 1,)]
        for layer, (start, stop) in zip(built.layers, built.spans, strict=True)
        if min(stop, len(body)) > start
    }
    first = min(weighted.values())
    return {name: row for name, row in outputs.items() if row >= first}, weighted
