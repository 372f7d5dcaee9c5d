"""Arguments that several commands share: parameter types and options."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


MAX_DIGITS = 9
"""Maximum number of digits of a size on the command line."""


def is_count(text: str) -> bool:
    """Return whether a text is a number >= 1 of at most `MAX_DIGITS` digits."""
    return text.isdecimal() and len(text) <= MAX_DIGITS and int(text) >= 1


class Widths(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """The units of the hidden layers: `64,32` becomes (64, 32) and `none` becomes ()."""

    name = "widths"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        text = str(value).strip()
        parts = [] if text == "none" else text.split(",")
        if not all(is_count(part.strip()) for part in parts):
            expected = "the units of the hidden layers, such as 64 or 64,32, or none"
            self.fail(f"expected {expected}. Received: {text!r}.", param, ctx)
        return tuple(int(part) for part in parts)


class ColumnNames(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """Names of columns: `fare,age` becomes ("fare", "age")."""

    name = "names"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        return tuple(part.strip() for part in str(value).split(",") if part.strip())


class ColumnType(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """The type of a column: `pclass=category` becomes ("pclass", "category")."""

    name = "name=type"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        column, sign, column_type = str(value).rpartition("=")
        if not sign or not column:
            expected = "a column and its type, such as pclass=category"
            self.fail(f"expected {expected}. Received: {value!r}.", param, ctx)
        return column.strip(), column_type.strip()


class HeaderLine(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """The line of the column names, counted from 1, or `none`."""

    name = "line"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        text = str(value)
        if text != "none" and (not text.isdecimal() or len(text) > 9 or int(text) < 1):
            expected = "the number of a line, counted from 1, or none"
            self.fail(f"expected {expected}. Received: {text!r}.", param, ctx)
        return text if text == "none" else int(text)


class CountOrWord(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """A number of things >= 1, or a word.

    Args:
        name: the things, for messages.
        word: the word.
    """

    def __init__(self, name: str, word: str):
        self.name, self.word = name, word

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        text = str(value)
        if text == self.word:
            return text
        if not is_count(text):
            expected = f"a number of {self.name} >= 1, or {self.word}"
            self.fail(f"expected {expected}. Received: {text!r}.", param, ctx)
        return int(text)


BATCH_SIZE, DEVICES = CountOrWord("rows", "full"), CountOrWord("devices", "all")


class ImageSize(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """Height and width in pixels: `96` becomes (96, 96) and `72x96` becomes (72, 96)."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split("x")
        if len(parts) > 2 or not all(map(is_count, parts)):
            expected = "pixels such as 96, or height x width such as 72x96"
            self.fail(f"expected {expected}. Received: {value!r}.", param, ctx)
        return int(parts[0]), int(parts[-1])


class RowNumbers(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """Numbers of rows, counted from 0: `0,3` becomes (0, 3)."""

    name = "rows"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(part.isdecimal() and len(part) <= MAX_DIGITS for part in parts):
            expected = "numbers of rows, counted from 0, such as 0,3"
            self.fail(f"expected {expected}. Received: {value!r}.", param, ctx)
        return tuple(map(int, parts))


class Neuron(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """A layer and a unit: `dense_1:0` becomes ("dense_1", 0)."""

    name = "layer:unit"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        layer, _, unit = str(value).rpartition(":")
        if not layer or not (is_count(unit) or unit == "0"):
            expected = "a layer and a unit counted from 0, such as dense_1:0"
            self.fail(f"expected {expected}. Received: {value!r}.", param, ctx)
        return layer, int(unit)


POSITIVE = click.FloatRange(min=0, min_open=True)
FRACTION = click.FloatRange(min=0, max=1, max_open=True)
"""A number from 0 to below 1."""

DELIMITER_NAMES = {"tab": "\t", "\\t": "\t", "space": " "}

seed_option = click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Seed of the weights, the order of the rows and the noise.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)
quiet_option = click.option("--quiet", is_flag=True, help="Print the last line only.")


fill_option = click.option(
    "--fill",
    metavar="METHOD",
    type=click.Choice(["interpolate", "previous"]),
    help="Series: fill missing values: interpolate or previous.",
)


def series_options(command: CommandT) -> CommandT:
    """Add the options for time series.

    They are `--forecast`, `--time`, `--fill` and `--time-zone`.
    """
    for option in (
        click.option(
            "--time-zone",
            metavar="ZONE",
            help="Series: zone of the clock, such as Europe/Berlin.",
        ),
        fill_option,
        click.option(
            "--time",
            metavar="COLUMN",
            multiple=True,
            help="Series: column of dates, years, or months (with a year); twice for a date and a "
            "time of day.  [default: row order]",
        ),
        click.option(
            "--forecast",
            metavar="N",
            type=click.IntRange(min=1),
            help="Series: learn to forecast the next N steps.",
        ),
    ):
        command = option(command)
    return command


task_option = click.option(
    "--task",
    type=click.Choice(["classes", "numbers"]),
    help="Table: kind of target.  [default: inferred]",
)
column_option = click.option(
    "--column",
    "column_types",
    metavar="NAME=TYPE",
    type=ColumnType(),
    multiple=True,
    callback=lambda ctx, param, value: dict(value),
    help="Table: type of a column: number, category, boolean, date or drop. Repeatable.",
)


def table_options(command: CommandT) -> CommandT:
    """Add the options for tables.

    They are `--target`, `--features`, `--column`, `--target-transform` and `--task`.
    """
    for option in (
        task_option,
        click.option(
            "--target-transform",
            metavar="log",
            type=click.Choice(["log"]),
            help="Table: learn the logarithm of the target.",
        ),
        column_option,
        click.option(
            "--features",
            metavar="COLUMN,...",
            type=ColumnNames(),
            default="",
            help="Table: columns to learn from.  [default: all]",
        ),
        click.option("--target", metavar="COLUMN", help="Table: column to predict."),
    ):
        command = option(command)
    return command


def csv_options(command: CommandT) -> CommandT:
    """Add the options of `data.read_table`; the command gets those in use as the dict `csv`."""

    @functools.wraps(command)
    def run(*args: Any, **params: Any) -> Any:
        names = ("delimiter", "decimal", "thousands", "missing", "header", "names")
        csv = {name: params.pop(name) for name in names}
        csv = {name: value for name, value in csv.items() if value is not None}
        if csv.get("header") == "none":
            csv["header"] = None
        return command(*args, **params, csv=csv)

    decorated: Any = run
    for option in (*_sign_options(), *_cell_options()):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _cell_options() -> Iterator[Callable[[Any], Any]]:
    """Yield the options about the header and missing values, the last one first."""
    yield click.option(
        "--missing",
        metavar="[COLUMN=]WORD,...",
        multiple=True,
        callback=lambda ctx, param, value: _parse_missing(value),
        help="CSV: words and numbers (-999) that mean a missing value. Repeatable.",
    )
    yield click.option(
        "--names",
        metavar="NAME,...",
        type=ColumnNames(),
        help="CSV: names of the columns, instead of the file's.",
    )
    yield click.option(
        "--header",
        metavar="LINE",
        type=HeaderLine(),
        help="CSV: line of the column names, counted from 1, or none.  [default: inferred]",
    )


def _sign_options() -> Iterator[Callable[[Any], Any]]:
    """Yield the options about the signs between cells and in numbers, the last one first."""
    yield click.option(
        "--thousands",
        metavar="SIGN",
        help="CSV: sign between groups of three digits.  [default: inferred]",
    )
    yield click.option("--decimal", metavar="SIGN", help="CSV: decimal sign.  [default: inferred]")
    yield click.option(
        "--delimiter",
        metavar="CHARACTER",
        callback=lambda ctx, param, value: DELIMITER_NAMES.get(value, value),
        help="CSV: character between cells, or tab, or space for blanks.  [default: inferred]",
    )


def _parse_missing(
    values: tuple[str, ...],
) -> list[str | float] | dict[str, list[str | float]] | None:
    """Return the words and numbers, all together or by column; None if there are none.

    Raises:
        click.BadParameter: words with and without a column.
    """
    if not values:
        return None
    pairs = [value.rpartition("=") for value in values]
    words = [[_to_number(word) for word in text.split(",") if word.strip()] for _, _, text in pairs]
    if not any(sign for _, sign, _ in pairs):
        return [word for each in words for word in each]
    if not all(sign for _, sign, _ in pairs):
        raise click.BadParameter(
            "expected words for all columns or words for single columns, not both."
        )
    return {column: each for (column, _, _), each in zip(pairs, words, strict=True)}


def _to_number(word: str) -> str | float:
    """Return the number in a word such as -200, or the word."""
    return float(word) if re.fullmatch(r"\s*[+-]?\d+(\.\d+)?\s*", word) else word


def images_options(command: CommandT) -> CommandT:
    """Add the options for folders of images: `--size` and `--augment`."""
    for option in (
        click.option(
            "--augment/--no-augment",
            default=None,
            help="Images: mirror and shift them randomly.  [default: on below 2,000 images]",
        ),
        click.option(
            "--size",
            metavar="N|HxW",
            type=ImageSize(),
            help="Images: size in pixels.  [default: that of the files, at most 96]",
        ),
    ):
        command = option(command)
    return command


def layers_option(default: str | None) -> Callable[[CommandT], CommandT]:
    """Return the option `--layers`; with None, the default depends on the data."""
    suffix = "" if default else "  [default: 128; images: 32,64,128]"
    return click.option(
        "--layers",
        metavar="N,N,...",
        type=Widths(),
        default=default,
        show_default=bool(default),
        help=f"Units of the hidden layers, such as 64,32, or none.{suffix}",
    )


def optimizer_option(default: str) -> Callable[[CommandT], CommandT]:
    """Return the option `--optimizer`."""
    return click.option(
        "--optimizer",
        metavar="NAME",
        default=default,
        show_default=True,
        help="Optimizer, such as adam, sgd or rmsprop.",
    )


def learning_rate_option(default: float | None) -> Callable[[CommandT], CommandT]:
    """Return the option `--learning-rate`; with None, the default is the optimizer's."""
    suffix = "" if default else "  [default: the optimizer's]"
    return click.option(
        "--learning-rate",
        metavar="RATE",
        type=POSITIVE,
        default=default,
        show_default=bool(default),
        help=f"Learning rate.{suffix}",
    )


groups_option = click.option(
    "--groups",
    metavar="COLUMN",
    help="Table: column of groups, such as patients, each of which is in one fold.",
)


def folds_option(default: int | None, use: str) -> Callable[[CommandT], CommandT]:
    """Return the option `--folds` with its use."""
    return click.option(
        "--folds",
        metavar="N",
        type=click.IntRange(min=2),
        default=default,
        show_default=default is not None,
        help=use,
    )


def data_options(command: CommandT) -> CommandT:
    """Add the options for data of all kinds, which `jobs.resolve.take_job` reads."""
    for add in (images_options, series_options, csv_options, table_options):
        command = add(command)
    return command


def network_options(command: CommandT) -> CommandT:
    """Add the options for one network and its training.

    They are `--layers`, `--activation`, `--dropout`, `--learning-rate`, `--optimizer`,
    `--batch-size`, and those of `fit_options`.
    """
    for option in (
        fit_options,
        optimizer_option(default="adam"),
        learning_rate_option(default=None),
        click.option(
            "--batch-size",
            metavar="N",
            type=BATCH_SIZE,
            help="Rows per step, or full.  [default: 32; fewer for few images]",
        ),
        click.option(
            "--dropout",
            metavar="RATE",
            type=FRACTION,
            help="Dropout after the hidden layers.  "
            "[default: 0; tables: 0.3; series and images: 0.5]",
        ),
        click.option(
            "--activation",
            metavar="NAME",
            default="relu",
            show_default=True,
            help="Activation of the hidden layers.",
        ),
        layers_option(default=None),
    ):
        command = option(command)
    return command


def fit_options(command: CommandT) -> CommandT:
    """Add the options for the length of the training.

    They are `--epochs`, `--validation-split` and `--patience`.
    """
    for option in (
        click.option(
            "--patience",
            metavar="N",
            type=click.IntRange(min=1),
            help="Stop after N epochs without improvement and restore the best weights.",
        ),
        click.option(
            "--validation-split",
            metavar="FRACTION",
            type=FRACTION,
            help="Validation data.  "
            "[default: 0.1; 0 for few rows, for series, and for folds without --patience]",
        ),
        click.option(
            "--epochs",
            metavar="N",
            type=click.IntRange(min=0),
            help="Number of epochs.  [default: enough for 1,000 steps; images: 300 steps]",
        ),
    ):
        command = option(command)
    return command
