"""Kill training runs a thousand times and compare what they resume to.

`python benchmarks/kills.py [--kills 1000] [--seed 0]`, on a POSIX system.

The runs are those of `tests/training/resume/child.py`. SIGKILL ends each process: at every point of
its writes, at random moments from outside and from a thread, and between its last checkpoint and
its end. The next process resumes the run, until one finishes. The result is compared, byte for
byte, with that of a run that was never stopped. A kill counts if it came before the run had a
result.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "training" / "resume"))

import child
import killing

KINDS = ("at writes", "outside", "timer", "at the end")
WHEN = ("starting", "training", "ended")
EVERY = 4
"""Runs that make many writes are killed at every fourth."""


def kill(
    nursery: killing.Nursery, scenario: str, kills: int, seed: int
) -> tuple[list[int], Counter[str], int, int, float]:
    """Kill runs of one scenario at least `kills` times.

    Returns:
        The kills by kind, the kills by phase, the number of runs, how many of them differ from a
        run that was never stopped, and the seconds.
    """
    began = time.perf_counter()
    after_epochs = child.SCENARIOS[scenario] in child.AFTER_EPOCHS
    runs = [killing.at_points(nursery, scenario, every=1 if after_epochs else EVERY)]
    if scenario == "files":
        runs[0] += killing.at_other_files(nursery, scenario)
    end = killing.at_the_end(nursery, scenario)
    left = max(0, kills - killing.killed(runs[0] + end))
    for how, share in (("outside", left - left // 2), ("timer", left // 2)):
        runs.append(killing.at_random(nursery, scenario, share, how, seed))
    runs.append(end)
    every = [run for of_kind in runs for run in of_kind]
    differ = sum(not run.finish() for run in every)
    when = sum((run.kills for run in every), Counter())
    return (
        [killing.killed(of_kind) for of_kind in runs],
        when,
        len(every),
        differ,
        time.perf_counter() - began,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lives", type=int, default=2, help="number of processes at a time")
    options = parser.parse_args()
    began, names, idle = time.perf_counter(), list(child.SCENARIOS), SimpleQueue()

    def one(scenario: str) -> list[int]:
        nursery = idle.get()
        by_kind, when, runs, differ, seconds = kill(
            nursery, scenario, -(-options.kills // len(names)), options.seed
        )
        idle.put(nursery)
        numbers = [*by_kind, sum(by_kind), *(when[name] for name in WHEN), runs, differ]
        print(row(scenario, [*numbers, round(seconds)]), flush=True)
        return numbers

    print(row("scenario", [*KINDS, "kills", *WHEN, "runs", "differ", "seconds"]), flush=True)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.lives) as threads:
        nurseries = [killing.Nursery(Path(folder) / str(i)) for i in range(options.lives)]
        for nursery in nurseries:
            idle.put(nursery.__enter__())
        total = [sum(column) for column in zip(*threads.map(one, names), strict=True)]
        for nursery in nurseries:
            nursery.__exit__()
    print(row("all", [*total, round(time.perf_counter() - began)]))
    print(
        f"load {os.getloadavg()[0]:.1f}; "
        + ("all runs gave the same bytes" if not total[-1] else f"{total[-1]} RUNS DIFFER")
    )


def row(name: str, cells: list[object]) -> str:
    return f"| {name:<9} | " + " | ".join(f"{cell!s:>10}" for cell in cells) + " |"


if __name__ == "__main__":
    main()
