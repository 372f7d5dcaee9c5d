"""Adapter of streams: batches from an iterable, an iterator or a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassnet.data.frames import is_frame
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import ONE_DEVICE, Placement
from glassnet.engine.step_padding import find_step_padding
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, require
from glassnet.losses import Loss
from glassnet.pipeline.adapter import (
    Blocks,
    DataAdapter,
    InputSpec,
    ModelInfo,
    TrainingData,
    open_validation,
    register_adapter,
)
from glassnet.pipeline.batches import is_stream
from glassnet.pipeline.options import EvaluationOptions, FitOptions
from glassnet.pipeline.prefetch import BackgroundThread, PrefetchSource
from glassnet.pipeline.streams import BatchStream
from glassnet.preprocessing.base import TableRequest
from glassnet.processes import exchange


@register_adapter
class StreamAdapter(DataAdapter):
    """Adapter of batches; in training, a thread reads them."""

    @staticmethod
    def accepts(x: Any, y: Any, model: ModelInfo, training: bool) -> bool:
        if isinstance(x, list) and x and is_frame(x[0]) and model.preprocessor is None:
            # A network for sequences takes each frame as one example, (steps, features).
            return y is None and len(model.example_shape or ()) != 2
        return is_stream(x, y)

    def open(self, options: FitOptions | None = None, *, target: str | None = None) -> InputSpec:
        self._reject_array_arguments()
        if options is None:
            self._stream = BatchStream(self.x, None, self.model, target=target)
            return self._stream.peek("batch 1")
        _reject_row_options(options)
        self._stream = BatchStream(
            self.x,
            options.steps_per_epoch,
            self.model,
            batch_size=options.batch_size,
            target=options.request.target,
            steps_argument="steps_per_epoch",
            first_epoch=options.first_epoch,
            repeatable=options.repeatable,
        )
        self._thread = BackgroundThread()
        self._location = f"batch 1 of epoch {options.first_epoch + 1}"
        spec: InputSpec = self._thread.submit(lambda: self._stream.peek(self._location)).result()
        return spec

    def bind(self, network: BuiltNetwork, loss: Loss, options: FitOptions) -> TrainingData:
        class_weight: Any = options.class_weight
        if self.model.preprocessor is not None:
            class_weight = self.model.preprocessor.target.class_weight_by_index(class_weight)
        self._stream.bind(loss, network, class_weight)
        first = self._stream.encode_first(self._location)
        padding, batch_size = find_step_padding(network), self._count_all_rows(options.placement)
        options.placement.require_rows(batch_size)
        source = PrefetchSource(
            self._stream, first, batch_size, self._thread, padding, options.placement
        )
        blocks = open_validation(network, loss, options, self.model)
        return TrainingData(source, blocks, seek=self._seek)

    def evaluation_blocks(
        self, network: BuiltNetwork, loss: Loss, options: EvaluationOptions
    ) -> Blocks:
        self._reject_array_arguments()
        stream = BatchStream(
            self.x,
            options.steps,
            self.model,
            batch_size=32 if options.batch_size is None else options.batch_size,
            target=options.target,
            steps_argument=options.steps_argument,
            repeatable=options.repeatable,
        )
        stream.bind(loss, network)
        location_format = f"{self.prefix}batch {{}}"
        if options.batch_size is not None:  # validation, which begins after a whole epoch
            stream.check_first(location_format.format(1))
        return StreamBlocks(stream, location_format, options.placement)

    def encode(self, network: BuiltNetwork, loss: Loss) -> Data:
        self._stream.bind(loss, network)
        return self._stream.encode_first("batch 1")

    def predict(self, infer: Callable[[Any], np.ndarray], options: EvaluationOptions) -> np.ndarray:
        stream = BatchStream(self.x, options.steps, self.model, target=options.target)
        with closing(stream):
            return stream.predict_batches(infer)

    def read_features(self) -> np.ndarray:
        parts: list[np.ndarray] = []

        def record(x: Any) -> np.ndarray:
            parts.append(np.asarray(x))
            return np.zeros((len(x), 1), np.float32)

        self.predict(record, EvaluationOptions())
        return np.concatenate(parts)

    def _count_all_rows(self, placement: Placement) -> int:
        """Return the number of rows of a batch, of which each process has the same share.

        Raises:
            DataError: the first batches have other numbers of rows.
        """
        own = self._stream.count_rows()
        if placement.n_processes == 1:
            return own
        counts = exchange.all_gather(own, "rows of the first batch")
        expected = "the same number of rows in the first batch of every process"
        received: dict[str, Any] = {f"process_{i}": count for i, count in enumerate(counts)}
        require(len(set(counts)) == 1, "batches", expected, error=DataError, **received)
        return sum(counts)

    def _seek(self, first_epoch: int, epoch: int, start_step: int) -> None:
        self._thread.submit(lambda: self._stream.seek(first_epoch, epoch, start_step)).result()

    def close(self) -> None:
        if hasattr(self, "_thread"):
            self._thread.submit(self._stream.close)
            self._thread.close()
        elif hasattr(self, "_stream"):
            self._stream.close()

    def _reject_array_arguments(self) -> None:
        """Refuse arguments that do not apply to batches.

        Raises:
            ConfigError: one of them is set.
        """
        y, weight = self.y, self.sample_weight
        expected, fix = "y=None: batches hold their targets", "Pass batches (x, y)."
        require(y is None, f"{self.prefix}y", expected, y=type(y).__name__, fix=fix)
        expected, fix, kind = "None with batches", "Pass batches (x, y, weights).", type(weight)
        is_none = weight is None
        who = f"{self.prefix}sample_weight"
        require(is_none, who, expected, sample_weight=kind.__name__, fix=fix)


def _reject_row_options(options: FitOptions) -> None:
    """Refuse options of `fit` that do not apply to batches.

    Raises:
        ConfigError: one of them is set.
    """
    fraction = options.split.fraction
    expected = "0 with batches, whose number of rows is unknown"
    fix = "Pass separate batches as validation_data."
    require(not fraction, "validation_split", expected, validation_split=fraction, fix=fix)
    has_options = options.request != TableRequest(options.request.target)
    expected = "column_types, derive and target_transform for a table only"
    fix = "Prepare the columns of the batches beforehand."
    require(not has_options, "fit", expected, fix=fix)


@dataclass(frozen=True)
class StreamBlocks:
    """Evaluation blocks of a stream; each iteration is a new pass.

    Args:
        stream: the batches.
        location_format: prefix of error messages, with {} for the number of the batch.
        placement: the devices.
    """

    stream: BatchStream
    location_format: str
    placement: Placement = ONE_DEVICE

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        with closing(self.stream):
            yield from self.stream.iter_blocks(self.location_format, self.placement)

    def part_of(self, placement: Placement) -> StreamBlocks:
        """Return all blocks, as each process reads batches of its own."""
        return self

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the stream: see `BatchStream.fingerprint`."""
        return self.stream.fingerprint()

    def sample(self, n: int) -> None:
        """Return None: the stream would have to be read again."""

    def read_targets(self) -> None:
        """Return None: the stream would have to be read again."""
