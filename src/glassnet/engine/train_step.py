"""The training step, and `run_steps`, the one compiled function that trains.

`program` (links, loss, optimizer, metrics) is static during a run and compiled once. The train
state changes, `data` stays on the device, and `plan` is the order of one epoch. An epoch, a slice
of it and a single step run the same compiled program between dynamic bounds, with the same bits.

No argument is donated: the train state passed in stays valid and is its own snapshot. It is used to
replay a failed slice, to restore the best weights, and to keep the model after an exception.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from glassnet.engine import network
from glassnet.engine.compilation import compiled
from glassnet.engine.network import Links
from glassnet.engine.placement import (
    ONE_DEVICE,
    Placement,
    copy_aligned,
    gather,
    placement_of,
    to_device,
)
from glassnet.errors import require
from glassnet.layers import functional
from glassnet.losses import Loss, broadcast_weights
from glassnet.metrics import Metric
from glassnet.optimizers import Optimizer
from glassnet.optimizers.optimizer import clip_gradients
from glassnet.processes import exchange
from glassnet.schedules import Schedule
from glassnet.types import Array, Params, State


@dataclass(frozen=True)
class Program:
    """Static part of training; equal programs share one compilation.

    A constant learning rate is not part of the program: it is `TrainState.rate`.
    """

    links: Links
    loss: Loss
    optimizer: Optimizer
    metrics: tuple[Metric, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.optimizer.learning_rate, Schedule):
            object.__setattr__(self, "optimizer", replace(self.optimizer, learning_rate=1.0))

    def log_names(self, include_validation: bool) -> tuple[str, ...]:
        """Return the names in every epoch's logs.

        Args:
            include_validation: whether to add the `val_` names.

        Raises:
            ConfigError: two metrics share a name, or one is named loss.
        """
        names = ("loss", *(metric.name for metric in self.metrics))
        require(
            len(set(names)) == len(names),
            "metrics",
            "a unique name for each metric",
            names=names,
            fix='Give name="..." to one of them.',
        )
        return names + tuple(f"val_{name}" for name in names if include_validation)


class Data(NamedTuple):
    """Features x (n, ...), targets y (n, ...) and sample weights (n,), or None for no weights."""

    x: Array
    y: Array
    weight: Array | None = None

    def take(self, index: Array) -> Data:
        """Select rows by index."""
        return Data(*(None if a is None else a[index] for a in self))


class BatchPlan(NamedTuple):
    """Order of one epoch.

    Attributes:
        indices: row indices (steps, batch); None for one batch of all rows in their order; or
            indices of batches (steps,): see `Chunk.data`.
        mask: (steps, batch), 1 for real rows and 0 for padding; or (steps, batch, time), 1 for
            their real time steps.
    """

    indices: Array | None
    mask: Array

    def count_rows(self) -> np.ndarray:
        """Return the number of real rows of each step, (steps,) float64."""
        mask = np.asarray(self.mask, np.float64)
        counts: np.ndarray = (mask if mask.ndim == 2 else mask.max(axis=2)).sum(axis=1)
        return counts


class Chunk(NamedTuple):
    """Data that is on the devices together, and its plan.

    Attributes:
        data: rows (n, ...); or batches (steps, batch, ...), each split over several devices.
        plan: order of the rows; if the data are batches, `indices` is the order of the batches.
        steps: number of steps in the plan.
        start: index of the first step to run.
    """

    data: Data
    plan: BatchPlan
    steps: int
    start: int = 0

    def gather(self) -> Chunk:
        """Return the chunk on the default device, as rows.

        Of batches of which each process has a part, it is this part. All processes call this.
        """
        placement = placement_of(self.plan)
        data, plan = gather((self.data, self.plan))
        if plan.indices is None or plan.indices.ndim == 2:
            if placement.n_processes > 1:
                parts = exchange.all_gather(np.asarray(plan.indices), "order of an epoch")
                plan = plan._replace(indices=to_device(np.concatenate(parts, axis=1)))
            return self._replace(data=data, plan=plan)
        mask = np.asarray(plan.mask)
        mask = mask[:, placement.own_part(mask.shape[1])]
        steps, batch = mask.shape[:2]
        rows = jax.tree.map(lambda a: np.asarray(a).reshape(steps * batch, *a.shape[2:]), data)
        indices = np.arange(steps * batch, dtype=np.int32).reshape(steps, batch)
        return self._replace(data=Data(*rows), plan=BatchPlan(indices, to_device(mask)))


class TrainState(NamedTuple):
    """Everything that a training step changes.

    Attributes:
        params: params of all links.
        state: state of all links.
        optimizer_state: the optimizer's accumulators.
        rate: the learning rate, or the factor on it if the optimizer has a schedule.
        key: data of the random key.
        step: number of steps since the model was built.
        losses: (steps,), the losses of the chunk in progress.
        metric_sums: sums of each metric over the epoch in progress.
        finite: whether all values of the epoch were finite so far.
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
    """Result of one forward and backward pass.

    Attributes:
        loss: mean loss of the batch, with penalties.
        unreduced_loss: loss of each row, or of each step of it.
        output: output of the network.
        mask: which entries of the output are real; None for all.
        state: new state of all links.
        link_outputs: output of each link of the body, in the order of `network.iter_links`.
        deltas: dL/d(output) of each link of the body, in the same order.
        d_input: dL/dx.
        grads: dL/d(params), nested as the links.
    """

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
    """Run forward, loss and backward on one batch.

    loss = sum(losses * weight * mask) / sum(mask) + penalties, as in Keras. If every entry is
    masked, only the penalties remain. Training and the trace both run this function.

    Args:
        program: links and loss.
        params: params of all links.
        state: state of all links.
        batch: x, y and sample weights.
        mask: which rows are real; None for all.
        key: random key, or None.
        train: whether to draw noise and use batch statistics.
    """
    body, head = network.split_head(program.links, program.loss)
    n = len(body)
    z, pullbacks, new_state, mask = network.forward(
        body, params[:n], state[:n], batch.x, key=key, train=train, mask=mask
    )

    def mean_loss(z: Array) -> tuple[Array, Array]:
        losses = program.loss.unreduced(batch.y, z)
        total, count = weighted_sum_and_count(losses, batch.weight, mask)
        return total / jnp.maximum(count, 1), losses

    (loss, losses), dz = jax.value_and_grad(mean_loss, has_aux=True)(z)
    grads, dx, deltas = network.backward(pullbacks, dz)
    trainable, frozen = network.split(program.links, params)
    grads += trainable[n:]  # the head has no params: empty dicts complete the nesting
    if network.penalty(program.links, params) is not None:
        penalty, penalty_grads = jax.value_and_grad(
            lambda p: network.penalty(program.links, network.merge(p, frozen))
        )(trainable)
        loss, grads = loss + penalty, jax.tree.map(jnp.add, grads, penalty_grads)
    output, *_ = functional.run(head, params[n:], state[n:], z)
    outputs = tuple(output for pullback in pullbacks for output in pullback.outputs)
    return PassResult(loss, losses, output, mask, new_state + state[n:], outputs, deltas, dx, grads)


def weighted_sum_and_count(
    losses: Array, weight: Array | None, mask: Array | None
) -> tuple[Array, Array]:
    """Return sum(losses * weight * mask) and sum(mask); their ratio is the loss.

    The weight and the mask are broadcast to the shape of the losses.
    """
    if mask is None:
        real = jnp.ones_like(losses)
    else:
        real = broadcast_weights(mask, losses.shape).astype(losses.dtype)
    weighted = losses * real
    if weight is not None:
        weighted *= broadcast_weights(weight, losses.shape)
    return weighted.sum(), real.sum()


@compiled(0)
def run_steps(
    program: Program,
    train_state: TrainState,
    data: Data,
    plan: BatchPlan,
    start: Array,
    stop: Array,
) -> TrainState:
    """Train on the plan's steps from `start` up to `stop`.

    Stops early after the first loss that is not finite. `finite` of the result also covers the
    weights and statistics.
    """

    def is_unfinished(loop_state: tuple[Array, TrainState]) -> Array:
        i, state = loop_state
        return (i < stop) & state.finite

    def body(loop_state: tuple[Array, TrainState]) -> tuple[Array, TrainState]:
        i, state = loop_state
        return i + 1, train_step(program, state, data, plan, i)

    _, train_state = lax.while_loop(is_unfinished, body, (start, train_state))
    finite = [
        jnp.isfinite(leaf).all()
        for leaf in jax.tree.leaves((train_state.params, train_state.state))
    ]
    return train_state._replace(finite=jnp.stack([train_state.finite, *finite]).all())


def train_step(
    program: Program, train_state: TrainState, data: Data, plan: BatchPlan, i: Array
) -> TrainState:
    """Run step `i` of the plan: gather the batch, run forward and backward, update."""
    batch, mask, key = get_batch(program, train_state, data, plan, i)
    result = forward_backward(
        program, train_state.params, train_state.state, batch, mask, key, train=True
    )
    trainable, frozen = network.split(program.links, train_state.params)
    trainable, optimizer_state = apply_gradients(program, train_state, result.grads, trainable)
    return train_state._replace(
        params=network.merge(trainable, frozen),
        state=result.state,
        optimizer_state=optimizer_state,
        step=train_state.step + 1,
        losses=train_state.losses.at[i].set(result.loss),
        metric_sums=tuple(
            metric.update(acc, batch.y, result.output, result.mask)
            for metric, acc in zip(program.metrics, train_state.metric_sums, strict=True)
        ),
        finite=jnp.isfinite(result.loss),
    )


def apply_gradients(
    program: Program,
    train_state: TrainState,
    grads: tuple[Params, ...],
    trainable: tuple[Params, ...],
) -> tuple[tuple[Params, ...], Any]:
    """Clip the gradients, update and constrain: return (trainable params, optimizer state)."""
    rate = learning_rate_at(program.optimizer, train_state.rate, train_state.step)
    updated, optimizer_state = program.optimizer.update(
        clip_gradients(program.optimizer, grads), train_state.optimizer_state, trainable, rate
    )
    return network.constrain(program.links, updated), optimizer_state


def initial_rate(optimizer: Optimizer) -> float:
    """Return the `rate` of a new train state."""
    return 1.0 if isinstance(optimizer.learning_rate, Schedule) else optimizer.learning_rate


def learning_rate_at(optimizer: Optimizer, rate: Any, step: Any) -> Any:
    """Return the learning rate of a step: `rate`, times the schedule's rate if there is one."""
    schedule = optimizer.learning_rate
    return _scheduled_rate(schedule, rate, step) if isinstance(schedule, Schedule) else rate


@compiled(0)
def _scheduled_rate(schedule: Schedule, rate: Array, step: Array) -> Array:
    return rate * schedule(step)


def rate_for_learning_rate(optimizer: Optimizer, learning_rate: float, step: int) -> float:
    """Return the `rate` of the train state that gives the learning rate wanted at `step`.

    The inverse of `learning_rate_at`.

    Raises:
        ConfigError: the schedule's rate at the step is 0.
    """
    scheduled = float(learning_rate_at(optimizer, 1.0, np.int32(step)))
    require(
        scheduled > 0 and learning_rate / scheduled < 3e38,
        type(optimizer.learning_rate).__name__,
        f"a rate > 0 at step {step}",
        rate=scheduled,
        fix="A rate of 0 cannot be scaled to another one: compile with another schedule.",
    )
    return learning_rate / scheduled


def with_learning_rate(
    program: Program, train_state: TrainState, learning_rate: float | None
) -> TrainState:
    """Return the train state with a learning rate for its next step; None changes nothing."""
    if learning_rate is None:
        return train_state
    rate = rate_for_learning_rate(program.optimizer, learning_rate, int(train_state.step))
    return train_state._replace(rate=placement_of(train_state.rate).put(np.float32(rate)))


def get_batch(
    program: Program, train_state: TrainState, data: Data, plan: BatchPlan, i: Array
) -> tuple[Data, Array, Array]:
    """Return the batch of step i, its mask and its random key."""
    batch = data if plan.indices is None else data.take(plan.indices[i])
    return batch, plan.mask[i], step_key(program, train_state)


def step_key(program: Program, train_state: TrainState) -> Array:
    """Return the random key of the next step, or None if no link uses randomness.

    It depends only on the seed and the number of steps.
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
    """Return the train state before a run's first step, on the host.

    Args:
        program: the training program.
        params: params of all links.
        state: state of all links.
        optimizer_state: to continue with; None for a new one.
        rate: the learning rate, or the factor on the schedule.
        seed: seed of the random key.
        step: number of steps so far.
    """
    if optimizer_state is None:
        optimizer_state = program.optimizer.init(network.split(program.links, params)[0])
    return TrainState(
        params=params,
        state=state,
        optimizer_state=optimizer_state,
        rate=np.float32(rate),
        key=make_key_data(seed),
        step=np.int32(step),
        losses=np.zeros(0, np.float32),
        metric_sums=(),
        finite=np.True_,
    )


def make_key_data(seed: int) -> np.ndarray:
    """Return the data of JAX's random key for a seed below 2^64, without compiling anything."""
    return np.array([seed >> 32 & 0xFFFFFFFF, seed & 0xFFFFFFFF], np.uint32)


def reset_epoch_sums(program: Program, train_state: TrainState, steps: int) -> TrainState:
    """Return the train state with zero metric sums and room for the losses of `steps` steps."""
    sums = tuple(metric.init() for metric in program.metrics)
    return placement_of(train_state.rate).put(
        train_state._replace(losses=np.zeros(steps, np.float32), metric_sums=sums, finite=np.True_)
    )


def make_plan(n: int, batch_size: int, *, seed: int, epoch: int, shuffle: bool = True) -> BatchPlan:
    """Return the order of one epoch, a pure function of (seed, epoch).

    If the last batch is short, it is padded with row 0 and masked.

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
    n: int, batch_size: int, *, seed: int, shuffle: bool, placement: Placement = ONE_DEVICE
) -> Callable[[int], BatchPlan]:
    """Return a function from the epoch's index to its plan, as `place_plan` returns it.

    With one full batch, all epochs share one plan.
    """
    if batch_size >= n:
        full_batch = place_plan(make_plan(n, n, seed=seed, epoch=0), placement)
        return lambda epoch: full_batch
    return lambda epoch: place_plan(
        make_plan(n, batch_size, seed=seed, epoch=epoch, shuffle=shuffle), placement
    )


def place_plan(plan: BatchPlan, placement: Placement) -> BatchPlan:
    """Return a plan for the devices.

    For one device, it stays on the host: a program takes aligned arrays at once, on a CPU without
    a copy, but to put one on a device takes 40 us.

    Several devices share the rows of each batch. If their number does not divide, the batch is
    padded with row 0 and masked. The mask is on every device, because the host reads it.
    """
    if placement.n_devices == 1:
        return BatchPlan(*(None if a is None else copy_aligned(a) for a in plan))
    n_rows = plan.mask.shape[1]
    indices = np.arange(n_rows, dtype=np.int32)[None] if plan.indices is None else plan.indices
    padding = (0, 0), (0, placement.round_up(n_rows) - n_rows)
    indices, mask = (np.pad(array, padding) for array in (indices, plan.mask))
    return BatchPlan(placement.split(indices, axis=1), placement.put(mask))


OBSERVED_STATISTICS = ("mean", "std", "zeros", "largest", "delta", "gradient", "weight", "update")
"""Statistics of each link.

The first four describe its output: mean, standard deviation, fraction of zeros and largest absolute
value. The others are root mean squares: of its delta, and of its params' gradient, values and
update (0 for a link without params).
"""


@compiled(0)
def observe_step(
    program: Program, train_state: TrainState, data: Data, plan: BatchPlan, i: Array
) -> Array:
    """Return the statistics of step i without changing anything.

    Returns:
        One row of `OBSERVED_STATISTICS` per link of the body, in the order of `network.iter_links`.
    """
    batch, mask, key = get_batch(program, train_state, data, plan, i)
    result = forward_backward(
        program, train_state.params, train_state.state, batch, mask, key, train=True
    )
    trainable, _ = network.split(program.links, train_state.params)
    updated, _ = apply_gradients(program, train_state, result.grads, trainable)
    table = []
    for (path, _), y, delta in zip(
        network.iter_links(program.links), result.link_outputs, result.deltas, strict=False
    ):
        grad, old, new = (
            network.tree_get(tree, path) for tree in (result.grads, trainable, updated)
        )
        update = jax.tree.map(jnp.subtract, new, old)
        outputs = [y.mean(), y.std(), (y == 0).mean(), jnp.abs(y).max()]
        table.append([*outputs, *map(rms, (delta, grad, old, update))])
    return jnp.asarray(table)


def rms(tree: Any) -> Array:
    """Return the root mean square over all values of a tree; 0 if it has none."""
    leaves = jax.tree.leaves(tree)
    if not leaves:
        return jnp.zeros(())
    return jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in leaves) / sum(leaf.size for leaf in leaves))
