"""Image datasets: a folder with one subfolder per class becomes pixels and class labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glassnet.data import image_files, pixel_values
from glassnet.data.image_files import ImageHeader
from glassnet.data.pixel_values import PixelRange
from glassnet.data.split import train_validation_split
from glassnet.errors import (
    MAX_SEED,
    ConfigError,
    DataError,
    DataWarning,
    is_int,
    is_number,
    require,
    warn,
    wrap_errors,
)
from glassnet.file_paths import to_path
from glassnet.formatting import format_number
from glassnet.suggestions import suggest_arguments, suggest_names

MIN_UPPER_BITS = 64
"""Least value of the upper 8 bits in color images of 16 bits: below, they use 14 bits or fewer."""


@suggest_names
@dataclass(frozen=True, eq=False, repr=False)
class Images:
    """Images of one size with their classes, for `fit`, `evaluate` and `predict`.

    Iterating gives x and y: `x, y = images`.

    Attributes:
        x: (n, height, width, channels) uint8, in memory or a memory map.
        y: (n,) int64, the class index of each image.
        class_names: names of the classes.
        files: the file of each image.
        skipped: files that could not be read, with the reason.
        pixel_range: values of black and white in images of more than 8 bits; None if there are
            none.
    """

    x: np.ndarray
    y: np.ndarray
    class_names: tuple[str, ...]
    files: tuple[Path, ...]
    skipped: tuple[tuple[Path, str], ...] = ()
    pixel_range: PixelRange | None = None

    def to_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (x, y)."""
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


@suggest_arguments
def images_from_folder(
    folder: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    size: tuple[int, int] = (150, 150),
    validation_split: float = 0.0,
    *,
    class_names: Sequence[str] | None = None,
    channels: int | None = None,
    pixel_range: PixelRange | None = None,
    seed: int = 0,
    strict: bool = False,
) -> Images | tuple[Images, ...]:
    """Read a folder of images with one subfolder per class.

    Returns `Images`, or with `validation_split` two of them: for training and for validation.

    Files are decoded on threads, rotated by their EXIF orientation, stretched to `size` (bilinear,
    antialiased) and stored as uint8: in memory, or beyond a gigabyte in a temporary file from which
    batches are read. If all files are grayscale there is one channel, else three. Transparent
    pixels become white. Of an animation, the first frame is read. Hidden files and folders, and
    those of operating systems such as __MACOSX, are skipped.

    In floating-point, 32-bit and 12-bit images no format states which value is white. The folder
    decides: white is 1, 255, 1023, 4095, 16383 or 65535, whichever is next, if the images use a
    quarter of that range, and black is 0. Otherwise black and white are the smallest and the
    largest value of all images. A warning says which, and the model's file stores them.

    Shapes:
        x (n, height, width, channels) uint8; y (n,) int64, classes in the order of `class_names`.

    Args:
        folder: a folder with one subfolder per class, which may have subfolders; or a list of
            folders, one for each of `class_names`.
        size: (height, width) in pixels.
        validation_split: fraction of the files to hold out, stratified by class.
        class_names: the classes and their order. Default: the names of the subfolders, sorted.
            For a test folder, pass those of the training images: `class_names=train.class_names`.
        channels: 1 or 3. Default: by the files.
        pixel_range: (black, white), the values of black and white in images of more than 8 bits.
            Default: by the files, as described above. For a test folder, pass that of the training
            images: `pixel_range=train.pixel_range`.
        seed: seed of the validation split.
        strict: if a file cannot be read, raise an error. By default it is left out with a warning.

    Raises:
        ConfigError: an argument out of range.
        DataError: the folder does not exist; there are fewer than two classes; a class without
            readable images; with `strict`, a file that cannot be read; images of more than 8 bits
            that do not belong to one range.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> from PIL import Image
        >>> with TemporaryDirectory() as folder:
        ...     for name, color in (("day", "white"), ("night", "black")):
        ...         Path(folder, name).mkdir()
        ...         Image.new("RGB", (8, 6), color).save(Path(folder, name, "1.png"))
        ...     images_from_folder(folder, size=(4, 4))
        Images(2 of shape (4, 4, 3): day 1, night 1)
    """
    who = "images_from_folder"
    _check_options(who, size, channels, pixel_range, seed)
    names, files, labels = _list_labeled_files(who, folder, class_names)
    split = train_validation_split(len(files), labels, validation_split, "random", seed)
    parts = [part for part in split if part is not None]
    headers = image_files.read_headers(files)
    if channels is None:
        channels = 1 if all(header is None or header.is_gray for header in headers) else 3
    pixel_range = _resolve_range(who, files, headers, pixel_range)
    _warn_about_animations(who, files, headers)
    shape = (int(size[0]), int(size[1]), channels)
    decoded = [
        image_files.read_images(who, [files[i] for i in part], shape, pixel_range) for part in parts
    ]
    failures = {
        int(part[i]): reason
        for part, (_, reasons) in zip(parts, decoded, strict=True)
        for i, reason in reasons.items()
    }
    if failures:
        _report_failures(who, files, labels, names, failures, strict)
    images = [
        replace(
            _drop_unreadable(x, labels[part], names, [files[i] for i in part], reasons),
            pixel_range=pixel_range,
        )
        for part, (x, reasons) in zip(parts, decoded, strict=True)
    ]
    return images[0] if len(images) == 1 else tuple(images)


def _check_options(who: str, size: Any, channels: Any, pixel_range: Any, seed: Any) -> None:
    is_pair = isinstance(size, tuple | list) and len(size) == 2
    fits = is_pair and all(is_int(n, least=1) for n in size)
    require(fits, who, "size to be (height, width) in pixels", size=size)
    require(channels in (None, 1, 3), who, "channels to be 1, 3 or None", channels=channels)
    require(is_int(seed, least=0, most=MAX_SEED), who, "seed to be an int >= 0", seed=seed)
    fits = pixel_range is None or is_pixel_range(pixel_range)
    expected = "pixel_range to be (black, white), two numbers in this order"
    require(fits, who, expected, pixel_range=pixel_range)


def is_pixel_range(value: Any) -> bool:
    """Return whether a value is (black, white), with black below white."""
    is_pair = isinstance(value, tuple | list) and len(value) == 2 and all(map(is_number, value))
    return is_pair and max(map(abs, value)) < 1e39 and float(value[1]) - float(value[0]) > 1e-60


def _resolve_range(
    who: str,
    files: list[Path],
    headers: list[ImageHeader | None],
    pixel_range: PixelRange | None,
) -> PixelRange | None:
    """Return the values of black and white in images of more than 8 bits, or None if none are."""
    deep = {i: header for i, header in enumerate(headers) if header and header.extent}
    first = {header.kind: str(files[i]) for i, header in reversed(deep.items())}
    if pixel_range is not None:
        return (float(pixel_range[0]), float(pixel_range[1])) if deep else None
    _require_bright_colors(who, deep, first)
    first.pop("16-bit color", None)
    if not first:
        return None
    fix = "Read them in separate calls, or pass pixel_range=(black, white)."
    expected = "one kind of images of more than 8 bits"
    require(len(first) == 1, who, expected, error=DataError, fix=fix, **_as_keywords(first))
    kind = next(iter(first))
    extents = [header.extent for header in deep.values() if header.extent and header.kind == kind]
    chosen = pixel_values.choose_range(kind, extents)
    if (kind, chosen) != ("16-bit", pixel_values.FULL_RANGE):
        low, high = min(e.low for e in extents), max(e.high for e in extents)
        black, white = map(format_number, chosen)
        text = (
            f"{who}: {len(extents):,} files hold {kind} values, from {format_number(low)} to "
            f"{format_number(high)}: {black} is read as black and {white} as white. If this is "
            "wrong, pass pixel_range=(black, white)."
        )
        warn(text, DataWarning)
    return chosen


def _as_keywords(first: dict[str, str]) -> dict[str, str]:
    return {kind.replace("-", "_").replace(" ", "_"): file for kind, file in first.items()}


def _require_bright_colors(who: str, deep: dict[int, ImageHeader], first: dict[str, str]) -> None:
    """Refuse color images of 16 bits that use fewer: Pillow reads the upper 8 bits only."""
    colors = [header.extent for header in deep.values() if header.kind == "16-bit color"]
    largest = max((extent.high for extent in colors if extent), default=255)
    require(
        largest >= MIN_UPPER_BITS,
        who,
        "16-bit color images that use the range up to 65535",
        error=DataError,
        largest_below=256 * (int(largest) + 1),
        first=first.get("16-bit color"),
        fix="They would be read as almost black. Convert them to 8 bits, or pass "
        "pixel_range=(0, 65535) to read them as they are.",
    )


def _warn_about_animations(who: str, files: list[Path], headers: list[ImageHeader | None]) -> None:
    animated = [
        str(file)
        for file, header in zip(files, headers, strict=True)
        if header and header.is_animated
    ]
    if animated:
        text = (
            f"{who}: {len(animated):,} of {len(files):,} files have several frames or pages, of "
            f"which the first is read: {', '.join(animated[:5])}"
        )
        warn(text, DataWarning)


def _warn_about_other_files(who: str, folders: list[Path]) -> None:
    if counts := image_files.count_other_files(folders):
        by_suffix = ", ".join(
            f"{count:,} {suffix or 'without a suffix'}" for suffix, count in sorted(counts.items())
        )
        suffixes = ", ".join(image_files.IMAGE_SUFFIXES)
        total = f"{counts.total():,} file{'s' * (counts.total() > 1)}"
        text = f"{who}: {total} beside the images are not read: {by_suffix}. Read are {suffixes}."
        warn(text, DataWarning)


def _report_failures(
    who: str,
    files: list[Path],
    labels: np.ndarray,
    names: tuple[str, ...],
    failures: dict[int, str],
    strict: bool,
) -> None:
    """Warn about files that cannot be read, or refuse them."""
    received: dict[str, Any] = {
        "unreadable": len(failures),
        "first": image_files.describe_failures(files, failures),
    }
    expected, fix = "images that can be read", "Remove the files, or leave strict=True out."
    require(not strict, who, expected, error=DataError, fix=fix, **received)
    empty = [
        name
        for k, name in enumerate(names)
        if all(i in failures for i in np.flatnonzero(labels == k))
    ]
    expected = "images of every class that can be read"
    require(not empty, who, expected, error=DataError, none_of=empty, **received)
    count = f"{len(failures):,} of {len(files):,} files"
    text = f"{who}: {count} cannot be read and are left out: {received['first']}"
    warn(text, DataWarning)


def _list_labeled_files(
    who: str, folder: Any, class_names: Sequence[str] | None
) -> tuple[tuple[str, ...], list[Path], np.ndarray]:
    """Return the classes, the files and the class index of each file."""
    expected = "the path of a folder, or a list of them"
    if isinstance(folder, Iterable) and not isinstance(folder, str):
        with wrap_errors(who, expected, error=ConfigError, folder=type(folder).__name__):
            paths = [to_path(path, who, expected) for path in folder]
        names, folders = _name_folders(who, paths, class_names)
    else:
        names, folders = _find_class_folders(who, to_path(folder, who, expected), class_names)
    require(
        len(names) > 1,
        who,
        "two classes or more, each a subfolder",
        error=DataError,
        classes=list(names),
        fix="Put the images of each class into its own folder.",
    )
    fits = len(set(names)) == len(names)
    require(fits, who, "a unique name for each class", class_names=names)
    files = [image_files.list_image_files(path) for path in folders]
    empty = [name for name, members in zip(names, files, strict=True) if not members]
    require(
        not empty,
        who,
        f"images ({', '.join(image_files.IMAGE_SUFFIXES)}) of every class",
        error=DataError,
        empty=empty[:10],
        fix="Remove the folders that are not classes, or name the classes with class_names.",
    )
    _warn_about_other_files(who, folders)
    labels = np.repeat(np.arange(len(names)), [len(members) for members in files])
    return names, [path for members in files for path in members], labels


def _find_class_folders(
    who: str, root: Path, class_names: Sequence[str] | None
) -> tuple[tuple[str, ...], list[Path]]:
    require(os.path.isdir(root), who, "a folder", error=DataError, folder=str(root))
    folders = class_folders(root)
    names = tuple(folders) if class_names is None else tuple(class_names)
    missing = [name for name in names if name not in folders]
    require(
        not missing,
        who,
        "a subfolder for each class",
        error=DataError,
        missing=missing[:5],
        folders=list(folders)[:10],
    )
    return names, [folders[name] for name in names]


def _name_folders(
    who: str, folders: list[Path], class_names: Sequence[str] | None
) -> tuple[tuple[str, ...], list[Path]]:
    names = tuple(path.name for path in folders) if class_names is None else tuple(class_names)
    require(
        len(names) == len(folders),
        who,
        "one class name for each folder",
        folders=len(folders),
        class_names=names,
    )
    missing = [str(path) for path in folders if not os.path.isdir(path)]
    require(not missing, who, "folders", error=DataError, missing=missing[:5])
    return names, folders


def _drop_unreadable(
    x: np.ndarray,
    labels: np.ndarray,
    names: tuple[str, ...],
    files: list[Path],
    failures: dict[int, str],
) -> Images:
    """Return the images without those that cannot be read."""
    readable = np.array([i for i in range(len(files)) if i not in failures], int)
    if failures:
        for i, source in enumerate(readable):
            x[i] = x[source]
        x = x[: len(readable)]
    if isinstance(x, np.memmap):
        x.flush()
        # The fingerprint of a memory map includes its time: the same images give the same one.
        changed = max(map(_modification_time, files))
        os.utime(str(x.filename), ns=(changed, changed))
    skipped = tuple((files[i], reason) for i, reason in failures.items())
    y = labels[readable].astype(np.int64)
    return Images(x, y, names, tuple(files[i] for i in readable), skipped)


def _modification_time(path: Path) -> int:
    """Return the time of a file's last change, or 0 if it is gone since it was read."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def class_folders(root: Path) -> dict[str, Path]:
    """Return the subfolders of a folder by name, without hidden ones.

    Raises:
        DataError: the folder cannot be read.
    """
    with wrap_errors("images", "a folder that can be read", folder=str(root)):
        paths = sorted(root.iterdir())
    return {
        path.name: path
        for path in paths
        if os.path.isdir(path) and not image_files.is_system_name(path.name)
    }


def resolve_image_files(path: str | os.PathLike[str]) -> list[Path]:
    """Return the path itself, or the images in it if it is a folder.

    Raises:
        DataError: a folder without images.
    """
    root = Path(path)
    files = image_files.list_image_files(root) if os.path.isdir(root) else [root]
    expected = f"a folder with images ({', '.join(image_files.IMAGE_SUFFIXES)})"
    require(files, "images", expected, error=DataError, folder=str(root))
    return files


def is_image_folder(path: str | os.PathLike[str]) -> bool:
    """Return whether a path is a folder with subfolders of which one holds an image."""
    folders = class_folders(Path(path)).values() if os.path.isdir(path) else ()
    return any(
        image_files.has_image_suffix(file)
        for folder in folders
        for file in image_files.iter_files(folder)
    )
