"""Files of images to pixels: decoded on threads, turned and coloured as asked for, in memory or on
the disk.
"""

from __future__ import annotations

import functools
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.errors import DataError, require
from glassnet.types import Shape

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff")
"""How files of images end; others are passed over."""

MAX_BYTES_IN_MEMORY = 2**30
"""Pixels of more bytes than this stay on the disk, in a temporary memory map, from which batches
are read.
"""

GRAYSCALE_MODES = ("1", "L", "LA", "I", "I;16", "F")
"""Pillow's modes without colours."""


def list_image_files(folder: Path) -> list[Path]:
    """The images in a folder and its sub-folders, by their paths."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()
    )


def infer_channels(files: Sequence[Path]) -> int:
    """1 where every file that can be opened is grey; their headers say it."""
    from PIL import Image

    def grey(path: Path) -> bool:
        try:
            with Image.open(path) as image:
                return image.mode in GRAYSCALE_MODES
        except Exception:  # what is no image has no colours
            return True

    return 1 if all(map(grey, files)) else 3


def read_images(who: str, files: Sequence[Path], shape: Shape) -> tuple[np.ndarray, dict[int, str]]:
    """Decode the files on threads, with a progress bar: (pixels (n, *shape), what is wrong with
    those that cannot be read).
    """
    from PIL import UnidentifiedImageError

    x = _allocate(who, (len(files), *shape))
    bad: dict[int, str] = {}

    def one(i: int) -> None:
        try:
            x[i] = decode_image(files[i], shape)
        except Exception as error:  # Pillow's decoders raise anything on a damaged file
            foreign = isinstance(error, UnidentifiedImageError)
            bad[i] = (
                "it is no image that Pillow knows"
                if foreign
                else f"{type(error).__name__}: {error}"[:200]
            )

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in _with_progress(threads.map(one, range(len(files))), len(files)):
            pass
    return x, dict(sorted(bad.items()))


def describe_failures(files: Sequence[Path], failures: dict[int, str]) -> str:
    """The first of the files that cannot be read, with the reasons."""
    return "; ".join(f"{files[i]}: {reason}" for i, reason in list(failures.items())[:5])


def decode_image(path: str | os.PathLike[str], shape: Shape) -> np.ndarray:
    """One image file as pixels of `shape` (height, width, channels), uint8.

    Raises:
        OSError, SyntaxError, ValueError: it is none, or damaged.
    """
    from PIL import Image, ImageOps

    height, width, channels = shape
    with Image.open(path) as file:
        file.draft(
            "RGB" if channels == 3 else "L", (2 * width, 2 * height)
        )  # a JPEG is decoded no larger than it has to be
        image = ImageOps.exif_transpose(file)
    if image.mode in ("I", "I;16", "F"):
        image = Image.fromarray((np.asarray(image, np.float32) / 257).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("L" if channels == 1 else "RGB").resize(
        (width, height), Image.Resampling.BILINEAR
    )
    return np.asarray(image).reshape(shape)


def _allocate(who: str, shape: Shape) -> np.ndarray:
    """An array for so many images: in memory, or in a temporary file that goes when the process
    ends.
    """
    size = math.prod(shape)
    if size <= MAX_BYTES_IN_MEMORY:
        return np.empty(shape, np.uint8)
    folder = Path(_temporary_folder().name)
    free = shutil.disk_usage(folder).free
    fix = f"Take a smaller size, or set TMPDIR to a folder on a larger disk than that of {folder.parent}."
    require(
        size < free,
        who,
        f"{size / 1e9:.1f} GB of room on the disk",
        error=DataError,
        free=f"{free / 1e9:.1f} GB",
        fix=fix,
    )
    return np.lib.format.open_memmap(
        folder / f"{len(list(folder.iterdir()))}.npy", "w+", np.uint8, shape
    )


@functools.cache
def _temporary_folder() -> tempfile.TemporaryDirectory:
    return tempfile.TemporaryDirectory(prefix="glassnet-images-")


def _with_progress(results: Iterator[Any], total: int) -> Iterator[Any]:
    """The same, with a progress bar on a terminal."""
    if not sys.stdout.isatty() or total < 200:
        return results
    from rich.progress import track

    return iter(track(results, "reading images", total=total, transient=True))
