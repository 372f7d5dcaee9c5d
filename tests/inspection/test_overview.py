"""model.inspect: the views that fit. Oracle: each call that it prints runs (6)."""

import ast

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet import keras
from glassnet.layers import Conv2D, Dense, Flatten, Input, RandomFlip

RNG = np.random.default_rng(0)


def calls(model, capsys, *data):
    """Return the calls that `inspect` prints, by the name of the view."""
    model.inspect(*data)
    heading, *lines, end = capsys.readouterr().out.splitlines()
    assert heading.startswith("Views of this network")
    assert end == "Each result has .plot() and .to_frame()."
    texts = [line[line.index("? ") + 1 :].strip() for line in lines]
    return {ast.parse(text).body[0].value.func.value.func.attr: text for text in texts}


def test_two_inputs_and_classes(capsys):
    model = gn.Sequential([Dense(3, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
    found = calls(model, capsys, RNG.normal(size=(8, 2)), RNG.integers(0, 2, 8))
    assert found["decision_boundary"] == "gn.inspection.decision_boundary(model, x, y).plot()"
    assert '"dense_1/kernel", (0, 0)' in found["loss_curve"]
    assert {"neurons", "trace", "mistakes", "loss_landscape", "descent"} <= set(found)
    assert not {"fitted", "feature_maps", "top_inputs", "observations"} & set(found)


def test_one_input(capsys):
    model = gn.Sequential([Dense(1)], seed=0)
    found = calls(model, capsys, [[1.0], [2.0]], [1.0, 2.0])
    assert "fitted" in found
    assert "decision_boundary" not in found


def test_without_data_and_without_targets(capsys):
    model = gn.Sequential([Input(2), Dense(1)], seed=0)
    assert set(calls(model, capsys)) == {"network_drawing", "weights"}
    found = calls(model, capsys, [[1.0, 2.0]])
    assert not {"mistakes", "trace", "loss_curve"} & set(found)


def test_images(capsys):
    layers = [RandomFlip(), Conv2D(2, 3, activation="relu"), Conv2D(2, 3), Flatten()]
    layers.append(Dense(2, activation="softmax"))
    model = gn.Sequential(layers, seed=0)
    found = calls(model, capsys, RNG.uniform(size=(3, 8, 8, 1)), [0, 1, 0])
    assert found["top_inputs"] == 'gn.inspection.top_inputs(model, x, "conv2d_2").plot()'
    assert {"feature_maps", "attribute", "embeddings", "augmented"} <= set(found)
    assert not {"importance", "decision_boundary"} & set(found)


@pytest.fixture(scope="module")
def table():
    return pd.DataFrame(
        {
            "row id": [f"r{i}" for i in range(12)],
            "age": RNG.uniform(20, 60, 12),
            "town": ["a", "b"] * 6,
            "fare": RNG.uniform(5, 90, 12),
            "survived": [0, 1, 1] * 4,
        }
    )


def test_a_table_names_its_columns_and_not_those_that_are_left_out(table, capsys):
    model = gn.Sequential([Dense(1, activation="sigmoid")], seed=0)
    model.fit(table, target="survived", epochs=1, verbose=0, observe=True)
    found = calls(model, capsys, table)
    assert "features=('age', 'fare')" in found["decision_boundary"]
    assert "(model, table)" in found["importance"]
    assert "observations" in found


def test_the_keras_layout(capsys):
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert "fitted" in calls(model, capsys, np.array([[1.0], [2.0]]), np.array([1.0, 2.0]))


@pytest.mark.slow
def test_what_is_printed_runs(table, capsys):
    model = gn.Sequential([Dense(3, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
    model.fit(table, target="survived", epochs=1, verbose=0, observe=True)
    for text in calls(model, capsys, table).values():
        assert eval(text, {"gn": gn, "model": model, "table": table}).axes, text
