"""Cost of the doctor: fits with it and without it, in turn, in one process.

`python benchmarks/doctor.py [--rounds 9]`

The goal is at most 5 % of an epoch of the lab MLP (784-128-10, 60,000 rows, batches of 32), and
nothing compiled on a healthy run. "cold" is the first fit of a network, without the doctor, and
"first" the doctor's first time. The cost does not grow with the epochs, so a single epoch is the
least favourable.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import jax
import numpy as np

import glassnet as gn
from glassnet.engine.compilation import COMPILE_EVENT
from glassnet.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from glassnet.models import sequential

Run = Callable[[], gn.Sequential]
compilations: list[str] = []


def make_digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images like the lab's, in which classes can be learned: blurred spots and noise."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, n)
    centers = rng.random((10, 784)) < 0.2
    x = centers[y] * rng.random((n, 784)) + 0.3 * rng.random((n, 784))
    return x.astype(np.float32), y


def make_table(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(n, 8)).astype(np.float32)
    y = np.tanh(x[:, :2].sum(1)) + 0.1 * rng.normal(size=n)
    return x, y.astype(np.float32)


def make_cases(rows: int) -> dict[str, tuple[Run, tuple[Any, Any], dict[str, Any]]]:
    """Return (a function that builds the model, rows, arguments of fit) by name."""
    digits, table = make_digits(rows), make_table(800)
    images = digits[0][:2000].reshape(-1, 28, 28, 1), digits[1][:2000]

    def build(layers: list[Any], loss: str, rate: float = 0.001) -> gn.Sequential:
        model = gn.Sequential(layers, seed=0)
        model.compile(gn.optimizers.Adam(rate), loss)
        return model

    def mlp() -> gn.Sequential:
        layers = [Input(784), Dense(128, activation="relu"), Dense(10, activation="softmax")]
        return build(layers, "sparse_categorical_crossentropy")

    def small(rate: float = 0.01) -> gn.Sequential:
        layers = [Input(8), Dense(16, activation="relu"), Dense(16, activation="relu"), Dense(1)]
        return build(layers, "mse", rate)

    def cnn() -> gn.Sequential:
        layers = [Input((28, 28, 1)), Conv2D(16, 3, activation="relu"), MaxPooling2D(2)]
        layers += [Flatten(), Dropout(0.2), Dense(10, activation="softmax")]
        return build(layers, "sparse_categorical_crossentropy")

    split = {"validation_split": 0.2}
    return {
        "lab MLP, 1 epoch": (mlp, digits, {"epochs": 1}),
        "lab MLP, 1 epoch, validation": (mlp, digits, {"epochs": 1, **split}),
        "table, 5 epochs": (small, table, {"epochs": 5}),
        "table, 50 epochs, validation": (small, table, {"epochs": 50, **split}),
        "table, rate too low": (partial(small, 1e-5), table, {"epochs": 5}),
        "CNN, 2 epochs": (cnn, images, {"epochs": 2}),
        "CNN, 2 epochs, validation": (cnn, images, {"epochs": 2, **split}),
    }


@contextmanager
def without_doctor() -> Iterator[None]:
    with mock.patch.object(sequential, "diagnose_fit"):
        yield


@contextmanager
def timed_doctor(times: list[float]) -> Iterator[None]:
    """Add the doctor's processor time to `times`."""
    diagnose = sequential.diagnose_fit

    def timed(facts: Any) -> None:
        start = time.process_time()
        diagnose(facts)
        times.append(time.process_time() - start)

    with mock.patch.object(sequential, "diagnose_fit", timed):
        yield


def time_fit(build: Run, rows: tuple[Any, Any], arguments: dict[str, Any]) -> tuple[float, Any]:
    """Return the processor time of one fit of a new model, and its history."""
    model = build()
    start = time.process_time()
    history = model.fit(*rows, batch_size=32, verbose=0, **arguments)
    return time.process_time() - start, history


def measure(
    build: Run, rows: tuple[Any, Any], arguments: dict[str, Any], rounds: int
) -> dict[str, Any]:
    """Return the times in seconds, and what the doctor compiled and found.

    "call" is the median difference between fits with the doctor and without it, in turn.
    "doctor" is the median time of the doctor's own functions inside the fits.
    """
    with without_doctor():
        cold, _ = time_fit(build, rows, arguments)
        time_fit(build, rows, arguments)
    compilations.clear()
    first: list[float] = []
    with timed_doctor(first):
        _, history = time_fit(build, rows, arguments)
    compiled, doctor, plain, differences = len(compilations), [], [], []
    for _ in range(rounds):
        with without_doctor():
            plain.append(time_fit(build, rows, arguments)[0])
        differences.append(time_fit(build, rows, arguments)[0] - plain[-1])
        times: list[float] = []
        with timed_doctor(times):
            time_fit(build, rows, arguments)
        doctor.append(sum(times))
    epochs = arguments["epochs"]
    return {
        "cold": cold,
        "epoch": statistics.median(plain) / epochs,
        "fit": statistics.median(plain),
        "call": statistics.median(differences),
        "first": sum(first),
        "doctor": statistics.median(doctor),
        "compiled": compiled,
        "findings": [finding.rule for finding in history.findings],
    }


def main() -> None:
    """Print a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rows", type=int, default=60_000)
    options = parser.parse_args()
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compilations.append(event) if event == COMPILE_EVENT else None
    )
    titles = ("cold", "fit", "call", "first", "doctor", "of fit", "of epoch")
    print(f"{'ms of processor time':30}" + "".join(f"{title:>9}" for title in titles))
    for name, (build, rows, arguments) in make_cases(options.rows).items():
        result = measure(build, rows, arguments, options.rounds)
        cells = [f"{1e3 * result[title]:9.1f}" for title in titles[:5]]
        cells += [f"{result['doctor'] / result[unit]:9.1%}" for unit in ("fit", "epoch")]
        verdict = f"  compiled {result['compiled']}, findings {result['findings']}"
        print(f"{name:30}" + "".join(cells) + verdict, flush=True)


if __name__ == "__main__":
    main()
