"""Batches of images, changed at random, from an array or from files."""

from __future__ import annotations

import itertools
import os
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from glassnet.errors import DataError, is_int, lookup, require
from glassnet.keras.images import COLOR_MODES, INTERPOLATIONS, array_to_img, img_to_array, load_img
from glassnet.keras.py_dataset import PyDataset

SUFFIXES = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")


class ImageChanger(Protocol):
    """What an iterator needs of an `ImageDataGenerator`."""

    dtype: Any

    def random_transform(self, x: np.ndarray, *, random: Any) -> np.ndarray: ...

    def standardize(self, x: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class SaveOptions:
    """Where changed images are written, for inspection.

    Attributes:
        folder: the folder; None writes nothing.
        prefix: beginning of the file names.
        suffix: format of the files.
    """

    folder: Any = None
    prefix: str = ""
    suffix: str = "png"

    def save(self, images: np.ndarray, indices: np.ndarray, random: Any, largest: int) -> None:
        """Write images under their numbers and a random number below `largest`."""
        if self.folder is None:
            return
        for image, index in zip(images, indices, strict=True):
            name = f"{self.prefix}_{index}_{random.randint(largest)}.{self.suffix}"
            array_to_img(image, scale=True).save(Path(self.folder, name))


@dataclass(frozen=True)
class FileReader:
    """Image files as arrays of one size.

    Attributes:
        target_size: (height, width).
        color_mode: "rgb", "rgba" or "grayscale".
        interpolation: see `load_img`.
        keep_aspect_ratio: see `load_img`.
    """

    target_size: tuple[int, int]
    color_mode: str
    interpolation: str
    keep_aspect_ratio: bool

    def __post_init__(self) -> None:
        size = self.target_size
        is_size = isinstance(size, tuple | list) and len(size) == 2
        require(
            is_size and all(is_int(each, least=1) for each in size),
            "ImageDataGenerator",
            "target_size to be (height, width)",
            target_size=size,
        )
        object.__setattr__(self, "target_size", tuple(size))
        lookup("ImageDataGenerator: color_mode", self.color_mode, COLOR_MODES)
        names = dict.fromkeys(INTERPOLATIONS)
        lookup("ImageDataGenerator: interpolation", self.interpolation, names)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape of an image."""
        return (*self.target_size, COLOR_MODES[self.color_mode])

    def read(self, path: str) -> np.ndarray:
        """Return the pixels of a file."""
        return img_to_array(
            load_img(
                path,
                self.color_mode,
                self.target_size,
                self.interpolation,
                self.keep_aspect_ratio,
            )
        )


class ImageIterator(PyDataset):
    """Base class of endless batches of images; `len` is the number of batches in an epoch.

    `iterator[i]` is batch i of an epoch, `next(iterator)` the next one.

    Attributes:
        n: number of images.
        batch_size: images per batch.
        shuffle: whether every epoch has a new order.
        seed: seed of batch i, plus i; None uses NumPy's global generator.
        batch_index: number of the next batch in the epoch.
        index_array: order of the images in the epoch; None before the first batch.
        image_data_generator: the generator that changes the images.
    """

    n: int

    def __init__(
        self,
        generator: ImageChanger,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        save: SaveOptions,
    ):
        super().__init__()
        who = "ImageDataGenerator"
        is_valid = is_int(batch_size, least=1)
        require(is_valid, who, "batch_size to be an int >= 1", batch_size=batch_size)
        is_valid = seed is None or is_int(seed, least=0)
        require(is_valid, who, "seed to be an int >= 0 or None", seed=seed)
        self.image_data_generator, self.save_options = generator, save
        self.batch_size, self.shuffle, self.seed = batch_size, shuffle, seed
        self.batch_index = self.total_batches_seen = 0
        self.index_array: np.ndarray | None = None
        self._random: Any = np.random

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(f"There are {len(self)} batches. Received: index={index}.")
        self._seed_batch()
        if self.index_array is None:
            self._draw_order()
        start = index * self.batch_size
        return self._read_batch(self._order[start : start + self.batch_size])

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        require(self.n > 0, "ImageDataGenerator", "at least one image", error=DataError, n=0)
        self._seed_batch()
        if self.batch_index == 0:
            self._draw_order()
        start = self.batch_index * self.batch_size
        is_last = start + self.batch_size >= self.n
        self.batch_index = 0 if is_last else self.batch_index + 1
        return self._read_batch(self._order[start : start + self.batch_size])

    def next(self) -> Any:
        """Return the next batch."""
        return next(self)

    def reset(self) -> None:
        """Let the next batch be the first of an epoch."""
        self.batch_index = 0

    def on_epoch_end(self) -> None:
        """Draw the order of the next epoch."""
        self._draw_order()

    @property
    def _order(self) -> np.ndarray:
        return np.arange(self.n) if self.index_array is None else self.index_array

    def _seed_batch(self) -> None:
        if self.seed is not None:
            self._random = np.random.RandomState(self.seed + self.total_batches_seen)
        self.total_batches_seen += 1

    def _draw_order(self) -> None:
        self.index_array = self._random.permutation(self.n) if self.shuffle else np.arange(self.n)

    def _change(self, image: np.ndarray) -> np.ndarray:
        generator = self.image_data_generator
        changed = generator.random_transform(image.astype(generator.dtype), random=self._random)
        return generator.standardize(changed)

    @abstractmethod
    def _read_batch(self, indices: np.ndarray) -> Any:
        """Return the batch of the images with these numbers."""


class ArrayIterator(ImageIterator):
    """Batches of the images of an array; see `ImageDataGenerator.flow`.

    Attributes:
        x: the images.
        y: their labels or targets, or None.
        sample_weight: their weights, or None.
    """

    def __init__(
        self,
        generator: ImageChanger,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        save: SaveOptions,
    ):
        super().__init__(generator, batch_size, shuffle, seed, save)
        self.x = np.asarray(x, generator.dtype)
        expected = "images (n, height, width, channels)"
        is_images = self.x.ndim == 4
        fix = "Write x[..., None] for images without channels." if self.x.ndim == 3 else ""
        who = "ImageDataGenerator: flow"
        require(is_images, who, expected, error=DataError, fix=fix, shape=self.x.shape)
        self.n = len(self.x)
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)

    def _read_batch(self, indices: np.ndarray) -> Any:
        images = np.stack([self._change(self.x[i]) for i in indices])
        self.save_options.save(images, indices, self._random, 10**4)
        if self.y is None:
            return images
        if self.sample_weight is None:
            return images, self.y[indices]
        return images, self.y[indices], self.sample_weight[indices]


class FileIterator(ImageIterator):
    """Batches of image files.

    Attributes:
        directory: the folder of the files.
        filenames: the files, relative to it.
        filepaths: the same, with the folder.
        classes: the class number of each file.
        class_indices: the number of each class.
        class_mode: form of the labels.
        samples: number of files.
        image_shape: shape of an image.
        sample_weight: weight of each file, or None.
    """

    CLASS_MODES: ClassVar[tuple[str | None, ...]]

    directory: Any
    filenames: list[str]
    classes: Any
    class_indices: dict[str, int]
    targets: Any = None
    sample_weight: np.ndarray | None = None

    def __init__(
        self,
        generator: ImageChanger,
        reader: FileReader,
        class_mode: str | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        save: SaveOptions,
    ):
        super().__init__(generator, batch_size, shuffle, seed, save)
        is_mode = class_mode in self.CLASS_MODES
        expected = f"class_mode to be one of {', '.join(map(str, self.CLASS_MODES))}"
        require(is_mode, "ImageDataGenerator", expected, class_mode=class_mode)
        self.class_mode, self.reader = class_mode, reader
        self.image_shape, self.target_size = reader.image_shape, reader.target_size
        self.color_mode, self.interpolation = reader.color_mode, reader.interpolation

    @property
    def filepaths(self) -> list[str]:
        """The files with their folder."""
        return [os.path.join(self.directory, name) for name in self.filenames]

    @property
    def labels(self) -> Any:
        """The class number, or the targets, of each file."""
        return self.classes if self.targets is None else self.targets

    def _read_batch(self, indices: np.ndarray) -> Any:
        paths = (os.path.join(self.directory, self.filenames[i]) for i in indices)
        images = np.stack([self._change(self.reader.read(path)) for path in paths])
        self.save_options.save(images, indices, self._random, 10**7)
        if self.class_mode is None:
            return images
        targets = self._make_targets(images, indices)
        if self.sample_weight is None:
            return images, targets
        return images, targets, self.sample_weight[indices]

    def _make_targets(self, images: np.ndarray, indices: np.ndarray) -> np.ndarray:
        if self.class_mode == "input":
            return images.copy()
        if self.class_mode == "raw":
            return np.asarray(self.targets[indices])
        if self.class_mode != "categorical":
            return np.array([self.classes[i] for i in indices], images.dtype)
        rows = np.zeros((len(indices), len(self.class_indices)), images.dtype)
        for row, i in zip(rows, indices, strict=True):
            row[self.classes[i]] = 1
        return rows


class DirectoryIterator(FileIterator):
    """Batches of the images of a folder; see `ImageDataGenerator.flow_from_directory`.

    Attributes:
        num_classes: number of classes.
    """

    CLASS_MODES = ("categorical", "binary", "sparse", "input", None)

    def list_files(
        self,
        directory: Any,
        classes: list[str] | None,
        split: tuple[float, float] | None,
        follow_links: bool,
    ) -> None:
        """Find the files of each class in alphabetical order, and print their number.

        Args:
            directory: the folder.
            classes: the folders of the classes; None for all.
            split: the shares of a class's files between which those of a subset lie.
            follow_links: whether links to folders are followed.
        """
        root = os.fspath(directory)
        folders = (entry.name for entry in Path(root).iterdir() if entry.is_dir())
        names = list(classes or sorted(folders))
        self.directory, self.num_classes = directory, len(names)
        self.class_indices = {name: i for i, name in enumerate(names)}
        self.filenames = []
        labels: list[int] = []
        for name, index in self.class_indices.items():
            files = list(_iter_image_files(os.path.join(root, name), follow_links))
            if split:
                files = files[int(split[0] * len(files)) : int(split[1] * len(files))]
            labels += [index] * len(files)
            self.filenames += [os.path.relpath(path, root) for path in files]
        self.classes = np.array(labels, np.int32)
        self.n = self.samples = len(labels)
        print(f"Found {self.samples} images belonging to {self.num_classes} classes.")


@dataclass(frozen=True)
class FrameColumns:
    """The columns of a frame of image files.

    Attributes:
        file: name of the column of paths.
        target: name of the column of labels, or several names of columns of targets.
        weight: name of the column of weights, or None.
    """

    file: str
    target: Any
    weight: str | None


class DataFrameIterator(FileIterator):
    """Batches of the images of a frame; see `ImageDataGenerator.flow_from_dataframe`."""

    CLASS_MODES = ("categorical", "binary", "sparse", "input", "raw", None)

    def list_rows(
        self,
        frame: Any,
        directory: Any,
        columns: FrameColumns,
        classes: list[str] | None,
        split: tuple[float, float] | None,
        checks_files: bool,
    ) -> None:
        """Read the files, labels and weights of a frame, and print the number of files.

        Args:
            frame: the frame.
            directory: the folder of the files; None if the paths are complete.
            columns: the columns of the frame.
            classes: the labels to use; None for all, in alphabetical order.
            split: the shares of the rows between which those of a subset lie.
            checks_files: whether rows without an image file are left out.
        """
        self.directory = directory or ""
        files = list(frame[columns.file])
        rows = self._find_files(files, columns.file) if checks_files else list(range(len(files)))
        has_classes = self.class_mode in ("categorical", "binary", "sparse")
        if has_classes:
            labels = list(frame[columns.target])
            rows = self._number_classes(labels, rows, classes)
        if split:
            rows = rows[int(split[0] * len(rows)) : int(split[1] * len(rows))]
        self.filenames = [files[i] for i in rows]
        self.n = self.samples = len(rows)
        if has_classes:
            self.classes = [self._number_of(labels[i]) for i in rows]
        elif self.class_mode == "raw":
            self.targets = np.asarray(frame[columns.target])[rows]
        if columns.weight is not None:
            self.sample_weight = np.asarray(frame[columns.weight])[rows]
        kind = "validated" if checks_files else "non-validated"
        suffix = f" belonging to {len(self.class_indices)} classes" if has_classes else ""
        print(f"Found {self.samples} {kind} image filenames{suffix}.")

    def _find_files(self, files: list[Any], column: str) -> list[int]:
        """Return the rows with an image file, and warn about the others."""
        paths = [os.path.join(self.directory, str(name)) for name in files]
        rows = [
            i
            for i, path in enumerate(paths)
            if path.lower().endswith(SUFFIXES) and os.path.isfile(path)
        ]
        if len(rows) < len(files):
            text = f"{len(files) - len(rows)} rows have no image file in column {column!r}"
            example = next(path for i, path in enumerate(paths) if i not in set(rows))
            warnings.warn(f"{text}, such as {example!r}. They are left out.", stacklevel=4)
        return rows

    def _number_classes(
        self, labels: list[Any], rows: list[int], classes: list[str] | None
    ) -> list[int]:
        """Number the classes; return the rows whose label is one of them."""
        who = "ImageDataGenerator: flow_from_dataframe"
        lists = {i: _as_labels(labels[i]) for i in rows}
        for label in itertools.chain(*lists.values()):
            fix = "Write frame[column] = frame[column].astype(str)."
            is_text = isinstance(label, str)
            require(is_text, who, "labels that are texts", error=DataError, fix=fix, label=label)
        names = dict.fromkeys(classes or sorted({*itertools.chain(*lists.values())}))
        is_valid = self.class_mode != "binary" or len(names) == 2
        fix = "Pass class_mode='sparse' for class numbers."
        expected = "two classes for class_mode='binary'"
        require(is_valid, who, expected, error=DataError, fix=fix, classes=list(names)[:5])
        self.class_indices = {name: i for i, name in enumerate(names)}
        return [i for i in rows if any(label in names for label in lists[i])]

    def _number_of(self, label: Any) -> Any:
        """Return the number of a label, or the numbers of several labels."""
        indices = [
            self.class_indices[one] for one in _as_labels(label) if one in self.class_indices
        ]
        return indices[0] if isinstance(label, str) else indices


def _as_labels(label: Any) -> list[Any]:
    return list(label) if isinstance(label, list | tuple) else [label]


def _iter_image_files(folder: str, follow_links: bool) -> Iterator[str]:
    """Yield the image files of a folder and its folders, in alphabetical order."""
    for root, _, names in sorted(os.walk(folder, followlinks=follow_links)):
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES):
                yield os.path.join(root, name)


def select_subset(
    share: float | None,
    subset: str | None,
    ignore_class_split: bool,
    x: Any,
    y: Any,
    sample_weight: Any,
) -> tuple[Any, Any, Any]:
    """Return the images, labels and weights of a subset; all of them if `share` is None."""
    who = "ImageDataGenerator: flow"
    for name, values in (("y", y), ("sample_weight", sample_weight)):
        is_valid = values is None or len(values) == len(x)
        expected = f"{name} to have one entry for each image"
        counts = {"images": len(x), "entries": None if is_valid else len(values)}
        require(is_valid, who, expected, error=DataError, fix="", **counts)
    if share is None:
        return x, y, sample_weight
    n_validation = int(len(x) * share)
    first, rest = slice(None, n_validation), slice(n_validation, None)
    rows = lookup(f"{who}: subset", str(subset), {"training": rest, "validation": first})
    if y is not None and not ignore_class_split:
        labels = [np.unique(np.asarray(y)[part]) for part in (first, rest)]
        require(
            np.array_equal(labels[0], labels[1]),
            who,
            "the same classes in both subsets",
            error=DataError,
            fix="Shuffle the rows first, or pass ignore_class_split=True.",
            validation_classes=len(labels[0]),
            training_classes=len(labels[1]),
        )
    return tuple(None if part is None else part[rows] for part in (x, y, sample_weight))  # type: ignore[return-value]
