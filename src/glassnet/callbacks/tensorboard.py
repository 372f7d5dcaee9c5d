"""Every epoch's numbers as TensorBoard reads them: event files of checksummed protocol buffers."""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

from glassnet.callbacks.callback import Callback, Logs
from glassnet.callbacks.csv_logger import report_write_errors
from glassnet.engine.loop import Record
from glassnet.errors import ConfigError, message, require


@dataclass(frozen=True)
class TensorBoard(Callback):
    """Write a scalar per epoch and logged number: epoch_loss, epoch_accuracy, ... and
    epoch_learning_rate, the rate of its last step.

    Those of the training rows go to the folder `train` in `log_dir`, those of the validation rows,
    without their val_, to `validation`: one name, two curves in one picture. They are on disk as
    soon as the epoch has ended; look at them with `tensorboard --logdir logs`. Needs tensorboardX.

    Args:
        log_dir: the folder, made where it is missing; every fit adds files of its own.

    Raises:
        ConfigError: no path; tensorboardX is not installed; at `fit`, a folder that cannot be
            written.

    Example:
        >>> TensorBoard("logs/first").log_dir  # doctest: +SKIP
        'logs/first'

    Source: Keras's TensorBoard.
    """

    log_dir: str | os.PathLike[str] = "logs"

    def __post_init__(self):
        require(
            isinstance(self.log_dir, str | os.PathLike),
            "TensorBoard",
            "log_dir to be a path",
            log_dir=self.log_dir,
        )
        try:
            import tensorboardX  # noqa: F401
        except ImportError as error:
            raise ConfigError(
                message(
                    "TensorBoard",
                    "tensorboardX",
                    fix="Install it: pip install 'glassnet[tensorboard]'.",
                )
            ) from error

    def init(self) -> str:
        """The name of this fit's event files; the one of the training rows is begun."""
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self._write_scalars("train", name, 0, {})
        return name

    def update(self, memory: str, record: Record) -> tuple[str, None]:
        held = {
            name.removeprefix("val_"): value
            for name, value in record.logs.items()
            if name.startswith("val_")
        }
        trained = {
            name: value for name, value in record.logs.items() if not name.startswith("val_")
        }
        self._write_scalars(
            "train", memory, record.epoch, trained | {"learning_rate": record.learning_rate}
        )
        if held:
            self._write_scalars("validation", memory, record.epoch, held)
        return memory, None

    def _write_scalars(self, folder: str, name: str, epoch: int, logs: Logs) -> None:
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
                    file.write(
                        frame_record(
                            Event(wall_time=now, file_version="brain.Event:2").SerializeToString()
                        )
                    )
                if scalars:
                    file.write(
                        frame_record(
                            Event(
                                wall_time=now, step=epoch, summary=Summary(value=scalars)
                            ).SerializeToString()
                        )
                    )


def frame_record(data: bytes) -> bytes:
    """One record of an event file: the length, its checksum, the data, their checksum."""
    from tensorboardX.record_writer import masked_crc32c

    length = struct.pack("<Q", len(data))
    return (
        length
        + struct.pack("<I", masked_crc32c(length))
        + data
        + struct.pack("<I", masked_crc32c(data))
    )
