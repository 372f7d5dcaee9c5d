"""Figures as elements of a page: small, with names of their own and a text for screen readers."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure, SubFigure

from glassnet.plots.svg import INK, PAPER, page_style, save_svg

MAX_VECTORS = 400
"""Points and shapes that stay vectors; more of them become one picture inside the figure."""

RASTER_DPI = 144

LONG_NUMBER = re.compile(r"(\d\.\d\d)\d+")
"""A coordinate, in points, with more than two decimals."""

STYLE: Any = {"text.parse_math": False, "image.interpolation": "none", "figure.facecolor": PAPER}

COLORED = ("style", "fill", "stroke", "clip-path")
"""Attributes that hold colors, fonts and the names of other parts."""


def draw_element(draw: Callable[[], Figure | SubFigure], name: str, alt: str) -> tuple[str, int]:
    """Draw a figure in the colors of a page.

    Args:
        draw: returns the figure.
        name: prefix of the names of its parts; no two figures of a page share one.
        alt: what it shows, for readers who do not see it.

    Returns:
        An SVG element, and the figure's width in CSS pixels.
    """
    with page_style(), mpl.rc_context(STYLE):
        figure = draw()
        assert isinstance(figure, Figure)
        remove_title(figure, alt)
        rasterize_dense_parts(figure)
        svg = save_svg(figure, dpi=RASTER_DPI, facecolor="none")
    return to_element(svg, name, alt), round(figure.get_figwidth() * 96)


def remove_title(figure: Figure, title: str) -> None:
    """Remove a title that the page shows as text, but not what stands below it."""
    words = " ".join(title.split())
    for part in (figure, *figure.subfigs):
        text = " ".join(part.get_suptitle().split())
        if text.startswith(words):
            part.suptitle(text.removeprefix(words).strip(), fontsize=9)
    for ax in figure.axes:
        for place in ("left", "center", "right"):
            if " ".join(ax.get_title(place).split()) == words:
                ax.set_title("", loc=place)


def rasterize_dense_parts(figure: Figure) -> None:
    """Let each part with many points or shapes become one picture inside the vectors."""
    for ax in figure.axes:
        for collection in ax.collections:
            values = collection.get_array()
            n_values = 0 if values is None else values.size
            shapes = len(collection.get_paths()), np.shape(collection.get_offsets())[0]
            if max(*shapes, n_values) > MAX_VECTORS:
                collection.set_rasterized(True)
        for line in ax.lines:
            if np.size(line.get_xdata()) > 10 * MAX_VECTORS:
                line.set_rasterized(True)
        if len(ax.patches) > MAX_VECTORS:
            for patch in ax.patches:
                patch.set_rasterized(True)


def to_element(svg: str, name: str, alt: str) -> str:
    """Return the text of an SVG file as an element of a page.

    Ink and paper have the colors of the page, the names of the parts begin with `name`, and texts
    have the page's font.
    """
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith("}metadata"):
                parent.remove(child)
    for element in root.iter():
        element.tag = _without_namespace(element.tag)
        attributes = {_without_namespace(key): value for key, value in element.attrib.items()}
        element.attrib.clear()
        element.attrib.update(
            {key: _rewrite(key, value, name) for key, value in attributes.items()}
        )
        if element.tag != "text":
            element.text = (element.text or "").strip()
        element.tail = None
    for key in ("version", "width", "height"):
        root.attrib.pop(key, None)
    root.attrib.update({"role": "img", "aria-label": alt})
    return ElementTree.tostring(root, encoding="unicode")


def _without_namespace(name: str) -> str:
    return name.rpartition("}")[2]


def _rewrite(key: str, value: str, name: str) -> str:
    """Return the value of an attribute as the page needs it."""
    if key == "id":
        return f"{name}-{value}"
    if key == "href" and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    if key in ("d", "x", "y"):
        return LONG_NUMBER.sub(r"\1", value)
    if key not in COLORED:
        return value
    value = value.replace("url(#", f"url(#{name}-")
    value = value.replace(INK, "currentColor").replace(PAPER, "var(--paper)")
    parts = value.split("; ") if key == "style" else [value]
    return "; ".join(_page_font(part) for part in parts)


def _page_font(declaration: str) -> str:
    """Return a CSS declaration; one of a font without its families, for the page's own.

    Example:
        >>> _page_font("font: 700 12px 'DejaVu Sans', sans-serif")
        'font: 700 12px sans-serif'
    """
    font, _, families = declaration.partition("px '")
    is_font = declaration.startswith("font:") and families
    return f"{font}px sans-serif" if is_font else declaration
