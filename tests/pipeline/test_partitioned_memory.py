"""Memory of a fit to a folder. A tenth of the 20 million rows of benchmarks/larger.py."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from peak_memory import PEAK_MEMORY

ROWS_PER_FILE = 200_000

SCRIPT = f"""{PEAK_MEMORY}
import json, sys
import glassnet as gn

model = gn.Sequential([gn.layers.Dense(32, activation="relu"), gn.layers.Dense(1)], seed=0)
peaks = []
for folder in sys.argv[1:]:
    if model.preprocessor is None:
        options = dict(target="price", batch_size=4096, validation_split=0.1)
    model.fit(folder, verbose=0, observe=False, **options)
    model.evaluate(folder, verbose=0)
    n_predictions = len(model.predict(folder, verbose=0))
    peaks.append(peak_memory() / 1000)
print(json.dumps(dict(peaks=peaks, rows=n_predictions)))
"""


def write(folder, n_files):
    folder.mkdir()
    for i in range(n_files):
        rng, n = np.random.default_rng(i), ROWS_PER_FILE
        columns = {f"f{j}": rng.normal(size=n).astype(np.float32) for j in range(9)}
        columns["city"] = np.array([f"city{k}" for k in range(20)])[rng.integers(0, 20, n)]
        columns["port"] = np.array(list("CQS"))[rng.integers(0, 3, n)]
        columns["price"] = columns["f0"] - 2 * columns["f1"] + rng.normal(size=n)
        pl.DataFrame(columns).write_parquet(folder / f"{i}.parquet", row_group_size=100_000)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_memory_does_not_grow_with_the_rows(tmp_path):
    """Ten times as many rows need at most 350 MB more; as a table in memory, 830 MB."""
    write(tmp_path / "small", 1)
    write(tmp_path / "large", 10)
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "small"), str(tmp_path / "large")]
    result = subprocess.run(command, capture_output=True, text=True, check=True, timeout=600)
    facts = json.loads(result.stdout.splitlines()[-1])
    small, large = facts["peaks"]
    assert facts["rows"] == 2_000_000
    assert large < 2
    assert large - small < 0.35, (small, large)
