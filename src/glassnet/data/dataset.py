"""Containers for a loaded dataset and for its entry in the catalog of `gn.datasets`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from glassnet.suggestions import suggest_names
from glassnet.types import Array, Shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DatasetFields: TypeAlias = tuple[Array, Array, Array, Array, tuple[str, ...], tuple[str, ...]]
"""Fields of a `Dataset` after its name: x, y, x_test, y_test, feature_names, class_names."""

TEST_FRACTION = 0.2
"""Fraction of the rows held out for testing if the source has no test rows."""


@suggest_names
@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Training and test rows, with their names and description.

    It unpacks as the result of Keras's loaders: `(x, y), (x_test, y_test) = data`.

    Shapes:
        x: (n, *example). y: (n,), int64 class codes 0..K-1, or float32 in the target's own units.
        x_test, y_test: the test rows, as x and y.

    Args:
        name: name of the dataset in `datasets.load`.
        feature_names: name of each column of a table; empty for images.
        class_names: class_names[k] is the name of class k; empty for a regression.
        description: what the rows are, their units, source and license.

    Example:
        >>> import numpy as np
        >>> x, y = np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 1])
        >>> data = Dataset("steps", x[:2], y[:2], x[2:], y[2:], class_names=("low", "high"))
        >>> data
        Dataset('steps', x=(2, 1) float64, y=(2,) int64, test rows=1, 2 classes)
        >>> (x, y), (x_test, y_test) = data
    """

    name: str
    x: Array
    y: Array
    x_test: Array
    y_test: Array
    feature_names: tuple[str, ...] = ()
    class_names: tuple[str, ...] = ()
    description: str = ""

    @property
    def task(self) -> str:
        """The kind of target: "regression", or the number of classes, as in "3 classes"."""
        return f"{len(self.class_names)} classes" if self.class_names else "regression"

    def plot(self) -> Figure:
        """Plot the training rows: images by class, points by class, or a table's best columns."""
        from glassnet.plots.datasets import plot_dataset

        return plot_dataset(
            self.x,
            self.y,
            feature_names=self.feature_names,
            class_names=self.class_names,
            title=self.name,
        )

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        yield self.x, self.y
        yield self.x_test, self.y_test

    def __repr__(self) -> str:
        x, y = (f"{part.shape} {part.dtype}" for part in (self.x, self.y))
        return f"Dataset({self.name!r}, x={x}, y={y}, test rows={len(self.x_test)}, {self.task})"


@dataclass(frozen=True)
class DatasetInfo:
    """An entry of the catalog: the facts about a dataset before it is loaded.

    Args:
        name: name of the dataset in `datasets.load`.
        task: "regression", or the number of classes, as in "3 classes".
        rows: number of rows, training and test together.
        shape: shape of one example; for a table with text, (number of columns without target,).
        source: "generated", "scikit-learn" or "download" with the size.
        about: one sentence that says what a row is.
        notes: units, origin and license.
        make: function of a seeded generator and the options of `load`; returns the fields of
            `dataset_type` after its name.
        dataset_type: class of the loaded dataset, `Dataset` or `TableDataset`.
    """

    name: str
    task: str
    rows: int
    shape: Shape
    source: str
    about: str
    notes: str
    make: Callable[..., tuple[Any, ...]] = field(repr=False)
    dataset_type: Callable[..., Any] = field(repr=False, default=Dataset)
