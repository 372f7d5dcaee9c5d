"""A model fitted to an image folder: sizes, classes, predicted class names, and paths as input."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import glassnet as gn
from glassnet.data.images import Images
from glassnet.errors import ConfigError, DataError
from glassnet.preprocessing.images import ImagePreprocessor
from glassnet.preprocessing.targets import ClassTarget
from oracles import close

COLOURS = {"cat": (250, 20, 20), "dog": (20, 250, 20), "eel": (20, 20, 250)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Eight images each of cats, dogs and eels: red, green and blue."""
    root = tmp_path_factory.mktemp("animals")
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (root / name).mkdir()
        for i in range(8):
            pixels = np.clip(np.array(colour) + rng.integers(-20, 20, (6, 5, 3)), 0, 255).astype(
                np.uint8
            )
            Image.fromarray(pixels).save(root / name / f"{i}.png")
    return root


@pytest.fixture(scope="module")
def images(folder):
    return gn.data.images_from_folder(folder, (6, 5))


def net(classes=3, seed=0):
    last = (
        gn.layers.Dense(classes, activation="softmax")
        if classes > 1
        else gn.layers.Dense(1, activation="sigmoid")
    )
    model = gn.Sequential([gn.layers.Rescaling(1 / 255), gn.layers.Flatten(), last], seed=seed)
    model.compile(gn.optimizers.Adam(0.05), metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def model(images):
    model = net()
    model.fit(images, epochs=15, validation_split=0.25, verbose=0)
    return model


def test_it_is_fitted_as_to_arrays(images, capsys):
    """Oracle: the same rows as arrays with the same split give the same bits; the printed lines."""
    from_images, plain = net(), net()
    history = from_images.fit(images, epochs=2, validation_split=0.25, verbose=2).history
    assert capsys.readouterr().out.startswith(
        "class: 3 labels (cat, dog, eel)\nimages of 6x5 pixels, 3 channels\n"
    )
    assert (
        history == plain.fit(images.x, images.y, epochs=2, validation_split=0.25, verbose=0).history
    )
    assert from_images.preprocessor == ImagePreprocessor(
        (6, 5), 3, ClassTarget("class", ("cat", "dog", "eel"))
    )
    assert plain.preprocessor is None
    assert from_images.fit(images, epochs=1, verbose=0).history.keys() == {"loss", "accuracy"}
    assert "class:" not in capsys.readouterr().out


def test_it_answers_in_names(model, images, folder, capsys):
    """Oracle: the pixels of the same files as arrays."""
    names = np.repeat(["cat", "dog", "eel"], 8)
    assert (model.predict_labels(images) == names).mean() == 1
    assert (model.predict_labels(images.x) == names).all()
    paths = [str(folder / "eel" / "0.png"), folder / "cat" / "3.png"]
    np.testing.assert_array_equal(model.predict(paths), model.predict(images.x[[16, 3]]))
    assert model.predict_labels(paths[0]).tolist() == ["eel"]
    np.testing.assert_array_equal(model.predict(folder), model.predict(images))
    model.summary()
    assert capsys.readouterr().out.startswith(
        "class: 3 labels (cat, dog, eel), from images of 6x5 pixels, 3 channels\n"
    )
    assert str(model.trace(images.x[:1], ["cat"])).endswith("─ class: 3 labels (cat, dog, eel)")


def test_files_are_decoded_to_the_size_of_training(model, tmp_path):
    """Oracle: an image of one color has that color at any size, in any mode."""
    Image.new("RGBA", (40, 50), (20, 250, 20, 255)).save(tmp_path / "1.png")
    flat = np.broadcast_to(np.array([20, 250, 20], np.uint8), (1, 6, 5, 3))
    np.testing.assert_array_equal(model.predict(tmp_path), model.predict(flat))
    assert model.predict_labels(str(tmp_path / "1.png")).tolist() == ["dog"]


def test_evaluated_on_images_a_folder_or_arrays(model, images, folder):
    logs = model.evaluate(images)
    assert logs == model.evaluate(folder) == model.evaluate(str(folder))
    assert logs == model.evaluate(images.x, images.y) == model.evaluate(images, images.y)
    assert logs == model.evaluate(images.x, np.repeat(["cat", "dog", "eel"], 8))
    assert model.evaluate(images.x[:8], ["dog"] * 8)[1] == 0


def test_a_file_of_the_model_holds_the_classes(model, images, tmp_path):
    model.save(tmp_path / "animals.glassnet")
    loaded = gn.load(tmp_path / "animals.glassnet")
    assert loaded.preprocessor == model.preprocessor
    assert loaded.predict_labels(images).tolist() == model.predict_labels(images).tolist()


def test_validation_on_images(images, folder):
    """Oracle: the same as arrays."""
    from_images = net().fit(images, epochs=1, verbose=0, validation_data=images).history
    assert from_images == net().fit(images, epochs=1, verbose=0, validation_data=folder).history
    assert (
        from_images
        == net()
        .fit(images.x, images.y, epochs=1, verbose=0, validation_data=(images.x, images.y))
        .history
    )
    assert (
        from_images
        == net().fit(images.x, images.y, epochs=1, verbose=0, validation_data=images).history
    )
    named = (images.x, np.repeat(["cat", "dog", "eel"], 8), np.ones(24))
    assert from_images == net().fit(images, epochs=1, verbose=0, validation_data=named).history


def test_class_weights_by_name_or_number(images):
    """Oracle: a weight for every row."""
    by_name, by_number, by_row, without = net(), net(), net(), net()
    by_name.fit(images, verbose=0, class_weight={"eel": 5.0})
    by_number.fit(images, verbose=0, class_weight={2: 5.0})
    by_row.fit(images.x, images.y, verbose=0, sample_weight=np.where(images.y == 2, 5.0, 1.0))
    without.fit(images, verbose=0)
    expected = by_row.predict(images)
    close(by_name.predict(images), expected)
    close(by_number.predict(images), expected)
    assert np.abs(without.predict(images) - expected).max() > 1e-3
    with pytest.raises(
        DataError, match=r"class_weight: expected labels of class, .* Received: label='fox'"
    ):
        net().fit(images, verbose=0, class_weight={"fox": 5.0})


def test_two_classes_end_in_a_sigmoid(images):
    two = Images(images.x[:16], images.y[:16], ("cat", "dog"), images.files[:16])
    model = net(1)
    model.fit(two, epochs=15, verbose=0)
    assert model.predict_labels(two).tolist() == ["cat"] * 8 + ["dog"] * 8


def test_batches_and_arrays_go_on_with_it(images, tmp_path):
    model = net()
    model.fit(images, verbose=0)
    preprocessor = model.preprocessor
    model.fit([(images.x[:8], images.y[:8])], verbose=0)
    model.fit(images.x, images.y, verbose=0)
    assert model.preprocessor == preprocessor
    model.fit(images, epochs=1, verbose=0, resume=tmp_path / "run")
    assert "class" in str(model.preprocessor.target)
    model.reset()
    assert model.preprocessor is None


def test_other_images_are_refused(model, images, folder, tmp_path):
    def refused(text, function, *args, **more):
        with pytest.raises((DataError, ConfigError), match=re.escape(text)):
            function(*args, **more)

    turned = gn.data.images_from_folder(folder, (6, 5), class_names=["eel", "dog", "cat"])
    text = (
        "images: expected the training classes, ('cat', 'dog', 'eel'). Received: classes=('eel', 'dog', 'cat'). "
        "Read them with class_names=('cat', 'dog', 'eel')."
    )
    refused(text, model.evaluate, turned)
    refused(text, model.fit, turned, verbose=0)
    refused(text, model.fit, images, validation_data=turned, verbose=0)
    fewer = gn.data.images_from_folder(folder, (6, 5), class_names=["cat", "dog"])
    refused("Received: classes=('cat', 'dog').", model.evaluate, fewer)
    size = "expected images of 6x5 pixels, 3 channels, as in training. Received: shape=(4, 5, 3). Read them with size=(6, 5), channels=3."
    large = gn.data.images_from_folder(folder, (4, 5))
    refused(size, model.evaluate, large)
    refused(size, model.predict, large)
    refused(
        "Received: shape=(6, 5, 1).",
        model.predict,
        gn.data.images_from_folder(folder, (6, 5), channels=1),
    )
    refused("y: expected targets. Received: x='ndarray', y=None.", model.evaluate, images.x)
    refused(
        "x: expected images of 6x5 pixels, 3 channels. Received: x='dict'.",
        model.predict,
        {"a": [1, 2]},
    )
    refused(
        "x: expected images of 6x5 pixels, 3 channels. Received: x='dict'.",
        model.evaluate,
        {"a": [1, 2]},
    )
    refused("others=['fox']", model.evaluate, images.x[:1], ["fox"])
    (tmp_path / "x.png").write_text("no image")
    refused(
        "images: expected files that can be read. Received: unreadable=1, first=",
        model.predict,
        tmp_path,
    )
    refused("x.png: it is not an image that Pillow can read", model.predict, [tmp_path / "x.png"])
    refused("nowhere.png: FileNotFoundError", model.predict, "nowhere.png")
    (tmp_path / "empty").mkdir()
    refused("images: expected a folder with images (.png, .jpg", model.predict, tmp_path / "empty")
    (tmp_path / "empty" / "fox").mkdir()
    refused(
        "images: expected the training classes, ('cat', 'dog', 'eel'). Received: others=['fox'].",
        model.evaluate,
        tmp_path / "empty",
    )


def test_what_goes_with_tables_alone_is_refused(images):
    with pytest.raises(
        ConfigError,
        match="fit: expected no target, column_types, derive or target_transform with images",
    ):
        net().fit(images, target="class")
    with pytest.raises(
        ConfigError,
        match=r"target 'class': expected a network that outputs one of 3 labels\..*outputs=\(5,\)",
    ):
        net(5).fit(images, verbose=0)
    model = net()
    model.fit(images, epochs=0, verbose=0)
    text = r"fit: expected images of 6x5 pixels, 3 channels, as in an earlier fit\. Received: x='dict'\. Call reset\(\) first"
    with pytest.raises(ConfigError, match=text):
        model.fit({"a": [1, 2], "b": ["x", "y"]}, target="b")
    table = gn.Sequential([gn.layers.Dense(1, activation="sigmoid")])
    table.fit({"a": [1, 2, 3], "b": ["x", "y", "x"]}, target="b", epochs=0, verbose=0)
    with pytest.raises(
        ConfigError,
        match=r"fit: expected 1 columns as 1 numbers: a, as in an earlier fit\. Received: x='Images'",
    ):
        table.fit(images)
    with pytest.raises(
        DataError,
        match=r"a file that ends in \.csv.*For images, use glassnet\.data\.images_from_folder\.",
    ):
        net().fit(str(Path(images.files[0]).parent), target="x")


@pytest.mark.parametrize(
    ("size", "channels", "text"),
    [
        (
            (0, 5),
            3,
            "ImagePreprocessor: expected size to be (height, width) in pixels. Received: size",
        ),
        ((5,), 3, "size=(5,)"),
        ((5, 5), 2, "channels=2"),
    ],
)
def test_no_pictures(size, channels, text):
    with pytest.raises(ConfigError, match=re.escape(text)):
        ImagePreprocessor(size, channels, ClassTarget("class", ("a", "b")))
