"""Layers against Keras on JAX: outputs, statistics, penalties and gradients from the same weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import layers, network
from glassnet.layers import (
    Activation,
    AlphaDropout,
    BatchNormalization,
    Composite,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Input,
    Layer,
    LayerNormalization,
    Maxout,
    Normalization,
    Permute,
    PReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    UnitNormalization,
    chain,
)
from glassnet.regularizers import L1, L1L2, L2
from oracles import FLOAT32, close, import_keras

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
    *learned, _ = chain.init(links, rng, shape)
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
    options = {"training": training} | masked if type(layer).__name__ in ("BatchNormalization", "Dropout", "GaussianNoise") else {}

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
    "alpha dropout at inference": (AlphaDropout(0.5), (4,), lambda k: k.layers.AlphaDropout(0.5)),
    "dropout at inference": (Dropout(0.5), (4,), lambda k: k.layers.Dropout(0.5)),
    "batch norm": (BatchNormalization(), (4,), lambda k: k.layers.BatchNormalization()),
    "batch norm of images": (BatchNormalization(0.9, 0.01), (3, 3, 2), lambda k: k.layers.BatchNormalization(momentum=0.9, epsilon=0.01)),
    "batch norm, no beta": (BatchNormalization(center=False), (4,), lambda k: k.layers.BatchNormalization(center=False)),
    "batch norm, no gamma": (BatchNormalization(scale=False), (4,), lambda k: k.layers.BatchNormalization(scale=False)),
    "gaussian dropout at inference": (GaussianDropout(0.5), (4,), lambda k: k.layers.GaussianDropout(0.5)),
    "gaussian noise at inference": (GaussianNoise(0.5), (4,), lambda k: k.layers.GaussianNoise(0.5)),
    "layer norm": (LayerNormalization(), (4,), lambda k: k.layers.LayerNormalization()),
    "layer norm of sequences": (LayerNormalization(epsilon=0.1), (3, 4), lambda k: k.layers.LayerNormalization(epsilon=0.1)),
    "layer norm of images": (LayerNormalization((-3, -2, -1)), (3, 3, 2), lambda k: k.layers.LayerNormalization(axis=[1, 2, 3])),
    "layer norm, no beta": (LayerNormalization(center=False), (4,), lambda k: k.layers.LayerNormalization(center=False)),
    "layer norm, no gamma": (LayerNormalization(scale=False), (4,), lambda k: k.layers.LayerNormalization(scale=False)),
    "permute": (Permute((2, 3, 1)), (2, 3, 4), lambda k: k.layers.Permute((2, 3, 1))),
    "prelu": (PReLU(), (2, 3), lambda k: k.layers.PReLU()),
    "prelu of images": (PReLU(shared_axes=(1, 2)), (3, 3, 2), lambda k: k.layers.PReLU(shared_axes=[1, 2])),
    "repeat vector": (RepeatVector(3), (4,), lambda k: k.layers.RepeatVector(3)),
    "unit norm": (UnitNormalization(), (3, 4), lambda k: k.layers.UnitNormalization()),
    "unit norm of images": (UnitNormalization((-3, -2, -1)), (3, 3, 2), lambda k: k.layers.UnitNormalization(axis=[1, 2, 3])),
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
    """But for Input, which runs nothing, Normalization, compared below, Maxout, which Keras lacks (test_dense.py), composites, and what
    has a file of its own: chance (test_augmentation.py) and text (test_text.py).
    """
    elsewhere = {Input, Layer, Maxout, Normalization, layers.TextVectorization}
    elsewhere |= {vars(layers)[name] for name in layers.__all__ if name.startswith("Random")}
    public = {layer for layer in map(vars(layers).get, layers.__all__) if not issubclass(layer, Composite)}
    assert {type(layer) for layer, _, _ in PAIRS.values()} == public - elsewhere


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


@pytest.mark.parametrize(("axis", "shape"), [(-1, (3,)), (-1, (2, 3)), (None, (3,))], ids=["features", "sequences", "all"])
def test_normalization_adapts_as_keras_does(keras, axis, shape):
    rng = np.random.default_rng(5)
    seen, x = (rng.normal(3, 2, (n, *shape)).astype(np.float32) for n in (50, 4))
    layer, theirs = Normalization(axis=axis).adapt(seen), keras.layers.Normalization(axis=axis)
    theirs.adapt(seen)
    y, _ = layer.apply({}, layer.init_state(shape), x, key=None, train=False, mask=None)
    close(y, theirs(x), 10 * FLOAT32)
