"""Streams of batches: each batch is checked as arrays are, and errors name the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

import numpy as np

from glassnet import fingerprinting
from glassnet.data import arrays
from glassnet.data.conversions import require_rows
from glassnet.data.frames import is_frame, split_columns
from glassnet.engine import inference
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import Placement
from glassnet.engine.step_padding import find_step_padding
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, is_int, message, require, wrap_errors
from glassnet.losses import Loss
from glassnet.partial_shapes import is_known, shape_fits
from glassnet.pipeline.adapter import InputSpec, ModelInfo, find_adapter, open_dataset
from glassnet.pipeline.batches import as_epoch_iterable, is_batch
from glassnet.pipeline.options import EvaluationOptions
from glassnet.pipeline.prefetch import error_location
from glassnet.pipeline.row_adapter import RowAdapter
from glassnet.pipeline.targets import get_class_labels
from glassnet.types import PartialShape, Shape

END = object()


class BatchStream:
    """Batches drawn one after another from an iterable of the user.

    Args:
        batches: see `batches.as_epoch_iterable`.
        steps: number of batches per epoch, or None for one pass.
        model: the model that uses the batches.
        batch_size: see `batches.as_epoch_iterable`.
        target: name of the target column, if batches are dicts.
        steps_argument: the argument that sets `steps`, for error messages.
        first_epoch: the number of the first epoch.
        repeatable: whether any epoch must be able to start again.

    Raises:
        ConfigError: steps that are not an int >= 1; an iterator with `repeatable`.
    """

    def __init__(
        self,
        batches: Any,
        steps: int | None,
        model: ModelInfo,
        *,
        batch_size: int | str = 32,
        target: str | None = None,
        steps_argument: str = "steps",
        first_epoch: int = 0,
        repeatable: bool = False,
    ):
        fits = steps is None or is_int(steps, least=1)
        require(fits, steps_argument, "an int >= 1 or None", steps=steps)
        with wrap_errors("x", "batches that can be read", x=type(batches).__name__):
            self._iterable = as_epoch_iterable(batches, batch_size)
        require(
            steps is not None or not self._iterable.is_endless,
            steps_argument,
            "an int >= 1 with batches without end",
            fix=f"Pass {steps_argument}=, or leave out repeat().",
        )
        require(
            self._iterable.repeatable or not repeatable,
            "resume",
            "batches that can be iterated again, not an iterator",
            fix="Pass a list, or a function that returns a new iterator.",
        )
        self._batch_list = batches if isinstance(batches, list) else []
        self._target, self._model, self._repeatable = target, model, repeatable
        self._steps_per_epoch = None if steps is None else int(steps)
        self._steps_argument = steps_argument
        self.steps = self._steps_per_epoch or self._iterable.n_batches
        self._first_epoch = self._next_epoch = first_epoch
        self._iterator: Iterator[Any] | None = None
        self._pending: list[Any] = []
        self._is_empty, self._at_epoch_start = True, False
        self._column_names: list[str] | None = None
        self._encode: Callable[[Any], Data] | None = None
        self._class_weight: np.ndarray | None = None
        self._first_batch: Data | None = None

    @property
    def n_samples(self) -> None:
        """Number of rows: unknown for a stream."""

    def count_rows(self) -> int:
        """Return the largest number of rows of a batch: that of the first one, or a larger one."""
        assert self._first_batch is not None
        return max(len(self._first_batch.x), self._iterable.max_rows or 0)

    def peek(self, location: str) -> InputSpec:
        """Open the first batch, which will be drawn again.

        Args:
            location: prefix of error messages.

        Raises:
            DataError: there is no batch, or it is not valid.
        """
        with error_location(location):
            batch = self._next_batch()
        if batch is END:
            self._raise_exhausted(location, 0)
        self._pending.append(batch)
        with error_location(location):
            return self._open_batch(batch).open()

    def bind(self, loss: Loss, built: BuiltNetwork, class_weight: Any = None) -> None:
        """Set the loss and the network that batches are encoded for.

        Args:
            loss: the training loss.
            built: the network.
            class_weight: {class: weight} or None.

        Raises:
            DataError: class weights that are not a dict of classes.
        """
        require(
            not isinstance(class_weight, str),
            "class_weight",
            "a dict {class: weight} with batches",
            error=DataError,
            class_weight=class_weight,
            fix="Count the labels first and pass a dict: "
            "rows / (classes * rows of the class) for each.",
        )
        classes = np.arange(max(built.n_outputs, 2))
        self._class_weight = arrays.compute_sample_weight(class_weight, classes)
        self._model = replace(self._model, links=built.links, example_shape=built.shapes[0])
        self._output_shape, self._padding = built.shapes[-1], find_step_padding(built)
        self._encode = partial(self._encode_for, loss, built)

    def encode_first(self, location: str) -> Data:
        """Return the first batch, encoded; `iter_batches` compares the others with it.

        Args:
            location: prefix of error messages.

        Raises:
            DataError: it cannot be used.
        """
        assert self._encode is not None
        with error_location(location):
            self._first_batch = self._encode(self._pending[0])
        return self._first_batch

    def check_first(self, location: str) -> None:
        """Encode the first batch, and begin again. An iterator of the user loses no batch.

        Args:
            location: prefix of error messages.

        Raises:
            DataError: there is no batch, or it cannot be used.
        """
        try:
            self.peek(location)
            self.encode_first(location)
        finally:
            if self._iterable.repeatable:
                self._pending.clear()
                self.close()

    def fingerprint(self) -> dict[str, Any]:
        """Return a fingerprint of the first batch and class weights; of a list, all batches."""
        assert self._first_batch is not None
        batch_list = [self._to_arrays(batch) for batch in self._batch_list]
        return {
            "first batch": fingerprinting.fingerprint_by_name(self._first_batch._asdict()),
            "batches": self.steps,
            **fingerprinting.fingerprint_by_name({"class_weight": self._class_weight}),
            "batches in all": fingerprinting.tree_fingerprint(batch_list),
        }

    def seek(self, first_epoch: int, epoch: int, start_step: int) -> None:
        """Continue after `start_step` batches of an epoch, in a run that began with `first_epoch`.

        Raises:
            DataError: there are fewer batches.
        """
        self.close()
        self._pending.clear()
        if self._steps_per_epoch:
            n_skipped = (epoch - first_epoch) * self._steps_per_epoch + start_step
            self._next_epoch = first_epoch
        else:
            n_skipped, self._next_epoch = start_step, epoch
        end = f"batch {start_step + 1} of epoch {epoch + 1}"
        for number in range(n_skipped):
            location = f"batch {number + 1} before {end}"
            with error_location(location):
                while (batch := self._next_batch()) is END:
                    if self._is_empty or not self._steps_per_epoch:
                        self._raise_exhausted(location, number)
                if self._at_epoch_start:
                    self._encode_batch(batch)

    def iter_batches(self, epoch: int, start_step: int = 0) -> Iterator[Data]:
        """Yield an epoch's encoded batches after the first `start_step`.

        Each has the dtypes and shapes of the first batch, and no more rows. If `steps` is given,
        passes over the batches are repeated.
        """
        location_format = f"batch {{}} of epoch {epoch + 1}"
        for location, data in self._iter_encoded(location_format, True, start_step):
            with error_location(location):
                self._require_same_form(data)
            yield data

    def iter_blocks(
        self, location_format: str, placement: Placement
    ) -> Iterator[tuple[Data, np.ndarray]]:
        """Yield the batches of one pass as padded blocks: see `inference.iter_padded_blocks`.

        Batches may have any number of rows.

        Args:
            location_format: prefix of error messages, with {} for the number of the batch.
            placement: the devices.
        """
        self._next_epoch = 0
        for _, data in self._iter_encoded(location_format, repeat=False):
            yield from inference.iter_padded_blocks(
                data, padding=self._padding, placement=placement
            )

    def predict_batches(self, infer: Callable[[Any], np.ndarray]) -> np.ndarray:
        """Return the outputs for the features of one pass: see `DataAdapter.predict`."""
        outputs = []

        def infer_batch(x: Any) -> np.ndarray:
            if self._model.example_shape is None:
                self._model = replace(self._model, example_shape=x.shape[1:])
            return infer(x)

        for location, batch in self._iter_raw("batch {}", repeat=False):
            with error_location(location):
                x = batch[0] if isinstance(batch, tuple) or is_batch(batch) else batch
                x = self._split_frame(x)
                if isinstance(x, Mapping) and self._target is not None:
                    x, _ = self._unpack_columns(x)
                data = self._open_rows(x, None, None)
                outputs.append(data.predict(infer_batch, EvaluationOptions()))
                shapes = outputs[0].shape[1:], outputs[-1].shape[1:]
                fix = "Call predict for each batch."
                expected = "outputs of one length, to put them into one array"
                fits = shapes[0] == shapes[1]
                require(fits, "predict", expected, error=DataError, outputs=shapes, fix=fix)
        return np.concatenate(outputs)

    def close(self) -> None:
        """End the current pass. An iterator of the user is left open."""
        close_iterator = getattr(self._iterator, "close", None)
        if self._iterable.repeatable and close_iterator:
            close_iterator()
        self._iterator = None

    def _encode_for(self, loss: Loss, network: BuiltNetwork, batch: Any) -> Data:
        """Return a batch, checked and encoded."""
        rows = self._open_batch(batch)
        rows.open()
        data = rows.encode(network, loss)
        data = data._replace(x=np.asarray(data.x))  # reads the rows of a memory map
        if self._class_weight is None:
            return data
        labels = get_class_labels(data.y, loss)
        expected, fix = "targets that are classes", "Use sample_weight for other targets."
        require(labels is not None, "class_weight", expected, error=DataError, fix=fix)
        weight = self._class_weight[labels]
        return data._replace(weight=weight if data.weight is None else data.weight * weight)

    def _open_batch(self, batch: Any) -> RowAdapter:
        """Return the adapter of a batch with its targets.

        Raises:
            DataError: the batch is not (x, y), (x, y, weights), a dict of columns, a frame, or a
                table for a model that was fitted to one; or it is one example instead of a batch.
        """
        if not isinstance(batch, tuple | list):
            require_rows(batch, "a batch", arrays=False)
        if self._is_dataset(batch):
            return self._open_rows(batch, None, None)
        batch = self._split_frame(batch)
        if isinstance(batch, Mapping):
            batch = self._unpack_columns(batch)
        is_sequence = isinstance(batch, tuple | list)
        received = type(batch).__name__ + (f" of {len(batch)}" if is_sequence else "")
        require(
            is_sequence and len(batch) in (2, 3),
            "a batch",
            "(x, y) or (x, y, weights), a dict of columns, or a frame",
            error=DataError,
            received=received,
            fix="For batches of x alone, call predict.",
        )
        x, y, weight = (*batch, None)[:3]
        require(
            np.ndim(y) > 0,
            "a batch",
            "rows, with a target for each",
            error=DataError,
            y=y,
            fix="This is one example: pass several at once, as dataset.batch(32) or "
            "DataLoader(data, batch_size=32) does.",
        )
        return self._open_rows(x, y, weight)

    def _is_dataset(self, x: Any) -> bool:
        """Return whether x is data of its own kind, such as a table for a model of tables."""
        kind = find_adapter(x, None, self._model)
        return kind.holds_targets and issubclass(kind, RowAdapter)

    def _split_frame(self, x: Any) -> Any:
        """Return a frame as a dict of columns, unless it is data of its own kind."""
        return split_columns(x) if is_frame(x) and not self._is_dataset(x) else x

    def _open_rows(self, x: Any, y: Any, weight: Any) -> RowAdapter:
        require_rows(x, "x")
        x = self._split_frame(x)
        if isinstance(x, Mapping) and not self._is_dataset(x):
            x = self._stack_columns(x)
        rows = open_dataset(x, y, weight, self._model)
        if not isinstance(rows, RowAdapter):
            raise DataError(message("a batch", "rows", x=type(x).__name__))
        return rows

    def _to_arrays(self, batch: Any) -> list[np.ndarray]:
        """Return the arrays of a batch, as the user passed them."""
        rows, vectorizer = self._open_batch(batch), self._model.vectorizer
        prepared = rows.transform()
        x = vectorizer(prepared.x) if vectorizer else prepared.x
        parts = x, prepared.y, rows.sample_weight
        return [np.asarray(part) for part in parts if part is not None]

    def _unpack_columns(self, batch: Mapping[Any, Any]) -> tuple[dict[Any, Any], Any]:
        """Split a dict of columns into (x, y)."""
        require(
            self._target in batch,
            "target",
            "the name of the column of targets",
            error=DataError,
            target=self._target,
            fix=f"For example target={list(batch)[-1]!r}.",
        )
        x = {name: column for name, column in batch.items() if name != self._target}
        return x, batch[self._target]

    def _stack_columns(self, x: Mapping[str, Any]) -> Any:
        """Return a dict of feature columns as one array.

        A single column is returned as it is. Several columns of numbers are stacked in the order of
        the first batch.

        Raises:
            DataError: no columns, other names than in the first batch, or several columns of which
                one holds text, or more than one number per row.
        """
        names = self._column_names = self._column_names or list(x)
        require(
            x and set(x) == set(names),
            "a batch",
            f"columns {names}",
            error=DataError,
            received=list(x),
            fix="Every batch needs the columns of the first one, and no others.",
        )
        if len(x) == 1:
            return next(iter(x.values()))
        columns = {name: arrays.to_array(x[name], str(name)) for name in names}
        text = [name for name, column in columns.items() if column.dtype.kind not in "biuf"]
        require(
            not text,
            "a batch",
            "columns of numbers",
            error=DataError,
            columns_without_numbers=text,
            fix="Fit the model to a table of some rows first: model.fit(frame, target=...). "
            "It learns to encode them, and then encodes the columns of batches too.",
        )
        require(
            all(column.ndim == 1 for column in columns.values()),
            "a batch",
            "one number per row in each column",
            error=DataError,
            fix="Keep one column beside the target, or make one array of them.",
            **{name: column.shape for name, column in columns.items()},
        )
        return np.stack(list(columns.values()), axis=1)

    def _iter_encoded(
        self, location_format: str, repeat: bool, start_step: int = 0
    ) -> Iterator[tuple[str, Data]]:
        for location, batch in self._iter_raw(location_format, repeat, start_step):
            with error_location(location):
                data = self._encode_batch(batch)
            yield location, data

    def _encode_batch(self, batch: Any) -> Data:
        """Encode the last batch; if epochs must be repeatable, check the start of an epoch."""
        assert self._encode is not None
        data = self._encode(batch)
        may_differ = self._iterable.takes_epoch and self._next_epoch != self._first_epoch + 1
        if self._repeatable and self._at_epoch_start and not may_differ:
            self._first_batch = self._first_batch or data
            self._require_same_start(data)
        return data

    def _iter_raw(
        self, location_format: str, repeat: bool, n_batches: int = 0
    ) -> Iterator[tuple[str, Any]]:
        """Yield (location, batch) of an epoch after the first `n_batches`, not encoded."""
        while n_batches != self._steps_per_epoch:
            location = location_format.format(n_batches + 1)
            with error_location(location):
                batch = self._next_batch()
            if batch is not END:
                n_batches += 1
                yield location, batch
            elif self._steps_per_epoch is None and n_batches:
                return
            elif self._is_empty or not (repeat and self._iterable.repeatable):
                self._raise_exhausted(location, n_batches)

    def _next_batch(self) -> Any:
        """Return the next batch of the current pass or of a new one, or `END` at its end."""
        if self._pending:
            self._at_epoch_start = True
            return self._pending.pop()
        if self._iterator is None:
            self._iterator, self._is_empty = self._iterable.start_epoch(self._next_epoch), True
            self._next_epoch += 1
        batch = next(self._iterator, END)
        if batch is END:
            self._iterator = None
            self._iterable.on_epoch_end()
        else:
            self._at_epoch_start, self._is_empty = self._is_empty, False
        return batch

    def _raise_exhausted(self, location: str, n_batches: int) -> NoReturn:
        expected = "at least one batch"
        if self._steps_per_epoch:
            expected = f"{self._steps_per_epoch} batches ({self._steps_argument})"
        if not self._iterable.repeatable:
            fix = "An iterator can be read only once: pass a list, or a function that returns one."
        elif self._is_empty:
            fix = "The source of the batches is empty."
        else:
            fix = f"Lower {self._steps_argument}, or leave it out for one pass."
        received = f"{n_batches}, then the iterable ended"
        raise DataError(f"{location}: expected {expected}. Received: {received}. {fix}")

    def _require_same_form(self, data: Data) -> None:
        """Refuse a batch with more rows than the first, or other dtypes or shapes."""
        first = self._first_batch
        assert first is not None
        max_rows = self.count_rows()
        require(
            len(data.x) <= max_rows,
            "a batch",
            f"at most {max_rows} rows, as in the first batch",
            error=DataError,
            rows=len(data.x),
            shape=data.x.shape,
            fix="Make all batches the same size. Later ones may be smaller.",
        )
        expected_shapes = self._model.example_shape, self._output_shape, ()
        for name, array, first_array, partial_shape in zip(
            ("x", "y", "weights"), data, first, expected_shapes, strict=True
        ):
            if not _is_alike(array, first_array, partial_shape):
                expected = f"{_describe_form(first_array)}, as in the first batch"
                fix = "Give all batches the dtypes and shapes of the first."
                raise DataError(message(name, expected, received=_describe_form(array), fix=fix))

    def _require_same_start(self, data: Data) -> None:
        """Refuse an epoch whose first batch differs from that of the first epoch."""
        first = self._first_batch
        assert first is not None
        require(
            all(a is b or np.array_equal(a, b) for a, b in zip(data, first, strict=True)),
            "resume",
            "every pass to begin with the same batch, so that any epoch can start again",
            error=DataError,
            fix="To shuffle, pass a function of epoch: lambda epoch: batches of that epoch, "
            "the same at every call.",
        )


def _is_alike(a: np.ndarray | None, first: np.ndarray | None, shape: PartialShape | None) -> bool:
    """Return whether an array has dtype and shape of the first; unknown sizes may differ."""
    if a is None or first is None or shape is None or is_known(shape):
        return _dtype_and_shape(a) == _dtype_and_shape(first)
    # Classes lack the last axis of the outputs.
    shape = shape[: a.ndim - 1]
    return a.dtype == first.dtype and a.ndim == first.ndim and shape_fits(a.shape[1:], shape)


def _dtype_and_shape(a: np.ndarray | None) -> tuple[np.dtype, Shape] | None:
    return None if a is None else (a.dtype, a.shape[1:])


def _describe_form(a: np.ndarray | None) -> str:
    return "none" if a is None else f"{a.dtype} of shape {a.shape[1:]} per row"
