"""Clean runs of other data, networks and seeds than `clean.py`, on which no rule is ever tuned.

They are judged once, after the rules are finished. The same requirements hold:
`python benchmarks/faults/verify_clean.py --unseen`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import Case, Parts
from clean_data import bundled, clouds, network, register, scaled_images, standardize, waves

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.layers import (
    GRU,
    LSTM,
    AlphaDropout,
    AveragePooling2D,
    Bidirectional,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GaussianNoise,
    LayerNormalization,
    Maxout,
    MaxPooling2D,
    Normalization,
    RandomFlip,
    Rescaling,
    Reshape,
    Residual,
    TextVectorization,
)
from glassnet.optimizers import SGD, Adagrad, Adam, AdamW, Nadam, RMSprop
from glassnet.schedules import CosineDecay, InverseTimeDecay, Warmup

UNSEEN: list[Case] = []
table, image, sequence = (register(UNSEEN, kind) for kind in ("table", "image", "sequence"))
BINARY = "binary_crossentropy"


def _rings(rows: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return three rings around each other."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 3, rows)
    angle = rng.uniform(0, 2 * np.pi, rows)
    radius = 1 + label + noise * rng.normal(size=rows)
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    return x.astype(np.float32), label.astype(np.int64)


def _bumps(rows: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth surface over the plane with noise."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (rows, 2))
    y = np.sin(3 * x[:, 0]) * np.cos(2 * x[:, 1]) + x[:, 1] + noise * rng.normal(size=rows)
    return x.astype(np.float32), y.astype(np.float32)


def _steps(rows: int, columns: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a sum of products and absolute values of some columns."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns))
    y = np.abs(x[:, 0]) - x[:, 1] * x[:, 2] + 0.5 * x[:, 3] + 0.4 * rng.normal(size=rows)
    return x.astype(np.float32), standardize(y)


@table
def rings_silu() -> Parts:
    x, y = _rings(900, 0.2, seed=101)
    model = network([Dense(32, "silu"), Dense(3, "softmax")], Nadam(0.01))
    return model, x, y, {"epochs": 40, "validation_split": 0.2}


@table
def rings_that_touch() -> Parts:
    x, y = _rings(1500, 0.45, seed=102)
    model = network([Dense(32, "relu"), Dense(16, "relu"), Dense(3, "softmax")], Adam(0.005))
    return model, x, y, {"epochs": 30, "batch_size": 64, "validation_split": 0.25}


@table
def spiral_with_noise() -> Parts:
    data = gn.datasets.load("spiral", n=900, noise=0.08, seed=7)
    model = network([Dense(64, "tanh"), Dense(32, "tanh"), Dense(3, "softmax")], RMSprop(0.003))
    return model, data.x, data.y, {"epochs": 60, "validation_split": 0.2}


@table
def bumps_sgd() -> Parts:
    x, y = _bumps(1000, 0.2, seed=103)
    layers = [Dense(32, "tanh"), Dense(16, "tanh"), Dense(1)]
    model = network(layers, SGD(0.1, momentum=0.9), "mse", ["mae"])
    return model, x, y, {"epochs": 80, "validation_split": 0.2}


@table
def bumps_few_rows() -> Parts:
    x, y = _bumps(200, 0.3, seed=104)
    hidden = Dense(24, "relu", kernel_regularizer=gn.regularizers.L2(0.002))
    model = network([hidden, Dense(1)], Adam(0.01), "mse", ())
    return model, x, y, {"epochs": 60, "batch_size": 16, "validation_split": 0.2}


@table
def bumps_thousands() -> Parts:
    import pandas

    x, y = _bumps(1000, 0.2, seed=105)
    rows = pandas.DataFrame({"east": x[:, 0] * 50, "north": x[:, 1] * 80, "price": 4000 + 900 * y})
    model = network([Dense(32, "relu"), Dense(16, "relu"), Dense(1)], Adam(0.005), "mse", ["mae"])
    return model, rows, None, {"epochs": 40, "target": "price", "validation_split": 0.2}


@table
def steps_log_cosh() -> Parts:
    x, y = _steps(1600, 8, seed=106)
    model = network([Dense(48, "relu"), Dense(24, "relu"), Dense(1)], Adam(0.003), "log_cosh", ())
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def steps_residual() -> Parts:
    x, y = _steps(1600, 6, seed=107)
    blocks = [Residual([Dense(32, "relu"), Dense(32)]) for _ in range(2)]
    rate = CosineDecay(0.005, decay_steps=25 * 40)
    model = network([Dense(32), *blocks, LayerNormalization(), Dense(1)], AdamW(rate), "mse", ())
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def steps_gaussian_noise() -> Parts:
    x, y = _steps(1400, 6, seed=108)
    layers = [GaussianNoise(0.1), Dense(64, "relu"), Dropout(0.1), Dense(1)]
    model = network(layers, Adam(0.003), "mae", ())
    return model, x, y, {"epochs": 30, "validation_split": 0.2}


@table
def clouds_adagrad() -> Parts:
    x, y = clouds(1400, 14, 5, 0.9, seed=109)
    model = network([Dense(48, "relu"), Dense(5, "softmax")], Adagrad(0.1))
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@table
def clouds_selu_alpha_dropout() -> Parts:
    x, y = clouds(1400, 12, 4, 0.9, seed=110)
    layers = [Dense(48, "selu", kernel_initializer="lecun_normal"), AlphaDropout(0.1)]
    model = network([*layers, Dense(4, "softmax")], SGD(InverseTimeDecay(0.1, 400, 1.0)))
    return model, x, y, {"epochs": 25, "validation_split": 0.2}


@table
def clouds_maxout_batch_128() -> Parts:
    x, y = clouds(1800, 10, 2, 1.1, seed=111)
    model = network([Maxout(12, 3), Dense(1, "sigmoid")], Adam(0.005), BINARY)
    return model, x, y, {"epochs": 30, "batch_size": 128, "validation_split": 0.2}


@table
def clouds_focal_one_in_ten() -> Parts:
    x, y = clouds(2000, 8, 10, 0.6, seed=112)
    layers = [Dense(32, "gelu"), Dense(1, "sigmoid")]
    model = network(layers, Adam(0.005), BINARY)
    return model, x, (y == 0).astype(np.int64), {"epochs": 30, "validation_split": 0.2}


@table
def clouds_many_classes() -> Parts:
    x, y = clouds(2000, 16, 12, 0.9, seed=113)
    model = network([Dense(192, "relu"), Dropout(0.4), Dense(12, "softmax")], Adam(0.003))
    return model, x, y, {"epochs": 30, "validation_split": 0.2}


@table
def wine_momentum() -> Parts:
    x, y = bundled("wine")
    layers = [Normalization(), Dense(12, "tanh"), Dense(3, "softmax")]
    model = network(layers, SGD(0.02, momentum=0.9))
    return model, x, y, {"epochs": 25, "batch_size": 16, "validation_split": 0.2}


@table
def cancer_one_layer() -> Parts:
    x, y = bundled("breast_cancer")
    penalty = gn.regularizers.L2(0.002)
    layers = [Normalization(), Dense(1, "sigmoid", kernel_regularizer=penalty)]
    model = network(layers, Adam(0.01), BINARY)
    return model, x, y, {"epochs": 30, "validation_split": 0.25}


@table
def titanic_four_columns() -> Parts:
    rows = gn.datasets.load("titanic").frame[["survived", "sex", "pclass", "age", "fare"]]
    rate = Warmup(0.003, warmup_steps=60)
    model = network([Dense(16, "elu"), Dense(1, "sigmoid")], Adam(rate), BINARY)
    return model, rows, None, {"epochs": 30, "target": "survived", "validation_split": 0.3}


@table
def houses_huber() -> Parts:
    columns = ["OverallQual", "GrLivArea", "YearBuilt", "LotArea", "TotalBsmtSF", "SalePrice"]
    rows = gn.datasets.load("house_prices").frame[columns]
    model = network([Dense(32, "relu"), Dense(16, "relu"), Dense(1)], Adam(0.003), "mae", ())
    stop = EarlyStopping(patience=8)
    options = {"target": "SalePrice", "validation_split": 0.25, "callbacks": stop}
    return model, rows, None, {"epochs": 50, **options}


@image
def mnist_three_classes() -> Parts:
    x, y = scaled_images("mnist", 4000, seed=114)
    rows = y < 3
    layers = [Flatten(), Dense(32, "gelu"), Dense(3, "softmax")]
    return network(layers, AdamW(0.002)), x[rows], y[rows], {"epochs": 8, "validation_split": 0.2}


@image
def mnist_two_pools() -> Parts:
    x, y = bundled("mnist", 1500, seed=115)
    layers = [Reshape((28, 28, 1)), Rescaling(1 / 255), AveragePooling2D(2)]
    layers += [Conv2D(16, 3, activation="relu"), MaxPooling2D(), Flatten(), Dropout(0.2)]
    model = network([*layers, Dense(10, "softmax")], Adam(0.005))
    return model, x, y, {"epochs": 10, "validation_split": 0.2}


@image
def mnist_full_batch() -> Parts:
    x, y = scaled_images("mnist", 1500, seed=116)
    model = network([Flatten(), Dense(48, "relu"), Dense(10, "softmax")], Adam(0.01))
    return model, x, y, {"epochs": 40, "batch_size": "full", "validation_split": 0.2}


@image
def fashion_flipped() -> Parts:
    x, y = scaled_images("fashion_mnist", 1800, seed=117)
    layers = [RandomFlip("horizontal"), Flatten(), Dense(96, "relu"), Dropout(0.2)]
    model = network([*layers, Dense(10, "softmax")], Adam(0.001))
    return model, x, y, {"epochs": 15, "validation_split": 0.2}


@image
def fashion_shoes_or_not() -> Parts:
    x, y = scaled_images("fashion_mnist", 1500, seed=118)
    is_shoe = np.isin(y, (5, 7, 9)).astype(np.int64)
    model = network([Flatten(), Dense(24, "relu"), Dense(1, "sigmoid")], Adam(0.001), BINARY)
    return model, x, is_shoe, {"epochs": 8, "validation_split": 0.2}


@image
def digits_maxout_rmsprop() -> Parts:
    x, y = scaled_images("digits", 1500, seed=119)
    model = network([Flatten(), Maxout(24, 2), Dense(10, "softmax")], RMSprop(0.002))
    return model, x, y, {"epochs": 20, "validation_split": 0.25}


@image
def digits_as_rows_of_pixels() -> Parts:
    x, y = scaled_images("digits", 1500, seed=120)
    model = network([Reshape((8, 8)), GRU(32), Dense(10, "softmax")], Adam(0.01))
    return model, x, y, {"epochs": 15, "validation_split": 0.2}


@image
def digits_autoencoder_tanh() -> Parts:
    x, _ = scaled_images("digits", 1500, seed=121)
    rows = x.reshape(len(x), -1)
    layers = [GaussianNoise(0.05), Dense(48, "relu"), Dense(12), Dense(48, "relu"), Dense(64)]
    return network(layers, Adam(0.005), "mse", ()), rows, rows, {"epochs": 30}


@sequence
def waves_bidirectional() -> Parts:
    x, y = waves(1000, 20, 0.15, seed=122)
    model = network([Bidirectional(GRU(12)), Dense(3, "softmax")], Adam(0.01))
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@sequence
def hourly_load() -> Parts:
    rng = np.random.default_rng(123)
    t = np.arange(1500)
    noise = np.convolve(rng.normal(size=len(t) + 5), np.ones(6) / 6, "valid")
    values = 5 + np.sin(2 * np.pi * t / 24) * (1 + 0.3 * np.sin(2 * np.pi * t / 168)) + 0.3 * noise
    x, y = gn.data.windows(values - 5, length=24)
    layers = [Conv1D(12, 5, activation="relu"), Flatten(), Dense(1)]
    options: dict[str, Any] = {"validation_split": 0.2, "validation_from": "end"}
    return network(layers, Adam(0.002), "mse", ()), x, y, {"epochs": 20, **options}


@sequence
def first_or_last_word() -> Parts:
    rng = np.random.default_rng(124)
    words = np.array(["red", "green", "blue", "black", "white", "brown", "grey", "pink"])
    chosen = rng.integers(0, 8, (1200, 7))
    x = np.array([" ".join(words[row]) for row in chosen])
    y = (chosen[:, 0] < 4).astype(np.int64)
    text = TextVectorization(output_sequence_length=7).adapt(x)
    layers = [text, Embedding(10, 8), LSTM(16), Dense(1, "sigmoid")]
    return network(layers, Adam(0.01), BINARY), x, y, {"epochs": 15, "validation_split": 0.2}


@sequence
def languages_by_letters() -> Parts:
    rng = np.random.default_rng(125)
    syllables = [["ka", "to", "mi", "ro", "su", "ne"], ["sch", "ung", "ein", "lich", "ter", "ver"]]
    syllables.append(["eau", "ion", "que", "ette", "ois", "ment"])
    y = rng.integers(0, 3, 1500)
    shared = ["an", "on", "is", "ra", "la", "de"]
    is_shared = rng.uniform(size=(1500, 8)) < 0.75
    place = rng.integers(0, 6, (1500, 8))
    x = np.array(
        [
            "".join((shared if own else syllables[k])[i] for own, i in zip(*row, strict=True))
            for k, *row in zip(y, is_shared, place, strict=True)
        ]
    )
    text = TextVectorization(split="character", ngrams=2, output_mode="count").adapt(x)
    model = network([text, Dense(24, "relu"), Dropout(0.3), Dense(3, "softmax")], Adam(0.003))
    return model, x, y.astype(np.int64), {"epochs": 15, "validation_split": 0.2}
