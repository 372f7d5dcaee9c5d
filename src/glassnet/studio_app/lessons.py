"""Lessons: JSON files in which lecturers choose what the studio shows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from glassnet.errors import DataError, message, require, suggest
from glassnet.studio_app.presets import PRESETS, Preset
from glassnet.studio_app.settings import Name, Settings, find_unknown_fields

MAX_BYTES = 1_000_000
"""Limit of the size of a lesson file."""

MAX_PRESETS = 100
"""Limit of the number of presets of a lesson."""

CONTROLS: dict[str, tuple[str, ...]] = {
    "data": (
        "name",
        "upload",
        "points",
        "n",
        "noise",
        "test_share",
        "minority",
        "shuffle_labels",
        "columns",
        "column_types",
        "target",
        "target_type",
        "axes",
        "seed",
    ),
    "network": ("layers", "output_activation", "initializer", "scale"),
    "training": (
        "optimizer",
        "learning_rate",
        "momentum",
        "batch_size",
        "loss",
        "l1",
        "l2",
        "schedule",
    ),
    "output": ("map", "row", "scores", "curves", "confusion"),
    "time": ("speed", "steps_per_picture", "pictures"),
    "landscape": (),
    "doctor": (),
    "share": (),
    "presets": (),
}
"""Parts of the page, and the controls in each, that a lesson can hide.

A part is hidden by its name, "training"; a single control by both, "training.l1".
"""

HIDEABLE = tuple(
    name
    for part, controls in CONTROLS.items()
    for name in (part, *(f"{part}.{c}" for c in controls))
)
"""All names that a lesson can hide."""


class Lesson(Struct, frozen=True, omit_defaults=True):
    """A lesson.

    Attributes:
        title: shown above the page.
        hide: parts and controls that are not shown: names of `HIDEABLE`.
        presets: the states that students can open; empty for those of the studio.
        start: name of the preset that is open at first; empty for the first.
    """

    title: Name
    hide: Annotated[tuple[Name, ...], Meta(max_length=200)] = ()
    presets: Annotated[tuple[Preset, ...], Meta(max_length=MAX_PRESETS)] = ()
    start: Name = ""

    @property
    def start_preset(self) -> Preset:
        """The preset that is open at first."""
        if self.start:
            return {each.name: each for each in self.all_presets}[self.start]
        return self.all_presets[0]

    @property
    def all_presets(self) -> tuple[Preset, ...]:
        """The presets that students can open."""
        return self.presets or PRESETS


def read_lesson(path: str | os.PathLike[str]) -> Lesson:
    """Return the lesson in a file.

    Raises:
        DataError: the file cannot be read, or is not a lesson; the message names the place.
    """
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        problem = error.strerror or str(error)
        expected = "a file that can be read"
        raise DataError(message("lesson", expected, path=str(path), problem=problem)) from error
    return parse_lesson(raw)


def parse_lesson(raw: bytes) -> Lesson:
    """Return the lesson in the text of a file.

    Raises:
        DataError: the text is not a lesson; the message names the place.

    Example:
        >>> parse_lesson(b'{"title": "XOR", "hide": ["doctor", "training.l1"]}').hide
        ('doctor', 'training.l1')
    """
    expected = f"a file of at most {MAX_BYTES // 10**6} MB"
    require(len(raw) <= MAX_BYTES, "lesson", expected, error=DataError, bytes=len(raw))
    try:
        lesson, values = msgspec.json.decode(raw, type=Lesson), msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        expected, fix = "a lesson in JSON", "docs/for-lecturers.md describes the file."
        raise DataError(message("lesson", expected, problem=str(error), fix=fix)) from error
    for place, name, names in find_unknown_fields(values, lesson, "lesson"):
        expected = f"one of {', '.join(names)}"
        require(
            False, place, expected, error=DataError, name=name, fix=suggest(name, names).strip()
        )
    _check_names(lesson)
    return lesson


def _check_names(lesson: Lesson) -> None:
    """Refuse controls and presets that do not exist.

    Raises:
        DataError: with the place and the nearest name.
    """
    for i, name in enumerate(lesson.hide):
        fix = suggest(name, HIDEABLE).strip() or f"Names are {', '.join(CONTROLS)}, or training.l1."
        fits = name in HIDEABLE
        require(fits, f"lesson: hide[{i}]", "a control", error=DataError, name=name, fix=fix)
    names = [preset.name for preset in lesson.all_presets]
    twice = sorted({name for name in names if names.count(name) > 1})
    expected = "presets of different names"
    require(not twice, "lesson: presets", expected, error=DataError, twice=twice)
    fits = not lesson.start or lesson.start in names
    expected = f"a preset of the lesson: {', '.join(names[:20])}"
    require(fits, "lesson: start", expected, error=DataError, name=lesson.start)


def write_lesson(
    settings: Settings, *, title: str = "My lesson", name: str = "start", hide: tuple[str, ...] = ()
) -> str:
    """Return a lesson file with one preset, as a start to be edited.

    Args:
        settings: the state of the preset.
        title: title of the lesson.
        name: name of the preset.
        hide: parts and controls that are not shown.
    """
    why, try_this = "Write here what happens, and why.", "Write here what to change."
    preset = Preset(name, title, settings, why, try_this)
    lesson = Lesson(title, hide, (preset,), name)
    return msgspec.json.format(msgspec.json.encode(lesson), indent=2).decode() + "\n"
