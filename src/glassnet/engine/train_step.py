"""Pure: one compiled function, `run_steps`, that trains; `loop.py` is the generator around it.

`program` is what does not change during a run (links, loss, optimizer, metrics) and is compiled
once; `carry` is what does; `data` stays on the device; `plan` is one epoch's order. An epoch, a
slice of one for the progress line and a single step run the same program between dynamic bounds,
with the same bits.

Nothing is donated: a carry that went in stays readable, so it is its own snapshot. Replaying a
    failed slice, the best weights of
early stopping and a model that survives any exception all come from that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet.engine import network
from glassnet.errors import require
from glassnet.layers import functional
from glassnet.losses import Loss, broadcast_weights
from glassnet.metrics import Metric
from glassnet.optimizers import Optimizer
from glassnet.optimizers.optimizer import clip_gradients
from glassnet.schedules import Schedule
from glassnet.types import Array, Params, State


@dataclass(frozen=True)
class Program:
    """What is compiled: two equal programs share one compilation. A learning rate that is a number
    is not part of it.
    """

    links: network.Links
    loss: Loss
    optimizer: Optimizer
    metrics: tuple[Metric, ...] = ()

    def __post_init__(self):
        if not isinstance(self.optimizer.learning_rate, Schedule):
            object.__setattr__(self, "optimizer", replace(self.optimizer, learning_rate=1.0))

    def log_names(self, include_validation: bool) -> tuple[str, ...]:
        """The keys of every epoch's logs.

        Raises:
            ConfigError: two metrics share a name, or one is called loss.
        """
        names = ("loss", *(metric.name for metric in self.metrics))
        require(
            len(set(names)) == len(names),
            "metrics",
            "a name of its own for each",
            names=names,
            fix='Give name="..." to one of them.',
        )
        return names + tuple(f"val_{name}" for name in names if include_validation)


class Data(NamedTuple):
    """Rows on the device: x (n, ...), y (n, ...) and weights (n,) or None."""

    x: Array
    y: Array
    weight: Array | None = None

    def take(self, index: Array) -> Data:
        """Some of the rows."""
        return Data(*(None if a is None else a[index] for a in self))


class BatchPlan(NamedTuple):
    """One epoch's order: row indices (steps, batch), or None for one full batch as it lies; and
    which are real (steps, batch).
    """

    indices: Array | None
    mask: Array


class Chunk(NamedTuple):
    """Rows that are on the device together, and their plan, of which the steps from `start` up to
    `steps` are to be taken.
    """

    data: Data
    plan: BatchPlan
    steps: int
    start: int = 0


class TrainState(NamedTuple):
    """What training changes. `losses` belong to the chunk under way, `metric_sums` and `finite` to
    the epoch, the rest to the model.

    `rate` is the learning rate, or the factor on it where the optimizer has a schedule.
    """

    params: tuple[Params, ...]
    state: tuple[State, ...]
    optimizer_state: Any
    rate: Array
    key: Array
    step: Array
    losses: Array
    metric_sums: tuple[Any, ...]
    finite: Array


class PassResult(NamedTuple):
    """One forward and backward pass. `link_outputs` and `deltas` (dL/d output) are of the body's
    links in the order of `network.iter_links`; `grads` nest as all links do."""

    loss: Array
    unreduced_loss: Array
    output: Array
    mask: Array | None
    state: tuple[State, ...]
    link_outputs: tuple[Array, ...]
    deltas: tuple[Array, ...]
    d_input: Array
    grads: tuple[Params, ...]


def forward_backward(
    program: Program,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    batch: Data,
    mask: Array | None,
    key: Array,
    train: bool,
) -> PassResult:
    """Forward, loss and backward of one batch: what training runs, what the trace shows.

    loss = sum(rows * weight * mask) / sum(mask) + penalties, as Keras has it; where nothing is
    real, the penalties alone.
    """
    body, head = network.split_head(program.links, program.loss)
    n = len(body)
    z, pullbacks, new_state, mask = network.forward(
        body, params[:n], state[:n], batch.x, key=key, train=train, mask=mask
    )

    def mean_loss(z):
        rows = program.loss.unreduced(batch.y, z)
        total, count = weighted_sum_and_count(rows, batch.weight, mask)
        return total / jnp.maximum(count, 1), rows

    (loss, rows), dz = jax.value_and_grad(mean_loss, has_aux=True)(z)
    grads, dx, deltas = network.backward(pullbacks, dz)
    learning, frozen = network.split(program.links, params)
    grads += learning[n:]
    if network.penalty(program.links, params) is not None:
        extra, slope = jax.value_and_grad(
            lambda p: network.penalty(program.links, network.merge(p, frozen))
        )(learning)
        loss, grads = loss + extra, jax.tree.map(jnp.add, grads, slope)
    output, *_ = functional.run(head, params[n:], state[n:], z)
    outputs = tuple(output for pullback in pullbacks for output in pullback.outputs)
    return PassResult(loss, rows, output, mask, new_state + state[n:], outputs, deltas, dx, grads)


def weighted_sum_and_count(
    losses: Array, weight: Array | None, mask: Array | None
) -> tuple[Array, Array]:
    """sum(rows * weight * mask) and sum(mask), each spread over whatever axes of rows it lacks;
    their ratio is the loss.
    """
    real = (
        jnp.ones_like(losses)
        if mask is None
        else broadcast_weights(mask, losses.shape).astype(losses.dtype)
    )
    weighted = (
        losses * real if weight is None else losses * real * broadcast_weights(weight, losses.shape)
    )
    return weighted.sum(), real.sum()


@partial(jax.jit, static_argnums=0)
def run_steps(
    program: Program,
    train_state: TrainState,
    data: Data,
    plan: BatchPlan,
    start: Array,
    stop: Array,
) -> TrainState:
    """Train on the plan's steps from start up to stop, or to the first loss, weight or statistic
    that is no longer a number.
    """

    def unfinished(loop):
        i, carry = loop
        return (i < stop) & carry.finite

    def body(loop):
        i, carry = loop
        return i + 1, train_step(program, carry, data, plan, i)

    _, train_state = lax.while_loop(unfinished, body, (start, train_state))
    finite = [
        jnp.isfinite(leaf).all()
        for leaf in jax.tree.leaves((train_state.params, train_state.state))
    ]
    return train_state._replace(finite=jnp.stack([train_state.finite, *finite]).all())


def train_step(
    program: Program, train_state: TrainState, data: Data, plan: BatchPlan, i: Array
) -> TrainState:
    """One step: pick the batch, pass forward and backward, update."""
    batch, mask, key = get_batch(program, train_state, data, plan, i)
    done = forward_backward(
        program, train_state.params, train_state.state, batch, mask, key, train=True
    )
    learning, frozen = network.split(program.links, train_state.params)
    learning, optimizer = apply_gradients(program, train_state, done.grads, learning)
    return train_state._replace(
        params=network.merge(learning, frozen),
        state=done.state,
        optimizer_state=optimizer,
        step=train_state.step + 1,
        losses=train_state.losses.at[i].set(done.loss),
        metric_sums=tuple(
            m.update(acc, batch.y, done.output, done.mask)
            for m, acc in zip(program.metrics, train_state.metric_sums, strict=True)
        ),
        finite=jnp.isfinite(done.loss),
    )


def apply_gradients(
    program: Program,
    train_state: TrainState,
    grads: tuple[Params, ...],
    trainable: tuple[Params, ...],
) -> tuple[tuple[Params, ...], Any]:
    """The params that learn after the carry's step, and what the optimizer then remembers:
    gradients clipped, at the step's rate.
    """
    rate = learning_rate_at(program.optimizer, train_state.rate, train_state.step)
    return program.optimizer.update(
        clip_gradients(program.optimizer, grads), train_state.optimizer_state, trainable, rate
    )


def initial_rate(optimizer: Optimizer) -> float:
    """The carry's `rate` to begin with."""
    return 1.0 if isinstance(optimizer.learning_rate, Schedule) else optimizer.learning_rate


def learning_rate_at(optimizer: Optimizer, rate: Any, step: Any) -> Any:
    """The learning rate of a step: `rate`, times the schedule's where there is one."""
    schedule = optimizer.learning_rate
    return _scheduled_rate(schedule, rate, step) if isinstance(schedule, Schedule) else rate


@partial(jax.jit, static_argnums=0)
def _scheduled_rate(schedule: Schedule, rate: Array, step: Array) -> Array:
    return rate * schedule(step)


def rate_for_learning_rate(optimizer: Optimizer, learning_rate: float, step: int) -> float:
    """The carry's `rate` with which the learning rate of a step is the one wanted:
    `learning_rate_at` the other way round.

    Raises:
        ConfigError: the schedule is at 0 there.
    """
    planned = float(learning_rate_at(optimizer, 1.0, np.int32(step)))
    fix = "No factor makes another rate of 0: compile with another schedule."
    who = type(optimizer.learning_rate).__name__
    require(
        planned > 0 and learning_rate / planned < 3e38,
        who,
        f"a rate > 0 at step {step}, to be scaled",
        rate=planned,
        fix=fix,
    )
    return learning_rate / planned


def get_batch(
    program: Program, train_state: TrainState, data: Data, plan: BatchPlan, i: Array
) -> tuple[Data, Array, Array]:
    """The batch of step i, its mask and its key."""
    batch = data if plan.indices is None else data.take(plan.indices[i])
    return batch, plan.mask[i], step_key(program, train_state)


def step_key(program: Program, train_state: TrainState) -> Array:
    """The key of the step that the carry stands at, of the seed and the count of steps alone; None
    where no link draws from it.
    """
    if not any(map(functional.uses_randomness, program.links)):
        return None
    return jax.random.fold_in(jax.random.wrap_key_data(train_state.key), train_state.step)


def create_train_state(
    program: Program,
    params: tuple[Params, ...],
    state: tuple[State, ...],
    optimizer_state: Any = None,
    *,
    rate: float,
    seed: int,
    step: int = 0,
) -> TrainState:
    """The carry of a run's first step; `optimizer_state` and `train_step` are those of the run that
    it carries on, if any.
    """
    if optimizer_state is None:
        optimizer_state = program.optimizer.init(network.split(program.links, params)[0])
    carry = TrainState(
        params,
        state,
        optimizer_state,
        np.float32(rate),
        make_key_data(seed),
        np.int32(step),
        np.zeros(0, np.float32),
        (),
        np.True_,
    )
    return to_device(carry)


def to_device(tree: Any) -> Any:
    """Copies of a tree's host arrays on the device; what is there already stays.

    `jnp.asarray` would compile a program for every shape, and `device_put` alone may alias the
    host's memory.
    """
    return jax.tree.map(
        lambda a: a if isinstance(a, jax.Array) else jax.device_put(np.array(a)), tree
    )


def make_key_data(seed: int) -> np.ndarray:
    """The data of JAX's key for a seed below 2^64, without a compilation."""
    return np.array([seed >> 32 & 0xFFFFFFFF, seed & 0xFFFFFFFF], np.uint32)


def reset_epoch_sums(program: Program, train_state: TrainState, steps: int) -> TrainState:
    """The carry with the epoch's sums at zero."""
    sums = tuple(metric.init() for metric in program.metrics)
    return to_device(
        train_state._replace(losses=np.zeros(steps, np.float32), metric_sums=sums, finite=np.True_)
    )


def make_plan(n: int, batch_size: int, *, seed: int, epoch: int, shuffle: bool = True) -> BatchPlan:
    """The order of one epoch, a pure function of (seed, epoch); the last short batch is padded with
    row 0 and masked.

    Example:
        >>> make_plan(100, 5, seed=0, epoch=0).indices.shape
        (20, 5)
    """
    if batch_size >= n:
        return BatchPlan(None, np.ones((1, n), np.float32))
    steps = -(-n // batch_size)
    order = np.zeros(steps * batch_size, np.int32)
    order[:n] = np.random.default_rng((seed, epoch, 1)).permutation(n) if shuffle else np.arange(n)
    real = (np.arange(steps * batch_size) < n).astype(np.float32)
    return BatchPlan(order.reshape(steps, batch_size), real.reshape(steps, batch_size))


def make_plan_fn(
    n: int, batch_size: int, *, seed: int, shuffle: bool
) -> Callable[[int], BatchPlan]:
    """Epoch to its plan on the device; a full batch has one plan for all epochs."""
    if batch_size >= n:
        whole = to_device(make_plan(n, n, seed=seed, epoch=0))
        return lambda epoch: whole
    return lambda epoch: to_device(
        make_plan(n, batch_size, seed=seed, epoch=epoch, shuffle=shuffle)
    )


OBSERVED_STATISTICS = ("mean", "std", "zeros", "largest", "delta", "gradient", "weight", "update")
"""What an observation says of each link: its output's mean, standard deviation, share of zeros and
largest size; and the root mean square of its delta, of its params' gradient, of its params, and of
their update. Links without params have 0 there."""


@partial(jax.jit, static_argnums=0)
def observe_step(
    program: Program, train_state: TrainState, data: Data, plan: BatchPlan, i: Array
) -> Array:
    """What step i would do, changing nothing: one row of `OBSERVED_STATISTICS` per link of the
    body, in the order of `network.iter_links`.
    """
    batch, mask, key = get_batch(program, train_state, data, plan, i)
    done = forward_backward(
        program, train_state.params, train_state.state, batch, mask, key, train=True
    )
    learning, _ = network.split(program.links, train_state.params)
    after, _ = apply_gradients(program, train_state, done.grads, learning)
    table = []
    for (path, _), y, delta in zip(
        network.iter_links(program.links), done.link_outputs, done.deltas, strict=False
    ):
        gradient, old, new = (
            network.tree_get(tree, path) for tree in (done.grads, learning, after)
        )
        outputs = [y.mean(), y.std(), (y == 0).mean(), jnp.abs(y).max(), rms(delta)]
        table.append(outputs + [rms(gradient), rms(old), rms(jax.tree.map(jnp.subtract, new, old))])
    return jnp.asarray(table)


def rms(tree: Any) -> Array:
    """Root mean square over all numbers of a tree; 0 where it has none."""
    leaves = jax.tree.leaves(tree)
    if not leaves:
        return jnp.zeros(())
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in leaves) / sum(leaf.size for leaf in leaves))
