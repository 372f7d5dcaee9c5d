"""Images on axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.plots.figure import NotebookFigure
from glassnet.plots.text import plain_text, set_title, widen_for_title
from glassnet.types import Array

MAX_COLUMNS = 8

INK_LEVELS = 16
"""Numbers up to this one are counts of black points, as in the digits of scikit-learn."""


def show_image(
    axes: Axes,
    image: Array,
    limits: tuple[float, float] | None = None,
    grays: str | None = None,
) -> None:
    """Draw an image without ticks.

    Args:
        axes: the axes.
        image: (height, width), or (height, width, channels) with 1, 3 or 4 channels.
        limits: values of black and white; None for those of `find_pixel_range`.
        grays: color map of an image with one channel; None for that of `choose_grays`.
    """
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[-1] == 1:
        image = image[..., 0]
    low, high = limits or find_pixel_range(image)
    scaled = np.clip((image.astype(np.float64) - low) / (high - low), 0, 1)
    colors = grays or choose_grays(image)
    axes.imshow(scaled, cmap=colors, vmin=0, vmax=1, interpolation="nearest")
    hide_ticks(axes)


def make_painter(images: Array) -> Callable[[Axes, Array], None]:
    """Return a function that draws any of the images, all with the same black and white.

    Args:
        images: (n, height, width) or (n, height, width, channels).
    """
    grays = None
    if images.ndim == 3 or images.shape[3] == 1:
        votes = [choose_grays(image.reshape(images.shape[1:3])) for image in images]
        grays = max(set(votes), key=votes.count, default=None)
    return partial(show_image, limits=find_pixel_range(images), grays=grays)


def choose_grays(image: Array) -> str:
    """Return the color map of an image with one channel.

    White on black, as handwriting often is, is drawn as ink on paper. Other images, such as
    photographs, are drawn as they are.

    Example:
        >>> choose_grays(np.array([[0, 0, 0], [0, 9, 0], [0, 0, 0]])), choose_grays(np.eye(2))
        ('gray_r', 'gray')
    """
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return "gray_r" if np.mean(border == image.min()) > 0.5 and image.min() >= 0 else "gray"


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
    if 1 < high <= INK_LEVELS:
        return 0.0, float(INK_LEVELS)
    return 0.0, 1.0 if is_fraction else max(255.0, high)


def hide_ticks(axes: Axes) -> None:
    """Remove the ticks of axes, and draw a thin border."""
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set_linewidth(0.5)


@plain_text
def plot_images(images: Sequence[Array], labels: Sequence[str], title: str) -> Figure:
    """Plot images in a grid, all between the same values of black and white.

    Args:
        images: of the same kind, (height, width) or (height, width, channels).
        labels: text above each image, or "".
        title: of the figure.
    """
    n_columns = min(MAX_COLUMNS, math.ceil(math.sqrt(1.5 * len(images))))
    n_rows = math.ceil(len(images) / n_columns)
    width = widen_for_title(1.25 * n_columns, title)
    figure = NotebookFigure(figsize=(width, 1.4 * n_rows + 0.5), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    show = make_painter(np.stack([np.asarray(image) for image in images]))
    for axes, image, label in zip(grid.flat, images, labels, strict=False):
        show(axes, image)
        axes.set_title(label, fontsize=8, pad=3)
    for axes in grid.flat[len(images) :]:
        axes.set_axis_off()
    set_title(figure, title)
    return figure


@plain_text
def draw_images(
    figure: Figure | SubFigure, images: Array, captions: Sequence[str], n_rows: int = 1
) -> None:
    """Draw images in a grid, all with the same black and white, each with a caption.

    Args:
        figure: the figure to fill.
        images: (n, height, width) or (n, height, width, channels).
        captions: a text for each image.
        n_rows: number of rows of the grid.
    """
    n_columns = max(1, -(-len(images) // n_rows))
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    show = make_painter(images)
    for ax, image, caption in zip(grid.flat, images, captions, strict=False):
        show(ax, image)
        ax.set_title(caption, fontsize=8)
    for ax in grid.flat[len(images) :]:
        ax.set_axis_off()
