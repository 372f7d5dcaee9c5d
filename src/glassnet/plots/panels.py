"""Figures of several panels, and tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from glassnet.formatting import shorten
from glassnet.plots.figure import NotebookFigure
from glassnet.plots.text import plain_text, set_title

MAX_HEADING, MAX_CELL = 24, 90
"""Maximum number of characters of a heading and of a cell of a table."""

PANEL_HEIGHT = 3.7
"""Height of a panel in inches."""


@plain_text
def make_panels(
    title: str, remarks: Sequence[str], names: Sequence[Sequence[str]], below: float
) -> tuple[Figure, dict[str, Axes], SubFigure | None]:
    """Return a figure with a title, its panels by name, and a place for a gallery below them.

    Args:
        title: the finding.
        remarks: sentences to print below the panels.
        names: names of the panels, row by row.
        below: height of the place for a gallery in inches; 0 for none.
    """
    n_rows, n_columns = len(names), len(names[0])
    height = PANEL_HEIGHT * n_rows
    size = (4.0 * n_columns + 1, height + below)
    figure = NotebookFigure(figsize=size, layout="constrained")
    set_title(figure, title, fontweight="bold")
    if remarks:
        figure.supxlabel("; ".join(remarks), fontsize=8)
    upper: Figure | SubFigure = figure
    lower = None
    if below:
        parts: Any = figure.subfigures(2, 1, height_ratios=[height, below])
        upper, lower = parts
    grid = upper.subplots(n_rows, n_columns, squeeze=False)
    pairs = zip(grid.flat, (name for row in names for name in row), strict=True)
    return figure, {name: ax for ax, name in pairs}, lower


@plain_text
def draw_table(
    ax: Axes, header: Sequence[str], rows: Sequence[Sequence[str]], row_height: float = 1 / 9
) -> None:
    """Draw a table of text, with a line below each row.

    Args:
        ax: the axes.
        header: headings of the columns.
        rows: texts of each row.
        row_height: height of a row, as a fraction of the axes.
    """
    ax.set_axis_off()
    if not rows:
        return
    table = ax.table(
        cellText=[[shorten(cell, MAX_CELL) for cell in row] for row in rows],
        colLabels=[shorten(name, MAX_HEADING) for name in header],
        loc="upper center",
        edges="horizontal",
        cellLoc="left",
        colLoc="left",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(8)
    table.auto_set_column_width(list(range(len(header))))
    ink = matplotlib.rcParams["text.color"]
    for (row, _), cell in table.get_celld().items():
        cell.set_edgecolor((0.5, 0.5, 0.5, 0.4))
        cell.get_text().set_color(ink)
        cell.set_height(row_height)
        if row == 0:
            cell.get_text().set_fontweight("bold")
