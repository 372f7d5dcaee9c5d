"""Base classes of jobs, through which `train` and `trace` use a dataset."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pandas

    from glassnet.data.images import Images
    from glassnet.models.sequential import Sequential
    from glassnet.reporting.run_data import RunData
    from glassnet.reporting.scoring import RunScore
    from glassnet.training.history import History

OPTION_NAMES = (
    "--target",
    "--features",
    "--target-transform",
    "--task",
    "--forecast",
    "--time",
    "--fill",
    "--time-zone",
    "--column",
    "--groups",
)


class TrainOptions(NamedTuple):
    """The options of `arguments.table_options`, `series_options` and `csv_options`, and groups."""

    target: str | None = None
    features: tuple[str, ...] = ()
    target_transform: str | None = None
    task: str | None = None
    forecast: int | None = None
    time: tuple[str, ...] = ()
    fill: str | None = None
    time_zone: str | None = None
    column_types: Mapping[str, str] = MappingProxyType({})
    groups: str | None = None
    csv: Mapping[str, Any] = MappingProxyType({})

    def first_given(self) -> str | None:
        """Return the name of the first option that is set, or None."""
        pairs = zip(OPTION_NAMES, self, strict=False)
        names = [name for name, value in pairs if value] + [f"--{name}" for name in self.csv]
        return next(iter(names), None)


class JobScore(NamedTuple):
    """The score of a job.

    Attributes:
        text: a report of several lines.
        headline: its first line.
        facts: the same numbers as JSON.
        score: the same numbers, for `gn.report`.
    """

    text: str
    headline: str
    facts: dict[str, Any]
    score: RunScore


class ExampleSource(ABC):
    """A network and the examples that a trace can show.

    Attributes:
        name: the name of the dataset, the file or the folder.
    """

    name: str

    @property
    @abstractmethod
    def n_samples(self) -> int:
        """The number of training examples."""

    @abstractmethod
    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """Return a compiled network.

        Args:
            settings: the options of the command by name.
            adapt: learn the scales and the encoder now, from all training examples.
        """

    @abstractmethod
    def model_inputs(self, model: Sequential) -> np.ndarray:
        """Return the training examples as the network's input."""

    @abstractmethod
    def example(self, i: int) -> tuple[Any, Any]:
        """Return training example `i` and its target as arguments of `Sequential.trace`."""

    @abstractmethod
    def target_text(self, i: int) -> str:
        """Return the target of training example `i` as text."""

    @abstractmethod
    def fit(self, model: Sequential, **fit_options: Any) -> History:
        """Train the network."""


def describe_sizes(n_train: int, n_test: int, noun: str, task: str) -> str:
    """Return the numbers of training and test rows, and the task.

    Example:
        >>> describe_sizes(1200, 0, "rows", "2 classes")
        '1,200 rows, 2 classes'
    """
    if not n_test:
        return f"{n_train:,} {noun}, {task}"
    return f"{n_train:,} training {noun}, {n_test:,} test {noun}, {task}"


class Job(ExampleSource):
    """Training examples, test examples, and the defaults of `train` for them.

    Attributes:
        messages: lines to print about how the data were read.
        dropout: the default of `--dropout`.
        training_steps: the number of steps that the default of `--epochs` aims at.
        validation_split: the default of `--validation-split` if there are enough examples.
        validation_data: separate validation examples, or None.
        groups: the group of each training example, which no division into folds separates, or None.
    """

    messages: tuple[str, ...] = ()
    dropout: float = 0.0
    training_steps: int = 1000
    validation_split: float = 0.1
    validation_data: Images | None = None
    groups: np.ndarray | None = None

    @property
    def scale_of_all_rows(self) -> str:
        """What the network knows about the targets of all rows before it is trained, or ""."""
        return ""

    @property
    def layers(self) -> tuple[int, ...]:
        """The default of `--layers`."""
        return (128,)

    @property
    def batch_size(self) -> int:
        """The default of `--batch-size`."""
        return 32

    @property
    @abstractmethod
    def description(self) -> str:
        """The sizes of the training and test data and the task, in one line."""

    @property
    @abstractmethod
    def fit_arguments(self) -> dict[str, Any]:
        """The training examples as arguments of `fit`."""

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        return model.fit(**self.fit_arguments, **fit_options)

    @abstractmethod
    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Learn what the network needs before it can be built, such as an encoder."""

    @property
    @abstractmethod
    def run_data(self) -> RunData:
        """The training and test examples, as a report shows them."""

    @property
    @abstractmethod
    def target_name(self) -> str:
        """The name of what is predicted."""

    @abstractmethod
    def to_frame(self) -> pandas.DataFrame:
        """Return the training examples as they are written to a file, with their targets."""

    @abstractmethod
    def describe_learned(self, model: Sequential) -> dict[str, Any]:
        """Return what a model learned about the data, as JSON."""

    def score(self, model: Sequential, seed: int) -> JobScore:
        """Score the model on the test examples beside simpler methods."""
        from glassnet.reporting import scoring

        run = self.run_data
        score = scoring.score_rows(model, run.train, run.scored, seed)
        return make_job_score(score, self.describe_learned(model))


def make_job_score(score: RunScore, learned: dict[str, Any]) -> JobScore:
    """Return the score of rows as text and as JSON.

    Args:
        score: the score.
        learned: what the model learned about the data.
    """
    from glassnet.evaluation.scores import ScoreReport

    assert isinstance(score.report, ScoreReport)
    text, facts = str(score.report), {"score": score.report.to_dict()}
    if score.log_report is not None:
        text += f"\n\nlogarithm of {learned['target']}:\n{score.log_report}"
        facts["score_of_log"] = score.log_report.to_dict()
    return JobScore(text, score.report.headline(), facts | {"learned": learned}, score)
