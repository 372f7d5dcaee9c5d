"""Tables of rows and their predictions, as commands write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.data.table import Table

MAX_EXACT_INT = 2**53
"""From here on, float64 does not hold every integer."""


def to_frame(table: Table) -> pandas.DataFrame:
    """Return a table as a frame, with its text and integers as they were read."""
    import pandas

    cells = {name: words.cells.to_objects() for name, words in table.blank_words.items()}
    columns = {name: _restore_integers(column) for name, column in (table.columns | cells).items()}
    return pandas.DataFrame(columns)


def probability_columns(output: np.ndarray, labels: Sequence[Any]) -> dict[str, np.ndarray]:
    """Return the probability of each label; of two labels with one output, only of the second."""
    shown = labels[1:] if output.shape[1] == 1 else labels
    return {f"probability of {label}": output[:, k] for k, label in enumerate(shown)}


def _restore_integers(column: np.ndarray) -> Any:
    """Return a column of integers, with or without gaps, as pandas integers."""
    import pandas

    series = pandas.Series(column)
    values = series.dropna()
    is_integer = (
        column.dtype.kind == "f"
        and len(values)
        and (values % 1 == 0).all()
        and abs(values).max() < MAX_EXACT_INT
    )
    return series.astype("Int64") if is_integer else series
