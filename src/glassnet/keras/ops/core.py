"""Keras's operations on types, loops, indices, transforms and groups of rows."""

from __future__ import annotations

import math
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import require
from glassnet.keras.ops.operation import (
    name_operations,
    operation,
    reduction,
    standardize_dtype,
    to_jax,
    unary,
)
from glassnet.keras.tensors import Tensor

OPERATIONS = {
    **name_operations(
        unary,
        {
            "erf": jax.scipy.special.erf,
            "erfc": jax.scipy.special.erfc,
            "erfinv": jax.scipy.special.erfinv,
            "rsqrt": lambda x: jax.lax.rsqrt(jnp.asarray(x, jnp.result_type(x, "float32"))),
            "stop_gradient": jax.lax.stop_gradient,
            "logdet": lambda x: jnp.linalg.slogdet(x)[1],
        },
    ),
    **name_operations(reduction, {"logsumexp": jax.nn.logsumexp}),
}


@operation
def cast(x: Any, dtype: Any) -> Any:
    """Return the numbers as another type."""
    return jnp.asarray(x).astype(standardize_dtype(dtype))


@operation
def saturate_cast(x: Any, dtype: Any) -> Any:
    """Return the numbers as another type, limited to its range."""
    x, dtype = jnp.asarray(x), standardize_dtype(dtype)
    if jnp.issubdtype(dtype, jnp.integer):
        limits = np.iinfo(dtype)
        x = jnp.clip(x, limits.min, limits.max)
    return x.astype(dtype)


@operation
def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    """Return an array or a list as a tensor."""
    require(not sparse, "convert_to_tensor", "sparse=None or False", sparse=sparse)
    require(not ragged, "convert_to_tensor", "ragged=None or False", ragged=ragged)
    return jnp.asarray(x, None if dtype is None else standardize_dtype(dtype))


def convert_to_numpy(x: Any) -> Any:
    """Return a tensor as a NumPy array."""
    return np.array(x)


def dtype(x: Any) -> str:
    """Return the name of the type of the numbers."""
    return str(jnp.result_type(x))


def is_tensor(x: Any) -> bool:
    """Return whether a value is the result of an operation."""
    return isinstance(x, Tensor | jax.Array)


def shape(x: Any) -> tuple[int | None, ...]:
    """Return the size of each axis."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


@operation
def slice(inputs: Any, start_indices: Any, shape: Any) -> Any:
    """Return a block of this shape; a size of -1 takes the rest of its axis."""
    inputs = to_jax(inputs)
    sizes = [
        inputs.shape[i] - int(start_indices[i]) if size == -1 else size
        for i, size in enumerate(shape)
    ]
    return jax.lax.dynamic_slice(inputs, start_indices, sizes)


@operation
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Any:
    """Return a copy in which a block has other numbers."""
    return jax.lax.dynamic_update_slice(to_jax(inputs), to_jax(updates), start_indices)


@operation
def scatter(indices: Any, values: Any, shape: Any) -> Any:
    """Add values at indices to an array of zeros."""
    values = to_jax(values)
    key = tuple(jnp.moveaxis(to_jax(indices), -1, 0))
    return jnp.zeros(shape, values.dtype).at[key].add(values)


@operation
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Any:
    """Return a copy with updates at indices: set, or combined by a reduction."""
    methods = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}
    require(reduction in methods, "scatter_update", f"one of {list(methods)}", reduction=reduction)
    place = to_jax(inputs).at[tuple(to_jax(indices).T)]
    return getattr(place, methods[reduction])(to_jax(updates))


@operation
def unstack(x: Any, num: int | None = None, axis: int = 0) -> Any:
    """Return the arrays along an axis as a list."""
    x = to_jax(x)
    return [jnp.squeeze(part, axis) for part in jnp.split(x, num or x.shape[axis], axis)]


@operation
def cond(pred: Any, true_fn: Any, false_fn: Any) -> Any:
    """Call one of two functions."""
    return jax.lax.cond(pred, true_fn, false_fn)


@operation
def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """Call the function with this index."""
    return jax.lax.switch(index, branches, *operands)


@operation
def fori_loop(lower: Any, upper: Any, body_fun: Any, init_val: Any) -> Any:
    """Call a function (i, value) for each i from `lower` to below `upper`."""
    return jax.lax.fori_loop(lower, upper, body_fun, init_val)


@operation
def while_loop(cond: Any, body: Any, loop_vars: Any, maximum_iterations: int | None = None) -> Any:
    """Call `body` as long as `cond` holds; both get the variables as arguments."""
    is_tuple = isinstance(loop_vars, tuple | list)

    def goes_on(state: Any) -> Any:
        step, values = state
        limit = True if maximum_iterations is None else step < maximum_iterations
        return jnp.logical_and(cond(*values), limit)

    def next_state(state: Any) -> Any:
        step, values = state
        result = body(*values)
        return step + 1, tuple(result) if is_tuple else (result,)

    values = tuple(loop_vars) if is_tuple else (loop_vars,)
    _, values = jax.lax.while_loop(goes_on, next_state, (0, values))
    return values if is_tuple else values[0]


@operation
def scan(
    f: Any, init: Any, xs: Any = None, length: Any = None, reverse: bool = False, unroll: int = 1
) -> Any:
    """Call f(state, x) for each x; return the last state and the stacked outputs."""
    return jax.lax.scan(f, init, xs, length, reverse, unroll)


@operation
def associative_scan(f: Any, elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """Combine neighbors along an axis, and return all results up to each element."""
    return jax.lax.associative_scan(f, jax.tree.map(to_jax, elems), reverse, axis)


@operation
def map(f: Any, xs: Any) -> Any:
    """Call a function for each row, one after another."""
    return jax.lax.map(f, jax.tree.map(jnp.asarray, xs))


@operation
def vectorized_map(function: Any, elements: Any) -> Any:
    """Call a function for each row, all at the same time."""
    return jax.vmap(function)(jax.tree.map(jnp.asarray, elements))


@operation
def top_k(x: Any, k: int, sorted: bool = True) -> Any:
    """Return the k largest numbers of the last axis, and their indices."""
    return tuple(jax.lax.top_k(to_jax(x), k))


@operation
def in_top_k(targets: Any, predictions: Any, k: int) -> Any:
    """Return whether the prediction of each target is one of the k largest."""
    targets, predictions = to_jax(targets), to_jax(predictions)
    score = jnp.take_along_axis(predictions, targets[..., None], -1)
    score = jnp.where(jnp.isnan(score), -jnp.inf, score)
    return (predictions > score).sum(-1) < k


@operation
def cdist(x: Any, y: Any) -> Any:
    """Return the Euclidean distance of each row of x to each row of y."""
    difference = to_jax(x)[..., :, None, :] - to_jax(y)[..., None, :, :]
    return jnp.sqrt((difference**2).sum(-1))


@operation
def extract_sequences(x: Any, sequence_length: int, sequence_stride: int) -> Any:
    """Return windows of the last axis."""
    x = to_jax(x)
    n_windows = 1 + (x.shape[-1] - sequence_length) // sequence_stride
    starts = sequence_stride * np.arange(n_windows)[:, None]
    return x[..., starts + np.arange(sequence_length)]


def _segment(function: Any) -> Any:
    def reduce(data: Any, segment_ids: Any, num_segments: Any = None, sorted: bool = False) -> Any:
        ids = to_jax(segment_ids)
        n_segments = int(ids.max()) + 1 if num_segments is None else num_segments
        return function(to_jax(data), ids, n_segments, sorted)

    return operation(reduce)


SEGMENTS = {
    name: _segment(getattr(jax.ops, name))
    for name in ("segment_max", "segment_min", "segment_prod", "segment_sum")
}


def _to_complex(x: Any) -> Any:
    require(
        isinstance(x, tuple | list) and len(x) == 2,
        "fft",
        "a pair (real part, imaginary part)",
        type=type(x).__name__,
    )
    return to_jax(x[0]) + 1j * to_jax(x[1])


def _parts(x: Any) -> Any:
    return x.real, x.imag


FOURIER = {
    name: operation(lambda x, function=function: _parts(function(_to_complex(x))))
    for name, function in {
        "fft": jnp.fft.fft,
        "fft2": jnp.fft.fft2,
        "ifft2": jnp.fft.ifft2,
    }.items()
}


@operation
def rfft(x: Any, fft_length: int | None = None) -> Any:
    """Return the real and imaginary parts of the Fourier transform of real numbers."""
    return _parts(jnp.fft.rfft(to_jax(x), fft_length))


@operation
def irfft(x: Any, fft_length: int | None = None) -> Any:
    """Return the real numbers of a Fourier transform, which is a pair of parts."""
    return jnp.fft.irfft(_to_complex(x), fft_length)


@operation
def view_as_complex(x: Any) -> Any:
    """Return the pairs of the last axis as complex numbers."""
    x = jnp.asarray(x, "float32")
    return x[..., 0] + 1j * x[..., 1]


@operation
def view_as_real(x: Any) -> Any:
    """Return complex numbers as pairs in a new last axis."""
    return jnp.stack(_parts(to_jax(x)), -1)


@operation
def rearrange(tensor: Any, pattern: str, **axes_lengths: int) -> Any:
    """Split, move and join axes by name, as in `rearrange(x, "n (h w) c -> n h w c", h=2)`."""
    x = to_jax(tensor)
    left, right = (
        [group.strip("()").split() for group in re.findall(r"\w+|\(.*?\)", side)]
        for side in pattern.split("->")
    )
    sizes = dict(axes_lengths)
    for group, length in zip(left, x.shape, strict=True):
        unknown = [name for name in group if name not in sizes]
        require(len(unknown) < 2, "rearrange", "the length of all axes but one", unknown=unknown)
        known = math.prod(sizes[name] for name in group if name in sizes)
        sizes |= dict.fromkeys(unknown, length // known)
    names = [name for group in left for name in group]
    x = x.reshape([sizes[name] for name in names])
    x = x.transpose([names.index(name) for group in right for name in group])
    return x.reshape([math.prod(sizes[name] for name in group) for group in right])


FUNCTIONS = [
    associative_scan, cast, cdist, cond, convert_to_numpy, convert_to_tensor, dtype,
    extract_sequences, fori_loop, in_top_k, irfft, is_tensor, map, rearrange, rfft, saturate_cast,
    scan, scatter, scatter_update, shape, slice, slice_update, switch, top_k, unstack,
    vectorized_map, view_as_complex, view_as_real, while_loop,
]  # fmt: skip
OPERATIONS |= SEGMENTS | FOURIER | {each.__name__: each for each in FUNCTIONS}
