"""Names, shapes and dtypes of a model's arrays, computed without allocating the arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, TypeAlias

import jax
import numpy as np

from glassnet.engine import network
from glassnet.engine.network import BuiltNetwork
from glassnet.errors import GlassnetError, ModelFileError, message, require
from glassnet.fingerprinting import MAX_ROWS, RowFingerprints
from glassnet.initializers import Initializer
from glassnet.layers import Layer, functional
from glassnet.optimizers import Optimizer
from glassnet.partial_shapes import fill
from glassnet.storage import json_codec
from glassnet.types import Params, PartialShape, Shape, State

ARRAY_NAME = re.compile(r"\w[\w .:+-]{0,199}(/\w[\w .:+-]{0,199}){0,40}")
"""Pattern of a valid array name, which can never be an absolute or a parent path."""

OPTIMIZER_PREFIX = "@optimizer"
"""Prefix of the names of the optimizer's arrays."""

ROWS_NAME = "@rows"
"""Name of the array of the fingerprints of training rows: the salt, then the sorted hashes."""

MAX_ELEMENTS = 2**27
"""Maximum number of elements of one example after any layer (half a gigabyte in float32)."""

DTYPE_CODES = {
    "f2": "F16",
    "f4": "F32",
    "f8": "F64",
    "i1": "I8",
    "i2": "I16",
    "i4": "I32",
    "i8": "I64",
    "u1": "U8",
    "u4": "U32",
    "b1": "BOOL",
}
"""Supported dtypes: NumPy's code to the safetensors code."""

Header: TypeAlias = Mapping[str, tuple[Shape, str]]
"""Shape and dtype code of every array, by name."""


class ModelArrays(NamedTuple):
    """A model's arrays, nested as in the engine."""

    params: tuple[Params, ...] = ()
    state: tuple[State, ...] = ()
    optimizer_state: Any = None
    rows: RowFingerprints | None = None


@dataclass(frozen=True)
class PlaceholderInitializer(Initializer):
    """Initializer of zeros that take no memory, used to compute shapes."""

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return np.broadcast_to(np.float32(0), shape)

    def draw_many(self, rng: np.random.Generator, shape: Shape, n: int) -> np.ndarray:
        """See `Initializer.draw_many`."""
        return np.broadcast_to(np.float32(0), (*shape[:-1], n, shape[-1]))


def build_abstract_network(
    layers: Sequence[Layer], shape: PartialShape
) -> tuple[BuiltNetwork, ModelArrays]:
    """Build a network with arrays that have the right shapes but take no memory.

    Raises:
        ModelFileError: the layers do not fit together.
    """
    try:
        with np.errstate(all="ignore"):
            abstract, params, state = network.build(
                [_with_placeholders(layer) for layer in layers], shape, np.random.default_rng(0)
            )
    except (GlassnetError, OverflowError, MemoryError) as error:
        text = f"load: expected layers that fit together. {str(error)[:400]}"
        raise ModelFileError(text) from error
    largest = max((fill(shape, 1) for shape in abstract.shapes), key=math.prod)
    limit = f"at most {MAX_ELEMENTS:,} numbers per example after every layer"
    require(math.prod(largest) <= MAX_ELEMENTS, "load", limit, error=ModelFileError, shape=largest)
    built = network.assemble(functional.with_names(layers), params, state, abstract.shapes)
    return built, ModelArrays(params, state)


def add_optimizer_state(
    built: BuiltNetwork, arrays: ModelArrays, optimizer: Optimizer
) -> ModelArrays:
    """Add the shapes of the optimizer's state to a model's arrays.

    Call it only after the sizes of the params were compared with those in the file: a custom
    optimizer may allocate its state to compute its shape.
    """
    trainable = jax.tree.map(
        lambda p: jax.ShapeDtypeStruct(p.shape, p.dtype),  # type: ignore[no-untyped-call]
        network.split(built.links, arrays.params)[0],
    )
    return arrays._replace(optimizer_state=jax.eval_shape(optimizer.init, trainable))


def _with_placeholders(value: Any) -> Any:
    """Replace every initializer in a layer, at any depth, by `PlaceholderInitializer`."""
    if isinstance(value, Initializer):
        return PlaceholderInitializer()
    if isinstance(value, tuple):
        return tuple(map(_with_placeholders, value))
    if not isinstance(value, Layer):
        return value
    names = [field.name for field in fields(value) if field.init]
    return replace(value, **{name: _with_placeholders(getattr(value, name)) for name in names})


def flatten_arrays(built: BuiltNetwork, arrays: ModelArrays) -> dict[str, Any]:
    """Return a model's arrays (or their shapes) by their names in a file.

    Examples of names are `dense_1/kernel` and `@optimizer/velocity/0/kernel`.

    Raises:
        ModelFileError: a name is invalid or occurs twice.
    """
    trees = {"params": arrays.params, "state": arrays.state}
    result: dict[str, Any] = {}
    for name, (kind, path, key) in zip(_array_names(built), built.weight_paths, strict=True):
        require(
            ARRAY_NAME.fullmatch(name),
            "layer",
            "a name of letters, digits and _ . : + -",
            error=ModelFileError,
            name=name[:100],
        )
        require(
            name not in result,
            "layer",
            "a unique name for each array",
            error=ModelFileError,
            duplicate=name[:100],
        )
        result[name] = network.tree_get(trees[kind], path)[key]
    if arrays.rows is not None:
        result[ROWS_NAME] = _rows_to_array(arrays.rows)
    return result | flatten_tree(OPTIMIZER_PREFIX, arrays.optimizer_state)


def unflatten_arrays(
    built: BuiltNetwork, template: ModelArrays, arrays_by_name: Mapping[str, np.ndarray]
) -> ModelArrays:
    """Nest arrays like `template`; the inverse of `flatten_arrays`."""
    trees = {"params": template.params, "state": template.state}
    for name, (kind, path, key) in zip(_array_names(built), built.weight_paths, strict=True):
        trees[kind] = network.tree_set(
            trees[kind], path, network.tree_get(trees[kind], path) | {key: arrays_by_name[name]}
        )
    optimizer_state = jax.tree.unflatten(
        jax.tree.structure(template.optimizer_state),
        [arrays_by_name[name] for name in flatten_tree(OPTIMIZER_PREFIX, template.optimizer_state)],
    )
    rows = arrays_by_name.get(ROWS_NAME)
    fingerprints = None if rows is None else _rows_from_array(rows)
    return ModelArrays(trees["params"], trees["state"], optimizer_state, fingerprints)


def _rows_to_array(rows: RowFingerprints) -> np.ndarray:
    """Return the salt and the hashes as one array; the salt alone if there are no hashes."""
    return np.concatenate([np.array([rows.salt], np.uint64), rows.hashes]).view(np.int64)


def _rows_from_array(array: np.ndarray) -> RowFingerprints:
    """Undo `_rows_to_array`.

    Raises:
        ModelFileError: the hashes are not sorted, or one occurs twice.
    """
    words = np.array(array).view(np.uint64)
    hashes = words[1:]
    is_sorted = bool(np.all(hashes[1:] > hashes[:-1]))
    require(is_sorted, "load", "sorted fingerprints of rows", error=ModelFileError)
    return RowFingerprints(int(words[0]), hashes.tobytes() or None)


def rows_template(who: str, header: Header) -> dict[str, Any]:
    """Return the fingerprints that a file may contain, as zeros that take no memory.

    Raises:
        ModelFileError: their number or dtype is not allowed.
    """
    if ROWS_NAME not in header:
        return {}
    shape, dtype = header[ROWS_NAME]
    fits = dtype == "I64" and len(shape) == 1 and 1 <= shape[0] <= MAX_ROWS + 1
    received = json_codec.SHORT_REPR.repr(shape)
    expected = f"fingerprints of at most {MAX_ROWS:,} rows, I64"
    require(fits, who, expected, error=ModelFileError, shape=received, dtype=dtype)
    return {ROWS_NAME: np.broadcast_to(np.int64(0), shape)}


def _array_names(built: BuiltNetwork) -> list[str]:
    links = dict(network.iter_links(built.links))
    return [f"{links[path].name}/{key}" for _, path, key in built.weight_paths]


def flatten_tree(prefix: str, tree: Any) -> dict[str, Any]:
    """Return a tree's leaves by their names in a file, which start with `prefix`."""
    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {
        f"{prefix}/{jax.tree_util.keystr(path, simple=True, separator='/')}": leaf
        for path, leaf in leaves
    }


def make_header(arrays: Mapping[str, np.ndarray]) -> Header:
    """Return the shape and the dtype code of each array."""
    return {name: (array.shape, get_dtype_code(name, array)) for name, array in arrays.items()}


def check_header(who: str, header: Header, expected: Mapping[str, Any]) -> None:
    """Check that a file's arrays have the names, shapes and dtypes of the model's arrays.

    Raises:
        ModelFileError: an array is missing, unexpected, or has another shape or dtype.
    """
    missing = sorted(expected.keys() - header.keys())
    unexpected = [name[:100] for name in sorted(header.keys() - expected.keys())]
    require(not missing, who, "all arrays of the model", error=ModelFileError, missing=missing[:3])
    require(
        not unexpected,
        who,
        "only arrays of the model",
        error=ModelFileError,
        unexpected=unexpected[:3],
    )
    for name, array in expected.items():
        shape, dtype = np.shape(array), get_dtype_code(name, array)
        if header[name] != (shape, dtype):
            text = message(who, f"{name} to have shape {shape} and dtype {dtype}")
            raise ModelFileError(
                f"{text} Received: shape={json_codec.SHORT_REPR.repr(header[name][0])}, "
                f"dtype={header[name][1]!r}."
            )


def get_dtype_code(name: str, array: Any) -> str:
    """Return the safetensors code of an array's dtype.

    Raises:
        ModelFileError: files do not support the dtype.
    """
    code = np.dtype(array.dtype).str[1:]
    if code not in DTYPE_CODES:
        dtypes = ", ".join(DTYPE_CODES.values())
        raise ModelFileError(message(name, f"a dtype out of {dtypes}", dtype=str(array.dtype)))
    return DTYPE_CODES[code]
