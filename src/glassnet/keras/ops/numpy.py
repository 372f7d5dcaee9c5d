"""Keras's operations with NumPy's names."""

from __future__ import annotations

import builtins
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import require
from glassnet.keras.compat import export_aliases
from glassnet.keras.ops.operation import (
    binary,
    binary_bits,
    cumulative,
    from_module,
    joining,
    name_operations,
    operation,
    reduction,
    splitting,
    standardize_dtype,
    to_jax,
    unary,
)

UNARY = from_module(
    jnp,
    """
    abs absolute angle arccos arccosh arcsin arcsinh arctan arctanh bitwise_invert bitwise_not cbrt
    conj conjugate copy corrcoef cos cosh deg2rad exp exp2 expm1 fabs fliplr flipud i0
    imag isfinite isinf isnan isneginf isposinf isreal log log10 log1p log2 logical_not negative
    nonzero rad2deg ravel real reciprocal sign signbit sin sinc sinh sqrt square tan tanh trunc
    """,
)
UNARY |= {
    "ceil": lambda x: jnp.ceil(jnp.asarray(x, jnp.result_type(x, "float32"))),
    "floor": lambda x: jnp.floor(jnp.asarray(x, jnp.result_type(x, "float32"))),
}
WINDOWS = from_module(jnp, "bartlett blackman hamming hanning")
BINARY = from_module(
    jnp,
    """
    add arctan2 divide dot equal floor_divide fmax fmin fmod gcd greater greater_equal heaviside
    hypot inner kron lcm ldexp less less_equal logaddexp logaddexp2 logical_and logical_or
    logical_xor matmul maximum minimum mod multiply nextafter not_equal outer power subtract
    true_divide vdot
    """,
)
BITS = from_module(
    jnp,
    "bitwise_and bitwise_or bitwise_xor left_shift right_shift",
    bitwise_left_shift="left_shift",
    bitwise_right_shift="right_shift",
)
REDUCTIONS = from_module(
    jnp,
    """
    all amax amin any argmax argmin mean median nanargmax nanargmin nanmax nanmean nanmedian nanmin
    nanprod nanstd nansum nanvar ptp std sum var
    """,
)
OPERATIONS = {
    **name_operations(unary, UNARY),
    **name_operations(lambda function: operation(lambda x: function(int(x))), WINDOWS),
    **name_operations(binary, BINARY),
    **name_operations(binary_bits, BITS),
    **name_operations(reduction, REDUCTIONS),
    **name_operations(cumulative, from_module(jnp, "cumprod cumsum nancumprod nancumsum")),
    **name_operations(joining, from_module(jnp, "dstack hstack vstack")),
    **name_operations(splitting, from_module(jnp, "dsplit hsplit vsplit")),
}


@operation
def allclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Return whether all numbers are equal up to a tolerance."""
    return jnp.allclose(to_jax(x1), to_jax(x2), rtol, atol, equal_nan)


@operation
def append(x1: Any, x2: Any, axis: int | None = None) -> Any:
    """Join two arrays along an axis; None for flat arrays."""
    return jnp.append(to_jax(x1), to_jax(x2), axis)


@operation
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Any:
    """Return evenly spaced numbers from a start to below a stop."""
    numbers = [value for value in (start, stop, step) if value is not None]
    if dtype is None:
        dtype = jnp.result_type(*numbers)
    return jnp.arange(start, stop, step=step, dtype=standardize_dtype(dtype))


@operation
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Any:
    """Return the indices that put the k-th smallest number in its place."""
    x = to_jax(x)
    return jnp.argpartition(x.ravel(), kth, 0) if axis is None else jnp.argpartition(x, kth, axis)


@operation
def argsort(x: Any, axis: int | None = -1) -> Any:
    """Return the indices that sort an array."""
    return jnp.argsort(to_jax(x), axis)


@operation
def array(x: Any, dtype: Any = None) -> Any:
    """Return a copy as a tensor."""
    return jnp.array(x, None if dtype is None else standardize_dtype(dtype))


@operation
def array_split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Split an array into parts, whose sizes may differ by one."""
    return jnp.array_split(to_jax(x), indices_or_sections, axis)


@operation
def average(x: Any, axis: Any = None, weights: Any = None) -> Any:
    """Return the weighted mean over axes."""
    return jnp.average(to_jax(x), axis, None if weights is None else to_jax(weights))


@operation
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Any:
    """Count each integer from 0; each row of a matrix on its own."""
    require(not sparse, "bincount", "sparse=False (no other value is supported)", sparse=sparse)
    x = jnp.asarray(x)
    length = builtins.max(minlength, int(x.max()) + 1)
    if x.ndim == 1:
        return jnp.bincount(x, weights, length=length)
    if weights is None:
        return jax.vmap(lambda row: jnp.bincount(row, length=length))(x)
    return jax.vmap(lambda row, each: jnp.bincount(row, each, length=length))(x, to_jax(weights))


@operation
def broadcast_to(x: Any, shape: Any) -> Any:
    """Repeat an array along axes of size 1 to a shape."""
    return jnp.broadcast_to(to_jax(x), shape)


@operation
def clip(x: Any, x_min: Any, x_max: Any) -> Any:
    """Limit numbers to the range from `x_min` to `x_max`."""
    x = to_jax(x)
    return jnp.clip(x.astype("int32") if jnp.result_type(x) == jnp.bool_ else x, x_min, x_max)


@operation
def concatenate(xs: Any, axis: int | None = 0) -> Any:
    """Join arrays along an axis."""
    return jnp.concatenate([to_jax(x) for x in xs], axis)


@operation
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Any:
    """Return the cross-correlation of two sequences."""
    return jnp.correlate(to_jax(x1), to_jax(x2), mode)


@operation
def count_nonzero(x: Any, axis: Any = None) -> Any:
    """Count the numbers that are not zero."""
    return jnp.count_nonzero(to_jax(x), axis).astype("int32")


@operation
def cross(
    x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    """Return the cross product of vectors."""
    return jnp.cross(to_jax(x1), to_jax(x2), axisa, axisb, axisc, axis)


@operation
def diag(x: Any, k: int = 0) -> Any:
    """Return a matrix with this diagonal, or the diagonal of a matrix."""
    return jnp.diag(to_jax(x), k)


@operation
def diagflat(x: Any, k: int = 0) -> Any:
    """Return a matrix whose diagonal has the numbers of a flat array."""
    return jnp.diagflat(to_jax(x), k)


@operation
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the diagonal of two axes."""
    return jnp.diagonal(to_jax(x), offset, axis1, axis2)


@operation
def diff(a: Any, n: int = 1, axis: int = -1) -> Any:
    """Return the differences of neighbors."""
    return jnp.diff(to_jax(a), n, axis)


@operation
def digitize(x: Any, bins: Any) -> Any:
    """Return the index of the bin of each number."""
    return jnp.digitize(to_jax(x), to_jax(bins))


@operation
def divide_no_nan(x1: Any, x2: Any) -> Any:
    """Divide; the result is 0 if the divisor is 0."""
    x2 = to_jax(x2)
    return jnp.where(x2 == 0, 0, jnp.divide(to_jax(x1), jnp.where(x2 == 0, 1, x2)))


@operation
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Any:
    """Sum products over named axes, as in NumPy."""
    return jnp.einsum(subscripts, *map(to_jax, operands), **kwargs)


@operation
def empty(shape: Any, dtype: Any = None) -> Any:
    """Return an array of a shape."""
    return jnp.empty(shape, standardize_dtype(dtype))


@operation
def empty_like(x: Any, dtype: Any = None) -> Any:
    """Return an array of the shape of another one."""
    return jnp.empty_like(to_jax(x), dtype)


@operation
def expand_dims(x: Any, axis: Any) -> Any:
    """Insert an axis of size 1, or several."""
    return jnp.expand_dims(to_jax(x), axis)


@operation
def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Return a matrix with ones on a diagonal."""
    return jnp.eye(N, M, k, standardize_dtype(dtype))


@operation
def flip(x: Any, axis: Any = None) -> Any:
    """Reverse the order along axes."""
    return jnp.flip(to_jax(x), axis)


@operation
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return an array of one number."""
    return jnp.full(shape, fill_value, standardize_dtype(dtype))


@operation
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Any:
    """Return an array of one number, with the shape of another array."""
    return jnp.full_like(to_jax(x), fill_value, dtype)


@operation
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Return numbers with equal ratios between neighbors."""
    return jnp.geomspace(start, stop, num, endpoint, dtype, axis)


@operation
def get_item(x: Any, key: Any) -> Any:
    """Return x[key]."""
    return to_jax(x)[key]


@operation
def histogram(x: Any, bins: Any = 10, range: Any = None) -> Any:
    """Count the numbers in each bin; return the counts and the edges of the bins."""
    return tuple(jnp.histogram(to_jax(x), bins, range))


@operation
def identity(n: int, dtype: Any = None) -> Any:
    """Return a square matrix with ones on its diagonal."""
    return jnp.identity(n, standardize_dtype(dtype))


@operation
def isclose(
    x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> Any:
    """Return whether numbers are equal up to a tolerance."""
    return jnp.isclose(to_jax(x1), to_jax(x2), rtol, atol, equal_nan)


@operation
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Any:
    """Return whether each number of an array occurs in another one."""
    return jnp.isin(to_jax(x1), to_jax(x2), assume_unique, invert)


@operation
def kaiser(x: int, beta: float) -> Any:
    """Return the Kaiser window with this many numbers."""
    return jnp.kaiser(int(x), beta)


@operation
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return evenly spaced numbers from a start to a stop."""
    return jnp.linspace(start, stop, num, endpoint, retstep, dtype, axis)


@operation
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    """Return powers of a base with evenly spaced exponents."""
    return jnp.logspace(start, stop, num, endpoint, base, dtype, axis)


@operation
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Return the largest number over axes."""
    return jnp.max(to_jax(x), axis, keepdims=keepdims, initial=initial)


@operation
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Any:
    """Return the smallest number over axes."""
    return jnp.min(to_jax(x), axis, keepdims=keepdims, initial=initial)


@operation
def meshgrid(*x: Any, indexing: str = "xy") -> Any:
    """Return coordinate matrices of coordinate vectors."""
    return list(jnp.meshgrid(*map(to_jax, x), indexing=indexing))


@operation
def moveaxis(x: Any, source: Any, destination: Any) -> Any:
    """Move axes to other positions."""
    return jnp.moveaxis(to_jax(x), source, destination)


@operation
def nan_to_num(x: Any, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replace NaN and infinite numbers."""
    return jnp.nan_to_num(to_jax(x), nan=nan, posinf=posinf, neginf=neginf)


@operation
def ndim(x: Any) -> int:
    """Return the number of axes."""
    return int(np.ndim(x))


@operation
def ones(shape: Any, dtype: Any = None) -> Any:
    """Return an array of ones."""
    return jnp.ones(shape, standardize_dtype(dtype))


@operation
def ones_like(x: Any, dtype: Any = None) -> Any:
    """Return ones, with the shape of another array."""
    return jnp.ones_like(to_jax(x), dtype)


@operation
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Any:
    """Add numbers at the ends of each axis."""
    options = {} if constant_values is None else {"constant_values": constant_values}
    return jnp.pad(to_jax(x), pad_width, mode, **options)


def _quantile(function: Any, divisor: float) -> Any:
    def compute(
        x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False
    ) -> Any:
        x = to_jax(x)
        share = jnp.asarray(q, "float32") / divisor
        axis = tuple(axis) if isinstance(axis, list) else axis
        return function(x, share, axis=axis, method=method, keepdims=keepdims)

    return operation(compute)


QUANTILES = {
    "quantile": _quantile(jnp.quantile, 1.0),
    "nanquantile": _quantile(jnp.nanquantile, 1.0),
    "percentile": _quantile(jnp.quantile, 100.0),
    "nanpercentile": _quantile(jnp.nanquantile, 100.0),
}


@operation
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Any:
    """Return the product over axes."""
    return jnp.prod(to_jax(x), axis, dtype=dtype, keepdims=keepdims)


@operation
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Repeat each element."""
    return jnp.repeat(to_jax(x), repeats, axis)


@operation
def reshape(x: Any, newshape: Any) -> Any:
    """Return the same numbers in another shape."""
    return jnp.reshape(to_jax(x), newshape)


@operation
def roll(x: Any, shift: Any, axis: Any = None) -> Any:
    """Shift the elements along axes; those shifted out come in at the other end."""
    return jnp.roll(to_jax(x), shift, axis)


@operation
def rot90(array: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    """Rotate in the plane of two axes, by k times 90 degrees."""
    return jnp.rot90(to_jax(array), k, axes)


@operation
def round(x: Any, decimals: int = 0) -> Any:
    """Round to a number of decimals; halves go to the even neighbor."""
    x = to_jax(x)
    if decimals < 0 and jnp.issubdtype(jnp.result_type(x), jnp.integer):
        rounded = jnp.round(jnp.asarray(x, "float32") * 10.0**decimals) / 10.0**decimals
        return rounded.astype(jnp.result_type(x))
    return jnp.round(x, decimals)


@operation
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Any:
    """Return where to insert values into a sorted sequence."""
    return jnp.searchsorted(to_jax(sorted_sequence), to_jax(values), side)


@operation
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    """Return the elements of the first choice whose condition holds."""
    return jnp.select(
        [to_jax(each) for each in condlist], [to_jax(each) for each in choicelist], default
    )


@operation
def size(x: Any) -> int:
    """Return the number of elements."""
    return int(np.size(x))


@operation
def slogdet(x: Any) -> Any:
    """Return the sign of the determinant, and the logarithm of its absolute value."""
    return tuple(jnp.linalg.slogdet(to_jax(x)))


@operation
def sort(x: Any, axis: int | None = -1) -> Any:
    """Return a sorted copy."""
    return jnp.sort(to_jax(x), axis)


@operation
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    """Split an array into equal parts, or at indices."""
    return jnp.split(to_jax(x), indices_or_sections, axis)


@operation
def squeeze(x: Any, axis: Any = None) -> Any:
    """Remove axes of size 1."""
    return jnp.squeeze(to_jax(x), axis)


@operation
def stack(x: Any, axis: int = 0) -> Any:
    """Join arrays along a new axis."""
    return jnp.stack([to_jax(each) for each in x], axis)


@operation
def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """Exchange two axes."""
    return jnp.swapaxes(to_jax(x), axis1, axis2)


@operation
def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the elements at indices along an axis."""
    return jnp.take(to_jax(x), to_jax(indices), axis)


@operation
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Any:
    """Return the elements at indices, which has as many axes."""
    return jnp.take_along_axis(to_jax(x), to_jax(indices), axis)


@operation
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Any:
    """Sum products over pairs of axes."""
    return jnp.tensordot(to_jax(x1), to_jax(x2), axes)


@operation
def tile(x: Any, repeats: Any) -> Any:
    """Repeat an array along each axis."""
    return jnp.tile(to_jax(x), repeats)


@operation
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Return the sum of the diagonal."""
    return jnp.trace(to_jax(x), offset, axis1, axis2)


@operation
def transpose(x: Any, axes: Any = None) -> Any:
    """Change the order of the axes; None reverses it."""
    return jnp.transpose(to_jax(x), axes)


@operation
def trapezoid(y: Any, x: Any = None, dx: float = 1.0, axis: int = -1) -> Any:
    """Return the integral by the trapezoidal rule."""
    return jnp.trapezoid(to_jax(y), None if x is None else to_jax(x), dx, axis)


@operation
def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Any:
    """Return a matrix with ones at and below a diagonal."""
    return jnp.tri(N, M, k, standardize_dtype(dtype))


@operation
def tril(x: Any, k: int = 0) -> Any:
    """Return the lower triangle; the other numbers are 0."""
    return jnp.tril(to_jax(x), k)


@operation
def triu(x: Any, k: int = 0) -> Any:
    """Return the upper triangle; the other numbers are 0."""
    return jnp.triu(to_jax(x), k)


@operation
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """Return the different elements."""
    return jnp.unique(
        to_jax(x),
        return_index,
        return_inverse,
        return_counts,
        axis,
        equal_nan=False,
        size=size,
        fill_value=fill_value,
        sorted=sorted,
    )


@operation
def unravel_index(indices: Any, shape: Any) -> Any:
    """Return the coordinates of flat indices."""
    return tuple(jnp.unravel_index(to_jax(indices), shape))


@operation
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """Return the matrix of powers of x."""
    return jnp.vander(to_jax(x), N, increasing)


@operation
def view(x: Any, dtype: Any = None) -> Any:
    """Return the same bits as another type."""
    return to_jax(x).view(dtype)


@operation
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Return x1 if the condition holds, else x2; with no choices, the indices."""
    if x1 is None and x2 is None:
        return jnp.where(to_jax(condition))
    return jnp.where(to_jax(condition), to_jax(x1), to_jax(x2))


@operation
def zeros(shape: Any, dtype: Any = None) -> Any:
    """Return an array of zeros."""
    return jnp.zeros(shape, standardize_dtype(dtype))


@operation
def zeros_like(x: Any, dtype: Any = None) -> Any:
    """Return zeros, with the shape of another array."""
    return jnp.zeros_like(to_jax(x), dtype)


def vectorize(pyfunc: Any, *, excluded: Any = None, signature: str | None = None) -> Any:
    """Return a function of scalars as one of arrays."""
    return operation(jnp.vectorize(pyfunc, excluded=excluded or set(), signature=signature))


FUNCTIONS = [
    allclose, append, arange, argpartition, argsort, array, array_split, average, bincount,
    broadcast_to, clip, concatenate, correlate, count_nonzero, cross, diag, diagflat, diagonal,
    diff, digitize, divide_no_nan, einsum, empty, empty_like, expand_dims, eye, flip, full,
    full_like, geomspace, get_item, histogram, identity, isclose, isin, kaiser, linspace, logspace,
    max, meshgrid, min, moveaxis, nan_to_num, ndim, ones, ones_like, pad, prod, repeat, reshape,
    roll, rot90, round, searchsorted, select, size, slogdet, sort, split, squeeze, stack, swapaxes,
    take, take_along_axis, tensordot, tile, trace, transpose, trapezoid, tri, tril, triu, unique,
    unravel_index, vander, vectorize, view, where, zeros, zeros_like,
]  # fmt: skip
OPERATIONS |= QUANTILES | {function.__name__: function for function in FUNCTIONS}

__all__, __getattr__ = export_aliases(__name__, OPERATIONS)
