"""Aliases with Keras's names and parameters for Glassnet's parts.

The modules of this package are tables: a row has a factory and a line of parameters, and becomes a
callable with Keras's parameters in Keras's order. The notation of a parameter is:

    units                    passed to the factory
    units!                   passed to the factory, and required
    function>activation      passed under another name
    axis=-1                  must have this value; dtype=None|'float32' allows two values
    name~                    accepted and ignored
    input_shape@             stored on the object, for `keras.Sequential` to read
    *                        the following parameters are keyword-only
"""

from __future__ import annotations

import ast
import difflib
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Any, ClassVar

from glassnet.errors import ConfigError, message, require, suggest
from glassnet.keras.hints import NAME_HINTS, PARAMETER_HINTS
from glassnet.keras.missing_names import (
    MissingName,
    NotHereError,
    is_public_name,
    keras_path,
    list_former_modules,
    list_missing_modules,
)
from glassnet.layers import Activation, Layer


@dataclass(frozen=True)
class KerasAlias:
    """A name of Keras: calling it makes glassnet's object; `isinstance` works with it too.

    Args:
        name: the name in Keras.
        factory: makes the object.
        signature_spec: Keras's parameters, in the notation of this module's docstring.
        instance_type: the type for `isinstance`; None for `factory`.
    """

    name: str
    factory: Any
    signature_spec: str = ""
    instance_type: Any = None

    @cached_property
    def parameter_rules(self) -> dict[str, str]:
        """The rule of each parameter: the rest of its word. The star has an empty name."""
        rules: dict[str, str] = {}
        for word in self.signature_spec.split():
            name = re.match(r"\w*", word)[0]  # type: ignore[index]
            rules[name] = word[len(name) :].removesuffix("!") or f">{name}"
        return rules

    @cached_property
    def __signature__(self) -> inspect.Signature:
        """Keras's parameters in Keras's order, with the defaults of `factory`."""
        factory_parameters = inspect.signature(self.factory).parameters
        required = {
            re.split(r"\W", word)[0] for word in self.signature_spec.split() if word.endswith("!")
        }
        parameters, kind = [], inspect.Parameter.POSITIONAL_OR_KEYWORD
        for name, rule in self.parameter_rules.items():
            if rule == "*":
                kind = inspect.Parameter.KEYWORD_ONLY  # type: ignore[assignment]
                continue
            parameter = factory_parameters.get(rule[1:])
            default = parameter.default if parameter else None
            if name in required:
                default = inspect.Parameter.empty
            if rule[0] == "=":
                default = _parse_values(rule)[0]
            parameters.append(inspect.Parameter(name, kind, default=default))
        return inspect.Signature(parameters)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        arguments, attributes = self.split_arguments(args, kwargs)
        part = self.factory(**arguments)
        for name, value in attributes.items():
            object.__setattr__(part, name, value)
        return part

    def split_arguments(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the arguments of the factory, and the values that are stored on the object.

        Raises:
            ConfigError: a parameter that Keras does not have, or a value that is not supported.
        """
        arguments, attributes = {}, {}
        for name, value in self._bind(args, kwargs).items():
            rule = self.parameter_rules[name]
            if rule[0] == "=":
                self._check_value(name, value, _parse_values(rule))
            elif rule[0] == ">" and (name, value) != ("name", None):
                arguments[rule[1:]] = _normalize_value(name, value)
            elif rule == "@" and value is not None:
                attributes[name] = value
        return arguments, attributes

    def _check_value(self, name: str, value: Any, allowed: list[Any]) -> None:
        choices = " or ".join(f"{name}={choice!r}" for choice in allowed)
        require(
            any(_is_same(value, choice) for choice in allowed),
            self.name,
            f"{choices} (no other value is supported)",
            fix=PARAMETER_HINTS.get(name, ""),
            **{name: value},
        )

    def _bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            return self.__signature__.bind(*args, **kwargs).arguments
        except TypeError as error:
            unknown = {
                name: value for name, value in kwargs.items() if name not in self.parameter_rules
            }
            fix = " ".join(
                PARAMETER_HINTS.get(name, suggest(name, self.parameter_rules).strip())
                for name in unknown
            ).strip()
            if not unknown:
                fix = f"Cause: {error}."
            expected = "Keras's parameters: " + ", ".join(self.__signature__.parameters)
            raise ConfigError(message(self.name, expected, fix=fix, **unknown)) from None

    def __instancecheck__(self, value: Any) -> bool:
        instance_type = self.factory if self.instance_type is None else self.instance_type
        return isinstance(_unwrap_layer(value), instance_type)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        fix = (
            "Subclass keras.layers.Layer or keras.callbacks.Callback, or use one of these inside "
            "your own class."
        )
        raise ConfigError(message(self.name, "no subclass of it", fix=fix))

    def __repr__(self) -> str:
        return f"{self.name}{self.__signature__}"


@dataclass(frozen=True)
class Unsupported:
    """A class of Keras that cannot be made here, but works in `isinstance` and maybe as a base.

    Args:
        name: the name in Keras.
        expected: what to use instead.
        fix: how to write that.
        instance_type: the type for `isinstance`, or several.
        base: the base class of classes that name this one as their base; None refuses them.
    """

    name: str
    expected: str
    fix: str
    instance_type: type | tuple[type, ...]
    base: type | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise ConfigError(message(self.name, self.expected, fix=self.fix))

    def __instancecheck__(self, value: Any) -> bool:
        return isinstance(_unwrap_layer(value), self.instance_type)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return (self.base,) if self.base else self()


class SubclassGuard:
    """Mixin for base classes of user-defined parts that refuses Keras's way of writing them."""

    _expected: ClassVar[str]
    _keras_methods: ClassVar[tuple[str, ...]]
    _fix: ClassVar[str]

    def __init_subclass__(cls) -> None:
        methods = [method for method in cls._keras_methods if method in vars(cls)]
        require(not methods, cls.__name__, cls._expected, methods=methods, fix=cls._fix)
        super().__init_subclass__()


@dataclass(frozen=True)
class FunctionAlias:
    """A loss or metric function of Keras: (targets, predictions) to a number per row.

    `compile` uses the loss or metric that `alias` makes.

    Args:
        alias: makes the loss or the metric.
        compute: (loss or metric, targets, predictions) to the numbers.
    """

    alias: KerasAlias
    compute: Callable[[Any, Any, Any], Any]

    def __call__(self, y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> Any:
        return self.compute(self.alias(*args, **kwargs), y_true, y_pred)


def export_aliases(
    module: str, entries: Mapping[str, Any], alias_type: type[KerasAlias] = KerasAlias
) -> tuple[list[str], Callable[[str], Any]]:
    """Return `__all__` and `__getattr__` for a module with these entries.

    A tuple (factory, signature_spec, instance_type) becomes an alias of `alias_type`.
    Everything else is exported unchanged. `dir` lists the entries alone. A name that only Keras has
    is a `MissingName`.
    """
    exports = {
        name: alias_type(name, *entry) if isinstance(entry, tuple) else entry
        for name, entry in entries.items()
    }

    def find(name: str) -> Any:
        if name in exports:
            return exports[name]
        if name.startswith("_"):
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        if submodule := sys.modules.get(f"{module}.{name}"):
            return submodule
        text = _describe_missing(module, name, exports)
        if is_public_name(module, name):
            return MissingName(f"{module}.{name}", text)
        raise NotHereError(text)

    if module in sys.modules:
        vars(sys.modules[module])["__dir__"] = lambda: sorted(exports)
    _register_missing_modules(module, exports, find)
    return list(exports), find


def _describe_missing(module: str, name: str, exports: Iterable[str]) -> str:
    similar = difflib.get_close_matches(name, exports, n=3, cutoff=0.5)
    label, names = ("Similar names", similar) if similar else ("Available", list(exports))
    fix = f"{label}: {', '.join(names)}." if names else ""
    parents = keras_path(module).split(".")
    fix = next((NAME_HINTS[each] for each in (name, *parents) if each in NAME_HINTS), fix)
    return message(module, "a name that Glassnet has (yet)", name=name, fix=fix)


def _register_missing_modules(
    module: str, exports: Mapping[str, Any], find: Callable[[str], Any]
) -> None:
    """Make modules of Keras importable that have no file in Glassnet.

    Former modules have the names of `module`, which `find` returns.
    """
    for name in list_former_modules(module):
        former = ModuleType(f"{module}.{name}", f"Names of {module}, at their place in Keras 2.")
        former.__getattr__ = find  # type: ignore[method-assign]
        sys.modules.setdefault(former.__name__, former)
    for name in list_missing_modules(module):
        if name not in exports and f"{module}.{name}" not in sys.modules:
            register_module(f"{module}.{name}", f"Keras's module {name}.", {})


def make_get(module: str, fallback: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return Keras's `get` of a module, which finds a part by its name.

    Args:
        module: name of the module.
        fallback: resolves a name in lower case, and refuses what is no part.
    """

    def get(identifier: Any) -> Any:
        """Return the part of that name; a class is called, and a part or function returned.

        A dict has the name as "class_name" and the arguments as "config".

        Raises:
            ConfigError: an unknown name, or neither a name nor a part.
        """
        if identifier is None:
            return None
        config: dict[str, Any] = {}
        if isinstance(identifier, Mapping) and isinstance(identifier.get("class_name"), str):
            identifier, config = identifier["class_name"], dict(identifier.get("config") or {})
        if isinstance(identifier, str):
            names = sys.modules[module]
            if identifier not in names.__all__:
                return fallback(identifier.lower())
            identifier = getattr(names, identifier)
        if isinstance(identifier, KerasAlias):
            return identifier(**config)
        if isinstance(identifier, MissingName):
            identifier()
        is_module = isinstance(identifier, ModuleType)
        is_function = callable(identifier) and not isinstance(identifier, type) and not is_module
        return identifier if is_function else fallback(identifier)

    get.__module__ = module
    return get


def register_module(name: str, doc: str, entries: Mapping[str, Any]) -> ModuleType:
    """Make an importable module without a file: for a few names, or a name no file may have."""
    module = sys.modules[name] = ModuleType(name, doc)
    module.__all__, module.__getattr__ = export_aliases(name, entries)  # type: ignore[attr-defined, method-assign]
    return module


STRING_ALIASES = {
    "hard_swish": "hard_silu",
    "normal": "random_normal",
    "one": "ones",
    "swish": "silu",
    "uniform": "random_uniform",
    "zero": "zeros",
}
"""Strings of Keras with another name in glassnet."""


def _normalize_value(name: str, value: Any) -> Any:
    """Return the value in Glassnet's form.

    Keras also accepts a class instead of an object, "HeNormal" for "he_normal", and an activation
    layer instead of a function.
    """
    value = getattr(value, "glassnet_layer", value)
    if value is None and name.endswith("_initializer"):
        return "glorot_uniform"
    if isinstance(value, str) and name.endswith(("_initializer", "_regularizer", "_constraint")):
        value = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", value).lower()
    if name == "padding" and isinstance(value, str):
        return value.lower()
    if name == "activation":
        value = value() if isinstance(value, KerasAlias) else value
        value = getattr(value, "glassnet_layer", value)
        value = value.activation if isinstance(value, Activation) else value
        require_function(value)
    if isinstance(value, str) and name.endswith(("_initializer", "activation")):
        return STRING_ALIASES.get(value, value)
    return value() if isinstance(value, KerasAlias) else value


def require_function(activation: Any) -> None:
    """Refuse a layer with weights as an activation.

    Raises:
        ConfigError: `activation` is a layer of Glassnet, such as PReLU.
    """
    kind = type(activation).__name__
    fix = f"Write {kind}() as the next layer."
    is_function = not isinstance(activation, Layer)
    expected = "a name, a function, or a layer without weights such as LeakyReLU"
    require(is_function, "activation", expected, activation=kind, fix=fix)


def _unwrap_layer(value: Any) -> Any:
    """Return the layer of Glassnet of a layer; any other value is returned unchanged."""
    value = getattr(value, "glassnet_layer", value)
    return value if isinstance(value, Layer) else getattr(value, "layer", value)


def _parse_values(rule: str) -> list[Any]:
    return [ast.literal_eval(text) for text in rule[1:].split("|")]


def _is_same(value: Any, other: Any) -> bool:
    try:
        return value is other or bool(value == other)
    except (TypeError, ValueError):
        return False
