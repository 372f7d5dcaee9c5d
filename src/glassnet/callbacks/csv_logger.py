"""Every epoch's numbers in a CSV file. Files are open only while they are written, so that none is
left open however a fit ends.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from glassnet.callbacks.callback import Callback
from glassnet.engine.loop import Record
from glassnet.errors import ConfigError, message, require


@contextmanager
def report_write_errors(who: str, path: Path) -> Iterator[None]:
    """What the operating system refuses in this block, in the house's words.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise ConfigError(
            message(
                who, "a file that can be written", path=str(path), fix=f"It said: {error.strerror}."
            )
        ) from error


@dataclass(frozen=True)
class CSVLogger(Callback):
    """Write a row per epoch to a CSV file: the epoch (counted from 0), then the logged numbers,
    their names sorted as Keras sorts them.

    A row is on disk as soon as its epoch has ended. Without validation rows Keras adds val_ columns
    of NA; here there are none.

    Args:
        filename: the file, in a folder that exists.
        separator: the one character between columns.
        append: whether to add to a file of the same columns, as a second fit may, rather than begin
            it anew.

    Raises:
        ConfigError: an argument out of range; at `fit`, a file that cannot be written, or one of
            other columns to append to.

    Example:
        >>> CSVLogger("log.csv", append=True)
        CSVLogger(filename='log.csv', separator=',', append=True)

    Source: Keras's CSVLogger.
    """

    filename: str | os.PathLike[str]
    separator: str = ","
    append: bool = False

    def __post_init__(self):
        require(
            isinstance(self.filename, str | os.PathLike),
            "CSVLogger",
            "filename to be a path",
            filename=self.filename,
        )
        one = isinstance(self.separator, str) and len(self.separator) == 1
        require(one, "CSVLogger", "separator to be one character", separator=self.separator)

    def on_train_begin(self, names: tuple[str, ...]) -> None:
        columns = ["epoch", *sorted(names)]
        with self._open() as file:
            found = next(csv.reader(file.read().splitlines(), delimiter=self.separator), [])
        fix = "Give another filename, or append=False to write over it."
        same = not self.append or found in ([], columns)
        require(
            same,
            "CSVLogger",
            f"a file with the columns {', '.join(columns)}",
            found=", ".join(found),
            fix=fix,
        )

    def init(self) -> int:
        """How many bytes the file has: where a run is taken up again, rows that it has written
        since are taken back.
        """
        with self._open() as file:
            if not self.append:
                file.truncate(0)
            elif (text := file.read()) and not text.endswith("\n"):
                file.write("\r\n")
            return file.seek(0, os.SEEK_END)

    def update(self, memory: int, record: Record) -> tuple[int, None]:
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
