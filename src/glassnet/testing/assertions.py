"""Assertions that the checks share: of values, of trees of arrays and of gradients."""

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
"""The largest difference of equal formulas in float64, relative to the largest number."""
TOLERANCE_FLOAT32 = 1e-5
"""The same in float32."""
GRADIENT_TOLERANCE = 1e-6
"""The largest relative difference of a gradient and its finite difference in float64."""
FINITE_DIFFERENCE_STEP = 1e-5
"""Half the distance between the two points of a finite difference."""


@contextmanager
def compilations() -> Iterator[list[str]]:
    """List the programs that XLA compiles in a `with` block.

    Example:
        >>> double = jax.jit(lambda x: 2 * x)
        >>> with compilations() as compiled:
        ...     _ = double(np.float32(1)), double(np.float32(2))
        >>> len(compiled)
        1
    """
    compiled: list[str] = []

    def listen(event: str, duration_secs: float, **details: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(str(details.get("fun_name", event)))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def assert_true(ok: Any, who: str, expected: str, *, fix: str = "", **received: Any) -> None:
    """Raise `AssertionError` with a message from `errors.message` unless `ok`."""
    if not ok:
        raise AssertionError(message(who, expected, fix=fix, **received))


def check_value(part: Any) -> None:
    """Check that `part` is a frozen dataclass that hashes and compares by its fields."""
    who = type(part).__name__
    options = vars(type(part)).get("__dataclass_params__")
    assert_true(
        is_dataclass(part) and options and options.frozen,
        who,
        "a frozen dataclass",
        fix=f"Write @dataclass(frozen=True) above class {who}.",
    )
    twin = copy.copy(part)
    try:
        is_equal = twin == part and hash(twin) == hash(part)
    except TypeError as error:
        raise AssertionError(
            message(who, "fields that can be hashed", received=str(error))
        ) from error
    assert_true(is_equal, who, "equal fields to give equal objects with equal hashes")
    for name in (field.name for field in fields(part) if field.compare):
        object.__setattr__(twin := copy.copy(part), name, object())
        assert_true(twin != part, who, f"objects that differ in {name} to be unequal")


def finite_differences(
    value: Callable[[Any], float], point: Any, gradient: Any
) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Yield the path of each array and the relative error of its gradient.

    The error is that of the gradient's inner product with a random direction, compared with the
    central difference of `value` along it.
    """
    rng, h = np.random.default_rng(2), FINITE_DIFFERENCE_STEP
    paths_and_leaves, structure = jax.tree_util.tree_flatten_with_path(point)
    leaves = [leaf for _, leaf in paths_and_leaves]
    gradients = jax.tree.leaves(gradient)
    for i, ((path, leaf), g) in enumerate(zip(paths_and_leaves, gradients, strict=True)):
        direction = rng.normal(size=leaf.shape)
        above, below = (
            value(
                jax.tree.unflatten(
                    structure, [*leaves[:i], leaf + step * direction, *leaves[i + 1 :]]
                )
            )
            for step in (h, -h)
        )
        difference, slope = (above - below) / (2 * h), float(np.vdot(direction, g))
        scale = max(abs(slope), abs(difference), 1e-4 * abs(above), 1e-30)
        yield path, abs(slope - difference) / scale


def assert_trees_close(
    who: str, expected: str, actual: Any, desired: Any, tolerance: float = TOLERANCE
) -> None:
    """Assert that two trees have equal shapes and equal numbers.

    `tolerance` is relative to the largest number of each array, or absolute below 1.
    """
    a, b = dict(named_leaves(actual)), dict(named_leaves(desired))
    assert_true(
        tree_shapes(actual) == tree_shapes(desired),
        who,
        expected,
        received=tree_shapes(actual),
        fix=f"It should be {tree_shapes(desired)}.",
    )
    for where, values in b.items():
        difference = np.max(np.abs(np.subtract(a[where], values, dtype=np.float64)), initial=0)
        is_close = difference <= tolerance * max(1.0, np.max(np.abs(values), initial=0))
        location = {"where": where} if where else {}
        assert_true(is_close, who, expected, largest_difference=float(difference), **location)


def named_leaves(tree: Any) -> list[tuple[str, Any]]:
    """Return the arrays of a tree, each with the label of its path."""
    return [(path_label(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]


def path_label(path: tuple[Any, ...], names: list[str] | None = None) -> str:
    """Return the path of an array as text, with its first index replaced by a name."""
    keys = [
        getattr(entry, "name", getattr(entry, "key", getattr(entry, "idx", entry)))
        for entry in path
    ]
    return "/".join(map(str, keys if names is None else [names[keys[0]], *keys[1:]]))


def tree_shapes(tree: Any) -> dict[str, Any]:
    """Return the shape of every array."""
    return {where: np.shape(leaf) for where, leaf in named_leaves(tree)}


def to_float64(tree: Any) -> Any:
    """Return the tree with its floating-point arrays in float64."""

    def convert(a: Any) -> Any:
        is_float = np.issubdtype(np.asarray(a).dtype, np.floating)
        return np.asarray(a, np.float64) if is_float else a

    return jax.tree.map(convert, tree)
