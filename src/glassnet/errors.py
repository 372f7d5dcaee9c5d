"""What can go wrong, said in one form: what was expected, what was received, what to do.

Every error that glassnet raises on purpose derives from `GlassnetError`; those about a value also
derive from `ValueError`, so that code written for other libraries catches them too.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class GlassnetError(Exception):
    """The base of every error raised on purpose by glassnet."""


class ConfigError(GlassnetError, ValueError):
    """A layer, a loss, an optimizer or their combination is described in a way that cannot work."""


class DataError(GlassnetError, ValueError):
    """The rows, labels or weights handed in cannot be used as they are."""


class NotReadyError(GlassnetError, RuntimeError):
    """Something was asked of a model that has not got that far: no weights yet, or no loss yet."""


class MissingError(GlassnetError, AttributeError):
    """Something was asked for by a name that does not exist here."""


class DownloadError(GlassnetError, OSError):
    """A data set is not on this machine and could not be fetched."""


class ModelFileError(GlassnetError, ValueError):
    """A model's file is damaged, foreign, of another version or for another network; or a model
    holds what cannot be saved.
    """


class TrainingWarning(UserWarning):
    """A run ended early because its numbers stopped being numbers; the message says where."""


class DataWarning(UserWarning):
    """Rows were left out; the message says how many and why."""


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
    """Raise `error` with a message of the house's form unless `ok`.

    Example:
        >>> require(3 > 0, "Dense", "units to be an int >= 1", units=3)
    """
    if not ok:
        raise error(message(who, expected, fix=fix, **received))


def message(who: str, expected: str, /, *, fix: str = "", **received: Any) -> str:
    """The house's form: `Dense: expected units to be an int >= 1. Received: units=-3.` and then the
    remedy.
    """
    got = ", ".join(f"{name}={value!r}" for name, value in received.items())
    return " ".join(
        part
        for part in (f"{who}: expected {expected}.", f"Received: {got}." if got else "", fix)
        if part
    )


def require_frozen_dataclass(part: Any) -> None:
    """Refuse a layer, loss, metric, optimizer or regularizer whose class inherited its equality:
    equal parts share one compiled program.

    Raises:
        ConfigError: with the line to write.
    """
    who = type(part).__name__
    own = vars(type(part)).get("__dataclass_params__")
    fix = f"Write @dataclass(frozen=True) above class {who}: without it two of other values count as equal and share one compiled program."
    require(
        own is not None and own.frozen,
        who,
        "a frozen dataclass",
        decorated=own is not None,
        fix=fix,
    )
    try:
        hash(part)
    except TypeError as error:
        raise ConfigError(
            message(
                who,
                "fields that can be hashed (tuples, not lists; no arrays)",
                fix=f"It said: {error}.",
            )
        ) from error


def lookup(what: str, name: str, table: Mapping[str, T]) -> T:
    """The entry of `table` called `name`; an unknown name raises `ConfigError` with the nearest
    match.

    Example:
        >>> lookup("number", "two", {"one": 1, "two": 2})
        2
    """
    if name in table:
        return table[name]
    alike = [known for known in table if known.split("_")[0] == str(name).lower().split("_")[0]]
    close = difflib.get_close_matches(str(name).lower(), alike or list(table), n=1, cutoff=0.4)
    fix = f"Did you mean {close[0]!r}?" if close else ""
    raise ConfigError(message(what, "one of " + ", ".join(table), fix=fix, name=name))


def is_int(value: Any, least: int) -> bool:
    """Whether `value` is a whole number (Python's or NumPy's, not a bool) of at least `least`."""
    try:
        return not isinstance(value, bool) and operator.index(value) >= least
    except TypeError:
        return False


def is_number(value: Any) -> bool:
    """Whether `value` is one finite real number (Python's or NumPy's, not a bool)."""
    one = (
        hasattr(value, "__float__")
        and getattr(value, "shape", ()) == ()
        and not isinstance(value, bool)
    )
    return one and math.isfinite(value)


@contextmanager
def rollback_on_error(obj: Any) -> Iterator[None]:
    """Where a `GlassnetError` ends the block, the attributes of `obj` are as they were before
    it.
    """
    before = dict(vars(obj))
    try:
        yield
    except GlassnetError:
        vars(obj).update(before)
        raise
