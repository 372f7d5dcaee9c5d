"""`glassnet launch`: run a script in several processes that train together."""

from __future__ import annotations

from pathlib import Path

import click

from glassnet.cli.process_launcher import launch


@click.command(
    "launch",
    short_help="Run a script in several processes that train together.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option(
    "-n",
    "--processes",
    "n_processes",
    metavar="N",
    type=click.IntRange(min=1),
    required=True,
    help="Number of processes on this machine.",
)
@click.option(
    "--retries",
    metavar="K",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Run the script again, up to K times, if a process ends with an error.",
)
@click.option(
    "--port",
    metavar="PORT",
    type=click.IntRange(min=1, max=65535),
    help="Port of process 0.  [default: a free one]",
)
@click.argument("script", metavar="SCRIPT", type=click.Path(path_type=Path))
@click.argument("arguments", metavar="[ARGUMENTS]...", nargs=-1, type=click.UNPROCESSED)
def command(
    n_processes: int, retries: int, port: int | None, script: Path, arguments: tuple[str, ...]
) -> int:
    """Run SCRIPT in N processes, which `gn.distribute()` in its first line connects.

    The output of all processes is passed through. If one ends with an error, all others are ended,
    and a line says which one it was. Process I uses GPU number I, if there are GPUs. With `resume=`
    in its `fit`, a script that is run again goes on from the last checkpoint.

    \b
    glassnet launch -n 2 train.py
    glassnet launch -n 4 --retries 3 train.py --epochs 100
    """
    if not script.is_file():
        raise click.UsageError(f"expected a Python file that exists. Received: {str(script)!r}.")
    if b"distribute(" not in script.read_bytes():
        text = f"{script} does not call gn.distribute(). Unless a module that it imports does,"
        click.echo(f"glassnet launch: {text} each process runs alone.", err=True)
    return launch(n_processes, [str(script), *arguments], retries, port)
