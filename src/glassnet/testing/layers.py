"""The check of a layer."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from glassnet.engine import network
from glassnet.errors import ConfigError
from glassnet.layers import Layer, functional
from glassnet.layers.functional import Links
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
"""The number of rows of a batch, and of those that a mask leaves."""


def check_layer(layer: Layer, shape: Shape = (4,), *, integer: int = 0) -> None:
    """Check that `layer` follows the layer protocol, on which networks and training rely.

    The layer must be a frozen dataclass that hashes and compares by its fields. Its params must be
    float32 arrays in a fixed order that depend on the seed alone. Outputs, state and gradients must
    be equal whether compiled or not, in any batch, and with or without masked padding rows, or
    steps if the layer says that it ignores them.
    No argument may be modified in place. Output shapes must be those derived, and gradients must
    agree with finite differences. The layer is checked as the links that it unfolds into.

    Args:
        layer: the layer.
        shape: the shape of one example.
        integer: if > 0, inputs are integers below it (token ids), not real numbers.

    Raises:
        AssertionError: a check fails; the message says which.

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
    is_unfolded = all(link.unfold() == (link,) for link in links)
    assert_true(is_unfolded, who, "links that do not unfold further", links=links)
    params, state, out = _check_init(who, links, shape)
    penalty = network.penalty(links, params)
    ok = penalty is None or (np.shape(penalty) == () and np.isfinite(penalty))
    assert_true(ok, who, "penalty to be None or one finite number", penalty=penalty)
    rng, batch_shape = np.random.default_rng(1), (BATCH_SIZE, *shape)
    x = rng.integers(0, integer, batch_shape) if integer else rng.normal(size=batch_shape)
    with jax.enable_x64(True):
        dy = rng.normal(size=(BATCH_SIZE, *out))
        params, state = to_float64(params), to_float64(state)
        for train in (False, True):
            mode = f"{who} in {'training' if train else 'inference'}"
            _PassCheck(mode, links, params, state, x, dy, train).run()


def _check_init(
    who: str, links: Links, shape: Shape
) -> tuple[tuple[Params, ...], tuple[State, ...], Shape]:
    params, state, shapes = functional.init(links, np.random.default_rng(0), shape)
    again, *_ = functional.init(links, np.random.default_rng(0), shape)
    other, *_ = functional.init(links, np.random.default_rng(1), shape)
    for where, leaf in named_leaves(params):
        dtype = np.asarray(leaf).dtype
        assert_true(
            isinstance(leaf, np.ndarray) and dtype == np.float32,
            who,
            f"init to return NumPy arrays of float32 ({where})",
            type=type(leaf).__name__,
            dtype=str(dtype),
        )
    assert_trees_close(who, "init to return equal params for equal seeds", again, params, 0)
    order, other_order = _weight_order(params), _weight_order(other)
    expected = "init to return weights in a fixed order"
    assert_true(other_order == order, who, expected, received=other_order, fix=f"Before: {order}.")
    return params, state, shapes[-1]


class _PassResult(NamedTuple):
    y: Array
    state: tuple[State, ...]
    grads: tuple[Params, ...]
    dx: Array
    mask: Array | None


class _PassCheck:
    """Checks of forward and backward passes, in training or in inference."""

    def __init__(
        self,
        who: str,
        links: Links,
        params: tuple[Params, ...],
        state: tuple[State, ...],
        x: np.ndarray,
        dy: np.ndarray,
        train: bool,
    ) -> None:
        self.who, self.links, self.params, self.state = who, links, params, state
        self.x, self.dy, self.train = x, dy, train
        self.compiled = jax.jit(self.forward_backward)

    def run(self) -> None:
        self.check_output_shape()
        short = self.compiled(self.params, self.state, self.x[:N_UNMASKED], self.dy[:N_UNMASKED])
        self.check_eager(short)
        self.check_masked(short)
        if not self.train:
            self.check_inference(short)
            self.check_affine()
            self.check_padded(short)
        self.check_gradients(short)

    def forward_backward(
        self, params: Any, state: Any, x: Any, dy: Any, mask: Any = None
    ) -> _PassResult:
        y, pullbacks, new_state, mask = network.forward(
            self.links, params, state, x, key=jax.random.key(0), train=self.train, mask=mask
        )
        grads, dx, _ = network.backward(pullbacks, dy)
        return _PassResult(y, new_state, grads, dx, mask)

    def check_output_shape(self) -> None:
        def outputs(x: Any) -> Array:
            key = jax.random.key(0)
            return network.forward(
                self.links, self.params, self.state, x, key=key, train=self.train
            )[0]

        for n in (1, N_UNMASKED, BATCH_SIZE):
            y = jax.eval_shape(outputs, np.empty((n, *self.x.shape[1:]), self.x.dtype))
            shape, dtype = (n, *self.dy.shape[1:]), self.dy.dtype
            expected = f"{n} rows to have outputs of the derived shape, {shape}"
            assert_true(y.shape == shape, self.who, expected, shape=y.shape)
            expected = f"an output as precise as the input, {dtype}"
            assert_true(y.dtype == dtype, self.who, expected, dtype=str(y.dtype))

    def check_eager(self, short: _PassResult) -> None:
        """Check calls on NumPy arrays, not compiled. `functional.run` would copy the arrays."""
        arguments = self.params, self.state, self.x
        before = copy.deepcopy(arguments)
        results = []
        for _ in range(2):
            y, new_state = self.x[:N_UNMASKED], []
            for i, (link, p, s) in enumerate(zip(self.links, *arguments[:2], strict=True)):
                key = functional.link_key(jax.random.key(0), i, link)
                y, s, _ = link.run(p, s, y, key=key, train=self.train, mask=None)
                new_state.append(s)
            results.append((y, tuple(new_state)))
        expected = "params, state and input to stay unchanged"
        assert_trees_close(self.who, expected, arguments, before, tolerance=0)
        expected = "equal results in every call, compiled or not"
        for result in results:
            assert_trees_close(self.who, expected, result, (short.y, short.state))

    def check_masked(self, short: _PassResult) -> None:
        x, dy, n = self.x, self.dy, N_UNMASKED
        real = np.arange(BATCH_SIZE) < n
        real_x, real_dy = (real.reshape(-1, *[1] * (a.ndim - 1)) for a in (x, dy))
        junk = x if np.issubdtype(x.dtype, np.integer) else np.where(real_x, x, 100 * x)
        masked = self.compiled(
            self.params, self.state, junk, np.where(real_dy, dy, 0), real.astype(np.float64)
        )
        is_masked = masked.mask is not None and not np.any(masked.mask[n:])
        assert_true(is_masked, self.who, "masked rows to stay masked", mask=masked.mask)
        unmasked = masked._replace(y=masked.y[:n], dx=masked.dx[:n], mask=short.mask)
        assert_trees_close(self.who, "masked rows not to affect other rows", unmasked, short)
        zeros = np.zeros_like(x[n:], float)
        assert_trees_close(self.who, "masked rows to have gradient 0", masked.dx[n:], zeros)

    def check_inference(self, short: _PassResult) -> None:
        assert_trees_close(self.who, "state to stay unchanged", short.state, self.state)
        rows = slice(1, N_UNMASKED + 1)
        shifted = self.compiled(self.params, self.state, self.x[rows], self.dy[rows])
        expected = "the output of a row not to depend on the batch"
        assert_trees_close(self.who, expected, short.y[1:], shifted.y[:-1])

    def check_affine(self) -> None:
        """Check that equal changes of the params change the output of the first links equally.

        Later links, behind one that is not affine, are not checked.
        """
        rng, x = np.random.default_rng(2), functional.as_float(self.x)
        for link, params, state in zip(self.links, self.params, self.state, strict=True):
            if not link.is_affine:
                return
            step = jax.tree.map(lambda leaf: rng.normal(size=np.shape(leaf)), params)
            y0, y1, y2 = (
                functional.run(
                    (link,), (jax.tree.map(lambda p, d, t=t: p + t * d, params, step),), (state,), x
                )[0]
                for t in (0, 1, 2)
            )
            expected = "an output that is affine in the params, as is_affine says"
            assert_trees_close(self.who, expected, y2 - y1, y1 - y0)
            x = y0

    def check_padded(self, short: _PassResult) -> None:
        """Check that masked steps at the end change no real step, if the layer says so."""
        n_steps, *features = self.x.shape[1:]
        has_steps = features or np.issubdtype(self.x.dtype, np.integer)
        if not has_steps or not all(link.ignores_padding for link in self.links):
            return
        params, *_ = functional.init(self.links, np.random.default_rng(0), (n_steps + 1, *features))
        if jax.tree.map(np.shape, params) != jax.tree.map(np.shape, self.params):
            return
        x = self.x[:N_UNMASKED]
        longer, mask = np.concatenate([x, x[:, -1:]], axis=1), np.ones((len(x), n_steps + 1))
        mask[:, -1] = 0
        run = jax.jit(
            lambda x, mask: functional.run(self.links, self.params, self.state, x, mask=mask)
        )
        y, _, mask_after = run(longer, mask)
        real = y[:, :n_steps] if mask_after is not None and mask_after.ndim == 2 else y
        expected = "masked steps at the end not to affect others, as ignores_padding says"
        assert_trees_close(self.who, expected, real, short.y)

    def check_gradients(self, short: _PassResult) -> None:
        x, dy = self.x[:N_UNMASKED], self.dy[:N_UNMASKED]
        trainable, frozen = network.split(self.links, self.params)
        point: dict[str, Any] = {"params": trainable}
        gradient: dict[str, Any] = {"params": short.grads}
        if not np.issubdtype(x.dtype, np.integer):
            point["x"], gradient["x"] = x, short.dx

        def value(point: Any) -> float:
            params = network.merge(point["params"], frozen)
            return float(np.vdot(dy, self.compiled(params, self.state, point.get("x", x), dy).y))

        for path, error in finite_differences(value, point, gradient):
            expected = f"the gradient of {path_label(path)} to equal its finite difference"
            assert_true(error <= GRADIENT_TOLERANCE, self.who, expected, relative_error=error)


def _weight_order(params: Params) -> list[Any]:
    return list(params) if isinstance(params, dict) else [_weight_order(part) for part in params]
