"""What a task is to the commands that train: how a network is proposed for it, trained on it, and
scored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.images import Images
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History

OPTION_NAMES = ("--target", "--features", "--target-transform", "--task", "--forecast", "--time")


class TrainOptions(NamedTuple):
    """What a table is to be learned for: the options of `arguments.table_options` and
    `series_options`.
    """

    target: str | None = None
    features: tuple[str, ...] = ()
    target_transform: str | None = None
    task: str | None = None
    forecast: int | None = None
    time: str | None = None

    def first_given(self) -> str | None:
        """The first that was given."""
        return next(
            (option for option, value in zip(OPTION_NAMES, self, strict=True) if value), None
        )


class Job(ABC):
    """Rows to learn from and rows to be scored on.

    Attributes:
        name: of the data set, the file or the folder.
        messages: what was found out in reading.
        dropout: where none is asked for.
        validation_split: of enough rows, where none is asked for.
        training_steps: as many epochs make about so many steps, where none are asked for.
        validation_data: what to validate on, where that is apart.
    """

    name: str
    messages: tuple[str, ...] = ()
    dropout: float = 0.0
    training_steps: int = 1000
    validation_split: float = 0.1
    validation_data: Images | None = None

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
    def n_samples(self) -> int:
        """How many there are to learn from."""

    @property
    @abstractmethod
    def description(self) -> str:
        """What there is to learn, in a line."""

    @abstractmethod
    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """A compiled network; `adapt` where what it has to learn of its inputs is learned now, from
        all rows to learn from.
        """

    @abstractmethod
    def model_inputs(self, model: Sequential) -> np.ndarray:
        """The rows to learn from as the network takes them."""

    @abstractmethod
    def example(self, i: int) -> tuple[Any, Any]:
        """One of them, and its target, as `trace` takes them."""

    @abstractmethod
    def target_text(self, i: int) -> str:
        """Its target in words."""

    @abstractmethod
    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Learn what the network cannot be there without."""

    @abstractmethod
    def fit(self, model: Sequential, **fit_options: Any) -> History:
        """Train."""

    @abstractmethod
    def score(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How the model does on the test rows, beside what simpler methods do: in full, in short,
        and plainly.
        """
