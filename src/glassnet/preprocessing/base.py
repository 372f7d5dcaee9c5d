"""Shared types of preprocessing: the preprocessor protocol, requests and prepared data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np

from glassnet.errors import require
from glassnet.types import PartialShape

PreprocessorT = TypeVar("PreprocessorT", bound="Preprocessor")


class HeadSpec(NamedTuple):
    """The end of a network, as far as preprocessing depends on it.

    Attributes:
        last_activation: "linear", "softmax", ...: see `objective.last_activation`.
        rescaled: whether the last link is a `Rescaling`.
        output_shape: shape of one example's output, or None before the network is built.
    """

    last_activation: str
    rescaled: bool
    output_shape: PartialShape | None = None


class Preprocessor(ABC):
    """Encoding of one kind of data, fitted to the training rows: a frozen dataclass of plain data.

    Attributes:
        target: the encoding of the target: see `targets.Target`.
    """

    target: Any

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Names of the network's inputs if they are columns, else empty."""
        return ()

    @abstractmethod
    def transform(self, x: Any) -> Any:
        """Encode x as network inputs."""

    def transform_array(self, x: Any) -> Any:
        """Return arrays unchanged: their rows are encoded already."""
        return x

    @abstractmethod
    def transform_target(self, y: Any) -> Any:
        """Encode targets that are not part of x."""

    @abstractmethod
    def transform_xy(self, x: Any) -> tuple[Any, Any, np.ndarray | None]:
        """Return (inputs, targets, mask of the rows that have a target, or None if all have one).

        The targets come from x.
        """

    def inverse_transform(self, output: np.ndarray, x: Any) -> np.ndarray:
        """Return the network's outputs for x in the target's own units."""
        decoded: np.ndarray = self.target.decode_output(output)
        return decoded

    def inverse_transform_rows(self, output: np.ndarray, x: Any, rows: np.ndarray) -> np.ndarray:
        """Return the network's outputs for some rows of x in the target's own units."""
        del rows
        return self.inverse_transform(output, x)

    def check_shapes(self, input_shape: PartialShape, output_shape: PartialShape) -> None:
        """Check that a network with these shapes of one example fits the data; see also `Target`.

        Raises:
            ConfigError: the message names the field that does not agree with the network.
        """
        del input_shape, output_shape

    @abstractmethod
    def describe(self, max_names: int | None = None) -> str:
        """Describe the data in words, with at most `max_names` names."""


@dataclass(frozen=True)
class TableRequest:
    """The options of `fit` that apply to a table."""

    target: str | None = None
    column_types: tuple[tuple[str, str], ...] = ()
    derive: tuple[tuple[str, str], ...] = ()
    target_transform: str | None = None


class PreparedData(NamedTuple):
    """A dataset, encoded and, for `fit`, split.

    Attributes:
        preprocessor: fitted to the training rows, or None.
        x: encoded inputs of all rows.
        y: encoded targets of all rows.
        has_target: mask of the source's rows that have a target, or None if all have one.
        train_index: rows to train on, or None if the rows are not split.
        validation_index: rows held out, or None.
        messages: lines for the user about what was inferred or left out.
    """

    preprocessor: Preprocessor | None
    x: Any
    y: Any
    has_target: np.ndarray | None = None
    train_index: np.ndarray | None = None
    validation_index: np.ndarray | None = None
    messages: tuple[str, ...] = ()


def require_same_kind(
    kind: type[PreprocessorT], fitted: Preprocessor | None, data: Any
) -> PreprocessorT | None:
    """Return the preprocessor of an earlier fit, or None.

    Raises:
        ConfigError: it was fitted to data of another kind.
    """
    expected = f"{fitted.describe(3)}, as in an earlier fit" if fitted else ""
    fits = fitted is None or isinstance(fitted, kind)
    require(fits, "fit", expected, x=type(data).__name__, fix="Call reset() first.")
    return fitted if isinstance(fitted, kind) else None


def require_no_table_options(request: TableRequest, kind: str) -> None:
    """Refuse table options for another kind of data.

    Raises:
        ConfigError: an option is set.
    """
    options = {name: value for name, value in vars(request).items() if value}
    expected = f"no target, column_types, derive or target_transform with {kind}"
    require(not options, "fit", expected, fix="They are for tables.", **options)
