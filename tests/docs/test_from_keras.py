"""docs/from-keras.md: each row is run in Keras and in Glassnet. Oracle: Keras on JAX."""

import ast
import contextlib
import functools
import importlib
import inspect
import re
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
import pages
from glassnet import keras
from glassnet.datasets import downloads
from glassnet.errors import GlassnetError
from glassnet.keras.losses import SHORT_NAMES
from oracles import EXACT, LOOSE, close, import_keras

table = partial(pages.table, "from-keras.md")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 4)).astype(np.float32)
Y = np.arange(16) % 3
P = RNG.dirichlet(np.ones(3), 16).astype(np.float32)
Z = RNG.normal(size=(16, 3)).astype(np.float32)
VALUES = {"np": np, "jnp": jnp, "x": X, "y": Y, "t": np.eye(3, dtype=np.float32)[Y], "p": P, "z": Z}
MODULES = (
    "activations",
    "callbacks",
    "constraints",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "utils",
)
HAS_GET = (
    "activations",
    "constraints",
    "initializers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
)
IN_ORDER = {"batch_size": 4, "epochs": 4, "shuffle": False, "verbose": 0}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings(
        "ignore:Do not pass an .input_shape.", "ignore:__array__ implementation:DeprecationWarning"
    ),
]
"""Warnings of Keras."""


@pytest.fixture(scope="module")
def real():
    return import_keras()


def run(code, names):
    """Run `code` and return the value of its last line, or None if that is a statement."""
    *lines, last = ast.parse(code).body
    is_value = isinstance(last, ast.Expr)
    exec(compile(ast.Module([*lines, *[last] * (not is_value)], []), code, "exec"), names)
    return eval(compile(ast.Expression(last.value), code, "eval"), names) if is_value else None


def three_values(real, theirs, ours, variables=({}, {}, {})):
    """Return a row's values in Keras, in `glassnet.keras` and in Glassnet's own API."""
    modules = [{name: getattr(k, name) for name in MODULES} for k in (real, keras)]
    modules.append({name: getattr(gn, name) for name in gn.__all__})
    return [
        run(code, VALUES | names | more)
        for code, names, more in zip((theirs, theirs, ours), modules, variables, strict=True)
    ]


def three_models(real, *layers, size=4):
    """Return a model of Keras, one of `glassnet.keras` and one of Glassnet.

    Each of `layers` is three layers, or a function that makes one from a module of layers.
    """
    real.utils.set_random_seed(0)  # the weights of Keras's model, which the others get
    models = []
    for i, k in enumerate((real, keras, gn)):
        first = gn.layers.Input(size) if k is gn else k.Input((size,))
        others = (layer(k.layers) if callable(layer) else layer[i] for layer in layers)
        models.append(k.Sequential([first, *others]))
    return models


def set_same_weights(models):
    for model in models[1:]:
        model.set_weights(models[0].get_weights())


def check_same_fit(models, fit, tolerance):
    """Fit all models and check that losses, predictions and weights agree."""
    set_same_weights(models)
    theirs, *ours = [fit(model, i) for i, model in enumerate(models)]
    for model, history in zip(models[1:], ours, strict=True):
        close(history.history["loss"], theirs.history["loss"], tolerance)
        close(model.predict(X), models[0].predict(X, verbose=0), tolerance)
        for got, want in zip(model.get_weights(), models[0].get_weights(), strict=True):
            close(got, want, tolerance)


@pytest.mark.parametrize(("theirs", "ours"), table("Change the import"))
def test_imports(real, theirs, ours):
    """`tensorflow.keras` stands for Keras in the left column."""
    theirs = theirs.replace("from tensorflow import keras", "import keras")
    namespaces = {}, {}
    exec(theirs.replace("tensorflow.keras", "keras"), namespaces[0])
    exec(ours, namespaces[1])
    assert namespaces[0].keys() == namespaces[1].keys()
    assert len(namespaces[1]) > 1


@pytest.mark.parametrize(("module", "names"), table("Available names"))
def test_names(module, names):
    """The page leaves out functions, short names of losses and metrics, and refused layers."""
    is_complete = module.partition(".")[0] in (
        "activations",
        "config",
        "data",
        "datasets",
        "ops",
        "optimizers",
        "preprocessing",
        "random",
        "saving",
        "utils",
    )
    assert (module in HAS_GET) == (
        "get" in importlib.import_module(f"glassnet.keras.{module}").__all__
    )
    short = {name.upper() for name in SHORT_NAMES}
    exported = importlib.import_module(f"glassnet.keras.{module}").__all__
    exported = [name for name in exported if name not in keras.layers.UNSUPPORTED]
    assert names.split() == sorted(
        name for name in exported if is_complete or (name[0].isupper() and name not in short)
    )


def signature(part):
    """Return (parameter, default) pairs without those of targets and predictions."""
    part = getattr(part, "alias", part)
    parameters = inspect.signature(part).parameters.values()
    named = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    return [(p.name, p.default) for p in named if p.name not in ("y_true", "y_pred")]


def same_default(ours, theirs):
    if isinstance(theirs, str):  # an object for a name of Keras, another name of the same part
        names = {"uniform": "randomuniform"}
        theirs, ours = theirs.lower().replace("_", ""), str(ours).lower().replace("_", "")
        return names.get(theirs, theirs) == ours.partition("(")[0]
    return ours == theirs


OTHER_DEFAULTS = [
    ("EarlyStopping", "restore_best_weights"),
    ("RandomBrightness", "value_range"),
    ("RandomContrast", "value_range"),
    ("AUC", "from_logits"),
]
"""The defaults that the page names as different. Of ignored parameters, the default is None."""
BASES = (
    "Callback Constraint Initializer Layer LearningRateSchedule Loss Metric Optimizer Regularizer"
)
SIGNATURES = [
    (module, name)
    for module in (*MODULES, "optimizers.schedules")
    for name in importlib.import_module(f"glassnet.keras.{module}").__all__
    if name
    not in (
        *BASES.split(),
        *keras.layers.UNSUPPORTED,
        "PyDataset",
        "Sequence",
        "legacy",
        "schedules",
    )
    and name.lower() not in SHORT_NAMES
]


@pytest.mark.parametrize(("module", "name"), SIGNATURES, ids=".".join)
def test_parameters_have_the_order_and_the_defaults_of_keras(real, module, name):
    ours = importlib.import_module(f"glassnet.keras.{module}")
    theirs = functools.reduce(getattr, module.split("."), real)
    part, wanted = getattr(ours, name), signature(getattr(theirs, name))
    got = signature(part)[: len(wanted)]
    assert [name for name, _ in got] == [name for name, _ in wanted]
    rules = getattr(getattr(part, "alias", part), "parameter_rules", {})
    for (parameter, ours_default), (_, default) in zip(got, wanted, strict=True):
        is_ignored = rules.get(parameter) == "~" or parameter == "name"
        if not is_ignored and (name, parameter) not in OTHER_DEFAULTS:
            assert same_default(ours_default, default), parameter


def test_the_other_defaults_are_on_the_page():
    text = PAGE[PAGE.index("These defaults differ:") :].partition("\n\n")[0]
    for name, parameter in OTHER_DEFAULTS:
        assert f"`{name}`" in text
        assert f"`{parameter}`" in text or name in ("EarlyStopping", "AUC")


def test_a_model_has_the_methods_and_arguments_of_glassnet():
    public = {name for name in dir(gn.Sequential) if name[0] != "_"}
    # gn.selection uses the gn.Sequential that a model with Keras's layout holds.
    public -= {"get_settings", "describe_setup", "resolve_setup", "make_trained_copy"}
    # Layers of Keras share the weights of that model. model(x, training=True) predicts.
    public -= {"set_build_hook", "set_layers", "weight_paths", "weight_trees", "compute_penalties"}
    public -= {"get_weights_at", "set_weights_at", "get_link_weights", "set_link_weights"}
    public -= {"get_link_shape", "resolve_metrics", "predict_in_training"}
    assert public <= set(dir(keras.Sequential))
    model = after_setup(keras, "line()")
    options = inspect.signature(gn.Sequential.fit).parameters
    assert {"target", "observe", "resume", "validation_from"} <= set(options)
    assert model.fit(X[:, :1], X[:, 1:2], observe=False, validation_from="end", verbose=0)


STRINGS = {
    "losses": [name for name in keras.losses.__all__ if name not in ("Loss", "get")],
    "metrics": [
        name
        for name in keras.metrics.__all__
        if name not in ("Metric", "get", "MeanMetricWrapper") and "IoU" not in name
    ],
    "optimizers": [name for name in keras.optimizers.__all__ if name[0].isupper()],
}


@pytest.mark.parametrize("module", STRINGS)
def test_all_strings_of_keras_work(real, module):
    """A string that Keras knows is accepted by `compile` if the class of that name is here."""
    known = [name for name in STRINGS[module] if name != "Optimizer"]
    assert len(known) > 7
    for name in known:
        part = getattr(keras, module).get(name)
        assert part is not None
        with contextlib.suppress(ValueError):  # Keras finds most functions only in lower case
            assert getattr(real, module).get(name) is not None


def test_arguments_that_are_accepted_and_ignored():
    model = after_setup(keras, "line()")
    model.compile("sgd", "mse", run_eagerly=True, jit_compile=False, steps_per_execution=4)
    scores = [model.evaluate(X[:, :1], X[:, 1:2], verbose=0, batch_size=size) for size in (3, 16)]
    close(scores[0], scores[1])
    predictions = [model.predict(X[:, :1], batch_size=size, verbose=0) for size in (3, 16)]
    close(predictions[0], predictions[1])
    assert keras.losses.MeanSquaredError(name="own") == keras.losses.MeanSquaredError()
    assert keras.initializers.HeNormal(seed=3) == keras.initializers.HeNormal()
    layer = keras.layers.LSTM(2, unroll=True, use_cudnn=False)
    assert layer.glassnet_layer == gn.layers.LSTM(2)
    assert keras.callbacks.EarlyStopping(verbose=1).patience == 0


def test_the_names_of_all_modules_are_listed():
    assert {module.partition(".")[0] for module, _ in table("Available names")} == set(
        keras.MODULES
    ) - {"backend", "models"}


@pytest.mark.parametrize(("theirs", "ours"), table("The same layers"))
def test_layers(real, theirs, ours):
    """Each layer follows a Dense layer, which trains through it on the squared error."""
    models = three_models(real, lambda layers: layers.Dense(4), three_values(real, theirs, ours))
    target = np.ones((16, *models[0].output_shape[1:]))
    for model in models:
        model.compile("sgd", "mse")
    check_same_fit(models, lambda model, i: model.fit(X, target, **IN_ORDER), LOOSE)
    assert len(set(models[1].history.history["loss"])) == 4


@pytest.mark.parametrize(("theirs", "ours"), table("The same layers on images"))
def test_layers_on_images(real, theirs, ours):
    models = three_models(
        real,
        lambda layers: layers.Dense(32),
        lambda layers: layers.Reshape((4, 4, 2)),
        three_values(real, theirs, ours),
    )
    target = np.ones((16, *models[0].output_shape[1:]))
    for model in models:
        model.compile("sgd", "mse")
    check_same_fit(models, lambda model, i: model.fit(X, target, **IN_ORDER), LOOSE)


@pytest.mark.parametrize(("theirs", "ours"), table("The same starting weights"))
def test_starting_weights(real, theirs, ours):
    """Oracle: statistics of the initial weights, which differ between the libraries by their seeds.

    For 400 x 300 numbers, the standard error of the mean is 0.003 standard deviations, that of
    the standard deviation is 0.2 %, and that of the 99.9 % quantile of a normal distribution is
    0.8 %. The tolerances are seven times as large or larger.
    """
    real.utils.set_random_seed(0)
    keras.utils.set_random_seed(0)
    first, *others = [
        model.get_weights()[0]
        for model in three_models(real, three_values(real, theirs, ours), size=400)
    ]
    for kernel in others:
        assert abs(kernel.mean() - first.mean()) <= 0.02 * first.std()
        assert abs(kernel.std() - first.std()) <= 0.02 * first.std()
        tails = [np.quantile(abs(weights), 0.999) for weights in (kernel, first)]
        assert tails[0] == pytest.approx(tails[1], rel=0.06)


@pytest.mark.parametrize(("theirs", "ours"), table("The same training"))
def test_training(real, theirs, ours):
    models, parts = (
        three_models(real, lambda layers: layers.Dense(3, "tanh")),
        three_values(real, theirs, ours),
    )
    optimizers = (
        [k.optimizers.SGD(0.1) for k in (real, keras, gn)] if "callbacks." in theirs else parts
    )
    callbacks = [[part] for part in parts] if "callbacks." in theirs else [[], [], []]
    for model, optimizer in zip(models, optimizers, strict=True):
        model.compile(optimizer, "mse")
    check_same_fit(
        models,
        lambda model, i: model.fit(X, VALUES["t"], callbacks=callbacks[i], **IN_ORDER),
        LOOSE,
    )
    assert models[0].history.epoch == models[1].history.epoch == models[2].history.epoch


@pytest.mark.parametrize(("theirs", "ours"), table("The same numbers"))
def test_numbers(real, theirs, ours):
    expected, *values = three_values(real, theirs, ours)
    for value in values:
        close(value, expected, LOOSE)


@pytest.fixture(scope="module")
def fitted(real):
    models = three_models(
        real, lambda layers: layers.Dense(5, "relu"), lambda layers: layers.Dense(3, "softmax")
    )
    set_same_weights(models)
    histories = []
    for model in models:
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        histories.append(model.fit(X, Y, validation_data=(X, Y), **IN_ORDER | {"epochs": 3}))
    return models, histories, [model.get_weights() for model in models]


@pytest.mark.parametrize(("theirs", "ours"), table("The same model"))
def test_model(real, fitted, theirs, ours):
    models, histories, weights = fitted
    for model, arrays in zip(models, weights, strict=True):
        model.set_weights(arrays)
    models[0].optimizer.learning_rate = models[1].learning_rate = models[2].learning_rate = 0.01
    variables = [
        {"model": model, "history": history}
        for model, history in zip(models, histories, strict=True)
    ]
    expected, *values = three_values(real, theirs, ours, variables)
    for value in values:
        if np.asarray(expected).dtype.kind in "if":
            close(value, expected, LOOSE)
        else:
            np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_data_sets(name, shared_data):
    """`load_data()` returns the data of `gn.datasets.load`; only the labels' type differs."""
    for theirs, ours in zip(
        getattr(keras.datasets, name).load_data(), gn.datasets.load(name), strict=True
    ):
        assert theirs[0].dtype == ours[0].dtype == np.uint8
        close(theirs[0], ours[0], EXACT)
        close(theirs[1].ravel(), ours[1], EXACT)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        (name.strip("`"), size)
        for name, _, size, _ in pages.cells("from-keras.md", "Datasets and downloads")
    ],
)
def test_sizes_of_downloads(name, size):
    """Oracle: the sizes with which the files are verified."""
    files = downloads.FILES[name.replace("_", "-").replace("cifar", "cifar-")].values()
    sizes = [file.size / 1e6 for file in files]
    sizes = [sum(sizes)] if "mnist" in name else sizes
    assert [float(number) for number in re.findall(r"[\d.]+", size)] == [
        round(number, 0 if number >= 2 else 1) for number in sizes
    ]


def test_all_datasets_are_described():
    assert [name for name, *_ in table("Datasets and downloads")] == sorted(keras.datasets.__all__)


PAGE = (pages.DOCS / "from-keras.md").read_text(encoding="utf-8")
SETUP = re.search(r"```python\n(x, y = .*?)```", PAGE, re.DOTALL)[1]


def after_setup(k, code):
    names = {"np": np, "keras": k}
    exec(SETUP, names)
    return run(code, names)


def check_result(k, code, expected):
    """Check that `code` returns the expected value or raises the expected error.

    An error is written as its class and a part of its message, `ValueError: message`.
    """
    if error := re.match(r"(\w+Error): (.*)", expected):
        with pytest.raises(Exception, match=re.escape(error[2])) as raised:
            after_setup(k, code)
        assert type(raised.value).__name__ == error[1]
    else:
        assert after_setup(k, code) == eval(expected)


@pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")
@pytest.mark.parametrize(("code", "theirs", "ours", "why"), table("What differs, and why"))
def test_differences(real, code, theirs, ours, why):
    """Keras counts the names of layers per process, so each row clears the count."""
    assert theirs != ours
    real.backend.clear_session()
    check_result(real, code, theirs)
    check_result(keras, code, ours)


COUNTS = {"The main differences": 7,
          "Change the import": 13,
          "Available names": 22,
          "The same layers": 23,
          "The same layers on images": 14,
          "The same starting weights": 7,
          "The same training": 17,
          "The same numbers": 32,
          "The same model": 21,
          "Datasets and downloads": 8,
          "Datasets of batches": 4,
          "What differs, and why": 19,
          "What is refused, and what to write": 55,
          "Not yet": 2}  # fmt: skip
REMEDIES = {
    "validation_split=0.25": "validation_split=0.25, validation_from='end'",
    "patience=2": "patience=2, restore_best_weights=False",
}


@pytest.mark.parametrize("part", REMEDIES)
def test_arguments_that_restore_the_behaviour_of_keras(part):
    """With the argument named as the reason, the row's code returns Keras's value in Glassnet."""
    [(code, theirs, _, why)] = [row for row in table("What differs, and why") if part in row[0]]
    assert why.replace('"', "'") in REMEDIES[part]
    check_result(keras, code.replace(part, REMEDIES[part]), theirs)


def test_evaluate_and_predict_print_nothing(capsys):
    names = {"model": after_setup(keras, "line()")}
    run("model.evaluate([[1.0]], [1.0]); model.predict([[1.0]])", names)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("code", "words"), table("What is refused, and what to write"))
def test_refused(code, words):
    with pytest.raises(GlassnetError, match=re.escape(words)):
        after_setup(keras, code)


@pytest.mark.parametrize(("code", "words"), table("Not yet"))
def test_not_yet(code, words):
    with pytest.raises(ImportError, match=re.escape(words)):
        after_setup(keras, code)


def test_the_tables_are_found():
    headings = re.findall(r"^## (.*)", PAGE, re.MULTILINE)
    headings.remove("Keras's public names")  # test_keras_api.py writes it
    headings.remove("Layers and models")
    assert {heading: len(table(heading)) for heading in headings} == COUNTS
