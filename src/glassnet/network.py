"""Pure: a tuple of links to numbers and back. The chain rule lives here, and nowhere else.

    y, pullbacks, state, mask = forward(links, params, state, x, train=True)      # one jax.vjp per link
    grads, dx, deltas = backward(pullbacks, dy)                                   # walked in reverse

`backward` is the lecture's chain rule with the delta at every link in hand, at no cost: compiled, it is the same program as
`jax.grad` of the whole network. So what the trace shows is what training runs.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import ConfigError, DataError, NotReadyError, message, require, require_value
from glassnet.layers import Activation, Layer
from glassnet.types import Array, Params, Shape, State

Links = tuple[Layer, ...]


class Pullback(NamedTuple):
    """One link's memory of its forward pass: what came out, and the map from dL/d(output) to (dL/d(params), dL/d(input))."""

    output: Array
    vjp: Callable[[Array], tuple[Params, Array | None]]


def unfold(layers: Sequence[Layer]) -> Links:
    """The links that run for `layers`, in order."""
    return tuple(link for layer in layers for link in layer.unfold())


@dataclass(frozen=True)
class Built:
    """A network for one input shape.

    Attributes:
        layers: as written, each with its name.
        links: what runs.
        spans: for each layer, (first, one past the last) of its links.
        shapes: of one example: shapes[i] enters link i, shapes[-1] leaves the network.
        weights: where every weight is, in the order of their listing: ("params" or "state", link, key).
    """

    layers: tuple[Layer, ...]
    links: Links
    spans: tuple[tuple[int, int], ...]
    shapes: tuple[Shape, ...]
    weights: tuple[tuple[str, int, str], ...]


def build(layers: Sequence[Layer], shape: Shape, rng: np.random.Generator) -> tuple[Built, tuple[Params, ...], tuple[State, ...]]:
    """The network that `layers` make for examples of `shape`, with its starting params and state.

    Raises:
        ConfigError: a link cannot take the shape that reaches it; two layers share a name.
    """
    layers = named(layers)
    groups = [layer.unfold() for layer in layers]
    ends = list(itertools.accumulate(len(group) for group in groups))
    links = tuple(itertools.chain(*groups))
    params, state, shapes = init(links, rng, shape)
    weights = [(kind, i, key) for i in range(len(links)) for kind, tree in (("params", params), ("state", state)) for key in tree[i]]
    spans = tuple((end - len(group), end) for end, group in zip(ends, groups, strict=True))
    return Built(layers, links, spans, shapes, tuple(weights)), params, state


def named(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """The layers with a name each: their own, or the class and a count, `dense_1`, `dense_2`.

    Raises:
        ConfigError: two layers share a name.
    """
    counts: Counter[str] = Counter()
    taken = {layer.name for layer in layers}
    done = []
    for layer in layers:
        kind = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
        counts[kind] += 1
        while not layer.name and f"{kind}_{counts[kind]}" in taken:
            counts[kind] += 1
        done.append(layer if layer.name else replace(layer, name=f"{kind}_{counts[kind]}"))
    twice = [name for name, times in Counter(layer.name for layer in done).items() if times > 1]
    require(not twice, "Sequential", "a name of its own for every layer", names=[layer.name for layer in done], fix=f"Twice: {twice}.")
    return tuple(done)


def check_layer_class(layer: Any) -> None:
    """Refuse what is no layer, and a layer class that would compare equal to layers of other values.

    Raises:
        ConfigError: with the line to write.
    """
    if isinstance(layer, type) and issubclass(layer, Layer):
        raise ConfigError(message("Sequential", "layers", received=layer.__name__, fix=f"This is the class; write {layer.__name__}(...)."))
    require(isinstance(layer, Layer), "Sequential", "layers", received=layer, fix="A function goes in as Activation(function).")
    require_value(layer)


def init(links: Links, rng: np.random.Generator, shape: Shape) -> tuple[tuple[Params, ...], tuple[State, ...], tuple[Shape, ...]]:
    """Starting params and state of every link, and the shapes between them.

    Raises:
        ConfigError: a link cannot take the shape that reaches it.
    """
    params: list[Params] = []
    state: list[State] = []
    shapes = [tuple(shape)]
    for link in links:
        try:
            params.append(link.init(rng, shapes[-1]))
            state.append(link.init_state(shapes[-1]))
            has_learned(link, state[-1])
            shapes.append(output_shape(link, params[-1], state[-1], shapes[-1]))
        except ConfigError:
            raise
        except (TypeError, ValueError, IndexError) as error:
            reason = str(error).split("\n")[0]
            text = message(link.name or type(link).__name__, "an input that it can take", input_shape=shapes[-1], fix=f"It said: {reason}")
            raise ConfigError(text) from error
    return tuple(params), tuple(state), tuple(shapes)


def output_shape(link: Layer, params: Params, state: State, shape: Shape) -> Shape:
    """The shape of one example after `link`, derived by tracing it without computing.

    Raises:
        ConfigError: the link does not give as many rows as it takes, each of one number or more.
    """
    x = jax.ShapeDtypeStruct((7, *shape), jnp.result_type(float))
    out = jax.eval_shape(lambda p, s, x: apply((link,), (p,), (s,), x)[0], params, state, x).shape
    rows = "an output of shape (batch, ...) with an axis besides the batch's"
    require(len(out) > 1 and out[0] == 7, link.name or type(link).__name__, rows, input=("batch", *shape), output=out)
    return out[1:]


def forward(
    links: Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    *,
    key: Array = None,
    train: bool = False,
    mask: Array | None = None,
) -> tuple[Array, tuple[Pullback, ...], tuple[State, ...], Array | None]:
    """Run the links in order and keep of each what its backward needs: y, pullbacks, new state, mask.

    Whole numbers (pixels) become floats first. A link's gradient is taken with respect to its trainable params alone.
    """
    x = as_float(x)
    pullbacks, states = [], []
    for i, (link, p, s) in enumerate(zip(links, params, state, strict=True)):
        learning, frozen = split_trainable(link, p)

        def run(learning, x, link=link, frozen=frozen, s=s, i=i, mask=mask):
            y, s = link.apply(merge(learning, frozen), s, x, key=_link_key(key, i, link), train=train, mask=mask)
            return y, (s, link.mask(x, mask))

        x, vjp, (s, mask) = jax.vjp(run, learning, x, has_aux=True)
        pullbacks.append(Pullback(x, vjp))
        states.append(s)
    return x, tuple(pullbacks), tuple(states), mask


def backward(pullbacks: Sequence[Pullback], dy: Array) -> tuple[tuple[Params, ...], Array, tuple[Array, ...]]:
    """The chain rule: grads of every link's params, dL/d(input of the first link), and the delta dL/d(output) at every link."""
    grads, deltas = [], []
    for pullback in reversed(pullbacks):
        deltas.append(dy)
        g, dy = pullback.vjp(dy)
        grads.append(g)
    return tuple(reversed(grads)), dy, tuple(reversed(deltas))


def apply(
    links: Links, params: tuple[Params, ...], state: tuple[State, ...], x: Array, mask: Array | None = None
) -> tuple[Array, Array | None]:
    """Inference: the output and its mask, with no way back."""
    x = as_float(x)
    for link, p, s in zip(links, params, state, strict=True):
        y, _ = link.apply(p, s, x, key=None, train=False, mask=mask)
        x, mask = y, link.mask(x, mask)
    return x, mask


def as_float(x: Array) -> Array:
    """Whole numbers and booleans as float32, floats as they are: uint8 arithmetic would wrap (200 + 100 -> 44)."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(jnp.float32)


def split_head(links: Links, loss: Any) -> tuple[Links, Links]:
    """(body, head): where the last link is the activation that the loss owns, the loss is taken before it, on z.

    Through the probabilities the loss of a confident wrong answer is infinite and its delta NaN; on z both are exact.
    """
    last = links[-1] if links else None
    if loss.link is not None and isinstance(last, Activation) and last.activation == loss.link:
        return links[:-1], links[-1:]
    return links, ()


def has_learned(link: Layer, state: State) -> bool:
    """Whether a link has the statistics it takes from the training rows, or takes none."""
    if type(link).learn is Layer.learn:
        return True
    require(
        "count" in state, link.name or type(link).__name__, 'statistics with "count", the number of rows learned from', state=list(state)
    )
    return float(state["count"]) > 0


def require_learned(links: Links, state: tuple[State, ...]) -> None:
    """Refuse to run links that lack statistics they take from the training rows.

    Raises:
        NotReadyError: with the link's name.
    """
    for link, s in zip(links, state, strict=True):
        if not has_learned(link, s):
            raise NotReadyError(message(str(link.name), "statistics learned from data", fix="Fit the model, or give it layer.adapt(x)."))


def penalty(links: Sequence[Layer], params: Sequence[Params]) -> Array:
    """The regularizers' part of the loss, over all trainable links; None where no link has any."""
    learning = [(link, p) for link, p in zip(links, params, strict=True) if link.trainable]
    costs = [penalty(link.parts, p) if link.parts else link.penalty(p) for link, p in learning]
    terms = [cost for cost in costs if cost is not None]
    return sum(terms[1:], terms[0]) if terms else None


def split_trainable(link: Layer, params: Params) -> tuple[Params, Params]:
    """(what learns, what is frozen): each in the shape of `params`, with None where the other has something."""
    if not link.trainable:
        return None, params
    if link.parts:
        pairs = [split_trainable(part, p) for part, p in zip(link.parts, params, strict=True)]
        return tuple(learning for learning, _ in pairs), tuple(frozen for _, frozen in pairs)
    return params, None


def split(links: Links, params: tuple[Params, ...]) -> tuple[tuple[Params, ...], tuple[Params, ...]]:
    """`split_trainable` of every link."""
    pairs = [split_trainable(link, p) for link, p in zip(links, params, strict=True)]
    return tuple(learning for learning, _ in pairs), tuple(frozen for _, frozen in pairs)


def merge(learning: Params, frozen: Params) -> Params:
    """Undo `split` or `split_trainable`."""
    if isinstance(learning, tuple) and isinstance(frozen, tuple):
        return tuple(merge(a, b) for a, b in zip(learning, frozen, strict=True))
    return frozen if learning is None else learning


Places = Sequence[tuple[str, int, str]]
"""Where weights are: ("params" or "state", link, key)."""


def get_weights(where: Places, params: tuple[Params, ...], state: tuple[State, ...]) -> list[np.ndarray]:
    """Copies of the weights at those places."""
    trees = {"params": params, "state": state}
    return [np.array(trees[kind][i][key]) for kind, i, key in where]


def set_weights(
    built: Built, where: Places, params: tuple[Params, ...], state: tuple[State, ...], weights: Sequence[Any]
) -> tuple[tuple[Params, ...], tuple[State, ...]]:
    """(params, state) with `weights` at those places.

    Raises:
        DataError: another number of arrays, or another shape than is there.
    """
    weights = list(weights) if isinstance(weights, Iterable) and not isinstance(weights, str) else []
    require(len(weights) == len(where), "set_weights", f"{len(where)} arrays", error=DataError, arrays=len(weights))
    trees = {"params": [dict(tree) for tree in params], "state": [dict(tree) for tree in state]}
    for (kind, i, key), weight in zip(where, weights, strict=True):
        old, what = np.shape(trees[kind][i][key]), f"{built.links[i].name}/{key}"
        try:
            new = np.array(weight, np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(message(what, f"an array of shape {old}", fix=str(error))) from error
        require(new.shape == old, what, f"an array of shape {old}", error=DataError, shape=new.shape)
        require(np.isfinite(new).all(), what, "finite numbers", error=DataError, bad=int((~np.isfinite(new)).sum()))
        trees[kind][i][key] = new
    return tuple(trees["params"]), tuple(trees["state"])


def by_name(built: Built, params: tuple[Params, ...]) -> dict[str, dict[str, np.ndarray]]:
    """Copies of the params by the name of their link and their own: {"dense_1": {"kernel": ..., "bias": ...}}."""
    found: dict[str, dict[str, np.ndarray]] = {}
    for kind, i, key in built.weights:
        if kind == "params":
            found.setdefault(str(built.links[i].name), {})[key] = np.array(params[i][key])
    return found


def count(params: Params) -> int:
    """How many numbers `params` holds."""
    return sum(math.prod(np.shape(leaf)) for leaf in jax.tree.leaves(params))


def draws(link: Layer) -> bool:
    """Whether a link may draw noise: it has an `apply` of its own."""
    return type(link).apply is not Layer.apply


def _link_key(key: Array, index: int, link: Layer) -> Array:
    return jax.random.fold_in(key, index) if key is not None and draws(link) else None
