"""Layers made of layers: Residual and Parallel. They nest."""

from __future__ import annotations

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import chain
from typing import Any, ClassVar

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
    """Base class of layers made of layers: branches on one input, and a merge of their outputs.

    Subclasses define `branch_layers` and `merge_outputs`. The network runs a composite link by
    link, so the trace shows the inside. Its params and state are tuples aligned with `parts`. The
    composite's name precedes those of its layers: `residual_1/dense_1`. With `trainable=False`
    nothing inside is trained.

    Example:
        >>> from glassnet.layers import Dense
        >>> @dataclass(frozen=True)
        ... class Gated(Composite):
        ...     units: int = 1
        ...     @property
        ...     def branch_layers(self):
        ...         return (Dense(self.units),), (Dense(self.units, activation="sigmoid"),)
        ...     def merge_outputs(self, outputs):
        ...         return outputs[0] * outputs[1]
        >>> [part.name for part in Gated(8).parts]
        ['gated/dense_1', 'gated/dense_2', 'gated/dense_2.sigmoid']
    """

    _RENAMED: ClassVar[dict[str, str]] = Layer._RENAMED | {
        "stacks": "branch_layers",
        "join": "merge_outputs",
    }

    @property
    @abstractmethod
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        """Layers of each branch, as the user wrote them. An empty branch returns the input."""

    @abstractmethod
    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        """Return the output, computed from the outputs of all branches."""

    @cached_property
    def named_branches(self) -> tuple[tuple[Layer, ...], ...]:
        """`branch_layers` with full names, and frozen if the composite is."""
        prefix = self.name or functional.default_name(self)
        layers = iter(
            replace(
                layer, name=f"{prefix}/{layer.name}", trainable=layer.trainable and self.trainable
            )
            for layer in functional.with_names(tuple(chain(*self.branch_layers)), prefix)
        )
        return tuple(tuple(next(layers) for _ in branch) for branch in self.branch_layers)

    @cached_property
    def branch_links(self) -> tuple[functional.Links, ...]:
        """Links of each branch."""
        return tuple(functional.unfold(layers) for layers in self.named_branches)

    @cached_property
    def parts(self) -> functional.Links:
        """All links inside, branch after branch."""
        return tuple(chain(*self.branch_links))

    def iter_branches(
        self, params: Params, state: State, key: Array
    ) -> Iterator[tuple[functional.Links, Params, State, Array]]:
        """Yield the links, params, state and random key of each branch."""
        start = 0
        for i, links in enumerate(self.branch_links):
            span = slice(start, start := start + len(links))
            branch_key = None if key is None else jax.random.fold_in(key, i)
            yield links, params[span], state[span], branch_key

    def init(self, rng: np.random.Generator, shape: Shape) -> Params:
        return self.init_params_and_state(rng, shape)[0]

    def init_state(self, shape: Shape) -> State:
        return self.init_params_and_state(np.random.default_rng(0), shape)[1]

    def init_params_and_state(self, rng: np.random.Generator, shape: Shape) -> tuple[Params, State]:
        params, state, _ = zip(
            *(functional.init(links, rng, shape) for links in self.branch_links), strict=True
        )
        return tuple(chain(*params)), tuple(chain(*state))

    def apply(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State]:
        return self.run(params, state, x, key=key, train=train, mask=mask)[:2]

    def run(
        self, params: Params, state: State, x: Array, *, key: Array, train: bool, mask: Array | None
    ) -> tuple[Array, State, Array | None]:
        results = [
            functional.run(links, p, s, x, key=k, train=train, mask=mask)
            for links, p, s, k in self.iter_branches(params, state, key)
        ]
        outputs, states, masks = zip(*results, strict=True)
        return self.merge_outputs(outputs), tuple(chain(*states)), join_masks(masks)


def join_masks(masks: tuple[Array | None, ...]) -> Array | None:
    """Return the mask of the entries that are real in all masks, or None if all masks are None.

    The product of a (batch,) and a (batch, time) mask is (batch, time).
    """
    present = sorted((mask for mask in masks if mask is not None), key=jnp.ndim)
    if not present:
        return None
    real = present[-1]
    for mask in present[:-1]:
        real = real * mask.reshape(mask.shape + (1,) * (real.ndim - mask.ndim))
    return real


def _as_layers(who: str, layers: Any) -> tuple[Layer, ...]:
    items = layers if isinstance(layers, list | tuple) else (layers,)
    as_tuple = tuple(functional.as_layer(item, who) for item in items)
    for layer in as_tuple:
        require(
            not isinstance(layer, Input),
            who,
            "layers without an Input",
            received=layer,
            fix="Put it first in the network: Sequential([Input(...), ...]).",
        )
    return as_tuple


@dataclass(frozen=True)
class Residual(Composite):
    """Layers with a skip connection: y = x + f(x), where f runs the layers in order.

    The layers must keep the shape. dL/dx is dL/dy plus f's contribution, so gradients do not vanish
    in deep networks.

    Shapes:
        (batch, ...) to the same.

    Args:
        layers: layers of f, in order: one layer or a list.

    Raises:
        ConfigError: an entry is not a layer, or, once the shape is known, f(x) does not have x's
            shape.

    Example:
        >>> from glassnet.layers import Dense
        >>> block = Residual([Dense(8, activation="relu"), Dense(4)])
        >>> [part.name for part in block.parts]
        ['residual/dense_1', 'residual/dense_1.relu', 'residual/dense_2']

    Source: He et al. 2015, arXiv 1512.03385, eq. 1.
    """

    layers: Any = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "layers", _as_layers("Residual", self.layers))
        require(self.layers, "Residual", "at least one layer", layers=[])

    @property
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        return (), self.layers

    @property
    def ignores_padding(self) -> bool:
        return all(part.ignores_padding for part in self.parts)

    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        x, f = outputs
        fix = f"Make the last layer return shape {x.shape[1:]}, for example Dense({x.shape[-1]})."
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
    "concat": lambda outputs: jnp.concatenate(outputs, -1),
    "add": sum,
    "multiply": math.prod,
    "mean": lambda outputs: sum(outputs) / len(outputs),
    "maximum": lambda outputs: reduce(jnp.maximum, outputs),
    "minimum": lambda outputs: reduce(jnp.minimum, outputs),
    "subtract": lambda outputs: reduce(operator.sub, outputs),
}


@dataclass(frozen=True)
class Parallel(Composite):
    """Parallel branches on one input, merged: y = merge(f_1(x), ..., f_n(x)).

    Shapes:
        (batch, ...) to the branches' output shape, which must be the same for all. With "concat",
        the last axes may differ; their sizes add up.

    Args:
        branches: list of branches, each a layer or a list of layers. An empty list returns x.
        merge: "concat" (along the last axis), or elementwise "add", "multiply", "mean", "maximum",
            "minimum" or "subtract" (the first output less all others).

    Raises:
        ConfigError: an entry is not a layer; there are no branches; merge is unknown; once the
            shape is known, the outputs' shapes do not match.

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

    def __post_init__(self) -> None:
        require(
            isinstance(self.branches, list | tuple) and len(self.branches) > 0,
            "Parallel",
            "a list of branches",
            branches=self.branches,
            fix="Write Parallel([branch, branch]), each a layer or a list of layers.",
        )
        object.__setattr__(
            self, "branches", tuple(_as_layers("Parallel", branch) for branch in self.branches)
        )
        lookup("Parallel: merge", self.merge, MERGES)

    @property
    def branch_layers(self) -> tuple[tuple[Layer, ...], ...]:
        branches: tuple[tuple[Layer, ...], ...] = self.branches
        return branches

    @property
    def ignores_padding(self) -> bool:
        return all(part.ignores_padding for part in self.parts)

    def merge_outputs(self, outputs: tuple[Array, ...]) -> Array:
        shapes = [output.shape[1:] for output in outputs]
        concat = self.merge == "concat"
        except_last = " except for the last axis" if concat else ""
        require(
            len({shape[:-1] if concat else shape for shape in shapes}) == 1,
            self.name or "Parallel",
            f"the same shape{except_last} from every branch to {self.merge}",
            outputs=shapes,
        )
        return MERGES[self.merge](outputs)

    def formula(self) -> str:
        names = ", ".join(f"f{i}(x)" for i in range(1, len(self.branches) + 1))
        return f"y = {self.merge}({names})"
