"""Composite layers: their arithmetic, the chain rule inside, and everything that reaches inside.

Oracles: NumPy by hand, Keras's functional models, `jax.grad` with respect to a zero added inside,
and relations.
"""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.engine import network
from glassnet.engine.train_step import OBSERVED_STATISTICS
from glassnet.errors import ConfigError, DataError, NotReadyError, TrainingWarning
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Composite,
    Dense,
    Dropout,
    Flatten,
    Input,
    Layer,
    Normalization,
    Parallel,
    Residual,
    functional,
)
from glassnet.layers.composite import MERGES
from glassnet.optimizers import SGD
from glassnet.testing import check_gradients
from oracles import EXACT, FLOAT32, close

RNG = np.random.default_rng(0)
X = RNG.normal(size=(6, 4)).astype(np.float32)
Y = RNG.normal(size=(6, 4)).astype(np.float32)


def model_of(*layers, loss="mean_squared_error", seed=0):
    model = gn.Sequential([Input(4), *layers], seed=seed)
    model.compile(SGD(0.05), loss)
    return model


def dense(model, name, x):
    return x @ model.params[name]["kernel"] + model.params[name]["bias"]


def test_a_residual_adds_what_its_layers_make_of_x():
    model = model_of(Residual([Dense(8, activation="relu"), Dense(4)]))
    f = dense(model, "residual_1/dense_2", np.maximum(dense(model, "residual_1/dense_1", X), 0))
    close(model.predict(X), X + f)


@pytest.mark.parametrize(
    ("merge", "joined"),
    [
        ("concat", lambda a, b, x: np.concatenate([a, b, x], 1)),
        ("add", lambda a, b, x: a + b + x),
        ("multiply", lambda a, b, x: a * b * x),
        ("mean", lambda a, b, x: (a + b + x) / 3),
        ("maximum", lambda a, b, x: np.maximum(np.maximum(a, b), x)),
        ("minimum", lambda a, b, x: np.minimum(np.minimum(a, b), x)),
        ("subtract", lambda a, b, x: a - b - x),
    ],
)
def test_parallel_merges_its_branches(merge, joined):
    model = model_of(Parallel([Dense(4), [Dense(3, activation="tanh"), Dense(4)], []], merge))
    a = dense(model, "parallel_1/dense_1", X)
    b = dense(model, "parallel_1/dense_3", np.tanh(dense(model, "parallel_1/dense_2", X)))
    close(model.predict(X), joined(a, b, X))


def functional_keras(keras, merge):
    """Return the model of `ours` below in Keras's functional API."""
    x = keras.Input((4,))
    h = keras.layers.Dense(8, activation="tanh")(x)
    r = keras.layers.Add()(
        [x, keras.layers.BatchNormalization(momentum=0.8)(keras.layers.Dense(4)(h))]
    )
    names = {
        "concat": "Concatenate",
        "add": "Add",
        "multiply": "Multiply",
        "mean": "Average",
        "maximum": "Maximum",
        "minimum": "Minimum",
        "subtract": "Subtract",
    }
    ends = [keras.layers.Dense(3)(r), keras.layers.Dense(3, activation="sigmoid")(r)]
    y = keras.layers.Dense(2)(getattr(keras.layers, names[merge])()(ends))
    return keras.Model(x, y)


def ours(merge):
    return [
        Residual([Dense(8, activation="tanh"), Dense(4), BatchNormalization(momentum=0.8)]),
        Parallel([Dense(3), Dense(3, activation="sigmoid")], merge),
        Dense(2),
    ]


@pytest.mark.parametrize("merge", list(MERGES))
def test_training_as_in_keras(recorded, merge):
    """Losses, weights and statistics of 20 steps of gradient descent from the same weights."""
    model, steps = (
        model_of(*ours(merge)),
        {"epochs": 20, "batch_size": 6, "shuffle": False, "verbose": 0},
    )

    def live(keras, merge, x, y, weights, steps):
        theirs = functional_keras(keras, merge)
        theirs.set_weights(weights)
        theirs.compile(keras.optimizers.SGD(0.05), "mean_squared_error")
        return theirs.fit(x, y, **steps).history["loss"], [
            weight.value for weight in theirs.weights
        ]

    losses, weights = recorded(live, merge, X, Y[:, :2], model.get_weights(), steps)
    close(model.fit(X, Y[:, :2], **steps).history["loss"], losses, 10 * FLOAT32)
    for a, b in zip(model.get_weights(), weights, strict=True):
        close(a, b, 20 * FLOAT32)


def test_gradients_equal_finite_differences_and_the_gradient_of_the_whole():
    nested = Residual(
        [Parallel([Dense(2, activation="tanh"), [Dropout(0.3), Residual(Dense(4))], []]), Dense(4)]
    )
    assert check_gradients(model_of(nested, Dense(2)), X, Y[:, :2]) < 1e-6


def test_the_delta_inside_is_the_slope_of_a_zero_added_there():
    """The chain rule inside a composite equals `jax.grad` with respect to z + 0."""
    model = model_of(Residual([Dense(3, activation="tanh"), Dense(4)]))
    w = model.params

    def loss(zero):
        z = X @ w["residual_1/dense_1"]["kernel"] + w["residual_1/dense_1"]["bias"] + zero
        f = jnp.tanh(z) @ w["residual_1/dense_2"]["kernel"] + w["residual_1/dense_2"]["bias"]
        return jnp.square(X + f - Y).mean()

    trace = model.trace(X, Y)
    close(trace["residual_1/dense_1"].delta, jax.grad(loss)(np.zeros((6, 3), np.float32)))
    close(trace["residual_1"].output, model.predict(X))
    close(trace["residual_1"].d_output, 2 * (model.predict(X) - Y) / Y.size)


def test_a_trace_sees_inside():
    model = model_of(
        Residual([Dense(3, activation="relu"), Dense(4)]),
        Parallel([Dense(2), [Dense(1), Dense(2)]], "multiply"),
    )
    trace = model.trace(X, Y[:, :2])
    inside = ["residual_1/dense_1", "residual_1/dense_1.relu", "residual_1/dense_2", "residual_1"]
    assert [link.name for link in trace.links] == [
        *inside,
        *(f"parallel_1/dense_{i}" for i in (1, 2, 3)),
        "parallel_1",
    ]
    sources = {link.name: link.source for link in trace.links}
    assert sources["residual_1"] == sources["residual_1/dense_1"] == "x"
    assert [sources[f"parallel_1/dense_{i}"] for i in (1, 2, 3)] == [
        "residual_1",
        "residual_1",
        "parallel_1/dense_2",
    ]
    for link in trace.links:
        source = next((other for other in trace.links if other.name == link.source), None)
        close(link.input, source.output if source else X, EXACT)
        close(link.d_input, source.d_output if source else trace.links[0].d_input, EXACT)
    for i in (1, 2, 3):
        one = trace[f"parallel_1/dense_{i}"]
        close(one.d_params["kernel"], one.input.T @ one.delta)
    shown = str(trace)
    assert "─ residual_1  y = x + f(x)" in shown
    assert "─ parallel_1/dense_2  z = x W + b, x from residual_1\n" in shown
    assert "─ parallel_1/dense_3  z = x W + b\n" in shown
    assert "relu" in trace.neuron("residual_1/dense_1", 0)
    nudge = trace.nudge("parallel_1/dense_2/kernel", (0, 0), 1e-2)
    assert nudge.before != nudge.after
    close(nudge.real, nudge.predicted, 1e-3)


def test_an_update_seen_is_the_update_made():
    model = model_of(*ours("concat"))
    before, update = model.params, model.trace(X, Y[:, :2], training=True).update
    model.fit(X, Y[:, :2], batch_size="full", epochs=1, verbose=0)
    for name, weights in model.params.items():
        for key, weight in weights.items():
            close(before[name][key] + update[name][key], weight)


def test_names_nest_and_weights_are_listed_inside():
    model = model_of(
        Residual([Dense(3, name="narrow"), Residual(Dense(3), name="block"), Dense(4)]), Dense(1)
    )
    names = ["residual_1/narrow", "residual_1/block/dense_1", "residual_1/dense_2", "dense_1"]
    assert list(model.params) == names
    assert [w.shape for w in model.get_weights()] == [
        (4, 3),
        (3,),
        (3, 3),
        (3,),
        (3, 4),
        (4,),
        (4, 1),
        (1,),
    ]
    assert [w.shape for w in model.layers[0].get_weights()] == [
        (4, 3),
        (3,),
        (3, 3),
        (3,),
        (3, 4),
        (4,),
    ]
    numbered = [np.full_like(w, i) for i, w in enumerate(model.get_weights())]
    model.set_weights(numbered)
    assert [w.flat[0] for w in model.get_weights()] == list(range(8))
    assert model.params["residual_1/block/dense_1"]["kernel"][0, 0] == 2
    with pytest.raises(
        DataError,
        match=r"residual_1/block/dense_1/kernel: expected an array of shape \(3, 3\). Received: shape=\(2,\)",
    ):
        model.set_weights([*numbered[:2], np.zeros(2), *numbered[3:]])


def test_the_summary_shows_what_is_inside(capsys):
    model_of(
        Residual([Dense(3, activation="relu"), Dense(4, trainable=False)]),
        Parallel([Flatten(), Residual(Dense(4))]),
    ).summary()
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[2:9] == [
        "residual_1 Residual (4,) 31",
        "residual_1/dense_1 Dense (3,) 15",
        "residual_1/dense_2 Dense (frozen) (4,) 16",
        "parallel_1 Parallel (8,) 20",
        "parallel_1/flatten_1 Flatten (4,) 0",
        "parallel_1/residual_1 Residual (4,) 20",
        "parallel_1/residual_1/dense_1 Dense (4,) 20",
    ]
    assert lines[-1] == "input (4,); 51 weights: 35 trainable, 16 not trainable"


def test_freezing_reaches_in():
    """In a frozen composite no weight moves, and in a frozen part only that part does not.

    BatchNormalization in it keeps its moving averages, as in Keras.
    """
    for composite, part, moved in (
        (False, True, set()),
        (True, False, {"residual_1/dense_2", "residual_1/batch_normalization_1"}),
    ):
        block = Residual(
            [Dense(3, trainable=part), Dense(4), BatchNormalization(trainable=part)],
            trainable=composite,
        )
        model = model_of(block, Dense(4))
        before, statistics = model.params, model.layers[0].get_weights()[-2:]
        model.fit(X, Y, epochs=2, verbose=0)
        moves = {
            name
            for name, w in model.params.items()
            if not all(np.array_equal(w[key], before[name][key]) for key in w)
        }
        assert moves == {"dense_1"} | (moved - {"residual_1/batch_normalization_1"})
        for a, b in zip(statistics, model.layers[0].get_weights()[-2:], strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_composite_freezes_and_pays_part_by_part():
    """By hand: l2 is 0.01 sum w^2 over the trainable part, and dL/dW = x^T 1."""
    link = Parallel(
        [Dense(2, kernel_regularizer="l2"), Dense(2, trainable=False, kernel_regularizer="l2")],
        "add",
    )
    params, state, shapes = functional.init((link,), np.random.default_rng(0), (4,))
    assert shapes == ((4,), (2,))
    learning, frozen = network.split((link,), params)
    assert learning == ((params[0][0], None),)
    assert frozen == ((None, params[0][1]),)
    assert network.merge(learning, frozen) == params
    close(network.penalty((link,), params), 0.01 * np.square(params[0][0]["kernel"]).sum())
    y, pullbacks, *_ = network.forward((link,), params, state, X)
    grads, *_ = network.backward(pullbacks, np.ones_like(y))
    assert grads[0][1] is None
    close(grads[0][0]["kernel"], X.T @ np.ones((6, 2)))


def test_a_penalty_inside_is_in_the_loss():
    plain, paying = (model_of(Residual(Dense(4, kernel_regularizer=cost))) for cost in (None, "l2"))
    kernel = plain.params["residual_1/dense_1"]["kernel"]
    close(paying.evaluate(X, Y) - plain.evaluate(X, Y), 0.01 * np.square(kernel).sum())


def test_noise_differs_between_branches_and_is_that_of_a_run():
    link, x = Parallel([Dropout(0.5), [Dropout(0.5)]]), np.ones((1, 100), np.float32)
    params, state, _ = functional.init((link,), np.random.default_rng(0), (100,))
    y, *_ = network.forward((link,), params, state, x, key=jax.random.key(0), train=True)
    assert 0.2 < np.mean(y[0, :100] == y[0, 100:]) < 0.8
    close(functional.run((link,), params, state, x, key=jax.random.key(0), train=True)[0], y, EXACT)
    assert not np.array_equal(
        network.forward((link,), params, state, x, key=jax.random.key(1), train=True)[0], y
    )


def test_statistics_inside_are_learned_from_what_reaches_them():
    block = Parallel(
        [[Dense(2, activation="relu"), Normalization()], Residual([Normalization(), Dense(4)])]
    )
    model = model_of(Dense(4, activation="tanh"), block, Dense(4))
    with pytest.raises(
        NotReadyError, match="parallel_1/normalization_1: expected statistics learned from data"
    ):
        model.predict(X)
    before = np.tanh(dense(model, "dense_1", X))
    reaching = np.maximum(dense(model, "parallel_1/dense_1", before), 0)
    model.fit(X, Y, epochs=1, verbose=0)
    weights = model.layers[1].get_weights()
    close(weights[2], reaching.mean(0))
    close(weights[3], reaching.var(0))
    close(weights[5], before.mean(0))


def test_masks_of_the_branches_are_joined():
    """An entry is real if it is real in every branch.

    A row mask (batch,) and a step mask (batch, time) give a step mask.
    """

    @dataclass(frozen=True)
    class Marks(Layer):
        def mask(self, x, mask):
            return (x[..., 0] != 0).astype(jnp.float32)

    x = np.float32([[[1], [0]], [[2], [3]]])
    rows = np.float32([1, 0])
    for branches in ([[Marks()], []], [[], [Marks()]]):
        link = Parallel([tuple(branch) for branch in branches])
        params, state, _ = functional.init((link,), np.random.default_rng(0), (2, 1))
        for mask in (
            functional.run((link,), params, state, x, mask=rows)[2],
            network.forward((link,), params, state, x, mask=rows)[3],
        ):
            np.testing.assert_array_equal(mask, [[1, 0], [0, 0]])
    plain = Residual(Dense(1))
    params, state, _ = functional.init((plain,), np.random.default_rng(0), (2, 1))
    assert functional.run((plain,), params, state, x)[2] is None


def test_what_goes_bad_inside_is_named():
    model = model_of(
        Dense(4),
        Residual([Dense(4), Activation(lambda z: jnp.log(z - 1e6), name="logs"), Dense(4)]),
    )
    with pytest.warns(TrainingWarning, match="the output of residual_1/logs is not finite"):
        model.fit(X, Y, epochs=1, verbose=0)


def test_every_link_inside_is_observed():
    model = model_of(Residual([Dense(3, activation="relu"), Dense(4)]), Dense(4))
    model.fit(X, Y, epochs=1, verbose=0, observe=True)
    values = model.history.observations[0].values
    assert values.shape == (5, len(OBSERVED_STATISTICS))
    trace = model_of(Residual([Dense(3, activation="relu"), Dense(4)]), Dense(4)).trace(X, Y)
    assert len(trace.links) == 5


def test_a_composite_says_at_once_what_it_lacks():
    """Oracle: Python's own message about a missing abstract method."""

    @dataclass(frozen=True)
    class Endless(Composite):
        branch_layers = ((Dense(2),),)

    with pytest.raises(TypeError, match=r"abstract class Endless.* '?merge_outputs"):
        Endless()


def test_one_without_any_layer_freezes_too():
    """Oracle: a relation. x + x trains the next layer as 2 x does."""
    doubled, scaled = (
        model_of(first, Dense(4))
        for first in (Parallel([[], []], "add", trainable=False), Activation(lambda x: 2 * x))
    )
    for model in (doubled, scaled):
        model.fit(X, Y, epochs=2, verbose=0)
    for a, b in zip(doubled.get_weights(), scaled.get_weights(), strict=True):
        close(a, b)


def test_training_goes_on_as_if_never_stopped():
    def noisy():
        return model_of(
            Residual([Dropout(0.2), Dense(4), BatchNormalization()]),
            Parallel([Dense(2), [Dropout(0.5), Dense(2)]]),
        )

    single, parts = noisy(), noisy()
    single.fit(X, Y, epochs=4, batch_size=4, verbose=0)
    for _ in range(2):
        parts.fit(X, Y, epochs=2, batch_size=4, verbose=0)
    for a, b in zip(single.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_deltas_do_not_vanish_around_a_residual():
    """The derivative of a sigmoid is at most 1/4.

    Through 20 sigmoid layers dL/dx is below 4^-20 of its size with skip connections.
    """
    deep = [Dense(4, activation="sigmoid") for _ in range(20)]
    row = model_of(*deep).trace(X, Y).links[0].d_input
    around = model_of(*[Residual(layer) for layer in deep]).trace(X, Y).links[0].d_input
    assert np.abs(row).max() < 1e-9
    assert np.abs(around).min() > 1e-4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Residual([]), r"Residual: expected at least one layer. Received: layers=\[\]"),
        (
            lambda: Residual(Dense),
            "Residual: expected layers. Received: received='Dense'. This is the class. Write Dense",
        ),
        (
            lambda: Parallel([[Input(4), Dense(2)]]),
            r"Parallel: expected layers without an Input\. .*Sequential\(\[Input",
        ),
        (
            lambda: Residual([Dense(2), np.tanh]),
            r"Residual: expected layers.*Write a function as Activation\(function\)",
        ),
        (lambda: Parallel(Dense(2)), "Parallel: expected a list of branches. .* Write Parallel"),
        (lambda: Parallel([]), "Parallel: expected a list of branches"),
        (
            lambda: Parallel([Dense(2), ["relu"]]),
            "Parallel: expected layers. Received: received='relu'",
        ),
        (
            lambda: Parallel([Dense(2)], "sum"),
            "Parallel: merge: expected one of concat, add, multiply, mean, maximum, minimum, subtract. Received: name='sum'",
        ),
        (
            lambda: model_of(Residual(Dense(3))).summary(),
            r"residual_1: expected layers that keep the shape. .*output=\(3,\). Make the last layer return .*Dense\(4\)",
        ),
        (
            lambda: model_of(Parallel([Dense(1), Dense(4)], "add")).summary(),
            r"parallel_1: expected the same shape from every branch to add",
        ),
        (
            lambda: gn.Sequential([Input((2, 3)), Parallel([Dense(2), Flatten()])]).summary(),
            r"the same shape except for the last axis from every branch to concat. Received: outputs=\[\(2, 2\), \(6,\)\]",
        ),
        (
            lambda: model_of(Residual([Dense(4, name="a"), Dense(4, name="a")])).summary(),
            r"residual_1: expected a unique name .*duplicates: \['a'\]",
        ),
    ],
)
def test_what_wrong_composites_are_told(make, message):
    with pytest.raises(ConfigError, match=message):
        make()


def test_nesting_draws_every_weight_once():
    """Oracle: a count.

    One generator draws the params, branch after branch, in the order of a plain sequence.
    """
    drawn = []

    @dataclass(frozen=True)
    class Counted(Layer):
        def init(self, rng, shape):
            drawn.append(shape)
            return {"w": rng.normal(size=shape).astype(np.float32)}

        def __call__(self, params, x):
            return x * params["w"]

    nested = Counted()
    for _ in range(6):
        nested = Residual(nested)
    params, *_ = functional.init((nested, Counted()), np.random.default_rng(0), (4,))
    assert drawn == [(4,), (4,)]
    plain, *_ = functional.init((Counted(), Counted()), np.random.default_rng(0), (4,))
    for a, b in zip(jax.tree.leaves(params), jax.tree.leaves(plain), strict=True):
        np.testing.assert_array_equal(a, b)
