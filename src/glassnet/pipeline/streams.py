"""Streams in: whatever gives batches one after another, each checked as arrays are, and named where it cannot be used."""

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
from glassnet.engine.network import Built
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, is_int, require
from glassnet.layers import TextVectorization
from glassnet.losses import Loss
from glassnet.pipeline import encoding
from glassnet.pipeline.batches import is_parts, passes
from glassnet.pipeline.prefetch import Feed, Worker, named
from glassnet.types import Shape

END = object()


class Stream:
    """Batches that are drawn, one after another, from what a user gave.

    Args:
        given: see `passes.passes`.
        steps: batches of an epoch; None for one pass.
        batch_size: see `passes`.
        target: the column of targets, where batches are columns by name.
        what: the argument that says `steps`.
        epoch: the number of the first pass.
        again: whether any epoch must be one that can be begun anew.
        text: what makes numbers of texts, where x is texts.

    Raises:
        ConfigError: steps that are no int >= 1; with `again` an iterator.
    """

    def __init__(
        self,
        given: Any,
        steps: int | None,
        *,
        batch_size: int | str = 32,
        target: str | None = None,
        what: str = "steps",
        epoch: int = 0,
        again: bool = False,
        text: TextVectorization | None = None,
    ):
        require(steps is None or is_int(steps, least=1), what, "an int >= 1 or None", steps=steps)
        self._passes, self._number = passes(given, batch_size), epoch
        self._asked, self._target, self._what = None if steps is None else int(steps), target, what
        self._text = text
        self.steps = self._asked or self._passes.length
        self._under_way: Iterator[Any] | None = None
        self._empty = True
        self._pending: list[Any] = []
        fix = "Pass a list, or a function that gives a new iterator."
        require(self._passes.again or not again, "resume", "batches that come again, not an iterator, which goes round once", fix=fix)
        self._start, self._again, self._begins = epoch, again, False
        self._listed = given if isinstance(given, list) else []
        self._columns: list[str] | None = None
        self._encode: Callable[[Any], Data] | None = None
        self._by_class: np.ndarray | None = None
        self._first: Data | None = None

    @property
    def rows(self) -> None:
        """No one knows."""

    def peek(self, where: str) -> tuple[Any, Any]:
        """x and y of the first batch, which stays to be drawn.

        Args:
            where: what an error begins with.

        Raises:
            DataError: there is none, or it is none.
        """
        with named(where):
            batch = self._next()
        if batch is END:
            self._dry(where, 0)
        self._pending.append(batch)
        with named(where):
            x, y, _ = self.parts(batch)
            return arrays.features(x), arrays.numbers(y, "y")

    def bind(self, loss: Loss, built: Built, class_weight: Any = None) -> None:
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
        require(not balanced, "class_weight", "a dict {class: weight} with batches", error=DataError, class_weight=class_weight, fix=fix)
        by_class = self._by_class = arrays.class_weights(class_weight, np.arange(max(built.shapes[-1][-1], 2)))

        def encode(batch: Any) -> Data:
            x, y, weight = self.parts(batch)
            data, labels = encoding.encode(arrays.features(x, built.shapes[0], links=built.links), y, loss, built.shapes[-1], weight)
            if by_class is None:
                return data
            fix = "Use sample_weight for other targets."
            require(labels is not None, "class_weight", "targets that are classes", error=DataError, fix=fix)
            return data._replace(weight=by_class[labels] if data.weight is None else data.weight * by_class[labels])

        self._encode = encode

    def first(self, where: str) -> Data:
        """The batch that was peeked at, encoded; `draw` holds all others against it.

        Args:
            where: what an error begins with.

        Raises:
            DataError: it cannot be used.
        """
        assert self._encode is not None
        with named(where):
            self._first = self._encode(self._pending[0])
        return self._first

    def marks(self) -> dict[str, Any]:
        """Those of the first batch and of class weights; of a list, of all batches."""
        assert self._first is not None
        given = [[np.asarray(part) for part in self.parts(batch) if part is not None] for batch in self._listed]
        also = fingerprinting.of_each({"class_weight": self._by_class}) | {"batches in all": fingerprinting.of_tree(given)}
        return {"first batch": fingerprinting.of_each(self._first._asdict()), "batches": self.steps} | also

    def seek(self, first: int, epoch: int, done: int) -> None:
        """Go on after `done` batches of an epoch, in a run that began with epoch `first`.

        Raises:
            DataError: there are fewer.
        """
        self.close()
        self._pending.clear()
        self._number, behind = (first, (epoch - first) * self._asked + done) if self._asked else (epoch, done)
        for number in range(behind):
            where = f"batch {number + 1} on the way to batch {done + 1} of epoch {epoch + 1}"
            with named(where):
                while (batch := self._next()) is END:
                    if self._empty or not self._asked:
                        self._dry(where, number)
                if self._begins:
                    self._read(batch)

    def draw(self, epoch: int, done: int = 0) -> Iterator[Data]:
        """An epoch's batches but the first `done`, each like the first, which no other has more rows than; `steps` go round and round."""
        for where, data in self._encoded(f"batch {{}} of epoch {epoch + 1}", rounds=True, done=done):
            with named(where):
                self._require_alike(data)
            yield data

    def blocks(self, name: str) -> Iterator[tuple[Data, np.ndarray]]:
        """The batches of one pass as padded blocks to be scored (`evaluation.to_blocks`), of any number of rows each.

        Args:
            name: what errors call the batch of a number.
        """
        self._number = 0
        for _, data in self._encoded(name, rounds=False):
            yield from inference.to_blocks(data)

    def outputs(self, predict: Callable[[Any], np.ndarray]) -> np.ndarray:
        """What `predict` makes of the features of all batches of one pass, which may hold targets too."""
        parts = []
        for where, batch in self._drawn("batch {}", rounds=False):
            with named(where):
                x = batch[0] if isinstance(batch, tuple) or is_parts(batch) else batch
                parts.append(predict(self.columns(x) if isinstance(x, Mapping) else x))
        return np.concatenate(parts)

    def close(self) -> None:
        """End a pass that was begun here; a user's own iterator stays where it is."""
        end = getattr(self._under_way, "close", None)
        if self._passes.again and end:
            end()
        self._under_way = None

    def parts(self, batch: Any) -> tuple[Any, Any, Any]:
        """(x, y, weights or None) of a batch.

        Raises:
            DataError: it is neither (x, y), (x, y, weights) nor columns by name; or one example rather than a batch.
        """
        if isinstance(batch, Mapping):
            fix = f"Write target={list(batch)[-1]!r}, say."
            require(self._target in batch, "target", "the name of the column of targets", error=DataError, target=self._target, fix=fix)
            x = {name: column for name, column in batch.items() if name != self._target}
            batch = (x, batch[self._target])
        ok = isinstance(batch, tuple | list) and len(batch) in (2, 3)
        fix = "A batch of x alone goes to predict."
        kind = type(batch).__name__ + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
        require(ok, "a batch", "(x, y) or (x, y, weights), or a dict of columns", error=DataError, received=kind, fix=fix)
        x, y, weight = (*batch, None) if len(batch) == 2 else batch
        fix = "This is one example: give several at once, as a DataLoader(data, batch_size=32) does."
        require(np.ndim(y) > 0, "a batch", "rows, with a target for each", error=DataError, y=y, fix=fix)
        x = self.columns(x) if isinstance(x, Mapping) else x
        return self._text(x) if self._text else x, y, weight

    def columns(self, x: Mapping[str, Any]) -> Any:
        """Features by name, as one array: one column alone is it, several numbers a row are stacked in the order of the first batch.

        Raises:
            DataError: none, other names than the first batch's, or columns that hold more than one number a row.
        """
        self._columns = self._columns or list(x)
        fix = "Every batch needs the first one's columns, and no others."
        require(x and set(x) == set(self._columns), "a batch", f"columns {self._columns}", error=DataError, received=list(x), fix=fix)
        if len(x) == 1:
            return next(iter(x.values()))
        found = [np.asarray(x[name]) for name in self._columns]
        shapes = {name: column.shape for name, column in zip(self._columns, found, strict=True)}
        fix = "Keep one column beside the target, or make one array of them."
        require(all(column.ndim == 1 for column in found), "a batch", "one number a row in each column", error=DataError, fix=fix, **shapes)
        return np.stack(found, axis=1)

    def _encoded(self, name: str, rounds: bool, done: int = 0) -> Iterator[tuple[str, Data]]:
        for where, batch in self._drawn(name, rounds, done):
            with named(where):
                data = self._read(batch)
            yield where, data

    def _read(self, batch: Any) -> Data:
        """The batch that was drawn last, encoded; where passes must come again, it is to begin one as it began the first."""
        assert self._encode is not None
        data = self._encode(batch)
        if self._again and self._begins and not (self._passes.numbered and self._number != self._start + 1):
            self._first = self._first or data
            self._require_same(data)
        return data

    def _drawn(self, name: str, rounds: bool, number: int = 0) -> Iterator[tuple[str, Any]]:
        """An epoch's batches after the first `number` as they were given, each with what errors call it."""
        while number != self._asked:
            where = name.format(number + 1)
            with named(where):
                batch = self._next()
            if batch is not END:
                number += 1
                yield where, batch
            elif self._asked is None and number:
                return
            elif self._empty or not (rounds and self._passes.again):
                self._dry(where, number)

    def _next(self) -> Any:
        """The next batch of the pass under way, else of a new one; `END` where the pass has ended."""
        if self._pending:
            self._begins = True
            return self._pending.pop()
        if self._under_way is None:
            self._under_way, self._empty = self._passes.begin(self._number), True
            self._number += 1
        batch = next(self._under_way, END)
        if batch is END:
            self._under_way = None
            self._passes.ended()
        else:
            self._begins, self._empty = self._empty, False
        return batch

    def _dry(self, where: str, number: int) -> NoReturn:
        wanted = f"{self._asked} batches ({self._what})" if self._asked else "at least one batch"
        fix = "An iterator goes round once: pass a list, or a function that begins anew."
        if self._passes.again:
            fix = "What gives the batches is empty." if self._empty else f"Lower {self._what}, or leave it out for one pass."
        raise DataError(f"{where}: expected {wanted}. Received: {number}, then the iterable ended. {fix}")

    def _require_alike(self, data: Data) -> None:
        assert self._first is not None
        first = self._first
        got, most = len(data.x), len(first.x)
        fix = "Make batches of one size; only a smaller one may follow."
        require(got <= most, "a batch", f"at most {most} rows, as the first has", error=DataError, rows=got, shape=data.x.shape, fix=fix)
        for what, a, b in zip(("x", "y", "weights"), data, first, strict=True):
            if _form(a) != _form(b):
                fix = "Make all batches as the first is."
                require(False, what, f"{_said(b)}, as in the first batch", error=DataError, received=_said(a), fix=fix)

    def _require_same(self, data: Data) -> None:
        """Refuse the first batch of a pass that does not begin as the first did."""
        assert self._first is not None
        same = all(a is b or np.array_equal(a, b) for a, b in zip(data, self._first, strict=True))
        fix = "Shuffle by the number: pass a function of epoch, lambda epoch: batches of that epoch, the same at every call."
        require(same, "resume", "every pass to begin with the same batch, so that any can be begun anew", error=DataError, fix=fix)


def _form(a: np.ndarray | None) -> tuple[np.dtype, Shape] | None:
    return None if a is None else (a.dtype, a.shape[1:])


def _said(a: np.ndarray | None) -> str:
    return "none" if a is None else f"{a.dtype} of shape {a.shape[1:]} a row"


class Reading:
    """A stream that `fit` trains on, read in a thread from its first batch on.

    Args:
        stream: of batches.
        epoch: the first, counted from 0.
    """

    def __init__(self, stream: Stream, epoch: int):
        self._stream, self._worker, self._where = stream, Worker(), f"batch 1 of epoch {epoch + 1}"

    def peek(self) -> tuple[Any, Any]:
        """x and y of the first batch."""
        return self._worker.submit(lambda: self._stream.peek(self._where)).result()

    def feed(self, loss: Loss, built: Built, class_weight: Any) -> Feed:
        """The chunks: see `Stream.bind`."""
        self._stream.bind(loss, built, class_weight)
        first = self._stream.first(self._where)
        return Feed(self._stream, first, len(first.x), self._worker)

    def seek(self, first: int, epoch: int, done: int) -> None:
        """Read on from there: see `Stream.seek`."""
        self._worker.submit(lambda: self._stream.seek(first, epoch, done)).result()

    def close(self) -> None:
        """Read no more."""
        self._worker.submit(self._stream.close)
        self._worker.close()


@dataclass(frozen=True)
class Scored:
    """Batches to be scored: each iteration is a pass of its own, in blocks.

    Args:
        stream: of batches.
        name: what errors call the batch of a number.
    """

    stream: Stream
    name: str

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        with closing(self.stream):
            yield from self.stream.blocks(self.name)

    def marks(self) -> dict[str, Any]:
        """See `Stream.marks`."""
        list(islice(self, 1))  # the first batch is then known
        return self.stream.marks()


def scored(given: Any, steps: int | None, loss: Loss, built: Built, *, name: str = "batch {}", **how: Any) -> Scored:
    """A user's batches to be scored, in that network: see `Stream`."""
    stream = Stream(given, steps, **how)
    stream.bind(loss, built)
    return Scored(stream, name)


def require_plain(y: Any, sample_weight: Any, validation_split: float, asked: bool) -> None:
    """Refuse what goes with rows alone.

    Args:
        y: of `fit`.
        sample_weight: of `fit`.
        validation_split: of `fit`.
        asked: whether something was asked of a table besides its target.

    Raises:
        ConfigError: any of them is given.
    """
    require(y is None, "fit", "y=None: batches hold their targets", y=type(y).__name__, fix="Give batches (x, y).")
    given = type(sample_weight).__name__
    require(sample_weight is None, "sample_weight", "None with batches", sample_weight=given, fix="Give batches (x, y, weights).")
    fix = "Give batches that are not trained on as validation_data."
    require(
        not validation_split, "validation_split", "0 with batches, whose rows have no number", validation_split=validation_split, fix=fix
    )
    require(not asked, "fit", "columns, derive and target_transform for a table alone", fix="Make the batches' columns as they are to be.")
