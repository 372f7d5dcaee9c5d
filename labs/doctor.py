"""The doctor: what is wrong with six networks that do not learn, and whether the remedy helps.

Each network is trained, `history.findings` names the cause, `apply` makes a new network with the
remedy, and `verify` trains both several times, so that luck cannot pass for help. The labels of one
network are shuffled: there only the user can act. The figure goes to the folder of the first
argument, or of the environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
import textwrap
import warnings
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.errors import TrainingWarning
from glassnet.initializers import Constant
from glassnet.layers import Dense
from glassnet.optimizers import SGD, Adam

EPOCHS = 40
SICK, CURED = "#D55E00", "#0072B2"

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)
warnings.simplefilter("ignore", TrainingWarning)  # a loss that is not finite is what we look for

digits, wine, diabetes = (gn.datasets.load(name) for name in ("digits", "wine", "diabetes"))
pixels = digits.x.reshape(len(digits.x), -1) / np.float32(16)
columns = (diabetes.x - diabetes.x.mean(0)) / diabetes.x.std(0)
progression = (diabetes.y - diabetes.y.mean()) / diabetes.y.std()
shuffled = np.random.default_rng(0).permutation(digits.y)


def make_classifier(units, optimizer, activation="relu", outputs=10, **options):
    """Return a compiled network that ends in softmax; `units` are those of its hidden layers."""
    hidden = [Dense(n, activation=activation, **options) for n in units]
    model = gn.Sequential([*hidden, Dense(outputs, activation="softmax")], seed=0)
    model.compile(optimizer, "sparse_categorical_crossentropy")
    return model


squashed = gn.Sequential([Dense(16, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
squashed.compile(Adam(0.003), "mse")

sick = {  # what was done to the network: the network, its inputs and its targets
    "a learning rate of 10": (make_classifier([32], SGD(10.0)), pixels, digits.y),
    "biases that begin at -10": (
        make_classifier([32], SGD(0.1), bias_initializer=Constant(-10)),
        pixels,
        digits.y,
    ),
    "five layers of sigmoid": (
        make_classifier([32] * 5, SGD(0.1), activation="sigmoid"),
        pixels,
        digits.y,
    ),
    "columns of 0.1 and of 1,000": (make_classifier([16], SGD(0.05), outputs=3), wine.x, wine.y),
    "labels in a random order": (make_classifier([32], SGD(0.1)), pixels, shuffled),
    "a sigmoid for numbers below 0": (squashed, columns, progression),
}


def train(model, x, y):
    """Train a network, and return its history."""
    return model.fit(x, y, epochs=EPOCHS, validation_split=0.2, verbose=0)


findings, verifications, verdicts, curves = {}, {}, {}, {}
for fault, (model, x, y) in sick.items():
    history = train(model, x, y)
    finding = findings[fault] = history.findings[0]
    print(f"\n{fault.upper()}\n{history.findings}")
    cured = finding.apply(model)
    if cured is None:  # only the user can act: here, pair each image with its own label again
        model.reset()
        cured, y = model, digits.y
        verdicts[fault] = "Only you can act"
    else:
        verifications[fault] = finding.verify(model, x, y, epochs=EPOCHS, verbose=0)
        verdicts[fault] = verifications[fault].title
    again = train(cured, x, y)
    curves[fault] = history.history["val_loss"], again.history["val_loss"]
    print(f"  Verified: {verdicts[fault]}")
    print(f"  Afterwards: {again.findings.title.partition('.')[0]}.")

figure = Figure(figsize=(14, 8), layout="constrained")
for axes, (fault, (before, after)) in zip(figure.subplots(2, 3).flat, curves.items(), strict=True):
    for losses, color, label in ((before, SICK, "as it was"), (after, CURED, "with the remedy")):
        axes.plot(range(1, len(losses) + 1), losses, color=color, lw=2, label=label)
    axes.set(xlabel="epoch", ylabel="validation loss", xlim=(1, EPOCHS), ylim=(0, None))
    change = findings[fault].change
    remedy = change.describe() if change else "pair each image with its own label"
    title = f"{fault}: {findings[fault].rule}\n{textwrap.fill(remedy, 60)}\n"
    axes.set_title(title + textwrap.fill(verdicts[fault], 60), fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
figure.axes[0].legend(frameon=False)
figure.savefig(folder / "doctor.png", dpi=110)
print(f"\n{folder / 'doctor.png'} shows the losses of all six, with and without the remedy")
