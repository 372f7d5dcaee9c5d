"""A search in this process, on joblib's processes and on Dask's workers: times and compilations.

`python benchmarks/workers.py [--workers 2] [--rounds 3]`

Each search begins in new processes, first with an empty folder of compiled programs, then with the
folder that the first one filled. Every fit writes a line: its process, how many programs it
compiled and how many it read. `pip install "dask[distributed]"` is needed for Dask.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import jax
import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from glassnet.estimators import NeuralClassifier

FOLDER = "WORKERS_BENCHMARK_FOLDER"
EVENTS = {
    "/jax/compilation_cache/cache_misses": "compiled",
    "/jax/compilation_cache/cache_hits": "read",
}
GRID = {"hidden_layer_sizes": [(16,), (64,)], "learning_rate_init": [0.001, 0.01, 0.1]}


class CountingClassifier(NeuralClassifier):
    """A classifier whose fits write their process, compilations and time into a file."""

    def fit(self, X, y):
        counts = count_events()
        before, start = dict(vars(counts)), time.perf_counter()
        super().fit(X, y)
        record = {name: count - before[name] for name, count in vars(counts).items()}
        record |= {"process": os.getpid(), "seconds": time.perf_counter() - start}
        with open(f"{os.environ[FOLDER]}/{os.getpid()}.jsonl", "a") as file:
            file.write(json.dumps(record) + "\n")
        return self


def count_events():
    """Return the counts of this process, which go on."""
    if "_workers_benchmark" not in sys.modules:
        counts = SimpleNamespace(compiled=0, read=0)

        def listen(event, **details):
            if event in EVENTS:
                name = EVENTS[event]
                setattr(counts, name, getattr(counts, name) + 1)

        jax.monitoring.register_event_listener(listen)
        sys.modules["_workers_benchmark"] = counts
    return sys.modules["_workers_benchmark"]


def search(backend: str, workers: int) -> dict[str, object]:
    """Search in a backend; return seconds, scores and, for each process, the sums of its fits."""
    x, y = load_digits(return_X_y=True)
    network = CountingClassifier(max_iter=10, random_state=0)
    grid = GridSearchCV(network, GRID, cv=3, refit=False)
    start = time.perf_counter()
    if backend == "one process":
        grid.fit(x / 16, y)
    elif backend == "loky":
        with joblib.parallel_config("loky", n_jobs=workers):
            grid.fit(x / 16, y)
    else:
        from dask.distributed import Client

        options = {"threads_per_worker": 1, "dashboard_address": None}
        with Client(n_workers=workers, **options), joblib.parallel_config("dask"):
            grid.fit(x / 16, y)
    sums: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for file in sorted(Path(os.environ[FOLDER]).glob("*.jsonl")):
        for line in file.read_text().splitlines():
            record = json.loads(line)
            for name in ("compiled", "read", "seconds"):
                sums[record["process"]][name] += record[name]
            sums[record["process"]]["fits"] += 1
    scores = grid.cv_results_["mean_test_score"].tolist()
    return {
        "seconds": time.perf_counter() - start,
        "scores": scores,
        "processes": [dict(each) for each in sums.values()],
    }


def run(backend: str, workers: int, cache: str) -> dict[str, object]:
    """Search in a new process with this folder of compiled programs."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {FOLDER: folder, "GLASSNET_CACHE_DIR": cache}
        command = [sys.executable, __file__, "--workers", str(workers), "--backend", backend]
        done = subprocess.run(
            command, env=os.environ | variables, capture_output=True, text=True, check=False
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    result: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--backend", help="search once, in this process's folders")
    arguments = parser.parse_args()
    if arguments.backend:
        print(json.dumps(search(arguments.backend, arguments.workers)))
        return
    seconds = defaultdict(list)
    scores = {}
    for _ in range(arguments.rounds):
        for backend in ("one process", "loky", "dask"):
            with tempfile.TemporaryDirectory() as cache:
                for state in ("cold", "warm"):
                    result = run(backend, arguments.workers, cache)
                    seconds[backend, state].append(result["seconds"])
                    scores[backend] = result["scores"]
                    print(backend, state, f"{result['seconds']:.1f} s", result["processes"])
    for (backend, state), times in seconds.items():
        ratio = statistics.median(times) / statistics.median(seconds["one process", state])
        print(f"{backend}, {state}: {statistics.median(times):.1f} s, {ratio:.2f} of one process")
    same = all(np.array_equal(each, scores["one process"]) for each in scores.values())
    print("scores are equal, bit for bit" if same else "scores differ", scores)


if __name__ == "__main__":
    main()
