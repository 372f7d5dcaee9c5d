"""Errors for parts of a model that would train, but not as the user intended."""

from dataclasses import dataclass

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError, MissingError
from glassnet.layers import Dense, Input


def test_a_loss_without_equality_of_its_own_is_refused():
    """Two such losses would compare as equal and share a compiled program.

    The second model would train on the first model's loss.
    """

    class Scaled(gn.losses.Loss):
        def __init__(self, by):
            object.__setattr__(self, "by", by)

        def unreduced(self, y, z):
            return self.by * abs(y - z).mean(-1)

    with pytest.raises(
        ConfigError,
        match=r"Scaled: expected a frozen dataclass.*Write @dataclass\(frozen=True\) above class Scaled",
    ):
        gn.Sequential([Dense(1)]).compile("sgd", Scaled(2.0))


def test_metrics_of_one_name_are_refused():
    model = gn.Sequential([Dense(1, activation="sigmoid")])
    model.compile(
        "sgd",
        "binary_crossentropy",
        [gn.metrics.Accuracy(threshold=0.3), gn.metrics.Accuracy(threshold=0.7)],
    )
    with pytest.raises(ConfigError, match="metrics: expected a unique name for each metric"):
        model.fit(np.eye(2), [0, 1], verbose=0)


def test_a_layer_that_loses_rows_is_refused():
    @dataclass(frozen=True)
    class FirstRow(gn.layers.Layer):
        def __call__(self, params, x):
            return x[:1]

    with pytest.raises(
        ConfigError,
        match=r"first_row_1: expected an output of shape \(batch, \.\.\.\) with at least two axes",
    ):
        gn.Sequential([Input(3), FirstRow()]).summary()


def test_adapt_to_a_list_of_numbers():
    """Oracle: by hand. 1 and 3 have mean 2; statistics of three columns do not match one column."""
    assert gn.layers.Normalization().adapt([1.0, 3.0]).init_state((1,))["mean"].tolist() == [2.0]
    with pytest.raises(
        ConfigError,
        match=r"Normalization: expected statistics of 1 columns, as its input has\. Received: adapted_to=3\.",
    ):
        gn.Sequential([Input(1), gn.layers.Normalization().adapt(np.eye(3))]).summary()
    with pytest.raises(
        DataError, match=r"Normalization: expected finite numbers to learn from\. Received: bad=1\."
    ):
        gn.layers.Normalization().adapt([1.0, np.nan])


def test_a_metric_stores_no_sums():
    with pytest.raises(
        MissingError,
        match=r"AUC has no attribute 'update_state'\. A metric stores no sums\. Call metric\(y_true, y_pred\)",
    ):
        gn.metrics.AUC().update_state([1], [1])
    assert not hasattr(gn.metrics.AUC(), "call")
