"""The figure that every plot returns."""

from __future__ import annotations

import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A matplotlib Figure that is shown as a picture if it is the last line of a notebook's cell.

    A Figure that pyplot does not manage has no picture of its own in a notebook: only its text is
    shown.
    """

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()
