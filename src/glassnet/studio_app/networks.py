"""From settings to a network, and back from a model of the user to settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from glassnet import losses, optimizers, schedules
from glassnet.errors import DataError, is_float32, require, wrap_errors
from glassnet.layers import Dense, Dropout, Flatten, Layer, Normalization, Rescaling
from glassnet.models.sequential import Sequential
from glassnet.optimizers import OPTIMIZERS, Optimizer
from glassnet.regularizers import L1L2
from glassnet.schedules import Schedule
from glassnet.studio_app.settings import (
    MAX_LAYERS,
    MAX_UNITS,
    LayerSettings,
    NetworkSettings,
    Settings,
    TrainingSettings,
)

if TYPE_CHECKING:
    from glassnet.models.base import BaseModel
    from glassnet.studio_app.studio_data import StudioData

SCHEDULE_EPOCHS = 100
"""Epochs after which the cosine ends; the exponential has then fallen to 1 %, and the steps to
a hundredth in two falls."""

SCALING_LAYERS = (Normalization, Rescaling, Flatten)
"""Layers that only prepare the inputs, before the first that has weights."""


def build_model(settings: Settings, data: StudioData, steps_per_epoch: int) -> Sequential:
    """Return the compiled network of the settings for data.

    Args:
        settings: the state of the studio.
        data: the data, which decide the inputs and the output layer.
        steps_per_epoch: unit of the schedules.

    Raises:
        ConfigError: an unknown activation, initializer, optimizer or loss; a loss that does not fit
            the output.
        DataError: starting weights of another shape.
    """
    network, training = settings.network, settings.training
    units, activation, loss = data.output_head(network.output_activation)
    layers: list[Layer] = [*data.input_layers(network.scale)]
    for each in network.layers:
        layers.append(Dense(each.units, each.activation, kernel_initializer=network.initializer))
        layers += [Dropout(each.dropout)] if each.dropout else []
    layers.append(Dense(units, activation, kernel_initializer=network.initializer))
    layers += data.target_layers(network.scale)
    model = Sequential(set_penalties(layers, training.l1, training.l2), seed=settings.seed)
    metrics = ["accuracy" if data.class_names else "mae"]
    model.compile(make_optimizer(training, steps_per_epoch), training.loss or loss, metrics)
    if network.weights:
        model.set_build_hook(lambda built: set_named_weights(built, network.weights))
    return model


def change_training(model: Any, training: TrainingSettings, steps_per_epoch: int) -> Any:
    """Return a copy of a model of the user with other training settings.

    Whatever the settings leave as it was stays as the user wrote it: options of the optimizer and
    the loss, and the penalties of each layer.
    """
    setup, before = model.get_settings(), read_training(model, training.batch_size)
    layers, optimizer, loss = list(setup.layers), setup.optimizer, setup.loss
    if (training.l1, training.l2) != (before.l1, before.l2):
        layers = set_penalties(layers, training.l1, training.l2)
    if _optimizer_settings(training) != _optimizer_settings(before):
        optimizer = make_optimizer(training, steps_per_epoch)
        if type(optimizer) is type(setup.optimizer):
            names = ("learning_rate", "momentum")
            changes = {name: getattr(optimizer, name) for name in names if hasattr(optimizer, name)}
            optimizer = replace(setup.optimizer, **changes)
    if training.loss not in (None, before.loss):
        loss = losses.get(training.loss)
    twin = Sequential(layers, seed=model.seed)
    twin.input_shape, twin.preprocessor = model.input_shape, model.preprocessor
    twin.compile(optimizer or "adam", loss, setup.metrics)
    return twin


def _optimizer_settings(training: TrainingSettings) -> tuple[Any, ...]:
    return training.optimizer, training.learning_rate, training.momentum, training.schedule


def set_penalties(layers: Sequence[Layer], l1: float, l2: float) -> list[Layer]:
    """Return layers with these penalties on their kernels; without any if both are 0."""
    changes: dict[str, Any] = {"kernel_regularizer": L1L2(l1, l2) if l1 or l2 else None}
    return [
        replace(layer, **changes) if hasattr(layer, "kernel_regularizer") else layer
        for layer in layers
    ]


def make_optimizer(training: TrainingSettings, steps_per_epoch: int) -> Optimizer:
    """Return the optimizer of the settings.

    Raises:
        ConfigError: an unknown optimizer.
    """
    optimizer = optimizers.get(training.optimizer)
    rate = make_schedule(training, steps_per_epoch)
    changes: dict[str, Any] = {"learning_rate": training.learning_rate if rate is None else rate}
    if any(field.name == "momentum" for field in fields(optimizer)):
        changes["momentum"] = training.momentum
    return replace(optimizer, **changes)


def make_schedule(training: TrainingSettings, steps_per_epoch: int) -> Schedule | None:
    """Return the schedule of the learning rate; None if it is constant."""
    rate, steps = training.learning_rate, SCHEDULE_EPOCHS * steps_per_epoch
    if training.schedule == "cosine":
        return schedules.CosineDecay(rate, steps)
    if training.schedule == "exponential":
        return schedules.ExponentialDecay(rate, steps, 0.01)
    if training.schedule == "step":
        boundaries = (steps // 3, 2 * steps // 3)
        return schedules.PiecewiseConstantDecay(boundaries, (rate, rate / 10, rate / 100))
    return None


def set_named_weights(model: BaseModel, weights: dict[str, Any]) -> None:
    """Replace the weights of a model by those of some names.

    Raises:
        DataError: an unknown name, or numbers of another shape.
    """
    named = model.weights_named()
    for name, values in weights.items():
        fix = f"The network has {', '.join(named)}."
        expected = "a weight of the network"
        require(name in named, "weights", expected, error=DataError, name=name, fix=fix)
        with wrap_errors("weights", "numbers", name=name):
            array = np.array(values, np.float32)
        expected, shape = f"numbers of shape {named[name].shape}", array.shape
        fits = shape == named[name].shape and bool(np.isfinite(array).all())
        require(fits, name, expected, error=DataError, shape=shape)
        named[name] = array
    statistics = model.get_weights()[len(named) :]
    model.set_weights([*named.values(), *statistics])


def read_network(layers: Sequence[Layer]) -> NetworkSettings | None:
    """Return the settings that build these layers; None if the page cannot build them.

    They are layers that scale inputs, Dense layers with Dropout between them, a last Dense layer,
    and perhaps one that scales its output.
    """
    start = next((i for i, each in enumerate(layers) if not isinstance(each, SCALING_LAYERS)), 0)
    inner = list(layers[start:])
    if inner and isinstance(inner[-1], Rescaling):
        inner.pop()
    if not inner or not isinstance(inner[-1], Dense) or not _has_named_activation(inner[-1]):
        return None
    hidden: list[LayerSettings] = []
    for layer in inner[:-1]:
        if isinstance(layer, Dropout) and hidden and not hidden[-1].dropout:
            hidden[-1] = msgspec.structs.replace(hidden[-1], dropout=layer.rate)
        elif isinstance(layer, Dense) and layer.units <= MAX_UNITS and _has_named_activation(layer):
            hidden.append(LayerSettings(layer.units, str(layer.activation or "linear")))
        else:
            return None
    if len(hidden) > MAX_LAYERS:
        return None
    activation = None if inner[-1].activation in (None, "linear") else str(inner[-1].activation)
    scale = any(isinstance(layer, Normalization | Rescaling) for layer in layers[:start])
    return NetworkSettings(tuple(hidden), activation, scale=scale)


def _has_named_activation(layer: Dense) -> bool:
    return layer.activation is None or isinstance(layer.activation, str)


def read_training(model: Any, batch_size: int | None) -> TrainingSettings:
    """Return the training settings that are nearest to a compiled model."""
    setup = model.get_settings()
    optimizer, loss = setup.optimizer, setup.loss
    kinds = {kind: name for name, kind in OPTIMIZERS.items()}
    name = kinds.get(type(optimizer), "adam")
    rate = getattr(optimizer, "learning_rate", None)
    names = {kind: name for name, kind in losses.LOSSES.items()}
    penalties = [getattr(layer, "kernel_regularizer", None) for layer in setup.layers]
    penalty: Any = next((each for each in penalties if each is not None), None)
    return TrainingSettings(
        optimizer=name,
        learning_rate=float(rate) if is_float32(rate) and rate else 0.001,
        momentum=getattr(optimizer, "momentum", 0.0),
        batch_size=batch_size,
        loss=names.get(type(loss)),
        l1=float(getattr(penalty, "l1", 0)),
        l2=float(getattr(penalty, "l2", 0)),
    )
