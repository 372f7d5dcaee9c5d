"""The rows, or the words of an Embedding, as points in the plane: near points are similar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.data.arrays import to_array
from glassnet.engine import inference
from glassnet.engine.network import tree_get
from glassnet.errors import ConfigError, DataError, NotReadyError, message, require
from glassnet.formatting import format_share
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.unit_inputs import BLOCK_ROWS, find_layer_end
from glassnet.inspection.view import View, view_function
from glassnet.layers import Embedding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

MAX_POINTS = 2000
"""Points that are drawn; of more rows, a random sample."""

MAX_CLASSES = 20
"""Labels of the rows that are floats are classes if there are at most this many different ones."""


@dataclass(frozen=True, eq=False, repr=False)
class EmbeddingPlane(View):
    """Outputs of a layer in the plane of their two largest principal directions.

    Attributes:
        layer: name of the layer.
        points: (n, 2).
        directions: principal directions, (2, units); those of a layer of two units are its units.
        variance_ratio: share of the variance along each direction, (2,).
        classes: class index of each row, (n,), or None.
        class_names: name of each class.
        targets: number to predict of each row, (n,), or None.
        target_name: what the number is.
        words: the word of each point, (n,), if they are the words of an Embedding; else empty.
        note: " (untrained)" if the model was not trained, else "".
    """

    layer: str
    points: np.ndarray
    directions: np.ndarray
    variance_ratio: np.ndarray
    classes: np.ndarray | None
    class_names: tuple[str, ...]
    targets: np.ndarray | None
    target_name: str
    words: tuple[str, ...]
    note: str

    @property
    def are_units(self) -> bool:
        """Whether the layer has two units, which are the axes."""
        return bool(self.directions.shape[1] == 2)

    @property
    def title(self) -> str:
        """The share of the variance that the plane shows."""
        what = f"{len(self.points):,} {'words' if self.words else 'rows'}"
        if self.are_units:
            return f"{self.layer}: {what} by the outputs of its two units{self.note}"
        share = format_share(self.variance_ratio.sum())
        n = self.directions.shape[1]
        return f"{self.layer}: {what} in 2 of {n} dimensions, {share} of the variance{self.note}"

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the points, in the color of their class or number, or with their word.

        Args:
            ax: axes to draw on; None for a new figure.
        """
        from glassnet.plots import embeddings

        rng = np.random.default_rng(0)
        n = len(self.points)
        shown = (
            np.sort(rng.choice(n, MAX_POINTS, replace=False)) if n > MAX_POINTS else np.arange(n)
        )
        names = ["unit 0", "unit 1"]
        if not self.are_units:
            shares = map(format_share, self.variance_ratio)
            pairs = zip(("first", "second"), shares, strict=True)
            names = [f"{which} principal component ({share})" for which, share in pairs]
        return embeddings.plot_points(
            self.points[shown],
            axis_names=names,
            classes=None if self.classes is None else self.classes[shown],
            class_names=self.class_names,
            numbers=None if self.targets is None else (self.target_name, self.targets[shown]),
            words=[self.words[i] for i in shown] if self.words else [],
            title=self.title,
            ax=ax,
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per point: its position, and its class or word."""
        import pandas as pd

        columns: dict[str, Any] = {"first": self.points[:, 0], "second": self.points[:, 1]}
        if self.classes is not None:
            columns["class"] = np.array(self.class_names, object)[self.classes]
        if self.targets is not None:
            columns[self.target_name] = self.targets
        if self.words:
            columns["word"] = self.words
        return pd.DataFrame(columns)


@view_function
def embeddings(
    model: InspectedModel, x: Any = None, y: Any = None, *, layer: str | None = None
) -> EmbeddingPlane:
    """Draw the outputs of a hidden layer for all rows, or the words of an Embedding, in the plane.

    Rows that a network treats alike are near each other. The plane is that of the two principal
    components, the directions with the largest variance. What lies in other directions is not
    seen; the title says how much is. A layer of two units, such as an autoencoder's code, is drawn
    as it is.

    Args:
        model: a model, trained or not.
        x: rows of any kind that `fit` takes; None for the words of an Embedding.
        y: targets for the colors; None if x holds them or there are none. If the network predicts
            several numbers, as an autoencoder does, any label or number of each row; its targets,
            of several numbers each, color no points.
        layer: name of the layer; None for the last one before the layer of the answers, or without
            x for the first Embedding. Outputs with several axes are flattened.

    Returns:
        The points.

    Raises:
        ConfigError: an unknown layer, with the nearest name; a network without hidden layer or, if
            x is None, without Embedding; a layer of one unit.
        DataError: fewer than three rows; see `fit`.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense, Input
        >>> model = Sequential([Input(3), Dense(4), Dense(1)], seed=0)
        >>> embeddings(model, np.eye(3)).points.shape
        (3, 2)

    Source: lecture 001, representation learning; Pearson 1901, for principal components.
    """
    if x is None:
        return _plot_words(model, layer)
    labels = None if y is None or not _predicts_several_numbers(model) else y
    snapshot = model.take_snapshot(x, y) if labels is None else model.take_snapshot(x)
    name = layer or _find_last_hidden(snapshot)
    stop = find_layer_end(snapshot, name)
    args = (snapshot.links[:stop], (), snapshot.params, snapshot.state)
    outputs = inference.predict(*args, snapshot.x, BLOCK_ROWS)
    colors = _get_targets(snapshot) if labels is None else _read_labels(labels, snapshot)
    return _project(name, outputs.reshape(len(outputs), -1), snapshot, colors)


@dataclass(frozen=True, eq=False)
class PointColors:
    """Colors of the points: see `EmbeddingPlane`."""

    classes: np.ndarray | None = None
    class_names: tuple[str, ...] = ()
    numbers: np.ndarray | None = None
    number_name: str = "y"


def _predicts_several_numbers(model: InspectedModel) -> bool:
    try:
        snapshot = model.take_snapshot()
    except NotReadyError:
        return False
    return set(snapshot.network.shapes[-1]) != {1} and not snapshot.class_names


def _get_targets(snapshot: Snapshot) -> PointColors:
    """Return the targets of the rows as colors."""
    classes = snapshot.target_classes
    if classes is not None:
        return PointColors(classes, snapshot.class_names)
    if snapshot.y is None or snapshot.is_classifier or np.asarray(snapshot.y)[:1].size != 1:
        return PointColors()
    decoded = np.asarray(snapshot.decode_outputs(np.asarray(snapshot.y)))
    return PointColors(numbers=decoded.reshape(len(decoded)), number_name=snapshot.target_name)


def _read_labels(y: Any, snapshot: Snapshot) -> PointColors:
    """Return labels or numbers of the rows as colors; none for targets of several numbers.

    Raises:
        DataError: not one label per row.
    """
    labels, n_rows = to_array(y, "y"), len(snapshot.x)
    if labels.shape == (n_rows, *snapshot.network.shapes[-1]):
        return PointColors()
    fits = labels.size == len(labels) == n_rows
    require(fits, "y", f"{n_rows} labels", error=DataError, shape=labels.shape)
    names, classes = np.unique(labels.ravel(), return_inverse=True)
    if labels.dtype.kind in "f" and len(names) > MAX_CLASSES:
        return PointColors(numbers=labels.ravel())
    return PointColors(classes, tuple(map(str, names)))


def _plot_words(model: InspectedModel, layer: str | None) -> EmbeddingPlane:
    snapshot = model.take_snapshot()
    spans = zip(snapshot.network.layers, snapshot.network.spans, strict=True)
    found = {str(each.name): start for each, (start, _) in spans if isinstance(each, Embedding)}
    expected = "x, or a network with an Embedding, whose words are drawn"
    require(found, "embeddings", expected, x=None)
    name = layer or next(iter(found))
    if name not in found:
        fix = "Pass x for the outputs of another layer."
        expected = f"one of {', '.join(found)} without x"
        raise ConfigError(message("layer", expected, layer=name, fix=fix))
    matrix = np.asarray(tree_get(snapshot.params, (found[name],))["embeddings"])
    words = snapshot.vocabulary or tuple(map(str, range(len(matrix))))
    is_word = [i for i, word in enumerate(words[: len(matrix)]) if word]  # "" is padding
    return _project(
        name, matrix[is_word], snapshot, PointColors(), tuple(words[i] for i in is_word)
    )


def find_hidden_layers(snapshot: Snapshot) -> dict[str, int]:
    """Return one past the last link of each layer between the first weights and the last."""
    weighted = [path[0] for kind, path, _ in snapshot.network.weight_paths if kind == "params"]
    spans = zip(snapshot.network.layers, snapshot.network.spans, strict=True)
    return {
        str(each.name): stop
        for each, (start, stop) in spans
        if stop > start and min(weighted, default=0) < stop <= max(weighted, default=0)
    }


def _find_last_hidden(snapshot: Snapshot) -> str:
    """Return the name of the layer whose output enters the last layer with weights.

    Raises:
        ConfigError: there is none.
    """
    hidden = list(find_hidden_layers(snapshot))
    kinds = [type(each).__name__ for each in snapshot.network.layers]
    fix = "Pass layer=, the name of the layer whose outputs to draw."
    require(hidden, "embeddings", "a network with a hidden layer", layers=kinds, fix=fix)
    return hidden[-1]


def _project(
    layer: str,
    outputs: np.ndarray,
    snapshot: Snapshot,
    colors: PointColors,
    words: tuple[str, ...] = (),
) -> EmbeddingPlane:
    """Return the outputs (n, units) in the plane.

    Raises:
        ConfigError: one unit only.
        DataError: fewer than three rows.
    """
    n_rows, n_units = outputs.shape
    fix = "Choose another layer=."
    require(n_units > 1, layer, "a layer with at least two units", units=n_units, fix=fix)
    require(n_rows > 2, "embeddings", "at least three rows", error=DataError, rows=n_rows)
    points, directions = outputs.astype(np.float64), np.eye(2)
    variance = points.var(axis=0)
    if n_units > 2:
        from sklearn.decomposition import PCA

        pca = PCA(2, random_state=0).fit(points)
        points, directions, variance = (
            pca.transform(points),
            pca.components_,
            pca.explained_variance_,
        )
        ratio = pca.explained_variance_ratio_
    else:
        ratio = variance / (variance.sum() or 1.0)
    return EmbeddingPlane(
        layer=layer,
        points=points,
        directions=directions,
        variance_ratio=np.nan_to_num(ratio),
        classes=colors.classes,
        class_names=colors.class_names,
        targets=colors.numbers,
        target_name=colors.number_name,
        words=words,
        note=snapshot.note,
    )
