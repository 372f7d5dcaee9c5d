"""`glassnet summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    pass


@click.command("summary", short_help="Say what a saved model is.")
@click.argument("model", metavar="MODEL")
def command(model: str) -> None:
    """Print the layers of the network in MODEL, what it takes, and how it was trained.

    \b
    glassnet summary titanic.glassnet
    """
    from glassnet.models.load import load

    network = load(model)
    network.summary()
    if network.history is not None:
        last = ", ".join(
            f"{name} {values[-1]:.4g}" for name, values in network.history.history.items()
        )
        click.echo(f"trained for {network.epoch} epochs: {last}")
