"""What `fit` takes whole, its targets with it: tables, images. Each knows how it is taken; what is
learned of it is a `Preprocessor`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from glassnet.engine.network import Links
from glassnet.errors import DataError, require
from glassnet.losses import Loss

if TYPE_CHECKING:
    from glassnet.preprocessing.tabular import TableRequest

SplitOptions: TypeAlias = tuple[float, str, int]
"""The fraction held out, "random" or "end", and the seed."""

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


class DataAdapter(ABC):
    """Data that hold their targets, and know how `fit` takes them."""

    @abstractmethod
    def prepare(
        self,
        fitted: Preprocessor | None,
        request: TableRequest,
        links: Links,
        loss: Loss | None,
        split: SplitOptions,
    ) -> PreparedData:
        """See `tabular.prepare_table`."""

    @abstractmethod
    def to_arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and targets, as a model takes them that knows arrays alone."""


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


def transform(preprocessor: Preprocessor | None, x: Any) -> Any:
    """Rows of x as the network takes them, where there is anything to know about it."""
    if preprocessor is not None:
        return preprocessor.transform(x)
    return x.to_arrays()[0] if isinstance(x, DataAdapter) else x


def transform_xy(
    preprocessor: Preprocessor | None, x: Any, y: Any
) -> tuple[Any, Any, np.ndarray | None]:
    """Rows and targets as the network takes them, and which of a table's rows have a target, None
    for all.

    Raises:
        DataError: there are no targets; see `Preprocessor.transform_xy`.
    """
    if preprocessor is not None:
        return preprocessor.transform_xy(x, y)
    if isinstance(x, DataAdapter):
        x, own = x.to_arrays()
        return x, own if y is None else y, None
    fix = "Pass y; or, of a table, fit(table, target=...) first."
    require(y is not None, "y", "targets", error=DataError, x=type(x).__name__, y=None, fix=fix)
    return x, y, None
