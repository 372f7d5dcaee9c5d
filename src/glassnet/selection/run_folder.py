"""A folder in which the results of runs are kept, so that a long experiment can be continued."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from glassnet.callbacks import Callback
from glassnet.engine.train_step import TrainState
from glassnet.errors import DataWarning, ModelFileError, warn
from glassnet.fingerprinting import combined_fingerprint
from glassnet.models.sequential import Sequential
from glassnet.selection.part_fingerprints import fingerprint_parts
from glassnet.selection.runs import PreparedRun, RunResult
from glassnet.storage import model_file
from glassnet.storage.arrays import flatten_tree
from glassnet.storage.checkpoints import CheckpointFolder
from glassnet.storage.safetensors_file import open_safetensors
from glassnet.training.history import History

METADATA_KEY = "glassnet_run"
"""Name of the metadata of a file that describe its run."""

CHECKSUM_KEY = "checksum"
"""Name of the metadata of a file that are the fingerprint of its arrays and of its run."""

WEIGHT_FIELDS = ("params", "state", "rate", "key", "step")
"""Fields of a train state that are kept."""


class RunFolder:
    """A folder with a file for each run that has ended, named by what the run depends on.

    Args:
        path: the folder, which is created. No other process may use it at the same time.
        callbacks: those of the fit.

    Raises:
        ConfigError: another process uses the folder.
        ModelFileError: the folder cannot be written to.
    """

    def __init__(self, path: Any, callbacks: Sequence[Callback]) -> None:
        self._folder = CheckpointFolder(path)
        for part in self._folder.path.glob(".run-*.part"):  # of a process that was killed
            part.unlink(missing_ok=True)
        self._callbacks = fingerprint_parts(*callbacks)

    def close(self) -> None:
        """Let other processes use the folder."""
        self._folder.close()

    def load(self, run: PreparedRun, model: Sequential) -> RunResult | None:
        """Return the result of a run, or None if it has not ended yet.

        A damaged file is reported, and its run is trained again.
        """
        path = self._get_path(run)
        if not path.exists():
            return None
        try:
            return _read_result(path, run, model)
        except (ModelFileError, KeyError, ValueError, TypeError) as error:
            warn(f"resume: {path.name} is damaged ({error}). Its run is repeated.", DataWarning)
            return None

    def save(self, run: PreparedRun, result: RunResult) -> None:
        """Write the result of a run.

        Raises:
            ModelFileError: the file cannot be written.
        """
        assert result.train_state is not None
        arrays = flatten_tree("state", _get_weights(result.train_state))
        arrays |= {"outputs": result.outputs, "step_losses": result.step_losses}
        history = result.history
        description = {
            "history": history.history,
            "epoch": history.epoch,
            "stopped": history.stopped,
            "seconds": history.seconds,
            "steps": history.steps,
            "scores": result.scores,
            "train_scores": result.train_scores,
            "problem": result.problem,
        }
        text = json.dumps(description)
        metadata = {METADATA_KEY: text, CHECKSUM_KEY: combined_fingerprint(arrays, text)}
        data = model_file.pack_arrays(arrays, metadata)
        model_file.write(self._get_path(run), data)

    def _get_path(self, run: PreparedRun) -> Path:
        network_run = run.network_run
        start = {name: getattr(run.start, name) for name in ("params", "state", "rate")}
        arrays = network_run.data._asdict() | flatten_tree("start", start)
        arrays |= {
            "train_rows": network_run.train_rows,
            "train_weight": network_run.train_weight,
            "validation_rows": run.validation_rows,
            "test_rows": run.run.test_rows,
        }
        numbers = run.epochs, network_run.batch_size, network_run.seed, network_run.shuffle
        parts = fingerprint_parts(network_run.program, run.setup.preprocessor)
        fingerprint = combined_fingerprint(arrays, parts, repr(numbers), self._callbacks)
        return self._folder.path / f"run-{fingerprint}.safetensors"


def _get_weights(train_state: TrainState) -> tuple[Any, ...]:
    return tuple(getattr(train_state, name) for name in WEIGHT_FIELDS)


def _read_result(path: Path, run: PreparedRun, model: Sequential) -> RunResult:
    with open_safetensors("resume", path) as contents:
        arrays = {name: contents.get_array(name) for name in contents.header}
        text, checksum = contents.metadata[METADATA_KEY], contents.metadata[CHECKSUM_KEY]
    if combined_fingerprint(arrays, text) != checksum:
        raise ValueError("its contents have another checksum")
    description = json.loads(text)
    template = _get_weights(run.start)
    leaves = []
    for name, like in flatten_tree("state", template).items():
        if arrays[name].shape != np.shape(like):
            raise ValueError(f"{name} has another shape")
        leaves.append(arrays[name])
    weights = jax.tree.unflatten(jax.tree.structure(template), leaves)
    history = History(run.network_run.seed, run.history_params)
    for name in ("history", "epoch", "stopped", "seconds", "steps"):
        setattr(history, name, description[name])
    return RunResult(
        run=run.run,
        history=history,
        scores=description["scores"],
        train_scores=description["train_scores"],
        outputs=arrays["outputs"],
        problem=description["problem"],
        step_losses=arrays["step_losses"],
        setup=run.setup,
        train_state=run.start._replace(
            optimizer_state=None, **dict(zip(WEIGHT_FIELDS, weights, strict=True))
        ),
        base_model=run.run.model or model,
    )
