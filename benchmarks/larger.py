"""Speed and memory of tables that are read from Parquet files in parts.

`python benchmarks/larger.py encoding|overhead|memory [--rows 1_000_000] [--rounds 5]`

- encoding: rows per second through read, encode and shuffle, against `Encoder.transform` on the
  same columns in memory. Turns alternate in one process; the ratio is the median over rounds.
- overhead: an epoch on rows that are encoded already, as arrays and as batches of a folder.
- memory: one fit of one epoch, evaluate and predict, in a process whose peak memory is printed.

The files have 12 columns: eight numbers, one of them with gaps, an integer, two columns of text
and the target.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

import glassnet as gn
from glassnet.data.arrow_columns import table_from_arrow
from glassnet.data.table_folders import open_table_folder
from glassnet.inspection.training_runs import RunSettings
from glassnet.pipeline.partitioned_rows import PartitionReader

ROWS_PER_FILE = 1_000_000


def write_files(folder: str, rows: int) -> None:
    """Write Parquet files with `rows` rows in all, with row groups of 100,000 rows."""
    for i, start in enumerate(range(0, rows, ROWS_PER_FILE)):
        rng, n = np.random.default_rng(i), min(ROWS_PER_FILE, rows - start)
        columns = {f"f{j}": rng.normal(size=n).astype(np.float32) for j in range(7)}
        age = np.where(rng.random(n) < 0.02, np.nan, rng.integers(1, 90, n)).astype(np.float32)
        count, city, port = (rng.integers(0, k, n) for k in (1000, 20, 3))
        price = 2 * columns["f0"] - columns["f1"] + count / 500 + city * 0.1 + port
        frame = pl.DataFrame(
            {
                **columns,
                "count": count.astype(np.int32),
                "age": age,
                "city": np.array([f"city{k}" for k in range(20)])[city],
                "port": np.array(list("CQS"))[port],
                "price": (price + rng.normal(size=n)).astype(np.float32),
            },
            nan_to_null=True,
        )
        frame.write_parquet(f"{folder}/part-{i:03d}.parquet", row_group_size=100_000)


def make_model() -> gn.Sequential:
    layers = [gn.layers.Dense(32, activation="relu"), gn.layers.Dense(1)]
    model = gn.Sequential(layers, seed=0)
    model.compile("adam", "mse")
    return model


def open_reader(folder: str, batch_size: int) -> tuple[Any, Any]:
    """Return the reader of a fit's batches, and the fit's preprocessor."""
    runs = make_model().iter_training_runs(
        folder, None, [RunSettings(epochs=1, batch_size=batch_size)], target="price"
    )
    run = next(iter(runs))
    return run.source._reader, run.preprocessor


def read_epoch(reader: Any, epoch: int) -> int:
    return sum(len(batch.x) for batch in reader.iter_batches(epoch, 0))


def clock(function: Callable[[], Any], timer: Callable[[], float] = time.perf_counter) -> float:
    start = timer()
    function()
    return timer() - start


def compare_encoding(folder: str, rows: int, rounds: int) -> None:
    reader, preprocessor = open_reader(folder, 4096)
    arrow = pl.read_parquet(f"{folder}/*.parquet").drop("price").to_arrow()
    table = table_from_arrow(arrow)
    in_memory = [
        ("with the distinct texts found", lambda: preprocessor.encoder.transform(table)),
        (
            "with a search for the distinct texts",
            lambda: preprocessor.encoder.transform(type(table)(table.columns)),
        ),
    ]
    print("seconds are those of the processor, of all threads, since other programs run as well")
    seconds: dict[str, list[float]] = {}
    for i in range(rounds):
        read = partial(read_epoch, reader, i)
        for name, function in [("files", read), *in_memory]:
            seconds.setdefault(name, []).append(clock(function, time.process_time))
    for name, times in seconds.items():
        ratios = [time / other for time, other in zip(times, seconds["files"], strict=True)]
        speed, ratio = rows / statistics.median(times), statistics.median(ratios)
        print(f"{name:38} {speed:12,.0f} rows/s; the files have {ratio:.2f} of that speed")
    walls = [clock(partial(read_epoch, reader, i)) for i in range(rounds)]
    print(f"files, on the clock: {rows / statistics.median(walls):,.0f} rows/s")


def compare_overhead(folder: str, rounds: int) -> None:
    """Time epochs on arrays, on the folder, and on the folder with batches that are encoded."""
    for size in (32, 128, 1024):
        reader, _ = open_reader(folder, size)
        batches = list(reader.iter_batches(0, 0))
        x, y = (np.concatenate([getattr(batch, name) for batch in batches]) for name in "xy")
        options: dict[str, Any] = {"verbose": 0, "observe": False, "batch_size": size}
        kinds: dict[str, tuple[Any, Any, dict[str, Any]]] = {
            "arrays": (x, y, {}),
            "encoded batches": (folder, None, {"target": "price"}),
            "folder": (folder, None, {"target": "price"}),
        }
        models = {name: make_model() for name in kinds}
        seconds: dict[str, list[float]] = {name: [] for name in kinds}
        processor: dict[str, list[float]] = {name: [] for name in kinds}
        read = PartitionReader.iter_batches
        for _ in range(rounds):
            for name, (rows, targets, more) in kinds.items():
                if name == "encoded batches":
                    PartitionReader.iter_batches = lambda *_: iter(batches)  # type: ignore[method-assign]
                before = time.process_time()
                history = models[name].fit(rows, targets, epochs=3, **options, **more)
                seconds[name] += history.seconds[1:]
                processor[name].append(time.process_time() - before)
                PartitionReader.iter_batches = read  # type: ignore[method-assign]
        print(f"batch {size}: an epoch on arrays takes {min(seconds['arrays']):.2f} s")
        for name in kinds:
            ratio = min(seconds[name]) / min(seconds["arrays"])
            share = min(processor[name]) / min(processor["arrays"])
            print(f"   {name:16} {ratio:.2f} times as long, {share:.2f} of the processor time")


def measure_memory(folder: str, rows: int) -> None:
    def report(what: str, seconds: float) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        speed = rows / seconds
        print(f"{what:22} {seconds:7.1f} s, {speed:12,.0f} rows/s, peak {peak:.2f} GB", flush=True)

    table = open_table_folder(folder)
    assert table.n_rows == rows
    report("imports", clock(lambda: None) + 1e-9)
    model, options = make_model(), {"target": "price", "batch_size": 4096, "observe": False}
    report("learn the encoding", clock(lambda: model.fit(folder, epochs=0, verbose=0, **options)))
    report("fit, one epoch", clock(lambda: model.fit(folder, verbose=2, **options)))
    split = {"validation_split": 0.1, "verbose": 2}
    report("fit with validation", clock(lambda: make_model().fit(folder, **options, **split)))
    report("evaluate", clock(lambda: model.evaluate(folder, verbose=0)))
    report("predict", clock(lambda: model.predict(folder, verbose=0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["encoding", "overhead", "memory"])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", help="a folder that this script has written before")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or temporary
        if not any(Path(folder).glob("*.parquet")):
            Path(folder).mkdir(exist_ok=True)
            write_files(folder, arguments.rows)
        if arguments.what == "encoding":
            compare_encoding(folder, arguments.rows, arguments.rounds)
        elif arguments.what == "overhead":
            compare_overhead(folder, arguments.rounds)
        else:
            measure_memory(folder, arguments.rows)


if __name__ == "__main__":
    main()
