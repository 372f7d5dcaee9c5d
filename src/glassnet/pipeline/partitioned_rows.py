"""Rows of a table in partitions, encoded part by part: training batches and evaluation blocks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.arrow_columns import table_from_arrow
from glassnet.data.parsing import is_missing
from glassnet.data.partitioned_table import Partition, PartitionedTable, RowMask
from glassnet.engine.inference import iter_padded_blocks
from glassnet.engine.placement import ONE_DEVICE, Placement
from glassnet.engine.train_step import Data
from glassnet.errors import DataWarning, warn
from glassnet.losses import Loss
from glassnet.pipeline.prefetch import error_location
from glassnet.pipeline.row_adapter import ArrayBlocks
from glassnet.pipeline.targets import encode_targets, get_class_labels
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.types import Shape

if TYPE_CHECKING:
    import pyarrow

MAX_BUFFER_BYTES = 64 * 2**20
"""Maximum size of the encoded rows that are shuffled together."""

MAX_BUFFER_ROWS = 1 << 18
"""Maximum number of rows that are shuffled together."""

TAKEN_ROWS = 4096
"""Number of rows that are taken from a buffer at once: many small takes would be slow."""

OPEN_PARTITIONS = 4
"""Number of partitions from which rows are read in turn, so that they are shuffled together."""

MAX_CACHE_BYTES = 256 * 2**20
"""Maximum size of encoded validation rows that stay in memory from the first epoch on."""


@dataclass(frozen=True, eq=False)
class PartitionEncoder:
    """Encodes rows of a table in partitions for one network and loss.

    Attributes:
        table: the table.
        preprocessor: fitted to the training rows.
        loss: the training loss.
        output_shape: shape of one example's output.
        class_weight: weight of each class by its index, or None.
        prefix: put before x and y in error messages.
    """

    table: PartitionedTable
    preprocessor: TabularPreprocessor
    loss: Loss
    output_shape: Shape
    class_weight: np.ndarray | None = None
    prefix: str = ""

    @property
    def columns(self) -> list[str]:
        """Names of the columns to read."""
        names = [*self.preprocessor.encoder.input_columns, self.preprocessor.target.name]
        return list(dict.fromkeys(names))

    def iter_rows(self, mask: RowMask | None, part: slice = slice(None)) -> Iterator[Rows]:
        """Yield the rows that have a target, in order; those of a part of the partitions."""
        for partition in self.table.partitions[part]:
            yield from self.read_partition(partition, mask)

    def read_partition(self, partition: Partition, mask: RowMask | None) -> Iterator[Rows]:
        """Yield the rows of a partition that have a target, in order."""
        target = self.preprocessor.target.name
        for batch in self.table.read_partition(partition, self.columns, mask):
            has_target = find_targets(batch, target)
            if not has_target.all():
                batch = batch.filter(_to_mask(has_target))
            if len(batch):
                yield Rows(partition.name, batch)

    def encode(
        self, rows: Rows, unknown: UnknownCategories | None = None, out: np.ndarray | None = None
    ) -> Data:
        """Return rows as numbers.

        Args:
            rows: of the table, with targets.
            unknown: records columns without a category of training; None if that is expected.
            out: an array for the features, or None for a new one.

        Raises:
            DataError: a value that cannot be encoded; the message names the partition.
        """
        target = self.preprocessor.target
        with error_location(rows.location):
            table = to_table(rows.batch)
            x = encode_features(self.preprocessor, table, unknown, out)
            y = target.transform(table.columns[target.name])
            y = encode_targets(y, self.loss, self.output_shape, f"{self.prefix}y")
            return Data(x, y, self._weigh(y))

    def _weigh(self, y: np.ndarray) -> np.ndarray | None:
        if self.class_weight is None:
            return None
        weight: np.ndarray = self.class_weight[get_class_labels(y, self.loss)]
        return weight


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one partition, not encoded.

    Attributes:
        location: name of the partition, for error messages.
        batch: the columns.
    """

    location: str
    batch: pyarrow.RecordBatch


@dataclass(eq=False)
class UnknownCategories:
    """Columns of which no part has had a category of training; text for the user by name."""

    texts: dict[str, str] | None = None

    def record(self, texts: Mapping[str, str]) -> None:
        """Record what `Encoder.transform` found in one part."""
        if self.texts is None:
            self.texts = dict(texts)
        else:
            self.texts = {name: text for name, text in self.texts.items() if name in texts}

    def warn(self) -> None:
        """Warn about the columns of which no row had a category of training."""
        for text in (self.texts or {}).values():
            warn(text, DataWarning)


def to_table(batch: pyarrow.RecordBatch) -> Any:
    """Return rows as a `Table`."""
    import pyarrow

    return table_from_arrow(pyarrow.Table.from_batches([batch]))


def encode_features(
    preprocessor: TabularPreprocessor,
    table: Any,
    unknown: UnknownCategories | None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Return the features of a part of a table; columns without known categories are recorded."""
    record = (lambda texts: None) if unknown is None else unknown.record
    return preprocessor.encoder.transform(table, record, out)


def find_targets(batch: pyarrow.RecordBatch, target: str) -> np.ndarray:
    """Return which rows have a target, (n,) booleans."""
    return ~is_missing(to_table(batch.select([target])).columns[target])


def _to_mask(mask: np.ndarray) -> Any:
    import pyarrow

    return pyarrow.array(mask)


def count_buffer_rows(preprocessor: TabularPreprocessor, batch_size: int, n_rows: int) -> int:
    """Return the number of rows that are shuffled together."""
    rows = min(MAX_BUFFER_BYTES // (4 * len(preprocessor.feature_names)), MAX_BUFFER_ROWS)
    return min(max(rows, 2 * batch_size), n_rows)


@dataclass(frozen=True, eq=False)
class PartitionReader:
    """Training batches of a table in partitions: a `prefetch.BatchReader`.

    The order depends on the seed and the epoch only. Partitions are read in a random order, some at
    a time in turn, and the rows of each buffer are shuffled. Each row comes exactly once.

    Attributes:
        encoder: encodes the rows.
        mask: selects the training rows; None for all.
        batch_size: rows per batch; the last batch may have fewer.
        n_samples: number of rows in an epoch.
        buffer_rows: rows that are shuffled together.
        seed: seed of the order.
        shuffle: whether each epoch has a new order. Otherwise the rows are read in order.
        version: describes the rows, for `fingerprint`.
        part: which partitions this process reads, if several train together.
        n_own: number of their rows; None for `n_samples`.
    """

    encoder: PartitionEncoder
    mask: RowMask | None
    batch_size: int
    n_samples: int
    buffer_rows: int
    seed: int
    shuffle: bool
    version: Mapping[str, Any]
    part: slice = field(default_factory=lambda: slice(None))
    n_own: int | None = None

    @property
    def steps(self) -> int:
        n_rows = self.n_samples if self.n_own is None else self.n_own
        return -(-n_rows // self.batch_size)

    def own_files(self, counts: TargetCounts, placement: Placement) -> PartitionReader | None:
        """Return the reader of this process's files and its share of each batch.

        None if there are not enough files, so that a process would have no rows.
        """
        n, part = placement.n_processes, placement.own_items
        if not all(sum(counts.by_partition[i::n]) for i in range(n)):
            return None
        batch_size, n_own = -(-self.batch_size // n), sum(counts.by_partition[part])
        return replace(self, batch_size=batch_size, part=part, n_own=n_own)

    def iter_batches(self, epoch: int, start_step: int) -> Iterator[Data]:
        rng = np.random.default_rng((self.seed, epoch, 4))
        n_skipped, size = start_step * self.batch_size, self.batch_size
        buffer = np.empty((0, len(self.encoder.preprocessor.feature_names)), np.float32)
        left: Data | None = None
        for parts in self._iter_buffers(rng):
            n_rows = sum(len(rows.batch) for rows in parts)
            order = rng.permutation(n_rows) if self.shuffle else np.arange(n_rows)
            if n_rows <= n_skipped:
                n_skipped -= n_rows
                continue
            order, n_skipped = order[n_skipped:], 0
            if len(buffer) < n_rows:
                buffer = np.empty((n_rows, buffer.shape[1]), np.float32)
            rows = self._encode(parts, buffer)
            for block in _iter_blocks(rows, order, size * max(1, TAKEN_ROWS // size), left):
                whole = len(block.x) // size * size
                for start in range(0, whole, size):
                    yield block.take(slice(start, start + size))
                left = block.take(slice(whole, None)) if whole < len(block.x) else None
        if left is not None:
            yield left

    def _encode(self, parts: Sequence[Rows], buffer: np.ndarray) -> Data:
        """Return the rows of a buffer, encoded into the memory of `buffer`."""
        others, start = [], 0
        for rows in parts:
            out = buffer[start : start + len(rows.batch)]
            others.append(self.encoder.encode(rows, out=out)._replace(x=out))
            start += len(rows.batch)
        y = np.concatenate([data.y for data in others])
        weights = [data.weight for data in others if data.weight is not None]
        return Data(buffer[:start], y, np.concatenate(weights) if weights else None)

    def _iter_buffers(self, rng: np.random.Generator) -> Iterator[list[Rows]]:
        """Yield the rows of each buffer, in the order in which they are read."""
        parts: list[Rows] = []
        n_rows = 0
        for rows in self._iter_rows(rng):
            parts.append(rows)
            n_rows += len(rows.batch)
            if n_rows >= self.buffer_rows:
                yield parts
                parts, n_rows = [], 0
        if parts:
            yield parts

    def _iter_rows(self, rng: np.random.Generator) -> Iterator[Rows]:
        """Yield rows of some open partitions in turn; the partitions are in a random order."""
        if not self.shuffle:
            yield from self.encoder.iter_rows(self.mask, self.part)
            return
        partitions = self.encoder.table.partitions[self.part]
        waiting = [partitions[i] for i in rng.permutation(len(partitions))[::-1]]
        readers: list[Iterator[Rows]] = []
        while waiting or readers:
            while waiting and len(readers) < OPEN_PARTITIONS:
                readers.append(self.encoder.read_partition(waiting.pop(), self.mask))
            for reader in tuple(readers):
                rows = next(reader, None)
                if rows is None:
                    readers.remove(reader)
                else:
                    yield rows

    def fingerprint(self) -> dict[str, Any]:
        return {**self.version, "buffer": self.buffer_rows}

    def close(self) -> None:
        pass


def _iter_blocks(
    rows: Data, order: np.ndarray, block_rows: int, left: Data | None
) -> Iterator[Data]:
    """Yield copies of rows in an order; the first ones follow those that are left from before."""
    n_left = 0 if left is None else len(left.x)
    for start in range(-n_left, len(order), block_rows):
        index = order[max(start, 0) : start + block_rows]
        block = Data(*(None if a is None else np.take(a, index, axis=0) for a in rows))
        yield block if left is None or start > -n_left else _concatenate([left, block])


@dataclass(eq=False)
class PartitionBlocks:
    """Evaluation blocks of a table in partitions, read again in every iteration.

    Rows that fit into `MAX_CACHE_BYTES` are read only once if they are iterated repeatedly.

    Attributes:
        encoder: encodes the rows.
        mask: selects the rows; None for all.
        version: describes the rows, for `fingerprint`.
        is_repeated: whether the blocks are iterated repeatedly.
        block_rows: see `EvaluationOptions`.
        placement: the devices. Of the partitions, each of their processes has its part.
    """

    encoder: PartitionEncoder
    mask: RowMask | None
    version: Mapping[str, Any]
    is_repeated: bool
    block_rows: int | None = None
    placement: Placement = ONE_DEVICE
    _cache: ArrayBlocks | None = field(default=None, init=False)

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        if self._cache is not None:
            yield from self._cache
            return
        blocks, n_bytes, unknown = [], 0, UnknownCategories()
        for data in self._iter_data(unknown):
            for block in iter_padded_blocks(data, self.block_rows, placement=self.placement):
                n_bytes += sum(a.nbytes for a in block[0] if a is not None)
                if self.is_repeated and n_bytes <= MAX_CACHE_BYTES:
                    blocks.append(block)
                yield block
        unknown.warn()
        if self.is_repeated and blocks and n_bytes <= MAX_CACHE_BYTES:
            self._cache = ArrayBlocks(blocks)

    def _iter_data(self, unknown: UnknownCategories) -> Iterator[Data]:
        """Yield encoded rows, many at a time, so that few blocks are padded."""
        parts: list[Data] = []
        for rows in self.encoder.iter_rows(self.mask, self.placement.own_items):
            parts.append(self.encoder.encode(rows, unknown))
            if sum(len(part.x) for part in parts) >= MAX_BUFFER_ROWS // 4:
                yield _concatenate(parts)
                parts = []
        if parts:
            yield _concatenate(parts)

    def part_of(self, placement: Placement) -> PartitionBlocks:
        return self

    def fingerprint(self) -> dict[str, Any]:
        return dict(self.version)

    def sample(self, n: int) -> Data | None:
        return None if self._whole is None else self._whole.sample(n)

    def read_targets(self) -> tuple[np.ndarray, np.ndarray | None] | None:
        return None if self._whole is None else self._whole.read_targets()

    @property
    def _whole(self) -> ArrayBlocks | None:
        """All rows; None if they are not in memory, or other processes have some of them."""
        return self._cache if self.placement.n_processes == 1 else None


def _concatenate(parts: Sequence[Data]) -> Data:
    if len(parts) == 1:
        return parts[0]
    columns = zip(*parts, strict=True)
    return Data(*(None if column[0] is None else np.concatenate(column) for column in columns))


@dataclass(frozen=True)
class TargetCounts:
    """Numbers of rows of a table in partitions.

    Attributes:
        n_train: training rows.
        n_validation: validation rows.
        n_missing: rows without a target, which are left out.
        labels: number of training rows of each value of the target; empty if not counted.
        by_partition: training rows of each partition.
    """

    n_train: int
    n_validation: int
    n_missing: int
    labels: Mapping[Any, int]
    by_partition: tuple[int, ...]

    @cached_property
    def n_rows(self) -> int:
        """Number of all rows."""
        return self.n_train + self.n_validation + self.n_missing


def count_targets(
    table: PartitionedTable, target: str, mask: RowMask | None, with_labels: bool
) -> TargetCounts:
    """Read the target of all rows and count the rows.

    Args:
        table: the table.
        target: name of the column.
        mask: selects the training rows; None for all.
        with_labels: whether to count the values.
    """
    n_rows = n_missing = 0
    labels: Counter[Any] = Counter()
    by_partition = []
    for partition in table.partitions:
        first_row, n_train = partition.first_row, 0
        for batch in table.read_partition(partition, [target]):
            column = to_table(batch).columns[target]
            numbers = np.arange(first_row, first_row + len(column), dtype=np.uint64)
            first_row += len(column)
            has_target = ~is_missing(column)
            selected = has_target if mask is None else has_target & mask(numbers)
            n_rows += len(column)
            n_missing += int((~has_target).sum())
            n_train += int(selected.sum())
            if with_labels:
                labels.update(column[selected].tolist())
        by_partition.append(n_train)
    n_train = sum(by_partition)
    n_validation = n_rows - n_train - n_missing
    return TargetCounts(n_train, n_validation, n_missing, labels, tuple(by_partition))
