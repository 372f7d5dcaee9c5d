"""Suspicious labels: rows whose label a network contradicts for most of its training."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engine import inference, loop, network
from glassnet.engine.epoch_runner import ArraySource, Logs
from glassnet.engine.loop import LoopHooks
from glassnet.engine.train_step import TrainState
from glassnet.errors import DataError, is_int, require
from glassnet.formatting import format_count, format_number
from glassnet.inspection.training_runs import RunSettings, TrainingRun
from glassnet.inspection.view import View
from glassnet.selection.experiments import Experiment, takes_fit_arguments
from glassnet.selection.model_arguments import get_sequential
from glassnet.training.progress import InterruptGuard
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

WHO = "suspicious_labels"

OPTIONS_OF_RUNS = ("class_weight", "column_types", "derive", "sample_weight", "shuffle", "target")
"""Arguments of `fit` that the training has, too."""


@takes_fit_arguments
def suspicious_labels(
    model: Any, x: Any, y: Any = None, *, n: int = 20, **fit_arguments: Any
) -> SuspiciousLabels:
    """Return the rows whose labels look wrong the most, by the area under the margin.

    AUM_i = (1 / epochs) * sum_t (z_t[label] - max over other classes of z_t), for the logits z_t of
    row i after epoch t. A network learns a wrong label late, since other rows contradict it. Before
    it does, it prefers another class, and the margin is negative. A row at the border of two
    classes has a low margin, too, so look at each row before you change its label.

    A copy of the model with new weights is trained on all rows. The model stays as it is.

    Args:
        model: a model of classes; its weights are not used.
        x, y: the data, as for `Sequential.fit`; rows, not batches.
        n: number of rows to return.
        **fit_arguments: `epochs`, `batch_size` and other arguments of `Sequential.fit`. Few epochs
            are better than many, which learn wrong labels by heart. Without `epochs`, there are
            enough for 1,000 steps.

    Raises:
        DataError: not one class for each row; batches; numbers that are not finite.
        ConfigError: n < 1; see `Sequential.fit`.

    Example:
        >>> import glassnet as gn
        >>> rng = np.random.default_rng(0)
        >>> y = rng.integers(0, 2, 60)
        >>> x = 4.0 * y[:, None] + rng.normal(size=(60, 2))
        >>> y[7] = 1 - y[7]
        >>> model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
        >>> model.compile(gn.optimizers.Adam(0.3), "binary_crossentropy")
        >>> int(suspicious_labels(model, x, y, n=1, epochs=20, verbose=0).rows[0])
        7

    Source: G. Pleiss et al., "Identifying mislabeled data using the area under the margin ranking",
        NeurIPS 2020.
    """
    require(is_int(n, least=1), WHO, "n to be an int >= 1", n=n)
    experiment = Experiment(WHO, model, x, y, fit_arguments)
    labels = experiment.labels
    is_wrong_kind = labels is None or experiment.is_series
    fix = "For numbers, gn.inspection.mistakes lists the rows with the largest errors."
    require(not is_wrong_kind, WHO, "one class for each row", error=DataError, fix=fix)
    assert labels is not None
    options = {name: experiment.options[name] for name in OPTIONS_OF_RUNS}
    settings = RunSettings(
        start=0, batch_size=experiment.options["batch_size"], epochs=experiment.epochs
    )
    with closing(get_sequential(model).iter_training_runs(x, y, [settings], **options)) as runs:
        margins, answers, n_epochs = _record_margins(next(runs), labels, experiment.epochs)
    rows = np.argsort(margins, kind="stable")[:n]
    names = experiment.class_names
    names = list(range(int(answers.max()) + 1)) if names is None else list(names)
    return SuspiciousLabels(
        rows=experiment.row_index[rows],
        labels=np.array([names[k] for k in labels[rows]]),
        answers=np.array([names[k] for k in answers[rows]]),
        margins=margins[rows],
        all_margins=margins,
        epochs=n_epochs,
    )


def _record_margins(run: TrainingRun, labels: Array, epochs: int) -> tuple[Array, Array, int]:
    """Return the mean margin of each row, its class with the highest mean logit but its label's,
    and the number of epochs.

    Raises:
        DataError: batches; margins that are not finite.
    """
    source = run.source
    fix = "Pass all rows as arrays or a table."
    is_array = isinstance(source, ArraySource)
    require(is_array, WHO, "rows in memory", error=DataError, x=type(source).__name__, fix=fix)
    assert isinstance(source, ArraySource)
    body, _ = network.split_head(run.program.links, run.program.loss)
    x, total, n_done = np.asarray(source.data.x), np.zeros(()), 0

    def add(state: TrainState) -> Logs:
        nonlocal total, n_done
        logits = inference.predict(body, (), state.params, state.state, x).astype(np.float64)
        total, n_done = total + logits, n_done + 1
        return {}

    with InterruptGuard() as interrupt:
        hooks = LoopHooks(add, on_slice=lambda *_: "Ctrl-C" if interrupt.interrupted else None)
        end = run.start.epoch + epochs
        for _ in loop.run_epochs(
            run.program, run.start, source, end_epoch=end, hooks=hooks, observe=False
        ):
            pass
    finite = n_done > 0 and bool(np.isfinite(total).all())
    require(finite, WHO, "a training with finite numbers", error=DataError, epochs=n_done)
    logits = total / n_done
    if logits.shape[-1] == 1:
        logits = np.concatenate([0 * logits, logits], axis=1)
    own = np.take_along_axis(logits, labels[:, None], 1)[:, 0]
    np.put_along_axis(logits, labels[:, None], -np.inf, 1)
    return own - logits.max(1), logits.argmax(1), n_done


@dataclass(frozen=True, eq=False, repr=False)
class SuspiciousLabels(View):
    """The rows whose labels look wrong the most, the worst first.

    Attributes:
        rows: (n,), positions in x.
        labels: (n,), their labels.
        answers: (n,), the other class with the highest mean logit.
        margins: (n,), their mean margins. A negative one says that `answers` was preferred.
        all_margins: (rows,), the mean margin of every row with a label.
        epochs: number of epochs.
    """

    rows: Array
    labels: Array
    answers: Array
    margins: Array
    all_margins: Array
    epochs: int

    @property
    def n_contradicted(self) -> int:
        """Number of rows with a negative mean margin."""
        return int(np.sum(self.all_margins < 0))

    @property
    def title(self) -> str:
        """How many labels the network contradicted, by their mean margins."""
        n, total = self.n_contradicted, len(self.all_margins)
        count, epochs = format_count(total, "label"), format_count(self.epochs, "epoch")
        return (
            f"{n:,} of {count} ({round(100 * n / total)} %) were contradicted by the network over "
            f"{epochs}."
        )

    def __str__(self) -> str:
        lines = [
            f"  row {row}: label {label}, rather {answer} (margin {format_number(margin, 3)})"
            for row, label, answer, margin in zip(
                self.rows, self.labels, self.answers, self.margins, strict=True
            )
        ]
        note = "A row may also be a rare or a hard one: look at it before you change its label."
        return "\n".join([self.title, *lines, note])

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw how many rows have which margin, with the suspicious ones in another color.

        Args:
            ax: axes to draw on; None for a new figure.
        """
        from glassnet.plots import label_margins

        return label_margins.plot_margins(self.all_margins, self.margins, title=self.title, ax=ax)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a line for each suspicious row."""
        import pandas as pd

        return pd.DataFrame(
            {
                "row": self.rows,
                "label": self.labels,
                "answer": self.answers,
                "margin": self.margins,
            }
        )
