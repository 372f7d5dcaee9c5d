"""The doctor on the command line.

Oracle: `history.findings` of the same network in Python, and `gn.doctor.rules()`.
"""

import json

import numpy as np
import pytest
from house_table import HOUSES, Command

import glassnet as gn
from glassnet.cli.jobs import resolve
from glassnet.cli.jobs.base import TrainOptions

TRAIN = Command("train")
SICK = ("houses.csv", "--target", "sold", "--layers", "4", "--epochs", "60", "--dropout", "0")
SICK += ("--optimizer", "sgd", "--learning-rate", "30", "--no-plot")


@pytest.fixture(autouse=True)
def _a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    HOUSES.to_csv("houses.csv", index=False)


def test_train_ends_with_the_verdict():
    """The line with the score is the last one; the findings stand before it, each once."""
    result = TRAIN.run(*SICK)
    assert result.exit_code == 0
    *before, blank, last = result.stdout.splitlines()
    start = next(i for i, line in enumerate(before) if line.startswith("Problem: "))
    first, remedy, evidence, *others = before[start:]
    assert first.startswith("Problem: The learning rate 30 is too high: ")
    assert remedy.startswith("  Remedy: Set the learning rate to ")
    assert evidence.startswith("  Evidence: learning rate 30, ")
    assert evidence.endswith("[rate_too_high]")
    findings = TRAIN.read_json(*SICK)["doctor"]["findings"]
    assert [line.split("[")[-1] for line in others] == [f"{each['rule']}]" for each in findings[1:]]
    assert blank == ""
    assert last.startswith("houses.csv: accuracy ")
    assert result.stdout.count("Problem: ") == 1
    for word in ("findings", "verify("):  # calls of Python
        assert word not in result.stdout


def test_train_prints_one_line_if_quiet():
    result = TRAIN.run(*SICK, "--quiet")
    assert result.stdout.count("\n") == 1
    assert result.stdout.startswith("houses.csv: accuracy ")


def test_train_has_the_findings_in_its_json():
    """Oracle: the same network and training in Python."""
    facts = TRAIN.read_json(*SICK)
    last = gn.layers.Dense(1, activation="sigmoid")
    model = gn.Sequential([gn.layers.Dense(4, activation="relu"), last], seed=0)
    model.compile(gn.optimizers.SGD(30.0), "binary_crossentropy", ["accuracy"])
    job = resolve.resolve_job("houses.csv", TrainOptions(target="sold"), 0)
    history = job.fit(model, epochs=60, seed=0, verbose=0)
    expected = json.loads(json.dumps(history.findings.to_dict()))
    assert facts["doctor"]["findings"][0]["rule"] == "rate_too_high"
    assert facts["doctor"]["findings"] == expected["findings"]
    assert facts["doctor"]["checked"] == expected["checked"]


@pytest.mark.filterwarnings("ignore::glassnet.errors.TrainingWarning")
def test_a_loss_that_is_not_finite_is_explained():
    """Exit code 3 and no score, but a verdict."""
    words = ("houses.csv", "--target", "price", "--layers", "4", "--epochs", "5", "--no-plot")
    result = TRAIN.run(*words, "--optimizer", "sgd", "--learning-rate", "1e30")
    assert result.exit_code == 3
    assert "Problem: " in result.stdout
    assert "[not_finite]" in result.stdout
    facts = TRAIN.run(*words, "--optimizer", "sgd", "--learning-rate", "1e30", "--json")
    assert json.loads(facts.stdout)["doctor"]["findings"][0]["rule"] == "not_finite"


def test_a_healthy_training_says_nothing_of_the_doctor():
    result = TRAIN.run(*SICK, "--optimizer", "adam", "--learning-rate", "0.01")
    assert result.exit_code == 0
    assert "Problem: " not in result.stdout
    assert "No problem" not in result.stdout


DIAGNOSE = Command("diagnose")


def test_diagnose_says_what_is_wrong_before_training():
    """Oracle: `gn.diagnose` of the network that `train` builds."""
    words = [word for word in SICK if word != "--no-plot"]
    facts = DIAGNOSE.read_json(*words)
    last = gn.layers.Dense(1, activation="sigmoid")
    model = gn.Sequential([gn.layers.Dense(4, activation="relu"), last], seed=0)
    model.compile(gn.optimizers.SGD(30.0), "binary_crossentropy", ["accuracy"])
    job = resolve.resolve_job("houses.csv", TrainOptions(target="sold"), 0)
    findings = gn.diagnose(model, **job.fit_arguments, epochs=60, seed=0)
    assert facts["findings"] == json.loads(json.dumps(findings.to_dict()))["findings"]
    assert facts["findings"][0]["rule"] == "rate_too_high"
    assert facts["checked"] == list(findings.checked)
    assert facts["verification"] is None
    assert (facts["dataset"], facts["settings"]["epochs"]) == ("houses.csv", 60)
    result = DIAGNOSE.run(*words)
    assert result.exit_code == 0  # with findings too
    lines = result.stdout.splitlines()
    assert lines[1].startswith("houses.csv: 48 training rows, 12 test rows")
    assert lines[-1].startswith("houses.csv: 1 problem, ")
    (problem,) = (line for line in lines if line.startswith("Problem: "))
    assert problem == f"Problem: {findings[0].symptom} {findings[0].consequence}"
    assert "verify(" not in result.stdout


def test_diagnose_says_that_nothing_is_wrong_and_leaves_out_muted_rules():
    words = ("houses.csv", "--target", "sold", "--layers", "16", "--mute", "overfitting")
    result = DIAGNOSE.run(*words, "--mute", "no_signal", "--quiet")
    assert result.stdout.startswith("houses.csv: no problem found, ")
    assert result.stdout.count("\n") == 1
    facts = DIAGNOSE.read_json(*words, "--mute", "no_signal")
    assert facts["findings"] == []
    muted = {"overfitting", "no_signal"}
    assert "raw_scale" in facts["checked"]
    assert not muted & (set(facts["checked"]) | set(facts["skipped"]))


@pytest.mark.slow
def test_diagnose_verifies_the_remedy():
    """Oracle: the rate of 10 leaves the digits at chance, and that of the remedy does not."""
    words = ("digits", "--layers", "16", "--epochs", "8", "--optimizer", "sgd")
    words += ("--learning-rate", "10")
    facts = DIAGNOSE.read_json(*words, "--verify")
    assert facts["findings"][0]["rule"] == "rate_too_high"
    assert facts["verification"]["title"].startswith("The remedy helps: ")
    without, healed = np.array(facts["verification"]["arrays"]["scores"])
    assert healed.max() < 1 < np.log(10) - 0.1 < without.min()
    result = DIAGNOSE.run(*words, "--verify")
    assert f"Verified: {facts['verification']['title']}.\n" in result.stdout


def test_diagnose_lists_the_rules():
    names = [rule.name for rule in gn.doctor.rules()]
    result = DIAGNOSE.run("--rules")
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["name", "phase", "question", "source"]
    assert [row.split()[0] for row in rows] == names
    facts = DIAGNOSE.read_json("--rules")
    assert [rule["name"] for rule in facts["rules"]] == names
    assert facts["rules"][0]["question"] == gn.doctor.rules()[0].question


def test_diagnose_refuses_what_it_cannot_take():
    assert "Missing argument 'NAME|FILE|FOLDER', or --rules." in DIAGNOSE.refused()
    assert "expected data, not a saved model" in DIAGNOSE.refused("a.glassnet")
    error = DIAGNOSE.run("houses.csv", "--target", "price", "--mute", "overfiting").stderr
    assert "Did you mean 'overfitting'?" in error
