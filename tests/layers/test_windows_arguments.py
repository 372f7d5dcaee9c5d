"""Equality, formulas and error messages of layers over windows."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import network
from glassnet.errors import ConfigError
from glassnet.layers import (
    AveragePooling1D,
    CenterCrop,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Cropping1D,
    Cropping2D,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    Input,
    MaxPooling1D,
    MaxPooling2D,
    Resizing,
    SeparableConv1D,
    SeparableConv2D,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
)
from glassnet.regularizers import L2


def test_layers_say_what_they_are():
    assert (
        Conv2D(3, 2)
        == Conv2D(3, [2, 2], (1, 1))
        == Conv2D(3, np.array([2, 2]))
        != Conv2D(3, (2, 1))
    )
    assert Conv1D(3, 2) == Conv1D(3, [2], (1,), dilation_rate=1) != Conv1D(3, 2, padding="causal")
    assert Conv2D(3, 2) != Conv2DTranspose(3, 2)
    assert Conv2D(3, 2, kernel_regularizer="l2") == Conv2D(3, 2, kernel_regularizer=L2(0.01))
    assert (
        MaxPooling2D()
        == MaxPooling2D(2, 2)
        == MaxPooling2D((2, 2), strides=(2, 2))
        != MaxPooling2D(2, 1)
    )
    assert MaxPooling1D() == MaxPooling1D(2) == MaxPooling1D([2])
    assert ZeroPadding2D() == ZeroPadding2D((1, 1)) == ZeroPadding2D([[1, 1], [1, 1]])
    assert ZeroPadding1D() == ZeroPadding1D((1, 1)) != ZeroPadding1D((1, 2))
    assert Cropping2D(1) == Cropping2D((1, 1)) == Cropping2D([[1, 1], [1, 1]]) != Cropping2D()
    assert Cropping1D() == Cropping1D(1)
    assert Conv2D(4, 2) == Conv2D(4, 2, groups=1) != Conv2D(4, 2, groups=2)
    assert DepthwiseConv2D(2) == DepthwiseConv2D((2, 2), 1) != DepthwiseConv2D(2, 2)
    assert UpSampling2D() == UpSampling2D([2, 2])
    assert [link.name for link in Conv2D(3, 2, activation="relu", name="c").unfold()] == [
        "c",
        "c.relu",
    ]
    assert len(Conv1D(3, 2, activation="linear").unfold()) == 1


FORMULAS = {
    Conv2D(3, 2): "z = x * W + b, 2x2 windows",
    Conv2D(
        3, (3, 2), 2, "same", use_bias=False
    ): "z = x * W, 3x2 windows, strides 2x2, padding same",
    Conv1D(
        3, 2, padding="causal", dilation_rate=2
    ): "z = x * W + b, windows of 2, dilation 2, padding causal",
    Conv2DTranspose(3, 2, 2): "z = conv_transpose(x, W) + b, 2x2 windows, strides 2x2",
    Conv2D(4, 2, groups=2): "z = x * W + b, 2x2 windows, 2 groups",
    Conv1DTranspose(3, 2, 2): "z = conv_transpose(x, W) + b, windows of 2, strides 2",
    DepthwiseConv1D(2): "z = x * W + b for each channel, windows of 2",
    DepthwiseConv2D(2, use_bias=False): "z = x * W for each channel, 2x2 windows",
    SeparableConv2D(3, 2): "z = (x * D) P + b, 2x2 windows",
    SeparableConv1D(3, 2, use_bias=False): "z = (x * D) P, windows of 2",
    ZeroPadding1D((1, 2)): "zeros around: 1 before, 2 after",
    UpSampling1D(3): "every step 3 times",
    Cropping1D((0, 2)): "cropped: 0 before, 2 after",
    Cropping2D(((0, 1), (2, 3))): "cropped: 0 above, 1 below, 2 left, 3 right",
    CenterCrop(2, 3): "central 2 x 3 pixels",
    Resizing(2, 3, "nearest"): "resized to 2 x 3, nearest",
    Resizing(2, 3, pad_to_aspect_ratio=True): "padded, then resized to 2 x 3, bilinear",
    Resizing(2, 3, crop_to_aspect_ratio=True): "cropped, then resized to 2 x 3, bilinear",
    MaxPooling2D(): "y = max x, 2x2 windows, strides 2x2",
    MaxPooling1D(3, 1): "y = max x, windows of 3",
    AveragePooling1D(3, 1): "y = mean x, windows of 3",
    GlobalMaxPooling1D(): "y = max_t x_t",
    GlobalMaxPooling2D(): "y = max_ij x_ij",
    GlobalAveragePooling1D(): "y = mean_t x_t",
    GlobalAveragePooling2D(): "y = mean_ij x_ij",
    UpSampling2D((2, 3), "bilinear"): "every pixel 2x3, bilinear",
    ZeroPadding2D(((0, 1), (2, 3))): "zeros around: 0 above, 1 below, 2 left, 3 right",
}


@pytest.mark.parametrize(
    ("layer", "formula"), FORMULAS.items(), ids=lambda value: type(value).__name__
)
def test_what_a_layer_computes_in_words(layer, formula):
    assert layer.formula() == formula


def start(layer, *shape):
    return network.build([layer], shape, np.random.default_rng(0))


WRONG = {
    "Conv2D: expected filters to be an int >= 1. Received: filters=0.": lambda: Conv2D(0, 3),
    "Conv2D: expected kernel_size to be an int >= 1 or 2 of them. Received: kernel_size=0.": lambda: (
        Conv2D(3, 0)
    ),
    "Conv2D: expected kernel_size to be an int >= 1 or 2 of them. Received: kernel_size=(3,).": lambda: (
        Conv2D(3, (3,))
    ),
    "Conv2D: expected kernel_size to be an int >= 1 or 2 of them. Received: kernel_size='3x3'.": lambda: (
        Conv2D(3, "3x3")
    ),
    "Conv2D: expected strides to be an int >= 1 or 2 of them. Received: strides=(1, 2.5).": lambda: (
        Conv2D(3, 3, (1, 2.5))
    ),
    "Conv2DTranspose: expected output_padding to be ints from 0 to below strides, (2, 2). Received: output_padding=2.": lambda: (
        Conv2DTranspose(3, 3, 2, output_padding=2)
    ),
    "Conv2DTranspose: expected output_padding to be ints from 0 to below strides, (2, 2). Received: output_padding=(1, -1).": lambda: (
        Conv2DTranspose(3, 3, 2, output_padding=(1, -1))
    ),
    "Conv2DTranspose: expected strides to be an int >= 1 or 2 of them. Received: strides=None.": lambda: (
        Conv2DTranspose(3, 3, None)
    ),
    "Conv1D: expected dilation_rate to be an int >= 1. Received: dilation_rate=(1, 1).": lambda: (
        Conv1D(3, 3, dilation_rate=(1, 1))
    ),
    "Conv2D: expected strides or dilation_rate to be 1. Received: strides=(2, 2), dilation_rate=(1, 2).": (
        lambda: Conv2D(3, 3, 2, dilation_rate=(1, 2))
    ),
    "Conv2D: expected padding to be one of valid, same. Received: padding='causal'. Only Conv1D has causal padding.": (
        lambda: Conv2D(3, 3, padding="causal")
    ),
    "Conv1D: expected padding to be one of valid, same, causal. Received: padding='full'.": lambda: (
        Conv1D(3, 3, padding="full")
    ),
    "Conv1D: expected padding to be one of valid, same, causal. Received: padding=1.": lambda: (
        Conv1D(3, 3, padding=1)
    ),
    "Did you mean 'relu'?": lambda: Conv2D(3, 3, activation="rellu"),
    "Did you mean 'he_normal'?": lambda: Conv2D(3, 3, kernel_initializer="he_norm"),
    "Did you mean 'l2'?": lambda: Conv1D(3, 3, bias_regularizer="l22"),
    "MaxPooling2D: expected pool_size to be an int >= 1 or 2 of them. Received: pool_size=(2, 2, 2).": lambda: (
        MaxPooling2D((2, 2, 2))
    ),
    "AveragePooling1D: expected strides to be an int >= 1. Received: strides=0.": lambda: (
        AveragePooling1D(2, 0)
    ),
    "MaxPooling1D: expected padding to be one of valid, same. Received: padding='causal'.": lambda: (
        MaxPooling1D(2, padding="causal")
    ),
    "GlobalMaxPooling2D: expected keepdims to be True or False. Received: keepdims='yes'.": lambda: (
        GlobalMaxPooling2D("yes")
    ),
    "ZeroPadding2D: expected padding to be ints >= 0: n, (n, n) or ((n, n), (n, n)). Received: padding=-1.": lambda: (
        ZeroPadding2D(-1)
    ),
    "ZeroPadding2D: expected padding to be ints >= 0: n, (n, n) or ((n, n), (n, n)). Received: padding=(1, 2, 3).": (
        lambda: ZeroPadding2D((1, 2, 3))
    ),
    "((n, n), (n, n)). Received: padding=((1, 2), 3, 4).": lambda: ZeroPadding2D(((1, 2), 3, 4)),
    "((n, n), (n, n)). Received: padding='same'.": lambda: ZeroPadding2D("same"),
    "UpSampling2D: expected size to be an int >= 1 or 2 of them. Received: size=0.5.": lambda: (
        UpSampling2D(0.5)
    ),
    "UpSampling2D: expected interpolation to be one of nearest, bilinear. Received: interpolation='bicubic'.": (
        lambda: UpSampling2D(2, "bicubic")
    ),
    "Conv2D: expected groups to be an int >= 1. Received: groups=0.": lambda: Conv2D(
        4, 2, groups=0
    ),
    "Conv1D: expected filters to be a multiple of groups. Received: filters=4, groups=3.": lambda: (
        Conv1D(4, 2, groups=3)
    ),
    "conv1d_1: expected a number of channels that is a multiple of groups, 2. Received: input_shape=(9, 3).": (
        lambda: start(Conv1D(4, 2, groups=2), 9, 3)
    ),
    "Conv1DTranspose: expected output_padding to be ints from 0 to below strides, (2,). Received: output_padding=2.": lambda: (
        Conv1DTranspose(3, 3, 2, output_padding=2)
    ),
    "DepthwiseConv2D: expected depth_multiplier to be an int >= 1. Received: depth_multiplier=0.": lambda: (
        DepthwiseConv2D(2, depth_multiplier=0)
    ),
    "SeparableConv1D: expected padding to be one of valid, same. Received: padding='causal'. Only Conv1D has causal padding.": lambda: (
        SeparableConv1D(3, 2, padding="causal")
    ),
    "separable_conv2d_1: expected an input of at least 5x5. Received: input_shape=(4, 4, 3).": lambda: (
        start(SeparableConv2D(3, 5), 4, 4, 3)
    ),
    "depthwise_conv1d_1: expected sequences (steps, channels). Received: input_shape=(9,).": lambda: (
        start(DepthwiseConv1D(3), 9)
    ),
    "ZeroPadding1D: expected padding to be ints >= 0: n or (n, n). Received: padding=(1, 2, 3).": lambda: (
        ZeroPadding1D((1, 2, 3))
    ),
    "UpSampling1D: expected size to be an int >= 1. Received: size=(2, 2).": lambda: UpSampling1D(
        (2, 2)
    ),
    "Cropping1D: expected cropping to be ints >= 0: n or (n, n). Received: cropping=-1.": lambda: (
        Cropping1D(-1)
    ),
    "Cropping2D: expected cropping to be ints >= 0: n, (n, n) or ((n, n), (n, n)). Received: cropping=(1, 2, 3).": lambda: (
        Cropping2D((1, 2, 3))
    ),
    "cropping1d_1: expected an input of at least 4. Received: input_shape=(3, 2). Lower cropping.": lambda: (
        start(Cropping1D((1, 2)), 3, 2)
    ),
    "cropping2d_1: expected an input of at least 3x3. Received: input_shape=(4, 2, 1). Lower cropping.": lambda: (
        start(Cropping2D(1), 4, 2, 1)
    ),
    "CenterCrop: expected height and width to be ints >= 1. Received: height=0, width=3.": lambda: (
        CenterCrop(0, 3)
    ),
    "center_crop_1: expected images (height, width, channels). Received: input_shape=(28, 28).": lambda: (
        start(CenterCrop(2, 2), 28, 28)
    ),
    "Resizing: expected height and width to be ints >= 1. Received: height=2.5, width=3.": lambda: (
        Resizing(2.5, 3)
    ),
    "Resizing: expected interpolation to be one of bilinear, nearest, bicubic, lanczos3, lanczos5. Received: interpolation='area'.": lambda: (
        Resizing(2, 3, "area")
    ),
    "Resizing: expected crop_to_aspect_ratio or pad_to_aspect_ratio, not both. Received: crop_to_aspect_ratio=True, pad_to_aspect_ratio=True.": lambda: (
        Resizing(2, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)
    ),
    "Resizing: expected fill_value to be a number. Received: fill_value='mean'.": lambda: Resizing(
        2, 3, fill_value="mean"
    ),
    "conv2d_1: expected images (height, width, channels). Received: input_shape=(28, 28). Put Reshape((28, 28, 1)) before it.": (
        lambda: start(Conv2D(3, 3), 28, 28)
    ),
    "input_shape=(784,). Put Reshape((28, 28, 1)) before it.": lambda: start(Conv2D(3, 3), 784),
    "input_shape=(10,). Put Reshape((height, width, channels)) before it.": lambda: start(
        Conv2DTranspose(3, 3), 10
    ),
    "conv1d_1: expected sequences (steps, channels). Received: input_shape=(9,). Put Reshape((9, 1)) before it.": (
        lambda: start(Conv1D(3, 3), 9)
    ),
    "global_average_pooling1d_1: expected sequences (steps, channels). Received: input_shape=(4, 4, 3).": (
        lambda: start(GlobalAveragePooling1D(), 4, 4, 3)
    ),
    "zero_padding2d_1: expected images (height, width, channels). Received: input_shape=(4, 4).": lambda: (
        start(ZeroPadding2D(), 4, 4)
    ),
    "up_sampling2d_1: expected images (height, width, channels). Received: input_shape=(4, 4).": lambda: (
        start(UpSampling2D(), 4, 4)
    ),
    "max_pooling2d_1: expected images (height, width, channels). Received: input_shape=(4, 4).": lambda: (
        start(MaxPooling2D(), 4, 4)
    ),
    'conv2d_1: expected an input of at least 5x5. Received: input_shape=(4, 9, 9). padding="same" keeps the size.': (
        lambda: start(Conv2D(3, 3, dilation_rate=2), 4, 9, 9)
    ),
    "expected an input of at least 5x5. Received: input_shape=(3, 32, 32). If channels come first, put Permute((2, 3, 1)) before the layer.": (
        lambda: start(Conv2D(3, 5), 3, 32, 32)
    ),
    "max_pooling1d_1: expected an input of at least 2. Received: input_shape=(1, 4).": lambda: (
        start(MaxPooling1D(), 1, 4)
    ),
}


@pytest.mark.parametrize("says", WRONG)
def test_a_wrong_argument_is_told(says):
    with pytest.raises(ConfigError) as caught:
        WRONG[says]()
    assert says in str(caught.value)


def test_images_of_another_size_or_of_other_channels_are_refused_where_rows_come_in():
    """The model checks the shape of its input, as for every network."""
    model = gn.Sequential(
        [Input((6, 6, 1)), Conv2D(2, 3, activation="relu"), GlobalAveragePooling2D(), Dense(1)]
    )
    model.compile("sgd", "mse")
    for shape in ((6, 6, 3), (5, 6, 1), (6, 6)):
        with pytest.raises(gn.errors.GlassnetError, match=r"\(6, 6, 1\)"):
            model.predict(np.zeros((2, *shape)))
