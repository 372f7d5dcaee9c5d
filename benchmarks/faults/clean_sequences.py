"""Clean runs on series and texts."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases import Case, Parts
from clean_data import bundled, network, opinions, oscillation, register, topic_texts, waves

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    SimpleRNN,
    TextVectorization,
)
from glassnet.optimizers import Adam, RMSprop

CASES: list[Case] = []
sequence = register(CASES, "sequence")
BINARY = "binary_crossentropy"


def _monthly(years: int, seed: int) -> Any:
    """Return a generated monthly series with a trend, a season and correlated noise."""
    import pandas

    rng = np.random.default_rng(seed)
    t = np.arange(12 * years)
    noise = np.zeros(len(t))
    for i in range(1, len(t)):
        noise[i] = 0.8 * noise[i - 1] + rng.normal()
    values = 100 + 0.3 * t + 10 * np.sin(2 * np.pi * t / 12) + 3 * noise
    months = pandas.period_range("1990-01", periods=len(t), freq="M").astype(str)
    return pandas.DataFrame({"month": months, "sold": values})


@sequence
def flights_dense() -> Parts:
    table = gn.datasets.load("flights").frame
    options: dict[str, Any] = {"season": 1, "length": 13, "transform": "log"}
    series = gn.data.series(table, "passengers", time="month", **options)
    model = network([Flatten(), Dense(16, "tanh"), Dense(1)], Adam(0.003), "mse", ())
    return model, series, None, {"epochs": 80, "batch_size": 16, "validation_split": 0.2}


@sequence
def months_dense() -> Parts:
    series = gn.data.series(_monthly(50, 1), "sold", time="month", length=12)
    model = network([Flatten(), Dense(12, "tanh"), Dense(1)], Adam(0.003), "mse", ["mae"])
    return model, series, None, {"epochs": 30, "validation_split": 0.2}


@sequence
def months_gru_horizon() -> Parts:
    series = gn.data.series(_monthly(40, 2), "sold", time="month", length=12, horizon=3)
    model = network([GRU(8), Dense(3)], Adam(0.005), "mse", ())
    return model, series, None, {"epochs": 20}


@sequence
def oscillation_windows_dense() -> Parts:
    x, y = gn.data.windows(oscillation(1200, 1.0, 1), length=10)
    model = network([Flatten(), Dense(16, "tanh"), Dense(1)], Adam(0.005), "mse", ["mae"])
    options = {"validation_split": 0.2, "validation_from": "end"}
    return model, x, y, {"epochs": 20, **options}


@sequence
def oscillation_rnn() -> Parts:
    x, y = gn.data.windows(oscillation(900, 1.0, 2), length=8)
    model = network([SimpleRNN(12), Dense(1)], Adam(0.01), "mse", ())
    return model, x, y, {"epochs": 20, "validation_split": 0.2, "validation_from": "end"}


@sequence
def oscillation_gru() -> Parts:
    x, y = gn.data.windows(oscillation(900, 1.0, 3), length=12)
    model = network([GRU(12), Dense(1)], Adam(0.01), "mse", ())
    options = {"validation_split": 0.2, "validation_from": "end"}
    return model, x, y, {"epochs": 15, "batch_size": 64, **options}


@sequence
def waves_gru() -> Parts:
    x, y = waves(1000, 24, 0.3, seed=1)
    model = network([GRU(20), Dense(3, "softmax")], Adam(0.01))
    return model, x, y, {"epochs": 15, "validation_split": 0.2}


@sequence
def waves_lstm_rmsprop() -> Parts:
    x, y = waves(1000, 24, 0.2, seed=2)
    model = network([LSTM(20), Dense(3, "softmax")], RMSprop(0.005))
    return model, x, y, {"epochs": 20, "validation_split": 0.2}


@sequence
def waves_convolutions() -> Parts:
    x, y = waves(1200, 32, 0.3, seed=3)
    layers = [Conv1D(16, 5, activation="relu"), GlobalMaxPooling1D(), Dense(3, "softmax")]
    return network(layers, Adam(0.005)), x, y, {"epochs": 20, "validation_split": 0.2}


@sequence
def reviews_bidirectional() -> Parts:
    x, y = bundled("reviews")
    text = TextVectorization().adapt(x)
    words = len(text.get_vocabulary())
    layers = [text, Embedding(words, 12, mask_zero=True), Bidirectional(LSTM(10))]
    model = network([*layers, Dense(1, "sigmoid")], Adam(0.01), BINARY)
    return model, x, y, {"epochs": 6, "validation_split": 0.2}


@sequence
def topics_average() -> Parts:
    x, y = topic_texts(1200, seed=1)
    text = TextVectorization(output_sequence_length=14).adapt(x)
    words = len(text.get_vocabulary())
    layers = [text, Embedding(words, 8, mask_zero=True), GlobalAveragePooling1D()]
    model = network([*layers, Dense(4, "softmax")], Adam(0.005))
    return model, x, y, {"epochs": 12, "validation_split": 0.2}


@sequence
def topics_large_vocabulary() -> Parts:
    x, y = topic_texts(1500, seed=2, words=20)
    rng = np.random.default_rng(2)
    rare = [f"word{k}" for k in range(3000)]
    x = np.array([f"{text} {rng.choice(rare)} {rng.choice(rare)}" for text in x])
    text = TextVectorization(output_sequence_length=22).adapt(x)
    words = len(text.get_vocabulary())
    layers = [text, Embedding(words, 16), GlobalAveragePooling1D(), Dropout(0.3)]
    model = network([*layers, Dense(4, "softmax")], Adam(0.01))
    stop = EarlyStopping(patience=3)
    return model, x, y, {"epochs": 20, "validation_split": 0.2, "callbacks": stop}


@sequence
def topics_tf_idf() -> Parts:
    x, y = topic_texts(1000, seed=3)
    text = TextVectorization(output_mode="tf_idf").adapt(x)
    model = network([text, Dense(16, "relu"), Dropout(0.4), Dense(4, "softmax")], Adam(0.003))
    return model, x, y, {"epochs": 12, "validation_split": 0.2}


@sequence
def opinions_words() -> Parts:
    x, y = opinions(1000, seed=4)
    text = TextVectorization(output_mode="multi_hot").adapt(x)
    model = network([text, Dense(1, "sigmoid")], Adam(0.02), BINARY)
    return model, x, y, {"epochs": 12, "validation_split": 0.2}


@sequence
def opinions_gru() -> Parts:
    x, y = opinions(1200, seed=5, mistaken=0.1)
    text = TextVectorization(output_sequence_length=12).adapt(x)
    words = len(text.get_vocabulary())
    layers = [text, Embedding(words, 8, mask_zero=True), GRU(8), Dense(1, "sigmoid")]
    return network(layers, Adam(0.01), BINARY), x, y, {"epochs": 8, "validation_split": 0.2}


@sequence
def opinions_few_texts() -> Parts:
    x, y = opinions(350, seed=6, mistaken=0.2)
    text = TextVectorization(output_sequence_length=12).adapt(x)
    words = len(text.get_vocabulary())
    layers = [text, Embedding(words, 4, mask_zero=True), GlobalAveragePooling1D()]
    model = network([*layers, Dense(1, "sigmoid")], Adam(0.01), BINARY)
    stop = EarlyStopping(patience=4)
    return model, x, y, {"epochs": 40, "validation_split": 0.25, "callbacks": stop}
