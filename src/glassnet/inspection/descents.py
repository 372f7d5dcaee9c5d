"""Descents: the paths of several training runs on one surface of the loss."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engine import inference
from glassnet.engine.inference import iter_padded_blocks
from glassnet.engine.train_step import Program
from glassnet.errors import DataError, lookup, require
from glassnet.formatting import format_names, format_number
from glassnet.inspection.loss_grid import LossGrid
from glassnet.inspection.loss_ranges import fit_bowl
from glassnet.inspection.path_planes import (
    PathPlane,
    choose_axes,
    find_near_points,
    plane_of_weights,
    principal_plane,
)
from glassnet.inspection.progress import show_progress
from glassnet.inspection.run_choices import choose_runs, describe_optimizer
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.training_runs import (
    FIT_ARGUMENTS,
    RunSettings,
    TrainableModel,
    TrainingRun,
    WeightPath,
    flatten_params,
    record_path,
    unflatten_params,
)
from glassnet.inspection.view import View, view_function
from glassnet.inspection.weight_selection import (
    WeightSelection,
    find_trainable_numbers,
    select_weights,
)
from glassnet.optimizers import Optimizer
from glassnet.schedules import Schedule
from glassnet.types import Params, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_POINTS = 200
"""Maximum number of points of a path after its start."""

MAX_NUMBERS, MAX_RETURNED = 2**26, 2**22
"""Maximum number of weights in all points of all paths, in memory and in the result."""

FEWEST_POINTS = 10
"""A path of so many weights that it would have fewer points is refused."""

RESOLUTION = 51
"""Points of the surface along each axis."""

FEWEST_FRAMES, MAX_FRAMES = 20, 100
"""An animation of so many epochs has a frame for each."""

DESCENT_ARGUMENTS = ("optimizers", "learning_rates", "batch_sizes", "starts", "weights", "epochs")
"""Arguments of `descent`, for messages about misspelt ones."""

ARRIVED = 0.9
"""A run has arrived if it has come this share of the way from its start down to the lowest loss."""


@dataclass(frozen=True, eq=False, repr=False)
class Descent(View):
    """The paths of several training runs, on one surface of the loss.

    A point of a path is the state after a step; the first is the start. A run with more than 200
    steps has a point after every k-th step and after the last. The loss is that of all rows without
    noise, as `evaluate` returns it. The path of a run that diverges ends with its last finite loss.

    Attributes:
        labels: names of the runs, such as "sgd, momentum 0.9" or "rate 0.1".
        paths: coordinates of the points of each run on the surface, (points, 2). If the surface is
            a plane through many weights, they are projected on it.
        losses: loss at each point, (points,). It is the loss at the point's own weights.
        steps: number of steps before each point, (points,).
        epochs: the same in epochs, (points,).
        problems: why each run ended before its last epoch; "" if it did not.
        weights: names of the two axes of the surface.
        values: values on each axis, (n,) and (m,).
        loss: the surface, (n, m): loss[i, j] at the i-th value of the first axis and the j-th of
            the second. Other weights are those at the end of the lowest run.
        variance_shares: share of the variance of the paths along each axis, if the axes are
            principal directions; None for two weights.
        full_weights: all weights at each point, (points, weights), in the order of
            `model.get_weights()` without statistics; None if they are many.
        lowest_loss: of all points, and of the surface if the network has no other weights.
        n_epochs: epochs of every run.
        loss_name: name of the loss.
        start_note: where the runs started.
        surface_note: what the surface is of, if the network has other weights; else "".
    """

    labels: tuple[str, ...]
    paths: tuple[np.ndarray, ...]
    losses: tuple[np.ndarray, ...]
    steps: tuple[np.ndarray, ...]
    epochs: tuple[np.ndarray, ...]
    problems: tuple[str, ...]
    weights: tuple[str, str]
    values: tuple[np.ndarray, np.ndarray]
    loss: np.ndarray
    variance_shares: tuple[float, float] | None
    full_weights: tuple[np.ndarray, ...] | None
    lowest_loss: float
    n_epochs: int
    loss_name: str
    start_note: str
    surface_note: str

    @property
    def lowest_run(self) -> int:
        """Index of the run with the lowest last loss."""
        return int(np.argmin([loss[-1] for loss in self.losses]))

    @property
    def progress(self) -> tuple[float, ...]:
        """Share of the way from its start down to `lowest_loss` that each run has come.

        A run that ends above its start has a share below 0.
        """
        lowest = self.lowest_loss
        return tuple(
            float((loss[0] - loss[-1]) / (loss[0] - lowest)) if loss[0] > lowest else 1.0
            for loss in self.losses
        )

    @property
    def outcomes(self) -> tuple[str, ...]:
        """How each run ended: "arrived", "on the way" or "left the bowl".

        A run has left the bowl if its loss was not finite at some step, or is higher at the end
        than at the start. It has arrived if it came 90 % of the way down.
        """
        return tuple(
            "left the bowl" if problem or share < 0 else _describe_share(share)
            for problem, share in zip(self.problems, self.progress, strict=True)
        )

    @property
    def title(self) -> str:
        lowest = self.lowest_run
        first, last = (format_number(self.losses[lowest][i]) for i in (0, -1))
        after = f"after {self.n_epochs} epoch{'s' if self.n_epochs > 1 else ''}"
        left = [i for i, each in enumerate(self.outcomes) if each == "left the bowl"]
        short = [i for i, each in enumerate(self.outcomes) if each == "on the way"]
        shares = [f"{format_number(100 * share, 2)} %" for share in self.progress]
        way = f", {shares[lowest]} of the way" if lowest in short else ""
        parts = []
        if len(self.labels) == 1:
            parts = [f"{self.labels[0]}: loss {first} to {last} {after}"]
        elif lowest not in left:
            parts = [f"{self.labels[lowest]} ends lowest: loss {last} {after}{way}"]
        if left:
            parts.append(f"{_join([self.labels[i] for i in left])} left the bowl")
        others = [f"{self.labels[i]} came {shares[i]}" for i in short if i != lowest]
        if others:
            parts.append(f"{_join(others)} of the way")
        return "; ".join(parts)

    def __str__(self) -> str:
        lines = [self.title, *self._notes]
        for label, loss, steps, problem in zip(
            self.labels, self.losses, self.steps, self.problems, strict=True
        ):
            first, last, n = format_number(loss[0]), format_number(loss[-1]), steps[-1]
            end = f"; it ended there: {problem}" if problem else ""
            lines.append(f"  {label}: loss {first} to {last} in {n:,} steps{end}")
        return "\n".join(lines)

    @property
    def _notes(self) -> list[str]:
        return [self.start_note, self.surface_note] if self.surface_note else [self.start_note]

    def to_frame(self) -> Any:
        """Return a row per point: run, step, epoch, both coordinates and the loss."""
        import pandas as pd

        runs = zip(self.labels, self.paths, self.losses, self.steps, self.epochs, strict=True)
        columns = ["run", "step", "epoch", *self.weights, "loss"]
        frames = [
            pd.DataFrame(dict(zip(columns, [label, step, epoch, *path.T, loss], strict=True)))
            for label, path, loss, step, epoch in runs
        ]
        return pd.concat(frames, ignore_index=True)

    def plot(self, ax: Axes | None = None, kind: str = "contour") -> Figure | SubFigure:
        """Draw the paths on the surface. What is beyond its edge is cut off, and marked.

        Args:
            ax: axes to draw on; three-dimensional ones for kind="3d". None for a new figure.
            kind: "contour" for a map, "3d" for the surface in space.

        Raises:
            ConfigError: another `kind`.
        """
        from glassnet.plots.descents import plot_3d, plot_contour

        draw = lookup("kind", kind, {"contour": plot_contour, "3d": plot_3d})
        return draw(self._make_plot(), ax)

    def animate(self, path: str | os.PathLike[str]) -> None:
        """Write a web page on which the paths grow epoch by epoch, with a slider.

        The page is one file and needs no network.

        Args:
            path: a file that ends in .html, in an existing folder.

        Raises:
            ConfigError: the file cannot be written.
        """
        from glassnet.inspection.animation import Frame, require_page_path, write_animation
        from glassnet.plots.descents import draw_animation

        page = require_page_path("animate", path)
        times, unit = self._choose_times()
        captions = [self._describe_moment(time) for time in times]
        write_animation(
            page,
            [Frame(caption) for caption in captions],
            title=self.title,
            description=" ".join(self._notes),
            picture=draw_animation(self._make_plot(), self.epochs, times),
            unit=unit,
            first_number=0,
            seconds=10,
        )

    def _choose_times(self) -> tuple[np.ndarray, str]:
        """Return the epochs at which there is a frame, and what a frame is."""
        if FEWEST_FRAMES <= self.n_epochs <= MAX_FRAMES:
            return np.arange(self.n_epochs + 1.0), "epoch"
        points = max(map(len, self.steps)) - 1
        n = min(MAX_FRAMES, max(points, 1))
        return np.linspace(0, self.n_epochs, n + 1), "frame"

    def _describe_moment(self, time: float) -> str:
        parts = []
        for label, epochs, losses, problem in zip(
            self.labels, self.epochs, self.losses, self.problems, strict=True
        ):
            i = int(np.searchsorted(epochs, time + 1e-9, side="right")) - 1
            has_ended = bool(problem) and i == len(losses) - 1
            parts.append(f"{label}: {format_number(losses[i])}{' (ended)' if has_ended else ''}")
        moment = format_number(time, 3)
        return f"Loss after {moment} of {self.n_epochs} epochs. {'; '.join(parts)}."

    def _make_plot(self) -> Any:
        from glassnet.plots.descents import DescentPlot

        return DescentPlot(
            names=self.weights,
            values=self.values,
            loss=self.loss,
            loss_label=f"loss ({self.loss_name})",
            labels=self.labels,
            outcomes=self.outcomes,
            paths=self.paths,
            losses=self.losses,
            title=self.title,
            note=self.surface_note,
        )


@view_function
def descent(
    model: TrainableModel,
    x: Any,
    y: Any = None,
    *,
    optimizers: Sequence[str | Optimizer] | Mapping[str, str | Optimizer] | None = None,
    learning_rates: Sequence[float] | None = None,
    batch_sizes: Sequence[int | str] | None = None,
    starts: int | str | None = None,
    weights: Sequence[Any] | None = None,
    **fit_arguments: Any,
) -> Descent:
    """Train copies of a model in several ways, and show their paths on the surface of the loss.

    The runs are all combinations of what is listed, at most 10. Each takes the same steps as `fit`
    with the same settings, bit for bit; the model stays as it is.

    Args:
        model: the model. What is not listed below is as in the model.
        x, y: rows and targets of any kind that `fit` takes, except an iterator.
        optimizers: names or optimizers; or a dict of them by label.
        learning_rates: rates of every optimizer.
        batch_sizes: rows per step, or "full" for all; ["full"] if None.
        starts: weights at the start. "current" for those of the model; n for n runs from weights
            drawn by the model's seed, seed + 1, ..., as after `reset(seed)`. None for "current" if
            the model has not been trained, else for 1.
        weights: the two weights of the surface, each as (name, index) with a name of
            `model.weights_named()`, or a name alone. The other weights are those at the end of the
            lowest run. If None, they are the two weights of a network that has two; else the
            surface is the plane through that end along the two principal directions of the paths.
        fit_arguments: arguments of `fit`: epochs (50 if it is not one of them), sample_weight,
            shuffle, steps_per_epoch, target, column_types, derive or target_transform.

    Raises:
        ConfigError: an empty list, an unknown optimizer or weight, a rate <= 0, more than 10 runs,
            a network with one weight, or another argument that `fit` refuses.
        DataError: an iterator; see `fit`.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> x, y = [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]
        >>> paths = descent(model, x, y, learning_rates=[0.01, 0.1, 1.0], epochs=20)
        >>> paths.outcomes
        ('on the way', 'arrived', 'left the bowl')

    Source: lecture 003, gradient descent; Li et al. 2018, sec. 7, for the principal directions.
    """
    _require_trainable(model)
    for name in fit_arguments:
        lookup("argument", name, dict.fromkeys((*DESCENT_ARGUMENTS, *FIT_ARGUMENTS)))
    epochs = fit_arguments.pop("epochs", 50)
    choices = choose_runs(optimizers, learning_rates, batch_sizes, starts, epochs)
    fix = "Its rows are gone after the first run. Pass arrays, a list of batches, or a function."
    is_repeatable = not isinstance(x, Iterator)
    require(
        is_repeatable,
        "x",
        "rows that can be read again",
        error=DataError,
        x=type(x).__name__,
        fix=fix,
    )
    runs = _train(model, x, y, choices, fit_arguments, weights)
    plane, surface = _choose_surface(runs)
    values, loss = _compute_surface(plane, surface, runs)
    assert surface.loss is not None
    lowest = [path.losses.min() for path in runs.paths]
    n_numbers = sum(path.weights.size for path in runs.paths)
    return Descent(
        labels=runs.labels,
        paths=tuple(plane.locate(path.weights) for path in runs.paths),
        losses=tuple(path.losses for path in runs.paths),
        steps=tuple(path.steps for path in runs.paths),
        epochs=tuple(path.epochs for path in runs.paths),
        problems=tuple(path.problem for path in runs.paths),
        weights=plane.names,
        values=values,
        loss=loss,
        variance_shares=plane.shares,
        full_weights=tuple(p.weights for p in runs.paths) if n_numbers <= MAX_RETURNED else None,
        lowest_loss=float(min([*lowest, np.nanmin(loss)] if runs.is_whole else lowest)),
        n_epochs=int(epochs),
        loss_name=surface.loss.display_name,
        start_note=runs.start_note,
        surface_note=runs.describe_surface(plane),
    )


def _require_trainable(model: Any) -> None:
    """Check that a model can be trained by views.

    Raises:
        ConfigError: it cannot, as an estimator.
    """
    is_model, kind = hasattr(model, "iter_training_runs"), type(model).__name__
    fix = "Of a fitted estimator, pass estimator.model_, with classes from 0."
    require(is_model, "descent", "a gn.Sequential, or its Keras layout", model=kind, fix=fix)


@dataclass(frozen=True, eq=False)
class _Runs:
    """Trained runs.

    Attributes:
        labels: names of the runs.
        paths: their paths.
        snapshot: the network and the rows.
        selections: the two weights of the surface; None for principal directions.
        is_whole: whether the network trains no other weights than these two.
        start_note: where the runs started.
    """

    labels: tuple[str, ...]
    paths: tuple[WeightPath, ...]
    snapshot: Snapshot
    selections: tuple[WeightSelection, ...] | None
    is_whole: bool
    start_note: str

    @property
    def lowest(self) -> int:
        """Index of the run with the lowest last loss."""
        return int(np.argmin([path.losses[-1] for path in self.paths]))

    @property
    def near_weights(self) -> np.ndarray:
        """The weights at all points that are near the bowl, (points, n)."""
        near = find_near_points([path.losses for path in self.paths])
        pairs = zip(self.paths, near, strict=True)
        return np.concatenate([path.weights[is_near] for path, is_near in pairs])

    def describe_surface(self, plane: PathPlane) -> str:
        """Return what the surface is of; "" if the network has no other weights."""
        if self.is_whole:
            return ""
        end = f"the end of {self.labels[self.lowest]}"
        if plane.shares is None:
            return f"On the surface, all other weights are those at {end}."
        share = format_number(100 * sum(plane.shares), 3)
        return f"The surface is a plane through {end}; it shows {share} % of the paths' variance."


def _train(
    model: TrainableModel,
    x: Any,
    y: Any,
    choices: Mapping[str, RunSettings],
    fit_arguments: Mapping[str, Any],
    weights: Sequence[Any] | None,
) -> _Runs:
    """Train a run for each of the choices."""
    settings = list(choices.values())
    n_epochs = settings[0].epochs
    runs = model.iter_training_runs(x, y, settings, **fit_arguments)
    labels: list[str] = []
    paths: list[WeightPath] = []
    seeds: list[int | None] = []
    with show_progress("descent", n_epochs * len(settings)) as advance:
        for label, run in zip(choices, runs, strict=True):
            if not paths:
                snapshot = run.read_snapshot()
                selections, is_whole = _select_axes(snapshot, weights)
                max_points = _choose_max_points(snapshot, len(settings))
                compute_loss = _make_loss_function(snapshot)
            paths.append(record_path(run, n_epochs, max_points, compute_loss, advance))
            labels.append(label or _describe_run(run))
            seeds.append(run.seed if run.starts_from_new_weights else None)
    note = _describe_starts(seeds)
    return _Runs(tuple(labels), tuple(paths), snapshot, selections, is_whole, note)


def _describe_run(run: TrainingRun) -> str:
    """Return the name of a run's optimizer, with its learning rate and other settings."""
    optimizer = run.program.optimizer
    if not isinstance(optimizer.learning_rate, Schedule):
        rate = float(str(np.float32(run.start.train_state.rate)))  # 0.3, not 0.30000001
        optimizer = replace(optimizer, learning_rate=rate)
    return describe_optimizer(optimizer)


def _describe_starts(seeds: Sequence[int | None]) -> str:
    first, last = seeds[0], seeds[-1]
    if first is None:
        return "The runs start from the model's weights."
    drawn = f"seed {first}" if first == last else f"seeds {first} to {last}"
    return f"The runs start from new weights, drawn by {drawn}."


def _select_axes(
    snapshot: Snapshot, weights: Sequence[Any] | None
) -> tuple[tuple[WeightSelection, ...] | None, bool]:
    """Return the two weights of the surface, and whether the network trains no others.

    They are None if the surface is a principal plane.

    Raises:
        ConfigError: not two weights, an unknown name, or a network with one weight.
    """
    network, params = snapshot.network, snapshot.params
    moving = find_trainable_numbers(network, params, most=3)
    is_whole = len(moving) == 2
    if weights is not None:
        is_pair = isinstance(weights, list | tuple) and len(weights) == 2
        fix = 'Write weights=[("dense_1/kernel", (0, 0)), ("dense_1/bias", 0)].'
        require(is_pair, "descent", "two weights", weights=weights, fix=fix)
        return select_weights(network, params, weights), is_whole
    fix = "loss_curve shows the loss over one weight."
    expected = "a network that trains two weights or more"
    require(len(moving) >= 2, "descent", expected, weights=len(moving), fix=fix)
    return select_weights(network, params, moving) if is_whole else None, is_whole


def _choose_max_points(snapshot: Snapshot, n_runs: int) -> int:
    """Return the maximum number of points of each path.

    Raises:
        ConfigError: there is no room for `FEWEST_POINTS`.
    """
    n_weights = len(flatten_params(snapshot.network, snapshot.params))
    n = min(MAX_POINTS, MAX_NUMBERS // (n_weights * n_runs))
    expected = f"at most {MAX_NUMBERS // (FEWEST_POINTS * n_runs):,} weights with {n_runs} runs"
    fix = "Use a smaller network or fewer runs."
    require(n >= FEWEST_POINTS, "descent", expected, weights=n_weights, fix=fix)
    return n


def _make_loss_function(
    snapshot: Snapshot,
) -> Callable[[tuple[Params, ...], tuple[State, ...]], float]:
    """Return the function from params and state to the loss of all rows, as in `evaluate`."""
    assert snapshot.program is not None
    program = Program(snapshot.links, snapshot.program.loss, snapshot.program.optimizer)
    blocks = list(iter_padded_blocks(snapshot.data))

    def compute_loss(params: tuple[Params, ...], state: tuple[State, ...]) -> float:
        return inference.evaluate_blocks(program, params, state, blocks)["loss"]

    return compute_loss


def _choose_surface(runs: _Runs) -> tuple[PathPlane, Snapshot]:
    """Return the plane of the surface, and the model at the end of the lowest run."""
    end, network = runs.paths[runs.lowest], runs.snapshot.network
    params = unflatten_params(network, end.weights[-1], runs.snapshot.params)
    surface = replace(runs.snapshot, params=params, state=end.last_state)
    if runs.selections is not None:
        return plane_of_weights(network, params, runs.selections), surface
    return principal_plane(network, params, runs.near_weights), surface


def _compute_surface(
    plane: PathPlane, surface: Snapshot, runs: _Runs
) -> tuple[tuple[np.ndarray, np.ndarray], np.ndarray]:
    """Return the values of both axes, and the loss (n, m).

    The points that are near the bowl are in view, and its minimum if all weights are.
    """
    grid = LossGrid(surface, plane.directions)
    near = [plane.locate(runs.near_weights)]
    if runs.is_whole and (bowl := fit_bowl(grid, np.maximum(np.abs(plane.origin), 1.0))):
        near.append(plane.origin + bowl.minimum[None])
    values = choose_axes(np.concatenate(near), RESOLUTION)
    points = np.stack(np.meshgrid(*values, indexing="ij"), axis=-1).reshape(-1, 2)
    loss = grid.compute(points - plane.origin, "descent")
    return values, loss.reshape(RESOLUTION, RESOLUTION)


def _join(names: Sequence[str]) -> str:
    """Return "a", "a and b", or the first three and how many there are beyond them."""
    return " and ".join(names) if len(names) == 2 else format_names(names)


def _describe_share(share: float) -> str:
    return "arrived" if share >= ARRIVED else "on the way"
