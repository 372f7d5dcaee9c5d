"""Shares of dead and saturated units, against NumPy and networks whose units are known."""

import numpy as np
import pytest

import glassnet as gn
from glassnet.activations import ParametricActivation
from glassnet.engine import unit_statistics
from glassnet.engine.unit_statistics import compute_unit_statistics
from glassnet.layers import (
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Embedding,
    Flatten,
    Input,
    Masking,
    Parallel,
    PReLU,
    Residual,
    SimpleRNN,
)

X = np.random.default_rng(0).normal(size=(50, 4)).astype(np.float32)


def statistics(model, x):
    """Return the statistics of a built model, by the name of the link."""
    built = model._require_built("test")
    found = compute_unit_statistics(built.links, model._params, model._state, np.asarray(x))
    assert [each.path for each in found] == sorted(each.path for each in found)
    return {each.link: each for each in found}


def set_bias(model, name, values):
    """Set the biases of a layer."""
    layer = next(layer for layer in model.layers if layer.name == name)
    kernel, _ = layer.get_weights()
    layer.set_weights([kernel, np.asarray(values, np.float32)])


def test_dense_units():
    """Oracle: NumPy. Biases of -100 and 50 make units dead and saturated."""
    layers = [
        Input(4),
        Dense(5, activation="relu"),
        Dense(4, activation="tanh"),
        Dense(3, activation="leaky_relu"),
        Dense(2, activation="sigmoid"),
    ]
    model = gn.Sequential(layers, seed=0)
    set_bias(model, "dense_1", [-100, -100, 0, 0, 1])
    set_bias(model, "dense_2", [50, -50, 50, 0])
    set_bias(model, "dense_3", [-100, -100, -100])
    set_bias(model, "dense_4", [0, -200])
    found = statistics(model, X)
    assert list(found) == ["dense_1.relu", "dense_2.tanh", "dense_4.sigmoid"]
    relu, tanh, sigmoid = found.values()
    assert (relu.layer, relu.activation, relu.n_units) == ("dense_1", "relu", 5)
    assert (relu.dead, relu.saturated) == (pytest.approx(2 / 5), None)
    hidden = np.maximum(X @ model.params["dense_1"]["kernel"] + [-100, -100, 0, 0, 1], 0)
    z = hidden @ model.params["dense_2"]["kernel"] + [50, -50, 50, 0]
    expected = ((1 - np.tanh(z) ** 2).mean(0) < 0.05).mean()
    assert 0 < expected < 1
    assert (tanh.dead, tanh.saturated) == (None, pytest.approx(expected))
    assert (sigmoid.dead, sigmoid.n_units) == (None, 2)


def test_a_unit_that_is_above_0_for_one_row_is_alive():
    """Oracle: by hand. max(x - 1, 0) is above 0 for one of three rows, and max(x - 3, 0) for none."""
    model = gn.Sequential([Input(1), Dense(2, activation="relu")], seed=0)
    model.set_weights([[[1.0, 1.0]], [-1.0, -3.0]])
    (found,) = statistics(model, [[0.0], [0.5], [2.0]]).values()
    assert found.dead == 0.5
    (found,) = statistics(model, [[0.0], [0.5], [0.8]]).values()
    assert found.dead == 1.0


def test_padding_does_not_count():
    """Three rows are padded to eight with copies of the last one, whose slope is 0.

    Oracle: by hand. The mean of 1 - tanh(z)^2 is 1/3 over three rows, and 1/8 of 1 over eight.
    """
    model = gn.Sequential([Input(1), Dense(1, activation="tanh")], seed=0)
    model.set_weights([[[1.0]], [0.0]])
    slopes = np.array([0.14, 0.0, 0.0])
    x = np.arctanh(np.sqrt(1 - slopes[:1])).tolist() + [20.0, 20.0]
    (found,) = statistics(model, np.array(x)[:, None]).values()
    assert slopes.mean() < 0.05
    assert found.saturated == 1.0
    x[0] = np.arctanh(np.sqrt(1 - 0.16))
    (found,) = statistics(model, np.array(x)[:, None]).values()
    assert found.saturated == 0.0


def test_channels_and_nested_layers():
    """Units of a convolution are its channels; links inside composites are found by path."""
    branch = [Dense(6, activation="relu"), Dense(6)]
    layers = [
        Input((8, 2)),
        Conv1D(6, 3, activation="relu"),
        Residual(branch),
        Flatten(),
        Parallel([Dense(3, activation="relu"), Dense(3, activation="tanh")]),
        Dense(3),
        BatchNormalization(),
        Activation("relu"),
    ]
    model = gn.Sequential(layers, seed=0)
    x = np.random.default_rng(1).normal(size=(9, 8, 2)).astype(np.float32)
    kernel, _ = model.layers[0].get_weights()
    model.layers[0].set_weights([kernel, np.array([-100, 0, 0, -100, 0, -100])])
    found = statistics(model, x)
    assert {name: each.path for name, each in found.items()} == {
        "conv1d_1.relu": (1,),
        "residual_1/dense_1.relu": (2, 1),
        "parallel_1/dense_1.relu": (4, 1),
        "parallel_1/dense_2.tanh": (4, 3),
        "activation_1": (7,),
    }
    assert found["conv1d_1.relu"].dead == pytest.approx(3 / 6)
    assert found["residual_1/dense_1.relu"].layer == "residual_1/dense_1"
    assert found["activation_1"].layer == "activation_1"


def test_masked_steps_do_not_count():
    """Padding steps would be above 0 in every unit; the real steps are not."""
    layers = [Input((5, 1)), Masking(), Dense(2, activation="relu")]
    model = gn.Sequential(layers, seed=0)
    model.set_weights([[[-1.0, 1.0]], [0.5, 0.5]])
    x = np.zeros((4, 5, 1), np.float32)
    x[:, :3] = 1.0
    (found,) = statistics(model, x).values()
    assert found.dead == 0.5


def test_states_of_a_simple_rnn():
    """Oracle: NumPy's loop over time. The states of all steps count, not the last one alone."""
    layers = [Input((6, 3)), SimpleRNN(4, name="rnn"), Dense(1)]
    model = gn.Sequential(layers, seed=0)
    kernel, recurrent, _ = model.layers[0].get_weights()
    bias = np.array([9.0, 0.0, -9.0, 0.0], np.float32)
    model.layers[0].set_weights([kernel, recurrent, bias])
    x = np.random.default_rng(2).normal(size=(7, 6, 3)).astype(np.float32)
    states, h = [], np.zeros((7, 4))
    for step in range(6):
        h = np.tanh(x[:, step] @ kernel + h @ recurrent + bias)
        states.append(h)
    expected = ((1 - np.stack(states) ** 2).mean((0, 1)) < 0.05).mean()
    (found,) = statistics(model, x).values()
    assert (found.link, found.layer, found.activation) == ("rnn", "rnn", "tanh")
    assert found.saturated == pytest.approx(expected) == 0.5


def test_layers_without_such_units():
    """Leaky activations, gates of an LSTM, an embedding and linear layers have no statistics."""
    layers = [
        Input(6),
        Embedding(10, 4),
        Bidirectional(LSTM(3)),
        Dense(3, activation="gelu"),
        Dense(3),
        PReLU(),
        Dense(2, activation="softmax"),
    ]
    model = gn.Sequential(layers, seed=0)
    assert statistics(model, np.zeros((3, 6), np.float32)) == {}


def test_limited_relu_is_a_relu():
    """A leaky one is not."""
    for activation, dead in (
        (ParametricActivation("relu", (("max_value", 1.0),)), 1.0),
        (ParametricActivation("relu", (("negative_slope", 0.1),)), None),
    ):
        model = gn.Sequential([Input(1), Dense(2), Activation(activation)], seed=0)
        model.set_weights([[[0.0, 0.0]], [-1.0, -1.0]])
        found = statistics(model, [[1.0], [2.0]])
        assert [each.dead for each in found.values()] == ([] if dead is None else [dead])


def test_many_rows_are_sampled(monkeypatch):
    """Of 5,000 rows 4,096 are read, from the first to the last one; of large outputs fewer."""
    model = gn.Sequential([Input(1), Dense(2, activation="relu")], seed=0)
    model.set_weights([[[1.0, 0.0]], [0.0, -1.0]])
    x = np.full((5000, 1), -1.0, np.float32)
    x[-1] = 1.0
    (found,) = statistics(model, x).values()
    assert found.dead == 0.5
    monkeypatch.setattr(unit_statistics, "MAX_NUMBERS", 130)
    sizes = []
    compute = unit_statistics._compute_shares
    monkeypatch.setattr(
        unit_statistics,
        "_compute_shares",
        lambda *args: sizes.append(len(args[-2])) or compute(*args),
    )
    (found,) = statistics(model, x).values()
    assert (found.dead, sizes) == (0.5, [64])
