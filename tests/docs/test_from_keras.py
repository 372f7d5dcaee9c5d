"""docs/from-keras.md: each row is run in Keras and in Glassnet. Oracle: Keras on JAX."""

import ast
import importlib
import re
from functools import partial

import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
import pages
from glassnet import keras
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
    "initializers",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "utils",
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
    """The page leaves out functions and short names of losses and metrics."""
    is_complete = module in ("activations", "datasets", "ops", "optimizers", "utils")
    short = {name.upper() for name in SHORT_NAMES}
    exported = importlib.import_module(f"glassnet.keras.{module}").__all__
    assert names.split() == sorted(
        name for name in exported if is_complete or (name[0].isupper() and name not in short)
    )


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


COUNTS = {"Change the import": 12, "The main differences": 7, "Available names": 12, "The same layers": 17, "The same layers on images": 6,
          "The same starting weights": 6, "The same training": 17,
          "The same numbers": 23, "The same model": 21, "What differs, and why": 21, "What is refused, and what to write": 50,
          "Not yet": 1}  # fmt: skip
REMEDIES = {
    "validation_split=0.25": "validation_split=0.25, validation_from='end'",
    "patience=2": "patience=2, restore_best_weights=False",
}
REMEDIES |= {"Precision()": "Precision(thresholds=0.5)"}


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
    error = ImportError if code.startswith("from") else AttributeError
    with pytest.raises(error, match=re.escape(words)):
        after_setup(keras, code)


def test_the_tables_are_found():
    headings = re.findall(r"^## (.*)", PAGE, re.MULTILINE)
    assert {heading: len(table(heading)) for heading in headings} == COUNTS
