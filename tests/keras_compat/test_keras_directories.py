"""Files in folders as datasets. Literals marked with TF come from Keras 3.15 on TensorFlow 2.21."""

import os

import numpy as np
import pytest
from PIL import Image

from glassnet import keras, layers
from glassnet.errors import ArgumentError, ConfigError, DataError
from glassnet.keras.data import TensorSpec
from glassnet.keras.data.images import read_pixels
from glassnet.keras.data.resizing import resize
from glassnet.keras.utils import image_dataset_from_directory, text_dataset_from_directory

PIXELS = np.array([[0, 50, 255, 10], [90, 200, 30, 120], [255, 60, 140, 0]], np.uint8)

RESIZED = {
    "bilinear": [[33.33, 143.12, 64.37], [193.96, 103.75, 43.75]],
    "nearest": [[0, 255, 10], [255, 140, 0]],
    "bicubic": [[19.82, 160.99, 55.03], [209.9, 99.1, 35.6]],
    "area": [[47.5, 140, 80], [176.67, 105, 55.83]],
    "lanczos3": [[11.09, 182.01, 62.03], [213.35, 92.14, 38.97]],
    "lanczos5": [[2.58, 199.88, 63.67], [215.47, 84.86, 44.01]],
    "gaussian": [[38, 142.41, 71.9], [187.06, 104.03, 48.57]],
    "mitchellcubic": [[29.43, 151.9, 65.61], [196.91, 101.56, 43.48]],
}
"""PIXELS as 2 x 3 pixels: TF."""

ENLARGED = {
    "bilinear": [[0, 50, 255, 10], [36, 110, 165, 54]],
    "nearest": [[0, 50, 255, 10], [0, 50, 255, 10]],
    "bicubic": [[-6.8, 38.67, 271.99, 1.69], [24.21, 108.96, 171.05, 54.01]],
    "area": [[0, 50, 255, 10], [30, 100, 180, 46.67]],
    "lanczos3": [[-4.32, 29.21, 282.91, -5.81], [12.65, 113.66, 169.78, 58.46]],
    "lanczos5": [[3.13, 25.78, 284.23, -8.99], [3.53, 116.79, 169.49, 61.53]],
    "gaussian": [[11.53, 72.45, 198.51, 43.22], [44.95, 108.11, 147.12, 67.32]],
    "mitchellcubic": [[1.29, 56.39, 233.28, 22.81], [34.33, 109.27, 157.42, 61.54]],
}
"""The first two rows of PIXELS as 5 x 4 pixels: TF."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Six images of ants, of gray 0, 10, ..., 50, and four of bees, of gray 100 to 130."""
    root = tmp_path_factory.mktemp("photos")
    for name, first, n in (("ants", 0, 6), ("bees", 100, 4)):
        (root / name).mkdir()
        for i in range(n):
            gray = np.full((2, 3, 3), first + 10 * i, np.uint8)
            Image.fromarray(gray).save(root / name / f"{name[0]}{i}.png")
    (root / "ants" / "notes.txt").write_text("no image")
    (root / ".hidden").mkdir()
    return root


@pytest.fixture(scope="module")
def one_image(tmp_path_factory):
    root = tmp_path_factory.mktemp("one")
    Image.fromarray(PIXELS).save(root / "p.png")
    return root


def load_one(folder, **how):
    how = {"color_mode": "grayscale", "verbose": False, **how}
    return next(iter(image_dataset_from_directory(folder, labels=None, **how)))[0, :, :, 0]


def names(dataset):
    return [os.path.basename(path) for path in dataset.file_paths]


def pairs(dataset):
    """Return (gray, label) of all images, sorted."""
    return sorted(
        (float(image[0, 0, 0]), int(label))
        for images, labels in dataset
        for image, label in zip(images, labels, strict=True)
    )


def test_the_parts_of_a_seed_are_those_of_keras(photos, capsys):
    """Oracle: TF."""
    how = {"validation_split": 0.3, "seed": 7, "image_size": (2, 3), "batch_size": 4}
    train = image_dataset_from_directory(photos, subset="training", **how)
    assert capsys.readouterr().out == (
        "Found 10 files belonging to 2 classes.\nUsing 7 files for training.\n"
    )
    assert names(train) == ["b2.png", "a5.png", "a0.png", "a2.png", "a1.png", "b3.png", "b1.png"]
    expected = [(0, 0), (10, 0), (20, 0), (50, 0), (110, 1), (120, 1), (130, 1)]
    assert pairs(train) == pairs(train) == expected
    validation = image_dataset_from_directory(photos, subset="validation", **how)
    assert names(validation) == ["a3.png", "b0.png", "a4.png"]
    assert pairs(validation) == [(30, 0), (40, 0), (100, 1)]
    both = image_dataset_from_directory(photos, subset="both", **how)
    assert list(map(names, both)) == [names(train), names(validation)]
    assert train.class_names == both[1].class_names == ["ants", "bees"]
    assert len(train) == 2
    assert train.element_spec == (TensorSpec((None, 2, 3, 3)), TensorSpec((None,), "int32"))


def test_validation_files_stay_in_order_beside_training_files(photos):
    """With subset="both", as in Keras; their gray values say which they are."""
    how = {"validation_split": 0.5, "seed": 7, "image_size": (2, 3), "verbose": False}
    _, validation = image_dataset_from_directory(photos, subset="both", **how)
    gray = {f"a{i}.png": 10 * i for i in range(6)} | {f"b{i}.png": 100 + 10 * i for i in range(4)}
    for _ in range(3):
        images, _ = next(iter(validation))
        assert images[:, 0, 0, 0].tolist() == [gray[name] for name in names(validation)]


def test_unshuffled_files_are_in_order(photos):
    dataset = image_dataset_from_directory(photos, shuffle=False, image_size=(2, 3), verbose=False)
    images, labels = next(iter(dataset))
    assert names(dataset) == [*(f"a{i}.png" for i in range(6)), *(f"b{i}.png" for i in range(4))]
    assert labels.tolist() == [0] * 6 + [1] * 4
    assert images[:, 0, 0, 0].tolist() == [0, 10, 20, 30, 40, 50, 100, 110, 120, 130]
    assert (images.dtype, labels.dtype) == (np.float32, np.int32)


def test_shuffled_files_are_in_another_order_in_every_pass(photos):
    dataset = image_dataset_from_directory(photos, seed=1, image_size=(2, 3), verbose=False)
    first, second = ([image[0, 0, 0] for image in next(iter(dataset))[0]] for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("int", [0, 0, 0, 0, 0, 0, 1, 1, 1, 1]),
        ("binary", [[0.0]] * 6 + [[1.0]] * 4),
        ("categorical", [[1.0, 0.0]] * 6 + [[0.0, 1.0]] * 4),
    ],
)
def test_label_modes(photos, mode, expected):
    how = {"shuffle": False, "image_size": (2, 3), "verbose": False}
    dataset = image_dataset_from_directory(photos, label_mode=mode, **how)
    assert next(iter(dataset))[1].tolist() == expected
    assert len(expected) == 10


def test_classes_and_labels_can_be_chosen(photos, capsys):
    how = {"shuffle": False, "image_size": (2, 3)}
    dataset = image_dataset_from_directory(photos, class_names=["bees", "ants"], **how)
    assert next(iter(dataset))[1].tolist() == [0] * 4 + [1] * 6
    assert dataset.class_names == ["bees", "ants"]
    dataset = image_dataset_from_directory(photos, [3, 5] * 5, batch_size=None, **how)
    assert [int(label) for image, label in dataset] == [3, 5] * 5
    assert dataset.class_names == ["3", "5"]
    capsys.readouterr()
    for without in ({"labels": None}, {"label_mode": None}):
        dataset = image_dataset_from_directory(photos, **without, **how)
        assert next(iter(dataset)).shape == (10, 2, 3, 3)
        assert dataset.class_names is None
    assert capsys.readouterr().out == "Found 10 files.\nFound 10 files.\n"


@pytest.mark.parametrize("interpolation", RESIZED)
def test_resized_images_are_those_of_tensorflow(one_image, interpolation):
    """Oracle: TF, to the printed digits."""
    how, tolerance = {"interpolation": interpolation}, 0.0051
    got = load_one(one_image, image_size=(2, 3), **how)
    np.testing.assert_allclose(got, RESIZED[interpolation], atol=tolerance)
    got = load_one(one_image, image_size=(5, 4), **how)[:2]
    np.testing.assert_allclose(got, ENLARGED[interpolation], atol=tolerance)


def test_bilinear_resizing_is_that_of_a_loop():
    """Oracle: the mean of four neighbors, weighted by distance, pixel by pixel."""
    image = np.random.default_rng(0).integers(0, 256, (7, 5, 3)).astype(np.uint8)
    expected = np.zeros((4, 9, 3))
    for i in range(4):
        for j in range(9):
            y, x = (i + 0.5) * 7 / 4 - 0.5, (j + 0.5) * 5 / 9 - 0.5
            for m in range(7):
                for n in range(5):
                    at_edge = [np.clip(y, 0, 6) - m, np.clip(x, 0, 4) - n]
                    expected[i, j] += image[m, n] * np.prod(np.maximum(0, 1 - np.abs(at_edge)))
    np.testing.assert_allclose(resize(image, (4, 9), "bilinear"), expected, rtol=1e-5)


def test_images_are_cropped_or_padded_to_their_ratio(one_image):
    """Oracle: TF."""
    cropped = load_one(one_image, image_size=(4, 2), crop_to_aspect_ratio=True)
    assert cropped.tolist() == [[50, 50], [143.75, 143.75], [147.5, 147.5], [60, 60]]
    padded = load_one(one_image, image_size=(4, 2), pad_to_aspect_ratio=True)
    assert padded.tolist() == [[0, 0], [145, 75], [0, 0], [0, 0]]


def test_colors(tmp_path):
    """Oracle: the stored pixels; channels are dropped or repeated, and opaque is 255."""
    color = np.random.default_rng(0).integers(0, 256, (3, 2, 4)).astype(np.uint8)
    Image.fromarray(color).save(tmp_path / "c.png")
    Image.fromarray(PIXELS).save(tmp_path / "g.png")
    Image.fromarray(PIXELS.astype(np.uint16) * 256 + 7).save(tmp_path / "deep.png")
    frames = [Image.fromarray(PIXELS), Image.fromarray(255 - PIXELS)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    read = {
        name: read_pixels(str(tmp_path / name), "RGBA", 4)
        for name in ("c.png", "g.png", "deep.png", "a.gif")
    }
    assert np.array_equal(read["c.png"], color)
    assert np.array_equal(read_pixels(str(tmp_path / "c.png"), "RGB", 3), color[..., :3])
    for name in ("g.png", "deep.png", "a.gif"):
        assert np.array_equal(read[name][..., :3], np.repeat(PIXELS[..., None], 3, 2))
        assert (read[name][..., 3] == 255).all()
    first = image_dataset_from_directory(
        tmp_path, None, data_format="channels_first", image_size=3, verbose=False
    )
    assert next(iter(first)).shape == (4, 3, 3, 3)
    assert first.element_spec.shape == (None, 3, 3, 3)


def test_subfolders_and_suffixes(photos, tmp_path):
    """Images in folders of folders belong to the class above; .JPG is a suffix, too."""
    (tmp_path / "a" / "deep").mkdir(parents=True)
    Image.fromarray(PIXELS).save(tmp_path / "a" / "z.JPG", "JPEG")
    Image.fromarray(PIXELS).save(tmp_path / "a" / "deep" / "b.bmp")
    (tmp_path / "a" / "link").symlink_to(photos / "bees")
    how = {"shuffle": False, "verbose": False}
    assert names(image_dataset_from_directory(tmp_path, **how)) == ["z.JPG", "b.bmp"]
    assert len(names(image_dataset_from_directory(tmp_path, follow_links=True, **how))) == 6


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "broken.png").write_bytes(b"no image")
    dataset = image_dataset_from_directory(tmp_path, verbose=False)
    with pytest.raises(DataError, match=r"expected an image file. Received: path='.*broken.png'"):
        next(iter(dataset))


def test_training_on_images(photos):
    """`cache`, `shuffle` and `prefetch` after the batches, and a layer's numbers in `map`."""
    train, validation = image_dataset_from_directory(
        photos, validation_split=0.3, subset="both", seed=7, image_size=(2, 3), verbose=False
    )
    class_names, autotune = train.class_names, keras.data.AUTOTUNE
    train = train.cache().shuffle(1000).prefetch(buffer_size=autotune)
    model = keras.Sequential(
        [
            keras.Input((2, 3, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(len(class_names)),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    history = model.fit(train, validation_data=validation.cache(), epochs=2, verbose=0)
    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    for images, labels in train.take(1):
        assert images[0].numpy().astype("uint8").shape == (2, 3, 3)
        assert class_names[labels[0]] in ("ants", "bees")


@pytest.fixture(scope="module")
def reviews(tmp_path_factory):
    root = tmp_path_factory.mktemp("reviews")
    for name, text in (("neg", "bad movie"), ("pos", "höchst good")):
        (root / name).mkdir()
        for i in range(5):
            (root / name / f"{i}.txt").write_text(f"{text} {i}", encoding="utf-8")
    return root


def test_texts(reviews, capsys):
    """Oracle: TF."""
    how = {"validation_split": 0.2, "subset": "training", "seed": 3}
    dataset = text_dataset_from_directory(reviews, max_length=6, label_mode="binary", **how)
    expected = "Found 10 files belonging to 2 classes.\nUsing 8 files for training.\n"
    assert capsys.readouterr().out == expected
    rows = [row for batch in dataset for row in zip(*batch, strict=True)]
    got = sorted((text.numpy(), float(label[0])) for text, label in rows)
    assert got == [(b"bad mo", 0.0)] * 4 + [("höchs".encode(), 1.0)] * 4
    assert dataset.class_names == ["neg", "pos"]
    spec = TensorSpec((None,), "string"), TensorSpec((None, 1))
    assert dataset.element_spec == spec
    whole = text_dataset_from_directory(reviews, labels=None, shuffle=False, verbose=False)
    assert next(iter(whole))[9].numpy().decode() == "höchst good 4"


def test_training_on_texts(reviews):
    """Bytes are the texts that they encode: the same vocabulary and the same outputs."""
    how = {"shuffle": False, "batch_size": 4, "verbose": False}
    dataset = text_dataset_from_directory(reviews, **how)
    texts = [f"{text} {i}" for text in ("bad movie", "höchst good") for i in range(5)]
    core = layers.TextVectorization(output_sequence_length=3)
    adapted = core.adapt(np.concatenate([batch for batch, _ in dataset]))
    assert adapted == core.adapt(texts)
    assert "höchst" in adapted.get_vocabulary()
    model = keras.Sequential([adapted, keras.layers.Embedding(20, 2), keras.layers.Flatten()])
    model.add(keras.layers.Dense(1, "sigmoid"))
    model.compile("adam", "binary_crossentropy")
    history = model.fit(dataset, validation_data=dataset, epochs=2, verbose=0).history
    assert list(history) == ["loss", "val_loss"]
    predicted = model.predict(dataset, verbose=0)
    np.testing.assert_allclose(predicted, model.predict(texts, verbose=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"labels": "names"}, ConfigError, 'labels to be "inferred", None, or a label for each'),
        ({"label_mode": "one_hot"}, ConfigError, "label_mode to be one of 'int', 'categorical'"),
        ({"subset": "test"}, ConfigError, "subset to be one of 'training'"),
        ({"validation_split": 2.0, "subset": "both"}, ConfigError, "a float between 0 and 1"),
        ({"validation_split": 0.2}, ConfigError, "validation_split and subset together"),
        (
            {"validation_split": 0.2, "subset": "both"},
            ConfigError,
            "a seed, so that both subsets come from the same order.*For example seed=123",
        ),
        (
            {"validation_split": 0.01, "subset": "validation", "seed": 0},
            DataError,
            r"files that end in \.bmp, .*n=0",
        ),
        ({"class_names": ["wasps"]}, DataError, "class_names of folders: ants, bees"),
        ({"labels": None, "class_names": ["ants"]}, ConfigError, "class_names=None"),
        ({"labels": [1, 2]}, DataError, "an integer label for each of 10 files"),
        ({"class_names": ["ants"], "label_mode": "binary"}, DataError, "two classes"),
        ({"color_mode": "hsv"}, ConfigError, "one of grayscale, rgb, rgba"),
        ({"interpolation": "cubic"}, ConfigError, "Did you mean 'bicubic'"),
        ({"image_size": (3, 4, 5)}, ConfigError, r"image_size to be \(height, width\)"),
        ({"data_format": "first"}, ConfigError, "data_format='first'"),
        ({"format": "grain"}, ConfigError, 'format="tf"'),
        ({"size": (3, 4)}, ArgumentError, "image_size"),
        (
            {"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
            ConfigError,
            "crop_to_aspect_ratio or pad_to_aspect_ratio, not both",
        ),
    ],
)
def test_refused_options(photos, options, error, text):
    with pytest.raises(error, match=text):
        image_dataset_from_directory(photos, verbose=False, **options)


def test_refused_folders_and_lengths(photos, reviews):
    with pytest.raises(DataError, match=r"a folder that can be read.*no/such"):
        image_dataset_from_directory("no/such")
    with pytest.raises(ConfigError, match="max_length to be an int >= 1"):
        text_dataset_from_directory(reviews, max_length=0)
    with pytest.raises(ConfigError, match='format="tf"'):
        text_dataset_from_directory(reviews, format="grain")
