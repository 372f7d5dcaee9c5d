"""Scores of a network next to simple baselines fitted to the same training rows."""

from __future__ import annotations

import numpy as np

from glassnet.errors import DataError, require
from glassnet.evaluation.scores import ScoreReport, compare_scores
from glassnet.types import Array


def score_classifier(
    y: Array, y_test: Array, predicted: Array, x: Array, x_test: Array, *, seed: int = 0
) -> ScoreReport:
    """Compare a classifier's accuracy with logistic regression and the most common class.

    If all training rows have one class, the most common class is the only baseline.

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: labels of the training rows.
        y_test: labels of the test rows.
        predicted: the network's labels for the test rows.
        x: training rows as numbers, preferably standardized, for the logistic regression.
        x_test: test rows in the same form.
        seed: draws the resamples for the intervals.

    Raises:
        DataError: see `compare_scores`.

    Example:
        >>> x, y = [[-2.0], [-1.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high", "high"]
        >>> report = score_classifier(y, ["low", "high"], ["low", "high"], x, [[-1.5], [1.5]])
        >>> [(baseline.score.name, baseline.score.value) for baseline in report.baselines]
        [('logistic regression', 1.0), ('majority', 0.5)]

    Source: scikit-learn's LogisticRegression (L2 penalty, C = 1, at most 1,000 steps).
    """
    from sklearn.linear_model import LogisticRegression

    labels, counts = np.unique(np.asarray(y), return_counts=True)
    baselines = {}
    if len(labels) > 1:
        regression = LogisticRegression(max_iter=1000).fit(x, y)
        baselines["logistic regression"] = regression.predict(x_test)
    baselines["majority"] = np.full(len(x_test), labels[counts.argmax()])
    return compare_scores("accuracy", y_test, predicted, baselines, seed=seed)


def score_regressor(
    y: Array,
    y_test: Array,
    predicted: Array,
    x: Array,
    x_test: Array,
    *,
    log: bool = False,
    seed: int = 0,
) -> ScoreReport:
    """Compare a regressor's RMSE with ridge regression and the mean of the training rows.

    With `log`, the baselines are fitted to log y: exp(ridge on log y), and the geometric mean
    exp(mean(log y)).

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: targets of the training rows, in their own units, also with `log`.
        y_test: targets of the test rows, in the same units.
        predicted: the network's predictions for the test rows, in the same units.
        x: training rows as numbers, preferably standardized, for the ridge regression.
        x_test: test rows in the same form.
        log: fit the baselines to the logarithm of y.
        seed: draws the resamples for the intervals.

    Raises:
        DataError: see `compare_scores`; with `log`, a target is not above 0.

    Example:
        >>> y, x = [1.0, 10.0, 100.0], [[-1.0], [0.0], [1.0]]
        >>> report = score_regressor(y, [15.0], [20.0], x, [[0.0]], log=True)
        >>> [(baseline.score.name, round(baseline.score.value, 3)) for baseline in report.baselines]
        [('ridge', 5.0), ('mean', 5.0)]

    Source: scikit-learn's RidgeCV. Leave-one-out on the training rows chooses the penalty from nine
        values between 0.1 and 1000.
    """
    from sklearn.linear_model import RidgeCV

    y = np.asarray(y, np.float64)
    require(
        not log or np.all(y > 0),
        "score_regressor",
        "targets above 0 for a logarithm",
        error=DataError,
        smallest=float(y.min()),
    )
    target = np.log(y) if log else y
    baselines = {
        "ridge": RidgeCV(np.logspace(-1, 3, 9)).fit(x, target).predict(x_test),
        "mean": np.full(len(x_test), target.mean()),
    }
    if log:
        baselines = {name: np.exp(values) for name, values in baselines.items()}
    return compare_scores("RMSE", y_test, predicted, baselines, seed=seed)
