"""The checkpoint folder of a run. Oracle: the names of the remaining files."""

from contextlib import closing
from types import SimpleNamespace

import pytest

from glassnet.errors import DataWarning, ModelFileError
from glassnet.storage import model_file
from glassnet.storage.checkpoints import CheckpointFolder


@pytest.fixture
def five(tmp_path, monkeypatch):
    """Five files with empty contents; those of epochs above `up_to` count as damaged."""
    sound = SimpleNamespace(up_to=4)

    def read(path):
        epoch, step = map(int, path.stem.split("-")[1:])
        if epoch > sound.up_to:
            raise ModelFileError("damaged.")
        return SimpleNamespace(epoch=epoch, step=step)

    monkeypatch.setattr(model_file, "read_run", read)
    for i in range(5):
        (tmp_path / f"checkpoint-{i:06d}-{8 * i:09d}.glassnet").write_bytes(b"")
    return tmp_path, sound


def test_what_a_kill_left_behind_goes_when_the_run_goes_on(five):
    """Repeated kills between writing and deleting a checkpoint must not fill the disk."""
    with closing(CheckpointFolder(five[0])) as folder:
        assert folder.read_newest().epoch == 4
        assert [path.stem[-2:] for path in folder.list_files()] == ["32", "24"]


def test_the_one_that_can_be_read_stays_however_many_are_newer(five):
    path, sound = five
    sound.up_to = 2
    with closing(CheckpointFolder(path)) as folder:
        with pytest.warns(DataWarning, match="damaged. Resuming from checkpoint-000002-000000016"):
            assert folder.read_newest().step == 16
        assert [path.stem[-2:] for path in folder.list_files()] == ["32", "24", "16", "08"]
