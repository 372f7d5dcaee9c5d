"""Time of many networks trained together, as users call them, beside one fit after another.

`python benchmarks/selection.py [--rounds 5] [--only mlp digits cnn rates range cold]`

Each task alternates with its rivals in one process; the first round compiles and is left out. Ten
folds stand beside a loop of `reset`, `fit` and `predict`, with the validation losses that a
cross-validation has too and without them, and beside the loop with them in PyTorch: eager, on
tensors, with batches of the same size. The task "cold" is the first call of a process, without
imports, with the programs that earlier processes compiled. Use an idle machine, or one core:
`taskset -c 0`.
"""

from __future__ import annotations

import argparse
import functools
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

import glassnet as gn
from glassnet.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D

FOLDS, BATCH = 10, 32
Task = Callable[[], object]


class Case:
    """A network and its rows.

    Args:
        layers: of Glassnet.
        links: returns the layers of PyTorch.
        rows: x and y.
        epochs: of each fold.
    """

    def __init__(
        self,
        layers: list[Any],
        links: Callable[[Any], list[Any]],
        rows: tuple[np.ndarray, np.ndarray],
        epochs: int,
    ) -> None:
        self.links, (self.x, self.y), self.epochs = links, rows, epochs
        self.has_classes = self.y.ndim == 1
        self.model = gn.Sequential([Input(self.x.shape[1:]), *layers], seed=0)
        self.model.compile("adam", "sparse_categorical_crossentropy" if self.has_classes else "mse")
        self.options: dict[str, Any] = {"epochs": epochs, "batch_size": BATCH, "verbose": 0}
        parts = np.array_split(np.random.default_rng(1).permutation(len(self.x)), FOLDS)
        everything = np.arange(len(self.x))
        self.parts = [(np.setdiff1d(everything, part), np.sort(part)) for part in parts]

    def cross_validate(self) -> np.ndarray:
        """Train all folds together; return the prediction of every row."""
        result = gn.selection.cross_validate(
            self.model, self.x, self.y, folds=self.parts, **self.options
        )
        predictions: np.ndarray = result.predictions
        return predictions

    def fit_in_turn(self, validate: bool) -> np.ndarray:
        """Train one fold after another; return the prediction of every row."""
        predictions = [np.zeros(0)] * FOLDS
        for k, (train, test) in enumerate(self.parts):
            self.model.reset(k)
            held_out = {"validation_data": (self.x[test], self.y[test])} if validate else {}
            self.model.fit(self.x[train], self.y[train], **self.options, **held_out)
            predictions[k] = self.model.predict(self.x[test])
        return np.concatenate(predictions)

    def fit_once(self) -> None:
        """Train one network on all rows."""
        self.model.reset(0)
        self.model.fit(self.x, self.y, **self.options)

    def loop_in_pytorch(self) -> np.ndarray:
        """Train one fold after another with PyTorch; return the prediction of every row."""
        import torch

        nn = torch.nn
        loss = nn.CrossEntropyLoss() if self.has_classes else nn.MSELoss()
        x = np.moveaxis(self.x, -1, 1) if self.x.ndim == 4 else self.x
        inputs, targets = torch.from_numpy(np.ascontiguousarray(x)), torch.from_numpy(self.y)
        predictions = []
        for train, test in self.parts:
            net = nn.Sequential(*self.links(nn))
            optimizer = torch.optim.Adam(net.parameters())
            train_x, train_y = inputs[train], targets[train]
            test_x, test_y = inputs[test], targets[test]
            for _ in range(self.epochs):
                total = torch.zeros(())
                for rows in torch.randperm(len(train)).split(BATCH):
                    optimizer.zero_grad()
                    cost = loss(net(train_x[rows]), train_y[rows])
                    cost.backward()
                    optimizer.step()
                    total += cost.detach()
                float(total)
                with torch.inference_mode():
                    float(loss(net(test_x), test_y))
            with torch.inference_mode():
                predictions.append(net(test_x).numpy())
        return np.concatenate(predictions)


def make_mlp() -> Case:
    """Return the network 8-16-16-1 and 800 rows."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((800, 8)).astype(np.float32)
    y = (np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3]).astype(np.float32)
    layers = [Dense(16, activation="relu"), Dense(16, activation="relu"), Dense(1)]

    def links(nn: Any) -> list[Any]:
        return [nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1)]

    return Case(layers, links, (x, y), epochs=50)


def make_digits() -> Case:
    """Return the network 64-128-10 and 1,797 digits."""
    x, y = load_digits(return_X_y=True)
    layers = [Dense(128, activation="relu"), Dense(10, activation="softmax")]

    def links(nn: Any) -> list[Any]:
        return [nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 10)]

    return Case(layers, links, ((x / 16).astype(np.float32), y), epochs=20)


def make_cnn() -> Case:
    """Return a convolutional network and 1,797 digits of 8 x 8 pixels."""
    x, y = load_digits(return_X_y=True)
    layers = [
        Conv2D(16, 3, activation="relu", padding="same"),
        MaxPooling2D(2),
        Conv2D(32, 3, activation="relu", padding="same"),
        MaxPooling2D(2),
        Flatten(),
        Dense(10, activation="softmax"),
    ]

    def links(nn: Any) -> list[Any]:
        first = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        second = [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        return [*first, *second, nn.Flatten(), nn.Linear(128, 10)]

    return Case(layers, links, ((x / 16).astype(np.float32).reshape(-1, 8, 8, 1), y), epochs=5)


CASES: dict[str, Callable[[], Case]] = {"mlp": make_mlp, "digits": make_digits, "cnn": make_cnn}


def make_fold_tasks(case: Case) -> dict[str, Task]:
    """Return the ways to train ten folds, the one in one program first."""
    return {
        "ten folds": case.cross_validate,
        "ten fits": functools.partial(case.fit_in_turn, validate=True),
        "ten fits, no val_loss": functools.partial(case.fit_in_turn, validate=False),
        "PyTorch": case.loop_in_pytorch,
    }


def make_rate_tasks() -> dict[str, Task]:
    """Return a sweep over 64 learning rates, and one fit."""
    case = make_mlp()
    values = {"learning_rate": np.geomspace(1e-4, 1e-1, 64)}

    def sweep() -> object:
        return gn.selection.sweep(case.model, case.x, case.y, values, **case.options)

    return {"64 rates": sweep, "one fit": case.fit_once}


def make_range_tasks() -> dict[str, Task]:
    """Return the rate range with five seeds, and with one."""
    case = make_mlp()

    def find_range(seeds: int) -> object:
        return gn.selection.learning_rate_range(
            case.model, case.x, case.y, seeds=seeds, batch_size=BATCH, verbose=0
        )

    return {
        "range, 5 seeds": functools.partial(find_range, 5),
        "range, 1 seed": functools.partial(find_range, 1),
    }


def measure(task: Task) -> tuple[float, float]:
    """Return the seconds of a call by the clock, and those of the processor."""
    time.sleep(0.2)  # threads of the task before come to rest
    start, processor_start = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - start, time.process_time() - processor_start


def alternate(tasks: dict[str, Task], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return the times of each task in every round, without the first round.

    A task whose library is not installed is left out.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            if name not in times:
                continue
            try:
                seconds = measure(task)
            except ImportError:
                del times[name]
                continue
            if turn:
                times[name].append(seconds)
    return times


def show(title: str, times: dict[str, list[tuple[float, float]]]) -> None:
    """Print the median time of each task, and the ratio of the first task's time to it."""
    print(f"{title:24}{'clock, ms':>10}{'processor':>10}{'ratio by clock':>16}{'by processor':>14}")
    first = next(iter(times.values()))
    for name, pairs in times.items():
        medians = [1e3 * statistics.median(pair[k] for pair in pairs) for k in (0, 1)]
        ratios = [
            statistics.median(a[k] / b[k] for a, b in zip(first, pairs, strict=True))
            for k in (0, 1)
        ]
        inverse = [1 / ratio for ratio in ratios]
        print(
            f"{name:24}{medians[0]:10.1f}{medians[1]:10.1f}"
            f"{ratios[0]:9.3f} 1/{inverse[0]:4.1f}{ratios[1]:8.3f} 1/{inverse[1]:4.1f}"
        )


def run_cold(name: str) -> None:
    """Print the times of the first call of this process."""
    case = make_mlp()
    task: Task = case.cross_validate
    if name == "PyTorch":
        import torch

        torch.zeros(1)
        task = case.loop_in_pytorch
    else:
        import jax

        import glassnet.selection.cross_validation  # noqa: F401

        jax.devices()
    print(json.dumps(measure(task)))


def measure_cold(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return the times of the first call of fresh processes, in turn."""
    times: dict[str, list[tuple[float, float]]] = {"ten folds, cold": [], "PyTorch": []}
    for turn in range(rounds + 1):
        for name in list(times):
            command = [sys.executable, __file__, "--cold", name]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                print(result.stderr[-300:])
                del times[name]
            elif turn:  # the first process compiles
                times[name].append(tuple(json.loads(result.stdout.splitlines()[-1])))
    return times


def main() -> None:
    """Print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    choices = [*CASES, "rates", "range", "cold"]
    parser.add_argument("--only", nargs="+", choices=choices, default=choices)
    parser.add_argument("--cold", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.cold:
        return run_cold(options.cold)
    for name in options.only:
        if name == "cold":
            times = measure_cold(options.rounds)
        elif name in CASES:
            times = alternate(make_fold_tasks(CASES[name]()), options.rounds)
        else:
            make_tasks = {"rates": make_rate_tasks, "range": make_range_tasks}[name]
            times = alternate(make_tasks(), options.rounds)
        show(name, times)
    return None


if __name__ == "__main__":
    main()
