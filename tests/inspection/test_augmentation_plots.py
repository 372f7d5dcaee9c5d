"""Versions of one picture. Oracle: NumPy's flip and rot90, and arithmetic (2, 6)."""

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError
from glassnet.layers import (
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    Rescaling,
)
from glassnet.plots.images import choose_grays, find_pixel_range

IMAGE = np.arange(36, dtype=np.uint8).reshape(6, 6)


def build(*layers):
    return gn.Sequential([Input((6, 6, 1)), *layers, Flatten(), Dense(2)], seed=0)


def test_a_quarter_turn_is_that_of_numpy():
    """A factor of (0.25, 0.25) always turns by 90 degrees. Rescaling before it runs too."""
    model = build(Rescaling(0.5), RandomRotation((0.25, 0.25)))
    view = gn.inspection.augmented(model, IMAGE, n=3)
    np.testing.assert_allclose(view.images, [np.rot90(IMAGE) / 2] * 3, atol=1e-4)
    np.testing.assert_allclose(view.original, IMAGE / 2)
    assert view.title == "3 versions of one picture by random_rotation_1"
    difference = np.abs(np.rot90(IMAGE) / 2 - IMAGE / 2).mean()
    np.testing.assert_allclose(view.differences, difference, rtol=1e-5)
    assert "random_rotation_1: rotated by 90 to 90 degrees" in str(view)


def test_versions_differ_and_the_seed_repeats_them():
    model = build(RandomFlip(), Conv2D(2, 3), RandomFlip())
    view = gn.inspection.augmented(model, IMAGE, n=40)
    flips = [IMAGE, IMAGE[::-1], IMAGE[:, ::-1], IMAGE[::-1, ::-1]]
    matches = np.array([[np.array_equal(image, flip) for flip in flips] for image in view.images])
    assert (matches.sum(1) == 1).all()
    assert (matches.sum(0) > 0).all()
    assert f"{matches[:, 0].sum()} as the original" in view.title
    assert list(view.layers) == ["random_flip_1"]  # not the one behind the weights
    again = gn.inspection.augmented(model, IMAGE, n=40)
    np.testing.assert_array_equal(again.images, view.images)
    other = gn.inspection.augmented(model, IMAGE, n=40, seed=1)
    assert not np.array_equal(other.images, view.images)


def test_crops_of_the_keras_layout():
    layers = [keras.Input((6, 6, 1)), keras.layers.RandomCrop(4, 4), keras.layers.Flatten()]
    view = gn.inspection.augmented(keras.Sequential(layers), IMAGE[np.newaxis, ..., np.newaxis])
    np.testing.assert_array_equal(view.original, IMAGE[1:5, 1:5])  # the middle
    windows = np.lib.stride_tricks.sliding_window_view(IMAGE, (4, 4)).reshape(-1, 4, 4)
    for image in view.images:
        assert (windows == image).all((1, 2)).sum() == 1


def test_figure_and_frame():
    view = gn.inspection.augmented(build(RandomFlip("vertical")), IMAGE, n=6)
    axes = view.plot().axes
    assert axes[0].get_title() == "original"
    shown = np.asarray(axes[4].images[0].get_array())
    np.testing.assert_allclose(shown, view.images[3] / 255)
    frame = view.to_frame()
    np.testing.assert_allclose(frame["mean"], IMAGE.mean())
    np.testing.assert_allclose(frame["difference"], view.differences)


def test_white_on_black_is_drawn_as_ink():
    digit = np.zeros((5, 5))
    digit[1:4, 2] = 1
    assert choose_grays(digit) == "gray_r"
    assert choose_grays(1 - digit) == "gray"
    assert choose_grays(digit - 1) == "gray"  # standardized
    assert find_pixel_range(digit - 0.5) == (-0.5, 0.5)


def test_errors():
    augmented = gn.inspection.augmented
    expected = "layers that change images at random, before its first weights"
    for model in (build(Dropout(0.5)), build(Conv2D(2, 3), RandomFlip())):
        with pytest.raises(ConfigError, match=expected):
            augmented(model, IMAGE)
    with pytest.raises(ConfigError, match="n to be an int from 1 to 400"):
        augmented(build(RandomFlip()), IMAGE, n=0)
    with pytest.raises(ConfigError, match="seed to be an int >= 0"):
        augmented(build(RandomFlip()), IMAGE, seed=-1)
    with pytest.raises(DataError):
        augmented(build(RandomCrop(2, 2)), IMAGE[:3])
