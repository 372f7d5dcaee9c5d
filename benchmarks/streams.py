"""Speed of streams of batches and memory maps compared with arrays of the same rows.

`python benchmarks/streams.py [--quick] [--rounds 5] [--batch 32]`

The second epoch of a fit is timed, in alternating turns in one process. The ratio is the median
over rounds of the time divided by that of arrays. The rows exist before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np

import glassnet as gn

ROWS, PIXELS, HIDDEN, CLASSES = 60_000, 784, 128, 10


def build() -> gn.Sequential:
    layers = [
        gn.layers.Dense(HIDDEN, activation="relu"),
        gn.layers.Dense(CLASSES, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


def sources(
    rows: int, batch: int, folder: str
) -> dict[str, Callable[[], tuple[Any, Any, dict[str, Any]]]]:
    """Return a function per kind of data that returns x, y and the options of `fit`."""
    rng = np.random.default_rng(0)
    x, y = rng.random((rows, PIXELS), np.float32), rng.integers(0, CLASSES, rows)
    mapped = np.memmap(f"{folder}/x", np.float32, "w+", shape=x.shape)
    mapped[:] = x
    batches = [(x[i : i + batch], y[i : i + batch]) for i in range(0, rows, batch)]
    pixels = [((255 * a).astype(np.uint8), b) for a, b in batches]
    return {
        "arrays": lambda: (x, y, {}),
        "arrays, again": lambda: (x, y, {}),
        "list of batches": lambda: (batches, None, {}),
        "generator": lambda: (lambda: (pair for pair in batches), None, {}),
        "float64 batches": lambda: (
            lambda: ((a.astype(np.float64), b) for a, b in batches),
            None,
            {},
        ),
        "uint8 batches": lambda: (pixels, None, {}),
        "memory map": lambda: (mapped, y, {}),
        "memory map, in order": lambda: (mapped, y, {"shuffle": False}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows and two rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batch", type=int, default=32)
    options = parser.parse_args()
    rows, rounds = (ROWS // 10, 2) if options.quick else (ROWS, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        data_sources = sources(rows, options.batch, folder)
        seconds: dict[str, list[float]] = {name: [] for name in data_sources}
        for turn in range(rounds + 1):
            for name, source in data_sources.items():
                x, y, fit_options = source()
                log = build().fit(
                    x, y, batch_size=options.batch, epochs=2, verbose=0, **fit_options
                )
                if turn:
                    seconds[name].append(log.seconds[1])
    print(f"{rows} rows, batch {options.batch}, {rounds} rounds, load {os.getloadavg()[0]:.1f}")
    for name, times in seconds.items():
        ratio = statistics.median(a / b for a, b in zip(times, seconds["arrays"], strict=True))
        least = min(times) / min(seconds["arrays"])
        print(
            f"| {name:<22} | {statistics.median(times) * 1e3:6.0f} ms | {ratio:.2f} ({least:.2f}) |"
        )


if __name__ == "__main__":
    main()
