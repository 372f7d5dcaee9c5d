"""What the page draws: pictures of one network and its data at any moment of training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from glassnet.data.parsing import format_value
from glassnet.engine import inference
from glassnet.engine.inference import iter_padded_blocks
from glassnet.engine.train_step import TrainState
from glassnet.errors import lookup
from glassnet.inspection.features import has_features, read_features
from glassnet.inspection.slices import OutputReader, Slice, make_plane_axis, make_reader, make_slice
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.training_runs import TrainingRun, flatten_params
from glassnet.layers import Dropout, Layer

RESOLUTION = 100
"""Number of values along each axis of the map of the output."""

MAP_NUMBERS = 150_000
"""Most numbers in the maps of all neurons of a picture; they are coarser than the output's."""

N_BARS = 12
"""Number of bars of the histogram of an input."""

N_DRIVERS = 3
"""Number of input columns that are named for each neuron of a table."""

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Scene:
    """The parts of all pictures that stay while a network is trained.

    Attributes:
        run: the network.
        rows: a snapshot with the training rows.
        test_rows: one with the test rows; None without any.
        plane: the plane of the map: two inputs, with the others at typical values; one input for a
            curve; None if the inputs cannot be drawn.
        reader: how outputs are read; None for several numbers.
        names: the user's names of the inputs x1, x2, ... of an array; empty for other rows.
    """

    run: TrainingRun
    rows: Snapshot
    test_rows: Snapshot | None
    plane: Slice | None
    reader: OutputReader | None
    names: tuple[str, ...] = ()

    @property
    def input_names(self) -> tuple[str, ...]:
        """The name of each input of the network, as the user knows it."""
        return self.names or self.rows.feature_names

    @property
    def snapshots(self) -> list[Snapshot]:
        """Those with the training rows, and with the test rows if there are any."""
        return [self.rows, *([self.test_rows] if self.test_rows else [])]

    @cached_property
    def blocks(self) -> list[Any]:
        """The rows of each snapshot as `evaluate` takes them."""
        return [list(iter_padded_blocks(each.data)) for each in self.snapshots]

    @cached_property
    def grid(self) -> np.ndarray:
        """The points of the plane as the network receives them."""
        assert self.plane is not None
        return self.plane.encode(np.arange(int(np.prod(self.plane.shape))))

    @cached_property
    def preparing_layers(self) -> list[Layer]:
        """The layers before the first one with weights, such as those that scale the inputs."""
        built = self.run.network
        first = min(
            (path[0] for kind, path, _ in built.weight_paths if kind == "params"), default=0
        )
        spans = zip(built.layers, built.spans, strict=True)
        return [layer for layer, (_, stop) in spans if stop <= first]

    @cached_property
    def unit_layers(self) -> dict[int, str]:
        """The names of the layers whose output is a number for each unit, by their index."""
        built, start = self.run.network, len(self.preparing_layers)
        return {
            i: str(layer.name)
            for i, (layer, (_, stop)) in enumerate(zip(built.layers, built.spans, strict=True))
            if len(built.shapes[stop]) == 1 and i >= start and not isinstance(layer, Dropout)
        }

    @cached_property
    def axes(self) -> list[dict[str, Any]]:
        """Name, ends and levels of each axis of the plane; seconds since 1970 for dates."""
        if self.plane is None:
            return []
        axes = [
            make_plane_axis(name, values)
            for name, values in zip(self.plane.names, self.plane.axes, strict=True)
        ]
        return [
            {
                "name": self._rename(axis.label),
                "range": [float(axis.positions[0]), float(axis.positions[-1])],
                "levels": list(axis.levels),
                "is_date": axis.is_date,
            }
            for axis in axes
        ]

    def _rename(self, name: str) -> str:
        """Return the user's name of an input."""
        return self._own_names.get(name, name)

    @cached_property
    def _own_names(self) -> dict[str, str]:
        return dict(zip(self.rows.feature_names, self.names, strict=False))

    @cached_property
    def _fixed(self) -> dict[str, str]:
        """The value of each input that is not on an axis, as text."""
        assert self.plane is not None
        values = self.plane.plain_fixed().items()
        return {self._rename(name): format_value(value) for name, value in values}

    @cached_property
    def targets(self) -> list[np.ndarray | None]:
        """The true class index or number of each row of the snapshots."""
        if self.reader is None:
            return [None for _ in self.snapshots]
        return [self.reader.read_targets(part) for part in self.snapshots]

    def evaluate(self, state: TrainState) -> list[dict[str, float]]:
        """Return loss and metrics of the training rows and of the test rows, as `evaluate` does."""
        return [
            inference.evaluate_blocks(self.run.program, state.params, state.state, blocks)
            for blocks in self.blocks
        ]

    def at(self, state: TrainState) -> Snapshot:
        """Return the snapshot of the training rows with the weights of a train state."""
        return replace(self.rows, params=state.params, state=state.state)

    def draw_plane(self, state: TrainState) -> tuple[dict[str, Any] | None, Arrays]:
        """Return the map of the output and of each neuron, and what their axes are."""
        if self.plane is None:
            return None, {}
        built, shape = self.run.network, self.plane.shape
        ends = tuple(stop for _, stop in built.spans)
        outputs = inference.predict_layers(built.links, ends, state.params, state.state, self.grid)
        units = {i: outputs[i] for i in self.unit_layers}
        n_units = sum(output.shape[1] for output in units.values())
        stride = next(
            (n for n in (2, 3, 4, 5, 10) if n_units * self.grid.shape[0] / n**2 <= MAP_NUMBERS), 20
        )
        arrays: Arrays = {
            f"maps_{self.unit_layers[i]}": thin_out(output.T.reshape(-1, *shape), stride)
            for i, output in units.items()
        }
        if self.reader is not None:
            reader = replace(self.reader, snapshot=self.at(state))
            probability, prediction = reader.read(outputs[-1])
            values = prediction[:, None] if probability is None else probability
            arrays["output"] = values.reshape(*as_plane(shape), -1).astype(np.float32)
        grid: dict[str, Any] = {"x1": self.axes[0]["range"], "x2": None}
        if len(self.axes) == 2:
            grid["x2"] = self.axes[1]["range"]
        grid["names"] = [axis["name"] for axis in self.axes]
        grid["levels"] = [axis["levels"] for axis in self.axes]
        grid["is_date"] = [axis["is_date"] for axis in self.axes]
        return grid | {"size": as_plane(shape), "fixed": self._fixed}, arrays

    def draw_confusion(self, state: TrainState) -> Arrays:
        """Return how often each class was predicted as each class: (true, predicted)."""
        if self.reader is None or not self.reader.class_names:
            return {}
        reader, n = replace(self.reader, snapshot=self.at(state)), len(self.reader.class_names)
        arrays: Arrays = {}
        for part, target in zip(self.snapshots, self.targets, strict=True):
            if target is not None:
                _, prediction = reader.read(reader.snapshot.compute_outputs(part.x))
                counts = np.bincount(target * n + prediction, minlength=n * n)
                is_test = part is self.test_rows
                key = "confusion" if is_test or self.test_rows is None else "confusion_train"
                arrays[key] = counts.reshape(n, n).astype(np.int32)
        return arrays

    def draw_drivers(self, state: TrainState) -> Arrays:
        """Return the inputs that each neuron follows most: (units, drivers, 2).

        The two numbers are the index of an input and the correlation of its values with the output
        of the neuron over the training rows.
        """
        x = np.asarray(self.rows.x)
        if x.ndim != 2:
            return {}
        snapshot = self.at(state)
        outputs = snapshot.compute_layer_outputs(x)
        inputs = standardize(x)
        return {
            f"drivers_{name}": find_drivers(standardize(outputs[i]), inputs)
            for i, name in self.unit_layers.items()
        }

    def count_inputs(self) -> Arrays:
        """Return the histograms of the inputs of a table over the training rows: (inputs, bars)."""
        x = np.asarray(self.rows.x)
        if x.ndim != 2:
            return {}
        columns = x.T.astype(np.float64)
        counts = [np.histogram(column[np.isfinite(column)], N_BARS)[0] for column in columns]
        return {"histograms": np.stack(counts).astype(np.int32)}

    def draw_weights(self, state: TrainState) -> np.ndarray:
        """Return all params in one array, in the order of `list_weights`."""
        return flatten_params(self.run.network, state.params)

    def locate_rows(self) -> Arrays:
        """Return where each row is on the plane, its target, and whether it is a test row."""
        n = sum(len(part.x) for part in self.snapshots)
        is_test = np.arange(n) >= len(self.rows.x)
        position = np.full((n, 2), np.nan, np.float32)
        targets = [
            np.full(len(part.x), np.nan) if target is None else target
            for part, target in zip(self.snapshots, self.targets, strict=True)
        ]
        target = np.concatenate(targets).astype(np.float32)
        if self.plane is not None:
            for axis, name in enumerate(self.plane.names):
                features = [self.plane.table.read(name, part) for part in self.snapshots]
                position[:, axis] = np.concatenate([each.positions() for each in features])
            if len(self.plane.names) == 1:
                position[:, 1] = target
        return {"position": position, "target": target, "is_test": is_test.astype(np.uint8)}


def make_scene(
    run: TrainingRun,
    rows: Snapshot,
    test_rows: Snapshot | None,
    axes: Sequence[str] = (),
    names: Sequence[str] = (),
) -> Scene:
    """Return the scene of a network.

    Args:
        run: the network.
        rows: a snapshot with the training rows.
        test_rows: one with the test rows, or None.
        axes: names of the two inputs of the map; empty for the first two.
        names: the user's names of the inputs of an array.

    Raises:
        ConfigError: an axis is not an input.
    """
    is_array = rows.table is None and len(names) == len(rows.feature_names)
    own_names = tuple(names) if is_array else ()
    plane = None
    if has_features(rows) and not rows.shows_images:
        inner = dict(zip(own_names, rows.feature_names, strict=False))
        n_axes = min(len(read_features(rows, "studio").names), 2)
        chosen = [lookup("axis", name, inner) if inner else name for name in axes]
        features = chosen if len(chosen) == n_axes else _choose_axes(rows)[:n_axes]
        snapshots = [rows, *([test_rows] if test_rows else [])]
        named = features if n_axes > 1 else features[0]
        plane = make_slice(snapshots, named, None, RESOLUTION, n_axes, "studio")
    shape = rows.network.shapes[-1]
    has_one_answer = bool(rows.class_names) or shape == (1,)
    reader = make_reader(rows, None, "studio") if has_one_answer else None
    return Scene(run, rows, test_rows, plane, reader, own_names)


def _choose_axes(rows: Snapshot) -> tuple[str, ...]:
    """Return the names of all inputs, of a table those with the most different numbers first."""
    table = read_features(rows, "studio")
    names = table.names
    if len(names) <= 2 or rows.table is None:
        return tuple(names)
    features = [table.read(name) for name in names]
    n_values = [
        len(np.unique(each.positions())) if each.kind == "number" else 0 for each in features
    ]
    order = np.argsort(np.negative(n_values), kind="stable")
    return tuple(names[i] for i in order)


def as_plane(shape: tuple[int, ...]) -> tuple[int, int]:
    """Return the shape of a grid as height and width; a curve has height 1."""
    return (1, shape[0]) if len(shape) == 1 else (shape[0], shape[1])


def thin_out(maps: np.ndarray, stride: int) -> np.ndarray:
    """Return maps (units, ...) with every n-th value along axes that have enough of them."""
    for axis in range(1, maps.ndim):
        if maps.shape[axis] == RESOLUTION:
            maps = np.take(maps, np.arange(0, RESOLUTION, stride), axis)
    plane: np.ndarray = maps.reshape(len(maps), *as_plane(maps.shape[1:])).astype(np.float32)
    return plane


def standardize(values: np.ndarray) -> np.ndarray:
    """Return columns with mean 0 and norm 1; constant columns are 0."""
    centered = values.astype(np.float64) - values.mean(0, dtype=np.float64)
    norm = np.linalg.norm(centered, axis=0)
    result: np.ndarray = centered / np.where(norm > 1e-12, norm, np.inf)
    return result


def find_drivers(outputs: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """Return index and correlation of the inputs nearest to each output: (units, drivers, 2)."""
    correlation = outputs.T @ inputs
    order = np.argsort(-np.abs(correlation), axis=1, kind="stable")[:, :N_DRIVERS]
    found = np.take_along_axis(correlation, order, axis=1)
    return np.stack([order, found], axis=2).astype(np.float32)
