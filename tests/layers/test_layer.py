"""Error messages of layers for users of Keras. Oracle: their text."""

import copy
import pickle

import numpy as np
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, MissingError
from glassnet.layers import Dense, Flatten, Input, Residual


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
