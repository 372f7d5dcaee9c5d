"""Snapshots of models for views: network, weights, rows and names at one moment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from glassnet.data.table import Table
from glassnet.data.time_series import TimeSeries
from glassnet.engine import inference, network, objective
from glassnet.engine.network import BuiltNetwork, Links
from glassnet.engine.train_step import Data, Program
from glassnet.layers import Flatten, Reshape, TextVectorization
from glassnet.losses import Loss
from glassnet.partial_shapes import is_known
from glassnet.preprocessing.base import Preprocessor
from glassnet.preprocessing.encoder import DroppedColumn, Encoder
from glassnet.preprocessing.tabular import TabularPreprocessor
from glassnet.preprocessing.targets import ClassTarget
from glassnet.types import Array, Params, State

MIN_IMAGE_SIZE = 5
"""Least height and width of examples with two axes that are shown as images."""


class InspectedModel(Protocol):
    """A model, as the views use it: a `Sequential`, its Keras layout, or a fitted estimator."""

    def take_snapshot(
        self,
        x: Any = None,
        y: Any = None,
        sample_weight: Any = None,
        *,
        targets: str = "optional",
        target: str | None = None,
    ) -> Snapshot:
        """Return the model's network and weights, with encoded rows: see `Sequential`."""


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A model at one moment, and the rows to look at.

    Attributes:
        network: links, shapes and positions of the weights.
        params: of all links.
        state: of all links.
        loss: None if the model was not compiled and there were no targets to infer it from.
        program: links, loss, optimizer and metrics; None without a loss.
        preprocessor: of a model of tables, images or series; else None.
        epoch: number of epochs trained so far.
        history: of the last fit, or None.
        x: encoded rows, (n, ...); None if there are none. Pixels stay integers.
        y: targets as the loss receives them, (n, ...), or None.
        weight: sample weights (n,), or None.
        original: the rows as a `Table` or as texts (n,), or the `TimeSeries`; None if x shows
            everything.
        in_training: which rows equal a training row, (n,) booleans; None if that is not known.
    """

    network: BuiltNetwork
    params: tuple[Params, ...]
    state: tuple[State, ...]
    loss: Loss | None
    program: Program | None
    preprocessor: Preprocessor | None
    epoch: int
    history: Any
    x: Array = None
    y: Array = None
    weight: Array = None
    original: Any = None
    in_training: Array = None

    @property
    def links(self) -> Links:
        """The links of the network."""
        return self.network.links

    @property
    def data(self) -> Data:
        """The rows as the training step takes them."""
        return Data(self.x, self.y, self.weight)

    @property
    def table(self) -> Table | None:
        """The rows as a table, if the model was fitted to one and the rows are one."""
        return self.original if isinstance(self.original, Table) else None

    @property
    def shows_images(self) -> bool:
        """Whether one example is an image, (height, width) or (height, width, channels)."""
        shape = self.network.shapes[0]
        if len(shape) == 3:
            return shape[-1] in (1, 3, 4)
        is_flattened = any(isinstance(link, Flatten | Reshape) for link in self.links[:2])
        is_large = is_known(shape) and min(shape) >= MIN_IMAGE_SIZE
        return len(shape) == 2 and is_large and is_flattened

    @property
    def is_trained(self) -> bool:
        """Whether the model has been trained for at least one epoch."""
        return self.epoch > 0

    @property
    def note(self) -> str:
        """Text to append to a title: " (untrained)" if the model has not been trained."""
        return "" if self.is_trained else " (untrained)"

    @property
    def body_and_head(self) -> tuple[Links, Links]:
        """The links up to the logits, and the softmax or sigmoid that the loss contains."""
        return network.split_head(self.links, self.loss) if self.loss else (self.links, ())

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Name of each input of the network if one example is a row of numbers, else empty.

        They are those of a table's encoded columns, or the words that are counted, or x1, x2, ...;
        a single one is x.
        """
        if self.preprocessor is not None and self.preprocessor.feature_names:
            return tuple(self.preprocessor.feature_names)
        shape = self.network.shapes[0]
        if self.vocabulary and shape == (len(self.vocabulary),):
            return self.vocabulary
        if len(shape) != 1 or not is_known(shape):
            return ()
        return ("x",) if shape == (1,) else tuple(f"x{i + 1}" for i in range(shape[0]))

    @property
    def column_spans(self) -> dict[str, tuple[int, int]]:
        """First and one past the last input of each column of a table; empty without a table."""
        spans, start = {}, 0
        if self.encoder is not None:
            for column in self.encoder.columns:
                if not isinstance(column, DroppedColumn):
                    stop = start + len(column.feature_names)
                    spans[column.name], start = (start, stop), stop
        return spans

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The word of each token id, if the network takes texts; "" is padding. Else empty."""
        for layer in self.network.layers:
            if isinstance(layer, TextVectorization) and layer.vocabulary is not None:
                return tuple(layer.get_vocabulary())
        return ()

    @property
    def is_classifier(self) -> bool:
        """Whether the network predicts classes."""
        expected = self.loss.output_activation if self.loss else None
        return bool({objective.last_activation(self.links), expected} & {"softmax", "sigmoid"})

    @property
    def class_names(self) -> tuple[str, ...]:
        """Name of each class; empty for numbers and for several sigmoids."""
        if not self.is_classifier:
            return ()
        if self.preprocessor is not None and isinstance(self.preprocessor.target, ClassTarget):
            return tuple(map(str, self.preprocessor.target.labels))
        expected = self.loss.output_activation if self.loss else None
        n_outputs = self.network.n_outputs
        if "softmax" in (objective.last_activation(self.links), expected):
            return tuple(map(str, range(n_outputs)))
        return ("0", "1") if n_outputs == 1 else ()

    @property
    def target_classes(self) -> np.ndarray | None:
        """Class index of each row's target, (n,); None without targets or `class_names`."""
        if self.y is None or not self.class_names or len(self.network.shapes[-1]) > 1:
            return None
        y = np.asarray(self.y)
        if y.ndim == 2 and y.shape[1] > 1:
            return np.asarray(y.argmax(-1))
        return np.asarray(np.round(y.reshape(len(y))), np.int64)

    @property
    def target_name(self) -> str:
        """Name of the target column; "y" if it has none."""
        return str(getattr(getattr(self.preprocessor, "target", None), "name", "") or "y")

    @property
    def encoder(self) -> Encoder | None:
        """The encoding of a table's columns, or None."""
        return getattr(self.preprocessor, "encoder", None)

    def encode(self, table: Table) -> np.ndarray:
        """Return the rows of a table as the network receives them."""
        assert isinstance(self.preprocessor, TabularPreprocessor)
        return self.preprocessor.transform(table)

    def compute_logits(self, x: Array) -> np.ndarray:
        """Return the outputs before the softmax or sigmoid that the loss contains: (n, ...)."""
        body, _ = self.body_and_head
        return inference.predict(body, (), self.params, self.state, x)

    def compute_outputs(self, x: Array) -> np.ndarray:
        """Return the outputs of the last layer for encoded rows, (n, ...)."""
        return inference.predict(*self.body_and_head, self.params, self.state, x)

    def decode_outputs(self, outputs: np.ndarray) -> np.ndarray:
        """Return outputs for the rows, or their encoded targets, in the target's own units."""
        if self.preprocessor is None:
            return outputs
        if isinstance(self.original, TimeSeries):
            return self.preprocessor.inverse_transform(outputs, self.original)
        decoded: np.ndarray = self.preprocessor.target.decode_output(outputs)
        return decoded

    def compute_layer_outputs(self, x: Array) -> tuple[np.ndarray, ...]:
        """Return the outputs of each of `network.layers` for encoded rows, each (n, ...).

        All layers run in one compiled program.
        """
        built = self.network
        ends = tuple(stop for _, stop in built.spans)
        return inference.predict_layers(built.links, ends, self.params, self.state, x)

    def to_probabilities(self, outputs: np.ndarray) -> np.ndarray:
        """Return outputs of the last layer as the probability of each class: (n, K)."""
        outputs = outputs.astype(np.float64)
        if objective.last_activation(self.links) not in ("softmax", "sigmoid"):
            from scipy import special

            is_softmax = self.loss is not None and self.loss.output_activation == "softmax"
            outputs = special.softmax(outputs, axis=-1) if is_softmax else special.expit(outputs)
        if outputs.shape[-1] == 1:
            return np.concatenate([1 - outputs, outputs], axis=-1)
        return outputs

    def to_class_indices(self, outputs: np.ndarray) -> np.ndarray:
        """Return the predicted class of each row, (n,); (n, K) for K sigmoids.

        Raises:
            ConfigError: the network does not predict classes.
        """
        return objective.to_class_labels(outputs, self.links, self.loss)

    def with_features(self, x: Array, original: Any) -> Snapshot:
        """Return the snapshot with encoded rows and what they are made of, without targets.

        Raises:
            DataError: the rows are too short for the network.
        """
        built = self.network.for_input(np.shape(x)[1:])
        return replace(self, x=x, original=original, network=built)

    def with_rows(self, x: Array, y: Array = None, weight: Array = None) -> Snapshot:
        """Return the snapshot with other encoded rows."""
        return replace(self, x=x, y=y, weight=weight, original=None, in_training=None)
