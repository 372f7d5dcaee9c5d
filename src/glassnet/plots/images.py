"""Images on axes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from glassnet.types import Array


def show_image(axes: Axes, image: Array) -> None:
    """Draw an image without ticks: 0 is black.

    Args:
        axes: the axes.
        image: (height, width), or (height, width, channels) with 1, 3 or 4 channels, of integers
            from 0 to 255 or floats. Floats beyond 0 to 1 are drawn from their smallest to their
            largest, or, if none is negative, from 0 to 255.
    """
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    low, high = find_pixel_range(image)
    scaled = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    axes.imshow(scaled, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    hide_ticks(axes)


def find_pixel_range(image: Array) -> tuple[float, float]:
    """Return the values of black and white.

    Example:
        >>> find_pixel_range(np.array([0.0, 0.5])), find_pixel_range(np.array([0, 17]))
        ((0.0, 1.0), (0.0, 255.0))
    """
    low, high = float(image.min(initial=0)), float(image.max(initial=0))
    if low < 0:
        return low, max(high, low + 1e-12)
    is_fraction = image.dtype.kind == "f" and high <= 1
    return 0.0, 1.0 if is_fraction else max(255.0, high)


def hide_ticks(axes: Axes) -> None:
    """Remove the ticks of axes, and draw a thin border."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)
