"""Misspelt arguments, attributes and names: the error names the nearest one."""

import copy
import inspect
import pickle
import subprocess
import sys
import traceback

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ArgumentError, ConfigError, MissingError
from glassnet.suggestions import suggest_arguments, suggest_names

PACKAGES = [
    "activations",
    "callbacks",
    "data",
    "datasets",
    "errors",
    "estimators",
    "initializers",
    "keras",
    "layers",
    "losses",
    "metrics",
    "optimizers",
    "regularizers",
    "schedules",
    "testing",
]


def make_model(module=gn):
    model = module.Sequential([module.layers.Dense(1)])
    model.compile("sgd", "mean_squared_error")
    return model


def fit():
    model = make_model()
    return model, model.fit([[1.0], [2.0]], [1.0, 2.0], verbose=0)


@pytest.mark.parametrize(
    ("call", "who", "misspelt", "nearest"),
    [
        (lambda: gn.layers.Dense(3, activaton="relu"), "Dense", "activaton", "activation"),
        (lambda: gn.layers.Conv2D(3, kernal_size=3), "Conv2D", "kernal_size", "kernel_size"),
        (lambda: gn.layers.LSTM(3, return_sequence=True), "LSTM", "return_sequence", "return_sequences"),
        (lambda: gn.optimizers.Adam(learning_rat=1), "Adam", "learning_rat", "learning_rate"),
        (lambda: gn.optimizers.SGD(momentun=1), "SGD", "momentun", "momentum"),
        (lambda: gn.losses.Huber(delt=1), "Huber", "delt", "delta"),
        (lambda: gn.metrics.F1Score(averge="macro"), "F1Score", "averge", "average"),
        (lambda: gn.callbacks.EarlyStopping(patiance=1), "EarlyStopping", "patiance", "patience"),
        (lambda: gn.initializers.RandomNormal(stdev=1), "RandomNormal", "stdev", "stddev"),
        (lambda: gn.schedules.CosineDecay(0.1, decay_step=1), "CosineDecay", "decay_step", "decay_steps"),
        (lambda: gn.regularizers.L1L2(l1=1, l_2=1), "L1L2", "l_2", "l2"),
        (lambda: gn.estimators.NeuralClassifier(max_iters=3), "NeuralClassifier", "max_iters", "max_iter"),
        (lambda: gn.Sequential([], sed=0), "Sequential", "sed", "seed"),
        (lambda: make_model().fit([[1.0]], [1.0], epoch=2), "fit", "epoch", "epochs"),
        (lambda: make_model().compile(optimiser="sgd"), "compile", "optimiser", "optimizer"),
        (lambda: make_model().predict([[1.0]], batchsize=2), "predict", "batchsize", "batch_size"),
        (lambda: make_model().evaluate([[1.0]], [1.0], verbos=0), "evaluate", "verbos", "verbose"),
        (lambda: make_model(gn.keras).fit([[1.0]], [1.0], epoch=2), "fit", "epoch", "epochs"),
        (lambda: make_model(gn.keras).compile(optimiser="sgd"), "compile", "optimiser", "optimizer"),
        (lambda: gn.load("m.glassnet", pth=1), "load", "pth", "path"),
        (lambda: gn.data.windows([1, 2], lenght=2), "windows", "lenght", "length"),
        (lambda: gn.data.images_from_folder("x", sise=(8, 8)), "images_from_folder", "sise", "size"),
        (lambda: gn.data.read_table("x", delim=";"), "read_table", "delim", "delimiter"),
        (lambda: gn.keras.utils.to_categorical([1], num_class=2), "to_categorical", "num_class", "num_classes"),
        (lambda: gn.estimators.NeuralRegressor().fit([[1]], [1], sample_weights=1), "fit", "sample_weights", "sample_weight"),
    ],
)  # fmt: skip
def test_a_misspelt_argument_names_the_nearest(call, who, misspelt, nearest):
    expected = (
        rf"^{who}\(\) got an unexpected keyword argument '{misspelt}'\. Did you mean '{nearest}'\?$"
    )
    with pytest.raises(ArgumentError, match=expected) as raised:
        call()
    assert isinstance(raised.value, TypeError)


@pytest.mark.parametrize(
    ("get", "message"),
    [
        (lambda: gn.Sequental, "'glassnet' has no attribute 'Sequental'. Did you mean 'Sequential'?"),
        (lambda: gn.layer, "'glassnet' has no attribute 'layer'. Did you mean 'layers'?"),
        (lambda: gn.layers.Conv2d, "'glassnet.layers' has no attribute 'Conv2d'. Did you mean 'Conv2D'?"),
        (lambda: gn.layers.dense, "Did you mean 'Dense'?"),
        (lambda: gn.layers.Lstm, "Did you mean 'LSTM'?"),
        (lambda: gn.optimizers.adam, "Did you mean 'Adam'?"),
        (lambda: gn.optimizers.sgd, "Did you mean 'SGD'?"),
        (lambda: gn.losses.huber, "Did you mean 'Huber'?"),
        (lambda: gn.metrics.Acuracy, "Did you mean 'Accuracy'?"),
        (lambda: gn.callbacks.EarlyStoping, "Did you mean 'EarlyStopping'?"),
        (lambda: gn.activations.rellu, "Did you mean 'relu'?"),
        (lambda: gn.schedules.CosineDecy, "Did you mean 'CosineDecay'?"),
        (lambda: gn.data.window, "Did you mean 'windows'?"),
        (lambda: gn.datasets.lod, "Did you mean 'load'?"),
        (lambda: gn.errors.ConfigErr, "Did you mean 'ConfigError'?"),
        (lambda: gn.estimators.NeuralClasifier, "Did you mean 'NeuralClassifier'?"),
        (lambda: make_model().sumary, "'Sequential' object has no attribute 'sumary'. Did you mean 'summary'?"),
        (lambda: make_model(gn.keras).sumary, "Did you mean 'summary'?"),
        (lambda: gn.layers.Dense(3).unit, "Did you mean 'units'?"),
        (lambda: gn.optimizers.Adam().learningrate, "Did you mean 'learning_rate'?"),
        (lambda: gn.losses.Huber().delt, "Did you mean 'delta'?"),
        (lambda: fit()[1].hist, "'History' object has no attribute 'hist'. Did you mean 'history'?"),
        (lambda: fit()[0].trace([[1.0]], [1.0]).neurn, "Did you mean 'neuron'?"),
        (lambda: fit()[0].trace([[1.0]], [1.0]).links[0].detla, "Did you mean 'delta'?"),
        (lambda: gn.datasets.load("xor").clas_names, "Did you mean 'class_names'?"),
    ],
)  # fmt: skip
def test_a_misspelt_attribute_names_the_nearest(get, message):
    with pytest.raises(MissingError) as raised:
        get()
    assert message in str(raised.value)
    assert isinstance(raised.value, AttributeError)


@pytest.mark.parametrize(
    ("call", "nearest"),
    [
        (lambda: gn.keras.layers.Dense(3, activaton="relu"), "activation"),
        (lambda: gn.keras.optimizers.Adam(learning_rat=1), "learning_rate"),
        (lambda: gn.keras.callbacks.EarlyStopping(patiance=1), "patience"),
    ],
)
def test_a_misspelt_argument_of_keras_names_the_nearest(call, nearest):
    with pytest.raises(ConfigError, match=rf"Did you mean '{nearest}'\?$"):
        call()


def test_an_argument_like_no_other_lists_all():
    expected = r"^Dropout\(\) got an unexpected keyword argument 'zzz'\. It has: rate, "
    with pytest.raises(ArgumentError, match=expected):
        gn.layers.Dropout(0.5, zzz=1)
    with pytest.raises(MissingError, match=r"'glassnet.layers' has no attribute 'Zzz'\.$"):
        _ = gn.layers.Zzz


def test_other_type_errors_stay_as_they_are():
    """Oracle: Python's own errors."""

    @suggest_arguments
    def divide(x, by=2):
        return x / by

    assert divide(4, by=4) == 1
    for call in (lambda: divide("a"), lambda: divide(), lambda: divide(1, 2, 3)):
        with pytest.raises(TypeError) as raised:
            call()
        assert type(raised.value) is TypeError
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        gn.load()


def test_an_error_of_a_property_is_not_hidden():
    @suggest_names
    class Half:
        @property
        def other(self):
            return self.missing_half

    with pytest.raises(MissingError, match=r"'Half' object has no attribute 'missing_half'"):
        _ = Half().other


def test_signatures_stay_as_they_are():
    """Oracle: the fields of the class, and the arguments of scikit-learn."""
    parameters = inspect.signature(gn.layers.Dense).parameters
    assert list(parameters)[:3] == ["units", "activation", "use_bias"]
    assert list(inspect.signature(gn.Sequential).parameters) == ["layers", "seed"]
    assert "epochs" in inspect.signature(gn.Sequential.fit).parameters
    assert "alpha" in gn.estimators.NeuralClassifier().get_params()


def test_parts_are_copied_compared_and_asked_for_protocols():
    """Oracle: the part itself. Other libraries ask for attributes that begin with underscores."""
    model, history = fit()
    for part in (gn.layers.Dense(3), gn.optimizers.Adam(0.1), gn.losses.Huber(), history):
        assert copy.deepcopy(part) == part == pickle.loads(pickle.dumps(part))
        assert not hasattr(part, "__array__")
        assert not hasattr(part, "_repr_latex_")
    assert jax.tree.leaves(gn.losses.Huber()) == [gn.losses.Huber()]
    assert np.array(gn.optimizers.SGD()).shape == ()
    assert not hasattr(model, "_repr_html_") or model._repr_html_() is not None


@pytest.mark.parametrize("name", PACKAGES)
def test_dir_shows_public_names_alone(name):
    """Oracle: the modules' own list, without constants and functions of the package's own files."""
    package = getattr(gn, name)
    shown = dir(package)
    assert shown
    assert all(hasattr(package, shown_name) for shown_name in shown)
    public = [shown_name for shown_name in shown if shown_name != "__version__"]
    assert not [shown_name for shown_name in public if shown_name.startswith("_")]
    assert set(public) <= set(getattr(package, "__all__", public)) or name == "keras"
    assert not {"annotations", "Any", "np", "jax", "jnp", "lookup", "require"} & set(public)
    modules = [n for n in public if inspect.ismodule(getattr(package, n))]
    assert not modules or name == "keras"


def test_dir_of_the_package_loads_nothing():
    code = (
        "import sys, glassnet as gn; "
        "assert {'Sequential', 'layers', 'data', 'load'} <= set(dir(gn)); "
        "assert {'windows', 'series', 'images_from_folder'} <= set(dir(gn.data)); "
        "assert 'ConfigError' in dir(gn.errors); "
        "print([m for m in ('jax', 'pandas', 'sklearn', 'matplotlib') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_files_of_a_package_can_be_imported_though_they_are_no_attributes():
    from glassnet.layers import dense
    from glassnet.optimizers import adam

    assert dense.Dense is gn.layers.Dense
    assert adam.Adam is gn.optimizers.Adam


def test_files_of_a_package_can_be_imported_from_it():
    """`layers/dense.py` is called as `Dense`, except for upper and lower case."""
    space = {}
    exec("from glassnet.layers import dense; from glassnet.layers.dense import Dense", space)
    assert space["dense"].Dense is space["Dense"]
    assert not hasattr(gn.layers, "Conv2d")


def test_dir_of_the_keras_layer_shows_its_names_alone():
    for name in gn.keras.MODULES:
        module = getattr(gn.keras, name)
        assert dir(module) == sorted(module.__all__)
    assert dir(gn.keras.optimizers.schedules) == sorted(gn.keras.optimizers.schedules.__all__)
    assert {"Dense", "Conv2D"} <= set(dir(gn.keras.layers))


def test_a_function_without_arguments_says_so():
    with pytest.raises(ArgumentError, match=r"plot\(\) got .* 'logscale'\. It has no arguments\.$"):
        fit()[1].plot(logscale=True)


def test_a_misspelt_argument_of_a_series_is_looked_for_in_all_of_them():
    with pytest.raises(ConfigError, match=r"'targt'\. Did you mean 'target'\?"):
        gn.data.series({"a": [1, 2]}, targt="a")


@pytest.mark.parametrize("name", ["sumary", "params"])
def test_python_adds_no_suggestion_of_its_own(name):
    """Oracle: the text of the error. From Python 3.12 on, tracebacks add a suggestion to it."""
    with pytest.raises(AttributeError) as raised:
        getattr(gn.Sequential([gn.layers.Dense(2)]), name)
    assert traceback.format_exception_only(raised.value)[-1].endswith(f": {raised.value}\n")
