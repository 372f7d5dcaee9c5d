"""The plane on which paths of weights are shown, and the part of it that is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
import scipy.linalg

from glassnet.engine.network import BuiltNetwork
from glassnet.formatting import format_number
from glassnet.inspection.training_runs import flatten_params, unflatten_params
from glassnet.inspection.weight_selection import Direction, WeightSelection
from glassnet.types import Params

RISE = 2.0
"""Points are near if their loss is at most this many times as far above the lowest as the start."""

MARGIN, THINNEST = 0.25, 0.1
"""Space around the near points, in their width; the smallest width of an axis over the other's."""


@dataclass(frozen=True, eq=False)
class PathPlane:
    """A plane through the weights, spanned by two weights or two directions.

    Attributes:
        names: names of the two axes.
        directions: how the weights move along each axis.
        center: weights of a point of the plane, (n,).
        origin: its coordinates, (2,).
        vectors: maps a move of the weights to a move in the plane, (2, n).
        shares: share of the paths' variance along each axis; None for two weights.
    """

    names: tuple[str, str]
    directions: tuple[Direction, ...]
    center: np.ndarray
    origin: np.ndarray
    vectors: np.ndarray
    shares: tuple[float, float] | None = None

    def locate(self, weights: np.ndarray) -> np.ndarray:
        """Return the coordinates (t, 2) of weights (t, n), projected on the plane."""
        moves = weights.astype(np.float64) - self.center
        points: np.ndarray = self.origin + moves @ self.vectors.T
        return points


def plane_of_weights(
    network: BuiltNetwork,
    params: tuple[Params, ...],
    selections: Sequence[WeightSelection],
) -> PathPlane:
    """Return the plane over two weights; the other weights are those of `params`."""
    directions = tuple(each.make_direction(params) for each in selections)
    zeros = unflatten_params(network, np.zeros_like(flatten_params(network, params)), params)
    moved = [_fill(zeros, direction) for direction in directions]
    vectors = np.stack([flatten_params(network, each).astype(np.float64) for each in moved])
    first, second = (each.label for each in selections)
    return PathPlane(
        names=(first, second),
        directions=directions,
        center=flatten_params(network, params).astype(np.float64),
        origin=np.array([each.get_value(params) for each in selections]),
        vectors=vectors / (vectors**2).sum(1, keepdims=True),
    )


def principal_plane(
    network: BuiltNetwork, params: tuple[Params, ...], points: np.ndarray
) -> PathPlane:
    """Return the plane through `params` along the principal directions of points (t, n)."""
    vectors, shares = find_principal_directions(points)
    names = [
        f"principal direction {i} ({format_number(100 * share, 2)} % of variance)"
        for i, share in enumerate(shares, 1)
    ]
    return PathPlane(
        names=(names[0], names[1]),
        directions=tuple(unflatten_params(network, vector, params) for vector in vectors),
        center=flatten_params(network, params).astype(np.float64),
        origin=np.zeros(2),
        vectors=vectors,
        shares=(float(shares[0]), float(shares[1])),
    )


def find_principal_directions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the two directions of largest variance, (2, n), and their shares of it, (2,).

    They are the first right singular vectors of the centered points, found from the smaller of
    the two Gram matrices. The largest entry of each is positive. If all points are on a line, the
    second direction is across it along a weight that moves least.

    Args:
        points: (t, n) with n >= 2.
    """
    centered = points.astype(np.float64) - points.mean(0, dtype=np.float64)
    is_wide = len(centered) < centered.shape[1]
    rows = centered if is_wide else centered.T
    gram, last = rows @ rows.T, len(rows) - 1
    total = float(np.trace(gram))
    squares, vectors = scipy.linalg.eigh(gram, subset_by_index=[max(last - 1, 0), last])
    squares, vectors = np.maximum(squares[::-1], 0), vectors.T[::-1]
    shares = np.zeros(2)
    directions = np.zeros((2, centered.shape[1]))
    for i, (square, vector) in enumerate(zip(squares, vectors, strict=True)):
        if square > 1e-12 * total:
            shares[i] = square / total
            directions[i] = vector @ centered / np.sqrt(square) if is_wide else vector
    for i in range(2):
        if not directions[i].any():
            directions[i] = _find_direction_across(directions[:i])
        directions[i] *= np.sign(directions[i, np.argmax(np.abs(directions[i]))])
    return directions, shares


def find_near_points(losses: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return which points of each path are near the bowl, (t,) booleans: see `RISE`."""
    start = max(loss[0] for loss in losses)
    lowest = min(loss.min() for loss in losses)
    near = [loss <= lowest + RISE * (start - lowest) for loss in losses]
    if sum(int(each.sum()) for each in near) < 2:
        return [np.arange(len(loss)) < 3 for loss in losses]
    return near


def choose_axes(points: np.ndarray, resolution: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of both axes, (resolution,) each, around points (t, 2)."""
    low, high = points.min(0), points.max(0)
    width = high - low
    width = np.maximum(width, THINNEST * width.max())
    width[width == 0] = 1.0
    half = width * (0.5 + MARGIN)
    middle = (low + high) / 2
    first, second = (
        np.linspace(middle[i] - half[i], middle[i] + half[i], resolution) for i in range(2)
    )
    return first, second


def _fill(zeros: tuple[Params, ...], direction: Direction) -> tuple[Params, ...]:
    """Return a direction with zeros for what does not move."""
    filled: tuple[Params, ...] = jax.tree.map(
        lambda zero, step: zero if step is None else step, zeros, direction
    )
    return filled


def _find_direction_across(directions: np.ndarray) -> np.ndarray:
    """Return a unit vector at right angles to the others, (k, n)."""
    unit = np.zeros(directions.shape[1])
    unit[np.argmin((directions**2).sum(0))] = 1.0
    across = unit - directions.T @ (directions @ unit)
    normed: np.ndarray = across / np.linalg.norm(across)
    return normed
