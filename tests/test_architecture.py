"""Import order of the packages, names of files, imports at startup, and public docstrings."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import glassnet as gn

SRC = Path(gn.__file__).parent
FILES = sorted(SRC.rglob("*.py"))
MODULES = sorted(
    name
    for _, name, _ in pkgutil.walk_packages([str(SRC)], "glassnet.")
    if not name.endswith("__main__")
)
IMPORT_ORDER = (
    {"_version", "errors", "types", "formatting", "fingerprinting", "user_cache"},
    {"suggestions", "file_paths", "partial_shapes"},
    {"forked_process", "output_files", "processes"},
    {"plots"},
    {"data"},
    {"datasets"},
    {"activations", "constraints", "initializers", "regularizers", "schedules"},
    {"layers"},
    {"losses", "optimizers"},
    {"metrics"},
    {"preprocessing"},
    {"engine"},
    {"pipeline"},
    {"callbacks"},
    {"evaluation"},
    {"inspection"},
    {"doctor"},
    {"storage"},
    {"training"},
    {"models"},
    {"reporting"},
    {"testing", "estimators", "keras", "selection"},
    {"studio_app"},
    {"cli"},
    {"__main__"},
)
"""A file may import from the lines above that of its package, and from its own package."""

POSITION = {package: i for i, line in enumerate(IMPORT_ORDER) for package in line}


LATE_IMPORTS = {("doctor/findings.py", "selection")}
"""Imports upwards inside a function: `Finding.verify` calls the function that trains."""


def package_of(path):
    """Return the package of a file, or the file's name if it is directly in glassnet/."""
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported_packages(tree):
    """Yield the packages that a module imports, except those under TYPE_CHECKING."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test):
        return
    if isinstance(tree, ast.Import):
        yield from (
            alias.name.split(".")[1] for alias in tree.names if alias.name.startswith("glassnet.")
        )
    elif isinstance(tree, ast.ImportFrom) and tree.module == "glassnet":
        public = {name: module.split(".")[0] for name, module in gn._MODULES.items()}
        yield from (
            public.get(alias.name, alias.name)
            for alias in tree.names
            if alias.name != "__version__"
        )
    elif isinstance(tree, ast.ImportFrom) and (tree.module or "").startswith("glassnet."):
        yield tree.module.split(".")[1]
    for child in ast.iter_child_nodes(tree):
        yield from imported_packages(child)


def forbidden_imports(package, code):
    """Return the packages that this code imports, but that `package` may not import."""
    return sorted(
        {
            other
            for other in imported_packages(ast.parse(code))
            if other != package and POSITION[other] >= POSITION[package]
        }
    )


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path != SRC / "__init__.py"],
    ids=lambda path: str(path.relative_to(SRC)),
)
def test_imports_follow_the_order(path):
    assert package_of(path) in POSITION, "Add the new file to IMPORT_ORDER."
    name = path.relative_to(SRC).as_posix()
    forbidden = forbidden_imports(package_of(path), path.read_text(encoding="utf-8"))
    assert [each for each in forbidden if (name, each) not in LATE_IMPORTS] == []


def test_forbidden_imports_are_found():
    """At the top of a file, in a function and by a public name; allowed imports are not reported."""
    assert forbidden_imports("layers", "from glassnet.models.sequential import Sequential") == [
        "models"
    ]
    assert forbidden_imports("layers", "def f():\n    from glassnet import Sequential, errors") == [
        "models"
    ]
    assert forbidden_imports("losses", "import glassnet.metrics") == ["metrics"]
    assert (
        forbidden_imports(
            "models", "from glassnet import datasets, losses\nfrom glassnet.models.load import x"
        )
        == []
    )
    assert (
        forbidden_imports(
            "errors", "if TYPE_CHECKING:\n    from glassnet.models.sequential import Sequential"
        )
        == []
    )


def test_test_files_have_unique_names():
    """Pytest cannot collect two test files of the same name together."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)


def test_no_file_has_a_vague_name():
    """Except keras/utils.py, which has Keras's name."""
    ours = [path for path in FILES if package_of(path) != "keras"]
    assert not [
        path
        for path in ours
        if {"utils", "util", "helpers", "common", "misc"}
        & {*path.relative_to(SRC).parts, path.stem}
    ]


@pytest.mark.parametrize("name", ["glassnet", *MODULES])
def test_no_public_function_has_the_name_of_a_submodule(name):
    """With lazy imports, the second use of such a name would return the module."""
    module = importlib.import_module(name)
    submodules = {path.rpartition(".")[2] for path in MODULES if path.rpartition(".")[0] == name}
    for each in submodules:
        importlib.import_module(f"{name}.{each}")
    assert not [each for each in submodules if callable(getattr(module, each, None))]
    packages = {path.split(".")[1] for path in MODULES}
    assert not [each for each in packages if inspect.isfunction(vars(module).get(each))]


@pytest.mark.parametrize(
    "code",
    [
        "import glassnet",
        "import glassnet as gn; gn.errors; dir(gn)",
        "import glassnet as gn; dir(gn.inspection)",
        "import glassnet.cli",
    ],
)
def test_import_is_light(code):
    report = "import sys; print([m for m in ('jax', 'sklearn', 'pandas', 'matplotlib', 'jinja2') if m in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}; {report}"], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_views_are_computed_without_drawing_libraries():
    """Views of arrays import none of these before they are drawn or become a frame."""
    code = """
import sys
import numpy as np
import glassnet as gn
model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
x, y = np.zeros((2, 2)), [0, 1]
gn.inspection.decision_boundary(model, x, y, resolution=3)
gn.inspection.neurons(model, x, resolution=3)
print([m for m in ("sklearn", "pandas", "matplotlib", "jinja2") if m in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


def test_training_imports_no_optional_library():
    """`fit` and `predict` on arrays need no scikit-learn, pandas, matplotlib or rich."""
    code = """
import sys
import glassnet as gn
data = gn.datasets.load("xor")
model = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")], seed=0)
model.fit(data.x, data.y, verbose=0)
model.predict(data.x)
print([m for m in ("sklearn", "pandas", "matplotlib", "rich") if m in sys.modules])
"""
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )


def test_importing_keras_imports_no_optional_library():
    """All modules of `glassnet.keras` load quickly: what few functions need, these import."""
    libraries = "sklearn pandas matplotlib PIL scipy.ndimage requests pooch rich jinja2 tensorflow"
    code = f"""
import sys
from glassnet import keras
modules = [getattr(keras, name) for name in keras.MODULES]
keras.preprocessing.image, keras.utils.plot_model, keras.datasets.imdb
print([m for m in {libraries.split()} if m in sys.modules])
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "[]\n"


@pytest.mark.parametrize("name", ["glassnet", *MODULES])
def test_all_names_resolve(name):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    assert [each for each in names if not hasattr(module, each)] == []
    assert len(names) == len(set(names))


def test_data_lists_its_public_names():
    assert dir(gn.data) == [
        "Images",
        "arrays_from_file",
        "images_from_folder",
        "read_idx",
        "read_table",
        "series",
        "windows",
    ]


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'glassnet' has no attribute 'Sequental'"):
        _ = gn.Sequental


def public():
    """Return the classes and functions of the public modules by their qualified names."""
    values = {"glassnet.Sequential": gn.Sequential}
    for module in (getattr(gn, name) for name in gn.__all__):
        for name, value in vars(module).items() if inspect.ismodule(module) else ():
            is_ours = getattr(value, "__module__", "").startswith(module.__name__)
            if (
                is_ours
                and (inspect.isclass(value) or inspect.isfunction(value))
                and not name.startswith("_")
            ):
                values[f"{value.__module__}.{value.__qualname__}"] = value
    return values


def is_written_by_users(value):
    """Return whether users call or instantiate it, rather than subclass or catch it."""
    if inspect.isfunction(value):
        modules = ("glassnet.activations", "glassnet.datasets", "glassnet.testing")
        return value.__module__.startswith(modules) or value.__name__ == "get"
    bases = (
        gn.layers.Layer,
        gn.losses.Loss,
        gn.metrics.Metric,
        gn.optimizers.Optimizer,
        gn.callbacks.Callback,
    )
    bases += (
        gn.initializers.Initializer,
        gn.regularizers.Regularizer,
        gn.constraints.Constraint,
        gn.schedules.Schedule,
    )
    abstract = inspect.isabstract(value) or value in bases
    return value is gn.Sequential or (issubclass(value, bases) and not abstract)


@pytest.mark.parametrize("name", public())
def test_public_names_are_documented(name):
    value = public()[name]
    docstring = inspect.getdoc(value)
    assert docstring, "no docstring"
    first, *rest = docstring.split("\n")
    assert first.endswith("."), "The first line is not one sentence."
    assert not rest or not rest[0], "The second line is not blank."
    assert ">>> " in docstring or not is_written_by_users(value), "no example"


def test_names_that_users_write_are_found():
    names = {
        name.rpartition(".")[2] for name, value in public().items() if is_written_by_users(value)
    }
    assert names >= {
        "Sequential",
        "Dense",
        "Adam",
        "EarlyStopping",
        "BinaryCrossentropy",
        "Accuracy",
        "load",
        "relu",
        "get",
        "L2",
    }
    assert not names & {"Layer", "Loss", "Crossentropy", "Callback", "GlassnetError"}


@pytest.mark.parametrize("name", ["glassnet", *MODULES])
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0
