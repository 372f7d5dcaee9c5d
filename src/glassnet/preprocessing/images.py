"""Image preprocessing: the size, channels and classes that a model expects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data import image_files
from glassnet.data.images import Images, class_folders, images_from_folder, is_pixel_range
from glassnet.data.pixel_values import PixelRange
from glassnet.errors import DataError, is_int, require
from glassnet.partial_shapes import shape_fits
from glassnet.preprocessing.base import (
    PreparedData,
    Preprocessor,
    TableRequest,
    require_no_table_options,
    require_same_kind,
)
from glassnet.preprocessing.targets import ClassTarget
from glassnet.types import PartialShape, Shape


@dataclass(frozen=True)
class ImagePreprocessor(Preprocessor):
    """Size, channels and classes of the training images: frozen, plain data.

    Attributes:
        size: (height, width) in pixels.
        channels: 1 or 3.
        target: the classes, by name.
        pixel_range: values of black and white in images of more than 8 bits; None if the training
            images were none.

    Raises:
        ConfigError: an argument out of range.
    """

    size: tuple[int, int]
    channels: int
    target: ClassTarget
    pixel_range: PixelRange | None = None

    def __post_init__(self) -> None:
        who, size, channels = type(self).__name__, self.size, self.channels
        fits = len(size) == 2 and all(is_int(n, least=1) for n in size)
        require(fits, who, "size to be (height, width) in pixels", size=size)
        require(channels in (1, 3), who, "channels to be 1 or 3", channels=channels)
        fits = self.pixel_range is None or is_pixel_range(self.pixel_range)
        require(fits, who, "pixel_range to be (black, white)", pixel_range=self.pixel_range)

    @property
    def shape(self) -> Shape:
        """Shape of one image, (height, width, channels)."""
        return *self.size, self.channels

    def check_shapes(self, input_shape: PartialShape, output_shape: PartialShape) -> None:
        """See `Preprocessor.check_shapes`."""
        require(
            shape_fits(self.shape, input_shape),
            "images",
            "size and channels to be those of the network's input",
            size=self.size,
            channels=self.channels,
            inputs=input_shape,
        )
        self.target.check_output_shape(output_shape)

    def transform(self, x: Images) -> np.ndarray:
        """Return the pixels.

        Raises:
            DataError: images of another shape, or with another range of values.
        """
        shape = x.x.shape[1:]
        require(
            shape == self.shape,
            "images",
            f"{self.describe()}, as in training",
            error=DataError,
            shape=shape,
            fix=f"Read them with size={self.size}, channels={self.channels}.",
        )
        known = self.pixel_range
        require(
            None in (known, x.pixel_range) or known == x.pixel_range,
            "images",
            "the values of black and white of training",
            error=DataError,
            pixel_range=x.pixel_range,
            fix=f"Read them with pixel_range={known}.",
        )
        return x.x

    def transform_target(self, y: Any) -> Any:
        """Return class names as indices; indices are returned unchanged."""
        labels = np.asarray(y)
        is_text = labels.dtype.kind in "UO" and labels.ndim == 1
        return self.target.transform(labels) if is_text else y

    def transform_xy(self, x: Images) -> tuple[np.ndarray, np.ndarray, None]:
        """Return (pixels, class indices, None).

        Raises:
            DataError: images of another shape; other classes than in training.
        """
        names = self.target.labels
        require(
            x.class_names == names,
            "images",
            f"the training classes, {names}",
            error=DataError,
            classes=x.class_names,
            fix=f"Read them with class_names={names}.",
        )
        return self.transform(x), x.y, None

    def read_folder(self, folder: str | os.PathLike[str]) -> Images:
        """Read a folder with one subfolder for each training class.

        Raises:
            DataError: see `images_from_folder`; a subfolder with another name.
        """
        names, root = tuple(map(str, self.target.labels)), Path(folder)
        folders = class_folders(root) if os.path.isdir(root) else {}
        unknown = [name for name in folders if name not in names]
        expected = f"the training classes, {names}"
        require(not unknown, "images", expected, error=DataError, others=unknown[:5])
        images = images_from_folder(
            folder,
            self.size,
            class_names=names,
            channels=self.channels,
            pixel_range=self.pixel_range,
        )
        assert isinstance(images, Images)
        return images

    def describe(self, max_names: int | None = None) -> str:
        """Return a description such as `images of 96x96 pixels, 3 channels`."""
        height, width = self.size
        plural = "s" * (self.channels > 1)
        return f"images of {height}x{width} pixels, {self.channels} channel{plural}"

    def read_files(self, paths: Sequence[str | os.PathLike[str]]) -> np.ndarray:
        """Return the pixels of image files.

        Raises:
            DataError: a file that cannot be read.
        """
        files = [Path(path) for path in paths]
        x, failures = image_files.read_images("images", files, self.shape, self.pixel_range)
        require(
            not failures,
            "images",
            "files that can be read",
            error=DataError,
            unreadable=len(failures),
            first=image_files.describe_failures(files, failures),
        )
        return x


def prepare_images(
    images: Images, fitted: Preprocessor | None, request: TableRequest
) -> PreparedData:
    """Prepare images for `fit`. Nothing is learned from their pixels.

    Raises:
        ConfigError: an option for tables; data of another kind than in an earlier fit.
        DataError: another size, other channels or classes than in an earlier fit.
    """
    require_no_table_options(request, "images")
    earlier = require_same_kind(ImagePreprocessor, fitted, images)
    height, width, channels = images.x.shape[1:]
    classes = ClassTarget("class", images.class_names)
    preprocessor = earlier or ImagePreprocessor(
        (height, width), channels, classes, images.pixel_range
    )
    messages = () if earlier else (str(preprocessor.target), preprocessor.describe())
    x, y, _ = preprocessor.transform_xy(images)
    return PreparedData(preprocessor, x, y, messages=messages)
