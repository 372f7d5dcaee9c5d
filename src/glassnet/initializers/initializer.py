"""Base class of the initializers, and the truncated normal distribution that two files use."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from glassnet.errors import refuse_renamed_methods
from glassnet.types import Shape


@dataclass(frozen=True)
class Initializer(ABC):
    """Base class of all initializers: frozen dataclasses, called with a generator and a shape."""

    _RENAMED: ClassVar[dict[str, str]] = {"several": "draw_many"}
    """Methods by the names that they had before release 0.2, each with its name now."""

    def __init_subclass__(cls) -> None:
        refuse_renamed_methods(cls, cls._RENAMED)

    @abstractmethod
    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Return weights of `shape`, float32, drawn from `rng`."""

    def draw_many(self, rng: np.random.Generator, shape: Shape, n: int) -> np.ndarray:
        """Return n draws of weights of `shape`, stacked on a new axis before the last."""
        return np.stack([self(rng, shape) for _ in range(n)], axis=-2)


def truncated_normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Draw from the standard normal, float64, and redraw values outside of +-2."""
    draws = rng.standard_normal(math.prod(shape))
    while (outside := np.abs(draws) > 2).any():
        draws[outside] = rng.standard_normal(np.count_nonzero(outside))
    return draws.reshape(shape)
