"""Pixels of more than 8 bits: the values that mean black and white, and scaling to 0..255."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from glassnet.formatting import format_number

if TYPE_CHECKING:
    from PIL import Image

PixelRange: TypeAlias = tuple[float, float]
"""The values of black and of white."""

FULL_RANGE: PixelRange = (0.0, 65535.0)
"""Range that 16-bit formats state."""

USUAL_WHITES = (1.0, 255.0, 1023.0, 4095.0, 16383.0, 65535.0)
"""Values of white in use: fractions, and the largest values of 8, 10, 12, 14 and 16 bits."""

SAMPLE_FORMAT, PHOTOMETRIC, WHITE_IS_ZERO = 339, 262, 0
"""Two tags of TIFF files, and the value of the second that means an inverted image."""

UNSIGNED, SIGNED = 1, 2
"""Values of the tag SAMPLE_FORMAT."""


class PixelExtent(NamedTuple):
    """Smallest and largest value in one image."""

    low: float
    high: float


def find_pixel_kind(file: Image.Image) -> str:
    """Return the kind of an open image's values, or "" if they are of at most 8 bits.

    The others are "16-bit", "16-bit color", "integer" and "floating-point".
    """
    if file.mode == "F":
        return "floating-point"
    if file.mode.startswith("I;16") or (file.mode == "I" and file.format == "PNG"):
        return "16-bit"
    if file.mode == "I" or (file.mode == "L" and _sample_format(file) == SIGNED):
        return "integer"
    tiles = getattr(file, "tile", ())
    return "16-bit color" if any(";16" in str(tile[3]) for tile in tiles) else ""


def is_inverted(file: Image.Image) -> bool:
    """Return whether 0 means white and Pillow does not invert the values itself."""
    tags = getattr(file, "tag_v2", {})
    return tags.get(PHOTOMETRIC) == WHITE_IS_ZERO and file.mode in ("F", "I;16", "I;16B")


def _sample_format(file: Image.Image) -> int:
    formats = getattr(file, "tag_v2", {}).get(SAMPLE_FORMAT, (UNSIGNED,))
    return int(formats[0])


def read_values(file: Image.Image, image: Image.Image) -> np.ndarray:
    """Return the numbers of an image of more than 8 bits or with signed ones.

    Pillow has no mode for signed 8-bit and for unsigned 32-bit numbers: its bits are read again.

    Args:
        file: the open file, for its tags.
        image: the same image, rotated.

    Raises:
        ValueError: a value is not finite.
    """
    values = np.asarray(image)
    sample_format = _sample_format(file)
    if file.mode == "L" and sample_format == SIGNED:
        values = values.view(np.int8)
    if file.mode == "I" and sample_format == UNSIGNED and file.format == "TIFF":
        values = values.view(np.uint32)
    if values.dtype.kind == "f" and (count := int((~np.isfinite(values)).sum())):
        raise ValueError(f"mode {file.mode}: {count:,} pixels are not finite numbers")
    return values


def scale_to_uint8(values: np.ndarray, pixel_range: PixelRange, inverted: bool) -> np.ndarray:
    """Return the values as 0 for black to 255 for white; those outside the range are cut off.

    Raises:
        ValueError: the values lie outside of the range by more than its width.
    """
    low, high = float(values.min()), float(values.max())
    black, white = pixel_range
    width = white - black
    if low < black - width or high > white + width:
        spread = f"{format_number(low)} to {format_number(high)}"
        expected = f"{format_number(black)} (black) to {format_number(white)} (white)"
        raise ValueError(f"its values from {spread} do not fit pixel_range, {expected}")
    if inverted:
        black, white = white, black
    scaled = values.astype(np.float64)
    scaled -= black
    scaled *= 255 / (white - black)
    return scaled.round().clip(0, 255).astype(np.uint8)


def choose_range(kind: str, extents: Sequence[PixelExtent]) -> PixelRange:
    """Return the range of a folder of images of one kind.

    Black is 0, and white is the next usual value, if the images use a good part of that range.
    Otherwise the range is that from the smallest to the largest value.

    Example:
        >>> choose_range("integer", [PixelExtent(3, 250), PixelExtent(0, 130)])
        (0.0, 255.0)
        >>> choose_range("floating-point", [PixelExtent(270.5, 310.0)])
        (270.5, 310.0)
    """
    low = min(extent.low for extent in extents)
    high = max(extent.high for extent in extents)
    white = next((white for white in USUAL_WHITES if high <= white), None)
    if white is not None and low >= 0:
        starts_low = low <= white / 4 or kind == "16-bit"
        if starts_low and (high >= white / 4 or high == 0):
            return 0.0, white
    if -1 <= low < 0 and high <= 1:
        return -1.0, 1.0
    if low < high:
        return float(low), float(high)
    return (0.0, float(high)) if high > 0 else (float(low), float(low) + 1)
