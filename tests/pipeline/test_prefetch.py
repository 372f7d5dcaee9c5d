"""The prefetch thread: it ends, holds little memory, and errors across chunks are located."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from test_progress import Screen

from glassnet.callbacks import EarlyStopping, LambdaCallback
from glassnet.engine.epoch_runner import StepRange
from glassnet.engine.train_step import Data
from glassnet.errors import ConfigError, TrainingWarning
from glassnet.optimizers import SGD
from glassnet.pipeline.prefetch import BackgroundThread, PrefetchSource
from glassnet.training.progress import Progress
from nets import line_model, plain_model, same_bits
from peak_memory import PEAK_MEMORY
from streams import BATCHES, generate

pytestmark = pytest.mark.usefixtures("no_thread_stays")


def test_a_failed_fit_changes_nothing_and_closes_what_it_opened():
    ended = []

    def opened():
        try:
            yield from BATCHES
        finally:
            ended.append(threading.current_thread().name)

    model = plain_model()
    before = model.get_weights()
    with pytest.raises(ConfigError, match="val_loss"):
        model.fit(opened, verbose=0, callbacks=[EarlyStopping("val_loss")])
    assert ended == ["glassnet-data"]
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_generator_is_read_and_closed_in_one_thread():
    """A database cursor may be used only in the thread that opened it."""
    names = set()

    def opened():
        for batch in BATCHES:
            names.add(threading.current_thread().name)
            yield batch

    plain_model().fit(opened, epochs=2, verbose=0)
    assert names == {"glassnet-data"}


def test_the_next_chunk_is_prepared_while_one_trains(small_chunks, monkeypatch):
    """Oracle: order. Training waits until the chunk after the next has started.

    Without a thread that would never happen. Of the third chunk, only the first batch is drawn.
    """
    drawn, ahead = [], threading.Event()

    def batches():
        for i in range(20):
            drawn.append(i)
            if i == 3:
                ahead.set()
            yield BATCHES[0]

    seen, original = [], StepRange.run_until

    def run_until(steps, program, stop):
        if not seen:
            assert ahead.wait(10)
            time.sleep(0.2)
            seen.append(len(drawn))
        return original(steps, program, stop)

    monkeypatch.setattr(StepRange, "run_until", run_until)
    plain_model().fit(batches, verbose=0)
    assert len(drawn) == 20
    assert seen == [5]


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(),
    reason="signals reach the main thread only",
)
def test_ctrl_c_interrupts_the_wait_for_a_slow_source():
    """A real SIGINT during the fourth batch, of 0.75 s, closes the generator and the thread."""
    closed = []

    def slow():
        try:
            for i in range(100):
                if i == 3:
                    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
                    time.sleep(0.75)
                yield BATCHES[0]
        finally:
            closed.append(True)

    model, three = plain_model(), plain_model()
    start = time.perf_counter()
    log = model.fit(slow, epochs=3, verbose=0)
    assert time.perf_counter() - start < 5
    assert log.stopped == "epoch 1, step 3: interrupted by Ctrl-C"
    assert closed == [True]
    three.fit(BATCHES[:1] * 3, verbose=0)
    assert same_bits(model, three)


def test_a_source_that_hangs_does_not_block_the_end_of_training():
    """Closing waits one second; the thread ends when its batch has come."""
    release = threading.Event()

    def hanging():
        yield BATCHES[0]
        yield BATCHES[0]
        release.wait(30)
        yield BATCHES[0]

    model = plain_model()
    start = time.perf_counter()
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    assert "interrupted by Ctrl-C" in model.fit(hanging, verbose=0).stopped
    assert time.perf_counter() - start < 10
    release.set()
    for thread in threading.enumerate():
        if thread.name == "glassnet-data":
            thread.join(10)


class Cursor:
    """An iterator that has to be closed, such as a database cursor."""

    def __init__(self):
        self.batches, self.closed = iter(BATCHES * 9), 0

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.batches)

    def close(self):
        self.closed += 1


def test_fit_closes_the_iterators_that_it_opened():
    """A pass cut off by steps_per_epoch is closed at the end; a user's iterator stays open."""
    opened, cursor = [], Cursor()
    plain_model().fit(
        lambda: opened.append(Cursor()) or opened[-1], epochs=2, steps_per_epoch=3, verbose=0
    )
    assert [each.closed for each in opened] == [1]
    plain_model().fit(cursor, epochs=2, steps_per_epoch=3, verbose=0)
    assert cursor.closed == 0
    assert len(list(cursor)) == 45 - 6


def test_an_exception_in_a_callback_leaves_no_thread():
    with pytest.raises(ZeroDivisionError):
        plain_model().fit(
            generate, epochs=3, verbose=0, callbacks=[LambdaCallback(lambda epoch, logs: 1 / 0)]
        )


@pytest.mark.parametrize("bad", [0, 1, 2, 5, 8, 9])
def test_the_step_that_went_bad_is_found_across_chunks(small_chunks, bad):
    """Oracle: arrays. A loss that overflows at step `bad` restores the weights of two steps before.

    That step may be in the previous chunk or epoch.
    """
    x = [np.full((2, 1), 0.5, np.float32) for _ in range(5)]
    expected, model = line_model(SGD(0.01)), line_model(SGD(0.01))
    n_passes = [0]

    def diverging():
        n_passes[0] += 1
        for i, row in enumerate(x):
            yield (row * 1e30 if i + 5 * (n_passes[0] - 1) == bad else row), np.zeros(2)

    with pytest.warns(
        TrainingWarning,
        match=rf"epoch {bad // 5 + 1}, step {bad % 5 + 1}( of 5)?: the loss is not finite",
    ):
        model.fit(diverging, epochs=3, verbose=0)
    assert model._step == max(bad - 1, 0)
    if bad > 1:
        expected.fit([(x[0], np.zeros(2))] * (bad - 1), verbose=0)
    assert same_bits(model, expected)


def test_observations_without_a_known_length(small_chunks):
    """Oracle: by hand. Slices double: after 1, 2 and 4 steps.

    From the second epoch on the length is known: after every step.
    """
    log = plain_model().fit(generate, epochs=2, verbose=0, observe=True)
    assert [(seen.epoch, seen.step) for seen in log.observations if seen.epoch == 1] == [
        (1, 1),
        (1, 1),
        (1, 3),
        (1, 3),
        (1, 4),
    ]
    first = [seen.step for seen in log.observations if seen.epoch == 0]
    assert 1 <= len(first) <= 3
    assert first == sorted(first)
    same = plain_model()
    same.fit(generate, epochs=2, verbose=0, observe=False)
    model = plain_model()
    model.fit(generate, epochs=2, verbose=0, observe=True)
    assert same_bits(model, same)


def test_progress_without_a_known_length(monkeypatch):
    """Oracle: by hand. There is no bar and no remaining time until the number of steps is known."""
    progress = Progress(0, 4)
    progress._live = Screen()
    monkeypatch.setattr(progress, "_is_due", lambda: True)
    progress.on_slice(0, None, lambda: {})
    progress.on_slice(12, None, lambda: {"loss": 0.5})
    assert progress._live.shown == ["epoch 1/4  step 12  loss 0.5000"]


MEMORY = f"""{PEAK_MEMORY}
import sys
import numpy as np
import glassnet as gn

ROW, ROWS = 25_000, 64

def batches(n):
    for i in range(n):
        yield np.full((ROWS, ROW), i % 7, np.float32), np.zeros(ROWS)

model = gn.Sequential([gn.layers.Dense(1)], seed=0)
model.compile(gn.optimizers.SGD(1e-9), "mse")
model.fit(lambda: batches(30), verbose=0)
before = peak_memory()
model.fit(lambda: batches(int(sys.argv[1])), verbose=0)
print(int(peak_memory() - before))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak in KiB")
def test_memory_does_not_grow_with_the_number_of_batches():
    """After 30 batches of 6.4 MB, 100 more add less than 100 MB to the peak."""
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    run = subprocess.run(
        [sys.executable, "-c", MEMORY, "100"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert int(run.stdout) < 100


class ShortReader:
    """One batch, and then one without rows, as a process has whose part of a batch is empty."""

    steps = n_samples = None

    def iter_batches(self, epoch, start_step):
        yield Data(np.ones((2, 3), np.float32), np.ones((2, 1), np.float32), None)
        yield Data(np.empty((0, 3), np.float32), np.empty((0, 1), np.float32), None)

    def close(self):
        pass


def test_a_batch_without_rows_is_filled_from_an_example_of_any_size():
    example = Data(np.full((32, 3), 5, np.float32), np.ones((32, 1), np.float32), None)
    source = PrefetchSource(ShortReader(), example, 2, BackgroundThread())
    (chunk,) = [each for each in source.iter_chunks(0, 0) if each is not None]
    source.close()
    assert chunk.steps == 2
    np.testing.assert_array_equal(np.asarray(chunk.plan.mask)[:2], [[1, 1], [0, 0]])
    np.testing.assert_array_equal(np.asarray(chunk.data.x)[2:4], np.full((2, 3), 5))
