"""Trace of a recurrent layer through time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.errors import renamed_attributes
from glassnet.inspection.trace.formatting import format_cell, format_range
from glassnet.suggestions import suggest_names

MAX_STEPS, MAX_UNITS = 12, 4
"""Layers with more steps or units are shown by the shape and range of their arrays."""


@renamed_attributes(delta="d_output")
@suggest_names
@dataclass(frozen=True, repr=False, eq=False)
class RecurrentTrace:
    """Arrays of a recurrent layer at every step, each (n, time, units), in the order of its input.

    Attributes:
        name: name of the layer.
        states: after each step, by letter: h, the output, and c of an LSTM. A masked step does not
            change them.
        gates: at each step, by letter: i, f, g, o of an LSTM; z, r, g of a GRU; h of a SimpleRNN.
        d_output: dL/dh after each step, through all later steps and the layers above.
    """

    name: str
    states: dict[str, np.ndarray]
    gates: dict[str, np.ndarray]
    d_output: np.ndarray

    def row(self, row: int) -> str:
        """Return a table of one row's steps: gates, states and dL/dh from left to right."""
        columns = {**self.gates, **self.states, "dL/dh": self.d_output}
        _, steps, units = self.states["h"].shape
        if steps > MAX_STEPS or units > MAX_UNITS:
            return "\n".join(f"  {name:<6} {format_range(a[row])}" for name, a in columns.items())
        width = 9 * units + 1
        lines = ["    t" + "".join(f"{name:>{width}}" for name in columns)]
        for t in range(steps):
            cells = ("".join(f"{format_cell(v):>9}" for v in a[row, t]) for a in columns.values())
            lines.append(f"{t + 1:>5}" + "".join(f"{cell:>{width}}" for cell in cells))
        return "\n".join(lines)

    def __repr__(self) -> str:
        n, steps, units = self.states["h"].shape
        title = f"{self.name}: {steps} steps of {units} units"
        return f"{title}{f', row 0 of {n}' if n > 1 else ''}\n{self.row(0)}"
