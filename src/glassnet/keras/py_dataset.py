"""Keras's base class of user-defined batches, and the batches of a time series."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, require


class PyDataset:
    """Base class for user-defined batches.

    Define `__len__` and `__getitem__`, which returns batch i, counted from 0, as (x, y) or
    (x, y, weights).

    Args:
        workers: ignored: one thread reads ahead.
        use_multiprocessing: ignored.
        max_queue_size: ignored.

    Example:
        >>> class Squares(PyDataset):
        ...     def __len__(self):
        ...         return 3
        ...
        ...     def __getitem__(self, i):
        ...         x = np.arange(4.0) + 4 * i
        ...         return x, x**2
        >>> len(Squares()), Squares()[1][1].tolist()
        (3, [16.0, 25.0, 36.0, 49.0])
    """

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ):
        self.workers, self.use_multiprocessing, self.max_queue_size = (
            workers,
            use_multiprocessing,
            max_queue_size,
        )

    def on_epoch_end(self) -> None:
        """Called after every epoch; override it to shuffle."""


class TimeseriesGenerator(PyDataset):
    """Batches of windows of a time series, each with the target of the step after the window.

    Window i has the steps i - length to i - 1 and the target i.

    Shapes:
        batch i: (batch_size, length / sampling_rate, *step shape), (batch_size, *target shape).

    Args:
        data: the steps in order, (steps, ...).
        targets: one target for each step.
        length: steps of a window.
        sampling_rate: take every `sampling_rate`-th step of a window.
        stride: steps between the beginnings of two windows.
        start_index: the first step that may be in a window.
        end_index: the last step whose target is used; None for the last of all.
        shuffle: whether to draw windows at random, with replacement, by NumPy's global generator.
        reverse: whether the steps of a window are in reverse order.
        batch_size: windows per batch; the last batch can have fewer.
        workers: see `PyDataset`.
        use_multiprocessing: see `PyDataset`.
        max_queue_size: see `PyDataset`.

    Raises:
        DataError: data and targets differ in length, or no window fits.

    Example:
        >>> windows = TimeseriesGenerator(np.arange(5), np.arange(5), length=2, batch_size=8)
        >>> x, y = windows[0]
        >>> x.tolist(), y.tolist()
        ([[0, 1], [1, 2], [2, 3]], [2, 3, 4])

    Source: Keras 2's TimeseriesGenerator. For new code, `keras.utils` has
        `timeseries_dataset_from_array`.
    """

    def __init__(
        self,
        data: Any,
        targets: Any,
        length: int,
        sampling_rate: int = 1,
        stride: int = 1,
        start_index: int = 0,
        end_index: int | None = None,
        shuffle: bool = False,
        reverse: bool = False,
        batch_size: int = 128,
        **options: Any,
    ):
        super().__init__(**options)
        who = "TimeseriesGenerator"
        require(
            len(data) == len(targets),
            who,
            "one target for each step",
            error=DataError,
            data=len(data),
            targets=len(targets),
        )
        sizes = (length, sampling_rate, stride, batch_size)
        names = ("length", "sampling_rate", "stride", "batch_size")
        for name, value in zip(names, sizes, strict=True):
            require(is_int(value, least=1), who, f"{name} to be an int >= 1", received=value)
        self.data, self.targets, self.length = data, targets, length
        self.sampling_rate, self.stride, self.batch_size = sampling_rate, stride, batch_size
        self.start_index = start_index + length
        self.end_index = len(data) - 1 if end_index is None else end_index
        self.shuffle, self.reverse = shuffle, reverse
        require(
            self.start_index <= self.end_index,
            who,
            "start_index + length <= end_index",
            error=DataError,
            start_index=start_index,
            length=length,
            end_index=self.end_index,
        )

    def __len__(self) -> int:
        step = self.batch_size * self.stride
        return (self.end_index - self.start_index + step) // step

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        if self.shuffle:
            bounds = self.start_index, self.end_index + 1
            ends = np.random.randint(*bounds, size=self.batch_size)  # noqa: NPY002
        else:
            first = self.start_index + self.batch_size * self.stride * index
            last = min(first + self.batch_size * self.stride, self.end_index + 1)
            ends = np.arange(first, last, self.stride)
        x = np.array([self.data[end - self.length : end : self.sampling_rate] for end in ends])
        y = np.array([self.targets[end] for end in ends])
        return (x[:, ::-1] if self.reverse else x), y
