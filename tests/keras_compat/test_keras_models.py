"""`keras.Sequential` behaves like Keras's.

Oracles, unless a test names another: Keras's documentation, and `glassnet.Sequential`.
"""

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, DataError, NotReadyError
from glassnet.keras.layers import Dense
from oracles import EXACT, FLOAT32, close, import_keras

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.float32)


def classifier(**options):
    model = keras.Sequential([Dense(4, "relu", input_shape=(3,)), Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy", **options)
    return model


@pytest.mark.parametrize(
    "shape",
    [
        {"input_shape": (3,)},
        {"input_shape": [3]},
        {"input_dim": 3},
        {"batch_input_shape": (None, 3)},
        {"batch_shape": (None, 3)},
    ],
    ids=str,
)
def test_a_first_layer_says_its_input(shape):
    model = keras.Sequential([Dense(2, **shape), Dense(1, input_shape=(99,))])
    assert (model.input_shape, model.output_shape, model.count_params()) == (
        (None, 3),
        (None, 1),
        11,
    )


def test_an_input_may_stand_in_front():
    for front in (
        keras.Input(shape=(3,)),
        keras.layers.InputLayer(input_shape=(3,)),
        keras.Input(batch_shape=(None, 3)),
        keras.Input(3),
    ):
        model = keras.models.Sequential()
        model.add(front)
        model.add(Dense(2, input_shape=(3,)))
        assert model.input_shape == (None, 3)
    model = keras.Sequential([Dense(2)])
    model.build((None, 3))
    model.build((None, 3))
    assert model.count_params() == 8
    for shape in (None, ()):
        with pytest.raises(
            ConfigError, match=r"Input: expected the shape of one example\. Received: shape="
        ):
            keras.Input(shape)


def test_it_holds_a_glassnet_model():
    model = classifier()
    assert type(model.glassnet_model) is gn.Sequential
    assert isinstance(model, keras.Model)
    assert isinstance(model.glassnet_model, keras.Model)
    assert not isinstance(model.layers[0], keras.Model)
    assert isinstance(model.layers[0], keras.layers.Dense)
    assert isinstance(model.layers[0], keras.layers.Layer)
    assert model.trace(X[:1], Y[:1]).output.shape == (1, 1)
    assert model.layers[0].glassnet_layer == gn.layers.Dense(4, "relu")
    assert [weights.shape for weights in model.layers[0].get_weights()] == [(3, 4), (4,)]
    assert (model.name, keras.Sequential(name="mine").name) == ("sequential", "mine")


def test_fit_is_glassnets_fit():
    """Arguments in Keras's order give the same numbers, bit for bit."""
    ours = gn.Sequential(
        [gn.layers.Input(3), gn.layers.Dense(4, "relu"), gn.layers.Dense(1, "sigmoid")], seed=0
    )
    ours.compile("sgd", "binary_crossentropy", ["accuracy"])
    expected = ours.fit(X, Y, 16, 3, 0, validation_split=0.25, class_weight={0: 2.0, 1: 1.0})
    model = classifier(metrics=["accuracy"])
    got = model.fit(
        X, Y, 16, 3, False, None, 0.25, None, True, {0: 2.0, 1: 1.0}, None, 0, 2, 1, 10, 1
    )
    assert got.history == expected.history
    assert got.epoch == [0, 1, 2]
    assert model.history is got
    close(model.evaluate(X, Y, 16, 0), ours.evaluate(X, Y, batch_size=16), EXACT)
    close(model.predict(X, 16, 0, steps=3), ours.predict(X), EXACT)
    close(model(X[:2]), ours.predict(X[:2]), EXACT)
    assert model.evaluate(X, Y, return_dict=True, steps=2) == ours.evaluate(X, Y, return_dict=True)
    weights = np.arange(40) / 20
    assert model.evaluate(X, Y, sample_weight=weights) == ours.evaluate(X, Y, weights)


def test_initial_epoch_leaves_epochs_out():
    model = classifier()
    model.fit(X, Y, epochs=2, verbose=0)
    assert model.fit(X, Y, epochs=5, initial_epoch=2, verbose=0).epoch == [2, 3, 4]


def test_validation_data_are_counted_in_validation_steps():
    model = classifier()
    history = model.fit(
        X,
        Y,
        verbose=0,
        validation_data=(X[:20], Y[:20]),
        steps_per_epoch=2,
        validation_steps=2,
        validation_batch_size=10,
    )
    assert list(history.history) == ["loss", "val_loss"]
    with pytest.raises(DataError, match="validation_data"):
        model.fit(X, Y, verbose=0, validation_data=X)
    for wrong in (0, "half"):
        with pytest.raises(ConfigError, match=r"fit: expected batch_size to be an int >= 1"):
            model.fit(X, Y, wrong, verbose=0, steps_per_epoch=1)


def test_steps_count_the_rows_of_a_table_not_its_columns():
    """Oracle: the same table as a frame; `steps` only says that all rows are used."""
    frame = pd.DataFrame(X, columns=list("abc")).assign(up=Y)
    model = keras.Sequential([Dense(1, "sigmoid")], seed=0)
    model.compile("sgd", "binary_crossentropy")
    model.fit(frame, target="up", verbose=0)
    features = frame.drop(columns="up")
    for table in (frame, frame.to_dict("list"), frame.to_dict("records")):
        close(model.evaluate(table, steps=2), model.evaluate(frame))
        assert len(model.predict(table, steps=2)) == 40
        with pytest.raises(ConfigError, match="2 batches, which cover all 40 rows"):
            model.evaluate(table, steps=1)
        for data in (table, (features.to_dict("list"), Y)):
            model.fit(
                frame, verbose=0, validation_data=data, validation_steps=2, validation_batch_size=20
            )


REFUSED = {
    "fit: expected initial_epoch to be an int from 0 to epochs. Received: initial_epoch=3, epochs=2": lambda m: (
        m.fit(X, Y, epochs=2, initial_epoch=3)
    ),
    "fit: expected validation_freq=1": lambda m: m.fit(X, Y, validation_freq=2),
    "steps_per_epoch: expected None, or 2 batches, which cover all 40 rows. Received: steps=1": lambda m: (
        m.fit(X, Y, steps_per_epoch=1)
    ),
    "validation_steps: expected None, or 1 batches, which cover all 10 rows. Received: steps=5": lambda m: (
        m.fit(X, Y, validation_split=0.25, validation_steps=5)
    ),
    "evaluate: steps: expected None, or 2 batches": lambda m: m.evaluate(X, Y, steps=1),
    "predict: steps: expected None, or 2 batches": lambda m: m.predict(X, steps=1),
    "validation_steps: expected None, or 2 batches, which cover all 10 rows": lambda m: m.fit(
        X, Y, validation_split=0.25, validation_steps=1, validation_batch_size=5
    ),
    "Sequential: expected a list of layers, Sequential([...]). Received: type='str'": lambda m: (
        keras.Sequential("Dense")
    ),
    "learning_rate: expected a number > 0": lambda m: setattr(m.optimizer, "learning_rate", 0),
    "predict: expected callbacks=None": lambda m: m.predict(X, callbacks=[1]),
    "evaluate: expected callbacks=None": lambda m: m.evaluate(X, Y, callbacks=[1]),
    "compile: expected loss_weights=None": lambda m: m.compile("sgd", "mse", loss_weights=[1]),
    "compile: expected weighted_metrics=None": lambda m: m.compile(
        "sgd", "mse", weighted_metrics=["mae"]
    ),
    "Sequential: expected layers. Received: received='Dense'. This is the class: write Dense(...)": lambda m: (
        keras.Sequential([Dense])
    ),
    "get_layer: expected an index below 2": lambda m: m.get_layer(index=2),
    "sequential: expected the shape of its input, (None, 3). Received: input_shape=(None, 4)": (
        lambda m: m(keras.Input((4,)))
    ),
    "optimizer: expected only learning_rate to be set. Received: name='momentum'. To change another": lambda m: (
        setattr(m.optimizer, "momentum", 0.9)
    ),
    "Model: expected inputs from keras.Input. Received: received=1": lambda m: keras.Model(
        inputs=1, outputs=2
    ),
    "Dense: expected no subclass of it": lambda m: type(
        "Mine", keras.layers.Dense.__mro_entries__(()), {}
    ),
    "Layer: expected a subclass. Define call, or write": lambda m: keras.layers.Layer(),
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused(words):
    with pytest.raises(ConfigError) as error:
        REFUSED[words](classifier())
    assert words in str(error.value)


@pytest.mark.parametrize("method", ["fit", "evaluate"])
def test_arrays_without_targets_are_refused(method):
    with pytest.raises(DataError, match=r"y: expected targets\. Received: x='ndarray', y=None\."):
        getattr(classifier(), method)(X)


def test_model_cannot_be_derived_from():
    with pytest.raises(
        ConfigError, match=r"Model: expected a graph of layers.*keras\.Model\(inputs, "
    ):

        class Mine(keras.Model):
            pass


STRINGS = ["acc", "accuracy", "mse", "MSE", "mae", "MAE", "mape", "mean_squared_error", "MeanSquaredError", "AUC", "auc", "Precision",
           "binary_accuracy", "BinaryAccuracy", "kl_divergence", "Accuracy"]  # fmt: skip


def test_history_has_kerass_keys():
    """Oracle: Keras's own history of the same model."""
    real, keys = import_keras(), []
    for k in (keras, real):
        model = k.Sequential([k.Input(shape=(3,)), k.layers.Dense(1, activation="sigmoid")])
        model.compile("sgd", "binary_crossentropy", metrics=STRINGS)
        keys.append(sorted(model.fit(X, Y, verbose=0, validation_data=(X, Y)).history))
    assert keys[0] == keys[1]


def test_metrics_may_be_functions_and_objects():
    metrics = [
        keras.metrics.mean_absolute_error,
        keras.losses.mean_squared_error,
        keras.metrics.AUC(name="area"),
        keras.metrics.Recall,
    ]
    history = classifier(metrics=metrics).fit(X, Y, verbose=0).history
    assert list(history) == ["loss", "mean_absolute_error", "mean_squared_error", "area", "recall"]
    assert keras.metrics.Precision(name=None).name == "precision"
    assert list(classifier(metrics="acc").fit(X, Y, verbose=0).history) == ["loss", "acc"]


@pytest.mark.parametrize(
    "loss",
    [
        "mse",
        "MSE",
        "MeanSquaredError",
        keras.losses.mean_squared_error,
        keras.losses.MeanSquaredError,
    ],
)
def test_losses_in_all_spellings(loss):
    model = keras.Sequential([Dense(1, input_shape=(3,))], seed=0)
    model.compile("Adam", loss)
    assert model.glassnet_model._loss == gn.losses.MeanSquaredError()
    with pytest.raises(ConfigError, match=r"loss: expected one of .*name='mean_squared'"):
        model.compile("Adam", "mean_squared")


@pytest.mark.parametrize(
    "optimizer",
    [
        "adam",
        "Adam",
        "ADAM",
        keras.optimizers.Adam,
        keras.optimizers.Adam(),
        keras.optimizers.legacy.Adam,
    ],
)
def test_optimizers_in_all_spellings(optimizer):
    model = keras.Sequential([Dense(1)])
    assert model.optimizer is None
    model.compile(optimizer, "mse", run_eagerly=True, jit_compile=False)
    assert model.glassnet_model.optimizer == gn.optimizers.Adam()
    assert (model.optimizer.learning_rate, model.optimizer.beta_1) == (pytest.approx(0.001), 0.9)
    model.optimizer.learning_rate = 0.5
    assert model.optimizer.learning_rate == model.learning_rate == 0.5


def test_accuracy_of_logits():
    """For z = -2, 0.2, 3, -0.1 all four are correct at threshold 0, three at 0.5 (as in Keras)."""
    z, y = np.float32([[-2], [0.2], [3], [-0.1]]), [0, 1, 1, 0]
    model = keras.Sequential([Dense(1, "linear", False, "ones", input_shape=(1,))])
    for metric in (
        "accuracy",
        "binary_accuracy",
        "BinaryAccuracy",
        keras.metrics.BinaryAccuracy(),
        keras.metrics.binary_accuracy,
    ):
        model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True), metrics=[metric])
        assert model.evaluate(z, y)[1] == 1.0
        model.compile("sgd", "mse", metrics=[metric])
        assert model.evaluate(z, y)[1] == 0.75
    model.compile(
        "sgd",
        keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.BinaryAccuracy(threshold=2.5)],
    )
    assert model.evaluate(z, y)[1] == 0.75
    many = keras.Sequential([keras.layers.Reshape((3,), input_shape=(3,))])
    many.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    assert many.evaluate(np.eye(3) - 5, [0, 1, 2])[1] == 1.0


def test_seeds_are_drawn_from_one(monkeypatch):
    def weights():
        keras.utils.set_random_seed(3)
        models = [keras.Sequential([Dense(2, input_shape=(3,))]) for _ in range(2)]
        return [model.get_weights()[0] for model in models] + [np.random.random(2)]  # noqa: NPY002

    first, second = weights(), weights()
    for a, b in zip(first, second, strict=True):
        close(a, b, EXACT)
    assert not np.array_equal(first[0], first[1])
    with pytest.raises(
        ConfigError,
        match=r"set_random_seed: expected an int from 0 to below 2\*\*32\. Received: seed=-1\.",
    ):
        keras.utils.set_random_seed(-1)
    assert keras.backend.clear_session() is None


def test_a_model_inside_a_model_shares_its_weights():
    """As in Keras, training the outer model trains the inner models, and vice versa."""
    encoder, decoder = (
        keras.Sequential([Dense(2, "tanh", input_shape=(3,))]),
        keras.Sequential([Dense(3)]),
    )
    outer = keras.Sequential([encoder, decoder])
    assert outer.layers == [encoder, decoder]
    close(outer.layers[0].get_weights()[0], encoder.get_weights()[0], EXACT)
    outer.compile("adam", "mse")
    before = encoder.get_weights()
    outer.fit(X, X, epochs=3, verbose=0)
    for learned, part in zip(
        outer.get_weights(), [*encoder.get_weights(), *decoder.get_weights()], strict=True
    ):
        close(learned, part, EXACT)
    assert not np.array_equal(before[0], encoder.get_weights()[0])
    close(decoder.predict(encoder.predict(X)), outer.predict(X), FLOAT32)
    encoder.set_weights([np.ones((3, 2)), np.zeros(2)])
    close(decoder.predict(np.tanh(X @ np.ones((3, 2)))), outer.predict(X), FLOAT32)


def test_probabilities_on_top_of_a_trained_model():
    """The last cell of the quickstart: a softmax after a model trained on logits.

    Oracle: softmax of its predictions, by hand.
    """
    model = keras.Sequential([Dense(3)])
    model.compile(
        "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    model.fit(X, np.arange(40) % 3, verbose=0)
    z = model.predict(X)
    p = keras.Sequential([model, keras.layers.Softmax()])(X)
    close(p, np.exp(z) / np.exp(z).sum(1, keepdims=True), FLOAT32)
    features = keras.Sequential(classifier().layers[:1])
    close(features(X), np.maximum(X @ classifier().get_weights()[0], 0), FLOAT32)


def test_summary_and_layers():
    model, printed = classifier(), []
    model.summary(print_fn=printed.append)
    assert "dense_1" in printed[0]
    assert model.get_layer(index=-1).name == model.get_layer("dense_2").name == "dense_2"
    assert model.layers[1].count_params() == 5


def test_callbacks_may_stop_training():
    class Enough(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if logs.get("loss") < 10 and epoch == 1:
                self.model.stop_training = True
            return "ignored"

    model = classifier()
    history = model.fit(X, Y, epochs=5, verbose=0, callbacks=[Enough()])
    assert (history.epoch, history.stopped) == ([0, 1], "stop_training was set")
    at_once = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True)
    )
    assert classifier().fit(X, Y, epochs=2, verbose=0, callbacks=[at_once]).epoch == [0, 1]
    assert model.fit(X, Y, epochs=5, verbose=0, callbacks=[at_once]).epoch == [2]
    assert model.fit(X, Y, epochs=2, verbose=0, callbacks=Enough()).epoch == [3, 4]
    stop = keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=100, verbose=1)
    assert len(model.fit(X, Y, epochs=9, verbose=0, callbacks=[stop]).epoch) == 2


def test_a_callback_may_still_decide():
    class Decides(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            return gn.callbacks.Decision(stop="decided")

    assert classifier().fit(X, Y, epochs=5, verbose=0, callbacks=[Decides()]).stopped == "decided"


def test_a_layer_of_ones_own():
    from dataclasses import dataclass

    @dataclass(frozen=True)
    class Times(keras.layers.Layer):
        by: float = 2.0

        def __call__(self, params, x):
            return self.by * x

    close(keras.Sequential([Times(3.0)]).predict(X), 3 * X, FLOAT32)
    assert isinstance(Times(), gn.layers.Layer)
    with pytest.raises(
        ConfigError,
        match=r"Mine: expected a Glassnet layer, .*methods=\['__init__', 'build'\].*Write fields",
    ):

        class Mine(keras.layers.Layer):
            def __init__(self, units):
                self.units = units

            def build(self, shape):
                pass


def test_a_layer_class_that_forgets_its_base():
    class Forgets(keras.layers.Layer):
        def __init__(self, units):
            self.units = units

        def call(self, inputs):
            return inputs

    with pytest.raises(
        ConfigError, match=r"Forgets: expected .*super\(\).__init__\(\) in __init__"
    ):
        Forgets(3)(X)


def test_a_saved_model_is_loaded(tmp_path):
    """A loaded model predicts the same bits and continues training like the saved one.

    With compile=False it must be compiled.
    """
    model = classifier(metrics=["accuracy"])
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert isinstance(loaded, keras.Sequential)
    for one in (model, loaded):
        one.fit(X, Y, epochs=2, verbose=0)
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    assert loaded.optimizer.learning_rate == model.optimizer.learning_rate
    plain = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert plain.optimizer is None
    with pytest.raises(NotReadyError, match=r"expected a model with a loss"):
        plain.evaluate(X, Y)


def test_check_gradients_takes_a_keras_model():
    """Oracle: finite differences in float64, and the check of the model inside."""
    model = classifier()
    error = gn.testing.check_gradients(model, X[:4], Y[:4])
    assert error == gn.testing.check_gradients(model.glassnet_model, X[:4], Y[:4]) < 1e-6
    nested = keras.Sequential([model, Dense(1, "sigmoid")], seed=1)
    nested.compile("sgd", "binary_crossentropy")
    assert gn.testing.check_gradients(nested, X[:4], Y[:4]) < 1e-6
