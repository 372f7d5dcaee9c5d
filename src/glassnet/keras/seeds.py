"""One seed for a whole script, as Keras has it: models made without one of their own draw theirs from it."""

from __future__ import annotations

import random

import numpy as np

from glassnet.errors import is_int, require

_source: np.random.Generator | None = None


def set_random_seed(seed: int) -> None:
    """Seed Python's `random`, NumPy's global generator, and the models made from here on: each another seed, the same in every run.

    Args:
        seed: from 0 to below 2^32.

    Raises:
        ConfigError: no such seed.

    Example:
        >>> set_random_seed(7)
        >>> first = draw(), draw()
        >>> set_random_seed(7)
        >>> first == (draw(), draw()), first[0] == first[1]
        (True, False)
    """
    global _source
    require(is_int(seed, least=0) and seed < 2**32, "set_random_seed", "an int from 0 to below 2**32", seed=seed)
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002
    _source = np.random.default_rng(int(seed))


def draw() -> int | None:
    """The seed of the next model; None where none was ever set."""
    return None if _source is None else int(_source.integers(2**31))
