"""Encode a table of a million rows, beside scikit-learn: `python benchmarks/encoding.py`.

Six numbers, three columns of four words each, a date, and a target of yes and no: fitted to all
rows and transformed to float32 and to class numbers. Both libraries begin with columns in memory
and take turns in one process. The ratio is that of the processor times; the memory is the peak of
what is allocated on top of the columns.
"""

from __future__ import annotations

import argparse
import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, LabelEncoder, OneHotEncoder, StandardScaler

from glassnet.data.table import Table
from glassnet.preprocessing.encoder import fit_encoder
from glassnet.preprocessing.targets import fit_class_target

WORDS = {
    "color": ("red", "green", "blue", "gray"),
    "region": ("north", "south", "east", "west"),
    "size": ("small", "medium", "large", "huge"),
}


def make_columns(n: int) -> dict[str, np.ndarray]:
    """Return the columns of a table; one of the numbers and one of the words have gaps."""
    rng = np.random.default_rng(0)
    columns = {f"x{i}": rng.normal(i, 1 + i, n) for i in range(6)}
    columns["x1"][rng.random(n) < 0.02] = np.nan
    for name, words in WORDS.items():
        columns[name] = np.array(words, object)[rng.integers(0, 4, n)]
    columns["size"][rng.random(n) < 0.03] = None
    columns["day"] = np.datetime64("2015-01-01", "s") + rng.integers(0, 3650, n) * np.timedelta64(
        86_400, "s"
    )
    is_above = columns["x0"] + rng.normal(size=n) > 0
    columns["y"] = np.array(["no", "yes"], object)[is_above.astype(int)]
    return columns


def encode_with_glassnet(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    table, labels = Table(columns).drop("y"), columns["y"]
    return fit_encoder(table).transform(table), fit_class_target("y", labels).transform(labels)


def split_dates(frame: pd.DataFrame) -> pd.DataFrame:
    """Return days since 1970, month and weekday: by hand, scikit-learn has no encoder of dates."""
    day = frame["day"].dt
    days = (frame["day"] - pd.Timestamp(0)).dt.days
    return pd.DataFrame({"day": days, "month": day.month, "weekday": day.day_of_week})


def encode_with_scikit_learn(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    words = OneHotEncoder(
        min_frequency=10, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    dates = make_pipeline(FunctionTransformer(split_dates), StandardScaler())
    encoder = ColumnTransformer(
        [
            ("numbers", numbers, [f"x{i}" for i in range(6)]),
            ("words", words, list(WORDS)),
            ("dates", dates, ["day"]),
        ]
    )
    x = encoder.fit_transform(frame.drop(columns="y")).astype(np.float32)
    return x, LabelEncoder().fit_transform(frame["y"])


def measure_time(encode: Callable[[Any], Any], source: Any) -> float:
    """Return the seconds of processor time."""
    start = time.process_time()
    encode(source)
    return time.process_time() - start


def measure_peak(encode: Callable[[Any], Any], source: Any) -> float:
    """Return the peak of the memory allocated by a call, in MB."""
    tracemalloc.start()
    encode(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def main() -> None:
    """Print rows per second, the ratio, and the peak of the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    columns = make_columns(options.rows)
    frame = pd.DataFrame(columns).astype(dict.fromkeys((*WORDS, "y"), object))
    tasks = {
        "glassnet": (encode_with_glassnet, columns),
        "scikit-learn": (encode_with_scikit_learn, frame),
    }
    shapes = {name: encode(source)[0].shape for name, (encode, source) in tasks.items()}
    times: dict[str, list[float]] = {name: [] for name in tasks}
    for _ in range(options.rounds):
        for name, (encode, source) in tasks.items():
            times[name].append(measure_time(encode, source))
    ours = statistics.median(times["glassnet"])
    for name, (encode, source) in tasks.items():
        median = statistics.median(times[name])
        peak = measure_peak(encode, source)
        print(
            f"{name:14} {shapes[name][1]} features  {median:6.2f} s  {options.rows / median:11,.0f}"
            f" rows/s  {median / ours:5.2f} times ours  peak {peak:6,.0f} MB"
        )


if __name__ == "__main__":
    main()
