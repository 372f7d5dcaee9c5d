"""Thresholds, lists of them, `top_k` and sample weights, as in Keras.

Oracles: Keras on random inputs, and counting by hand.
"""

import re

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras, metrics
from glassnet.errors import ConfigError
from glassnet.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from oracles import EXACT, FLOAT32, close

COUNTS = ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")
SHARES = ("Precision", "Recall")
SHAPES = {"(n,)": (9,), "(n, 1)": (9, 1), "(n, k)": (8, 4)}


def draw(shape, seed=0):
    """Return targets, outputs and sample weights."""
    rng = np.random.default_rng(seed)
    y, out = rng.integers(0, 2, shape).astype(np.float32), rng.random(shape).astype(np.float32)
    return y, out, rng.random(shape[0]).astype(np.float32)


def keras_results(keras, cases, y, out, weight):
    """Return Keras's result of each (name, arguments, whether weighted)."""
    results = []
    for name, arguments, weighted in cases:
        metric = getattr(keras.metrics, name)(**arguments)
        metric.update_state(y, out, weight if weighted else None)
        results.append(np.asarray(metric.result()))
    return results


def choose_cases(shape):
    """Return every (name, arguments, whether weighted) of one shape.

    Precision and recall of several outputs without a threshold differ from Keras on purpose.
    """
    is_wide = len(shape) == 2 and shape[1] > 1
    cases = []
    for name in COUNTS + SHARES:
        for thresholds in (None, 0.3, [0.4], [0.2, 0.5, 0.8]):
            for extra in ({}, {"top_k": 2}, {"class_id": 1}, {"top_k": 2, "class_id": 3}):
                if extra and (name in COUNTS or not is_wide):
                    continue
                if name in SHARES and is_wide and thresholds is None and "top_k" not in extra:
                    continue
                arguments = {"thresholds": thresholds} | extra
                cases += [(name, arguments, weighted) for weighted in (False, True)]
    return cases


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_equals_keras(recorded, shape):
    """A list of thresholds gives an array, a list of one a number."""
    (y, out, weight), cases = draw(shape), choose_cases(shape)
    expected = recorded(keras_results, cases, y, out, weight)
    for (name, arguments, weighted), want in zip(cases, expected, strict=True):
        metric = getattr(keras.metrics, name)(**arguments)
        got = metric(y, out, weight if weighted else None)
        assert np.shape(got) == np.shape(want), (name, arguments)
        close(got, want, FLOAT32)  # Keras divides in float32
        options = {{"thresholds": "threshold"}.get(key, key): arguments[key] for key in arguments}
        assert getattr(metrics, name)(**options) == metric.glassnet_metric  # one meaning


def test_rows_of_weight_0_and_masked_rows_do_not_count():
    y, out, _ = draw((8, 4))
    keep = np.array([1, 1, 0, 1, 0, 0, 1, 1])
    for name in COUNTS + SHARES:
        metric = getattr(metrics, name)(threshold=[0.2, 0.5])
        want = metric(y[keep == 1], out[keep == 1])
        close(metric(y, out, keep), want, EXACT)
        close(metric.result(metric.update(metric.init(), y, out, keep)), want, EXACT)


def test_by_hand():
    """Outputs 0.9, 0.8 and 0.1 of labels 1, 1 and 0: two above 0.5, both right."""
    assert [getattr(metrics, name)()([[1, 1, 0]], [[0.9, 0.8, 0.1]]) for name in COUNTS] == [
        2.0,
        0.0,
        1.0,
        0.0,
    ]
    # The two largest of each row: (0, 1) and (0, 2); true are 0 and 1, then 2.
    y, out = [[1, 1, 0], [0, 0, 1]], [[0.3, 0.2, 0.1], [0.4, 0.1, 0.2]]
    assert metrics.Precision(top_k=2)(y, out) == 3 / 4
    assert metrics.Recall(top_k=1)(y, out) == 1 / 3
    assert metrics.Recall(0.25, top_k=2)(y, out) == 1 / 3  # 0.3 and 0.4 remain
    assert metrics.Recall(top_k=3, class_id=2)(y, out) == 1.0
    # One of many classes: the largest output is the answer, as `compile` decides it.
    assert metrics.Precision()([0, 2], [[0.4, 0.3, 0.3], [0.3, 0.4, 0.3]]) == 0.5


def test_sample_weights_of_the_other_metrics():
    """Rows of weight 2 and 1: the row of weight 2 counts twice. Oracle: the row, repeated."""
    y, out = np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[0.9, 0.2], [0.7, 0.4]])
    twice = np.array([0, 0, 1])
    for metric in (
        metrics.MeanSquaredError(),
        metrics.MeanAbsoluteError(),
        metrics.RootMeanSquaredError(),
        metrics.Accuracy(0.5),
        metrics.Accuracy(),
        metrics.TopKCategoricalAccuracy(1),
        *(metrics.F1Score(0.5, average=average) for average in ("micro", "macro", "weighted")),
    ):
        close(metric(y, out, [2, 1]), metric(y[twice], out[twice]), FLOAT32)
        close(metric(y, out, [[1.0], [0.5]]), metric(y[twice], out[twice]), FLOAT32)


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize(
    ("loss", "outputs", "threshold"),
    [
        (BinaryCrossentropy(), 3, 0.5),
        (BinaryCrossentropy(from_logits=True), 1, 0.0),
        (CategoricalCrossentropy(), 3, 0.5),
        (SparseCategoricalCrossentropy(), 3, 0.5),
        (MeanSquaredError(), 3, 0.5),
    ],
)
def test_the_counts_of_a_compiled_model_use_the_same_threshold(name, loss, outputs, threshold):
    assert metrics.get(getattr(metrics, name)(), loss, outputs).threshold == threshold
    assert metrics.get(getattr(metrics, name)(0.7), loss, outputs).threshold == 0.7


def test_in_a_fit_and_in_a_file(tmp_path):
    """Oracle: the metrics of the predictions."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 3)).astype(np.float32), rng.integers(0, 3, 40)
    model = gn.Sequential([gn.layers.Dense(3, activation="softmax")], seed=0)
    chosen = [metrics.TruePositives(), metrics.Recall(top_k=2), metrics.Precision(0.4)]
    model.compile("adam", "sparse_categorical_crossentropy", chosen)
    model.fit(x, y, verbose=0)
    expected = [metric(y, model.predict(x)) for metric in chosen]
    assert model.evaluate(x, y)[1:] == expected
    model.save(tmp_path / "m.glassnet")
    assert gn.load(tmp_path / "m.glassnet").evaluate(x, y)[1:] == expected


LINE = ([1, 0], [0.2, 0.9])
WIDE = ([[1, 0]], [[0.2, 0.9]])
REFUSED = [
    (
        lambda: metrics.get(metrics.Recall([0.2, 0.5]), BinaryCrossentropy(), 1),
        "Recall: expected one threshold, because logs hold one number per metric. Received: "
        "threshold=(0.2, 0.5). Write a metric with a name for each threshold",
    ),
    (
        lambda: metrics.TruePositives([]),
        "TruePositives: expected threshold to be None, a number or a list of numbers. Received: "
        "threshold=[].",
    ),
    (
        lambda: metrics.Precision([0.2, "high"]),
        "Precision: expected threshold to be None, a number or a list of numbers.",
    ),
    (
        lambda: metrics.F1Score([0.2, 0.5]),
        "F1Score: expected threshold to be None or a number. Received: threshold=[0.2, 0.5].",
    ),
    (
        lambda: metrics.Precision(top_k=0),
        "Precision: expected top_k to be None or an int >= 1. Received: top_k=0.",
    ),
    (
        lambda: metrics.Precision(top_k=3)(*WIDE),
        "Precision: expected top_k to be at most the number of outputs. Received: top_k=3, "
        "outputs=2.",
    ),
]


@pytest.mark.parametrize(("call", "text"), REFUSED)
def test_refused(call, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        call()
