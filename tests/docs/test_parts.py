"""docs/parts.md lists the first line of each part's docstring.

`python tests/docs/test_parts.py` writes the page.
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
    "constraints": gn.constraints.CONSTRAINTS,
}


def first_line(part):
    return inspect.getdoc(part).split("\n")[0].replace("|", r"\|")


def parts(kind):
    """Return the concrete public classes of a module, sorted by name."""
    module = getattr(gn, kind)
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and value.__module__.startswith(module.__name__)
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
    concrete = [part for part in classes if part.__name__ not in bases]
    return sorted(concrete, key=lambda part: part.__name__)


def rows(kind):
    names = {}
    for name, part in TABLES.get(kind, {}).items():
        names.setdefault(part if inspect.isclass(part) else type(part), []).append(f'`"{name}"`')
    for part in parts(kind):
        yield f"| `{part.__name__}` | {', '.join(names.get(part, []))} | {first_line(part)} |"


def page_text():
    """Return the text of the page."""
    sections = [INTRO]
    for kind in (
        "layers",
        "initializers",
        "regularizers",
        "constraints",
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


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == page_text()


def test_parts_are_found():
    assert {part.__name__ for part in parts("layers")} >= {"Dense", "Residual", "Maxout"}
    assert [
        len(parts(kind)) > 5
        for kind in ("losses", "metrics", "optimizers", "schedules", "callbacks")
    ] == [True] * 5


if __name__ == "__main__":
    PAGE.write_text(page_text(), encoding="utf-8")
