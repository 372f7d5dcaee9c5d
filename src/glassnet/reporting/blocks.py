"""The parts of a page as plain data: sections of texts, tables, figures and code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

MAX_NARROW = 520
"""Wider figures, in CSS pixels, do not shrink to the width of a phone: they are scrolled."""


@dataclass(frozen=True)
class Block:
    """A part of a section. `kind` names the macro of the template that writes it."""

    @property
    def kind(self) -> str:
        """The name of the class in lower case."""
        return type(self).__name__.lower()


@dataclass(frozen=True)
class Text(Block):
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Remark(Block):
    """A paragraph that the reader must not overlook."""

    text: str


@dataclass(frozen=True)
class Lines(Block):
    """A list of sentences."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Table(Block):
    """A table.

    Attributes:
        caption: its title.
        header: the names of the columns.
        rows: one text per column.
        numeric: indices of the columns that are aligned right.
        n_open: number of rows that are shown at once; a click shows the others. 0 for all.
    """

    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[int] = ()
    n_open: int = 0

    @property
    def is_long(self) -> bool:
        """Whether some rows are shown by a click only."""
        return 0 < self.n_open < len(self.rows)


@dataclass(frozen=True)
class Facts(Block):
    """Names and their values."""

    rows: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Figure(Block):
    """A figure.

    Attributes:
        picture: an SVG element, as safe markup, with a text for readers who do not see it.
        caption: text below it.
        width: its own width in CSS pixels.
    """

    picture: Any
    caption: str
    width: int

    @property
    def is_wide(self) -> bool:
        """Whether the figure is too wide to be read on a phone at once."""
        return self.width > MAX_NARROW


@dataclass(frozen=True)
class Figures(Block):
    """Figures side by side, if there is room."""

    figures: Sequence[Figure]


@dataclass(frozen=True)
class Image(Block):
    """A small picture of an example.

    Attributes:
        address: the picture as a data address.
        caption: text below it.
        alt: what it shows.
        is_small: whether its pixels are shown as squares.
    """

    address: str
    caption: str
    alt: str
    is_small: bool


@dataclass(frozen=True)
class Gallery(Block):
    """Small pictures in rows."""

    caption: str
    images: Sequence[Image]


@dataclass(frozen=True)
class Code(Block):
    """Lines of code, or of text in columns."""

    text: str


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        title: its heading.
        blocks: its parts, in order.
    """

    title: str
    blocks: list[Block] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """The name by which the table of contents links to the section."""
        return "-".join(self.title.lower().split())
