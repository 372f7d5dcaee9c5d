"""A saved model, and rows to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli.jobs.base import ExampleSource

if TYPE_CHECKING:
    import numpy as np

    from glassnet.data.table import Table
    from glassnet.models.sequential import Sequential
    from glassnet.training.history import History


@dataclass(frozen=True, eq=False)
class SavedModelJob(ExampleSource):
    """A saved model, and rows to look at: a table's, with or without their target, or arrays with
    theirs.
    """

    name: str
    model: Sequential
    x: Any
    y: Any

    @property
    def n_samples(self) -> int:
        """How many there are."""
        return len(self.x)

    def build_model(self, settings: Mapping[str, Any], adapt: bool = False) -> Sequential:
        """The network that was saved."""
        return self.model

    def model_inputs(self, model: Sequential) -> np.ndarray:
        """The rows as the network takes them."""
        return model.preprocessor.transform(self.x) if model.preprocessor else self.x

    def fit(self, model: Sequential, **fit_options: Any) -> History:
        """A saved model is looked at as it is."""
        raise click.UsageError(
            "--epochs is for networks made here: a saved one is looked at as it is."
        )

    def example(self, i: int) -> tuple[Any, Any]:
        """One of them, and its target, as `trace` takes them; where there is none, the network's
        own answer stands for it.
        """
        if self.y is not None:
            return self.x[i : i + 1], self.y[i : i + 1]
        one = self.x.take(slice(i, i + 1))
        return one, None if self._has_target else self._predict_target(one)

    def target_text(self, i: int) -> str:
        """Its target in words."""
        if self.model.preprocessor is None:
            return f"{self.y[i]:g}"
        if self.y is not None:
            return str(self.model.preprocessor.target.decode_labels(self.y[i]))
        target = self.model.preprocessor.target.name
        one = self.x.take(slice(i, i + 1))
        return (
            f"{target} {one[target][0]}"
            if self._has_target
            else f"{target} not told: its own answer, {self._predict_target(one)[0]}, stands for it"
        )

    @property
    def _has_target(self) -> bool:
        assert self.model.preprocessor is not None
        return self.model.preprocessor.target.name in self.x.columns

    def _predict_target(self, row: Table) -> np.ndarray:
        from glassnet.preprocessing.targets import ClassTarget

        assert self.model.preprocessor is not None
        labels = isinstance(self.model.preprocessor.target, ClassTarget)
        return self.model.predict_labels(row) if labels else self.model.predict(row)[:, 0]
