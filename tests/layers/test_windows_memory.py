"""Large images train in the memory of a laptop.

Oracle: the peak memory of a separate process.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TRAINED = """
import json
import numpy as np
import glassnet as gn
from glassnet.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
blocks = [layer for filters in (32, 64, 128, 128) for layer in (Conv2D(filters, 3, activation="relu"), MaxPooling2D())]
head = [Flatten(), Dense(512, activation="relu"), Dense(1, activation="sigmoid")]
model = gn.Sequential([Input((150, 150, 3)), *blocks, *head], seed=0)
model.compile("rmsprop", "binary_crossentropy")
rng = np.random.default_rng(0)
history = model.fit(rng.random((32, 150, 150, 3), np.float32), np.arange(32) % 2, batch_size=32, epochs=1, verbose=0)
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([history.history["loss"], int(peak) / 1e6]))
"""


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/proc/self/status").exists(),
    reason="only Linux reports the peak memory of a process without its parent",
)
def test_a_step_of_32_images_of_150_x_150_stays_below_3_gigabytes():
    """The windows of the second convolution alone have 32 * 72 * 72 * 288 * 4 = 191 MB."""
    process = subprocess.run(
        [sys.executable, "-c", TRAINED], capture_output=True, text=True, check=True
    )
    [loss], gigabytes = json.loads(process.stdout)
    assert 0.6 < loss < 0.8
    assert gigabytes < 3
