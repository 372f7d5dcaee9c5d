"""Answers of a constant, a linear model and nearest neighbours, by scikit-learn.

They are the yardsticks of `verify_clean.py`. The doctor has rivals of its own, in NumPy; the two
share no code, so that a fault of one does not hide in the other.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import HuberRegressor, LogisticRegression, PoissonRegressor, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsRegressor

MAX_CATEGORIES = 30
"""A text column with more different words than this is no use to a linear model."""


def make_features(train: Any, test: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return standardized columns (n, d) of arrays, frames or texts."""
    if hasattr(train, "columns"):
        x, x_test = _encode_frames(train, test)
    elif train.dtype.kind in "US":
        has_words = any(" " in text for text in train)
        unit = {} if has_words else {"analyzer": "char", "ngram_range": (1, 2)}
        words = CountVectorizer(min_df=2, **unit).fit(train)
        return words.transform(train).toarray(), words.transform(test).toarray()
    else:
        x, x_test = (part.reshape(len(part), -1).astype(np.float64) for part in (train, test))
    center, spread = x.mean(0), x.std(0)
    spread = np.where(spread > 1e-9, spread, 1)
    return (x - center) / spread, np.clip((x_test - center) / spread, -10, 10)


def _encode_frames(train: Any, test: Any) -> tuple[np.ndarray, np.ndarray]:
    import pandas

    both = pandas.concat([train, test])
    words = [name for name in both if not pandas.api.types.is_numeric_dtype(both[name])]
    both = both.drop(columns=[name for name in words if both[name].nunique() > MAX_CATEGORIES])
    numbers = both.select_dtypes("number")
    both = pandas.get_dummies(both, dummy_na=True, dtype=float)
    both[numbers.columns] = numbers.fillna(train[numbers.columns].median())
    values = both.to_numpy(np.float64)
    return values[: len(train)], values[len(train) :]


def predict_classes(x: np.ndarray, labels: np.ndarray, x_test: np.ndarray) -> dict[str, np.ndarray]:
    """Return the probabilities (n, K) of each simple model; the linear one at two penalties."""
    n_classes = int(labels.max()) + 1
    one_hot = np.eye(n_classes)[labels]
    share = (one_hot.sum(0) + 0.5) / (len(labels) + 0.5 * n_classes)
    answers = {"constant": np.tile(share, (len(x_test), 1))}
    for strength in (0.02, 0.5):
        linear = LogisticRegression(C=strength, max_iter=300).fit(x, labels)
        answers[f"linear, C={strength}"] = linear.predict_proba(x_test)
    near = _neighbors(x).fit(x, one_hot).predict(x_test)
    answers["neighbours"] = 0.98 * near + 0.02 / n_classes
    return answers


def predict_numbers(
    x: np.ndarray, y: np.ndarray, x_test: np.ndarray, loss: str
) -> dict[str, np.ndarray]:
    """Return the numbers (n, t) that each simple model predicts, with a linear one for the loss."""
    is_robust = loss in ("MeanAbsoluteError", "Huber")
    center = np.median(y, 0) if is_robust else y.mean(0)
    answers = {"constant": np.tile(center, (len(x_test), 1))}
    for strength in (1.0, 100.0):
        if loss == "Poisson":
            linear = MultiOutputRegressor(PoissonRegressor(alpha=strength / 1000, max_iter=300))
        elif is_robust:
            linear = MultiOutputRegressor(HuberRegressor(alpha=strength / 1000, max_iter=1000))
        else:
            linear = Ridge(strength)
        answers[f"linear, {strength:g}"] = linear.fit(x, y).predict(x_test).reshape(len(x_test), -1)
    answers["neighbours"] = _neighbors(x).fit(x, y).predict(x_test).reshape(len(x_test), -1)
    if loss == "Poisson":
        answers["neighbours"] = np.maximum(answers["neighbours"], 0.05)
    return answers


def reconstruct(x: np.ndarray, x_test: np.ndarray, width: int) -> dict[str, np.ndarray]:
    """Return the rows rebuilt from their mean and from `width` principal components.

    A linear model of all columns would copy them, which an autoencoder is not allowed to do.
    """
    principal = PCA(width, random_state=0).fit(x)
    rebuilt = principal.inverse_transform(principal.transform(x_test))
    return {"constant": np.tile(x.mean(0), (len(x_test), 1)), "linear (PCA)": rebuilt}


def _neighbors(x: np.ndarray) -> Any:
    return KNeighborsRegressor(max(1, min(15, len(x) // 10)))


warnings.filterwarnings("ignore", module="sklearn")
