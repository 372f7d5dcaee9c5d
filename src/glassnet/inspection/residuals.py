"""Errors of predicted numbers on test rows, in the target's own units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.target_columns import target_to_numeric
from glassnet.data.time_series import TimeSeries
from glassnet.formatting import format_number, format_share
from glassnet.inspection.examples import (
    Examples,
    draw_gallery,
    gallery_height,
    make_gallery,
    read_examples,
)
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.view import View
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_SHOWN = 6
"""Number of rows with the largest errors in the figure of all panels."""


def find_residuals(
    snapshot: Snapshot, outputs: Array, has_own_targets: bool, remarks: tuple[str, ...]
) -> RegressionMistakes:
    """Return the errors of a model of numbers: see `mistakes`.

    Args:
        snapshot: the model and the rows.
        outputs: the network's outputs for the rows.
        has_own_targets: whether the targets were passed as y, and not in a table.
        remarks: sentences about the rows.
    """
    from sklearn import metrics

    y_pred = to_columns(snapshot.decode_outputs(outputs))
    y_true, naive = _true_values(snapshot, has_own_targets), None
    series = snapshot.original if isinstance(snapshot.original, TimeSeries) else None
    if series is not None:
        naive = to_columns(snapshot.decode_outputs(np.zeros_like(outputs)))
    r2 = np.full(y_true.shape[1], np.nan)
    if len(y_true) > 1:
        r2 = metrics.r2_score(y_true, y_pred, multioutput="raw_values")
    mean_squared = metrics.mean_squared_error(y_true, y_pred, multioutput="raw_values")
    return RegressionMistakes(
        target_name=snapshot.target_name,
        names=_name_outputs(snapshot, y_true.shape[1]),
        y_true=y_true,
        y_pred=y_pred,
        rmse=np.sqrt(mean_squared),
        mae=metrics.mean_absolute_error(y_true, y_pred, multioutput="raw_values"),
        r2=r2,
        naive=naive,
        examples=read_examples(snapshot),
        note=snapshot.note,
        remarks=remarks,
    )


def to_columns(values: Array) -> Array:
    """Return values as (n, outputs) float64."""
    return np.asarray(values, np.float64).reshape(len(values), -1)


def _true_values(snapshot: Snapshot, has_own_targets: bool) -> Array:
    """Return the targets in their own units, without the rounding of the encoding if possible."""
    table, name = snapshot.table, snapshot.target_name
    if table is not None and not has_own_targets:
        return to_columns(target_to_numeric(name, table[name]))
    if isinstance(snapshot.original, TimeSeries):
        n, horizon = snapshot.y.shape
        values = snapshot.original.values[-(n + horizon - 1) :]
        return to_columns(np.lib.stride_tricks.sliding_window_view(values, horizon))
    return to_columns(snapshot.decode_outputs(np.asarray(snapshot.y)))


def _name_outputs(snapshot: Snapshot, n: int) -> tuple[str, ...]:
    name = snapshot.target_name
    if isinstance(snapshot.original, TimeSeries):
        return tuple(f"{name}, {i + 1} step{'s' * (i > 0)} ahead" for i in range(n))
    return (name,) if n == 1 else tuple(f"{name}{i + 1}" for i in range(n))


@dataclass(frozen=True, eq=False, repr=False)
class RegressionMistakes(View):
    """Errors of n predictions of K numbers, or of K steps of a horizon, in the target's own units.

    Attributes:
        target_name: name of the target.
        names: name of each output, or of each step.
        y_true, y_pred: (n, K).
        rmse: root mean squared error of each output, sqrt(mean((y_true - y_pred)^2)), (K,).
        mae: mean absolute error of each output, (K,).
        r2: 1 - sum of squared errors / sum of squared deviations from the mean, (K,); NaN for one
            row.
        naive: the seasonal naive forecast of a series, (n, K), or None.
        examples: the rows as they are shown.
        note: " (untrained)" if the model was not trained, else "".
        remarks: sentences about the rows.
    """

    target_name: str
    names: tuple[str, ...]
    y_true: Array
    y_pred: Array
    rmse: Array
    mae: Array
    r2: Array
    naive: Array
    examples: Examples
    note: str
    remarks: tuple[str, ...]

    @property
    def residuals(self) -> Array:
        """True values minus predicted ones, (n, K)."""
        return self.y_true - self.y_pred

    @property
    def worst(self) -> Array:
        """Rows by the size of their error (root mean square over the outputs), largest first."""
        sizes = np.sqrt(np.mean(self.residuals**2, axis=1))
        return np.argsort(-sizes, kind="stable")

    @property
    def _output_word(self) -> str:
        return "output" if self.naive is None else "steps ahead"

    @property
    def naive_rmse(self) -> Array:
        """RMSE of the seasonal naive forecast at each step, (K,), or None."""
        if self.naive is None:
            return None
        return np.sqrt(np.mean((self.y_true - self.naive) ** 2, axis=0))

    @property
    def title(self) -> str:
        n, rows = f"{len(self.y_true):,}", "row" if len(self.y_true) == 1 else "rows"
        if self.naive is not None:
            first, last = format_number(self.rmse[0]), format_number(self.rmse[-1])
            text = f"{self.target_name}: RMSE {first} one step ahead"
            if len(self.names) > 1:
                text += f", {last} after {len(self.names)} steps"
            naive = format_number(self.naive_rmse.mean())
            text += f"; seasonal naive forecast {naive}"
            return text + self.note
        total = np.sqrt(np.mean(self.residuals**2))
        text = f"{self.target_name}: RMSE {format_number(total)}"
        if len(self.names) == 1 and np.isfinite(self.r2[0]):
            text += f", R² {format_share(self.r2[0])}"
        elif len(self.names) > 1:
            text += f" over {len(self.names):,} outputs"
        return f"{text} on {n} {rows}{self.note}"

    def __str__(self) -> str:
        sizes = np.abs(self.residuals)
        row = int(self.worst[0])
        answer = format_number(self.y_pred[row, 0]), format_number(self.y_true[row, 0])
        lines = [
            self.title,
            f"mean absolute error {format_number(sizes.mean())}, "
            f"half of the errors are below {format_number(np.median(sizes))}",
        ]
        if len(self.names) == 1:
            lines += [
                f"predicting the mean has an RMSE of {format_number(self.y_true.std())}",
                f"worst row: {row}, predicted {answer[0]}, true {answer[1]}",
            ]
        return "\n".join([*lines, *self.remarks])

    def to_frame(self) -> Any:
        """Return a row for each output or step: RMSE, mean absolute error and R²."""
        import pandas as pd

        columns = {"output": self.names, "rmse": self.rmse, "mae": self.mae, "r2": self.r2}
        if self.naive is not None:
            columns["naive_rmse"] = self.naive_rmse
        return pd.DataFrame(columns)

    def worst_rows(self) -> Any:
        """Return all rows as a frame, the largest error first, with their columns or texts.

        `row` is the position among the rows with a target, counted from 0. With several outputs,
        there is a column for each.
        """
        import pandas as pd

        rows, columns = self.worst, {"row": self.worst}
        parts = {"true": self.y_true, "predicted": self.y_pred, "residual": self.residuals}
        for part, values in parts.items():
            for j, name in enumerate(self.names):
                key = part if len(self.names) == 1 else f"{part} {name}"
                columns[key] = values[rows, j]
        others = self.examples.to_columns(rows)
        return pd.DataFrame(columns | {k: v for k, v in others.items() if k not in columns})

    def plot(self) -> Figure:
        """Draw all panels: see the methods below."""
        from glassnet.plots.panels import make_panels

        names = [["predictions", "residuals"]]
        names[0].append("histogram" if len(self.names) == 1 else "outputs")
        height = gallery_height(self.examples, min(len(self.y_true), MAX_SHOWN))
        figure, panels, below = make_panels(self.title, self.remarks, names, height)
        for name, ax in panels.items():
            getattr(self, f"plot_{name}")(ax)
        if below is not None:
            self._draw_gallery(below, MAX_SHOWN)
        return figure

    def plot_predictions(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw predicted against true values; a perfect model is on the diagonal."""
        from glassnet.plots.residuals import plot_predictions

        return plot_predictions(self.target_name, self.y_true, self.y_pred, self._output_word, ax)

    def plot_residuals(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the residuals against the predictions."""
        from glassnet.plots.residuals import plot_residuals

        return plot_residuals(self.target_name, self.y_pred, self.residuals, self._output_word, ax)

    def plot_histogram(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the histogram of the residuals."""
        from glassnet.plots.residuals import plot_histogram

        return plot_histogram(self.target_name, self.residuals, ax)

    def plot_outputs(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the RMSE of each output, or of each step next to the seasonal naive forecast."""
        from glassnet.plots.residuals import plot_outputs

        return plot_outputs(self._output_word, self.rmse, self.naive_rmse, self.names, ax)

    def plot_gallery(self, n: int = MAX_SHOWN) -> Figure:
        """Draw the n worst rows: images, texts, or rows with their first columns.

        Raises:
            ConfigError: n is not an int >= 1.
            DataError: rows that cannot be shown, such as sequences.
        """
        figure = make_gallery("plot_gallery", self.examples, n)
        self._draw_gallery(figure, n)
        return figure

    def _draw_gallery(self, figure: Figure | SubFigure, n: int) -> None:
        rows = self.worst[:n]
        numbers = {"RMSE": np.sqrt(np.mean(self.residuals[rows] ** 2, axis=1))}
        if len(self.names) == 1:
            numbers = {
                "true": self.y_true[rows, 0],
                "predicted": self.y_pred[rows, 0],
                "residual": self.residuals[rows, 0],
            }
        facts = {name: list(map(format_number, values)) for name, values in numbers.items()}
        captions = [
            "\n".join(f"{name} {texts[i]}" for name, texts in facts.items())
            for i in range(len(rows))
        ]
        figure.suptitle("largest errors", fontsize=10)
        draw_gallery(figure, self.examples, rows, facts, captions)
