"""Feature maps: what each layer makes of one image or sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import NotReadyError, is_int, lookup, require
from glassnet.formatting import format_number
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function
from glassnet.partial_shapes import shape_fits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LAYERS = 8
"""Layers that are drawn unless some are named."""


@dataclass(frozen=True, eq=False, repr=False)
class FeatureMaps(View):
    """Outputs of the layers for one image or sequence.

    Attributes:
        image: the example as the network receives it: (height, width), (height, width, channels)
            or (steps, features).
        outputs: output of each layer by name, in order: (height, width, maps) or (steps, units).
        shown: names of the layers that are drawn.
        strongest: for each layer, the indices of its maps by their mean size, largest first.
        zero: for each layer, the indices of the maps that are 0 everywhere.
        max_maps: number of maps of a layer that are drawn.
        note: " (untrained)" if the model was not trained, else "".
    """

    image: np.ndarray
    outputs: dict[str, np.ndarray]
    shown: tuple[str, ...]
    strongest: dict[str, np.ndarray]
    zero: dict[str, np.ndarray]
    max_maps: int
    note: str

    @property
    def title(self) -> str:
        """Number of maps, and how many of them are 0 everywhere."""
        n_maps = sum(output.shape[-1] for output in self.outputs.values())
        n_zero = sum(map(len, self.zero.values()))
        plural = "s" * (len(self.outputs) > 1)
        found = f"{n_zero or 'none'} {'are' if n_zero > 1 else 'is'} 0 everywhere"
        layers = f"{len(self.outputs)} layer{plural}"
        return f"{format_number(n_maps)} feature maps in {layers}, {found}{self.note}"

    def __str__(self) -> str:
        lines = [f"{name}: {self.describe_layer(name)}" for name in self.outputs]
        return "\n".join([self.title, *lines])

    def describe_layer(self, name: str) -> str:
        """Return a layer's output shape, its range, and how many maps are 0 everywhere."""
        output, n_zero = self.outputs[name], len(self.zero[name])
        shape = " x ".join(map(str, output.shape))
        low, high = (format_number(end, 3) for end in (output.min(), output.max()))
        return f"{shape}, {low} to {high}" + (f", {n_zero} all 0" if n_zero else "")

    def plot(self) -> Figure:
        """Draw the example and, for each layer, some of its maps.

        They run from the strongest to the weakest that is not 0. Above each stand its index and its
        largest value, which is the end of its color scale. The sequences of all units of a layer
        are drawn as one map.
        """
        from glassnet.plots import layers

        rows = [
            (name, self.describe_layer(name), self.outputs[name], self._choose_maps(name))
            for name in self.shown
        ]
        return layers.plot_feature_maps(self.image, rows, self.title)

    def _choose_maps(self, name: str) -> np.ndarray:
        """Return the indices of the maps to draw: evenly spaced from the strongest to the weakest.

        Maps that are 0 everywhere come in only if there are not enough others.
        """
        order, n_zero = self.strongest[name], len(self.zero[name])
        n = min(self.max_maps, len(order))
        steps = np.linspace(0, max(len(order) - n_zero, n) - 1, n)
        return np.asarray(order[steps.round().astype(int)])

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row for each map.

        Its columns are layer, map, mean, largest, and zeros (the fraction of numbers that are 0).
        """
        import pandas as pd

        parts = []
        for name, output in self.outputs.items():
            maps = output.reshape(-1, output.shape[-1])
            columns = {"map": np.arange(maps.shape[1]), "mean": maps.mean(0)}
            columns |= {"largest": maps.max(0), "zeros": (maps == 0).mean(0)}
            parts.append(pd.DataFrame({"layer": name} | columns))
        return pd.concat(parts, ignore_index=True)


@view_function
def feature_maps(
    model: InspectedModel,
    image: Any,
    *,
    layers: str | Sequence[str] | None = None,
    max_maps: int = 8,
) -> FeatureMaps:
    """Compute what each layer makes of one image or sequence.

    In a trained convolutional network, the first layers mark edges, later ones parts and whole
    objects. For sequences, the outputs of convolutions and recurrent layers at each step are shown.
    Layers before the first weights, and layers that change nothing, such as Dropout, are left out.

    Args:
        model: a model, trained or not.
        image: one example of any kind that `fit` takes: an image (height, width) or
            (height, width, channels), a file, a sequence, a text. Of several, the first is used.
        layers: names of the layers to draw, or one name; None for up to 8 of them.
        max_maps: number of maps of each layer to draw, from the strongest to the weakest.

    Returns:
        The outputs of all these layers, by name.

    Raises:
        ConfigError: the network has no layer with feature maps (the message names other views); an
            unknown layer, with the nearest name.
        DataError: see `fit`.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Conv2D, Input
        >>> model = Sequential([Input((6, 6, 1)), Conv2D(2, 3, activation="relu")], seed=0)
        >>> maps = feature_maps(model, np.ones((6, 6)))
        >>> print(maps)
        2 feature maps in 1 layer, 1 is 0 everywhere (untrained)
        conv2d_1: 4 x 4 x 2, 0 to 1.33, 1 all 0

    Source: lecture 000, deep networks; Zeiler and Fergus 2014, arXiv 1311.2901.
    """
    require(is_int(max_maps, least=1), "feature_maps", "max_maps to be an int >= 1", maps=max_maps)
    snapshot = take_one_row(model, image)
    outputs = _find_maps(snapshot)
    names = list(outputs) if layers is None else [layers] if isinstance(layers, str) else layers
    for name in names:
        lookup("layers", name, outputs)
    if layers is None and len(names) > MAX_LAYERS:
        steps = np.linspace(0, len(names) - 1, MAX_LAYERS).round().astype(int)
        names = [names[i] for i in steps]
    sizes = {name: np.abs(output).reshape(-1, output.shape[-1]) for name, output in outputs.items()}
    return FeatureMaps(
        image=_squeeze_channel(np.array(snapshot.x[0])),
        outputs=outputs,
        shown=tuple(names),
        strongest={name: np.argsort(-s.mean(0), kind="stable") for name, s in sizes.items()},
        zero={name: np.flatnonzero(s.max(0) == 0) for name, s in sizes.items()},
        max_maps=max_maps,
        note=snapshot.note,
    )


def take_one_row(model: InspectedModel, example: Any) -> Snapshot:
    """Return the snapshot with the first row of `example`, which may lack the axis of the rows."""
    try:
        shape = model.take_snapshot().network.shapes[0]
    except NotReadyError:
        shape = None
    is_text = isinstance(example, str) and shape is not None and len(shape) == 1
    is_array = isinstance(example, np.ndarray | list)
    if is_text:
        example = [example]
    elif is_array and shape is not None:
        received = np.shape(example)
        is_grey = len(shape) == 3 and shape[-1] == 1
        if shape_fits(received, shape):
            example = np.asarray(example)[None]
        elif is_grey and shape_fits(received, shape[:-1]):
            example = np.asarray(example)[None, ..., None]
    snapshot = model.take_snapshot(example, targets="none")
    return snapshot.with_rows(snapshot.x[:1])


def _squeeze_channel(image: np.ndarray) -> np.ndarray:
    return image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image


def _find_maps(snapshot: Snapshot) -> dict[str, np.ndarray]:
    """Return the outputs of the layers that are maps, or sequences, by layer name.

    Raises:
        ConfigError: there is none.
    """
    built = snapshot.network
    results = snapshot.compute_layer_outputs(snapshot.x)
    with_weights = {path[0] for kind, path, _ in built.weight_paths if kind == "params"}
    first = min(with_weights, default=len(built.links))
    outputs: dict[str, np.ndarray] = {}
    before = np.asarray(snapshot.x)
    for layer, (start, stop), result in zip(built.layers, built.spans, results, strict=True):
        is_map = result.ndim in (3, 4) and math.prod(result.shape[1:-1]) > 1
        is_same = result.shape == before.shape and np.array_equal(result, before)
        if stop > first and stop > start and is_map and not is_same:
            outputs[str(layer.name)] = result[0]
        before = result
    expected = "a network with layers of feature maps, such as Conv2D, or of sequences, such as GRU"
    fix = (
        "Use gn.inspection.weights(model), gn.inspection.neurons(model, x) or "
        "gn.inspection.top_inputs(model, x, layer)."
    )
    kinds = [type(layer).__name__ for layer in built.layers]
    require(outputs, "feature_maps", expected, layers=kinds, fix=fix)
    return outputs
