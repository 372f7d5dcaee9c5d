"""Keras's operations of linear algebra."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from glassnet.keras.compat import export_aliases
from glassnet.keras.ops.operation import from_module, name_operations, operation, to_jax, unary

OPERATIONS = name_operations(unary, from_module(jnp.linalg, "det eig eigh inv"))


@operation
def cholesky(x: Any, upper: bool = False) -> Any:
    """Return the triangular factor L of x = L L^T."""
    return jnp.linalg.cholesky(to_jax(x), upper=upper)


@operation
def cholesky_inverse(x: Any, upper: bool = False) -> Any:
    """Return the inverse of the matrix with this Cholesky factor."""
    x = to_jax(x)
    inverse = jax.scipy.linalg.solve_triangular(
        x, jnp.eye(x.shape[-1], dtype=x.dtype), lower=not upper
    )
    return inverse @ inverse.T if upper else inverse.T @ inverse


@operation
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """Return the x with the least squares of a x - b."""
    return jnp.linalg.lstsq(to_jax(a), to_jax(b), rcond)[0]


@operation
def lu_factor(x: Any) -> Any:
    """Return the LU decomposition and the order of the rows."""
    function: Any = jax.scipy.linalg.lu_factor
    for _ in range(to_jax(x).ndim - 2):
        function = jax.vmap(function)
    return tuple(function(to_jax(x)))


@operation
def matrix_rank(x: Any, tol: Any = None) -> Any:
    """Return the rank of a matrix."""
    return jnp.linalg.matrix_rank(to_jax(x), tol).astype("int32")


@operation
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Return the norm of vectors or matrices."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return jnp.linalg.norm(to_jax(x), ord, axis, keepdims)


@operation
def pinv(x: Any, rcond: Any = None) -> Any:
    """Return the pseudoinverse of a matrix."""
    return jnp.linalg.pinv(to_jax(x), rcond)


@operation
def qr(x: Any, mode: str = "reduced") -> Any:
    """Return the QR decomposition of a matrix."""
    return tuple(jnp.linalg.qr(to_jax(x), mode))


@operation
def solve(a: Any, b: Any) -> Any:
    """Return the x of a x = b."""
    return jnp.linalg.solve(to_jax(a), to_jax(b))


@operation
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Any:
    """Return the x of a x = b for a triangular matrix."""
    return jax.scipy.linalg.solve_triangular(to_jax(a), to_jax(b), lower=lower)


@operation
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Return the singular value decomposition of a matrix."""
    return jnp.linalg.svd(to_jax(x), full_matrices, compute_uv)


FUNCTIONS = [
    cholesky, cholesky_inverse, lstsq, lu_factor, matrix_rank, norm, pinv, qr, solve,
    solve_triangular, svd,
]  # fmt: skip
OPERATIONS |= {function.__name__: function for function in FUNCTIONS}

__all__, __getattr__ = export_aliases(__name__, OPERATIONS)
