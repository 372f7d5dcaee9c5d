"""Training on several labels, one-hot targets, several numbers, and inputs as targets.

Oracle: scikit-learn or NumPy on the output of `predict`.
"""

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from glassnet import Sequential
from glassnet.errors import ConfigError, DataError
from glassnet.layers import Activation, Dense, Flatten, Rescaling, Reshape
from glassnet.metrics import AUC, ConfusionMatrix, F1Score, Precision, R2Score, Recall
from glassnet.optimizers import Adam
from oracles import FLOAT32, close

ROWS = 240
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 4)).astype(np.float32)
SCORES = X @ RNG.normal(size=(4, 3)) + 0.7 * RNG.normal(size=(ROWS, 3))
LABELS = (SCORES > 0.2).astype(int)
BINARY = "binary_crossentropy"


def fitted(layers, loss, metrics, x, y, epochs=15, rate=0.02):
    model = Sequential(layers, seed=0)
    model.compile(Adam(rate), loss, metrics)
    history = model.fit(
        x, y, batch_size=32, epochs=epochs, validation_data=(x, y), verbose=0
    ).history
    logs = model.evaluate(x, y, return_dict=True)
    for name, value in logs.items():
        close(history[f"val_{name}"][-1], value)
    return model, logs


@pytest.mark.parametrize("logits", [False, True])
def test_several_labels_a_row(logits):
    from glassnet.losses import BinaryCrossentropy

    metrics = [
        "accuracy",
        "precision",
        Recall(class_id=2),
        F1Score(average="macro"),
        AUC(multi_label=True),
        AUC(curve="PR", multi_label=True, name="pr"),
    ]
    layers = [Dense(8, activation="tanh"), Dense(3, activation=None if logits else "sigmoid")]
    model, logs = fitted(layers, BinaryCrossentropy(from_logits=logits), metrics, X, LABELS)
    out = model.predict(X).astype(np.float64)
    p = 1 / (1 + np.exp(-out)) if logits else out
    labels = p > 0.5
    np.testing.assert_array_equal(model.predict_labels(X), labels)
    close(logs["loss"], -np.where(LABELS == 1, np.log(p), np.log(1 - p)).mean(), 10 * FLOAT32)
    close(logs["accuracy"], (labels == LABELS).mean())
    close(logs["precision"], sklearn_metrics.precision_score(LABELS, labels, average="micro"))
    close(logs["recall"], sklearn_metrics.recall_score(LABELS[:, 2], labels[:, 2]))
    close(logs["f1_score"], sklearn_metrics.f1_score(LABELS, labels, average="macro"))
    close(logs["auc"], sklearn_metrics.roc_auc_score(LABELS, p, average="macro"))
    close(logs["pr"], sklearn_metrics.average_precision_score(LABELS, p, average="macro"))
    assert logs["accuracy"] > 0.75, "it learns"


def test_two_outputs_with_one_hot_targets_under_binary_cross_entropy():
    one_hot = np.eye(2)[LABELS[:, 0]]
    model, logs = fitted(
        [Dense(2, activation="sigmoid")],
        BINARY,
        ["accuracy", F1Score(average="micro"), "auc"],
        X,
        one_hot,
        epochs=20,
        rate=0.1,
    )
    p = model.predict(X)
    # Each output is a label of its own.
    np.testing.assert_array_equal(model.predict_labels(X), p > 0.5)
    close(logs["accuracy"], ((p > 0.5) == one_hot).mean())
    close(logs["f1_score"], sklearn_metrics.f1_score(one_hot, p > 0.5, average="micro"))
    close(logs["auc"], sklearn_metrics.roc_auc_score(one_hot, p, average="micro"))
    close(
        ConfusionMatrix()(one_hot, p), sklearn_metrics.confusion_matrix(LABELS[:, 0], p.argmax(1))
    )
    assert logs["accuracy"] > 0.75


def test_one_hot_targets_of_two_classes_for_one_output():
    model, logs = fitted(
        [Dense(1, activation="sigmoid")],
        BINARY,
        ["accuracy", "f1_score", "auc"],
        X,
        np.eye(2)[LABELS[:, 0]],
    )
    p, labels = model.predict(X)[:, 0], model.predict_labels(X)
    assert labels.shape == (ROWS,)
    close(logs["accuracy"], (labels == LABELS[:, 0]).mean())
    close(logs["f1_score"], sklearn_metrics.f1_score(LABELS[:, 0], labels))
    close(logs["auc"], sklearn_metrics.roc_auc_score(LABELS[:, 0], p))
    assert (
        ConfusionMatrix()(LABELS[:, 0], labels).tolist()
        == sklearn_metrics.confusion_matrix(LABELS[:, 0], labels).tolist()
    )


@pytest.mark.parametrize("one_hot", [False, True])
def test_two_classes_by_softmax_have_the_auc_of_the_second(one_hot):
    y = LABELS[:, 0]
    metrics = ["accuracy", AUC(multi_label=True), F1Score(class_id=1)]
    model, logs = fitted(
        [Dense(2, activation="softmax")],
        "categorical_crossentropy",
        metrics,
        X,
        np.eye(2)[y] if one_hot else y,
    )
    p = model.predict(X)
    # In float32, 1 - p has ties that p does not have.
    close(logs["auc"], sklearn_metrics.roc_auc_score(y, p[:, 1]), 1e-4)
    close(logs["f1_score"], sklearn_metrics.f1_score(y, p.argmax(1)))
    close(logs["accuracy"], (model.predict_labels(X) == y).mean())


def test_several_numbers_a_row():
    y = SCORES * [1, 10, 0.1] + [0, 50, 0]
    metrics = [
        "mae",
        "root_mean_squared_error",
        R2Score(),
        R2Score("variance_weighted_average", name="weighted"),
    ]
    model, logs = fitted([Dense(3)], "mse", metrics, X, y, epochs=30, rate=0.5)
    out, target = model.predict(X).astype(np.float64), y.astype(np.float32).astype(np.float64)
    close(logs["loss"], sklearn_metrics.mean_squared_error(target, out), 10 * FLOAT32)
    close(logs["mae"], sklearn_metrics.mean_absolute_error(target, out), 10 * FLOAT32)
    close(logs["root_mean_squared_error"], np.sqrt(np.square(target - out).mean()), 10 * FLOAT32)
    close(logs["r2_score"], sklearn_metrics.r2_score(target, out), 1e-9)
    close(
        logs["weighted"],
        sklearn_metrics.r2_score(target, out, multioutput="variance_weighted"),
        1e-9,
    )
    assert logs["weighted"] > 0.5
    with pytest.raises(
        ConfigError, match="predict_labels: expected a network that predicts classes"
    ):
        model.predict_labels(X)


def test_a_hinge_separates_two_classes():
    y = 2 * LABELS[:, 0] - 1
    model, logs = fitted([Dense(1)], "hinge", ["accuracy", "auc"], X, y, rate=0.1)
    scores = model.predict(X)[:, 0]
    close(logs["accuracy"], (np.sign(scores) == y).mean())
    close(logs["auc"], sklearn_metrics.roc_auc_score(y, scores))
    assert logs["accuracy"] > 0.75


PATTERNS = RNG.uniform(size=(3, 36))
IMAGES = (
    np.clip(PATTERNS[RNG.integers(0, 3, 150)] + 0.05 * RNG.normal(size=(150, 36)), 0, 1)
    .reshape(150, 6, 6)
    .astype(np.float32)
)


def autoencoder(*head):
    return [Flatten(), Dense(4, activation="tanh"), *head]


@pytest.mark.parametrize("loss", [BINARY, "mse"])
@pytest.mark.parametrize(
    ("head", "shape"),
    [
        ([Dense(36, activation="sigmoid")], (36,)),
        ([Dense(36), Reshape((6, 6)), Activation("sigmoid")], (6, 6)),
        ([Dense(36), Reshape((6, 6, 1)), Activation("sigmoid")], (6, 6)),
    ],
    ids=["flat", "image", "channel"],
)
def test_inputs_as_targets(head, shape, loss):
    y = IMAGES.reshape(150, *shape)
    model, logs = fitted(autoencoder(*head), loss, ["mae"], IMAGES, y, epochs=20, rate=0.05)
    p, y = (
        model.predict(IMAGES).astype(np.float64).reshape(150, 36),
        y.astype(np.float64).reshape(150, 36),
    )
    expected = (
        -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
        if loss == BINARY
        else np.square(p - y).mean()
    )
    close(logs["loss"], expected, 10 * FLOAT32)
    close(logs["mae"], np.abs(p - y).mean(), 10 * FLOAT32)
    assert np.square(p - y).mean() < np.square(y - y.mean(0)).mean() / 2, (
        "it learns more than the mean image"
    )


def test_a_reshape_after_the_sigmoid_works_with_other_losses():
    model, logs = fitted(
        autoencoder(Dense(36, activation="sigmoid"), Reshape((6, 6))),
        "mse",
        [],
        IMAGES,
        IMAGES,
        epochs=3,
    )
    close(
        logs["loss"],
        np.square(model.predict(IMAGES).astype(np.float64) - IMAGES).mean(),
        10 * FLOAT32,
    )


def test_pixels_as_inputs_and_as_targets():
    pixels = (255 * IMAGES).astype(np.uint8)
    layers = [Rescaling(1 / 255), *autoencoder(Dense(36, activation="sigmoid"))]
    _, logs = fitted(layers, BINARY, [], pixels, (pixels / 255).reshape(150, 36), epochs=2)
    assert 0 < logs["loss"] < 1
    message = r"y: expected 36 columns from 0 to 1\. Received: smallest=0\.0, largest=255\.0\. Scale the targets \(pixels: y / 255\)"
    with pytest.raises(DataError, match=message):
        fitted(layers, BINARY, [], pixels, pixels.reshape(150, 36))


def test_black_and_white_images_have_an_accuracy():
    y = (IMAGES > 0.5).reshape(150, 36)
    model = Sequential(autoencoder(Dense(36, activation="sigmoid")), seed=0)
    history = model.fit(IMAGES, y, verbose=0).history
    assert list(history) == ["loss", "accuracy"]
    close(model.evaluate(IMAGES, y)[1], ((model.predict(IMAGES) > 0.5) == y).mean())


@pytest.mark.parametrize(
    ("layers", "loss", "y", "error", "message"),
    [
        (
            autoencoder(Dense(36, activation="sigmoid"), Reshape((6, 6))),
            BINARY,
            IMAGES,
            ConfigError,
            r"BinaryCrossentropy: expected a network that ends in sigmoid\. Received: ends_in='linear'\. "
            r'Reshape first: Dense\(\.\.\.\), Reshape\(\.\.\.\), Activation\("sigmoid"\) gives the same numbers\.$',
        ),
        (
            autoencoder(Dense(36)),
            "mse",
            IMAGES,
            DataError,
            r"Received: shape=\(150, 6, 6\)\. The sizes agree: pass y\.reshape\(-1, 36\)",
        ),
        (
            autoencoder(Dense(36, activation="sigmoid")),
            BINARY,
            IMAGES,
            DataError,
            r"The sizes agree: pass y\.reshape\(-1, 36\), or end in Resh",
        ),
        (
            autoencoder(Dense(3)),
            "mse",
            LABELS[:150, 0],
            DataError,
            r"for one number per row end in Dense\(1\)\.$",
        ),
        (
            autoencoder(Dense(3, activation="sigmoid")),
            BINARY,
            LABELS[:150, :2],
            DataError,
            r"End in Dense\(2\), or pass 3 columns\.$",
        ),
        (
            autoencoder(Dense(3, activation="sigmoid")),
            BINARY,
            LABELS[:150, 0],
            DataError,
            r"For one class per row end in a softmax",
        ),
        (
            autoencoder(Dense(3, activation="softmax")),
            "categorical_crossentropy",
            LABELS[:150],
            DataError,
            r"labels per row end in a sigmoid",
        ),
        (
            autoencoder(Dense(1, activation="sigmoid")),
            BINARY,
            LABELS[:150],
            DataError,
            r"labels per row end in Dense\(3",
        ),
    ],
    ids=[
        "reshape",
        "mse-image",
        "binary-image",
        "ids",
        "columns",
        "one-class",
        "several-labels",
        "one-output",
    ],
)
def test_targets_that_do_not_match_the_network(layers, loss, y, error, message):
    def train():
        model = Sequential(layers, seed=0)
        model.compile("sgd", loss)
        model.fit(IMAGES, y, verbose=0)

    with pytest.raises(error, match=message):
        train()


def test_metrics_that_need_an_average_or_a_class():
    for metric in ("f1_score", F1Score()):
        with pytest.raises(
            ConfigError,
            match=r'F1Score: expected an average or a class_id for several outputs\..*average="macro"',
        ):
            fitted([Dense(3, activation="sigmoid")], BINARY, [metric], X, LABELS)
    with pytest.raises(
        ConfigError, match="Precision: expected class_id to be below the number of outputs"
    ):
        fitted([Dense(3, activation="sigmoid")], BINARY, [Precision(class_id=3)], X, LABELS)
