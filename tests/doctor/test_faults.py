"""Injected faults, quick ones: the doctor names the fault that was put in.

Oracle: the construction of the case. `benchmarks/faults/run.py` judges all of them, and compares
each with its twin without the fault.
"""

import sys
import warnings
from pathlib import Path

import pytest

FOLDER = str(Path(__file__).parents[2] / "benchmarks" / "faults")
sys.path.insert(0, FOLDER)

import faults  # noqa: E402

sys.path.remove(FOLDER)

QUICK = (
    "raw_scale/cancer",
    "shuffled_labels/cancer",
    "rate_too_high/cancer/x300",
    "rate_too_low/cancer/1_1000",
    "dead_relu/spiral/bias_-5",
    "vanishing_gradient/cancer/tanh_8",
    "not_finite/cancer/logarithm",
    "overfitting/spiral/120_rows",
    "too_small/digits/two_units",
    "output_range/forecast/sigmoid",
)
CASES = {case.name: case for case in faults.cases()}


@pytest.mark.parametrize("name", QUICK)
def test_first_finding_names_the_fault(name):
    case = CASES[name]
    model, x, y, options = case.make()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        history = model.fit(x, y, **options)
    found = [finding.rule for finding in history.findings]
    assert found[:1] == list(case.expected[:1]), str(history.findings)


def test_names_are_unique_and_each_family_is_shown_on_a_table_an_image_and_a_sequence():
    cases = faults.cases()
    assert len({case.name for case in cases}) == len(cases)
    kinds = {}
    for case in cases:
        kinds.setdefault(case.family, set()).add(case.kind)
    assert len(kinds) >= 24
    assert all(found == {"table", "image", "sequence"} for found in kinds.values()), kinds
