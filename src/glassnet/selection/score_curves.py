"""Training and held-out scores over the number of training rows, or over a parameter."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.callbacks.monitor import explain_non_number
from glassnet.errors import is_number, lookup, require
from glassnet.evaluation.resampled_tests import TTest, corrected_t_test
from glassnet.formatting import format_count, format_names, format_number, format_score
from glassnet.inspection.view import View
from glassnet.selection.experiments import Experiment, takes_fit_arguments
from glassnet.selection.folds import Fold
from glassnet.selection.grids import expand
from glassnet.selection.model_arguments import make_model
from glassnet.selection.parameters import format_value
from glassnet.selection.rivals import require_comparable, score_rivals
from glassnet.selection.runs import Run, RunResult
from glassnet.selection.subsets import order_rows, read_sizes, require_class_rows
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

BUDGETS = ("steps", "epochs")

CONSTANTS = ("majority", "mean")
"""Names of the methods that give the same answer for all rows."""


@takes_fit_arguments
def learning_curve(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    sizes: Any = (0.1, 0.325, 0.55, 0.775, 1.0),
    folds: Any = 5,
    groups: Any = None,
    rivals: bool = False,
    budget: str = "steps",
    **fit_arguments: Any,
) -> LearningCurve:
    """Return the score over the number of training rows: would more rows help?

    The rows are divided into folds. In each fold, a network with new weights is trained on part of
    the training rows, for each of several sizes, and scored on these rows and on the held-out ones.
    The parts are random, with the fractions of the classes, and the larger ones contain the smaller
    ones. Of a time series, they are the last windows before the held-out ones. All networks are
    trained by one program. The weights of the model are not used and do not change.

    With `rivals`, simpler methods are fitted to the same rows: a logistic or ridge regression,
    gradient-boosted trees, and the same answer for all rows (`evaluation.baselines`).

    Args:
        model: a `gn.Sequential`, or a model with Keras's layout, trained or not.
        x: rows of any kind that `fit` takes: arrays, a table, images, a series, texts. No batches.
        y: targets; None if x holds them.
        sizes: at least two fractions of the training rows of a fold, or numbers of rows. If the
            folds differ, the fractions are of the smallest one.
        folds: number of folds, or a splitter of scikit-learn, or pairs: see `cross_validate`.
        groups: a label per row. All rows of a group are in one fold.
        rivals: whether to score simpler methods too.
        budget: "steps" trains all sizes for about as many steps as `epochs` of the largest size,
            so that the rows alone differ. Small sizes then have more epochs, which callbacks count.
            "epochs" trains all sizes for `epochs`. Fewer rows then mean fewer steps, and a low
            score of a small size can come from too little training.
        fit_arguments: arguments of `fit`, also `sample_weight`: see `cross_validate`.

    Raises:
        ConfigError: sizes out of range or twice; an unknown argument; `rivals` for a time series,
            for several targets per row, or for ids of words; see `Sequential.fit`.
        DataError: a size with fewer rows than classes; folds that cannot be made; batches.

    Example:
        >>> import glassnet as gn
        >>> from glassnet.layers import Dense
        >>> x = np.linspace(-1, 1, 30)[:, None]
        >>> model = gn.Sequential([Dense(4, activation="tanh"), Dense(1)], seed=0)
        >>> curve = learning_curve(model, x, x**2, sizes=[5, 20], folds=3, epochs=2, verbose=0)
        >>> curve.sizes, curve.test_scores.shape
        (array([ 5, 20]), (2, 3))

    Source: lecture 001, performance over the amount of data; C. Cortes et al., 1993, "Learning
        curves: asymptotic values and rate of convergence".
    """
    who = "learning_curve"
    lookup(f"{who}: budget", budget, dict.fromkeys(BUDGETS))
    experiment = Experiment(who, model, x, y, fit_arguments)
    parts = experiment.make_folds(folds, groups)
    if rivals:
        require_comparable(who, experiment)
    counts = read_sizes(who, sizes, min(len(train_rows) for train_rows, _ in parts))
    epochs = _choose_epochs(experiment, counts, budget)
    subsets = [_order(who, experiment, counts, fold, k) for k, fold in enumerate(parts)]
    runs = [
        Run(np.sort(rows[:count]), fold.test_rows, experiment.seed + k, epochs=int(n))
        for count, n in zip(counts, epochs, strict=True)
        for k, (rows, fold) in enumerate(zip(subsets, parts, strict=True))
    ]
    results = experiment.train(runs, scores_training_rows=True, validates=False)
    shape = len(counts), len(parts)
    others, notes = score_rivals(experiment, runs) if rivals else ({}, ())
    steps = np.array([result.history.steps for result in results]).reshape(shape)
    return LearningCurve(
        **_read_scores(experiment, results, shape),
        notes=(*experiment.notes, *_describe_budget(experiment, counts, steps, epochs), *notes),
        sizes=counts,
        n_steps=steps,
        rivals=tuple(others),
        rival_scores=np.array(list(others.values())).reshape(-1, *shape),
    )


@takes_fit_arguments
def validation_curve(
    model: Any,
    x: Any,
    y: Any = None,
    name: str = "units",
    values: Any = (2, 8, 32, 128, 512),
    *,
    folds: Any = 5,
    groups: Any = None,
    **fit_arguments: Any,
) -> ValidationCurve:
    """Return the score over the values of a parameter: does the network underfit or overfit?

    For each value and fold, a network with new weights is trained, and scored on its training rows
    and on the held-out rows. All networks are trained together. The weights of the model are not
    used and do not change. `ValidationCurve.regions` says which values underfit and overfit.

    Args:
        model: a `gn.Sequential`, or a model with Keras's layout, trained or not; or a function that
            takes the parameter as an argument and returns a `gn.Sequential`.
        x: rows of any kind that `fit` takes: arrays, a table, images, a series, texts. No batches.
        y: targets; None if x holds them.
        name: a parameter of the model, its optimizer, its loss or `fit`, such as "units",
            "learning_rate", "l2", "dropout", "batch_size", or "dense_1/units": see `sweep`.
        values: at least two values. Numbers are put in ascending order.
        folds: number of folds, or a splitter of scikit-learn, or pairs: see `cross_validate`.
        groups: a label per row. All rows of a group are in one fold.
        fit_arguments: arguments of `fit`, also `sample_weight`: see `cross_validate`.

    Raises:
        ConfigError: an unknown parameter (the message suggests the nearest), a value that it cannot
            take, fewer than two values or one twice; an unknown argument; see `Sequential.fit`.
        DataError: folds that cannot be made; batches; see `Sequential.fit`.

    Example:
        >>> import glassnet as gn
        >>> from glassnet.layers import Dense
        >>> x = np.linspace(-1, 1, 30)[:, None]
        >>> model = gn.Sequential([Dense(4, activation="tanh"), Dense(1)], seed=0)
        >>> curve = validation_curve(model, x, x**2, "units", [1, 4], folds=3, epochs=2, verbose=0)
        >>> curve.values, curve.test_scores.shape
        ((1, 4), (2, 3))

    Source: lecture 002, underfitting and overfitting over the complexity of a model.
    """
    who = "validation_curve"
    choices = _read_values(who, name, values)
    models = [make_model(who, model, {name: value}) for value in choices]
    experiment = Experiment(who, models[0][0], x, y, fit_arguments)
    parts = experiment.make_folds(folds, groups)
    runs = [
        Run(*fold, experiment.seed + k, changes, model=made)
        for made, changes in models
        for k, fold in enumerate(parts)
    ]
    results = experiment.train(runs, scores_training_rows=True, validates=False)
    chosen = (
        f"The best of {len(choices)} values was chosen by the held-out rows, so its score is "
        "optimistic. Score it on other rows."
    )
    return ValidationCurve(
        **_read_scores(experiment, results, (len(choices), len(parts))),
        notes=(*experiment.notes, chosen),
        name=name,
        values=tuple(choices),
    )


@dataclass(frozen=True, eq=False, repr=False)
class ScoreCurve(View):
    """Base class of scores on training and on held-out rows, at P positions and on F folds.

    Attributes:
        train_scores: score on the training rows, (P, F); NaN if the training failed.
        test_scores: score on the held-out rows, (P, F); NaN if the training failed.
        train_rows: positions in x of the training rows, F arrays for each position.
        test_rows: positions in x of the held-out rows, an array for each fold.
        seeds: seed of the networks of each fold, (F,). `reset` the model to it, and `fit` it to
            these rows, to get the same network.
        score_name: name of the score, such as "accuracy".
        greater_is_better: whether a larger score is a better one.
        problems: why a training failed, such as a loss that is not finite, (P, F) texts; ""
            for the others.
        notes: sentences about how the scores were made.
    """

    train_scores: Array
    test_scores: Array
    train_rows: tuple[tuple[Array, ...], ...]
    test_rows: tuple[Array, ...]
    seeds: Array
    score_name: str
    greater_is_better: bool
    problems: Array
    notes: tuple[str, ...]

    @property
    def train_means(self) -> Array:
        """Mean of `train_scores` over the folds, (P,); NaN if a training failed."""
        mean: Array = self.train_scores.mean(axis=1)
        return mean

    @property
    def test_means(self) -> Array:
        """Mean of `test_scores` over the folds, (P,); NaN if a training failed."""
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

    def _test(self, better: Array, worse: Array) -> TTest:
        """Test by how much one row of scores is better than another, (F,) each.

        The correction is that of the largest training sets. Smaller ones share fewer rows.
        """
        n_train = np.max([list(map(len, rows)) for rows in self.train_rows], axis=0)
        n_test = list(map(len, self.test_rows))
        return corrected_t_test(self._sign * (better - worse), n_train, n_test)

    def _exceeds(self, scores: Array, others: Array) -> bool:
        """Return whether scores are better than others, (F,) each, beyond the noise."""
        test = self._test(scores, others)
        return test.is_significant and test.mean > 0

    def _is_better(self, i: int, j: int) -> bool:
        """Return whether the held-out scores at i are better than at j, beyond the noise."""
        return self._exceeds(self.test_scores[i], self.test_scores[j])

    def _find_best(self) -> int | None:
        """Return the position of the best mean held-out score; None if no position has one."""
        means = self._sign * self.test_means
        return int(np.nanargmax(means)) if np.isfinite(means).any() else None

    def _format(self, score: float) -> str:
        return format_score(self.score_name, score, keep_zeros=True)

    def _describe_problems(self) -> list[str]:
        """Return a sentence for each position at which a training failed or has no score."""
        lines = []
        for place, problems in zip(self._places, self.problems, strict=True):
            if n := int(np.sum(problems != "")):
                first = problems[problems != ""][0]
                lines.append(
                    f"{place}: the training failed in {n} of {len(problems)} folds ({first})"
                )
        if self._is_undefined.any():
            places = [self._places[i] for i in np.flatnonzero(self._is_undefined.any(axis=1))]
            hint = explain_non_number(self.score_name)
            lines.append(f"{self._label} is not a number at {format_names(places)}.{hint}")
        return lines

    @property
    def _is_undefined(self) -> Array:
        """Whether a training ended, but its score is not a number, (P, F)."""
        return np.isnan(self.test_scores) & (self.problems == "")

    def _describe_missing(self, training: str, position: int | slice = slice(None)) -> str:
        """Say why scores are missing."""
        if self._is_undefined[position].any():
            return f"{self._label} is not a number"
        return f"{training} failed"

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
        n_steps: number of steps that each network was trained for, (S, F).
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
            return f"no score: {self._describe_missing('every training')}"
        return "; ".join(filter(None, [self._describe_gain(), self._compare_rivals()]))

    @property
    def overtakes(self) -> dict[str, int]:
        """The smallest number of rows from which on the network is ahead of each other method.

        A method is listed if the network is ahead of it beyond the noise with the most rows, and
        in the mean for all sizes from this number on.
        """
        result = {}
        for name, scores in zip(self.rivals, self.rival_scores, strict=True):
            if self._exceeds(self.test_scores[-1], scores[-1]):
                is_ahead = self._sign * (self.test_scores - scores).mean(axis=1) > 0
                behind = np.flatnonzero(~is_ahead)
                result[name] = int(self.sizes[behind[-1] + 1 if len(behind) else 0])
        return result

    @property
    def _places(self) -> tuple[str, ...]:
        return tuple(format_count(size, "row") for size in self.sizes)

    def _describe_gain(self) -> str:
        """Say whether the score of the largest size is better than that of about half as many."""
        ratios = np.abs(np.log(self.sizes[:-1] / self.sizes[-1]) - np.log(0.5))
        half, means = int(np.argmin(ratios)), self.test_means
        last = f"{self._label} {self._format(means[-1])} at {format_count(self.sizes[-1], 'row')}"
        if not np.isfinite(means[[half, -1]]).all():
            has_score = np.isfinite(means[-1])
            reason = self._describe_missing("a training", -1)
            return last if has_score else f"no score with {self._places[-1]}: {reason}"
        first = (
            f"{self._label} {self._format(means[half])} at {format_count(self.sizes[half], 'row')}"
        )
        values = f"{first}, {self._format(means[-1])} at {self.sizes[-1]:,}"
        test = self._test(self.test_scores[-1], self.test_scores[half])
        if test.interval is None:
            return values
        if not test.is_significant:
            return f"no clear gain from more rows: {values}"
        verb = "would still help" if test.mean > 0 else "make it worse"
        return f"more rows {verb}: {values}"

    def _compare_rivals(self) -> str:
        """Compare the network with the best other method for the most rows."""
        if not self.rivals or not np.isfinite(self.test_scores[-1]).all():
            return ""
        means = self._sign * self.rival_scores[:, -1].mean(axis=1)
        best = int(np.argmax(means))
        name, value = self.rivals[best], self._format(self._sign * means[best])
        test = self._test(self.test_scores[-1], self.rival_scores[best, -1])
        if test.interval is None:
            return f"{name} has {value}"
        if not test.is_significant:
            return f"within the noise of {name}, {value}"
        if test.mean < 0:
            return f"behind {name}, {value}"
        sizes = [self.overtakes.get(rival) for rival in self.rivals]
        if None not in sizes and (start := max(map(int, filter(None, sizes)))) > self.sizes[0]:
            return f"ahead of all other methods from {format_count(start, 'row')} on"
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
            return f"no score: with every value, {self._describe_missing('a training')}"
        score = f"{self._label} {self._format(self.test_means[best])}"
        return (
            f"{self._places[best]} scores best: {score} on held-out rows; {self._name_equal(best)}"
        )

    def _name_equal(self, best: int) -> str:
        """Say which values are within the noise of the best one."""
        if self.test_scores.shape[1] == 1:
            return "one fold does not show the noise"
        others = [int(i) for i in np.flatnonzero(np.isfinite(self.test_means)) if i != best]
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
        return tuple(map(format_value, self.values))

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
        has_larger_gap = self._exceeds(gaps[i], gaps[best])
        has_worse_training = self._exceeds(train[best], train[i])
        if has_larger_gap and not has_worse_training:
            return "overfitting"
        return "underfitting" if has_worse_training and not has_larger_gap else ""

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the scores over the values, and name the regions of underfitting and overfitting."""
        from glassnet.plots.score_curves import Region, ScoreAxis

        x = ScoreAxis(self.name, self.values if self.is_numeric else self._texts, self.is_numeric)
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


def _read_values(who: str, name: Any, values: Any) -> list[Any]:
    """Return the values of a parameter as a list; numbers are sorted.

    Raises:
        ConfigError: fewer than two values, or one twice.
    """
    is_name = isinstance(name, str)
    require(is_name, who, 'the name of a parameter, such as "units"', name=name)
    choices = [setting[name] for setting in expand({name: values})]
    require(len(choices) > 1, who, f"at least two values of {name}", values=choices)
    return sorted(choices) if all(map(is_number, choices)) else choices


def _order(who: str, experiment: Experiment, counts: Array, fold: Fold, k: int) -> Array:
    """Return the training rows of fold k in the order in which larger subsets take them.

    Raises:
        DataError: the smallest subset has fewer rows than classes.
    """
    rows, labels = fold.train_rows, experiment.labels
    if experiment.is_series:
        return rows[::-1]
    own_labels = None if labels is None else labels[rows]
    require_class_rows(who, counts, own_labels, experiment.class_names)
    return order_rows(rows, own_labels, np.random.default_rng((experiment.seed, k)))


def _choose_epochs(experiment: Experiment, counts: Array, budget: str) -> Array:
    """Return the number of epochs for each size, (S,)."""
    if budget == "epochs":
        return np.full(len(counts), experiment.epochs)
    size = experiment.options["batch_size"]
    trained = counts - np.round(counts * experiment.options["validation_split"])
    steps = np.ones(len(counts)) if size == "full" else np.ceil(trained / size)
    return np.maximum(np.round(experiment.epochs * steps[-1] / steps), 1).astype(np.int64)


def _describe_budget(
    experiment: Experiment, counts: Array, steps: Array, epochs: Array
) -> list[str]:
    """Say how long the networks of the smallest and of the largest size were trained."""
    first, last = format_count(counts[0], "row"), format_count(counts[-1], "row")
    fewest, most = int(steps[0].max()), int(steps[-1].max())
    notes = []
    if fewest < most:
        notes.append(
            f"Training took {format_count(fewest, 'step')} with {first} and"
            f" {format_count(most, 'step')} with {last}. The low score of few rows may come from"
            ' few steps. budget="steps" trains all equally long.'
        )
    elif epochs[0] > epochs[-1]:
        notes.append(
            f"Training took {format_count(epochs[0], 'epoch')} with {first} and"
            f" {format_count(epochs[-1], 'epoch')} with {last}, about equally many steps."
        )
    size = experiment.options["batch_size"]
    if size != "full" and counts[0] < size:
        notes.append(f"A step has at most {first}, fewer than batch_size={size}.")
    return notes


def _read_scores(
    experiment: Experiment, results: Sequence[RunResult], shape: tuple[int, int]
) -> dict[str, Any]:
    """Return the fields that all curves have, except notes, from the results of P x F runs."""
    name = experiment.score_name
    train = [result.get_score(name, training_rows=True) for result in results]
    test = [result.get_score(name) for result in results]
    runs, position, n_folds = [each.run for each in results], experiment.row_index, shape[1]
    rows = [position[run.train_rows] for run in runs]
    return {
        "train_scores": np.array(train).reshape(shape),
        "test_scores": np.array(test).reshape(shape),
        "train_rows": tuple(
            tuple(rows[start : start + n_folds]) for start in range(0, len(rows), n_folds)
        ),
        "test_rows": tuple(position[run.test_rows] for run in runs[:n_folds]),
        "seeds": np.array([run.seed for run in runs[:n_folds]]),
        "score_name": name,
        "greater_is_better": experiment.greater_is_better,
        "problems": np.array([result.problem for result in results]).reshape(shape),
    }
