"""`adapt` of Keras's layers: from rows or batches to a layer that has learned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from glassnet.layers import Layer, Normalization, TextVectorization
from glassnet.layers.text import as_texts
from glassnet.pipeline.batches import as_epoch_iterable, is_stream
from glassnet.types import Shape


def adapt_layer(layer: Layer, data: Any, steps: int | None) -> tuple[Layer, Shape | None]:
    """Return the layer with what it has learned, and the shape of its input.

    Args:
        layer: a Normalization or a TextVectorization.
        data: rows, texts, or batches of them.
        steps: the number of batches; None for all.
    """
    if isinstance(layer, TextVectorization):
        return adapt_text(layer, data, steps), None
    assert isinstance(layer, Normalization)
    shapes: list[Shape] = []

    def record_shapes(batches: Iterator[Any]) -> Iterator[np.ndarray]:
        for batch in batches:
            rows = np.asarray(batch[0] if isinstance(batch, tuple) else batch)
            shapes.append(rows.shape)
            yield rows

    data = _batch_rows(data)
    is_list = isinstance(data, list) and bool(data) and hasattr(data[0], "__array__")
    is_batches = is_stream(data) or (is_list and np.ndim(data[0]))
    batches = as_epoch_iterable(data).start_epoch(0) if is_batches else iter([data])
    adapted = replace(layer, learned_state=None).adapt(record_shapes(islice(batches, steps)))
    return adapted, shapes[0][1:] or (1,)


def _batch_rows(data: Any) -> Any:
    """Return a dataset of batches for one of single rows, as Keras does."""
    shape = getattr(getattr(data, "element_spec", None), "shape", None)
    is_row = shape is not None and len(shape) == 1 and shape[0] is not None
    return data.batch(128) if is_row else data


def as_batch_of_texts(texts: Any) -> Any:
    """Return one text as a batch of one; a batch is unchanged."""
    return [np.asarray(texts).item()] if is_one_text(texts) else texts


def is_one_text(texts: Any) -> bool:
    """Return whether the value is one text, as a string, as bytes or as a tensor of no axes."""
    return isinstance(texts, str | bytes) or getattr(texts, "shape", None) == ()


def adapt_text(layer: TextVectorization, data: Any, steps: int | None) -> TextVectorization:
    """Return the layer with the vocabulary of texts, or of batches of texts.

    A second call replaces the first vocabulary.
    """
    if is_stream(data):
        batches = islice(iter(data), steps)
        data = [text for batch in batches for text in as_texts(as_batch_of_texts(batch))]
    return replace(layer, vocabulary=None, idf_weights=None).adapt(data)
