"""Forward and backward passes through a tuple of links: the chain rule.

    y, pullbacks, state, mask = forward(links, params, state, x)    # one jax.vjp per link
    grads, dx, deltas = backward(pullbacks, dy)                     # in reverse order

`backward` applies the chain rule link by link and returns the delta at every link. Compiled, it is
the same program as `jax.grad` of the whole network, so the trace shows what training runs. Inside a
composite layer it works the same way.

Params, state and grads nest as the links do. Flat lists over all links, including those inside
composites, have the order of `iter_links`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import DataError, NotReadyError, message, require, wrap_errors
from glassnet.layers import Activation, Composite, Layer, TimeDistributed, functional
from glassnet.layers.composite import join_masks
from glassnet.layers.functional import Links as Links
from glassnet.layers.weight_fields import constrain_weights
from glassnet.partial_shapes import is_known, shape_fits
from glassnet.types import Array, Params, PartialShape, Shape, State

LinkPath = tuple[int, ...]
"""Position of a link: its index, and inside a composite its index among the parts."""

WeightPaths = Sequence[tuple[str, LinkPath, str]]
"""Positions of weights: ("params" or "state", path of the link, key)."""


class Pullback(NamedTuple):
    """Result of one link's forward pass, with its derivative.

    Attributes:
        outputs: outputs of the links inside a composite, followed by the link's own output.
        vjp: function from dL/d(output) to (dL/d(params), dL/d(input), deltas of the links inside).
    """

    outputs: tuple[Array, ...]
    vjp: Callable[[Array], tuple[Params, Array | None, tuple[Array, ...]]]


@dataclass(frozen=True)
class BuiltNetwork:
    """Network built for one input shape.

    Attributes:
        layers: the user's layers, each with a name.
        links: the layers unfolded, in the order in which they run.
        spans: span for each layer, (first, one past the last) of its links.
        shapes: of one example: shapes[i] is the input shape of link i, shapes[-1] the output shape.
            Unknown sizes are None.
        weight_paths: positions of all weights, in the order in which they are listed.
        weight_forms: shapes and dtypes of params and state, from which `for_input` computes
            unknown sizes; None if all are known.
    """

    layers: tuple[Layer, ...]
    links: Links
    spans: tuple[tuple[int, int], ...]
    shapes: tuple[PartialShape, ...]
    weight_paths: tuple[tuple[str, LinkPath, str], ...]
    weight_forms: Any = field(default=None, compare=False, repr=False)

    @property
    def has_unknown_sizes(self) -> bool:
        """Whether some sizes differ between examples: the lengths of sequences."""
        return not is_known(self.shapes[0])

    @property
    def known_shapes(self) -> tuple[Shape, ...]:
        """`shapes`, if all are known.

        Raises:
            ConfigError: some sizes are unknown.
        """
        shapes = tuple(filter(is_known, self.shapes))
        fix = "Pass a few rows, which have a length, or write all sizes in Input."
        fits = len(shapes) == len(self.shapes)
        require(fits, "model", "shapes without None", shapes=self.shapes, fix=fix)
        return shapes

    @property
    def n_outputs(self) -> int:
        """Size of the output's last axis.

        Raises:
            ConfigError: it is unknown.
        """
        size, fix = self.shapes[-1][-1], "End the network in a layer such as Dense."
        require(size is not None, "model", "a known size", output=self.shapes[-1], fix=fix)
        return size or 0

    def for_input(self, shape: Shape) -> BuiltNetwork:
        """Return the network with all shapes, for examples of `shape`.

        Raises:
            DataError: the network is for other examples, or needs longer sequences.
        """
        if not self.has_unknown_sizes:
            return self
        return replace(self, shapes=tuple(self._iter_shapes(shape)), weight_forms=None)

    def output_shape_of(self, x: Any) -> Shape:
        """Return the shape of the output for one of the rows x.

        Raises:
            DataError: see `for_input`.
        """
        return self.for_input(tuple(x.shape[1:])).known_shapes[-1]

    def _iter_shapes(self, shape: Shape) -> Iterator[Shape]:
        fix = "" if shape_fits(shape, self.shapes[0]) else f"The network is for {self.shapes[0]}."
        yield shape
        for link, params, state in zip(self.links, *self.weight_forms, strict=True):
            received, name = shape, link.name or type(link).__name__
            expected = "sequences that are long enough for its windows"
            with wrap_errors(name, expected, input_shape=received, fix=fix):
                shape = functional.output_shape(link, params, state, received)
            is_long_enough = min(shape) >= 1
            require(is_long_enough, name, expected, error=DataError, input_shape=received)
            yield shape


def build(
    layers: Sequence[Layer], shape: PartialShape, rng: np.random.Generator
) -> tuple[BuiltNetwork, tuple[Params, ...], tuple[State, ...]]:
    """Build the network for examples of `shape`; return it with initial params and state.

    Args:
        layers: as written by the user.
        shape: shape of one example.
        rng: random generator for the initial params.

    Raises:
        ConfigError: a link does not accept its input shape; two layers share a name.
    """
    layers = functional.with_names(layers)
    params, state, shapes = functional.init_partial(functional.unfold(layers), rng, shape)
    return assemble(layers, params, state, shapes), params, state


def assemble(
    layers: Sequence[Layer],
    params: tuple[Params, ...],
    state: tuple[State, ...],
    shapes: tuple[PartialShape, ...],
) -> BuiltNetwork:
    """Return the network of named layers with known params, state and shapes."""
    groups = [layer.unfold() for layer in layers]
    ends = list(itertools.accumulate(len(group) for group in groups))
    links = tuple(itertools.chain(*groups))
    trees = (("params", params), ("state", state))
    leaves = [path for path, link in iter_links(links) if not isinstance(link, Composite)]
    weights = [
        (kind, path, key) for path in leaves for kind, tree in trees for key in tree_get(tree, path)
    ]
    spans = tuple((end - len(group), end) for end, group in zip(ends, groups, strict=True))
    forms = None if is_known(shapes[0]) else jax.tree.map(_form, (params, state))
    return BuiltNetwork(tuple(layers), links, spans, shapes, tuple(weights), forms)


def _form(array: Array) -> jax.ShapeDtypeStruct:
    """Return the shape and dtype of an array."""
    return jax.ShapeDtypeStruct(np.shape(array), jnp.result_type(array))  # type: ignore[no-untyped-call]


def iter_links(links: Links, path: LinkPath = ()) -> Iterator[tuple[LinkPath, Layer]]:
    """Yield (path, link) of every link; the links inside a composite come before it."""
    for i, link in enumerate(links):
        yield from iter_links(link.parts, (*path, i))
        yield (*path, i), link


def tree_get(tree: Any, path: LinkPath) -> Any:
    """Return the entry of a tree, nested as the links, for the link at `path`.

    Below an entry that is None, the result is None.
    """
    for i in path:
        tree = None if tree is None else tree[i]
    return tree


def tree_set(tree: Any, path: LinkPath, value: Any) -> Any:
    """Return a copy of the tree with `value` for the link at `path`."""
    if not path:
        return value
    i, *rest = path
    return (*tree[:i], tree_set(tree[i], tuple(rest), value), *tree[i + 1 :])


def find_producer(links: Links, path: LinkPath) -> LinkPath:
    """Return the path of the link whose output is the input of the link at `path`.

    () is the network's input.
    """
    producer: LinkPath = ()
    starts = {0}
    for depth, i in enumerate(path):
        producer = producer if i in starts else (*path[:depth], i - 1)
        if isinstance(link := links[i], Composite):
            links, starts = (
                link.parts,
                set(itertools.accumulate(map(len, link.branch_links), initial=0)),
            )
    return producer


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
    """Return (x, key, mask) with which the link at `path` runs in a forward pass.

    Args:
        links: links of the network.
        params: params of all links.
        state: state of all links.
        x: input of the network.
        path: path of the link.
        key: random key, or None.
        train: whether to draw noise and use batch statistics.
        mask: which rows are real; None for all.
    """
    i, *rest = path
    x, _, mask = functional.run(
        links[:i], params[:i], state[:i], x, key=key, train=train, mask=mask
    )
    key = functional.link_key(key, i, links[i])
    if not rest:
        return x, key, mask
    composite: Any = links[i]
    part_index, *rest = rest
    for branch, p, s, branch_key in composite.iter_branches(params[i], state[i], key):
        if part_index < len(branch):
            inner_path = (part_index, *rest)
            return compute_link_input(
                branch, p, s, x, inner_path, key=branch_key, train=train, mask=mask
            )
        part_index -= len(branch)
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
    """Run the links in order and return (y, pullbacks, new state, mask).

    Integer inputs, such as pixels, become floats first. Gradients are taken with respect to
    trainable params only.

    Args:
        links: links of the network, or a part of it.
        params: params of the links.
        state: state of the links.
        x: input, (batch, ...).
        key: random key, or None.
        train: whether to draw noise and use batch statistics.
        mask: which rows are real; None for all.
    """
    x = functional.as_float(x)
    pullbacks, states = [], []
    for i, (link, p, s) in enumerate(zip(links, params, state, strict=True)):
        forward_link: Callable[..., tuple[Pullback, State, Array | None]] = (
            _forward_composite if isinstance(link, Composite) else _forward_link
        )
        pullback, s, mask = forward_link(
            link, p, s, x, key=functional.link_key(key, i, link), train=train, mask=mask
        )
        pullbacks.append(pullback)
        states.append(s)
        x = pullback.outputs[-1]
    return x, tuple(pullbacks), tuple(states), mask


def _forward_link(
    link: Layer, params: Params, state: State, x: Array, **options: Any
) -> tuple[Pullback, State, Array | None]:
    trainable, frozen = split_trainable(link, params)

    def run(trainable: Params, x: Array) -> tuple[Array, tuple[State, Array | None]]:
        y, new_state, mask = link.run(merge(trainable, frozen), state, x, **options)
        return y, (new_state, mask)

    y, vjp, (new_state, mask) = jax.vjp(run, trainable, x, has_aux=True)
    return Pullback((y,), lambda dy: (*vjp(dy), ())), new_state, mask


def _forward_composite(
    link: Composite, params: Params, state: State, x: Array, *, key: Array, **options: Any
) -> tuple[Pullback, State, Array | None]:
    branches = [
        forward(links, p, s, x, key=branch_key, **options)
        for links, p, s, branch_key in link.iter_branches(params, state, key)
    ]
    ends, chains, states, masks = zip(*branches, strict=True)
    y, merge_vjp = jax.vjp(link.merge_outputs, ends)

    def vjp(dy: Array) -> tuple[Params, Array, tuple[Array, ...]]:
        (d_ends,) = merge_vjp(dy)
        results = [
            backward(pullbacks, d_end) for pullbacks, d_end in zip(chains, d_ends, strict=True)
        ]
        grads, dx, deltas = zip(*results, strict=True)
        return sum(grads, ()), sum(dx[1:], dx[0]), sum(deltas, ())

    outputs = tuple(
        output for pullbacks in chains for pullback in pullbacks for output in pullback.outputs
    )
    return Pullback((*outputs, y), vjp), sum(states, ()), join_masks(masks)


def backward(
    pullbacks: Sequence[Pullback], dy: Array
) -> tuple[tuple[Params, ...], Array, tuple[Array, ...]]:
    """Apply the chain rule and return (grads, dx, deltas).

    Args:
        pullbacks: pullbacks of the links, from `forward`.
        dy: dL/d(output of the last link).

    Returns:
        dL/d(params) of each link; dL/d(input of the first link); dL/d(output) of every link, in the
        order of `iter_links`.
    """
    grads, deltas = [], []
    for pullback in reversed(pullbacks):
        grad, dx, inner_deltas = pullback.vjp(dy)
        grads.append(grad)
        deltas.append((*inner_deltas, dy))
        dy = dx
    return tuple(reversed(grads)), dy, tuple(itertools.chain(*reversed(deltas)))


def split_head(links: Links, loss: Any) -> tuple[Links, Links]:
    """Split off the last link if it is the activation that the loss contains: return (body, head).

    The loss is then computed on z, the body's output. On probabilities, the loss of a confident
    wrong prediction would be infinite and its delta NaN; on z both are exact.
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
    links: Links,
    state: tuple[State, ...],
    fix: str = "Fit the model, or replace the layer by layer.adapt(x).",
) -> None:
    """Check that every link has the statistics that it computes from the training data.

    Raises:
        NotReadyError: a link has none; the message names it.
    """
    for path, link in iter_links(links):
        if not functional.has_learned(link, tree_get(state, path)):
            raise NotReadyError(message(str(link.name), "statistics learned from data", fix=fix))


def describe_adaptation(links: Links, before: tuple[State, ...], after: tuple[State, ...]) -> str:
    """Return the messages of links that have just computed their statistics, one per line."""
    lines = []
    for path, link in iter_links(links):
        old, new = tree_get(before, path), tree_get(after, path)
        if not functional.has_learned(link, old) and (text := link.learned_message(new)):
            lines.append(f"{link.name}: {text}")
    return "\n".join(lines)


def penalty(links: Links, params: tuple[Params, ...]) -> Array:
    """Return the sum of the regularization penalties of trainable links, or None."""
    penalties = [
        link.penalty(tree_get(params, path)) for path, link in iter_links(links) if link.trainable
    ]
    terms = [term for term in penalties if term is not None]
    return sum(terms[1:], terms[0]) if terms else None


def constrain(links: Links, params: tuple[Params, ...]) -> tuple[Params, ...]:
    """Return the trainable params after the constraints of their layers; None stays None."""
    return tuple(_constrain_link(link, p) for link, p in zip(links, params, strict=True))


def _constrain_link(link: Layer, params: Params) -> Params:
    if params is None:
        return None
    if isinstance(link, Composite):
        return constrain(link.parts, params)
    while isinstance(link, TimeDistributed):
        link = link.layer
    return constrain_weights(link, params)


def split_trainable(link: Layer, params: Params) -> tuple[Params, Params]:
    """Return (trainable, frozen): `params` with None in place of the other part."""
    if isinstance(link, Composite):
        return split(link.parts, params)
    return (params, None) if link.trainable else (None, params)


def split(
    links: Links, params: tuple[Params, ...]
) -> tuple[tuple[Params, ...], tuple[Params, ...]]:
    """Apply `split_trainable` to every link and return (trainable, frozen)."""
    pairs = [split_trainable(link, p) for link, p in zip(links, params, strict=True)]
    return tuple(trainable for trainable, _ in pairs), tuple(frozen for _, frozen in pairs)


def merge(trainable: Params, frozen: Params) -> Params:
    """Undo `split` or `split_trainable`."""
    if isinstance(trainable, tuple) and isinstance(frozen, tuple):
        return tuple(merge(a, b) for a, b in zip(trainable, frozen, strict=True))
    return frozen if trainable is None else trainable


def get_weights(
    weight_paths: WeightPaths, params: tuple[Params, ...], state: tuple[State, ...]
) -> list[np.ndarray]:
    """Return copies of the weights at `weight_paths`."""
    trees = {"params": params, "state": state}
    return [np.array(tree_get(trees[kind], path)[key]) for kind, path, key in weight_paths]


def set_weights(
    built: BuiltNetwork,
    weight_paths: WeightPaths,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    weights: Sequence[Any],
) -> tuple[tuple[Params, ...], tuple[State, ...]]:
    """Return (params, state) with new weights at `weight_paths`.

    Args:
        built: the network.
        weight_paths: positions of the weights.
        params: params of all links.
        state: state of all links.
        weights: one array per position.

    Raises:
        DataError: a wrong number of arrays, a wrong shape, or a value that is not finite.
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
        entry = tree_get(trees[kind], path)
        array = _check_weight(f"{links[path].name}/{key}", weight, np.shape(entry[key]))
        trees[kind] = tree_set(trees[kind], path, entry | {key: array})
    return trees["params"], trees["state"]


def _check_weight(name: str, weight: Any, shape: Shape) -> np.ndarray:
    """Return the weight as a new float32 array; refuse a wrong shape and non-finite values."""
    expected = f"an array of shape {shape}"
    try:
        array = np.array(weight, np.float32)
    except (TypeError, ValueError) as error:
        raise DataError(message(name, expected, fix=str(error))) from error
    require(array.shape == shape, name, expected, error=DataError, shape=array.shape)
    bad = int((~np.isfinite(array)).sum())
    require(not bad, name, "finite numbers", error=DataError, bad=bad)
    return array


def params_by_name(
    built: BuiltNetwork, params: tuple[Params, ...]
) -> dict[str, dict[str, np.ndarray]]:
    """Return copies of the params by link and name: {"dense_1": {"kernel": ..., "bias": ...}}."""
    result: dict[str, dict[str, np.ndarray]] = {}
    links = dict(iter_links(built.links))
    for kind, path, key in built.weight_paths:
        if kind == "params":
            by_key = result.setdefault(str(links[path].name), {})
            by_key[key] = np.array(tree_get(params, path)[key])
    return result


def count_params(params: Params) -> int:
    """Return the total number of values in `params`."""
    return sum(math.prod(np.shape(leaf)) for leaf in jax.tree.leaves(params))
