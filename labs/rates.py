"""Learning rates: the range test beside the losses that the same rates reach in ten epochs.

The range test raises the rate at every step and takes a second. The losses below it need a training
for each rate. Rates in the band should be good there too. The figure goes to the folder of the
first argument, or of the environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.errors import TrainingWarning
from glassnet.layers import Dense
from glassnet.optimizers import SGD, Adam

EPOCHS, RATES = 10, 10 ** (np.arange(-15, 3) / 3)
BAND, SUGGESTION, TENTH = "#009E73", "#D55E00", "#8A94A6"

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)

digits, diabetes = gn.datasets.load("digits"), gn.datasets.load("diabetes")
pixels = digits.x.reshape(len(digits.x), -1) / np.float32(16)
columns = (diabetes.x - diabetes.x.mean(0)) / diabetes.x.std(0)
progression = (diabetes.y - diabetes.y.mean()) / diabetes.y.std()


def make_model(outputs, activation, optimizer, loss):
    """Return a compiled network with one hidden layer."""
    layers = [Dense(64, activation="relu"), Dense(outputs, activation=activation)]
    model = gn.Sequential(layers, seed=0)
    model.compile(optimizer, loss)
    return model


crossentropy = "sparse_categorical_crossentropy"
problems = {
    "digits, SGD": (make_model(10, "softmax", SGD(), crossentropy), pixels, digits.y),
    "digits, Adam": (make_model(10, "softmax", Adam(), crossentropy), pixels, digits.y),
    "diabetes, SGD": (make_model(1, None, SGD(), "mse"), columns, progression),
}


def train(model, x, y, rate):
    """Return the training loss of the last epoch at a rate; infinity if it is not finite."""
    model.reset()
    model.learning_rate = rate
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TrainingWarning)
        losses = model.fit(x, y, epochs=EPOCHS, verbose=0).history["loss"]
    return losses[-1] if len(losses) == EPOCHS and np.isfinite(losses[-1]) else np.inf


def draw_losses(axes, result, losses):
    """Draw the loss over the rate; rates that diverged are crosses at the top."""
    is_shown = np.isfinite(losses) & (losses < 1.3 * losses[0])
    top = 1.1 * losses[is_shown].max()
    axes.plot(RATES[is_shown], losses[is_shown], "o-", color="#0072B2", ms=4)
    axes.plot(RATES[~is_shown], np.full((~is_shown).sum(), top), "x", color="black")
    axes.axvspan(*result.band, color=BAND, alpha=0.15, lw=0)
    axes.axvline(result.suggestion, color=SUGGESTION, ls="--", lw=1.8)
    axes.axvline(np.median(result.minimum) / 10, color=TENTH, ls=":", lw=2.2)
    axes.set(xscale="log", xlim=result.rates[[0, -1]], ylim=(0, 1.05 * top))
    axes.set(xlabel="learning rate", ylabel=f"training loss in epoch {EPOCHS}")
    axes.spines[["top", "right"]].set_visible(False)


figure = Figure(figsize=(16, 8), layout="constrained")
upper, lower = figure.subplots(2, 3)
results, reached = {}, {}
for k, (name, (model, x, y)) in enumerate(problems.items()):
    result = results[name] = gn.selection.learning_rate_range(model, x, y, verbose=0)
    losses = reached[name] = np.array([train(model, x, y, rate) for rate in RATES])
    best = RATES[np.nanargmin(losses)]
    print(f"\n{name}: {result}")
    for label, rate in (
        ("best of all rates", best),
        ("suggestion", result.suggestion),
        ("a tenth of the minimum", np.median(result.minimum) / 10),
        ("lower end", result.band[0]),
        ("upper end", result.band[1]),
    ):
        print(f"  {label} {rate:.2g}: loss {train(model, x, y, rate):.3f}")
    result.plot(ax=upper[k])
    upper[k].set_title(f"{name}\n{result.title}", fontsize=9)
    draw_losses(lower[k], result, losses)
    lower[k].set_title(f"{name}: {EPOCHS} epochs at one rate are best at {best:.2g}", fontsize=10)
lower[0].legend(
    ["loss", "not finite, or far above the start", "band", "suggestion", "a tenth of the minimum"],
    frameon=False,
    fontsize=8,
    loc="lower left",
)
figure.savefig(folder / "rates.png", dpi=110)
print(f"\n{folder / 'rates.png'} shows the range tests and the losses that the rates reach")
