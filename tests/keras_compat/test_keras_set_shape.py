"""Tensors check the shape that functions of datasets set. Oracle: NumPy shapes."""

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import DataError


def split(windows):
    inputs, labels = windows[:, :3], windows[:, 3:]
    inputs.set_shape([None, 3, None])
    labels.set_shape((None, 1, 2))
    return inputs, labels


def test_a_function_that_splits_windows_may_set_their_shapes():
    rows = np.arange(20.0).reshape(10, 2)
    windows = keras.utils.timeseries_dataset_from_array(rows, None, 4, batch_size=5)
    inputs, labels = next(iter(windows.map(split)))
    assert inputs.shape == (5, 3, 2)
    np.testing.assert_array_equal(labels[:, 0], rows[3:8])


@pytest.mark.parametrize("shape", [(2, 3), (None, 4, 1), (None,)])
def test_another_shape_is_refused(shape):
    tensor = keras.layers.Flatten()(np.zeros((2, 4)))
    with pytest.raises(DataError, match=r"Received: shape=\(2, 4\)"):
        tensor.set_shape(shape)
