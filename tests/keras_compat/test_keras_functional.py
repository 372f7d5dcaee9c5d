"""Keras's functional style: symbolic tensors, graphs that become sequences, models of models.

Oracles: Keras on JAX with the same weights, and the same network written as a `Sequential`.
"""

import copy
import pickle

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError, MissingError, NotReadyError
from glassnet.keras import layers
from oracles import EXACT, FLOAT32, close, import_keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6)).astype(np.float32)
Y = X.sum(1, keepdims=True)
IMAGES = RNG.uniform(size=(4, 8, 8, 3)).astype(np.float32)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
"""A warning of Keras."""


@pytest.fixture(scope="module")
def real():
    return import_keras()


def chain(k):
    inputs = k.Input((6,))
    x = k.layers.Dense(5, "tanh")(inputs)
    return k.Model(inputs, k.layers.Dense(2, name="last")(x))


def skip(k):
    inputs = k.Input((6,))
    x = k.layers.Dense(6, "relu")(inputs)
    x = k.layers.Dense(6)(x)
    x = k.layers.Activation("relu")(k.layers.Add()([x, inputs]))
    return k.Model(inputs=inputs, outputs=k.layers.Dense(1)(x))


def branches(k):
    inputs = k.Input((6,))
    a = k.layers.Dense(3, "relu")(inputs)
    b = k.layers.Dense(4)(k.layers.Dense(2, "tanh")(inputs))
    x = k.layers.concatenate([a, inputs, b])
    return k.Model([inputs], [k.layers.Dense(1)(x)])


def merges(k):
    """Each merge, nested: branches inside of branches, and sums in groups."""
    inputs = k.Input((6,))
    a, b, c = (k.layers.Dense(4, name=name)(inputs) for name in "abc")
    x = k.layers.maximum([a, k.layers.minimum([b, c])])
    x = k.layers.Average()([x, k.layers.Multiply()([x, k.layers.Dense(4)(x)])])
    deep = k.layers.Dense(4)(x)
    x = k.layers.add([deep, k.layers.Dense(4)(deep), x])
    return k.Model(inputs, k.layers.subtract([x, k.layers.Dense(4)(x)]))


def dense_block(k):
    """A layer whose output is concatenated with what is made of it, as in a DenseNet."""
    inputs = k.Input((6,))
    a = k.layers.Dense(3)(inputs)
    b = k.layers.Concatenate()([a, k.layers.Dense(2)(a), k.layers.Dense(1)(inputs)])
    return k.Model(inputs, k.layers.Dense(1)(b))


def nested(k):
    inner = k.Sequential([k.layers.Dense(4, "relu"), k.layers.Dense(6)], name="inner")
    inputs = k.Input((6,))
    x = k.layers.Add()([inputs, inner(inputs)])
    middle = k.Model(inputs, x, name="middle")
    outer = k.Input((6,))
    return k.Model(outer, k.layers.Dense(1)(middle(outer)))


def operators(k):
    inputs = k.Input((6,))
    a = k.layers.Dense(6)(inputs)
    return k.Model(inputs, (k.layers.Dense(6)(a) * a + 0.5) * 2.0 - 1.0 + inputs)


GRAPHS = {
    build.__name__: build
    for build in (chain, skip, branches, merges, dense_block, nested, operators)
}


@pytest.mark.live_keras
@pytest.mark.parametrize("name", GRAPHS)
def test_outputs_and_weights_are_kerass(real, name):
    """After the weights are set in Keras's order, outputs and the weights after training agree."""
    theirs, ours = GRAPHS[name](real), GRAPHS[name](keras)
    weights = theirs.get_weights()
    assert [weight.shape for weight in ours.get_weights()] == [weight.shape for weight in weights]
    ours.set_weights(weights)
    close(ours.predict(X), theirs.predict(X, verbose=0), FLOAT32)
    assert ours.output_shape == theirs.output_shape
    target = np.ones((24, ours.output_shape[1]), np.float32)
    for model in (theirs, ours):
        model.compile("sgd", "mse")
        model.fit(X, target, batch_size=24, epochs=2, verbose=0)
    for got, want in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        close(got, want, FLOAT32)
    kinds = [type(layer).__name__ for layer in theirs.layers]
    assert len(ours.layers) == len(kinds) or name == "operators"
    for layer, kind in zip(ours.layers, kinds, strict=name != "operators"):
        if name != "operators" and kind in ("Dense", "InputLayer", "Activation"):
            assert isinstance(layer, getattr(layers, kind))


@pytest.mark.live_keras
def test_images_in_branches(real):
    def build(k):
        inputs = k.Input((8, 8, 3))
        x = k.layers.Rescaling(2.0)(inputs)
        x = k.layers.Conv2D(4, 3, padding="same", activation="relu")(x)
        side = k.layers.Conv2D(5, 1, strides=2)(x)
        x = k.layers.Conv2D(5, 3, padding="same")(x)
        x = k.layers.MaxPooling2D(2)(x)
        x = k.layers.add([x, side])
        return k.Model(inputs, k.layers.Dense(2)(k.layers.GlobalAveragePooling2D()(x)))

    theirs, ours = build(real), build(keras)
    ours.set_weights(theirs.get_weights())
    close(ours.predict(IMAGES), theirs.predict(IMAGES, verbose=0), FLOAT32)


def test_a_chain_is_a_sequential_with_everything():
    """Oracle: `glassnet.Sequential` with the same weights."""
    model = chain(keras)
    ours = gn.Sequential([gn.layers.Input(6), gn.layers.Dense(5, "tanh"), gn.layers.Dense(2)])
    ours.set_weights(model.get_weights())
    close(model.predict(X), ours.predict(X), EXACT)
    assert [view.name for view in model.glassnet_model.layers] == ["dense_1", "last"]
    model.compile("sgd", "mse")
    trace = model.trace(X[:2], np.zeros((2, 2)))
    assert trace.links[0].params["kernel"].shape == (6, 5)
    assert isinstance(model, keras.Model)
    assert isinstance(model, keras.Sequential)


def test_a_skip_connection_is_a_residual_and_branches_are_parallel():
    kinds = [type(view.layer).__name__ for view in skip(keras).glassnet_model.layers]
    assert kinds == ["Residual", "Activation", "Dense"]
    kinds = [type(view.layer).__name__ for view in branches(keras).glassnet_model.layers]
    assert kinds == ["Parallel", "Dense"]
    model = skip(keras)
    names = [layer.name for layer in model.layers]
    assert names == ["input_layer", "dense_1", "dense_2", "add", "activation_1", "dense_3"]


def test_shapes_of_symbolic_tensors():
    inputs = keras.Input((8, 8, 3), batch_size=2)
    x = layers.Conv2D(4, 3, strides=2)(inputs)
    assert (inputs.shape, x.shape, layers.Flatten()(x).shape) == (
        (2, 8, 8, 3),
        (2, 3, 3, 4),
        (2, 36),
    )
    assert layers.Concatenate()([x, x]).shape == (2, 3, 3, 8)
    lengths = layers.LSTM(3, return_sequences=True)(keras.Input((None, 5)))
    assert lengths.shape == (None, None, 3)
    assert repr(lengths) == "<KerasTensor shape=(None, None, 3), dtype=float32, name=lstm>"


def shared():
    inputs = keras.Input((6,))
    dense = layers.Dense(6)
    return keras.Model(inputs, dense(dense(inputs)))


def not_series_parallel():
    """Two branches that exchange tensors in the middle."""
    inputs = keras.Input((6,))
    a, b = layers.Dense(6)(inputs), layers.Dense(6)(inputs)
    c, d = layers.Add()([a, b]), layers.Multiply()([a, b])
    return keras.Model(inputs, layers.Add()([layers.Dense(6)(c), layers.Dense(6)(d)]))


def two_inputs():
    a, b = keras.Input((6,)), keras.Input((6,))
    return keras.Model([a, b], layers.add([a, b]))


def other_input():
    a, b = keras.Input((6,)), keras.Input((6,), name="side")
    return keras.Model(a, layers.add([a, layers.Dense(6)(b)]))


REFUSED = {
    "Layers that are used twice: dense": shared,
    "Layers that are used twice: dense, dense": not_series_parallel,
    "Received 2 inputs": two_inputs,
    "The outputs need an input that is not in inputs: side": other_input,
    "Model: expected outputs from keras.Input. Received: received=3": lambda: keras.Model(
        keras.Input((6,)), 3
    ),
    "concatenate: expected axis=-1, the last axis. Received: axis=1. Permute moves": lambda: (
        layers.Concatenate(axis=1)([keras.Input((4, 2)), keras.Input((3, 2))])
    ),
    "the same shape from every branch to add": lambda: layers.add(
        [keras.Input((4,)), keras.Input((3,))]
    ),
    "add: expected a list of two or more inputs. Received: inputs=1": lambda: layers.Add()(
        [keras.Input((3,))]
    ),
    "dense: expected one input. Received: inputs=2": lambda: layers.Dense(1)(
        [keras.Input((3,)), keras.Input((3,))]
    ),
    "lstm: expected one input, training and mask. Received: initial_state=0": lambda: layers.LSTM(
        2
    )(keras.Input((3, 2)), initial_state=0),
    "a layer that merges belongs into keras.Model": lambda: keras.Sequential([layers.Add()]),
    "Sequential: expected layers, not their outputs. Received: tensor='dense'": lambda: (
        keras.Sequential([layers.Dense(2)(keras.Input((3,)))])
    ),
    "KerasTensor: expected layers, which accept it": lambda: np.sin(np.asarray(keras.Input((3,)))),
    "add: expected a Sequential model": lambda: chain(keras).add(layers.Dense(1)),
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused(words):
    with pytest.raises(ConfigError) as error:
        REFUSED[words]()
    assert words.lower() in str(error.value).lower()


def test_a_model_that_ends_or_begins_inside_of_another_shares_its_weights():
    """Oracle: the layers by hand."""
    model = chain(keras)
    first = keras.Model(model.input, model.layers[1].output)
    kernel, bias = model.layers[1].get_weights()
    close(first.predict(X), np.tanh(X @ kernel + bias), FLOAT32)
    rest = keras.Model(model.layers[1].output, model.output)
    close(rest.predict(first.predict(X)), model.predict(X), FLOAT32)
    assert rest.layers[1] is model.layers[2]
    model.compile("sgd", "mse")
    model.fit(X, np.ones((24, 2)), verbose=0)
    assert not np.array_equal(model.layers[1].kernel.numpy(), kernel)
    close(rest.predict(first.predict(X)), model.predict(X), FLOAT32)


def test_a_sequential_has_symbolic_outputs():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(3, "tanh"), layers.Dense(1)])
    codes = keras.Model(model.inputs, model.layers[0].output)
    close(codes.predict(X), np.tanh(X @ model.layers[0].kernel.numpy()), FLOAT32)
    extractor = keras.Model(model.input, [layer.output for layer in model.layers])
    hidden, output = extractor(X)
    close(hidden, codes.predict(X), FLOAT32)
    close(output, model.predict(X), FLOAT32)
    named = keras.Model(model.input, {"a": model.layers[0].output, "b": model.output})
    assert list(named.predict(X)) == ["a", "b"]
    with pytest.raises(
        ConfigError, match="several outputs can be called and predicts; it has no fit"
    ):
        extractor.fit(X, Y)
    with pytest.raises(
        NotReadyError, match=r"Call the layer on a keras\.Input, or add it to a model"
    ):
        _ = layers.Dense(2).output


def test_a_model_is_called_as_a_layer():
    """Augmentation as a model of its own, in Keras's tutorials."""
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
    inputs = keras.Input((8, 8, 3))
    x = layers.Flatten()(augmentation(inputs))
    model = keras.Model(inputs, layers.Dense(2)(x))
    assert [layer.name for layer in model.layers][:2] == ["input_layer", "sequential"]
    assert model.layers[1] is augmentation
    close(augmentation(IMAGES), IMAGES, EXACT)
    noisy = augmentation(IMAGES, training=True)
    assert noisy.shape == IMAGES.shape
    assert not np.array_equal(noisy, IMAGES)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_have_layers_of_their_own(way):
    model = skip(keras)
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    twin = way(model)
    close(twin.predict(X), model.predict(X), EXACT)
    assert [layer.name for layer in twin.layers] == [layer.name for layer in model.layers]
    before = model.get_weights()
    twin.layers[1].bias.assign(np.ones(6))
    twin.fit(X, Y, verbose=0)
    for weight, old in zip(model.get_weights(), before, strict=True):
        close(weight, old, EXACT)
    assert not np.array_equal(twin.predict(X), model.predict(X))


def test_clone_model_has_new_weights_and_no_settings():
    model = skip(keras)
    model.compile("sgd", "mse")
    twin = keras.models.clone_model(model)
    assert twin.optimizer is None
    assert not np.array_equal(twin.get_weights()[0], model.get_weights()[0])
    assert [weight.shape for weight in twin.get_weights()] == [
        weight.shape for weight in model.get_weights()
    ]
    twin.set_weights(model.get_weights())
    close(twin.predict(X), model.predict(X), FLOAT32)


def test_a_functional_model_is_saved_and_loaded(tmp_path):
    model = branches(keras)
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    close(loaded.predict(X), model.predict(X), EXACT)
    for one in (model, loaded):
        one.fit(X, Y, verbose=0)
    close(loaded.predict(X), model.predict(X), EXACT)


def test_merges_of_arrays():
    """Oracle: NumPy."""
    a, b = X[:2, :3], X[2:4, :3]
    for layer, expected in (
        (layers.Add(), a + b),
        (layers.Subtract(), a - b),
        (layers.Multiply(), a * b),
        (layers.Average(), (a + b) / 2),
        (layers.Maximum(), np.maximum(a, b)),
        (layers.Minimum(), np.minimum(a, b)),
        (layers.Concatenate(), np.concatenate([a, b], -1)),
    ):
        result = layer([a, b])
        close(result.numpy(), expected, FLOAT32)
        assert isinstance(layer, layers.Layer)
        assert isinstance(layer, getattr(layers, layer.name.title()))


def test_a_layer_of_another_shape_is_refused():
    dense = layers.Dense(2)
    dense(np.zeros((1, 3)))
    with pytest.raises(ConfigError, match=r"dense: expected the shape .*\(None, 3\).*\(None, 4\)"):
        dense(keras.Input((4,)))
    with pytest.raises((ConfigError, DataError)):
        keras.Sequential([keras.Input((4,)), dense]).predict(np.zeros((1, 4)))
    with pytest.raises(MissingError, match="no attribute 'kernl'"):
        _ = dense.kernl
