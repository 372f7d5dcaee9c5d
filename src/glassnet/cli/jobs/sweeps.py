"""Sweeps of a job: the settings of their networks, from options with several values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs import fitting
from glassnet.formatting import format_number

if TYPE_CHECKING:
    from glassnet.cli.jobs.base import Job
    from glassnet.models.sequential import Sequential
    from glassnet.selection.sweep_results import Sweep

DEFAULTS = {
    "layers": None,
    "activation": "relu",
    "dropout": None,
    "learning_rate": None,
    "optimizer": "adam",
    "batch_size": None,
    "l2": 0.0,
}
"""Options that take several values, and what is used without them; None: see `fitting`."""


@dataclass(frozen=True)
class SweepPlan:
    """The settings of a sweep.

    Attributes:
        settings: settings of `fitting.build_network`, with the first of several values.
        parameters: all values of those that differ, by name.
        folds: number of folds.
        inner_folds: number of folds that choose a setting in each of them, or None.
        seeds: number of networks for each setting and fold.
    """

    settings: dict[str, Any]
    parameters: dict[str, list[Any]]
    folds: int
    inner_folds: int | None
    seeds: int

    @property
    def shared(self) -> dict[str, Any]:
        """The settings that are the same for all networks; None and unused ones are left out."""
        return {
            name: value
            for name, value in self.settings.items()
            if name not in self.parameters and value not in (None, 0.0)
        } | {"seed": self.settings["seed"]}

    def __str__(self) -> str:
        n_settings = math.prod(map(len, self.parameters.values()))
        n_networks = n_settings * self.seeds * self.folds * (1 + (self.inner_folds or 0))
        inner = f" x (1 + {self.inner_folds} inner folds)" if self.inner_folds else ""
        seeds = f" x {self.seeds} seeds" if self.seeds > 1 else ""
        parts = f"{n_settings:,} settings x {self.folds} folds{inner}{seeds}"
        return f"{parts}: {n_networks:,} networks; each with {format_options(self.shared)}"


def format_options(settings: Mapping[str, Any]) -> str:
    """Return settings as they are typed on the command line.

    Example:
        >>> format_options({"layers": (64, 32), "learning_rate": 0.01})
        '--layers 64,32 --learning-rate 0.01'
    """
    return " ".join(
        f"--{name.replace('_', '-')} {format_value(value)}" for name, value in settings.items()
    )


def format_value(value: Any) -> str:
    """Return the value of an option as it is typed."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "none"
    return format_number(value) if isinstance(value, float) else str(value)


def plan_sweep(job: Job, settings: dict[str, Any]) -> SweepPlan:
    """Return the settings of a sweep from the options of the command.

    Raises:
        click.UsageError: no option has several values.
        ConfigError: an unknown optimizer or activation.
    """
    counts = [settings.pop(name) for name in ("folds", "inner_folds", "seeds")]
    values = {name: settings.pop(name) for name in DEFAULTS}
    parameters = {name: [*each] for name, each in values.items() if len(each) > 1}
    if not parameters:
        raise click.UsageError(
            "expected several values of at least one option, such as --learning-rate 1e-4..1e-1 "
            "or --layers 16 --layers 64,64. To score a single setting, run glassnet cross-validate."
        )
    first = {name: each[0] if each else DEFAULTS[name] for name, each in values.items()}
    rate, settings = first["learning_rate"], first | settings
    fitting.build_network(job, settings, has_folds=True)
    settings["learning_rate"] = rate  # each optimizer has its own default
    for name in ("optimizer", "activation"):
        for value in parameters.get(name, ()):
            job.build_model(settings | {name: value})
    return SweepPlan(settings, parameters, *counts)


def sweep_job(job: Job, plan: SweepPlan, *, resume: str | None, silent: bool) -> Sweep:
    """Train the networks of a sweep on the rows of a job.

    Raises:
        click.Abort: Ctrl-C came before any setting had a score.
    """
    from glassnet.selection import sweep

    settings = plan.settings
    parameters: dict[str, Any] = plan.parameters | {"l2": [settings["l2"]]} | plan.parameters
    if "layers" in parameters:
        parameters["layers"] = list(map(format_value, parameters["layers"]))
    if plan.seeds > 1:
        parameters["seed"] = range(settings["seed"], settings["seed"] + plan.seeds)
    fit_options = fitting.make_fit_options(settings)
    result = sweep(
        make_network_function(job, settings),
        **job.fit_arguments,
        parameters={name: each for name, each in parameters.items() if each != [0.0]},
        folds=plan.folds if plan.inner_folds is None else (plan.folds, plan.inner_folds),
        groups=job.groups,
        resume=resume,
        verbose=0 if silent else "auto",
        callbacks=fitting.make_early_stopping(job, settings),
        **{name: value for name, value in fit_options.items() if name not in parameters},
    )
    if result.best is None and is_interrupted(result):
        raise click.Abort
    return result


def make_network_function(job: Job, settings: Mapping[str, Any]) -> Callable[..., Sequential]:
    """Return a function of the settings that change the network or its optimizer."""

    def network(
        layers: str | None = None,
        activation: str | None = None,
        dropout: float | None = None,
        learning_rate: float | None = None,
        optimizer: str | None = None,
    ) -> Sequential:
        widths = layers and tuple(map(int, layers.split(","))) if layers != "none" else ()
        changes = {
            "layers": widths,
            "activation": activation,
            "dropout": dropout,
            "learning_rate": learning_rate,
            "optimizer": optimizer,
        }
        changes = {name: value for name, value in changes.items() if value is not None}
        model = job.build_model({**settings, **changes})
        fitting.use_own_score(model)
        return model

    return network


def is_interrupted(result: Sweep) -> bool:
    """Return whether Ctrl-C came before the end of the sweep."""
    return any(run.is_interrupted for run in result.results)


def describe_best(result: Sweep) -> str:
    """Return the best setting and its score in one line."""
    assert result.best is not None
    n, score = len(result.settings), result.format_score(result.best_score)
    line = f"best of {n:,} settings: {format_options(result.best)}, {result.score_name} {score}"
    if result.is_nested:
        return f"{line}, choosing like this {result.format_score(result.nested_mean)}"
    return f"{line} (optimistic)"


def rank_settings(result: Sweep) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the cells of a table with a line for each setting, the best first."""
    frame, names = result.to_frame(), list(result.settings[0])
    rows = []
    for i, line in frame.iterrows():
        options = [format_value(result.settings[i][name]) for name in names]
        score = result.format_score(line[result.score_name])
        error = result.format_score(line["standard_error"])
        noise = "best" if i == result.best_index else "yes" if line["within_noise"] else "no"
        cells = [score, error, noise] if math.isfinite(line[result.score_name]) else ["-"] * 3
        rows.append([*options, *cells])
    headings = [name.replace("_", " ") for name in names]
    return [*headings, result.score_name, "standard error", "within noise"], rows


def to_json(result: Sweep, plan: SweepPlan) -> dict[str, Any]:
    """Return the settings, their scores and the best one as data for JSON."""
    frame = result.to_frame()
    settings = [
        {"setting": result.settings[i], "score": line[result.score_name]}
        | {name: line[name] for name in ("standard_error", "within_noise", "problem")}
        | {"interval": result.intervals[i], "folds": result.scores[i]}
        for i, line in frame.iterrows()
    ]
    return {
        "metric": result.score_name,
        "best": result.best,
        "best_score": result.best_score,
        "nested_score": result.nested_mean,
        "ranking": settings,
        "folds": plan.folds,
        "inner_folds": plan.inner_folds,
        "seeds": list(result.seeds),
        "settings": plan.shared,
    }


def describe_result(result: Sweep) -> Sequence[str]:
    """Return sentences about the best setting and how sure it is."""
    advice = "Pass folds=(outer, inner)", "Use --inner-folds 3"
    return [line.replace(*advice) for line in result.describe()]
