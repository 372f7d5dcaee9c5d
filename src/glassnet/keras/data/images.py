"""`image_dataset_from_directory`: images in folders as batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import is_int, lookup, require, wrap_errors
from glassnet.keras.data.directories import DirectoryOptions
from glassnet.keras.data.elements import TensorSpec
from glassnet.keras.data.resizing import INTERPOLATIONS, resize, resize_with_padding
from glassnet.layers.resizing import crop_to_ratio
from glassnet.suggestions import suggest_arguments

WHO = "image_dataset_from_directory"
FORMATS = ("BMP", "GIF", "JPEG", "PNG")
SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
MODES = {"grayscale": ("L", 1), "rgb": ("RGB", 3), "rgba": ("RGBA", 4)}
"""Pillow's mode and the number of channels of each color mode."""


@suggest_arguments
def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return a `Dataset` of batches of the images in a folder, resized to one size.

    The files, their order before shuffling, their labels and their parts are Keras's, also for the
    same seed. A file is read when its batch is needed; `cache` keeps the batches in memory.

    Shapes:
        images (batch, height, width, channels), float32 from 0 to 255.
        labels (batch,) int32 for "int"; (batch, 1) and (batch, classes) float32 for "binary" and
        "categorical"; no labels for None.

    Args:
        directory: a folder with a folder for each class.
        labels: "inferred" from the folders, None for no labels, or a class number for each file in
            order of path.
        label_mode: "int", "categorical" for one-hot rows, "binary" for 0.0 and 1.0, or None.
        class_names: the folders to read, in the order of their class numbers; None for all, in
            order of name.
        color_mode: "rgb", "grayscale" or "rgba".
        batch_size: number of images per batch; None for single images.
        image_size: (height, width) in pixels.
        shuffle: whether the files are shuffled, now and, within 8 batches, in every pass.
        seed: the seed of both.
        validation_split: the share of files for validation, between 0 and 1.
        subset: "training" or "validation"; or "both", which returns a list of the two datasets.
        interpolation: "bilinear", "nearest", "bicubic", "area", "lanczos3", "lanczos5",
            "gaussian" or "mitchellcubic".
        follow_links: whether links to folders are followed.
        crop_to_aspect_ratio: whether images are cropped, rather than distorted.
        pad_to_aspect_ratio: whether images are padded with zeros, rather than distorted.
        data_format: "channels_last" or None; or "channels_first".
        format: "tf" (the only value): the result has the methods of `tf.data.Dataset`.
        verbose: whether the number of files is printed.

    Raises:
        ConfigError: arguments that do not fit together.
        DataError: no folder, no images, or, in a pass, a file that is not an image.
    """
    require(format == "tf", WHO, 'format="tf" (no other value is supported)', format=format)
    options = DirectoryOptions(
        WHO,
        labels,
        label_mode,
        class_names,
        shuffle,
        seed,
        validation_split,
        subset,
        follow_links,
        verbose,
    )
    loader = ImageLoader(
        _to_size(image_size),
        color_mode,
        str(interpolation).lower(),
        crop_to_aspect_ratio,
        pad_to_aspect_ratio,
        data_format,
    )
    return options.make_datasets(directory, SUFFIXES, batch_size, loader.load, loader.spec)


@dataclass(frozen=True)
class ImageLoader:
    """Reads image files as arrays of one shape: see `image_dataset_from_directory`."""

    size: tuple[int, int]
    color_mode: str
    interpolation: str
    crops: bool
    pads: bool
    data_format: str | None

    def __post_init__(self) -> None:
        lookup(f"{WHO}: color_mode", self.color_mode, MODES)
        lookup(f"{WHO}: interpolation", self.interpolation, dict.fromkeys(INTERPOLATIONS))
        is_known = self.data_format in (None, "channels_last", "channels_first")
        expected = '"channels_last" or "channels_first"'
        require(is_known, WHO, expected, data_format=self.data_format)
        expected = "crop_to_aspect_ratio or pad_to_aspect_ratio, not both"
        require(not (self.crops and self.pads), WHO, expected)

    @property
    def spec(self) -> TensorSpec:
        """The shape and dtype of an image."""
        channels = MODES[self.color_mode][1]
        is_first = self.data_format == "channels_first"
        return TensorSpec((channels, *self.size) if is_first else (*self.size, channels))

    def load(self, path: str) -> np.ndarray:
        """Return the pixels of a file.

        Raises:
            DataError: it is not an image that can be read.
        """
        pixels = read_pixels(path, *MODES[self.color_mode])
        if self.pads:
            result = resize_with_padding(pixels, self.size, self.interpolation)
        else:
            cropped = crop_to_ratio(pixels, *self.size) if self.crops else pixels
            result = resize(cropped, self.size, self.interpolation)
        return np.moveaxis(result, 2, 0) if self.data_format == "channels_first" else result


def read_pixels(path: str, mode: str, channels: int) -> np.ndarray:
    """Return the pixels (height, width, channels) of a file, uint8, of its first frame.

    Args:
        path: the file.
        mode: Pillow's mode of the pixels.
        channels: the number of channels of that mode.

    Raises:
        DataError: it is not an image that can be read.
    """
    from PIL import Image

    with wrap_errors(WHO, "an image file", path=path), Image.open(path, formats=FORMATS) as image:
        is_deep = image.mode.startswith("I;16")
        eight_bits = (np.asarray(image) >> 8).astype(np.uint8) if is_deep else None
        frame = image if eight_bits is None else Image.fromarray(eight_bits)
        frame = frame if frame.mode == mode else frame.convert(mode)
        return np.asarray(frame).reshape(image.height, image.width, channels)


def _to_size(size: Any) -> tuple[int, int]:
    sizes = (size, size) if is_int(size, least=1) else size
    fits = isinstance(sizes, list | tuple) and len(sizes) == 2
    fits = fits and all(is_int(each, least=1) for each in sizes)
    require(fits, WHO, "image_size to be (height, width), two ints >= 1", image_size=size)
    return int(sizes[0]), int(sizes[1])
