"""What a task is to the commands that train: how a network is proposed for it, trained on it, and scored."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from glassnet.models.sequential import Sequential
    from glassnet.preprocessing.images import Images
    from glassnet.training.history import History

OPTIONS = ("--target", "--features", "--target-transform", "--task", "--forecast", "--time")


class Wishes(NamedTuple):
    """What a table is to be learned for: the options of `arguments.table_options` and `series_options`."""

    target: str | None = None
    features: tuple[str, ...] = ()
    transform: str | None = None
    task: str | None = None
    forecast: int | None = None
    time: str | None = None

    def option(self) -> str | None:
        """The first that was given."""
        return next((option for option, value in zip(OPTIONS, self, strict=True) if value), None)


class Task(ABC):
    """Rows to learn from and rows to be scored on.

    Attributes:
        name: of the data set, the file or the folder.
        said: what was found out in reading.
        dropout: where none is asked for.
        validation_split: of enough rows, where none is asked for.
        steps: as many epochs make about so many steps, where none are asked for.
        validation: what to validate on, where that is apart.
    """

    name: str
    said: tuple[str, ...] = ()
    dropout: float = 0.0
    steps: int = 1000
    validation_split: float = 0.1
    validation: Images | None = None

    @property
    def layers(self) -> tuple[int, ...]:
        """Units of the hidden layers, where none are asked for."""
        return (128,)

    @property
    def batch_size(self) -> int:
        """Rows of a step, where none are asked for."""
        return 32

    @property
    @abstractmethod
    def rows(self) -> int:
        """How many there are to learn from."""

    @property
    @abstractmethod
    def about(self) -> str:
        """What there is to learn, in a line."""

    @abstractmethod
    def propose(self, settings: Mapping[str, Any], adapted: bool = False) -> Sequential:
        """A compiled network; `adapted` where what it has to learn of its inputs is learned now, from all rows to learn from."""

    @abstractmethod
    def inputs(self, model: Sequential) -> np.ndarray:
        """The rows to learn from as the network takes them."""

    @abstractmethod
    def row(self, i: int) -> tuple[Any, Any]:
        """One of them, and its target, as `trace` takes them."""

    @abstractmethod
    def meaning(self, i: int) -> str:
        """Its target in words."""

    @abstractmethod
    def begin(self, model: Sequential, **asked: Any) -> None:
        """Learn what the network cannot be there without."""

    @abstractmethod
    def fit(self, model: Sequential, **asked: Any) -> History:
        """Train."""

    @abstractmethod
    def facts(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How the model does on the test rows, beside what simpler methods do: in full, in short, and plainly."""
