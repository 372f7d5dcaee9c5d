"""Where models are saved: not under another format's name, not onto a pipe, through links.

Oracle: the bytes and kinds of the files before and after, as the operating system shows them.
"""

import os
import stat
from pathlib import Path

import pytest
from crafted import small

import glassnet as gn
from glassnet import output_files
from glassnet.callbacks import CSVLogger, ModelCheckpoint, TensorBoard
from glassnet.errors import ConfigError, ModelFileError
from glassnet.storage.checkpoints import CheckpointFolder

FOREIGN = ["m.onnx", "m.h5", "m.keras", "m.pt", "m.pkl", "m.joblib", "m.pb", "m.tflite", "m.HDF5"]
OWN = ["m.glassnet", "m", "m.v2", "m.h5.glassnet", ".keras", "model.bin", "1.5"]


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "name", [*FOREIGN, "m.safetensors", "m.csv", "m.png", "m.tar.gz", "m.dat", "m.MMAP"]
)
def test_a_name_of_another_format_is_refused(name, tmp_path):
    with pytest.raises(ModelFileError, match=r"save: expected a file name for a model.*\.glassnet"):
        small().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", OWN)
def test_other_names_are_allowed(name, tmp_path):
    small().save(tmp_path / name)
    assert gn.load(tmp_path / name).count_params() > 0


@pytest.mark.parametrize("name", FOREIGN)
def test_weights_have_the_suffix_of_their_format(name):
    with pytest.raises(ModelFileError, match="save_weights: expected a file name for a model"):
        small().save_weights(name)
    small().save_weights("w.safetensors")
    assert os.listdir() == ["w.safetensors"]


@pytest.mark.parametrize("name", ["best.pkl", "runs/{epoch}.onnx", "{loss:.2f}.PT"])
def test_a_checkpoint_says_so_before_training(name):
    with pytest.raises(ConfigError, match="ModelCheckpoint: expected a file name for a model"):
        ModelCheckpoint(name)


def test_keras_suffixes_are_allowed_for_programs_written_for_keras():
    keras = gn.keras
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    for name in ("m.keras", "m.h5", "old.HDF5"):
        model.save(name)
        assert keras.models.load_model(name).count_params() == 3
        keras.callbacks.ModelCheckpoint(f"best-{name}")
    for name in ("m.weights.h5", "w.h5"):
        model.save_weights(name)
        model.load_weights(name)
        keras.callbacks.ModelCheckpoint(f"best-{name}", save_weights_only=True)
    with pytest.raises(ModelFileError, match="save: expected a file name for a model"):
        model.save("m.onnx")


@pytest.mark.parametrize("path", [5, None, b"m", ["m"]])
def test_what_is_no_path(path):
    with pytest.raises(
        ModelFileError, match=r"save: expected the path of a file\. Received: type="
    ):
        small().save(path)


class BrokenPath:
    """A path whose text is a number, or raises."""

    def __init__(self, text):
        self.text = text

    def __fspath__(self):
        return self.text()


def one_over_zero():
    return 1 / 0


OPENS = {
    "load": gn.load,
    "load_weights": lambda path: small().load_weights(path),
    "save": lambda path: small().save(path),
    "resume": CheckpointFolder,
    "CSVLogger": CSVLogger,
    "ModelCheckpoint": ModelCheckpoint,
    "TensorBoard": TensorBoard,
}


@pytest.mark.parametrize("what", OPENS)
def test_whatever_is_no_path_raises_our_error_everywhere(what):
    if what == "TensorBoard":
        pytest.importorskip("tensorboardX")
    handle = os.open(".", os.O_RDONLY)  # an open file that has the number of the path
    wrong = [handle, None, 1.5, ["m"], BrokenPath(lambda: 5), BrokenPath(one_over_zero)]
    wrong += [BrokenPath(lambda: b"m")] + [b"m"] * (what not in ("load", "load_weights"))
    for path in wrong:
        with pytest.raises((ConfigError, ModelFileError), match=f"^{what}: expected "):
            OPENS[what](path)
    os.close(handle)
    assert not os.listdir()


@pytest.mark.parametrize("path", ["a\0b", "x" * 5000, "y" * 300])
def test_a_folder_of_checkpoints_that_cannot_exist(path):
    with pytest.raises(ModelFileError, match="resume: expected a folder that can be written") as e:
        CheckpointFolder(path)
    assert len(str(e.value)) < 1_000


@pytest.mark.skipif(os.name == "nt", reason="makes a pipe")
def test_pipes_and_devices_are_not_replaced():
    os.mkfifo("pipe")
    os.symlink("/dev/null", "null")
    for name in ("pipe", "null"):
        mode = os.stat(name).st_mode
        with pytest.raises(ModelFileError, match="Cause: A pipe, a socket or a device is not a"):
            small().save(name)
        with pytest.raises(ConfigError, match="CSVLogger: expected a file that can be written"):
            CSVLogger(name).on_train_begin(("loss",))
        with pytest.raises(ConfigError, match="ModelCheckpoint: expected a file that can be wr"):
            ModelCheckpoint(name).on_train_begin(("loss",))
        assert os.stat(name).st_mode == mode
    assert sorted(os.listdir()) == ["null", "pipe"]


def test_links_are_written_through():
    Path("folder").mkdir()
    Path("folder/real").write_text("old")
    os.symlink("folder/real", "link")
    os.symlink("folder/new", "dangling")
    small().save("link")
    small().save("dangling")
    assert os.path.islink("link")
    assert os.path.islink("dangling")
    assert sorted(os.listdir("folder")) == ["new", "real"]
    assert gn.load("folder/real").count_params() == gn.load("folder/new").count_params() > 0


def test_a_loop_of_links():
    os.symlink("b", "a")
    os.symlink("a", "b")
    with pytest.raises(ModelFileError, match="Cause: Too many levels of symbolic links"):
        small().save("a")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_stay():
    """A private model stays private. A new file follows the umask."""
    small().save("m")
    usual = stat.S_IMODE(os.stat("m").st_mode)
    os.chmod("m", 0o600)
    small().save("m")
    small().save("other")
    assert stat.S_IMODE(os.stat("m").st_mode) == 0o600
    assert stat.S_IMODE(os.stat("other").st_mode) == usual


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everything")
def test_a_file_without_write_permission_is_not_replaced():
    small().save("m")
    os.chmod("m", 0o400)
    with pytest.raises(ModelFileError, match="Cause: Permission denied"):
        small().save("m")


@pytest.mark.parametrize("letters", [1, 240, 255])
def test_long_names(letters):
    small().save("n" * letters)
    assert os.listdir() == ["n" * letters]


def test_long_paths_are_shortened_in_messages():
    with pytest.raises(ModelFileError) as error:
        small().save("x" * 5000)
    assert len(str(error.value)) < 400
    with pytest.raises(ModelFileError) as error:
        gn.load("x" * 5000)
    assert len(str(error.value)) < 400


def test_one_file_by_two_names():
    Path("a").write_text("")
    os.link("a", "hard")
    os.symlink("a", "soft")
    for name in ("a", "./a", "hard", "soft", os.path.abspath("a")):
        assert output_files.find_same_file(name, ["none", "a"]) == "a"
    assert output_files.find_same_file("b", ["a", "x" * 5000, "a\0"]) is None
    assert output_files.is_same_file("new", "./new")


@pytest.mark.parametrize("content", ["my notes", "12\n34 x", "1" * 30])
def test_a_file_named_lock_is_not_overwritten(content):
    """A folder of checkpoints has a lock, which holds the id of a process."""
    Path("lock").write_text(content)
    with pytest.raises(ConfigError, match="resume: expected a folder without another file named"):
        CheckpointFolder(".")
    assert Path("lock").read_text() == content
    Path("lock").write_text("123\n")
    CheckpointFolder(".").close()
    assert Path("lock").read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize(
    "first", ["a,b\n1,2\n", "name\nepoch\n", "epoch_ms,price\n", "\x89PNG\r\n"]
)
def test_a_log_does_not_overwrite_what_is_no_log(first):
    Path("t.csv").write_bytes(first.encode())
    with pytest.raises(ConfigError, match="CSVLogger: expected a new file, or a log of epochs"):
        CSVLogger("t.csv").on_train_begin(("loss",))
    assert Path("t.csv").read_bytes() == first.encode()
    for log in ("epoch,loss\n0,1\n", "epoch;loss\n", ""):
        Path("log.csv").write_text(log)
        CSVLogger("log.csv").on_train_begin(("loss",))
