"""One neuron by hand: a weighted sum, a bias and an activation; and every activation's slope.

Figures go to the folder that is the first argument, or to figures/.
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt

import glassnet as gn
from glassnet.layers import Dense, Input

FIGURES = Path(sys.argv[1] if len(sys.argv) > 1 else "figures")
FIGURES.mkdir(parents=True, exist_ok=True)

# In NumPy: z = w x + b, and a = sigmoid(z).
w, b, x = np.array([0.0, 1.0]), 4.0, np.array([2.0, 3.0])
z = w @ x + b
a = 1 / (1 + np.exp(-z))
print(f"NumPy:    z = {w[0]:.0f}*{x[0]:.0f} + {w[1]:.0f}*{x[1]:.0f} + {b:.0f} = {z:.0f}, a = {a}")

# The same neuron as a network.
model = gn.Sequential([Input(2), Dense(1, activation="sigmoid")])
model.compile(gn.optimizers.SGD(0.1), "half_mean_squared_error")
model.set_weights([w[:, None], [b]])
output = model.predict(x[None]).item()
print(f"Glassnet: a = {output}")

# If 0 was right, how should the weights change? Every number of the answer, and its derivative.
trace = model.trace(x[None], [0])
print(trace.neuron("dense_1", 0))
trace.plot().savefig(FIGURES / "neuron.png", dpi=150)
trace.animate(FIGURES / "neuron.html")

# The neuron fires if the weighted sum exceeds -b: here, if x2 > -4.
for x2 in (-14.0, -4.0, 6.0):
    print(f"x2 = {x2:>3.0f}: a = {model.predict([[2.0, x2]]).item():.5f}")

# All activations, with their slopes: what a gradient is multiplied by on its way back.
NAMES = ["linear", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu"]
NAMES += ["mish", "softplus", "softsign", "hard_sigmoid", "relu6", "exponential", "softmax"]
curves = gn.inspection.activation(NAMES, limits=(-4, 4))
i = {z: int(np.abs(curves.x[0] - z).argmin()) for z in (-4, 0, 4)}
print(f"{'slope at z =':<14}" + "".join(f"{z:>8}" for z in i))
for name, slope in zip(curves.names, curves.slope, strict=True):
    print(f"{name:<14}" + "".join(f"{slope[k]:>8.3f}" for k in i.values()))

figure, axes = plt.subplots(4, 4, figsize=(13, 11), layout="constrained")
for name, ax in zip(NAMES, axes.flat, strict=True):
    gn.inspection.activation(name, limits=(-4, 4)).plot(ax=ax)
    ax.set_title(name)
figure.savefig(FIGURES / "activations.png", dpi=100)
