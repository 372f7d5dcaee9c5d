"""Pure functions on a sequence of layers: names, initialization and the forward pass.

`engine/network.py` adds the backward pass.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import ConfigError, message, require, require_frozen_dataclass, wrap_errors
from glassnet.layers.layer import Layer
from glassnet.partial_shapes import fill, is_known, join
from glassnet.types import Array, Params, PartialShape, Shape, State

Links = tuple[Layer, ...]

T = TypeVar("T")

MAX_SHAPES = 512
"""Maximum number of output shapes that are remembered."""

STAND_IN_SIZES = (60, 960, 15360)
"""Sizes that stand for an unknown one; the first that is long enough for a layer is used.

They have many divisors, for layers that reshape.
"""


def default_name(layer: Layer) -> str:
    """Return the class name of a layer in snake case.

    Example:
        >>> from glassnet.layers import BatchNormalization, PReLU
        >>> default_name(BatchNormalization()), default_name(PReLU())
        ('batch_normalization', 'prelu')
    """
    return to_snake_case(type(layer).__name__)


def to_snake_case(name: str) -> str:
    """Return the name of a class in snake case.

    Example:
        >>> to_snake_case("LSTMCell"), to_snake_case("Conv2DTranspose")
        ('lstmcell', 'conv2d_transpose')
    """
    words = r"(?<=[a-z]{2})(?=[A-Z])|(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=\dD)(?=[A-Z])"
    return re.sub(words, "_", name).lower()


def unfold(layers: Sequence[Layer]) -> Links:
    """Return the links that run for `layers`, in order."""
    return tuple(link for layer in layers for link in layer.unfold())


def with_names(
    layers: Sequence[Layer], who: str = "Sequential", kinds: Sequence[str] | None = None
) -> tuple[Layer, ...]:
    """Return the layers, with names for those without one: `dense_1`, `dense_2`.

    Args:
        layers: with or without names.
        who: what has the layers, for the error.
        kinds: the name of each layer without a number; None for `default_name`.

    Raises:
        ConfigError: two layers share a name.
    """
    counts: Counter[str] = Counter()
    used = {layer.name for layer in layers}
    named = []
    for layer, kind in zip(layers, kinds or map(default_name, layers), strict=True):
        counts[kind] += 1
        while not layer.name and f"{kind}_{counts[kind]}" in used:
            counts[kind] += 1
        named.append(layer if layer.name else replace(layer, name=f"{kind}_{counts[kind]}"))
    duplicates = [
        name for name, count in Counter(layer.name for layer in named).items() if count > 1
    ]
    require(
        not duplicates,
        who,
        "a unique name for each layer",
        names=[layer.name for layer in named],
        fix=f"Rename the duplicates: {duplicates}.",
    )
    return tuple(named)


def check_layer_type(layer: Any, who: str = "Sequential") -> None:
    """Reject objects that are not layers, and layers whose class is not a frozen dataclass.

    Raises:
        ConfigError: `layer` is one of these; the message gives the line to write.
    """
    if isinstance(layer, type) and issubclass(layer, Layer):
        raise ConfigError(
            message(
                who,
                "layers",
                received=layer.__name__,
                fix=f"This is the class. Write {layer.__name__}(...).",
            )
        )
    fix = "Write a function as Activation(function)." if callable(layer) else ""
    fix = f"Write an activation as Activation({layer!r})." if isinstance(layer, str) else fix
    require(isinstance(layer, Layer), who, "layers", received=layer, fix=fix)
    require_frozen_dataclass(layer)


def as_layer(value: Any, who: str = "Sequential") -> Layer:
    """Return a layer, also that of an object around one, which is its `glassnet_layer`.

    Raises:
        ConfigError: see `check_layer_type`.
    """
    layer: Layer = getattr(value, "glassnet_layer", value)
    check_layer_type(layer, who)
    return layer


def init_partial(
    links: Links, rng: np.random.Generator, shape: PartialShape
) -> tuple[tuple[Params, ...], tuple[State, ...], tuple[PartialShape, ...]]:
    """Return the same as `init`, if sizes of the shape may be unknown.

    Raises:
        ConfigError: a link does not accept its input shape, or the shape of its weights depends on
            an unknown size.
    """
    if is_known(shape):
        return init(links, rng, shape)
    params: list[Params] = []
    state: list[State] = []
    shapes = [shape]
    for link in links:
        p, s, output_shape = _init_for_any_size(link, rng, shapes[-1])
        params.append(p)
        state.append(s)
        shapes.append(output_shape)
    return tuple(params), tuple(state), tuple(shapes)


def _init_for_any_size(
    link: Layer, rng: np.random.Generator, shape: PartialShape
) -> tuple[Params, State, PartialShape]:
    """Return params, state and output shape of a link that sees unknown sizes.

    It is built for a size and for twice that size, and what differs is unknown.
    """

    def build(rng: np.random.Generator, size: int) -> tuple[Params, State, Shape]:
        (p,), (s,), (_, output_shape) = init((link,), rng, fill(shape, size))
        return p, s, output_shape

    size, (p, s, short) = _try_sizes(lambda size: build(rng, size))
    other_p, other_s, long = build(np.random.default_rng(0), 2 * size)
    require(
        jax.tree.map(np.shape, (p, s)) == jax.tree.map(np.shape, (other_p, other_s)),
        link.name or type(link).__name__,
        "an input of known size, because the shape of its weights depends on it",
        input_shape=shape,
        fix="Put GlobalAveragePooling1D() or GlobalMaxPooling1D() before it, or write all sizes in "
        "Input.",
    )
    return p, s, join(short, long)


def _try_sizes(function: Callable[[int], T]) -> tuple[int, T]:
    """Return the first of `STAND_IN_SIZES` that a function accepts, and its result.

    Raises:
        ConfigError: it accepts none.
    """
    error = ""
    for size in STAND_IN_SIZES:
        try:
            return size, function(size)
        except ConfigError as cause:
            hint = ", which is -1 in Reshape" if "Reshape(" in str(cause) else ""
            error = error or f"{cause} {size} stands for an unknown size{hint}."
    raise ConfigError(error)


def init(
    links: Links, rng: np.random.Generator, shape: Shape
) -> tuple[tuple[Params, ...], tuple[State, ...], tuple[Shape, ...]]:
    """Return the initial params and state of each link, and the shapes between links.

    Raises:
        ConfigError: a link does not accept its input shape.
    """
    params: list[Params] = []
    state: list[State] = []
    shapes = [tuple(shape)]
    for link in links:
        try:
            p, s = link.init_params_and_state(rng, shapes[-1])
            params.append(p)
            state.append(s)
            has_learned(link, state[-1])
            shapes.append(output_shape(link, params[-1], state[-1], shapes[-1]))
        except ConfigError:
            raise
        except (TypeError, ValueError, IndexError) as error:
            reason = str(error).split("\n")[0]
            if isinstance(error, jax.errors.JAXTypeError) or "truth value" in reason:
                reason += (
                    ". Write it in jax.numpy: jnp.tanh for np.tanh, "
                    "jnp.where(condition, a, b) for if."
                )
            text = message(
                link.name or type(link).__name__,
                "an input shape that it accepts",
                input_shape=shapes[-1],
                fix=f"Cause: {reason}",
            )
            raise ConfigError(text) from error
    return tuple(params), tuple(state), tuple(shapes)


def output_partial_shape(
    link: Layer, params: Params, state: State, shape: PartialShape
) -> PartialShape:
    """Return the shape of one example after `link`, if sizes of `shape` may be unknown.

    Raises:
        ConfigError: see `output_shape`.
    """
    if is_known(shape):
        return output_shape(link, params, state, shape)

    def compute(size: int) -> Shape:
        with wrap_errors(link.name or type(link).__name__, "an input shape", error=ConfigError):
            return output_shape(link, params, state, fill(shape, size))

    size, short = _try_sizes(compute)
    return join(short, compute(2 * size))


def output_shape(link: Layer, params: Params, state: State, shape: Shape) -> Shape:
    """Return the shape of one example after `link`, by tracing it without computing.

    Raises:
        ConfigError: the output does not have the batch axis of the input and at least one more.
    """
    leaves, tree = jax.tree.flatten((params, state))
    shapes = tuple((np.shape(leaf), jnp.result_type(leaf)) for leaf in leaves)
    out = _trace_shape(link, tree, (*shapes, ((7, *shape), jnp.result_type(float))))
    require(
        len(out) > 1 and out[0] == 7,
        link.name or type(link).__name__,
        "an output of shape (batch, ...) with at least two axes",
        input=("batch", *shape),
        output=out,
    )
    return out[1:]


@functools.lru_cache(maxsize=MAX_SHAPES)
def _trace_shape(link: Layer, tree: Any, shapes: tuple[tuple[Shape, Any], ...]) -> Shape:
    """Return the shape of a link's output for its params, state and input.

    The networks of a cross-validation have equal layers, so most of the shapes are known.
    """
    *leaves, x = itertools.starmap(jax.ShapeDtypeStruct, shapes)
    params, state = jax.tree.unflatten(tree, leaves)
    out: Shape = jax.eval_shape(
        lambda p, s, x: run((link,), (p,), (s,), x)[0], params, state, x
    ).shape
    return out


def as_float(x: Array) -> Array:
    """Convert integers and booleans to float32, because uint8 wraps: 200 + 100 -> 44.

    Floats are returned as they are.
    """
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)


def has_learned(link: Layer, state: State) -> bool:
    """Return whether a link has its statistics of the training rows, or needs none."""
    if not link.learns:
        return True
    require(
        "count" in state,
        link.name or type(link).__name__,
        'statistics with "count", the number of training rows',
        state=list(state),
    )
    return float(state["count"]) > 0


def uses_randomness(link: Layer) -> bool:
    """Return whether a link may use its random key: it, or a part of it, overrides `apply`."""
    if link.parts:
        return any(map(uses_randomness, link.parts))
    return type(link).apply is not Layer.apply


def run(
    links: Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    *,
    key: Array = None,
    train: bool = False,
    mask: Array | None = None,
) -> tuple[Array, tuple[State, ...], Array | None]:
    """Run the links in order, forward only. Return the output, the new state and the mask."""
    x, states = as_float(x), []
    for i, (link, p, s) in enumerate(zip(links, params, state, strict=True)):
        x, s, mask = link.run(p, s, x, key=link_key(key, i, link), train=train, mask=mask)
        states.append(s)
    return x, tuple(states), mask


def link_key(key: Array, index: int, link: Layer) -> Array:
    """Return the random key of the link at `index`, or None if it uses none."""
    return jax.random.fold_in(key, index) if key is not None and uses_randomness(link) else None


def computes_z(link: Layer) -> bool:
    """Return whether the output of a link is z, the input of an activation."""
    return link.formula().startswith("z = ")
