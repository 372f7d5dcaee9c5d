"""What the page offers: datasets, parts of networks and training, presets, and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args, get_type_hints

import msgspec

from glassnet.optimizers import OPTIMIZERS
from glassnet.studio_app.data_sources import describe_datasets
from glassnet.studio_app.own_data import MAX_UPLOAD_BYTES
from glassnet.studio_app.presets import Preset
from glassnet.studio_app.settings import MAX_LAYERS, MAX_POINTS, MAX_UNITS, TrainingSettings

ACTIVATIONS = (
    "linear",
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "softsign",
    "hard_sigmoid",
    "hard_tanh",
    "softmax",
)
"""Activations of the page, the ones that courses teach first."""

INITIALIZERS = (
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "zeros",
    "ones",
)
"""Initializers of the page: those that need no number."""

LOSSES = (
    "binary_crossentropy",
    "sparse_categorical_crossentropy",
    "binary_focal_crossentropy",
    "hinge",
    "squared_hinge",
    "mean_squared_error",
    "half_mean_squared_error",
    "mean_absolute_error",
    "huber",
    "log_cosh",
    "poisson",
)
"""Losses of the page: those for one number, or for the index of a class."""


def describe_catalog(presets: Sequence[Preset]) -> dict[str, Any]:
    """Return what the page offers, as values for JSON.

    Example:
        >>> describe_catalog([])["limits"]["layers"]
        6
    """
    schedules = get_args(get_type_hints(TrainingSettings)["schedule"])
    return {
        "datasets": describe_datasets(),
        "activations": list(ACTIVATIONS),
        "optimizers": list(OPTIMIZERS),
        "losses": list(LOSSES),
        "initializers": list(INITIALIZERS),
        "schedules": list(schedules),
        "limits": {
            "layers": MAX_LAYERS,
            "units": MAX_UNITS,
            "points": MAX_POINTS,
            "upload_bytes": MAX_UPLOAD_BYTES,
        },
        "presets": [_describe_preset(preset) for preset in presets],
    }


def _describe_preset(preset: Preset) -> Mapping[str, Any]:
    return {
        "name": preset.name,
        "title": preset.title,
        "why": preset.why,
        "try_this": preset.try_this,
        "settings": msgspec.to_builtins(preset.settings),
    }
