"""Sequences padded to a few lengths under a mask, so that few programs are compiled.

Only networks whose every link ignores masked steps at the end can be padded. For the others a
program is compiled for each length.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.engine.network import BuiltNetwork
from glassnet.engine.train_step import Data
from glassnet.layers import Embedding, Layer
from glassnet.types import PartialShape


@dataclass(frozen=True)
class StepPadding:
    """Padding of the steps of sequences.

    Args:
        has_output_steps: whether the output, and so the targets, have an axis of steps.
    """

    has_output_steps: bool

    def pad_features(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return rows (n, steps, ...) with more steps, and the mask of real ones, (n, steps).

        The last step is repeated: zeros might produce non-finite values in some layers.
        """
        n_steps = x.shape[1]
        size = padded_length(n_steps)
        mask = (np.arange(size) < n_steps).astype(np.float32)
        return pad_steps(x, size), np.broadcast_to(mask, (len(x), size))

    def pad(self, data: Data) -> tuple[Data, np.ndarray]:
        """Return rows and targets with more steps, and the mask of `pad_features`."""
        x, mask = self.pad_features(data.x)
        y = pad_steps(data.y, mask.shape[1]) if self.has_output_steps else data.y
        return data._replace(x=x, y=y), mask


def find_step_padding(built: BuiltNetwork) -> StepPadding | None:
    """Return how sequences may be padded for a network, or None if they may not."""
    if not built.has_unknown_sizes:
        return None
    pairs = zip(built.links, built.shapes, strict=False)
    if not all(_ignores_padding(link, shape) for link, shape in pairs):
        return None
    return StepPadding(built.shapes[-1][0] is None)


def _ignores_padding(link: Layer, shape: PartialShape) -> bool:
    """Return whether a link ignores masked steps at the end, with inputs of a shape."""
    n_steps, *features = shape
    if None in features:
        return False
    if n_steps is not None:
        return True
    return link.ignores_padding and (bool(features) or isinstance(link, Embedding))


def padded_length(n_steps: int) -> int:
    """Return the number of steps to which sequences are padded: 2^k or 3 * 2^k.

    Example:
        >>> [padded_length(n) for n in (5, 8, 9, 50, 100)]
        [6, 8, 12, 64, 128]
    """
    power = 1 << (n_steps - 1).bit_length()
    three_quarters = power // 4 * 3
    return three_quarters if n_steps <= three_quarters else power


def pad_steps(array: np.ndarray, size: int) -> np.ndarray:
    """Pad rows (n, steps, ...) to `size` steps by repeating the last step."""
    n_missing = size - array.shape[1]
    if not n_missing:
        return array
    return np.concatenate([array, np.repeat(array[:, -1:], n_missing, axis=1)], axis=1)
