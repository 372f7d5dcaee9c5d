"""The score of a network on any kind of rows, next to baselines fitted to the training rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.data.images import Images
from glassnet.data.table import Table
from glassnet.data.time_series import TimeSeries
from glassnet.errors import ConfigError, DataError, require
from glassnet.evaluation import baselines, scores
from glassnet.evaluation.scores import ScoreReport
from glassnet.models import forecast
from glassnet.models.forecast import BacktestReport
from glassnet.models.sequential import Sequential
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.preprocessing.targets import ClassTarget, NumericTarget
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.reporting.run_data import Rows


@dataclass(frozen=True, eq=False)
class RunScore:
    """The score of a network.

    Attributes:
        report: accuracy or RMSE, with intervals; of a series, the errors of its forecasts. None
            if the network has several outputs per row.
        log_report: RMSE of the logarithms, if the network learned them.
        notes: how the score was made.
    """

    report: ScoreReport | BacktestReport | None
    log_report: ScoreReport | None = None
    notes: tuple[str, ...] = ()


def score_rows(
    model: Sequential,
    train: Rows | None,
    test: Rows,
    seed: int = 0,
    predicted: np.ndarray | None = None,
) -> RunScore:
    """Return the score on test rows, next to baselines if there are training rows.

    Args:
        model: the model.
        train: rows to fit the baselines to, or None for no baselines.
        test: rows to score.
        seed: draws the resamples for the intervals, and the sample of rows of a baseline.
        predicted: the network's answers for the test rows; None to predict them.

    Raises:
        DataError: see `baselines.score_classifier`.
    """
    if isinstance(test.x, TimeSeries):
        return score_series(model, test.x)
    if predicted is None:
        predicted = predict_answers(model, test)
    if isinstance(model.preprocessor, TabularPreprocessor) and isinstance(test.x, Table):
        return _score_table(model, model.preprocessor, train, test, predicted, seed)
    y_test = read_answers(model, test)
    if predicted.shape != y_test.shape or predicted.ndim != 1:
        return RunScore(None)
    is_class = predicted.dtype.kind in "biu"
    if train is None:
        metric = "accuracy" if is_class else "RMSE"
        return RunScore(scores.compare_scores(metric, y_test, predicted, {}, seed=seed))
    arrays = [rows.x.x if isinstance(rows.x, Images) else rows.x for rows in (train, test)]
    x, x_test = baselines.to_columns(*arrays)
    score = baselines.score_classifier if is_class else baselines.score_regressor
    trees = arrays[0].ndim <= 2 and arrays[0].dtype.kind != "U"
    y = read_answers(model, train)
    return RunScore(score(y, y_test, predicted, x, x_test, trees=trees, seed=seed))


def read_answers(model: Sequential, rows: Rows) -> np.ndarray:
    """Return the targets as class indices or numbers, (n,) if there is one per row."""
    preprocessor, x = model.preprocessor, rows.x
    if isinstance(preprocessor, TabularPreprocessor) and isinstance(x, Table):
        target = preprocessor.target
        if isinstance(target, ClassTarget):
            encoded = preprocessor.transform_target(rows.y) if rows.y is not None else None
            answers = preprocessor.transform_xy(x)[1] if encoded is None else encoded
        else:
            answers = x[target.name] if rows.y is None else rows.y
        return np.asarray(answers)
    y = np.asarray(x.y if isinstance(x, Images) else rows.y)
    if preprocessor is not None and y.dtype.kind in "UO":
        y = np.asarray(preprocessor.transform_target(y))
    if y.ndim == 2 and y.shape[1] == 1:
        return y[:, 0]
    is_one_hot = y.ndim == 2 and is_classifier(model)
    return y.argmax(axis=1) if is_one_hot else y


def is_classifier(model: Sequential) -> bool:
    """Return whether the model predicts one class for each row."""
    return bool(model.take_snapshot().class_names)


def predict_answers(model: Sequential, rows: Rows) -> np.ndarray:
    """Return the network's answers: class indices or numbers, (n,) if there is one per row."""
    try:
        labels = model.predict_labels(rows.x, verbose=0)
    except ConfigError:  # the network outputs numbers, not classes
        outputs = model.predict(rows.x, verbose=0)
        return outputs[:, 0] if outputs.shape[1:] == (1,) else outputs
    if model.preprocessor is not None:
        labels = np.asarray(model.preprocessor.target.transform(labels))
    return labels


def _score_table(
    model: Sequential,
    preprocessor: TabularPreprocessor,
    train: Rows | None,
    test: Rows,
    predicted: np.ndarray,
    seed: int,
) -> RunScore:
    """Return the score on the rows of a table; that of the logarithms too, if they are learned."""
    y_test = read_answers(model, test)
    target, encoder = preprocessor.target, preprocessor.encoder
    is_class = isinstance(target, ClassTarget)
    if train is None:
        metric = "accuracy" if is_class else "RMSE"
        return RunScore(scores.compare_scores(metric, y_test, predicted, {}, seed=seed))
    x, x_test, y = encoder.transform(train.x), encoder.transform(test.x), read_answers(model, train)
    if is_class:
        return RunScore(baselines.score_classifier(y, y_test, predicted, x, x_test, seed=seed))
    log = isinstance(target, NumericTarget) and target.log
    report = baselines.score_regressor(y, y_test, predicted, x, x_test, log=log, seed=seed)
    if not log:
        return RunScore(report)
    log_y, log_y_test, log_predicted = map(np.log, (y, y_test, predicted))
    log_report = baselines.score_regressor(log_y, log_y_test, log_predicted, x, x_test, seed=seed)
    return RunScore(report, log_report)


def score_series(model: Sequential, series: TimeSeries) -> RunScore:
    """Return the errors of forecasts of a series, each for the next horizon.

    The first steps are only the network's input. If a step was in the series of fit, a note says
    so.

    Raises:
        DataError: the series is too short for a forecast.
    """
    preprocessor = model.preprocessor
    assert isinstance(preprocessor, TimeSeriesPreprocessor)
    n_context, horizon = len(preprocessor.recent), preprocessor.target.horizon
    fits = len(series) >= n_context + horizon
    expected = f"a series of at least {n_context + horizon} steps"
    require(fits, "report", expected, error=DataError, steps=len(series))
    origins = range(n_context, len(series) - horizon + 1, horizon)
    forecasts = [model.forecast(series=series[:origin]) for origin in origins]
    notes = [f"the network was trained on {preprocessor.trained_on}"]
    if preprocessor.times.steps_from(series.times) > 0:
        notes.append("some of these steps were in the series of fit; new ones may be harder")
    return RunScore(forecast.backtest(forecasts, series), notes=tuple(notes))
