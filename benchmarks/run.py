"""Glassnet beside its peers, in one run: `python benchmarks/run.py [--quick] [--json out.json]`.

Every contestant runs in a process of its own; the turns alternate, and a ratio is taken within each round before the median over
rounds, so that what drifts on the machine meets both sides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from peers import CLASSES, HIDDEN, PEERS, PIXELS, ROWS

GOALS = {
    "epoch, batch 32": "PyTorch 5x, best peer 2x",
    "epoch, batch 128": "PyTorch 5x, best peer 2x",
    "predict one row": "at most 300 us",
    "Celsius, whole process": "best peer 2x",
}
UNITS = ((1e-3, 1e6, "us"), (1.0, 1e3, "ms"), (float("inf"), 1.0, "s"))
Samples = dict[str, list[float]]


class Missing(Exception):
    """A peer that is not installed."""


class Worker:
    """A contestant's process. Started anew for what is timed from process start, kept for what is timed warm."""

    def __init__(self, name: str) -> None:
        self.name, self.began = name, time.perf_counter()
        command = [sys.executable, str(Path(__file__).with_name("peers.py")), name]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, text=True, **pipes)
        self.version = self.reply()

    def reply(self) -> Any:
        """The answer to the last task, or why there is none."""
        said = json.loads(self.process.stdout.readline() or "{}")
        if "answer" in said:
            return said["answer"]
        self.close()
        if "missing" in said:
            raise Missing(said["missing"])
        raise RuntimeError(f"{self.name}: {said.get('error', f'ended with code {self.process.returncode}')}")

    def ask(self, task: str, *arguments: Any) -> Any:
        """A task's answer."""
        self.process.stdin.write(json.dumps([task, *arguments]) + "\n")
        self.process.stdin.flush()
        return self.reply()

    def close(self) -> float:
        """Let the process end; the seconds that it lived."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        return time.perf_counter() - self.began


def warm(names: list[str], rounds: int, rows: int) -> tuple[dict[str, Samples], float]:
    """Samples of each warm task, and GFLOP/s of a large product."""
    workers = {name: Worker(name) for name in names}
    results: dict[str, Samples] = {}
    for batch in (32, 128):
        for worker in workers.values():
            worker.ask("epoch", batch, rows)
        found = results[f"epoch, batch {batch}"] = {name: [] for name in names}
        for _ in range(rounds):
            for name, worker in workers.items():
                found[name].append(statistics.median(worker.ask("epoch", batch, rows)))
    found = results["predict one row"] = {name: [] for name in names}
    for _ in range(rounds):
        for name, worker in workers.items():
            found[name].append(worker.ask("predict_one"))
    product = max(workers["glassnet"].ask("matmul") for _ in range(3))
    for worker in workers.values():
        worker.close()
    return results, product


def fresh(names: list[str], rounds: int, epochs: int) -> dict[str, Samples]:
    """Samples of each task that begins with the process."""
    labels = ("Celsius, whole process", "small fit, cold", "small fit, whole process")
    results: dict[str, Samples] = {label: {name: [] for name in names} for label in labels}
    for _ in range(rounds):
        for name in names:
            worker = Worker(name)
            answer = worker.ask("celsius")
            results[labels[0]][name].append(worker.close())
            if abs(answer - 212) > 10:
                print(f"{name}: 100 degrees Celsius came out as {answer:.1f}", file=sys.stderr)
            worker = Worker(name)
            results[labels[1]][name].append(worker.ask("fit_small", epochs))
            results[labels[2]][name].append(worker.close())
    return results


def ratio(samples: Samples, name: str) -> float:
    """A peer's time over Glassnet's: the median of the rounds' ratios."""
    return statistics.median(peer / ours for peer, ours in zip(samples[name], samples["glassnet"], strict=True))


def text(seconds: float) -> str:
    factor, unit = next((factor, unit) for limit, factor, unit in UNITS if seconds < limit)
    return f"{seconds * factor:.3g} {unit}"


def table(results: dict[str, Samples]) -> str:
    """One row per task: Glassnet's median and least seconds, and every peer's median with its ratio."""
    names = list(next(iter(results.values())))
    lines = [["task", "glassnet (least)", *names[1:], "goal"], ["---"] * (len(names) + 2)]
    for task, samples in results.items():
        ours = f"{text(statistics.median(samples['glassnet']))} ({text(min(samples['glassnet']))})"
        peers = [f"{text(statistics.median(samples[name]))}, {ratio(samples, name):.2f}x" for name in names[1:]]
        lines.append([task, ours, *peers, GOALS.get(task, "")])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Glassnet beside its peers, as ratios measured in one run.")
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, two rounds: to see that all runs, not to quote")
    parser.add_argument("--json", type=Path, help="where to write all samples")
    parser.add_argument("--rounds", type=int, help="how often each contestant has its turn (default 7, quick 2)")
    options = parser.parse_args()
    rows, rounds = (ROWS // 10, 2) if options.quick else (ROWS, 7)
    rounds = options.rounds or rounds

    machine = {
        "date": time.strftime("%Y-%m-%d %H:%M"),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load before": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
    }
    names, versions = [], []
    for name in PEERS:
        try:
            worker = Worker(name)
        except Missing as error:
            print(f"{name}: left out ({error})")
        else:
            worker.close()
            names.append(name)
            versions.append(worker.version)
    if "glassnet" not in names:
        sys.exit("Install Glassnet first: pip install -e .")
    print(", ".join(f"{name} {value}" for name, value in machine.items()), "; ".join(versions), sep="\n", flush=True)

    results, product = warm(names, rounds, rows)
    results |= fresh(names, rounds, 50)
    print(table(results))
    work = rows * (4 * PIXELS * HIDDEN + 6 * HIDDEN * CLASSES) * 1e-9
    speeds = {task: work / statistics.median(samples["glassnet"]) for task, samples in results.items() if task.startswith("epoch")}
    print(f"GFLOP/s: {', '.join(f'{speed:.0f} ({task})' for task, speed in speeds.items())}, {product:.0f} (one large product)")
    if options.json:
        report = {"machine": machine, "versions": versions, "seconds": results, "GFLOP/s": speeds | {"product": product}}
        options.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
