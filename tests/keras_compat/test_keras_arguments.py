"""Arguments of Keras that notebooks use: of activations, layers, `get`, `Input` and `fit`."""

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, NotReadyError
from oracles import FLOAT32, LOOSE, close, import_keras

ROWS = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def real():
    return import_keras()


LAYERS = {
    "ReLU of 6": lambda k: k.layers.ReLU(max_value=6.0),
    "ReLU with a slope": lambda k: k.layers.ReLU(negative_slope=0.1),
    "ReLU with all": lambda k: k.layers.ReLU(1.0, 0.1, 0.5),
    "Softmax of an axis": lambda k: k.layers.Softmax(axis=1),
    "hard_swish": lambda k: k.layers.Activation("hard_swish"),
    "celu": lambda k: k.layers.Activation(k.activations.celu),
    "Normalization": lambda k: k.layers.Normalization(
        mean=[1.0, 2.0, 3.0, 4.0], variance=[4.0] * 4
    ),
    "Normalization of all": lambda k: k.layers.Normalization(axis=None, mean=1.0, variance=4.0),
    "Normalization inverted": lambda k: k.layers.Normalization(mean=1.0, variance=4.0, invert=True),
    "Dropout with a shape": lambda k: k.layers.Dropout(0.5, noise_shape=(None, 1)),
}


@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_layers_equal_keras_and_are_saved(real, make, tmp_path):
    model = keras.Sequential([keras.Input((4,)), make(keras)])
    theirs = real.Sequential([real.Input((4,)), make(real)])
    close(model.predict(3 * ROWS), theirs.predict(3 * ROWS, verbose=0), FLOAT32)
    assert len(model.get_weights()) == len(theirs.get_weights())
    model.save(tmp_path / "m.glassnet")
    loaded = keras.models.load_model(tmp_path / "m.glassnet")
    assert np.array_equal(loaded.predict(ROWS), model.predict(ROWS))


@pytest.mark.parametrize("name", ["LeakyReLU", "ELU", "PReLU"])
def test_rectifiers_with_a_parameter_are_loaded_again(name, tmp_path):
    """Such a model could be saved, but only loaded with custom_objects."""
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3), getattr(keras.layers, name)()]
    )
    model.save(tmp_path / "m.glassnet")
    assert np.array_equal(gn.load(tmp_path / "m.glassnet").predict(ROWS), model.predict(ROWS))


def test_transposed_convolution_takes_output_padding(real):
    sizes = [(3, 3), {"strides": 2, "padding": "same", "output_padding": 1}]
    models = [
        k.Sequential([k.Input((4, 4, 2)), k.layers.Conv2DTranspose(*sizes[0], **sizes[1])])
        for k in (keras, real)
    ]
    assert models[0].output_shape == models[1].output_shape == (None, 8, 8, 3)
    assert keras.layers.Conv2DTranspose(3, 3, 2, "valid", 1).output_padding == (1, 1)


NAMES = {
    "activations": ["relu", "swish", "hard_swish", "threshold", "glu", "log_softmax", "sparsemax"],
    "initializers": ["he_normal", "HeNormal", "zeros", "normal", "uniform", "orthogonal"],
    "losses": ["mse", "MSE", "MeanSquaredError", "categorical_crossentropy", "huber"],
    "metrics": ["mse", "MeanSquaredError", "AUC", "F1Score"],
    "optimizers": ["adam", "Adam", "SGD", "rmsprop"],
    "regularizers": ["l2", "L2", "l1", "L1"],
}


@pytest.mark.parametrize("module", NAMES)
def test_get(real, module):
    """Oracle: what Keras returns for the same name has the same kind: a function or an object."""
    ours, theirs = getattr(keras, module), getattr(real, module)
    for name in NAMES[module]:
        part, other = ours.get(name), theirs.get(name)
        assert callable(part) or module == "optimizers"
        is_object = type(other).__name__ != "function"
        kind = type(
            getattr(part, f"glassnet_{module[:-2]}", getattr(part, "glassnet_metric", part))
        )
        assert not is_object or kind.__name__ == type(other).__name__, name
        assert ours.get(part) is part
    function = len
    if module != "optimizers":
        assert ours.get(function) is function
    words = "loss" if module == "losses" else module[:-1]
    with pytest.raises(ConfigError, match=f"^{words}: expected one of .*no_such_name"):
        ours.get("no_such_name")
    with pytest.raises(ConfigError):
        ours.get(3)
    assert "get" in ours.__all__


def test_get_of_nothing_a_class_a_config_and_an_array():
    close(keras.activations.get(None)(3.0), 3.0)
    for module in ("initializers", "losses", "metrics", "optimizers", "regularizers"):
        assert getattr(keras, module).get(None) is None
    config = {"class_name": "SGD", "config": {"learning_rate": 0.5}}
    assert keras.optimizers.get(config) == keras.optimizers.SGD(0.5)
    assert keras.regularizers.get(
        {"class_name": "L2", "config": {"l2": 0.5}}
    ) == gn.regularizers.L2(0.5)
    assert keras.initializers.get(keras.initializers.HeNormal) == gn.initializers.HeNormal()
    assert keras.activations.get(keras.layers.ReLU) is gn.activations.relu
    filled = keras.initializers.get(np.array([1.0, 2.0]))
    close(filled(np.random.default_rng(0), (2,)), [1.0, 2.0])
    assert isinstance(keras.losses.get("mse")([[0.0]], [[2.0]]), np.ndarray)


def test_keras_calls_the_part_that_get_returned():
    """A model trains alike with a name and with what `get` returns for it."""
    histories = []
    for get in (lambda module, name: name, lambda module, name: getattr(keras, module).get(name)):
        activation = get("activations", "swish")
        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(3, activation, kernel_regularizer=get("regularizers", "l2")),
                keras.layers.Dense(1, kernel_initializer=get("initializers", "he_normal")),
            ],
            seed=0,
        )
        model.compile(get("optimizers", "adam"), get("losses", "mse"), [get("metrics", "mae")])
        histories.append(model.fit(ROWS, ROWS[:, :1], epochs=2, verbose=0).history)
    assert list(histories[0].values()) == list(histories[1].values())


def test_word_vectors_fill_an_embedding(tmp_path):
    """By hand: word 2 is the third row. `reset` draws them again, from the array."""
    vectors = np.arange(6.0).reshape(3, 2)
    layer = keras.layers.Embedding(
        3, 2, embeddings_initializer=keras.initializers.Constant(vectors), trainable=False
    )
    model = keras.Sequential([keras.Input((1,)), layer, keras.layers.Flatten()], seed=0)
    close(model.predict(np.array([[2], [0]])), [[4, 5], [0, 1]])
    model.set_weights([0 * vectors])
    model.reset()
    close(model.get_weights()[0], vectors)
    model.save(tmp_path / "m.glassnet")
    assert (tmp_path / "m.glassnet").stat().st_size < 4000
    loaded = keras.models.load_model(tmp_path / "m.glassnet")
    close(loaded.get_weights()[0], vectors)
    loaded.reset()
    with pytest.raises(ConfigError, match=r"A model file does not hold it\. Use set_weights"):
        loaded.get_weights() if loaded.built else loaded.predict(np.array([[2]]))


def test_large_vectors_are_saved_once(tmp_path):
    """200,000 numbers of float32 are 800 kB; the description of the model does not repeat them."""
    vectors = np.random.default_rng(0).normal(size=(2000, 100))
    layer = keras.layers.Embedding(
        2000, 100, embeddings_initializer=keras.initializers.Constant(vectors)
    )
    model = keras.Sequential([keras.Input((1,)), layer])
    model.save(tmp_path / "m.glassnet")
    assert 800_000 <= (tmp_path / "m.glassnet").stat().st_size < 805_000


def test_sequence_is_the_other_name_of_pydataset():
    assert keras.utils.Sequence is keras.utils.PyDataset
    from glassnet.keras.utils import Sequence

    class Halves(Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return ROWS[3 * i : 3 * i + 3], ROWS[3 * i : 3 * i + 3, :1]

    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(Halves(), epochs=2, verbose=0).epoch) == 2


@pytest.mark.parametrize(
    ("make", "batch_size"),
    [
        (lambda k: k.Input(shape=(4,), batch_size=3), 3),
        (lambda k: k.Input(batch_shape=(3, 4)), 3),
        (lambda k: k.layers.InputLayer(shape=(4,), batch_size=3), 3),
        (lambda k: k.Input((4,)), None),
    ],
    ids=["batch_size", "batch_shape", "InputLayer", "none"],
)
def test_the_batch_size_of_input(real, make, batch_size):
    models = [k.Sequential([make(k), k.layers.Dense(2)]) for k in (keras, real)]
    assert [model.input_shape for model in models] == [(batch_size, 4)] * 2
    assert [model.output_shape for model in models] == [(batch_size, 2)] * 2
    assert models[0].predict(ROWS).shape == (6, 2)


def test_attributes_before_the_shape_is_known():
    """Keras raises AttributeError, so that hasattr is False; the message says what to do."""
    model, empty = keras.Sequential([keras.layers.Dense(2)]), keras.Sequential()
    for owner in (model, empty):
        for name in ("input_shape", "output_shape"):
            assert not hasattr(owner, name)
            assert getattr(owner, name, None) is None
    assert not hasattr(model, "params")
    assert not hasattr(model.layers[0], "input_shape")
    assert not hasattr(gn.Sequential([gn.layers.Dense(2)]), "params")
    assert not hasattr(gn.Sequential(), "learning_rate")
    words = (
        r"expected a (model|layer) that knows its input's shape\. Add Input\(shape\) as the first"
    )
    for read in (lambda: model.input_shape, lambda: model.layers[0].output_shape):
        with pytest.raises(AttributeError, match=words):
            read()
        with pytest.raises(NotReadyError, match=words):
            read()
    with pytest.raises(NotReadyError, match="expected at least one layer"):
        _ = empty.input_shape
    model.build((None, 4))
    assert hasattr(model, "input_shape")


def test_weights_of_shape_n_1():
    """Oracle: the same weights, flat."""
    weight = np.arange(1.0, 7.0)
    losses = []
    for shape in ((6,), (6, 1)):
        w = weight.reshape(shape)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)], seed=0)
        model.compile("sgd", "mse")
        fit = {"validation_data": (ROWS, ROWS[:, :1], w), "verbose": 0}
        history = model.fit(ROWS, ROWS[:, :1], sample_weight=w, **fit).history
        batches = [(ROWS[:3], ROWS[:3, :1], w[:3]), (ROWS[3:], ROWS[3:, :1], w[3:])]
        stream = model.fit(batches, verbose=0).history
        score = model.evaluate(ROWS, ROWS[:, :1], sample_weight=w, verbose=0)
        loss = float(keras.losses.MeanSquaredError()(ROWS[:, :1], 0 * ROWS[:, :1], sample_weight=w))
        losses.append([*history.values(), *stream.values(), score, loss])
    assert losses[0] == losses[1]
    with pytest.raises(ValueError, match=r"sample_weight: expected one number per row"):
        model.fit(ROWS, ROWS[:, :1], sample_weight=np.ones((6, 2)), verbose=0)


@pytest.mark.parametrize("kind", ["list", "generator", "pairs", "Sequence", "lists of numbers"])
def test_normalization_adapts_to_batches(real, kind):
    """Oracle: Keras, adapted to the same batches; it takes no generator of pairs of this size."""
    batches = [ROWS[:4], ROWS[4:]]

    class Batches(keras.utils.Sequence):
        def __len__(self):
            return 2

        def __getitem__(self, i):
            return batches[i]

    data = {
        "list": batches,
        "generator": (batch for batch in batches),
        "pairs": ((batch, batch[:, 0]) for batch in batches),
        "Sequence": Batches(),
        "lists of numbers": ROWS.tolist(),
    }[kind]
    theirs = real.layers.Normalization()
    theirs.adapt(ROWS)
    layer = keras.layers.Normalization()
    layer.adapt(data)
    close(layer.mean, np.asarray(theirs.mean), LOOSE)
    close(layer.variance, np.asarray(theirs.variance), LOOSE)
    model = keras.Sequential([layer])
    close(model.predict(ROWS), theirs(ROWS), LOOSE)
    assert model.input_shape == (None, 4)
    layer.adapt(2 * ROWS)  # a second adapt starts over
    close(layer.mean, 2 * np.asarray(theirs.mean), LOOSE)


def test_what_softmax_and_relu_refuse():
    words = (
        "Softmax: expected axis to be an int other than 0. Received: axis=0. Axis 0 is the batch"
    )
    with pytest.raises(ConfigError, match=words):
        keras.layers.Softmax(axis=0)
    with pytest.raises(
        ConfigError, match=r"ReLU: expected max_value to be a number >= 0. Received"
    ):
        keras.layers.ReLU(max_value=-1.0)


def test_shapes_that_contradict_each_other():
    """They were ignored without a word. Oracle: Keras refuses both."""
    words = r"Input: expected shape or batch_shape, not both\. Received: shape="
    for make in (keras.Input, keras.layers.InputLayer):
        with pytest.raises(ConfigError, match=words):
            make(shape=(2,), batch_shape=(None, 3))
        with pytest.raises(ConfigError, match=words):
            make(batch_size=4, batch_shape=(2, 3))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    words = r"build: expected the known shape of the input, \(None, 2\)\. Received: input_shape=\(3, 4\)"
    with pytest.raises(ConfigError, match=words):
        model.build((3, 4))
    model.build((3, 2))
    assert model.input_shape == (None, 2)


def test_l1l2_is_a_name_too(real):
    """Oracle: Keras, whose L1L2 has no penalty without arguments."""
    theirs = real.regularizers.get("l1l2")
    for name in ("l1l2", "L1L2", "l1_l2"):
        ours = keras.regularizers.get(name)
        assert (ours.l1, ours.l2) == (theirs.l1, theirs.l2)
