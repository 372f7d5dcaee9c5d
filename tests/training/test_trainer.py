"""Fit: repeatability, results against loops and Keras, kinds of input, and validation."""

import functools
import os
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import LambdaCallback
from glassnet.layers import Dense, Flatten, Input, Normalization, Rescaling, Reshape
from glassnet.optimizers import SGD, Adam
from nets import (
    ONE_HOT,
    ROWS,
    SPARSE,
    WEIGHT,
    X,
    Y,
    digest,
    fit_noisy,
    line_model,
    noisy_model,
    plain_model,
    same_bits,
)
from oracles import close


@pytest.fixture(scope="module")
def ten_epochs():
    model = noisy_model()
    return model, fit_noisy(model, 10)


def aligned(array):
    """Return a writable copy at a 64-byte boundary, which JAX could alias."""
    buffer = np.empty(array.nbytes + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    copy = buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def test_five_and_five_epochs_are_ten(ten_epochs):
    """Oracle: a relation, bit for bit: weights, statistics and logs; Adam's state shows two epochs
    later.
    """
    ten, log = ten_epochs
    parts = noisy_model()
    first, second = fit_noisy(parts, 5), fit_noisy(parts, 5)
    assert same_bits(ten, parts)
    assert {name: first.history[name] + second.history[name] for name in log.history} == log.history
    assert first.epoch + second.epoch == log.epoch == list(range(10))
    more, fresh = noisy_model(), noisy_model()
    fit_noisy(more, 12)
    for _ in range(12):
        fit_noisy(fresh, 1)
    assert same_bits(more, fresh)


def test_same_seed_same_bits_and_another_seed_others(ten_epochs):
    again, other = noisy_model(), noisy_model(seed=1)
    assert fit_noisy(again, 10).history == ten_epochs[1].history
    assert fit_noisy(other, 10).history != ten_epochs[1].history
    assert same_bits(again, ten_epochs[0])


@pytest.mark.slow
def test_another_process_gives_the_same_bits(ten_epochs):
    """Oracle: a relation. The same seed in a new interpreter, on the same machine."""
    code = "from nets import *; model = noisy_model(); fit_noisy(model, 10); print(digest(model))"
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert process.stdout.strip() == digest(ten_epochs[0])


def test_a_drawn_seed_is_recorded_and_repeats_the_run():
    drawn = noisy_model(seed=None)
    log = fit_noisy(drawn, 2)
    assert isinstance(log.seed, int)
    assert log.seed == drawn.seed
    assert fit_noisy(noisy_model(seed=None), 2).seed != log.seed
    repeated = noisy_model(seed=None)
    assert fit_noisy(repeated, 2, seed=log.seed).history == log.history
    assert same_bits(repeated, drawn)


def test_seed_of_fit_makes_order_and_noise_and_leaves_weights_alone():
    a, b = plain_model(seed=3), plain_model(seed=3)
    start = a.get_weights()
    b.get_weights()
    assert a.fit(X, Y, batch_size=8, verbose=0, seed=1).seed == 1
    b.fit(X, Y, batch_size=8, verbose=0, seed=2)
    assert a.seed == b.seed == 3
    assert not same_bits(a, b)
    close(plain_model(seed=3).get_weights()[0], start[0], 0)


def frozen_model(seed):
    model = gn.Sequential([Input(4), Dense(3, activation="softmax", trainable=False)], seed=seed)
    model.compile(SGD(), SPARSE)
    model.set_weights([np.arange(12).reshape(4, 3) / 10, np.zeros(3)])
    return model


def test_split_depends_on_the_model_seed_and_the_rows_alone():
    """Oracle: if no weight can change, val_loss identifies the validation rows."""
    model = frozen_model(0)
    validation = {
        model.fit(X, Y, validation_split=0.3, verbose=0, seed=seed).history["val_loss"][0]
        for seed in range(3)
    }
    assert len(validation) == 1
    assert validation == set(
        frozen_model(0).fit(X, Y, validation_split=0.3, verbose=0, epochs=2).history["val_loss"]
    )
    assert validation != set(
        frozen_model(1).fit(X, Y, validation_split=0.3, verbose=0).history["val_loss"]
    )


@pytest.mark.parametrize("size", [1, 3, 8])
def test_sgd_against_a_loop(size):
    """Oracle: NumPy. 8 rows in order; the short last batch of 2 (size 3) counts as 2 rows."""
    x, y = np.arange(8.0), np.array([3.0, 1, 4, 1, 5, 9, 2, 6])
    w, b, losses = 2.0, 0.5, []
    for start in range(0, 8, size):
        xs, ys = x[start : start + size], y[start : start + size]
        error = w * xs + b - ys
        losses.append((error**2).sum())
        w, b = w - 0.01 * 2 * (error * xs).mean(), b - 0.01 * 2 * error.mean()
    model = line_model(SGD(0.01))
    log = model.fit(x, y, batch_size=size, shuffle=False, verbose=0)
    close(np.ravel(model.get_weights()[0]), [w], 1e-5)
    close(model.get_weights()[1], [b], 1e-5)
    close(log.history["loss"], [sum(losses) / 8], 1e-5)
    assert log.params == {"epochs": 1, "batch_size": size, "steps": -(-8 // size), "rows": 8}


def test_full_batch_by_any_name():
    """Oracle: a relation. n, "full" and more than n give one step per epoch, with the same bits."""
    models = [plain_model() for _ in range(3)]
    logs = [
        model.fit(X, Y, batch_size=size, epochs=3, verbose=0)
        for model, size in zip(models, (ROWS, "full", 10**6), strict=True)
    ]
    assert same_bits(models[0], models[1])
    assert same_bits(models[0], models[2])
    assert [log.params["batch_size"] for log in logs] == [ROWS] * 3


def test_logs_are_what_evaluate_says():
    """Oracle: a relation. At a rate of 1e-30 the weights do not change, so logs equal `evaluate`."""
    model = plain_model(SGD(1e-30))
    model.compile(SGD(1e-30), SPARSE, ["accuracy", "mae"])
    log = model.fit(
        X[:30], Y[:30], batch_size=8, validation_data=(X[30:], Y[30:]), verbose=0
    ).history
    trained, validation = (
        model.evaluate(X[part], Y[part], return_dict=True) for part in (slice(30), slice(30, None))
    )
    assert list(log) == ["loss", "accuracy", "mae", "val_loss", "val_accuracy", "val_mae"]
    close([log[name][0] for name in trained], list(trained.values()))
    close([log["val_" + name][0] for name in validation], list(validation.values()))


@pytest.mark.parametrize(("repeats", "weight"), [(2, 2.0), (0, 0.0)], ids=["twice", "absent"])
def test_a_weight_is_a_number_of_rows(repeats, weight):
    """Oracle: a relation. A row with weight 2 equals the row twice, up to a factor (n + 1) / n in
    the rate.
    """
    times, weights = np.ones(ROWS, int), np.ones(ROWS)
    times[5], weights[5] = repeats, weight
    weighted, repeated = plain_model(SGD(0.1 * ROWS / times.sum())), plain_model(SGD(0.1))
    weighted.fit(X, Y, batch_size="full", sample_weight=weights, verbose=0)
    repeated.fit(np.repeat(X, times, 0), np.repeat(Y, times), batch_size="full", verbose=0)
    for left, right in zip(weighted.get_weights(), repeated.get_weights(), strict=True):
        close(left, right, 1e-5)


@functools.cache
def keras_model(keras):
    layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.SGD(0.5), SPARSE, metrics=["accuracy"])
    return model


def keras_fit(keras, x, y, start, options):
    model = keras_model(keras)
    model.set_weights(start)
    log = model.fit(x, y, **options)
    return {"epoch": log.epoch, "history": log.history, "weights": model.get_weights()}


HELD = (X[:9] + 1, Y[:9], np.linspace(0, 3, 9, dtype=np.float32))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_weight": {0: 3.0, 2: 0.5}, "validation_split": 0.27},
        {"sample_weight": WEIGHT, "validation_data": HELD},
        {"sample_weight": WEIGHT, "validation_split": 0.27},
    ],
    ids=[
        "plain",
        "class_weight",
        "sample_weight-validation_data",
        "sample_weight-validation_split",
    ],
)
def test_fit_agrees_with_keras(recorded, options):
    """Oracle: Keras on JAX. Three epochs of SGD with a short last batch: logs and weights.

    Keras trains on floor(37 * 0.73) = 27 rows; our validation set has round(37 * 0.27) = 10 rows:
    the same split.
    """
    ours = plain_model(SGD(0.5))
    ours.compile(SGD(0.5), SPARSE, ["accuracy"])
    start = [
        np.random.default_rng(i).normal(size=w.shape) / 2 for i, w in enumerate(ours.get_weights())
    ]
    ours.set_weights(start)
    common = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0}
    log = ours.fit(
        X,
        Y,
        **common,
        **options,
        **({"validation_from": "end"} if "validation_split" in options else {}),
    )
    theirs = recorded(keras_fit, X, Y, start, common | options)
    assert log.history.keys() == theirs["history"].keys()
    assert log.epoch == theirs["epoch"]
    for name, values in theirs["history"].items():
        close(log.history[name], values, 1e-5)
    for left, right in zip(ours.get_weights(), theirs["weights"], strict=True):
        close(left, right, 1e-5)


def test_class_weights_leave_validation_alone():
    """Oracle: a relation. If no weight changes, val_loss is the same with and without class
    weights.
    """
    plain, weighted = (
        plain_model(SGD(1e-30)).fit(X, Y, validation_split=0.3, class_weight=w, verbose=0)
        for w in (None, "balanced")
    )
    assert plain.history["val_loss"] == weighted.history["val_loss"]
    assert plain.history["loss"] != weighted.history["loss"]


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: a.tolist(),
        jnp.asarray,
        lambda a: a.astype(np.float64),
        np.asfortranarray,
        lambda a: np.repeat(a, 2, 0)[::2],
    ],
    ids=["list", "jax", "float64", "fortran", "strided"],
)
def test_rows_of_any_kind(convert):
    """Oracle: a relation. Another container with the same numbers gives the same bits; integral
    floats are labels.
    """
    a, b = plain_model(), plain_model()
    a.fit(X, Y, verbose=0)
    b.fit(convert(X), convert(Y), verbose=0)
    assert same_bits(a, b)
    np.testing.assert_array_equal(a.predict(X), a.predict(convert(X)))


def test_bools_and_pixels_count_as_numbers():
    bits = X > 0
    a, b, c = (plain_model() for _ in range(3))
    for model, rows in ((a, bits.astype(np.float32)), (b, bits), (c, bits.astype(np.uint8))):
        model.fit(rows, Y, verbose=0)
    assert same_bits(a, b)
    close(a.get_weights()[0], c.get_weights()[0])


def test_pixels_do_not_wrap():
    """Oracle: by hand. uint8 200 + 100 is 300, not 44."""
    model = gn.Sequential([Rescaling(1, offset=100)])
    assert model.predict(np.array([[200]], np.uint8)).tolist() == [[300.0]]


def test_one_number_a_row():
    model = line_model(SGD(0.01))
    flat = model.fit(np.arange(6.0), np.arange(6.0), verbose=0).history
    assert (
        flat
        == line_model(SGD(0.01))
        .fit(np.arange(6.0)[:, None], np.arange(6.0)[:, None], verbose=0)
        .history
    )
    assert model.predict([1.0, 2.0]).shape == (2, 1)


def test_one_hot_and_integer_labels_train_alike_under_either_loss():
    """Oracle: a relation over the four pairs, with class weights and stratified splits."""
    options = {
        "class_weight": "balanced",
        "validation_split": 0.3,
        "batch_size": 8,
        "epochs": 2,
        "verbose": 0,
    }
    logs = []
    for loss in (SPARSE, "categorical_crossentropy"):
        for y in (Y, ONE_HOT, ONE_HOT.astype(bool), Y[:, None].astype(float)):
            model = plain_model(loss=loss)
            log = model.fit(X, y, **options).history
            logs.append([*log["loss"], *log["val_loss"], *np.ravel(model.get_weights()[0])])
    for log in logs[1:]:
        close(log, logs[0])


def test_an_autoencoder_fits():
    pictures = X[:, :, None].repeat(2, 2)
    model = gn.Sequential([Flatten(), Dense(3), Dense(8), Reshape((4, 2))], seed=0)
    model.compile(Adam(0.03), "mse")
    log = model.fit(pictures, pictures, epochs=60, verbose=0).history["loss"]
    assert model.predict(pictures).shape == pictures.shape
    close(
        model.evaluate(pictures, pictures), np.mean((model.predict(pictures) - pictures) ** 2), 1e-5
    )
    assert log[-1] < 0.6 * log[0]


@pytest.mark.parametrize("batch_size", [8, "full"])
@pytest.mark.parametrize("validation", ["data", "split"])
def test_the_users_arrays_are_neither_aliased_nor_altered(batch_size, validation):
    """Oracle: a relation. Overwriting every array after the first epoch changes nothing."""
    arrays = [aligned(a) for a in (X, ONE_HOT, WEIGHT, X[:9] + 1, ONE_HOT[:9], WEIGHT[:9])]
    before = [a.copy() for a in arrays]

    def overwrite(epoch, logs):
        for a, b in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(a, b) if epoch == 0 else None
            a[...] = 7

    def run(callbacks):
        model = plain_model()
        x, y, w, *separate = arrays
        options = {
            "data": {"validation_data": tuple(separate)},
            "split": {"validation_split": 0.2},
        }
        return model, model.fit(
            x,
            y,
            batch_size=batch_size,
            epochs=3,
            sample_weight=w,
            callbacks=callbacks,
            verbose=0,
            **options[validation],
        )

    untouched, log = run([])
    overwritten, other = run([LambdaCallback(overwrite)])
    assert log.history == other.history
    assert same_bits(untouched, overwritten)


def test_validation_split_is_stratified_and_its_rows_do_not_train():
    """Oracle: counting. A fifth of 30 and 10 rows is 6 and 2; Normalization sees only the other 32
    rows.
    """
    y = np.repeat([0, 1], [30, 10])
    x = np.stack([np.arange(40), y], 1).astype(float)
    model = gn.Sequential([Normalization(), Dense(2, activation="softmax")], seed=0)
    model.compile(SGD(), SPARSE)
    log = model.fit(x, y, validation_split=0.2, verbose=0)
    mean, _, count = model.get_layer("normalization_1").get_weights()
    assert log.params["rows"] == count == 32
    close(mean[1], 8 / 32)
    assert mean[0] != pytest.approx(x[:, 0].mean(), abs=1e-9)


def test_validation_from_the_end():
    """Oracle: NumPy. The first 30 of 37 rows are the training rows."""
    model = gn.Sequential([Normalization(), Dense(3, activation="softmax")], seed=0)
    model.compile(SGD(), SPARSE)
    log = model.fit(X, Y, validation_split=0.2, validation_from="end", verbose=0)
    mean, variance, count = model.layers[0].get_weights()
    assert count == 30
    close(mean, X[:30].mean(0))
    close(variance, X[:30].var(0), 1e-5)
    assert log.history["val_loss"] == [pytest.approx(model.evaluate(X[30:], Y[30:]), rel=1e-6)]


def test_normalization_keeps_what_it_learned_first():
    model = gn.Sequential([Normalization(), Dense(1)], seed=0)
    model.compile(SGD(), "mse")
    model.fit(X, Y, validation_data=(X + 100, Y), verbose=0)
    learned = model.layers[0].get_weights()
    close(learned[0], X.mean(0))
    model.fit(X * 50, Y, epochs=0, verbose=0)
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], learned[0])


def test_validation_data_with_weights():
    """Oracle: NumPy, sum(l w) / n."""
    model = plain_model(SGD(1e-30))
    x, y, w = HELD
    log = model.fit(X, Y, validation_data=[x, y, w], verbose=0)
    close(log.history["val_loss"][0], (w * -np.log(model.predict(x)[np.arange(9), y])).mean())
