"""Speed of Glassnet compared with its peers.

`python benchmarks/run.py [--quick] [--json out.json]`

Each library runs in its own process, and turns alternate. There are two ratios: the median over
rounds of the ratio within a round, and the ratio of the minima. If they differ, the machine was
busy: run again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from peers import CALLS_ONLY, CLASSES, FIRST_RUN, HIDDEN, PEERS, PIXELS, ROWS, TRANSFERS

GOALS = {
    "epoch, batch 32": "PyTorch 5x, best peer 2x",
    "epoch, batch 128": "PyTorch 5x, best peer 2x",
    "call, 1 epoch, batch 32": "Keras, 50 steps 1.4x",
    "call, 1 epoch, batch 128": "Keras, 50 steps 1.2x",
    "CNN epoch, batch 32": "PyTorch 1.8x, Keras on TF 1.2x",
    "CNN, first step": "at most 1.2 s, PyTorch 1x",
    "predict one row": "at most 300 us",
    "Celsius, whole process": "best peer 2x",
    "small fit, cold": "scikit-learn 1x",
}
CALLS = {
    "call, 1 epoch, batch 32": (1, 32),
    "call, 1 epoch, batch 128": (1, 128),
    "call, 5 epochs, batch 32": (5, 32),
    "call, 5 epochs, batch 128": (5, 128),
}
"""Whole calls of `fit`: number of epochs and rows per batch."""

UNITS = ((1e-3, 1e6, "us"), (1.0, 1e3, "ms"), (float("inf"), 1.0, "s"))
PRODUCT = "one large product"
Samples = dict[str, list[float]]


class Missing(Exception):
    """A library that is not installed."""


class Worker:
    """The process of one library.

    Tasks that include the start use a new process each; warm tasks share one.
    """

    def __init__(self, name: str) -> None:
        self.name, self.began = name, time.perf_counter()
        command = [sys.executable, str(Path(__file__).with_name("peers.py")), name]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, **pipes)
        self.version = self.reply()

    def reply(self) -> Any:
        """Return the answer to the last task, or raise its error."""
        reply = json.loads(self.process.stdout.readline() or "{}")
        if "answer" in reply:
            return reply["answer"]
        self.close()
        if "missing" in reply:
            raise Missing(reply["missing"])
        raise RuntimeError(
            f"{self.name}: {reply.get('error', f'ended with code {self.process.returncode}')}"
        )

    def ask(self, task: str, *arguments: Any) -> Any:
        """Run a task and return its answer."""
        self.process.stdin.write(json.dumps([task, *arguments]) + "\n")
        self.process.stdin.flush()
        return self.reply()

    def close(self) -> float:
        """End the process and return its lifetime in seconds."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        return time.perf_counter() - self.began


def warm(names: list[str], rounds: int, rows: int) -> Iterator[tuple[str, Samples]]:
    """Yield each warm task with its samples, then the GFLOP/s of a large product."""
    names = [name for name in names if name != FIRST_RUN]
    workers = {name: Worker(name) for name in names}
    for label, *task in (
        ("epoch, batch 32", "epoch", 32, rows),
        ("epoch, batch 128", "epoch", 128, rows),
        *((label, "call", batch, rows, epochs) for label, (epochs, batch) in CALLS.items()),
        ("predict one row", "predict_one"),
        ("CNN epoch, batch 32", "cnn", rows // 20),
    ):
        samples: Samples = {name: [] for name in names if can_run(name, task[0])}
        for turn in range(rounds + 1):
            for name, seconds in samples.items():
                answer = workers[name].ask(*task)
                if turn:
                    seconds.append(answer)
        yield label, samples
    yield PRODUCT, {"glassnet": [workers["glassnet"].ask("matmul") for _ in range(3)]}
    for worker in workers.values():
        worker.close()


def can_run(name: str, task: str) -> bool:
    """Return whether a peer takes part in a warm task."""
    return task == "call" if name in CALLS_ONLY else (name, task) != ("scikit-learn", "cnn")


def fresh(names: list[str], rounds: int, epochs: int) -> Iterator[tuple[str, Samples]]:
    """Yield each task that includes the start of the process, with its samples."""
    names = [name for name in names if name not in CALLS_ONLY]
    process_seconds: Samples = {name: [] for name in names}
    for name in names * (rounds + 1):
        worker = Worker(name)
        answer = worker.ask("celsius")
        process_seconds[name].append(worker.close())
        if abs(answer - 212) > 10:
            print(f"{name}: 100 degrees Celsius came out as {answer:.1f}")
    yield "Celsius, whole process", without_first(process_seconds)
    first: Samples = {name: [] for name in names if name != "scikit-learn"}
    for name in [*first] * (rounds + 1):
        worker = Worker(name)
        first[name].append(worker.ask("cnn_cold"))
        worker.close()
    yield "CNN, first step", without_first(first)
    cold: Samples = {name: [] for name in names}
    process_seconds = {name: [] for name in names}
    for name in names * (rounds + 1):
        worker = Worker(name)
        cold[name].append(worker.ask("fit_small", epochs))
        process_seconds[name].append(worker.close())
    yield "small fit, cold", without_first(cold)
    yield "small fit, whole process", without_first(process_seconds)


def without_first(samples: Samples) -> Samples:
    """Drop the first process of each library: it fills the caches of the system and of Glassnet."""
    return {name: seconds[1:] for name, seconds in samples.items()}


def row(task: str, samples: Samples, names: list[str]) -> str:
    """Return a table row: Glassnet's median and minimum; per peer the median and both ratios."""
    ours = samples["glassnet"]
    cells = [f"{text(statistics.median(ours))}, {text(min(ours))}"]
    for theirs in (samples.get(name, []) for name in names[1:]):
        by_rounds = (
            statistics.median(b / a for a, b in zip(ours, theirs, strict=True)) if theirs else 0
        )
        cells.append(
            f"{text(statistics.median(theirs))}, {by_rounds:.2f}x, {min(theirs) / min(ours):.2f}x"
            if theirs
            else ""
        )
    return line(task, *cells, GOALS.get(task, ""))


def text(seconds: float) -> str:
    factor, unit = next((factor, unit) for limit, factor, unit in UNITS if seconds < limit)
    return f"{seconds * factor:.3g} {unit}"


def line(*cells: str) -> str:
    return f"| {cells[0]:<24} | {' | '.join(f'{cell:<22}' for cell in cells[1:])} |"


def installed() -> dict[str, str]:
    """Return the installed libraries with their versions, and print a line for each missing one."""
    versions = {}
    for name in PEERS:
        try:
            worker = Worker(name)
        except Missing as error:
            print(f"{name}: left out ({error})")
        else:
            versions[name] = worker.version
            worker.close()
    return versions


def describe_calls(results: dict[str, Samples]) -> str:
    """Return each whole call's time over that of as many epochs, least over least."""
    ratios = []
    for label, (epochs, batch) in CALLS.items():
        seconds, epoch = (results[task]["glassnet"] for task in (label, f"epoch, batch {batch}"))
        ratios.append(f"{min(seconds) / (epochs * min(epoch)):.2f} ({label})")
    return f"Time over that of the epochs: {', '.join(ratios)}"


def load() -> float:
    """Return the load average of the last minute, or NaN if the system has none."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else math.nan


def describe_machine(rounds: int, rows: int) -> dict[str, Any]:
    """Return the facts about this machine and run that the output begins with."""
    has_affinity = hasattr(os, "sched_getaffinity")
    return {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "cores": len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "rounds": rounds,
        "rows": rows,
    }


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(
        description="Compare the speed of Glassnet with its peers in one run."
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a tenth of the rows and two rounds, only to check that everything runs",
    )
    parser.add_argument("--json", type=Path, help="where to write all samples after every task")
    parser.add_argument(
        "--rounds", type=int, help="number of turns of each library (default: 5, quick: 2)"
    )
    parser.add_argument(
        "--only", help="comma-separated peers of glassnet: " + ", ".join(list(PEERS)[1:])
    )
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    rows, rounds = (ROWS // 10, 2) if options.quick else (ROWS, 5)
    rounds = options.rounds or rounds
    versions = installed()
    if "glassnet" not in versions:
        sys.exit("Install Glassnet first: pip install -e .")
    selected = versions if options.only is None else ("glassnet", *options.only.split(","))
    names = [name for name in versions if name in selected]
    machine = describe_machine(rounds, rows)
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    print("; ".join(versions[name] for name in names), end="\n\n")
    headings = [f"{name} (ratios)" for name in names[1:]]
    print(line("task", "glassnet: median, minimum", *headings, "goal"))
    print(line("---", *["---"] * (len(names) + 1)), flush=True)
    work = rows * (4 * PIXELS * HIDDEN + 6 * HIDDEN * CLASSES) * 1e-9
    results: dict[str, Samples] = {}
    loads, speeds = [load()], []
    for task, samples in itertools.chain(warm(names, rounds, rows), fresh(names, rounds, 50)):
        results[task] = samples
        loads.append(load())
        if task == PRODUCT:
            speeds.append(f"{max(samples['glassnet']):.0f} ({task})")
        else:
            print(row(task, samples, names), flush=True)
        if task.startswith("epoch"):
            speeds.append(f"{work / min(samples['glassnet']):.0f} ({task})")
        if options.json:
            facts = {"machine": machine, "versions": versions, "loads": loads, "samples": results}
            options.json.write_text(json.dumps(facts, indent=1))
    print(f"\n{describe_calls(results)}")
    print("A whole call: " + "; ".join(f"{name} {TRANSFERS[name]}" for name in names))
    print(f"GFLOP/s: {', '.join(speeds)}; load {min(loads):.1f} to {max(loads):.1f}")


if __name__ == "__main__":
    main()
