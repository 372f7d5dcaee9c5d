"""`glassnet inspect`: the views of a saved model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments, outputs

if TYPE_CHECKING:
    from glassnet.inspection.view import View


@click.group("inspect", short_help="Draw what a saved model has learned.")
def command() -> None:
    """Draw a view of the network in MODEL on a table, arrays or images, or on the test rows of a
    dataset. Without --out, only the finding is printed.

    \b
    glassnet inspect mistakes digits.glassnet digits --out mistakes.png
    glassnet inspect boundary titanic.glassnet test.csv --features fare,age --out boundary.png
    glassnet inspect weights digits.glassnet --out weights.svg
    glassnet inspect importance titanic.glassnet test.csv --json
    """


def add_view(
    name: str, purpose: str, function: str, *options: Callable[[Any], Any], n_data: int = 2
) -> None:
    """Add the command of a view.

    Args:
        name: name of the command.
        purpose: one sentence about what is drawn.
        function: the function of `gn.inspection`.
        *options: options of the command, which are arguments of the function. `rows` are the
            numbers of the rows to look at.
        n_data: how many of x and y the function takes.
    """

    def run(
        model: str,
        source: str | None,
        out: str | None,
        as_json: bool,
        csv: Mapping[str, Any],
        rows: tuple[int, ...] | None = None,
        **settings: Any,
    ) -> None:
        from glassnet import inspection
        from glassnet.cli.jobs import partitioned, resolve
        from glassnet.models.load import load

        network = load(model)
        x, y = resolve.load_test_data(network, source, csv) if n_data and source else (None, None)
        if network.preprocessor is not None and partitioned.is_parts(x):
            x = partitioned.sample_parts(str(x), network.preprocessor.target.name)
        if rows is not None:
            x, y = take_rows(x, y, rows)
        view = getattr(inspection, function)(network, *(x, y)[:n_data], **settings)
        facts = {"view": name, "model": model, "rows": source}
        print_view(view, facts, out, as_json)

    run.__doc__ = purpose
    decorators = (
        click.argument("model", metavar="MODEL"),
        click.argument("source", metavar="FILE|FOLDER|NAME", required=n_data > 0),
        *options,
        click.option(
            "--out", metavar="FILE", type=outputs.FigureFile(), help="The figure to write."
        ),
        arguments.csv_options,
        arguments.json_option,
    )
    for decorate in reversed(decorators):
        run = decorate(run)
    command.command(name, cls=outputs.Command, short_help=purpose)(run)


def print_view(view: View, facts: dict[str, Any], out: str | None, as_json: bool) -> None:
    """Write the figure, and print the finding or, as JSON, the numbers."""
    from glassnet.cli import output

    if out:
        outputs.write_figure(out, view.plot())  # type: ignore[arg-type]
    if as_json:
        output.print_json(facts | view.to_dict() | {"out": out})
        return
    click.echo(str(view))
    if out:
        click.echo(f"figure written to {out}")


def take_rows(x: Any, y: Any, rows: tuple[int, ...]) -> tuple[Any, Any]:
    """Return some of the rows of data that `load_test_data` returned.

    Raises:
        click.BadParameter: there is no such row.
    """
    if max(rows) >= len(x):
        text = f"expected rows from 0 to {len(x) - 1}. Received: {max(rows)}."
        raise click.BadParameter(text, param_hint="'--rows'")
    index = list(rows)
    selected = x.take(index) if hasattr(x, "columns") else x[index]
    return selected, None if y is None else y[index]


add_view(
    "landscape",
    "Draw the loss around the weights, along two random directions.",
    "loss_landscape",
    click.option(
        "--resolution",
        metavar="N",
        type=click.IntRange(min=3),
        default=51,
        show_default=True,
        help="Points along each direction.",
    ),
    arguments.seed_option,
)
add_view(
    "boundary",
    "Draw the answer of the network over two inputs.",
    "decision_boundary",
    click.option(
        "--features",
        metavar="A,B",
        type=arguments.ColumnNames(),
        help="The two columns, if there are more: fare,age.",
    ),
)
add_view(
    "features",
    "Draw what each layer sees in one image.",
    "feature_maps",
    click.option(
        "--row",
        "rows",
        metavar="N",
        type=arguments.RowNumbers(),
        default="0",
        show_default=True,
        help="The image, counted from 0.",
    ),
    n_data=1,
)
add_view(
    "attribute",
    "Draw what the answers for some rows rest on.",
    "attribute",
    click.option(
        "--method",
        metavar="NAME",
        default="integrated_gradients",
        show_default=True,
        help="gradient, gradient_x_input, integrated_gradients, occlusion or grad_cam.",
    ),
    click.option(
        "--rows",
        metavar="N,N",
        type=arguments.RowNumbers(),
        default="0,1,2,3",
        show_default=True,
        help="The rows, counted from 0.",
    ),
)
add_view(
    "importance",
    "Draw how much the score falls if a column is shuffled.",
    "importance",
    click.option(
        "--repeats",
        "n_repeats",
        metavar="N",
        type=click.IntRange(min=1),
        default=10,
        show_default=True,
        help="Shuffles of each column.",
    ),
    arguments.seed_option,
)
add_view("mistakes", "Draw where the network is wrong.", "mistakes")
add_view(
    "weights",
    "Draw the weights of the first layer. The data are not needed.",
    "weights",
    n_data=0,
)
