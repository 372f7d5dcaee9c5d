"""The folder of a run. Oracle: the names that are left."""

from contextlib import closing
from pathlib import Path

import pytest

from glassnet.errors import DataWarning, ModelFileError
from glassnet.storage.checkpoints import Folder


def test_what_a_kill_left_behind_goes_when_the_run_goes_on(tmp_path):
    """Killed time and again between putting a checkpoint in and taking the oldest away, a run would fill the disk."""
    for i in range(5):
        (tmp_path / f"checkpoint-{i:06d}-{8 * i:09d}.glassnet").write_bytes(b"")
    with closing(Folder(tmp_path)) as folder:
        assert folder.newest(Path.read_bytes) == b""
        assert [path.stem[-2:] for path in folder.files()] == ["32", "24"]


def test_the_one_that_can_be_read_stays_however_many_are_newer(tmp_path):
    def read(path):
        if path.stem.endswith("16"):
            return path.stem
        raise ModelFileError("damaged.")

    for i in range(5):
        (tmp_path / f"checkpoint-{i:06d}-{8 * i:09d}.glassnet").write_bytes(b"")
    with closing(Folder(tmp_path)) as folder:
        with pytest.warns(DataWarning, match="damaged. The run goes on from checkpoint-000002-000000016"):
            assert folder.newest(read) == "checkpoint-000002-000000016"
        assert [path.stem[-2:] for path in folder.files()] == ["32", "24", "16", "08"]
