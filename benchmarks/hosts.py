"""Numbers for a plan of training on many hosts: gradients on the network, and checkpoints.

`python benchmarks/hosts.py [--hosts 100] [--rounds 5]`

For the networks of the labs and one of 25 million weights: the time of a step of 64 rows, measured
here; the time of a ring all-reduce of the gradients at 1, 10 and 100 Gbit/s, computed; the bytes
of a checkpoint, measured. A ring of N hosts sends 2 (N - 1) / N of the bytes from each host, in
2 (N - 1) messages one after another (Patarasuk and Yuan, 2009,
https://doi.org/10.1016/j.jpdc.2008.09.002).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from devices import networks

BATCH, CLASSES = 64, 10
LATENCY = 50e-6
"""Seconds of one message, assumed: TCP over Ethernet in one data center."""


def layers_and_steps() -> dict[str, tuple[list[Any], tuple[int, ...], int]]:
    """Return layers, shape of one example and steps to time, by name."""
    from glassnet.layers import Dense

    wide = [Dense(units, activation="relu") for units in (4096, 4096, 1216)]
    chosen = {name: networks()[name] for name in ("MLP 784-128-10", "CNN 32-64-128", "LSTM 32")}
    steps = {"MLP 784-128-10": 200, "CNN 32-64-128": 20, "LSTM 32": 100}
    timed = {name: (*chosen[name], steps[name]) for name in chosen}
    return timed | {"MLP of 25 million weights": (wide, (784,), 4)}


def ring_seconds(n_bytes: int, n_hosts: int, gigabits: float, latency: float = LATENCY) -> float:
    """Return the seconds of a ring all-reduce: 2 (N - 1) (latency + bytes / N / bandwidth)."""
    return 2 * (n_hosts - 1) * (latency + n_bytes / n_hosts / (gigabits * 1e9 / 8))


def measure(layers: list[Any], shape: tuple[int, ...], steps: int, rounds: int) -> dict[str, float]:
    """Return the least seconds of a step, the bytes of the weights and those of a checkpoint."""
    import glassnet as gn

    rng = np.random.default_rng(0)
    x = rng.random((steps * BATCH, *shape), np.float32)
    y = rng.integers(0, CLASSES, len(x))
    model = gn.Sequential([*layers, gn.layers.Dense(CLASSES, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        model.fit(x, y, batch_size=BATCH, verbose=0)
        times.append((time.perf_counter() - start) / steps)
    # The largest loss is that of the first epoch, so the best weights differ from the last ones.
    stopping = gn.callbacks.EarlyStopping("loss", mode="max", restore_best_weights=True, patience=9)
    rows = slice(2 * BATCH)
    with tempfile.TemporaryDirectory() as folder:
        model.fit(
            x[rows],
            y[rows],
            batch_size=BATCH,
            epochs=2,
            callbacks=[stopping],
            verbose=0,
            resume=folder,
        )
        sizes = [file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()]
    weights = 4 * model.count_params()
    return {"step": min(times[1:]), "weights": weights, "checkpoint": max(sizes)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print("network | weights, bytes | step | 1, 10, 100 Gbit/s | share of computing | checkpoint")
    for name, (layers, shape, steps) in layers_and_steps().items():
        facts = measure(layers, shape, steps, arguments.rounds)
        ring = [ring_seconds(int(facts["weights"]), arguments.hosts, g) for g in (1, 10, 100)]
        shares = ", ".join(f"{facts['step'] / (facts['step'] + each):.2f}" for each in ring)
        sent = ", ".join(f"{1e3 * each:.1f}" for each in ring)
        print(
            f"{name} | {facts['weights']:,.0f} | {1e3 * facts['step']:.2f} ms | {sent} ms | "
            f"{shares} | {facts['checkpoint']:,.0f} ({facts['checkpoint'] / facts['weights']:.2f})"
        )


if __name__ == "__main__":
    main()
