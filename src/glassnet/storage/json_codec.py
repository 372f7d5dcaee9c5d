"""Values to plain JSON and back: numbers, text, tuples, dicts, and dataclasses by a name that a
fixed table knows. Nothing else.

What is read is checked against the type that it is read into: an unknown field, a missing one, or a
    value of another kind is an
error that says where. No name is ever imported, joined into a path or evaluated.
"""

from __future__ import annotations

import collections.abc
import functools
import json
import math
import reprlib
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import numpy as np

from glassnet.errors import GlassnetError, ModelFileError, message

MAX_DEPTH, MAX_TEXT_LENGTH, MAX_DIGITS = 64, 10_000, 40
"""Limits: how deep values nest, characters of a text, digits of a whole number (a seed may have 128
bits).
"""

SPECIAL_FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""Numbers that JSON has no word for, written as {"float": "nan"}."""

NUMBER_TYPES: dict[Any, set[type]] = {int: {int}, float: {int, float}}
"""What lists of numbers hold: a history of 100,000 epochs is taken as it is, not number by
number.
"""

SHORT_REPR = reprlib.Repr()
"""Says what was received, be it ever so long or deep."""
SHORT_REPR.maxstring = SHORT_REPR.maxother = 80

RESERVED_KEYS = ("is", "function", "float")
"""Keys that say what an object stands for; no other object has them."""


class Tag(NamedTuple):
    """How a file names a dataclass.

    Attributes:
        name: of the class.
        kind: the class.
        keys: of its fields, separated by spaces; `key=field` if the field has another name than its
            key.
    """

    name: str
    kind: type
    keys: str

    def fields(self) -> dict[str, str]:
        """The fields by their keys."""
        pairs = (word.partition("=") for word in self.keys.split())
        return {key: field or key for key, _, field in pairs}


def custom_tag(kind: type) -> Tag:
    """How a file names a dataclass of the user's own."""
    return Tag(f"custom/{kind.__name__}", kind, " ".join(config_fields(kind)))


def dumps(value: Any, tags: Mapping[type, Tag], where: str = "model") -> str:
    """A value as strict JSON.

    Args:
        value: to be written.
        tags: of the dataclasses that are known; another is written as custom/ and its own name.
        where: what an error begins with.

    Raises:
        ModelFileError: something in it cannot be written: a lambda, an array, an object; where it
            is, is said.
    """
    return json.dumps(_Writer(tags).to_plain(value, where), allow_nan=False, separators=(",", ":"))


def find_custom_objects(value: Any, tags: Mapping[type, Tag]) -> dict[str, Any]:
    """The classes and functions of the user's own in a value, by name: the custom objects that
    reading it takes. See `dumps`.
    """
    writer = _Writer(tags)
    writer.to_plain(value, "model")
    return writer.custom_objects


class _Writer:
    """Makes plain what `Reader` reads; `collect_custom_objects` holds the user's own classes and
    functions by name, one of a name.
    """

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
            allowed = all(isinstance(key, str) and key not in RESERVED_KEYS for key in value)
            _expect(
                allowed, where, f"keys of text, other than {', '.join(RESERVED_KEYS)}", list(value)
            )
            return {
                key: self.to_plain(item, f"{where}.{_truncate(key)}", depth + 1)
                for key, item in value.items()
            }
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            if (tag := self.tags.get(kind)) is None:
                self._custom_name(kind, where)
                tag = custom_tag(kind)
            return {"is": tag.name} | {
                key: self.to_plain(getattr(value, field), f"{where}.{key}", depth + 1)
                for key, field in tag.fields().items()
            }
        if callable(value) and str(getattr(value, "__name__", "")).isidentifier():
            return {"function": self._custom_name(value, where)}
        fix = (
            "Write a function with def and a name; load it with custom_objects={name: function}."
            if callable(value)
            else ""
        )
        name = getattr(value, "__name__", "")
        raise ModelFileError(
            message(
                where, "something that can be saved", kind=type(value).__name__, name=name, fix=fix
            )
        )

    def _custom_name(self, value: Any, where: str) -> str:
        other = self.custom_objects.setdefault(value.__name__, value)
        _expect(
            other is value,
            where,
            "a name of its own for every class and function of yours",
            value.__name__,
        )
        return value.__name__


def config_fields(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that say what it is: not those that it neither compares nor shows,
    which hold what was learned.
    """
    return tuple(
        field.name for field in fields(kind) if field.init and (field.compare or field.repr)
    )


def loads(text: str) -> Any:
    """The plain value of a strict JSON text.

    Raises:
        ModelFileError: it is none; a name stands twice in one object.
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
    """Reads what `dumps` wrote.

    Args:
        tags: the tags that may occur, by name.
        custom_objects: classes and functions of the user's own, by their names.
    """

    def __init__(self, tags: Mapping[str, Tag], custom_objects: Mapping[str, Any]):
        own = {
            name: kind
            for name, kind in custom_objects.items()
            if isinstance(kind, type) and is_dataclass(kind)
        }
        self.tags = dict(tags) | {f"custom/{name}": custom_tag(kind) for name, kind in own.items()}
        self.functions = {
            name: value
            for name, value in custom_objects.items()
            if name not in own and callable(value)
        }

    def read(self, plain: Any, expected: Any, where: str = "model", depth: int = 0) -> Any:
        """The value of type `expected` that plain JSON stands for.

        Raises:
            ModelFileError: it is another; `where` begins the message.
        """
        _check_limits(plain, where, depth)
        found = self._resolve_type(plain, where)
        kinds = (
            typing.get_args(expected)
            if typing.get_origin(expected) in (typing.Union, types.UnionType)
            else (expected,)
        )
        fitting = next((one for one in kinds if _is_compatible(found, one)), None)
        if fitting is None:
            _expect(False, where, " or ".join(map(_type_name, kinds)), plain)
        arguments, other = typing.get_args(fitting), object if fitting is object else Any
        if found is list:
            return self._read_tuple(plain, arguments or (other, ...), where, depth)
        if found is Callable:
            return self.functions[plain["function"]]
        if isinstance(found, type) and is_dataclass(found):
            return self._read_dataclass(plain, found, where, depth)
        if found is dict:
            of = arguments[1] if arguments else other
            return {
                key: self.read(item, of, f"{where}.{_truncate(key)}", depth + 1)
                for key, item in plain.items()
            }
        return plain

    def _resolve_type(self, plain: Any, where: str) -> Any:
        """The type of the value that plain JSON stands for: Callable for a function's name, a
        dataclass for a part.
        """
        if not isinstance(plain, dict):
            return type(plain)
        if not plain.keys() & set(RESERVED_KEYS):
            return dict
        name: Any = plain.get("is", plain.get("function"))
        _expect(isinstance(name, str), where, "the name of a part or a function", plain)
        if "is" in plain:
            own = name.removeprefix("custom/")
            fix = (
                f"Pass custom_objects={{{_truncate(own)!r}: ...}}, the class."
                if own != name
                else ""
            )
            _expect(name in self.tags, where, "a part that is known here", name, fix)
            return self.tags[name].kind
        fix = f"Pass custom_objects={{{_truncate(name)!r}: ...}}."
        _expect(
            name in self.functions and len(plain) == 1,
            where,
            "a function that was given",
            name,
            fix,
        )
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
        names, hints = self.tags[plain["is"]].fields(), _type_hints(kind)
        given = {key: value for key, value in plain.items() if key != "is"}
        strange, missing = sorted(given.keys() - set(names)), sorted(set(names) - given.keys())
        who = f"{where} ({_truncate(plain['is'])})"
        _expect(not strange, who, "no other fields than " + ", ".join(names), strange)
        _expect(not missing, who, "all fields", {"missing": missing})
        values = {
            names[key]: self.read(value, hints[names[key]], f"{where}.{key}", depth + 1)
            for key, value in given.items()
        }
        try:
            return kind(**values)
        except ModelFileError:
            raise
        except (GlassnetError, TypeError, ValueError) as error:
            raise ModelFileError(f"{where}: {str(error)[:400]}") from error


def _is_compatible(found: Any, expected: Any) -> bool:
    """Whether a value of type `found` may stand where `expected` is expected."""
    expected = typing.get_origin(expected) or expected
    if expected is object:
        return True
    if expected is Any or not isinstance(expected, type):
        return found is not dict
    if found is Callable or expected is collections.abc.Callable:
        return found is Callable and expected is collections.abc.Callable
    if found is list:
        return expected in (tuple, list, collections.abc.Sequence)
    if found is int and expected is float:
        return True
    return found is expected or (
        isinstance(found, type) and is_dataclass(found) and issubclass(found, expected)
    )


def _type_name(kind: Any) -> str:
    kind = typing.get_origin(kind) or kind
    words = {
        type(None): "nothing",
        tuple: "a list",
        dict: "an object",
        collections.abc.Callable: "a function",
        float: "a number",
    }
    return words.get(kind) or f"a value of type {getattr(kind, '__name__', kind)}"


def _check_limits(value: Any, where: str, depth: int) -> None:
    _expect(depth <= MAX_DEPTH, where, f"values nested {MAX_DEPTH} deep at most", value)
    _expect(
        not isinstance(value, str) or len(value) <= MAX_TEXT_LENGTH,
        where,
        f"texts of {MAX_TEXT_LENGTH:,} characters at most",
        value,
    )
    _expect(
        type(value) is not int or abs(value) < 10**MAX_DIGITS,
        where,
        f"whole numbers of {MAX_DIGITS} digits at most",
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
    except NameError:  # a class of the user's own, written inside a function
        return dict.fromkeys(config_fields(kind), Any)


def _reject_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _parse_int(digits: str) -> int:
    if len(digits) > MAX_DIGITS + 1:
        raise ValueError(f"a whole number of more than {MAX_DIGITS} digits")
    return int(digits)


def _parse_float(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits[:20]} is beyond float64")
    return number


def _parse_object(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    if found.keys() == {"float"}:
        if found["float"] not in list(SPECIAL_FLOATS):
            raise ValueError("float is a word for nan, inf and -inf alone")
        return SPECIAL_FLOATS[found["float"]]
    return found
