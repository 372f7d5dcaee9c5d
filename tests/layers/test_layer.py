"""Error messages of layers for users of Keras. Oracle: their text."""

import copy
import pickle
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, MissingError
from glassnet.layers import Dense, Flatten, Input, Layer, Residual, functional


@pytest.mark.parametrize(
    "name",
    ["get_weights", "set_weights", "weights", "trainable_weights", "kernel", "bias", "variables"],
)
def test_a_layer_says_where_its_weights_are(name):
    with pytest.raises(
        MissingError,
        match=rf"Dense has no attribute '{name}'.*model.layers\[0\].get_weights\(\), model.params",
    ):
        getattr(Dense(3), name)


def test_other_attributes_are_missing_as_python_has_it():
    assert not hasattr(Dense(3), "call")
    with pytest.raises(
        AttributeError, match=r"Dense has no attribute 'call': a layer holds only its settings\.$"
    ):
        _ = Dense(3).call
    assert copy.deepcopy(Dense(3)) == pickle.loads(pickle.dumps(Dense(3))) == Dense(3)


@pytest.mark.parametrize("layer", [Dense(3), Flatten()])
def test_the_functional_way_is_told_what_to_write(layer):
    with pytest.raises(
        ConfigError,
        match=r"expected layer\(params, x\).*Sequential\(\[...\]\), with Parallel\(\[...\]\) for branches",
    ):
        layer(Input(4))


def test_a_call_may_name_its_arguments():
    """Oracle: by hand, 1 * 2 + 1 * 3 + 0.5."""
    params = {"kernel": np.array([[2.0], [3.0]]), "bias": np.array([0.5])}
    assert Dense(1)(params=params, x=np.ones((1, 2))) == 5.5


def test_a_view_has_the_fields_of_its_layer():
    model = gn.Sequential([Input(4), Dense(3, activation="relu"), Residual(Dense(3))])
    assert (model.layers[0].units, model.layers[0].activation) == (3, "relu")
    assert model.layers[1].layers == (Dense(3),)
    with pytest.raises(MissingError, match="Dense has no attribute 'rate'"):
        _ = model.layers[0].rate
    assert copy.deepcopy(model.layers[0].layer) == model.layers[0].layer


def test_shapes_of_equal_layers_are_derived_once():
    """Networks with other weights, as the folds of a cross-validation have, trace nothing again."""
    traced = []

    @dataclass(frozen=True)
    class Doubled(Layer):
        factor: float = 2.0

        def __call__(self, params, x):
            traced.append(x.shape)
            return jnp.concatenate([x, self.factor * x], axis=-1)

    def build(factor, shape, seed):
        layers = (Doubled(factor), Dense(1))
        return functional.init(layers, np.random.default_rng(seed), shape)

    (_, first), _, shapes = build(2.0, (3,), 0)
    (_, second), _, same_shapes = build(2.0, (3,), 1)
    assert shapes == same_shapes == ((3,), (6,), (1,))
    assert len(traced) == 1
    assert not np.array_equal(first["kernel"], second["kernel"])
    assert build(2.0, (5,), 0)[2] == ((5,), (10,), (1,))
    build(3.0, (3,), 0)
    assert len(traced) == 3
