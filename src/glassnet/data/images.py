"""Images in: a folder with a sub-folder for each class becomes rows of pixels and their labels."""

from __future__ import annotations

import functools
import math
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data.rows import hold_out
from glassnet.errors import DataError, DataWarning, is_int, require
from glassnet.types import Shape

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
"""How files of images end; others are passed over."""

IN_MEMORY = 2**30
"""Pixels of more bytes than this stay on the disk, in a temporary memory map, from which batches are read."""

GREY = ("1", "L", "LA", "I", "I;16", "F")
"""Pillow's modes without colours."""


@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images of one size with their classes; `fit`, `evaluate` and `predict` take them as they are, and they unpack as x, y.

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

    def __len__(self) -> int:
        return len(self.y)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.x, dtype)

    def __iter__(self) -> Iterator[np.ndarray]:
        yield self.x
        yield self.y

    def __repr__(self) -> str:
        counts = np.bincount(self.y, minlength=len(self.class_names))
        classes = ", ".join(f"{name} {count:,}" for name, count in zip(self.class_names, counts, strict=True))
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
    """Read a folder of images, one sub-folder for each class: `Images`, or with `validation_split` two, to train and to validate on.

    Files are decoded on threads, turned as their camera says, stretched to `size` (bilinear, antialiased), and kept as uint8: in memory, or
    beyond a gigabyte in a temporary file that batches are read from. Grey files alone give one channel, all else three; what is
    transparent becomes white.

    Shapes:
        x (n, height, width, channels) uint8; y (n,) int64, classes in the order of `class_names`.

    Args:
        folder: with a sub-folder for each class, whose own sub-folders count to it; or folders, one for each of `class_names`.
        size: (height, width) in pixels.
        validation_split: fraction of the files that is held out, of each class in proportion.
        class_names: the classes and their order; None for the sub-folders by name. Those of a training folder go with its test folder:
            `class_names=train.class_names`.
        channels: 1 or 3; None by the files.
        seed: draws what is held out.
        strict: whether a file that cannot be read is an error, rather than left out with a warning.

    Raises:
        ConfigError: an argument out of range.
        DataError: no such folder; one class or an empty one; a file that cannot be read, with `strict`, or none that can.

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
    pair = isinstance(size, tuple | list) and len(size) == 2 and all(is_int(n, least=1) for n in size)
    require(pair, who, "size to be (height, width) in pixels", size=size)
    require(channels in (None, 1, 3), who, "channels to be 1, 3 or None", channels=channels)
    require(is_int(seed, least=0), who, "seed to be an int >= 0", seed=seed)
    names, files, labels = _listed(who, folder, class_names)
    kept, held = hold_out(len(files), labels, validation_split, "random", seed)
    if channels is None:
        channels = _channels(files)
    shape = (int(size[0]), int(size[1]), channels)
    parts = [_read(who, [files[i] for i in part], labels[part], names, shape, strict) for part in (kept, held) if part is not None]
    return parts[0] if len(parts) == 1 else tuple(parts)


def _listed(who: str, folder: Any, class_names: Sequence[str] | None) -> tuple[tuple[str, ...], list[Path], np.ndarray]:
    """The classes, the files and the class of each."""
    if isinstance(folder, str | os.PathLike):
        root = Path(folder)
        require(root.is_dir(), who, "a folder", error=DataError, folder=str(root))
        there = {path.name: path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")}
        names = tuple(there) if class_names is None else tuple(class_names)
        lacking = [name for name in names if name not in there]
        require(not lacking, who, "a sub-folder for each class", error=DataError, missing=lacking[:5], there=list(there)[:10])
        homes = [there[name] for name in names]
    else:
        homes = [Path(path) for path in folder]
        given = tuple(path.name for path in homes) if class_names is None else tuple(class_names)
        names, fix = given, "Name one class for each folder."
        require(len(names) == len(homes), who, "as many class_names as folders", folders=len(homes), class_names=names, fix=fix)
        lacking = [str(path) for path in homes if not path.is_dir()]
        require(not lacking, who, "folders", error=DataError, missing=lacking[:5])
    fix = "Put the images of each class into a folder of its own."
    require(len(names) > 1, who, "two classes or more, each a sub-folder", error=DataError, classes=list(names), fix=fix)
    require(len(set(names)) == len(names), who, "a name of its own for each class", class_names=names)
    found = [sorted(path for path in home.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()) for home in homes]
    empty = [name for name, files in zip(names, found, strict=True) if not files]
    endings = f"images ({', '.join(SUFFIXES)}) of every class"
    require(not empty, who, endings, error=DataError, empty=empty[:10], fix="Remove the folders that are no classes, or name the others.")
    return names, [path for files in found for path in files], np.repeat(np.arange(len(names)), [len(files) for files in found])


def _channels(files: Sequence[Path]) -> int:
    """1 where every file that can be opened is grey; their headers say it."""
    from PIL import Image

    def grey(path: Path) -> bool:
        try:
            with Image.open(path) as image:
                return image.mode in GREY
        except OSError:
            return True

    return 1 if all(map(grey, files)) else 3


def _read(who: str, files: list[Path], labels: np.ndarray, names: tuple[str, ...], shape: Shape, strict: bool) -> Images:
    """Decode the files; what cannot be read is left out."""
    from PIL import UnidentifiedImageError

    x = _room(who, (len(files), *shape))
    bad: dict[int, str] = {}

    def one(i: int) -> None:
        try:
            x[i] = decode(files[i], shape)
        except Exception as error:  # Pillow's decoders raise anything on a damaged file
            foreign = isinstance(error, UnidentifiedImageError)
            bad[i] = "it is no image that Pillow knows" if foreign else f"{type(error).__name__}: {error}"[:200]

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in _shown(threads.map(one, range(len(files))), len(files)):
            pass
    skipped = tuple((files[i], bad[i]) for i in sorted(bad))
    told = "; ".join(f"{path}: {reason}" for path, reason in skipped[:5])
    fix = "Remove the files, or leave strict=True out."
    require(not (bad and strict), who, "images that can be read", error=DataError, unreadable=len(bad), first=told, fix=fix)
    good = np.array([i for i in range(len(files)) if i not in bad], int)
    require(len(good), who, "images that can be read", error=DataError, unreadable=len(bad), first=told)
    if bad:
        warnings.warn(f"{who}: {len(bad):,} of {len(files):,} files cannot be read and are left out: {told}", DataWarning, stacklevel=3)
        for i, place in enumerate(good):
            x[i] = x[place]
        x = x[: len(good)]
    if isinstance(x, np.memmap):
        x.flush()
        changed = max(path.stat().st_mtime_ns for path in files)
        os.utime(str(x.filename), ns=(changed, changed))  # the same images are the same data, whenever they are read
    return Images(x, labels[good].astype(np.int64), names, tuple(files[i] for i in good), skipped)


def decode(path: str | os.PathLike[str], shape: Shape) -> np.ndarray:
    """One image file as pixels of `shape` (height, width, channels), uint8.

    Raises:
        OSError, SyntaxError, ValueError: it is none, or damaged.
    """
    from PIL import Image, ImageOps

    height, width, channels = shape
    with Image.open(path) as file:
        file.draft("RGB" if channels == 3 else "L", (2 * width, 2 * height))  # a JPEG is decoded no larger than it has to be
        image = ImageOps.exif_transpose(file)
    if image.mode in ("I", "I;16", "F"):
        image = Image.fromarray((np.asarray(image, np.float32) / 257).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("L" if channels == 1 else "RGB").resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(image).reshape(shape)


def _room(who: str, shape: Shape) -> np.ndarray:
    """An array for so many images: in memory, or in a temporary file that goes when the process ends."""
    size = math.prod(shape)
    if size <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    folder = Path(_temporary().name)
    free = shutil.disk_usage(folder).free
    fix = f"Take a smaller size, or set TMPDIR to a folder on a larger disk than that of {folder.parent}."
    require(size < free, who, f"{size / 1e9:.1f} GB of room on the disk", error=DataError, free=f"{free / 1e9:.1f} GB", fix=fix)
    return np.lib.format.open_memmap(folder / f"{len(list(folder.iterdir()))}.npy", "w+", np.uint8, shape)


@functools.cache
def _temporary() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="glassnet-images-")


def _shown(done: Iterator[Any], total: int) -> Iterator[Any]:
    """The same, with a progress bar on a terminal."""
    if not sys.stdout.isatty() or total < 200:
        return done
    from rich.progress import track

    return iter(track(done, "reading images", total=total, transient=True))
