"""How often `compare` sees a difference between equal settings, and between different ones."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

import glassnet as gn
from glassnet.layers import Dense, Layer
from glassnet.selection import compare


@dataclass(frozen=True)
class Blend(Layer):
    """Weighted mean of two columns, so that a model sees the first, the second, or both."""

    first: float

    def __call__(self, params, x):
        return self.first * x[:, :1] + (1 - self.first) * x[:, 1:]


def make_model(first):
    model = gn.Sequential([Blend(first), Dense(4, "tanh"), Dense(1)], seed=0)
    model.compile(gn.optimizers.Adam(0.1), "mse")
    return model


def compare_often(times, second_slope):
    """Compare a model of the first column with one of the second, on fresh data each time.

    y = x1 + second_slope * x2 + noise. With equal slopes, the two columns can be exchanged, so both
    models have the same expected error. But they are different models, and in each set of 60 rows,
    one of the columns happens to predict better.
    """
    rng, models = np.random.default_rng(1), (make_model(1.0), make_model(0.0))
    for i in range(times):
        x = rng.normal(size=(60, 2))
        y = x[:, 0] + second_slope * x[:, 1] + 0.5 * rng.normal(size=60)
        options = {"epochs": 15, "batch_size": "full", "verbose": 0, "seed": 1000 * i}
        yield compare(*models, x, y, folds=5, repeats=4, **options)


@pytest.mark.slow
def test_equal_settings_rarely_differ():
    """At the 5 % level, at most 8 % of 400 comparisons show a difference: three standard errors.

    The ordinary paired test, which takes the folds for independent, is the broken subject.
    """
    results = list(compare_often(400, second_slope=1.0))
    ordinary = [stats.ttest_rel(*result.scores).pvalue < 0.05 for result in results]
    assert np.mean([result.is_significant for result in results]) <= 0.08
    assert np.mean(ordinary) > 0.2


@pytest.mark.slow
def test_different_settings_differ():
    """The second column says next to nothing about the target."""
    results = list(compare_often(20, second_slope=0.1))
    assert np.mean([result.better == "a" for result in results]) >= 0.9
    assert not any(result.better == "b" for result in results)
