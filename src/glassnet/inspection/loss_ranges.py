"""Ranges of weights that show the shape of a loss: its minimum, and where the model is."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from glassnet.inspection.loss_grid import LossGrid

WIDEST, NARROWEST = 5.0, 0.25
"""Limits of half a range, in sizes of the weight; weights below 1 count as 1."""

MARGIN = 1.3
"""Half of a range over the distance from its middle to the model."""


class Bowl(NamedTuple):
    """Quadratic function through the loss around the model: L0 + g t + t H t / 2.

    Attributes:
        minimum: offsets of its lowest point, (k,).
        lowest: its value at that point.
        inverse: the inverse of H, (k, k).
    """

    minimum: np.ndarray
    lowest: float
    inverse: np.ndarray


def choose_limits(
    grid: LossGrid, values: np.ndarray, path: np.ndarray | None
) -> list[tuple[float, float]]:
    """Return (low, high) of each weight.

    If the loss is about a bowl, its minimum is in the middle, the model is in view, and so is the
    loss at twice its minimum. Else the model is in the middle. The path is in view, unless it leads
    far away.

    Args:
        grid: the loss along the directions of the weights.
        values: the model's weights, (k,).
        path: values of the weights in training, (n, k), or None.
    """
    sizes = np.maximum(np.abs(values), 1.0)
    loss = grid.compute_center()
    bowl = fit_bowl(grid, sizes)
    if bowl is None:
        middle, half = values, 2 * sizes
    else:
        rise = max(loss - bowl.lowest, abs(bowl.lowest))
        middle = values + bowl.minimum
        half = np.sqrt(2 * rise * np.diag(bowl.inverse))
        half = np.clip(half, NARROWEST * sizes, WIDEST * sizes)
        half = np.maximum(half, MARGIN * np.abs(bowl.minimum))
    low, high = middle - half, middle + half
    if path is not None:
        near = path[(np.abs(path - middle) <= 4 * half).all(1)]
        low = np.minimum(low, near.min(0, initial=np.inf) - 0.1 * half)
        high = np.maximum(high, near.max(0, initial=-np.inf) + 0.1 * half)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def fit_bowl(grid: LossGrid, sizes: np.ndarray) -> Bowl | None:
    """Return the bowl through 3^k points around the model, or None if the loss is no bowl.

    Args:
        grid: the loss along k directions.
        sizes: distances of the points from the model, (k,).
    """
    loss = grid.compute_center()
    k = len(sizes)
    points = np.array(list(itertools.product((-1.0, 0.0, 1.0), repeat=k)))
    losses = grid.compute(points * sizes)
    if not np.isfinite(losses).all():
        return None
    pairs = list(itertools.combinations_with_replacement(range(k), 2))
    squares = np.stack([points[:, i] * points[:, j] for i, j in pairs], axis=1)
    columns = np.concatenate([np.ones((len(points), 1)), points, squares], axis=1)
    _, *coefficients = np.linalg.lstsq(columns, losses)[0]
    gradient, hessian = np.array(coefficients[:k]), np.zeros((k, k))
    for (i, j), coefficient in zip(pairs, coefficients[k:], strict=True):
        hessian[i, j] += coefficient
        hessian[j, i] += coefficient
    eigenvalues = np.linalg.eigvalsh(hessian)
    if eigenvalues[0] <= 1e-6 * max(eigenvalues[-1], 1e-30):
        return None
    inverse = np.linalg.inv(hessian)
    minimum = -inverse @ gradient
    predicted = loss + gradient @ minimum / 2
    lowest = float(grid.compute(minimum[None] * sizes)[0])
    is_bowl = abs(lowest - predicted) <= 0.1 * (loss - predicted) + 1e-4 * abs(loss)
    if not is_bowl:
        return None
    return Bowl(minimum * sizes, lowest, inverse * np.outer(sizes, sizes))
