"""`glassnet datasets`: list the datasets."""

from __future__ import annotations

import click

from glassnet.cli import arguments


@click.command("datasets", short_help="List the datasets that can be used by name.")
@arguments.json_option
def command(as_json: bool) -> None:
    """List the datasets that can be used by name. Nothing is loaded or downloaded.

    \b
    glassnet datasets
    glassnet datasets --json
    """
    from glassnet.cli import output
    from glassnet.datasets import describe

    keys = ("name", "task", "rows", "shape", "source", "about", "notes")
    if as_json:
        output.print_json(
            {"datasets": [{key: getattr(entry, key) for key in keys} for entry in describe()]}
        )
        return
    rows = [
        (e.name, e.task, f"{e.rows:,}", "x".join(map(str, e.shape)) or "text", e.source, e.about)
        for e in describe()
    ]
    headings = ("name", "task", "rows", "shape", "source", "description")
    output.print_table(headings, rows, right=["rows"])
