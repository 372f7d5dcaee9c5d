"""Windows over steps and pixels: convolution by a loop, its implementations, padding, masks."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.layers import (
    AveragePooling2D,
    CenterCrop,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Cropping1D,
    Cropping2D,
    DepthwiseConv1D,
    DepthwiseConv2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    MaxPooling1D,
    MaxPooling2D,
    Resizing,
    SeparableConv1D,
    SeparableConv2D,
    UpSampling1D,
    UpSampling2D,
    ZeroPadding1D,
    ZeroPadding2D,
    functional,
    pooling,
    sliding_window,
)
from glassnet.layers.sliding_window import SlidingWindow
from oracles import FLOAT32, FLOAT64, close, directional_error

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(4, 6, 5, 2)).astype(np.float32)
LAYERS = [
    Conv2D(3, (3, 2)),
    Conv2D(3, 3, 2, "same"),
    Conv2D(3, 2, dilation_rate=(2, 3)),
    Conv2D(3, 4, padding="same"),
    Conv1D(3, 3, padding="causal"),
    Conv1D(3, 2, 2),
]


def random_inputs(layer, shape, rows=4):
    """Return random weights of the layer, and rows."""
    rng = np.random.default_rng(1)
    params = {
        name: rng.normal(size=w.shape).astype(np.float32)
        for name, w in layer.init(rng, shape).items()
    }
    return params, rng.normal(size=(rows, *shape)).astype(np.float32)


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_convolution_by_a_loop(layer):
    """Each output is the sum of the kernel's weights times the inputs below, without padding.

    With "same" the smaller half of the padding comes first.
    """
    shape = (6, 5, 2)[2 - layer.rank :]
    params, x = random_inputs(layer, shape)
    z, kernel = np.asarray(layer(params, x)), params["kernel"]
    before = []
    for n, size, stride, dilation in zip(
        shape, layer.kernel_size, layer.strides, layer.dilation_rate, strict=False
    ):
        span = dilation * (size - 1) + 1
        half = max((int(np.ceil(n / stride)) - 1) * stride + span - n, 0) // 2
        before.append({"valid": 0, "same": half, "causal": span - 1}[layer.padding])
    for row, *place, unit in np.ndindex(z.shape):
        total = float(params["bias"][unit])
        for *tap, channel in np.ndindex(kernel.shape[:-1]):
            steps = zip(place, tap, layer.strides, layer.dilation_rate, before, strict=True)
            at = [i * stride + m * dilation - pad for i, m, stride, dilation, pad in steps]
            if all(0 <= i < n for i, n in zip(at, shape, strict=False)):
                total += float(x[(row, *at, channel)]) * float(kernel[(*tap, channel, unit)])
        close(z[(row, *place, unit)], total, 10 * FLOAT32)


@pytest.mark.parametrize(("strides", "padding"), [(1, "valid"), (2, "valid"), ((3, 2), "valid")])
def test_transposed_convolution_paints(strides, padding):
    """Each input adds its weighted kernel to the output."""
    layer = Conv2DTranspose(3, 2, strides, padding)
    params, x = random_inputs(layer, (3, 2, 2))
    want = np.zeros((4, *layer.output_sizes((3, 2)), 3)) + params["bias"]
    for row, i, j, channel in np.ndindex(x.shape):
        for m, n, unit in np.ndindex(2, 2, 3):
            want[row, i * layer.strides[0] + m, j * layer.strides[1] + n, unit] += (
                x[row, i, j, channel] * params["kernel"][m, n, unit, channel]
            )
    close(layer(params, x), want, 10 * FLOAT32)


def test_transposed_convolution_is_the_way_back_of_convolution():
    """<conv(x), y> = <x, transposed(y)> for the same kernel.

    The last axes of its kernel are (in, out) in conv and (out, in) in transposed.
    """
    conv, transposed = (
        Conv2D(3, 3, 2, "same", use_bias=False),
        Conv2DTranspose(2, 3, 2, "same", use_bias=False),
    )
    params, x = random_inputs(conv, (6, 4, 2))
    y = RNG.normal(size=(4, 3, 2, 3)).astype(np.float32)
    close(np.vdot(conv(params, x), y), np.vdot(x, transposed(params, y)), 10 * FLOAT32)


def test_same_paints_strides_times_the_size_and_valid_all():
    """Kernel 3, strides 2: 2 * 4 = 8 pixels, and 2 * 4 + 1 = 9 with "valid".

    Kernel 2, strides 3: 12 both ways, with a gap after each kernel.
    """
    assert Conv2DTranspose(1, 3, 2, "same").output_sizes((4, 4)) == (8, 8)
    assert Conv2DTranspose(1, 3, 2).output_sizes((4, 4)) == (9, 9)
    assert (
        Conv2DTranspose(1, 2, 3).output_sizes((4, 4))
        == Conv2DTranspose(1, 2, 3, "same").output_sizes((4, 4))
        == (12, 12)
    )


WAYS = [
    SlidingWindow((3, 2), (1, 1), (1, 1), "same"),
    SlidingWindow((2, 3), (2, 1), (1, 1), "valid"),
    SlidingWindow((2, 2), (1, 1), (2, 1), "valid"),
]


def forward_and_back(way, w, x, kernel, dy):
    z, back = jax.vjp(partial(way, w), x, kernel)
    return z, *back(dy)


@pytest.mark.parametrize("w", WAYS, ids=str)
def test_both_ways_through_the_machine_agree(w):
    """im2col and XLA's own convolution agree: outputs, and gradients of input and kernel."""
    kernel = RNG.normal(size=(*w.size, 2, 3)).astype(np.float32)
    dy = RNG.normal(size=(4, *w.output_sizes((6, 5)), 3)).astype(np.float32)
    for a, b in zip(
        *(
            forward_and_back(way, w, IMAGES, kernel, dy)
            for way in (sliding_window._convolve_im2col, sliding_window._convolve_xla)
        ),
        strict=True,
    ):
        close(a, b, 10 * FLOAT32)


@pytest.mark.parametrize("rows", [1, 4, 7])
@pytest.mark.parametrize("few", [1, 2, 3])
def test_laid_out_for_a_few_examples_at_a_time(rows, few, monkeypatch):
    """A few examples at a time give the results of all at once, also if the last are fewer."""
    w = WAYS[0]
    x, kernel = (
        RNG.normal(size=(rows, 6, 5, 2)).astype(np.float32),
        RNG.normal(size=(3, 2, 2, 3)).astype(np.float32),
    )
    dy = RNG.normal(size=(rows, 6, 5, 3)).astype(np.float32)
    want = forward_and_back(sliding_window._convolve_im2col, w, x, kernel, dy)
    one = 4 * 6 * 5 * 12
    monkeypatch.setattr(sliding_window, "MAX_IM2COL_BYTES", one // 2)
    monkeypatch.setattr(sliding_window, "IM2COL_CHUNK_BYTES", few * one)
    compiled = jax.jit(partial(forward_and_back, sliding_window._convolve_im2col, w))
    assert "while" in compiled.lower(x, kernel, dy).as_text()
    for a, b in zip(compiled(x, kernel, dy), want, strict=True):
        close(a, b, 10 * FLOAT32)


def test_all_at_once_up_to_64_megabytes():
    """An image of 32 x 32 x 16 with a 3 x 3 kernel and padding "same" has 4 * 1024 * 144 bytes.

    113 of them are 66.6 million bytes, and 2^26 are 67.1 million.
    """
    w = SlidingWindow((3, 3), (1, 1), (1, 1), "same")
    kernel = jax.ShapeDtypeStruct((3, 3, 16, 4), np.float32)
    for rows, loops in ((113, False), (114, True)):
        text = (
            jax.jit(partial(sliding_window._convolve_im2col, w))
            .lower(jax.ShapeDtypeStruct((rows, 32, 32, 16), np.float32), kernel)
            .as_text()
        )
        assert ("while" in text) == loops


def test_a_cpu_compiles_its_own_way_alone():
    lowered = jax.jit(partial(sliding_window.convolve, window=WAYS[0])).lower(
        IMAGES, np.zeros((3, 2, 2, 3), np.float32)
    )
    assert "convolution" not in lowered.as_text()


def test_gradient_by_finite_difference():
    layer = Conv2DTranspose(2, (2, 3), 2, "same")
    params, x = random_inputs(layer, (3, 2, 2))
    dy = RNG.normal(size=(4, 6, 4, 2))
    assert (
        directional_error(lambda w: (dy * layer(params | {"kernel": w}, x)).sum(), params["kernel"])
        < FLOAT64
    )
    assert directional_error(lambda x: (dy * layer(params, x)).sum(), x) < FLOAT64


def test_float32_weights_take_float64_rows():
    """If a process has switched JAX to 64 bits."""
    with jax.enable_x64(True):
        for layer in (Conv2D(3, 2), Conv2DTranspose(3, 2)):
            params, x = random_inputs(layer, (6, 5, 2))
            assert layer(params, x.astype(np.float64)).dtype == np.float64


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("size", "strides"), [(2, None), (2, 1), (3, 2), ((2, 3), None), (2, 3)])
def test_pooling_by_a_loop(size, strides, padding):
    largest, mean = MaxPooling2D(size, strides, padding), AveragePooling2D(size, strides, padding)
    w = largest.window
    pads = w.pad_widths((6, 5))
    y, z = largest({}, IMAGES), mean({}, IMAGES)
    for row, i, j, channel in np.ndindex(y.shape):
        top, left = i * w.strides[0] - pads[0][0], j * w.strides[1] - pads[1][0]
        seen = IMAGES[row, max(top, 0) : top + w.size[0], max(left, 0) : left + w.size[1], channel]
        assert y[row, i, j, channel] == seen.max()
        close(z[row, i, j, channel], seen.mean())


LARGE = [
    Conv2D(2, (4, 3), padding="same"),
    MaxPooling2D(3, 2, "same"),
    AveragePooling2D(2),
    AveragePooling2D(3, 1, "same"),
]


@pytest.mark.parametrize("layer", LARGE, ids=repr)
def test_windows_of_many_entries_are_left_to_xla(layer, monkeypatch):
    """Numbers and derivatives equal those by slices.

    The limit is set to 3 entries here.
    """
    params, x = random_inputs(layer, (6, 5, 2))

    def run(params, x):
        y, back = jax.vjp(layer, params, x)
        return y, back(jnp.cos(y))

    want = jax.tree.leaves(run(params, x))
    monkeypatch.setattr(sliding_window, "MAX_UNROLLED_WINDOW", 3)
    monkeypatch.setattr(pooling, "MAX_UNROLLED_WINDOW", 3)
    lowered = jax.jit(lambda params, x: layer(params, x)).lower(params, x).as_text()
    assert "reduce_window" in lowered or "convolution" in lowered
    for a, b in zip(jax.tree.leaves(run(params, x)), want, strict=True):
        close(a, b, 10 * FLOAT32)


@pytest.mark.parametrize(
    ("layer", "want"),
    [(MaxPooling1D(2), [0.5, 0.5, 1.0, 0.0]), (GlobalMaxPooling1D(), [0.0, 0.0, 1.0, 0.0])],
)
def test_ties_share_the_derivative(layer, want):
    x = np.array([2.0, 2.0, 3.0, 1.0], np.float32).reshape(1, 4, 1)
    np.testing.assert_array_equal(jax.grad(lambda x: layer({}, x).sum())(x).ravel(), want)


def test_bilinear_by_hand():
    """Pixel centres of 4 from 2 are at 1/4 and 3/4, and the outer ones repeat the edge.

    So 0 and 8 become 0, 0.25 * 8, 0.75 * 8 and 8.
    """
    y = UpSampling2D((1, 2), "bilinear")({}, np.array([0.0, 8.0], np.float32).reshape(1, 1, 2, 1))
    np.testing.assert_array_equal(y.ravel(), [0, 2, 6, 8])


MASK = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
STEPS = np.array([1.0, 2.0, 6.0, 100.0], np.float32).reshape(1, 4, 1).repeat(3, 0)


@pytest.mark.parametrize(
    "layer",
    [
        Conv1D(2, 3, padding="same"),
        Conv1D(2, 2, padding="causal"),
        Conv1DTranspose(2, 3, padding="same"),
        DepthwiseConv1D(3, padding="same"),
        SeparableConv1D(2, 3, padding="same"),
        MaxPooling1D(3, 1, "same"),
    ],
    ids=repr,
)
def test_a_mask_stays_where_the_steps_do(layer):
    np.testing.assert_array_equal(layer.mask(STEPS, MASK), MASK)


OF_OTHER_LENGTH = [
    Conv1D(2, 2),
    Conv1DTranspose(2, 2),
    Cropping1D(),
    DepthwiseConv1D(2),
    SeparableConv1D(2, 2),
    UpSampling1D(),
    ZeroPadding1D(),
    MaxPooling1D(2),
    GlobalAveragePooling1D(),
    GlobalMaxPooling1D(keepdims=True),
]


@pytest.mark.parametrize("layer", OF_OTHER_LENGTH, ids=repr)
def test_a_mask_over_time_ends_where_the_steps_change(layer):
    """A row with any real step is real, and a mask of rows passes."""
    np.testing.assert_array_equal(layer.mask(STEPS, MASK), [True, True, False])
    np.testing.assert_array_equal(layer.mask(STEPS, MASK[:, 0]), MASK[:, 0])
    assert layer.mask(STEPS, None) is None


OF_IMAGES = [
    CenterCrop(2, 2),
    Conv2D(2, 2),
    Cropping2D(1),
    DepthwiseConv2D(2),
    Resizing(2, 2),
    SeparableConv2D(2, 2),
    Conv2DTranspose(2, 2),
    MaxPooling2D(),
    GlobalAveragePooling2D(),
    ZeroPadding2D(),
    UpSampling2D(),
]


@pytest.mark.parametrize("layer", OF_IMAGES, ids=repr)
def test_images_pass_on_a_mask_of_rows(layer):
    rows = np.array([True, False, True, True])
    np.testing.assert_array_equal(layer.mask(IMAGES, rows), rows)
    np.testing.assert_array_equal(layer.mask(IMAGES, rows[:, None].repeat(6, 1)), rows)


def masked(layer, x, mask):
    return layer.apply({}, {}, x, key=None, train=False, mask=mask)[0]


def test_global_pooling_heeds_a_mask_over_time():
    """1, 2, 6 have mean 3 and maximum 6. 1 has mean and maximum 1.

    Without real steps both are 0, and so is the derivative.
    """
    np.testing.assert_array_equal(masked(GlobalAveragePooling1D(), STEPS, MASK).ravel(), [3, 1, 0])
    np.testing.assert_array_equal(masked(GlobalMaxPooling1D(), STEPS, MASK).ravel(), [6, 1, 0])
    np.testing.assert_array_equal(masked(GlobalMaxPooling1D(), -STEPS, MASK).ravel(), [-1, -1, 0])
    np.testing.assert_array_equal(
        masked(GlobalAveragePooling1D(), STEPS, MASK[:, 0]).ravel(), [109 / 4] * 3
    )
    for layer in (GlobalAveragePooling1D(), GlobalMaxPooling1D()):
        slope = jax.grad(lambda x, layer=layer: masked(layer, x, MASK).sum())(jnp.asarray(STEPS))
        close(slope.sum(1).ravel(), [1, 1, 0])
        assert not slope[:, 3].any()


def test_names():
    assert [
        functional.default_name(layer)
        for layer in (
            Conv1DTranspose(1, 1),
            Conv2D(1, 1),
            Conv2DTranspose(1, 1),
            DepthwiseConv2D(1),
            SeparableConv2D(1, 1),
            MaxPooling2D(),
            UpSampling2D(),
        )
    ] == [
        "conv1d_transpose",
        "conv2d",
        "conv2d_transpose",
        "depthwise_conv2d",
        "separable_conv2d",
        "max_pooling2d",
        "up_sampling2d",
    ]


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_filters_see_their_group_only(groups):
    """Oracle: one convolution per group, side by side."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 4, 8)).astype(np.float32)
    layer = Conv2D(12, 3, padding="same", groups=groups, use_bias=False)
    kernel = layer.init(rng, x.shape[1:])["kernel"]
    assert kernel.shape == (3, 3, 8 // groups, 12)
    whole = Conv2D(12 // groups, 3, padding="same", use_bias=False)
    parts = [
        whole({"kernel": filters}, channels)
        for channels, filters in zip(
            np.split(x, groups, -1), np.split(kernel, groups, -1), strict=True
        )
    ]
    close(layer({"kernel": kernel}, x), np.concatenate(parts, -1))


def test_a_depthwise_kernel_sees_its_channel_only():
    """Oracle: one convolution per channel, side by side; then a matrix product for each pixel."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 4, 3)).astype(np.float32)
    layer = SeparableConv2D(5, 2, 2, depth_multiplier=2, bias_initializer="random_normal")
    params = layer.init(rng, x.shape[1:])
    depthwise = params["depthwise_kernel"]
    one = Conv2D(2, 2, 2, use_bias=False)
    parts = [one({"kernel": depthwise[:, :, [c]]}, x[..., [c]]) for c in range(3)]
    want = np.concatenate(parts, -1)
    close(DepthwiseConv2D(2, 2, use_bias=False)({"kernel": depthwise}, x), want)
    close(layer(params, x), want @ params["pointwise_kernel"][0, 0] + params["bias"], 5 * FLOAT32)


def test_large_depthwise_kernels_take_the_other_path():
    """Windows of 144 entries are not unrolled: both paths agree on one of 121."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 14, 13, 2)).astype(np.float32)
    kernel = rng.normal(size=(11, 11, 2, 2)).astype(np.float32)
    larger = np.zeros((12, 12, 2, 2), np.float32)
    larger[:11, :11] = kernel
    small, large = DepthwiseConv2D(11, use_bias=False), DepthwiseConv2D(12, use_bias=False)
    close(large({"kernel": larger}, x), small({"kernel": kernel}, x)[:, :-1, :-1], 20 * FLOAT32)


def test_aspect_ratios_by_hand():
    """A picture of 2 x 4 keeps columns 1 and 2, or gets a row above and below, to be square."""
    x = np.arange(1.0, 9.0, dtype=np.float32).reshape(1, 2, 4, 1)
    crop = Resizing(2, 2, crop_to_aspect_ratio=True)({}, x)
    np.testing.assert_array_equal(crop[0, :, :, 0], [[2, 3], [6, 7]])
    pad = Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=-1)({}, x)
    np.testing.assert_array_equal(pad[0, :, :, 0], [[-1] * 4, [1, 2, 3, 4], [5, 6, 7, 8], [-1] * 4])
