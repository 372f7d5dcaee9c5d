"""Classification: softmax, one-hot targets, and cross-entropy against the square.

The figures go to the folder of the first argument, or of the environment variable GLASSNET_FIGURES,
or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.layers import Activation, Dense

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)

# Softmax turns the ten scores of a lecture into probabilities: exp(score) / sum of exp(scores).
scores = np.array([-6.8, 2.6, 5.9, 6.7, 1.9, -1.3, -5.7, 3.2, 1.3, 1.0])
probabilities = gn.Sequential([Activation("softmax")]).predict(scores[None])[0]
print("class  score  exp(score)  probability  one-hot target 3  -log(probability)")
one_hot = np.eye(10)[3]
for k, (score, p) in enumerate(zip(scores, probabilities, strict=True)):
    line = f"{k:5}  {score:5.1f}  {np.exp(score):10.4g}  {p:11.4g}  {one_hot[k]:16.0f}"
    print(f"{line}  {-np.log(p):17.4g}")
print(f"the probabilities sum to {probabilities.sum():.4f}")

# Cross-entropy is -log of the true class's probability: the one-hot target picks it out.
cross_entropy = gn.losses.CategoricalCrossentropy()
sparse = gn.losses.SparseCategoricalCrossentropy()
loss_of_one_hot = float(cross_entropy(one_hot[None], probabilities[None]))
loss_of_class = float(sparse(np.array([3]), probabilities[None]))
print(f"loss if class 3 is right: {loss_of_one_hot:.4f} from the one-hot target,")
print(f"  {loss_of_class:.4f} from the class, {-np.log(probabilities[3]):.4f} by hand")

# Of a row with the target 1, both losses fall as the prediction rises. A confident wrong answer
# costs at most 1 by the square, and without limit by cross-entropy.
print("prediction  square  cross-entropy  slope of the square  slope of cross-entropy")
penalties = {}
for p in (0.99, 0.9, 0.5, 0.1, 0.01, 0.001):
    penalties[p] = ((1 - p) ** 2, -np.log(p))
    square, entropy = penalties[p]
    print(f"{p:10}  {square:6.4f}  {entropy:13.4f}  {-2 * (1 - p):19.4f}  {-1 / p:22.4f}")
figure = Figure(figsize=(6, 3.6), layout="constrained")
ax = figure.subplots()
p = np.linspace(0.005, 1, 200)
for penalty, label, color in (
    (-np.log(p), "cross-entropy, -log p", "#0072B2"),
    ((1 - p) ** 2, "square, (1 - p)^2", "#D55E00"),
):
    ax.plot(p, penalty, color=color, label=label)
ax.set(xlabel="predicted probability p of the true class", ylabel="loss of one row")
ax.set_title("A sure wrong answer costs 5.3 by cross-entropy, 0.99 by the square")
ax.legend(frameon=False)
figure.savefig(folder / "classify_losses.png", dpi=110)

# Behind a sigmoid that is sure and wrong, the square has hardly any slope: dL/dz is p - y for
# cross-entropy, and 2 (p - y) p (1 - p) for the square. Both networks start on the wrong side.
data = gn.datasets.load("blobs")
x, y = data.x[data.y < 2], data.y[data.y < 2]
means = [x[y == k].mean(axis=0) for k in (0, 1)]
direction = 6 * (means[0] - means[1])
offset = -direction @ (means[0] + means[1]) / 2
histories = {}
for loss in ("binary_crossentropy", "mse"):
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.compile(gn.optimizers.SGD(0.1), loss, ["accuracy"])
    model.input_shape = (2,)
    model.set_weights([direction[:, None], [offset]])
    before = model.evaluate(x, y, return_dict=True)["accuracy"]
    histories[loss] = model.fit(x, y, epochs=40, verbose=0).history["accuracy"]
    print(f"{loss}: accuracy {before:.3f} before, {histories[loss][-1]:.3f} after 40 epochs")
figure = Figure(figsize=(6, 3.6), layout="constrained")
ax = figure.subplots()
for (loss, accuracies), color in zip(histories.items(), ("#0072B2", "#D55E00"), strict=True):
    ax.plot(range(1, 41), accuracies, color=color, label=loss)
ax.set(xlabel="epoch", ylabel="accuracy", title="From sure wrong answers, cross-entropy gets away")
ax.legend(frameon=False)
figure.savefig(folder / "classify_wrong_start.png", dpi=110)

# Three classes: one output each, and a softmax. The areas show the most probable class.
classifier = gn.Sequential([Dense(3, activation="softmax")], seed=0)
classifier.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
classifier.fit(data.x, data.y, epochs=100, verbose=0)
boundary = gn.inspection.decision_boundary(
    classifier, data.x, data.y, test=(data.x_test, data.y_test)
)
boundary.plot().savefig(folder / "classify_boundary.png", dpi=110)
print(boundary)

figure = Figure(figsize=(7, 3.4), layout="constrained")
ax = figure.subplots()
ax.bar(range(10), probabilities, color="#0072B2")
ax.set(xticks=range(10), xlabel="class", ylabel="probability")
ax.set_title(f"Softmax of ten scores: class 3 has {probabilities[3]:.3f}")
figure.savefig(folder / "classify_softmax.png", dpi=110)
