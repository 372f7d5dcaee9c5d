"""Paths of training: recorded weights as points on a loss curve, surface or landscape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassnet.engine.network import iter_links, tree_get
from glassnet.errors import DataError, lookup, require
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.weight_selection import Direction, WeightSelection

RecordedWeights = Mapping[str, np.ndarray]
"""Arrays (n, *shape) by the names of weights: n moments of training."""


def get_recorded_weights(path: Any, snapshot: Snapshot) -> RecordedWeights | None:
    """Return the recorded weights that `path` names, or those of the model's last fit.

    Args:
        path: a `History`, or arrays (n, *shape) by name. None for the model's own history; False
            for nothing.
        snapshot: the model.

    Raises:
        DataError: a history without weights, or something else.
    """
    if path is False:
        return None
    weights = getattr(path if path is not None else snapshot.history, "weights", path)
    if path is None:
        return weights or None
    is_record = isinstance(weights, Mapping) and bool(weights)
    expected = "a history with weights, {name: (n, *shape)}, or points (n, k)"
    fix = "Record them: model.fit(..., callbacks=[gn.callbacks.WeightHistory()])."
    require(is_record, "path", expected, error=DataError, path=path, fix=fix)
    result: RecordedWeights = weights
    return result


def locate_weights(
    path: Any, selections: Sequence[WeightSelection], snapshot: Snapshot
) -> np.ndarray | None:
    """Return the values of the selected weights at each moment: (n, k), or None without a path.

    Args:
        path: see `get_recorded_weights`; or the values themselves, (n, k), or (n,) for one weight.
        selections: the k weights.
        snapshot: the model.

    Raises:
        DataError: see `get_recorded_weights`; arrays of other shapes.
    """
    if isinstance(path, np.ndarray | list):
        return _check_points(path, len(selections))
    weights = get_recorded_weights(path, snapshot)
    if weights is None:
        return None
    columns = [
        selection.compute_values(
            _get_arrays(weights, selection.name, selection.shape), snapshot.params
        )
        for selection in selections
    ]
    return np.stack(columns, axis=1)


def project_weights(
    path: Any, directions: Sequence[Direction], snapshot: Snapshot
) -> tuple[np.ndarray | None, float]:
    """Return the nearest point of the plane at each moment, (n, 2), and the share that it shows.

    The share is the sum of squares of the projections over that of all moves, from 0 to 1. Random
    directions show next to nothing of a path through many weights.

    Args:
        path: see `get_recorded_weights`; or points of the plane, (n, 2), which show everything.
        directions: two directions from the model's weights.
        snapshot: the model.

    Raises:
        DataError: see `locate_weights`.
    """
    if isinstance(path, np.ndarray | list):
        return _check_points(path, len(directions)), 1.0
    weights = get_recorded_weights(path, snapshot)
    if weights is None:
        return None, 0.0
    links, network = dict(iter_links(snapshot.links)), snapshot.network
    products = np.zeros((len(directions), len(directions)))
    moved: Any = 0.0
    total: Any = 0.0
    for kind, position, key in network.weight_paths:
        if kind != "params":
            continue
        weight = np.asarray(tree_get(snapshot.params, position)[key], np.float64)
        arrays = _get_arrays(weights, f"{links[position].name}/{key}", weight.shape)
        moves = (arrays - weight).reshape(len(arrays), -1)
        steps = [tree_get(direction, position)[key] for direction in directions]
        flat = np.stack(
            [np.zeros(weight.size) if d is None else np.ravel(d).astype(np.float64) for d in steps]
        )
        products += flat @ flat.T
        moved, total = moved + moves @ flat.T, total + (moves**2).sum()
    points = np.linalg.solve(products, np.transpose(moved)).T
    shown = np.einsum("ni,ij,nj->", points, products, points)
    return points, float(shown / total) if total else 1.0


def _get_arrays(weights: RecordedWeights, name: str, shape: tuple[int, ...]) -> np.ndarray:
    arrays = np.asarray(lookup("path", name, weights))
    expected = f"arrays (n, *{shape}) of {name}"
    fits = arrays.ndim > 0 and len(arrays) > 0 and arrays.shape[1:] == shape
    fix = "The recorded weights must be those of this network."
    require(fits, "path", expected, error=DataError, shape=arrays.shape, fix=fix)
    return arrays.astype(np.float64)


def _check_points(path: Any, k: int) -> np.ndarray:
    points = np.array(path, np.float64)
    points = points[:, None] if points.ndim == 1 and k == 1 else points
    fits = points.ndim == 2 and points.shape[1] == k and len(points)
    expected = f"points (n, {k}), one column per weight or direction"
    require(fits, "path", expected, error=DataError, shape=points.shape)
    return points
