"""docs/parts.md says of every public part what its docstring says first; `python tests/docs/test_parts.py` writes it anew."""

import inspect
from pathlib import Path

import glassnet as gn
from glassnet.activations import ACTIVATIONS

PAGE = Path(__file__).parents[2] / "docs" / "parts.md"

INTRO = """# Every part, in a line

Each is a frozen dataclass (activations are functions, and `LambdaCallback` remembers), found under `gn.` and its module's name;
`help(gn.layers.Dense)` has its formula, shapes, arguments, errors, an example and the source. What has a name in quotes can be given by it.
Your own goes in its place wherever one of these does: `gn.testing` says what each kind must keep to.
"""

TABLES = {
    "initializers": gn.initializers.INITIALIZERS,
    "losses": gn.losses.LOSSES,
    "metrics": gn.metrics.METRICS,
    "optimizers": gn.optimizers.OPTIMIZERS,
    "regularizers": gn.regularizers.REGULARIZERS,
}


def first_line(part):
    return inspect.getdoc(part).split("\n")[0].replace("|", r"\|")


def parts(kind):
    """The public classes of a module that can be made, in the order of the alphabet."""
    module = getattr(gn, kind)
    found = [one for name, one in vars(module).items() if inspect.isclass(one) and one.__module__.startswith(module.__name__)]
    bases = ("Layer", "Composite", "Loss", "Crossentropy", "Metric", "Detection", "Optimizer", "Schedule", "Callback", "Initializer")
    bases += ("Regularizer", "Panel", "Record", "Decision", "FunctionLoss", "FunctionMetric")
    return sorted((one for one in found if one.__name__ not in bases), key=lambda one: one.__name__)


def rows(kind):
    names = {}
    for name, part in TABLES.get(kind, {}).items():
        names.setdefault(part if inspect.isclass(part) else type(part), []).append(f'`"{name}"`')
    for part in parts(kind):
        yield f"| `{part.__name__}` | {', '.join(names.get(part, []))} | {first_line(part)} |"


def written():
    sections = [INTRO]
    for kind in ("layers", "initializers", "regularizers", "losses", "metrics", "optimizers", "schedules", "callbacks"):
        listed = list(rows(kind))
        if any('`"' in row for row in listed):
            table = ["| part | by name | what it does |", "|---|---|---|", *listed]
        else:
            table = ["| part | what it does |", "|---|---|", *(row.replace(" |  | ", " | ") for row in listed)]
        sections.append("\n".join([f"## {kind.capitalize()}", "", *table]) + "\n")
        if kind == "layers":
            lines = [f'| `"{name}"` | {first_line(function)} |' for name, function in ACTIVATIONS.items()]
            head = [
                "## Activations",
                "",
                "In `Dense(activation=...)`, or by themselves as `Activation(...)`; any JAX function is one too.",
                "",
            ]
            sections.append("\n".join([*head, "| by name | what it does |", "|---|---|", *lines]) + "\n")
    return "\n".join(sections)


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == written()


def test_parts_are_found():
    assert {part.__name__ for part in parts("layers")} >= {"Dense", "Residual", "Maxout"}
    assert [len(parts(kind)) > 5 for kind in ("losses", "metrics", "optimizers", "schedules", "callbacks")] == [True] * 5


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
