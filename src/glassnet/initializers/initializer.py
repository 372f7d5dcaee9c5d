"""The protocol of an initializer, and the draw that two families share."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from glassnet.types import Shape


@dataclass(frozen=True)
class Initializer(ABC):
    """What every initializer is: a frozen dataclass called with a generator and a shape."""

    @abstractmethod
    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        """Weights of `shape`, float32, drawn from `rng`."""

    def draw_many(self, rng: np.random.Generator, shape: Shape, n: int) -> np.ndarray:
        """n draws of weights of `shape` side by side, on a new axis before the last."""
        return np.stack([self(rng, shape) for _ in range(n)], axis=-2)


def truncated_normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Unit normal, float64, with the tails beyond +-2 drawn again."""
    draws = rng.standard_normal(math.prod(shape))
    while (outside := np.abs(draws) > 2).any():
        draws[outside] = rng.standard_normal(np.count_nonzero(outside))
    return draws.reshape(shape)
