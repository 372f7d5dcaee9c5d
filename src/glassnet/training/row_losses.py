"""The loss of every validation row at some weights, for differences row by row."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from glassnet.engine import inference, network
from glassnet.engine.train_step import Data, Program
from glassnet.evaluation.numpy_losses import compute_unreduced, has_numpy_formula
from glassnet.types import Array, Params, State


def compute_row_losses(
    program: Program,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    blocks: Iterable[tuple[Data, np.ndarray]],
) -> np.ndarray:
    """Return the weighted loss of every row, (n,), in reported units and without penalties.

    Their mean is the validation loss, unless time steps are masked: the loss of a row is the mean
    over its real steps.

    Args:
        program: links and loss.
        params: params of all links.
        state: state of all links.
        blocks: rows, as in `inference.evaluate_blocks`; the same programs run.
    """
    body, head = network.split_head(program.links, program.loss)
    parts = []
    for batch, row_mask in blocks:
        z, _, mask = inference.infer(body, head, params, state, batch.x, None)
        losses = _compute_losses(program, np.asarray(batch.y), np.asarray(z))
        n = int(np.asarray(row_mask).sum())
        real = np.ones(losses.shape) if mask is None else _align(np.asarray(mask), losses)
        weight = 1.0 if batch.weight is None else _align(np.asarray(batch.weight), losses)
        axes = tuple(range(1, losses.ndim))
        totals = (losses * real * weight).sum(axes) / np.maximum(real.sum(axes), 1)
        parts.append(totals[:n])
    return np.concatenate(parts)


def _compute_losses(program: Program, y: Array, z: Array) -> np.ndarray:
    """Return the loss of every row, or of every time step of it."""
    loss = program.loss
    if not has_numpy_formula(loss):
        return loss.report_scale * np.asarray(loss.unreduced(y, z), np.float64)
    flat = y.reshape(-1) if y.ndim == z.ndim - 1 else y.reshape(-1, y.shape[-1])
    losses: np.ndarray = compute_unreduced(loss, flat, z.reshape(-1, z.shape[-1]))
    return losses.reshape(z.shape[:-1])


def _align(values: Array, losses: np.ndarray) -> np.ndarray:
    """Return values of rows, or of time steps, in the shape of the losses."""
    values = values[..., 0] if values.ndim > losses.ndim else values
    aligned: np.ndarray = values.reshape(values.shape + (1,) * (losses.ndim - values.ndim))
    return np.broadcast_to(aligned, losses.shape)
