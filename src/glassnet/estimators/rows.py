"""The rows of the estimators: arrays, frames with columns of any kind, and sparse matrices."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from glassnet.data.conversions import require_rows, suggest_conversion
from glassnet.data.frames import open_frame
from glassnet.data.table import Table, read_table
from glassnet.errors import DataError, DataWarning, require, warn
from glassnet.preprocessing.encoder import Encoder
from glassnet.preprocessing.encoding_rules import fit_encoder

MAX_DENSE_BYTES = 2**28
"""Sparse rows up to this size are made dense once; larger ones batch by batch."""

MAX_BATCH_BYTES = 2**30
"""Largest size of one dense batch."""

PREDICTION_BLOCKS = (4096, 512, 64, 8, 1)
"""Numbers of sparse rows that are made dense at once in a prediction."""


ADVICE = (
    (
        re.compile(
            r'pass column_types=\{"(.+?)": "number"\} to count them as missing, or "category"'
        ),
        r'write X["\1"] = pandas.to_numeric(X["\1"], errors="coerce") to count them as missing',
    ),
    (
        re.compile(r'pass column_types=\{"(.+?)": "(?:category|drop)"\}(?: or "drop")?'),
        r'leave the column out: X.drop(columns="\1")',
    ),
    (re.compile(r"; or pass column_types=.+ counts them as missing"), ""),
    (re.compile(r" To keep a column anyway, pass column_types=.*"), ""),
)
"""Advice to pass an option of `Sequential.fit`, which estimators lack, and what replaces it."""


class WeightedSamples(NamedTuple):
    """Training examples: x (n, features), y (n, ...) and weights (n,)."""

    x: Any
    y: np.ndarray
    weight: np.ndarray

    def take(self, index: np.ndarray) -> WeightedSamples:
        """Return the rows at `index`."""
        x = self.x.take(index) if isinstance(self.x, Table) else self.x[index]
        return WeightedSamples(x, self.y[index], self.weight[index])

    def merge_duplicates(self) -> WeightedSamples:
        """Merge equal rows, sum their weights, and sort the result.

        Two equal rows then train exactly like one row of weight 2, bit for bit.
        """
        table = np.column_stack([self.x, self.y])
        _, first, inverse = np.unique(table, axis=0, return_index=True, return_inverse=True)
        return self.take(first)._replace(weight=np.bincount(inverse.ravel(), self.weight))


def count_rows(x: Any) -> int:
    """Return the number of rows; a sparse matrix has no length."""
    return int(x.shape[0]) if hasattr(x, "shape") else len(x)


def require_readable(X: Any, name: str) -> None:
    """Refuse rows that are not in memory, unless they are numbers that NumPy can read.

    Raises:
        DataError: with what to write.
    """
    is_array = hasattr(type(X), "__array__")
    dtypes = getattr(X, "dtypes", ()) if is_array and suggest_conversion(X) else ()
    require_rows(X, name, arrays=all(getattr(each, "kind", "O") in "biuf" for each in dtypes))


def has_only_numbers(frame: Any) -> bool:
    """Return whether all columns of a frame are numbers or booleans without gaps.

    Such frames are used as arrays are: without an encoding.
    """
    import narwhals.stable.v1 as nw

    try:
        columns = list(open_frame(frame).iter_columns())
    except (TypeError, ValueError):  # no frame of narwhals: scikit-learn reads it
        return True
    return all(
        (column.dtype.is_numeric() or column.dtype == nw.Boolean)
        and not column.is_null().any()
        and not (column.dtype.is_float() and column.is_nan().any())
        for column in columns
    )


def fit_features(table: Table) -> Encoder:
    """Return the encoder of a frame's columns, fitted to training rows, as `fit` of a model does.

    Warn about columns that are left out.
    """
    with _replaced_advice():
        encoder = fit_encoder(table, {}, {})
    dropped = encoder.describe_dropped_columns()
    if dropped:
        warn(f"columns left out: {dropped}", DataWarning)
    return encoder


def encode(encoder: Encoder, table: Table) -> np.ndarray:
    """Return the numbers of a frame's columns.

    Raises:
        DataError: see `Encoder.transform`.
    """
    with _replaced_advice():
        return encoder.transform(table)


@contextmanager
def _replaced_advice() -> Iterator[None]:
    """Replace advice in errors that estimators cannot follow."""
    try:
        yield
    except DataError as error:
        text = str(error)
        for pattern, replacement in ADVICE:
            text = pattern.sub(replacement, text)
        raise DataError(text) from error


def fill_gaps(frame: Any, medians: np.ndarray) -> np.ndarray:
    """Return the numbers of a frame, with the medians of training in place of gaps.

    Raises:
        DataError: a column does not hold numbers.
    """
    columns = read_table(frame).columns
    wrong = [name for name, column in columns.items() if column.dtype.kind not in "fb"]
    expected = "numbers in every column, as in training"
    require(not wrong, "predict", expected, error=DataError, columns=wrong)
    x = np.column_stack([column.astype(float) for column in columns.values()])
    gaps = np.isnan(x)
    names = [name for name, has_gaps in zip(columns, gaps.any(0), strict=True) if has_gaps]
    text = f"{gaps.sum()} gaps in {', '.join(names)} became the medians of the training rows"
    warn(f"predict: {text}, which have no gaps", DataWarning)
    return np.where(gaps, medians, x)


def densify(x: Any, batch_size: int) -> Any:
    """Return sparse rows as an array if it has at most `MAX_DENSE_BYTES`, or is one batch.

    Raises:
        DataError: a batch would be larger than `MAX_BATCH_BYTES`.
    """
    if not sparse.issparse(x):
        return x
    n, row_bytes = x.shape[0], 4 * x.shape[1]
    batch_bytes = min(batch_size, n) * row_bytes
    require(
        batch_bytes <= MAX_BATCH_BYTES,
        "sparse rows",
        f"batches of at most {MAX_BATCH_BYTES // 2**30} GiB as dense numbers",
        error=DataError,
        features=x.shape[1],
        batch_size=batch_size,
        GiB=round(batch_bytes / 2**30, 1),
        fix="Lower batch_size, or keep fewer features: "
        "TfidfVectorizer(max_features=...), SelectKBest or TruncatedSVD.",
    )
    if n * row_bytes > MAX_DENSE_BYTES and batch_size < n:
        return x
    return x.astype(np.float32).toarray()


class SparseBatches:
    """Batches of sparse rows, made dense one at a time; a fit calls it with the epoch's number.

    Args:
        samples: the rows, with targets and weights.
        batch_size: rows per batch.
        seed: of the order, or None for the order of the rows.
    """

    def __init__(self, samples: WeightedSamples, batch_size: int, seed: int | None):
        self.samples, self.batch_size, self.seed = samples, batch_size, seed

    def __call__(self, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        n = count_rows(self.samples.x)
        order = np.arange(n)
        if self.seed is not None:
            np.random.default_rng((self.seed, epoch)).shuffle(order)
        for start in range(0, n, self.batch_size):
            x, y, weight = self.samples.take(order[start : start + self.batch_size])
            yield x.astype(np.float32).toarray(), y, weight


def iter_dense(x: Any) -> Iterator[np.ndarray]:
    """Yield sparse rows as arrays, a few at a time."""
    row_bytes = 4 * max(x.shape[1], 1)
    size = next((n for n in PREDICTION_BLOCKS if n * row_bytes <= MAX_DENSE_BYTES), 1)
    for start in range(0, x.shape[0], size):
        yield x[start : start + size].astype(np.float32).toarray()
