"""The checkpoints of a run, and damaged ones."""

import errno
import json
import os
import shutil
import weakref
from dataclasses import dataclass

import jax
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import glassnet as gn
from glassnet.callbacks import LambdaCallback
from glassnet.engine import loop
from glassnet.engine.epoch_runner import SlicePacer
from glassnet.errors import DataWarning, ModelFileError
from glassnet.layers import Dense, Layer
from glassnet.storage import atomic_write, checkpoints, model_file
from glassnet.training import resume
from lives import files
from nets import SPARSE, X, Y, noisy_model, plain_model, same_bits
from three_epochs import fit

pytestmark = pytest.mark.usefixtures("no_thread_stays")


def test_the_newest_two_are_kept(tmp_path):
    seen = []

    def look(epoch, logs):
        seen.append([path.name for path in files(tmp_path)])

    fit(tmp_path, epochs=4, callbacks=LambdaCallback(look))
    name = "checkpoint-{:06d}-{:09d}.glassnet".format
    assert seen == [
        [name(0, 0)],
        [name(1, 5), name(0, 0)],
        [name(2, 10), name(1, 5)],
        [name(3, 15), name(2, 10)],
    ]
    assert [path.name for path in files(tmp_path)] == [name(4, 20), name(3, 15)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [name(3, 15), name(4, 20), "lock"]


def test_within_an_epoch_they_are_written_by_the_clock(tmp_path, monkeypatch):
    """After every slice, a checkpoint is written if the newest one is old enough."""
    written, write = [], checkpoints.CheckpointFolder.write
    monkeypatch.setattr(SlicePacer, "slice_steps", 1)
    monkeypatch.setattr(
        checkpoints.CheckpointFolder,
        "write",
        lambda self, *args: (written.append(args[:2]), write(self, *args)),
    )
    fit(tmp_path / "a", epochs=1)
    assert written == [(0, 0), (1, 5)]
    monkeypatch.setattr(resume, "CHECKPOINT_SECONDS", -1.0)
    written.clear()
    fit(tmp_path / "b", epochs=2)
    assert written == [(0, 0), (0, 1), (0, 3), (1, 5), (1, 7), (1, 9), (2, 10)]


def test_a_checkpoint_is_a_model(killed):
    """`gn.load` reads a checkpoint written within an epoch, and the run continues with that model."""
    model = gn.load(files(killed)[0])
    assert (model.epoch, model._step) == (2, 12)
    assert model.history.epoch == [0, 1]
    uninterrupted, _ = fit(killed)
    _, log = fit(killed, model=model)
    assert same_bits(uninterrupted, model)
    assert log.epoch == [0, 1, 2]


def test_a_checkpoint_trains_on_without_its_run(killed):
    model = gn.load(files(killed)[0])
    model.fit(X, Y, batch_size=8, verbose=0)
    assert (model.epoch, model._step) == (3, 17)


@dataclass(frozen=True)
class Twice(Layer):
    def __call__(self, params, x):
        return 2 * x


def test_a_custom_layer_is_given_to_load_alone(tmp_path):
    """A run that is resumed knows its layers."""

    def model():
        model = gn.Sequential([Twice(), Dense(3, activation="softmax")], seed=0)
        model.compile("sgd", SPARSE)
        return model

    fit(tmp_path, model)
    with pytest.raises(ModelFileError, match=r"Pass custom_objects=\{'Twice': ...\}"):
        gn.load(files(tmp_path)[0])
    again = gn.load(files(tmp_path)[0], custom_objects={"Twice": Twice})
    fit(tmp_path, again, epochs=4)
    assert again.epoch == 4


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def flipped(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def bit_of_an_array(path):
    flipped(path, -50)


def word(path, old, new):
    data = path.read_bytes()
    assert data.count(old) >= 1, old
    path.write_bytes(data.replace(old, new, 1))


def rate(path):
    word(path, rb"\"rate\":0.1", rb"\"rate\":0.2")


def loss(path):
    word(path, rb"\"loss\":[1.", rb"\"loss\":[0.")


def mark(path):
    at = path.read_bytes().index(b'mark\\":\\"')
    flipped(path, at + 12)


def name_of_an_array(path):
    word(path, b'"dense_1/bias"', b'"dense_1/bjas"')


def newer(path):
    word(path, rb"\"format\":1", rb"\"format\":7")


def foreign(path):
    save_file({"a": np.zeros(3)}, path)


def other_metadata(path):
    save_file(load_file(path), path, {"glassnet": "[]"})


def a_model(path):
    gn.load(path).save(path)


def text(path):
    path.write_text("hello")


def folder(path):
    path.unlink()
    path.mkdir()


DAMAGES = {
    cut: "expected a safetensors file. .* The file is damaged or of another kind",
    empty: "expected a safetensors file",
    text: "expected a safetensors file",
    folder: "expected a file that exists",
    bit_of_an_array: "expected an undamaged checkpoint",
    rate: "expected an undamaged checkpoint",
    loss: "expected an undamaged checkpoint",
    mark: "expected an undamaged checkpoint",
    name_of_an_array: "expected an undamaged checkpoint",
    newer: "expected a file of format 1 or lower. Received: format=7. It was written by Glassnet",
    foreign: "expected a file that model.save wrote. .* It contains arrays but no model",
    other_metadata: "expected an integer >= 1 as format",
    a_model: "expected a checkpoint of a run",
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_one_is_said_and_passed_over(damage, killed, uninterrupted):
    """The run continues from the previous checkpoint with the same result; the damaged one is
    replaced.
    """
    newest, before = files(killed)
    damage(newest)
    message = rf"{newest.name}: .*{DAMAGES[damage]}.* Resuming from {before.name}\."
    if damage is folder:
        newest.rmdir()
        model, _ = fit(killed)
    else:
        with pytest.warns(DataWarning, match=message):
            model, _ = fit(killed)
    assert same_bits(model, uninterrupted)
    assert len([path for path in files(killed) if sound(path)]) == 2


def sound(path):
    try:
        return bool(model_file.read_run(path))
    except ModelFileError:
        return False


def test_one_under_another_name(killed, uninterrupted):
    """A checkpoint under a name that counts as newer is refused."""
    newest = files(killed)[0]
    newest.rename(killed / "checkpoint-000090-000000900.glassnet")
    with pytest.warns(
        DataWarning,
        match=f"checkpoint-000090.*expected the original file name, {newest.name}",
    ):
        model, _ = fit(killed)
    assert same_bits(model, uninterrupted)
    assert len([path for path in files(killed) if sound(path)]) == 3
    with pytest.warns(DataWarning, match="Resuming from checkpoint-000003-000000015"):
        fit(killed)


def test_all_of_them_damaged(killed):
    for path in files(killed):
        cut(path)
    message = r"resume: expected a readable checkpoint. Received: problems=\[.checkpoint-.*checkpoint-.*Delete the folder to start a new run\."
    with pytest.raises(ModelFileError, match=message):
        fit(killed)
    shutil.rmtree(killed)
    fit(killed)


def test_no_bit_can_change_unseen(killed, tmp_path_factory):
    """Changing any byte gives an error, or does not change what is read."""
    path, data = files(killed)[0], files(killed)[0].read_bytes()
    bent = tmp_path_factory.mktemp("bent") / path.name
    right = model_file.read_run(path)
    seen = 0
    for place in range(0, len(data), 41):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        bent.write_bytes(changed)
        try:
            result = model_file.read_run(bent)
        except ModelFileError:
            seen += 1
            continue
        assert result._replace(arrays={}) == right._replace(arrays={})
        assert jax.tree.all(jax.tree.map(np.array_equal, result.arrays, right.arrays))
    assert seen > len(data) / 41 * 0.9


def test_what_an_earlier_death_left_is_cleared(killed):
    part = killed / ".checkpoint-000001-000000005.glassnet.1-2.part"
    part.write_text("half")
    (killed / "notes.txt").write_text("mine")
    fit(killed)
    assert not part.exists()
    assert (killed / "notes.txt").read_text() == "mine"


def full(code, at):
    """Return a failpoint that raises an OSError at one point of writing a file."""

    def reached(point):
        if point == at:
            raise OSError(code, os.strerror(code))

    return reached


@pytest.mark.parametrize("at", ["write", "half", "fsync", "rename", "fsync folder"])
@pytest.mark.parametrize("slices", [False, True])
def test_a_full_disk_ends_the_run_and_no_more(at, slices, tmp_path, monkeypatch, uninterrupted):
    """Earlier checkpoints stay valid, no partial file remains, and the run continues once there is
    space.
    """
    monkeypatch.setattr(SlicePacer, "slice_steps", 1)
    monkeypatch.setattr(resume, "CHECKPOINT_SECONDS", -1.0 if slices else 30.0)
    count, write = [], model_file.write

    def fails(path, data):
        count.append(1)
        if len(count) < 3:
            return write(path, data)
        with monkeypatch.context() as patch:
            patch.setattr(atomic_write, "failpoint", full(errno.ENOSPC, at))
            return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(model_file, "write", fails)
        with pytest.raises(
            ModelFileError,
            match=r"save: expected a file that can be written. .* Cause: No space left on device",
        ):
            fit(tmp_path)
    assert all(map(sound, files(tmp_path)))
    assert not list(tmp_path.glob(".*"))
    model, log = fit(tmp_path)
    assert same_bits(model, uninterrupted)
    assert log.epoch == [0, 1, 2]


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    """The system's error is simulated, because root may write anywhere."""
    denied = full(errno.EROFS, "write")
    with monkeypatch.context() as patch:
        patch.setattr("builtins.open", lambda *args, **how: denied("write"))
        with pytest.raises(
            ModelFileError,
            match=r"resume: expected a folder that can be written to.* Cause: Read-only file system",
        ):
            checkpoints.CheckpointFolder(tmp_path)
    model = plain_model()
    before = model.get_weights()
    monkeypatch.setattr(atomic_write, "failpoint", denied)
    with pytest.raises(
        ModelFileError,
        match=r"expected a file that can be written. .* Cause: Read-only file system",
    ):
        fit(tmp_path, model)
    assert all(map(np.array_equal, before, model.get_weights()))
    assert model.epoch == 0


@pytest.mark.skipif(
    not os.path.exists("/dev/full"), reason="there is no device that is always full"
)
def test_a_lock_that_cannot_be_written(tmp_path):
    (tmp_path / "lock").symlink_to("/dev/full")
    with pytest.raises(ModelFileError, match="resume: expected a folder that can be written to"):
        fit(tmp_path)


def test_a_long_history_is_kept(tmp_path):
    """The description of a run of 5,000 epochs is small enough to be read again."""
    model, log = fit(tmp_path, epochs=1, validation_split=0.2)
    for values in (*log.history.values(), log.seconds):
        values *= 5000
    log.epoch = list(range(5000))
    assert len(model_file.dump_spec(model._export()[0])) < model_file.MAX_TEXT_BYTES / 10


def test_the_checkpoint_does_not_live_on_in_memory(killed, monkeypatch):
    """Resuming keeps at most one copy of the checkpoint's arrays in memory."""
    read, result = model_file.read_run, []

    def reading(path):
        reached = read(path)
        result.extend((name, weakref.ref(array)) for name, array in reached.arrays.items())
        return reached

    monkeypatch.setattr(model_file, "read_run", reading)
    alive, advance = [], loop.run_epochs

    def begins(*args, **how):
        alive.extend(name for name, ref in result if ref() is not None)
        return advance(*args, **how)

    monkeypatch.setattr(loop, "run_epochs", begins)
    fit(killed)
    assert len(result) > 8
    assert alive == ["@run/losses", "@run/rows"]


def test_arrays_of_a_run_stand_beside_the_models(killed):
    with safe_open(files(killed)[0], "numpy") as file:
        names = set(file.keys())
        message = json.loads(file.metadata()["glassnet"])
    assert {name.split("/")[0] for name in names} == {"dense_1", "dense_2", "@run", "@rows"}
    assert message["run"]["first"] == 0
    assert message["run"]["under_way"] is True


def test_a_folder_that_moved_goes_on(killed, tmp_path_factory, uninterrupted):
    moved = tmp_path_factory.mktemp("other") / "moved"
    shutil.move(killed, moved)
    assert same_bits(fit(moved)[0], uninterrupted)


def test_two_runs_with_one_name_are_two(killed, tmp_path_factory):
    """A checkpoint of another run in the folder is refused."""
    folder = tmp_path_factory.mktemp("strange")
    fit(folder, noisy_model)
    shutil.copy(files(killed)[0], folder / "checkpoint-000009-000000099.glassnet")
    with pytest.warns(DataWarning, match="expected the original file name"):
        fit(folder, noisy_model)
