"""Progress output, and Ctrl-C."""

import os
import re
import signal
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import LambdaCallback, StopWhen
from glassnet.errors import ConfigError
from glassnet.layers import Dense, Layer
from glassnet.optimizers import SGD
from glassnet.training.progress import InferenceProgress, Progress
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
    lines = capsys.readouterr().out.partition("Problem:")[0].splitlines()
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


def scored_model():
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", "mean_squared_error", metrics=["mae"])
    return model


def methods(model):
    x, y = np.arange(10.0).reshape(5, 2), np.ones(5)
    batches = [(x[:3], y[:3]), (x[3:], y[3:])]
    model.predict(x)
    return {
        "evaluate": lambda **options: model.evaluate(x, y, **options),
        "predict": lambda **options: model.predict(x, **options),
        "evaluate batches": lambda **options: model.evaluate(batches, **options),
        "predict batches": lambda **options: model.predict(batches, **options),
    }


@pytest.mark.parametrize("is_terminal", [False, True])
def test_short_evaluations_and_predictions_print_nothing(monkeypatch, capsys, is_terminal):
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    for call in methods(scored_model()).values():
        call()
        call(verbose=0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [1, 2, True])
def test_the_last_line_of_an_evaluation(capsys, verbose):
    """Oracle: the values that `evaluate` returns, and the number of rows, 5."""
    model = scored_model()
    for name, call in methods(model).items():
        result = call(verbose=verbose)
        line = capsys.readouterr().out
        logs = ""
        if name.startswith("evaluate"):
            logs = "  ".join(f"{k} {v:.4f}" for k, v in zip(("loss", "mae"), result, strict=True))
            logs = re.escape(logs) + "  "
        assert re.fullmatch(rf"{name.split()[0]}  5 rows  {logs}[\d.]+ m?s\n", line), line


def test_long_work_shows_a_line_on_a_terminal_after_a_second(monkeypatch):
    """Oracle: by hand. After 2 of 8 rows in 3 s, 9 s are left."""
    now = [100.0]
    monkeypatch.setattr("glassnet.training.progress.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    for verbose, at_once in (("auto", False), (1, True), (2, False), (0, False)):
        now[0] = 100.0
        progress = InferenceProgress("predict", verbose)
        progress._live, progress.n_rows = Screen(), 8
        now[0] = 100.9
        progress.advance(1)
        assert bool(progress._live.shown) is at_once
        now[0] = 103.0
        progress.advance(1)
        line = f"predict  {'━' * 5:<20}  2/8 rows  9.0 s left"
        assert progress._live.shown[-1:] == ([line] if verbose in ("auto", 1) else [])
    progress = InferenceProgress("evaluate", "auto")
    progress._live, now[0] = Screen(), 105.0
    progress.advance(12_000)
    assert progress._live.shown == ["evaluate  12,000 rows  2.0 s"]


def test_long_work_without_a_terminal_shows_no_line(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("glassnet.training.progress.time.perf_counter", lambda: now[0])
    monkeypatch.setattr("sys.stdout.isatty", lambda: False)
    progress = InferenceProgress("predict", "auto")
    progress._live, now[0] = Screen(), 109.0
    progress.advance(5)
    assert progress._live.shown == []


SHAPES = []


@dataclass(frozen=True)
class Watched(Layer):
    """Layer that notes the shapes of the blocks it is compiled for."""

    def __call__(self, params, x):
        SHAPES.append(x.shape)
        return x


@pytest.mark.parametrize("is_keras", [False, True])
def test_batch_size_limits_the_rows_of_a_block(is_keras):
    """Oracle: the results without it, and the shapes that the network is compiled for."""
    module = gn.keras if is_keras else gn
    model = module.Sequential([Watched(), Dense(1)])
    model.compile("sgd", "mean_squared_error", metrics=["mae"])
    # the other width makes programs of its own
    x, y = np.random.default_rng(0).normal(size=(7, 2 + is_keras)), np.arange(7.0)
    predicted, scores = model.predict(x, verbose=0), model.evaluate(x, y, verbose=0)
    SHAPES.clear()
    np.testing.assert_allclose(model.predict(x, batch_size=3), predicted, rtol=1e-6)
    np.testing.assert_allclose(model.evaluate(x, y, batch_size=2), scores, rtol=1e-6)
    assert {shape[0] for shape in SHAPES} == {3, 2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"batch_size": 0},
            r"batch_size: expected an int >= 1, or None\. Received: batch_size=0\.",
        ),
        ({"batch_size": "full"}, r"batch_size: expected an int >= 1, or None\."),
        ({"verbose": 3}, r': expected verbose to be "auto", 0, 1 or 2\. Received: verbose=3\.'),
    ],
)
def test_wrong_options_of_an_evaluation_are_refused(options, message):
    for call in methods(scored_model()).values():
        with pytest.raises(ConfigError, match=message):
            call(**options)
