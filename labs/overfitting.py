"""Under- and overfitting over the epochs and over the size of the network, and three remedies.

The training set is small, and some of its labels are wrong on purpose: a large network learns them
by heart. The labels of the other rows are right, so that the validation loss begins below the
training loss. Dropout, L2 and early stopping are compared on the same network. Figures go to the
folder of the first argument, or of the environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.layers import Dense, Dropout, Rescaling
from glassnet.regularizers import L2

TRAINING_ROWS, WRONG_LABELS, EPOCHS, UNITS = 300, 0.3, 150, 256
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
TRAINING, VALIDATION, UNDER, OVER = "#2b6cb0", "#dd6b20", "#56B4E9", "#CC79A7"

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)

digits = gn.datasets.load("digits")
pixels, digit = (
    np.concatenate(parts) for parts in ((digits.x, digits.x_test), (digits.y, digits.y_test))
)
pixels = pixels.reshape(len(pixels), -1)
rng = np.random.default_rng(0)
order = rng.permutation(len(pixels))
train, validation, test = np.split(order, [TRAINING_ROWS, TRAINING_ROWS + 700])
labels = digit.copy()
wrong = rng.choice(train, round(WRONG_LABELS * TRAINING_ROWS), replace=False)
labels[wrong] = (digit[wrong] + rng.integers(1, 10, len(wrong))) % 10


def fit(units=UNITS, dropout=0.0, l2=0.0, callbacks=()):
    """Train a network with one hidden layer; return it and its history."""
    penalty = L2(l2) if l2 else None
    layers = [
        Rescaling(1 / pixels.max()),
        Dense(units, activation="relu", kernel_regularizer=penalty),
    ]
    layers += [Dropout(dropout)] if dropout else []
    model = gn.Sequential(
        [*layers, Dense(10, activation="softmax", kernel_regularizer=penalty)], seed=0
    )
    model.compile(gn.optimizers.Adam(0.005), "sparse_categorical_crossentropy", ["accuracy"])
    history = model.fit(
        pixels[train],
        labels[train],
        validation_data=(pixels[validation], labels[validation]),
        epochs=EPOCHS,
        callbacks=list(callbacks),
        verbose=0,
    )
    return model, history


def score(model):
    """Return the share of test digits that a model classifies correctly."""
    return model.evaluate(pixels[test], labels[test], return_dict=True)["accuracy"]


def loss_at(model, rows):
    """Return the loss of a model, without penalties of the weights."""
    probabilities = model.predict(pixels[rows])[np.arange(len(rows)), labels[rows]]
    return float(-np.log(np.maximum(probabilities, 1e-7)).mean())


by_size = {}
for units in SIZES:
    model, history = fit(units)
    by_size[units] = (loss_at(model, train), loss_at(model, validation))
    print(
        f"{units:4} units: training loss {by_size[units][0]:.3f}, "
        f"validation loss {by_size[units][1]:.3f}"
    )
best_size = min(by_size, key=lambda units: by_size[units][1])

stopping = EarlyStopping(monitor="val_loss", patience=10, restore_best_weights=True)
runs = {
    "nothing": fit(),
    "dropout 0.5": fit(dropout=0.5),
    "L2 0.005": fit(l2=0.005),
    "early stopping": fit(callbacks=[stopping]),
}
accuracy = {name: score(model) for name, (model, _) in runs.items()}
final = {name: loss_at(model, validation) for name, (model, _) in runs.items()}
for name in runs:
    print(
        f"{name}: validation loss {final[name]:.3f}, "
        f"{accuracy[name]:.1%} of {len(test)} test digits"
    )


def shade(axes, low, best, high):
    """Shade the zones on both sides of the lowest validation loss, with their names."""
    for start, stop, color, name in (
        (low, best, UNDER, "underfitting"),
        (best, high, OVER, "overfitting"),
    ):
        axes.axvspan(start, stop, color=color, alpha=0.15, lw=0)
        middle = np.sqrt(start * stop) if axes.get_xscale() == "log" else (start + stop) / 2
        axes.text(middle, 0.96, name, transform=axes.get_xaxis_transform(), ha="center", va="top")
    axes.set_xlim(low, high)


figure = Figure(figsize=(12, 7.2), layout="constrained")
upper, lower = figure.subfigures(2, 1)
over_epochs, over_size = upper.subplots(1, 2)
history = runs["nothing"][1]
curve = np.array(history.history["val_loss"])
epochs, best_epoch = np.arange(1, EPOCHS + 1), int(curve.argmin()) + 1
for name, color, label in (("loss", TRAINING, "training"), ("val_loss", VALIDATION, "validation")):
    over_epochs.plot(epochs, history.history[name], color=color, lw=2, label=label)
shade(over_epochs, 1, best_epoch, EPOCHS)
over_epochs.set(xlabel="epoch", ylabel="cross-entropy", ylim=(0, None))
over_epochs.set_title(
    f"{UNITS} units: the validation loss turns at epoch {best_epoch}", fontsize=10
)
over_epochs.legend(frameon=False, loc="center right")
over_size.set_xscale("log", base=2)
for i, (color, label) in enumerate(((TRAINING, "training"), (VALIDATION, "validation"))):
    losses = [by_size[units][i] for units in SIZES]
    over_size.plot(SIZES, losses, "o-", color=color, lw=2, label=label)
shade(over_size, SIZES[0], best_size, SIZES[-1])
over_size.set_xticks(SIZES, SIZES)
over_size.set(xlabel="hidden units", ylabel=f"cross-entropy after {EPOCHS} epochs", ylim=(0, None))
over_size.set_title(
    f"{EPOCHS} epochs: the validation loss is lowest at {best_size} units", fontsize=10
)
upper.suptitle(
    f"{TRAINING_ROWS} digits, {WRONG_LABELS:.0%} of the labels wrong: "
    "zones of under- and overfitting"
)
lower.suptitle(f"Remedies on the network of {UNITS} units")
top = 1.05 * max(curve.max(), history.history["loss"][0])
for axes, (name, (_, history)) in zip(lower.subplots(1, 4, sharey=True), runs.items(), strict=True):
    shown = np.arange(1, len(history.epoch) + 1)
    for key, color, label in (
        ("loss", TRAINING, "training"),
        ("val_loss", VALIDATION, "validation"),
    ):
        axes.plot(shown, history.history[key], color=color, lw=1.8, label=label)
    axes.set(xlabel="epoch", xlim=(0, EPOCHS + 1), ylim=(0, top))
    axes.set_title(f"{name}\n{accuracy[name]:.1%} of the test digits", fontsize=10)
    if axes.get_subplotspec().is_first_col():
        axes.set_ylabel("loss (with the penalty of L2)")
        axes.legend(frameon=False)
for axes in figure.axes:
    axes.spines[["top", "right"]].set_visible(False)
figure.savefig(folder / "overfitting.png", dpi=110)
print(f"{folder / 'overfitting.png'} shows the zones and the remedies")
