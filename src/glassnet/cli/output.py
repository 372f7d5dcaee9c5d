"""How results look: JSON for programs, a curve in one line, a table that is rich on a terminal and
plain in a pipe.
"""

from __future__ import annotations

import itertools
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

import click

SPARK_BLOCKS = "▁▂▃▄▅▆▇█"


def print_json(result: Any) -> None:
    """One JSON object; numbers that JSON has no word for become null."""
    text = json.dumps(result, default=_to_json_value)
    click.echo(json.dumps(json.loads(text, parse_constant=lambda name: None), ensure_ascii=False))


def _to_json_value(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def print_wrapped(line: str) -> None:
    """A line that a narrow terminal breaks between words; unbroken in a pipe."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else len(line) + 1
    click.echo(
        "\n".join(textwrap.wrap(line, width, subsequent_indent="  ", break_on_hyphens=False))
    )


def sparkline(values: Sequence[float], width: int = 24) -> str:
    """A curve in one line of at most `width` blocks, each the mean of its stretch of values.

    Example:
        >>> sparkline([8, 4, 2, 1, 1])
        '█▄▂▁▁'
    """
    count = min(width, len(values))
    cuts = [round(i * len(values) / count) for i in range(count + 1)] if count else []
    means = [sum(values[a:b]) / (b - a) for a, b in itertools.pairwise(cuts)]
    low, high = min(means, default=0.0), max(means, default=0.0)
    top = len(SPARK_BLOCKS) - 1
    return "".join(
        SPARK_BLOCKS[round((value - low) / (high - low) * top) if high > low else 0]
        for value in means
    )


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]], right: str = "") -> None:
    """A rich table on a terminal; aligned columns without any decoration elsewhere.

    Args:
        columns: their headings.
        rows: a text for every column.
        right: the heading of the column that is aligned right.
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
                justify="right" if column == right else "left",
                no_wrap=i < last,
                style=None if i else "cyan",
            )
        for row in rows:
            table.add_row(*row)
        Console().print(table)
        return
    widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = [
            cell.rjust(w) if c == right else cell.ljust(w)
            for cell, w, c in zip(row, widths, columns, strict=True)
        ]
        click.echo("  ".join(cells).rstrip())
