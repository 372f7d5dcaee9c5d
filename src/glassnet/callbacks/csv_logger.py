"""Callback that logs every epoch to a CSV file."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from glassnet.callbacks.callback import Callback
from glassnet.engine.loop import Record
from glassnet.errors import ConfigError, message, require
from glassnet.file_paths import to_path
from glassnet.output_files import resolve_output, shorten_path
from glassnet.processes import exchange


@contextmanager
def report_write_errors(who: str, path: Path) -> Iterator[None]:
    """Raise an `OSError` inside the block as `ConfigError`.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        yield
    except (OSError, ValueError) as error:
        fix = f"Cause: {getattr(error, 'strerror', None) or error}."
        text = message(who, "a file that can be written", path=shorten_path(path), fix=fix)
        raise ConfigError(text) from error


@dataclass(frozen=True)
class CSVLogger(Callback):
    """Log every epoch to a CSV file.

    Each row contains the epoch (counted from 0) and the logged numbers, sorted by name. The file is
    closed after every epoch. Keras adds val_ columns of NA if there is no validation data; Glassnet
    omits them. Of several processes, the first writes.

    Args:
        filename: path of the file, in an existing folder.
        separator: character between columns.
        append: whether to append to an existing file with the same columns. False overwrites an
            earlier log; another file, such as a table, is refused (Keras overwrites it).

    Raises:
        ConfigError: an argument is out of range; in `fit`, the file cannot be written, or has other
            columns and `append` is True.

    Example:
        >>> CSVLogger("log.csv", append=True)
        CSVLogger(filename='log.csv', separator=',', append=True)

    Source: Keras's CSVLogger.
    """

    filename: str | os.PathLike[str]
    separator: str = ","
    append: bool = False

    def __post_init__(self) -> None:
        to_path(self.filename, "CSVLogger", "filename to be a path", argument="filename")
        require(
            isinstance(self.separator, str) and len(self.separator) == 1,
            "CSVLogger",
            "separator to be one character",
            separator=self.separator,
        )

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        if not exchange.is_first():
            return
        expected = ["epoch", *sorted(names)]
        with report_write_errors("CSVLogger", Path(self.filename)):
            resolve_output(self.filename)
        with self._open() as file:
            columns = next(csv.reader(file.read().splitlines(), delimiter=self.separator), [])
        require(
            self.append or not columns or re.match(r"epoch\b", columns[0]),
            "CSVLogger",
            "a new file, or a log of epochs to overwrite",
            filename=shorten_path(self.filename),
            columns=", ".join(columns)[:80],
            fix="Choose another filename, or delete the file.",
        )
        require(
            not self.append or columns in ([], expected),
            "CSVLogger",
            f"a file with the columns {', '.join(expected)}",
            columns=", ".join(columns),
            fix="Choose another filename, or append=False to overwrite the file.",
        )

    def init(self) -> int:
        """Return the file's size in bytes; a resumed run removes the rows after that size."""
        if not exchange.is_first():
            return 0
        with self._open() as file:
            if not self.append:
                file.truncate(0)
            elif (text := file.read()) and not text.endswith("\n"):
                file.write("\r\n")
            return file.seek(0, os.SEEK_END)

    def update(self, memory: int, record: Record) -> tuple[int, None]:
        if not exchange.is_first():
            return memory, None
        with self._open() as file:
            size = file.truncate(min(memory, file.seek(0, os.SEEK_END)))
            names = sorted(record.logs)
            if not size:
                self._write_row(file, ["epoch", *names])
            self._write_row(file, [record.epoch, *(record.logs[name] for name in names)])
            return file.tell(), None

    @contextmanager
    def _open(self) -> Iterator[IO[str]]:
        with (
            report_write_errors("CSVLogger", Path(self.filename)),
            open(self.filename, "a+", newline="", encoding="utf-8", errors="replace") as file,
        ):
            file.seek(0)
            yield file

    def _write_row(self, file: IO[str], row: list[Any]) -> None:
        csv.writer(file, delimiter=self.separator).writerow(row)
