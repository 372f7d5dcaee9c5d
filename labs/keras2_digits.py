"""Digits in the style of Keras 2, with the names that older notebooks use.

Two equal networks classify handwriting of 8 x 8 pixels: one learns from the digits as they are, the
other one from copies that a generator shifts anew in every epoch. Both then read shifted digits.
"""

import numpy as np

import glassnet as gn
from glassnet import keras  # run on Keras: import keras

EPOCHS = 40
BATCH_SIZE = 32
CLASSES = 10

keras.utils.set_random_seed(0)
data = gn.datasets.load("digits")
images, images_test = (np.reshape(x, (-1, 8, 8, 1)) / 16 for x in (data.x, data.x_test))
y = keras.utils.np_utils.to_categorical(data.y, CLASSES)
y_test = keras.utils.np_utils.to_categorical(data.y_test, CLASSES)
print(f"{len(images)} training images, {len(images_test)} test images")
print(f"label {data.y[0]} as a row: {y[0]}")

shifting = keras.preprocessing.image.ImageDataGenerator(
    width_shift_range=[-1, 0, 1], height_shift_range=[-1, 0, 1], fill_mode="constant"
)
shifted = shifting.flow(images, y, batch_size=BATCH_SIZE, seed=1)
shifted_test, _ = shifting.flow(
    images_test, y_test, batch_size=len(images_test), shuffle=False, seed=2
)[0]
moved = np.mean([(a != b).any() for a, b in zip(shifted_test, images_test, strict=True)])
print(f"{len(shifted)} batches per epoch; {moved:.0%} of the shifted test images differ")


def flatten(x):
    """Return a row of 64 numbers for each image."""
    return np.reshape(x, (len(x), 64))


def flat_batches(batches):
    """Yield the batches without end, as `fit_generator` expects."""
    while True:
        x, labels = next(batches)
        yield flatten(x), labels


def build_network():
    """Return a compiled network with one hidden layer."""
    model = keras.models.Sequential()
    model.add(keras.layers.Dense(64, input_dim=64))
    model.add(keras.layers.Activation("relu"))
    model.add(keras.layers.Dense(CLASSES))
    model.add(keras.layers.Activation("softmax"))
    optimizer = keras.optimizers.Adam(lr=0.003)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


plain, robust = build_network(), build_network()
print(f"{plain.count_params()} weights in each network")
plain_history = plain.fit(flatten(images), y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
robust_history = robust.fit_generator(
    flat_batches(shifted),
    steps_per_epoch=len(shifted),
    epochs=EPOCHS,
    validation_data=(flatten(images_test), y_test),
    verbose=0,
)

accuracies = {}
for name, model in (("as they are", plain), ("shifted", robust)):
    accuracies[name] = [
        model.evaluate(flatten(x), y_test, verbose=0)[1] for x in (images_test, shifted_test)
    ]
    print(
        f"trained on digits {name}: test accuracy {accuracies[name][0]:.3f}, "
        f"on shifted test digits {accuracies[name][1]:.3f}"
    )
