"""Refining: overfit on purpose, read the verdict, then change one thing at a time and measure it.

The network has many weights and few images, so it learns them by heart. `history.findings` says so.
Then L2, dropout, early stopping and augmentation are tried, each alone and with the same three
seeds, so that a change can be compared with the noise. The figure goes to the folder of the first
argument, or of the environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.layers import Dense, Dropout, Flatten, RandomTranslation, Rescaling, Reshape
from glassnet.regularizers import L2

ROWS = {"training": 500, "validation": 1000, "test": 2000}
EPOCHS, UNITS, SEEDS = 50, 128, (0, 1, 2)
TRAINING, VALIDATION, TEST = "#2b6cb0", "#dd6b20", "#009E73"
REMEDIES = {
    "nothing": {},
    "L2(0.003)": {"penalty": L2(0.003)},
    "Dropout(0.5)": {"dropout": 0.5},
    "EarlyStopping": {"patience": 8},
    "augmentation": {"shift": 0.07},
}

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)

clothes = gn.datasets.load("fashion_mnist")
images = np.concatenate([clothes.x, clothes.x_test])
labels = np.concatenate([clothes.y, clothes.y_test])
ends = np.cumsum(list(ROWS.values()))
order = np.random.default_rng(0).permutation(len(images))[: ends[-1]]
parts = {
    name: (images[rows], labels[rows])
    for name, rows in zip(ROWS, np.split(order, ends[:-1]), strict=True)
}


def fit(seed, penalty=None, dropout=0.0, patience=0, shift=0.0):
    """Train a network with one hidden layer; return it and its history."""
    layers = [Rescaling(1 / 255), Reshape((28, 28, 1))]
    layers += [RandomTranslation(shift, shift)] if shift else []
    layers += [Flatten(), Dense(UNITS, activation="relu", kernel_regularizer=penalty)]
    layers += [Dropout(dropout)] if dropout else []
    layers += [Dense(10, activation="softmax", kernel_regularizer=penalty)]
    model = gn.Sequential(layers, seed=seed)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(
        *parts["training"],
        validation_data=parts["validation"],
        epochs=EPOCHS,
        callbacks=[EarlyStopping(monitor="val_loss", patience=patience)] if patience else [],
        verbose=0,
    )
    return model, history


def measure(model, part):
    """Return the cross-entropy, without penalties of the weights, and the accuracy on a part."""
    x, y = parts[part]
    probabilities = model.predict(x)
    losses = -np.log(np.maximum(probabilities[np.arange(len(y)), y], 1e-38))
    return losses.mean(), (probabilities.argmax(axis=1) == y).mean()


runs = {name: [fit(seed, **remedy) for seed in SEEDS] for name, remedy in REMEDIES.items()}
model, history = runs["nothing"][0]
print(f"{model.count_params():,} weights, {ROWS['training']} images. The verdict:")
print(f"{history.findings}\n")

scores = {
    name: {part: np.array([measure(model, part) for model, _ in trained]) for part in parts}
    for name, trained in runs.items()
}
changes = {  # the same seeds with and without a remedy are compared in pairs
    name: score["test"] - scores["nothing"]["test"] for name, score in scores.items()
}
headings = "epochs  training loss  test loss  its change  accuracy  its change"
print(f"means of {len(SEEDS)} seeds  {headings}")
for name, score in scores.items():
    epochs = np.mean([len(history.epoch) for _, history in runs[name]])
    (loss, accuracy), (loss_change, accuracy_change) = (
        rows.mean(axis=0) for rows in (score["test"], changes[name])
    )
    print(
        f"{name:<16}  {epochs:6.0f}  {score['training'][:, 0].mean():13.3f}  {loss:9.3f}  "
        f"{loss_change:+10.3f}  {accuracy:8.1%}  {accuracy_change:+10.1%}"
    )
noise = np.ptp([score["test"][:, 1] for score in scores.values()], axis=1).max()
print(f"Between the seeds of one row, the accuracy differs by up to {noise:.1%}.")

figure = Figure(figsize=(13, 7.4), layout="constrained")
upper, lower = figure.subfigures(2, 1, height_ratios=(1.1, 1))
upper.suptitle(
    f"{UNITS} hidden units, {ROWS['training']} images: the losses of seed {SEEDS[0]} "
    "(with the penalty of L2)"
)
top = 1.05 * max(history.history["loss"][0], max(history.history["val_loss"]))
panels = upper.subplots(1, len(runs), sharey=True)
for axes, (name, trained) in zip(panels, runs.items(), strict=True):
    history = trained[0][1]
    epochs = np.arange(1, len(history.epoch) + 1)
    for key, color, label in (
        ("loss", TRAINING, "training"),
        ("val_loss", VALIDATION, "validation"),
    ):
        axes.plot(epochs, history.history[key], color=color, lw=1.8, label=label)
    best = history.best_epoch()
    axes.plot(best + 1, history.history["val_loss"][best], "o", color=VALIDATION)
    axes.set(xlabel="epoch", xlim=(0, EPOCHS + 1), ylim=(0, top))
    axes.set_title(f"{name}\nbest epoch {best + 1}", fontsize=10)
panels[0].set_ylabel("cross-entropy")
panels[0].legend(frameon=False, loc="upper right")
names = list(scores)
places = np.arange(len(names))
left, right = lower.subplots(1, 2, sharey=True)
for part, color in (("training", TRAINING), ("test", TEST)):
    losses = np.array([scores[name][part][:, 0] for name in names])
    left.plot(losses, places, "o", color=color, alpha=0.75, label=None)
    left.plot([], [], "o", color=color, label=part)
accuracy = np.array([scores[name]["test"][:, 1] for name in names])
right.plot(100 * accuracy, places, "o", color=TEST, alpha=0.75)
right.plot(100 * accuracy.mean(axis=1), places, "|", color=TEST, ms=22, mew=2)
left.set_yticks(places, names)
left.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, None), xlabel="cross-entropy, without penalties")
left.set_title("Each dot is a seed: the loss on new images falls", fontsize=10)
left.legend(frameon=False, loc="upper center")
right.set_xlabel(f"accuracy on {ROWS['test']:,} test images in %")
right.set_title(f"Their accuracy: seeds alone differ by up to {noise:.1%}", fontsize=10)
for axes in figure.axes:
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig(folder / "refine.png", dpi=110)
print(f"{folder / 'refine.png'} shows the losses and what each remedy changed")
