"""The network that a data set asks for: scaled inputs, hidden layers as wished, and the last layer
and loss of its task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassnet.data.dataset import Dataset
    from glassnet.layers import Layer
    from glassnet.models.sequential import Sequential

MAX_UNSCALED = 3.0
"""Tables with a number beyond this, either side of 0, are standardised; smaller ones go in as they
are.
"""

DESCRIBED_FIELDS = {
    "Dense": ("units", "activation"),
    "Conv2D": ("filters", "activation"),
    "RandomFlip": ("mode",),
    "Dropout": ("rate",),
    "Rescaling": ("scale", "offset"),
}
"""What a sketch says of a layer."""


def build_model(
    data: Dataset, settings: Mapping[str, Any], *, dropout: float, adapt: bool = False
) -> Sequential:
    """A compiled model for `data`: softmax of K classes, one sigmoid for two, a linear output in
    the target's units for a regression.

    Args:
        data: what it is to learn.
        settings: layers (units of each hidden layer), activation (of those), optimizer (its name),
            learning_rate (None for the optimizer's own) and seed.
        dropout: fraction zeroed after each hidden layer.
        adapt: whether a Normalization takes its statistics from all training rows now, rather than
            from those that `fit` trains on.

    Raises:
        ConfigError: an unknown activation or optimizer; a number out of range.
    """
    from glassnet.layers import Input, Normalization

    layers: list[Layer] = (
        text_layers(data)
        if data.x.dtype.kind == "U"
        else [Input(data.x.shape[1:]), *scaling_layers(data)]
    )
    if adapt:
        layers = [
            layer.adapt(data.x) if isinstance(layer, Normalization) else layer for layer in layers
        ]
    last, loss = output_head(data)
    return compile_model(
        [*layers, *hidden_layers(settings, dropout), *last],
        loss,
        ["accuracy"] if data.class_names else [],
        settings,
    )


def hidden_layers(settings: Mapping[str, Any], dropout: float) -> list[Layer]:
    """The hidden layers, each followed by its dropout if there is any."""
    from glassnet.layers import Dense, Dropout

    layers: list[Layer] = []
    for units in settings["layers"]:
        layers += [Dense(units, activation=settings["activation"])] + (
            [Dropout(dropout)] if dropout else []
        )
    return layers


def compile_model(
    layers: list[Layer], loss: str, metrics: list[str], settings: Mapping[str, Any]
) -> Sequential:
    """A model of the layers, with the optimizer that was asked for."""
    from glassnet import optimizers
    from glassnet.models.sequential import Sequential

    made = Sequential(layers, seed=settings["seed"])
    optimizer, rate = optimizers.get(settings["optimizer"]), settings["learning_rate"]
    made.compile(
        optimizer if rate is None else replace(optimizer, learning_rate=rate), loss, metrics
    )
    return made


def scaling_layers(data: Dataset) -> list[Layer]:
    """Layers that bring one example to a flat vector of numbers around one."""
    import numpy as np

    from glassnet.layers import Flatten, Normalization, Rescaling

    flat: list[Layer] = [Flatten()] if data.x.ndim > 2 else []
    if data.x.dtype == np.uint8:
        return [Rescaling(1 / 16 if data.x.max() <= 16 else 1 / 255), *flat]
    return ([Normalization()] if np.abs(data.x).max() > MAX_UNSCALED else []) + flat


def text_layers(data: Dataset) -> list[Layer]:
    """Layers that bring a text to a flat vector, word by word, from both ends."""
    from glassnet.layers import LSTM, Bidirectional, Embedding, TextVectorization

    text = TextVectorization().adapt(data.x)
    return [
        text,
        Embedding(len(text.get_vocabulary()), 16, mask_zero=True),
        Bidirectional(LSTM(16)),
    ]


def output_head(data: Dataset) -> tuple[list[Layer], str]:
    """The last layers and the loss of the data's task."""
    from glassnet.layers import Dense, Rescaling

    if data.class_names:
        return classification_head(len(data.class_names))
    return [Dense(1), Rescaling(float(data.y.std()), float(data.y.mean()))], "mean_squared_error"


def classification_head(n_classes: int) -> tuple[list[Layer], str]:
    """The last layer and the loss of a choice: one sigmoid for two classes, a softmax for more."""
    from glassnet.layers import Dense

    if n_classes == 2:
        return [Dense(1, activation="sigmoid")], "binary_crossentropy"
    return [Dense(n_classes, activation="softmax")], "sparse_categorical_crossentropy"


def describe_model(model: Sequential) -> str:
    """A model in one line: `8x8 → Rescaling(1/16) → Flatten → Dense(128, relu) → Dense(10,
    softmax): 9,610 weights`.
    """
    views = model.layers
    shape = "x".join(map(str, views[0].input_shape))
    return (
        " → ".join([shape, *(_describe_layer(view.layer) for view in views)])
        + f": {model.count_params():,} weights"
    )


def _describe_layer(layer: Layer) -> str:
    given = [
        _format_value(value)
        for value in (
            getattr(layer, name) for name in DESCRIBED_FIELDS.get(type(layer).__name__, ())
        )
        if value
    ]
    return type(layer).__name__ + (f"({', '.join(given)})" if given else "")


def _format_value(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    ratio = Fraction(value).limit_denominator(255)
    return str(ratio) if ratio.numerator == 1 and float(ratio) == value else f"{value:.4g}"
