"""XOR: one layer draws one straight line. AND and OR need no more; XOR needs a hidden layer.

The figures go to the folder of the first argument, or of the environment variable GLASSNET_FIGURES,
or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.layers import Dense
from glassnet.optimizers import Adam

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)


def train(layers: list[gn.layers.Layer], gate: str, epochs: int) -> gn.Sequential:
    """Return a network trained on the four rows of a logic gate."""
    data = gn.datasets.load(gate)
    model = gn.Sequential(layers, seed=1)
    model.compile(Adam(0.1), "binary_crossentropy", ["accuracy"])
    model.fit(data.x, data.y, batch_size="full", epochs=epochs, verbose=0)
    return model


# One layer is one line: g(w1 x1 + w2 x2 + b) is above 0.5 on one side of it.
single, losses = {}, {}
figure = Figure(figsize=(16, 4.6), layout="constrained")
for gate, ax in zip(("and", "or", "xor"), figure.subplots(1, 3), strict=True):
    model = single[gate] = train([Dense(1, activation="sigmoid")], gate, epochs=500)
    data = gn.datasets.load(gate)
    losses[gate], accuracy = model.evaluate(data.x, data.y, verbose=0)
    (w1, w2), (b,) = model.get_weights()[0].ravel(), model.get_weights()[1]
    print(f"{gate}, one layer: {4 * accuracy:.0f} of 4 right, loss {losses[gate]:.4f}")
    print(f"  sigmoid({w1:.2f} x1 + {w2:.2f} x2 + {b:.2f})")
    gn.inspection.decision_boundary(model, data.x, data.y).plot(ax=ax)
    ax.set_title(f"{gate.upper()}, one layer: {4 * accuracy:.0f} of 4 right")
figure.savefig(folder / "xor_one_layer.png", dpi=110)
print(f"No line separates XOR. The best answer is 0.5 for each row: loss ln 2 = {np.log(2):.4f}")

# A hidden layer draws four lines, and the output combines them. Its boundary over the epochs:
data = gn.datasets.load("xor")
stages = {"before training": 0, "during": 15, "after": 300}
deep, accuracies = {}, {}
figure = Figure(figsize=(16, 4.6), layout="constrained")
for (name, epochs), ax in zip(stages.items(), figure.subplots(1, 3), strict=True):
    hidden = Dense(4, activation="tanh")
    model = deep[name] = train([hidden, Dense(1, activation="sigmoid")], "xor", epochs)
    loss, accuracies[name] = model.evaluate(data.x, data.y, verbose=0)
    view = gn.inspection.decision_boundary(model, data.x, data.y)
    view.plot(ax=ax)
    ax.set_title(f"{name}: {epochs} epochs, {4 * accuracies[name]:.0f} of 4 right")
    print(f"XOR, hidden layer, {name}: {4 * accuracies[name]:.0f} of 4 right, loss {loss:.4f}")
figure.savefig(folder / "xor_hidden_layer.png", dpi=110)

# What each unit responds to: a line each in the hidden layer, and the output.
neurons = gn.inspection.neurons(model, data.x)
neurons.plot().savefig(folder / "xor_neurons.png", dpi=110)
print(neurons)
