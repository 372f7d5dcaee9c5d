"""Snapshots of estimators for the views of `gn.inspection`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from glassnet.errors import DataError, require
from glassnet.estimators import rows
from glassnet.models.snapshots import MAX_BYTES
from glassnet.preprocessing.base import Preprocessor, TableRequest
from glassnet.preprocessing.encoder import Encoder
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.preprocessing.targets import ClassTarget, NumericTarget, Target


@dataclass(frozen=True)
class NumericTargets(Target):
    """Several numbers per row: y_k = mean_k + scale_k output_k."""

    name: str
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    def transform(self, values: np.ndarray) -> np.ndarray:
        """Return targets (n, K) as the network learns them."""
        encoded: np.ndarray = (values - np.array(self.mean)) / np.array(self.scale)
        return encoded

    def decode_output(self, output: np.ndarray) -> np.ndarray:
        """Return outputs (n, K) in the targets' own units."""
        decoded: np.ndarray = output * np.array(self.scale) + np.array(self.mean)
        return decoded


@dataclass(frozen=True)
class EstimatorPreprocessor(Preprocessor):
    """Names of an estimator's features, and its target. The rows are numbers already.

    Attributes:
        names: names of the features.
        target: labels, or numbers.
    """

    names: tuple[str, ...]
    target: Target

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.names

    def transform(self, x: Any) -> Any:
        """Return the rows unchanged."""
        return x

    def transform_target(self, y: Any) -> Any:
        """Encode targets."""
        return self.target.transform(np.asarray(y))

    def transform_xy(self, x: Any) -> tuple[Any, Any, None]:
        """Refuse rows without y, which an estimator does not have.

        Raises:
            DataError: always.
        """
        require(False, "y", "targets", error=DataError, y=None, fix="Pass y.")
        return x, None, None

    def describe(self, max_names: int | None = None) -> str:
        """Return the number of features."""
        return f"rows of {len(self.names)} numbers"


def make_preprocessor(
    encoder: Encoder | None, names: tuple[str, ...], target: Target
) -> Preprocessor:
    """Return what the views know about an estimator's rows.

    Args:
        encoder: of a frame's columns; None for rows of numbers.
        names: names of the features of rows of numbers.
        target: labels, or numbers.
    """
    if encoder is None:
        return EstimatorPreprocessor(names, target)
    if isinstance(target, ClassTarget | NumericTarget):
        return TabularPreprocessor(encoder, target, TableRequest())
    return EstimatorPreprocessor(encoder.feature_names, target)


def to_dense(x: Any) -> Any:
    """Return sparse rows as an array.

    Raises:
        DataError: it would be larger than 4 GiB.
    """
    if not sparse.issparse(x):
        return x
    n_bytes = 4 * x.shape[0] * x.shape[1]
    expected, fix = "rows of at most 4 GiB as dense numbers", "Pass a sample of the rows."
    require(n_bytes <= MAX_BYTES, "X", expected, error=DataError, bytes=n_bytes, fix=fix)
    return np.concatenate(list(rows.iter_dense(x)))
