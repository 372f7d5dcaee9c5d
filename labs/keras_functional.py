"""Tumours: Keras's functional style, with a skip connection and a wide branch.

A network classifies tumours as malignant or benign. Its deep branch has a skip connection. Its wide
branch takes the measurements straight to the output, so that their weights can be read.
"""

import numpy as np

import glassnet as gn
from glassnet import keras  # run on Keras: import keras

EPOCHS = 30

keras.utils.set_random_seed(0)
data = gn.datasets.load("breast_cancer")
print(f"{len(data.x)} training rows, {len(data.x_test)} test rows, {data.x.shape[1]} measurements")

normalization = keras.layers.Normalization(name="normalization")
normalization.adapt(data.x)
scaled = np.asarray(normalization(data.x))  # a layer is called on an array
print(f"measurements after normalization: mean {scaled.mean():.2f}, deviation {scaled.std():.2f}")

inputs = keras.Input(shape=(30,), name="measurements")
wide = normalization(inputs)
hidden = keras.layers.Dense(16, activation="relu", name="first")(wide)
refined = keras.layers.Dense(16, activation="relu", name="second")(hidden)
deep = keras.layers.Add()([hidden, refined])  # the skip connection
features = keras.layers.Concatenate(name="features")([wide, deep])
last = keras.layers.Dense(
    1, activation="sigmoid", kernel_initializer="zeros", kernel_regularizer="l2", name="last"
)
model = keras.Model(inputs, last(features), name="tumours")
print(f"{model.count_params()} weights, output {model.output_shape}")

# With a kernel of zeros, the output is the sigmoid of the bias: the share of class 1.
share = float(data.y.mean())
last.bias.assign([np.log(share / (1 - share))])
start = float(model(data.x[:1])[0, 0])
print(f"share of {data.class_names[1]} tumours {share:.3f}, output before training {start:.3f}")

model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
start_loss = model.evaluate(data.x, data.y, verbose=0)[0]
entropy = -share * np.log(share) - (1 - share) * np.log(1 - share)
print(f"loss before training {start_loss:.4f}, entropy of the share {entropy:.4f}")

model.fit(data.x, data.y, batch_size=32, epochs=EPOCHS, verbose=0)
accuracy = model.evaluate(data.x_test, data.y_test, verbose=0)[1]
print(f"test accuracy {accuracy:.3f}")

kernel = model.get_layer("last").kernel.numpy()[:, 0]
print("measurements with the largest weights in the wide branch:")
for i in np.abs(kernel[:30]).argsort()[::-1][:5]:
    print(f"  {kernel[i]:+.2f}  {data.feature_names[i]}")

extractor = keras.Model(model.input, model.get_layer("features").output)
by_hand = extractor.predict(data.x_test, verbose=0) @ kernel + last.bias.numpy()[0]
output = model.predict(data.x_test, verbose=0)[:, 0]
difference = float(np.abs(1 / (1 + np.exp(-by_hand)) - output).max())
print(f"features times kernel plus bias, then sigmoid: differs by {difference:.1e}")
