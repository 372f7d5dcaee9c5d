"""Time of a loss landscape, beside a loop in PyTorch and `evaluate` called point by point.

`python benchmarks/landscape.py [--rounds 5] [--points 60]`

51 x 51 points of 784-64-10 over 8,000 rows. Turns alternate in one process. The landscape is
computed as a whole; the two loops compute some of its points, and their time is that of a point
times 2,601. The ratios are medians over the rounds: above 1, the landscape is faster.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

import glassnet as gn
from glassnet.inspection.weight_selection import draw_direction, move

ROWS, PIXELS, HIDDEN, CLASSES, RESOLUTION = 8_000, 784, 64, 10, 51

Losses = Callable[[np.ndarray], np.ndarray]
"""A function from offsets (n, 2) to losses (n,)."""


def make_model() -> gn.Sequential:
    """Return the network with random weights."""
    layers = [gn.layers.Dense(HIDDEN, activation="relu"), gn.layers.Dense(CLASSES, "softmax")]
    model = gn.Sequential([gn.layers.Input(PIXELS), *layers], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def make_evaluate_loop(model: gn.Sequential, x: np.ndarray, y: np.ndarray) -> Losses:
    """Return a loop over `set_weights` and `evaluate`."""
    snapshot, rng = model.take_snapshot(), np.random.default_rng(0)
    directions = [draw_direction(snapshot.network, snapshot.params, rng) for _ in range(2)]
    order = [(path[0], key) for _, path, key in snapshot.network.weight_paths]

    def compute(offsets: np.ndarray) -> np.ndarray:
        losses = []
        for offset in offsets:
            params = move(snapshot.params, directions, offset.astype(np.float32))
            model.set_weights([params[i][key] for i, key in order])
            losses.append(model.evaluate(x, y, verbose=0))
        model.set_weights([snapshot.params[i][key] for i, key in order])
        return np.array(losses)

    return compute


def make_torch_loop(model: gn.Sequential, x: np.ndarray, y: np.ndarray) -> Losses:
    """Return a plain loop in PyTorch over the same points."""
    import torch
    from torch import nn

    snapshot, rng = model.take_snapshot(), np.random.default_rng(0)
    directions = [draw_direction(snapshot.network, snapshot.params, rng) for _ in range(2)]
    twin = nn.Sequential(nn.Linear(PIXELS, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, CLASSES))
    places = [(twin[0], 0), (twin[2], 2)]
    kernels = [torch.tensor(np.asarray(snapshot.params[i]["kernel"]).T) for _, i in places]
    steps = [[torch.tensor(d[i]["kernel"].T) for d in directions] for _, i in places]
    for linear, i in places:
        linear.bias.data = torch.tensor(np.asarray(snapshot.params[i]["bias"]))
    rows, labels = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))
    loss = nn.CrossEntropyLoss()

    @torch.no_grad()
    def compute(offsets: np.ndarray) -> np.ndarray:
        losses = []
        for a, b in offsets.tolist():
            for (linear, _), kernel, (first, second) in zip(places, kernels, steps, strict=True):
                linear.weight.data = kernel + a * first + b * second
            losses.append(loss(twin(rows), labels).item())
        return np.array(losses)

    return compute


def measure(task: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds of a call by the clock, and those of the processor."""
    time.sleep(0.3)  # threads of the task before come to rest
    start, processor_start = time.perf_counter(), time.process_time()
    task()
    return time.perf_counter() - start, time.process_time() - processor_start


def main() -> None:
    """Print times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--points", type=int, default=60)
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    x = rng.normal(size=(ROWS, PIXELS)).astype(np.float32)
    y = rng.integers(0, CLASSES, ROWS)
    model = make_model()
    landscape = gn.inspection.loss_landscape(model, x, y, RESOLUTION)
    index = rng.choice(RESOLUTION**2, options.points, replace=False)
    axis, second = landscape.values
    offsets = np.stack([axis[index // RESOLUTION], second[index % RESOLUTION]], axis=1)
    loops = {"evaluate": make_evaluate_loop(model, x, y)}
    try:
        loops["PyTorch"] = make_torch_loop(model, x, y)
    except ImportError:
        print("PyTorch is not installed")
    for name, loop in loops.items():
        difference = np.abs(loop(offsets[:9]) / landscape.loss.ravel()[index[:9]] - 1).max()
        print(f"{name}: largest relative difference of 9 losses {difference:.1e}")
    tasks: dict[str, Callable[[], object]] = {
        "landscape": lambda: gn.inspection.loss_landscape(model, x, y, RESOLUTION)
    }
    tasks |= {name: lambda loop=loop: loop(offsets) for name, loop in loops.items()}
    seconds: dict[str, list[tuple[float, ...]]] = {name: [] for name in tasks}
    for _ in range(options.rounds):
        for name, task in tasks.items():
            factor = 1.0 if name == "landscape" else RESOLUTION**2 / options.points
            seconds[name].append(tuple(factor * each for each in measure(task)))
    for name, pairs in seconds.items():
        for k, kind in enumerate(("clock", "processor")):
            median = statistics.median(pair[k] for pair in pairs)
            ratios = [a[k] / b[k] for a, b in zip(pairs, seconds["landscape"], strict=True)]
            print(f"{name:10} {kind:9} {median:6.2f} s, ratio {statistics.median(ratios):.1f}")


if __name__ == "__main__":
    main()
