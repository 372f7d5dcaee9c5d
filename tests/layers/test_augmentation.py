"""Image augmentation: fixed factors against Keras, random factors by their distribution."""

import re

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, NotReadyError
from glassnet.layers import (
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from glassnet.layers.augmentation import FILL_MODES
from oracles import close

X = np.random.default_rng(0).uniform(0, 255, (3, 7, 10, 2)).astype(np.float32)


def trained(layer, x=X, seed=0, state=None):
    return np.asarray(
        layer.apply({}, state or {}, x, key=jax.random.key(seed), train=True, mask=None)[0]
    )


def live(keras, kind, factors, options, x):
    return getattr(keras.layers, kind)(*factors, **options)(x, training=True)


@pytest.mark.parametrize(
    ("fill", "interpolation"),
    [*((fill, "bilinear") for fill in FILL_MODES), ("constant", "nearest")],
)
@pytest.mark.parametrize(
    ("ours", "factors"),
    [
        (RandomRotation, ((0.1, 0.1),)),
        (RandomRotation, ((-0.3, -0.3),)),
        (RandomZoom, ((0.3, 0.3), (-0.2, -0.2))),
        (RandomZoom, ((-0.4, -0.4),)),
        (RandomTranslation, ((0.2, 0.2), (-0.3, -0.3))),
    ],
    ids=["left", "right", "zoom", "in", "shift"],
)
def test_geometry_is_kerass(recorded, ours, factors, fill, interpolation):
    """Oracle: Keras's layer with a factor that is not random."""
    options = {"fill_mode": fill, "interpolation": interpolation, "fill_value": 7.0}
    want = recorded(live, ours.__name__, factors, options, X, tolerance=1e-3)
    close(trained(ours(*factors, **options)), want, 1e-3)


@pytest.mark.parametrize("fill", FILL_MODES)
def test_shear_is_kerass_with_either_sign(recorded, fill):
    """Oracle: Keras's affine transform with a matrix by hand.

    Both shears have the same random sign.
    """
    layer = RandomShear((0.2, 0.2), (0.1, 0.1), fill_mode=fill)
    matrices = [np.float32([[1, s * 0.2, 0, s * 0.1, 1, 0, 0, 0]] * 3) for s in (1, -1)]
    either = recorded(
        lambda keras, x, matrices, fill: [keras.ops.image.affine_transform(x, matrix, "bilinear", fill) for matrix in matrices],
        X, matrices, fill, tolerance=1e-3,
    )  # fmt: skip
    seen = set()
    for seed in range(6):
        for image, plus, minus in zip(trained(layer, seed=seed), *either, strict=True):
            gaps = [np.abs(image - one).max() for one in (plus, minus)]
            assert min(gaps) < 1e-3 < max(gaps)
            seen.add(gaps[0] < gaps[1])
    assert seen == {True, False}


@pytest.mark.parametrize("factor", [(0.3, -0.3), (-0.4, 0.4), 0.0], ids=["less", "more", "same"])
def test_contrast_is_kerass(factor):
    """Oracle: Keras's formula in NumPy, clipped to the range.

    Keras's own layer cannot lower contrast by a fixed amount.
    """
    layer = RandomContrast(factor, value_range=(20, 240))
    down = factor[0] if factor else 0
    mean = X.mean((1, 2), keepdims=True)
    close(
        trained(layer, state=layer.init_state((7, 10, 2))),
        np.clip(mean + (1 - down) * (X - mean), 20, 240),
        1e-3,
    )


def test_brightness_is_kerass(recorded):
    """Oracle: Keras's layer with a factor that is not random."""
    layer = RandomBrightness((0.2, 0.2), value_range=(0, 200))
    want = recorded(
        live, "RandomBrightness", ((0.2, 0.2),), {"value_range": (0, 200)}, X, tolerance=1e-3
    )
    close(trained(layer, state=layer.init_state((7, 10, 2))), want, 1e-3)


def test_every_image_draws_for_itself():
    """Oracle: counts of 400 equal images.

    Each of four mirror images has a share of 1/4 (standard error 0.022).
    """
    image = np.array([[[0.0], [1.0]], [[2.0], [3.0]]], np.float32)
    many = np.repeat(image[None], 400, 0)
    mirrored = trained(RandomFlip(), many).reshape(400, 4)
    kinds, counts = np.unique(mirrored, axis=0, return_counts=True)
    assert kinds.tolist() == [[0, 1, 2, 3], [1, 0, 3, 2], [2, 3, 0, 1], [3, 2, 1, 0]]
    assert np.abs(counts / 400 - 0.25).max() < 0.09
    assert {tuple(row) for row in trained(RandomFlip("horizontal"), many).reshape(400, 4)} == {
        (0, 1, 2, 3),
        (1, 0, 3, 2),
    }
    assert {tuple(row) for row in trained(RandomFlip("vertical"), many).reshape(400, 4)} == {
        (0, 1, 2, 3),
        (2, 3, 0, 1),
    }


@pytest.mark.parametrize(
    ("factor", "low", "high"),
    [(0.2, -0.2, 0.2), ((0.1, 0.4), 0.1, 0.4), ((-0.5, -0.25), -0.5, -0.25)],
    ids=str,
)
def test_what_is_drawn_is_uniform(factor, low, high):
    """Oracle: mean and extremes of 2,000 shifts of a ramp.

    A shift to the right by s of 10 columns lowers its middle by 10 s.
    """
    ramp = np.broadcast_to(np.arange(10, dtype=np.float32)[None, None, :, None], (2000, 1, 10, 1))
    shifts = (4 - trained(RandomTranslation(0, factor, fill_mode="nearest"), ramp)[:, 0, 4, 0]) / 10
    inside = shifts[(shifts > -0.45) & (shifts < 0.35)]
    assert inside.min() > low - 1e-6
    assert inside.max() < high + 1e-6
    if high < 0.35 and low > -0.45:
        assert abs(shifts.mean() - (low + high) / 2) < 4 * (high - low) / 12**0.5 / 2000**0.5
        assert shifts.min() < low + 0.02 * (high - low)
        assert shifts.max() > high - 0.02 * (high - low)


def test_a_crop_is_a_piece_of_the_image():
    """Oracle: every 2 x 3 crop of 4 x 5 distinct numbers.

    The first number gives the position. All nine positions occur.
    """
    image = np.arange(20, dtype=np.float32).reshape(4, 5, 1)
    pieces = trained(RandomCrop(2, 3), np.repeat(image[None], 300, 0))
    places = {divmod(int(piece[0, 0, 0]), 5) for piece in pieces}
    assert places == {(top, left) for top in range(3) for left in range(3)}
    for piece in pieces:
        top, left = divmod(int(piece[0, 0, 0]), 5)
        np.testing.assert_array_equal(piece, image[top : top + 2, left : left + 3])
    middle, _ = RandomCrop(2, 3).apply({}, {}, image[None], key=None, train=False, mask=None)
    np.testing.assert_array_equal(middle[0], image[1:3, 1:4])


ALL = (
    RandomFlip(),
    RandomRotation(0.2),
    RandomZoom(0.2),
    RandomTranslation(0.2, 0.2),
    RandomShear(0.2, 0.2),
)
LIGHT = (RandomContrast(0.5), RandomBrightness(0.5))


def test_training_changes_images_and_prediction_does_not():
    """Oracle: the rows themselves, because prediction does not change them.

    The same seed gives the same images in training.
    """
    x = X.astype(np.uint8)
    for layer in (*ALL, *LIGHT):
        model = gn.Sequential([layer, gn.layers.Flatten()], seed=0)
        model.compile("sgd", "mse")
        model.fit(x, X.reshape(3, -1), epochs=0, verbose=0)
        np.testing.assert_array_equal(model.predict(x), x.reshape(3, -1))
        first, second = (model.trace(x, X.reshape(3, -1), training=True).output for _ in range(2))
        np.testing.assert_array_equal(first, second)
        assert not np.array_equal(first, x.reshape(3, -1))


def test_the_range_of_the_pixels_is_learned_and_said(capsys):
    """Oracle: the smallest and largest pixel after the layer before.

    Validation rows are excluded.
    """
    x = np.zeros((10, 2, 2, 1), np.uint8)
    x[:8, 0] = 200
    x[8:] = 255
    layers = [
        gn.layers.Rescaling(1 / 100),
        RandomContrast(0.1),
        RandomBrightness(0.1),
        gn.layers.Flatten(),
        gn.layers.Dense(1),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile("sgd", "mse")
    model.fit(x, np.zeros(10), epochs=1, verbose=2, validation_split=0.2, validation_from="end")
    text = capsys.readouterr().out
    assert "random_contrast_1: pixels range from 0 to 2\n" in text
    assert "random_brightness_1: pixels range from 0 to 2\n" in text
    assert model.layers[1].get_weights()[:2] == [0, 2]
    model.fit(x, np.zeros(10), epochs=1, verbose=2)
    assert "pixels" not in capsys.readouterr().out


def test_batches_need_the_range():
    batches = [(X, np.zeros(3))]
    model = gn.Sequential([RandomContrast(0.1), gn.layers.Flatten(), gn.layers.Dense(1)], seed=0)
    with pytest.raises(
        NotReadyError,
        match=r"random_contrast_1: expected statistics learned from data\. They cannot be learned from batches: .* or set value_range\.",
    ):
        model.fit(batches, verbose=0)
    model = gn.Sequential(
        [RandomContrast(0.1, (0, 255)), gn.layers.Flatten(), gn.layers.Dense(1)], seed=0
    )
    model.fit(batches, verbose=0)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: RandomFlip("sideways"),
            "RandomFlip: mode: expected one of horizontal, vertical, horizontal_and_vertical.",
        ),
        (lambda: RandomFlip([]), "RandomFlip: mode: expected one of"),
        (
            lambda: RandomRotation(1.5),
            "RandomRotation: expected factor to be a number, or (low, high), from -1 to 1. Received: factor=1",
        ),
        (lambda: RandomRotation((0.2, 0.1)), "Received: factor=(0.2, 0.1)."),
        (lambda: RandomRotation("0.2"), "Received: factor='0.2'."),
        (
            lambda: RandomRotation(0.1, "mirror"),
            "RandomRotation: fill_mode: expected one of constant, nearest, reflect, wrap.",
        ),
        (
            lambda: RandomRotation(0.1, interpolation="cubic"),
            "RandomRotation: interpolation: expected one of nearest, bilinear.",
        ),
        (
            lambda: RandomRotation(0.1, fill_value="0"),
            "RandomRotation: expected fill_value to be a number. Received: fill_value='0'.",
        ),
        (lambda: RandomZoom(-1), "RandomZoom: expected factors above -1."),
        (lambda: RandomZoom(0.2, (-1, 0)), "RandomZoom: expected factors above -1."),
        (
            lambda: RandomShear((-0.2, 0.2)),
            "RandomShear: expected x_factor to be a number, or (low, high), from 0 to 1.",
        ),
        (
            lambda: RandomCrop(0, 3),
            "RandomCrop: expected height and width to be ints >= 1. Received: height=0, width=3.",
        ),
        (
            lambda: RandomContrast((2, 0)),
            "RandomContrast: expected factor to be a number, or (down, up), from 0 to 1.",
        ),
        (
            lambda: RandomBrightness(2),
            "RandomBrightness: expected factor to be a number, or (low, high), from -1 to 1.",
        ),
        (
            lambda: RandomBrightness(0.1, (5, 5)),
            "RandomBrightness: expected value_range to be (lowest, highest) or None.",
        ),
    ],
)
def test_arguments_out_of_range(make, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        make()


@pytest.mark.parametrize(
    "layer", [*ALL, *LIGHT, RandomCrop(2, 2)], ids=lambda layer: type(layer).__name__
)
def test_what_is_no_image(layer):
    fix = re.escape(
        "images (height, width, channels). Received: input_shape=(28, 28). Put Reshape((28, 28, 1)) before it."
    )
    with pytest.raises(ConfigError, match=fix):
        gn.Sequential([layer]).predict(np.zeros((2, 28, 28)))


def test_images_smaller_than_the_piece():
    with pytest.raises(
        ConfigError,
        match=r"random_crop_1: expected images of 9 x 2 pixels or more\. Received: input_shape=\(7, 10, 2\)\.",
    ):
        gn.Sequential([RandomCrop(9, 2)]).predict(X)
