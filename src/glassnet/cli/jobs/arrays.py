"""The job for a dataset of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassnet.cli.jobs.base import Job, describe_sizes
from glassnet.formatting import format_number

if TYPE_CHECKING:
    import numpy as np
    import pandas

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

    @property
    def scale_of_all_rows(self) -> str:
        if self.data.class_names:
            return ""
        mean, std = (format_number(value) for value in (self.data.y.mean(), self.data.y.std()))
        return f"mean {mean}, standard deviation {std}"

    @property
    def target_name(self) -> str:
        return "y"

    def to_frame(self) -> pandas.DataFrame:
        """Return the number of each row, counted from 0, and its target."""
        import numpy as np
        import pandas

        y, names = self.data.y, self.data.class_names
        targets = np.array(names)[y] if names else y
        return pandas.DataFrame({"row": np.arange(len(y)), "y": targets})

    def describe_learned(self, model: Sequential) -> dict[str, Any]:
        return {"classes": self.data.class_names, "shape": self.data.x.shape[1:]}
