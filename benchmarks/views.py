"""Time of a decision boundary and of all neuron maps, computed and not drawn, as users call them.

`python benchmarks/views.py [--rounds 15]`

The network is 2-8-8-1 and trained; the rows are NumPy arrays. A first round compiles and is left
out. The calls alternate with `predict` of the same 40,000 points, and with a forward pass of
NumPy's products over them, which any way of computing the boundary needs.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

import glassnet as gn
from glassnet.layers import Dense

RESOLUTION, GOAL = 200, 50
"""Points along each axis, and the goal in milliseconds for both views together."""


def train_model(data: gn.datasets.Dataset) -> gn.Sequential:
    """Return a trained network 2-8-8-1."""
    layers = [Dense(8, activation="tanh"), Dense(8, activation="tanh")]
    model = gn.Sequential([*layers, Dense(1, activation="sigmoid")], seed=0)
    model.fit(data.x, data.y, epochs=20, verbose=0)
    return model


def run_forward(points: np.ndarray, weights: list[np.ndarray]) -> np.ndarray:
    """Return the outputs of the network, computed with NumPy."""
    a = points
    for kernel, bias in zip(weights[:4:2], weights[1:4:2], strict=True):
        a = np.tanh(a @ kernel + bias)
    outputs: np.ndarray = 1 / (1 + np.exp(-(a @ weights[4] + weights[5])))
    return outputs


def measure(
    tasks: dict[str, Callable[[], object]], rounds: int
) -> dict[str, tuple[float, float, float]]:
    """Return the median and least wall time, and the median processor time, of each task.

    The first round is left out.
    """
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in tasks}
    for _ in range(rounds + 1):
        for name, task in tasks.items():
            start = time.perf_counter(), time.process_time()
            task()
            times[name].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return {
        name: (
            statistics.median(wall for wall, _ in values[1:]),
            min(wall for wall, _ in values[1:]),
            statistics.median(processor for _, processor in values[1:]),
        )
        for name, values in times.items()
    }


def main() -> None:
    """Print the times, and the sum beside the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    data = gn.datasets.load("moons")
    model = train_model(data)
    axis = np.linspace(-2, 2, RESOLUTION, dtype=np.float32)
    points = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    weights, test = model.get_weights(), (data.x_test, data.y_test)
    inspection = gn.inspection
    tasks: dict[str, Callable[[], object]] = {
        "decision_boundary": lambda: inspection.decision_boundary(
            model, data.x, data.y, test=test, resolution=RESOLUTION
        ),
        "neurons": lambda: inspection.neurons(model, data.x, resolution=RESOLUTION),
        "predict": lambda: model.predict(points),
        "numpy": lambda: run_forward(points, weights),
    }
    times = measure(tasks, rounds)
    print(f"{'ms, ' + str(rounds) + ' rounds':20}{'median':>9}{'least':>9}{'processors':>12}")
    for name, values in times.items():
        wall, least, processor = (1e3 * value for value in values)
        print(f"{name:20}{wall:9.1f}{least:9.1f}{processor:12.1f}")
    wall, least, processor = (
        1e3 * (a + b) for a, b in zip(times["decision_boundary"], times["neurons"], strict=True)
    )
    print(f"{'both, goal ' + str(GOAL):20}{wall:9.1f}{least:9.1f}{processor:12.1f}")
    print(f"boundary over predict: {times['decision_boundary'][2] / times['predict'][2]:.2f}")
    print(f"boundary over NumPy: {times['decision_boundary'][2] / times['numpy'][2]:.2f}")


if __name__ == "__main__":
    main()
