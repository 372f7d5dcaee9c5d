"""A saved model with examples to trace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs.base import ExampleSource
from glassnet.formatting import format_number

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.table import Table
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History


@dataclass(frozen=True, eq=False)
class SavedModelJob(ExampleSource):
    """A saved model and the examples to trace.

    Attributes:
        name: the name of the model's file.
        model: the model.
        x: a table, with or without its target, or arrays.
        y: the targets of arrays; None for a table.
    """

    name: str
    model: Sequential
    x: Any
    y: Any

    @property
    def n_samples(self) -> int:
        return len(self.x)

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        return self.model

    def model_inputs(self, model: Sequential) -> np.ndarray:
        x: np.ndarray = model.preprocessor.transform(self.x) if model.preprocessor else self.x
        return x

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        """Refuse to train.

        Raises:
            click.UsageError: always.
        """
        raise click.UsageError(
            "--epochs cannot be used with a saved model: it is traced without more training."
        )

    def example(self, i: int) -> tuple[Any, Any]:
        """Return example `i` and its target; a missing target is replaced by the prediction."""
        if self.y is not None:
            return self.x[i : i + 1], self.y[i : i + 1]
        row = self.x.take(slice(i, i + 1))
        return row, None if self._has_target else self._predict_target(row)

    def target_text(self, i: int) -> str:
        if self.model.preprocessor is None:
            return format_number(self.y[i], digits=6)
        if self.y is not None:
            return str(self.model.preprocessor.target.decode_labels(self.y[i]))
        target = self.model.preprocessor.target.name
        row = self.x.take(slice(i, i + 1))
        if self._has_target:
            return f"{target} {row[target][0]}"
        return f"{target} is missing, {self._predict_target(row)[0]} is predicted"

    @property
    def _has_target(self) -> bool:
        assert self.model.preprocessor is not None
        return self.model.preprocessor.target.name in self.x.columns

    def _predict_target(self, row: Table) -> np.ndarray:
        from glassnet.preprocessing.targets import ClassTarget

        assert self.model.preprocessor is not None
        if isinstance(self.model.preprocessor.target, ClassTarget):
            return self.model.predict_labels(row)
        return self.model.predict(row)[:, 0]
