"""What convolutions are for: real pictures, few of them, through the labs that read them."""

import runpy
from pathlib import Path

import numpy as np
import pytest

LABS = Path(__file__).parents[2] / "labs"


def run(lab, folder, monkeypatch):
    """The lab's names, from the folder that its figure then lies in."""
    monkeypatch.chdir(folder)
    found = runpy.run_path(str(LABS / lab))
    assert (folder / lab).with_suffix(".png").stat().st_size > 20_000
    return found


def test_digits(shared_data, tmp_path, monkeypatch, record_property, capsys):
    """Goal: 0.975 after ten epochs on 8,000 digits (PyTorch: 0.978 to 0.985). Seen over seeds:
    0.984 to 0.985.
    """
    found = run("digits.py", tmp_path, monkeypatch)
    assert found["EPOCHS"] == 10
    record_property("accuracy", found["accuracy"])
    assert found["accuracy"] >= 0.975
    counts, test = found["counts"], found["data"].y_test
    np.testing.assert_array_equal(counts.sum(axis=1), np.bincount(test))
    assert np.trace(counts) / len(test) == pytest.approx(found["accuracy"])
    assert len(found["wrong"]) == len(test) - np.trace(counts)
    assert np.all(np.diff(found["confidence"][found["wrong"]]) <= 0)
    first, kernel = found["maps"]["first"], found["trace"]["first"].params["kernel"]
    middle = found["data"].x_test[0, 10:13, 10:13] / 255
    bias = found["trace"]["first"].params["bias"]
    by_hand = np.maximum(np.einsum("ij,ijf->f", middle, kernel[:, :, 0]) + bias, 0)
    np.testing.assert_allclose(first[10, 10], by_hand, rtol=1e-4, atol=1e-5)
    assert "digits.png" in capsys.readouterr().out


def test_clothes(shared_data, tmp_path, monkeypatch, record_property, capsys):
    """Goals on the subset: 0.845 with convolutions after ten epochs, seen over seeds 0.850 to 0.878
    (the same in PyTorch: 0.831 to 0.855); without, 0.80 (scikit-learn's MLP: 0.808 to 0.831)."""
    found = run("clothes.py", tmp_path, monkeypatch)
    *dense, convolutions = found["scores"].values()
    assert found["EPOCHS"] == 10
    record_property("accuracy", convolutions)
    assert convolutions >= 0.845
    assert convolutions > max(dense) > min(dense) > 0.80
    assert found["history"].history["accuracy"][-1] > 0.85
    assert np.mean(found["predicted"] == found["test_labels"]) == pytest.approx(convolutions)
    assert "clothes.png" in capsys.readouterr().out
