"""Permutation importance: how much worse a model gets if a column is shuffled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.time_series import TimeSeries
from glassnet.errors import DataError, is_int, require
from glassnet.evaluation.associations import Variable, find_partners
from glassnet.formatting import format_number, format_share
from glassnet.inspection.progress import show_progress
from glassnet.inspection.residuals import to_columns
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.variables import read_variables
from glassnet.inspection.view import View, view_function
from glassnet.inspection.wrong_answers import (
    compute_finite_outputs,
    describe_rows,
    find_true_classes,
    has_labels,
)
from glassnet.layers import Embedding
from glassnet.preprocessing.encoder import DroppedColumn, add_derived_columns
from glassnet.preprocessing.expressions import find_names
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

CLOSE = 0.8
"""Association above which two columns belong together."""

MAX_SEED = 2**31 - 1
"""Largest seed of a shuffle."""

MAX_LINES = 10
"""Maximum number of columns that are printed."""


@view_function
def importance(
    model: InspectedModel,
    x: Any,
    y: Any = None,
    *,
    n_repeats: int = 10,
    seed: int = 0,
    target: str | None = None,
) -> Importance:
    """Shuffle each column of test rows in turn, and return how much worse the model gets.

    For classes: importance = accuracy - accuracy of the rows with the column shuffled. For numbers:
    RMSE of the shuffled rows - RMSE, in the target's own units.

    A shuffled column keeps its values but loses its relation to the target. It is shuffled before
    it is encoded, so that all features of a category move together, and columns derived from it are
    computed again. If two columns say the same, shuffling one of them may cost little: a column
    with such a partner is marked.

    Args:
        model: a trained model.
        x: rows that it was not trained on: a table, or an array (n, features).
        y: targets; None if x holds them.
        n_repeats: number of shuffles of each column.
        seed: of the shuffles.
        target: the column of targets, if batches are dicts of columns.

    Raises:
        DataError: images, texts, sequences or series; see `mistakes`.
        ConfigError: `n_repeats` or `seed` is out of range.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> x, y = [[1.0, 7.0], [2.0, 7.0], [3.0, 7.0]], [2.0, 4.0, 6.0]
        >>> _ = model.fit(x, y, epochs=1, verbose=0)
        >>> result = gn.inspection.importance(model, x, y, n_repeats=5)
        >>> float(result.to_frame().set_index("column").importance["x2"])
        0.0

    Source: scikit-learn's permutation_importance; L. Breiman, 2001, "Random forests".
    """
    fits = is_int(n_repeats, least=1)
    require(fits, "importance", "n_repeats to be an int >= 1", n_repeats=n_repeats)
    fits = is_int(seed, 0, MAX_SEED)
    require(fits, "importance", f"seed to be an int from 0 to {MAX_SEED}", seed=seed)
    snapshot = model.take_snapshot(x, y, targets="required", target=target)
    rows = make_shuffled_rows(snapshot)
    scores = shuffle_columns(rows, n_repeats, seed)
    order = np.argsort(-scores.mean(axis=1), kind="stable")
    variables = [each for each in _read_columns(snapshot) if each.name in rows.names]
    partners = find_partners(variables, CLOSE)
    names = tuple(rows.names[i] for i in order)
    return Importance(
        names=names,
        importances=scores[order],
        metric="accuracy" if rows.is_classifier else "RMSE",
        score=rows.score(rows.predict(rows.positions)),
        simple_score=rows.score_simple_answer(),
        partners={name: partners[name] for name in names if name in partners},
        target_name=snapshot.target_name,
        note=snapshot.note,
        remarks=describe_rows(snapshot),
    )


def shuffle_columns(rows: ShuffledRows, n_repeats: int, seed: int) -> Array:
    """Return how much worse the predictions are with each column shuffled, (columns, n_repeats)."""
    from sklearn.inspection import permutation_importance

    sign = 1 if rows.is_classifier else -1
    with show_progress("importance", 1 + len(rows.names) * n_repeats) as advance:

        def score(model: ShuffledRows, positions: Array, y: Array) -> float:
            advance(1)
            return sign * model.score(model.predict(positions))

        result = permutation_importance(
            rows, rows.positions, rows.y_true, scoring=score, n_repeats=n_repeats, random_state=seed
        )
    importances: np.ndarray = result.importances
    return importances


@dataclass(frozen=True, eq=False)
class ShuffledRows:
    """Predictions for rows of which columns are shuffled, in the form that scikit-learn needs.

    Attributes:
        snapshot: the model and the encoded rows.
        names: names of the columns to shuffle.
        spans: first and one past the last input of each column, by name.
        dependents: for each column, the names of the columns that are derived from it.
        y_true: class of each row, (n,); 0 or 1 for each label, (n, K); or numbers, (n, outputs).
        is_classifier: whether predictions are classes or labels.
    """

    snapshot: Snapshot
    names: tuple[str, ...]
    spans: dict[str, tuple[int, int]]
    dependents: dict[str, tuple[str, ...]]
    y_true: Array
    is_classifier: bool

    @property
    def positions(self) -> Array:
        """The rows as they are: in each column, row i has the value of row i, (n, columns)."""
        n = len(self.snapshot.x)
        return np.repeat(np.arange(n, dtype=np.int32)[:, None], len(self.names), axis=1)

    def fit(self) -> None:
        """Do nothing: scikit-learn requires the method of whatever it scores."""

    def predict(self, positions: Array) -> Array:
        """Return the predictions for rows that take each column from the row at a position.

        Shapes:
            positions: (n, columns) row numbers.
        """
        snapshot = self.snapshot
        outputs = compute_finite_outputs("importance", snapshot, self.encode(positions))
        if self.is_classifier:
            return snapshot.to_class_indices(outputs)
        return to_columns(snapshot.decode_outputs(outputs))

    def encode(self, positions: Array) -> Array:
        """Return the rows as the network receives them, with derived columns computed again."""
        x = np.array(self.snapshot.x)
        is_shuffled = (positions != np.arange(len(x))[:, None]).any(axis=0)
        for column in np.flatnonzero(is_shuffled):
            name, rows = self.names[column], positions[:, column]
            if name in self.spans:
                start, stop = self.spans[name]
                x[:, start:stop] = self.snapshot.x[rows, start:stop]
            if self.dependents.get(name):
                self._derive_again(x, name, rows)
        return x

    def _derive_again(self, x: Array, name: str, rows: Array) -> None:
        """Write the features of the columns that are derived from a shuffled one into x."""
        table, encoder = self.snapshot.table, self.snapshot.encoder
        assert table is not None
        assert encoder is not None
        shuffled = replace(table, columns={**table.columns, name: table[name][rows]})
        derived = add_derived_columns(shuffled, dict(encoder.derive))
        for column in encoder.columns:
            if column.name in self.dependents[name] and not isinstance(column, DroppedColumn):
                start, stop = self.spans[column.name]
                x[:, start:stop] = column.transform(derived[column.name])

    def score(self, predicted: Array) -> float:
        """Return the accuracy, or the RMSE."""
        from sklearn import metrics

        if self.is_classifier:
            return float(metrics.accuracy_score(self.y_true, predicted))
        return float(metrics.root_mean_squared_error(self.y_true, predicted))

    def score_simple_answer(self) -> float:
        """Return the score of the most frequent class, or of the mean, of these very rows."""
        if not self.is_classifier:
            return self.score(np.broadcast_to(self.y_true.mean(axis=0), self.y_true.shape))
        answers, counts = np.unique(self.y_true, axis=0, return_counts=True)
        return self.score(np.broadcast_to(answers[counts.argmax()], self.y_true.shape))


def make_shuffled_rows(snapshot: Snapshot) -> ShuffledRows:
    """Return the rows of a snapshot, ready to be shuffled by column.

    Raises:
        DataError: images, texts, sequences or series.
    """
    shape = snapshot.network.shapes[0]
    kind = "a series" if isinstance(snapshot.original, TimeSeries) else "texts"
    is_row = len(shape) == 1 and not isinstance(snapshot.links[0], Embedding)
    fits = is_row and (snapshot.original is None or snapshot.table is not None)
    expected, fix = "rows of columns", "For images, texts and sequences: gn.inspection.attribute."
    received = kind if snapshot.original is not None else f"rows of shape {shape}"
    require(fits, "importance", expected, error=DataError, x=received, fix=fix)
    spans = snapshot.column_spans
    names, dependents = tuple(spans), {}
    if not spans:
        names = snapshot.feature_names
        spans = {name: (i, i + 1) for i, name in enumerate(names)}
    if snapshot.table is not None and snapshot.encoder is not None:
        dependents = find_dependents(dict(snapshot.encoder.derive))
        known = {*spans, *dependents} - set(dict(snapshot.encoder.derive))
        names = tuple(name for name in snapshot.table.columns if name in known)
    classes = find_true_classes(snapshot)
    is_labels = classes is None and has_labels(snapshot)
    y_true = np.asarray(snapshot.y, np.int64) if is_labels else classes
    if y_true is None:
        y_true = to_columns(snapshot.decode_outputs(np.asarray(snapshot.y)))
    is_classifier = is_labels or classes is not None
    return ShuffledRows(snapshot, names, spans, dependents, y_true, is_classifier)


def find_dependents(derive: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the columns that are derived from each, directly or through other derived ones.

    Example:
        >>> find_dependents({"area": "width * length", "double": "2 * area"})["width"]
        ('area', 'double')
    """
    sources: dict[str, set[str]] = {}
    dependents: dict[str, tuple[str, ...]] = {}
    for name, expression in derive.items():
        sources[name] = set()
        for operand in find_names(expression):
            sources[name] |= sources.get(operand, {operand})
        for source in sorted(sources[name]):
            dependents[source] = (*dependents.get(source, ()), name)
    return dependents


def _read_columns(snapshot: Snapshot) -> list[Variable]:
    """Return the columns of the rows, to find those that belong together."""
    if snapshot.table is not None and snapshot.encoder is not None:
        return read_variables(snapshot.table, snapshot.encoder)
    x = np.asarray(snapshot.x, np.float64)
    return [Variable(name, x[:, i]) for i, name in enumerate(snapshot.feature_names)]


@dataclass(frozen=True, eq=False, repr=False)
class Importance(View):
    """Importance of C columns, from R shuffles of each, the most important first.

    Attributes:
        names: names of the columns.
        importances: fall of the accuracy, or rise of the RMSE, of each shuffle, (C, R).
        metric: "accuracy" or "RMSE".
        score: of the rows as they are.
        simple_score: of the most frequent class, or of the mean, of the same rows.
        partners: the closest other column and their association, of columns with one above 0.8.
        target_name: name of the target.
        note: " (untrained)" if the model was not trained, else "".
        remarks: sentences about the rows.
    """

    names: tuple[str, ...]
    importances: Array
    metric: str
    score: float
    simple_score: float
    partners: dict[str, tuple[str, float]]
    target_name: str
    note: str
    remarks: tuple[str, ...]

    @property
    def mean(self) -> Array:
        """Mean importance of each column, (C,)."""
        return self.importances.mean(axis=1)

    @property
    def interval(self) -> Array:
        """The middle 95 % of the shuffles of each column: low and high end, (2, C).

        It shows what chance in the shuffles does, not what other test rows would do.
        """
        return np.percentile(self.importances, [2.5, 97.5], axis=1)

    @property
    def is_no_better_than_simple(self) -> bool:
        """Whether the most frequent class, or the mean, has at least as good a score."""
        if self.metric == "accuracy":
            return self.score <= self.simple_score
        return self.score >= self.simple_score

    @property
    def _metric_words(self) -> str:
        is_named = self.metric == "RMSE" and self.target_name != "y"
        return f"RMSE of {self.target_name}" if is_named else self.metric

    @property
    def title(self) -> str:
        score, verb = self._format(self.score), "fall" if self.metric == "accuracy" else "rise"
        if self.is_no_better_than_simple:
            is_accuracy = self.metric == "accuracy"
            answer = "the most frequent class" if is_accuracy else "the mean"
            text = f"{self._metric_words} {score}, no better than {answer}: importances say little"
        elif self.mean[0] <= 0:
            text = f"no column matters: shuffled, none makes the {self._metric_words} {verb}"
        else:
            change = self._format(self.mean[0])
            text = f"{self.names[0]} matters most: shuffled, the {self._metric_words} "
            text += f"{verb}s by {change} from {score}"
        return text + self.note

    def _format(self, value: float) -> str:
        return format_share(value) if self.metric == "accuracy" else format_number(value)

    def __str__(self) -> str:
        lines = [self.title]
        for name, mean, (low, high) in zip(self.names, self.mean, self.interval.T, strict=True):
            if len(lines) > MAX_LINES:
                lines.append(f"and {len(self.names) - MAX_LINES:,} more columns")
                break
            ends = f"{self._format(low)} to {self._format(high)}"
            partner = self._describe_partner(name)
            lines.append(
                f"{name} {self._format(mean)} ({ends})" + (f", {partner}" if partner else "")
            )
        if self.partners:
            lines.append("shuffling one of two columns that say the same may cost little")
        return "\n".join([*lines, *self.remarks])

    def _describe_partner(self, name: str) -> str:
        if name not in self.partners:
            return ""
        partner, value = self.partners[name]
        return f"close to {partner} ({format_share(value)})"

    def to_frame(self) -> Any:
        """Return a row for each column, the most important first.

        `partner` is the closest other column, if their `association` is above 0.8.
        """
        import pandas as pd

        partners = [self.partners.get(name, (None, np.nan)) for name in self.names]
        return pd.DataFrame(
            {
                "column": self.names,
                "importance": self.mean,
                "low": self.interval[0],
                "high": self.interval[1],
                "std": self.importances.std(axis=1),
                "partner": [partner for partner, _ in partners],
                "association": [value for _, value in partners],
            }
        )

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the mean importance of the first 20 columns, with every shuffle as a point."""
        from glassnet.plots.columns import plot_importances

        verb = "fall" if self.metric == "accuracy" else "rise"
        partners = [self._describe_partner(name) for name in self.names]
        xlabel = f"{verb} of the {self._metric_words} if the column is shuffled"
        return plot_importances(
            self.names, partners, self.importances, xlabel, self.title, self.remarks, ax
        )
