"""What all checks share: a claim and its message, a tree beside another, and a gradient beside its
finite difference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any

import jax
import numpy as np

from glassnet.errors import message

TOLERANCE = 1e-9
"""How far the same mathematics may differ in float64, relative to the largest number."""
TOLERANCE_FLOAT32 = 1e-5
"""The same in float32."""
GRADIENT_TOLERANCE = 1e-6
"""How far a gradient may be from its finite difference in float64, relative."""
FINITE_DIFFERENCE_STEP = 1e-5
"""Half the distance that a finite difference spans, in units of the number that is varied."""


@contextmanager
def compilations() -> Iterator[list[str]]:
    """The list of what XLA compiles while this is entered: one entry per program.

    Example:
        >>> double = jax.jit(lambda x: 2 * x)
        >>> with compilations() as compiled:
        ...     _ = double(np.float32(1)), double(np.float32(2))
        >>> len(compiled)
        1
    """
    compiled: list[str] = []

    def listen(event: str, duration_secs: float, **about: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(str(about.get("fun_name", event)))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def assert_true(ok: Any, who: str, expected: str, *, fix: str = "", **received: Any) -> None:
    """Raise `AssertionError` with a message of the house's form unless `ok`."""
    if not ok:
        raise AssertionError(message(who, expected, fix=fix, **received))


def check_value(part: Any) -> None:
    """Whether a part is a frozen dataclass that hashes and compares by its fields."""
    who = type(part).__name__
    own = vars(type(part)).get("__dataclass_params__")
    assert_true(
        is_dataclass(part) and own and own.frozen,
        who,
        "a frozen dataclass",
        fix=f"Write @dataclass(frozen=True) above class {who}.",
    )
    twin = copy.copy(part)
    try:
        alike = twin == part and hash(twin) == hash(part)
    except TypeError as error:
        raise AssertionError(
            message(who, "fields that can be hashed", received=str(error))
        ) from error
    assert_true(alike, who, "equal fields to make equal parts of equal hash")
    for name in (field.name for field in fields(part) if field.compare):
        object.__setattr__(twin := copy.copy(part), name, object())
        assert_true(twin != part, who, f"parts that differ in {name} to be unequal")


def finite_differences(
    value: Callable[[Any], float], point: Any, gradient: Any
) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Each array's path, and how far its gradient's inner product with a random direction is from
    the central difference, relative.
    """
    rng = np.random.default_rng(2)
    places, form = jax.tree_util.tree_flatten_with_path(point)
    leaves = [leaf for _, leaf in places]
    for i, ((path, leaf), g) in enumerate(zip(places, jax.tree.leaves(gradient), strict=True)):
        direction = rng.normal(size=leaf.shape)
        ends = [
            value(
                jax.tree.unflatten(form, [*leaves[:i], leaf + step * direction, *leaves[i + 1 :]])
            )
            for step in (FINITE_DIFFERENCE_STEP, -FINITE_DIFFERENCE_STEP)
        ]
        difference, slope = (
            (ends[0] - ends[1]) / (2 * FINITE_DIFFERENCE_STEP),
            float(np.vdot(direction, g)),
        )
        yield (
            path,
            abs(slope - difference) / max(abs(slope), abs(difference), 1e-4 * abs(ends[0]), 1e-30),
        )


def assert_trees_close(
    who: str, expected: str, actual: Any, desired: Any, tolerance: float = TOLERANCE
) -> None:
    """Claim that two trees have one form, and numbers that are `tolerance` of the largest apart at
    most.
    """
    a, b = dict(named_leaves(actual)), dict(named_leaves(desired))
    assert_true(
        tree_shapes(actual) == tree_shapes(desired),
        who,
        expected,
        received=tree_shapes(actual),
        fix=f"It should be {tree_shapes(desired)}.",
    )
    for where, numbers in b.items():
        apart = np.max(np.abs(np.subtract(a[where], numbers, dtype=np.float64)), initial=0)
        close = apart <= tolerance * max(1.0, np.max(np.abs(numbers), initial=0))
        assert_true(
            close,
            who,
            expected,
            largest_difference=float(apart),
            **({"where": where} if where else {}),
        )


def named_leaves(tree: Any) -> list[tuple[str, Any]]:
    """A tree's arrays, each with the words for where it is."""
    return [(path_label(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]


def path_label(path: tuple[Any, ...], names: list[str] | None = None) -> str:
    """The path of an array in words, its first step by name where names are given."""
    keys = [
        getattr(entry, "name", getattr(entry, "key", getattr(entry, "idx", entry)))
        for entry in path
    ]
    return "/".join(map(str, keys if names is None else [names[keys[0]], *keys[1:]]))


def tree_shapes(tree: Any) -> dict[str, Any]:
    """The shape of every array."""
    return {where: np.shape(leaf) for where, leaf in named_leaves(tree)}


def to_float64(tree: Any) -> Any:
    """The tree in float64."""
    return jax.tree.map(
        lambda a: (
            np.asarray(a, np.float64) if np.issubdtype(np.asarray(a).dtype, np.floating) else a
        ),
        tree,
    )
