"""How resumed runs end: finished, extended, stopped, interrupted, failed or diverged."""

import signal
import warnings

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import EarlyStopping, LambdaCallback, LearningRateScheduler
from glassnet.engine.epoch_runner import EpochRunner, SlicePacer
from glassnet.errors import DataError
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD
from glassnet.training.progress import Progress
from lives import Killed, as_it_was, dying, files, in_lives
from nets import noisy_model, plain_model, same_bits
from streams import BATCHES
from three_epochs import fit

pytestmark = pytest.mark.usefixtures("no_thread_stays")


def test_a_run_that_is_finished_is_given_back(tmp_path, capsys):
    model, log = fit(tmp_path)
    stamps = [path.stat().st_mtime_ns for path in files(tmp_path)]
    again, other = fit(tmp_path, verbose=2)
    assert as_it_was(again) == as_it_was(model)
    assert (other.history, other.epoch, other.seconds, other.params, other.stopped) == (
        log.history,
        log.epoch,
        log.seconds,
        log.params,
        None,
    )
    assert again.history is other
    assert [path.stat().st_mtime_ns for path in files(tmp_path)] == stamps
    assert capsys.readouterr().out == f"{tmp_path}: the run is finished after 3 epochs\n"


def test_more_epochs_are_no_other_run(tmp_path):
    """Oracle: the run with all epochs at once, with the best weights before and after the first
    part.
    """
    for best in (1, 4):
        keep = EarlyStopping("loss", patience=99, start_from_epoch=best, mode="max")
        folder = tmp_path / str(best)
        fit(folder, noisy_model, epochs=3, callbacks=keep)
        model, log = fit(folder, noisy_model, epochs=6, callbacks=keep)
        straight, alone = fit(tmp_path / f"{best} at once", noisy_model, epochs=6, callbacks=keep)
        assert as_it_was(model) == as_it_was(straight)
        assert (log.history, log.params["epochs"]) == (alone.history, 6)


def test_a_run_that_stopped_early_has_no_more_epochs(tmp_path):
    stops = EarlyStopping("loss", min_delta=10.0, patience=1)
    model, log = fit(tmp_path, epochs=9, callbacks=stops)
    again, other = fit(tmp_path, epochs=20, callbacks=stops)
    assert as_it_was(again) == as_it_was(model)
    assert (
        log.stopped
        == other.stopped
        == "loss has not improved for 1 epoch: the best was " + log.stopped.split("was ")[1]
    )
    assert other.epoch == [0, 1]


def test_lines_number_the_epochs_of_the_run(tmp_path, monkeypatch, capsys):
    with dying(monkeypatch, 7), pytest.raises(Killed):
        fit(tmp_path)
    capsys.readouterr()
    fit(tmp_path, verbose=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{tmp_path}: resuming the run after 1 epochs"
    assert [line.split("  ")[0] for line in lines[1:]] == ["epoch 2/3", "epoch 3/3"]


def test_lines_say_the_steps_of_an_epoch_under_way(killed, capsys):
    fit(killed, verbose=2)
    assert capsys.readouterr().out.startswith(
        f"{killed}: resuming the run after 2 epochs and 2 steps\nepoch 3/3  loss "
    )


def test_the_live_line_counts_on(killed, monkeypatch):
    shown = []
    monkeypatch.setattr(SlicePacer, "slice_steps", 1)
    monkeypatch.setattr(Progress, "_is_due", lambda self: True)
    monkeypatch.setattr(Progress, "_update_line", lambda self, text: shown.append(text))
    monkeypatch.setattr(Progress, "__init__", live(Progress.__init__))
    fit(killed, epochs=4)
    assert shown[1].startswith("epoch 3/4  ━━━━━━━━━━━━          step 3/5  loss ")
    assert shown[-1].startswith("epoch 4/4  ━━━━━━━━━━━━━━━━━━━━  step 5/5  loss ")


def live(init):
    def made(self, *args):
        init(self, *args)
        self._live = type(
            "Live", (), {"start": lambda self: None, "stop": lambda self: None, "console": None}
        )()
        self.log = lambda text: None

    return made


def test_an_observed_run_is_observed_on(killed):
    """Observations of earlier epochs are not saved."""
    _, log = fit(killed, observe=True)
    assert {seen.epoch for seen in log.observations} == {2}
    assert {seen.step for seen in log.observations} == {3, 4}


def test_ctrl_c_and_on(tmp_path, monkeypatch, uninterrupted):
    """In the same process, with the same model and with another one."""
    monkeypatch.setattr(SlicePacer, "slice_steps", 1)
    slices, slice_ = [], Progress.on_slice

    def pressing(self, *args):
        slices.append(1)
        if len(slices) == 7:
            signal.raise_signal(signal.SIGINT)
        slice_(self, *args)

    for second in (True, False):
        slices.clear()
        folder = tmp_path / str(second)
        with monkeypatch.context() as patch:
            patch.setattr(Progress, "on_slice", pressing)
            model, log = fit(folder)
        assert log.stopped == "epoch 2, step 2 of 5: interrupted by Ctrl-C"
        model, log = fit(folder, model=model if second else plain_model)
        assert (log.stopped, log.epoch) == (None, [0, 1, 2])
        assert same_bits(model, uninterrupted)


def test_an_error_in_a_callback_and_on(tmp_path, uninterrupted):
    """In the same process, with the same model."""
    calls = []

    def fails(epoch, logs):
        calls.append(epoch)
        if len(calls) == 2:
            raise RuntimeError("mine")

    model = plain_model()
    with pytest.raises(RuntimeError, match="mine"):
        fit(tmp_path, model, callbacks=LambdaCallback(fails))
    _, log = fit(tmp_path, model, callbacks=LambdaCallback(fails))
    assert same_bits(model, uninterrupted)
    assert log.epoch == [0, 1, 2]
    assert calls == [0, 1, 1, 2]


@pytest.mark.parametrize("where", ["training", "validation"])
def test_batches_that_fail_and_on(where, tmp_path, monkeypatch, small_chunks):
    """The error is raised after a checkpoint of all completed steps is written."""
    broken = []

    def batches():
        for i, batch in enumerate(BATCHES):
            if broken and i == broken[0]:
                raise OSError("gone")
            yield batch

    data = {"x": BATCHES, "validation_data": BATCHES}
    data["x" if where == "training" else "validation_data"] = batches

    def run(model, folder, callbacks=()):
        return model.fit(**data, epochs=3, verbose=0, callbacks=callbacks, resume=folder)

    straight = noisy_model()
    log = run(straight, tmp_path / "a")

    model, calls = noisy_model(), []
    callback = LambdaCallback(
        on_epoch_begin=lambda epoch, logs: broken.append(3) if epoch == 1 and not calls else None
    )
    with pytest.raises(DataError, match=r"batch 4.*gone"):
        run(model, tmp_path / "b", callback)
    calls.append(1)
    broken.clear()
    assert model.epoch == 1
    again = run(model, tmp_path / "b", callback)
    assert same_bits(model, straight)
    assert (again.history, again.stopped) == (log.history, None)


def exploding(factor):
    """Return a schedule whose rate grows from the third epoch on until the loss overflows."""
    return LearningRateScheduler(lambda epoch, rate: rate * factor if epoch > 1 else rate)


def line(bad):
    """Return points on a line with one outlier, whose loss overflows."""
    x = np.linspace(-1, 1, 24, dtype=np.float32)[:, None]
    return x, np.where(np.arange(24)[:, None] == bad, 1e30, 2 * x).astype(np.float32)


def diverging(bad=None, callbacks=(), **options):
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    model.compile(SGD(0.1), "mse")
    x, y = line(bad)
    with warnings.catch_warnings(record=True) as message:
        warnings.simplefilter("always")
        log = model.fit(
            x, y, batch_size=4, epochs=6, verbose=0, shuffle=False, callbacks=callbacks, **options
        )
    return model, log, [str(warning.message) for warning in message]


@pytest.mark.parametrize("slices", [3, 4, 5])
@pytest.mark.parametrize("factor", [1e2, 1e6, 1e25])
def test_divergence_after_a_death_is_what_it_would_have_been(factor, slices, tmp_path, monkeypatch):
    """If the first step of an epoch diverges, no checkpoint is written before it."""
    model, log, message = diverging(callbacks=exploding(factor))
    assert "is not finite" in log.stopped
    (again, other, repeated), lives = in_lives(
        monkeypatch, lambda: diverging(callbacks=exploding(factor), resume=tmp_path), slices
    )
    assert lives
    assert as_it_was(again) == as_it_was(model)
    assert (other.stopped, other.history) == (log.stopped, log.history)
    finished, last, silent = diverging(callbacks=exploding(factor), resume=tmp_path)
    assert as_it_was(finished) == as_it_was(model)
    assert last.stopped == log.stopped
    assert [text.split(" The weights")[0] for text in repeated] == [
        text.split(" The weights")[0] for text in message
    ]
    assert silent == []


@pytest.mark.parametrize("bad", range(8, 24, 4))
def test_divergence_in_any_step(bad, tmp_path, monkeypatch):
    """A step of the first epoch has a loss beyond float32."""
    model, log, _ = diverging(bad)
    assert log.stopped == f"epoch 1, step {bad // 4 + 1} of 6: the loss is not finite"
    (again, other, _), _ = in_lives(monkeypatch, lambda: diverging(bad, resume=tmp_path), 2)
    assert as_it_was(again) == as_it_was(model)
    assert other.stopped == log.stopped


def test_the_newest_is_not_one_that_ends_at_once(tmp_path, monkeypatch):
    """The newest checkpoint is not the state before the step that diverges."""

    def dies(self, slice_):
        raise Killed

    monkeypatch.setattr(EpochRunner, "_diagnose_nonfinite", dies)
    with dying(monkeypatch, 99), pytest.raises(Killed):
        diverging(bad=12, resume=tmp_path)
    assert files(tmp_path)[0].name == "checkpoint-000000-000000001.glassnet"
