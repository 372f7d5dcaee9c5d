"""Failing disks and killed processes lose no data. Oracle: the bytes of the previous file."""

import errno
import os
import signal
import subprocess
import sys

import pytest
from crafted import saved, small

from glassnet.errors import ModelFileError
from glassnet.storage import atomic_write


@pytest.fixture
def path(tmp_path):
    return saved(small(optimizer="adam"), tmp_path / "m.glassnet")


POINTS = ["write", "half", "fsync", "rename", "fsync folder", "done"]


def test_every_point_is_reached(path, monkeypatch):
    seen = []
    monkeypatch.setattr(atomic_write, "failpoint", seen.append)
    small().save(path)
    assert seen == POINTS


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        PermissionError(errno.EACCES, "Permission denied"),
    ],
)
@pytest.mark.parametrize("point", POINTS[:4])
def test_a_save_that_fails_leaves_what_was_there(path, monkeypatch, point, fault):
    before = path.read_bytes()

    def fail(now):
        if now == point:
            raise fault

    monkeypatch.setattr(atomic_write, "failpoint", fail)
    with pytest.raises(
        ModelFileError,
        match=rf"save: expected a file that can be written. .*m.glassnet'. Cause: {fault.strerror}",
    ):
        small(seed=7).save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_disk_that_is_full(path, monkeypatch):
    """The operating system fails to flush the file."""
    before = path.read_bytes()

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ModelFileError, match="Cause: No space left on device"):
        small(seed=7).save_weights(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("where", ["none/m", "m.glassnet/m", "", "a\0b", "x" * 300])
def test_places_that_cannot_be_written(path, monkeypatch, where):
    monkeypatch.chdir(path.parent)
    with pytest.raises(
        ModelFileError,
        match=r"save: expected a file that can be written\. Received: path=.* Cause: ",
    ):
        small().save(where)
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "m").mkdir()
    with pytest.raises(ModelFileError, match="Cause: Is a directory"):
        small().save(tmp_path / "m")
    assert list(tmp_path.iterdir()) == [tmp_path / "m"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_leaves_what_was_there(path, monkeypatch, interrupt):
    before = path.read_bytes()

    def stop(point):
        if point == "half":
            raise interrupt

    monkeypatch.setattr(atomic_write, "failpoint", stop)
    with pytest.raises(interrupt):
        small(seed=7).save(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_process_killed_at_any_point_leaves_one_of_the_two(path):
    """Oracle: the previous bytes, and the new bytes of a complete write."""
    old, new = path.read_bytes(), b"new" * 1000
    code = """
import os, signal, sys
from pathlib import Path
from glassnet.storage import atomic_write
def kill(point):
    if point == sys.argv[2]:
        os.kill(os.getpid(), signal.SIGKILL)
atomic_write.failpoint = kill
atomic_write.write(Path(sys.argv[1]), b"new" * 1000)
"""
    for point in POINTS:
        path.write_bytes(old)
        process = subprocess.run([sys.executable, "-c", code, path, point])
        assert process.returncode == -signal.SIGKILL
        assert path.read_bytes() == (old if point in POINTS[:4] else new)
        for left in set(path.parent.iterdir()) - {path}:
            assert left.name.startswith(".m.glassnet.")
            left.unlink()
