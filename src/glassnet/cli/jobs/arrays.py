"""The job for a dataset of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassnet.cli.jobs.base import Job
from glassnet.formatting import format_number

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.dataset import Dataset
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History


@dataclass(frozen=True)
class BaselineScore:
    """A test score beside that of a baseline.

    Attributes:
        metric: "accuracy" (baseline: the most common class) or "rmse" (baseline: the mean).
        value: the score of the network.
        baseline: the score of the baseline.
    """

    metric: str
    value: float
    baseline: float

    def __str__(self) -> str:
        if self.metric == "accuracy":
            return f"{self.value:.2f} (majority {self.baseline:.2f})"
        return f"RMSE {self.value:.3g} (mean {self.baseline:.3g})"


@dataclass(frozen=True, eq=False)
class ArrayJob(Job):
    """A dataset of arrays with its test rows."""

    name: str
    data: Dataset

    @property
    def n_samples(self) -> int:
        return len(self.data.x)

    @property
    def description(self) -> str:
        n_test = len(self.data.x_test)
        return f"{self.n_samples:,} training rows, {n_test:,} test rows, {self.data.task}"

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        from glassnet.cli import default_models

        return default_models.build_model(
            self.data, settings, dropout=settings["dropout"], adapt=adapt
        )

    def model_inputs(self, model: Sequential) -> np.ndarray:
        x: np.ndarray = self.data.x
        return x

    def example(self, i: int) -> tuple[Any, Any]:
        return self.data.x[i : i + 1], self.data.y[i : i + 1]

    def target_text(self, i: int) -> str:
        y = self.data.y[i]
        names = self.data.class_names
        return names[int(y)] if names else format_number(y, digits=6)

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Do nothing: the network is already built."""

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        return model.fit(self.data.x, self.data.y, **fit_options)

    def score(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """Score the model on the test rows beside a baseline; the report is empty."""
        import numpy as np

        data = self.data
        logs = model.evaluate(data.x_test, data.y_test, return_dict=True)
        if data.class_names:
            most_common = np.bincount(data.y).argmax()
            baseline = float(np.mean(data.y_test == most_common))
            score = BaselineScore("accuracy", logs["accuracy"], baseline)
        else:
            errors = data.y_test.astype(np.float64) - data.y.mean(dtype=np.float64)
            score = BaselineScore("rmse", logs["loss"] ** 0.5, float(np.sqrt(np.mean(errors**2))))
        facts = {"metric": score.metric, "score": score.value, "baseline": score.baseline}
        return "", str(score), facts
