"""The loss over one weight, over two weights, and over a plane through all weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.arrays import to_array
from glassnet.errors import MAX_SEED, is_int, is_number, lookup, require
from glassnet.formatting import format_number, format_share
from glassnet.inspection.loss_grid import LossGrid
from glassnet.inspection.loss_ranges import choose_limits
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function
from glassnet.inspection.weight_path import locate_weights, project_weights
from glassnet.inspection.weight_selection import (
    Index,
    WeightSelection,
    draw_direction,
    select_weight,
    select_weights,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_POINTS = 250_000
"""Maximum number of points of one view, 500 x 500."""


@dataclass(frozen=True, eq=False, repr=False)
class LossCurve(View):
    """The loss over one weight; the other weights are those of the model.

    Attributes:
        weight: the weight, such as "dense_1/kernel[0, 0]".
        values: values of the weight, (n,).
        loss: the loss at each value, (n,); NaN or infinite where it is not a finite number.
        model_value: value of the weight in the model.
        model_loss: loss of the model, as `evaluate` returns it.
        path: values of the weight in training, (m,); None if they are not known.
        path_loss: the loss of the curve at these values, (m,).
        loss_name: name of the loss.
        note: " (untrained)" if the model was not trained, else "".
    """

    weight: str
    values: np.ndarray
    loss: np.ndarray
    model_value: float
    model_loss: float
    path: np.ndarray | None
    path_loss: np.ndarray | None
    loss_name: str
    note: str

    @property
    def minimum(self) -> tuple[float, float]:
        """Value and loss of the lowest point; NaN if no loss is finite."""
        i = _lowest(self.loss)
        return (float(self.values[i]), float(self.loss[i])) if i is not None else (np.nan, np.nan)

    @property
    def title(self) -> str:
        value, loss = map(format_number, self.minimum)
        model_value, model_loss = format_number(self.model_value), format_number(self.model_loss)
        return (
            f"Loss {model_loss} at {self.weight} = {model_value}; "
            f"lowest, {loss}, at {value}{self.note}"
        )

    def __str__(self) -> str:
        return "\n".join([self.title, *_describe_gaps(self.loss)])

    def to_frame(self) -> Any:
        import pandas as pd

        return pd.DataFrame({"weight": self.values, "loss": self.loss})

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the curve, its lowest point, the model and the path of training.

        Args:
            ax: axes to draw on; None for a new figure.
        """
        from glassnet.plots.loss_surfaces import LossPlot, plot_curve

        plot = LossPlot(
            names=(self.weight,),
            values=(self.values,),
            loss=self.loss,
            loss_label=f"loss ({self.loss_name})",
            model=(self.model_value, self.model_loss),
            minimum=self.minimum,
            path=_join_path(self.path, self.path_loss),
            title=self.title,
        )
        return plot_curve(plot, ax)


@dataclass(frozen=True, eq=False, repr=False)
class PlaneView(View):
    """Base class of the loss over a plane through the model's weights.

    Attributes:
        weights: names of the two axes.
        values: values on the first axis, (n,), and on the second, (m,).
        loss: (n, m): loss[i, j] at the i-th value of the first and the j-th of the second; NaN or
            infinite where it is not a finite number.
        model_values: position of the model.
        model_loss: loss of the model, as `evaluate` returns it.
        path: positions in training, (k, 2); None if they are not known.
        path_loss: the loss of the surface at these values, (k,).
        loss_name: name of the loss.
        note: " (untrained)" if the model was not trained, else "".
    """

    weights: tuple[str, str]
    values: tuple[np.ndarray, np.ndarray]
    loss: np.ndarray
    model_values: tuple[float, float]
    model_loss: float
    path: np.ndarray | None
    path_loss: np.ndarray | None
    loss_name: str
    note: str

    @property
    def minimum(self) -> tuple[float, float, float]:
        """Both values and the loss of the lowest point; NaN if no loss is finite."""
        if (lowest := _lowest(self.loss)) is None:
            return np.nan, np.nan, np.nan
        i, j = divmod(lowest, self.loss.shape[1])
        return float(self.values[0][i]), float(self.values[1][j]), float(self.loss[i, j])

    def __str__(self) -> str:
        return "\n".join([self.title, *_describe_gaps(self.loss)])

    def to_frame(self) -> Any:
        """Return a row per point: both weights and the loss."""
        return _to_long_frame(self.weights, self.values, self.loss)

    def plot(self, ax: Axes | None = None, kind: str = "contour") -> Figure | SubFigure:
        """Draw the surface, its lowest point, the model and the path of training.

        Args:
            ax: axes to draw on; three-dimensional ones for kind="3d". None for a new figure.
            kind: "contour" for a map, "3d" for the surface in space.

        Raises:
            ConfigError: another `kind`.
        """
        from glassnet.plots.loss_surfaces import LossPlot, plot_3d, plot_contour

        draw = lookup("kind", kind, {"contour": plot_contour, "3d": plot_3d})
        plot = LossPlot(
            names=self.weights,
            values=self.values,
            loss=self.loss,
            loss_label=f"loss ({self.loss_name})",
            model=(*self.model_values, self.model_loss),
            minimum=self.minimum,
            path=_join_path(self.path, self.path_loss),
            title=self.title,
        )
        return draw(plot, ax)


@dataclass(frozen=True, eq=False, repr=False)
class LossSurface(PlaneView):
    """The loss over two weights; the other weights are those of the model.

    The attributes are those of `PlaneView`; `weights` are the two weights, such as
    ("dense_1/kernel[0, 0]", "dense_1/bias[0]"), and `values` are their values.
    """

    @property
    def title(self) -> str:
        first, second, loss = map(format_number, self.minimum)
        return (
            f"Loss {format_number(self.model_loss)} at the model; "
            f"lowest, {loss}, at ({first}, {second}){self.note}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class LossLandscape(PlaneView):
    """The loss over a plane through all weights, along two random directions.

    The attributes are those of `PlaneView`; `weights` names the directions, and `values` are
    offsets along them, where 1 is a move as large as the weights themselves. The model is at
    (0, 0).

    Attributes:
        path_share: share of the path that the plane shows, from 0 to 1: the path is projected on
            the plane.
    """

    path_share: float

    @property
    def title(self) -> str:
        highest = np.max(self.loss[np.isfinite(self.loss)], initial=-np.inf)
        return (
            f"Loss {format_number(self.model_loss)} at the model; from "
            f"{format_number(self.minimum[2])} to {format_number(highest)} around it{self.note}"
        )

    def __str__(self) -> str:
        lines = [super().__str__()]
        if self.path is not None:
            share = format_share(self.path_share)
            lines.append(f"The path of training is projected; the plane shows {share} of it.")
        return "\n".join(lines)


@view_function
def loss_curve(
    model: InspectedModel,
    x: Any,
    y: Any,
    weight: str,
    index: Index = None,
    *,
    values: int | Sequence[float] | np.ndarray = 101,
    sample_weight: Any = None,
    path: Any = None,
) -> LossCurve:
    """Compute the loss over one weight, L(w), while all other weights stay as they are.

    The loss is that of `model.evaluate`: in inference, with penalties and sample weights.

    Args:
        model: the model.
        x, y: rows and targets of any kind that `fit` takes; y is None if x holds the targets.
        weight: layer and array, as `model.weights_named()` names them: "dense_1/kernel".
        index: position of one number in the array, such as (0, 1), or an int if it has one axis.
            None scales the whole array W to s W: the curve is over the factor s, which is 1 for
            the model.
        values: values of the weight, (n,); or their number, and the range is chosen: it shows the
            minimum, if the loss is about a parabola, and the model.
        sample_weight: a weight per row, (n,).
        path: where training went, to be drawn: a `History` with weights (see
            `callbacks.WeightHistory`), such a dict of arrays, or values (m,). None for the model's
            last history; False for no path.

    Raises:
        ConfigError: an unknown weight, an index that does not fit, or values that cannot be used.
        DataError: see `Sequential.fit`; a path of another network.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Input(1), gn.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> model.set_weights([[[1.0]], [0.0]])
        >>> curve = loss_curve(model, [[1.0]], [3.0], "dense_1/kernel", (0, 0), values=[1, 3, 5])
        >>> curve.loss  # (3 - w)^2
        array([4., 0., 4.])

    Source: lecture 000, the loss over w.
    """
    snapshot = model.take_snapshot(x, y, sample_weight, targets="required")
    selections = (select_weight(snapshot.network, snapshot.params, weight, index),)
    sampled = _sample("loss_curve", snapshot, selections, (values,), path)
    return LossCurve(
        weight=selections[0].label,
        values=sampled.values[0],
        loss=sampled.loss,
        model_value=selections[0].get_value(snapshot.params),
        model_loss=sampled.model_loss,
        path=None if sampled.path is None else sampled.path[:, 0],
        path_loss=sampled.path_loss,
        loss_name=_loss_name(snapshot),
        note=snapshot.note,
    )


@view_function
def loss_surface(
    model: InspectedModel,
    x: Any,
    y: Any,
    first: Any,
    second: Any,
    *,
    values: Any = 71,
    sample_weight: Any = None,
    path: Any = None,
) -> LossSurface:
    """Compute the loss over two weights, L(w1, w2), while all other weights stay as they are.

    Args:
        model, x, y, sample_weight, path: see `loss_curve`.
        first, second: the weights, each as (name, index): ("dense_1/kernel", (0, 0)), or a name
            alone; see `loss_curve`.
        values: a pair of arrays, the values of the first weight and of the second; or the number of
            values of each, and the ranges are chosen.

    Raises:
        ConfigError, DataError: see `loss_curve`; more than 250,000 points.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Input(1), gn.layers.Dense(1)])
        >>> model.compile(loss="mse")
        >>> model.set_weights([[[1.0]], [0.0]])
        >>> surface = loss_surface(
        ...     model, [[1.0]], [3.0], "dense_1/kernel", "dense_1/bias", values=([1, 2], [0, 1])
        ... )
        >>> surface.loss  # (3 - w - b)^2
        array([[4., 1.],
               [1., 0.]])

    Source: lecture 000, the loss over w and b.
    """
    snapshot = model.take_snapshot(x, y, sample_weight, targets="required")
    selections = select_weights(snapshot.network, snapshot.params, (first, second))
    values = (values, values) if is_int(values, least=-MAX_POINTS) else values
    expected = "a number of values, or a pair: those of the first weight and of the second"
    require(
        isinstance(values, tuple | list) and len(values) == 2, "values", expected, values=values
    )
    sampled = _sample("loss_surface", snapshot, selections, tuple(values), path)
    return LossSurface(
        weights=(selections[0].label, selections[1].label),
        values=(sampled.values[0], sampled.values[1]),
        loss=sampled.loss,
        model_values=(
            selections[0].get_value(snapshot.params),
            selections[1].get_value(snapshot.params),
        ),
        model_loss=sampled.model_loss,
        path=sampled.path,
        path_loss=sampled.path_loss,
        loss_name=_loss_name(snapshot),
        note=snapshot.note,
    )


@view_function
def loss_landscape(
    model: InspectedModel,
    x: Any,
    y: Any = None,
    resolution: int = 51,
    *,
    radius: float = 1.0,
    seed: int = 0,
    sample_weight: Any = None,
    path: Any = None,
) -> LossLandscape:
    """Compute the loss L(w + a d1 + b d2) along two random, filter-normalized directions.

    Each filter of a direction, that is what leads to one output, has random signs and sizes and the
    norm of the model's filter, so that landscapes of different networks can be compared. Biases,
    normalizations and frozen layers do not move, and statistics are those of inference.

    Args:
        model, x, y, sample_weight: see `loss_curve`.
        resolution: number of values of a and of b.
        radius: largest a and b; 1 is a move as large as the weights themselves.
        seed: of the directions.
        path: see `loss_curve`. A path is projected on the plane.

    Raises:
        ConfigError: `resolution` beyond 2 to 500, another argument out of range, or a network
            without a kernel that is trained.
        DataError: see `loss_curve`.

    Example:
        >>> import glassnet as gn
        >>> xor = gn.datasets.load("xor")
        >>> layers = [gn.layers.Dense(2, activation="tanh"), gn.layers.Dense(1, "sigmoid")]
        >>> model = gn.Sequential(layers, seed=0)
        >>> model.compile(loss="binary_crossentropy")
        >>> landscape = loss_landscape(model, xor.x, xor.y, resolution=5)
        >>> landscape.loss.shape, bool(landscape.loss[2, 2] == landscape.model_loss)
        ((5, 5), True)

    Source: Li et al. 2018, Visualizing the loss landscape of neural nets, arXiv 1712.09913.
    """
    who = "loss_landscape"
    require(is_int(resolution, 2, 500), who, "resolution from 2 to 500", resolution=resolution)
    require(is_number(radius) and 0 < radius < 1e6, who, "a radius > 0", radius=radius)
    require(is_int(seed, 0, MAX_SEED), who, "seed to be an int >= 0", seed=seed)
    snapshot = model.take_snapshot(x, y, sample_weight, targets="required")
    rng = np.random.default_rng(seed)
    network, params = snapshot.network, snapshot.params
    directions = draw_direction(network, params, rng), draw_direction(network, params, rng)
    points, share = project_weights(path, directions, snapshot)
    grid, offsets = LossGrid(snapshot, directions), np.linspace(-radius, radius, resolution)
    sampled = _compute(who, grid, (offsets, offsets), np.zeros(2), points)
    return LossLandscape(
        weights=("direction 1", "direction 2"),
        values=(offsets, offsets),
        loss=sampled.loss,
        model_values=(0.0, 0.0),
        model_loss=sampled.model_loss,
        path=points,
        path_loss=sampled.path_loss,
        loss_name=_loss_name(snapshot),
        note=snapshot.note,
        path_share=share,
    )


@dataclass(frozen=True)
class _Sampled:
    """Losses at a grid of values and at the points of a path."""

    values: tuple[np.ndarray, ...]
    loss: np.ndarray
    model_loss: float
    path: np.ndarray | None
    path_loss: np.ndarray | None


def _sample(
    who: str,
    snapshot: Snapshot,
    selections: tuple[WeightSelection, ...],
    values: tuple[Any, ...],
    path: Any,
) -> _Sampled:
    """Return the losses over the selected weights."""
    checked = [_check_values(each) for each in values]
    sizes = [each if isinstance(each, int) else len(each) for each in checked]
    expected = f"at most {MAX_POINTS:,} points in all"
    require(np.prod(sizes) <= MAX_POINTS, who, expected, values=" x ".join(map(str, sizes)))
    grid = LossGrid(snapshot, tuple(each.make_direction(snapshot.params) for each in selections))
    center = np.array([selection.get_value(snapshot.params) for selection in selections])
    points = locate_weights(path, selections, snapshot)
    limits = choose_limits(grid, center, points) if any(map(_is_count, checked)) else []
    axes = tuple(
        np.linspace(*limits[i], each) if isinstance(each, int) else each
        for i, each in enumerate(checked)
    )
    return _compute(who, grid, axes, center, points)


def _compute(
    who: str,
    grid: LossGrid,
    axes: tuple[np.ndarray, ...],
    center: np.ndarray,
    path: np.ndarray | None,
) -> _Sampled:
    """Return the losses at all combinations of the values, and at the points of the path.

    At the model's own weights they are the loss that `evaluate` returns, bit for bit.
    """
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    n, model_loss = len(points), grid.compute_center()
    offsets = (points if path is None else np.concatenate([points, path])) - center
    loss = grid.compute(offsets, who)
    loss[(offsets == 0).all(1)] = model_loss
    shape = tuple(map(len, axes))
    path_loss = None if path is None else loss[n:]
    return _Sampled(axes, loss[:n].reshape(shape), model_loss, path, path_loss)


def _is_count(values: Any) -> bool:
    return isinstance(values, int)


def _check_values(values: Any) -> int | np.ndarray:
    """Return the number of values as an int, or the values as an array.

    Raises:
        ConfigError: they are neither, not finite or not ascending.
    """
    expected = "at least 2 values"
    if is_int(values, least=-MAX_POINTS):
        require(values >= 2, "values", expected, values=values)
        return int(values)
    array = to_array(values, "values")
    fits = array.ndim == 1 and len(array) >= 2 and array.dtype.kind in "iuf"
    require(fits, "values", f"{expected}, (n,), or their number", values=values)
    is_ascending = np.isfinite(array).all() and (np.diff(array) > 0).all()
    require(is_ascending, "values", "finite values in ascending order", values=values)
    return array.astype(np.float64)


def _lowest(loss: np.ndarray) -> int | None:
    """Return the flat index of the lowest finite loss, or None."""
    finite = np.where(np.isfinite(loss), loss, np.inf)
    return int(np.argmin(finite)) if np.isfinite(loss).any() else None


def _describe_gaps(loss: np.ndarray) -> list[str]:
    n = int((~np.isfinite(loss)).sum())
    return [f"{n:,} of {loss.size:,} points have no finite loss and are left blank."] if n else []


def _join_path(path: np.ndarray | None, loss: np.ndarray | None) -> np.ndarray | None:
    """Return the values and the losses of a path in one array, a row per moment."""
    return None if path is None or loss is None else np.column_stack([path, loss])


def _loss_name(snapshot: Snapshot) -> str:
    assert snapshot.loss is not None
    return snapshot.loss.display_name


def _to_long_frame(
    names: tuple[str, str], values: tuple[np.ndarray, np.ndarray], loss: np.ndarray
) -> Any:
    import pandas as pd

    first, second = (grid.ravel() for grid in np.meshgrid(*values, indexing="ij"))
    return pd.DataFrame({names[0]: first, names[1]: second, "loss": loss.ravel()})
