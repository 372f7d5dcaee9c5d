"""The line of `evaluate` about rows that equal training rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from glassnet.fingerprinting import MAX_ROWS, RowFingerprints
from glassnet.formatting import format_logs
from glassnet.pipeline.adapter import Blocks, DataAdapter
from glassnet.pipeline.table_adapter import TableAdapter

NOT_CHECKED = (
    f"the model remembers at most {MAX_ROWS:,} training rows, and none that came in batches or in "
    "parts"
)
"""Reason for which a model does not know its training rows."""

NOT_COMPARED = "rows that come in batches, in parts or from a memory map are not compared"
"""Reason for which rows cannot be compared with the training rows."""


def print_training_rows(
    rows: RowFingerprints, data: DataAdapter, score: Callable[[Blocks], dict[str, float]]
) -> None:
    """Print how many rows equal training rows, and the score of the others.

    Nothing is printed if no row does. If the rows are not in memory, a line says so.

    Args:
        rows: fingerprints of the training rows.
        data: the rows, opened for evaluation.
        score: returns the loss and the metrics of blocks.
    """
    if rows.data is None:
        print(f"evaluate: not checked for training rows: {NOT_CHECKED}", flush=True)
        return
    hashes = data.hash_rows(rows.salt)
    if hashes is None and not isinstance(data, TableAdapter):
        print(f"evaluate: not checked for training rows: {NOT_COMPARED}", flush=True)
    equal = np.zeros(0, bool) if hashes is None else rows.contains(hashes)
    if not equal.any():
        return
    logs = {} if equal.all() else score(data.blocks_of(~equal))
    print(f"evaluate: {describe_training_rows(equal, logs)}", flush=True)


def describe_training_rows(equal: np.ndarray, logs: dict[str, float]) -> str:
    """Return a sentence about the rows that equal training rows.

    Args:
        equal: which rows do; at least one.
        logs: the loss and the metrics of the others; empty if there are none.

    Example:
        >>> describe_training_rows(np.array([True, True, False]), {"loss": 0.5})
        '2 of 3 rows equal training rows; the other row alone: loss 0.5'
    """
    n, n_equal = len(equal), int(equal.sum())
    if n_equal == n:
        subject = (
            "the row equals a training row" if n == 1 else f"all {n:,} rows equal training rows"
        )
        return f"{subject}; the score on new rows may be lower"
    verb = "rows equal training rows" if n_equal > 1 else "rows equals a training row"
    others = "row" if n - n_equal == 1 else f"{n - n_equal:,} rows"
    return f"{n_equal:,} of {n:,} {verb}; the other {others} alone: {format_logs(logs)}"
