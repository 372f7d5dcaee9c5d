"""The compiled step, against independent NumPy backpropagation, and bit for bit in any slicing."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet.engine import network, placement, train_step
from glassnet.engine.train_step import (
    BatchPlan,
    Data,
    Program,
    create_train_state,
    forward_backward,
    get_batch,
    make_plan,
    make_plan_fn,
    observe_step,
    reset_epoch_sums,
    run_steps,
)
from glassnet.layers import Activation, BatchNormalization, Dense, Dropout, functional
from glassnet.losses import HalfMeanSquaredError, MeanSquaredError, SparseCategoricalCrossentropy
from glassnet.metrics import Accuracy
from glassnet.optimizers import SGD, Adam
from glassnet.testing import compilations
from oracles import FLOAT32, close

N, SIZE, BATCH = 23, 4, 5
RNG = np.random.default_rng(0)
DATA = Data(RNG.normal(size=(N, SIZE)).astype(np.float32), RNG.integers(0, 3, N).astype(np.int32))
NOISY = (
    Dense(6, activation="relu"),
    BatchNormalization(),
    Dropout(0.3),
    Dense(3, activation="softmax"),
)

compiled_pass = jax.jit(forward_backward, static_argnums=(0, 6))


def started(*layers, loss, optimizer, metrics=(), rate=0.05, seed=0, size=SIZE):
    """Return a program and its initial train state."""
    built, params, state = network.build(layers, (size,), np.random.default_rng(seed))
    program = Program(built.links, loss, optimizer, metrics)
    return program, create_train_state(program, params, state, rate=rate, seed=seed)


def noisy(**options):
    return started(
        *NOISY,
        loss=SparseCategoricalCrossentropy(),
        optimizer=Adam(),
        metrics=(Accuracy(),),
        **options,
    )


def trained(program, train_state, data, plan, cuts=()):
    """Train one epoch, sliced at `cuts`."""
    steps = len(plan.mask)
    train_state = reset_epoch_sums(program, train_state, steps)
    for start, stop in itertools.pairwise([0, *cuts, steps]):
        train_state = run_steps(program, train_state, data, plan, np.int32(start), np.int32(stop))
    return train_state


def same_bits(a, b):
    jax.tree.map(np.testing.assert_array_equal, a, b)


@pytest.mark.parametrize("cuts", [(1,), (2, 2, 4), (1, 2, 3, 4), (0, 3, 5)])
def test_any_slicing_gives_the_same_bits(cuts):
    """Two epochs with noise, statistics, Adam and a metric. Oracle: each epoch in one call."""
    program, train_state = noisy()
    plans = [make_plan(N, BATCH, seed=1, epoch=epoch) for epoch in (0, 1)]
    expected = sliced = train_state
    for plan in plans:
        expected, sliced = (
            trained(program, expected, DATA, plan),
            trained(program, sliced, DATA, plan, cuts),
        )
    same_bits(sliced, expected)
    assert expected.finite
    assert expected.step == 10
    assert not np.array_equal(expected.params[0]["kernel"], train_state.params[0]["kernel"])


def test_one_compilation_serves_all_epochs_slices_rates_and_equal_programs():
    program, train_state = noisy(rate=0.01)
    plan = make_plan(N, BATCH, seed=0, epoch=0)
    train_state = trained(program, train_state, DATA, plan)
    same = Program(
        functional.unfold(NOISY),
        SparseCategoricalCrossentropy(),
        Adam(learning_rate=0.7),
        (Accuracy(),),
    )
    assert same == program  # names and the rate are not compared
    with compilations() as compiled:
        for epoch, cuts in enumerate([(), (1, 3), (1, 2, 3, 4)]):
            train_state = trained(
                same, train_state, DATA, make_plan(N, BATCH, seed=0, epoch=epoch), cuts
            )
            train_state = train_state._replace(
                rate=placement.to_device(np.float32(train_state.rate) / 2)
            )
    assert compiled == []


def test_the_rate_is_what_the_carry_says():
    """Gradient descent moves by rate * gradient; the rate is that of the train state, not the
    optimizer.
    """
    program, train_state = started(
        Dense(3), loss=MeanSquaredError(), optimizer=SGD(learning_rate=123.0)
    )
    data, plan = Data(DATA.x, DATA.x[:, :3]), BatchPlan(None, np.ones((1, N), np.float32))
    moves = []
    for rate in (0.5, 0.25):
        after = trained(
            program, train_state._replace(rate=jnp.asarray(np.float32(rate))), data, plan
        )
        moves.append(
            np.asarray(after.params[0]["kernel"]) - np.asarray(train_state.params[0]["kernel"])
        )
    close(moves[0], 2 * moves[1])
    residual = 2 / (N * 3) * (data.x @ np.asarray(train_state.params[0]["kernel"]) - data.y)
    close(moves[0], -0.5 * data.x.T @ residual)


def test_plan_of_the_lecture():
    """Lecture 002: 100 samples in batches of 5 are 20 steps."""
    plan = make_plan(100, 5, seed=0, epoch=0)
    assert plan.indices.shape == plan.mask.shape == (20, 5)
    assert plan.mask.all()
    assert sorted(plan.indices.ravel()) == list(range(100))


def test_plan_is_a_pure_function_of_seed_and_epoch():
    plans = {
        (seed, epoch): make_plan(50, 8, seed=seed, epoch=epoch).indices
        for seed in (0, 1)
        for epoch in (0, 1)
    }
    for (seed, epoch), order in plans.items():
        np.random.default_rng().normal()
        np.testing.assert_array_equal(make_plan(50, 8, seed=seed, epoch=epoch).indices, order)
    assert len({order.tobytes() for order in plans.values()}) == 4


@pytest.mark.parametrize(("n", "batch"), [(23, 5), (7, 6), (9, 1), (8, 4)])
def test_plan_visits_every_row_once(n, batch):
    """Oracle: counting. Padding is row 0, at the end, and masked."""
    plan = make_plan(n, batch, seed=3, epoch=2)
    order, real = plan.indices.ravel(), plan.mask.ravel()
    assert plan.indices.shape == (-(-n // batch), batch)
    assert real.tolist() == [1.0] * n + [0.0] * (order.size - n)
    assert sorted(order[:n]) == list(range(n))
    assert not order[n:].any()
    np.testing.assert_array_equal(
        make_plan(n, batch, seed=3, epoch=2, shuffle=False).indices.ravel()[:n], np.arange(n)
    )


def test_the_plan_for_one_device_is_read_where_it_is():
    """Oracle: JAX's own array of the same memory. Aligned memory is not copied."""
    for plan in (make_plan_fn(50, size, seed=0, shuffle=True)(1) for size in (8, 50)):
        for array in jax.tree.leaves(plan):
            assert isinstance(array, np.ndarray)
            alias = jax.device_put(array, may_alias=True)
            assert alias.unsafe_buffer_pointer() == array.ctypes.data


def test_plan_of_one_full_batch_skips_the_gather():
    for batch in (5, 6):
        plan = make_plan(5, batch, seed=0, epoch=0)
        assert plan.indices is None
        np.testing.assert_array_equal(plan.mask, np.ones((1, 5)))


def test_a_padded_batch_is_the_short_batch():
    """Three real rows of five give the same results as three rows: weights, statistics, loss,
    metric and noise.
    """
    program, train_state = noisy()
    plan = BatchPlan(np.int32([[4, 9, 2, 0, 0]]), np.float32([[1, 1, 1, 0, 0]]))
    padded = trained(program, train_state, DATA, plan)
    short = trained(
        program,
        train_state,
        DATA.take(np.array([4, 9, 2])),
        BatchPlan(None, np.ones((1, 3), np.float32)),
    )
    jax.tree.map(close, padded._replace(optimizer_state=()), short._replace(optimizer_state=()))
    jax.tree.map(close, padded.optimizer_state, short.optimizer_state)
    assert padded.metric_sums[0]["count"] == 3
    full = trained(program, train_state, DATA, plan._replace(mask=np.ones((1, 5), np.float32)))
    assert abs(full.losses[0] - short.losses[0]) > 1e-3  # the padding would have mattered


def test_full_batch_and_gathered_batch_agree():
    program, train_state = noisy()
    gathered = BatchPlan(np.arange(N, dtype=np.int32)[None], np.ones((1, N), np.float32))
    jax.tree.map(
        close,
        trained(program, train_state, DATA, gathered),
        trained(program, train_state, DATA, make_plan(N, N, seed=0, epoch=0)),
    )


def test_noise_depends_on_seed_and_step_alone():
    program, train_state = noisy(seed=7)
    _, _, key = get_batch(
        program, train_state, DATA, BatchPlan(None, np.ones((1, N), np.float32)), 0
    )
    keys = {}
    for seed in (7, 8):
        for step in (0, 1, 2):
            resumed = create_train_state(
                program,
                train_state.params,
                train_state.state,
                rate=0.1,
                seed=seed,
                optimizer_state=train_state.optimizer_state,
                step=step,
            )
            keys[seed, step] = jax.random.key_data(train_step.step_key(program, resumed)).tolist()
    assert jax.random.key_data(key).tolist() == keys[7, 0]
    assert len(set(map(tuple, keys.values()))) == 6
    after = trained(program, train_state, DATA, make_plan(N, 12, seed=0, epoch=0))
    assert jax.random.key_data(train_step.step_key(program, after)).tolist() == keys[7, 2]


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1, 2**32 - 1])
def test_key_of_is_the_key_of_jax(seed):
    np.testing.assert_array_equal(
        train_step.make_key_data(seed), jax.random.key_data(jax.random.key(np.uint32(seed)))
    )


def test_keys_of_large_seeds_differ():
    assert (
        len(
            {
                train_step.make_key_data(seed).tobytes()
                for seed in (5, 2**32 + 5, 2**33 + 5, 2**63 + 5)
            }
        )
        == 4
    )


@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
@pytest.mark.parametrize("masked", [None, 1, 2], ids=["no mask", "rows", "rows and time"])
def test_the_loss_is_the_sum_of_loss_weight_mask_over_the_sum_of_masks(masked, weighted):
    """Oracle: a Python loop over rows and times."""
    rng = np.random.default_rng(2)
    rows, weight = rng.uniform(1, 2, (4, 3)), rng.uniform(0, 3, 4)
    mask = None if masked is None else np.float32([[1, 1, 0], [1, 0, 0], [0, 0, 0], [1, 1, 1]])
    if masked == 1:
        mask = np.float32([1, 0, 1, 1])
    total = count = 0.0
    for i in range(4):
        for t in range(3):
            real = 1.0 if masked is None else mask[i] if masked == 1 else mask[i, t]
            total += rows[i, t] * real * (weight[i] if weighted else 1)
            count += real
    got = train_step.weighted_sum_and_count(jnp.asarray(rows), weight if weighted else None, mask)
    close(got[0] / got[1], total / count)


def test_weights_and_masks_reach_the_gradient():
    """Oracle: by hand, dL/dW = sum_i w_i m_i x_i (z_i - y_i) / sum m_i for half the squared error."""
    program, train_state = started(
        Dense(1, use_bias=False), loss=HalfMeanSquaredError(), optimizer=SGD()
    )
    rng = np.random.default_rng(3)
    batch = Data(
        DATA.x, rng.normal(size=(N, 1)).astype(np.float32), rng.uniform(0, 3, N).astype(np.float32)
    )
    mask = (rng.random(N) < 0.6).astype(np.float32)
    kernel = np.asarray(train_state.params[0]["kernel"])
    result = forward_backward(
        program, train_state.params, train_state.state, batch, mask, None, True
    )
    error = batch.x @ kernel - batch.y
    close(
        result.grads[0]["kernel"],
        batch.x.T @ (error * (batch.weight * mask)[:, None]) / mask.sum(),
        5 * FLOAT32,
    )
    close(result.loss, 0.5 * (error[:, 0] ** 2 * batch.weight * mask).sum() / mask.sum())


def backpropagate(weights, x, ids, real, l2):
    """Compute gradients row by row in float64.

    The loss is the mean cross-entropy of softmax(tanh(x W1 + b1) W2 + b2), plus l2 sum W1^2.
    """
    w1, b1, w2, b2 = weights
    grads, loss = [np.zeros_like(w) for w in weights], 0.0
    for row, label, counts in zip(x, ids, real, strict=True):
        if not counts:
            continue
        a = np.tanh(row @ w1 + b1)
        p = np.exp(a @ w2 + b2)
        p /= p.sum()
        loss -= np.log(p[label]) / real.sum()
        dz2 = (p - np.eye(len(p))[label]) / real.sum()
        dz1 = (w2 @ dz2) * (1 - a**2)
        for grad, new in zip(grads, (np.outer(row, dz1), dz1, np.outer(a, dz2), dz2), strict=True):
            grad += new
    grads[0] += 2 * l2 * w1
    return loss + l2 * (w1**2).sum(), grads


@pytest.mark.parametrize(
    "optimizer", [SGD(), SGD(momentum=0.9), Adam()], ids=["sgd", "momentum", "adam"]
)
def test_training_against_numpy_backpropagation(optimizer):
    """Two epochs of five steps, the last of each padded: all losses, and the final weights."""
    layers = Dense(5, activation="tanh", kernel_regularizer="l2"), Dense(3, activation="softmax")
    rate = 0.01 if isinstance(optimizer, Adam) else 0.1
    program, train_state = started(
        *layers, loss=SparseCategoricalCrossentropy(), optimizer=optimizer, rate=rate
    )
    weights = [
        np.asarray(train_state.params[i][name], np.float64)
        for i in (0, 2)
        for name in ("kernel", "bias")
    ]
    m, v, t = [np.zeros_like(w) for w in weights], [np.zeros_like(w) for w in weights], 0
    for epoch in range(2):
        plan = make_plan(N, BATCH, seed=4, epoch=epoch)
        train_state = trained(program, train_state, DATA, plan)
        for i, (order, real) in enumerate(zip(plan.indices, plan.mask, strict=True)):
            loss, grads = backpropagate(
                weights, DATA.x[order].astype(np.float64), DATA.y[order], real, l2=0.01
            )
            close(train_state.losses[i], loss, 10 * FLOAT32)
            t += 1
            for k, g in enumerate(grads):
                if isinstance(optimizer, Adam):
                    m[k], v[k] = 0.9 * m[k] + 0.1 * g, 0.999 * v[k] + 0.001 * g**2
                    weights[k] -= (
                        rate
                        * (m[k] / (1 - 0.9**t))
                        / (np.sqrt(v[k] / (1 - 0.999**t)) + 1e-7 / np.sqrt(1 - 0.999**t))
                    )
                else:
                    m[k] = optimizer.momentum * m[k] - rate * g
                    weights[k] += m[k]
    got = [train_state.params[i][name] for i in (0, 2) for name in ("kernel", "bias")]
    for ours, theirs in zip(got, weights, strict=True):
        close(ours, theirs, 10 * FLOAT32)


def test_metrics_are_summed_over_the_epoch():
    """Oracle: the accuracy of every batch before its update, counted in NumPy."""
    program, train_state = noisy()
    plan = make_plan(N, BATCH, seed=1, epoch=0)
    right, at = 0, reset_epoch_sums(program, train_state, 5)
    for i in range(5):
        batch, mask, key = get_batch(program, at, DATA, plan, i)
        output = np.asarray(
            compiled_pass(program, at.params, at.state, batch, mask, key, True).output
        )
        right += int(((output.argmax(1) == batch.y) * mask).sum())
        at = run_steps(program, at, DATA, plan, np.int32(i), np.int32(i + 1))
    assert at.metric_sums[0] == {"total": right, "count": N}
    assert program.metrics[0].result(at.metric_sums[0]) == right / N


def test_nothing_is_donated():
    """The train state passed in stays readable and unchanged."""
    program, train_state = noisy()
    before = jax.tree.map(lambda a: np.array(a, copy=True), train_state)
    trained(program, train_state, DATA, make_plan(N, BATCH, seed=0, epoch=0))
    same_bits(train_state, before)


STEPS = 10


def fragile(bad, x, y, rate=0.5):
    """A sigmoid neuron with w = 0, in ten steps of one row (x = 1, y = 1/2: no gradient), one of
    them replaced.
    """
    layers = Dense(1, use_bias=False, kernel_initializer="zeros"), Activation("sigmoid")
    program, train_state = started(
        *layers, loss=HalfMeanSquaredError(), optimizer=SGD(), rate=rate, size=1
    )
    data = Data(np.ones((STEPS, 1), np.float32), np.full((STEPS, 1), 0.5, np.float32))
    data.x[bad], data.y[bad] = x, y
    return (
        program,
        reset_epoch_sums(program, train_state, STEPS),
        data,
        make_plan(STEPS, 1, seed=0, epoch=0, shuffle=False),
    )


@pytest.mark.parametrize("bad", [0, 4, STEPS - 1])
def test_training_leaves_the_loop_at_the_first_infinite_loss(bad):
    program, train_state, data, plan = fragile(bad, 1.0, 1e30)  # half of 1e60
    after = run_steps(program, train_state, data, plan, np.int32(0), np.int32(STEPS))
    assert not after.finite
    assert after.step == bad + 1
    assert np.isfinite(after.losses[:bad]).all()
    assert np.isinf(after.losses[bad])
    again = run_steps(program, after, data, plan, np.int32(bad + 1), np.int32(STEPS))
    same_bits(again, after)


@pytest.mark.parametrize("bad", [0, 4, STEPS - 1])
def test_a_slice_that_ends_with_an_infinite_weight_says_so(bad):
    """By hand: the gradient -1e30 * 1e10 / 4 overflows although every loss is finite (at most
    5e19).
    """
    program, train_state, data, plan = fragile(bad, 1e30, 1e10)
    after = run_steps(program, train_state, data, plan, np.int32(0), np.int32(STEPS))
    assert np.isfinite(after.losses).all()
    assert np.isinf(after.params[0]["kernel"]).all()
    assert not after.finite
    assert run_steps(program, train_state, data, plan, np.int32(0), np.int32(bad)).finite


def rms(tree):
    leaves = [np.ravel(leaf) for leaf in jax.tree.leaves(tree)] or [np.zeros(1)]
    return np.sqrt((np.concatenate(leaves).astype(np.float64) ** 2).mean())


def test_observe_against_numpy():
    """All statistics in NumPy float64, from the pass of the same step."""
    layers = (
        Dense(6, activation="relu"),
        Dropout(0.3),
        Dense(4, trainable=False),
        Dense(3, activation="softmax"),
    )
    program, train_state = started(
        *layers, loss=SparseCategoricalCrossentropy(), optimizer=SGD(), rate=0.2
    )
    plan = make_plan(N, BATCH, seed=0, epoch=0)
    train_state = reset_epoch_sums(program, train_state, len(plan.mask))
    before = jax.tree.map(lambda a: np.array(a, copy=True), train_state)
    table = np.asarray(observe_step(program, train_state, DATA, plan, np.int32(2)))
    same_bits(train_state, before)
    batch, mask, key = get_batch(program, train_state, DATA, plan, 2)
    result = compiled_pass(program, train_state.params, train_state.state, batch, mask, key, True)

    assert table.shape == (5, len(train_step.OBSERVED_STATISTICS))
    for i, link in enumerate(program.links[:-1]):
        y, old = (
            np.asarray(result.link_outputs[i], np.float64),
            train_state.params[i] if link.trainable else {},
        )
        gradient = rms(result.grads[i])
        want = [
            y.mean(),
            y.std(),
            (y == 0).mean(),
            abs(y).max(),
            rms(result.deltas[i]),
            gradient,
            rms(old),
            0.2 * gradient,
        ]
        close(table[i], want, 10 * FLOAT32)
    columns = dict(zip(train_step.OBSERVED_STATISTICS, table.T, strict=True))
    assert columns["zeros"][2] > 0.2  # dropout
    assert columns["gradient"].tolist() == [columns["gradient"][0], 0, 0, 0, columns["gradient"][4]]


def test_rms_of_nothing_is_zero():
    assert train_step.rms({}) == 0
    close(train_step.rms({"a": jnp.array([3.0]), "b": jnp.array([[4.0, 0.0]])}), np.sqrt(25 / 3))
