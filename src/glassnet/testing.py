"""What a part is, said as checks: any layer, loss or optimizer that passes works everywhere in glassnet, yours like ours.

Relations and gradients are checked in float64, where a wrong formula cannot hide behind rounding. Every check raises `AssertionError`
with what was expected and what was received.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from glassnet import evaluation, network
from glassnet.data import rows
from glassnet.errors import ConfigError, message
from glassnet.layers import Layer
from glassnet.losses import Loss
from glassnet.optimizers import Optimizer
from glassnet.training import one_pass, weigh
from glassnet.types import Array, Params, Shape, State

if TYPE_CHECKING:
    from glassnet.model import Sequential

SAME = 1e-9
"""How far the same mathematics may differ in float64, relative to the largest number."""
SAME_FLOAT32 = 1e-5
"""The same in float32."""
GRADIENT = 1e-6
"""How far a gradient may be from its finite difference in float64, relative."""
STEP = 1e-5
"""Half the distance that a finite difference spans, in units of the number that is varied."""
ROWS, REAL = 5, 3
"""Rows of a batch, and how many of them are real where it is masked."""
DESCENT = 200
"""Steps that an optimizer gets to move towards a minimum."""


def check_layer(layer: Layer, shape: Shape = (4,), *, integer: int = 0) -> None:
    """Whether `layer` keeps the promises that networks, training and traces build on.

    A frozen value that hashes and compares by its fields; params that a seed decides, float32, in one order; the same numbers compiled or
    not, in a batch or one by one, and with padded rows masked as without them, in training too (outputs, statistics, gradients); nothing
    written in place; output shapes as derived; gradients that agree with finite differences. Layers run as their links.

    Args:
        layer: the layer.
        shape: of one example.
        integer: inputs are whole numbers below this (token ids) rather than real ones; 0 for real ones.

    Raises:
        AssertionError: a promise is broken; the message says which.

    Example:
        >>> from glassnet.layers import Dense
        >>> check_layer(Dense(3, activation="tanh"))
    """
    who = type(layer).__name__
    try:
        network.check_layer_class(layer)
    except ConfigError as error:
        raise AssertionError(str(error)) from error
    _check_value(layer)
    _claim(replace(layer, name="another") == layer, who, "a layer of another name to be equal")
    links = layer.unfold()
    _claim(all(link.unfold() == (link,) for link in links), who, "links that unfold no further", links=links)
    params, state, out = _check_init(who, links, shape)
    rng = np.random.default_rng(1)
    x = rng.integers(0, integer, (ROWS, *shape)) if integer else rng.normal(size=(ROWS, *shape))
    _check_nothing_written(who, links, params, state, x.astype(np.float32))
    cost = network.penalty(links, params)
    _claim(cost is None or (np.shape(cost) == () and np.isfinite(cost)), who, "penalty to be None or one finite number", penalty=cost)
    with jax.enable_x64(True):
        dy = rng.normal(size=(ROWS, *out))
        for train in (False, True):
            _check_passes(f"{who} in {'training' if train else 'inference'}", links, _wide(params), _wide(state), x, dy, train)


class _Pass(NamedTuple):
    y: Array
    state: tuple[State, ...]
    grads: tuple[Params, ...]
    dx: Array
    mask: Array | None


def _check_init(who: str, links: network.Links, shape: Shape) -> tuple[tuple[Params, ...], tuple[State, ...], Shape]:
    params, state, shapes = network.init(links, np.random.default_rng(0), shape)
    again, *_ = network.init(links, np.random.default_rng(0), shape)
    other, *_ = network.init(links, np.random.default_rng(1), shape)
    for where, leaf in _leaves(params):
        ok = isinstance(leaf, np.ndarray) and leaf.dtype == np.float32
        _claim(ok, who, f"init to give NumPy arrays of float32 ({where})", type=type(leaf).__name__, dtype=str(np.asarray(leaf).dtype))
    _same(who, "init from one seed to give the same params", again, params, tolerance=0)
    order, now = _order(params), _order(other)
    _claim(now == order, who, "init to give weights in one order", received=now, fix=f"Before: {order}.")
    return params, state, shapes[-1]


def _check_nothing_written(who: str, links: network.Links, params: tuple[Params, ...], state: tuple[State, ...], x: np.ndarray) -> None:
    for train in (False, True):
        before, y = copy.deepcopy((params, state, x)), x
        for link, p, s in zip(links, params, state, strict=True):
            y, _ = link.apply(p, s, y, key=jax.random.key(0), train=train, mask=None)
        _same(who, "params, state and input to be left as they were", (params, state, x), before, tolerance=0)


def _check_passes(
    who: str, links: network.Links, params: tuple[Params, ...], state: tuple[State, ...], x: np.ndarray, dy: np.ndarray, train: bool
) -> None:
    def run(params: Any, state: Any, x: Any, dy: Any, mask: Any = None) -> _Pass:
        y, pullbacks, new, mask = network.forward(links, params, state, x, key=jax.random.key(0), train=train, mask=mask)
        grads, dx, _ = network.backward(pullbacks, dy)
        return _Pass(y, new, grads, dx, mask)

    def outputs(x: Any) -> Array:
        return network.forward(links, params, state, x, key=jax.random.key(0), train=train)[0]

    for n in (1, REAL, ROWS):
        got = jax.eval_shape(outputs, jax.ShapeDtypeStruct((n, *x.shape[1:]), x.dtype))
        _claim(got.shape == (n, *dy.shape[1:]), who, f"{n} rows to come out with the shape derived, {(n, *dy.shape[1:])}", shape=got.shape)
        _claim(got.dtype == dy.dtype, who, f"an output as precise as the input, {dy.dtype}", dtype=str(got.dtype))
    compiled = jax.jit(run)
    whole = compiled(params, state, x, dy)
    for _ in range(2):
        _same(who, "the same numbers call after call, compiled or not", run(params, state, x, dy), whole)
    short = compiled(params, state, x[:REAL], dy[:REAL])
    real = np.arange(ROWS) < REAL
    shaped = real.reshape(-1, *[1] * (x.ndim - 1))
    junk = x if np.issubdtype(x.dtype, np.integer) else np.where(shaped, x, 100 * x)
    masked = compiled(params, state, junk, np.where(real.reshape(-1, *[1] * (dy.ndim - 1)), dy, 0), real.astype(np.float64))
    _claim(masked.mask is not None and not np.any(masked.mask[REAL:]), who, "masked rows to stay masked", mask=masked.mask)
    _same(who, "masked rows not to matter to the others", masked._replace(y=masked.y[:REAL], dx=masked.dx[:REAL], mask=short.mask), short)
    _same(who, "masked rows to get no gradient", masked.dx[REAL:], np.zeros_like(x[REAL:], float))
    if not train:
        _same(who, "state to stay as it is", whole.state, state)
        alone = np.concatenate([compiled(params, state, x[i : i + 1], dy[i : i + 1]).y for i in range(ROWS)])
        _same(who, "rows to come out of a batch as they do one by one", whole.y, alone)
    learning, frozen = network.split(links, params)
    point: dict[str, Any] = {"params": learning}
    gradient: dict[str, Any] = {"params": whole.grads}
    if not np.issubdtype(x.dtype, np.integer):
        point["x"], gradient["x"] = x, whole.dx

    def value(point: Any) -> float:
        return float(np.vdot(dy, compiled(network.merge(point["params"], frozen), state, point.get("x", x), dy).y))

    for path, error in _differences(value, point, gradient):
        _claim(error <= GRADIENT, who, f"the gradient of {_label(path)} to equal its finite difference", relative_error=error)


def check_loss(loss: Loss, y: Array, z: Array) -> None:
    """Whether `loss` is a frozen value with one finite, right, independently weighed number per row.

    Args:
        loss: the loss.
        y: targets in a form that `loss.rows` takes, at least 3 rows.
        z: what `loss.rows` takes for predictions, (batch, ..., outputs). Signs are kept where it is made huge.

    Raises:
        AssertionError: rows of another shape; not finite at +-1000; a gradient off its finite difference; rows that influence each other;
            a mean in which masked rows count.

    Example:
        >>> from glassnet.losses import MeanSquaredError
        >>> check_loss(MeanSquaredError(), np.zeros((3, 2)), np.eye(3, 2))
    """
    who = type(loss).__name__
    _check_value(loss)
    with jax.enable_x64(True):
        y, z = _wide((np.asarray(y), np.asarray(z)))
        rng, real = np.random.default_rng(0), len(z) - 1
        shape = jax.eval_shape(loss.rows, y, z).shape
        _claim(0 < len(shape) < z.ndim and shape == z.shape[: len(shape)], who, f"rows over the first axes of {z.shape}", shape=shape)
        dy = rng.normal(size=shape)

        @jax.jit
        def run(y: Any, z: Any, dy: Any, mask: Any = None) -> tuple[Array, Array, Array]:
            out, pullback = jax.vjp(lambda z: loss.rows(y, z), z)
            total, count = weigh(out, None, mask)
            return out, pullback(dy)[0], total / count

        for huge in (1000 * np.sign(z), 1000 * np.sign(np.roll(z, 1, axis=0))):
            for what, numbers in zip(("loss", "gradient"), run(y, huge, dy)[:2], strict=True):
                _claim(np.isfinite(numbers).all(), who, f"a finite {what} where predictions are +-1000", received=np.asarray(numbers))
        out, slope, _ = run(y, z, dy)
        for _, error in _differences(lambda z: float(np.vdot(dy, run(y, z, dy)[0])), z, slope):
            _claim(error <= GRADIENT, who, "the gradient to equal its finite difference", relative_error=error)
        mixed = rng.permutation(len(z))
        _same(who, "permuted rows to give permuted losses", run(y[mixed], z[mixed], dy)[0], out[mixed])
        junk = np.concatenate([z[:real], 100 * z[real:]])
        short, masked = run(y[:real], z[:real], dy[:real])[2], run(y, junk, dy, np.float64(np.arange(len(z)) < real))[2]
        _same(who, "masked rows not to count in the mean", masked, short)


def check_optimizer(optimizer: Optimizer) -> None:
    """Whether `optimizer` is a frozen value with a pure start and a pure step, at a rate that may change without compiling again.

    Raises:
        AssertionError: a start that depends on more than shapes; a step that writes, changes the form of its state, moves at rate 0,
            obeys its own `learning_rate` rather than `lr`, or compiles again; steps that do not lead towards a quadratic's minimum.

    Example:
        >>> from glassnet.optimizers import SGD
        >>> check_optimizer(SGD(0.1, momentum=0.9))
    """
    who = type(optimizer).__name__
    _check_value(optimizer)
    rng = np.random.default_rng(0)

    def draw() -> Params:
        far = {name: rng.choice([-1, 1], size) * rng.uniform(1, 2, size) for name, size in (("kernel", (3, 2)), ("bias", (2,)))}
        return {name: values.astype(np.float32) for name, values in far.items()}, None, ({"scale": np.ones(2, np.float32)}, None)

    params, grads, rate = draw(), draw(), np.float32(optimizer.learning_rate)
    state = optimizer.init(params)
    _same(who, "a start that depends on the params' shapes alone", optimizer.init(grads), state, tolerance=0)
    given = (grads, state, params)
    before = copy.deepcopy(given)
    after = optimizer.update(*given, rate)
    _same(who, "gradients, state and params to be left as they were", given, before, tolerance=0)
    got, want = _form(after), _form((params, state))
    _claim(got == want, who, "params and state to keep their form, None where they are frozen", received=got, fix=f"Before: {want}.")
    louder = replace(optimizer, learning_rate=2 * optimizer.learning_rate)
    _same(who, "the rate to be lr, not learning_rate", louder.update(*given, rate), after, tolerance=0)
    _same(who, "a rate of 0 to leave params as they are", optimizer.update(*given, np.float32(0))[0], params, tolerance=0)
    step = jax.jit(optimizer.update)
    _same(who, "the same step compiled", step(*given, rate), after, tolerance=SAME_FLOAT32)
    weights, slots = params, state
    with compilations() as compiled:
        for i in range(DESCENT):
            weights, slots = step(weights, slots, weights, np.float32(rate * (1 if i < DESCENT // 2 else 0.5)))
    _claim(not compiled, who, "one compilation for all steps and rates", compiled_again=len(compiled))
    for (where, w), (_, start) in zip(_leaves(weights), _leaves(params), strict=True):
        nearer = (np.abs(w) < np.abs(start)).all()
        _claim(nearer, who, f"{DESCENT} steps on sum(w^2) / 2 to bring {where} nearer to 0", start=start, end=np.asarray(w))


def check_gradients(model: Sequential, x: Any, y: Any) -> float:
    """The largest relative error of the gradients that `fit` would use for these rows, against finite differences in float64.

    Args:
        model: compiled, with or without weights.
        x: rows; a few are enough.
        y: targets.

    Returns:
        The largest error of any array of weights (dimensionless): of the inner product of its gradient with a random direction.

    Raises:
        AssertionError: an error above 1e-6, with the layer and the weights; or a chain of links that is not the gradient of the whole.

    Example:
        >>> from glassnet import Sequential
        >>> from glassnet.layers import Dense
        >>> model = Sequential([Dense(3, activation="tanh"), Dense(2, activation="softmax")], seed=0)
        >>> model.compile(loss="categorical_crossentropy")
        >>> check_gradients(model, np.eye(4), [0, 1, 1, 0]) < 1e-6
        True
    """
    x = model._examples(x)
    built, program = model._build(x.shape[1:]), model._program()
    names = [str(link.name) for link in built.links]
    data, _ = rows.encode(x, y, program.loss, built.shapes[-1])
    state = evaluation.learn(built.links, model._params, model._state, data.x)
    with jax.enable_x64(True):
        params, state, data = _wide((model._params, state, data))
        learning, frozen = network.split(built.links, params)

        @jax.jit
        def run(learning: Any) -> tuple[Array, Any]:
            weights = network.merge(learning, frozen)
            done = one_pass(program, weights, state, data, jnp.ones(len(x)), jax.random.key(0), train=True)
            return done.loss, done.grads

        grads = run(learning)[1]
        worst = 0.0
        for path, error in _differences(lambda p: float(run(p)[0]), learning, grads):
            where = _label(path, names)
            _claim(error <= GRADIENT, where, "a gradient equal to its finite difference", relative_error=error)
            worst = max(worst, error)
        _same("Sequential", "the chain of links to be the gradient of the whole", grads, jax.grad(lambda p: run(p)[0])(learning))
    return worst


@contextmanager
def compilations() -> Iterator[list[str]]:
    """The list of what XLA compiles while this is entered: one entry per program.

    Example:
        >>> double = jax.jit(lambda x: 2 * x)
        >>> with compilations() as compiled:
        ...     _ = double(np.float32(1)), double(np.float32(2))
        >>> len(compiled)
        1
    """
    compiled: list[str] = []

    def listen(event: str, duration_secs: float, **about: str | int) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            compiled.append(str(about.get("fun_name", event)))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)


def _claim(ok: Any, who: str, expected: str, *, fix: str = "", **received: Any) -> None:
    if not ok:
        raise AssertionError(message(who, expected, fix=fix, **received))


def _check_value(part: Any) -> None:
    who = type(part).__name__
    own = vars(type(part)).get("__dataclass_params__")
    _claim(is_dataclass(part) and own and own.frozen, who, "a frozen dataclass", fix=f"Write @dataclass(frozen=True) above class {who}.")
    twin = copy.copy(part)
    try:
        alike = twin == part and hash(twin) == hash(part)
    except TypeError as error:
        raise AssertionError(message(who, "fields that can be hashed", received=str(error))) from error
    _claim(alike, who, "equal fields to make equal parts of equal hash")
    for name in (field.name for field in fields(part) if field.compare):
        object.__setattr__(twin := copy.copy(part), name, object())
        _claim(twin != part, who, f"parts that differ in {name} to be unequal")


def _differences(value: Callable[[Any], float], point: Any, gradient: Any) -> Iterator[tuple[tuple[Any, ...], float]]:
    """Each array's path, and how far its gradient's inner product with a random direction is from the central difference, relative."""
    rng = np.random.default_rng(2)
    places, form = jax.tree_util.tree_flatten_with_path(point)
    leaves = [leaf for _, leaf in places]
    for i, ((path, leaf), g) in enumerate(zip(places, jax.tree.leaves(gradient), strict=True)):
        direction = rng.normal(size=leaf.shape)
        ends = [value(jax.tree.unflatten(form, [*leaves[:i], leaf + step * direction, *leaves[i + 1 :]])) for step in (STEP, -STEP)]
        difference, slope = (ends[0] - ends[1]) / (2 * STEP), float(np.vdot(direction, g))
        yield path, abs(slope - difference) / max(abs(slope), abs(difference), 1e-4 * abs(ends[0]), 1e-30)


def _same(who: str, expected: str, got: Any, want: Any, tolerance: float = SAME) -> None:
    a, b = dict(_leaves(got)), dict(_leaves(want))
    _claim(_form(got) == _form(want), who, expected, received=_form(got), fix=f"It should be {_form(want)}.")
    for where, numbers in b.items():
        apart = np.max(np.abs(np.subtract(a[where], numbers, dtype=np.float64)), initial=0)
        close = apart <= tolerance * max(1.0, np.max(np.abs(numbers), initial=0))
        _claim(close, who, expected, largest_difference=float(apart), **({"where": where} if where else {}))


def _leaves(tree: Any) -> list[tuple[str, Any]]:
    return [(_label(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]


def _label(path: tuple[Any, ...], names: list[str] | None = None) -> str:
    keys = [getattr(entry, "name", getattr(entry, "key", getattr(entry, "idx", entry))) for entry in path]
    return "/".join(map(str, keys if names is None else [names[keys[0]], *keys[1:]]))


def _form(tree: Any) -> dict[str, Any]:
    return {where: np.shape(leaf) for where, leaf in _leaves(tree)}


def _order(params: Params) -> list[Any]:
    return list(params) if isinstance(params, dict) else [_order(part) for part in params]


def _wide(tree: Any) -> Any:
    return jax.tree.map(lambda a: np.asarray(a, np.float64) if np.issubdtype(np.asarray(a).dtype, np.floating) else a, tree)
