"""Training and held-out scores over the number of training rows, or over a parameter."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import is_number
from glassnet.evaluation.resampled_tests import PairedTest, corrected_t_test
from glassnet.formatting import format_names, format_number, format_share
from glassnet.inspection.view import View
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

UNFINISHED = "a network did not finish"

CONSTANTS = ("majority", "mean")
"""Names of the methods that give the same answer for all rows."""


@dataclass(frozen=True, eq=False, repr=False)
class ScoreCurve(View):
    """Base class of scores on training and on held-out rows, at P positions and on F folds.

    Attributes:
        train_scores: score on the training rows, (P, F); NaN if the network did not finish.
        test_scores: score on the held-out rows, (P, F); NaN if the network did not finish.
        n_train: number of training rows, (P, F).
        n_test: number of held-out rows, (F,).
        score_name: name of the score, such as "accuracy".
        greater_is_better: whether a larger score is a better one.
        problems: why a network did not finish, such as a loss that is not finite, (P, F) texts; ""
            for the others.
        notes: sentences about how the scores were made.
    """

    train_scores: Array
    test_scores: Array
    n_train: Array
    n_test: Array
    score_name: str
    greater_is_better: bool
    problems: Array
    notes: tuple[str, ...]

    @property
    def train_mean(self) -> Array:
        """Mean of `train_scores` over the folds, (P,); NaN if a network did not finish."""
        mean: Array = self.train_scores.mean(axis=1)
        return mean

    @property
    def test_mean(self) -> Array:
        """Mean of `test_scores` over the folds, (P,); NaN if a network did not finish."""
        mean: Array = self.test_scores.mean(axis=1)
        return mean

    @property
    @abstractmethod
    def _places(self) -> tuple[str, ...]:
        """Each position in words, such as "units = 32", (P,)."""

    @property
    def _sign(self) -> int:
        return 1 if self.greater_is_better else -1

    @property
    def _label(self) -> str:
        return self.score_name.replace("_", " ")

    def __str__(self) -> str:
        return "\n".join([self.title, *self._describe_problems(), *self.notes])

    def _test(self, better: Array, worse: Array, *positions: int) -> PairedTest:
        """Test by how much one row of scores is better than another, (F,) each."""
        n_train = self.n_train[list(positions)].min(axis=0)
        return corrected_t_test(self._sign * (better - worse), n_train, self.n_test)

    def _is_better(self, i: int, j: int) -> bool:
        """Return whether the held-out scores at i are better than at j, beyond the noise."""
        return _is_positive(self._test(self.test_scores[i], self.test_scores[j], i, j))

    def _find_best(self) -> int | None:
        """Return the position of the best mean held-out score; None if no position has one."""
        means = self._sign * self.test_mean
        return int(np.nanargmax(means)) if np.isfinite(means).any() else None

    def _format(self, score: float) -> str:
        if "accuracy" in self.score_name:
            return format_share(score)
        return format_number(score, keep_zeros=True)

    def _describe_problems(self) -> list[str]:
        """Return a sentence for each position at which a network did not finish."""
        lines = []
        for place, problems in zip(self._places, self.problems, strict=True):
            if n := int(np.sum(problems != "")):
                first = problems[problems != ""][0]
                lines.append(f"{place}: no score in {n} of {len(problems)} folds ({first})")
        return lines

    def _plot(
        self, x: Any, others: Sequence[Any], ax: Axes | None, **marks: Any
    ) -> Figure | SubFigure:
        from glassnet.plots.score_curves import Marks, ScoreLine, plot_score_curve

        n_folds, has_rivals = self.test_scores.shape[1], bool(others)
        held_out = "network, held-out rows" if has_rivals else "held-out rows"
        training = "network, training rows" if has_rivals else "training rows"
        spread = f"mean and standard deviation over {n_folds} folds"
        lines = [
            ScoreLine(training, self.train_scores, "training"),
            ScoreLine(held_out, self.test_scores, "held-out"),
            *others,
        ]
        return plot_score_curve(
            x,
            lines,
            label=self._label,
            title=self.title,
            legend_title=spread if n_folds > 1 else "one fold",
            marks=Marks((self.problems != "").any(axis=1), **marks),
            ax=ax,
        )


@dataclass(frozen=True, eq=False, repr=False)
class LearningCurve(ScoreCurve):
    """Scores over S numbers of training rows, on F folds: see `learning_curve`.

    The larger training sets contain the smaller ones. The held-out rows of a fold are the same for
    all sizes and methods.

    Attributes:
        sizes: numbers of training rows, (S,), ascending.
        n_steps: number of steps that each network was trained for at most, (S,).
        rivals: names of the R other methods.
        rival_scores: their scores on the held-out rows, (R, S, F).
    """

    sizes: Array
    n_steps: Array
    rivals: tuple[str, ...]
    rival_scores: Array

    @property
    def title(self) -> str:
        if not np.isfinite(self.test_scores).any():
            return "no score: no network finished"
        return "; ".join(filter(None, [self._describe_gain(), self._compare_rivals()]))

    @property
    def overtakes(self) -> dict[str, int]:
        """The smallest number of rows from which on the network is ahead of each other method.

        A method is listed if the network is ahead of it beyond the noise with the most rows, and
        in the mean for all sizes from this number on.
        """
        result = {}
        for name, scores in zip(self.rivals, self.rival_scores, strict=True):
            if _is_positive(self._test(self.test_scores[-1], scores[-1], -1)):
                is_ahead = self._sign * (self.test_scores - scores).mean(axis=1) > 0
                behind = np.flatnonzero(~is_ahead)
                result[name] = int(self.sizes[behind[-1] + 1 if len(behind) else 0])
        return result

    @property
    def _places(self) -> tuple[str, ...]:
        return tuple(map(_format_rows, self.sizes))

    def _describe_gain(self) -> str:
        """Say whether the score of the largest size is better than that of about half as many."""
        ratios = np.abs(np.log(self.sizes[:-1] / self.sizes[-1]) - np.log(0.5))
        half, means = int(np.argmin(ratios)), self.test_mean
        last = f"{self._label} {self._format(means[-1])} at {_format_rows(self.sizes[-1])}"
        if not np.isfinite(means[[half, -1]]).all():
            return (
                last
                if np.isfinite(means[-1])
                else f"no score with {self._places[-1]}: a network did not finish"
            )
        first = f"{self._label} {self._format(means[half])} at {_format_rows(self.sizes[half])}"
        values = f"{first}, {self._format(means[-1])} at {self.sizes[-1]:,}"
        test = self._test(self.test_scores[-1], self.test_scores[half], half)
        if test.interval is None:
            return values
        if test.interval[0] > 0:
            return f"more rows would still help: {values}"
        if test.interval[1] < 0:
            return f"more rows make it worse: {values}"
        return f"no clear gain from more rows: {values}"

    def _compare_rivals(self) -> str:
        """Compare the network with the best other method for the most rows."""
        if not self.rivals or not np.isfinite(self.test_scores[-1]).all():
            return ""
        means = self._sign * self.rival_scores[:, -1].mean(axis=1)
        best = int(np.argmax(means))
        name, value = self.rivals[best], self._format(self._sign * means[best])
        test = self._test(self.test_scores[-1], self.rival_scores[best, -1], -1)
        if test.interval is None or test.interval[0] <= 0 <= test.interval[1]:
            return f"within the noise of {name}, {value}"
        if test.interval[1] < 0:
            return f"behind {name}, {value}"
        sizes = [self.overtakes.get(rival) for rival in self.rivals]
        if None not in sizes and (start := max(map(int, filter(None, sizes)))) > self.sizes[0]:
            return f"ahead of all other methods from {_format_rows(start)} on"
        return f"ahead of {name}, {value}"

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the scores over the number of training rows."""
        from glassnet.plots.score_curves import ScoreAxis, ScoreLine

        x = ScoreAxis("number of training rows", tuple(self.sizes.tolist()), True)
        others = [
            ScoreLine(name, scores, "constant" if name in CONSTANTS else "other")
            for name, scores in zip(self.rivals, self.rival_scores, strict=True)
        ]
        return self._plot(x, others, ax)

    def to_frame(self) -> Any:
        """Return a row for each size, fold and method."""
        import pandas as pd

        n_sizes, n_folds = self.test_scores.shape
        columns = {
            "rows": np.repeat(self.sizes, n_folds),
            "fold": np.tile(np.arange(n_folds), n_sizes),
        }
        network = {
            "train_score": self.train_scores.ravel(),
            "test_score": self.test_scores.ravel(),
            "problem": self.problems.ravel(),
        }
        frames = [pd.DataFrame(columns | {"method": "network"} | network)]
        for name, scores in zip(self.rivals, self.rival_scores, strict=True):
            other = {"train_score": np.nan, "test_score": scores.ravel(), "problem": ""}
            frames.append(pd.DataFrame(columns | {"method": name} | other))
        return pd.concat(frames, ignore_index=True)


@dataclass(frozen=True, eq=False, repr=False)
class ValidationCurve(ScoreCurve):
    """Scores over V values of a parameter, on F folds: see `validation_curve`.

    Attributes:
        name: name of the parameter.
        values: its V values. Numbers are in ascending order.
    """

    name: str
    values: tuple[Any, ...]

    @property
    def best(self) -> Any:
        """The value with the best mean score on held-out rows; None if no position has one."""
        best = self._find_best()
        return None if best is None else self.values[best]

    @property
    def regions(self) -> dict[str, tuple[Any, ...]]:
        """Values at the ends of the curve that underfit or overfit, by these names.

        "underfitting": the training score and the held-out score are worse than those of the best
        value, and their gap is not larger. "overfitting": the held-out score is worse and the gap
        is larger, but the training score is not worse. Differences count if they are beyond the
        noise: the interval of the corrected resampled t-test excludes 0. Values that are not
        numbers have no order, and no regions.
        """
        result: dict[str, tuple[Any, ...]] = {}
        for label, first, last in self._find_regions():
            result[label] = result.get(label, ()) + self.values[first : last + 1]
        return result

    @property
    def is_numeric(self) -> bool:
        """Whether the values are numbers."""
        return all(map(is_number, self.values))

    @property
    def title(self) -> str:
        best = self._find_best()
        if best is None:
            return f"no score: with every value, {UNFINISHED}"
        score = f"{self._label} {self._format(self.test_mean[best])}"
        return (
            f"{self._places[best]} scores best: {score} on held-out rows; {self._name_equal(best)}"
        )

    def _name_equal(self, best: int) -> str:
        """Say which values are within the noise of the best one."""
        if self.test_scores.shape[1] == 1:
            return "one fold does not show the noise"
        others = [int(i) for i in np.flatnonzero(np.isfinite(self.test_mean)) if i != best]
        equal = [self._texts[i] for i in others if not self._is_better(best, i)]
        if not equal:
            return "beyond the noise of all others" if others else "no other value has a score"
        if len(equal) == len(others):
            return "no other value differs from it beyond the noise"
        return f"within the noise of it: {format_names(equal)}"

    @property
    def _texts(self) -> tuple[str, ...]:
        """The values as texts, (V,)."""
        if self.is_numeric:
            return tuple(map(format_number, self.values))
        return tuple(map(str, self.values))

    @property
    def _places(self) -> tuple[str, ...]:
        return tuple(f"{self.name} = {text}" for text in self._texts)

    def __str__(self) -> str:
        lines = [super().__str__()]
        for label, values in self.regions.items():
            lines.append(
                f"{label}: {self.name} = {format_names([format_number(v) for v in values])}"
            )
        return "\n".join(lines)

    def _find_regions(self) -> list[tuple[str, int, int]]:
        """Return the label, the first and the last position of each region."""
        best, n = self._find_best(), len(self.values)
        if best is None or not self.is_numeric:
            return []
        kinds = [self._classify(i, best) for i in range(n)]
        regions = []
        if kinds[0]:
            stop = next(i for i in range(n) if kinds[i] != kinds[0])
            regions.append((kinds[0], 0, stop - 1))
        if kinds[-1]:
            start = next(i for i in reversed(range(n)) if kinds[i] != kinds[-1])
            regions.append((kinds[-1], start + 1, n - 1))
        return regions

    def _classify(self, i: int, best: int) -> str:
        """Return "underfitting", "overfitting" or "" for a value."""
        if i == best or not self._is_better(best, i):
            return ""
        train, gaps = self.train_scores, self.train_scores - self.test_scores
        has_larger_gap = _is_positive(self._test(gaps[i], gaps[best], i, best))
        has_worse_training = _is_positive(self._test(train[best], train[i], i, best))
        if has_larger_gap and not has_worse_training:
            return "overfitting"
        return "underfitting" if has_worse_training and not has_larger_gap else ""

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the scores over the values, and name the regions of underfitting and overfitting."""
        from glassnet.plots.score_curves import Region, ScoreAxis

        x = ScoreAxis(self.name, self.values, self.is_numeric)
        regions = [Region(*region) for region in self._find_regions()]
        return self._plot(x, [], ax, regions=regions, best=self._find_best())

    def to_frame(self) -> Any:
        """Return a row for each value and fold."""
        import pandas as pd

        n_values, n_folds = self.test_scores.shape
        return pd.DataFrame(
            {
                self.name: [value for value in self.values for _ in range(n_folds)],
                "fold": np.tile(np.arange(n_folds), n_values),
                "train_score": self.train_scores.ravel(),
                "test_score": self.test_scores.ravel(),
                "problem": self.problems.ravel(),
            }
        )


def _is_positive(test: PairedTest) -> bool:
    """Return whether a difference is above 0 beyond the noise."""
    return test.interval is not None and test.interval[0] > 0


def _format_rows(n: int) -> str:
    return f"{n:,} {'row' if n == 1 else 'rows'}"
