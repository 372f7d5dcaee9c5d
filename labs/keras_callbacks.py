"""Callbacks in Keras's style: the learning rate during training, and dropout as a measure of doubt.

A callback raises the learning rate after every batch to find a good one. Two networks are trained
with it, and lower it by the epoch or if the validation loss stalls. The last one answers 100 times.
"""

import tempfile
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet import keras  # run on Keras: import keras

EPOCHS = 60
START, FACTOR = 1e-4, 1.13
PASSES = 100

keras.utils.set_random_seed(0)
data = gn.datasets.load("moons")
rows = len(data.x) * 3 // 4
x, y = data.x[:rows], data.y[:rows]
validation = data.x[rows:], data.y[rows:]
print(f"{rows} training rows, {len(data.x) - rows} for validation, {len(data.x_test)} for the test")


class RangeTest(keras.callbacks.Callback):
    """Raise the learning rate after every batch, and record it with the loss."""

    def on_train_begin(self, logs=None):
        self.rates, self.losses = [], []

    def on_train_batch_end(self, batch, logs=None):
        rate = float(self.model.optimizer.learning_rate)
        self.rates.append(rate)
        self.losses.append(float(logs["loss"]))
        self.model.optimizer.learning_rate = rate * FACTOR


def build_network(rate):
    """Return a compiled network with dropout."""
    layers = [keras.layers.Input((2,))]
    for _ in range(2):
        layers += [keras.layers.Dense(32, activation="relu"), keras.layers.Dropout(0.2)]
    model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


search = RangeTest()
build_network(START).fit(x, y, batch_size=4, epochs=1, callbacks=[search], verbose=0)
print(f"{len(search.rates)} batches, learning rates {search.rates[0]:.0e}..{search.rates[-1]:.0e}")
lowest = int(np.argmin(search.losses))
rate = search.rates[lowest] / 10
print(
    f"lowest mean loss {search.losses[lowest]:.3f}, at {search.rates[lowest]:.3f}: use {rate:.3f}"
)

schedules = {
    "by the epoch": keras.callbacks.LearningRateScheduler(lambda epoch: rate * 0.95**epoch),
    "on a plateau": keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=4),
}
rates, accuracies = {}, {}
for name, schedule in schedules.items():
    stopping = keras.callbacks.EarlyStopping(patience=12, restore_best_weights=True)
    model = build_network(rate)
    options = {"validation_data": validation, "callbacks": [schedule, stopping], "verbose": 0}
    history = model.fit(x, y, batch_size=16, epochs=EPOCHS, **options)
    rates[name] = [float(value) for value in history.history["learning_rate"]]
    accuracies[name] = model.evaluate(data.x_test, data.y_test, verbose=0)[1]
    print(f"{name}: {len(rates[name])} epochs, rate {rates[name][-1]:.1e} in the last one")
    print(f"  test accuracy {accuracies[name]:.3f}")

with tempfile.TemporaryDirectory() as folder:
    model.save(Path(folder) / "moons.keras")
    loaded = keras.models.load_model(Path(folder) / "moons.keras")
output = model.predict(data.x_test, verbose=0)
difference = float(np.abs(loaded.predict(data.x_test, verbose=0) - output).max())
print(f"outputs of the saved and the loaded network differ by {difference:.1e}")

passes = np.stack([np.asarray(loaded(data.x_test, training=True)) for _ in range(PASSES)])
spread = passes.std(axis=0)[:, 0]
order = np.abs(output[:, 0] - 0.5).argsort()
doubtful, sure = spread[order[:10]].mean(), spread[order[10:]].mean()
print(
    f"{PASSES} answers with dropout: mean differs by {np.abs(passes.mean(0) - output).mean():.3f}"
)
print(f"spread {doubtful:.3f} in the ten rows nearest to 0.5, {sure:.3f} in the others")
