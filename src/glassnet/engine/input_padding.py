"""Runs whose inputs have different widths are made equally wide, so that they can be stacked.

The encoding of a table is learned from the training rows of a run, so the number of its columns
may differ between runs. Columns of zeros with weights of zero change nothing: their gradient is 0.
This holds if the first link is Dense, also behind BatchNormalization and Normalization. Behind
Dropout, noise or LayerNormalization it does not, nor for parts of a user's own class, or optax:
they may combine the weights of all inputs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from glassnet.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from glassnet.engine.numeric_fields import get_structure
from glassnet.engine.stacked_runs import NetworkRun
from glassnet.engine.train_step import TrainState, create_train_state
from glassnet.layers import BatchNormalization, Dense, Normalization
from glassnet.layers.functional import Links
from glassnet.optimizers import OPTIMIZERS
from glassnet.regularizers import L1, L1L2, L2

FILL = {
    "kernel": 0.0,
    "gamma": 1.0,
    "beta": 0.0,
    "moving_mean": 0.0,
    "moving_variance": 1.0,
    "mean": 0.0,
    "variance": 1.0,
}
"""The value of each weight for a column of zeros."""

PENALTIES = L1, L2, L1L2, type(None)
"""Regularizers whose penalty does not change with more zeros, and none."""

LIMITS = MaxNorm, MinMaxNorm, NonNeg, UnitNorm, type(None)
"""Constraints that leave zeros, and do not change with more of them, and none."""


def pad_inputs(runs: Sequence[NetworkRun]) -> list[NetworkRun]:
    """Return the runs with inputs as wide as the widest of those that differ in width only."""
    widths: dict[Any, int] = {}
    keys = [_get_key(run) for run in runs]
    for key, run in zip(keys, runs, strict=True):
        if key is not None:
            widths[key] = max(widths.get(key, 0), run.data.x.shape[1])
    padded: dict[tuple[int, int], np.ndarray] = {}
    return [
        run if key is None else _pad_run(run, widths[key], padded)
        for key, run in zip(keys, runs, strict=True)
    ]


def crop_weights(train_state: TrainState, start: TrainState) -> TrainState:
    """Return a train state on the host with the weights' shapes of a run before it was padded."""

    def crop(array: Any, like: Any) -> Any:
        if np.shape(array) == np.shape(like):
            return array
        return array[tuple(slice(n) for n in np.shape(like))]

    params = jax.tree.map(crop, train_state.params, start.params)
    state = jax.tree.map(crop, train_state.state, start.state)
    return train_state._replace(params=params, state=state)


def _get_key(run: NetworkRun) -> Any:
    """Return what runs must share to be padded to one width, or None if the run cannot be."""
    links, x = run.program.links, run.data.x
    is_elementwise = type(run.program.optimizer) in OPTIMIZERS.values()
    if x.ndim != 2 or not is_elementwise or _find_first_dense(links) is None:
        return None
    return get_structure(run.program), x.dtype, np.shape(run.data.y)


def _find_first_dense(links: Links) -> int | None:
    """Return the index of the first Dense, if zeros pass all links before it unchanged."""
    for i, link in enumerate(links):
        if type(link) is Dense:
            is_padded = type(link.kernel_regularizer) in PENALTIES
            return i if is_padded and type(link.kernel_constraint) in LIMITS else None
        is_learned = type(link) is Normalization and link.mean is None and not link.invert
        is_batch = type(link) is BatchNormalization and not link.gamma_constraint
        if not (is_learned or is_batch):
            return None
    return None


def _pad_run(run: NetworkRun, width: int, padded: dict[tuple[int, int], np.ndarray]) -> NetworkRun:
    """Return a run with inputs of a width; equal inputs are padded once."""
    x = run.data.x
    missing = width - x.shape[1]
    if not missing:
        return run
    key = id(x), width
    if key not in padded:
        padded[key] = np.pad(x, ((0, 0), (0, missing)))
    last = _find_first_dense(run.program.links)
    assert last is not None
    weights = [
        tuple(
            _pad_weights(each, x.shape[1], missing) if i <= last else each
            for i, each in enumerate(tree)
        )
        for tree in (run.start.params, run.start.state)
    ]
    start = create_train_state(run.program, *weights, rate=float(run.start.rate), seed=run.seed)
    return replace(run, data=run.data._replace(x=padded[key]), start=start)


def _pad_weights(weights: Any, width: int, missing: int) -> Any:
    """Return the weights of a link, padded along the axis of its inputs."""

    def pad(name: str, array: np.ndarray) -> np.ndarray:
        if name not in FILL or np.ndim(array) == 0 or len(array) != width:
            return array
        shape = missing, *array.shape[1:]
        return np.concatenate([array, np.full(shape, FILL[name], array.dtype)])

    return {name: pad(name, array) for name, array in weights.items()}
