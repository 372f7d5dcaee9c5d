"""Keras's operations on images."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import require
from glassnet.keras.compat import export_aliases
from glassnet.keras.ops.nn import conv, depthwise_conv
from glassnet.keras.ops.operation import check_data_format, operation, to_jax
from glassnet.layers.resizing import crop_to_ratio, pad_to_ratio

GRAY_WEIGHTS = (0.2989, 0.5870, 0.1140)


@operation
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: Any = None,
) -> Any:
    """Change the height and width of images.

    Images keep their proportions if they are cropped or padded first.
    """
    check_data_format("resize", data_format)
    require(
        not (crop_to_aspect_ratio and pad_to_aspect_ratio),
        "resize",
        "crop_to_aspect_ratio or pad_to_aspect_ratio, not both",
    )
    require(fill_mode == "constant", "resize", "fill_mode='constant'", fill_mode=fill_mode)
    x = to_jax(images)
    height, width = size
    if crop_to_aspect_ratio:
        x = crop_to_ratio(x, height, width)
    if pad_to_aspect_ratio:
        x = pad_to_ratio(x, height, width, fill_value)
    shape = (*x.shape[:-3], height, width, x.shape[-1])
    return jax.image.resize(x, shape, interpolation, antialias)


@operation
def rgb_to_grayscale(images: Any, data_format: Any = None) -> Any:
    """Return the brightness 0.2989 R + 0.587 G + 0.114 B as the only channel."""
    check_data_format("rgb_to_grayscale", data_format)
    x = to_jax(images)
    if x.shape[-1] == 1:
        return x
    gray = jnp.asarray(x, jnp.result_type(x, "float32")) @ jnp.array(GRAY_WEIGHTS)
    return gray[..., None].astype(x.dtype)


@operation
def rgb_to_hsv(images: Any, data_format: Any = None) -> Any:
    """Return hue, saturation and value of colors between 0 and 1."""
    check_data_format("rgb_to_hsv", data_format)
    x = to_jax(images)
    red, green, blue = jnp.moveaxis(x, -1, 0)
    value, spread = x.max(-1), x.max(-1) - x.min(-1)
    divisor = 6 * jnp.where(spread > 0, spread, 1)
    hue = jnp.where(
        value == red,
        (green - blue) / divisor,
        jnp.where(value == green, (blue - red) / divisor + 1 / 3, (red - green) / divisor + 2 / 3),
    )
    hue = jnp.where(spread > 0, hue % 1.0, 0)
    saturation = jnp.where(value > 0, spread / jnp.where(value > 0, value, 1), 0)
    return jnp.stack([hue, saturation, value], -1)


@operation
def hsv_to_rgb(images: Any, data_format: Any = None) -> Any:
    """Return red, green and blue of hue, saturation and value between 0 and 1."""
    check_data_format("hsv_to_rgb", data_format)
    hue, saturation, value = jnp.moveaxis(to_jax(images), -1, 0)
    angle = hue % 1.0 * 6
    shares = [abs(angle - 3) - 1, 2 - abs(angle - 2), 2 - abs(angle - 4)]
    return jnp.stack(
        [value * (1 - saturation + saturation * jnp.clip(share, 0, 1)) for share in shares], -1
    )


def _complete(first: Any, last: Any, size: int, target: Any, sign: int) -> tuple[int, int]:
    """Return both pads (sign 1) or croppings (sign -1) of an axis, of which one may be None."""
    require(
        [first, last, target].count(None) == 1,
        "pad_images" if sign > 0 else "crop_images",
        "two of the numbers on both sides and the target size",
        first=first,
        last=last,
        target=target,
    )
    change = None if target is None else sign * (target - size)
    first = change - last if first is None else first
    last = change - first if last is None else last
    require(first >= 0 and last >= 0, "images", "pixels >= 0 on both sides", pixels=(first, last))
    return int(first), int(last)


@operation
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: Any = None,
) -> Any:
    """Put zeros around images."""
    check_data_format("pad_images", data_format)
    x = to_jax(images)
    rows = _complete(top_padding, bottom_padding, x.shape[-3], target_height, 1)
    columns = _complete(left_padding, right_padding, x.shape[-2], target_width, 1)
    return jnp.pad(x, [(0, 0)] * (x.ndim - 3) + [rows, columns, (0, 0)])


@operation
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: Any = None,
) -> Any:
    """Cut off the borders of images."""
    check_data_format("crop_images", data_format)
    x = to_jax(images)
    height, width = x.shape[-3:-1]
    top, bottom = _complete(top_cropping, bottom_cropping, height, target_height, -1)
    left, right = _complete(left_cropping, right_cropping, width, target_width, -1)
    return x[..., top : height - bottom, left : width - right, :]


@operation
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: Any = None,
) -> Any:
    """Return the pixels of each window as one row of channels."""
    check_data_format("extract_patches", data_format)
    x = to_jax(images)
    batch = x if x.ndim == 4 else x[None]
    sizes = (size, size) if isinstance(size, int) else tuple(size)
    n_pixels = math.prod(sizes) * x.shape[-1]
    kernel = jnp.eye(n_pixels, dtype=x.dtype).reshape(*sizes, x.shape[-1], n_pixels)
    patches = conv(batch, kernel, strides or sizes, padding, None, dilation_rate)
    return patches if x.ndim == 4 else patches[0]


@operation
def map_coordinates(
    inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant", fill_value: float = 0
) -> Any:
    """Return the numbers at coordinates, rounded (order 0) or interpolated (order 1)."""
    coordinates = list(to_jax(coordinates))
    return jax.scipy.ndimage.map_coordinates(
        to_jax(inputs), coordinates, order, fill_mode, fill_value
    )


@operation
def affine_transform(
    images: Any,
    transform: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: Any = None,
) -> Any:
    """Return images whose pixel (x, y) is that at (a x + b y + c, d x + e y + f).

    A transform has the eight numbers a, b, c, d, e, f, 0, 0.
    """
    check_data_format("affine_transform", data_format)
    x, transform = to_jax(images), jnp.atleast_2d(to_jax(transform))
    batch = x if x.ndim == 4 else x[None]
    rows, columns, channels = jnp.meshgrid(*map(jnp.arange, batch.shape[1:]), indexing="ij")

    def move(image: Any, each: Any) -> Any:
        a, b, c, d, e, f = each[:6]
        coordinates = [d * columns + e * rows + f, a * columns + b * rows + c, channels]
        order = {"nearest": 0, "bilinear": 1}[interpolation]
        return jax.scipy.ndimage.map_coordinates(image, coordinates, order, fill_mode, fill_value)

    moved = jax.vmap(move)(batch, jnp.broadcast_to(transform, (len(batch), transform.shape[1])))
    return moved if x.ndim == 4 else moved[0]


@operation
def scale_and_translate(
    images: Any,
    output_shape: Any,
    scale: Any,
    translation: Any,
    spatial_dims: Any,
    method: str,
    antialias: bool = True,
) -> Any:
    """Scale images, then move them."""
    scale, translation = to_jax(scale), to_jax(translation)
    return jax.image.scale_and_translate(
        to_jax(images), output_shape, spatial_dims, scale, translation, method, antialias
    )


def _gaussian(size: int, sigma: Any) -> Any:
    x = jnp.arange(size) - (size - 1) / 2
    weights = jnp.exp(-((x / sigma) ** 2) / 2)
    return weights / weights.sum()


@operation
def gaussian_blur(
    images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0), data_format: Any = None
) -> Any:
    """Blur images by weighted means of neighbors."""
    check_data_format("gaussian_blur", data_format)
    x = to_jax(images)
    kernel = jnp.outer(
        _gaussian(kernel_size[1], sigma[1]), _gaussian(kernel_size[0], sigma[0])
    ).astype(x.dtype)
    kernel = jnp.tile(kernel[..., None, None], (1, 1, x.shape[-1], 1))
    blurred = depthwise_conv(x if x.ndim == 4 else x[None], kernel, padding="same")
    return blurred if x.ndim == 4 else blurred[0]


@operation
def sobel_edges(images: Any, data_format: Any = None) -> Any:
    """Return the slopes of the brightness, vertical and horizontal, in a new last axis."""
    check_data_format("sobel_edges", data_format)
    x = to_jax(images)
    slope = np.outer([1, 2, 1], [-1, 0, 1])
    edges = [
        depthwise_conv(
            x,
            jnp.tile(jnp.asarray(kernel, x.dtype)[..., None, None], (1, 1, x.shape[-1], 1)),
            padding="same",
        )
        for kernel in (slope.T, slope)
    ]
    return jnp.stack(edges, -1)


@operation
def ssim(
    image1: Any,
    image2: Any,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: Any = None,
) -> Any:
    """Return the structural similarity of images: 1 if they are equal."""
    check_data_format("ssim", data_format)
    a, b = (jnp.asarray(x, "float32") for x in (image1, image2))
    window = _gaussian(filter_size, filter_sigma)
    kernel = jnp.tile(jnp.outer(window, window)[..., None, None], (1, 1, a.shape[-1], 1))

    def local_mean(x: Any) -> Any:
        return jnp.asarray(depthwise_conv(x if x.ndim == 4 else x[None], kernel))

    mean_a, mean_b = local_mean(a), local_mean(b)
    variances = local_mean(a * a) - mean_a**2 + local_mean(b * b) - mean_b**2
    covariance = local_mean(a * b) - mean_a * mean_b
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    similarity /= (mean_a**2 + mean_b**2 + c1) * (variances + c2)
    result = similarity.mean((1, 2, 3))
    return result if a.ndim == 4 else result[0]


FUNCTIONS = [
    affine_transform, crop_images, extract_patches, gaussian_blur, hsv_to_rgb, map_coordinates,
    pad_images, resize, rgb_to_grayscale, rgb_to_hsv, scale_and_translate, sobel_edges, ssim,
]  # fmt: skip

__all__, __getattr__ = export_aliases(
    __name__, {function.__name__: function for function in FUNCTIONS}
)
