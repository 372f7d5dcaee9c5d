"""Decision boundary: the answer of a network over two features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.inspection.slices import (
    SliceView,
    describe_fixed,
    describe_scores,
    list_fixed,
    make_plane_axis,
    make_reader,
    make_slice,
    take_snapshots,
)
from glassnet.inspection.snapshot import InspectedModel
from glassnet.inspection.view import view_function

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


@view_function
def decision_boundary(
    model: InspectedModel,
    x: Any,
    y: Any = None,
    *,
    features: Sequence[str | int] | None = None,
    at: Mapping[Any, Any] | None = None,
    test: Any = None,
    output: int | None = None,
    resolution: int = 200,
) -> DecisionBoundary:
    """Compute the answer of a network on a grid over two features: f(x1, x2).

    If the model has more features, the grid is a slice: numbers and dates are fixed at their
    median over the rows, categories and booleans at their most frequent value, or at the values
    in `at`. The rows are drawn where their two features are, but they differ from the slice in the
    others. Whether a row is right is decided by the prediction for the row itself.

    For classes, the result holds their probabilities, and the boundary is where the most probable
    class changes: for two classes, where the probability is 0.5.

    Args:
        model: a model whose inputs are columns of an array or of a table.
        x: rows of any kind that `fit` takes; the grid spans them.
        y: targets, if x does not hold them; None to draw no true answers.
        features: two names of columns; "x1", "x2", ... or indices for arrays. None if the model
            has two features.
        at: values at which other features are fixed: {"sex": "female", "age": 30}.
        test: more rows, drawn with another marker: a table, or (x_test, y_test).
        output: index of the output, if the network has several numbers or several sigmoids.
        resolution: number of values along each feature, from 2 to 1,000. Categories and booleans
            have one for each level.

    Returns:
        A `DecisionBoundary`.

    Raises:
        ConfigError: images, series, texts or a single input; a feature that does not exist or that
            the model does not use; the same feature twice; an unknown category in `at`; a
            resolution out of range; several outputs, but no `output`.
        DataError: rows that do not fit the model: see `predict`.

    Example:
        >>> import glassnet as gn
        >>> data = gn.datasets.load("xor")
        >>> model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
        >>> view = gn.inspection.decision_boundary(model, data.x, data.y, resolution=5)
        >>> view.probability.shape  # two classes at 5 x 5 points
        (5, 5, 2)
    """
    view = "decision_boundary"
    snapshots = take_snapshots(model, x, y, test)
    part = make_slice(snapshots, features, at, resolution, 2, view)
    reader = make_reader(snapshots[0], output, view)
    x1, x2 = part.make_grids()
    return DecisionBoundary(
        features=(part.names[0], part.names[1]),
        x1=x1,
        x2=x2,
        **reader.answer(part, snapshots),
    )


@dataclass(frozen=True, eq=False, repr=False)
class DecisionBoundary(SliceView):
    """The answer of a network over two features.

    Attributes:
        features: names of the two features.
        x1, x2: values of the features at each point of the grid, (n2, n1), as `numpy.meshgrid`
            returns them: numbers, datetime64, booleans, or text for categories (None: missing).
        probability: of each of K classes, (n2, n1, K); None for numbers.
        prediction: class index or predicted number, (n2, n1).
        class_names: name of each class; empty for numbers.
        target_name: name of what is predicted.
        fixed: the value of each other feature, by name.
        points: the rows: `values` of the two features, `target`, `prediction` and `is_wrong`.
        test_points: the test rows, or None.
        note: " (untrained)" if the model was not trained, else "".
    """

    features: tuple[str, str]
    x1: np.ndarray
    x2: np.ndarray

    @property
    def title(self) -> str:
        """The score on the rows and, for a slice, the values of the other features."""
        what = "Decision boundary" if self.class_names else f"Prediction of {self.target_name}"
        text = describe_scores(self.points, self.test_points, bool(self.class_names))
        over = f" over {self.features[0]} and {self.features[1]}" if self.fixed or not text else ""
        title = f"{what}{over}{self.note}" + (f": {text}" if text else "")
        return f"{title}; slice at {describe_fixed(self.fixed)}" if self.fixed else title

    def __str__(self) -> str:
        lines = [self.title, *list_fixed(self.fixed)]
        winners = np.unique(self.prediction)
        if self.class_names and len(winners) == 1:
            winner = self.class_names[int(winners[0])]
            lines.append(f"{self.target_name} = {winner} is the most probable class everywhere")
        parts = [self.points, *([self.test_points] if self.test_points else [])]
        if n := sum(part.n_hidden for part in parts):
            first, second = self.features
            lines.append(f"{n:,} rows have no value of {first} or {second} that can be drawn")
        return "\n".join(lines)

    def to_frame(self) -> Any:
        """Return a row for each point of the grid: both features, prediction, probabilities."""
        first, second = self.features
        return self._make_frame({first: self.x1.ravel(), second: self.x2.ravel()})

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the answers as colored areas, and the rows as points.

        For classes, an area has the color of the most probable class, and is paler if it is less
        certain. A row has the color of its true class, and a ring if the prediction is wrong.

        Args:
            ax: axes to draw on; None for a new figure.
        """
        from glassnet.plots import planes

        x1, x2 = self.x1[0], self.x2[:, 0]
        axes = (make_plane_axis(self.features[0], x1), make_plane_axis(self.features[1], x2))
        parts = self._make_parts()
        if self.probability is None:
            return planes.plot_number_plane(
                axes, self.prediction, parts, self.target_name, self.title, ax
            )
        labels = self._class_labels
        return planes.plot_class_plane(axes, self.probability, parts, labels, self.title, ax)
