"""Layers in a row, as pure functions: their names, their start, and one run through them.
`network.py` adds the way back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import ConfigError, message, require, require_frozen_dataclass
from glassnet.layers.layer import Layer
from glassnet.types import Array, Params, Shape, State

Links = tuple[Layer, ...]


def default_name(layer: Layer) -> str:
    """What a layer without a name is called.

    Example:
        >>> from glassnet.layers import BatchNormalization, PReLU
        >>> default_name(BatchNormalization()), default_name(PReLU())
        ('batch_normalization', 'prelu')
    """
    return re.sub(
        r"(?<=[a-z]{2})(?=[A-Z])|(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=\dD)(?=[A-Z])",
        "_",
        type(layer).__name__,
    ).lower()


def unfold(layers: Sequence[Layer]) -> Links:
    """The links that run for `layers`, in order."""
    return tuple(link for layer in layers for link in layer.unfold())


def with_names(layers: Sequence[Layer], who: str = "Sequential") -> tuple[Layer, ...]:
    """The layers with a name each: their own, or the class and a count, `dense_1`, `dense_2`.

    Raises:
        ConfigError: two layers share a name.
    """
    counts: Counter[str] = Counter()
    taken = {layer.name for layer in layers}
    done = []
    for layer in layers:
        counts[what := default_name(layer)] += 1
        while not layer.name and f"{what}_{counts[what]}" in taken:
            counts[what] += 1
        done.append(layer if layer.name else replace(layer, name=f"{what}_{counts[what]}"))
    twice = [name for name, times in Counter(layer.name for layer in done).items() if times > 1]
    require(
        not twice,
        who,
        "a name of its own for every layer",
        names=[layer.name for layer in done],
        fix=f"Twice: {twice}.",
    )
    return tuple(done)


def check_layer_type(layer: Any, who: str = "Sequential") -> None:
    """Refuse what is no layer, and a layer class that would compare equal to layers of other
    values.

    Raises:
        ConfigError: with the line to write.
    """
    if isinstance(layer, type) and issubclass(layer, Layer):
        raise ConfigError(
            message(
                who,
                "layers",
                received=layer.__name__,
                fix=f"This is the class; write {layer.__name__}(...).",
            )
        )
    fix = "A function goes in as Activation(function)." if callable(layer) else ""
    fix = f"An activation goes in as Activation({layer!r})." if isinstance(layer, str) else fix
    require(isinstance(layer, Layer), who, "layers", received=layer, fix=fix)
    require_frozen_dataclass(layer)


def init(
    links: Links, rng: np.random.Generator, shape: Shape
) -> tuple[tuple[Params, ...], tuple[State, ...], tuple[Shape, ...]]:
    """Starting params and state of every link, and the shapes between them.

    Raises:
        ConfigError: a link cannot take the shape that reaches it.
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
                reason += ". Write it in jax.numpy: jnp.tanh for np.tanh, jnp.where(condition, a, b) for if."
            text = message(
                link.name or type(link).__name__,
                "an input that it can take",
                input_shape=shapes[-1],
                fix=f"It said: {reason}",
            )
            raise ConfigError(text) from error
    return tuple(params), tuple(state), tuple(shapes)


def output_shape(link: Layer, params: Params, state: State, shape: Shape) -> Shape:
    """The shape of one example after `link`, derived by tracing it without computing.

    Raises:
        ConfigError: the link does not give as many rows as it takes, each of one number or more.
    """
    x = jax.ShapeDtypeStruct((7, *shape), jnp.result_type(float))
    out = jax.eval_shape(lambda p, s, x: run((link,), (p,), (s,), x)[0], params, state, x).shape
    rows = "an output of shape (batch, ...) with an axis besides the batch's"
    require(
        len(out) > 1 and out[0] == 7,
        link.name or type(link).__name__,
        rows,
        input=("batch", *shape),
        output=out,
    )
    return out[1:]


def as_float(x: Array) -> Array:
    """Whole numbers and booleans as float32, floats as they are: uint8 arithmetic would wrap (200 +
    100 -> 44).
    """
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)


def has_learned(link: Layer, state: State) -> bool:
    """Whether a link has the statistics it takes from the training rows, or takes none."""
    if type(link).learn is Layer.learn:
        return True
    require(
        "count" in state,
        link.name or type(link).__name__,
        'statistics with "count", the number of rows learned from',
        state=list(state),
    )
    return float(state["count"]) > 0


def uses_randomness(link: Layer) -> bool:
    """Whether a link may draw noise: it, or a part of it, has an `apply` of its own."""
    return (
        any(map(uses_randomness, link.parts)) if link.parts else type(link).apply is not Layer.apply
    )


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
    """Run the links in order, with no way back: the output, the new state and the mask."""
    x, kept = as_float(x), []
    for i, (link, p, s) in enumerate(zip(links, params, state, strict=True)):
        x, s, mask = link.run(p, s, x, key=link_key(key, i, link), train=train, mask=mask)
        kept.append(s)
    return x, tuple(kept), mask


def link_key(key: Array, index: int, link: Layer) -> Array:
    """The key of the link at `index`; None where it draws nothing."""
    return jax.random.fold_in(key, index) if key is not None and uses_randomness(link) else None
