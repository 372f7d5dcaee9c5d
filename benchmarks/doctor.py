"""Cost of the doctor: fits with it and without it, in turn, in one process.

`python benchmarks/doctor.py [--rounds 9]`

Times are processor times of whole calls of `fit`, without validation rows and with them. The goal
is at most 5 % of an epoch of the lab MLP (784-128-10, 60,000 rows, batches of 32), and nothing
compiled by the doctor on a healthy run. The first fit of a network is its cold one. A run of one
epoch is the least favourable: the doctor's cost does not grow with the epochs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from unittest import mock

import jax
import numpy as np

import glassnet as gn
from glassnet.engine.compilation import COMPILE_EVENT
from glassnet.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D

Run = Callable[[], gn.Sequential]
GOAL = 0.05
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

    def build(layers: list[Any], loss: str) -> gn.Sequential:
        model = gn.Sequential(layers, seed=0)
        model.compile(gn.optimizers.Adam(0.001), loss)
        return model

    def mlp() -> gn.Sequential:
        layers = [Input(784), Dense(128, activation="relu"), Dense(10, activation="softmax")]
        return build(layers, "sparse_categorical_crossentropy")

    def small() -> gn.Sequential:
        layers = [Input(8), Dense(16, activation="relu"), Dense(16, activation="relu"), Dense(1)]
        return build(layers, "mse")

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
        "CNN, 2 epochs": (cnn, images, {"epochs": 2}),
        "CNN, 2 epochs, validation": (cnn, images, {"epochs": 2, **split}),
    }


@contextmanager
def without_doctor() -> Any:
    with mock.patch("glassnet.models.sequential.examine_fit", return_value=None):
        yield


@contextmanager
def with_doctor() -> Any:
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
    """Return the median times with and without the doctor, and what it compiled and found."""
    with without_doctor():
        cold, _ = time_fit(build, rows, arguments)
        time_fit(build, rows, arguments)
    compilations.clear()
    first, history = time_fit(build, rows, arguments)
    compiled = len(compilations)
    times: dict[str, list[float]] = {"with": [], "without": []}
    for turn in range(2 * rounds):
        name, context = (("with", with_doctor), ("without", without_doctor))[turn % 2]
        with context():
            times[name].append(time_fit(build, rows, arguments)[0])
    differences = [a - b for a, b in zip(times["with"], times["without"], strict=True)]
    return {
        "cold": cold,
        "without": statistics.median(times["without"]),
        "difference": statistics.median(differences),
        "first": first,
        "compiled": compiled,
        "findings": [finding.rule for finding in history.findings],
    }


def main() -> None:
    """Print a line for each network, and the doctor's share of an epoch of the lab MLP."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--rows", type=int, default=60_000)
    options = parser.parse_args()
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, *_, **__: compilations.append(event) if event == COMPILE_EVENT else None
    )
    print(f"{'ms of processor time':32}{'cold':>8}{'fit':>8}{'doctor':>8}{'share':>8}  compiled")
    for name, (build, rows, arguments) in make_cases(options.rows).items():
        result = measure(build, rows, arguments, options.rounds)
        fit, doctor = result["without"], result["difference"]
        print(
            f"{name:32}{1e3 * result['cold']:8.0f}{1e3 * fit:8.1f}{1e3 * doctor:8.1f}"
            f"{doctor / fit:8.1%}  {result['compiled']} {result['findings']}",
            flush=True,
        )


if __name__ == "__main__":
    main()
