"""Representation learning: a network that must pass each digit through two numbers.

An autoencoder predicts its own input. What passes through its narrow layer, the code, is a
representation of the digits that needs no labels. Figures go to the folder of the first argument,
or of the environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier

import glassnet as gn
from glassnet.layers import Dense

EPOCHS, SHOWN = 25, 10

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)

data = gn.datasets.load("mnist")
x, x_test = (images.reshape(len(images), -1) / np.float32(255) for images in (data.x, data.x_test))
model = gn.Sequential(
    [
        Dense(64, activation="relu", name="first"),
        Dense(32, activation="relu"),
        Dense(2, name="code"),
        Dense(32, activation="relu"),
        Dense(64, activation="relu"),
        Dense(784, activation="sigmoid"),
    ],
    seed=0,
)
model.compile(gn.optimizers.Adam(0.002), "binary_crossentropy")
model.fit(x, x, epochs=EPOCHS, verbose=0)

rebuilt = model.predict(x_test)
pca = PCA(2, random_state=0).fit(x)
linear = pca.inverse_transform(pca.transform(x_test))
mean = np.broadcast_to(x.mean(axis=0), x_test.shape)
errors = {
    name: float(np.mean((images - x_test) ** 2))
    for name, images in (("the mean digit", mean), ("PCA", linear), ("the autoencoder", rebuilt))
}
print(f"{model.count_params():,} weights, {len(x):,} training digits without labels")
for name, error in errors.items():
    print(f"squared error of a pixel with {name}: {error:.4f}")

# The code is a representation: digits that look alike are near each other, whoever wrote them.
plane = gn.inspection.embeddings(model, x_test, data.y_test, layer="code")
train_plane = gn.inspection.embeddings(model, x, layer="code")
neighbors = KNeighborsClassifier(15).fit(train_plane.points, data.y)
accuracy = neighbors.score(plane.points, data.y_test)
of_pca = KNeighborsClassifier(15).fit(pca.transform(x), data.y)
accuracy_of_pca = of_pca.score(pca.transform(x_test), data.y_test)
print(f"its 15 nearest neighbors in the code tell {accuracy:.1%} of the test digits")
print(f"its 15 nearest neighbors in the plane of PCA tell {accuracy_of_pca:.1%}")
plane.plot().savefig(folder / "autoencoder_code.png", dpi=110)
gn.inspection.weights(model).plot().savefig(folder / "autoencoder_weights.png", dpi=110)

figure = Figure(figsize=(SHOWN * 1.05 + 1, 4), layout="constrained")
grid = figure.subplots(3, SHOWN)
rows = [int(np.flatnonzero(data.y_test == digit)[0]) for digit in range(SHOWN)]
for axes_row, (name, images) in zip(
    grid, (("digit", x_test), ("autoencoder", rebuilt), ("PCA", linear)), strict=True
):
    axes_row[0].set_ylabel(name)
    for axes, row in zip(axes_row, rows, strict=True):
        axes.imshow(images[row].reshape(28, 28), cmap="gray_r", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
figure.suptitle(
    f"Rebuilt from two numbers: squared error {errors['the autoencoder']:.3f}, "
    f"PCA {errors['PCA']:.3f}, the mean digit {errors['the mean digit']:.3f}"
)
figure.savefig(folder / "autoencoder_rebuilt.png", dpi=110)
print(f"figures are in {folder}")
