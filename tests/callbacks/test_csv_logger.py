"""CSVLogger writes the same file as Keras, keeps rows after a crash, and rejects unusable files."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from glassnet.callbacks import CSVLogger, LambdaCallback, Record
from glassnet.errors import ConfigError
from nets import X, Y, fit_noisy, noisy_model, plain_model
from oracles import close

LOGS = [
    {"loss": 0.5, "val_loss": 1 / 3, "accuracy": 1e-7, "val_accuracy": 1.0},
    {"loss": 2e9, "val_loss": 0.25, "accuracy": 1.0, "val_accuracy": 0},
]


@pytest.mark.parametrize(
    "options", [{}, {"separator": ";"}, {"append": True}], ids=["plain", "separator", "append"]
)
def test_the_file_is_kerass_to_the_byte(recorded, tmp_path, options):
    """Oracle: Keras's callback with the same logs, for two runs that overwrite or append."""

    def live(keras, every, options):
        theirs = keras.callbacks.CSVLogger(tmp_path / "theirs.csv", **options)
        for run in range(2):
            theirs.on_train_begin()
            for epoch, logs in enumerate(every):
                theirs.on_epoch_end(2 * run + epoch, dict(logs))
            theirs.on_train_end()
        return np.frombuffer((tmp_path / "theirs.csv").read_bytes(), np.uint8)

    ours = CSVLogger(tmp_path / "ours.csv", **options)
    for run in range(2):
        ours.on_train_begin(tuple(LOGS[0]))
        memory = ours.init()
        for epoch, logs in enumerate(LOGS):
            memory, _ = ours.update(memory, Record(2 * run + epoch, logs, 0.0, None, None))
    assert (tmp_path / "ours.csv").read_bytes() == recorded(
        live, [[*logs.items()] for logs in LOGS], options
    ).tobytes()


def test_pandas_reads_what_the_history_says(tmp_path):
    """Oracle: with append the file contains both histories, without it only the last."""
    file, model = tmp_path / "log.csv", noisy_model()
    logs = [
        fit_noisy(model, epochs, callbacks=CSVLogger(str(file), append=True)) for epochs in (2, 3)
    ]
    table = pd.read_csv(file, index_col="epoch")
    assert list(table.columns) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert list(table.index) == [0, 1, 2, 3, 4]
    for name in table:
        close(table[name], logs[0].history[name] + logs[1].history[name], 0)
    fit_noisy(model, 1, callbacks=CSVLogger(file))
    assert list(pd.read_csv(file)["epoch"]) == [5]


def test_without_validation_there_are_no_columns_for_it(tmp_path):
    plain_model().fit(X, Y, verbose=0, callbacks=CSVLogger(tmp_path / "log.csv"))
    assert (tmp_path / "log.csv").read_text().splitlines()[0] == "epoch,loss"


def test_rows_outlive_a_run_that_raises(tmp_path):
    file = tmp_path / "log.csv"
    with pytest.raises(ZeroDivisionError):
        plain_model().fit(
            X,
            Y,
            epochs=9,
            verbose=0,
            callbacks=[CSVLogger(file), LambdaCallback(lambda epoch, logs: epoch < 2 or 1 / 0)],
        )
    assert list(pd.read_csv(file)["epoch"]) == [0, 1, 2]


def test_rows_outlive_a_run_that_is_killed(tmp_path):
    """Oracle: a process that kills itself in its third epoch."""
    code = """
import os, sys
from glassnet.callbacks import CSVLogger, LambdaCallback
from nets import X, Y, plain_model
die = LambdaCallback(lambda epoch, logs: epoch == 2 and os.kill(os.getpid(), 9))
plain_model().fit(X, Y, epochs=9, verbose=0, callbacks=[CSVLogger(sys.argv[1]), die])
"""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    file = tmp_path / "log.csv"
    assert (
        subprocess.run(
            [sys.executable, "-c", code, file], env=os.environ | {"PYTHONPATH": path}
        ).returncode
        == -9
    )
    assert list(pd.read_csv(file)["epoch"]) == [0, 1, 2]


def test_a_last_line_without_its_end_is_ended(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("epoch,loss\n0,0.5")
    plain_model().fit(X, Y, verbose=0, callbacks=CSVLogger(file, append=True))
    assert list(pd.read_csv(file)["epoch"]) == [0, 0]


def test_a_file_of_other_columns_is_left_as_it_is(tmp_path):
    file = tmp_path / "log.csv"
    file.write_text("epoch,loss,val_loss\n0,0.5,0.6\n")
    text = r"CSVLogger: expected a file with the columns epoch, loss\. Received: columns='epoch, loss, val_loss'\. Choose another filename, or"
    with pytest.raises(ConfigError, match=text):
        plain_model().fit(X, Y, verbose=0, callbacks=CSVLogger(file, append=True))
    assert file.read_text() == "epoch,loss,val_loss\n0,0.5,0.6\n"


def test_files_that_cannot_be_written(tmp_path):
    for path, reason in (
        (tmp_path / "missing" / "log.csv", "No such file or directory"),
        (tmp_path, "Is a directory"),
    ):
        model = plain_model()
        with pytest.raises(
            ConfigError,
            match=rf"CSVLogger: expected a file that can be written\. Received: path='{path}'\. Cause: {reason}\.",
        ):
            model.fit(X, Y, verbose=0, callbacks=CSVLogger(path))
        assert model.epoch == 0
    with pytest.raises(
        ConfigError, match=r"CSVLogger: expected filename to be a path\. Received: filename=3"
    ):
        CSVLogger(3)
    with pytest.raises(
        ConfigError,
        match=r"CSVLogger: expected separator to be one character\. Received: separator=', '",
    ):
        CSVLogger("log.csv", separator=", ")
