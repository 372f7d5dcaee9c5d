"""The figure that every plot returns, and pictures of it."""

from __future__ import annotations

import base64
import html
import io

from matplotlib.figure import Figure


class NotebookFigure(Figure):
    """A matplotlib Figure that is shown as a picture if it is the last line of a notebook's cell.

    A Figure that pyplot does not manage has no picture of its own in a notebook: only its text is
    shown.
    """

    def _repr_png_(self) -> bytes:
        return to_png(self)


def to_png(figure: Figure, dpi: float | None = None) -> bytes:
    """Return a figure as the bytes of a PNG file.

    Args:
        figure: the figure.
        dpi: pixels per inch; None for the figure's own.
    """
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi="figure" if dpi is None else dpi)
    return picture.getvalue()


def to_html(figure: Figure, alt: str) -> str:
    """Return a figure as an HTML image that holds its own data.

    Args:
        figure: the figure.
        alt: what the picture shows, for readers who do not see it.
    """
    data = base64.b64encode(to_png(figure)).decode()
    text = html.escape(alt, quote=True)
    return f'<img src="data:image/png;base64,{data}" alt="{text}" style="max-width: 100%">'
