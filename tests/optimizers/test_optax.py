"""Tests of optax transformations as optimizers, compared with optax itself."""

import jax
import numpy as np
import pytest
from test_optimizers import STEPS, flat, gradients, start

import glassnet as gn
from glassnet import optimizers
from glassnet.errors import ConfigError
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD, Optax
from glassnet.schedules import CosineDecay
from glassnet.testing import check_optimizer
from nets import line_model, plain_model, same_bits
from oracles import close

optax = pytest.importorskip("optax")


def kernels(params):
    """Return an optax mask of the arrays with two axes."""
    return jax.tree.map(lambda p: np.ndim(p) > 1, params)


TRANSFORMATIONS = {
    "adam": optax.adam(0.01),
    "chain": optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(0.1, momentum=0.9)),
    "masked decay": optax.adamw(0.01, weight_decay=0.5, mask=kernels),
    "scheduled": optax.sgd(optax.cosine_decay_schedule(0.1, 30)),
    "second order": optax.chain(
        optax.scale_by_adam(), optax.scale_by_trust_ratio(), optax.scale(-0.1)
    ),
}


@pytest.mark.parametrize("tx", TRANSFORMATIONS.values(), ids=TRANSFORMATIONS)
def test_fifty_steps_with_a_rate_cut_equal_optax_by_hand(tx):
    ours, update = Optax(tx), jax.jit(Optax(tx).update)
    mine, state = start(), ours.init(start())
    theirs, their_state = start(), tx.init(start())
    for step, grads in enumerate(gradients()):
        factor = 1.0 if step < STEPS // 2 else 0.1
        mine, state = update(grads, state, mine, np.float32(factor))
        updates, their_state = tx.update(grads, their_state, theirs)
        theirs = optax.apply_updates(theirs, jax.tree.map(lambda u: factor * u, updates))
        close(flat(mine), flat(theirs))


@pytest.mark.parametrize("tx", TRANSFORMATIONS.values(), ids=TRANSFORMATIONS)
def test_contract(tx):
    check_optimizer(Optax(tx))
    check_optimizer(Optax(tx, learning_rate=CosineDecay(1.0, 500), clipnorm=1.0))


@pytest.mark.slow
def test_descent_is_descent():
    """Compare with our SGD in `fit`, with a rate that changes between two fits."""
    x, y = np.linspace(-1, 1, 10)[:, None], np.linspace(0, 1, 10)
    ours, theirs = line_model(SGD(0.1)), line_model(Optax(optax.sgd(0.1)))
    for model, rate in ((ours, 0.05), (theirs, 0.5)):
        model.fit(x, y, batch_size=3, epochs=2, verbose=0)
        model.learning_rate = rate  # theirs is a factor on 0.1
        model.fit(x, y, batch_size=3, epochs=2, verbose=0)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        close(b, a)


def test_frozen_layers_and_masks():
    """With gradients of 0 only decay changes weights, by the factor 1 - 0.1 * 0.5 per step."""
    decay = optax.chain(optax.add_decayed_weights(0.5, mask=kernels), optax.scale(-0.1))
    layers = [
        Input(1),
        Dense(2, trainable=False),
        Dense(1, kernel_initializer="ones", bias_initializer="ones", trainable=True),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(Optax(optax.chain(optax.set_to_zero(), decay)), "mean_squared_error")
    before = model.get_weights()
    model.fit(np.ones((4, 1)), np.zeros(4), batch_size=2, verbose=0)
    after = model.get_weights()
    close(after[0], before[0], tolerance=0)
    close(after[2], 0.95**2 * before[2])
    close(after[3], before[3], tolerance=0)


def test_fits_carry_on():
    """One fit of four epochs equals two fits of two, bit for bit: optax's state persists."""
    models = [plain_model(Optax(tx)) for tx in [optax.adam(0.01)] * 2]
    x, y = np.eye(4), [0, 1, 2, 0]
    models[0].fit(x, y, epochs=4, verbose=0)
    for _ in range(2):
        models[1].fit(x, y, epochs=2, verbose=0)
    assert same_bits(*models)


def test_two_are_equal_where_they_hold_the_same_transformation():
    tx = optax.adam(0.1)
    assert Optax(tx) == Optax(tx)
    assert hash(Optax(tx)) == hash(Optax(tx))
    assert Optax(tx) != Optax(optax.adam(0.1))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Optax(optax.adam),
            r"^Optax: expected an optax\.GradientTransformation, with init and update\. .*Call the function of optax: Optax\(optax\.adam\(0\.001",
        ),
        (
            lambda: Optax("adam"),
            r"Received: tx='adam'\. Call the function of optax: Optax\(optax\.adam\(0\.001\)\)",
        ),
        (
            lambda: Optax(SGD()),
            r"^Optax: expected an optax\.GradientTransformation, with init and update\. Received: tx=SGD",
        ),
        (
            lambda: Optax(optax.sgd(0.1), learning_rate=0),
            r"^Optax: expected learning_rate to be a number > 0 or a Schedule\.",
        ),
        (
            lambda: optimizers.get(optax.sgd(0.1)),
            r"^optimizer: expected a name or an Optimizer\. .*Wrap it: optimizers\.Optax\(\.\.\.\)\.$",
        ),
    ],
)
def test_what_is_no_transformation(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_a_transformation_that_wants_the_loss():
    model = line_model(Optax(optax.chain(optax.sgd(0.1), optax.contrib.reduce_on_plateau())))
    expected = r"Optax: expected a transformation that needs only gradients, state and params\. Received: error=.*'value'"
    with pytest.raises(ConfigError, match=expected):
        model.fit([1.0], [0.0], verbose=0)
