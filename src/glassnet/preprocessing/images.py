"""Image preprocessing: the size, channels and classes that a model expects."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data import image_files
from glassnet.data.images import Images, class_folders, images_from_folder, resolve_image_files
from glassnet.data.split import train_validation_split
from glassnet.data.table import is_table
from glassnet.errors import DataError, is_int, message, require
from glassnet.preprocessing.base import (
    PreparedData,
    Preprocessor,
    SplitOptions,
    TableRequest,
    require_same_kind,
)
from glassnet.preprocessing.targets import ClassTarget
from glassnet.types import Shape


@dataclass(frozen=True)
class ImagePreprocessor(Preprocessor):
    """What a model has learned of the images that it takes: frozen, plain data.

    Attributes:
        size: (height, width) in pixels.
        channels: 1 or 3.
        target: the classes, by name.

    Raises:
        ConfigError: no size, or other channels.
    """

    size: tuple[int, int]
    channels: int
    target: ClassTarget

    def __post_init__(self) -> None:
        require(
            len(self.size) == 2 and all(is_int(n, least=1) for n in self.size),
            "Pictures",
            "(height, width) in pixels",
            size=self.size,
        )
        require(
            self.channels in (1, 3), "Pictures", "channels to be 1 or 3", channels=self.channels
        )

    @property
    def shape(self) -> Shape:
        """Of one image, (height, width, channels)."""
        return *self.size, self.channels

    def transform(self, x: Any) -> Any:
        """`Images`, the path of an image, paths, or a folder with its sub-folders, by their paths,
        as pixels; else x, as pixels already.

        Raises:
            DataError: images of another shape; files that cannot be read; a folder without any; a
                table.
        """
        if isinstance(x, Images):
            fix = f"Read them with size={self.size}, channels={self.channels}."
            shape = x.x.shape[1:]
            require(
                shape == self.shape,
                "images",
                f"{self.describe()}, as in training",
                error=DataError,
                shape=shape,
                fix=fix,
            )
            return x.x
        many = (
            isinstance(x, list | tuple)
            and bool(x)
            and all(isinstance(path, str | os.PathLike) for path in x)
        )
        if many or isinstance(x, str | os.PathLike):
            return self._read_images([Path(path) for path in x] if many else resolve_image_files(x))
        fix = "Give arrays, `Images`, or paths of images."
        require(not is_table(x), "x", self.describe(), error=DataError, x=type(x).__name__, fix=fix)
        return x

    def _read_images(self, files: Sequence[Path]) -> np.ndarray:
        x, bad = image_files.read_images("images", files, self.shape)
        told = image_files.describe_failures(files, bad)
        require(
            not bad,
            "images",
            "files that can be read",
            error=DataError,
            unreadable=len(bad),
            first=told,
        )
        return x

    def transform_xy(self, x: Any, y: Any = None) -> tuple[Any, Any, None]:
        """(pixels, targets, None): of `Images` or of a folder with a sub-folder for each class, the
        targets are theirs where y is None.

        Raises:
            DataError: see `features`; other classes than in training; no targets.
        """
        if y is not None:
            named = np.asarray(y)
            return (
                self.transform(x),
                self.target.transform(named) if named.dtype.kind in "UO" and named.ndim == 1 else y,
                None,
            )
        if isinstance(x, str | os.PathLike):
            x = self.read_folder(x)
        if not isinstance(x, Images):
            fix = "Pass y, or `Images`, or a folder with a sub-folder for each class."
            raise DataError(
                message("y", "targets", x=type(self.transform(x)).__name__, y=None, fix=fix)
            )
        names = self.target.labels
        fix = f"Read them with class_names={names}."
        require(
            x.class_names == names,
            "images",
            f"the classes of training, {names}",
            error=DataError,
            classes=x.class_names,
            fix=fix,
        )
        return self.transform(x), x.y, None

    def read_folder(self, folder: str | os.PathLike[str]) -> Images:
        """The images in a folder with a sub-folder for each class of training.

        Raises:
            DataError: see `images_from_folder`; a sub-folder of another name.
        """
        names = tuple(map(str, self.target.labels))
        strange = (
            [name for name in class_folders(Path(folder)) if name not in names]
            if Path(folder).is_dir()
            else []
        )
        require(
            not strange,
            "images",
            f"the classes of training, {names}",
            error=DataError,
            others=strange[:5],
        )
        found = images_from_folder(folder, self.size, class_names=names, channels=self.channels)
        assert isinstance(found, Images)
        return found

    def describe(self, max_names: int | None = None) -> str:
        """`images of 96x96 pixels, 3 channels`."""
        return f"images of {self.size[0]}x{self.size[1]} pixels, {self.channels} channel{'s' * (self.channels > 1)}"


def prepare_images(
    images: Images, fitted: Preprocessor | None, request: TableRequest, split: SplitOptions
) -> PreparedData:
    """What `fit` makes of the images: see `tabular.prepare_table`.

    Raises:
        ConfigError: what is asked of tables alone; data of another kind than at an earlier fit.
        DataError: another size, other channels or classes than at an earlier fit.
    """
    require(
        request == TableRequest(),
        "fit",
        "no target, columns, derive or target_transform with images",
        received=request,
    )
    earlier = require_same_kind(ImagePreprocessor, fitted, images)
    size = (images.x.shape[1], images.x.shape[2])
    pictures = earlier or ImagePreprocessor(
        size, images.x.shape[3], ClassTarget("class", images.class_names)
    )
    said = () if earlier else (str(pictures.target), pictures.describe())
    x, y, _ = pictures.transform_xy(images)
    return PreparedData(pictures, x, y, None, *train_validation_split(len(y), y, *split), said)
