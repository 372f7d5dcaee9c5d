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


class Jax:
    """A training loop as one would write it for this network alone: Adam, and no checks."""

    def __init__(self) -> None:
        import jax

        self.jax, self.version = jax, f"JAX {jax.__version__}, a loop written by hand"

    def build(self, sizes: tuple[int, ...], rate: float, classes: bool) -> None:
        if not classes or len(sizes) != 3:
            raise NotImplementedError("one network alone")
        rng = np.random.default_rng(0)
        params = [
            part
            for a, b in itertools.pairwise(sizes)
            for part in (
                rng.uniform(-1, 1, (a, b)).astype(np.float32) * (6 / (a + b)) ** 0.5,
                np.zeros(b, np.float32),
            )
        ]
        zeros = [np.zeros_like(part) for part in params]
        self.state = self.jax.device_put((params, zeros, zeros, np.int32(0)))
        self.run_epoch = self.jax.jit(make_jax_epoch(rate), static_argnums=4)
        self.rng = rng

    def fit(self, x: np.ndarray, y: np.ndarray, batch: int, epochs: int) -> list[float]:
        seconds = []
        x, y = self.jax.device_put((x, y))
        for _ in range(epochs):
            began = time.perf_counter()
            order = np.resize(self.rng.permutation(len(x)), -(-len(x) // batch) * batch)
            self.state, loss = self.run_epoch(self.state, x, y, order, batch)
            float(loss)
            seconds.append(time.perf_counter() - began)
        return seconds

    def predict(self, x: np.ndarray) -> np.ndarray:
        if not hasattr(self, "network"):
            self.network = self.jax.jit(
                lambda params, x: self.jax.nn.softmax(jax_logits(params, x))
            )
        return np.asarray(self.network(self.state[0], x))


def jax_logits(params: list[Any], x: Any) -> Any:
    """Return the logits of a network with one hidden layer."""
    kernel_1, bias_1, kernel_2, bias_2 = params
    return (x @ kernel_1 + bias_1).clip(0) @ kernel_2 + bias_2


def make_jax_epoch(rate: float) -> Callable[..., Any]:
    """Return the function of one epoch: the state after it, and the mean loss."""
    import jax
    import jax.numpy as jnp

    def mean_loss(params: Any, x: Any, y: Any) -> Any:
        z = jax_logits(params, x)
        return (jax.nn.logsumexp(z, axis=1) - jnp.take_along_axis(z, y[:, None], 1)[:, 0]).mean()

    def adam(part: Any, mean: Any, square: Any, grad: Any, t: Any) -> tuple[Any, Any, Any]:
        mean, square = 0.9 * mean + 0.1 * grad, 0.999 * square + 0.001 * grad**2
        scale = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        return part - scale * mean / (jnp.sqrt(square) + 1e-7), mean, square

    def run_epoch(state: Any, x: Any, y: Any, order: Any, batch: int) -> tuple[Any, Any]:
        steps = len(order) // batch

        def step(i: Any, loop_state: Any) -> Any:
            (params, means, squares, t), total = loop_state
            rows = jax.lax.dynamic_slice(order, (i * batch,), (batch,))
            loss, grads = jax.value_and_grad(mean_loss)(params, x[rows], y[rows])
            updates = [
                adam(*each, t + 1.0) for each in zip(params, means, squares, grads, strict=True)
            ]
            params, means, squares = (list(parts) for parts in zip(*updates, strict=True))
            return (params, means, squares, t + 1), total + loss

        state, total = jax.lax.fori_loop(0, steps, step, (state, 0.0))
        return state, total / steps

    return run_epoch


class Keras:
    def __init__(self, backend: str, steps_per_execution: int = 1) -> None:
        os.environ["KERAS_BACKEND"] = backend
        library = __import__(backend)
        import keras

        name = f"Keras {keras.__version__} on {backend} {library.__version__}"
        self.keras, self.steps_per_execution = keras, steps_per_execution
        self.version = name + (
            f", {steps_per_execution} steps per execution" if steps_per_execution > 1 else ""
        )

    def build(self, sizes: tuple[int, ...], rate: float, classes: bool) -> None:
        keras = self.keras
        *hidden, outputs = sizes[1:]
        layers = [keras.layers.Dense(units, activation="relu") for units in hidden]
        layers.append(keras.layers.Dense(outputs, activation="softmax" if classes else "linear"))
        self.model = keras.Sequential([keras.Input((sizes[0],)), *layers])
        self.model.compile(
            keras.optimizers.Adam(rate),
            "sparse_categorical_crossentropy" if classes else "mse",
            steps_per_execution=self.steps_per_execution,
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
    "keras-jax-50": lambda: Keras("jax", steps_per_execution=50),
    "jax": Jax,
}

CALLS_ONLY = ("keras-jax-50", "jax")
"""Peers of whole calls of `fit` only."""

TRANSFERS = {
    "glassnet": "checks the rows and copies them to the device in every call",
    "scikit-learn": "checks the rows in every call; there is no device",
    "keras-jax": "copies each batch to the device",
    "pytorch": "uses the NumPy array's memory: no transfer, no check",
    "keras-tensorflow": "copies the rows into a tf.data pipeline in every call",
    "keras-jax-50": "copies 50 batches at a time to the device",
    "jax": "copies the rows to the device in every call; no check",
}
"""What a whole call's time contains beside training."""


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


def call(peer: Any, batch: int, rows: int, epochs: int) -> float:
    """Return the seconds of a whole call of `fit`, from the NumPy arrays to the trained model."""
    if not hasattr(peer, "images"):
        peer.images = images(rows)
        peer.build((PIXELS, HIDDEN, CLASSES), 1e-3, True)
    began = time.perf_counter()
    peer.fit(*peer.images, batch, epochs)
    return time.perf_counter() - began


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
    task.__name__: task
    for task in (epoch, call, cnn, cnn_cold, predict_one, celsius, fit_small, matmul)
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
