"""`keras.backend`, `keras.config` and `keras.saving`. Oracles: NumPy and Keras's settings."""

import inspect

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ConfigError, ModelFileError
from glassnet.keras import backend as K
from oracles import FLOAT32, close, import_keras

X = np.array([[1.0, -4.0], [9.0, 0.25]], np.float32)


@pytest.mark.parametrize("name", ["max", "mean", "min", "prod", "std", "sum", "var"])
@pytest.mark.parametrize("arguments", [(), (0,), (-1, True)])
def test_reductions(name, arguments):
    """Oracle: NumPy, whose third parameter is another one."""
    names = dict(zip(("axis", "keepdims"), arguments, strict=False))
    want = getattr(np, name)(X, **names)
    got = getattr(K, name)(X.tolist(), *arguments)
    assert np.shape(got) == want.shape
    close(got, want, FLOAT32)


@pytest.mark.parametrize(
    ("code", "want"),
    [
        ("K.sqrt(X)", [[1, 0], [3, 0.5]]),
        ("K.square(X)", [[1, 16], [81, 0.0625]]),
        ("K.clip(X, 0, 1)", [[1, 0], [1, 0.25]]),
        ("K.round(K.clip(X, 0, 1))", [[1, 0], [1, 0]]),
        ("K.cast(X > 0, 'float32')", [[1, 0], [1, 1]]),
        ("K.abs(X)", [[1, 4], [9, 0.25]]),
        ("K.argmax(X)", [0, 0]),
        ("K.argmin(X)", [1, 1]),
        ("K.concatenate([X, X])", [[1, -4, 1, -4], [9, 0.25, 9, 0.25]]),
        ("K.expand_dims(X)", [[[1], [-4]], [[9], [0.25]]]),
        ("K.flatten(X)", [1, -4, 9, 0.25]),
        ("K.relu(X, alpha=0.5)", [[1, -2], [9, 0.25]]),
        ("K.pow(X, 2)", [[1, 16], [81, 0.0625]]),
        ("K.int_shape(X)", [2, 2]),
        ("K.get_value([2.0])", [2]),
        ("K.epsilon()", 1e-7),
    ],
)
def test_functions_of_keras_2(code, want):
    """Oracle: the values, by hand. Keras 2 takes the square root of negative numbers as 0."""
    close(eval(code, {"K": K, "X": X}), want, FLOAT32)


def test_an_old_loss_and_metric_train():
    """Oracle: the squared error of 0 for the target 2 is 4, the root of its mean 2."""

    def squared(y, p):
        return K.mean(K.square(p - y), axis=-1)

    def root(y, p):
        return K.sqrt(K.mean(K.square(p - y), axis=-1))

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    model.compile("sgd", squared, metrics=[root])
    assert model.evaluate(np.ones((2, 1)), np.full((2, 1), 2.0), verbose=0) == [4.0, 2.0]
    K.set_value(model.optimizer.learning_rate, 0.5)
    assert K.get_value(model.optimizer.learning_rate) == 0.5


def test_settings_are_those_of_keras():
    real = import_keras()
    for name in ("backend", "epsilon", "floatx", "image_data_format"):
        value = getattr(real.config, name)()
        assert getattr(keras.config, name)() == getattr(keras.backend, name)() == value
        if name != "backend":
            getattr(keras.config, f"set_{name}")(value)
            theirs = inspect.signature(getattr(real.config, f"set_{name}"))
            assert [*inspect.signature(getattr(K, f"set_{name}")).parameters] == [
                *theirs.parameters
            ]
    keras.config.disable_interactive_logging()


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("floatx", "float64", r"set_floatx: expected 'float32' \(no other .* with NumPy\."),
        ("epsilon", 1e-3, r"set_epsilon: expected 1e-07 \(no other value is supported\)"),
        ("image_data_format", "channels_first", r"write np\.moveaxis\(x, 1, -1\)\."),
    ],
)
def test_other_settings_are_refused(setting, value, words):
    with pytest.raises(ConfigError, match=words):
        getattr(keras.config, f"set_{setting}")(value)


def test_save_model_writes_what_load_model_reads(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(X, np.ones((2, 1)), verbose=0)
    path = tmp_path / "model.keras"
    keras.models.save_model(model, path)
    close(keras.saving.load_model(path).get_weights()[0], model.get_weights()[0], 0)
    keras.saving.save_model(model, path)
    with pytest.raises(ConfigError, match=r"save: expected a new file\. .*overwrite=True"):
        keras.models.save_model(model, path, overwrite=False)


@pytest.fixture
def registered():
    """The dict of custom objects, which is empty after the test."""
    objects = keras.utils.get_custom_objects()
    yield objects
    objects.clear()


def make_custom(tmp_path):
    """Return the file of a model with an activation of its own, and the activation."""

    def halve(x):
        return x / 2

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation=halve)])
    model.save(tmp_path / "model.keras")
    return tmp_path / "model.keras", halve


def test_a_registered_function_is_found_by_load_model(registered, tmp_path):
    path, halve = make_custom(tmp_path)
    with pytest.raises(ModelFileError, match=r"custom_objects=\{'halve'"):
        keras.models.load_model(path)
    assert keras.utils.register_keras_serializable("lab")(halve) is halve
    assert registered == {"halve": halve}
    assert keras.saving.load_model(path).count_params() == 3


def test_custom_objects_of_a_scope(registered, tmp_path):
    path, halve = make_custom(tmp_path)
    with keras.utils.custom_object_scope({"halve": halve}):
        assert keras.models.load_model(path).count_params() == 3
        keras.saving.register_keras_serializable(name="Half")(halve)
        assert list(keras.saving.get_custom_objects()) == ["halve", "Half"]
    assert registered == {}
    registered["halve"] = None
    assert keras.models.load_model(path, {"halve": halve}).count_params() == 3
    with pytest.raises(ConfigError, match="a dict of classes and functions by name"):
        keras.utils.custom_object_scope([halve])


def test_parameters_of_register_keras_serializable():
    theirs = inspect.signature(import_keras().saving.register_keras_serializable)
    ours = inspect.signature(keras.saving.register_keras_serializable)
    assert [*ours.parameters] == [*theirs.parameters]
