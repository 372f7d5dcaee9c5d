"""Words that everyone uses.

A *layer* is what the user writes; a *link* is what runs: a layer unfolds into one or more links
(`Dense(activation="relu")` into a `Dense` and an `Activation`), so that z and a are separate,
visible numbers.
"""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""A NumPy or a JAX array, or the stand-in that JAX passes while it compiles."""

Shape: TypeAlias = tuple[int, ...]
"""The shape of one example: no batch axis."""

Params: TypeAlias = Any
"""What one link learns by gradient: a dict of arrays by Keras's names, or, in a composite, a tuple
of such aligned with its parts.
"""

State: TypeAlias = Any
"""What one link keeps besides: running or learned statistics, in the same form as `Params`."""
