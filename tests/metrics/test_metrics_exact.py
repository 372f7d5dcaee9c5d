"""Tests of the exact AUC and R2 of evaluation and of the confusion matrix, with scikit-learn."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics
from test_metrics import data, in_batches, keras_metric

from glassnet import Sequential, layers, metrics
from glassnet.errors import ConfigError, DataError
from glassnet.losses import BinaryCrossentropy, MeanSquaredError, SparseCategoricalCrossentropy
from glassnet.metrics import AUC, ConfusionMatrix, R2Score
from oracles import LOOSE, close

ORACLE = {"ROC": sklearn_metrics.roc_auc_score, "PR": sklearn_metrics.average_precision_score}


@pytest.mark.parametrize("digits", [8, 1], ids=["distinct", "ties"])
@pytest.mark.parametrize("curve", ORACLE)
def test_auc_equals_scikit_learn(curve, digits):
    y, out = data(3, "labels", rows=201)
    out = np.round(out + 0.3 * y, digits).astype(np.float32)
    close(AUC(curve=curve)(y[:, 0], out[:, 0]), ORACLE[curve](y[:, 0], out[:, 0]), 1e-12)
    close(AUC(curve=curve)(y, out), ORACLE[curve](y, out, average="micro"), 1e-12)
    close(AUC(curve=curve, multi_label=True)(y, out), ORACLE[curve](y, out, average="macro"), 1e-12)


@pytest.mark.parametrize("curve", ORACLE)
def test_buckets_have_keras_edges(recorded, curve):
    """Outputs on a threshold, at 0 and 1 and outside are in the same buckets as in Keras."""
    rng = np.random.default_rng(0)
    out = rng.choice(np.array([-0.5, 0, 0.25, 0.3, 0.5, 0.75, 1, 1.5], np.float32), (80, 1))
    y = (rng.random((80, 1)) < 0.2 + 0.4 * out).astype(np.float32)
    want = recorded(keras_metric, "AUC", {"num_thresholds": 5, "curve": curve}, y, out)
    close(in_batches(AUC(num_thresholds=5, curve=curve), y, out), want)


def test_auc_of_classes_equals_scikit_learn():
    ids, out = data(4, "ids", rows=201)
    out /= out.sum(1, keepdims=True)
    close(
        AUC(multi_label=True)(ids, out),
        sklearn_metrics.roc_auc_score(np.eye(4)[ids], out, average="macro"),
        1e-12,
    )
    two = np.stack([1 - out[:, 0], out[:, 0]], 1)
    close(
        AUC(multi_label=True)(ids == 0, two),
        sklearn_metrics.roc_auc_score(ids == 0, out[:, 0]),
        1e-6,
    )


def test_auc_by_hand():
    # pairs (1, 0): 0.35 > 0.1, 0.35 < 0.4, 0.8 > both: 3 of 4. A tie counts 1/2
    assert AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]) == 0.75
    assert AUC()([0, 1], [0.5, 0.5]) == 0.5
    assert AUC()([-1, -1, 1], [-5, 2, 40]) == 1  # a hinge's labels and scores


@pytest.mark.parametrize("curve", ORACLE)
def test_logits_rank_as_they_are(curve):
    """Above z = 17 a sigmoid in float32 is 1, which would make ties."""
    y, z = np.array([0, 0, 1, 0, 1]), np.array([-3.0, 20.0, 25.0, 26.0, 30.0], np.float32)
    metric = metrics.get(AUC(curve=curve), BinaryCrossentropy(from_logits=True), 1)
    close(metric.exact(y[:, None], z[:, None]), ORACLE[curve](y, z), 1e-12)


def test_from_logits_is_the_losses():
    for from_logits in (False, True):
        for kind, activation in (
            (BinaryCrossentropy, "sigmoid"),
            (SparseCategoricalCrossentropy, "softmax"),
        ):
            got = metrics.get(AUC(), kind(from_logits=from_logits), 3)
            assert (got.from_logits, got.output_activation, got.outputs) == (
                from_logits,
                activation,
                3,
            )
    assert metrics.get(AUC(from_logits=True), MeanSquaredError(), 1).from_logits is True
    assert metrics.get("auc", MeanSquaredError(), 1).from_logits is False


@pytest.mark.parametrize("multi_label", [False, True])
def test_logits_of_classes_are_compared_by_their_softmax(multi_label):
    """A softmax changes the order of rows, and therefore the curve."""
    rng = np.random.default_rng(0)
    z, ids = (
        rng.normal(size=(300, 3)).astype(np.float32) * 3,
        rng.integers(0, 3, 300).astype(np.int32),
    )
    p = np.exp(z.astype(np.float64)) / np.exp(z.astype(np.float64)).sum(1, keepdims=True)
    metric = metrics.get(
        AUC(multi_label=multi_label), SparseCategoricalCrossentropy(from_logits=True), 3
    )
    want = sklearn_metrics.roc_auc_score(
        np.eye(3)[ids], p, average="macro" if multi_label else "micro"
    )
    close(metric.exact(ids, z), want)
    assert (
        abs(
            want
            - sklearn_metrics.roc_auc_score(
                np.eye(3)[ids], z, average="macro" if multi_label else "micro"
            )
        )
        > 1e-4
    )
    of_probabilities = metrics.get(AUC(multi_label=multi_label), SparseCategoricalCrossentropy(), 3)
    close(
        in_batches(metric, ids, z), in_batches(of_probabilities, ids, p.astype(np.float32)), LOOSE
    )


@pytest.mark.parametrize("curve", ORACLE)
def test_one_label_alone_has_no_curve(curve):
    for metric in (AUC(curve=curve), AUC(curve=curve, multi_label=True)):
        none = np.zeros((6, 2))
        assert math.isnan(metric(none, np.linspace(0, 1, 12).reshape(6, 2)))
        assert math.isnan(
            in_batches(metric, none, np.linspace(0, 1, 12, dtype=np.float32).reshape(6, 2))
        )
    all_true = AUC(curve=curve)([1, 1], [0.2, 0.7])
    assert all_true == 1 if curve == "PR" else math.isnan(all_true)
    assert math.isnan(AUC(curve=curve)([0, 1], [0.2, np.nan]))


def test_evaluation_and_validation_are_exact_over_blocks():
    """5000 rows are several blocks, and the network returns its input. Training uses buckets."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 5000)
    x = np.round(0.5 + 0.002 * (rng.normal(size=(5000, 1)) + y[:, None]), 4).astype(np.float32)
    model = Sequential([layers.Input(1), layers.Rescaling(1.0)], seed=0)
    model.compile(
        "sgd", "mean_squared_error", ["auc", AUC(curve="PR", name="pr"), "accuracy", "r2_score"]
    )
    logs = model.evaluate(x, y, return_dict=True)
    close(logs["auc"], sklearn_metrics.roc_auc_score(y, x[:, 0]), 1e-12)
    close(logs["pr"], sklearn_metrics.average_precision_score(y, x[:, 0]), 1e-12)
    close(logs["accuracy"], ((x[:, 0] > 0.5) == y).mean(), 1e-12)
    close(logs["r2_score"], sklearn_metrics.r2_score(y, x[:, 0].astype(np.float64)), 1e-12)
    history = model.fit(x, y, validation_data=(x, y), verbose=0).history
    assert history["val_auc"] == [logs["auc"]]
    assert abs(history["auc"][0] - logs["auc"]) > 0.02  # all outputs are in a few buckets


def test_a_mask_from_within_the_network_counts():
    """Compare with scikit-learn on the entries that are not 0."""
    from test_inference import Marks

    rng = np.random.default_rng(0)
    x, y = rng.uniform(0.1, 1, size=(10, 3, 1)).astype(np.float32), rng.integers(0, 2, (10, 3, 1))
    x[rng.random((10, 3)) < 0.4] = 0
    model = Sequential([layers.Input((3, 1)), Marks(), layers.Rescaling(0.9)], seed=0)
    model.compile("sgd", "mean_squared_error", ["auc"])
    real = x[..., 0] != 0
    assert 10 < real.sum() < 28
    close(
        model.evaluate(x, y)[1],
        sklearn_metrics.roc_auc_score(y[real].ravel(), x[real].ravel()),
        1e-12,
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [("uniform_average", "uniform_average"), ("variance_weighted_average", "variance_weighted")],
)
def test_r2_of_several_outputs_equals_scikit_learn(ours, theirs):
    rng = np.random.default_rng(0)
    y = (rng.normal(size=(200, 3)) * [1, 5, 0.1] + [2000, 0, -3]).astype(np.float32)
    out = (y + rng.normal(size=y.shape) * [0.3, 4, 0.2]).astype(np.float32)
    want = sklearn_metrics.r2_score(
        y.astype(np.float64), out.astype(np.float64), multioutput=theirs
    )
    close(R2Score(ours)(y, out), want, 1e-12)
    near = y - [2000, 0, -3]
    by_sums = in_batches(
        R2Score(ours), near.astype(np.float32), (out - [2000, 0, -3]).astype(np.float32)
    )
    close(by_sums, want, LOOSE)


def test_r2_of_an_output_that_does_not_vary():
    y, out = np.array([[1.0, 7.0], [3.0, 7.0]]), np.array([[1.0, 7.0], [2.0, 9.0]])
    assert math.isnan(R2Score()(y, out))
    assert R2Score("variance_weighted_average")(y, out) == 0.5  # its weight is 0: 1 - 1 / 2
    assert math.isnan(R2Score("variance_weighted_average")(y[:, 1:], out[:, 1:]))
    assert math.isnan(R2Score().exact(np.zeros((0, 1)), np.zeros((0, 1))))


def test_confusion_matrix_equals_scikit_learn():
    ids, out = data(4, "ids", rows=101)
    want = sklearn_metrics.confusion_matrix(ids, out.argmax(1))
    for y in (ids, ids[:, None], ids.astype(float), np.eye(4)[ids], ids.tolist()):
        for predicted in (out, out.argmax(1), out.argmax(1)[:, None]):
            got = ConfusionMatrix()(y, predicted)
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, want)
    assert ConfusionMatrix()([True, False], [True, True]).tolist() == [[0, 1], [0, 1]]
    assert ConfusionMatrix(3)([0, 1], [1, 1]).tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert ConfusionMatrix()([0, 0], [0, 0]).tolist() == [[2, 0], [0, 0]]


@pytest.mark.parametrize(
    ("use", "kind", "message"),
    [
        (
            lambda: ConfusionMatrix(1),
            ConfigError,
            "ConfusionMatrix: expected num_classes to be None or an int >= 2. Received: num_classes=1.",
        ),
        (
            lambda: ConfusionMatrix()([0, 1], [0]),
            DataError,
            "ConfusionMatrix: expected y_true and y_pred to have the same number of rows. Received: y_true=2, y_pred=1.",
        ),
        (
            lambda: ConfusionMatrix()([0, -1], [0, 1]),
            DataError,
            "ConfusionMatrix: expected labels from 0 to 1. Received: labels=[-1].",
        ),
        (
            lambda: ConfusionMatrix()([0, 2], np.eye(2)),
            DataError,
            "ConfusionMatrix: expected labels from 0 to 1. Received: labels=[2].",
        ),
        (
            lambda: ConfusionMatrix()([0, 1], [[0.25], [0.5]]),
            DataError,
            "ConfusionMatrix: expected y_pred to be integer labels. Received: labels=[0.25, 0.5]. "
            "Pass model.predict_labels(x) instead of probabilities.",
        ),
        (
            lambda: ConfusionMatrix()(["a"], [0]),
            DataError,
            "ConfusionMatrix: expected y_true to be labels (n,) or rows of K numbers (n, K). Received: shape=(1,), dtype='<U1'.",
        ),
        (
            lambda: metrics.get(ConfusionMatrix(), MeanSquaredError(), 1),
            ConfigError,
            "metric: expected a metric that is one number. Received: metric=ConfusionMatrix(num_classes=None). "
            "After training, write ConfusionMatrix()(y, model.predict_labels(x)).",
        ),
        (
            lambda: AUC(1),
            ConfigError,
            "AUC: expected num_thresholds to be an int >= 2. Received: num_thresholds=1.",
        ),
        (
            lambda: AUC(curve="roc"),
            ConfigError,
            'AUC: expected curve to be "ROC" or "PR". Received: curve=\'roc\'.',
        ),
        (
            lambda: AUC(multi_label=3),
            ConfigError,
            "AUC: expected multi_label to be a bool. Received: multi_label=3.",
        ),
        (
            lambda: AUC(from_logits=1),
            ConfigError,
            "AUC: expected from_logits to be None or a bool. Received: from_logits=1.",
        ),
        (
            lambda: AUC(from_logits="no"),
            ConfigError,
            "AUC: expected from_logits to be None or a bool. Received: from_logits='no'.",
        ),
        (
            lambda: AUC(output_activation="tanh"),
            ConfigError,
            'AUC: expected output_activation to be "sigmoid" or "softmax". Received: output_activation=\'tanh\'.',
        ),
        (
            lambda: AUC(multi_label=True).init(),
            ConfigError,
            "AUC: expected the number of outputs to be set. Received: outputs=None. "
            "compile sets it. For direct use, write metric.configure(None, outputs).",
        ),
    ],
)
def test_errors(use, kind, message):
    with pytest.raises(kind) as caught:
        use()
    assert str(caught.value) == message
