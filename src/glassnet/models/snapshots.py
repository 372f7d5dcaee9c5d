"""Snapshots and training runs of a model for the views of `gn.inspection`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from glassnet.engine.train_step import Data
from glassnet.errors import DataError, require
from glassnet.inspection.snapshot import Snapshot
from glassnet.inspection.training_runs import RunSettings
from glassnet.models.setup import Setup
from glassnet.pipeline.adapter import DataAdapter
from glassnet.pipeline.options import EvaluationOptions, FitOptions
from glassnet.preprocessing.tabular import check_table_request
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


def make_fit_options(
    settings: RunSettings,
    *,
    target: str | int | None = None,
    column_types: Mapping[Any, str] | None = None,
    derive: Mapping[str, str] | None = None,
    target_transform: str | None = None,
    **options: Any,
) -> FitOptions:
    """Return the options of the `fit` that a training run equals.

    Args:
        settings: of the run.
        target, column_types, derive, target_transform: see `fit`.
        options: other arguments of `fit` that concern data.
    """
    defaults: dict[str, Any] = {
        "validation_split": 0.0,
        "validation_from": "random",
        "validation_data": None,
        "validation_steps": None,
        "steps_per_epoch": None,
        "shuffle": True,
        "class_weight": None,
        "seed": None,
    }
    return FitOptions(
        epochs=settings.epochs,
        batch_size=settings.batch_size,
        request=check_table_request(target, column_types, derive, target_transform),
        observe=False,
        repeatable=False,
        **defaults | options,
    )
