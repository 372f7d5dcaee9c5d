"""Convolutions of each channel by itself: DepthwiseConv1D, DepthwiseConv2D, and separable ones."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from glassnet import initializers
from glassnet.constraints import ConstraintLike
from glassnet.initializers import Initializer
from glassnet.layers.convolution import Convolution
from glassnet.layers.sliding_window import convolve_depthwise
from glassnet.layers.weight_fields import weight_penalty
from glassnet.regularizers import RegularizerLike
from glassnet.types import Array, Params


class DepthwiseConvolution(Convolution, ABC):
    """Base class of depthwise convolutions. Subclasses define fields."""

    depth_multiplier: int
    depthwise_initializer: Any

    is_affine: ClassVar[bool] = True

    def init_kernels(self, rng: np.random.Generator, channels: int) -> Params:
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        return {"kernel": initializers.get(self.depthwise_initializer)(rng, shape)}

    def count_filters(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def convolve(self, params: Params, x: Array) -> Array:
        return convolve_depthwise(x, params["kernel"], self.window)

    def formula(self) -> str:
        return f"z = x * W{' + b' * self.use_bias} for each channel, {self.window}"

    def penalty(self, params: Params) -> Array:
        # depthwise_regularizer is for the kernel, which has Keras's name
        names = {"kernel": "depthwise"}
        return weight_penalty(self, {names.get(key, key): w for key, w in params.items()})


@dataclass(frozen=True)
class DepthwiseConv1D(DepthwiseConvolution):
    """Depthwise 1D convolution: z[t, c] = sum over m of x[strides t + dilation m, c] W[m, c] + b.

    Each channel has its own kernels and is not mixed with others. a = f(z). If the number of steps
    stays the same, a mask over time is kept. Otherwise a row with any real step is real.

    Shapes:
        (batch, steps, channels) to (batch, steps', channels depth_multiplier), with all outputs of
        the first channel first. kernel W (kernel_size, channels, depth_multiplier), bias b
        (channels depth_multiplier,). steps' is as for `Conv1D`.

    Args:
        kernel_size: number of steps that one output depends on, >= 1.
        strides: number of steps from one output to the next, >= 1.
        padding: zeros around the input: "valid" for none, "same" for half before and half after.
        depth_multiplier: number of kernels for each channel, >= 1.
        dilation_rate: number of steps from one weight of the kernel to the next, >= 1. strides or
            dilation_rate must be 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        depthwise_initializer: initializer of W.
        bias_initializer: initializer of b.
        depthwise_regularizer: penalty on W, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        depthwise_constraint: limit on W after every step: see `gn.constraints`.
        bias_constraint: limit on b after every step.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1; a name
            is unknown; once the shape is known, an example is not (steps, channels), or has fewer
            steps than an unpadded kernel spans.

    Example:
        The first channel is summed over two steps, the second is scaled:

        >>> steps = np.array([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0]]).reshape(1, 3, 2)
        >>> params = {"kernel": np.array([[1.0, 9.0], [1.0, 0.0]]).reshape(2, 2, 1)}
        >>> DepthwiseConv1D(2, use_bias=False)(params, steps)[0].tolist()
        [[3.0, 9.0], [6.0, 18.0]]

    Source: Sifre 2014, Rigid-motion scattering for image classification, section 6.2; Keras's
        arguments.
    """

    kernel_size: Any
    strides: Any = 1
    padding: str = "valid"
    depth_multiplier: int = 1
    dilation_rate: Any = 1
    activation: str | Callable[[Array], Array] | None = None
    use_bias: bool = True
    depthwise_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    depthwise_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    depthwise_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)

    rank: ClassVar[int] = 1


@dataclass(frozen=True)
class DepthwiseConv2D(DepthwiseConvolution):
    """Depthwise 2D convolution: z[i, j, c] = sum over m, n of x[i + m, j + n, c] W[m, n, c] + b.

    Each channel has its own kernels and is not mixed with others. a = f(z). With strides s and
    dilation d it sums x[s i + d m, s j + d n, c] W[m, n, c].

    Shapes:
        (batch, height, width, channels) to (batch, height', width', channels depth_multiplier),
        with all outputs of the first channel first. kernel W (kernel height, kernel width,
        channels, depth_multiplier), bias b (channels depth_multiplier,). height' and width' are as
        for `Conv2D`.

    Args:
        kernel_size: height and width of the kernel in pixels, each >= 1. Here and below an int is
            both.
        strides: number of pixels from one output to the next, >= 1.
        padding: "valid" for none, "same" for zeros on all sides.
        depth_multiplier: number of kernels for each channel, >= 1.
        dilation_rate: number of pixels from one weight of the kernel to the next, >= 1. strides or
            dilation_rate must be 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        depthwise_initializer: initializer of W.
        bias_initializer: initializer of b.
        depthwise_regularizer: penalty on W, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        depthwise_constraint: limit on W after every step: see `gn.constraints`.
        bias_constraint: limit on b after every step.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1; a name
            is unknown; once the shape is known, an example is not an image with channels, or is
            smaller than an unpadded kernel spans.

    Example:
        >>> layer = DepthwiseConv2D(3, depth_multiplier=2)
        >>> params = layer.init(np.random.default_rng(0), (8, 8, 3))
        >>> params["kernel"].shape, params["bias"].shape
        ((3, 3, 3, 2), (6,))

    Source: Sifre 2014, Rigid-motion scattering for image classification, section 6.2; Howard et al.
        2017, arXiv 1704.04861, eq. 3; Keras's arguments.
    """

    kernel_size: Any
    strides: Any = (1, 1)
    padding: str = "valid"
    depth_multiplier: int = 1
    dilation_rate: Any = (1, 1)
    activation: str | Callable[[Array], Array] | None = None
    use_bias: bool = True
    depthwise_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    depthwise_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    depthwise_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)


@dataclass(frozen=True)
class SeparableConvolution(Convolution):
    """Base class of separable convolutions: their fields and their two kernels."""

    filters: int
    kernel_size: Any
    strides: Any = (1, 1)
    padding: str = "valid"
    dilation_rate: Any = (1, 1)
    depth_multiplier: int = 1
    activation: str | Callable[[Array], Array] | None = None
    use_bias: bool = True
    depthwise_initializer: str | Initializer = "glorot_uniform"
    pointwise_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    depthwise_regularizer: RegularizerLike = None
    pointwise_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    depthwise_constraint: ConstraintLike = field(default=None, kw_only=True)
    pointwise_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)

    def init_kernels(self, rng: np.random.Generator, channels: int) -> Params:
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        pointwise = (*[1] * self.rank, channels * self.depth_multiplier, self.filters)
        return {
            "depthwise_kernel": initializers.get(self.depthwise_initializer)(rng, depthwise),
            "pointwise_kernel": initializers.get(self.pointwise_initializer)(rng, pointwise),
        }

    def count_filters(self, channels: int) -> int:
        return self.filters

    def convolve(self, params: Params, x: Array) -> Array:
        pointwise = params["pointwise_kernel"]
        y = convolve_depthwise(x, params["depthwise_kernel"], self.window)
        return y @ pointwise.reshape(pointwise.shape[-2:])

    def formula(self) -> str:
        return f"z = (x * D) P{' + b' * self.use_bias}, {self.window}"

    def penalty(self, params: Params) -> Array:
        # depthwise_regularizer is for depthwise_kernel
        return weight_penalty(self, {key.removesuffix("_kernel"): w for key, w in params.items()})


@dataclass(frozen=True)
class SeparableConv1D(SeparableConvolution):
    """Separable 1D convolution: z = (x * D) P + b, a = f(z).

    The kernels D convolve each channel by itself, as `DepthwiseConv1D` does. P mixes the channels
    of each step. If the number of steps stays the same, a mask over time is kept. Otherwise a row
    with any real step is real.

    Shapes:
        (batch, steps, channels) to (batch, steps', filters). depthwise_kernel D (kernel_size,
        channels, depth_multiplier), pointwise_kernel P (1, channels depth_multiplier, filters),
        bias b (filters,). steps' is as for `Conv1D`.

    Args:
        filters: number of output channels, >= 1.
        kernel_size: number of steps that one output depends on, >= 1.
        strides: number of steps from one output to the next, >= 1.
        padding: zeros around the input: "valid" for none, "same" for half before and half after.
        dilation_rate: number of steps from one weight of D to the next, >= 1. strides or
            dilation_rate must be 1.
        depth_multiplier: number of kernels in D for each channel, >= 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        depthwise_initializer: initializer of D.
        pointwise_initializer: initializer of P.
        bias_initializer: initializer of b.
        depthwise_regularizer: penalty on D, added to the loss.
        pointwise_regularizer: penalty on P, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        depthwise_constraint: limit on D after every step: see `gn.constraints`.
        pointwise_constraint: limit on P after every step.
        bias_constraint: limit on b after every step.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1; a name
            is unknown; once the shape is known, an example is not (steps, channels), or has fewer
            steps than an unpadded kernel spans.

    Example:
        >>> layer = SeparableConv1D(5, 3)
        >>> [w.shape for w in layer.init(np.random.default_rng(0), (8, 2)).values()]
        [(3, 2, 1), (1, 2, 5), (5,)]

    Source: Chollet 2017, arXiv 1610.02357, section 1; Keras's arguments.
    """

    strides: Any = 1
    dilation_rate: Any = 1

    rank: ClassVar[int] = 1


@dataclass(frozen=True)
class SeparableConv2D(SeparableConvolution):
    """Separable 2D convolution: z = (x * D) P + b, a = f(z).

    The kernels D convolve each channel by itself, as `DepthwiseConv2D` does. P mixes the channels
    of each pixel. This takes fewer weights than a `Conv2D` of the same size.

    Shapes:
        (batch, height, width, channels) to (batch, height', width', filters). depthwise_kernel D
        (kernel height, kernel width, channels, depth_multiplier), pointwise_kernel P (1, 1,
        channels depth_multiplier, filters), bias b (filters,). height' and width' are as for
        `Conv2D`.

    Args:
        filters: number of output channels, >= 1.
        kernel_size: height and width of D's kernels in pixels, each >= 1. Here and below an int is
            both.
        strides: number of pixels from one output to the next, >= 1.
        padding: "valid" for none, "same" for zeros on all sides.
        dilation_rate: number of pixels from one weight of D to the next, >= 1. strides or
            dilation_rate must be 1.
        depth_multiplier: number of kernels in D for each channel, >= 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        depthwise_initializer: initializer of D.
        pointwise_initializer: initializer of P.
        bias_initializer: initializer of b.
        depthwise_regularizer: penalty on D, added to the loss.
        pointwise_regularizer: penalty on P, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        depthwise_constraint: limit on D after every step: see `gn.constraints`.
        pointwise_constraint: limit on P after every step.
        bias_constraint: limit on b after every step.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1; a name
            is unknown; once the shape is known, an example is not an image with channels, or is
            smaller than an unpadded kernel spans.

    Example:
        >>> layer = SeparableConv2D(64, 3)
        >>> params = layer.init(np.random.default_rng(0), (8, 8, 32))
        >>> sum(weight.size for weight in params.values()), 3 * 3 * 32 * 64 + 64  # Conv2D
        (2400, 18496)

    Source: Chollet 2017, arXiv 1610.02357, section 1; Keras's arguments.
    """
