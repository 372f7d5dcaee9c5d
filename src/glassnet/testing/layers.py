"""What a layer is, said as a check."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from glassnet.engine import network
from glassnet.errors import ConfigError
from glassnet.layers import Layer, functional
from glassnet.testing.assertions import (
    GRADIENT_TOLERANCE,
    assert_trees_close,
    assert_true,
    check_value,
    finite_differences,
    named_leaves,
    path_label,
    to_float64,
)
from glassnet.types import Array, Params, Shape, State

BATCH_SIZE, N_UNMASKED = 5, 3
"""Rows of a batch, and how many of them are real where it is masked."""


def check_layer(layer: Layer, shape: Shape = (4,), *, integer: int = 0) -> None:
    """Whether `layer` keeps the promises that networks, training and traces build on.

    A frozen value that hashes and compares by its fields; params that a seed decides, float32, in
    one order; the same numbers compiled or not, in a batch or one by one, and with padded rows
    masked as without them, in training too (outputs, statistics, gradients); nothing written in
    place; output shapes as derived; gradients that agree with finite differences. Layers run as
    their links.

    Args:
        layer: the layer.
        shape: of one example.
        integer: inputs are whole numbers below this (token ids) rather than real ones; 0 for real
            ones.

    Raises:
        AssertionError: a promise is broken; the message says which.

    Example:
        >>> from glassnet.layers import Dense
        >>> check_layer(Dense(3, activation="tanh"))
    """
    who = type(layer).__name__
    try:
        functional.check_layer_type(layer)
    except ConfigError as error:
        raise AssertionError(str(error)) from error
    check_value(layer)
    assert_true(replace(layer, name="another") == layer, who, "a layer of another name to be equal")
    links = layer.unfold()
    assert_true(
        all(link.unfold() == (link,) for link in links),
        who,
        "links that unfold no further",
        links=links,
    )
    params, state, out = _check_init(who, links, shape)
    rng = np.random.default_rng(1)
    x = (
        rng.integers(0, integer, (BATCH_SIZE, *shape))
        if integer
        else rng.normal(size=(BATCH_SIZE, *shape))
    )
    cost = network.penalty(links, params)
    assert_true(
        cost is None or (np.shape(cost) == () and np.isfinite(cost)),
        who,
        "penalty to be None or one finite number",
        penalty=cost,
    )
    with jax.enable_x64(True):
        dy = rng.normal(size=(BATCH_SIZE, *out))
        for train in (False, True):
            _check_passes(
                f"{who} in {'training' if train else 'inference'}",
                links,
                to_float64(params),
                to_float64(state),
                x,
                dy,
                train,
            )


class _PassResult(NamedTuple):
    y: Array
    state: tuple[State, ...]
    grads: tuple[Params, ...]
    dx: Array
    mask: Array | None


def _check_init(
    who: str, links: network.Links, shape: Shape
) -> tuple[tuple[Params, ...], tuple[State, ...], Shape]:
    params, state, shapes = functional.init(links, np.random.default_rng(0), shape)
    again, *_ = functional.init(links, np.random.default_rng(0), shape)
    other, *_ = functional.init(links, np.random.default_rng(1), shape)
    for where, leaf in named_leaves(params):
        ok = isinstance(leaf, np.ndarray) and leaf.dtype == np.float32
        assert_true(
            ok,
            who,
            f"init to give NumPy arrays of float32 ({where})",
            type=type(leaf).__name__,
            dtype=str(np.asarray(leaf).dtype),
        )
    assert_trees_close(
        who, "init from one seed to give the same params", again, params, tolerance=0
    )
    order, now = _weight_order(params), _weight_order(other)
    assert_true(
        now == order,
        who,
        "init to give weights in one order",
        received=now,
        fix=f"Before: {order}.",
    )
    return params, state, shapes[-1]


def _check_passes(
    who: str,
    links: network.Links,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    x: np.ndarray,
    dy: np.ndarray,
    train: bool,
) -> None:
    def run(params: Any, state: Any, x: Any, dy: Any, mask: Any = None) -> _PassResult:
        y, pullbacks, new, mask = network.forward(
            links, params, state, x, key=jax.random.key(0), train=train, mask=mask
        )
        grads, dx, _ = network.backward(pullbacks, dy)
        return _PassResult(y, new, grads, dx, mask)

    def outputs(x: Any) -> Array:
        return network.forward(links, params, state, x, key=jax.random.key(0), train=train)[0]

    for n in (1, N_UNMASKED, BATCH_SIZE):
        got = jax.eval_shape(outputs, jax.ShapeDtypeStruct((n, *x.shape[1:]), x.dtype))
        assert_true(
            got.shape == (n, *dy.shape[1:]),
            who,
            f"{n} rows to come out with the shape derived, {(n, *dy.shape[1:])}",
            shape=got.shape,
        )
        assert_true(
            got.dtype == dy.dtype,
            who,
            f"an output as precise as the input, {dy.dtype}",
            dtype=str(got.dtype),
        )
    compiled = jax.jit(run)
    some = slice(0, N_UNMASKED)
    short = compiled(params, state, x[some], dy[some])
    before = copy.deepcopy((params, state, x))
    plain = [_run_eagerly(links, params, state, x[some], train) for _ in range(2)]
    assert_trees_close(
        who,
        "params, state and input to be left as they were",
        (params, state, x),
        before,
        tolerance=0,
    )
    for once in plain:
        assert_trees_close(
            who, "the same numbers call after call, compiled or not", once, (short.y, short.state)
        )
    real = np.arange(BATCH_SIZE) < N_UNMASKED
    shaped = real.reshape(-1, *[1] * (x.ndim - 1))
    junk = x if np.issubdtype(x.dtype, np.integer) else np.where(shaped, x, 100 * x)
    masked = compiled(
        params,
        state,
        junk,
        np.where(real.reshape(-1, *[1] * (dy.ndim - 1)), dy, 0),
        real.astype(np.float64),
    )
    assert_true(
        masked.mask is not None and not np.any(masked.mask[N_UNMASKED:]),
        who,
        "masked rows to stay masked",
        mask=masked.mask,
    )
    assert_trees_close(
        who,
        "masked rows not to matter to the others",
        masked._replace(y=masked.y[:N_UNMASKED], dx=masked.dx[:N_UNMASKED], mask=short.mask),
        short,
    )
    assert_trees_close(
        who,
        "masked rows to get no gradient",
        masked.dx[N_UNMASKED:],
        np.zeros_like(x[N_UNMASKED:], float),
    )
    if not train:
        assert_trees_close(who, "state to stay as it is", short.state, state)
        later = compiled(params, state, x[1 : N_UNMASKED + 1], dy[1 : N_UNMASKED + 1])
        assert_trees_close(
            who, "rows to come out of a batch as they do of another", short.y[1:], later.y[:-1]
        )
    learning, frozen = network.split(links, params)
    point: dict[str, Any] = {"params": learning}
    gradient: dict[str, Any] = {"params": short.grads}
    if not np.issubdtype(x.dtype, np.integer):
        point["x"], gradient["x"] = x[some], short.dx

    def value(point: Any) -> float:
        given = network.merge(point["params"], frozen), state, point.get("x", x[some]), dy[some]
        return float(np.vdot(dy[some], compiled(*given).y))

    for path, error in finite_differences(value, point, gradient):
        assert_true(
            error <= GRADIENT_TOLERANCE,
            who,
            f"the gradient of {path_label(path)} to equal its finite difference",
            relative_error=error,
        )


def _run_eagerly(
    links: network.Links, params: tuple[Params, ...], state: tuple[State, ...], y: Any, train: bool
) -> tuple[Any, Any]:
    """Outputs and new state, uncompiled, with no way back, and of NumPy arrays as they are:
    `functional.run` would copy them.
    """
    kept = []
    for i, (link, p, s) in enumerate(zip(links, params, state, strict=True)):
        y, s, _ = link.run(
            p, s, y, key=functional.link_key(jax.random.key(0), i, link), train=train, mask=None
        )
        kept.append(s)
    return y, tuple(kept)


def _weight_order(params: Params) -> list[Any]:
    return list(params) if isinstance(params, dict) else [_weight_order(part) for part in params]
