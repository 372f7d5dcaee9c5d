"""A recurrent layer's way through time: what a trace shows of its inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from glassnet.inspection.trace import render_text

MAX_STEPS, MAX_UNITS = 12, 4
"""Of more steps or units than this, an array is shown by its shape and range."""


@dataclass(frozen=True, repr=False, eq=False)
class RecurrentTrace:
    """Every step of a recurrent layer, for n rows, in the order of its input; each array (n, time,
    units).

    Attributes:
        name: of the layer.
        states: after each step, by letter: h, which is the output, and an LSTM's c. A masked step
            leaves them as they were.
        gates: of each step, by letter: i, f, g, o of an LSTM, z, r, g of a GRU; a SimpleRNN has h
            alone.
        delta: dL/dh after each step: through all later steps, and what is above the layer.
    """

    name: str
    states: dict[str, np.ndarray]
    gates: dict[str, np.ndarray]
    delta: np.ndarray

    def row(self, row: int) -> str:
        """One row's steps as a table: a line for each, gates, states and deltas from left to
        right.
        """
        columns = {**self.gates, **self.states, "dL/dh": self.delta}
        h = self.states["h"]
        if h.shape[1] > MAX_STEPS or h.shape[2] > MAX_UNITS:
            return "\n".join(
                f"  {name:<6} {render_text.format_range(a[row])}" for name, a in columns.items()
            )
        width = 8 * h.shape[2] + 1
        lines = ["    t" + "".join(f"{name:>{width}}" for name in columns)]
        for t in range(h.shape[1]):
            numbers = (
                "".join(f"{render_text.format_number(v):>8}" for v in a[row, t])
                for a in columns.values()
            )
            lines.append(f"{t + 1:>5}" + "".join(f"{cells:>{width}}" for cells in numbers))
        return "\n".join(lines)

    def __repr__(self) -> str:
        n, time, units = self.states["h"].shape
        head = f"{self.name}: {time} steps of {units} units" + (f", row 0 of {n}" if n > 1 else "")
        return f"{head}\n{self.row(0)}"
