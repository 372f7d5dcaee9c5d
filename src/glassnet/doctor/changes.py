"""Remedies as data: what to change about a model, as small objects with a description.

`change.apply(parts)` returns changed layers, optimizer and loss. Changes are frozen dataclasses, so
they compare by value and can be pickled. `Finding.apply` makes a new model of the changed parts.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
from typing import Any, NamedTuple

from glassnet import activations, losses, optimizers, schedules
from glassnet.errors import is_float32, lookup, require
from glassnet.formatting import format_names, format_number
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Flatten,
    Layer,
    Rescaling,
    Reshape,
    TextVectorization,
    functional,
)
from glassnet.layers.layer_paths import Place, change_layers, edit_layers, field_names, iter_places
from glassnet.layers.recurrent import Recurrent
from glassnet.losses import Loss
from glassnet.optimizers import Optimizer
from glassnet.regularizers import Regularizer
from glassnet.schedules import Schedule
from glassnet.types import Array

WITHOUT_ACTIVATION = (None, "linear")

PENALTY_FIELDS = ("weight_decay",)
"""Fields of optimizers that shrink the weights as a penalty does."""

DROPOUT_FIELDS = ("rate", "dropout", "recurrent_dropout")

RATE_FIELDS = ("values", "warmup_target")
"""Fields of schedules that are learning rates, besides those that end in `learning_rate`."""


class ModelParts(NamedTuple):
    """What a change changes: the settings of a model, without weights.

    Args:
        layers: as the user wrote them, composites included, without `Input`.
        optimizer: None before `compile`.
        loss: None before it is named or inferred.
    """

    layers: tuple[Layer, ...]
    optimizer: Optimizer | None = None
    loss: Loss | None = None


@dataclass(frozen=True)
class Change(ABC):
    """Base class of all changes. A subclass is a frozen dataclass with `_change` and `describe`."""

    def apply(self, parts: ModelParts) -> ModelParts:
        """Return changed parts; the old ones stay as they are.

        Raises:
            ConfigError: the model has not what the change is about, such as a layer of that name.

        Example:
            >>> from glassnet.layers import Dense
            >>> parts = ModelParts((Dense(8, "sigmoid"), Dense(1)))
            >>> changed = ReplaceActivations("sigmoid", "relu").apply(parts)
            >>> changed.layers[0].activation
            'relu'
        """
        changed = self._change(parts)
        is_other = changed != parts or len(changed.layers) != len(parts.layers)
        expected = f"a model that this changes: {self.describe()}"
        require(is_other, type(self).__name__, expected, layers=_list_names(parts.layers))
        return changed

    @abstractmethod
    def _change(self, parts: ModelParts) -> ModelParts:
        """Return changed parts; equal ones if there is nothing to change."""

    @abstractmethod
    def describe(self) -> str:
        """Return the change in words, as a command without a full stop."""


@dataclass(frozen=True)
class CombinedChange(Change):
    """Several changes, one after the other.

    Args:
        changes: at least one.

    Raises:
        ConfigError: no changes, or an entry that is none.
    """

    changes: tuple[Change, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "changes", tuple(self.changes))
        fits = self.changes and all(isinstance(change, Change) for change in self.changes)
        require(fits, "CombinedChange", "changes", changes=self.changes)

    def _change(self, parts: ModelParts) -> ModelParts:
        for change in self.changes:
            parts = change.apply(parts)
        return parts

    def describe(self) -> str:
        first, *others = (change.describe() for change in self.changes)
        return ", and ".join([first, *(each[0].lower() + each[1:] for each in others)])


@dataclass(frozen=True)
class SetLearningRate(Change):
    """Another learning rate, constant from the first step to the last. A schedule is replaced.

    Args:
        value: the learning rate, > 0.

    Raises:
        ConfigError: the value is not a number > 0.

    Example:
        >>> SetLearningRate(0.001).describe()
        'Set the learning rate to 0.001'
    """

    value: float

    def __post_init__(self) -> None:
        _require_positive(self, "value")

    def _change(self, parts: ModelParts) -> ModelParts:
        return parts._replace(optimizer=replace(_optimizer(parts), learning_rate=self.value))

    def describe(self) -> str:
        return f"Set the learning rate to {format_number(self.value)}"


@dataclass(frozen=True)
class ScaleLearningRate(Change):
    """The learning rate times a factor; for a schedule, all its rates.

    Args:
        factor: > 0.

    Raises:
        ConfigError: the factor is not a number > 0.

    Example:
        >>> ScaleLearningRate(0.1).describe()
        'Divide the learning rate by 10'
    """

    factor: float

    def __post_init__(self) -> None:
        _require_positive(self, "factor")

    def _change(self, parts: ModelParts) -> ModelParts:
        optimizer = _optimizer(parts)
        rate = _scale(optimizer.learning_rate, self.factor)
        return parts._replace(optimizer=replace(optimizer, learning_rate=rate))

    def describe(self) -> str:
        return _describe_factor("the learning rate", self.factor)


@dataclass(frozen=True)
class ScaledSchedule(Schedule):
    """A schedule times a factor, for schedules whose fields are not known.

    Args:
        schedule: the schedule.
        factor: > 0.
    """

    schedule: Schedule
    factor: float

    def __call__(self, step: Array) -> Array:
        return self.schedule(step) * self.factor


def _scale(rate: Any, factor: float) -> Any:
    """Return a learning rate, or the rates of a schedule, times a factor."""
    if isinstance(rate, tuple):
        return tuple(_scale(each, factor) for each in rate)
    if not isinstance(rate, Schedule):
        return None if rate is None else rate * factor
    if type(rate).__module__ != schedules.__name__:
        return ScaledSchedule(rate, factor)
    names = [each.name for each in fields(rate)]
    rates = [name for name in names if name.endswith("learning_rate") or name in RATE_FIELDS]
    return replace(rate, **{name: _scale(getattr(rate, name), factor) for name in rates})


@dataclass(frozen=True)
class InsertLayer(Change):
    """A new layer.

    Args:
        layer: the layer. Without a name, the model numbers it.
        before: name of the layer that it precedes, as `model.layers` and the trace name it.
        after: name of the layer that it follows. Without either, the new layer is the first.

    Raises:
        ConfigError: not a layer, or both names.

    Example:
        >>> from glassnet.layers import Dropout
        >>> InsertLayer(Dropout(0.3), after="dense_1").describe()
        'Insert Dropout(0.3) after dense_1'
    """

    layer: Layer
    before: str | None = field(default=None, kw_only=True)
    after: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        functional.check_layer_type(self.layer)
        fits = self.before is None or self.after is None
        expected = "one of before and after"
        require(fits, "InsertLayer", expected, before=self.before, after=self.after)

    def _change(self, parts: ModelParts) -> ModelParts:
        layers, name = parts.layers, self.before or self.after
        follows = layers[0].name if layers and isinstance(layers[0], TextVectorization) else None
        place = name or follows
        if place is None:
            return parts._replace(layers=(self.layer, *layers))
        _require_names(self, layers, [place])

        def insert(path: str, layer: Layer) -> tuple[Layer, ...]:
            if path != place:
                return (layer,)
            return (self.layer, layer) if self.before else (layer, self.layer)

        return parts._replace(layers=edit_layers(layers, insert))

    def describe(self) -> str:
        text = f"Insert {_describe_layer(self.layer)}"
        if self.before or self.after:
            return f"{text} {'before' if self.before else 'after'} {self.before or self.after}"
        return f"{text} as the first layer"


@dataclass(frozen=True)
class ReplaceActivations(Change):
    """Another activation in all hidden layers that have the old one.

    Recurrent layers stay as they are, and so does the output layer. None or "linear" as the old
    activation means dense and convolutional layers that no activation follows, outside of
    composites: the last layer inside a residual block has none on purpose.

    Args:
        old: name of the activation; "linear" for none.
        new: the other activation.

    Raises:
        ConfigError: an activation is unknown.

    Example:
        >>> ReplaceActivations("sigmoid", "relu").describe()
        'Use relu instead of sigmoid in the hidden layers'
    """

    old: str
    new: str

    def __post_init__(self) -> None:
        for name in ("old", "new"):
            value = activations.canonicalize(getattr(self, name) or "linear")
            object.__setattr__(self, name, value)

    def _change(self, parts: ModelParts) -> ModelParts:
        places = filter(self._fits, iter_places(parts.layers))
        changes = {place.path: {"activation": self.new} for place in places}
        return parts._replace(layers=change_layers(parts.layers, changes))

    def _fits(self, place: Place) -> bool:
        layer: Any = place.layer
        if "activation" not in field_names(layer) or isinstance(layer, Recurrent):
            return False
        if self.old != "linear":
            return place.is_hidden and layer.activation == self.old
        is_linear = layer.activation in WITHOUT_ACTIVATION and not isinstance(layer, Activation)
        return is_linear and place.is_hidden and not place.is_activated and "/" not in place.path

    def describe(self) -> str:
        if self.old == "linear":
            return f"Use {self.new} in the hidden layers without activation"
        return f"Use {self.new} instead of {self.old} in the hidden layers"


@dataclass(frozen=True)
class ReplaceInitializers(Change):
    """The default initializers instead of others.

    Args:
        names: of the layers; () for all.

    Example:
        >>> ReplaceInitializers(("dense_1",)).describe()
        'Draw the starting weights of dense_1 by the default initializers'
    """

    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))

    def _change(self, parts: ModelParts) -> ModelParts:
        _require_names(self, parts.layers, self.names)
        changes = {
            place.path: {
                each.name: each.default
                for each in fields(place.layer)
                if each.name.endswith("_initializer") and each.default is not MISSING
            }
            for place in iter_places(parts.layers)
            if not self.names or place.path in self.names
        }
        return parts._replace(layers=change_layers(parts.layers, changes))

    def describe(self) -> str:
        of = format_names(self.names) if self.names else "all layers"
        return f"Draw the starting weights of {of} by the default initializers"


@dataclass(frozen=True)
class SetOutputActivation(Change):
    """Another activation at the end of the network, and a loss that fits it.

    Args:
        activation: its name; None for none.
        loss: a loss or its name; None to keep the loss.
        units: number of units of the last layer; None to keep it.

    Raises:
        ConfigError: the activation or the loss is unknown.

    Example:
        >>> SetOutputActivation("softmax", "sparse_categorical_crossentropy").describe()
        'End the network in softmax, with the loss sparse_categorical_crossentropy'
    """

    activation: str | None
    loss: str | Loss | None = None
    units: int | None = None

    def __post_init__(self) -> None:
        if self.activation is not None:
            object.__setattr__(self, "activation", activations.canonicalize(self.activation))
        if self.loss is not None:
            losses.get(self.loss)

    def _change(self, parts: ModelParts) -> ModelParts:
        layers = list(parts.layers)
        k = len(layers) - 1
        while k >= 0 and isinstance(layers[k], Flatten | Reshape | Rescaling):
            k -= 1
        last: Any = layers[k] if k >= 0 else None
        fits = last is not None and "activation" in field_names(last)
        names = _list_names(parts.layers)
        expected = "a network that ends in a layer with an activation"
        require(fits, type(self).__name__, expected, layers=names)
        values = {} if self.units is None else {"units": self.units}
        require(
            values.keys() <= set(field_names(last)), type(self).__name__, expected, layers=names
        )
        layers[k] = replace(last, activation=self.activation or "linear", **values)
        loss = parts.loss if self.loss is None else losses.get(self.loss)
        return parts._replace(layers=tuple(layers), loss=loss)

    def describe(self) -> str:
        end = f"in {self.activation}" if self.activation else "without activation"
        end = end if self.units is None else f"{end} with {self.units} units"
        loss = f", with the loss {_name_loss(self.loss)}" if self.loss else ""
        return f"End the network {end}{loss}"


@dataclass(frozen=True)
class SetLoss(Change):
    """Another loss.

    Args:
        loss: a loss or its name.

    Raises:
        ConfigError: the loss is unknown.

    Example:
        >>> SetLoss("huber").describe()
        'Use the loss huber'
    """

    loss: str | Loss

    def __post_init__(self) -> None:
        losses.get(self.loss)

    def _change(self, parts: ModelParts) -> ModelParts:
        return parts._replace(loss=losses.get(self.loss))

    def describe(self) -> str:
        return f"Use the loss {_name_loss(self.loss)}"


@dataclass(frozen=True)
class ScalePenalties(Change):
    """The strength of all penalties times a factor, and the weight decay of the optimizer.

    Args:
        factor: >= 0; 0 removes the penalties.

    Raises:
        ConfigError: the factor is not a number >= 0.

    Example:
        >>> ScalePenalties(0.1).describe()
        'Divide the strength of all penalties by 10'
    """

    factor: float

    def __post_init__(self) -> None:
        fits = is_float32(self.factor) and self.factor >= 0
        require(fits, type(self).__name__, "factor to be a number >= 0", factor=self.factor)

    def _change(self, parts: ModelParts) -> ModelParts:
        changes = {
            place.path: {
                each.name: self._scale(getattr(place.layer, each.name))
                for each in fields(place.layer)
                if each.name.endswith("_regularizer")
            }
            for place in iter_places(parts.layers)
        }
        layers, optimizer = change_layers(parts.layers, changes), parts.optimizer
        decay = [name for name in PENALTY_FIELDS if name in field_names(optimizer)]
        if optimizer is not None:
            values = {name: getattr(optimizer, name) * self.factor for name in decay}
            optimizer = replace(optimizer, **values)
        return parts._replace(layers=layers, optimizer=optimizer)

    def _scale(self, regularizer: Regularizer | None) -> Regularizer | None:
        """Return a regularizer of another strength.

        Raises:
            ConfigError: a regularizer of the user, whose fields are not known.
        """
        if regularizer is None or self.factor == 0:
            return None
        who, names = type(self).__name__, field_names(regularizer)
        fits = is_dataclass(regularizer) and set(names) <= {"l1", "l2"}
        require(fits, who, "regularizers L1, L2 or L1L2", received=regularizer)
        return replace(
            regularizer, **{name: getattr(regularizer, name) * self.factor for name in names}
        )

    def describe(self) -> str:
        if self.factor == 0:
            return "Remove all penalties"
        return _describe_factor("the strength of all penalties", self.factor)


@dataclass(frozen=True)
class LimitDropout(Change):
    """A lower rate in all dropout layers above it, and in the dropout of recurrent layers.

    Args:
        rate: the highest rate, from 0 to below 1.

    Raises:
        ConfigError: the rate is not in [0, 1).

    Example:
        >>> LimitDropout(0.2).describe()
        'Lower the rate of all dropout to 0.2'
    """

    rate: float

    def __post_init__(self) -> None:
        fits = is_float32(self.rate) and 0 <= self.rate < 1
        require(fits, type(self).__name__, "rate from 0 to below 1", rate=self.rate)

    def _change(self, parts: ModelParts) -> ModelParts:
        changes = {
            place.path: {
                name: self.rate
                for name in DROPOUT_FIELDS
                if name in field_names(place.layer) and getattr(place.layer, name) > self.rate
            }
            for place in iter_places(parts.layers)
        }
        return parts._replace(layers=change_layers(parts.layers, changes))

    def describe(self) -> str:
        return f"Lower the rate of all dropout to {format_number(self.rate)}"


@dataclass(frozen=True)
class SetMomentum(Change):
    """Another momentum of all batch normalization layers.

    Args:
        momentum: the part of the statistics that each step keeps, from 0 to below 1.

    Raises:
        ConfigError: see `BatchNormalization`.

    Example:
        >>> SetMomentum(0.9).describe()
        'Set the momentum of batch normalization to 0.9'
    """

    momentum: float

    def __post_init__(self) -> None:
        BatchNormalization(momentum=self.momentum)

    def _change(self, parts: ModelParts) -> ModelParts:
        changes = {
            place.path: {"momentum": self.momentum}
            for place in iter_places(parts.layers)
            if isinstance(place.layer, BatchNormalization)
        }
        return parts._replace(layers=change_layers(parts.layers, changes))

    def describe(self) -> str:
        return f"Set the momentum of batch normalization to {format_number(self.momentum)}"


def _optimizer(parts: ModelParts) -> Optimizer:
    """Return the optimizer, or the one that `fit` would choose."""
    return parts.optimizer or optimizers.get("adam")


def _require_positive(change: Change, name: str) -> None:
    value = getattr(change, name)
    fits = is_float32(value) and value > 0
    require(fits, type(change).__name__, f"{name} to be a number > 0", **{name: value})


def _check_names(change: Any) -> None:
    """Let the names be a tuple.

    Raises:
        ConfigError: no names, or one that is no text.
    """
    names = (change.names,) if isinstance(change.names, str) else tuple(change.names)
    object.__setattr__(change, "names", names)
    fits = names and all(isinstance(name, str) for name in names)
    require(fits, type(change).__name__, "names of layers", names=names)


def _require_names(change: Change, layers: Sequence[Layer], names: Sequence[str]) -> None:
    """Refuse names that no layer has.

    Raises:
        ConfigError: the message suggests the nearest name.
    """
    known: Mapping[str, int] = dict.fromkeys(_list_names(layers), 0)
    for name in names:
        lookup(f"{type(change).__name__}: layer", name, known)


def _list_names(layers: Sequence[Layer]) -> list[str]:
    return [place.path for place in iter_places(layers)]


def _name_loss(loss: str | Loss | None) -> str:
    return loss if isinstance(loss, str) else getattr(loss, "display_name", type(loss).__name__)


def _describe_factor(what: str, factor: float) -> str:
    if factor < 1:
        return f"Divide {what} by {format_number(1 / factor)}"
    return f"Multiply {what} by {format_number(factor)}"


def _describe_layer(layer: Layer) -> str:
    """Return a layer as the user would write it: `Dropout(0.3)`."""
    return f"{type(layer).__name__}({', '.join(_list_arguments(layer))})"


def _list_arguments(layer: Layer) -> Iterator[str]:
    """Yield the arguments that are not the default; the first field without its name."""
    for i, each in enumerate(entry for entry in fields(layer) if not entry.kw_only):
        value, default = getattr(layer, each.name), each.default
        if default is not MISSING:  # "glorot_uniform" becomes GlorotUniform()
            default = getattr(replace(layer, **{each.name: default}), each.name)
        if value != default:
            text = _format_float(value) if isinstance(value, float) else repr(value)
            yield text if i == 0 else f"{each.name}={text}"


def _format_float(value: float) -> str:
    """Return a number as text: 1/255 rather than 0.003922."""
    text = format_number(value)
    inverse = round(1 / value) if value else 0
    is_fraction = float(text.replace(",", "")) != value and inverse > 1 and value == 1 / inverse
    return f"1/{inverse}" if is_fraction else text
