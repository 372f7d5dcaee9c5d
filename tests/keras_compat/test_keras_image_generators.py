"""ImageDataGenerator. Oracle: Keras 2's, which Keras 3 still has: the same seed, the same batches."""

import importlib

import numpy as np
import pytest
from glassnet.keras.preprocessing.image import ImageDataGenerator
from PIL import Image

from glassnet import keras
from glassnet.errors import ConfigError, DataError
from oracles import close, import_keras

RNG = np.random.default_rng(0)
X = RNG.uniform(0, 255, (10, 8, 8, 3)).astype(np.float32)
Y = np.arange(10) % 2

pytestmark = pytest.mark.filterwarnings("ignore:Please (import|use):DeprecationWarning")
"""Keras imports from a place in SciPy that is deprecated."""

GENERATORS = {
    "nothing": {},
    "mirrored": {"rescale": 1 / 255, "horizontal_flip": True, "vertical_flip": True},
    "affine": {
        "rotation_range": 40,
        "width_shift_range": 0.2,
        "height_shift_range": 0.2,
        "shear_range": 20,
        "zoom_range": 0.2,
    },
    "pixels": {"width_shift_range": 3, "height_shift_range": 3, "fill_mode": "constant"},
    "list": {"width_shift_range": [-2, 1], "height_shift_range": [-2, 1], "cval": 9.0},
    "zoomed": {"zoom_range": [0.5, 1], "fill_mode": "reflect"},
    "nearest": {"rotation_range": 90, "interpolation_order": 0, "fill_mode": "wrap"},
    "shifted channels": {"channel_shift_range": 50},
    "brightness": {"brightness_range": [0.2, 1.5]},
    "brightness of other numbers": {"brightness_range": (0.5, 0.9), "preprocessing_function": None},
    "samplewise": {"samplewise_center": True, "samplewise_std_normalization": True},
    "featurewise": {"featurewise_center": True, "featurewise_std_normalization": True},
    "function": {"preprocessing_function": lambda image: image[::-1] / 2},
}


@pytest.fixture(scope="module")
def old():
    import_keras()
    return importlib.import_module("keras._tf_keras.keras.preprocessing.image")


def same(ours, theirs):
    for got, want in zip(ours, theirs, strict=True):
        assert (got.dtype, got.shape) == (want.dtype, want.shape)
        np.testing.assert_array_equal(got, want)


@pytest.mark.live_keras
@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize(
    "options", [{"seed": 3, "batch_size": 4}, {"seed": 1, "shuffle": False, "batch_size": 3}]
)
def test_batches_of_an_array(old, name, options):
    """Both orders of reading: `next`, and by number with `on_epoch_end`, over two epochs."""
    x = X - 100 if name == "brightness of other numbers" else X
    iterators = []
    for make in (ImageDataGenerator, old.ImageDataGenerator):
        generator = make(**GENERATORS[name])
        generator.fit(x)
        iterators.append(generator.flow(x, Y, **options))
    assert len(iterators[0]) == len(iterators[1])
    for _ in range(5):
        same(*map(next, iterators))
    for _ in range(2):
        for i in range(len(iterators[0])):
            same(*(iterator[i] for iterator in iterators))
        for iterator in iterators:
            iterator.on_epoch_end()
            iterator.reset()


@pytest.mark.live_keras
def test_without_a_seed_numpys_global_generator_is_used(old):
    batches = []
    for make in (ImageDataGenerator, old.ImageDataGenerator):
        np.random.seed(5)  # noqa: NPY002
        iterator = make(rotation_range=20).flow(X, Y, batch_size=5)
        batches.append([next(iterator) for _ in range(3)])
    for ours, theirs in zip(*batches, strict=True):
        same(ours, theirs)


@pytest.mark.live_keras
def test_subsets_and_weights(old):
    """Keras takes the weights of the first images for both subsets; ours are of the same images."""
    for subset in ("training", "validation"):
        ours, theirs = (
            make(validation_split=0.4).flow(
                X, Y, subset=subset, sample_weight=np.arange(10.0), shuffle=False
            )
            for make in (ImageDataGenerator, old.ImageDataGenerator)
        )
        assert ours.n == theirs.n == (6 if subset == "training" else 4)
        batch = next(ours)
        same(batch[:2], next(theirs)[:2])
        np.testing.assert_array_equal(batch[2], range(4, 10) if subset == "training" else range(4))


@pytest.mark.live_keras
def test_statistics_of_changed_images(old):
    generators = [
        make(featurewise_std_normalization=True, featurewise_center=True, rotation_range=20)
        for make in (ImageDataGenerator, old.ImageDataGenerator)
    ]
    for generator in generators:
        generator.fit(X, augment=True, rounds=2, seed=4)
    close(generators[0].mean, generators[1].mean)
    close(generators[0].std, generators[1].std)
    assert generators[0].mean.shape == (1, 1, 3)
    same(*([each.random_transform(X[0], seed=2)] for each in generators))


def center_of(image):
    """Return the (row, column) of the only pixel that is not 0."""
    ((row, column),) = np.argwhere(image[..., 0] > 0.5)
    return row, column


@pytest.mark.parametrize("size", [(9, 9), (9, 15)])
def test_shifts_are_along_the_axis_that_they_are_named_after(size):
    """Oracle: the positions of a pixel. Keras 3's own code shifts the other axis.

    0.2 of 15 columns is 3 pixels, 0.2 of 9 rows is 1.8, which is 1 where a pixel keeps over half.
    """
    image = np.zeros((*size, 1), np.float32)
    image[4, 5] = 1
    across = ImageDataGenerator(width_shift_range=[-3, 3], fill_mode="constant")
    down = ImageDataGenerator(height_shift_range=[-2, 2], fill_mode="constant")
    moved = [center_of(across.random_transform(image, seed)) for seed in range(20)]
    assert set(moved) == {(4, 2), (4, 8)}
    moved = [center_of(down.random_transform(image, seed)) for seed in range(20)]
    assert set(moved) == {(2, 5), (6, 5)}
    drawn = [
        ImageDataGenerator(width_shift_range=0.2).get_random_transform(image.shape, seed)["tx"]
        for seed in range(200)
    ]
    assert -0.2 * size[1] <= min(drawn) < -0.19 * size[1]
    assert 0.19 * size[1] < max(drawn) <= 0.2 * size[1]


def test_images_turn_about_their_center():
    """Oracle: by hand. A quarter turn of a 5 x 9 image leaves its center at (2, 4)."""
    image = np.zeros((5, 9, 1), np.float32)
    image[2, 4] = 1
    turned = ImageDataGenerator().apply_transform(image, {"theta": 90})
    assert center_of(turned) == (2, 4)
    image[2, 4], image[2, 6] = 0, 1
    turned = ImageDataGenerator(fill_mode="constant").apply_transform(image, {"theta": 90})
    assert center_of(turned) in ((0, 4), (4, 4))


def test_half_of_the_images_are_mirrored():
    """Of 400 images, 200 +- 40 are mirrored: four standard deviations."""
    generator = ImageDataGenerator(horizontal_flip=True)
    image = np.arange(2.0, dtype=np.float32).reshape(1, 2, 1)
    flips = [generator.random_transform(image, seed)[0, 0, 0] == 1 for seed in range(400)]
    assert 160 < sum(flips) < 240


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two folders of images of different sizes, one with a folder inside and another file."""
    root = tmp_path_factory.mktemp("photos")
    rng = np.random.default_rng(1)
    for name, count in (("dogs", 5), ("cats", 4)):
        (root / name / "more").mkdir(parents=True)
        for i in range(count):
            path = root / name / ("more" if i == 1 else "") / f"{i}.{'jpg' if i % 2 else 'PNG'}"
            Image.fromarray(rng.integers(0, 255, (6 + i, 9, 3)).astype(np.uint8)).save(path)
    (root / "cats" / "notes.txt").write_text("not an image")
    (root / "README").write_text("not a folder")
    return root


@pytest.mark.live_keras
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_mode": "binary", "color_mode": "grayscale", "target_size": (5, 4)},
        {"class_mode": "sparse", "classes": ["dogs", "cats"], "color_mode": "rgba"},
        {"class_mode": "input", "interpolation": "bilinear", "keep_aspect_ratio": True},
        {"class_mode": None, "subset": "training"},
        {"subset": "validation", "shuffle": False},
    ],
)
def test_batches_of_a_folder(old, photos, options, capsys):
    iterators = [
        make(rescale=1 / 255, horizontal_flip=True, validation_split=0.4).flow_from_directory(
            photos, **{"target_size": (6, 6), "batch_size": 3, "seed": 2} | options
        )
        for make in (ImageDataGenerator, old.ImageDataGenerator)
    ]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[1].strip()
    assert lines[0].endswith("images belonging to 2 classes.")
    ours, theirs = iterators
    names = "filenames class_indices samples n num_classes batch_size image_shape class_mode"
    for name in (*names.split(), "target_size", "color_mode", "directory", "filepaths"):
        assert getattr(ours, name) == getattr(theirs, name), name
    np.testing.assert_array_equal(ours.classes, theirs.classes)
    np.testing.assert_array_equal(ours.labels, theirs.labels)
    for _ in range(4):
        batches = [next(iterator) for iterator in iterators]
        batches = [batch if isinstance(batch, tuple) else (batch,) for batch in batches]
        same(*batches)


@pytest.fixture
def frame(photos):
    """A frame of the files, with labels and targets, and two rows that have no image."""
    pandas = pytest.importorskip("pandas")
    names = sorted(str(path.relative_to(photos)) for path in photos.rglob("*.*") if path.is_file())
    names = ["cats/missing.png", *names]  # cats/notes.txt is no image
    labels = [name.split("/")[0] for name in names]
    return pandas.DataFrame(
        {
            "filename": names,
            "class": labels,
            "weight": np.arange(len(names)) / 2,
            "a": np.arange(len(names)),
            "b": -1.5,
            "tags": [[label, "pet"] for label in labels],
        }
    )


@pytest.mark.live_keras
@pytest.mark.filterwarnings("ignore:Found 2 invalid", "ignore:2 rows have no image file")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"class_mode": "binary", "weight_col": "weight", "subset": "training"},
        {"class_mode": "sparse", "classes": ["dogs"], "subset": "validation"},
        {"class_mode": "raw", "y_col": ["a", "b"]},
        {"class_mode": "raw", "y_col": "a", "shuffle": False},
        {"class_mode": "input"},
        {"class_mode": None},
        {"y_col": "tags", "classes": ["pet", "cats"]},
    ],
)
def test_batches_of_a_frame(old, photos, frame, options, capsys):
    iterators = [
        make(rescale=1 / 255, vertical_flip=True, validation_split=0.4).flow_from_dataframe(
            frame, photos, **{"target_size": (6, 6), "batch_size": 3, "seed": 2} | options
        )
        for make in (ImageDataGenerator, old.ImageDataGenerator)
    ]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == lines[1].strip()
    ours, theirs = iterators
    assert ours.filenames == theirs.filenames
    assert ours.samples == theirs.samples == ours.n
    if options.get("class_mode", "categorical") in ("categorical", "binary", "sparse"):
        assert ours.class_indices == theirs.class_indices
        assert ours.classes == theirs.classes
    for _ in range(4):
        batches = [next(iterator) for iterator in iterators]
        same(*(batch if isinstance(batch, tuple) else (batch,) for batch in batches))


def test_errors_of_a_frame(photos, frame):
    flow = ImageDataGenerator().flow_from_dataframe
    with pytest.warns(
        UserWarning, match=r"2 rows have no image file in column 'filename', such as"
    ):
        flow(frame, photos)
    with (
        pytest.raises(DataError, match=r"labels that are texts.*\.astype\(str\)"),
        pytest.warns(UserWarning, match="2 rows"),
    ):
        flow(frame, photos, y_col="a", class_mode="sparse")
    with (
        pytest.raises(DataError, match=r"two classes for class_mode='binary'.*classes=\['dogs'\]"),
        pytest.warns(UserWarning, match="2 rows"),
    ):
        flow(frame, photos, classes=["dogs"], class_mode="binary")
    with pytest.raises(ConfigError, match="class_mode to be one of categorical, binary"):
        flow(frame, photos, class_mode="multi_output")


def test_a_model_is_fitted_to_a_folder(photos, capsys):
    make = ImageDataGenerator(rescale=1 / 255, validation_split=0.4).flow_from_directory
    options = {"target_size": (6, 6), "batch_size": 3, "class_mode": "binary"}
    train = make(photos, subset="training", **options)
    validation = make(photos, subset="validation", shuffle=False, **options)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros"),
        ]
    )
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(
        train,
        steps_per_epoch=train.samples // train.batch_size,
        epochs=2,
        validation_data=validation,
        validation_steps=len(validation),
        verbose=0,
    )
    assert len(history.history["val_loss"]) == 2
    validation.reset()
    scores = model.evaluate(validation, verbose=0)
    rows = np.concatenate([validation[i][0] for i in range(len(validation))])
    close(model.predict(validation, verbose=0), model.predict(rows, verbose=0))
    close(scores, model.evaluate(rows, validation.classes, verbose=0))


def test_a_model_is_fitted_to_an_array_without_steps():
    """Without steps_per_epoch, an epoch has all images once: 10 rows in 3 batches."""
    counts = []
    generator = ImageDataGenerator(
        preprocessing_function=lambda image: counts.append(1) or image, rescale=0.01
    )
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    flow = generator.flow(X, Y, batch_size=4)
    assert len(model.fit(flow, epochs=3, verbose=0).epoch) == 3
    assert len(counts) in (30, 34, 40)  # the first batch may be read for its shape
    assert len(flow) == 3


def test_images_are_saved(tmp_path):
    flow = ImageDataGenerator().flow(
        X, batch_size=4, shuffle=False, save_to_dir=tmp_path, save_prefix="new", seed=0
    )
    flow.next()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert [name.rsplit("_", 1)[0] for name in names] == [f"new_{i}" for i in range(4)]
    with Image.open(tmp_path / names[0]) as image:
        assert image.size == (8, 8)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda make: make(zca_whitening=True), ConfigError, r"sklearn\.decomposition\.PCA"),
        (lambda make: make(data_format="channels_first"), ConfigError, r"np\.moveaxis"),
        (lambda make: make(fill_mode="mirror"), ConfigError, "fill_mode: expected one of nearest"),
        (lambda make: make(validation_split=1.0), ConfigError, "from 0 to below 1"),
        (lambda make: make(rotation_range="40"), ConfigError, "rotation_range to be a number"),
        (lambda make: make(zoom_range=[1]), ConfigError, r"zoom_range to be \(lowest, highest\)"),
        (lambda make: make(brightness_range=0.5), ConfigError, r"brightness_range to be \(low"),
        (lambda make: make().fit(X[0]), DataError, r"images \(n, height, width, channels\)"),
        (lambda make: make().fit(X, True, 0), ConfigError, "rounds to be an int >= 1"),
        (lambda make: make().flow(X[..., 0]), DataError, r"Write x\[\.\.\., None\]"),
        (lambda make: make().flow(X, Y[1:]), DataError, r"y to have one entry.*entries=9"),
        (lambda make: make().flow(X, batch_size=0), ConfigError, "batch_size to be an int >= 1"),
        (lambda make: make().flow(X, seed=-1), ConfigError, "seed to be an int >= 0 or None"),
        (lambda make: make().flow(X, subset="test"), ConfigError, "subset: expected one of train"),
        (
            lambda make: make(validation_split=0.5).flow(X, np.sort(Y), subset="training"),
            DataError,
            "Shuffle the rows first, or pass ignore_class_split=True",
        ),
        (lambda make: make().flow(X)[1], IndexError, r"There are 1 batches\. Received: index=1"),
        (lambda make: next(make().flow(X[:0])), DataError, "expected at least one image"),
        (
            lambda make: make().flow_from_directory(".", class_mode="one"),
            ConfigError,
            "class_mode to be one of categorical, binary, sparse, input, None",
        ),
        (
            lambda make: make().flow_from_directory(".", target_size=(0, 3)),
            ConfigError,
            r"target_size to be \(height, width\)",
        ),
        (
            lambda make: make().flow_from_directory(".", subset="test"),
            ConfigError,
            "subset: expected one of training, validation",
        ),
        (lambda make: make().flow_from_directory("nothing"), FileNotFoundError, "nothing"),
    ],
)
def test_errors(call, error, words):
    with pytest.raises(error, match=words):
        call(ImageDataGenerator)


def test_a_generator_that_is_not_fitted_warns():
    with pytest.warns(UserWarning, match=r"the mean is not known\. Call fit\(x\) first\."):
        next(ImageDataGenerator(featurewise_center=True).flow(X))
