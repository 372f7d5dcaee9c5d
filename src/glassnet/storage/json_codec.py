"""Values to plain JSON and back: numbers, text, tuples, dicts, and dataclasses by a name that a fixed table knows. Nothing else.

What is read is checked against the type that it is read into: an unknown field, a missing one, or a value of another kind is an
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

DEPTH, LONGEST, DIGITS = 64, 10_000, 40
"""Limits: how deep values nest, characters of a text, digits of a whole number (a seed may have 128 bits)."""

WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
"""Numbers that JSON has no word for, written as {"float": "nan"}."""

NUMBERS: dict[Any, set[type]] = {int: {int}, float: {int, float}}
"""What lists of numbers hold: a history of 100,000 epochs is taken as it is, not number by number."""

SHOWN = reprlib.Repr()
"""Says what was received, be it ever so long or deep."""
SHOWN.maxstring = SHOWN.maxother = 80

RESERVED = ("is", "function", "float")
"""Keys that say what an object stands for; no other object has them."""


class Tag(NamedTuple):
    """How a file names a dataclass.

    Attributes:
        name: of the class.
        kind: the class.
        keys: of its fields, separated by spaces; `key=field` if the field has another name than its key.
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
    return Tag(f"custom/{kind.__name__}", kind, " ".join(settings(kind)))


def dumps(value: Any, tags: Mapping[type, Tag], where: str = "model") -> str:
    """A value as strict JSON.

    Args:
        value: to be written.
        tags: of the dataclasses that are known; another is written as custom/ and its own name.
        where: what an error begins with.

    Raises:
        ModelFileError: something in it cannot be written: a lambda, an array, an object; where it is, is said.
    """
    return json.dumps(_Writer(tags).plain(value, where), allow_nan=False, separators=(",", ":"))


def own(value: Any, tags: Mapping[type, Tag]) -> dict[str, Any]:
    """The classes and functions of the user's own in a value, by name: the custom objects that reading it takes. See `dumps`."""
    writer = _Writer(tags)
    writer.plain(value, "model")
    return writer.own


class _Writer:
    """Makes plain what `Reader` reads; `own` holds the user's own classes and functions by name, one of a name."""

    def __init__(self, tags: Mapping[type, Tag]):
        self.tags, self.own = tags, dict[str, Any]()

    def plain(self, value: Any, where: str, depth: int = 0) -> Any:
        if isinstance(value, np.generic):
            value = value.item()
        _limit(value, where, depth)
        if isinstance(value, float) and not math.isfinite(value):
            return {"float": str(value)}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if type(value) in (list, tuple):
            return [self.plain(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
        if isinstance(value, Mapping):
            allowed = all(isinstance(key, str) and key not in RESERVED for key in value)
            _expect(allowed, where, f"keys of text, other than {', '.join(RESERVED)}", list(value))
            return {key: self.plain(item, f"{where}.{_short(key)}", depth + 1) for key, item in value.items()}
        if is_dataclass(value) and not isinstance(value, type):
            kind = type(value)
            if (tag := self.tags.get(kind)) is None:
                self._called(kind, where)
                tag = custom_tag(kind)
            return {"is": tag.name} | {
                key: self.plain(getattr(value, field), f"{where}.{key}", depth + 1) for key, field in tag.fields().items()
            }
        if callable(value) and str(getattr(value, "__name__", "")).isidentifier():
            return {"function": self._called(value, where)}
        fix = "Write a function with def and a name; load it with custom_objects={name: function}." if callable(value) else ""
        name = getattr(value, "__name__", "")
        raise ModelFileError(message(where, "something that can be saved", kind=type(value).__name__, name=name, fix=fix))

    def _called(self, own: Any, where: str) -> str:
        other = self.own.setdefault(own.__name__, own)
        _expect(other is own, where, "a name of its own for every class and function of yours", own.__name__)
        return own.__name__


def settings(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass that say what it is: not those that it neither compares nor shows, which hold what was learned."""
    return tuple(field.name for field in fields(kind) if field.init and (field.compare or field.repr))


def loads(text: str) -> Any:
    """The plain value of a strict JSON text.

    Raises:
        ModelFileError: it is none; a name stands twice in one object.
    """
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_whole, parse_float=_finite, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(message("model", "strict JSON", problem=str(error)[:100])) from error


class Reader:
    """Reads what `dumps` wrote.

    Args:
        known: the tags that may occur, by name.
        custom: classes and functions of the user's own, by their names.
    """

    def __init__(self, known: Mapping[str, Tag], custom: Mapping[str, Any]):
        own = {name: kind for name, kind in custom.items() if isinstance(kind, type) and is_dataclass(kind)}
        self.known = dict(known) | {f"custom/{name}": custom_tag(kind) for name, kind in own.items()}
        self.functions = {name: value for name, value in custom.items() if name not in own and callable(value)}

    def read(self, plain: Any, kind: Any, where: str = "model", depth: int = 0) -> Any:
        """The value of type `kind` that plain JSON stands for.

        Raises:
            ModelFileError: it is another; `where` begins the message.
        """
        _limit(plain, where, depth)
        found = self._type(plain, where)
        kinds = typing.get_args(kind) if typing.get_origin(kind) in (typing.Union, types.UnionType) else (kind,)
        fitting = next((one for one in kinds if _fits(found, one)), None)
        if fitting is None:
            _expect(False, where, " or ".join(map(_called, kinds)), plain)
        arguments, other = typing.get_args(fitting), object if fitting is object else Any
        if found is list:
            return self._tuple(plain, arguments or (other, ...), where, depth)
        if found is Callable:
            return self.functions[plain["function"]]
        if isinstance(found, type) and is_dataclass(found):
            return self._part(plain, found, where, depth)
        if found is dict:
            of = arguments[1] if arguments else other
            return {key: self.read(item, of, f"{where}.{_short(key)}", depth + 1) for key, item in plain.items()}
        return plain

    def _type(self, plain: Any, where: str) -> Any:
        """The type of the value that plain JSON stands for: Callable for a function's name, a dataclass for a part."""
        if not isinstance(plain, dict):
            return type(plain)
        if not plain.keys() & set(RESERVED):
            return dict
        name: Any = plain.get("is", plain.get("function"))
        _expect(isinstance(name, str), where, "the name of a part or a function", plain)
        if "is" in plain:
            own = name.removeprefix("custom/")
            fix = f"Pass custom_objects={{{_short(own)!r}: ...}}, the class." if own != name else ""
            _expect(name in self.known, where, "a part that is known here", name, fix)
            return self.known[name].kind
        fix = f"Pass custom_objects={{{_short(name)!r}: ...}}."
        _expect(name in self.functions and len(plain) == 1, where, "a function that was given", name, fix)
        return Callable

    def _tuple(self, plain: Any, kinds: tuple[Any, ...], where: str, depth: int) -> tuple[Any, ...]:
        repeated = len(kinds) == 1 or kinds[1:] == (...,)
        _expect(repeated or len(plain) == len(kinds), where, f"{len(kinds)} values", plain)
        if repeated and {type(item) for item in plain} <= NUMBERS.get(kinds[0], set()):
            return tuple(plain)
        each = [kinds[0]] * len(plain) if repeated else kinds
        return tuple(self.read(item, kind, f"{where}[{i}]", depth + 1) for i, (item, kind) in enumerate(zip(plain, each, strict=True)))

    def _part(self, plain: Any, kind: type, where: str, depth: int) -> Any:
        names, hints = self.known[plain["is"]].fields(), _hints(kind)
        given = {key: value for key, value in plain.items() if key != "is"}
        strange, missing = sorted(given.keys() - set(names)), sorted(set(names) - given.keys())
        who = f"{where} ({_short(plain['is'])})"
        _expect(not strange, who, "no other fields than " + ", ".join(names), strange)
        _expect(not missing, who, "all fields", {"missing": missing})
        values = {names[key]: self.read(value, hints[names[key]], f"{where}.{key}", depth + 1) for key, value in given.items()}
        try:
            return kind(**values)
        except ModelFileError:
            raise
        except (GlassnetError, TypeError, ValueError) as error:
            raise ModelFileError(f"{where}: {str(error)[:400]}") from error


def _fits(found: Any, kind: Any) -> bool:
    """Whether a value of type `found` may stand where `kind` is expected."""
    kind = typing.get_origin(kind) or kind
    if kind is object:
        return True
    if kind is Any or not isinstance(kind, type):
        return found is not dict
    if found is Callable or kind is collections.abc.Callable:
        return found is Callable and kind is collections.abc.Callable
    if found is list:
        return kind in (tuple, list, collections.abc.Sequence)
    if found is int and kind is float:
        return True
    return found is kind or (isinstance(found, type) and is_dataclass(found) and issubclass(found, kind))


def _called(kind: Any) -> str:
    kind = typing.get_origin(kind) or kind
    words = {type(None): "nothing", tuple: "a list", dict: "an object", collections.abc.Callable: "a function", float: "a number"}
    return words.get(kind) or f"a value of type {getattr(kind, '__name__', kind)}"


def _limit(value: Any, where: str, depth: int) -> None:
    _expect(depth <= DEPTH, where, f"values nested {DEPTH} deep at most", value)
    _expect(not isinstance(value, str) or len(value) <= LONGEST, where, f"texts of {LONGEST:,} characters at most", value)
    _expect(type(value) is not int or abs(value) < 10**DIGITS, where, f"whole numbers of {DIGITS} digits at most", "more")


def _expect(ok: bool, where: str, expected: str, received: Any, fix: str = "") -> None:
    if not ok:
        raise ModelFileError(f"{message(where, expected)} Received: {SHOWN.repr(received)}." + f" {fix}" * bool(fix))


def _short(text: str) -> str:
    return text if len(text) <= 80 else text[:80] + "..."


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except NameError:  # a class of the user's own, written inside a function
        return dict.fromkeys(settings(kind), Any)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _whole(digits: str) -> int:
    if len(digits) > DIGITS + 1:
        raise ValueError(f"a whole number of more than {DIGITS} digits")
    return int(digits)


def _finite(digits: str) -> float:
    if not math.isfinite(number := float(digits)):
        raise ValueError(f"{digits[:20]} is beyond float64")
    return number


def _once(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    if found.keys() == {"float"}:
        if found["float"] not in list(WORDS):
            raise ValueError("float is a word for nan, inf and -inf alone")
        return WORDS[found["float"]]
    return found
