"""Streams in: whatever gives batches one after another, each checked as arrays are, and named where
it cannot be used.
"""

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
from glassnet.errors import DataError, is_int, require
from glassnet.layers import TextVectorization
from glassnet.losses import Loss
from glassnet.pipeline import encoding
from glassnet.pipeline.batches import as_epoch_iterable, is_batch
from glassnet.pipeline.memmap import input_check
from glassnet.pipeline.prefetch import BackgroundThread, PrefetchSource, error_location
from glassnet.types import Shape

END = object()


class BatchStream:
    """Batches that are drawn, one after another, from what a user gave.

    Args:
        batches: see `batches.as_epoch_iterable`.
        steps: batches of an epoch; None for one pass.
        batch_size: see `passes`.
        target: the column of targets, where batches are columns by name.
        steps_argument: the argument that says `steps`.
        first_epoch: the number of the first pass.
        repeatable: whether any epoch must be one that can be begun anew.
        vectorizer: what makes numbers of texts, where x is texts.

    Raises:
        ConfigError: steps that are no int >= 1; with `repeatable` an iterator.
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
        require(
            steps is None or is_int(steps, least=1),
            steps_argument,
            "an int >= 1 or None",
            steps=steps,
        )
        self._iterable, self._next_epoch = as_epoch_iterable(batches, batch_size), first_epoch
        self._steps_per_epoch, self._target, self._steps_argument = (
            None if steps is None else int(steps),
            target,
            steps_argument,
        )
        self._vectorizer = vectorizer
        self.steps = self._steps_per_epoch or self._iterable.n_batches
        self._iterator: Iterator[Any] | None = None
        self._is_empty = True
        self._pending: list[Any] = []
        fix = "Pass a list, or a function that gives a new iterator."
        require(
            self._iterable.repeatable or not repeatable,
            "resume",
            "batches that come again, not an iterator, which goes round once",
            fix=fix,
        )
        self._first_epoch, self._repeatable, self._at_epoch_start = first_epoch, repeatable, False
        self._batch_list = batches if isinstance(batches, list) else []
        self._column_names: list[str] | None = None
        self._encode: Callable[[Any], Data] | None = None
        self._class_weight: np.ndarray | None = None
        self._first_batch: Data | None = None

    @property
    def n_samples(self) -> None:
        """No one knows."""

    def peek(self, location: str) -> tuple[Any, Any]:
        """x and y of the first batch, which stays to be drawn.

        Args:
            location: what an error begins with.

        Raises:
            DataError: there is none, or it is none.
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
        """Say what batches are checked against.

        Args:
            loss: whose targets they hold.
            built: the network.
            class_weight: {class: weight} or None.

        Raises:
            DataError: class weights that are not a dict of classes.
        """
        fix = "Count the labels beforehand and pass a dict: rows / (classes * rows of the class) for each."
        balanced = isinstance(class_weight, str)
        require(
            not balanced,
            "class_weight",
            "a dict {class: weight} with batches",
            error=DataError,
            class_weight=class_weight,
            fix=fix,
        )
        by_class = self._class_weight = arrays.compute_sample_weight(
            class_weight, np.arange(max(built.shapes[-1][-1], 2))
        )

        def encode(batch: Any) -> Data:
            x, y, weight = self.unpack(batch)
            data, labels = encoding.encode_examples(
                arrays.check_features(x, built.shapes[0], check=input_check(built.links)),
                y,
                loss,
                built.shapes[-1],
                weight,
            )
            if by_class is None:
                return data
            fix = "Use sample_weight for other targets."
            require(
                labels is not None,
                "class_weight",
                "targets that are classes",
                error=DataError,
                fix=fix,
            )
            return data._replace(
                weight=by_class[labels] if data.weight is None else data.weight * by_class[labels]
            )

        self._encode = encode

    def encode_first(self, location: str) -> Data:
        """The batch that was peeked at, encoded; `draw` holds all others against it.

        Args:
            location: what an error begins with.

        Raises:
            DataError: it cannot be used.
        """
        assert self._encode is not None
        with error_location(location):
            self._first_batch = self._encode(self._pending[0])
        return self._first_batch

    def fingerprint(self) -> dict[str, Any]:
        """Those of the first batch and of class weights; of a list, of all batches."""
        assert self._first_batch is not None
        given = [
            [np.asarray(part) for part in self.unpack(batch) if part is not None]
            for batch in self._batch_list
        ]
        also = fingerprinting.fingerprint_by_name({"class_weight": self._class_weight}) | {
            "batches in all": fingerprinting.tree_fingerprint(given)
        }
        return {
            "first batch": fingerprinting.fingerprint_by_name(self._first_batch._asdict()),
            "batches": self.steps,
        } | also

    def seek(self, first_epoch: int, epoch: int, start_step: int) -> None:
        """Go on after `start_step` batches of an epoch, in a run that began with epoch
        `first_epoch`.

        Raises:
            DataError: there are fewer.
        """
        self.close()
        self._pending.clear()
        self._next_epoch, behind = (
            (first_epoch, (epoch - first_epoch) * self._steps_per_epoch + start_step)
            if self._steps_per_epoch
            else (epoch, start_step)
        )
        for number in range(behind):
            where = f"batch {number + 1} on the way to batch {start_step + 1} of epoch {epoch + 1}"
            with error_location(where):
                while (batch := self._next_batch()) is END:
                    if self._is_empty or not self._steps_per_epoch:
                        self._raise_exhausted(where, number)
                if self._at_epoch_start:
                    self._encode_batch(batch)

    def iter_batches(self, epoch: int, start_step: int = 0) -> Iterator[Data]:
        """An epoch's batches but the first `start_step`, each like the first, which no other has
        more rows than; `steps` go round and round.
        """
        for where, data in self._iter_encoded(
            f"batch {{}} of epoch {epoch + 1}", repeat=True, start_step=start_step
        ):
            with error_location(where):
                self._require_same_form(data)
            yield data

    def iter_blocks(self, location_format: str) -> Iterator[tuple[Data, np.ndarray]]:
        """The batches of one pass as padded blocks to be scored (`inference.iter_padded_blocks`),
        of any number of rows each.

        Args:
            location_format: what errors call the batch of a number.
        """
        self._next_epoch = 0
        for _, data in self._iter_encoded(location_format, repeat=False):
            yield from inference.iter_padded_blocks(data)

    def predict_batches(self, predict: Callable[[Any], np.ndarray]) -> np.ndarray:
        """What `predict` makes of the features of all batches of one pass, which may hold targets
        too.
        """
        parts = []
        for where, batch in self._iter_raw("batch {}", repeat=False):
            with error_location(where):
                x = batch[0] if isinstance(batch, tuple) or is_batch(batch) else batch
                parts.append(predict(self.stack_columns(x) if isinstance(x, Mapping) else x))
        return np.concatenate(parts)

    def close(self) -> None:
        """End a pass that was begun here; a user's own iterator stays where it is."""
        end = getattr(self._iterator, "close", None)
        if self._iterable.repeatable and end:
            end()
        self._iterator = None

    def unpack(self, batch: Any) -> tuple[Any, Any, Any]:
        """(x, y, weights or None) of a batch.

        Raises:
            DataError: it is neither (x, y), (x, y, weights) nor columns by name; or one example
                rather than a batch.
        """
        if isinstance(batch, Mapping):
            fix = f"Write target={list(batch)[-1]!r}, say."
            require(
                self._target in batch,
                "target",
                "the name of the column of targets",
                error=DataError,
                target=self._target,
                fix=fix,
            )
            x = {name: column for name, column in batch.items() if name != self._target}
            batch = (x, batch[self._target])
        ok = isinstance(batch, tuple | list) and len(batch) in (2, 3)
        fix = "A batch of x alone goes to predict."
        kind = type(batch).__name__ + (
            f" of {len(batch)}" if isinstance(batch, tuple | list) else ""
        )
        require(
            ok,
            "a batch",
            "(x, y) or (x, y, weights), or a dict of columns",
            error=DataError,
            received=kind,
            fix=fix,
        )
        x, y, weight = (*batch, None) if len(batch) == 2 else batch
        fix = (
            "This is one example: give several at once, as a DataLoader(data, batch_size=32) does."
        )
        require(
            np.ndim(y) > 0, "a batch", "rows, with a target for each", error=DataError, y=y, fix=fix
        )
        x = self.stack_columns(x) if isinstance(x, Mapping) else x
        return self._vectorizer(x) if self._vectorizer else x, y, weight

    def stack_columns(self, x: Mapping[str, Any]) -> Any:
        """Features by name, as one array: one column alone is it, several numbers a row are stacked
        in the order of the first batch.

        Raises:
            DataError: none, other names than the first batch's, or columns that hold more than one
                number a row.
        """
        self._column_names = self._column_names or list(x)
        fix = "Every batch needs the first one's columns, and no others."
        require(
            x and set(x) == set(self._column_names),
            "a batch",
            f"columns {self._column_names}",
            error=DataError,
            received=list(x),
            fix=fix,
        )
        if len(x) == 1:
            return next(iter(x.values()))
        found = [np.asarray(x[name]) for name in self._column_names]
        shapes = {
            name: column.shape for name, column in zip(self._column_names, found, strict=True)
        }
        fix = "Keep one column beside the target, or make one array of them."
        require(
            all(column.ndim == 1 for column in found),
            "a batch",
            "one number a row in each column",
            error=DataError,
            fix=fix,
            **shapes,
        )
        return np.stack(found, axis=1)

    def _iter_encoded(
        self, location_format: str, repeat: bool, start_step: int = 0
    ) -> Iterator[tuple[str, Data]]:
        for where, batch in self._iter_raw(location_format, repeat, start_step):
            with error_location(where):
                data = self._encode_batch(batch)
            yield where, data

    def _encode_batch(self, batch: Any) -> Data:
        """The batch that was drawn last, encoded; where passes must come again, it is to begin one
        as it began the first.
        """
        assert self._encode is not None
        data = self._encode(batch)
        if (
            self._repeatable
            and self._at_epoch_start
            and not (self._iterable.takes_epoch and self._next_epoch != self._first_epoch + 1)
        ):
            self._first_batch = self._first_batch or data
            self._require_same_start(data)
        return data

    def _iter_raw(
        self, location_format: str, repeat: bool, n_batches: int = 0
    ) -> Iterator[tuple[str, Any]]:
        """An epoch's batches after the first `n_batches` as they were given, each with what errors
        call it.
        """
        while n_batches != self._steps_per_epoch:
            where = location_format.format(n_batches + 1)
            with error_location(where):
                batch = self._next_batch()
            if batch is not END:
                n_batches += 1
                yield where, batch
            elif self._steps_per_epoch is None and n_batches:
                return
            elif self._is_empty or not (repeat and self._iterable.repeatable):
                self._raise_exhausted(where, n_batches)

    def _next_batch(self) -> Any:
        """The next batch of the pass under way, else of a new one; `COMMON_SPEC` where the pass has
        ended.
        """
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
        wanted = (
            f"{self._steps_per_epoch} batches ({self._steps_argument})"
            if self._steps_per_epoch
            else "at least one batch"
        )
        fix = "An iterator goes round once: pass a list, or a function that begins anew."
        if self._iterable.repeatable:
            fix = (
                "What gives the batches is empty."
                if self._is_empty
                else f"Lower {self._steps_argument}, or leave it out for one pass."
            )
        raise DataError(
            f"{location}: expected {wanted}. Received: {n_batches}, then the iterable ended. {fix}"
        )

    def _require_same_form(self, data: Data) -> None:
        assert self._first_batch is not None
        first = self._first_batch
        got, most = len(data.x), len(first.x)
        fix = "Make batches of one size; only a smaller one may follow."
        require(
            got <= most,
            "a batch",
            f"at most {most} rows, as the first has",
            error=DataError,
            rows=got,
            shape=data.x.shape,
            fix=fix,
        )
        for what, a, b in zip(("x", "y", "weights"), data, first, strict=True):
            if _dtype_and_shape(a) != _dtype_and_shape(b):
                fix = "Make all batches as the first is."
                require(
                    False,
                    what,
                    f"{_describe_form(b)}, as in the first batch",
                    error=DataError,
                    received=_describe_form(a),
                    fix=fix,
                )

    def _require_same_start(self, data: Data) -> None:
        """Refuse the first batch of a pass that does not begin as the first did."""
        assert self._first_batch is not None
        same = all(
            a is b or np.array_equal(a, b) for a, b in zip(data, self._first_batch, strict=True)
        )
        fix = "Shuffle by the number: pass a function of epoch, lambda epoch: batches of that epoch, the same at every call."
        require(
            same,
            "resume",
            "every pass to begin with the same batch, so that any can be begun anew",
            error=DataError,
            fix=fix,
        )


def _dtype_and_shape(a: np.ndarray | None) -> tuple[np.dtype, Shape] | None:
    return None if a is None else (a.dtype, a.shape[1:])


def _describe_form(a: np.ndarray | None) -> str:
    return "none" if a is None else f"{a.dtype} of shape {a.shape[1:]} a row"


class StreamReader:
    """A stream that `fit` trains on, read in a thread from its first batch on.

    Args:
        stream: of batches.
        first_epoch: the first, counted from 0.
    """

    def __init__(self, stream: BatchStream, first_epoch: int):
        self._stream, self._thread, self._location = (
            stream,
            BackgroundThread(),
            f"batch 1 of epoch {first_epoch + 1}",
        )

    def peek(self) -> tuple[Any, Any]:
        """x and y of the first batch."""
        return self._thread.submit(lambda: self._stream.peek(self._location)).result()

    def make_source(self, loss: Loss, built: BuiltNetwork, class_weight: Any) -> PrefetchSource:
        """The chunks: see `BatchStream.bind`."""
        self._stream.bind(loss, built, class_weight)
        first = self._stream.encode_first(self._location)
        return PrefetchSource(self._stream, first, len(first.x), self._thread)

    def seek(self, first_epoch: int, epoch: int, start_step: int) -> None:
        """Read on from there: see `BatchStream.seek`."""
        self._thread.submit(lambda: self._stream.seek(first_epoch, epoch, start_step)).result()

    def close(self) -> None:
        """Read no more."""
        self._thread.submit(self._stream.close)
        self._thread.close()


@dataclass(frozen=True)
class StreamBlocks:
    """Batches to be scored: each iteration is a pass of its own, in blocks.

    Args:
        stream: of batches.
        location_format: what errors call the batch of a number.
    """

    stream: BatchStream
    location_format: str

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        with closing(self.stream):
            yield from self.stream.iter_blocks(self.location_format)

    def fingerprint(self) -> dict[str, Any]:
        """See `BatchStream.fingerprint`."""
        list(islice(self, 1))  # the first batch is then known
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
    """A user's batches to be scored, in that network: see `BatchStream`."""
    stream = BatchStream(batches, steps, **stream_options)
    stream.bind(loss, built)
    return StreamBlocks(stream, location_format)


def reject_array_arguments(
    y: Any, sample_weight: Any, validation_split: float, has_table_options: bool
) -> None:
    """Refuse what goes with rows alone.

    Args:
        y: of `fit`.
        sample_weight: of `fit`.
        validation_split: of `fit`.
        has_table_options: whether something was asked of a table besides its target.

    Raises:
        ConfigError: any of them is given.
    """
    require(
        y is None,
        "fit",
        "y=None: batches hold their targets",
        y=type(y).__name__,
        fix="Give batches (x, y).",
    )
    given = type(sample_weight).__name__
    require(
        sample_weight is None,
        "sample_weight",
        "None with batches",
        sample_weight=given,
        fix="Give batches (x, y, weights).",
    )
    fix = "Give batches that are not trained on as validation_data."
    require(
        not validation_split,
        "validation_split",
        "0 with batches, whose rows have no number",
        validation_split=validation_split,
        fix=fix,
    )
    require(
        not has_table_options,
        "fit",
        "column_types, derive and target_transform for a table alone",
        fix="Make the batches' columns as they are to be.",
    )
