"""What a fitted network says comes next, beside what a season ago says, and how far both were off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.time_index import Times
from glassnet.errors import DataError, NotReadyError, is_int, message, require
from glassnet.preprocessing.seasonal import Forecaster
from glassnet.preprocessing.targets import readable
from glassnet.preprocessing.time_series import TimeSeries

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS = 12
"""Lines in a table of the horizon: longer ones are shown in so many stretches."""


@dataclass(frozen=True, eq=False, repr=False)
class Forecast:
    """The steps that follow a series; `str` is a table of them, `plot` a figure.

    Attributes:
        name: of the values.
        times: when they are: times.at(0) is the first step's time in words.
        values: (steps,) float64, in the series' own units.
        naive: (steps,): the last season over and over.
        season: how many steps that is.
        before: the values that the network saw, up to the step before the first.
    """

    name: str
    times: Times
    values: np.ndarray
    naive: np.ndarray
    season: int
    before: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @property
    def labels(self) -> tuple[str, ...]:
        """The time of each step, in words."""
        return tuple(self.times.at(k) for k in range(len(self)))

    def span(self) -> str:
        """From when to when, in words."""
        return self.times.span(len(self))

    def to_dict(self) -> dict[str, Any]:
        """Plain columns: time, the values by their name, and the naive forecast by its."""
        return {"time": list(self.labels), self.name: self.values.tolist(), called(self.season): self.naive.tolist()}

    def plot(self, truth: Any = None) -> Figure:
        """Draw the forecast and the naive one behind what came before.

        Args:
            truth: what came, (steps,), where it is known.

        Raises:
            DataError: it is of other steps.

        Returns:
            A matplotlib Figure that belongs to no window: `figure.savefig("forecast.png")`.
        """
        from glassnet.plots import forecasts

        came = None if truth is None else np.asarray(truth, float)
        fits = came is None or came.shape == self.values.shape
        require(fits, "plot", f"truth of {len(self)} steps", error=DataError, shape=np.shape(truth))
        n = len(self.before)
        labels = [self.times.later(-n).at(k) for k in range(n + len(self))]
        curves = {"forecast": self.values, called(self.season): self.naive}
        return forecasts.figure(self.name, labels, self.before, curves, self.season, came)

    def __str__(self) -> str:
        rows = zip(self.labels, map(readable, self.values), map(readable, self.naive), strict=True)
        return aligned([("time", self.name, called(self.season)), *rows])

    def __repr__(self) -> str:
        return f"Forecast({self.name!r}, {self.span()})"


def forecast(predict: Callable[[Any], np.ndarray], intake: Any, steps: int | None, series: Any) -> Forecast:
    """What follows the end of a series: see `Sequential.forecast`.

    Args:
        predict: a series to forecasts (n, horizon), the last from its end.
        intake: of the model.
        steps: how many; None for the horizon.
        series: to go on from; None for what the intake remembers.
    """
    if not isinstance(intake, Forecaster):
        fix = "Fit it to a series first: model.fit(gn.data.series(table, target, time=..., horizon=...))."
        raise NotReadyError(message("forecast", "a model that was fitted to a series", fix=fix))
    require(steps is None or is_int(steps, least=1), "forecast", "steps to be an int >= 1", steps=steps)
    intake = intake if series is None else intake.after(intake.series(series))
    target, need = intake.target, len(intake.recent)
    values, end = np.array(intake.recent), need + int(target.horizon if steps is None else steps)
    transform = "log" if target.log else None
    while len(values) < end:
        window = TimeSeries(target.name, values[-need:], intake.times, intake.length, target.horizon, target.season, transform)
        values = np.append(values, predict(window)[-1])
    before = np.array(intake.recent)
    naive = target.naive(before, end - need)
    return Forecast(target.name, intake.times.later(need), values[need:end], naive, target.season, before)


@dataclass(frozen=True, eq=False, repr=False)
class Rolling:
    """Forecasts from several origins beside what then came: root mean squared errors, overall and by the steps ahead.

    Shapes:
        truth, found and naive: (origins, horizon).

    Attributes:
        origins: the time of the first step that each forecasts, in words.
        word: what a step is called.
        season: of the naive forecast.
    """

    origins: tuple[str, ...]
    truth: np.ndarray
    found: np.ndarray
    naive: np.ndarray
    word: str
    season: int

    @property
    def rmse(self) -> tuple[float, float]:
        """Of all steps from all origins: the network's, and the naive forecast's."""
        return root_mean_square(self.found - self.truth), root_mean_square(self.naive - self.truth)

    @property
    def rival(self) -> str:
        """What the naive forecast is called."""
        return called(self.season)

    def rows(self) -> list[tuple[str, float, float]]:
        """(what, network, naive): from each origin, then by the steps ahead."""
        found, naive = self.found - self.truth, self.naive - self.truth
        stretches = np.array_split(np.arange(found.shape[1]), min(ROWS, found.shape[1]))
        origins = [(f"from {origin}", found[i], naive[i]) for i, origin in enumerate(self.origins)]
        ahead = [(_ahead(steps, self.word), found[:, steps], naive[:, steps]) for steps in stretches]
        return [(what, root_mean_square(ours), root_mean_square(theirs)) for what, ours, theirs in (*origins, *ahead)]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers: overall, from each origin, and of each step of the horizon."""
        ours, theirs = self.rmse
        misses = [{"from": what.removeprefix("from "), "rmse": a, "naive": b} for what, a, b in self.rows()[: len(self.origins)]]
        steps = {"by_step": _by_step(self.found - self.truth), "naive_by_step": _by_step(self.naive - self.truth)}
        return {"metric": "rmse", "value": ours, "naive": theirs, "origins": misses, **steps}

    def __str__(self) -> str:
        count, horizon = self.truth.shape
        head = f"RMSE of {count * horizon} forecasts"
        rows = [("all", *self.rmse), *self.rows()]
        return aligned([(head, "network", self.rival), *((what, readable(a), readable(b)) for what, a, b in rows)])


def rolling(forecasts: Sequence[Forecast], series: TimeSeries) -> Rolling:
    """Forecasts of steps that a series holds, beside its values.

    Raises:
        DataError: a forecast of what it does not hold.
    """
    truths = []
    for one in forecasts:
        start = round((one.times.first - series.times.first) / series.times.step)
        inside = start >= 0 and start + len(one) <= len(series)
        require(inside, "rolling", f"forecasts within {series.span()}", error=DataError, forecast=one.span())
        truths.append(series.values[start : start + len(one)])
    found, naive = [one.values for one in forecasts], [one.naive for one in forecasts]
    origins = tuple(one.times.at(0) for one in forecasts)
    return Rolling(origins, np.stack(truths), np.stack(found), np.stack(naive), series.times.word, forecasts[0].season)


def called(season: int) -> str:
    """What the forecast by the last season is called."""
    return "last value" if season == 1 else "seasonal naive"


def root_mean_square(misses: np.ndarray) -> float:
    """The square root of the mean of squares."""
    return float(np.sqrt(np.mean(np.square(misses))))


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Lines of columns: the first to the left, the others to the right."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    return "\n".join(lines)


def _ahead(steps: np.ndarray, word: str) -> str:
    first, last = int(steps[0]) + 1, int(steps[-1]) + 1
    plain = word if word.isalpha() else "step"
    return f"{plain} {first} ahead" if first == last else f"{plain}s {first} to {last} ahead"


def _by_step(misses: np.ndarray) -> list[float]:
    return np.sqrt(np.mean(np.square(misses), axis=0)).tolist()
