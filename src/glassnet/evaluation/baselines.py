"""Scores of a network next to simple baselines fitted to the same training rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.data.split import train_validation_split
from glassnet.errors import DataError, require
from glassnet.evaluation.scores import ScoreReport, compare_scores
from glassnet.types import Array

MAX_LINEAR_INPUTS = 3_000_000
"""Maximum number of numbers, rows times columns, that a linear model is fitted to.

Of more rows it gets a random sample, so that it is fitted in a second or two.
"""

COARSE_SIDE = 16
"""A linear model sees images of about 16 x 16 pixels."""


def score_classifier(
    y: Array, y_test: Array, predicted: Array, x: Array, x_test: Array, *, seed: int = 0
) -> ScoreReport:
    """Compare a classifier's accuracy with logistic regression and the most common class.

    If all training rows have one class, the most common class is the only baseline. The regression
    is fitted to at most three million numbers. Of more rows it gets a random sample with the same
    fractions of the classes, and the report says so.

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: labels of the training rows.
        y_test: labels of the test rows.
        predicted: the network's labels for the test rows.
        x: training rows as numbers, preferably standardized, for the logistic regression.
        x_test: test rows in the same form.
        seed: draws the resamples for the intervals, and the sample of rows.

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

    y = np.asarray(y)
    labels, counts = np.unique(y, return_counts=True)
    baselines, note = {}, ""
    if len(labels) > 1:
        name, regression = "logistic regression", LogisticRegression(max_iter=1000)
        baselines[name], note = _fit_sample(name, regression, x, y, x_test, y, seed)
    baselines["majority"] = np.full(len(y_test), labels[counts.argmax()])
    report = compare_scores("accuracy", y_test, predicted, baselines, seed=seed)
    return replace(report, note=note)


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

    The ridge regression is fitted to at most three million numbers. Of more rows it gets a random
    sample, and the report says so. With `log`, the baselines are fitted to log y: exp(ridge on
    log y), and the geometric mean exp(mean(log y)).

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: targets of the training rows, in their own units, also with `log`.
        y_test: targets of the test rows, in the same units.
        predicted: the network's predictions for the test rows, in the same units.
        x: training rows as numbers, preferably standardized, for the ridge regression.
        x_test: test rows in the same form.
        log: fit the baselines to the logarithm of y.
        seed: draws the resamples for the intervals, and the sample of rows.

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
    ridge, note = _fit_sample(
        "ridge", RidgeCV(np.logspace(-1, 3, 9)), x, target, x_test, None, seed
    )
    baselines = {"ridge": ridge, "mean": np.full(len(y_test), target.mean())}
    if log:
        baselines = {name: np.exp(values) for name, values in baselines.items()}
    return replace(compare_scores("RMSE", y_test, predicted, baselines, seed=seed), note=note)


def to_columns(x: Array, x_test: Array) -> tuple[Any, Any]:
    """Return examples as rows of numbers of similar size, for a linear model.

    Texts become the tf-idf weights of their words, and images the means of about 16 x 16 squares,
    divided by the largest. The numbers of other examples are standardized with the mean and the
    standard deviation of the training examples.

    Shapes:
        x: (n, *example). x_test: (m, *example). Texts are (n,) and (m,), and images uint8 of shape
        (n, height, width) or (n, height, width, channels). The results are (n, columns) and
        (m, columns), sparse matrices for texts.

    Args:
        x: training examples.
        x_test: test examples.

    Example:
        >>> to_columns(np.array([[[1.0, 5.0]], [[3.0, 5.0]]]), np.array([[[4.0, 6.0]]]))[1]
        array([[2., 1.]], dtype=float32)
    """
    if x.dtype.kind == "U":
        from sklearn.feature_extraction.text import TfidfVectorizer

        words = TfidfVectorizer().fit(x)
        return words.transform(x), words.transform(x_test)
    if x.dtype == np.uint8 and x.ndim in (3, 4):
        columns, test_columns = downsample(x), downsample(x_test)
        brightest = columns.max() or 1.0
        return columns / brightest, test_columns / brightest
    columns, test_columns = (part.reshape(len(part), -1).astype(np.float32) for part in (x, x_test))
    mean, scale = columns.mean(axis=0), columns.std(axis=0)
    scale[scale == 0] = 1
    return (columns - mean) / scale, (test_columns - mean) / scale


def downsample(x: Array) -> Array:
    """Return images as rows of about 16 x 16 numbers, each the mean of a square of pixels.

    Shapes:
        x: (n, height, width) or (n, height, width, channels). Result: (n, columns).
    """
    n, height, width = x.shape[:3]
    step = max(1, -(-max(height, width) // COARSE_SIDE))
    n_rows, n_columns = max(1, height // step), max(1, width // step)
    square_height, square_width = min(step, height), min(step, width)
    cropped = np.asarray(x[:, : n_rows * square_height, : n_columns * square_width])
    squares = cropped.reshape(n, n_rows, square_height, n_columns, square_width, -1)
    return squares.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1)


def _fit_sample(
    name: str, regression: Any, x: Any, y: Array, x_test: Any, strata: Array | None, seed: int
) -> tuple[Array, str]:
    """Fit a linear model to all rows, or to a random sample of many; return its predictions.

    The second result says the size of the sample, and is empty if all rows were used.
    """
    from threadpoolctl import threadpool_limits

    x, note = x if hasattr(x, "tocsr") else np.asarray(x), ""
    n, n_sample = len(y), len(y) * MAX_LINEAR_INPUTS // max(x.size, 1)
    if n_sample < n:
        n_left_out = n - max(n_sample, 1 if strata is None else len(np.unique(strata)))
        rows, _ = train_validation_split(n, strata, n_left_out / n, "random", seed)
        note = f"{name} was fitted to {len(rows):,} of {n:,} training rows, drawn at random"
        x, y = x[rows], y[rows]
    with threadpool_limits(1):  # with more, such small products wait for each other
        return regression.fit(x, y).predict(x_test), note
