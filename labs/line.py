"""The loss of a line y = w x + b: over w, over b, over both, and the path of gradient descent.

Figures go to the folder that is the first argument, or to figures/.
"""

import sys
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD

FIGURES = Path(sys.argv[1] if len(sys.argv) > 1 else "figures")
FIGURES.mkdir(parents=True, exist_ok=True)
W, B = ("dense_1/kernel", (0, 0)), ("dense_1/bias", 0)

line = gn.datasets.load("line")
x, y = line.x, line.y
model = gn.Sequential([Input(1), Dense(1)], seed=0)
model.compile(SGD(0.02), "mean_squared_error")

# The error y - yhat has both signs, so it would cancel in the mean. Its square does not.
losses = {}
for w in (8, 7, 9):
    model.set_weights([[[w]], [3]])
    losses[w] = model.evaluate(x, y, verbose=0)
    error = np.mean(y.ravel() - model.predict(x).ravel())
    print(f"y = {w} x + 3: mean error {error:.2f}, loss {losses[w]:.2f}")

# The loss over w is a parabola, and so is the loss over b.
model.set_weights([[[8]], [3]])
over_w = gn.inspection.loss_curve(model, x, y, *W)
over_b = gn.inspection.loss_curve(model, x, y, *B)
for name, curve in (("w", over_w), ("b", over_b)):
    print(curve)
    curve.plot().savefig(FIGURES / f"line-{name}.png", dpi=150)

# Over both it is a bowl. Its lowest point is the line of least squares.
surface = gn.inspection.loss_surface(model, x, y, W, B)
surface.plot().savefig(FIGURES / "line-surface.png", dpi=150)
surface.plot(kind="3d").savefig(FIGURES / "line-bowl.png", dpi=150)
best_w, best_b = np.polyfit(x.ravel(), y.ravel(), 1)
print(f"least squares: y = {best_w:.2f} x {best_b:+.2f}")

# Gradient descent goes down the bowl: w <- w - eta dL/dw, with all rows in each step.
recorder = gn.callbacks.WeightHistory()
model.fit(x, y, batch_size="full", epochs=1000, verbose=0, callbacks=[recorder])
w, b = (weights.item() for weights in model.get_weights())
print(f"trained:       y = {w:.2f} x {b:+.2f}, loss {model.evaluate(x, y, verbose=0):.2f}")
path = gn.inspection.loss_surface(model, x, y, W, B)
path.plot().savefig(FIGURES / "line-path.png", dpi=150)
gn.inspection.fitted(model, x, y).plot().savefig(FIGURES / "line-fit.png", dpi=150)

# A rate that is too small does not arrive; one that is too large leaves the bowl.
model.set_weights([[[8]], [3]])
rates = gn.inspection.descent(
    model, x, y, learning_rates=[0.0002, 0.02, 0.029], epochs=200, starts="current"
)
print(rates)
rates.plot().savefig(FIGURES / "line-rates.png", dpi=150)
