"""`glassnet trace`: show every number of one forward and backward pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments
from glassnet.cli.help_sections import SectionedCommand

if TYPE_CHECKING:
    import numpy as np

    from glassnet.cli.jobs.base import ExampleSource
    from glassnet.models.sequential import Sequential


@click.command(
    "trace", cls=SectionedCommand, short_help="Show every number of one forward and backward pass."
)
@click.argument("name", metavar="NAME|FILE|MODEL")
@click.argument("rows", metavar="[FILE|NAME]", required=False)
@arguments.table_options
@arguments.csv_options
@arguments.layers_option(default="2")
@click.option(
    "--activation",
    metavar="NAME",
    default="sigmoid",
    show_default=True,
    help="Activation of the hidden layers.",
)
@click.option(
    "--row",
    metavar="N",
    type=click.IntRange(min=0),
    help="Training row, counted from 0.  [default: the first with the fewest zeros]",
)
@click.option(
    "--epochs",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Train for N epochs first.",
)
@arguments.optimizer_option(default="sgd")
@arguments.learning_rate_option(default=0.1)
@click.option(
    "--neuron",
    type=arguments.Neuron(),
    multiple=True,
    help="Show the arithmetic of one neuron instead, such as dense_1:0.",
)
@click.option(
    "--layer",
    metavar="LAYER",
    multiple=True,
    help="Show the matrices of one layer instead, such as dense_1.",
)
@arguments.seed_option
@arguments.json_option
def command(
    name: str,
    rows: str | None,
    row: int | None,
    epochs: int,
    neuron: tuple[tuple[str, int], ...],
    layer: tuple[str, ...],
    as_json: bool,
    **settings: Any,
) -> None:
    """Show every number of one row in a small network: the forward pass, the backward pass and the
    update of the optimizer. The row comes from the dataset NAME or the table in FILE. For a saved
    MODEL, it comes from a second FILE or NAME.

    \b
    glassnet trace xor --layers 2
    glassnet trace xor --layers 2 --neuron dense_1:0         one neuron and the chain rule for it
    glassnet trace xor --layers 2 --layer dense_1            x W + b, and the bias trick
    glassnet trace iris --layers 3 --row 100 --epochs 50     after training
    glassnet trace titanic.csv --target survived --features fare,age
    glassnet trace titanic.glassnet new.csv --row 3
    """
    from glassnet.cli import output
    from glassnet.cli.jobs import base, resolve

    if as_json and (neuron or layer):
        raise click.UsageError(
            "--json cannot be combined with --neuron or --layer: it contains every number."
        )
    names = ("target", "features", "target_transform", "task", "column_types", "csv")
    options = base.TrainOptions(**{key: settings.pop(key) for key in names})
    job = (
        resolve.load_saved_job(name, rows, options.csv)
        if name.endswith(".glassnet")
        else resolve.resolve_job(name, options, settings["seed"])
    )
    model = job.build_model(settings | {"dropout": 0.0}, adapt=True)
    row = find_densest_row(job.model_inputs(model)) if row is None else row
    if row >= job.n_samples:
        raise click.BadParameter(
            f"expected a row from 0 to {job.n_samples - 1}. Received: {row}.", param_hint="'--row'"
        )
    if epochs:
        job.fit(model, epochs=epochs, verbose=0, seed=settings["seed"])
    trace = model.trace(*job.example(row))
    if as_json:
        facts = {"dataset": job.name, "row": row, "epochs": model.epoch, "seed": settings["seed"]}
        output.print_json(facts | trace.to_dict())
        return
    parts = [*map(trace.layer, layer), *(trace.neuron(name, unit) for name, unit in neuron)]
    output.print_wrapped(format_heading(job, row, model))
    click.echo("\n\n".join(parts or [str(trace)]))


def find_densest_row(x: np.ndarray) -> int:
    """Return the first row with the fewest zeros; a zero hides the weights it is multiplied by."""
    import numpy as np

    return int(np.count_nonzero(x.reshape(len(x), -1), axis=1).argmax())


def format_heading(job: ExampleSource, row: int, model: Sequential) -> str:
    """Return one line about the row, the network and its training."""
    from glassnet.cli.default_models import describe_model

    age = f"after {model.epoch} epochs" if model.epoch else "untrained"
    return f"{job.name}, row {row} ({job.target_text(row)}): {describe_model(model)}, {age}"
