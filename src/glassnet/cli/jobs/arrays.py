"""Arrays as something to train on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassnet.cli.jobs.base import Job

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.dataset import Dataset
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History


@dataclass(frozen=True)
class BaselineScore:
    """A number on the test rows beside that of a guess: accuracy and the most common class, or RMSE
    and the mean.
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
    """A data set of arrays."""

    name: str
    data: Dataset

    @property
    def n_samples(self) -> int:
        return len(self.data.x)

    @property
    def description(self) -> str:
        return f"{self.n_samples:,} rows to learn from, {len(self.data.x_test):,} to be scored on, {self.data.task}"

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """A compiled network for the data; `adapt` where the scale of its inputs is learned now,
        from all rows to learn from.
        """
        from glassnet.cli import default_models

        return default_models.build_model(
            self.data, settings, dropout=settings["dropout"], adapt=adapt
        )

    def model_inputs(self, model: Sequential) -> np.ndarray:
        return self.data.x

    def example(self, i: int) -> tuple[Any, Any]:
        return self.data.x[i : i + 1], self.data.y[i : i + 1]

    def target_text(self, i: int) -> str:
        return (
            self.data.class_names[int(self.data.y[i])]
            if self.data.class_names
            else f"{self.data.y[i]:g}"
        )

    def prepare_model(self, model: Sequential, **fit_options: Any) -> None:
        """Nothing has to be learned before the network is there."""

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        return model.fit(self.data.x, self.data.y, **fit_options)

    def score(self, model: Sequential, seed: int) -> tuple[str, str, dict[str, Any]]:
        """How the model does on the test rows beside a guess that the training rows teach: in full
        (no more), in short, and plainly.
        """
        import numpy as np

        data = self.data
        logs = model.evaluate(data.x_test, data.y_test, return_dict=True)
        if data.class_names:
            most_common = np.bincount(data.y).argmax()
            score = BaselineScore(
                "accuracy", logs["accuracy"], float(np.mean(data.y_test == most_common))
            )
        else:
            misses = data.y_test.astype(np.float64) - data.y.mean(dtype=np.float64)
            score = BaselineScore("rmse", logs["loss"] ** 0.5, float(np.sqrt(np.mean(misses**2))))
        return (
            "",
            str(score),
            {"metric": score.metric, "score": score.value, "baseline": score.baseline},
        )
