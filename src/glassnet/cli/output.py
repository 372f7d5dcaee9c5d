"""Printed output: JSON, one-line curves, tables and wrapped lines."""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import shutil
import sys
import textwrap
import warnings
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from glassnet.formatting import format_number

if TYPE_CHECKING:
    from glassnet.doctor.findings import Findings

EXIT_WRITE_ERROR, EXIT_USAGE_ERROR, EXIT_NOT_FINITE, EXIT_INTERRUPTED = 1, 2, 3, 130

SPARK_BLOCKS = "▁▂▃▄▅▆▇█"


def print_json(result: Any) -> None:
    """Print one JSON object; infinities and NaN become null."""
    text = json.dumps(result, default=_to_json_value)
    click.echo(json.dumps(json.loads(text, parse_constant=lambda name: None), ensure_ascii=False))


def _to_json_value(value: Any) -> Any:
    """Convert an array to lists and any other object to text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


@contextlib.contextmanager
def collect_warnings() -> Iterator[list[str]]:
    """Collect the texts of the warnings that are printed in the block."""
    texts: list[str] = []
    with warnings.catch_warnings():
        show = warnings.showwarning

        def collect(text: Any, *args: Any, **options: Any) -> None:
            texts.append(str(text))
            show(text, *args, **options)

        warnings.showwarning = collect  # type: ignore[assignment]
        yield texts


def print_wrapped(line: str, indent: str = "  ") -> None:
    """Print a line, wrapped between words on a terminal and unwrapped in a pipe.

    Args:
        line: the line.
        indent: what the second and further lines begin with.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(line) + 1
    click.echo(
        "\n".join(textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False))
    )


def print_verdict(findings: Findings) -> None:
    """Print the findings of the doctor, without the calls of Python that verify them."""
    from glassnet.doctor.findings import describe_findings

    for line in describe_findings(findings, has_calls=False).splitlines():
        print_wrapped(line, indent="    " if line.startswith(" ") else "  ")


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """Return a curve of at most `width` blocks, each the mean of a range of values.

    Example:
        >>> sparkline([8, 4, 2, 1, 1])
        '█▄▂▁▁'
    """
    means = average(values, width)
    low, high = min(means, default=0.0), max(means, default=0.0)
    top = len(SPARK_BLOCKS) - 1
    return "".join(
        SPARK_BLOCKS[round((value - low) / (high - low) * top) if high > low else 0]
        for value in means
    )


FLAT_RANGE = 0.01
"""A loss whose curve stays within this fraction of its size is called flat."""


def describe_losses(losses: Sequence[float], width: int) -> str:
    """Return the losses of the epochs as a curve, or say that they hardly changed.

    Example:
        >>> describe_losses([0.8, 0.4, 0.2], 24)
        'loss █▃▁'
        >>> describe_losses([0.6951, 0.6932, 0.6931], 24)
        'loss flat at 0.6931'
    """
    finite = [loss for loss in losses if math.isfinite(loss)]
    means = average(finite, width)
    if means and max(means) - min(means) <= FLAT_RANGE * max(map(abs, means)):
        return f"loss flat at {format_number(means[-1])}"
    return f"loss {sparkline(finite, width)}"


def average(values: Sequence[float], width: int) -> list[float]:
    """Return at most `width` numbers, each the mean of a range of values."""
    count = min(width, len(values))
    cuts = [round(i * len(values) / count) for i in range(count + 1)] if count else []
    return [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(cuts)]


def print_table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    right: Collection[str] = (),
    wrapped: Collection[str] = (),
) -> None:
    """Print a table: with colors on a terminal, as plain aligned columns in a pipe.

    Args:
        columns: headings.
        rows: one text per column.
        right: headings of the columns that are aligned right.
        wrapped: headings of columns that are wrapped on a narrow terminal, as the last one is.
    """
    if sys.stdout.isatty():
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table

        table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        last = len(columns) - 1
        for i, column in enumerate(columns):
            table.add_column(
                column,
                justify="right" if column in right else "left",
                no_wrap=i < last and column not in wrapped,
                style=None if i else "cyan",
            )
        for row in rows:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = [
            cell.rjust(w) if c in right else cell.ljust(w)
            for cell, w, c in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
