"""The labs of the doctor. Oracles: `evaluate`, losses of the same seeds, and what was broken."""

import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

LABS = Path(__file__).parents[2] / "labs"


def run(lab, folder, monkeypatch):
    monkeypatch.setattr("sys.argv", [lab, str(folder)])
    result = runpy.run_path(str(LABS / lab))
    assert (folder / lab).with_suffix(".png").stat().st_size > 20_000
    return result


def test_refine(shared_data, tmp_path, monkeypatch, capsys):
    """The verdict is overfitting, and each remedy lowers the loss on new images in every seed but
    for the noise: in the mean over the seeds.
    """
    result = run("refine.py", tmp_path, monkeypatch)
    runs, scores, parts = result["runs"], result["scores"], result["parts"]
    history = runs["nothing"][0][1]
    assert history.findings[0].rule == "overfitting"
    assert history.findings[0].evidence["best_epoch"] < 0.6 * result["EPOCHS"]
    for name, trained in runs.items():
        for (model, _), (loss, accuracy) in zip(trained, scores[name]["test"], strict=True):
            logs = model.evaluate(*parts["test"], return_dict=True, verbose=0)
            assert accuracy == pytest.approx(logs["accuracy"])
            if not name.startswith("L2"):  # evaluate adds the penalty
                assert loss == pytest.approx(logs["loss"], rel=1e-4)
    mean = {
        name: {part: s[:, 0].mean() for part, s in each.items()} for name, each in scores.items()
    }
    for name in set(scores) - {"nothing"}:
        assert mean[name]["test"] < mean["nothing"]["test"] - 0.03
        assert mean[name]["training"] > mean["nothing"]["training"]
    stopped = [len(history.epoch) for _, history in runs["EarlyStopping"]]
    assert max(stopped) < result["EPOCHS"]
    assert sum(len(x) for x, _ in parts.values()) == len(np.unique(result["order"]))
    text = capsys.readouterr().out
    assert "learning the training rows by heart" in text
    assert "augmentation" in text


def test_doctor(tmp_path, monkeypatch, capsys):
    """Each network is sick of what was done to it, and the remedy heals it."""
    result = run("doctor.py", tmp_path, monkeypatch)
    assert {fault: finding.rule for fault, finding in result["findings"].items()} == {
        "a learning rate of 10": "rate_too_high",
        "biases that begin at -10": "dead_relu",
        "five layers of sigmoid": "vanishing_gradient",
        "columns of 0.1 and of 1,000": "raw_scale",
        "labels in a random order": "no_signal",
        "a sigmoid for numbers below 0": "wrong_output",
    }
    for fault, (before, after) in result["curves"].items():
        assert np.median(after[-5:]) < 0.9 * np.median(before[-5:]), fault
    verifications = result["verifications"]
    assert set(result["findings"]) - set(verifications) == {"labels in a random order"}
    for verification in verifications.values():
        assert verification.helped is True
    text = capsys.readouterr().out
    assert text.count("Afterwards: No problem found.") == 6
    assert "only you can do this" in text
