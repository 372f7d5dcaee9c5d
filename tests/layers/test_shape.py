"""Layers that change the shape: positions of numbers by hand, and masks."""

import numpy as np

from glassnet.layers import Flatten, Permute, RepeatVector, Reshape


def test_permute_by_hand():
    """dims (2, 3, 1): output[i, j, k] = input[k, i, j], by a loop."""
    x = np.arange(48.0).reshape(2, 2, 3, 4)
    y = Permute((2, 3, 1))({}, x)
    assert y.shape == (2, 3, 4, 2)
    for row, i, j, k in np.ndindex(y.shape):
        assert y[row, i, j, k] == x[row, k, i, j]


def test_repeat_vector_by_hand():
    y = RepeatVector(2)({}, np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.testing.assert_array_equal(y, [[[1, 2], [1, 2]], [[3, 4], [3, 4]]])


def test_shape_layers_merge_masks():
    """Without a time axis, a row with any real step is real."""
    mask = np.array([[1, 1], [1, 0], [0, 0]], bool)
    for layer in (Flatten(), Reshape((6,)), Permute((2, 1)), RepeatVector(2)):
        np.testing.assert_array_equal(layer.mask(np.zeros((3, 2, 3)), mask), [True, True, False])
        np.testing.assert_array_equal(layer.mask(np.zeros((3, 2, 3)), mask[:, 0]), mask[:, 0])
        assert layer.mask(np.zeros((3, 2, 3)), None) is None


def test_a_mask_stays_where_time_stays_first():
    mask = np.array([[1, 1], [1, 0], [0, 0]], bool)
    np.testing.assert_array_equal(Permute((1, 3, 2)).mask(np.zeros((3, 2, 4, 5)), mask), mask)
    np.testing.assert_array_equal(
        Permute((3, 1, 2)).mask(np.zeros((3, 2, 4, 5)), mask), [True, True, False]
    )
