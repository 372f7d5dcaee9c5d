"""Neurons: the response of each unit over the inputs, or the rows that excite it most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import DataError, is_int, require
from glassnet.formatting import format_count, format_number
from glassnet.inspection.examples import Examples, read_examples
from glassnet.inspection.features import has_features, read_features
from glassnet.inspection.slices import (
    Slice,
    describe_fixed,
    list_fixed,
    make_plane_axis,
    make_slice,
)
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function

if TYPE_CHECKING:
    from matplotlib.figure import Figure

VIEW = "neurons"

MAX_NUMBERS = 2**28
"""Maximum number of responses that are computed: one gigabyte."""

CHUNK_ROWS = 4096
"""Number of rows whose responses are in memory at once."""

MAX_SHOWN = 16
"""Maximum number of units of a layer that are drawn."""

MAX_IMAGE_COLUMNS, MAX_LISTED = 10, 6
"""Maximum number of units of a layer whose images are drawn, and whose rows are listed."""


@view_function
def neurons(
    model: InspectedModel,
    x: Any,
    *,
    features: Sequence[str | int] | None = None,
    at: Mapping[Any, Any] | None = None,
    resolution: int = 100,
    n: int = 6,
) -> NeuronMaps | NeuronRows:
    """Compute what each unit of each layer responds to.

    With one or two inputs, the response of a unit is its output on a grid over them. `features`
    chooses two of more inputs, and the others are fixed, as in `decision_boundary`. Otherwise, the
    result holds the rows on which each unit has its largest outputs.

    A unit is one number of the output of a layer whose output for a row is a list of numbers, after
    the layer's activation. Layers before the first weights, and layers that change no number, such
    as Dropout and Flatten, are left out. For images between convolutions, see `feature_maps` and
    `top_inputs`.

    Args:
        model: a model, trained or not.
        x: rows of any kind that `fit` takes; the grid spans them.
        features: two names of columns; "x1", "x2", ... or indices for arrays. None for a grid if
            the model has one or two features, and for rows if it has more.
        at: values at which other features are fixed: {"sex": "female"}.
        resolution: number of values along each feature, from 2 to 1,000.
        n: number of rows for each unit, if there is no grid.

    Returns:
        `NeuronMaps`, or `NeuronRows` without a grid.

    Raises:
        ConfigError: no layer has units; more than 268 million numbers; a feature, `at` or
            resolution that does not fit: see `decision_boundary`.
        DataError: rows that do not fit the model: see `predict`.

    Example:
        >>> import glassnet as gn
        >>> x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
        >>> layers = [gn.layers.Dense(3, activation="relu"), gn.layers.Dense(1)]
        >>> maps = gn.inspection.neurons(gn.Sequential(layers, seed=0), x, resolution=4)
        >>> {name: output.shape for name, output in maps.outputs.items()}
        {'dense_1': (3, 4, 4), 'dense_2': (1, 4, 4)}

    Source: lecture 003, XOR; Zeiler and Fergus 2014, arXiv 1311.2901.
    """
    snapshot = model.take_snapshot(x, targets="none")
    fits = is_int(n, 1)
    require(fits, VIEW, "n to be an int >= 1", n=n)
    n_features = len(read_features(snapshot, VIEW).names) if has_features(snapshot) else 0
    if features is None and at is None and n_features not in (1, 2):
        return _find_rows(snapshot, n)
    n_axes = 1 if features is None and n_features == 1 else 2
    part = make_slice([snapshot], features, at, resolution, n_axes, VIEW)
    n_points = int(np.prod(part.shape))
    n_units = sum(shape[0] for shape in _layer_shapes(snapshot).values())
    fix = "Pass a lower resolution."
    fits, expected = n_points * n_units <= MAX_NUMBERS, f"at most {MAX_NUMBERS:,} numbers"
    require(fits, VIEW, expected, points=n_points, units=n_units, fix=fix)
    return _compute_maps(snapshot, part)


def _layer_shapes(snapshot: Snapshot) -> dict[str, tuple[int, ...]]:
    """Return the output shape of each layer with units, by name.

    Raises:
        ConfigError: no layer has units.
    """
    built = snapshot.network
    output_shapes = built.known_shapes
    with_weights = (path[0] for kind, path, _ in built.weight_paths if kind == "params")
    first = min(with_weights, default=0)
    shapes = {
        str(layer.name): output_shapes[stop]
        for layer, (start, stop) in zip(built.layers, built.spans, strict=True)
        if stop > max(start, first) and len(output_shapes[stop]) == 1
    }
    fix = "Use gn.inspection.feature_maps or gn.inspection.top_inputs."
    expected = "a layer whose output for a row is a list of numbers"
    require(shapes, VIEW, expected, layers=[str(each.name) for each in built.layers], fix=fix)
    return shapes


def _compute_units(snapshot: Snapshot, x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outputs of the layers with units for encoded rows, (n, units), by name.

    Layers that change no number, such as Dropout and Flatten, are left out.
    """
    names = _layer_shapes(snapshot)
    before, outputs = x, {}
    layers = snapshot.network.layers
    for layer, output in zip(layers, snapshot.compute_layer_outputs(x), strict=True):
        is_same = output.size == before.size and np.array_equal(output.flat, before.flat)
        if str(layer.name) in names and not is_same:
            outputs[str(layer.name)] = output
        before = output
    return outputs


def _compute_maps(snapshot: Snapshot, part: Slice) -> NeuronMaps:
    outputs = _compute_units(snapshot, part.encode(np.arange(np.prod(part.shape))))
    return NeuronMaps(
        features=part.names,
        grids=part.make_grids(),
        outputs={name: each.T.reshape(-1, *part.shape) for name, each in outputs.items()},
        fixed=part.plain_fixed(),
        note=snapshot.note,
    )


def _find_rows(snapshot: Snapshot, n_rows: int) -> NeuronRows:
    """Return the rows of the largest outputs of each unit; rows are read chunk by chunk."""
    rows: dict[str, np.ndarray] = {}
    values: dict[str, np.ndarray] = {}
    n = len(snapshot.x)
    for start in range(0, n, CHUNK_ROWS):
        chunk = np.asarray(snapshot.x[start : start + CHUNK_ROWS])
        for name, output in _compute_units(snapshot, chunk).items():
            index = np.arange(start, start + len(chunk))[None].repeat(output.shape[1], 0)
            candidates = output.T
            if name in rows:
                index = np.concatenate([rows[name], index], axis=1)
                candidates = np.concatenate([values[name], candidates], axis=1)
            order = np.argsort(-candidates, axis=1, kind="stable")[:, :n_rows]
            rows[name] = np.take_along_axis(index, order, axis=1)
            values[name] = np.take_along_axis(candidates, order, axis=1)
    require(rows, VIEW, "rows", error=DataError, rows=n)
    return NeuronRows(rows, values, read_examples(snapshot), n, snapshot.note)


@dataclass(frozen=True, eq=False, repr=False)
class NeuronMaps(View):
    """The response of each unit over one or two features.

    Attributes:
        features: names of the features.
        grids: values of each feature at the points of the grid, (n2, n1) for two features, as
            `numpy.meshgrid` returns them, and (n,) for one.
        outputs: responses by layer name, in order: (units, n2, n1), or (units, n).
        fixed: the value of each other feature, by name.
        note: " (untrained)" if the model was not trained, else "".
    """

    features: tuple[str, ...]
    grids: tuple[np.ndarray, ...]
    outputs: dict[str, np.ndarray]
    fixed: dict[str, Any]
    note: str = ""

    @property
    def title(self) -> str:
        """Number of units, and how many of them have the same response everywhere."""
        n_units = sum(map(len, self.outputs.values()))
        n_constant = sum(int(self.find_constant(name).sum()) for name in self.outputs)
        found = f"{n_constant or 'none'} {'are' if n_constant > 1 else 'is'} constant"
        where = f"{format_count(n_units, 'unit')} in {format_count(len(self.outputs), 'layer')}"
        title = f"{where} over {' and '.join(self.features)}, {found}{self.note}"
        return f"{title}; slice at {describe_fixed(self.fixed)}" if self.fixed else title

    def __str__(self) -> str:
        lines = [f"{name}: {self._describe(name)}" for name in self.outputs]
        return "\n".join([self.title, *list_fixed(self.fixed), *lines])

    def find_constant(self, layer: str) -> np.ndarray:
        """Return which units of a layer respond equally everywhere, (units,) booleans.

        A ReLU unit that is 0 for all inputs is one of them: it is dead.
        """
        output = self.outputs[layer].reshape(len(self.outputs[layer]), -1)
        constant: np.ndarray = output.max(axis=1) == output.min(axis=1)
        return constant

    def _describe(self, layer: str) -> str:
        output, n_constant = self.outputs[layer], int(self.find_constant(layer).sum())
        low, high = (format_number(end, 3) for end in (output.min(), output.max()))
        constant = f", {n_constant} constant" if n_constant else ""
        return f"{format_count(len(output), 'unit')}, {low} to {high}{constant}"

    def to_frame(self) -> Any:
        """Return a row for each point: the features, and the response of each unit."""
        import pandas as pd

        columns = {name: grid.ravel() for name, grid in zip(self.features, self.grids, strict=True)}
        for name, output in self.outputs.items():
            for unit, values in enumerate(output):
                columns[f"{name}[{unit}]"] = values.ravel()
        return pd.DataFrame(columns)

    def plot(self) -> Figure:
        """Draw each unit as a heat map, or as a curve of one feature, layer by layer.

        The maps of a layer share a color scale. A line is where the response is 0, or 0.5 if it
        lies between 0 and 1. Of a layer with more than 16 units, those whose response varies most
        are drawn.
        """
        from glassnet.plots import units

        first = self.grids[0]
        axes = [make_plane_axis(self.features[0], first[0] if first.ndim == 2 else first)]
        if len(self.features) == 2:
            axes.append(make_plane_axis(self.features[1], self.grids[1][:, 0]))
        rows = [
            units.UnitRow(name, self._describe(name), output, _choose_units(output))
            for name, output in self.outputs.items()
        ]
        return units.plot_unit_maps(axes, rows, self.title)


def _choose_units(output: np.ndarray) -> np.ndarray:
    """Return the indices of the units to draw, in order: those with the largest range."""
    spread = np.ptp(output.reshape(len(output), -1), axis=1)
    chosen: np.ndarray = np.sort(np.argsort(-spread, kind="stable")[:MAX_SHOWN])
    return chosen


@dataclass(frozen=True, eq=False, repr=False)
class NeuronRows(View):
    """The rows that excite each unit most.

    Attributes:
        rows: indices of the rows by layer name, (units, k), the largest response first.
        values: responses to these rows by layer name, (units, k).
        examples: all rows, as they are shown.
        n_rows: number of rows that were compared.
        note: " (untrained)" if the model was not trained, else "".
    """

    rows: dict[str, np.ndarray]
    values: dict[str, np.ndarray]
    examples: Examples
    n_rows: int
    note: str = ""

    @property
    def title(self) -> str:
        """Number of units, and how many of them are above 0 for some row."""
        n_units = sum(map(len, self.values.values()))
        n_active = sum(int((values[:, 0] > 0).sum()) for values in self.values.values())
        where = f"{format_count(n_units, 'unit')} in {format_count(len(self.values), 'layer')}"
        found = "all" if n_active == n_units else f"{n_active or 'none'}"
        found = f"{found} {'is' if found in ('none', '1') else 'are'} above 0 for some row"
        return f"The strongest rows of {where}{self.note}; {found} of {self.n_rows:,}"

    def __str__(self) -> str:
        lines = []
        for name, values in self.values.items():
            unit = int(values[:, 0].argmax())
            row, value = self.rows[name][unit, 0], format_number(values[unit, 0])
            lines.append(f"{name}: largest response {value}, of unit {unit} to row {row:,}")
        return "\n".join([self.title, *lines])

    def to_frame(self) -> Any:
        """Return a row for each unit and rank: layer, unit, rank, row, value, and its columns."""
        import pandas as pd

        parts = []
        for name, rows in self.rows.items():
            unit, rank = np.indices(rows.shape)
            columns: dict[str, Any] = {"layer": name, "unit": unit.ravel(), "rank": rank.ravel()}
            columns |= {"row": rows.ravel(), "value": self.values[name].ravel()}
            others = self.examples.to_columns(rows.ravel())
            columns |= {key: each for key, each in others.items() if key not in columns}
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)

    def plot(self) -> Figure:
        """Draw the rows of some units of each layer: images, or tables of their columns.

        Of a layer with more units, those with the largest responses are drawn.
        """
        from glassnet.plots import units

        if self.examples.images is not None:
            rows = [
                (name, format_count(len(index), "unit"), *self._choose_images(name))
                for name, index in self.rows.items()
            ]
            return units.plot_unit_images(rows, self.title)
        header = ["layer", "unit", "response", "row", *self.examples.header]
        lines = [line for name in self.rows for line in self._list_rows(name)]
        return units.plot_unit_table(header, lines, self.title)

    def _order_units(self, layer: str, most: int) -> list[int]:
        """Return the units with the largest responses, in their order."""
        largest = np.argsort(-self.values[layer][:, 0], kind="stable")[:most]
        return sorted(largest.tolist())

    def _choose_images(self, layer: str) -> tuple[list[str], list[np.ndarray]]:
        units = self._order_units(layer, MAX_IMAGE_COLUMNS)
        captions = [f"{unit}: {format_number(self.values[layer][unit, 0], 3)}" for unit in units]
        return captions, [self.examples.images[self.rows[layer][unit]] for unit in units]

    def _list_rows(self, layer: str) -> list[list[str]]:
        """Return a line for the strongest row of some units."""
        lines = []
        for unit in self._order_units(layer, MAX_LISTED):
            row, value = int(self.rows[layer][unit, 0]), float(self.values[layer][unit, 0])
            cells = self.examples.cells(row) if self.examples.are_shown else []
            lines.append([layer, str(unit), format_number(value), f"{row:,}", *cells])
        return lines
