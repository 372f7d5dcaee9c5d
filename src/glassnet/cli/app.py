"""The command group and its exit codes."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import re
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from glassnet._version import __version__
from glassnet.cli.commands import (
    cross_validate,
    datasets,
    diagnose,
    evaluate,
    forecast,
    inspect,
    launch,
    predict,
    studio,
    summary,
    sweep,
    trace,
    train,
)
from glassnet.cli.output import EXIT_INTERRUPTED, EXIT_USAGE_ERROR, EXIT_WRITE_ERROR
from glassnet.errors import GlassnetError
from glassnet.output_files import shorten_path

ARGUMENTS = {
    r'column_types=\{"([^"{}]+)": "?(\w+|\.\.\.)"?\}': r'--column "\1=\2"',
    r"Pass folds=(\d+)(, or KFold\([^)]*\) of scikit-learn, [^.]*)?": r"Use --folds \1",
    r"features=\('([^']+)', '([^']+)'\)": r'--features "\1,\2"',
}
"""Arguments that messages propose, and the options that the commands have for them."""


class CommandGroup(click.Group):
    """A group of commands that reports every error and warning in one line on stderr.

    The exit code is 2 for a user's mistake, 1 for output that cannot be written, 3 for a training
    that learned nothing because its loss was not finite, and 130 for Ctrl-C.
    """

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        *others: Any,
        **extra: Any,
    ) -> NoReturn:
        atexit.register(gc.freeze)  # a search for garbage would be a fifth of a short command
        extra["standalone_mode"] = False
        prepare_streams()
        try:
            with warnings.catch_warnings():
                warnings.showwarning = lambda text, *args, **kwargs: print_to_stderr(text)
                code = super().main(args, prog_name or "glassnet", *others, **extra)
            sys.stdout.flush()
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
            code = EXIT_USAGE_ERROR
        except click.UsageError as error:
            hint = f"See {error.ctx.command_path} --help." if error.ctx else ""
            print_to_stderr(error.format_message(), hint)
            code = EXIT_USAGE_ERROR
        except click.ClickException as error:
            print_to_stderr(error.format_message())
            code = EXIT_USAGE_ERROR
        except GlassnetError as error:
            print_to_stderr(error)
            code = EXIT_USAGE_ERROR
        except (click.Abort, KeyboardInterrupt):
            print_to_stderr("interrupted")
            code = EXIT_INTERRUPTED
        except BrokenPipeError:
            drop_output()
            code = EXIT_WRITE_ERROR
        except OSError as error:
            what = shorten_path(error.filename) if error.filename else "the output"
            print_to_stderr(f"cannot read or write {what}: {error.strerror or error}.")
            drop_output()
            code = EXIT_WRITE_ERROR
        sys.exit(code if isinstance(code, int) else 0)


def prepare_streams() -> None:
    """Open standard streams that are closed, and print characters that a stream does not have as ?.

    The next file that is opened would otherwise take the place of a closed standard output.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            with contextlib.suppress(OSError):
                handle = os.open(os.devnull, os.O_RDWR)
                if handle != number:
                    os.dup2(handle, number)
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def drop_output() -> None:
    """Send what is left to print to nowhere, so that Python does not fail when it ends."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_to_stderr(*parts: object) -> None:
    """Print one line on stderr, if it can be written.

    Very long words are shortened. Arguments of `fit` are written as options.
    """
    text = f"glassnet: {' '.join(map(str, parts))}"
    for argument, option in ARGUMENTS.items():
        text = re.sub(argument, option, text)
    words = text.split()
    with contextlib.suppress(OSError):
        click.echo(" ".join(map(shorten_path, words)), err=True)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="`glassnet COMMAND --help` shows the options and examples of a command.",
)
@click.version_option(__version__, message="glassnet %(version)s")
def main() -> None:
    """Neural networks with glass walls: train them, and see every number inside.

    \b
    glassnet datasets                  the datasets that can be used by name
    glassnet trace xor --layers 2      every number of a tiny network, forward and backward
    glassnet train digits              a network for handwritten digits, in seconds
    glassnet train titanic.csv --target survived --out titanic.glassnet
    glassnet studio                    the network in the browser, step by step
    glassnet diagnose titanic.csv --target survived
    glassnet cross-validate titanic.csv --target survived --folds 10
    glassnet sweep titanic.csv --target survived --learning-rate 1e-4..1e-1 --layers 16 --layers 64
    glassnet inspect mistakes titanic.glassnet test.csv --out mistakes.png
    glassnet predict titanic.glassnet new.csv --out scored.csv
    glassnet train flights.csv --target passengers --forecast 12 --time month --out flights.glassnet
    glassnet forecast flights.glassnet --steps 24
    glassnet launch -n 2 train.py      a script in two processes that train together
    """


for module in (
    train,
    studio,
    diagnose,
    cross_validate,
    sweep,
    trace,
    evaluate,
    inspect,
    predict,
    forecast,
    launch,
    summary,
    datasets,
):
    main.add_command(module.command)
