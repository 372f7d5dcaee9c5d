"""The result of a sweep: the scores of every setting, the best one, and how far to trust it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import NotReadyError, is_number, message
from glassnet.evaluation.resampled_tests import TTest, corrected_t_test, t_test
from glassnet.formatting import MAX_LIKE_LINES, format_score
from glassnet.inspection.view import View
from glassnet.models.sequential import Sequential
from glassnet.selection.parameters import format_value, format_values
from glassnet.selection.score_ranges import clip_interval
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


MAX_RANKED = 10
"""Maximum number of settings that are printed with their scores."""


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(View):
    """Scores of n settings, each trained with r seeds on k splits of the rows.

    A setting is ranked if all of its runs have a score. In nested cross-validation the k splits
    are the outer folds.

    Attributes:
        settings: values of the parameters by name, without the seed, for each setting.
        seeds: seeds of the r repetitions.
        score_name: name of the score.
        greater_is_better: whether a greater score is better.
        run_scores: scores of all runs, (n, r, k); NaN if a run diverged or was interrupted.
        inner_scores: mean scores over the inner folds of each outer fold's training rows, (n, k);
            None without nesting.
        n_train, n_test: number of training rows and of test rows of each split, (k,).
        problems: (n,) texts: why a run of the setting has no score; "" if all have one.
        results: the runs: of each setting, of each seed, of each split and then inner fold.
        notes: what to know about the scores, in sentences.
        retrain: returns a model of the setting of an index, trained on all rows.
    """

    settings: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]
    score_name: str
    greater_is_better: bool
    run_scores: Array
    inner_scores: Array
    n_train: Array
    n_test: Array
    problems: tuple[str, ...]
    results: tuple[Any, ...]
    notes: tuple[str, ...]
    retrain: Callable[[int], Sequential]

    @cached_property
    def scores(self) -> Array:
        """Mean score over the seeds, (n, k)."""
        return np.asarray(self.run_scores.mean(axis=1))

    @cached_property
    def means(self) -> Array:
        """Mean score of each setting, (n,); NaN if a run has no score."""
        return np.asarray(self.scores.mean(axis=1))

    @property
    def samples(self) -> Array:
        """Scores whose spread is the noise: of the folds, or of the seeds on one split."""
        return self.scores if self.scores.shape[1] > 1 else self.run_scores[:, :, 0]

    @cached_property
    def standard_errors(self) -> Array:
        """Standard error of each mean, (n,); NaN for one run or for equal scores.

        Over folds it is corrected for their common training rows (Nadeau and Bengio 2003). Over
        seeds it leaves out that other test rows would give another score.
        """
        return np.array([self._test(scores).standard_error for scores in self.samples])

    @cached_property
    def intervals(self) -> Array:
        """Ends of the 95 % interval of each mean, (n, 2); NaN if it is unknown.

        They lie where a score can be: that of an accuracy ends at 0 and 1.
        """
        unknown, loss = (math.nan, math.nan), self.results[0].setup.loss if self.results else None
        tested = (self._test(scores).interval for scores in self.samples)
        clipped = (clip_interval(interval, self.score_name, loss) for interval in tested)
        return np.array([interval or unknown for interval in clipped])

    @cached_property
    def is_within_noise(self) -> Array:
        """Whether a setting is ranked and not significantly worse than the best, (n,).

        Tested on the differences by fold, or by seed, at 5 %. One run for each setting shows no
        setting to be worse.
        """
        best = self.best_index
        if best is None:
            return np.zeros(len(self.settings), bool)
        return np.array([self._is_close(scores - self.samples[best]) for scores in self.samples])

    @property
    def best_index(self) -> int | None:
        """Index of the best setting; the first of equal ones; None if none is ranked."""
        return self._find_best(self.means)

    @property
    def best(self) -> dict[str, Any] | None:
        """Values of the best setting; None if none is ranked."""
        return None if self.best_index is None else dict(self.settings[self.best_index])

    @property
    def best_score(self) -> float:
        """Mean score of the best setting; NaN if none is ranked."""
        return math.nan if self.best_index is None else float(self.means[self.best_index])

    @property
    def is_nested(self) -> bool:
        """Whether the choice itself was scored, by nested cross-validation."""
        return self.inner_scores is not None

    @cached_property
    def choices(self) -> tuple[int | None, ...]:
        """Index of the setting that the inner folds choose, for each outer fold; else empty."""
        if not self.is_nested:
            return ()
        return tuple(map(self._find_best, self.inner_scores.T))

    @property
    def nested_scores(self) -> Array:
        """Score of each outer fold's choice on the rows that had no part in it, (k,), or None."""
        if not self.is_nested:
            return None
        pairs = enumerate(self.choices)
        return np.array([math.nan if i is None else self.scores[i, k] for k, i in pairs])

    @property
    def nested_mean(self) -> float:
        """Mean of `nested_scores`: what choosing like this scores on new rows; NaN without."""
        return float(self.nested_scores.mean()) if self.is_nested else math.nan

    def __getstate__(self) -> dict[str, Any]:
        """Return what is pickled: everything but the rows that `refit` trains on."""
        return vars(self) | {"retrain": _refuse_refit}

    def refit(self) -> Sequential:
        """Return a model with the best values that is trained on all rows.

        If callbacks end the runs early and no rows are left to do so, it is trained for the median
        number of epochs of the best setting's runs.

        Raises:
            NotReadyError: no setting is ranked; or the result was unpickled, without the rows.
        """
        if self.best_index is None:
            raise NotReadyError(message("refit", "a setting with a score", received=self.title))
        return self.retrain(self.best_index)

    @property
    def title(self) -> str:
        n = len(self.settings)
        if self.best is None:
            return f"No setting has a score: {self._count(self.problems)}"
        score = f"{self.score_name} {self.format_score(self.best_score)}"
        shown = {name: self.best[name] for name in self._varied} or self.best
        text = f"{format_values(shown)} with {score} {self._describe_runs()}"
        if n == 1:
            return text
        text = f"Best of {n:,} settings: {text}"
        if not self.is_nested:
            return f"{text}; optimistic: chosen among {n:,} on the same rows"
        nested = f"{self.score_name} {self.format_score(self.nested_mean)}"
        return f"{text}; nested: settings chosen by inner folds score {nested}"

    def format_score(self, score: float) -> str:
        """Return a score as text."""
        return format_score(self.score_name, score)

    def __str__(self) -> str:
        title, *sentences = self.describe()
        return "\n".join([title, *self._rank_lines(), *sentences])

    def describe(self) -> list[str]:
        """Return the title and sentences about how sure the ranking is, without the ranking."""
        lines = [self.title, *self._noise_lines(), *self._range_lines()]
        return [*lines, *self._problem_lines(), *self.notes]

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each setting, the best first.

        Its index is the position in `settings`. The columns are the parameters, the mean score,
        its standard error, `within_noise` of the best, and `problem`.
        """
        import pandas as pd

        names = list(self.settings[0])
        columns: dict[str, Any] = {
            name: [setting[name] for setting in self.settings] for name in names
        }
        columns |= {self.score_name: self.means, "standard_error": self.standard_errors}
        columns |= {"within_noise": self.is_within_noise, "problem": self.problems}
        return pd.DataFrame(columns).iloc[self._make_plot_data().rank()]

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the scores: over one number, as a map over two parameters, else by rank.

        Args:
            ax: axes to draw on; None for a new figure.
        """
        from glassnet.plots import sweeps

        data, varied = self._make_plot_data(), self._varied
        if len(varied) == 1 and all(is_number(setting[varied[0]]) for setting in self.settings):
            values = np.array([setting[varied[0]] for setting in self.settings], np.float64)
            return sweeps.plot_scores_by_value(
                values, data, name=varied[0], title=self.title, ax=ax
            )
        cells = self._arrange_cells()
        if cells is not None:
            indices, texts = cells
            return sweeps.plot_score_map(
                indices, data, names=(varied[0], varied[1]), values=texts, title=self.title, ax=ax
            )
        shown = varied or list(self.settings[0])
        texts_of_settings = [
            ", ".join(format_value(setting[name]) for name in shown) or "the model"
            for setting in self.settings
        ]
        names = ", ".join(shown)
        return sweeps.plot_ranked_scores(
            texts_of_settings, data, names=names, title=self.title, ax=ax
        )

    @property
    def _varied(self) -> list[str]:
        """Names of the parameters that have several values."""
        first = self.settings[0]
        return [name for name in first if any(s[name] != first[name] for s in self.settings)]

    def _arrange_cells(self) -> tuple[Array, tuple[list[str], list[str]]] | None:
        """Return the settings over two parameters, and the values of both; None if it is no grid.

        Numbers are sorted; other values keep their order.
        """
        if len(self._varied) != 2:
            return None
        columns, rows = (_distinct([s[name] for s in self.settings]) for name in self._varied)
        if len(columns) * len(rows) != len(self.settings):
            return None
        indices = np.empty((len(rows), len(columns)), int)
        for i, setting in enumerate(self.settings):
            x, y = (setting[name] for name in self._varied)
            indices[rows.index(y), columns.index(x)] = i
        return indices, (list(map(format_value, columns)), list(map(format_value, rows)))

    def _make_plot_data(self) -> Any:
        from glassnet.plots.sweeps import SettingScores

        has_folds = self.scores.shape[1] > 1
        interval = "95 % interval of the mean" if np.isfinite(self.intervals).any() else ""
        return SettingScores(
            scores=self.samples,
            means=self.means,
            lows=self.intervals[:, 0],
            highs=self.intervals[:, 1],
            is_close=self.is_within_noise,
            problems=[
                _short_problem(*pair) for pair in zip(self.problems, self.means, strict=True)
            ],
            best=self.best_index,
            greater_is_better=self.greater_is_better,
            label=self.score_name,
            run_label="a fold" if has_folds else "a seed",
            interval_label=interval,
        )

    def _test(self, values: Array) -> TTest:
        """Test the mean of one value for each fold, or for each seed on one split."""
        if self.scores.shape[1] > 1:
            return corrected_t_test(values, self.n_train, self.n_test)
        return t_test(values)

    def _is_close(self, differences: Array) -> bool:
        """Return whether differences to the best setting may be noise."""
        if not np.isfinite(differences).all():
            return False
        test = self._test(differences)
        if test.interval is None and len(differences) > 1:  # the same difference in each run
            return bool(differences[0] == 0)
        return not test.is_significant

    def _find_best(self, means: Array) -> int | None:
        if np.isnan(means).all():
            return None
        return int(np.nanargmax(means) if self.greater_is_better else np.nanargmin(means))

    def _describe_runs(self) -> str:
        n_seeds, n_folds = self.run_scores.shape[1:]
        seeds = f" and {n_seeds} seeds" if n_seeds > 1 else ""
        if n_folds > 1:
            return f"over {n_folds} folds{seeds}"
        return f"on {int(self.n_test[0]):,} validation rows" + seeds.replace(" and", " over")

    def _rank_lines(self) -> list[str]:
        """Return a line for each of the best settings that have a score."""
        order = self._make_plot_data().rank()
        ranked = [i for i in order if not self.problems[i]]
        if len(ranked) < 2:
            return []
        lines = [
            f"{rank}. {format_values(self.settings[i])}: {self.format_score(self.means[i])}"
            for rank, i in enumerate(ranked[:MAX_RANKED], 1)
        ]
        n_more = len(ranked) - len(lines)
        return [*lines, *([f"... and {n_more} more, in to_frame()"] if n_more else [])]

    def _noise_lines(self) -> list[str]:
        """Return sentences about how sure it is that the best setting is the best."""
        n_others = len(self.settings) - 1
        if self.best is None or n_others == 0:
            return []
        if self.samples.shape[1] < 2:
            return ["With one run for each setting, the noise is unknown. Pass folds, or seeds."]
        n_close = int(self.is_within_noise.sum()) - 1
        by = "folds" if self.scores.shape[1] > 1 else "seeds, on the same rows"
        others = _count_close(n_close, n_others)
        lines = [f"{others} within the noise of the best (paired t-test over the {by}, 5 %)."]
        if self.is_nested:
            top, count = Counter(self.choices).most_common(1)[0]
            setting = "none" if top is None else format_values(self.settings[top])
            lines.append(f"{count} of {len(self.choices)} outer folds choose {setting}.")
        else:
            lines.append("Pass folds=(outer, inner) to score the choice itself.")
        return lines

    def _range_lines(self) -> list[str]:
        """Return sentences about best values at an end of the numbers that were tried."""
        if self.best is None:
            return []
        lines = []
        for name in self._varied:
            tried, best = _distinct([setting[name] for setting in self.settings]), self.best[name]
            if len(tried) > 2 and all(map(is_number, tried)) and best in (tried[0], tried[-1]):
                word = "smallest" if best == tried[0] else "largest"
                if best != 0:
                    value = format_value(best)
                    lines.append(f"{name}={value} is the {word} that was tried: try beyond it.")
        return lines

    def _problem_lines(self) -> list[str]:
        """Return sentences about runs without a score."""
        failed = [i for i, problem in enumerate(self.problems) if problem]
        lines = [
            f"{format_values(self.settings[i])}: {self.problems[i]}"
            for i in failed[:MAX_LIKE_LINES]
        ]
        if len(failed) > len(lines):
            lines.append(f"{len(failed) - len(lines):,} more: {self._count(self.problems)}")
        return lines

    def _count(self, problems: Sequence[str]) -> str:
        counts = Counter(problem.split(" ")[0] for problem in problems if problem)
        return ", ".join(f"{n:,} of {len(problems):,} {word}" for word, n in counts.items())


def _count_close(n_close: int, n_others: int) -> str:
    """Return how many of the other settings are as good as the best: subject and verb."""
    if n_others == 1:
        return "The other setting is" if n_close else "The other setting is not"
    if n_close == n_others == 2:
        return "Both other settings are"
    if n_close in (0, n_others):
        return f"All {n_others:,} other settings are" if n_close else "No other setting is"
    return f"{n_close:,} of the {n_others:,} other settings {'is' if n_close == 1 else 'are'}"


def _refuse_refit(index: int) -> Sequential:
    """Raise an error: a result from a file has no rows to train on."""
    fix = "Make a model with the values of best, and fit it to all rows."
    raise NotReadyError(message("refit", "the result of this session's sweep", fix=fix))


def _short_problem(problem: str, mean: float) -> str:
    """Return the first word of a problem, if it leaves the setting without a mean."""
    return (problem.split(" ")[0] or "no score") if math.isnan(mean) else ""


def _distinct(values: Sequence[Any]) -> list[Any]:
    """Return the distinct values, which need not be hashable; numbers are sorted."""
    distinct = [value for i, value in enumerate(values) if value not in values[:i]]
    return sorted(distinct) if all(map(is_number, distinct)) else distinct
