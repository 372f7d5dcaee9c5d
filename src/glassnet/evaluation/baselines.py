"""Scores of a network next to simple baselines fitted to the same training rows."""

from __future__ import annotations

from collections.abc import Mapping
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

TREES = "gradient-boosted trees"
"""Name of scikit-learn's histogram-based gradient boosting."""

MAX_TREE_COLUMNS = 500
"""Maximum number of columns, times the classes if there are more than two, for boosted trees.

Their time grows with it: 500 take about three seconds.
"""

COARSE_SIDE = 16
"""A linear model sees images of about 16 x 16 pixels."""


def score_classifier(
    y: Array,
    y_test: Array,
    predicted: Array,
    x: Array,
    x_test: Array,
    *,
    trees: bool = True,
    seed: int = 0,
) -> ScoreReport:
    """Compare a classifier's accuracy with that of simpler methods.

    These are a logistic regression, gradient-boosted trees and the most common class. If all
    training rows have one class, the most common class is the only baseline. The others are fitted
    to at most three million numbers. Of more rows they get a random sample with the same fractions
    of the classes, and the report says so. Trees are left out if the columns times the classes are
    more than 500 (two classes count once), and the report says so.

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: labels of the training rows.
        y_test: labels of the test rows.
        predicted: the network's labels for the test rows.
        x: training rows as numbers, preferably standardized, for the logistic regression.
        x_test: test rows in the same form.
        trees: fit gradient-boosted trees too.
        seed: draws the resamples for the intervals, and the sample of rows.

    Raises:
        DataError: see `compare_scores`.

    Example:
        >>> x, y = [[-2.0], [-1.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high", "high"]
        >>> y_test, x_test = ["low", "high"], [[-1.5], [1.5]]
        >>> report = score_classifier(y, y_test, y_test, x, x_test, trees=False)
        >>> [(baseline.score.name, baseline.score.value) for baseline in report.baselines]
        [('logistic regression', 1.0), ('majority', 0.5)]

    Source: scikit-learn's LogisticRegression (L2 penalty, C = 1, at most 1,000 steps) and
        HistGradientBoostingClassifier (100 rounds), neither of them tuned.
    """
    baselines, notes = fit_classifiers(x, np.asarray(y), trees=trees, seed=seed)
    predictions = _predict(baselines, x_test)
    report = compare_scores("accuracy", y_test, predicted, predictions, seed=seed)
    return replace(report, note="\n".join(notes))


def score_regressor(
    y: Array,
    y_test: Array,
    predicted: Array,
    x: Array,
    x_test: Array,
    *,
    log: bool = False,
    trees: bool = True,
    seed: int = 0,
) -> ScoreReport:
    """Compare a regressor's RMSE with that of simpler methods.

    These are a ridge regression, gradient-boosted trees and the mean of the training rows. The
    first two are fitted to at most three million numbers. Of more rows they get a random sample,
    and the report says so. Trees are left out if there are more than 500 columns. With `log`, the
    baselines are fitted to log y: exp(ridge on log y), and the geometric mean exp(mean(log y)).

    Shapes:
        y: (n,). y_test, predicted: (m,). x: (n, columns). x_test: (m, columns).

    Args:
        y: targets of the training rows, in their own units, also with `log`.
        y_test: targets of the test rows, in the same units.
        predicted: the network's predictions for the test rows, in the same units.
        x: training rows as numbers, preferably standardized, for the ridge regression.
        x_test: test rows in the same form.
        log: fit the baselines to the logarithm of y.
        trees: fit gradient-boosted trees too.
        seed: draws the resamples for the intervals, and the sample of rows.

    Raises:
        DataError: see `compare_scores`; with `log`, a target is not above 0.

    Example:
        >>> y, x = [1.0, 10.0, 100.0], [[-1.0], [0.0], [1.0]]
        >>> report = score_regressor(y, [15.0], [20.0], x, [[0.0]], log=True, trees=False)
        >>> [(baseline.score.name, round(baseline.score.value, 3)) for baseline in report.baselines]
        [('ridge', 5.0), ('mean', 5.0)]

    Source: scikit-learn's RidgeCV, in which leave-one-out on the training rows chooses the penalty
        from nine values between 0.1 and 1000; and HistGradientBoostingRegressor (100 rounds).
    """
    y = np.asarray(y, np.float64)
    require(
        not log or np.all(y > 0),
        "score_regressor",
        "targets above 0 for a logarithm",
        error=DataError,
        smallest=float(y.min()),
    )
    baselines, notes = fit_regressors(x, np.log(y) if log else y, trees=trees, seed=seed)
    predictions = _predict(baselines, x_test)
    if log:
        predictions = {name: np.exp(values) for name, values in predictions.items()}
    report = compare_scores("RMSE", y_test, predicted, predictions, seed=seed)
    return replace(report, note="\n".join(notes))


def fit_classifiers(
    x: Any, y: Array, *, trees: bool = True, seed: int = 0
) -> tuple[dict[str, Any], list[str]]:
    """Return the fitted baselines of `score_classifier` by name, and notes on how they were fitted.

    "majority" answers with the most common class; its probabilities are the classes' fractions.

    Shapes:
        x: (n, columns), an array or a sparse matrix. y: (n,).

    Args:
        x: training rows as numbers, preferably standardized.
        y: their labels.
        trees: fit gradient-boosted trees too.
        seed: draws the sample of many rows.

    Example:
        >>> x, y = np.array([[-2.0], [-1.0], [1.0]]), np.array([0, 0, 1])
        >>> baselines, notes = fit_classifiers(x, y, trees=False)
        >>> {name: int(each.predict([[2.0]])[0]) for name, each in baselines.items()}
        {'logistic regression': 1, 'majority': 0}
    """
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    labels = np.unique(y)
    methods: dict[str, Any] = {}
    if len(labels) > 1:
        methods["logistic regression"] = LogisticRegression(max_iter=1000)
        if trees:
            methods[TREES] = "HistGradientBoostingClassifier"
    n_outputs = 1 if len(labels) == 2 else len(labels)
    baselines, notes = _fit_methods(methods, x, y, y, n_outputs, seed)
    baselines["majority"] = DummyClassifier(strategy="prior").fit(x, y)
    return baselines, notes


def fit_regressors(
    x: Any, y: Array, *, trees: bool = True, seed: int = 0
) -> tuple[dict[str, Any], list[str]]:
    """Return the fitted baselines of `score_regressor` by name, and notes on how they were fitted.

    Shapes:
        x: (n, columns), an array or a sparse matrix. y: (n,).

    Args:
        x: training rows as numbers, preferably standardized.
        y: their targets.
        trees: fit gradient-boosted trees too.
        seed: draws the sample of many rows.

    Example:
        >>> x, y = np.array([[-1.0], [0.0], [1.0]]), np.array([1.0, 2.0, 3.0])
        >>> baselines, notes = fit_regressors(x, y, trees=False)
        >>> {name: round(float(each.predict([[2.0]])[0]), 1) for name, each in baselines.items()}
        {'ridge': 3.9, 'mean': 2.0}
    """
    from sklearn.dummy import DummyRegressor
    from sklearn.linear_model import RidgeCV

    methods: dict[str, Any] = {"ridge": RidgeCV(np.logspace(-1, 3, 9))}
    if trees:
        methods[TREES] = "HistGradientBoostingRegressor"
    baselines, notes = _fit_methods(methods, x, y, None, 1, seed)
    constant = float(y.mean())
    baselines["mean"] = DummyRegressor(strategy="constant", constant=constant).fit(x, y)
    return baselines, notes


def _predict(baselines: Mapping[str, Any], x: Any) -> dict[str, Array]:
    """Return the predictions of fitted baselines by name."""
    from threadpoolctl import threadpool_limits

    x = x if hasattr(x, "tocsr") else np.asarray(x)
    with threadpool_limits(1):
        return {name: baseline.predict(x) for name, baseline in baselines.items()}


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
    if x.dtype == np.uint8:  # the sums are exact, in any order
        total = np.zeros((n, n_rows, n_columns, squares.shape[-1]), np.float32)
        for i, j in np.ndindex(square_height, square_width):
            total += squares[:, :, i, :, j]
        return (total / (square_height * square_width)).reshape(n, -1)
    return squares.mean(axis=(2, 4), dtype=np.float32).reshape(n, -1)


def _fit_methods(
    methods: Mapping[str, Any], x: Any, y: Array, strata: Array | None, n_outputs: int, seed: int
) -> tuple[dict[str, Any], list[str]]:
    """Fit methods to all rows, or to a random sample of many; return them and notes.

    Args:
        methods: estimators by name, or names of classes in `sklearn.ensemble`.
        x: training rows.
        y: their targets.
        strata: labels whose fractions a sample has, or None.
        n_outputs: number of trees in each round of boosting.
        seed: draws the sample of rows.
    """
    from threadpoolctl import threadpool_limits

    x = x if hasattr(x, "tocsr") else np.asarray(x)
    fitted, notes = {}, []
    n, n_sample = len(y), len(y) * MAX_LINEAR_INPUTS // max(x.size, 1)
    rows: Any = slice(None)
    if n_sample < n and methods:
        n_left_out = n - max(n_sample, 1 if strata is None else len(np.unique(strata)))
        rows, _ = train_validation_split(n, strata, n_left_out / n, "random", seed)
    for name, method in methods.items():
        if isinstance(method, str):
            if hasattr(x, "tocsr"):  # words, of which there are too many
                continue
            if x.shape[1] * n_outputs > MAX_TREE_COLUMNS:
                size = f"{x.shape[1]:,} columns" + f" and {n_outputs} classes" * (n_outputs > 1)
                notes.append(f"{name} were not fitted: {size} take too long")
                continue
            method = _make_trees(method)
        with threadpool_limits(1):  # with more, such small products wait for each other
            fitted[name] = method.fit(x[rows], y[rows])
        if n_sample < n:
            verb = "were" if name == TREES else "was"
            n_rows = len(y[rows])
            notes.append(
                f"{name} {verb} fitted to {n_rows:,} of {n:,} training rows, drawn at random"
            )
    return fitted, notes


def _make_trees(name: str) -> Any:
    """Return scikit-learn's gradient boosting. Early stopping would need rows of its own."""
    import sklearn.ensemble

    return getattr(sklearn.ensemble, name)(early_stopping=False, random_state=0)
