"""What several devices send to each other in a training step, counted in the compiled program.

`python benchmarks/devices.py [--devices 2]`

For the networks of the labs: collective operations and bytes of a step, rows of a batch on each
device, and bytes of the weights. Devices are parts of one CPU here, so nothing is timed.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import numpy as np

ROWS, STEPS, BATCH = 256, 4, 64


def networks() -> dict[str, tuple[list[Any], tuple[int, ...]]]:
    """Return layers and shape of one example by name."""
    from glassnet import layers as L

    return {
        "MLP 784-128-10": ([L.Dense(128, activation="relu")], (784,)),
        "MLP, BatchNormalization, Dropout": (
            [L.Dense(128, activation="relu"), L.BatchNormalization(), L.Dropout(0.2)],
            (784,),
        ),
        "CNN 32-64-128": (
            [
                L.Conv2D(32, 3, activation="relu"),
                L.MaxPooling2D(),
                L.Conv2D(64, 3, activation="relu"),
                L.MaxPooling2D(),
                L.Flatten(),
                L.Dense(128, activation="relu"),
            ],
            (28, 28, 1),
        ),
        "LSTM 32": ([L.LSTM(32)], (50, 8)),
    }


def count(layers: list[Any], shape: tuple[int, ...], as_chunk: bool) -> tuple[Any, int, int]:
    """Return collectives, rows of a batch on a device, and bytes of the weights.

    Args:
        layers: without the last.
        shape: shape of one example.
        as_chunk: whether the rows come in a chunk, as those of streams.
    """
    import glassnet as gn
    from glassnet.engine.collectives import count_collectives
    from glassnet.engine.placement import find_placement
    from glassnet.engine.train_step import (
        BatchPlan,
        Chunk,
        Data,
        make_plan_fn,
        reset_epoch_sums,
    )

    model = gn.Sequential([*layers, gn.layers.Dense(10, activation="softmax")], seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    x, y = np.zeros((ROWS, *shape), np.float32), np.zeros(ROWS, np.int32)
    model.predict(x[:1])
    setup, placement = model.get_settings().build(shape), find_placement("all")
    program = setup.make_program()
    state = reset_epoch_sums(program, setup.make_train_state(program, 0, 0, placement), STEPS)
    if as_chunk:
        batches = Data(x.reshape(STEPS, BATCH, *shape), y.reshape(STEPS, BATCH))
        mask = np.ones((STEPS, BATCH), np.float32)
        plan = BatchPlan(*placement.put((np.arange(STEPS, dtype=np.int32), mask)))
        data = placement.split(batches, axis=1)
        rows = data.y.addressable_shards[0].data.shape[1]
    else:
        plan = make_plan_fn(ROWS, BATCH, seed=0, shuffle=True, placement=placement)(0)
        data = placement.put(Data(x, y))
        rows = plan.indices.addressable_shards[0].data.shape[1]
    collectives = count_collectives(program, state, Chunk(data, plan, STEPS))
    return collectives, rows, 4 * model.count_params()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--devices", type=int, default=2)
    flag = f"--xla_force_host_platform_device_count={parser.parse_args().devices}"
    if flag not in os.environ.get("XLA_FLAGS", ""):  # JAX reads it when it starts
        os.environ["XLA_FLAGS"] = flag
        os.execv(sys.executable, [sys.executable, *sys.argv])
    for name, (layers, shape) in networks().items():
        for kind in ("in memory", "chunk"):
            collectives, rows, size = count(layers, shape, kind == "chunk")
            operations = ", ".join(f"{n} {each}" for each, n in collectives.counts.items())
            print(
                f"{name:33} {kind:10} {operations:14} {collectives.n_bytes:>9,} bytes a step, "
                f"weights {size:>9,}; {rows} of {BATCH} rows on a device"
            )


if __name__ == "__main__":
    main()
