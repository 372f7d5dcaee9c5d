"""Tests of top-k, precision, recall, F1, RMSE and R2 with scikit-learn, and of their limits."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics
from test_metrics import data, in_batches

from glassnet import Sequential, layers, metrics
from glassnet.errors import ConfigError
from glassnet.losses import MeanSquaredError
from glassnet.metrics import (
    F1Score,
    Precision,
    R2Score,
    Recall,
    RootMeanSquaredError,
    TopKCategoricalAccuracy,
)
from oracles import FLOAT32, LOOSE, close

KINDS = {
    Precision: sklearn_metrics.precision_score,
    Recall: sklearn_metrics.recall_score,
    F1Score: sklearn_metrics.f1_score,
}


def pooled(kind, **options):
    return kind(**options, **({"average": "micro"} if kind is F1Score else {}))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("targets", ["ids", "rows"])
def test_one_class_and_all_pooled_equal_scikit_learn(kind, targets):
    y, out = data(4, targets, rows=101)
    ids = y if targets == "ids" else y.argmax(1)
    for k, want in enumerate(KINDS[kind](ids, out.argmax(1), average=None)):
        close(kind(class_id=k)(y, out), want)
        close(in_batches(kind(class_id=k), y, out), want)
    close(in_batches(pooled(kind), y, out), KINDS[kind](ids, out.argmax(1), average="micro"))


@pytest.mark.parametrize("kind", KINDS)
def test_labels_equal_scikit_learn(kind):
    y, out = data(3, "labels", rows=101)
    close(
        in_batches(pooled(kind, threshold=0.6), y, out),
        KINDS[kind](y, out > np.float32(0.6), average="micro"),
    )
    close(
        in_batches(kind(0.6, class_id=1), y, out), KINDS[kind](y[:, 1], out[:, 1] > np.float32(0.6))
    )


def test_zero_divisors_are_keras_zero():
    assert Precision(0.5)([1, 0], [0.1, 0.2]) == 0  # no positive predictions
    assert Recall(0.5)([0, 0], [0.9, 0.2]) == 0  # no actual positives
    assert F1Score(0.5)([0, 0], [0.1, 0.2]) == 0
    assert Precision(class_id=2)([0, 1], np.eye(3)[:2]) == 0


def test_steps_of_a_sequence_and_masks():
    y, out = (
        np.array([[1, 0], [1, 1]])[..., None],
        np.array([[0.9, 0.9], [0.1, 0.8]], np.float32)[..., None],
    )
    assert (Precision(0.5)(y, out), Recall(0.5)(y, out)) == (2 / 3, 2 / 3)
    first = np.array([[1, 0], [1, 0]])  # the first steps: 1 of 2 positives found
    metrics = [kind(0.5).configure(None, 1) for kind in KINDS]
    got = {
        type(metric): metric.result(metric.update(metric.init(), y, out, first))
        for metric in metrics
    }
    assert got == {Precision: 1, Recall: 0.5, F1Score: 2 / 3}


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_equals_scikit_learn(k):
    y, out = data(4, "ids", rows=101)
    close(
        in_batches(TopKCategoricalAccuracy(k), y, out),
        sklearn_metrics.top_k_accuracy_score(y, out, k=k, labels=range(4)),
    )


def test_top_k_of_ties_of_sequences_and_of_no_numbers():
    # both outputs of a tie are the largest, as in Keras
    assert TopKCategoricalAccuracy(1)([0, 1, 2], [[0.5, 0.5, 0.0]] * 3) == 2 / 3
    assert TopKCategoricalAccuracy(2)([[0, 2]], [[[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]]]) == 0.5
    assert TopKCategoricalAccuracy(2)([0, 1], np.full((2, 3), np.nan)) == 0


def test_numbers_equal_scikit_learn():
    y, out = data(1, "near", rows=101)
    close(
        in_batches(RootMeanSquaredError(), y, out), sklearn_metrics.root_mean_squared_error(y, out)
    )
    close(in_batches(R2Score(), y, out), sklearn_metrics.r2_score(y, out), 10 * FLOAT32)
    close(in_batches(R2Score(shift=0.5), y, out), sklearn_metrics.r2_score(y, out), 10 * FLOAT32)
    assert RootMeanSquaredError()([[3.0, 0.0]], [[0.0, 0.0]]) == math.sqrt(4.5)
    assert R2Score()([1.0, 3.0], [3.0, 1.0]) == -3  # 1 - 8 / 2


@pytest.mark.parametrize(
    ("mean", "shift", "tolerance"), [(30, 0, LOOSE), (1e4, 1e4, LOOSE), (1e4, 9990, LOOSE)]
)
def test_r2_far_from_zero(mean, shift, tolerance):
    rng = np.random.default_rng(0)
    y = (mean + rng.normal(size=1000)).astype(np.float32)
    out = (y + rng.normal(size=1000) * 0.3).astype(np.float32)
    want = sklearn_metrics.r2_score(y.astype(np.float64), out.astype(np.float64))
    close(in_batches(R2Score(shift=shift), y[:, None], out[:, None]), want, tolerance)
    close(R2Score()(y, out), want)  # in evaluation it is exact
    lost = in_batches(R2Score(), y[:, None] + np.float32(1e4), out[:, None] + np.float32(1e4))
    assert math.isnan(lost), "without a variance in float32 there is no score"


def test_r2_of_targets_that_do_not_vary_is_nan():
    for y in ([2.0], [0.1] * 7, [0.0, 0.0]):
        assert math.isnan(R2Score()(y, np.zeros(len(y))))


def test_evaluate_adds_sums_over_blocks():
    """5000 rows are several blocks, and the network returns its input."""
    x = np.random.default_rng(0).normal(size=(5000, 1)).astype(np.float32)
    y = (x + np.random.default_rng(1).normal(size=x.shape) * 0.5).astype(np.float32)
    model = Sequential([layers.Input(1), layers.Rescaling(1.0)], seed=0)
    model.compile("sgd", "mean_squared_error", ["r2_score", "root_mean_squared_error"])
    _, r2, rmse = model.evaluate(x, y)
    close(r2, sklearn_metrics.r2_score(y, x), LOOSE)
    close(rmse, sklearn_metrics.root_mean_squared_error(y, x), LOOSE)


def test_in_a_run():
    x = np.random.default_rng(0).normal(size=(64, 2)).astype(np.float32)
    model = Sequential([layers.Dense(1, activation="sigmoid")], seed=0)
    model.compile("nadam", "binary_crossentropy", ["precision", "recall", "f1_score"])
    history = model.fit(x, (x[:, 0] > 0).astype(int), epochs=2, verbose=0).history
    p, r, f = (history[name][0] for name in ("precision", "recall", "f1_score"))
    assert 0 < min(p, r) <= 1
    close(f, 2 * p * r / (p + r))


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (
            lambda: TopKCategoricalAccuracy(0),
            "TopKCategoricalAccuracy: expected k to be an int >= 1. Received: k=0.",
        ),
        (
            lambda: TopKCategoricalAccuracy()([0], [[0.0, 1.0]]),
            "TopKCategoricalAccuracy: expected k below the number of outputs. Received: k=5, outputs=2.",
        ),
        (
            lambda: Precision("half"),
            "Precision: expected threshold to be None or a number. Received: threshold='half'.",
        ),
        (
            lambda: Recall(class_id=-1),
            "Recall: expected class_id to be None or an int >= 0. Received: class_id=-1.",
        ),
        (
            lambda: Recall(0.5, class_id=2)([[1, 0]], [[0.1, 0.2]]),
            "Recall: expected class_id to be below the number of outputs. Received: class_id=2, outputs=2.",
        ),
        (
            lambda: F1Score()([1], [0.2]),
            "F1Score: expected one output per class. Received: threshold=None, outputs=1. "
            "For one output, set a threshold: F1Score(threshold=0.5).",
        ),
        (
            lambda: R2Score(shift="mean"),
            "R2Score: expected shift to be a number. Received: shift='mean'.",
        ),
        (
            lambda: R2Score("mean"),
            'R2Score: expected class_aggregation to be None, "uniform_average" or '
            "\"variance_weighted_average\". Received: class_aggregation='mean'.",
        ),
        (
            lambda: metrics.get(R2Score(None), MeanSquaredError(), 2),
            "R2Score: expected a class_aggregation, because logs hold one number per metric. Received: "
            "class_aggregation=None, outputs=2. Leave it out for the mean, or call the metric after training.",
        ),
        (
            lambda: R2Score().init(),
            "R2Score: expected the number of outputs to be set. Received: outputs=None. "
            "compile sets it. For direct use, write metric.configure(None, outputs).",
        ),
        (
            lambda: F1Score(average="mean"),
            'F1Score: expected average to be None, "micro", "macro" or "weighted". Received: average=\'mean\'.',
        ),
        (
            lambda: F1Score(average="macro", class_id=1),
            "F1Score: expected an average or a class_id, not both. Received: average='macro', class_id=1.",
        ),
        (
            lambda: metrics.get(F1Score(), MeanSquaredError(), 2),
            "F1Score: expected an average or a class_id for several outputs. Received: average=None, outputs=2. "
            'Write F1Score(average="macro"), or F1Score(class_id=...) for each output.',
        ),
    ],
)
def test_errors(use, message):
    with pytest.raises(ConfigError) as caught:
        use()
    assert str(caught.value) == message
