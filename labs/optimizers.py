"""Optimizers: paths of SGD, momentum, RMSprop and Adam, of learning rates and of batch sizes.

Each path is that of a fit, on the surface of the loss over the weights. The figures go to the
folder of the first argument, or to figures/.
"""

import sys
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD, Adam, RMSprop

FIGURES = Path(sys.argv[1] if len(sys.argv) > 1 else "figures")
FIGURES.mkdir(parents=True, exist_ok=True)

line = gn.datasets.load("line")
model = gn.Sequential([Input(1), Dense(1)], seed=0)
model.compile("sgd", "mse")
model.set_weights([[[8.0]], [3.0]])

# The surface is a narrow valley. Its curvatures are the eigenvalues of the Hessian, 2 X^T X / n.
columns = np.column_stack([line.x, np.ones(len(line.x))])
curvatures = np.linalg.eigvalsh(2 * columns.T @ columns / len(columns))
steepest = 2 / curvatures.max()
print(f"curvatures {curvatures.min():.2f} and {curvatures.max():.2f}: rates up to {steepest:.4f}")


def show(paths, name):
    """Print what happened, and draw it as a map and in space."""
    print(f"\n{paths}")
    paths.plot().savefig(FIGURES / f"{name}.png", dpi=150)
    paths.plot(kind="3d").savefig(FIGURES / f"{name}_3d.png", dpi=150)
    paths.animate(FIGURES / f"{name}.html")
    return paths


# Momentum adds up the slopes of earlier steps. RMSprop and Adam divide by their size, so that both
# weights move about equally fast.
optimizers = show(
    gn.inspection.descent(
        model,
        line.x,
        line.y,
        optimizers=[SGD(0.01), SGD(0.01, momentum=0.9), RMSprop(0.3), Adam(0.3)],
        epochs=100,
    ),
    "optimizers",
)

# A rate below 2 / curvature converges. One above it steps over the valley, and higher each time.
rates = show(
    gn.inspection.descent(model, line.x, line.y, learning_rates=[0.0002, 0.02, 0.03], epochs=200),
    "rates",
)

# Small batches make many cheap steps, but each follows the slope of a few rows only.
batches = show(
    gn.inspection.descent(
        model, line.x, line.y, batch_sizes=["full", 32, 1], learning_rates=[0.002], epochs=15
    ),
    "batches",
)

# A network has many valleys. Which one is reached depends on the start.
moons = gn.datasets.load("moons")
network = gn.Sequential([Dense(8, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
network.compile(Adam(0.05), "binary_crossentropy")
starts = show(
    gn.inspection.descent(network, moons.x, moons.y, starts=5, batch_sizes=[32], epochs=30),
    "starts",
)
