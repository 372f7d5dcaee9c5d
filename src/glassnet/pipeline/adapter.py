"""Data adapters: each makes one kind of data usable by `fit`, `evaluate`, `predict` and `trace`.

`open_dataset` is the only function that chooses by the kind of data. A call then has three phases:
the data say their shape (`DataAdapter.open`), the network and the loss are resolved, and the data
are encoded for them (`bind`, `evaluation_blocks` or `encode`).

To add a kind of data, write one file with a subclass of `RowAdapter`, decorated with
`register_adapter`: its `types` or `accepts`, its `features` and its `targets`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np

from glassnet.data import arrays
from glassnet.data.conversions import require_rows
from glassnet.data.frames import is_frame
from glassnet.engine.epoch_runner import BatchSource
from glassnet.engine.network import BuiltNetwork
from glassnet.engine.placement import Placement
from glassnet.engine.train_step import Data
from glassnet.errors import DataError, DataWarning, require, warn, wrap_errors
from glassnet.layers import TextVectorization
from glassnet.layers.functional import Links
from glassnet.losses import Loss
from glassnet.pipeline.options import EvaluationOptions, FitOptions
from glassnet.preprocessing.base import HeadSpec, Preprocessor
from glassnet.types import PartialShape

AdapterT = TypeVar("AdapterT", bound="type[DataAdapter]")


class Blocks(Protocol):
    """Padded blocks of rows with their masks: see `inference.iter_padded_blocks`."""

    def __iter__(self) -> Iterator[tuple[Data, np.ndarray]]:
        """Yield the blocks; validation blocks can be iterated repeatedly."""

    def part_of(self, placement: Placement) -> Iterable[tuple[Data, np.ndarray]]:
        """Return the blocks that this process scores; all, if the devices are of one process."""

    def fingerprint(self) -> dict[str, Any]:
        """Return a description that differs for different rows."""

    def sample(self, n: int) -> Data | None:
        """Return at most n rows, evenly spaced, on the host; None for a stream."""

    def read_targets(self) -> tuple[np.ndarray, np.ndarray | None] | None:
        """Return the targets of all rows and their weights, on the host; None for a stream."""


@dataclass(frozen=True)
class ModelInfo:
    """Facts about the model that an adapter uses before the network is built.

    Attributes:
        links: the layers, unfolded.
        head: the end of the network.
        loss: the loss, or None if it is to be inferred.
        example_shape: shape of one example as numbers, or None if unknown.
        preprocessor: fitted to earlier training rows, or None.
        vectorizer: turns texts into numbers before the network, or None.
    """

    links: Links
    head: HeadSpec
    loss: Loss | None
    example_shape: PartialShape | None
    preprocessor: Preprocessor | None
    vectorizer: TextVectorization | None


class InputSpec(NamedTuple):
    """Result of opening data: what the network and the loss depend on.

    Attributes:
        example_shape: shape of one example as numbers.
        targets: some or all targets, as the user passed them.
        preprocessor: fitted to the training rows, or None.
        messages: what was inferred or left out, for the user.
    """

    example_shape: PartialShape
    targets: Any
    preprocessor: Preprocessor | None
    messages: tuple[str, ...] = ()


class TrainingData(NamedTuple):
    """Data encoded for one network and loss.

    Attributes:
        source: the training batches.
        blocks: validation rows, or None.
        train_x: training rows that layers may adapt to, or None if they are not in memory.
        seek: continues from a step; called with the run's first epoch, the epoch and the step.
    """

    source: BatchSource
    blocks: Blocks | None
    train_x: Any = None
    seek: Callable[[int, int, int], None] = lambda first_epoch, epoch, start_step: None


class DataAdapter(ABC):
    """One kind of data, as the methods of a model use it.

    Args:
        x: the data.
        y: targets, or None if x holds them or there are none.
        sample_weight: a weight per row, or None.
        model: the model that uses the data.
        prefix: put before x and y in error messages: "validation ".
    """

    def __init__(
        self, x: Any, y: Any, sample_weight: Any, model: ModelInfo, prefix: str = ""
    ) -> None:
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.model, self.prefix = model, prefix

    types: tuple[type, ...] = ()
    """Types of x that this adapter is for."""

    n_rows: int | None = None
    """Number of rows; None for batches, and until the rows have been read."""

    holds_targets = True
    """Whether x alone can hold the targets too."""

    @staticmethod
    def accepts(x: Any, y: Any, model: ModelInfo, training: bool) -> bool:
        """Return whether this adapter is for x, which has none of the types of any adapter."""
        return False

    @abstractmethod
    def open(self, options: FitOptions | None = None, *, target: str | None = None) -> InputSpec:
        """Read what the model must know about the data.

        Args:
            options: of the fit, which may fit a preprocessor to the training rows. None uses the
                model's preprocessor.
            target: name of the target column, if batches are dicts and there is no fit.

        Raises:
            DataError, ConfigError: the data or the options cannot be used.
        """

    @abstractmethod
    def bind(self, network: BuiltNetwork, loss: Loss, options: FitOptions) -> TrainingData:
        """Encode, split and weight the opened data for training.

        Raises:
            DataError, ConfigError: the data do not fit the network or the loss.
        """

    @abstractmethod
    def evaluation_blocks(
        self, network: BuiltNetwork, loss: Loss, options: EvaluationOptions
    ) -> Blocks:
        """Return the data as blocks to score.

        Raises:
            DataError, ConfigError: the data do not fit the network or the loss.
        """

    @abstractmethod
    def encode(self, network: BuiltNetwork, loss: Loss) -> Data:
        """Return the opened rows, or the first batch, encoded on the host.

        Raises:
            DataError: the data do not fit the network or the loss.
        """

    @abstractmethod
    def predict(self, infer: Callable[[Any], np.ndarray], options: EvaluationOptions) -> np.ndarray:
        """Return the model's outputs for x in the target's units. Targets are not needed.

        Args:
            infer: maps rows of numbers to the outputs of the network.
            options: number of batches, and the column of dicts that is not a feature.

        Raises:
            DataError, ConfigError: the data or the options cannot be used.
        """

    @abstractmethod
    def read_features(self) -> np.ndarray:
        """Return the encoded features of all rows, in memory. Targets are not needed.

        Raises:
            DataError, ConfigError: the data cannot be used.
        """

    def has_targets(self) -> bool:
        """Return whether the rows have targets: y, or what x holds."""
        return self.y is not None or self.holds_targets

    def original_rows(self) -> Any:
        """Return the rows as their author knows them: a `Table`, texts (n,) or a `TimeSeries`.

        They are the rows of `read_features`, or, after `evaluation_blocks`, those with a target.
        None if the encoded features show everything, as those of arrays and images do.
        """
        return None

    def hash_training_rows(self, salt: int) -> np.ndarray | None:
        """Return 64 bits of each row that `bind` trains on; None if they are not in memory."""
        return None

    def hash_rows(self, salt: int) -> np.ndarray | None:
        """Return 64 bits of each row with a target; None if the rows cannot be compared.

        Without targets, these are the rows of `predict`.
        """
        return None

    def blocks_of(self, mask: np.ndarray) -> Blocks:
        """Return some of the rows of `evaluation_blocks`, as blocks to score."""
        raise NotImplementedError

    @property
    def messages(self) -> tuple[str, ...]:
        """Sentences about rows that were left out when the data were opened for evaluation."""
        return ()

    def close(self) -> None:  # noqa: B027
        """Release what the data hold open."""


ADAPTERS: list[type[DataAdapter]] = []
"""The registered adapters, by increasing priority."""


def register_adapter(adapter: AdapterT) -> AdapterT:
    """Class decorator: let `open_dataset` use an adapter. It is asked before earlier ones."""
    ADAPTERS.append(adapter)
    return adapter


def find_adapter(x: Any, y: Any, model: ModelInfo, training: bool = False) -> type[DataAdapter]:
    """Return the adapter for a kind of data: by its type, else the first that accepts it.

    Raises:
        DataError: x raises an error when it is looked at.
    """
    adapters = ADAPTERS[::-1]
    by_type = (adapter for adapter in adapters if isinstance(x, adapter.types))
    accepting = (adapter for adapter in adapters if adapter.accepts(x, y, model, training))
    with wrap_errors("x", "data that can be read", x=type(x).__name__):
        return next(by_type, None) or next(accepting)


def open_dataset(
    x: Any,
    y: Any,
    sample_weight: Any,
    model: ModelInfo,
    *,
    training: bool = False,
    prefix: str = "",
) -> DataAdapter:
    """Return the adapter of the data, not opened yet.

    Args:
        x: data of any kind.
        y: targets, or None if x holds them or there are none.
        sample_weight: a weight per row, or None.
        model: the model that uses the data.
        training: whether a preprocessor may be fitted to the data.
        prefix: put before x and y in error messages.
    """
    for name, value in (("x", x), ("y", y), ("sample_weight", sample_weight)):
        arrays.require_unmasked(value, prefix + name)
    if isinstance(x, list | tuple):
        require_rows(x, f"{prefix}x")
    require_rows(y, f"{prefix}y")
    require_rows(sample_weight, f"{prefix}sample_weight")
    return find_adapter(x, y, model, training)(x, y, sample_weight, model, prefix)


def open_validation(
    network: BuiltNetwork, loss: Loss, options: FitOptions, model: ModelInfo
) -> Blocks | None:
    """Return the blocks of `validation_data`, or None without any.

    Raises:
        DataError: neither a dataset with targets nor (x, y) or (x, y, weights).
    """
    data = options.validation_data
    if data is None:
        return None
    parts = (data,)
    if not find_adapter(data, None, model).holds_targets:
        require_rows(data, "validation_data")
        parts = tuple(data) if isinstance(data, tuple | list) else ()
        received = type(data).__name__ + (f" of {len(parts)}" if parts else "")
        expected = "(x, y) or (x, y, weights)"
        fits = len(parts) in (2, 3)
        is_batch = options.request.target is not None and (
            isinstance(data, Mapping) or is_frame(data)
        )
        fix = "Pass [data], a list of one batch." if is_batch else ""
        require(
            fits, "validation_data", expected, error=DataError, fix=fix, validation_data=received
        )
    x, y, weight = (*parts, None, None)[:3]
    adapter = open_dataset(x, y, weight, model, prefix="validation ")
    blocks = adapter.evaluation_blocks(network, loss, options.validation)
    warn_about_rows("validation_data", adapter)
    return blocks


def warn_about_rows(who: str, data: DataAdapter) -> None:
    """Warn if rows were left out when the data were opened: see `DataAdapter.messages`."""
    for text in data.messages:
        warn(f"{who}: {text}", DataWarning)
