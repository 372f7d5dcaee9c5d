"""Files of tables that are written part by part."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from glassnet.cli import outputs
from glassnet.storage import atomic_write

if TYPE_CHECKING:
    import polars


class TableWriter:
    """Writes parts of a table as CSV or Parquet.

    Args:
        file: the file.
        suffix: ".parquet", ".tsv" for tabs, or another for commas.
        safe: whether an apostrophe is put before text that a spreadsheet runs as a formula.
    """

    def __init__(self, file: BinaryIO, suffix: str, *, safe: bool) -> None:
        self._file, self._suffix, self._safe = file, suffix, safe
        self._parquet: Any = None
        self.n_rows = self._n_formulas = 0

    def __enter__(self) -> TableWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._parquet is not None:
            self._parquet.close()
        if kind is None and self._n_formulas:
            outputs.warn_about_formulas(self._n_formulas)

    def write(self, part: polars.DataFrame) -> None:
        """Write rows with the columns of the first ones."""
        if self._suffix == ".parquet":
            self._write_parquet(part)
        else:
            part = self._guard(part) if self._safe else part
            separator = "\t" if self._suffix == ".tsv" else ","
            has_header = self.n_rows == 0
            part.write_csv(self._file, include_header=has_header, separator=separator)
        self.n_rows += len(part)

    def _write_parquet(self, part: polars.DataFrame) -> None:
        from pyarrow import parquet

        rows = part.to_arrow()
        if self._parquet is None:
            self._parquet = parquet.ParquetWriter(self._file, rows.schema)
        self._parquet.write_table(rows.cast(self._parquet.schema))

    def _guard(self, part: polars.DataFrame) -> polars.DataFrame:
        """Put an apostrophe before formulas in text, and count them."""
        import polars

        columns = {}
        for column in part.iter_columns():
            if column.dtype == polars.String:
                found = [text for text in column.unique() if outputs.is_formula(text)]
                self._n_formulas += int(column.is_in(found).sum()) if found else 0
                column = column.replace(found, [f"'{text}" for text in found])
            name = column.name
            columns[f"'{name}" if outputs.is_formula(name) else name] = column
        return polars.DataFrame(columns)


@contextmanager
def open_writer(path: str | None, *, safe: bool) -> Iterator[TableWriter]:
    """Open a writer of a file, in which nothing appears if the block fails.

    Args:
        path: of the file; None for the standard output.
        safe: see `TableWriter`.

    Raises:
        click.BadParameter: the suffix is that of a compressed file.
        OSError: the file cannot be written.
    """
    suffix = Path(path).suffix.lower() if path else ".csv"
    if suffix in outputs.COMPRESSIONS:
        expected = "expected a file that ends in .csv or .parquet for rows that are read in parts"
        raise click.BadParameter(f"{expected}. Received: {path!r}.")
    with ExitStack() as resources:
        file: BinaryIO = sys.stdout.buffer
        if path:
            file = resources.enter_context(atomic_write.open_replacement(Path(path)))
        yield resources.enter_context(TableWriter(file, suffix, safe=safe))
        file.flush()
