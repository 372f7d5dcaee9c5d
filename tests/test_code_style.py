"""Rules of the code that no linter checks: names, sizes of functions and files, import cycles.

Each rule is also shown a planted fault that it must find.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import glassnet as gn

ROOT = Path(__file__).parents[1]
SRC = ROOT / "src" / "glassnet"
FILES = sorted(SRC.rglob("*.py"))
CODE = [
    *FILES,
    *sorted(
        path for name in ("tests", "benchmarks", "labs") for path in (ROOT / name).rglob("*.py")
    ),
]
MAX_LINES, MAX_PARAMETERS, MAX_FILE = 40, 8, 800

BANNED = frozenset(
    [
        "alike",
        "anew",
        "apart",
        "asked",
        "begun",
        "carry",
        "course",
        "given",
        "gone",
        "held",
        "intake",
        "kept",
        "lacking",
        "news",
        "panel",
        "said",
        "spelt",
        "standing",
        "strange",
        "taken",
        "taker",
        "there",
        "told",
        "wish",
        "wishes",
    ]
)
"""Identifiers that once stood for a request, a message, a mask, an index, a result and more."""

SIGNATURES = {
    "keras/datasets/reuters.py:load_data",
    "keras/downloads.py:get_file",
    "models/sequential.py:evaluate",
    "models/sequential.py:fit",
    "keras/data/images.py:image_dataset_from_directory",
    "keras/data/series.py:timeseries_dataset_from_array",
    "keras/data/texts.py:text_dataset_from_directory",
    "keras/image_generators.py:flow",
    "keras/image_generators.py:flow_from_dataframe",
    "keras/image_generators.py:flow_from_directory",
    "keras/model_plots.py:plot_model",
    "keras/py_dataset.py:__init__",
    "keras/ops/image.py:resize",
    "keras/sequential.py:fit",
    "keras/sequential.py:compile",
}
"""Functions whose parameters are Keras's. Constructors of layers and estimators are Keras's or
scikit-learn's too: dataclass fields and `estimators/` are not counted.
"""


def identifiers(tree):
    """Yield (line, name) of everything that a module names: variables, parameters, attributes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.lineno, node.asname


def banned_names(code):
    """Return the banned identifiers in `code`, each with its line."""
    return sorted({(line, name) for line, name in identifiers(ast.parse(code)) if name in BANNED})


def functions(tree, scope=""):
    """Yield (qualified name, node) of every function of a module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{scope}{node.name}", node
        yield from functions(node, scope)


def body_lines(node):
    """Return the number of lines of a function's body without its docstring and blank lines."""
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def count_parameters(node):
    """Return the number of parameters of a function, without self, cls, *args and **kwargs."""
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len([name for name in names if name not in ("self", "cls")])


def label(path):
    """Return a short name of a file."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", CODE, ids=label)
def test_names_say_something(path):
    assert banned_names(path.read_text(encoding="utf-8")) == []


def test_banned_names_are_found():
    code = "def told(given):\n    kept, x.held = given\n    import numpy as apart\n"
    assert [name for _, name in banned_names(code)] == ["given", "told", "held", "kept", "apart"]
    assert banned_names("def f(held_out, x):\n    return x.said, given") == []


@pytest.mark.parametrize("path", FILES, ids=label)
def test_functions_are_short(path):
    """At most 40 lines of code and 8 parameters; scikit-learn's and Keras's signatures excepted."""
    too_long, too_wide = [], []
    for name, node in functions(ast.parse(path.read_text(encoding="utf-8"))):
        key = f"{path.relative_to(SRC)}:{name}"
        if body_lines(node) > MAX_LINES:
            too_long.append((key, body_lines(node)))
        exempt = key in SIGNATURES or (path.parent.name == "estimators" and name == "__init__")
        if count_parameters(node) > MAX_PARAMETERS and not exempt:
            too_wide.append((key, count_parameters(node)))
    assert (too_long, too_wide) == ([], [])


def test_long_functions_are_found():
    long = "def f(a, b, c, d, e, g, h, i, j):\n    '''Doc.'''\n" + "    x = 1\n" * 41
    ((_, node),) = functions(ast.parse(long))
    assert (body_lines(node), count_parameters(node)) == (41, 9)
    assert (
        len(list(functions(ast.parse(f"class A:\n    {long.replace(chr(10), chr(10) + '    ')}"))))
        == 1
    )


@pytest.mark.parametrize("path", FILES, ids=label)
def test_files_are_not_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_FILE


def test_few_files_are_tiny():
    """Files of under 40 lines are rare: a package's `__init__`, and where a module is the interface."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    tiny = [path for path, size in sizes.items() if size < 40 and path.name != "__init__.py"]
    ours = [
        path
        for path in tiny
        if path.parts[-2] != "keras" and path.stem not in ("__main__", "_version")
    ]
    assert len(ours) <= len(FILES) * 0.1, sorted(map(label, ours))


def module_name(path):
    """Return the dotted name of a source file within the package."""
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imports(code):
    """Yield the modules of the package that `code` imports, lazily or not, and for types too."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root, _, module = alias.name.partition(".")
                if root == "glassnet":
                    yield module
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "glassnet":
            package = node.module.partition(".")[2]
            for alias in node.names:
                module = f"{package}.{alias.name}".strip(".")
                yield module if module in MODULES else package


def find_cycle(graph):
    """Return the modules of an import cycle, or None."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return None


LATE_IMPORTS = {"doctor.findings": {"selection.verification"}}
"""Imports upwards inside a function: `Finding.verify` calls the function that trains."""


def test_no_import_cycles():
    graph = {
        name: set(imports(path.read_text(encoding="utf-8")))
        - {name, "", *LATE_IMPORTS.get(name, ())}
        for name, path in MODULES.items()
        if name
    }
    assert find_cycle(graph) is None


def test_import_cycles_are_found():
    code = "if TYPE_CHECKING:\n    from glassnet.engine import network\ndef f():\n    import glassnet.data.table"
    assert list(imports(code)) == ["engine.network", "data.table"]
    assert set(find_cycle({"a": {"b"}, "b": {"c"}, "c": {"a"}})) == {"a", "b", "c"}
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}}) is None


@pytest.mark.parametrize("path", [path for path in FILES if module_name(path)], ids=label)
def test_nothing_imports_the_package_root(path):
    """`from glassnet import layers` names a folder; `from glassnet import Sequential` would run the
    root, which stands above all folders.
    """
    assert "" not in set(imports(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("module", [gn, gn.data], ids=["glassnet", "glassnet.data"])
def test_tab_completion_shows_the_public_names_alone(module):
    assert {name for name in dir(module) if not name.startswith("__")} == set(module.__all__)
