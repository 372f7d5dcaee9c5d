"""The libraries that `run.py` compares, each used as its documentation shows.

`python peers.py NAME` runs one library in its own process. It answers each task on standard input
with a line of JSON.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np

ROWS, PIXELS, HIDDEN, CLASSES = 60_000, 784, 128, 10
FIRST_RUN = "glassnet-first-run"


class Glassnet:
    def __init__(self) -> None:
        import glassnet as gn

        self.gn, self.version = gn, f"Glassnet {gn.__version__}"

    def build(self, sizes: tuple[int, ...], rate: float, classes: bool) -> None:
        gn = self.gn
        *hidden, outputs = sizes[1:]
        layers = [gn.layers.Dense(units, activation="relu") for units in hidden]
        layers.append(gn.layers.Dense(outputs, activation="softmax" if classes else "linear"))
        self.model = gn.Sequential([gn.layers.Input(sizes[0]), *layers])
        self.model.compile(
            gn.optimizers.Adam(rate), "sparse_categorical_crossentropy" if classes else "mse"
        )

    def build_cnn(self) -> None:
        layers = self.gn.layers
        self.model = self.gn.Sequential([layers.Input((28, 28, 1)), *cnn_layers(layers)])
        self.model.compile("adam", "sparse_categorical_crossentropy")

    def fit(self, x: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> list[float]:
        return self.model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0).seconds

    def predict(self, x: np.ndarray) -> np.ndarray:
        return self.model.predict(x)


class GlassnetFirstRun(Glassnet):
    """Glassnet without the programs that earlier processes compiled."""

    def __init__(self) -> None:
        os.environ["GLASSNET_CACHE"] = "off"
        super().__init__()
        self.version += ", first run"


class ScikitLearn:
    def __init__(self) -> None:
        import sklearn
        from sklearn.neural_network import MLPClassifier, MLPRegressor

        self.version, self.kinds = (
            f"scikit-learn {sklearn.__version__}",
            (MLPRegressor, MLPClassifier),
        )

    def build(self, sizes: tuple[int, ...], rate: float, classes: bool) -> None:
        no_early_stopping = {
            "alpha": 0,
            "tol": 0,
            "n_iter_no_change": 1_000_000,
            "warm_start": True,
        }
        self.model = self.kinds[classes](
            hidden_layer_sizes=sizes[1:-1], learning_rate_init=rate, **no_early_stopping
        )

    def fit(self, x: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> list[float]:
        self.model.set_params(batch_size=min(batch, len(x)), max_iter=epochs)
        began = time.perf_counter()
        self.model.fit(x, y if y.ndim == 1 else y[:, 0])
        return [(time.perf_counter() - began) / epochs] * epochs

    def predict(self, x: np.ndarray) -> np.ndarray:
        return getattr(self.model, "predict_proba", self.model.predict)(x)


class PyTorch:
    def __init__(self) -> None:
        import torch

        self.torch, self.version = torch, f"PyTorch {torch.__version__}"

    def build(self, sizes: tuple[int, ...], rate: float, classes: bool) -> None:
        nn = self.torch.nn
        links = [
            link for a, b in itertools.pairwise(sizes) for link in (nn.Linear(a, b), nn.ReLU())
        ][:-1]
        self.model = nn.Sequential(*links)
        self.loss, self.head = (
            (nn.CrossEntropyLoss(), nn.Softmax(-1)) if classes else (nn.MSELoss(), nn.Identity())
        )
        self.optimizer = self.torch.optim.Adam(self.model.parameters(), lr=rate)

    def build_cnn(self) -> None:
        nn = self.torch.nn
        links = [
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
        ]
        self.model = nn.Sequential(*links, nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, CLASSES))
        self.loss, self.head = nn.CrossEntropyLoss(), nn.Softmax(-1)
        self.optimizer = self.torch.optim.Adam(self.model.parameters())

    def fit(self, x: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> list[float]:
        x, y = self.torch.from_numpy(x), self.torch.from_numpy(y)
        seconds = []
        for _ in range(epochs):
            began, total = time.perf_counter(), 0.0
            for rows in self.torch.randperm(len(x)).split(batch):
                self.optimizer.zero_grad()
                loss = self.loss(self.model(x[rows]), y[rows])
                loss.backward()
                self.optimizer.step()
                total += loss.detach()
            float(total)
            seconds.append(time.perf_counter() - began)
        return seconds

    def predict(self, x: np.ndarray) -> np.ndarray:
        with self.torch.inference_mode():
            return self.head(self.model(self.torch.from_numpy(x))).numpy()


class Keras:
    def __init__(self, backend: str) -> None:
        os.environ["KERAS_BACKEND"] = backend
        library = __import__(backend)
        import keras

        self.keras, self.version = (
            keras,
            f"Keras {keras.__version__} on {backend} {library.__version__}",
        )

    def build(self, sizes: tuple[int, ...], rate: float, classes: bool) -> None:
        keras = self.keras
        *hidden, outputs = sizes[1:]
        layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
        layers.append(keras.layers.Dense(outputs, activation="softmax" if classes else "linear"))
        self.model = keras.Sequential([keras.Input((sizes[0],)), *layers])
        self.model.compile(
            keras.optimizers.Adam(rate), "sparse_categorical_crossentropy" if classes else "mse"
        )

    def build_cnn(self) -> None:
        layers = self.keras.layers
        self.model = self.keras.Sequential([self.keras.Input((28, 28, 1)), *cnn_layers(layers)])
        self.model.compile("adam", "sparse_categorical_crossentropy")

    def fit(self, x: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> list[float]:
        ends = [time.perf_counter()]
        clock = self.keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter())
        )
        self.model.fit(x, y, batch_size=batch, epochs=epochs, verbose=0, callbacks=[clock])
        return np.diff(ends).tolist()

    def predict(self, x: np.ndarray) -> np.ndarray:
        # Keras recommends this for few rows: model.predict is 100 times slower.
        return np.asarray(self.model(x))


def cnn_layers(layers: Any) -> list[Any]:
    """Return the layers of the convolutional network, with the names of Keras."""
    stack = [
        layers.Conv2D(32, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
    ]
    return [
        *stack,
        layers.Flatten(),
        layers.Dense(128, activation="relu"),
        layers.Dense(CLASSES, activation="softmax"),
    ]


PEERS: dict[str, Callable[[], Any]] = {
    "glassnet": Glassnet,
    FIRST_RUN: GlassnetFirstRun,
    "scikit-learn": ScikitLearn,
    "keras-jax": lambda: Keras("jax"),
    "pytorch": PyTorch,
    "keras-tensorflow": lambda: Keras("tensorflow"),
}


def images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return random pixels in steps of 1/255 as float32, and random labels."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (rows, PIXELS), np.uint8).astype(np.float32) / np.float32(255)
    return x, rng.integers(0, CLASSES, rows)


def epoch(peer: Any, batch: int, rows: int) -> float:
    """Return the seconds of the second epoch of a fit; the first includes its preparation."""
    if not hasattr(peer, "images"):
        peer.images = images(rows)
        peer.build((PIXELS, HIDDEN, CLASSES), 1e-3, True)
    return peer.fit(*peer.images, batch, 2)[1]


def cnn(peer: Any, rows: int) -> float:
    """Return the seconds of the second epoch of the convolutional network, in batches of 32."""
    if not hasattr(peer, "squares"):
        x, y = images(rows)
        peer.squares = (
            x.reshape(rows, *((1, 28, 28) if isinstance(peer, PyTorch) else (28, 28, 1))),
            y,
        )
        peer.build_cnn()
    return peer.fit(*peer.squares, 32, 2)[1]


def cnn_cold(peer: Any) -> float:
    """Return the seconds of the first step of that network, including compilation."""
    began = time.perf_counter()
    cnn(peer, 32)
    return time.perf_counter() - began


def predict_one(peer: Any) -> float:
    """Return the seconds of the prediction of one row, the median over half a second of calls."""
    x = peer.images[0][:1]
    end, seconds = time.perf_counter() + 0.5, []
    while time.perf_counter() < end:
        began = time.perf_counter()
        peer.predict(x)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds)


def celsius(peer: Any) -> float:
    """Learn Fahrenheit from seven pairs and return the prediction for 100 degrees Celsius."""
    x = np.array([[-40], [-10], [0], [8], [15], [22], [38]], np.float32)
    y = np.array([[-40], [14], [32], [46], [59], [72], [100]], np.float32)
    peer.build((1, 1), 0.1, False)
    peer.fit(x, y, 32, 500)
    return peer.predict(np.array([[100]], np.float32)).item()


def fit_small(peer: Any, epochs: int) -> float:
    """Return the seconds of the first fit of a process: 8-16-16-1 on 800 rows."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((800, 8), np.float32)
    peer.build((8, 16, 16, 1), 1e-3, False)
    began = time.perf_counter()
    peer.fit(x, x.sum(1, keepdims=True), 32, epochs)
    return time.perf_counter() - began


def matmul(peer: Any) -> float:
    """Return the GFLOP/s of a large float32 matrix product in JAX, the best of five."""
    import jax
    import jax.numpy as jnp

    size, seconds = 2048, []
    a, product = jnp.ones((size, size)), jax.jit(jnp.matmul)
    for _ in range(6):
        began = time.perf_counter()
        product(a, a).block_until_ready()
        seconds.append(time.perf_counter() - began)
    return 2e-9 * size**3 / min(seconds)


TASKS = {
    task.__name__: task for task in (epoch, cnn, cnn_cold, predict_one, celsius, fit_small, matmul)
}


def serve(name: str) -> None:
    """Answer tasks until standard input ends.

    Output of the libraries goes to standard error, and an exception becomes the answer.
    """
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    try:
        peer = PEERS[name]()
        print(json.dumps({"answer": peer.version}), file=replies)
        for line in sys.stdin:
            task, *arguments = json.loads(line)
            print(json.dumps({"answer": TASKS[task](peer, *arguments)}), file=replies)
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": str(error)}), file=replies)
    except Exception:
        print(json.dumps({"error": traceback.format_exc()}), file=replies)


if __name__ == "__main__":
    serve(sys.argv[1])
