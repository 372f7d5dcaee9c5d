"""Runs that end too early. Oracle: curves written by hand, of which one goes on falling."""

from dataclasses import replace

import numpy as np
import pytest

from glassnet.doctor import judge
from glassnet.doctor.evidence import Evidence, NetworkEvidence, RunEvidence, TargetEvidence
from glassnet.evaluation.quick_rivals import Rivals


def make_evidence(curve, validation=True, **run):
    """A constant answer has a loss of 1, a linear model 0.2."""
    curve = np.asarray(curve, float)
    facts = {"epochs_planned": len(curve), "first_epoch": 0, "steps": 20 * len(curve)}
    facts |= {"steps_per_epoch": 20, "n_rows": 640, "n_validation_rows": 400, "batch_size": 32}
    curves = {"loss": curve, "val_loss": curve if validation else np.zeros(0), "logs": {}}
    return Evidence(
        TargetEvidence("numbers", 640, None, -3, 3, 0, 1),
        NetworkEvidence("MeanSquaredError", "linear", (-np.inf, np.inf), "Adam", 0.001, 300),
        RunEvidence(len(curve), **facts | curves | {"initial_loss": 1.1} | run),
        Rivals(1.0, 1.0, linear=0.2, neighbours=0.3, n_scored=400),
    )


def find(evidence):
    return next((each for each in judge(evidence) if each.rule == "still_improving"), None)


@pytest.mark.parametrize(
    "curve", [[0.7], [0.9, 0.7], [0.95, 0.85, 0.75, 0.65], 0.92 ** np.arange(10)]
)
def test_a_run_that_ends_behind_a_linear_model_and_still_falls(curve):
    finding = find(make_evidence(curve))
    assert finding.confidence == ("alarm" if len(curve) >= 5 else "information")
    assert finding.fit_arguments == {"epochs": 3 * len(curve)}
    assert finding.consequence.startswith(
        f"The best validation loss is {round(float(curve[-1]), 3)}; a linear model reaches 0.2"
    )


@pytest.mark.parametrize(
    "evidence",
    [
        make_evidence([0.9, 0.7, 0.7, 0.71]),  # it no longer falls
        make_evidence([0.9, 0.7, 0.701, 0.7, 0.6999]),  # hardly
        make_evidence([0.9, 0.3, 0.215]),  # not behind, and 20 steps of a steep fall are few
        make_evidence([0.7], stopped="The user stopped training by Ctrl-C."),
        make_evidence([0.7], first_epoch=3),  # one call of fit of many
        make_evidence([0.7], n_rows=99),
        replace(make_evidence([0.7]), is_smoke_test=True),
        make_evidence([1.2]),  # it did not fall at all
    ],
    ids=["flat", "slow", "good", "stopped", "continued", "few rows", "smoke test", "rose"],
)
def test_a_run_that_did_all_it_could_or_was_not_meant_to(evidence):
    finding = find(evidence)
    assert finding is None or finding.confidence == "information"


def test_a_steep_fall_without_a_better_simple_model_is_information():
    finding = find(make_evidence([0.8, 0.5, 0.25]))
    assert finding.confidence == "information"
    assert finding.symptom == (
        "The run ended after 3 epochs and 60 steps while the validation loss still fell fast: by "
        "0.25 to 0.25 in the last epoch."
    )
    assert find(make_evidence([0.28, 0.265, 0.25])) is None
    assert find(make_evidence([0.14, 0.07, 0.035])) is None  # nothing is left to gain
