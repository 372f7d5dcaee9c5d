"""`glassnet datasets`: what there is to train on."""

from __future__ import annotations

import click

from glassnet.cli import arguments


@click.command("datasets", short_help="List what there is to train on.")
@arguments.json_option
def command(as_json: bool) -> None:
    """List the data sets: nothing is loaded or downloaded.

    \b
    glassnet datasets
    glassnet datasets --json
    """
    from glassnet.cli import output
    from glassnet.datasets import describe

    words = ("name", "task", "rows", "shape", "source", "about", "notes")
    if as_json:
        output.print_json(
            {"datasets": [{word: getattr(entry, word) for word in words} for entry in describe()]}
        )
        return
    rows = [
        (e.name, e.task, f"{e.rows:,}", "x".join(map(str, e.shape)) or "text", e.source, e.about)
        for e in describe()
    ]
    output.print_table(
        ("name", "task", "rows", "shape", "source", "what it is"), rows, right="rows"
    )
