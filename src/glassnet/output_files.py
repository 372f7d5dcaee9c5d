"""Output files: which paths may be written, and which suffixes a kind of file may have."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from glassnet.errors import GlassnetError, ModelFileError, message
from glassnet.file_paths import to_path

MAX_SHOWN_PATH = 200
"""Maximum number of characters of a path in a message."""

FOREIGN_SUFFIXES = {
    **dict.fromkeys((".keras", ".h5", ".hdf5"), "a Keras file"),
    ".onnx": "an ONNX file",
    **dict.fromkeys((".pt", ".pth", ".ckpt"), "a PyTorch file"),
    **dict.fromkeys((".pb", ".tflite"), "a TensorFlow file"),
    **dict.fromkeys((".pkl", ".pickle", ".joblib"), "a pickle"),
    **dict.fromkeys((".npz", ".npy", ".mat"), "a file of arrays"),
    **dict.fromkeys((".dat", ".raw", ".mmap", ".memmap"), "a file of raw numbers"),
    ".safetensors": "a file of weights",
    **dict.fromkeys((".csv", ".tsv", ".parquet", ".arrow", ".feather", ".xlsx"), "a table"),
    **dict.fromkeys((".json", ".txt", ".md", ".html", ".ipynb", ".py"), "a text"),
    **dict.fromkeys((".zip", ".gz", ".bz2", ".xz", ".tar"), "an archive"),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".bmp", ".svg", ".pdf"), "a picture"),
}
"""Suffixes that promise another format than Glassnet's, and what they promise."""


KERAS_MODEL_SUFFIXES = (".keras", ".h5", ".hdf5")
KERAS_WEIGHTS_SUFFIXES = (".h5", ".hdf5", ".safetensors")
"""Suffixes that programs written for Keras use; `glassnet.keras` writes its own format to them."""


def require_own_suffix(
    who: str,
    path: str | os.PathLike[str],
    allowed: tuple[str, ...] = (),
    error: type[GlassnetError] = ModelFileError,
) -> None:
    """Refuse a path for a model whose suffix promises the format of another program.

    Args:
        who: start of the message.
        path: path of the file; without a suffix, or with an unknown one, it is allowed.
        allowed: endings that are allowed in addition, in lower case.
        error: class of the error.

    Raises:
        GlassnetError: with a name to use instead.
    """
    if not isinstance(path, str | os.PathLike):
        raise error(message(who, "the path of a file", type=type(path).__name__))
    name = to_path(path, who, error=error).name
    suffix = os.path.splitext(name)[1].lower()
    promised = FOREIGN_SUFFIXES.get(suffix)
    if promised is None or name.lower().endswith(allowed):
        return
    own = f"{shorten_path(name[: -len(suffix)])}.glassnet"
    fix = f"The suffix is that of {promised}, which Glassnet does not write here. Use {own!r}."
    if not allowed and suffix != ".safetensors":
        fix += " For other programs, write the weights: model.save_weights('weights.safetensors')."
    raise error(message(who, "a file name for a model", path=shorten_path(path), fix=fix))


def resolve_output(path: str | os.PathLike[str]) -> Path:
    """Return the path of the file that will be written, with symbolic links followed.

    Raises:
        OSError: the folder does not exist; the path is a folder, a pipe, a socket, a device or a
            file without write permission.
        ValueError: the path contains a null character.
    """
    text = os.fspath(path)
    if not text:
        raise FileNotFoundError(errno.ENOENT, "The path is empty")
    resolved = Path(os.path.realpath(text))
    try:
        mode = os.stat(resolved).st_mode
    except FileNotFoundError:
        if os.path.islink(resolved):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None
        if text.endswith(("/", os.sep)):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
        os.stat(resolved.parent)
        return resolved
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "A pipe, a socket or a device is not a file")
    if not os.access(resolved, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return resolved


def temporary_path(path: Path) -> Path:
    """Return the path of a new temporary file in the same folder; its name is short."""
    return path.with_name(f".{path.name[:20]}.{secrets.token_hex(4)}.part")


def check_writable(path: str | os.PathLike[str]) -> Path:
    """Return the file that will be written, after a temporary file could be created next to it.

    Raises:
        OSError, ValueError: see `resolve_output`; the folder cannot be written.
    """
    resolved = resolve_output(path)
    temporary = temporary_path(resolved)
    with open(temporary, "xb"):
        pass
    temporary.unlink()
    return resolved


def find_same_file(
    path: str | os.PathLike[str], others: Iterable[str | os.PathLike[str]]
) -> str | os.PathLike[str] | None:
    """Return the first of the other paths that is the same file, by name or by a link."""
    return next((other for other in others if is_same_file(path, other)), None)


def is_same_file(a: str | os.PathLike[str], b: str | os.PathLike[str]) -> bool:
    """Return whether two paths are one file, whether it exists or not."""
    try:
        return os.path.samefile(a, b)
    except (OSError, ValueError):
        pass
    try:
        return os.path.realpath(a) == os.path.realpath(b)
    except (OSError, ValueError):
        return False


def shorten_path(path: str | os.PathLike[str]) -> str:
    """Return a path for a message, without the middle of a very long one."""
    text, half = str(path), MAX_SHOWN_PATH // 2
    return text if len(text) <= MAX_SHOWN_PATH else f"{text[:half]}...{text[-half:]}"
