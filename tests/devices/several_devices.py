"""Training on several devices. `test_devices.py` runs this file in a process that has them.

Oracle: the same call on one device (6). Bounds are those of rounding in float32.
"""

import warnings

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet import layers as L
from glassnet.callbacks import Callback, EarlyStopping, ReduceLROnPlateau
from glassnet.engine.collectives import count_collectives
from glassnet.engine.placement import find_placement
from glassnet.engine.train_step import Chunk, Data, make_plan_fn, reset_epoch_sums
from glassnet.errors import ConfigError, DataError, TrainingWarning
from oracles import close

N = len(jax.devices())
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 6)).astype(np.float32)
Y = (X @ RNG.normal(size=(6, 3))).argmax(1)
SEQUENCES = RNG.integers(0, 9, size=(200, 5))  # 0 is masked
IMAGES = RNG.normal(size=(64, 8, 8, 1)).astype(np.float32)
slow = pytest.mark.slow


def make_mlp(dropout=0.2, **options):
    layers = [
        L.Input(6),
        L.Dense(16, activation="relu"),
        L.BatchNormalization(),
        L.Dropout(dropout),
        L.GaussianNoise(0.1),
        L.Dense(3, activation="softmax"),
    ]
    return compiled(layers, **options)


def compiled(
    layers, optimizer="adam", loss="sparse_categorical_crossentropy", metrics=("accuracy",)
):
    model = gn.Sequential(layers, seed=3)
    model.compile(optimizer, loss, list(metrics))
    return model


def fit(model, *data, devices=None, **options):
    options = {"epochs": 3, "batch_size": 32, "verbose": 0} | options
    return model.fit(*(data or (X, Y)), devices=devices, **options)


def difference(a, b):
    """Return the largest difference of a weight."""
    return max(np.abs(v - w).max() for v, w in zip(a.get_weights(), b.get_weights(), strict=True))


def require_equal(make, *data, devices=N, tolerance=1e-6, **options):
    """Fit on one device and on several, and compare weights and logs; return both models."""
    models = make(), make()
    logs = [
        fit(model, *data, devices=n, **options).history
        for model, n in zip(models, (None, devices), strict=True)
    ]
    assert difference(*models) < tolerance
    assert logs[0].keys() == logs[1].keys()
    for name, values in logs[0].items():
        np.testing.assert_allclose(logs[1][name], values, rtol=1e-5, atol=1e-6, err_msg=name)
    return models


def test_the_mlp_is_the_same():
    """Batches of 32, of which the last has 8 rows, with noise, statistics and validation rows."""
    one, many = require_equal(make_mlp, validation_split=0.1)
    fit(again := make_mlp(), validation_split=0.1, devices="all")
    assert difference(many, again) == 0
    assert difference(one, make_mlp()) > 0.01
    close(many.predict(X, devices=N), many.predict(X), 1e-6)
    close(many.evaluate(X, Y, verbose=0, devices=N), many.evaluate(X, Y, verbose=0), 1e-6)


def test_devices_share_the_rows_of_a_batch():
    """Oracle: the shapes of the arrays on each device while training."""
    shapes = []

    class Look(Callback):
        def update(self, memory, record):
            plan, data = record.chunk.plan, record.chunk.data
            shapes.append(
                [{s.data.shape for s in a.addressable_shards} for a in (plan.indices, data.x)]
            )
            assert len(record.train_state.params[0]["kernel"].sharding.device_set) == N
            return memory, None

    model = make_mlp()
    fit(model, devices=N, epochs=1, callbacks=[Look()])
    assert shapes == [[{(7, 32 // N)}, {(200, 6)}]]
    batches = [(X[i : i + 32], Y[i : i + 32]) for i in range(0, 200, 32)]
    shapes.clear()
    fit(model, batches, devices=N, epochs=1, callbacks=[Look()])
    assert shapes == [[{(64,)}, {(64, 32 // N, 6)}]]
    arrays = jax.tree.leaves((model._params, model._state, model._optimizer_state))
    assert all(len(array.sharding.device_set) == 1 for array in arrays)


def test_what_is_refused():
    text = rf"^devices: expected at most {N}, the number of CPU devices that JAX finds\. Received: devices={N + 1}\."
    with pytest.raises(ConfigError, match=text):
        fit(make_mlp(), devices=N + 1)
    text = rf"^batch_size: expected at least {N} rows, one for each device\. Received: batch_size={N - 1}\."
    with pytest.raises(ConfigError, match=text):
        fit(make_mlp(), devices=N, batch_size=N - 1)
    with pytest.raises(ConfigError, match=text):
        fit(make_mlp(), [(X[: N - 1], Y[: N - 1])], devices=N)
    for value in (0, -1, 1.5, True, "both", [0]):
        with pytest.raises(ConfigError, match=r'^devices: expected an int >= 1, "all" or None\.'):
            fit(make_mlp(), devices=value)
    for call in (make_mlp().predict, make_mlp().evaluate):
        with pytest.raises(ConfigError, match=r"^devices: expected at most"):
            call(X, devices=N + 1)


@slow
@pytest.mark.parametrize("batch_size", [30, 31, "full"])
def test_batches_that_do_not_divide_are_padded(batch_size):
    require_equal(make_mlp, batch_size=batch_size)


@slow
@pytest.mark.parametrize("n", range(2, N + 1))
def test_any_number_of_devices(n):
    require_equal(make_mlp, devices=n)


@slow
@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (L.LSTM, {}),
        (L.LSTM, {"recurrent_dropout": 0.2}),
        (L.GRU, {"return_sequences": True}),
        (L.SimpleRNN, {"go_backwards": True}),
    ],
)
def test_masked_sequences(kind, options):
    def make():
        layers = [L.Embedding(9, 4, mask_zero=True), kind(8, **options)]
        if options.get("return_sequences"):
            layers.append(L.GlobalAveragePooling1D())
        return compiled([*layers, L.Dense(3, activation="softmax")])

    require_equal(make, SEQUENCES, Y)


@slow
def test_images():
    """The first step within 1e-5; after it rounding grows, as from a start one ulp away."""

    def make():
        layers = [
            L.Input((8, 8, 1)),
            L.RandomFlip(),
            L.RandomTranslation(0.1, 0.1),
            L.Conv2D(4, 3, activation="relu"),
            L.MaxPooling2D(),
            L.Flatten(),
            L.Dense(3, activation="softmax"),
        ]
        return compiled(layers)

    require_equal(make, IMAGES, Y[:64], batch_size=64, epochs=1, tolerance=1e-5)
    models = make(), make()
    scores = [
        fit(model, IMAGES, Y[:64], devices=n, epochs=5).history["accuracy"][-1]
        for model, n in zip(models, (None, N), strict=True)
    ]
    assert scores[1] == pytest.approx(scores[0], abs=0.05)


@slow
@pytest.mark.parametrize("optimizer", ["sgd", "rmsprop", "adamw", "lion"])
def test_optimizers(optimizer):
    require_equal(
        lambda: make_mlp(optimizer=optimizer), tolerance=1e-6 if optimizer != "lion" else 1e-2
    )


@slow
def test_weights_of_rows_and_classes():
    weight = RNG.uniform(0.5, 2, size=200)
    require_equal(make_mlp, X, Y, sample_weight=weight, class_weight="balanced")


@slow
def test_penalties_and_exact_metrics():
    def make():
        layers = [L.Dense(8, "tanh", kernel_regularizer="l2"), L.Dense(1, "sigmoid")]
        return compiled(layers, loss="binary_crossentropy", metrics=("accuracy", "auc"))

    require_equal(make, X, Y == 1, validation_data=(X[:50], Y[:50] == 1))


@slow
def test_batches_of_a_function():
    def batches(epoch):
        order = np.random.default_rng(epoch).permutation(190)
        for start in range(0, 190, 30):
            yield X[order[start : start + 30]], Y[order[start : start + 30]]

    validation = [(X[:33], Y[:33]), (X[33:40], Y[33:40])]
    require_equal(make_mlp, batches, validation_data=validation)


@slow
def test_memory_maps(tmp_path):
    rows = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", np.float32, X.shape)
    rows[:] = X
    one, many = require_equal(make_mlp, rows, Y, batch_size=30, validation_split=0.2)
    close(many.predict(rows, devices=N), one.predict(X), 1e-5)


@slow
def test_tables():
    table = {f"x{i}": X[:, i].tolist() for i in range(6)} | {"y": [f"c{y}" for y in Y]}
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(table)
    one, many = require_equal(make_mlp, frame, target="y", validation_split=0.2)
    assert (many.predict_labels(frame) == one.predict_labels(frame)).mean() > 0.98


@slow
def test_callbacks_decide_the_same():
    def make():
        return make_mlp(dropout=0.0, optimizer=gn.optimizers.Adam(0.05))

    def callbacks():
        return [EarlyStopping("val_loss", patience=2), ReduceLROnPlateau("val_loss", patience=1)]

    models = make(), make()
    histories = [
        fit(model, devices=n, epochs=30, validation_split=0.2, callbacks=callbacks())
        for model, n in zip(models, (None, N), strict=True)
    ]
    assert len(histories[0].history["loss"]) == len(histories[1].history["loss"]) < 30
    assert difference(*models) < 1e-4
    assert models[0].learning_rate == pytest.approx(models[1].learning_rate)


@slow
def test_callbacks_use_the_model():
    """In an epoch, the model predicts, evaluates and is saved with the weights of that epoch."""
    seen = []

    class Use(gn.keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((self.model.predict(X[:5]), self.model.evaluate(X, Y, verbose=0)[0]))

    def make():
        layers = [gn.keras.layers.Dense(4), gn.keras.layers.Dense(3, activation="softmax")]
        model = gn.keras.Sequential(layers)
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        model.build((None, 6))
        return model

    first, second = make(), make()
    second.set_weights(first.get_weights())
    for model, devices in ((first, None), (second, N)):
        model.fit(X, Y, epochs=2, verbose=0, shuffle=False, callbacks=[Use()], devices=devices)
    for (p, loss), (q, other) in zip(seen[:2], seen[2:], strict=True):
        close(p, q, 1e-5)
        assert loss == pytest.approx(other, rel=1e-5)


@slow
def test_steps_are_observed():
    models = make_mlp(), make_mlp()
    one, many = (
        fit(model, devices=n, observe=True) for model, n in zip(models, (None, N), strict=True)
    )
    assert len(one.observations) == len(many.observations) > 3
    for a, b in zip(one.observations, many.observations, strict=True):
        assert (a.epoch, a.step) == (b.epoch, b.step)
        np.testing.assert_allclose(a.values, b.values, rtol=1e-4, atol=1e-6)


@slow
def test_divergence_is_found_by_the_same_replay():
    def make():
        return compiled([L.Dense(8), L.Dense(1)], gn.optimizers.SGD(1e6), "mse", ())

    models, reasons = (make(), make()), []
    for model, n in zip(models, (None, N), strict=True):
        with pytest.warns(TrainingWarning, match="Training stopped in epoch 1, step"):
            reasons.append(fit(model, X, Y.astype(float), devices=n).stopped)
    assert reasons[0] == reasons[1]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)


@slow
def test_a_model_changes_devices(tmp_path):
    """A fit after a fit, a file, a trace and views do not depend on the devices before."""
    one, many = require_equal(make_mlp)
    fit(one)
    fit(many, devices=2)
    fit(one)
    fit(many)
    assert difference(one, many) < 3e-6
    many.save(tmp_path / "model.glassnet")
    loaded = gn.load(tmp_path / "model.glassnet")
    assert difference(loaded, many) == 0
    fit(loaded, devices=N)
    fit(one)
    assert difference(loaded, one) < 5e-6
    close(many.trace(X[:3], Y[:3]).loss, make_loss(many), 1e-6)
    assert gn.inspection.weights(many) is not None


def make_loss(model):
    return model.evaluate(X[:3], Y[:3], verbose=0)[0]


@slow
def test_resume(tmp_path):
    """A run goes on with the same bits on the same devices, and warns on others."""

    class Stop(Exception):
        pass

    class Kill(Callback):
        def update(self, memory, record):
            if record.epoch == 1:
                raise Stop
            return memory, None

    unbroken = make_mlp()
    fit(unbroken, devices=N, epochs=4)
    for folder, devices in (("same", N), ("other", None)):
        with pytest.raises(Stop):
            fit(make_mlp(), devices=N, epochs=4, callbacks=[Kill()], resume=tmp_path / folder)
        model = make_mlp()

        class Wait(Callback):
            pass

        Wait.__name__ = Wait.__qualname__ = "Kill"
        if devices:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                fit(model, devices=N, epochs=4, callbacks=[Wait()], resume=tmp_path / folder)
            assert difference(model, unbroken) == 0
        else:
            text = f"was computed with devices {N}, now 1. It continues, but its results may differ"
            with pytest.warns(TrainingWarning, match=text):
                fit(model, epochs=4, callbacks=[Wait()], resume=tmp_path / folder)
            assert 0 < difference(model, unbroken) < 1e-6


@slow
def test_the_findings_are_the_same():
    rows, labels = RNG.normal(size=(200, 6)).astype(np.float32), Y
    models = make_mlp(), make_mlp()
    histories = [
        fit(model, rows, labels, devices=n, epochs=20, validation_split=0.3)
        for model, n in zip(models, (None, N), strict=True)
    ]
    names = [[finding.rule for finding in history.findings] for history in histories]
    assert names[0] == names[1]
    assert names[0]


@slow
def test_unknown_lengths():
    def make():
        return compiled([L.Input((None, 2)), L.GRU(4), L.Dense(3, activation="softmax")])

    def batches():
        for i, length in enumerate((4, 7, 5, 7)):
            rows = np.random.default_rng(i).normal(size=(30, length, 2)).astype(np.float32)
            yield rows, Y[:30]

    require_equal(make, batches)


@slow
def test_a_wrong_batch_ends_the_fit():
    def batches():
        yield X[:32], Y[:32]
        yield X[:32, :3], Y[:32]

    with pytest.raises(DataError, match=r"^batch 2 of epoch 1"):
        fit(make_mlp(), batches, devices=N)


LINKS = {
    "Dense": [L.Dense(8)],
    "BatchNormalization": [L.Dense(8), L.BatchNormalization()],
    "LayerNormalization": [L.Dense(8), L.LayerNormalization()],
    "Dropout": [L.Dense(8), L.Dropout(0.5)],
    "GaussianNoise": [L.GaussianNoise(0.5), L.Dense(8)],
    "Conv1D": [L.Reshape((6, 1)), L.Conv1D(4, 3), L.MaxPooling1D(), L.Flatten()],
    "Conv2D": [L.Reshape((3, 2, 1)), L.Conv2D(4, 2, padding="same"), L.GlobalMaxPooling2D()],
    "DepthwiseConv2D": [L.Reshape((3, 2, 1)), L.DepthwiseConv2D(2), L.Flatten()],
    "augmentation": [L.Reshape((3, 2, 1)), L.RandomFlip(), L.RandomRotation(0.1), L.Flatten()],
    "LSTM": [L.Reshape((3, 2)), L.LSTM(4)],
    "LSTM with masks": [L.Reshape((3, 2)), L.Masking(), L.LSTM(4)],
    "recurrent dropout": [L.Reshape((3, 2)), L.SimpleRNN(4, recurrent_dropout=0.5)],
    "GRU": [L.Reshape((3, 2)), L.GRU(4, return_sequences=True), L.Flatten()],
    "Bidirectional": [L.Reshape((3, 2)), L.Bidirectional(L.SimpleRNN(4))],
    "TimeDistributed": [L.Reshape((3, 2)), L.TimeDistributed(L.Dense(4)), L.Flatten()],
    "Residual": [L.Residual([L.Dense(6, activation="relu"), L.Dense(6)])],
    "Parallel": [L.Parallel([[L.Dense(4)], [L.Dense(4)]])],
}


def read_collectives(model):
    """Return the collectives of a step of 32 rows on all devices."""
    model.predict(X[:1])
    placement, setup = find_placement("all"), model._get_setup()
    program = setup.make_program()
    state = reset_epoch_sums(program, setup.make_train_state(program, 0, 0, placement), 2)
    plan = make_plan_fn(64, 32, seed=0, shuffle=True, placement=placement)(0)
    data = placement.put(Data(X[:64], Y[:64].astype(np.int32)))
    return count_collectives(program, state, Chunk(data, plan, 2))


@slow
@pytest.mark.parametrize("name", LINKS)
def test_no_step_gathers_data(name):
    """Oracle: the compiled program. A device that gathered a batch would compute all of it."""
    layers = [L.Input(6), *LINKS[name], L.Dense(3, activation="softmax")]
    assert set(read_collectives(compiled(layers)).counts) == {"all-reduce"}


def test_one_operation_adds_up_the_gradients():
    """An MLP adds its weights' gradients with the loss at once; then the number of rows and hits.

    By hand: 6 * 8 + 8 + 8 * 3 + 3 = 83 gradients and the loss; the number of real rows; the hits
    and the number of rows of the accuracy; 4 bytes each.
    """
    model = compiled([L.Input(6), L.Dense(8, activation="relu"), L.Dense(3, activation="softmax")])
    assert read_collectives(model) == ({"all-reduce": 3}, 4 * (83 + 1 + 1 + 2))
