"""Animations: a web page of one file, with a slider and a play button."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glassnet import output_files
from glassnet.errors import ConfigError, message, require
from glassnet.file_paths import to_path

SUFFIXES = (".html", ".htm")

SHOWN_IN = re.compile(r'id="frame-(\d+)(?:-(\d+))?"')
"""The mark of `plots.svg.show_in_frames` in an SVG."""

ID = re.compile(r'(\bid="|url\(#|href="#)')


@dataclass(frozen=True)
class Frame:
    """One frame of an animation.

    Attributes:
        caption: what the frame shows, in a sentence.
        picture: an SVG element as text, or a PNG file as bytes; None if all frames share one.
        alt: description for readers who do not see the picture; the caption if it is empty.
    """

    caption: str
    picture: str | bytes | None = None
    alt: str = ""


def require_page_path(who: str, path: str | os.PathLike[str]) -> Path:
    """Return the path of a page that will be written. Call this before the work.

    Args:
        who: start of the message.
        path: path of a file that ends in .html, in an existing folder.

    Raises:
        ConfigError: it ends otherwise, or cannot be written.
    """
    name, shown = to_path(path, who), output_files.shorten_path(path)
    fix = f"Use {name.stem + SUFFIXES[0]!r}."
    is_page = name.suffix.lower() in SUFFIXES
    require(is_page, who, "the name of a web page, ending in .html", path=shown, fix=fix)
    try:
        return output_files.check_writable(path)
    except (OSError, ValueError) as error:
        fix = f"Cause: {getattr(error, 'strerror', None) or error}."
        text = message(who, "a file that can be written", path=shown, fix=fix)
        raise ConfigError(text) from error


def write_animation(
    path: Path,
    frames: Sequence[Frame],
    *,
    title: str,
    picture: str | None = None,
    description: str = "",
    unit: str = "step",
    first_number: int = 1,
    seconds: float = 15.0,
) -> None:
    """Write a page that shows one frame at a time. It needs no other file and no network.

    The slider, the arrow keys and the play button move through the frames; #7 at the end of the
    address opens the page at number 7. Without JavaScript, the last frame is shown.

    Args:
        path: from `require_page_path`.
        frames: at least one.
        title: heading of the page.
        picture: one SVG element for all frames, whose parts appear and disappear: see
            `plots.svg.show_in_frames`. None if each frame has a picture.
        description: a sentence below the title.
        unit: what a frame is, next to its number: "step 3".
        first_number: number of the first frame.
        seconds: duration of the whole animation.
    """
    text = _make_template().render(
        title=title,
        description=description,
        unit=unit,
        first_number=first_number,
        milliseconds=min(1000, max(20, round(1000 * seconds / len(frames)))),
        frames=frames,
        pictures=[_to_markup(frame.picture, i, len(frames)) for i, frame in enumerate(frames)],
        shared=_to_markup(picture, 0, len(frames)),
    )
    temporary = output_files.temporary_path(path)
    try:
        temporary.write_text(text, encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _make_template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("glassnet.inspection"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("animation.html")


def _to_markup(picture: str | bytes | None, frame: int, n_frames: int) -> Any:
    """Return a picture as HTML: an SVG element, the address of a PNG file, or None."""
    from markupsafe import Markup

    if picture is None:
        return None
    if isinstance(picture, bytes):
        return f"data:image/png;base64,{base64.b64encode(picture).decode()}"

    def mark(match: re.Match[str]) -> str:
        first, last = int(match[1]), int(match[2] or n_frames - 1)
        hidden = "" if last >= n_frames - 1 else ' style="display: none"'
        return f'data-first="{first}" data-last="{last}"{hidden}'

    # Pictures in one page must not share the names of their parts.
    return Markup(ID.sub(rf"\g<1>f{frame}-", SHOWN_IN.sub(mark, picture)))
