"""Runs that are killed for real, again and again, until one life ends by itself; the suite here and
`benchmarks/kills.py` share it.
"""

import fcntl
import json
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
"""Steps of a slice: however it is sliced, a run is the same."""


@dataclass
class Nursery:
    """What forks lives, one after the other; see `child`.

    Args:
        folder: for all that the runs write.
        cache: whether lives read compiled programs from a folder; else each compiles its own.
        armed: whether they are killed as ordered; False shows what the suite says without a kill.
        wholes: what comes of runs that were never stopped, as far as it is known.
    """

    folder: Path
    cache: bool = True
    armed: bool = True
    wholes: dict = field(default_factory=dict)
    runs: int = 0

    def __enter__(self):
        cache = self.folder / "cache"
        cache.mkdir(parents=True)
        command = [sys.executable, child.__file__, str(cache) if self.cache else ""]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
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
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()

    def answer(self):
        return json.loads(self._process.stdout.readline())

    def whole(self, scenario):
        """What comes of a run that was never stopped, and how many seconds the second one took: the
        first compiles, for all to come.
        """
        if scenario not in self.wholes:
            runs = [Run(self, scenario) for _ in range(2)]
            seconds = [run.live()["seconds"] for run in runs]
            assert runs[0].result() == runs[1].result()
            self.wholes[scenario] = runs[0].result(), seconds[1]
        return self.wholes[scenario]


class Run:
    """A run in a folder of its own.

    Attributes:
        kills: how many lives were killed before they had ended, by how far they had come:
            "starting" to train, "training", or "ended" but for the result.
    """

    def __init__(self, nursery, scenario):
        nursery.runs += 1
        self.nursery, self.scenario, self.kills = nursery, scenario, Counter()
        self.folder = nursery.folder / f"{scenario}-{nursery.runs}"
        self.folder.mkdir()

    def live(self, die=None, steps=16):
        """One life, and whether it was killed before it had a result; what it leaves is sound. A
        kill that comes later is none.
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
                if child.ENDED in life["told"]
                else "training"
                if child.TRAINED in life["told"]
                else "starting"
            ] += 1
        return life

    def result(self):
        return (self.folder / "result").read_bytes()

    def finish(self):
        """Let it end, and say whether it came to what a run does that was never stopped."""
        if not (self.folder / "result").exists():
            assert not self.live()["killed"]
        assert not list((self.folder / "run").glob(".*"))
        assert 1 <= len(check(self.folder / "run")) <= MAX_TO_KEEP
        same = self.result() == self.nursery.whole(self.scenario)[0]
        if same:
            shutil.rmtree(self.folder)
        return same


def check(folder):
    """A run's checkpoints: whole, few, with one file at most beside them that was not finished, and
    free for the next to take up.
    """
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
    """Kill at all these points of each checkpoint of a run, or of every so many-th, until none is
    left.

    Up to "rename" a write that is killed is made again by the next life, as its first; after it the
    next write is another. So "fsync folder" is last among points of one write, and "done" is for a
    run of its own.
    """
    runs, _ = [], nursery.whole(scenario)
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
                assert life["told"].endswith(child.LETTERS[point]), life
                assert life["told"].count(child.LETTERS[point]) == n, life
    return runs


def at_other_files(nursery, scenario):
    """Kill at every point of a file that is no checkpoint: the next life makes it again."""
    run, _ = Run(nursery, scenario), nursery.whole(scenario)
    for point in child.LETTERS:
        assert run.live(["other", point, 1])["killed"], point
    return [run]


def at_random(nursery, scenario, kills, how, seed=0, tries=6):
    """Kill so often at moments drawn from the length of an unharmed life, and half as long again,
    as a busy machine may take longer.

    A run that ends before its kill is followed by a new one.

    Args:
        how: "outside" for another process that kills, "timer" for a thread of its own.
        tries: lives per kill, at most, and as many more.
    """
    rng, runs = random.Random(f"{scenario} {how} {seed}"), [Run(nursery, scenario)]
    seconds, lives = nursery.whole(scenario)[1], 0
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
    """Kill once the last checkpoint is written, and twice when the run was found to be at its
    end.
    """
    run, _ = Run(nursery, scenario), nursery.whole(scenario)
    for how in ("close", "close", "returned"):
        life = run.live([how])
        assert life["killed"], life
        assert life["told"].endswith(child.ENDED), life
        assert "w" not in life["told"] or not run.kills["ended"] > 1, life
    return [run]


def killed(runs):
    """How many lives were killed before they had ended."""
    return sum(run.kills.total() for run in runs)
