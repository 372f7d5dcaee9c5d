"""The command line: every command calls public functions and prints.

Importing it loads click and nothing else; JAX comes with the command that needs it, so that
`--help` answers at once.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from glassnet._version import __version__
from glassnet.cli.commands import datasets, evaluate, forecast, predict, summary, trace, train
from glassnet.errors import GlassnetError

EXIT_USAGE_ERROR, EXIT_INTERRUPTED = 2, 130


class CommandGroup(click.Group):
    """A group that says in one line what went wrong: exit code 2 for a mistake of the user's, 130
    for Ctrl-C.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *others: Any,
        **extra: Any,
    ) -> NoReturn:
        extra["standalone_mode"] = False
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda text, *place, **more: print_to_stderr(text)
                code = super().main(args, prog_name or "glassnet", *others, **extra)
            sys.stdout.flush()
        except click.UsageError as error:
            print_to_stderr(
                error.format_message(), f"See {error.ctx.command_path} --help." if error.ctx else ""
            )
            code = EXIT_USAGE_ERROR
        except (click.ClickException, GlassnetError) as error:
            print_to_stderr(
                error.format_message() if isinstance(error, click.ClickException) else error
            )
            code = EXIT_USAGE_ERROR
        except (click.Abort, KeyboardInterrupt):
            print_to_stderr("interrupted")
            code = EXIT_INTERRUPTED
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        sys.exit(code if isinstance(code, int) else 0)


def print_to_stderr(*parts: object) -> None:
    """One line on stderr."""
    click.echo(" ".join(f"glassnet: {' '.join(map(str, parts))}".split()), err=True)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="See `glassnet COMMAND --help` for examples of each.",
)
@click.version_option(__version__, message="glassnet %(version)s")
def main() -> None:
    """Neural networks with glass walls: train them, and see every number inside.

    \b
    glassnet trace xor --layers 2      every number of a tiny network, forward and backward
    glassnet train digits              a real network on real data, in seconds
    glassnet train titanic.csv --target survived --out titanic.glassnet
    glassnet predict titanic.glassnet new.csv --out scored.csv
    glassnet train flights.csv --target passengers --forecast 12 --time month --out flights.glassnet
    glassnet forecast flights.glassnet --steps 24
    glassnet datasets                  what there is to train on
    """


for command in (
    train.command,
    trace.command,
    evaluate.command,
    predict.command,
    forecast.command,
    summary.command,
    datasets.command,
):
    main.add_command(command)
