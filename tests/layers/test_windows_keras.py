"""Convolution, pooling and resizing against Keras on JAX, on data without ties.

The same arguments make both layers.
"""

import numpy as np
import pytest

import glassnet as gn
from glassnet import layers
from glassnet.initializers import Constant
from oracles import FLOAT32, LOOSE, close
from parity import build_keras, check_parity, keras_spec, over_windows

IMAGE, SEQUENCE = (6, 5, 2), (7, 2)

CASES = [
    ("Conv1D", (3, 2), {}, SEQUENCE),
    ("Conv1D", (3, 3, 2, "same"), {}, SEQUENCE),
    ("Conv1D", (3, 3), {"padding": "causal"}, SEQUENCE),
    ("Conv1D", (3, 3), {"padding": "causal", "dilation_rate": 2}, SEQUENCE),
    ("Conv1D", (3, 2), {"padding": "causal", "strides": 2}, SEQUENCE),
    ("Conv1D", (3, 3), {"padding": "same", "dilation_rate": 2, "activation": "tanh"}, SEQUENCE),
    ("Conv1D", (3, 9), {"padding": "same", "use_bias": False}, SEQUENCE),
    ("Conv2D", (3, 3), {}, IMAGE),
    ("Conv2D", (3, (2, 3), (2, 1), "same"), {}, IMAGE),
    ("Conv2D", (3, 2, 3), {}, IMAGE),
    ("Conv2D", (3, 4), {"padding": "same"}, IMAGE),
    ("Conv2D", (3, 1), {"strides": 2, "padding": "same"}, IMAGE),
    ("Conv2D", (3, 2), {"dilation_rate": (2, 3)}, IMAGE),
    ("Conv2D", (3, 2), {"dilation_rate": 2, "padding": "same", "use_bias": False}, IMAGE),
    ("Conv1D", (4, 2), {"groups": 2}, SEQUENCE),
    ("Conv2D", (6, 3, 2, "same"), {"groups": 2, "activation": "tanh"}, IMAGE),
    ("Conv1DTranspose", (3, 3), {}, SEQUENCE),
    ("Conv1DTranspose", (3, 4, 3, "same"), {"activation": "tanh"}, SEQUENCE),
    ("Conv1DTranspose", (3, 2), {"dilation_rate": 2, "use_bias": False}, SEQUENCE),
    ("Conv1DTranspose", (3, 3, 2, "same"), {"output_padding": 1}, SEQUENCE),
    ("Conv1DTranspose", (3, 3, 2), {"output_padding": 0}, SEQUENCE),
    ("DepthwiseConv1D", (3,), {}, SEQUENCE),
    ("DepthwiseConv1D", (3, 2, "same"), {"depth_multiplier": 3, "activation": "tanh"}, SEQUENCE),
    ("DepthwiseConv2D", (2,), {}, IMAGE),
    ("DepthwiseConv2D", ((3, 2), 2, "same", 2), {"use_bias": False}, IMAGE),
    ("DepthwiseConv2D", (2,), {"dilation_rate": (2, 3), "activation": "tanh"}, IMAGE),
    ("SeparableConv1D", (4, 3), {}, SEQUENCE),
    ("SeparableConv1D", (4, 3, 2, "same"), {"depth_multiplier": 2, "activation": "tanh"}, SEQUENCE),
    ("SeparableConv2D", (4, 3), {}, IMAGE),
    ("SeparableConv2D", (4, (2, 3), 2, "same"), {"depth_multiplier": 2, "use_bias": False}, IMAGE),
    ("SeparableConv2D", (4, 2), {"dilation_rate": 2, "activation": "tanh"}, IMAGE),
    ("Conv2DTranspose", (3, 3), {}, IMAGE),
    ("Conv2DTranspose", (3, 3, 2, "same"), {}, IMAGE),
    ("Conv2DTranspose", (3, (4, 2), (2, 3)), {}, IMAGE),
    ("Conv2DTranspose", (3, 2, 3, "same"), {}, IMAGE),
    ("Conv2DTranspose", (3, 2), {"dilation_rate": 2}, IMAGE),
    (
        "Conv2DTranspose",
        (3, 3),
        {"padding": "same", "dilation_rate": 2, "use_bias": False, "activation": "tanh"},
        IMAGE,
    ),
    ("Conv2DTranspose", (3, 3, 2, "same"), {"output_padding": 1}, IMAGE),
    ("Conv2DTranspose", (3, 4, 3, "same"), {"output_padding": (0, 2)}, IMAGE),
    ("Conv2DTranspose", (3, (2, 3), (2, 3)), {"output_padding": (1, 2)}, IMAGE),
    ("Conv2DTranspose", (3, 1, 3, "same"), {"output_padding": 2}, IMAGE),
    ("Conv2DTranspose", (3, 3, 1, "same"), {"output_padding": 0, "dilation_rate": 2}, IMAGE),
    ("MaxPooling1D", (), {}, SEQUENCE),
    ("MaxPooling1D", (3, 2, "same"), {}, SEQUENCE),
    ("MaxPooling2D", (), {}, IMAGE),
    ("MaxPooling2D", ((3, 2), 1), {}, IMAGE),
    ("MaxPooling2D", (3, 2, "same"), {}, IMAGE),
    ("MaxPooling2D", (2, 3), {}, IMAGE),
    ("AveragePooling1D", (2,), {}, SEQUENCE),
    ("AveragePooling1D", (3, 2, "same"), {}, SEQUENCE),
    ("AveragePooling2D", ((3, 2),), {"padding": "same"}, IMAGE),
    ("AveragePooling2D", (3, 2, "same"), {}, IMAGE),
    ("GlobalMaxPooling1D", (), {}, SEQUENCE),
    ("GlobalMaxPooling1D", (), {"keepdims": True}, SEQUENCE),
    ("GlobalMaxPooling2D", (), {}, IMAGE),
    ("GlobalMaxPooling2D", (), {"keepdims": True}, IMAGE),
    ("GlobalAveragePooling1D", (), {}, SEQUENCE),
    ("GlobalAveragePooling1D", (), {"keepdims": True}, SEQUENCE),
    ("GlobalAveragePooling2D", (), {}, IMAGE),
    ("GlobalAveragePooling2D", (), {"keepdims": True}, IMAGE),
    ("ZeroPadding2D", (), {}, IMAGE),
    ("ZeroPadding2D", ((2, 0),), {}, IMAGE),
    ("ZeroPadding2D", (((0, 1), (2, 3)),), {}, IMAGE),
    ("ZeroPadding1D", (), {}, SEQUENCE),
    ("ZeroPadding1D", ((0, 3),), {}, SEQUENCE),
    ("UpSampling1D", (), {}, SEQUENCE),
    ("UpSampling1D", (3,), {}, SEQUENCE),
    ("Cropping1D", (), {}, SEQUENCE),
    ("Cropping1D", ((0, 3),), {}, SEQUENCE),
    ("Cropping2D", (), {}, IMAGE),
    ("Cropping2D", (1,), {}, IMAGE),
    ("Cropping2D", (((1, 0), (0, 2)),), {}, IMAGE),
    ("CenterCrop", (3, 4), {}, IMAGE),
    ("CenterCrop", (4, 7), {}, IMAGE),
    ("CenterCrop", (8, 2), {}, IMAGE),
    ("Resizing", (3, 7), {}, IMAGE),
    ("Resizing", (4, 3, "nearest"), {}, IMAGE),
    ("Resizing", (9, 3, "bicubic"), {"antialias": True}, IMAGE),
    ("Resizing", (4, 4, "lanczos3"), {"crop_to_aspect_ratio": True}, IMAGE),
    ("Resizing", (2, 9, "lanczos5"), {"crop_to_aspect_ratio": True}, IMAGE),
    ("Resizing", (3, 8), {"pad_to_aspect_ratio": True, "fill_value": 2.0}, IMAGE),
    ("Resizing", (8, 2), {"pad_to_aspect_ratio": True}, IMAGE),
    ("UpSampling2D", (), {}, IMAGE),
    ("UpSampling2D", ((3, 1),), {}, IMAGE),
    ("UpSampling2D", ((2, 3),), {"interpolation": "bilinear"}, IMAGE),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), CASES)
def test_parity(recorded, name, args, kwargs, shape):
    check_parity(
        recorded,
        getattr(layers, name)(*args, **kwargs),
        shape,
        keras_spec(name, *args, **kwargs),
        (True,),
    )


def test_every_layer_over_windows_is_compared():
    assert {name for name, *_ in CASES} == {layer.__name__ for layer in over_windows()}


@pytest.mark.parametrize("name", ["Conv1D", "Conv2D", "Conv2DTranspose"])
@pytest.mark.parametrize("start", ["glorot_uniform", "he_normal"])
def test_kernels_start_as_keras_does(recorded, name, start):
    """Shapes and order are equal.

    50,000 numbers have the same mean, standard deviation and maximum, up to sampling error (0.3 %).
    """
    shape, size = ((99, 40), 45) if name == "Conv1D" else ((99, 99, 40), (9, 5))
    ours = getattr(layers, name)(32, size, kernel_initializer=start).init(
        np.random.default_rng(0), shape
    )

    def live(keras, spec, shape):
        keras.utils.set_random_seed(0)
        layer = build_keras(keras, spec)
        layer.build((None, *shape))
        kernel = layer.get_weights()[0]
        return [w.shape for w in layer.get_weights()], {
            "std": kernel.std(),
            "largest": abs(kernel).max(),
        }

    shapes, want = recorded(live, keras_spec(name, 32, size, kernel_initializer=start), shape)
    assert [list(w.shape) for w in ours.values()] == shapes
    kernel = ours["kernel"]
    assert abs(kernel.mean()) <= 0.02 * want["std"]
    assert abs(kernel.std() - want["std"]) <= 0.02 * want["std"]
    assert abs(kernel).max() == pytest.approx(want["largest"], rel=0.25)


@pytest.mark.parametrize("name", ["DepthwiseConv1D", "SeparableConv2D"])
def test_separable_kernels_have_the_initializers_and_penalties_of_keras(recorded, name):
    """Oracle: the sum of Keras's layer.losses, whose weights have our names."""
    shape = SEQUENCE if "1D" in name else IMAGE
    args = (2,) if "Depthwise" in name else (3, 2)
    options = {"depthwise_regularizer": "l2", "bias_regularizer": "l1"}
    if "Separable" in name:
        options["pointwise_regularizer"] = "l1"
    layer = getattr(layers, name)(
        *args, depthwise_initializer=Constant(0.5), bias_initializer="ones", **options
    )
    params = layer.init(np.random.default_rng(0), shape)
    assert (next(iter(params.values())) == 0.5).all()

    def live(keras, spec, shape, weights):
        layer = build_keras(keras, spec)
        layer.build((None, *shape))
        assert [v.name for v in layer.weights] == list(params)
        layer.set_weights(weights)
        return sum(float(loss) for loss in layer.losses)

    spec = keras_spec(name, *args, **options)
    close(layer.penalty(params), recorded(live, spec, shape, [*params.values()]), 5 * FLOAT32)


@pytest.mark.parametrize("name", ["Conv1D", "Conv2D", "Conv2DTranspose"])
def test_penalty(recorded, name):
    """Oracle: the sum of Keras's layer.losses."""
    shape = SEQUENCE if name == "Conv1D" else IMAGE
    layer = getattr(layers, name)(
        3, 2, kernel_regularizer="l2", bias_regularizer="l1", bias_initializer="ones"
    )
    params = layer.init(np.random.default_rng(0), shape)

    def live(keras, spec, shape, weights):
        layer = build_keras(keras, spec)
        layer.build((None, *shape))
        layer.set_weights(weights)
        return sum(float(loss) for loss in layer.losses)

    spec = keras_spec(name, 3, 2, kernel_regularizer="l2", bias_regularizer="l1")
    close(layer.penalty(params), recorded(live, spec, shape, [*params.values()]), 5 * FLOAT32)


def test_mean_of_real_steps_as_keras_takes_it(recorded):
    x, mask = (
        np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32),
        np.arange(3) < np.array([[3], [2], [1], [2]]),
    )
    for keepdims in (False, True):
        layer = layers.GlobalAveragePooling1D(keepdims)
        y, _ = layer.apply({}, {}, x, key=None, train=False, mask=mask)
        spec = keras_spec("GlobalAveragePooling1D", keepdims=keepdims)
        close(
            y,
            recorded(
                lambda keras, spec, x, mask: build_keras(keras, spec)(x, mask=mask),
                spec,
                x,
                mask,
                name=f"{keepdims=}",
            ),
        )


def small_network(k, front, **options):
    stack = [k.layers.Conv2D(4, 3, activation="tanh"), k.layers.MaxPooling2D(2, padding="same")]
    stack += [
        k.layers.Conv2D(5, 2, padding="same", activation="tanh"),
        k.layers.AveragePooling2D(2),
        k.layers.Flatten(),
    ]
    model = k.Sequential([front, *stack, k.layers.Dense(3, activation="softmax")], **options)
    model.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    return model


def test_a_small_network_trains_as_in_keras(recorded):
    """Losses, weights and predictions after one epoch of SGD from the same weights.

    Batches are not shuffled, and the last one is short.
    """
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(21, 10, 9, 2)).astype(np.float32), rng.integers(0, 3, 21)
    ours, in_order = (
        small_network(gn, gn.layers.Input((10, 9, 2)), seed=0),
        {"batch_size": 8, "epochs": 1, "shuffle": False, "verbose": 0},
    )

    def live(keras, x, y, weights, in_order):
        theirs = small_network(keras, keras.Input((10, 9, 2)))
        theirs.set_weights(weights)
        loss = theirs.fit(x, y, **in_order).history["loss"]
        return loss, theirs.get_weights(), theirs.predict(x, verbose=0)

    want, weights, predictions = recorded(live, x, y, ours.get_weights(), in_order)
    close(ours.fit(x, y, **in_order).history["loss"], want, 10 * FLOAT32)
    for a, b in zip(ours.get_weights(), weights, strict=True):
        close(a, b, 10 * FLOAT32)
    close(ours.predict(x), predictions, LOOSE)
