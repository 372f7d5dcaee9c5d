"""Units that cannot learn: zero for every row, or on a flat part of a sigmoid or tanh.

They are counted at some weights, for at most 4,096 rows, in one compiled pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from glassnet.activations import ParametricActivation
from glassnet.engine.compilation import compiled
from glassnet.engine.inference import BLOCK_SIZES, pad
from glassnet.engine.network import LinkPath, Links, iter_links
from glassnet.engine.placement import to_device
from glassnet.layers import Activation, Composite, Layer, SimpleRNN, functional
from glassnet.layers.composite import join_masks
from glassnet.types import Array, Params, State

MAX_NUMBERS = 2**26
"""Maximum number of outputs of one link: fewer rows are read of a network with large outputs."""

FLAT_SLOPE = 0.05
"""A unit is saturated if its mean slope is below this share of the steepest slope."""

DEAD_IF_ZERO = ("relu", "relu6")
"""Activations with slope 0 wherever they are 0."""

SLOPES: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda a: 4 * a * (1 - a),
    "tanh": lambda a: 1 - a**2,
    "hard_sigmoid": lambda a: (a > 0) & (a < 1),
    "hard_tanh": lambda a: (a > -1) & (a < 1),
}
"""Slope of each activation at its output a, as a share of its steepest slope."""


@dataclass(frozen=True)
class UnitStatistics:
    """Shares of the units of one activation that cannot learn.

    Attributes:
        link: name of the link, such as "dense_1.relu".
        layer: name of the layer that the user wrote, such as "dense_1".
        path: position of the link: see `network.iter_links`.
        activation: name of the activation.
        n_units: number of units: the last axis of the output.
        dead: share of units that are 0 on every row, at every position; None unless the activation
            is a ReLU.
        saturated: share of units whose mean slope is below 5 % of the steepest slope; None unless
            the activation is a sigmoid or tanh.
    """

    link: str
    layer: str
    path: LinkPath
    activation: str
    n_units: int
    dead: float | None
    saturated: float | None


def compute_unit_statistics(
    links: Links, params: tuple[Params, ...], state: tuple[State, ...], x: np.ndarray
) -> tuple[UnitStatistics, ...]:
    """Return the statistics of every ReLU, sigmoid and tanh of a network, in their order.

    Padding and masked time steps are left out. Of a SimpleRNN the states of all steps are read.
    Of more than 4,096 rows, or fewer if the outputs are large, an even sample is read.

    Args:
        links: links of the network; leave out a last softmax or sigmoid by passing its body.
        params: params of all links.
        state: state of all links.
        x: encoded rows (n, ...), on the host; at least one.
    """
    measured = [(path, link) for path, link in _iter_measured(links)]
    if not measured or not len(x):
        return ()
    n = _count_rows(links, params, state, x)
    rows = np.asarray(x[np.linspace(0, len(x) - 1, n).astype(int)] if n < len(x) else x)
    size = next(size for size in BLOCK_SIZES if size >= n)
    block = to_device((pad(rows, size), (np.arange(size) < n).astype(np.float32)))
    shares = jax.device_get(_compute_shares(links, params, state, *block))
    return tuple(
        _describe(path, link, *values)
        for (path, link), values in zip(measured, shares, strict=True)
    )


def _describe(path: LinkPath, link: Layer, n_units: Any, dead: Any, flat: Any) -> UnitStatistics:
    activation, name = _activation_name(link), str(link.name)
    return UnitStatistics(
        link=name,
        layer=name.removesuffix(f".{activation}"),
        path=path,
        activation=activation,
        n_units=int(n_units),
        dead=float(dead) if activation in DEAD_IF_ZERO else None,
        saturated=float(flat) if activation in SLOPES else None,
    )


def _activation_name(link: Layer) -> str:
    """Return the name of the activation at the end of a link; "" if there is none to measure."""
    if not isinstance(link, Activation | SimpleRNN):
        return ""
    activation = link.activation
    if isinstance(activation, ParametricActivation):
        leaks = dict(activation.parameters).get("negative_slope")
        return "" if leaks or activation.function != "relu" else "relu"
    is_measured = isinstance(activation, str) and (
        activation in DEAD_IF_ZERO or activation in SLOPES
    )
    return str(activation) if is_measured else ""


def _iter_measured(links: Links) -> Iterator[tuple[LinkPath, Layer]]:
    return ((path, link) for path, link in iter_links(links) if _activation_name(link))


def _count_rows(
    links: Links, params: tuple[Params, ...], state: tuple[State, ...], x: np.ndarray
) -> int:
    """Return the number of rows to read, so that no measured output is too large."""
    outputs = jax.eval_shape(
        lambda p, s, x: [output for _, output, _ in _run(links, p, s, x, None)[2]],
        params,
        state,
        np.asarray(x[:1]),
    )
    largest = max(output.size for output in outputs)
    fitting = [size for size in BLOCK_SIZES if size * largest <= MAX_NUMBERS]
    return min(len(x), max(fitting, default=1))


@compiled(0)
def _compute_shares(
    links: Links, params: tuple[Params, ...], state: tuple[State, ...], x: Array, real: Array
) -> list[tuple[Array, Array, Array]]:
    """Return (units, share of dead units, share of saturated units) of every measured link."""
    shares = []
    for link, output, mask in _run(links, params, state, x, real)[2]:
        if mask is None or mask.shape != output.shape[:-1][: mask.ndim]:
            mask = real  # of a user's layer
        weight = mask.reshape(mask.shape + (1,) * (output.ndim - mask.ndim))
        axes = tuple(range(output.ndim - 1))
        dead = ~((output != 0) & (weight > 0)).any(axes)
        name = _activation_name(link)
        slope = SLOPES[name](output) if name in SLOPES else jnp.ones(())
        total = jnp.broadcast_to(weight, output.shape).sum(axes)
        flat = (slope * weight).sum(axes) < FLAT_SLOPE * total
        shares.append((jnp.asarray(output.shape[-1]), dead.mean(), flat.mean()))
    return shares


def _run(
    links: Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: Array,
    mask: Array | None,
) -> tuple[Array, Array | None, list[tuple[Layer, Array, Any]]]:
    """Return the output, the mask, and (link, output, mask) of every measured link, in order."""
    x, outputs = functional.as_float(x), []
    for link, p, s in zip(links, params, state, strict=True):
        if isinstance(link, Composite):
            branches = [
                _run(branch, inner_params, inner_state, x, mask)
                for branch, inner_params, inner_state, _ in link.iter_branches(p, s, None)
            ]
            ends, masks, inner = zip(*branches, strict=True)
            x, mask = link.merge_outputs(ends), join_masks(masks)
            outputs += [each for part in inner for each in part]
            continue
        name = _activation_name(link)
        if name and isinstance(link, SimpleRNN):
            every_step = replace(link, return_sequences=True, zero_output_for_mask=False)
            states, _, real = every_step.run(p, s, x, key=None, train=False, mask=mask)
            outputs.append((link, states, real))
        x, _, mask = link.run(p, s, x, key=None, train=False, mask=mask)
        if name and not isinstance(link, SimpleRNN):
            outputs.append((link, x, mask))
    return x, mask, outputs
