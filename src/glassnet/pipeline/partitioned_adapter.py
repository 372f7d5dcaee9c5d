"""Adapter of tables in partitions: folders of files, lazy frames, data sets and relations."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet import fingerprinting
from glassnet.data import arrays
from glassnet.data.images import is_image_folder
from glassnet.data.partitioned_sources import is_partitioned, open_partitioned_table
from glassnet.data.partitioned_table import PartitionedTable, RowMask, hash_mask, invert
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import Placement
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, is_number, lookup, message, require
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
from glassnet.pipeline.options import EvaluationOptions, FitOptions, check_steps
from glassnet.pipeline.partitioned_rows import (
    PartitionBlocks,
    PartitionEncoder,
    PartitionReader,
    Rows,
    TargetCounts,
    UnknownCategories,
    count_buffer_rows,
    count_targets,
    encode_features,
    find_targets,
    to_table,
)
from glassnet.pipeline.prefetch import (
    BackgroundThread,
    PrefetchSource,
    error_location,
    prefetch_whole_batches,
)
from glassnet.preprocessing.encoder import CategoricalColumn
from glassnet.preprocessing.lazy_tables import fit_preprocessor
from glassnet.preprocessing.tabular import TabularPreprocessor, require_same_request
from glassnet.preprocessing.targets import ClassTarget

TRACED_ROWS = 32
"""Number of rows that a trace shows: those of one batch of the default size."""


@register_adapter
class PartitionedAdapter(DataAdapter):
    """Adapter of tables in partitions, which hold their target as a column."""

    @staticmethod
    def accepts(x: Any, y: Any, model: ModelInfo, training: bool) -> bool:
        fitted = model.preprocessor
        # Without target=, other objects than paths are refused as rows, or NumPy reads them.
        can_fit = isinstance(x, str | os.PathLike) or (training and y is None)
        is_known = isinstance(fitted, TabularPreprocessor) or (fitted is None and can_fit)
        is_text = model.vectorizer is not None and not training  # which may look like a pattern
        return is_known and not is_text and is_partitioned(x) and not _is_images(x)

    def open(self, options: FitOptions | None = None, *, target: str | None = None) -> InputSpec:
        self._reject_arguments()
        if options is None:
            _reject_target("trace", target)
            table, preprocessor = self._open_for_fitted()
            self._rows = self._first_rows(table, preprocessor)
            y = preprocessor.target.transform(
                to_table(self._rows.batch).columns[preprocessor.target.name]
            )
            return InputSpec((len(preprocessor.feature_names),), y, preprocessor)
        return self._open_for_fit(options)

    def _open_for_fit(self, options: FitOptions) -> InputSpec:
        _reject_options(options, self.model)
        self._table = table = open_partitioned_table(self.x)
        target = options.request.target
        fitted = self.model.preprocessor
        if isinstance(fitted, TabularPreprocessor):
            request = require_same_request(fitted, options.request)
            target = request.target
        names = list(table.schema.names)
        fix = f'For example target="{names[-1]}".'
        expected = "target to name the column to predict"
        require(target is not None, "fit", expected, columns=names, fix=fix)
        name = lookup("target", str(target), dict.fromkeys(names, str(target)))
        self._table = table = self._read_text(table, name, options)
        self._mask = _make_mask(table, options)
        with_labels = options.class_weight == "balanced"
        self._counts = counts = count_targets(table, name, self._mask, with_labels)
        _require_rows(name, counts, options)
        if isinstance(fitted, TabularPreprocessor):
            self._preprocessor = fitted
            messages = _describe_missing(name, counts)
        else:
            frame = table.to_lazy_frame(self._mask)
            all_rows = None if self._mask is None else table.to_lazy_frame()
            self._preprocessor, messages = fit_preprocessor(
                frame, options.request, self.model.head, self.model.loss, all_rows
            )
        first = self._first_rows(table, self._preprocessor, self._mask)
        y = self._preprocessor.target.transform(to_table(first.batch).columns[name])
        self._rows = first
        size = count_buffer_rows(self._preprocessor, int(options.batch_size), counts.n_train)
        lines = (*messages, *_describe_order(counts, size, options))
        self._buffer_rows = size
        return InputSpec((len(self._preprocessor.feature_names),), y, self._preprocessor, lines)

    def _read_text(
        self, table: PartitionedTable, target: str, options: FitOptions
    ) -> PartitionedTable:
        """Return the table with the cells of text files as a fitted model or the user says."""
        fitted, reader = self.model.preprocessor, table.text_reader
        if reader is None:
            return table
        if isinstance(fitted, TabularPreprocessor):
            return reader.for_levels(_find_levels(fitted))
        types = dict(options.request.column_types)
        return reader.for_target(target, [name for name, kind in types.items() if kind == "number"])

    def bind(self, network: BuiltNetwork, loss: Loss, options: FitOptions) -> TrainingData:
        encoder = self._make_encoder(self._table, self._preprocessor, network, loss)
        weight = self._weigh_classes(network, options.class_weight)
        encoder = replace(encoder, class_weight=weight)
        n_rows, batch_size = (
            self._counts.n_train,
            min(int(options.batch_size), self._counts.n_train),
        )
        check_steps("steps_per_epoch", options.steps_per_epoch, n_rows, batch_size)
        example = encoder.encode(self._rows)
        version = self._table.version | {
            "rows": n_rows,
            "first rows": fingerprinting.fingerprint_by_name(example._asdict()),
        }
        seed, shuffle = options.order_seed, options.shuffle
        reader = PartitionReader(
            encoder, self._mask, batch_size, n_rows, self._buffer_rows, seed, shuffle, version
        )
        placement = options.placement
        placement.require_rows(batch_size)
        source = self._prefetch(reader, example, batch_size, placement)
        blocks: Blocks | None
        if self._mask is None:
            model = replace(
                self.model, preprocessor=self._preprocessor, example_shape=network.shapes[0]
            )
            blocks = open_validation(network, loss, options, model)
        else:
            n = self._counts.n_validation
            check_steps("validation_steps", options.validation_steps, n, batch_size)
            mask = invert(self._mask)
            encoder = replace(encoder, class_weight=None)
            version |= {"validation": n}
            blocks = PartitionBlocks(encoder, mask, version, True, placement=placement)
        return TrainingData(source, blocks)

    def _prefetch(
        self, reader: PartitionReader, example: Data, batch_size: int, placement: Placement
    ) -> PrefetchSource:
        """Return the training source; of several processes, each reads files of its own."""
        n_processes = placement.n_processes
        own = reader.own_files(self._counts, placement) if n_processes > 1 else None
        if own is None:
            return prefetch_whole_batches(reader, example, batch_size, placement)
        size = own.batch_size * n_processes
        return PrefetchSource(own, example, size, BackgroundThread(), placement=placement)

    def evaluation_blocks(
        self, network: BuiltNetwork, loss: Loss, options: EvaluationOptions
    ) -> Blocks:
        self._reject_arguments()
        _reject_steps(options)
        table, preprocessor = self._open_for_fitted()
        encoder = self._make_encoder(table, preprocessor, network, loss)
        self.n_rows = table.n_rows
        first = encoder.encode(self._first_rows(table, preprocessor))
        rows = fingerprinting.fingerprint_by_name(first._asdict())
        is_repeated = options.batch_size is not None
        version = table.version | {"first rows": rows}
        return PartitionBlocks(
            encoder, None, version, is_repeated, options.block_rows, options.placement
        )

    def encode(self, network: BuiltNetwork, loss: Loss) -> Data:
        table, preprocessor = self._table, self._preprocessor
        return self._make_encoder(table, preprocessor, network, loss).encode(self._rows)

    def predict(self, infer: Callable[[Any], np.ndarray], options: EvaluationOptions) -> np.ndarray:
        outputs = [infer(x) for x in self._iter_features(options)]
        preprocessor = self._preprocessor
        return preprocessor.inverse_transform(np.concatenate(outputs), self.x)

    def read_features(self) -> np.ndarray:
        return np.concatenate(list(self._iter_features(EvaluationOptions())))

    def has_targets(self) -> bool:
        table, preprocessor = self._open_for_fitted(with_target=False)
        return preprocessor.target.name in table.schema.names

    def _iter_features(self, options: EvaluationOptions) -> Any:
        """Yield the encoded features of all rows, in order."""
        self._reject_arguments()
        _reject_steps(options)
        table, preprocessor = self._open_for_fitted(with_target=False)
        self.n_rows = table.n_rows
        unknown = UnknownCategories()
        for partition, batch in table.iter_batches(preprocessor.encoder.input_columns):
            with error_location(partition.name):
                x = encode_features(preprocessor, to_table(batch), unknown)
            yield x
        unknown.warn()

    def _open_for_fitted(
        self, with_target: bool = True
    ) -> tuple[PartitionedTable, TabularPreprocessor]:
        """Return the table for a model that was fitted to a table, and its preprocessor."""
        preprocessor = self.model.preprocessor
        if not isinstance(preprocessor, TabularPreprocessor):
            fix, kind = "Call fit(..., target=...) with it first.", type(self.x).__name__
            expected = "data of the kind that the model was fitted to"
            raise DataError(message(f"{self.prefix}x", expected, x=kind, fix=fix))
        table = open_for_predictions(self.x, preprocessor, self.prefix, with_target)
        self._table, self._preprocessor = table, preprocessor
        return table, preprocessor

    def _make_encoder(
        self,
        table: PartitionedTable,
        preprocessor: TabularPreprocessor,
        network: BuiltNetwork,
        loss: Loss,
    ) -> PartitionEncoder:
        shape = network.output_shape_of(np.empty((1, len(preprocessor.feature_names)), np.float32))
        return PartitionEncoder(table, preprocessor, loss, shape, prefix=self.prefix)

    def _first_rows(
        self,
        table: PartitionedTable,
        preprocessor: TabularPreprocessor,
        mask: RowMask | None = None,
    ) -> Rows:
        """Return the first rows that have a target.

        Raises:
            DataError: no row has one.
        """
        target = preprocessor.target.name
        columns = list(dict.fromkeys([*preprocessor.encoder.input_columns, target]))
        for partition, batch in table.iter_batches(columns, mask):
            rows = np.flatnonzero(find_targets(batch, target))[:TRACED_ROWS]
            if len(rows):
                return Rows(partition.name, batch.take(rows))
        expected = "a value in some row"
        raise DataError(message(f"target {target!r}", expected, table=table.name))

    def _weigh_classes(self, network: BuiltNetwork, class_weight: Any) -> np.ndarray | None:
        """Return the weight of each class by its index."""
        if class_weight is None:
            return None
        target = self._preprocessor.target
        if isinstance(target, ClassTarget) and class_weight == "balanced":
            return self._balance(target)
        classes = np.arange(len(target.labels)) if isinstance(target, ClassTarget) else None
        return arrays.compute_sample_weight(target.class_weight_by_index(class_weight), classes)

    def _balance(self, target: ClassTarget) -> np.ndarray:
        counts = np.array([self._counts.labels.get(label, 0) for label in target.labels])
        rare = [label for label, n in zip(target.labels, counts, strict=True) if not n]
        expected = "training rows of every class"
        require(not rare, "class_weight", expected, error=DataError, without=rare[:3])
        weights: np.ndarray = (counts.sum() / (len(counts) * counts)).astype(np.float32)
        return weights

    def _reject_arguments(self) -> None:
        """Refuse targets and weights beside the table.

        Raises:
            ConfigError: one of them is set.
        """
        fix = "The target is a column of the table: target= names it."
        y, weight = self.y, self.sample_weight
        kind = type(self.x).__name__
        require(y is None, f"{self.prefix}y", "y=None", x=kind, y=type(y).__name__, fix=fix)
        fix = "Use class_weight, or pass batches (x, y, weights): see Training, larger than memory."
        who = f"{self.prefix}sample_weight"
        received = type(weight).__name__
        expected = "None with a table that is read in parts"
        require(weight is None, who, expected, sample_weight=received, fix=fix)


def open_for_predictions(
    x: Any, preprocessor: TabularPreprocessor, prefix: str = "", with_target: bool = False
) -> PartitionedTable:
    """Return a table for a fitted model, which decides which words are text.

    Args:
        x: see `open_partitioned_table`.
        preprocessor: of the model.
        prefix: put before x in error messages.
        with_target: whether the target is needed too.

    Raises:
        DataError: a column is missing.
    """
    table = open_partitioned_table(x)
    if table.text_reader is not None:
        table = table.text_reader.for_levels(_find_levels(preprocessor))
    target = [preprocessor.target.name] * with_target
    table.require_columns([*preprocessor.encoder.input_columns, *target], f"{prefix}x")
    return table


def _find_levels(preprocessor: TabularPreprocessor) -> dict[str, Collection[Any]]:
    """Return the texts that are categories or labels, by column."""
    levels = {
        column.name: column.text_levels
        for column in preprocessor.encoder.columns
        if isinstance(column, CategoricalColumn)
    }
    target = preprocessor.target
    return levels | ({target.name: target.labels} if isinstance(target, ClassTarget) else {})


def _is_images(x: Any) -> bool:
    """Return whether x is the path of a folder of images."""
    return isinstance(x, str | os.PathLike) and is_image_folder(x)


def _make_mask(table: PartitionedTable, options: FitOptions) -> RowMask | None:
    """Return the function that selects the training rows, or None for all.

    Raises:
        ConfigError: a fraction out of range, or an unknown `validation_from`.
    """
    split = options.split
    fraction = split.fraction
    expected = "a fraction from 0 to below 1"
    fits = is_number(fraction) and 0 <= fraction < 1
    require(fits, "validation_split", expected, validation_split=fraction)
    is_random = split.validation_from == "random"
    fits = is_random or split.validation_from == "end"
    require(fits, "validation_from", '"random" or "end"', validation_from=split.validation_from)
    if not fraction:
        return None
    if is_random:
        return hash_mask(fraction, split.seed)
    fix = "Pass the last rows as validation_data."
    expected = "a table whose number of rows is known"
    n_rows = table.n_rows
    require(n_rows is not None, "validation_from", expected, x=table.name, fix=fix)
    assert n_rows is not None
    n_train = n_rows - round(n_rows * fraction)
    return lambda numbers: numbers < n_train


def _require_rows(target: str, counts: TargetCounts, options: FitOptions) -> None:
    """Refuse a table without rows to train on, or to validate on.

    Raises:
        DataError: with the numbers of rows.
    """
    has_value = counts.n_missing < counts.n_rows
    n = counts.n_rows
    who, expected = f"target {target!r}", "a value in some row"
    require(has_value, who, expected, error=DataError, rows=n, missing=counts.n_missing)
    fits = counts.n_train and (counts.n_validation or not options.split.fraction)
    expected = "at least one row to train on and one to hold out"
    fix = "Use more rows, another fraction, or validation_data."
    held_out = counts.n_validation
    require(fits, "validation_split", expected, error=DataError, rows=n, held_out=held_out, fix=fix)


def _describe_missing(target: str, counts: TargetCounts) -> tuple[str, ...]:
    """Return a line about rows without a target, if there are any."""
    if not counts.n_missing:
        return ()
    return (f"{counts.n_missing:,} of {counts.n_rows:,} rows lack {target}: left out",)


def _describe_order(counts: TargetCounts, buffer_rows: int, options: FitOptions) -> tuple[str, ...]:
    """Return lines about the rows that are held out, and about the order of the others."""
    lines = []
    if options.split.fraction:
        is_random = options.split.validation_from == "random"
        how = "chosen by a hash of the row's number" if is_random else "the last ones"
        lines.append(f"validation on {counts.n_validation:,} of {counts.n_rows:,} rows, {how}")
    if options.shuffle and buffer_rows < counts.n_train:
        lines.append(f"rows are read in parts and shuffled among {buffer_rows:,} at a time")
    return tuple(lines)


def _reject_options(options: FitOptions, model: ModelInfo) -> None:
    """Refuse options of `fit` that a table in partitions does not have.

    Raises:
        ConfigError: one of them is set.
    """
    expected, fix = "an int with a table that is read in parts", "For example batch_size=1024."
    size = options.batch_size
    require(size != "full", "batch_size", expected, batch_size=size, fix=fix)
    expected = "arrays, since TextVectorization is the first layer"
    require(model.vectorizer is None, "fit", expected)


def _reject_steps(options: EvaluationOptions) -> None:
    """Refuse options that are for batches.

    Raises:
        ConfigError: `steps` or `target` is set.
    """
    fix = "All rows are used, once."
    expected = f"{options.steps_argument}=None with a table"
    require(options.steps is None, options.steps_argument, expected, steps=options.steps, fix=fix)
    if options.batch_size is None:
        _reject_target("evaluate", options.target)


def _reject_target(who: str, target: str | None) -> None:
    fix = "A table has the target of fit."
    require(target is None, who, "target=None with a table", target=target, fix=fix)
