"""Image files decoded to arrays of pixels, in memory or in a temporary memory map."""

from __future__ import annotations

import functools
import math
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from glassnet.data import pixel_values
from glassnet.data.pixel_values import PixelExtent, PixelRange
from glassnet.errors import DataError, message, require, wrap_errors
from glassnet.types import Shape

if TYPE_CHECKING:
    from PIL import Image

IMAGE_SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jfif",
    ".bmp",
    ".gif",
    ".webp",
    ".tif",
    ".tiff",
)
"""Suffixes of image files; other files are not read."""

IMAGE_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
"""Pillow's names of the formats that are read, whatever a file is called.

Without this list, Pillow would start Ghostscript for a PostScript file named .png.
"""

TEXT_SUFFIXES = (".txt", ".md", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".html", ".py")
"""Suffixes of files that people keep beside images and do not expect to be read as images."""

SYSTEM_NAMES = (
    "__MACOSX",
    "__pycache__",
    "@eaDir",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "Thumbs.db",
    "desktop.ini",
)
"""Folders and files that operating systems make: their images are copies and thumbnails."""

MAX_BYTES_IN_MEMORY = 2**30
"""Larger arrays of pixels are written to a temporary memory map, from which batches are read."""

GRAYSCALE_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")
"""Pillow's modes without color."""

ORIENTATION, TIFF_WIDTH, TIFF_HEIGHT = 0x0112, 256, 257
"""Tags of EXIF and TIFF."""


class ImageHeader(NamedTuple):
    """Properties of an image file.

    Attributes:
        is_gray: whether the file has no color.
        kind: see `pixel_values.find_pixel_kind`.
        is_animated: whether the file has several frames or pages.
        extent: smallest and largest value, or None if the format states the range.
    """

    is_gray: bool
    kind: str = ""
    is_animated: bool = False
    extent: PixelExtent | None = None


def is_system_name(name: str) -> bool:
    """Return whether a file or folder is hidden or belongs to the operating system."""
    return name.startswith(".") or name in SYSTEM_NAMES


def iter_files(folder: Path) -> Iterator[Path]:
    """Yield the files in a folder and its subfolders, without hidden ones.

    Raises:
        DataError: a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        expected = "folders that can be read"
        text = message("images", expected, folder=str(error.filename), problem=error.strerror)
        raise DataError(text) from error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not is_system_name(name)]
        paths = (Path(root, name) for name in names if not is_system_name(name))
        yield from filter(os.path.isfile, paths)


def list_image_files(folder: Path) -> list[Path]:
    """Return the image files in a folder and its subfolders, sorted by path."""
    return sorted(filter(has_image_suffix, iter_files(folder)))


def count_other_files(folders: Iterable[Path]) -> Counter[str]:
    """Return the number of files that are not read, by suffix, without those of text."""
    suffixes = Counter(file.suffix.lower() for folder in folders for file in iter_files(folder))
    known = (*IMAGE_SUFFIXES, *TEXT_SUFFIXES)
    return Counter({name: count for name, count in suffixes.items() if name not in known})


def has_image_suffix(path: Path) -> bool:
    """Return whether the suffix of a path is that of an image."""
    return path.suffix.lower() in IMAGE_SUFFIXES


@contextmanager
def open_image(path: str | os.PathLike[str]) -> Iterator[Image.Image]:
    """Open an image file without decoding it.

    Raises:
        UnidentifiedImageError: the file has none of `IMAGE_FORMATS`.
        ValueError: the image has more pixels than Pillow's limit, `PIL.Image.MAX_IMAGE_PIXELS`.
        OSError, SyntaxError: the file is damaged.
    """
    from PIL import Image

    # From a path, Pillow would map a plain TIFF into memory, which garbles rotated ones.
    with open(path, "rb") as stream, Image.open(stream, formats=IMAGE_FORMATS) as file:
        limit, pixels = Image.MAX_IMAGE_PIXELS, math.prod(file.size)
        if limit is not None and pixels > limit:
            raise ValueError(
                f"{pixels:,} pixels are more than {limit:,}, the limit against decompression "
                "bombs; if you trust the file, set PIL.Image.MAX_IMAGE_PIXELS = None"
            )
        yield file


def read_size(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Return the (height, width) of an image file in its EXIF orientation.

    Raises:
        OSError, SyntaxError, ValueError: see `open_image`.
    """
    with open_image(path) as file:
        width, height = file.size
        if tags := getattr(file, "tag_v2", None):  # Pillow swaps the size of some files itself
            width, height = int(tags[TIFF_WIDTH]), int(tags[TIFF_HEIGHT])
        is_upright = file.getexif().get(ORIENTATION, 1) < 5
    return (height, width) if is_upright else (width, height)


def read_headers(files: Sequence[Path]) -> list[ImageHeader | None]:
    """Return the header of each file, or None if it cannot be read.

    Only images of more than 8 bits are decoded, for their smallest and largest value.
    """

    def read(path: Path) -> ImageHeader | None:
        try:
            with open_image(path) as file:
                kind = pixel_values.find_pixel_kind(file)
                # A phone's JPEG with a preview or a depth map counts as one image.
                is_animated = getattr(file, "is_animated", False) and file.format != "MPO"
                is_gray = file.mode in GRAYSCALE_MODES
                extent = _measure(file) if kind else None
            return ImageHeader(is_gray, kind, is_animated, extent)
        except Exception:  # decoding the file again reports the error
            return None

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(read, files))


def _measure(file: Image.Image) -> PixelExtent:
    values = pixel_values.read_values(file, file)
    if file.mode == "RGBA":  # opaque pixels have the largest alpha, however dark they are
        values = values[..., :3]
    return PixelExtent(float(values.min()), float(values.max()))


def read_images(
    who: str, files: Sequence[Path], shape: Shape, pixel_range: PixelRange | None = None
) -> tuple[np.ndarray, dict[int, str]]:
    """Decode image files on threads, with a progress bar.

    Args:
        who: name of the caller, for errors.
        files: paths of the images.
        shape: (height, width, channels) of the result.
        pixel_range: values of black and white in images of more than 8 bits.

    Returns:
        Pixels (n, *shape) uint8, and the reason for each file that cannot be read, by index.

    Raises:
        DataError: too little memory or disk space.
    """
    from PIL import UnidentifiedImageError

    x = _allocate(who, (len(files), *shape))
    failures: dict[int, str] = {}

    def decode(i: int) -> None:
        try:
            x[i] = decode_image(files[i], shape, pixel_range)
        except UnidentifiedImageError:
            failures[i] = _explain_unidentified(files[i])
        except Exception as error:  # Pillow's decoders raise anything on a damaged file
            failures[i] = f"{type(error).__name__}: {error}"[:200]

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in _with_progress(threads.map(decode, range(len(files))), len(files)):
            pass
    return x, dict(sorted(failures.items()))


def _explain_unidentified(path: Path) -> str:
    """Return the reason why Pillow finds none of the formats in a file."""
    try:
        with path.open("rb") as stream:
            start = stream.read(4)
    except OSError:
        start = b""
    if start in (b"II*\0", b"MM\0*"):
        return (
            "a kind of TIFF that Pillow cannot read, such as 64-bit numbers, floating-point colors "
            "or a damaged file: convert it to 8 bits"
        )
    return f"it is not an image that Pillow can read as one of {', '.join(IMAGE_FORMATS)}"


def describe_failures(files: Sequence[Path], failures: dict[int, str]) -> str:
    """Return the first five files that cannot be read, with the reasons."""
    return "; ".join(f"{files[i]}: {reason}" for i, reason in list(failures.items())[:5])


def decode_image(
    path: str | os.PathLike[str], shape: Shape, pixel_range: PixelRange | None = None
) -> np.ndarray:
    """Return the pixels of an image file, resized to `shape` (height, width, channels), uint8.

    Of a file with several frames or pages, the first is read.

    Args:
        path: the file.
        shape: shape of the result.
        pixel_range: values of black and white in images of more than 8 bits. None uses the range
            that the format states, and refuses integer and floating-point images.

    Raises:
        OSError, SyntaxError, ValueError: the file is damaged, not an image, or does not state its
            range.
    """
    from PIL import Image, ImageOps

    height, width, channels = shape
    with open_image(path) as file:
        # Decode a JPEG at no more than twice the size needed.
        file.draft("RGB" if channels == 3 else "L", (2 * width, 2 * height))
        kind, is_inverted = pixel_values.find_pixel_kind(file), pixel_values.is_inverted(file)
        image = ImageOps.exif_transpose(file)
        if kind and kind != "16-bit color":
            image = _reduce_to_8_bits(file, image, kind, pixel_range, is_inverted)
    image = _flatten(image)
    if image.mode == "LAB":
        image = image.convert("RGB")
    image = image.convert("L" if channels == 1 else "RGB")
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)).reshape(shape)


def _reduce_to_8_bits(
    file: Image.Image,
    image: Image.Image,
    kind: str,
    pixel_range: PixelRange | None,
    is_inverted: bool,
) -> Image.Image:
    """Return a grayscale image from one of more than 8 bits."""
    from PIL import Image

    values = pixel_values.read_values(file, image)
    if pixel_range is None and kind != "16-bit":
        raise ValueError(
            f"mode {file.mode}: its {kind} values from {values.min()} to {values.max()} have no "
            "stated range; convert it to 8 bits, or pass pixel_range=(black, white)"
        )
    scaled = pixel_values.scale_to_uint8(
        values, pixel_range or pixel_values.FULL_RANGE, is_inverted
    )
    return Image.fromarray(scaled)


def _flatten(image: Image.Image) -> Image.Image:
    """Return an image without transparency: transparent pixels become white."""
    from PIL import Image

    if image.mode == "La":
        image = image.convert("LA")
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)


def _allocate(who: str, shape: Shape) -> np.ndarray:
    """Return an empty array in memory, or in a temporary file that is deleted at exit."""
    size = math.prod(shape)
    if size <= MAX_BYTES_IN_MEMORY:
        return np.empty(shape, np.uint8)
    fix = "Set TMPDIR to a folder that exists."
    with wrap_errors(who, "a folder for temporary files", fix=fix):
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
    with wrap_errors(who, "a temporary file of this size", bytes=size, fix=fix):
        pixels = np.lib.format.open_memmap(file, "w+", np.uint8, shape)
        if hasattr(os, "posix_fallocate"):  # else a disk that fills up later ends the process
            with file.open("r+b") as stream:
                os.posix_fallocate(stream.fileno(), 0, file.stat().st_size)
    return pixels


@functools.cache
def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="glassnet-images-")


def _with_progress(results: Iterator[Any], total: int) -> Iterator[Any]:
    """Show a progress bar while iterating, if there are many results and a terminal."""
    if not sys.stdout.isatty() or total < 200:
        return results
    from rich.progress import track

    return iter(track(results, "reading images", total=total, transient=True))
