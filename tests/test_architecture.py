"""The house stands as it was drawn: who may import whom, how long a file is, what an import loads,
and what every public name says.
"""

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
ROWS = (
    {"_version", "errors", "types", "formatting", "fingerprinting"},
    {"plots"},
    {"data"},
    {"datasets"},
    {"activations", "initializers", "regularizers", "schedules"},
    {"layers"},
    {"losses", "optimizers"},
    {"metrics"},
    {"preprocessing"},
    {"engine"},
    {"pipeline"},
    {"callbacks"},
    {"evaluation"},
    {"inspection"},
    {"storage"},
    {"training"},
    {"models"},
    {"testing", "estimators", "keras"},
    {"cli"},
    {"__main__"},
)
"""Top to bottom: a file imports from the rows above its own, and from its own folder."""

HEIGHT = {part: i for i, row in enumerate(ROWS) for part in row}


def part(path):
    """Which part of the house a file belongs to: its folder in the package, or its own name."""
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imported(tree):
    """The parts that a module imports, leaving out what stands under TYPE_CHECKING."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.unparse(tree.test):
        return
    if isinstance(tree, ast.Import):
        yield from (
            alias.name.split(".")[1] for alias in tree.names if alias.name.startswith("glassnet.")
        )
    elif isinstance(tree, ast.ImportFrom) and tree.module == "glassnet":
        public = {name: home.split(".")[0] for name, home in gn._MODULES.items()}
        yield from (
            public.get(alias.name, alias.name)
            for alias in tree.names
            if alias.name != "__version__"
        )
    elif isinstance(tree, ast.ImportFrom) and (tree.module or "").startswith("glassnet."):
        yield tree.module.split(".")[1]
    for child in ast.iter_child_nodes(tree):
        yield from imported(child)


def misplaced(name, code):
    """The parts that a file of the part `name` with this code must not import, but does."""
    return sorted(
        {
            other
            for other in imported(ast.parse(code))
            if other != name and HEIGHT[other] >= HEIGHT[name]
        }
    )


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path != SRC / "__init__.py"],
    ids=lambda path: str(path.relative_to(SRC)),
)
def test_imports_come_from_above(path):
    assert part(path) in HEIGHT, "a new file: give it a row"
    assert misplaced(part(path), path.read_text(encoding="utf-8")) == []


def test_the_import_test_catches_what_it_must():
    """Planted faults: upwards at the top of a file, lazily, by the public name; and what is
    allowed.
    """
    assert misplaced("layers", "from glassnet.models.sequential import Sequential") == ["models"]
    assert misplaced("layers", "def f():\n    from glassnet import Sequential, errors") == [
        "models"
    ]
    assert misplaced("losses", "import glassnet.metrics") == ["metrics"]
    assert (
        misplaced(
            "models", "from glassnet import datasets, losses\nfrom glassnet.models.load import x"
        )
        == []
    )
    assert (
        misplaced(
            "errors", "if TYPE_CHECKING:\n    from glassnet.models.sequential import Sequential"
        )
        == []
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SRC)))
def test_no_file_over_800_lines(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 800


def test_test_files_have_names_of_their_own():
    """Two of one name cannot be collected together."""
    names = [path.name for path in Path(__file__).parent.rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)


def test_no_drawer_for_the_rest():
    """keras/utils.py apart: that name is Keras's."""
    ours = [path for path in FILES if part(path) != "keras"]
    assert not [
        path
        for path in ours
        if {"utils", "util", "helpers", "common", "misc"}
        & {*path.relative_to(SRC).parts, path.stem}
    ]


@pytest.mark.parametrize("name", ["glassnet", *MODULES])
def test_no_public_function_is_named_as_a_submodule(name):
    """With lazy imports the second use of such a name would find the module."""
    module = importlib.import_module(name)
    inside = {inner.rpartition(".")[2] for inner in MODULES if inner.rpartition(".")[0] == name}
    for word in inside:
        importlib.import_module(f"{name}.{word}")
    assert not [word for word in inside if callable(getattr(module, word, None))]
    top = {inner.split(".")[1] for inner in MODULES}
    assert not [word for word in top if inspect.isfunction(vars(module).get(word))]


@pytest.mark.parametrize(
    "code", ["import glassnet", "import glassnet as gn; gn.errors; dir(gn)", "import glassnet.cli"]
)
def test_import_is_light(code):
    report = "import sys; print([m for m in ('jax', 'sklearn', 'pandas', 'matplotlib') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; {report}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_training_loads_what_it_needs():
    """Nothing on the way of `fit` and `predict` needs scikit-learn, pandas or matplotlib."""
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


@pytest.mark.parametrize("name", ["glassnet", *MODULES])
def test_all_names_resolve(name):
    module = importlib.import_module(name)
    names = getattr(module, "__all__", [])
    assert [word for word in names if not hasattr(module, word)] == []
    assert len(names) == len(set(names))


def test_data_lists_its_public_names():
    assert dir(gn.data) == [
        "Images",
        "arrays_from_file",
        "images_from_folder",
        "read_idx",
        "series",
        "windows",
    ]


def test_unknown_name():
    with pytest.raises(AttributeError, match="module 'glassnet' has no attribute 'Sequental'"):
        _ = gn.Sequental


def public():
    """What stands in the public modules, each class and function once."""
    found = {"glassnet.Sequential": gn.Sequential}
    for module in (getattr(gn, home) for home in gn.__all__):
        for word, value in vars(module).items() if inspect.ismodule(module) else ():
            own = getattr(value, "__module__", "").startswith(module.__name__)
            if (
                own
                and (inspect.isclass(value) or inspect.isfunction(value))
                and not word.startswith("_")
            ):
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return found


def is_written_by_users(value):
    """Whether it is something to call or to instantiate, not something to derive from, to catch, or
    to build the library with.
    """
    if inspect.isfunction(value):
        homes = ("glassnet.activations", "glassnet.datasets", "glassnet.testing")
        return value.__module__.startswith(homes) or value.__name__ == "get"
    bases = (
        gn.layers.Layer,
        gn.losses.Loss,
        gn.metrics.Metric,
        gn.optimizers.Optimizer,
        gn.callbacks.Callback,
    )
    bases += (gn.initializers.Initializer, gn.regularizers.Regularizer, gn.schedules.Schedule)
    abstract = inspect.isabstract(value) or value in bases
    return value is gn.Sequential or (issubclass(value, bases) and not abstract)


@pytest.mark.parametrize("name", public())
def test_public_names_are_documented(name):
    value = public()[name]
    docstring = inspect.getdoc(value)
    assert docstring, "no docstring"
    assert docstring.split("\n\n")[0].endswith((".", ":")), "it begins with a sentence"
    assert ">>> " in docstring or not is_written_by_users(value), "no Example"


def test_what_users_write_is_found():
    written = {
        name.rpartition(".")[2] for name, value in public().items() if is_written_by_users(value)
    }
    assert written >= {
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
    assert not written & {"Layer", "Loss", "Crossentropy", "Callback", "GlassnetError"}


@pytest.mark.parametrize("name", ["glassnet", *MODULES])
def test_examples_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0
