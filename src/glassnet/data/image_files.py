"""Image files decoded to arrays of pixels, in memory or in a temporary memory map."""

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
"""Suffixes of image files; other files are skipped."""

MAX_BYTES_IN_MEMORY = 2**30
"""Larger arrays of pixels are written to a temporary memory map, from which batches are read."""

GRAYSCALE_MODES = ("1", "L", "LA", "I", "I;16", "F")
"""Pillow's modes without color."""


def list_image_files(folder: Path) -> list[Path]:
    """Return the image files in a folder and its subfolders, sorted by path."""
    return sorted(filter(is_image_file, folder.rglob("*")))


def is_image_file(path: Path) -> bool:
    """Return whether a path is a file whose suffix is that of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES and path.is_file()


def infer_channels(files: Sequence[Path]) -> int:
    """Return 1 if all readable files are grayscale, else 3; only headers are read."""
    from PIL import Image

    def is_grayscale(path: Path) -> bool:
        try:
            with Image.open(path) as image:
                return image.mode in GRAYSCALE_MODES
        except Exception:  # an unreadable file does not make the others color images
            return True

    return 1 if all(map(is_grayscale, files)) else 3


def read_images(who: str, files: Sequence[Path], shape: Shape) -> tuple[np.ndarray, dict[int, str]]:
    """Decode image files on threads, with a progress bar.

    Args:
        who: name of the caller, for errors.
        files: paths of the images.
        shape: (height, width, channels) of the result.

    Returns:
        Pixels (n, *shape) uint8, and the reason for each file that cannot be read, by index.
    """
    from PIL import UnidentifiedImageError

    x = _allocate(who, (len(files), *shape))
    failures: dict[int, str] = {}

    def decode(i: int) -> None:
        try:
            x[i] = decode_image(files[i], shape)
        except UnidentifiedImageError:
            failures[i] = "it is not an image that Pillow can read"
        except Exception as error:  # Pillow's decoders raise anything on a damaged file
            failures[i] = f"{type(error).__name__}: {error}"[:200]

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in _with_progress(threads.map(decode, range(len(files))), len(files)):
            pass
    return x, dict(sorted(failures.items()))


def describe_failures(files: Sequence[Path], failures: dict[int, str]) -> str:
    """Return the first five files that cannot be read, with the reasons."""
    return "; ".join(f"{files[i]}: {reason}" for i, reason in list(failures.items())[:5])


def decode_image(path: str | os.PathLike[str], shape: Shape) -> np.ndarray:
    """Return the pixels of an image file, resized to `shape` (height, width, channels), uint8.

    Raises:
        OSError, SyntaxError, ValueError: the file is damaged or not an image.
    """
    from PIL import Image, ImageOps

    height, width, channels = shape
    with Image.open(path) as file:
        # Decode a JPEG at no more than twice the size needed.
        file.draft("RGB" if channels == 3 else "L", (2 * width, 2 * height))
        image = ImageOps.exif_transpose(file)
    if image.mode in ("I", "I;16", "F"):
        image = Image.fromarray((np.asarray(image, np.float32) / 257).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(shape)


def _allocate(who: str, shape: Shape) -> np.ndarray:
    """Return an empty array in memory, or in a temporary file that is deleted at exit."""
    size = math.prod(shape)
    if size <= MAX_BYTES_IN_MEMORY:
        return np.empty(shape, np.uint8)
    folder = Path(_temporary_folder().name)
    free = shutil.disk_usage(folder).free
    require(
        size < free,
        who,
        f"{size / 1e9:.1f} GB of free disk space",
        error=DataError,
        free=f"{free / 1e9:.1f} GB",
        fix="Choose a smaller size, or set TMPDIR to a folder on a larger disk than "
        f"{folder.parent}.",
    )
    file = folder / f"{len(list(folder.iterdir()))}.npy"
    return np.lib.format.open_memmap(file, "w+", np.uint8, shape)


@functools.cache
def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="glassnet-images-")


def _with_progress(results: Iterator[Any], total: int) -> Iterator[Any]:
    """Show a progress bar while iterating, if there are many results and a terminal."""
    if not sys.stdout.isatty() or total < 200:
        return results
    from rich.progress import track

    return iter(track(results, "reading images", total=total, transient=True))
