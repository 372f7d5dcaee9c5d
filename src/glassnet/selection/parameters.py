"""Parameters of a sweep: from their names and values to setups of models.

A name says what changes:

- `optimizer`, and every field of the optimizer: `learning_rate`, `momentum`, `clipnorm`.
- Every field of the loss: `label_smoothing`, `delta`.
- `l1`, `l2`: the penalty on the kernel of every layer that has one.
- `dropout`, or `rate`: the rate of every dropout layer.
- `units`, `filters`, `activation`: of every layer with that field, except the output layer.
- `dense_1/units`: one field of one layer. `residual_1/dense_1/units` is inside a composite.
- Arguments of `fit` (`FIT_PARAMETERS`), and `seed`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any

from glassnet import losses, optimizers
from glassnet.engine.train_step import initial_rate
from glassnet.errors import ConfigError, find_nearest, is_int, message, require
from glassnet.formatting import format_number, shorten
from glassnet.layers.layer_paths import Place, change_layers, field_names, iter_places
from glassnet.models.setup import Setup
from glassnet.regularizers import L1, L1L2, L2, Regularizer

WHO = "parameters"

MAX_VALUE_TEXT = 40
"""Maximum number of characters of a value in texts."""

FIT_PARAMETERS = ("batch_size", "epochs", "class_weight", "shuffle")
"""Arguments of `fit` that may be parameters."""

SHARED_FIELDS = {
    "l1": "kernel_regularizer",
    "l2": "kernel_regularizer",
    "dropout": "rate",
    "rate": "rate",
    "units": "units",
    "filters": "filters",
    "activation": "activation",
}
"""The field of many layers that a parameter sets, by its name."""

HIDDEN_ONLY = ("units", "filters", "activation")
"""Parameters that leave the output layer as it is."""


def split_values(
    values: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], int | None]:
    """Return the values that belong to the model, those that belong to `fit`, and the seed.

    Raises:
        ConfigError: the seed is not an int >= 0.

    Example:
        >>> split_values({"units": 8, "batch_size": 16, "seed": 1})
        ({'units': 8}, {'batch_size': 16}, 1)
    """
    rest = dict(values)
    seed = rest.pop("seed", None)
    require(seed is None or is_int(seed, least=0), WHO, "seed to be an int >= 0", seed=seed)
    fit_values = {name: rest.pop(name) for name in FIT_PARAMETERS if name in rest}
    return rest, fit_values, seed


def apply_values(setup: Setup, values: Mapping[str, Any]) -> Setup:
    """Return a setup with other values of parameters; the network is not built again.

    Values of one layer take precedence over values of many. Arguments of `fit` and the seed are
    ignored.

    Args:
        setup: layers, optimizer and loss of a model.
        values: by the names of parameters.

    Raises:
        ConfigError: a name that the model does not have (the nearest is suggested), or a value that
            it cannot take.

    Example:
        >>> from glassnet.layers import Dense
        >>> setup = Setup(layers=(Dense(8, name="hidden"), Dense(1, name="output")))
        >>> changed = apply_values(setup, {"units": 32, "learning_rate": 0.1})
        >>> [layer.units for layer in changed.layers], changed.optimizer.learning_rate
        ([32, 1], 0.1)
    """
    model_values, _, _ = split_values(values)
    if "optimizer" in model_values:
        setup = _apply(setup, "optimizer", model_values.pop("optimizer"))
    check_names(setup, model_values)
    for name in sorted(model_values, key=_is_path):
        setup = _apply(setup, name, model_values[name])
    return setup


def check_names(setup: Setup, names: Iterable[str], arguments: Sequence[str] = ()) -> None:
    """Refuse parameters that a model does not have.

    Args:
        setup: layers, optimizer and loss of a model.
        names: names of parameters.
        arguments: other names that exist: arguments of the function that returned the model.

    Raises:
        ConfigError: the message names the nearest parameter, and lists those that exist.
    """
    quick = {*arguments, *_names_of_parts(setup)}
    others = [name for name in names if name not in quick]
    existing = [*arguments, *parameter_names(setup)] if others else []
    for name in others:
        if name not in existing:
            shared = [other for other in existing if not _is_path(other)]
            path = next(filter(_is_path, existing), None)
            one_layer = f", and fields of one layer, such as {path}" if path else ""
            fix = f"{_suggest(setup, str(name), existing)}The model has {', '.join(shared)}"
            expected = "the name of a parameter of the model"
            raise ConfigError(message(WHO, expected, fix=f"{fix}{one_layer}.", name=name))


def parameter_names(setup: Setup) -> list[str]:
    """Return the names of all parameters of a model: shared ones first, then those of one layer.

    Example:
        >>> from glassnet.layers import Dense
        >>> layers = Dense(8, name="hidden"), Dense(1, name="output")
        >>> names = parameter_names(Setup(layers=layers))
        >>> "units" in names, "hidden/units" in names, "dropout" in names
        (True, True, False)
    """
    places = list(iter_places(setup.layers))
    shared = [name for name in SHARED_FIELDS if _select_places(places, name)]
    paths = [f"{place.path}/{name}" for place in places for name in field_names(place.layer)]
    paths.sort(key=lambda path: path.endswith("/trainable"))
    return list(dict.fromkeys([*_names_of_parts(setup), *shared, *FIT_PARAMETERS, "seed", *paths]))


def _names_of_parts(setup: Setup) -> list[str]:
    """Return the parameters of the optimizer and the loss."""
    return ["optimizer", *field_names(_optimizer(setup)), *field_names(setup.loss)]


def format_values(values: Mapping[str, Any]) -> str:
    """Return the values of a setting in one line; "the model" if there are none.

    Example:
        >>> format_values({"learning_rate": 0.0123456, "units": 1024, "activation": "relu"})
        'learning_rate=0.01235, units=1024, activation=relu'
    """
    texts = [f"{name}={format_value(value)}" for name, value in values.items()]
    return ", ".join(texts) or "the model"


def format_value(value: Any) -> str:
    """Return a value of a parameter as a short text; of an optimizer, what is not the default.

    Example:
        >>> from glassnet.optimizers import SGD
        >>> format_value(SGD(0.1, momentum=0.9))
        'SGD(learning_rate=0.1, momentum=0.9)'
    """
    if isinstance(value, float):
        return format_number(value)
    if is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: getattr(value, field.name)
            for field in fields(value)
            if field.repr and getattr(value, field.name) != field.default
        }
        texts = [f"{name}={format_value(each)}" for name, each in changed.items()]
        return shorten(f"{type(value).__name__}({', '.join(texts)})", MAX_VALUE_TEXT)
    return value if isinstance(value, str) else shorten(repr(value), MAX_VALUE_TEXT)


def _apply(setup: Setup, name: str, value: Any) -> Setup:
    """Return the setup with another value of one parameter.

    Raises:
        ConfigError: with the name, the value, and what the part that it belongs to says.
    """
    try:
        return _change(setup, name, value)
    except Exception as error:  # GlassnetError, or any error of a user's class
        expected = f"a value that {name} can take"
        raise ConfigError(message(WHO, expected, fix=str(error), **{name: value})) from error


def _change(setup: Setup, name: str, value: Any) -> Setup:
    if name == "optimizer":
        return _with_optimizer(setup, value)
    optimizer = _optimizer(setup)
    if name in field_names(optimizer):
        return _with_optimizer(setup, replace(optimizer, **{name: value}))
    if setup.loss is not None and name in field_names(setup.loss):
        return replace(setup, loss=losses.get(replace(setup.loss, **{name: value})))
    places = list(iter_places(setup.layers))
    if _is_path(name):
        path, field = name.rsplit("/", 1)
        changes = {path: {field: value}}
    else:
        field = SHARED_FIELDS[name]
        changes = {
            place.path: {field: _shared_value(place.layer, name, value)}
            for place in _select_places(places, name)
        }
    return replace(setup, layers=change_layers(setup.layers, changes))


def _optimizer(setup: Setup) -> optimizers.Optimizer:
    """Return the optimizer of a setup, or the one that `fit` would choose."""
    return setup.optimizer or optimizers.get("adam")


def _with_optimizer(setup: Setup, value: Any) -> Setup:
    optimizer = optimizers.get(value)
    return replace(setup, optimizer=optimizer, rate=initial_rate(optimizer))


def _is_path(name: Any) -> bool:
    """Return whether a name is that of one layer's field, such as `dense_1/units`."""
    return isinstance(name, str) and "/" in name


def _suggest(setup: Setup, name: str, existing: Sequence[str]) -> str:
    """Return a sentence about what a name may mean that the model does not have, or ""."""
    table: Mapping[str, Any] = optimizers.OPTIMIZERS
    owners = [cls.__name__ for cls in table.values() if name in field_names(cls)]
    if owners:
        chosen = type(_optimizer(setup)).__name__
        return f"{name} is a parameter of {', '.join(owners)}; the model's optimizer is {chosen}. "
    if setup.loss is None and any(name in field_names(cls) for cls in losses.LOSSES.values()):
        return f"Compile the model with a loss that has {name}. "
    nearest = find_nearest(name, existing)
    return f"Did you mean {nearest!r}? " if nearest else ""


def _select_places(places: Sequence[Place], name: str) -> list[Place]:
    """Return the layers that a shared parameter changes."""
    selected = [place for place in places if SHARED_FIELDS[name] in field_names(place.layer)]
    if name in HIDDEN_ONLY:
        selected = [place for place in selected if place.is_hidden]
    if name == "activation":
        return [p for p in selected if not (p.is_activated and _is_linear(p.layer))]
    return selected


def _is_linear(layer: Any) -> bool:
    return layer.activation in (None, "linear")


def _shared_value(layer: Any, name: str, value: Any) -> Any:
    """Return the value of a layer's field for the value of a shared parameter."""
    if name not in ("l1", "l2"):
        return value
    regularizer: Regularizer | None = layer.kernel_regularizer
    if regularizer is None:
        return L1(value) if name == "l1" else L2(value)
    if name in field_names(regularizer):
        return replace(regularizer, **{name: value})
    if isinstance(regularizer, L1 | L2):
        return L1L2(**vars(regularizer) | {name: value})
    fix = f"Its regularizer is {type(regularizer).__name__}."
    raise ConfigError(message(type(layer).__name__, f"a regularizer with {name}", fix=fix))
