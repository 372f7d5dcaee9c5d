"""Keras's functions for sequences of words or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from glassnet.errors import DataError, is_int, lookup, require
from glassnet.suggestions import suggest_arguments

ENDS = {"pre": None, "post": None}


@suggest_arguments
def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Pad or cut sequences to the same length, and stack them as an array.

    Shapes:
        n sequences of items of one shape to (n, maxlen, *shape).

    Args:
        sequences: lists or arrays, such as the word numbers of each text.
        maxlen: the length; None for that of the longest sequence.
        dtype: type of the numbers; object for texts.
        padding: where to add `value`: "pre" (before the sequence) or "post" (after it).
        truncating: where to cut longer sequences: "pre" (the beginning) or "post" (the end).
        value: what to add.

    Raises:
        ConfigError: an argument is out of range.
        DataError: the sequences are not lists, or their items differ in shape.

    Example:
        >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
        [[0, 1], [2, 3], [5, 6]]

    Source: Keras's pad_sequences.
    """
    who = "pad_sequences"
    lookup(f"{who}: padding", padding, ENDS)
    lookup(f"{who}: truncating", truncating, ENDS)
    is_valid = maxlen is None or is_int(maxlen, least=1)
    require(is_valid, who, "maxlen to be an int >= 1 or None", maxlen=maxlen)
    _check_value(value, dtype)
    n_items = _count_items(sequences)
    length = max(n_items, default=0) if maxlen is None else int(maxlen)
    filled = [sequence for sequence, n in zip(sequences, n_items, strict=True) if n]
    shape = np.shape(filled[0])[1:] if filled else ()
    padded = np.full((len(n_items), length, *shape), value, dtype)
    for i, sequence in enumerate(sequences):
        if not n_items[i]:
            continue
        part = sequence[-length:] if truncating == "pre" else sequence[:length]
        items = np.asarray(part, dtype)
        require(
            items.shape[1:] == shape,
            who,
            f"items of shape {shape}, as in the first sequence",
            error=DataError,
            sequence=i,
            shape=items.shape[1:],
        )
        start = length - len(items) if padding == "pre" else 0
        padded[i, start : start + len(items)] = items
    return padded


def _check_value(value: Any, dtype: Any) -> None:
    is_text_type = dtype is object or np.dtype(dtype).kind in "OUS"
    require(
        is_text_type or not isinstance(value, str),
        "pad_sequences",
        "value to be a number",
        fix="For texts, pass dtype=object.",
        value=value,
        dtype=dtype,
    )


def _count_items(sequences: Any) -> list[int]:
    who, expected = "pad_sequences", "a list of sequences, such as lists of word numbers"
    is_list = hasattr(sequences, "__len__")
    require(is_list, who, expected, error=DataError, type=type(sequences).__name__)
    for i, sequence in enumerate(sequences):
        is_sequence = hasattr(sequence, "__len__")
        require(is_sequence, who, expected, error=DataError, sequence=i, received=sequence)
    return [len(sequence) for sequence in sequences]
