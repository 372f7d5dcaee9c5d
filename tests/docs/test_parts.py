"""docs/parts.md lists the first line of the docstring of each public part; `python
tests/docs/test_parts.py` writes the page.
"""

import inspect
from pathlib import Path

import glassnet as gn
from glassnet.activations import ACTIVATIONS

PAGE = Path(__file__).parents[2] / "docs" / "parts.md"

INTRO = """# Parts

Every layer, activation, initializer, regularizer, loss, metric, optimizer, schedule and callback, in one line each.

- Parts are in the modules of `gn`, for example `gn.layers.Dense`. `help(gn.layers.Dense)` shows the formula, shapes, arguments, errors, an
  example and the source.
- If a part has a name in quotes, you can use the name instead: `optimizer="adam"`.
- You can use your own part wherever one of these is accepted. `gn.testing` checks your part.
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
    found = [
        one
        for name, one in vars(module).items()
        if inspect.isclass(one) and one.__module__.startswith(module.__name__)
    ]
    bases = (
        "Layer",
        "Composite",
        "Loss",
        "Crossentropy",
        "Metric",
        "ThresholdMetric",
        "Optimizer",
        "Schedule",
        "Callback",
        "Initializer",
    )
    bases += ("Regularizer", "CallbackList", "Record", "Decision", "FunctionLoss", "FunctionMetric")
    return sorted((one for one in found if one.__name__ not in bases), key=lambda one: one.__name__)


def rows(kind):
    names = {}
    for name, part in TABLES.get(kind, {}).items():
        names.setdefault(part if inspect.isclass(part) else type(part), []).append(f'`"{name}"`')
    for part in parts(kind):
        yield f"| `{part.__name__}` | {', '.join(names.get(part, []))} | {first_line(part)} |"


def written():
    sections = [INTRO]
    for kind in (
        "layers",
        "initializers",
        "regularizers",
        "losses",
        "metrics",
        "optimizers",
        "schedules",
        "callbacks",
    ):
        listed = list(rows(kind))
        if any('`"' in row for row in listed):
            table = ["| part | by name | what it does |", "|---|---|---|", *listed]
        else:
            table = [
                "| part | what it does |",
                "|---|---|",
                *(row.replace(" |  | ", " | ") for row in listed),
            ]
        sections.append("\n".join([f"## {kind.capitalize()}", "", *table]) + "\n")
        if kind == "layers":
            lines = [
                f'| `"{name}"` | {first_line(function)} |' for name, function in ACTIVATIONS.items()
            ]
            head = [
                "## Activations",
                "",
                "Use them in `Dense(activation=...)` or as a layer, `Activation(...)`. Any JAX function works too.",
                "",
            ]
            sections.append(
                "\n".join([*head, "| by name | what it does |", "|---|---|", *lines]) + "\n"
            )
    return "\n".join(sections)


def test_the_page_is_what_the_code_says():
    assert PAGE.read_text(encoding="utf-8") == written()


def test_parts_are_found():
    assert {part.__name__ for part in parts("layers")} >= {"Dense", "Residual", "Maxout"}
    assert [
        len(parts(kind)) > 5
        for kind in ("losses", "metrics", "optimizers", "schedules", "callbacks")
    ] == [True] * 5


if __name__ == "__main__":
    PAGE.write_text(written(), encoding="utf-8")
