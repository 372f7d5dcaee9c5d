"""How a view shows the rows of a network: pictures, series, words or features."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from glassnet.engine import network
from glassnet.engine.network import Links
from glassnet.inspection.examples import format_cell, read_examples
from glassnet.inspection.snapshot import Snapshot
from glassnet.layers import Embedding, Layer
from glassnet.layers.convolution import Convolution
from glassnet.layers.pooling import GlobalPooling, Pooling
from glassnet.layers.recurrent import Recurrent
from glassnet.preprocessing.images import ImagePreprocessor
from glassnet.preprocessing.time_series import TimeSeriesPreprocessor
from glassnet.types import Array, Shape

MAX_SERIES_FEATURES = 4
"""Rows (a, b) of a network without layers for sequences are a series of at most b numbers a step,
or else a picture."""

MAX_CHANNELS = 4
"""Rows of three axes are pictures if the last has at most this length, or they are convolved."""


@dataclass(frozen=True, eq=False)
class InputLayout:
    """How one row of a network's input is laid out.

    Attributes:
        kind: "image", "series", "text" or "features".
        shape: shape in which a row is shown: (height, width) or (height, width, channels);
            (steps, features); (words,); (features,), to which any other array is flattened.
        names: names of the features of a series or of a row of features.
        spans: first and one past the last feature of each column, by name; a feature of its own
            without a table.
        words: the words of each row of text.
    """

    kind: str
    shape: Shape
    names: tuple[str, ...] = ()
    spans: Mapping[str, tuple[int, int]] | None = None
    words: tuple[tuple[str, ...], ...] = ()


def find_layout(snapshot: Snapshot) -> InputLayout:
    """Return how the rows of a snapshot are laid out."""
    shape = tuple(np.shape(snapshot.x)[1:])
    links = [link for _, link in network.iter_links(snapshot.links)]
    if len(shape) == 1 and any(isinstance(link, Embedding) for link in links):
        return InputLayout("text", shape, words=_find_words(snapshot))
    picture = _find_picture(snapshot, links, shape)
    if picture:
        return InputLayout("image", picture)
    if len(shape) == 2:
        return InputLayout("series", shape, _name_series(snapshot, shape[1]))
    names = snapshot.feature_names or tuple(str(list(index)) for index in np.ndindex(shape))
    spans = snapshot.column_spans or {name: (i, i + 1) for i, name in enumerate(names)}
    return InputLayout("features", (len(names),), names, spans)


def _find_picture(snapshot: Snapshot, links: list[Layer], shape: Shape) -> Shape | None:
    """Return the shape of one picture, or None if the rows are no pictures."""
    if isinstance(snapshot.preprocessor, ImagePreprocessor):
        return shape
    if isinstance(snapshot.preprocessor, TimeSeriesPreprocessor):
        return None
    convolved = _find_convolved_shape(snapshot.links, snapshot.network.known_shapes)
    if len(shape) == 3 and (shape[-1] <= MAX_CHANNELS or convolved):
        return shape
    if len(shape) < 3 and convolved and math.prod(convolved) == math.prod(shape):
        return shape if len(shape) == 2 else convolved
    sequential = (Recurrent, Pooling, GlobalPooling)
    is_sequence = any(isinstance(link, sequential) or _convolves(link, 1) for link in links)
    is_wide = len(shape) == 2 and min(shape) > MAX_SERIES_FEATURES
    return shape if is_wide and not is_sequence else None


def _find_convolved_shape(links: Links, shapes: tuple[Shape, ...]) -> Shape | None:
    """Return the input shape of the first link that convolves pictures, or None."""
    for link, shape in zip(links, shapes, strict=False):
        inner = [each for _, each in network.iter_links((link,))]
        if any(_convolves(each, 2) for each in inner):
            return shape
    return None


def _convolves(link: Layer, rank: int) -> bool:
    """Return whether a link convolves sequences (rank 1) or pictures (rank 2)."""
    return isinstance(link, Convolution) and link.rank == rank


def _name_series(snapshot: Snapshot, n_features: int) -> tuple[str, ...]:
    if n_features == 1:
        return (snapshot.target_name if snapshot.preprocessor else "x",)
    return tuple(f"x{i + 1}" for i in range(n_features))


def _find_words(snapshot: Snapshot) -> tuple[tuple[str, ...], ...]:
    """Return the word of each token id, without padding at the end; the id if it has no word."""
    vocabulary, rows = snapshot.vocabulary, []
    for ids in np.asarray(snapshot.x).astype(int):
        stop = int(np.flatnonzero(ids)[-1:].sum()) + 1 if vocabulary else len(ids)
        texts = [vocabulary[i] if vocabulary else str(i) for i in ids[:stop].tolist()]
        rows.append(tuple(texts))
    return tuple(rows)


def format_cells(snapshot: Snapshot, layout: InputLayout) -> tuple[tuple[str, ...], ...]:
    """Return the text of each column in each row: the table's cell, or the number."""
    examples, columns = read_examples(snapshot), []
    for name in layout.spans or {}:
        values = examples.columns.get(name, [""] * len(snapshot.x))
        columns.append([format_cell(value) for value in values])
    return tuple(zip(*columns, strict=True))


def to_shape(values: Array, shape: Shape) -> Array:
    """Return values (n, ...) with rows of another shape of the same size."""
    return values.reshape(len(values), *shape)
