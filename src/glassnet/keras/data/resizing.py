"""Images resized as TensorFlow resizes them: pixels have centers, and nothing is smoothed first.

Each pixel of the result is a weighted mean of pixels near its place in the image. The weights of
rows and columns are independent.

Source:
    TensorFlow's kernels `resize_bilinear_op`, `resize_bicubic_op`, `resize_area_op` and
    `scale_and_translate_op`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from glassnet.types import Array


class Kernel(NamedTuple):
    """Weights of pixels by their distance.

    Attributes:
        radius: distance from which on the weight is 0.
        weigh: returns the weights of distances below the radius.
    """

    radius: float
    weigh: Callable[[Array], Array]


def _lanczos(radius: float) -> Kernel:
    return Kernel(radius, lambda x: np.sinc(x) * np.sinc(x / radius))


def _cubic(b: float, c: float) -> Kernel:
    """Return the cubic kernel of Mitchell and Netravali."""

    def weigh(x: Array) -> Array:
        near = (12 - 9 * b - 6 * c) * x**3 + (-18 + 12 * b + 6 * c) * x**2 + 6 - 2 * b
        far = (-b - 6 * c) * x**3 + (6 * b + 30 * c) * x**2 - (12 * b + 48 * c) * x + 8 * b + 24 * c
        return np.where(x < 1, near, far) / 6

    return Kernel(2, weigh)


KERNELS = {
    "bicubic": _cubic(0, 0.5),
    "mitchellcubic": _cubic(1 / 3, 1 / 3),
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
    "gaussian": Kernel(1.5, lambda x: np.exp(-2 * x**2)),
}
CUBIC_STEPS = 1024
"""TensorFlow reads the bicubic weights from a table with this many steps per pixel."""

INTERPOLATIONS = ("bilinear", "nearest", "area", *KERNELS)


def resize(image: Array, size: tuple[int, int], interpolation: str) -> Array:
    """Return an image (height, width, channels) in another size, as float32.

    Args:
        image: the pixels.
        size: the new (height, width).
        interpolation: one of INTERPOLATIONS.

    Example:
        >>> resize(np.array([[[0], [8]]]), (1, 4), "bilinear")[0, :, 0].tolist()
        [0.0, 2.0, 6.0, 8.0]
    """
    if interpolation == "bilinear":
        return _resize_bilinear(image, size)
    if interpolation == "nearest":
        rows, columns = (
            np.minimum(_places(n_in, n).astype(int), n_in - 1)
            for n_in, n in zip(image.shape, size, strict=False)
        )
        return image.take(rows, 0).take(columns, 1).astype(np.float32)
    rows, columns = (
        _weights(n_in, n, interpolation) for n_in, n in zip(image.shape, size, strict=False)
    )
    pixels = image.astype(np.float32)
    return np.einsum("ih,hwc,jw->ijc", rows, pixels, columns, optimize=True)


def resize_with_padding(image: Array, size: tuple[int, int], interpolation: str) -> Array:
    """Return an image in `size`, with its own ratio, in the middle of zeros."""
    height, width = np.float32(image.shape[0]), np.float32(image.shape[1])
    ratio = max(height / np.float32(size[0]), width / np.float32(size[1]))
    exact = height / ratio, width / ratio
    inner = max(1, int(exact[0])), max(1, int(exact[1]))
    top, left = (max(0, int((n - e) // 2)) for n, e in zip(size, exact, strict=True))
    result = np.zeros((*size, image.shape[2]), np.float32)
    result[top : top + inner[0], left : left + inner[1]] = resize(image, inner, interpolation)
    return result


def _resize_bilinear(image: Array, size: tuple[int, int]) -> Array:
    """Return each pixel as the mean of the four nearest, by their distance."""
    (top, bottom, down), (left, right, across) = (
        _neighbors(n_in, n) for n_in, n in zip(image.shape, size, strict=False)
    )
    upper, lower = (
        _mix(rows.take(left, 1), rows.take(right, 1), across[:, None])
        for rows in (image.take(top, 0), image.take(bottom, 0))
    )
    return _mix(upper, lower, down[:, None, None])


def _mix(first: Array, second: Array, share: Array) -> Array:
    """Return first + (second - first) share, as float32."""
    first = first.astype(np.float32, copy=False)
    result = second.astype(np.float32)
    result -= first
    result *= share
    result += first
    return result


def _neighbors(n_in: int, n: int) -> tuple[Array, Array, Array]:
    """Return the two pixels nearest to each of n pixels, and the share of the second."""
    places = _places(n_in, n) - np.float32(0.5)
    first = np.floor(places)
    last = np.minimum(np.ceil(places), n_in - 1)
    return np.maximum(first, 0).astype(int), last.astype(int), places - first


def _places(n_in: int, n: int) -> Array:
    """Return the centers of n pixels among n_in pixels."""
    return (np.arange(n, dtype=np.float32) + np.float32(0.5)) * np.float32(n_in / n)


@lru_cache(64)
def _weights(n_in: int, n: int, interpolation: str) -> Array:
    """Return the weight of each pixel in each pixel of the result, (n, n_in)."""
    edges = np.arange(n_in)
    if interpolation == "area":
        starts = np.arange(n)[:, None] * (n_in / n)
        overlap = np.minimum(edges + 1, starts + n_in / n) - np.maximum(edges, starts)
        weights = np.maximum(overlap, 0)
    else:
        kernel = KERNELS[interpolation]
        distance = np.abs(edges + 0.5 - (np.arange(n)[:, None] + 0.5) * (n_in / n))
        if interpolation == "bicubic":
            distance = np.rint(distance * CUBIC_STEPS) / CUBIC_STEPS
        weights = np.where(distance < kernel.radius, kernel.weigh(distance), 0)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
