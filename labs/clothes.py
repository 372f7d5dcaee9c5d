"""Clothes: classify 28 x 28 grayscale images into ten classes.

Three networks are compared: 128 hidden neurons, two layers of 256, and two convolutions.
"""

import numpy as np
from matplotlib.figure import Figure

from glassnet import keras
from glassnet.keras.datasets import fashion_mnist
from glassnet.keras.layers import Conv2D, Dense, Flatten, MaxPooling2D, Reshape

NAMES = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
]
EPOCHS = 10

keras.utils.set_random_seed(0)
(train_images, train_labels), (test_images, test_labels) = fashion_mnist.load_data()
train_images, test_images = train_images / 255.0, test_images / 255.0

networks = {
    "128-10": [
        Flatten(input_shape=(28, 28)),
        Dense(128, activation="relu"),
        Dense(10, activation="softmax"),
    ],
    "256-256-10": [
        Flatten(input_shape=(28, 28)),
        Dense(256, activation="relu"),
        Dense(256, activation="relu"),
        Dense(10, activation="softmax"),
    ],
    "Conv 32-64, 128-10": [
        Reshape((28, 28, 1), input_shape=(28, 28)),
        Conv2D(32, 3, padding="same", activation="relu"),
        MaxPooling2D(2),
        Conv2D(64, 3, padding="same", activation="relu"),
        MaxPooling2D(2),
        Flatten(),
        Dense(128, activation="relu"),
        Dense(10, activation="softmax"),
    ],
}
scores, curves = {}, {}
for name, layers in networks.items():
    model = keras.Sequential(layers)
    model.compile(
        optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"]
    )
    history = model.fit(train_images, train_labels, batch_size=32, epochs=EPOCHS, verbose=0)
    test_loss, test_accuracy = model.evaluate(test_images, test_labels, verbose=0)
    scores[name], curves[name] = test_accuracy, history.history["accuracy"]
    train_accuracy = history.history["accuracy"][-1]
    print(f"{name}: training accuracy {train_accuracy:.3f}, test accuracy {test_accuracy:.3f}")

predictions = model.predict(test_images, verbose=0)
predicted = predictions.argmax(axis=1)
print(
    f"first test image: predicted {NAMES[predicted[0]]} ({predictions[0].max():.2f}), "
    f"true class {NAMES[test_labels[0]]}"
)

figure = Figure(figsize=(12, 4.8), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[2, 3])
axes = left.subplots()
for (name, curve), color in zip(curves.items(), ("#0072B2", "#D55E00", "#009E73"), strict=True):
    axes.plot(
        range(1, EPOCHS + 1),
        curve,
        color=color,
        label=f"{name}: test accuracy {scores[name]:.3f}",
    )
    axes.plot(EPOCHS, scores[name], "o", color=color)
axes.set(
    xlabel="epoch",
    ylabel="accuracy: training (line), test (dot)",
    ylim=(0.6, 0.95),
)
axes.spines[["top", "right"]].set_visible(False)
axes.legend(frameon=False, loc="lower right")
right.suptitle("The first test image of each class and the prediction for it", fontsize=10)
for label, axes in enumerate(right.subplots(2, 5).flat):
    i = np.flatnonzero(test_labels == label)[0]
    axes.imshow(test_images[i], cmap="gray_r")
    color = "black" if predicted[i] == label else "#D55E00"
    axes.set_title(
        f"{NAMES[label]}:\n{NAMES[predicted[i]]}, {predictions[i].max():.0%}",
        fontsize=8,
        color=color,
    )
    axes.set_axis_off()
figure.savefig("clothes.png", dpi=110)
print("clothes.png shows the learning curves and one image of each class")
