"""Slices: the answers of a model over one or two features, with the others at fixed values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.parsing import format_value
from glassnet.errors import DataError, is_int, require
from glassnet.formatting import format_names, format_number, format_share
from glassnet.inspection.features import Feature, FeatureTable, read_features, to_positions
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View

if TYPE_CHECKING:
    from glassnet.plots.planes import PlaneAxis, PlanePoints

MAX_RESOLUTION = 1000
"""Maximum number of values along an axis: a million rows for the network."""

MAX_LISTED = 16
"""Maximum number of fixed values in a text."""

CHUNK_ROWS, MAX_CHUNK_NUMBERS = 65_536, 2**24
"""Limits of rows, and of encoded numbers, that are in memory at once."""


@dataclass(frozen=True, eq=False)
class Slice:
    """Rows on a grid of one or two features, the others at fixed values.

    Attributes:
        table: the features of the model.
        features: those of the axes.
        axes: values along each axis.
        fixed: the value of each other feature, (1,).
    """

    table: FeatureTable
    features: tuple[Feature, ...]
    axes: tuple[np.ndarray, ...]
    fixed: dict[str, np.ndarray]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features of the axes."""
        return tuple(feature.name for feature in self.features)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the grid: the last axis comes first, as in `numpy.meshgrid`."""
        return tuple(len(axis) for axis in reversed(self.axes))

    def make_grids(self) -> tuple[np.ndarray, ...]:
        """Return the values of each feature at all points, as `numpy.meshgrid` does."""
        return tuple(np.meshgrid(*self.axes))

    def compute_outputs(self, snapshot: Snapshot) -> np.ndarray:
        """Return the outputs of the last layer at all points, (number of points, ...)."""
        n, n_inputs = int(np.prod(self.shape)), snapshot.network.known_shapes[0][0]
        n_fit = max(1, MAX_CHUNK_NUMBERS // n_inputs // 4096) * 4096
        rows = min(CHUNK_ROWS, n_fit)
        parts = [
            snapshot.compute_outputs(self.encode(np.arange(start, min(start + rows, n))))
            for start in range(0, n, rows)
        ]
        return np.concatenate(parts)

    def encode(self, points: np.ndarray) -> np.ndarray:
        """Return points of the grid, counted row by row, as the network receives them."""
        positions = reversed(np.unravel_index(points, self.shape))
        columns = {name: np.repeat(value, len(points)) for name, value in self.fixed.items()}
        for name, axis, index in zip(self.names, self.axes, positions, strict=True):
            columns[name] = axis[index]
        return self.table.encode(columns)

    def plain_fixed(self) -> dict[str, Any]:
        """Return the fixed values as plain numbers, text, booleans and dates."""
        return {name: _to_plain(value[0]) for name, value in self.fixed.items()}


def _to_plain(value: Any) -> Any:
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value
    value = value.item() if isinstance(value, np.generic) else value
    return None if value != value else value


@dataclass(frozen=True, eq=False)
class Points:
    """The rows of the user, as points of a slice. Each keeps its own values of all features.

    Attributes:
        values: of each feature of the axes, (n,).
        positions: of each row along each axis, (n,) float64; NaN if it is not on the axis.
        target: true class index or number of each row, (n,); None without targets.
        prediction: predicted class index or number of each row, (n,).
    """

    values: tuple[np.ndarray, ...]
    positions: tuple[np.ndarray, ...]
    target: np.ndarray | None
    prediction: np.ndarray

    def __len__(self) -> int:
        return len(self.prediction)

    @property
    def is_wrong(self) -> np.ndarray:
        """Whether a class is predicted that is not the true one, (n,) booleans."""
        if self.target is None:
            return np.zeros(len(self), bool)
        wrong: np.ndarray = self.target != self.prediction
        return wrong

    @property
    def n_hidden(self) -> int:
        """Number of rows that have no position, since a value is missing or not on an axis."""
        return int(np.isnan(np.stack(self.positions)).any(axis=0).sum())


@dataclass(frozen=True)
class OutputReader:
    """How the outputs of a network are read: as classes or as numbers.

    Attributes:
        snapshot: the model.
        output: index of the output that is read, if it has several numbers or sigmoids.
    """

    snapshot: Snapshot
    output: int

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes; empty for numbers."""
        is_yes_or_no = self.snapshot.is_classifier and not self.snapshot.class_names
        return ("0", "1") if is_yes_or_no else self.snapshot.class_names

    @property
    def name(self) -> str:
        """Name of the target, with the output if there are several."""
        name, n_outputs = self.snapshot.target_name, self.snapshot.network.n_outputs
        has_one = bool(self.snapshot.class_names) or n_outputs == 1
        return name if has_one else f"{name}[{self.output}]"

    def read(self, outputs: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Return (probabilities (n, K) or None, class indices or numbers (n,))."""
        snapshot = self.snapshot
        if not snapshot.is_classifier:
            return None, snapshot.decode_outputs(outputs)[:, self.output]
        probability = snapshot.to_probabilities(outputs)
        if not snapshot.class_names:
            yes = probability[:, self.output]
            probability = np.stack([1 - yes, yes], axis=1)
        return probability, probability.argmax(-1)

    def read_targets(self, rows: Snapshot) -> np.ndarray | None:
        """Return the true class index or number of each row, (n,), or None."""
        if rows.y is None or rows.class_names:
            return rows.target_classes
        if rows.is_classifier:
            return np.asarray(np.round(rows.y[:, self.output]), np.int64)
        numbers: np.ndarray = rows.decode_outputs(rows.y)[:, self.output]
        return numbers

    def read_points(self, part: Slice, rows: Snapshot) -> Points:
        """Return the rows as points of a slice, with what the network predicts for each."""
        features = [part.table.read(name, rows) for name in part.names]
        _, prediction = self.read(rows.compute_outputs(rows.x))
        return Points(
            values=tuple(feature.values for feature in features),
            positions=tuple(feature.positions() for feature in features),
            target=self.read_targets(rows),
            prediction=prediction,
        )

    def answer(self, part: Slice, snapshots: Sequence[Snapshot]) -> dict[str, Any]:
        """Return the attributes of a `SliceView`.

        Args:
            part: the slice.
            snapshots: the model with the user's rows, and with test rows if there are any.
        """
        probability, prediction = self.read(part.compute_outputs(self.snapshot))
        points, *test_points = [self.read_points(part, rows) for rows in snapshots]
        return {
            "probability": None if probability is None else probability.reshape(*part.shape, -1),
            "prediction": prediction.reshape(part.shape),
            "class_names": self.class_names,
            "target_name": self.name,
            "fixed": part.plain_fixed(),
            "points": points,
            "test_points": test_points[0] if test_points else None,
            "note": self.snapshot.note,
        }


def make_reader(snapshot: Snapshot, output: Any, view: str) -> OutputReader:
    """Return how the outputs are read.

    Args:
        snapshot: the model.
        output: index of an output, or None if there is one number or one class per row.
        view: name of the view, for error messages.

    Raises:
        ConfigError: an output for each step; several outputs of which none is chosen.
    """
    shape, fix = snapshot.network.known_shapes[-1], ""
    expected = "a network with one answer for a row"
    require(len(shape) == 1, view, expected, output_shape=shape)
    if snapshot.class_names or shape == (1,):
        fits, expected = (
            output in (None, 0),
            "no output, since the network has one answer for a row",
        )
    else:
        fits, expected = is_int(output, 0, shape[0] - 1), f"output to be from 0 to {shape[0] - 1}"
        fix = f"The network has {shape[0]} outputs: choose one, as in output=0."
    require(fits, view, expected, output=output, fix=fix)
    return OutputReader(snapshot, int(output or 0))


def make_slice(
    snapshots: Sequence[Snapshot],
    features: Any,
    at: Mapping[str, Any] | None,
    resolution: int,
    n_axes: int,
    view: str,
) -> Slice:
    """Return the slice of a model over some features.

    Args:
        snapshots: the model with the user's rows, and with more rows that the axes span.
        features: a name or index for each axis; None for all features of the model.
        at: fixed values by name; the other features are fixed at their typical value.
        resolution: number of values along an axis.
        n_axes: 1 or 2.
        view: name of the view, for error messages.

    Raises:
        ConfigError, DataError: see `decision_boundary`.
    """
    fits = is_int(resolution, 2, MAX_RESOLUTION)
    expected = f"resolution to be an int from 2 to {MAX_RESOLUTION}"
    require(fits, view, expected, resolution=resolution)
    first, *others = snapshots
    table = read_features(first, view)
    is_same_kind = all((other.table is None) == (first.table is None) for other in others)
    expected = "test rows of the same kind as x"
    require(is_same_kind, view, expected, error=DataError, test=_kind(others), x=_kind([first]))
    names = _find_features(table, features, n_axes, view)
    chosen = [[table.read(name, rows) for rows in snapshots] for name in names]
    axes = tuple(each.make_axis(resolution, *more) for each, *more in chosen)
    fixed = _fix_features(table, names, at)
    return Slice(table, tuple(each[0] for each in chosen), axes, fixed)


def _kind(snapshots: Sequence[Snapshot]) -> str:
    return ", ".join("array" if rows.table is None else "table" for rows in snapshots)


def _find_features(table: FeatureTable, features: Any, n_axes: int, view: str) -> list[str]:
    """Return the names of the features of the axes, checked."""
    expected, fix = "a model that uses two columns or more", "For one, use gn.inspection.fitted."
    require(len(table.names) >= n_axes, view, expected, columns=list(table.names), fix=fix)
    if features is None:
        shown = list(table.names[:12])
        example = shown[0] if n_axes == 1 else tuple(shown[:2])
        argument = "feature" if n_axes == 1 else "features"
        fix = f"For example {argument}={example!r}; the others are fixed."
        if n_axes == 1:
            fix += " Or use gn.inspection.mistakes, which draws predicted against true numbers."
        expected = f"{argument} to name {n_axes} of the columns"
        fits = len(table.names) == n_axes
        require(fits, view, expected, columns=shown, n_columns=len(table.names), fix=fix)
        return list(table.names)
    features = [features] if n_axes == 1 else features
    is_list = isinstance(features, Sequence) and not isinstance(features, str)
    fits, expected = is_list and len(features) == n_axes, 'two features, as in ("fare", "age")'
    require(fits, view, expected, features=features)
    who = f"{view}: features" if n_axes > 1 else f"{view}: feature"
    names = [table.find(feature, who) for feature in features]
    require(len(set(names)) == n_axes, who, "two different columns", features=features)
    return names


def _fix_features(
    table: FeatureTable, names: list[str], at: Mapping[str, Any] | None
) -> dict[str, np.ndarray]:
    """Return the fixed value of each feature that is not on an axis; the user's come first."""
    require(at is None or isinstance(at, Mapping), "at", 'a dict, as in {"age": 30}', at=at)
    chosen = {table.find(name, "at"): value for name, value in (at or {}).items()}
    both = [name for name in chosen if name in names]
    fix = "Leave it out of at, or of the features."
    require(not both, "at", "columns that are not on an axis", columns=both, fix=fix)
    others = [name for name in table.names if name not in (*names, *chosen)]
    fixed = {name: table.parse(name, value) for name, value in chosen.items()}
    return fixed | {name: table.read(name).typical_value() for name in others}


@dataclass(frozen=True, eq=False, repr=False)
class SliceView(View):
    """The answer of a network over one or two features: see its subclasses."""

    probability: np.ndarray | None
    prediction: np.ndarray
    class_names: tuple[str, ...]
    target_name: str
    fixed: dict[str, Any]
    points: Points
    test_points: Points | None
    note: str

    @property
    def _class_labels(self) -> tuple[str, ...]:
        return tuple(f"{self.target_name} = {name}" for name in self.class_names)

    def _make_frame(self, features: dict[str, np.ndarray]) -> Any:
        """Return a row for each point: the features, the prediction and the probabilities."""
        import pandas as pd

        columns, prediction = dict(features), self.prediction.ravel()
        if self.probability is None:
            return pd.DataFrame(columns | {f"predicted {self.target_name}": prediction})
        labels = np.array(self.class_names, object)[prediction]
        columns[f"predicted {self.target_name}"] = labels
        for k, name in enumerate(self.class_names):
            columns[f"probability of {name}"] = self.probability[..., k].ravel()
        return pd.DataFrame(columns)

    def _make_parts(self) -> list[PlanePoints]:
        """Return the rows, and the test rows if there are any, to be drawn.

        Over one feature, their height is their target.
        """
        from glassnet.plots.planes import PlanePoints

        parts = {"training rows" if self.test_points else "rows": self.points}
        if self.test_points is not None:
            parts["test rows"] = self.test_points
        drawn = []
        for label, points in parts.items():
            target = np.full(len(points), np.nan) if points.target is None else points.target
            x, y = (*points.positions, target.astype(float))[:2]
            is_wrong = points.is_wrong if self.class_names else np.zeros(len(points), bool)
            drawn.append(PlanePoints(x, y, points.target, is_wrong, label))
        return drawn


def describe_fixed(fixed: Mapping[str, Any]) -> str:
    """Return the first fixed values as text: `sex = male, age = 28, fare = 14.5 and 3 more`."""
    return format_names(_format_fixed(fixed))


def list_fixed(fixed: Mapping[str, Any]) -> list[str]:
    """Return a line with the fixed values if `describe_fixed` shortens them, else nothing."""
    parts = _format_fixed(fixed)
    if describe_fixed(fixed) == ", ".join(parts):
        return []
    n_more = len(parts) - MAX_LISTED
    more = f" and {n_more} more in fixed" if n_more > 0 else ""
    return [f"slice at {', '.join(parts[:MAX_LISTED])}{more}"]


def _format_fixed(fixed: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {format_value(value)}" for name, value in fixed.items()]


def take_snapshots(model: InspectedModel, x: Any, y: Any, test: Any) -> list[Snapshot]:
    """Return the snapshot with the rows, and that with test rows: a table, or (x_test, y_test).

    Raises:
        DataError: a tuple of another length.
    """
    snapshot = model.take_snapshot(x, y)
    if test is None:
        return [snapshot]
    if isinstance(test, tuple):
        expected = "a table, or (x_test, y_test)"
        require(len(test) == 2, "test", expected, error=DataError, n_parts=len(test))
    is_pair = isinstance(test, tuple) and len(test) == 2 and not isinstance(test[0], Mapping)
    return [snapshot, model.take_snapshot(*(test if is_pair else (test, None)))]


def describe_scores(points: Points, test_points: Points | None, is_classifier: bool) -> str:
    """Return the accuracy or the mean absolute error on the rows; "" without targets."""
    parts = {"" if test_points is None else "training ": points}
    if test_points is not None:
        parts["test "] = test_points
    scores = [
        f"{_format_score(part, is_classifier)} on {len(part):,} {kind}row{'s' * (len(part) != 1)}"
        for kind, part in parts.items()
        if part.target is not None
    ]
    name = "accuracy" if is_classifier else "mean absolute error"
    return f"{name} {', '.join(scores)}" if scores else ""


def _format_score(points: Points, is_classifier: bool) -> str:
    assert points.target is not None
    if is_classifier:
        return format_share(float(np.mean(~points.is_wrong)))
    return format_number(float(np.mean(np.abs(points.prediction - points.target.astype(float)))))


def make_plane_axis(name: str, values: np.ndarray) -> PlaneAxis:
    """Return the axis of a plot for the values of a feature: see `Slice.axes`."""
    from glassnet.plots.planes import PlaneAxis

    is_level = values.dtype.kind in "Ob"
    levels = tuple(map(format_value, values.tolist())) if is_level else ()
    positions = np.arange(len(values), dtype=float) if is_level else to_positions(values)
    return PlaneAxis(name, positions, levels, values.dtype.kind == "M")
