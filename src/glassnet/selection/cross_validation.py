"""Cross-validation: the score of a model on rows that it was not trained on, for every row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.callbacks.monitor import explain_non_number
from glassnet.engine import objective
from glassnet.errors import NotReadyError, message
from glassnet.evaluation.intervals import Interval
from glassnet.evaluation.resampled_tests import corrected_interval
from glassnet.formatting import format_count, format_score
from glassnet.inspection.view import View
from glassnet.models.sequential import Sequential
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.selection.experiments import Experiment, takes_fit_arguments
from glassnet.selection.runs import Run, RunResult
from glassnet.selection.score_ranges import clip_interval
from glassnet.training.history import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LINES = 12
"""Maximum number of folds that are printed."""

LOWER_RATE = "A lower learning rate, or inputs and targets of a smaller scale, usually helps."
"""What to do about a loss that is not finite."""


@takes_fit_arguments
def cross_validate(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    folds: Any = 5,
    repeats: int = 1,
    groups: Any = None,
    **fit_arguments: Any,
) -> CrossValidation:
    """Train a model on the rows of all folds but one, for each fold, and score it on that one.

    The rows are divided into k folds of about equal size. For each fold, a network with new weights
    is trained on the rows of all others and scored on this fold. So every row is tested once, by a
    network that has not seen it. All networks are trained by one program.

    Whatever is learned from data is learned from the training rows of each fold alone: the encoding
    of a table, the scale of its target, statistics of `Normalization`, a vocabulary. The weights of
    the model are not used and do not change.

    Args:
        model: a `gn.Sequential`, or a model with Keras's layout, trained or not.
        x: rows of any kind that `fit` takes: arrays, a table, images, a series, texts. No batches.
        y: targets; None if x holds them.
        folds: number of folds; or a splitter of scikit-learn; or pairs (train rows, test rows). A
            number means stratified folds for classes and shuffled folds for numbers. The folds of a
            time series are in the order of time.
        repeats: number of times that the rows are divided anew.
        groups: a label per row. All rows of a group are in one fold.
        fit_arguments: arguments of `fit`, also `sample_weight`. The default of `epochs` is that of
            the model's last fit, or enough for 1,000 steps. With `validation_split`, a part of the
            training rows of each fold is used for callbacks such as `EarlyStopping`. Without it
            they see the test rows, and the scores are optimistic.

    Raises:
        ConfigError: an unknown argument; see `Sequential.fit`.
        DataError: more folds than rows, or than the rarest class has; groups in two folds; batches;
            see `Sequential.fit`.

    Example:
        >>> from glassnet.layers import Dense
        >>> x = np.linspace(-1, 1, 30)[:, None]
        >>> model = Sequential([Dense(4, activation="tanh"), Dense(1)], seed=0)
        >>> result = cross_validate(model, x, x**2, folds=3, epochs=2, verbose=0)
        >>> result.scores.shape, result.predictions.shape
        ((3,), (30, 1))

    Source: Stone 1974, Cross-validatory choice and assessment of statistical predictions; lecture
        002, k-fold cross-validation.
    """
    experiment = Experiment("cross_validate", model, x, y, fit_arguments)
    parts = experiment.make_folds(folds, groups, repeats=repeats)
    runs = [Run(*fold, experiment.seed + k) for k, fold in enumerate(parts)]
    return make_cross_validation(experiment, experiment.train(runs))


class EnsemblePrediction(NamedTuple):
    """Predictions of the networks of all folds for new rows.

    Attributes:
        mean: (n, ...), the mean of the outputs.
        std: (n, ...), their standard deviation over the networks.
        outputs: (folds, n, ...), the outputs of each network.
    """

    mean: np.ndarray
    std: np.ndarray
    outputs: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation(View):
    """Result of `cross_validate`.

    Attributes:
        score_name: name of the score: the first metric of `compile`, or "loss".
        scores: (folds,), the score of each fold's test rows. NaN if its training failed.
        predictions: (n, ...), the output for each row of x by the network that was not trained on
            it, as `predict` returns them. The mean of several with `repeats`; NaN for rows that
            no fold tests, and rows without a target.
        train_rows, test_rows: positions in x of the rows of each fold.
        seeds: (folds,), the seed of each network. `model.reset(seeds[k])` and `fit` to
            `train_rows[k]` give the network of fold k again.
        results: the runs: histories, scores and trained models.
        score_names: names of all scores, the loss first.
        class_names: labels of the classes if the data name them, else None.
        notes: what to know about the scores, in sentences.
    """

    score_name: str
    scores: np.ndarray
    predictions: np.ndarray
    train_rows: tuple[np.ndarray, ...]
    test_rows: tuple[np.ndarray, ...]
    seeds: np.ndarray
    results: tuple[RunResult, ...]
    score_names: tuple[str, ...]
    class_names: tuple[Any, ...] | None
    notes: tuple[str, ...] = ()

    @property
    def n_folds(self) -> int:
        """Number of folds, over all repeats."""
        return len(self.scores)

    @property
    def mean(self) -> float:
        """The mean score of the folds whose training did not fail."""
        finite = self.scores[np.isfinite(self.scores)]
        return float(finite.mean()) if len(finite) else math.nan

    @property
    def std(self) -> float:
        """The standard deviation of the scores over the folds."""
        finite = self.scores[np.isfinite(self.scores)]
        return float(finite.std(ddof=1)) if len(finite) > 1 else math.nan

    @property
    def interval(self) -> Interval:
        """The 95 % interval of the mean score, or None if there are too few folds.

        It is wider than that of independent scores, since the folds share training rows: see
        `evaluation.resampled_tests.corrected_interval`. It ends where no score can be, such as
        that of an accuracy at 0 and 1, and that of a squared error at 0.
        """
        done = np.isfinite(self.scores)
        n_train = np.array([len(rows) for rows in self.train_rows])
        n_test = np.array([len(rows) for rows in self.test_rows])
        if done.sum() < 2:
            return None
        interval = corrected_interval(self.scores[done], n_train[done], n_test[done])
        return clip_interval(interval, self.score_name, self.results[0].setup.loss)

    @property
    def all_scores(self) -> dict[str, np.ndarray]:
        """The loss and every metric of each fold's test rows, (folds,), by name."""
        return {
            name: np.array([result.scores.get(name, math.nan) for result in self.results])
            for name in self.score_names
        }

    @property
    def histories(self) -> tuple[History, ...]:
        """The history of each fold's training."""
        return tuple(result.history for result in self.results)

    @property
    def models(self) -> tuple[Sequential, ...]:
        """The trained model of each fold, without those whose training failed."""
        pairs = zip(self.results, self._is_used, strict=True)
        return tuple(result.model for result, is_used in pairs if is_used)

    @cached_property
    def predicted_labels(self) -> np.ndarray:
        """The predicted class of each row, (n,), of rows that a fold tests: see `tested_rows`.

        Raises:
            ConfigError: the network predicts numbers, not classes.
        """
        setup = self.results[0].setup
        outputs = self.predictions[self.tested_rows]
        labels = objective.to_class_labels(outputs, setup.require_network().links, setup.loss)
        return setup.preprocessor.target.decode_labels(labels) if setup.preprocessor else labels

    @property
    def tested_rows(self) -> np.ndarray:
        """Positions in x of the rows that have a prediction."""
        pairs = zip(self.test_rows, self._is_used, strict=True)
        done = [rows for rows, is_used in pairs if is_used]
        return np.unique(np.concatenate([np.zeros(0, int), *done]))

    def predict(self, x: Any, **options: Any) -> EnsemblePrediction:
        """Return the mean and the spread of the outputs of all folds' networks for new rows.

        Args:
            x: rows of any kind that `Sequential.predict` takes.
            options: arguments of `Sequential.predict`.

        Raises:
            NotReadyError: the training of every fold failed.
        """
        if not self.models:
            problem = self.results[0].problem
            raise NotReadyError(message("predict", "a fold that has been trained", fold_0=problem))
        outputs = np.stack([model.predict(x, **options) for model in self.models])
        return EnsemblePrediction(outputs.mean(0), outputs.std(0), outputs)

    @property
    def title(self) -> str:
        n_rows = len(np.unique(np.concatenate(self.test_rows)))
        folds = f"{format_count(self.n_folds, 'fold')} of {format_count(n_rows, self._noun)}"
        n_failed, n_scored = self._n_failed, int(np.isfinite(self.scores).sum())
        if n_failed == self.n_folds:
            quantifier = "all " * (self.n_folds > 1)
            return f"the training of {quantifier}{folds} failed: {self.results[0].problem}"
        if n_scored == 0:
            return f"{self.score_name} is not a number in {folds}"
        of_all = f"{n_scored} of " * (n_scored < self.n_folds)
        text = f"{self.score_name} {self._format(self.mean)} over {of_all}{folds}"
        if self.interval is not None:
            low, high = map(self._format, self.interval)
            text += f", 95 % interval {low} to {high}"
        return text + (f"; the training of {n_failed} failed" if n_failed else "")

    @property
    def _is_used(self) -> np.ndarray:
        """Whether a fold has a trained network: it is complete, or Ctrl-C ended all at once."""
        complete = np.array([result.is_complete for result in self.results])
        is_used: np.ndarray = complete | np.isfinite(self.scores)
        return is_used

    @property
    def _n_failed(self) -> int:
        return int((~self._is_used).sum())

    @property
    def _noun(self) -> str:
        """What the folds divide."""
        preprocessor = self.results[0].setup.preprocessor
        return "window" if isinstance(preprocessor, TimeSeriesPreprocessor) else "row"

    def _format(self, value: float) -> str:
        return format_score(self.score_name, value)

    def __str__(self) -> str:
        lines = [self.title, *map(self._describe_fold, range(min(self.n_folds, MAX_LINES)))]
        if self.n_folds > MAX_LINES:
            lines.append(f"... and {format_count(self.n_folds - MAX_LINES, 'more fold')}")
        return "\n".join([*lines, *self._explain_scores(), *self.notes])

    def _describe_fold(self, k: int) -> str:
        """Return the sizes and the score of a fold, or why it has none."""
        result = self.results[k]
        n_test = format_count(len(self.test_rows[k]), f"test {self._noun}")
        sizes = f"fold {k + 1}: {len(self.train_rows[k]):,} training and {n_test}"
        if not self._is_used[k]:
            return f"{sizes}, {result.problem}"
        epochs = format_count(len(result.history.epoch), "epoch")
        return f"{sizes}, {epochs}, {self.score_name} {self._format(self.scores[k])}"

    def _explain_scores(self) -> list[str]:
        """Say why scores or the interval are missing, and what to do."""
        lines = []
        scores = self.scores
        n_undefined = int((~np.isfinite(scores) & self._is_used).sum())
        if n_undefined:
            hint = explain_non_number(self.score_name)
            lines.append(
                f"In {n_undefined} of {format_count(self.n_folds, 'fold')}, {self.score_name} is "
                f"not a number.{hint} With fewer folds, each has more test rows."
            )
        if any("not finite" in result.problem for result in self.results):
            lines.append(LOWER_RATE)
        if 0 < self._n_failed < self.n_folds:
            lines.append("The mean leaves out the folds that failed, so it may be too good.")
        finite = scores[np.isfinite(scores)]
        if len(finite) > 1 and self.interval is None:
            lines.append("The scores of all folds are equal, so the interval is unknown.")
        return lines

    def plot(self) -> Figure:
        """Draw the score of each fold with the mean, and the losses over the epochs."""
        from glassnet.plots.cross_validation import plot_cross_validation

        names = "loss", "val_loss"
        curves = [[h.history.get(name, []) for name in names] for h in self.histories]
        return plot_cross_validation(
            self.title, self.score_name, self.scores, self.mean, self.interval, curves
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per fold, numbered from 0: sizes, seed, scores."""
        import pandas as pd

        columns: dict[str, Any] = {
            "n_train": [len(rows) for rows in self.train_rows],
            "n_test": [len(rows) for rows in self.test_rows],
            "seed": self.seeds,
            "epochs": [len(history.epoch) for history in self.histories],
        }
        problems = {"problem": [result.problem for result in self.results]}
        index = pd.RangeIndex(self.n_folds, name="fold")
        return pd.DataFrame(columns | self.all_scores | problems, index=index)


def make_cross_validation(experiment: Experiment, results: Sequence[RunResult]) -> CrossValidation:
    """Return the result of runs, one for each fold."""
    runs, position = [result.run for result in results], experiment.row_index
    name, used = experiment.score_name, _select_used(results)
    notes = list(experiment.notes)
    if used and used[0].is_interrupted:
        notes.append(f"The scores are those of the moment of Ctrl-C, in {used[0].problem}.")
    return CrossValidation(
        score_name=name,
        scores=np.array([r.scores[name] if r in used else math.nan for r in results]),
        predictions=_average_outputs(used, position, experiment.n_data),
        train_rows=tuple(position[run.train_rows] for run in runs),
        test_rows=tuple(position[run.test_rows] for run in runs),
        seeds=np.array([run.seed for run in runs]),
        results=tuple(results),
        score_names=experiment.score_names,
        class_names=experiment.class_names,
        notes=tuple(notes),
    )


def _select_used(results: Sequence[RunResult]) -> list[RunResult]:
    """Return the runs that ended as planned; if Ctrl-C ended them all at once, all of them."""
    complete = [result for result in results if result.is_complete]
    is_same = len({result.problem for result in results}) == 1
    if not complete and is_same and results[0].is_interrupted and results[0].history.epoch:
        return list(results)
    return complete


def _average_outputs(results: Sequence[RunResult], position: np.ndarray, n_data: int) -> np.ndarray:
    """Return the mean of the test outputs of each row of the data, (n_data, ...), NaN without any.

    Args:
        results: of runs of one model.
        position: positions in the data of the rows that runs count.
        n_data: number of rows of the data.
    """
    done = [result for result in results if len(result.outputs)]
    shape = done[0].outputs.shape[1:] if done else (1,)
    total, count = np.zeros((n_data, *shape), np.float32), np.zeros(n_data, np.float32)
    for result in done:
        rows = position[result.run.test_rows]
        total[rows] += result.outputs
        count[rows] += 1
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = total / count.reshape(-1, *[1] * len(shape))
    return mean
