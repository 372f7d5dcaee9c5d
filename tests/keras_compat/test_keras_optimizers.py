"""Optimizers with the arguments of Keras 2. Oracle: its formula."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError
from glassnet.keras.optimizers import _warn_about
from oracles import close, import_keras


def test_lr_and_decay_of_keras_2_work_and_warn_once():
    _warn_about.cache_clear()
    with pytest.warns(UserWarning, match=r"lr= is an argument of Keras 2.*write learning_rate="):
        assert keras.optimizers.Adam(lr=0.1) == gn.optimizers.Adam(0.1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert keras.optimizers.Adam(lr=0.2, beta_1=0.5) == gn.optimizers.Adam(0.2, 0.5)
    with pytest.warns(UserWarning, match=r"decay= is .*InverseTimeDecay\(rate, 1, decay\)"):
        sgd = keras.optimizers.SGD(lr=0.1, decay=0.5, momentum=0.9)
    steps = np.arange(4)
    close(sgd.learning_rate(steps), 0.1 / (1 + 0.5 * steps))
    close(keras.optimizers.RMSprop(decay=1.0).learning_rate(1), 0.0005)
    assert isinstance(sgd, keras.optimizers.SGD)
    assert keras.optimizers.SGD(0.1, decay=0.0) == gn.optimizers.SGD(0.1)


@pytest.mark.filterwarnings("ignore:.*Keras 2")
def test_contradictions_are_refused():
    with pytest.raises(ConfigError, match="Adam: expected one learning rate"):
        keras.optimizers.Adam(0.1, lr=0.2)
    with pytest.raises(ConfigError, match="SGD: expected decay to be a number >= 0"):
        keras.optimizers.SGD(decay=-1.0)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    with pytest.raises(ConfigError, match="a number as learning rate with decay"):
        keras.optimizers.SGD(schedule, decay=0.1)


@pytest.mark.live_keras
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("name", ["SGD", "Adam", "RMSprop"])
def test_the_settings_of_a_models_optimizer_are_kerass(name):
    configs = []
    for k in (keras, import_keras()):
        model = k.Sequential([k.Input((1,)), k.layers.Dense(1)])
        model.compile(getattr(k.optimizers, name)(0.25, clipnorm=1.0), "mse")
        configs.append(model.optimizer.get_config())
    ours, theirs = configs
    assert ours.items() <= theirs.items()
    assert len(ours) > 5
