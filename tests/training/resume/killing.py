"""Runs that are killed again and again until one process completes; also used by
`benchmarks/kills.py`.
"""

import fcntl
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import child

import glassnet as gn
from glassnet.storage.checkpoints import CHECKPOINT_NAME, MAX_TO_KEEP

KILLED = -9
SLICES = (5, 16, 40)
"""Steps per slice; the result does not depend on it."""


@dataclass
class Nursery:
    """Runs processes one after another; see `child`.

    Args:
        folder: for all files of the runs.
        cache: whether processes share compiled programs; False leaves it to glassnet, as for a user.
        programs: glassnet's folder of compiled programs for the next processes, if it is left to it.
        armed: whether processes are killed as ordered; False tests the tests.
        baselines: results of uninterrupted runs by scenario, filled on demand.
    """

    folder: Path
    cache: bool = True
    programs: Path | None = None
    armed: bool = True
    baselines: dict = field(default_factory=dict)
    runs: int = 0

    def __enter__(self):
        cache = self.folder / "cache"
        cache.mkdir(parents=True)
        command = [sys.executable, child.__file__, str(cache) if self.cache else ""]
        options = ("JAX_", "GLASSNET_CACHE")
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(options)
        }
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def order(self, run, die, steps):
        order = {
            "scenario": run.scenario,
            "folder": str(run.folder),
            "slice": steps,
            "die": die if self.armed else None,
            "programs": str(self.programs or ""),
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def answer(self):
        return json.loads(self._process.stdout.readline())

    def uninterrupted(self, scenario):
        """Return the result of an uninterrupted run, and the duration of the second one.

        The first one compiles the programs.
        """
        if scenario not in self.baselines:
            runs = [Run(self, scenario) for _ in range(2)]
            seconds = [run.live()["seconds"] for run in runs]
            assert runs[0].result() == runs[1].result()
            self.baselines[scenario] = runs[0].result(), seconds[1]
        return self.baselines[scenario]


class Run:
    """Run in its own folder.

    Attributes:
        kills: number of processes killed before they ended, by their progress: "starting", "training",
            or "ended" except for the result.
    """

    def __init__(self, nursery, scenario):
        nursery.runs += 1
        self.nursery, self.scenario, self.kills = nursery, scenario, Counter()
        self.folder = nursery.folder / f"{scenario}-{nursery.runs}"
        self.folder.mkdir()

    def live(self, die=None, steps=16):
        """Run one process; report whether it was killed before it had a result, and check its
        files.
        """
        self.nursery.order(self, die, steps)
        life = self.nursery.answer()
        over = (self.folder / "result").exists()
        assert life["code"] in (0, KILLED), (self.scenario, die, life)
        assert over or life["code"] == KILLED, (self.scenario, die, life)
        check(self.folder / "run")
        life["killed"] = not over
        if not over:
            self.kills[
                "ended"
                if child.ENDED in life["letters"]
                else "training"
                if child.TRAINED in life["letters"]
                else "starting"
            ] += 1
        return life

    def result(self):
        return (self.folder / "result").read_bytes()

    def finish(self):
        """Complete the run, and return whether its result is that of an uninterrupted run."""
        if not (self.folder / "result").exists():
            assert not self.live()["killed"]
        assert not list((self.folder / "run").glob(".*"))
        assert 1 <= len(check(self.folder / "run")) <= MAX_TO_KEEP
        same = self.result() == self.nursery.uninterrupted(self.scenario)[0]
        if same:
            shutil.rmtree(self.folder)
        return same


def check(folder):
    """Check the files of a run: valid checkpoints, at most one unfinished file, and no lock."""
    left = {path.name: path for path in folder.glob("*")}
    lock, files = (
        left.pop("lock", None),
        [left.pop(name) for name in list(left) if CHECKPOINT_NAME.fullmatch(name)],
    )
    assert len(files) <= MAX_TO_KEEP + 1, files
    assert len(left) <= 1, left
    assert all(name.startswith(".checkpoint-") and name.endswith(".part") for name in left), left
    for path in files:
        gn.load(path)
    if lock:
        with open(lock) as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return files


def at_points(nursery, scenario, points=tuple(child.LETTERS), every=1):
    """Kill at all these points of each checkpoint, or of every n-th one, until the run completes.

    A write that is killed before "rename" is repeated first by the next process; after it, the next
    write is another one. So "fsync folder" is the last of the points of one write, and "done" has a
    run of its own.
    """
    runs, _ = [], nursery.uninterrupted(scenario)
    for of_one_write in (points[:-1], points[-1:]):
        run, killed = Run(nursery, scenario), True
        runs.append(run)
        while killed:
            for i, point in enumerate(of_one_write):
                n = 1 if i else every
                assert run.kills.total() < 150, "a run that gets nowhere"
                life = run.live(["point", point, n])
                killed = life["killed"]
                if not killed:
                    break
                assert life["letters"].endswith(child.LETTERS[point]), life
                assert life["letters"].count(child.LETTERS[point]) == n, life
    return runs


def at_other_files(nursery, scenario):
    """Kill at every point of writing a file that is not a checkpoint; the next process repeats it."""
    run, _ = Run(nursery, scenario), nursery.uninterrupted(scenario)
    for point in child.LETTERS:
        assert run.live(["other", point, 1])["killed"], point
    return [run]


def at_random(nursery, scenario, kills, how, seed=0, tries=6):
    """Kill at random moments, up to 1.5 times the duration of an uninterrupted run.

    A run that ends before its kill is followed by a new one.

    Args:
        nursery: runs the processes.
        scenario: name of the scenario.
        kills: number of kills.
        how: "outside" to kill from another process, "timer" from a thread.
        seed: of the moments.
        tries: maximum number of processes per kill.
    """
    rng, runs = random.Random(f"{scenario} {how} {seed}"), [Run(nursery, scenario)]
    seconds, lives = nursery.uninterrupted(scenario)[1], 0
    while killed(runs) < kills:
        new, lives = not runs[-1].kills, lives + 1
        assert lives <= tries * (kills + 1), (
            f"{killed(runs)} of {kills} kills landed in {lives - 1} lives"
        )
        life = runs[-1].live([how, rng.uniform(0, 1.5 * seconds)], rng.choice(SLICES))
        if not life["killed"]:
            seconds = life["seconds"] if new else seconds
            runs.append(Run(nursery, scenario))
    return runs


def at_the_end(nursery, scenario):
    """Kill after the last checkpoint, and twice when the run is already finished."""
    run, _ = Run(nursery, scenario), nursery.uninterrupted(scenario)
    for how in ("close", "close", "returned"):
        life = run.live([how])
        assert life["killed"], life
        assert life["letters"].endswith(child.ENDED), life
        assert "w" not in life["letters"] or not run.kills["ended"] > 1, life
    return [run]


def killed(runs):
    """Return the number of processes that were killed before they ended."""
    return sum(run.kills.total() for run in runs)
