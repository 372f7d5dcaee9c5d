"""Speed of recurrent layers compared with PyTorch and Keras.

`python benchmarks/recurrent.py [--rounds 5] [--rows 2048] [--only pytorch]`

The second epoch of a fit is timed: 64 units over 50 steps of 16 features, then Dense(1), Adam,
batches of 32. Each library runs in its own process, and turns alternate. Ratios are the time of the
peer divided by that of Glassnet: the median over rounds, and the ratio of the minima in brackets.
PyTorch's threads spin if others use the cores, so `taskset -c 0` is fairer on a busy machine.
`python recurrent.py NAME` runs one library.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

TIME, FEATURES, UNITS, BATCH = 50, 16, 64, 32
KINDS = ("LSTM", "GRU", "SimpleRNN")


def rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, TIME, FEATURES), np.float32)
    return x, x.mean((1, 2), keepdims=True)[:, 0]


def glassnet(kind: str) -> Callable[[np.ndarray, np.ndarray], float]:
    import glassnet as gn

    model = gn.Sequential(
        [gn.layers.Input((TIME, FEATURES)), getattr(gn.layers, kind)(UNITS), gn.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    return lambda x, y: model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0).seconds[1]


def pytorch(kind: str) -> Callable[[np.ndarray, np.ndarray], float]:
    import torch

    torch.set_num_threads(len(os.sched_getaffinity(0)))
    memory = getattr(torch.nn, {"SimpleRNN": "RNN"}.get(kind, kind))(
        FEATURES, UNITS, batch_first=True
    )
    head, loss = torch.nn.Linear(UNITS, 1), torch.nn.MSELoss()
    optimizer = torch.optim.Adam([*memory.parameters(), *head.parameters()])

    def fit(x: np.ndarray, y: np.ndarray) -> float:
        a, b = torch.from_numpy(x), torch.from_numpy(y)
        began, total = time.perf_counter(), 0.0
        for picked in torch.randperm(len(a)).split(BATCH):
            optimizer.zero_grad()
            cost = loss(head(memory(a[picked])[0][:, -1]), b[picked])
            cost.backward()
            optimizer.step()
            total += cost.detach()
        float(total)
        return time.perf_counter() - began

    return fit


def keras(backend: str) -> Callable[[str], Callable[[np.ndarray, np.ndarray], float]]:
    def build(kind: str) -> Callable[[np.ndarray, np.ndarray], float]:
        os.environ["KERAS_BACKEND"] = backend
        import keras

        model = keras.Sequential(
            [
                keras.Input((TIME, FEATURES)),
                getattr(keras.layers, kind)(UNITS),
                keras.layers.Dense(1),
            ]
        )
        model.compile("adam", "mse")

        def fit(x: np.ndarray, y: np.ndarray) -> float:
            ends = [time.perf_counter()]
            clock = keras.callbacks.LambdaCallback(
                on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
            )
            model.fit(x, y, batch_size=BATCH, epochs=2, verbose=0, callbacks=[clock])
            return ends[2] - ends[1]

        return fit

    return build


PEERS: dict[str, Callable[[str], Any]] = {
    "glassnet": glassnet,
    "pytorch": pytorch,
    "keras-jax": keras("jax"),
    "keras-tensorflow": keras("tensorflow"),
}


def serve(name: str) -> None:
    """Answer lines of (kind, rows) with seconds until standard input ends.

    Output of the libraries goes to standard error.
    """
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    built: dict[str, Any] = {}
    for line in sys.stdin:
        kind, n = json.loads(line)
        try:
            built.setdefault(kind, None)
            built[kind] = built[kind] or PEERS[name](kind)
            print(json.dumps(built[kind](*rows(n))), file=replies)
        except ModuleNotFoundError:
            print("null", file=replies)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--only", help="comma-separated peers")
    options = parser.parse_args()
    names = [
        name
        for name in PEERS
        if name == "glassnet" or options.only is None or name in options.only.split(",")
    ]
    processes = {name: start(name) for name in names}
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    print(f"{options.rows} rows, {options.rounds} rounds, {cores} cores, load {load:.1f}")
    for kind in KINDS:
        tasks = {name: (processes[name], kind, options.rows) for name in names}
        available = [name for name in names if ask(*tasks[name]) is not None]
        if "glassnet" not in available:
            sys.exit("Install Glassnet first: pip install -e .")
        seconds: dict[str, list[float]] = {name: [] for name in available}
        for _ in range(options.rounds):
            for name in available:
                seconds[name].append(ask(*tasks[name]) or 0.0)
        print(row(kind, seconds, -(-options.rows // BATCH)), flush=True)
    for process in processes.values():
        assert process.stdin
        process.stdin.close()
        process.wait()


def start(name: str) -> subprocess.Popen[str]:
    """Start the process of a library."""
    pipes: dict[str, int] = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.DEVNULL,
    }
    return subprocess.Popen([sys.executable, __file__, name], text=True, **pipes)


def ask(process: subprocess.Popen[str], kind: str, n_rows: int) -> float | None:
    """Return the seconds of an epoch, or None if the library is not installed."""
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps([kind, n_rows]) + "\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline() or "null")


def row(kind: str, seconds: dict[str, list[float]], n_steps: int) -> str:
    """Return a table row: the time of a step in Glassnet, and the ratios of the peers."""
    ours = seconds["glassnet"]
    cells = [f"{kind:<9} | {statistics.median(ours) / n_steps * 1e3:.2f} ms a step"]
    for name, theirs in seconds.items():
        if name != "glassnet":
            ratio = statistics.median(a / b for a, b in zip(theirs, ours, strict=True))
            cells.append(f"{name} {ratio:.2f} ({min(theirs) / min(ours):.2f})")
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    serve(sys.argv[1]) if sys.argv[1:2] and sys.argv[1] in PEERS else main()
