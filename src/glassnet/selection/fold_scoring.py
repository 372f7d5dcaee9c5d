"""The score of a cross-validation next to simpler methods on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from glassnet.data.time_series import TimeSeries
from glassnet.engine import objective
from glassnet.errors import ConfigError
from glassnet.evaluation.fold_scores import FoldReport, average_folds
from glassnet.evaluation.scores import BaselineComparison, Score, ScoreReport
from glassnet.models.forecast import name_naive_forecast, root_mean_square
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.reporting import scoring
from glassnet.reporting.run_data import Rows
from glassnet.reporting.scoring import RunScore
from glassnet.selection.cross_validation import CrossValidation
from glassnet.selection.runs import RunResult
from glassnet.types import Array


def score_folds(
    result: CrossValidation, rows: Rows, *, repeats: int = 1, seed: int = 0
) -> RunScore:
    """Return the mean accuracy or RMSE over folds, next to that of simpler methods.

    In each fold, the methods are fitted to the training rows, encoded as for the network, and
    scored on the test rows: see `evaluation.baselines`. Forecasts of a series are compared with the
    seasonal naive forecast. Folds whose training failed are left out.

    Args:
        result: networks that were trained on folds of `rows`. At least one has a score.
        rows: all rows.
        repeats: how often they were divided into folds.
        seed: draws the sample of rows of a method, if there are too many.

    Raises:
        DataError: see `baselines.score_classifier`.
    """
    done = [k for k, run in enumerate(result.results) if run.is_complete]
    parts = [(result.train_rows[k], result.test_rows[k]) for k in done]
    sizes = (np.array(list(map(len, each))) for each in zip(*parts, strict=True))
    n_train, n_test = sizes
    scores = [
        _score_fold(result.results[k], rows, *part, seed)
        for k, part in zip(done, parts, strict=True)
    ]
    options: dict[str, Any] = {"noun": "forecasts" if rows.is_series else "rows"}
    options["repeats"] = repeats if len(done) == len(result.results) else 1

    def average(reports: Sequence[Any]) -> FoldReport | None:
        is_known = all(isinstance(report, ScoreReport) for report in reports)
        return average_folds(reports, n_train, n_test, **options) if is_known else None

    report = average([score.report for score in scores])
    return RunScore(report, average([score.log_report for score in scores]))


def _score_fold(
    run: RunResult, rows: Rows, train_rows: Array, test_rows: Array, seed: int
) -> RunScore:
    """Return the score on the test rows of a fold."""
    if isinstance(rows.x, TimeSeries):
        return RunScore(_score_windows(run, rows.x, test_rows))
    train, test = rows.take(train_rows), rows.take(test_rows)
    return scoring.score_rows(run.model, train, test, seed, _read_answers(run))


def _read_answers(run: RunResult) -> Array:
    """Return the outputs as class indices or numbers, (n,) if there is one per row."""
    outputs, links = run.outputs, run.setup.require_network().links
    try:
        return objective.to_class_labels(outputs, links, run.setup.loss)
    except ConfigError:  # the network outputs numbers, not classes
        return outputs[:, 0] if outputs.shape[1:] == (1,) else outputs


def _score_windows(run: RunResult, series: TimeSeries, windows: Array) -> ScoreReport:
    """Return the errors of the forecasts from windows, next to those of the naive forecast."""
    preprocessor = cast("TimeSeriesPreprocessor", run.setup.preprocessor)
    target, values = preprocessor.target, np.asarray(series.values)
    starts = windows + target.season + preprocessor.length
    truth = np.stack([values[start : start + target.horizon] for start in starts])
    naive = np.stack([target.naive_forecast(values[:start], target.horizon) for start in starts])
    rmse, naive_rmse = (root_mean_square(each - truth) for each in (run.outputs, naive))
    score = Score(name_naive_forecast(target.season), naive_rmse, None)
    comparison = BaselineComparison(score, naive_rmse - rmse, None)
    return ScoreReport("RMSE", Score("network", rmse, None), (comparison,), len(starts))
