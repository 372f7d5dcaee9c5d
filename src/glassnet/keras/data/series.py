"""`timeseries_dataset_from_array`: windows of a time series as batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, require
from glassnet.keras.data.dataset import Dataset
from glassnet.keras.data.elements import TensorSpec, to_array
from glassnet.keras.data.row_streams import RowStream, count
from glassnet.suggestions import suggest_arguments

WHO = "timeseries_dataset_from_array"


@suggest_arguments
def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Return a `Dataset` of batches of windows of a time series.

    Window i has the rows s, s + r, ..., s + (length - 1) r of the data, with s = i stride and the
    sampling rate r. Windows are made when their batch is needed.

    Shapes:
        windows (batch, length, ...); with targets, tuples of windows and targets (batch, ...).

    Args:
        data: the series, (steps, ...).
        targets: `targets[s]` is the target of the window that starts at row s; None for none.
        sequence_length: number of rows of a window.
        sequence_stride: number of rows between the starts of two windows.
        sampling_rate: number of rows between two rows of a window.
        batch_size: number of windows per batch; None for single windows.
        shuffle: whether the windows are shuffled, now and, within 8 batches, in every pass.
        seed: the seed of both.
        start_index: the first row to use; windows start from it.
        end_index: the row after the last one to use.
        format: "tf" (the only value): the result has the methods of `tf.data.Dataset`.

    Raises:
        ConfigError: lengths, strides or indices that are out of range.
        DataError: fewer targets than windows need.

    Example:
        >>> series = np.arange(5)
        >>> dataset = timeseries_dataset_from_array(series[:-1], series[2:], 2, batch_size=2)
        >>> [(x.numpy().tolist(), y.numpy().tolist()) for x, y in dataset]
        [([[0, 1], [1, 2]], [2, 3]), ([[2, 3]], [4])]
    """
    require(format == "tf", WHO, 'format="tf" (no other value is supported)', format=format)
    rows = to_array(data)
    first, end = _check_range(len(rows), start_index, end_index)
    for name, value in (("sequence_stride", sequence_stride), ("sampling_rate", sampling_rate)):
        fits = is_int(value, least=1, most=len(rows) - 1)
        require(fits, WHO, f"{name} to be an int from 1 to {len(rows) - 1}", received=value)
    fits = is_int(sequence_length, least=1)
    require(fits, WHO, "sequence_length to be an int >= 1", sequence_length=sequence_length)
    offsets = np.arange(sequence_length) * sampling_rate
    n_starts = end - first - int(offsets[-1])
    answers = None if targets is None else to_array(targets)
    if answers is not None:
        n_starts = min(n_starts, len(answers))
    starts = np.arange(0, n_starts, sequence_stride)
    if shuffle:
        drawn = int(np.random.randint(10**6))  # noqa: NPY002, as Keras does
        seed = drawn if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    used = None if answers is None else answers[first:end]
    dataset = _read_windows(rows[first:end], used, starts, offsets)
    if shuffle:
        dataset = dataset.shuffle(8 * batch_size if batch_size else 1024, seed)
    return dataset.batch(batch_size) if batch_size else dataset


def _check_range(n: int, start_index: int | None, end_index: int | None) -> tuple[int, int]:
    """Return the first row, and the row after the last one."""
    first = start_index or 0
    fits = is_int(first, least=0) and first < n
    require(fits, WHO, f"start_index to be an int from 0 to below {n}", start_index=start_index)
    end = end_index or n
    fits = is_int(end, least=first + 1) and (end < n or not end_index)
    expected = f"end_index to be an int from {first + 1} to below {n}"
    require(fits, WHO, expected, end_index=end_index)
    return first, end


def _read_windows(
    rows: np.ndarray, targets: np.ndarray | None, starts: np.ndarray, offsets: np.ndarray
) -> Dataset:
    """Return the dataset of the windows that start at these rows."""
    n_rows = int(offsets[-1]) + 1
    expected, fix = f"at least {n_rows} rows for a window", "Lower sequence_length."
    require(len(starts), WHO, expected, error=DataError, rows=len(rows), fix=fix)
    if targets is not None:
        n, expected = int(starts.max()) + 1, "a target for each start of a window"
        require(n <= len(targets), WHO, expected, error=DataError, starts=n, targets=len(targets))

    def gather(indices: np.ndarray) -> Any:
        start = starts[indices[:, 0]]
        windows = rows[start[:, None] + offsets]
        return windows if targets is None else (windows, targets[start])

    window_spec = TensorSpec((len(offsets), *rows.shape[1:]), rows.dtype)
    spec: Any = window_spec
    if targets is not None:
        spec = window_spec, TensorSpec(targets.shape[1:], targets.dtype)
    n_windows = len(starts)
    return Dataset.from_rows(RowStream(lambda: count(n_windows), gather), n_windows, lambda: spec)
