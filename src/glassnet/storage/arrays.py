"""A model's arrays: what they are called in a file, and which shapes and kinds they must have,
worked out without memory for them.
"""

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
from glassnet.initializers import Initializer
from glassnet.layers import Layer, functional
from glassnet.optimizers import Optimizer
from glassnet.storage import json_codec
from glassnet.types import Params, Shape, State

ARRAY_NAME = re.compile(r"\w[\w .:+-]{0,199}(/\w[\w .:+-]{0,199}){0,40}")
"""What the name of an array looks like: never like a path that leads elsewhere."""

OPTIMIZER_PREFIX = "@optimizer"
"""What the names of the arrays begin with that the optimizer remembers."""

MAX_ELEMENTS = 2**27
"""The most numbers that an example may become on its way through a network: half a gigabyte."""

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
"""Kinds of numbers as NumPy writes them, and as safetensors does."""

Header: TypeAlias = Mapping[str, tuple[Shape, str]]
"""Shape and kind of every array, by name."""


class ModelArrays(NamedTuple):
    """A model's arrays, nested as the engine has them."""

    params: tuple[Params, ...] = ()
    state: tuple[State, ...] = ()
    optimizer_state: Any = None


@dataclass(frozen=True)
class PlaceholderInitializer(Initializer):
    """Weights of a shape that take no memory: what a network is measured with."""

    def __call__(self, rng: np.random.Generator, shape: Shape) -> np.ndarray:
        return np.broadcast_to(np.float32(0), shape)

    def draw_many(self, rng: np.random.Generator, shape: Shape, n: int) -> np.ndarray:
        """See `Initializer.draw_many`."""
        return np.broadcast_to(np.float32(0), (*shape[:-1], n, shape[-1]))


def build_abstract_network(
    layers: Sequence[Layer], shape: Shape, optimizer: Optimizer | None
) -> tuple[BuiltNetwork, ModelArrays]:
    """The network of these layers, with arrays that have its shapes and take no memory; with an
    optimizer, what that remembers too.

    Raises:
        ModelFileError: the layers do not go together.
    """
    try:
        with np.errstate(all="ignore"):
            hollow, params, state = network.build(
                [_with_placeholders(layer) for layer in layers], shape, np.random.default_rng(0)
            )
    except (GlassnetError, OverflowError) as error:
        raise ModelFileError(f"load: the layers do not go together. {str(error)[:400]}") from error
    largest = max(hollow.shapes, key=math.prod)
    few = f"at most {MAX_ELEMENTS:,} numbers an example after every layer"
    require(math.prod(largest) <= MAX_ELEMENTS, "load", few, error=ModelFileError, shape=largest)
    built = network.assemble(functional.with_names(layers), params, state, hollow.shapes)
    learning = jax.tree.map(
        lambda p: jax.ShapeDtypeStruct(p.shape, p.dtype), network.split(built.links, params)[0]
    )
    return built, ModelArrays(params, state, optimizer and jax.eval_shape(optimizer.init, learning))


def _with_placeholders(value: Any) -> Any:
    """A part in which every initializer, however deep, takes no memory."""
    if isinstance(value, Initializer):
        return PlaceholderInitializer()
    if isinstance(value, tuple):
        return tuple(map(_with_placeholders, value))
    if not isinstance(value, Layer):
        return value
    return replace(
        value,
        **{
            field.name: _with_placeholders(getattr(value, field.name))
            for field in fields(value)
            if field.init
        },
    )


def flatten_arrays(built: BuiltNetwork, arrays: ModelArrays) -> dict[str, Any]:
    """A model's arrays, or their shapes, by the names that they have in a file: `dense_1/kernel`,
    `@optimizer/velocity/0/kernel`.

    Raises:
        ModelFileError: a name that no file may hold, or that stands for two arrays.
    """
    trees = {"params": arrays.params, "state": arrays.state}
    found = {}
    for name, (kind, path, key) in zip(_array_names(built), built.weight_paths, strict=True):
        require(
            ARRAY_NAME.fullmatch(name),
            "layer",
            "a name of letters, digits and _ . : + -",
            error=ModelFileError,
            name=name[:100],
        )
        require(
            name not in found,
            "layer",
            "a name of its own for every array",
            error=ModelFileError,
            twice=name[:100],
        )
        found[name] = network.tree_get(trees[kind], path)[key]
    return found | flatten_tree(OPTIMIZER_PREFIX, arrays.optimizer_state)


def unflatten_arrays(
    built: BuiltNetwork, template: ModelArrays, arrays_by_name: Mapping[str, np.ndarray]
) -> ModelArrays:
    """The arrays in their places: `flatten_arrays` the other way round."""
    trees = {"params": template.params, "state": template.state}
    for name, (kind, path, key) in zip(_array_names(built), built.weight_paths, strict=True):
        trees[kind] = network.tree_set(
            trees[kind], path, network.tree_get(trees[kind], path) | {key: arrays_by_name[name]}
        )
    form = jax.tree.structure(template.optimizer_state)
    memory = jax.tree.unflatten(
        form,
        [arrays_by_name[name] for name in flatten_tree(OPTIMIZER_PREFIX, template.optimizer_state)],
    )
    return ModelArrays(trees["params"], trees["state"], memory)


def _array_names(built: BuiltNetwork) -> list[str]:
    links = dict(network.iter_links(built.links))
    return [f"{links[path].name}/{key}" for _, path, key in built.weight_paths]


def flatten_tree(prefix: str, tree: Any) -> dict[str, Any]:
    """A tree's arrays by the names that they have in a file, below `prefix`."""
    found = jax.tree_util.tree_flatten_with_path(tree)[0]
    return {
        f"{prefix}/{jax.tree_util.keystr(path, simple=True, separator='/')}": leaf
        for path, leaf in found
    }


def make_header(arrays: Mapping[str, np.ndarray]) -> Header:
    """Shape and kind of arrays that were read."""
    return {name: (array.shape, get_dtype_code(name, array)) for name, array in arrays.items()}


def check_header(who: str, header: Header, expected: Mapping[str, Any]) -> None:
    """Refuse arrays other than those that the model has.

    Raises:
        ModelFileError: with the first that differs.
    """
    missing, strange = (
        sorted(expected.keys() - header.keys()),
        sorted(header.keys() - expected.keys()),
    )
    require(not missing, who, "all arrays of the model", error=ModelFileError, missing=missing[:3])
    require(
        not strange,
        who,
        "no arrays but the model's",
        error=ModelFileError,
        others=[name[:100] for name in strange[:3]],
    )
    for name, array in expected.items():
        shape, kind = np.shape(array), get_dtype_code(name, array)
        expects = f"{name} of shape {shape} and kind {kind}, as the layers say"
        if header[name] != (shape, kind):
            raise ModelFileError(
                f"{message(who, expects)} Received: shape={json_codec.SHORT_REPR.repr(header[name][0])}, kind={header[name][1]!r}."
            )


def get_dtype_code(name: str, array: Any) -> str:
    """The kind of an array's numbers, as safetensors calls it.

    Raises:
        ModelFileError: files do not hold such.
    """
    kind = np.dtype(array.dtype).str[1:]
    if kind not in DTYPE_CODES:
        raise ModelFileError(
            message(
                name,
                f"numbers of a kind out of {', '.join(DTYPE_CODES.values())}",
                kind=str(array.dtype),
            )
        )
    return DTYPE_CODES[kind]
