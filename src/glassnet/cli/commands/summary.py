"""`glassnet summary`: describe a saved model."""

from __future__ import annotations

import click

from glassnet.formatting import format_logs


@click.command("summary", short_help="Describe a saved model.")
@click.argument("model", metavar="MODEL")
def command(model: str) -> None:
    """Print the layers of the network in MODEL, its inputs, and how it was trained.

    \b
    glassnet summary titanic.glassnet
    """
    from glassnet.models.load import load

    network = load(model)
    network.summary()
    if network.history is not None:
        logs = {name: values[-1] for name, values in network.history.history.items()}
        click.echo(f"trained for {network.epoch} epochs: {format_logs(logs)}")
