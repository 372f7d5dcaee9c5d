"""Drawing of a network: its layers from the input to the output, and its weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.engine import network
from glassnet.engine.network import Links
from glassnet.errors import is_int, require
from glassnet.formatting import shorten
from glassnet.inspection.snapshot import InspectedModel, Snapshot
from glassnet.inspection.view import View, view_function
from glassnet.layers import (
    Activation,
    Composite,
    Dense,
    Embedding,
    Layer,
    Residual,
    TextVectorization,
    functional,
)
from glassnet.types import Params, PartialShape, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

    from glassnet.plots.networks import DrawnLayer

MAX_UNIT_LAYERS = 8
"""In a network with more Dense layers, all layers are drawn as blocks."""

MAX_NAME = 18
"""Longer names of units are shortened in a figure."""

MERGE_SYMBOLS = {
    "add": "+",
    "sum": "+",
    "subtract": "−",
    "multiply": "×",
    "mul": "×",
    "ave": "mean",
    "maximum": "max",
    "minimum": "min",
}
"""How a composite merges its branches, in a figure."""


@dataclass(frozen=True, eq=False)
class LayerInfo:
    """One layer of a network.

    Attributes:
        name: name of the layer.
        type: name of its class.
        output_shape: shape of its output for one example.
        n_weights: number of its weights, statistics included.
        activation: name of its activation, or "".
        trainable: whether its weights are trained.
        kernel: weights (inputs, units) of a Dense layer on a row of numbers, else None.
        layer: the layer.
        branches: layers of each branch of a composite.
    """

    name: str
    type: str
    output_shape: PartialShape
    n_weights: int
    activation: str
    trainable: bool
    kernel: np.ndarray | None
    layer: Layer
    branches: tuple[tuple[LayerInfo, ...], ...] = ()

    def format_lines(self) -> tuple[str, ...]:
        """Return the name, the type, the shape of the output and the number of weights."""
        kind = f"{self.type}, {self.activation}" if self.activation else self.type
        lines = [self.name, kind, format_shape(self.output_shape)]
        if self.n_weights:
            frozen = "" if self.trainable else ", frozen"
            lines.append(f"{self.n_weights:,} weight{'s' if self.n_weights > 1 else ''}{frozen}")
        return tuple(lines)


@dataclass(frozen=True, eq=False, repr=False)
class NetworkDrawing(View):
    """The layers of a network, drawn from the input to the output.

    Attributes:
        layers: the layers in order; those inside a composite are in its `branches`.
        input_shape: shape of one example.
        input_names: name of each input if one example is a row of numbers, else empty.
        output_names: name of each output: classes, or the target; else empty.
        is_text: whether the model takes texts.
        is_trained: whether the model has been trained.
        max_units: number of places for the units of a layer in the figure.
    """

    layers: tuple[LayerInfo, ...]
    input_shape: PartialShape
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]
    is_text: bool
    is_trained: bool
    max_units: int

    @property
    def title(self) -> str:
        """Number of layers and weights of the network."""
        n, total = len(self.layers), sum(layer.n_weights for layer in self.layers)
        frozen = sum(_count_frozen(layer) for layer in self.layers)
        text = f"Network of {n} layer{'s' if n > 1 else ''}, {total:,} weights"
        text += f", {frozen:,} of them frozen" if frozen else ""
        return text if self.is_trained else f"{text} (untrained)"

    def plot(self, ax: Axes | None = None) -> Figure | SubFigure:
        """Draw the network.

        Dense layers are columns of units. Their weights are lines, blue if positive and red if
        negative, with a width proportional to |w|. Other layers are blocks with the shape of
        their output and the number of their weights.

        Args:
            ax: axes to draw on, or None for a new figure.
        """
        from glassnet.plots.networks import draw_network

        return draw_network(make_drawn_layers(self), self.title, self.max_units, ax)

    def to_frame(self) -> Any:
        """Return a row per layer: name, type, output shape, weights, activation, trainable."""
        import pandas as pd

        rows = list(_iter_layers(self.layers))
        columns = {
            "name": [row.name for row in rows],
            "type": [row.type for row in rows],
            "output_shape": [row.output_shape for row in rows],
            "weights": [row.n_weights for row in rows],
            "activation": [row.activation for row in rows],
            "trainable": [row.trainable for row in rows],
        }
        return pd.DataFrame(columns)

    def __str__(self) -> str:
        lines = [", ".join(layer.format_lines()) for layer in _iter_layers(self.layers)]
        return "\n".join([self.title, *(f"  {line}" for line in lines)])


@view_function
def network_drawing(model: InspectedModel, max_units: int = 12) -> NetworkDrawing:
    """Return the layers of a model, to be drawn as a graph from the input to the output.

    Args:
        model: a model whose input shape is known.
        max_units: number of places for the units of a Dense layer. If it has more units, the first
            `max_units - 2` and the last are drawn, and the number of the others is written.

    Raises:
        ConfigError: `max_units` is not an int of at least 3.
        NotReadyError: the shape of the input is not known yet.

    Example:
        >>> import glassnet as gn
        >>> layers = [gn.layers.Input(2), gn.layers.Dense(3, activation="tanh")]
        >>> drawing = gn.inspection.network_drawing(gn.Sequential(layers, seed=0))
        >>> print(drawing)
        Network of 1 layer, 9 weights (untrained)
          dense_1, Dense, tanh, (3), 9 weights
    """
    expected = "max_units to be an int of at least 3"
    require(is_int(max_units, 3), "network_drawing", expected, max_units=max_units)
    snapshot = model.take_snapshot()
    built = snapshot.network
    layers = _describe_layers(built.layers, snapshot.params, snapshot.state, built.shapes[0])
    first = built.layers[0] if built.layers else None
    return NetworkDrawing(
        layers=tuple(layers),
        input_shape=built.shapes[0],
        input_names=name_inputs(snapshot, first),
        output_names=name_outputs(snapshot),
        is_text=isinstance(first, TextVectorization),
        is_trained=snapshot.is_trained,
        max_units=int(max_units),
    )


def name_inputs(snapshot: Snapshot, first: Layer | None) -> tuple[str, ...]:
    """Return the name of each input: features, or the words of a vocabulary."""
    if isinstance(first, TextVectorization) and first.output_mode != "int":
        return tuple(first.get_vocabulary())
    if snapshot.links and isinstance(snapshot.links[0], Embedding):
        return ()
    return snapshot.feature_names


def name_outputs(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the name of each output: classes, the probability of the second, or the target."""
    shape, classes = snapshot.network.shapes[-1], snapshot.class_names
    if len(shape) != 1:
        return ()
    if len(classes) == shape[0]:
        return classes
    if len(classes) == 2 and shape == (1,):
        return (f"P({classes[1]})",)
    return (snapshot.target_name,) if shape == (1,) and not classes else ()


def format_shape(shape: PartialShape) -> str:
    """Return a shape as in a figure: `(28, 28, 1)`, and `(10)` for a row of numbers."""
    return f"({', '.join(map(str, shape))})"


def get_activation(layer: Layer, links: Links) -> str:
    """Return the name of a layer's activation, or ""."""
    names = [link.activation_name for link in links if isinstance(link, Activation)]
    if names or "activation" not in type(layer).__dataclass_fields__:
        return ", ".join(names)
    value: Any = vars(layer)["activation"]
    name = value if isinstance(value, str) else getattr(value, "__name__", "")
    return "" if name == "linear" else name


def get_merge(composite: Composite) -> str:
    """Return how a composite merges its branches, in a few letters."""
    if isinstance(composite, Residual):
        return "+"
    settings = vars(composite)
    merge = settings.get("merge", settings.get("merge_mode"))
    return MERGE_SYMBOLS.get(str(merge), str(merge)) if isinstance(merge, str) else "merge"


def _iter_layers(layers: Sequence[LayerInfo]) -> Iterator[LayerInfo]:
    """Yield every layer; those inside a composite follow it."""
    for layer in layers:
        yield layer
        for branch in layer.branches:
            yield from _iter_layers(branch)


def _count_frozen(layer: LayerInfo) -> int:
    if layer.branches:
        return sum(_count_frozen(part) for branch in layer.branches for part in branch)
    return 0 if layer.trainable else layer.n_weights


def _describe_layers(
    layers: Sequence[Layer], params: Params, state: State, shape: PartialShape
) -> Iterator[LayerInfo]:
    """Yield the layers with their shapes and weights, as `model.summary()` lists them."""
    start = 0
    for layer in layers:
        links = layer.unfold()
        span = slice(start, start := start + len(links))
        input_shape = shape
        for link, p, s in zip(links, params[span], state[span], strict=True):
            shape = functional.output_partial_shape(link, p, s, shape)
        kernel = None
        if isinstance(layer, Dense) and len(input_shape) == 1:
            kernel = np.array(params[span][0]["kernel"])
        branches: list[tuple[LayerInfo, ...]] = []
        if isinstance(layer, Composite):
            inner = layer.iter_branches(params[span][0], state[span][0], None)
            for named, (_, p, s, _) in zip(layer.named_branches, inner, strict=True):
                branches.append(tuple(_describe_layers(named, p, s, input_shape)))
        yield LayerInfo(
            name=str(layer.name),
            type=type(layer).__name__,
            output_shape=shape,
            n_weights=network.count_params((params[span], state[span])),
            activation=get_activation(layer, links),
            trainable=layer.trainable,
            kernel=kernel,
            layer=layer,
            branches=tuple(branches),
        )


def make_drawn_layers(drawing: NetworkDrawing) -> list[DrawnLayer]:
    """Return the plain layers that a figure shows: the input, then every layer."""
    from glassnet.plots.networks import DrawnLayer

    n_dense = sum(layer.kernel is not None for layer in drawing.layers)
    has_units = n_dense <= MAX_UNIT_LAYERS
    result: list[DrawnLayer] = []
    layers = list(drawing.layers)
    if drawing.is_text:
        result.append(DrawnLayer(("input", "texts")))
        result.append(_make_block(layers.pop(0)))
    if not drawing.is_text or _starts_with_units(layers, has_units):
        result.append(_make_input(drawing, has_units and _starts_with_units(layers, has_units)))
    for layer in layers:
        before, shape = result[-1], layer.output_shape
        if has_units and layer.kernel is not None:
            drawn = DrawnLayer(layer.format_lines(), shape[0], kernel=layer.kernel)
        elif not layer.branches and before.n_units is not None and shape == (before.n_units,):
            drawn = DrawnLayer(layer.format_lines(), shape[0], is_bar=True)
        else:
            drawn = _make_block(layer)
        result.append(drawn)
    names = tuple(shorten(name, MAX_NAME) for name in drawing.output_names)
    if names and result[-1].n_units == len(names) and len(result) > 1:
        result[-1] = replace(result[-1], unit_names=names, names_right=True)
    return result


def _starts_with_units(layers: Sequence[LayerInfo], has_units: bool) -> bool:
    """Return whether a Dense layer weighs the inputs, maybe after layers without weights."""
    if not has_units or not layers:
        return False
    first, *rest = layers
    if first.kernel is not None:
        return True
    keeps = not first.branches and len(first.output_shape) == 1 and first.type != "Embedding"
    return keeps and first.n_weights == 0 and _starts_with_units(rest, has_units)


def _make_input(drawing: NetworkDrawing, as_units: bool) -> DrawnLayer:
    from glassnet.plots.networks import DrawnLayer

    shape = drawing.input_shape
    lines = ("words" if drawing.is_text else "input", format_shape(shape))
    if not as_units or len(shape) != 1:
        return DrawnLayer(lines)
    names = tuple(shorten(name, MAX_NAME) for name in drawing.input_names)
    return DrawnLayer(lines, shape[0], unit_names=names if len(names) == shape[0] else ())


def _make_block(layer: LayerInfo) -> DrawnLayer:
    from glassnet.plots.networks import DrawnLayer

    branches = tuple(tuple(map(_make_block, branch)) for branch in layer.branches)
    lines = layer.format_lines()
    if branches:
        lines = (" · ".join([layer.name, layer.layer.formula(), *lines[2:]]),)
    elif isinstance(layer.layer, TextVectorization):
        lines = (*lines, f"{len(layer.layer.get_vocabulary()):,} words")
    merge = get_merge(layer.layer) if isinstance(layer.layer, Composite) else ""
    has_weights = layer.n_weights > 0
    return DrawnLayer(lines, has_weights=has_weights, branches=branches, merge=merge)
