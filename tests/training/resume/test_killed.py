"""Fits that are killed by SIGKILL, at every write and at random moments.

Oracle: the bytes of an uninterrupted run. A kill cannot show what a power failure would lose,
because the system keeps what a dead process wrote; `test_storage_atomic.test_a_disk_that_is_full`
checks that data are flushed before the rename.

A process counts as killed if SIGKILL ended it before it had a result. Each test states the minimum
number of kills, and `test_there_are_fifty` adds them up.
"""

import os
import signal
import time

import pytest

if os.name != "posix":
    pytest.skip("SIGKILL, fork and flock are of POSIX systems", allow_module_level=True)

import child
import killing

from glassnet.errors import ConfigError
from glassnet.storage.checkpoints import CheckpointFolder

pytestmark = pytest.mark.slow

RANDOM = {
    "outside": {"within": 3, "stream": 2, "table": 2, "epochs": 2},
    "timer": {"rounds": 2, "mapped": 2, "schedule": 2},
}
EVERY_WRITE = {"files": (2, 2 * 6), "within": (6, 2 * 6), "still": (8, 2 * 6)}
"""For each scenario, kill at every n-th checkpoint; and the minimum number of kills, in at least four
epochs.
"""
AT_THE_END = {"within": 3, "files": 3}


@pytest.fixture(scope="module")
def nursery(tmp_path_factory):
    with killing.Nursery(tmp_path_factory.mktemp("kills") / "n") as nursery:
        yield nursery


def test_there_are_fifty():
    kills = sum(least for _, least in EVERY_WRITE.values())
    assert kills + sum(sum(kinds.values()) for kinds in (*RANDOM.values(), AT_THE_END)) >= 50
    assert {scenario for kinds in (*RANDOM.values(), EVERY_WRITE) for scenario in kinds} == set(
        child.SCENARIOS
    )


def same(runs, kills):
    assert killing.killed(runs) >= kills
    assert all(run.finish() for run in runs)


@pytest.mark.parametrize("scenario", EVERY_WRITE)
def test_at_every_point_of_writes(nursery, scenario):
    """Kill at all checkpoints of a run that writes after epochs, and at some of a run that writes
    within them.
    """
    every, least = EVERY_WRITE[scenario]
    same(killing.at_points(nursery, scenario, every=every), least)


def test_at_every_point_of_the_best_model(nursery):
    same(killing.at_other_files(nursery, "files"), 6)


@pytest.mark.parametrize(
    ("how", "scenario", "kills"),
    [(how, *each) for how, kinds in RANDOM.items() for each in kinds.items()],
)
def test_at_random_moments(nursery, how, scenario, kills):
    same(killing.at_random(nursery, scenario, kills, how), kills)


@pytest.mark.parametrize("scenario", AT_THE_END)
def test_between_the_last_checkpoint_and_the_end(nursery, scenario):
    runs = killing.at_the_end(nursery, scenario)
    assert runs[0].kills == {"ended": 3}
    same(runs, AT_THE_END[scenario])


@pytest.fixture(scope="module")
def own(nursery, tmp_path_factory):
    """Return a nursery whose processes use glassnet's own cache of compiled programs, and a full one."""
    folder = tmp_path_factory.mktemp("own")
    nursery.uninterrupted("within")
    with killing.Nursery(folder / "n", cache=False, baselines=nursery.baselines) as own:
        own.programs = folder / "full"
        run = killing.Run(own, "within")
        run.live(["point", "rename", 9])
        same([run], 1)
        yield own, own.programs


def programs(folder):
    return {path.name for path in folder.glob("*/*.program")}


@pytest.mark.parametrize("second", ["cold", "warm"])
@pytest.mark.parametrize("first", ["cold", "warm"])
def test_a_resumed_run_may_compile_or_read_its_programs(own, tmp_path, first, second):
    """The first process starts without compiled programs or with all of them, and so does the second."""
    nursery, full = own
    folders = [{"cold": tmp_path / name, "warm": full}[name] for name in (first, second)]
    if first == second == "cold":
        folders[1] = tmp_path / "another"
    before, run = programs(full), killing.Run(nursery, "within")
    nursery.programs = folders[0]
    run.live(["point", "rename", 9])
    nursery.programs = folders[1]
    same([run], 1)
    assert programs(full) == before != set()
    for folder in set(folders) - {full}:
        assert programs(folder)
        assert programs(folder) <= before


def test_a_suite_without_kills_fails(tmp_path):
    """Test of the tests: without kills, each of the three functions fails."""
    with killing.Nursery(tmp_path / "n", armed=False) as harmless:
        assert killing.killed(killing.at_points(harmless, "schedule")) == 0
        with pytest.raises(AssertionError, match="0 of 1 kills landed in 2 lives"):
            killing.at_random(harmless, "schedule", 1, "outside", tries=1)
        with pytest.raises(AssertionError, match="'killed': False"):
            killing.at_the_end(harmless, "schedule")


def test_a_folder_is_one_process_s_until_it_is_killed(nursery):
    """A suspended process keeps the folder locked and is named in the error; a killed one does not."""
    run = killing.Run(nursery, "within")
    nursery.order(run, ["stop", "half", 3], 16)
    lock, parts = run.folder / "run" / "lock", []
    for _ in range(600):
        parts = list((run.folder / "run").glob(".checkpoint-*"))
        if len(list((run.folder / "run").glob("checkpoint-*"))) == 2 and parts:
            break
        time.sleep(0.05)
    holder = int(lock.read_text())
    try:
        with pytest.raises(
            ConfigError,
            match=f"resume: expected a folder that no other fit is using.* process='{holder}'",
        ):
            CheckpointFolder(run.folder / "run")
        assert len(parts) == 1
    finally:
        os.kill(holder, signal.SIGKILL)
        life = nursery.answer()
    assert life["code"] == killing.KILLED
    assert parts[0].exists()
    CheckpointFolder(run.folder / "run").close()
    assert not parts[0].exists()
    assert run.finish()
