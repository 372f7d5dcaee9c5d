"""What a studio begins with: a model and data of the user, a lesson, and the presets."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from glassnet import activations, optimizers
from glassnet.errors import ConfigError, message, require
from glassnet.layers import Dense
from glassnet.selection.model_arguments import get_sequential, require_model
from glassnet.studio_app.catalog import describe_catalog
from glassnet.studio_app.data_sources import make_data
from glassnet.studio_app.experiment import PASSED, OwnModel
from glassnet.studio_app.lessons import Lesson
from glassnet.studio_app.networks import read_network, read_training
from glassnet.studio_app.own_data import OwnData, own_data
from glassnet.studio_app.own_targets import has_numbers
from glassnet.studio_app.presets import PRESETS
from glassnet.studio_app.session import Session, StudioStart
from glassnet.studio_app.settings import (
    MAX_LAYERS,
    MAX_UNITS,
    DataSettings,
    LayerSettings,
    NetworkSettings,
    Settings,
    TargetType,
    follow_data,
)
from glassnet.studio_app.tabs import MakeSession

BATCH_SIZE = 32
"""Batch size of a model of the user: the default of `fit`."""

START_KIND = "plane"
"""The kind of the data that the settings of the page begin with."""

OTHER_LAYERS = (
    "The page builds Dense and Dropout layers only. This model has others: change it in Python."
)
"""Why the layers of a model of the user cannot be changed."""


def start_with_model(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    target: str | None = None,
    validation_data: Any = None,
    name: str = "your data",
    data_code: tuple[str, ...] = (),
    model_code: tuple[str, ...] = (PASSED,),
) -> StudioStart:
    """Return a start with a model of the user.

    Args:
        model: the model, of which every session gets a copy.
        x, y, target, validation_data: its data: see `own_data`.
        name: what to call the data.
        data_code, model_code: lines of Python that define them: see `own_data` and `OwnModel`.

    Raises:
        ConfigError: no model.
        DataError: see `own_data`.
    """
    require_model("studio", model)
    data = own_data(x, y, target=target, validation_data=validation_data, name=name, code=data_code)
    inner = copy.deepcopy(get_sequential(model))
    network = read_network(inner.get_settings().layers)
    settings = Settings(
        data=DataSettings("own", target=target, target_type=_read_target_type(inner, data)),
        network=network or NetworkSettings(),
        training=read_training(inner, BATCH_SIZE),
        seed=inner.seed,
    )
    make_data(settings.data, data)
    own_model = OwnModel(inner, "" if network else OTHER_LAYERS, model_code)
    return StudioStart(settings, data, own_model, is_playing=False)


def _read_target_type(model: Any, data: OwnData) -> TargetType | None:
    """Return whether a model learns classes or numbers; None if only its data say so."""
    setup = model.get_settings()
    last = next((each for each in reversed(setup.layers) if isinstance(each, Dense)), None)
    activation = getattr(last, "activation", None)
    ends = {getattr(activation, "__name__", activation)}
    ends.add(getattr(setup.loss, "output_activation", None))
    if "softmax" in ends:
        return "category"
    has_one_output = last is not None and last.units == 1
    learns_errors = getattr(setup.loss, "depends_on_error_only", False)
    learns_errors &= "sigmoid" not in ends
    return "number" if has_one_output and learns_errors and has_numbers(data) else None


def start_with_data(data: OwnData, settings: Settings, *, is_chosen: bool) -> StudioStart:
    """Return a start with data of the user and the network of the settings.

    Args:
        data: the data.
        settings: network and training, and which part of the data.
        is_chosen: whether the user chose network or training; else they follow the data.

    Raises:
        ConfigError, DataError: see `make_data`.
    """
    own = msgspec.structs.replace(settings.data, name="own", target=data.target)
    kind = make_data(own, data).kind
    if not is_chosen:
        settings = follow_data(settings, START_KIND, kind)
    return StudioStart(msgspec.structs.replace(settings, data=own), data)


def make_settings(
    *,
    layers: tuple[int, ...] | None = None,
    activation: str | None = None,
    optimizer: str | None = None,
    learning_rate: float | None = None,
    batch_size: int | str | None = None,
    seed: int = 0,
) -> Settings:
    """Return settings of a network and its training; None for what the page begins with.

    Args:
        layers: units of the hidden layers.
        activation: their activation.
        optimizer, learning_rate: of the training.
        batch_size: rows per step, or "full".
        seed: of the weights and the order of the rows.

    Raises:
        ConfigError: an unknown activation or optimizer; more layers or units than the page has.

    Example:
        >>> make_settings(layers=(8, 4)).network.layers[1].units
        4
    """
    hidden = LayerSettings() if activation is None else LayerSettings(activation=activation)
    activations.get(hidden.activation)
    if optimizer is not None:
        optimizers.get(optimizer)
    units = (hidden.units,) if layers is None else layers
    fits = len(units) <= MAX_LAYERS and max(units, default=0) <= MAX_UNITS
    expected = f"at most {MAX_LAYERS} hidden layers of at most {MAX_UNITS} units"
    require(fits, "studio", expected, layers=units)
    training = {"optimizer": optimizer, "learning_rate": learning_rate, "batch_size": batch_size}
    chosen: dict[str, Any] = {key: each for key, each in training.items() if each is not None}
    if batch_size == "full":
        chosen["batch_size"] = None
    try:
        converted = msgspec.convert({"seed": seed, "training": chosen}, Settings)
    except msgspec.ValidationError as error:
        expected = "a learning rate up to 1e6, a batch size up to 100,000, and a seed up to 2**53"
        values: dict[str, Any] = {**training, "seed": seed}
        raise ConfigError(message("studio", expected, **values)) from error
    network = NetworkSettings(tuple(msgspec.structs.replace(hidden, units=n) for n in units))
    return msgspec.structs.replace(converted, network=network)


def make_session_factory(start: StudioStart, lesson: Lesson | None = None) -> MakeSession:
    """Return the function that makes the session of a tab.

    Args:
        start: what each session begins with, in a copy.
        lesson: its presets can be opened by name, too.
    """
    presets = [*PRESETS, *(lesson.all_presets if lesson else ())]
    start = replace(start, presets={preset.name: preset.settings for preset in presets})

    def make_session(send: Any) -> Session:
        own = start.own_model
        mine = None if own is None else replace(own, model=copy.deepcopy(own.model))
        return Session(replace(start, own_model=mine), send)

    return make_session


def make_welcome(lesson: Lesson | None = None) -> Mapping[str, Any]:
    """Return the values of the first message to a page."""
    return {"catalog": describe_catalog(PRESETS), "lesson": msgspec.to_builtins(lesson)}
