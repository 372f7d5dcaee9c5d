"""What a data set is: the arrays once it is loaded, and one row of the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from glassnet.types import Array, Shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DatasetFields: TypeAlias = tuple[Array, Array, Array, Array, tuple[str, ...], tuple[str, ...]]
"""x, y, x_test, y_test, feature_names, class_names: the fields of a `Dataset` after its name."""

TEST_FRACTION = 0.2
"""The share of the rows that becomes the test part, where the source has none of its own."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Rows to train on and rows to test on, with the words to describe them.

    It unpacks as Keras's loaders do: `(x, y), (x_test, y_test) = data`.

    Shapes:
        x: (n, *example). y: (n,), int64 class codes 0..K-1, or float32 in the target's own units.
        x_test, y_test: as x and y, with the held-out rows.

    Args:
        name: what `catalogue.load` calls it.
        feature_names: one for each column of a table; empty for images.
        class_names: class_names[k] says what the label k means; empty for a regression.
        description: what the rows are, their units, source and licence.

    Example:
        >>> import numpy as np
        >>> x, y = np.array([[0.0], [1.0], [2.0]]), np.array([0, 1, 1])
        >>> data = Dataset("steps", x[:2], y[:2], x[2:], y[2:], feature_names=("height",), class_names=("low", "high"))
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
        """What is to be learned: "regression", or the number of classes, as in "3 classes"."""
        return f"{len(self.class_names)} classes" if self.class_names else "regression"

    def plot(self) -> Figure:
        """Draw the training rows: pictures by class, points by class, or the most telling columns
        of a wider table.
        """
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
    """One row of the catalogue: what is known of a data set before it is made or fetched.

    Args:
        name: what `catalogue.load` calls it.
        task: "regression", or the number of classes, as in "3 classes".
        rows: number of rows, training and test together.
        shape: the shape of one example; of a table with text in it, how many columns there are
            beside the target.
        source: where the rows come from: "generated", "scikit-learn" or "download".
        about: one sentence that says what a row is.
        notes: units, origin and licence.
        make: called with a seeded generator and the options of `load`.
        dataset_type: what holds the contents that were made: a `Dataset`, or a `TableDataset`.
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
