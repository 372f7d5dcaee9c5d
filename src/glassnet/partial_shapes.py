"""Shapes of which some sizes are unknown, such as the number of steps of a sequence: (None, 8)."""

from __future__ import annotations

from typing import TypeGuard

from glassnet.types import PartialShape, Shape


def is_known(shape: PartialShape) -> TypeGuard[Shape]:
    """Return whether all sizes are known.

    Example:
        >>> is_known((5, 8)), is_known((None, 8))
        (True, False)
    """
    return None not in shape


def shape_fits(shape: PartialShape, partial: PartialShape) -> bool:
    """Return whether a shape has the sizes of another one, as far as those are known.

    Example:
        >>> shape_fits((5, 8), (None, 8)), shape_fits((5, 7), (None, 8))
        (True, False)
    """
    return len(shape) == len(partial) and all(
        known in (None, size) for size, known in zip(shape, partial, strict=True)
    )


def fill(partial: PartialShape, size: int) -> Shape:
    """Return a shape with `size` in place of every unknown size.

    Example:
        >>> fill((None, 8), 5)
        (5, 8)
    """
    return tuple(size if known is None else known for known in partial)


def join(a: Shape, b: Shape) -> PartialShape:
    """Return the sizes that two shapes of as many axes share, and None where they differ.

    Example:
        >>> join((5, 8), (6, 8))
        (None, 8)
    """
    return tuple(size if size == other else None for size, other in zip(a, b, strict=True))
