"""Clean runs on images."""

from __future__ import annotations

import numpy as np
from cases import Case, Parts
from clean_data import bundled, network, register, scaled_images

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    RandomTranslation,
    Rescaling,
    Residual,
)
from glassnet.optimizers import SGD, Adam, AdamW
from glassnet.schedules import OneCycle

CASES: list[Case] = []
image = register(CASES, "image")
PIXELS = Rescaling(1 / 255)


@image
def mnist_rescaling() -> Parts:
    x, y = bundled("mnist", 2000)
    model = network([PIXELS, Flatten(), Dense(64, "relu"), Dropout(0.2), Dense(10, "softmax")])
    return model, x, y, {"epochs": 12, "validation_split": 0.2}


@image
def mnist_convolutions() -> Parts:
    x, y = bundled("mnist", 1500, seed=1)
    layers = [PIXELS, Conv2D(8, 3, activation="relu"), MaxPooling2D(), Flatten()]
    layers = [gn.layers.Reshape((28, 28, 1)), *layers, Dense(10, "softmax")]
    return network(layers, Adam(0.003)), x, y, {"epochs": 6, "validation_split": 0.2}


@image
def mnist_odd_or_even() -> Parts:
    x, y = bundled("mnist", 1800, seed=2)
    layers = [PIXELS, Flatten(), Dense(32, "relu"), Dropout(0.3), Dense(1, "sigmoid")]
    model = network(layers, Adam(0.002), "binary_crossentropy")
    return model, x, y % 2, {"epochs": 10, "validation_split": 0.2}


@image
def mnist_wide_sgd() -> Parts:
    x, y = scaled_images("mnist", 2000, seed=3)
    model = network([Flatten(), Dense(512, "relu"), Dense(10, "softmax")], SGD(0.1))
    return model, x, y, {"epochs": 8, "batch_size": 64, "validation_split": 0.2}


@image
def mnist_moved_digits() -> Parts:
    x, y = scaled_images("mnist", 1200, seed=4)
    layers = [RandomTranslation(0.05, 0.05), Flatten(), Dense(64, "relu"), Dense(10, "softmax")]
    return network(layers, Adam(0.003)), x, y, {"epochs": 12, "validation_split": 0.2}


@image
def mnist_tanh_two_layers() -> Parts:
    x, y = scaled_images("mnist", 1500, seed=5)
    layers = [Flatten(), Dense(48, "tanh"), Dense(32, "tanh"), Dense(10, "softmax")]
    stop = EarlyStopping(patience=4)
    return network(layers), x, y, {"epochs": 25, "validation_split": 0.2, "callbacks": stop}


@image
def fashion_validation_data() -> Parts:
    x, y = scaled_images("fashion_mnist", 2000)
    model = network([Flatten(), Dense(64, "relu"), Dropout(0.3), Dense(10, "softmax")], Adam(0.002))
    options = {"validation_data": (x[1600:], y[1600:])}
    return model, x[:1600], y[:1600], {"epochs": 15, "batch_size": 64, **options}


@image
def fashion_batch_normalization() -> Parts:
    x, y = scaled_images("fashion_mnist", 2000, seed=1)
    layers = [Flatten(), Dense(64), BatchNormalization(momentum=0.9), Activation("relu")]
    layers = [*layers, Dropout(0.4), Dense(10, "softmax")]
    return network(layers, Adam(0.001)), x, y, {"epochs": 12, "validation_split": 0.2}


@image
def fashion_without_validation() -> Parts:
    x, y = scaled_images("fashion_mnist", 1500, seed=2)
    model = network([Flatten(), Dense(32, "relu"), Dense(10, "softmax")], Adam(0.002))
    return model, x, y, {"epochs": 10}


@image
def fashion_two_convolutions() -> Parts:
    x, y = scaled_images("fashion_mnist", 1000, seed=3)
    layers = [Conv2D(16, 5, strides=2, activation="relu"), BatchNormalization(momentum=0.9)]
    layers += [Conv2D(32, 3, strides=2, activation="relu"), MaxPooling2D(2, 1), Flatten()]
    layers += [Dropout(0.5), Dense(10, "softmax")]
    return network(layers, Adam(0.002)), x, y, {"epochs": 15, "validation_split": 0.2}


@image
def digits_momentum() -> Parts:
    x, y = scaled_images("digits")
    model = network([Flatten(), Dense(32, "relu"), Dense(10, "softmax")], SGD(0.05, momentum=0.9))
    return model, x, y, {"epochs": 15, "validation_split": 0.2}


@image
def digits_batch_8() -> Parts:
    x, y = scaled_images("digits", 1000, seed=1)
    layers = [Flatten(), Dense(96, "relu"), Dense(32, "relu"), Dense(10, "softmax")]
    return network(layers), x, y, {"epochs": 15, "batch_size": 8, "validation_split": 0.2}


@image
def digits_convolutions() -> Parts:
    x, y = scaled_images("digits", 1200, seed=2)
    layers = [Conv2D(12, 3, activation="relu"), MaxPooling2D(), Flatten(), Dense(10, "softmax")]
    return network(layers, Adam(0.01)), x, y, {"epochs": 12, "validation_split": 0.2}


@image
def digits_average_pooling() -> Parts:
    x, y = scaled_images("digits", 1400, seed=8)
    layers = [Conv2D(16, 3, padding="same", activation="relu"), MaxPooling2D()]
    layers += [Conv2D(48, 3, activation="relu"), GlobalAveragePooling2D(), Dense(10, "softmax")]
    return network(layers, Adam(0.01)), x, y, {"epochs": 20, "validation_split": 0.2}


@image
def digits_residual_convolutions() -> Parts:
    x, y = scaled_images("digits", 1200, seed=3)
    block = Residual(
        [Conv2D(8, 3, padding="same", activation="relu"), Conv2D(8, 3, padding="same")]
    )
    layers = [Conv2D(8, 3, padding="same", activation="relu"), block, Activation("relu"), Flatten()]
    model = network([*layers, Dense(10, "softmax")], Adam(0.003))
    return model, x, y, {"epochs": 8, "validation_split": 0.2}


@image
def digits_sigmoid() -> Parts:
    x, y = scaled_images("digits", seed=4)
    model = network([Flatten(), Dense(48, "sigmoid"), Dense(10, "softmax")], Adam(0.01))
    return model, x, y, {"epochs": 15, "validation_split": 0.25}


@image
def digits_rescaling() -> Parts:
    x, y = bundled("digits")
    layers = [Rescaling(1 / 16), Flatten(), Dense(48, "relu"), Dense(10, "softmax")]
    model = network(layers, Adam(0.003))
    return model, x, y, {"epochs": 15, "validation_split": 0.2}


@image
def digits_one_cycle() -> Parts:
    x, y = scaled_images("digits")
    rate = OneCycle(0.2, total_steps=12 * 45)
    model = network([Flatten(), Dense(32, "relu"), Dense(10, "softmax")], SGD(rate, momentum=0.9))
    return model, x, y, {"epochs": 12, "validation_split": 0.2}


@image
def digits_full_batch_weight_decay() -> Parts:
    x, y = scaled_images("digits", 1000, seed=5)
    model = network([Flatten(), Dense(48, "relu"), Dense(10, "softmax")], AdamW(0.01))
    return model, x, y, {"epochs": 60, "batch_size": "full", "validation_split": 0.2}


@image
def digits_autoencoder() -> Parts:
    x, _ = scaled_images("digits")
    rows = x.reshape(len(x), -1)
    model = network(
        [Dense(32, "relu"), Dense(16), Dense(32, "relu"), Dense(64)], Adam(0.003), "mse", ()
    )
    return model, rows, rows, {"epochs": 25, "validation_split": 0.2}


@image
def mnist_autoencoder_sigmoid() -> Parts:
    x, _ = scaled_images("mnist", 1500, seed=6)
    rows = x.reshape(len(x), -1)
    layers = [Dense(96, "relu"), Dense(24), Dense(96, "relu"), Dense(784, "sigmoid")]
    model = network(layers, Adam(0.005), "binary_crossentropy", ())
    return model, rows, rows, {"epochs": 20, "validation_split": 0.2}


@image
def digits_few_rows() -> Parts:
    x, y = scaled_images("digits", 300, seed=6)
    model = network([Flatten(), Dense(24, "relu"), Dropout(0.2), Dense(10, "softmax")], Adam(0.005))
    return model, x, y, {"epochs": 30, "batch_size": 16, "validation_split": 0.25}


@image
def digits_brightness() -> Parts:
    x, _ = scaled_images("digits", 1200, seed=7)
    y = np.sqrt(x[:, :4].mean((1, 2, 3))) * (1 + x[:, 4:].mean((1, 2, 3)))
    y = ((y - y.mean()) / y.std()).astype(np.float32)
    layers = [Conv2D(6, 3, activation="relu"), Flatten(), Dense(1)]
    model = network(layers, Adam(0.003), "mse", ["mae"])
    return model, x, y, {"epochs": 15, "validation_split": 0.2}
