"""Tests of metrics with Keras, with NumPy and by hand, and of their default thresholds."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from glassnet import metrics
from glassnet.errors import ConfigError, DataError
from glassnet.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    HalfMeanSquaredError,
    Hinge,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from glassnet.losses import MeanSquaredError as SquaredLoss
from glassnet.metrics import (
    AUC,
    METRICS,
    Accuracy,
    F1Score,
    MeanAbsoluteError,
    MeanSquaredError,
    Metric,
    Precision,
    R2Score,
    Recall,
    RootMeanSquaredError,
    TopKCategoricalAccuracy,
)
from oracles import EXACT, close

# metric, the Keras class that it must equal, the number of outputs, and the kind of targets
CASES = {
    "argmax, one-hot": (Accuracy(), "CategoricalAccuracy", 4, "rows"),
    "argmax, ids": (Accuracy(), "SparseCategoricalAccuracy", 4, "ids"),
    "one sigmoid": (Accuracy(threshold=0.5), "BinaryAccuracy", 1, "labels"),
    "many sigmoids": (Accuracy(threshold=0.5), "BinaryAccuracy", 4, "labels"),
    "squares": (MeanSquaredError(), "MeanSquaredError", 3, "numbers"),
    "absolutes": (MeanAbsoluteError(), "MeanAbsoluteError", 3, "numbers"),
    "root of squares": (RootMeanSquaredError(), "RootMeanSquaredError", 3, "numbers"),
    "top 2, one-hot": (TopKCategoricalAccuracy(k=2), "TopKCategoricalAccuracy", 4, "rows"),
    "top 2, ids": (TopKCategoricalAccuracy(k=2), "SparseTopKCategoricalAccuracy", 4, "ids"),
    "precision": (Precision(0.5), "Precision", 1, "labels"),
    "precision of many sigmoids": (Precision(0.7), "Precision", 4, "labels"),
    "recall": (Recall(0.5), "Recall", 1, "labels"),
    "recall of one of many sigmoids": (Recall(0.7, class_id=2), "Recall", 4, "labels"),
    "f1": (F1Score(0.5), "F1Score", 1, "labels"),
    "f1 of all sigmoids": (F1Score(0.5, average="micro"), "F1Score", 4, "labels"),
    "mean f1 of sigmoids": (F1Score(0.5, average="macro"), "F1Score", 4, "labels"),
    "weighted f1 of sigmoids": (F1Score(0.5, average="weighted"), "F1Score", 4, "labels"),
    "mean f1 of classes": (F1Score(average="macro"), "F1Score", 4, "rows"),
    "r2": (R2Score(), "R2Score", 1, "near"),
    "mean r2": (R2Score(), "R2Score", 3, "near"),
    "weighted r2": (R2Score("variance_weighted_average"), "R2Score", 3, "near"),
    "auc": (AUC(), "AUC", 1, "labels"),
    "auc of few thresholds": (AUC(num_thresholds=7), "AUC", 1, "labels"),
    "auc, pr": (AUC(curve="PR"), "AUC", 1, "labels"),
    "auc of all sigmoids": (AUC(), "AUC", 4, "labels"),
    "mean auc of sigmoids": (AUC(multi_label=True), "AUC", 4, "labels"),
    "mean auc of sigmoids, pr": (AUC(curve="PR", multi_label=True), "AUC", 4, "labels"),
    "auc of logits": (AUC(from_logits=True), "AUC", 1, "labels"),
    "auc of classes": (AUC(), "AUC", 4, "rows"),
}


def data(outputs, targets, rows=37, seed=0):
    rng = np.random.default_rng(seed)
    out = rng.uniform(size=(rows, outputs)).astype(np.float32)
    ids = rng.integers(0, outputs, rows).astype(np.int32)
    labels = rng.integers(0, 2, out.shape).astype(np.float32)
    return {
        "rows": np.eye(outputs, dtype=np.float32)[ids],
        "ids": ids,
        "labels": labels,
        "numbers": labels - 0.3,
        "near": out + 0.3 * labels,
    }[targets], out


update = jax.jit(lambda metric, *arguments: metric.update(*arguments), static_argnums=0)
"""One compiled program for equal metrics and batch shapes."""


def in_batches(metric: Metric, y, out, batch=10):
    """Return the metric over padded batches, as in training. The padding must not count."""
    metric = metric.configure(None, out.shape[-1])
    acc = metric.init()
    for start in range(0, len(out), batch):
        part = slice(start, start + batch)
        short = batch - len(out[part])
        y_part = np.concatenate([y[part], np.zeros((short, *y.shape[1:]), y.dtype)])
        out_part = np.concatenate([out[part], np.full((short, *out.shape[1:]), np.nan, out.dtype)])
        acc = update(
            metric, acc, y_part, out_part, (np.arange(batch) < batch - short).astype(np.float32)
        )
    return metric.result(acc)


def test_every_metric_has_a_keras_case():
    assert {type(metric) for metric, *_ in CASES.values()} == set(METRICS.values())


def keras_metric(keras, kind, arguments, y, out):
    theirs = getattr(keras.metrics, kind)(**arguments)
    theirs.update_state(y, out)
    return float(np.squeeze(theirs.result()))


@pytest.mark.parametrize("name", CASES)
def test_equals_keras_whole_and_in_padded_batches(recorded, name):
    metric, keras_name, outputs, targets = CASES[name]
    y, out = data(outputs, targets)
    names = (
        "k",
        "class_id",
        "average",
        "class_aggregation",
        "num_thresholds",
        "curve",
        "multi_label",
        "from_logits",
    )
    arguments = {
        key: getattr(metric, key) for key in names if getattr(metric, key, None) is not None
    }
    if isinstance(metric, Precision | Recall | F1Score):
        arguments |= {"threshold" if keras_name == "F1Score" else "thresholds": metric.threshold}
    want = recorded(keras_metric, keras_name, arguments, y, out)
    assert 0 < want < 1
    if not isinstance(metric, AUC):  # called directly it is exact: see test_metrics_exact.py
        close(metric(y, out), want)
    close(in_batches(metric, y, out), want)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, (metric, *_) in CASES.items()
        if type(metric) in (Accuracy, MeanSquaredError, MeanAbsoluteError)
    ],
)
def test_equals_a_numpy_loop(name):
    metric, _, outputs, targets = CASES[name]
    y, out = data(outputs, targets, seed=1)
    scores = []
    for target, row in zip(y, out.astype(np.float64), strict=True):
        if targets in ("rows", "ids"):
            scores.append(
                float(
                    max(range(outputs), key=lambda k: row[k])
                    == (target if targets == "ids" else list(target).index(1))
                )
            )
        elif targets == "labels":
            scores.append(
                sum((value > 0.5) == (label == 1) for value, label in zip(row, target, strict=True))
                / outputs
            )
        else:
            errors = [abs(t - value) for t, value in zip(target, row, strict=True)]
            scores.append(
                sum(e if isinstance(metric, MeanAbsoluteError) else e * e for e in errors) / outputs
            )
    close(metric(y, out), sum(scores) / len(scores))


def test_by_hand():
    assert (
        Accuracy()([0, 2, 1], [[0.7, 0.2, 0.1], [0.1, 0.5, 0.4], [0.2, 0.6, 0.2]]) == 2 / 3
    )  # the second answer is 1, not 2
    assert (
        Accuracy(threshold=0.5)([[1, 0], [1, 1]], [[0.9, 0.8], [0.6, 0.7]]) == 0.75
    )  # three of four labels
    assert MeanSquaredError()([[1.0, 2.0]], [[2.0, 4.0]]) == 2.5  # (1 + 4) / 2
    assert MeanAbsoluteError()([[1.0, 2.0]], [[2.0, 4.0]]) == 1.5  # (1 + 2) / 2
    assert (
        MeanSquaredError()([1], [[0.25, 0.75]]) == 0.0625
    )  # an id is a one-hot row, (0, 1): (1/16 + 1/16) / 2
    assert MeanAbsoluteError()([1], [[0.25, 0.75]]) == 0.25  # (1/4 + 1/4) / 2


def test_steps_of_a_sequence_count_one_by_one():
    y, out = (
        np.array([[0, 1], [1, 1]]),
        np.eye(2, dtype=np.float32)[[[0, 1], [0, 1]]],
    )  # wrong at (1, 0) only
    metric = Accuracy()
    assert metric(y, out) == 0.75
    first = metric.update(metric.init(), y, out, np.array([1.0, 0.0]))  # the first example only
    assert metric.result(first) == 1
    steps = metric.update(metric.init(), y, out, np.array([[1, 0], [1, 0]]))  # the first steps only
    assert metric.result(steps) == 0.5


def test_counts_are_exact_beyond_float32():
    metric = Accuracy()
    acc = {key: zero + zero.dtype.type(2**24) for key, zero in metric.init().items()}
    acc = metric.update(
        acc, np.array([0]), np.array([[1.0, 0.0]], np.float32), np.ones(1, np.float32)
    )
    assert (int(acc["total"]), int(acc["count"])) == (
        2**24 + 1,
        2**24 + 1,
    )  # in float32, 2^24 + 1 is 2^24


@pytest.mark.parametrize("name", CASES)
def test_nothing_counted_is_nan_but_for_what_keras_calls_0(name):
    metric, _, outputs, targets = CASES[name]
    metric = metric.configure(None, outputs)
    y, out = data(outputs, targets, rows=10)  # as many as in a batch
    empty = metric.result(update(metric, metric.init(), y, out, np.zeros(len(y), np.float32)))
    assert (
        metric.result(metric.init()) == empty == 0
        if isinstance(metric, Precision | Recall | F1Score)
        else math.isnan(empty)
    )


@pytest.mark.parametrize(
    ("loss", "outputs", "threshold"),
    [
        (BinaryCrossentropy(), 1, 0.5),
        (BinaryCrossentropy(), 3, 0.5),
        (BinaryCrossentropy(from_logits=True), 1, 0.0),
        (CategoricalCrossentropy(), 3, None),
        (SparseCategoricalCrossentropy(from_logits=True), 3, None),
        (BinaryFocalCrossentropy(), 3, 0.5),
        (BinaryFocalCrossentropy(from_logits=True), 1, 0.0),
        (CategoricalFocalCrossentropy(from_logits=True), 3, None),
        (Hinge(), 1, 0.0),  # the sign of a score is the answer
        (SquaredHinge(), 1, 0.0),
        (Hinge(), 3, None),
        (SquaredLoss(), 1, 0.5),  # lecture 003: XOR by a sigmoid under the squared error
        (HalfMeanSquaredError(), 3, None),
    ],
)
@pytest.mark.parametrize("value", ["accuracy", "acc", Accuracy(name="mine")])
def test_accuracy_is_what_the_loss_calls_for(value, loss, outputs, threshold):
    assert metrics.get(value, loss, outputs) == Accuracy(
        threshold, name=value if isinstance(value, str) else "mine"
    )


@pytest.mark.parametrize("kind", [Precision, Recall, F1Score])
def test_a_yes_is_what_the_loss_calls_for(kind):
    def cut(*arguments, **options):
        """Return the threshold and class_id of the metric from `get`."""
        got = metrics.get(kind(**options), *arguments)
        return got.threshold, got.class_id

    assert cut(BinaryCrossentropy(), 1) == (0.5, None)
    assert cut(BinaryCrossentropy(from_logits=True), 3, class_id=1) == (0.0, 1)
    assert cut(BinaryFocalCrossentropy(from_logits=True), 1) == (0.0, None)
    pooled = {"average": "micro"} if kind is F1Score else {}
    assert cut(CategoricalCrossentropy(), 3, **pooled) == (None, None)
    assert cut(CategoricalCrossentropy(), 3, threshold=0.7, **pooled) == (0.7, None)


def test_accuracy_of_logits_is_cut_at_zero():
    # 4 correct answers. Keras, with a threshold of 0.5 for logits, scores 0.25
    z = [0.3, 0.2, 0.4, -1.0]
    assert metrics.get("accuracy", BinaryCrossentropy(from_logits=True), 1)([1, 1, 1, 0], z) == 1
    assert Accuracy(threshold=0.5)([1, 1, 1, 0], z) == 0.25


def test_either_pair_of_labels_is_an_answer():
    # labels of a hinge loss are -1 and 1, or 0 and 1. As in Keras, no answer equals another target
    assert metrics.get("accuracy", Hinge(), 1)([-1, 1, -1, 1], [-0.2, 0.3, 0.1, 0.4]) == 0.75
    assert metrics.get("accuracy", Hinge(), 1)([0, 1, 0, 1], [-0.2, 0.3, 0.1, 0.4]) == 0.75
    assert Accuracy(0.5)([0.3, 0.9, 1, 0], [0.1, 0.8, 0.9, 0.2]) == 0.5


def test_names():
    loss = SquaredLoss()
    assert {key: metrics.get(key, loss, 1).name for key in METRICS} == {key: key for key in METRICS}
    short = {"acc", "mse", "mae", "sparse_top_k_categorical_accuracy"}
    assert {key: kind().name for key, kind in METRICS.items() if key not in short} == {
        key: key for key in METRICS if key not in short
    }
    metric = Accuracy(0.7)
    assert metrics.get(metric, loss, 1) is metric
    assert hash(Accuracy(0.7)) == hash(metric)
    assert Accuracy(0.7) != Accuracy(0.6)


def test_a_trailing_axis_of_one_never_broadcasts():
    y, out = np.array([0, 1, 1]), np.array([0.1, 0.2, 0.9])
    for a, b in ((y, out), (y[:, None], out), (y, out[:, None]), (y.tolist(), out.tolist())):
        close(Accuracy(threshold=0.5)(a, b), 2 / 3, tolerance=EXACT)


def test_errors():
    with pytest.raises(
        ConfigError,
        match=r"^Accuracy: expected one output per class\. Received: threshold=None, outputs=1\. For one output, set",
    ):
        Accuracy()([0, 1], [0.2, 0.9])
    with pytest.raises(
        ConfigError,
        match=r"^Accuracy: expected threshold to be None or a number\. Received: threshold='half'\.$",
    ):
        Accuracy("half")
    with pytest.raises(
        DataError,
        match=r"^MeanSquaredError: expected y_true of the shape of y_pred, \(2, 3\), or class ids \(2,\)\. Received: shape=\(3,\)",
    ):
        MeanSquaredError()([1.0, 2.0, 3.0], jnp.zeros((2, 3)))
    with pytest.raises(
        ConfigError, match=r"^metric: expected one of .* Did you mean 'accuracy'\?$"
    ):
        metrics.get("acuracy", SquaredLoss(), 1)
    with pytest.raises(
        ConfigError,
        match=r"^metric: expected a name, a Metric or a function\. Received: metric=3\.$",
    ):
        metrics.get(3, SquaredLoss(), 1)
    with pytest.raises(
        ConfigError,
        match=r"^metric: expected .* Received: metric=<class .*Accuracy'>\. Write Accuracy\(\)\.$",
    ):
        metrics.get(Accuracy, SquaredLoss(), 1)
    with pytest.raises(ConfigError, match=r"Received: metric=MeanSquaredError\(\)\.$"):
        metrics.get(SquaredLoss(), SquaredLoss(), 1)
