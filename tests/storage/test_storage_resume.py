"""Training after saving and loading is bit-identical. Oracle: the uninterrupted run."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from crafted import saved
from test_storage_models import TABLE

import glassnet as gn
from glassnet.callbacks import EarlyStopping, ReduceLROnPlateau
from glassnet.layers import BatchNormalization, Dense, Dropout, Input, Parallel, Residual
from glassnet.optimizers import SGD, Adam, Nadam
from glassnet.schedules import CosineDecay, Warmup
from nets import X, Y, digest, fit_noisy, noisy_model

FOLDERS = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


def mlp():
    return noisy_model(), lambda model, epochs: fit_noisy(model, epochs)


def plateaus():
    """Reduce the rate twice, so the model's rate differs from the optimizer's when it is saved."""

    def fit(model, epochs):
        return fit_noisy(
            model,
            epochs,
            callbacks=[ReduceLROnPlateau("loss", patience=0, factor=0.5, min_delta=10.0)],
        )

    return noisy_model(), fit


def scheduled():
    model = gn.Sequential(
        [Input(4), Dense(6, activation="relu"), Dropout(0.2), Dense(3, activation="softmax")],
        seed=4,
    )
    model.compile(
        Nadam(Warmup(CosineDecay(0.05, 40), 7)), "sparse_categorical_crossentropy", ["accuracy"]
    )
    return model, lambda model, epochs: model.fit(X, Y, batch_size=8, epochs=epochs, verbose=0)


def branching():
    fork = Parallel(
        [[Dense(4, activation="tanh"), Dropout(0.4)], Residual([BatchNormalization(), Dense(6)])]
    )
    model = gn.Sequential([Dense(6), fork, Dense(2, trainable=False), Dense(1)], seed=1)
    model.compile(SGD(0.02, momentum=0.9, nesterov=True, clipnorm=1.0), "huber")
    return model, lambda model, epochs: model.fit(
        X, Y, batch_size=8, epochs=epochs, verbose=0, validation_split=0.3
    )


def table():
    model = gn.Sequential([Dense(4, activation="relu"), Dropout(0.3), Dense(1)], seed=0)

    def fit(model, epochs):
        named = (
            {}
            if model.preprocessor
            else {
                "target": "price",
                "target_transform": "log",
                "column_types": {"port": "category"},
            }
        )
        return model.fit(
            TABLE, batch_size=3, epochs=epochs, verbose=0, validation_split=0.25, **named
        )

    return model, fit


KINDS = {
    "mlp": mlp,
    "plateaus": plateaus,
    "scheduled": scheduled,
    "branching": branching,
    "table": table,
}


def result(model, fit, epochs):
    logs = fit(model, epochs)
    return {
        "digest": digest(model),
        "logs": {name: [value.hex() for value in values] for name, values in logs.history.items()},
        "epoch": logs.epoch,
    }


def resume(kind, path):
    """Print the result of three more epochs of a saved model; runs in another process."""
    _, fit = KINDS[kind]()
    print(json.dumps(result(gn.load(path), fit, 3)))


@pytest.mark.parametrize("kind", KINDS)
def test_train_on(tmp_path, kind):
    whole, fit = KINDS[kind]()
    fit(whole, 2)
    path = saved(whole, tmp_path / "m")
    want = result(whole, fit, 3)
    assert want["epoch"] == [2, 3, 4]
    assert result(gn.load(path), fit, 3) == want


@pytest.mark.slow
def test_train_on_in_another_process(tmp_path):
    """All models in one process, since a process takes seconds to start."""
    wanted, lines = (
        [],
        [f"import sys; sys.path += {FOLDERS}; from test_storage_resume import resume"],
    )
    for kind, make in KINDS.items():
        model, fit = make()
        fit(model, 2)
        saved(model, tmp_path / kind)
        wanted.append(result(model, fit, 3))
        lines.append(f"resume({kind!r}, {str(tmp_path / kind)!r})")
    process = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert [json.loads(line) for line in process.stdout.splitlines()] == wanted


def test_the_best_weights_of_early_stopping_are_saved(tmp_path):
    model = noisy_model()
    fit_noisy(model, 8, callbacks=[EarlyStopping("val_loss", patience=1, min_delta=10.0)])
    assert model.history.stopped
    loaded = gn.load(saved(model, tmp_path / "m"))
    assert loaded.history.stopped == model.history.stopped
    assert result(loaded, fit_noisy, 3) == result(model, fit_noisy, 3)


def test_a_seed_of_the_fit_and_not_of_the_model(tmp_path):
    """The fit's seed sets the order of rows; a model without a seed keeps the one it drew."""
    model = gn.Sequential([Dense(3), Dropout(0.5), Dense(1)])
    model.compile(Adam(), "mse")
    model.fit(X, Y, verbose=0, validation_split=0.2)
    loaded = gn.load(saved(model, tmp_path / "m"))
    assert loaded.seed == model.seed is not None
    for one in (model, loaded):
        one.fit(X, Y, verbose=0, validation_split=0.2, seed=77)
    assert digest(model) == digest(loaded)
    np.testing.assert_array_equal(model.predict(X), loaded.predict(X))


def test_weights_saved_and_loaded_train_as_those_of_the_model(tmp_path):
    model, other = noisy_model(), noisy_model(seed=8)
    for one in (model, other):
        one._build((4,))
    model.save_weights(tmp_path / "w")
    other.load_weights(tmp_path / "w")
    other.seed = model.seed
    assert result(other, fit_noisy, 2) == result(model, fit_noisy, 2)
