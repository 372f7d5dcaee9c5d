"""Layers against Keras on JAX: outputs, statistics, penalties and gradients from the same weights; and what a wrong argument is told."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import layers, network
from glassnet.errors import ConfigError, DataError
from glassnet.initializers import Constant, Zeros
from glassnet.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, Input, Normalization, Rescaling, Reshape
from glassnet.regularizers import L1, L1L2, L2
from oracles import EXACT, FLOAT32, close, import_keras

BATCH = 6


@pytest.fixture(scope="module")
def keras():
    return import_keras()


def flat(tree, like):
    """A link's arrays after another, each link's in the order of `like`: JAX returns dicts with sorted keys."""
    return [a[name] for a, b in zip(tree, like, strict=True) for name in b]


def drawn(layer, shape, seed=0):
    """The layer's links with random weights and statistics (positive, as variances are), and rows."""
    rng = np.random.default_rng(seed)
    links = layer.unfold()
    *learned, _ = network.init(links, rng, shape)
    params, state = (
        tuple({name: np.float32(rng.uniform(0.5, 1.5, w.shape)) for name, w in one.items()} for one in tree) for tree in learned
    )
    return links, params, state, rng.normal(1, 2, (BATCH, *shape)).astype(np.float32)


def keras_run(layer, weights, x, dy, training, mask=None):
    """Output, new statistics, gradients of the trainable weights and of x, of the inner product of the output with dy."""
    layer.build(x.shape)
    layer.set_weights(weights)
    learning = [v.value for v in layer.trainable_variables]
    fixed = [v.value for v in layer.non_trainable_variables]
    masked = {} if mask is None else {"mask": mask}
    options = {"training": training} | masked if type(layer).__name__ in ("BatchNormalization", "Dropout") else {}

    def value(learning, x):
        y, new = layer.stateless_call(learning, fixed, x, **options)
        return jnp.vdot(dy, y), (y, new)

    (_, (y, new)), (grads, dx) = jax.value_and_grad(value, argnums=(0, 1), has_aux=True)(learning, x)
    return y, new, grads, dx


PAIRS = {
    "dense": (Dense(3), (4,), lambda k: k.layers.Dense(3)),
    "dense of sequences": (Dense(3), (2, 4), lambda k: k.layers.Dense(3)),
    "dense, no bias": (Dense(3, use_bias=False), (4,), lambda k: k.layers.Dense(3, use_bias=False)),
    "dense relu": (Dense(3, activation="relu"), (4,), lambda k: k.layers.Dense(3, activation="relu")),
    "dense softmax": (Dense(3, activation="softmax"), (4,), lambda k: k.layers.Dense(3, activation="softmax")),
    "sigmoid": (Activation("sigmoid"), (4,), lambda k: k.layers.Activation("sigmoid")),
    "tanh": (Activation("tanh"), (4,), lambda k: k.layers.Activation("tanh")),
    "leaky relu": (Activation("leaky_relu"), (4,), lambda k: k.layers.Activation("leaky_relu")),
    "flatten": (Flatten(), (2, 3, 2), lambda k: k.layers.Flatten()),
    "reshape": (Reshape((3, -1)), (2, 6), lambda k: k.layers.Reshape((3, -1))),
    "rescaling": (Rescaling(1 / 127.5, -1), (2, 3), lambda k: k.layers.Rescaling(1 / 127.5, -1)),
    "dropout at inference": (Dropout(0.5), (4,), lambda k: k.layers.Dropout(0.5)),
    "batch norm": (BatchNormalization(), (4,), lambda k: k.layers.BatchNormalization()),
    "batch norm of images": (BatchNormalization(0.9, 0.01), (3, 3, 2), lambda k: k.layers.BatchNormalization(momentum=0.9, epsilon=0.01)),
    "batch norm, no beta": (BatchNormalization(center=False), (4,), lambda k: k.layers.BatchNormalization(center=False)),
    "batch norm, no gamma": (BatchNormalization(scale=False), (4,), lambda k: k.layers.BatchNormalization(scale=False)),
}
CASES = [(name, training) for name in PAIRS for training in (False, True) if not (training and "at inference" in name)]


@pytest.mark.parametrize(
    ("name", "training"), CASES, ids=[f"{name}, {'training' if training else 'inference'}" for name, training in CASES]
)
def test_parity(keras, name, training):
    layer, shape, theirs = PAIRS[name]
    links, params, state, x = drawn(layer, shape)
    y, pullbacks, new, _ = network.forward(links, params, state, x, train=training, key=jax.random.key(0))
    dy = np.random.default_rng(1).normal(size=y.shape).astype(np.float32)
    grads, dx, _ = network.backward(pullbacks, dy)
    want_y, want_new, want_grads, want_dx = keras_run(theirs(keras), flat(params, params) + flat(state, state), x, dy, training)
    close(y, want_y, 5 * FLOAT32)
    close(dx, want_dx, 10 * FLOAT32)
    for ours, wanted in ((flat(grads, params), want_grads), (flat(new, state), want_new[: len(flat(state, state))])):
        for a, b in zip(ours, wanted, strict=True):
            close(a, b, 10 * FLOAT32)


def test_every_layer_that_computes_is_compared():
    compared = {type(layer).__name__ for layer, _, _ in PAIRS.values()}
    assert compared | {"Input", "Layer", "Normalization"} == set(layers.__all__)  # Normalization is compared below; Input runs nothing


def test_batch_normalization_statistics_over_batches(keras):
    """Keras's moving averages after five batches of drifting mean and spread, and an inference pass with them."""
    layer, rng = BatchNormalization(momentum=0.8), np.random.default_rng(2)
    _, (params,), (state,), _ = drawn(layer, (3,))
    theirs = keras.layers.BatchNormalization(momentum=0.8)
    theirs.build((None, 3))
    theirs.set_weights([*params.values(), *state.values()])
    for i in range(5):
        x = rng.normal(i, 1 + i, (BATCH, 3)).astype(np.float32)
        y, state = layer.apply(params, state, x, key=None, train=True, mask=None)
        close(y, theirs(x, training=True), 10 * FLOAT32)
    for name, moved in state.items():
        close(moved, getattr(theirs, name).value, 5 * FLOAT32)
    y, unchanged = layer.apply(params, state, x, key=None, train=False, mask=None)
    close(y, theirs(x, training=False), 10 * FLOAT32)
    assert unchanged is state


def test_batch_normalization_masks_as_keras_does(keras):
    layer, mask = BatchNormalization(), np.arange(BATCH) < 4
    (link,), (params,), (state,), x = drawn(layer, (3,))
    y, new = link.apply(params, state, x, key=None, train=True, mask=mask.astype(np.float32))
    want, want_new, *_ = keras_run(keras.layers.BatchNormalization(), [*params.values(), *state.values()], x, np.ones_like(x), True, mask)
    close(np.asarray(y)[mask], np.asarray(want)[mask], 5 * FLOAT32)
    for a, b in zip(new.values(), want_new, strict=True):
        close(a, b, 5 * FLOAT32)


def test_frozen_batch_normalization_uses_the_moving_statistics_in_training(keras):
    layer = BatchNormalization(trainable=False)
    _, (params,), (state,), x = drawn(layer, (3,))
    y, unchanged = layer.apply(params, state, x, key=None, train=True, mask=None)
    want, *_ = keras_run(keras.layers.BatchNormalization(trainable=False), [*params.values(), *state.values()], x, np.ones_like(x), True)
    close(y, want, 5 * FLOAT32)
    assert unchanged is state


def test_dense_starts_where_it_is_told():
    params = Dense(2, kernel_initializer="zeros", bias_initializer=Constant(0.5)).init(np.random.default_rng(0), (3,))
    assert list(params) == ["kernel", "bias"]
    np.testing.assert_array_equal(params["kernel"], np.zeros((3, 2)))
    np.testing.assert_array_equal(params["bias"], [0.5, 0.5])
    assert list(Dense(2, use_bias=False).init(np.random.default_rng(0), (3,))) == ["kernel"]


@pytest.mark.parametrize(
    ("kernel", "bias"), [("l2", None), (L2(0.3), L1(0.2)), (L1L2(0.1, 0.2), "l1"), (None, L2(0.5))], ids=["l2", "both", "l1_l2", "bias"]
)
def test_dense_penalty(keras, kernel, bias):
    """The sum of Keras's layer.losses, and by hand: sums over |w| and w^2."""
    layer = Dense(3, kernel_regularizer=kernel, bias_regularizer=bias)
    _, (params,), _, x = drawn(layer, (4,))

    def theirs(regularizer):
        return regularizer and getattr(keras.regularizers, type(regularizer).__name__)(**vars(regularizer))

    dense = keras.layers.Dense(3, kernel_regularizer=theirs(layer.kernel_regularizer), bias_regularizer=theirs(layer.bias_regularizer))
    dense.build(x.shape)
    dense.set_weights([*params.values()])
    close(layer.penalty(params), sum(float(loss) for loss in dense.losses), 5 * FLOAT32)
    if bias is None:
        close(layer.penalty(params), 0.01 * np.square(params["kernel"]).sum(), 5 * FLOAT32)


def test_dense_penalty_of_what_is_not_there():
    assert Dense(3).penalty({"kernel": np.ones((2, 3))}) is None
    assert Dense(3, use_bias=False, bias_regularizer="l2").penalty({"kernel": np.ones((2, 3))}) is None


@pytest.mark.parametrize(("axis", "shape"), [(-1, (3,)), (-1, (2, 3)), (None, (3,))], ids=["features", "sequences", "all"])
def test_normalization_adapts_as_keras_does(keras, axis, shape):
    rng = np.random.default_rng(5)
    seen, x = (rng.normal(3, 2, (n, *shape)).astype(np.float32) for n in (50, 4))
    layer, theirs = Normalization(axis=axis).adapt(seen), keras.layers.Normalization(axis=axis)
    theirs.adapt(seen)
    y, _ = layer.apply({}, layer.init_state(shape), x, key=None, train=False, mask=None)
    close(y, theirs(x), 10 * FLOAT32)


def test_normalization_of_a_constant_feature_by_hand():
    """The spread 0 counts as 1e-7, Keras's epsilon: x - mean = 0 stays 0, and nothing is infinite."""
    layer = Normalization().adapt(np.array([[2.0, 1.0], [2.0, 3.0]]))
    assert layer.init_state((2,))["count"] == 2
    y, _ = layer.apply({}, layer.init_state((2,)), np.array([[2.0, 3.0]], np.float32), key=None, train=False, mask=None)
    close(y, [[0.0, 1.0]])  # (3 - 2) / 1


def test_normalization_learns_in_float64():
    """Around 1e4 float32 sums lose the spread of 1e-2 entirely: NumPy in float64 is the oracle."""
    x = np.float32(1e4) + np.random.default_rng(0).normal(0, 0.01, (1000, 1)).astype(np.float32)
    close(Normalization().learn(x)["variance"], x.astype(np.float64).var(0), FLOAT32)


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
def test_dropout_zeroes_its_share_and_keeps_the_mean(rate):
    """By hand: survivors are x / (1 - rate); their share is binomial, within five standard deviations."""
    x = np.random.default_rng(0).uniform(1, 2, (100, 100)).astype(np.float32)
    y, _ = Dropout(rate).apply({}, {}, x, key=jax.random.key(1), train=True, mask=None)
    kept = np.asarray(y) != 0
    close(np.asarray(y)[kept], x[kept] / (1 - rate))
    assert abs(kept.mean() - (1 - rate)) < 5 * np.sqrt(rate * (1 - rate) / x.size)
    other, _ = Dropout(rate).apply({}, {}, x, key=jax.random.key(2), train=True, mask=None)
    assert not np.array_equal(other, y)


def test_shape_layers_merge_masks():
    """A (batch, time) mask has no meaning once time is gone: a row with any real entry is real."""
    mask = np.array([[1, 1], [1, 0], [0, 0]], bool)
    for layer in (Flatten(), Reshape((6,))):
        np.testing.assert_array_equal(layer.mask(np.zeros((3, 2, 3)), mask), [True, True, False])
        np.testing.assert_array_equal(layer.mask(np.zeros((3, 2, 3)), mask[:, 0]), mask[:, 0])
        assert layer.mask(np.zeros((3, 2, 3)), None) is None


def test_layers_say_what_they_are():
    assert Input(3) == Input((3,))
    assert Reshape(6) == Reshape([6])
    assert Dense(3, name="a") == Dense(3, name="b") != Dense(3, trainable=False)
    assert Dense(2, kernel_initializer="zeros") == Dense(2, kernel_initializer=Zeros())
    assert [link.name for link in Dense(2, activation="relu", name="d").unfold()] == ["d", "d.relu"]
    assert len(Dense(2, activation="linear").unfold()) == 1
    assert Input(3).unfold() == ()


def identical(x):
    return x


def test_a_function_as_activation_is_named_after_itself():
    assert Dense(2, activation=identical, name="d").unfold()[1].name == "d.identical"
    assert Dense(2, activation=functools.partial(identical), name="d").unfold()[1].name == "d.activation"
    np.testing.assert_allclose(Activation(identical)({}, np.arange(3.0)), np.arange(3.0), rtol=EXACT)


WRONG = {
    "Dense: expected units to be an int >= 1. Received: units=-3.": lambda: Dense(-3),
    "Dense: expected units to be an int >= 1. Received: units=0.": lambda: Dense(0),
    "Dense: expected units to be an int >= 1. Received: units=2.5.": lambda: Dense(2.5),
    "Dense: expected units to be an int >= 1. Received: units=True.": lambda: Dense(True),
    "Did you mean 'relu'?": lambda: Dense(2, activation="rellu"),
    "Did you mean 'tanh'?": lambda: Activation("tan"),
    "expected a name or a function. Received: activation=3.": lambda: Activation(3),
    "Did you mean 'zeros'?": lambda: Dense(2, kernel_initializer="zeroes"),
    "expected a name or an Initializer. Received: initializer=0.": lambda: Dense(2, bias_initializer=0),
    "Did you mean 'l2'?": lambda: Dense(2, kernel_regularizer="l22"),
    "expected a name, a Regularizer or None. Received: regularizer=0.1.": lambda: Dense(2, bias_regularizer=0.1),
    "Dropout: expected rate from 0 to below 1 (the fraction zeroed). Received: rate=1. A rate of 1 would zero": lambda: Dropout(1),
    "Dropout: expected rate from 0 to below 1 (the fraction zeroed). Received: rate=-0.1.": lambda: Dropout(-0.1),
    "Dropout: expected rate from 0 to below 1 (the fraction zeroed). Received: rate='half'.": lambda: Dropout("half"),
    "Rescaling: expected scale and offset to be numbers. Received: scale='1/255', offset=0.0.": lambda: Rescaling("1/255"),
    "Rescaling: expected scale and offset to be numbers. Received: scale=1.0, offset=None.": lambda: Rescaling(1.0, None),
    "Normalization: expected axis to be -1 (each feature) or None (all together). Received: axis=1.": lambda: Normalization(axis=1),
    "Normalization: expected at least one row to learn from. Received: shape=(0, 3).": lambda: Normalization().adapt(np.zeros((0, 3))),
    "BatchNormalization: expected momentum from 0 to below 1. Received: momentum=1.": lambda: BatchNormalization(momentum=1),
    "BatchNormalization: expected momentum from 0 to below 1. Received: momentum=-0.5.": lambda: BatchNormalization(momentum=-0.5),
    "BatchNormalization: expected epsilon to be a number > 0. Received: epsilon=0.": lambda: BatchNormalization(epsilon=0),
    "Input: expected shape to be ints >= 1. Received: shape=().": lambda: Input(()),
    "Input: expected shape to be ints >= 1. Received: shape=0.": lambda: Input(0),
    "Input: expected shape to be ints >= 1. Received: shape=(28, -1).": lambda: Input((28, -1)),
    "Input: expected shape to be ints >= 1. Received: shape=(None, 3).": lambda: Input((None, 3)),
    "Input: expected shape to be ints >= 1. Received: shape=None.": lambda: Input(None),
    "Input: expected shape to be ints >= 1. Received: shape=2.5.": lambda: Input(2.5),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=None.": lambda: Reshape(None),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=().": lambda: Reshape(()),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=(-1, -1).": lambda: Reshape((-1, -1)),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=(2, 0).": lambda: Reshape((2, 0)),
    "Reshape: expected target_shape to be ints >= 1, at most one of them -1. Received: target_shape=(2, 1.5).": lambda: Reshape((2, 1.5)),
}


@pytest.mark.parametrize("says", WRONG)
def test_a_wrong_argument_is_told(says):
    with pytest.raises((ConfigError, DataError)) as caught:
        WRONG[says]()
    assert says in str(caught.value)
