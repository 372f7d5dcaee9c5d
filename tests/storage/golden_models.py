"""Models of the golden files; `python tests/storage/golden_models.py` writes the files again.

The files were written by release 0.1.0 and must load in every later release. Write them again only
together with a new file format.
"""

import datetime
import sys
from pathlib import Path

import numpy as np

import glassnet as gn
from glassnet.callbacks import EarlyStopping, ReduceLROnPlateau
from glassnet.layers import (
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    Normalization,
    Parallel,
    Rescaling,
    Residual,
    TextVectorization,
)
from glassnet.optimizers import SGD, Adam, AdamW, Nadam, RMSprop
from glassnet.schedules import CosineDecay, Warmup

FOLDER = Path(__file__).parent / "golden"
ROWS = 24
"""Number of examples of each model."""

X = np.random.default_rng(1).normal(size=(ROWS, 3)).astype(np.float32)
Y = np.arange(ROWS) % 3
TEXTS = ["a good film", "a bad film", "good and new", "bad and old"] * 6


def frame():
    """Return a table with missing numbers, booleans, a category, dates, an id and two targets."""
    rng = np.random.default_rng(2)
    day = datetime.date(2024, 1, 31)
    rows = [
        {
            "id": f"row {i}",
            "size": None if i % 5 == 0 else float(np.round(rng.normal(50, 9), 1)),
            "sold": bool(i % 2),
            "color": ("red", "green", "blue")[i % 3],
            "built": (day + datetime.timedelta(days=40 * i)).isoformat(),
            "kind": ("flat", "house")[(i // 3) % 2],
            "price": float(np.round(np.exp(rng.normal(5, 0.4)), 2)),
        }
        for i in range(ROWS)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]}


def without(table, *names):
    """Return the table without the named columns."""
    return {name: column for name, column in table.items() if name not in names}


def series():
    """Return five years of months with a trend and a season."""
    months = [f"{2015 + i // 12}-{i % 12 + 1:02d}" for i in range(60)]
    sold = (
        100
        + np.arange(60)
        + 20 * np.sin(np.arange(60) * np.pi / 6)
        + np.random.default_rng(3).normal(0, 3, 60)
    )
    return gn.data.series(
        {"month": months, "sold": np.round(sold, 1)},
        "sold",
        time="month",
        horizon=6,
        length=5,
        transform="log",
    )


def images(folder):
    """Write eight images of each of two classes and return the dataset."""
    from PIL import Image

    rng = np.random.default_rng(4)
    for name, color in (("cat", (250, 20, 20)), ("dog", (20, 20, 250))):
        (folder / name).mkdir(parents=True)
        for i in range(8):
            pixels = np.clip(np.array(color) + rng.integers(-20, 20, (6, 5, 3)), 0, 255).astype(
                np.uint8
            )
            Image.fromarray(pixels).save(folder / name / f"{i}.png")
    return gn.data.images_from_folder(folder, (6, 5))


def array_model(folder):
    """Fit nested layers with statistics, a schedule, a metric with settings and AdamW."""
    layers = [
        Normalization(),
        Dense(4, activation="tanh", kernel_regularizer="l2"),
        BatchNormalization(),
        Residual([Dense(4, activation="relu"), Dropout(0.2)]),
        Parallel([[Dense(3)], [Dense(2), Activation("tanh")]]),
        Dense(3, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(
        AdamW(Warmup(CosineDecay(0.01, 40), 5)),
        metrics=["accuracy", gn.metrics.TopKCategoricalAccuracy(2)],
    )
    model.fit(X, Y, batch_size=8, epochs=3, validation_split=0.25, verbose=0)
    return model, X, X, Y


def table_model(folder):
    """Fit a class target to a table with every type of column and a derived one."""
    table = frame()
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.compile(Nadam(0.01), metrics=["accuracy"])
    options = {"column_types": {"sold": "category"}, "derive": {"half": "size / 2"}}
    model.fit(without(table, "price"), target="kind", epochs=3, verbose=0, **options)
    return model, without(table, "price"), without(table, "price"), None


def quantity_model(folder):
    """Fit the logarithm of a number to a table."""
    table = frame()
    model = gn.Sequential([Dense(4, activation="relu"), Dense(1)], seed=0)
    model.compile(RMSprop(0.01))
    model.fit(table, target="price", target_transform="log", epochs=3, verbose=0)
    return model, table, table, None


def images_model(folder):
    """Fit an image classifier."""
    data = images(folder)
    layers = [
        Rescaling(1 / 255),
        Conv2D(3, 3, activation="relu"),
        GlobalAveragePooling2D(),
        Dense(2, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(SGD(0.1, momentum=0.9))
    model.fit(data, epochs=3, verbose=0)
    return model, data.x, data, None


def text_model(folder):
    """Fit a recurrent text classifier with a mask."""
    text = TextVectorization(max_tokens=12, output_sequence_length=4).adapt(TEXTS)
    layers = [
        text,
        Embedding(12, 3, mask_zero=True),
        Bidirectional(LSTM(2)),
        Dense(1, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(Adam(0.01), "binary_crossentropy")
    labels = np.arange(ROWS) % 2
    model.fit(TEXTS, labels, epochs=3, batch_size=8, verbose=0)
    return model, TEXTS, TEXTS, labels


def forecaster_model(folder):
    """Fit a forecast of several months."""
    model = gn.Sequential([Flatten(), Dense(4, activation="relu"), Dense(6)], seed=0)
    model.compile(Adam(0.01))
    model.fit(series(), epochs=3, verbose=0)
    return model, series(), series(), None


MODELS = {
    "array": array_model,
    "table": table_model,
    "quantity": quantity_model,
    "images": images_model,
    "text": text_model,
    "forecaster": forecaster_model,
}
"""Functions that take a scratch folder and return a model, inputs to predict, and x, y to train."""


def run_model():
    """Return a model whose training has state: statistics, noise and an optimizer."""
    layers = [
        Input(3),
        Dense(4, activation="tanh"),
        BatchNormalization(),
        Dropout(0.3),
        Dense(3, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    model.compile(Adam(0.05), "sparse_categorical_crossentropy", ["accuracy"])
    return model


def run_fit(model, folder):
    """Run the fit of the golden checkpoints, with best weights and callbacks that have memories."""
    callbacks = [
        EarlyStopping("loss", patience=9, start_from_epoch=1),
        ReduceLROnPlateau("accuracy", patience=1),
    ]
    return model.fit(X, Y, batch_size=8, epochs=6, verbose=0, resume=folder, callbacks=callbacks)


def write(folder, scratch, kill):
    """Write every golden file, and the models' predictions, to `folder`."""
    folder.mkdir(exist_ok=True)
    expected = {}
    for name, make in MODELS.items():
        model, rows, x, y = make(scratch / name)
        model.save(folder / f"{name}.glassnet")
        expected[f"{name}/predicted"] = model.predict(rows)
        model.fit(x, y, epochs=1, batch_size=8, verbose=0)
        expected[f"{name}/next"] = model.predict(rows)
    kill(lambda: run_fit(run_model(), folder / "run"))
    (folder / "run" / "lock").unlink()
    model = run_model()
    run_fit(model, scratch / "whole")
    expected["run/predicted"] = model.predict(X)
    np.savez_compressed(folder / "expected.npz", **expected)


if __name__ == "__main__":
    import tempfile

    import pytest

    sys.path.insert(0, str(Path(__file__).parents[1]))
    from lives import Killed, dying

    def kill(fit):
        """Kill a fit in its fifth epoch."""
        with pytest.MonkeyPatch.context() as patch, dying(patch, 14):
            try:
                fit()
            except Killed:
                return
        raise AssertionError("the fit came to its end")

    with tempfile.TemporaryDirectory() as scratch:
        write(FOLDER, Path(scratch), kill)
