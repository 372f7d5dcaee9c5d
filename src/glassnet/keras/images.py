"""Keras's functions for single images: files, Pillow images and arrays."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.image_files import IMAGE_FORMATS
from glassnet.errors import DataError, lookup, require
from glassnet.keras.ops.image import resize
from glassnet.suggestions import suggest_arguments

if TYPE_CHECKING:
    from PIL import Image

COLOR_MODES = {"grayscale": 1, "rgb": 3, "rgba": 4}
"""Number of channels by Keras's name of a color mode."""

PILLOW_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}
"""Pillow's modes that a color mode accepts; other images are converted to the first."""

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
DATA_FORMATS = (None, "channels_last", "channels_first")


@suggest_arguments
def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Image.Image:
    """Load an image file as a Pillow image.

    Args:
        path: the path of the file, or an open binary file.
        color_mode: "rgb", "rgba" or "grayscale".
        target_size: (height, width) in pixels; None for the size of the file.
        interpolation: how to resize: "nearest", "bilinear", "bicubic", "hamming", "box" or
            "lanczos".
        keep_aspect_ratio: whether to cut the center to the proportions of `target_size` first.

    Raises:
        ConfigError: an argument is unknown.
        FileNotFoundError: the file does not exist.

    Example:
        >>> save_img("image.png", np.zeros((2, 3, 1)))
        >>> load_img("image.png", target_size=(4, 4)).size
        (4, 4)

    Source: Keras's load_img.
    """
    from PIL import Image

    lookup("load_img: color_mode", color_mode, COLOR_MODES)
    lookup("load_img: interpolation", interpolation, dict.fromkeys(INTERPOLATIONS))
    path = os.fsdecode(path) if isinstance(path, bytes) else path
    with Image.open(path, formats=(*IMAGE_FORMATS, "PPM")) as file:
        file.load()
        modes = PILLOW_MODES[color_mode]
        image = file.copy() if file.mode in modes else file.convert(modes[0])
    if target_size is None:
        return image
    size = (target_size[1], target_size[0])
    if image.size == size:
        return image
    box = _central_box(image.size, size) if keep_aspect_ratio else None
    return image.resize(size, Image.Resampling[interpolation.upper()], box=box)


def _central_box(size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the largest centered box with the proportions of `target`."""
    width, height = size
    crop_height = min(height, width * target[1] // target[0])
    crop_width = min(width, height * target[0] // target[1])
    left, top = (width - crop_width) // 2, (height - crop_height) // 2
    return left, top, left + crop_width, top + crop_height


@suggest_arguments
def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """Convert a Pillow image to an array (height, width, channels).

    Args:
        img: a Pillow image, or an array (height, width) or (height, width, channels).
        data_format: None or "channels_last"; "channels_first" for (channels, height, width).
        dtype: type of the numbers; None for float32.

    Raises:
        DataError: if the image does not have two or three axes.

    Example:
        >>> img_to_array(np.zeros((2, 3))).shape
        (2, 3, 1)

    Source: Keras's img_to_array.
    """
    check_data_format("img_to_array", data_format)
    pixels = np.asarray(img, dtype or "float32")
    is_image = pixels.ndim in (2, 3)
    expected = "an image: (height, width) or (height, width, channels)"
    require(is_image, "img_to_array", expected, error=DataError, shape=pixels.shape)
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    return pixels.transpose(2, 0, 1) if data_format == "channels_first" else pixels


@suggest_arguments
def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Image.Image:
    """Convert an array (height, width, channels) to a Pillow image.

    Args:
        x: pixels of one image with 1, 3 or 4 channels.
        data_format: None or "channels_last"; "channels_first" for (channels, height, width).
        scale: whether to stretch the pixels to 0 to 255: 255 (x - min) / (max - min).
        dtype: type of the numbers before they are scaled; None for float32.

    Raises:
        DataError: if x is not an image of 1, 3 or 4 channels.

    Example:
        >>> array_to_img([[[0.0], [0.5]]]).tobytes()
        b'\\x00\\xff'

    Source: Keras's array_to_img.
    """
    from PIL import Image

    check_data_format("array_to_img", data_format)
    pixels = np.asarray(x, dtype or "float32")
    if pixels.ndim == 3 and data_format == "channels_first":
        pixels = pixels.transpose(1, 2, 0)
    require(
        pixels.ndim == 3 and pixels.shape[2] in (1, 3, 4),
        "array_to_img",
        "one image with 1, 3 or 4 channels: (height, width, channels)",
        error=DataError,
        shape=np.shape(x),
    )
    if scale:
        pixels = pixels - pixels.min()
        highest = pixels.max()
        pixels = pixels / (1 if highest == 0 else highest) * 255
    if pixels.shape[2] > 1:
        return Image.fromarray(pixels.astype("uint8"))
    is_deep = pixels.max() > 255
    return Image.fromarray(pixels[:, :, 0].astype("int32" if is_deep else "uint8"))


@suggest_arguments
def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **options: Any,
) -> None:
    """Write an array as an image file.

    Args:
        path: the path of the file, or an open binary file.
        x: pixels of one image: (height, width, channels).
        data_format: see `array_to_img`.
        file_format: Pillow's name of the format; None for the format of the path's suffix.
        scale: see `array_to_img`.
        options: passed to Pillow's `save`.

    Raises:
        DataError: see `array_to_img`.

    Example:
        >>> save_img("image.png", np.eye(2)[..., None])
        >>> load_img("image.png", "grayscale").tobytes()
        b'\\xff\\x00\\x00\\xff'

    Source: Keras's save_img.
    """
    image = array_to_img(x, data_format, scale)
    if file_format is None and isinstance(path, str | os.PathLike):
        file_format = Path(path).suffix[1:]
    file_format = "jpeg" if (file_format or "").lower() == "jpg" else file_format
    if image.mode == "RGBA" and (file_format or "").lower() == "jpeg":
        warnings.warn("JPEG has no transparency: the image is converted to RGB.", stacklevel=2)
        image = image.convert("RGB")
    image.save(path, format=file_format, **options)


@suggest_arguments
def smart_resize(
    x: Any,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    data_format: str | None = "channels_last",
) -> Any:
    """Cut the center of images to the proportions of a size, and resize it to that size.

    Shapes:
        (height, width, channels) to (*size, channels), or the same with a batch axis first.

    Args:
        x: pixels of one image or several.
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        data_format: None or "channels_last"; "channels_first" for (channels, height, width).

    Raises:
        ConfigError: if an argument is out of range.

    Example:
        >>> smart_resize(np.arange(8.0).reshape(2, 4, 1), (1, 1)).tolist()
        [[[3.5]]]

    Source: Keras's smart_resize.
    """
    check_data_format("smart_resize", data_format)
    is_first = data_format == "channels_first"
    images = np.asarray(x)
    is_valid = images.ndim in (3, 4) and len(size) == 2
    expected = "images (height, width, channels), and size (height, width)"
    require(is_valid, "smart_resize", expected, shape=images.shape, size=size)
    images = np.moveaxis(images, -3, -1) if is_first else images
    resized = np.asarray(resize(images, size, interpolation, crop_to_aspect_ratio=True))
    return np.moveaxis(resized, -1, -3) if is_first else resized


def check_data_format(who: str, data_format: Any) -> None:
    """Reject what is no data format of Keras."""
    expected = "data_format to be None, 'channels_last' or 'channels_first'"
    require(data_format in DATA_FORMATS, who, expected, data_format=data_format)
