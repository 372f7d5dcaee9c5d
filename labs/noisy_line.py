"""A noisy line: the loss of three slopes, and gradient descent to the best line."""

import numpy as np

from glassnet import keras

keras.utils.set_random_seed(1)

SLOPE, OFFSET, NOISE = 2.0, 5.0, 3.0
rng = np.random.default_rng(1)
x = rng.uniform(0, 10, 200)
y = SLOPE * x + OFFSET + rng.normal(0, NOISE, 200)

model = keras.Sequential([keras.Input(shape=(1,)), keras.layers.Dense(1)])
model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.01), loss="mse", metrics=["mae"])

for w in (1.0, 2.0, 3.0):
    model.set_weights([np.array([[w]]), np.array([OFFSET])])
    print(f"y = {w:.0f} x + {OFFSET:.0f}: loss {model.evaluate(x, y, verbose=0)[0]:.2f}")

model.set_weights([np.array([[0.0]]), np.array([0.0])])
history = model.fit(x, y, batch_size=32, epochs=100, verbose=0)
w, b = (weights.item() for weights in model.layers[0].get_weights())
best_w, best_b = np.polyfit(x, y, 1)
loss, error = model.evaluate(x, y, verbose=0)
print(f"trained: y = {w:.2f} x + {b:.2f}, least squares: y = {best_w:.2f} x + {best_b:.2f}")
print(f"loss {loss:.2f}, mean error {error:.2f}, noise variance {NOISE**2:.0f}")
