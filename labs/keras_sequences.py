"""Sequences of any length in Keras's style: passengers by month, and reviews word by word.

A GRU with `Input((None, 1))` is trained on windows of two years. It also forecasts from longer and
shorter histories. An LSTM reads reviews that are padded to the longest one, or not padded at all.
"""

import numpy as np

import glassnet as gn
from glassnet import keras  # run on Keras: import keras

WINDOW = 24
EPOCHS = 40

keras.utils.set_random_seed(0)

# Passengers: the logarithm, compared with the same month of the year before.
passengers = gn.datasets.load("flights").frame["passengers"].to_numpy()
growth = np.log(passengers[12:] / passengers[:-12]).astype("float32")
train = growth[: -2 * WINDOW]
windows = keras.utils.timeseries_dataset_from_array(
    train[:, None], targets=train[WINDOW:], sequence_length=WINDOW, batch_size=16
)
shapes = [(batch.shape, target.shape) for batch, target in windows]
print(f"{len(train)} months: {len(shapes)} batches of windows, the first {shapes[0][0]}")

inputs = keras.Input(shape=(None, 1))
outputs = keras.layers.Dense(1)(keras.layers.GRU(8)(inputs))
forecaster = keras.Model(inputs, outputs)
forecaster.compile(keras.optimizers.Adam(0.01), "mse")
history = forecaster.fit(windows, epochs=EPOCHS, verbose=0)
losses = history.history["loss"]
print(f"loss {losses[0]:.5f} in the first epoch, {losses[-1]:.5f} in the last one")

forecasts = {}
for months in (12, WINDOW, 60):
    past = growth[None, -months - 1 : -1, None]
    forecasts[months] = float(forecaster.predict(past, verbose=0)[0, 0])
    estimate = passengers[-13] * np.exp(forecasts[months])
    print(f"from {months} months: {estimate:.0f} thousand passengers, truth {passengers[-1]}")

# Reviews: word order decides, and every review has its own length.
reviews = gn.datasets.load("reviews")


def split(text: str) -> list[str]:
    """Return the words of a review in lower case, without punctuation."""
    return "".join(c for c in text.lower() if c.isalpha() or c == " ").split()


numbers = {word: i for i, word in enumerate(sorted({w for t in reviews.x for w in split(t)}), 1)}


def encode(texts: np.ndarray) -> list[list[int]]:
    """Return the number of each word; unknown words are left out."""
    return [[numbers[word] for word in split(text) if word in numbers] for text in texts]


x, x_test = (
    keras.utils.pad_sequences(encode(t), padding="post") for t in (reviews.x, reviews.x_test)
)
print(f"{len(numbers)} words; training reviews {x.shape}, test reviews {x_test.shape}")

tokens = keras.Input(shape=(None,), dtype="int64")
vectors = keras.layers.Embedding(len(numbers) + 1, 16, mask_zero=True)(tokens)
memory = keras.layers.Bidirectional(keras.layers.LSTM(16))(vectors)
reader = keras.Model(tokens, keras.layers.Dense(1, activation="sigmoid")(memory))
reader.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
reader.fit(x, reviews.y, batch_size=32, epochs=8, verbose=0)
accuracy = reader.evaluate(x_test, reviews.y_test, verbose=0)[1]
print(f"test accuracy {accuracy:.3f}")

difference = 0.0
padded = reader.predict(x_test[:20], verbose=0)[:, 0]
for row, probability in zip(encode(reviews.x_test[:20]), padded, strict=True):
    alone = reader.predict(np.array([row]), verbose=0)[0, 0]
    difference = max(difference, abs(float(alone - probability)))
print(f"a review alone and padded with zeros: outputs differ by {difference:.1e}")
