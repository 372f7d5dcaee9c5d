"""The weights of a layer as pictures or bars, and histograms of all weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engine.network import LinkPath, iter_links, tree_get
from glassnet.errors import is_int, lookup, require
from glassnet.formatting import format_number
from glassnet.inspection.snapshot import MIN_IMAGE_SIZE, InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function
from glassnet.layers import Embedding, Layer, Maxout, TimeDistributed
from glassnet.layers.convolution import TransposedConvolution
from glassnet.layers.recurrent import Recurrent
from glassnet.layers.separable_convolution import DepthwiseConvolution
from glassnet.partial_shapes import is_known
from glassnet.types import Shape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_BARS = 24
"""Bars of a unit; the inputs with the largest weights are drawn."""

MIN_GUESSED_SIDE = 8
"""Least side of an image for which a row of numbers without names is taken."""


@dataclass(frozen=True, eq=False, repr=False)
class LayerWeights(View):
    """Weights of a layer, unit by unit, and all weights of the network.

    Attributes:
        name: layer and param, such as "dense_1/kernel".
        values: weights of each unit: (units, height, width) or (units, height, width, 3) for
            pictures, (units, inputs) for bars.
        form: "images", or "bars".
        labels: name of each unit.
        inputs: name of each input, for bars.
        groups: number of the column that each input comes from, for bars: the inputs of a category
            belong together.
        weights: the kernels of the network by name; all its params if there is none.
        remark: what else to know about `values`; or "".
        max_units: number of units that are drawn.
        note: " (untrained)" if the model was not trained, else "".
    """

    name: str
    values: np.ndarray
    form: str
    labels: tuple[str, ...]
    inputs: tuple[str, ...]
    groups: np.ndarray
    weights: Mapping[str, np.ndarray]
    remark: str
    max_units: int
    note: str

    @property
    def title(self) -> str:
        """The largest weight of bars; the number, size and range of pictures."""
        if self.form == "bars":
            unit, number = np.unravel_index(np.abs(self.values).argmax(), self.values.shape)
            value = format_number(self.values[unit, number], 3)
            where = f"{self.inputs[number]} to unit {self.labels[unit]}"
            return f"{self.name}: the largest weight is {value}, {where}{self.note}"
        size = " x ".join(map(str, self.values.shape[1:3]))
        low, high = (format_number(end, 3) for end in (self.values.min(), self.values.max()))
        n = len(self.values)
        return f"{self.name}: {n} pictures of {size}, weights from {low} to {high}{self.note}"

    def __str__(self) -> str:
        lines = [self.title, *([self.remark] if self.remark else [])]
        for name, weight in self.weights.items():
            deviation = format_number(weight.std(), 3)
            shape = " x ".join(map(str, weight.shape))
            mean = format_number(weight.mean(), 3)
            lines.append(f"{name}: {shape}, mean {mean}, standard deviation {deviation}")
        return "\n".join(lines)

    def choose_units(self) -> np.ndarray:
        """Return the indices of the units to draw: those with the largest weights, in order."""
        sizes = np.square(self.values.reshape(len(self.values), -1)).sum(1)
        return np.sort(np.argsort(-sizes, kind="stable")[: self.max_units])

    def choose_inputs(self) -> np.ndarray:
        """Return the indices of the inputs to draw, whole columns with the largest weights."""
        sizes = np.abs(self.values).max(0)
        by_group = [sizes[self.groups == group].max() for group in range(self.groups.max() + 1)]
        chosen: list[int] = []
        for group in np.argsort(-np.array(by_group), kind="stable"):
            members = np.flatnonzero(self.groups == group)
            if chosen and len(chosen) + len(members) > MAX_BARS:
                break
            chosen += members[:MAX_BARS].tolist()
        return np.sort(chosen)

    def plot(self) -> Figure:
        """Draw the weights of the units, and below them a histogram of each layer's weights."""
        from glassnet.plots import weights

        units = self.choose_units()
        values, labels = self.values[units], [self.labels[i] for i in units]
        shown = f"{len(units)} of {len(self.values)} units" if len(units) < len(self.values) else ""
        remarks = [self.remark] if self.remark else []
        if self.form == "images":
            subtitle = ". ".join(filter(None, [shown, *remarks]))
            return weights.plot_images(values, labels, self.weights, self.title, subtitle)
        inputs = self.choose_inputs()
        n_inputs = len(self.inputs)
        cut = f"{len(inputs)} of {n_inputs} inputs" if len(inputs) < n_inputs else ""
        return weights.plot_bars(
            values[:, inputs],
            labels,
            [self.inputs[i] for i in inputs],
            self.groups[inputs],
            self.weights,
            self.title,
            subtitle=", ".join(filter(None, [shown, cut])),
        )

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row per input and a column per unit.

        The inputs of a picture are numbered, row by row.
        """
        import pandas as pd

        flat = self.values.reshape(len(self.values), -1).T
        index = pd.Index(self.inputs or range(len(flat)), name="input")
        return pd.DataFrame(flat, index=index, columns=pd.Index(self.labels, name="unit"))


@view_function
def weights(
    model: InspectedModel, layer: str | None = None, *, max_units: int = 16
) -> LayerWeights:
    """Draw the weights of a layer, unit by unit, and a histogram of every layer's weights.

    The weights of the first layer say what each unit looks for. Those of pixels, and kernels of
    convolutions, are pictures: blue is positive, red negative. A kernel over red, green and blue is
    a picture in color, in which grey is 0. Deeper kernels have many channels; the one with the
    largest weights is drawn. Weights of columns are bars, those of a category side by side.

    Args:
        model: a model, trained or not.
        layer: name of a layer; inside a Residual "residual_1/dense_1". None for the first layer
            with a kernel.
        max_units: number of units to draw, those with the largest weights.

    Returns:
        The weights of all units of the layer, and those of the network by name.

    Raises:
        ConfigError: an unknown layer, with the nearest name; a network without weights.
        NotReadyError: the model has no weights yet.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense, Input
        >>> model = Sequential([Input(2), Dense(1)], seed=0)
        >>> model.set_weights([[[0.5], [-2.0]], [0.0]])
        >>> print(weights(model).title)
        dense_1/kernel: the largest weight is -2, x2 to unit 0 (untrained)

    Source: lecture 001, interpretability; Zeiler and Fergus 2014, arXiv 1311.2901.
    """
    require(is_int(max_units, least=1), "weights", "max_units to be an int >= 1", units=max_units)
    snapshot = model.take_snapshot()
    path, link, key = _find_weight(snapshot, layer)
    weight = np.asarray(tree_get(snapshot.params, path)[key])
    values, labels = _split_units(link, key, weight)
    inputs: tuple[str, ...] = ()
    values, remark = _to_images(snapshot, path, values)
    if values.ndim < 3:
        inputs = _name_inputs(snapshot, path, values.shape[1])
    return LayerWeights(
        name=f"{link.name}/{key}",
        values=values,
        form="bars" if values.ndim == 2 else "images",
        labels=labels,
        inputs=inputs,
        groups=_group_inputs(snapshot, inputs),
        weights=_get_kernels(snapshot),
        remark=remark,
        max_units=max_units,
        note=snapshot.note,
    )


def _iter_params(snapshot: Snapshot) -> list[tuple[LinkPath, Layer, str, np.ndarray]]:
    links = dict(iter_links(snapshot.links))
    return [
        (path, links[path], key, np.asarray(tree_get(snapshot.params, path)[key]))
        for kind, path, key in snapshot.network.weight_paths
        if kind == "params"
    ]


def _get_kernels(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """Return the kernels, the params with two or more axes, by name; all params if none."""
    params = {f"{link.name}/{key}": weight for _, link, key, weight in _iter_params(snapshot)}
    kernels = {
        name: weight
        for name, weight in params.items()
        if weight.ndim > 1 and not name.endswith("/bias")
    }
    return kernels or params


def _find_weight(snapshot: Snapshot, layer: str | None) -> tuple[LinkPath, Layer, str]:
    """Return the position of the weights to draw: the first kernel, or that of a layer.

    Raises:
        ConfigError: no layer of that name has weights.
    """
    found: dict[str, tuple[LinkPath, Layer, str]] = {}
    params = sorted(_iter_params(snapshot), key=lambda param: param[3].ndim < 2)
    require(params, "weights", "a network with weights", layers=len(snapshot.network.layers))
    spans = zip(snapshot.network.layers, snapshot.network.spans, strict=True)
    owners = {i: str(each.name) for each, (start, stop) in spans for i in range(start, stop)}
    for path, link, key, _ in params:
        for name in (str(link.name), owners[path[0]]):
            found.setdefault(name, (path, link, key))
    first = next(iter(found.values()))
    return first if layer is None else lookup("layer", layer, found)


def _split_units(link: Layer, key: str, weight: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the weights of each unit, (units, ...), and the names of the units."""
    if isinstance(link, TimeDistributed):
        return _split_units(link.layer, key, weight)
    if weight.ndim == 1:
        return weight[np.newaxis], ("0",)
    if isinstance(link, DepthwiseConvolution) or key == "depthwise_kernel":
        return _split_channels(weight)
    if isinstance(link, Maxout):
        n_pieces, n_units = weight.shape[1:]
        labels = [f"{unit}, piece {piece}" for unit in range(n_units) for piece in range(n_pieces)]
        return weight.transpose(2, 1, 0).reshape(n_units * n_pieces, -1), tuple(labels)
    values = np.moveaxis(weight, -2 if isinstance(link, TransposedConvolution) else -1, 0)
    if isinstance(link, Recurrent):
        names = link.cell.gate_names
        return values, tuple(f"{gate}{unit}" for gate in names for unit in range(link.units))
    return values, tuple(map(str, range(len(values))))


def _split_channels(weight: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the kernels of a depthwise convolution, which see one channel each, and names."""
    n_channels, multiplier = weight.shape[-2:]
    kernels = np.moveaxis(weight.reshape(*weight.shape[:-2], -1), -1, 0)[..., np.newaxis]
    names = [(f"channel {c}", f", kernel {i}") for c, i in np.ndindex(n_channels, multiplier)]
    return kernels, tuple(name + more * (multiplier > 1) for name, more in names)


def _to_images(snapshot: Snapshot, path: LinkPath, values: np.ndarray) -> tuple[np.ndarray, str]:
    """Return the weights of units as pictures, if they are pictures, and a remark."""
    if values.ndim == 2:
        shape, remark = _find_image_shape(snapshot, path, values.shape[1])
        if not shape:
            return values, ""
        values = values.reshape(len(values), *shape)
        if len(shape) == 2 or shape[-1] == 3:
            return values, remark
    if values.ndim == 3:
        return values.swapaxes(1, 2), "Steps run to the right, channels down"
    if values.shape[-1] == 1:
        return values[..., 0], ""
    if (
        values.shape[-1] == 3
        and snapshot.network.shapes[0][-1:] == (3,)
        and _is_first(snapshot, path)
    ):
        return values, "Grey is 0"
    sizes = np.square(values).sum((1, 2))
    channels = sizes.argmax(1)
    shown = values[np.arange(len(values)), :, :, channels]
    return shown, f"Of {values.shape[-1]} channels, the one with the largest weights is shown"


def _is_first(snapshot: Snapshot, path: LinkPath) -> bool:
    """Return whether no kernel comes before a link."""
    kernels = [other for other, _, _, weight in _iter_params(snapshot) if weight.ndim > 1]
    return len(path) == 1 and min(kernels) == path


def _find_image_shape(
    snapshot: Snapshot, path: LinkPath, n_inputs: int
) -> tuple[Shape | None, str]:
    """Return the shape of the pictures whose pixels a dense layer weights, and a remark."""
    if not _is_first(snapshot, path):
        return None, ""
    shapes = snapshot.network.shapes[: path[0] + 1]
    for shape in filter(is_known, reversed(shapes)):
        is_picture = len(shape) in (2, 3) and min(shape[:2]) >= MIN_IMAGE_SIZE
        if is_picture and math.prod(shape) == n_inputs and (len(shape) == 2 or shape[2] in (1, 3)):
            return (shape[:2] if shape[2:] == (1,) else shape), "Grey is 0" * (shape[2:] == (3,))
    side = math.isqrt(n_inputs)
    is_square = side * side == n_inputs and side >= MIN_GUESSED_SIDE
    if is_square and len(shapes[0]) == 1 and snapshot.preprocessor is None:
        return (side, side), f"{n_inputs} inputs are drawn as {side} x {side} pixels"
    return None, ""


def _name_inputs(snapshot: Snapshot, path: LinkPath, n_inputs: int) -> tuple[str, ...]:
    names = snapshot.feature_names
    vocabulary = snapshot.vocabulary
    if isinstance(snapshot.links[path[0]], Embedding) and vocabulary:
        more = [f"token {i}" for i in range(len(vocabulary), n_inputs)]
        return (*(word or "padding" for word in vocabulary), *more)[:n_inputs]
    if _is_first(snapshot, path) and len(names) == n_inputs:
        return names
    return tuple(f"input {i}" for i in range(n_inputs))


def _group_inputs(snapshot: Snapshot, inputs: tuple[str, ...]) -> np.ndarray:
    """Return the number of the column that each input comes from."""
    groups = np.arange(len(inputs))
    if inputs == snapshot.feature_names:
        for start, stop in snapshot.column_spans.values():
            groups[start:stop] = start
    return np.unique(groups, return_inverse=True)[1] if len(groups) else groups
