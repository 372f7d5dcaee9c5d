"""Looks: what a network looks at when it reads a digit, and whether that can be believed.

A dense and a convolutional network are explained by four methods, each beside the same network with
weights that have learned nothing. The figures go to the folder of the first argument, or of the
environment variable GLASSNET_FIGURES, or to figures/.
"""

import os
import sys
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

import glassnet as gn
from glassnet.layers import Conv2D, Dense, Flatten, MaxPooling2D, Rescaling, Reshape

EPOCHS = 3
COMPARED = 50

folder = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GLASSNET_FIGURES", "figures"))
folder.mkdir(parents=True, exist_ok=True)
data = gn.datasets.load("mnist")
networks = {
    "dense": [
        Rescaling(1 / 255),
        Flatten(),
        Dense(128, activation="relu"),
        Dense(10, activation="softmax"),
    ],
    "convolutional": [
        Rescaling(1 / 255),
        Reshape((28, 28, 1)),
        Conv2D(16, 3, activation="relu"),
        MaxPooling2D(2),
        Conv2D(32, 3, activation="relu"),
        MaxPooling2D(2),
        Flatten(),
        Dense(10, activation="softmax"),
    ],
}
methods = {
    "dense": ["gradient", "integrated_gradients", "occlusion"],
    "convolutional": ["gradient", "integrated_gradients", "occlusion", "grad_cam"],
}
models, correlations, sizes = {}, {}, {}
for name, layers in networks.items():
    model = models[name] = gn.Sequential(layers, seed=0)
    model.compile("adam", "sparse_categorical_crossentropy", ["accuracy"])
    model.fit(data.x, data.y, epochs=EPOCHS, verbose=0)
    accuracy = model.evaluate(data.x_test, data.y_test, return_dict=True)["accuracy"]
    print(f"{name}: accuracy {accuracy:.3f} on {len(data.x_test):,} test digits")
    for method in methods[name]:
        x, y = data.x_test[:COMPARED], data.y_test[:COMPARED]
        result = gn.inspection.attribute(model, x, y, method=method, sanity=True)
        # Where are the large values, whatever their sign?
        pairs = zip(np.abs(result.values), np.abs(result.sanity_values), strict=True)
        size = np.nanmean([spearmanr(a, b, axis=None).statistic for a, b in pairs])
        key = name, method
        correlations[key], sizes[key] = np.nanmean(result.sanity_correlation), size
        print(
            f"  {method}: rank correlation with the map of re-drawn weights "
            f"{correlations[key]:.2f}, of the sizes alone {sizes[key]:.2f}"
        )
        first = gn.inspection.attribute(model, x[:4], y[:4], method=method, sanity=True)
        first.plot().savefig(folder / f"looks_{name}_{method}.png", dpi=110)
print("The sizes of integrated gradients and of occlusion follow the ink with any weights.")
print("What these networks have learned is in the signs.")

# A mistake: what speaks for the wrong answer, and what for the right one?
model = models["convolutional"]
probabilities = model.predict(data.x_test)
wrong = np.flatnonzero(probabilities.argmax(axis=1) != data.y_test)
wrong = wrong[np.argsort(-probabilities[wrong].max(axis=1))][:1]
predicted, true = probabilities[wrong[0]].argmax(), data.y_test[wrong[0]]
twice = np.repeat(data.x_test[wrong], 2, axis=0)
mistake = gn.inspection.attribute(model, twice, [true, true], target=[predicted, true])
mistake.plot().savefig(folder / "looks_mistake.png", dpi=110)
print(f"the surest mistake: a {true} read as {predicted}")
print(mistake)
