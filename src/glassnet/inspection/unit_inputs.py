"""The real inputs that activate each unit of a layer most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engine import inference
from glassnet.errors import is_int, lookup, require
from glassnet.formatting import format_number
from glassnet.inspection.examples import Examples, read_examples
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLOCK_ROWS = 512
"""Rows whose outputs are in memory at the same time."""


@dataclass(frozen=True, eq=False, repr=False)
class TopInputs(View):
    """The rows with the largest outputs of each unit.

    Attributes:
        layer: name of the layer.
        rows: indices of the rows with the largest outputs of each unit, largest first, (units, n).
        values: these outputs, (units, n); of a feature map or a sequence, its largest value.
        sequences: the rows of a network of sequences, (rows, steps, features); else None.
        examples: the rows as their author knows them.
        max_units: number of units that are drawn.
        note: " (untrained)" if the model was not trained, else "".
    """

    layer: str
    rows: np.ndarray
    values: np.ndarray
    sequences: np.ndarray | None
    examples: Examples
    max_units: int
    note: str

    @property
    def title(self) -> str:
        """The largest output, and the number of units that are never above 0."""
        unit = int(self.values[:, 0].argmax())
        value, row = format_number(self.values[unit, 0], 3), self.rows[unit, 0]
        n_silent = int((self.values[:, 0] <= 0).sum())
        silent = f"{n_silent} of {len(self.values)} units are never above 0"
        largest = f"the largest output is {value}, of unit {unit} for row {row:,}"
        facts = [largest] * (n_silent < len(self.values)) + [silent] * (n_silent > 0)
        return f"{self.layer}: {'; '.join(facts)}{self.note}"

    def choose_units(self) -> np.ndarray:
        """Return the indices of the units to draw, those with the largest outputs, in order."""
        strongest = np.argsort(-self.values[:, 0], kind="stable")
        return np.sort(strongest[: self.max_units])

    def plot(self) -> Figure:
        """Draw the rows of each unit: pictures, sequences or lines of a table, with the output."""
        from glassnet.plots import examples

        units = self.choose_units()
        captions = [[format_number(value, 3) for value in self.values[unit]] for unit in units]
        labels = [f"unit {unit}" for unit in units]
        rows = self.rows[units]
        if self.examples.images is not None:
            pictures = np.asarray(self.examples.images)[rows]
            return examples.plot_image_rows(pictures, labels, captions, self.title)
        if self.sequences is not None and not self.examples.are_shown:
            lines = self.sequences[rows]
            return examples.plot_sequence_rows(lines, labels, captions, self.title)
        header = ["unit", "output", "row", *self.examples.header]
        cells = [
            [str(unit), captions[i][j], f"{row:,}", *self.examples.cells(int(row))]
            for i, unit in enumerate(units)
            for j, row in enumerate(rows[i])
        ]
        return examples.plot_table(header, cells, self.rows.shape[1], self.title)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each unit and each of its rows.

        Its columns are unit, row and output, and for tables and texts what is in the row.
        """
        import pandas as pd

        n_units, n = self.rows.shape
        columns = {"unit": np.repeat(np.arange(n_units), n), "row": self.rows.ravel()}
        columns |= {"output": self.values.ravel()} | self.examples.to_columns(self.rows.ravel())
        return pd.DataFrame(columns)


@view_function
def top_inputs(
    model: InspectedModel, x: Any, layer: str, *, n: int = 6, max_units: int = 8
) -> TopInputs:
    """Find the real inputs that activate each unit of a layer most.

    They say what a unit looks for. The output of a feature map, or of a unit at each step of a
    sequence, counts with its largest value.

    Args:
        model: a model, trained or not.
        x: rows of any kind that `fit` takes.
        layer: name of a layer, as in the summary.
        n: number of rows for each unit.
        max_units: number of units to draw, those with the largest outputs.

    Returns:
        The rows and outputs of all units.

    Raises:
        ConfigError: an unknown layer, with the nearest name; n or max_units below 1.
        DataError: see `fit`.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense, Input
        >>> model = Sequential([Input(1), Dense(2)], seed=0)
        >>> model.set_weights([[[1.0, -1.0]], [0.0, 0.0]])
        >>> top_inputs(model, [[5.0], [-7.0], [6.0]], "dense_1", n=2).rows.tolist()
        [[2, 0], [1, 0]]

    Source: Zeiler and Fergus 2014, arXiv 1311.2901, section 4.
    """
    for name, value in (("n", n), ("max_units", max_units)):
        received: dict[str, Any] = {name: value}
        require(is_int(value, least=1), "top_inputs", f"{name} to be an int >= 1", **received)
    snapshot = model.take_snapshot(x, targets="none")
    outputs = compute_unit_outputs(snapshot, layer)
    order = np.argsort(-outputs, axis=0, kind="stable")[:n].T
    rows = np.array(snapshot.x)
    return TopInputs(
        layer=layer,
        rows=order,
        values=np.take_along_axis(outputs.T, order, axis=1),
        sequences=rows if rows.ndim == 3 else None,
        examples=read_examples(snapshot),
        max_units=max_units,
        note=snapshot.note,
    )


def find_layer_end(snapshot: Snapshot, layer: str) -> int:
    """Return the number of links up to the end of a layer.

    Raises:
        ConfigError: there is no layer of that name that computes something.
    """
    spans = zip(snapshot.network.layers, snapshot.network.spans, strict=True)
    ends = {str(each.name): stop for each, (start, stop) in spans if stop > start}
    require(ends, "layer", "a network with layers", layers=0)
    return lookup("layer", layer, ends)


def compute_unit_outputs(snapshot: Snapshot, layer: str) -> np.ndarray:
    """Return the output of each unit for each row, (rows, units), largest over positions."""
    stop = find_layer_end(snapshot, layer)
    parts = []
    for start in range(0, len(snapshot.x), BLOCK_ROWS):
        block = snapshot.x[start : start + BLOCK_ROWS]
        output = inference.predict(
            snapshot.links[:stop], (), snapshot.params, snapshot.state, block, BLOCK_ROWS
        )
        parts.append(output.max(axis=tuple(range(1, output.ndim - 1))))
    return np.concatenate(parts)
