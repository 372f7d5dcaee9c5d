"""Layers against Keras on JAX, from the same weights: outputs, statistics, penalties, gradients."""

import numpy as np
import pytest

from glassnet import layers
from glassnet.layers import (
    GRU,
    Activation,
    AlphaDropout,
    BatchNormalization,
    Composite,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GroupNormalization,
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
    TimeDistributed,
    UnitNormalization,
)
from glassnet.regularizers import L1, L1L2, L2
from oracles import FLOAT32, close
from parity import BATCH, check_parity, keras_run, keras_spec, over_windows, random_layer

PAIRS = {
    "dense": (Dense(3), (4,), keras_spec("Dense", 3)),
    "dense of sequences": (Dense(3), (2, 4), keras_spec("Dense", 3)),
    "dense, no bias": (Dense(3, use_bias=False), (4,), keras_spec("Dense", 3, use_bias=False)),
    "dense relu": (Dense(3, activation="relu"), (4,), keras_spec("Dense", 3, activation="relu")),
    "dense softmax": (
        Dense(3, activation="softmax"),
        (4,),
        keras_spec("Dense", 3, activation="softmax"),
    ),
    "sigmoid": (Activation("sigmoid"), (4,), keras_spec("Activation", "sigmoid")),
    "tanh": (Activation("tanh"), (4,), keras_spec("Activation", "tanh")),
    "leaky relu": (Activation("leaky_relu"), (4,), keras_spec("Activation", "leaky_relu")),
    "flatten": (Flatten(), (2, 3, 2), keras_spec("Flatten")),
    "reshape": (Reshape((3, -1)), (2, 6), keras_spec("Reshape", (3, -1))),
    "rescaling": (Rescaling(1 / 127.5, -1), (2, 3), keras_spec("Rescaling", 1 / 127.5, -1)),
    "alpha dropout at inference": (AlphaDropout(0.5), (4,), keras_spec("AlphaDropout", 0.5)),
    "dropout at inference": (Dropout(0.5), (4,), keras_spec("Dropout", 0.5)),
    "batch norm": (BatchNormalization(), (4,), keras_spec("BatchNormalization")),
    "batch norm of images": (
        BatchNormalization(0.9, 0.01),
        (3, 3, 2),
        keras_spec("BatchNormalization", momentum=0.9, epsilon=0.01),
    ),
    "batch norm, no beta": (
        BatchNormalization(center=False),
        (4,),
        keras_spec("BatchNormalization", center=False),
    ),
    "batch norm, no gamma": (
        BatchNormalization(scale=False),
        (4,),
        keras_spec("BatchNormalization", scale=False),
    ),
    "gaussian dropout at inference": (
        GaussianDropout(0.5),
        (4,),
        keras_spec("GaussianDropout", 0.5),
    ),
    "gaussian noise at inference": (GaussianNoise(0.5), (4,), keras_spec("GaussianNoise", 0.5)),
    "group norm": (GroupNormalization(2), (4,), keras_spec("GroupNormalization", 2)),
    "group norm of images": (
        GroupNormalization(2, 0.01, center=False),
        (3, 2, 6),
        keras_spec("GroupNormalization", 2, epsilon=0.01, center=False),
    ),
    "group norm of each channel": (
        GroupNormalization(-1, scale=False),
        (3, 4),
        keras_spec("GroupNormalization", -1, scale=False),
    ),
    "layer norm": (LayerNormalization(), (4,), keras_spec("LayerNormalization")),
    "layer norm of sequences": (
        LayerNormalization(epsilon=0.1),
        (3, 4),
        keras_spec("LayerNormalization", epsilon=0.1),
    ),
    "layer norm of images": (
        LayerNormalization((-3, -2, -1)),
        (3, 3, 2),
        keras_spec("LayerNormalization", axis=[1, 2, 3]),
    ),
    "layer norm, no beta": (
        LayerNormalization(center=False),
        (4,),
        keras_spec("LayerNormalization", center=False),
    ),
    "layer norm, no gamma": (
        LayerNormalization(scale=False),
        (4,),
        keras_spec("LayerNormalization", scale=False),
    ),
    "permute": (Permute((2, 3, 1)), (2, 3, 4), keras_spec("Permute", (2, 3, 1))),
    "prelu": (PReLU(), (2, 3), keras_spec("PReLU")),
    "prelu of images": (
        PReLU(shared_axes=(1, 2)),
        (3, 3, 2),
        keras_spec("PReLU", shared_axes=[1, 2]),
    ),
    "repeat vector": (RepeatVector(3), (4,), keras_spec("RepeatVector", 3)),
    "dense of each step": (
        TimeDistributed(Dense(3, activation="tanh")),
        (4, 2),
        keras_spec("TimeDistributed", keras_spec("Dense", 3, activation="tanh")),
    ),
    "convolution of each picture": (
        TimeDistributed(Conv2D(2, 2, activation="relu")),
        (3, 4, 4, 2),
        keras_spec("TimeDistributed", keras_spec("Conv2D", 2, 2, activation="relu")),
    ),
    "batch norm of each step": (
        TimeDistributed(BatchNormalization(0.9)),
        (3, 4),
        keras_spec("TimeDistributed", keras_spec("BatchNormalization", momentum=0.9)),
    ),
    "recurrent layer of each step": (
        TimeDistributed(GRU(2)),
        (3, 4, 2),
        keras_spec("TimeDistributed", keras_spec("GRU", 2)),
    ),
    "a layer of each step of each step": (
        TimeDistributed(TimeDistributed(Flatten())),
        (2, 3, 2, 2),
        keras_spec("TimeDistributed", keras_spec("TimeDistributed", keras_spec("Flatten"))),
    ),
    "unit norm": (UnitNormalization(), (3, 4), keras_spec("UnitNormalization")),
    "unit norm of images": (
        UnitNormalization((-3, -2, -1)),
        (3, 3, 2),
        keras_spec("UnitNormalization", axis=[1, 2, 3]),
    ),
    "unit norm of channels": (
        UnitNormalization((1, -2)),
        (3, 3, 2),
        keras_spec("UnitNormalization", axis=[1, 2]),
    ),
    "unit norm of steps": (UnitNormalization(1), (4, 3), keras_spec("UnitNormalization", axis=1)),
}


@pytest.mark.parametrize("name", PAIRS)
def test_parity(recorded, name):
    """In training and in inference."""
    check_parity(recorded, *PAIRS[name], (False,) if "at inference" in name else (False, True))


def test_every_layer_that_computes_is_compared():
    """Some layers are excluded here.

    Input runs nothing, Normalization is compared below, and Keras has no Maxout (test_dense.py).
    Composites have their own file, as do windows (test_windows_keras.py), sequences
    (test_recurrent_keras.py), augmentation (test_augmentation.py) and text (test_text.py).
    """
    elsewhere = {Input, Layer, Maxout, Normalization} | over_windows()
    others = ("SimpleRNN", "LSTM", "GRU", "Masking", "Embedding", "TextVectorization")
    elsewhere |= {
        getattr(layers, name)
        for name in layers.__all__
        if name in others or name.startswith("Random")
    }
    public = {
        layer for layer in map(vars(layers).get, layers.__all__) if not issubclass(layer, Composite)
    }
    assert {type(layer) for layer, _, _ in PAIRS.values()} == public - elsewhere


def test_batch_normalization_statistics_over_batches(recorded):
    """Keras's moving averages after five batches of drifting mean and variance, then inference."""
    layer, rng = BatchNormalization(momentum=0.8), np.random.default_rng(2)
    _, (params,), (state,), _ = random_layer(layer, (3,))
    batches = [rng.normal(i, 1 + i, (BATCH, 3)).astype(np.float32) for i in range(5)]

    def live(keras, weights, batches):
        theirs = keras.layers.BatchNormalization(momentum=0.8)
        theirs.build((None, 3))
        theirs.set_weights(weights)
        outputs = [theirs(x, training=True) for x in batches]
        return (
            outputs,
            {name: getattr(theirs, name).value for name in state},
            theirs(batches[-1], training=False),
        )

    outputs, moving, after = recorded(live, [*params.values(), *state.values()], batches)
    for x, want in zip(batches, outputs, strict=True):
        y, state = layer.apply(params, state, x, key=None, train=True, mask=None)
        close(y, want, 10 * FLOAT32)
    for name, moved in state.items():
        close(moved, moving[name], 5 * FLOAT32)
    y, unchanged = layer.apply(params, state, x, key=None, train=False, mask=None)
    close(y, after, 10 * FLOAT32)
    assert unchanged is state


def test_batch_normalization_masks_as_keras_does(recorded):
    layer, mask = BatchNormalization(), np.arange(BATCH) < 4
    (link,), (params,), (state,), x = random_layer(layer, (3,))
    y, new = link.apply(params, state, x, key=None, train=True, mask=mask.astype(np.float32))
    weights = [*params.values(), *state.values()]
    want, want_new, *_ = recorded(
        keras_run, keras_spec("BatchNormalization"), weights, x, np.ones_like(x), True, mask
    )
    close(np.asarray(y)[mask], np.asarray(want)[mask], 5 * FLOAT32)
    for a, b in zip(new.values(), want_new, strict=True):
        close(a, b, 5 * FLOAT32)


def test_frozen_batch_normalization_uses_the_moving_statistics_in_training(recorded):
    layer = BatchNormalization(trainable=False)
    _, (params,), (state,), x = random_layer(layer, (3,))
    y, unchanged = layer.apply(params, state, x, key=None, train=True, mask=None)
    weights = [*params.values(), *state.values()]
    want, *_ = recorded(
        keras_run,
        keras_spec("BatchNormalization", trainable=False),
        weights,
        x,
        np.ones_like(x),
        True,
    )
    close(y, want, 5 * FLOAT32)
    assert unchanged is state


@pytest.mark.parametrize(
    ("kernel", "bias"),
    [("l2", None), (L2(0.3), L1(0.2)), (L1L2(0.1, 0.2), "l1"), (None, L2(0.5))],
    ids=["l2", "both", "l1_l2", "bias"],
)
def test_dense_penalty(recorded, kernel, bias):
    """Oracle: the sum of Keras's layer.losses, and by hand the sums of |w| and w^2."""
    layer = Dense(3, kernel_regularizer=kernel, bias_regularizer=bias)
    _, (params,), _, x = random_layer(layer, (4,))
    regularizers = {
        f"{name}_regularizer": one and (type(one).__name__, vars(one))
        for name, one in (("kernel", layer.kernel_regularizer), ("bias", layer.bias_regularizer))
    }

    def live(keras, regularizers, weights, shape):
        dense = keras.layers.Dense(
            3,
            **{
                name: one and getattr(keras.regularizers, one[0])(**one[1])
                for name, one in regularizers.items()
            },
        )
        dense.build(shape)
        dense.set_weights(weights)
        return sum(float(loss) for loss in dense.losses)

    close(
        layer.penalty(params),
        recorded(live, regularizers, [*params.values()], x.shape),
        5 * FLOAT32,
    )
    if bias is None:
        close(layer.penalty(params), 0.01 * np.square(params["kernel"]).sum(), 5 * FLOAT32)


@pytest.mark.parametrize(
    ("axis", "shape"),
    [(-1, (3,)), (-1, (2, 3)), (None, (3,)), (1, (2, 3)), ((1, -1), (2, 4, 3)), ((2,), (2, 4, 3))],
    ids=["features", "sequences", "all", "steps", "two axes", "middle"],
)
def test_normalization_adapts_as_keras_does(recorded, axis, shape):
    rng = np.random.default_rng(5)
    seen, x = (rng.normal(3, 2, (n, *shape)).astype(np.float32) for n in (50, 4))
    layer = Normalization(axis=axis).adapt(seen)
    y, _ = layer.apply({}, layer.init_state(shape), x, key=None, train=False, mask=None)

    def live(keras, axis, seen, x):
        theirs = keras.layers.Normalization(axis=axis)
        theirs.adapt(seen)
        return theirs(x)

    close(y, recorded(live, axis, seen, x), 10 * FLOAT32)


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    ("axis", "mean", "variance"),
    [
        (-1, 3.0, 4.0),
        (-1, [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]),
        (1, [1.0, 2.0], [4.0, 0.0]),
        ((1, 2), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        ((1, 2), [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]),
        (None, 3.0, 4.0),
    ],
    ids=str,
)
def test_normalization_with_statistics_that_are_passed(recorded, axis, mean, variance, invert):
    x = np.random.default_rng(6).normal(3, 2, (4, 2, 3)).astype(np.float32)
    layer = Normalization(axis, mean, variance, invert)
    assert not layer.learns
    assert hash(layer) == hash(Normalization(axis, mean, variance, invert))
    state = layer.init_state((2, 3))
    assert state == {}
    y, _ = layer.apply({}, state, x, key=None, train=False, mask=None)

    def live(keras, axis, mean, variance, invert, x):
        arrays = {"mean": np.float32(mean), "variance": np.float32(variance)}
        return keras.layers.Normalization(axis=axis, **arrays, invert=invert)(x)

    want = np.asarray(recorded(live, axis, mean, variance, invert, x))
    np.testing.assert_allclose(y, want, rtol=1e-5, atol=1e-5)  # 1e7 where the variance is 0


def test_normalization_inverted_is_the_inverse():
    """Relation: a layer and its inverse give the input back."""
    x = np.random.default_rng(7).normal(3, 2, (5, 3)).astype(np.float32)
    layer = Normalization().adapt(x)
    back = Normalization(invert=True).adapt(x)
    z, _ = layer.apply({}, layer.init_state((3,)), x, key=None, train=False, mask=None)
    y, _ = back.apply({}, back.init_state((3,)), z, key=None, train=False, mask=None)
    close(y, x, 10 * FLOAT32)


@pytest.mark.parametrize("axis", [-1, None, (1, 2)], ids=str)
def test_batches_of_unequal_size_adapt_as_their_rows_together(axis):
    """Oracle: all rows at once. Around 1e4, means of float32 would lose the deviation."""
    rows = 1e4 + np.random.default_rng(8).normal(0, 0.1, (23, 2, 3))
    together = Normalization(axis).adapt(rows).learned_state
    batches = [rows[:4], rows[4:5], rows[5:]]
    for source in (batches, iter(batches), ((batch, None) for batch in batches)):
        learned = Normalization(axis).adapt(source).learned_state
        assert learned["count"] == 23
        for name in ("mean", "variance"):
            close(learned[name], together[name], FLOAT32)
