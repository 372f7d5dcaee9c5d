"""Accuracy of a convolutional network on Fashion-MNIST with and without augmentation.

python benchmarks/augmentation.py [--epochs 10] [--seeds 5] [--kinds flip shift turn zoom all]

Set GLASSNET_DATA_HOME to a folder with a subset of the data to train on few images. Both networks
of a seed start from the same weights and see the rows in the same order, so they differ in the
augmentation only.
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
    """Return the accuracy of the last training epoch and that on the test rows."""
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
    """Print a line per seed and kind, and the paired differences."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["all"])
    options = parser.parse_args()
    data = gn.datasets.load("fashion_mnist")
    print(
        f"{len(data.x):,} rows, {len(data.x_test):,} test rows, {options.epochs} epochs", flush=True
    )
    results: dict[str, list[float]] = {kind: [] for kind in ("none", *options.kinds)}
    for seed in range(options.seeds):
        for kind, test_accuracies in results.items():
            training, test = accuracies(data, KINDS.get(kind, ()), options.epochs, seed)
            test_accuracies.append(test)
            print(f"seed {seed}  {kind:5}  training {training:.3f}  test {test:.4f}", flush=True)
    for kind in options.kinds:
        paired = np.subtract(results[kind], results["none"])
        error = paired.std(ddof=1) / np.sqrt(len(paired))
        each = " ".join(f"{difference:+.4f}" for difference in paired)
        print(f"{kind} - none: {each}; mean {paired.mean():+.4f} +- {error:.4f}")


if __name__ == "__main__":
    main()
