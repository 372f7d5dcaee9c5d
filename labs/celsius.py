"""Celsius to Fahrenheit: one neuron learns F = 1.8 C + 32 from seven pairs.

Three layers predict as well, but their weights show no formula.
"""

import numpy as np

from glassnet import keras

celsius = np.array([-40, -10, 0, 8, 15, 22, 38], dtype=float)
fahrenheit = np.array([-40, 14, 32, 46, 59, 72, 100], dtype=float)
EPOCHS = 500

keras.utils.set_random_seed(0)

# One layer with one neuron is a line.
layer = keras.layers.Dense(units=1, input_shape=[1])
model = keras.Sequential([layer])
model.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(0.1))
history = model.fit(celsius, fahrenheit, epochs=EPOCHS, verbose=False)
boiling = model.predict(np.array([100.0]), verbose=0)
slope, offset = model.layers[0].get_weights()
print(f"one layer: loss {history.history['loss'][0]:.1f} -> {history.history['loss'][-1]:.2f}")
print(f"  100 C is {boiling[0][0]:.1f} F; F = {slope[0][0]:.2f} C + {offset[0]:.2f}")

# With three layers, the weights no longer look like a formula.
deep = keras.Sequential()
deep.add(keras.layers.Dense(units=4, input_shape=[1]))
deep.add(keras.layers.Dense(units=4))
deep.add(keras.layers.Dense(units=1))
deep.compile(loss="mean_squared_error", optimizer=keras.optimizers.Adam(0.1))
deep_history = deep.fit(celsius, fahrenheit, epochs=EPOCHS, verbose=False)
deep_boiling = deep.predict(np.array([100.0]), verbose=0)
deep_loss = deep_history.history["loss"][-1]
print(f"three layers, {deep.count_params()} weights: loss {deep_loss:.2f}")
print(f"  100 C is {deep_boiling[0][0]:.1f} F")
for layer in deep.layers:
    print(f"  {layer.name}: {[weights.shape for weights in layer.get_weights()]}")
