"""Files and folders that commands write: checked before the command runs, written in one step."""

from __future__ import annotations

import io
import os
import re
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from glassnet import output_files
from glassnet.cli.arguments import CommandT
from glassnet.cli.help_sections import SectionedCommand
from glassnet.errors import ConfigError, DataWarning, ModelFileError, wrap_errors
from glassnet.storage import atomic_write

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

FIGURE_SUFFIXES = (".png", ".svg", ".pdf")

PAGE_SUFFIXES = (".html", ".htm")

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")

COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zip": "zip"}
"""Suffixes of compressed tables, and pandas's names of the compressions."""

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""First characters of cells that spreadsheets run as formulas.

Source: OWASP, "CSV injection".
"""

IDX_NAME = re.compile(r"[-.]idx\d")
"""Pattern of the names of IDX files: the files of a dataset are read together."""

RUN_FILE_NAME = re.compile(r"lock|checkpoint-\d+-\d+\.glassnet")
"""Names of the files in a folder of checkpoints."""


NO_PATHS = ("", "-")
"""Values of an option that other programs take for no file, or for the screen."""


WORDS = "glassnet.words"
"""Key of the words of a command in the context of click."""

PRINT_OPTIONS = ("as_json", "quiet", "no_plot")
"""Options that do not change the result of a command."""


class OutputPath(click.ParamType):  # type: ignore[type-arg]  # generic only in new versions of click
    """The path of something that a command writes; `Command` checks it before the command runs."""

    def check(self, path: str) -> None:
        """Check the path on its own.

        Raises:
            click.BadParameter: it cannot be written, or its suffix is that of another format.
        """
        raise NotImplementedError

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        return value


class OutputFile(OutputPath):
    """A file that is written in one step."""

    name = "file"

    def check(self, path: str) -> None:
        self.check_suffix(path)
        try:
            output_files.check_writable(path)
        except (OSError, ValueError) as error:
            cause = getattr(error, "strerror", None) or error
            raise click.BadParameter(
                f"expected a file in a folder that exists. Received: "
                f"{output_files.shorten_path(path)!r}. Cause: {cause}."
            ) from error

    def check_suffix(self, path: str) -> None:
        """Refuse a suffix that is that of another format."""


class ModelFile(OutputFile):
    """A model's file."""

    def check_suffix(self, path: str) -> None:
        try:
            output_files.require_own_suffix("train", path)
        except ModelFileError as error:
            raise click.BadParameter(str(error).removeprefix("train: ")) from error


class TableFile(OutputFile):
    """A CSV file, or a Parquet file; one that ends in .tsv has tabs between its columns."""

    def check_suffix(self, path: str) -> None:
        suffix = Path(path).suffix.lower()
        written = {*TABLE_SUFFIXES, *COMPRESSIONS, ".parquet"}
        known = {*output_files.FOREIGN_SUFFIXES, ".glassnet"} - written
        if suffix in known:
            raise click.BadParameter(
                "expected a file name for a table, such as scored.csv. "
                f"Received: {output_files.shorten_path(path)!r}."
            )


class FigureFile(OutputFile):
    """A figure's file."""

    def check_suffix(self, path: str) -> None:
        if Path(path).suffix.lower() not in FIGURE_SUFFIXES:
            raise click.BadParameter(
                f"expected a file that ends in {', '.join(FIGURE_SUFFIXES)}. "
                f"Received: {output_files.shorten_path(path)!r}."
            )


class PageFile(OutputFile):
    """A web page."""

    def check_suffix(self, path: str) -> None:
        if Path(path).suffix.lower() not in PAGE_SUFFIXES:
            raise click.BadParameter(
                "expected a file that ends in .html. "
                f"Received: {output_files.shorten_path(path)!r}."
            )


class OutputFolder(OutputPath):
    """A folder of checkpoints, created if missing."""

    name = "folder"

    def check(self, path: str) -> None:
        try:
            first = Path(os.path.realpath(path))
            while not os.path.lexists(first):
                first = first.parent
            fits = os.path.isdir(first) and os.access(first, os.W_OK)
        except (OSError, ValueError):
            fits = False
        if not fits:
            raise click.BadParameter(
                "expected a folder that can be written to, not a file. "
                f"Received: {output_files.shorten_path(path)!r}."
            )


def output_option(
    name: str, path_type: OutputPath, help_text: str, default: str | None = None
) -> Callable[[CommandT], CommandT]:
    """Return the option for the path of a file or a folder that a command writes."""
    return click.option(
        name,
        metavar="FOLDER" if isinstance(path_type, OutputFolder) else "FILE",
        type=path_type,
        default=default,
        show_default=default is not None,
        help=help_text,
    )


class Command(SectionedCommand):
    """A command whose outputs are checked before it runs.

    What it writes must be writable, must not be one of its inputs, and must not be written twice.
    An input is what an argument of the command names; an option with a type of this module is an
    output.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ctx.meta[WORDS] = tuple(args)
        return super().parse_args(ctx, args)

    def describe(self, ctx: click.Context) -> list[str]:
        """Return the words of the command as they were typed, without its outputs.

        Inputs have no folders, and options that only choose what is printed are left out.
        """
        left_out = {
            name: param
            for param in self.params
            if isinstance(param.type, OutputPath) or param.name in PRINT_OPTIONS
            for name in param.opts
        }
        words, described = iter(ctx.meta[WORDS]), ["glassnet", str(ctx.info_name)]
        for word in words:
            param = left_out.get(word.partition("=")[0])
            if param is None:
                is_input = not word.startswith("-") and os.path.exists(word)
                described.append(Path(word).resolve().name if is_input else word)
            elif "=" not in word and not getattr(param, "is_flag", False):
                next(words, None)
        return described

    def invoke(self, ctx: click.Context) -> Any:
        outputs = [
            (param, ctx.params[param.name])
            for param in self.params
            if isinstance(param.type, OutputPath)
            and param.name
            and ctx.params.get(param.name) is not None
        ]
        if ctx.params.get("no_plot"):
            outputs = [(param, path) for param, path in outputs if param.name != "plot"]
        inputs = [
            str(ctx.params[param.name])
            for param in self.params
            if isinstance(param, click.Argument)
            and param.name
            and os.path.exists(str(ctx.params.get(param.name)))
        ]
        for i, (param, path) in enumerate(outputs):
            try:
                if path in NO_PATHS:
                    raise click.BadParameter(f"expected a path. Received: {path!r}.")
                _check_no_input(path, inputs, is_folder=isinstance(param.type, OutputFolder))
                _check_no_output(path, outputs[:i] + outputs[i + 1 :])
                if isinstance(param.type, OutputPath):
                    param.type.check(path)
            except click.BadParameter as error:
                error.ctx, error.param = ctx, param
                raise
        return super().invoke(ctx)


def _check_no_input(path: str, inputs: list[str], *, is_folder: bool) -> None:
    """Refuse an output that is read as an input.

    Raises:
        click.BadParameter: it is the same file, a file of an input folder, or a folder in one.
    """
    same: str | os.PathLike[str] | None
    for name in inputs:
        if os.path.isdir(name):
            is_read = is_folder or _is_image_of_class(path, name)
            same = name if is_read and _is_inside(path, name) else None
        else:
            same = output_files.find_same_file(path, _files_read_with(name))
        if same is not None:
            raise click.BadParameter(
                f"expected another path than the input {output_files.shorten_path(same)!r}, "
                "which would be lost or mixed with what is written. "
                f"Received: {output_files.shorten_path(path)!r}."
            )


def _files_read_with(name: str) -> Iterator[str | os.PathLike[str]]:
    """Yield an input file, and the other files of a dataset in IDX files."""
    yield name
    if IDX_NAME.search(os.path.basename(name).lower()):
        folder = Path(os.path.realpath(name)).parent
        if folder.is_dir():
            yield from (path for path in folder.iterdir() if IDX_NAME.search(path.name.lower()))


def _is_image_of_class(path: str, folder: str) -> bool:
    """Return whether a path is that of an image among the images of a subfolder.

    A new image would be one more image of that class in the next run.
    """
    from glassnet.data.image_files import IMAGE_SUFFIXES

    resolved = Path(os.path.realpath(path))
    if resolved.suffix.lower() not in IMAGE_SUFFIXES or not resolved.parent.is_dir():
        return False
    suffixes = {entry.suffix.lower() for entry in resolved.parent.iterdir()}
    is_class = not output_files.is_same_file(resolved.parent, folder)
    return is_class and not suffixes.isdisjoint(IMAGE_SUFFIXES)


def _is_inside(path: str, folder: str) -> bool:
    """Return whether a path is a folder or lies in it, with links followed."""
    resolved, root = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return resolved == root or root in resolved.parents


def _check_no_output(path: str, others: list[tuple[click.Parameter, str]]) -> None:
    """Refuse a path that another option writes too.

    Raises:
        click.BadParameter: it is the same file, or a file of a folder of checkpoints.
    """
    for param, other in others:
        is_run_file = (
            isinstance(param.type, OutputFolder)
            and output_files.is_same_file(os.path.dirname(path) or ".", other)
            and RUN_FILE_NAME.fullmatch(os.path.basename(path))
        )
        if is_run_file or output_files.is_same_file(path, other):
            raise click.BadParameter(
                f"expected another path than that of {param.opts[0]}. "
                f"Received: {output_files.shorten_path(path)!r}."
            )


def guard_formulas(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Return a table whose text no spreadsheet runs as formulas: an apostrophe stands before it.

    Numbers, also those written as text, are never formulas. A warning says how many cells changed.
    """
    import pandas

    n_formulas, columns = 0, {}
    for i, name in enumerate(frame.columns):
        column = frame.iloc[:, i]
        if column.dtype.kind not in "biufM":
            found = column.map(is_formula).astype(bool)
            n_formulas += int(found.sum())
            column = column.where(~found, "'" + column.astype(str))
        n_formulas += is_formula(name)
        columns[i] = column
    if not n_formulas:
        return frame
    warn_about_formulas(n_formulas)
    names = [f"'{name}" if is_formula(name) else name for name in frame.columns]
    return pandas.DataFrame(columns).set_axis(names, axis=1)


def warn_about_formulas(n_formulas: int) -> None:
    """Warn that an apostrophe was put before cells."""
    cells = "1 cell" if n_formulas == 1 else f"{n_formulas:,} cells"
    text = (
        f"an apostrophe was put before {cells} that a spreadsheet may run as formulas; "
        "--no-safe-csv leaves it out."
    )
    warnings.warn(text, DataWarning, stacklevel=3)


def is_formula(value: object) -> bool:
    """Return whether a spreadsheet may run a cell's text as a formula.

    Example:
        >>> [is_formula(value) for value in ("=1+1", "-5.2", "-x", "-", -5.2, "a=b")]
        [True, False, True, False, False, False]
    """
    if not isinstance(value, str) or not value.startswith(FORMULA_SIGNS) or value in "+-":
        return False
    try:
        float(value.replace(",", ""))
    except ValueError:
        return True
    return value[0] in "\t\r"


def write_table(path: str, frame: pandas.DataFrame) -> None:
    """Write a table as CSV or Parquet in one step.

    The suffix chooses the format, the separator and the compression.

    Raises:
        OSError: the file cannot be written.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    compression = COMPRESSIONS.get(suffixes[-1]) if suffixes else None
    buffer = io.BytesIO()
    if suffixes and suffixes[-1] == ".parquet":
        with wrap_errors("predict", "pyarrow, which writes Parquet files", error=ConfigError):
            frame.to_parquet(buffer, index=False)
        atomic_write.write(Path(path), buffer.getvalue())
        return
    frame.to_csv(
        buffer,
        index=False,
        sep="\t" if ".tsv" in suffixes else ",",
        compression=compression,
    )
    atomic_write.write(Path(path), buffer.getvalue())


def write_figure(path: str, figure: Figure) -> None:
    """Write a figure in one step, in the format of the suffix.

    Raises:
        OSError: the file cannot be written.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format=Path(path).suffix.removeprefix(".").lower())
    atomic_write.write(Path(path), buffer.getvalue())
