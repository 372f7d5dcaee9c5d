"""The section about the score: the network next to baselines, on the same rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.time_series import TimeSeries
from glassnet.evaluation.fold_scores import FoldReport
from glassnet.evaluation.scores import ScoreReport
from glassnet.formatting import format_number
from glassnet.models.forecast import BacktestReport
from glassnet.models.sequential import Sequential
from glassnet.reporting import blocks, figures
from glassnet.reporting.run_data import RunData, find_training_rows
from glassnet.reporting.scoring import RunScore, score_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure


SEEN_ROWS = (
    "The answers below are those of the final network for the rows that it was trained on. On new "
    "rows it makes more mistakes."
)


def make_score_section(
    model: Sequential, run: RunData, score: RunScore, logs: dict[str, float]
) -> blocks.Section:
    """Return the section about the score.

    Args:
        model: the model.
        run: the data.
        score: of the scored rows.
        logs: what `evaluate` returns for them.
    """
    section = blocks.Section("Score")
    report = score.report
    is_of_folds = isinstance(report, FoldReport)
    section.blocks.extend([blocks.Text(SEEN_ROWS)] if is_of_folds else _iter_remarks(model, run))
    if isinstance(report, ScoreReport):
        section.blocks.extend(_iter_report(report, run))
        if score.log_report is not None:
            section.blocks.append(make_score_table(score.log_report, " of the logarithms"))
    elif isinstance(report, BacktestReport):
        section.blocks.extend(_iter_backtest(model, report, run.scored.x))
    if score.notes:
        section.blocks.append(blocks.Lines(score.notes))
    rows = [(name, format_number(value, digits=6)) for name, value in logs.items()]
    caption = f"What model.evaluate returns for the {_name_part(run)} rows"
    section.blocks.append(blocks.Table(caption, ["name", "value"], rows, (1,)))
    return section


def _name_part(run: RunData) -> str:
    return "training" if run.test is None else "test"


def _iter_remarks(model: Sequential, run: RunData) -> Iterator[blocks.Block]:
    """Yield what limits the meaning of the score."""
    if not model.epoch:
        yield blocks.Remark("The model has not been trained: these are the scores of chance.")
    rows = run.scored
    if isinstance(rows.x, TimeSeries):
        return
    equal, n = find_training_rows(model, rows), len(rows)
    if equal is None:
        if run.test is None:
            yield blocks.Remark(
                "It is not known whether the model was trained on these rows. If it was, the score "
                "on new rows may be lower."
            )
        return
    n_equal = int(equal.sum())
    if n_equal == n:
        text = "All rows equal training rows: this is the score on the training rows."
        yield blocks.Remark(f"{text} The score on new rows may be lower.")
        if run.test is None:
            yield blocks.Text("There are no baselines, because they need test rows too.")
    elif n_equal:
        verb = "rows equal training rows" if n_equal > 1 else "row equals a training row"
        yield blocks.Remark(f"{n_equal:,} of {n:,} {verb}; the score on new rows may be lower.")
        others = score_rows(model, None, rows.take(~equal)).report
        if isinstance(others, ScoreReport):
            yield blocks.Text(f"The other {n - n_equal:,} alone: {others.headline()}.")


def _iter_report(report: ScoreReport, run: RunData) -> Iterator[blocks.Block]:
    yield make_score_table(report)
    if report.baselines:
        yield blocks.Lines(report.describe_baselines())
        scores = [report.network, *(baseline.score for baseline in report.baselines)]
        shown = [(score.name, score.value, score.interval) for score in scores]
        direction = "higher" if report.metric == "accuracy" else "lower"
        label = f"{report.metric}, {direction} is better"
        caption = f"{report.metric} with 95 % intervals"
        yield figures.draw_figure(
            lambda: _plot_scores(shown, label), "scores", f"{caption}: {report.headline()}", caption
        )
    elif run.train is None:
        yield blocks.Text("There are no baselines, because they need training rows.")
    if report.note:
        yield blocks.Lines(report.note.splitlines())


def _plot_scores(scores: list[Any], label: str) -> Figure:
    from glassnet.plots.scores import plot_scores

    return plot_scores(scores, label)


def make_score_table(report: ScoreReport, suffix: str = "") -> blocks.Table:
    """Return the scores with their intervals as a table."""
    rows = []
    for score in (report.network, *(baseline.score for baseline in report.baselines)):
        interval = " to ".join(map(report.format, score.interval or ())) or report.no_interval
        rows.append([score.name, report.format(score.value), interval])
    header = ["method", report.metric, "95 % interval"]
    return blocks.Table(f"{report.metric}{suffix} on {report.rows_text}", header, rows, (1, 2))


def _iter_backtest(
    model: Sequential, report: BacktestReport, series: TimeSeries
) -> Iterator[blocks.Block]:
    lines = [("all", *report.rmse), *report.table_lines()]
    rows = [
        [label, *(format_number(value, keep_zeros=True) for value in values)]
        for label, *values in lines
    ]
    header = ["forecasts", "network", report.baseline_name]
    caption = f"RMSE of {report.truth.size:,} forecasts"
    yield blocks.Table(caption, header, rows, (1, 2))
    horizon = report.truth.shape[1]
    known = series[: len(series) - horizon]
    truth = series.values[-horizon:]
    if np.array_equal(report.truth[-1], truth):
        forecast = model.forecast(series=known)
        rmse, naive = (format_number(value, keep_zeros=True) for value in report.rmse)
        caption = (
            f"The last {horizon:,} steps, {forecast.span()}, as they were forecast and as they "
            f"came. RMSE over all forecasts {rmse}, {report.baseline_name} {naive}"
        )
        yield figures.draw_figure(lambda: forecast.plot(truth), "forecast", caption, caption)


def make_headline(score: RunScore, logs: dict[str, float]) -> str:
    """Return the score in one line."""
    report = score.report
    if isinstance(report, ScoreReport):
        return report.headline()
    if isinstance(report, BacktestReport):
        rmse, naive = (format_number(value, keep_zeros=True) for value in report.rmse)
        return f"RMSE {rmse}, {report.baseline_name} {naive}"
    return f"loss {format_number(logs['loss'])}"
