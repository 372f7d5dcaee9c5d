"""A perceptron is a line: 1 + 3 x1 - 2 x2 = 0. Layers without an activation stay one.

Figures go to the folder that is the first argument, or to figures/.
"""

import sys
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet.layers import Dense, Input
from glassnet.optimizers import Adam

FIGURES = Path(sys.argv[1] if len(sys.argv) > 1 else "figures")
FIGURES.mkdir(parents=True, exist_ok=True)

# Dot product, bias, activation: g(1 + 3 x1 - 2 x2). At (-1, 2), 1 - 3 - 4 = -6.
perceptron = gn.Sequential([Input(2), Dense(1, activation="sigmoid")])
perceptron.compile(loss="binary_crossentropy")
perceptron.set_weights([[[3.0], [-2.0]], [1.0]])
answer = perceptron.predict([[-1.0, 2.0]]).item()
print(f"g(1 + 3*(-1) - 2*2) = sigmoid(-6) = {answer:.5f}")
gn.inspection.network_drawing(perceptron).plot().savefig(FIGURES / "perceptron.png", dpi=150)

# On the line x2 = (1 + 3 x1) / 2, the sum is 0 and the answer is 0.5.
on_line = np.array([[x1, (1 + 3 * x1) / 2] for x1 in (-1.0, 0.0, 1.0)])
line_answers = perceptron.predict(on_line).ravel()
print(f"on the line: {line_answers}")
rng = np.random.default_rng(0)
points = rng.uniform(-3, 3, (200, 2))
labels = (1 + 3 * points[:, 0] - 2 * points[:, 1] > 0).astype(int)
boundary = gn.inspection.decision_boundary(perceptron, points, labels)
boundary.plot().savefig(FIGURES / "perceptron_line.png", dpi=150)

# A new perceptron finds the line from the 200 points: the ratios of its weights are 3 and -2.
learned = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
learned.compile(Adam(0.1), "binary_crossentropy", ["accuracy"])
learned.fit(points, labels, batch_size="full", epochs=500, verbose=0)
kernel, bias = learned.get_weights()
ratios = kernel.ravel() / bias
accuracy = learned.evaluate(points, labels)[1]
print(f"learned: 1 {ratios[0]:+.2f} x1 {ratios[1]:+.2f} x2 = 0, accuracy {accuracy:.3f}")

# Two layers without an activation are one: W = W1 W2 and b = b1 W2 + b2.
deep = gn.Sequential([Input(2), Dense(8), Dense(1)], seed=1)
w1, b1, w2, b2 = deep.get_weights()
shallow = gn.Sequential([Input(2), Dense(1)])
shallow.set_weights([w1 @ w2, b1 @ w2 + b2])
difference = np.abs(deep.predict(points) - shallow.predict(points)).max()
print(f"two linear layers and one: {deep.count_params()} and {shallow.count_params()} weights,")
print(f"  largest difference of 200 answers {difference:.1e}")

# So the boundary stays straight, until there is an activation between the layers.
moons = gn.datasets.load("moons")
accuracies = {}
for activation in ("linear", "tanh"):
    layers = [Dense(8, activation=activation), Dense(1, activation="sigmoid")]
    model = gn.Sequential(layers, seed=0)
    model.compile(Adam(0.05), "binary_crossentropy", ["accuracy"])
    model.fit(moons.x, moons.y, epochs=100, verbose=0)
    accuracies[activation] = model.evaluate(moons.x_test, moons.y_test)[1]
    print(f"moons, {activation} hidden layer: test accuracy {accuracies[activation]:.3f}")
    figure = gn.inspection.decision_boundary(model, moons.x_test, moons.y_test).plot()
    figure.savefig(FIGURES / f"perceptron_{activation}.png", dpi=150)
