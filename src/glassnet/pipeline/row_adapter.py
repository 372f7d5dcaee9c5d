"""Adapter base class of data with a known number of rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from glassnet import fingerprinting
from glassnet.data import arrays
from glassnet.engine.epoch_runner import ArraySource, BatchSource
from glassnet.engine.inference import BLOCK_SIZES, iter_padded_blocks
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import Placement, take_rows
from glassnet.engine.train_step import Data, make_plan_fn
from glassnet.errors import DataError, require
from glassnet.layers.functional import Links
from glassnet.losses import Loss
from glassnet.partial_shapes import is_known
from glassnet.pipeline.adapter import (
    Blocks,
    DataAdapter,
    InputSpec,
    TrainingData,
    open_validation,
)
from glassnet.pipeline.memmap import HostBatches, HostBlocks, MemmapRows
from glassnet.pipeline.options import EvaluationOptions, FitOptions, check_steps
from glassnet.pipeline.prefetch import prefetch_whole_batches
from glassnet.pipeline.targets import apply_class_weight, encode_targets, get_class_labels
from glassnet.preprocessing.base import PreparedData, TableRequest


class SelectedRows(NamedTuple):
    """The rows of one run, among all encoded rows on the host.

    Attributes:
        data: all rows, with the weights that scores use.
        train_index: rows to train on.
        validation_index: rows to validate on, or None.
        train_weight: a weight for each training row, or None.
    """

    data: Data
    train_index: np.ndarray
    validation_index: np.ndarray | None
    train_weight: np.ndarray | None


class RowAdapter(DataAdapter):
    """Adapter of data with a known number of rows.

    A subclass says how its data become numbers: `accepts`, `features` and `targets`, and, if the
    training rows are to be learned from, `prepare`.
    """

    learns_from_rows = True
    """Whether `open` learns something from the training rows."""

    @property
    def has_target(self) -> np.ndarray | None:
        """Which rows have a target, (n,) booleans, after `open`; None if all have one."""
        return self._prepared.has_target

    def read(self) -> Any:
        """Return x, read into memory, so that several adapters need not read it again."""
        return self.x

    @abstractmethod
    def features(self) -> Any:
        """Return the features of all rows: an array, a memory map, or texts for a vectorizer."""

    def targets(self) -> Any:
        """Return the targets of all rows, or None if there are none."""
        return self.y

    def transform(self) -> PreparedData:
        """Return features and targets, encoded by the model's preprocessor if it has one."""
        return PreparedData(self.model.preprocessor, self.features(), self.targets())

    def prepare(self, options: FitOptions) -> PreparedData:
        """Return features and targets for training; a preprocessor may be fitted to them.

        Raises:
            ConfigError: an option for tables.
        """
        expected = "x to be a table, and no y, if a target or column options are named"
        has_options = options.request != TableRequest()
        require(not has_options, "fit", expected, x=type(self.x).__name__)
        return self.transform()

    def open(self, options: FitOptions | None = None, *, target: str | None = None) -> InputSpec:
        _require_all_rows("trace", EvaluationOptions(target=target))
        self._prepared = prepared = self.prepare(options) if options else self.transform()
        y, who, received = prepared.y, f"{self.prefix}y", type(self.x).__name__
        fix, preprocessor = "For a table, call fit(table, target=...) first.", prepared.preprocessor
        if preprocessor is not None:
            fix = f"Or pass data as in training: {preprocessor.describe(3)}."
        fix = f"Pass y. {fix}"
        require(y is not None, who, "targets", error=DataError, x=received, y=None, fix=fix)
        x = self._to_numbers(prepared.x)
        arrays.check_consistent_length(**{f"{self.prefix}x": x, f"{self.prefix}y": y})
        weight, has_target = arrays.squeeze_weight(self.sample_weight), prepared.has_target
        self._features = x
        if weight is not None and has_target is not None:
            weight = np.asarray(arrays.check_sample_weight(weight, len(has_target)))[has_target]
        self._weight = weight
        known = self.model.example_shape
        shape = x.shape[1:] if known is None or is_known(known) else known
        return InputSpec(shape, y, prepared.preprocessor, prepared.messages)

    @property
    def messages(self) -> tuple[str, ...]:
        has_target = self._prepared.has_target
        if has_target is None:
            return ()
        n, n_missing = len(has_target), np.sum(~has_target)
        return (f"left out {n_missing:,} of {n:,} rows without a target",)

    def encode(self, network: BuiltNetwork, loss: Loss) -> Data:
        x, prefix = self._features, self.prefix
        y = encode_targets(self._prepared.y, loss, network.output_shape_of(x), f"{prefix}y")
        weight = arrays.check_sample_weight(self._weight, len(x), f"{prefix}sample_weight")
        return Data(x, y, weight)

    def bind(self, network: BuiltNetwork, loss: Loss, options: FitOptions) -> TrainingData:
        rows = self.encode(network, loss)
        _check_unmasked(network.links, rows.x)
        train_index, validation_index = self.split(rows, loss, options)
        self._train_index = train_index
        if validation_index is None:
            preprocessor = self._prepared.preprocessor
            model = replace(self.model, preprocessor=preprocessor, example_shape=network.shapes[0])
            blocks = open_validation(network, loss, options, model)
        else:
            n, steps = len(validation_index), options.validation_steps
            check_steps("validation_steps", steps, n, options.batch_size)
            blocks = _make_blocks(rows.take(validation_index), options.placement)
            rows = take_rows(rows, train_index)
        rows = rows._replace(weight=self._weigh(rows, loss, options))
        copy = validation_index is None
        source = _make_source(rows, options, copy)
        return TrainingData(source, blocks, rows.x)

    def select(self, rows: Data, links: Links, loss: Loss, options: FitOptions) -> SelectedRows:
        """Choose the rows of one run, as `bind` does, but keep all rows together.

        Args:
            rows: all rows, as `encode` returns them.
            links: of the network.
            loss: the training loss.
            options: of the fit.

        Raises:
            DataError, ConfigError: see `bind`.
        """
        _check_unmasked(links, rows.x)
        train_index, validation_index = self.split(rows, loss, options)
        expected, fix = "training rows from options.rows", "Use options.split in `prepare`."
        fits = options.rows is None or np.isin(train_index, options.rows).all()
        require(fits, type(self).__name__, expected, error=DataError, fix=fix)
        weight = self._weigh(rows.take(train_index), loss, options)
        return SelectedRows(rows, train_index, validation_index, weight)

    def _weigh(self, rows: Data, loss: Loss, options: FitOptions) -> np.ndarray | None:
        """Return the weights of training rows, with those of their classes."""
        preprocessor, class_weight = self._prepared.preprocessor, options.class_weight
        if preprocessor is not None:
            class_weight = preprocessor.target.class_weight_by_index(class_weight)
        return apply_class_weight(rows.weight, rows.y, loss, class_weight)

    def split(
        self, rows: Data, loss: Loss, options: FitOptions
    ) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the indices of the rows to train on and of those to validate on."""
        prepared = self._prepared
        if prepared.train_index is not None:
            return prepared.train_index, prepared.validation_index
        arrays.check_precision(x=prepared.x, y=prepared.y)
        labels = get_class_labels(rows.y, loss)
        return options.split.split(len(rows.x), labels)

    def evaluation_blocks(
        self, network: BuiltNetwork, loss: Loss, options: EvaluationOptions
    ) -> Blocks:
        size = options.batch_size
        if size is None:
            _require_all_rows("evaluate", options)
        self.open()
        self._rows = rows = self.encode(network, loss)
        if size is None:
            self._block_rows, self._placement = options.block_rows, options.placement
            return self._iter_blocks(rows)
        check_steps(options.steps_argument, options.steps, len(rows.x), size)
        return _make_blocks(rows, options.placement)

    def blocks_of(self, mask: np.ndarray) -> Blocks:
        return self._iter_blocks(self._rows.take(mask))

    def _iter_blocks(self, rows: Data) -> ArrayBlocks:
        block_rows = _limit_block(len(rows.x), self._block_rows, self._placement)
        blocks = iter_padded_blocks(rows, block_rows, placement=self._placement)
        return ArrayBlocks(blocks)

    def hash_training_rows(self, salt: int) -> np.ndarray | None:
        if len(self._train_index) > fingerprinting.MAX_ROWS:
            return None
        hashes = self.hash_rows(salt)
        return None if hashes is None else hashes[self._train_index]

    def hash_rows(self, salt: int) -> np.ndarray | None:
        x = self._features if hasattr(self, "_features") else self._to_numbers(self.features())
        return None if isinstance(x, MemmapRows) else fingerprinting.hash_rows(x, salt)

    def predict(self, infer: Callable[[Any], np.ndarray], options: EvaluationOptions) -> np.ndarray:
        _require_all_rows("predict", options)
        return self.decode(infer(self._to_numbers(self.features())))

    def read_features(self) -> np.ndarray:
        return np.asarray(self._to_numbers(self.features()))

    def original_rows(self) -> Any:
        return np.asarray(self.x) if self.model.vectorizer else None

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return the network's outputs in the target's own units."""
        preprocessor = self.model.preprocessor
        return preprocessor.inverse_transform(outputs, self.x) if preprocessor else outputs

    def _to_numbers(self, x: Any) -> Any:
        """Return features as numbers, checked; a memory map stays on disk."""
        model, name = self.model, f"{self.prefix}x"
        x = model.vectorizer(x) if model.vectorizer else x
        check = model.links[0].check_input if model.links else None
        if arrays.is_memory_map(x) and x.size:
            rows: Any = MemmapRows.open(x, model.example_shape, name, check)
        else:
            rows = arrays.check_features(x, model.example_shape, name, check)
        self.n_rows = len(rows)
        return rows


def _require_all_rows(who: str, options: EvaluationOptions) -> None:
    """Refuse options that are for batches.

    Raises:
        ConfigError: `steps` or `target` is set.
    """
    steps, target = options.steps, options.target
    fits, fix = steps is None and target is None, "All rows are used, once."
    if target is not None:
        fix = (
            "target= is for batches that are dicts or frames; [x] is a list of one batch. "
            "A table has the target of fit."
        )
    expected = "steps=None and target=None with rows"
    require(fits, who, expected, steps=steps, target=target, fix=fix)


def _check_unmasked(links: Links, x: Any) -> None:
    """Refuse training rows if the first link masks every step of all of them: there is no loss.

    Raises:
        DataError: there is no unmasked step.
    """
    mask = links[0].mask(x, None) if links and isinstance(x, np.ndarray) else None
    has_step = mask is None or np.any(mask)
    fix = "All values are masked: ids of 0 with mask_zero, or mask_value."
    require(has_step, "x", "at least one unmasked step", error=DataError, rows=len(x), fix=fix)


@dataclass(frozen=True)
class ArrayBlocks:
    """Evaluation blocks of arrays, on the devices."""

    blocks: Iterable[tuple[Data, np.ndarray]]

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        return iter(self.blocks)

    def part_of(self, placement: Placement) -> Iterable[tuple[Data, np.ndarray]]:
        """Return every one of `n_processes` blocks."""
        own = placement.own_items
        return islice(self.blocks, own.start, None, own.step)

    def fingerprint(self) -> dict[str, Any]:
        """Return the fingerprint of all blocks."""
        return {"rows": fingerprinting.tree_fingerprint(list(self.blocks))}

    def sample(self, n: int) -> Data:
        """Return at most n rows, evenly spaced, on the host."""
        n_rows = sum(int(np.asarray(mask).sum()) for _, mask in self.blocks)
        return self._read(max(1, -(-n_rows // n)))

    def read_targets(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the targets of all rows and their weights, on the host."""
        data = self._read(1, with_features=False)
        return data.y, data.weight

    def _read(self, step: int, with_features: bool = True) -> Data:
        """Return every `step`-th row, on the host."""
        parts, start = [], 0
        for block, mask in self.blocks:
            count = int(np.asarray(mask).sum())
            index = slice(-start % step, count, step)
            columns = block if with_features else block._replace(x=None)
            parts.append([None if each is None else np.asarray(each)[index] for each in columns])
            start += count
        return Data(
            *(
                None if each[0] is None else np.concatenate(each)
                for each in zip(*parts, strict=True)
            )
        )


def _make_blocks(data: Data, placement: Placement) -> Blocks:
    """Return rows as blocks that can be iterated repeatedly.

    A memory map, and rows that do not fit on the device, are read every time.
    """
    if isinstance(data.x, MemmapRows) or not placement.has_room(data):
        return HostBlocks(data, placement)
    block_rows = _limit_block(len(data.x), None, placement)
    return ArrayBlocks(list(iter_padded_blocks(data, block_rows, placement=placement)))


def _limit_block(n: int, block_rows: int | None, placement: Placement) -> int | None:
    """Return the largest number of rows of a block, so that each process has blocks to score."""
    if placement.n_processes == 1:
        return block_rows
    return min(block_rows or BLOCK_SIZES[-1], -(-n // placement.n_processes))


def _make_source(data: Data, options: FitOptions, copy: bool) -> BatchSource:
    """Return the training source of rows: on the device, or in chunks.

    Memory maps and rows that do not fit on the device come in chunks.

    Args:
        data: encoded rows. A memory map is read into memory if the batch is "full".
        options: batch size, number of steps, and order.
        copy: see `placement.to_device`. False for rows from `placement.take_rows`.

    Raises:
        ConfigError: steps that do not use each row once.
    """
    n, batch_size = len(data.x), options.batch_size
    seed, shuffle, placement = options.order_seed, options.shuffle, options.placement
    check_steps("steps_per_epoch", options.steps_per_epoch, n, batch_size)
    size = n if batch_size == "full" else min(int(batch_size), n)
    placement.require_rows(size)
    is_large = isinstance(data.x, MemmapRows) or not placement.has_room(data)
    if is_large and size < n:
        weight = None if data.weight is None else data.weight[:1]
        example = Data(np.asarray(data.x[:1]), data.y[:1], weight)
        reader = HostBatches(data, size, seed, shuffle)
        return prefetch_whole_batches(reader, example, size, placement)
    plan_fn = make_plan_fn(n, size, seed=seed, shuffle=shuffle, placement=placement)
    return ArraySource(placement.put(data, copy=copy), plan_fn, size)
