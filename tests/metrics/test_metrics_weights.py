"""Sample weights of rows, of time steps and of single outputs.

Oracles: Keras and scikit-learn on random inputs, and answers of weight 0 left out.
"""

import math
import re
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, r2_score, roc_auc_score

import glassnet as gn
from glassnet import keras, metrics
from glassnet.errors import ConfigError, DataError
from oracles import EXACT, FLOAT32, close

COUNTS = ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
ROWS, OUTPUTS = 12, 3
PER_OUTPUT = [
    *((name, {"thresholds": 0.4}) for name in (*COUNTS, "Precision", "Recall")),
    *((name, {"thresholds": [0.2, 0.6]}) for name in (*COUNTS, "Precision", "Recall")),
    ("Precision", {"thresholds": 0.2, "top_k": 2}),
    ("Recall", {"top_k": 2}),
    ("BinaryAccuracy", {"threshold": 0.3}),
]


def draw(seed=0):
    """Return labels, outputs with ties, numbers, and weights of rows and of outputs."""
    rng = np.random.default_rng(seed)
    shape = (ROWS, OUTPUTS)
    label = rng.integers(0, 2, shape).astype(np.float32)
    out = (rng.integers(0, 20, shape) / 20 + 0.003).astype(np.float32)
    row_weight = rng.random(ROWS).astype(np.float32) * (np.arange(ROWS) != 3)
    return label, out, rng.normal(size=shape).astype(np.float32), row_weight, rng.random(shape)


def keras_results(keras, cases, y, out, weight):
    """Return Keras's result of each (name, arguments)."""
    results = []
    for name, arguments in cases:
        metric = getattr(keras.metrics, name)(**arguments)
        metric.update_state(y, out, weight)
        results.append(np.asarray(metric.result()))
    return results


@pytest.mark.parametrize("kind", ["of outputs", "of outputs, one for all rows"])
def test_weights_of_outputs_equal_keras(recorded, kind):
    label, out, _, _, weight = draw()
    weight = np.float32(weight if kind == "of outputs" else weight[:1])
    for (name, arguments), want in zip(
        PER_OUTPUT, recorded(keras_results, PER_OUTPUT, label, out, weight), strict=True
    ):
        close(getattr(keras.metrics, name)(**arguments)(label, out, weight), want, FLOAT32)


def test_the_auc_and_r2_score_equal_keras(recorded):
    """Keras's thresholds, every 0.01, separate all outputs, so that its ROC area is exact."""
    label, out, t, row_weight, weight = draw(1)
    curves = [
        ("AUC", {"num_thresholds": 101}),
        ("AUC", {"num_thresholds": 101, "multi_label": True}),
    ]
    scores = [("R2Score", {}), ("R2Score", {"class_aggregation": "variance_weighted_average"})]
    for kind, cases, y, p, w in (
        ("areas", curves, label, out, row_weight),
        ("area, weights of outputs", curves[:1], label, out, np.float32(weight)),
        ("scores", scores, t, t + 0.3 * out, row_weight),
    ):
        expected = recorded(keras_results, cases, y, p, w, name=kind)
        for (name, arguments), want in zip(cases, expected, strict=True):
            close(getattr(keras.metrics, name)(**arguments)(y, p, w), want, 1e-5)


def test_the_auc_and_r2_score_equal_scikit_learn():
    label, out, t, row_weight, weight = map(np.float64, draw(2))  # scikit-learn sums in this type
    row_weight[np.argmax(out, 0)] = 0  # the curve starts with rows that do not count
    for multi_label in (True, False):
        average = "macro" if multi_label else "micro"
        for curve, oracle in (("ROC", roc_auc_score), ("PR", average_precision_score)):
            metric = metrics.AUC(curve=curve, multi_label=multi_label)
            want = oracle(label, out, average=average, sample_weight=row_weight)
            close(metric(label, out, row_weight), want, 1e-12)
    flat = oracle(label.ravel(), out.ravel(), sample_weight=weight.ravel())
    close(metrics.AUC(curve="PR")(label, out, weight), flat, 1e-12)
    for ours, theirs in (
        ("uniform_average", "uniform_average"),
        ("variance_weighted_average", "variance_weighted"),
    ):
        want = r2_score(t, out, sample_weight=row_weight, multioutput=theirs)
        close(metrics.R2Score(ours)(t, out, row_weight), want, 1e-12)
    columns = [r2_score(t[:, k], out[:, k], sample_weight=weight[:, k]) for k in range(OUTPUTS)]
    close(metrics.R2Score()(t, out, weight), np.mean(columns), 1e-12)


def test_answers_of_weight_0_do_not_count():
    """Oracle: the metric without them. A single label, or equal targets, has no score."""
    label, out, t, row_weight, _ = draw(3)
    real = np.flatnonzero(row_weight)
    on = np.float32(row_weight > 0)
    for metric, y in (
        *((metrics.AUC(curve=curve, multi_label=True), label) for curve in ("ROC", "PR")),
        (metrics.R2Score(), t),
        (metrics.F1Score(0.5, average="macro"), label),
    ):
        close(metric(y, out, on), metric(y[real], out[real]), EXACT)
    assert math.isnan(metrics.AUC()(label, out, np.zeros(ROWS)))
    assert math.isnan(metrics.AUC()(label, out, label))  # every 0 has weight 0
    t[real] = 0.1, 0.7, 1.3  # the targets that count are equal
    assert math.isnan(metrics.R2Score("variance_weighted_average")(t, out, row_weight))
    assert metrics.Precision(0.5)(label, out, np.zeros((ROWS, OUTPUTS))) == 0.0
    one = np.eye(OUTPUTS)[[1]]
    f1 = metrics.F1Score(0.5, average="micro")(label, out, one)
    close(f1, metrics.F1Score(0.5)(label[:, 1], out[:, 1]), EXACT)
    for name in (*COUNTS, "Precision", "Recall"):
        metric = getattr(metrics, name)(0.5)
        of_one = getattr(metrics, name)(0.5, class_id=1)(label, out, np.ones_like(out))
        assert metric(label, out, one) == metric(label[:, 1], out[:, 1]) == of_one


def test_a_score_per_output(recorded):
    """Constant targets have no R2 score."""
    label, out, t, row_weight, weight = draw(6)
    for name, arguments, y, w in (
        ("R2Score", {"class_aggregation": None}, t, None),
        ("R2Score", {"class_aggregation": None}, t, row_weight),
        ("F1Score", {"threshold": 0.4}, label, None),
        ("F1Score", {"threshold": 0.4}, label, row_weight),
    ):
        kind = name if w is None else f"{name}, weighted"
        (want,) = recorded(keras_results, [(name, arguments)], y, out, w, name=kind)
        kind = getattr(keras.metrics, name)
        close(kind(**arguments)(y, out, w), want, 1e-5)
        assert kind(**arguments)(y, out, w).shape == (OUTPUTS,)
        score = kind(**arguments)(y[:, 0], out[:, 0], w)
        assert score.shape == ()
        close(score, want[0], 1e-5)
    columns = [metrics.F1Score(0.4)(label[:, k], out[:, k], weight[:, k]) for k in range(OUTPUTS)]
    close(metrics.F1Score(0.4)(label, out, weight), columns, 1e-12)
    t[:, 1] = 0.1
    assert np.isnan(metrics.R2Score(None)(t, out)).tolist() == [False, True, False]
    metric = metrics.R2Score(None).configure(None, OUTPUTS)
    sums = metric.update(metric.init(), t, out, np.ones(ROWS))
    close(metric.result(sums), metrics.R2Score(None)(t, out), 1e-4)  # sums are in float32


def test_weights_of_time_steps():
    """Oracle: the steps as rows."""
    rng = np.random.default_rng(4)
    out, weight = rng.random((4, 5, 3)).astype(np.float32), rng.random((4, 5))
    ids, t = rng.integers(0, 3, (4, 5)), rng.normal(size=(4, 5, 3))
    rows = weight.ravel(), out.reshape(20, 3)
    for metric, y in (
        (metrics.Accuracy(), ids),
        (metrics.TopKCategoricalAccuracy(2), ids),
        (metrics.AUC(), ids),
        (metrics.MeanSquaredError(), t),
        (metrics.R2Score(), t),
    ):
        y_rows = y.reshape(20, *y.shape[2:])
        close(metric(y, out, weight), metric(y_rows, rows[1], rows[0]), EXACT)
        every = metric(y, out, np.repeat(weight[:, :1], 5, axis=1))
        close(metric(y, out, weight[:, 0]), every, FLOAT32)


def test_metrics_of_fit_and_evaluate_count_every_row_once():
    """As in Keras, `sample_weight` of fit and evaluate weights the loss only."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(20, 2)).astype(np.float32), rng.normal(size=20)
    weight = rng.random(20)
    model = gn.Sequential([gn.layers.Dense(1)], seed=0)
    model.compile("sgd", "mse", [metrics.R2Score(), "mae"])
    model.fit(x, y, sample_weight=weight, verbose=0)
    p = model.predict(x)
    loss, r2, mae = model.evaluate(x, y, sample_weight=weight)
    close(r2, metrics.R2Score()(y, p))
    close(mae, metrics.MeanAbsoluteError()(y, p), FLOAT32)
    assert abs(loss - metrics.MeanSquaredError()(y, p)) > 0.01


@dataclass(frozen=True)
class Median(metrics.MeanSquaredError):
    """Metric with an exact value of its own that knows no weights."""

    def exact(self, y, out):
        return float(np.median(y - out))


LINE = ([1, 0], [0.2, 0.9])
WIDE = ([[1.0, 0.0]], [[0.2, 0.9]])
REFUSED = [
    (lambda w: metrics.Recall()(*LINE, w), [1], "Recall: expected sample_weight of shape (2,)"),
    (
        lambda w: metrics.AUC()(*LINE, w),
        [[1, 2]],
        "AUC: expected sample_weight of shape (2,) or (2, 1). Received: shape=(1, 2).",
    ),
    (
        lambda w: metrics.Recall()(*LINE, w),
        [1, -1],
        "Recall: expected sample_weight to be numbers >= 0. Received: values=[-1.0].",
    ),
    (
        lambda w: metrics.R2Score()(*LINE, w),
        [1, float("nan")],
        "R2Score: expected sample_weight to be numbers >= 0. Received: values=[nan].",
    ),
    (
        lambda w: metrics.MeanSquaredError()(*WIDE, w),
        [[1, 2]],
        "sample_weight: expected one weight per row, (1,). Received: shape=(1, 2).",
    ),
    (
        lambda w: metrics.Accuracy()(*WIDE, w),
        [[1, 2]],
        "sample_weight: expected one weight per row, (1,). Received: shape=(1, 2).",
    ),
    (
        lambda w: Median()(*LINE, w),
        [1, 2],
        "Median: expected no sample_weight. Give its method exact a third argument, weight=None.",
    ),
]


@pytest.mark.parametrize(("call", "weight", "text"), REFUSED)
def test_refused(call, weight, text):
    with pytest.raises((ConfigError, DataError), match=re.escape(text)):
        call(weight)
