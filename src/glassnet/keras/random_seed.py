"""The seed of a script, from which models and datasets without a seed draw theirs."""

from __future__ import annotations

import secrets

import numpy as np

_generators: list[np.random.Generator] = []


def seed_generator(seed: int) -> None:
    """Let `next_seed` return the same seeds in every run."""
    _generators[:] = [np.random.default_rng(seed)]


def next_seed() -> int | None:
    """Return the seed for the next model or dataset; None if no seed was set."""
    return int(_generators[0].integers(2**31)) if _generators else None


def draw_seed() -> int:
    """Return `next_seed`, or a seed that differs in every run."""
    seed = next_seed()
    return secrets.randbits(31) if seed is None else seed
