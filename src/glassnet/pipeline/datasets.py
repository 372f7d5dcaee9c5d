"""Datasets that hold their own targets: dispatch on the kind of data."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.data import arrays
from glassnet.data.images import Images
from glassnet.data.table import is_table
from glassnet.data.time_series import TimeSeries
from glassnet.errors import DataError, NotReadyError, message, require
from glassnet.losses import Loss
from glassnet.preprocessing.base import (
    HeadSpec,
    PreparedData,
    Preprocessor,
    SplitOptions,
    TableRequest,
)
from glassnet.preprocessing.images import prepare_images
from glassnet.preprocessing.tabular import prepare_table
from glassnet.preprocessing.time_series import prepare_time_series


def has_own_targets(x: Any) -> bool:
    """Return whether x may hold its targets: images, a time series or a table."""
    return isinstance(x, Images | TimeSeries) or is_table(x)


def prepare_dataset(
    x: Any,
    fitted: Preprocessor | None,
    request: TableRequest,
    head: HeadSpec,
    loss: Loss | None,
    split: SplitOptions,
) -> PreparedData:
    """Prepare a dataset that holds its own targets for `fit`: see `tabular.prepare_table`."""
    if isinstance(x, Images):
        return prepare_images(x, fitted, request, split)
    if isinstance(x, TimeSeries):
        return prepare_time_series(x, fitted, request, split)
    return prepare_table(x, fitted, request, head, loss, split)


def transform(preprocessor: Preprocessor | None, x: Any) -> Any:
    """Encode x as network inputs. Arrays pass through unchanged."""
    if preprocessor is not None:
        return preprocessor.transform(x)
    return _to_arrays(x)[0] if isinstance(x, Images | TimeSeries) else x


def transform_xy(
    preprocessor: Preprocessor | None, x: Any, y: Any
) -> tuple[Any, Any, np.ndarray | None]:
    """Return (inputs, targets, mask of a table's rows that have a target, or None if all have one).

    Raises:
        DataError: there are no targets; see `Preprocessor.transform_xy`.
    """
    if preprocessor is not None:
        return preprocessor.transform_xy(x, y)
    if isinstance(x, Images | TimeSeries):
        inputs, targets = _to_arrays(x)
        return inputs, targets if y is None else y, None
    fix = "Pass y. For a table, call fit(table, target=...) first."
    require(y is not None, "y", "targets", error=DataError, x=type(x).__name__, y=None, fix=fix)
    return x, y, None


def select_sample_weight(sample_weight: Any, has_target: np.ndarray | None) -> Any:
    """Return the weights of the rows that have a target.

    Raises:
        DataError: there is not one weight for each of the table's rows.
    """
    if sample_weight is None or has_target is None:
        return sample_weight
    return np.asarray(arrays.check_sample_weight(sample_weight, len(has_target)))[has_target]


def _to_arrays(x: Images | TimeSeries) -> tuple[np.ndarray, np.ndarray]:
    """Return the inputs and targets of a dataset for a model without a preprocessor.

    Raises:
        NotReadyError: a time series, which becomes windows only once a model is fitted to it.
    """
    if isinstance(x, Images):
        return x.to_arrays()
    fix = "Fit it first: model.fit(series)."
    raise NotReadyError(message("series", "a model that was fitted to a series", fix=fix))
