"""Adapter base class of data with a known number of rows."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from glassnet.data import arrays
from glassnet.data.split import train_validation_split
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, require
from glassnet.losses import Loss
from glassnet.pipeline import encoding, memmap, sources
from glassnet.pipeline.adapter import (
    Blocks,
    DataAdapter,
    InputSpec,
    TrainingData,
    open_validation,
)
from glassnet.pipeline.options import EvaluationOptions, FitOptions
from glassnet.pipeline.targets import get_class_labels
from glassnet.preprocessing.base import PreparedData, TableRequest


class RowAdapter(DataAdapter):
    """Adapter of data with a known number of rows.

    A subclass says how its data become numbers: `accepts`, `features` and `targets`, and, if the
    training rows are to be learned from, `prepare`.
    """

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

    def open(self, options: FitOptions | None = None) -> InputSpec:
        self._prepared = prepared = self.prepare(options) if options else self.transform()
        y = prepared.y
        fix = "Pass y. For a table, call fit(table, target=...) first."
        received = type(self.x).__name__
        require(y is not None, "y", "targets", error=DataError, x=received, y=None, fix=fix)
        x = self._to_numbers(prepared.x)
        arrays.check_consistent_length(**{f"{self.prefix}x": x, f"{self.prefix}y": y})
        self._features, weight, has_target = x, self.sample_weight, prepared.has_target
        if weight is not None and has_target is not None:
            weight = np.asarray(arrays.check_sample_weight(weight, len(has_target)))[has_target]
        self._weight = weight
        return InputSpec(x.shape[1:], y, prepared.preprocessor, prepared.messages)

    @property
    def messages(self) -> tuple[str, ...]:
        has_target = self._prepared.has_target
        if has_target is None:
            return ()
        n, n_missing = len(has_target), np.sum(~has_target)
        return (f"left out {n_missing:,} of {n:,} rows without a target",)

    def encode(self, network: BuiltNetwork, loss: Loss) -> Data:
        return encoding.encode_examples(
            self._features, self._prepared.y, loss, network.shapes[-1], self._weight, self.prefix
        )

    def bind(self, network: BuiltNetwork, loss: Loss, options: FitOptions) -> TrainingData:
        prepared, size, rows = self._prepared, options.batch_size, self.encode(network, loss)
        model = replace(
            self.model, preprocessor=prepared.preprocessor, example_shape=network.shapes[0]
        )
        encoding.check_unmasked(network.links, rows.x)
        if prepared.train_index is None:
            arrays.check_precision(x=prepared.x, y=prepared.y)
            labels = get_class_labels(rows.y, loss)
            train_index, validation_index = train_validation_split(
                len(rows.x), labels, *options.split
            )
        else:
            train_index, validation_index = prepared.train_index, prepared.validation_index
        if validation_index is None:
            blocks = open_validation(network, loss, options, model)
        else:
            n, steps = len(validation_index), options.validation_steps
            encoding.check_steps("validation_steps", steps, n, size)
            blocks = sources.evaluation_blocks(rows.take(validation_index))
            rows = rows.take(train_index)
        class_weight: Any = options.class_weight
        if prepared.preprocessor is not None:
            class_weight = prepared.preprocessor.target.class_weight_by_index(class_weight)
        rows = encoding.apply_class_weight(rows, loss, class_weight)
        source = sources.make_source(
            rows,
            size,
            options.steps_per_epoch,
            seed=options.order_seed,
            shuffle=options.shuffle,
        )
        return TrainingData(source, blocks, rows.x)

    def evaluation_blocks(
        self, network: BuiltNetwork, loss: Loss, options: EvaluationOptions
    ) -> Blocks:
        if options.batch_size is None:
            steps, target, fix = options.steps, options.target, "All rows are used, once."
            fits, expected = (
                steps is None and target is None,
                "steps=None and target=None with rows",
            )
            require(fits, "evaluate", expected, steps=steps, target=target, fix=fix)
        self.open()
        rows = self.encode(network, loss)
        if options.batch_size is not None:
            encoding.check_steps(
                options.steps_argument, options.steps, len(rows.x), options.batch_size
            )
        return sources.evaluation_blocks(rows)

    def predict(self, infer: Callable[[Any], np.ndarray], steps: int | None) -> np.ndarray:
        fix = "All rows are used, once."
        require(steps is None, "predict", "steps=None with rows", steps=steps, fix=fix)
        return self.decode(infer(self._to_numbers(self.features())))

    def decode(self, outputs: np.ndarray) -> np.ndarray:
        """Return the network's outputs in the target's own units."""
        preprocessor = self.model.preprocessor
        return preprocessor.inverse_transform(outputs, self.x) if preprocessor else outputs

    def _to_numbers(self, x: Any) -> Any:
        model = self.model
        x = model.vectorizer(x) if model.vectorizer else x
        return memmap.as_features(x, model.example_shape, f"{self.prefix}x", model.links)
