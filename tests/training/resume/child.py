"""Server that trains in forked processes, which may be killed.

`python child.py cache` reads orders, one JSON line each, and answers how each process ended. Every
process is forked from one that has imported everything and has not used a device yet.

`cache` is a folder for compiled programs. Processes that are not to be killed fill it; the others
only read it, so that no file is truncated. If it is empty, each order names glassnet's own folder.
"""

import csv  # noqa: F401  imported here once, because a fit imports it late
import json
import math
import os
import select
import signal
import sys
import threading
import time
import traceback
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pandas as pd  # noqa: F401
import safetensors.numpy  # noqa: F401

import glassnet as gn
from glassnet.callbacks import (
    CSVLogger,
    EarlyStopping,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    StopWhen,
)
from glassnet.engine import epoch_runner
from glassnet.layers import BatchNormalization, Dense, Dropout, Input
from glassnet.optimizers import SGD, Adam
from glassnet.pipeline import prefetch
from glassnet.schedules import CosineDecay, Warmup
from glassnet.storage import atomic_write, model_file
from glassnet.training import resume

_rng = np.random.default_rng(0)
X = _rng.normal(size=(240, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] * X[:, 2] + _rng.normal(size=240) > 0).astype(int) + (X[:, 3] > 1)
SPARSE = "sparse_categorical_crossentropy"
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 236, 8)]
TABLE = {
    "size": [None if i % 11 == 3 else float(v) for i, v in enumerate(X[:, 0])],
    "port": ["SCQ"[i % 3] if i % 7 else None for i in range(240)],
    "paid": ["yes" if v > 0 else "no" for v in X[:, 1]],
    "price": [float(v) for v in np.exp(X[:, 0] + X[:, 1] + 0.5 * X[:, 4])],
}


def noisy(optimizer=None, **options):
    """Return a model whose run depends on its past: batch statistics, noise and an optimizer with
    state.
    """
    model = gn.Sequential(
        [
            Dense(16, activation="tanh"),
            BatchNormalization(),
            Dropout(0.3),
            Dense(3, activation="softmax"),
        ],
        seed=3,
    )
    model.compile(optimizer or Adam(0.02), SPARSE, ["accuracy"])
    return model, {"x": X, "y": Y, "batch_size": 8} | options


def plateaus():
    return [
        EarlyStopping("val_loss", patience=3),
        ReduceLROnPlateau("val_loss", patience=0, factor=0.5),
    ]


def epochs(folder):
    """Checkpoints only after epochs; the fit stops early and restores its best weights."""
    return noisy(epochs=30, validation_split=0.2, callbacks=plateaus())


def within(folder):
    """Checkpoints within epochs too."""
    return noisy(epochs=30, batch_size=2, validation_split=0.2, callbacks=plateaus())


def still(folder):
    """The epoch's initial weights decide when the fit stops.

    A weight changes by 0.5 or more in each of the first four epochs, but not in the fifth.
    """
    slower = LearningRateScheduler(lambda epoch, rate: 0.02 if epoch < 4 else 0.001)
    return noisy(epochs=8, batch_size=2, callbacks=[slower, StopWhen(weight_change_below=0.5)])


def stream(folder):
    """Batches as a function of the epoch."""

    def batches(epoch):
        order = np.random.default_rng(epoch).permutation(len(X))
        return ((X[rows], Y[rows]) for rows in np.array_split(order, 30))

    return noisy(x=batches, y=None, batch_size=32, epochs=6)


def rounds(folder):
    """A list of 30 batches, repeated, with 20 per epoch."""
    return noisy(
        x=BATCHES,
        y=None,
        batch_size=32,
        epochs=8,
        steps_per_epoch=20,
        validation_data=(X[:50], Y[:50]),
    )


def mapped(folder):
    """Rows in a memory-mapped file."""
    if not (folder / "rows").exists():  # a rewritten file would be refused
        with open(folder / ".rows", "wb") as file:
            np.save(file, X)
        os.replace(folder / ".rows", folder / "rows")
    return noisy(x=np.load(folder / "rows", mmap_mode="r"), epochs=6)


def table(folder):
    """A table, with an encoder fitted to the training rows."""
    model = gn.Sequential([Dense(12, activation="relu"), Dropout(0.2), Dense(1)], seed=5)
    options = {"target": "price", "target_transform": "log", "column_types": {"port": "category"}}
    return model, {"x": TABLE, "batch_size": 8, "epochs": 8, "validation_split": 0.25} | options


def schedule(folder):
    """A learning rate schedule with momentum."""
    layers = [Input(6), Dense(16, activation="relu"), Dropout(0.2), Dense(3, activation="softmax")]
    model = gn.Sequential(layers, seed=7)
    model.compile(
        SGD(Warmup(CosineDecay(0.1, 230), 20), momentum=0.9, nesterov=True, clipnorm=1.0),
        SPARSE,
        ["accuracy"],
    )
    return model, {"x": X, "y": Y, "batch_size": 8, "epochs": 8}


def files(folder):
    """A log and the best model, which must be those of an uninterrupted run."""
    best = ModelCheckpoint(folder / "best.glassnet", save_best_only=True)
    return noisy(
        epochs=9, validation_split=0.2, callbacks=[CSVLogger(folder / "log.csv"), best, *plateaus()]
    )


SCENARIOS = {
    make.__name__: make
    for make in (epochs, within, still, stream, rounds, mapped, table, schedule, files)
}
AFTER_EPOCHS = (epochs, files)
"""Scenarios with checkpoints only after epochs; the others write one after every other slice."""

LETTERS = {"write": "w", "half": "h", "fsync": "f", "rename": "r", "fsync folder": "F", "done": "d"}
BEGUN, TRAINED, ENDED = "b", "s", "e"
"""Letters that a process reports: the points of its writes (`LETTERS`), that `fit` begins, that a
slice is done, and that the run is finished.
"""


def packed(model):
    """Return the bytes of a model: history, weights and optimizer state, without durations."""
    saved, built, arrays = model._export()
    return model_file.pack_model(
        replace(saved, history=replace(saved.history, seconds=())), built, arrays
    )


def die(by=signal.SIGKILL):
    os.kill(os.getpid(), by)


def live(order, tell):
    """Train in this process, die as ordered, and write the result.

    Args:
        order: the scenario, its folder, the steps per slice, and how to die: None; ["point", which,
            n] at that point of the n-th checkpoint; ["other", which, n] of the n-th other file;
            ["stop", which, n] to be suspended there; ["timer", seconds] after `fit` began;
            ["close"] after the last checkpoint; ["returned"] after `fit`. ["outside", seconds] is
            done by the parent.
        tell: called with letters.
    """
    folder, (how, *when) = Path(order["folder"]), order["die"] or ["not"]
    counts, write, of = Counter(), atomic_write.write, "point"
    if not sys.argv[1]:
        os.environ["GLASSNET_CACHE_DIR"] = order["programs"]
    elif order["die"]:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 1e9)

    def writing(path, data):
        nonlocal of
        of = "point" if path.parent.name == "run" else "other"
        write(path, data)

    def reached(point):
        if of == "point":
            tell(LETTERS[point])
        counts[of, point] += 1
        if how in (of, "stop") and when == [point, counts[of, point]]:
            die(signal.SIGSTOP if how == "stop" else signal.SIGKILL)

    atomic_write.write, atomic_write.failpoint = writing, reached
    epoch_runner.SlicePacer.slice_steps = property(lambda pace: order["slice"])
    prefetch.MAX_BATCHES_PER_CHUNK = 4
    make = SCENARIOS[order["scenario"]]
    if make not in AFTER_EPOCHS:
        resume.CHECKPOINT_SECONDS = 0.0
    watch, close = resume.ResumableRun.on_slice, resume.ResumableRun.close

    def watching(run, *rest):
        tell(TRAINED)
        watch(run, *rest)

    def closing(run):
        tell(ENDED)
        if how == "close":
            die()
        close(run)

    resume.ResumableRun.on_slice, resume.ResumableRun.close = watching, closing
    model, options = make(folder)
    tell(BEGUN)
    if how == "timer":
        threading.Timer(when[0], die).start()
    model.fit(**options, verbose=0, resume=folder / "run")
    if how == "returned":
        die()
    write_result(folder, model)


def write_result(folder, model):
    """Write the model, and the files of callbacks, as one file."""
    parts = [packed(model)]
    for path in sorted(folder.glob("[!.]*.*")):
        parts.append(packed(gn.load(path)) if path.suffix == ".glassnet" else path.read_bytes())
    (folder / ".result").write_bytes(b"\n\n".join(parts))
    os.replace(folder / ".result", folder / "result")


def forked(order):
    """Fork a process; return its exit code, its letters, and the seconds since `fit` began."""
    hear, tell = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(120)
        try:
            live(order, lambda letter: os.write(tell, letter.encode()))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(tell)
    letters, began, (how, *when) = os.read(hear, 1), time.perf_counter(), order["die"] or ["not"]
    kill_at = began + when[0] if how == "outside" else math.inf
    while True:
        left = kill_at - time.perf_counter()
        if left <= 0:
            os.kill(child, signal.SIGKILL)
            left = kill_at = math.inf
        if select.select([hear], [], [], None if left == math.inf else left)[0]:
            more = os.read(hear, 4096)
            letters += more
            if not more:
                break
    seconds = time.perf_counter() - began
    os.close(hear)
    return {
        "code": os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]),
        "letters": letters.decode(),
        "seconds": seconds,
    }


if __name__ == "__main__":
    warnings.simplefilter("error")
    if sys.argv[1]:
        jax.config.update("jax_compilation_cache_dir", sys.argv[1])
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    for line in sys.stdin:
        print(json.dumps(forked(json.loads(line))), flush=True)
