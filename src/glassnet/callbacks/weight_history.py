"""Callback that records the weights of every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from glassnet.callbacks.callback import Callback
from glassnet.engine.loop import Record
from glassnet.engine.network import iter_links, tree_get
from glassnet.layers import Composite, Layer
from glassnet.types import Params


class WeightHistory(Callback):
    """Record the weights at the start of a fit and after every epoch.

    `fit` returns them as `history.weights`: {"dense_1/kernel": (epochs + 1, n, units), ...}. The
    loss curves, surfaces and landscapes of `gn.inspection` draw them as the path of training.

    Every epoch takes the memory of all weights once more: 4 bytes for each number. Model files do
    not hold them, and a resumed run records the epochs since.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> history = model.fit(
        ...     [[1.0], [2.0]], [2.0, 4.0], epochs=5, verbose=0, callbacks=WeightHistory()
        ... )
        >>> history.weights["dense_1/kernel"].shape
        (6, 1, 1)
    """

    def __init__(self) -> None:
        self._params: list[tuple[Params, ...]] = []

    def init(self) -> None:
        self._params = []

    def restore_memory(self, memory: Any) -> None:
        self._params = []

    def update(self, memory: Any, record: Record) -> tuple[None, None]:
        if not self._params:
            self._params.append(_copy(record.epoch_start_state.params))
        self._params.append(_copy(record.train_state.params))
        return None, None

    def get_weights(self, links: Sequence[Layer]) -> dict[str, np.ndarray]:
        """Return the weights by layer and name, each (epochs + 1, *shape).

        Args:
            links: the links of the network that was trained.
        """
        if not self._params:
            return {}
        return {
            f"{link.name}/{key}": np.stack([tree_get(each, path)[key] for each in self._params])
            for path, link in iter_links(tuple(links))
            if not isinstance(link, Composite)
            for key in tree_get(self._params[0], path)
        }


def _copy(params: tuple[Params, ...]) -> tuple[Params, ...]:
    copied: tuple[Params, ...] = jax.tree.map(np.array, params)
    return copied
