"""Learning-rate range test: the time of five seeds and of one, and whether its rates work.

`python benchmarks/rate_ranges.py speed [--rounds 7]`
`python benchmarks/rate_ranges.py check [--epochs 20] [problem ...]`

`speed` alternates tests with one and with five seeds, warm; each cold time is that of a process of
its own. `check` trains each problem at 26 rates, with two seeds that the test does not use. The
regret of a rate is how much higher its loss ends than that of the best rate, divided by the fall of
the best rate. A good range has regrets of at most 0.1.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np

import glassnet as gn
from glassnet.layers import GRU, Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten
from glassnet.layers import MaxPooling2D as Pooling
from glassnet.optimizers import SGD, Adam, Optimizer, RMSprop

RATES = 10.0 ** np.arange(-5, 1.3, 0.25)
CROSSENTROPY, BINARY = "sparse_categorical_crossentropy", "binary_crossentropy"


def load(name: str, image: bool = False, rows: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of a dataset: standardized columns, or pixels from 0 to 1."""
    data = gn.datasets.load(name)
    x, y = np.asarray(data.x[:rows], np.float32), data.y[:rows]
    if x.ndim > 2:
        x = x / x.max()
        return (x[..., None] if image else x.reshape(len(x), -1)), y
    y = y if y.dtype.kind in "iu" else (y - y.mean()) / y.std()
    return (x - x.mean(0)) / x.std(0), y


def dense(*units: int, activation: str | None, hidden: str = "relu") -> list[Any]:
    """Return dense layers of these sizes."""
    *inner, last = units
    layers: list[Any] = [Dense(n, activation=hidden) for n in inner]
    return [*layers, Dense(last, activation=activation)]


def make_problem(name: str) -> tuple[gn.Sequential, tuple[Any, ...], dict[str, Any]]:
    """Return a compiled model, its data and arguments of `fit`."""
    dataset, _, kind = name.partition(" ")
    optimizers: dict[str, Optimizer] = {
        "sgd": SGD(),
        "momentum": SGD(momentum=0.9),
        "adam": Adam(),
        "rmsprop": RMSprop(),
    }
    optimizer = optimizers[kind.split()[-1]]
    softmax, loss = dense(64, 10, activation="softmax"), CROSSENTROPY
    data: tuple[Any, ...] = ()
    options: dict[str, Any] = {}
    if dataset == "flights":
        frame = gn.datasets.load("flights").frame
        data = (gn.data.series(frame, "passengers", time="month", horizon=12),)
        layers, loss, options = [GRU(16), Dense(12)], "mse", {"batch_size": 16}
    elif dataset == "titanic":
        data, options = (gn.datasets.load("titanic").train,), {"target": "survived"}
        inner = [Dense(32), BatchNormalization(), Activation("relu")] if "bn" in kind else []
        layers = [*(inner or [Dense(32, activation="relu"), Dropout(0.3)])]
        layers, loss = [*layers, Dense(1, activation="sigmoid")], BINARY
    elif "cnn" in kind:
        data = load(dataset, image=True)
        layers = [Conv2D(8, 3, activation="relu"), Pooling(2), Flatten(), softmax[-1]]
    elif dataset in ("digits", "mnist", "fashion_mnist"):
        data, layers = load(dataset), softmax
    elif dataset in ("diabetes", "plane"):
        data, layers, loss = load(dataset), dense(16, 16, 1, activation=None), "mse"
    elif dataset in ("moons", "circles", "breast_cancer"):
        data, layers = load(dataset), dense(16, 16, 1, activation="sigmoid")
        loss = BINARY
    else:
        data, layers = load(dataset), dense(16, 16, 3, activation="softmax")
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizer, loss)
    return model, data, options


PROBLEMS = (
    *(f"{name} {kind}" for name in ("moons", "digits", "diabetes") for kind in ("sgd", "adam")),
    *("digits cnn momentum", "digits cnn adam", "flights adam", "titanic adam", "titanic sgd"),
    *("titanic bn rmsprop", "spiral momentum", "wine adam", "iris sgd", "breast_cancer adam"),
)


def check(name: str, epochs: int) -> float:
    """Print how well the rates of a test work, and return the regret of the suggestion."""
    model, data, options = make_problem(name)
    result = gn.selection.learning_rate_range(model, *data, **options, verbose=0)
    losses = np.full((len(RATES), 2), np.inf)
    for i, rate in enumerate(RATES):
        for k in range(2):
            model.reset(100 + k)
            model.learning_rate = float(rate)
            settings = options | {"epochs": epochs, "verbose": 0}
            history = model.fit(*data, **settings).history["loss"]
            losses[i, k] = history[-1] if len(history) == epochs else np.inf
    mean = losses.mean(axis=1)
    fall = mean[0] - mean.min()
    regret = np.minimum((mean - mean.min()) / fall, 10)
    good = RATES[regret <= 0.1]
    rates = {"suggestion": result.suggestion, "low": result.band[0], "high": result.band[1]}
    rates["a tenth of the minimum"] = float(np.nanmedian(result.minimum) / 10)
    regrets = {key: np.interp(np.log(r), np.log(RATES), regret) for key, r in rates.items()}
    text = ", ".join(f"{key} {rates[key]:.2g} ({value:.2f})" for key, value in regrets.items())
    best = RATES[mean.argmin()]
    print(f"{name}: best {best:.2g}, good {good[0]:.2g} to {good[-1]:.2g}; {text}", flush=True)
    return float(regrets["suggestion"])


def measure(name: str, seeds: int) -> tuple[float, float]:
    """Return the wall time and the processor time of a test in seconds."""
    model, data, options = make_problem(name)
    start = time.perf_counter(), time.process_time()
    gn.selection.learning_rate_range(model, *data, seeds=seeds, verbose=0, **options)
    return time.perf_counter() - start[0], time.process_time() - start[1]


def compare_speed(name: str, rounds: int) -> None:
    """Print the times of one seed and of five, cold and warm."""
    times: dict[int, list[tuple[float, float]]] = {1: [], 5: []}
    cold: dict[int, list[tuple[float, float]]] = {1: [], 5: []}
    for _ in range(3):
        for seeds, found in cold.items():
            command = [sys.executable, __file__, "cold", name, "--seeds", str(seeds)]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found.append((float(output.split()[-2]), float(output.split()[-1])))
    for round_ in range(rounds + 1):
        for seeds, found in times.items():
            seconds = measure(name, seeds)
            if round_:
                found.append(seconds)
    for label, found_by_seeds in (("cold", cold), ("warm", times)):
        medians = {
            seeds: [statistics.median(column) for column in zip(*found, strict=True)]
            for seeds, found in found_by_seeds.items()
        }
        ratios = [five / one for one, five in zip(medians[1], medians[5], strict=True)]
        one, five = medians[1], medians[5]
        print(
            f"{name}, {label}: one seed {one[1]:.3f} s, five seeds {five[1]:.3f} s of processors,"
            f" ratio {ratios[1]:.2f}; by the clock {ratios[0]:.2f}",
            flush=True,
        )


def main() -> None:
    """Run the measurements that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=("speed", "check", "cold"))
    parser.add_argument("problems", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.task == "cold":
        print(*measure(arguments.problems[0], arguments.seeds))
    elif arguments.task == "speed":
        for name in arguments.problems or ("moons adam", "digits adam", "digits cnn adam"):
            compare_speed(name, arguments.rounds)
    else:
        problems = arguments.problems or PROBLEMS
        regrets = [check(name, arguments.epochs) for name in problems]
        good = sum(regret <= 0.1 for regret in regrets)
        print(f"the suggestion has a regret of at most 0.1 in {good} of {len(regrets)} problems")


if __name__ == "__main__":
    main()
