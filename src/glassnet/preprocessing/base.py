"""What `fit` takes whole, its targets with it: tables, images. Each knows how it is taken; what is
learned of it is a `Preprocessor`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from glassnet.errors import require
from glassnet.types import Shape

SplitOptions: TypeAlias = tuple[float, str, int]
"""The fraction held out, "random" or "end", and the seed."""


class HeadSpec(NamedTuple):
    """The end of a network, as preprocessing needs to know it.

    Attributes:
        last_activation: "linear", "softmax", ...: see `objective.last_activation`.
        rescaled: whether the last link is a `Rescaling`.
        output_shape: shape of one example's output, or None before the network is built.
    """

    last_activation: str
    rescaled: bool
    output_shape: Shape | None = None


PreprocessorT = TypeVar("PreprocessorT", bound="Preprocessor")


class Preprocessor(ABC):
    """What a model has learned of data of one kind, so that it takes more of them: a frozen
    dataclass of plain data.

    Attributes:
        target: what is learned, in its own words.
    """

    target: Any

    @property
    def feature_names(self) -> tuple[str, ...]:
        """Of the network's inputs, where these are columns."""
        return ()

    @abstractmethod
    def transform(self, x: Any) -> Any:
        """Data of the kind as rows that the network takes; what is none is taken to be that
        already.
        """

    @abstractmethod
    def transform_xy(self, x: Any, y: Any = None) -> tuple[Any, Any, np.ndarray | None]:
        """(rows, targets, which of the data's rows have a target, None for all); of data that hold
        their targets where y is None.
        """

    def inverse_transform(self, output: np.ndarray, x: Any) -> np.ndarray:
        """The network's outputs for x in the target's own units."""
        return self.target.decode_output(output)

    @abstractmethod
    def describe(self, max_names: int | None = None) -> str:
        """What the data are, in words: of what has names, the first `max_names`, or all."""


@dataclass(frozen=True)
class TableRequest:
    """What `fit` was asked to make of a table."""

    target: str | None = None
    column_types: tuple[tuple[str, str], ...] = ()
    derive: tuple[tuple[str, str], ...] = ()
    target_transform: str | None = None


class PreparedData(NamedTuple):
    """Data as `fit` uses them: what was learned of them, rows and targets, which have one, who
    trains and who is held out, the news.
    """

    preprocessor: Preprocessor
    x: np.ndarray
    y: np.ndarray
    has_target: np.ndarray | None
    train_index: np.ndarray
    validation_index: np.ndarray | None
    messages: tuple[str, ...]


def require_same_kind(
    kind: type[PreprocessorT], fitted: Preprocessor | None, data: Any
) -> PreprocessorT | None:
    """What was learned at an earlier fit, if anything.

    Raises:
        ConfigError: it was learned of data of another kind.
    """
    expected = f"{fitted.describe(3)}, as at an earlier fit" if fitted else ""
    require(
        fitted is None or isinstance(fitted, kind),
        "fit",
        expected,
        x=type(data).__name__,
        fix="reset() first.",
    )
    return fitted if isinstance(fitted, kind) else None
