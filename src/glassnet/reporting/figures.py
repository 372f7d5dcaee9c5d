"""Figures and images inside a page: vectors in the colors of the page, and data addresses."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.reporting import blocks

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

SMALL_SIDE = 64
"""Images up to this side, in pixels, are shown with visible pixels."""

MAX_SAMPLED = 500
"""Number of images whose range is looked at."""


def draw_figure(
    draw: Callable[[], Figure | SubFigure], name: str, alt: str, caption: str
) -> blocks.Figure:
    """Draw a figure for the page.

    Args:
        draw: returns the figure.
        name: prefix of the names of its parts; no two figures of a page share one.
        alt: what it shows, for readers who do not see it.
        caption: text below it.
    """
    from markupsafe import Markup

    from glassnet.plots.page_figures import draw_element

    element, width = draw_element(draw, name, alt)
    return blocks.Figure(Markup(element), caption, width)


def to_image(pixels: np.ndarray, caption: str, alt: str) -> blocks.Image:
    """Return an image as a picture of the page.

    Args:
        pixels: (height, width), (height, width, 1) or (height, width, 3) uint8.
        caption: text below it.
        alt: what it shows.
    """
    from PIL import Image

    values = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[-1] == 1 else pixels
    picture, files = Image.fromarray(values), {}
    for kind, options in (("png", {"optimize": True}), ("jpeg", {"quality": 85})):
        file = io.BytesIO()
        picture.save(file, kind, **options)
        files[kind] = file.getvalue()
    kind = min(files, key=lambda name: len(files[name]))
    address = f"data:image/{kind};base64,{base64.b64encode(files[kind]).decode()}"
    return blocks.Image(address, caption, alt, max(values.shape[:2]) <= SMALL_SIDE)


def to_pixels(images: np.ndarray, index: np.ndarray, *, as_ink: bool) -> np.ndarray:
    """Return some images as uint8. Their smallest number, or 0, becomes 0 and their largest 255.

    Args:
        images: all images, whose range decides.
        index: which ones to return.
        as_ink: whether large numbers of images without colors are dark, and the range is that of
            the images. Otherwise they are pixels of files, which stay as they are.
    """
    if not as_ink:
        return np.asarray(images[index], np.uint8)
    sample = np.asarray(images[:: max(1, len(images) // MAX_SAMPLED)], np.float64)
    values = np.asarray(images[index], np.float64)
    low, high = min(float(np.nanmin(sample)), 0.0), float(np.nanmax(sample))
    scaled: Any = np.nan_to_num((values - low) / ((high - low) or 1.0)).clip(0, 1) * 255
    pixels = np.asarray(scaled.round(), np.uint8)
    is_gray = pixels.ndim == 3 or pixels.shape[-1] == 1
    return 255 - pixels if is_gray else pixels
