"""Pure: a tuple of links to numbers and back. The chain rule lives here, and nowhere else.

    y, pullbacks, state, mask = forward(links, params, state, x, train=True)      # one jax.vjp per link
    grads, dx, deltas = backward(pullbacks, dy)                                   # walked in reverse

`backward` is the lecture's chain rule with the delta at every link in hand, at no cost: compiled,
it is the same program as `jax.grad` of the whole network. So what the trace shows is what training
runs. A composite goes the same way, link by link inside.

Params, state and grads nest as the links do. What is listed of every link, those inside composites
too, comes in the order of `iter_links`, in which they end: what is inside a composite stands before
it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from glassnet.errors import DataError, NotReadyError, message, require
from glassnet.layers import Activation, Composite, Layer, functional
from glassnet.layers.composite import join_masks
from glassnet.layers.functional import Links
from glassnet.types import Array, Params, Shape, State

LinkPath = tuple[int, ...]
"""Where a link is: its index, then, inside a composite, its index among the parts."""

WeightPaths = Sequence[tuple[str, LinkPath, str]]
"""Where weights are: ("params" or "state", path of the link, key)."""


class Pullback(NamedTuple):
    """One link's memory of its forward pass.

    Attributes:
        outputs: what came out, of every link inside a composite and last of the link itself.
        vjp: dL/d(output) to (dL/d(params), dL/d(input), and the deltas, dL/d(output), of every link
            inside).
    """

    outputs: tuple[Array, ...]
    vjp: Callable[[Array], tuple[Params, Array | None, tuple[Array, ...]]]


@dataclass(frozen=True)
class BuiltNetwork:
    """A network for one input shape.

    Attributes:
        layers: as written, each with its name.
        links: what runs.
        spans: for each layer, (first, one past the last) of its links.
        shapes: of one example: shapes[i] enters link i, shapes[-1] leaves the network.
        weight_paths: where every weight is, in the order of their listing.
    """

    layers: tuple[Layer, ...]
    links: Links
    spans: tuple[tuple[int, int], ...]
    shapes: tuple[Shape, ...]
    weight_paths: tuple[tuple[str, LinkPath, str], ...]


def build(
    layers: Sequence[Layer], shape: Shape, rng: np.random.Generator
) -> tuple[BuiltNetwork, tuple[Params, ...], tuple[State, ...]]:
    """The network that `layers` make for examples of `shape`, with its starting params and state.

    Raises:
        ConfigError: a link cannot take the shape that reaches it; two layers share a name.
    """
    layers = functional.with_names(layers)
    params, state, shapes = functional.init(functional.unfold(layers), rng, shape)
    return assemble(layers, params, state, shapes), params, state


def assemble(
    layers: Sequence[Layer],
    params: tuple[Params, ...],
    state: tuple[State, ...],
    shapes: tuple[Shape, ...],
) -> BuiltNetwork:
    """The network of named layers whose params, state and shapes are known."""
    groups = [layer.unfold() for layer in layers]
    ends = list(itertools.accumulate(len(group) for group in groups))
    links = tuple(itertools.chain(*groups))
    trees = (("params", params), ("state", state))
    plain = [path for path, link in iter_links(links) if not isinstance(link, Composite)]
    weights = [
        (kind, path, key) for path in plain for kind, tree in trees for key in tree_get(tree, path)
    ]
    spans = tuple((end - len(group), end) for end, group in zip(ends, groups, strict=True))
    return BuiltNetwork(tuple(layers), links, spans, shapes, tuple(weights))


def iter_links(links: Links, path: LinkPath = ()) -> Iterator[tuple[LinkPath, Layer]]:
    """Every link with its path, in the order in which they end: what is inside a composite, then
    the composite.
    """
    for i, link in enumerate(links):
        yield from iter_links(link.parts, (*path, i))
        yield (*path, i), link


def tree_get(tree: Any, path: LinkPath) -> Any:
    """What a tree that nests as the links do holds for the link at `path`; None inside what is None
    as a whole.
    """
    for i in path:
        tree = None if tree is None else tree[i]
    return tree


def tree_set(tree: Any, path: LinkPath, value: Any) -> Any:
    """The tree with `value` for the link at `path`."""
    if not path:
        return value
    i, *rest = path
    return (*tree[:i], tree_set(tree[i], tuple(rest), value), *tree[i + 1 :])


def find_producer(links: Links, path: LinkPath) -> LinkPath:
    """The link whose output enters the link at `path`; () for the network's input."""
    enters: LinkPath = ()
    starts = {0}
    for depth, i in enumerate(path):
        enters = enters if i in starts else (*path[:depth], i - 1)
        if isinstance(link := links[i], Composite):
            links, starts = (
                link.parts,
                set(itertools.accumulate(map(len, link.branch_links), initial=0)),
            )
    return enters


def compute_link_input(
    links: Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    path: LinkPath,
    *,
    key: Array = None,
    train: bool = False,
    mask: Array | None = None,
) -> tuple[Array, Array, Array | None]:
    """(x, key, mask) with which the link at `path` runs in a forward pass."""
    i, *inside = path
    x, _, mask = functional.run(
        links[:i], params[:i], state[:i], x, key=key, train=train, mask=mask
    )
    key = functional.link_key(key, i, links[i])
    if not inside:
        return x, key, mask
    composite: Any = links[i]
    place = inside[0]
    for part in composite.iter_branches(params[i], state[i], key):
        if place < len(part[0]):
            links, p, s, own = part
            return compute_link_input(
                links, p, s, x, (place, *inside[1:]), key=own, train=train, mask=mask
            )
        place -= len(part[0])
    raise IndexError(path)


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
    """Run the links in order and keep of each what its backward needs: y, pullbacks, new state,
    mask.

    Whole numbers (pixels) become floats first. A link's gradient is taken with respect to its
    trainable params alone.
    """
    x = functional.as_float(x)
    pullbacks, states = [], []
    for i, (link, p, s) in enumerate(zip(links, params, state, strict=True)):
        step: Callable[..., tuple[Pullback, State, Array | None]] = (
            _forward_composite if isinstance(link, Composite) else _forward_link
        )
        pullback, s, mask = step(
            link, p, s, x, key=functional.link_key(key, i, link), train=train, mask=mask
        )
        pullbacks.append(pullback)
        states.append(s)
        x = pullback.outputs[-1]
    return x, tuple(pullbacks), tuple(states), mask


def _forward_link(
    link: Layer, params: Params, state: State, x: Array, **run: Any
) -> tuple[Pullback, State, Array | None]:
    learning, frozen = split_trainable(link, params)

    def value(learning, x):
        y, new, mask = link.run(merge(learning, frozen), state, x, **run)
        return y, (new, mask)

    y, vjp, (new, mask) = jax.vjp(value, learning, x, has_aux=True)
    return Pullback((y,), lambda dy: (*vjp(dy), ())), new, mask


def _forward_composite(
    link: Composite, params: Params, state: State, x: Array, *, key: Array, **run: Any
) -> tuple[Pullback, State, Array | None]:
    ran = [
        forward(links, p, s, x, key=k, **run)
        for links, p, s, k in link.iter_branches(params, state, key)
    ]
    ends, chains, states, masks = zip(*ran, strict=True)
    y, join = jax.vjp(link.merge_outputs, ends)

    def vjp(dy):
        (d_ends,) = join(dy)
        back = [backward(pullbacks, d_end) for pullbacks, d_end in zip(chains, d_ends, strict=True)]
        grads, dx, deltas = zip(*back, strict=True)
        return sum(grads, ()), sum(dx[1:], dx[0]), sum(deltas, ())

    outputs = tuple(
        output for pullbacks in chains for pullback in pullbacks for output in pullback.outputs
    )
    return Pullback((*outputs, y), vjp), sum(states, ()), join_masks(masks)


def backward(
    pullbacks: Sequence[Pullback], dy: Array
) -> tuple[tuple[Params, ...], Array, tuple[Array, ...]]:
    """The chain rule: grads of every link's params, dL/d(input of the first link), and the delta
    dL/d(output) at every link in `iter_links`.
    """
    grads, deltas = [], []
    for pullback in reversed(pullbacks):
        g, dx, inside = pullback.vjp(dy)
        grads.append(g)
        deltas.append((*inside, dy))
        dy = dx
    return tuple(reversed(grads)), dy, tuple(itertools.chain(*reversed(deltas)))


def split_head(links: Links, loss: Any) -> tuple[Links, Links]:
    """(body, head): where the last link is the activation that the loss owns, the loss is taken
    before it, on z.

    Through the probabilities the loss of a confident wrong answer is infinite and its delta NaN; on
    z both are exact.
    """
    last = links[-1] if links else None
    if (
        loss.output_activation is not None
        and isinstance(last, Activation)
        and last.activation == loss.output_activation
    ):
        return links[:-1], links[-1:]
    return links, ()


def require_learned(
    links: Links, state: tuple[State, ...], fix: str = "Fit the model, or give it layer.adapt(x)."
) -> None:
    """Refuse to run links that lack statistics they take from the training rows.

    Raises:
        NotReadyError: with the link's name.
    """
    for path, link in iter_links(links):
        if not functional.has_learned(link, tree_get(state, path)):
            raise NotReadyError(message(str(link.name), "statistics learned from data", fix=fix))


def describe_adaptation(links: Links, before: tuple[State, ...], after: tuple[State, ...]) -> str:
    """What links have learned of the training rows that should be said, a line each."""
    lines = []
    for path, link in iter_links(links):
        old, new = tree_get(before, path), tree_get(after, path)
        if not functional.has_learned(link, old) and (text := link.learned_message(new)):
            lines.append(f"{link.name}: {text}")
    return "\n".join(lines)


def penalty(links: Links, params: tuple[Params, ...]) -> Array:
    """The regularizers' part of the loss, over all trainable links; None where no link has any."""
    costs = [
        link.penalty(tree_get(params, path)) for path, link in iter_links(links) if link.trainable
    ]
    terms = [cost for cost in costs if cost is not None]
    return sum(terms[1:], terms[0]) if terms else None


def split_trainable(link: Layer, params: Params) -> tuple[Params, Params]:
    """(what learns, what is frozen): each in the shape of `params`, with None where the other has
    something.
    """
    if isinstance(link, Composite):
        return split(link.parts, params)
    return (params, None) if link.trainable else (None, params)


def split(
    links: Links, params: tuple[Params, ...]
) -> tuple[tuple[Params, ...], tuple[Params, ...]]:
    """`split_trainable` of every link."""
    pairs = [split_trainable(link, p) for link, p in zip(links, params, strict=True)]
    return tuple(learning for learning, _ in pairs), tuple(frozen for _, frozen in pairs)


def merge(trainable: Params, frozen: Params) -> Params:
    """Undo `split` or `split_trainable`."""
    if isinstance(trainable, tuple) and isinstance(frozen, tuple):
        return tuple(merge(a, b) for a, b in zip(trainable, frozen, strict=True))
    return frozen if trainable is None else trainable


def get_weights(
    weight_paths: WeightPaths, params: tuple[Params, ...], state: tuple[State, ...]
) -> list[np.ndarray]:
    """Copies of the weights at those places."""
    trees = {"params": params, "state": state}
    return [np.array(tree_get(trees[kind], path)[key]) for kind, path, key in weight_paths]


def set_weights(
    built: BuiltNetwork,
    weight_paths: WeightPaths,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    weights: Sequence[Any],
) -> tuple[tuple[Params, ...], tuple[State, ...]]:
    """(params, state) with `weights` at those places.

    Raises:
        DataError: another number of arrays, or another shape than is there.
    """
    weights = (
        list(weights) if isinstance(weights, Iterable) and not isinstance(weights, str) else []
    )
    require(
        len(weights) == len(weight_paths),
        "set_weights",
        f"{len(weight_paths)} arrays",
        error=DataError,
        arrays=len(weights),
    )
    trees, links = {"params": params, "state": state}, dict(iter_links(built.links))
    for (kind, path, key), weight in zip(weight_paths, weights, strict=True):
        own = tree_get(trees[kind], path)
        old, what = np.shape(own[key]), f"{links[path].name}/{key}"
        try:
            new = np.array(weight, np.float32)
        except (TypeError, ValueError) as error:
            raise DataError(message(what, f"an array of shape {old}", fix=str(error))) from error
        require(
            new.shape == old, what, f"an array of shape {old}", error=DataError, shape=new.shape
        )
        require(
            np.isfinite(new).all(),
            what,
            "finite numbers",
            error=DataError,
            bad=int((~np.isfinite(new)).sum()),
        )
        trees[kind] = tree_set(trees[kind], path, own | {key: new})
    return trees["params"], trees["state"]


def params_by_name(
    built: BuiltNetwork, params: tuple[Params, ...]
) -> dict[str, dict[str, np.ndarray]]:
    """Copies of the params by the name of their link and their own: {"dense_1": {"kernel": ...,
    "bias": ...}}.
    """
    found: dict[str, dict[str, np.ndarray]] = {}
    links = dict(iter_links(built.links))
    for kind, path, key in built.weight_paths:
        if kind == "params":
            found.setdefault(str(links[path].name), {})[key] = np.array(tree_get(params, path)[key])
    return found


def count_params(params: Params) -> int:
    """How many numbers `params` holds."""
    return sum(math.prod(np.shape(leaf)) for leaf in jax.tree.leaves(params))
