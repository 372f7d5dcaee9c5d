"""The parts made by the aliases give the numbers of Keras on JAX."""

import numpy as np
import pytest

import glassnet as gn
from glassnet import activations, keras
from glassnet.errors import ConfigError, DataError
from oracles import FLOAT32, LOOSE, close, import_keras

ROWS = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)


@pytest.fixture(scope="module")
def real():
    return import_keras()


LAYERS = {
    "ELU": lambda k: k.layers.ELU(0.5),
    "Identity": lambda k: k.layers.Identity(),
    "LeakyReLU": lambda k: k.layers.LeakyReLU(),
    "LeakyReLU of alpha": lambda k: k.layers.LeakyReLU(alpha=0.1),
    "ReLU": lambda k: k.layers.ReLU(),
    "Softmax": lambda k: k.layers.Softmax(),
    "Activation": lambda k: k.layers.Activation("tanh"),
    "Activation of a function": lambda k: k.layers.Activation(k.activations.sigmoid),
    "Dense from ones": lambda k: k.layers.Dense(
        2, k.activations.relu, True, "Ones", k.initializers.Constant(0.5)
    ),
    "Dense from a class": lambda k: k.layers.Dense(2, kernel_initializer=k.initializers.Ones),
    "Dense without bias": lambda k: k.layers.Dense(2, None, False, "ones"),
    "BatchNormalization": lambda k: k.layers.BatchNormalization(-1, 0.9, 0.1),
    "LayerNormalization": lambda k: k.layers.LayerNormalization(-1, 0.1),
    "Rescaling": lambda k: k.layers.Rescaling(2.0, 1.0),
    "Reshape": lambda k: k.layers.Reshape((2, 2)),
    "Dropout": lambda k: k.layers.Dropout(0.5, None, 3),
    "Lambda": lambda k: k.layers.Lambda(lambda x: x**2),
    "PReLU": lambda k: k.layers.PReLU(k.initializers.Constant(0.3)),
    "UnitNormalization": lambda k: k.layers.UnitNormalization(),
}


@pytest.mark.filterwarnings(
    "ignore:Argument .alpha. is deprecated:UserWarning", "ignore:Do not pass an"
)
@pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)
def test_layers(real, make):
    ours = keras.Sequential([keras.Input(shape=(4,)), make(keras)]).predict(ROWS)
    close(
        ours,
        real.Sequential([real.Input(shape=(4,)), make(real)]).predict(ROWS, verbose=0),
        FLOAT32,
    )


def test_activation_layers_of_one_number_are_equal():
    """With closures, every layer would be compiled again."""
    first, same, other = (keras.layers.LeakyReLU(slope).glassnet_layer for slope in (0.2, 0.2, 0.1))
    assert first == same != other
    assert isinstance(keras.layers.LeakyReLU(0.2), keras.layers.LeakyReLU)
    assert not isinstance(keras.layers.ReLU(), keras.layers.LeakyReLU)
    assert keras.layers.LeakyReLU(0.2, name="a").unfold()[0].activation_name == "leaky_relu"
    for name in ("LeakyReLU", "ELU"):
        with pytest.raises(ConfigError, match=f"{name}: expected .* to be a number"):
            getattr(keras.layers, name)("steep")


RNG = np.random.default_rng(1)
SIMPLEX = RNG.dirichlet(np.ones(3), 5).astype(np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[[0, 2, 1, 1, 0]]
SIGNS = np.float32([[1, -1, 1], [-1, -1, 1], [1, 1, 1], [-1, 1, -1], [1, -1, -1]])


def functions(module):
    return [
        name
        for name in getattr(keras, module).__all__
        if name.islower() and name not in ("get", "bce", "kld", "mae", "mape", "mse", "msle")
    ]


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module in ("losses", "metrics") for name in functions(module)],
)
def test_functions_give_a_number_per_row(real, module, name):
    y = (
        np.argmax(ONE_HOT, -1)
        if name.startswith("sparse")
        else SIGNS
        if "hinge" in name and "cat" not in name
        else ONE_HOT
    )
    ours, theirs = getattr(getattr(keras, module), name), getattr(getattr(real, module), name)
    close(ours(y, SIMPLEX), theirs(y, SIMPLEX), LOOSE)
    assert name == "binary_accuracy" or ours(y, SIMPLEX).shape == (5,)
    close(ours(y[0], SIMPLEX[0]), theirs(y[0], SIMPLEX[0]), LOOSE)
    assert ours(y[0], SIMPLEX[0]).shape == theirs(y[0], SIMPLEX[0]).shape


@pytest.mark.parametrize("name", ["categorical_crossentropy", "binary_crossentropy"])
def test_functions_take_options(real, name):
    ours, theirs = getattr(keras.losses, name), getattr(real.losses, name)
    close(
        ours(ONE_HOT, 3 * ROWS[:, :3], True, 0.1),
        theirs(ONE_HOT, 3 * ROWS[:, :3], True, 0.1),
        LOOSE,
    )
    close(keras.losses.huber([[0.0]], [[3.0]], delta=0.5), [0.5 * 3 - 0.125], FLOAT32)
    close(
        keras.metrics.binary_accuracy([[1.0, 0.0]], [[0.4, 0.4]], threshold=0.3),
        [[1.0, 0.0]],
        FLOAT32,
    )


METRICS = {
    name: (y, SIMPLEX)
    for name, y in {
        "BinaryCrossentropy": ONE_HOT, "CategoricalCrossentropy": ONE_HOT, "CategoricalHinge": ONE_HOT, "Hinge": SIGNS,
        "KLDivergence": ONE_HOT, "LogCoshError": ONE_HOT, "MeanAbsoluteError": ONE_HOT, "MeanAbsolutePercentageError": ONE_HOT + 1,
        "MeanSquaredError": ONE_HOT, "MeanSquaredLogarithmicError": ONE_HOT, "Poisson": ONE_HOT, "RootMeanSquaredError": ONE_HOT,
        "SparseCategoricalCrossentropy": ONE_HOT.argmax(-1), "SquaredHinge": SIGNS, "BinaryAccuracy": ONE_HOT,
        "CategoricalAccuracy": ONE_HOT, "SparseCategoricalAccuracy": ONE_HOT.argmax(-1),
    }.items()
}  # fmt: skip


@pytest.mark.parametrize("name", METRICS)
def test_metrics(real, name):
    ours, theirs = getattr(keras.metrics, name)(), getattr(real.metrics, name)()
    assert ours.name == theirs.name
    assert ours.glassnet_metric == getattr(keras.metrics, name)().glassnet_metric
    assert repr(ours) == f"<{name} name={theirs.name}>"
    close(ours(*METRICS[name]), theirs(*METRICS[name]), LOOSE)
    others = [other for other in METRICS if "Accuracy" not in other and other != name]
    assert not any(isinstance(ours, getattr(keras.metrics, other)) for other in others)


SCHEDULES = {
    "CosineDecay": (0.1, 40, 0.1),
    "CosineDecayRestarts": (0.1, 7, 2.0, 0.8, 0.1),
    "ExponentialDecay": (0.1, 10, 0.5, True),
    "InverseTimeDecay": (0.1, 10, 0.5),
    "PiecewiseConstantDecay": ([5, 20], [0.1, 0.01, 0.001]),
    "PolynomialDecay": (0.1, 40, 0.01, 2.0),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules(real, name):
    ours, theirs = (getattr(k.optimizers.schedules, name)(*SCHEDULES[name]) for k in (keras, real))
    close(ours(np.arange(50)), [theirs(step) for step in range(50)], FLOAT32)


def test_periods_of_equal_length(real):
    arguments = 0.1, 7, 1.0, 0.8
    ours, theirs = (k.optimizers.schedules.CosineDecayRestarts(*arguments) for k in (keras, real))
    close(ours(np.arange(30)), [theirs(step) for step in range(30)], FLOAT32)


def test_one_hot_and_length_one(real):
    for labels in ([0, 2, 1], [[0], [2]], [[0, 1], [2, 0]]):
        np.testing.assert_array_equal(
            keras.utils.to_categorical(labels), real.utils.to_categorical(labels)
        )
    np.testing.assert_array_equal(
        keras.utils.to_categorical([1], 3), real.utils.to_categorical([1], 3)
    )
    rows = np.array([[3.0, 4.0], [0.0, 0.0]])
    close(
        keras.utils.normalize(rows, axis=0), [[1, 1], [0, 0]], FLOAT32
    )  # columns (3, 0) and (4, 0); Keras takes axis 0 for -1
    for options in ({}, {"order": 1}):
        close(
            keras.utils.normalize(rows, **options), real.utils.normalize(rows, **options), FLOAT32
        )
    with pytest.raises(
        DataError,
        match=r"to_categorical: expected integers from 0 to 2\. Received: labels=\[3\]\.",
    ):
        keras.utils.to_categorical([0, 3], 3)
    with pytest.raises(
        DataError,
        match=r"to_categorical: expected integers from 0\. Received: labels=\[-1\.5\]\.",
    ):
        keras.utils.to_categorical([-1.5, 1])
    with pytest.raises(
        DataError, match=r"to_categorical: expected labels\. Received: dtype='<U1', n=1\."
    ):
        keras.utils.to_categorical(["a"])
    with pytest.raises(
        ConfigError,
        match=r"to_categorical: expected num_classes to be an int >= 1\. Received: num_classes=0\.",
    ):
        keras.utils.to_categorical([0], 0)


def test_activations_are_the_functions_themselves():
    assert keras.activations.relu is activations.relu
    layer = keras.layers.Dense(1, activation=keras.activations.softmax)
    assert layer.glassnet_layer == gn.layers.Dense(1, activation="softmax")
    assert keras.activations.swish is keras.activations.silu
    assert keras.activations.get("tanh") is activations.tanh


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_data_sets_come_as_kerass_do(name, shared_data):
    """Oracle: Keras's documentation: images (n, 28, 28) and labels (n,), all uint8."""
    (x, y), (x_test, y_test) = getattr(keras.datasets, name).load_data(path="mnist.npz")
    assert {part.dtype for part in (x, y, x_test, y_test)} == {np.dtype(np.uint8)}
    assert (x.shape[1:], y.shape, len(x_test)) == ((28, 28), (len(x),), len(y_test))
