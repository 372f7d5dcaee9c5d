"""Type aliases that all modules share.

A *layer* is what the user writes. A *link* is what runs: a layer unfolds into one or more links
(`Dense(activation="relu")` into a `Dense` and an `Activation`), so that z and a are separate,
visible numbers.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""A NumPy or JAX array, or the tracer that JAX passes while it compiles."""

Shape: TypeAlias = tuple[int, ...]
"""The shape of one example, without the batch axis."""

PartialShape: TypeAlias = tuple[int | None, ...]
"""A shape whose unknown sizes, such as a number of steps, are None: (None, 8)."""

Params: TypeAlias = Any
"""The weights of one link that are learned by gradient: a dict of arrays by Keras's names.

The params of a composite are a tuple of such dicts, aligned with its parts.
"""

State: TypeAlias = Any
"""The statistics of one link, running or learned from data, in the same form as `Params`."""
