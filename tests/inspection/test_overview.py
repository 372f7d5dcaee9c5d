"""model.inspect: the views that fit. Oracle: each call that it prints runs (6)."""

import ast

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import glassnet as gn
from glassnet import keras
from glassnet.layers import Conv2D, Dense, Flatten, Input, RandomFlip

RNG = np.random.default_rng(0)


def calls(model, capsys, *data):
    """Return the calls that `inspect` prints, by the name of the view."""
    model.inspect(*data)
    heading, *lines, end = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if not line.startswith("Read the data first:")]
    assert heading.startswith("Views of this network")
    assert end == "Without .plot(), a call returns the numbers."
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


def test_calls_name_outputs_and_leave_out_what_does_not_fit(capsys):
    x = RNG.normal(size=(6, 3))
    several = gn.Sequential([Dense(4, activation="tanh"), Dense(2)], seed=0)
    found = calls(several, capsys, x, x[:, :2])
    features = "features=('x1', 'x2'), output=0"
    assert f"decision_boundary(model, x, y, {features})" in found["decision_boundary"]
    texts = ["a b", "b c", "c a"] * 2
    words = gn.layers.TextVectorization(output_mode="count").adapt(texts)
    counted = gn.Sequential([words, Dense(1, activation="sigmoid")], seed=0)
    found = calls(counted, capsys, texts, [0, 1, 0, 1, 0, 1])
    assert "attribute" in found
    assert not {"importance", "decision_boundary", "embeddings"} & set(found)


@pytest.mark.parametrize(
    ("kind", "rows", "first"),
    [
        ("frame", "table", "table[:4]"),
        ("columns", "table", "gn.data.read_table(table).take(range(4))"),
        ("file", "table", "table.take(range(4))"),
        ("images", "images", "images.x[:4]"),
        ("folder", "images", "images.x[:4]"),
        ("series", "series", "series"),
        ("batches", "batches", "batches"),
    ],
)
def test_calls_name_every_kind_of_data(kind, rows, first, table, folder, capsys):
    model, x = make_model_and_data(kind, table, folder)
    found = calls(model, capsys, x)
    assert found["mistakes"] == f"gn.inspection.mistakes(model, {rows}).plot()"
    assert found["attribute"] == f"gn.inspection.attribute(model, {first}).plot()"


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", ["frame", "columns", "file", "images", "folder", "series", "batches"]
)
def test_calls_of_every_kind_of_data_run(kind, table, folder, capsys):
    model, x = make_model_and_data(kind, table, folder)
    found = calls(model, capsys, x)
    model.inspect(x)
    source = [line for line in capsys.readouterr().out.splitlines() if "data first:" in line]
    names = {"gn": gn, "model": model, "table": x, "images": x, "series": x, "batches": x}
    if kind in ("file", "folder"):
        exec(source[0].partition(":")[2].strip(), names)
    else:
        assert not source
    for text in found.values():
        eval(text.removesuffix(".plot()"), names)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder of two classes of images."""
    root = tmp_path_factory.mktemp("images")
    for name in ("cat", "dog"):
        (root / name).mkdir()
        for i in range(3):
            pixels = RNG.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


def make_model_and_data(kind, table, folder):
    """Return a model with weights and rows of a kind of data."""
    layers = [Dense(2, activation="tanh"), Dense(1, activation="sigmoid")]
    options = {"target": "survived"}
    if kind == "frame":
        x = table
    elif kind == "columns":
        x = {name: list(table[name]) for name in table}
    elif kind == "file":
        x = str(folder.parent / "rows.csv")
        table.to_csv(x, index=False)
    elif kind in ("images", "folder"):
        layers, options = [Conv2D(2, 3), Flatten(), Dense(2, activation="softmax")], {}
        x = str(folder) if kind == "folder" else gn.data.images_from_folder(folder, size=(8, 8))
    elif kind == "series":
        x, options = gn.data.series({"sold": [3, 5, 4, 6] * 5}, "sold", season=4, length=2), {}
        layers = [Flatten(), Dense(2), Dense(1)]
    else:
        x = [(np.ones((3, 2)), np.array([0, 1, 1]))] * 2
        options = {}
    model = gn.Sequential(layers, seed=0)
    model.fit(x, epochs=1, verbose=0, **options)
    return model, x


@pytest.mark.slow
def test_what_is_printed_runs(table, capsys):
    model = gn.Sequential([Dense(3, activation="tanh"), Dense(1, activation="sigmoid")], seed=0)
    model.fit(table, target="survived", epochs=1, verbose=0, observe=True)
    for text in calls(model, capsys, table).values():
        assert eval(text, {"gn": gn, "model": model, "table": table}).axes, text
