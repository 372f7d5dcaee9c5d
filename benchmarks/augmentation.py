"""What augmentation does to the lab's convolutional network on few pictures of clothes: accuracy
with and without, seed by seed.

python benchmarks/augmentation.py [--epochs 10] [--seeds 5] [--kinds flip shift turn zoom all]

The rows are those of `fashion_mnist`; with GLASSNET_DATA_HOME at a subset, few. Both networks of a
seed start from the same weights and see the rows in the same order, so that their difference is the
augmentation's.
"""

from __future__ import annotations

import argparse

import numpy as np

import glassnet as gn
from glassnet.data.dataset import Dataset
from glassnet.layers import (
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPooling2D,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Rescaling,
    Reshape,
)

KINDS = {
    "flip": (RandomFlip("horizontal"),),
    "shift": (RandomTranslation(0.1, 0.1, fill_mode="constant"),),
    "turn": (RandomRotation(0.05, fill_mode="constant"),),
    "zoom": (RandomZoom(0.1, fill_mode="constant"),),
}
KINDS["all"] = tuple(layer for layers in KINDS.values() for layer in layers)


def accuracies(
    data: Dataset, augmentation: tuple[Layer, ...], epochs: int, seed: int
) -> tuple[float, float]:
    """On the training rows as the last epoch saw them, and on the test rows."""
    layers = [Rescaling(1 / 255), Reshape((28, 28, 1)), *augmentation]
    for filters in (32, 64):
        layers += [Conv2D(filters, 3, padding="same", activation="relu"), MaxPooling2D(2)]
    model = gn.Sequential(
        [*layers, Flatten(), Dense(128, activation="relu"), Dense(10, activation="softmax")],
        seed=seed,
    )
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(data.x, data.y, batch_size=32, epochs=epochs, verbose=0).history
    return history["accuracy"][-1], model.evaluate(data.x_test, data.y_test, return_dict=True)[
        "accuracy"
    ]


def main() -> None:
    """Print a line for each seed and kind, and the paired differences."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["all"])
    asked = parser.parse_args()
    data = gn.datasets.load("fashion_mnist")
    print(
        f"{len(data.x):,} rows, {len(data.x_test):,} test rows, {asked.epochs} epochs", flush=True
    )
    found: dict[str, list[float]] = {kind: [] for kind in ("none", *asked.kinds)}
    for seed in range(asked.seeds):
        for kind, tests in found.items():
            training, test = accuracies(data, KINDS.get(kind, ()), asked.epochs, seed)
            tests.append(test)
            print(f"seed {seed}  {kind:5}  training {training:.3f}  test {test:.4f}", flush=True)
    for kind in asked.kinds:
        paired = np.subtract(found[kind], found["none"])
        error = paired.std(ddof=1) / np.sqrt(len(paired))
        each = " ".join(f"{difference:+.4f}" for difference in paired)
        print(f"{kind} - none: {each}; mean {paired.mean():+.4f} +- {error:.4f}")


if __name__ == "__main__":
    main()
