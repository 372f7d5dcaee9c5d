"""Progress output, and Ctrl-C."""

import os
import re
import signal
import sys
import threading

import numpy as np
import pytest

from glassnet.callbacks import LambdaCallback, StopWhen
from glassnet.optimizers import SGD
from glassnet.training.progress import Progress
from nets import ROWS, X, Y, fit_noisy, line_model, noisy_model, plain_model


def test_verbose(capsys):
    """Oracle: counting lines: none for 0, one per epoch for 2, about twenty of 100 for "auto"
    without a terminal.
    """
    model = noisy_model()
    fit_noisy(model, 2)
    assert capsys.readouterr() == ("", "")
    model.fit(X, Y, epochs=2, verbose=2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    number = r"[\d.e+-]+"
    text = rf"epoch 2/2  loss {number}  accuracy {number}  val_loss {number}  val_accuracy {number}(  {number} s)?"
    assert len(lines) == 2
    assert re.fullmatch(text, lines[1])
    model.fit(X, Y, epochs=100)
    lines = capsys.readouterr().out.splitlines()
    assert 15 <= len(lines) <= 25
    assert lines[0].startswith("epoch 1/100 ")
    assert lines[-1].startswith("epoch 100/100 ")
    assert not any("\x1b" in line or "\r" in line for line in lines)


def test_stopping_is_said(capsys):
    line_model(SGD(0.05)).fit([0.0, 1], [1.0, 3], epochs=9, callbacks=[StopWhen(loss_below=1e6)])
    assert re.search(r"stopped: the loss [\d.]+ is below 1,000,000\n$", capsys.readouterr().out)


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(),
    reason="signals reach the main thread only",
)
def test_ctrl_c_ends_the_run_with_all_usable(capsys):
    """Oracle: a real SIGINT during a practically endless run."""
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    model = plain_model()
    log = model.fit(
        X,
        Y,
        batch_size=1,
        epochs=10**7,
        callbacks=[LambdaCallback(lambda epoch, logs: None if epoch else timer.start())],
        verbose=2,
    )
    epoch, step = map(
        int,
        re.fullmatch(
            rf"epoch (\d+), step (\d+) of {ROWS}: interrupted by Ctrl-C", log.stopped
        ).groups(),
    )
    assert len(log.epoch) == (
        epoch if step == ROWS else epoch - 1
    )  # an epoch that is complete counts
    assert capsys.readouterr().out.endswith(f"stopped: {log.stopped}\n")
    assert signal.getsignal(signal.SIGINT) is before
    assert model.history is log
    assert model.epoch == len(log.epoch) >= 1
    assert np.isfinite(model.predict(X)).all()
    assert model.fit(X, Y, batch_size=1, verbose=0).epoch == [len(log.epoch)]


def test_handlers_are_restored_after_an_exception():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        plain_model().fit(X, Y, verbose=0, callbacks=[LambdaCallback(lambda epoch, logs: 1 / 0)])
    assert signal.getsignal(signal.SIGINT) is before


def test_rich_is_imported_for_a_live_line_only(monkeypatch):
    """Oracle: an import of rich that fails. It is reached on a terminal with verbose 1 only."""
    monkeypatch.setitem(sys.modules, "rich.live", None)
    assert Progress(1, 4)._live is None
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert (Progress(0, 4)._live, Progress(2, 4)._live) == (None, None)
    with pytest.raises(ImportError):
        Progress(1, 4)


class Screen:
    """Stand-in for the live display."""

    def __init__(self):
        self.shown = []

    def update(self, text, refresh):
        self.shown.append(text)


def test_the_live_line_says_where_training_is(monkeypatch):
    """Oracle: by hand. At 1.75 of 4 epochs after 7 s, 9 s are left."""
    now = [100.0]
    monkeypatch.setattr("glassnet.training.progress.time.perf_counter", lambda: now[0])
    progress = Progress(0, 4)
    progress._live, progress.epochs_done, now[0] = Screen(), 1, 107.0
    progress.on_slice(3, 4, lambda: {"loss": 0.5, "accuracy": 0.75})
    progress.on_slice(4, 4, lambda: {"loss": 0.1})
    assert progress._live.shown == [
        f"epoch 2/4  {'━' * 15:<20}  step 3/4  loss 0.5000  accuracy 0.7500  9.0 s left"
    ]
