"""Folders of images on the command line: splits, sizes, scores, predictions and errors."""

import json
import os
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from test_cli import run

import glassnet as gn
from glassnet.cli.jobs import base, images
from glassnet.data.split import train_validation_split
from glassnet.evaluation import baselines
from glassnet.preprocessing.images import ImagePreprocessor
from glassnet.preprocessing.targets import ClassTarget

pytestmark = pytest.mark.slow

SMALL = ("--layers", "8", "--dropout", "0", "--no-plot", "--learning-rate", "0.03")


def draw(place, names=("red", "green", "blue"), n=20, size=(18, 12), mode="RGB", seed=0):
    """Write images of dark noise with a red, green or blue line."""
    rng = np.random.default_rng(seed)
    for k, name in enumerate(names):
        Path(place, name).mkdir(parents=True)
        for i in range(n):
            pixels = rng.integers(0, 90, (size[1], size[0], 3), np.uint8)
            pixels[5:7, :, k % 3] = 250
            Image.fromarray(pixels).convert(mode).save(Path(place, name, f"{i:02}.png"))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """A folder with training images, two unreadable files and test images; the printed result."""
    home = tmp_path_factory.mktemp("shapes")
    os.chdir(home)
    draw("photos")
    Path("photos/green/broken.png").write_text("no image")
    Path("photos/red/empty.jpg").write_bytes(b"")
    draw("photos_test", n=4, seed=1)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = run(
            "train", "photos", "--epochs", "25", "--no-augment", "--out", "photos.glassnet", *SMALL
        )
    assert result.exit_code == 0, result.output
    return home, result


@pytest.fixture(autouse=True)
def _there(shapes, monkeypatch):
    monkeypatch.chdir(shapes[0])


def test_a_folder_is_learned_and_scored(shapes):
    """Oracle: the same split and a linear model."""
    result = shapes[1]
    lines = result.stdout.splitlines()
    assert lines[0] == "photos: blue 20, green 20, red 20; 12x18 pixels, RGB"
    assert lines[1] == "photos: 48 training images, 12 test images, 3 classes"
    assert lines[2].startswith("12x18x3 → Rescaling(1/255) → Conv2D(8, relu) → MaxPooling2D → ")
    assert lines[2].endswith("Dense(3, softmax): 251 weights")
    assert lines[3:5] == [
        "class: 3 labels (blue, green, red)",
        "images of 12x18 pixels, 3 channels",
    ]
    assert (
        "2 of 62 files cannot be read and are left out: photos/green/broken.png: it is not an image"
        in result.stderr
    )
    model = gn.load("photos.glassnet")
    train, test = read_split("photos", (12, 18))
    predicted = model.preprocessor.target.transform(model.predict_labels(test))
    x, x_test = baselines.to_columns(train.x, test.x)
    report = baselines.score_classifier(train.y, test.y, predicted, x, x_test, trees=False)
    assert str(report) in result.stdout
    assert lines[-1].startswith(f"photos: {report.headline()}, ")
    assert np.mean(predicted == test.y) >= 0.9
    linear_score = LogisticRegression(max_iter=1000).fit(x, train.y).score(x_test, test.y)
    assert report.baselines[0].score.value == linear_score


def read_split(folder, size):
    with pytest.warns(gn.errors.DataWarning):
        return gn.data.images_from_folder(folder, size, 0.2, seed=0)


@pytest.mark.filterwarnings("default")
def test_the_saved_model_answers_in_names():
    """Oracle: `predict` in Python; an unreadable file has a row without a prediction."""
    model = gn.load("photos.glassnet")
    assert model.preprocessor == ImagePreprocessor(
        (12, 18), 3, ClassTarget("class", ("blue", "green", "red"))
    )
    result = run("evaluate", "photos.glassnet", "photos_test", "--json")
    facts = json.loads(result.stdout)
    test = gn.data.images_from_folder("photos_test", (12, 18))
    assert facts["logs"] == pytest.approx(model.evaluate(test, return_dict=True))
    assert facts["score"]["network"]["value"] == pytest.approx(facts["logs"]["accuracy"])
    assert facts["score"]["network"]["value"] >= 0.9
    new = Path("new")
    new.mkdir()
    for name, path in (("a.png", "blue/00.png"), ("c.png", "red/01.png")):
        new.joinpath(name).write_bytes(Path("photos_test", path).read_bytes())
    new.joinpath("b.jpg").write_text("no image")
    result = run("predict", "photos.glassnet", "new/", "--out", "scored.csv")
    assert result.stdout == "3 rows written to scored.csv\n"
    assert result.stderr.startswith(
        "glassnet: 1 of 3 files cannot be read and have no prediction: new/b.jpg: it is not an image"
    )
    frame = pandas.read_csv("scored.csv")
    probabilities = [f"probability of {name}" for name in ("blue", "green", "red")]
    assert list(frame) == ["file", "predicted class", *probabilities]
    assert frame["file"].tolist() == ["new/a.png", "new/b.jpg", "new/c.png"]
    assert frame["predicted class"].fillna("").tolist() == ["blue", "", "red"]
    np.testing.assert_allclose(
        frame.iloc[[0, 2], 2:].to_numpy(), model.predict(["new/a.png", "new/c.png"]), rtol=1e-6
    )
    assert (
        "class: 3 labels (blue, green, red), from images of 12x18 pixels, 3 channels"
        in run("summary", "photos.glassnet").stdout
    )
    assert (
        "photos.glassnet, row 5 (green):"
        in run("trace", "photos.glassnet", "photos_test", "--row", "5").stdout
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (
            ("train", "nowhere/"),
            "expected a folder that exists. Received: 'nowhere/'.",
        ),
        (
            ("train", "photos/green/00.png"),
            "images_from_folder: expected a folder. Received: folder='photos/green/00.png'.",
        ),
        (
            ("train", "photos/green"),
            "expected two classes or more, each a subfolder. Received: classes=[].",
        ),
        (
            ("train", "photos", "--target", "x"),
            "--target is for tables: photos is a folder of images.",
        ),
        (
            ("train", "iris", "--size", "9"),
            "--size is for folders of images: iris is not a folder.",
        ),
        (
            ("train", "iris", "--no-augment"),
            "--no-augment is for folders of images: iris is not a folder.",
        ),
        (
            ("train", "photos_test", "--size", "9y"),
            "expected pixels such as 96, or height x width such as 72x96. Received: '9y'.",
        ),
        (
            ("train", "photos_test", "--layers", "2,2,2,2,2", "--size", "8"),
            "max_pooling2d_4: expected an input of at least 2x2.",
        ),
        (
            ("predict", "photos.glassnet", "nowhere"),
            "images: expected an image or a folder that exists. Received: path='nowhere'.",
        ),
        (
            ("predict", "photos.glassnet", "photos/green/broken.png"),
            "images: expected at least one readable image. Received: unreadable=1",
        ),
        (
            ("predict", "photos.glassnet", "none"),
            "images: expected a folder with images (.png, .jpg",
        ),
        (
            ("evaluate", "photos.glassnet", "none"),
            "a subfolder for each class. Received: missing=['blue', 'green', 'red'], folders=[].",
        ),
        (
            ("evaluate", "photos.glassnet", "others"),
            "the training classes, ('blue', 'green', 'red'). Received: others=['star'].",
        ),
        (
            ("evaluate", "plain.glassnet", "photos_test"),
            "photos_test is a folder of images, but the model was not trained on images.",
        ),
        (
            ("evaluate", "photos.glassnet", "some.csv"),
            "x: expected images of 12x18 pixels, 3 channels. Received: x='Table'.",
        ),
    ],
)
def test_what_cannot_be_used_is_named(words, text):
    Path("none").mkdir(exist_ok=True)
    Path("others/star").mkdir(parents=True, exist_ok=True)
    Path("some.csv").write_text("a,b\n1,2\n")
    gn.Sequential([gn.layers.Input(2), gn.layers.Dense(1)]).save("plain.glassnet")
    result = run(*words)
    assert result.exit_code == 2
    assert text in result.stderr
    assert len(result.stderr.splitlines()) == 1


def resolve(name, **options):
    options = {"seed": 0, "size": None, "augment": None} | options
    return images.resolve_image_job(name, base.TrainOptions(), **options)


def test_folders_of_parts(tmp_path, monkeypatch):
    """Oracle: the files of each split."""
    monkeypatch.chdir(tmp_path)
    draw("data/train", n=4)
    assert resolve("data").messages[0].startswith("data: blue 4, green 4, red 4;")
    draw("data/validation", n=2)
    job = resolve("data")
    assert [len(job.train), len(job.test), job.validation_data] == [12, 6, None]
    assert job.messages[0] == "test images: data/validation"
    draw("data/Test", n=1)
    job = resolve("data")
    assert [len(job.train), len(job.test), len(job.validation_data)] == [12, 3, 6]
    assert job.messages[:2] == (
        "test images: data/Test",
        "validation images: data/validation",
    )
    assert {path.parts[1] for path in job.validation_data.files} == {"validation"}
    facts = json.loads(
        run(
            "train",
            "data",
            "--epochs",
            "1",
            "--json",
            "--layers",
            "none",
            "--no-plot",
            "--no-augment",
        ).stdout
    )
    assert len(facts["history"]["val_loss"]) == 1
    assert facts["settings"]["validation_split"] == 0
    draw("trains", ("train", "tram"), n=5)
    assert resolve("trains").train.class_names == ("train", "tram")
    Path("kaggle/test").mkdir(parents=True)
    Path("data/train").rename("kaggle/train")
    Image.new("RGB", (9, 9)).save("kaggle/test/1.png")
    assert [len(resolve("kaggle").train), len(resolve("kaggle").test)] == [10, 2]


def test_the_size_is_that_of_the_images_but_for_large_ones(tmp_path):
    """Oracle: 300 x 200 pixels shrink to 96 x 64 in either orientation; several have a median."""
    exif = Image.Exif()
    exif[0x0112] = 6
    files = []
    for i, (width, height, turned) in enumerate(
        [(300, 200, False), (200, 300, True), (300, 200, False), (20, 20, False), (4000, 10, False)]
    ):
        files.append(tmp_path / f"{i}.jpg")
        Image.new("RGB", (width, height)).save(files[-1], **({"exif": exif} if turned else {}))
    assert (
        images.infer_image_size(files[:1])
        == images.infer_image_size(files[1:2])
        == images.infer_image_size(files[:4])
        == (64, 96)
    )
    assert images.infer_image_size(files[3:4]) == (20, 20)
    assert images.infer_image_size(files[4:]) == (1, 96)
    assert images.infer_image_size([]) == (96, 96)
    (tmp_path / "x.jpg").write_text("no image")
    assert images.infer_image_size([tmp_path / "x.jpg", files[3]]) == (20, 20)


SETTINGS = {
    "layers": (2,),
    "activation": "tanh",
    "dropout": 0.5,
    "optimizer": "adam",
    "learning_rate": None,
    "seed": 0,
}


def kinds(job, settings):
    return [type(view.layer).__name__ for view in job.build_model(settings).layers]


def test_the_network_ends_by_how_many_places_are_left():
    """Oracle: 12 x 18 pixels have 54 positions after one halving and 12 after two."""
    job = resolve("photos_test", augment=False)
    assert kinds(job, SETTINGS) == [
        "Rescaling",
        "Conv2D",
        "MaxPooling2D",
        "GlobalMaxPooling2D",
        "Dropout",
        "Dense",
    ]
    deep = job.build_model(SETTINGS | {"layers": (2, 5)}).layers
    assert [type(view.layer).__name__ for view in deep[5:]] == [
        "Flatten",
        "Dropout",
        "Dense",
        "Dense",
    ]
    assert (deep[7].layer.units, deep[7].layer.activation) == (5, "tanh")
    assert kinds(job, SETTINGS | {"layers": (), "dropout": 0.0}) == [
        "Rescaling",
        "Flatten",
        "Dense",
    ]


@pytest.mark.parametrize(("images", "batch"), [(6, 4), (144, 8), (256, 16), (512, 32), (9000, 32)])
def test_ten_epochs_of_few_images_are_steps_enough(images, batch):
    """Oracle: the power of two nearest to a sixteenth of the images; 144 / 16 is 9."""
    job = replace(resolve("photos_test", augment=False), train=range(images))
    assert job.batch_size == batch


def test_few_images_are_changed_by_chance_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def changes(job):
        return [kind for kind in kinds(job, SETTINGS) if kind.startswith("Random")]

    draw("photos", n=3)
    assert changes(resolve("photos")) == ["RandomFlip", "RandomTranslation"]
    assert (
        resolve("photos")
        .messages[-1]
        .startswith("few images: training mirrors and shifts them at random; --no-augment")
    )
    assert changes(resolve("photos", augment=False)) == []
    draw("scans", n=3, mode="L")
    assert changes(resolve("scans")) == ["RandomTranslation"], "writing is not mirrored"
    assert resolve("scans").messages == (
        "scans: blue 3, green 3, red 3; 12x18 pixels, grayscale",
        "few images: training shifts them at random; --no-augment turns this off",
    )
    monkeypatch.setattr(images, "AUGMENT_BELOW", 6)
    assert changes(resolve("photos")) == []
    assert len(resolve("photos").messages) == 1
    assert changes(resolve("photos", augment=True)) == ["RandomFlip", "RandomTranslation"]
    job = resolve("photos", size=(8, 40))
    assert job.train.x.shape[1:] == (8, 40, 3)
    assert job.layers == (32, 64)
    assert [resolve("photos", size=(side, 99)).layers for side in (3, 4, 16, 200)] == [
        (32,),
        (32,),
        (32, 64, 128),
        (32, 64, 128),
    ]


def test_a_linear_model_gets_a_sample_where_it_would_take_long(monkeypatch):
    """Oracle: by hand. 12 x 18 x 3 = 648 numbers per image, after halving 6 x 9 x 3 = 162.

    1,000 numbers are 6 of the 10 training images.
    """
    monkeypatch.setattr(baselines, "MAX_LINEAR_INPUTS", 1000)
    facts = json.loads(
        run("train", "photos_test", "--epochs", "0", "--layers", "none", "--json").stdout
    )
    assert [rival["name"] for rival in facts["score"]["rivals"]] == [
        "logistic regression",
        "majority",
    ]
    note = "logistic regression was fitted to 6 of 10 training rows, drawn at random"
    assert facts["score"]["note"] == note
    assert facts["learned"] == {
        "classes": ["blue", "green", "red"],
        "size": [12, 18],
        "channels": 3,
        "skipped": [],
        "augmented": True,
    }
    assert facts["settings"]["dropout"] == 0.5


def test_a_data_set_goes_before_a_folder_of_its_name():
    Path("moons").mkdir()
    assert not images.is_image_path("moons")
    assert images.is_image_path("moons/")


def test_arrays_in_a_file(tmp_path, monkeypatch):
    """Oracle: the class counts, and `evaluate` in Python on the same rows."""
    monkeypatch.chdir(tmp_path)
    x, y = np.arange(240, dtype=np.uint8).reshape(60, 2, 2), np.repeat([0, 1, 2], 20)
    np.savez("digits.npz", x=x, y=y)
    facts = json.loads(
        run(
            "train",
            "digits.npz",
            "--epochs",
            "2",
            "--json",
            "--no-plot",
            "--out",
            "d.glassnet",
            "--layers",
            "none",
        ).stdout
    )
    assert facts["dataset"] == "digits.npz"
    _, majority = facts["score"]["rivals"]
    assert majority["value"] == pytest.approx(1 / 3)
    _, test = train_validation_split(60, y, 0.2, "random", 0)
    network, score = gn.load("d.glassnet"), facts["score"]["network"]
    assert score["value"] == np.mean(network.predict_labels(x[test]) == y[test])
    assert score["interval"][0] <= score["value"] <= score["interval"][1]
    assert facts["learned"] == {"classes": ["0", "1", "2"], "shape": [2, 2]}
    result = json.loads(run("evaluate", "d.glassnet", "digits.npz", "--json").stdout)
    logs = network.evaluate(x, y, return_dict=True)
    assert result["logs"] == pytest.approx(logs)
    assert result["score"]["network"]["value"] == pytest.approx(logs["accuracy"])
    result = run("train", "digits.npz", "--target", "y")
    assert "--target is for tables: digits.npz is a dataset of arrays." in result.stderr
    assert "expected a file that exists" in run("train", "nowhere.npz").stderr
