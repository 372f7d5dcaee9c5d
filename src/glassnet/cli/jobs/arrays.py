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
        """Score the model on the test rows beside a linear model and a baseline."""
        from glassnet.evaluation import baselines

        data = self.data
        x, x_test = baselines.to_columns(data.x, data.x_test)
        if data.class_names:
            predicted = model.predict_labels(data.x_test)
            report = baselines.score_classifier(
                data.y, data.y_test, predicted, x, x_test, trees=data.x.ndim == 2, seed=seed
            )
        else:
            predicted = model.predict(data.x_test)[:, 0]
            report = baselines.score_regressor(
                data.y, data.y_test, predicted, x, x_test, trees=data.x.ndim == 2, seed=seed
            )
        learned = {"classes": data.class_names, "shape": data.x.shape[1:]}
        return str(report), report.headline(), {"score": report.to_dict(), "learned": learned}
