"""`timeseries_dataset_from_array` and `split_dataset`: loops in NumPy, and Keras's own examples.

All combinations of the first test, and the splits below, were once compared with Keras 3.15 on
TensorFlow 2.21: equal numbers, dtypes and batches.
"""

import itertools
import tracemalloc

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.keras.data import Dataset, TensorSpec
from glassnet.keras.utils import split_dataset, timeseries_dataset_from_array

RNG = np.random.default_rng(0)
DATA, TARGETS = RNG.normal(size=(60, 3)), RNG.normal(size=60)


def slide(data, targets, length, stride, rate, first, end):
    """Yield the windows and targets that Keras documents, one by one."""
    end = len(data) if end is None else end
    for start in range(first or 0, end, stride):
        rows = range(start, start + length * rate, rate)
        if rows[-1] < end:
            yield data[rows], targets[start]


@pytest.mark.parametrize("length", [1, 5])
@pytest.mark.parametrize("batch_size", [None, 7])
def test_windows_are_those_of_a_loop(length, batch_size):
    for stride, rate, first, end in itertools.product((1, 3), (1, 2), (None, 4), (None, 40)):
        how = {"sequence_stride": stride, "sampling_rate": rate, "batch_size": batch_size}
        how |= {"start_index": first, "end_index": end}
        expected_x, expected_y = map(
            np.array, zip(*slide(DATA, TARGETS, length, stride, rate, first, end), strict=True)
        )
        dataset = timeseries_dataset_from_array(DATA, TARGETS, length, **how)
        join = np.concatenate if batch_size else np.stack
        x, y = (join(parts) for parts in zip(*dataset, strict=True))
        assert x.dtype == DATA.dtype
        assert np.array_equal(x, expected_x)
        assert np.array_equal(y, expected_y)
        assert len(dataset) == (-(-len(x) // 7) if batch_size else len(x))
        alone = timeseries_dataset_from_array(DATA, None, length, **how)
        assert np.array_equal(join(list(alone)), expected_x)


def test_the_example_of_keras():
    """Oracle: the first and last windows of example 1 of Keras's docstring."""
    dataset = timeseries_dataset_from_array(
        np.arange(99), None, sequence_length=10, sampling_rate=2, sequence_stride=3
    )
    (windows,) = dataset
    assert windows[0].tolist() == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert windows[2].tolist() == [6, 8, 10, 12, 14, 16, 18, 20, 22, 24]
    assert windows[-1].tolist() == [78, 80, 82, 84, 86, 88, 90, 92, 94, 96]


def test_shuffled_windows_keep_their_targets():
    steps = np.arange(60)
    how = {"sequence_length": 5, "shuffle": True, "seed": 3, "batch_size": 8}
    dataset = timeseries_dataset_from_array(steps, steps, **how)
    orders = []
    for _ in range(2):
        x, y = (np.concatenate(parts) for parts in zip(*dataset, strict=True))
        assert np.array_equal(x, y[:, None] + np.arange(5))
        assert sorted(y) == list(range(56))
        orders.append(y.tolist())
    assert orders[0] != orders[1]


def test_a_long_series_stays_one_array():
    """A batch of 400,000 rows with windows of 120 takes megabytes; all windows would take 2.7 GB."""
    series = np.zeros((400_000, 14), np.float32)
    tracemalloc.start()
    dataset = timeseries_dataset_from_array(
        series, series[:, 0], 120, sampling_rate=6, shuffle=True, seed=0, batch_size=256
    )
    x, y = next(iter(dataset))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (x.shape, y.shape, len(dataset)) == ((256, 120, 14), (256,), 1560)
    assert peak < 60e6
    assert dataset.element_spec[0] == TensorSpec((None, 120, 14))


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"sequence_length": 0}, ConfigError, "sequence_length to be an int >= 1"),
        ({"sequence_length": 61}, DataError, "at least 61 rows for a window.*Lower sequence_l"),
        ({"sequence_stride": 60}, ConfigError, "sequence_stride to be an int from 1 to 59"),
        ({"sampling_rate": 0}, ConfigError, "sampling_rate to be an int from 1 to 59"),
        ({"start_index": 60}, ConfigError, "start_index to be an int from 0 to below 60"),
        ({"end_index": 60}, ConfigError, "end_index to be an int from 1 to below 60"),
        ({"start_index": 9, "end_index": 9}, ConfigError, "end_index to be an int from 10"),
        ({"targets": TARGETS[:30], "start_index": 20}, DataError, "a target for each start of"),
        ({"format": "grain"}, ConfigError, 'format="tf"'),
    ],
)
def test_refused_options(options, error, text):
    with pytest.raises(error, match=text):
        timeseries_dataset_from_array(
            **{"data": DATA, "targets": TARGETS, "sequence_length": 5, **options}
        )


def test_forecasting_trains():
    delay = 5
    train = timeseries_dataset_from_array(
        DATA[:-delay], TARGETS[delay:], sequence_length=4, batch_size=16, end_index=40
    )
    model = keras.Sequential([keras.Input((4, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    assert len(model.fit(train, validation_data=train, epochs=2, verbose=0).history["val_mae"]) == 2


ROWS = np.arange(20.0).reshape(10, 2)


@pytest.mark.parametrize(
    ("sizes", "left", "right"),
    [
        ({"left_size": 0.8}, range(8), range(8, 10)),
        ({"right_size": 3}, range(7), range(7, 10)),
        ({"left_size": 4, "right_size": 2}, range(4), range(8, 10)),
    ],
)
def test_split_sizes(sizes, left, right):
    """Oracle: slices. The forms of data that Keras takes, and batches."""
    for data in (
        ROWS,
        [ROWS, ROWS[:, 0]],
        (ROWS, ROWS[:, 0]),
        Dataset.from_tensor_slices(ROWS).batch(4),
        iter(ROWS),
    ):
        parts = split_dataset(data, **sizes)
        for part, expected in zip(parts, (left, right), strict=True):
            rows = part.unbatch() if isinstance(data, Dataset) else part
            first = [row[0] if isinstance(row, tuple) else row for row in rows]
            assert np.array_equal(first, ROWS[list(expected)])
    batches, _ = split_dataset(Dataset.from_tensor_slices(ROWS).batch(4), left_size=6)
    assert [len(batch) for batch in batches] == [4, 2]


def test_shuffled_split_is_that_of_keras():
    """Oracle: Keras on TensorFlow, for this seed."""
    left, right = split_dataset(np.arange(10), 0.5, 0.2, shuffle=True, seed=1)
    assert ([int(i) for i in left], [int(i) for i in right]) == LEFT_AND_RIGHT
    again, _ = split_dataset(np.arange(10), 0.5, shuffle=True)
    assert len(again) == 5


LEFT_AND_RIGHT = ([6, 8, 9, 7, 5], [1, 2])


@pytest.mark.parametrize(
    ("data", "sizes", "error", "text"),
    [
        (ROWS, {}, ConfigError, "expected left_size or right_size"),
        (ROWS, {"left_size": 1.5}, DataError, "a float between 0 and 1. Received: size=1.5"),
        (ROWS, {"right_size": 10}, DataError, "right_size to be an int from 1 to 9"),
        (ROWS, {"left_size": 6, "right_size": 5}, DataError, "together at most 10 elements"),
        (ROWS, {"left_size": 0.01}, DataError, "two parts.*left=0"),
        ((ROWS, ROWS[:3]), {"left_size": 1}, DataError, r"arrays with as many rows.*\[3, 10\]"),
        (iter([]), {"left_size": 1}, DataError, "at least two elements"),
    ],
)
def test_refused_splits(data, sizes, error, text):
    with pytest.raises(error, match=text):
        split_dataset(data, **sizes)
