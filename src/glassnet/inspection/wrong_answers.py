"""Wrong answers of a classifier on test rows: which classes it confuses, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError, require
from glassnet.evaluation.classification import (
    Calibration,
    ThresholdCurves,
    compute_calibration,
    compute_threshold_curves,
)
from glassnet.formatting import format_share, shorten
from glassnet.inspection.examples import (
    Examples,
    draw_gallery,
    gallery_height,
    make_gallery,
    read_examples,
)
from glassnet.inspection.residuals import RegressionMistakes, find_residuals
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_CELL = 16
"""Maximum number of characters of a class name above an image."""

MAX_SHOWN = 8
"""Number of wrong answers in the figure of all panels."""


@view_function
def mistakes(
    model: InspectedModel,
    x: Any,
    y: Any = None,
    *,
    class_names: Sequence[Any] | None = None,
    target: str | None = None,
) -> ClassificationMistakes | MultilabelMistakes | RegressionMistakes:
    """Return where a model is wrong on test rows.

    For classes: the confusion matrix, precision = right / answers, recall = right / rows and F1 of
    each class, the surest wrong answers, and how well the probabilities agree with the frequencies.
    For two classes also the ROC and the precision-recall curve with the choice of the threshold.
    For numbers: the residuals true - predicted, in the target's own units, and the worst rows. For
    a series: the errors at each step of the horizon.

    Args:
        model: a trained model. An untrained one is labeled so.
        x: test rows of any kind that `fit` takes.
        y: targets; None if x holds them.
        class_names: names of the classes, if the data have none.
        target: the column of targets, if batches are dicts of columns.

    Returns:
        `ClassificationMistakes`, `MultilabelMistakes` or `RegressionMistakes`, with `.plot()`.

    Raises:
        DataError: rows without targets, or that `evaluate` refuses; a class that training did not
            have; predictions that are not finite; one answer for each step of a sequence.
        ConfigError: another number of class names than classes.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
        >>> x, y = [[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1]
        >>> _ = model.fit(x, y, epochs=1, verbose=0)
        >>> gn.inspection.mistakes(model, [[-3.0], [3.0]], [0, 1]).confusion.shape
        (2, 2)

    Source: scikit-learn's confusion_matrix, precision_recall_fscore_support and calibration_curve.
    """
    snapshot = model.take_snapshot(x, y, targets="required", target=target)
    outputs = compute_finite_outputs("mistakes", snapshot, snapshot.x)
    remarks = describe_rows(snapshot)
    classes = find_true_classes(snapshot)
    if classes is not None:
        return _find_wrong_answers(snapshot, classes, outputs, class_names, remarks)
    if has_labels(snapshot):
        return _find_wrong_labels(snapshot, outputs, class_names, remarks)
    expected = "class_names=None for a model of numbers"
    require(class_names is None, "mistakes", expected, class_names=class_names)
    return find_residuals(snapshot, outputs, y is not None, remarks)


def compute_finite_outputs(who: str, snapshot: Snapshot, x: Array) -> Array:
    """Return the outputs of the last layer for encoded rows, (n, ...).

    Raises:
        DataError: one of them is not finite.
    """
    outputs = snapshot.compute_outputs(x)
    bad = np.flatnonzero(~np.isfinite(outputs).reshape(len(outputs), -1).all(axis=1))
    expected, fix = "finite predictions", "The weights, or numbers in these rows, are too large."
    received = {"rows": len(bad), "first": int(bad[0]) if len(bad) else None}
    require(not len(bad), who, expected, error=DataError, fix=fix, **received)
    return outputs


def find_true_classes(snapshot: Snapshot) -> Array | None:
    """Return the class of each row, (n,), or None if a row is not of one class.

    Raises:
        DataError: each step of a row has a class.
    """
    if not snapshot.class_names:
        return None
    y, expected = np.asarray(snapshot.y), "one class for each row"
    if y.ndim > 1 and y.shape[-1] == len(snapshot.class_names) and y.dtype.kind == "f":
        y = y.argmax(-1)
    elif y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    fix = "For a class at each step, compare y with model.predict_labels(x)."
    require(y.ndim == 1, "mistakes", expected, error=DataError, shape=y.shape, fix=fix)
    is_class = np.all(y == np.round(y))
    return y.astype(np.int64) if is_class else None


def has_labels(snapshot: Snapshot) -> bool:
    """Return whether each row has several labels that are 0 or 1, one for each sigmoid."""
    y = np.asarray(snapshot.y)
    return snapshot.is_classifier and y.ndim == 2 and bool(np.isin(y, (0, 1)).all())


def describe_rows(snapshot: Snapshot) -> tuple[str, ...]:
    """Return sentences about rows that equal training rows."""
    known = snapshot.in_training
    if known is None or not known.any():
        return ()
    n, n_known = len(known), int(known.sum())
    verb = "rows equal training rows" if n_known > 1 else "rows equals a training row"
    return (f"{n_known:,} of {n:,} {verb}: new rows may have more mistakes",)


def _find_wrong_answers(
    snapshot: Snapshot,
    y_true: Array,
    outputs: Array,
    class_names: Sequence[Any] | None,
    remarks: tuple[str, ...],
) -> ClassificationMistakes:
    from sklearn import metrics

    names = _name_classes(snapshot.class_names, class_names)
    y_pred, probabilities = snapshot.to_class_indices(outputs), snapshot.to_probabilities(outputs)
    codes = list(range(len(names)))
    precision, recall, f1, counts = metrics.precision_recall_fscore_support(
        y_true, y_pred, labels=codes, zero_division=np.nan
    )
    surest = probabilities[np.arange(len(y_pred)), y_pred]
    calibration, curves = compute_calibration(y_true == y_pred, surest), None
    if len(names) == 2:
        calibration = compute_calibration(y_true == 1, probabilities[:, 1])
        if counts.all():
            curves = compute_threshold_curves(y_true == 1, probabilities[:, 1])
    wrong = np.flatnonzero(y_true != y_pred)
    return ClassificationMistakes(
        target_name=snapshot.target_name if snapshot.table is not None else "",
        class_names=names,
        y_true=y_true,
        y_pred=y_pred,
        probabilities=probabilities,
        confusion=metrics.confusion_matrix(y_true, y_pred, labels=codes),
        precision=precision,
        recall=recall,
        f1=f1,
        wrong=wrong[np.argsort(-surest[wrong], kind="stable")],
        calibration=calibration,
        curves=curves,
        examples=read_examples(snapshot),
        note=snapshot.note,
        remarks=remarks,
    )


def _name_classes(known: tuple[str, ...], requested: Sequence[Any] | None) -> tuple[str, ...]:
    if requested is None:
        return known
    names = tuple(map(str, requested))
    expected = f"class_names to be {len(known)} names, one for each class"
    require(len(names) == len(known), "mistakes", expected, class_names=names)
    return names


def _find_wrong_labels(
    snapshot: Snapshot,
    outputs: Array,
    class_names: Sequence[Any] | None,
    remarks: tuple[str, ...],
) -> MultilabelMistakes:
    from sklearn import metrics

    n_labels = outputs.shape[-1]
    known = tuple(f"y{i + 1}" for i in range(n_labels))
    y_true, y_pred = np.asarray(snapshot.y, np.int64), snapshot.to_class_indices(outputs)
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(
        y_true, y_pred, zero_division=np.nan
    )
    return MultilabelMistakes(
        class_names=_name_classes(known, class_names),
        y_true=y_true,
        y_pred=y_pred,
        probabilities=snapshot.to_probabilities(outputs),
        counts=metrics.multilabel_confusion_matrix(y_true, y_pred),
        precision=precision,
        recall=recall,
        f1=f1,
        note=snapshot.note,
        remarks=remarks,
    )


@dataclass(frozen=True, eq=False, repr=False)
class ClassificationMistakes(View):
    """Wrong answers of a classifier on n test rows with K classes.

    Attributes:
        target_name: name of the target column, or "".
        class_names: name of each class.
        y_true, y_pred: true and predicted class index of each row, (n,).
        probabilities: of each class, (n, K).
        confusion: number of rows of each true class (rows) with each prediction (columns), (K, K).
        precision, recall, f1: of each class, (K,); NaN without an answer or a row of the class.
        wrong: indices of the wrong answers, the surest first.
        calibration: of the probability of the predicted class; for two classes, of the second one.
        curves: for two classes that both occur, what every threshold would answer; else None.
        examples: the rows as they are shown.
        note: " (untrained)" if the model was not trained, else "".
        remarks: sentences about the rows.
    """

    target_name: str
    class_names: tuple[str, ...]
    y_true: Array
    y_pred: Array
    probabilities: Array
    confusion: Array
    precision: Array
    recall: Array
    f1: Array
    wrong: Array
    calibration: Calibration
    curves: ThresholdCurves | None
    examples: Examples
    note: str
    remarks: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(np.mean(self.y_true == self.y_pred))

    @property
    def pairs(self) -> list[tuple[str, str, int]]:
        """The confused pairs (true, predicted, number of rows), most frequent first."""
        counts = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-counts, axis=None, kind="stable")[: np.count_nonzero(counts)]
        true, predicted = np.unravel_index(order, counts.shape)
        names = self.class_names
        return [
            (names[i], names[j], int(counts[i, j])) for i, j in zip(true, predicted, strict=True)
        ]

    @property
    def title(self) -> str:
        text = f"{len(self.wrong):,} of {len(self.y_true):,} wrong"
        if self.pairs:
            true, predicted, count = self.pairs[0]
            times = "once" if count == 1 else f"{count:,} times"
            text += f"; most often {true} taken for {predicted} ({times})"
        return text + self.note

    def __str__(self) -> str:
        counts = self.confusion.sum(axis=1)
        most = int(counts.argmax())
        share = format_share(counts[most] / counts.sum())
        lines = [
            self.title,
            f"accuracy {format_share(self.accuracy)}; always answering {self.class_names[most]} "
            f"is right in {share} of the rows",
            *(self._describe_worst_classes() if len(self.wrong) else ()),
            "probabilities: the mean distance from the observed frequency is "
            f"{format_share(self.calibration.error)} (expected calibration error)",
            *self._describe_thresholds(),
            *self.remarks,
        ]
        return "\n".join(lines)

    def _describe_worst_classes(self) -> list[str]:
        """Return a line about the classes of the lowest recall and precision."""
        words = []
        for name, values, axis, unit in (
            ("recall", self.recall, 1, "row"),
            ("precision", self.precision, 0, "answer"),
        ):
            if np.isfinite(values).any():
                worst = int(np.nanargmin(values))
                n = int(self.confusion.sum(axis=axis)[worst])
                plural = "s" if n != 1 else ""
                share, label = format_share(values[worst]), self.class_names[worst]
                words.append(f"lowest {name}: {label}, {share} of {n:,} {unit}{plural}")
        return ["; ".join(words)]

    def _describe_thresholds(self) -> list[str]:
        """Return a line about the thresholds of two classes."""
        if self.curves is None:
            is_binary = len(self.class_names) == 2
            return ["one class only: no ROC curve and no thresholds"] if is_binary else []
        shown = ", ".join(
            f"{format_share(each.value)} ({each.name}) {each.n_wrong:,} wrong"
            for each in self.curves.thresholds[1:]
        )
        n_wrong = self.curves.thresholds[0].n_wrong
        return [
            f"ROC area {format_share(self.curves.roc_auc)}; thresholds: 0.5 {n_wrong:,} wrong, "
            f"{shown}. Choose a threshold on validation rows, not on these"
        ]

    def to_frame(self) -> Any:
        """Return a row for each class: precision, recall, F1, rows and answers."""
        import pandas as pd

        return pd.DataFrame(
            {
                "class": self.class_names,
                "precision": self.precision,
                "recall": self.recall,
                "f1": self.f1,
                "rows": self.confusion.sum(axis=1),
                "answers": self.confusion.sum(axis=0),
            }
        )

    def thresholds_to_frame(self) -> Any:
        """Return a row for each threshold of two classes, with its rates."""
        import pandas as pd

        thresholds = self.curves.thresholds if self.curves else ()
        return pd.DataFrame([{**vars(each), "f1": each.f1} for each in thresholds])

    def worst_rows(self) -> Any:
        """Return the wrong answers as a frame, the surest first, with their columns or texts.

        `row` is the position among the rows with a target, counted from 0.
        """
        import pandas as pd

        rows, names = self.wrong, np.array(self.class_names)
        columns = {
            "row": rows,
            "true": names[self.y_true[rows]],
            "predicted": names[self.y_pred[rows]],
            "probability": self.probabilities[rows, self.y_pred[rows]],
        }
        others = self.examples.to_columns(rows)
        return pd.DataFrame(columns | {k: v for k, v in others.items() if k not in columns})

    def plot(self) -> Figure:
        """Draw all panels: see the methods below."""
        from glassnet.plots.panels import make_panels

        names = [["confusion", "calibration"]]
        if self.curves is not None:
            names.append(["roc", "precision_recall"])
        elif len(self.class_names) > 2:
            names = [["confusion", "pairs"], ["classes", "calibration"]]
        height = gallery_height(self.examples, min(len(self.wrong), MAX_SHOWN))
        figure, panels, below = make_panels(self.title, self.remarks, names, height)
        for name, ax in panels.items():
            getattr(self, f"plot_{name}")(ax)
        if below is not None:
            self._draw_gallery(below, MAX_SHOWN)
        return figure

    def plot_confusion(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the confusion matrix: a row for each true class, a column for each answer."""
        from glassnet.plots.wrong_answers import plot_confusion

        return plot_confusion(self.confusion, self.class_names, self.target_name, ax)

    def plot_classes(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw precision and recall of each class, the lowest F1 first."""
        from glassnet.plots.wrong_answers import plot_classes

        return plot_classes(self.class_names, self.precision, self.recall, self.f1, ax)

    def plot_pairs(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the most confused pairs of classes."""
        from glassnet.plots.wrong_answers import plot_pairs

        return plot_pairs(self.pairs, ax)

    def plot_calibration(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the observed frequency over the predicted probability, with the number of rows."""
        from glassnet.plots.wrong_answers import plot_calibration

        subject = "of the answer"
        if len(self.class_names) == 2:
            subject = shorten(f"of {self.target_name} {self.class_names[1]}", 2 * MAX_CELL)
        return plot_calibration(**vars(self.calibration), subject=subject, ax=ax)

    def plot_roc(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the ROC curve of two classes, with three thresholds.

        Raises:
            DataError: more than two classes, or only one that occurs.
        """
        from glassnet.plots.wrong_answers import plot_roc

        curves = self._require_curves("plot_roc")
        rates = curves.false_positive_rate, curves.true_positive_rate
        return plot_roc(*rates, curves.roc_auc, curves.thresholds, ax)

    def plot_precision_recall(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the precision over the recall of two classes, with three thresholds.

        Raises:
            DataError: more than two classes, or only one that occurs.
        """
        from glassnet.plots.wrong_answers import plot_precision_recall

        curves = self._require_curves("plot_precision_recall")
        shares = float(np.mean(self.y_true == 1)), curves.average_precision
        return plot_precision_recall(
            curves.precision, curves.recall, *shares, curves.thresholds, ax
        )

    def plot_gallery(self, n: int = MAX_SHOWN) -> Figure:
        """Draw the n surest wrong answers: images, texts, or rows with their first columns.

        Raises:
            ConfigError: n is not an int >= 1.
            DataError: rows that cannot be shown, such as sequences.
        """
        figure = make_gallery("plot_gallery", self.examples, n)
        self._draw_gallery(figure, n)
        return figure

    def _draw_gallery(self, figure: Figure | SubFigure, n: int) -> None:
        rows = self.wrong[:n]
        true, predicted = (
            [shorten(self.class_names[code], MAX_CELL) for code in codes[rows]]
            for codes in (self.y_true, self.y_pred)
        )
        sure = [format_share(p) for p in self.probabilities[rows, self.y_pred[rows]]]
        facts = {"true": true, "predicted": predicted, "probability": sure}
        captions = [f"{a}\nas {b}\n{p}" for a, b, p in zip(true, predicted, sure, strict=True)]
        figure.suptitle("surest wrong answers, with their probability", fontsize=10)
        draw_gallery(figure, self.examples, rows, facts, captions)

    def _require_curves(self, who: str) -> ThresholdCurves:
        classes = sorted({self.class_names[code] for code in self.y_true})
        expected, fix = "rows of both of two classes", "Use plot_confusion instead."
        is_ready = self.curves is not None
        require(is_ready, who, expected, error=DataError, classes=classes, fix=fix)
        assert self.curves is not None
        return self.curves


@dataclass(frozen=True, eq=False, repr=False)
class MultilabelMistakes(View):
    """Wrong answers of K sigmoids on n test rows: each label is right or wrong.

    Attributes:
        class_names: name of each label.
        y_true, y_pred: 0 or 1 for each label, (n, K).
        probabilities: of each label, (n, K).
        counts: of each label, [[true negatives, false positives], [false negatives, true
            positives]], (K, 2, 2).
        precision, recall, f1: of each label, (K,); NaN without an answer or a row of the label.
        note: " (untrained)" if the model was not trained, else "".
        remarks: sentences about the rows.
    """

    class_names: tuple[str, ...]
    y_true: Array
    y_pred: Array
    probabilities: Array
    counts: Array
    precision: Array
    recall: Array
    f1: Array
    note: str
    remarks: tuple[str, ...]

    @property
    def title(self) -> str:
        n = len(self.y_true)
        n_wrong = int(np.sum(np.any(self.y_true != self.y_pred, axis=1)))
        text = f"{n_wrong:,} of {n:,} rows with a wrong label"
        missed, added = self.counts[:, 1, 0], self.counts[:, 0, 1]
        worst = int((missed + added).argmax())
        if n_wrong:
            name = self.class_names[worst]
            text += f"; most often {name} ({missed[worst]:,} missed, {added[worst]:,} too many)"
        return text + self.note

    def __str__(self) -> str:
        share = format_share(float(np.mean(self.y_true == self.y_pred)))
        return "\n".join([self.title, f"share of right labels {share}", *self.remarks])

    def to_frame(self) -> Any:
        """Return a row for each label, with its counts, precision, recall and F1."""
        import pandas as pd

        return pd.DataFrame(
            {
                "label": self.class_names,
                "precision": self.precision,
                "recall": self.recall,
                "f1": self.f1,
                "found": self.counts[:, 1, 1],
                "missed": self.counts[:, 1, 0],
                "too_many": self.counts[:, 0, 1],
            }
        )

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw how many rows of each label were found and missed, and how many are too many."""
        from glassnet.plots.wrong_answers import plot_label_counts

        return plot_label_counts(self.class_names, self.counts, self.title, ax)
