"""Errors and warnings, and the functions that raise them in one form.

Every error that glassnet raises on purpose derives from `GlassnetError`. Errors about a value also
derive from `ValueError`, so that code written for other libraries catches them too. A message says
what was expected, what was received and what to do.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import math
import operator
import os
import sys
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

__all__ = [
    "ArgumentError",
    "ConfigError",
    "DataError",
    "DataWarning",
    "DownloadError",
    "GlassnetError",
    "MissingError",
    "ModelFileError",
    "NotReadyError",
    "TrainingWarning",
]

MAX_REPR, MAX_PROBLEM = 1000, 200
"""Limits of characters in a message: of a received value, and of the error that caused it."""


class GlassnetError(Exception):
    """Base class of every error that Glassnet raises on purpose."""


class ConfigError(GlassnetError, ValueError):
    """A layer, loss, optimizer or other setting that cannot work, alone or in combination."""


class DataError(GlassnetError, ValueError):
    """Examples, labels or weights that cannot be used as they are."""


class MissingError(GlassnetError, AttributeError):
    """An attribute that does not exist."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.name = ""  # With the real name, Python would add a suggestion of its own.


class NotReadyError(MissingError, RuntimeError):
    """A call that comes too early: the model has no weights yet, or no loss yet.

    It is an `AttributeError` too, so that `hasattr(model, "params")` is False until then.
    """


class ArgumentError(GlassnetError, TypeError):
    """A keyword argument that a function or a class does not have."""


class DownloadError(GlassnetError, OSError):
    """A dataset, or another file, that is not on this machine and could not be downloaded."""


class ModelFileError(GlassnetError, ValueError):
    """A model file that cannot be written or read.

    The file may be damaged, from another program, newer than this release, or hold another network.
    Or the model holds something that cannot be saved.
    """


class TrainingWarning(UserWarning):
    """A loss, a weight or a monitored number was not finite; the message says where.

    A loss or a weight that is not finite has ended the training.
    """


class DataWarning(UserWarning):
    """Data that may not be what they seem, rows that were left out, or values that were filled."""


def require(
    ok: Any,
    who: str,
    expected: str,
    /,
    *,
    fix: str = "",
    error: type[GlassnetError] = ConfigError,
    **received: Any,
) -> None:
    """Raise `error` with a message made by `message`, unless `ok`.

    Example:
        >>> require(3 > 0, "Dense", "units to be an int >= 1", units=3)
    """
    if not ok:
        raise error(message(who, expected, fix=fix, **received))


def message(who: str, expected: str, /, *, fix: str = "", **received: Any) -> str:
    """Return the text of an error: who expected what, what was received, and how to fix it.

    Example:
        >>> message("Dense", "units to be an int >= 1", units=-3)
        'Dense: expected units to be an int >= 1. Received: units=-3.'
    """
    values = ", ".join(f"{name}={_short_repr(value)}" for name, value in received.items())
    if not fix and any(map(_is_beyond_float32, received.values())):
        fix = "Numbers are float32: 0, or from 1.2e-38 to 3.4e38 in size."
    parts = [f"{who}: expected {expected}.", f"Received: {values}." if values else "", fix]
    return " ".join(filter(None, parts))


def _short_repr(value: Any) -> str:
    """Return the repr of a value of the user, cut if it is long."""
    try:
        text = repr(value)
    except Exception:  # the repr of a user's class, of a deep list or of a huge integer
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= MAX_REPR else f"{text[: MAX_REPR - 100]}...{text[-100:]}"


@contextmanager
def wrap_errors(
    who: str,
    expected: str,
    /,
    *,
    fix: str = "",
    error: type[GlassnetError] = DataError,
    **received: Any,
) -> Iterator[None]:
    """Turn the errors of a library, or of a user's object, into `error`, which they caused.

    Put it around calls that are handed the user's bytes or objects. Errors of Glassnet pass.

    Example:
        >>> with wrap_errors("read", "a number"):
        ...     1 / 0
        Traceback (most recent call last):
        ...
        glassnet.errors.DataError: read: expected a number. Received: problem='division by zero'.
    """
    try:
        yield
    except GlassnetError:
        raise
    except Exception as cause:
        problem = (str(cause) or type(cause).__name__)[:MAX_PROBLEM]
        raise error(message(who, expected, fix=fix, **received, problem=problem)) from cause


def _is_beyond_float32(value: Any) -> bool:
    """Return whether a value is a number that would become 0 or infinite as a float32."""
    return isinstance(value, float) and math.isfinite(value) and not is_float32(value)


_collected: ContextVar[list[str] | None] = ContextVar("collected_warnings", default=None)


@contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Collect the texts of Glassnet's warnings of this thread, in place of issuing them.

    Python's own `catch_warnings` changes all threads.

    Example:
        >>> with collect_warnings() as texts:
        ...     warn("age: 99 may stand for a missing value.", DataWarning)
        >>> texts
        ['age: 99 may stand for a missing value.']
    """
    texts: list[str] = []
    token = _collected.set(texts)
    try:
        yield texts
    finally:
        _collected.reset(token)


def warn(text: str, category: type[Warning]) -> None:
    """Issue a warning that names the line of the user that called Glassnet, at any depth.

    Inside `collect_warnings`, its text is collected.
    """
    collected = _collected.get()
    if collected is not None:
        collected += [] if text in collected else [text]
        return
    package, level, frame = os.path.dirname(__file__) + os.sep, 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


def require_frozen_dataclass(part: Any) -> None:
    """Refuse a layer, loss, metric, optimizer or regularizer that does not compare by its fields.

    Equal parts share one compiled program. A class that inherits its equality would therefore run
    the program of another class.

    Raises:
        ConfigError: the class is not a frozen dataclass itself, or a field cannot be hashed.
    """
    who = type(part).__name__
    params = vars(type(part)).get("__dataclass_params__")
    fix = (
        f"Write @dataclass(frozen=True) above class {who}. Without it, instances with different "
        "values count as equal and share one compiled program."
    )
    is_frozen = params is not None and params.frozen
    require(is_frozen, who, "a frozen dataclass", decorated=params is not None, fix=fix)
    try:
        hash(part)
    except TypeError as error:
        expected = "fields that can be hashed (tuples, not lists; no arrays)"
        raise ConfigError(message(who, expected, fix=f"Cause: {error}.")) from error


def lookup(what: str, name: str, table: Mapping[str, T]) -> T:
    """Return the entry of `table` called `name`.

    Raises:
        ConfigError: there is no such entry; the message suggests the nearest name.

    Example:
        >>> lookup("number", "two", {"one": 1, "two": 2})
        2
    """
    if isinstance(name, Hashable) and name in table:
        return table[name]
    text = name.lower()[:MAX_REPR] if isinstance(name, str) else ""
    first_word = text.split("_")[0]
    candidates = [key for key in table if key.split("_")[0] == first_word] or list(table)
    nearest = find_nearest(text, candidates, cutoff=0.4)
    fix = f"Did you mean {nearest!r}?" if nearest else ""
    raise ConfigError(message(what, "one of " + ", ".join(table), fix=fix, name=name))


def find_nearest(name: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the name that is spelt most like `name`, in upper or lower case, or None.

    Args:
        name: the misspelt name.
        names: the names to choose from.
        cutoff: least similarity, from 0 to 1.

    Example:
        >>> find_nearest("Conv2d", ["Conv1D", "Conv2D", "Dense"])
        'Conv2D'
    """
    by_lower_case = {other.lower(): other for other in names}
    matches = difflib.get_close_matches(name.lower(), by_lower_case, n=1, cutoff=cutoff)
    return by_lower_case[matches[0]] if matches else None


def missing_attribute(instance: Any, name: str) -> MissingError:
    """Return an error about an attribute that an instance does not have; it names the nearest."""
    subject = f"{type(instance).__name__!r} object"
    if name.startswith("_"):  # a protocol that another library asks for
        return MissingError(f"{subject} has no attribute {name!r}")
    names = [*dir(type(instance)), *object.__getattribute__(instance, "__dict__")]
    return MissingError(f"{subject} has no attribute {name!r}.{suggest(name, names)}")


def missing_name(module: str, name: str, names: Iterable[str]) -> MissingError:
    """Return an error about a name that a module does not have; it names the nearest."""
    return MissingError(f"module {module!r} has no attribute {name!r}.{suggest(name, names)}")


def import_public_name(package: str, name: str, modules: Mapping[str, str]) -> Any:
    """Return a public name of a package, imported when it is first used.

    Args:
        package: the package; the name becomes one of its attributes.
        name: the name.
        modules: module inside the package of each public name.

    Raises:
        MissingError: the package has no such name; the message suggests the nearest.
    """
    if name not in modules:
        raise missing_name(package, name, modules)
    value = getattr(importlib.import_module(f"{package}.{modules[name]}"), name)
    setattr(sys.modules[package], name, value)
    return value


def suggest(name: str, names: Iterable[str]) -> str:
    """Return ` Did you mean ...?` with the nearest public name, or "" if none is near."""
    public = [other for other in names if not other.startswith("_")]
    nearest = None if name.startswith("_") else find_nearest(name, public)
    return f" Did you mean {nearest!r}?" if nearest else ""


MAX_INT, MAX_SEED = 2**31 - 1, 2**128 - 1
"""The largest int32, which bounds sizes and counts in compiled programs, and the largest seed."""


def is_int(value: Any, least: int, most: int = MAX_INT) -> bool:
    """Return whether `value` is an int (Python's or NumPy's, not a bool) from `least` to `most`."""
    try:
        return not isinstance(value, bool) and least <= operator.index(value) <= most
    except TypeError:
        return False


def is_number(value: Any) -> bool:
    """Return whether `value` is one finite real number (Python's or NumPy's, not a bool)."""
    is_scalar = hasattr(value, "__float__") and getattr(value, "shape", ()) == ()
    try:
        return is_scalar and not isinstance(value, bool) and math.isfinite(value)
    except (OverflowError, TypeError, ValueError):  # an int beyond float64; an array; a tracer
        return False


MAX_FLOAT32 = 3.4028234663852886e38
"""The largest float32."""


MIN_FLOAT32 = 1.1754943508222875e-38
"""The smallest float32 above 0 that compiled programs do not round to 0."""


def is_float32(value: Any) -> bool:
    """Return whether `value` is a number for a compiled program: a float32 or an int32.

    A number that would become 0 or infinite is not.
    """
    limit = MAX_INT if isinstance(value, int) else MAX_FLOAT32
    return is_number(value) and (value == 0 or MIN_FLOAT32 <= abs(value) <= limit)


@contextmanager
def rollback_on_error(instance: Any) -> Iterator[None]:
    """Restore the attributes of `instance` if the block raises a `GlassnetError`."""
    attributes = dict(vars(instance))
    try:
        yield
    except GlassnetError:
        vars(instance).update(attributes)
        raise


def renamed_attributes(**renamed: str) -> Callable[[type[T]], type[T]]:
    """Return a class decorator that raises an error with the new name if an old name is used.

    The old names are refused as attributes and as keyword arguments of the constructor.

    Example:
        >>> @renamed_attributes(colour="color")
        ... class Pen:
        ...     color = "red"
        >>> Pen().colour
        Traceback (most recent call last):
        ...
        glassnet.errors.MissingError: Pen.colour is now called Pen.color.
    """

    def decorate(cls: type[T]) -> type[T]:
        init: Callable[..., None] = cls.__init__
        inherited: Callable[[Any, str], Any] | None = getattr(cls, "__getattr__", None)

        @functools.wraps(init)
        def checked_init(self: Any, *args: Any, **kwargs: Any) -> None:
            for name in kwargs.keys() & renamed.keys():
                raise ConfigError(f"{cls.__name__}: {name}= is now called {renamed[name]}=.")
            init(self, *args, **kwargs)

        def refuse(self: Any, name: str) -> Any:
            who = type(self).__name__
            if name in renamed:
                raise MissingError(f"{who}.{name} is now called {who}.{renamed[name]}.")
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)  # a property: raise its own error
            if inherited:
                return inherited(self, name)
            raise missing_attribute(self, name)

        for method, function in (("__init__", checked_init), ("__getattr__", refuse)):
            setattr(cls, method, function)
        return cls

    return decorate


def refuse_renamed_methods(cls: type, renamed: Mapping[str, str]) -> None:
    """Refuse a subclass that overrides a method by its old name: it would never be called.

    Dataclass fields of the same name are allowed.

    Args:
        cls: the subclass, from `__init_subclass__`.
        renamed: new names by old names.

    Raises:
        ConfigError: with the new name.
    """
    for name in renamed.keys() & vars(cls).keys() - _names_with_types(cls):
        raise ConfigError(f"{cls.__name__}: {name} is now called {renamed[name]}. Rename it.")


def _names_with_types(cls: type) -> set[str]:
    """Return the names that the body of a class annotates, whether or not their types exist yet."""
    if sys.version_info >= (3, 14):
        import annotationlib

        form = annotationlib.Format.FORWARDREF
        return set(annotationlib.get_annotations(cls, format=form))
    return set(vars(cls).get("__annotations__", {}))


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        raise missing_name(__name__, name, __all__)

    def __dir__() -> list[str]:
        return __all__
