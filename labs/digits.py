"""Digits: a convolutional network classifies handwriting.

The figure shows the confusion matrix, the most confident mistakes and the feature maps of a digit.
"""

import numpy as np
from matplotlib.figure import Figure

import glassnet as gn
from glassnet.layers import Conv2D, Dense, Flatten, MaxPooling2D, Rescaling, Reshape

EPOCHS = 10
SHOWN = 8

data = gn.datasets.load("mnist")
model = gn.Sequential(
    [
        Rescaling(1 / 255),
        Reshape((28, 28, 1)),
        Conv2D(32, 3, activation="relu", name="first"),
        MaxPooling2D(2),
        Conv2D(64, 3, activation="relu", name="second"),
        MaxPooling2D(2),
        Flatten(),
        Dense(128, activation="relu"),
        Dense(10, activation="softmax"),
    ],
    seed=0,
)
model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
model.fit(data.x, data.y, batch_size=32, epochs=EPOCHS, verbose=0)
accuracy = model.evaluate(data.x_test, data.y_test, return_dict=True)["accuracy"]
print(f"{model.count_params():,} weights, {len(data.x):,} training digits")
print(f"accuracy on {len(data.x_test):,} test digits: {accuracy:.3f}")

probabilities = model.predict(data.x_test)
predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
counts = np.zeros((10, 10), int)
np.add.at(counts, (data.y_test, predicted), 1)
mistakes = counts - np.diag(np.diag(counts))
most = np.unravel_index(mistakes.argmax(), mistakes.shape)
print(f"most common mistake: {most[0]} classified as {most[1]}, {mistakes[most]} times")
wrong = np.flatnonzero(predicted != data.y_test)
wrong = wrong[np.argsort(-confidence[wrong])]
highest = confidence[wrong[:1]].max(initial=0)
print(f"{len(wrong)} mistakes, the most confident with a probability of {highest:.0%}")

# The feature maps of one digit, from the trace of its forward pass.
trace = model.trace(data.x_test[:1], data.y_test[:1])
maps = {name: trace[f"{name}.relu"].output[0] for name in ("first", "second")}

figure = Figure(figsize=(12, 7), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[2, 3])
upper, lower = left.subfigures(2, 1, height_ratios=[5, 4])
axes = upper.subplots()
axes.imshow(np.sqrt(counts), cmap="Blues")
for (row, column), count in np.ndenumerate(counts):
    if count:
        axes.text(
            column,
            row,
            count,
            ha="center",
            va="center",
            fontsize=7,
            color="white" if row == column else "black",
        )
axes.set(xticks=range(10), yticks=range(10), xlabel="predicted", ylabel="true")
axes.set_title(f"accuracy {accuracy:.1%}", fontsize=10)
lower.suptitle("The most confident mistakes", fontsize=10)
for axes, i in zip(lower.subplots(2, SHOWN // 2).flat, wrong, strict=False):
    axes.imshow(data.x_test[i], cmap="gray_r")
    axes.set_title(f"{data.y_test[i]} as {predicted[i]}, {confidence[i]:.0%}", fontsize=8)
for axes in lower.axes:
    axes.set_axis_off()
right.suptitle(
    f"A {data.y_test[0]} and its feature maps from {SHOWN} filters of each layer", fontsize=10
)
grid = right.subplots(5, SHOWN // 2)
images = [maps[name][..., i] for name in maps for i in range(SHOWN)]
for axes, image in zip(grid.flat[SHOWN // 2 :], images, strict=True):
    axes.imshow(image, cmap="viridis", vmin=0)
grid[0, 0].imshow(data.x_test[0], cmap="gray_r")
for row, name in ((1, "first"), (3, "second")):
    grid[row, 0].set_title(
        f"{name}: {' x '.join(map(str, maps[name].shape))}", fontsize=9, loc="left"
    )
for axes in grid.flat:
    axes.set_axis_off()
figure.savefig("digits.png", dpi=110)
print("digits.png shows the mistakes and the feature maps")
