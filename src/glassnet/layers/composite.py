"""Layers inside a layer: Residual, Parallel. They nest, and what holds for a layer of a network
holds inside.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain as flat
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.errors import lookup, require
from glassnet.layers import functional
from glassnet.layers.layer import Layer
from glassnet.layers.shape import Input
from glassnet.types import Array, Params, Shape, State


@dataclass(frozen=True)
class Composite(Layer, ABC):
    """Chains of layers that all start at its input, and what joins their ends. Write one by giving
    `branch_layers` and `merge_outputs`.

    A network runs it link by link, so that the trace sees inside. Its params and state are tuples
    aligned with `parts`, and what is inside is called after it, `residual_1/dense_1`. With
    `trainable=False` nothing inside learns.

    Example:
        >>> from glassnet.layers import Dense
        >>> @dataclass(frozen=True)
        ... class Gated(Composite):
        ...     units: int = 1
        ...     @property
        ...     def branch_layers(self):
        ...         return (Dense(self.units),), (Dense(self.units, activation="sigmoid"),)
        ...     def merge_outputs(self, ends):
        ...         return ends[0] * ends[1]
        >>> [part.name for part in Gated(8).parts]
        ['gated/dense_1', 'gated/dense_2', 'gated/dense_2.sigmoid']
    """

    @property
    @abstractmethod
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        """The layers of every chain, as written; a chain of none hands on the input."""

    @abstractmethod
    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        """The output, made of the outputs of all chains."""

    @cached_property
    def named_branches(self) -> tuple[tuple[Layer, ...], ...]:
        """`stacks` as they run: each layer with its full name, and trainable only where the whole
        is.
        """
        own = self.name or functional.default_name(self)
        named = iter(functional.with_names(tuple(flat(*self.branch_layers)), own))
        full = (
            replace(layer, name=f"{own}/{layer.name}", trainable=layer.trainable and self.trainable)
            for layer in named
        )
        return tuple(tuple(next(full) for _ in stack) for stack in self.branch_layers)

    @cached_property
    def branch_links(self) -> tuple[functional.Links, ...]:
        """The links of every chain."""
        return tuple(functional.unfold(layers) for layers in self.named_branches)

    @cached_property
    def parts(self) -> functional.Links:
        """All links inside, chain after chain."""
        return tuple(flat(*self.branch_links))

    def iter_branches(
        self, params: Params, state: State, key: Array
    ) -> Iterator[tuple[functional.Links, Params, State, Array]]:
        """Every chain with its params, its state and a key of its own."""
        start = 0
        for i, links in enumerate(self.branch_links):
            own = slice(start, start := start + len(links))
            yield (
                links,
                params[own],
                state[own],
                None if key is None else jax.random.fold_in(key, i),
            )

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        return self.init_params_and_state(rng, shape)[0]

    def init_state(self, shape: Shape) -> State:
        return self.init_params_and_state(np.random.default_rng(0), shape)[1]

    def init_params_and_state(self, rng: np.random.Generator, shape: Shape) -> tuple[Params, State]:
        params, state, _ = zip(
            *(functional.init(links, rng, shape) for links in self.branch_links), strict=True
        )
        return tuple(flat(*params)), tuple(flat(*state))

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return self.run(params, state, x, key=key, train=train, mask=mask)[:2]

    def run(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State, Array | None]:
        ran = [
            functional.run(links, p, s, x, key=k, train=train, mask=mask)
            for links, p, s, k in self.iter_branches(params, state, key)
        ]
        ends, states, masks = zip(*ran, strict=True)
        return self.merge_outputs(ends), tuple(flat(*states)), join_masks(masks)


def join_masks(masks: tuple[Array | None, ...]) -> Array | None:
    """What is real at the end of every chain: (batch,) and (batch, time) together are (batch,
    time); None says that all is.
    """
    known = sorted((mask for mask in masks if mask is not None), key=jnp.ndim)
    if not known:
        return None
    real = known[-1]
    for mask in known[:-1]:
        real = real * mask.reshape(mask.shape + (1,) * (real.ndim - mask.ndim))
    return real


def _as_layers(who: str, layers: Any) -> tuple[Layer, ...]:
    stack = tuple(layers) if isinstance(layers, list | tuple) else (layers,)
    for layer in stack:
        functional.check_layer_type(layer, who)
        fix = "It stands in front of the network: Sequential([Input(...), ...])."
        require(
            not isinstance(layer, Input),
            who,
            "layers that run, and no Input",
            received=layer,
            fix=fix,
        )
    return stack


@dataclass(frozen=True)
class Residual(Composite):
    """Layers and a way around them: y = x + f(x), f being the layers in a row. They must keep the
    shape.

    However little f passes on, the delta at x is the delta at y plus f's: gradients do not vanish
    on their way through many.

    Shapes:
        (batch, ...) to the same.

    Args:
        layers: of f, in the order in which they run.

    Raises:
        ConfigError: something that is no layer; at the first use, layers that give another shape
            than they take.

    Example:
        >>> from glassnet.layers import Dense
        >>> block = Residual([Dense(8, activation="relu"), Dense(4)])
        >>> [part.name for part in block.parts]
        ['residual/dense_1', 'residual/dense_1.relu', 'residual/dense_2']

    Source: He et al. 2015, arXiv 1512.03385, eq. 1.
    """

    layers: Any = ()

    def __post_init__(self):
        object.__setattr__(self, "layers", _as_layers("Residual", self.layers))
        require(self.layers, "Residual", "at least one layer", layers=[])

    @property
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        return (), self.layers

    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        x, f = outputs
        fix = f"End in a layer that gives {x.shape[1:]} again, such as Dense({x.shape[-1]})."
        require(
            x.shape == f.shape,
            self.name or "Residual",
            "layers that keep the shape",
            input=x.shape[1:],
            output=f.shape[1:],
            fix=fix,
        )
        return x + f

    def formula(self) -> str:
        return "y = x + f(x)"


MERGES: dict[str, Callable[[tuple[Array, ...]], Array]] = {
    "concat": lambda ends: jnp.concatenate(ends, -1),
    "add": sum,
    "multiply": math.prod,
    "mean": lambda ends: sum(ends) / len(ends),
}


@dataclass(frozen=True)
class Parallel(Composite):
    """Branches on one input, merged: y = merge(f_1(x), ..., f_n(x)).

    Shapes:
        (batch, ...) to what the branches give: all of one shape, except for the last axis of
        "concat", whose sizes add up.

    Args:
        branches: each a layer or a list of layers; an empty list hands on x itself.
        merge: "concat" (side by side on the last axis), "add", "multiply" or "mean" (number by
            number).

    Raises:
        ConfigError: something that is no layer, no branch, an unknown merge; at the first use,
            branches whose outputs do not fit.

    Example:
        >>> from glassnet.layers import Dense
        >>> both = Parallel([Dense(3), [Dense(8, activation="relu"), Dense(2)]])
        >>> both.formula()
        'y = concat(f1(x), f2(x))'
        >>> [part.name for part in both.branch_links[1]]
        ['parallel/dense_2', 'parallel/dense_2.relu', 'parallel/dense_3']

    Source: Szegedy et al. 2014, arXiv 1409.4842, figure 2, for concatenated branches.
    """

    branches: Any = ()
    merge: str = "concat"

    def __post_init__(self):
        listed = isinstance(self.branches, list | tuple) and len(self.branches) > 0
        fix = "Write Parallel([branch, branch]), each a layer or a list of layers."
        require(listed, "Parallel", "a list of branches", branches=self.branches, fix=fix)
        object.__setattr__(
            self, "branches", tuple(_as_layers("Parallel", branch) for branch in self.branches)
        )
        lookup("Parallel: merge", self.merge, MERGES)

    @property
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        return self.branches

    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        shapes = [end.shape[1:] for end in outputs]
        fixed = [shape[:-1] if self.merge == "concat" else shape for shape in shapes]
        fits = "the same shape" + (", the last axis apart," if self.merge == "concat" else "")
        require(
            len(set(fixed)) == 1,
            self.name or "Parallel",
            f"{fits} from every branch to {self.merge}",
            outputs=shapes,
        )
        return MERGES[self.merge](outputs)

    def formula(self) -> str:
        names = ", ".join(f"f{i}(x)" for i in range(1, len(self.branches) + 1))
        return f"y = {self.merge}({names})"
