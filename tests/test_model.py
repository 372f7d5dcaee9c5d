"""Sequential as its user meets it: train, carry on, score, predict, and come through whatever goes wrong."""

import os
import re
import signal
import threading
import warnings

import jax.numpy as jnp
import numpy as np
import pytest
from matplotlib.figure import Figure
from oracles import FLOAT32, close, import_keras

import glassnet as gn
from glassnet.callbacks import Callback, Decision, EarlyStopping, LambdaCallback, StopWhen
from glassnet.epochs import Record
from glassnet.errors import ConfigError, DataError, NotReadyError, TrainingWarning
from glassnet.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, Input, Layer, Normalization, Rescaling, Reshape
from glassnet.optimizers import SGD, Adam
from glassnet.testing import compilations

SPARSE = "sparse_categorical_crossentropy"
ROWS = 37
"""37 rows less 7 held out are 30: batches of 8, 8, 8 and a short one of 6."""

RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 4)).astype(np.float32)
Y = RNG.integers(0, 3, ROWS)
ONE_HOT = np.eye(3, dtype=np.float32)[Y]
X.flags.writeable = Y.flags.writeable = ONE_HOT.flags.writeable = False


def noisy_model(seed=0):
    """All that makes a run depend on its past: batch statistics, noise, and an optimizer with a memory."""
    layers = [Dense(6, activation="tanh"), BatchNormalization(), Dropout(0.3), Dense(3, activation="softmax")]
    model = gn.Sequential(layers, seed=seed)
    model.compile(Adam(0.02), SPARSE, ["accuracy"])
    return model


def fit_noisy(model, epochs, **options):
    return model.fit(X, Y, batch_size=8, epochs=epochs, validation_split=0.2, verbose=0, **options)


def plain_model(optimizer=None, seed=0, loss=SPARSE):
    model = gn.Sequential([Input(4), Dense(5, activation="tanh"), Dense(3, activation="softmax")], seed=seed)
    model.compile(optimizer or SGD(0.1), loss)
    return model


def line_model(optimizer, kernel=2.0, bias=0.5):
    model = gn.Sequential([Input(1), Dense(1)], seed=0)
    model.compile(optimizer, "mean_squared_error")
    model.set_weights([[[kernel]], [bias]])
    return model


def same_bits(a, b):
    return all(np.array_equal(left, right) for left, right in zip(a.get_weights(), b.get_weights(), strict=True))


def aligned(array):
    """A writable copy at a 64-byte boundary: what JAX would alias if it were let."""
    buffer = np.empty(array.nbytes + 64, np.uint8)
    start = -buffer.ctypes.data % 64
    copy = buffer[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


@pytest.fixture(scope="module")
def ten_epochs():
    model = noisy_model()
    return model, fit_noisy(model, 10)


# Repeating, resuming, seeds


def test_five_and_five_epochs_are_ten(ten_epochs):
    """Oracle: a relation, bit for bit: weights, statistics, every logged number, what Adam remembers (seen two epochs on)."""
    whole, log = ten_epochs
    parts = noisy_model()
    first, second = fit_noisy(parts, 5), fit_noisy(parts, 5)
    assert same_bits(whole, parts)
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
    """Oracle: where no weight can move, val_loss says which rows were held out."""
    model = frozen_model(0)
    held = {model.fit(X, Y, validation_split=0.3, verbose=0, seed=seed).history["val_loss"][0] for seed in range(3)}
    assert len(held) == 1
    assert held == set(frozen_model(0).fit(X, Y, validation_split=0.3, verbose=0, epochs=2).history["val_loss"])
    assert held != set(frozen_model(1).fit(X, Y, validation_split=0.3, verbose=0).history["val_loss"])


def test_reset_forgets_everything():
    model = noisy_model()
    first = fit_noisy(model, 2).history
    model.learning_rate = 0.5
    model.reset()
    assert (model.epoch, model.learning_rate) == (0, 0.02)
    assert fit_noisy(model, 2).history == first
    model.reset(seed=1)
    assert fit_noisy(model, 2).history == fit_noisy(noisy_model(seed=1), 2).history


# Batches and numbers against loops written out


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
    """Oracle: a relation. n, "full" and more than n are one step an epoch, of the same bits."""
    models = [plain_model() for _ in range(3)]
    logs = [model.fit(X, Y, batch_size=size, epochs=3, verbose=0) for model, size in zip(models, (ROWS, "full", 10**6), strict=True)]
    assert same_bits(models[0], models[1])
    assert same_bits(models[0], models[2])
    assert [log.params["batch_size"] for log in logs] == [ROWS] * 3


def test_logs_are_what_evaluate_says():
    """Oracle: a relation. At a rate of 1e-30 no weight moves: the epoch's loss and accuracy are those of its rows, val_ of the others."""
    model = plain_model(SGD(1e-30))
    model.compile(SGD(1e-30), SPARSE, ["accuracy", "mae"])
    log = model.fit(X[:30], Y[:30], batch_size=8, validation_data=(X[30:], Y[30:]), verbose=0).history
    trained, held = (model.evaluate(X[part], Y[part], return_dict=True) for part in (slice(30), slice(30, None)))
    assert list(log) == ["loss", "accuracy", "mae", "val_loss", "val_accuracy", "val_mae"]
    close([log[name][0] for name in trained], list(trained.values()))
    close([log["val_" + name][0] for name in held], list(held.values()))


def test_evaluate_returns_what_keras_returns():
    model = plain_model()
    loss = model.evaluate(X, Y)
    assert isinstance(loss, float)
    model.compile(SGD(0.1), SPARSE, ["accuracy"])
    assert model.evaluate(X, Y) == [loss, model.evaluate(X, Y, return_dict=True)["accuracy"]]
    p = model.predict(X)
    close(loss, -np.log(p[np.arange(ROWS), Y]).mean())
    weight = np.linspace(0, 2, ROWS)
    close(model.evaluate(X, Y, sample_weight=weight)[0], (weight * -np.log(p[np.arange(ROWS), Y])).mean())


@pytest.mark.parametrize(("repeats", "weight"), [(2, 2.0), (0, 0.0)], ids=["twice", "absent"])
def test_a_weight_is_a_number_of_rows(repeats, weight):
    """Oracle: a relation. sum(l w) / n with weight 2 is the doubled row's sum / (n + 1), times (n + 1) / n; the rate makes up for that."""
    times, weights = np.ones(ROWS, int), np.ones(ROWS)
    times[5], weights[5] = repeats, weight
    weighted, repeated = plain_model(SGD(0.1 * ROWS / times.sum())), plain_model(SGD(0.1))
    weighted.fit(X, Y, batch_size="full", sample_weight=weights, verbose=0)
    repeated.fit(np.repeat(X, times, 0), np.repeat(Y, times), batch_size="full", verbose=0)
    for left, right in zip(weighted.get_weights(), repeated.get_weights(), strict=True):
        close(left, right, 1e-5)


@pytest.fixture(scope="module")
def keras_model():
    keras = import_keras()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layers = [keras.layers.Dense(5, "tanh"), keras.layers.Dense(3, "softmax")]
        model = keras.Sequential([keras.Input((4,)), *layers])
        model.compile(keras.optimizers.SGD(0.5), SPARSE, metrics=["accuracy"])
    return model


HELD = (X[:9] + 1, Y[:9], np.linspace(0, 3, 9, dtype=np.float32))
WEIGHT = np.linspace(0.1, 2, ROWS, dtype=np.float32)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_weight": {0: 3.0, 2: 0.5}},
        {"sample_weight": WEIGHT, "validation_data": HELD},
        {"sample_weight": WEIGHT, "class_weight": {1: 2.0}, "validation_split": 0.2},
    ],
    ids=["plain", "class_weight", "sample_weight-validation_data", "both-validation_split"],
)
def test_fit_agrees_with_keras(keras_model, options):
    """Oracle: Keras on JAX. Three epochs of SGD, the last batch short: logs (validation too) and weights."""
    ours = plain_model(SGD(0.5))
    ours.compile(SGD(0.5), SPARSE, ["accuracy"])
    start = [0.3 * RNG.normal(size=w.shape) for w in ours.get_weights()]
    ours.set_weights(start)
    keras_model.set_weights(start)
    common = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0}
    log = ours.fit(X, Y, **common, **options, **({"validation_from": "end"} if "validation_split" in options else {}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = keras_model.fit(X, Y, **common, **options)
    assert log.history.keys() == theirs.history.keys()
    assert log.epoch == theirs.epoch
    for name, values in theirs.history.items():
        close(log.history[name], values, 1e-5)
    for left, right in zip(ours.get_weights(), keras_model.get_weights(), strict=True):
        close(left, right, 1e-5)


def test_class_weights_leave_validation_alone():
    """Oracle: a relation. Where no weight moves, val_loss with class weights is val_loss without."""
    plain, weighted = (plain_model(SGD(1e-30)).fit(X, Y, validation_split=0.3, class_weight=w, verbose=0) for w in (None, "balanced"))
    assert plain.history["val_loss"] == weighted.history["val_loss"]
    assert plain.history["loss"] != weighted.history["loss"]


# Forms of rows and targets


@pytest.mark.parametrize(
    "convert",
    [lambda a: a.tolist(), jnp.asarray, lambda a: a.astype(np.float64), np.asfortranarray, lambda a: np.repeat(a, 2, 0)[::2]],
    ids=["list", "jax", "float64", "fortran", "strided"],
)
def test_rows_of_any_kind(convert):
    """Oracle: a relation. The same numbers in another container train to the same bits; whole floats are labels."""
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
    """Oracle: by hand. uint8 200 + 100 is 300, not 44 (jax-facts)."""
    model = gn.Sequential([Rescaling(1, offset=100)])
    assert model.predict(np.array([[200]], np.uint8)).tolist() == [[300.0]]


def test_one_number_a_row():
    model = line_model(SGD(0.01))
    flat = model.fit(np.arange(6.0), np.arange(6.0), verbose=0).history
    assert flat == line_model(SGD(0.01)).fit(np.arange(6.0)[:, None], np.arange(6.0)[:, None], verbose=0).history
    assert model.predict([1.0, 2.0]).shape == (2, 1)


def test_one_hot_and_integer_labels_train_alike_under_either_loss():
    """Oracle: a relation, over the four pairs; class weights and stratified splits included."""
    options = {"class_weight": "balanced", "validation_split": 0.3, "batch_size": 8, "epochs": 2, "verbose": 0}
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
    close(model.evaluate(pictures, pictures), np.mean((model.predict(pictures) - pictures) ** 2), 1e-5)
    assert log[-1] < 0.6 * log[0]


@pytest.mark.parametrize("batch_size", [8, "full"])
def test_the_users_arrays_are_neither_aliased_nor_altered(batch_size):
    """Oracle: a relation. Overwriting every array after the first epoch changes nothing (JAX may alias aligned memory)."""
    arrays = [aligned(a) for a in (X, ONE_HOT, WEIGHT, X[:9] + 1, ONE_HOT[:9], WEIGHT[:9])]
    before = [a.copy() for a in arrays]

    def overwrite(epoch, logs):
        for a, b in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(a, b) if epoch == 0 else None
            a[...] = 7

    def run(callbacks):
        model = plain_model()
        x, y, w, *held = arrays
        return model, model.fit(
            x, y, batch_size=batch_size, epochs=3, sample_weight=w, validation_data=tuple(held), callbacks=callbacks, verbose=0
        )

    untouched, log = run([])
    overwritten, other = run([LambdaCallback(overwrite)])
    assert log.history == other.history
    assert same_bits(untouched, overwritten)


def test_arrays_handed_out_are_copies():
    model = noisy_model()
    fit_noisy(model, 1)
    weights, predicted = model.get_weights(), model.predict(X)
    handed = [*model.get_weights(), model.predict(X), model.predict(X[:1]), *model.layers[0].get_weights()]
    handed += [value for layer in model.params.values() for value in layer.values()]
    for array in handed:
        array[...] = 0
    np.testing.assert_array_equal(model.predict(X), predicted)
    given = [w.copy() for w in weights]
    model.set_weights(given)
    for array in given:
        array[...] = 0
    np.testing.assert_array_equal(model.predict(X), predicted)


# Predict


def test_predict_is_the_same_however_cut():
    """Oracle: a relation, over every block size (1, 8, 64, 512, 4096) and one row more."""
    model = noisy_model()
    fit_noisy(model, 1)
    rows = np.random.default_rng(1).normal(size=(5000, 4))
    whole = model.predict(rows)
    assert whole.shape == (5000, 3)
    assert whole.dtype == np.float32
    close(whole.sum(1), np.ones(5000))
    for n in (1, 7, 8, 9, 64, 65, 512, 513, 4096, 4097):
        close(model.predict(rows[-n:]), whole[-n:])


def test_predict_compiles_once_for_all_row_counts():
    model = gn.Sequential([Input(4), Dense(7, activation="tanh")], seed=0)
    with compilations() as compiled:
        model.predict(X[:9])
        assert len(compiled) == 1
        for n in (10, 20, 30, 37):
            model.predict(X[:n])
    assert len(compiled) == 1


def test_predict_is_what_the_last_layer_gives():
    """Oracle: NumPy. Probabilities after a softmax whatever the loss owns; scores where there is none; targets' own units."""
    model = plain_model()
    k1, b1, k2, b2 = (w.astype(float) for w in model.get_weights())
    z = np.tanh(X @ k1 + b1) @ k2 + b2
    close(model.predict(X), np.exp(z) / np.exp(z).sum(1, keepdims=True))
    scores = gn.Sequential([Input(4), Dense(5, activation="tanh"), Dense(3)], seed=0)
    scores.compile(loss=gn.losses.SparseCategoricalCrossentropy(from_logits=True))
    scores.set_weights(model.get_weights())
    close(scores.predict(X), z)
    np.testing.assert_array_equal(scores.predict_labels(X), z.argmax(1))
    np.testing.assert_array_equal(model.predict_labels(X), z.argmax(1))


@pytest.mark.parametrize("outputs", [1, 2])
def test_predict_labels_of_sigmoids(outputs):
    """Oracle: by hand. A sigmoid is cut at 0.5 and its logit at 0; one output gives (n,), several (n, K)."""
    z = np.array([[-0.1, 0.1], [0.6, -0.6], [3, 3]])[:, :outputs]
    for activation, logits in (("sigmoid", False), (None, True)):
        model = gn.Sequential([Input(outputs), Dense(outputs, activation=activation)])
        model.compile(loss=gn.losses.BinaryCrossentropy(from_logits=logits))
        model.set_weights([np.eye(outputs), np.zeros(outputs)])
        want = (z > 0).astype(int)
        np.testing.assert_array_equal(model.predict_labels(z), want[:, 0] if outputs == 1 else want)


def test_accuracy_from_logits_is_cut_at_zero():
    """Oracle: by hand (DESIGN section 4: Keras cuts logits at 0.5 and scores 0.25 here). z = -2, 0.2, 0.4, 3 for 0, 1, 1, 1: all right."""
    model = gn.Sequential([Input(1), Dense(1)])
    model.compile(loss=gn.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
    model.set_weights([[[1]], [0]])
    assert model.evaluate([-2, 0.2, 0.4, 3], [0, 1, 1, 1])[1] == 1.0


# Validation


def test_validation_split_is_stratified_and_its_rows_do_not_train():
    """Oracle: counting. 30 of class 0 and 10 of class 1, a fifth held out: 6 and 2. Normalization sees the other 32 rows only."""
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
    """Oracle: NumPy. The first 30 of 37 rows train."""
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


# The face: weights, names, summary


def test_weights_go_out_and_in():
    """Oracle: Keras's order: layer by layer, params, then statistics."""
    model, twin = noisy_model(), noisy_model(seed=1)
    fit_noisy(model, 1)
    fit_noisy(twin, 1)
    shapes = [(4, 6), (6,), (6,), (6,), (6,), (6,), (6, 3), (3,)]
    assert [w.shape for w in model.get_weights()] == shapes
    twin.set_weights(model.get_weights())
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    assert {name: list(layer) for name, layer in model.params.items()} == {
        "dense_1": ["kernel", "bias"], "batch_normalization_1": ["gamma", "beta"], "dense_2": ["kernel", "bias"],
    }  # fmt: skip


def test_layers_as_written():
    model = noisy_model()
    fit_noisy(model, 1)
    assert [view.name for view in model.layers] == ["dense_1", "batch_normalization_1", "dropout_1", "dense_2"]
    view = model.get_layer("batch_normalization_1")
    assert (view.input_shape, view.output_shape, view.count_params()) == ((6,), (6,), 24)
    assert view.layer == BatchNormalization()
    assert model.get_layer("dense_2").layer.activation == "softmax"
    assert repr(view).startswith("batch_normalization_1: BatchNormalization(")
    dense = model.get_layer("dense_1")
    dense.set_weights([np.ones((4, 6)), np.zeros(6)])
    assert [w.sum() for w in dense.get_weights()] == [24, 0]
    np.testing.assert_array_equal(model.params["dense_1"]["kernel"], np.ones((4, 6)))


def test_names_belong_to_the_model():
    for _ in range(2):
        model = gn.Sequential([Dense(2), Dense(2, name="mine"), Dense(2)])
        assert [view.name for view in model.layers] == ["dense_1", "mine", "dense_3"]


def test_summary_counts(capsys):
    """Oracle: by hand. 4*6+6 = 30, 4*6 = 24 of which 12 are statistics, 6*3+3 = 21: 75 in all, 63 learned."""
    model = noisy_model()
    fit_noisy(model, 0)
    model.summary()
    out = capsys.readouterr().out
    assert [(line.split()[0], line.split()[-1]) for line in out.splitlines()[2:6]] == [
        ("dense_1", "30"), ("batch_normalization_1", "24"), ("dropout_1", "0"), ("dense_2", "21"),
    ]  # fmt: skip
    assert "75 numbers: 63 learned by gradient, 12 not" in out
    assert model.count_params() == 75


def test_add_builds_the_same_network():
    listed, added = plain_model(), gn.Sequential(seed=0)
    for layer in (Input(4), Dense(5, activation="tanh"), Dense(3, activation="softmax")):
        added.add(layer)
    assert same_bits(listed, added)


def test_equal_programs_compile_once():
    """Oracle: counted compilations. Another model, compile, rate and seed; the optimizer's rate is no part of the program."""
    first = plain_model(Adam(0.01))
    first.fit(X, Y, batch_size=8, epochs=2, validation_split=0.2, verbose=0)
    with compilations() as compiled:
        second = plain_model(Adam(0.5), seed=9)
        second.fit(X, Y, batch_size=8, epochs=2, validation_split=0.2, verbose=0)
        second.learning_rate = 0.003
        second.fit(X, Y, batch_size=8, validation_split=0.2, verbose=0)
        first.compile(Adam(0.2), SPARSE)
        first.fit(X, Y, batch_size=8, epochs=2, validation_split=0.2, verbose=0)
    assert compiled == []


def test_compile_forgets_the_optimizer_and_keeps_the_weights():
    model = plain_model(Adam(0.1))
    model.fit(X, Y, batch_size="full", verbose=0)
    weights = model.get_weights()
    model.compile(Adam(0.1), SPARSE)
    fresh = plain_model(Adam(0.1))
    fresh.set_weights(weights)
    for m in (model, fresh):
        m.fit(X, Y, batch_size="full", verbose=0)
    assert same_bits(model, fresh)


# What fit infers and says


@pytest.mark.parametrize(
    ("last", "y", "loss", "because"),
    [
        (Dense(3, activation="softmax"), Y, gn.losses.SparseCategoricalCrossentropy(), "the last layer is a softmax"),
        (Dense(1, activation="sigmoid"), Y % 2, gn.losses.BinaryCrossentropy(), "a sigmoid and the targets are 0 or 1"),
        (Dense(3), Y, gn.losses.SparseCategoricalCrossentropy(True), "gives 3 scores and each target is one class"),
        (Dense(1), Y / 2, gn.losses.MeanSquaredError(), "ends in linear and the targets are numbers"),
    ],
    ids=["softmax", "sigmoid", "scores", "numbers"],
)
def test_fit_infers_what_compile_left_out(last, y, loss, because, capsys):
    """Oracle: the table in `pairing.infer`: the named loss trains to the same bits."""
    inferred, named = gn.Sequential([last], seed=0), gn.Sequential([last], seed=0)
    log = inferred.fit(X, y).history
    out = capsys.readouterr().out
    assert re.match(rf"no loss was named: {type(loss).__name__}, as .*{because}; optimizer Adam\n", out)
    named.compile("adam", loss, ["accuracy"] if "accuracy" in log else [])
    assert ("accuracy" in log) == (not isinstance(loss, gn.losses.MeanSquaredError))
    assert named.fit(X, y, verbose=0).history == log
    assert inferred.learning_rate == 0.001


def test_inferring_the_loss_keeps_the_optimizer_and_its_rate(capsys):
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", metrics=["mae"])
    model.learning_rate = 0.25
    assert list(model.fit(X, Y / 2).history) == ["loss", "mae"]
    assert "optimizer SGD" in capsys.readouterr().out
    assert model.learning_rate == 0.25


def test_verbose(capsys):
    """Oracle: counting lines. 0 says nothing, 2 a line an epoch, "auto" some twenty of 100 where there is no terminal."""
    model = noisy_model()
    fit_noisy(model, 2)
    assert capsys.readouterr() == ("", "")
    model.fit(X, Y, epochs=2, verbose=2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    number = r"[\d.e+-]+"
    text = rf"epoch 2/2  loss {number}  accuracy {number}  val_loss {number}  val_accuracy {number}  {number} s"
    assert len(lines) == 2
    assert re.fullmatch(text, lines[1])
    model.fit(X, Y, epochs=100)
    lines = capsys.readouterr().out.splitlines()
    assert 15 <= len(lines) <= 25
    assert lines[0].startswith("epoch 1/100 ")
    assert lines[-1].startswith("epoch 100/100 ")
    assert not any("\x1b" in line or "\r" in line for line in lines)


# History


def test_history(ten_epochs):
    log = ten_epochs[1]
    assert list(log.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert {len(values) for values in log.history.values()} == {10}
    assert (log.seed, log.stopped, len(log.seconds)) == (0, None, 10)
    assert log.params == {"epochs": 10, "batch_size": 8, "steps": 4, "rows": 30}
    frame = log.to_frame()
    assert frame.index.tolist() == log.epoch
    assert {name: frame[name].tolist() for name in frame} == log.history
    assert re.fullmatch(r"History\(10 epochs, seed 0: loss [\d.]+, accuracy [\d.]+, val_loss [\d.]+, val_accuracy [\d.]+\)", repr(log))
    assert ten_epochs[0].history is log


def test_history_plot_marks_the_best_epoch():
    """Oracle: by hand. val_loss is lowest in the third of epochs 6 to 10 of the model's life: epoch 8."""
    values = {"loss": [5, 4, 3, 2, 1], "val_loss": [5, 4, 1, 2, 3], "accuracy": [0.1, 0.2, 0.3, 0.4, 0.5]}
    log = gn.model.History(0, {}, values, epoch=[5, 6, 7, 8, 9])
    figure = log.plot()
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 2
    for axes in figure.axes:
        assert [text.get_text() for text in axes.texts] == ["best epoch 8"]
    drawn = {line.get_label(): (line.get_xdata().tolist(), line.get_ydata().tolist()) for line in figure.axes[0].lines[:2]}
    assert drawn == {"training": ([6, 7, 8, 9, 10], values["loss"]), "validation": ([6, 7, 8, 9, 10], values["val_loss"])}


# Callbacks

CURVES = {
    "falls": [5, 4, 3, 2, 1, 0.5],
    "turns": [5, 4, 3, 3.5, 3.2, 3.1, 3.3, 2.9, 3.0, 3.1],
    "flat": [1, 1, 1, 1, 1],
    "jumps": [3, 1, 2, 0.99, 2, 2, 0.5, 2, 2, 2],
    "rises": [1, 2, 3, 4],
}


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize(
    "options", [{}, {"patience": 2}, {"patience": 3, "min_delta": 0.2}, {"patience": 1, "start_from_epoch": 2},
                {"patience": 2, "baseline": 2.5}, {"patience": 2, "mode": "max"}],
    ids=lambda options: "-".join(f"{k}={v}" for k, v in options.items()) or "defaults",
)  # fmt: skip
def test_early_stopping_stops_where_keras_does(curve, options):
    """Oracle: Keras's callback, fed the same curve: the epoch of the stop, and the epoch whose weights are kept."""
    keras = import_keras()

    class Stub:
        stop_training = False

        def get_weights(self):
            return []

        def set_weights(self, weights):
            pass

    theirs = keras.callbacks.EarlyStopping(restore_best_weights=True, **options)
    theirs.set_model(Stub())
    theirs.on_train_begin()
    ours = EarlyStopping(**options)
    memory, kept, stopped = ours.init(), None, None
    for epoch, value in enumerate(curve):
        theirs.on_epoch_end(epoch, {"val_loss": value})
        memory, answer = ours.update(memory, Record(epoch, {"val_loss": value}, 0.0, None, None))
        kept = epoch if answer and answer.keep else kept
        stopped = epoch if answer and answer.stop else None
        assert (stopped is not None) == theirs.model.stop_training
        if stopped is not None:
            break
    assert stopped == (theirs.stopped_epoch or None)
    assert kept == (theirs.best_epoch if theirs.best_weights is not None else None)


def overfitting():
    """Noise for labels and a fast optimizer: val_loss turns upwards after a few epochs."""
    model = plain_model(Adam(0.1))
    return model, {"x": X, "y": Y, "validation_split": 0.3, "batch_size": 8, "verbose": 0}


def test_early_stopping_restores_the_best_weights():
    """Oracle: a relation. The weights are, bit for bit, those of a run that ended with the best epoch."""
    model, options = overfitting()
    log = model.fit(epochs=40, callbacks=[EarlyStopping(patience=4)], **options)
    best = int(np.argmin(log.history["val_loss"]))
    assert len(log.epoch) == best + 5 < 40
    assert log.stopped == (
        f"val_loss has not improved for 4 epochs: the best was {min(log.history['val_loss']):.4g} at epoch {best + 1}"
    )
    short, options = overfitting()
    short.fit(epochs=best + 1, **options)
    assert same_bits(model, short)
    unrestored, options = overfitting()
    unrestored.fit(epochs=40, callbacks=[EarlyStopping(patience=4, restore_best_weights=False)], **options)
    assert not same_bits(model, unrestored)


def test_best_weights_come_back_at_the_last_epoch_too():
    model, options = overfitting()
    log = model.fit(epochs=30, callbacks=EarlyStopping(patience=100), **options)
    best = int(np.argmin(log.history["val_loss"]))
    assert best < 29
    assert log.stopped is None
    short, options = overfitting()
    short.fit(epochs=best + 1, **options)
    assert same_bits(model, short)


def test_early_stopping_on_accuracy_goes_up():
    model = noisy_model()
    log = fit_noisy(model, 30, callbacks=[EarlyStopping("accuracy", patience=2)])
    best = int(np.argmax(log.history["accuracy"]))
    assert len(log.epoch) in (30, best + 3)
    assert "accuracy has not improved" in log.stopped


def test_stop_when_the_loss_is_small():
    """Lectures 002 and 003. Oracle: the first epoch with such a loss in a run without the rule."""
    long = line_model(SGD(0.05)).fit([0.0, 1], [1.0, 3], epochs=200, verbose=0).history["loss"]
    log = line_model(SGD(0.05)).fit([0.0, 1], [1.0, 3], epochs=200, callbacks=[StopWhen(loss_below=1e-3)], verbose=0)
    first = next(i for i, loss in enumerate(long) if loss < 1e-3)
    assert len(log.epoch) == first + 1 < 200
    assert re.fullmatch(r"the loss \d\.\d+(e-\d+)? is below 0\.001", log.stopped)


def test_stop_when_nothing_changes():
    """Oracle: NumPy. One weight, x = 1, y = 0, rate 0.25: w halves every epoch, 1, 1/2, 1/4, ..., so it moves by 1/2, 1/4, 1/8, 1/16:
    the fourth epoch is the first to move it by less than 0.1."""
    model = gn.Sequential([Input(1), Dense(1, use_bias=False)])
    model.compile(SGD(0.25), "mse")
    model.set_weights([[[1.0]]])
    log = model.fit([1.0], [0.0], epochs=50, callbacks=[StopWhen(weight_change_below=0.1)], verbose=0)
    assert len(log.epoch) == 4
    assert model.get_weights()[0].item() == 1 / 16
    assert log.stopped == "no weight changed by 0.1 over the epoch"


def test_stopping_is_said(capsys):
    line_model(SGD(0.05)).fit([0.0, 1], [1.0, 3], epochs=9, callbacks=[StopWhen(loss_below=1e6)])
    assert re.search(r"stopped: the loss [\d.]+ is below 1e\+06\n$", capsys.readouterr().out)


def test_lambda_callback_sees_what_is_logged():
    begun, ended, seen = [], [], []
    watch = LambdaCallback(lambda epoch, logs: seen.append((epoch, logs)), begun.append, ended.append)
    model = noisy_model()
    fit_noisy(model, 2)
    log = fit_noisy(model, 3, callbacks=[watch])
    assert begun == [("loss", "accuracy", "val_loss", "val_accuracy")]
    assert [epoch for epoch, _ in seen] == [2, 3, 4]
    assert [logs["val_loss"] for _, logs in seen] == log.history["val_loss"]
    assert ended == [{name: values[-1] for name, values in log.history.items()}]


class Halve(Callback):
    """Halves the rate after every epoch; it remembers it from epoch to epoch."""

    def init(self):
        return 0.1

    def update(self, memory, record):
        record.logs.copy().clear()
        return memory / 2, Decision(learning_rate=memory / 2)


def test_a_callback_changes_the_rate_without_compiling():
    """Oracle: a relation: three fits of one epoch, the rate set in between."""
    by_hand = plain_model()
    for rate in (0.1, 0.05, 0.025):
        by_hand.learning_rate = rate
        by_hand.fit(X, Y, batch_size=8, verbose=0)
    model = plain_model()
    with compilations() as compiled:
        model.fit(X, Y, batch_size=8, epochs=3, callbacks=[Halve()], verbose=0)
    assert compiled == []
    assert same_bits(model, by_hand)
    assert model.learning_rate == pytest.approx(0.0125)


def test_a_callback_cannot_write_into_the_logs():
    def vandal(epoch, logs):
        logs["loss"] = -1.0

    assert fit_noisy(noisy_model(), 2, callbacks=[LambdaCallback(vandal)]).history["loss"] == fit_noisy(noisy_model(), 2).history["loss"]


def test_an_exception_in_a_callback_leaves_the_model_at_that_epoch():
    """Oracle: a relation. Broken at the third epoch and carried on for two, it is the run of five."""

    def fail(epoch, logs):
        if epoch == 2:
            raise RuntimeError("mine")

    model, whole = noisy_model(), noisy_model()
    with pytest.raises(RuntimeError, match="mine"):
        fit_noisy(model, 5, callbacks=[LambdaCallback(fail)])
    assert model.epoch == 3
    fit_noisy(model, 2)
    fit_noisy(whole, 5)
    assert same_bits(model, whole)


@pytest.mark.parametrize(
    ("callbacks", "text"),
    [
        ([print], r"callbacks: expected Callback objects\. Received: received=<built-in function print>"),
        ([EarlyStopping()], r"expected validation rows\. Received: monitor='val_loss'\. Pass validation_split or validation_data to fit"),
        ([EarlyStopping("accuracy")], r"EarlyStopping: monitor: expected one of loss\. Received: name='accuracy'"),
        ([LambdaCallback(lambda epoch, logs: Decision(learning_rate=-1.0))], r"expected a learning rate > 0\. Received: learning_rate=-1\.0"),
    ],
    ids=["no-callback", "no-validation", "not-logged", "rate"],
)
def test_callbacks_that_cannot_work(callbacks, text):
    with pytest.raises(ConfigError, match=text):
        plain_model().fit(X, Y, verbose=0, callbacks=callbacks)


def test_a_callback_that_answers_something_else():
    class Loud(Callback):
        def on_epoch_end(self, epoch, logs):
            return True

    with pytest.raises(ConfigError, match=r"Loud: expected a Decision or None in return\. Received: received=True"):
        plain_model().fit(X, Y, verbose=0, callbacks=[Loud()])


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: EarlyStopping(patience=-1), r"EarlyStopping: expected patience to be an int >= 0\. Received: patience=-1"),
        (lambda: EarlyStopping(start_from_epoch=1.5), r"expected start_from_epoch to be an int >= 0\. Received: start_from_epoch=1\.5"),
        (lambda: EarlyStopping(min_delta=-0.1), r"expected min_delta to be a number >= 0\. Received: min_delta=-0\.1"),
        (lambda: EarlyStopping(mode="lowest"), r'expected mode to be "auto", "min" or "max"\. Received: mode=\'lowest\''),
        (lambda: EarlyStopping(baseline="0.3"), r"expected baseline to be a number or None\. Received: baseline='0\.3'"),
        (lambda: EarlyStopping(monitor=3), r"expected monitor to be a name\. Received: monitor=3"),
        (lambda: StopWhen(), r"StopWhen: expected one rule or both, as numbers > 0\. Received: loss_below=None, weight_change_below=None"),
        (lambda: StopWhen(loss_below=0), r"StopWhen: expected one rule or both, as numbers > 0\. Received: loss_below=0"),
    ],
)
def test_callbacks_of_wrong_numbers(make, text):
    with pytest.raises(ConfigError, match=text):
        make()


# Runs that end early


@pytest.mark.skipif(threading.current_thread() is not threading.main_thread(), reason="signals reach the main thread only")
def test_ctrl_c_ends_the_run_with_all_usable(capsys):
    """Oracle: a real SIGINT in the middle of a run without end."""
    before = signal.getsignal(signal.SIGINT)
    timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
    model = plain_model()
    log = model.fit(
        X, Y, batch_size=1, epochs=10**7, callbacks=[LambdaCallback(lambda epoch, logs: None if epoch else timer.start())], verbose=2
    )
    assert re.fullmatch(rf"epoch {len(log.epoch) + 1}, step \d+ of {ROWS}: interrupted by Ctrl-C", log.stopped)
    assert capsys.readouterr().out.endswith(f"stopped: {log.stopped}\n")
    assert signal.getsignal(signal.SIGINT) is before
    assert model.history is log
    assert model.epoch == len(log.epoch) >= 1
    assert np.isfinite(model.predict(X)).all()
    assert model.fit(X, Y, batch_size=1, verbose=0).epoch == [len(log.epoch)]


def test_handlers_are_restored_after_an_exception():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        plain_model().fit(X, Y, verbose=0, callbacks=[LambdaCallback(lambda epoch, logs: 1 / 0)])
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(
    ("huge", "what"),
    [(1e30, "the loss"), (3e38, "the output of dense_1")],
    ids=["loss", "output"],
)
def test_a_loss_beyond_floats_is_named_and_undone(huge, what):
    """Oracle: by hand. Row 9 of 20 is in the third of five steps: 2 * 1e30 squared, and 2 * 3e38, are beyond 3.4e38. The weights are
    those of a run over the first 8 rows."""
    x, y = np.linspace(0, 1, 20), np.zeros(20)
    x[9] = huge
    model, short = line_model(SGD(0.01)), line_model(SGD(0.01))
    with pytest.warns(TrainingWarning, match=rf"Training stopped in epoch 1, step 3 of 5: {what} is not finite\. The weights from before"):
        log = model.fit(x, y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    short.fit(x[:8], y[:8], batch_size=4, shuffle=False, verbose=0)
    close(np.ravel(model.get_weights()[0]), np.ravel(short.get_weights()[0]))
    assert log.history == {}
    assert log.stopped == f"epoch 1, step 3 of 5: {what} is not finite"
    assert model.epoch == 0
    assert "stopped: epoch 1, step 3" in repr(log)


def test_a_gradient_beyond_floats_is_named_and_undone():
    """Oracle: by hand. sqrt has slope infinity at 0, so with a zero kernel the loss is 1 and the delta of dense_1 is -infinity."""
    model = gn.Sequential([Dense(1, kernel_initializer="zeros"), Activation(jnp.sqrt)], seed=0)
    model.compile(SGD(0.1), "mse")
    with pytest.warns(TrainingWarning, match=r"epoch 1, step 1 of 1: the delta of dense_1 is not finite"):
        model.fit(np.ones((4, 2)), np.ones(4), verbose=0)
    assert [w.sum() for w in model.get_weights()] == [0, 0]


def test_divergence_keeps_the_last_finite_weights():
    """A rate far too large: each step multiplies w by about -199, so that the loss overflows within 20 epochs."""
    model = line_model(SGD(100.0))
    with pytest.warns(TrainingWarning, match=r"epoch \d+, step 1 of 1: "):
        log = model.fit([1.0], [0.0], epochs=100, verbose=0)
    assert 2 < len(log.epoch) < 20
    assert np.isfinite(log.history["loss"]).all()
    assert np.isfinite(np.concatenate([w.ravel() for w in model.get_weights()])).all()
    model.learning_rate = 1e-3
    model.fit([1.0], [0.0], epochs=0, verbose=0)


def test_early_stopping_restores_through_a_bad_epoch():
    """Oracle: a relation. The best epoch before the overflow is the first: its weights come back."""
    model, short = line_model(SGD(100.0)), line_model(SGD(100.0))
    with pytest.warns(TrainingWarning, match="not finite"):
        model.fit([1.0], [0.0], epochs=100, verbose=0, callbacks=[EarlyStopping("loss", patience=50)])
    short.fit([1.0], [0.0], verbose=0)
    assert same_bits(model, short)


# What cannot be asked


def test_a_failed_first_fit_leaves_no_trace():
    """The wrong rows build nothing, infer nothing and draw nothing: the right ones then train as if they came first."""
    model, fresh = gn.Sequential([Dense(3)], seed=0), gn.Sequential([Dense(3)], seed=0)
    with pytest.raises(DataError, match="expected targets of the output's shape"):
        model.fit(X[:, :2], Y + 0.5, verbose=0)
    with pytest.raises(DataError, match="class_weight"):
        model.fit(X[:, :3], Y, class_weight={7: 1.0}, verbose=0)
    assert model.fit(X, Y, verbose=0).history == fresh.fit(X, Y, verbose=0).history


def test_a_failed_later_fit_loses_nothing():
    model = plain_model()
    log = model.fit(X, Y, verbose=0)
    weights = model.get_weights()
    for bad in ({"x": X[:, :2], "y": Y}, {"x": X, "y": Y + 5}, {"x": X, "y": Y, "callbacks": [EarlyStopping()]}):
        with pytest.raises((DataError, ConfigError)):
            model.fit(**bad, verbose=0)
    assert model.history is log
    assert model.epoch == 1
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": -1}, r"fit: expected epochs to be an int >= 0\. Received: epochs=-1"),
        ({"epochs": 1.5}, r"fit: expected epochs to be an int >= 0\. Received: epochs=1\.5"),
        ({"batch_size": 0}, r'fit: expected batch_size to be an int >= 1 or "full"\. Received: batch_size=0'),
        ({"batch_size": "all"}, r"batch_size='all'"),
        ({"seed": -1}, r"fit: expected seed to be an int >= 0 or None\. Received: seed=-1"),
        ({"verbose": 3}, r'fit: expected verbose to be "auto", 0, 1 or 2\. Received: verbose=3'),
        ({"validation_split": 1.0}, r"validation_split: expected a fraction from 0 to below 1\. Received: validation_split=1\.0"),
        ({"validation_split": 0.2, "validation_from": "start"}, r'validation_from: expected "random" or "end"\. Received: .*\'start\''),
    ],
)
def test_arguments_out_of_range(options, text):
    with pytest.raises(ConfigError, match=text):
        plain_model().fit(X, Y, **({"verbose": 0} | options))


def test_before_there_are_weights():
    model = gn.Sequential([Dense(3, activation="softmax")])
    fix = r"expected a model that knows the shape of its input\. Put Input\(shape\) in front, or fit the model first"
    for ask in ("summary", "count_params", "get_weights"):
        with pytest.raises(NotReadyError, match=f"{ask}: {fix}"):
            getattr(model, ask)()
    with pytest.raises(NotReadyError, match=f"params: {fix}"):
        _ = model.params
    with pytest.raises(NotReadyError, match=f"set_weights: {fix}"):
        model.set_weights([])
    view = model.layers[0]
    for name in ("input_shape", "output_shape"):
        with pytest.raises(NotReadyError, match=f"{name}: {fix}"):
            getattr(view, name)
    for ask in (view.get_weights, view.count_params):
        with pytest.raises(NotReadyError, match=f"get_weights: {fix}"):
            ask()
    with pytest.raises(NotReadyError, match=f"set_weights: {fix}"):
        view.set_weights([])
    with pytest.raises(NotReadyError, match=f"evaluate: {fix}"):
        model.evaluate(X, Y)


def test_before_there_is_a_loss():
    model = gn.Sequential([Input(4), Dense(3)])
    with pytest.raises(NotReadyError, match=r"evaluate: expected a model with a loss\. Call compile or fit first"):
        model.evaluate(X, Y)
    with pytest.raises(NotReadyError, match=r"learning_rate: expected a compiled model\. Call compile or fit first"):
        _ = model.learning_rate


def test_before_normalization_has_learned():
    model = gn.Sequential([Input(4), Normalization(), Dense(1)])
    model.compile(loss="mse")
    text = r"normalization_1: expected statistics learned from data\. Fit the model, or give it layer\.adapt\(x\)"
    with pytest.raises(NotReadyError, match=text):
        model.predict(X)
    with pytest.raises(NotReadyError, match=text):
        model.evaluate(X, Y)
    adapted = gn.Sequential([Input(4), Normalization().adapt(X)])
    close(adapted.predict(X), (X - X.mean(0)) / X.std(0), 1e-5)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), "fast", None, True])
def test_rates_that_are_none(rate):
    model = plain_model()
    with pytest.raises(ConfigError, match=rf"learning_rate: expected a number > 0.*Received: learning_rate={rate!r}"):
        model.learning_rate = rate
    assert model.learning_rate == 0.1


def test_weights_that_do_not_fit():
    model = plain_model()
    before = model.get_weights()
    with pytest.raises(DataError, match=r"set_weights: expected 4 arrays\. Received: received=1"):
        model.set_weights([1])
    with pytest.raises(DataError, match=r"dense_1/kernel: expected an array of shape \(4, 5\)\. Received: shape=\(5, 4\)"):
        model.set_weights([before[0].T, *before[1:]])
    with pytest.raises(DataError, match=r"set_weights: expected 2 arrays\. Received: received=3"):
        model.layers[1].set_weights(before[:3])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_labels_of_a_network_that_gives_numbers():
    with pytest.raises(ConfigError, match=r"predict_labels: expected a network that gives classes\. Received: ends_in='linear'.*use predict"):
        line_model(SGD()).predict_labels([1.0])


def test_names_that_are_unknown():
    model = plain_model()
    with pytest.raises(ConfigError, match=r"layer: expected one of dense_1, dense_2\. Received: name='dence_2'\. Did you mean 'dense_2'\?"):
        model.get_layer("dence_2")
    with pytest.raises(ConfigError, match=r"optimizer: expected one of .*Did you mean 'adam'\?"):
        model.compile("adm")
    with pytest.raises(ConfigError, match=r"Did you mean 'sparse_categorical_crossentropy'\?"):
        model.compile(loss="sparse_crossentropy")
    with pytest.raises(ConfigError, match=r"metric: expected one of .*Did you mean 'accuracy'\?"):
        model.compile(metrics=["acuracy"])
    with pytest.raises(ConfigError, match=r"optimizer: expected a name or an Optimizer\. Received: optimizer=3"):
        model.compile(3)
    assert model.learning_rate == 0.1


class Doubled(Layer):
    """A layer class without its decorator."""


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (lambda: [Dense], r"expected layers\. Received: received='Dense'\. This is the class; write Dense\(\.\.\.\)"),
        (lambda: [np.tanh], r"expected layers\. Received: .*A function goes in as Activation\(function\)"),
        (lambda: [Doubled()], r"Doubled: expected a frozen dataclass\..*Write @dataclass\(frozen=True\) above class Doubled"),
        (lambda: [Dense(1, name="a"), Dense(1, name="a")], r"expected a name of its own for every layer\..*Twice: \['a'\]"),
        (lambda: [Dense(1), Input(3)], r"expected one Input, in front of all layers\. Received: layers=\['Dense', 'Input'\]"),
        (lambda: [Input(3), Input(3)], r"expected one Input, in front of all layers\. Received: layers=\['Input', 'Input'\]"),
        (lambda: Dense(1), r"expected a list of layers\..*Write Sequential\(\[\.\.\.\]\)"),
        (lambda: [Dense(0)], r"Dense: expected units to be an int >= 1\. Received: units=0"),
        (lambda: [Dense(2, activation="rellu")], r"activation: expected one of .*Received: name='rellu'\. Did you mean 'relu'\?"),
        (lambda: [Dropout(1.0)], r"Dropout: expected rate from 0 to below 1.*Received: rate=1\.0\. A rate of 1 would zero everything"),
    ],
    ids=["class", "function", "undecorated", "name-twice", "late-input", "two-inputs", "no-list", "units-0", "activation", "dropout-1"],
)
def test_layers_that_are_none(layers, text):
    with pytest.raises(ConfigError, match=text):
        gn.Sequential(layers())


def test_models_that_cannot_be():
    with pytest.raises(ConfigError, match=r"Sequential: expected seed to be an int >= 0 or None\. Received: seed=-1"):
        gn.Sequential(seed=-1)
    with pytest.raises(ConfigError, match=r"reset: expected seed to be an int >= 0 or None\. Received: seed=0\.5"):
        plain_model().reset(0.5)
    with pytest.raises(ConfigError, match=r"Sequential: expected at least one layer\. Received: layers=\[\]"):
        gn.Sequential().fit(X, Y)
    model = plain_model()
    model.count_params()
    with pytest.raises(ConfigError, match=r"add: expected a model without weights\. Add all layers before the first fit, or make a new"):
        model.add(Dense(1))
