"""`glassnet trace`: every number of one row's way through a small network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from glassnet.cli import arguments

if TYPE_CHECKING:
    from glassnet.data.dataset import Dataset
    from glassnet.model import Sequential


@click.command("trace", short_help="Show every number of one pass, forward and backward.")
@click.argument("name")
@arguments.layers_option(default="2")
@click.option("--activation", metavar="NAME", default="sigmoid", show_default=True, help="Of the hidden layers.")
@click.option("--row", metavar="N", type=click.IntRange(min=0), help="Training row, from 0.  [default: the first with fewest zeros]")
@click.option("--epochs", metavar="N", type=click.IntRange(min=0), default=0, show_default=True, help="Train so long before looking.")
@arguments.optimizer_option(default="sgd")
@arguments.learning_rate_option(default=0.1)
@click.option("--neuron", type=arguments.Unit(), multiple=True, help="Show this neuron's arithmetic instead, as dense_1:0.")
@click.option("--layer", metavar="LAYER", multiple=True, help="Show this layer's matrices instead, as dense_1.")
@arguments.seed_option
@arguments.json_option
def command(
    name: str, row: int | None, epochs: int, neuron: tuple[tuple[str, int], ...], layer: tuple[str, ...], as_json: bool, **settings: Any
) -> None:
    """Show every number of one row's way through a small network on the data set NAME: forward, backward, and the
    update that the optimizer would make.

    \b
    glassnet trace xor --layers 2
    glassnet trace xor --layers 2 --neuron dense_1:0         one neuron, and each weight's gradient by the chain rule
    glassnet trace xor --layers 2 --layer dense_1            x W + b, and the bias trick
    glassnet trace iris --layers 3 --row 100 --epochs 50     after training
    """
    from glassnet.cli import printing, proposal
    from glassnet.data.datasets import load

    if as_json and (neuron or layer):
        raise click.UsageError("--json holds every number already: leave out --neuron and --layer.")
    data = load(name)
    row = telling_row(data) if row is None else row
    if row >= len(data.x):
        raise click.BadParameter(f"expected a row from 0 to {len(data.x) - 1}. Received: {row}.", param_hint="'--row'")
    model = proposal.propose(data, settings, dropout=0.0, adapted=True)
    if epochs:
        model.fit(data.x, data.y, epochs=epochs, verbose=0, seed=settings["seed"])
    traced = model.trace(data.x[row : row + 1], data.y[row : row + 1])
    if as_json:
        printing.print_json({"dataset": name, "row": row, "epochs": model.epoch, "seed": settings["seed"]} | traced.to_dict())
        return
    parts = [traced.layer(which) for which in layer] + [traced.neuron(which, unit) for which, unit in neuron]
    printing.print_wrapped(heading(data, row, model))
    click.echo("\n\n".join(parts or [str(traced)]))


def telling_row(data: Dataset) -> int:
    """The first training row with the fewest zeros: a zero hides the weights that it is multiplied by."""
    import numpy as np

    return int(np.count_nonzero(data.x.reshape(len(data.x), -1), axis=1).argmax())


def heading(data: Dataset, row: int, model: Sequential) -> str:
    """Which row meets which network, in one line."""
    from glassnet.cli import proposal

    meaning = data.class_names[int(data.y[row])] if data.class_names else f"{data.y[row]:g}"
    age = f"after {model.epoch} epochs" if model.epoch else "untrained"
    return f"{data.name}, row {row} ({meaning}): {proposal.sketch(model)}, {age}"
