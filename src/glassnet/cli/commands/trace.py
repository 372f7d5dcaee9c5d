"""`glassnet trace`: every number of one row's way through a small network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments

if TYPE_CHECKING:
    import numpy as np

    from glassnet.cli.jobs.base import ExampleSource
    from glassnet.models.sequential import Sequential


@click.command("trace", short_help="Show every number of one pass, forward and backward.")
@click.argument("name", metavar="NAME|FILE|MODEL")
@click.argument("rows", metavar="[FILE|NAME]", required=False)
@arguments.table_options
@arguments.layers_option(default="2")
@click.option(
    "--activation",
    metavar="NAME",
    default="sigmoid",
    show_default=True,
    help="Of the hidden layers.",
)
@click.option(
    "--row",
    metavar="N",
    type=click.IntRange(min=0),
    help="Training row, from 0.  [default: the first with fewest zeros]",
)
@click.option(
    "--epochs",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Train so long before looking.",
)
@arguments.optimizer_option(default="sgd")
@arguments.learning_rate_option(default=0.1)
@click.option(
    "--neuron",
    type=arguments.Neuron(),
    multiple=True,
    help="Show this neuron's arithmetic instead, as dense_1:0.",
)
@click.option(
    "--layer",
    metavar="LAYER",
    multiple=True,
    help="Show this layer's matrices instead, as dense_1.",
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
    """Show every number of one row's way through a small network on the data set NAME, or on the
    table in FILE: forward, backward, and the update that the optimizer would make. Or through a
    saved MODEL, on the rows of FILE.

    \b glassnet trace xor --layers 2 glassnet trace xor --layers 2 --neuron dense_1:0         one
    neuron, and each weight's gradient by the chain rule glassnet trace xor --layers 2 --layer
    dense_1            x W + b, and the bias trick glassnet trace iris --layers 3 --row 100 --epochs
    50     after training glassnet trace titanic.csv --target survived --features fare,age glassnet
    trace titanic.glassnet new.csv --row 3
    """
    from glassnet.cli import output
    from glassnet.cli.jobs import base, resolve

    if as_json and (neuron or layer):
        raise click.UsageError("--json holds every number already: leave out --neuron and --layer.")
    wishes = base.TrainOptions(
        *(settings.pop(key) for key in ("target", "features", "target_transform", "task"))
    )
    job = (
        resolve.load_saved_job(name, rows)
        if name.endswith(".glassnet")
        else resolve.resolve_job(name, wishes, settings["seed"])
    )
    model = job.build_model(settings | {"dropout": 0.0}, adapt=True)
    row = find_densest_row(job.model_inputs(model)) if row is None else row
    if row >= job.n_samples:
        raise click.BadParameter(
            f"expected a row from 0 to {job.n_samples - 1}. Received: {row}.", param_hint="'--row'"
        )
    if epochs:
        job.fit(model, epochs=epochs, verbose=0, seed=settings["seed"])
    traced = model.trace(*job.example(row))
    if as_json:
        output.print_json(
            {"dataset": job.name, "row": row, "epochs": model.epoch, "seed": settings["seed"]}
            | traced.to_dict()
        )
        return
    parts = [traced.layer(which) for which in layer] + [
        traced.neuron(which, unit) for which, unit in neuron
    ]
    output.print_wrapped(format_heading(job, row, model))
    click.echo("\n\n".join(parts or [str(traced)]))


def find_densest_row(x: np.ndarray) -> int:
    """The first row with the fewest zeros: a zero hides the weights that it is multiplied by."""
    import numpy as np

    return int(np.count_nonzero(x.reshape(len(x), -1), axis=1).argmax())


def format_heading(job: ExampleSource, row: int, model: Sequential) -> str:
    """Which row meets which network, in one line."""
    from glassnet.cli import default_models

    age = f"after {model.epoch} epochs" if model.epoch else "untrained"
    return f"{job.name}, row {row} ({job.target_text(row)}): {default_models.describe_model(model)}, {age}"
