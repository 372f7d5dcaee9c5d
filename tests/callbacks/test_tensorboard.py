"""TensorBoard: event files read back record by record, with Keras's folders and names."""

import builtins
import os
import struct
from pathlib import Path

import pytest

from glassnet.callbacks import LambdaCallback, LearningRateScheduler, TensorBoard
from glassnet.errors import ConfigError
from nets import X, Y, fit_noisy, noisy_model, plain_model
from oracles import FLOAT32, close


def crc32c(data):
    """Compute Castagnoli's checksum bit by bit (RFC 3720), masked as in event files."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_the_checksum_is_castagnolis():
    """RFC 3720, B.4: the checksum of 32 zero bytes is 0x8A9136AA before masking."""
    masked = crc32c(bytes(32))
    rotated = (masked - 0xA282EAD8) & 0xFFFFFFFF
    assert (rotated >> 17 | rotated << 15) & 0xFFFFFFFF == 0x8A9136AA


def events(path):
    """Read every record of an event file and check its checksums."""
    pb = pytest.importorskip("tensorboardX.proto.event_pb2")
    data, result = Path(path).read_bytes(), []
    while data:
        size = struct.unpack("<Q", data[:8])[0]
        body = data[12 : 12 + size]
        assert struct.unpack("<I", data[8:12])[0] == crc32c(data[:8])
        assert struct.unpack("<I", data[12 + size : 16 + size])[0] == crc32c(body)
        result.append(pb.Event.FromString(body))
        data = data[16 + size :]
    return result


def scalars(folder):
    """Return {tag: [(step, value), ...]} over all event files of a folder."""
    result = {}
    for file in sorted(Path(folder).glob("events.out.tfevents.*")):
        first, *rest = events(file)
        assert first.file_version == "brain.Event:2"
        assert not any(event.file_version for event in rest)
        for event in rest:
            for value in event.summary.value:
                result.setdefault(value.tag, []).append((event.step, value.simple_value))
    return result


def board(path):
    pytest.importorskip("tensorboardX")
    return TensorBoard(path)


def test_two_fits_are_read_back(tmp_path):
    """Oracle: the histories of both fits under Keras's names, with consecutive steps."""
    model = noisy_model()
    slower = LearningRateScheduler(lambda epoch, rate: 0.02 / (1 + epoch))
    first, second = (
        fit_noisy(model, epochs, callbacks=[slower, board(tmp_path / "new" / "logs")])
        for epochs in (2, 3)
    )
    assert sorted(folder.name for folder in (tmp_path / "new" / "logs").iterdir()) == [
        "train",
        "validation",
    ]
    train, validation = (
        scalars(tmp_path / "new" / "logs" / "train"),
        scalars(tmp_path / "new" / "logs" / "validation"),
    )
    assert list(train) == ["epoch_loss", "epoch_accuracy", "epoch_learning_rate"]
    assert list(validation) == ["epoch_loss", "epoch_accuracy"]
    for result, prefix in ((train, ""), (validation, "val_")):
        for name in ("loss", "accuracy"):
            assert [step for step, _ in result[f"epoch_{name}"]] == [0, 1, 2, 3, 4]
            close(
                [value for _, value in result[f"epoch_{name}"]],
                first.history[prefix + name] + second.history[prefix + name],
                FLOAT32,
            )
    close(
        [value for _, value in train["epoch_learning_rate"]],
        [0.02 / (1 + epoch) for epoch in range(5)],
        FLOAT32,
    )


def test_without_validation_there_is_no_folder_for_it(tmp_path):
    plain_model().fit(X, Y, verbose=0, callbacks=board(tmp_path))
    assert [folder.name for folder in tmp_path.iterdir()] == ["train"]


def test_what_was_written_outlives_a_run_that_raises(tmp_path):
    with pytest.raises(ZeroDivisionError):
        plain_model().fit(
            X,
            Y,
            epochs=9,
            verbose=0,
            callbacks=[board(tmp_path), LambdaCallback(lambda epoch, logs: epoch < 2 or 1 / 0)],
        )
    assert [step for step, _ in scalars(tmp_path / "train")["epoch_loss"]] == [0, 1, 2]


def test_a_number_that_is_none_is_written_as_it_is(tmp_path):
    writer = board(tmp_path)
    writer._write_scalars("train", writer.init(), 4, {"loss": float("nan")})
    assert str(scalars(tmp_path / "train")) == "{'epoch_loss': [(4, nan)]}"


def test_tensorboardx_is_asked_for_when_it_is_missing(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("tensorboardX"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(
        ConfigError,
        match=r"TensorBoard: expected tensorboardX to be installed\. Run pip install 'glassnet\[tensorboard\]'\.",
    ):
        TensorBoard("logs")


def test_folders_that_cannot_be_used(tmp_path):
    (tmp_path / "file").touch()
    model = plain_model()
    with pytest.raises(
        ConfigError,
        match=r"TensorBoard: expected a file that can be written\. .* Cause: Not a directory\.",
    ):
        model.fit(X, Y, verbose=0, callbacks=board(tmp_path / "file"))
    assert model.epoch == 0
    with pytest.raises(
        ConfigError, match=r"TensorBoard: expected log_dir to be a path\. Received: log_dir=None"
    ):
        board(None)


def test_it_can_be_given_a_path_of_any_kind(tmp_path):
    assert board(os.fspath(tmp_path)) != board(tmp_path)
