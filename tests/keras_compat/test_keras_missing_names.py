"""Names of Keras that Glassnet does not have. Oracle: the public names of Keras itself."""

import importlib
import re
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from glassnet import keras
from glassnet.keras import public_names
from glassnet.keras.missing_names import (
    FORMER_MODULES,
    MissingName,
    NotHereError,
    is_public_name,
)
from oracles import import_keras

KERAS_2_NAMES = {
    "callbacks": "BaseLogger",
    "layers": "CuDNNGRU CuDNNLSTM Highway LocallyConnected1D LocallyConnected2D MaxoutDense",
    "losses": "cosine cosine_proximity",
    "models": "model_from_config model_from_yaml",
    "preprocessing": "timeseries",
    "preprocessing.timeseries": "TimeseriesGenerator",
    "utils": "HDF5Matrix multi_gpu_model print_summary",
    "wrappers": "scikit_learn",
    "wrappers.scikit_learn": "KerasClassifier KerasRegressor",
}
"""Names that old notebooks import, and that Keras 3 does not have under any name."""

HEADER = '''"""The public names of Keras 3.15 and the names of Keras 2, by module.

A test compares the table with Keras: `cd tests && python keras_compat/test_keras_missing_names.py`
writes it.
"""

'''


def list_names(module, path, names):
    """Add the public names of a module of Keras, and of the modules in it, to `names`."""
    for name in dir(module):
        value = getattr(module, name)
        is_module = isinstance(value, ModuleType)
        if name[0] == "_" or (is_module and not re.match(r"keras\.(?!src)", value.__name__)):
            continue
        names.setdefault(path, set()).add(name)
        if is_module:
            list_names(value, f"{path}.{name}".lstrip("."), names)


def names_of_keras():
    names = {module: set(words.split()) for module, words in KERAS_2_NAMES.items()}
    import_keras()
    for package in ("keras", "keras._tf_keras.keras"):
        list_names(importlib.import_module(package), "", names)
    del names["ops.nn"], names["ops.numpy"]
    return {module: " ".join(sorted(words)) for module, words in sorted(names.items())}


def format_table(names):
    rows = []
    for module, words in names.items():
        row = f'    "{module}": "{words}",'
        if len(row) > 100:
            lines = "\n".join(f'        "{line} "' for line in textwrap.wrap(words, 84))
            row = f'    "{module}": (\n{lines[:-2]}"\n    ),'
        rows.append(row)
    return "\n".join([f"{HEADER}PUBLIC_NAMES = {{", *rows, "}\n"])


@pytest.mark.live_keras
def test_the_table_has_the_names_of_keras():
    if not import_keras().__version__.startswith("3.15."):
        pytest.skip("The table is of Keras 3.15.")
    assert names_of_keras() == public_names.PUBLIC_NAMES


def test_the_names_are_found_by_module():
    assert is_public_name("glassnet.keras", "layers")
    assert is_public_name("glassnet.keras.layers", "MultiHeadAttention")
    assert is_public_name("glassnet.keras.applications.vgg16", "VGG16")
    assert not is_public_name("glassnet.keras.layers", "VGG16")
    assert not is_public_name("glassnet.keras.nothing", "VGG16")


MISSING = r"expected a name that Glassnet has \(yet\)\. Received: name='MultiHeadAttention'\. docs/"


def _subclass(base):
    class Mine(base):
        pass

    return Mine


def _enter(name):
    with name:
        pass


USES = {
    "called": lambda name: name(8, 64),
    "subclassed": _subclass,
    "iterated": list,
    "indexed": lambda name: name[0],
    "read": lambda name: name.from_config,
    "entered": _enter,
    "in a model": lambda name: keras.Sequential([name(8, 64)]),
}


@pytest.mark.parametrize("use", USES)
def test_a_missing_name_is_imported_and_raises_if_used(use):
    from glassnet.keras.layers import Dense, MultiHeadAttention

    assert isinstance(MultiHeadAttention, MissingName)
    assert not isinstance(Dense(2), MultiHeadAttention)
    with pytest.raises(NotHereError, match=MISSING):
        USES[use](MultiHeadAttention)


def test_a_missing_name_can_be_printed_and_inspected():
    name = keras.layers.MultiHeadAttention
    assert repr(name) == (
        "<glassnet.keras.layers.MultiHeadAttention, which Glassnet does not have>"
    )
    assert name
    assert not hasattr(name, "_repr_html_")
    assert "MultiHeadAttention" not in dir(keras.layers)


@pytest.mark.parametrize("module", ["optimizers", "losses", "metrics"])
def test_a_missing_part_is_refused_by_compile(module):
    name = {"optimizers": "Ftrl", "losses": "CTC", "metrics": "ConcordanceCorrelation"}[module]
    argument = {"optimizers": "optimizer", "losses": "loss", "metrics": "metrics"}[module]
    part = getattr(getattr(keras, module), name)
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(1,))])
    with pytest.raises(NotHereError, match=f"name='{name}'"):
        model.compile(**{argument: [part] if module == "metrics" else part})


def test_modules_that_are_missing_can_be_imported():
    from glassnet.keras.applications import VGG16, vgg16
    from glassnet.keras.applications.vgg16 import preprocess_input

    with pytest.raises(NotHereError, match=r"applications: .*'VGG16'\. docs/not-for.md lists"):
        VGG16(weights="imagenet")
    with pytest.raises(NotHereError, match=r"vgg16: .*'preprocess_input'\. docs/not-for.md lists"):
        preprocess_input([1])
    with pytest.raises(NotHereError, match=r"name='VGG61'\. docs/not-for.md lists"):
        _ = keras.applications.VGG61
    assert vgg16 is keras.applications.vgg16 is sys.modules["glassnet.keras.applications.vgg16"]


def test_keras_classifier_names_the_estimators():
    from glassnet.keras.wrappers.scikit_learn import KerasClassifier

    with pytest.raises(NotHereError, match=r"Write glassnet\.estimators\.NeuralClassifier"):
        KerasClassifier(build_fn=None)


def test_a_name_that_keras_does_not_have_fails_at_the_import():
    with pytest.raises(ImportError, match=r"Similar names: to_categorical\."):
        from glassnet.keras.utils import to_categorcal  # noqa: F401


@pytest.mark.parametrize("home", FORMER_MODULES)
def test_former_modules_have_the_names_of_today(home):
    today = importlib.import_module(f"glassnet.keras.{home}")
    name = today.__all__[0]
    for former in FORMER_MODULES[home].split():
        module = importlib.import_module(f"glassnet.keras.{home}.{former}")
        assert getattr(module, name) is getattr(today, name)


PATHS = """
utils.pad_sequences utils.load_img utils.img_to_array utils.get_file utils.plot_model
utils.timeseries_dataset_from_array models.save_model saving.load_model random.normal
preprocessing.image.ImageDataGenerator preprocessing.text.Tokenizer backend.mean
preprocessing.sequence.pad_sequences preprocessing.image_dataset_from_directory
utils.np_utils.to_categorical utils.vis_utils.plot_model layers.core.Dense
Layer Loss Metric Optimizer Initializer Regularizer version config.floatx
"""


@pytest.mark.parametrize("path", PATHS.split())
def test_names_that_labs_import_are_here(path):
    value = keras
    for name in path.split("."):
        value = getattr(value, name)
    assert not isinstance(value, MissingName)


def test_names_of_the_package():
    """Oracle: Keras has these names in the package and in the module."""
    real = import_keras()
    for name, module in keras.HOME.items():
        # Keras has these in the package alone.
        if module and name not in ("KerasTensor", "Variable", "version"):
            assert getattr(keras, name) is getattr(getattr(keras, module), name)
            assert getattr(real, name) is getattr(getattr(real, module), name)
    assert keras.version() == keras.__version__


if __name__ == "__main__":
    Path(public_names.__file__).write_text(format_table(names_of_keras()), encoding="utf-8")
