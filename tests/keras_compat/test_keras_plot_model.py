"""`plot_model`. Oracle: the texts that Keras writes into its boxes, by its source."""

import inspect
import sys

import numpy as np
import pytest
from PIL import Image

import glassnet as gn
from glassnet import keras
from glassnet.errors import ConfigError, NotReadyError
from glassnet.keras.missing_names import NotHereError
from glassnet.plots import diagrams
from oracles import import_keras


@pytest.fixture(scope="module")
def model():
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )


@pytest.fixture(scope="module")
def branched():
    layers = gn.layers
    return gn.Sequential(
        [
            layers.Input((6, 2)),
            layers.Parallel([[], layers.Conv1D(3, 3, padding="same")]),
            layers.Residual([layers.Dense(5, name="inside"), layers.Activation("tanh")]),
            layers.Bidirectional(layers.LSTM(2)),
        ]
    )


@pytest.fixture
def chains(monkeypatch):
    """The chains of boxes that are drawn."""
    drawn = []
    draw = diagrams.draw_diagram
    monkeypatch.setattr(
        diagrams, "draw_diagram", lambda chain, *rest: drawn.append(chain) or draw(chain, *rest)
    )
    return drawn


def list_texts(chain):
    return [
        (box.title, *box.lines)
        if isinstance(box, diagrams.Box)
        else ([*map(list_texts, box.branches)], (box.merge.title, *box.merge.lines))
        for box in chain
    ]


def test_types_alone_are_the_default(model, tmp_path, chains):
    keras.utils.plot_model(model, tmp_path / "model.png")
    assert list_texts(chains[0]) == [("Input",), ("Dense",), ("Dropout",), ("Dense",)]


def test_all_options(model, tmp_path, chains):
    keras.utils.plot_model(
        model,
        tmp_path / "model.png",
        show_shapes=True,
        show_dtype=True,
        show_layer_names=True,
        show_layer_activations=True,
        show_trainable=True,
    )
    assert list_texts(chains[0]) == [
        ("input (Input)", "Output shape: (None, 4)", "Dtype: float32"),
        (
            f"{model.layers[0].name} (Dense)",
            "Activation: relu",
            "Input shape: (None, 4)",
            "Output shape: (None, 16)",
            "Dtype: float32",
            "Trainable: True",
        ),
        (
            f"{model.layers[1].name} (Dropout)",
            "Input shape: (None, 16)",
            "Output shape: (None, 16)",
            "Dtype: float32",
            "Trainable: True",
        ),
        (
            f"{model.layers[2].name} (Dense)",
            "Activation: softmax",
            "Input shape: (None, 16)",
            "Output shape: (None, 3)",
            "Dtype: float32",
            "Trainable: True",
        ),
    ]


def test_branches(branched, tmp_path, chains):
    keras.utils.plot_model(branched, tmp_path / "model.svg", show_shapes=True)
    assert list_texts(chains[0]) == [
        ("Input", "Output shape: (None, 6, 2)"),
        (
            [[], [("Conv1D", "Input shape: (None, 6, 2)", "Output shape: (None, 6, 3)")]],
            ("Concatenate", "Output shape: (None, 6, 5)"),
        ),
        (
            [
                [],
                [
                    ("Dense", "Input shape: (None, 6, 5)", "Output shape: (None, 6, 5)"),
                    (
                        "Activation",
                        "Activation: tanh",
                        "Input shape: (None, 6, 5)",
                        "Output shape: (None, 6, 5)",
                    ),
                ],
            ],
            ("Add", "Output shape: (None, 6, 5)"),
        ),
        ("Bidirectional", "Input shape: (None, 6, 5)", "Output shape: (None, 4)"),
    ]
    keras.utils.plot_model(branched, tmp_path / "model.svg", show_layer_names=True)
    assert chains[1][2].branches[1][0].title == "residual_1/inside (Dense)"


def test_lengths_that_are_not_known(tmp_path, chains):
    """Oracle: Keras writes None for a size that is not known. A kernel of 2 shortens a sequence."""
    layers = gn.layers
    model = gn.Sequential(
        [layers.Input((None, 8)), layers.Conv1D(3, 2), layers.GlobalAveragePooling1D()]
    )
    keras.utils.plot_model(model, tmp_path / "model.svg", show_shapes=True)
    assert list_texts(chains[0]) == [
        ("Input", "Output shape: (None, None, 8)"),
        ("Conv1D", "Input shape: (None, None, 8)", "Output shape: (None, None, 3)"),
        ("GlobalAveragePooling1D", "Input shape: (None, None, 3)", "Output shape: (None, 3)"),
    ]


@pytest.mark.parametrize(
    ("name", "start"),
    [("m.png", b"\x89PNG"), ("m.svg", b"<?xml"), ("m.pdf", b"%PDF"), ("m", b"\x89PNG")],
)
def test_formats(model, tmp_path, name, start):
    assert keras.utils.plot_model(model, str(tmp_path / name)) is None
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes().startswith(start)


def test_dpi_and_direction(model, tmp_path):
    """Twice as many pixels per inch make the picture twice as large, up to rounding."""
    sizes = []
    for dpi, direction in ((100, "TB"), (200, "TB"), (100, "LR")):
        path = tmp_path / "model.png"
        keras.utils.plot_model(model, path, rankdir=direction, dpi=dpi)
        with Image.open(path) as picture:
            sizes.append(picture.size)
    np.testing.assert_allclose(sizes[1], 2 * np.array(sizes[0]), atol=2)
    assert sizes[0][0] < sizes[0][1]
    assert sizes[2][0] > sizes[2][1]


def test_a_model_whose_input_is_not_known(tmp_path, chains):
    model = keras.Sequential([keras.layers.Dense(2), keras.layers.Dense(1)])
    keras.utils.plot_model(model, tmp_path / "model.png")
    assert list_texts(chains[0]) == [("Dense",), ("Dense",)]
    with pytest.raises(NotReadyError, match=r"Put keras\.Input\(shape\) first, or call fit"):
        keras.utils.plot_model(model, tmp_path / "model.png", show_shapes=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"to_file": "model.docx"}, r"a suffix of .*png.*to_file='model\.docx'"),
        ({"rankdir": "down"}, "rankdir: expected one of TB"),
        ({"dpi": 0}, "dpi to be a number > 0"),
        ({"dpi": 1e6}, "at most 65535 pixels"),
    ],
)
def test_errors(model, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=words):
        keras.utils.plot_model(model, **arguments)
    assert not list(tmp_path.iterdir())


def test_graphviz_is_refused(model):
    with pytest.raises(NotHereError, match=r"Write keras\.utils\.plot_model\(model"):
        keras.utils.model_to_dot(model)


def test_a_notebook_shows_the_picture(model, tmp_path, monkeypatch):
    """Oracle: IPython's own object, which has the bytes of the file."""
    display = pytest.importorskip("IPython.display")
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: object())
    path = tmp_path / "model.png"
    picture = keras.utils.plot_model(model, path)
    assert isinstance(picture, display.Image)
    assert picture.data == path.read_bytes()
    assert isinstance(keras.utils.plot_model(model, tmp_path / "model.svg"), display.SVG)
    assert keras.utils.plot_model(model, tmp_path / "model.pdf") is None


def test_parameters_are_those_of_keras():
    theirs = inspect.signature(import_keras().utils.plot_model).parameters.values()
    ours = inspect.signature(keras.utils.plot_model).parameters.values()
    wanted = [(p.name, p.default) for p in theirs if p.name != "kwargs"]
    assert [(p.name, p.default) for p in ours] == wanted
