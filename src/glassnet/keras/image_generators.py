"""Keras 2's ImageDataGenerator: random changes of images, and batches of arrays and files."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.errors import DataError, is_float32, is_int, lookup, require
from glassnet.keras.image_iterators import (
    ArrayIterator,
    DataFrameIterator,
    DirectoryIterator,
    FileReader,
    FrameColumns,
    ImageIterator,
    SaveOptions,
    select_subset,
)
from glassnet.keras.images import array_to_img, img_to_array

FILL_MODES = dict.fromkeys(("nearest", "constant", "reflect", "wrap"))
EPSILON = 1e-6
"""Added to standard deviations, as in Keras."""


@dataclass(eq=False)
class ImageDataGenerator:
    """Random changes of images, for batches that differ in every epoch.

    The images are rotated, shifted, sheared and zoomed by one affine map, then the channels are
    shifted, the image is mirrored and its brightness is changed; at last it is standardized. All
    numbers are drawn uniformly, once per image, in Keras's order.

    Args:
        featurewise_center: whether to subtract the mean of each channel that `fit` computed.
        samplewise_center: whether to subtract the mean of each image.
        featurewise_std_normalization: whether to divide by the deviations that `fit` computed.
        samplewise_std_normalization: whether to divide each image by its standard deviation.
        zca_whitening: must be False.
        zca_epsilon: ignored.
        rotation_range: largest angle, in degrees.
        width_shift_range: largest shift to the left and right: below 1 a fraction of the width,
            else pixels. A list has the possible shifts.
        height_shift_range: the same, up and down.
        brightness_range: (lowest, highest) factor for the brightness; 1 changes nothing.
        shear_range: largest angle of the shear, in degrees.
        zoom_range: (lowest, highest) factor; below 1 enlarges. z is (1 - z, 1 + z).
        channel_shift_range: largest number that is added to all channels.
        fill_mode: pixels outside the image: "nearest", "constant", "reflect" or "wrap".
        cval: the pixels outside for "constant".
        horizontal_flip: whether to mirror half of the images left-right.
        vertical_flip: whether to mirror half of the images top-bottom.
        rescale: factor for all pixels; None for 1.
        preprocessing_function: a function of one image (height, width, channels), called before
            the image is rescaled.
        data_format: None or "channels_last".
        validation_split: share of the images that are the subset "validation".
        interpolation_order: 1 for bilinear interpolation, 0 for the nearest pixel.
        dtype: type of the pixels; None for float32.

    Raises:
        ConfigError: an argument is out of range.

    Example:
        >>> generator = ImageDataGenerator(rescale=1 / 255, horizontal_flip=True)
        >>> x, y = generator.flow(np.full((4, 8, 8, 1), 255.0), [0, 1, 0, 1], batch_size=2)[0]
        >>> x.shape, float(x.max()), y.shape
        ((2, 8, 8, 1), 1.0, (2,))

    Source: Keras 2's ImageDataGenerator. For new code, put layers such as RandomFlip into the
        model.
    """

    featurewise_center: bool = False
    samplewise_center: bool = False
    featurewise_std_normalization: bool = False
    samplewise_std_normalization: bool = False
    zca_whitening: bool = False
    zca_epsilon: float = EPSILON
    rotation_range: float = 0
    width_shift_range: Any = 0.0
    height_shift_range: Any = 0.0
    brightness_range: Any = None
    shear_range: float = 0.0
    zoom_range: Any = 0.0
    channel_shift_range: float = 0.0
    fill_mode: str = "nearest"
    cval: float = 0.0
    horizontal_flip: bool = False
    vertical_flip: bool = False
    rescale: float | None = None
    preprocessing_function: Callable[[np.ndarray], Any] | None = None
    data_format: str | None = None
    validation_split: float = 0.0
    interpolation_order: int = 1
    dtype: Any = None

    mean = None
    std = None

    def __post_init__(self) -> None:
        who = "ImageDataGenerator"
        require(
            not self.zca_whitening,
            who,
            "zca_whitening=False (no other value is supported)",
            fix="The matrix has (height x width x channels)^2 numbers. For small images, whiten "
            "them with sklearn.decomposition.PCA(whiten=True) before flow.",
            zca_whitening=self.zca_whitening,
        )
        require(
            self.data_format in (None, "channels_last"),
            who,
            "data_format='channels_last' (no other value is supported)",
            fix="Images are (height, width, channels): write np.moveaxis(x, 1, -1).",
            data_format=self.data_format,
        )
        lookup(f"{who}: fill_mode", self.fill_mode, FILL_MODES)
        for name in ("rotation_range", "shear_range", "channel_shift_range", "validation_split"):
            value = getattr(self, name)
            require(is_float32(value), who, f"{name} to be a number", **{name: value})
        expected = "validation_split to be a number from 0 to below 1"
        split = self.validation_split
        require(0 <= split < 1, who, expected, validation_split=split)
        zoom = self.zoom_range
        self.zoom_range = [1 - zoom, 1 + zoom] if is_float32(zoom) else zoom
        for name in ("zoom_range", "brightness_range"):
            _check_pair(name, getattr(self, name))
        self.dtype = self.dtype or "float32"
        self.featurewise_center |= self.featurewise_std_normalization
        self.samplewise_center |= self.samplewise_std_normalization

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> ImageIterator:
        """Return endless batches of changed images of an array.

        Args:
            x: images, (n, height, width, channels).
            y: labels or targets of the images; None for batches of images only.
            batch_size: images per batch; the last batch of an epoch can have fewer.
            shuffle: whether to draw a new order for every epoch.
            sample_weight: weights of the images.
            seed: seed of the order and the changes; None uses NumPy's global generator.
            save_to_dir: a folder in which all changed images are written.
            save_prefix: beginning of their file names.
            save_format: suffix of their file names.
            ignore_class_split: whether the subsets may have different classes.
            subset: "training" or "validation": the part after or before `validation_split`.

        Raises:
            DataError: x is not images, lengths differ, or a class is in one subset only.
        """
        x, y, sample_weight = select_subset(
            self.validation_split if subset else None, subset, ignore_class_split, x, y,
            sample_weight,
        )  # fmt: skip
        save = SaveOptions(save_to_dir, save_prefix, save_format)
        return ArrayIterator(self, x, y, sample_weight, batch_size, shuffle, seed, save)

    def flow_from_directory(
        self,
        directory: Any,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: list[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> ImageIterator:
        """Return endless batches of changed images of a folder with a folder for each class.

        Args:
            directory: the folder.
            target_size: (height, width) to which the images are resized.
            color_mode: "rgb", "rgba" or "grayscale".
            classes: the folders of the classes, in order; None for all, in alphabetical order.
            class_mode: labels: "categorical" (one-hot), "binary" or "sparse" (class numbers),
                "input" (the images themselves), or None (no labels).
            batch_size: see `flow`.
            shuffle: see `flow`.
            seed: see `flow`.
            save_to_dir: see `flow`.
            save_prefix: see `flow`.
            save_format: see `flow`.
            follow_links: whether links to folders within the classes are followed.
            subset: "training" or "validation": of each class, the files after or before
                `validation_split`.
            interpolation: see `load_img`.
            keep_aspect_ratio: see `load_img`.

        Raises:
            ConfigError: an argument is unknown.
        """
        reader = FileReader(target_size, color_mode, interpolation, keep_aspect_ratio)
        split = _split_bounds(subset, self.validation_split)
        save = SaveOptions(save_to_dir, save_prefix, save_format)
        iterator = DirectoryIterator(self, reader, class_mode, batch_size, shuffle, seed, save)
        iterator.list_files(directory, classes, split, follow_links)
        return iterator

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: Any = None,
        x_col: str = "filename",
        y_col: Any = "class",
        weight_col: str | None = None,
        target_size: tuple[int, int] = (256, 256),
        color_mode: str = "rgb",
        classes: list[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str = "nearest",
        validate_filenames: bool = True,
    ) -> ImageIterator:
        """Return endless batches of changed images of the files that a frame lists.

        Args:
            dataframe: a frame of pandas or polars.
            directory: the folder of the files; None if their paths are complete.
            x_col: column of the files.
            y_col: column of the labels, texts; for class_mode="raw", columns of targets.
            weight_col: column of the weights of the images; None for equal weights.
            target_size: see `flow_from_directory`.
            color_mode: see `flow_from_directory`.
            classes: the labels to use, in order; None for all, in alphabetical order.
            class_mode: see `flow_from_directory`, or "raw": targets as they are in the frame.
            batch_size: see `flow`.
            shuffle: see `flow`.
            seed: see `flow`.
            save_to_dir: see `flow`.
            save_prefix: see `flow`.
            save_format: see `flow`.
            subset: "training" or "validation": the rows after or before `validation_split`.
            interpolation: see `load_img`.
            validate_filenames: whether rows without an image file are left out, with a warning.

        Raises:
            ConfigError: an argument is unknown.
            DataError: labels are not texts.
        """
        reader = FileReader(target_size, color_mode, interpolation, False)
        split = _split_bounds(subset, self.validation_split)
        save = SaveOptions(save_to_dir, save_prefix, save_format)
        iterator = DataFrameIterator(self, reader, class_mode, batch_size, shuffle, seed, save)
        columns = FrameColumns(x_col, y_col, weight_col)
        iterator.list_rows(dataframe, directory, columns, classes, split, validate_filenames)
        return iterator

    def get_random_transform(
        self, img_shape: tuple[int, ...], seed: int | None = None, random: Any = None
    ) -> dict[str, Any]:
        """Draw the numbers of a random change, for `apply_transform`.

        Args:
            img_shape: (height, width, channels).
            seed: seed of the numbers; None uses `random`.
            random: a `numpy.random.RandomState`; None for NumPy's global generator.
        """
        random = _make_random(seed, random)
        theta = _draw_symmetric(random, self.rotation_range)
        tx = _draw_shift(random, self.width_shift_range, img_shape[1])
        ty = _draw_shift(random, self.height_shift_range, img_shape[0])
        shear = _draw_symmetric(random, self.shear_range)
        zx, zy = (1, 1) if [*self.zoom_range] == [1, 1] else random.uniform(*self.zoom_range, 2)
        flips = [random.random_sample() < 0.5 for axis in range(2)]
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": zx,
            "zy": zy,
            "flip_horizontal": flips[0] and self.horizontal_flip,
            "flip_vertical": flips[1] and self.vertical_flip,
            "channel_shift_intensity": _draw_symmetric(random, self.channel_shift_range) or None,
            "brightness": None
            if self.brightness_range is None
            else random.uniform(*self.brightness_range),
        }

    def apply_transform(self, x: np.ndarray, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Return an image (height, width, channels), changed.

        Args:
            x: the image.
            transform_parameters: "theta" and "shear" in degrees, "tx" and "ty" in pixels to the
                left and up, "zx" and "zy" as factors, "channel_shift_intensity", "brightness",
                "flip_horizontal" and "flip_vertical"; each can be left out.
        """
        numbers = transform_parameters
        x = self._apply_affine_map(x, numbers)
        shift = numbers.get("channel_shift_intensity")
        x = x if shift is None else np.clip(x + shift, x.min(), x.max())
        x = x[:, ::-1] if numbers.get("flip_horizontal") else x
        x = x[::-1] if numbers.get("flip_vertical") else x
        brightness = numbers.get("brightness")
        return x if brightness is None else _change_brightness(x, brightness)

    def random_transform(
        self, x: np.ndarray, seed: int | None = None, random: Any = None
    ) -> np.ndarray:
        """Return an image (height, width, channels), changed at random.

        Args:
            x: the image.
            seed: see `get_random_transform`.
            random: see `get_random_transform`.
        """
        return self.apply_transform(x, self.get_random_transform(x.shape, seed, random))

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Return an image that is preprocessed, rescaled, centered and divided by its deviation."""
        x = self.preprocessing_function(x) if self.preprocessing_function else x
        x = np.array(x, self.dtype)
        if self.rescale:
            x *= self.rescale
        if self.samplewise_center:
            x -= np.mean(x, keepdims=True)
        if self.samplewise_std_normalization:
            x /= np.std(x, keepdims=True) + EPSILON
        for name, is_used in (
            ("mean", self.featurewise_center),
            ("std", self.featurewise_std_normalization),
        ):
            if is_used and getattr(self, name) is None:
                text = f"ImageDataGenerator: the {name} is not known. Call fit(x) first."
                warnings.warn(text, stacklevel=2)
        if self.featurewise_center and self.mean is not None:
            x -= self.mean
        if self.featurewise_std_normalization and self.std is not None:
            x /= self.std + EPSILON
        return x

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Compute the mean and the standard deviation of each channel.

        Args:
            x: images, (n, height, width, channels).
            augment: whether to change the images at random first.
            rounds: how often each image is used if they are changed.
            seed: seed of the changes; None uses NumPy's global generator.

        Raises:
            DataError: if x is not images.
            ConfigError: if rounds is not an int >= 1.
        """
        images = np.array(x, self.dtype)
        is_valid = images.ndim == 4 and len(images) > 0
        expected = "images (n, height, width, channels)"
        require(is_valid, "ImageDataGenerator: fit", expected, error=DataError, shape=images.shape)
        require(
            is_int(rounds, least=1),
            "ImageDataGenerator: fit",
            "rounds to be an int >= 1",
            rounds=rounds,
        )
        if self.rescale:
            images *= self.rescale
        if augment:
            random = _make_random(seed, None)
            changed = [
                self.random_transform(image, random=random)
                for _ in range(rounds)
                for image in images
            ]
            images = np.stack(changed)
        if self.featurewise_center:
            self.mean = images.mean((0, 1, 2)).reshape(1, 1, -1)
            images -= self.mean
        if self.featurewise_std_normalization:
            self.std = images.std((0, 1, 2)).reshape(1, 1, -1)

    def _apply_affine_map(self, x: np.ndarray, numbers: dict[str, Any]) -> np.ndarray:
        """Return an image whose pixel p is that of x at c + M (p - c) with the center c.

        M is the product of the rotation, the shift, the shear and the zoom, in this order.
        """
        theta, shear = (math.radians(numbers.get(name, 0)) for name in ("theta", "shear"))
        tx, ty, zx, zy = (
            numbers.get(*pair) for pair in (("tx", 0), ("ty", 0), ("zx", 1), ("zy", 1))
        )
        if not (theta or shear or tx or ty or zx != 1 or zy != 1):
            return x
        from scipy.ndimage import affine_transform

        cos, sin = np.cos(theta), np.sin(theta)
        rotation = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        shift = np.array([[1, 0, tx], [0, 1, ty], [0, 0, 1]])
        shearing = np.array([[1, -np.sin(shear), 0], [0, np.cos(shear), 0], [0, 0, 1]])
        height, width = x.shape[:2]
        center = np.array([[1, 0, width / 2 - 0.5], [0, 1, height / 2 - 0.5], [0, 0, 1]])
        inverse = np.array([[1, 0, 0.5 - width / 2], [0, 1, 0.5 - height / 2], [0, 0, 1]])
        matrix = center @ (rotation @ shift @ shearing @ np.diag([zx, zy, 1])) @ inverse
        matrix = matrix[[1, 0]][:, [1, 0, 2]]  # from (column, row) to (row, column)
        channels = [
            affine_transform(
                channel,
                matrix[:, :2],
                matrix[:, 2],
                order=self.interpolation_order,
                mode=self.fill_mode,
                cval=self.cval,
            )
            for channel in np.moveaxis(x, -1, 0)
        ]
        return np.stack(channels, axis=-1)


def _change_brightness(x: np.ndarray, factor: float) -> np.ndarray:
    """Return an image with all pixels multiplied by `factor`, in 8 bits, as Keras does."""
    from PIL import ImageEnhance

    low, high = x.min(), x.max()
    is_scaled = low < 0 or high > 255
    image = ImageEnhance.Brightness(array_to_img(x, scale=bool(is_scaled))).enhance(factor)
    pixels = img_to_array(image)
    return pixels / 255 * (high - low) + low if is_scaled else pixels


def _check_pair(name: str, value: Any) -> None:
    is_pair = isinstance(value, tuple | list | np.ndarray) and len(value) == 2
    require(
        (value is None and name == "brightness_range")
        or (is_pair and all(is_float32(number) for number in value)),
        "ImageDataGenerator",
        f"{name} to be (lowest, highest)",
        **{name: value},
    )


def _split_bounds(subset: str | None, share: float) -> tuple[float, float] | None:
    """Return the shares of the files between which a subset lies; None for all files."""
    if subset is None:
        return None
    bounds = {"training": (share, 1.0), "validation": (0.0, share)}
    return lookup("ImageDataGenerator: subset", subset, bounds)


def _make_random(seed: int | None, random: Any) -> Any:
    """Return a generator of NumPy's that draws as Keras's does: legacy, and global by default."""
    if seed is not None:
        return np.random.RandomState(seed)
    return np.random if random is None else random


def _draw_symmetric(random: Any, bound: float) -> float:
    return random.uniform(-bound, bound) if bound else 0


def _draw_shift(random: Any, bound: Any, size: int) -> float:
    """Draw a shift in pixels: below 1, `bound` is a fraction of `size`."""
    if not np.any(bound):
        return 0
    if np.ndim(bound) or is_int(bound, least=1):
        shift = random.choice(bound) * random.choice([-1, 1])
    else:
        shift = random.uniform(-bound, bound)
    return float(shift * size if np.max(bound) < 1 else shift)
