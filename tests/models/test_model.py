"""The public methods of Sequential: predict, evaluate, weights, layers, summary, and their errors."""

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import EarlyStopping
from glassnet.engine import placement
from glassnet.engine.placement import copy_aligned
from glassnet.errors import ConfigError, DataError, NotReadyError
from glassnet.layers import BatchNormalization, Dense, Dropout, Input, Layer, Normalization
from glassnet.optimizers import SGD, Adam
from glassnet.testing import compilations
from nets import ROWS, SPARSE, X, Y, fit_noisy, line_model, noisy_model, plain_model, same_bits
from oracles import close


def test_reset_forgets_everything():
    model = noisy_model()
    first = fit_noisy(model, 2).history
    model.learning_rate = 0.5
    model.reset()
    assert (model.epoch, model.learning_rate) == (0, 0.02)
    assert fit_noisy(model, 2).history == first
    model.reset(seed=1)
    assert fit_noisy(model, 2).history == fit_noisy(noisy_model(seed=1), 2).history


def test_evaluate_returns_what_keras_returns():
    model = plain_model()
    loss = model.evaluate(X, Y)
    assert isinstance(loss, float)
    model.compile(SGD(0.1), SPARSE, ["accuracy"])
    assert model.evaluate(X, Y) == [loss, model.evaluate(X, Y, return_dict=True)["accuracy"]]
    p = model.predict(X)
    close(loss, -np.log(p[np.arange(ROWS), Y]).mean())
    weight = np.linspace(0, 2, ROWS)
    close(
        model.evaluate(X, Y, sample_weight=weight)[0],
        (weight * -np.log(p[np.arange(ROWS), Y])).mean(),
    )


def test_arrays_handed_out_are_copies():
    model = noisy_model()
    fit_noisy(model, 1)
    weights, predicted = model.get_weights(), model.predict(X)
    arrays = [
        *model.get_weights(),
        model.predict(X),
        model.predict(X[:1]),
        *model.layers[0].get_weights(),
    ]
    arrays += [value for layer in model.params.values() for value in layer.values()]
    for array in arrays:
        array[...] = 0
    np.testing.assert_array_equal(model.predict(X), predicted)
    copies = [w.copy() for w in weights]
    model.set_weights(copies)
    for array in copies:
        array[...] = 0
    np.testing.assert_array_equal(model.predict(X), predicted)


def test_predictions_do_not_depend_on_the_number_of_rows():
    """Oracle: a relation, at each block size (1, 8, 64, 512, 4096) and with one row more."""
    model = noisy_model()
    fit_noisy(model, 1)
    rows = np.random.default_rng(1).normal(size=(5000, 4))
    predicted = model.predict(rows)
    assert predicted.shape == (5000, 3)
    assert predicted.dtype == np.float32
    close(predicted.sum(1), np.ones(5000))
    for n in (1, 7, 8, 9, 64, 65, 512, 513, 4096, 4097):
        close(model.predict(rows[-n:]), predicted[-n:])


def test_predict_compiles_once_per_block_size():
    """Oracle: counting. The block sizes are 1, 8, 64, 512 and 4096 rows."""
    model = gn.Sequential([Input(4), Dense(7, activation="tanh")], seed=0)
    rows = np.zeros((9000, 4), np.float32)
    for n, programs in (
        (1, 1),
        (2, 1),
        (8, 0),
        (9, 1),
        (37, 0),
        (65, 1),
        (512, 0),
        (513, 1),
        (4096, 0),
        (4097, 0),
        (9000, 0),
    ):
        with compilations() as compiled:
            model.predict(rows[:n])
        assert len(compiled) == programs, n


def test_weights_are_copied_to_the_device_once(monkeypatch):
    """Oracle: counting. Weights that were set are NumPy arrays, which JAX would copy every time.

    New weights are used at once.
    """
    copies = []
    model = plain_model()
    weights = model.get_weights()
    monkeypatch.setattr(
        placement, "copy_aligned", lambda a: copies.append(a.shape) or copy_aligned(a)
    )
    first = model.predict(X)
    assert len(copies) == len(weights) == 4
    np.testing.assert_array_equal(model.predict(X), first)
    assert len(copies) == 4
    model.set_weights([2 * weight for weight in weights])
    assert not np.allclose(model.predict(X), first)
    assert len(copies) == 8
    model.set_weights(weights)
    np.testing.assert_array_equal(model.predict(X), first)


def test_predict_does_not_unfold_the_layers_again(monkeypatch):
    """Oracle: counting. Unfolding takes longer than the network of one row."""
    model = plain_model()
    model.predict(X)
    calls = []
    monkeypatch.setattr(Dense, "unfold", lambda self: calls.append(self) or (self,))
    model.predict(X)
    assert calls == []


def test_predict_returns_the_output_of_the_last_layer():
    """Oracle: NumPy. The output is probabilities after a softmax, and scores without one."""
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
    """Oracle: by hand. The threshold is 0.5 for a sigmoid and 0 for its logit.

    One output gives labels of shape (n,), K outputs give (n, K).
    """
    z = np.array([[-0.1, 0.1], [0.6, -0.6], [3, 3]])[:, :outputs]
    for activation, logits in (("sigmoid", False), (None, True)):
        model = gn.Sequential([Input(outputs), Dense(outputs, activation=activation)])
        model.compile(loss=gn.losses.BinaryCrossentropy(from_logits=logits))
        model.set_weights([np.eye(outputs), np.zeros(outputs)])
        labels = (z > 0).astype(int)
        expected = labels[:, 0] if outputs == 1 else labels
        np.testing.assert_array_equal(model.predict_labels(z), expected)


def test_accuracy_of_logits_has_threshold_zero():
    """Oracle: by hand. z = -2, 0.2, 0.4, 3 for the classes 0, 1, 1, 1 are all correct.

    Keras uses the threshold 0.5 for logits too, and counts 0.2 and 0.4 as class 0.
    """
    model = gn.Sequential([Input(1), Dense(1)])
    model.compile(loss=gn.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
    model.set_weights([[[1]], [0]])
    assert model.evaluate([-2, 0.2, 0.4, 3], [0, 1, 1, 1])[1] == 1.0


def test_get_and_set_weights():
    """Oracle: Keras's order: for each layer its parameters, then its statistics."""
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


def test_layers_are_those_of_the_list():
    model = noisy_model()
    fit_noisy(model, 1)
    assert [view.name for view in model.layers] == [
        "dense_1",
        "batch_normalization_1",
        "dropout_1",
        "dense_2",
    ]
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
    """Oracle: by hand. 4*6 + 6 = 30, 4*6 = 24 (12 of them statistics) and 6*3 + 3 = 21 make 75."""
    model = noisy_model()
    fit_noisy(model, 0)
    model.summary()
    out = capsys.readouterr().out
    assert [(line.split()[0], line.split()[-1]) for line in out.splitlines()[2:6]] == [
        ("dense_1", "30"), ("batch_normalization_1", "24"), ("dropout_1", "0"), ("dense_2", "21"),
    ]  # fmt: skip
    assert "75 weights: 63 trainable, 12 not trainable" in out
    assert model.count_params() == 75


def test_add_builds_the_same_network():
    listed, added = plain_model(), gn.Sequential(seed=0)
    for layer in (Input(4), Dense(5, activation="tanh"), Dense(3, activation="softmax")):
        added.add(layer)
    assert same_bits(listed, added)


def test_equal_programs_compile_once():
    """Oracle: counting. A new model, compile, learning rate or seed compiles nothing again."""
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


@pytest.mark.parametrize(
    ("last", "y", "loss", "because"),
    [
        (
            Dense(3, activation="softmax"),
            Y,
            gn.losses.SparseCategoricalCrossentropy(),
            "the last layer is a softmax",
        ),
        (
            Dense(1, activation="sigmoid"),
            Y % 2,
            gn.losses.BinaryCrossentropy(),
            "a sigmoid and the targets are 0 or 1",
        ),
        (
            Dense(3),
            Y,
            gn.losses.SparseCategoricalCrossentropy(True),
            "gives 3 scores and each target is one class",
        ),
        (
            Dense(1),
            Y / 2,
            gn.losses.MeanSquaredError(),
            "ends in linear and the targets are numbers",
        ),
    ],
    ids=["softmax", "sigmoid", "scores", "numbers"],
)
def test_fit_infers_what_compile_left_out(last, y, loss, because, capsys):
    """Oracle: a relation. The loss in the table of `objective.infer_loss` trains to the same bits."""
    inferred, named = gn.Sequential([last], seed=0), gn.Sequential([last], seed=0)
    log = inferred.fit(X, y).history
    out = capsys.readouterr().out
    assert re.match(rf"^loss: {type(loss).__name__}, as .*{because}; optimizer: Adam\n", out)
    named.compile("adam", loss, ["accuracy"] if "accuracy" in log else [])
    assert ("accuracy" in log) == (not isinstance(loss, gn.losses.MeanSquaredError))
    assert named.fit(X, y, verbose=0).history == log
    assert inferred.learning_rate == 0.001


def test_inferring_the_loss_keeps_the_optimizer_and_its_rate(capsys):
    model = gn.Sequential([Dense(1)], seed=0)
    model.compile("sgd", metrics=["mae"])
    model.learning_rate = 0.25
    assert list(model.fit(X, Y / 2).history) == ["loss", "mae"]
    assert "optimizer: SGD" in capsys.readouterr().out
    assert model.learning_rate == 0.25


def test_a_failed_first_fit_leaves_no_trace():
    """Rejected data build nothing, infer no loss and draw no weights."""
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
    for bad in (
        {"x": X[:, :2], "y": Y},
        {"x": X, "y": Y + 5},
        {"x": X, "y": Y, "callbacks": [EarlyStopping()]},
    ):
        with pytest.raises((DataError, ConfigError)):
            model.fit(**bad, verbose=0)
    assert model.history is log
    assert model.epoch == 1
    assert all(np.array_equal(a, b) for a, b in zip(weights, model.get_weights(), strict=True))


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"epochs": -1}, r"fit: expected epochs to be an int >= 0\. Received: epochs=-1"),
        (
            {"shuffle": "batch"},
            r"fit: expected True or False\. Received: shuffle='batch', observe=None",
        ),
        (
            {"observe": "yes"},
            r"fit: expected True or False\. Received: shuffle=True, observe='yes'",
        ),
        ({"epochs": 1.5}, r"fit: expected epochs to be an int >= 0\. Received: epochs=1\.5"),
        (
            {"batch_size": 0},
            r'fit: expected batch_size to be an int >= 1 or "full"\. Received: batch_size=0',
        ),
        ({"batch_size": "all"}, r"batch_size='all'"),
        ({"seed": -1}, r"fit: expected seed to be an int >= 0 or None\. Received: seed=-1"),
        ({"verbose": 3}, r'fit: expected verbose to be "auto", 0, 1 or 2\. Received: verbose=3'),
        (
            {"validation_split": 1.0},
            r"validation_split: expected a fraction from 0 to below 1\. Received: validation_split=1\.0",
        ),
        (
            {"validation_split": 0.2, "validation_from": "start"},
            r'validation_from: expected "random" or "end"\. Received: .*\'start\'',
        ),
    ],
)
def test_arguments_out_of_range(options, text):
    with pytest.raises(ConfigError, match=text):
        plain_model().fit(X, Y, **({"verbose": 0} | options))


def test_without_weights():
    model = gn.Sequential([Dense(3, activation="softmax")])
    fix = r"expected a model that knows its input's shape\. Add Input\(shape\) as the first layer, or fit it first"
    for method in ("count_params", "get_weights"):
        with pytest.raises(NotReadyError, match=f"{method}: {fix}"):
            getattr(model, method)()
    with pytest.raises(NotReadyError, match=f"params: {fix}"):
        _ = model.params
    with pytest.raises(NotReadyError, match=f"set_weights: {fix}"):
        model.set_weights([])
    view = model.layers[0]
    for call in (
        lambda: view.input_shape,
        lambda: view.output_shape,
        view.get_weights,
        view.count_params,
        lambda: view.set_weights([]),
    ):
        with pytest.raises(NotReadyError, match=f"layers: {fix}"):
            call()
    with pytest.raises(NotReadyError, match=f"evaluate: {fix}"):
        model.evaluate(X, Y)


def test_without_a_loss():
    model = gn.Sequential([Input(4), Dense(3)])
    with pytest.raises(
        NotReadyError, match=r"evaluate: expected a model with a loss\. Call compile or fit first"
    ):
        model.evaluate(X, Y)
    with pytest.raises(
        NotReadyError, match=r"learning_rate: expected a compiled model\. Call compile or fit first"
    ):
        _ = model.learning_rate
    with pytest.raises(NotReadyError, match="learning_rate: expected a compiled model"):
        model.learning_rate = 0.1


def test_normalization_without_statistics():
    model = gn.Sequential([Input(4), Normalization(), Dense(1)])
    model.compile(loss="mse")
    text = r"normalization_1: expected statistics learned from data\. Fit the model, or replace the layer by layer\.adapt\(x\)"
    with pytest.raises(NotReadyError, match=text):
        model.predict(X)
    with pytest.raises(NotReadyError, match=text):
        model.evaluate(X, Y)
    adapted = gn.Sequential([Input(4), Normalization().adapt(X)])
    close(adapted.predict(X), (X - X.mean(0)) / X.std(0), 1e-5)


@pytest.mark.parametrize("rate", [0, -1.0, float("nan"), "fast", None, True])
def test_invalid_learning_rates(rate):
    model = plain_model()
    with pytest.raises(
        ConfigError,
        match=rf"learning_rate: expected a number > 0.*Received: learning_rate={rate!r}",
    ):
        model.learning_rate = rate
    assert model.learning_rate == 0.1


def test_weights_of_wrong_shape():
    model = plain_model()
    before = model.get_weights()
    with pytest.raises(DataError, match=r"set_weights: expected 4 arrays\. Received: arrays=1"):
        model.set_weights([1])
    with pytest.raises(
        DataError,
        match=r"dense_1/kernel: expected an array of shape \(4, 5\)\. Received: shape=\(5, 4\)",
    ):
        model.set_weights([before[0].T, *before[1:]])
    with pytest.raises(DataError, match=r"set_weights: expected 2 arrays\. Received: arrays=3"):
        model.layers[1].set_weights(before[:3])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_labels_of_a_regression_network():
    with pytest.raises(
        ConfigError,
        match=r"predict_labels: expected a network that predicts classes\. Received: ends_in='linear'.*use predict",
    ):
        line_model(SGD()).predict_labels([1.0])


def test_unknown_names():
    model = plain_model()
    with pytest.raises(
        ConfigError,
        match=r"layer: expected one of dense_1, dense_2\. Received: name='dence_2'\. Did you mean 'dense_2'\?",
    ):
        model.get_layer("dence_2")
    with pytest.raises(ConfigError, match=r"optimizer: expected one of .*Did you mean 'adam'\?"):
        model.compile("adm")
    with pytest.raises(ConfigError, match=r"Did you mean 'sparse_categorical_crossentropy'\?"):
        model.compile(loss="sparse_crossentropy")
    with pytest.raises(ConfigError, match=r"metric: expected one of .*Did you mean 'accuracy'\?"):
        model.compile(metrics=["acuracy"])
    with pytest.raises(
        ConfigError, match=r"optimizer: expected a name or an Optimizer\. Received: optimizer=3"
    ):
        model.compile(3)
    assert model.learning_rate == 0.1


class Doubled(Layer):
    """A layer class without its decorator."""


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        (
            lambda: [Dense],
            r"expected layers\. Received: received='Dense'\. This is the class\. Write Dense\(\.\.\.\)",
        ),
        (
            lambda: [np.tanh],
            r"expected layers\. Received: .*Write a function as Activation\(function\)",
        ),
        (
            lambda: [Doubled()],
            r"Doubled: expected a frozen dataclass\..*Write @dataclass\(frozen=True\) above class Doubled",
        ),
        (
            lambda: [Dense(1, name="a"), Dense(1, name="a")],
            r"expected a unique name for each layer\..*duplicates: \['a'\]",
        ),
        (
            lambda: [Dense(1), Input(3)],
            r"expected one Input, before all other layers\. Received: layers=\['Dense', 'Input'\]",
        ),
        (
            lambda: [Input(3), Input(3)],
            r"expected one Input, before all other layers\. Received: layers=\['Input', 'Input'\]",
        ),
        (
            lambda: Dense(1),
            r"expected a list of layers, Sequential\(\[\.\.\.\]\)\. Received: type='Dense'",
        ),
        (lambda: [Dense(0)], r"Dense: expected units to be an int >= 1\. Received: units=0"),
        (
            lambda: [Dense(2, activation="rellu")],
            r"activation: expected one of .*Received: name='rellu'\. Did you mean 'relu'\?",
        ),
        (
            lambda: [Dropout(1.0)],
            r"Dropout: expected rate from 0 to below 1.*Received: rate=1\.0\. A rate of 1 would zero everything",
        ),
    ],
    ids=[
        "class",
        "function",
        "undecorated",
        "name-twice",
        "late-input",
        "two-inputs",
        "no-list",
        "units-0",
        "activation",
        "dropout-1",
    ],
)
def test_invalid_layers(layers, text):
    with pytest.raises(ConfigError, match=text):
        gn.Sequential(layers())


def test_invalid_models():
    with pytest.raises(
        ConfigError,
        match=r"Sequential: expected seed to be an int >= 0 or None\. Received: seed=-1",
    ):
        gn.Sequential(seed=-1)
    with pytest.raises(
        ConfigError, match=r"reset: expected seed to be an int >= 0 or None\. Received: seed=0\.5"
    ):
        plain_model().reset(0.5)
    with pytest.raises(
        ConfigError, match=r"Sequential: expected at least one layer\. Received: layers=\[\]"
    ):
        gn.Sequential().fit(X, Y)
    model = plain_model()
    model.count_params()
    with pytest.raises(
        ConfigError,
        match=r"add: expected a model without weights\. Add all layers before the model is first used",
    ):
        model.add(Dense(1))
