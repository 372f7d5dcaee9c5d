"""Clean runs, quick ones: the doctor raises no alarm about a network that is well set.

Oracle: `benchmarks/faults/verify_clean.py`, which compares each run with scikit-learn on rows that
the network has not seen. `benchmarks/faults/run.py --clean` judges all of them.
"""

import sys
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parents[2] / "benchmarks" / "faults")
sys.path.insert(0, FOLDER)

import clean  # noqa: E402
import clean_unseen  # noqa: E402

sys.path.remove(FOLDER)

CASES = {case.name: case for case in (*clean.CLEAN, *clean_unseen.UNSEEN)}


@pytest.mark.parametrize("name", clean.QUICK)
def test_a_well_set_network_raises_no_alarm(name):
    model, x, y, options = CASES[name].make()
    history = model.fit(x, y, **options, verbose=0)
    assert [each.rule for each in history.findings if each.confidence == "alarm"] == []


def test_every_clean_run_has_its_own_name():
    assert len(CASES) == len(clean.CLEAN) + len(clean_unseen.UNSEEN)
    assert {case.kind for case in clean.CLEAN} == {"table", "image", "sequence"}
    assert all(case.family == "clean" and case.expected == () for case in CASES.values())
