"""Attributes of a model that others read and set: shape, optimizer, names of results, build hook.

Oracles: the layers and settings that the test wrote, and the results of `evaluate`.
"""

import copy
import pickle

import numpy as np
import pytest

import glassnet as gn
from glassnet.callbacks import Callback
from glassnet.errors import ConfigError, NotReadyError
from glassnet.layers import Dense, Input
from glassnet.optimizers import SGD
from nets import SPARSE, X, Y, plain_model, same_bits
from oracles import FLOAT32, close


def test_the_input_shape_is_that_of_the_input_or_of_the_first_data():
    model = gn.Sequential([Dense(2)])
    assert (model.input_shape, model.built) == (None, False)
    model.predict(X)
    assert (model.input_shape, model.built) == ((4,), True)
    assert gn.Sequential([Input((3, 2))]).input_shape == (3, 2)


def test_a_shape_that_is_set_is_that_of_an_input():
    model = gn.Sequential([Dense(2)], seed=0)
    model.input_shape = 3
    model.input_shape = None
    model.input_shape = (4,)
    assert (model.input_shape, model.built) == ((4,), False)
    assert same_bits(model, gn.Sequential([Input(4), Dense(2)], seed=0))
    with pytest.raises(
        ConfigError,
        match=r"input_shape: expected a model without weights\. Received: input_shape=\(5,\)\.",
    ):
        model.input_shape = (5,)


def test_the_names_of_the_results_are_those_of_evaluate():
    model = plain_model()
    model.compile(SGD(0.1), SPARSE, ["accuracy"])
    assert model.metrics_names == ["loss", "accuracy"]
    assert model.metrics_names == list(model.evaluate(X, Y, return_dict=True))
    assert model.optimizer == SGD(0.1)
    plain = gn.Sequential([Input(4), Dense(3)])
    assert plain.optimizer is None
    with pytest.raises(NotReadyError, match="expected a model with a loss"):
        _ = plain.metrics_names


def test_the_summary_goes_where_it_is_sent(capsys):
    printed = []
    plain_model().summary(print_fn=printed.append)
    assert capsys.readouterr().out == ""
    plain_model().summary()
    assert capsys.readouterr().out == printed[0] + "\n"


def fill(model):
    model.set_weights([np.full_like(weight, 0.5) for weight in model.get_weights()])


COPIES = {
    "itself": lambda model: model,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


@pytest.mark.parametrize("way", COPIES)
def test_a_build_hook_sets_the_starting_weights(way):
    """At the first use, whatever says the shape, and after `reset`."""
    model = gn.Sequential([Dense(2)], seed=0)
    model.set_build_hook(fill)
    model = COPIES[way](model)
    for _ in range(2):
        close(model.predict(X[:1]), [[0.5 * X[0].sum() + 0.5] * 2], FLOAT32)
        model.fit(X, X[:, :2], verbose=0)
        assert model.get_weights()[0][0, 0] != 0.5
        model.reset()


def test_a_build_hook_is_called_in_fit():
    """At this learning rate no weight changes: 0.5 - 1e-30 is 0.5 in float32."""
    model = gn.Sequential([Dense(2)], seed=0)
    model.set_build_hook(fill)
    model.compile(SGD(1e-30), "mse")
    model.fit(X, X[:, :2], verbose=0)
    assert all((weight == 0.5).all() for weight in model.get_weights())


def test_a_build_hook_is_not_saved():
    model = gn.Sequential([Dense(2)], seed=0)
    model.set_build_hook(fill)
    twin = pickle.loads(pickle.dumps(model))
    plain = gn.Sequential([Dense(2)], seed=0)
    np.testing.assert_array_equal(twin.predict(X), plain.predict(X))


def test_a_model_whose_build_hook_fails_has_no_weights():
    def refuse(model):
        raise ConfigError("refused")

    model = gn.Sequential([Dense(2)])
    model.set_build_hook(refuse)
    for _ in range(2):
        with pytest.raises(ConfigError, match="refused"):
            model.predict(X)
        assert not model.built
    assert model.seed is None


def test_a_model_is_loaded_without_its_settings(tmp_path):
    """It trains like a model with the same weights and a new optimizer."""
    model = plain_model()
    model.compile("adam", SPARSE, ["accuracy"])
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.glassnet")
    loaded = gn.load(tmp_path / "m.glassnet", compile=False)
    assert loaded.optimizer is None
    with pytest.raises(NotReadyError, match="expected a model with a loss"):
        loaded.evaluate(X, Y)
    assert (loaded.epoch, loaded.history.epoch) == (1, [0])
    for one in (model, loaded):
        one.compile(SGD(0.1), SPARSE)
        one.fit(X, Y, verbose=0)
    assert same_bits(loaded, model)


class Counts(Callback):
    """Callback that has the number of epochs as an attribute too."""

    def __init__(self):
        self.count, self.restored = 0, []

    def init(self):
        return 0

    def restore_memory(self, memory):
        self.restored.append(memory)
        self.count = memory

    def update(self, memory, record):
        self.count = memory + 1
        return self.count, None


def test_a_callback_gets_its_memory_before_a_resumed_run(tmp_path):
    """Also if the run is finished, so that `update` is not called."""
    callbacks = [Counts() for _ in range(3)]
    for callback, epochs in zip(callbacks, (2, 2, 3), strict=True):
        model = plain_model()
        model.fit(X, Y, epochs=epochs, verbose=0, callbacks=[callback], resume=tmp_path)
    assert [callback.restored for callback in callbacks] == [[], [2], [2]]
    assert [callback.count for callback in callbacks] == [2, 2, 3]
