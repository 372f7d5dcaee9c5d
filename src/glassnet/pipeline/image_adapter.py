"""Adapter of images: `Images`, a folder with a subfolder for each class, or image files."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from glassnet.data.images import Images, images_from_folder, is_image_folder, resolve_image_files
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, message
from glassnet.losses import Loss
from glassnet.partial_shapes import is_known
from glassnet.pipeline.adapter import ModelInfo, register_adapter
from glassnet.pipeline.options import FitOptions
from glassnet.pipeline.row_adapter import RowAdapter
from glassnet.preprocessing.base import PreparedData
from glassnet.preprocessing.images import ImagePreprocessor, prepare_images


@register_adapter
class ImageAdapter(RowAdapter):
    """Adapter of images.

    A folder or a list of files is read in the size that the model was trained on. For a new model
    that is the size of its `Input`.
    """

    types = (Images,)
    learns_from_rows = False

    @staticmethod
    def accepts(x: Any, y: Any, model: ModelInfo, training: bool) -> bool:
        if isinstance(model.preprocessor, ImagePreprocessor):
            return bool(_list_paths(x))
        is_folder = training and y is None and model.preprocessor is None and _is_path(x)
        return is_folder and is_image_folder(x)

    def read(self) -> Any:
        return self._read_images() if self.y is None else self.x

    def features(self) -> np.ndarray:
        preprocessor = self.model.preprocessor
        if not isinstance(preprocessor, ImagePreprocessor):
            return self._read_images().x
        if isinstance(self.x, Images):
            return preprocessor.transform(self.x)
        files = [file for path in _list_paths(self.x) for file in resolve_image_files(path)]
        return preprocessor.read_files(files)

    def targets(self) -> Any:
        preprocessor = self.model.preprocessor
        return preprocessor.transform_target(self.y) if preprocessor else self.y

    def transform(self) -> PreparedData:
        preprocessor = self.model.preprocessor
        if self.y is not None:
            return super().transform()
        images = self._read_images()
        if not isinstance(preprocessor, ImagePreprocessor):
            return PreparedData(preprocessor, images.x, images.y)
        return PreparedData(preprocessor, *preprocessor.transform_xy(images))

    def has_targets(self) -> bool:
        if self.y is not None or isinstance(self.x, Images):
            return True
        return _is_path(self.x) and is_image_folder(self.x)

    def prepare(self, options: FitOptions) -> PreparedData:
        if self.y is not None:
            return super().prepare(options)
        images = self._read_images()
        return prepare_images(images, self.model.preprocessor, options.request)

    def split(
        self, rows: Data, loss: Loss, options: FitOptions
    ) -> tuple[np.ndarray, np.ndarray | None]:
        if self.y is not None:
            return super().split(rows, loss, options)
        classes = self._prepared.y
        return options.split.split(len(classes), classes)

    def _read_images(self) -> Images:
        """Return the images with their classes.

        Raises:
            DataError: a list of files, which have no classes; see `images_from_folder`.
        """
        if isinstance(self.x, Images):
            return self.x
        if not _is_path(self.x):
            fix = "Pass y, or `Images`, or a folder with a subfolder for each class."
            raise DataError(message("y", "targets", x=type(self.x).__name__, y=None, fix=fix))
        preprocessor, shape = self.model.preprocessor, self.model.example_shape
        if isinstance(preprocessor, ImagePreprocessor):
            return preprocessor.read_folder(self.x)
        if shape is None or len(shape) != 3 or not is_known(shape):
            images = images_from_folder(self.x)
        else:
            images = images_from_folder(self.x, (shape[0], shape[1]), channels=shape[2])
        assert isinstance(images, Images)
        return images


def _is_path(x: Any) -> bool:
    return isinstance(x, str | os.PathLike)


def _list_paths(x: Any) -> list[Any]:
    """Return the paths in x, or an empty list if x is something else."""
    paths = [x] if _is_path(x) else x
    is_list = isinstance(paths, list | tuple) and all(map(_is_path, paths))
    return list(paths) if is_list else []
