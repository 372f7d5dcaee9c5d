"""Image datasets: a folder with one sub-folder per class becomes pixels and class labels."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data import image_files
from glassnet.data.split import train_validation_split
from glassnet.errors import DataError, DataWarning, is_int, require


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images of one size with their classes; `fit`, `evaluate` and `predict` take them as they are,
    and they unpack as x, y.

    Attributes:
        x: (n, height, width, channels) uint8, in memory or a memory map.
        y: (n,) int64, the index of each one's class.
        class_names: what the classes are called.
        files: where each image was read from.
        skipped: what could not be read: file and reason.
    """

    x: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    files: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...] = ()

    def to_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        return self.x, self.y

    def __len__(self) -> int:
        return len(self.y)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.x, dtype)

    def __iter__(self) -> Iterator[np.ndarray]:
        yield self.x
        yield self.y

    def __repr__(self) -> str:
        counts = np.bincount(self.y, minlength=len(self.class_names))
        classes = ", ".join(
            f"{name} {count:,}" for name, count in zip(self.class_names, counts, strict=True)
        )
        return f"Images({len(self):,} of shape {self.x.shape[1:]}: {classes})"


def images_from_folder(
    folder: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    size: tuple[int, int] = (150, 150),
    validation_split: float = 0.0,
    *,
    class_names: Sequence[str] | None = None,
    channels: int | None = None,
    seed: int = 0,
    strict: bool = False,
) -> Images | tuple[Images, ...]:
    """Read a folder of images, one sub-folder for each class: `Images`, or with `validation_split`
    two, to train and to validate on.

    Files are decoded on threads, turned as their camera says, stretched to `size` (bilinear,
    antialiased), and kept as uint8: in memory, or beyond a gigabyte in a temporary file that
    batches are read from. Grey files alone give one channel, all else three; what is transparent
    becomes white.

    Shapes:
        x (n, height, width, channels) uint8; y (n,) int64, classes in the order of `class_names`.

    Args:
        folder: with a sub-folder for each class, whose own sub-folders count to it; or folders, one
            for each of `class_names`.
        size: (height, width) in pixels.
        validation_split: fraction of the files that is held out, of each class in proportion.
        class_names: the classes and their order; None for the sub-folders by name. Those of a
            training folder go with its test folder: `class_names=train.class_names`.
        channels: 1 or 3; None by the files.
        seed: draws what is held out.
        strict: whether a file that cannot be read is an error, rather than left out with a warning.

    Raises:
        ConfigError: an argument out of range.
        DataError: no such folder; one class or an empty one; a file that cannot be read, with
            `strict`, or none of a class that can.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     for name, colour in (("day", "white"), ("night", "black")):
        ...         Path(folder, name).mkdir()
        ...         Image.new("RGB", (8, 6), colour).save(Path(folder, name, "1.png"))
        ...     images_from_folder(folder, size=(4, 4))
        Images(2 of shape (4, 4, 3): day 1, night 1)
    """
    who = "images_from_folder"
    pair = (
        isinstance(size, tuple | list) and len(size) == 2 and all(is_int(n, least=1) for n in size)
    )
    require(pair, who, "size to be (height, width) in pixels", size=size)
    require(channels in (None, 1, 3), who, "channels to be 1, 3 or None", channels=channels)
    require(is_int(seed, least=0), who, "seed to be an int >= 0", seed=seed)
    names, files, labels = _list_labeled_files(who, folder, class_names)
    kept, held = train_validation_split(len(files), labels, validation_split, "random", seed)
    if channels is None:
        channels = image_files.infer_channels(files)
    shape = (int(size[0]), int(size[1]), channels)
    parts = [part for part in (kept, held) if part is not None]
    read = [image_files.read_images(who, [files[i] for i in part], shape) for part in parts]
    bad = {
        int(part[i]): reason
        for part, (_, reasons) in zip(parts, read, strict=True)
        for i, reason in reasons.items()
    }
    told, fix = (
        image_files.describe_failures(files, bad),
        "Remove the files, or leave strict=True out.",
    )
    require(
        not (bad and strict),
        who,
        "images that can be read",
        error=DataError,
        unreadable=len(bad),
        first=told,
        fix=fix,
    )
    empty = [
        name for k, name in enumerate(names) if all(i in bad for i in np.flatnonzero(labels == k))
    ]
    require(
        not empty,
        who,
        "images of every class that can be read",
        error=DataError,
        none_of=empty,
        unreadable=len(bad),
        first=told,
    )
    if bad:
        warnings.warn(
            f"{who}: {len(bad):,} of {len(files):,} files cannot be read and are left out: {told}",
            DataWarning,
            stacklevel=2,
        )
    made = [
        _drop_unreadable(x, labels[part], names, [files[i] for i in part], reasons)
        for part, (x, reasons) in zip(parts, read, strict=True)
    ]
    return made[0] if len(made) == 1 else tuple(made)


def _list_labeled_files(
    who: str, folder: Any, class_names: Sequence[str] | None
) -> tuple[tuple[str, ...], list[Path], np.ndarray]:
    """The classes, the files and the class of each."""
    if isinstance(folder, str | os.PathLike):
        root = Path(folder)
        require(root.is_dir(), who, "a folder", error=DataError, folder=str(root))
        there = class_folders(root)
        names = tuple(there) if class_names is None else tuple(class_names)
        lacking = [name for name in names if name not in there]
        require(
            not lacking,
            who,
            "a sub-folder for each class",
            error=DataError,
            missing=lacking[:5],
            there=list(there)[:10],
        )
        homes = [there[name] for name in names]
    else:
        homes = [Path(path) for path in folder]
        given = tuple(path.name for path in homes) if class_names is None else tuple(class_names)
        names, fix = given, "Name one class for each folder."
        require(
            len(names) == len(homes),
            who,
            "as many class_names as folders",
            folders=len(homes),
            class_names=names,
            fix=fix,
        )
        lacking = [str(path) for path in homes if not path.is_dir()]
        require(not lacking, who, "folders", error=DataError, missing=lacking[:5])
    fix = "Put the images of each class into a folder of its own."
    require(
        len(names) > 1,
        who,
        "two classes or more, each a sub-folder",
        error=DataError,
        classes=list(names),
        fix=fix,
    )
    require(
        len(set(names)) == len(names), who, "a name of its own for each class", class_names=names
    )
    found = [image_files.list_image_files(home) for home in homes]
    empty = [name for name, files in zip(names, found, strict=True) if not files]
    endings = f"images ({', '.join(image_files.IMAGE_SUFFIXES)}) of every class"
    require(
        not empty,
        who,
        endings,
        error=DataError,
        empty=empty[:10],
        fix="Remove the folders that are no classes, or name the others.",
    )
    return (
        names,
        [path for files in found for path in files],
        np.repeat(np.arange(len(names)), [len(files) for files in found]),
    )


def _drop_unreadable(
    x: np.ndarray,
    labels: np.ndarray,
    names: tuple[str, ...],
    files: list[Path],
    failures: dict[int, str],
) -> Images:
    """The images without those that cannot be read."""
    good = np.array([i for i in range(len(files)) if i not in failures], int)
    if failures:
        for i, place in enumerate(good):
            x[i] = x[place]
        x = x[: len(good)]
    if isinstance(x, np.memmap):
        x.flush()
        changed = max(path.stat().st_mtime_ns for path in files)
        os.utime(
            str(x.filename), ns=(changed, changed)
        )  # the same images are the same data, whenever they are read
    skipped = tuple((files[i], reason) for i, reason in failures.items())
    return Images(x, labels[good].astype(np.int64), names, tuple(files[i] for i in good), skipped)


def class_folders(root: Path) -> dict[str, Path]:
    """The sub-folders that may hold a class each, by name."""
    return {
        path.name: path
        for path in sorted(root.iterdir())
        if path.is_dir() and not path.name.startswith(".")
    }


def resolve_image_files(path: str | os.PathLike[str]) -> list[Path]:
    """The path, or the images in the folder that it is.

    Raises:
        DataError: a folder without images.
    """
    place = Path(path)
    files = image_files.list_image_files(place) if place.is_dir() else [place]
    require(
        files,
        "images",
        f"a folder with images ({', '.join(image_files.IMAGE_SUFFIXES)})",
        error=DataError,
        folder=str(place),
    )
    return files
