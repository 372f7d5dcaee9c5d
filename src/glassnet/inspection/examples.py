"""Rows as their author knows them: images, texts, or named columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.parsing import format_value
from glassnet.data.time_series import TimeSeries
from glassnet.errors import DataError, is_int, require
from glassnet.formatting import shorten
from glassnet.inspection.snapshot import Snapshot
from glassnet.layers import Embedding
from glassnet.preprocessing.encoder import Encoder, add_derived_columns
from glassnet.types import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

MAX_TEXT = 90
"""Maximum number of characters of a text that is shown in a figure."""

IMAGES_PER_LINE = 8
"""Number of images side by side."""

MAX_COLUMNS = 6
"""Maximum number of columns of a row that are shown in a figure."""

MAX_CELL = 24
"""Maximum number of characters of a value in a column of text."""


@dataclass(frozen=True, eq=False)
class Examples:
    """The rows that a view is about, in the form in which they are shown.

    Attributes:
        images: pixels, (n, height, width) or (n, height, width, channels); None for other rows.
        texts: (n,), or None.
        columns: values of each column, (n,), by name; empty for images and texts.
        used: names of the columns that the network uses.
    """

    images: Array = None
    texts: Array = None
    columns: dict[str, Array] = field(default_factory=dict)
    used: tuple[str, ...] = ()

    @property
    def are_shown(self) -> bool:
        """Whether there is something to show of a row."""
        return self.images is not None or self.texts is not None or bool(self.columns)

    @property
    def header(self) -> list[str]:
        """Headings of `cells`."""
        return ["text"] if self.texts is not None else list(self.used[:MAX_COLUMNS])

    def cells(self, row: int) -> list[str]:
        """Return a row as texts: its shortened text, or its first columns."""
        if self.texts is not None:
            return [shorten(str(self.texts[row]), MAX_TEXT)]
        return [format_cell(self.columns[name][row]) for name in self.header]

    def to_columns(self, rows: Array) -> dict[str, Array]:
        """Return some of the rows as columns of a frame; empty for images."""
        if self.texts is not None:
            return {"text": self.texts[rows]}
        return {name: values[rows] for name, values in self.columns.items()}


def make_gallery(who: str, examples: Examples, n: int) -> Figure:
    """Return an empty figure for n rows.

    Raises:
        ConfigError: n is not an int >= 1.
        DataError: rows that cannot be shown, such as sequences.
    """
    from glassnet.plots.figure import NotebookFigure

    require(is_int(n, 1), who, "n to be an int >= 1", n=n)
    expected, fix = "images, texts or columns", "Use worst_rows() for their numbers."
    require(examples.are_shown, who, expected, error=DataError, fix=fix)
    return NotebookFigure(figsize=(10, gallery_height(examples, n)), layout="constrained")


def gallery_height(examples: Examples, n: int) -> float:
    """Return the height of a figure of n rows in inches; 0 if they cannot be shown."""
    if not examples.are_shown or not n:
        return 0.0
    n_lines = -(-n // IMAGES_PER_LINE)
    return 0.5 + 1.8 * n_lines if examples.images is not None else 0.6 + 0.25 * (n + 1)


def draw_gallery(
    figure: Figure | SubFigure,
    examples: Examples,
    rows: Array,
    facts: Mapping[str, Sequence[str]],
    captions: Sequence[str],
) -> None:
    """Draw rows as images with captions, or as a table.

    Args:
        figure: the figure to fill.
        examples: the rows.
        rows: indices of the rows to draw.
        facts: texts about the rows, by the heading of their column.
        captions: texts about the rows, if they are images.
    """
    from glassnet.plots.images import draw_images
    from glassnet.plots.panels import draw_table

    if examples.images is not None:
        n_lines = -(-len(rows) // IMAGES_PER_LINE)
        draw_images(figure, examples.images[rows], captions, n_lines)
        return
    header = ["row", *facts, *examples.header]
    cells = [
        [f"{row:,}", *texts, *examples.cells(row)]
        for row, *texts in zip(rows, *facts.values(), strict=True)
    ]
    draw_table(figure.subplots(), header, cells, row_height=1 / (len(cells) + 1))


def read_examples(snapshot: Snapshot) -> Examples:
    """Return a copy of the rows of a snapshot, as they are shown."""
    if snapshot.table is not None:
        table, encoder = snapshot.table, snapshot.encoder
        used = _used_columns(encoder) if encoder else tuple(table.columns)
        if encoder:
            table = add_derived_columns(table, dict(encoder.derive))
        return Examples(columns=dict(table.columns), used=used)
    if snapshot.original is not None and not isinstance(snapshot.original, TimeSeries):
        return Examples(texts=np.array(snapshot.original))
    if snapshot.shows_images:
        return Examples(images=np.array(snapshot.x))
    names = snapshot.feature_names
    if not names or (snapshot.links and isinstance(snapshot.links[0], Embedding)):
        return Examples()
    return Examples(columns=dict(zip(names, np.array(snapshot.x).T, strict=True)), used=names)


def _used_columns(encoder: Encoder) -> tuple[str, ...]:
    dropped = encoder.dropped_columns()
    return tuple(column.name for column in encoder.columns if column.name not in dropped)


def format_cell(value: Any) -> str:
    """Return the value of a cell in a few characters."""
    return shorten(format_value(value), MAX_CELL)
