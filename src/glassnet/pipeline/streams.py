"""Streams of batches: each batch is checked as arrays are, and errors name the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import Any, NoReturn

import numpy as np

from glassnet import fingerprinting
from glassnet.data import arrays
from glassnet.engine import inference
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, is_int, message, require
from glassnet.layers import TextVectorization
from glassnet.losses import Loss
from glassnet.pipeline import encoding
from glassnet.pipeline.batches import as_epoch_iterable, is_batch
from glassnet.pipeline.memmap import input_check
from glassnet.pipeline.prefetch import BackgroundThread, PrefetchSource, error_location
from glassnet.types import Shape

END = object()


class BatchStream:
    """Batches drawn one after another from an iterable of the user.

    Args:
        batches: see `batches.as_epoch_iterable`.
        steps: number of batches per epoch, or None for one pass.
        batch_size: see `batches.as_epoch_iterable`.
        target: name of the target column, if batches are dicts.
        steps_argument: the argument that sets `steps`, for error messages.
        first_epoch: the number of the first epoch.
        repeatable: whether any epoch must be able to start again.
        vectorizer: encodes texts in x, or None.

    Raises:
        ConfigError: steps that are not an int >= 1; an iterator with `repeatable`.
    """

    def __init__(
        self,
        batches: Any,
        steps: int | None,
        *,
        batch_size: int | str = 32,
        target: str | None = None,
        steps_argument: str = "steps",
        first_epoch: int = 0,
        repeatable: bool = False,
        vectorizer: TextVectorization | None = None,
    ):
        fits = steps is None or is_int(steps, least=1)
        require(fits, steps_argument, "an int >= 1 or None", steps=steps)
        self._iterable = as_epoch_iterable(batches, batch_size)
        require(
            self._iterable.repeatable or not repeatable,
            "resume",
            "batches that can be iterated again, not an iterator",
            fix="Pass a list, or a function that returns a new iterator.",
        )
        self._batch_list = batches if isinstance(batches, list) else []
        self._target, self._vectorizer, self._repeatable = target, vectorizer, repeatable
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

    def peek(self, location: str) -> tuple[Any, Any]:
        """Return x and y of the first batch, which will be drawn again.

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
            x, y, _ = self.unpack(batch)
            return arrays.check_features(x), arrays.check_numeric(y, "y")

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
        classes = np.arange(max(built.shapes[-1][-1], 2))
        self._class_weight = arrays.compute_sample_weight(class_weight, classes)
        self._encode = _make_encode(self.unpack, loss, built, self._class_weight)

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

    def fingerprint(self) -> dict[str, Any]:
        """Return a fingerprint of the first batch and class weights; of a list, all batches."""
        assert self._first_batch is not None
        batch_list = [
            [np.asarray(part) for part in self.unpack(batch) if part is not None]
            for batch in self._batch_list
        ]
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

    def iter_blocks(self, location_format: str) -> Iterator[tuple[Data, np.ndarray]]:
        """Yield the batches of one pass as padded blocks: see `inference.iter_padded_blocks`.

        Batches may have any number of rows.

        Args:
            location_format: prefix of error messages, with {} for the number of the batch.
        """
        self._next_epoch = 0
        for _, data in self._iter_encoded(location_format, repeat=False):
            yield from inference.iter_padded_blocks(data)

    def predict_batches(self, predict: Callable[[Any], np.ndarray]) -> np.ndarray:
        """Return the outputs of `predict` for the features of one pass; targets are ignored."""
        outputs = []
        for location, batch in self._iter_raw("batch {}", repeat=False):
            with error_location(location):
                x = batch[0] if isinstance(batch, tuple) or is_batch(batch) else batch
                outputs.append(predict(self.stack_columns(x) if isinstance(x, Mapping) else x))
        return np.concatenate(outputs)

    def close(self) -> None:
        """End the current pass. An iterator of the user is left open."""
        close_iterator = getattr(self._iterator, "close", None)
        if self._iterable.repeatable and close_iterator:
            close_iterator()
        self._iterator = None

    def unpack(self, batch: Any) -> tuple[Any, Any, Any]:
        """Return (x, y, weights or None) of a batch.

        Raises:
            DataError: the batch is not (x, y), (x, y, weights) or a dict of columns; or it is one
                example instead of a batch.
        """
        if isinstance(batch, Mapping):
            batch = self._unpack_columns(batch)
        is_sequence = isinstance(batch, tuple | list)
        received = type(batch).__name__ + (f" of {len(batch)}" if is_sequence else "")
        require(
            is_sequence and len(batch) in (2, 3),
            "a batch",
            "(x, y) or (x, y, weights), or a dict of columns",
            error=DataError,
            received=received,
            fix="For batches of x alone, call predict.",
        )
        x, y, weight = (*batch, None) if len(batch) == 2 else batch
        require(
            np.ndim(y) > 0,
            "a batch",
            "rows, with a target for each",
            error=DataError,
            y=y,
            fix="This is one example: pass several at once, as DataLoader(data, batch_size=32) "
            "does.",
        )
        x = self.stack_columns(x) if isinstance(x, Mapping) else x
        return self._vectorizer(x) if self._vectorizer else x, y, weight

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

    def stack_columns(self, x: Mapping[str, Any]) -> Any:
        """Return a dict of feature columns as one array.

        A single column is returned as it is. Several columns of numbers are stacked in the order of
        the first batch.

        Raises:
            DataError: no columns, other names than in the first batch, or several columns of which
                one holds more than one number per row.
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
        columns = {name: np.asarray(x[name]) for name in names}
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
        max_rows = len(first.x)
        require(
            len(data.x) <= max_rows,
            "a batch",
            f"at most {max_rows} rows, as in the first batch",
            error=DataError,
            rows=len(data.x),
            shape=data.x.shape,
            fix="Make all batches the same size. Later ones may be smaller.",
        )
        for name, array, first_array in zip(("x", "y", "weights"), data, first, strict=True):
            if _dtype_and_shape(array) != _dtype_and_shape(first_array):
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


def _make_encode(
    unpack: Callable[[Any], tuple[Any, Any, Any]],
    loss: Loss,
    built: BuiltNetwork,
    class_weight: np.ndarray | None,
) -> Callable[[Any], Data]:
    """Return the function that checks and encodes a batch."""
    check = input_check(built.links)

    def encode(batch: Any) -> Data:
        x, y, sample_weight = unpack(batch)
        features = arrays.check_features(x, built.shapes[0], check=check)
        data, labels = encoding.encode_examples(features, y, loss, built.shapes[-1], sample_weight)
        if class_weight is None:
            return data
        expected, fix = "targets that are classes", "Use sample_weight for other targets."
        require(labels is not None, "class_weight", expected, error=DataError, fix=fix)
        weight = class_weight[labels]
        return data._replace(weight=weight if data.weight is None else data.weight * weight)

    return encode


def _dtype_and_shape(a: np.ndarray | None) -> tuple[np.dtype, Shape] | None:
    return None if a is None else (a.dtype, a.shape[1:])


def _describe_form(a: np.ndarray | None) -> str:
    return "none" if a is None else f"{a.dtype} of shape {a.shape[1:]} per row"


class StreamReader:
    """A training stream that is read in a thread.

    Args:
        stream: the batches.
        first_epoch: number of the first epoch, counted from 0.
    """

    def __init__(self, stream: BatchStream, first_epoch: int):
        self._stream, self._thread = stream, BackgroundThread()
        self._location = f"batch 1 of epoch {first_epoch + 1}"

    def peek(self) -> tuple[Any, Any]:
        """Return x and y of the first batch."""
        first: tuple[Any, Any] = self._thread.submit(
            lambda: self._stream.peek(self._location)
        ).result()
        return first

    def make_source(self, loss: Loss, built: BuiltNetwork, class_weight: Any) -> PrefetchSource:
        """Return the training source: see `BatchStream.bind`."""
        self._stream.bind(loss, built, class_weight)
        first = self._stream.encode_first(self._location)
        return PrefetchSource(self._stream, first, len(first.x), self._thread)

    def seek(self, first_epoch: int, epoch: int, start_step: int) -> None:
        """Continue from a step of an epoch: see `BatchStream.seek`."""
        self._thread.submit(lambda: self._stream.seek(first_epoch, epoch, start_step)).result()

    def close(self) -> None:
        """End the stream and the thread."""
        self._thread.submit(self._stream.close)
        self._thread.close()


@dataclass(frozen=True)
class StreamBlocks:
    """Evaluation blocks of a stream; each iteration is a new pass.

    Args:
        stream: the batches.
        location_format: prefix of error messages, with {} for the number of the batch.
    """

    stream: BatchStream
    location_format: str

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        with closing(self.stream):
            yield from self.stream.iter_blocks(self.location_format)

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of the stream: see `BatchStream.fingerprint`."""
        list(islice(self, 1))  # reads the first batch
        return self.stream.fingerprint()


def make_stream_blocks(
    batches: Any,
    steps: int | None,
    loss: Loss,
    built: BuiltNetwork,
    *,
    location_format: str = "batch {}",
    **stream_options: Any,
) -> StreamBlocks:
    """Return evaluation blocks of a user's batches: see `BatchStream`."""
    stream = BatchStream(batches, steps, **stream_options)
    stream.bind(loss, built)
    return StreamBlocks(stream, location_format)


def reject_array_arguments(
    y: Any, sample_weight: Any, validation_split: float, has_table_options: bool
) -> None:
    """Refuse arguments of `fit` that do not apply to batches.

    Args:
        y: targets.
        sample_weight: weights.
        validation_split: fraction of the rows to hold out.
        has_table_options: whether a table option other than the target is set.

    Raises:
        ConfigError: one of them is set.
    """
    expected, fix = "y=None: batches hold their targets", "Pass batches (x, y)."
    require(y is None, "fit", expected, y=type(y).__name__, fix=fix)
    require(
        sample_weight is None,
        "sample_weight",
        "None with batches",
        sample_weight=type(sample_weight).__name__,
        fix="Pass batches (x, y, weights).",
    )
    require(
        not validation_split,
        "validation_split",
        "0 with batches, whose number of rows is unknown",
        validation_split=validation_split,
        fix="Pass separate batches as validation_data.",
    )
    require(
        not has_table_options,
        "fit",
        "column_types, derive and target_transform for a table only",
        fix="Prepare the columns of the batches beforehand.",
    )
