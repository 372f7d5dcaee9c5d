"""What several commands take: how they are typed, and what they turn into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


class Widths(click.ParamType):
    """`64,32` as (64, 32); `none` as ()."""

    name = "widths"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        text = str(value).strip()
        parts = [] if text == "none" else text.split(",")
        if not all(part.strip().isdecimal() and int(part) > 0 for part in parts):
            self.fail(
                f"expected units of the hidden layers such as 64 or 64,32, or none. Received: {text!r}.",
                param,
                ctx,
            )
        return tuple(int(part) for part in parts)


class ColumnNames(click.ParamType):
    """`fare,age` as ("fare", "age")."""

    name = "names"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class BatchSize(click.ParamType):
    """A whole number of rows, or `full`."""

    name = "rows"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        text = str(value)
        if text == "full":
            return text
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"expected a number of rows >= 1, or full. Received: {text!r}.", param, ctx)
        return int(text)


class ImageSize(click.ParamType):
    """`96` as (96, 96); `72x96` as (72, 96)."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split("x")
        if len(parts) > 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
            self.fail(
                f"expected pixels such as 96, or height x width as 72x96. Received: {value!r}.",
                param,
                ctx,
            )
        return int(parts[0]), int(parts[-1])


class Neuron(click.ParamType):
    """`dense_1:0` as ("dense_1", 0)."""

    name = "layer:unit"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        layer, _, unit = str(value).rpartition(":")
        if not layer or not unit.isdecimal():
            self.fail(
                f"expected a layer and a unit counted from 0, such as dense_1:0. Received: {value!r}.",
                param,
                ctx,
            )
        return layer, int(unit)


POSITIVE = click.FloatRange(min=0, min_open=True)
FRACTION = click.FloatRange(min=0, max=1, max_open=True)
"""From 0 to below 1."""

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")

seed_option = click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Of the weights, the order of rows and the noise.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else, for programs."
)


def check_output_path(path: str, option: str) -> Path:
    """Where a file is to go, refused before the work rather than after it.

    Raises:
        click.BadParameter: its folder does not exist, or it is one itself.
    """
    place = Path(path)
    if place.is_dir() or not place.parent.is_dir():
        raise click.BadParameter(
            f"expected a file in a folder that exists. Received: {path!r}.",
            param_hint=f"'{option}'",
        )
    return place


def check_figure_path(path: str, option: str) -> Path:
    """Where a figure is to go, refused before the work rather than after it.

    Raises:
        click.BadParameter: another ending than `FIGURE_SUFFIXES`; see `check_output_path`.
    """
    if Path(path).suffix.lower() not in FIGURE_SUFFIXES:
        raise click.BadParameter(
            f"expected a file that ends in {', '.join(FIGURE_SUFFIXES)}. Received: {path!r}.",
            param_hint=f"'{option}'",
        )
    return check_output_path(path, option)


def series_options(command: Command) -> Command:
    """The options `--forecast` and `--time`: what a series is to be learned for."""
    for option in (
        click.option(
            "--time",
            metavar="COLUMN",
            help="Of a series: when, as days, years, months (beside a year).  [default: row by row]",
        ),
        click.option(
            "--forecast",
            metavar="N",
            type=click.IntRange(min=1),
            help="Of a table in time: learn its next N steps.",
        ),
    ):
        command = option(command)
    return command


def table_options(command: Command) -> Command:
    """The options `--target`, `--features`, `--target-transform` and `--task`: what a table is to
    be learned for.
    """
    for option in (
        click.option(
            "--task",
            type=click.Choice(["classes", "numbers"]),
            help="What a table's target is.  [default: told from it]",
        ),
        click.option(
            "--target-transform",
            metavar="log",
            type=click.Choice(["log"]),
            help="Of a table: learn the target's logarithm.",
        ),
        click.option(
            "--features",
            metavar="COLUMN,...",
            type=ColumnNames(),
            default="",
            help="Of a table: learn from these.  [default: all]",
        ),
        click.option("--target", metavar="COLUMN", help="Of a table: the column to learn."),
    ):
        command = option(command)
    return command


def images_options(command: Command) -> Command:
    """The options `--size` and `--augment`: how images of a folder are learned."""
    augment = "Of a folder: mirror and shift images by chance in training, or never.  [default: below 2,000 images]"
    for option in (
        click.option("--augment/--no-augment", default=None, help=augment),
        click.option(
            "--size",
            metavar="N|HxW",
            type=ImageSize(),
            help="Of a folder: pixels of the images.  [default: theirs, at most 96]",
        ),
    ):
        command = option(command)
    return command


def layers_option(default: str | None) -> Callable[[Command], Command]:
    """The option `--layers`; None leaves the choice to the data."""
    words = "Units of the hidden layers, as 64,32; none for none." + (
        "" if default else "  [default: 128; of images 32,64,128]"
    )
    return click.option(
        "--layers",
        metavar="N,N,...",
        type=Widths(),
        default=default,
        show_default=bool(default),
        help=words,
    )


def optimizer_option(default: str) -> Callable[[Command], Command]:
    """The option `--optimizer`."""
    return click.option(
        "--optimizer",
        metavar="NAME",
        default=default,
        show_default=True,
        help="A name: adam, sgd, rmsprop, ...",
    )


def learning_rate_option(default: float | None) -> Callable[[Command], Command]:
    """The option `--learning-rate`; None is the optimizer's own."""
    words = "Of the optimizer." if default else "Of the optimizer.  [default: its own]"
    return click.option(
        "--learning-rate",
        metavar="RATE",
        type=POSITIVE,
        default=default,
        show_default=bool(default),
        help=words,
    )
