"""Default networks: scaled inputs, hidden layers, and the output layer and loss of the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from glassnet.formatting import format_number

if TYPE_CHECKING:
    from glassnet.data.dataset import Dataset
    from glassnet.layers import Layer
    from glassnet.models.sequential import Sequential

DESCRIBED_FIELDS = {
    "Dense": ("units", "activation"),
    "Conv2D": ("filters", "activation"),
    "RandomFlip": ("mode",),
    "Dropout": ("rate",),
    "Rescaling": ("scale", "offset"),
}
"""The fields of each layer that `describe_model` shows."""


def build_model(
    data: Dataset, settings: Mapping[str, Any], *, dropout: float, adapt: bool = False
) -> Sequential:
    """Return a compiled model for a dataset of arrays.

    It ends in a softmax for K classes, in one sigmoid for two classes, and in a linear output in
    the target's units for a regression.

    Args:
        data: the dataset.
        settings: layers (units of each hidden layer), activation (of the hidden layers), optimizer
            (name), learning_rate (None for the optimizer's default) and seed.
        dropout: rate of the dropout after each hidden layer.
        adapt: compute the statistics of a Normalization now, from all training rows; otherwise
            `fit` computes them from the rows that it trains on.

    Raises:
        ConfigError: an unknown activation or optimizer; a number out of range.
    """
    from glassnet.layers import Input, Normalization
    from glassnet.models.default_layers import scaling_layers

    layers: list[Layer] = (
        text_layers(data)
        if data.x.dtype.kind == "U"
        else [Input(data.x.shape[1:]), *scaling_layers(data.x)]
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
    """Return the hidden layers, each followed by dropout if the rate is above 0."""
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
    """Return a compiled model with the optimizer of the settings."""
    from glassnet import optimizers
    from glassnet.models.sequential import Sequential

    model = Sequential(layers, seed=settings["seed"])
    optimizer, rate = optimizers.get(settings["optimizer"]), settings["learning_rate"]
    model.compile(
        optimizer if rate is None else replace(optimizer, learning_rate=rate), loss, metrics
    )
    return model


def text_layers(data: Dataset) -> list[Layer]:
    """Return layers that read a text in both directions and return a vector."""
    from glassnet.layers import LSTM, Bidirectional, Embedding, TextVectorization

    text = TextVectorization().adapt(data.x)
    return [
        text,
        Embedding(len(text.get_vocabulary()), 16, mask_zero=True),
        Bidirectional(LSTM(16)),
    ]


def output_head(data: Dataset) -> tuple[list[Layer], str]:
    """Return the output layers and the loss of the data's task."""
    from glassnet.layers import Dense
    from glassnet.models.default_layers import classification_head, target_scaling

    if data.class_names:
        return classification_head(len(data.class_names))
    return [Dense(1), target_scaling(data.y)], "mean_squared_error"


def describe_model(model: Sequential) -> str:
    """Return a model as one line.

    An example: `8x8 → Rescaling(1/16) → Flatten → Dense(10, softmax): 650 weights`.
    """
    views = model.layers
    shape = "x".join(map(str, views[0].input_shape))
    return (
        " → ".join([shape, *(_describe_layer(view.layer) for view in views)])
        + f": {model.count_params():,} weights"
    )


def _describe_layer(layer: Layer) -> str:
    name = type(layer).__name__
    fields = [getattr(layer, field) for field in DESCRIBED_FIELDS.get(name, ())]
    values = [_format_value(value) for value in fields if value]
    return f"{name}({', '.join(values)})" if values else name


def _format_value(value: Any) -> str:
    """Format a value; a float such as 0.0625 becomes 1/16."""
    if not isinstance(value, float):
        return str(value)
    ratio = Fraction(value).limit_denominator(255)
    is_unit_fraction = ratio.numerator == 1 and float(ratio) == value
    return str(ratio) if is_unit_fraction else format_number(value)
