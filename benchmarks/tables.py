"""Processor time of reading a CSV file, beside pandas.

`python benchmarks/tables.py [--rounds 9]`

Turns alternate in one process. pandas infers types, or reads every cell as text. The ratios are
Glassnet's time over pandas's, medians over the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas

from glassnet.data.table import read_table

SIZES = {"60,000 x 8": (60_000, 4, 2), "300,000 x 11": (300_000, 6, 3)}
"""Rows, numbers and text columns; each table also has a date and a target of yes and no."""


def write_table(path: Path, rows: int, numbers: int, texts: int) -> None:
    """Write a table of random cells."""
    rng = np.random.default_rng(0)
    columns = {f"number {i}": rng.normal(size=rows) for i in range(numbers)}
    words = ["alpha", "beta", "gamma", "delta"]
    columns |= {f"text {i}": rng.choice(words, rows) for i in range(texts)}
    columns["date"] = (np.datetime64("2015-01-01") + rng.integers(0, 3000, rows)).astype(str)
    columns["target"] = rng.choice(["yes", "no"], rows)
    pandas.DataFrame(columns).to_csv(path, index=False)


def measure(tasks: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median processor time of each task; the first round is left out."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(rounds + 1):
        for name, task in tasks.items():
            start = time.process_time()
            task()
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(values[1:]) for name, values in seconds.items()}


def main() -> None:
    """Print a table of times and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    print(f"pandas {pandas.__version__}, {rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        tasks: dict[str, Callable[[], object]] = {
            "read_table": lambda: read_table(path),
            "pandas": lambda: pandas.read_csv(path),
            "pandas, as text": lambda: pandas.read_csv(path, dtype=str),
        }
        for size, shape in SIZES.items():
            write_table(path, *shape)
            for name, seconds in (medians := measure(tasks, rounds)).items():
                ratio = medians["read_table"] / seconds
                print(f"{size}: {name:16} {seconds * 1e3:6.0f} ms, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
