"""Images from folders in Keras's style: augmentation inside a convolutional network, and callbacks.

The lab writes digits as PNG files, one folder for each class. The network has a skip connection.
Its random layers change images in training only. A file keeps the weights of the best epoch.
"""

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

import glassnet as gn
from glassnet import keras  # run on Keras: import keras

EPOCHS = 25
SIZE = 16

keras.utils.set_random_seed(0)
data = gn.datasets.load("digits")
temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
parts = {
    "train": (data.x[:1000], data.y[:1000]),
    "validation": (data.x[1000:], data.y[1000:]),
    "test": (data.x_test, data.y_test),
}
for part, (images, labels) in parts.items():
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / part / str(label) / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((image * 15).astype("uint8")).resize((SIZE, SIZE)).save(path)

train, validation, test = (
    keras.utils.image_dataset_from_directory(
        folder / part,
        color_mode="grayscale",
        image_size=(SIZE, SIZE),
        batch_size=50,
        shuffle=part == "train",
        seed=0,
    )
    for part in parts
)
sizes = {part: len(list((folder / part).rglob("*.png"))) for part in parts}
print(f"files: {sizes}")
x, y = (np.asarray(array) for array in next(iter(test)))
print(f"first batch of the test: images {x.shape} from {x.min():.0f} to {x.max():.0f}")

augment = keras.Sequential(
    [
        keras.layers.RandomRotation(0.05, fill_mode="constant"),
        keras.layers.RandomTranslation(0.1, 0.1, fill_mode="constant"),
    ],
    name="augment",
)
inputs = keras.Input(shape=(SIZE, SIZE, 1))
images = keras.layers.Rescaling(1 / 255)(augment(inputs))
first = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(images)
second = keras.layers.Conv2D(16, 3, padding="same", activation="relu")(first)
merged = keras.layers.MaxPooling2D(4)(keras.layers.add([first, second]))  # the skip connection
hidden = keras.layers.Dropout(0.3)(keras.layers.Flatten()(merged))
outputs = keras.layers.Dense(10, activation="softmax")(hidden)
model = keras.Model(inputs, outputs)
print(f"{model.count_params()} weights")

unchanged = np.abs(np.asarray(augment(x, training=False)) - x).mean()
changed = np.abs(np.asarray(augment(x, training=True)) - x).mean()
print(f"mean change of a pixel: {changed:.1f} in training, {unchanged:.1f} in prediction")

loss = "sparse_categorical_crossentropy"
model.compile(keras.optimizers.Adam(0.003), loss, metrics=["accuracy"])
best = folder / "best.keras"
callbacks = [
    keras.callbacks.EarlyStopping(patience=4, restore_best_weights=True),
    keras.callbacks.ModelCheckpoint(best, monitor="val_loss", save_best_only=True),
]
history = model.fit(
    train, epochs=EPOCHS, validation_data=validation, callbacks=callbacks, verbose=0
).history
epochs, best_epoch = len(history["loss"]), int(np.argmin(history["val_loss"])) + 1
print(f"stopped after epoch {epochs}; epoch {best_epoch} was the best one")

loss, accuracy = model.evaluate(test, verbose=0)
loaded_loss = keras.models.load_model(best).evaluate(test, verbose=0)[0]
print(f"test accuracy {accuracy:.3f}; test loss {loss:.4f}, from the file {loaded_loss:.4f}")
temporary.cleanup()
