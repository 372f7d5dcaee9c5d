"""Tests of the four confusion counts, by hand and with Keras."""

import numpy as np
import pytest
from test_metrics import keras_metric

from glassnet import metrics
from oracles import EXACT, close

NAMES = ("TruePositives", "FalsePositives", "TrueNegatives", "FalseNegatives")


def test_by_hand():
    """Predictions 1, 1, 0, 0, 1 of labels 1, 0, 0, 1, 1."""
    counts = [
        getattr(metrics, name)(threshold=0.5)([1, 0, 0, 1, 1], [0.9, 0.6, 0.4, 0.5, 0.7])
        for name in NAMES
    ]
    assert counts == [2.0, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("name", NAMES)
def test_keras(recorded, name):
    """Three outputs in two batches. Padding rows do not count."""
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, (50, 3)).astype(np.float32), rng.random((50, 3)).astype(np.float32)
    metric = getattr(metrics, name)(threshold=0.3)
    acc = metric.update(metric.init(), y[:30], p[:30], np.ones(30, np.float32))
    again = np.concatenate([y[30:], y[:9]]), np.concatenate([p[30:], p[:9]])
    acc = metric.update(acc, *again, np.float32([1] * 20 + [0] * 9))
    close(metric.result(acc), recorded(keras_metric, name, {"thresholds": 0.3}, y, p), EXACT)
