"""Labs in Keras's styles, run here and on Keras.

Oracle: Keras on the same text (5). Start, shapes and inputs are equal; what training reaches is
random, and has the same bound in both.
"""

import importlib
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from glassnet import keras
from oracles import import_keras

pytestmark = [pytest.mark.slow, pytest.mark.live_keras]

LABS = Path(__file__).parents[2] / "labs"


def run_lab(name, first_line=None, expected_warning=None):
    """Run a lab, with another first import if there is one, and return its globals.

    `expected_warning` is the start of the only warning that Glassnet may give.
    """
    path = LABS / name
    text = path.read_text()
    if first_line:
        ours = "from glassnet import keras  # run on Keras: import keras"
        assert text.count(ours) == 1
        text = text.replace(ours, first_line)
    result = {"__name__": "lab"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore" if first_line else "error")  # Keras warns of its own code
        if expected_warning:
            warnings.filterwarnings("ignore", message=expected_warning)
        exec(compile(text, str(path), "exec"), result)
    return result


def make_batches(live, x, y, batch_size):
    """Return batches of arrays for Keras."""

    class Batches(live.utils.PyDataset):
        def __len__(self):
            return -(-len(x) // batch_size)

        def __getitem__(self, i):
            if i >= len(self):
                raise IndexError(i)
            rows = slice(i * batch_size, (i + 1) * batch_size)
            return x[rows], y[rows]

    return Batches()


def windows_by_numpy(live):
    """Return a function like timeseries_dataset_from_array, which in Keras needs TensorFlow."""

    def timeseries_dataset_from_array(data, targets, sequence_length, batch_size):
        views = np.lib.stride_tricks.sliding_window_view(data, sequence_length, axis=0)
        return make_batches(live, views.swapaxes(1, 2)[: len(targets)], targets, batch_size)

    return timeseries_dataset_from_array


def images_by_pillow(live):
    """Return a function like image_dataset_from_directory, which in Keras needs TensorFlow.

    It is for files that have the image size; shuffling is NumPy's.
    """

    def image_dataset_from_directory(folder, color_mode, image_size, batch_size, shuffle, seed):
        assert color_mode == "grayscale"
        paths = sorted(folder.rglob("*.png"))
        x = np.stack([np.asarray(Image.open(path), "float32")[..., None] for path in paths])
        assert x.shape[1:3] == image_size
        y = np.array([int(path.parent.name) for path in paths])
        order = np.random.default_rng(seed).permutation(len(x)) if shuffle else np.arange(len(x))
        return make_batches(live, x[order], y[order], batch_size)

    return image_dataset_from_directory


def add_names_of_keras2(live, patch):
    """Give Keras 3 what the lab needs of Keras 2."""
    old = importlib.import_module("keras._tf_keras.keras.preprocessing.image")
    adam = live.optimizers.Adam
    modules = SimpleNamespace(image=SimpleNamespace(ImageDataGenerator=old.ImageDataGenerator))
    patch.setattr(live, "preprocessing", modules)
    names = SimpleNamespace(to_categorical=live.utils.to_categorical)
    patch.setattr(live.utils, "np_utils", names, raising=False)
    patch.setattr(live.optimizers, "Adam", lambda lr: adam(learning_rate=lr))
    patch.setattr(live.Sequential, "fit_generator", live.Sequential.fit, raising=False)


@pytest.fixture(scope="module")
def real_data():
    """Make the loaders read the real data beside the repository, if the loader's file is there."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data not found at {folder}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLASSNET_DATA_HOME", str(folder))
        yield


@pytest.fixture(scope="module")
def functional():
    import_keras()
    return run_lab("keras_functional.py"), run_lab("keras_functional.py", "import keras")


@pytest.fixture(scope="module")
def sequences(real_data):
    live = import_keras()
    with pytest.MonkeyPatch.context() as patch:
        name = "timeseries_dataset_from_array"
        patch.setattr(live.utils, name, windows_by_numpy(live), raising=False)
        theirs = run_lab("keras_sequences.py", "import keras")
    return run_lab("keras_sequences.py"), theirs


@pytest.fixture(scope="module")
def keras2():
    live = import_keras()
    with pytest.MonkeyPatch.context() as patch:
        add_names_of_keras2(live, patch)
        theirs = run_lab("keras2_digits.py", "import keras")
    return run_lab("keras2_digits.py", expected_warning="lr= is an argument of Keras 2"), theirs


@pytest.fixture(scope="module")
def images():
    live = import_keras()
    with pytest.MonkeyPatch.context() as patch:
        name = "image_dataset_from_directory"
        patch.setattr(live.utils, name, images_by_pillow(live), raising=False)
        theirs = run_lab("keras_images.py", "import keras")
    return run_lab("keras_images.py"), theirs


@pytest.fixture(scope="module")
def callbacks():
    import_keras()
    theirs = run_lab("keras_callbacks.py", "import keras")
    return run_lab("keras_callbacks.py", expected_warning="A callback has hooks"), theirs


def test_the_same_network_before_training(functional):
    ours, theirs = functional
    assert ours["keras"] is keras
    assert theirs["keras"] is not keras
    np.testing.assert_allclose(ours["scaled"], theirs["scaled"], atol=1e-4)
    for lab in functional:
        assert lab["model"].count_params() == 30 * 16 + 16 + 16 * 16 + 16 + 46 + 1 + 61
        assert lab["model"].output_shape == (None, 1)
        assert lab["start"] == pytest.approx(lab["share"], abs=1e-6)
        assert lab["start_loss"] == pytest.approx(lab["entropy"], abs=1e-2)
    assert ours["start_loss"] == pytest.approx(theirs["start_loss"], abs=1e-5)


def test_tumours_are_recognized(functional):
    """Goal: 0.93 of the test rows. Measured here and on Keras: 0.965 each."""
    for lab in functional:
        assert lab["accuracy"] >= 0.93
        assert lab["difference"] < 1e-5
        assert lab["kernel"].shape == (46,)
        assert np.abs(lab["kernel"]).max() > 0.005


def test_the_same_windows_and_rows(sequences):
    ours, theirs = sequences
    assert [tuple(map(tuple, shapes)) for shapes in ours["shapes"]] == theirs["shapes"]
    np.testing.assert_array_equal(ours["x"], theirs["x"])
    np.testing.assert_array_equal(ours["x_test"], theirs["x_test"])


def test_histories_of_any_length(sequences):
    """Goal: the growth of the last month from 12, 24 and 60 months, within 0.1.

    Measured: 0.03 in both.
    """
    for lab in sequences:
        assert lab["losses"][-1] < lab["losses"][0] / 2
        truth = lab["growth"][-1]
        assert all(abs(forecast - truth) < 0.1 for forecast in lab["forecasts"].values())


def test_padding_changes_nothing(sequences):
    for lab in sequences:
        assert lab["accuracy"] >= 0.9
        assert lab["difference"] < 1e-5


@pytest.mark.filterwarnings("ignore:Please import:DeprecationWarning")  # in Keras
def test_the_same_batches_and_networks_in_keras2_style(keras2):
    ours, theirs = keras2
    assert ours["keras"] is keras
    assert theirs["keras"] is not keras
    np.testing.assert_array_equal(ours["y"], theirs["y"])
    np.testing.assert_array_equal(ours["shifted_test"], theirs["shifted_test"])
    batches = []
    for lab in keras2:
        flow = lab["shifting"].flow(lab["images"], lab["y"], batch_size=32, seed=1)
        batches += [flow[0], flow[44]]
        assert len(lab["shifted"]) == 45
        assert lab["plain"].count_params() == 64 * 64 + 64 + 64 * 10 + 10
        assert set(lab["plain_history"].history) == {"loss", "accuracy"}
        names = {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert set(lab["robust_history"].history) == names
        assert len(lab["robust_history"].history["loss"]) == lab["EPOCHS"]
    for got, want in zip(batches[:2], batches[2:], strict=True):
        np.testing.assert_array_equal(got[0], want[0])
        np.testing.assert_array_equal(got[1], want[1])


def test_shifted_copies_teach_shifted_digits(keras2):
    """Goal: at least 0.9 of shifted test digits, and 0.3 more than without the copies.

    Measured here: 0.950 and 0.423; on Keras: 0.942 and 0.401.
    """
    for lab in keras2:
        accuracies = lab["accuracies"]
        assert accuracies["as they are"][0] >= 0.93
        assert accuracies["shifted"][1] >= 0.9
        assert accuracies["shifted"][1] - accuracies["as they are"][1] >= 0.3


def test_the_same_images_from_folders(images):
    ours, theirs = images
    np.testing.assert_array_equal(ours["x"], theirs["x"])
    np.testing.assert_array_equal(ours["y"], theirs["y"])
    for lab in images:
        assert lab["sizes"] == {"train": 1000, "validation": 438, "test": 359}
        assert lab["model"].count_params() == 160 + 2320 + 2570
        assert [layer.name for layer in lab["model"].layers][1] == "augment"
        assert lab["unchanged"] == 0
        assert lab["changed"] > 10
        assert set(lab["history"]) == {"loss", "accuracy", "val_loss", "val_accuracy"}


def test_the_best_epoch_is_in_the_file(images):
    """Goal: 0.93 of the test images. Measured here: 0.98."""
    for lab in images:
        assert lab["accuracy"] >= 0.93
        assert lab["loaded_loss"] == pytest.approx(lab["loss"], abs=1e-5)
        assert lab["epochs"] <= lab["EPOCHS"]


def test_the_learning_rate_is_raised_by_batch(callbacks):
    ours, theirs = (lab["search"].rates for lab in callbacks)
    assert len(ours) == 75
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(ours, 1e-4 * 1.13 ** np.arange(75), rtol=1e-4)


def test_rates_fall_as_the_callbacks_say(callbacks):
    """Each lab has its own rate from the search; relative to it, the schedule is the same."""
    for lab in callbacks:
        by_epoch, plateau = (np.array(rates) / lab["rate"] for rates in lab["rates"].values())
        np.testing.assert_allclose(by_epoch, 0.95 ** np.arange(len(by_epoch)), rtol=1e-4)
        halvings = -np.log2(plateau)
        np.testing.assert_allclose(halvings, halvings.round(), atol=1e-4)
        assert (np.diff(halvings) > -1e-4).all()
        assert min(lab["accuracies"].values()) >= 0.85


def test_dropout_shows_doubt(callbacks):
    """Goal: twice the spread in the ten rows nearest to 0.5, and some in the others.

    Measured here: 2.4 times; on Keras: 4.3 times.
    """
    for lab in callbacks:
        assert lab["difference"] < 1e-6
        assert lab["passes"].shape == (100, 100, 1)
        assert lab["doubtful"] > 2 * lab["sure"] > 0
