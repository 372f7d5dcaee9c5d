"""Snapshots of a model for the views of `gn.inspection`."""

from __future__ import annotations

import numpy as np

from glassnet.engine.train_step import Data
from glassnet.errors import DataError, require
from glassnet.inspection.snapshot import Snapshot
from glassnet.models.setup import Setup
from glassnet.pipeline.adapter import DataAdapter
from glassnet.pipeline.options import EvaluationOptions
from glassnet.training.history import History

MAX_BYTES = 4 * 2**30
"""Maximum size of the encoded rows that a view reads into memory."""


def make_snapshot(setup: Setup, epoch: int, history: History | None) -> Snapshot:
    """Return the snapshot of a setup with a network, without rows."""
    is_compiled = setup.loss is not None and setup.optimizer is not None
    return Snapshot(
        network=setup.require_network(),
        params=setup.params,
        state=setup.state,
        loss=setup.loss,
        program=setup.make_program() if is_compiled else None,
        preprocessor=setup.preprocessor,
        epoch=epoch,
        history=history,
    )


def read_rows(data: DataAdapter, snapshot: Snapshot, options: EvaluationOptions) -> Data:
    """Return all rows, encoded, on the host.

    Raises:
        DataError: they are larger than `MAX_BYTES`; see `DataAdapter.evaluation_blocks`.
    """
    assert snapshot.program is not None
    parts, n_bytes = [], 0
    for block, mask in data.evaluation_blocks(snapshot.network, snapshot.program.loss, options):
        is_real = np.asarray(mask) > 0
        part = Data(*(None if a is None else np.asarray(a)[is_real] for a in block))
        parts.append(part)
        n_bytes += sum(a.nbytes for a in part if a is not None)
        expected, fix = "rows of at most 4 GiB in memory", "Pass a sample of the rows."
        require(n_bytes <= MAX_BYTES, "x", expected, error=DataError, bytes=n_bytes, fix=fix)
    columns = zip(*parts, strict=True)
    return Data(*(None if column[0] is None else np.concatenate(column) for column in columns))
