"""Learning-rate range test: the loss while the learning rate rises, over several seeds at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from glassnet.errors import is_float32, is_int, require
from glassnet.formatting import format_number
from glassnet.inspection.view import View
from glassnet.optimizers import Optax
from glassnet.schedules import Schedule
from glassnet.selection.experiments import Experiment, takes_fit_arguments
from glassnet.selection.rate_bands import describe_curve, find_band, select_falling
from glassnet.selection.runs import Run, RunResult
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

WHO = "learning_rate_range"

MIN_STEPS, MAX_STEPS, MIN_FACTOR = 20, 100_000, 10.0
"""Limits of the number of steps, and the smallest factor from the lowest rate to the highest."""

REPEATED = "The rows are repeated until all steps are done. Pass steps= instead."

ONE_LOSS = "The losses of the training steps decide."

UNUSED = {
    "epochs": REPEATED,
    "steps_per_epoch": REPEATED,
    "callbacks": "Every step has another learning rate, and the loss of a step decides.",
    "validation_data": ONE_LOSS,
    "validation_steps": ONE_LOSS,
}
"""Arguments of `fit` that have no meaning here, and what to do instead."""


@takes_fit_arguments
def learning_rate_range(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    seeds: int = 5,
    steps: int = 150,
    batch_size: int | str = 32,
    low: float = 1e-6,
    high: float = 10.0,
    **fit_arguments: Any,
) -> LearningRateRange:
    """Train while the learning rate rises, and return the rates with which training should work.

    The rate of step t = 0, ..., T - 1 is low (high / low)^(t / (T - 1)). Each seed trains a copy of
    the model from new weights, all of them together. As the rate rises, the loss first stays where
    it is, then falls, and at last diverges. The model itself is not changed: to use the suggestion,
    assign it, `model.learning_rate = result.suggestion`.

    The band begins where the loss of half of the seeds has made a tenth of its fall. It ends at
    half of the rate at which the first seed has its smallest loss: longer training tolerates lower
    rates only. The suggestion is a quarter of the median rate of the smallest loss, inside the
    band. Seeds differ, so trust the order of magnitude, not the digits.

    Args:
        model: a model. Its loss and optimizer are used, not its weights or its learning rate.
        x, y: data of any kind that `fit` takes, except batches.
        seeds: number of networks, of the seeds s, s + 1, ... if s is that of the model.
        steps: number of steps T, each with one batch, from 20 on. The rows are repeated if needed.
        batch_size: rows in a batch; "full" for all. Use that of the training to come.
        low: the lowest learning rate.
        high: the highest learning rate, at least 10 times the lowest.
        fit_arguments: arguments of `fit` about the data: `sample_weight`, `class_weight`,
            `target`, `column_types`, `derive`, `target_transform`, `shuffle`, `validation_split`
            (those rows are left out), `validation_from`, `seed` and `verbose`.

    Returns:
        The losses, the band with the reasons for its ends, and the suggestion.

    Raises:
        ConfigError: an argument out of range, or one that has no meaning here; see `fit`.
        DataError: batches instead of rows; see `fit`.

    Example:
        >>> import numpy as np
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense, Input
        >>> x = np.random.default_rng(0).normal(size=(64, 3))
        >>> model = Sequential([Input(3), Dense(1)], seed=0)
        >>> model.compile("sgd", "mse")
        >>> result = learning_rate_range(model, x, x.sum(1), seeds=3, verbose=0)
        >>> bool(result.band[0] < result.suggestion < 0.5)
        True

    Source: Smith 2017, "Cyclical learning rates for training neural networks", section 3.3.
    """
    _check_arguments(seeds, steps, low, high)
    for name in fit_arguments:
        require(name not in UNUSED, WHO, f"no {name}", fix=UNUSED.get(name, ""))
    fraction = fit_arguments.pop("validation_split", 0.0)
    options = fit_arguments | {"batch_size": batch_size, "epochs": 1}  # Runs have their own.
    experiment = Experiment(WHO, model, x, y, options)
    rows, _ = experiment.split(fraction)
    rows, n_batches = choose_equal_batches(experiment, rows, steps, batch_size)
    values = {"learning_rate": ExponentialRise(float(low), float(high), steps)}
    nothing, n_epochs = np.zeros(0, int), -(-steps // n_batches)
    run_seeds = [experiment.seed + k for k in range(seeds)]
    runs = [Run(rows, nothing, seed, values, n_epochs) for seed in run_seeds]
    losses = _stack_losses(experiment.train(runs), steps)
    rates = np.geomspace(low, high, steps)
    return find_range(rates, losses, run_seeds, _describe_changes(experiment))


@dataclass(frozen=True)
class ExponentialRise(Schedule):
    """Exponential rise: low (high / low)^(t / (steps - 1)), then high.

    Args:
        low: the rate of the first step.
        high: the rate of the last step.
        steps: number of steps.
    """

    low: float
    high: float
    steps: int

    def __call__(self, step: Array) -> Array:
        share = jnp.minimum(step / (self.steps - 1), 1.0)
        return self.low * jnp.exp(math.log(self.high / self.low) * share)


def _check_arguments(seeds: Any, steps: Any, low: Any, high: Any) -> None:
    """Check the arguments that are not those of `fit`.

    Raises:
        ConfigError: one is out of range.
    """
    require(is_int(seeds, least=1), WHO, "seeds to be a number of networks >= 1", seeds=seeds)
    expected = f"steps to be an int from {MIN_STEPS} to {MAX_STEPS:,}"
    fix = "The rate rises in these steps; with fewer, the curve has too few points."
    require(is_int(steps, least=MIN_STEPS, most=MAX_STEPS), WHO, expected, steps=steps, fix=fix)
    for name, rate in (("low", low), ("high", high)):
        is_rate = is_float32(rate) and float(rate) > 0
        require(is_rate, WHO, f"{name} to be a learning rate > 0", **{name: rate})
    fix = f"The rate rises from low to high: pass low={high!r}, high={low!r}." if low > high else ""
    require(low < high, WHO, "low below high", low=low, high=high, fix=fix)
    expected = f"high to be at least {format_number(MIN_FACTOR)} times low"
    require(high >= MIN_FACTOR * low * (1 - 1e-9), WHO, expected, low=low, high=high)


def choose_equal_batches(
    experiment: Experiment, rows: np.ndarray, steps: int, batch_size: int | str
) -> tuple[np.ndarray, int]:
    """Return rows for batches of equal size, and their number.

    The loss of a smaller batch would be noisier than the others. More rows than all steps need are
    not encoded. Each class keeps a row.
    """
    n = len(rows)
    size = n if batch_size == "full" else min(int(batch_size), n)
    n_batches = min(n // size, steps)
    if n_batches * size == n:
        return rows, n_batches
    order = np.random.default_rng((experiment.seed, 0, 5)).permutation(rows)
    if experiment.labels is not None:
        _, first = np.unique(experiment.labels[order], return_index=True)
        order = np.concatenate([order[first], np.delete(order, first)])
    return np.sort(order[: n_batches * size]), n_batches


def _stack_losses(results: Sequence[RunResult], steps: int) -> np.ndarray:
    """Return the loss of each step, (seeds, steps); NaN after a run has ended.

    Raises:
        KeyboardInterrupt: the user pressed Ctrl-C.
    """
    losses = np.full((len(results), steps), np.nan)
    for row, result in zip(losses, results, strict=True):
        if result.is_interrupted:
            raise KeyboardInterrupt
        known = result.step_losses.ravel()[:steps]
        row[: len(known)] = known
    return losses


def _describe_changes(experiment: Experiment) -> list[str]:
    """Return what the test did not use of the model, in words."""
    notes, optimizer = list(experiment.notes), experiment.model.optimizer
    schedule = getattr(optimizer, "learning_rate", None)
    if isinstance(schedule, Schedule):
        name = type(schedule).__name__
        notes.append(f"The rising rate replaced the schedule {name}, only in the test.")
    if isinstance(optimizer, Optax):
        notes.append("The rates are factors on the updates of the optax transformation.")
    return notes


@dataclass(frozen=True, eq=False, repr=False)
class LearningRateRange(View):
    """Losses at rising learning rates, and the rates with which training should work.

    Attributes:
        rates: learning rate of each step (steps,).
        seeds: seed of each network (seeds,).
        losses: loss of each step (seeds, steps); NaN after it has diverged.
        smoothed: the same, smoothed over the logarithm of the rate (seeds, steps).
        steepest: rate of the steepest fall (seeds,); NaN if the loss falls by less than its noise.
        minimum: rate of the smallest loss (seeds,); NaN if the loss falls by less than its noise.
        divergence: rate at which the loss is not finite, or has lost half of what it had gained
            (seeds,); NaN if it is neither up to the highest rate.
        band: lower and upper end of the rates with which training should work; NaN for none.
        reasons: why the band ends there, in words.
        suggestion: a rate inside the band; NaN if there is none.
        problem: why there is no band; else "".
        notes: what the test did not use of the model, in sentences.
    """

    rates: np.ndarray
    seeds: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    steepest: np.ndarray
    minimum: np.ndarray
    divergence: np.ndarray
    band: tuple[float, float]
    reasons: tuple[str, str]
    suggestion: float
    problem: str
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The band and the suggestion, or why there is none."""
        if self.problem:
            return self.problem.partition(". ")[0].rstrip(".")
        low, high, suggestion = (format_number(x, 2) for x in (*self.band, self.suggestion))
        return f"Usable learning rates: {low} to {high} (suggestion: {suggestion})"

    def __str__(self) -> str:
        lines = [self.problem or self.title]
        if not self.problem:
            for end, rate, reason in zip(("from", "to"), self.band, self.reasons, strict=True):
                lines.append(f"{end} {format_number(rate, 2)}: {reason}")
            is_end = self.suggestion == self.band[1]
            reason = (
                "the upper end" if is_end else "a quarter of the median rate of the smallest loss"
            )
            lines.append(f"suggestion {format_number(self.suggestion, 2)}: {reason}")
            lines.append("To use it: model.learning_rate = result.suggestion")
        lines += self._describe_spread()
        return "\n".join([*lines, *self.notes])

    def _describe_spread(self) -> list[str]:
        """Return a line about how far the seeds disagree."""
        known = np.isfinite(self.minimum)
        n, n_seeds = int(known.sum()), len(self.seeds)
        if n < 2:
            return []
        low, high = self.minimum[known].min(), self.minimum[known].max()
        steepest = self.steepest[known].max() / self.steepest[known].min()
        ends = f"{format_number(low, 2)} to {format_number(high, 2)}"
        differs = f"differs by a factor of {format_number(high / low, 2)} ({ends})"
        if low == high:
            differs = f"is {format_number(low, 2)} in all"
        line = (
            f"Between {n} seeds, the rate of the smallest loss {differs}; that of the steepest fall"
            f" differs by a factor of {format_number(steepest, 2)}."
        )
        if n == n_seeds:
            return [line]
        more = f"In {n_seeds - n} of {n_seeds} seeds, the loss falls by less than its noise."
        return [line, more]

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the loss over the rate: a line for each seed, their median, and the band.

        Args:
            ax: axes to draw on; None for a new figure.
        """
        from glassnet.plots import rate_ranges

        return rate_ranges.plot_range(
            self.rates,
            self.losses,
            self.smoothed,
            band=self.band,
            reasons=self.reasons,
            suggestion=self.suggestion,
            title=self.title,
            ax=ax,
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each step of each seed."""
        import pandas as pd

        n_seeds, n_steps = self.losses.shape
        columns = {
            "seed": np.repeat(self.seeds, n_steps),
            "learning_rate": np.tile(self.rates, n_seeds),
            "loss": self.losses.ravel(),
            "smoothed": self.smoothed.ravel(),
        }
        return pd.DataFrame(columns)


def find_range(
    rates: np.ndarray, losses: np.ndarray, seeds: Sequence[int], notes: Sequence[str] = ()
) -> LearningRateRange:
    """Return what the losses of a range test show.

    Args:
        rates: learning rates (steps,), which rise by the same factor at every step.
        losses: loss of each step (seeds, steps); NaN after it is no longer finite.
        seeds: seed of each row of `losses`.
        notes: what the test did not use of the model, in sentences.
    """
    curves = [describe_curve(rates, row) for row in losses]
    band = find_band(rates, curves)
    falling = select_falling(curves)
    falls = np.array([curve in falling for curve in curves])
    ends = [rates[-1] if c.divergence is None else rates[c.divergence] for c in curves]
    return LearningRateRange(
        rates=rates,
        seeds=np.array(seeds),
        losses=np.stack([curve.losses for curve in curves]),
        smoothed=np.stack([curve.smoothed for curve in curves]),
        steepest=np.where(falls, rates[[curve.steepest for curve in curves]], np.nan),
        minimum=np.where(falls, rates[[curve.minimum for curve in curves]], np.nan),
        divergence=np.where([c.divergence is None for c in curves], np.nan, ends),
        band=(band.low, band.high),
        reasons=(band.low_reason, band.high_reason),
        suggestion=band.suggestion,
        problem=band.problem,
        notes=tuple(notes),
    )
