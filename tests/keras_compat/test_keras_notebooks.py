"""Course notebooks written for Keras, run with Keras's import and with glassnet's.

Oracle: Keras on JAX runs the same source. `log` must be equal in both. Scores from different random
weights have a tolerance.
"""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, MissingError, NotReadyError
from oracles import EXACT, close, import_keras

KERASS_OWN = pytest.mark.filterwarnings(
    "ignore:Do not pass an .input_shape.", "ignore:__array__ implementation:DeprecationWarning"
)


MACHINE_LEARNING_MASTERY = """
import numpy as np
from keras.layers import Dense
from keras.models import Sequential
from sklearn.datasets import load_iris
from sklearn.model_selection import StratifiedKFold

X, y = load_iris(return_X_y=True)
log, cvscores = [], []
for train, test in StratifiedKFold(n_splits=3, shuffle=True, random_state=7).split(X, y):
    model = Sequential()
    model.add(Dense(12, input_dim=4, kernel_initializer="uniform", activation="relu"))
    model.add(Dense(3, kernel_initializer="normal", activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer=keras.optimizers.Adam(0.02), metrics=["accuracy"])
    model.fit(X[train], y[train], epochs=40, batch_size=10, verbose=0)
    scores = model.evaluate(X[test], y[test], verbose=0)
    print("%s: %.2f%%" % (model.metrics_names[1], scores[1] * 100))
    cvscores.append(scores[1] * 100)
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam", metrics=["acc"])
history = model.fit(X, y, validation_split=0.33, epochs=2, batch_size=10, verbose=0)
log += [sorted(history.history), len(history.epoch), len(model.metrics_names)]
score = np.mean(cvscores) / 100
"""

REGRESSION_TUTORIAL = """
import numpy as np
import pandas as pd
from keras import layers

rng = np.random.default_rng(0)
features = pd.DataFrame({"Horsepower": rng.uniform(50, 200, 200), "Weight": rng.uniform(1500, 4500, 200)})
labels = 50 - 0.005 * features.Weight - 0.05 * features.Horsepower
normalizer = keras.layers.Normalization(axis=-1)
normalizer.adapt(np.array(features))
log = [np.asarray(normalizer.mean).ravel().round(2).tolist(), np.asarray(normalizer.variance).ravel().round(-1).tolist()]
linear = keras.Sequential([normalizer, layers.Dense(units=1)])
log += [linear.predict(features[:10], verbose=0).shape]
linear.compile(optimizer=keras.optimizers.Adam(learning_rate=0.5), loss="mean_absolute_error")
history = linear.fit(features, labels, epochs=60, verbose=0, validation_split=0.2)
log += [sorted(history.history)]
horsepower = np.array(features["Horsepower"])
one_feature = layers.Normalization(input_shape=[1], axis=None)
one_feature.adapt(horsepower)
model = keras.Sequential([one_feature, layers.Dense(64, activation="relu"), layers.Dense(1)])
log += [model.count_params(), model.predict(np.linspace(0.0, 250, 251), verbose=0).shape]
score = linear.evaluate(features, labels, verbose=0)
"""

IMBALANCED_TUTORIAL = """
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(400, 5)).astype("float32")
y = (X[:, :1] > 1).astype(int)
neg, pos = np.bincount(y[:, 0])
METRICS = [
    keras.metrics.TruePositives(name="tp"), keras.metrics.FalsePositives(name="fp"),
    keras.metrics.TrueNegatives(name="tn"), keras.metrics.FalseNegatives(name="fn"),
    keras.metrics.BinaryAccuracy(name="accuracy"), keras.metrics.Precision(name="precision"), keras.metrics.Recall(name="recall"),
    keras.metrics.AUC(name="auc"), keras.metrics.AUC(name="prc", curve="PR"),
]
def make_model(metrics, output_bias=None):
    if output_bias is not None:
        output_bias = keras.initializers.Constant(output_bias)
    model = keras.Sequential([
        keras.layers.Dense(16, activation="relu", input_shape=(X.shape[-1],)),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(1, activation="sigmoid", bias_initializer=output_bias),
    ])
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.BinaryCrossentropy(), metrics=metrics)
    return model
log = [make_model(METRICS[:4]).predict(X[:10], verbose=0).shape]
model = make_model(METRICS, np.log([pos / neg]).item())
weights = {0: len(y) / neg / 2, 1: len(y) / pos / 2}
stop = keras.callbacks.EarlyStopping(monitor="val_prc", verbose=0, patience=10, mode="max", restore_best_weights=True)
history = model.fit(X, y, batch_size=100, epochs=20, callbacks=[stop], validation_data=(X, y), class_weight=weights, verbose=0)
log += [sorted(history.history)]
results = model.evaluate(X, y, verbose=0, return_dict=True)
log += [sorted(results), results["tp"] + results["fn"] == pos, results["tn"] + results["fp"] == neg]
p = model.predict(X, verbose=0)
log += [results["tp"] == ((p > 0.5) & (y == 1)).sum(), results["fp"] == ((p > 0.5) & (y == 0)).sum()]
score = results["recall"]
"""

CALLBACKS_GUIDE = """
import numpy as np

rng = np.random.default_rng(0)
x, y = rng.normal(size=(64, 3)).astype("float32"), rng.normal(size=(64, 1)).astype("float32")
log, score = [], 0
def get_model():
    model = keras.Sequential()
    model.add(keras.layers.Dense(1))
    model.compile(optimizer=keras.optimizers.RMSprop(learning_rate=0.1), loss="mean_squared_error", metrics=["mean_absolute_error"])
    return model
class CustomCallback(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        log.append(["begin", sorted(logs.keys()), self.params["epochs"]])
    def on_train_end(self, logs=None):
        log.append(["end", sorted(logs.keys())])
    def on_epoch_begin(self, epoch, logs=None):
        log.append(["epoch", epoch])
    def on_epoch_end(self, epoch, logs=None):
        log.append(["epoch end", epoch, sorted(logs.keys()), self.model.predict(x[:2], verbose=0).shape])
        return "read by nobody"
get_model().fit(x, y, epochs=2, verbose=0, validation_split=0.5, callbacks=[CustomCallback()])
class EarlyStoppingAtMinLoss(keras.callbacks.Callback):
    def __init__(self, patience=0):
        super().__init__()
        self.patience, self.best_weights = patience, None
    def on_train_begin(self, logs=None):
        self.wait, self.stopped_epoch, self.best = 0, 0, np.inf
    def on_epoch_end(self, epoch, logs=None):
        current = logs.get("loss")
        if np.less(current, self.best):
            self.best, self.wait, self.best_weights = current, 0, self.model.get_weights()
        else:
            self.wait += 1
            if self.wait >= self.patience:
                self.stopped_epoch = epoch
                self.model.stop_training = True
                self.model.set_weights(self.best_weights)
stopping, model = EarlyStoppingAtMinLoss(), get_model()
epochs = model.fit(x, y, batch_size=16, epochs=200, verbose=0, callbacks=[stopping]).epoch
log += [len(epochs) == stopping.stopped_epoch + 1 < 200]
log += [all(np.array_equal(a, b) for a, b in zip(model.get_weights(), stopping.best_weights))]
class CustomLearningRateScheduler(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        rate = float(self.model.optimizer.learning_rate)
        self.model.optimizer.learning_rate = rate if epoch % 2 else rate / 2
        log.append([epoch, round(float(np.array(self.model.optimizer.learning_rate)), 6)])
model = get_model()
model.fit(x, y, epochs=5, verbose=0, callbacks=[CustomLearningRateScheduler()])
log += [round(float(model.optimizer.learning_rate), 6)]
class AtTheEnd(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate.assign(0.01 * (epoch + 1))
    def on_train_end(self, logs=None):
        self.model.set_weights([np.ones((3, 1)), np.zeros(1)])
printer = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: log.append(dict(logs)))
model = get_model()
model.fit(x, y, epochs=2, verbose=0, callbacks=[AtTheEnd(), printer])
log += [round(float(model.optimizer.learning_rate.numpy()), 6), model.get_weights()[0].tolist()]
"""

GERON = """
import numpy as np
from functools import partial

rng = np.random.default_rng(0)
X = rng.random((300, 6, 5)).astype("float32")
y = X[:, 0].argmax(1)
log = []
leaky = keras.layers.LeakyReLU(0.2)
Regularized = partial(keras.layers.Dense, activation="elu", kernel_initializer="he_normal", kernel_regularizer=keras.regularizers.l2(0.001))
def build(optimizer):
    model = keras.models.Sequential()
    model.add(keras.layers.Flatten(input_shape=[6, 5]))
    model.add(keras.layers.AlphaDropout(rate=0.1))
    for layer in range(2):
        model.add(keras.layers.Dense(20, activation="selu", kernel_initializer="lecun_normal"))
    model.add(keras.layers.BatchNormalization())
    model.add(keras.layers.Dense(20, activation=leaky))
    model.add(keras.layers.Dense(20, activation="swish"))
    model.add(Regularized(10))
    model.add(keras.layers.Dense(5, activation="softmax"))
    model.compile(loss="sparse_categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model
def exponential_decay_fn(epoch):
    return 0.01 * 0.1 ** (epoch / 20)
model = build("nadam")
history = model.fit(X, y, epochs=25, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(exponential_decay_fn)])
log += [sorted(history.history), np.round(history.history["learning_rate"], 6).tolist(), model.count_params()]
score = model.evaluate(X, y, verbose=0)[1]
plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.5, patience=1, min_delta=100)
history = build(keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0)).fit(X, y, epochs=4, verbose=0, callbacks=[plateau])
log += [np.round(history.history["learning_rate"], 6).tolist()]
pieces = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries=[5.0 * 10, 15.0 * 10], values=[0.01, 0.005, 0.001])
log += [sorted(build(keras.optimizers.SGD(pieces)).fit(X, y, epochs=1, verbose=0).history)]
def huber(y_true, y_pred):
    error = y_true - y_pred
    return keras.ops.where(keras.ops.abs(error) < 1, keras.ops.square(error) / 2, keras.ops.abs(error) - 0.5)
line = keras.Sequential([keras.layers.Dense(1, kernel_initializer="ones", input_shape=(5,))])
line.compile(loss=huber, optimizer="nadam", metrics=["mae"])
log += [np.round(line.evaluate(X[:, 0], 3 * X[:, 1, :1], verbose=0), 5).tolist()]
"""

NOTEBOOKS = {
    "Machine Learning Mastery: cross-validation": (MACHINE_LEARNING_MASTERY, 0.12),
    "TensorFlow: regression": (REGRESSION_TUTORIAL, 0.3),
    "TensorFlow: imbalanced data": (IMBALANCED_TUTORIAL, 0.15),
    "Keras: writing your own callbacks": (CALLBACKS_GUIDE, 0.0),
    "Geron: chapter 11": (GERON, 0.15),
}


@pytest.mark.slow
@KERASS_OWN
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebook(name):
    source, margin = NOTEBOOKS[name]
    results = []
    for module, prefix in ((keras, "glassnet.keras"), (import_keras(), "keras")):
        module.utils.set_random_seed(0)
        names = {"keras": module}
        exec(re.sub(r"^from keras", f"from {prefix}", source, flags=re.M), names)
        results.append(names)
    ours, theirs = results
    assert ours["log"] == theirs["log"]
    assert ours["score"] == pytest.approx(theirs["score"], abs=margin)


LINE = np.arange(8.0)[:, None]


def line(**options):
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(1,))], seed=0)
    model.compile("sgd", "mse", **options)
    return model


def test_weights_set_by_a_callback_hold_where_no_epoch_follows():
    class Sets(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.set_weights([[[7.0]], [3.0]])

    model = line()
    model.fit(LINE, LINE, verbose=0, callbacks=[Sets()])
    close(model.get_weights()[0], [[7.0]], EXACT)
    with pytest.raises(
        ConfigError,
        match=r"set_weights: expected no further epoch after a callback has set the weights\. Received: epoch=2\. Set stop",
    ):
        model.fit(LINE, LINE, epochs=2, verbose=0, callbacks=[Sets()])
    model.fit(LINE, LINE, verbose=0)
    model.set_weights([[[7.0]], [3.0]])
    close(model.predict([[2.0]]), [[17.0]], EXACT)  # 7 * 2 + 3


def test_a_rate_set_by_a_callback_is_a_number():
    fast = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: setattr(model.optimizer, "learning_rate", "fast")
    )
    model = line()
    with pytest.raises(
        ConfigError,
        match=r"learning_rate: expected a number > 0\. Received: learning_rate='fast'\.",
    ):
        model.fit(LINE, LINE, verbose=0, callbacks=[fast])
    with pytest.raises(
        ConfigError, match=r"LambdaCallback: expected functions\. Received: on_epoch_end=3\."
    ):
        keras.callbacks.LambdaCallback(on_epoch_end=3)


def test_predicting_in_a_callback_leaves_what_is_learned_alone():
    """An inner model has its old weights until the fit ends; predicting does not copy them back.

    By hand: the prediction of the outer model.
    """
    inner, seen = (
        keras.Sequential([keras.layers.Dense(1, "linear", False, "ones", input_shape=(1,))]),
        [],
    )
    outer = keras.Sequential([inner])
    outer.compile("sgd", "mse")

    class Looks(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((self.model.predict([[1.0]]).item(), self.model.get_weights()[0].item()))

    outer.fit(LINE, 2 * LINE, epochs=2, verbose=0, callbacks=[Looks()])
    assert all(prediction == weight != 1 for prediction, weight in seen)
    close(inner.get_weights()[0], [[seen[-1][1]]], EXACT)


def test_strings_of_kerass_initializers():
    for theirs, ours in {
        "uniform": "random_uniform",
        "normal": "RandomNormal",
        "zero": "zeros",
        "one": "ones",
    }.items():
        layer = keras.layers.Dense(2, kernel_initializer=theirs)
        same = keras.layers.Dense(2, kernel_initializer=ours)
        assert layer.glassnet_layer == same.glassnet_layer
    layers, ours = keras.layers, gn.layers
    for layer, same in (
        (layers.Dense(2, bias_initializer=None), ours.Dense(2, bias_initializer="glorot_uniform")),
        (layers.Activation("swish"), ours.Activation("silu")),
        (layers.Dense(2, layers.ReLU), ours.Dense(2, "relu")),
        (layers.Dense(2, layers.ReLU()), ours.Dense(2, "relu")),
    ):
        assert layer.glassnet_layer == same


def test_text_vectorization():
    """As in Keras: adapted in place, called on strings, and the first layer of a model.

    Oracle: the examples of Keras's documentation.
    """
    layer = keras.layers.TextVectorization(5000, output_mode="int", output_sequence_length=4)
    with pytest.raises(NotReadyError, match="TextVectorization: expected a vocabulary"):
        layer(["foo"])
    assert layer.adapt(["foo bar", "bar baz", "baz bada boom"]) is None
    assert layer([["foo qux bar"], ["qux baz"]]).tolist() == [[4, 1, 3, 0], [1, 2, 0, 0]]
    known = keras.layers.TextVectorization(
        5000,
        output_mode="int",
        output_sequence_length=4,
        vocabulary=["earth", "wind", "and", "fire"],
    )
    assert known.get_vocabulary() == ["", "[UNK]", "earth", "wind", "and", "fire"]
    layer.set_vocabulary(known.get_vocabulary())
    assert layer.glassnet_layer == known.glassnet_layer
    free = keras.layers.TextVectorization()
    for texts, length in ((["a b c"], 3), (iter([["a b"], ["c", "d"]]), 2), ([["a"]], 1)):
        free.adapt(texts)
        assert free.output_sequence_length == length
    free.adapt(([word] for word in "abcd"), steps=2)
    assert free.get_vocabulary(include_special_tokens=False) == ["b", "a"]
    inside = [
        layer,
        keras.layers.Embedding(6, 2),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(1),
    ]
    for front in ([], [keras.Input(shape=(1,), dtype="string")]):
        model = keras.Sequential([*front, *inside], seed=0)
        model.compile("sgd", "mse")
        model.fit(np.array(["earth wind", "fire"]), np.array([0.0, 1.0]), verbose=0)
        assert model.predict(["and fire", ""]).shape == (2, 1)
    with pytest.raises(
        ConfigError, match="Sequential: expected TextVectorization before all other layers"
    ):
        keras.Sequential([keras.Input((4,)), layer])


def test_what_is_absent_says_what_to_write():
    model = line(metrics=["mae", keras.metrics.AUC(name="area")])
    assert model.metrics_names == ["loss", "mae", "area"]
    for name, words in {
        "to_json": "model.save",
        "train_on_batch": "fit\\(x, y\\)",
    }.items():
        with pytest.raises(MissingError, match=words):
            getattr(model, name)
    with pytest.raises(
        ConfigError,
        match=r"dense_1: expected no change of a setting\. Received: units=3\. Write Dense\(\.\.\., units",
    ):
        model.layers[0].units = 3
    with pytest.raises(ConfigError, match="Sequential: expected at least one layer"):
        keras.Sequential().compile("adam", "binary_crossentropy")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: gn.Sequential().compile(gn.optimizers.Adam), r"Write Adam\(\)\."),
        (
            lambda: gn.layers.Dense(1, kernel_regularizer=gn.regularizers.L2),
            r"Write L2\(\.\.\.\)\.",
        ),
        (
            lambda: gn.layers.Dense(1, kernel_regularizer=0.01),
            r"Write L2\(0\.01\) for a strength of 0\.01\.",
        ),
        (
            lambda: gn.layers.Dense(1, kernel_initializer=gn.initializers.HeNormal),
            r"Write HeNormal\(\.\.\.\)\.",
        ),
        (lambda: gn.Sequential(["relu"]), r"Write an activation as Activation\('relu'\)\."),
        (
            lambda: gn.Sequential([gn.layers.Activation(np.tanh)]).predict(LINE),
            r"Write it in jax\.numpy: jnp\.tanh for np\.tanh",
        ),
        (
            lambda: gn.schedules.PiecewiseConstantDecay([10.5], [1, 2]),
            r"boundaries to be integers >= 0",
        ),
    ],
    ids=["optimizer", "regularizer", "strength", "initializer", "string", "numpy", "boundary"],
)
def test_mistakes_are_told_what_to_write(wrong, words):
    with pytest.raises(ConfigError, match=words):
        wrong()


def test_importing_ops_by_name():
    subprocess.run(
        [
            sys.executable,
            "-c",
            "from glassnet.keras import ops; from glassnet.keras.ops import square",
        ],
        check=True,
        env=os.environ,
    )
