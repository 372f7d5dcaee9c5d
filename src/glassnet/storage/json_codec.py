"""Encode numbers, text, tuples, dicts and known dataclasses as plain JSON, and decode them.

A dataclass is written under a name from a fixed table. The decoder checks each value against the
annotated type; the error for an unknown field, a missing field or a wrong type names its location.
No name is ever imported, joined into a path or evaluated.
"""

from __future__ import annotations

import collections.abc
import functools
import json
import math
import re
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.activations import ParametricActivation
from glassnet.errors import GlassnetError, ModelFileError, message

MAX_DEPTH, MAX_TEXT_LENGTH, MAX_DIGITS = 64, 10_000, 40
"""Limits: nesting depth, characters of a text, digits of an integer (a seed may have 128 bits)."""

SPECIAL_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""Numbers that JSON does not support, written like {"float": "nan"}."""

NUMBER_TYPES: dict[Any, set[type]] = {int: {int}, float: {int, float}}
"""Types allowed in a list of numbers, so that a long history is checked in one go."""

SHORT_REPR = reprlib.Repr()
"""Truncated repr for error messages."""
SHORT_REPR.maxstring = SHORT_REPR.maxother = 80

RESERVED_KEYS = ("is", "function", "float")
"""Keys that mark an encoded dataclass, function or number; dicts must not contain them."""

TYPE_WORDS = {
    type(None): "nothing",
    bool: "True or False",
    int: "an integer",
    float: "a number",
    str: "text",
    tuple: "a list",
    dict: "an object",
    collections.abc.Callable: "a function",
}
"""Words for JSON types in error messages."""

CLASS_WORDS = {"ModelSpec": "model", "HistoryData": "history", "RunInfo": "run"}
"""Words for classes in error messages, if they differ from the lower-case class name."""


class Tag(NamedTuple):
    """Name of a dataclass and of its fields in a file.

    Attributes:
        name: name of the class in a file.
        kind: the class.
        keys: keys of the fields, separated by spaces; `key=field` if key and field differ. A key
            that ends in "?" is only written if the field differs from its default, so that files
            of earlier releases, which lack it, can be read.
    """

    name: str
    kind: type
    keys: str

    def fields(self) -> Mapping[str, str]:
        """Return the field name of each key."""
        return _parse_keys(self.keys)

    def optional_keys(self) -> frozenset[str]:
        """Return the keys that a file may lack."""
        return frozenset(word[:-1] for word in self.keys.split() if word.endswith("?"))


@functools.cache
def _parse_keys(keys: str) -> Mapping[str, str]:
    pairs = (word.partition("=") for word in keys.replace("?", "").split())
    return types.MappingProxyType({key: field or key for key, _, field in pairs})


def custom_tag(kind: type) -> Tag:
    """Return the tag of a custom dataclass."""
    return Tag(f"custom/{kind.__name__}", kind, " ".join(config_fields(kind)))


def dumps(value: Any, tags: Mapping[type, Tag], where: str = "model") -> str:
    """Encode a value as strict JSON.

    Args:
        value: value to encode.
        tags: tags of the known dataclasses; any other is written as custom/ and its class name.
        where: start of the location in error messages.

    Raises:
        ModelFileError: the value contains something that cannot be encoded, such as a lambda, an
            array or an arbitrary object; the message names its location.
    """
    return json.dumps(_Writer(tags).to_plain(value, where), allow_nan=False, separators=(",", ":"))


def find_custom_objects(value: Any, tags: Mapping[type, Tag]) -> dict[str, Any]:
    """Return the custom classes and functions in a value, by name; decoding the value needs them.

    See `dumps`.
    """
    writer = _Writer(tags)
    writer.to_plain(value, "model")
    return writer.custom_objects


class _Writer:
    """Encoder whose `custom_objects` collects the custom classes and functions by name."""

    def __init__(self, tags: Mapping[type, Tag]):
        self.tags, self.custom_objects = tags, dict[str, Any]()

    def to_plain(self, value: Any, where: str, depth: int = 0) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        _check_limits(value, where, depth)
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": str(value)}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if type(value) in (list, tuple):
            return [self.to_plain(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
        if isinstance(value, Mapping):
            valid = all(isinstance(key, str) and key not in RESERVED_KEYS for key in value)
            expected = f"string keys other than {', '.join(RESERVED_KEYS)}"
            _expect(valid, where, expected, list(value))
            return {
                key: self.to_plain(item, f"{where}.{_truncate(key)}", depth + 1)
                for key, item in value.items()
            }
        if is_dataclass(value) and not isinstance(value, type):
            return self._dataclass_to_plain(value, where, depth)
        name = str(getattr(value, "__name__", ""))
        if callable(value) and name.isidentifier():
            return {"function": self._custom_name(value, where)}
        fix = "Use a named function (def) and load it with custom_objects={name: function}."
        text = message(
            where,
            "something that can be saved",
            type=type(value).__name__,
            name=name,
            fix=fix if callable(value) else "",
        )
        raise ModelFileError(text)

    def _dataclass_to_plain(self, value: Any, where: str, depth: int) -> dict[str, Any]:
        kind = type(value)
        if (tag := self.tags.get(kind)) is None:
            self._custom_name(kind, where)
            tag = custom_tag(kind)
        defaults = {field.name: field.default for field in fields(kind)}
        optional = tag.optional_keys()
        return {"is": tag.name} | {
            key: self.to_plain(getattr(value, field), f"{where}.{key}", depth + 1)
            for key, field in tag.fields().items()
            if key not in optional or getattr(value, field) != defaults[field]
        }

    def _custom_name(self, value: Any, where: str) -> str:
        name: str = value.__name__
        unique = self.custom_objects.setdefault(name, value) is value
        _expect(unique, where, "a unique name for each custom class and function", name)
        return name


def config_fields(kind: type) -> tuple[str, ...]:
    """Return the names of a dataclass's configuration fields.

    Fields with neither `compare` nor `repr` hold learned values and are left out.
    """
    return tuple(
        field.name for field in fields(kind) if field.init and (field.compare or field.repr)
    )


def loads(text: str) -> Any:
    """Parse strict JSON.

    Raises:
        ModelFileError: the text is not strict JSON, or an object contains a name twice.
    """
    try:
        return json.loads(
            text,
            parse_constant=_reject_constant,
            parse_int=_parse_int,
            parse_float=_parse_float,
            object_pairs_hook=_parse_object,
        )
    except (ValueError, RecursionError) as error:
        raise ModelFileError(message("model", "strict JSON", problem=str(error)[:100])) from error


class Reader:
    """Decoder of values that `dumps` wrote.

    Args:
        tags: the allowed tags, by name.
        custom_objects: custom classes and functions, by name.
    """

    def __init__(self, tags: Mapping[str, Tag], custom_objects: Mapping[str, Any]):
        classes = {
            name: kind
            for name, kind in custom_objects.items()
            if isinstance(kind, type) and is_dataclass(kind)
        }
        self.tags = dict(tags) | {
            f"custom/{name}": custom_tag(kind) for name, kind in classes.items()
        }
        self.functions = {
            name: value
            for name, value in custom_objects.items()
            if name not in classes and callable(value)
        }

    def read(self, plain: Any, expected: Any, where: str = "model", depth: int = 0) -> Any:
        """Decode plain JSON into a value of type `expected`.

        Raises:
            ModelFileError: the JSON stands for a value of another type.
        """
        _check_limits(plain, where, depth)
        kind = self._resolve_type(plain, where)
        is_union = typing.get_origin(expected) in (typing.Union, types.UnionType)
        choices = typing.get_args(expected) if is_union else (expected,)
        match = next((choice for choice in choices if _is_compatible(kind, choice)), None)
        if match is None:
            _expect(False, where, " or ".join(map(_type_name, choices)), plain)
        arguments, default = typing.get_args(match), object if match is object else Any
        if kind is list:
            return self._read_tuple(plain, arguments or (default, ...), where, depth)
        if kind is Callable:
            return self.functions[plain["function"]]
        if isinstance(kind, type) and is_dataclass(kind):
            return self._read_dataclass(plain, kind, where, depth)
        if kind is dict:
            item_type = arguments[1] if arguments else default
            return {
                key: self.read(item, item_type, f"{where}.{_truncate(key)}", depth + 1)
                for key, item in plain.items()
            }
        return plain

    def _resolve_type(self, plain: Any, where: str) -> Any:
        """Return the type that plain JSON stands for; `Callable` for a function."""
        if not isinstance(plain, dict):
            return type(plain)
        if not plain.keys() & set(RESERVED_KEYS):
            return dict
        name: Any = plain.get("is", plain.get("function"))
        _expect(isinstance(name, str), where, "the name of a class or a function", plain)
        custom_name = _truncate(name.removeprefix("custom/"))
        fix = f"Pass custom_objects={{{custom_name!r}: ...}}."
        if "is" in plain:
            fix = fix if name.startswith("custom/") else ""
            _expect(name in self.tags, where, "a known class", name, fix)
            return self.tags[name].kind
        known = name in self.functions and len(plain) == 1
        _expect(known, where, "a function in custom_objects", name, fix)
        return Callable

    def _read_tuple(
        self, plain: Any, kinds: tuple[Any, ...], where: str, depth: int
    ) -> tuple[Any, ...]:
        repeated = len(kinds) == 1 or kinds[1:] == (...,)
        _expect(repeated or len(plain) == len(kinds), where, f"{len(kinds)} values", plain)
        if repeated and {type(item) for item in plain} <= NUMBER_TYPES.get(kinds[0], set()):
            return tuple(plain)
        each = [kinds[0]] * len(plain) if repeated else kinds
        return tuple(
            self.read(item, kind, f"{where}[{i}]", depth + 1)
            for i, (item, kind) in enumerate(zip(plain, each, strict=True))
        )

    def _read_dataclass(self, plain: Any, kind: type, where: str, depth: int) -> Any:
        tag, hints = self.tags[plain["is"]], _type_hints(kind)
        names, required = tag.fields(), tag.fields().keys() - tag.optional_keys()
        items = {key: value for key, value in plain.items() if key != "is"}
        unknown, missing = sorted(items.keys() - set(names)), sorted(required - items.keys())
        who = f"{where} ({_truncate(plain['is'])})"
        _expect(not unknown, who, "only the fields " + ", ".join(names), unknown)
        _expect(not missing, who, "all fields", {"missing": missing})
        values = {
            names[key]: self.read(value, hints[names[key]], f"{where}.{key}", depth + 1)
            for key, value in items.items()
        }
        try:
            return kind(**values)
        except ModelFileError:
            raise
        except (GlassnetError, TypeError, ValueError) as error:
            raise ModelFileError(f"{where}: {str(error)[:400]}") from error


def _is_compatible(kind: Any, expected: Any) -> bool:
    """Return whether a value of type `kind` is valid for the annotation `expected`."""
    expected = typing.get_origin(expected) or expected
    if expected is object:
        return True
    if expected is Any or not isinstance(expected, type):
        return kind is not dict
    if kind is Callable or expected is collections.abc.Callable:
        is_function = kind is Callable or kind is ParametricActivation
        return is_function and expected is collections.abc.Callable
    if kind is list:
        return expected in (tuple, list, collections.abc.Sequence)
    if kind is int and expected is float:
        return True
    return kind is expected or (
        isinstance(kind, type) and is_dataclass(kind) and issubclass(kind, expected)
    )


def _type_name(kind: Any) -> str:
    """Return the words for a type in an error message, such as "a layer" for `Layer`."""
    kind = typing.get_origin(kind) or kind
    if kind in TYPE_WORDS:
        return TYPE_WORDS[kind]
    name = getattr(kind, "__name__", str(kind))
    if not getattr(kind, "__module__", "").startswith("glassnet."):
        return f"a value of type {name}"
    word = CLASS_WORDS.get(name) or re.sub(r"\B(?=[A-Z])", " ", name).lower()
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _check_limits(value: Any, where: str, depth: int) -> None:
    _expect(depth <= MAX_DEPTH, where, f"values nested at most {MAX_DEPTH} deep", value)
    _expect(
        not isinstance(value, str) or len(value) <= MAX_TEXT_LENGTH,
        where,
        f"text of at most {MAX_TEXT_LENGTH:,} characters",
        value,
    )
    _expect(
        type(value) is not int or abs(value) < 10**MAX_DIGITS,
        where,
        f"integers of at most {MAX_DIGITS} digits",
        "more",
    )


def _expect(ok: bool, where: str, expected: str, received: Any, fix: str = "") -> None:
    if not ok:
        raise ModelFileError(
            f"{message(where, expected)} Received: {SHORT_REPR.repr(received)}."
            + f" {fix}" * bool(fix)
        )


def _truncate(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "..."


@functools.cache
def _type_hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except NameError:  # a custom class defined inside a function
        return dict.fromkeys(config_fields(kind), Any)


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is not valid JSON")


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS + 1:
        raise ValueError(f"an integer of more than {MAX_DIGITS} digits")
    return int(digits)


def _parse_float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits[:20]} is out of range for float64")
    return number


def _parse_object(pairs: list[tuple[str, Any]]) -> Any:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        raise ValueError("an object contains a name twice")
    if plain.keys() == {"float"}:
        if plain["float"] not in list(SPECIAL_FLOATS):
            raise ValueError("float must be nan, inf or -inf")
        return SPECIAL_FLOATS[plain["float"]]
    return plain
