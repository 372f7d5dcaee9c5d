"""Runs of several processes that are killed, interrupted and resumed. Oracle: an unbroken run."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from process_scripts import environment, finish, start_pair

pytestmark = pytest.mark.slow

RUN = """
import os, sys, time, warnings
import numpy as np
import glassnet as gn
from glassnet import callbacks, layers

folder, epochs, victim = sys.argv[1], int(sys.argv[2]), sys.argv[3]
process = gn.distribute()
rng = np.random.default_rng(0)
x = rng.normal(size=(320, 8)).astype(np.float32)
y = (x[:, 0] > 0).astype(np.int64)

class Watch(callbacks.Callback):
    def on_epoch_end(self, epoch, logs):
        if victim == str(process.index) and epoch == 3:
            os.kill(os.getpid(), 9)
        if victim == "wait":
            open(f"{folder}/epoch-{process.index}-{epoch}", "w").close()
            time.sleep(0.3)

model = gn.Sequential(
    [layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dropout(0.1),
     layers.Dense(1, activation="sigmoid")], seed=1)
model.compile("adam", "binary_crossentropy")
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    history = model.fit(
        x, y, epochs=epochs, batch_size=32, verbose=2, callbacks=[Watch()], resume=folder + "/run")
for each in caught:
    print("warning:", each.message)
print(f"stopped: {history.stopped}")
np.savez(f"{folder}/weights-{process.index}.npz", *model.get_weights())
"""


def launch(folder, epochs, victim="-", processes=2, wait=True, options=()):
    script = folder / "train.py"
    script.write_text(RUN)
    command = [
        "launch",
        "-n",
        str(processes),
        *options,
        str(script),
        str(folder),
        str(epochs),
        victim,
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "glassnet", *command],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return finish([process], timeout=200)[0] if wait else process


def read_weights(folder, index=0):
    file = np.load(folder / f"weights-{index}.npz")
    return [file[name] for name in file.files]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The weights of one process alone."""
    folder = tmp_path_factory.mktemp("unbroken")
    code, out, err = launch(folder, 6, processes=1)
    assert code == 0, out + err
    return read_weights(folder)


def require_equal(folder, unbroken):
    for index in range(2):
        for weight, expected in zip(read_weights(folder, index), unbroken, strict=True):
            np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("victim", ["0", "1"])
def test_a_killed_process_ends_the_run_and_it_resumes(tmp_path, unbroken, victim):
    """Without a launcher: JAX notices, and ends the other one within 15 seconds."""
    (tmp_path / "alone").mkdir()
    outcomes = finish(start_pair(RUN, tmp_path / "alone", 6, victim), timeout=200)
    killed_at = (tmp_path / "alone" / "run").stat().st_mtime
    codes = [code for code, _, _ in outcomes]
    assert codes[int(victim)] == -signal.SIGKILL
    assert codes[1 - int(victim)] not in (0, -signal.SIGKILL)
    assert time.time() - killed_at < 15
    survivor = outcomes[1 - int(victim)][2]
    assert "another task died" in survivor or "to another process, which has ended" in survivor
    for code, out, err in finish(start_pair(RUN, tmp_path / "alone", 6, "-"), timeout=200):
        assert code == 0, out + err
    require_equal(tmp_path / "alone", unbroken)


def test_the_launcher_ends_all_and_the_run_goes_on_with_one_process(tmp_path, unbroken):
    code, _, err = launch(tmp_path, 6, victim="1")
    assert code == 128 + signal.SIGKILL
    assert "process 1 of 2 was ended by signal 9 (SIGKILL). The other is ended." in err
    code, out, err = launch(tmp_path, 6, processes=1)
    assert code == 0, out + err
    assert "resuming the run after" in out
    assert "was computed with devices 2, now 1, processes 2, now 1." in out
    for weight, expected in zip(read_weights(tmp_path), unbroken, strict=True):
        np.testing.assert_allclose(weight, expected, rtol=0, atol=1e-6)


def test_ctrl_c_ends_the_fit_in_all_processes_and_the_script_goes_on(tmp_path, unbroken):
    process = launch(tmp_path, 200, victim="wait", wait=False)
    deadline = time.monotonic() + 120
    while not (tmp_path / "epoch-1-2").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    ((code, out, err),) = finish([process], timeout=100)
    assert code == 0, out + err
    assert out.count("interrupted by Ctrl-C") >= 2
    first, second = read_weights(tmp_path, 0), read_weights(tmp_path, 1)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert not any(
        name.startswith("epoch-0-1") and int(name[8:]) > 150 for name in os.listdir(tmp_path)
    )


SLOW_START = """
import time
import numpy as np
import glassnet as gn
from glassnet.engine.epoch_runner import StepRange

process = gn.distribute()
run_until = StepRange.run_until

def run_late(self, *arguments):
    StepRange.run_until = run_until
    time.sleep(33 * (process.index == 0))
    return run_until(self, *arguments)

StepRange.run_until = run_late
x = np.ones((64, 3), np.float32)
model = gn.Sequential([gn.layers.Dense(1)], seed=0)
model.compile("sgd", "mse")
model.fit(x, x[:, 0], verbose=0)
"""


def test_a_process_may_compile_longer_than_another():
    """Gloo alone gives up after 30 seconds."""
    for code, out, err in finish(start_pair(SLOW_START), timeout=200):
        assert code == 0, out + err
