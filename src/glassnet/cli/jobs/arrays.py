"""The job for a dataset of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassnet.cli.jobs.base import Job, JobScore, describe_sizes, score_test_rows
from glassnet.formatting import format_number

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.dataset import Dataset
    from glassnet.models.sequential import Sequential
    from glassnet.reporting.run_data import RunData


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
        return describe_sizes(self.n_samples, len(self.data.x_test), "rows", self.data.task)

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

    @property
    def fit_arguments(self) -> dict[str, Any]:
        return {"x": self.data.x, "y": self.data.y}

    @property
    def run_data(self) -> RunData:
        from glassnet.reporting.run_data import describe_dataset

        return describe_dataset(self.data)

    def score(self, model: Sequential, seed: int) -> JobScore:
        """Score the model on the test rows beside a linear model and a baseline."""
        learned = {"classes": self.data.class_names, "shape": self.data.x.shape[1:]}
        return score_test_rows(model, self.run_data, seed, learned)
