"""What `fit` takes whole, its targets with it: tables, images. Each knows how it is taken; what is learned of it is a `Taker`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from glassnet.engine.network import Links
from glassnet.errors import DataError, require
from glassnet.losses import Loss

if TYPE_CHECKING:
    from glassnet.preprocessing.tabular import Wishes

Split: TypeAlias = tuple[float, str, int]
"""The fraction held out, "random" or "end", and the seed."""

Kind = TypeVar("Kind", bound="Taker")


class Taker(ABC):
    """What a model has learned of data of one kind, so that it takes more of them: a frozen dataclass of plain data.

    Attributes:
        target: what is learned, in its own words.
    """

    target: Any

    @property
    def names(self) -> tuple[str, ...]:
        """Of the network's inputs, where these are columns."""
        return ()

    @abstractmethod
    def features(self, x: Any) -> Any:
        """Data of the kind as rows that the network takes; what is none is taken to be that already."""

    @abstractmethod
    def pair(self, x: Any, y: Any = None) -> tuple[Any, Any, np.ndarray | None]:
        """(rows, targets, which of the data's rows have a target, None for all); of data that hold their targets where y is None."""

    def restore(self, output: np.ndarray, x: Any) -> np.ndarray:
        """The network's outputs for x in the target's own units."""
        return self.target.restore(output)

    @abstractmethod
    def listed(self, most: int | None = None) -> str:
        """What the data are, in words: of what has names, the first `most`, or all."""


class Taken(NamedTuple):
    """Data as `fit` uses them: what was learned of them, rows and targets, which have one, who trains and who is held out, the news."""

    intake: Taker
    x: np.ndarray
    y: np.ndarray
    there: np.ndarray | None
    kept: np.ndarray
    held: np.ndarray | None
    said: tuple[str, ...]


class Given(ABC):
    """Data that hold their targets, and know how `fit` takes them."""

    @abstractmethod
    def take(self, known: Taker | None, asked: Wishes, links: Links, loss: Loss | None, split: Split) -> Taken:
        """See `intake.take`."""

    @abstractmethod
    def apart(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and targets, as a model takes them that knows arrays alone."""


def known_as(kind: type[Kind], known: Taker | None, given: Any) -> Kind | None:
    """What was learned at an earlier fit, if anything.

    Raises:
        ConfigError: it was learned of data of another kind.
    """
    expected = f"{known.listed(3)}, as at an earlier fit" if known else ""
    require(known is None or isinstance(known, kind), "fit", expected, x=type(given).__name__, fix="reset() first.")
    return known if isinstance(known, kind) else None


def features(known: Taker | None, x: Any) -> Any:
    """Rows of x as the network takes them, where there is anything to know about it."""
    if known is not None:
        return known.features(x)
    return x.apart()[0] if isinstance(x, Given) else x


def pair(known: Taker | None, x: Any, y: Any) -> tuple[Any, Any, np.ndarray | None]:
    """Rows and targets as the network takes them, and which of a table's rows have a target, None for all.

    Raises:
        DataError: there are no targets; see `Taker.pair`.
    """
    if known is not None:
        return known.pair(x, y)
    if isinstance(x, Given):
        x, own = x.apart()
        return x, own if y is None else y, None
    fix = "Pass y; or, of a table, fit(table, target=...) first."
    require(y is not None, "y", "targets", error=DataError, x=type(x).__name__, y=None, fix=fix)
    return x, y, None
