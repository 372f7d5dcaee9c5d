"""Convolutions over steps and pixels: Conv1D, Conv2D, Conv1DTranspose and Conv2DTranspose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from glassnet import activations, initializers
from glassnet.constraints import ConstraintLike
from glassnet.errors import is_int, require
from glassnet.initializers import Initializer
from glassnet.layers.activation import split_activation
from glassnet.layers.layer import Layer
from glassnet.layers.sliding_window import (
    SlidingWindow,
    check_fit,
    check_rank,
    convolve_groups,
    convolve_transpose,
    propagate_mask,
    repeat_to_tuple,
    standardize_tuple,
)
from glassnet.layers.weight_fields import resolve_fields, weight_penalty
from glassnet.regularizers import RegularizerLike
from glassnet.types import Array, Params, Shape


class Convolution(Layer, ABC):
    """Base class of convolutions: their checks, bias and activation. Subclasses define fields."""

    kernel_size: Any
    strides: Any
    padding: str
    dilation_rate: Any
    activation: str | Callable[[Array], Array] | None
    use_bias: bool
    bias_initializer: Any

    rank: ClassVar[int] = 2
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __post_init__(self) -> None:
        who = type(self).__name__
        for name in vars(self).keys() & {"filters", "depth_multiplier", "groups"}:
            value = getattr(self, name)
            require(is_int(value, least=1), who, f"{name} to be an int >= 1", **{name: value})
        for name in ("kernel_size", "strides", "dilation_rate"):
            object.__setattr__(self, name, standardize_tuple(self, name, self.rank))
        require(
            self.padding in self.paddings,
            who,
            f"padding to be one of {', '.join(self.paddings)}",
            padding=self.padding,
            fix="Only Conv1D has causal padding." if self.padding == "causal" else "",
        )
        require(
            max(self.strides) == 1 or max(self.dilation_rate) == 1,
            who,
            "strides or dilation_rate to be 1",
            strides=self.strides,
            dilation_rate=self.dilation_rate,
        )
        if self.activation is not None:
            object.__setattr__(self, "activation", activations.canonicalize(self.activation))
        resolve_fields(self)

    @property
    def window(self) -> SlidingWindow:
        """Window that slides over the input, or, if transposed, over the output."""
        return SlidingWindow(self.kernel_size, self.strides, self.dilation_rate, self.padding)

    @abstractmethod
    def init_kernels(self, rng: np.random.Generator, channels: int) -> Params:
        """Return the initial kernels for an input of `channels` channels."""

    @abstractmethod
    def convolve(self, params: Params, x: Array) -> Array:
        """Return the output without bias and activation."""

    @abstractmethod
    def count_filters(self, channels: int) -> int:
        """Return the number of output channels for an input of `channels` channels."""

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        self.check_shape(shape)
        params = self.init_kernels(rng, shape[-1])
        if self.use_bias:
            size = (self.count_filters(shape[-1]),)
            params["bias"] = initializers.get(self.bias_initializer)(rng, size)
        return params

    def __call__(self, params: Params, x: Array) -> Array:
        z = self.convolve(params, x)
        return z + params["bias"] if self.use_bias else z

    def check_shape(self, shape: Shape) -> None:
        """Reject an input shape into which the kernel does not fit."""
        check_fit(self, self.window, shape)

    def output_sizes(self, shape: Shape) -> tuple[int, ...]:
        """Return the sizes of the output for an input of these sizes, without channels."""
        return self.window.output_sizes(shape)

    def mask(self, x: Array, mask: Array | None) -> Array | None:
        return propagate_mask(mask, x.shape[1], self.output_sizes(x.shape[1:-1])[0])

    def penalty(self, params: Params) -> Array:
        return weight_penalty(self, params)

    def unfold(self) -> tuple[Layer, ...]:
        return split_activation(self)


@dataclass(frozen=True)
class FullConvolution(Convolution):
    """Base class of convolutions that mix all channels: their fields and their one kernel."""

    filters: int
    kernel_size: Any
    strides: Any = (1, 1)
    padding: str = "valid"
    dilation_rate: Any = (1, 1)
    activation: str | Callable[[Array], Array] | None = None
    use_bias: bool = True
    kernel_initializer: str | Initializer = "glorot_uniform"
    bias_initializer: str | Initializer = "zeros"
    kernel_regularizer: RegularizerLike = None
    bias_regularizer: RegularizerLike = None
    kernel_constraint: ConstraintLike = field(default=None, kw_only=True)
    bias_constraint: ConstraintLike = field(default=None, kw_only=True)

    is_affine: ClassVar[bool] = True

    @abstractmethod
    def kernel_shape(self, channels: int) -> Shape:
        """Return the shape of the kernel for an input of `channels` channels."""

    def init_kernels(self, rng: np.random.Generator, channels: int) -> Params:
        return {
            "kernel": initializers.get(self.kernel_initializer)(rng, self.kernel_shape(channels))
        }

    def count_filters(self, channels: int) -> int:
        return self.filters

    def formula(self) -> str:
        return f"z = x * W{' + b' * self.use_bias}, {self.window}"


@dataclass(frozen=True)
class GroupedConvolution(FullConvolution):
    """Base class of Conv1D and Conv2D: the channels may be split into groups."""

    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        require(
            self.filters % self.groups == 0,
            type(self).__name__,
            "filters to be a multiple of groups",
            filters=self.filters,
            groups=self.groups,
        )

    def check_shape(self, shape: Shape) -> None:
        super().check_shape(shape)
        require(
            shape[-1] % self.groups == 0,
            self.name or type(self).__name__,
            f"a number of channels that is a multiple of groups, {self.groups}",
            input_shape=shape,
        )

    def kernel_shape(self, channels: int) -> Shape:
        return (*self.kernel_size, channels // self.groups, self.filters)

    def convolve(self, params: Params, x: Array) -> Array:
        return convolve_groups(x, params["kernel"], self.window, self.groups)

    def formula(self) -> str:
        groups = f", {self.groups} groups" if self.groups > 1 else ""
        return f"{super().formula()}{groups}"


@dataclass(frozen=True)
class Conv1D(GroupedConvolution):
    """1D convolution: z[t] = sum over m of x[strides t + dilation m] W[m] + b, a = f(z).

    If the number of steps stays the same, a mask over time is kept. Otherwise a row with any real
    step is real.

    Shapes:
        (batch, steps, channels) to (batch, steps', filters). kernel W (kernel_size, channels /
        groups, filters), bias b (filters,). steps' is steps / strides, rounded up. With padding
        "valid" it is (steps - dilation_rate (kernel_size - 1)) / strides, rounded up.

    Args:
        filters: number of output channels, >= 1.
        kernel_size: number of steps that one output depends on, >= 1.
        strides: number of steps from one output to the next, >= 1.
        padding: zeros around the input: "valid" for none, "same" for half before and half after,
            "causal" for all before, so that no output depends on later steps.
        dilation_rate: number of steps from one weight of the kernel to the next, >= 1. strides or
            dilation_rate must be 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        kernel_initializer: initializer of W.
        bias_initializer: initializer of b.
        kernel_regularizer: penalty on W, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        kernel_constraint: limit on W after every step: see `gn.constraints`.
        bias_constraint: limit on b after every step.
        groups: number of groups, >= 1, into which channels and filters are split in order. Each
            filter uses the channels of its group only.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1; filters
            or channels are no multiple of groups; a name is unknown; once the shape is known, an
            example is not (steps, channels), or has fewer steps than an unpadded kernel spans.

    Example:
        The difference between each step and the one before:

        >>> steps = np.array([1.0, 2.0, 4.0, 7.0]).reshape(1, 4, 1)
        >>> params = {"kernel": np.array([-1.0, 1.0]).reshape(2, 1, 1), "bias": np.array([0.0])}
        >>> Conv1D(1, 2)(params, steps).ravel().tolist()
        [1.0, 2.0, 3.0]

    Source: Waibel et al. 1989, Phoneme recognition using time-delay neural networks; "causal" van
        den Oord et al. 2016, arXiv 1609.03499, section 2.1; Keras's arguments.
    """

    strides: Any = 1
    dilation_rate: Any = 1

    rank: ClassVar[int] = 1
    paddings: ClassVar[tuple[str, ...]] = ("valid", "same", "causal")

    @property
    def ignores_padding(self) -> bool:
        return self.padding == "causal" and self.window.strides == (1,)


@dataclass(frozen=True)
class Conv2D(GroupedConvolution):
    """2D convolution: z[i, j] = sum over m, n of x[i + m, j + n] W[m, n] + b, a = f(z).

    With strides s and dilation d it sums x[s i + d m, s j + d n] W[m, n].

    Shapes:
        (batch, height, width, channels) to (batch, height', width', filters). kernel W (kernel
        height, kernel width, channels / groups, filters), bias b (filters,). height' is height /
        strides, rounded up. With padding "valid" it is (height - dilation_rate (kernel height -
        1)) / strides, rounded up. width' follows the same formula.

    Args:
        filters: number of output channels, >= 1.
        kernel_size: height and width of the kernel in pixels, each >= 1. Here and below an int is
            both.
        strides: number of pixels from one output to the next, >= 1.
        padding: "valid" for none, "same" for zeros on all sides.
        dilation_rate: number of pixels from one weight of the kernel to the next, >= 1. strides or
            dilation_rate must be 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        kernel_initializer: initializer of W.
        bias_initializer: initializer of b.
        kernel_regularizer: penalty on W, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        kernel_constraint: limit on W after every step: see `gn.constraints`.
        bias_constraint: limit on b after every step.
        groups: number of groups, >= 1, into which channels and filters are split in order. Each
            filter uses the channels of its group only.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1; filters
            or channels are no multiple of groups; a name is unknown; once the shape is known, an
            example is not an image with channels, or is smaller than an unpadded kernel spans.

    Example:
        The increase in brightness from left to right:

        >>> image = np.array([[0.0, 0.0, 9.0], [0.0, 9.0, 9.0]]).reshape(1, 2, 3, 1)
        >>> params = {"kernel": np.array([-1.0, 1.0]).reshape(1, 2, 1, 1), "bias": np.array([0.0])}
        >>> Conv2D(1, (1, 2))(params, image)[0, :, :, 0].tolist()
        [[0.0, 9.0], [9.0, 0.0]]

    Source: LeCun et al. 1998, Gradient-based learning applied to document recognition, section II;
        Keras's arguments.
    """


@dataclass(frozen=True)
class TransposedConvolution(FullConvolution):
    """Base class of transposed convolutions, which map few steps or pixels to many."""

    output_padding: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_padding is None:
            return
        sizes = repeat_to_tuple(self.output_padding, self.rank)
        fits = len(sizes) == self.rank and all(is_int(p, least=0) for p in sizes)
        fits = fits and all(p < s for p, s in zip(sizes, self.strides, strict=True))
        expected = f"output_padding to be ints from 0 to below strides, {self.strides}"
        require(fits, type(self).__name__, expected, output_padding=self.output_padding)
        object.__setattr__(self, "output_padding", tuple(map(int, sizes)))

    def kernel_shape(self, channels: int) -> Shape:
        return (*self.kernel_size, self.filters, channels)

    def check_shape(self, shape: Shape) -> None:
        check_rank(self, self.rank, shape)

    def output_sizes(self, shape: Shape) -> tuple[int, ...]:
        spans = self.window.dilated_size
        if self.output_padding is not None:
            return tuple(
                (n - 1) * s + (span if self.padding == "valid" else span % 2) + p
                for n, s, span, p in zip(
                    shape, self.strides, spans, self.output_padding, strict=True
                )
            )
        extra = [
            max(span - s, 0) if self.padding == "valid" else 0
            for span, s in zip(spans, self.strides, strict=True)
        ]
        return tuple(n * s + more for n, s, more in zip(shape, self.strides, extra, strict=True))

    def _output_window(self, shape: tuple[int, ...]) -> SlidingWindow:
        """Return the window that slides over the output, with its padding as numbers.

        With output_padding and padding "same", as many pixels are cut off before as after, or one
        more after.
        """
        if self.output_padding is None or self.padding == "valid":
            return self.window
        pads = []
        for n, s, span, p in zip(
            shape, self.strides, self.window.dilated_size, self.output_padding, strict=True
        ):
            full = span + span % 2 - 2 + p
            before = span - 1 - min(full // 2 + full % 2, span - 1)
            size = (n - 1) * s + span % 2 + p
            pads.append((before, max((n - 1) * s + span - before - size, 0)))
        return self.window._replace(padding=tuple(pads))

    def convolve(self, params: Params, x: Array) -> Array:
        shape = x.shape[1:-1]
        window, sizes = self._output_window(shape), self.output_sizes(shape)
        return convolve_transpose(x, params["kernel"], window, sizes)

    def formula(self) -> str:
        return f"z = conv_transpose(x, W){' + b' * self.use_bias}, {self.window}"


@dataclass(frozen=True)
class Conv1DTranspose(TransposedConvolution):
    """Transposed 1D convolution: z[s t + d m] += x[t] W[m], plus b, a = f(z).

    Each input step adds its weighted kernel to the output. Strides s and dilation d are those of
    the Conv1D whose backward pass this is, so it maps few steps to many. If the number of steps
    stays the same, a mask over time is kept. Otherwise a row with any real step is real.

    Shapes:
        (batch, steps, channels) to (batch, steps', filters). kernel W (kernel_size, filters,
        channels), bias b (filters,). steps' is strides steps. With padding "valid",
        max(dilation_rate (kernel_size - 1) + 1 - strides, 0) is added. With output_padding p and
        k = dilation_rate (kernel_size - 1) + 1, steps' is strides (steps - 1) + k + p with padding
        "valid", and strides (steps - 1) + k mod 2 + p with "same".

    Args:
        filters: number of output channels, >= 1.
        kernel_size: number of output steps that one input adds to, >= 1.
        strides: number of output steps from one input to the next, >= 1.
        padding: "valid" for the full output, "same" for strides times the input size, with the
            ends cut off.
        dilation_rate: number of steps from one weight of the kernel to the next, >= 1. strides or
            dilation_rate must be 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        kernel_initializer: initializer of W.
        bias_initializer: initializer of b.
        kernel_regularizer: penalty on W, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        kernel_constraint: limit on W after every step: see `gn.constraints`.
        bias_constraint: limit on b after every step.
        output_padding: number of output steps to add at the end, from 0 to below strides; None
            chooses it as above.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1;
            output_padding is not below strides; a name is unknown; once the shape is known, an
            example is not (steps, channels).

    Example:
        Two steps with a kernel of three and strides of two overlap in the middle:

        >>> layer = Conv1DTranspose(1, 3, strides=2, use_bias=False)
        >>> params = {"kernel": np.array([1.0, 2.0, 3.0]).reshape(3, 1, 1)}
        >>> layer(params, np.array([1.0, 10.0]).reshape(1, 2, 1)).ravel().tolist()
        [1.0, 2.0, 13.0, 20.0, 30.0]

    Source: Zeiler et al. 2010, Deconvolutional networks; Dumoulin and Visin 2016, arXiv 1603.07285,
        chapter 4; Keras's arguments.
    """

    strides: Any = 1
    dilation_rate: Any = 1

    rank: ClassVar[int] = 1


@dataclass(frozen=True)
class Conv2DTranspose(TransposedConvolution):
    """Transposed 2D convolution: z[s i + d m, s j + d n] += x[i, j] W[m, n], plus b, a = f(z).

    Each input pixel adds its weighted kernel to the output. Strides s and dilation d are those of
    the Conv2D whose backward pass this is, so it maps few pixels to many.

    Shapes:
        (batch, height, width, channels) to (batch, height', width', filters). kernel W (kernel
        height, kernel width, filters, channels), bias b (filters,). height' is strides height. With
        padding "valid", max(dilation_rate (kernel height - 1) + 1 - strides, 0) is added. With
        output_padding p and k = dilation_rate (kernel height - 1) + 1, height' is strides
        (height - 1) + k + p with padding "valid", and strides (height - 1) + k mod 2 + p with
        "same". width' follows the same formulas.

    Args:
        filters: number of output channels, >= 1.
        kernel_size: height and width of the kernel in pixels, each >= 1. Here and below an int is
            both.
        strides: number of output pixels from one input to the next, >= 1.
        padding: "valid" for the full output, "same" for strides times the input size, with the
            edges cut off.
        dilation_rate: number of pixels from one weight of the kernel to the next, >= 1. strides or
            dilation_rate must be 1.
        activation: f; None returns z. It runs as a separate link, so z and a are both visible.
        use_bias: whether b exists.
        kernel_initializer: initializer of W.
        bias_initializer: initializer of b.
        kernel_regularizer: penalty on W, added to the loss.
        bias_regularizer: penalty on b, added to the loss.
        kernel_constraint: limit on W after every step: see `gn.constraints`.
        bias_constraint: limit on b after every step.
        output_padding: number of output pixels to add at the end, from 0 to below strides; None
            chooses it as above.

    Raises:
        ConfigError: a size is not an int >= 1; strides and dilation_rate are both above 1;
            output_padding is not below strides; a name is unknown; once the shape is known, an
            example is not an image with channels.

    Example:
        Two pixels with a kernel of width three and strides of two overlap in the middle:

        >>> layer = Conv2DTranspose(1, (1, 3), strides=(1, 2), use_bias=False)
        >>> params = {"kernel": np.array([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)}
        >>> layer(params, np.array([1.0, 10.0]).reshape(1, 1, 2, 1)).ravel().tolist()
        [1.0, 2.0, 13.0, 20.0, 30.0]

    Source: Zeiler et al. 2010, Deconvolutional networks; Dumoulin and Visin 2016, arXiv 1603.07285,
        chapter 4; Keras's arguments.
    """
