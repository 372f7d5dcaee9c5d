"""Clothes: 28 x 28 grey pictures into ten classes, with 128 hidden neurons, and with two layers of 256."""

import numpy as np

from glassnet import keras
from glassnet.keras.datasets import fashion_mnist
from glassnet.keras.layers import Dense, Flatten

NAMES = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
EPOCHS = 10

keras.utils.set_random_seed(0)
(train_images, train_labels), (test_images, test_labels) = fashion_mnist.load_data()
train_images, test_images = train_images / 255.0, test_images / 255.0

networks = {
    "128-10": [Flatten(input_shape=(28, 28)), Dense(128, activation="relu"), Dense(10, activation="softmax")],
    "256-256-10": [
        Flatten(input_shape=(28, 28)),
        Dense(256, activation="relu"),
        Dense(256, activation="relu"),
        Dense(10, activation="softmax"),
    ],
}
scores = {}
for name, layers in networks.items():
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss=keras.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    history = model.fit(train_images, train_labels, batch_size=32, epochs=EPOCHS, verbose=0)
    test_loss, test_accuracy = model.evaluate(test_images, test_labels, verbose=0)
    scores[name] = test_accuracy
    print(f"{name}: accuracy {history.history['accuracy'][-1]:.3f} in training, {test_accuracy:.3f} on the test pictures")

predictions = model.predict(test_images[:1], verbose=0)
print(f"first test picture: {NAMES[np.argmax(predictions[0])]} ({predictions.max():.2f}), in truth {NAMES[test_labels[0]]}")
