"""Keras's layers as objects: calls on arrays, weights by attribute, freezing, changed models.

Oracles: Keras on JAX with the same weights, arithmetic, and a model that was built at once.
"""

import copy
import pickle
import types
from itertools import chain

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError, MissingError, NotReadyError
from glassnet.keras import layers
from oracles import EXACT, FLOAT32, LOOSE, close, import_keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6)).astype(np.float32)
Y = X.sum(1, keepdims=True)
STEPS = RNG.normal(size=(3, 5, 4)).astype(np.float32)
IMAGES = RNG.uniform(size=(2, 6, 6, 3)).astype(np.float32)
WORDS = np.array([[1, 2, 0], [3, 1, 2]])

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""A warning of Keras."""


@pytest.fixture(scope="module")
def real():
    return import_keras()


def dense_model(**options):
    model = keras.Sequential(
        [layers.Dense(3, "relu", input_shape=(6,)), layers.Dense(1)], **options
    )
    model.compile("sgd", "mse")
    return model


CALLS = {
    "Dense": (lambda k: k.layers.Dense(3, "relu"), X),
    "Conv2D": (lambda k: k.layers.Conv2D(2, 3, padding="same"), IMAGES),
    "LSTM": (lambda k: k.layers.LSTM(3), STEPS),
    "Bidirectional": (lambda k: k.layers.Bidirectional(k.layers.GRU(2)), STEPS),
    "Embedding": (lambda k: k.layers.Embedding(5, 2), WORDS),
    "BatchNormalization": (lambda k: k.layers.BatchNormalization(), X),
    "Flatten": (lambda k: k.layers.Flatten(), IMAGES),
    "Rescaling": (lambda k: k.layers.Rescaling(1 / 255), IMAGES[0]),
    "numbers": (lambda k: k.layers.ReLU(), np.array([-1.0, 0.0, 2.0], np.float32)),
    "words": (lambda k: k.layers.Embedding(5, 2), np.array([1, 2, 3])),
}


@pytest.mark.live_keras
@pytest.mark.parametrize("name", CALLS)
def test_a_call_on_an_array_is_kerass(real, name):
    make, x = CALLS[name]
    theirs, ours = make(real), make(keras)
    expected = np.asarray(theirs(x))
    ours(x)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    ours.set_weights(theirs.get_weights())
    result = ours(x)
    close(result.numpy(), expected, FLOAT32)
    assert type(result.numpy()) is np.ndarray
    names = [weight.name for weight in theirs.weights if name != "Bidirectional"]
    if names:
        assert [weight.name for weight in ours.weights] == names


def test_the_weights_of_the_first_call_are_those_of_the_model():
    dense = layers.Dense(3)
    before = dense(X).numpy()
    model = keras.Sequential([dense, layers.Dense(1)])
    model.compile("sgd", "mse")
    close(keras.Sequential([dense]).predict(X), before, FLOAT32)
    model.fit(X, Y, verbose=0)
    close(dense(X), X @ model.get_weights()[0] + model.get_weights()[1], FLOAT32)
    assert not np.array_equal(dense(X), before)
    assert model.layers[0] is dense


def test_noise_is_drawn_in_training_only():
    dropout = layers.Dropout(0.5)
    ones = np.ones((4, 100), np.float32)
    close(dropout(ones), ones, EXACT)
    first, second = dropout(ones, training=True), dropout(ones, training=True)
    assert set(np.unique(first)) == {0.0, 2.0}
    assert not np.array_equal(first, second)
    keras.utils.set_random_seed(3)
    first = layers.Dropout(0.5)(ones, training=True)
    keras.utils.set_random_seed(3)
    close(layers.Dropout(0.5)(ones, training=True), first, EXACT)


def test_monte_carlo_dropout():
    """The mean of many passes is near the prediction; statistics and weights stay as they are."""
    model = keras.Sequential(
        [keras.Input((6,)), layers.BatchNormalization(), layers.Dropout(0.2), layers.Dense(1)],
        seed=0,
    )
    before = model.get_weights()
    passes = np.stack([model(X, training=True).numpy() for _ in range(200)])
    assert passes.std(0).min() > 0
    normalized = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3)
    assert np.abs(passes.mean(0) - normalized @ before[4] - before[5]).max() < 0.3
    for weight, old in zip(model.get_weights(), before, strict=True):
        close(weight, old, EXACT)
    close(model(X).numpy(), model.predict(X), EXACT)


def test_a_layer_works_inside_a_compiled_function():
    dense = layers.Dense(2)
    expected = dense(X)
    close(jax.jit(lambda x: dense(x) * 2)(jnp.asarray(X)), 2 * expected, FLOAT32)


def test_weights_by_attribute():
    model = dense_model()
    last = model.layers[-1]
    assert (last.kernel.shape, last.kernel.name, last.kernel.path) == (
        (3, 1),
        "kernel",
        "dense_2/kernel",
    )
    assert [weight.path for weight in model.weights] == [
        "dense_1/kernel",
        "dense_1/bias",
        "dense_2/kernel",
        "dense_2/bias",
    ]
    last.bias.assign([2.0])
    last.kernel.assign(0.0)
    close(model.predict(X), np.full((24, 1), 2), EXACT)
    last.bias.assign_add([1.0])
    last.bias.assign_sub([0.5])
    close(model.get_weights()[3], [2.5], EXACT)
    assert float(last.bias.numpy()[0]) == float(last.bias[0]) == 2.5
    close(last.bias + 1, [3.5], EXACT)
    close(np.asarray(last.kernel), model.get_weights()[2], EXACT)
    close(jnp.asarray(np.asarray(last.kernel)).sum(), last.kernel.numpy().sum(), EXACT)
    with pytest.raises(DataError, match=r"dense_2/bias: expected an array of shape \(1,\)"):
        last.bias.assign([1.0, 2.0])


def test_kinds_of_weights():
    norm = layers.BatchNormalization()
    assert norm.weights == []
    norm.build((None, 4))
    assert [weight.name for weight in norm.trainable_weights] == ["gamma", "beta"]
    assert [weight.name for weight in norm.non_trainable_weights] == [
        "moving_mean",
        "moving_variance",
    ]
    norm.trainable = False
    assert norm.trainable_variables == []
    assert len(norm.variables) == 4
    assert norm.count_params() == 16
    model = dense_model()
    model.layers[0].trainable = False
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (2, 2)


def test_before_the_shape_is_known():
    dense = layers.Dense(2)
    assert (dense.built, dense.weights, dense.name, dense.units) == (False, [], "dense", 2)
    with pytest.raises(MissingError, match="Weights exist after a call, build or fit"):
        _ = dense.kernel
    assert not hasattr(dense, "bias")
    with pytest.raises(NotReadyError, match=r"Call the layer on an array, or write layer\.build"):
        dense.get_weights()
    with pytest.raises(AttributeError, match="has no attribute 'filters'"):
        _ = dense.filters
    with pytest.raises(
        ConfigError, match=r"no change of a setting.*Write Dense\(\.\.\., units=\.\.\.\)"
    ):
        dense.units = 3


@pytest.mark.live_keras
def test_frozen_layers_are_trained_as_in_keras(real):
    """Hands-On's transfer: frozen for some epochs, then trained."""

    def train(k):
        base = k.Sequential([k.Input((6,)), k.layers.Dense(4, "tanh"), k.layers.Dense(3, "tanh")])
        base.set_weights(start[:4])
        model = k.Sequential([*base.layers, k.layers.Dense(1)])
        model.build((None, 6))
        model.set_weights(start)
        snapshots = []
        for trainable in (False, True):
            for layer in model.layers[:-1]:
                layer.trainable = trainable
            model.compile("sgd", "mse")
            model.fit(X, Y, batch_size=24, epochs=2, verbose=0)
            snapshots.append(model.get_weights())
        assert np.array_equal(base.get_weights()[0], model.get_weights()[0])
        return snapshots

    rng = np.random.default_rng(1)
    shapes = [(6, 4), (4,), (4, 3), (3,), (3, 1), (1,)]
    start = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    ours, theirs = train(keras), train(real)
    for got, want in zip(chain(*ours), chain(*theirs), strict=True):
        close(got, want, FLOAT32)
    close(ours[0][0], start[0], EXACT)
    assert not np.array_equal(ours[1][0], start[0])


def test_a_whole_model_is_frozen():
    model = dense_model()
    before = model.get_weights()
    model.trainable = False
    assert model.trainable_weights == []
    model.layers[-1].trainable = True
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    changed = [not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert changed == [False, False, True, True]
    assert model.epoch == 1
    assert not keras.Sequential([layers.Dense(1)], trainable=False).layers[0].trainable


def test_layers_are_added_and_removed_after_a_model_was_built(capsys):
    """TensorFlow's tutorial prints the convolutional base before it adds the classifier."""
    model = keras.Sequential()
    model.add(layers.Conv2D(2, 3, input_shape=(6, 6, 3)))
    model.summary()
    first = model.get_weights()
    model.add(layers.Flatten())
    model.add(layers.Dense(4))
    model.summary()
    assert "dense_1" in capsys.readouterr().out.split("flatten_1")[1]
    for weight, old in zip(model.get_weights()[:2], first, strict=True):
        close(weight, old, EXACT)
    last = model.pop()
    assert isinstance(last, layers.Dense)
    assert model.output_shape == (None, 32)
    model.add(layers.Dense(1))
    model.compile("sgd", "mse")
    model.fit(IMAGES, np.zeros((2, 1)), verbose=0)
    with pytest.raises(ConfigError, match="pop: expected a model with layers"):
        keras.Sequential().pop()


def test_a_summary_before_the_shape_is_known(capsys):
    model = keras.Sequential([layers.Embedding(10, 2), layers.LSTM(3)])
    model.summary()
    text = capsys.readouterr().out
    assert "embedding_1  Embedding  ?             ?" in text
    assert "its shape is known after fit, or if an Input is the first layer" in text
    gn.Sequential([gn.layers.Dense(2)]).summary()
    assert "dense_1  Dense" in capsys.readouterr().out


def test_normalization_adapts_in_place():
    """Oracle: NumPy. Keras's shape of mean and variance has a batch axis."""
    layer = layers.Normalization()
    layer.adapt(X)
    close(layer(X), (X - X.mean(0)) / X.std(0), FLOAT32)
    close(layer.mean.numpy(), X.mean(0, keepdims=True), FLOAT32)
    close(layer.variance.numpy(), X.var(0, keepdims=True), FLOAT32)
    model = keras.Sequential([layer, layers.Dense(1, kernel_initializer="ones")])
    close(
        model.predict(X),
        ((X - X.mean(0)) / X.std(0)).sum(1, keepdims=True),
        LOOSE,
    )
    layer.adapt(X * 2 + 1)
    close(model.layers[0](X * 2 + 1), (X - X.mean(0)) / X.std(0), FLOAT32)
    close(
        model.predict(X * 2 + 1),
        ((X - X.mean(0)) / X.std(0)).sum(1, keepdims=True),
        LOOSE,
    )


def test_layers_of_glassnet_and_of_keras_mix():
    block = gn.layers.Residual([layers.Dense(6, "relu")])
    model = keras.Sequential([keras.Input((6,)), block, gn.layers.Dense(1)])
    assert model.predict(X).shape == (24, 1)
    assert gn.Sequential([gn.layers.Input(6), layers.Dense(2)]).predict(X).shape == (24, 2)


def test_get_layer_by_kerass_names():
    model = dense_model(name="mine")
    assert model.get_layer("dense") is model.get_layer("dense_1") is model.layers[0]
    assert model.get_layer(index=1) is model.layers[1]
    with pytest.raises(ConfigError, match=r"layer: expected one of dense_1, dense_2.*'dens_3'"):
        model.get_layer("dens_3")


def test_losses_and_metrics_of_a_model():
    """Oracle: arithmetic."""
    penalty = keras.regularizers.L2(0.1)
    model = keras.Sequential([keras.Input((6,)), layers.Dense(1, kernel_regularizer=penalty)])
    close(model.losses[0].numpy(), 0.1 * (model.get_weights()[0] ** 2).sum(), FLOAT32)
    model.compile("sgd", "mse", ["mae"])
    assert [metric.name for metric in model.metrics] == ["mae"]
    assert model.loss == "mse"


def test_methods_of_keras_2():
    def batches(n):
        for i in range(n):
            yield X[i % 3 * 8 :][:8], Y[i % 3 * 8 :][:8]

    model, twin = dense_model(seed=0), dense_model(seed=0)
    history = model.fit_generator(batches(6), 3, 2, verbose=0, workers=4)
    twin.fit(batches(6), steps_per_epoch=3, epochs=2, verbose=0)
    assert history.history == twin.history.history
    close(
        model.evaluate_generator(batches(3), 3, verbose=0), model.evaluate(X, Y, verbose=0), FLOAT32
    )
    close(model.predict_generator(batches(3), steps=3, verbose=0), model.predict(X), FLOAT32)
    close(model.predict_on_batch(X), model.predict(X), EXACT)
    close(model.test_on_batch(X, Y), model.evaluate(X, Y, verbose=0), EXACT)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_layer_is_copied_with_its_weights(way):
    model = dense_model()
    dense = model.layers[0]
    twin = way(dense)
    close(twin(X), dense(X), EXACT)
    twin.bias.assign(np.ones(3))
    assert not dense.bias.numpy().any()


def test_a_layer_outlives_its_model():
    model = dense_model()
    model.fit(X, Y, verbose=0)
    dense, weights = model.layers[0], model.get_weights()
    del model
    close(dense.get_weights()[0], weights[0], EXACT)
    close(keras.Sequential([dense]).predict(X), np.maximum(X @ weights[0] + weights[1], 0), FLOAT32)


class Gated(keras.layers.Layer):
    """A user's layer in Keras's form."""

    def __init__(self, slope=2.0, **options):
        super().__init__(**options)
        self.slope = slope

    def call(self, inputs, training=None):
        return keras.ops.tanh(self.slope * inputs) + (1.0 if training else 0.0)


def test_a_layer_class_with_call_runs():
    """Oracle: NumPy."""
    layer = Gated(3.0)
    close(layer(X), np.tanh(3 * X), FLOAT32)
    close(layer(X, training=True), np.tanh(3 * X) + 1, FLOAT32)
    assert (layer.name, layer.slope, layer.weights) == ("gated", 3.0, [])
    assert isinstance(layer, keras.Layer)
    inputs = keras.Input((6,))
    model = keras.Model(inputs, layers.Dense(1)(Gated(name="gate")(inputs)))
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    kernel, bias = model.get_weights()
    close(model.predict(X), np.tanh(2 * X) @ kernel + bias, FLOAT32)
    assert [each.name for each in model.layers] == ["input_layer", "gate", "dense_1"]


def test_a_layer_class_with_weights_is_refused():
    class Wraps(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = layers.Dense(2)

        def call(self, inputs):
            return self.inner(inputs)

    with pytest.raises(ConfigError, match=r"weights_of='dense'. Put the layers into keras.Seq"):
        Wraps()(X)
    body = {"call": lambda self, x: x, "build": lambda self, shape: None}
    with pytest.raises(ConfigError, match=r"without weights of its own.*methods=\['build'\]"):
        types.new_class("Weighted", (keras.layers.Layer,), {}, lambda names: names.update(body))


def test_one_image_needs_no_batch_axis():
    prepare = keras.Sequential([layers.Resizing(3, 3), layers.Rescaling(2.0)])
    close(prepare(IMAGES[0]), prepare(IMAGES)[0], EXACT)
    assert layers.CenterCrop(2, 2)(IMAGES[0]).shape == (2, 2, 3)


def test_rows_without_their_last_axis_of_size_1():
    """Keras adds it. Oracle: the rows with it."""
    model = keras.Sequential([layers.SimpleRNN(2, input_shape=[None, 1]), layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    close(model.predict(X), model.predict(X[..., None]), EXACT)
    twin = copy.deepcopy(model)
    model.fit(X, Y, verbose=0, validation_data=(X, Y))
    twin.fit(X[..., None], Y, verbose=0)
    close(model.evaluate(X, Y, verbose=0), twin.evaluate(X[..., None], Y, verbose=0), EXACT)
    close(model(X), twin(X[..., None]), EXACT)
    close(model.predict(X[..., None, None]), model.predict(X), EXACT)


def test_numbers_of_words_may_be_subtracted():
    text = layers.TextVectorization(output_mode="multi_hot", vocabulary=["a", "b"])
    first, second = text(["a", "b"])
    assert (first - second).tolist() == [0, 1, -1]
    assert text("a b").numpy().dtype == np.int64


HIDDEN_WEIGHTS = {
    "list": ("dense", lambda dense: [dense]),
    "model": ("sequential", lambda dense: keras.Sequential([dense])),
    "function": ("dense", lambda dense: lambda x: dense(x)),
    "variable": ("variable", lambda dense: keras.Variable(np.ones((6, 6)))),
}


@pytest.mark.parametrize("where", HIDDEN_WEIGHTS)
def test_weights_that_call_uses_are_refused_wherever_they_are(where):
    """They would be constants inside the compiled call, and silently never trained."""
    owner, hide = HIDDEN_WEIGHTS[where]

    class Hides(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = hide(layers.Dense(6))

        def call(self, inputs):
            inner = self.inner[0] if isinstance(self.inner, list) else self.inner
            return keras.ops.matmul(inputs, inner) if where == "variable" else inner(inputs)

    words = rf"hides.*: expected a call without weights.*weights_of='{owner}"
    with pytest.raises(ConfigError, match=words):
        Hides()(X)
    with pytest.raises(ConfigError, match=words):
        keras.Sequential([keras.Input((6,)), Hides()]).predict(X)


def test_layers_without_weights_may_be_used_in_call():
    class Prepares(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.scale, self.shift = layers.Rescaling(2.0), keras.Variable(1.0, trainable=False)

        def call(self, inputs):
            return self.scale(inputs) + keras.ops.convert_to_tensor(self.shift)

    close(Prepares()(X), 2 * X + 1, FLOAT32)


def test_a_setting_of_a_layer_class_takes_effect_when_it_is_set():
    """Oracle: NumPy. A compiled program would keep the old one."""
    layer = Gated(1.0)
    model = keras.Sequential([keras.Input((6,)), layer])
    for slope in (1.0, 3.0):
        layer.slope = slope
        close(layer(X), np.tanh(slope * X), FLOAT32)
        close(model.predict(X), np.tanh(slope * X), FLOAT32)
    assert [each.name for each in model.layers] == ["gated_1"]


def test_call_in_a_class_below_one_in_glassnets_form_is_refused():
    class Plain(keras.layers.Layer):
        pass

    with pytest.raises(ConfigError, match=r"Lost: expected a Glassnet layer.*methods=\['call'\]"):

        class Lost(Plain):
            def call(self, inputs):
                return 2 * inputs


def test_a_layer_class_with_call_is_saved_with_a_reason(tmp_path):
    model = keras.Sequential([keras.Input((6,)), Gated(), layers.Dense(1)])
    with pytest.raises(gn.errors.ModelFileError, match=r"gated_1.*save_weights, and build"):
        model.save(tmp_path / "m.keras")
