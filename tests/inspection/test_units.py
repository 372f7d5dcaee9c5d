"""Neurons over the input plane, and the rows that excite them. Oracles: the trace (6), one neuron
by hand (1), a loop over the rows (2).
"""

import numpy as np
import pandas as pd
import pytest

import glassnet as gn
from glassnet.errors import ConfigError, DataError
from glassnet.inspection import neurons
from glassnet.inspection.units import NeuronMaps, NeuronRows
from glassnet.layers import Conv2D, Dense, Dropout, Embedding, Flatten, GlobalAveragePooling2D
from glassnet.plots.units import choose_scale

RNG = np.random.default_rng(0)
X = RNG.uniform(-2, 2, (12, 2)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


@pytest.fixture(scope="module")
def plane():
    layers = [Dense(3, activation="relu"), Dropout(0.5), Dense(2, activation="tanh")]
    model = gn.Sequential([*layers, Dense(1, activation="sigmoid")], seed=0)
    model.fit(X, Y, epochs=1, verbose=0)
    return model


def test_maps_are_the_outputs_that_the_trace_shows(plane):
    """Oracle: the trace of the points of the grid, which runs forward as training does (6)."""
    view = neurons(plane, X, resolution=4)
    assert isinstance(view, NeuronMaps)
    points = np.stack([grid.ravel() for grid in view.grids], axis=1)
    trace = plane.trace(points, np.zeros(16))
    assert {name: each.shape for name, each in view.outputs.items()} == {
        "dense_1": (3, 4, 4),
        "dense_2": (2, 4, 4),
        "dense_3": (1, 4, 4),
    }
    by_name = {link.name: link.output for link in trace.links}
    for name, activation in (("dense_1", "relu"), ("dense_2", "tanh"), ("dense_3", "sigmoid")):
        output = view.outputs[name].reshape(len(view.outputs[name]), -1).T
        np.testing.assert_allclose(output, by_name[f"{name}.{activation}"], rtol=1e-5, atol=1e-6)


def test_one_neuron_by_hand():
    """Oracle: relu(1 + 3 x1 - 2 x2), and relu(-50 - x1), which is dead on the plane (1)."""
    model = gn.Sequential([Dense(2, activation="relu")], seed=0)
    model.compile("sgd", "mse")
    model.input_shape = (2,)
    model.set_weights([np.array([[3.0, -1.0], [-2.0, 0.0]]), np.array([1.0, -50.0])])
    view = neurons(model, X, resolution=5)
    x1, x2 = view.grids
    expected = np.maximum(1 + 3 * x1 - 2 * x2, 0)
    np.testing.assert_allclose(view.outputs["dense_1"][0], expected, atol=1e-5)
    assert view.find_constant("dense_1").tolist() == [False, True]
    assert view.title == "2 units in 1 layer over x1 and x2, 1 is constant (untrained)"
    assert "dense_1: 2 units, 0 to " in str(view)
    assert list(view.to_frame()) == ["x1", "x2", "dense_1[0]", "dense_1[1]"]


def test_the_figure_shares_a_scale_in_each_layer(plane):
    view = neurons(plane, X, resolution=6)
    meshes = [ax.collections[0] for ax in view.plot().axes if ax.collections]
    maps = [mesh for mesh in meshes if np.size(mesh.get_array()) == 36]
    limits = [mesh.get_clim() for mesh in maps]
    assert len(limits) == 6
    assert len(set(limits[:3])) == len(set(limits[3:5])) == 1
    assert limits[5] == (0, 1)
    low, high = limits[3]
    assert low == -high


def test_scales():
    assert choose_scale(np.array([0.0, 0.0])) == (0, 1, "viridis", 0.5)
    assert choose_scale(np.array([-4.0, -1.0])) == (-4, 0, "viridis", 0)
    assert choose_scale(np.array([2.0, 3.0])) == (0, 3, "viridis", 0)


def test_one_input_gives_curves():
    model = gn.Sequential([Dense(20, activation="relu"), Dense(1)], seed=0)
    view = neurons(model, X[:, :1], resolution=7)
    assert view.outputs["dense_1"].shape == (20, 7)
    predicted = model.predict(view.grids[0][:, None])
    np.testing.assert_allclose(view.outputs["dense_2"][0], predicted[:, 0], rtol=1e-5, atol=1e-6)
    texts = [text.get_text() for ax in view.plot().axes for text in ax.texts]
    assert any("16 of them drawn" in text for text in texts)


FRAME = pd.DataFrame(
    {"age": RNG.uniform(20, 60, 30), "town": ["a", "b"] * 15, "pay": RNG.uniform(1, 9, 30)}
)
FRAME["bought"] = FRAME.age > 40


@pytest.fixture(scope="module")
def table_model():
    model = gn.Sequential([Dense(3, activation="relu"), Dense(1, activation="sigmoid")], seed=0)
    model.fit(FRAME, target="bought", epochs=1, verbose=0)
    return model


def test_a_slice_of_a_table(table_model):
    view = neurons(table_model, FRAME, features=("age", "town"), at={"pay": 2.5}, resolution=3)
    x1, x2 = (grid.ravel() for grid in view.grids)
    rows = pd.DataFrame({"age": x1, "town": x2, "pay": 2.5})
    predicted = table_model.predict(rows)[:, 0]
    np.testing.assert_allclose(view.outputs["dense_2"].ravel(), predicted, rtol=1e-5)
    assert view.title.endswith("slice at pay = 2.5")
    assert view.plot().axes
    with pytest.raises(ConfigError, match="neurons: expected features to name 2 of the columns"):
        neurons(table_model, FRAME, at={"pay": 2.5})


def test_the_strongest_rows_of_a_table(table_model):
    view = neurons(table_model, FRAME, n=2)
    assert isinstance(view, NeuronRows)
    assert view.rows["dense_1"].shape == (3, 2)
    predicted = table_model.predict(FRAME)[:, 0]
    np.testing.assert_array_equal(view.rows["dense_2"][0], np.argsort(-predicted)[:2])
    np.testing.assert_allclose(view.values["dense_2"][0], np.sort(predicted)[::-1][:2], rtol=1e-5)
    frame = view.to_frame()
    assert list(frame)[:6] == ["layer", "unit", "rank", "row", "value", "age"]
    assert len(frame) == 8
    assert frame.age.tolist() == FRAME.age[frame.row].tolist()
    assert "largest response" in str(view)
    texts = [
        cell.get_text().get_text() for cell in view.plot().axes[0].tables[0].get_celld().values()
    ]
    assert {"layer", "response", "age", "dense_2"} <= set(texts)


def test_rows_are_compared_over_all_chunks(table_model, monkeypatch):
    whole = neurons(table_model, FRAME)
    monkeypatch.setattr("glassnet.inspection.units.CHUNK_ROWS", 7)
    parts = neurons(table_model, FRAME)
    for name, rows in whole.rows.items():
        np.testing.assert_array_equal(parts.rows[name], rows)


def test_images_are_drawn_and_feature_maps_left_out():
    images = RNG.integers(0, 255, (9, 6, 6, 1)).astype(np.uint8)
    layers = [Conv2D(2, 3, activation="relu"), Flatten(), Dense(3, activation="softmax")]
    model = gn.Sequential(layers, seed=0)
    view = neurons(model, images, n=2)
    assert list(view.rows) == ["dense_1"]
    best = model.predict(images).argmax(0)
    np.testing.assert_array_equal(view.rows["dense_1"][:, 0], best)
    figure = view.plot()
    drawn = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert len(drawn) == 6
    np.testing.assert_allclose(drawn[0] * 255, images[best[0], :, :, 0], atol=1e-9)
    assert "above 0 for some row of 9" in view.title


def test_token_ids_have_rows_but_no_plane():
    model = gn.Sequential([Embedding(5, 2), Flatten(), Dense(1)], seed=0)
    view = neurons(model, np.array([[0, 1], [4, 2], [3, 3]]))
    assert isinstance(view, NeuronRows)
    assert view.plot().axes


def test_networks_without_units():
    model = gn.Sequential([Conv2D(2, 3)], seed=0)
    with pytest.raises(ConfigError, match=r"output for a row is a list of numbers.*top_inputs"):
        neurons(model, np.zeros((2, 6, 6, 1)))
    pooled = gn.Sequential([Conv2D(2, 3), GlobalAveragePooling2D()], seed=0)
    view = neurons(pooled, np.zeros((2, 6, 6, 1)))
    assert list(view.rows) == ["global_average_pooling2d_1"]


def test_arguments_that_do_not_fit(plane, table_model, monkeypatch):
    with pytest.raises(ConfigError, match="n to be an int >= 1"):
        neurons(plane, X, n=0)
    with pytest.raises(ConfigError, match="resolution to be an int from 2 to 1000"):
        neurons(plane, X, resolution=1)
    with pytest.raises(DataError, match="x: expected"):
        neurons(plane, X[:, :1])
    monkeypatch.setattr("glassnet.inspection.units.MAX_NUMBERS", 1000)
    with pytest.raises(ConfigError, match=r"at most 1,000 numbers.*Pass a lower resolution"):
        neurons(plane, X, resolution=30)
