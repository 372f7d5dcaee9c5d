"""Keras's operations of neural networks."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import require
from glassnet.keras import activations
from glassnet.keras.compat import export_aliases
from glassnet.keras.ops.operation import (
    check_data_format,
    name_operations,
    operation,
    standardize_dtype,
    to_jax,
    unary,
)

EPSILON = 1e-7
"""Keras's smallest probability, and its addition to denominators."""

ACTIVATIONS = """
hard_sigmoid hard_silu hard_swish hard_tanh log_sigmoid relu relu6 selu sigmoid silu softplus
softsign sparse_plus sparse_sigmoid swish tanh_shrink
"""
OPERATIONS = name_operations(
    unary,
    {name: activations.ACTIVATIONS[name] for name in ACTIVATIONS.split()},
)


@operation
def celu(x: Any, alpha: float = 1.0) -> Any:
    """Compute x if x > 0, else alpha (exp(x / alpha) - 1)."""
    return jax.nn.celu(to_jax(x), alpha)


@operation
def elu(x: Any, alpha: float = 1.0) -> Any:
    """Compute x if x > 0, else alpha (exp(x) - 1)."""
    return jax.nn.elu(to_jax(x), alpha)


@operation
def gelu(x: Any, approximate: bool = True) -> Any:
    """Compute x times the normal distribution function of x."""
    return jax.nn.gelu(to_jax(x), approximate)


@operation
def glu(x: Any, axis: int = -1) -> Any:
    """Multiply one half of an axis by the sigmoid of the other half."""
    return jax.nn.glu(to_jax(x), axis)


@operation
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Return x if |x| > threshold, else 0."""
    return activations.ACTIVATIONS["hard_shrink"](to_jax(x), threshold)


@operation
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """Compute x if x > 0, else negative_slope x."""
    return jax.nn.leaky_relu(to_jax(x), negative_slope)


@operation
def log_softmax(x: Any, axis: Any = -1) -> Any:
    """Return the logarithm of softmax."""
    return jax.nn.log_softmax(to_jax(x), axis)


@operation
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """Move x towards 0 by a threshold, and stop there."""
    return activations.ACTIVATIONS["soft_shrink"](to_jax(x), threshold)


@operation
def softmax(x: Any, axis: Any = -1) -> Any:
    """Compute exp(x) / sum exp(x) along an axis."""
    return jax.nn.softmax(to_jax(x), axis)


@operation
def sparsemax(x: Any, axis: int = -1) -> Any:
    """Return the nearest probabilities, of which many are 0."""
    return activations.ACTIVATIONS["sparsemax"](to_jax(x), axis)


@operation
def squareplus(x: Any, b: int = 4) -> Any:
    """Compute (x + sqrt(x^2 + b)) / 2."""
    return activations.ACTIVATIONS["squareplus"](to_jax(x), b)


@operation
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """Return x if it is above a threshold, else another number."""
    return activations.threshold(to_jax(x), threshold, default_value)


@operation
def one_hot(
    x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Any:
    """Return class numbers as rows with a one and zeros."""
    require(not sparse, "one_hot", "sparse=False (no other value is supported)", sparse=sparse)
    return jax.nn.one_hot(to_jax(x), num_classes, axis=axis, dtype=standardize_dtype(dtype))


@operation
def multi_hot(
    inputs: Any,
    num_classes: int | None = None,
    axis: int = -1,
    dtype: Any = None,
    sparse: bool = False,
) -> Any:
    """Return a row with a one for each class number that occurs in a row."""
    require(not sparse, "multi_hot", "sparse=False (no other value is supported)", sparse=sparse)
    require(num_classes is not None, "multi_hot", "num_classes", num_classes=num_classes)
    x = jnp.asarray(inputs).astype("int32")
    hot = jax.nn.one_hot(x, num_classes or 0, axis=axis, dtype=standardize_dtype(dtype))
    return hot.max(1 if x.ndim > 1 else 0)


@operation
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Compute -y log p - (1 - y) log(1 - p)."""
    y, p = jnp.asarray(target), jnp.asarray(output)
    if from_logits:
        return -y * jax.nn.log_sigmoid(p) - (1 - y) * jax.nn.log_sigmoid(-p)
    p = jnp.clip(p, EPSILON, 1 - EPSILON)
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def _log_probabilities(output: Any, from_logits: bool, axis: int) -> Any:
    p = jnp.asarray(output)
    if from_logits:
        return jax.nn.log_softmax(p, axis)
    return jnp.log(jnp.clip(p / p.sum(axis, keepdims=True), EPSILON, 1 - EPSILON))


@operation
def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Compute -sum y log p, for one-hot targets."""
    return -(jnp.asarray(target) * _log_probabilities(output, from_logits, axis)).sum(axis)


@operation
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Compute -log p of the right class, for class numbers."""
    y, log_p = jnp.asarray(target, "int32"), _log_probabilities(output, from_logits, axis)
    if y.ndim == log_p.ndim and y.shape[-1] == 1:
        y = y[..., 0]
    return -(jax.nn.one_hot(y, log_p.shape[axis], axis=axis) * log_p).sum(axis)


@operation
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> Any:
    """Return the mean and the variance over axes."""
    require(not synchronized, "moments", "synchronized=False", synchronized=synchronized)
    x, axes = to_jax(x), tuple(axes) if isinstance(axes, list) else axes
    return jnp.mean(x, axes, keepdims=keepdims), jnp.var(x, axes, keepdims=keepdims)


@operation
def batch_normalization(
    x: Any,
    mean: Any,
    variance: Any,
    axis: int,
    offset: Any = None,
    scale: Any = None,
    epsilon: float = 1e-3,
) -> Any:
    """Compute (x - mean) / sqrt(variance + epsilon) * scale + offset."""
    x = to_jax(x)
    shape = [1] * x.ndim
    shape[axis] = -1

    def along_axis(value: Any) -> Any:
        return jnp.reshape(jnp.asarray(value), shape)

    factor = jax.lax.rsqrt(along_axis(variance) + epsilon)
    if scale is not None:
        factor = factor * along_axis(scale)
    shift = -along_axis(mean) * factor
    return x * factor + (shift if offset is None else shift + along_axis(offset))


@operation
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: Any = None
) -> Any:
    """Compute (x - mean) / sqrt(variance + epsilon) * gamma + beta over axes of one example."""
    x = to_jax(x)
    axes = sorted([axis] if isinstance(axis, int) else axis)
    mean, variance = jnp.mean(x, axes, keepdims=True), jnp.var(x, axes, keepdims=True)
    shape = [x.shape[i] if i in [a % x.ndim for a in axes] else 1 for i in range(x.ndim)]
    result = (x - mean) * jax.lax.rsqrt(variance + (EPSILON if epsilon is None else epsilon))
    if gamma is not None:
        result = result * jnp.reshape(jnp.asarray(gamma), shape)
    return result if beta is None else result + jnp.reshape(jnp.asarray(beta), shape)


@operation
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: Any = None) -> Any:
    """Compute x / sqrt(mean of x^2 + epsilon) * scale."""
    x = jnp.atleast_1d(to_jax(x))
    mean_square = jnp.mean(x**2, axis, keepdims=True)
    result = x * jax.lax.rsqrt(mean_square + (EPSILON if epsilon is None else epsilon))
    return result if scale is None else result * jnp.asarray(scale)


@operation
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: Any = None) -> Any:
    """Divide by the norm of each row."""
    x = jnp.atleast_1d(to_jax(x))
    smallest = EPSILON if epsilon is None else epsilon
    if order == 2:
        inverse = jax.lax.rsqrt(jnp.sum(x**2, axis, keepdims=True))
        return x * jnp.minimum(inverse, 1 / smallest)
    return x / jnp.maximum(jnp.linalg.norm(x, order, axis, keepdims=True), smallest)


@operation
def polar(abs_: Any, angle: Any) -> Any:
    """Return the complex numbers of absolute values and angles."""
    abs_, angle = to_jax(abs_), to_jax(angle)
    return abs_ * jnp.cos(angle) + 1j * (abs_ * jnp.sin(angle))


@operation
def psnr(x1: Any, x2: Any, max_val: float) -> Any:
    """Return the peak signal-to-noise ratio of two images, in dB."""
    error = jnp.mean((to_jax(x1) - to_jax(x2)) ** 2)
    return 20 * jnp.log10(max_val) - 10 * jnp.log10(error)


def _sizes(value: Any, n: int) -> tuple[int, ...]:
    return (value,) * n if isinstance(value, int) else tuple(value)


def _convolve(x: Any, kernel: Any, strides: Any, padding: str, dilation: Any, groups: int) -> Any:
    n_axes = x.ndim - 2
    axes = "HWD"[:n_axes]
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        _sizes(strides, n_axes),
        padding.upper(),
        rhs_dilation=_sizes(dilation, n_axes),
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=groups,
    )


@operation
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Convolve sequences or images with a kernel (size, ..., channels, filters)."""
    check_data_format("conv", data_format)
    kernel = to_jax(kernel)
    x = jnp.asarray(inputs, kernel.dtype)
    groups = x.shape[-1] // kernel.shape[-2]
    return _convolve(x, kernel, strides, padding, dilation_rate, groups)


@operation
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Convolve each channel on its own, with a kernel (size, ..., channels, filters)."""
    check_data_format("depthwise_conv", data_format)
    x, kernel = to_jax(inputs), to_jax(kernel)
    kernel = kernel.reshape(*kernel.shape[:-2], 1, -1)
    return _convolve(x, kernel, strides, padding, dilation_rate, x.shape[-1])


@operation
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Convolve each channel on its own, then mix the channels of each position."""
    depthwise = depthwise_conv(
        inputs, depthwise_kernel, strides, padding, data_format, dilation_rate
    )
    return conv(depthwise, pointwise_kernel)


@operation
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: Any = None,
    dilation_rate: Any = 1,
) -> Any:
    """Transpose a convolution: spread each position over an area, with a kernel (..., out, in)."""
    check_data_format("conv_transpose", data_format)
    x, kernel = to_jax(inputs), to_jax(kernel)
    n_axes = x.ndim - 2
    strides, dilations = _sizes(strides, n_axes), _sizes(dilation_rate, n_axes)
    extra = [None] * n_axes if output_padding is None else _sizes(output_padding, n_axes)
    pads = [
        _transposed_padding(dilation * (size - 1) + 1, stride, padding, more)
        for size, stride, dilation, more in zip(
            kernel.shape, strides, dilations, extra, strict=False
        )
    ]
    axes = "HWD"[:n_axes]
    return jax.lax.conv_transpose(
        x,
        kernel,
        strides,
        pads,
        rhs_dilation=dilations,
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        transpose_kernel=True,
    )


def _transposed_padding(size: int, stride: int, padding: str, extra: int | None) -> tuple[int, int]:
    """Return the numbers of zeros before and after the spread input."""
    if padding == "same":
        total = size + (stride - 2 if extra is None else size % 2 - 2 + extra)
        before = min(-(-total // 2), size - 1)
        return before, total - before
    if extra is None:
        extra = max(size, stride) - size
    return size - 1, size - 1 + extra


def _pool(x: Any, start: float, function: Any, sizes: Any, strides: Any, padding: str) -> Any:
    window, steps = (1, *sizes, 1), (1, *strides, 1)
    return jax.lax.reduce_window(x, start, function, window, steps, padding.upper())


def _pooling_arguments(x: Any, pool_size: Any, strides: Any) -> Any:
    sizes = _sizes(pool_size, x.ndim - 2)
    return sizes, sizes if strides is None else _sizes(strides, x.ndim - 2)


@operation
def max_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: Any = None,
) -> Any:
    """Return the largest number of each window."""
    check_data_format("max_pool", data_format)
    x = to_jax(inputs)
    sizes, steps = _pooling_arguments(x, pool_size, strides)
    return _pool(x, -jnp.inf, jax.lax.max, sizes, steps, padding)


@operation
def average_pool(
    inputs: Any,
    pool_size: Any,
    strides: Any = None,
    padding: str = "valid",
    data_format: Any = None,
) -> Any:
    """Return the mean of each window; padding does not count."""
    check_data_format("average_pool", data_format)
    x = to_jax(inputs)
    sizes, steps = _pooling_arguments(x, pool_size, strides)
    total = _pool(x, 0.0, jax.lax.add, sizes, steps, padding)
    count = _pool(jnp.ones_like(x), 0.0, jax.lax.add, sizes, steps, padding)
    return total / (count if padding == "same" else math.prod(sizes))


def _adaptive_pool(name: str, function: Any, x: Any, output_size: Any, data_format: Any) -> Any:
    check_data_format(name, data_format)
    x = to_jax(x)
    for axis, n in enumerate(_sizes(output_size, x.ndim - 2), start=1):
        length = x.shape[axis]
        edges = [(i * length // n, -(-(i + 1) * length // n)) for i in range(n)]
        parts = [jnp.take(x, np.arange(*edge), axis) for edge in edges]
        x = jnp.stack([function(part, axis) for part in parts], axis)
    return x


@operation
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
    """Return the means of as many windows as the output has positions."""
    return _adaptive_pool("adaptive_average_pool", jnp.mean, inputs, output_size, data_format)


@operation
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: Any = None) -> Any:
    """Return the largest numbers of as many windows as the output has positions."""
    return _adaptive_pool("adaptive_max_pool", jnp.max, inputs, output_size, data_format)


@operation
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Move blocks of pixels into the channels."""
    check_data_format("space_to_depth", data_format)
    x = to_jax(x)
    n, height, width, channels = x.shape
    rows, columns = height // block_size, width // block_size
    x = x.reshape(n, rows, block_size, columns, block_size, channels)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(n, rows, columns, -1)


@operation
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Any:
    """Move channels into blocks of pixels."""
    check_data_format("depth_to_space", data_format)
    x = to_jax(x)
    n, rows, columns, channels = x.shape
    x = x.reshape(n, rows, columns, block_size, block_size, channels // block_size**2)
    x = x.transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, rows * block_size, columns * block_size, -1)


FUNCTIONS = [
    adaptive_average_pool, adaptive_max_pool, average_pool, batch_normalization,
    binary_crossentropy, categorical_crossentropy, celu, conv, conv_transpose, depth_to_space,
    depthwise_conv, elu, gelu, glu, hard_shrink, layer_normalization, leaky_relu, log_softmax,
    max_pool, moments, multi_hot, normalize, one_hot, polar, psnr, rms_normalization,
    separable_conv, soft_shrink, softmax, space_to_depth, sparse_categorical_crossentropy,
    sparsemax, squareplus, threshold,
]  # fmt: skip
OPERATIONS |= {function.__name__: function for function in FUNCTIONS}

__all__, __getattr__ = export_aliases(__name__, OPERATIONS)
