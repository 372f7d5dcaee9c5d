"""Fitted curve: the answer of a network over one feature, and the data that it was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
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
def fitted(
    model: InspectedModel,
    x: Any,
    y: Any = None,
    *,
    feature: str | int | None = None,
    at: Mapping[Any, Any] | None = None,
    test: Any = None,
    output: int | None = None,
    resolution: int = 200,
) -> FittedCurve:
    """Compute the curve of a network over one feature, f(x), and put the data beside it.

    For a number, the curve is the prediction. For classes, it is the probability of each class. If
    the model has more features, the curve is a slice, as in `decision_boundary`: the rows differ
    from it in the other features.

    Args:
        model: a model whose inputs are columns of an array or of a table.
        x: rows of any kind that `fit` takes; the curve spans them.
        y: targets, if x does not hold them; None to draw the curve alone.
        feature: name of a column; "x1", "x2", ... or an index for arrays. None if the model has
            one feature.
        at: values at which other features are fixed: {"rooms": 3}. The others stand at their
            median or most frequent value.
        test: more rows, drawn with another marker: a table, or (x_test, y_test).
        output: index of the output, if the network has several numbers or several sigmoids.
        resolution: number of points of the curve, from 2 to 1,000. A category has one for each
            level.

    Returns:
        A `FittedCurve`.

    Raises:
        ConfigError: images, series or texts; several features of which none is named; a feature
            that does not exist or that the model does not use; an unknown category in `at`; a
            resolution out of range; several outputs, but no `output`.
        DataError: rows that do not fit the model: see `predict`.

    Example:
        >>> import glassnet as gn
        >>> model = gn.Sequential([gn.layers.Dense(1)], seed=0)
        >>> history = model.fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0], epochs=1, verbose=0)
        >>> curve = gn.inspection.fitted(model, [[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0])
        >>> curve.x.shape, curve.prediction.shape
        ((200,), (200,))
    """
    view = "fitted"
    snapshots = take_snapshots(model, x, y, test)
    part = make_slice(snapshots, feature, at, resolution, 1, view)
    reader = make_reader(snapshots[0], output, view)

    return FittedCurve(
        feature=part.names[0],
        x=part.axes[0],
        **reader.answer(part, snapshots),
    )


@dataclass(frozen=True, eq=False, repr=False)
class FittedCurve(SliceView):
    """The answer of a network over one feature.

    Attributes:
        feature: name of the feature.
        x: values of the feature, (m,): numbers, datetime64, booleans, or text for categories.
        probability: of each of K classes, (m, K); None for numbers.
        prediction: class index or predicted number, (m,).
        class_names: name of each class; empty for numbers.
        target_name: name of what is predicted.
        fixed: the value of each other feature, by name.
        points: the rows: `values` of the feature, `target`, `prediction` and `is_wrong`.
        test_points: the test rows, or None.
        note: " (untrained)" if the model was not trained, else "".
    """

    feature: str
    x: np.ndarray

    @property
    def title(self) -> str:
        """The score on the rows and, for a slice, the values of the other features."""
        text = describe_scores(self.points, self.test_points, bool(self.class_names))
        title = f"Fitted curve of {self.target_name} over {self.feature}{self.note}"
        title = f"{title}: {text}" if text else title
        return f"{title}; slice at {describe_fixed(self.fixed)}" if self.fixed else title

    def __str__(self) -> str:
        return "\n".join([self.title, *list_fixed(self.fixed)])

    def to_frame(self) -> Any:
        """Return a row for each point of the curve: the feature, prediction, probabilities."""
        return self._make_frame({self.feature: self.x})

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the curve and the rows.

        Rows of two classes stand at 0 and 1, those of more classes below the curves. A row has a
        ring if the prediction is wrong.

        Args:
            ax: axes to draw on; None for a new figure.
        """
        from glassnet.plots import fitted_curves

        axis = make_plane_axis(self.feature, self.x)
        parts = self._make_parts()
        if self.probability is None:
            return fitted_curves.plot_number_curve(
                axis, self.prediction, parts, self.target_name, self.title, ax
            )
        labels = self._class_labels
        return fitted_curves.plot_probability_curves(
            axis, self.probability, parts, labels, self.title, ax
        )
