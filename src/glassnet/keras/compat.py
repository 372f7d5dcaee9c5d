"""How a name of Keras's becomes one of ours: a row of a table makes a callable with Keras's
parameters, in Keras's order.

A row is what makes the object and a line of parameters:

    units                    handed on
    function>activation      handed on by another name
    axis=-1                  taken at this value only; dtype=None|'float32' at either
    name~                    taken and not used
    input_shape@             left on the object, for `keras.Sequential` to read
    *                        from here on by name only
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar

from glassnet.errors import ConfigError, GlassnetError, message, require
from glassnet.layers import Activation, Layer

PARAMETER_HINTS = {
    "activity_regularizer": "Penalise the weights: kernel_regularizer=.",
    "backward_layer": "The copy that goes backwards is made of the layer given.",
    "axis": "It is the last axis throughout; Permute moves another there.",
    "batch_size": "Leave the batch size to fit.",
    "bias_constraint": "Keep weights small with bias_regularizer=.",
    "data_format": "Images are (height, width, channels); Permute((2, 3, 1)) in front turns others round.",
    "decay": "Write learning_rate=keras.optimizers.schedules.InverseTimeDecay(rate, 1, decay).",
    "dtype": "Everything is float32; prepare the data with NumPy.",
    "groups": "Every filter weighs all channels.",
    "ignore_class": "Give those rows a sample_weight of 0.",
    "kernel_constraint": "Keep weights small with kernel_regularizer=.",
    "lr": "Write learning_rate=.",
    "max_value": 'Write Activation("relu6") for a ceiling of 6.',
    "negative_slope": "Write LeakyReLU(negative_slope).",
    "return_state": "Layers stand in a row: return_sequences=True gives h of every step, trace(x, y).steps(name) all states.",
    "stateful": "Every row begins at zero: give whole sequences.",
    "weights": "Write model.layers[0].set_weights([matrix]) on the built model.",
    "reduction": "A loss is the mean over the rows; sample_weight weighs them.",
    "weight_decay": "Write AdamW, or kernel_regularizer=keras.regularizers.l2(...) in the layers.",
}
"""What to write instead of a parameter that cannot be had."""

BRANCHES_HINT = "Write glassnet.layers.Parallel([...], merge=...) for branches, glassnet.layers.Residual([...]) for a way around."
UNSUPPORTED_NAMES = (
    "applications Attention distribution mixed_precision MultiHeadAttention Sequence visualization"
)
NAME_HINTS = {
    **dict.fromkeys(
        (
            "Add",
            "Average",
            "Concatenate",
            "Maximum",
            "Multiply",
            "add",
            "average",
            "concatenate",
            "multiply",
        ),
        BRANCHES_HINT,
    ),
    **dict.fromkeys(UNSUPPORTED_NAMES.split(), "docs/not-for.md says where to go."),
    "CosineSimilarity": "losses.CosineSimilarity is there, with the other sign.",
    "BackupAndRestore": 'Write model.fit(..., resume="folder"): killed and run again, it goes on, bit for bit.',
    "clone_model": "Write a function that makes the model, and call it twice.",
    "History": "fit returns it, and model.history keeps it.",
    "image_dataset_from_directory": "Write train, val = glassnet.data.images_from_folder(folder, size=(150, 150), validation_split=0.2).",
    "preprocessing": "Images: glassnet.data.images_from_folder, and layers such as RandomFlip. Texts: TextVectorization.",
    "get_value": "Read model.optimizer.learning_rate; weights are in model.get_weights().",
    "set_value": "Write model.optimizer.learning_rate = ....",
    **dict.fromkeys(
        ("constraints", "max_norm"),
        "Keep weights small with kernel_regularizer=keras.regularizers.l2(...).",
    ),
    **dict.fromkeys(
        ("abs", "clip", "exp", "log", "maximum", "mean", "pow", "sqrt", "square", "sum"),
        "Write keras.ops.NAME.",
    ),
    "custom_gradient": "Write a JAX function with jax.custom_vjp.",
    "plot_model": "model.summary() prints the layers, model.trace(x, y) all of their numbers.",
}
"""What to write instead of a name that cannot be had."""

ATTRIBUTE_HINTS = {
    "weights trainable_weights non_trainable_weights variables trainable_variables": "Write get_weights(), or params by name.",
    "to_json get_config": "model.save(path) keeps all of it in one file.",
    "train_on_batch fit_generator train_step call": "Write fit(x, y); docs/not-for.md says where to go with other loops.",
    "export": "docs/not-for.md says where to go.",
    "test_on_batch evaluate_generator": "Write evaluate(x, y).",
    "predict_on_batch predict_generator predict_proba": "Write predict(x).",
    "predict_classes": "Write predict_labels(x).",
    "input inputs output outputs": "Write input_shape, output_shape; keras.Sequential(model.layers[:1]) ends after the first layer.",
    "pop": "Write keras.Sequential(model.layers[:-1]).",
    "loss metrics": "model.metrics_names lists what evaluate gives.",
    "losses add_loss": "Penalties are in the loss; a metric of the loss's name gives it without them.",
}
"""What to write instead of an attribute of Keras's models."""


class NotHereError(GlassnetError, ImportError):
    """A name that a module of Keras's has, or might have, and that glassnet lacks."""


@dataclass(frozen=True)
class KerasAlias:
    """A name of Keras's: call it for the object of ours, or ask `isinstance` about one.

    Args:
        name: Keras's.
        factory: what makes the object.
        signature_spec: Keras's parameters: see the module.
        instance_type: what `isinstance` goes by; None for `factory`.
    """

    name: str
    factory: Any
    signature_spec: str = ""
    instance_type: Any = None

    @cached_property
    def parameter_rules(self) -> dict[str, str]:
        """What becomes of each parameter: the rest of its word in the line. The star stands under
        the empty name.
        """
        words: dict[str, str] = {}
        for word in self.signature_spec.split():
            name, how = re.match(r"(\w*)(.*)", word).groups()  # type: ignore[union-attr]
            words[name] = how or f">{name}"
        return words

    @cached_property
    def __signature__(self) -> inspect.Signature:
        """Keras's parameters in Keras's order, each with the default that holds here."""
        known = inspect.signature(self.factory).parameters
        parameters, kind = [], inspect.Parameter.POSITIONAL_OR_KEYWORD
        for name, how in self.parameter_rules.items():
            if how == "*":
                kind = inspect.Parameter.KEYWORD_ONLY  # type: ignore[assignment]
                continue
            ours = known.get(how[1:])
            default = ours.default if ours else _parse_values(how)[0] if how[0] == "=" else None
            parameters.append(inspect.Parameter(name, kind, default=default))
        return inspect.Signature(parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        handed, kept = {}, {}
        for name, value in self._bind(args, kwargs).items():
            how = self.parameter_rules[name]
            if how[0] == "=" and not any(_is_same(value, only) for only in _parse_values(how)):
                only = " or ".join(f"{name}={only!r}" for only in _parse_values(how))
                raise ConfigError(
                    message(
                        self.name,
                        f"{only}, which is all there is",
                        fix=PARAMETER_HINTS.get(name, ""),
                        **{name: value},
                    )
                )
            if how[0] == ">" and (name, value) != ("name", None):
                handed[how[1:]] = _normalize_value(name, value)
            if how == "@" and value is not None:
                kept[name] = value
        made = self.factory(**handed)
        for name, value in kept.items():
            object.__setattr__(made, name, value)
        return made

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.__signature__.bind(*args, **kwargs).arguments
        except TypeError as error:
            unknown = {
                name: value for name, value in kwargs.items() if name not in self.parameter_rules
            }
            fix = " ".join(
                PARAMETER_HINTS[name] for name in unknown if name in PARAMETER_HINTS
            ) or ("" if unknown else f"Python says: {error}.")
            raise ConfigError(
                message(
                    self.name,
                    "no parameters but Keras's: " + ", ".join(self.__signature__.parameters),
                    fix=fix,
                    **unknown,
                )
            ) from None

    def __instancecheck__(self, thing: Any) -> bool:
        return isinstance(
            _unwrap_layer(thing), self.factory if self.instance_type is None else self.instance_type
        )

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        fix = "Subclass keras.layers.Layer or keras.callbacks.Callback, or hold one of these inside your own class."
        raise ConfigError(message(self.name, "nothing to be derived from it", fix=fix))

    def __repr__(self) -> str:
        return f"{self.name}{self.__signature__}"


@dataclass(frozen=True)
class Unsupported:
    """A name that stands for a way of working that glassnet does not have: `isinstance` may ask
    about it, and a base may be offered.

    Args:
        name: Keras's.
        expected: what goes instead.
        fix: how that is written.
        instance_type: what `isinstance` goes by.
        base: what a class that names it as its base is derived from; None refuses that too.
    """

    name: str
    expected: str
    fix: str
    instance_type: type
    base: type | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ConfigError(message(self.name, self.expected, fix=self.fix))

    def __instancecheck__(self, thing: Any) -> bool:
        return isinstance(_unwrap_layer(thing), self.instance_type)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self.base,) if self.base else self()


class SubclassGuard:
    """What a user's own layer, loss or metric is derived from too: it says so where Keras's way of
    writing one is met.
    """

    _expected: ClassVar[str]
    _keras_methods: ClassVar[tuple[str, ...]]
    _fix: ClassVar[str]

    def __init_subclass__(cls) -> None:
        found = [method for method in cls._keras_methods if method in vars(cls)]
        require(not found, cls.__name__, cls._expected, methods=found, fix=cls._fix)
        super().__init_subclass__()


@dataclass(frozen=True)
class FunctionAlias:
    """A loss or metric in lower case: called on targets and predictions, a number per row;
    `compile` takes what `alias` makes for it.

    Args:
        alias: makes the loss or the metric.
        compute: (loss or metric, targets, predictions) to the numbers.
    """

    alias: KerasAlias
    compute: Callable[[Any, Any, Any], Any]

    def __call__(self, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
        return self.compute(self.alias(*args, **kwargs), y_true, y_pred)


def export_aliases(
    module: str, entries: Mapping[str, Any]
) -> tuple[list[str], Callable[[str], Any]]:
    """A module's `__all__` and `__getattr__` from its rows: the tuple (make, line, kind) becomes a
    `KerasAlias`, all else stays as it is.
    """
    made = {
        name: KerasAlias(name, *row) if isinstance(row, tuple) else row
        for name, row in entries.items()
    }

    def find(name: str) -> Any:
        if name in made:
            return made[name]
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        near = difflib.get_close_matches(name, made, n=3, cutoff=0.5)
        others = f"Near it: {', '.join(near)}." if near else f"There are: {', '.join(made)}."
        fix = NAME_HINTS.get(name, others)
        raise NotHereError(message(module, "a name that glassnet has (yet)", name=name, fix=fix))

    return list(made), find


def register_module(name: str, doc: str, entries: Mapping[str, Any]) -> ModuleType:
    """A module without a file of its own, for `import` to find: a few names, or one that no file of
    ours may have.
    """
    module = ModuleType(name, doc)
    module.__all__, module.__getattr__ = export_aliases(name, entries)  # type: ignore[attr-defined, method-assign]
    sys.modules[name] = module
    return module


STRING_ALIASES = {
    "normal": "random_normal",
    "one": "ones",
    "swish": "silu",
    "uniform": "random_uniform",
    "zero": "zeros",
}
"""Strings of Keras's that are others here."""


def _normalize_value(name: str, value: Any) -> Any:
    """A class in place of an object, "HeNormal" for "he_normal", an activation layer for its
    function, as Keras lets one write them.
    """
    if value is None and name.endswith("_initializer"):
        return "glorot_uniform"
    if isinstance(value, str) and name.endswith(("_initializer", "_regularizer")):
        value = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value).lower()
    if name == "padding" and isinstance(value, str):
        return value.lower()
    if name == "activation":
        value = value() if isinstance(value, KerasAlias) else value
        value = value.activation if isinstance(value, Activation) else value
    if isinstance(value, str) and name.endswith(("_initializer", "activation")):
        return STRING_ALIASES.get(value, value)
    return value() if isinstance(value, KerasAlias) else value


def _unwrap_layer(thing: Any) -> Any:
    """The layer of a view of one; anything else itself."""
    return thing if isinstance(thing, Layer) else getattr(thing, "layer", thing)


def _parse_values(how: str) -> list[Any]:
    return [ast.literal_eval(text) for text in how[1:].split("|")]


def _is_same(value: Any, only: Any) -> bool:
    try:
        return value is only or bool(value == only)
    except (TypeError, ValueError):
        return False
