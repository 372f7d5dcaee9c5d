"""Numbers of the user that would become 0 or infinite in float32 are refused, with the right blame.

The oracle is the message. That compiled programs round smaller numbers to 0 is checked as well.
"""

import jax
import numpy as np
import pytest

import glassnet as gn
from glassnet import initializers, layers, losses, optimizers, regularizers, schedules
from glassnet.callbacks import LearningRateScheduler, ReduceLROnPlateau
from glassnet.errors import MIN_FLOAT32, ConfigError, DataError, is_float32
from glassnet.estimators import NeuralRegressor

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
CLASSES = np.arange(20) % 2
RANGE = "Numbers are float32: 0, or from 1.2e-38 to 3.4e38 in size."

SETTINGS = {
    "learning_rate": lambda value: optimizers.SGD(value),
    "clipnorm": lambda value: optimizers.SGD(0.1, clipnorm=value),
    "clipvalue": lambda value: optimizers.Adam(clipvalue=value),
    "epsilon": lambda value: optimizers.RMSprop(epsilon=value),
    "weight_decay": lambda value: optimizers.AdamW(weight_decay=value),
    "initial_learning_rate": lambda value: schedules.ExponentialDecay(value, 10, 0.9),
    "delta": lambda value: losses.Huber(value),
    "l2": lambda value: regularizers.L2(value),
    "value": lambda value: initializers.Constant(value),
    "stddev": lambda value: initializers.RandomNormal(stddev=value),
    "scale": lambda value: layers.Rescaling(value),
    "threshold": lambda value: gn.metrics.Precision(value),
    "min_lr": lambda value: ReduceLROnPlateau(min_lr=value),
    "alpha": lambda value: NeuralRegressor(alpha=value).fit(X, CLASSES),
    "learning_rate_init": lambda value: NeuralRegressor(learning_rate_init=value).fit(X, CLASSES),
}


@pytest.mark.parametrize("value", [1e39, 1e-46, 1e-40])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_beyond_float32_is_refused(name, value):
    with pytest.raises(ConfigError) as caught:
        SETTINGS[name](value)
    assert f"{name}={value}" in str(caught.value)
    assert str(caught.value).endswith(RANGE)


def test_other_wrong_numbers_do_not_mention_the_range():
    for value in (-1.0, float("nan"), float("inf"), "large"):
        with pytest.raises(ConfigError) as caught:
            optimizers.SGD(value)
        assert RANGE not in str(caught.value)


def test_the_rate_of_a_model_and_of_a_schedule_are_refused_by_their_names():
    model = gn.Sequential([layers.Dense(1)], seed=0)
    model.compile("sgd", "mse")
    for value in (1e39, 1e-46):
        with pytest.raises(ConfigError, match=r"learning_rate: expected a number > 0 that float32"):
            model.learning_rate = value
    callback = LearningRateScheduler(lambda epoch: 1e39)
    with pytest.raises(ConfigError, match=r"LearningRateScheduler: expected schedule\(0, \.\.\.\)"):
        model.fit(X, CLASSES, verbose=0, callbacks=callback)


WEIGHTS = {
    "class_weight of a class": {"class_weight": {0: 1e-46}},
    "class_weight beyond": {"class_weight": {0: 1e39}},
    "sample_weight of a row": {"sample_weight": np.r_[np.ones(19), 1e-46]},
    "sample_weight beyond": {"sample_weight": np.r_[np.ones(19), 1e39]},
    "class_weight and sample_weight, too small": {
        "sample_weight": np.full(20, 1e-25),
        "class_weight": {0: 1e-25},
    },
    "class_weight and sample_weight, too large": {
        "sample_weight": np.full(20, 1e25),
        "class_weight": {0: 1e25},
    },
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_weight_that_would_become_0_or_infinite_is_refused(name):
    model = gn.Sequential([layers.Dense(2, activation="softmax")], seed=0)
    with pytest.raises(DataError, match=f"^{name.split()[0]}: expected"):
        model.fit(X, CLASSES, verbose=0, **WEIGHTS[name])
    model.fit(X, CLASSES, verbose=0, sample_weight=np.r_[np.ones(19), 0.0])
    model.fit(X, CLASSES, verbose=0, class_weight={0: 0.0, 1: 1e-30})


def test_the_smallest_number_is_the_one_that_programs_keep():
    @jax.jit
    def enlarge(value):
        return value * np.float32(2.0**20)

    below = np.nextafter(np.float32(MIN_FLOAT32), np.float32(0))
    assert is_float32(MIN_FLOAT32)
    assert not is_float32(float(below))
    assert enlarge(np.float32(MIN_FLOAT32)) > 0
    assert enlarge(below) == 0 or jax.default_backend() != "cpu"
    assert is_float32(0.0)
    assert is_float32(-1)
