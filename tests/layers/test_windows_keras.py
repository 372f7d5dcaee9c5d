"""Convolution, pooling and resizing against Keras on JAX, on data without ties: the same arguments make both."""

import numpy as np
import pytest

import glassnet as gn
from glassnet import layers
from oracles import FLOAT32, LOOSE, close, import_keras
from parity import check_parity, over_windows

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""What Keras warns of."""

IMAGE, SEQUENCE = (6, 5, 2), (7, 2)

CASES = [
    ("Conv1D", (3, 2), {}, SEQUENCE),
    ("Conv1D", (3, 3, 2, "same"), {}, SEQUENCE),
    ("Conv1D", (3, 3), {"padding": "causal"}, SEQUENCE),
    ("Conv1D", (3, 3), {"padding": "causal", "dilation_rate": 2}, SEQUENCE),
    ("Conv1D", (3, 2), {"padding": "causal", "strides": 2}, SEQUENCE),
    ("Conv1D", (3, 3), {"padding": "same", "dilation_rate": 2, "activation": "tanh"}, SEQUENCE),
    ("Conv1D", (3, 9), {"padding": "same", "use_bias": False}, SEQUENCE),
    ("Conv2D", (3, 3), {}, IMAGE),
    ("Conv2D", (3, (2, 3), (2, 1), "same"), {}, IMAGE),
    ("Conv2D", (3, 2, 3), {}, IMAGE),
    ("Conv2D", (3, 4), {"padding": "same"}, IMAGE),
    ("Conv2D", (3, 1), {"strides": 2, "padding": "same"}, IMAGE),
    ("Conv2D", (3, 2), {"dilation_rate": (2, 3)}, IMAGE),
    ("Conv2D", (3, 2), {"dilation_rate": 2, "padding": "same", "use_bias": False}, IMAGE),
    ("Conv2DTranspose", (3, 3), {}, IMAGE),
    ("Conv2DTranspose", (3, 3, 2, "same"), {}, IMAGE),
    ("Conv2DTranspose", (3, (4, 2), (2, 3)), {}, IMAGE),
    ("Conv2DTranspose", (3, 2, 3, "same"), {}, IMAGE),
    ("Conv2DTranspose", (3, 2), {"dilation_rate": 2}, IMAGE),
    ("Conv2DTranspose", (3, 3), {"padding": "same", "dilation_rate": 2, "use_bias": False, "activation": "tanh"}, IMAGE),
    ("MaxPooling1D", (), {}, SEQUENCE),
    ("MaxPooling1D", (3, 2, "same"), {}, SEQUENCE),
    ("MaxPooling2D", (), {}, IMAGE),
    ("MaxPooling2D", ((3, 2), 1), {}, IMAGE),
    ("MaxPooling2D", (3, 2, "same"), {}, IMAGE),
    ("MaxPooling2D", (2, 3), {}, IMAGE),
    ("AveragePooling1D", (2,), {}, SEQUENCE),
    ("AveragePooling1D", (3, 2, "same"), {}, SEQUENCE),
    ("AveragePooling2D", ((3, 2),), {"padding": "same"}, IMAGE),
    ("AveragePooling2D", (3, 2, "same"), {}, IMAGE),
    ("GlobalMaxPooling1D", (), {}, SEQUENCE),
    ("GlobalMaxPooling1D", (), {"keepdims": True}, SEQUENCE),
    ("GlobalMaxPooling2D", (), {}, IMAGE),
    ("GlobalMaxPooling2D", (), {"keepdims": True}, IMAGE),
    ("GlobalAveragePooling1D", (), {}, SEQUENCE),
    ("GlobalAveragePooling1D", (), {"keepdims": True}, SEQUENCE),
    ("GlobalAveragePooling2D", (), {}, IMAGE),
    ("GlobalAveragePooling2D", (), {"keepdims": True}, IMAGE),
    ("ZeroPadding2D", (), {}, IMAGE),
    ("ZeroPadding2D", ((2, 0),), {}, IMAGE),
    ("ZeroPadding2D", (((0, 1), (2, 3)),), {}, IMAGE),
    ("UpSampling2D", (), {}, IMAGE),
    ("UpSampling2D", ((3, 1),), {}, IMAGE),
    ("UpSampling2D", ((2, 3),), {"interpolation": "bilinear"}, IMAGE),
]


@pytest.fixture(scope="module")
def keras():
    return import_keras()


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), CASES)
def test_parity(keras, name, args, kwargs, shape):
    check_parity(getattr(layers, name)(*args, **kwargs), shape, getattr(keras.layers, name)(*args, **kwargs), training=True)


def test_every_layer_over_windows_is_compared():
    assert {name for name, *_ in CASES} == {layer.__name__ for layer in over_windows()}


@pytest.mark.parametrize("name", ["Conv1D", "Conv2D", "Conv2DTranspose"])
@pytest.mark.parametrize("start", ["glorot_uniform", "he_normal"])
def test_kernels_start_as_keras_does(keras, name, start):
    """The same shapes in the same order, and of some 50,000 numbers the same mean, spread and largest, but for chance (0.3 %)."""
    shape, size = ((99, 40), 45) if name == "Conv1D" else ((99, 99, 40), (9, 5))
    ours = getattr(layers, name)(32, size, kernel_initializer=start).init(np.random.default_rng(0), shape)
    theirs = getattr(keras.layers, name)(32, size, kernel_initializer=start)
    theirs.build((None, *shape))
    assert [w.shape for w in ours.values()] == [w.shape for w in theirs.get_weights()]
    kernel, want = ours["kernel"], theirs.get_weights()[0]
    assert abs(kernel.mean()) <= 0.02 * want.std()
    assert abs(kernel.std() - want.std()) <= 0.02 * want.std()
    assert abs(kernel).max() == pytest.approx(abs(want).max(), rel=0.25)


@pytest.mark.parametrize("name", ["Conv1D", "Conv2D", "Conv2DTranspose"])
def test_penalty(keras, name):
    """The sum of Keras's layer.losses."""
    shape = SEQUENCE if name == "Conv1D" else IMAGE
    layer = getattr(layers, name)(3, 2, kernel_regularizer="l2", bias_regularizer="l1", bias_initializer="ones")
    params = layer.init(np.random.default_rng(0), shape)
    theirs = getattr(keras.layers, name)(3, 2, kernel_regularizer="l2", bias_regularizer="l1")
    theirs.build((None, *shape))
    theirs.set_weights([*params.values()])
    close(layer.penalty(params), sum(float(loss) for loss in theirs.losses), 5 * FLOAT32)


def test_mean_of_real_steps_as_keras_takes_it(keras):
    x, mask = np.random.default_rng(0).normal(size=(4, 3, 2)).astype(np.float32), np.arange(3) < np.array([[3], [2], [1], [2]])
    for keepdims in (False, True):
        layer = layers.GlobalAveragePooling1D(keepdims)
        y, _ = layer.apply({}, {}, x, key=None, train=False, mask=mask)
        close(y, keras.layers.GlobalAveragePooling1D(keepdims=keepdims)(x, mask=mask))


def test_a_small_network_trains_as_in_keras(keras):
    """One epoch of SGD in order, with a short last batch, from the same weights: losses, weights, predictions."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(21, 10, 9, 2)).astype(np.float32), rng.integers(0, 3, 21)
    models = []
    for k, front in ((gn, gn.layers.Input((10, 9, 2))), (keras, keras.Input((10, 9, 2)))):
        stack = [k.layers.Conv2D(4, 3, activation="tanh"), k.layers.MaxPooling2D(2, padding="same")]
        stack += [k.layers.Conv2D(5, 2, padding="same", activation="tanh"), k.layers.AveragePooling2D(2), k.layers.Flatten()]
        models.append(k.Sequential([front, *stack, k.layers.Dense(3, activation="softmax")]))
        models[-1].compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    ours, theirs = models
    ours.set_weights(theirs.get_weights())
    got, want = (model.fit(x, y, batch_size=8, epochs=1, shuffle=False, verbose=0).history["loss"] for model in models)
    close(got, want, 10 * FLOAT32)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        close(a, b, 10 * FLOAT32)
    close(ours.predict(x), theirs.predict(x, verbose=0), LOOSE)
