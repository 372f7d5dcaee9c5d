"""Callback that logs every epoch to TensorBoard event files."""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from glassnet.callbacks.callback import Callback
from glassnet.callbacks.csv_logger import report_write_errors
from glassnet.engine.epoch_runner import Logs
from glassnet.engine.loop import Record
from glassnet.errors import ConfigError, message
from glassnet.file_paths import to_path
from glassnet.processes import exchange


@dataclass(frozen=True)
class TensorBoard(Callback):
    """Log every epoch for TensorBoard.

    Writes the scalars epoch_loss, epoch_accuracy, ... and epoch_learning_rate (of the epoch's last
    step). Training and validation values go to the subfolders `train` and `validation` under the
    same names, so TensorBoard shows them in one chart. The files are closed after every epoch. View
    them with `tensorboard --logdir logs`. Requires tensorboardX.

    Args:
        log_dir: the folder, created if missing; every fit adds new files.

    Raises:
        ConfigError: `log_dir` is not a path, or tensorboardX is not installed; in `fit`, the folder
            cannot be written.

    Example:
        >>> TensorBoard("logs/first").log_dir  # doctest: +SKIP
        'logs/first'

    Source: Keras's TensorBoard.
    """

    log_dir: str | os.PathLike[str] = "logs"

    def __post_init__(self) -> None:
        to_path(self.log_dir, "TensorBoard", "log_dir to be a path", argument="log_dir")
        try:
            import tensorboardX  # noqa: F401
        except ImportError as error:
            fix = "Run pip install 'glassnet[tensorboard]'."
            text = message("TensorBoard", "tensorboardX to be installed", fix=fix)
            raise ConfigError(text) from error

    def init(self) -> str:
        """Create the event file of the training values and return its name."""
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self._write_scalars("train", name, 0, {})
        return name

    def update(self, memory: str, record: Record) -> tuple[str, None]:
        train, validation = {}, {}
        for name, value in record.logs.items():
            if name.startswith("val_"):
                validation[name.removeprefix("val_")] = value
            else:
                train[name] = value
        train["learning_rate"] = record.learning_rate
        self._write_scalars("train", memory, record.epoch, train)
        if validation:
            self._write_scalars("validation", memory, record.epoch, validation)
        return memory, None

    def _write_scalars(self, folder: str, name: str, epoch: int, logs: Logs) -> None:
        if not exchange.is_first():
            return
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        path, now = Path(self.log_dir) / folder / name, time.time()
        scalars = [
            Summary.Value(tag=f"epoch_{key}", simple_value=value) for key, value in logs.items()
        ]
        with report_write_errors("TensorBoard", path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "ab") as file:
                if file.tell() == 0:
                    version = Event(wall_time=now, file_version="brain.Event:2")
                    file.write(frame_record(version.SerializeToString()))
                if scalars:
                    event = Event(wall_time=now, step=epoch, summary=Summary(value=scalars))
                    file.write(frame_record(event.SerializeToString()))


def frame_record(data: bytes) -> bytes:
    """Encode a record of an event file: length, its checksum, data, its checksum."""
    from tensorboardX.record_writer import masked_crc32c

    length = struct.pack("<Q", len(data))
    return (
        length
        + struct.pack("<I", masked_crc32c(length))
        + data
        + struct.pack("<I", masked_crc32c(data))
    )
