"""Every alias has the parameters, the order and the defaults of the name in Keras.

Oracle: the signatures of Keras itself.
"""

import ast
import contextlib
import importlib
import inspect
from types import ModuleType

import numpy as np
import pytest

from glassnet import keras
from glassnet.errors import ConfigError, GlassnetError
from glassnet.keras.compat import FunctionAlias, KerasAlias, Unsupported
from oracles import import_keras

NAMES = ("activations", "callbacks", "initializers", "layers", "losses", "metrics", "models", "optimizers", "optimizers.schedules",
         "regularizers")  # fmt: skip
MODULES = {name: importlib.import_module(f"glassnet.keras.{name}") for name in NAMES}
EXPORTS = {
    (name, export): getattr(module, export)
    for name, module in MODULES.items()
    for export in module.__all__
}
ALIASES = {key: value for key, value in EXPORTS.items() if isinstance(value, KerasAlias)}
FUNCTIONS = {key: value for key, value in EXPORTS.items() if isinstance(value, FunctionAlias)}
SHORT = {
    name
    for short in ("bce", "kld", "mae", "mape", "mse", "msle")
    for name in (short, short.upper())
}
"""Names of older versions of Keras, which are still valid strings."""

RECURRENT = {"zero_output_for_mask", "implementation"}
OLD = {
    ("layers", "InputLayer"): {"input_shape"},
    ("layers", "LeakyReLU"): {"alpha"},
    ("layers", "Embedding"): {"input_length"},
}
OLD |= {
    ("layers", "SimpleRNN"): RECURRENT,
    ("layers", "LSTM"): RECURRENT,
    ("layers", "GRU"): RECURRENT,
}
OLD |= {
    (module, name): {"lr", "decay"}
    for module in ("optimizers",)
    for name in [
        "SGD",
        "Adadelta",
        "Adagrad",
        "Adam",
        "AdamW",
        "Adamax",
        "Lion",
        "Nadam",
        "RMSprop",
    ]
}
"""Parameters of older versions, and those that Keras accepts without listing them."""

EVERY_LAYER = ["activity_regularizer", "trainable", "dtype", "autocast", "name"]
SHAPES = ["input_shape", "input_dim", "batch_input_shape", "batch_shape"]
DIFFERENT = {
    ("layers", "RandomBrightness"): {"value_range": None},
    ("layers", "RandomContrast"): {"value_range": None},
    ("callbacks", "EarlyStopping"): {"restore_best_weights": True},
    ("layers", "Embedding"): {"embeddings_initializer": "random_uniform"},
    ("metrics", "AUC"): {"from_logits": None, "name": "auc"},
    ("metrics", "FalseNegatives"): {"name": "false_negatives"},
    ("metrics", "FalsePositives"): {"name": "false_positives"},
    ("metrics", "Precision"): {"name": "precision"},
    ("metrics", "Recall"): {"name": "recall"},
    ("metrics", "TrueNegatives"): {"name": "true_negatives"},
    ("metrics", "TruePositives"): {"name": "true_positives"},
}
"""Defaults that differ from Keras's.

The metric names are those of the first such metric in a Keras process. "uniform" is another name
for "random_uniform".
"""

NEEDED = {
    "factor": 0.2, "height": 3, "width": 3, "height_factor": 0.2, "width_factor": 0.2,
    "activation": "relu", "boundaries": [10, 20], "cell": keras.layers.GRUCell(3), "cells": [keras.layers.GRUCell(3)], "decay_rate": 0.5, "decay_steps": 10, "dims": (2, 1), "filename": "log.csv",
    "filepath": "best.glassnet", "first_decay_steps": 10, "filters": 3, "function": np.tanh, "initial_learning_rate": 0.1, "input_dim": 5, "kernel_size": 2,
    "layer": keras.layers.LSTM(3), "n": 3, "num_classes": 3, "target_class_ids": [1], "output_dim": 3, "pool_size": 2, "rate": 0.5, "schedule": lambda epoch, rate: rate, "scale": 2.0,
    "shape": (3,), "stddev": 0.1, "target_shape": (3,), "units": 3, "values": [0.1, 0.01, 0.001],
}  # fmt: skip
"""Values for parameters without a default in Keras."""


@pytest.fixture(scope="module")
def real():
    return import_keras()


def named(keys):
    return pytest.mark.parametrize("key", keys, ids=".".join)


def counterpart(real, key):
    path, name = key
    module = real
    for part in path.split("."):
        module = getattr(module, part)
    return getattr(module, name)


def parameters(real, key):
    """Return Keras's parameters, name to default, and its keyword-only parameters."""
    signature = inspect.signature(counterpart(real, key)).parameters
    plain = {
        name: one.default
        for name, one in signature.items()
        if one.kind is one.POSITIONAL_OR_KEYWORD
    }
    layer = key[0] == "layers" and key[1] != "InputLayer" and "kwargs" in signature
    more = dict.fromkeys(EVERY_LAYER) | {"trainable": True, "autocast": True} if layer else {}
    return plain, {name: default for name, default in more.items() if name not in plain}


def make(key, **arguments):
    """Make the alias's object from its required parameters and `arguments`."""
    needed = {
        name: NEEDED[name]
        for name, one in ALIASES[key].__signature__.parameters.items()
        if one.default is one.empty or name in ("shape", "target_shape")
    }
    return ALIASES[key](**needed | arguments)


@pytest.mark.parametrize("module", NAMES)
def test_no_import_stands_in_front_of_a_row(module):
    """A global of that name would hide the entry of the table."""
    for name in MODULES[module].__all__:
        assert name in (
            "Callback",
            "get",
            "threshold",
            "clone_model",
            "Sequential",
            "legacy",
            "load_model",
            "save_model",
            "schedules",
        ) or name not in vars(MODULES[module])


def test_the_tables_are_found():
    assert len(ALIASES) > 100
    assert len(FUNCTIONS) > 25


@named(EXPORTS)
def test_keras_has_the_name(real, key):
    assert key[1] in SHORT or counterpart(real, key) is not None or key[1] == "legacy"


@named(ALIASES)
def test_parameters_and_their_order_are_kerass(real, key):
    plain, by_name = parameters(real, key)
    ours = ALIASES[key].__signature__.parameters
    first = [name for name, one in ours.items() if one.kind is one.POSITIONAL_OR_KEYWORD]
    assert first == list(plain)
    extra = OLD.get(key, set()) | set(
        SHAPES if key[0] == "layers" and key[1] not in ("Input", "InputLayer") else ()
    )
    assert {name for name in ours if name not in first} == set(by_name) | (extra - set(first))


@named(ALIASES)
def test_defaults_are_kerass_or_said_to_differ(real, key):
    plain, by_name = parameters(real, key)
    alias, different = ALIASES[key], {}
    for name, default in (plain | by_name).items():
        ours = alias.__signature__.parameters[name].default
        is_equal = ours == default or str(ours).lower() == str(default).lower()
        if (
            default is not inspect.Parameter.empty
            and alias.parameter_rules[name] != "~"
            and not is_equal
        ):
            different[name] = ours
    assert different == DIFFERENT.get(key, {})


@named(ALIASES)
def test_kerass_own_defaults_are_taken(real, key, tmp_path, monkeypatch):
    """Keras's defaults can be passed explicitly, and `isinstance` works with the result."""
    pytest.importorskip("tensorboardX") if key[1] == "TensorBoard" else None
    plain, by_name = parameters(real, key)
    defaults = {
        name: default
        for name, default in (plain | by_name).items()
        if default is not inspect.Parameter.empty
    }
    defaults.pop("shape", None)
    monkeypatch.chdir(tmp_path)
    value = make(key, **defaults)
    assert isinstance(value, ALIASES[key])
    assert not isinstance(3, ALIASES[key])


RULES = [
    (key, name, rule)
    for key, alias in ALIASES.items()
    for name, rule in alias.parameter_rules.items()
]


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, name, rule in RULES if rule[0] == "="], ids=str
)
def test_what_is_taken_at_one_value_is_refused_at_others(key, name):
    for value in ALIASES[key].parameter_rules[name][1:].split("|"):
        make(key, **{name: ast.literal_eval(value)})
    with pytest.raises(
        ConfigError,
        match=rf"{key[1]}: expected {name}=.*\(no other value is supported\)\. Received: {name}=",
    ):
        make(key, **{name: "another"})


def test_what_everything_is_may_be_said():
    layers = keras.layers
    for layer, same in (
        (layers.Dense(3, dtype="float32"), layers.Dense(3)),
        (layers.Conv2D(3, 2, padding="SAME"), layers.Conv2D(3, 2, padding="same")),
        (layers.InputLayer((3,), dtype="float32"), layers.InputLayer((3,))),
    ):
        assert layer.glassnet_layer == same.glassnet_layer
    assert keras.losses.Hinge("auto", "any name", "float32") == keras.losses.Hinge()
    hinge = keras.metrics.Hinge("hinge", "float32")
    assert hinge.glassnet_metric == keras.metrics.Hinge().glassnet_metric


@pytest.mark.parametrize(
    ("key", "name"), [(key, name) for key, name, rule in RULES if rule[0] == ">"], ids=str
)
@pytest.mark.filterwarnings("ignore:.*argument of Keras 2", "ignore:TensorBoard|ModelCheckpoint")
def test_what_is_handed_on_is_taken_or_refused_in_the_houses_words(key, name):
    for value in ("nonsense", -1.5, None, [1, 2]):
        with contextlib.suppress(GlassnetError):
            make(key, **{name: value})


@named(ALIASES)
def test_unknown_parameters_are_refused(key):
    with pytest.raises(
        ConfigError,
        match=rf"{key[1]}: expected Keras's parameters: .*Received: colour='red'",
    ):
        make(key, colour="red")
    with pytest.raises(ConfigError, match="too many positional arguments"):
        ALIASES[key](*range(30))


@named(ALIASES)
def test_what_is_needed_is_asked_for(key):
    needed = [
        name
        for name, one in ALIASES[key].__signature__.parameters.items()
        if one.default is one.empty
    ]
    if needed:
        with pytest.raises(ConfigError, match=f"missing a required argument: '{needed[0]}'"):
            ALIASES[key]()


@named(FUNCTIONS)
def test_functions_take_kerass_parameters(real, key):
    if key[1] not in SHORT:
        theirs = inspect.signature(counterpart(real, key)).parameters
        assert ["y_true", "y_pred", *FUNCTIONS[key].alias.__signature__.parameters] == list(theirs)


@pytest.mark.parametrize("module", [name for name in NAMES if name != "models"])
def test_what_keras_has_and_we_lack_says_so(real, module):
    theirs = (
        counterpart(real, (module.rpartition(".")[0], module.rpartition(".")[2]))
        if "." in module
        else getattr(real, module)
    )
    for name in dir(theirs):
        if not name.startswith("_") and name not in MODULES[module].__all__:
            missing = getattr(MODULES[module], name)
            if isinstance(missing, ModuleType):
                continue
            with pytest.raises(
                ImportError,
                match=rf"keras.{module}: expected a name that Glassnet has \(yet\)\. Received: name='{name}'",
            ):
                missing()


def test_a_missing_name_tells_of_its_neighbours():
    with pytest.raises(
        ImportError, match=r"Received: name='GaussianDrop'\. Similar names: GaussianDropout"
    ):
        _ = keras.layers.GaussianDrop
    with pytest.raises(
        ImportError, match=r"Received: name='xyz'\. Available: activations, backend"
    ):
        from glassnet.keras import xyz  # noqa: F401
    with pytest.raises(
        AttributeError, match=r"module 'glassnet\.keras\.layers' has no attribute '_hidden'"
    ):
        _ = keras.layers._hidden


def test_bases_are_what_isinstance_asks_about():
    """If a module has a base class, all its objects are instances of it."""
    bases = {"layers": "Layer", "losses": "Loss", "metrics": "Metric", "optimizers": "Optimizer", "initializers": "Initializer",
             "regularizers": "Regularizer", "optimizers.schedules": "LearningRateSchedule"}  # fmt: skip
    for key in ALIASES:
        if key[0] in bases and key != ("layers", "Input"):
            base = getattr(MODULES[key[0]], bases[key[0]])
            assert isinstance(base, type | Unsupported)
            assert isinstance(make(key), base)
