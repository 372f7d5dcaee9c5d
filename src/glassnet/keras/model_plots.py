"""Keras's `plot_model`: the layers of a model drawn into a file, without pydot and Graphviz."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glassnet.errors import NotReadyError, is_float32, require
from glassnet.layers import Activation, Layer, Parallel, Residual, functional
from glassnet.suggestions import suggest_arguments
from glassnet.types import PartialShape

if TYPE_CHECKING:
    from glassnet.plots.diagrams import Box, Branches

MERGE_NAMES = {
    "add": "Add",
    "concat": "Concatenate",
    "maximum": "Maximum",
    "mean": "Average",
    "minimum": "Minimum",
    "multiply": "Multiply",
    "subtract": "Subtract",
}
"""Keras's layers for the merges of `Parallel`."""

INPUT_COLOR, MERGE_COLOR = "#5B6472", "#7A5C99"


@suggest_arguments
def plot_model(
    model: Any,
    to_file: str | os.PathLike[str] = "model.png",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: float = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    splines: str = "ortho",
) -> Any:
    """Draw the layers of a model into a file: a box for each layer, and arrows between them.

    Args:
        model: the model. Its input shape must be known if shapes are shown.
        to_file: the path of the file; its suffix is the format: .png, .svg, .pdf. Without a
            suffix, the format is PNG.
        show_shapes: whether to write the shapes of inputs and outputs, with None for the batch.
        show_dtype: whether to write the type of the numbers.
        show_layer_names: whether to write the names of the layers.
        rankdir: direction of the arrows: "TB" (down), "LR" (right), "BT" or "RL".
        expand_nested: ignored: the layers of models inside the model are always drawn.
        dpi: pixels per inch.
        show_layer_activations: whether to write the activations.
        show_trainable: whether to write if a layer is trained.
        splines: ignored: lines have right angles.

    Returns:
        The picture, in a notebook; else None.

    Raises:
        ConfigError: an argument is out of range.
        NotReadyError: shapes are not known yet.

    Example:
        >>> from glassnet import keras
        >>> model = keras.Sequential([keras.layers.Dense(2, input_shape=(3,))])
        >>> plot_model(model, "model.svg", show_shapes=True)
        >>> Path("model.svg").stat().st_size > 1000
        True

    Source: Keras's plot_model, which needs pydot and Graphviz.
    """
    from glassnet.plots.diagrams import draw_diagram, require_drawable

    is_valid = is_float32(dpi) and dpi > 0
    require(is_valid, "plot_model", "dpi to be a number > 0", dpi=dpi)
    drawing = _Drawing(
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable
    )
    figure = draw_diagram(drawing.make_chain(model), rankdir)
    path = Path(to_file)
    suffix = path.suffix.removeprefix(".").lower() or "png"
    formats = sorted(figure.canvas.get_supported_filetypes())
    require(suffix in formats, "plot_model", f"a suffix of {', '.join(formats)}", to_file=str(path))
    if suffix not in ("svg", "pdf", "eps", "ps", "pgf"):
        require_drawable(figure, dpi)
    figure.savefig(path, format=suffix, dpi=dpi)
    return _show_in_notebook(path, suffix)


def _show_in_notebook(path: Path, suffix: str) -> Any:
    """Return the picture as IPython's object if IPython runs; else None."""
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    if get_ipython() is None or suffix not in ("png", "jpg", "jpeg", "svg"):
        return None
    from IPython import display

    show = display.SVG if suffix == "svg" else display.Image
    return show(filename=str(path))


@dataclass(frozen=True)
class _Drawing:
    """What is written into the boxes; see `plot_model`."""

    show_shapes: bool
    show_dtype: bool
    show_layer_names: bool
    show_layer_activations: bool
    show_trainable: bool

    def make_chain(self, model: Any) -> list[Box | Branches]:
        """Return the boxes of a model, with a box for its input if its shape is known."""
        core = getattr(model, "glassnet_model", model)
        layers = [view.layer for view in core.layers]
        shape = core.input_shape
        if self.show_shapes and shape is None:
            expected = "a model that knows the shape of its input"
            fix = "Put keras.Input(shape) first, or call fit before plot_model."
            require(False, "plot_model", expected, error=NotReadyError, fix=fix)
        chain = list(self._make_parts(layers, shape))
        if shape is None:
            return chain
        return [self._make_box("Input", "input", shape, shape, None, INPUT_COLOR), *chain]

    def _make_parts(
        self, layers: Sequence[Layer], shape: PartialShape | None
    ) -> Iterator[Box | Branches]:
        """Yield a part for each layer."""
        for layer in functional.with_names(layers):
            output_shape = self._find_output_shape(layer, shape)
            name, kind = str(layer.name), type(layer).__name__
            if isinstance(layer, Parallel | Residual):
                yield self._make_branches(layer, shape, output_shape)
            else:
                yield self._make_box(kind, name, shape, output_shape, layer)
            shape = output_shape

    def _find_output_shape(self, layer: Layer, shape: PartialShape | None) -> PartialShape | None:
        if shape is None or not self.show_shapes:
            return None
        return functional.init_partial(layer.unfold(), np.random.default_rng(0), shape)[2][-1]

    def _make_branches(
        self,
        layer: Parallel | Residual,
        shape: PartialShape | None,
        output_shape: PartialShape | None,
    ) -> Branches:
        from glassnet.plots.diagrams import Branches

        branches = tuple(tuple(self._make_parts(each, shape)) for each in layer.named_branches)
        kind = MERGE_NAMES[layer.merge] if isinstance(layer, Parallel) else "Add"
        merge = self._make_box(kind, str(layer.name), None, output_shape, None, MERGE_COLOR)
        return Branches(branches, merge)

    def _make_box(
        self,
        kind: str,
        name: str,
        shape: PartialShape | None,
        output_shape: PartialShape | None,
        layer: Layer | None,
        color: str | None = None,
    ) -> Box:
        from glassnet.plots.diagrams import Box

        title = f"{name} ({kind})" if self.show_layer_names else kind
        lines = []
        activation = getattr(layer, "activation", None)
        if isinstance(layer, Activation) or (self.show_layer_activations and activation):
            label = getattr(activation, "__name__", str(activation))
            lines.append(f"Activation: {label}")
        if self.show_shapes and shape is not None and layer is not None:
            lines.append(f"Input shape: {_with_batch(shape)}")
        if self.show_shapes and output_shape is not None:
            lines.append(f"Output shape: {_with_batch(output_shape)}")
        if self.show_dtype:
            lines.append("Dtype: float32")
        if self.show_trainable and layer is not None:
            lines.append(f"Trainable: {layer.trainable}")
        return Box(title, tuple(lines), *([color] if color else []))


def _with_batch(shape: PartialShape) -> str:
    return str((None, *shape))
